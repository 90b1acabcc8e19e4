"""Operations that leave NaN out: nansum, nanmean, nanvar, nanmax and their family, nan_to_num."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..._core import primal
from .. import general_calls
from ..manipulation.joining import _holds_box
from ..registry import (
    Array,
    as_value,
    cast,
    composite,
    defjvp,
    defvjp,
    flag,
    getval,
    helper,
    is_given,
    isbox,
    ops,
    plain,
    reduced_axes,
    refuse,
    shape_of,
)
from ..values import valued
from .reductions import freedom_lost, kept_shape


def _replaced(a: Array, replacement: float) -> tuple[Array, np.ndarray[Any, Any]]:
    """Return a with its NaNs replaced, and where they were."""
    a = as_value(a)
    missing = np.isnan(getval(a))
    return ops.where(missing, np.asarray(replacement, a.dtype), a), missing


@composite("nansum")
def nansum(
    a: Array,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = None,
) -> Array:
    """Sum of the values that are not NaN."""
    refuse("nansum", out=out)
    given = {"dtype": dtype, "initial": initial, "where": where}
    given = {key: one for key, one in given.items() if is_given(one)}
    return ops.sum(_replaced(a, 0)[0], axis=axis, keepdims=flag(keepdims), **given)


@composite("nanprod")
def nanprod(
    a: Array,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = None,
) -> Array:
    """Product of the values that are not NaN."""
    refuse("nanprod", out=out)
    given = {"dtype": dtype, "initial": initial, "where": where}
    given = {key: one for key, one in given.items() if is_given(one)}
    return ops.prod(_replaced(a, 1)[0], axis=axis, keepdims=flag(keepdims), **given)


@composite("nancumsum")
def nancumsum(a: Array, axis: int | None = None, dtype: Any = None, out: None = None) -> Array:
    """Cumulative sum in which NaN counts as zero."""
    refuse("nancumsum", out=out)
    return ops.cumsum(_replaced(a, 0)[0], axis=axis, dtype=dtype)


@composite("nancumprod")
def nancumprod(a: Array, axis: int | None = None, dtype: Any = None, out: None = None) -> Array:
    """Cumulative product in which NaN counts as one."""
    refuse("nancumprod", out=out)
    return ops.cumprod(_replaced(a, 1)[0], axis=axis, dtype=dtype)


def _count(missing: np.ndarray[Any, Any], axis: Any, keepdims: bool) -> Any:
    return np.sum(~missing, axis=axis, dtype=np.intp, keepdims=keepdims)


def _divided(total: Array, count: Any) -> Array:
    """Divide as NumPy's nan functions do: in the wider type, rounded to the total's own."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return cast(total / count, total.dtype)


@composite("nanmean")
def nanmean(
    a: Array,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: Any = False,
    *,
    where: Any = None,
) -> Array:
    """Mean of the values that are not NaN."""
    refuse("nanmean", out=out)
    filled, missing = _replaced(a, 0)
    keepdims = flag(keepdims)
    given = {"dtype": dtype, "where": where}
    given = {key: one for key, one in given.items() if is_given(one)}
    mask = given.get("where", True)
    count = np.sum(~missing, axis=axis, dtype=np.intp, keepdims=keepdims, where=plain(mask))
    if np.any(count == 0):
        warnings.warn("Mean of empty slice", RuntimeWarning, stacklevel=2)
    return _divided(ops.sum(filled, axis=axis, keepdims=keepdims, **given), count)


def _general(
    name: str, a: Array, axis: Any, ddof: Any, keepdims: Any, given: dict[str, Any]
) -> Array:
    """nanvar or nanstd with options that few programs use."""
    given = {key: one for key, one in given.items() if is_given(one)}
    if is_given(keepdims):
        given["keepdims"] = keepdims
    missing = np.isnan(getval(as_value(a)))
    return general_calls.spread(name, a, missing, lambda n: n - ddof, axis=axis, ddof=ddof, **given)


