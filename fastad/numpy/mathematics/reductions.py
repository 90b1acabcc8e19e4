"""Reductions and scans beyond the core's: prod, var, std, ptp, trace, cumsum and cumprod."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from .. import general_calls
from ..registry import (
    Array,
    as_value,
    at,
    composite,
    defjvp,
    defvjp,
    dtype_of,
    flag,
    helper,
    is_given,
    isbox,
    normalized_axes,
    normalized_axis,
    ops,
    primal,
    reduced_axes,
    refuse,
    shape_of,
    widened,
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


@helper
def _cumsum(x: Array, axis: int, dtype: Any) -> Array:
    return x.cumsum(axis, dtype)


def _sum_from_behind(g: Array, axis: int) -> Array:
    if type(g) is np.ndarray and g.ndim == 1:
        return g[::-1].cumsum()[::-1]
    return reversed_along(_cumsum(reversed_along(g, axis), axis, None), axis)


defvjp(_cumsum, lambda ans, x, axis, dtype: lambda g: _sum_from_behind(g, axis))
defjvp(_cumsum, "same")


@composite("cumsum")
def cumsum(a: Array, axis: int | None = None, dtype: Any = None, out: None = None) -> Array:
    """Sum up along an axis; the cotangent is summed up from the other end."""
    if out is not None:
        refuse("cumsum", out=out)
    a = as_value(a)
    if axis is None or a.ndim == 0:
        a, axis = ops.ravel(a), 0 if axis is None else axis
    return _cumsum(a, normalized_axis(axis, a.ndim), dtype)


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
    a, b = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)
    y = np.empty(np.broadcast_shapes(a.shape, b.shape), np.result_type(a, b))
    for j in range(len(y)):
        y[j] = b[j] + a[j] * y[j - 1] if j else b[j]
    return np.moveaxis(y, 0, axis)


def _recurrence_adjoint(a: Array, g: Array, axis: int) -> Array:
    backwards = shifted(reversed_along(a, axis), axis, 0)
    return reversed_along(_recurrence(backwards, reversed_along(g, axis), axis), axis)


defvjp(
    _recurrence,
    lambda ans, a, b, axis: lambda g: _recurrence_adjoint(a, g, axis) * shifted(ans, axis, 0),
    lambda ans, a, b, axis: lambda g: _recurrence_adjoint(a, g, axis),
)
defjvp(
    _recurrence,
    lambda t, ans, a, b, axis: _recurrence(a, t * shifted(ans, axis, 0), axis),
    lambda t, ans, a, b, axis: _recurrence(a, t, axis),
)


@helper
def _cumprod(x: Array, axis: int, dtype: Any) -> Array:
    return x.cumprod(axis, dtype)


def _cumprod_vjp(ans: Array, x: Array, axis: int, dtype: Any) -> Any:
    if quotients_are_safe(ans):
        return lambda g: _sum_from_behind(g * ans, axis) / x
    return lambda g: _recurrence_adjoint(x, g, axis) * shifted(ans, axis, 1)


def _cumprod_jvp(t: Array, ans: Array, x: Array, axis: int, dtype: Any) -> Array:
    if quotients_are_safe(ans):
        return ans * _cumsum(t / x, axis, None)
    return _recurrence(x, t * shifted(ans, axis, 1), axis)


defvjp(_cumprod, _cumprod_vjp)
defjvp(_cumprod, _cumprod_jvp)


@composite("cumprod", "cumproduct")
def cumprod(a: Array, axis: int | None = None, dtype: Any = None, out: None = None) -> Array:
    """Multiply up along an axis; differentiated without dividing where there are zeros."""
    if out is not None:
        refuse("cumprod", out=out)
    a = as_value(a)
    if axis is None or a.ndim == 0:
        a, axis = ops.ravel(a), 0 if axis is None else axis
    return _cumprod(a, normalized_axis(axis, a.ndim), dtype)


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


composite("cumulative_sum")(_cumulative(_cumsum, "cumulative_sum", 0))
composite("cumulative_prod")(_cumulative(_cumprod, "cumulative_prod", 1))


# ---- prod --------------------------------------------------------------------------------------


def _products_of_others(x: Array, axes: tuple[int, ...]) -> Array:
    """For each element of x, the product of all others along axes, without dividing."""
    shape = shape_of(x)
    last = tuple(range(len(shape) - len(axes), len(shape)))
    moved = ops.moveaxis(x, axes, last)
    length = int(np.prod([shape[axis] for axis in axes], dtype=int))
    lead = moved.shape[: len(shape) - len(axes)]
    rows = ops.reshape(moved, (*lead, length))
    axis = len(lead)
    before = _cumprod(shifted(rows, axis, 1), axis, None)
    after = reversed_along(_cumprod(shifted(reversed_along(rows, axis), axis, 1), axis, None), axis)
    return ops.moveaxis(ops.reshape(before * after, moved.shape), last, axes)


_multiplied: Any = np.multiply.reduce


@helper
def _prod(x: Array, axes: tuple[int, ...] | None, dtype: Any, keepdims: bool) -> Array:
    return _multiplied(x, axes, dtype, keepdims=keepdims)


def _prod_vjp(ans: Array, x: Array, axes: Any, dtype: Any, keepdims: bool) -> Any:
    over = reduced_axes(axes, len(shape_of(x)))
    kept = kept_shape(shape_of(x), over)
    if quotients_are_safe(ans):
        if not shape_of(ans):
            return lambda g: (g * ans) / x
        return lambda g: ops.reshape(g * ans, kept) / x
    return lambda g: ops.reshape(g, kept) * _products_of_others(x, over)


def _prod_jvp(t: Array, ans: Array, x: Array, axes: Any, dtype: Any, keepdims: bool) -> Array:
    if quotients_are_safe(ans):
        return ans * ops.sum(t / x, axis=axes, keepdims=keepdims)
    others = _products_of_others(x, normalized_axes(axes, len(shape_of(x))))
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


# ---- var and std -------------------------------------------------------------------------------


def _freedom(shape: tuple[int, ...], axes: tuple[int, ...], ddof: float) -> float:
    """NumPy's divisor: the number of values less ddof, not below zero."""
    return max(math.prod([shape[axis] for axis in axes]) - ddof, 0)


