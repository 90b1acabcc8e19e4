"""Caches, partial functions, dispatch, properties that keep what they gave."""

import functools

import numpy as onp

import fastad.numpy as np

from . import Stories, calls, nothing

STORIES = Stories()
story = STORIES.add


class Model:
    pass


@story
def prop_setter_side():
    class A:
        def __init__(s):
            s._v = 1.0
            s.log = []

        @property
        def v(s):
            return s._v

        @v.setter
        def v(s, n):
            s._v = n * 2

    a = A()

    def f(x):
        return np.sum(x) * a.v

    def c1():
        a.v = 3.0

    return f, calls(c1), nothing


@story
def prop_deleter_lazy():
    class A:
        @property
        def v(s):
            if not hasattr(s, "_c"):
                s._c = s.w * 2
            return s._c

    a = A()
    a.w = 1.0

    def f(x):
        return np.sum(x) * a.v

    def c1():
        a.w = 3.0

    def c2():
        del a._c

    return f, calls(c1, c2), nothing


@story
def getattr_fallback_to_dict():
    class A:
        def __init__(s):
            object.__setattr__(s, "_d", {"k": 1.0})

        def __getattr__(s, n):
            return s._d[n]

        def __setattr__(s, n, v):
            s._d[n] = v

    a = A()

    def f(x):
        return np.sum(x) * a.k

    def c1():
        a.k = 3.0

    def c2():
        object.__setattr__(a, "k", 7.0)

    return f, calls(c1, c2), nothing


@story
def cache_method():
    o = Model()
    o.k = 2.0

    @functools.cache
    def g(n):
        return o.k * n

    def f(x):
        return np.sum(x) * g(3)

    def c1():
        o.k = 5.0

    def c2():
        g.cache_clear()

    return f, calls(c1, c2), nothing


@story
def lru_tiny():
    o = Model()
    o.k = 2.0
    o.n = 1

    @functools.lru_cache(maxsize=1)
    def g(n):
        return o.k * n

    def f(x):
        return np.sum(x) * g(o.n)

    def c1():
        o.k = 5.0

    def c2():
        o.n = 2

    def c3():
        o.n = 1

    return f, calls(c1, c2, c3), nothing


@story
def lru_on_array_id():
    a = onp.array([1.0, 2.0])

    @functools.lru_cache
    def g(i):
        return a[i].item()

    def f(x):
        return np.sum(x) * g(0)

    def c1():
        a[0] = 9.0

    def c2():
        g.cache_clear()

    return f, calls(c1, c2), nothing


@story
def partial_nested():
    items = [2.0]

    def h(a, b, *, c):
        return a * b[0] + c

    d = {"c": 1.0}
    p = functools.partial(functools.partial(h, b=items), **d)

    def f(x):
        return p(np.sum(x))

    def c1():
        items[0] = 3.0

    def c2():
        p.keywords["c"] = 4.0

    return f, calls(c1, c2), nothing


@story
def singledispatch_class():
    @functools.singledispatch
    def h(o):
        return 1.0

    class A:
        pass

    a = A()

    def f(x):
        return np.sum(x) * h(a)

    def c1():
        h.register(A)(lambda o: 3.0)

    return f, calls(c1), nothing


@story
def cached_prop_invalidated():
    class A:
        @functools.cached_property
        def k(s):
            return s.w * 2

    a = A()
    a.w = 1.0

    def f(x):
        return np.sum(x) * a.k

    def c1():
        a.w = 3.0

    def c2():
        del a.k

    def c3():
        a.__dict__["k"] = 11.0

    return f, calls(c1, c2, c3), nothing


@story
def dict_setdefault_by_partial():
    d = {}
    g = functools.partial(d.setdefault, "a", 2.0)

    def f(x):
        return np.sum(x) * g()

    def ch():
        d["a"] = 7.0

    return f, calls(ch), lambda: dict(d)


@story
def singleton_new():
    class S:
        inst = None

        def __new__(cls):
            if cls.inst is None:
                cls.inst = object.__new__(cls)
                cls.inst.k = 2.0
            return cls.inst

    def f(x):
        return np.sum(x) * S().k

    def ch():
        S().k = 5.0

    def ch2():
        S.inst = None

    return f, calls(ch, ch2), nothing


@story
def property_cached_by_hand():
    class A:
        def __init__(s):
            s._c = {}
            s.w = 2.0

        @property
        def k(s):
            if "k" not in s._c:
                s._c["k"] = s.w * 3
            return s._c["k"]

    a = A()

    def f(x):
        return np.sum(x) * a.k

    def ch():
        a.w = 7.0

    def ch2():
        a._c.clear()

    return f, calls(ch, ch2), nothing


@story
def fn_attr_cache():
    def h(n):
        if n not in h.c:
            h.c[n] = n * h.k
        return h.c[n]

    h.c = {}
    h.k = 2.0

    def f(x):
        return np.sum(x) * h(3)

    def ch():
        h.k = 9.0

    def ch2():
        h.c.clear()

    return f, calls(ch, ch2), nothing


@story
def getattr_hook_instance_dict_swap():
    class A:
        def __getattr__(s, n):
            return 7.0

    a = A()
    a.k = 2.0

    def f(x):
        return np.sum(x) * a.k

    def ch():
        del a.k

    def ch2():
        a.__dict__ = {"k": 3.0}

    return f, calls(ch, ch2), nothing
