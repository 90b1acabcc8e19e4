"""Student's t: density, score, and derivatives of the distribution function by its shape.

With v degrees of freedom and c = t^2, the logarithm of the density is

    log f = log B(v) - log(v) / 2 - (v + 1) / 2 * log(1 + c / v),   B(v) = 1 / beta(v / 2, 1 / 2).

Its derivative by v is of order 1 / v^2 although its terms are of order 1 / v. Taken together,

    2 (log f)_v = T(v) + c / (v (v + c)) - (log(1 + q) - q / (1 + q)),   q = c / v,

where T(v) = psi((v + 1) / 2) - psi(v / 2) - 1 / v, which is the integral of exp(-v s) tanh(s / 2)
(DLMF 5.9.12). The n-th derivative of the distribution function F by v is the integral of f times
Bell's polynomial in derivatives of log f: from 0 to t for t < 1, from t to infinity beyond, which
keeps the relative accuracy for every t.
"""

from __future__ import annotations

from math import comb, factorial, pi
from typing import Any

import numpy as onp
import scipy.special

from ..._core import special_ufuncs
from ..registry import Array, Symbol, attach_partials, everywhere, helper, nowhere
from .quadrature import NEGLIGIBLE, NODES, WEIGHTS, Floats, bell, falling_root, in_blocks

SMALL = 16.0  # degrees of freedom below which the terms of the score need not be taken together
FAR = 1e75  # whose square is above every df that a square is seen beside, and has a square
gap_kernel = special_ufuncs()["student_gap"]
SHIFTS = onp.arange(21.0)
SIGNS = onp.where(onp.arange(20) % 2 == 0, 1.0, -1.0)

# tanh(s / 2) = sum of these times s^(2 k + 1) / (2 k + 1)!, which is (4^(k + 1) - 1) times the
# Bernoulli number B_{2 k + 2} over k + 1 (DLMF 4.33.3).
TANH = (1 / 2, -1 / 4, 1 / 2, -17 / 8, 31 / 2, -691 / 4, 5461 / 2, -929569 / 16)


