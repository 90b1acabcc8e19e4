"""Calls that the compiled operations do not take: with dtype, where, initial, or in error.

The value is NumPy's own. The derivative is that of an equal computation: arguments are cast, values
left out are replaced by the neutral element, an initial value is combined with the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .registry import (
    Array,
    Primitive,
    as_value,
    cast,
    error_of,
    flag,
    is_given,
    isbox,
    ops,
    plain,
    refuse,
    shape_of,
    widened,
)
from .values import valued

Traced = Callable[..., Array]
GENERAL: dict[str, Traced] = {}


def general(*names: str) -> Callable[[Traced], Traced]:
    """Make the decorated function answer the general calls of the operations of these names."""

    def register(traced: Traced) -> Traced:
        for name in names:
            GENERAL[name] = traced
        return traced

    return register


def answer(primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Array:
    """Answer a call of a table operation that its compiled form does not take.

    Raises
    ------
    Exception
        NumPy's own, where NumPy has one to the same arguments.
    TypeError
        An argument has no meaning on a traced value.
    """
    error = error_of(primitive.fun, args, kwargs)
    if error is not None:
        raise error
    name = primitive.__name__
    if name in GENERAL:
        return GENERAL[name](*args, **kwargs)
    if isinstance(primitive.fun, np.ufunc):
        return _ufunc(primitive, args, kwargs)
    given = ", ".join(map(repr, kwargs)) or "that many arguments"
    raise TypeError(f"numpy.{name}: {given} is not supported with a traced value in fastad")


def _value(name: str, args: Any, options: dict[str, Any]) -> Any:
    return getattr(np, name)(*plain(args), **{key: plain(one) for key, one in options.items()})


def _ufunc(primitive: Primitive, args: tuple[Any, ...], options: dict[str, Any]) -> Array:
    """A ufunc with keywords: dtype casts the arguments; the rest steers NumPy alone."""
    function: Any = primitive.fun
    name = primitive.__name__
    given = options.pop("out", None)
    for out in (*args[function.nin :], *(given if isinstance(given, tuple) else (given,))):
        refuse(name, out=out)
    refuse(name, where=options.pop("where", None))
    args = args[: function.nin]
    value = _value(name, args, options)
    if is_given(options.get("dtype")):
        args = tuple([cast(as_value(one), value.dtype) for one in args])
    result = primitive(*args)
    return valued(cast(result, value.dtype), value) if isbox(result) else value


def _chosen(where: Any, shape: tuple[int, ...]) -> Any:
    """The mask of a reduction, or None where it leaves out nothing."""
    if not is_given(where) or where is True:
        return None
    return np.broadcast_to(plain(where), np.broadcast_shapes(np.shape(plain(where)), shape))


def _kept(x: Array, where: Any, neutral: Any) -> Array:
    """Values that the mask leaves out are replaced."""
    mask = _chosen(where, shape_of(x))
    return x if mask is None else ops.where(mask, x, np.asarray(neutral, x.dtype))


def _given(**options: Any) -> dict[str, Any]:
    return {key: one for key, one in options.items() if is_given(one)}


@general("sum")
def total(
    a: Array,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: Any = None,
    initial: Any = None,
    where: Any = None,
) -> Array:
    """Sum of the values that `where` chooses, from an initial value on."""
    refuse("sum", out=out)
    options = _given(axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)
    value = _value("sum", (a,), options)
    x = as_value(a)
    x = widened(_kept(x if dtype is None else cast(x, value.dtype), where, 0))
    result = ops.sum(x, axis=axis, keepdims=flag(keepdims))
    if is_given(initial):
        result = result + initial
    return valued(cast(result, value.dtype), value)


@general("mean")
def mean(
    a: Array,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: Any = None,
    *,
    where: Any = None,
) -> Array:
    """Mean of the values that `where` chooses."""
    refuse("mean", out=out)
    options = _given(axis=axis, dtype=dtype, keepdims=keepdims, where=where)
    value = _value("mean", (a,), options)
    x = as_value(a)
    x = widened(_kept(x if dtype is None else cast(x, value.dtype), where, 0))
    result = ops.sum(x, axis=axis, keepdims=flag(keepdims)) / _count(x, axis, keepdims, where)
    return valued(cast(result, value.dtype), value)


def _count(x: Array, axis: Any, keepdims: Any, where: Any) -> Any:
    """How many values a reduction takes, with its shape; at least one, so that NaN is NumPy's."""
    mask = _chosen(where, shape_of(x))
    mask = np.ones(shape_of(x), bool) if mask is None else mask
    return np.maximum(np.sum(mask, axis=axis, keepdims=flag(keepdims)), 1)


