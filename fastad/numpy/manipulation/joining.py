"""Joining and splitting: the stack and split families, block, insert, delete, meshgrid."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, KeysView, Sequence, ValuesView
from typing import Any

import numpy as np

from ..memory_order import ordered
from ..registry import (
    ARRAYS,
    NUMPY_2,
    Array,
    as_value,
    at,
    cast,
    composite,
    is_array,
    normalized_axis,
    ops,
    refuse,
    space,
    stand_in,
)
from .shaping import raised_1d, raised_2d, raised_3d

# ---- the stack family --------------------------------------------------------------------------


def _sequence(arrays: Any, function: str) -> list[Array]:
    """Return the arrays to be joined; a single array counts as the sequence of its rows."""
    if not isinstance(arrays, (list, tuple)) and not hasattr(arrays, "__getitem__"):
        raise TypeError(f"numpy.{function}: arrays to stack must be passed as a sequence type")
    return [array if type(array) in ARRAYS else as_value(array) for array in arrays]


def _join(
    arrays: Sequence[Array], axis: int, dtype: Any = None, casting: str = "same_kind"
) -> Array:
    if dtype is None:
        return ops.concatenate(arrays, axis)
    target = np.dtype(dtype)
    for array in arrays:
        if not np.can_cast(array.dtype, target, casting):  # type: ignore[arg-type]
            raise TypeError(f"Cannot cast array data from {array.dtype} to {target} by {casting!r}")
    return ops.concatenate([cast(array, target) for array in arrays], axis)


@composite("stack")
def stack(
    arrays: Any, axis: int = 0, out: None = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Array:
    """Join arrays of one shape along a new axis."""
    refuse("stack", out=out)
    parts = _sequence(arrays, "stack")
    if not parts:
        raise ValueError("need at least one array to stack")
    if len({part.shape for part in parts}) != 1:
        raise ValueError("all input arrays must have the same shape")
    axis = normalized_axis(axis, parts[0].ndim + 1)
    if dtype is None:
        return ops.stack_args(axis, *parts)
    return _join([ops.expand_dims(part, axis) for part in parts], axis, dtype, casting)


@composite("vstack", "row_stack")
def vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Array:
    """Join arrays along the first axis; one-dimensional ones are rows."""
    return _join([raised_2d(part) for part in _sequence(tup, "vstack")], 0, dtype, casting)


@composite("hstack")
def hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Array:
    """Join arrays along the second axis; one-dimensional ones along the first."""
    parts = [raised_1d(part) for part in _sequence(tup, "hstack")]
    return _join(parts, 0 if parts and parts[0].ndim == 1 else 1, dtype, casting)


@composite("dstack")
def dstack(tup: Any) -> Array:
    """Join arrays along the third axis."""
    return _join([raised_3d(part) for part in _sequence(tup, "dstack")], 2)


@composite("column_stack")
def column_stack(tup: Any) -> Array:
    """Join arrays along the second axis; one-dimensional ones are columns."""
    parts = _sequence(tup, "column_stack")
    return _join(
        [ops.reshape(part, (part.size, 1)) if part.ndim < 2 else part for part in parts], 1
    )


def _accepting_iterables(primitive: Any, function: Any) -> Any:
    """A function of the stack family, with a dict's values or a generator as autograd's take."""

    @functools.wraps(function)
    def plain(arrays: Any, *args: Any, **kwargs: Any) -> Array:
        if isinstance(arrays, (Iterator, ValuesView, KeysView)):
            return primitive(list(arrays), *args, **kwargs)
        return function(arrays, *args, **kwargs)

    return plain


for _name in ("concatenate", "stack", "vstack", "row_stack", "hstack", "dstack", "column_stack"):
    space.answer_plain(_name, _accepting_iterables)


@composite("append")
def append(arr: Array, values: Array, axis: int | None = None) -> Array:
    """Join values to the end of an array."""
    arr, values = as_value(arr), as_value(values)
    if axis is None:
        return ops.concatenate([ops.ravel(arr), ops.ravel(values)], 0)
    return ops.concatenate([arr, values], axis)


@composite("block")
def block(arrays: Any) -> Array:
    """Assemble an array from nested lists of blocks."""

    def depth(part: Any) -> int:
        if isinstance(part, tuple):
            raise TypeError("numpy.block: only lists can be used to arrange blocks, not tuples")
        if not isinstance(part, list):
            return 0
        depths = {depth(one) for one in part}
        if not part:
            raise ValueError("List at arrays cannot be empty")
        if len(depths) != 1:
            raise ValueError("numpy.block: list depths are mismatched")
        return 1 + depths.pop()

    def leaves(part: Any) -> list[Array]:
        return (
            [leaf for one in part for leaf in leaves(one)]
            if isinstance(part, list)
            else [as_value(part)]
        )

    levels = depth(arrays)
    ndim = max([levels, *(leaf.ndim for leaf in leaves(arrays))])

    def assemble(part: Any, level: int) -> Array:
        if level == 0:
            value = ops.asarray(part)
            return ops.reshape(value, (1,) * (ndim - value.ndim) + value.shape)
        return ops.concatenate([assemble(one, level - 1) for one in part], ndim - level)

    return assemble(arrays, levels)


# ---- the split family --------------------------------------------------------------------------


@composite("array_split")
def array_split(ary: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """Split into parts, of nearly equal lengths if a number of parts is given."""
    ary = as_value(ary)
    axis = normalized_axis(axis, ary.ndim)
    length = ary.shape[axis]
    if np.ndim(indices_or_sections):
        cuts = [0, *(int(i) for i in indices_or_sections), length]
        if len(cuts) == 2:
            cuts = [0, length]
    else:
        sections = int(indices_or_sections)
        if sections <= 0:
            raise ValueError("number sections must be larger than 0.")
        each, extras = divmod(length, sections)
        sizes = [each + 1] * extras + [each] * (sections - extras)
        cuts = [0, *np.cumsum(sizes).tolist()]
    return [
        ary[at(axis, slice(a, b))] for a, b in zip(cuts[:-1], [*cuts[1:-1], cuts[-1]], strict=True)
    ]


@composite("split")
def split(ary: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """Split into parts, of equal lengths if a number of parts is given."""
    ary = as_value(ary)
    if not np.ndim(indices_or_sections):
        sections = operator.index(indices_or_sections)
        if ary.shape[normalized_axis(axis, ary.ndim)] % sections:
            raise ValueError("array split does not result in an equal division")
    return ops.array_split(ary, indices_or_sections, axis)


def _split_family(name: str, least: int) -> None:
    def traced(ary: Array, indices_or_sections: Any) -> list[Array]:
        ary = as_value(ary)
        if ary.ndim < least:
            raise ValueError(f"{name} only works on arrays of {least} or more dimensions")
        axis = {"vsplit": 0, "hsplit": 1 if ary.ndim > 1 else 0, "dsplit": 2}[name]
        return ops.split(ary, indices_or_sections, axis)

    composite(name)(traced)


_split_family("vsplit", 2)
_split_family("hsplit", 1)
_split_family("dsplit", 3)


@composite("unstack")
def unstack(x: Array, /, *, axis: int = 0) -> tuple[Array, ...]:
    """Split into the arrays that `stack` would join along axis."""
    x = as_value(x)
    if x.ndim == 0:
        raise ValueError("Input array must be at least 1-d.")
    axis = normalized_axis(axis, x.ndim)
    return tuple(x[at(axis, i)] for i in range(x.shape[axis]))


# ---- insert and delete -------------------------------------------------------------------------


@composite("delete")
def delete(arr: Array, obj: Any, axis: int | None = None) -> Array:
    """Leave out places along an axis."""
    arr = as_value(arr)
    if axis is None:
        arr, axis = ops.ravel(arr), 0
    axis = normalized_axis(axis, arr.ndim)
    places = np.delete(np.arange(arr.shape[axis]), obj)
    if arr.ndim == 1:
        return arr[places]
    result = arr[at(axis, places)]
    # One place or a slice is cut out of a new array, several are left out by a mask.
    return ordered(result, "K", np.delete(stand_in(arr), obj, axis))


@composite("insert")
def insert(arr: Array, obj: Any, values: Array, axis: int | None = None) -> Array:
    """Insert values along an axis, before the given places."""
    arr = as_value(arr)
    if not is_array(values):
        np.asarray(stand_in(values), arr.dtype)  # raises where they do not fit
    values = as_value(values)
    # NumPy inserts positions instead of values, so that obj means what it means there.
    kept = np.arange(arr.size).reshape(arr.shape)
    added = arr.size + np.arange(values.size).reshape(values.shape)
    positions = np.insert(kept, obj, added, axis)
    pool = ops.concatenate([ops.ravel(arr), cast(ops.ravel(values), arr.dtype)], 0)
    return ordered(pool[positions], "A", arr)


# ---- broadcasting several ----------------------------------------------------------------------


@composite("broadcast_arrays")
def broadcast_arrays(*args: Array, subok: bool = False) -> Any:
    """Broadcast arrays against each other."""
    arrays = [as_value(array) for array in args]
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    results = [
        array if array.shape == shape and is_array(array) else ops.broadcast_to(array, shape)
        for array in arrays
    ]
    return tuple(results) if NUMPY_2 else results


@composite("meshgrid")
def meshgrid(*xi: Array, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """Coordinate arrays from coordinate vectors."""
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    ndim = len(xi)
    vectors = [ops.ravel(as_value(x)) for x in xi]
    axes = list(range(ndim))
    if indexing == "xy" and ndim > 1:
        axes[:2] = 1, 0
    shape = [0] * ndim
    for axis, vector in zip(axes, vectors, strict=True):
        shape[axis] = vector.size
    grids = [
        ops.reshape(vector, tuple(-1 if i == axis else 1 for i in range(ndim)))
        for axis, vector in zip(axes, vectors, strict=True)
    ]
    if not sparse:
        grids = [ops.broadcast_to(grid, tuple(shape)) for grid in grids]
    if copy:
        grids = [ordered(grid) for grid in grids]
    return tuple(grids) if NUMPY_2 else grids
