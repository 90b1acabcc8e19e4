"""State in classes, descriptors, modules, caches."""

import enum
import functools
import gc
import importlib
import inspect
import operator
import sys
import types
import weakref

import numpy as onp

import fastad.numpy as np

from . import Stories, calls, nothing

STORIES = Stories()
story = STORIES.add


@story
def class_attr_mro():
    class A:
        k = 2.0

    class B:
        pass

    class C(B, A):
        pass

    c = C()

    def f(x):
        return np.sum(x) * c.k

    def ch():
        B.k = 5.0

    def ch2():
        C.k = 7.0

    def ch3():
        c.k = 8.0

    def ch4():
        del c.k
        del C.k

    return f, calls(ch, ch2, ch3, ch4), nothing


@story
def super_attr():
    class A:
        def h(s):
            return 2.0

    class B(A):
        def h(s):
            return super().h() * 3

    b = B()

    def f(x):
        return np.sum(x) * b.h()

    def ch():
        A.h = lambda s: 5.0

    return f, calls(ch), nothing


@story
def super_class_method():
    class A:
        k = 2.0

        @classmethod
        def h(cls):
            return cls.k

        @staticmethod
        def g():
            return 1.0

    class B(A):
        @classmethod
        def h(cls):
            return super().h() * 3 + cls.g()

    def f(x):
        return np.sum(x) * B.h()

    def ch():
        A.k = 5.0

    def ch2():
        B.k = 7.0

    def ch3():
        A.g = staticmethod(lambda: 3.0)

    return f, calls(ch, ch2, ch3), nothing


@story
def data_descr():
    class D:
        def __init__(s):
            s.v = 2.0

        def __get__(s, o, t):
            return s.v

        def __set__(s, o, v):
            s.v = v

    class A:
        d = D()

    a = A()

    def f(x):
        return np.sum(x) * a.d

    def ch():
        a.d = 9.0

    return f, calls(ch), nothing


@story
def set_name_descr():
    class D:
        def __set_name__(s, o, n):
            s.n = "_" + n

        def __get__(s, o, t):
            return getattr(o, s.n)

    class A:
        d = D()

        def __init__(s):
            s._d = 2.0

    a = A()

    def f(x):
        return np.sum(x) * a.d

    def ch():
        a._d = 9.0

    return f, calls(ch), nothing


@story
def getattr_concat():
    class A:
        pass

    a = A()
    a.w_1 = 2.0
    a.w_2 = 3.0
    i = [1]

    def f(x):
        return np.sum(x) * getattr(a, "w_" + str(i[0]))

    def ch():
        a.w_1 = 9.0

    def ch2():
        i[0] = 2

    def ch3():
        a.w_2 = 12.0

    return f, calls(ch, ch2, ch3), nothing


@story
def globals_dict():
    g = {"k": 2.0}
    exec("def h(x): return x * globals()['k']", g)
    h = g["h"]

    def f(x):
        return np.sum(h(x))

    def ch():
        g["k"] = 9.0

    return f, calls(ch), nothing


@story
def vars_module():
    m = types.ModuleType("mymod")
    m.k = 2.0

    def f(x):
        return np.sum(x) * vars(m)["k"]

    def ch():
        m.k = 9.0

    return f, calls(ch), nothing


@story
def sys_modules():
    m = types.ModuleType("mymod_xyz")
    m.k = 2.0
    sys.modules["mymod_xyz"] = m

    def f(x):
        return np.sum(x) * sys.modules["mymod_xyz"].k

    def ch():
        m.k = 9.0

    return f, calls(ch), nothing


@story
def import_inside():
    m = types.ModuleType("mymod_xyz2")
    m.k = 2.0
    sys.modules["mymod_xyz2"] = m

    def f(x):
        from mymod_xyz2 import k

        return np.sum(x) * k

    def ch():
        m.k = 9.0

    def ch2():
        n = types.ModuleType("mymod_xyz2")
        n.k = 4.0
        sys.modules["mymod_xyz2"] = n

    return f, calls(ch, ch2), nothing


@story
def importlib_import():
    m = types.ModuleType("mymod_xyz3")
    m.k = 2.0
    sys.modules["mymod_xyz3"] = m

    def f(x):
        return np.sum(x) * importlib.import_module("mymod_xyz3").k

    def ch():
        m.k = 9.0

    return f, calls(ch), nothing


@story
def closure_cell_contents():
    k = 2.0

    def h():
        return k

    def f(x):
        return np.sum(x) * h.__closure__[0].cell_contents

    def ch():
        h.__closure__[0].cell_contents = 9.0

    return f, calls(ch), nothing


@story
def func_defaults_read():
    def h(a=2.0):
        return a

    def f(x):
        return np.sum(x) * h.__defaults__[0]

    def ch():
        h.__defaults__ = (9.0,)

    return f, calls(ch), nothing


@story
def inspect_sig():
    def h(a=2.0):
        return a

    def f(x):
        return np.sum(x) * inspect.signature(h).parameters["a"].default

    def ch():
        h.__defaults__ = (9.0,)

    return f, calls(ch), nothing


@story
def co_consts():
    def h():
        return 2.0

    def f(x):
        return np.sum(x) * max(c for c in h.__code__.co_consts if c)

    def ch():
        h.__code__ = (lambda: 9.0).__code__

    return f, calls(ch), nothing


@story
def refcount():
    L = [1]

    def f(x):
        return np.sum(x) * sys.getrefcount(L)

    keep = []

    def ch():
        keep.append(L)

    return f, calls(ch), nothing


