"""`numpy.linalg`: every function of it, differentiable; the rules stand in files of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..namespace import fill
from ..registry import Array, ops

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
