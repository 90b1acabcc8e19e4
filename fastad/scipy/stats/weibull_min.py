"""The Weibull distribution.

`pdf(x, c, loc=0, scale=1) = c * z ** (c - 1) * exp(-(z**c)) / scale`
with `z = (x - loc) / scale`, where that is positive.
The methods are SciPy's, and differentiable by each of their arguments.

Examples
--------
>>> from fastad import grad
>>> from fastad.scipy.stats import weibull_min
>>> round(float(grad(weibull_min.logpdf)(0.25, 1.5)), 6)
1.25
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as onp
from scipy.stats import weibull_min as _weibull_min

from ... import numpy as np
from ..registry import Array, as_value, nowhere, primal, safe_divide
from ..special.densities import positive
from ..special.space import sp
from .continuous import Continuous


def _score(z: Array, c: Array) -> Any:
    """Of the density c z^(c - 1) exp(-z^c)."""
    return (
        lambda: safe_divide(c - 1, z) - c * z ** (c - 1),
        lambda: 1 / c + np.log(z) * (1 - z**c),
    )


def _by_shape(z: Array, c: Array) -> tuple[Array]:
    zero, safe = positive(z)
    power = safe**c
    value = np.exp(-power) * power * np.log(safe)
    return (np.where(zero, 0.0, value),)


def _power(z: Array, exponent: Any) -> Array:
    """z to a plain exponent, with derivatives at z = 0."""
    constant = onp.equal(exponent, 0)
    return np.where(constant, 1.0, z ** onp.where(constant, 1.0, exponent))


def _slope(z: Array, c: Array) -> Array:
    """Slope of the density at z = 0: c ((c - 1) z^(c - 2) - c z^(2 c - 2)) exp(-z^c)."""
    zero, c = onp.equal(primal(z), 0), as_value(primal(c))
    z = np.where(zero, z, 0.0)
    rise = (c - 1) * _power(z, onp.where(c == 1, 0.0, c - 2))
    return c * (rise - c * _power(z, 2 * c - 2)) * np.exp(-(z**c))


def _over_expm1(power: Array) -> Array:
    """power / (exp(power) - 1)."""
    return np.exp(-power) / sp.exprel(-power)


def _moments(c: Array) -> tuple[Array, Array]:
    mean = sp.gamma(1 + 1 / c)
    return mean, sp.gamma(1 + 2 / c) - mean * mean


def _quantiles(z: Array, q: Array, upper: bool, c: Array) -> tuple[Any, Any]:
    """Of e^(1 / c) with e = -log(1 - q), or -log(q)."""
    e = -np.log(q) if upper else -np.log1p(-q)
    none, inside = positive(e)
    rise = -q if upper else 1 - q

    def by_q() -> Array:
        slope = z / inside / (c * rise)
        last = onp.isinf(primal(e))
        if nowhere(none | last):
            return slope
        end = np.where(last | (c > 1), onp.inf, np.where(c < 1, 0.0, 1.0))
        return np.where(none | last, (-1.0 if upper else 1.0) * end, slope)

    return by_q, lambda: np.where(none, 0.0, -z * np.log(inside) / (c * c))


family = Continuous(
    _weibull_min,
    _score,
    _by_shape,
    support=(0, float("inf")),
    slope=_slope,
    by_scale=lambda z, c: c * (1 - z**c),
    ratios=(lambda z, c: c / z * _over_expm1(z**c), lambda z, c: c * z ** (c - 1)),
    log_shapes=(
        lambda z, c: (np.log(z) * _over_expm1(z**c),),
        lambda z, c: (-np.log(positive(z)[1]) * z**c,),
    ),
    moments=_moments,
    quantiles=_quantiles,
    entropy=lambda c: 1 + onp.euler_gamma * (1 - 1 / c) - np.log(c),
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
