"""Calls that the compiled operations do not take: with dtype, where, initial, or in error.

The value is NumPy's own. The derivative is that of an equal computation: arguments are cast, values
left out are replaced by the neutral element, an initial value is combined with the result.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .registry import (
    Array,
    Primitive,
    as_value,
    cast,
    constant,
    count_of,
    error_of,
    everywhere,
    flag,
    helper,
    is_given,
    nowhere,
    numpy_function,
    ops,
    refuse,
    shape_of,
    widened,
)

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
    name = primitive.__name__
    try:
        if name in GENERAL:
            return GENERAL[name](*args, **kwargs)
        if isinstance(primitive.fun, np.ufunc):
            return _ufunc(primitive, args, kwargs)
        given = ", ".join(map(repr, kwargs)) or "that many arguments"
        raise TypeError(f"numpy.{name}: {given} is not supported with a traced value in fastad")
    except Exception:
        error = error_of(primitive.fun, args, kwargs)
        if error is None:
            raise
    raise error


def _given(**options: Any) -> dict[str, Any]:
    return {key: one for key, one in options.items() if is_given(one)}


# ---- ufuncs --------------------------------------------------------------------------------------


@functools.lru_cache(None)
def _of_options(primitive: Primitive) -> Any:
    """Return the ufunc with the keywords that steer NumPy alone; dtype casts the arguments.

    Axes say where a product of matrices finds its rows and columns.
    """

    def derivative(*args: Array, axes: Any = None, **options: Any) -> Array:
        types = _loop(primitive.fun, args, options)
        args = tuple([cast(as_value(one), kind) for one, kind in zip(args, types)])
        if axes is None:
            return primitive(*args)
        given = [(one,) if isinstance(one, int) else tuple(one) for one in axes]
        last = [tuple(range(-len(one), 0)) for one in given]
        moved = [ops.moveaxis(as_value(x), *places) for x, *places in zip(args, given, last)]
        return ops.moveaxis(primitive(*moved), last[-1], given[-1])

    return helper(primitive.fun, derivative)


def _loop(
    function: Any, args: Sequence[Array], options: Mapping[str, Any]
) -> tuple[np.dtype[Any], ...]:
    """Return the types of a ufunc's arguments and results, as dtype or signature choose them.

    A dtype is that of the results: the absolute value of complex numbers is given one of floats.
    """
    own = tuple([as_value(one).dtype for one in args])
    signature, dtype = options.get("signature", options.get("sig")), options.get("dtype")
    if dtype is not None:
        signature = (None,) * function.nin + (np.dtype(dtype),) * function.nout
    return own if signature is None else _resolved(function, own, signature)


@functools.lru_cache(1024)
def _resolved(function: Any, own: tuple[Any, ...], signature: Any) -> tuple[np.dtype[Any], ...]:
    # What may not be cast NumPy refuses itself.
    types: tuple[np.dtype[Any], ...] = function.resolve_dtypes(
        own + (None,) * function.nout, signature=signature, casting="unsafe"
    )
    return types


def _ufunc(primitive: Primitive, args: tuple[Any, ...], options: dict[str, Any]) -> Array:
    function: Any = primitive.fun
    name = primitive.__name__
    given = options.pop("out", None)
    for out in (*args[function.nin :], *(given if isinstance(given, tuple) else (given,))):
        refuse(name, out=out)
    refuse(name, where=options.pop("where", None))
    options, args = _given(**options), args[: function.nin]
    dtype = options.get("dtype")
    results = _loop(function, args, options)[function.nin :] if dtype is None else (dtype,)
    if all(map(_is_inexact, results)):
        return _of_options(primitive)(*args, **options)
    return count_of(function)(*args, **options)


def _is_inexact(dtype: Any) -> bool:
    return not is_given(dtype) or np.dtype(dtype).kind in "fc"


# ---- reductions ----------------------------------------------------------------------------------


def reducing(function: Any) -> Callable[[Traced], Traced]:
    """Make the decorated function what a reduction of NumPy's with options is differentiated as."""

    def register(derivative: Traced) -> Traced:
        node = helper(function, derivative)
        name = function.__name__

        @functools.wraps(derivative)
        def reduction(a: Array, axis: Any = None, dtype: Any = None, **options: Any) -> Array:
            refuse(name, out=options.pop("out", None))
            options = _given(axis=axis, dtype=dtype, **options)
            if "where" in options:
                options["where"] = constant(options["where"])
            made = node if _is_inexact(dtype) else count_of(function)
            return made(as_value(a), **options)

        return reduction

    return register


def _by_position(name: str, traced: Traced, *places: str) -> None:
    """Take the arguments of NumPy's function from the second on by position as well."""

    @general(name)
    def answering(a: Array, *args: Any, **options: Any) -> Array:
        if len(args) > len(places):
            raise TypeError(f"{name}() takes at most {len(places) + 1} arguments")
        return traced(a, **dict(zip(places, args)), **options)


def _chosen(where: Any, shape: tuple[int, ...]) -> Any:
    """The mask of a reduction, or None where it leaves out nothing."""
    if not is_given(where) or where is True:
        return None
    return np.broadcast_to(where, np.broadcast_shapes(shape_of(where), shape))


def _kept(x: Array, where: Any, neutral: Any) -> Array:
    """Values that the mask leaves out are replaced."""
    mask = _chosen(where, shape_of(x))
    return x if mask is None else ops.where(mask, x, np.asarray(neutral, x.dtype))


def _count(x: Array, axis: Any, keepdims: Any, where: Any) -> Any:
    """How many values a reduction takes, with its shape; at least one, so that NaN is NumPy's."""
    mask = _chosen(where, shape_of(x))
    mask = np.ones(shape_of(x), bool) if mask is None else mask
    return np.maximum(np.sum(mask, axis=axis, keepdims=flag(keepdims)), 1)


