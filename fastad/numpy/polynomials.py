"""Polynomials by their coefficients: polyval, polyadd, polymul, polyfit, roots and their family."""

from __future__ import annotations

from typing import Any

import numpy as np

from .linalg.eigen import eigvals
from .linalg.least_squares import lstsq
from .linalg.matrices import rows
from .registry import Array, as_value, cast, composite, getval, ops, plain
from .values import valued


def _coefficients(p: Any) -> Array:
    """Return coefficients as an array or box of one dimension; of a poly1d its own."""
    if isinstance(p, np.poly1d):
        return p.coeffs
    return ops.atleast_1d(as_value(p))


def _numbers(p: Any) -> Any:
    """Return coefficients as NumPy gets to see them, which refuses what are none."""
    return p.coeffs if isinstance(p, np.poly1d) else plain(p)


def _trimmed(p: Array) -> Array:
    """Drop leading coefficients that are zero, as poly1d does, but for the last."""
    nonzero = np.flatnonzero(getval(p))
    if nonzero.size:
        return p[int(nonzero[0]) :]
    return p[-1:] if p.shape[0] else np.zeros(1)


def _fitting(result: Array, value: Array) -> Array:
    """Return NumPy's value with the derivative of result, in NumPy's dtype."""
    return valued(cast(result, value.dtype), value)


@composite("polyval")
def polyval(p: Array, x: Array) -> Array:
    """Value of a polynomial at x, by Horner's rule; at a poly1d x the composed polynomial."""
    if isinstance(x, np.poly1d):
        raise TypeError("numpy.polyval: poly1d objects hold no traced values in fastad")
    value = np.polyval(_numbers(p), plain(x))
    p, x = _coefficients(p), as_value(x)
    result = ops.zeros_like(x)
    for coefficient in p:
        result = result * x + coefficient
    return _fitting(result, value)


def _summed(name: str, sign: int) -> None:
    def traced(a1: Array, a2: Array) -> Array:
        value = getattr(np, name)(_numbers(a1), _numbers(a2))
        first, second = _coefficients(a1), _coefficients(a2) * sign
        more = first.shape[0] - second.shape[0]
        if more > 0:
            second = ops.concatenate([np.zeros(more, second.dtype), second])
        elif more < 0:
            first = ops.concatenate([np.zeros(-more, first.dtype), first])
        return _fitting(first + second, value)

    composite(name)(traced)


_summed("polyadd", 1)
_summed("polysub", -1)


@composite("polymul")
def polymul(a1: Array, a2: Array) -> Array:
    """Product of two polynomials."""
    value = np.polymul(_numbers(a1), _numbers(a2))
    return _fitting(ops.convolve(*(_trimmed(_coefficients(one)) for one in (a1, a2))), value)


@composite("polydiv")
def polydiv(u: Array, v: Array) -> Any:
    """Quotient and remainder of two polynomials."""
    quotient, remainder = np.polydiv(plain(u), plain(v))
    u, v = _coefficients(u) + 0.0, _coefficients(v) + 0.0
    degree = v.shape[0] - 1
    steps = u.shape[0] - degree
    parts = []
    rest = u
    for _ in range(steps):
        factor = rest[0] / v[0]
        parts.append(factor)
        rest = ops.concatenate([rest[1 : degree + 1] - factor * v[1:], rest[degree + 1 :]])
    found = ops.stack(parts) if parts else np.zeros(1, quotient.dtype)
    # NumPy drops leading coefficients of the remainder that are close to zero, but for the last.
    length = remainder.shape[0]
    kept = rest[rest.shape[0] - length :] if rest.shape[0] >= length else rest[:0]
    if kept.shape[0] < length:
        kept = ops.concatenate([np.zeros(length - kept.shape[0], rest.dtype), kept])
    return _fitting(found, quotient), _fitting(kept, remainder)


@composite("polyder")
def polyder(p: Array, m: int = 1) -> Array:
    """Coefficients of the m-th derivative."""
    value = np.polyder(_numbers(p), m)
    p = _coefficients(p)
    for _ in range(int(m)):
        p = p[:-1] * np.arange(p.shape[0] - 1, 0, -1)
    return _fitting(p, value)


