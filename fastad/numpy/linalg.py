"""`numpy.linalg`: norm, det, inv and solve are differentiable, the rest refuses traced values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .namespace import fill
from .reductions import kept_shape
from .registry import (
    Array,
    as_value,
    cast,
    composite,
    defjvp,
    defvjp,
    differentiable,
    fitted,
    helper,
    normalized_axes,
    ops,
    shape_of,
)


def _transposed(x: Array) -> Array:
    return ops.swapaxes(x, -1, -2)


# ---- norm --------------------------------------------------------------------------------------


def _direction(ans: Array, x: Array, order: float, axes: tuple[int, ...]) -> Array:
    """Derivative of a vector norm: the field that the norm changes by, elementwise.

    For the Euclidean norm it is x / norm, for the p-norm sign(x) * (abs(x) / norm) ** (p - 1).
    At zero it is 0 / 0, NaN, where the norm has no derivative.
    """
    ans = ops.reshape(ans, kept_shape(shape_of(x), axes))
    if order == 2:
        return x / ans
    size = ops.abs(x)
    sign = x / size if ops.iscomplexobj(x) else ops.sign(x)
    return sign if order == 1 else sign * (size / ans) ** (order - 1)


@helper
def _norm(x: Array, order: Any, axes: tuple[int, ...], given: tuple[Any, Any, bool]) -> Array:
    """The norm as NumPy computes it from the arguments given; order and axes are for the rules."""
    ord_given, axis_given, keepdims = given
    return np.linalg.norm(x, ord_given, axis_given, keepdims)


def _norm_vjp(ans: Array, x: Array, order: Any, axes: Any, given: Any) -> Any:
    kept = kept_shape(shape_of(x), axes)
    return lambda g: ops.reshape(g, kept) * ops.conj(_direction(ans, x, order, axes))


def _norm_jvp(t: Array, ans: Array, x: Array, order: Any, axes: Any, given: Any) -> Array:
    along = t * ops.conj(_direction(ans, x, order, axes))
    return ops.sum(ops.real(along), axis=axes, keepdims=given[2])


defvjp(_norm, _norm_vjp)
defjvp(_norm, _norm_jvp)


@composite("linalg.norm")
def norm(x: Array, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Array:
    """Vector norms of any order, and the matrix norms 'fro', 1, -1, inf and -inf.

    Raises
    ------
    TypeError
        For the orders that need singular values (2, -2, 'nuc' of a matrix).
    """
    x = as_value(x)
    if x.dtype.kind in "iub":
        x = x.astype(np.float64)
    keepdims = bool(keepdims)
    axes = normalized_axes(axis, x.ndim)
    given = (ord, axis, keepdims)
    if ord is None or (len(axes) == 2 and ord in ("fro", "f")):
        return _norm(x, 2, axes, given)
    if len(axes) == 1:
        if ord == np.inf:
            return ops.max(ops.abs(x), axis=axes[0], keepdims=keepdims)
        if ord == -np.inf:
            return ops.min(ops.abs(x), axis=axes[0], keepdims=keepdims)
        if isinstance(ord, str):
            raise ValueError(f"Invalid norm order '{ord}' for vectors")
        if ord == 0:
            return ops.sum(cast(x != 0, ops.real(x).dtype), axis=axes[0], keepdims=keepdims)
        return _norm(x, ord, axes, given)
    if len(axes) != 2:
        raise ValueError("Improper number of dimensions to norm.")
    if ord in (1, -1, np.inf, -np.inf):
        row, column = axes if ord in (1, -1) else axes[::-1]
        sums = ops.sum(ops.abs(x), axis=row, keepdims=True)
        extreme = ops.max if ord > 0 else ops.min
        result = extreme(sums, axis=column, keepdims=True)
        return result if keepdims else ops.squeeze(result, axes)
    if ord in (2, -2, "nuc"):
        raise TypeError(
            f"numpy.linalg.norm: the matrix norm {ord!r} has no derivative rule in fastad; "
            "use 'fro', 1 or inf, or flatten x for the vector norm"
        )
    raise ValueError("Invalid norm order for matrices.")


# ---- det, inv, solve ---------------------------------------------------------------------------


inv = differentiable("linalg.inv")


def _inv_vjp(ans: Array, a: Array) -> Any:
    def vjp(g: Array) -> Array:
        adjoint = _transposed(ans)
        return -ops.matmul(adjoint, ops.matmul(g, adjoint))

    return vjp


defvjp(inv, _inv_vjp)
defjvp(inv, lambda t, ans, a: -ops.matmul(ans, ops.matmul(t, ans)))


def _scalar_per_matrix(x: Array) -> Array:
    return ops.reshape(x, (*shape_of(x), 1, 1))


# A singular matrix has no derivative here: its inverse raises LinAlgError in the sweep.
det = differentiable("linalg.det")


def _det_vjp(ans: Array, a: Array) -> Any:
    return lambda g: _scalar_per_matrix(g * ans) * _transposed(inv(a))


def _det_jvp(t: Array, ans: Array, a: Array) -> Array:
    return ans * ops.sum(_transposed(inv(a)) * t, axis=(-1, -2))


defvjp(det, _det_vjp)
defjvp(det, _det_jvp)


VECTOR_BY_NDIM_ONE = np.lib.NumpyVersion(np.__version__) >= "2.0.0"


def _is_vector(a: Array, b: Array) -> bool:
    """Tell whether b is one vector (NumPy 2) or a stack of vectors (NumPy 1), not of matrices."""
    ndim = len(shape_of(b))
    return ndim == 1 if VECTOR_BY_NDIM_ONE else ndim == len(shape_of(a)) - 1


@helper
def _solve(a: Array, b: Array) -> Array:
    """Solve for matrices b of right hand sides; a vector was made a column before."""
    return np.linalg.solve(a, b)


def _solve_vjp_a(ans: Array, a: Array, b: Array) -> Any:
    shape = shape_of(a)
    return lambda g: fitted(-ops.matmul(_solve(_transposed(a), g), _transposed(ans)), shape)


def _solve_vjp_b(ans: Array, a: Array, b: Array) -> Any:
    shape = shape_of(b)
    return lambda g: fitted(_solve(_transposed(a), g), shape)


defvjp(
    _solve,
    _solve_vjp_a,
    _solve_vjp_b,
)
defjvp(
    _solve,
    lambda t, ans, a, b: -_solve(a, ops.matmul(t, ans)),
    lambda t, ans, a, b: _solve(a, t),
)


@composite("linalg.solve")
def solve(a: Array, b: Array) -> Array:
    """Solution x of a @ x = b, for (stacks of) vectors or matrices b."""
    a, b = as_value(a), as_value(b)
    if _is_vector(a, b):
        return _solve(a, ops.reshape(b, (*b.shape, 1)))[..., 0]
    return _solve(a, b)


__all__: list[str] = []
__all__ += fill(globals(), np.linalg, "linalg")

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
