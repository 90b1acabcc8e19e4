"""Linear systems: inv, solve, tensorinv, tensorsolve.

The rules are those of Giles (2008), 'Collected matrix derivative results for forward and reverse
mode algorithmic differentiation', with the convention for complex values that a cotangent is
multiplied by the transpose and not by the conjugate transpose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._core import defvjp_argnums
from ..registry import (
    Array,
    as_value,
    composite,
    defjvp,
    defvjp,
    differentiable,
    fitted,
    helper,
    ops,
    shape_of,
    stand_in,
)
from .loops import by_loops
from .matrices import T, mm, rows

# ---- inv ---------------------------------------------------------------------------------------


inv = differentiable("linalg.inv")
by_loops(inv, ("inv", "(m,m)->(m,m)"))


def _inv_vjp(ans: Array, a: Array) -> Any:
    def vjp(g: Array) -> Array:
        transposed = T(ans)
        return -mm(transposed, g, transposed)

    return vjp


defvjp(inv, _inv_vjp)
defjvp(inv, lambda t, ans, a: -mm(ans, t, ans))


# ---- solve -------------------------------------------------------------------------------------


VECTOR_BY_NDIM_ONE = np.lib.NumpyVersion(np.__version__) >= "2.0.0"


def _is_vector(a: Array, b: Array) -> bool:
    """Tell whether b is one vector (NumPy 2) or a stack of vectors (NumPy 1), not of matrices."""
    ndim = len(shape_of(b))
    return ndim == 1 if VECTOR_BY_NDIM_ONE else ndim == len(shape_of(a)) - 1


@helper
def matrix_solve(a: Array, b: Array) -> Array:
    """Solve for the columns of b, which is a (stack of) matrices and never of vectors.

    By substitution where a is one triangular matrix, as the rules of factorizations meet them: it
    is the same function of a whether a is triangular or not, and so are its derivatives.
    """
    return np.linalg.solve(a, b)


@helper
def _solve(a: Array, b: Array) -> Array:
    return np.linalg.solve(a, b)


SINGLE_VECTOR = ("solve1", "(m,m),(m)->(m)")
COLUMNS = ("solve", "(m,m),(m,n)->(m,n)")
by_loops(_solve, SINGLE_VECTOR, COLUMNS)
by_loops(matrix_solve, COLUMNS, own="solve_triangular")


def _solved(a: Array, b: Array, vectors: bool) -> Array:
    return matrix_solve(a, rows(b))[..., 0] if vectors else matrix_solve(a, b)


def _solve_vjp(argnums: Sequence[int], ans: Array, args: Any, kwargs: Any) -> Any:
    shapes = [shape_of(arg) for arg in args]
    stacked = max(map(len, shapes)) > 2
    vectors = _is_vector(*args)

    def vjp(g: Array) -> list[Array]:
        x = ans
        if vectors:
            g, x = rows(g), rows(x)
        toward_b = matrix_solve(T(args[0]), g)
        found = []
        for argnum in argnums:
            if argnum:
                one = toward_b[..., 0] if vectors else toward_b
            else:
                one = mm(-toward_b, T(x))
            found.append(fitted(one, shapes[argnum]) if stacked else one)
        return found

    return vjp


def _solve_jvp_a(t: Array, ans: Array, a: Array, b: Array) -> Array:
    vectors = _is_vector(a, b)
    moved = mm(t, rows(ans))[..., 0] if vectors else mm(t, ans)
    return -_solved(a, moved, vectors)


for _system in (_solve, matrix_solve):
    defvjp_argnums(_system, _solve_vjp)
    defjvp(_system, _solve_jvp_a, lambda t, ans, a, b: _solve(a, t))


@composite("linalg.solve")
def solve(a: Array, b: Array) -> Array:
    """Solution x of a @ x = b, for (stacks of) vectors or matrices b."""
    return _solve(as_value(a), as_value(b))


# ---- systems of tensors --------------------------------------------------------------------------


@composite("linalg.tensorsolve")
def tensorsolve(a: Array, b: Array, axes: Any = None) -> Array:
    """Solution x of tensordot(a, x, x.ndim) = b."""
    a, b = as_value(a), as_value(b)
    if axes is not None:
        order = list(range(a.ndim))
        for axis in axes:
            order.remove(axis)
            order.append(axis)
        a = ops.transpose(a, tuple(order))
    shape = a.shape[-(a.ndim - b.ndim) :]
    side = math.prod(shape)
    if a.size != side**2:
        np.linalg.tensorsolve(stand_in(a), stand_in(b))  # raises
    return ops.reshape(solve(ops.reshape(a, (side, side)), ops.ravel(b)), shape)


@composite("linalg.tensorinv")
def tensorinv(a: Array, ind: int = 2) -> Array:
    """Inverse of a with respect to tensordot over ind axes."""
    a = as_value(a)
    if ind <= 0 or not a.ndim:
        return np.linalg.tensorinv(stand_in(a), ind)  # raises
    shape = a.shape
    columns = math.prod(shape[ind:])
    result = inv(ops.reshape(a, (columns, -1)))
    return ops.reshape(result, shape[ind:] + shape[:ind])
