"""Making arrays from traced values: asarray and its family, copy, astype, full, full_like."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..registry import Array, as_value, cast, composite, getval, ops


@composite("asarray", "asanyarray")
def asarray(a: Any, dtype: Any = None, order: Any = None, **unused: Any) -> Array:
    """Return a traced array as it is; a number becomes one of 0 dimensions, nested lists one."""
    value = as_value(a)
    if not isinstance(getval(value), np.ndarray):
        value = ops.copy(value)
    return value if dtype is None else cast(value, np.dtype(dtype))


@composite("asfarray")
def asfarray(a: Any, dtype: Any = np.float64) -> Array:
    """Return a traced value as an array of floats: float64 unless asked otherwise (NumPy 1)."""
    return asarray(a, dtype if np.issubdtype(dtype, np.inexact) else np.float64)


@composite("ascontiguousarray", "asfortranarray")
def ascontiguousarray(a: Any, dtype: Any = None, **unused: Any) -> Array:
    """Return a traced value of at least one dimension; its memory order is its own."""
    return ops.atleast_1d(asarray(a, dtype))


@composite("asarray_chkfinite")
def asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Array:
    """Return a traced value, all of whose elements must be finite."""
    value = asarray(a, dtype)
    np.asarray_chkfinite(getval(value))
    return value


@composite("require")
def require(a: Any, dtype: Any = None, requirements: Any = None, **unused: Any) -> Array:
    """Return a traced value; requirements on memory are met by no traced value and not needed."""
    return asarray(a, dtype)


def _shape(shape: Any) -> tuple[int, ...]:
    return tuple(shape) if np.iterable(shape) else (shape,)


@composite("full")
def full(
    shape: Any, fill_value: Array, dtype: Any = None, order: str = "C", **unused: Any
) -> Array:
    """An array of a shape whose elements are all a (traced) value."""
    if order not in ("C", "F"):
        raise ValueError("only 'C' or 'F' order is permitted")
    value = as_value(fill_value)
    if dtype is not None:
        value = cast(value, np.dtype(dtype))
    return ops.broadcast_to(value, _shape(shape))


@composite("full_like")
def full_like(
    a: Array,
    fill_value: Array,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    **unused: Any,
) -> Array:
    """An array like another in shape and dtype, whose elements are all a (traced) value."""
    a = as_value(a)
    value = cast(as_value(fill_value), np.dtype(a.dtype if dtype is None else dtype))
    return ops.broadcast_to(value, a.shape if shape is None else _shape(shape))
