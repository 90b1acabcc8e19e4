"""The gamma function and its relatives: gamma, its logarithm, polygamma, beta, binomials, zeta."""

from __future__ import annotations

import functools
from math import comb, factorial, log, pi
from typing import Any

import numpy as onp
import scipy.special

from ... import _core
from ... import numpy as np
from ..registry import (
    Array,
    as_value,
    attach_partials,
    branched,
    everywhere,
    helper,
    nowhere,
    operands,
    primal,
)
from .space import sp, space

MOST_SHIFTS = 1000
TERMS = 20  # of a sum before its remainder is expanded
REMOTE = 20.0  # from here on the asymptotic series is exact to rounding
BERNOULLI = scipy.special.bernoulli(32)[2::2]


@helper
def polygamma_anywhere(n: Any, x: Any) -> Any:
    """SciPy's polygamma, and its continuation to negative and complex x, which SciPy lacks.

    There it is shifted to positive x by the recurrence, DLMF 5.15.5:
    psi^(n)(x) = psi^(n)(x + 1) - (-1)^n n! / x^(n + 1).
    """
    x = onp.asarray(x)
    if type(n) is int and n == 1 and x.dtype == onp.float64 and not onp.count_nonzero(x < 0):
        return scipy.special.zeta(2.0, x)  # what is below, without factors of one
    if x.dtype.kind == "c":
        return _polygamma_complex(onp.asarray(n, float), x)
    if onp.count_nonzero(onp.signbit(x)):
        negative = (x < 0) & (x > -MOST_SHIFTS) & (x != onp.floor(x))
    else:
        negative = False
    if nowhere(negative):
        if type(n) is not int or n < 1:
            return scipy.special.polygamma(n, x)
        # What SciPy's computes of a whole n, without the digamma for the case of zero.
        value = scipy.special.zeta(n + 1.0, x)
        return value if n == 1 else (-1.0) ** (n + 1) * scipy.special.gamma(n + 1.0) * value
    n = onp.asarray(n, float)
    n, x, negative = onp.broadcast_arrays(n, x, negative)
    shifted, correction = onp.array(x, float), onp.zeros(x.shape)
    sign = onp.where(n % 2 == 0, 1.0, -1.0) * scipy.special.gamma(n + 1)
    low = negative
    while onp.any(low):
        correction = onp.where(
            low, correction - sign / onp.where(low, shifted, 1) ** (n + 1), correction
        )
        shifted = onp.where(low, shifted + 1, shifted)
        low = negative & (shifted < 0)
    return (scipy.special.polygamma(n, shifted) + correction)[()]


def _polygamma_complex(n: Any, z: Any) -> Any:
    """For n >= 1, by the recurrence up to where the asymptotic series holds, DLMF 5.15.9."""
    n, z = onp.broadcast_arrays(n, z)
    kind, z = z.dtype, z.astype(complex)
    with onp.errstate(all="ignore"):
        factor, total = scipy.special.gamma(n + 1), onp.zeros(z.shape, complex)
        for _ in range(MOST_SHIFTS):
            low = (z.real < REMOTE) & (onp.abs(z.imag) < REMOTE)
            if not onp.any(low):
                break
            total = onp.where(low, total + factor / onp.where(low, z, 1) ** (n + 1), total)
            z = onp.where(low, z + 1, z)
        total = total + factor / n / z**n + factor / (2 * z ** (n + 1))
        for k, bernoulli in enumerate(BERNOULLI, 1):
            rising = scipy.special.gamma(2 * k + n) / scipy.special.gamma(2 * k + 1)
            total = total + bernoulli * rising / z ** (2 * k + n)
        total = onp.where(low, onp.nan, total)
    return (onp.where(n % 2 == 0, -1.0, 1.0) * total).astype(kind)[()]


attach_partials(polygamma_anywhere, None, lambda ans, n, x: polygamma_anywhere(n + 1, x))


