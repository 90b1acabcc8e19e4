"""Eigenvalues and eigenvectors of Hermitian matrices: eigh, eigvalsh.

The rules are those of Giles (2008), 'Collected matrix derivative results', extended to complex
values. Eigenvectors keep their phase: the derivative of each has no component along itself. Where
two eigenvalues coincide, derivatives of eigenvectors are infinite or NaN, also of what is composed
of them and does have one (a warning names it), and those of eigenvalues are not (by eigvalsh, or
where nothing depends on the eigenvectors). Second derivatives of eigenvalues by eigvalsh and eigh
are right there if they are constant combinations, with equal weights on equal ones, as of the
largest eigenvalue; of nonlinear functions they need more than a rule is given (Lewis and Sendov
(2001), 'Twice differentiable spectral functions') and are NaN where they are not determined.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..registry import (
    Array,
    as_value,
    composite,
    defjvp,
    defvjp,
    dtype_of,
    helper,
    is_differentiated,
    ops,
    primal,
    shape_of,
)
from .loops import by_loops
from .matrices import (
    H,
    T,
    coinciding,
    columns,
    conj,
    diagonal,
    is_absent,
    mm,
    off_diagonal_quotients,
    quotient,
    real_diagonal,
    rounding,
    rows,
    warn_of_coincidence,
    warn_of_undetermined,
    with_diagonal,
    with_nan,
    with_nan_matrices,
)


def _triangle(x: Array, uplo: str, strict: int = 0) -> Array:
    """Return the triangle that LAPACK reads, with its diagonal or (strict=1) without it."""
    return ops.tril(x, -strict) if uplo.upper() == "L" else ops.triu(x, strict)


@functools.lru_cache(64)
def _halved(side: int, dtype: Any) -> Any:
    """Return ones with halves on the diagonal."""
    weights = np.ones((side, side), dtype)
    np.fill_diagonal(weights, 0.5)
    return weights


def read_triangle(t: Array, uplo: str) -> Array:
    """Return the Hermitian matrix that eigh reads from one triangle; linear, its transpose next."""
    if shape_of(t)[-1] != shape_of(t)[-2]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    half = _triangle(t, uplo, 1)
    return half + H(half) + real_diagonal(t)


def _read_transposed(g: Array, uplo: str) -> Array:
    both = g + H(g)
    return _triangle(both, uplo) * _halved(shape_of(both)[-1], dtype_of(both).type(0).real.dtype)


def gaps(w: Array) -> Array:
    """Return F with F[i, j] = 1 / (w[j] - w[i]) and zero diagonal."""
    return off_diagonal_quotients(columns(w) - rows(w))


@helper
def _eigh(a: Array, uplo: Any) -> Any:
    return np.linalg.eigh(a, uplo)


by_loops(
    _eigh,
    ("eigh_lo", "(m,m)->(m),(m,m)", "L", "l"),
    ("eigh_up", "(m,m)->(m),(m,m)", "U", "u"),
    result=type(np.linalg.eigh(np.eye(1))),
)


def _eigh_vjp(ans: Any, a: Array, uplo: str) -> Any:
    w, v = ans

    def vjp(g: Any) -> Array:
        toward_w, toward_v = g
        if not is_absent(toward_v):
            warn_of_coincidence("linalg.eigh", w)
            inner = with_diagonal(toward_w) + gaps(w) * mm(T(v), toward_v)
            full = mm(conj(v), inner, T(v))
        elif is_differentiated(a):
            full = spectral_function(a, toward_w, uplo, is_differentiated(toward_w))
        else:
            full = mm(conj(v) * columns(toward_w), T(v))
        return _read_transposed(full, uplo)

    return vjp


def _eigh_jvp(t: Array, ans: Any, a: Array, uplo: str) -> Any:
    # Forward mode does not know whether anything depends on the vectors.
    warn_of_coincidence("linalg.eigh", ans[0])
    return _eigh_moved(t, ans, a, uplo)


def _eigh_moved(t: Array, ans: Any, a: Array, uplo: str) -> Any:
    w, v = ans
    inner = mm(H(v), read_triangle(t, uplo), v)
    moved_w = _eigvalsh_jvp(t, w, a, uplo) if is_differentiated(a) else ops.real(diagonal(inner))
    return moved_w, mm(v, gaps(w) * inner)


defvjp(_eigh, _eigh_vjp)
defjvp(_eigh, _eigh_jvp)


@composite("linalg.eigh")
def eigh(a: Array, UPLO: str = "L") -> Any:
    """Eigenvalues and eigenvectors of Hermitian matrices, read from one triangle."""
    return _eigh(as_value(a), UPLO)


@helper
def spectral_function(a: Array, f: Array, uplo: Any, varies: bool) -> Array:
    """conj(V) f V^T, the derivative of eigenvalues that are weighed by f.

    Where eigenvalues coincide their vectors are determined up to a rotation, on which the result
    does not depend if their f are equal. If f varies with the eigenvalues, its derivative there is
    a limit that is not known: it is NaN then.
    """
    v = _eigh(a, uplo)[1]
    return mm(conj(v * columns(f)), T(v))


def _slopes(w: Array, f: Array) -> Array:
    """Return the divided differences of Daleckii and Krein for constant f."""
    return quotient(columns(f) - rows(f), columns(w) - rows(w))


def _undetermined(a: Array, t: Array, uplo: Any) -> Any:
    """Tell which of coinciding eigenvalues the Hermitian change t of a turns into one another."""
    t = primal(t)
    w, v = np.linalg.eigh(primal(a), uplo)
    marks = np.any(coinciding(w) & (abs(mm(H(v), t, v)) > rounding(t)), axis=-1)
    return warn_of_undetermined("eigenvalues", marks)


@helper
def _eigenvalues_moved(a: Array, t: Array, uplo: Any) -> Array:
    """Re diag(V^H t V), the derivative of eigenvalues along t, which is Hermitian.

    Where they coincide its own derivative by a, which acts on all of them, is NaN unless t leaves
    the vectors apart.
    """
    v = _eigh(a, uplo)[1]
    return np.sum(v.conj() * (t @ v), axis=-2).real


def _moved_vjp_a(ans: Array, a: Array, t: Array, uplo: str) -> Any:
    def vjp(g: Array) -> Array:
        w, v = _eigh(a, uplo)
        inner = _slopes(w, g) * mm(T(v), conj(t), conj(v))
        result = _read_transposed(mm(conj(v), inner, T(v)), uplo)
        return with_nan_matrices(result, _undetermined(a, t, uplo))

    return vjp


def _moved_jvp_a(change: Array, ans: Array, a: Array, t: Array, uplo: str) -> Array:
    _, v = both = _eigh(a, uplo)
    moved = _eigh_moved(change, both, a, uplo)[1]
    return 2.0 * ops.real(diagonal(mm(H(v), t, moved)))


defvjp(
    _eigenvalues_moved,
    _moved_vjp_a,
    lambda ans, a, t, uplo: lambda g: spectral_function(a, g, uplo, False),
)
defjvp(
    _eigenvalues_moved,
    _moved_jvp_a,
    lambda change, ans, a, t, uplo: _eigenvalues_moved(a, change, uplo),
)


def _spectral_function_vjp_a(ans: Array, a: Array, f: Array, uplo: str, varies: bool) -> Any:
    def vjp(g: Array) -> Array:
        w, v = _eigh(a, uplo)
        inner = _slopes(w, f) * mm(T(v), conj(g), conj(v))
        return _read_transposed(mm(conj(v), inner, T(v)), uplo)

    return vjp


def _spectral_function_vjp_f(ans: Array, a: Array, f: Array, uplo: str, varies: bool) -> Any:
    def vjp(g: Array) -> Array:
        change = (g + H(g)) * 0.5
        result = _eigenvalues_moved(a, change, uplo)
        return with_nan(result, _undetermined(a, change, uplo)) if varies else result

    return vjp


def _spectral_function_jvp_a(
    t: Array, ans: Array, a: Array, f: Array, uplo: str, varies: bool
) -> Array:
    w, v = _eigh(a, uplo)
    t = read_triangle(t, uplo)
    result = conj(mm(v, _slopes(w, f) * mm(H(v), t, v), H(v)))
    return with_nan_matrices(result, _undetermined(a, t, uplo)) if varies else result


defvjp(spectral_function, _spectral_function_vjp_a, _spectral_function_vjp_f)
defjvp(
    spectral_function,
    _spectral_function_jvp_a,
    lambda t, ans, a, f, uplo, varies: spectral_function(a, t, uplo, False),
)


@helper
def _eigvalsh(a: Array, uplo: Any) -> Array:
    return np.linalg.eigvalsh(a, uplo)


by_loops(
    _eigvalsh,
    ("eigvalsh_lo", "(m,m)->(m)", "L", "l"),
    ("eigvalsh_up", "(m,m)->(m)", "U", "u"),
)


def _eigvalsh_vjp(ans: Array, a: Array, uplo: str) -> Any:
    def vjp(g: Array) -> Array:
        full = spectral_function(a, g, uplo, is_differentiated(a) and is_differentiated(g))
        return _read_transposed(full, uplo)

    return vjp


def _eigvalsh_jvp(t: Array, ans: Array, a: Array, uplo: str) -> Array:
    return _eigenvalues_moved(a, read_triangle(t, uplo), uplo)


defvjp(_eigvalsh, _eigvalsh_vjp)
defjvp(_eigvalsh, _eigvalsh_jvp)


@composite("linalg.eigvalsh")
def eigvalsh(a: Array, UPLO: str = "L") -> Array:
    """Eigenvalues of Hermitian matrices, read from one triangle."""
    return _eigvalsh(as_value(a), UPLO)
