"""logsumexp, softmax and log_softmax."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as onp
import scipy.special

from ... import _core
from ... import numpy as np
from ...numpy.mathematics.scans import kept_shape
from ...numpy.registry import fitted, normalized_axes
from ..registry import (
    Array,
    as_float,
    attach_along,
    defjvp,
    defvjp,
    everywhere,
    helper,
    nowhere,
    primal,
    shape_of,
)
from .space import space

DOUBLE = onp.dtype(float)


def _of_all(a: Any) -> Any:
    """`_of_finite` along all axes, in fewer passes."""
    place = a.argmax()
    top = a.item(place)
    if not math.isfinite(top):
        return None
    rest = a - top
    onp.exp(rest, out=rest)
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
    """SciPy's formula for finite float64 that is no small array, without its passes; else None.

    The largest are taken out of the sum, so that a sum that they dominate keeps its small part.
    """
    if a.dtype is not DOUBLE or a.size == 0 or a.ndim == 0:
        return None
    if axis is None or (a.ndim == 1 and type(axis) is int and -1 <= axis <= 0):
        value = _of_all(a)
        return value.reshape((1,) * a.ndim) if keepdims and value is not None else value
    try:
        largest = onp.maximum.reduce(a, axis=axis, keepdims=True)
    except (TypeError, ValueError):  # SciPy's own error for such an axis
        return None
    if not everywhere(onp.isfinite(largest)):
        return None
    among = a == largest
    rest = a - largest
    onp.exp(rest, out=rest)
    rest[among] = 0.0
    total = onp.add.reduce(rest, axis=axis, keepdims=True)
    if onp.count_nonzero(among) == largest.size:
        value = onp.log1p(total) + largest
    else:
        count = onp.add.reduce(among, axis=axis, keepdims=True, dtype=float)
        value = onp.log1p(total / count) + onp.log(count) + largest
    return value if keepdims else value.squeeze(axis)[()]


@helper
def logsumexp_value(a: Any, axis: Any, b: Any, keepdims: bool, signed: bool) -> Any:
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
    empty = np.equal(value, -onp.inf)
    if not nowhere(empty):
        ans = np.where(empty, 0.0, ans)
    share = np.exp(a - _kept(ans, a, b, axis))
    return share * sign_value(primal(a), primal(b), axis, True) if signed else share


@functools.partial(helper, zero=True)
def sign_value(a: Any, b: Any, axis: Any, keepdims: bool) -> Any:
    """The sign of the sum."""
    theirs: Any = scipy.special.logsumexp
    return theirs(a, axis=axis, b=b, keepdims=keepdims, return_sign=True)[1]


def _vjp_a(ans: Array, a: Array, axis: Any, b: Any, keepdims: bool, signed: bool) -> Any:
    def vjp(g: Array) -> Array:
        share = _kept(g, a, b, axis) * _share(ans, a, b, axis, signed)
        return fitted(share if b is None else share * b, shape_of(a))

    return vjp


def _vjp_b(ans: Array, a: Array, axis: Any, b: Any, keepdims: bool, signed: bool) -> Any:
    def vjp(g: Array) -> Array:
        return fitted(_kept(g, a, b, axis) * _share(ans, a, b, axis, signed), shape_of(b))

    return vjp


def _jvp_a(
    t: Array, ans: Array, a: Array, axis: Any, b: Any, keepdims: bool, signed: bool
) -> Array:
    terms = t * _share(ans, a, b, axis, signed)
    return np.sum(terms if b is None else terms * b, axis=axis, keepdims=keepdims)


def _jvp_b(
    t: Array, ans: Array, a: Array, axis: Any, b: Any, keepdims: bool, signed: bool
) -> Array:
    return np.sum(t * _share(ans, a, b, axis, signed), axis=axis, keepdims=keepdims)


defvjp(logsumexp_value, _vjp_a, None, _vjp_b, argnums=(0, 1, 2))
defjvp(logsumexp_value, _jvp_a, None, _jvp_b, argnums=(0, 1, 2))


def _written_logsumexp(a: Array, axis: Any) -> Array:
    """What SciPy computes: with one largest element it divides by one and adds zero."""
    top = onp.max(a, axis=axis, keepdims=True)
    among: Any = onp.equal(a, top)
    powers = onp.exp(a - _finite(top))
    total = onp.sum(onp.where(among, 0.0, powers), axis=axis, keepdims=True)
    times = onp.sum(among.astype(a.dtype), axis=axis, keepdims=True)
    return onp.log1p(total / times) + onp.log(times) + top


def _finite(top: Array) -> Array:
    """The largest elements, or zero: what is subtracted so that no power overflows."""
    return onp.where(onp.isfinite(top), top, 0.0)


def _written_share(g: Array, ans: Array, a: Array, axis: Any) -> Array:
    return g * onp.exp(a - onp.where(onp.equal(ans, -onp.inf), 0.0, ans))


attach_along(
    logsumexp_value,
    ("a", "axis", "b", "keepdims", "signed"),
    _written_logsumexp,
    _written_share,
)


@space.composite("logsumexp")
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
        return logsumexp_value(a, axis, b, keepdims, False)
    if "c" in (a.dtype.kind, "" if b is None else b.dtype.kind):
        return parts_value(a, b, axis, keepdims)
    sign = sign_value(primal(a), primal(b), axis, keepdims)
    return logsumexp_value(a, axis, b, keepdims, True), sign


# Where the sign is not asked for: by position, in the order of the operation.
_core.give_target(
    space.entries["logsumexp"],
    logsumexp_value,
    ("a", "axis", "b", "keepdims", "return_sign"),
    (None, None, False, False),
    traced=(0,),
    options=(1, 3),
)


@functools.cache
def _signs_are_phases() -> bool:
    """Tell whether this SciPy gives phases; older ones give the sign of the sum's real part."""
    probe: Any = scipy.special.logsumexp
    return bool(onp.imag(probe(onp.array([1j]), return_sign=True)[1]))


