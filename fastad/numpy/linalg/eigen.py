"""Eigenvalues and eigenvectors of general matrices: eig, eigvals.

The rules follow Boeddeker et al. (2017), 'On the computation of complex-valued gradients with
application to statistically optimum beamforming', with LAPACK's normalization: Euclidean length
one, and the largest component of a complex vector real. Where two eigenvalues coincide, derivatives
of eigenvectors are infinite or NaN, also of what is composed of them and does have one (a warning
names it), and those of eigenvalues are not (by eigvals, or where nothing depends on the
eigenvectors).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..registry import (
    Array,
    as_value,
    composite,
    defjvp,
    defvjp,
    helper,
    is_differentiated,
    isbox,
    nowhere,
    ops,
    primal,
    shape_of,
)
from .hermitian import gaps
from .matrices import (
    T,
    coinciding,
    conj,
    diagonal,
    is_absent,
    is_complex,
    mm,
    rows,
    warn_if_defective,
    warn_of_coincidence,
    warn_of_undetermined,
    with_diagonal,
    with_nan,
)
from .solving import matrix_solve


@helper
def _eig(a: Array) -> Any:
    return np.linalg.eig(a)


def _largest(v: Array) -> Any:
    """Mark in each column the component that LAPACK made real: the largest of those that are."""
    values = primal(v)
    size = np.where(values.imag == 0, np.abs(values), -1.0)
    if not values.size:
        return np.zeros(values.shape, bool)
    return np.arange(values.shape[-2])[:, None] == np.argmax(size, axis=-2, keepdims=True)


def _normalized(t: Array, v: Array) -> Array:
    """Project the derivative of eigenvectors to that of normalized ones."""
    along = ops.sum(ops.real(conj(v) * t), axis=-2, keepdims=True)
    result = t - v * along
    if is_complex(v):
        marks = _largest(v)
        size = ops.sum(ops.real(v) * marks, axis=-2, keepdims=True)
        turn = ops.sum(ops.imag(t) * marks, axis=-2, keepdims=True) / size
        result = result - 1j * v * turn
    return result


def _normalized_transposed(g: Array, v: Array) -> Array:
    share = ops.sum(g * v, axis=-2, keepdims=True)
    result = g - conj(v) * ops.real(share)
    if is_complex(v):
        marks = _largest(v)
        size = ops.sum(ops.real(v) * marks, axis=-2, keepdims=True)
        result = result - 1j * (ops.imag(share) / size * marks)
    return result


def _unless(defective: Any, solved: Callable[[Array], Array], v: Array) -> Array:
    """Return solved(v), which divides by the eigenvectors; NaN for matrices that are defective."""
    if nowhere(defective):
        return solved(v)
    marks = defective[..., None, None]
    result = solved(ops.where(marks, np.eye(shape_of(v)[-1], dtype=v.dtype), v))
    return with_nan(result, marks)


@helper
def _weights(f: Array, marks: Any) -> Array:
    """f, whose own derivative is NaN at the marks.

    What eigenvalues that coincide are weighed by varies with them there: the derivative needs the
    limit of a divided difference, which is not known.
    """
    return np.array(f)


def _weights_moved(t: Array, f: Array, marks: Any) -> Array:
    return with_nan(t, warn_of_undetermined("eigenvalues", marks))


defvjp(_weights, lambda ans, f, marks: lambda g: _weights_moved(g, f, marks))
defjvp(_weights, lambda t, ans, f, marks: _weights_moved(t, f, marks))


def _weighed(f: Array, a: Array, w: Array) -> Array:
    if not (is_differentiated(a) and is_differentiated(f)):
        return f
    marks = np.any(coinciding(primal(w)), axis=-1)
    return f if nowhere(marks) else _weights(f, marks)


def _eig_vjp(ans: Any, a: Array) -> Any:
    w, v = ans

    def vjp(g: Any) -> Array:
        toward_w, toward_v = g
        inner = with_diagonal(_weighed(toward_w, a, w) if is_absent(toward_v) else toward_w)
        defective = warn_if_defective("linalg.eig", v)
        if not is_absent(toward_v):
            if nowhere(defective):
                warn_of_coincidence("linalg.eig", w)
            inner = inner + gaps(w) * mm(T(v), _normalized_transposed(toward_v, v))
        return _unless(defective, lambda v: matrix_solve(T(v), mm(inner, T(v))), v)

    return vjp


def _eig_jvp(t: Array, ans: Any, a: Array) -> Any:
    w, v = ans
    defective = warn_if_defective("linalg.eig", v)
    if not np.any(defective):
        warn_of_coincidence("linalg.eig", w)
    inner = _unless(defective, lambda v: matrix_solve(v, mm(t, v)), v)
    return diagonal(inner), _normalized(mm(v, gaps(w) * inner), v)


defvjp(_eig, _eig_vjp)
defjvp(_eig, _eig_jvp)


@composite("linalg.eig")
def eig(a: Array) -> Any:
    """Eigenvalues and right eigenvectors of square matrices."""
    return _eig(as_value(a))


@helper
def _eigvals(a: Array) -> Array:
    return np.linalg.eigvals(a)


def _matching(ours: Any, theirs: Any) -> Any:
    """Return for each of our values the place of theirs that is nearest and not taken before."""
    order = np.zeros(ours.shape, np.intp)
    for place in np.ndindex(ours.shape[:-1]):
        distances = np.abs(ours[place][:, None] - theirs[place][None, :])
        for i in range(ours.shape[-1]):
            order[place][i] = nearest = np.argmin(distances[i])
            distances[:, nearest] = np.inf
    return order


_order = helper(_matching, zero=True)


def _in_order_of(ans: Array, w: Array, v: Array) -> Array:
    """Return eigenvectors in the order of ans, which another algorithm found than w."""
    ours, theirs = primal(ans), primal(w)
    if not isbox(ours) and not isbox(theirs):
        size = np.abs(ours).max(axis=-1, initial=0, keepdims=True)
        if np.all(np.abs(ours - theirs) <= 1e3 * np.finfo(ours.dtype).eps * size):
            return v
    return ops.take_along_axis(v, _order(ours, theirs)[..., None, :], -1)


def _eigvals_vjp(ans: Array, a: Array) -> Any:
    def vjp(g: Array) -> Array:
        w, v = _eig(a)
        v = _in_order_of(ans, w, v)
        defective = warn_if_defective("linalg.eigvals", v)
        f = _weighed(g, a, ans)
        return _unless(defective, lambda v: matrix_solve(T(v), rows(f) * T(v)), v)

    return vjp


def _eigvals_jvp(t: Array, ans: Array, a: Array) -> Array:
    w, v = _eig(a)
    v = _in_order_of(ans, w, v)
    defective = warn_if_defective("linalg.eigvals", v)
    return diagonal(_unless(defective, lambda v: matrix_solve(v, mm(t, v)), v))


defvjp(_eigvals, _eigvals_vjp)
defjvp(_eigvals, _eigvals_jvp)


@composite("linalg.eigvals")
def eigvals(a: Array) -> Array:
    """Eigenvalues of square matrices."""
    return _eigvals(as_value(a))
