"""Operations that select values: sort, partition, take, select, choose, compress, piecewise."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..._core import matched_places, sorted_places
from ..memory_order import ordered
from ..registry import (
    Array,
    as_value,
    at,
    cast,
    composite,
    constant,
    defjvp,
    defvjp,
    getitem,
    helper,
    is_array,
    isbox,
    normalized_axis,
    ops,
    primal,
    refuse,
    shape_of,
    stand_in,
)

# ---- sort and partition ------------------------------------------------------------------------


def _flat(places: Any, shape: tuple[int, ...], axis: int) -> Any:
    """Return places along an axis as places in the flattened array."""
    if len(shape) == 1:
        return places
    inner = math.prod(shape[axis + 1 :])
    apart = (math.prod(shape[:axis]), shape[axis], inner)
    lines = np.arange(apart[0]).reshape(-1, 1, 1) * (shape[axis] * inner) + np.arange(inner)
    return (np.reshape(places, apart) * inner + lines).reshape(shape)


def _permuted_sort(x: Array, ans: Array, axis: int, *rest: Any) -> Any:
    """Return the order in which sort holds x: ``ans = take_along_axis(x, order, axis)``."""
    return np.argsort(primal(x), axis=axis, kind="stable")


def _permuted_partition(x: Array, ans: Array, axis: int, kth: Any, kind: Any) -> Any:
    """Return the order in which partition holds x.

    It is argpartition's where both put the same values into every place, which NumPy does not
    promise; else both are ranked by a sort.
    """
    x, ans = primal(x), primal(ans)
    if not isbox(x) and not isbox(ans):
        order = np.argpartition(x, kth, axis=axis, kind=kind)
        same = (x[order] if x.ndim == 1 else np.take_along_axis(x, order, axis)) == ans
        if np.count_nonzero(same) == same.size:
            return order
    from_x, from_ans = (np.argsort(one, axis=axis) for one in (x, ans))
    if isbox(from_x) or isbox(from_ans):
        return np.take_along_axis(from_x, np.argsort(from_ans, axis=axis), axis)
    order = np.empty_like(from_x)
    np.put_along_axis(order, from_ans, from_x, axis)
    return order


# Of another one NumPy says what is wrong.
KINDS = (None, "quicksort", "heapsort", "mergesort", "stable")


@helper
def _sort(x: Array, axis: int, kind: Any) -> Array:
    return np.sort(x, axis=axis, kind=kind)


@helper
def _partition(x: Array, axis: int, kth: Any, kind: Any) -> Array:
    return np.partition(x, kth, axis=axis, kind=kind)


def _permuting(primitive: Any, order: Callable[..., Any]) -> None:
    def vjp(ans: Array, x: Array, axis: int, *rest: Any) -> Any:
        found = order(x, ans, axis, *rest)
        if isbox(found):
            inverse = np.argsort(found, axis=axis)
            return lambda g: ops.take_along_axis(g, inverse, axis)
        shape = found.shape
        places = _flat(found, shape, axis)
        if len(shape) == 1:
            return lambda g: ops.scatter(np.zeros(shape), places, g)
        size = math.prod(shape)
        return lambda g: ops.reshape(ops.scatter(np.zeros(size), places, g), shape)

    def jvp(t: Array, ans: Array, x: Array, axis: int, *rest: Any) -> Array:
        return ops.take_along_axis(t, order(x, ans, axis, *rest), axis)

    defvjp(primitive, vjp)
    defjvp(primitive, jvp)


_permuting(_sort, _permuted_sort)
_permuting(_partition, _permuted_partition)


@composite("sort")
def sort(
    a: Array,
    axis: int | None = -1,
    kind: Any = None,
    order: None = None,
    *,
    stable: bool | None = None,
) -> Array:
    """Sort along an axis; equal values keep their order for the derivative."""
    if order is not None:
        refuse("sort", order=order)
    a = as_value(a)
    if axis is None:
        a, axis = ops.ravel(a), -1
    axis, plain = normalized_axis(axis, a.ndim), primal(a)
    if kind in KINDS and not isbox(plain):
        # Where the order says what the values are, it is value and derivative.
        places = sorted_places(plain, axis)
        if places is not None:
            return getitem(a if a.ndim == 1 else ops.ravel(a), places)
    return _sort(a, axis, "stable" if stable else kind)


@composite("msort")
def msort(a: Array) -> Array:
    """Sort along the first axis."""
    return ops.sort(a, axis=0)


@composite("partition")
def partition(
    a: Array, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: None = None
) -> Array:
    """Partition along an axis around the values at the places kth."""
    if order is not None:
        refuse("partition", order=order)
    a = as_value(a)
    if axis is None:
        a, axis = ops.ravel(a), -1
    axis, plain = normalized_axis(axis, a.ndim), primal(a)
    if not isbox(plain):
        places = matched_places(plain, np.partition(plain, kth, axis, kind), axis)
        if places is not None:
            return getitem(a if a.ndim == 1 else ops.ravel(a), places)
    return _partition(a, axis, kth, kind)


# ---- taking ------------------------------------------------------------------------------------


def _in_range(indices: Any, length: int, mode: Any) -> Any:
    """Return indices as NumPy's modes 'raise', 'wrap' and 'clip' read them."""
    given = constant(indices)
    if mode == "raise" and type(given) is np.ndarray and given.dtype == np.intp:
        return given
    places = as_value(given)
    if is_array(given) and not np.can_cast(places.dtype, np.intp, "same_kind"):
        raise TypeError(f"Cannot cast array data from {places.dtype} to an index")
    places = cast(places, np.dtype(np.intp))
    if not isinstance(mode, str):
        np.take(0, 0, mode=mode)  # raises unless it is one of NumPy's constants
        mode = {0: "clip", 1: "wrap"}.get(mode, "raise")
    if mode == "wrap":
        return places % length
    if mode == "clip":
        return np.clip(places, 0, length - 1)
    if mode != "raise":
        raise ValueError(f"clipmode must be one of 'clip', 'raise' or 'wrap', not {mode!r}")
    return places


