"""Iterative solvers of linear systems: cg, gmres and their kin, by b and by the entries of A."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as onp
import scipy.sparse
import scipy.sparse.linalg

from ... import numpy as np
from ..host_calls import without_boxes, without_derivatives
from ..registry import Array, defjvp, defvjp, helper, is_traced, shape_of
from .arrays import SparseArray

__all__ = ["SOLVERS", "solver"]

SOLVERS = "bicg bicgstab cg cgs gcrotmk gmres lgmres minres".split()


class _Iteration:
    """The constant part of a system and how it is solved: pattern, solver, tolerances."""

    def __init__(self, name: str, a: Any, options: dict[str, Any], turned: bool = False) -> None:
        self.name = name
        self.a = a
        self.options = options
        self.turned = turned

    @property
    def T(self) -> _Iteration:
        """That of the transposed matrix; the preconditioner is transposed with it."""
        options = {k: v for k, v in self.options.items() if k not in ("x0", "callback")}
        if options.get("M") is not None:
            options["M"] = scipy.sparse.linalg.aslinearoperator(options["M"]).T
        return _Iteration(self.name, self.a, options, not self.turned)

    def matrix(self, data: Any) -> Any:
        """The matrix of these entries, as SciPy takes it."""
        a = self.a
        if isinstance(a, SparseArray):
            found: Any = scipy.sparse.coo_array((data, (a.row, a.col)), shape=a.shape).tocsr()
        else:
            found = data if a is None else scipy.sparse.linalg.aslinearoperator(a)
        return found.T if self.turned else found

    def solve(self, data: Any, b: Any) -> tuple[Any, int]:
        found: tuple[Any, int] = getattr(scipy.sparse.linalg, self.name)(
            self.matrix(data), b, **self.options
        )
        return found

    def times(self, data: Array, x: Array) -> Array:
        """The product of a matrix of these entries."""
        if isinstance(self.a, SparseArray):
            row, col = (self.a.row, self.a.col)[:: -1 if self.turned else 1]
            shape = self.a.shape[:: -1 if self.turned else 1]
            return SparseArray(data, row, col, shape) @ x
        return np.matmul(np.transpose(data) if self.turned else data, x)

    def of_entries(self, covector: Array, x: Array) -> Array:
        """The cotangent of the entries, from that of the right-hand side."""
        left, right = (x, covector) if self.turned else (covector, x)
        if isinstance(self.a, SparseArray):
            return -(left[self.a.row] * right[self.a.col])
        return -np.outer(left, right)


@helper
def _iterated(data: Any, b: Any, system: _Iteration, known: Any = None) -> Any:
    """The solution, which may be known."""
    return system.solve(data, b)[0] if known is None else known


defvjp(
    _iterated,
    lambda ans, data, b, system, known=None: (
        lambda g: system.of_entries(_iterated(data, g, system.T), ans)
    ),
    lambda ans, data, b, system, known=None: lambda g: _iterated(data, g, system.T),
    argnums=(0, 1),
)
defjvp(
    _iterated,
    lambda g, ans, data, b, system, known=None: -_iterated(data, system.times(g, ans), system),
    lambda g, ans, data, b, system, known=None: _iterated(data, g, system),
    argnums=(0, 1),
)

_TEXT = """Solve `A @ x = b` by SciPy's {name}, differentiable by b and the entries of A.

    Parameters
    ----------
    A : sparse array of SciPy's, SparseArray, dense array or LinearOperator
        The first three may have traced entries; a LinearOperator is a constant, and needs
        `rmatvec`, unless the method is for symmetric matrices.
    b : array of shape (n,) or (n, 1)
    **options
        As SciPy has them. `x0` and `callback` are for the first solution alone; a preconditioner
        `M` is transposed for the cotangent.

    Returns
    -------
    x : array
    info : int
        0 where it converged; the derivative is as exact as the solution is.

    Notes
    -----
    Rule: dx = A^-1 (db - dA x); the cotangent of b solves `A.T @ y = g` by the same method, to the
    same tolerances, and that of A is `-outer(y, x)` on its pattern. `rtol` is for the right-hand
    side that is solved for: the derivative's own.

    Examples
    --------
    >>> import numpy, scipy.sparse
    >>> from fastad import grad
    >>> from fastad.scipy.sparse.linalg import {name}
    >>> A = scipy.sparse.csr_array([[2.0, 1.0], [1.0, 4.0]])
    >>> numpy.round(grad(lambda b: {name}(A, b)[0].sum())(numpy.ones(2)), 6)
    array([0.428571, 0.142857])
    """


def solver(name: str) -> Any:
    """What stands for one of SciPy's solvers."""
    own: Any = getattr(scipy.sparse.linalg, name)
    symmetric = name in ("cg", "minres")

    def solve(A: Any, b: Any, x0: Any = None, **options: Any) -> Any:
        if not (is_traced(A, b, x0) or isinstance(A, SparseArray)):
            return own(A, b, x0, **options)
        options = {**without_boxes(options), "x0": without_boxes(x0)}
        if is_traced(A) or isinstance(A, onp.ndarray):
            data, pattern = np.asarray(A), None
        elif isinstance(A, SparseArray) or scipy.sparse.issparse(A):
            pattern = A if isinstance(A, SparseArray) else SparseArray.of(A)
            data = pattern.data
        else:
            data, pattern = onp.zeros(0), _Symmetric(A) if symmetric else A
        b = np.asarray(b)
        if b.ndim == 2 and shape_of(b)[1] == 1:
            b = b[:, 0]
        system = _Iteration(name, pattern, options)
        plain = without_derivatives(data), without_derivatives(b)
        if is_traced(*plain):  # recorded: found anew at each replay
            return _iterated(data, b, system), 0
        x, info = system.solve(*plain)
        return _iterated(data, b, system, x), info

    solve.__name__ = solve.__qualname__ = name
    solve.__doc__ = _TEXT.format(name=name)
    solve.__signature__ = inspect.signature(own)  # type: ignore[attr-defined]
    return solve


class _Symmetric(scipy.sparse.linalg.LinearOperator):
    """An operator that is its own transpose."""

    def __init__(self, operator: Any) -> None:
        operator = scipy.sparse.linalg.aslinearoperator(operator)
        super().__init__(operator.dtype, operator.shape)
        self.operator = operator

    def _matvec(self, x: Any) -> Any:
        return self.operator.matvec(x)

    def _transpose(self) -> _Symmetric:
        return self
