"""Matrix factorizations: qr, cholesky.

Sources of the rules: Seeger et al. (2017), 'Auto-differentiating linear algebra', for QR; Murray
(2016), 'Differentiation of the Cholesky decomposition'. Both are extended here to complex values
and, for Q, to the columns that complete a basis: of those only the space that they span is
determined, so their derivative has no component within it.
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
    ops,
    shape_of,
)
from .loops import by_loops
from .matrices import (
    H,
    T,
    conj,
    diagonal,
    merged,
    mm,
    real_diagonal,
    with_diagonal,
)
from .solving import matrix_solve

# ---- QR ----------------------------------------------------------------------------------------


@helper
def _qr(a: Array, mode: Any) -> Any:
    return np.linalg.qr(a, mode)


def _upper(x: Array) -> Array:
    """Return dR R^-1 where x is Q^H dA R^-1: upper triangular, its diagonal real."""
    return ops.triu(x, 1) + H(ops.tril(x, -1)) + real_diagonal(x)


def _upper_transposed(g: Array) -> Array:
    return ops.triu(g, 1) + ops.tril(H(g), -1) + real_diagonal(g)


def _divided(x: Array, r: Array) -> Array:
    """Return ``x @ inv(r)``."""
    return T(matrix_solve(T(r), T(x)))


def _qr_vjp(ans: Any, a: Array, mode: str) -> Any:
    q, r = ans
    m, n = shape_of(a)[-2:]
    count = min(m, n)

    def vjp(g: Any) -> Array:
        toward_q, toward_r = g
        q1, q2 = q[..., :count], q[..., count:]
        r1, r2 = r[..., :count, :count], r[..., :count, count:]
        g1, h1 = toward_q[..., :count], toward_r[..., :count, :count]
        if n > m:  # R2 = Q^H A2, and A2 = Q R2
            h2 = toward_r[..., count:]
            g1 = g1 + mm(conj(q1), conj(r2), H(h2))
        inner = _upper_transposed(mm(h1, T(r1)) - mm(T(q1), g1))
        outer = g1 + mm(conj(q1), inner)
        if shape_of(q2)[-1]:
            outer = outer - mm(conj(q2), H(toward_q[..., count:]), conj(q1))
        result = _divided(outer, T(r1))
        return merged(result, mm(conj(q1), h2), -1) if n > m else result

    return vjp


def _qr_jvp(t: Array, ans: Any, a: Array, mode: str) -> Any:
    q, r = ans
    m, n = shape_of(a)[-2:]
    count = min(m, n)
    q1, q2 = q[..., :count], q[..., count:]
    r1, r2 = r[..., :count, :count], r[..., :count, count:]
    change = _divided(t[..., :count], r1)
    upper = _upper(mm(H(q1), change))
    moved_q, moved_r = change - mm(q1, upper), mm(upper, r1)
    if n > m:
        rest = mm(H(moved_q), q1, r2) + mm(H(q1), t[..., count:])
        moved_r = merged(moved_r, rest, -1)
    if shape_of(q2)[-1]:
        moved_q = merged(moved_q, -mm(q1, H(change), q2), -1)
        zeros = np.zeros((*shape_of(r)[:-2], m - n, n), np.result_type(moved_r.dtype))
        moved_r = merged(moved_r, zeros, -2)
    return moved_q, moved_r


defvjp(_qr, _qr_vjp)
defjvp(_qr, _qr_jvp)


@composite("linalg.qr")
def qr(a: Array, mode: str = "reduced") -> Any:
    """QR decomposition in the modes 'reduced', 'complete' and 'r', of any shape.

    The leading min(m, n) columns must be independent: LinAlgError is raised in the sweep otherwise.

    Raises
    ------
    TypeError
        For mode 'raw': Householder reflectors have no rule.
    """
    a = as_value(a)
    if mode == "r":
        return _qr(a, "reduced")[1]
    if mode in ("raw", "e", "economic"):
        raise TypeError(
            f"numpy.linalg.qr: mode={mode!r} has no derivative rule in fastad; use 'reduced'"
        )
    return _qr(a, mode)


# ---- Cholesky ----------------------------------------------------------------------------------


@helper
def _cholesky(a: Array, upper: bool) -> Array:
    return np.linalg.cholesky(a, upper=True) if upper else np.linalg.cholesky(a)


by_loops(
    _cholesky,
    ("cholesky_lo", "(m,m)->(m,m)", False),
    ("cholesky_up", "(m,m)->(m,m)", True),
)


def _lower_half(x: Array) -> Array:
    """Return the lower triangle with half of the diagonal."""
    return ops.tril(x, -1) + with_diagonal(diagonal(x) * 0.5)


def _hermitian_part(x: Array) -> Array:
    return (x + H(x)) * 0.5


def _adjoint_by_solves(lower: Array, g: Array) -> Array:
    """Return the cotangent of a Hermitian matrix from that of its lower Cholesky factor."""
    transposed = T(lower)
    inner = matrix_solve(transposed, _lower_half(mm(transposed, g)))
    return _hermitian_part(T(matrix_solve(H(lower), T(inner))))


# By blocks it takes a sixth of the work.
_cholesky_adjoint = helper(_adjoint_by_solves, derivative=_adjoint_by_solves)
by_loops(_cholesky_adjoint, own="cholesky_adjoint")


def _cholesky_vjp(ans: Array, a: Array, upper: bool) -> Any:
    def vjp(g: Array) -> Array:
        return _cholesky_adjoint(H(ans), H(g)) if upper else _cholesky_adjoint(ans, g)

    return vjp


def _cholesky_jvp(t: Array, ans: Array, a: Array, upper: bool) -> Array:
    lower = H(ans) if upper else ans
    left = matrix_solve(lower, _hermitian_part(t))
    change = mm(lower, _lower_half(H(matrix_solve(lower, H(left)))))
    return H(change) if upper else change


defvjp(_cholesky, _cholesky_vjp)
defjvp(_cholesky, _cholesky_jvp)


@composite("linalg.cholesky")
def cholesky(a: Array, /, *, upper: bool = False) -> Array:
    """Cholesky factor of Hermitian matrices.

    The derivative is that within Hermitian matrices: the gradient is Hermitian too, although only
    one triangle is read.
    """
    return _cholesky(as_value(a), bool(upper))
