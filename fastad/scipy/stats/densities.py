"""Densities and distribution functions of standard distributions whose formulas in SciPy branch.

SciPy's own formulas assign by a mask there, choose a limit at one point (a tail index of zero),
where a value is right and a slope is not, or take the logarithm of what has underflown (pareto).
Those here are smooth in the shapes; a limit is a series.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, pi
from typing import NamedTuple

import numpy as onp

from ... import numpy as np
from ..registry import Array, nowhere, primal
from ..special.space import sp

__all__ = ["WRITTEN", "Written", "log_share"]

Formula = Callable[..., Array]


class Written(NamedTuple):
    """Formulas `f(z, *shapes)`: the density's logarithm, and the distribution function.

    `by_scale` is one plus z times the score, where this is less than its terms; `moments(*shapes)`
    are mean and variance.
    """

    log_density: Formula
    distribution: Formula | None = None
    survival: Formula | None = None
    by_scale: Formula | None = None
    moments: Callable[..., tuple[Array, Array]] | None = None


NEAR = 0.1  # of zero, where a series of this many terms is exact to rounding
TERMS = 18


def log_share(u: Array) -> Array:
    """log(1 + u) / u, which is 1 - u / 2 + u^2 / 3 - ... near zero."""
    near = onp.abs(primal(u)) < NEAR
    if nowhere(near):
        return np.log1p(u) / u
    small = np.where(near, u, 0.0)
    series: Array = 0.0
    for n in range(TERMS, 0, -1):
        series = 1.0 / n - small * series
    away = np.where(near, 1.0, u)
    return np.where(near, series, np.log1p(away) / away)


# ---- generalised Pareto and extreme values -------------------------------------------------------


def _pareto_exponent(z: Array, c: Array) -> Array:
    """log(1 + c z) / c."""
    return z * log_share(c * z)


def _extreme_exponent(z: Array, c: Array) -> Array:
    """-log(1 - c z) / c; SciPy's c is minus the tail index."""
    return z * log_share(-c * z)


def _extreme_log_density(z: Array, c: Array) -> Array:
    exponent = _extreme_exponent(z, c)
    return (c - 1) * exponent - np.exp(-exponent)


# ---- Burr, Fisk, generalised gamma, truncated Pareto ---------------------------------------------


def _burr_log_density(z: Array, c: Array, d: Array) -> Array:
    logarithm = np.log(z)
    return np.log(c * d) - (c + 1) * logarithm - (d + 1) * np.logaddexp(0.0, -c * logarithm)


def _fisk_log_density(z: Array, c: Array) -> Array:
    return _burr_log_density(z, c, onp.ones(()))


def _gengamma_log_density(z: Array, a: Array, c: Array) -> Array:
    return np.log(np.abs(c)) + (c * a - 1) * np.log(z) - z**c - sp.gammaln(a)


def _gengamma_distribution(z: Array, a: Array, c: Array) -> Array:
    low, high = sp.gammainc(a, z**c), sp.gammaincc(a, z**c)
    return np.where(primal(c) > 0, low, high)


def _truncpareto_log_density(z: Array, b: Array, c: Array) -> Array:
    return np.log(b) - (b + 1) * np.log(z) - np.log(-np.expm1(-b * np.log(c)))


def _truncpareto_distribution(z: Array, b: Array, c: Array) -> Array:
    return np.expm1(-b * np.log(z)) / np.expm1(-b * np.log(c))


# ---- triangle ------------------------------------------------------------------------------------


def _sides(z: Array, c: Array) -> tuple[Array, Array, Array]:
    """Whether z is on the rising side, and the length of each side where it is that one's turn."""
    rising = primal(z) < primal(c)
    return rising, np.where(rising, c, 0.5), np.where(rising, 0.5, 1 - c)


def _triangle_log_density(z: Array, c: Array) -> Array:
    rising, up, down = _sides(z, c)
    return log(2.0) + np.log(np.where(rising, z / up, (1 - z) / down))


def _triangle_distribution(z: Array, c: Array) -> Array:
    rising, up, down = _sides(z, c)
    return np.where(rising, z * z / up, 1 - (1 - z) ** 2 / down)


# ---- Pearson's third -----------------------------------------------------------------------------

# With skewness s the place of gamma's distribution of shape a = 4 / s^2 is a (1 + u), u = s z / 2.
# By Stirling's formula, log gamma(a) = (a - 1/2) log a - a + log(2 pi) / 2 + R(a), the density's
# logarithm is z^2 g(u) - log(1 + u) - log(2 pi) / 2 - R(a), with g(u) = (log(1 + u) - u) / u^2:
# nothing cancels, and at s = 0 it is that of the normal distribution.

