"""Polynomials by their coefficients: polyval, polyadd, polymul, polyfit, roots and their family."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .linalg.eigen import eigvals
from .linalg.least_squares import lstsq
from .linalg.matrices import rows
from .registry import (
    Array,
    as_value,
    composite,
    defjvp,
    defvjp,
    derivative_of,
    dtype_of,
    helper,
    numpy_function,
    ops,
    primal,
    shape_of,
)


def _coefficients(p: Any) -> Array:
    """Return coefficients as an array or box of one dimension."""
    return ops.atleast_1d(as_value(p))


def _of_polynomials(name: str) -> Callable[[Callable[..., Any]], Any]:
    """Make the decorated function what NumPy's is differentiated as; a poly1d is its numbers."""

    def register(derivative: Callable[..., Any]) -> Any:
        node = helper(numpy_function(name), derivative)

        @functools.wraps(derivative)
        def traced(*args: Any, **options: Any) -> Any:
            numbers = [one.coeffs if isinstance(one, np.poly1d) else one for one in args]
            return node(*numbers, **options)

        return composite(name)(traced)

    return register


def _trimmed(p: Array) -> Array:
    """Drop leading coefficients that are zero, as poly1d does, but for the last."""
    nonzero = np.flatnonzero(primal(p))
    if nonzero.size:
        return p[operator.index(nonzero[0]) :]
    return p[-1:] if p.shape[0] else np.zeros(1)


@_of_polynomials("polyval")
def polyval(p: Array, x: Array) -> Array:
    """Value of a polynomial at x, by Horner's rule; at a poly1d x the composed polynomial."""
    p, x = _coefficients(p), as_value(x)
    result = ops.zeros_like(x)
    for coefficient in p:
        result = result * x + coefficient
    return result


def _summed(name: str, sign: int) -> None:
    def derivative(a1: Array, a2: Array) -> Array:
        first, second = _coefficients(a1), _coefficients(a2) * sign
        more = first.shape[0] - second.shape[0]
        if more > 0:
            second = ops.concatenate([np.zeros(more, second.dtype), second])
        elif more < 0:
            first = ops.concatenate([np.zeros(-more, first.dtype), first])
        return first + second

    _of_polynomials(name)(derivative)


_summed("polyadd", 1)
_summed("polysub", -1)


@_of_polynomials("polymul")
def polymul(a1: Array, a2: Array) -> Array:
    """Product of two polynomials."""
    return ops.convolve(*(_trimmed(_coefficients(one)) for one in (a1, a2)))


@_of_polynomials("polydiv")
def polydiv(u: Array, v: Array) -> Any:
    """Quotient and remainder of two polynomials."""
    # NumPy drops leading coefficients of the remainder that are close to zero, but for the last.
    length = np.polydiv(primal(u), primal(v))[1].shape[0]
    u, v = _coefficients(u) + 0.0, _coefficients(v) + 0.0
    degree = v.shape[0] - 1
    steps = u.shape[0] - degree
    parts = []
    rest = u
    for _ in range(steps):
        factor = rest[0] / v[0]
        parts.append(factor)
        rest = ops.concatenate([rest[1 : degree + 1] - factor * v[1:], rest[degree + 1 :]])
    found = ops.stack(parts) if parts else np.zeros(1)
    kept = rest[rest.shape[0] - length :] if rest.shape[0] >= length else rest[:0]
    if kept.shape[0] < length:
        kept = ops.concatenate([np.zeros(length - kept.shape[0], rest.dtype), kept])
    return found, kept


@_of_polynomials("polyder")
def polyder(p: Array, m: int = 1) -> Array:
    """Coefficients of the m-th derivative."""
    p = _coefficients(p)
    for _ in range(int(m)):
        p = p[:-1] * np.arange(p.shape[0] - 1, 0, -1)
    return p


@_of_polynomials("polyint")
def polyint(p: Array, m: int = 1, k: Any = None) -> Array:
    """Coefficients of the m-th integral, with given constants of integration."""
    p, m = _coefficients(p), int(m)
    constants = np.zeros(m) if k is None else ops.ravel(as_value(k))
    if constants.shape[0] == 1 and m > 1:
        constants = constants * np.ones(m)
    for i in range(m):
        p = ops.concatenate([p / np.arange(p.shape[0], 0, -1), constants[i : i + 1]])
    return p


