"""Places behind calls: generators, sorting, caches, getters."""

from __future__ import annotations

import functools
import os

from .base import Model


def generator_inside(value):
    held = [value]

    def read():
        return next(item for item in held)

    def write(new):
        held[0] = new

    return read, write


def recursion(value):
    held = {"b": value}

    def down(n):
        return held["b"] if n == 0 else down(n - 1)

    def write(new):
        held["b"] = new

    return lambda: down(3), write


def sorted_key(value):
    table = {1: value, 2: None}

    def key(n):
        return n

    def read():
        return table[sorted([2, 1], key=key)[0]]

    def write(new):
        table[1] = new

    return read, write


def key_replaced(value):
    table = [value, value]

    def read():
        return max(range(2), key=lambda i: i) and table[1]

    def write(new):
        table[1] = new

    return read, write


def wrapped_by_a_decorator(value):
    held = [value]

    def decorate(fun):
        @functools.wraps(fun)
        def wrapper(*args):
            return fun(*args)

        return wrapper

    @decorate
    def read():
        return held[0]

    def write(new):
        held[0] = new

    return read, write


def lru_cached(value):
    held = [value]

    @functools.lru_cache(maxsize=8)
    def cached(n):
        return held[0]

    def write(new):
        held[0] = new
        cached.cache_clear()

    return lambda: cached(1), write


def cached_property(value):
    class Holder:
        @functools.cached_property
        def held(self):
            return self.inner

    holder = Holder()
    holder.inner = value

    def write(new):
        holder.inner = new
        del holder.held

    return lambda: holder.held, write


def attrgetter(value):
    import operator

    model = Model()
    model.held = value
    get = operator.attrgetter("held")

    def write(new):
        model.held = new

    return lambda: get(model), write


def abs_or_same(item):
    return item


def mapped(value):
    held = [value]

    def write(new):
        held[0] = new

    return lambda: next(map(abs_or_same, held)), write


def environment_flag(value):
    table = {"a": value}
    os.environ["FASTAD_TEST_WORLD"] = "a"

    def write(new):
        os.environ["FASTAD_TEST_WORLD"] = "b"
        table["b"] = new

    return lambda: table[os.environ["FASTAD_TEST_WORLD"]], write


def builtin_shadowed(value):
    space = {"value": value}
    exec("def read():\n    return min([value, value], key=id) if False else abs_(value)\n", space)
    space["abs_"] = lambda item: item

    def write(new):
        space["abs_"] = lambda item: new

    return space["read"], write
