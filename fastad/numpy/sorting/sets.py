"""Selections whose shape depends on the values: unique and the set routines, trim_zeros, ix_."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..registry import (
    Array,
    as_value,
    cast,
    composite,
    derivative_of,
    getitem,
    normalized_axis,
    numpy_function,
    ops,
    primal,
)


def _picked(source: Array, value: Array) -> Array:
    """Return values that all occur in source, each from its first occurrence."""
    source = ops.ravel(source)
    order = np.argsort(primal(source), kind="stable")
    places = np.searchsorted(getitem(primal(source), order), primal(value))
    return getitem(source, getitem(order, places))


@derivative_of("unique")
def unique(
    ar: Array,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    **options: Any,
) -> Any:
    """Unique values (along an axis), and on request where they stand."""
    ar = as_value(ar)
    given = {"return_inverse": return_inverse, "return_counts": return_counts, **options}
    found = np.unique(primal(ar), return_index=True, axis=axis, **given)
    source = ops.ravel(ar) if axis is None else ar
    along = 0 if axis is None else normalized_axis(axis, ar.ndim)
    values = ops.take(source, found[1], along)
    if not options.get("sorted", True) and axis is None:
        # Which order it is then only NumPy knows.
        values = _picked(source, np.unique(primal(ar), **options))
    rest = found[1:] if return_index else found[2:]
    return (values, *rest) if rest else values


def _unique_family(name: str) -> None:
    def derivative(x: Array) -> Any:
        x = as_value(x)
        found = getattr(np, name)(primal(x))
        if isinstance(found, tuple):
            return (_picked(x, found[0]), *found[1:])
        return _picked(x, found)

    derivative_of(name)(derivative)


for _name in ("unique_all", "unique_counts", "unique_inverse", "unique_values"):
    if numpy_function(_name) is not None:
        _unique_family(_name)


def _of_both(function: Any, ar1: Array, ar2: Array, *options: Any) -> Array:
    value = function(primal(ar1), primal(ar2), *options)
    both = [cast(as_value(values), value.dtype) for values in (ar1, ar2)]
    return _picked(ops.concatenate(both, None), value)


@derivative_of("union1d")
def union1d(ar1: Array, ar2: Array) -> Array:
    """Values of either array, sorted."""
    return _of_both(np.union1d, ar1, ar2)


@derivative_of("intersect1d")
def intersect1d(
    ar1: Array, ar2: Array, assume_unique: bool = False, return_indices: bool = False
) -> Any:
    """Values of both arrays, with the derivatives of the first."""
    found: Any = np.intersect1d(primal(ar1), primal(ar2), assume_unique, True)
    values = _picked(as_value(ar1), found[0])
    return (values, *found[1:]) if return_indices else values


@derivative_of("setdiff1d")
def setdiff1d(ar1: Array, ar2: Array, assume_unique: bool = False) -> Array:
    """Values of the first array that are not in the second."""
    return _picked(as_value(ar1), np.setdiff1d(primal(ar1), primal(ar2), assume_unique))


@derivative_of("setxor1d")
def setxor1d(ar1: Array, ar2: Array, assume_unique: bool = False) -> Array:
    """Values of one array and not of both."""
    return _of_both(np.setxor1d, ar1, ar2, assume_unique)


@derivative_of("trim_zeros")
def trim_zeros(filt: Array, trim: Any = "fb", axis: Any = None) -> Array:
    """Cut zeros off the ends, of one dimension or of each axis."""
    filt = ops.asarray(filt)
    options = {} if axis is None else {"axis": axis}
    shape = np.trim_zeros(primal(filt), trim, **options).shape
    places = []
    for i, length in enumerate(shape):
        others = tuple(j for j in range(filt.ndim) if j != i)
        front = "f" in trim.lower() and length != filt.shape[i]
        start = np.argmax(np.any(primal(filt) != 0, axis=others)) if front else 0
        places.append(start + np.arange(length))
    return getitem(filt, np.ix_(*places))


@composite("ix_")
def ix_(*args: Array) -> tuple[Array, ...]:
    """Shape sequences into an open mesh; those of truth values into the places of True."""
    meshes = []
    for k, given in enumerate(args):
        values = as_value(given)
        if values.ndim != 1:
            raise ValueError("Cross index must be 1 dimensional")
        if values.size == 0 and isinstance(given, (list, tuple)):
            values = values.astype(np.intp)
        if values.dtype.kind == "b":
            values = np.flatnonzero(values)
        meshes.append(ops.reshape(values, (1,) * k + (-1,) + (1,) * (len(args) - k - 1)))
    return tuple(meshes)
