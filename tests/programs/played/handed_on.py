"""Functions and methods that compiled code calls, and attributes that it reads by name."""

import collections
import functools
import itertools
import operator
import os
import sys

import numpy as onp

import fastad.numpy as np

from . import Stories, calls, nothing, setting

STORIES = Stories()
story = STORIES.add


class Model:
    pass


@story
def format_reads_attribute():
    c = Model()
    c.k = 2.0

    text = "{0.k}"

    def f(x):
        return np.sum(x) * float(text.format(c))

    return f, calls(setting(c, k=5.0)), nothing


@story
def format_map_reads_attribute():
    c = Model()
    c.k = 2.0

    def f(x):
        return np.sum(x) * float("{a.k}".format_map({"a": c}))

    return f, calls(setting(c, k=5.0)), nothing


@story
def getattr_by_map():
    c = Model()
    c.k = 2.0

    def f(x):
        return np.sum(x) * list(map(getattr, [c], ["k"]))[0]

    return f, calls(setting(c, k=5.0)), nothing


@story
def getattr_partial():
    c = Model()
    c.k = 2.0
    get = functools.partial(getattr, c, "k")

    def f(x):
        return np.sum(x) * get()

    return f, calls(setting(c, k=5.0)), nothing


@story
def vars_by_map():
    c = Model()
    c.k = 2.0

    def f(x):
        return np.sum(x) * list(list(map(vars, [c]))[0].values())[0]

    return f, calls(setting(c, k=5.0)), nothing


@story
def append_by_map():
    out = []

    def f(x):
        list(map(out.append, ["a"]))
        return np.sum(x)

    return f, calls(), lambda: out


@story
def getcwd_by_partial():
    here = os.getcwd()
    g = functools.partial(os.getcwd)

    def f(x):
        return np.sum(x) * len(g())

    return f, calls(lambda: os.chdir("/"), lambda: os.chdir(here)), nothing


@story
def getcwd_by_iter():
    here = os.getcwd()

    def f(x):
        return np.sum(x) * len(next(iter(os.getcwd, None)))

    return f, calls(lambda: os.chdir("/"), lambda: os.chdir(here)), nothing


@story
def getcwd_by_defaultdict():
    here = os.getcwd()

    def f(x):
        d = collections.defaultdict(os.getcwd)
        return np.sum(x) * len(d["a"])

    return f, calls(lambda: os.chdir("/"), lambda: os.chdir(here)), nothing


@story
def element_by_the_key_of_max():
    def f(x):
        return np.sum(x) * max([1.0, 2.0], key=table.__getitem__)

    table = {1.0: 5, 2.0: 1}

    def ch():
        table[2.0] = 9

    return f, calls(ch), nothing


@story
def recursion_limit_by_starmap():
    old = sys.getrecursionlimit()

    def f(x):
        return np.sum(x) * sum(itertools.starmap(sys.getrecursionlimit, [()]))

    return (
        f,
        calls(lambda: sys.setrecursionlimit(old + 7), lambda: sys.setrecursionlimit(old)),
        nothing,
    )


@story
def bound_getattribute():
    c = Model()
    c.k = 2.0
    get = c.__getattribute__

    def f(x):
        return np.sum(x) * get("k")

    return f, calls(setting(c, k=5.0)), nothing


@story
def bound_array_getitem():
    a = onp.array([1.0, 2.0])
    get = a.__getitem__

    def f(x):
        return np.sum(x) * get(0)

    def ch():
        a[0] = 5.0

    return f, calls(ch), nothing


@story
def bound_array_sum():
    a = onp.array([1.0, 2.0])
    get = a.sum

    def f(x):
        return np.sum(x) * get()

    def ch():
        a[0] = 5.0

    return f, calls(ch), nothing


@story
def bound_array_add():
    a = onp.array([1.0, 2.0])
    get = a.__add__

    def f(x):
        return np.sum(x) * np.sum(get(1.0))

    def ch():
        a[0] = 5.0

    return f, calls(ch), nothing


