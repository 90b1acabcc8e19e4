"""The log-normal distribution.

`pdf(x, s, loc=0, scale=1) = exp(-((log(z) / s) ** 2) / 2) / (s * z * sqrt(2 * pi) * scale)`
with `z = (x - loc) / scale`, where that is positive.
The methods are SciPy's, and differentiable by each of their arguments.

Examples
--------
>>> from fastad import grad
>>> from fastad.scipy.stats import lognorm
>>> round(float(grad(lognorm.logpdf)(0.25, 0.5)), 6)
18.18071
"""

from __future__ import annotations

from math import e, log, pi, sqrt
from typing import TYPE_CHECKING, Any

from scipy.stats import lognorm as _lognorm

from ... import numpy as np
from ..registry import Array, nowhere
from ..special.densities import positive
from ..special.error import normal_ratio
from ..special.space import sp
from .continuous import Continuous


def _score(z: Array, s: Array) -> tuple[Array, Array]:
    """Of the density exp(-(log(z) / s)^2 / 2) / (s z sqrt(2 pi))."""
    u = np.log(z) / s
    return -(1 + u / s) / z, (u * u - 1) / s


def _by_shape(z: Array, s: Array) -> tuple[Array]:
    u = np.log(z) / s
    return (-u / s * np.exp(-0.5 * (u * u)) / sqrt(2 * pi),)


def _log_cdf_by_shape(z: Array, s: Array) -> tuple[Array]:
    u = np.log(z) / s
    return (-u / s * normal_ratio(u),)


def _log_sf_by_shape(z: Array, s: Array) -> tuple[Array]:
    u = np.log(z) / s
    return (u / s * normal_ratio(-u),)


def _quantiles(z: Array, q: Array, upper: bool, s: Array) -> tuple[Any, Any]:
    """Of exp(s u), where u is the normal quantile."""
    sign = -1.0 if upper else 1.0

    def by_q() -> Array:
        u = sp.ndtri(q)
        return sign * s * sqrt(2 * pi) * np.exp(u * (u / 2 + sign * s))

    def by_s() -> Array:
        zero, _ = positive(z)
        slope = sign * z * sp.ndtri(q)
        return slope if nowhere(zero) else np.where(zero, 0.0, slope)

    return by_q, by_s


family = Continuous(
    _lognorm,
    _score,
    _by_shape,
    support=(0, float("inf")),
    ratios=(
        lambda z, s: normal_ratio(np.log(z) / s) / (s * z),
        lambda z, s: normal_ratio(-np.log(z) / s) / (s * z),
    ),
    log_shapes=(_log_cdf_by_shape, _log_sf_by_shape),
    flat=True,
    quantiles=_quantiles,
    by_scale=lambda z, s: -np.log(z) / (s * s),
    moments=lambda s: (np.exp(s * s / 2), np.expm1(s * s) * np.exp(s * s)),
    entropy=lambda s: np.log(s) + log(2 * pi * e) / 2,
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
