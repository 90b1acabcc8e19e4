"""Operations that only move values: flip, roll, repeat, tile, diag, tril, atleast_nd."""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np

from ..._core import moves_elements
from ..memory_order import ordered
from ..registry import (
    Array,
    as_value,
    at,
    composite,
    defjvp,
    defvjp,
    helper,
    normalized_axes,
    normalized_axis,
    ops,
    shape_of,
)

# ---- axes --------------------------------------------------------------------------------------


@composite("rollaxis")
def rollaxis(a: Array, axis: int, start: int = 0) -> Array:
    """Move an axis so that it lies before the axis that was at start."""
    a = as_value(a)
    axis = normalized_axis(axis, a.ndim)
    if not -a.ndim <= start <= a.ndim:
        raise np.exceptions.AxisError(f"start arg requires {-a.ndim} <= start < {a.ndim + 1}")
    start = start + a.ndim if start < 0 else start
    order = list(range(a.ndim))
    order.remove(axis)
    order.insert(start - 1 if axis < start else start, axis)
    return ops.transpose(a, tuple(order))


@composite("matrix_transpose", "linalg.matrix_transpose")
def matrix_transpose(x: Array, /) -> Array:
    """Swap the last two axes."""
    x = as_value(x)
    if x.ndim < 2:
        raise ValueError(f"Input array must be at least 2-dimensional, but it is {x.ndim}")
    return ops.swapaxes(x, -1, -2)


def _at_least(name: str, raised: Any) -> None:
    def traced(*arys: Array) -> Any:
        results = [raised(as_value(array)) for array in arys]
        if len(results) == 1:
            return results[0]
        return tuple(results) if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else results

    composite(name)(traced)


def raised_1d(x: Array) -> Array:
    """Return x with at least one axis."""
    return ops.reshape(x, (1,)) if x.ndim == 0 else x


def raised_2d(x: Array) -> Array:
    """Return x with at least two axes."""
    return ops.reshape(x, (1,) * (2 - x.ndim) + x.shape) if x.ndim < 2 else x


def raised_3d(x: Array) -> Array:
    """Return x with at least three axes."""
    if x.ndim == 2:
        return ops.reshape(x, (*x.shape, 1))
    return ops.reshape(x, (1, *x.shape, 1) if x.ndim == 1 else (1, 1, 1)) if x.ndim < 2 else x


_at_least("atleast_1d", raised_1d)
_at_least("atleast_2d", raised_2d)
_at_least("atleast_3d", raised_3d)


# ---- order along axes --------------------------------------------------------------------------

BACKWARDS = slice(None, None, -1)


@composite("flip")
def flip(m: Array, axis: Any = None) -> Array:
    """Reverse the order along axes."""
    m = as_value(m)
    ndim = m.ndim
    if axis is None and ndim:
        return m[(BACKWARDS,) * ndim]
    axes = normalized_axes(axis, ndim)
    if not ndim:
        return ops.reshape(m, ())[()]
    return m[tuple([BACKWARDS if i in axes else slice(None) for i in range(ndim)])]


@composite("flipud")
def flipud(m: Array) -> Array:
    """Reverse the order along the first axis."""
    m = as_value(m)
    if m.ndim < 1:
        raise ValueError("Input must be >= 1-d.")
    return m[::-1]


@composite("fliplr")
def fliplr(m: Array) -> Array:
    """Reverse the order along the second axis."""
    m = as_value(m)
    if m.ndim < 2:
        raise ValueError("Input must be >= 2-d.")
    return m[:, ::-1]