@story
def bound_tuple_holding_list():
    held = [2.0]
    get = (held,).__getitem__

    def f(x):
        return np.sum(x) * get(0)[0]

    def ch():
        held[0] = 5.0

    return f, calls(ch), nothing


@story
def attrgetter_property():
    class Inner:
        pass

    class T:
        k = property(operator.attrgetter("inner.k"))

    c = T()
    c.inner = Inner()
    c.inner.k = 2.0

    def f(x):
        return np.sum(x) * c.k

    def ch():
        c.inner.k = 5.0

    def ch2():
        c.inner = Inner()
        c.inner.k = 9.0

    return f, calls(ch, ch2), nothing


@story
def attrgetter_map():
    class Inner:
        pass

    c = Inner()
    c.inner = Inner()
    c.inner.k = 2.0
    key = operator.attrgetter("inner.k")

    def f(x):
        return np.sum(x) * sum(map(key, [c]))

    def ch():
        c.inner.k = 5.0

    return f, calls(ch), nothing


@story
def attrgetter_built_inside():
    class Inner:
        pass

    c = Inner()
    c.inner = Inner()
    c.inner.k = 2.0
    nm = ["inner", "k"]

    def f(x):
        return np.sum(x) * operator.attrgetter(".".join(nm))(c)

    def ch():
        c.inner.k = 5.0

    return f, calls(ch), nothing


@story
def method_wrapper_len():
    held = [1.0, 2.0]
    n = held.__len__

    def f(x):
        return np.sum(x) * n()

    def ch():
        held.append(4.0)

    return f, calls(ch), nothing


@story
def method_wrapper_call():
    k = [2.0]

    def h():
        return k[0]

    n = h.__call__

    def f(x):
        return np.sum(x) * n()

    def ch():
        k[0] = 5.0

    return f, calls(ch), nothing


@story
def method_wrapper_user():
    class A:
        def __len__(s):
            return s.n

    a = A()
    a.n = 2
    held = a.__len__

    def f(x):
        return np.sum(x) * held()

    def ch():
        a.n = 5

    return f, calls(ch), nothing


@story
def method_wrapper_iter():
    held = [2.0]
    way = held.__iter__

    def f(x):
        return np.sum(x) * sum(way())

    def ch():
        held.append(4.0)

    return f, calls(ch), nothing


@story
def float_mul_wrapper_of_list_mul():
    held = [2.0]
    way = held.__mul__

    def f(x):
        return np.sum(x) * sum(way(2))

    def ch():
        held.append(4.0)

    return f, calls(ch), nothing


@story
def getset_descriptor_get():
    class T:
        pass

    c = T()
    c.k = 2.0
    g = T.__dict__["__dict__"].__get__

    def f(x):
        return np.sum(x) * g(c)["k"]

    def ch():
        c.k = 5.0

    return f, calls(ch), nothing


@story
def member_get():
    class T:
        __slots__ = ("k",)

    c = T()
    c.k = 2.0
    g = T.k.__get__

    def f(x):
        return np.sum(x) * g(c)

    def ch():
        c.k = 5.0

    return f, calls(ch), nothing


@story
def property_get():
    class T:
        @property
        def k(s):
            return s._k

    c = T()
    c._k = 2.0
    g = T.k.__get__

    def f(x):
        return np.sum(x) * g(c)

    def ch():
        c._k = 5.0

    return f, calls(ch), nothing


@story
def object_getattribute_direct():
    c = Model()
    c.k = 2.0
    g = object.__getattribute__

    def f(x):
        return np.sum(x) * g(c, "k")

    def ch():
        c.k = 5.0

    return f, calls(ch), nothing


@story
def type_getattribute_direct():
    class A:
        k = 2.0

    g = type.__getattribute__

    def f(x):
        return np.sum(x) * g(A, "k")

    def ch():
        A.k = 5.0

    return f, calls(ch), nothing


@story
def dict_getitem_direct():
    d = {"k": 2.0}
    g = dict.__getitem__

    def f(x):
        return np.sum(x) * g(d, "k")

    def ch():
        d["k"] = 5.0

    return f, calls(ch), nothing
