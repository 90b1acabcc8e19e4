"""Eigenvalues and least squares of sparse matrices, by entries and right-hand sides.

Both are roots of equations in the entries. A step of Newton's method from the plain solution, with
the plain Jacobian, makes one more order of derivatives right.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.sparse
import scipy.sparse.linalg

from ... import numpy as np
from ...numpy.registry import is_differentiated
from ..registry import Array, defjvp, defvjp, helper, is_traced, primal, shape_of, valued
from .arrays import SparseArray

__all__ = ["IMPLICIT"]


def _levels(*values: Any) -> int:
    """How often the most differentiated of some values is."""
    most = 0
    for x in values:
        count = 0
        while is_differentiated(x):
            x, count = x._value, count + 1
        most = max(most, count)
    return most


def _plain(name: str, *values: Any) -> None:
    if any(is_traced(primal(value)) for value in values):
        raise NotImplementedError(
            f"scipy.sparse.linalg.{name} of traced entries is not recorded by fastad.jit: call it "
            "outside of the function that is compiled"
        )


@helper
def _by_factors(f: Any, factors: Any, transposed: str) -> Any:
    return factors.solve(onp.asarray(f, float), transposed)


_OTHER = {"N": "T", "T": "N"}
defvjp(
    _by_factors,
    lambda ans, f, factors, transposed: lambda g: _by_factors(g, factors, _OTHER[transposed]),
)
defjvp(_by_factors, lambda t, ans, f, factors, transposed: _by_factors(t, factors, transposed))


def _followed(x: Any, residual: Callable[[Array], Array], jacobian: Any, levels: int) -> Array:
    """The root x of a residual, with derivatives of as many orders as there are levels."""
    factors = scipy.sparse.linalg.splu(scipy.sparse.csc_array(jacobian))
    moved = x
    for _ in range(levels):
        moved = moved - _by_factors(residual(moved), factors, "N")
    return valued(moved, x)


def _as_sparse(A: Any) -> SparseArray:
    if isinstance(A, SparseArray):
        return A
    if scipy.sparse.issparse(A):
        return SparseArray.of(A)
    row, col = onp.indices(shape_of(A)).reshape(2, -1)
    return SparseArray(np.ravel(A), row, col, shape_of(A))


def _matrix(A: SparseArray) -> Any:
    """SciPy's own of the plain entries."""
    return scipy.sparse.csc_array((primal(A.data), (A.row, A.col)), shape=A.shape, dtype=float)


# ---- eigenvalues ---------------------------------------------------------------------------------


