"""Arrays as arguments: dtypes, layouts, special values, what results share."""

import numpy as onp

import fastad.numpy as np

from . import Stories, calls, inputs, nothing

STORIES = Stories()
story = STORIES.add


@story
def sum_of_large_captured():
    W = onp.ones(2_000_000)

    def f(x):
        return np.sum(x) * onp.sum(W)

    def ch():
        W[1234567] = 5e6

    return f, calls(ch), nothing


@story
def view_slice_of_large():
    W = onp.ones((1000, 1000))
    v = W[::7, 3]

    def f(x):
        return np.sum(x) * v.sum()

    def ch():
        W[14, 3] = 50.0

    return f, calls(ch), nothing


@story
def lambda_holding_view():
    W = onp.ones((10, 10))
    T = W.T

    def f(x):
        return np.sum(x) * T[3, 4] + np.dot(x, T[:4, 0])

    def ch():
        W[4, 3] = 50.0
        W[0, 1] = 3.0

    return f, calls(ch), nothing


@story
def structured():
    a = onp.zeros(3, dtype=[("a", float), ("b", int)])
    a["a"] = 1.5

    def f(x):
        return np.sum(x) * a["a"][1]

    def ch():
        a["a"][1] = 7

    return f, calls(ch), nothing


@story
def structured_rec():
    a = onp.rec.array([(1.0, 2)], dtype=[("a", float), ("b", int)])

    def f(x):
        return np.sum(x) * a.a[0]

    def ch():
        a.a[0] = 7

    return f, calls(ch), nothing


@story
def void_scalar():
    a = onp.zeros(3, dtype=[("a", float)])
    v = a[1]

    def f(x):
        return np.sum(x) + v["a"]

    def ch():
        a["a"][1] = 7

    return f, calls(ch), nothing


@story
def mask_index():
    def f(x):
        return np.sum(x[x > 1.0])

    return f, calls(), nothing


@story
def nonzero_index():
    def f(x):
        return np.sum(x[np.nonzero(x > 1.0)] ** 2)

    return f, calls(), nothing


@story
def argmax_index():
    def f(x):
        return x[np.argmax(x)] * 2 + x[np.argsort(x)[0]]

    return f, calls(), nothing


@story
def argmax_python():
    def f(x):
        i = int(np.argmax(x))
        return x[i] * i

    return f, calls(), nothing


@story
def sort_unique():
    def f(x):
        return np.sort(x) * np.arange(4.0)

    return f, calls(), nothing


@story
def clip_where():
    def f(x):
        return np.where(x > 1, x**2, np.clip(x, 0.5, 0.9))

    return f, calls(), nothing


@story
def len_mask():
    def f(x):
        return np.sum(x) * len(x[x > 1])

    return f, calls(), nothing


@story
def count_nonzero():
    def f(x):
        return np.sum(x) * np.count_nonzero(x > 1)

    return f, calls(), nothing


@story
def unpack():
    def f(x):
        a, b, *c = x
        return a * b + sum(c)

    return f, calls(), nothing


@story
def iterate():
    def f(x):
        s = 0.0
        for v in x:
            if v > 1:
                s = s + v
            else:
                s = s * v
        return s

    return f, calls(n=30), nothing


@story
def all_close():
    def f(x):
        return np.sum(x) if np.allclose(x, 1.0, atol=0.5) else np.prod(x)

    return f, calls(n=30), nothing


@story
def isnan_test():
    def f(x):
        return np.where(np.isnan(x), 0.0, x).sum()

    c = calls()
    c.append((onp.array([1, onp.nan, 2, 3.0]),))
    c.append((onp.array([1, onp.inf, 2, 3.0]),))
    c += calls()
    return f, c, nothing


@story
def bool_and():
    def f(x):
        return np.sum(x * ((x > 0.5) & (x < 1.5)))

    return f, calls(), nothing


@story
def astype_int():
    def f(x):
        return np.sum(x * x.astype(int))

    return f, calls(), nothing


@story
def floor_mod():
    def f(x):
        return np.floor(x * 3) % 2 + x // 0.3

    return f, calls(), nothing