@composite("take")
def take(
    a: Array, indices: Any, axis: int | None = None, out: None = None, mode: Any = "raise"
) -> Array:
    """Take the values at indices along an axis; a number is taken from along axis 0."""
    if out is not None:
        refuse("take", out=out)
    a = as_value(a)
    if axis is None or (a.ndim == 0 and axis in (0, -1)):
        a, axis = ops.ravel(a), 0
    axis = normalized_axis(axis, a.ndim)
    places = _in_range(indices, a.shape[axis], mode)
    if a.ndim == 1 and len(shape_of(places)) == 1:
        return getitem(a, places)
    return ordered(getitem(a, at(axis, places)))


@composite("take_along_axis")
def take_along_axis(arr: Array, indices: Any, axis: int | None = -1) -> Array:
    """Take values by one index array for each line along an axis."""
    arr = as_value(arr)
    places = as_value(constant(indices))
    if axis is None:
        if places.ndim != 1:
            raise ValueError("when axis=None, `indices` must have a single dimension.")
        arr, axis = ops.ravel(arr), 0
    axis = normalized_axis(axis, arr.ndim)
    if places.dtype.kind not in "iu":
        raise IndexError("`indices` must be an integer array")
    if places.ndim != arr.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    lines = [
        places if i == axis else np.arange(n).reshape((-1,) + (1,) * (arr.ndim - i - 1))
        for i, n in enumerate(arr.shape)
    ]
    return getitem(arr, tuple(lines))


@composite("compress")
def compress(condition: Any, a: Array, axis: int | None = None, out: None = None) -> Array:
    """Take the places along an axis where a condition holds."""
    if out is not None:
        refuse("compress", out=out)
    a = as_value(a)
    if axis is None:
        a, axis = ops.ravel(a), 0
    chosen = as_value(constant(condition))
    if chosen.ndim != 1:
        raise ValueError("condition must be a 1-d array")
    return ordered(getitem(a, at(normalized_axis(axis, a.ndim), np.flatnonzero(chosen))))


@composite("extract")
def extract(condition: Any, arr: Array) -> Array:
    """Take the values of a flattened array where a condition holds."""
    return getitem(ops.ravel(as_value(arr)), np.flatnonzero(constant(condition)))


# ---- choosing between arrays -------------------------------------------------------------------