@helper
def polygamma_value(n: Any, x: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.special.polygamma(n, x)


attach_partials(polygamma_value, None, lambda ans, n, x: polygamma_anywhere(n + 1, x))


@space.composite("polygamma")
def polygamma(n: Array, x: Array) -> Array:
    """The n-th derivative of digamma; n is whole, so the derivative by n is zero."""
    return polygamma_value(as_value(n), as_value(x))


_kernels = _core.special_ufuncs()
trigamma_kernel, gap_kernel = _kernels["trigamma"], _kernels["psi_gap"]


@helper
def trigamma(x: Any) -> Any:
    """psi'(x) for real x."""
    with onp.errstate(all="ignore"):
        value = trigamma_kernel(x)
    return value.astype(onp.float32) if getattr(x, "dtype", None) == onp.float32 else value


attach_partials(trigamma, lambda ans, x: _third(x))


def _third(x: Array) -> Array:
    """psi''(x)."""
    return -2 * hurwitz(3.0, x) if nowhere(onp.less(primal(x), 0)) else polygamma_anywhere(2, x)


def _trigamma(x: Array) -> Array:
    return trigamma(x) if as_value(primal(x)).dtype.kind == "f" else polygamma_anywhere(1, x)


# DLMF 5.2.2: psi = gamma' / gamma.
space.elementwise("psi digamma", lambda ans, x: _trigamma(x))
space.elementwise("gamma", lambda ans, x: ans * _psi(x))
space.elementwise("gammaln loggamma", lambda ans, x: _psi(x))
space.zero("gammasgn")


def _circle(x: Array) -> tuple[Array, Array]:
    """sin(pi x) and cos(pi x), exact at whole x."""
    whole = onp.rint(primal(x))
    sign = onp.where(whole % 2 == 0, 1.0, -1.0)
    angle = pi * (x - whole)
    return sign * np.sin(angle), sign * np.cos(angle)


def _psi(x: Array) -> Array:
    """psi, below zero by reflection (DLMF 5.5.4): SciPy's loses its digits beside the poles."""
    value = as_value(primal(x))
    if value.dtype.kind == "c" or nowhere(onp.signbit(value)):
        return sp.psi(x)

    def reflected(x: Array) -> Array:
        sine, cosine = _circle(x)
        return sp.psi(1 - x) - pi * cosine / sine

    return branched(value < 0, reflected, sp.psi, x, (-0.5, 1.0))


@helper
def psi_gap(a: Any, b: Any) -> Any:
    """psi(a + b) - psi(a) for a, b > 0, without its cancellation where a is far above b."""
    if getattr(a, "dtype", None) == getattr(b, "dtype", None) == onp.float32:
        return psi_gap(a.astype(float), b.astype(float)).astype(onp.float32)
    with onp.errstate(all="ignore"):
        return gap_kernel(a, b, scipy.special.psi(a), scipy.special.psi(a + b))


attach_partials(
    psi_gap,
    lambda ans, a, b: polygamma_anywhere(1, a + b) - polygamma_anywhere(1, a),
    lambda ans, a, b: polygamma_anywhere(1, a + b),
)


def _rgamma_below(x: Array) -> Array:
    """Derivative of 1 / gamma(x) = gamma(1 - x) sin(pi x) / pi (DLMF 5.5.3), poles included."""
    sine, cosine = _circle(x)
    return sp.gamma(1 - x) * (cosine - sine * sp.psi(1 - x) / pi)


def _rgamma_slope(ans: Array, x: Array) -> Array:
    """-psi(x) / gamma(x), by reflection on the left."""
    value = as_value(primal(x))
    if value.dtype.kind == "c":
        return -ans * sp.psi(x)
    return branched(value < 0.5, _rgamma_below, lambda x: -ans * sp.psi(x), x, (0.0, 1.0))


space.elementwise("rgamma", _rgamma_slope)


@helper
def multigammaln_value(a: Any, d: int) -> Any:
    """SciPy's value, from arguments in canonical order."""
    theirs: Any = scipy.special  # its stubs lack multigammaln
    return theirs.multigammaln(a, d)


# gamma_d(a) = pi^(d (d - 1) / 4) * product of gamma(a - j / 2), j < d (DLMF 35.3.1).
attach_partials(
    multigammaln_value,
    lambda ans, a, d: sum(sp.psi(a - j / 2) for j in range(d)),
    None,
)


@space.composite("multigammaln")
def multigammaln(a: Array, d: Any) -> Array:
    """Logarithm of the multivariate gamma function; the dimension d is whole."""
    return multigammaln_value(as_value(a), primal(d))


# DLMF 5.12.1: B(a, b) = gamma(a) gamma(b) / gamma(a + b).
space.elementwise(
    "beta",
    lambda ans, a, b: -ans * psi_gap(a, b),
    lambda ans, a, b: -ans * psi_gap(b, a),
)
space.elementwise(
    "betaln",
    lambda ans, a, b: -psi_gap(a, b),
    lambda ans, a, b: -psi_gap(b, a),
)
# Binomial coefficient gamma(n + 1) / (gamma(k + 1) gamma(n - k + 1)), DLMF 1.2.6. For k beyond n
# it is beta(n + 1, k - n) sin(pi (k - n)) / pi, by reflection.


def _binom_slope(weights: tuple[int, int]) -> Any:
    """Derivative along (weights) in n and k."""
    along_n, along_k = weights

    def inside(ans: Array, n: Array, k: Array) -> Array:
        if along_n:
            return ans * psi_gap(n - k + 1, k)
        return ans * (sp.psi(n - k + 1) - sp.psi(k + 1))

    def beyond(n: Array, k: Array) -> Array:
        sine, cosine = _circle(k - n)
        rest = (along_n - along_k) * sp.psi(k - n)
        logarithmic = along_n * sp.psi(n + 1) - along_k * sp.psi(k + 1) - rest
        return sp.beta(n + 1, k - n) * (logarithmic * sine / pi + (along_k - along_n) * cosine)

    def partial(ans: Array, n: Array, k: Array) -> Array:
        far = onp.greater(primal(k), onp.add(primal(n), 0.5)) & onp.greater(primal(n), -1)
        if nowhere(far):
            return inside(ans, n, k)
        away = beyond(np.where(far, n, 1.0), np.where(far, k, 2.0))
        if everywhere(far):
            return away
        return np.where(far, away, inside(ans, np.where(far, 2.0, n), np.where(far, 1.0, k)))

    return partial


space.elementwise("binom", _binom_slope((1, 0)), _binom_slope((0, 1)))

# Pochhammer's symbol gamma(z + m) / gamma(z), DLMF 5.2.5.


def _poch_by_z(ans: Array, z: Array, m: Array) -> Array:
    """poch(z, m) (psi(z + m) - psi(z)), also at the poles of gamma(z)."""
    value, end = as_value(primal(z)), onp.add(primal(z), primal(m))
    if everywhere(value >= 0.5):
        return ans * psi_gap(z, m)
    # Where gamma(z + m) has a pole, m is whole: (-1)^m gamma(1 - z) / gamma(1 - z - m).
    pole = (end <= 0) & (end == onp.floor(end))
    left = (value < 0.5) & ~pole
    right = np.where(left | pole, 1.0, z)
    result = ans * (sp.psi(right + np.where(left | pole, 1.0, m)) - sp.psi(right))
    if not nowhere(left):
        low, top = np.where(left, z, 0.0), np.where(left, z + m, 1.0)
        slope = sp.gamma(top) * (sp.psi(top) * sp.rgamma(low) + _rgamma_below(low))
        result = np.where(left, slope, result)
    if not nowhere(pole):
        low, top = np.where(pole, z, 0.0), np.where(pole, z + m, 0.0)
        result = np.where(pole, ans * (sp.psi(1 - top) - sp.psi(1 - low)), result)
    return result


space.elementwise("poch", _poch_by_z, lambda ans, z, m: ans * sp.psi(z + m))


# ---- zeta --------------------------------------------------------------------------------------


@helper
def hurwitz(s: Any, q: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.special.zeta(s, q)


LAST = 12  # of the Bernoulli numbers that are used


@functools.cache
def _rising_derivatives(i: int) -> Any:
    """In row j - 1, for powers 0, 1, ... of s, the i-th derivative of s (s + 1) ... (s + 2 j - 2).

    Times B_2j / (2 j)!.
    """
    rows = onp.zeros((LAST, 2 * LAST))
    for j, bernoulli in enumerate(BERNOULLI[:LAST], 1):
        rising = onp.poly1d(-onp.arange(2.0 * j - 1), r=True).deriv(i).coeffs[::-1]
        rows[j - 1, : len(rising)] = bernoulli / factorial(2 * j) * rising
    return rows


LARGE = 1e12  # where x^-s is zero, and no power of s infinite


@helper
def hurwitz_slope(n: int, s: Any, q: Any) -> Any:
    """The n-th derivative of zeta(s, q) by s, for s >= -1/2: Euler and Maclaurin, DLMF 25.11.7.

    With x = q + TERMS it is the sum over k < TERMS of (q + k)^-s, and x^-s times
    x / (s - 1) + 1 / 2 + the sum of B_2j / (2 j)! * s (s + 1) ... (s + 2 j - 2) * x^(1 - 2 j),
    each of them differentiated.
    """
    if onp.asarray(s).dtype.kind == "c":
        raise NotImplementedError("zeta of a complex argument has no derivative rule in fastad")
    kind = onp.result_type(onp.asarray(s).dtype, onp.asarray(q).dtype, onp.float32)
    s, q = onp.broadcast_arrays(onp.asarray(s, float), onp.asarray(q, float))
    shape = s.shape
    s, q = s.ravel(), q.ravel()
    with onp.errstate(all="ignore"):
        places = q + onp.arange(float(TERMS))[:, None]
        total = onp.sum((-onp.log(places)) ** n * places**-s, axis=0)
        x = q + TERMS
        # Powers of x by rows, 1 / x, 1 / x^3, ..., and of s.
        falling = onp.cumprod(onp.where(onp.arange(LAST)[:, None] == 0, 1 / x, x**-2.0), axis=0)
        powers = onp.minimum(s, LARGE) ** onp.arange(2.0 * LAST)[:, None]
        away, power = -onp.log(x), x**-s
        for i in range(n + 1):
            rest = x * (-1) ** i * factorial(i) / (s - 1) ** (i + 1) + (0.5 if i == 0 else 0.0)
            rest = rest + onp.sum((_rising_derivatives(i) @ powers) * falling, axis=0)
            total = total + comb(n, i) * away ** (n - i) * power * rest
        total = onp.where(q > 0, total, onp.nan)
    return total.reshape(shape).astype(kind)[()]


def _hurwitz_slope_by_q(ans: Array, n: int, s: Array, q: Array) -> Array:
    lower = hurwitz_slope(n - 1, s + 1, q) if n > 1 else hurwitz(s + 1, q)
    return -s * hurwitz_slope(n, s + 1, q) - n * lower


attach_partials(
    hurwitz_slope, None, lambda ans, n, s, q: hurwitz_slope(n + 1, s, q), _hurwitz_slope_by_q
)
# DLMF 25.11.17: the derivative of zeta(s, q) by q is -s zeta(s + 1, q).
attach_partials(
    hurwitz,
    lambda ans, s, q: hurwitz_slope(1, s, q),
    lambda ans, s, q: -s * hurwitz(s + 1, q),
)


def _riemann_slope(ans: Array, s: Array) -> Array:
    """Derivative of zeta(s); for s < -1/2 that of 2 (2 pi)^(s - 1) sin(pi s / 2) gamma(1 - s)
    zeta(1 - s), DLMF 25.4.2, whose parts have a pole at 0.
    """

    def reflected(s: Array) -> Array:
        sine, cosine = _circle(s / 2)
        other = hurwitz(1 - s, 1.0)
        slope = (log(2 * pi) - sp.psi(1 - s)) * sine + pi / 2 * cosine
        inner = slope * other - sine * hurwitz_slope(1, 1 - s, 1.0)
        return 2 * (2 * pi) ** (s - 1) * sp.gamma(1 - s) * inner

    left = onp.less(primal(s).real, -0.5)
    return branched(left, reflected, lambda s: hurwitz_slope(1, s, 1.0), s, (-1.0, 2.0))


@helper
def riemann(s: Any) -> Any:
    """SciPy's value of zeta(s)."""
    return scipy.special.zeta(s)


attach_partials(riemann, _riemann_slope)
space.elementwise("zetac", _riemann_slope)


@space.composite("zeta")
def zeta(x: Array, q: Array | None = None, out: None = None) -> Array:
    """Riemann's and Hurwitz's zeta function."""
    x, q = operands("zeta", 2, (x, q, out), {})
    return riemann(as_value(x)) if q is None else hurwitz(as_value(x), as_value(q))
