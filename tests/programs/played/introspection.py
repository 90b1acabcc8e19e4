"""Code that asks about code: names, documentation, closures, operators of classes."""

import array
import functools
import heapq
import itertools
import sys
import types

import numpy as onp

import fastad.numpy as np

from . import Stories, calls, nothing

STORIES = Stories()
story = STORIES.add


@story
def import_dunder():
    m = types.ModuleType("mymod_xyz4")
    m.k = 2.0
    sys.modules["mymod_xyz4"] = m

    def f(x):
        return np.sum(x) * __import__("mymod_xyz4").k

    def ch():
        m.k = 9.0

    return f, calls(ch), nothing


@story
def subclasses():
    class A:
        pass

    class B(A):
        pass

    keep = []

    def f(x):
        return np.sum(x) * len(A.__subclasses__())

    def ch():
        class C(A):
            pass

        keep.append(C)

    return f, calls(ch), nothing


@story
def mro_len():
    class A:
        pass

    class B(A):
        pass

    class C:
        pass

    def f(x):
        return np.sum(x) * len(B.__mro__)

    def ch():
        class M(A):
            pass

        B.__bases__ = (M,)

    return f, calls(ch), nothing


@story
def dict_of_class():
    class A:
        k = 2.0

    def f(x):
        return np.sum(x) * A.__dict__["k"]

    def ch():
        A.k = 7.0

    return f, calls(ch), nothing


@story
def annotations():
    class A:
        k: 2.0

    def f(x):
        return np.sum(x) * (2 if "k" in A.__annotations__ else 3)

    def ch():
        A.__annotations__.clear()

    return f, calls(ch), nothing


@story
def doc_read():
    def h():
        """a"""

    def f(x):
        return np.sum(x) * len(h.__doc__)

    def ch():
        h.__doc__ = "aaa"

    return f, calls(ch), nothing


@story
def class_doc():
    class A:
        """a"""

    def f(x):
        return np.sum(x) * len(A.__doc__)

    def ch():
        A.__doc__ = "aaa"

    return f, calls(ch), nothing


@story
def module_read():
    class A:
        pass

    def f(x):
        return np.sum(x) * len(A.__module__)

    def ch():
        A.__module__ = "aaa"

    return f, calls(ch), nothing


@story
def instance_module():
    class A:
        pass

    a = A()

    def f(x):
        return np.sum(x) * len(type(a).__name__) * len(a.__class__.__qualname__)

    def ch():
        A.__name__ = "aaa"

    def ch2():
        A.__qualname__ = "aaa"

    return f, calls(ch, ch2), nothing


@story
def f_module():
    def h():
        pass

    def f(x):
        return np.sum(x) * len(h.__module__ or "")

    def ch():
        h.__module__ = "aaa"

    return f, calls(ch), nothing


@story
def code_names():
    def h(a):
        return a

    def f(x):
        return np.sum(x) * h.__code__.co_argcount

    def ch():
        h.__code__ = (lambda a, b: a).__code__

    return f, calls(ch), nothing


@story
def self_name():
    def f(x):
        return np.sum(x) * len(f.__name__)

    def ch():
        f.__name__ = "longer"

    return f, calls(ch), nothing


@story
def property_getter_replaced():
    class A:
        @property
        def k(s):
            return s._k

    a = A()
    a._k = 2.0

    def f(x):
        return np.sum(x) * a.k

    def ch():
        A.k = property(lambda s: s._k * 3)

    def ch2():
        a._k = 5.0

    return f, calls(ch, ch2), nothing


@story
def property_fget():
    class A:
        @property
        def k(s):
            return s._k

    a = A()
    a._k = 2.0

    def f(x):
        return np.sum(x) * A.k.fget(a)

    def ch():
        a._k = 5.0

    return f, calls(ch), nothing


@story
def functools_wraps():
    def deco(h):
        @functools.wraps(h)
        def inner(x):
            return h(x) * inner.k

        inner.k = 2.0
        return inner

    @deco
    def h(x):
        return np.sum(x)

    def f(x):
        return h(x)

    def ch():
        h.k = 7.0

    def ch2():
        nonlocal_h = h.__wrapped__
        nonlocal_h.__code__ = (lambda x: np.sum(x) * 10).__code__

    return f, calls(ch, ch2), nothing


@story
def total_ordering():
    @functools.total_ordering
    class A:
        def __init__(s, v):
            s.v = v

        def __eq__(s, o):
            return s.v == o.v

        def __lt__(s, o):
            return s.v < o.v

    a, b = A(1), A(2)

    def f(x):
        return np.sum(x) * (2 if a >= b else 3)

    def ch():
        a.v = 5

    return f, calls(ch), nothing


