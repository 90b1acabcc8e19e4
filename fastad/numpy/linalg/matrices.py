"""Small parts of the rules of linear algebra: transposes, diagonals, scalings."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..manipulation.shaping import _diagonal, embed_diagonal
from ..registry import Array, dtype_of, isbox, nowhere, ops, primal, shape_of


def T(x: Array) -> Array:
    """Return the transpose of the last two axes."""
    return x.swapaxes(-1, -2)


def H(x: Array) -> Array:
    """Return the conjugate transpose of the last two axes."""
    return ops.conj(T(x)) if is_complex(x) else T(x)


def conj(x: Array) -> Array:
    """Return the conjugate; of a real array the array itself."""
    return ops.conj(x) if is_complex(x) else x


def is_complex(x: Array) -> bool:
    """Tell whether an array or box is of complex dtype."""
    return bool(dtype_of(x).kind == "c")


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
    """Shape (...) as (..., 1, 1): what scales whole matrices; a number as it is."""
    shape = shape_of(x)
    return ops.reshape(x, (*shape, 1, 1)) if shape else x


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
    dtype = dtype_of(differences)
    return np.asarray(~on, dtype) / ops.where(on, np.ones((), dtype), differences)


VALUES_ALONE = {
    "linalg.eigh": "eigvalsh",
    "linalg.eig": "eigvals",
    "linalg.svd": "svd(a, compute_uv=False)",
}


def warn_of_coincidence(function: str, values: Array, both_signs: bool = False) -> None:
    """Warn where vectors are asked for their derivative whose values coincide, but for rounding.

    Also a function of them that is smooth there (V f(w) V^T) has a derivative that depends on more
    than what reaches this rule: f' enters it, and the cotangents of w and V hold it on the diagonal
    alone.

    Parameters
    ----------
    function : str
        NumPy's, for the text.
    values : Array
        Eigenvalues or singular values, of a stack of matrices.
    both_signs : bool
        Singular values: they coincide with their negatives, where they are zero.
    """
    w = primal(values)
    n = w.shape[-1]
    if n < 2 - both_signs:
        return
    near = coinciding(w, 10)
    if both_signs:
        bound = 10 * n * np.finfo(w.dtype).eps * np.abs(w).max(axis=-1)[..., None, None]
        near = near | (np.abs(columns(w) + rows(w)) <= bound)
    if np.any(near):
        kind = "singular values coincide or are zero" if both_signs else "eigenvalues coincide"
        warnings.warn(
            f"{function}: {kind}, up to rounding, where a derivative through the vectors is asked "
            "for. It is infinite, NaN or has no correct digits: those of equal values have none, "
            f"also if what is composed of them does (use {VALUES_ALONE[function]} where the values "
            "are enough, or scipy.linalg's expm, sqrtm and the like)",
            RuntimeWarning,
            stacklevel=2,
        )


def coinciding(w: Any, bound: float = 1e3) -> Any:
    """Mark the pairs of values whose divided differences have no digits of use.

    They have lost all but some three of them where the values differ by `bound` rounding errors.
    """
    n = w.shape[-1]
    largest = np.abs(w).max(axis=-1, initial=0)[..., None, None]
    near = np.abs(columns(w) - rows(w)) <= bound * n * np.finfo(w.dtype).eps * largest
    return near & ~np.eye(n, dtype=bool)


def warn_of_undetermined(kind: str, marks: Any) -> Any:
    """Return the marks of values whose second derivative is NaN; warn if there are any.

    Parameters
    ----------
    kind : str
        'eigenvalues' or 'singular values'.
    marks : ndarray of bool
    """
    if np.any(marks):
        warnings.warn(
            f"numpy.linalg: the second derivative of a function of {kind} that coincide, along a "
            "direction that turns them into one another, is not determined by the function's "
            "derivatives by each of them: NaN",
            RuntimeWarning,
            stacklevel=2,
        )
    return marks


def warn_if_defective(function: str, v: Array) -> Any:
    """Warn of matrices whose eigenvectors v are dependent up to rounding; return which those are.

    Eigenvalues of a defective matrix have no derivative, and what is composed of them and has one
    needs more than their cotangents.
    """
    vectors = primal(v)
    if 0 in vectors.shape:
        return np.zeros(vectors.shape[:-2], bool)
    with np.errstate(all="ignore"):
        smallest = np.linalg.svd(vectors, compute_uv=False)[..., -1]
    defective = smallest <= 10 * vectors.shape[-1] * np.finfo(vectors.dtype).eps
    if np.any(defective):
        warnings.warn(
            f"{function}: the matrix is defective (two eigenvectors coincide, up to rounding), so "
            "its eigenvalues have no derivative: NaN. For a sum over eigenvalues of a smooth "
            "function use the trace of the matrix function (np.trace(a @ a), scipy.linalg.expm)",
            RuntimeWarning,
            stacklevel=2,
        )
    return defective


def quotient(numerator: Array, denominator: Array) -> Array:
    """Return the quotient, with 0 / 0 as 0."""
    nothing = (primal(numerator) == 0) & (primal(denominator) == 0)
    one = np.ones((), denominator.dtype)
    return numerator / ops.where(nothing, one, denominator)


def rounding(x: Array) -> Any:
    """Return the size, for each matrix, below which an entry may be a rounding error."""
    if 0 in x.shape[-2:]:
        return np.zeros((*x.shape[:-2], 1, 1))
    largest = np.abs(x).max(axis=(-1, -2), keepdims=True)
    return 10 * x.shape[-1] * np.finfo(x.dtype).eps * largest


def with_nan(x: Array, marks: Any) -> Array:
    """Put NaN at the marks: where a derivative is not determined by what its rule knows."""
    return x if nowhere(marks) else ops.where(marks, np.full((), np.nan, x.dtype), x)


def with_nan_matrices(x: Array, marks: Any) -> Array:
    """Put NaN into whole matrices, where any value of theirs is marked."""
    return with_nan(x, per_matrix(np.any(marks, axis=-1)))


def merged(first: Array, second: Array, axis: int) -> Array:
    """Join two matrices, of which the second may have no rows or columns."""
    return ops.concatenate([first, second], axis) if shape_of(second)[axis] else first
