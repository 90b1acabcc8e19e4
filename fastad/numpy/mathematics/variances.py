"""Variance and standard deviation: var and std, nanvar and nanstd."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..._core import pooled_array
from .. import general_calls
from ..registry import (
    Array,
    as_value,
    composite,
    defjvp,
    defvjp,
    dtype_of,
    flag,
    given_only,
    helper,
    is_given,
    isbox,
    normalized_axes,
    nowhere,
    numpy_function,
    ops,
    primal,
    reduced_axes,
    refuse,
    shape_of,
    widened,
)
from .lengths import has_digits, lost_digits, scale_of, scaled
from .nan_functions import count_present, divided, is_missing, replaced
from .scans import kept_shape

Direct = Callable[[Array, Any, Any, float, bool], Array]
"""Of the values, axis, dtype, lost degrees of freedom, keepdims."""


def _freedom_lost(ddof: Any, correction: Any) -> Any:
    """Return which of ddof and correction, its newer name, was given."""
    if not is_given(correction):
        return ddof
    if not isbox(ddof) and ddof != 0:
        raise ValueError("ddof and correction can't be provided simultaneously.")
    return correction


def _enter(name: str, direct: Direct, general: Callable[..., Array], by_dtype: bool) -> None:
    """Enter a function: `direct` for plain calls, `general` for options that few programs use."""

    def variance(
        a: Array,
        axis: Any = None,
        dtype: Any = None,
        out: None = None,
        ddof: float = 0,
        keepdims: Any = False,
        *,
        where: Any = None,
        mean: Any = None,
        correction: Any = None,
    ) -> Array:
        if out is not None:
            refuse(name, out=out)
        a = as_value(a)
        ddof = _freedom_lost(ddof, correction)
        masked = is_given(where) and where is not True
        # Of whole numbers there is no derivative.
        typed = is_given(dtype) and not (by_dtype and np.dtype(dtype).kind in "fc")
        if masked or typed or is_given(mean) or isbox(ddof):
            given = given_only(dtype=dtype, keepdims=keepdims, where=where, mean=mean)
            return general(a, axis, ddof=ddof, **given)
        return direct(a, axis, dtype, ddof, flag(keepdims))

    composite(name)(variance)


# ---- of all values -------------------------------------------------------------------------------


def _freedom(shape: tuple[int, ...], axes: tuple[int, ...], ddof: float) -> float:
    """NumPy's divisor: the number of values less ddof, not below zero."""
    return max(math.prod([shape[axis] for axis in axes]) - ddof, 0)


def _mean(x: Array, axes: tuple[int, ...]) -> Array:
    shape = shape_of(x)
    count = math.prod([shape[axis] for axis in axes])
    if not count:
        return ops.mean(x, axis=axes, keepdims=True)
    # What the mean is, without its way through Python.
    return ops.sum(x, axis=axes, keepdims=True) / count


def _deviation(x: Array, axes: tuple[int, ...]) -> Array:
    return x - _mean(x, axes)


LARGE = 1 << 13  # elements; fewer are allocated as quickly as they are taken from the pool


def _times_deviation(factor: Array, x: Array, axes: tuple[int, ...]) -> Array:
    """A factor, with axes that are kept, times the conjugate deviation; large ones in the pool."""
    if (
        type(x) is np.ndarray
        and x.size >= LARGE
        and x.dtype == dtype_of(factor) == np.float64
        and x.flags.c_contiguous
        and not isbox(factor)
    ):
        room = pooled_array(x.shape)
        np.subtract(x, _mean(x, axes), out=room)
        return np.multiply(factor, room, out=room)
    return factor * _conjugate(_deviation(x, axes))


def _conjugate(x: Array) -> Array:
    return ops.conj(x) if x.dtype.kind == "c" else x


def _quotient(x: Array, divisor: float) -> Array:
    """Divide by the degrees of freedom; zero of them gives NaN or infinity, as in NumPy."""
    return x / divisor if divisor else x / np.zeros((), dtype_of(x))


