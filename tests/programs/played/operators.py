"""Operators of operators, operations of every family, guards by value."""

import inspect
import math

import numpy as onp

import fastad.numpy as np
from fastad import (
    elementwise_grad,
    grad,
    hessian,
    jacobian,
    jit,
    make_hvp,
    make_jvp,
    make_vjp,
    value_and_grad,
)

from . import Stories, calls, inputs, nothing

STORIES = Stories()
story = STORIES.add


# operators of operators, and argnums, aux
def opstory(name, build, args, change=None):
    def make():
        k = [2.0]
        f = build(k)
        c = list(args)
        half = len(c) // 2
        return f, c[:half] + [lambda: k.__setitem__(0, 3.5)] + c[half:], nothing

    make.__name__ = name
    story(make)


def A(n=16, shape=(4,)):
    return [(x,) for x in inputs(n, shape)]


def A2(n=16):
    X = inputs(2 * n)
    return [(X[2 * i], X[2 * i + 1]) for i in range(n)]


opstory("op_vag", lambda k: value_and_grad(lambda x: np.sum(np.sin(x) * k[0])), A())
opstory("op_argnums", lambda k: grad(lambda x, y: np.sum(np.sin(x) * y * k[0]), (0, 1)), A2())
opstory("op_argnums1", lambda k: value_and_grad(lambda x, y: np.sum(np.sin(x) * y * k[0]), 1), A2())
opstory("op_jac", lambda k: jacobian(lambda x: np.outer(x, x * k[0])), A())
opstory("op_hess", lambda k: hessian(lambda x: np.sum(x**3 * k[0])), A())
opstory("op_hvp", lambda k: lambda x: make_hvp(lambda y: np.sum(y**3 * k[0]))(x)[0](x), A())
opstory(
    "op_grad_grad",
    lambda k: grad(lambda x: np.sum(grad(lambda y: np.sum(y**4 * k[0]))(x) ** 2)),
    A(),
)
opstory(
    "op_grad_jit_grad",
    lambda k: grad(lambda x: np.sum(jit(grad(lambda y: np.sum(y**4 * k[0])))(x) ** 2)),
    A(),
)
opstory("op_jit_grad_jit", lambda k: jit(grad(jit(lambda x: np.sum(x**4 * k[0])))), A())
opstory("op_jit_jit", lambda k: jit(jit(lambda x: np.sum(x**4 * k[0]))), A())
opstory("op_hess_jit", lambda k: hessian(jit(lambda x: np.sum(x**4 * k[0]))), A())
opstory(
    "op_jac_jit_grad_jit", lambda k: jacobian(jit(grad(jit(lambda x: np.sum(x**4 * k[0]))))), A()
)
opstory("op_jvp", lambda k: lambda x: make_jvp(lambda y: np.sin(y) * k[0])(x)(x), A())
opstory("op_egrad", lambda k: elementwise_grad(lambda x: np.sin(x) * k[0]), A())


def hasaux(k):
    return (
        grad(lambda x: (np.sum(x**2) * k[0], {"a": x * k[0], "b": None, "c": "s"}), has_aux=True)
        if "has_aux" in str(inspect.signature(grad))
        else grad(lambda x: np.sum(x))
    )


opstory("op_aux", hasaux, A())
opstory(
    "op_dict",
    lambda k: (
        lambda x: grad(lambda p: np.sum(p["a"] * p["b"][0] * k[0]))({"a": x, "b": [x * 2, 3.0]})
    ),
    A(),
)
opstory(
    "op_vjp_in_jit",
    lambda k: lambda x: make_vjp(lambda y: (np.sin(y) * k[0], np.sum(y)))(x)[0]((x, 1.0)),
    A(),
)


@story
def jit_closing_over_traced():
    def f(x):
        def outer(w):
            h = jit(lambda y: np.sum(y * w))
            return h(x) + h(2 * x)

        return grad(outer)(2.0)

    return f, calls(), nothing


@story
def jit_called_with_traced_and_plain():
    h = jit(lambda y, w: np.sum(y * w))

    def f(x):
        return grad(lambda w: h(x, w) + h(w, x))(x), h(x, x)

    return f, calls(), nothing


@story
def grad_outside_then_inside():
    k = [2.0]
    h = jit(lambda y: np.sum(y**2) * k[0])
    g = grad(h)

    def f(x):
        return g(x), h(x)

    def ch():
        k[0] = 3.0

    return f, calls(ch), nothing