@composite("nanvar")
def nanvar(
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
    """Variance of the values that are not NaN."""
    refuse("nanvar", out=out)
    ddof = freedom_lost(ddof, correction)
    given = {"dtype": dtype, "where": where, "mean": mean}
    if any(is_given(one) for one in given.values()) or isbox(ddof):
        return _general("nanvar", a, axis, ddof, keepdims, given)
    filled, missing = _replaced(a, 0)
    keepdims = flag(keepdims)
    centre = _divided(ops.sum(filled, axis=axis, keepdims=True), _count(missing, axis, True))
    deviation = ops.where(missing, np.zeros((), filled.dtype), filled - centre)
    if filled.dtype.kind == "c":
        squares = ops.real(deviation * ops.conj(deviation))
    else:
        squares = deviation * deviation
    freedom = _count(missing, axis, keepdims) - ddof
    result = _divided(ops.sum(squares, axis=axis, keepdims=keepdims), freedom)
    empty = freedom <= 0
    if np.any(empty):
        warnings.warn("Degrees of freedom <= 0 for slice.", RuntimeWarning, stacklevel=2)
        result = ops.where(empty, np.asarray(np.nan, result.dtype), result)[()]
    return result


@composite("nanstd")
def nanstd(
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
    """Standard deviation of the values that are not NaN."""
    refuse("nanstd", out=out)
    ddof = freedom_lost(ddof, correction)
    given = {"dtype": dtype, "where": where, "mean": mean}
    if any(is_given(one) for one in given.values()) or isbox(ddof):
        return _general("nanstd", a, axis, ddof, keepdims, given)
    variance = ops.nanvar(a, axis=axis, ddof=ddof, keepdims=keepdims)
    # One value has deviation zero whatever it is, so its derivative is zero and not 0 / 0.
    single = _count(np.isnan(getval(as_value(a))), axis, flag(keepdims)) == 1
    if not np.any(single):
        return ops.sqrt(variance)
    safe = ops.where(single, np.ones((), variance.dtype), variance)
    return ops.where(single, variance, ops.sqrt(safe))[()]


# ---- nanmax and nanmin -------------------------------------------------------------------------


def _shares(ans: Array, x: Array, axes: tuple[int, ...]) -> Any:
    """Share of each element in its extremum: ties share evenly, NaN has none."""
    ans, x = getval(ans), getval(x)
    chosen = x == np.reshape(ans, kept_shape(shape_of(x), axes))
    return (chosen / np.maximum(np.sum(chosen, axis=axes, keepdims=True), 1)).astype(
        np.result_type(x)
    )


def _extremum(name: str) -> None:
    numpy_function = getattr(np, name)

    def extremum(x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
        return numpy_function(x, axis=axes, keepdims=keepdims)

    recorded = helper(extremum)

    def vjp(ans: Array, x: Array, axes: tuple[int, ...], keepdims: bool) -> Any:
        shares, kept = _shares(ans, x, axes), kept_shape(shape_of(x), axes)
        return lambda g: ops.reshape(g, kept) * shares

    def jvp(t: Array, ans: Array, x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
        return ops.sum(t * _shares(ans, x, axes), axis=axes, keepdims=keepdims)

    defvjp(recorded, vjp)
    defjvp(recorded, jvp)

    def traced(
        a: Array,
        axis: Any = None,
        out: None = None,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = None,
    ) -> Array:
        refuse(name, out=out)
        a = as_value(a)
        given = {"initial": initial, "where": where}
        given = {key: one for key, one in given.items() if is_given(one)}
        axes = reduced_axes(axis, a.ndim)
        if not given:
            if np.any(np.isnan(getattr(np, name[3:])(primal(a), axis=axes))):
                return recorded(a, axes, flag(keepdims))
            # Nothing to leave out: the adjoint of max is one pass over memory.
            return getattr(ops, name[3:])(a, axis=axes, keepdims=flag(keepdims))
        given["keepdims"] = flag(keepdims)
        value = numpy_function(
            getval(a), axis=axes, **{key: plain(one) for key, one in given.items()}
        )
        worst = -np.inf if name == "nanmax" else np.inf
        filled = ops.where(np.isnan(getval(a)), np.asarray(worst, a.dtype), a)
        return valued(getattr(ops, name[3:])(filled, axis=axes, **given), value)

    composite(name)(traced)


_extremum("nanmax")
_extremum("nanmin")


# ---- nan_to_num --------------------------------------------------------------------------------


@helper
def _nan_to_num(x: Array, nan: Any, posinf: Any, neginf: Any) -> Array:
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


def _where_finite(g: Array, x: Array) -> Array:
    """Keep g where x is finite, for real and imaginary part apart."""
    x = getval(x)
    if np.iscomplexobj(x):
        return np.isfinite(x.real) * ops.real(g) + 1j * (np.isfinite(x.imag) * ops.imag(g))
    return ops.where(np.isfinite(x), g, np.zeros((), np.result_type(x)))


defvjp(_nan_to_num, lambda ans, x, *rest: lambda g: _where_finite(g, x))
defjvp(_nan_to_num, lambda t, ans, x, *rest: _where_finite(t, x))


def _replaced_by(x: Array, numbers: tuple[Any, ...]) -> Array:
    """Replace NaN, inf and -inf by (traced) numbers; by 0 for None, which has no derivative."""
    marks = np.isnan(getval(x)), np.isposinf(getval(x)), np.isneginf(getval(x))
    for mark, number in zip(marks, numbers, strict=True):
        x = ops.where(mark, 0.0 if number is None else as_value(number), x)
    return x


@composite("nan_to_num")
def nan_to_num(
    x: Array, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Array:
    """Replace NaN and infinities by (traced) numbers; what was replaced has derivative zero."""
    if not copy:
        raise TypeError(
            "numpy.nan_to_num: copy=False cannot change a traced array in place in fastad; use the "
            "returned value"
        )
    x, numbers = as_value(x), (nan, posinf, neginf)
    if not any(map(_holds_box, numbers)):
        return _nan_to_num(x, *numbers)
    value = np.nan_to_num(getval(x), True, *map(plain, numbers))
    if value.dtype.kind == "c":
        real, imag = (_replaced_by(part, numbers) for part in (ops.real(x), ops.imag(x)))
        return valued(cast(real + 1j * imag, value.dtype), value)
    if value.dtype.kind != "f":
        return value
    return valued(cast(_replaced_by(x, numbers), value.dtype), value)
