"""Places in functions: defaults, partials, methods, decorators, caches."""

from __future__ import annotations

import functools


def default_argument(value):
    def read(held=value):
        return held

    def write(new):
        read.__defaults__ = (new,)

    return read, write


def keyword_default(value):
    def read(*, held=value):
        return held

    def write(new):
        read.__kwdefaults__["held"] = new

    return read, write


def mutable_default(value):
    def read(held=[value]):  # noqa: B006
        return held[0]

    def write(new):
        read.__defaults__[0][0] = new

    return read, write


def function_attribute(value):
    def read():
        return read.held

    read.held = value

    def write(new):
        read.held = new

    return read, write


def partial_argument(value):
    holder = [functools.partial(lambda held: held, value)]

    def write(new):
        holder[0] = functools.partial(lambda held: held, new)

    return lambda: holder[0](), write


def partial_keywords(value):
    read = functools.partial(lambda held: held, held=value)

    def write(new):
        read.keywords["held"] = new

    return read, write


def bound_method(value):
    class Holder:
        def get(self):
            return self.held

    holder = Holder()
    holder.held = value
    read = holder.get

    def write(new):
        holder.held = new

    return read, write


def replaced_method(value):
    class Holder:
        def get(self):
            return None

    def write(new):
        Holder.get = lambda self: new

    write(value)
    holder = Holder()
    return lambda: holder.get(), write


def class_method(value):
    class Holder:
        held = value

        @classmethod
        def get(cls):
            return cls.held

    def write(new):
        Holder.held = new

    return lambda: Holder.get(), write


def static_method(value):
    class Holder:
        @staticmethod
        def get():
            return value

    def write(new):
        Holder.get = staticmethod(lambda: new)

    return lambda: Holder.get(), write


def callable_object(value):
    class Reader:
        def __call__(self):
            return self.held

    read = Reader()
    read.held = value

    def write(new):
        read.held = new

    return read, write


def replaced_code(value):
    def read():
        return value

    def make(new):
        value = new

        def read():
            return value

        return read

    holder = [read]

    def inner():
        return holder[0]()

    def write(new):
        holder[0] = make(new)

    return inner, write
