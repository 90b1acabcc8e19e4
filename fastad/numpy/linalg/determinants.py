"""Determinants: det and slogdet, by the rules of Giles (2008).

The derivative of det exists at singular matrices too, where it is the matrix of cofactors.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..mathematics.reductions import products_of_others
from ..registry import (
    Array,
    as_value,
    composite,
    defjvp,
    defvjp,
    differentiable,
    helper,
    is_differentiated,
    ops,
    primal,
    shape_of,
)
from .loops import by_loops
from .matrices import T, columns, conj, is_complex, mm, per_matrix
from .singular_values import _svd
from .solving import inv

det = differentiable("linalg.det")
by_loops(det, ("det", "(m,m)->()"))


def _minors(a: Array) -> Array:
    """Return the cofactors as the determinants of matrices without one row and one column.

    They are polynomials, and so is every derivative of theirs.
    """
    n = shape_of(a)[-1]
    kept = np.array([np.delete(np.arange(n), i) for i in range(n)], np.intp).reshape(n, n - 1)
    signs = 1.0 - 2.0 * (np.indices((n, n)).sum(0) % 2)
    return signs * det(a[..., kept[:, None, :, None], kept[None, :, None, :]])


def _size(a: Array) -> Array:
    """Return the infinity norms."""
    return np.abs(primal(a)).sum(-1).max(-1)


def _is_nearly_singular(a: Array, inverse: Array) -> bool:
    """Tell whether det(a) * inv(a) would lose half of the digits when it is differentiated."""
    if 0 in shape_of(a):
        return False
    return bool(np.any(_size(a) * _size(inverse) > np.finfo(a.dtype).eps ** -0.5))


def _exponents(a: Array) -> tuple[Any, Any]:
    """Return those of each row and of each column that bring the entries of a near one."""
    size = np.abs(primal(a))
    with np.errstate(all="ignore"):
        rows = np.frexp(size.max(-1, keepdims=True))[1]
        columns_ = np.frexp(_scaled(size, -rows).max(-2, keepdims=True))[1]
    return rows, columns_


def _scaled(a: Array, exponents: Any) -> Array:
    """Multiply by powers of two, in two steps: one of them alone may be too large a number."""
    kind = a.real.dtype
    half = exponents // 2
    return a * np.ldexp(kind.type(1), half) * np.ldexp(kind.type(1), exponents - half)


def _is_normal(x: Array) -> bool:
    """Tell whether all numbers kept their digits: none over- or underflowed."""
    size = abs(primal(x))
    least, most = _limits(size.dtype)
    if not shape_of(size):
        return bool(size >= least) and bool(size <= most)
    return bool(np.all((size >= least) & (size <= most)))


@functools.lru_cache(16)
def _limits(dtype: Any) -> tuple[Any, Any]:
    """Return the smallest and the largest normal number."""
    limits = np.finfo(dtype)
    return limits.tiny, limits.max


def cofactors(ans: Array, a: Array) -> Array:
    """Return the derivative of det by each entry: the cofactors, also where det(a) underflows.

    Then rows and columns are brought near one first, and the cofactors back in one step.
    """
    if _is_normal(ans) or not shape_of(a)[-1] or not np.all(np.isfinite(primal(a))):
        return _cofactors(ans, a)
    rows, columns_ = _exponents(a)
    near = _scaled(_scaled(a, -rows), -columns_)
    back = rows.sum(-2, keepdims=True) - rows + columns_.sum(-1, keepdims=True) - columns_
    return _scaled(_cofactors(det(near), near), back)


def _cofactors(ans: Array, a: Array) -> Array:
    """Return det(a) * inv(a).T where the inverse exists.

    Elsewhere it is found from the singular value decomposition, or by minors if it is to be
    differentiated in turn, or is not finite: LAPACK's decomposition may not end then.
    """
    try:
        inverse = inv(a)
        if not is_differentiated(a) or not _is_nearly_singular(a, inverse):
            return per_matrix(ans) * T(inverse)
    except np.linalg.LinAlgError:
        if not is_differentiated(a) and np.all(np.isfinite(primal(a))):
            u, s, vh = _svd(a, False)
            others = products_of_others(s, (len(s.shape) - 1,))
            return per_matrix(det(u) * det(vh)) * mm(conj(u) * columns(others), conj(vh))
    return _minors(a)


defvjp(det, lambda ans, a: lambda g: per_matrix(g) * cofactors(ans, a))
defjvp(det, lambda t, ans, a: ops.sum(cofactors(ans, a) * t, axis=(-1, -2)))


@helper
def _slogdet(a: Array) -> Any:
    return np.linalg.slogdet(a)


by_loops(_slogdet, ("slogdet", "(m,m)->(),()"), result=type(np.linalg.slogdet(np.eye(1))))


# A singular matrix has no derivative here: its inverse raises LinAlgError in the sweep.
def _slogdet_vjp(ans: Any, a: Array) -> Any:
    sign = ans[0]

    def vjp(g: Any) -> Array:
        toward_sign, toward_log = g
        if is_complex(sign):
            toward_log = toward_log + 1j * ops.imag(toward_sign * sign)
        return per_matrix(toward_log) * T(inv(a))

    return vjp


def _slogdet_jvp(t: Array, ans: Any, a: Array) -> Any:
    sign = ans[0]
    along = ops.sum(T(inv(a)) * t, axis=(-1, -2))
    if is_complex(sign):
        return sign * (1j * ops.imag(along)), ops.real(along)
    return None, along


defvjp(_slogdet, _slogdet_vjp)
defjvp(_slogdet, _slogdet_jvp)


@composite("linalg.slogdet")
def slogdet(a: Array) -> Any:
    """Sign (of a complex matrix: phase) and logarithm of the absolute value of determinants."""
    return _slogdet(as_value(a))
