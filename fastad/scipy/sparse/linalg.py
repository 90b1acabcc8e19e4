"""`scipy.sparse.linalg`: linear systems with a sparse matrix."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.sparse
import scipy.sparse.linalg

from ... import numpy as np
from ..registry import Array, Namespace, defjvp, defvjp, helper, is_traced
from .arrays import SparseArray

space = Namespace(scipy.sparse.linalg, "fastad.scipy.sparse.linalg")


class _System:
    """The constant part of a linear system: pattern, shape, and the last factors."""

    __slots__ = ("array", "factors", "transposed")

    def __init__(
        self, array: SparseArray, transposed: bool = False, factors: list[Any] | None = None
    ) -> None:
        self.array = array
        self.transposed = transposed
        self.factors: list[Any] = (
            [None] if factors is None else factors
        )  # shared with the transposed system

    @property
    def T(self) -> _System:
        return _System(self.array, not self.transposed, self.factors)

    @property
    def places(self) -> tuple[Any, Any]:
        """Row and column of each entry."""
        row, col = self.array.row, self.array.col
        return (col, row) if self.transposed else (row, col)

    def factor(self, data: Any, dtype: Any) -> Any:
        known = self.factors[0]
        if known is not None and known[0].dtype == dtype and onp.array_equal(known[0], data):
            return known[1]
        data = onp.array(data, dtype)
        array = self.array
        matrix = scipy.sparse.csc_array((data, (array.row, array.col)), shape=array.shape)
        factors = scipy.sparse.linalg.splu(matrix)
        self.factors[0] = data, factors
        return factors

    def times(self, data: Array, x: Array) -> Array:
        row, col = self.places
        return SparseArray(data, row, col, self.array.shape) @ x


def _solution(data: Any, b: Any, system: _System) -> Any:
    dtype = onp.result_type(data, b, onp.float64)
    try:
        factors = system.factor(data, dtype)
    except RuntimeError:  # as scipy.sparse.linalg.spsolve does
        warnings.warn(
            "Matrix is exactly singular", scipy.sparse.linalg.MatrixRankWarning, stacklevel=2
        )
        return onp.full(b.shape, onp.nan, dtype)
    return factors.solve(onp.asarray(b, dtype), "T" if system.transposed else "N")


_solve = helper(_solution)


def _by_entries(system: _System, covector: Array, x: Array) -> Array:
    """The cotangent of the entries, from that of the right-hand side."""
    row, col = system.places
    product = covector[row] * x[col]
    return -(product if product.ndim == 1 else np.sum(product, axis=1))


defvjp(
    _solve,
    lambda ans, data, b, system: lambda g: _by_entries(system, _solve(data, g, system.T), ans),
    lambda ans, data, b, system: lambda g: _solve(data, g, system.T),
    argnums=(0, 1),
)
defjvp(
    _solve,
    lambda g, ans, data, b, system: -_solve(data, system.times(g, ans), system),
    lambda g, ans, data, b, system: _solve(data, g, system),
    argnums=(0, 1),
)


def spsolve(A: Any, b: Any, permc_spec: Any = None, use_umfpack: bool = True) -> Array:
    """The solution x of `A @ x = b` for a sparse A, differentiable by b and by the entries of A.

    Parameters
    ----------
    A : sparse array of SciPy's, or SparseArray, of shape (n, n)
    b : array of shape (n,) or (n, m)
    permc_spec, use_umfpack
        As SciPy has them; with traced values they have no effect.

    Returns
    -------
    array of the shape of b

    Notes
    -----
    The cotangent of b solves `A.T @ y = g`, with the factors of A that gave x; that of A is
    `-outer(y, x)` on the pattern of A.

    Examples
    --------
    >>> import numpy, scipy.sparse
    >>> from fastad import grad
    >>> from fastad.scipy.sparse.linalg import spsolve
    >>> A = scipy.sparse.csc_array([[2.0, 0.0], [1.0, 4.0]])
    >>> grad(lambda b: spsolve(A, b).sum())(numpy.ones(2))
    array([0.375, 0.25 ])
    """
    if not (is_traced(b) or isinstance(A, SparseArray)):
        return scipy.sparse.linalg.spsolve(A, b, permc_spec, use_umfpack)
    array = A if isinstance(A, SparseArray) else SparseArray.of(A)
    b = np.asarray(b)
    if array.shape[0] != array.shape[1] or b.ndim not in (1, 2) or b.shape[0] != array.shape[0]:
        raise ValueError(
            f"spsolve: matrix - rhs dimension mismatch ({array.shape} - {b.shape}); A must be "
            "square and b have its length"
        )
    system = _System(array)
    if b.ndim == 2 and b.shape[1] == 1:  # a column gives a vector, as in SciPy
        b = b[:, 0]
    return _solve(array.data, b, system)


def factorized(A: Any) -> Callable[[Array], Array]:
    """The function that solves `A @ x = b` for any b, differentiable by b.

    Examples
    --------
    >>> import numpy, scipy.sparse
    >>> from fastad import grad
    >>> from fastad.scipy.sparse.linalg import factorized
    >>> solve = factorized(scipy.sparse.csc_array([[2.0, 0.0], [1.0, 4.0]]))
    >>> grad(lambda b: solve(b)[1])(numpy.ones(2))
    array([-0.125,  0.25 ])
    """
    array = A if isinstance(A, SparseArray) else SparseArray.of(A)
    system = _System(array)
    return lambda b: _solve(array.data, np.asarray(b), system)


space.entries.update(spsolve=spsolve, factorized=factorized)
space.fill(globals())
