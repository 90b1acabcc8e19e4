"""Arguments of all kinds: aliases, keywords, containers, objects, scalars."""

import asyncio
import collections
import dataclasses
import math
import threading

import numpy as onp

import fastad.numpy as np

from . import Stories, calls, inputs, nothing

STORIES = Stories()
story = STORIES.add


class Marked(onp.ndarray):
    pass


@story
def aliasing():
    def f(x, y):
        return (x is y), np.dot(x, y)

    x = inputs()
    return f, [(a, a) for a in x] + [(a, a.copy()) for a in x] + [(a, a) for a in x], nothing


@story
def overlapping():
    b = onp.arange(20.0)

    def f(x, y):
        x[:] = x * 2
        return y.sum()

    return f, [(b[i : i + 4], b[i + 1 : i + 5]) for i in range(9)], lambda: b.copy()


@story
def kwargs():
    def f(x, *, k=2, mode="a"):
        return np.sum(x) * k if mode == "a" else np.prod(x) + k

    c = []
    for x in inputs(8):
        c += [
            (x,),
            [(x,), {"k": 3}],
            [(x,), {"k": 3.0}],
            [(x,), {"mode": "b"}],
            [(x,), {"mode": "b", "k": True}],
            [(x,), {"k": 1}],
        ]
    return f, c, nothing


@story
def dict_arg_order():
    def f(d):
        s = 0.0
        for i, (_k, v) in enumerate(d.items()):
            s = s + i * v
        return s

    return (
        f,
        [
            ({"a": i, "b": 2.0 * i},) if i % 2 else ({"b": 2.0 * i, "a": float(i)},)
            for i in range(16)
        ],
        nothing,
    )


@story
def dict_keys_numbers():
    def f(d):
        return sum(k * v for k, v in d.items())

    return (
        f,
        [({1: float(i), 2: 3.0},) if i % 2 else ({1.0: float(i), 2: 3.0},) for i in range(16)],
        nothing,
    )


@story
def obj_arg():
    class P:
        def __init__(s, a):
            s.a = a
            s.n = 1

    def f(x, p):
        return np.sum(x) * p.a * p.n

    p = P(2.0)
    q = P(3.0)

    def ch():
        p.a = 5.0

    def ch2():
        p.n = 7

    X = inputs(12)
    return (
        f,
        [(x, p) for x in X]
        + [ch]
        + [(x, p) for x in X]
        + [(x, q) for x in X]
        + [ch2]
        + [(x, p) for x in X]
        + [(x, P(4.0)) for x in X],
        nothing,
    )


@story
def dataclass_arg():
    @dataclasses.dataclass
    class P:
        a: float
        n: str = "k"

    def f(x, p):
        return np.sum(x) * p.a if p.n == "k" else np.prod(x)

    return (
        f,
        [(x, P(i * 1.0)) for i, x in enumerate(inputs())]
        + [(x, P(i * 1.0, "l")) for i, x in enumerate(inputs())]
        + [(x, P(i, "k")) for i, x in enumerate(inputs())],
        nothing,
    )


@story
def frozen_dataclass_post():
    @dataclasses.dataclass
    class P:
        a: float
        b: float = 0.0

        def __post_init__(s):
            s.b = s.a * 2

    def f(x, p):
        return np.sum(x) * p.b

    return f, [(x, P(i * 1.0)) for i, x in enumerate(inputs())], nothing


@story
def dataclass_result():
    @dataclasses.dataclass
    class P:
        a: object
        b: object

    def f(x):
        return P(x.sum(), 3)

    f.P = P
    return (lambda x: dataclasses.astuple(f(x))), calls(), nothing


@story
def namedtuple_res():
    P = collections.namedtuple("P", "a b")

    def f(x):
        return P(x.sum(), x * 2)._asdict()

    return f, calls(), nothing


@story
def async_f():
    async def f(x):
        return np.sum(x) * 2

    def g(x):
        return asyncio.run(f(x))

    return g, calls(), nothing


@story
def coroutine_by_hand():
    async def f(x):
        return np.sum(x) * k[0]

    k = [2.0]

    def g(x):
        try:
            f(x).send(None)
        except StopIteration as e:
            return e.value

    def ch():
        k[0] = 5.0

    return g, calls(ch), nothing


@story
def generator_throw():
    def gen():
        try:
            yield 1
        except ValueError:
            yield 2.5

    def f(x):
        g = gen()
        next(g)
        return np.sum(x) * g.throw(ValueError())

    return f, calls(), nothing


@story
def thread_in_f():

    def f(x):
        out = []
        t = threading.Thread(target=lambda: out.append(np.sum(x) * k))
        t.start()
        t.join()
        return out[0]

    k = 2.0
    return f, calls(), nothing


@story
def zero_div():
    def f(x):
        try:
            return 1 / x
        except ZeroDivisionError:
            return 7.0

    return f, [(v,) for v in (1.0, 2.0, 3.0, 4.0, 5.0, 0.0, 2.0, 3.0, 0.0, -0.0, 1.0)], nothing


