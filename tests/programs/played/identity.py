"""What code asks by `is`: the same object, numbers that are one object."""

import collections
import operator

import numpy as onp

import fastad.numpy as np

from . import Stories, calls, inputs, nothing

STORIES = Stories()
story = STORIES.add


@story
def numbers_that_are_one_object():
    def f(x, y):
        return x * y if x is y else x + y

    numbers = [i + 0.5 for i in range(20)]
    return (
        f,
        [(numbers[i], numbers[i] if i % 3 == 0 else numbers[i + 1]) for i in range(19)],
        nothing,
    )


def _int_that_is_one_of(chosen):
    def f(x, n):
        return np.sum(x) * n * (2.0 if chosen(n) else 3.0)

    X = inputs(16)
    return (
        f,
        [(x, n) for x, n in zip(X, (1, 2, 3, 4, 5, 6, 8, 9, 7, 7, 7, 10, 7, 7, 1, 7))],
        nothing,
    )


@story
def identity_with_an_item_of_a_table():
    table = {"k": 7}
    return _int_that_is_one_of(lambda n: n is table["k"])


@story
def identity_with_what_a_call_gives():
    table = {"k": 7}
    return _int_that_is_one_of(lambda n: n is table.get("k", None))


@story
def identity_with_one_of_two():
    def chosen(n, seven=7):
        return n is (seven if n > 6 else None)

    return _int_that_is_one_of(chosen)


@story
def identity_beside_a_constant():
    seven = 7

    def second(_, x):
        return x

    return _int_that_is_one_of(lambda n: second(None, n is seven))


@story
def identity_asked_of_a_function():
    w = onp.ones(4)
    X = inputs(14)

    def f(x):
        return np.sum(x * 2) if operator.is_(x, w) else np.sum(x * 3)

    return f, [(x,) for x in X[:7]] + [(w,)] * 3 + [(x,) for x in X[7:]], nothing


@story
def difference_asked_of_a_function():
    w = [2.5]

    def f(x, y):
        return x * 2 if operator.is_not(x, w[0]) else y * 3

    steps = [(0.5 + i, 1.0) for i in range(7)]
    return f, [*steps, *[(w[0], float(i)) for i in range(3)], *steps], nothing


@story
def default_that_is_made_when_asked_for():
    d = collections.defaultdict(lambda: 3.0)

    def f(x):
        return np.sum(x) * (d["z"] if "z" in d else 2.0)

    def ch():
        d["z"] = 9.0

    def ch2():
        d["z"] = 11.0

    def ch3():
        del d["z"]

    return f, calls(ch, ch2, ch3), lambda: dict(d)
