"""Densities of the gamma and the beta distribution, accurate for large shapes, as primitives."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as onp
import scipy.special

from ... import numpy as np
from ..registry import (
    Array,
    Symbol,
    as_value,
    attach_partials,
    everywhere,
    helper,
    nowhere,
    primal,
    safe_divide,
)
from .gammas import psi_gap
from .space import sp

LARGE = 20.0


def _stirling_remainder(z: Any) -> Any:
    """log gamma(z) minus Stirling's formula (DLMF 5.11.1), to 1e-15 for z >= LARGE."""
    w = 1 / (z * z)
    return (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w / 1680))) / z


def _log_rest(d: Any, ratio: Any) -> Any:
    """log(1 + d) - d, which is -d^2 / 2 for small d, where 1 + d is a ratio that has its digits."""
    return onp.where(onp.abs(d) < 0.5, onp.log1p(d), onp.log(ratio)) - d


def _betaln(a: Any, b: Any) -> Any:
    """log B(a, b); of one large shape without the difference of two large logarithms."""
    small, big = onp.minimum(a, b), onp.maximum(a, b)
    n = small + big
    falling = (big - 0.5) * onp.log1p(small / big) + small * (onp.log(n) - 1)
    rest = _stirling_remainder(big) - _stirling_remainder(n)
    above = scipy.special.gammaln(small) - falling + rest
    return onp.where(big >= LARGE, above, scipy.special.betaln(a, b))


def _float_kind(*args: Any) -> Any:
    return onp.result_type(*(onp.asarray(arg).dtype for arg in args), onp.float32)


def _plain_gamma_density(a: Any, x: Any) -> Any:
    return onp.exp(scipy.special.xlogy(a - 1, x) - x - scipy.special.gammaln(a))


@helper
def gamma_density(a: Any, x: Any) -> Any:
    """x^(a - 1) exp(-x) / gamma(a).

    The logarithm of each factor grows with a and their sum does not; for large a it is therefore
    taken around the mode (Loader 2000), whose rounding error grows like sqrt(a) instead.
    """
    if isinstance(x, Symbol):
        inside = (x > 0) & (x < onp.inf)
        ordinary = x.dtype == float and everywhere(inside) and nowhere(a >= LARGE)
        return _plain_gamma_density(a, x) if ordinary else NotImplemented
    kind = _float_kind(a, x)
    a, x = onp.asarray(a, float), onp.asarray(x, float)
    with onp.errstate(all="ignore"):
        value = _plain_gamma_density(a, x)
        inside = (x > 0) & (x < onp.inf)
        if onp.count_nonzero(inside) == inside.size and not onp.count_nonzero(a >= LARGE):
            return value.astype(kind)[()]
        large = (a >= LARGE) & inside
        if onp.any(large):
            exponent = a * _log_rest((x - a) / a, x / a) - _stirling_remainder(a)
            value = onp.where(large, onp.sqrt(a / (2 * pi)) / x * onp.exp(exponent), value)
        value = onp.where(onp.isinf(x) | (x < 0), 0.0, value)
    return value.astype(kind)[()]


def positive(x: Array) -> tuple[Array, Array]:
    """Where x is zero, and x with ones there."""
    zero = onp.equal(primal(x), 0)
    return zero, x if nowhere(zero) else np.where(zero, 1.0, x)


def _gamma_density_by_a(ans: Array, a: Array, x: Array) -> Array:
    zero, safe = positive(x)
    slope = ans * (np.log(safe) - sp.psi(a))
    return slope if nowhere(zero) else np.where(zero, 0.0, slope)


def gamma_density_by_x(ans: Array, a: Array, x: Array) -> Array:
    """Slope of the density f; at x = 0 its limit from the right, f(a - 1) - f(a) for a > 1."""
    zero, safe = positive(x)
    slope = ans * (safe_divide(a - 1, safe) - 1)
    if not onp.any(zero):  # a branch: the limit has no derivative of use elsewhere
        return slope
    shape = primal(a)
    above = gamma_density(np.where(shape > 1, a - 1, 1.0), x) - gamma_density(a, x)
    one = onp.equal(shape, 1)
    limit = np.where(one, -gamma_density(a, x), np.where(shape > 1, above, -onp.inf))
    return np.where(zero, limit, slope)


attach_partials(gamma_density, _gamma_density_by_a, gamma_density_by_x)


