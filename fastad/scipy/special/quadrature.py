"""Derivatives of the incomplete gamma and beta functions by their shape parameters, by quadrature.

Both functions are probabilities: P(a, x) is that of t < x under the density
p(t) = exp(h(t; a)) with h = a s - exp(s) - log gamma(a) in s = log t (DLMF 8.2.4), and I_x(a, b)
that under h = a log t + b log(1 - t) - log B(a, b) in s = log(t / (1 - t)) (DLMF 8.17.2). Under the
integral sign, a derivative of any order by the shapes multiplies p by a polynomial D in derivatives
of h (Bell's complete polynomials), so that

    derivative of P = P * mean of D under p, given t < x.

Three things make this accurate for all shapes. The tail that does not hold the mode is used, so
that the integrand falls monotonically from its end point x (the density is log-concave in s) and a
tail far out keeps its relative accuracy; the mean is a quotient of two sums over the same nodes,
and SciPy's P gives the scale, so that no density is normalised here; and a shape below 1, which
would make the tail in s long and flat, is raised by one with the recurrences DLMF 8.8.5 and
8.17.20. Above that, panels of Gauss-Legendre nodes in s converge geometrically.

Measured against mpmath at 60 digits, on some 5000 random points (tails down to 1e-280 included):
for gammainc a median relative error of 1e-15 and at most 2e-12 for shapes from 1e-6 to 1e5; for
betainc a median of 1e-14 and at most 2e-9 for shapes from 1e-5 to 1e4, the largest where one shape
is below 1e-3 and the other above 10. Beyond that SciPy's own P limits it (its gammainc has relative
errors of 1e-7 in the lower tail for shapes around 6e5).
"""

from __future__ import annotations

from collections.abc import Callable
from math import comb, factorial
from typing import Any, cast

import numpy as np
import scipy.special

from ..._core import special_ufuncs

Floats = np.ndarray[Any, np.dtype[np.float64]]

NODES, WEIGHTS = np.polynomial.legendre.leggauss(64)
NODES, WEIGHTS = (NODES + 1) / 2, WEIGHTS / 2
NEGLIGIBLE = 44.0  # exp(-44) is 1e-19, below the rounding of the sum
_by_shape = special_ufuncs()["gamma_by_shape"]
LARGEST_SHAPE = 200.0  # of that
DOUBLE = np.dtype(np.float64)
BLOCK = 2048  # entries at a time: the nodes of one block stay in the cache


def gamma_shape_derivative(n: int, a: Any, x: Any) -> Any:
    """The n-th derivative of gammainc(a, x) by a, for n >= 1.

    Parameters
    ----------
    n : int
        Order, at least 1.
    a, x : array_like
        Shape a > 0 and x >= 0; elsewhere the result is NaN. Integers count as float64.

    Returns
    -------
    ndarray or scalar
        Of the shape to which a and x broadcast; minus it is the derivative of gammaincc.
    """
    if n == 1:
        slopes = _gamma_slope(a, x)
        if slopes is not None:
            return slopes
    return in_blocks(lambda a, x: _gamma_block(n, a, x), a, x)


def _gamma_slope(a: Any, x: Any) -> Any:
    """Return the first derivative by series and continued fraction; None where a shape is large.

    They have some tens of terms where the quadrature has 64 nodes, and no search for its end.
    """
    kind = np.result_type(np.asarray(a).dtype, np.asarray(x).dtype, np.float32)
    if kind != DOUBLE:
        slopes = _gamma_slope(np.asarray(a, np.float64), np.asarray(x, np.float64))
        return None if slopes is None else slopes.astype(kind)
    if np.count_nonzero(a > LARGEST_SHAPE):
        return None
    with np.errstate(all="ignore"):
        return gamma_slope(a, x)


def gamma_slope(a: Any, x: Any) -> Any:
    """Return that derivative of float64, for shapes that are not large."""
    part = scipy.special.gammainc(a, x)
    upper = x > a + 1 + np.sqrt(a)
    if np.count_nonzero(upper):  # far from the mode, where P says nothing of what is left
        part = np.where(upper, scipy.special.gammaincc(a, x), part)
    return _by_shape(a, x, part, scipy.special.psi(a + 1))


def beta_shape_derivative(m: int, n: int, a: Any, b: Any, x: Any) -> Any:
    """The derivative of betainc(a, b, x), m times by a and n times by b, m + n >= 1."""
    return in_blocks(lambda a, b, x: _beta_block(m, n, a, b, x), a, b, x)


