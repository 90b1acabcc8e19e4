"""Eigenvalues of general, tridiagonal and banded matrices."""

from __future__ import annotations

from typing import Any

import numpy as onp
import scipy.linalg

from ... import numpy as np
from ...numpy.linalg import eigen, hermitian
from ..registry import Array, as_float, defjvp, defvjp, helper, shape_of
from .space import space


def _of_kind(vjp: Any, a: Array) -> Any:
    """The cotangent of a real matrix is real, whatever its values are."""
    return vjp if a.dtype.kind == "c" else lambda g: np.real(vjp(g))


@helper
def eig_value(a: Any, check: bool) -> Any:
    """SciPy's values and right vectors."""
    return tuple(scipy.linalg.eig(a, check_finite=check))


defvjp(eig_value, lambda ans, a, check: _of_kind(eigen._eig_vjp(ans, a), a))
defjvp(eig_value, lambda t, ans, a, check: eigen._eig_jvp(t, ans, a))


@helper
def eigvals_value(a: Any, check: bool) -> Any:
    """SciPy's values."""
    return scipy.linalg.eigvals(a, check_finite=check)


defvjp(eigvals_value, lambda ans, a, check: _of_kind(eigen._eigvals_vjp(ans, a), a))
defjvp(eigvals_value, lambda t, ans, a, check: eigen._eigvals_jvp(t, ans, a))


def _refuse(name: str, b: Any, homogeneous: Any, left: Any = False) -> None:
    for given, what, instead in (
        (b is not None, "b", f"write {name}(solve(b, a))"),
        (homogeneous, "homogeneous_eigvals", "leave it out"),
        (left, "left", "take eig(a.T.conj()) for these vectors"),
    ):
        if given:
            raise NotImplementedError(
                f"scipy.linalg.{name}: the argument {what!r} has no derivative rule in fastad; "
                f"{instead}"
            )


@space.composite("eig")
def eig(
    a: Array,
    b: Any = None,
    left: bool = False,
    right: bool = True,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Any:
    """Eigenvalues and right eigenvectors of a square matrix."""
    _refuse("eig", b, homogeneous_eigvals, left)
    values = eig_value(as_float(a), bool(check_finite))
    return values if right else values[0]


@space.composite("eigvals")
def eigvals(
    a: Array,
    b: Any = None,
    overwrite_a: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Array:
    """Eigenvalues of a square matrix."""
    _refuse("eigvals", b, homogeneous_eigvals)
    return eigvals_value(as_float(a), bool(check_finite))


# ---- bands ---------------------------------------------------------------------------------------


def _band_of(a: Any, reach: int) -> Any:
    """The lower band of a matrix, as SciPy's routines take it."""
    n = len(a)
    band = onp.zeros((reach + 1, n), a.dtype)
    for k in range(reach + 1):
        band[k, : n - k] = onp.diagonal(a, -k)
    return band


@helper
def band_value(a: Any, name: str, reach: int, options: Any) -> Any:
    """SciPy's values and vectors of a Hermitian matrix that has nothing outside of a band."""
    function = getattr(scipy.linalg, name)
    if name.endswith("tridiagonal"):
        return tuple(function(onp.diagonal(a).copy(), onp.diagonal(a, -1).copy(), **options))
    return tuple(function(_band_of(a, reach), lower=True, **options))


defvjp(band_value, lambda ans, a, *given: hermitian._eigh_vjp(ans, a, "L"))
defjvp(band_value, lambda t, ans, a, *given: hermitian._eigh_jvp(t, ans, a, "L"))


@helper
def band_values(a: Any, name: str, reach: int, options: Any) -> Any:
    """The values alone."""
    function = getattr(scipy.linalg, name)
    if name.endswith("tridiagonal"):
        return function(
            onp.diagonal(a).copy(), onp.diagonal(a, -1).copy(), eigvals_only=True, **options
        )
    return function(_band_of(a, reach), lower=True, eigvals_only=True, **options)


defvjp(band_values, lambda ans, a, *given: hermitian._eigvalsh_vjp(ans, a, "L"))
defjvp(band_values, lambda t, ans, a, *given: hermitian._eigvalsh_jvp(t, ans, a, "L"))


def _all(name: str, select: Any) -> None:
    if select not in ("a", "all", 0):
        raise NotImplementedError(
            f"scipy.linalg.{name}: the argument 'select' has no derivative rule in fastad; take "
            "all eigenvalues, and those that are wanted of them"
        )


@space.composite("eigh_tridiagonal")
def eigh_tridiagonal(
    d: Array,
    e: Array,
    eigvals_only: bool = False,
    select: Any = "a",
    select_range: Any = None,
    check_finite: bool = True,
    tol: float = 0.0,
    lapack_driver: str = "auto",
) -> Any:
    """Eigenvalues and eigenvectors of a real symmetric matrix, by its diagonals."""
    _all("eigh_tridiagonal", select)
    options = {"check_finite": check_finite, "tol": tol, "lapack_driver": lapack_driver}
    d, e = as_float(d), as_float(e)
    if shape_of(e) != (shape_of(d)[0] - 1,):
        raise ValueError(f"d ({shape_of(d)[0]}) must have one more element than e")
    whole = np.diag(d) + np.diag(e, 1) + np.diag(e, -1)
    return (band_values if eigvals_only else band_value)(whole, "eigh_tridiagonal", 1, options)


@space.composite("eigvalsh_tridiagonal")
def eigvalsh_tridiagonal(d: Array, e: Array, *args: Any, **options: Any) -> Array:
    """Eigenvalues of a real symmetric matrix, by its diagonals."""
    return eigh_tridiagonal(d, e, True, *args, **options)


@space.composite("eig_banded")
def eig_banded(
    a_band: Array,
    lower: bool = False,
    eigvals_only: bool = False,
    overwrite_a_band: bool = False,
    select: Any = "a",
    select_range: Any = None,
    max_ev: int = 0,
    check_finite: bool = True,
) -> Any:
    """Eigenvalues and eigenvectors of a Hermitian matrix, by its band."""
    _all("eig_banded", select)
    band = as_float(a_band)
    reach, n = shape_of(band)[0] - 1, shape_of(band)[1]
    whole = np.diag(np.real(band[0 if lower else -1]))
    for k in range(1, reach + 1):
        below = (
            np.diag(band[k][: n - k], -k) if lower else np.diag(np.conj(band[reach - k][k:]), -k)
        )
        whole = whole + below + np.conj(below.T)
    options = {"check_finite": check_finite}
    return (band_values if eigvals_only else band_value)(whole, "eig_banded", reach, options)


@space.composite("eigvals_banded")
def eigvals_banded(a_band: Array, lower: bool = False, *args: Any, **options: Any) -> Array:
    """Eigenvalues of a Hermitian matrix, by its band."""
    return eig_banded(a_band, lower, True, *args, **options)


# ---- forms that have no derivative ---------------------------------------------------------------


def _say(names: str, remedy: str) -> None:
    for name in names.split():
        if space.find(name) is not None:
            space.enter(name, space.refused(name, remedy), kind="refused")


_FUNCTIONS = (
    "what is made of the matrix itself has one: expm, logm, sqrtm, det, solve_sylvester, "
    "eigvals and eig"
)
_say("schur rsf2csf qz ordqz", f"its factors turn with the eigenvalues' order; {_FUNCTIONS}")
_say("hessenberg", f"its factors are not determined by the matrix alone; {_FUNCTIONS}")
_say("ldl", "its pivots are chosen anew from matrix to matrix; use cholesky, lu or solve")