@story
def result_alias():
    def f(x):
        y = x * 2
        return y, y

    return f, calls(), nothing


@story
def returns_view():
    def f(x):
        y = np.outer(x, x)
        return y[0], y.T, y

    return f, calls(), nothing


@story
def returns_input():
    def f(x):
        return x, x * 2

    return f, calls(), nothing


@story
def returns_none():
    def f(x):
        x * 2
        return

    return f, calls(), nothing


@story
def returns_mixed():
    def f(x):
        return {"a": x.sum(), "b": None, "c": "name", "d": [1, True, x]}

    return f, calls(), nothing


@story
def empty():
    def f(x):
        return np.sum(x), x * 2

    return f, [(onp.zeros(0),)] * 8 + [(onp.ones(2),)] * 6, nothing


@story
def zero_d():
    def f(x):
        return x * 2, np.sin(x)

    return f, [(onp.array(0.3 + i),) for i in range(8)], nothing


@story
def f32():
    def f(x):
        return np.sin(x) * 2, np.sum(x), x.mean()

    return f, [(x.astype("f4"),) for x in inputs()], nothing


@story
def f16():
    def f(x):
        return np.sin(x) * 2, np.sum(x), x.mean()

    return f, [(x.astype("f2"),) for x in inputs()], nothing


@story
def mixed_dtype():
    def f(x, y):
        return x * y + 1, np.dot(x, y)

    return (
        f,
        [(x.astype("f4"), x) for x in inputs()]
        + [(x, x.astype("f4")) for x in inputs()]
        + [(x, x) for x in inputs()]
        + [(x, x.copy()) for x in inputs()],
        nothing,
    )


@story
def cplx():
    def f(x):
        return np.abs(x), np.real(x * x), np.angle(x), x.conj()

    return f, [(x + 1j * x[::-1],) for x in inputs()], nothing


@story
def ints():
    def f(x):
        return x * 2, x / 2, x // 2, np.sum(x), x**2

    return f, [(onp.arange(4) + i,) for i in range(9)], nothing


@story
def int8_overflow():
    def f(x):
        return x * x, x.sum()

    return (
        f,
        [(onp.arange(4, dtype="i1") + onp.int8(i),) for i in range(9)]
        + [(onp.full(4, 100, "i1"),)],
        nothing,
    )


@story
def bools():
    def f(x):
        return x.sum(), ~x, x & True, np.where(x, 1.0, 2.0)

    return f, [(onp.array([True, i % 2 == 0, False]),) for i in range(9)], nothing


@story
def denormal():
    def f(x):
        return x * 0.5, np.exp(x), np.log(x), x / 3

    return (
        f,
        [(x,) for x in inputs()]
        + [(onp.array([5e-324, 1e-310, 0, -0.0]),)]
        + [(x,) for x in inputs()],
        nothing,
    )


@story
def naninf():
    def f(x):
        return (
            np.maximum(x, 1),
            np.minimum(x, 1),
            np.fmax(x, 1),
            np.sign(x),
            np.abs(x),
            np.sort(x),
            np.argmax(x),
            np.max(x),
        )

    return (
        f,
        calls()
        + [
            (onp.array([onp.nan, 1, 2, onp.inf]),),
            (onp.array([-onp.inf, 1, -0.0, onp.inf]),),
            (onp.array([-1, 1, -0.0, 0.0]),),
        ],
        nothing,
    )


@story
def noncontig():
    def f(x):
        return x * 2, np.sum(x), np.dot(x, x), np.cumsum(x)

    b = onp.arange(100.0)
    c = []
    for i in range(10):
        c.append((b[i : i + 8 : 2],))
        c.append((b[i + 8 : i : -2],))
        c.append((b[i : i + 4],))
    return f, c, nothing


@story
def transposed():
    def f(x):
        return np.dot(x, x), x.ravel(), x.sum(0), x.reshape(-1)[1:3]

    b = [onp.arange(16.0).reshape(4, 4) + i for i in range(8)]
    return f, [(z,) for a in b for z in (a, a.T, a[::-1], onp.asfortranarray(a))], nothing
