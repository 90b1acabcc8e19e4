"""`numpy.linalg`: every function of it, differentiable; the rules stand in files of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

# The operations must be in the table before the namespace is filled from it.
from .. import manipulation, mathematics
from ..namespace import fill
from ..registry import Array, ops
from . import (
    determinants,
    eigen,
    einsum,
    factorizations,
    hermitian,
    least_squares,
    matrix_products,
    norms,
    products,
    singular_values,
    solving,
)

__all__: list[str] = []
__all__ += fill(globals(), np.linalg, "linalg")


# autograd's module has these beside NumPy's names.
def T(x: Array) -> Array:
    """Each matrix transposed."""
    return ops.swapaxes(x, -1, -2)


def H(x: Array) -> Array:
    """Each matrix transposed and conjugated."""
    return ops.conj(T(x))


def _dot(a: Array, b: Array) -> Array:
    """Products of matrices, broadcast over the other axes."""
    return ops.matmul(a, b)