def eigsh(A: Any, k: int = 6, M: Any = None, *args: Any, **options: Any) -> Any:
    """Some eigenvalues and eigenvectors of a symmetric matrix, differentiable by its entries.

    Parameters
    ----------
    A : sparse array of SciPy's, SparseArray or dense array, real and symmetric
    k : int
    *args, **options
        As SciPy has them; `M` and operators for constant matrices alone.

    Returns
    -------
    w, v, or w alone
        As SciPy's. The eigenvectors, and derivatives of order 2, need eigenvalues that are simple.

    Examples
    --------
    >>> import numpy
    >>> from fastad import grad
    >>> from fastad.scipy import sparse
    >>> from fastad.scipy.sparse.linalg import eigsh
    >>> places = (numpy.array([0, 1, 2, 0, 1]), numpy.array([0, 1, 2, 1, 0]))
    >>> def largest(entries):
    ...     A = sparse.csr_array((entries, places), shape=(3, 3))
    ...     return eigsh(A, 1, which="LA", return_eigenvectors=False, v0=numpy.ones(3))[0]
    >>> numpy.abs(numpy.round(grad(largest)(numpy.array([2.0, 2.0, 1.0, 1.0, 1.0])), 6))
    array([0.5, 0.5, 0. , 0.5, 0.5])
    """
    own: Any = scipy.sparse.linalg.eigsh
    if not (is_traced(A) or isinstance(A, SparseArray)):
        return own(A, k, M, *args, **options)
    if M is not None:
        raise NotImplementedError(
            "scipy.sparse.linalg.eigsh: the argument 'M' has no derivative rule in fastad with "
            "traced entries; use fastad.scipy.linalg.eigh(A, M) of dense matrices"
        )
    given = inspect.signature(own).bind(A, k, M, *args, **options).arguments
    vectors_too = given.pop("return_eigenvectors", True)
    array = _as_sparse(A)
    _plain("eigsh", array.data)
    matrix = _matrix(array)
    w, v = own(**{**given, "A": matrix, "return_eigenvectors": True})
    if not vectors_too:
        asked = own(**{**given, "A": matrix, "return_eigenvectors": False})
        order = onp.argsort(onp.argsort(asked))  # SciPy's order is another without vectors
        sort = onp.argsort(w)[order]
        w, v = w[sort], v[:, sort]
    levels = _levels(array.data)
    if not vectors_too and levels == 1:  # also where eigenvalues coincide
        moved = np.sum(v * (array @ v), axis=0)
        return valued(moved, w)
    n = array.shape[0]
    values, vectors = [], []
    for value, vector in zip(w, v.T):
        corner = matrix - value * scipy.sparse.identity(n)
        jacobian = scipy.sparse.bmat([[corner, -vector[:, None]], [vector[None, :], None]])

        def residual(z: Array) -> Array:
            u, w = z[:n], z[n]
            size = (np.sum(u * u) - 1.0) / 2
            return np.concatenate([array @ u - w * u, np.reshape(size, (1,))])

        found = _followed(onp.append(vector, value), residual, jacobian, levels)
        values.append(found[n])
        vectors.append(found[:n])
    if not vectors_too:
        return np.stack(values)
    return np.stack(values), np.stack(vectors, axis=1)


# ---- least squares -------------------------------------------------------------------------------

_TEXT = """Solve a sparse least-squares problem by SciPy's {name}.

    The solution is differentiable by the right-hand side and the entries of a matrix of full column
    rank: it is where A^T (A x - b) + damp^2 x is zero.

    Parameters
    ----------
    A : sparse array of SciPy's, SparseArray or dense array
    b : array of shape (m,)
    *args, **options
        As SciPy has them.

    Returns
    -------
    tuple
        SciPy's; the first entry, x, is differentiable.

    Examples
    --------
    >>> import numpy, scipy.sparse
    >>> from fastad import grad
    >>> from fastad.scipy.sparse.linalg import {name}
    >>> A = scipy.sparse.csr_array([[1.0, 0.0], [0.0, 2.0], [1.0, 0.0]])
    >>> numpy.round(grad(lambda b: {name}(A, b)[0].sum())(numpy.ones(3)), 6)
    array([0.5, 0.5, 0.5])
    """


def _least_squares(name: str) -> Any:
    own: Any = getattr(scipy.sparse.linalg, name)

    def solve(A: Any, b: Any, *args: Any, **options: Any) -> Any:
        if not (is_traced(A, b) or isinstance(A, SparseArray)):
            return own(A, b, *args, **options)
        array, b = _as_sparse(A), np.ravel(np.asarray(b))
        _plain(name, array.data, b)
        damp = inspect.signature(own).bind(A, b, *args, **options).arguments.get("damp", 0.0)
        matrix = _matrix(array)
        x, *more = own(matrix, primal(b), *args, **options)
        normal = matrix.T @ matrix + damp**2 * scipy.sparse.identity(len(x))

        def residual(x: Array) -> Array:
            return array.T @ (array @ x - b) + damp**2 * x

        return (_followed(x, residual, normal, _levels(array.data, b)), *more)

    solve.__name__ = solve.__qualname__ = name
    solve.__doc__ = _TEXT.format(name=name)
    solve.__signature__ = inspect.signature(own)  # type: ignore[attr-defined]
    return solve


IMPLICIT = {"eigsh": eigsh, "lsqr": _least_squares("lsqr"), "lsmr": _least_squares("lsmr")}