def _plain_beta_density(a: Any, b: Any, x: Any, logarithm: Any) -> Any:
    """By the logarithm of each factor, and that of B(a, b) which is given."""
    return onp.exp(scipy.special.xlogy(a - 1, x) + scipy.special.xlog1py(b - 1, -x) - logarithm)


def _large_beta_density(a: Any, b: Any, x: Any) -> Any:
    """Around the mode, for large shapes and x inside the interval."""
    n = a + b
    away = x - a / n
    exponent = (
        a * _log_rest(away * n / a, x * n / a)
        + b * _log_rest(-away * n / b, (1 - x) * n / b)
        + _stirling_remainder(n)
        - _stirling_remainder(a)
        - _stirling_remainder(b)
    )
    return onp.sqrt(a / n * b / (2 * pi)) / (x * (1 - x)) * onp.exp(exponent)


@helper
def beta_density(a: Any, b: Any, x: Any) -> Any:
    """x^(a - 1) (1 - x)^(b - 1) / B(a, b), taken around the mode if both shapes are large."""
    if isinstance(x, Symbol):
        if x.dtype != float or not everywhere((x > 0) & (x < 1)):
            return NotImplemented
        if nowhere(onp.maximum(a, b) >= LARGE):
            return _plain_beta_density(a, b, x, scipy.special.betaln(a, b))
        value = _plain_beta_density(a, b, x, _betaln(a, b))
        large = onp.minimum(a, b) >= LARGE
        return value if nowhere(large) else onp.where(large, _large_beta_density(a, b, x), value)
    kind = _float_kind(a, b, x)
    a, b, x = (onp.asarray(arg, float) for arg in (a, b, x))
    with onp.errstate(all="ignore"):
        value = _plain_beta_density(a, b, x, _betaln(a, b))
        large = (a >= LARGE) & (b >= LARGE) & (x > 0) & (x < 1)
        if onp.any(large):
            value = onp.where(large, _large_beta_density(a, b, x), value)
        value = onp.where((x < 0) | (x > 1), 0.0, value)
    return value.astype(kind)[()]


def _beta_density_by_a(ans: Array, a: Array, b: Array, x: Array) -> Array:
    zero, safe = positive(x)
    slope = ans * (np.log(safe) + psi_gap(a, b))
    return slope if nowhere(zero) else np.where(zero, 0.0, slope)


def _beta_density_by_b(ans: Array, a: Array, b: Array, x: Array) -> Array:
    one, safe = positive(1 - x)
    # log1p keeps a small x exact; where 1 - x is zero, any x inside the interval will do.
    inside = x if nowhere(one) else np.where(one, 0.5, x)
    slope = ans * (np.log1p(-inside) + psi_gap(b, a))
    return slope if nowhere(one) else np.where(one, 0.0, slope)


def _beta_limit(a: Array, b: Array, x: Array) -> Array:
    """Limit of the slope of the density f at x = 0.

    For a > 1 it is (a + b - 1) f(a - 1, b) - (b - 1) f(a, b) / (1 - x).
    """
    shape = primal(a)
    more = onp.greater(shape, 1)
    falling = (a + b - 1) * beta_density(np.where(more, a - 1, 1.0), b, x)
    rest = (b - 1) / (1 - x) * beta_density(np.where(onp.less(shape, 1), 1.0, a), b, x)
    at_one = np.where(onp.equal(shape, 1), 0.0, -onp.inf)
    return np.where(more, falling, at_one) - rest


def beta_density_by_x(ans: Array, a: Array, b: Array, x: Array) -> Array:
    """Slope of the density; at the ends its limit from inside."""
    value = as_value(primal(x))
    low, high = value == 0, value == 1
    end = low | high
    if not onp.any(end):  # a branch: limits have no derivative of use elsewhere
        return ans * (safe_divide(a - 1, x) - safe_divide(b - 1, 1 - x))
    safe = np.where(end, 0.5, x)
    slope = ans * (safe_divide(a - 1, safe) - safe_divide(b - 1, 1 - safe))
    slope = np.where(low, _beta_limit(a, b, np.where(low, x, 0.0)), slope)
    return np.where(high, -_beta_limit(b, a, np.where(high, 1 - x, 0.0)), slope)


attach_partials(beta_density, _beta_density_by_a, _beta_density_by_b, beta_density_by_x)
