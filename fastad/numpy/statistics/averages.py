"""Weighted means: average."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..registry import (
    Array,
    as_value,
    cast,
    composite,
    flag,
    normalized_axes,
    ops,
    primal,
    shape_of,
)


@composite("average")
def average(
    a: Array,
    axis: Any = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: Any = False,
) -> Any:
    """Mean over axes, with (traced) weights."""
    a = as_value(a)
    keepdims = flag(keepdims)
    axis = None if axis is None else normalized_axes(axis, a.ndim)
    if weights is None:
        result = ops.mean(a, axis=axis, keepdims=keepdims)
        scale = result.dtype.type(a.size / result.size)
    else:
        weights = as_value(weights)
        integers = a.dtype.kind in "iub"
        dtype = np.result_type(a.dtype, weights.dtype, *(["f8"] if integers else []))
        if a.shape != weights.shape:
            if axis is None:
                raise TypeError("Axis must be specified when shapes of a and weights differ.")
            if weights.shape != tuple(a.shape[one] for one in axis):
                raise ValueError(
                    "Shape of weights must be consistent with shape of a along specified axis."
                )
            weights = ops.transpose(weights, tuple(int(i) for i in np.argsort(axis)))
            weights = ops.reshape(
                weights, tuple(n if i in axis else 1 for i, n in enumerate(a.shape))
            )
        scale = ops.sum(cast(weights, dtype), axis=axis, keepdims=keepdims)
        if np.any(primal(scale) == 0.0):
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")
        product = cast(a, dtype) * cast(weights, dtype)
        result = ops.sum(product, axis=axis, keepdims=keepdims) / scale
    if not returned:
        return result
    if shape_of(scale) != shape_of(result):
        scale = ops.copy(ops.broadcast_to(scale, shape_of(result)))
    return result, scale
