"""What calls leave behind: counters, stored values, patched modules; and what they read of it."""

import collections
import types

import numpy as onp

import fastad.numpy as np
from fastad import grad, jit

from . import Stories, calls, inputs, nothing

STORIES = Stories()
story = STORIES.add


@story
def running_max():
    m = types.SimpleNamespace(best=100.0)

    def f(x):
        m.best = np.maximum(m.best, np.sum(x))
        return np.sum(x) * 2

    return f, calls(), lambda: float(m.best)


@story
def running_max_list():
    L = [onp.float64(100.0)]

    def f(x):
        L[0] = np.maximum(L[0], np.sum(x))
        return np.sum(x) * 2

    X = calls() + [(onp.full(4, 1000.0),)] + calls()
    return f, X, lambda: float(L[0])


@story
def running_where_global():
    m = types.SimpleNamespace(best=onp.float64(0.0))

    def f(x):
        m.best = np.where(np.sum(x) > 1000, 1.0, m.best)[()]
        return np.sum(x) * 2

    X = calls() + [(onp.full(4, 1000.0),)] + calls()
    return f, X, lambda: float(m.best)


@story
def sgd_inside():
    m = types.SimpleNamespace(w=onp.ones(4), n=0)

    def f(x):
        g = grad(lambda w: np.sum((w * x) ** 2))(m.w)
        m.w = m.w - 0.01 * g
        return g

    return f, calls(), lambda: m.w.copy()


@story
def recursion_through_primitive():
    from fastad.extend import primitive

    h = {}

    @primitive
    def p(x):
        return onp.asarray(h["f"](x - 1) if onp.sum(x) > 5 else x)

    def f(x):
        return np.sum(p(x)) * 2

    h["f"] = jit(f)
    return f, calls(), nothing


@story
def self_recursive_jit():
    h = {}

    def f(x, n):
        return x * 1.0 if n == 0 else h["f"](x * 1.1, n - 1) + 1

    h["f"] = jit(f)
    return f, [(float(i), n) for i in range(5) for n in (0, 1, 2, 3)], nothing


@story
def frame_of_exception_args():
    class E(Exception):
        pass

    def h(x):
        e = E()
        e.v = x
        raise e

    def f(x):
        try:
            h(x)
        except E as e:
            return np.sum(e.v) * 2

    return f, calls(), nothing


@story
def exception_stored():
    L = []

    def f(x):
        try:
            raise ValueError(1)
        except ValueError as e:
            L.append(e)
        return np.sum(x)

    return f, calls(), lambda: len(L)


@story
def box_stored_then_removed():
    m = types.SimpleNamespace(tmp=None)

    def f(x):
        m.tmp = x * 2
        try:
            return np.sum(m.tmp)
        finally:
            m.tmp = None

    return f, calls(), lambda: m.tmp


@story
def stack_pushed_popped():
    st = []

    def f(x):
        st.append(x * 2)
        y = st.pop()
        return np.sum(y)

    return f, calls(), lambda: list(st)


@story
def attribute_deleted_in_f():
    class A:
        pass

    a = A()

    def f(x):
        a.t = x
        r = np.sum(a.t) * 2
        del a.t
        return r

    return f, calls(), lambda: vars(a)


@story
def swap_state():
    m = types.SimpleNamespace(a=1.0, b=1.0)

    def f(x):
        m.a, m.b = m.b, m.a
        return np.sum(x) * m.a

    def ch():
        m.b = 5.0

    return f, calls(ch), lambda: (m.a, m.b)


@story
def toggled_bool():
    m = types.SimpleNamespace(t=True)

    def f(x):
        m.t = not m.t
        return np.sum(x) * (2 if m.t else 3)

    return f, calls(n=20), lambda: m.t


@story
def counter_mod():
    m = types.SimpleNamespace(t=0)

    def f(x):
        m.t = (m.t + 1) % 2
        m.t = (m.t + 1) % 2
        return np.sum(x) * (2 + m.t)

    def ch():
        m.t = 1

    return f, calls(ch, n=10), lambda: m.t


@story
def warn_masked():
    def f(x):
        return np.sum(np.where(x > 1, np.log(x - 1), 0.0))

    return f, calls(n=10), nothing


@story
def class_counter_in_init():
    class P:
        n = 0

        def __init__(s, v):
            P.n += 1
            s.v = v

    def f(x):
        return P(x).v.sum()

    return f, calls(), lambda: P.n


@story
def del_counts():
    L = []

    class P:
        def __del__(s):
            L.append(1)

    def f(x):
        P()
        return np.sum(x) * 2

    return f, calls(), lambda: len(L)