@story
def randomly_shaped():
    def f(x):
        return np.sum(x) * x.shape[0]

    return f, [(onp.ones(n),) for n in (1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3)], nothing


@story
def broadcast_shapes():
    def f(x, y):
        return x + y, np.sum(x * y, axis=0)

    r = onp.random.default_rng(0)
    S = [
        ((3, 1), (1, 4)),
        ((3, 4), (4,)),
        ((1, 4), (3, 4)),
        ((3, 4), (1, 1)),
        ((0, 4), (1, 4)),
        ((3, 4), (3, 4)),
    ]
    return f, [(r.normal(size=a), r.normal(size=b)) for _ in range(5) for a, b in S], nothing


@story
def scalar_and_array():
    def f(x, y):
        return x * y + y, np.where(x > y, x, y)

    onp.random.default_rng(0)
    V = [
        1.5,
        onp.float64(2.0),
        onp.array(3.0),
        onp.arange(3.0),
        onp.float32(2),
        onp.arange(3, dtype="f4"),
        2,
        True,
        onp.int8(3),
        1j,
        onp.arange(3),
    ]
    return f, [(a, b) for _ in range(5) for a in V for b in V][:300], nothing


@story
def reductions():
    def f(x):
        return [
            x.sum(0),
            x.mean(1),
            x.std(),
            x.var(0),
            x.max(1),
            x.min(),
            x.prod(),
            np.any(x > 1),
            np.all(x > 0),
            np.argmin(x, 1),
            np.median(x),
            np.cumsum(x, 1),
            np.linalg.norm(x),
            np.ptp(x) if hasattr(np, "ptp") else 0,
        ]

    return f, calls(shape=(3, 4), n=9), nothing


@story
def linalg():
    def f(x):
        a = x @ x.T + np.eye(3)
        return [
            np.linalg.inv(a),
            np.linalg.det(a),
            np.linalg.solve(a, x),
            np.linalg.cholesky(a),
            np.linalg.eigh(a)[0],
            np.linalg.svd(x)[1],
            np.linalg.slogdet(a),
            np.linalg.qr(a)[1],
            np.linalg.pinv(a),
            np.linalg.matrix_rank(a),
        ]

    return f, calls(shape=(3, 4), n=9), nothing


@story
def linalg_singular():
    def f(a):
        try:
            return np.linalg.inv(a)
        except onp.linalg.LinAlgError:
            return np.zeros(1)

    r = onp.random.default_rng(0)
    return (
        f,
        [(r.normal(size=(3, 3)),) for _ in range(6)]
        + [(onp.zeros((3, 3)),)]
        + [(r.normal(size=(3, 3)),) for _ in range(3)]
        + [(onp.ones((3, 3)),)] * 3,
        nothing,
    )


@story
def cholesky_fails():
    def f(a):
        try:
            return np.linalg.cholesky(a)
        except onp.linalg.LinAlgError:
            return np.linalg.cholesky(a + 10 * np.eye(2))

    one = onp.eye(2)
    return (
        f,
        [(one * (1 + i) + 0.1,) for i in range(6)]
        + [(-one,)]
        + [(one * (1 + i),) for i in range(6)]
        + [(-one * 2,)],
        nothing,
    )


@story
def fft_():
    def f(x):
        return np.abs(np.fft.fft(x)), np.fft.irfft(np.fft.rfft(x)), np.fft.fftshift(x)

    return f, calls(shape=(8,), n=9), nothing


@story
def manip():
    def f(x):
        return [
            np.concatenate([x, x * 2]),
            np.stack([x, x]),
            np.tile(x, 2),
            np.repeat(x, 2),
            np.roll(x, 1),
            np.flip(x),
            np.pad(x, 1),
            np.diff(x),
            np.outer(x, x),
            np.kron(x, x),
            np.diag(x),
            np.triu(np.outer(x, x)),
            np.split(x, 2),
            np.expand_dims(x, 0),
            np.squeeze(x[None]),
            np.append(x, 1.0),
            np.delete(x, 1) if hasattr(np, "delete") else 0,
            np.insert(x, 1, 2.0) if hasattr(np, "insert") else 0,
            np.rot90(np.outer(x, x)),
            np.vstack([x, x]),
            np.hstack([x, x]),
            np.column_stack([x, x]),
        ]

    return f, calls(n=9), nothing


