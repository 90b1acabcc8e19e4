"""Bessel's I and K by their order, for real arguments above zero.

K is an integral of exp(-x cosh t) cosh(v t) (DLMF 10.32.9), I a sum of powers (DLMF 10.25.2). All
terms are positive, so that the slope of the logarithm is a mean of slopes, weighted by the terms.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import Any

import numpy as onp

from ... import numpy as np
from ..registry import Array, dtype_of, helper, nowhere, primal
from .space import sp

__all__ = ["by_order", "i_slope", "k_slope", "log_kv", "window"]

# ---- terms of a sum over whole numbers -----------------------------------------------------------

REACH = 160  # terms to either side of the largest one
DEVIATIONS = 12.0  # by which the terms beyond do not count


def terms_around(center: Any) -> tuple[Any, Any]:
    """The numbers of the terms that count, along a new first axis, and for how many each stands.

    Where there are many terms, their sum is an integral of a smooth function, of which each n-th
    value is enough.
    """
    center = onp.asarray(center, float)
    width = onp.sqrt(onp.maximum(center, 0.0))
    stride = onp.maximum(1.0, onp.ceil(DEVIATIONS * width / REACH))
    steps = onp.arange(-REACH, REACH + 1.0).reshape((-1,) + (1,) * center.ndim)
    return onp.floor(center) + steps * stride, stride


window = helper(terms_around, zero=True)

# ---- K -------------------------------------------------------------------------------------------

_GRID = onp.linspace(0.0, 1.0, 321)
_TRAPEZOID = onp.log(onp.where(onp.arange(321) % 320 == 0, 0.5, 1.0) / 320)
NEGLIGIBLE = 44.0  # exp(-44) is 1e-19


def end_of(v: Any, x: Any) -> Any:
    """Where the exponent of the integrand has fallen by NEGLIGIBLE from its largest value."""
    v, x = onp.broadcast_arrays(onp.abs(onp.asarray(v, float)), onp.asarray(x, float))
    with onp.errstate(all="ignore"):
        peak = onp.arcsinh(v / x)
        largest = onp.maximum(v * peak - x * (onp.cosh(peak) - 1), 0.0)
        t = peak + 1.0
        for _ in range(60):
            t = onp.maximum(onp.arccosh(1 + (NEGLIGIBLE - largest + v * t) / x), peak)
    return t


_end = helper(end_of, zero=True)


def _k_terms(v: Array, x: Array) -> tuple[Array, Array, Array]:
    """Places, logarithms of the terms, and how far the places reach.

    The integrand is even and analytic: the trapezoidal rule converges exponentially.
    """
    end = _end(primal(v), primal(x))
    lead = (-1,) + (1,) * onp.ndim(end)
    t = end * _GRID.reshape(lead)
    exponents = -2 * x * np.sinh(t / 2) ** 2 + np.logaddexp(v * t, -v * t) - log(2.0)
    return t, exponents + _TRAPEZOID.reshape(lead), end


def log_kv(v: Array, x: Array) -> Array:
    """log K_v(x), by both."""
    _, exponents, end = _k_terms(v, x)
    return sp.logsumexp(exponents, axis=0) + np.log(end) - x


def k_slope(v: Array, x: Array) -> Array:
    """The derivative of log K_v(x) by v."""
    t, exponents, _ = _k_terms(v, x)
    return np.sum(sp.softmax(exponents, axis=0) * t * np.tanh(v * t), axis=0)


# ---- I -------------------------------------------------------------------------------------------


def i_slope(v: Array, x: Array) -> Array:
    """The derivative of log I_v(x) by v, v > -1."""
    if not nowhere(onp.less_equal(primal(v), -1)):
        raise NotImplementedError(
            "scipy.special.iv: by an order of -1 or below there is no derivative rule in fastad; "
            "I_{-v} is I_v + 2 / pi sin(pi v) K_v"
        )
    half, order = primal(x) / 2, primal(v)
    k, stride = window((np.sqrt(order * order + 4 * half * half) - order) / 2)
    inside = np.maximum(k, 0.0)
    logarithm = np.log(x / 2)
    exponents = (2 * inside + v) * logarithm - sp.gammaln(inside + 1) - sp.gammaln(v + inside + 1)
    weights = sp.softmax(np.where(k < 0, -onp.inf, exponents), axis=0)
    return np.sum(weights * (logarithm - sp.psi(v + inside + 1)), axis=0)


def by_order(slope: Callable[[Array, Array], Array]) -> Callable[..., Array]:
    """The partial derivative by the order, from the slope of the logarithm."""

    def partial(ans: Array, v: Array, x: Array) -> Array:
        if dtype_of(x).kind == "c":
            raise NotImplementedError(
                "scipy.special: by the order of Bessel functions of a complex argument there is no "
                "derivative rule in fastad"
            )
        gone = onp.equal(primal(ans), 0) | onp.logical_not(onp.greater(primal(x), 0))
        inside = np.where(gone, 1.0, x)
        return np.where(
            gone, np.where(onp.greater_equal(primal(x), 0), 0.0, onp.nan), ans * slope(v, inside)
        )

    return partial
