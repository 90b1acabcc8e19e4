"""Cholesky and LU factorisations, and solving with them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as onp
import scipy.linalg
from scipy.linalg import lapack

from ... import numpy as np
from ..._core import getitem
from ...numpy.registry import cast
from ..registry import (
    Array,
    as_float,
    as_value,
    defjvp,
    defvjp,
    everywhere,
    helper,
    primal,
    printed,
    shape_of,
)
from .space import (
    as_matrix,
    folded,
    outer_columns,
    per_batch,
    side,
    space,
    transposed,
    triangle,
    unfolded,
)
from .triangular import triangular_value

_dpotrs: Any = getattr(lapack, "dpotrs")  # noqa: B009 - SciPy's stubs leave it out

# ---- Cholesky ------------------------------------------------------------------------------------


@helper
def cholesky_value(a: Any, lower: bool, check: bool) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.linalg.cholesky(a, lower=lower, check_finite=check)


def _left(factor: Array, x: Array, inverse_transpose: bool) -> Array:
    """L^-1 x or L^-T x of a lower triangular real L."""
    return triangular_value(factor, x, 1 if inverse_transpose else 0, True, False, False)


def _cholesky_vjp(ans: Array, a: Array, lower: bool, check: bool) -> Any:
    """Murray (2016), eq. 10: L^-T Phi(L^T g) L^-1 is the cotangent of the symmetric matrix.

    Phi keeps the lower triangle and halves the diagonal. SciPy reads one triangle of `a`, which
    therefore has the whole cotangent.
    """

    def vjp(g: Array) -> Array:
        factor = ans if lower else transposed(ans)
        g = g if lower else transposed(g)
        phi = triangle(np.matmul(transposed(factor), triangle(g, True)), True, 0.5)
        half = _left(factor, phi, True)
        full = transposed(_left(factor, transposed(half), True))
        return folded((full + transposed(full)) / 2, lower)

    return vjp


def _cholesky_jvp(t: Array, ans: Array, a: Array, lower: bool, check: bool) -> Array:
    """Murray (2016), eq. 9: dL = L Phi(L^-1 dA L^-T)."""
    factor = ans if lower else transposed(ans)
    half = _left(factor, unfolded(t, lower), False)
    inner = transposed(_left(factor, transposed(half), False))
    change = np.matmul(factor, triangle(inner, True, 0.5))
    return change if lower else transposed(change)


defvjp(cholesky_value, _cholesky_vjp)
defjvp(cholesky_value, _cholesky_jvp)


def _through_numpys(a: Array, lower: bool, check: bool) -> Array:
    factor = np.linalg.cholesky(unfolded(a, lower, True))
    return factor if lower else np.conj(transposed(factor))


@functools.partial(helper, derivative=_through_numpys)
def _complex_factor(a: Array, lower: bool, check: bool) -> Array:
    """The factor of a complex matrix, of which one triangle is read."""
    return scipy.linalg.cholesky(a, lower=lower, check_finite=check)


def _factor(a: Array, lower: bool, check: bool) -> Array:
    if a.ndim > 2:
        return per_batch(_factor, _complex_factor, (a, 2), given=(lower, check))
    return (_complex_factor if a.dtype.kind == "c" else cholesky_value)(a, lower, check)


@space.composite("cholesky")
def cholesky(
    a: Array, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Array:
    """Cholesky factor; the derivative is that of the triangle that is read."""
    return _factor(as_matrix(a), bool(lower), check_finite)


@functools.cache
def _is_left(dtype: Any) -> bool:
    """Whether cho_factor leaves the triangle that it does not write; SciPy 1.18 clears most."""
    return bool(scipy.linalg.cho_factor(onp.array([[2, 1], [1, 2]], dtype))[0][1, 0])


@space.composite("cho_factor")
def cho_factor(
    a: Array, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> tuple[Array, Any]:
    """Cholesky factor for cho_solve; the other triangle is as SciPy leaves it."""
    a, lower = as_matrix(a), bool(lower)
    given: Any = lower
    if a.ndim > 2:
        given = scipy.linalg.cho_factor(printed(a), lower=lower, check_finite=check_finite)[1]
    factor = _factor(a, lower, check_finite)
    keep = onp.tri(*a.shape[-2:]) > 0
    keep = keep if lower else keep.T
    if not _is_left(a.dtype):
        return factor, given
    return np.where(keep, factor, cast(a, factor.dtype)), given


@helper
def cho_solve_value(c: Any, b: Any, lower: bool, check: bool) -> Any:
    """SciPy's value, from arguments in canonical order."""
    quick = _by_potrs(c, b, lower, check)
    if quick is not None:
        return quick
    return scipy.linalg.cho_solve((c, lower), b, check_finite=check)


