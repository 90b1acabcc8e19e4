"""logsumexp, softmax and log_softmax."""

from __future__ import annotations

import functools
from typing import Any

import numpy as onp
import scipy.special

from ... import numpy as np
from ...numpy.mathematics.scans import kept_shape
from ...numpy.registry import fitted, normalized_axes
from ..registry import (
    Array,
    as_float,
    defjvp,
    defvjp,
    helper,
    is_traced,
    primal,
    shape_of,
)
from .space import space


def _of_finite(a: Any, axis: Any, keepdims: bool) -> Any:
    """SciPy's formula for finite float64, without what it does for all others; else None.

    The largest are taken out of the sum, so that a sum that they dominate keeps its small part.
    """
    if a.dtype != float or a.size == 0 or a.ndim == 0:
        return None
    try:
        largest = onp.maximum.reduce(a, axis=axis, keepdims=True)
    except (TypeError, ValueError):  # SciPy's own error for such an axis
        return None
    if not onp.isfinite(largest).all():
        return None
    among = a == largest
    rest = onp.exp(a - largest)
    rest[among] = 0.0
    count = onp.add.reduce(among, axis=axis, keepdims=True, dtype=float)
    total = onp.add.reduce(rest, axis=axis, keepdims=True) / count
    value = onp.log1p(total) + onp.log(count) + largest
    return value if keepdims else onp.squeeze(value, axis=axis)[()]


@helper
def logsumexp_value(a: Any, b: Any, axis: Any, keepdims: bool, signed: bool) -> Any:
    """SciPy's value; with `signed` the logarithm of the sum's absolute value."""
    if b is None and not signed:
        quick = _of_finite(onp.asarray(a), axis, keepdims)
        if quick is not None:
            return quick
    value = scipy.special.logsumexp(a, axis=axis, b=b, keepdims=keepdims, return_sign=signed)
    return value[0] if signed else value


def _kept(x: Array, a: Array, b: Any, axis: Any) -> Array:
    shape = onp.broadcast_shapes(shape_of(a), () if b is None else shape_of(b))
    return np.reshape(x, kept_shape(shape, normalized_axes(axis, len(shape))))


def _share(ans: Array, a: Array, b: Any, axis: Any, signed: bool) -> Array:
    """Each exp(a) over the sum. A sum of zero (-inf) has no share to give."""
    value: Any = np.real(primal(ans))
    if is_traced(value) or (onp.size(value) and onp.min(value) == -onp.inf):
        ans = np.where(onp.isneginf(value), 0.0, ans)
    share = np.exp(a - _kept(ans, a, b, axis))
    return share * sign_value(primal(a), primal(b), axis, True) if signed else share


@functools.partial(helper, zero=True)
def sign_value(a: Any, b: Any, axis: Any, keepdims: bool) -> Any:
    """The sign of the sum."""
    theirs: Any = scipy.special.logsumexp
    return theirs(a, axis=axis, b=b, keepdims=keepdims, return_sign=True)[1]


def _vjp_a(ans: Array, a: Array, b: Any, axis: Any, keepdims: bool, signed: bool) -> Any:
    if b is None and not signed and ans.dtype.kind == "f":
        shape = shape_of(a)
        kept = kept_shape(shape, normalized_axes(axis, len(shape)))
        if np.all(ans > -onp.inf):
            return lambda g: np.reshape(g, kept) * np.exp(a - np.reshape(ans, kept))

    def vjp(g: Array) -> Array:
        share = _kept(g, a, b, axis) * _share(ans, a, b, axis, signed)
        return fitted(share if b is None else share * b, shape_of(a))

    return vjp


def _vjp_b(ans: Array, a: Array, b: Any, axis: Any, keepdims: bool, signed: bool) -> Any:
    def vjp(g: Array) -> Array:
        return fitted(_kept(g, a, b, axis) * _share(ans, a, b, axis, signed), shape_of(b))

    return vjp


def _jvp_a(
    t: Array, ans: Array, a: Array, b: Any, axis: Any, keepdims: bool, signed: bool
) -> Array:
    terms = t * _share(ans, a, b, axis, signed)
    return np.sum(terms if b is None else terms * b, axis=axis, keepdims=keepdims)


