"""What comes beside numbers: keys, named tuples, slices, functions, generators."""

import collections
import functools
import math
from typing import NamedTuple

import numpy as onp

from . import Stories, nothing, setting

STORIES = Stories()
story = STORIES.add


class NT(NamedTuple):
    a: float

    def scaled(self):
        return self.a * 2


class NTSub(collections.namedtuple("NTSub", "a")):
    pass


class Key:
    """One that is equal by its name alone."""

    def __init__(self, name, k):
        self.name, self.k = name, k

    def __hash__(self):
        return hash(self.name)

    def __eq__(self, other):
        return self.name == other.name


@story
def namedtuple_method_patched():
    NT.scaled = lambda s: s.a * 2

    def f(p):
        return p.scaled() + 1

    X = [NT(float(i)) for i in range(20)]

    def ch():
        NT.scaled = lambda s: s.a * 30

    return f, [(x,) for x in X[:8]] + [ch] + [(x,) for x in X[8:]], nothing


@story
def namedtuple_extra_attribute():
    def f(p):
        return p.a * getattr(p, "k", 1.0)

    X = [NTSub(float(i)) for i in range(20)]

    def ch():
        for x in X[10:]:
            x.k = 5.0

    return f, [(x,) for x in X[:8]] + [ch] + [(x,) for x in X[8:]], nothing


@story
def dict_key_object():
    k = Key("a", 2.0)

    def f(d):
        return sum(key.k * v for key, v in d.items())

    return (
        f,
        [({k: float(i)},) for i in range(8)]
        + [setting(k, k=7.0)]
        + [({k: float(i)},) for i in range(8)]
        + [({Key("a", 9.0): float(i)},) for i in range(8)],
        nothing,
    )


@story
def dict_key_tuple_types():
    def f(d):
        return sum(key[0] // 2 * v / 3 for key, v in d.items()), [type(k[0]).__name__ for k in d]

    return (
        f,
        [({(1,): float(i)},) for i in range(8)]
        + [({(1.0,): float(i)},) for i in range(8)]
        + [({(True,): float(i)},) for i in range(8)],
        nothing,
    )


@story
def dict_key_zero():
    def f(d):
        return sum(math.copysign(1, key) * v for key, v in d.items())

    return (
        f,
        [({0.0: float(i)},) for i in range(8)] + [({-0.0: float(i)},) for i in range(8)],
        nothing,
    )


@story
def slice_types():
    def f(x, s):
        return x * (1 if s.start is True else 2)

    return (
        f,
        [(float(i), slice(1, 2)) for i in range(8)]
        + [(float(i), slice(True, 2)) for i in range(8)],
        nothing,
    )


@story
def frozenset_arg():
    def f(x, s):
        return x * sum(s) + (2 if any(type(v) is float for v in s) else 3)

    return (
        f,
        [(float(i), frozenset((1, 2))) for i in range(8)]
        + [(float(i), frozenset((1.0, 2))) for i in range(8)],
        nothing,
    )


@story
def set_arg_mutated():
    s = {1, 2}

    def f(x, s):
        return x * sum(s)

    return (
        f,
        [(float(i), s) for i in range(8)] + [lambda: s.add(7)] + [(float(i), s) for i in range(8)],
        nothing,
    )


@story
def tuple_of_objects_arg():
    class P:
        pass

    p = P()
    p.w = onp.ones(3)
    p.inner = P()
    p.inner.z = 2.0

    def f(x, t):
        return x * t[0].w.sum() * t[0].inner.z

    def ch():
        p.w[1] = 5

    def ch2():
        p.inner = P()
        p.inner.z = 4.0

    return (
        f,
        [(float(i), (p,)) for i in range(8)]
        + [ch]
        + [(float(i), (p,)) for i in range(8)]
        + [ch2]
        + [(float(i), (p,)) for i in range(8)],
        nothing,
    )


@story
def function_arg():
    k = [2.0]

    def h(x):
        return x * k[0]

    def f(x, h):
        return h(x) + 1

    return (
        f,
        [(float(i), h) for i in range(8)]
        + [lambda: k.__setitem__(0, 9.0)]
        + [(float(i), h) for i in range(8)]
        + [(float(i), lambda x: x) for i in range(8)],
        nothing,
    )


@story
def partial_arg():
    def h(a, x):
        return x * a

    def f(x, h):
        return h(x) + 1

    return (
        f,
        [(float(i), functools.partial(h, 2.0)) for i in range(8)]
        + [(float(i), functools.partial(h, 3.0)) for i in range(8)],
        nothing,
    )


@story
def generator_arg():
    def f(x, g):
        return x * sum(g)

    return f, [(float(i), (j for j in range(i))) for i in range(8)], nothing


@story
def iterator_arg():
    it = iter(range(100))

    def f(x, g):
        return x * next(g)

    return f, [(float(i), it) for i in range(8)], nothing


@story
def rng_arg():
    r = onp.random.default_rng(3)

    def f(x, g):
        return x * g.normal()

    return f, [(float(i), r) for i in range(8)], nothing


@story
def varargs():
    def f(*a, **k):
        return sum(a) * len(a) + sum(k.values())

    return (
        f,
        [tuple(float(j + i) for j in range(i % 4)) for i in range(20)]
        + [[(1.0,), {"a": float(i), "b": 2.0}] for i in range(8)]
        + [[(1.0,), {"b": float(i), "a": 2.0}] for i in range(8)],
        nothing,
    )
