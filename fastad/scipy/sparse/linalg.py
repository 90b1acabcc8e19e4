"""`scipy.sparse.linalg`: linear systems with a sparse matrix."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.sparse
import scipy.sparse.linalg

from ... import numpy as np
from ..linalg import functions as _functions  # noqa: F401 - enters expm
from ..linalg.space import space as functions
from ..registry import Array, Namespace, defjvp, defvjp, helper, is_traced
from .arrays import SparseArray
from .implicit import IMPLICIT
from .iterations import SOLVERS, solver

space = Namespace(scipy.sparse.linalg, "fastad.scipy.sparse.linalg")


class _System:
    """The constant part of a linear system: pattern, shape, and the last factors."""

    __slots__ = ("__weakref__", "_other", "array", "factors", "transposed")

    def __init__(
        self, array: SparseArray, transposed: bool = False, factors: list[Any] | None = None
    ) -> None:
        self.array = array
        self.transposed = transposed
        self.factors: list[Any] = (
            [None] if factors is None else factors
        )  # shared with the transposed system
        self._other: Any = None

    @property
    def T(self) -> _System:
        """The same one each time: programs know it by its identity."""
        known: Any = self._other
        if known is not None and type(known) is not _System:
            known = known()
        if known is None:
            known = self._other = _System(self.array, not self.transposed, self.factors)
            known._other = weakref.ref(self)
        return known

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


_systems: weakref.WeakValueDictionary[Any, _System] = weakref.WeakValueDictionary()


def _system_of(array: SparseArray) -> _System:
    """The system of a pattern: the same one as long as somebody has it."""
    key = array.shape, array.row.tobytes(), array.col.tobytes()
    known = _systems.get(key)
    if known is None:
        row, col = array.row.copy(), array.col.copy()
        pattern = SparseArray(onp.broadcast_to(0.0, row.shape), row, col, array.shape)
        known = _systems[key] = _System(pattern)
    return known


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
    system = _system_of(array)
    if b.ndim == 2 and b.shape[1] == 1:  # a column gives a vector, as in SciPy
        b = b[:, 0]
    return _solve(array.data, b, system)


def factorized(A: Any) -> Callable[[Array], Array]:
    """The function that solves `A @ x = b` for any b, differentiable by b and by A's entries.

    Parameters
    ----------
    A : sparse array of shape (n, n)
        SciPy's, or one with traced entries. It is factored once.

    Returns
    -------
    callable
        `solve(b)`, for b of shape `(n,)` or `(n, k)`.

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
    system = _system_of(array)
    return lambda b: _solve(array.data, np.asarray(b), system)


class Factors:
    """What `splu` gives: a factored matrix that solves for traced right-hand sides.

    What else SciPy's object has (`L`, `U`, `perm_r`, ...) is there where the matrix is a constant.
    """

    def __init__(self, A: Any, options: dict[str, Any]) -> None:
        array = A if isinstance(A, SparseArray) else SparseArray.of(A)
        if array.shape[0] != array.shape[1]:
            raise ValueError(f"splu: can only factor square matrices, got one of {array.shape}")
        self._system = _System(array)
        self.shape = array.shape
        if not is_traced(array.data):
            kind = onp.result_type(array.data, onp.float64)
            matrix = scipy.sparse.csc_array(
                (array.data.astype(kind), (array.row, array.col)), shape=array.shape
            )
            self._own: Any = scipy.sparse.linalg.splu(matrix, **options)
            self._system.factors[0] = onp.array(array.data, kind), self._own

    def solve(self, rhs: Array, trans: str = "N") -> Array:
        """Return the solution of `A @ x = rhs`, or with A transposed ("T") or its adjoint ("H").

        Examples
        --------
        >>> import numpy, scipy.sparse
        >>> from fastad import grad
        >>> from fastad.scipy.sparse.linalg import splu
        >>> factors = splu(scipy.sparse.csc_array([[2.0, 0.0], [1.0, 4.0]]))
        >>> grad(lambda b: factors.solve(b).sum())(numpy.ones(2))
        array([0.375, 0.25 ])
        """
        data, b = self._system.array.data, np.asarray(rhs)
        if trans not in ("N", "T", "H"):
            raise ValueError("trans must be N, T, or H")
        if trans == "N":
            return _solve(data, b, self._system)
        if trans == "T":
            return _solve(data, b, self._system.T)
        return np.conj(_solve(data, np.conj(b), self._system.T))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if "_own" not in vars(self):
            raise AttributeError(f"splu of traced entries has no {name!r}: only solve, and shape")
        return getattr(self._own, name)


def splu(A: Any, **options: Any) -> Factors:
    """Factor a sparse matrix; `solve` of the result is differentiable by both.

    Examples
    --------
    >>> import numpy, scipy.sparse
    >>> from fastad import grad
    >>> from fastad.scipy.sparse.linalg import splu
    >>> A = scipy.sparse.csc_array([[2.0, 0.0], [1.0, 4.0]])
    >>> grad(lambda b: splu(A).solve(b)[1])(numpy.ones(2))
    array([-0.125,  0.25 ])
    """
    return Factors(A, options)


def expm_multiply(A: Any, B: Array, *args: Any, **options: Any) -> Array:
    """The product of the exponential of A with B, differentiable by both.

    By B it is SciPy's algorithm (Al-Mohy & Higham, 2011) on traced values, which is linear in B; by
    the entries of A it is that of the dense exponential.

    Examples
    --------
    >>> import numpy, scipy.sparse
    >>> from fastad import grad
    >>> from fastad.scipy.sparse.linalg import expm_multiply
    >>> A = scipy.sparse.csc_array([[0.0, 2.0], [0.0, 0.0]])
    >>> grad(lambda b: expm_multiply(A, b)[0])(numpy.ones(2))
    array([1., 2.])
    """
    if not (isinstance(A, SparseArray) or is_traced(A)):
        return scipy.sparse.linalg.expm_multiply(A, B, *args, **options)
    if args or options:
        raise NotImplementedError(
            "scipy.sparse.linalg.expm_multiply of a traced matrix takes A and B alone in fastad; "
            "scale A by the time in its place"
        )
    dense = A.toarray() if isinstance(A, SparseArray) else A
    return np.matmul(functions.entries["expm"](dense), B)


space.entries.update(spsolve=spsolve, factorized=factorized, splu=splu, expm_multiply=expm_multiply)
space.entries.update({name: solver(name) for name in SOLVERS})
space.entries.update(IMPLICIT)
space.fill(globals())