@composite("rot90")
def rot90(m: Array, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    """Rotate by k quarter turns in the plane of two axes."""
    m = as_value(m)
    if len(axes) != 2:
        raise ValueError("len(axes) must be 2.")
    first, second = (normalized_axis(axis, m.ndim) for axis in axes)
    if first == second:
        raise ValueError("Axes must be different.")
    k %= 4
    if k == 0:
        return m[:]
    if k == 2:
        return ops.flip(m, (first, second))
    if k == 1:
        return ops.swapaxes(ops.flip(m, second), first, second)
    return ops.flip(ops.swapaxes(m, first, second), second)


@composite("roll")
def roll(a: Array, shift: Any, axis: Any = None) -> Array:
    """Move values along axes; what falls off at one end comes in at the other."""
    a = as_value(a)
    if axis is None:
        return ops.reshape(ops.roll(ops.ravel(a), shift, 0), a.shape)
    axes = [normalized_axis(one, a.ndim) for one in (axis if np.iterable(axis) else (axis,))]
    pairs = np.broadcast(shift, axes)
    if pairs.ndim > 1 or a.ndim == 0:
        raise ValueError("'shift' and 'axis' should be scalars or 1D sequences")
    moved = a
    for by, along in ((int(one), int(other)) for one, other in pairs):
        length = a.shape[along]
        cut = (length - by) % length if length else 0
        if cut:
            parts = [moved[at(along, slice(cut, None))], moved[at(along, slice(None, cut))]]
            moved = ops.concatenate(parts, along)
    return ordered(moved, "K", a)


# ---- repetition --------------------------------------------------------------------------------


FEW = 512  # elements, whose places are kept


@functools.lru_cache(128)
def _repeated(length: int, count: int) -> Any:
    """Return the places of `length` elements, each `count` times."""
    places = np.repeat(np.arange(length), count)
    places.flags.writeable = False
    return places


@composite("repeat")
def repeat(a: Array, repeats: Any, axis: int | None = None) -> Array:
    """Repeat each element; the cotangents of its copies are summed."""
    a = as_value(a)
    if axis is None:
        a, axis = (a if a.ndim == 1 else ops.ravel(a)), 0
    axis = normalized_axis(axis, a.ndim)
    plain = type(repeats) is int
    counts: Any = repeats if plain else np.asarray(repeats)
    shape = a.shape
    if plain or counts.size == 1:
        count = repeats if plain else operator.index(counts.reshape(())[()])
        if count < 0:
            raise ValueError("repeats may not contain negative values.")
        if axis == 0 and 0 < a.size * count <= FEW:
            return a[_repeated(shape[0], count)]
        spread = (*shape[: axis + 1], count, *shape[axis + 1 :])
        copies = ops.broadcast_to(ops.expand_dims(a, axis + 1), spread)
        return ops.reshape(copies, (*shape[:axis], shape[axis] * count, *shape[axis + 1 :]))
    return a[at(axis, np.repeat(np.arange(shape[axis]), counts))]


@composite("tile")
def tile(A: Array, reps: Any) -> Array:
    """Lay copies of an array side by side."""
    a = as_value(A)
    counts = tuple(operator.index(count) for count in (reps if np.iterable(reps) else (reps,)))
    ndim = max(a.ndim, len(counts))
    counts = (1,) * (ndim - len(counts)) + counts
    shape = (1,) * (ndim - a.ndim) + a.shape
    paired = tuple(length for pair in zip((1,) * ndim, shape, strict=True) for length in pair)
    spread = tuple(length for pair in zip(counts, shape, strict=True) for length in pair)
    result = tuple(count * length for count, length in zip(counts, shape, strict=True))
    return ops.reshape(ops.broadcast_to(ops.reshape(a, paired), spread), result)


@composite("resize")
def resize(a: Array, new_shape: Any) -> Array:
    """Fill a new shape with repeated copies of the values."""
    values = ops.ravel(as_value(a))
    positions = np.resize(np.arange(values.size), new_shape)
    if values.size == 0:
        return np.zeros(positions.shape, values.dtype)
    return ops.reshape(values[positions.ravel()], positions.shape)


# ---- diagonals and triangles -------------------------------------------------------------------


@helper
def embed_diagonal(
    values: Array, shape: tuple[int, ...], offset: int, axis1: int, axis2: int
) -> Array:
    """Zeros of a shape whose diagonal of two axes holds values: the adjoint of `diagonal`."""
    result = np.zeros(shape, np.result_type(values))
    view = result.diagonal(offset, axis1, axis2)
    view.flags.writeable = True
    view[...] = values
    return result


@helper
def _diagonal(x: Array, offset: int, axis1: int, axis2: int) -> Array:
    return np.diagonal(x, offset, axis1, axis2)


moves_elements(embed_diagonal)
moves_elements(_diagonal)


def _diagonal_vjp(ans: Array, x: Array, offset: int, axis1: int, axis2: int) -> Any:
    shape = shape_of(x)
    return lambda g: embed_diagonal(g, shape, offset, axis1, axis2)


defvjp(_diagonal, _diagonal_vjp)
defjvp(_diagonal, "same")
defvjp(
    embed_diagonal,
    lambda ans, values, shape, offset, axis1, axis2: lambda g: _diagonal(g, offset, axis1, axis2),
)
defjvp(embed_diagonal, "same")


def diagonal_of_matrix(a: Array, offset: int) -> Array:
    """Return a diagonal of a matrix: a slice of its elements in C order."""
    rows, columns = a.shape
    first = offset if offset >= 0 else -offset * columns
    length = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    step = columns + 1
    return a.reshape(-1)[first : first + length * step : step]


@composite("diagonal")
def diagonal(a: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """Return a diagonal of two axes, as the last axis."""
    a = as_value(a)
    if a.ndim == 2 and axis1 == 0 and axis2 == 1 and a.size:
        return diagonal_of_matrix(a, operator.index(offset))
    return _diagonal(a, offset, axis1, axis2)


@composite("linalg.diagonal")
def linalg_diagonal(x: Array, /, *, offset: int = 0) -> Array:
    """Return a diagonal of the last two axes."""
    return _diagonal(as_value(x), offset, -2, -1)


# The types that the adjoint of an index has as they are.
SCATTERED = (np.float64, np.float32)


def on_diagonal(values: Array, side: int, k: int = 0) -> Array:
    """Return a square matrix that holds values on a diagonal, and zeros."""
    if values.dtype in SCATTERED:
        first, step = k if k >= 0 else -k * side, side + 1
        places = slice(first, first + values.shape[0] * step, step)
        return ops.scatter(np.zeros(side * side), places, values).reshape(side, side)
    return embed_diagonal(values, (side, side), k, 0, 1)


@composite("diag")
def diag(v: Array, k: int = 0) -> Array:
    """Return a matrix's diagonal, or the matrix with a given diagonal."""
    v = as_value(v)
    if v.ndim == 1:
        return on_diagonal(v, v.shape[0] + abs(k), k)
    if v.ndim == 2:
        return ops.diagonal(v, k)
    raise ValueError("Input must be 1- or 2-d.")


@composite("diagflat")
def diagflat(v: Array, k: int = 0) -> Array:
    """Return the matrix whose diagonal holds the flattened values."""
    return ops.diag(ops.ravel(as_value(v)), k)


def _lower(shape: tuple[int, ...], k: int) -> Array:
    """Return which places of a matrix (of a square one for a vector) lie on or below diagonal k."""
    rows, columns = (shape * 2)[-2:] if len(shape) == 1 else (shape[-2], shape[-1])
    return np.tri(rows, columns, k, dtype=bool)


@composite("tril")
def tril(m: Array, k: int = 0) -> Array:
    """Keep the lower triangle of the last two axes."""
    m = ops.atleast_1d(as_value(m))
    kept = _lower(m.shape, k)
    return ops.where(kept, m, np.zeros(1, m.dtype))


@composite("triu")
def triu(m: Array, k: int = 0) -> Array:
    """Keep the upper triangle of the last two axes."""
    m = ops.atleast_1d(as_value(m))
    dropped = _lower(m.shape, k - 1)
    return ops.where(dropped, np.zeros(1, m.dtype), m)
