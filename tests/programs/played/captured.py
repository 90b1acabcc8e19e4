"""Captured arrays as inputs: where else they stand, and what traced places take of them."""

import collections
import contextvars
import functools
import types

import numpy as onp

import fastad.numpy as np
import fastad.numpy.random as npr
from fastad import grad, value_and_grad

from . import Stories, calls, nothing, setting

STORIES = Stories()
REPLAYED = Stories()
story = STORIES.add
replayed = STORIES.beside(REPLAYED)


class Slotted:
    __slots__ = ("w",)


def in_a_slot(w):
    held = Slotted()
    held.w = w
    return lambda: held.w


def in_a_variable_of_the_context(w):
    variable = contextvars.ContextVar("w", default=w)
    return variable.get


def in_a_tuple(w):
    held = (w,)
    return lambda: held[0]


def in_a_queue(w):
    held = collections.deque([w])
    return lambda: held[0]


def in_a_list(w):
    held = [w]
    return lambda: held[0]


def in_a_view_of_a_dict(w):
    held = types.MappingProxyType({"w": w})
    return lambda: held["w"]


def in_a_view(w):
    held = w[:]
    return lambda: held


def in_another_shape(w):
    held = w.reshape(2, 2)
    return lambda: held[0]


def in_a_default(w):
    return lambda w=w: w


def in_a_keyword_default(w):
    return lambda *, w=w: w


def in_a_partial(w):
    return functools.partial(lambda w: w, w)


def in_a_cache(w):
    return functools.cache(lambda: w)


def in_a_method(w):
    take = w.take
    return lambda: take([0, 1, 2, 3])


READS = {
    "as_a_float": lambda w: float(w[0]),
    "as_a_list": lambda w: w.tolist()[0],
    "summed_by_numpy": onp.sum,
    "as_it_is": lambda w: w[0],
}


def twice(hold, how, read):
    """The array in a dict, where it can be exchanged, and elsewhere; it changes in place."""

    def make():
        w = onp.ones(4)
        first = {"w": w}
        second = hold(w)

        def change():
            w[:] = w * 1.5

        def f(x):
            return np.sum(x * first["w"]) * read(second())

        return f, calls(change, change, change, nothing, change, n=5), nothing

    make.__name__ = f"{hold.__name__}_{how}"
    story(make)


for place in (
    in_a_slot,
    in_a_variable_of_the_context,
    in_a_tuple,
    in_a_queue,
    in_a_list,
    in_a_view_of_a_dict,
    in_a_view,
    in_another_shape,
    in_a_default,
    in_a_keyword_default,
    in_a_partial,
    in_a_cache,
    in_a_method,
):
    for label, reader in READS.items():
        twice(place, label, reader)


def table():
    return types.SimpleNamespace(values=onp.array([1.0, 4, 2, 8, 5]), edges=onp.linspace(0, 2, 5))


@replayed
def value_of_a_bin():
    t = table()
    f = grad(lambda x: np.sum(t.values[np.searchsorted(t.edges, x) - 1] * x**2))
    return (
        f,
        calls(lambda: t.edges.__setitem__(2, 0.7), lambda: t.values.__setitem__(2, 7)),
        nothing,
    )


@replayed
def table_of_places():
    t = table()
    t.places = onp.array([0, 3, 1, 2, 4])
    f = value_and_grad(lambda x: np.sum(t.values[t.places[np.floor(x * 2).astype(int)]] * x))
    longer = setting(t, values=onp.array([1.0, 4, 2, 8, 5, 7])[::-1])
    return f, calls(lambda: t.places.__setitem__(1, 0), longer), nothing


@replayed
def table_exchanged():
    t = table()
    f = lambda x: t.values[np.argsort(x)] * x
    other = setting(t, values=onp.arange(9.0) ** 2)
    return f, calls(other, setting(t, values=list(range(9)))), nothing


@story
def table_that_is_read_too():
    t = table()
    f = lambda x: np.sum(t.values[np.argsort(x)]) * float(t.values[2])
    return f, calls(lambda: t.values.__setitem__(2, 7.0)), nothing


@story
def table_in_a_tuple_too():
    t = table()
    held = (t.values,)
    f = lambda x: np.sum(t.values[np.argsort(x)]) * float(held[0][2])
    return f, calls(nothing, lambda: t.values.__setitem__(2, 7.0)), nothing


@story
def table_made_in_the_function():
    return lambda x: np.linspace(0, 1, 9)[np.argsort(x)] * x, calls(nothing), nothing


@replayed
def batches_drawn_from_captured_data():
    data = onp.random.default_rng(0).normal(size=(50, 4))

    def loss(w):
        return np.mean((data[npr.randint(0, 50, size=8)] @ w) ** 2)

    def change():
        data[:] = data * 2

    return value_and_grad(loss), [lambda: onp.random.seed(0), *calls(change)], onp.random.random


@replayed
def batches_by_a_captured_generator():
    data = onp.random.default_rng(0).normal(size=(50, 4))
    rng = onp.random.default_rng(1)

    def loss(w):
        return np.mean((data[rng.choice(50, 8, replace=False)] @ w) ** 2)

    return value_and_grad(loss), calls(nothing), rng.random


# code that is exchanged: what ran before, nobody has any more


@replayed
def code_of_the_function_exchanged():
    def f(x):
        return np.sum(x) * 2

    def other(x):
        return np.sum(x) * 3

    return f, calls(setting(f, __code__=other.__code__)), nothing


@replayed
def helper_exchanged_again_and_again():
    space = {"np": np}
    exec("def h(x):\n    return x * 2\n\ndef f(x):\n    return np.sum(h(x))", space)
    changes = (
        lambda: exec("def h(x):\n    return x * 5", space),
        lambda: setattr(space["h"], "__code__", (lambda x: x * 7).__code__),
        lambda: space.update(h=functools.partial(lambda k, x: x * k, 3.0)),
        lambda: space.update(h=np.sin),
        lambda: space.update(h=onp.cos),
    )
    return space["f"], calls(*changes), nothing