def gamma_shape_gain(n: int, a: Any, x: Any) -> Any:
    """The n-th derivative of gammainc(a, x) by a over the density at x, also where both underflow.

    It is x times the integral of D exp(h - h(x)), and is 0 at x = 0.
    """
    return in_blocks(lambda a, x: _gamma_block(n, a, x, gain=True), a, x)


def beta_shape_gain(m: int, n: int, a: Any, b: Any, x: Any) -> Any:
    """The derivative of betainc(a, b, x), m times by a and n times by b, over x (1 - x) f(x).

    f is the density. At x = 0 it is its limit, which is infinite only if m > 0.
    """
    return in_blocks(lambda a, b, x: _beta_block(m, n, a, b, x, gain=True), a, b, x)


def in_blocks(function: Callable[..., Floats], *args: Any) -> Any:
    """Apply a function of vectors to arrays that broadcast, some entries at a time."""
    kind = np.result_type(*(np.asarray(arg).dtype for arg in args), np.float32)
    arrays = np.broadcast_arrays(*(np.asarray(arg, np.float64) for arg in args))
    flat = [np.ravel(array) for array in arrays]
    result = np.empty(flat[0].size)
    with np.errstate(all="ignore"):
        for start in range(0, result.size, BLOCK):
            part = slice(start, start + BLOCK)
            result[part] = function(*(array[part] for array in flat))
    return result.reshape(arrays[0].shape).astype(kind)[()]


# ---- derivatives of exp(h) ---------------------------------------------------------------------


def bell(n: int, slopes: list[Any]) -> Any:
    """The n-th derivative of exp(h) over exp(h), from h', h'', ...: Bell's complete polynomial."""
    values: list[Any] = [1.0]
    for k in range(n):
        values.append(sum(comb(k, i) * slopes[i] * values[k - i] for i in range(k + 1)))
    return values[n]


def bell_pair(m: int, n: int, slope: Callable[[int, int], Any]) -> Any:
    """The derivative of exp(h), m times by a and n times by b, over exp(h).

    `slope(i, j)` is that derivative of h itself. The product rule on (exp h)' = h' exp h.
    """
    if n == 0:
        return bell(m, [slope(i + 1, 0) for i in range(m)])
    known: dict[tuple[int, int], Any] = {(0, 0): 1.0}

    def value(i: int, j: int) -> Any:
        if (i, j) not in known:
            by_b = j > 0
            rest_i, rest_j = (i, j - 1) if by_b else (i - 1, j)
            known[i, j] = sum(
                comb(rest_i, p)
                * comb(rest_j, q)
                * slope(p + (not by_b), q + by_b)
                * value(rest_i - p, rest_j - q)
                for p in range(rest_i + 1)
                for q in range(rest_j + 1)
            )
        return known[i, j]

    return value(m, n)


def _mean(
    end: Floats,
    start: Floats,
    exponent: Callable[[Floats], Floats],
    factor: Callable[[Floats], Floats],
) -> tuple[Floats, Floats]:
    """Integrals over start < u < end of exp(exponent(u)) times factor(u), and times 1."""
    length = (end - start)[:, None]
    u = start[:, None] + length * NODES
    weights = np.exp(exponent(u)) * (WEIGHTS * length)
    return np.sum(weights * factor(u), axis=1), np.sum(weights, axis=1)


def falling_root(
    u: Floats, value: Callable[[Floats], Floats], slope: Callable[[Floats], Floats]
) -> Floats:
    """Where a concave falling function reaches -NEGLIGIBLE, by Newton's method from the right.

    From that side it approaches monotonically, so stopping early errs on the safe side.
    """
    for _ in range(60):
        step = (value(u) + NEGLIGIBLE) / slope(u)
        step = np.where(np.isfinite(step), step, 0.0)
        u = u - step
        if np.all(np.abs(step) <= 0.02 * u):
            break
    return u


# ---- incomplete gamma --------------------------------------------------------------------------


def _gamma_block(n: int, a: Floats, x: Floats, gain: bool = False) -> Floats:
    result = np.full(a.shape, np.nan)
    valid = (a > 0) & np.isfinite(a) & (x >= 0)
    result[valid & (x == 0)] = 0.0
    result[valid & np.isinf(x)] = -np.inf if gain else 0.0
    valid &= (x > 0) & np.isfinite(x)
    upper = valid & (x > np.maximum(a, 1.0))
    lower = valid & ~upper
    if np.any(upper):
        result[upper] = -_gamma_upper(n, a[upper], x[upper], gain)
    if np.any(lower):
        result[lower] = _gamma_lower(n, a[lower], x[lower], gain)
    return result


