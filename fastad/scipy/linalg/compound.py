"""Functions that are others put together: products and solutions with matrices of few numbers."""

from __future__ import annotations

from typing import Any

import numpy as onp
import scipy.linalg

from ... import numpy as np
from ..registry import Array, as_float, helper, primal, shape_of
from .perturbation import polar_value
from .space import as_matrix, space, triangle

# ---- constant diagonals --------------------------------------------------------------------------


def _parts(c_or_cr: Any) -> tuple[Array, Any]:
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    return np.ravel(as_float(c)), None if r is None else np.ravel(as_float(r))


def _of_diagonals(c: Array, r: Any) -> Array:
    return space.entries["toeplitz"](c, np.conj(c) if r is None else r)


_multiplied = helper(
    lambda c, r, x: scipy.linalg.matmul_toeplitz(c if r is None else (c, r), x),
    lambda c, r, x: np.matmul(_of_diagonals(c, r), x),
)
_solved = helper(
    lambda c, r, b: scipy.linalg.solve_toeplitz(c if r is None else (c, r), b),
    lambda c, r, b: np.linalg.solve(_of_diagonals(c, r), b),
)


@space.composite("matmul_toeplitz")
def matmul_toeplitz(
    c_or_cr: Any, x: Array, check_finite: bool = False, workers: Any = None
) -> Array:
    """The product of a matrix of constant diagonals and a vector or matrix."""
    return _multiplied(*_parts(c_or_cr), as_float(x))


@space.composite("solve_toeplitz")
def solve_toeplitz(c_or_cr: Any, b: Array, check_finite: bool = True) -> Array:
    """The solution with a matrix of constant diagonals."""
    return _solved(*_parts(c_or_cr), as_float(b))


@space.derivative_of("solve_circulant")
def solve_circulant(
    c: Array,
    b: Array,
    singular: str = "raise",
    tol: Any = None,
    caxis: int = -1,
    baxis: int = 0,
    outaxis: int = 0,
) -> Array:
    """The solution with a circulant matrix, by Fourier transforms; by both.

    What singular="lstsq" leaves out is left out of derivatives as well.
    """
    c, b = np.moveaxis(as_float(c), caxis, -1), np.moveaxis(as_float(b), baxis, -1)
    divisor = np.fft.fft(c)
    sizes = np.abs(primal(divisor))
    if tol is None:
        tol = np.max(sizes, axis=-1, keepdims=True) * shape_of(c)[-1] * onp.finfo(float).eps
    regular = sizes > tol
    quotient = np.fft.fft(b) / np.where(regular, divisor, 1.0)
    x = np.fft.ifft(np.where(regular, quotient, 0.0))
    if "c" not in (c.dtype.kind, b.dtype.kind):
        x = np.real(x)
    return np.moveaxis(x, -1, outaxis)


@space.derivative_of("convolution_matrix")
def convolution_matrix(a: Array, n: int, mode: str = "full") -> Array:
    """The matrix whose product with a vector of length n is the convolution with a."""
    a = as_float(a)
    place = scipy.linalg.convolution_matrix(onp.arange(1, shape_of(a)[-1] + 1), n, mode)
    return np.where(place > 0, np.take(a, onp.maximum(place - 1, 0), axis=-1), 0.0)


@space.derivative_of("leslie")
def leslie(f: Array, s: Array) -> Array:
    """The matrix of a population: what each age bears in the first row, survival below."""
    f, s = as_float(f), as_float(s)
    n = shape_of(f)[-1]
    rows = np.expand_dims(f, -2) * onp.eye(n)[:1].T
    below = np.expand_dims(s, -2) * onp.eye(n - 1)
    return rows + np.pad(below, [(0, 0)] * (len(shape_of(f)) - 1) + [(1, 0), (0, 1)])


@space.derivative_of("fiedler")
def fiedler(a: Array) -> Array:
    """The distances of numbers from each other."""
    a = as_float(a)
    return np.abs(np.expand_dims(a, -1) - np.expand_dims(a, -2))


