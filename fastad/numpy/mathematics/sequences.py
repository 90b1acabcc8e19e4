"""Sequences of one dimension: convolve, correlate, interp, unwrap."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._core import between_places, sliding_vjp, weighted_at_places
from ..registry import (
    REAL,
    Array,
    as_value,
    cast,
    defjvp,
    defvjp,
    derivative_of,
    getitem,
    helper,
    isbox,
    ops,
    primal,
    shape_of,
)

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


# What NumPy calls its modes.
VALID, SAME, FULL = ("valid", "v", 0), ("same", "s", 1), ("full", "f", 2)


def _part(a: Array, v: Array, mode: Any, late: int) -> Array:
    """Return the part of the convolution of a and v that a mode asks for."""
    if mode in VALID:
        return _either(a, v, "valid")
    result = _either(a, v, "full")
    if mode in SAME:
        lengths = sorted((shape_of(a)[0], shape_of(v)[0]))
        start = (lengths[0] - 1 + late) // 2
        return result[start : start + lengths[1]]
    return result


@derivative_of("convolve")
def convolve(a: Array, v: Array, mode: Any = "full") -> Array:
    """Convolution of two sequences."""
    return _part(ops.atleast_1d(as_value(a)), ops.atleast_1d(as_value(v)), mode, 0)


@derivative_of("correlate")
def correlate(a: Array, v: Array, mode: Any = "valid") -> Array:
    """Correlation of two sequences, the second one conjugated."""
    a, v = as_value(a), as_value(v)
    # NumPy lays the middle of an even length to the other side if the second one is longer.
    late = int(a.shape[0] < v.shape[0])
    return _part(a, ops.conj(v)[::-1], mode, late)


def _slid(
    g: Array, w: Array, start: int, count: int, w_reversed: bool, result_reversed: bool
) -> Array:
    """Return the sums of g[i + j - start] * w[j], for each i below count."""
    w = w[::-1] if w_reversed else w
    length, width = shape_of(g)[0], shape_of(w)[0]
    size = count + width - 1
    if length == count - width + 1 and start == width - 1:
        result = ops.correlate(g, w, "full")
    elif length == width - count + 1 and start == count - 1:
        result = ops.correlate(w, g)[::-1]
    elif length < size:
        whole = ops.scatter(np.zeros(size), slice(start, start + length), g)
        result = ops.correlate(whole, w)
    else:
        result = ops.correlate(g, w)
    return result[::-1] if result_reversed else result


def _are_real_lines(a: Any, v: Any) -> bool:
    """Tell whether both are such arrays, traced ones among them, not lists."""
    dtypes = getattr(a, "dtype", None), getattr(v, "dtype", None)
    return dtypes[0] in REAL and dtypes[1] in REAL and a.ndim == 1 == v.ndim


def _start(n: int, m: int, mode: Any, late: int) -> int | None:
    """Return where in the whole convolution of sequences so long the part of a mode begins."""
    if mode in FULL:
        return 0
    if mode in SAME:
        return (min(n, m) - 1 + late) // 2
    return min(n, m) - 1 if mode in VALID else None


def _sliding(argnum: int, correlates: bool) -> Any:
    """Return the maker for one argument of convolve or of correlate.

    The adjoint is one sliding product of real sequences: with the other argument, of which a
    convolution has the order reversed.
    """
    default = "valid" if correlates else "full"

    def maker(ans: Array, a: Array, v: Array, mode: Any = default) -> Any:
        vjp = sliding_vjp(a, v, mode, argnum, correlates, _slid)
        if vjp is not None:
            return vjp
        if not _are_real_lines(a, v):
            return NotImplemented
        n, m = a.shape[0], v.shape[0]
        # As in correlate() above.
        start = _start(n, m, mode, int(correlates and n < m))
        if start is None:
            return NotImplemented
        w, count = (a, m) if argnum else (v, n)
        reverse = correlates and not argnum, correlates and argnum == 1
        return lambda g: _slid(g, w, start, count, *reverse)

    return maker


for _argnum in (0, 1):
    for _primitive in (convolve, correlate):
        defvjp(_primitive, _sliding(_argnum, _primitive is correlate), argnums=(_argnum,))


# ---- interp --------------------------------------------------------------------------------------


@derivative_of("interp")
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
    shape = shape_of(x)
    x, xp = (_in_double(ops.real(as_value(one))) for one in (x, xp))
    fp = _in_double(as_value(fp))
    if period is not None:
        span = ops.abs(as_value(period))
        x, xp = ops.remainder(x, span), ops.remainder(xp, span)
        order = np.argsort(primal(xp))
        xp, fp = getitem(xp, order), getitem(fp, order)
        xp = ops.concatenate([xp[-1:] - span, xp, xp[:1] + span])
        fp = ops.concatenate([fp[-1:], fp, fp[:1]])
        left = right = None
    points, places = primal(x), primal(xp)
    count = places.shape[0]
    if count > 1 and not isbox(points) and not any(map(isbox, (xp, fp, left, right))):
        return ops.reshape(_on_lines(x, points, xp, fp, left, right), shape)
    low = np.clip(np.searchsorted(places, points, "right") - 1, 0, max(count - 2, 0))
    high = np.minimum(low + 1, count - 1)
    # A point that is no number is behind all places, as for searchsorted, with a slope of zero.
    before, behind = points < places[0], ops.logical_not(points < places[-1])
    first = fp[0] if left is None else left
    last: Array = fp[-1] if right is None else ops.where(points > places[-1], right, fp[-1])
    last = ops.where(points == points, last, points)
    lower = getitem(fp, low)
    if count == 1:
        result = lower
    else:
        # Outside the fraction is set to zero, so that no derivative comes from there; equal places
        # at an end are outside.
        outside = before | behind
        start = getitem(xp, low)
        width = ops.where(outside, 1.0, getitem(xp, high) - start)
        inside = ops.where(outside, start, x)
        rise = getitem(fp, high) - lower
        result = lower + (inside - start) / width * rise
    return ops.reshape(ops.where(before, first, ops.where(behind, last, result)), shape)


def _on_lines(x: Array, points: Array, xp: Array, fp: Array, left: Any, right: Any) -> Array:
    """Interpolate between plain values at plain places: one line for each point."""
    interval = xp.searchsorted(points, "right")
    low = np.minimum(np.maximum(interval - 1, 0), xp.size - 2)
    outside = (interval == 0) | (interval == xp.size)  # points that are no numbers among these
    start, lower = xp[low], fp[low]
    if np.count_nonzero(outside):
        width = np.where(outside, 1.0, xp[low + 1] - start)
        slope = np.where(outside, 0.0, (fp[low + 1] - lower) / width)
        behind = np.where(points > xp[-1], fp[-1] if right is None else right, fp[-1])
        behind = np.where(points == points, behind, points)
        beyond = np.where(interval == 0, fp[0] if left is None else left, behind)
        lower, x = np.where(outside, beyond, lower), ops.where(outside, start, x)
    else:
        slope = (fp[low + 1] - lower) / (xp[low + 1] - start)
    return lower + (x - start) * slope


def _lines_of(
    x: Array,
    xp: Array,
    fp: Array,
    left: Any = None,
    right: Any = None,
    period: Any = None,
) -> Any:
    """Return what plain points, places and values say of the derivatives, or None."""
    if period is not None or isbox(left) or isbox(right):
        return None
    ends = float(left is None), float(right is None)
    x = primal(x)
    lines = between_places(x, xp, fp, *ends)
    if lines is None and not isbox(x) and not isbox(xp) and not isbox(fp):
        given = [np.asarray(one, order="C") for one in (x, xp, fp)]
        if given[2].dtype.kind != "c":
            x, xp, fp = (one.astype(float, copy=False) for one in given)
            lines = between_places(x, xp, fp, *ends)
    return lines


def _spread(places: Any, weights: Any, count: int) -> Any:
    """Return the map that adds cotangents with their weights into zeros, so many, at places."""

    def vjp(g: Array) -> Array:
        found = None if isbox(g) else weighted_at_places(places, weights, g, count)
        return ops.scatter(np.zeros(count), places, weights * g) if found is None else found

    return vjp


def _interp_by_x(ans: Array, *args: Any, **options: Any) -> Any:
    """Return the vjp by the points: the slope of each point's own line."""
    lines = _lines_of(*args, **options)
    if lines is None:
        return NotImplemented
    slopes = lines[2]
    return lambda g: g * slopes