def _by_potrs(c: Any, b: Any, lower: bool, check: bool) -> Any:
    """LAPACK's routine as SciPy calls it, for what needs no checks; else None."""
    for x in (c, b):
        if type(x) is not onp.ndarray or x.dtype != onp.float64 or not x.size:
            return None
        if check and not everywhere(onp.isfinite(x)):
            return None
    if c.ndim != 2 or c.shape[0] != c.shape[1] or b.ndim > 2 or len(b) != len(c):
        return None
    x, info = _dpotrs(c, b, lower=lower, overwrite_b=False)
    return x if info == 0 else None


def _cho_matrix_change(c: Array, t: Array, lower: bool) -> Array:
    """Change of the matrix that a factor stands for."""
    c, t = triangle(c, lower), triangle(t, lower)
    if lower:
        half = np.matmul(t, transposed(c))
    else:
        half = np.matmul(transposed(t), c)
    return half + transposed(half)


def _cho_solve_vjp_c(ans: Array, c: Array, b: Array, lower: bool, check: bool) -> Any:
    def vjp(g: Array) -> Array:
        product = -outer_columns(cho_solve_value(c, g, lower, False), ans, 2)
        both = product + transposed(product)
        factor = triangle(c, lower)
        return triangle(np.matmul(both, factor) if lower else np.matmul(factor, both), lower)

    return vjp


defvjp(
    cho_solve_value,
    _cho_solve_vjp_c,
    lambda ans, c, b, lower, check: lambda g: cho_solve_value(c, g, lower, False),
)
defjvp(
    cho_solve_value,
    lambda t, ans, c, b, lower, check: (
        -cho_solve_value(c, np.matmul(_cho_matrix_change(c, t, lower), ans), lower, False)
    ),
    lambda t, ans, c, b, lower, check: cho_solve_value(c, t, lower, False),
)


@space.composite("cho_solve")
def cho_solve(
    c_and_lower: Any, b: Array, overwrite_b: bool = False, check_finite: bool = True
) -> Array:
    """Solution from cho_factor's result."""
    c, lower = c_and_lower
    c, b = as_float(c), as_float(b)
    if c.ndim > 2 or b.ndim > 2:
        every = onp.asarray(lower)
        one = bool(every.flat[0]) if every.size and (every == every.flat[0]).all() else lower
        return per_batch(
            _cho_solve_item,
            _cho_solve_whole,
            (c, 2),
            side(b),
            given=(one, lower, check_finite),
        )
    lower = bool(lower)
    if c.dtype.kind != "c":
        return cho_solve_value(c, b, lower, check_finite)
    # L L^H or U^H U: one triangular system after the other.
    return _complex_cho_solve(c, b, lower, check_finite)


def _cho_solve_item(c: Array, b: Array, lower: Any, given: Any, check: bool) -> Array:
    return cho_solve((c, lower), b, check_finite=check)


def _cho_solve_whole(c: Any, b: Any, lower: Any, given: Any, check: bool) -> Any:
    return scipy.linalg.cho_solve((c, given), b, check_finite=check)


def _two_systems(c: Array, b: Array, lower: bool, check: bool) -> Array:
    half = triangular_value(c, b, 0 if lower else 2, lower, False, False)
    return triangular_value(c, half, 2 if lower else 0, lower, False, False)


@functools.partial(helper, derivative=_two_systems)
def _complex_cho_solve(c: Any, b: Any, lower: bool, check: bool) -> Any:
    return scipy.linalg.cho_solve((c, lower), b, check_finite=check)


# ---- LU ------------------------------------------------------------------------------------------


@helper
def lu_value(a: Any, check: bool) -> Any:
    """Both factors in one matrix, as lu_factor returns them."""
    return scipy.linalg.lu_factor(a, check_finite=check)[0]


@functools.partial(helper, zero=True)
def _row_order(pivots: Any) -> Any:
    """The permutation that exchanges rows i and pivots[i] in turn."""
    order = onp.arange(len(pivots))
    for i, pivot in enumerate(pivots):
        order[[i, pivot]] = order[[pivot, i]]
    return order


def _split(lu: Array) -> tuple[Array, Array]:
    n = shape_of(lu)[0]
    return triangle(lu, True, 0.0) + onp.eye(n), triangle(lu, False)


@functools.partial(helper, zero=True)
def _pivots(a: Any) -> Any:
    return scipy.linalg.lu_factor(a, check_finite=False)[1]


def _lu_vjp(ans: Array, a: Array, check: bool) -> Any:
    """P a = L U: P's transpose on L^-T (tril(L^T gL, -1) + triu(gU U^T)) U^-T."""
    inverse = onp.argsort(_row_order(_pivots(primal(a))))

    def vjp(g: Array) -> Array:
        lower, upper = _split(ans)
        middle = triangle(np.matmul(transposed(lower), triangle(g, True, 0.0)), True, 0.0)
        middle = middle + triangle(np.matmul(triangle(g, False), transposed(upper)), False)
        left = triangular_value(lower, middle, 1, True, True, False)
        full = transposed(triangular_value(upper, transposed(left), 0, False, False, False))
        return getitem(full, inverse)

    return vjp