LITTLE = 0.1  # skewness up to which the distribution function is an integral of the density
FLAT = 0.5  # and up to which R is its series


def _curve(u: Array) -> Array:
    """(log(1 + u) - u) / u^2, which is -1/2 + u / 3 - u^2 / 4 + ... near zero."""
    near = onp.abs(primal(u)) < NEAR
    small = np.where(near, u, 0.0)
    series: Array = 0.0
    for n in range(TERMS, 1, -1):
        series = 1.0 / n - small * series
    away = np.where(near, 1.0, u)
    return np.where(near, -series, (np.log1p(away) - away) / (away * away))


def _remainder(skew: Array) -> Array:
    """R(4 / s^2): 1 / (12 a) - 1 / (360 a^3) + 1 / (1260 a^5) - 1 / (1680 a^7) for large a."""
    flat = onp.abs(primal(skew)) < FLAT
    inverse = np.where(flat, skew, 0.0) ** 2 / 4
    square = inverse * inverse
    series = inverse * (
        1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))
    )
    a = 4 / np.where(flat, 1.0, skew) ** 2
    exact = sp.gammaln(a) - (a - 0.5) * np.log(a) + a - 0.5 * log(2 * pi)
    return np.where(flat, series, exact)


def _third_log_density(z: Array, skew: Array) -> Array:
    u = skew * z / 2
    return z * z * _curve(u) - np.log1p(u) - 0.5 * log(2 * pi) - _remainder(skew)


START = -12.0
_NODES, _WEIGHTS = onp.polynomial.legendre.leggauss(128)


def _integral(z: Array, skew: Array) -> Array:
    """Of the density up to z, from where there is none."""
    span = np.maximum(z - START, 0.0) / 2
    places = START + span * (1 + _NODES.reshape((-1,) + (1,) * np.ndim(span)))
    density = np.exp(_third_log_density(places, skew))
    return span * np.tensordot(_WEIGHTS, density, 1)


def _third_distribution(z: Array, skew: Array) -> Array:
    zeros = onp.zeros(onp.broadcast_shapes(np.shape(z), np.shape(skew)))
    z, skew = z + zeros, skew + zeros
    little = onp.abs(primal(skew)) < LITTLE
    found: Array = 0.0
    if not nowhere(little):
        found = _integral(np.where(little, z, START), np.where(little, skew, 0.0))
        if not nowhere(~little):
            found = np.where(little, found, 0.0)
    if nowhere(~little):
        return found
    large = np.where(little, 1.0, skew)
    a, rate = 4 / large**2, 2 / large
    place = rate * np.where(little, 0.0, z) + a
    whole = np.where(primal(large) > 0, sp.gammainc(a, place), sp.gammaincc(a, place))
    return np.where(little, found, whole)


WRITTEN: dict[str, Written] = {
    "burr": Written(
        _burr_log_density, lambda z, c, d: np.exp(-d * np.logaddexp(0.0, -c * np.log(z)))
    ),
    "fisk": Written(
        _fisk_log_density,
        lambda z, c: sp.expit(c * np.log(z)),
        lambda z, c: sp.expit(-c * np.log(z)),
    ),
    "genextreme": Written(
        _extreme_log_density,
        lambda z, c: np.exp(-np.exp(-_extreme_exponent(z, c))),
        lambda z, c: -np.expm1(-np.exp(-_extreme_exponent(z, c))),
    ),
    "gengamma": Written(_gengamma_log_density, _gengamma_distribution),
    "genpareto": Written(
        lambda z, c: -(1 + c) * _pareto_exponent(z, c),
        lambda z, c: -np.expm1(-_pareto_exponent(z, c)),
        lambda z, c: np.exp(-_pareto_exponent(z, c)),
    ),
    "gibrat": Written(
        lambda z: -0.5 * np.log(z) ** 2 - np.log(z) - 0.5 * log(2 * pi),
        lambda z: sp.ndtr(np.log(z)),
    ),
    "pareto": Written(
        lambda z, b: np.log(b) - (b + 1) * np.log(z),
        lambda z, b: -np.expm1(-b * np.log(z)),
        lambda z, b: np.exp(-b * np.log(z)),
        lambda z, b: np.zeros_like(z) - b,
    ),
    "pearson3": Written(_third_log_density, _third_distribution),
    "triang": Written(_triangle_log_density, _triangle_distribution),
    "truncpareto": Written(_truncpareto_log_density, _truncpareto_distribution),
}
