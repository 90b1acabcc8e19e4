"""Norms and condition numbers: norm, vector_norm, matrix_norm, cond."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..._core import is_strict_zero
from ..mathematics.lengths import has_digits, scaled
from ..mathematics.scans import kept_shape
from ..registry import (
    REAL,
    Array,
    as_value,
    cast,
    composite,
    count_of,
    defjvp,
    defvjp,
    dtype_of,
    helper,
    isbox,
    normalized_axes,
    nowhere,
    numpy_function,
    ops,
    primal,
    shape_of,
    stand_in,
)
from .matrices import is_complex, per_matrix, with_nan
from .singular_values import singular_function, svdvals
from .solving import inv

# ---- norm --------------------------------------------------------------------------------------


def _direction(ans: Array, x: Array, order: float, axes: tuple[int, ...]) -> Array:
    """Derivative of a vector norm: the field that the norm changes by, elementwise.

    For the Euclidean norm it is x / norm, for the p-norm sign(x) * (abs(x) / norm) ** (p - 1).
    At zero it is 0 / 0, NaN, where the norm has no derivative; under strict_zero it is 0.
    """
    if has_digits(primal(ans), primal(order)):
        ans = ops.reshape(ans, kept_shape(shape_of(x), axes))
    else:
        ans, x = scaled(ans, x, axes, order)
    if is_strict_zero():
        ans = ops.where(primal(ans) == 0, np.ones((), ans.dtype), ans)
    if not isbox(order) and order == 2:
        return x / ans
    size = ops.abs(x)
    if primal(order) == 2:  # as below, and with x's derivative at 0
        return x / ans * (size / ans) ** (order - 2)
    if is_complex(x):
        sign = x / ops.where(primal(size) == 0, np.ones((), size.dtype), size)
    else:
        sign = ops.sign(x)
    if not isbox(order) and order == 1:
        return sign
    return sign * (size / ans) ** (order - 1)


def _slope_by_order(ans: Array, x: Array, order: Array, axes: tuple[int, ...]) -> Array:
    """Derivative of a p-norm by p: sum(r ** p * log(r)) * norm / p, where r is abs(x) / norm.

    It is that of log(norm) = log(sum(abs(x) ** p)) / p. Zeros have no share in it.
    """
    if has_digits(primal(ans), primal(order)):
        norm = ops.reshape(ans, kept_shape(shape_of(x), axes))
    else:
        norm, x = scaled(ans, x, axes, order)
    size = ops.abs(x)
    absent = primal(size) == 0
    one = np.ones((), size.dtype)
    ratio = ops.where(absent, one, size) / ops.where(primal(norm) == 0, one, norm)
    shares = ops.where(absent, 0 * one, ratio**order * ops.log(ratio))
    return ops.reshape(ops.sum(shares, axis=axes), shape_of(ans)) * ans / order


@helper
def _norm(x: Array, order: Any, axes: tuple[int, ...], given: tuple[Any, Any, bool]) -> Array:
    """The norm as NumPy computes it; axes are for the rules.

    Parameters
    ----------
    order : float
        That of a p-norm of vectors; a traced one is finite and not 0.
    given : tuple
        The order if it is a word or None, else `order`'s name; NumPy's axis and keepdims.
    """
    word, axis, keepdims = given
    if word is None and axis is None and not keepdims and type(x) is np.ndarray:
        if x.dtype in REAL:  # as numpy.linalg.norm has it, which takes longer to come to that
            line = x.ravel("K")
            return np.sqrt(line.dot(line))
    return np.linalg.norm(x, order if word == "order" else word, axis, keepdims)


def _norm_vjp(ans: Array, x: Array, order: Any, axes: Any, given: Any) -> Any:
    real = type(order) is int and dtype_of(x).kind == "f"
    if real and order == 1 and shape_of(ans):
        sign, rows = ops.sign(x), kept_shape(shape_of(x), axes)
        return lambda g: g.reshape(rows) * sign
    euclidean = real and order == 2
    if euclidean and not shape_of(ans) and has_digits(primal(ans)):
        return lambda g: g * (x / ans)
    kept = kept_shape(shape_of(x), axes)
    if euclidean and has_digits(primal(ans)):
        return lambda g: g.reshape(kept) * (x / ans.reshape(kept))
    return lambda g: ops.reshape(g, kept) * ops.conj(_direction(ans, x, order, axes))


def _norm_jvp(t: Array, ans: Array, x: Array, order: Any, axes: Any, given: Any) -> Array:
    along = t * ops.conj(_direction(ans, x, order, axes))
    return ops.sum(ops.real(along), axis=axes, keepdims=given[2])


defvjp(
    _norm,
    _norm_vjp,
    lambda ans, x, order, axes, given: lambda g: g * _slope_by_order(ans, x, order, axes),
)
defjvp(
    _norm,
    _norm_jvp,
    lambda t, ans, x, order, axes, given: t * _slope_by_order(ans, x, order, axes),
)


def _refuse_order(function: str, argument: str, order: Any) -> None:
    """Raise TypeError if an order by which a norm has no derivative is traced."""
    if isbox(order):
        raise TypeError(
            f"numpy.linalg.{function}: the argument {argument!r} must not be traced in fastad, "
            f"unless it is the finite order p, not 0, of the p-norm of vectors; give a plain number"
        )


def _vector_norm(x: Array, traced_order: Any, axis: int, given: Any) -> Array:
    order, given_axis, keepdims = given
    by_order = ("order", given_axis, keepdims)
    if isbox(traced_order) and order != 0 and np.isfinite(order):
        return _norm(x, traced_order, (axis,), by_order)
    _refuse_order("norm", "ord", traced_order)
    if isinstance(order, str):
        return np.linalg.norm(stand_in(x), *given)  # raises
    if order == np.inf:
        return ops.max(ops.abs(x), axis=axis, keepdims=keepdims)
    if order == -np.inf:
        return ops.min(ops.abs(x), axis=axis, keepdims=keepdims)
    if order == 0:
        return _count(x, *given)
    return _norm(x, order, (axis,), by_order)


_count = count_of(numpy_function("linalg.norm"))


@helper
def _singular_norm(x: Array, order: Any) -> Array:
    """Sum, maximum or minimum of singular values."""
    s = np.linalg.svd(x, compute_uv=False)
    return (np.sum if order == "nuc" else np.max if order > 0 else np.min)(s, axis=-1)


def _slope_of_singular(x: Array, order: Any) -> Array:
    """Derivative of `_singular_norm`; where it is not unique the mean of those on each side."""
    s = svdvals(primal(x))
    if order == "nuc":
        weights = np.ones(s.shape, s.dtype)
    else:
        chosen = s == (ops.max if order > 0 else ops.min)(s, axis=-1, keepdims=True)
        weights = (chosen / np.sum(chosen, axis=-1, keepdims=True)).astype(s.dtype)
    return singular_function(x, weights, False)


defvjp(_singular_norm, lambda ans, x, order: lambda g: per_matrix(g) * _slope_of_singular(x, order))
defjvp(
    _singular_norm,
    lambda t, ans, x, order: ops.real(ops.sum(_slope_of_singular(x, order) * t, axis=(-1, -2))),
)


def _matrix_norm(x: Array, order: Any, axes: tuple[int, int], given: Any) -> Array:
    if isinstance(order, str) and order == "nuc" or order in (2, -2):
        result = _singular_norm(ops.moveaxis(x, axes, (-2, -1)), order)
    elif order in (1, -1, np.inf, -np.inf):
        row, column = axes if order in (1, -1) else axes[::-1]
        sums = ops.sum(ops.abs(x), axis=row)
        column -= column > row
        result = (ops.max if order > 0 else ops.min)(sums, axis=column)
    else:
        return np.linalg.norm(stand_in(x), *given)  # raises
    return ops.reshape(result, kept_shape(x.shape, axes)) if given[2] else result


@composite("linalg.norm")
def norm(x: Array, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Array:
    """Vector norms of any order, and the matrix norms 'fro', 'nuc', 1, -1, 2, -2, inf, -inf."""
    x = as_value(x)
    if ord is None and axis is None and x.dtype in REAL:
        return _norm(x, 2, tuple(range(x.ndim)), (None, None, bool(keepdims)))
    if axis is not None and not isinstance(axis, tuple):
        axis = int(axis)
    order = primal(ord)
    given = (order, axis, bool(keepdims))
    if x.dtype.kind in "iub":
        x = x.astype(np.float64)
    axes = normalized_axes(axis, x.ndim)
    if order is None or (len(axes) == 2 and order in ("fro", "f")):
        return _norm(x, 2, axes, given)
    if x.size == 0:
        return _count(x, *given)  # NumPy's error, or zeros
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], given)
    if len(axes) == 2:
        _refuse_order("norm", "ord", ord)
        return _matrix_norm(x, given[0], axes, given)
    return np.linalg.norm(stand_in(x), *given)  # raises


@composite("linalg.vector_norm")
def vector_norm(x: Array, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Array:
    """Vector norms over any number of axes, which count as one."""
    x = as_value(x)
    shape = x.shape
    along: Any = axis
    if axis is None:
        x, along = ops.ravel(x), 0
    elif isinstance(axis, tuple):
        axes = normalized_axes(axis, x.ndim)
        rest = tuple(i for i in range(x.ndim) if i not in axes)
        length = math.prod(shape[i] for i in axes)
        x = ops.reshape(ops.transpose(x, axes + rest), (length, *(shape[i] for i in rest)))
        along = 0
    result = norm(x, ord, along)
    if not keepdims:
        return result
    return ops.reshape(result, kept_shape(shape, normalized_axes(axis, len(shape))))


@composite("linalg.matrix_norm")
def matrix_norm(x: Array, /, *, keepdims: bool = False, ord: Any = "fro") -> Array:
    """Matrix norms of the last two axes."""
    _refuse_order("matrix_norm", "ord", ord)
    return norm(as_value(x), ord, (-2, -1), keepdims)


# ---- cond --------------------------------------------------------------------------------------


def _cond(x: Array, p: Any = None) -> Array:
    if p is None or p in (2, -2):
        # Of a matrix with NaN entries NumPy 2.5 has NaN, and its SVD no result.
        missing = np.any(np.isnan(primal(x)), axis=(-2, -1))
        if not nowhere(missing):
            x = ops.where(per_matrix(missing), np.eye(*shape_of(x)[-2:], dtype=x.dtype), x)
        s = svdvals(x)
        with np.errstate(all="ignore"):
            result = s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
        return with_nan(result, missing)
    # NumPy finds the inverse in double precision.
    wide = cast(x, np.result_type(x.dtype, np.float64))
    singular = ~np.isfinite(np.linalg.cond(primal(x), p))
    regular = nowhere(singular)
    if not regular:
        eye = np.eye(shape_of(x)[-1], dtype=wide.dtype)
        wide = ops.where(per_matrix(singular), eye, wide)
    with np.errstate(all="ignore"):
        size = norm(x, p, (-2, -1))
        result = size * norm(inv(wide), p, (-2, -1))
        if regular:
            return result
        infinite = ops.where(singular, size, 0.0) * np.where(singular, np.inf, 1.0)
        return ops.where(singular, infinite, result)


_condition = helper(numpy_function("linalg.cond"), _cond)


@composite("linalg.cond")
def cond(x: Array, p: Any = None) -> Array:
    """Condition number in any matrix norm; infinite, with an infinite derivative, if singular."""
    _refuse_order("cond", "p", p)
    return _condition(as_value(x), p)