def _parts(a: Array, b: Any, axis: Any, keepdims: bool) -> Any:
    logarithm = logsumexp_value(a, axis, b, keepdims, False)
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


def _softmax_along(ans: Array, t: Array, axis: Any, lib: Any = np) -> Array:
    """The product with the Jacobian, of values or, by NumPy's functions, as a formula."""
    return ans * (t - lib.sum(ans * t, axis=axis, keepdims=True))


def _written_softmax(x: Array, axis: Any) -> Array:
    powers = onp.exp(x - onp.max(x, axis=axis, keepdims=True))
    return powers / onp.sum(powers, axis=axis, keepdims=True)


# The Jacobian diag(s) - s s^T is symmetric.
defvjp(softmax_value, lambda ans, x, axis: lambda g: _softmax_along(ans, g, axis))
defjvp(softmax_value, lambda t, ans, x, axis: _softmax_along(ans, t, axis))
attach_along(
    softmax_value,
    ("x", "axis"),
    _written_softmax,
    lambda g, ans, x, axis: _softmax_along(ans, g, axis, onp),
)


@space.composite("softmax")
def softmax(x: Array, axis: Any = None) -> Array:
    """Exponentials divided by their sum: one operation, in a program those that it consists of."""
    return softmax_value(as_float(x), axis)


@helper
def log_softmax_value(x: Any, axis: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.special.log_softmax(x, axis=axis)


def _log_softmax_along(ans: Array, t: Array, axis: Any) -> Array:
    return t - np.sum(np.exp(ans) * t, axis=axis, keepdims=True)


def _log_softmax_back(ans: Array, g: Array, axis: Any, lib: Any = np) -> Array:
    return g - lib.exp(ans) * lib.sum(g, axis=axis, keepdims=True)


def _written_log_softmax(x: Array, axis: Any) -> Array:
    away = x - _finite(onp.max(x, axis=axis, keepdims=True))
    return away - onp.log(onp.sum(onp.exp(away), axis=axis, keepdims=True))


defvjp(log_softmax_value, lambda ans, x, axis: lambda g: _log_softmax_back(ans, g, axis))
defjvp(log_softmax_value, lambda t, ans, x, axis: _log_softmax_along(ans, t, axis))
attach_along(
    log_softmax_value,
    ("x", "axis"),
    _written_log_softmax,
    lambda g, ans, x, axis: _log_softmax_back(ans, g, axis, onp),
)


@space.composite("log_softmax")
def log_softmax(x: Array, axis: Any = None) -> Array:
    """Logarithm of softmax: one operation, in a program those that it consists of."""
    return log_softmax_value(as_float(x), axis)


for _name, _value in (("softmax", softmax_value), ("log_softmax", log_softmax_value)):
    _core.give_target(
        space.entries[_name], _value, ("x", "axis"), (None,), traced=(0,), options=(1,)
    )
