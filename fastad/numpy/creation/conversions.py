"""Making arrays from traced values: asarray and its family, copy, astype, full, full_like."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._core import flags_of
from ..memory_order import ordered
from ..registry import (
    REAL,
    Array,
    as_value,
    cast,
    composite,
    defjvp,
    defvjp,
    helper,
    is_array,
    ops,
    primal,
)


@composite("asarray", "asanyarray")
def asarray(a: Any, dtype: Any = None, order: Any = None, **unused: Any) -> Array:
    """Return a traced array as it is; a number becomes one of 0 dimensions, nested lists one."""
    value = as_value(a)
    if not is_array(value):
        value = ops.copy(value)
    value = value if dtype is None else cast(value, np.dtype(dtype))
    flags = flags_of(value)
    laid = {"C": flags.c_contiguous, "F": flags.f_contiguous}.get(order, True)
    return value if laid else ordered(value, order)


@composite("asfarray")
def asfarray(a: Any, dtype: Any = np.float64) -> Array:
    """Return a traced value as an array of floats: float64 unless asked otherwise (NumPy 1)."""
    return asarray(a, dtype if np.issubdtype(dtype, np.inexact) else np.float64)


@composite("ascontiguousarray")
def ascontiguousarray(a: Any, dtype: Any = None, **unused: Any) -> Array:
    """Return a traced value of at least one dimension in C order."""
    return ops.atleast_1d(asarray(a, dtype, "C"))


@composite("asfortranarray")
def asfortranarray(a: Any, dtype: Any = None, **unused: Any) -> Array:
    """Return a traced value of at least one dimension in Fortran order."""
    return ops.atleast_1d(asarray(a, dtype, "F"))


@composite("asarray_chkfinite")
def asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Array:
    """Return a traced value, all of whose elements must be finite."""
    value = asarray(a, dtype, order)
    if value.dtype.kind in "fc" and not np.all(np.isfinite(primal(value))):
        raise ValueError("array must not contain infs or NaNs")
    return value


@helper
def _required(x: Array, requirements: Any) -> Array:
    return np.require(x, None, requirements)


defvjp(_required, lambda ans, x, requirements: lambda g: g)
defjvp(_required, lambda t, ans, x, requirements: t)


@composite("require")
def require(a: Any, dtype: Any = None, requirements: Any = None, **unused: Any) -> Array:
    """Return a traced value in the memory order that is required."""
    value = asarray(a, dtype)
    return _required(value, requirements) if requirements else value


def _shape(shape: Any) -> tuple[int, ...]:
    return tuple(shape) if np.iterable(shape) else (shape,)


def _array_of(product: Array) -> Array:
    """A product with an array, which of no dimensions is a scalar."""
    return product if product.ndim else asarray(product)


@composite("full")
def full(
    shape: Any, fill_value: Array, dtype: Any = None, order: Any = "C", **unused: Any
) -> Array:
    """An array of a shape whose elements are all a (traced) value."""
    order = "C" if order is None else order.upper()
    if order not in ("C", "F"):
        raise ValueError("only 'C' or 'F' order is permitted")
    value = as_value(fill_value)
    if dtype is not None:
        value = cast(value, np.dtype(dtype))
    # A product with one is the number, bit for bit, and less work than spreading it.
    if value.ndim == 0 and value.dtype in REAL:
        return _array_of(ops.multiply(value, np.ones(shape, value.dtype, order)))
    return ordered(ops.broadcast_to(value, _shape(shape)), order)


@composite("full_like")
def full_like(
    a: Array,
    fill_value: Array,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    **unused: Any,
) -> Array:
    """An array like another in shape and dtype, whose elements are all a (traced) value."""
    a = as_value(a)
    value = cast(as_value(fill_value), np.dtype(a.dtype if dtype is None else dtype))
    if value.ndim == 0 and value.dtype in REAL and type(a) is np.ndarray:
        return _array_of(ops.multiply(value, np.ones_like(a, value.dtype, order, shape=shape)))
    result = ops.broadcast_to(value, a.shape if shape is None else _shape(shape))
    return ordered(result, "C" if order == "K" and result.ndim != a.ndim else order, a)
