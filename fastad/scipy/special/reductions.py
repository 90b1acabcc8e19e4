"""logsumexp, softmax and log_softmax."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as onp
import scipy.special

from ... import numpy as np
from ...numpy.mathematics.scans import kept_shape
from ...numpy.registry import fitted, isbox, normalized_axes
from ..registry import (
    Array,
    all_hold,
    as_float,
    attach_whole,
    defjvp,
    defvjp,
    everywhere,
    helper,
    is_traced,
    primal,
    shape_of,
)
from .space import space

DOUBLE = onp.dtype(float)


def _whole(a: Any, axis: Any) -> bool:
    """Tell whether these axes are all axes of an array, which is quicker than by axis."""
    return axis is None or (a.ndim == 1 and type(axis) is int and -1 <= axis <= 0)


def _largest(a: Any) -> float:
    """The largest entry of all, NaN if there is one; as quick as a method can be."""
    return a.item(a.argmax())


def _of_all(a: Any) -> Any:
    """`_of_finite` along all axes."""
    place = a.argmax()
    top = a.item(place)
    if not math.isfinite(top):
        return None
    rest = onp.exp(a - top)
    if a.ndim == 1:
        rest[place] = 0.0
    else:
        rest.flat[place] = 0.0
    total = onp.add.reduce(rest, axis=None)
    if total >= 1.0:  # there may be several that are as large
        among = a == top
        times = float(onp.count_nonzero(among))
        if times > 1.0:
            rest[among] = 0.0
            total = onp.add.reduce(rest, axis=None)
            return onp.log1p(total / times) + onp.log(times) + top
    return onp.log1p(total) + top


def _of_finite(a: Any, axis: Any, keepdims: bool) -> Any:
    """SciPy's formula for finite float64, without what it does for all others; else None.

    The largest are taken out of the sum, so that a sum that they dominate keeps its small part.
    """
    value: Any
    if a.dtype is not DOUBLE or a.size == 0 or a.ndim == 0:
        return None
    if _whole(a, axis):
        value = _of_all(a)
        if value is None:
            return None
        return value.reshape((1,) * a.ndim) if keepdims else value
    try:
        largest = onp.maximum.reduce(a, axis=axis, keepdims=True)
    except (TypeError, ValueError):  # SciPy's own error for such an axis
        return None
    if not everywhere(onp.isfinite(largest)):
        return None
    among = a == largest
    rest = onp.exp(a - largest)
    rest[among] = 0.0
    total = onp.add.reduce(rest, axis=axis, keepdims=True)
    if onp.count_nonzero(among) == largest.size:
        value = onp.log1p(total) + largest
    else:
        count = onp.add.reduce(among, axis=axis, keepdims=True, dtype=float)
        value = onp.log1p(total / count) + onp.log(count) + largest
    return value if keepdims else value.squeeze(axis)[()]


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
        if all_hold(ans > -onp.inf):
            if not shape_of(ans):
                return lambda g: g * np.exp(a - ans)
            kept = kept_shape(shape, normalized_axes(axis, len(shape)))
            return lambda g: g.reshape(kept) * np.exp(a - ans.reshape(kept))

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


@helper
def _of_whole(a: Any) -> Any:
    """`logsumexp_value` of a whole array of float64: the common call, with one argument to bind."""
    value = _of_all(a) if type(a) is onp.ndarray and a.size else None
    return scipy.special.logsumexp(a) if value is None else value


class _Infinite(Exception):
    """The formula is not for values that are not finite."""


def _written_largest(a: Array) -> Array:
    top = onp.max(a)
    if not all_hold(onp.isfinite(top)):
        raise _Infinite
    return top


def _written_logsumexp(a: Array) -> Array:
    """What `_of_all` computes: with one largest element it divides by one and adds zero."""
    top = _written_largest(a)
    among = onp.equal(a, top)
    total = onp.sum(onp.where(among, 0.0, onp.exp(a - top)))
    times = onp.sum(onp.where(among, 1.0, 0.0))
    return onp.log1p(total / times) + onp.log(times) + top


def _written_share(g: Array, ans: Array, a: Array) -> Array:
    if not all_hold(ans > -onp.inf):
        raise _Infinite
    return g * onp.exp(a - ans)


def _vjp_whole(ans: Array, a: Array) -> Any:
    if all_hold(ans > -onp.inf):
        return lambda g: g * np.exp(a - ans)
    return lambda g: g * _share(ans, a, None, None, False)


defvjp(_of_whole, _vjp_whole)
defjvp(_of_whole, lambda t, ans, a: np.sum(t * _share(ans, a, None, None, False)))
attach_whole(_of_whole, _written_logsumexp, _written_share)


def _is_whole(a: Any, axis: Any) -> bool:
    """Tell whether a call is one of a whole array of float64, traced or not."""
    return a.dtype is DOUBLE and a.ndim > 0 and _whole(a, axis)


@functools.wraps(scipy.special.logsumexp)
def _plain_logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    if b is None and not return_sign and type(a) is onp.ndarray:
        if not keepdims and _is_whole(a, axis):
            return _of_whole(a)
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
    if b is None and not return_sign and not keepdims and isbox(a) and _is_whole(a, axis):
        return _of_whole(a)
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
def _softmax_of_whole(x: Any) -> Any:
    """SciPy's value of a whole array of float64."""
    if type(x) is not onp.ndarray or not x.size:
        return scipy.special.softmax(x)
    powers = onp.exp(x - _largest(x))
    return powers / onp.add.reduce(powers, axis=None)


