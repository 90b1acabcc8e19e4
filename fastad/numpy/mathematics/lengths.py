"""Lengths of vectors whose powers over- or underflow: what their directions are divided by."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..registry import Array, dtype_of, everywhere, isbox, ops, primal, shape_of
from .scans import kept_shape


@functools.lru_cache(None)
def _ends(dtype: Any, order: float) -> tuple[Any, Any]:
    """Between which lengths the sum of powers has all digits, and room for its derivatives."""
    info = np.finfo(dtype)
    # 1 / order may be too large for a power of its own.
    ends = [
        np.exp2(np.log2(sum_of_powers) / info.dtype.type(order))
        for sum_of_powers in (info.tiny / info.eps, info.max * info.eps)
    ]
    return min(ends), max(ends)


DOUBLE = np.dtype(np.float64)


def has_digits(length: Any, order: Any = 2) -> bool:
    """Tell whether no length is one of `lost_digits`."""
    if isbox(order):  # recorded: it is not known
        return True
    if type(length) is np.float64:
        low, high = _ends(DOUBLE, order)
        return bool(low <= length < high)
    low, high = _ends(dtype_of(length), order)
    usual = np.greater_equal(length, low) & np.less(length, high)
    return bool(ops.all(usual)) if isbox(usual) else everywhere(usual)


def lost_digits(length: Any, order: Any = 2) -> Any:
    """Where lengths are infinite or zero, or of powers that are about to be or have lost digits."""
    low, high = _ends(dtype_of(length), order)
    return ~(np.greater_equal(length, low) & np.less(length, high))


def scale_of(size: Any) -> Any:
    """The power of two below a positive size, whose inverse is a number too."""
    least = np.finfo(dtype_of(size)).tiny
    return np.exp2(np.floor(np.log2(np.maximum(size, least))))


def unit_of(size: Any) -> Any:
    """The power of two below a size; one where it is zero, infinite or no number."""
    return scale_of(np.where(np.greater(size, 0) & np.isfinite(size), size, 1.0))


def scaled(length: Array, x: Array, axes: tuple[int, ...], order: float = 2) -> tuple[Array, Array]:
    """The length, with axes of one, and x; both over a scale where the length has no digits.

    Parameters
    ----------
    length : array
        NumPy's norm of this order of x along axes, which are reduced.
    """
    length = ops.reshape(length, kept_shape(shape_of(x), axes))
    if not x.size:
        return length, x
    plain, size = primal(length), ops.abs(primal(x))
    top = (ops.max if primal(order) > 0 else ops.min)(size, axis=axes, keepdims=True)
    wrong = lost_digits(plain, primal(order)) & np.greater(top, 0) & np.isfinite(top)
    one = np.ones((), dtype_of(top))
    x = x / scale_of(ops.where(wrong, top, one))
    if primal(order) == 2 and primal(order) is order:
        squares = ops.real(x * ops.conj(x)) if x.dtype.kind == "c" else x * x
        found = ops.sqrt(ops.sum(squares, axis=axes, keepdims=True))
    else:
        powers = ops.abs(x) ** order
        found = ops.sum(powers, axis=axes, keepdims=True) ** (1 / order)
    return ops.where(wrong, found, length), x
