"""Eigenvalues, singular values, QR, pseudo-inverse and least squares, by the rules of NumPy's.

These rules read a function's own results, SciPy's here: vectors have the signs and phases that
SciPy gives them.
"""

from __future__ import annotations

import functools
import operator
from typing import Any, NoReturn

import numpy as onp
import scipy.linalg

from ... import numpy as np
from ..._core import getitem
from ...numpy.linalg import factorizations, hermitian, least_squares, singular_values
from ..registry import Array, as_float, defjvp, defvjp, helper, primal, shape_of, stand_in
from .perturbation import eigh_of_pencil
from .space import space


def _refuse(name: str, what: str) -> NoReturn:
    raise NotImplementedError(f"scipy.linalg.{name} {what} has no derivative rule in fastad")


# ---- eigenvalues of Hermitian matrices -----------------------------------------------------------


@helper
def eigh_value(a: Any, uplo: str, options: Any) -> Any:
    """SciPy's values and vectors, from the triangle of this name."""
    return tuple(scipy.linalg.eigh(a, lower=uplo == "L", **options))


defvjp(eigh_value, lambda ans, a, uplo, options: hermitian._eigh_vjp(ans, a, uplo))
defjvp(eigh_value, lambda t, ans, a, uplo, options: hermitian._eigh_jvp(t, ans, a, uplo))


@helper
def eigvalsh_value(a: Any, uplo: str, options: Any) -> Any:
    """SciPy's values, from the triangle of this name."""
    return scipy.linalg.eigvalsh(a, lower=uplo == "L", **options)


defvjp(eigvalsh_value, lambda ans, a, uplo, options: hermitian._eigvalsh_vjp(ans, a, uplo))
defjvp(eigvalsh_value, lambda t, ans, a, uplo, options: hermitian._eigvalsh_jvp(t, ans, a, uplo))


@space.composite("eigh")
def eigh(
    a: Array,
    b: Any = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,
    check_finite: bool = True,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: Any = None,
) -> Any:
    """Eigenvalues and eigenvectors of a Hermitian matrix, read from one triangle."""
    options: dict[str, Any] = {"check_finite": check_finite, "driver": driver}
    if b is None and subset_by_index is None and subset_by_value is None:
        function = eigvalsh_value if eigvals_only else eigh_value
        return function(as_float(a), "L" if lower else "U", {**options, "type": type})
    chosen = {"subset_by_index": subset_by_index, "subset_by_value": subset_by_value}
    options.update((name, value) for name, value in chosen.items() if value is not None)
    return eigh_of_pencil(a, b, bool(lower), type, options, eigvals_only)


@space.composite("eigvalsh")
def eigvalsh(a: Array, b: Any = None, **options: Any) -> Array:
    """Eigenvalues of a Hermitian matrix, read from one triangle."""
    return eigh(a, b, eigvals_only=True, **options)


# ---- singular values -----------------------------------------------------------------------------


