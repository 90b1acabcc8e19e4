"""Elementary functions of `scipy.special`: logistic, entropies, careful logarithms and powers."""

from __future__ import annotations

from math import log, pi
from typing import Any

import numpy as onp

from ... import numpy as np
from ..registry import (
    Array,
    all_hold,
    attach_partials,
    branched,
    everywhere,
    helper,
    is_traced,
    nowhere,
    primal,
    safe_divide,
)
from .space import sp, space

# ---- logistic ----------------------------------------------------------------------------------

# expit(-x) is 1 - expit(x) without its cancellation.
space.elementwise("expit", lambda ans, x: ans * sp.expit(-x))
# 1 / (x (1 - x)), whose square overflows at order 2.
space.elementwise("logit", lambda ans, x: 1 / x + 1 / (1 - x))
space.elementwise("log_expit", lambda ans, x: sp.expit(-x))
space.elementwise("softplus", lambda ans, x: sp.expit(x))

# ---- entropies ---------------------------------------------------------------------------------


RATIOS = (1e-30, 1e30)  # normal numbers of single precision, too


@helper
def log_ratio(x: Any, y: Any) -> Any:
    """log(x / y), whose derivative by y is there at x = 0 as well.

    Near one by the difference, which is exact; where the quotient is no number, by logarithms.
    """
    with onp.errstate(all="ignore"):
        ratio, change = onp.divide(x, y), onp.divide(onp.subtract(x, y), y)
        near = onp.log1p(onp.where(onp.abs(change) < 0.5, change, 0))
        kept = (onp.abs(ratio) >= onp.finfo(ratio.dtype).tiny) & onp.isfinite(ratio)
        far = onp.where(kept | (onp.asarray(x) == 0), onp.log(ratio), onp.log(x) - onp.log(y))
    return onp.where(onp.abs(change) < 0.5, near, far).astype(ratio.dtype)[()]


attach_partials(log_ratio, lambda ans, x, y: 1 / x, lambda ans, x, y: -1 / y)


def _log_ratio(x: Array, y: Array) -> Array:
    """`log_ratio`, by ufuncs alone where every quotient is a number of middling size."""
    if not is_traced(x, y):
        with onp.errstate(all="ignore"):
            ratio = x / y
            if all_hold((ratio > RATIOS[0]) & (ratio < RATIOS[1])):
                change = (x - y) / y
                close = np.abs(change) < 0.5
                return np.where(close, np.log1p(np.where(close, change, 0.0)), np.log(ratio))
    return log_ratio(x, y)


# entr = -x log x, rel_entr = x log(x / y), kl_div = x log(x / y) - x + y.
space.elementwise("entr", lambda ans, x: -np.log(x) - 1)
space.elementwise(
    "rel_entr", lambda ans, x, y: _log_ratio(x, y) + 1, lambda ans, x, y: -safe_divide(x, y)
)
space.elementwise(
    "kl_div", lambda ans, x, y: _log_ratio(x, y), lambda ans, x, y: safe_divide(y - x, y)
)
space.elementwise("xlogy", lambda ans, x, y: np.log(y), lambda ans, x, y: safe_divide(x, y))
space.elementwise("xlog1py", lambda ans, x, y: np.log1p(y), lambda ans, x, y: safe_divide(x, 1 + y))

# ---- exponentials and powers -------------------------------------------------------------------

space.elementwise("exp2", lambda ans, x: log(2) * ans)
space.elementwise("exp10", lambda ans, x: log(10) * ans)
space.elementwise("expm1", lambda ans, x: np.exp(x))
space.elementwise("log1p", lambda ans, x: 1 / (1 + x))
space.elementwise("cosm1", lambda ans, x: -np.sin(x))
space.elementwise("cbrt", lambda ans, x: 1 / (3 * (ans * ans)))


def _powm1_by_x(ans: Array, x: Array, y: Array) -> Array:
    """As of x**y: zero where both are."""
    both = onp.equal(primal(x), 0) & onp.equal(primal(y), 0)
    return y * (x if nowhere(both) else np.where(both, 1.0, x)) ** (y - 1)


def _powm1_by_y(ans: Array, x: Array, y: Array) -> Array:
    """As of x**y: zero where x is."""
    zero = onp.equal(primal(x), 0)
    return x**y * np.log(x if nowhere(zero) else np.where(zero, 1.0, x))


space.elementwise("powm1", _powm1_by_x, _powm1_by_y)