def _deviation(x: Array, axes: tuple[int, ...]) -> Array:
    shape = shape_of(x)
    count = math.prod([shape[axis] for axis in axes])
    if not count:
        return x - ops.mean(x, axis=axes, keepdims=True)
    # What the mean is, without its way through Python.
    return x - ops.sum(x, axis=axes, keepdims=True) / count


def _conjugate(x: Array) -> Array:
    return ops.conj(x) if x.dtype.kind == "c" else x


def _quotient(x: Array, divisor: float) -> Array:
    """Divide by the degrees of freedom; zero of them gives NaN or infinity, as in NumPy."""
    return x / divisor if divisor else x / np.zeros((), dtype_of(x))


def _real_inner(t: Array, deviation: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
    if deviation.dtype.kind == "c":
        return ops.sum(ops.real(t * ops.conj(deviation)), axis=axes, keepdims=keepdims)
    return ops.sum(t * deviation, axis=axes, keepdims=keepdims)


@helper
def _var(x: Array, axes: tuple[int, ...], dtype: Any, ddof: float, keepdims: bool) -> Array:
    return np.var(x, axis=axes, dtype=dtype, ddof=ddof, keepdims=keepdims)


@helper
def _std(x: Array, axes: tuple[int, ...], dtype: Any, ddof: float, keepdims: bool) -> Array:
    return np.std(x, axis=axes, dtype=dtype, ddof=ddof, keepdims=keepdims)


def _var_vjp(ans: Array, x: Array, axes: Any, dtype: Any, ddof: float, keepdims: bool) -> Any:
    kept, freedom = kept_shape(shape_of(x), axes), _freedom(shape_of(x), axes, ddof)
    x = widened(x)
    return lambda g: (
        ops.reshape(_quotient(2.0 * widened(g), freedom), kept) * _conjugate(_deviation(x, axes))
    )


def _var_jvp(
    t: Array, ans: Array, x: Array, axes: Any, dtype: Any, ddof: float, keepdims: bool
) -> Array:
    inner = _real_inner(widened(t), _deviation(widened(x), axes), axes, keepdims)
    return _quotient(2.0 * inner, _freedom(shape_of(x), axes, ddof))


def _std_vjp(ans: Array, x: Array, axes: Any, dtype: Any, ddof: float, keepdims: bool) -> Any:
    kept, freedom = kept_shape(shape_of(x), axes), _freedom(shape_of(x), axes, ddof)
    x, ans = widened(x), widened(ans)
    if _freedom(shape_of(x), axes, 0) <= 1:
        # One value has deviation zero whatever it is, so its derivative is zero and not 0 / 0.
        return lambda g: ops.reshape(g * ans * 0.0, kept) * _conjugate(_deviation(x, axes))
    return lambda g: (
        ops.reshape(_quotient(widened(g) / ans, freedom), kept) * _conjugate(_deviation(x, axes))
    )


def _std_jvp(
    t: Array, ans: Array, x: Array, axes: Any, dtype: Any, ddof: float, keepdims: bool
) -> Array:
    inner = _real_inner(widened(t), _deviation(widened(x), axes), axes, keepdims)
    if _freedom(shape_of(x), axes, 0) <= 1:
        return inner * ans * 0.0
    return _quotient(inner / ans, _freedom(shape_of(x), axes, ddof))


defvjp(_var, _var_vjp)
defjvp(_var, _var_jvp)
defvjp(_std, _std_vjp)
defjvp(_std, _std_jvp)


def freedom_lost(ddof: Any, correction: Any) -> Any:
    """Return which of ddof and correction, its newer name, was given."""
    if not is_given(correction):
        return ddof
    if not isbox(ddof) and ddof != 0:
        raise ValueError("ddof and correction can't be provided simultaneously.")
    return correction


def _spread(
    direct: Any,
    general: Any,
    name: str,
    a: Array,
    axis: Any,
    dtype: Any,
    out: Any,
    ddof: Any,
    keepdims: Any,
    where: Any,
    mean: Any,
    correction: Any,
) -> Array:
    if out is not None:
        refuse(name, out=out)
    a = as_value(a)
    ddof = freedom_lost(ddof, correction)
    axes = reduced_axes(axis, a.ndim)
    masked = is_given(where) and where is not True
    if not (masked or is_given(mean) or isbox(ddof)):
        return direct(a, axes, dtype, ddof, flag(keepdims))
    given = {"dtype": dtype, "keepdims": keepdims, "where": where, "mean": mean}
    given = {key: one for key, one in given.items() if is_given(one)}
    return general(a, axes, ddof=ddof, **given)


_general_var = general_calls.spread(np.var)
_general_std = general_calls.spread(np.std)


@composite("var")
def var(
    a: Array,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    mean: Any = None,
    correction: Any = None,
) -> Array:
    """Variance over axes, of real or complex values."""
    options = (a, axis, dtype, out, ddof, keepdims, where, mean, correction)
    return _spread(_var, _general_var, "var", *options)


@composite("std")
def std(
    a: Array,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    mean: Any = None,
    correction: Any = None,
) -> Array:
    """Standard deviation over axes; at zero variance its derivative is 0 / 0, NaN."""
    options = (a, axis, dtype, out, ddof, keepdims, where, mean, correction)
    return _spread(_std, _general_std, "std", *options)


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
defjvp(_trace, "same")


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
