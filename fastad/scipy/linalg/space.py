"""The table of `scipy.linalg`, and what its rules share."""

from __future__ import annotations

from typing import Any

import numpy as onp
import scipy.linalg

from ... import numpy as np
from ..registry import Array, Namespace, shape_of

space = Namespace(scipy.linalg, "fastad.scipy.linalg")


def transposed(x: Array) -> Array:
    """Swap the last two axes."""
    return np.swapaxes(x, -1, -2)


def triangle(x: Array, lower: bool, diagonal: float = 1.0) -> Array:
    """The lower or upper triangle of matrices, their diagonal times a factor."""
    n, m = shape_of(x)[-2:]
    mask = onp.tri(n, m) if lower else onp.tri(m, n).T
    if diagonal != 1:
        mask = mask - (1 - diagonal) * onp.eye(n, m)
    return x * mask


def folded(g: Array, lower: bool) -> Array:
    """Cotangent of the triangle that a routine reads, from that of the full symmetric matrix."""
    return triangle(g + transposed(g), lower, 0.5)


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


def options(given: dict[str, Any], *names: str) -> dict[str, Any]:
    """Options that only steer SciPy's routine; nothing is overwritten while it is traced."""
    return {name: value for name, value in given.items() if name in names}
