"""Sequences of one dimension: convolve, correlate, interp, unwrap."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..registry import (
    Array,
    as_value,
    cast,
    composite,
    defjvp,
    defvjp,
    getval,
    helper,
    ops,
    plain,
    shape_of,
)
from ..values import valued

# ---- convolve and correlate ----------------------------------------------------------------------


@helper
def _convolve(a: Array, v: Array, mode: Any) -> Array:
    """Convolve with v, which is no longer than a, in the modes 'full' and 'valid'."""
    return np.convolve(a, v, mode)


def _convolve_vjp_a(ans: Array, a: Array, v: Array, mode: str) -> Any:
    if mode == "valid":
        return lambda g: _either(g, v[::-1], "full")
    return lambda g: _convolve(g, v[::-1], "valid")


def _convolve_vjp_v(ans: Array, a: Array, v: Array, mode: str) -> Any:
    if mode == "valid":
        return lambda g: _convolve(a, g[::-1], "valid")[::-1]
    return lambda g: _convolve(g, a[::-1], "valid")


def _either(a: Array, v: Array, mode: str) -> Array:
    """Convolve two sequences, whichever is longer."""
    return _convolve(v, a, mode) if shape_of(a)[0] < shape_of(v)[0] else _convolve(a, v, mode)


defvjp(_convolve, _convolve_vjp_a, _convolve_vjp_v)
defjvp(
    _convolve,
    lambda t, ans, a, v, mode: _convolve(t, v, mode),
    lambda t, ans, a, v, mode: _convolve(a, t, mode),
)


def _part(a: Array, v: Array, value: Array, mode: str, late: int) -> Array:
    """Return NumPy's result of a mode with the derivative of the convolution of a and v."""
    if mode in ("v", "valid", 0):
        result = _either(a, v, "valid")
    else:
        result = _either(a, v, "full")
        if mode in ("s", "same", 1):
            start = (min(shape_of(a)[0], shape_of(v)[0]) - 1 + late) // 2
            result = result[start : start + value.shape[0]]
    return valued(cast(result, value.dtype), value)


@composite("convolve")
def convolve(a: Array, v: Array, mode: Any = "full") -> Array:
    """Convolution of two sequences."""
    a, v = ops.atleast_1d(as_value(a)), ops.atleast_1d(as_value(v))
    return _part(a, v, np.convolve(getval(a), getval(v), mode), mode, 0)


@composite("correlate")
def correlate(a: Array, v: Array, mode: Any = "valid") -> Array:
    """Correlation of two sequences, the second one conjugated."""
    a, v = as_value(a), as_value(v)
    value = np.correlate(getval(a), getval(v), mode)
    # NumPy lays the middle of an even length to the other side if the second one is longer.
    late = int(a.shape[0] < v.shape[0])
    return _part(a, ops.conj(v)[::-1], value, mode, late)


# ---- interp --------------------------------------------------------------------------------------


@composite("interp")
def interp(
    x: Array,
    xp: Array,
    fp: Array,
    left: Any = None,
    right: Any = None,
    period: Any = None,
) -> Array:
    """Piecewise linear interpolation, at (traced) points, of (traced) values at (traced) places.

    At a place the derivative by x is that of the interval to the right of it, at the last one zero.
    """
    given = plain((x, xp, fp, left, right, period))
    value = np.interp(*given)
    x, xp = (_in_double(ops.real(as_value(one))) for one in (x, xp))
    fp = _in_double(as_value(fp))
    if period is not None:
        span = ops.abs(as_value(period))
        x, xp = ops.remainder(x, span), ops.remainder(xp, span)
        order = np.argsort(getval(xp))
        xp, fp = xp[order], fp[order]
        xp = ops.concatenate([xp[-1:] - span, xp, xp[:1] + span])
        fp = ops.concatenate([fp[-1:], fp, fp[:1]])
        left = right = None
    points, places = getval(x), getval(xp)
    count = places.shape[0]
    low = np.clip(np.searchsorted(places, points, "right") - 1, 0, max(count - 2, 0))
    high = np.minimum(low + 1, count - 1)
    before, behind = points < places[0], points >= places[-1]
    first = fp[0] if left is None else left
    last: Array = fp[-1] if right is None else ops.where(points > places[-1], right, fp[-1])
    if count == 1:
        result = fp[low]
    else:
        # Outside the fraction is set to zero, so that no derivative comes from there; equal places
        # at an end are outside.
        outside = before | behind
        width = ops.where(outside, 1.0, xp[high] - xp[low])
        inside = ops.where(outside, xp[low], x)
        result = fp[low] + (inside - xp[low]) / width * (fp[high] - fp[low])
    result = ops.where(before, first, ops.where(behind, last, result))
    return valued(ops.reshape(cast(result, value.dtype), np.shape(value)), value)


def _in_double(x: Array) -> Array:
    """Return x in double precision, which NumPy interpolates in."""
    return cast(x, np.result_type(x.dtype, np.float64))


# ---- unwrap --------------------------------------------------------------------------------------


@composite("unwrap")
def unwrap(
    p: Array, discont: Any = None, axis: int = -1, *, period: Any = 6.283185307179586
) -> Array:
    """Remove jumps of whole periods; the number of periods has derivative zero."""
    p = as_value(p)
    value = np.unwrap(getval(p), plain(discont), axis, period=plain(period))
    jumps = np.rint((value - getval(p)) / plain(period)).astype(value.dtype)
    return valued(cast(p + period * jumps, value.dtype), value)
