"""Inverses of distribution functions, by the implicit function theorem.

From F(s, x(s, p)) = p with the density f: dx/dp = 1 / f and dx/ds = -F_s / f at x = ans. F_s and f
underflow together in the tails and are zero together at the ends of the range, where the quotient
is a number. It is therefore computed as one integral (`quadrature`'s gains); 1 / f is a primitive
as well, so that no square of f appears at higher orders. At an end that is finite, x is there for
all shapes, so that its derivative by them is zero; at one that is infinite it is the limit.
"""

from __future__ import annotations

from typing import Any

import numpy as onp

from ... import numpy as np
from ..registry import Array, attach_partials, everywhere, helper, nowhere, primal
from . import quadrature
from .densities import beta_density, gamma_density, positive
from .gammas import psi_gap
from .incomplete import beta_scores, gamma_scores
from .space import sp, space
from .student import student_gain, student_spacing

# ---- what the rules are made of ------------------------------------------------------------------


@helper
def gamma_gain(n: int, a: Any, x: Any) -> Any:
    """The n-th derivative of gammainc(a, x) by a over the density."""
    return quadrature.gamma_shape_gain(n, a, x)


def _gamma_gain_by_a(ans: Array, n: int, a: Array, x: Array) -> Array:
    end, safe = positive(x)
    slope = gamma_gain(n + 1, a, x) - ans * (np.log(safe) - sp.psi(a))
    return slope if nowhere(end) else np.where(end, 0.0, slope)


def _gamma_gain_by_x(ans: Array, n: int, a: Array, x: Array) -> Array:
    end, safe = positive(x)
    slope = quadrature.bell(n, gamma_scores(n, a, safe)) - ans * ((a - 1) / safe - 1)
    return slope if nowhere(end) else np.where(end, (-1.0) ** n * onp.inf, slope)


attach_partials(gamma_gain, None, _gamma_gain_by_a, _gamma_gain_by_x)


def _spacing_at_zero(a: Array, at_one: Array) -> Array:
    """The slope by x of 1 / f, which is like x^(1 - a), at x = 0."""
    shape = primal(a)
    return np.where(onp.equal(shape, 1), at_one, np.where(onp.less(shape, 1), onp.inf, -onp.inf))


@helper
def gamma_spacing(a: Any, x: Any) -> Any:
    """One over the gamma density."""
    with onp.errstate(all="ignore"):
        return 1 / gamma_density(a, x)


def _gamma_spacing_by_a(ans: Array, a: Array, x: Array) -> Array:
    end, safe = positive(x)
    slope = -ans * (np.log(safe) - sp.psi(a))
    return slope if nowhere(end) else np.where(end, np.where(a < 1, 0.0, onp.inf), slope)


def _gamma_spacing_by_x(ans: Array, a: Array, x: Array) -> Array:
    end, safe = positive(x)
    slope = ans * (1 - (a - 1) / safe)
    return slope if nowhere(end) else np.where(end, _spacing_at_zero(a, ans), slope)


attach_partials(gamma_spacing, _gamma_spacing_by_a, _gamma_spacing_by_x)


@helper
def beta_gain(m: int, n: int, a: Any, b: Any, x: Any) -> Any:
    """The derivative of betainc(a, b, x), m times by a and n times by b, over x (1 - x) f(x)."""
    return quadrature.beta_shape_gain(m, n, a, b, x)


def _beta_gain_by_x(ans: Array, m: int, n: int, a: Array, b: Array, x: Array) -> Array:
    inner = quadrature.bell_pair(m, n, beta_scores(a, b, x))
    return (inner - ans * (a * (1 - x) - b * x)) / (x * (1 - x))


attach_partials(
    beta_gain,
    None,
    None,
    lambda ans, m, n, a, b, x: beta_gain(m + 1, n, a, b, x) - ans * (psi_gap(a, b) + np.log(x)),
    lambda ans, m, n, a, b, x: beta_gain(m, n + 1, a, b, x) - ans * (psi_gap(b, a) + np.log1p(-x)),
    _beta_gain_by_x,
)


@helper
def beta_spacing(a: Any, b: Any, x: Any) -> Any:
    """One over the beta density."""
    with onp.errstate(all="ignore"):
        return 1 / beta_density(a, b, x)


def _beta_spacing_by_a(ans: Array, a: Array, b: Array, x: Array) -> Array:
    end, safe = positive(x)
    slope = -ans * (np.log(safe) + psi_gap(a, b))
    return slope if nowhere(end) else np.where(end, np.where(a < 1, 0.0, onp.inf), slope)


def _beta_spacing_by_x(ans: Array, a: Array, b: Array, x: Array) -> Array:
    end, safe = positive(x)
    slope = ans * ((b - 1) / (1 - x) - (a - 1) / safe)
    return slope if nowhere(end) else np.where(end, _spacing_at_zero(a, ans * (b - 1)), slope)


attach_partials(
    beta_spacing,
    _beta_spacing_by_a,
    lambda ans, a, b, x: -ans * (np.log1p(-x) + psi_gap(b, a)),
    _beta_spacing_by_x,
)

