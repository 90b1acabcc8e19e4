"""Functions applied along axes: apply_along_axis, apply_over_axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .registry import Array, as_value, composite, normalized_axis, ops


@composite("apply_along_axis")
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Array, *args: Any, **kwargs: Any
) -> Array:
    """Apply a function to each line along an axis, and stack what it returns."""
    arr = as_value(arr)
    axis = normalized_axis(axis, arr.ndim)
    lines = ops.moveaxis(arr, axis, -1)
    lead = lines.shape[:-1]
    if not np.prod(lead, dtype=int):
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    results = [as_value(func1d(lines[place], *args, **kwargs)) for place in np.ndindex(*lead)]
    shape = results[0].shape
    stacked = ops.reshape(ops.stack(results), lead + shape)
    last = tuple(range(len(lead), len(lead) + len(shape)))
    return ops.moveaxis(stacked, last, tuple(range(axis, axis + len(shape))))


@composite("apply_over_axes")
def apply_over_axes(func: Callable[..., Any], a: Array, axes: Any) -> Array:
    """Apply a function of an array and an axis repeatedly, over several axes."""
    result = ops.asarray(a)
    ndim = result.ndim
    for axis in np.atleast_1d(axes):
        axis = int(axis) + (ndim if axis < 0 else 0)
        changed = as_value(func(result, axis))
        if changed.ndim != result.ndim:
            changed = ops.expand_dims(changed, axis)
        if changed.ndim != result.ndim:
            raise ValueError("function is not returning an array of the correct shape")
        result = changed
    return result
