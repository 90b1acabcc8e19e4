"""Errors of what nobody uses, whole numbers and complex ones, NotImplemented."""

import numpy as onp

import fastad.numpy as np

from . import Stories, calls, nothing, setting

STORIES = Stories()
story = STORIES.add


class Model:
    pass


@story
def division_of_whole_numbers_by_zero():
    def f(n, m):
        with np.errstate(divide="raise"):
            try:
                return n // m, n % m
            except FloatingPointError:
                return -1

    divisors = [[1, 2], [3, -4], [3, 3], [2, 2], [0, 1], [1, 0], [5, 5]]
    return f, [(onp.array([4, 5]), onp.array(m)) for m in divisors], nothing


@story
def element_out_of_bounds_that_is_not_used():
    def f(x, i):
        x[i]
        return np.sum(x)

    places = [0, 1, 2, 1, 0, 2, 7, 1]
    return f, [(onp.arange(3.0) + k, onp.array([i])) for k, i in enumerate(places)], nothing


@story
def element_taken_out_of_bounds_that_is_not_used():
    def f(x, i):
        np.take(x, i)
        return np.sum(x)

    places = [0, 1, 2, 1, 0, 2, 7, 1]
    return f, [(onp.arange(3.0) + k, onp.array(i)) for k, i in enumerate(places)], nothing


@story
def one_element_out_of_bounds():
    def f(x, i):
        return np.ravel(x)[i], np.take(x, i)

    places = [0, 0, 0, -1, 0, 0, 1, 0]
    return f, [(1.0 + k, onp.array(i)) for k, i in enumerate(places)], nothing


@story
def power_of_whole_numbers_that_is_none_and_not_used():
    def f(n):
        onp.array([2, 3]) ** n
        return np.sum(n)

    return f, [(onp.array([k, 1]),) for k in (0, 1, 2, 3, 4, 5, -1, 2)], nothing


@story
def complex_infinities_times_one():
    def f(z):
        return z * 1.0, z / 1, 1 * z

    values = [1 + 1j, 2 - 1j, 3j, -1.0 + 0.5j, 1.0, complex(-onp.inf, -1), complex(onp.nan, 1)]
    return f, [(onp.array([v, 2j]),) for v in values], nothing


@story
def not_implemented_attr():
    c = Model()
    c.k = NotImplemented

    def f(x):
        return np.sum(x) * (2.0 if c.k is NotImplemented else c.k)

    return f, calls(setting(c, k=5.0), setting(c, k=NotImplemented), setting(c, k=6.0)), nothing


@story
def not_implemented_item():
    c = [NotImplemented, 1.0]

    def f(x):
        return np.sum(x) * (2.0 if c[0] is NotImplemented else c[0])

    def c1():
        c[0] = 5.0

    return f, calls(c1), nothing


@story
def not_implemented_dict():
    c = {"k": NotImplemented}

    def f(x):
        return np.sum(x) * (2.0 if c["k"] is NotImplemented else c["k"])

    def c1():
        c["k"] = 5.0

    return f, calls(c1), nothing


@story
def not_implemented_class():
    class A:
        k = NotImplemented

    def f(x):
        return np.sum(x) * (2.0 if A.k is NotImplemented else A.k)

    def c1():
        A.k = 5.0

    return f, calls(c1), nothing


@story
def not_implemented_cell():
    k = NotImplemented

    def f(x):
        return np.sum(x) * (2.0 if k is NotImplemented else k)

    def c1():
        nonlocal k
        k = 5.0

    return f, calls(c1), nothing