@story
def recursion_limit():
    def f(x):
        return np.sum(x) * (2 if sys.getrecursionlimit() > 5000 else 3)

    old = sys.getrecursionlimit()

    def ch():
        sys.setrecursionlimit(6000)

    def ch2():
        sys.setrecursionlimit(old)

    return f, calls(ch, ch2), nothing


@story
def lru_method():
    class A:
        def __init__(s):
            s.k = 2.0

        @functools.lru_cache  # noqa: B019
        def w(s, n):
            return s.k * n

    a = A()

    def f(x):
        return np.sum(x) * a.w(3)

    def ch():
        a.k = 7.0

    def ch2():
        A.w.cache_clear()

    return f, calls(ch, ch2), nothing


@story
def lru_many():
    @functools.lru_cache(maxsize=2)
    def w(n):
        return n * k[0]

    k = [2.0]

    def f(x):
        return np.sum(x) * w(1) * w(2) * w(3)

    def ch():
        k[0] = 9.0

    return f, calls(ch), nothing


@story
def cache_on_value():
    c = {}

    def f(x):
        key = len(x)
        if key not in c:
            c[key] = onp.arange(float(key))
        return np.dot(x, c[key])

    return (
        f,
        calls(lambda: c.clear(), lambda: c.update({4: onp.ones(4)})),
        lambda: {k: v.copy() for k, v in c.items()},
    )


@story
def weak_method():
    class A:
        k = 2.0

        def h(s):
            return s.k

    a = A()
    w = weakref.WeakMethod(a.h)

    def f(x):
        return np.sum(x) * w()()

    def ch():
        A.k = 9.0

    return f, calls(ch), nothing


@story
def weak_set():
    class A:
        k = 2.0

    a, b = A(), A()
    s = weakref.WeakSet([a, b])
    L = [b]
    del b

    def f(x):
        return np.sum(x) * len(s)

    def ch():
        L.clear()
        gc.collect()

    return f, calls(ch), nothing


@story
def simple_namespace_deep():
    n = types.SimpleNamespace(a=types.SimpleNamespace(b=[{"c": (2.0, [3.0])}]))

    def f(x):
        return np.sum(x) * n.a.b[0]["c"][1][0]

    def ch():
        n.a.b[0]["c"][1][0] = 9.0

    return f, calls(ch), nothing


@story
def abc_len_hash():
    class L(list):
        def __len__(s):
            return k[0]

    k = [2]
    items = L([1.0])

    def f(x):
        return np.sum(x) * len(items) * (1 if items else 3)

    def ch():
        k[0] = 0

    return f, calls(ch), nothing


@story
def intsub():
    class Hundred(int):
        def __mul__(s, o):
            return 100 * o

        __rmul__ = __mul__

    n = Hundred(3)

    def f(x):
        return n * np.sum(x)

    def ch():
        Hundred.__mul__ = lambda s, o: 5 * o
        Hundred.__rmul__ = Hundred.__mul__

    return f, calls(ch), nothing


@story
def intenum():
    class E(enum.IntEnum):
        A = 1
        B = 2

    m = [E.A]

    def f(x):
        return np.sum(x) * m[0] * m[0].value

    def ch():
        m[0] = E.B

    return f, calls(ch), nothing


@story
def enum_arg():
    class E(enum.Enum):
        A = 1.0
        B = 2.0

    def f(x, e):
        return x * e.value

    return f, [(float(i), e) for i in range(8) for e in E], nothing


@story
def sum_start():
    L = [1.0, 2.0]

    def f(x):
        return sum(L, np.sum(x)) * functools.reduce(operator.mul, L, np.sum(x))

    return f, calls(lambda: L.append(5.0), lambda: L.pop(0), lambda: L.reverse()), nothing


@story
def list_identity_replaced():
    class M:
        pass

    m = M()
    m.layers = [(onp.ones(4), 1.0)]

    def f(x):
        for W, b in m.layers:
            x = np.tanh(x * W + b)
        return x.sum()

    def ch():
        m.layers = [(2 * W, b + 1) for W, b in m.layers]

    def ch2():
        m.layers[0][0][:] = 0.1

    def ch3():
        m.layers += m.layers

    return f, calls(ch, ch2, ch3), nothing


@story
def int_array_index():
    idx = onp.array([0, 1])

    def f(x):
        return np.sum(x[idx])

    def ch():
        idx[1] = 3

    return f, calls(ch), nothing


@story
def list_index_captured():
    idx = [0, 1]

    def f(x):
        return np.sum(x[idx]) + x[tuple(idx[:1])]

    def ch():
        idx[1] = 3

    return f, calls(ch), nothing


@story
def bool_mask_captured():
    m = onp.array([True, False, True, False])

    def f(x):
        return np.sum(x[m]), np.where(m, x, 0.0)

    def ch():
        m[1] = True

    return f, calls(ch), nothing


@story
def einsum_string():
    s = ["i,i->"]

    def f(x):
        return np.einsum(s[0], x, x)

    def ch():
        s[0] = "i,j->ij"

    return f, calls(ch), nothing


@story
def axis_captured():
    ax = [0]

    def f(x):
        return np.sum(np.outer(x, x * x), axis=ax[0])

    def ch():
        ax[0] = 1

    def ch2():
        ax[0] = (0, 1)

    return f, calls(ch, ch2), nothing


@story
def shape_captured():
    s = [2, 2]

    def f(x):
        return np.reshape(x, s)

    def ch():
        s[:] = [4, 1]

    return f, calls(ch), nothing