@story
def indexing():
    def f(x):
        return [
            x[0],
            x[-1],
            x[::2],
            x[::-1],
            x[[0, 2]],
            x[onp.array([True, False, True, False])],
            x[None, :],
            x[..., 0],
            x.reshape(2, 2)[1],
            x.reshape(2, 2)[:, [1]],
            x.take([1, 1]),
            x[1:1],
        ]

    return f, calls(n=9), nothing


@story
def scipy_special():
    import fastad.scipy.special as sp

    def f(x):
        return [
            sp.gammaln(x),
            sp.erf(x),
            sp.expit(x),
            sp.logsumexp(x),
            sp.digamma(x),
            sp.jn(1, x),
            sp.betainc(1.0, 2.0, x / 3),
            sp.logit(x / 3),
        ]

    return f, calls(n=9), nothing


@story
def scipy_stats():
    import fastad.scipy.stats as st

    k = [1.0]

    def f(x):
        return [
            st.norm.logpdf(x, 0, k[0]),
            st.norm.cdf(x),
            np.sum(st.poisson.logpmf(onp.arange(4), x)),
            st.t.logpdf(x, 3.0),
            st.gamma.logpdf(x, 2.0),
            st.beta.pdf(x / 3, 2.0, 3.0),
        ]

    def ch():
        k[0] = 2.0

    return f, calls(ch, n=9), nothing


@story
def odeint_():
    from fastad.scipy.integrate import odeint

    k = [1.0]

    def rhs(y, t):
        return -k[0] * y

    def f(x):
        return odeint(rhs, x, onp.linspace(0, 1, 5))

    def ch():
        k[0] = 2.0

    return f, calls(ch, n=7), nothing


@story
def root_():
    import fastad.scipy.optimize as so

    k = [2.0]

    def f(x):
        return so.root(lambda y: y**3 + y * k[0] - x, onp.ones(4)).x

    def ch():
        k[0] = 3.0

    return f, calls(ch, n=7), nothing


@story
def interp_():
    xp = onp.arange(5.0)
    fp = xp**2

    def f(x):
        return np.interp(x, xp, fp)

    def ch():
        fp[1] = 9.0

    return f, calls(ch, n=7), nothing


@story
def piecewise_select():
    def f(x):
        return np.select([x > 1.5, x > 1], [x**2, x], 0.0), np.piecewise(
            x, [x > 1], [1.0, 2.0]
        ) if hasattr(np, "piecewise") else 0

    return f, calls(n=7), nothing


@story
def polyval():
    c = [1.0, 2.0, 3.0]

    def f(x):
        return np.polyval(c, x) if hasattr(np, "polyval") else 0

    def ch():
        c[1] = 7.0

    return f, calls(ch, n=7), nothing


@story
def einsum_captured():
    W = onp.ones((4, 4))

    def f(x):
        return (
            np.einsum("i,ij,j", x, W, x),
            np.tensordot(W, x, 1),
            np.inner(x, x),
            np.vdot(x, x),
            W @ x,
            x @ W,
        )

    def ch():
        W[1, 2] = 7.0

    return f, calls(ch, n=7), nothing


@story
def maximum_ties():
    def f(x):
        return (
            grad(lambda y: np.sum(np.maximum(y, 1.0)))(x),
            grad(lambda y: np.max(y))(x),
            grad(lambda y: np.sum(np.abs(y)))(x),
        )

    return f, calls(n=7) + [(onp.array([1.0, 1, 0, -0.0]),), (onp.ones(4),)] + calls(n=3), nothing


@story
def grad_at_special():
    def f(x):
        return (
            grad(lambda y: np.sum(np.sqrt(y)))(x),
            grad(lambda y: np.sum(y**0))(x),
            grad(lambda y: np.sum(y**2.5))(x),
        )

    return (
        f,
        calls(n=7)
        + [
            (onp.array([0.0, 1, 0, -0.0]),),
            (onp.ones(4),),
            (onp.array([-1.0, 1, onp.inf, onp.nan]),),
        ]
        + calls(n=3),
        nothing,
    )


@story
def scalar_loops():
    def f(x, n):
        s = 0.0
        for i in range(n):
            s += x / (i + 1)
        return s

    return f, [(float(v), n) for v in range(9) for n in (1, 5, 3)], nothing


