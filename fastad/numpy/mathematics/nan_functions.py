"""Operations that leave NaN out: nansum, nanmean, nanmax and their family, nan_to_num."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..._core import holds_box
from .. import general_calls
from ..registry import (
    Array,
    as_value,
    cast,
    composite,
    constant,
    defjvp,
    defvjp,
    dtype_of,
    flag,
    given_only,
    helper,
    isbox,
    numpy_function,
    ops,
    primal,
    reduced_axes,
    refuse,
    shape_of,
)
from .scans import kept_shape


def is_missing(a: Array) -> Any:
    """Tell where NaNs are."""
    return np.isnan(primal(as_value(a)))


def replaced(a: Array, replacement: float) -> tuple[Array, Any]:
    """Return a with its NaNs replaced, and where they were."""
    a = as_value(a)
    missing = is_missing(a)
    return ops.where(missing, np.asarray(replacement, a.dtype), a), missing


def _reduction(name: str, replacement: float) -> None:
    """Enter a reduction that takes NaN for a number that changes nothing."""

    def reduction(
        a: Array,
        axis: Any = None,
        dtype: Any = None,
        out: None = None,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = None,
    ) -> Array:
        refuse(name, out=out)
        given = given_only(dtype=dtype, initial=initial, where=where)
        filled = replaced(a, replacement)[0]
        return getattr(ops, name[3:])(filled, axis=axis, keepdims=flag(keepdims), **given)

    composite(name)(reduction)


def _scan(name: str, replacement: float) -> None:
    """Enter a scan that takes NaN for a number that changes nothing."""

    def scan(a: Array, axis: int | None = None, dtype: Any = None, out: None = None) -> Array:
        refuse(name, out=out)
        return getattr(ops, name[3:])(replaced(a, replacement)[0], axis=axis, dtype=dtype)

    composite(name)(scan)


_reduction("nansum", 0)
_reduction("nanprod", 1)
_scan("nancumsum", 0)
_scan("nancumprod", 1)


def count_present(missing: Any, axis: Any, keepdims: bool) -> Any:
    """Return the numbers of values that are not NaN."""
    return np.sum(~missing, axis=axis, dtype=np.intp, keepdims=keepdims)


def divided(total: Array, count: Any) -> Array:
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
    filled, missing = replaced(a, 0)
    keepdims = flag(keepdims)
    given = given_only(dtype=dtype, where=where)
    mask = given.get("where", True)
    count = np.sum(~missing, axis=axis, dtype=np.intp, keepdims=keepdims, where=constant(mask))
    if np.any(count == 0):
        warnings.warn("Mean of empty slice", RuntimeWarning, stacklevel=2)
    total = ops.sum(filled, axis=axis, keepdims=keepdims, **given)
    if not np.any(count == 0):
        return divided(total, count)
    # NaN whatever the arguments are: it has no derivative in either mode.
    mean = divided(total, np.maximum(count, 1))
    return ops.where(count == 0, np.asarray(np.nan, mean.dtype), mean)[()]


# ---- nanmax and nanmin -------------------------------------------------------------------------


def _shares(ans: Array, x: Array, axes: tuple[int, ...]) -> Any:
    """Share of each element in its extremum: ties share evenly, NaN has none."""
    ans, x = primal(ans), primal(x)
    chosen = x == np.reshape(ans, kept_shape(shape_of(x), axes))
    return (chosen / np.maximum(np.sum(chosen, axis=axes, keepdims=True), 1)).astype(dtype_of(x))


def _ignoring(function: Any, other: str) -> Callable[[Array, tuple[int, ...], bool], Array]:
    """The extremum by a function of NumPy's that leaves NaN out; `other` does not."""

    def extremum(x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
        return function(x, axis=axes, keepdims=keepdims)

    recorded = helper(extremum)

    def vjp(ans: Array, x: Array, axes: tuple[int, ...], keepdims: bool) -> Any:
        shares, kept = _shares(ans, x, axes), kept_shape(shape_of(x), axes)
        return lambda g: ops.reshape(g, kept) * shares

    def jvp(t: Array, ans: Array, x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
        return ops.sum(t * _shares(ans, x, axes), axis=axes, keepdims=keepdims)

    defvjp(recorded, vjp)
    defjvp(recorded, jvp)

    def of(a: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
        value = primal(a)
        if isbox(value) or np.any(np.isnan(getattr(np, other)(value, axis=axes))):
            return recorded(a, axes, keepdims)
        # Nothing to leave out: the adjoint of max is one pass over memory.
        return getattr(ops, other)(a, axis=axes, keepdims=keepdims)

    return of


# By the ufunc's name: its `reduce` along axes, of floating-point numbers.
REDUCED = {"fmax": _ignoring(np.fmax.reduce, "max"), "fmin": _ignoring(np.fmin.reduce, "min")}


def _extremum(name: str) -> None:
    function = numpy_function(name)
    ignoring = _ignoring(function, name[3:])

    @general_calls.reducing(function)
    def general(a: Array, axis: Any, **options: Any) -> Array:
        filled, _ = replaced(a, -np.inf if name == "nanmax" else np.inf)
        return getattr(ops, name[3:])(filled, axis=axis, **options)

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
        given = given_only(initial=initial, where=where)
        axes = reduced_axes(axis, a.ndim)
        if not given:
            return ignoring(a, axes, flag(keepdims))
        return general(a, axes, keepdims=flag(keepdims), **given)

    composite(name)(traced)


_extremum("nanmax")
_extremum("nanmin")


# ---- nan_to_num --------------------------------------------------------------------------------


@helper
def _nan_to_num(x: Array, nan: Any, posinf: Any, neginf: Any) -> Array:
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


def _where_finite(g: Array, x: Array) -> Array:
    """Keep g where x is finite, for real and imaginary part apart."""
    x = primal(x)
    if dtype_of(x).kind == "c":
        return np.isfinite(x.real) * ops.real(g) + 1j * (np.isfinite(x.imag) * ops.imag(g))
    return ops.where(np.isfinite(x), g, np.zeros((), dtype_of(x)))


defvjp(_nan_to_num, lambda ans, x, *rest: lambda g: _where_finite(g, x))
defjvp(_nan_to_num, lambda t, ans, x, *rest: _where_finite(t, x))


def _replaced_by(x: Array, numbers: tuple[Any, ...]) -> Array:
    """Replace NaN, inf and -inf by (traced) numbers; by 0 for None, which has no derivative."""
    value = primal(x)
    marks = np.isnan(value), np.isposinf(value), np.isneginf(value)
    for mark, number in zip(marks, numbers, strict=True):
        x = ops.where(mark, 0.0 if number is None else as_value(number), x)
    return x


def _by_numbers(x: Array, copy: bool, *numbers: Any) -> Array:
    if x.dtype.kind == "c":
        real, imag = (_replaced_by(part, numbers) for part in (ops.real(x), ops.imag(x)))
        return real + 1j * imag
    return _replaced_by(x, numbers) if x.dtype.kind == "f" else x


_general_nan_to_num = helper(numpy_function("nan_to_num"), _by_numbers)


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
    if not any(map(holds_box, numbers)):
        return _nan_to_num(x, *numbers)
    return _general_nan_to_num(x, True, *numbers)