def _extremum(name: str, join: str, neutral: float) -> None:
    def extremum(
        a: Array,
        axis: Any = None,
        out: None = None,
        keepdims: Any = None,
        initial: Any = None,
        where: Any = None,
    ) -> Array:
        refuse(name, out=out)
        options = _given(axis=axis, keepdims=keepdims, initial=initial, where=where)
        value = _value(name, (a,), options)
        if value.dtype.kind in "iub":
            return value
        x, keepdims = cast(as_value(a), value.dtype), flag(keepdims)
        if not is_given(initial):
            return valued(getattr(ops, name)(x, axis=axis, keepdims=keepdims), value)
        initial = cast(as_value(initial), value.dtype)
        mask = _chosen(where, shape_of(x))
        mask = np.ones(shape_of(x), bool) if mask is None else mask
        alone = ~np.any(mask, axis=axis, keepdims=keepdims)
        if np.all(alone):
            return valued(ops.broadcast_to(initial, value.shape), value)
        x = _kept(x, where, neutral)
        result = getattr(ops, join)(getattr(ops, name)(x, axis=axis, keepdims=keepdims), initial)
        if np.any(alone):
            # An initial value that no other competes with does not tie with the replaced ones.
            result = ops.where(alone, initial, result)
        return valued(result, value)

    general(name)(extremum)


_extremum("max", "maximum", -np.inf)
_extremum("min", "minimum", np.inf)


def product(
    x: Array, axes: tuple[int, ...], dtype: Any, keepdims: bool, initial: Any, where: Any
) -> Array:
    """Product of the values that `where` chooses, from an initial value on."""
    options = _given(axis=axes, dtype=dtype, keepdims=keepdims, initial=initial, where=where)
    value = _value("prod", (x,), options)
    x = _kept(x if dtype is None else cast(x, value.dtype), where, 1)
    result = ops.prod(x, axis=axes, keepdims=keepdims)
    if is_given(initial):
        result = result * initial
    return valued(cast(result, value.dtype), value)


def spread(
    name: str, a: Array, left_out: Any, divisor: Callable[[Any], Any], **options: Any
) -> Array:
    """Variance or standard deviation with any options, of the values that are not left out.

    Parameters
    ----------
    name : str
        NumPy's function: var, std, nanvar or nanstd.
    a : Array
    left_out : ndarray of bool, or None
        Which values do not count, beside those that the option `where` leaves out.
    divisor : callable
        What the sum of squares is divided by, for the number of values.
    **options
        NumPy's.
    """
    value = _value(name, (a,), options)
    axis, where = options.get("axis"), options.get("where")
    x = as_value(a)
    if options.get("dtype") is not None:
        kind = np.dtype(options["dtype"])
        x = cast(x, np.result_type(kind, np.complex64) if x.dtype.kind == "c" else kind)
    mask = _chosen(where, shape_of(x))
    if left_out is not None:
        mask = ~left_out if mask is None else mask & ~left_out
    x = widened(_kept(x, mask, 0))
    count = _count(x, axis, True, mask)
    centre = options.get("mean")
    free = not is_given(centre)
    if free:
        centre = ops.sum(x, axis=axis, keepdims=True) / count
    away = _kept(x - centre, mask, 0)
    squares = ops.real(away * ops.conj(away)) if away.dtype.kind == "c" else away * away
    keepdims = flag(options.get("keepdims"))
    sum_ = ops.sum(squares, axis=axis, keepdims=keepdims)
    count = _count(x, axis, keepdims, mask)
    result = sum_ / divisor(count)
    if name.endswith("std"):
        # One value has deviation zero whatever it is, so its derivative is zero and not 0 / 0.
        result = ops.sqrt(ops.where(count <= 1, 1.0, result) if free else result)
    return valued(cast(result, value.dtype), value)


@general("clip")
def clip(a: Array, a_min: Any = None, a_max: Any = None, out: None = None, **options: Any) -> Array:
    """Clip by bounds that are given as min and max, NumPy 2's names."""
    refuse("clip", out=out)
    low = options.pop("min") if "min" in options else a_min
    high = options.pop("max") if "max" in options else a_max
    if options:
        refuse("clip", **options)
    return ops.clip(a, low if is_given(low) else None, high if is_given(high) else None)