@story
def float_pow():
    def f(x, y):
        return x**y

    return (
        f,
        [
            (v, w)
            for v in (1.0, 2.0, -3.0, 4.0, 5.0, 0.0, -2.0, 3.0)
            for w in (2.0, 0.5, -1.0, 3.0, 0.0, 400.0)
        ],
        nothing,
    )


@story
def int_pow():
    def f(x, n):
        return x**n + n * x

    return (
        f,
        [
            (v, n)
            for v in (1.0, 2.0, -3.0, 4.0, 5.0, 1.5, -2.0, 3.0)
            for n in (2, 3, -1, 0, 7, 10**20)
        ],
        nothing,
    )


@story
def int_div():
    def f(x, n):
        return x / n + x // n + x % n

    return (
        f,
        [(v, n) for v in (1.0, 2.0, -3.0, 4.0, 5.0, 1.5, -2.0, 3.0) for n in (2, 3, -1, 0, 7)],
        nothing,
    )


@story
def bigint():
    def f(x):
        return x * 2**70 + 10**30

    return f, [(v,) for v in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)], nothing


@story
def round_trunc():
    def f(x):
        return round(x), int(x), math.floor(x), x.is_integer(), x.as_integer_ratio()

    return f, [(v,) for v in (1.0, 2.2, 3.7, 4.0, 5.5, 6.0, 6.5)], nothing


@story
def hexed():
    def f(x):
        return x.hex(), str(x), f"{x:.2f}", f"{x:.3g}", repr(x)

    return f, [(v,) for v in (1.0, 2.2, 3.7, 4.0, 5.5, 6.0, 6.5)], nothing


@story
def conj_real():
    def f(x):
        return x.real * 2, x.imag, x.conjugate()

    return (
        f,
        [(v,) for v in (1.0, 2.2, 3.7, 4.0, 5.5, 6.0, 6.5)]
        + [(onp.float64(v),) for v in (1.0, 2.2, 3.7, 4.0, 5.5, 6.0, 6.5)],
        nothing,
    )


@story
def scalar_kinds():
    def f(x):
        return x * 2, x + 1, -x, abs(x), x**2

    c = []
    for i in range(8):
        c += [
            (1.0 + i,),
            (onp.float64(i + 1),),
            (onp.float32(i + 1),),
            (onp.array(i + 1.0),),
            (i,),
            (onp.int64(i),),
            (True,),
            (1 + 1j * i,),
            (onp.float16(i),),
            (onp.longdouble(i),),
        ]
    return f, c, nothing


@story
def float_subclass():
    class F(float):
        def __mul__(s, o):
            return float(s) * o * 100

    def f(x):
        return x * 2

    return f, [(1.0 + i,) for i in range(6)] + [(F(i),) for i in range(6)], nothing


@story
def array_subclass():
    def f(x):
        return x * 2

    return f, [(x,) for x in inputs()] + [(x.view(Marked),) for x in inputs()], nothing


@story
def masked():
    def f(x):
        return (x * 2).sum()

    return (
        f,
        [(x,) for x in inputs()] + [(onp.ma.array(x, mask=[1, 0, 0, 0]),) for x in inputs()],
        nothing,
    )


@story
def list_of_floats_arg():
    def f(numbers):
        return sum(numbers) * len(numbers), max(numbers), sorted(numbers)[0]

    return (
        f,
        [([1.0 * i, 2.0, 3.0 + i],) for i in range(8)]
        + [([1.0 * i, 2.0],) for i in range(8)]
        + [([1.0 * i, 2.0, 3, 4.0],) for i in range(8)],
        nothing,
    )


@story
def np_array_of_args():
    def f(a, b):
        return np.array([a, b, 1.0]) * 2

    return f, [(1.0 * i, 2.0 - i) for i in range(8)], nothing


@story
def onp_array_of_args():
    def f(a, b):
        return onp.array([a, b, 1.0]) * 2

    return f, [(1.0 * i, 2.0 - i) for i in range(8)], nothing


@story
def onp_funcs():
    def f(x):
        return onp.sin(x) + onp.sum(x), onp.linalg.norm(x), onp.einsum("i,i", x, x), onp.dot(x, x)

    return f, calls(), nothing


@story
def onp_asarray():
    def f(x):
        return onp.asarray(x) * 2

    return f, calls(), nothing


@story
def onp_empty_fill():
    def f(x):
        y = onp.zeros(4)
        for i in range(4):
            y[i] = x[i] * 2
        return y

    return f, calls(), nothing


@story
def np_out():
    buf = onp.zeros(4)

    def f(x):
        np.multiply(x, 2, out=buf)
        return buf.sum()

    return f, calls(), lambda: buf.copy()


@story
def inplace_local():
    def f(x):
        y = x * 1
        y += 3
        y *= x
        return y

    return f, calls(), nothing


@story
def inplace_arg():
    def f(x):
        x += 1
        return x.sum()

    c = calls()
    return f, c, lambda: [a[0].copy() for a in c]


@story
def setitem():
    def f(x):
        y = np.zeros(4)
        y[1] = x[0]
        y[2:] = x[2:] * 2
        return y

    return f, calls(), nothing


@story
def at_set():
    def f(x):
        y = x.copy()
        y[0] = 5.0
        return y, x

    return f, calls(), nothing