def exprel_slope(x: Array) -> Array:
    """Derivative of (exp(x) - 1) / x: the integral of t exp(x t) over 0 < t < 1.

    Near zero by Kummer's function M(2, 3, x) / 2 (DLMF 13.4.1), elsewhere from the quotient.
    """
    small = onp.abs(primal(x)) < 1
    if everywhere(small):
        return sp.hyp1f1(2.0, 3.0, x) / 2
    away = np.where(small, 1.0, x)
    quotient = branched(
        onp.greater(primal(away), 0),
        lambda x: sp.exprel(x) * (1 - 1 / x) + 1 / x,
        lambda x: (np.exp(x) - sp.exprel(x)) / x,
        away,
        (1.0, -1.0),
    )
    if nowhere(small):
        return quotient
    return np.where(small, sp.hyp1f1(2.0, 3.0, np.where(small, x, 0.0)) / 2, quotient)


space.elementwise("exprel", lambda ans, x: exprel_slope(x))


def _boxcox_slope(logarithm: Array, lmbda: Array) -> Array:
    """Derivative of (exp(lmbda L) - 1) / lmbda by lmbda: L^2 exprel'(lmbda L).

    Where the exponential is zero because L is, 1 / lmbda^2.
    """
    end = onp.isneginf(primal(logarithm)) & onp.greater(primal(lmbda), 0)
    if nowhere(end):
        return logarithm * logarithm * exprel_slope(lmbda * logarithm)
    inside = np.where(end, -1.0, logarithm)
    slope = inside * inside * exprel_slope(lmbda * inside)
    return np.where(end, 1 / np.where(end, lmbda, 1.0) ** 2, slope)


space.elementwise(
    "boxcox",
    lambda ans, x, lmbda: x ** (lmbda - 1),
    lambda ans, x, lmbda: _boxcox_slope(np.log(x), lmbda),
)
space.elementwise(
    "boxcox1p",
    lambda ans, x, lmbda: (1 + x) ** (lmbda - 1),
    lambda ans, x, lmbda: _boxcox_slope(np.log1p(x), lmbda),
)


def _log_inv_boxcox(ans: Array, y: Array, lmbda: Array) -> Array:
    """Its logarithm, which near 1 has more digits than the number."""
    near = onp.abs(primal(ans) - 1) < 0.5
    if nowhere(near):
        return np.log(ans)
    there = np.log1p(sp.inv_boxcox1p(np.where(near, y, 0.0), lmbda))
    return there if everywhere(near) else np.where(near, there, np.log(np.where(near, 1.0, ans)))


# The inverses, by the implicit function theorem.
space.elementwise(
    "inv_boxcox",
    lambda ans, y, lmbda: ans ** (1 - lmbda),
    lambda ans, y, lmbda: (
        -_boxcox_slope(_log_inv_boxcox(ans, y, lmbda), lmbda) * ans ** (1 - lmbda)
    ),
)
space.elementwise(
    "inv_boxcox1p",
    lambda ans, y, lmbda: (1 + ans) ** (1 - lmbda),
    lambda ans, y, lmbda: -_boxcox_slope(np.log1p(ans), lmbda) * (1 + ans) ** (1 - lmbda),
)

# ---- losses ------------------------------------------------------------------------------------


def _within(delta: Array, r: Array) -> Array:
    return onp.abs(primal(r)) <= primal(delta)


space.elementwise(
    "huber",
    lambda ans, delta, r: np.where(_within(delta, r), 0.0, np.abs(r) - delta),
    lambda ans, delta, r: np.where(_within(delta, r), r, delta * np.sign(r)),
)


def _pseudo_huber_by_delta(delta: Array, r: Array) -> Array:
    """delta (s - 1)^2 / s for s = sqrt(1 + q^2), q = r / delta, where s - 1 = q^2 / (s + 1)."""
    q = r / delta
    s = np.hypot(1.0, q)
    excess = q * (q / (s + 1))
    return delta * excess * (excess / s)


space.elementwise(
    "pseudo_huber",
    lambda ans, delta, r: _pseudo_huber_by_delta(delta, r),
    lambda ans, delta, r: r / np.hypot(1.0, r / delta),
)

# ---- degrees -----------------------------------------------------------------------------------

DEGREE = pi / 180

space.elementwise("sindg", lambda ans, x: DEGREE * sp.cosdg(x))
space.elementwise("cosdg", lambda ans, x: -DEGREE * sp.sindg(x))
space.elementwise("tandg", lambda ans, x: DEGREE * (1 + ans * ans))
space.elementwise("cotdg", lambda ans, x: -DEGREE / sp.sindg(x) ** 2)
space.elementwise(
    "radian",
    lambda ans, d, m, s: DEGREE * np.ones_like(ans),
    lambda ans, d, m, s: DEGREE / 60 * np.ones_like(ans),
    lambda ans, d, m, s: DEGREE / 3600 * np.ones_like(ans),
)
space.zero("round")
