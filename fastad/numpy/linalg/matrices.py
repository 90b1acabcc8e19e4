"""Small parts of the rules of linear algebra: transposes, diagonals, scalings."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..manipulation.shaping import _diagonal, embed_diagonal
from ..registry import Array, getval, isbox, ops, shape_of


def T(x: Array) -> Array:
    """Return the transpose of the last two axes."""
    return ops.swapaxes(x, -1, -2)


def H(x: Array) -> Array:
    """Return the conjugate transpose of the last two axes."""
    return ops.conj(ops.swapaxes(x, -1, -2)) if is_complex(x) else ops.swapaxes(x, -1, -2)


def conj(x: Array) -> Array:
    """Return the conjugate; of a real array the array itself."""
    return ops.conj(x) if is_complex(x) else x


def is_complex(x: Array) -> bool:
    """Tell whether an array or box is of complex dtype."""
    return bool(np.iscomplexobj(getval(x)))


def mm(*factors: Array) -> Array:
    """Multiply matrices from left to right."""
    product = factors[0]
    for factor in factors[1:]:
        product = ops.matmul(product, factor)
    return product


def columns(x: Array) -> Array:
    """Shape (..., k) as (..., 1, k): what scales the columns of a matrix."""
    shape = shape_of(x)
    return ops.reshape(x, (*shape[:-1], 1, shape[-1]))


def rows(x: Array) -> Array:
    """Shape (..., k) as (..., k, 1): what scales the rows of a matrix."""
    return ops.reshape(x, (*shape_of(x), 1))


def per_matrix(x: Array) -> Array:
    """Shape (...) as (..., 1, 1): what scales whole matrices."""
    return ops.reshape(x, (*shape_of(x), 1, 1))


def diagonal(x: Array) -> Array:
    """Return the diagonals of a stack of matrices."""
    return _diagonal(x, 0, -2, -1)


def with_diagonal(x: Array) -> Array:
    """Return the stack of square matrices whose diagonals hold x."""
    shape = shape_of(x)
    return embed_diagonal(x, (*shape, shape[-1]), 0, -2, -1)


def real_diagonal(x: Array) -> Array:
    """Return a stack of matrices with all but the real part of the diagonal set to zero."""
    return with_diagonal(ops.real(diagonal(x)))


def imaginary(x: Array) -> Array:
    """Return i * Im(x)."""
    return 1j * ops.imag(x)


def is_absent(g: Array) -> bool:
    """Tell whether a cotangent is plain zeros: no one asked for this output's derivative."""
    return not isbox(g) and not np.any(g)


def off_diagonal_quotients(differences: Array) -> Array:
    """Return ``1 / differences`` off the diagonal and zeros on it.

    Where two values coincide it is infinite, as the derivative of their vectors is.
    """
    side = shape_of(differences)[-1]
    on = np.eye(side, dtype=bool)
    dtype = np.result_type(getval(differences))
    return np.asarray(~on, dtype) / ops.where(on, np.ones((), dtype), differences)


def quotient(numerator: Array, denominator: Array) -> Array:
    """Return the quotient, with 0 / 0 as 0."""
    nothing = (getval(numerator) == 0) & (getval(denominator) == 0)
    one = np.ones((), getval(denominator).dtype)
    return numerator / ops.where(nothing, one, denominator)


def rounding(x: Array) -> np.ndarray[Any, Any]:
    """Return the size, for each matrix, below which an entry may be a rounding error."""
    largest = np.abs(x).max(axis=(-1, -2), keepdims=True, initial=0)
    return 10 * x.shape[-1] * np.finfo(x.dtype).eps * largest


def with_nan(x: Array, marks: np.ndarray[Any, Any]) -> Array:
    """Put NaN at the marks: where a derivative is not determined by what its rule knows."""
    return ops.where(marks, np.full((), np.nan, getval(x).dtype), x) if np.any(marks) else x


def with_nan_matrices(x: Array, marks: np.ndarray[Any, Any]) -> Array:
    """Put NaN into whole matrices, where any value of theirs is marked."""
    return with_nan(x, per_matrix(np.any(marks, axis=-1)))


def merged(first: Array, second: Array, axis: int) -> Array:
    """Join two matrices, of which the second may have no rows or columns."""
    return ops.concatenate([first, second], axis) if shape_of(second)[axis] else first