# ---- products ------------------------------------------------------------------------------------


@space.derivative_of("khatri_rao")
def khatri_rao(a: Array, b: Array) -> Array:
    """The products of columns, each with its own."""
    a, b = as_float(a), as_float(b)
    (n, k), m = shape_of(a), shape_of(b)[0]
    return np.reshape(a[:, None, :] * b[None, :, :], (n * m, k))


def _procrustes_formula(A: Array, B: Array, check: bool) -> tuple[Array, Array]:
    product = np.matmul(np.conj(np.transpose(A)), B)
    turn, size = polar_value(product, "right")
    return turn, np.real(np.trace(size))


_procrustes = helper(
    lambda A, B, check: tuple(scipy.linalg.orthogonal_procrustes(A, B, check_finite=check)),
    _procrustes_formula,
)


@space.composite("orthogonal_procrustes")
def orthogonal_procrustes(A: Array, B: Array, check_finite: bool = True) -> Any:
    """The rotation that brings A nearest to B, and the sum of singular values of A^H B."""
    return _procrustes(as_float(A), as_float(B), bool(check_finite))


@space.derivative_of("pinvh")
def pinvh(
    a: Array,
    atol: Any = None,
    rtol: Any = None,
    lower: bool = True,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Any:
    """The pseudo-inverse of a Hermitian matrix, read from one triangle."""
    half = triangle(as_matrix(a), lower, 0.5)
    whole = half + np.conj(np.swapaxes(half, -1, -2))
    return space.entries["pinv"](whole, atol=atol, rtol=rtol, return_rank=return_rank)


# ---- factors of bands ----------------------------------------------------------------------------


def _dense(ab: Array, lower: bool) -> Array:
    """The triangle that a band is of."""
    count, n = shape_of(ab)
    total: Array = 0.0
    for k in range(count):
        if lower:
            total = total + np.diag(ab[k][: n - k], -k)
        else:
            total = total + np.diag(ab[count - 1 - k][k:], k)
    return total


def _inside(shape: tuple[int, ...], lower: bool) -> Any:
    """Which entries of a band are of the matrix."""
    count, n = shape
    row, column = onp.indices(shape)
    return column < n - row if lower else column >= count - 1 - row


def _as_band(c: Array, count: int, lower: bool) -> Array:
    n = shape_of(c)[0]
    rows = []
    for k in range(count):
        zeros = onp.zeros(k)
        if lower:
            rows.append(np.concatenate([np.diagonal(c, -k), zeros]))
        else:
            rows.insert(0, np.concatenate([zeros, np.diagonal(c, k)]))
    return np.stack(rows) if n else np.zeros((count, 0))


@space.derivative_of("cholesky_banded")
def cholesky_banded(
    ab: Array, overwrite_ab: bool = False, lower: bool = False, check_finite: bool = True
) -> Array:
    """The Cholesky factor of a banded matrix, as a band."""
    ab = as_float(ab)
    factor = space.entries["cholesky"](_dense(ab, lower), lower=lower)
    band = _as_band(factor, shape_of(ab)[0], lower)
    return np.where(_inside(shape_of(ab), lower), band, ab)  # the corners are as they were given


def _cho_solved(cb: Array, b: Array, lower: bool, check: bool) -> Array:
    factor, solve = _dense(cb, lower), space.entries["solve_triangular"]
    first, second = (0, "C") if lower else ("C", 0)
    return solve(factor, solve(factor, b, trans=first, lower=lower), trans=second, lower=lower)


_cho_solve = helper(
    lambda cb, b, lower, check: scipy.linalg.cho_solve_banded((cb, lower), b, check_finite=check),
    _cho_solved,
)


@space.composite("cho_solve_banded")
def cho_solve_banded(
    cb_and_lower: Any, b: Array, overwrite_b: bool = False, check_finite: bool = True
) -> Array:
    """The solution from what `cholesky_banded` gives."""
    cb, lower = cb_and_lower
    return _cho_solve(as_float(cb), as_float(b), bool(lower), bool(check_finite))
