"""Products of arrays: inner, outer, tensordot, kron, cross, vdot, vecdot, matvec, vecmat."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..registry import (
    Array,
    as_value,
    composite,
    defjvp,
    defvjp,
    fitted,
    helper,
    normalized_axis,
    numpy_function,
    ops,
    refuse,
    shape_of,
)

# ---- tensordot, inner, outer, kron -------------------------------------------------------------


@composite("tensordot", "linalg.tensordot")
def tensordot(a: Array, b: Array, axes: Any = 2) -> Array:
    """Sum products over pairs of axes, by one matrix product as NumPy does it."""
    a, b = as_value(a), as_value(b)
    if np.iterable(axes):
        axes_a, axes_b = axes
    else:
        count = operator.index(axes)
        axes_a, axes_b = list(range(-count, 0)), list(range(count))
    sum_a = [operator.index(i) for i in (axes_a if np.iterable(axes_a) else (axes_a,))]
    sum_b = [operator.index(i) for i in (axes_b if np.iterable(axes_b) else (axes_b,))]
    if len(sum_a) != len(sum_b) or any(
        not -a.ndim <= i < a.ndim or not -b.ndim <= j < b.ndim or a.shape[i] != b.shape[j]
        for i, j in zip(sum_a, sum_b, strict=False)
    ):
        raise ValueError("shape-mismatch for sum")
    sum_a = [i % a.ndim for i in sum_a]
    sum_b = [j % b.ndim for j in sum_b]
    keep_a = [i for i in range(a.ndim) if i not in sum_a]
    keep_b = [j for j in range(b.ndim) if j not in sum_b]
    shape_a = tuple(a.shape[i] for i in keep_a)
    shape_b = tuple(b.shape[j] for j in keep_b)
    summed = int(np.prod([a.shape[i] for i in sum_a], dtype=int))
    rows = int(np.prod(shape_a, dtype=int))
    columns = int(np.prod(shape_b, dtype=int))
    left = ops.reshape(ops.transpose(a, (*keep_a, *sum_a)), (rows, summed))
    right = ops.reshape(ops.transpose(b, (*sum_b, *keep_b)), (summed, columns))
    return ops.reshape(ops.dot(left, right), shape_a + shape_b)


@composite("inner")
def inner(a: Array, b: Array, /) -> Array:
    """Sum of products over the last axes."""
    a, b = as_value(a), as_value(b)
    if a.ndim and b.ndim > 1:
        b = ops.swapaxes(b, -1, -2)
    return ops.dot(a, b)


@composite("outer")
def outer(a: Array, b: Array, out: None = None) -> Array:
    """Products of all pairs of elements."""
    if out is not None:
        refuse("outer", out=out)
    a, b = ops.ravel(as_value(a)), ops.ravel(as_value(b))
    return ops.reshape(a, (a.shape[0], 1)) * ops.reshape(b, (1, b.shape[0]))


@composite("linalg.outer")
def linalg_outer(x1: Array, x2: Array, /) -> Array:
    """Products of all pairs of elements of two vectors."""
    x1, x2 = as_value(x1), as_value(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError("Input arrays must be one-dimensional")
    return ops.outer(x1, x2)


@composite("kron")
def kron(a: Array, b: Array) -> Array:
    """Kronecker product."""
    a, b = as_value(a), as_value(b)
    if a.ndim == 0 or b.ndim == 0:
        # A scalar's operator has other bits, and a Python number is an array of doubles here.
        return ops.multiply(ops.asarray(a), ops.asarray(b))
    ndim = max(a.ndim, b.ndim)
    shape_a = (1,) * (ndim - a.ndim) + a.shape
    shape_b = (1,) * (ndim - b.ndim) + b.shape
    apart_a = tuple(length for n in shape_a for length in (n, 1))
    apart_b = tuple(length for n in shape_b for length in (1, n))
    product = ops.reshape(a, apart_a) * ops.reshape(b, apart_b)
    return ops.reshape(product, tuple(m * n for m, n in zip(shape_a, shape_b, strict=True)))


def _broadcast(argnum: int, adjoint: Callable[[Array, Array], Array]) -> Any:
    """Make a VJP maker of an adjoint(g, other operand) whose batch axes may be broadcast ones."""

    def maker(ans: Array, a: Array, b: Array) -> Any:
        shape, other = (shape_of(b), a) if argnum else (shape_of(a), b)
        return lambda g: fitted(adjoint(g, other), shape)

    return maker


# ---- cross -------------------------------------------------------------------------------------


def _cross(a: Array, b: Array, axisa: int, axisb: int, axisc: int) -> Array:
    a = ops.moveaxis(a, normalized_axis(axisa, a.ndim), -1)
    b = ops.moveaxis(b, normalized_axis(axisb, b.ndim), -1)
    sizes = a.shape[-1], b.shape[-1]
    if not set(sizes) <= {2, 3}:
        raise ValueError("incompatible dimensions for cross product (dimension must be 2 or 3)")
    if (
        2 in sizes
        and "c" not in (a.dtype.kind, b.dtype.kind)
        and np.lib.NumpyVersion(np.__version__) >= "2.0.0"
    ):
        warnings.warn(
            "Arrays of 2-dimensional vectors are deprecated. Use arrays of 3-dimensional vectors.",
            DeprecationWarning,
            stacklevel=2,
        )
    a0, a1 = a[..., 0], a[..., 1]
    b0, b1 = b[..., 0], b[..., 1]
    last = a0 * b1 - a1 * b0
    if sizes == (2, 2):
        return last
    if sizes == (2, 3):
        b2 = b[..., 2]
        parts = [a1 * b2, -(a0 * b2), last]
    elif sizes == (3, 2):
        a2 = a[..., 2]
        parts = [-(a2 * b1), a2 * b0, last]
    else:
        a2, b2 = a[..., 2], b[..., 2]
        parts = [a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, last]
    return ops.moveaxis(ops.stack(parts, -1), -1, axisc)


# NumPy's complex products round by the strides of where they are written to.
_complex_cross = helper(numpy_function("cross"), _cross)


@helper
def _cross_of_three(a: Array, b: Array) -> Array:
    """Products of vectors along the last axis, with the arithmetic of `numpy.cross`."""
    return a.take(YZX, -1) * b.take(ZXY, -1) - a.take(ZXY, -1) * b.take(YZX, -1)


YZX, ZXY = np.array([1, 2, 0]), np.array([2, 0, 1])
defvjp(
    _cross_of_three,
    _broadcast(0, lambda g, b: _cross_of_three(b, g)),
    _broadcast(1, lambda g, a: _cross_of_three(g, a)),
)
defjvp(
    _cross_of_three,
    lambda t, ans, a, b: _cross_of_three(t, b),
    lambda t, ans, a, b: _cross_of_three(a, t),
)


@composite("cross")
def cross(
    a: Array,
    b: Array,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Array:
    """Vector product of vectors of two or three components."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = as_value(a), as_value(b)
    if a.ndim < 1 or b.ndim < 1:
        raise ValueError("At least one array has zero dimension")
    if axisa == axisb == axisc == -1 and a.shape[-1] == 3 == b.shape[-1]:
        if a.dtype.kind == "f" == b.dtype.kind:
            return _cross_of_three(a, b)
    form = _complex_cross if "c" in (a.dtype.kind, b.dtype.kind) else _cross
    return form(a, b, axisa, axisb, axisc)