@composite("polyint")
def polyint(p: Array, m: int = 1, k: Any = None) -> Array:
    """Coefficients of the m-th integral, with given constants of integration."""
    value = np.polyint(_numbers(p), m, plain(k))
    p, m = _coefficients(p), int(m)
    constants = np.zeros(m) if k is None else ops.ravel(as_value(k))
    if constants.shape[0] == 1 and m > 1:
        constants = constants * np.ones(m)
    for i in range(m):
        p = ops.concatenate([p / np.arange(p.shape[0], 0, -1), constants[i : i + 1]])
    return _fitting(p, value)


@composite("vander")
def vander(x: Array, N: int | None = None, increasing: bool = False) -> Array:
    """Matrix of the powers of x."""
    x = as_value(x)
    value = np.vander(getval(x), N, increasing)
    count = value.shape[1]
    powers: list[Array] = [np.ones(x.shape, x.dtype)]
    while len(powers) < count:
        powers.append(powers[-1] * x if len(powers) > 1 else x)
    powers = powers[:count]
    if not count:
        return value
    return _fitting(ops.stack(powers if increasing else powers[::-1], axis=1), value)


@composite("poly")
def poly(seq_of_zeros: Array) -> Array:
    """Coefficients of the polynomial with given roots, or of a matrix' characteristic one."""
    value = np.poly(plain(seq_of_zeros))
    zeros = as_value(seq_of_zeros)
    if zeros.ndim == 2:
        zeros = eigvals(zeros)
    if not zeros.shape[0]:
        return value
    result: Array = np.ones(1, zeros.dtype)
    for zero in zeros:
        longer = ops.concatenate([result, np.zeros(1, result.dtype)])
        result = longer - zero * ops.concatenate([np.zeros(1, result.dtype), result])
    if value.dtype.kind == "f":
        result = ops.real(result)
    return _fitting(result, value)


@composite("roots")
def roots(p: Array) -> Array:
    """Roots of a polynomial: the eigenvalues of its companion matrix."""
    value = np.roots(_numbers(p))
    p = _coefficients(p)
    nonzero = np.flatnonzero(getval(p))
    if not nonzero.size:
        return value
    at_zero = p.shape[0] - nonzero[-1] - 1
    p = p[int(nonzero[0]) : int(nonzero[-1]) + 1]
    if p.shape[0] < 2:
        return value
    if p.dtype.kind not in "fc":
        p = p.astype(np.float64)
    first = ops.reshape(-p[1:] / p[0], (1, -1))
    below = np.diag(np.ones(p.shape[0] - 2, p.dtype), -1)[1:]
    found = eigvals(ops.concatenate([first, below]) if below.shape[0] else first)
    if value.dtype.kind == "f" and found.dtype.kind == "c":
        found = ops.real(found)  # of eigenvalues that are complex by dtype alone
    found = ops.hstack((found, np.zeros(at_zero, found.dtype))) if at_zero else found
    return _fitting(found, value)


@composite("polyfit")
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
    given = plain((x, y, w))
    numpy_fit: Any = np.polyfit
    value = numpy_fit(given[0], given[1], deg, rcond, full, given[2], cov)
    order = int(deg) + 1
    x, y = as_value(x) + 0.0, as_value(y) + 0.0
    left, right = vander(x, order), y
    if w is not None:
        weights = as_value(w) + 0.0
        left = left * rows(weights)
        right = right * (rows(weights) if y.ndim == 2 else weights)
    scale = ops.sqrt(ops.sum(left * left, axis=0))
    bound = len(given[0]) * np.finfo(x.dtype).eps if rcond is None else rcond
    scaled = left / scale
    c, residuals, _, s = lstsq(scaled, right, bound)
    c = ops.transpose(ops.transpose(c) / scale)
    if full:
        return (
            _fitting(c, value[0]),
            _fitting(residuals, value[1]),
            value[2],
            _fitting(s, value[3]),
            value[4],
        )
    if not cov:
        return _fitting(c, value)
    base = ops.matmul(ops.transpose(scaled), scaled)
    base = _inverse(base) / (rows(scale) * scale)
    if cov == "unscaled":
        factor: Array = 1.0
    else:
        factor = residuals / (x.shape[0] - order)
    if y.ndim == 1:
        return _fitting(c, value[0]), _fitting(base * factor, value[1])
    return _fitting(c, value[0]), _fitting(ops.reshape(base, (order, order, 1)) * factor, value[1])


def _inverse(x: Array) -> Array:
    from .linalg.solving import inv

    return inv(x)