def _typed(a: Array, dtype: Any, where: Any, neutral: Any) -> Array:
    return widened(_kept(a if dtype is None else cast(a, np.dtype(dtype)), where, neutral))


@reducing(numpy_function("sum"))
def total(
    a: Array,
    axis: Any = None,
    dtype: Any = None,
    keepdims: Any = None,
    initial: Any = None,
    where: Any = None,
) -> Array:
    """Sum of the values that `where` chooses, from an initial value on."""
    result = ops.sum(_typed(a, dtype, where, 0), axis=axis, keepdims=flag(keepdims))
    return result + initial if is_given(initial) else result


@reducing(numpy_function("mean"))
def mean(
    a: Array, axis: Any = None, dtype: Any = None, keepdims: Any = None, where: Any = None
) -> Array:
    """Mean of the values that `where` chooses."""
    x = _typed(a, dtype, where, 0)
    return ops.sum(x, axis=axis, keepdims=flag(keepdims)) / _count(x, axis, keepdims, where)


@reducing(numpy_function("prod"))
def product(
    a: Array,
    axis: Any = None,
    dtype: Any = None,
    keepdims: Any = None,
    initial: Any = None,
    where: Any = None,
) -> Array:
    """Product of the values that `where` chooses, from an initial value on."""
    x = _kept(a if dtype is None else cast(a, np.dtype(dtype)), where, 1)
    result = ops.prod(x, axis=axis, keepdims=flag(keepdims))
    return result * initial if is_given(initial) else result


def _extremum(name: str, join: str, neutral: float) -> Traced:
    @reducing(numpy_function(name))
    def extremum(
        a: Array, axis: Any = None, keepdims: Any = None, initial: Any = None, where: Any = None
    ) -> Array:
        keepdims = flag(keepdims)
        if not is_given(initial):
            return getattr(ops, name)(a, axis=axis, keepdims=keepdims)
        initial = cast(as_value(initial), a.dtype)
        mask = _chosen(where, shape_of(a))
        mask = np.ones(shape_of(a), bool) if mask is None else mask
        alone = ~np.any(mask, axis=axis, keepdims=keepdims)
        if everywhere(alone):
            return ops.broadcast_to(initial, shape_of(alone))
        x = _kept(a, where, neutral)
        result = getattr(ops, join)(getattr(ops, name)(x, axis=axis, keepdims=keepdims), initial)
        # An initial value that no other competes with does not tie with the replaced ones.
        return result if nowhere(alone) else ops.where(alone, initial, result)

    return extremum


_by_position("sum", total, "axis", "dtype", "out", "keepdims", "initial", "where")
_by_position("mean", mean, "axis", "dtype", "out", "keepdims")
for _name, _traced in (
    ("max", _extremum("max", "maximum", -np.inf)),
    ("min", _extremum("min", "minimum", np.inf)),
):
    _by_position(_name, _traced, "axis", "out", "keepdims", "initial", "where")


# ---- variance ------------------------------------------------------------------------------------


def spread(function: Any, left_out: Callable[[Array], Any] | None = None) -> Traced:
    """Variance or standard deviation with any options, of the values that are not left out.

    Parameters
    ----------
    function : callable
        NumPy's: var, std, nanvar or nanstd.
    left_out : callable, optional
        Which of some values do not count, beside those that the option `where` leaves out.
    """
    is_root = function.__name__.endswith("std")

    @reducing(function)
    def deviation(
        a: Array,
        axis: Any = None,
        dtype: Any = None,
        ddof: Any = 0,
        keepdims: Any = None,
        where: Any = None,
        mean: Any = None,
    ) -> Array:
        x = a
        if dtype is not None:
            kind = np.dtype(dtype)
            x = cast(x, np.result_type(kind, np.complex64) if x.dtype.kind == "c" else kind)
        mask = _chosen(where, shape_of(x))
        if left_out is not None:
            counted = ~left_out(a)
            mask = counted if mask is None else mask & counted
        x = widened(_kept(x, mask, 0))
        count = _count(x, axis, True, mask)
        free = not is_given(mean)
        centre = ops.sum(x, axis=axis, keepdims=True) / count if free else mean
        away = _kept(x - centre, mask, 0)
        squares = ops.real(away * ops.conj(away)) if away.dtype.kind == "c" else away * away
        keepdims = flag(keepdims)
        count = _count(x, axis, keepdims, mask)
        # None left to divide by: NaN or infinite, as NumPy's value, and so is the derivative.
        divisor = ops.maximum(count - ddof, 0)
        result = ops.sum(squares, axis=axis, keepdims=keepdims) / divisor
        if is_root:
            # One value has deviation zero whatever it is, so its derivative is zero and not 0 / 0.
            alone = (count <= 1) & (divisor > 0)
            result = ops.sqrt(ops.where(alone, 1.0, result) if free else result)
        return result

    return deviation


@general("where")
def where(condition: Any) -> Any:
    """Return the places where a condition holds."""
    return np.nonzero(condition)


@general("clip")
def clip(a: Array, a_min: Any = None, a_max: Any = None, out: None = None, **options: Any) -> Array:
    """Clip by bounds that are given as min and max, NumPy 2's names."""
    refuse("clip", out=out)
    if options.keys() & {"min", "max"} and (a_min is not None or a_max is not None):
        raise ValueError(
            "Passing `min` or `max` keyword argument when `a_min` and `a_max` are provided "
            "is forbidden."
        )
    low = options.pop("min") if "min" in options else a_min
    high = options.pop("max") if "max" in options else a_max
    if options:
        refuse("clip", **options)
    return ops.clip(a, low if is_given(low) else None, high if is_given(high) else None)