@composite("linalg.cross")
def linalg_cross(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    """Vector product of vectors of three components."""
    x1, x2 = as_value(x1), as_value(x2)
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError("Both input arrays must be (arrays of) 3-dimensional vectors")
    return ops.cross(x1, x2, axis=axis)


# ---- products of vectors along the last axis ---------------------------------------------------


@helper
def _vdot(a: Array, b: Array) -> Array:
    return np.vdot(a, b)


def _vdot_vjp_a(ans: Array, a: Array, b: Array) -> Any:
    shape = shape_of(a)
    return lambda g: ops.reshape(ops.conj(g * b), shape)


def _vdot_vjp_b(ans: Array, a: Array, b: Array) -> Any:
    shape = shape_of(b)
    return lambda g: ops.reshape(g * ops.conj(a), shape)


defvjp(_vdot, _vdot_vjp_a, _vdot_vjp_b)
defjvp(
    _vdot,
    lambda t, ans, a, b: _vdot(t, b),
    lambda t, ans, a, b: _vdot(a, t),
)


@composite("vdot")
def vdot(a: Array, b: Array, /) -> Array:
    """Sum of products of the flattened arrays, the first one conjugated."""
    a, b = ops.ravel(as_value(a)), ops.ravel(as_value(b))
    if "c" in (a.dtype.kind, b.dtype.kind):
        return _vdot(a, b)
    return ops.dot(a, b)


def _column(x: Array) -> Array:
    return ops.reshape(x, (*shape_of(x), 1))


def _row(x: Array) -> Array:
    shape = shape_of(x)
    return ops.reshape(x, (*shape[:-1], 1, shape[-1]))


if hasattr(np, "vecdot"):

    @helper
    def _vecdot(a: Array, b: Array) -> Array:
        return np.vecdot(a, b)

    def _of_vectors(argnum: int, adjoint: Callable[[Array, Array], Array]) -> Any:
        """Make the VJP maker; of two real vectors it multiplies the other one by a number."""
        general = _broadcast(argnum, adjoint)

        def maker(ans: Array, a: Array, b: Array) -> Any:
            if type(a) is type(b) is np.ndarray and a.ndim == 1 == b.ndim:
                if a.dtype == b.dtype and a.dtype.kind == "f" and a.shape == b.shape:
                    other = a if argnum else b
                    return lambda g: g * other
            return general(ans, a, b)

        return maker

    defvjp(
        _vecdot,
        _of_vectors(0, lambda g, b: ops.conj(_column(g) * b)),
        _of_vectors(1, lambda g, a: _column(g) * ops.conj(a)),
    )
    defjvp(
        _vecdot,
        lambda t, ans, a, b: _vecdot(t, b),
        lambda t, ans, a, b: _vecdot(a, t),
    )

    @composite("vecdot", "linalg.vecdot")
    def vecdot(x1: Array, x2: Array, /, *, axis: int = -1, **unsupported: Any) -> Array:
        """Sum of products along an axis, the first array conjugated."""
        if unsupported:
            refuse("vecdot", **unsupported)
        axis = operator.index(axis)
        x1, x2 = as_value(x1), as_value(x2)
        if axis != -1:
            x1, x2 = ops.moveaxis(x1, axis, -1), ops.moveaxis(x2, axis, -1)
        return _vecdot(x1, x2)


if hasattr(np, "matvec"):

    @helper
    def _matvec(a: Array, b: Array) -> Array:
        return np.matvec(a, b)

    defvjp(
        _matvec,
        _broadcast(0, lambda g, b: _column(g) * _row(b)),
        _broadcast(1, lambda g, a: _matvec(ops.swapaxes(a, -1, -2), g)),
    )
    defjvp(
        _matvec,
        lambda t, ans, a, b: _matvec(t, b),
        lambda t, ans, a, b: _matvec(a, t),
    )

    @composite("matvec")
    def matvec(x1: Array, x2: Array, /, **unsupported: Any) -> Array:
        """Products of matrices with vectors."""
        refuse("matvec", **unsupported)
        return _matvec(as_value(x1), as_value(x2))

    @helper
    def _vecmat(a: Array, b: Array) -> Array:
        return np.vecmat(a, b)

    defvjp(
        _vecmat,
        _broadcast(0, lambda g, b: ops.conj(_matvec(b, g))),
        _broadcast(1, lambda g, a: _column(ops.conj(a)) * _row(g)),
    )
    defjvp(
        _vecmat,
        lambda t, ans, a, b: _vecmat(t, b),
        lambda t, ans, a, b: _vecmat(a, t),
    )

    @composite("vecmat")
    def vecmat(x1: Array, x2: Array, /, **unsupported: Any) -> Array:
        """Products of (conjugated) vectors with matrices."""
        refuse("vecmat", **unsupported)
        return _vecmat(as_value(x1), as_value(x2))


@composite("linalg.matmul")
def linalg_matmul(x1: Array, x2: Array, /) -> Array:
    """Matrix product."""
    return ops.matmul(as_value(x1), as_value(x2))
