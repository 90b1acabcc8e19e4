"""Objects changed in place, identity, ints as arguments, values that change, what code leaves."""

import collections
import functools
import math
import operator
import types

import numpy as onp

import fastad.numpy as np
from fastad import grad, jit

from . import Stories, calls, inputs, nothing

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
def ints_many():
    def f(x, n):
        return [
            x * n,
            n // 2,
            n % 2,
            -n,
            x**n if n < 5 else 0,
            n / 3,
            x + n * 2,
            n == 3,
            n > 2,
            abs(n),
            float(n) * x,
            [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0][n] * x,
        ]

    return (
        f,
        [(float(v), n) for v in range(3) for n in (0, 1, 2, 3, 4, 5, 6, 7)] + [(1.0, -3), (2.0, 2)],
        nothing,
    )


@story
def ints_arith():
    def f(x, n):
        return [
            x * n,
            x + n,
            n - x,
            x / (n + 1),
            n * n * x,
            (n + 1) * (n + 2) * x,
            x**2 * n,
            0.9**n * x,
            1 - 0.9**n,
            n / 7,
            n * 3,
        ]

    return (
        f,
        [
            (float(v), n)
            for v in range(3)
            for n in (0, 1, 2, 3, 4, 5, 6, 7, 100, 1000, 2**40, 2**53, 2**60, 2**100, -3)
        ],
        nothing,
    )


@story
def ints_shift():
    def f(x, n):
        return [x * (n << 1), n & 1, n | 2, n ^ 3, ~n, n >> 1, n.bit_length(), str(n), divmod(n, 3)]

    return f, [(float(v), n) for v in range(3) for n in (0, 1, 2, 3, 4, 5, 6, 7)], nothing


@story
def ints_type():
    def f(x, n):
        return x * n if isinstance(n, int) else x * 100

    def g(x, n):
        return x * n if type(n) is int else x * 100

    return (
        (lambda x, n: (f(x, n), g(x, n))),
        [(float(v), n) for v in range(3) for n in (0, 1, 2, 3, 4, 5, 6, 7)],
        nothing,
    )


@story
def ints_shapes():
    def f(x, n):
        return [
            x[:n],
            np.arange(n) * 1.0,
            np.full(n, 2.0),
            np.sum(x) * n,
            "a" * n,
            [0] * n,
            np.ones((n, 2)),
            math.factorial(n),
        ]

    X = inputs(40)
    return f, [(X[v], n) for v in range(5) for n in (0, 1, 2, 3, 4)], nothing


@story
def ints_division_zero():
    def f(x, n):
        try:
            return x / n, 1 / n, 7 // n, 7 % n
        except ZeroDivisionError:
            return "zd"

    return (
        f,
        [(float(v), n) for v in range(1, 5) for n in (1, 2, 3, 4, 5, 0, 6, 0, 7, -1, -2)],
        nothing,
    )


@story
def ints_neg_zero():
    def f(x, n):
        return n * 0 * -1.0, -n * 1.0, n * -x, 0 * n, n - n

    return (
        f,
        [(float(v), n) for v in range(1, 5) for n in (1, 2, 3, 4, 5, 0, 6, 0, 7, -1, -2)],
        nothing,
    )


@story
def ints_in_float32():
    def f(x, n):
        return x * n, x**n, x + n

    return (
        f,
        [
            ((onp.arange(3) + v + 1.0).astype("f4"), n)
            for v in range(3)
            for n in (1, 2, 3, 4, 5, 6, 7)
        ],
        nothing,
    )


@story
def ints_with_int_arrays():
    def f(x, n):
        return x * n, x + n, x // (n + 1), x.sum() * n

    return f, [(onp.arange(3) + v, n) for v in range(3) for n in (1, 2, 3, 4, 5, 6, 7)], nothing


@story
def arg_is_captured():
    W = onp.arange(4.0)

    def f(x):
        return np.sum(x * W), (x is W)

    return f, calls() + [(W,)] * 6 + calls() + [(W,)], nothing


@story
def arg_is_captured_then_changed():
    W = onp.arange(4.0)

    def f(x):
        return np.sum(x * W)

    def ch():
        W[1] = 9.0

    return f, [(W,)] * 6 + [ch] + [(W,)] * 6 + calls() + [ch] + calls(), nothing


@story
def lifted_same_object():
    m = types.SimpleNamespace(a=2.0, b=2.0)
    m.b = m.a

    def f(x):
        return np.sum(x) * m.a - m.b

    steps = []
    for i in range(6):

        def ch(i=i):
            m.a = m.b = 2.0 + i

        steps += [ch] + calls(n=3)
    for i in range(6):

        def ch(i=i):
            m.a = 2.0 + i
            m.b = 7.0 * i

        steps += [ch] + calls(n=3)
    for i in range(3):

        def ch(i=i):
            m.a = m.b = 3.0 + i

        steps += [ch] + calls(n=3)
    return f, steps, nothing