@story
def while_tol():
    tol = [1e-3]

    def f(x):
        y = 1.0
        while abs(y * y - x) > tol[0]:
            y = 0.5 * (y + x / y)
        return y

    return (
        f,
        [(float(v + 1),) for v in range(20)]
        + [lambda: tol.__setitem__(0, 1e-10)]
        + [(float(v + 1.5),) for v in range(40)],
        nothing,
    )


@story
def deep_recursion():
    def h(x, n):
        return x if n == 0 else h(x * 1.01, n - 1)

    k = [50]

    def f(x):
        return h(x, k[0])

    return (
        f,
        [(float(v + 1),) for v in range(8)]
        + [lambda: k.__setitem__(0, 20)]
        + [(float(v + 1.5),) for v in range(8)],
        nothing,
    )


@story
def int_arg_as_index():
    def f(x, i):
        return x[i] * i

    X = inputs(40)
    return (
        f,
        [(X[j], j % 4) for j in range(20)]
        + [(X[j], onp.int64(j % 4)) for j in range(20)]
        + [(X[j], -1) for j in range(5)]
        + [(X[j], 7) for j in range(5)],
        nothing,
    )


@story
def negative_zero():
    def f(x):
        return math.copysign(1.0, x) if x == 0 else 1 / x

    return f, [(v,) for v in (1.0, 2.0, 0.0, -0.0, 3.0, -0.0, 0.0, 4.0, 0.0, -0.0)], nothing


@story
def copysign_np():
    def f(x):
        return (
            np.copysign(2.0, x),
            np.signbit(x),
            x * 0,
            -x,
            x + 0,
            0 - x,
            x - x,
            np.abs(x),
            np.sqrt(np.abs(x)),
            1 / (x - 1 / 3),
        )

    return f, [(v,) for v in (1.0, 2.0, 0.0, -0.0, 3.0, -0.0, 0.0, -4.0, 0.0, -0.0)], nothing


@story
def simplify_exact():
    def f(x):
        return (
            x * 1,
            x + 0,
            x - 0,
            x / 1,
            x**1,
            x * 0,
            0 + x,
            1 * x,
            x * -1,
            x**0,
            0.0 * x,
            x + 0.0,
            x - 0.0,
        )

    sp = onp.array([0.0, -0.0, onp.nan, onp.inf, -onp.inf, 1.0])
    return (
        f,
        [(sp + i,) for i in range(6)]
        + [(sp,)] * 3
        + [(float(v),) for v in (1, 2, 3, 4, 5)]
        + [(-0.0,), (float("inf"),), (float("nan"),)],
        nothing,
    )


@story
def float_ops_specials():
    def f(x, y):
        return x * y, x + y, x - y, x**y if abs(y) < 5 else x

    V = [0.0, -0.0, 1.0, -1.0, float("inf"), float("nan"), 1e308, 5e-324, 2.5]

    def g(x, y):
        try:
            return f(x, y)
        except (OverflowError, ZeroDivisionError) as e:
            return str(type(e))

    return g, [(a, b) for _ in range(3) for a in V for b in V], nothing


@story
def mod_floor_specials():
    def f(x, y):
        try:
            return x % y, x // y, divmod(x, y)
        except ZeroDivisionError:
            return "zd"

    V = [0.0, -0.0, 1.0, -1.0, float("inf"), float("nan"), 1e308, 5e-324, 2.5, -7.3]
    return f, [(a, b) for _ in range(3) for a in V for b in V], nothing


@story
def np_scalar_specials():
    def f(x, y):
        return (
            x * y,
            x + y,
            x - y,
            x**y,
            x / y,
            x // y,
            x % y,
            np.maximum(x, y),
            np.arctan2(x, y),
            np.hypot(x, y),
            np.fmod(x, y),
            np.logaddexp(x, y),
        )

    V = [
        onp.float64(v)
        for v in (0.0, -0.0, 1.0, -1.0, float("inf"), float("nan"), 1e308, 5e-324, 2.5, -7.3)
    ]
    return f, [(a, b) for _ in range(3) for a in V for b in V], nothing


@story
def int_float_compare():
    def f(x, n):
        return (x > n) * 1.0, x == n, min(x, n), max(n, x), x if x else n, not x, x and n, x or n

    return (
        f,
        [(v, n) for v in (1.0, 0.0, 2.0, 3.0, -1.0) for n in (0, 1, 2, 3) for _ in range(3)],
        nothing,
    )
