"""The error function, its relatives and inverses, and the normal distribution function."""

from __future__ import annotations

from itertools import accumulate
from math import pi, sqrt
from typing import Any

import numpy as onp
import scipy.special

from ... import numpy as np
from ..._core import make_jvp
from ..registry import (
    Array,
    as_value,
    attach_partials,
    branched,
    dtype_of,
    everywhere,
    helper,
    nowhere,
    primal,
)
from .space import sp, space

TWO_OVER_ROOT_PI = 2 / sqrt(pi)
HALF_ROOT_PI = sqrt(pi) / 2
ROOT_TWO_PI = sqrt(2 * pi)
ROOT_HALF = sqrt(0.5)

# ---- asymptotic series -------------------------------------------------------------------------

# 0, 1, 3, 3 * 5, ...: those of x exp(x^2) times the complementary error function in 1 / (2 x^2),
# DLMF 7.12.1, but for signs. Beyond FAR the last of them is below 1e-18.
RISING = (0.0, *accumulate((2.0 * k + 1 for k in range(25)), lambda a, b: a * b))
ALTERNATING = tuple(c if k % 2 else -c for k, c in enumerate(RISING))
FAR = 7.1
FAR_SINGLE = 5.0  # of float32: the last term is 1e-11 there


@helper
def power_series(coefficients: tuple[float, ...], x: Any) -> Any:
    """Sum of coefficients[k] x^k."""
    return onp.polynomial.polynomial.polyval(x, coefficients)


def _power_series_slope(ans: Array, coefficients: tuple[float, ...], x: Array) -> Array:
    return power_series(tuple(k * c for k, c in enumerate(coefficients))[1:], x)


attach_partials(power_series, None, _power_series_slope)


def _erfcx_slope(ans: Array, x: Array) -> Array:
    """2 x erfcx(x) - 2 / sqrt(pi), two terms that cancel for large x."""
    single = onp.finfo(dtype_of(ans)).eps > 1e-10
    return branched(
        onp.greater(primal(x), FAR_SINGLE if single else FAR),
        lambda x: -TWO_OVER_ROOT_PI * power_series(ALTERNATING, 0.5 / (x * x)),
        lambda x: 2 * x * ans - TWO_OVER_ROOT_PI,
        x,
        (2 * FAR, 0.0),
    )


def _dawsn_slope(ans: Array, x: Array) -> Array:
    """1 - 2 x dawsn(x), two terms that cancel for large x (of complex ones, near the real line)."""
    return branched(
        onp.real(onp.square(primal(x))) > FAR**2,
        lambda x: -power_series(RISING, 0.5 / (x * x)),
        lambda x: 1 - 2 * x * ans,
        x,
        (2 * FAR, 0.0),
    )


def _wofz_slope(ans: Array, z: Array) -> Array:
    """2 i / sqrt(pi) - 2 z w (DLMF 7.10.2), two terms that cancel for large z not below zero."""
    plain = as_value(primal(z))
    return branched(
        (onp.abs(plain) > FAR) & (onp.imag(plain) >= 0),
        lambda z: -1j * TWO_OVER_ROOT_PI * power_series(RISING, 0.5 / (z * z)),
        lambda z: 1j * TWO_OVER_ROOT_PI - 2 * z * ans,
        z,
        (2 * FAR, 0.0),
    )


@helper
def normal_ratio(x: Any) -> Any:
    """Density over distribution function of the normal distribution, exact in both tails."""
    return sqrt(2 / pi) / scipy.special.erfcx(-ROOT_HALF * x)


def _normal_ratio_slope(ans: Array, x: Array) -> Array:
    """-r (x + r), where x + r is y q / (1 - q) for y = -x and q = 1 - y / r (DLMF 7.12.1)."""

    def series(x: Array) -> Array:
        q = power_series(ALTERNATING, 1 / (x * x))
        return -x * q / (1 - q)

    far = onp.less(primal(x), -FAR / ROOT_HALF)
    return -ans * branched(far, series, lambda x: x + ans, x, (-2 * FAR / ROOT_HALF, 0.0))


attach_partials(normal_ratio, _normal_ratio_slope)

