"""Selections whose shape depends on the values: unique and the set routines, trim_zeros, ix_."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..registry import Array, as_value, cast, composite, getval, normalized_axis, ops, plain
from ..values import valued


def _picked(source: Array, value: Array) -> Array:
    """Return values that all occur in source, each with the derivative of its first occurrence."""
    source = ops.ravel(source)
    order = np.argsort(getval(source), kind="stable")
    places = np.searchsorted(getval(source)[order], value)
    return valued(ops.astype(source[order[places]], value.dtype), value)


@composite("unique")
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
    found = np.unique(getval(ar), return_index=True, axis=axis, **given)
    source = ops.ravel(ar) if axis is None else ar
    along = 0 if axis is None else normalized_axis(axis, ar.ndim)
    value = found[0]
    if not options.get("sorted", True):  # which order it is then only NumPy knows
        value = np.unique(getval(ar), axis=axis, **options)
        values = _picked(source, value) if axis is None else ops.take(source, found[1], along)
    else:
        values = valued(ops.take(source, found[1], along), value)
    rest = found[1:] if return_index else found[2:]
    return (values, *rest) if rest else values


def _unique_family(name: str) -> None:
    def traced(x: Array) -> Any:
        x = as_value(x)
        found = getattr(np, name)(getval(x))
        if isinstance(found, tuple):
            return found._replace(values=_picked(x, found.values))  # type: ignore[attr-defined]
        return _picked(x, found)

    composite(name)(traced)


for _name in ("unique_all", "unique_counts", "unique_inverse", "unique_values"):
    _unique_family(_name)


@composite("union1d")
def union1d(ar1: Array, ar2: Array) -> Array:
    """Values of either array, sorted."""
    value = np.union1d(plain(ar1), plain(ar2))
    both = [cast(as_value(values), value.dtype) for values in (ar1, ar2)]
    return _picked(ops.concatenate(both, None), value)


@composite("intersect1d")
def intersect1d(
    ar1: Array, ar2: Array, assume_unique: bool = False, return_indices: bool = False
) -> Any:
    """Values of both arrays, with the derivatives of the first."""
    ar1, ar2 = as_value(ar1), as_value(ar2)
    found = np.intersect1d(getval(ar1), getval(ar2), assume_unique, True)
    values = _picked(ar1, found[0])
    return (values, *found[1:]) if return_indices else values


@composite("setdiff1d")
def setdiff1d(ar1: Array, ar2: Array, assume_unique: bool = False) -> Array:
    """Values of the first array that are not in the second."""
    ar1 = as_value(ar1)
    return _picked(ar1, np.setdiff1d(getval(ar1), getval(as_value(ar2)), assume_unique))


@composite("setxor1d")
def setxor1d(ar1: Array, ar2: Array, assume_unique: bool = False) -> Array:
    """Values of one array and not of both."""
    value = np.setxor1d(plain(ar1), plain(ar2), assume_unique)
    both = [cast(as_value(values), value.dtype) for values in (ar1, ar2)]
    return _picked(ops.concatenate(both, None), value)


@composite("trim_zeros")
def trim_zeros(filt: Array, trim: Any = "fb", axis: Any = None) -> Array:
    """Cut zeros off the ends, of one dimension or of each axis."""
    filt = as_value(filt)
    options = {} if axis is None else {"axis": axis}
    value = np.trim_zeros(getval(filt), trim, **options)
    places = np.argwhere(getval(filt) != 0)
    bounds = []
    for i, length in enumerate(value.shape):
        front = "f" in trim.lower() and len(places) and length != filt.shape[i]
        start = int(places[:, i].min()) if front else 0
        bounds.append(slice(start, start + length))
    return valued(filt[tuple(bounds)], value)


@composite("ix_")
def ix_(*args: Array) -> tuple[Array, ...]:
    """Shape sequences into an open mesh; those of truth values into the places of True."""
    meshes = np.ix_(*map(plain, args))
    return tuple(
        ops.reshape(as_value(one), mesh.shape) if as_value(one).dtype == mesh.dtype else mesh
        for one, mesh in zip(args, meshes, strict=True)
    )
