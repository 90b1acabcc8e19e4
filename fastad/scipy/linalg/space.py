"""The table of `scipy.linalg`, and what its rules share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.linalg

from ... import numpy as np
from ..registry import Array, Namespace, as_float, helper, shape_of, stand_in

space = Namespace(scipy.linalg, "fastad.scipy.linalg")


def as_matrix(x: Any) -> Array:
    """Return x as floats; a number as the matrix of one entry that some routines take it for."""
    x = as_float(x)
    return x if shape_of(x) else np.reshape(x, (1, 1))


def transposed(x: Array) -> Array:
    """Swap the last two axes."""
    return np.swapaxes(x, -1, -2)


def triangle(x: Array, lower: bool, diagonal: float = 1.0) -> Array:
    """The lower or upper triangle of matrices, their diagonal times a factor."""
    n, m = shape_of(x)[-2:]
    return x * (_small_mask if n * m <= 1024 else _mask)(n, m, lower, diagonal)


def _mask(n: int, m: int, lower: bool, diagonal: float) -> Any:
    mask = onp.tri(n, m) if lower else onp.tri(m, n).T
    return mask if diagonal == 1 else mask - (1 - diagonal) * onp.eye(n, m)


@functools.lru_cache(maxsize=64)
def _small_mask(n: int, m: int, lower: bool, diagonal: float) -> Any:
    mask = _mask(n, m, lower, diagonal)
    mask.flags.writeable = False
    return mask


def folded(g: Array, lower: bool, hermitian: bool = False) -> Array:
    """Cotangent of the triangle that a routine reads, from that of the full matrix."""
    other = np.conj(g) if hermitian else g
    return triangle(g + transposed(other), lower, 0.5)


def unfolded(t: Array, lower: bool, hermitian: bool = False) -> Array:
    """The full symmetric (Hermitian) matrix whose triangle a routine reads."""
    half = triangle(t, lower, 0.5)
    other = np.conj(half) if hermitian else half
    return half + transposed(other)


def columns(b: Array, ndim: int) -> Array:
    """A right hand side as a matrix of columns."""
    return np.reshape(b, (*shape_of(b), 1)) if len(shape_of(b)) < ndim else b


def outer_columns(u: Array, v: Array, ndim: int) -> Array:
    """u v^T, where each is a vector or a matrix of columns."""
    return np.matmul(columns(u, ndim), transposed(columns(v, ndim)))


def per_batch(
    single: Callable[..., Array],
    plain: Callable[..., Any],
    *parts: tuple[Array, int],
    given: tuple[Any, ...] = (),
) -> Array:
    """Evaluate a function of single matrices or vectors for each item of a batch, as SciPy does.

    Parameters
    ----------
    single : callable
        The differentiable function of one item.
    plain : callable
        SciPy's function of the whole batch, on plain arrays: it gives the value, and an error of
        its own where the installed version takes no batches.
    *parts : tuple of (array, number of axes of an item)
        The arguments. Their leading axes are the batch and broadcast.
    given : tuple
        What both functions take behind these.
    """
    cores = tuple(core for _, core in parts)
    return _batched(single, plain, cores, given, *(x for x, _ in parts))


def _item_by_item(
    single: Any, plain: Any, cores: tuple[int, ...], given: tuple[Any, ...], *arrays: Array
) -> Array:
    shapes = [shape_of(x) for x in arrays]
    batch = onp.broadcast_shapes(*(shape[:-core] for shape, core in zip(shapes, cores)))
    if 0 in batch:
        return onp.zeros(shape_of(plain(*map(stand_in, arrays), *given)))
    whole = [
        np.broadcast_to(x, (*batch, *shape[-core:]))
        for x, core, shape in zip(arrays, cores, shapes, strict=True)
    ]
    results = [single(*(x[index] for x in whole), *given) for index in onp.ndindex(*batch)]
    return np.reshape(np.stack(results), (*batch, *shape_of(results[0])))


@functools.partial(helper, derivative=_item_by_item)
def _batched(
    single: Any, plain: Any, cores: tuple[int, ...], given: tuple[Any, ...], *arrays: Any
) -> Any:
    return plain(*arrays, *given)


def over_batches(value: Callable[..., Array], a: Array, b: Array, *given: Any) -> Array:
    """`value(a, b, *given)` of a matrix and a right hand side, or of batches of these."""
    if a.ndim > 2 or b.ndim > 2:
        return per_batch(value, value, (a, 2), side(b), given=given)
    return value(a, b, *given)


def side(b: Array) -> tuple[Array, int]:
    """A right hand side as a part of a batch: a vector, or with more axes matrices."""
    return b, min(len(shape_of(b)), 2)


def options(given: dict[str, Any], *names: str) -> dict[str, Any]:
    """Options that only steer SciPy's routine; nothing is overwritten while it is traced."""
    return {name: value for name, value in given.items() if name in names}
