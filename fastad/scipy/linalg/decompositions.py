"""Eigenvalues, singular values, QR, pseudo-inverse and least squares, by the rules of NumPy's.

These rules read a function's own results, SciPy's here: vectors have the signs and phases that
SciPy gives them.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as onp
import scipy.linalg

from ... import numpy as np
from ...numpy.linalg import eigen, factorizations, least_squares
from ..registry import Array, as_float, defjvp, defvjp, getval, recorded, shape_of
from .perturbation import eigh_of_pencil
from .space import space


def _refuse(name: str, what: str) -> NoReturn:
    raise NotImplementedError(f"scipy.linalg.{name} {what} has no derivative rule in fastad")


# ---- eigenvalues of Hermitian matrices -----------------------------------------------------------


@recorded
def eigh_value(a: Any, uplo: str, options: Any) -> Any:
    """SciPy's values and vectors, from the triangle of this name."""
    return tuple(scipy.linalg.eigh(a, lower=uplo == "L", **options))


defvjp(eigh_value, lambda ans, a, uplo, options: eigen._eigh_vjp(ans, a, uplo))
defjvp(eigh_value, lambda t, ans, a, uplo, options: eigen._eigh_jvp(t, ans, a, uplo))


@recorded
def eigvalsh_value(a: Any, uplo: str, options: Any) -> Any:
    """SciPy's values, from the triangle of this name."""
    return scipy.linalg.eigvalsh(a, lower=uplo == "L", **options)


defvjp(eigvalsh_value, lambda ans, a, uplo, options: eigen._eigvalsh_vjp(ans, a, uplo))
defjvp(eigvalsh_value, lambda t, ans, a, uplo, options: eigen._eigvalsh_jvp(t, ans, a, uplo))


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


@recorded
def svd_value(a: Any, full_matrices: bool, options: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return tuple(scipy.linalg.svd(a, full_matrices, **options))


defvjp(svd_value, lambda ans, a, full, options: factorizations._svd_vjp(ans, a, full))
defjvp(svd_value, lambda t, ans, a, full, options: factorizations._svd_jvp(t, ans, a, full))


@recorded
def svdvals_value(a: Any, options: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.linalg.svd(a, compute_uv=False, **options)


defvjp(svdvals_value, lambda ans, a, options: factorizations._svdvals_vjp(ans, a))
defjvp(svdvals_value, lambda t, ans, a, options: factorizations.singular_values_moved(a, t))


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


@recorded
def qr_value(a: Any, mode: str, value: Any) -> Any:
    """SciPy's Q and R of a, whose columns are in the order of the pivots."""
    return value


defvjp(qr_value, lambda ans, a, mode, value: factorizations._qr_vjp(ans, a, mode))
defjvp(qr_value, lambda t, ans, a, mode, value: factorizations._qr_jvp(t, ans, a, mode))

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
    whole = "full" if mode == "r" else mode
    value: Any = scipy.linalg.qr(getval(a), False, lwork, whole, pivoting, check_finite)
    if mode not in MODES:
        _refuse("qr", f"in mode {mode!r}")
    pivots = value[2:]
    if len(shape_of(a)) > 2:
        _refuse("qr", "of a batch")
    q, r = qr_value(a[:, pivots[0]] if pivoting else a, MODES[mode], value[:2])
    return (r, *pivots) if mode == "r" else (q, r, *pivots)


# ---- pseudo-inverse, least squares ---------------------------------------------------------------


@recorded
def pinv_value(a: Any, bound: Any, value: Any) -> Any:
    """SciPy's value; bound is that of NumPy's for the same singular values."""
    return value


defvjp(pinv_value, lambda ans, a, bound, value: least_squares._pinv_vjp(ans, a, bound))
defjvp(pinv_value, lambda t, ans, a, bound, value: least_squares._pinv_jvp(t, ans, a, bound))


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
    a, atol, rtol = as_float(a), getval(atol), getval(rtol)
    value, rank = scipy.linalg.pinv(
        getval(a), atol=atol, rtol=rtol, return_rank=True, check_finite=check_finite
    )
    bound = {}
    if atol is not None or rtol is not None:
        largest = onp.linalg.norm(getval(a), 2, axis=(-2, -1)) if onp.size(value) else 1.0
        least = max(shape_of(a)[-2:]) * onp.finfo(value.dtype).eps if rtol is None else rtol
        bound["rcond"] = least + (atol or 0.0) / onp.where(largest == 0, 1.0, largest)
    result = pinv_value(a, bound, value)
    return (result, rank) if return_rank else result


@recorded
def lstsq_value(a: Any, b: Any, given: Any, value: Any) -> Any:
    """SciPy's value for a matrix b, in the order of NumPy's rules: the rank comes last."""
    return value


defvjp(
    lstsq_value,
    lambda ans, a, b, given, value: least_squares._lstsq_vjp_a(ans, a, b, given),
    lambda ans, a, b, given, value: least_squares._lstsq_vjp_b(ans, a, b, given),
)
defjvp(
    lstsq_value,
    lambda t, ans, a, b, given, value: least_squares._lstsq_jvp_a(t, ans, a, b, given),
    lambda t, ans, a, b, given, value: least_squares._lstsq_jvp_b(t, ans, a, b, given),
)


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
    a, b, cond = as_float(a), as_float(b), getval(cond)
    found: Any = scipy.linalg.lstsq(
        getval(a), getval(b), cond, False, False, check_finite, lapack_driver
    )
    x, residuals, rank, s = found
    if s is None:
        _refuse("lstsq", f"by {lapack_driver!r}")
    if len(shape_of(a)) > 2 or len(shape_of(b)) > 2:
        _refuse("lstsq", "of a batch")
    if not a.size or not b.size:
        return x, residuals, rank, s
    vector, is_array = len(shape_of(b)) == 1, isinstance(residuals, onp.ndarray)
    value = x.reshape(len(x), -1), residuals.reshape(-1), s, rank
    given = {"rcond": onp.finfo(x.dtype).eps if cond is None else cond}
    x, residuals, s, rank = lstsq_value(a, np.reshape(b, (len(b), -1)), given, value)
    if vector:
        x = x[:, 0]
        if shape_of(residuals)[0]:
            residuals = np.reshape(residuals, ()) if is_array else residuals[0]
    return x, residuals, rank, s