@story
def enter_exit_counts():
    L = []

    class P:
        def __enter__(s):
            return s

        def __exit__(s, *a):
            L.append(1)

    def f(x):
        with P():
            return np.sum(x) * 2

    return f, calls(), lambda: len(L)


@story
def iter_protocol_getitem():
    class P:
        def __getitem__(s, i):
            if i > 2:
                raise IndexError
            return k[0] * i

    k = [2.0]
    p = P()

    def f(x):
        return np.sum(x) * sum(p)

    def ch():
        k[0] = 5.0

    return f, calls(ch), nothing


@story
def radd_protocol():
    class P:
        def __radd__(s, o):
            return o + k[0]

        __array_ufunc__ = None

    k = [2.0]
    p = P()

    def f(x):
        return np.sum(x + p)

    def ch():
        k[0] = 5.0

    return f, calls(ch), nothing


@story
def array_ufunc_protocol():
    class P(onp.lib.mixins.NDArrayOperatorsMixin):
        def __init__(s, v):
            s.v = v

        def __array_ufunc__(s, u, m, *a, **k):
            return getattr(u, m)(*[b.v if isinstance(b, P) else b for b in a])

    p = P(2.0)

    def f(x):
        return np.sum(x * p)

    def ch():
        p.v = 7.0

    return f, calls(ch), nothing


@story
def global_numpy_func_alias():
    h = {"f": np.sin}

    def f(x):
        return np.sum(h["f"](x))

    def ch():
        h["f"] = np.cos

    def ch2():
        h["f"] = onp.exp

    def ch3():
        h["f"] = lambda x: x * 2

    return f, calls(ch, ch2, ch3), nothing


@story
def ufunc_by_name():
    n = ["sin"]

    def f(x):
        return np.sum(getattr(np, n[0])(x))

    def ch():
        n[0] = "cos"

    return f, calls(ch), nothing


@story
def eval_code():
    n = ["x * 2"]

    def f(x):
        return np.sum(eval(n[0]))

    def ch():
        n[0] = "x * 3"

    return f, calls(ch), nothing


@story
def numpy_config():
    def f(x):
        return np.sum(x) * onp.float32(0.1) * onp.finfo(float).eps * onp.pi

    return f, calls(), nothing


@story
def np_pi_patched():
    types.SimpleNamespace(np=np)

    def f(x):
        return np.sum(x) * onp.pi

    old = onp.pi

    def ch():
        onp.pi = 3.0

    def ch2():
        onp.pi = old

    return f, calls(ch, ch2), nothing


@story
def matrix_power_int():
    def f(x, n):
        return np.linalg.matrix_power(np.outer(x, x) / 5, n)

    X = inputs(20)
    return f, [(X[i], i % 5) for i in range(20)], nothing


@story
def big_captured_tuple():
    t = (1.0, (2.0, [3.0, onp.ones(2)]))

    def f(x):
        return np.sum(x) * t[0] * t[1][0] * t[1][1][0] * t[1][1][1][0]

    def ch():
        t[1][1][1][0] = 5.0

    def ch2():
        t[1][1][0] = 7.0

    return f, calls(ch, ch2), nothing


@story
def ordered_and_counted_values_leave():
    o = collections.OrderedDict(z=3.0)
    c = collections.Counter(z=2.5)

    def f(x):
        return np.sum(x) * o.get("z", 1.0) * c["z"]

    def ch():
        o["z"] = c["z"] = 9.0

    def ch2():
        o["z"] = c["z"] = 11.0

    def ch3():
        del o["z"]
        del c["z"]

    return f, calls(ch, ch2, ch3), lambda: (dict(o), dict(c))


@story
def classes_that_note_what_is_set():
    log = []

    class Noting(dict):
        def __setitem__(self, key, value):
            log.append((key, value))
            super().__setitem__(key, value)

    class NotingList(list):
        def __setitem__(self, key, value):
            log.append((key, value))
            super().__setitem__(key, value)

    class Meta(type):
        def __setattr__(cls, key, value):
            log.append((key, value))
            super().__setattr__(key, value)

    class A(metaclass=Meta):
        k = 2.5

    d, n = Noting(k=1.5), NotingList([3.5])

    def f(x):
        return np.sum(x) * d["k"] * n[0] * A.k

    def to(value):
        def ch():
            d["k"] = value
            n[0] = value + 1
            A.k = value + 2

        return ch

    return f, calls(to(5.0), to(6.0), to(7.0)), lambda: (dict(d), list(n), list(log))