def _gamma_slopes(n: int, a: Floats, first: Any) -> list[Any]:
    """Derivatives of h by a: log t - psi(a), -psi'(a), ..."""
    return [first] + [-scipy.special.polygamma(k, a) for k in range(1, n)]


def _gamma_lower(n: int, a: Floats, x: Floats, gain: bool) -> Floats:
    """Derivative of P(a, x), for x below the mode of t = x exp(-u)."""
    raised = np.where(a < 1, a + 1, a)
    column = (raised[:, None], x[:, None])

    def exponent(u: Floats, a: Floats, x: Floats) -> Floats:
        return -a * u - x * np.expm1(-u)

    # The exponent is below x - a u, and below -x u^2 / 3 for u < 1.
    end = (NEGLIGIBLE + x) / raised
    narrow = np.sqrt(3 * NEGLIGIBLE / x)
    end = falling_root(
        np.where(narrow < 1, np.minimum(end, narrow), end),
        lambda u: exponent(u, raised, x),
        lambda u: -raised + x * np.exp(-u),
    )
    distance = (np.log(x) - scipy.special.psi(raised))[:, None]
    higher = [-scipy.special.polygamma(k, raised)[:, None] for k in range(1, n)]
    over, under = _mean(
        end,
        np.zeros_like(end),
        lambda u: exponent(u, *column),
        lambda u: bell(n, [distance - u, *higher]),
    )
    if gain:
        result = over * x * np.where(a < 1, x / a, 1.0)
    else:
        result = scipy.special.gammainc(raised, x) * (over / under)
    small = a < 1
    if np.any(small):
        # DLMF 8.8.5: P(a, x) = P(a + 1, x) + x^a exp(-x) / gamma(a + 1).
        a, x = a[small], x[small]
        term = x / a if gain else np.exp(a * np.log(x) - x - scipy.special.gammaln(a + 1))
        slopes = _gamma_slopes(n, a + 1, np.log(x) - scipy.special.psi(a + 1))
        result[small] += term * bell(n, slopes)
    return result


def _gamma_upper(n: int, a: Floats, x: Floats, gain: bool) -> Floats:
    """Derivative of Q(a, x) = 1 - P(a, x), for x above the mode of t = x exp(u)."""
    column = (a[:, None], x[:, None])

    def exponent(u: Floats, a: Floats, x: Floats) -> Floats:
        return a * u - x * np.expm1(u)

    # The exponent is below -(x - a) u - x u^2 / 2.
    ahead = x - a
    end = falling_root(
        2 * NEGLIGIBLE / (ahead + np.sqrt(ahead * ahead + 2 * NEGLIGIBLE * x)),
        lambda u: exponent(u, a, x),
        lambda u: a - x * np.exp(u),
    )
    distance = (np.log(x) - scipy.special.psi(a))[:, None]
    higher = [-scipy.special.polygamma(k, a)[:, None] for k in range(1, n)]
    over, under = _mean(
        end,
        np.zeros_like(end),
        lambda u: exponent(u, *column),
        lambda u: bell(n, [distance + u, *higher]),
    )
    return x * over if gain else scipy.special.gammaincc(a, x) * (over / under)


# ---- incomplete beta ---------------------------------------------------------------------------


def _beta_block(m: int, n: int, a: Floats, b: Floats, x: Floats, gain: bool = False) -> Floats:
    result = np.full(a.shape, np.nan)
    valid = (a > 0) & (b > 0) & np.isfinite(a) & np.isfinite(b) & (x >= 0) & (x <= 1)
    result[valid & ((x == 0) | (x == 1))] = 0.0
    if gain:
        for end, sign, form, shapes in ((0, 1, (m, n), (a, b)), (1, -1, (n, m), (b, a))):
            here = valid & (x == end)
            if np.any(here):
                result[here] = sign * _beta_end(*form, *(shape[here] for shape in shapes))
    valid &= (x > 0) & (x < 1)
    upper = valid & (x > a / (a + b))
    lower = valid & ~upper
    if np.any(lower):
        a_low, b_low, x_low = a[lower], b[lower], x[lower]
        result[lower] = _beta_lower(m, n, a_low, b_low, x_low, 1 - x_low, gain)
    if np.any(upper):
        # DLMF 8.17.4: I_x(a, b) = 1 - I_{1-x}(b, a).
        a_up, b_up, x_up = a[upper], b[upper], x[upper]
        result[upper] = -_beta_lower(n, m, b_up, a_up, 1 - x_up, x_up, gain)
    return result


