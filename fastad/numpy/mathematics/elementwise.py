"""Elementwise functions beyond the core's: sinc, i0, modf, frexp, ldexp, divmod."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..._core import give_formulas
from ..._impl.formulas import formulas
from ..registry import (
    Array,
    as_value,
    cast,
    composite,
    constant,
    defjvp,
    defvjp,
    fitted,
    helper,
    isbox,
    nowhere,
    numpy_function,
    ops,
    primal,
    refuse,
    shape_of,
)

# ---- sinc ----------------------------------------------------------------------------------------

# Below this the quotient loses digits, and the series has them all.
NEAR_ZERO = 0.25
TERMS = 10


@helper
def _sinc(x: Array) -> Array:
    return np.sinc(x)


def _sinc_slope(x: Array) -> Array:
    """Derivative of sinc, by its power series near zero."""
    near = np.abs(primal(x)) < NEAR_ZERO
    far = ops.where(near, 1.0, x)
    angle = math.pi * far
    quotient = (ops.cos(angle) - ops.sin(angle) / angle) / far
    if nowhere(near):
        return quotient
    close = ops.where(near, x, 0.0)
    square = close * close
    series: Array = 0.0
    for k in range(TERMS, 0, -1):
        weight = (-1) ** k * 2 * k * math.pi ** (2 * k) / math.factorial(2 * k + 1)
        series = series * square + weight
    return ops.where(near, series * close, quotient)


defvjp(_sinc, lambda ans, x: lambda g: g * _sinc_slope(x))
defjvp(_sinc, lambda t, ans, x: t * _sinc_slope(x))
give_formulas(_sinc, lambda dtype: (formulas(lambda ans, x: _sinc_slope(x), 1, dtype),))


@composite("sinc")
def sinc(x: Array) -> Array:
    """Return sin(pi * x) / (pi * x), 1 at zero."""
    return _sinc(as_value(x))


# ---- i0 ------------------------------------------------------------------------------------------


@helper
def _bessel_i(x: Array, order: int) -> Array:
    """Modified Bessel function of whole order, by the trapezoidal rule for its integral.

    The integrand is periodic, so the rule converges geometrically (Trefethen and Weideman 2014,
    'The exponentially convergent trapezoidal rule').
    """
    x = np.asarray(x)
    largest = float(np.max(np.abs(x), initial=0.0, where=np.isfinite(x)))
    count = 24 + order + int(6.0 * math.sqrt(min(largest, 750.0)))
    odd = order % 2
    result = np.zeros(x.shape)
    with np.errstate(all="ignore"):
        for k in range(count):
            angle = math.pi * (k + 0.5) / count
            part = (np.sinh if odd else np.cosh)(x * math.cos(angle), dtype=np.float64)
            result += part * math.cos(order * angle)
    result /= count
    return cast(result, x.dtype if x.dtype.kind == "f" else np.dtype(np.float64))[()]


def _bessel_slope(x: Array, order: int) -> Array:
    if order == 0:
        return _bessel_i(x, 1)
    return 0.5 * (_bessel_i(x, order - 1) + _bessel_i(x, order + 1))


@helper
def _i0(x: Array) -> Array:
    return np.i0(x)


defvjp(_bessel_i, lambda ans, x, order: lambda g: g * _bessel_slope(x, order))
defjvp(_bessel_i, lambda t, ans, x, order: t * _bessel_slope(x, order))
defvjp(_i0, lambda ans, x: lambda g: g * _bessel_i(x, 1))
defjvp(_i0, lambda t, ans, x: t * _bessel_i(x, 1))


@composite("i0")
def i0(x: Array) -> Array:
    """Modified Bessel function of the first kind, order zero."""
    return _i0(as_value(x))


# ---- parts of numbers ----------------------------------------------------------------------------


@helper
def _ldexp(x: Array, exponent: Array) -> Array:
    return np.ldexp(x, exponent)


def _ldexp_vjp(ans: Array, x: Array, exponent: Array) -> Any:
    shape, exponent = shape_of(x), primal(exponent)
    return lambda g: fitted(_ldexp(g, exponent), shape)


defvjp(_ldexp, _ldexp_vjp)
defjvp(_ldexp, lambda t, ans, x, exponent: _ldexp(t, primal(exponent)))


@composite("ldexp")
def ldexp(x1: Array, x2: Array, /, **unsupported: Any) -> Array:
    """Return x1 * 2 ** x2 for whole x2."""
    if unsupported:
        refuse("ldexp", **unsupported)
    return _ldexp(as_value(x1), constant(x2))


# NumPy's functions give two results, of which one is discrete. They are called on the values; what
# has a derivative is recorded as an operation that is handed its result. Options that change
# nothing go to NumPy's functions, which refuse what they do not know.


def _joined(x: Any) -> Any:
    """An operand; what is a list, or an array of a library with results of its own, as an array."""
    if isbox(x) or isinstance(x, (np.ndarray, np.generic, int, float)):
        return x
    return as_value(x)


@helper
def _mantissa(x: Array, mantissa: Array, exponent: Array) -> Array:
    return mantissa


def _mantissa_vjp(ans: Array, x: Array, mantissa: Array, exponent: Array) -> Any:
    shift = np.negative(exponent)
    return lambda g: _ldexp(g, shift)


defvjp(_mantissa, _mantissa_vjp)
defjvp(_mantissa, lambda t, ans, x, mantissa, exponent: _ldexp(t, np.negative(exponent)))
_frexp = helper(numpy_function("frexp"))


@composite("frexp")
def frexp(x: Array, /, **unsupported: Any) -> Any:
    """Mantissa, and exponent to the base 2, whose derivative is zero."""
    if unsupported:
        refuse("frexp", **unsupported)
    x = _joined(x)
    mantissa, exponent = _frexp(primal(x), **unsupported)
    return _mantissa(x, mantissa, exponent), exponent


@helper
def _fraction(x: Array, fraction: Array) -> Array:
    return fraction


defvjp(_fraction, lambda ans, x, fraction: lambda g: g)
defjvp(_fraction, lambda t, ans, x, fraction: t)
_modf = helper(numpy_function("modf"))


@composite("modf")
def modf(x: Array, /, **unsupported: Any) -> Any:
    """Fractional part, and whole part, whose derivative is zero."""
    if unsupported:
        refuse("modf", **unsupported)
    x = _joined(x)
    fraction, whole = _modf(primal(x), **unsupported)
    return _fraction(x, fraction), whole


@helper
def _rest(x1: Array, x2: Array, quotient: Array, rest: Array) -> Array:
    return rest


def _rest_by_x1(ans: Array, x1: Array, x2: Array, quotient: Array, rest: Array) -> Any:
    shape = shape_of(x1)
    return lambda g: fitted(g, shape)


def _rest_by_x2(ans: Array, x1: Array, x2: Array, quotient: Array, rest: Array) -> Any:
    shape = shape_of(x2)
    return lambda g: fitted(g * -quotient, shape)


defvjp(_rest, _rest_by_x1, _rest_by_x2)
defjvp(
    _rest,
    lambda t, ans, x1, x2, quotient, rest: _spread(t, ans),
    lambda t, ans, x1, x2, quotient, rest: t * -quotient,
)
_divmod = helper(numpy_function("divmod"))


def _spread(t: Array, ans: Array) -> Array:
    shape = shape_of(ans)
    return t if shape_of(t) == shape else ops.broadcast_to(t, shape)


@composite("divmod")
def divmod_(x1: Array, x2: Array, /, **unsupported: Any) -> Any:
    """Whole quotient, whose derivative is zero, and remainder."""
    if unsupported:
        refuse("divmod", **unsupported)
    x1, x2 = _joined(x1), _joined(x2)
    quotient, rest = _divmod(primal(x1), primal(x2), **unsupported)
    return quotient, _rest(x1, x2, quotient, rest)
