"""Derivatives of scipy.special's functions far out and beside their special points, against mpmath.

Not reached, since SciPy's own values or the difference of two of its functions limit them: the
exponentially scaled Bessel functions of large arguments (i0e' is i1e - i0e, and so on), Bessel
functions beside their zeros, the elliptic integrals next to m = 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from sweeps.test_far_out import assert_right, points

import fastad.scipy.special as special
from fastad import elementwise_grad

Function = Callable[..., Any]


def _normal(x: Any) -> Any:
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def _gauss(x: Any, sign: int = 1) -> Any:
    return sign * 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)


# name: derivative, domain, special points.
UNARY: dict[str, tuple[Function, tuple[float, float], tuple[float, ...]]] = {
    "expit": (lambda x: 1 / (mp.exp(x / 2) + mp.exp(-x / 2)) ** 2, (-np.inf, np.inf), ()),
    "logit": (lambda x: 1 / (x * (1 - x)), (0, 1), (1.0,)),
    "log_expit": (lambda x: 1 / (1 + mp.exp(x)), (-np.inf, np.inf), ()),
    "entr": (lambda x: -mp.log(x) - 1, (0, np.inf), (1.0,)),
    "exp10": (lambda x: mp.log(10) * mp.power(10, x), (-np.inf, np.inf), ()),
    "exp2": (lambda x: mp.log(2) * mp.power(2, x), (-np.inf, np.inf), ()),
    "expm1": (mp.exp, (-np.inf, np.inf), ()),
    "log1p": (lambda x: 1 / (1 + x), (-1, np.inf), (-1.0,)),
    "cosm1": (lambda x: -mp.sin(x), (-np.inf, np.inf), ()),
    "cbrt": (lambda x: 1 / (3 * mp.cbrt(abs(x)) ** 2), (-np.inf, np.inf), ()),
    "erf": (_gauss, (-np.inf, np.inf), ()),
    "erfc": (lambda x: _gauss(x, -1), (-np.inf, np.inf), ()),
    "ndtr": (_normal, (-np.inf, np.inf), ()),
    "gammaln": (lambda x: mp.psi(0, x), (-30, 1e4), (-1.0, -2.0, -7.0)),
    "gamma": (lambda x: mp.gamma(x) * mp.psi(0, x), (-30, 1e3), (-1.0, -2.0, -7.0)),
}


@pytest.mark.parametrize("name", UNARY)
def test_unary(name: str) -> None:
    derivative, (low, high), beside = UNARY[name]
    kind = np.dtype(np.float64)
    x = points(kind, beside)
    x = x[(x > low) & (x < high) & ~np.isin(x, beside)]
    if name.startswith("gamma"):  # apart from the zeros of psi, where it has no digits
        x = x[np.abs(x) > 1e-300]
    with np.errstate(all="ignore"), mp.workdps(60):
        got = elementwise_grad(getattr(special, name))(x)
        right = [mp.mpf(derivative(mp.mpf(float(p)))) for p in x]
    assert_right(got, right, kind, lambda i: f"{name}'({float(x[i])!r})", 1e-12)


RNG = np.random.default_rng(4)
WIDE, OTHER = 10.0 ** RNG.uniform(-150, 150, (2, 300))
CLOSE = WIDE * (1 + 10.0 ** RNG.uniform(-14, 0, 300))
PAIRS = (np.concatenate([WIDE, WIDE]), np.concatenate([OTHER, CLOSE]))
SHAPES = tuple(10.0 ** RNG.uniform(-10, 12, (2, 300)))
POWERS = (10.0 ** RNG.uniform(-5, 5, 300), RNG.uniform(-30, 30, 300))
BINARY: dict[str, tuple[tuple[Any, ...], tuple[Function, ...]]] = {
    "kl_div": (PAIRS, (lambda x, y: mp.log(x / y), lambda x, y: 1 - x / y)),
    "rel_entr": (PAIRS, (lambda x, y: mp.log(x / y) + 1, lambda x, y: -x / y)),
    "betaln": (
        SHAPES,
        (
            lambda a, b: mp.psi(0, a) - mp.psi(0, a + b),
            lambda a, b: mp.psi(0, b) - mp.psi(0, a + b),
        ),
    ),
    "powm1": (POWERS, (lambda x, y: y * x ** (y - 1), lambda x, y: mp.log(x) * x**y)),
    "pseudo_huber": (
        PAIRS,
        (
            lambda d, r: d * (mp.sqrt(1 + (r / d) ** 2) - 1) ** 2 / mp.sqrt(1 + (r / d) ** 2),
            lambda d, r: r / mp.sqrt(1 + (r / d) ** 2),
        ),
    ),
}


@pytest.mark.parametrize("name", BINARY)
def test_binary(name: str) -> None:
    arguments, partials = BINARY[name]
    kind = np.dtype(np.float64)
    with np.errstate(all="ignore"), mp.workdps(700 if name == "pseudo_huber" else 60):
        for k, partial in enumerate(partials):
            got = elementwise_grad(getattr(special, name), k)(*arguments)
            right = [mp.mpf(partial(*map(mp.mpf, map(float, at)))) for at in zip(*arguments)]
            assert_right(got, right, kind, lambda i: f"{name} {[a[i] for a in arguments]}", 1e-12)
