"""Singular values: svd, svdvals, and functions of a matrix by its singular values.

Source of the rules: Townsend (2016), 'Differentiating the singular value decomposition', extended
to complex values and to the columns that complete a basis: of those only the space that they span
is determined, so their derivative has no component within it.

Where singular values coincide (or are zero) their vectors have no derivative: it is infinite or
NaN, also of what is composed of the vectors and does have one. The values' first derivatives are
right, and second ones where they do not depend on the vectors; NaN stands for the others.
"""

from __future__ import annotations

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
    ops,
    primal,
    shape_of,
)
from .hermitian import eigh, eigvalsh
from .matrices import (
    H,
    T,
    coinciding,
    columns,
    conj,
    diagonal,
    imaginary,
    is_absent,
    is_complex,
    merged,
    mm,
    off_diagonal_quotients,
    quotient,
    rounding,
    rows,
    warn_of_coincidence,
    warn_of_undetermined,
    with_diagonal,
    with_nan,
    with_nan_matrices,
)

# ---- singular values ---------------------------------------------------------------------------


@helper
def _svd(a: Array, full_matrices: bool) -> Any:
    return np.linalg.svd(a, full_matrices)


def _gaps(s: Array) -> Array:
    """Return F with F[i, j] = 1 / (s[j] ** 2 - s[i] ** 2) and zero diagonal."""
    across, down = columns(s), rows(s)
    return off_diagonal_quotients((across - down) * (across + down))


def _blocks(u: Array, s: Array, vh: Array) -> tuple[Array, Array, Array, Array]:
    """Split both bases into singular vectors and the vectors that complete a basis."""
    count = shape_of(s)[-1]
    return u[..., :count], u[..., count:], vh[..., :count, :], vh[..., count:, :]


def _svd_vjp(ans: Any, a: Array, full_matrices: bool) -> Any:
    u, s, vh = ans

    def vjp(g: Any) -> Array:
        toward_u, toward_s, toward_vh = g
        u1, u2, v1, v2 = _blocks(u, s, vh)
        if is_absent(toward_u) and is_absent(toward_vh):
            if is_differentiated(a):
                return singular_function(a, toward_s, is_differentiated(toward_s))
            return mm(conj(u1) * columns(toward_s), conj(v1))
        warn_of_coincidence("linalg.svd", s, both_signs=True)
        g1, g2, h1, h2 = _blocks(toward_u, s, toward_vh)
        scale = columns(s)
        # Cotangents of the antisymmetric changes U^H dU and V^H dV, then of P = U^H dA V.
        turn_u, turn_v = mm(T(u1), g1), -mm(h1, T(v1))
        gaps = _gaps(s)
        left, right = gaps * turn_u, gaps * turn_v
        inner = (left + H(left)) * scale + rows(s) * (right + H(right)) + with_diagonal(toward_s)
        if is_complex(u):
            inner = inner + with_diagonal(imaginary(diagonal(turn_u)) / s)
        result = mm(conj(u1), inner, conj(v1))
        # What a change out of the spaces of the singular vectors does.
        m, n, count = shape_of(u1)[-2], shape_of(v1)[-1], shape_of(s)[-1]
        if m > count:
            outer = g1 / scale
            result = result + mm(outer - mm(conj(u1), T(u1), outer), conj(v1))
            if shape_of(u2)[-1]:
                cross = mm(T(u1), g2) / rows(s)
                result = result - mm(conj(u2), H(cross), conj(v1))
        if n > count:
            outer = h1 / rows(s)
            result = result + mm(conj(u1), outer - mm(outer, T(v1), conj(v1)))
            if shape_of(v2)[-2]:
                cross = mm(h2, T(v1)) / scale
                result = result - mm(conj(u1), H(cross), conj(v2))
        return result

    return vjp


