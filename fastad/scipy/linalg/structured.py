"""Matrices made of a few numbers: block_diag, toeplitz, circulant, hankel, companion; and norm."""

from __future__ import annotations

from typing import Any

import numpy as onp
import scipy.linalg

from ... import numpy as np
from ..registry import Array, as_float, as_value, getval, shape_of
from .space import space


@space.composite("block_diag")
def block_diag(*arrs: Array) -> Array:
    """Matrices along the diagonal, zeros elsewhere."""
    if not arrs:
        return scipy.linalg.block_diag()
    blocks = [as_value(block) for block in arrs]
    if any(block.ndim > 2 for block in blocks):
        raise NotImplementedError("block_diag of batches has no derivative rule in fastad")
    blocks = [np.reshape(block, (1, -1)) if block.ndim < 2 else block for block in blocks]
    dtype = onp.result_type(*(block.dtype for block in blocks))
    width = sum(shape_of(block)[1] for block in blocks)
    rows, start = [], 0
    for block in blocks:
        height, length = shape_of(block)
        before = onp.zeros((height, start), dtype)
        after = onp.zeros((height, width - start - length), dtype)
        rows.append(np.concatenate([before, block, after], axis=1))
        start += length
    return np.concatenate(rows)


def _vector(x: Any, name: str) -> Array:
    x = as_value(x)
    if x.ndim > 1:
        raise NotImplementedError(
            f"scipy.linalg.{name} of an array that is no vector has no derivative rule in fastad"
        )
    return np.ravel(x)


@space.composite("toeplitz")
def toeplitz(c: Array, r: Any = None) -> Array:
    """Matrix of constant diagonals, with first column c and first row r (r[0] is not read)."""
    c = _vector(c, "toeplitz")
    r = np.conj(c) if r is None else _vector(r, "toeplitz")
    rows, columns = onp.indices((c.size, r.size))
    values = np.concatenate([c[::-1], r[1:]])
    return values[c.size - 1 - rows + columns]


@space.composite("hankel")
def hankel(c: Array, r: Any = None) -> Array:
    """Matrix of constant antidiagonals, with first column c and last row r (r[0] is not read)."""
    c = _vector(c, "hankel")
    r = onp.zeros(c.shape, c.dtype) if r is None else _vector(r, "hankel")
    rows, columns = onp.indices((c.size, r.size))
    return np.concatenate([c, r[1:]])[rows + columns]


@space.composite("circulant")
def circulant(c: Array) -> Array:
    """Matrix whose columns are the rotations of c."""
    c = _vector(c, "circulant")
    rows, columns = onp.indices((c.size, c.size))
    return c[(rows - columns) % c.size]


@space.composite("companion")
def companion(a: Array) -> Array:
    """Matrix whose characteristic polynomial has the coefficients a."""
    a = as_float(_vector(a, "companion"))
    if a.size < 2 or getval(a)[0] == 0:
        scipy.linalg.companion(getval(a))  # raises SciPy's own error
    first = np.reshape(-a[1:] / (1.0 * a[0]), (1, -1))
    return np.concatenate([first, onp.eye(a.size - 2, a.size - 1)])


@space.composite("norm")
def norm(
    a: Array, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True
) -> Array:
    """Norms through numpy.linalg.norm (equal to SciPy's value to rounding, which BLAS computes)."""
    if check_finite:
        onp.asarray_chkfinite(getval(a))
    return np.linalg.norm(a, ord=ord, axis=axis, keepdims=keepdims)