def _real_inner(t: Array, deviation: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
    if deviation.dtype.kind == "c":
        return ops.sum(ops.real(t * ops.conj(deviation)), axis=axes, keepdims=keepdims)
    return ops.sum(t * deviation, axis=axes, keepdims=keepdims)


def _as_real(g: Array) -> Array:
    """The real part, also of what dtype= has made complex: a variance is real."""
    g = widened(g)
    return ops.real(g) if dtype_of(g).kind == "c" else g


@helper
def _var(x: Array, axes: tuple[int, ...], dtype: Any, ddof: float, keepdims: bool) -> Array:
    return np.var(x, axis=axes, dtype=dtype, ddof=ddof, keepdims=keepdims)


@helper
def _std(x: Array, axes: tuple[int, ...], dtype: Any, ddof: float, keepdims: bool) -> Array:
    return np.std(x, axis=axes, dtype=dtype, ddof=ddof, keepdims=keepdims)


def _var_vjp(ans: Array, x: Array, axes: Any, dtype: Any, ddof: float, keepdims: bool) -> Any:
    kept, freedom = kept_shape(shape_of(x), axes), _freedom(shape_of(x), axes, ddof)
    x = widened(x)
    return lambda g: _times_deviation(
        ops.reshape(_quotient(2.0 * _as_real(g), freedom), kept), x, axes
    )


def _var_jvp(
    t: Array, ans: Array, x: Array, axes: Any, dtype: Any, ddof: float, keepdims: bool
) -> Array:
    inner = _real_inner(widened(t), _deviation(widened(x), axes), axes, keepdims)
    return _quotient(2.0 * inner, _freedom(shape_of(x), axes, ddof))


def _unit(ans: Array, x: Array, axes: tuple[int, ...], freedom: float) -> Array:
    """The deviation over its length, which is the standard deviation times a root of freedom."""
    length, deviation = scaled(ans * freedom**0.5, _deviation(x, axes), axes)
    return deviation / length


def _std_vjp(ans: Array, x: Array, axes: Any, dtype: Any, ddof: float, keepdims: bool) -> Any:
    kept, freedom = kept_shape(shape_of(x), axes), _freedom(shape_of(x), axes, ddof)
    x, ans = widened(x), _as_real(ans)
    if _freedom(shape_of(x), axes, 0) <= 1:
        # One value has deviation zero whatever it is, so its derivative is zero and not 0 / 0.
        return lambda g: (
            ops.reshape(_as_real(g) * ans * 0.0, kept) * _conjugate(_deviation(x, axes))
        )
    if not has_digits(primal(ans)):
        unit = _conjugate(_unit(ans, x, axes, freedom))
        return lambda g: ops.reshape(_quotient(_as_real(g), freedom**0.5), kept) * unit
    return lambda g: _times_deviation(
        ops.reshape(_quotient(_as_real(g) / ans, freedom), kept), x, axes
    )


def _std_jvp(
    t: Array, ans: Array, x: Array, axes: Any, dtype: Any, ddof: float, keepdims: bool
) -> Array:
    freedom, known = _freedom(shape_of(x), axes, ddof), _as_real(ans)
    single = _freedom(shape_of(x), axes, 0) <= 1
    if not single and not has_digits(primal(known)):
        unit = _unit(known, widened(x), axes, freedom)
        return _quotient(_real_inner(widened(t), unit, axes, keepdims), freedom**0.5)
    inner = _real_inner(widened(t), _deviation(widened(x), axes), axes, keepdims)
    if single:
        return inner * ans * 0.0
    return _quotient(inner / ans, freedom)


defvjp(_var, _var_vjp)
defjvp(_var, _var_jvp)
defvjp(_std, _std_vjp)
defjvp(_std, _std_jvp)


def _direct(operation: Any) -> Direct:
    def direct(a: Array, axis: Any, dtype: Any, ddof: float, keepdims: bool) -> Array:
        # Of a number these, unlike other reductions, know no axis 0.
        axes = reduced_axes(axis, a.ndim) if a.ndim else normalized_axes(axis, 0)
        return operation(a, axes, dtype, ddof, keepdims)

    return direct


_enter("var", _direct(_var), general_calls.spread(numpy_function("var")), by_dtype=True)
_enter("std", _direct(_std), general_calls.spread(numpy_function("std")), by_dtype=True)


# ---- of the values that are not NaN --------------------------------------------------------------


def _nanvar(a: Array, axis: Any, dtype: None, ddof: float, keepdims: bool) -> Array:
    filled, missing = replaced(a, 0)
    centre = divided(ops.sum(filled, axis=axis, keepdims=True), count_present(missing, axis, True))
    deviation = ops.where(missing, np.zeros((), filled.dtype), filled - centre)
    if filled.dtype.kind == "c":
        squares = ops.real(deviation * ops.conj(deviation))
    else:
        squares = deviation * deviation
    freedom = count_present(missing, axis, keepdims) - ddof
    result = divided(ops.sum(squares, axis=axis, keepdims=keepdims), freedom)
    empty = freedom <= 0
    if np.any(empty):
        warnings.warn("Degrees of freedom <= 0 for slice.", RuntimeWarning, stacklevel=3)
        result = ops.where(empty, np.asarray(np.nan, result.dtype), result)[()]
    return result


@helper
def _valued(x: Array, value: Array) -> Array:
    return value


defvjp(_valued, lambda ans, x, value: lambda g: g)
defjvp(_valued, lambda t, ans, x, value: t)


def _nanstd(a: Array, axis: Any, dtype: None, ddof: float, keepdims: bool) -> Array:
    variance = ops.nanvar(a, axis=axis, ddof=ddof, keepdims=keepdims)
    # One value has deviation zero whatever it is, so its derivative is zero and not 0 / 0.
    single = count_present(is_missing(a), axis, keepdims) <= 1
    if nowhere(single):
        return _root_of_variance(variance, a, axis, ddof, keepdims)
    safe = ops.where(single, np.ones((), variance.dtype), variance)
    return ops.where(single, variance, ops.sqrt(safe))[()]


def _root_of_variance(variance: Array, a: Array, axis: Any, ddof: float, keepdims: bool) -> Array:
    """The root, with the derivative of scaled numbers where the variance over- or underflows."""
    if has_digits(primal(variance), 1):
        return ops.sqrt(variance)
    # Each row by a scale of its own, and those with all digits as they are.
    size = ops.max(ops.abs(replaced(primal(a), 0)[0]), axis=axis, keepdims=True, initial=0)
    info = np.finfo(dtype_of(size))
    wrong = ops.reshape(lost_digits(primal(variance), 1), shape_of(size))
    wrong = wrong & np.greater(size, 0) & np.isfinite(size)
    # Not below this: what is divided by it, tangents too, is to be finite.
    scale = scale_of(np.maximum(size, info.tiny / info.eps))
    scale = ops.where(wrong, scale, np.ones((), scale.dtype))
    within = ops.sqrt(ops.nanvar(a / scale, axis=axis, ddof=ddof, keepdims=keepdims))
    scale = ops.reshape(scale, shape_of(variance))[()]
    return _valued(within * scale, ops.sqrt(primal(variance)))


_general_nanvar = general_calls.spread(numpy_function("nanvar"), is_missing)
_general_nanstd = general_calls.spread(numpy_function("nanstd"), is_missing)
_enter("nanvar", _nanvar, _general_nanvar, by_dtype=False)
_enter("nanstd", _nanstd, _general_nanstd, by_dtype=False)