def _svd_jvp(t: Array, ans: Any, a: Array, full_matrices: bool) -> Any:
    u, s, vh = ans
    warn_of_coincidence("linalg.svd", s, both_signs=True)
    u1, u2, v1, v2 = _blocks(u, s, vh)
    scale = columns(s)
    to_v = mm(t, H(v1))
    inner = mm(H(u1), to_v)
    gaps = _gaps(s)
    turn_u = gaps * (inner * scale + rows(s) * H(inner))
    turn_v = gaps * (rows(s) * inner + H(inner) * scale)
    if is_complex(u):
        turn_u = turn_u + with_diagonal(imaginary(diagonal(inner)) / s)
    moved_u, moved_v = mm(u1, turn_u), -mm(turn_v, v1)
    m, n, count = shape_of(u1)[-2], shape_of(v1)[-1], shape_of(s)[-1]
    if m > count:
        moved_u = moved_u + (to_v - mm(u1, inner)) / scale
        if shape_of(u2)[-1]:
            moved_u = merged(moved_u, -mm(u1, H(mm(H(u2), to_v) / scale)), -1)
    if n > count:
        to_u = mm(H(u1), t)
        moved_v = moved_v + (to_u - mm(inner, v1)) / rows(s)
        if shape_of(v2)[-2]:
            moved_v = merged(moved_v, -mm(H(mm(to_u, H(v2)) / rows(s)), v1), -2)
    moved_s = singular_values_moved(a, t) if is_differentiated(a) else ops.real(diagonal(inner))
    return moved_u, moved_s, moved_v


defvjp(_svd, _svd_vjp)
defjvp(_svd, _svd_jvp)


# ---- functions of the singular values ----------------------------------------------------------

Weights = tuple[Array, Array, Array]


def function_jvp(t: Array, factors: Any, weights: Weights) -> Array:
    """Return the change of U f(S) V^H, a generalized matrix function of A = U S V^H.

    With E = U^H dA V it is U (C * E + D * E^H) V^H, and more where A is not square. C and D are the
    half sum and the half difference of (f_i - f_j) / (s_i - s_j) and (f_i + f_j) / (s_i + s_j):
    the divided differences of Daleckii and Krein for the Hermitian matrix [[0, A], [A^H, 0]].

    Parameters
    ----------
    t : Array
        The change of A.
    factors : tuple
        U, s and V^H of the reduced decomposition.
    weights : tuple
        C, D, and f(s) / s.
    """
    u, _, vh = factors
    direct, crossed, outer = weights
    to_v, to_u = mm(t, H(vh)), mm(H(u), t)
    inner = mm(H(u), to_v)
    change = mm(u, direct * inner + crossed * H(inner), vh)
    change = change + mm((to_v - mm(u, inner)) * columns(outer), vh)
    return change + mm(u, rows(outer) * (to_u - mm(inner, vh)))


def function_vjp(g: Array, factors: Any, weights: Weights) -> Array:
    """Return the cotangent of A from that of U f(S) V^H: the transpose of `function_jvp`."""
    u, _, vh = factors
    direct, crossed, outer = weights
    left, right = conj(u), conj(vh)
    from_v, from_u = mm(g, T(vh)), mm(T(u), g)
    inner = mm(T(u), from_v)
    result = mm(left, direct * inner + H(crossed * inner), right)
    result = result + mm((from_v - mm(left, inner)) * columns(outer), right)
    return result + mm(left, rows(outer) * (from_u - mm(inner, right)))


def _slopes(s: Array, f: Array) -> Weights:
    """Return the weights of `function_jvp` for constant f; 0 / 0 is 0."""
    across, down = columns(s), rows(s)
    same = quotient(columns(f) - rows(f), across - down)
    opposite = quotient(columns(f) + rows(f), across + down)
    return 0.5 * (same + opposite), 0.5 * (same - opposite), quotient(f, s)


@helper
def singular_function(a: Array, f: Array, varies: bool) -> Array:
    """conj(U) f V^T, the derivative of singular values that are weighed by f.

    Where singular values coincide (also with -s: where they are zero) their vectors are determined
    up to a rotation, on which the result does not depend if their f are equal. If f varies with
    the singular values, its derivative there is a limit that is not known: it is NaN then.
    """
    u, _, vh = np.linalg.svd(a, False)
    return (u * f[..., None, :]).conj() @ vh.conj()


def _undetermined(a: Array, t: Array) -> Any:
    """Tell which of coinciding singular values the change t of a turns into one another."""
    t = primal(t)
    u, s, vh = np.linalg.svd(primal(a), False)
    to_v, to_u = mm(t, H(vh)), mm(H(u), t)
    inner = mm(H(u), to_v)
    turned, bound = H(inner), rounding(t)
    same = coinciding(s) & (abs(inner + turned) > bound)
    zeros = (rows(s) + columns(s) == 0) & (abs(inner - turned) > bound)
    outside = np.any(abs(to_v - mm(u, inner)) > bound, axis=-2)
    outside = outside | np.any(abs(to_u - mm(inner, vh)) > bound, axis=-1)
    marks = np.any(same | zeros, axis=-1) | ((s == 0) & outside)
    return warn_of_undetermined("singular values", marks)