def _two_factors(n: int, power: int, v: Any, u: Any) -> Any:
    """The n-th derivative by v of v^-1 (v + c)^-power, from 1 / v and u = 1 / (v + c).

    Leibniz's rule; all terms have the same sign, (-1)^n.
    """
    return (-1) ** n * sum(
        comb(n, i)
        * factorial(i)
        * (factorial(n - i + power - 1) // factorial(power - 1))
        * v ** (i + 1)
        * u ** (n - i + power)
        for i in range(n + 1)
    )


def _gap(n: int, df: Any) -> Any:
    """The n-th derivative of T, by T(v) = 1 / (v (v + 1)) - T(v + 1) and its asymptotic series."""
    if n == 0:
        return gap_kernel(df)

    def of_vector(df: Floats) -> Floats:
        shifted = df[:, None] + SHIFTS
        total = _two_factors(n, 1, 1 / shifted[:, :-1], 1 / shifted[:, 1:]) @ SIGNS
        v = 1 / shifted[:, -1]
        series = sum(
            coefficient * (factorial(2 * k + 1 + n) // factorial(2 * k + 1)) * v ** (2 * k + 2 + n)
            for k, coefficient in enumerate(TANH)
        )
        return total + (-1) ** n * series

    return in_blocks(of_vector, df)


def student_curve(q: Any) -> Any:
    """log(1 + q) - q / (1 + q), the integral of r / (1 + r)^2 over 0 < r < q."""
    near = onp.minimum(q, 0.5)
    series = near * near / 2 * scipy.special.hyp2f1(2.0, 2.0, 3.0, -near)
    return onp.where(q < 0.5, series, onp.log1p(q) - q / (1 + q))


def _is_small(df: Any) -> Any:
    return onp.greater(df, 0) & onp.less(df, SMALL)


def _slope(n: int, df: Any, c: Any) -> Any:
    """The n-th derivative of log f by the degrees of freedom, n >= 1."""
    v = 1 / df
    if n == 1 and (isinstance(df, Symbol) or onp.ndim(df) == 0) and everywhere(_is_small(df)):
        # Here the terms do not cancel; infinite q have no derivative in either form.
        q = c * v
        return (_gap(0, df) + q / (1 + q) * (1 + v) - onp.log1p(q)) / 2
    u = 1 / (df + c)
    value = _gap(n - 1, df) + c * _two_factors(n - 1, 1, v, u)
    if n == 1:
        return (value - student_curve(c * v)) / 2
    return (value + c * c * _two_factors(n - 2, 2, v, u)) / 2


def _log_scale(df: Any) -> Any:
    """Logarithm of gamma((v + 1) / 2) / (gamma(v / 2) sqrt(v / 2)); DLMF 5.11.8 for large v."""
    x = df / 2
    low = onp.minimum(x, 10.0)
    ratio = scipy.special.gamma(low + 0.5) / (scipy.special.gamma(low) * onp.sqrt(low))
    w = 1 / (x * x)
    series = -(1 / 8 - w * (1 / 192 - w * (1 / 640 - w * (17 / 14336 - w * (31 / 18432))))) / x
    return onp.where(x < 10, onp.log(ratio), series)


def _density(df: Any, c: Any) -> Any:
    power = onp.where(onp.isinf(df), c / 2, (df + 1) / 2 * onp.log1p(c / df))
    return onp.exp(_log_scale(df) - power) / onp.sqrt(2 * pi)


def _wide(*args: Any) -> tuple[Any, ...]:
    kind = onp.result_type(*(onp.asarray(arg).dtype for arg in args), onp.float32)
    return kind, *(onp.asarray(arg, float) for arg in args)


# ---- the distribution function -------------------------------------------------------------------


def _block(n: int, df: Floats, t: Floats) -> Floats:
    result = onp.full(df.shape, onp.nan)
    size = onp.abs(t)
    valid = (df > 0) & ~onp.isnan(t)
    result[valid & ((t == 0) | onp.isinf(t) | onp.isinf(df))] = 0.0
    valid &= (t != 0) & onp.isfinite(t) & onp.isfinite(df)
    for chosen, rule in ((valid & (size < 1), _centre), (valid & (size >= 1), _tail)):
        if onp.any(chosen):
            result[chosen] = onp.sign(t[chosen]) * rule(n, df[chosen], size[chosen])
    return result


def _slopes(n: int, df: Floats, c: Floats) -> list[Any]:
    return [_slope(k, df[:, None], c) for k in range(1, n + 1)]


def _gain_block(n: int, df: Floats, t: Floats) -> Floats:
    """The n-th derivative by the degrees of freedom over the density, also where both underflow."""
    result = onp.full(df.shape, onp.nan)
    size = onp.abs(t)
    valid = (df > 0) & ~onp.isnan(t)
    result[valid & ((t == 0) | onp.isinf(df))] = 0.0
    result[valid & onp.isinf(t) & onp.isfinite(df)] = onp.inf
    valid &= (t != 0) & onp.isfinite(t) & onp.isfinite(df)
    near, far = valid & (size < 1), valid & (size >= 1)
    if onp.any(near):
        v, s = df[near], size[near]
        result[near] = _centre(n, v, s) / _density(v, s * s)
    if onp.any(far):
        v, s = df[far], size[far]
        end = onp.minimum(s, FAR)
        value = -_tail_gain(n, v, end)
        # Beyond it the tail is a power: its logarithm's derivative by df has the term -log(t).
        beyond = value + onp.log(s / end) / v if n == 1 else onp.where(s > end, onp.nan, value)
        result[far] = s * beyond
    return onp.sign(t) * result


def _centre(n: int, df: Floats, t: Floats) -> Floats:
    """Integral from 0 to t: up to sqrt(v), where the poles are far, and on in log s."""
    column = df[:, None]
    turn = onp.minimum(t, onp.sqrt(df))
    s = turn[:, None] * NODES
    total = turn * onp.sum(WEIGHTS * _density(column, s * s) * bell(n, _slopes(n, df, s * s)), 1)
    length = onp.log(t / turn)
    if onp.any(length > 0):
        s = turn[:, None] * onp.exp(length[:, None] * NODES)
        values = s * _density(column, s * s) * bell(n, _slopes(n, df, s * s))
        total += length * onp.sum(WEIGHTS * values, 1)
    return total


def _tail(n: int, df: Floats, t: Floats) -> Floats:
    """Minus the integral from t on."""
    return -t * _density(df, t * t) * _tail_gain(n, df, t)


def _tail_gain(n: int, df: Floats, t: Floats) -> Floats:
    """The integral from t on over t times the density, in u = log(s / t).

    For v < 2, where the integrand falls slowly, integration by parts gives (DLMF 8.17.20)
    integral of f = t f(t) / v + integral of f (v + 1) / (v + s^2).
    """
    column, square = df[:, None], t * t
    raised = df < 2
    lift = raised[:, None]
    kappa = (df + 1) / 2 + raised
    share = square / (df + square)

    def exponent(u: Floats, kappa: Floats, share: Floats) -> Floats:
        return u - kappa * onp.log1p(share * onp.expm1(2 * u))

    def slope(u: Floats) -> Floats:
        grown = share * onp.exp(2 * u)
        return 1 - 2 * kappa * grown / (1 - share + grown)

    # The exponent is below u - kappa (2 u + log(share)).
    end = falling_root(
        (NEGLIGIBLE - kappa * onp.log(share)) / (2 * kappa - 1),
        lambda u: exponent(u, kappa, share),
        slope,
    )
    u = end[:, None] * NODES
    c = square[:, None] * onp.exp(2 * u)
    slopes = _slopes(n, df, c)
    for k in range(n):
        # The factor (v + 1) / (v + c), where it was taken.
        more = (
            (-1) ** k
            * factorial(k)
            * ((1 / (column + 1)) ** (k + 1) - (1 / (column + c)) ** (k + 1))
        )
        slopes[k] = slopes[k] + onp.where(lift, more, 0.0)
    weights = WEIGHTS * onp.exp(exponent(u, kappa[:, None], share[:, None]))
    value = end * onp.sum(weights * bell(n, slopes), 1)
    value *= onp.where(raised, (df + 1) / (df + square), 1.0)
    here = [
        part[:, 0] - (-1) ** k * factorial(k) / df ** (k + 1)
        for k, part in enumerate(_slopes(n, df, square[:, None]))
    ]
    value += onp.where(raised, bell(n, here) / df, 0.0)
    return value


# ---- as primitives -------------------------------------------------------------------------------


@helper
def student_gap(n: int, df: Any) -> Any:
    """The n-th derivative of T."""
    kind, df = _wide(df)
    with onp.errstate(all="ignore"):
        return onp.asarray(_gap(n, df), kind)[()]


attach_partials(student_gap, None, lambda ans, n, df: student_gap(n + 1, df))


@helper
def student_score(n: int, df: Any, t: Any) -> Any:
    """The n-th derivative of the logarithm of the density by the degrees of freedom."""
    if isinstance(t, Symbol):
        usual = n == 1 and t.dtype == float and nowhere(onp.abs(t) > FAR)
        return _slope(n, df, t * t) if usual else NotImplemented
    kind, df, t = _wide(df, t)
    with onp.errstate(all="ignore"):
        if not onp.max(onp.abs(t), initial=0.0) > FAR:
            return _slope(n, df, t * t).astype(kind)[()]
        # Beyond it the square is only seen by its logarithm, in the first derivative.
        size = onp.minimum(onp.abs(t), FAR)
        value = _slope(n, df, size * size)
        if n == 1:
            value = value - onp.where(onp.isinf(t), onp.nan, onp.log(onp.abs(t)) - onp.log(size))
        return value.astype(kind)[()]


def student_score_by_t(df: Array, t: Array) -> Array:
    """Derivative of the logarithm of the density by t, (v + 1) t / (v + t^2) with a minus."""
    return -t * (1 + 1 / df) / (1 + t * t / df)


def _score_by_t(ans: Array, n: int, df: Array, t: Array) -> Array:
    # (v + 1) / (v + c) is 1 + (1 - c) / (v + c).
    u = 1 / (df + t * t)
    return -((-1) ** n) * factorial(n) * (t * u) * ((1 - t * t) * u) * u ** (n - 1)


attach_partials(student_score, None, lambda ans, n, df, t: student_score(n + 1, df, t), _score_by_t)


@helper
def student_density(df: Any, t: Any) -> Any:
    """Density of Student's t."""
    if isinstance(t, Symbol):
        return _density(df, t * t) if t.dtype == float else NotImplemented
    kind, df, t = _wide(df, t)
    with onp.errstate(all="ignore"):
        return _density(df, t * t).astype(kind)[()]


attach_partials(
    student_density,
    lambda ans, df, t: ans * student_score(1, df, t),
    lambda ans, df, t: ans * student_score_by_t(df, t),
)


@helper
def student_spacing(df: Any, t: Any) -> Any:
    """One over the density of Student's t."""
    if isinstance(t, Symbol):
        return 1 / _density(df, t * t) if t.dtype == float else NotImplemented
    kind, df, t = _wide(df, t)
    with onp.errstate(all="ignore"):
        return (1 / _density(df, t * t)).astype(kind)[()]


attach_partials(
    student_spacing,
    lambda ans, df, t: -ans * student_score(1, df, t),
    lambda ans, df, t: -ans * student_score_by_t(df, t),
)


@helper
def student_shape(n: int, df: Any, t: Any) -> Any:
    """The n-th derivative of the distribution function by the degrees of freedom."""
    return in_blocks(lambda df, t: _block(n, df, t), df, t)


def _shape_by_t(ans: Array, n: int, df: Array, t: Array) -> Array:
    """The n-th derivative of the density."""
    slopes = [student_score(k, df, t) for k in range(1, n + 1)]
    return student_density(df, t) * bell(n, slopes)


attach_partials(student_shape, None, lambda ans, n, df, t: student_shape(n + 1, df, t), _shape_by_t)


@helper
def student_gain(n: int, df: Any, t: Any) -> Any:
    """The n-th derivative of the distribution function by df over the density."""
    return in_blocks(lambda df, t: _gain_block(n, df, t), df, t)


def _gain_by_t(ans: Array, n: int, df: Array, t: Array) -> Array:
    scores = [student_score(k, df, t) for k in range(1, n + 1)]
    return bell(n, scores) - ans * student_score_by_t(df, t)


attach_partials(
    student_gain,
    None,
    lambda ans, n, df, t: student_gain(n + 1, df, t) - ans * student_score(1, df, t),
    _gain_by_t,
)
