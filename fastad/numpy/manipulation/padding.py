"""`numpy.pad`: the modes that move, pick or ramp values; the others are refused."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..._core import holds_box
from ..memory_order import ordered
from ..registry import (
    Array,
    as_value,
    at,
    cast,
    composite,
    defjvp,
    defvjp,
    helper,
    ops,
)

Pairs = tuple[tuple[int, int], ...]


def _as_pairs(widths: Any, ndim: int) -> Pairs:
    """Return NumPy's pad_width as one (before, after) pair for each axis."""
    if isinstance(widths, dict):
        given = widths
        widths = [(0, 0)] * ndim
        for axis, width in given.items():
            widths[axis] = (width, width) if np.ndim(width) == 0 else tuple(width)
    array = np.asarray(widths)
    if array.dtype.kind not in "iu":
        raise TypeError("`pad_width` must be of integral type.")
    if np.any(array < 0):
        raise ValueError("index can't contain negative values")
    return tuple((int(a), int(b)) for a, b in np.broadcast_to(array, (ndim, 2)))


@helper
def _pad_constant(x: Array, pairs: Pairs, values: Any) -> Array:
    return np.pad(x, pairs or 0, mode="constant", constant_values=values)


def _pad_constant_vjp(ans: Array, x: Array, pairs: Pairs, values: Any) -> Any:
    end = ans.shape
    inner = tuple(slice(a, n - b) for (a, b), n in zip(pairs, end, strict=True))
    return lambda g: g[inner]


defvjp(_pad_constant, _pad_constant_vjp)
defjvp(_pad_constant, lambda t, ans, x, pairs, values: _pad_constant(t, pairs, 0))


def _side(x: Array, axis: int, length: int, value: Array) -> Array:
    shape = (*x.shape[:axis], length, *x.shape[axis + 1 :])
    return ops.broadcast_to(cast(as_value(value), x.dtype), shape)


def _pad_traced_constants(x: Array, pairs: Pairs, values: Any) -> Array:
    """Lay the (traced) constants around x axis by axis, so that later axes own the corners."""
    pairs_of_values = ops.broadcast_to(as_value(values), (x.ndim, 2))
    for axis, (before, after) in enumerate(pairs):
        parts = [x]
        if before:
            parts.insert(0, _side(x, axis, before, pairs_of_values[axis, 0]))
        if after:
            parts.append(_side(x, axis, after, pairs_of_values[axis, 1]))
        if len(parts) > 1:
            x = ops.concatenate(parts, axis)
    return x


def _pad_picked(x: Array, pairs: Pairs, mode: str) -> Array:
    """Pad positions instead of values, and pick the values there."""
    for axis, pair in enumerate(pairs):
        if pair != (0, 0):
            positions = np.pad(np.arange(x.shape[axis]), pair, mode=mode)  # type: ignore[call-overload]
            x = x[at(axis, positions)]
    return x


def _pad_statistic(x: Array, pairs: Pairs, mode: str, stat_length: Any) -> Array:
    """Pad each axis with a statistic of its (outermost stat_length) values."""
    statistic = getattr(ops, {"maximum": "max", "minimum": "min"}.get(mode, mode))
    if stat_length is None:
        lengths = tuple((n, n) for n in x.shape)
    else:
        lengths = _as_pairs(stat_length, x.ndim)
    for axis, ((before, after), (left, right)) in enumerate(zip(pairs, lengths, strict=True)):
        n = x.shape[axis]
        parts = [x]
        if before:
            value = statistic(x[at(axis, slice(None, left))], axis=axis, keepdims=True)
            parts.insert(0, _side(x, axis, before, value))
        if after:
            start = max(n - right, 0)
            value = statistic(x[at(axis, slice(start, None))], axis=axis, keepdims=True)
            parts.append(_side(x, axis, after, value))
        if len(parts) > 1:
            x = ops.concatenate(parts, axis)
    return x


def _pad_ramp(x: Array, pairs: Pairs, ends: Any) -> Array:
    """Lead each axis from its outermost values to the (traced) ends."""
    ends = ops.broadcast_to(as_value(ends), (x.ndim, 2))
    for axis, (before, after) in enumerate(pairs):
        if not (before or after):
            continue
        left, right = (
            ops.linspace(ends[axis, side], x[at(axis, -side)], count, False, axis=axis)
            for side, count in enumerate((before, after))
        )
        parts = [cast(left, x.dtype), x, cast(ops.flip(right, axis), x.dtype)]
        x = ops.concatenate(parts, axis)
    return x


@functools.partial(helper, derivative=_pad_ramp)
def _ramp(x: Array, pairs: Pairs, ends: Any) -> Array:
    return np.pad(x, pairs or 0, mode="linear_ramp", end_values=ends)


@composite("pad")
def pad(array: Array, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Array:
    """Pad with constants or ramps to them (traced ones too), or with values of the array itself.

    Raises
    ------
    TypeError
        For the mode 'empty' and a function as mode, and for ``reflect_type='odd'``.
    """
    x = ops.asarray(array)
    return ordered(_padded(x, _as_pairs(pad_width, x.ndim), mode, kwargs), "A", x)


def _padded(x: Array, pairs: Any, mode: Any, kwargs: dict[str, Any]) -> Array:
    if mode == "constant":
        values = kwargs.pop("constant_values", 0)
        if kwargs:
            raise ValueError(f"unsupported keyword arguments for mode 'constant': {set(kwargs)}")
        if holds_box(values):
            return _pad_traced_constants(x, pairs, values)
        return _pad_constant(x, pairs, values)
    if mode in ("edge", "wrap", "reflect", "symmetric"):
        kind = kwargs.pop("reflect_type", "even") if mode in ("reflect", "symmetric") else "even"
        if kwargs:
            raise ValueError(f"unsupported keyword arguments for mode {mode!r}: {set(kwargs)}")
        if kind == "even":
            return _pad_picked(x, pairs, mode)
        raise TypeError("numpy.pad: reflect_type='odd' has no rule in fastad; use 'even'")
    if mode in ("maximum", "minimum", "mean", "median"):
        length = kwargs.pop("stat_length", None)
        if kwargs:
            raise ValueError(f"unsupported keyword arguments for mode {mode!r}: {set(kwargs)}")
        return _pad_statistic(x, pairs, mode, length)
    if mode == "linear_ramp":
        ends = kwargs.pop("end_values", 0)
        if kwargs:
            raise ValueError(f"unsupported keyword arguments for mode {mode!r}: {set(kwargs)}")
        return _ramp(x, pairs, ops.array(ends) if holds_box(ends) else ends)
    if not callable(mode) and mode != "empty":
        raise ValueError(f"mode {mode!r} is not supported")
    raise TypeError(
        f"numpy.pad: mode {mode!r} has no derivative rule in fastad; use 'constant', 'edge', "
        "'wrap', 'reflect', 'symmetric', 'linear_ramp', 'maximum', 'minimum', 'mean' or 'median', "
        "or concatenate the parts"
    )
