"""Scans: cumsum, cumprod and their newer forms, and linear recurrences, which their rules need."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..._core import pooled_array, recurrence, scan_vjp, sums_from_behind
from ..registry import (
    Array,
    as_value,
    at,
    composite,
    defjvp,
    defvjp,
    helper,
    isbox,
    normalized_axis,
    ops,
    primal,
    reduced_axes,
    refuse,
)


def kept_shape(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return shape with length 1 at axes, as a reduction with keepdims=True has it."""
    return tuple(1 if axis in axes else length for axis, length in enumerate(shape))


def shifted(x: Array, axis: int, fill: float) -> Array:
    """Move x one place up along axis; the first place gets fill."""
    if x.shape[axis] == 0:
        return x
    first = np.full(kept_shape(x.shape, (axis,)), fill, x.dtype)
    return ops.concatenate([first, x[at(axis, slice(None, -1))]], axis)


def reversed_along(x: Array, axis: int) -> Array:
    """Return x in reverse order along axis."""
    return x[at(axis, slice(None, None, -1))]


# ---- cumsum and cumprod ------------------------------------------------------------------------


def uncut(dtype: Any) -> Any:
    """Return the dtype that a linear operation has of a tangent: whole numbers would cut it."""
    return None if dtype is None or np.dtype(dtype).kind not in "fc" else dtype


@helper
def cumsum_along(x: Array, axis: int, dtype: Any) -> Array:
    """Return the cumulative sum along an axis, with a rule."""
    if dtype is None and type(x) is np.ndarray and x.dtype == float and x.flags.c_contiguous:
        return x.cumsum(axis, None, pooled_array(x.shape))
    return x.cumsum(axis, dtype)


def _sum_from_behind(g: Array, axis: int) -> Array:
    sums = None if isbox(g) else sums_from_behind(g, axis)
    if sums is not None:
        return sums
    return reversed_along(cumsum_along(reversed_along(g, axis), axis, None), axis)


defvjp(cumsum_along, lambda ans, x, axis, dtype: lambda g: _sum_from_behind(g, axis))
defjvp(
    cumsum_along,
    lambda t, ans, x, axis, dtype: cumsum_along(t, axis, uncut(dtype)),
)


@composite("cumsum")
def cumsum(a: Array, axis: int | None = None, dtype: Any = None, out: None = None) -> Array:
    """Sum up along an axis; the cotangent is summed up from the other end."""
    if out is not None:
        refuse("cumsum", out=out)
    a = as_value(a)
    if axis is None or a.ndim == 0:
        a, axis = ops.ravel(a), 0 if axis is None else axis
    return cumsum_along(a, normalized_axis(axis, a.ndim), dtype)


@functools.cache
def _least_normal(dtype: Any) -> Any:
    return np.finfo(dtype).tiny if dtype.kind == "f" else 1


def quotients_are_safe(products: Array) -> bool:
    """Tell whether dividing the products by their factors gives the products of the others.

    It does not if a product overflowed or lost digits to underflow, or if a factor is zero, which
    makes a product zero or NaN.
    """
    size = abs(primal(products))
    tiny = _least_normal(size.dtype)
    if type(size) is np.float64:
        return bool(tiny <= size < math.inf)
    if isbox(size):
        return bool(np.all((size >= tiny) & (size < np.inf)))
    if size.ndim == 0:
        return bool(tiny <= size < np.inf)
    if size.size == 0:
        return True
    # The reductions themselves, without the methods' way through Python.
    least, most = np.minimum.reduce(size, axis=None), np.maximum.reduce(size, axis=None)
    return bool(least >= tiny and most < math.inf)


@helper
def _recurrence(a: Array, b: Array, axis: int) -> Array:
    """Solve y[j] = b[j] + a[j] * y[j-1], y[-1] = 0, along axis: what a scan's derivative needs."""
    solved = recurrence(a, b, axis, False)
    if solved is not None:
        return solved
    a, b = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)
    y = np.empty(np.broadcast_shapes(a.shape, b.shape), np.result_type(a, b))
    for j in range(len(y)):
        y[j] = b[j] + a[j] * y[j - 1] if j else b[j]
    return np.moveaxis(y, 0, axis)


def recurrence_adjoint(a: Array, g: Array, axis: int) -> Array:
    """Solve y[j] = g[j] + a[j+1] * y[j+1], from the last place of an axis to the first."""
    solved = None if isbox(a) or isbox(g) else recurrence(a, g, axis, True)
    if solved is not None:
        return solved
    backwards = shifted(reversed_along(a, axis), axis, 0)
    return reversed_along(_recurrence(backwards, reversed_along(g, axis), axis), axis)


defvjp(
    _recurrence,
    lambda ans, a, b, axis: lambda g: recurrence_adjoint(a, g, axis) * shifted(ans, axis, 0),
    lambda ans, a, b, axis: lambda g: recurrence_adjoint(a, g, axis),
)
defjvp(
    _recurrence,
    lambda t, ans, a, b, axis: _recurrence(a, t * shifted(ans, axis, 0), axis),
    lambda t, ans, a, b, axis: _recurrence(a, t, axis),
)


@helper
def cumprod_along(x: Array, axis: int, dtype: Any) -> Array:
    """Return the cumulative product along an axis, with a rule."""
    return x.cumprod(axis, dtype)


def _through_products(g: Array, ans: Array, x: Array, axis: int) -> Array:
    if quotients_are_safe(ans):
        return _sum_from_behind(g * ans, axis) / x
    return recurrence_adjoint(x, g, axis) * shifted(ans, axis, 1)


def _cumprod_vjp(ans: Array, x: Array, axis: int, dtype: Any) -> Any:
    made = scan_vjp(ops.multiply, ans, x, None, axis, False, _through_products)
    return made if made is not NotImplemented else lambda g: _through_products(g, ans, x, axis)


def _cumprod_jvp(t: Array, ans: Array, x: Array, axis: int, dtype: Any) -> Array:
    if quotients_are_safe(ans):
        return ans * cumsum_along(t / x, axis, None)
    return _recurrence(x, t * shifted(ans, axis, 1), axis)


defvjp(cumprod_along, _cumprod_vjp)
defjvp(cumprod_along, _cumprod_jvp)


@composite("cumprod", "cumproduct")
def cumprod(a: Array, axis: int | None = None, dtype: Any = None, out: None = None) -> Array:
    """Multiply up along an axis; differentiated without dividing where there are zeros."""
    if out is not None:
        refuse("cumprod", out=out)
    a = as_value(a)
    if axis is None or a.ndim == 0:
        a, axis = ops.ravel(a), 0 if axis is None else axis
    return cumprod_along(a, normalized_axis(axis, a.ndim), dtype)


def _cumulative(scan: Any, name: str, start: float) -> Any:
    def cumulative(
        x: Array,
        /,
        *,
        axis: int | None = None,
        dtype: Any = None,
        out: None = None,
        include_initial: bool = False,
    ) -> Array:
        if out is not None:
            refuse(name, out=out)
        x = ops.atleast_1d(as_value(x))
        if axis is None:
            if x.ndim > 1:
                raise ValueError(f"numpy.{name}: axis is required for more than one dimension")
            axis = 0
        (axis,) = reduced_axes(axis, x.ndim)
        result = scan(x, axis, dtype)
        if not include_initial:
            return result
        first = np.full(kept_shape(result.shape, (axis,)), start, result.dtype)
        return ops.concatenate([first, result], axis)

    return cumulative


composite("cumulative_sum")(_cumulative(cumsum_along, "cumulative_sum", 0))
composite("cumulative_prod")(_cumulative(cumprod_along, "cumulative_prod", 1))