@story
def lifted_identity_test():
    m = types.SimpleNamespace(a=2.5, b=3.5)

    def f(x):
        return np.sum(x) * (m.a if m.a is not m.b else 100.0)

    steps = []
    for i in range(6):

        def ch(i=i):
            m.a = 2.0 + i
            m.b = 3.3 * i

        steps += [ch] + calls(n=3)

    def ch():
        m.a = m.b

    steps += [ch] + calls(n=4)
    return f, steps, nothing


@story
def lifted_type_changes():
    m = types.SimpleNamespace(a=2.5)

    def f(x):
        return np.sum(x) * m.a, m.a * 2, type(m.a).__name__

    steps = []
    for _i, v in enumerate(
        (
            1.5,
            2.5,
            3.5,
            4.5,
            3,
            onp.float64(3.0),
            True,
            onp.float32(1.1),
            onp.array(2.0),
            5.5,
            6.5,
            1j,
            "a" and 2,
        )
    ):

        def ch(v=v):
            m.a = v

        steps += [ch] + calls(n=4)
    return f, steps, nothing


@story
def lifted_read_plainly():
    m = types.SimpleNamespace(a=2.5)

    def f(x):
        return np.sum(x) * math.exp(m.a) * (1 if m.a > 3 else 2) * onp.sin(m.a)

    steps = []
    for _i, v in enumerate((1.5, 2.5, 3.5, 4.5, 3.0, 5.5, 6.5)):

        def ch(v=v):
            m.a = v

        steps += [ch] + calls(n=4)
    return f, steps, nothing


@story
def lifted_array_shapes():
    m = types.SimpleNamespace(a=onp.ones(4))

    def f(x):
        return np.sum(x * m.a) * m.a.size

    steps = []
    for v in (
        onp.ones(4) * 2,
        onp.ones(4) * 3,
        onp.ones(1),
        onp.ones((2, 4)),
        onp.ones(4, "f4"),
        onp.arange(8.0)[::2],
        onp.ones(4) * 5,
    ):

        def ch(v=v):
            m.a = v

        steps += [ch] + calls(n=4)
    return f, steps, nothing


@story
def lifted_inplace():
    m = types.SimpleNamespace(a=onp.ones(4), b=None)
    m.b = m.a[:2]

    def f(x):
        return np.sum(x * m.a) + m.b[0] * 100

    steps = []
    for i in range(6):

        def ch(i=i):
            m.a[:] = i

        steps += [ch] + calls(n=3)
    for i in range(6):

        def ch(i=i):
            m.b[0] = 10 * i

        steps += [ch] + calls(n=3)
    for i in range(3):

        def ch(i=i):
            m.a = m.a * 2.0

        steps += [ch] + calls(n=3)
    return f, steps, nothing


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
def numbers_that_are_one_object():
    def f(x, y):
        return x * y if x is y else x + y

    numbers = [i + 0.5 for i in range(20)]
    return (
        f,
        [(numbers[i], numbers[i] if i % 3 == 0 else numbers[i + 1]) for i in range(19)],
        nothing,
    )


def _int_that_is_one_of(chosen):
    def f(x, n):
        return np.sum(x) * n * (2.0 if chosen(n) else 3.0)

    X = inputs(16)
    return (
        f,
        [(x, n) for x, n in zip(X, (1, 2, 3, 4, 5, 6, 8, 9, 7, 7, 7, 10, 7, 7, 1, 7))],
        nothing,
    )


@story
def identity_with_an_item_of_a_table():
    table = {"k": 7}
    return _int_that_is_one_of(lambda n: n is table["k"])


@story
def identity_with_what_a_call_gives():
    table = {"k": 7}
    return _int_that_is_one_of(lambda n: n is table.get("k", None))


@story
def identity_with_one_of_two():
    def chosen(n, seven=7):
        return n is (seven if n > 6 else None)

    return _int_that_is_one_of(chosen)


@story
def identity_beside_a_constant():
    seven = 7

    def second(_, x):
        return x

    return _int_that_is_one_of(lambda n: second(None, n is seven))


@story
def identity_asked_of_a_function():
    w = onp.ones(4)
    X = inputs(14)

    def f(x):
        return np.sum(x * 2) if operator.is_(x, w) else np.sum(x * 3)

    return f, [(x,) for x in X[:7]] + [(w,)] * 3 + [(x,) for x in X[7:]], nothing


@story
def difference_asked_of_a_function():
    w = [2.5]

    def f(x, y):
        return x * 2 if operator.is_not(x, w[0]) else y * 3

    steps = [(0.5 + i, 1.0) for i in range(7)]
    return f, [*steps, *[(w[0], float(i)) for i in range(3)], *steps], nothing


@story
def default_that_is_made_when_asked_for():
    d = collections.defaultdict(lambda: 3.0)

    def f(x):
        return np.sum(x) * (d["z"] if "z" in d else 2.0)

    def ch():
        d["z"] = 9.0

    def ch2():
        d["z"] = 11.0

    def ch3():
        del d["z"]

    return f, calls(ch, ch2, ch3), lambda: dict(d)


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
