"""Distributions whose formulas in SciPy branch, place or search: kappa4, tukeylambda and others."""

from __future__ import annotations

from math import log, pi

import numpy as onp
import scipy.special

from ... import numpy as np
from ..registry import Array, helper, primal
from ..special.space import sp
from .densities import Formula, Written, log_share

__all__ = ["MASSES", "SHAPED"]

HALF_LOG_2PI = 0.5 * log(2 * pi)

# ---- four parameters: exp(-y) with (1 - h exp(-y))^(1 / h), y = -log(1 - k z) / k ----------------


def _exponent(z: Array, k: Array) -> Array:
    """log(1 - k z) / k."""
    return -z * log_share(-k * z)


def _kappa_log_distribution(z: Array, h: Array, k: Array) -> Array:
    power = np.exp(_exponent(z, k))
    return -power * log_share(-h * power)


def _kappa_log_density(z: Array, h: Array, k: Array) -> Array:
    return (1 - k) * _exponent(z, k) + (1 - h) * _kappa_log_distribution(z, h, k)


# ---- half a logistic -----------------------------------------------------------------------------


def _half_log_density(z: Array, c: Array) -> Array:
    exponent = _exponent(z, c)
    return log(2.0) + (1 - c) * exponent - 2 * np.log1p(np.exp(exponent))


# ---- a plateau -----------------------------------------------------------------------------------


def _sides(z: Array, c: Array, d: Array) -> tuple[Array, Array, Array, Array]:
    """Where the density rises and falls, and the lengths of these sides where it is their turn."""
    rising, falling = primal(z) < primal(c), primal(z) > primal(d)
    return rising, falling, np.where(rising, c, 0.5), np.where(falling, 1 - d, 0.5)


def _plateau_log_density(z: Array, c: Array, d: Array) -> Array:
    rising, falling, up, down = _sides(z, c, d)
    side = np.where(rising, z / up, np.where(falling, (1 - z) / down, 1.0))
    return np.log(2 / (1 + d - c)) + np.log(side)


def _plateau_distribution(z: Array, c: Array, d: Array) -> Array:
    rising, falling, up, down = _sides(z, c, d)
    middle = z - c / 2
    left, right = z * z / (2 * up), (1 + d - c) / 2 - (1 - z) ** 2 / (2 * down)
    return 2 / (1 + d - c) * np.where(rising, left, np.where(falling, right, middle))


def _plateau_moments(c: Array, d: Array) -> tuple[Array, Array]:
    """Sums over the rising side, the plateau and the falling side."""
    height = 2 / (1 + d - c)
    mean = height * (c**2 / 3 + (d**2 - c**2) / 2 + (1 - d) * (1 + 2 * d) / 6)
    falling = (1 - d) * (1 + 2 * d + 3 * d * d) / 12
    return mean, height * (c**3 / 4 + (d**3 - c**3) / 3 + falling) - mean * mean


# ---- a quantile function that is given -----------------------------------------------------------

STEPS = 3  # of Newton's method from SciPy's root: each doubles the order of right derivatives


def _lambda_quantile(u: Array, lam: Array) -> Array:
    """(u^lam - (1 - u)^lam) / lam, whose limit at zero is the logit."""
    low, high = np.log(u), np.log1p(-u)
    return low * _growth(lam * low) - high * _growth(lam * high)


def _growth(x: Array) -> Array:
    """(exp(x) - 1) / x."""
    return sp.exprel(x)


def _lambda_slope(u: Array, lam: Array) -> Array:
    return u ** (lam - 1) + (1 - u) ** (lam - 1)


_lambda_root = helper(scipy.special.tklmbda, zero=True)


def _lambda_distribution(z: Array, lam: Array) -> Array:
    u = _lambda_root(primal(z), primal(lam))
    for _ in range(STEPS):
        u = u - (_lambda_quantile(u, lam) - z) / _lambda_slope(u, lam)
    return u


def _lambda_log_density(z: Array, lam: Array) -> Array:
    return -np.log(_lambda_slope(_lambda_distribution(z, lam), lam))


# ---- two tails of Pareto's about a lognormal distribution ----------------------------------------


def _log_mills(y: Array) -> Array:
    """The logarithm of the normal survival function over the density."""
    return sp.log_ndtr(-y) + y * y / 2 + HALF_LOG_2PI


def _tails(z: Array, u: Array, s: Array, a: Array, b: Array) -> tuple[Array, Array, Array]:
    place = (np.log(z) - u) / s
    return place, _log_mills(a * s - place), _log_mills(b * s + place)


def _tailed_log_density(z: Array, u: Array, s: Array, a: Array, b: Array) -> Array:
    place, left, right = _tails(z, u, s, a, b)
    constant = np.log(a * b / (a + b)) - HALF_LOG_2PI - np.log(z)
    return constant - place * place / 2 + np.logaddexp(left, right)


def _tailed_distribution(z: Array, u: Array, s: Array, a: Array, b: Array) -> Array:
    place, left, right = _tails(z, u, s, a, b)
    density = np.exp(-place * place / 2 - HALF_LOG_2PI)
    return sp.ndtr(place) - density * (b * np.exp(left) - a * np.exp(right)) / (a + b)


SHAPED: dict[str, Written] = {
    "cosine": Written(
        lambda z: np.log1p(np.cos(z)) - log(2 * pi), lambda z: (pi + z + np.sin(z)) / (2 * pi)
    ),
    "dpareto_lognorm": Written(_tailed_log_density, _tailed_distribution),
    "genhalflogistic": Written(_half_log_density, lambda z, c: -np.tanh(0.5 * _exponent(z, c))),
    "kappa4": Written(
        _kappa_log_density,
        lambda z, h, k: np.exp(_kappa_log_distribution(z, h, k)),
        lambda z, h, k: -np.expm1(_kappa_log_distribution(z, h, k)),
    ),
    "trapezoid": Written(_plateau_log_density, _plateau_distribution, moments=_plateau_moments),
    "tukeylambda": Written(_lambda_log_density, _lambda_distribution),
}


# ---- whole numbers -------------------------------------------------------------------------------


def _zipfian_log_mass(k: Array, a: Array, n: Array) -> Array:
    count = primal(n)
    numbers = onp.arange(1.0, onp.max(count) + 1).reshape((-1,) + (1,) * onp.ndim(count))
    terms = np.where(numbers <= count, -a * onp.log(numbers), -onp.inf)
    return -a * np.log(k) - sp.logsumexp(terms, axis=0)


def _skellam_log_mass(k: Array, first: Array, second: Array) -> Array:
    """By Bessel's function, exp(-a - b) (a / b)^(k / 2) I_k(2 sqrt(a b))."""
    root = np.sqrt(first * second)
    gap = np.sqrt(first) - np.sqrt(second)
    scaled = np.log(sp.ive(np.abs(k), 2 * root))
    return scaled - gap * gap + 0.5 * k * np.log(first / second)


MASSES: dict[str, Formula] = {
    "skellam": _skellam_log_mass,
    "zipf": lambda k, a: -a * np.log(k) - np.log1p(sp.zetac(a)),
    "zipfian": _zipfian_log_mass,
}
