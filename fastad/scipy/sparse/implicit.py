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
from ..registry import Array, defjvp, defvjp, helper, is_traced, primal, valued
from .arrays import SparseArray

__all__ = ["IMPLICIT"]

EPSILON = float(onp.finfo(float).eps)
COINCIDE = (
    "scipy.sparse.linalg.eigsh: two eigenvalues coincide, and their eigenvectors have no "
    "derivative; with return_eigenvectors=False the sum of both has one"
)
RANK = (
    "scipy.sparse.linalg.{name}: the solution has a derivative here where the matrix has full "
    "column rank; give damp=, or use fastad.numpy.linalg.lstsq of a dense matrix"
)


def _levels(*values: Any) -> int:
    """How often the most differentiated of some values is."""
    most = 0
    for x in values:
        count = 0
        while is_differentiated(x):
            x, count = x._value, count + 1
        most = max(most, count)
    return most


def _check(name: str, *values: Any) -> None:
    if any(value.dtype.kind == "c" for value in values):
        raise NotImplementedError(
            f"scipy.sparse.linalg.{name}: complex entries have no derivative rule in fastad where "
            "any are traced; write the real and the imaginary parts beside each other"
        )
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


def _regular_factors(jacobian: Any, why: str) -> Any:
    """The triangular factors of a matrix; an error that says why if it has no inverse."""
    matrix = scipy.sparse.csc_array(jacobian)
    try:
        factors = scipy.sparse.linalg.splu(matrix)
    except RuntimeError as error:  # SuperLU's word for a pivot that is zero
        raise onp.linalg.LinAlgError(why) from error
    pivots = onp.abs(factors.U.diagonal())
    if not onp.min(pivots) > len(pivots) * EPSILON * onp.max(pivots):
        raise onp.linalg.LinAlgError(why)
    return factors


def _followed(
    x: Any, residual: Callable[[Array], Array], jacobian: Any, levels: int, why: str
) -> Array:
    """The root x of a residual, with derivatives of as many orders as there are levels."""
    factors = _regular_factors(jacobian, why)
    moved = x
    for _ in range(levels):
        moved = moved - _by_factors(residual(moved), factors, "N")
    return valued(moved, x)


def _as_sparse(name: str, A: Any) -> SparseArray:
    if isinstance(A, scipy.sparse.linalg.LinearOperator):
        raise NotImplementedError(
            f"scipy.sparse.linalg.{name}: an operator has no derivative rule in fastad; give a "
            "sparse or a dense matrix"
        )
    return SparseArray.of(A)


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
        As SciPy has them; `M` and operators for constant matrices alone. `sigma` and `v0` steer
        the search, and count as constants.

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
    traced = is_traced(M) or isinstance(M, SparseArray)
    if not traced and not (is_traced(A) or isinstance(A, SparseArray)):
        return own(A, k, M, *map(primal, args), **{key: primal(x) for key, x in options.items()})
    if M is not None:
        raise NotImplementedError(
            "scipy.sparse.linalg.eigsh: the argument 'M' has no derivative rule in fastad with "
            "traced entries of either; use fastad.scipy.linalg.eigh(A, M) of dense matrices"
        )
    given = inspect.signature(own).bind(A, k, M, *args, **options).arguments
    # Where the search is (sigma) and begins (v0) has no part in what it finds.
    given = {key: primal(value) for key, value in given.items()}
    vectors_too = given.pop("return_eigenvectors", True)
    array = _as_sparse("eigsh", A)
    _check("eigsh", array.data)
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

        found = _followed(onp.append(vector, value), residual, jacobian, levels, COINCIDE)
        values.append(found[n])
        vectors.append(found[:n])
    if not vectors_too:
        return np.stack(values)
    return np.stack(values), np.stack(vectors, axis=1)


# ---- least squares -------------------------------------------------------------------------------

_TEXT = """Solve a sparse least-squares problem by SciPy's {name}.

    The solution is differentiable by the right-hand side, damp and the entries of a matrix of full
    column rank: it is where A^T (A x - b) + damp^2 x is zero.

    Parameters
    ----------
    A : sparse array of SciPy's, SparseArray or dense array
    b : array of shape (m,)
    *args, **options
        As SciPy has them.

    Returns
    -------
    tuple
        SciPy's; the first entry, x, is differentiable, the norms and estimates after it are plain.

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

    signature = inspect.signature(own)

    def solve(A: Any, b: Any, *args: Any, **options: Any) -> Any:
        given = signature.bind(A, b, *args, **options).arguments
        damp = given.get("damp", 0.0)
        if not (is_traced(A, b, damp) or isinstance(A, SparseArray)):
            return own(A, b, *args, **options)
        array, b = _as_sparse(name, A), np.ravel(np.asarray(b))
        damp = np.asarray(damp)
        _check(name, array.data, b, damp)
        matrix, plain_damp = _matrix(array), float(primal(damp))
        given = {key: primal(value) for key, value in given.items()}
        x, *more = own(**{**given, "A": matrix, "b": primal(b), "damp": plain_damp})
        why = RANK.format(name=name)
        if matrix.shape[0] < matrix.shape[1] and not plain_damp:
            raise onp.linalg.LinAlgError(why)
        normal = matrix.T @ matrix + plain_damp**2 * scipy.sparse.identity(len(x))

        def residual(x: Array) -> Array:
            return array.T @ (array @ x - b) + damp**2 * x

        return (_followed(x, residual, normal, _levels(array.data, b, damp), why), *more)

    solve.__name__ = solve.__qualname__ = name
    solve.__doc__ = _TEXT.format(name=name)
    solve.__signature__ = signature  # type: ignore[attr-defined]
    return solve


IMPLICIT = {"eigsh": eigsh, "lsqr": _least_squares("lsqr"), "lsmr": _least_squares("lsmr")}
