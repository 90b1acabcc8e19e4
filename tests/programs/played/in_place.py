"""Operators like *= that change an array which has other names, where they often change nothing."""

import numpy as onp

import fastad.numpy as np

from . import Stories, inputs, nothing

STORIES = Stories()
story = STORIES.add
VALUES = [x.copy() for x in inputs(10)] + [
    onp.array([3.0, 1.0, 1.0, 1.0]),
    onp.array([1.0, 1.5, 2.5, 1.0]),
]


class Model:
    pass


def on_arrays(f):
    """A story of a function that may change its argument."""

    def make():
        arrays = [x.copy() for x in VALUES]
        return f, [(x,) for x in arrays], lambda: arrays

    make.__name__ = f.__name__
    return story(make)


@on_arrays
def imul_noop(a):
    a *= np.where(a > 2.4, 0.0, 1.0)
    return np.sum(a)


@on_arrays
def setitem_mask_noop(a):
    a[a > 2.4] = 0.0
    return np.sum(a)


@on_arrays
def clip_out_noop(a):
    np.clip(a, 0.0, 2.4, out=a)
    return np.sum(a)


@on_arrays
def minimum_out(a):
    onp.minimum(a, 2.4, out=a)
    return np.sum(a)


@on_arrays
def iadd_noop(a):
    b = a
    b += np.where(a > 2.4, 1.0, 0.0)
    return np.sum(b)


@on_arrays
def view_imul(a):
    v = a[1:]
    v *= np.where(v > 2.4, 0.0, 1.0)
    return np.sum(a)


@on_arrays
def sort_noop(a):
    a = np.sort(a)
    a -= 0.5 * (a > 2.4)
    return np.sum(a)


@on_arrays
def copyto(a):
    onp.copyto(a, onp.zeros(4), where=a > 2.4)
    return np.sum(a)


@on_arrays
def putmask(a):
    onp.putmask(a, a > 2.4, 0.0)
    return np.sum(a)


@on_arrays
def nan_to_num_inplace(a):
    np.nan_to_num(a, copy=False)
    return np.sum(a)


@story
def captured_imul_noop():
    w = onp.ones(4)

    def f(x):
        nonlocal w
        w *= np.where(x > 2.4, 2.0, 1.0)
        return np.sum(w * x)

    return f, [(x,) for x in VALUES], lambda: w


@story
def captured_attr_iadd_noop():
    o = Model()
    o.w = onp.ones(4)

    def f(x):
        o.w += np.where(x > 2.4, 2.0, 0.0)
        return np.sum(o.w * x)

    return f, [(x,) for x in VALUES], lambda: o.w


@story
def captured_attr_maximum():
    o = Model()
    o.best = 2.4

    def f(x):
        o.best = max(o.best, np.max(x))
        return np.sum(x) * o.best

    return f, [(x,) for x in VALUES], lambda: o.best


@story
def captured_attr_npmax():
    o = Model()
    o.best = onp.float64(2.4)

    def f(x):
        o.best = np.maximum(o.best, np.max(x))
        return np.sum(x) * o.best

    return f, [(x,) for x in VALUES], lambda: o.best


@story
def list_arg_iadd():
    ls = [[x, 0.0] for x in VALUES]

    def f(pair):
        pair[1] += np.where(np.max(pair[0]) > 2.4, 1.0, 0.0)
        return np.sum(pair[0]) + pair[1]

    return f, [(pair,) for pair in ls], lambda: [pair[1] for pair in ls]


@story
def dict_arg_iadd():
    ls = [{"a": x} for x in VALUES]

    def f(pair):
        pair["a"] *= np.where(pair["a"] > 2.4, 0.0, 1.0)
        return np.sum(pair["a"])

    return f, [(pair,) for pair in ls], lambda: ls


@story
def view_of_what_was_computed():
    def f(x):
        y = x * 1.0
        tail = y[1:]
        tail *= np.where(tail > 2.4, 0.0, 1.0)
        return np.sum(y)

    return f, [(x,) for x in VALUES], nothing


@story
def two_names_of_what_was_computed():
    def f(x):
        y = total = x * 1.0
        total += np.where(x > 2.4, 1.0, 0.0)
        return np.sum(y)

    return f, [(x,) for x in VALUES], nothing


@story
def elements_of_a_list_in_a_loop():
    def f(x):
        parts = [x[:2] * 1.0, x[2:] * 1.0]
        for part in parts:
            part *= np.where(part > 2.4, 0.0, 1.0)
        return np.sum(parts[0]) + np.sum(parts[1])

    return f, [(x,) for x in VALUES], nothing