def _slopes(ans: Array, x: Array, increasing: bool) -> Array:
    """The derivatives of the powers in the rows: each exponent times the power below."""
    count = shape_of(ans)[1]
    exponents = np.arange(1, count) if increasing else np.arange(count - 1, 0, -1)
    below = ans[:, :-1] if increasing else ans[:, 1:]
    return below * exponents.astype(dtype_of(ans))


def _powers_vjp(ans: Array, x: Array, count: int, increasing: bool) -> Any:
    if count < 2:
        return lambda g: np.zeros(shape_of(x), dtype_of(g))
    slopes = _slopes(ans, x, increasing)
    others = slice(1, None) if increasing else slice(None, -1)
    return lambda g: ops.sum(g[:, others] * slopes, axis=1)


def _powers_jvp(t: Array, ans: Array, x: Array, count: int, increasing: bool) -> Array:
    first = np.zeros((shape_of(x)[0], min(count, 1)), dtype_of(ans))
    if count < 2:
        return first
    moved = _slopes(ans, x, increasing) * t[:, None]
    return ops.concatenate([first, moved] if increasing else [moved, first], 1)


@helper
def _powers(x: Array, count: int, increasing: bool) -> Array:
    return np.vander(x, count, increasing)


defvjp(_powers, _powers_vjp)
defjvp(_powers, _powers_jvp)


@composite("vander")
def vander(x: Array, N: int | None = None, increasing: bool = False) -> Array:
    """Matrix of the powers of x."""
    x = as_value(x)
    count = x.shape[0] if N is None else operator.index(N)
    return _powers(x, count, bool(increasing))


@derivative_of("poly")
def poly(seq_of_zeros: Array) -> Array:
    """Coefficients of the polynomial with given roots, or of a matrix' characteristic one."""
    zeros = as_value(seq_of_zeros)
    if zeros.ndim == 2:
        zeros = eigvals(zeros)
    if not zeros.shape[0]:
        return np.ones(())
    result: Array = np.ones(1, zeros.dtype)
    for zero in zeros:
        longer = ops.concatenate([result, np.zeros(1, result.dtype)])
        result = longer - zero * ops.concatenate([np.zeros(1, result.dtype), result])
    return result


@_of_polynomials("roots")
def roots(p: Array) -> Array:
    """Roots of a polynomial: the eigenvalues of its companion matrix."""
    p = _coefficients(p)
    nonzero = np.flatnonzero(primal(p))
    if not nonzero.size:
        return np.zeros(0)
    first_, last = (operator.index(nonzero[place]) for place in (0, -1))
    at_zero = p.shape[0] - last - 1
    p = p[first_ : last + 1]
    if p.shape[0] < 2:
        return np.zeros(at_zero)
    if p.dtype.kind not in "fc":
        p = p.astype(np.float64)
    first = ops.reshape(-p[1:] / p[0], (1, -1))
    below = np.diag(np.ones(p.shape[0] - 2, p.dtype), -1)[1:]
    found = eigvals(ops.concatenate([first, below]) if below.shape[0] else first)
    return ops.hstack((found, np.zeros(at_zero, found.dtype))) if at_zero else found


@_of_polynomials("polyfit")
def polyfit(
    x: Array,
    y: Array,
    deg: int,
    rcond: float | None = None,
    full: bool = False,
    w: Array | None = None,
    cov: Any = False,
) -> Any:
    """Least squares fit of a polynomial, at (traced) points, with (traced) weights."""
    order = int(deg) + 1
    x, y = as_value(x) + 0.0, as_value(y) + 0.0
    left, right = vander(x, order), y
    if w is not None:
        weights = as_value(w) + 0.0
        left = left * rows(weights)
        right = right * (rows(weights) if y.ndim == 2 else weights)
    scale = ops.sqrt(ops.sum(left * left, axis=0))
    bound = x.shape[0] * np.finfo(x.dtype).eps if rcond is None else rcond
    scaled = left / scale
    c, residuals, _, s = lstsq(scaled, right, bound)
    c = ops.transpose(ops.transpose(c) / scale)
    if full:
        return c, residuals, None, s, None
    if not cov:
        return c
    base = ops.matmul(ops.transpose(scaled), scaled)
    base = _inverse(base) / (rows(scale) * scale)
    if cov == "unscaled":
        factor: Array = 1.0
    else:
        factor = residuals / (x.shape[0] - order)
    return c, (base if y.ndim == 1 else ops.reshape(base, (order, order, 1))) * factor


def _inverse(x: Array) -> Array:
    from .linalg.solving import inv

    return inv(x)
