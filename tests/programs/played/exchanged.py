"""Dicts of attributes and classes that are exchanged, and objects that share them."""

import functools
import types

import numpy as onp

import fastad.numpy as np

from . import Stories, calls, nothing

STORIES = Stories()
story = STORIES.add


class Model:
    pass


@story
def dict_of_instance_replaced():
    c = Model()
    c.k = 2.0

    def f(x):
        return np.sum(x) * c.k

    def ch():
        c.__dict__ = {"k": 5.0}

    def ch2():
        c.k = 7.0

    return f, calls(ch, ch2), nothing


@story
def dict_of_instance_replaced_later():
    c = Model()
    c.k = 2.0
    d = c.__dict__

    def f(x):
        return np.sum(x) * c.k

    def ch():
        c.__dict__ = {"k": 5.0}

    def ch2():
        c.__dict__ = d

    return f, calls(ch, ch2), nothing


@story
def dict_of_function_replaced():
    def h():
        return h.k

    h.k = 2.0

    def f(x):
        return np.sum(x) * h()

    def ch():
        h.__dict__ = {"k": 5.0}

    return f, calls(ch), nothing


@story
def dict_of_partial_replaced():
    h = functools.partial(float, 2)
    h.k = 2.0

    def f(x):
        return np.sum(x) * h.k

    def ch():
        h.__dict__ = {"k": 5.0}

    return f, calls(ch), nothing


@story
def dict_of_exception():
    e = ValueError(2.0)
    e.k = 3.0

    def f(x):
        return np.sum(x) * e.args[0] * e.k

    def ch():
        e.args = (7.0,)

    def ch2():
        e.k = 9.0

    return f, calls(ch, ch2), nothing


@story
def own_exception_args():
    class E(Exception):
        pass

    e = E(2.0)

    def f(x):
        return np.sum(x) * e.args[0]

    def ch():
        e.args = (7.0,)

    return f, calls(ch), nothing


@story
def dict_of_list_subclass_replaced():
    class L(list):
        pass

    c = L([1.0])
    c.k = 2.0

    def f(x):
        return np.sum(x) * c.k * c[0]

    def ch():
        c.__dict__ = {"k": 5.0}

    return f, calls(ch), nothing


@story
def metaclass_changed():
    class M1(type):
        @property
        def k(s):
            return 2.0

    class M2(type):
        @property
        def k(s):
            return 5.0

    class A(metaclass=M1):
        pass

    def f(x):
        return np.sum(x) * A.k

    def ch():
        A.__class__ = M2

    return f, calls(ch), nothing


@story
def metaclass_call_added():
    class M1(type):
        pass

    class A(metaclass=M1):
        k = 2.0

    def f(x):
        return np.sum(x) * A().k

    def ch():
        M1.__call__ = lambda s: types.SimpleNamespace(k=9.0)

    return f, calls(ch), nothing


@story
def metaclass_getattribute():
    class M1(type):
        def __getattr__(s, n):
            return M1.tab[n]

        tab = {"k": 2.0}

    class A(metaclass=M1):
        pass

    def f(x):
        return np.sum(x) * A.k

    def ch():
        M1.tab["k"] = 5.0

    return f, calls(ch), nothing


@story
def str_subclass_attr():
    class S(str):
        pass

    s = S("a")
    s.k = 2.0

    def f(x):
        return np.sum(x) * s.k

    def ch():
        s.k = 4.0

    return f, calls(ch), nothing


@story
def slots_and_dict():
    class B:
        __slots__ = ("a",)

    class T(B):
        pass

    c = T()
    c.a = 2.0
    c.b = 3.0

    def f(x):
        return np.sum(x) * c.a * c.b

    def ch():
        c.a = 4.0

    def ch2():
        c.__dict__ = {"b": 9.0}

    return f, calls(ch, ch2), nothing


@story
def instance_dict_shared():
    class T:
        pass

    a, b = T(), T()
    a.k = 2.0
    b.__dict__ = a.__dict__

    def f(x):
        return np.sum(x) * a.k

    def ch():
        b.k = 4.0

    return f, calls(ch), nothing


@story
def borg():
    class T:
        shared = {}

        def __init__(s):
            s.__dict__ = T.shared

    a = T()
    a.k = 2.0

    def f(x):
        return np.sum(x) * T().k

    def ch():
        a.k = 4.0

    return f, calls(ch), nothing


@story
def type_dict_proxy():
    class T:
        k = 2.0

    d = T.__dict__

    def f(x):
        return np.sum(x) * d["k"]

    def ch():
        T.k = 4.0

    return f, calls(ch), nothing


@story
def super_getattr():
    class A:
        k = 2.0

    class B(A):
        pass

    b = B()
    s = super(B, b)

    def f(x):
        return np.sum(x) * s.k

    def ch():
        A.k = 5.0

    return f, calls(ch), nothing


@story
def super_instance_attr_chain():
    class A:
        def h(s):
            return s.q

    class B(A):
        pass

    b = B()
    b.q = 2.0
    s = super(B, b)

    def f(x):
        return np.sum(x) * s.h()

    def ch():
        b.q = 5.0

    return f, calls(ch), nothing


@story
def ufunc_where_captured():
    w = onp.array([True, False, True, True])

    def f(x):
        return np.sum(onp.add(onp.ones(4), 1.0, out=onp.zeros(4), where=w)) * np.sum(x)

    def ch():
        w[0] = False

    return f, calls(ch), nothing