# ---- the functions -----------------------------------------------------------------------------

# DLMF 7.2.1-2: erf is 2 / sqrt(pi) times the integral of exp(-t^2).
space.elementwise("erf", lambda ans, x: TWO_OVER_ROOT_PI * np.exp(-(x * x)))
space.elementwise("erfc", lambda ans, x: -TWO_OVER_ROOT_PI * np.exp(-(x * x)))
space.elementwise("erfinv", lambda ans, x: HALF_ROOT_PI * np.exp(ans * ans))
space.elementwise("erfcinv", lambda ans, x: -HALF_ROOT_PI * np.exp(ans * ans))
# erfcx(x) = exp(x^2) erfc(x); erfi(x) = -i erf(i x); DLMF 7.2.5 for Dawson's integral.
space.elementwise("erfcx", _erfcx_slope)
space.elementwise("erfi", lambda ans, x: TWO_OVER_ROOT_PI * np.exp(x * x))
space.elementwise("dawsn", _dawsn_slope)
space.elementwise("wofz", _wofz_slope)

space.elementwise("ndtr", lambda ans, x: np.exp(-0.5 * (x * x)) / ROOT_TWO_PI)
space.elementwise("log_ndtr", lambda ans, x: normal_ratio(x))
space.elementwise("ndtri", lambda ans, p: ROOT_TWO_PI * np.exp(0.5 * (ans * ans)))
space.elementwise("ndtri_exp", lambda ans, y: sqrt(pi / 2) * sp.erfcx(-ROOT_HALF * ans))

# T(h, a) = 1 / (2 pi) * integral of exp(-h^2 (1 + t^2) / 2) / (1 + t^2) over 0 < t < a (Owen 1956).
space.elementwise(
    "owens_t",
    lambda ans, h, a: -np.exp(-0.5 * (h * h)) * sp.erf(ROOT_HALF * a * h) / (2 * ROOT_TWO_PI),
    lambda ans, h, a: np.exp(-0.5 * (h * h) * (1 + a * a)) / (2 * pi * (1 + a * a)),
)

# ---- Voigt ---------------------------------------------------------------------------------------


def _voigt_partials() -> tuple[Any, Any, Any]:
    """V = Re w(z) / (sigma sqrt(2 pi)) at z = (x + i gamma) / (sigma sqrt(2)), DLMF 7.19.

    It is harmonic in x and gamma, and spreads with sigma by the heat equation. Without a normal
    part (sigma = 0) it is Lorentz's, gamma / (pi (x^2 + gamma^2)).
    """

    def spread(x: Array, sigma: Array, gamma: Array) -> Array:
        z = (x + 1j * gamma) / (sigma * sqrt(2))
        return _wofz_slope(sp.wofz(z), z) / (2 * sqrt(pi) * sigma * sigma)

    def slope(x: Array, sigma: Array, gamma: Array) -> Array:
        """w'(z) / (2 sigma^2 sqrt(pi)), or Lorentz's: -2 i V by x and gamma at once."""
        plain = as_value(primal(sigma))
        lorentz = plain == 0
        if nowhere(lorentz):
            return spread(x, sigma, gamma)
        z = x + 1j * gamma
        narrow = -1j / (pi * np.where(lorentz, z * z, 1.0))
        if everywhere(lorentz):
            return narrow
        return np.where(lorentz, narrow, spread(x, np.where(lorentz, 1.0, sigma), gamma))

    def by_sigma(ans: Array, x: Array, sigma: Array, gamma: Array) -> Array:
        def curved(x: Array) -> Array:
            return np.real(slope(x, sigma, gamma))

        shape = onp.shape(primal(x))
        if shape != onp.shape(primal(ans)):
            x = np.broadcast_to(x, onp.shape(primal(ans)))
        ones = onp.ones(onp.shape(primal(x)))[()]
        return sigma * make_jvp(curved, x)(ones)[1]

    return (
        lambda ans, x, sigma, gamma: np.real(slope(x, sigma, gamma)),
        by_sigma,
        lambda ans, x, sigma, gamma: -np.imag(slope(x, sigma, gamma)),
    )


space.elementwise("voigt_profile", *_voigt_partials())
