"""Objects that their own methods change in place: partials, properties, modules, arrays' flags."""

import functools
import types

import numpy as onp

import fastad.numpy as np

from . import Stories, calls, nothing

STORIES = Stories()
story = STORIES.add


@story
def array_interface_on_instance():
    class A:
        pass

    W = onp.ones(4)
    a = A()
    a.__array_interface__ = W.__array_interface__

    def f(x):
        return np.sum(x * onp.asarray(a))

    def ch():
        W[1] = 5.0

    return f, calls(ch), nothing


@story
def partial_setstate():
    p = functools.partial(lambda k, x: x * k, 2.0)

    def f(x):
        return np.sum(p(x))

    def ch():
        p.__setstate__((lambda x: x * 100, (), {}, {}))

    return f, calls(ch), nothing


@story
def property_init():
    class A:
        @property
        def k(s, *rest):  # CPython 3.12 to 3.14 read a freed getter again if it is simpler
            return 2.0

    a = A()

    def f(x):
        return np.sum(x) * a.k

    def ch():
        A.k.__init__(lambda s: 7.0)

    return f, calls(ch), nothing


@story
def staticmethod_init():
    class A:
        @staticmethod
        def k():
            return 2.0

    def f(x):
        return np.sum(x) * A.k()

    def ch():
        A.__dict__["k"].__init__(lambda: 7.0)

    return f, calls(ch), nothing


@story
def classmethod_init():
    class A:
        @classmethod
        def k(c):
            return 2.0

    def f(x):
        return np.sum(x) * A.k()

    def ch():
        A.__dict__["k"].__init__(lambda c: 7.0)

    return f, calls(ch), nothing


@story
def cached_property_func():
    class A:
        @functools.cached_property
        def k(s):
            return 2.0

    def f(x):
        return np.sum(x) * A().k

    def ch():
        A.__dict__["k"].func = lambda s: 7.0

    return f, calls(ch), nothing


@story
def module_class():
    m = types.ModuleType("m_q")
    m.k = 2.0

    class M(types.ModuleType):
        @property
        def k(s):
            return 9.0

    def f(x):
        return np.sum(x) * m.k

    def ch():
        m.__class__ = M

    return f, calls(ch), nothing


@story
def flags_owndata():
    def f(x):
        return np.sum(x) * (2 if x.flags.owndata else 3)

    b = onp.arange(100.0)
    return (
        f,
        [(onp.arange(4.0) + i,) for i in range(8)] + [(b[i : i + 4],) for i in range(8)],
        nothing,
    )


@story
def dtype_names():
    d = onp.dtype([("a", float)])

    def f(x):
        return np.sum(x) * len(d.names[0])

    def ch():
        d.names = ("aaa",)

    return f, calls(ch), nothing
