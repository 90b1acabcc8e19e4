"""Distributions whose densities are sums or integrals: non-central ones, and those of Bessel's K.

Non-central families: a sum over Poisson's probabilities (Johnson, Kotz and Balakrishnan, Continuous
Univariate Distributions, chapters 29 and 30) or an integral over the scale (chapter 31). All terms
are positive, so that sums keep their digits, and derivatives of every order are those of the terms.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, pi
from typing import Any

import numpy as onp

from ... import numpy as np
from ..registry import Array, nowhere, primal
from ..special.orders import log_kv, window
from ..special.space import sp
from .densities import Written

__all__ = ["MIXTURES"]

HALF_LOG_2PI = 0.5 * log(2 * pi)

# ---- Poisson's sums ------------------------------------------------------------------------------


def _log_poisson(k: Any, stride: Any, mean: Array) -> Array:
    """The logarithm of Poisson's probabilities; minus infinity below zero."""
    inside = np.maximum(k, 0.0)
    value = sp.xlogy(inside, mean) - mean - sp.gammaln(inside + 1.0) + np.log(stride)
    return np.where(k < 0, -onp.inf, value)


Center = Callable[..., Any]
Term = Callable[..., Array]
FEW = 6  # terms at a mean of zero, enough for derivatives of order five


def _mixed(center: Center, log_term: Term, mean: Array, *args: Array) -> Array:
    """log of the sum over k of Poisson's probabilities times exp(log_term(k, *args))."""
    zero = onp.equal(primal(mean), 0)
    inner = mean if nowhere(zero) else np.where(zero, 1.0, mean)
    k, stride = window(center(*map(primal, (inner, *args))))
    inside = np.maximum(k, 0.0)
    result = sp.logsumexp(_log_poisson(k, stride, inner) + log_term(inside, *args), axis=0)
    if nowhere(zero):
        return result
    first = log_term(0.0, *args)
    few = _few(np.where(zero, mean, 0.0), lambda k: np.exp(log_term(k, *args) - first))
    return np.where(zero, first + np.log(few), result)


def _weighted(center: Center, term: Term, mean: Array, *args: Array) -> Array:
    """The sum over k of Poisson's probabilities times term(k, *args)."""
    zero = onp.equal(primal(mean), 0)
    inner = mean if nowhere(zero) else np.where(zero, 1.0, mean)
    k, stride = window(center(*map(primal, (inner, *args))))
    inside = np.maximum(k, 0.0)
    result = np.sum(np.exp(_log_poisson(k, stride, inner)) * term(inside, *args), axis=0)
    if nowhere(zero):
        return result
    return np.where(zero, _few(np.where(zero, mean, 0.0), lambda k: term(k, *args)), result)


def _few(mean: Array, term: Callable[[float], Array]) -> Array:
    """The first terms of the sum, by Horner's rule: their logarithms are infinite at zero."""
    total: Array = 0.0
    for k in reversed(range(FEW)):
        total = total * mean / (k + 1) + term(float(k))
    return np.exp(-mean) * total


def _least(mode: Callable[..., Any]) -> Callable[..., Any]:
    """Where terms of a lower tail are largest: it is one up to about the mode, and falls then."""
    return lambda mean, *given: np.minimum(mode(mean, *given), mean)


def _most(mode: Callable[..., Any]) -> Callable[..., Any]:
    """Where terms of an upper tail are largest."""
    return lambda mean, *given: np.maximum(mode(mean, *given), mean)


# ---- chi squared ---------------------------------------------------------------------------------


def _square_mode(mean: Any, x: Any, a: Any) -> Any:
    """Where mean^k x^k / (k! Gamma(a + k)) is largest."""
    return (np.sqrt(a * a + 4 * mean * x) - a) / 2


def _square_term(k: Any, x: Array, a: Array) -> Array:
    return (a + k - 1) * np.log(x) - x - sp.gammaln(a + k)


def _square_log_density(z: Array, df: Array, nc: Array) -> Array:
    """Of half of z, a gamma distribution of shape df / 2 + k."""
    return _mixed(_square_mode, _square_term, nc / 2, z / 2, df / 2) - log(2.0)


def _square_below(z: Array, df: Array, nc: Array) -> Array:
    center = _least(_square_mode)
    return _weighted(center, lambda k, x, a: sp.gammainc(a + k, x), nc / 2, z / 2, df / 2)


def _square_above(z: Array, df: Array, nc: Array) -> Array:
    center = _most(_square_mode)
    return _weighted(center, lambda k, x, a: sp.gammaincc(a + k, x), nc / 2, z / 2, df / 2)


# ---- F -------------------------------------------------------------------------------------------


def _share(z: Array, m: Array, n: Array) -> tuple[Array, Array]:
    """Of the beta distribution's variable, and its logarithms' rest."""
    return m * z / (m * z + n), n / (m * z + n)


def _ratio_mode(mean: Any, y: Any, rest: Any, a: Any, b: Any) -> Any:
    """Where mean^k y^k Gamma(a + b + k) / (k! Gamma(a + k)) is largest."""
    half = (mean * y - a) / 2
    return half + np.sqrt(half * half + mean * y * (a + b))


