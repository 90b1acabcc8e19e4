"""Data classes, named tuples, enumerations, matching."""

import collections
import dataclasses
import enum

import numpy as onp

import fastad.numpy as np

from . import Stories, calls, inputs, nothing, setting

STORIES = Stories()
story = STORIES.add


class Model:
    pass


@story
def dc_slots_replace():
    @dataclasses.dataclass(slots=True)
    class P:
        a: float
        b: list

    h = [P(2.0, [1.0])]

    def f(x):
        return np.sum(x) * h[0].a * h[0].b[0]

    def c1():
        h[0] = dataclasses.replace(h[0], a=5.0)

    def c2():
        h[0].b[0] = 7.0

    def c3():
        h[0].a = onp.float32(2)

    return f, calls(c1, c2, c3), nothing


@story
def dc_replace_inside():
    @dataclasses.dataclass(frozen=True)
    class P:
        a: float
        b: float = 3.0

    p = P(2.0)

    def f(x):
        q = dataclasses.replace(p, a=np.sum(x))
        return q.a * q.b

    def c1():
        object.__setattr__(p, "b", 9.0)

    return f, calls(c1), nothing


@story
def dc_field_default_changed():
    @dataclasses.dataclass
    class P:
        a: float = 2.0

    def f(x):
        return np.sum(x) * P().a

    def c1():
        P.a = 5.0

    def c2():
        P.__init__.__defaults__ = (7.0,)

    return f, calls(c1, c2), nothing


@story
def dc_eq_order():
    @dataclasses.dataclass(order=True)
    class P:
        a: float

    p, q = P(1.0), P(2.0)

    def f(x):
        return np.sum(x) if p < q else -np.sum(x)

    def c1():
        p.a = 3.0

    return f, calls(c1), nothing


@story
def dc_kwonly_inherit():
    @dataclasses.dataclass(kw_only=True)
    class A:
        a: float = 1.0

    @dataclasses.dataclass(kw_only=True)
    class B(A):
        b: float = 2.0

    o = B()

    def f(x):
        return np.sum(x) * o.a + o.b

    def c1():
        o.a = 3.0

    def c2():
        o.b = -0.0

    return f, calls(c1, c2), nothing


@story
def nt_replace():
    P = collections.namedtuple("P", "a b")
    h = {"p": P(1.0, 2.0)}

    def f(x):
        return np.sum(x) * h["p"].a + h["p"]._replace(b=4.0).b

    def c1():
        h["p"] = h["p"]._replace(a=3.0)

    def c2():
        h["p"] = P(3.0, 2.0)

    return f, calls(c1, c2), nothing


@story
def nt_field_order_swapped():
    P = collections.namedtuple("P", "a b")
    p = P(1.0, 2.0)

    def f(x):
        return np.sum(x) * p.a

    def c1():
        P.a, P.b = P.b, P.a

    return f, calls(c1), nothing


@story
def enum_value_rebound():
    class E(enum.Enum):
        A = 1.0
        B = 2.0

    def f(x):
        return np.sum(x) * E.A.value

    def c1():
        E.A._value_ = 9.0

    return f, calls(c1), nothing


@story
def enum_members_iter():
    class E(enum.IntFlag):
        A = 1
        B = 2

    o = Model()
    o.m = E.A

    def f(x):
        return np.sum(x) * (2.0 if E.B in o.m else 3.0)

    def c1():
        o.m |= E.B

    return f, calls(c1), nothing


@story
def enum_with_method_patched():
    class E(enum.Enum):
        A = 1.0

        def k(s):
            return s.value

    def f(x):
        return np.sum(x) * E.A.k()

    def c1():
        E.k = lambda s: 5.0

    return f, calls(c1), nothing


@story
def match_mapping():
    cfg = {"kind": "a", "k": 2.0}

    def f(x):
        match cfg:
            case {"kind": "a", "k": k}:
                return np.sum(x) * k
            case {"kind": "b", **rest}:
                return np.sum(x) * len(rest)
            case _:
                return np.sum(x)

    def c1():
        cfg["k"] = 4.0

    def c2():
        cfg["kind"] = "b"

    return f, calls(c1, c2), nothing


@story
def match_class_kw():
    class P:
        def __init__(s, a):
            s.a = a

    h = [P(2.0)]

    def f(x):
        match h[0]:
            case P(a=a) if a > 3:
                return np.sum(x) * a
            case P(a=a):
                return np.sum(x) - a

    def c1():
        h[0].a = 4.0

    def c2():
        h[0] = P(1.0)

    return f, calls(c1, c2), nothing


@story
def match_arg_value():
    def f(x):
        match float(onp.ndim(x)), len(x):
            case (1.0, n) if n > 3:
                return np.sum(x)
            case _:
                return -np.sum(x)

    return f, [(x,) for x in inputs(6)] + [(x[:2],) for x in inputs(6)], nothing


@story
def frozen_dc_cached_hash_dict():
    @dataclasses.dataclass(frozen=True)
    class K:
        a: int

    t = {K(1): 2.0, K(2): 3.0}
    o = Model()
    o.k = K(1)

    def f(x):
        return np.sum(x) * t[o.k]

    def ch():
        o.k = K(2)

    def ch2():
        t[K(2)] = 11.0

    return f, calls(ch, ch2), nothing


@story
def defaults_of_a_named_tuple_that_are_set():
    P = collections.namedtuple("P", "a b", defaults=(2.0,))

    def f(x):
        return np.sum(P(x).a) * P(x).b

    return f, calls(setting(P.__new__, __defaults__=(3.0,))), nothing


@story
def default_of_a_named_tuple_that_is_written_to():
    rates = onp.ones(4)
    P = collections.namedtuple("P", "a b", defaults=(rates,))

    def f(x):
        return np.sum(P(x).a * P(x).b)

    return f, calls(lambda: rates.__setitem__(1, 5.0)), nothing
