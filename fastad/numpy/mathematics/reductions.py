"""Reductions beyond the core's: prod, ptp, trace, and other names of max and min."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import general_calls
from ..registry import (
    Array,
    as_value,
    composite,
    defjvp,
    defvjp,
    flag,
    helper,
    is_given,
    normalized_axes,
    ops,
    reduced_axes,
    refuse,
    shape_of,
)
from .scans import cumprod_along, kept_shape, quotients_are_safe, reversed_along, shifted, uncut

# ---- prod --------------------------------------------------------------------------------------


def products_of_others(x: Array, axes: tuple[int, ...]) -> Array:
    """For each element of x, the product of all others along axes, without dividing."""
    shape = shape_of(x)
    last = tuple(range(len(shape) - len(axes), len(shape)))
    moved = ops.moveaxis(x, axes, last)
    length = int(np.prod([shape[axis] for axis in axes], dtype=int))
    lead = moved.shape[: len(shape) - len(axes)]
    rows = ops.reshape(moved, (*lead, length))
    axis = len(lead)
    before = cumprod_along(shifted(rows, axis, 1), axis, None)
    after = reversed_along(
        cumprod_along(shifted(reversed_along(rows, axis), axis, 1), axis, None), axis
    )
    return ops.moveaxis(ops.reshape(before * after, moved.shape), last, axes)


_multiplied: Any = np.multiply.reduce


@helper
def _prod(x: Array, axes: tuple[int, ...] | None, dtype: Any, keepdims: bool) -> Array:
    return _multiplied(x, axes, dtype, keepdims=keepdims)


def _prod_vjp(ans: Array, x: Array, axes: Any, dtype: Any, keepdims: bool) -> Any:
    over = axes if type(axes) is tuple else reduced_axes(axes, len(shape_of(x)))
    if quotients_are_safe(ans):
        if not shape_of(ans):
            return lambda g: (g * ans) / x
        shape = kept_shape(shape_of(x), over)
        return lambda g: (g * ans).reshape(shape) / x
    kept = kept_shape(shape_of(x), over)
    return lambda g: ops.reshape(g, kept) * products_of_others(x, over)


def _prod_jvp(t: Array, ans: Array, x: Array, axes: Any, dtype: Any, keepdims: bool) -> Array:
    if quotients_are_safe(ans):
        return ans * ops.sum(t / x, axis=axes, keepdims=keepdims)
    others = products_of_others(x, normalized_axes(axes, len(shape_of(x))))
    return ops.sum(t * others, axis=axes, keepdims=keepdims)


defvjp(_prod, _prod_vjp)
defjvp(_prod, _prod_jvp)


@composite("prod", "product")
def prod(
    a: Array,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Array:
    """Product over axes; right at zeros too, where it is differentiated without dividing."""
    if out is not None:
        refuse("prod", out=out)
    a = as_value(a)
    axes = reduced_axes(axis, a.ndim)
    if not is_given(initial) and (not is_given(where) or where is True):
        return _prod(a, axes, dtype, flag(keepdims))
    given = {"dtype": dtype, "keepdims": flag(keepdims), "initial": initial, "where": where}
    return general_calls.product(a, axes, **given)


# ---- ptp and trace -----------------------------------------------------------------------------


@composite("ptp")
def ptp(a: Array, axis: Any = None, out: None = None, keepdims: bool = False) -> Array:
    """Maximum less minimum; ties share the cotangent evenly."""
    if out is not None:
        refuse("ptp", out=out)
    a = as_value(a)
    keepdims = flag(keepdims)
    return ops.max(a, axis=axis, keepdims=keepdims) - ops.min(a, axis=axis, keepdims=keepdims)


@helper
def _trace(x: Array, offset: int, axis1: int, axis2: int, dtype: Any) -> Array:
    return np.trace(x, offset, axis1, axis2, dtype)


def _trace_vjp(ans: Array, x: Array, offset: int, axis1: int, axis2: int, dtype: Any) -> Any:
    from ..manipulation.shaping import embed_diagonal

    shape = x.shape
    length = max(min(shape[axis1] + min(offset, 0), shape[axis2] - max(offset, 0)), 0)

    def vjp(g: Array) -> Array:
        lead = shape_of(g)
        along = ops.broadcast_to(ops.reshape(g, (*lead, 1)), (*lead, length))
        return embed_diagonal(along, shape, offset, axis1, axis2)

    return vjp


defvjp(_trace, _trace_vjp)
defjvp(
    _trace,
    lambda t, ans, x, offset, axis1, axis2, dtype: _trace(t, offset, axis1, axis2, uncut(dtype)),
)


@composite("trace")
def trace(
    a: Array, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: None = None
) -> Array:
    """Sum along a diagonal of two axes."""
    if out is not None:
        refuse("trace", out=out)
    a = as_value(a)
    if a.ndim == 2 and dtype is None and axis1 == 0 and axis2 == 1:
        return ops.sum(ops.diagonal(a, offset))
    return _trace(a, offset, axis1, axis2, dtype)


@composite("linalg.trace")
def linalg_trace(x: Array, /, *, offset: int = 0, dtype: Any = None) -> Array:
    """Sum along a diagonal of the last two axes."""
    return _trace(as_value(x), offset, -2, -1, dtype)


@composite("amax")
def amax(a: Array, axis: Any = None, out: None = None, keepdims: Any = False, **rest: Any) -> Array:
    """Maximum over axes; ties share the cotangent evenly."""
    return ops.max(a, axis=axis, out=out, keepdims=flag(keepdims), **rest)


@composite("amin")
def amin(a: Array, axis: Any = None, out: None = None, keepdims: Any = False, **rest: Any) -> Array:
    """Minimum over axes; ties share the cotangent evenly."""
    return ops.min(a, axis=axis, out=out, keepdims=flag(keepdims), **rest)