def _interp_by_xp(ans: Array, *args: Any, **options: Any) -> Any:
    """Return the vjp by the places: each point's line turns about the other one of its two."""
    lines = _lines_of(*args, **options)
    if lines is None or isbox(args[0]):
        return NotImplemented
    places, weights, slopes = lines
    return _spread(places, weights * -slopes, shape_of(args[1])[0])


def _interp_by_fp(ans: Array, x: Array, xp: Array, fp: Array, *rest: Any, **options: Any) -> Any:
    """Return the vjp by the values: each point has two of them."""
    lines = None if isbox(x) else _lines_of(x, xp, primal(fp), *rest, **options)
    if lines is None:
        return NotImplemented
    places, weights, _ = lines
    return _spread(places, weights, shape_of(fp)[0])


defvjp(interp, _interp_by_x, _interp_by_xp, _interp_by_fp)


def _in_double(x: Array) -> Array:
    """Return x in double precision, which NumPy interpolates in."""
    return cast(x, np.result_type(x.dtype, np.float64))


# ---- unwrap --------------------------------------------------------------------------------------


@derivative_of("unwrap")
def unwrap(
    p: Array, discont: Any = None, axis: int = -1, *, period: Any = 6.283185307179586
) -> Array:
    """Remove jumps of whole periods; the number of periods has derivative zero."""
    p, span = as_value(p), primal(period)
    value = np.unwrap(primal(p), primal(discont), axis, period=span)
    return p + period * np.rint((value - primal(p)) / span).astype(value.dtype)