def _beta_slope(a: Floats, b: Floats, log_x: Any, log_y: Any) -> Callable[[int, int], Any]:
    """Derivatives of h = a log t + b log(1 - t) - log B(a, b), i times by a and j times by b."""

    def slope(i: int, j: int) -> Any:
        both = scipy.special.polygamma(i + j - 1, a + b)
        if i and j:
            return both
        value = both - scipy.special.polygamma(i + j - 1, a if i else b)
        return value + (log_x if i else log_y) if i + j == 1 else value

    return slope


def _beta_end(m: int, n: int, a: Floats, b: Floats) -> Floats:
    """The gain at x = 0, where I_x(a, b) is x^a / (a B(a, b))."""
    slope = _beta_slope(a, b, -np.inf, 0.0)

    def with_factor(i: int, j: int) -> Any:
        return slope(i, j) + ((-1) ** i * factorial(i - 1) / a**i if i and not j else 0.0)

    return cast("Floats", bell_pair(m, n, with_factor) / a)


def _beta_lower(m: int, n: int, a: Floats, b: Floats, x: Floats, y: Floats, gain: bool) -> Floats:
    """Derivative of I_x(a, b) for x below the mode, y = 1 - x; log(t / (1 - t)) = s - u.

    As a gain it is over x y times the density, in which x and y may change places.
    """
    raised = np.where(a < 1, a + 1, a)

    def exponent(u: Floats, a: Floats, b: Floats, x: Floats) -> Floats:
        return -a * u - (a + b) * np.log1p(x * np.expm1(-u))

    def slope_of(u: Floats) -> Floats:
        falling = x * np.exp(-u)
        return -raised + (raised + b) * falling / (y + falling)

    # The exponent is below -a u - (a + b) log(1 - x).
    end = falling_root(
        (NEGLIGIBLE - (raised + b) * np.log1p(-x)) / raised,
        lambda u: exponent(u, raised, b, x),
        slope_of,
    )
    a_, b_, x_ = raised[:, None], b[:, None], x[:, None]
    log_x, log_y = np.log(x_), np.log1p(-x_)
    fixed = {
        (i, j): _beta_slope(a_, b_, 0.0, 0.0)(i, j)
        for i in range(m + 1)
        for j in range(n + 1)
        if i + j
    }
    if m:
        fixed[1, 0] = fixed[1, 0] + log_x
    if n:
        fixed[0, 1] = fixed[0, 1] + log_y

    def factor(u: Floats) -> Any:
        spread = -np.log1p(x_ * np.expm1(-u))  # log(1 - t) - log(1 - x)
        here = dict(fixed)
        if m:
            here[1, 0] = fixed[1, 0] + (spread - u)
        if n:
            here[0, 1] = fixed[0, 1] + spread
        return bell_pair(m, n, lambda i, j: here[i, j])

    # The density's poles lie at u = s +- i pi: the panels meet there, since their ends are dense.
    middle = np.clip(np.log(x) - np.log(y), 0.0, end)
    over, under = _mean(end, middle, lambda u: exponent(u, a_, b_, x_), factor)
    if np.any(middle > 0):
        more, base = _mean(middle, np.zeros_like(end), lambda u: exponent(u, a_, b_, x_), factor)
        over, under = over + more, under + base
    if gain:
        result = over * np.where(a < 1, x * ((a + b) / a), 1.0)
    else:
        result = scipy.special.betainc(raised, b, x) * (over / under)
    small = a < 1
    if np.any(small):
        # DLMF 8.17.20: I_x(a, b) = I_x(a + 1, b) + x^a (1 - x)^b / (a B(a, b)).
        a, b, x = a[small], b[small], x[small]
        term = (
            1 / a
            if gain
            else np.exp(
                a * np.log(x)
                + b * np.log1p(-x)
                + scipy.special.gammaln(a + b)
                - scipy.special.gammaln(a + 1)
                - scipy.special.gammaln(b)
            )
        )

        def slope(i: int, j: int) -> Any:
            both = scipy.special.polygamma(i + j - 1, a + b)
            if i and j:
                return both
            value = both - scipy.special.polygamma(i + j - 1, a + 1 if i else b)
            if i + j > 1:
                return value
            return value + (np.log(x) if i else np.log1p(-x))

        result[small] += term * bell_pair(m, n, slope)
    return result