def _ratio_term(k: Any, y: Array, rest: Array, a: Array, b: Array) -> Array:
    return (a + k) * np.log(y) + b * np.log(rest) - sp.betaln(a + k, b)


def _ratio_log_density(z: Array, m: Array, n: Array, nc: Array) -> Array:
    given = (*_share(z, m, n), m / 2, n / 2)
    return _mixed(_ratio_mode, _ratio_term, nc / 2, *given) - np.log(z)


def _ratio_below(z: Array, m: Array, n: Array, nc: Array) -> Array:
    given = (*_share(z, m, n), m / 2, n / 2)
    return _weighted(
        _least(_ratio_mode), lambda k, y, rest, a, b: sp.betainc(a + k, b, y), nc / 2, *given
    )


def _ratio_above(z: Array, m: Array, n: Array, nc: Array) -> Array:
    given = (*_share(z, m, n), m / 2, n / 2)
    return _weighted(
        _most(_ratio_mode), lambda k, y, rest, a, b: sp.betainc(b, a + k, rest), nc / 2, *given
    )


# ---- Student's t: an integral over the logarithm of the scale ------------------------------------

_STEPS = onp.linspace(-5.0, 5.0, 161)
_WEIGHTS = onp.log((_STEPS[1] - _STEPS[0]) * onp.cosh(_STEPS))
_PLACES = onp.sinh(_STEPS)  # in units of the width: dense at the peak, and far to both sides


def _along_first(values: Any, like: Any) -> Any:
    return values.reshape((-1,) + (1,) * onp.ndim(like))


def _t_log_density(z: Array, df: Array, nc: Array) -> Array:
    """Of (normal + nc) / w, where df w^2 is chi squared; the places lie about the largest term."""
    t, n, c = map(primal, (z, df, nc))
    square = n + t * t
    peak = (t * c + np.sqrt(t * t * c * c + 4 * (n + 1) * square)) / (2 * square)
    width = 1 / np.sqrt(2 * square * peak * peak - t * c * peak)
    tau = np.log(peak) + width * _along_first(_PLACES, width)
    w = np.exp(tau)
    terms = (df + 1) * tau - 0.5 * df * w * w - 0.5 * (z * w - nc) ** 2
    terms = terms + _along_first(_WEIGHTS, width) + np.log(width)
    constant = 0.5 * df * np.log(df / 2) - sp.gammaln(df / 2) + log(2.0) - HALF_LOG_2PI
    return sp.logsumexp(terms, axis=0) + constant


def _t_moments(df: Array, nc: Array) -> tuple[Array, Array]:
    mean = nc * np.sqrt(df / 2) * np.exp(sp.gammaln((df - 1) / 2) - sp.gammaln(df / 2))
    return mean, df * (1 + nc * nc) / (df - 2) - mean * mean


# ---- of Bessel's K -------------------------------------------------------------------------------


def _hyperbolic_log_density(z: Array, p: Array, a: Array, b: Array) -> Array:
    gap = np.sqrt((a - b) * (a + b))
    length = np.sqrt(1 + z * z)
    constant = p * np.log(gap) - HALF_LOG_2PI - (p - 0.5) * np.log(a) - log_kv(p, gap)
    return constant + b * z + (p - 0.5) * np.log(length) + log_kv(p - 0.5, a * length)


def _hyperbolic_moments(p: Array, a: Array, b: Array) -> tuple[Array, Array]:
    gap = np.sqrt((a - b) * (a + b))
    first = np.exp(log_kv(p + 1, gap) - log_kv(p, gap)) / gap
    second = np.exp(log_kv(p + 2, gap) - log_kv(p, gap)) / (gap * gap)
    return b * first, first + b * b * (second - first * first)


def _inverse_log_density(z: Array, p: Array, b: Array) -> Array:
    return (p - 1) * np.log(z) - b * (z + 1 / z) / 2 - log(2.0) - log_kv(p, b)


def _inverse_moments(p: Array, b: Array) -> tuple[Array, Array]:
    first = np.exp(log_kv(p + 1, b) - log_kv(p, b))
    return first, np.exp(log_kv(p + 2, b) - log_kv(p, b)) - first * first


MIXTURES: dict[str, Written] = {
    "genhyperbolic": Written(_hyperbolic_log_density, moments=_hyperbolic_moments),
    "geninvgauss": Written(_inverse_log_density, moments=_inverse_moments),
    "ncf": Written(
        _ratio_log_density,
        _ratio_below,
        _ratio_above,
        moments=lambda m, n, c: (
            n * (m + c) / (m * (n - 2)),
            2 * (n / m) ** 2 * ((m + c) ** 2 + (m + 2 * c) * (n - 2)) / ((n - 2) ** 2 * (n - 4)),
        ),
    ),
    "nct": Written(_t_log_density, moments=_t_moments),
    "ncx2": Written(
        _square_log_density,
        _square_below,
        _square_above,
        moments=lambda df, nc: (df + nc, 2 * (df + 2 * nc)),
    ),
    "rice": Written(
        # The density's own Bessel function is of order zero.
        lambda z, b: np.log(z) - (z - b) ** 2 / 2 + np.log(sp.i0e(z * b)),
        lambda z, b: _square_below(z * z, onp.full((), 2.0), b * b),
        lambda z, b: _square_above(z * z, onp.full((), 2.0), b * b),
    ),
}