def _plain_softmax(x: Any, axis: Any = None) -> Any:
    if type(x) is not onp.ndarray or not _is_whole(x, axis):
        return scipy.special.softmax(x, axis=axis)
    return _softmax_of_whole(x)


@helper
def softmax_value(x: Any, axis: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return _plain_softmax(x, axis)


def _softmax_along(ans: Array, t: Array, axis: Any) -> Array:
    if ans.ndim == 1:
        return ans * (t - ans @ t)
    return ans * (t - np.sum(ans * t, axis=axis, keepdims=True))


# The Jacobian diag(s) - s s^T is symmetric.
defvjp(softmax_value, lambda ans, x, axis: lambda g: _softmax_along(ans, g, axis))
defjvp(softmax_value, lambda t, ans, x, axis: _softmax_along(ans, t, axis))
defvjp(_softmax_of_whole, lambda ans, x: lambda g: _softmax_along(ans, g, None))
defjvp(_softmax_of_whole, lambda t, ans, x: _softmax_along(ans, t, None))


def _written_softmax(x: Array) -> Array:
    powers = onp.exp(x - _written_largest(x))
    return powers / onp.sum(powers)


attach_whole(_softmax_of_whole, _written_softmax, lambda g, ans, x: ans * (g - onp.sum(ans * g)))


@space.composite("softmax", plain=functools.wraps(scipy.special.softmax)(_plain_softmax))
def softmax(x: Array, axis: Any = None) -> Array:
    """Exponentials divided by their sum: one operation, in a program those that it consists of."""
    x = as_float(x)
    in_program = isbox(primal(x))
    if not in_program and _is_whole(x, axis):
        return _softmax_of_whole(x)
    if in_program and x.dtype.kind == "f" and x.size:
        powers = np.exp(x - np.max(x, axis=axis, keepdims=True))
        return powers / np.sum(powers, axis=axis, keepdims=True)
    return softmax_value(x, axis)


@helper
def _log_softmax_of_whole(x: Any) -> Any:
    """SciPy's value of a whole array of float64."""
    top = _largest(x) if type(x) is onp.ndarray and x.size else onp.nan
    if not math.isfinite(top):
        return scipy.special.log_softmax(x)
    away = x - top
    return away - onp.log(onp.add.reduce(onp.exp(away), axis=None))


def _plain_log_softmax(x: Any, axis: Any = None) -> Any:
    if type(x) is not onp.ndarray or not _is_whole(x, axis):
        return scipy.special.log_softmax(x, axis=axis)
    return _log_softmax_of_whole(x)


@helper
def log_softmax_value(x: Any, axis: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return _plain_log_softmax(x, axis)


def _total(x: Array, axis: Any) -> Array:
    return x.sum() if x.ndim == 1 else np.sum(x, axis=axis, keepdims=True)


defvjp(log_softmax_value, lambda ans, x, axis: lambda g: g - np.exp(ans) * _total(g, axis))
defjvp(log_softmax_value, lambda t, ans, x, axis: t - _total(np.exp(ans) * t, axis))
defvjp(_log_softmax_of_whole, lambda ans, x: lambda g: g - np.exp(ans) * _total(g, None))
defjvp(_log_softmax_of_whole, lambda t, ans, x: t - _total(np.exp(ans) * t, None))


def _written_log_softmax(x: Array) -> Array:
    away = x - _written_largest(x)
    return away - onp.log(onp.sum(onp.exp(away)))


attach_whole(
    _log_softmax_of_whole,
    _written_log_softmax,
    lambda g, ans, x: g - onp.exp(ans) * onp.sum(g),
)


@space.composite(
    "log_softmax", plain=functools.wraps(scipy.special.log_softmax)(_plain_log_softmax)
)
def log_softmax(x: Array, axis: Any = None) -> Array:
    """Logarithm of softmax: one operation, in a program those that it consists of."""
    x = as_float(x)
    in_program = isbox(primal(x))
    if not in_program and _is_whole(x, axis):
        return _log_softmax_of_whole(x)
    if in_program and x.dtype.kind == "f" and x.size:
        largest = np.max(x, axis=axis, keepdims=True)
        if np.all(np.isfinite(largest)):
            away = x - largest
            return away - np.log(np.sum(np.exp(away), axis=axis, keepdims=True))
    return log_softmax_value(x, axis)