@composite("select")
def select(condlist: Any, choicelist: Any, default: Array = 0) -> Array:
    """Choose each value from the first choice whose condition holds."""
    # NumPy's own run checks the conditions, and knows the dtype that the choices lead to.
    conditions = [*map(constant, condlist)]
    condition_values: Any = [*map(stand_in, conditions)]
    choice_values: Any = [*map(stand_in, choicelist)]
    value = np.select(condition_values, choice_values, stand_in(default))
    result = ops.broadcast_to(cast(as_value(default), value.dtype), value.shape)
    for condition, choice in zip(reversed(conditions), reversed(list(choicelist))):
        result = ops.where(condition, cast(as_value(choice), value.dtype), result)
    return ordered(result)


MODES = ("raise", "wrap", "clip")
MANY = 3  # arrays, that are sooner chosen from by conditions than by places in all of them


def _fit_places(a: Any, arrays: list[Any]) -> bool:
    """Tell whether places are in range, and all arrays doubles of their shape."""
    if a.dtype != np.intp or not a.size:
        return False
    if np.maximum.reduce(a.view(np.uintp), axis=None) >= len(arrays):  # negative ones are large
        return False
    return all(getattr(x, "dtype", None) == np.float64 and x.shape == a.shape for x in arrays)


@composite("choose")
def choose(a: Any, choices: Any, out: None = None, mode: Any = "raise") -> Array:
    """Choose each value from the array that an index names."""
    if out is not None:
        refuse("choose", out=out)
    arrays = list(choices)
    if type(a) is np.ndarray and mode in MODES and _fit_places(a, arrays):
        if len(arrays) <= MANY:
            chosen = arrays[0]
            for i, array in enumerate(arrays[1:], 1):
                chosen = ops.where(a == i, array, chosen)
            return chosen if len(arrays) > 1 else ops.copy(chosen)
        places = a * a.size + np.arange(a.size).reshape(a.shape)
        return getitem(ops.ravel(ops.stack(arrays)), places)
    # NumPy's own run checks the indices, and knows to what dtype numbers among the choices lead.
    value = np.choose(stand_in(constant(a)), stand_in(arrays), mode=mode)
    which = _in_range(a, len(arrays), mode)
    stacked = ops.stack(
        [ops.broadcast_to(cast(as_value(array), value.dtype), value.shape) for array in arrays]
    )
    chosen = ops.take_along_axis(stacked, np.broadcast_to(which, value.shape)[None], 0)[0]
    return ordered(chosen)


@composite("piecewise")
def piecewise(x: Array, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Array:
    """Evaluate each function where its condition holds, on those values only."""
    x, conditions = as_value(x), constant(condlist)
    constants: Any = [0] * len(funclist)
    models: Any = stand_in(conditions)
    np.piecewise(stand_in(x), models, constants)  # raises where they do not fit
    if np.ndim(models) == 0 or (x.ndim and np.ndim(models[0]) == 0):
        conditions = [conditions]
    given = [cast(as_value(one), np.dtype(bool)) for one in conditions]
    if len(given) < len(funclist):
        given.append(~functools.reduce(np.logical_or, given))
    flat = ops.ravel(x)
    result: Array = np.zeros(flat.size, x.dtype)
    for condition, function in zip(given, funclist, strict=True):
        mask = np.ravel(np.broadcast_to(condition, x.shape))
        places = np.flatnonzero(mask)
        if places.size == 0:
            continue
        value = function(getitem(flat, places), *args, **kw) if callable(function) else function
        value = cast(ops.broadcast_to(as_value(value), places.shape), x.dtype)
        number = np.maximum(np.cumsum(mask) - 1, 0)
        result = ops.where(mask, getitem(value, number), result)
    return ordered(ops.reshape(result, x.shape), "K", x)


# ---- dtype-dependent views ---------------------------------------------------------------------


@composite("real_if_close")
def real_if_close(a: Array, tol: float = 100) -> Array:
    """Real part if all imaginary parts are close to zero, else the array itself."""
    a = as_value(a)
    if a.dtype.kind == "c":
        # Counted in machine epsilons, unless it is less than one.
        bound = tol * np.finfo(a.dtype).eps if tol > 1 else tol
        if np.all(np.abs(primal(a).imag) < bound):
            a = ops.real(a)
    return a if is_array(a) else ops.broadcast_to(a, ())


@composite("sort_complex")
def sort_complex(a: Array) -> Array:
    """Sort along the last axis; the result is complex."""
    result = ops.sort(as_value(a))
    if result.dtype.kind == "c":
        return result
    return cast(result, np.sort_complex(np.zeros(1, result.dtype)).dtype)