def _lu_jvp(t: Array, ans: Array, a: Array, check: bool) -> Array:
    lower, upper = _split(ans)
    half = triangular_value(lower, getitem(t, _row_order(_pivots(primal(a)))), 0, True, True, False)
    inner = transposed(triangular_value(upper, transposed(half), 1, False, False, False))
    change = np.matmul(lower, triangle(inner, True, 0.0))
    return change + np.matmul(triangle(inner, False), upper)


defvjp(lu_value, _lu_vjp)
defjvp(lu_value, _lu_jvp)


def _square_matrix(a: Array, name: str) -> Array:
    a = as_float(a)
    if a.ndim < 2 or a.shape[-2] != a.shape[-1]:
        getattr(scipy.linalg, name)(printed(a))  # raises, unless the factors are not square
        raise NotImplementedError(
            f"scipy.linalg.{name} of a matrix that is not square has no derivative rule in fastad"
        )
    return a


@space.composite("lu_factor")
def lu_factor(a: Array, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Array, Any]:
    """LU factors of a square matrix, and the pivots, which are whole numbers."""
    a = _square_matrix(a, "lu_factor")
    if a.ndim > 2:
        pivots = _pivots(primal(a))
        return per_batch(lu_value, lu_value, (a, 2), given=(check_finite,)), pivots
    return lu_value(a, check_finite), _pivots(primal(a))


@helper
def lu_solve_value(lu: Any, b: Any, piv: Any, trans: int, check: bool) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.linalg.lu_solve((lu, piv), b, trans=trans, check_finite=check)


def _adjoint_trans(lu: Array, trans: int) -> tuple[Array, int]:
    """The factors and the mode that solve with the transpose of op(a)."""
    return (np.conj(lu), 0) if trans == 2 else (lu, 1 - trans)


def _lu_matrix_slopes(ans: Array, v: Array, lu: Array, order: Any, trans: int) -> Array:
    """Cotangent of the packed factors, from that of the matrix P^T L U."""
    product = -outer_columns(v, ans, 2)
    if trans:
        product = transposed(product)
    if trans == 2:
        product = np.conj(product)
    lower, upper = _split(lu)
    permuted = getitem(product, order)
    by_lower = triangle(np.matmul(permuted, transposed(upper)), True, 0.0)
    return by_lower + triangle(np.matmul(transposed(lower), permuted), False)


def _lu_solve_vjp_lu(ans: Array, lu: Array, b: Array, piv: Any, trans: int, check: bool) -> Any:
    order = _row_order(primal(piv))

    def vjp(g: Array) -> Array:
        factors, mode = _adjoint_trans(lu, trans)
        v = lu_solve_value(factors, g, piv, mode, False)
        return _lu_matrix_slopes(ans, v, lu, order, trans)

    return vjp


def _lu_solve_vjp_b(ans: Array, lu: Array, b: Array, piv: Any, trans: int, check: bool) -> Any:
    def vjp(g: Array) -> Array:
        factors, mode = _adjoint_trans(lu, trans)
        return lu_solve_value(factors, g, piv, mode, False)

    return vjp


def _lu_solve_jvp_lu(
    t: Array, ans: Array, lu: Array, b: Array, piv: Any, trans: int, check: bool
) -> Array:
    lower, upper = _split(lu)
    change = np.matmul(triangle(t, True, 0.0), upper) + np.matmul(lower, triangle(t, False))
    change = getitem(change, onp.argsort(_row_order(primal(piv))))
    if trans:
        change = transposed(change)
    if trans == 2:
        change = np.conj(change)
    return -lu_solve_value(lu, np.matmul(change, ans), piv, trans, False)


defvjp(lu_solve_value, _lu_solve_vjp_lu, _lu_solve_vjp_b)
defjvp(
    lu_solve_value,
    _lu_solve_jvp_lu,
    lambda t, ans, lu, b, piv, trans, check: lu_solve_value(lu, t, piv, trans, False),
)


@space.composite("lu_solve")
def lu_solve(
    lu_and_piv: Any,
    b: Array,
    trans: int = 0,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Array:
    """Solution from lu_factor's result."""
    lu, piv = lu_and_piv
    lu, b, piv = as_float(lu), as_float(b), as_value(primal(piv))
    if lu.ndim < 2 or lu.shape[-2] != lu.shape[-1]:
        return scipy.linalg.lu_solve((printed(lu), printed(piv)), printed(b), trans=trans)  # raises
    if lu.ndim > 2 or b.ndim > 2:
        return per_batch(
            lu_solve_value,
            lu_solve_value,
            (lu, 2),
            side(b),
            (piv, 1),
            given=(trans, check_finite),
        )
    return lu_solve_value(lu, b, piv, trans, check_finite)
