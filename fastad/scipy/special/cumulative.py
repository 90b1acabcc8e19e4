"""Distribution functions of `scipy.special` (chdtr, stdtr, fdtr, ...) through the incomplete ones.

DLMF 8.2 and 8.17 and the definitions in SciPy's documentation reduce each to gammainc or betainc
at changed arguments; the chain rule is written out, values stay SciPy's own. Inverses stand in
`inverses`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as onp

from ... import numpy as np
from ..registry import REFUSED, Array, nowhere, primal
from .densities import beta_density, gamma_density, positive
from .incomplete import beta_shape, gamma_shape
from .space import space
from .student import student_density, student_shape

# chdtr(v, x) = P(v / 2, x / 2); chndtr has no rule.
space.elementwise(
    "chdtr",
    lambda ans, v, x: gamma_shape(1, v / 2, x / 2) / 2,
    lambda ans, v, x: gamma_density(v / 2, x / 2) / 2,
)
space.elementwise(
    "chdtrc",
    lambda ans, v, x: -gamma_shape(1, v / 2, x / 2) / 2,
    lambda ans, v, x: -gamma_density(v / 2, x / 2) / 2,
)


def _times(factor: Array, density: Any, x: Array) -> Array:
    """factor * density(x); zero where the factor is zero, which may be where the density is not."""
    zero, safe = positive(factor)
    if nowhere(zero):
        return factor * density(x)
    return np.where(zero, 0.0, safe * density(np.where(zero, 0.5, x)))


# gdtr(a, b, x) = P(b, a x).
for _name, _sign in (("gdtr", 1), ("gdtrc", -1)):
    space.elementwise(
        _name,
        lambda ans, a, b, x, s=_sign: s * _times(x, partial(gamma_density, b), a * x),
        lambda ans, a, b, x, s=_sign: s * gamma_shape(1, b, a * x),
        lambda ans, a, b, x, s=_sign: s * _times(a, partial(gamma_density, b), a * x),
    )
# pdtr(k, m) = Q(floor(k) + 1, m): by the mean only, k counts.
space.elementwise("pdtr", REFUSED, lambda ans, k, m: -gamma_density(np.floor(k) + 1, m))
space.elementwise("pdtrc", REFUSED, lambda ans, k, m: gamma_density(np.floor(k) + 1, m))
# bdtr(k, n, p) = I_{1-p}(n - floor(k), floor(k) + 1), nbdtr(k, n, p) = I_p(n, trunc(k) + 1);
# SciPy cuts an n that is not whole.


def _binomial_slope(k: Array, n: Array, p: Array) -> Array:
    """Minus the derivative by p; zero where all n trials are counted, k = n."""
    k = onp.floor(primal(k))
    n = onp.trunc(primal(n))
    inside = (k < n) & (k >= 0)
    value = beta_density(np.where(inside, k + 1, 1.0), np.where(inside, n - k, 1.0), p)
    return np.where(inside, value, 0.0)


space.elementwise("bdtr", REFUSED, REFUSED, lambda ans, k, n, p: -_binomial_slope(k, n, p))
space.elementwise("bdtrc", REFUSED, REFUSED, lambda ans, k, n, p: _binomial_slope(k, n, p))
space.elementwise(
    "nbdtr", REFUSED, REFUSED, lambda ans, k, n, p: beta_density(np.trunc(n), np.trunc(k) + 1, p)
)
space.elementwise(
    "nbdtrc", REFUSED, REFUSED, lambda ans, k, n, p: -beta_density(np.trunc(n), np.trunc(k) + 1, p)
)

# fdtr(d, e, x) = I_y(d / 2, e / 2) at y = d x / (d x + e).


def _fdtr_partials(sign: int) -> tuple[Any, Any, Any]:
    def parts(d: Array, e: Array, x: Array) -> tuple[Array, Array, Array, Array]:
        total = d * x + e
        y = d * x / total
        return d / 2, e / 2, y, e / (total * total)

    def by_d(ans: Array, d: Array, e: Array, x: Array) -> Array:
        a, b, y, slope = parts(d, e, x)
        rest = _times(slope * x, partial(beta_density, a, b), y)
        return sign * (beta_shape(1, 0, a, b, y) / 2 + rest)

    def by_e(ans: Array, d: Array, e: Array, x: Array) -> Array:
        a, b, y, slope = parts(d, e, x)
        rest = _times(slope * d * x / e, partial(beta_density, a, b), y)
        return sign * (beta_shape(0, 1, a, b, y) / 2 - rest)

    def by_x(ans: Array, d: Array, e: Array, x: Array) -> Array:
        a, b, y, slope = parts(d, e, x)
        return sign * beta_density(a, b, y) * slope * d

    return by_d, by_e, by_x


space.elementwise("fdtr", *_fdtr_partials(1))
space.elementwise("fdtrc", *_fdtr_partials(-1))

# ---- Student's t -------------------------------------------------------------------------------


space.elementwise(
    "stdtr", lambda ans, df, t: student_shape(1, df, t), lambda ans, df, t: student_density(df, t)
)
