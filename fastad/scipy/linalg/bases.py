"""Bases of a matrix's null space and range.

A basis is determined up to a rotation: SciPy's is taken as it is, and moves with the matrix by no
more than the space does. To first order dN = -A^+ dA N (Golub & Pereyra, 1973); at every order it
is the unitary factor of the projection of the basis on the space. What depends on the space alone,
such as N N^T, has its derivatives; the rank must not change.
"""

from __future__ import annotations

from typing import Any

import scipy.linalg

from ... import numpy as np
from ..registry import Array, as_float, helper, primal, shape_of, valued
from . import decompositions, perturbation  # noqa: F401 - they enter pinv and polar
from .space import space


def _bases(name: str) -> Any:
    function = getattr(scipy.linalg, name)

    def basis(a: Any, rcond: Any) -> Any:
        return function(a, rcond)

    return helper(basis, zero=True)


_null, _range = _bases("null_space"), _bases("orth")


def _one(name: str, A: Any) -> Array:
    A = as_float(A)
    if len(shape_of(A)) != 2:
        raise NotImplementedError(
            f"scipy.linalg.{name} of a batch of matrices has no derivative rule in fastad: call it "
            "for each"
        )
    return A


def _moved(projected: Array, basis: Any) -> Array:
    if 0 in shape_of(basis):
        return basis
    return valued(space.entries["polar"](projected)[0], basis)


@space.composite("null_space")
def null_space(A: Array, rcond: Any = None, **options: Any) -> Array:
    """Orthonormal basis N of the vectors that A sends to zero, as columns."""
    A = _one("null_space", A)
    basis = _null(primal(A), rcond)
    inverse = space.entries["pinv"](A, rtol=rcond)
    return _moved(basis - np.matmul(inverse, np.matmul(A, basis)), basis)


@space.composite("orth")
def orth(A: Array, rcond: Any = None) -> Array:
    """Orthonormal basis of what A gives, as columns."""
    A = _one("orth", A)
    basis = _range(primal(A), rcond)
    inverse = space.entries["pinv"](A, rtol=rcond)
    return _moved(np.matmul(A, np.matmul(inverse, basis)), basis)
