"""Determinants: det and slogdet, by the rules of Giles (2008).

The derivative of det exists at singular matrices too, where it is the matrix of cofactors; there it
is taken from the singular value decomposition, as no inverse exists.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .factors import _svd
from .matrices import T, columns, conj, is_complex, mm, per_matrix
from .reductions import _products_of_others
from .registry import Array, as_value, composite, defjvp, defvjp, differentiable, helper, ops
from .solving import inv

det = differentiable("linalg.det")


def _cofactors(ans: Array, a: Array) -> Array:
    """Return the derivative of det by each entry: det(a) * inv(a).T where the inverse exists."""
    try:
        return per_matrix(ans) * T(inv(a))
    except np.linalg.LinAlgError:
        u, s, vh = _svd(a, False)
        others = _products_of_others(s, (len(s.shape) - 1,))
        return per_matrix(det(u) * det(vh)) * mm(conj(u) * columns(others), conj(vh))


defvjp(det, lambda ans, a: lambda g: per_matrix(g) * _cofactors(ans, a))
defjvp(det, lambda t, ans, a: ops.sum(_cofactors(ans, a) * t, axis=(-1, -2)))


@helper
def _slogdet(a: Array) -> Any:
    return np.linalg.slogdet(a)


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
