"""Matrices made of a few numbers: block_diag, toeplitz, circulant, hankel, companion; and norm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.linalg

from ... import numpy as np
from ..registry import Array, as_float, as_value, primal, printed, shape_of, stand_in
from .space import per_batch, space


@space.composite("block_diag")
def block_diag(*arrs: Array) -> Array:
    """Matrices along the diagonal, zeros elsewhere."""
    if not arrs:
        return scipy.linalg.block_diag()
    blocks = [as_value(block) for block in arrs]
    if any(block.ndim > 2 for block in blocks):
        scipy.linalg.block_diag(*map(stand_in, blocks))  # raises where it takes no batches
    blocks = [np.reshape(block, (1, -1)) if block.ndim < 2 else block for block in blocks]
    batch = onp.broadcast_shapes(*(shape_of(block)[:-2] for block in blocks))
    dtype = onp.result_type(*(block.dtype for block in blocks))
    width = sum(shape_of(block)[-1] for block in blocks)
    rows, start = [], 0
    for block in blocks:
        height, length = shape_of(block)[-2:]
        before = onp.zeros((*batch, height, start), dtype)
        after = onp.zeros((*batch, height, width - start - length), dtype)
        block = np.broadcast_to(block, (*batch, height, length))
        rows.append(np.concatenate([before, block, after], axis=-1))
        start += length
    return np.concatenate(rows, axis=-2)


def _of_vectors(name: str, single: Callable[..., Array], *vectors: Array) -> Array:
    """A function of vectors, or of batches of them where the installed SciPy takes these.

    Earlier versions of SciPy ravel what is no vector.
    """
    vectors = tuple([as_value(x) for x in vectors])
    if all(x.ndim <= 1 for x in vectors):
        return single(*(np.ravel(x) for x in vectors))
    function = getattr(scipy.linalg, name)
    value = function(*(onp.ones(shape_of(x), x.dtype) for x in vectors))
    ravelled = single(*(np.ravel(x) for x in vectors))
    if shape_of(ravelled) == shape_of(value):
        return ravelled
    return per_batch(single, function, *((x if x.ndim else np.ravel(x), 1) for x in vectors))


@space.composite("toeplitz")
def toeplitz(c: Array, r: Any = None) -> Array:
    """Matrix of constant diagonals, with first column c and first row r (r[0] is not read)."""
    c = as_value(c)
    return _of_vectors("toeplitz", _toeplitz, c, np.conj(c) if r is None else r)


def _toeplitz(c: Array, r: Array) -> Array:
    rows, columns = onp.indices((c.size, r.size))
    values = np.concatenate([c[::-1], r[1:]])
    return values[c.size - 1 - rows + columns]


@space.composite("hankel")
def hankel(c: Array, r: Any = None) -> Array:
    """Matrix of constant antidiagonals, with first column c and last row r (r[0] is not read)."""
    c = as_value(c)
    return _of_vectors("hankel", _hankel, c, onp.zeros(c.shape, c.dtype) if r is None else r)


def _hankel(c: Array, r: Array) -> Array:
    rows, columns = onp.indices((c.size, r.size))
    return np.concatenate([c, r[1:]])[rows + columns]


@space.composite("circulant")
def circulant(c: Array) -> Array:
    """Matrix whose columns are the rotations of c."""
    return _of_vectors("circulant", _circulant, c)


def _circulant(c: Array) -> Array:
    rows, columns = onp.indices((c.size, c.size))
    return c[(rows - columns) % c.size]


@space.composite("companion")
def companion(a: Array) -> Array:
    """Matrix whose characteristic polynomial has the coefficients a."""
    return _of_vectors("companion", _companion, as_float(a))


def _companion(a: Array) -> Array:
    if a.size < 2 or primal(a)[0] == 0:
        scipy.linalg.companion(printed(a))  # raises SciPy's own error
    first = np.reshape(-a[1:] / (1.0 * a[0]), (1, -1))
    return np.concatenate([first, onp.eye(a.size - 2, a.size - 1, dtype=first.dtype)])


@space.composite("norm")
def norm(
    a: Array, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True
) -> Array:
    """Norms through numpy.linalg.norm (equal to SciPy's value to rounding, which BLAS computes)."""
    if check_finite:
        np.asarray_chkfinite(primal(a))
    return np.linalg.norm(a, ord=ord, axis=axis, keepdims=keepdims)