@helper
def singular_values_moved(a: Array, t: Array) -> Array:
    """Re diag(U^H t V), the derivative of singular values along t.

    Where they coincide its own derivative by a, which acts on all of them, is NaN unless t leaves
    the vectors apart.
    """
    u, _, vh = np.linalg.svd(a, False)
    return np.sum(u.conj() * (t @ vh.conj().swapaxes(-1, -2)), axis=-2).real


def _moved_vjp_a(ans: Array, a: Array, t: Array) -> Any:
    def vjp(g: Array) -> Array:
        factors = _svd(a, False)
        result = function_vjp(conj(t), factors, _slopes(factors[1], g))
        return with_nan_matrices(result, _undetermined(a, t))

    return vjp


def _moved_jvp_a(change: Array, ans: Array, a: Array, t: Array) -> Array:
    u, _, vh = factors = _svd(a, False)
    moved_u, _, moved_vh = _svd_jvp(change, factors, a, False)
    return ops.real(diagonal(mm(H(moved_u), t, H(vh)) + mm(H(u), t, H(moved_vh))))


defvjp(
    singular_values_moved,
    _moved_vjp_a,
    lambda ans, a, t: lambda g: singular_function(a, g, False),
)
defjvp(
    singular_values_moved,
    _moved_jvp_a,
    lambda change, ans, a, t: singular_values_moved(a, change),
)


def _singular_function_vjp_a(ans: Array, a: Array, f: Array, varies: bool) -> Any:
    def vjp(g: Array) -> Array:
        factors = _svd(a, False)
        return function_vjp(conj(g), factors, _slopes(factors[1], f))

    return vjp


def _singular_function_vjp_f(ans: Array, a: Array, f: Array, varies: bool) -> Any:
    def vjp(g: Array) -> Array:
        result = singular_values_moved(a, g)
        return with_nan(result, _undetermined(a, g)) if varies else result

    return vjp


def _singular_function_jvp_a(t: Array, ans: Array, a: Array, f: Array, varies: bool) -> Array:
    factors = _svd(a, False)
    result = conj(function_jvp(t, factors, _slopes(factors[1], f)))
    return with_nan_matrices(result, _undetermined(a, t)) if varies else result


defvjp(singular_function, _singular_function_vjp_a, _singular_function_vjp_f)
defjvp(
    singular_function,
    _singular_function_jvp_a,
    lambda t, ans, a, f, varies: singular_function(a, t, False),
)


@helper
def _svdvals(a: Array) -> Array:
    return np.linalg.svd(a, compute_uv=False)


def _svdvals_vjp(ans: Array, a: Array) -> Any:
    return lambda g: singular_function(a, g, is_differentiated(a) and is_differentiated(g))


defvjp(_svdvals, _svdvals_vjp)
defjvp(_svdvals, lambda t, ans, a: singular_values_moved(a, t))


def _hermitian_svd(a: Array, compute_uv: bool) -> Any:
    """Singular values of a Hermitian matrix from its eigenvalues, as NumPy finds them."""
    if not compute_uv:
        return ops.sort(ops.abs(eigvalsh(a)))[..., ::-1]
    w, v = eigh(a)
    signs, s = ops.sign(w), ops.abs(w)
    order = ops.argsort(s)[..., ::-1]
    signs = ops.take_along_axis(signs, order, -1)
    s = ops.take_along_axis(s, order, -1)
    u = ops.take_along_axis(v, order[..., None, :], -1)
    result = type(np.linalg.svd(np.eye(1)))
    return result(u, s, ops.conj(T(u * columns(signs))))


@composite("linalg.svd")
def svd(
    a: Array, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """Singular value decomposition, or the singular values alone."""
    a = as_value(a)
    if hermitian:
        return _hermitian_svd(a, compute_uv)
    return _svd(a, bool(full_matrices)) if compute_uv else _svdvals(a)


@composite("linalg.svdvals")
def svdvals(x: Array, /) -> Array:
    """Singular values."""
    return _svdvals(as_value(x))