@helper
def svd_value(a: Any, full_matrices: bool, options: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return tuple(scipy.linalg.svd(a, full_matrices, **options))


defvjp(svd_value, lambda ans, a, full, options: singular_values._svd_vjp(ans, a, full))
defjvp(svd_value, lambda t, ans, a, full, options: singular_values._svd_jvp(t, ans, a, full))


@helper
def svdvals_value(a: Any, options: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.linalg.svd(a, compute_uv=False, **options)


defvjp(svdvals_value, lambda ans, a, options: singular_values._svdvals_vjp(ans, a))
defjvp(svdvals_value, lambda t, ans, a, options: singular_values.singular_values_moved(a, t))


@space.composite("svd")
def svd(
    a: Array,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """Singular value decomposition, or the singular values alone."""
    options = {"check_finite": check_finite, "lapack_driver": lapack_driver}
    if compute_uv:
        return svd_value(as_float(a), bool(full_matrices), options)
    return svdvals_value(as_float(a), options)


@space.composite("svdvals")
def svdvals(a: Array, overwrite_a: bool = False, check_finite: bool = True) -> Array:
    """Singular values."""
    return svdvals_value(as_float(a), {"check_finite": check_finite})


# ---- QR ------------------------------------------------------------------------------------------


@helper
def qr_of_columns(a: Any, mode: str) -> Any:
    """Q and R of a matrix whose columns keep their order."""
    return tuple(scipy.linalg.qr(a, mode="full" if mode == "complete" else "economic"))


defvjp(qr_of_columns, lambda ans, a, mode: factorizations._qr_vjp(ans, a, mode))
defjvp(qr_of_columns, lambda t, ans, a, mode: factorizations._qr_jvp(t, ans, a, mode))


def _qr_of_pivoted(a: Array, mode: str, options: Any) -> Any:
    """Q and R again, of the columns in the order of the pivots, which count as constants."""
    pivots = qr_value(primal(a), mode, options)[2:]
    if pivots:
        a = getitem(a, (slice(None), pivots[0]))
    return (*qr_of_columns(a, MODES[mode]), *pivots)


@functools.partial(helper, derivative=_qr_of_pivoted)
def qr_value(a: Any, mode: str, options: Any) -> Any:
    """SciPy's Q and R, and the pivots where these are asked for."""
    lwork, pivoting, check = options
    return tuple(scipy.linalg.qr(a, False, lwork, mode, pivoting, check))


MODES = {"full": "complete", "qr": "complete", "r": "complete", "economic": "reduced"}


@space.composite("qr")
def qr(
    a: Array,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> Any:
    """QR decomposition, of the columns in the order of the pivots where these are asked for."""
    a = as_float(a)
    if mode not in MODES or len(shape_of(a)) > 2:
        scipy.linalg.qr(stand_in(a), False, lwork, mode, pivoting, check_finite)  # may raise
        _refuse("qr", "of a batch" if mode in MODES else f"in mode {mode!r}")
    whole = "full" if mode == "r" else mode
    q, r, *pivots = qr_value(a, whole, (lwork, bool(pivoting), check_finite))
    return (r, *pivots) if mode == "r" else (q, r, *pivots)


# ---- pseudo-inverse, least squares ---------------------------------------------------------------


@helper
def pinv_value(a: Any, atol: Any, rtol: Any, check: bool) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.linalg.pinv(a, atol=atol, rtol=rtol, check_finite=check)


def _bound(a: Array, atol: Any, rtol: Any) -> dict[str, Any]:
    """The bound of NumPy's for the same singular values."""
    if atol is None and rtol is None:
        return {}
    a = primal(a)
    largest = np.linalg.norm(a, 2, axis=(-2, -1)) if a.size else 1.0
    least = max(shape_of(a)[-2:]) * onp.finfo(a.dtype).eps if rtol is None else rtol
    return {"rcond": least + (atol or 0.0) / np.where(largest == 0, 1.0, largest)}


defvjp(
    pinv_value,
    lambda ans, a, atol, rtol, check: least_squares._pinv_vjp(ans, a, _bound(a, atol, rtol)),
)
defjvp(
    pinv_value,
    lambda t, ans, a, atol, rtol, check: least_squares._pinv_jvp(t, ans, a, _bound(a, atol, rtol)),
)


@functools.partial(helper, zero=True)
def _rank(a: Any, atol: Any, rtol: Any, check: bool) -> Any:
    return scipy.linalg.pinv(a, atol=atol, rtol=rtol, return_rank=True, check_finite=check)[1]


@space.composite("pinv")
def pinv(
    a: Array,
    *,
    atol: Any = None,
    rtol: Any = None,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Any:
    """Moore-Penrose inverse, differentiated at fixed rank."""
    a, given = as_float(a), (primal(atol), primal(rtol), check_finite)
    result = pinv_value(a, *given)
    return (result, _rank(primal(a), *given)) if return_rank else result


@helper
def lstsq_value(a: Any, b: Any, options: Any) -> Any:
    """SciPy's value for a matrix b, in the order of NumPy's rules: the rank comes last."""
    cond, check, driver = options
    theirs: Any = scipy.linalg.lstsq
    x, residuals, rank, s = theirs(a, b, cond, False, False, check, driver)
    return x, onp.reshape(residuals, -1), s, onp.intp(rank)


def _given(ans: Any, options: Any) -> dict[str, Any]:
    cond = options[0]
    return {"rcond": onp.finfo(ans[0].dtype).eps if cond is None else cond}


defvjp(
    lstsq_value,
    lambda ans, a, b, opts: least_squares._lstsq_vjp_a(ans, a, b, _given(ans, opts)),
    lambda ans, a, b, opts: least_squares._lstsq_vjp_b(ans, a, b, _given(ans, opts)),
)
defjvp(
    lstsq_value,
    lambda t, ans, a, b, opts: least_squares._lstsq_jvp_a(t, ans, a, b, _given(ans, opts)),
    lambda t, ans, a, b, opts: least_squares._lstsq_jvp_b(t, ans, a, b, _given(ans, opts)),
)


_EXAMPLE: Any = scipy.linalg.lstsq(onp.eye(2, 1), onp.ones(2))
RESIDUAL_IS_ARRAY = isinstance(_EXAMPLE[1], onp.ndarray)
"""Whether SciPy gives the residual of one right hand side as an array; from 1.18 on it does."""
RANK: Any = type(_EXAMPLE[2])


@space.composite("lstsq")
def lstsq(
    a: Array,
    b: Array,
    cond: Any = None,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    lapack_driver: Any = None,
) -> Any:
    """Least squares solution, sums of squared residuals, rank and singular values."""
    a, b, cond = as_float(a), as_float(b), primal(cond)
    if lapack_driver == "gelsy" or not a.size or not b.size or max(a.ndim, b.ndim) > 2:
        # SciPy's error for what does not fit, or its results for nothing.
        theirs: Any = scipy.linalg.lstsq
        found = theirs(_ones(a), _ones(b), cond, False, False, check_finite, lapack_driver)
        if found[3] is None:
            _refuse("lstsq", f"by {lapack_driver!r}")
        if max(a.ndim, b.ndim) > 2:
            _refuse("lstsq", "of a batch")
        return found
    columns = np.reshape(b, (len(b), -1))
    x, residuals, s, rank = lstsq_value(a, columns, (cond, check_finite, lapack_driver))
    if b.ndim == 1:
        x = x[:, 0]
        if shape_of(residuals)[0]:
            residuals = np.reshape(residuals, ()) if RESIDUAL_IS_ARRAY else residuals[0]
    return x, residuals, RANK(operator.index(rank)), s


def _ones(x: Array) -> Any:
    return onp.ones(shape_of(x), x.dtype)