# ---- gamma ---------------------------------------------------------------------------------------

space.elementwise(
    "gammaincinv",
    lambda ans, a, p: -gamma_gain(1, a, ans),
    lambda ans, a, p: gamma_spacing(a, ans),
)
space.elementwise(
    "gammainccinv",
    lambda ans, a, q: -gamma_gain(1, a, ans),
    lambda ans, a, q: -gamma_spacing(a, ans),
)
# chdtri is the inverse of chdtrc in x, gdtrix that of gdtr.
space.elementwise(
    "chdtri",
    lambda ans, v, p: -gamma_gain(1, v / 2, ans / 2),
    lambda ans, v, p: -2 * gamma_spacing(v / 2, ans / 2),
)
space.elementwise(
    "gdtrix",
    lambda ans, a, b, p: -ans / a,
    lambda ans, a, b, p: -gamma_gain(1, b, a * ans) / a,
    lambda ans, a, b, p: gamma_spacing(b, a * ans) / a,
)

# ---- beta ----------------------------------------------------------------------------------------

# Beyond one half, where x has lost the digits of 1 - x, what is inverted is I_{1-x}(b, a) = 1 - p.


def _smaller(high: Any, a: Array, b: Array, x: Array, y: Any) -> tuple[Any, Array, Array, Array]:
    """A sign, two shapes and the smaller of x and y = 1 - x, which is y where `high` holds."""
    if nowhere(high):
        return 1.0, a, b, x
    sign = onp.where(primal(high), -1.0, 1.0)
    return sign, np.where(high, b, a), np.where(high, a, b), np.where(high, y(), x)


def beta_quantiles(x: Array, a: Array, b: Array, p: Array, upper: bool) -> tuple[Any, Any, Any]:
    """The derivatives of the quantile x by p and both shapes; `upper` if p is what lies above x."""
    high = onp.greater(primal(x), 0.5)
    other = space.entries.get("betaincinv" if upper else "betainccinv")  # the latter is younger

    def complement() -> Array:
        return 1 - x if other is None else other(b, a, p)

    sign, first, second, small = _smaller(high, a, b, x, complement)

    def by_shape(i: int) -> Array:
        end, safe = positive(small)
        gain = _gain(onp.where(high, 1 - i, i), first, second, safe)
        slope = -sign * safe * (1 - safe) * gain
        return slope if nowhere(end) else np.where(end, 0.0, slope)

    return (
        lambda: (-1.0 if upper else 1.0) * beta_spacing(first, second, small),
        lambda: by_shape(0),
        lambda: by_shape(1),
    )


def _gain(place: Any, a: Array, b: Array, x: Array) -> Array:
    """The gain by the shape in this place, 0 or 1, of each entry."""
    first = onp.equal(place, 0)
    if everywhere(first):
        return beta_gain(1, 0, a, b, x)
    if nowhere(first):
        return beta_gain(0, 1, a, b, x)
    return np.where(first, beta_gain(1, 0, a, b, x), beta_gain(0, 1, a, b, x))


for _name, _upper in (("betaincinv", False), ("betainccinv", True)):
    space.elementwise(
        _name,
        lambda ans, a, b, p, u=_upper: beta_quantiles(ans, a, b, p, u)[1](),
        lambda ans, a, b, p, u=_upper: beta_quantiles(ans, a, b, p, u)[2](),
        lambda ans, a, b, p, u=_upper: beta_quantiles(ans, a, b, p, u)[0](),
    )

# fdtr(d, e, x) = I_y(d / 2, e / 2) at y = d x / (d x + e): dx / x = dy / (y (1 - y)) + de/e - dd/d.


def _f_inverse(i: int) -> Any:
    def partial(ans: Array, d: Array, e: Array, p: Array) -> Array:
        ratio = d * ans / e
        high = onp.greater(primal(ratio), 1)
        less = np.where(high, 1.0, ratio)
        y, w = less / (1 + less), 1 / (1 + np.where(high, ratio, 1.0))
        sign, a, b, small = _smaller(high, d / 2, e / 2, y, lambda: w)
        if i == 2:
            # x / (y w f): of small x it is e / (d w^2 f), of large x it has no square of w.
            large = 1 - small
            scale = np.where(high, (ans + e / d) / np.where(high, small, 1.0), e / d / large**2)
            slope = scale * beta_spacing(a, b, small)
            last = onp.isinf(primal(ans))
            return slope if nowhere(last) else np.where(last, ans, slope)
        end, safe = positive(ratio)
        gain = _gain(onp.where(high, 1 - i, i), a, b, np.where(end, 0.5, small))
        outer = 1 / e if i else -1 / d
        slope = ans * (outer - sign * gain / 2)
        return slope if nowhere(end) else np.where(end, 0.0, slope)

    return partial


space.elementwise("fdtri", *map(_f_inverse, range(3)))

# ---- Student's t ---------------------------------------------------------------------------------

space.elementwise(
    "stdtrit",
    lambda ans, df, p: -student_gain(1, df, ans),
    lambda ans, df, p: student_spacing(df, ans),
)