@story
def cmp_to_key():
    L = [1.0, 2.0]
    k = [1]

    def f(x):
        return (
            np.sum(x)
            * sorted(L, key=functools.cmp_to_key(lambda a, b: k[0] * (a > b) - k[0] * (a < b)))[0]
        )

    def ch():
        k[0] = -1

    return f, calls(ch), nothing


@story
def singledispatch_register():
    @functools.singledispatch
    def h(a):
        return 2.0

    def f(x):
        return np.sum(x) * h(3)

    def ch():
        h.register(int)(lambda a: 7.0)

    return f, calls(ch), nothing


@story
def heapq_captured():
    L = [3.0, 1.0, 2.0]

    def f(x):
        return np.sum(x) * heapq.nsmallest(1, L)[0]

    def ch():
        L.append(0.5)

    return f, calls(ch), nothing


@story
def itertools_count_captured():
    c = itertools.count()

    def f(x):
        return np.sum(x) * next(c)

    return f, calls(), nothing


@story
def itertools_repeat():
    c = itertools.repeat(2.0, 30)

    def f(x):
        return np.sum(x) * next(c)

    return f, calls(n=20), nothing


@story
def zip_strict_captured():
    A, B = [1.0, 2.0], [3.0, 4.0]

    def f(x):
        return sum((a * b for a, b in zip(A, B)), np.sum(x))

    def ch():
        A[0] = 9.0

    return f, calls(ch), nothing


@story
def tee_chain():
    A = [1.0, 2.0]

    def f(x):
        return sum(itertools.chain(A, *[[v] for v in A]), np.sum(x))

    def ch():
        A.append(9.0)

    return f, calls(ch), nothing


@story
def accumulate():
    A = [1.0, 2.0]

    def f(x):
        return list(itertools.accumulate(A, lambda a, b: a * b * k[0], initial=np.sum(x)))[-1]

    k = [1.0]

    def ch():
        k[0] = 2.0

    return f, calls(ch), nothing


@story
def user_iter_state():
    class It:
        def __init__(s):
            s.i = 0

        def __iter__(s):
            return s

        def __next__(s):
            s.i += 1
            return float(s.i)

    it = It()

    def f(x):
        return np.sum(x) * next(it)

    return f, calls(), lambda: it.i


@story
def array_interface():
    class A:
        def __init__(s):
            s.w = onp.ones(4)

        def __array__(s, dtype=None, copy=None):
            return s.w

    a = A()

    def f(x):
        return np.sum(x * onp.asarray(a))

    def ch():
        a.w[1] = 5.0

    return f, calls(ch), nothing


@story
def array_interface2():
    class A:
        def __init__(s):
            s.w = onp.ones(4)

        def __array__(s, dtype=None, copy=None):
            return s.w

    a = A()

    def f(x):
        return np.dot(x, a)

    def ch():
        a.w[1] = 5.0

    return f, calls(ch), nothing


@story
def buffer_protocol():
    a = array.array("d", [1.0, 2, 3, 4])

    def f(x):
        return np.dot(x, onp.frombuffer(a))

    def ch():
        a[1] = 5.0

    return f, calls(ch), nothing


@story
def memoryview_cap():
    a = bytearray(b"abcd")
    m = memoryview(a)

    def f(x):
        return np.sum(x) * m[0]

    def ch():
        a[0] = 7

    return f, calls(ch), nothing


@story
def float_op_getattr():
    class Cfg(dict):
        __getattr__ = dict.__getitem__
        __setattr__ = dict.__setitem__

    c = Cfg(lr=2.0)

    def f(x):
        return np.sum(x) * c.lr

    def ch():
        c.lr = 9.0

    return f, calls(ch), nothing


@story
def getattr_delegate():
    class Inner:
        k = 2.0

    class Outer:
        def __init__(s):
            s._i = Inner()

        def __getattr__(s, n):
            return getattr(s._i, n)

    o = Outer()

    def f(x):
        return np.sum(x) * o.k

    def ch():
        o._i.k = 9.0

    def ch2():
        Inner.k = 4.0
        del o._i.k

    def ch3():
        o.k = 3.0

    return f, calls(ch, ch2, ch3), nothing


@story
def slots_inherit():
    class A:
        __slots__ = ("a",)

    class B(A):
        __slots__ = ("b", "__dict__")

    o = B()
    o.a = 2.0
    o.b = onp.ones(4)
    o.c = 3.0

    def f(x):
        return np.dot(x, o.b) * o.a * o.c

    def ch():
        o.a = 9.0

    def ch2():
        o.b[1] = 4.0

    def ch3():
        o.c = 4.0

    return f, calls(ch, ch2, ch3), nothing