def _jvp_b(
    t: Array, ans: Array, a: Array, b: Any, axis: Any, keepdims: bool, signed: bool
) -> Array:
    return np.sum(t * _share(ans, a, b, axis, signed), axis=axis, keepdims=keepdims)


defvjp(logsumexp_value, _vjp_a, _vjp_b)
defjvp(logsumexp_value, _jvp_a, _jvp_b)


@functools.wraps(scipy.special.logsumexp)
def _plain_logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    if b is None and not return_sign and type(a) is onp.ndarray:
        quick = _of_finite(a, axis, keepdims)
        if quick is not None:
            return quick
    return scipy.special.logsumexp(a, axis, b, keepdims, return_sign)


@space.composite("logsumexp", plain=_plain_logsumexp)
def logsumexp(
    a: Array,
    axis: Any = None,
    b: Any = None,
    keepdims: bool = False,
    return_sign: bool = False,
) -> Any:
    """Logarithm of the sum of b exp(a), differentiable by a and b.

    The sign that `return_sign` asks for is a plain array: its derivative is zero. The phase of a
    complex sum is exp(i Im(log(sum))), its absolute value's logarithm Re(log(sum)).
    """
    a = as_float(a)
    b = None if b is None else as_float(b)
    if not return_sign:
        return logsumexp_value(a, b, axis, keepdims, False)
    if "c" in (a.dtype.kind, "" if b is None else b.dtype.kind):
        return parts_value(a, b, axis, keepdims)
    sign = sign_value(primal(a), primal(b), axis, keepdims)
    return logsumexp_value(a, b, axis, keepdims, True), sign


@functools.cache
def _signs_are_phases() -> bool:
    """Tell whether this SciPy gives phases; older ones give the sign of the sum's real part."""
    probe: Any = scipy.special.logsumexp
    return bool(onp.imag(probe(onp.array([1j]), return_sign=True)[1]))


def _parts(a: Array, b: Any, axis: Any, keepdims: bool) -> Any:
    logarithm = logsumexp_value(a, b, axis, keepdims, False)
    if not _signs_are_phases():
        return logarithm, sign_value(primal(a), primal(b), axis, keepdims)
    return np.real(logarithm), np.exp(1j * np.imag(logarithm))


@functools.partial(helper, derivative=_parts)
def parts_value(a: Any, b: Any, axis: Any, keepdims: bool) -> Any:
    """SciPy's logarithm of the absolute value, and phase, of a complex sum."""
    theirs: Any = scipy.special.logsumexp
    return theirs(a, axis=axis, b=b, keepdims=keepdims, return_sign=True)


@helper
def softmax_value(x: Any, axis: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.special.softmax(x, axis=axis)


def _softmax_along(ans: Array, t: Array, axis: Any) -> Array:
    weighted = ans * t
    return weighted - ans * np.sum(weighted, axis=axis, keepdims=True)


# The Jacobian diag(s) - s s^T is symmetric.
defvjp(softmax_value, lambda ans, x, axis: lambda g: _softmax_along(ans, g, axis))
defjvp(softmax_value, lambda t, ans, x, axis: _softmax_along(ans, t, axis))


@space.composite("softmax")
def softmax(x: Array, axis: Any = None) -> Array:
    """Exponentials divided by their sum."""
    x = as_float(x)
    if x.dtype.kind == "c" or not x.size:
        return softmax_value(x, axis)
    powers = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return powers / np.sum(powers, axis=axis, keepdims=True)


@helper
def log_softmax_value(x: Any, axis: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.special.log_softmax(x, axis=axis)


defvjp(
    log_softmax_value,
    lambda ans, x, axis: lambda g: g - np.exp(ans) * np.sum(g, axis=axis, keepdims=True),
)
defjvp(
    log_softmax_value,
    lambda t, ans, x, axis: t - np.sum(np.exp(ans) * t, axis=axis, keepdims=True),
)


@space.composite("log_softmax")
def log_softmax(x: Array, axis: Any = None) -> Array:
    """Logarithm of softmax."""
    x = as_float(x)
    if x.dtype.kind == "c" or not x.size:
        return log_softmax_value(x, axis)
    largest = np.max(x, axis=axis, keepdims=True)
    if not np.all(np.isfinite(largest)):
        return log_softmax_value(x, axis)
    away = x - largest
    return away - np.log(np.sum(np.exp(away), axis=axis, keepdims=True))
