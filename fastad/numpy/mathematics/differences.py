"""Differences: diff, ediff1d, gradient, trapezoid."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..memory_order import ordered
from ..registry import (
    Array,
    as_value,
    at,
    cast,
    composite,
    is_given,
    isbox,
    normalized_axes,
    normalized_axis,
    ops,
    shape_of,
)

# ---- differences -------------------------------------------------------------------------------


@composite("diff")
def diff(a: Array, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Array:
    """The n-th difference along an axis."""
    if n == 0:
        return a
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n!r}")
    a = as_value(a)
    if a.ndim == 0:
        raise ValueError("diff requires input that is at least one dimensional")
    axis = normalized_axis(axis, a.ndim)

    def extension(value: Any) -> Array:
        value = as_value(value)
        if value.ndim:
            return value
        return ops.broadcast_to(value, (*a.shape[:axis], 1, *a.shape[axis + 1 :]))

    parts = [extension(prepend)] if is_given(prepend) else []
    parts.append(a)
    if is_given(append):
        parts.append(extension(append))
    if len(parts) > 1:
        a = ops.concatenate(parts, axis)
    for _ in range(n):
        a = a[at(axis, slice(1, None))] - a[at(axis, slice(None, -1))]
    return a


@composite("ediff1d")
def ediff1d(ary: Array, to_end: Any = None, to_begin: Any = None) -> Array:
    """Differences between neighbours of the flattened array, with values before and behind."""
    flat = ops.ravel(as_value(ary))
    result = flat[1:] - flat[:-1]
    parts = [result]
    for place, value in ((0, to_begin), (len(parts) + 1, to_end)):
        if value is not None:
            value = ops.ravel(as_value(value))
            if not np.can_cast(value.dtype, flat.dtype, "same_kind"):
                raise TypeError(f"Cannot cast array data from {value.dtype} to {flat.dtype}")
            parts.insert(place, cast(value, flat.dtype))
    return ops.concatenate(parts, 0) if len(parts) > 1 else result


def _spacings(f: Array, axes: tuple[int, ...], varargs: tuple[Any, ...]) -> list[Any]:
    """NumPy's reading of the spacing arguments: a scalar or the differences for each axis."""
    if not varargs:
        return [1.0] * len(axes)
    if len(varargs) == 1 and len(shape_of(varargs[0])) == 0:
        return list(varargs) * len(axes)
    if len(varargs) != len(axes):
        raise TypeError("invalid number of arguments")
    spacings = []
    for axis, given in zip(axes, varargs, strict=True):
        if len(shape_of(given)) == 0:
            spacings.append(given)
            continue
        distances = as_value(given)
        if distances.ndim != 1:
            raise ValueError("distances must be either scalars or 1d")
        if distances.shape[0] != f.shape[axis]:
            raise ValueError(
                "when 1d, distances must match the length of the corresponding dimension"
            )
        if distances.dtype.kind in "iu":
            distances = distances.astype(np.float64)
        steps = distances[1:] - distances[:-1]
        # NumPy reduces equal steps to one: for traced distances that is a value, not a derivative.
        uniform = not isbox(steps) and bool((steps == steps[0]).all())
        spacings.append(steps[0] if uniform else steps)
    return spacings


def _weighted(values: Array, weights: Any, places: tuple[Any, ...], ndim: int, axis: int) -> Array:
    """``a * f[i] + b * f[j] + c * f[k]``, the weights laid along axis if they are arrays."""
    terms = []
    for weight, place in zip(weights, places, strict=True):
        if len(shape_of(weight)):
            weight = ops.reshape(weight, tuple(-1 if i == axis else 1 for i in range(ndim)))
        terms.append(weight * values[at(axis, place)])
    return terms[0] + terms[1] + terms[2]


def _edge(f: Array, step: Any, axis: int, at_start: bool, order: int) -> Array:
    """One-sided difference at one end of an axis, of first or second order."""
    uniform = len(shape_of(step)) == 0
    if order == 1:
        near = step if uniform else step[0 if at_start else -1]
        upper, lower = (1, 0) if at_start else (-1, -2)
        return (f[at(axis, upper)] - f[at(axis, lower)]) / near
    weights: tuple[Any, ...]
    places: tuple[int, ...] = (0, 1, 2) if at_start else (-3, -2, -1)
    if uniform:
        weights = (
            (-1.5 / step, 2.0 / step, -0.5 / step)
            if at_start
            else (0.5 / step, -2.0 / step, 1.5 / step)
        )
    else:
        d1, d2 = (step[0], step[1]) if at_start else (step[-2], step[-1])
        both = d1 + d2
        if at_start:
            weights = (-(2.0 * d1 + d2) / (d1 * both), both / (d1 * d2), -d1 / (d2 * both))
        else:
            weights = (d2 / (d1 * both), -(d2 + d1) / (d1 * d2), (2.0 * d2 + d1) / (d2 * both))
    return _weighted(f, weights, places, f.ndim, axis)


def _derivative_along(f: Array, step: Any, axis: int, order: int) -> Array:
    if len(shape_of(step)) == 0:
        rise = f[at(axis, slice(2, None))] - f[at(axis, slice(None, -2))]
        interior = rise / (2.0 * step)
    else:
        d1, d2 = step[:-1], step[1:]
        weights = (-d2 / (d1 * (d1 + d2)), (d2 - d1) / (d1 * d2), d1 / (d2 * (d1 + d2)))
        places = (slice(None, -2), slice(1, -1), slice(2, None))
        interior = _weighted(f, weights, places, f.ndim, axis)
    first = ops.expand_dims(_edge(f, step, axis, True, order), axis)
    last = ops.expand_dims(_edge(f, step, axis, False, order), axis)
    dtype = f.dtype if f.dtype.kind in "fc" else np.dtype(np.float64)
    return cast(ops.concatenate([first, interior, last], axis), dtype)


@composite("gradient")
def gradient(f: Array, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Central differences along axes, with given (traced) spacings or coordinates."""
    f = as_value(f)
    axes = normalized_axes(axis, f.ndim)
    spacings = _spacings(f, axes, varargs)
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    if f.dtype.kind in "iub":
        f = f.astype(np.float64)
    if any(f.shape[one] < edge_order + 1 for one in axes):
        raise ValueError(
            "Shape of array too small to calculate a numerical gradient, "
            "at least (edge_order + 1) elements are required."
        )
    results = [
        ordered(_derivative_along(f, step, one, edge_order), "K", f)
        for one, step in zip(axes, spacings, strict=True)
    ]
    if len(results) == 1:
        return results[0]
    return tuple(results) if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else results


@composite("trapezoid", "trapz")
def trapezoid(y: Array, x: Array | None = None, dx: Any = 1.0, axis: int = -1) -> Array:
    """Integral along an axis by the trapezoidal rule."""
    y = as_value(y)
    axis = normalized_axis(axis, y.ndim)
    if x is None:
        steps = dx
    else:
        points: Any = as_value(x)
        if points.ndim == 1:
            steps = ops.diff(points)
            steps = ops.reshape(steps, tuple(-1 if i == axis else 1 for i in range(y.ndim)))
        else:
            steps = ops.diff(points, axis=axis)
    pairs = y[at(axis, slice(1, None))] + y[at(axis, slice(None, -1))]
    return ops.sum(steps * pairs / 2.0, axis=axis)
