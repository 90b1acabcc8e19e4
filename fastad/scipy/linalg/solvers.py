"""Solving linear systems: solve, inv, det, solve_triangular, banded and Sylvester equations."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as onp
import scipy.linalg
from scipy.linalg import lapack

from ... import _core
from ... import numpy as np
from ...numpy.linalg.determinants import cofactors
from ...numpy.linalg.matrices import per_matrix
from ..registry import (
    Array,
    as_float,
    defjvp,
    defvjp,
    dtype_of,
    helper,
    printed,
    recorded,
    shape_of,
)
from .space import folded, outer_columns, per_batch, side, space, transposed, triangle, unfolded

# ---- inv, det ------------------------------------------------------------------------------------

_dtrtrs: Any = getattr(lapack, "dtrtrs")  # noqa: B009 - SciPy's stubs leave it out


@recorded
def inv_value(a: Any, options: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.linalg.inv(a, **options)


def _inv_vjp(ans: Array, a: Array, options: Any) -> Any:
    adjoint = transposed(ans)
    return lambda g: -np.matmul(adjoint, np.matmul(g, adjoint))


defvjp(inv_value, _inv_vjp)
defjvp(inv_value, lambda t, ans, a, options: -np.matmul(ans, np.matmul(t, ans)))


@space.composite("inv")
def inv(a: Array, overwrite_a: bool = False, check_finite: bool = True, **options: Any) -> Array:
    """Inverse; the argument is not overwritten while it is traced."""
    return inv_value(as_float(a), {"check_finite": check_finite, **options})


@recorded
def det_value(a: Any, options: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.linalg.det(a, **options)


def _cofactors(a: Array) -> Array:
    """The derivative; NumPy's determinant is of the same LU factors as the inverse it is times."""
    return cofactors(np.linalg.det(a), a)


defvjp(det_value, lambda ans, a, options: lambda g: per_matrix(g) * _cofactors(a))
defjvp(det_value, lambda t, ans, a, options: np.sum(_cofactors(a) * t, axis=(-1, -2)))


@space.composite("det")
def det(a: Array, overwrite_a: bool = False, check_finite: bool = True) -> Array:
    """Determinant."""
    return det_value(as_float(a), {"check_finite": check_finite})


# ---- solve ---------------------------------------------------------------------------------------

MIRRORED = {"sym": False, "symmetric": False, "her": True, "hermitian": True}
MIRRORED |= {"pos": True, "positive definite": True}
"""Structures of which SciPy reads one triangle, and whether it takes the other as conjugate."""

DIAGONALS: dict[Any, tuple[int | None, int | None]] = {
    "diagonal": (0, 0),
    "tridiagonal": (-1, 1),
    "upper triangular": (0, None),
    "lower triangular": (None, 0),
}
"""Structures of which SciPy reads the diagonals from the first to the last one named.

Of all others it reads the whole matrix, of 'banded' ones too, whose widths it looks for.
"""


@recorded
def solve_value(a: Any, b: Any, options: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.linalg.solve(a, b, **options)


def _without_unread(x: Array, kind: Any) -> Array:
    """Zeros in place of the entries outside the diagonals that SciPy reads."""
    first, last = DIAGONALS.get(kind, (None, None))
    x = x if first is None else np.triu(x, first)
    return x if last is None else np.tril(x, last)


def _is_hermitian(a: Array, kind: str) -> bool:
    return MIRRORED[kind] and dtype_of(a).kind == "c"


def _full(a: Array, options: Any) -> Array:
    """The matrix that SciPy takes `a` for; linear, its transpose next."""
    kind = options.get("assume_a")
    if kind in MIRRORED:
        return unfolded(a, bool(options["lower"]), _is_hermitian(a, kind))
    return _without_unread(a, kind)


def _full_transposed(g: Array, a: Array, options: Any) -> Array:
    kind = options.get("assume_a")
    if kind in MIRRORED:
        return folded(g, bool(options["lower"]), _is_hermitian(a, kind))
    return _without_unread(g, kind)


def _solve_adjoint(a: Array, g: Array, options: Any) -> Array:
    """Solve with the transpose of the matrix M of M x = b."""
    full = _full(a, options)
    return solve_value(full if options.get("transposed") else transposed(full), g, {})


def _solve_vjp_a(ans: Array, a: Array, b: Array, options: Any) -> Any:
    ndim = len(shape_of(a))

    def vjp(g: Array) -> Array:
        result = -outer_columns(_solve_adjoint(a, g, options), ans, ndim)
        result = transposed(result) if options.get("transposed") else result
        return _full_transposed(result, a, options)

    return vjp


def _solve_jvp_a(t: Array, ans: Array, a: Array, b: Array, options: Any) -> Array:
    change = _full(t, options)
    change = transposed(change) if options.get("transposed") else change
    return -solve_value(a, np.matmul(change, ans), options)


defvjp(
    solve_value,
    _solve_vjp_a,
    lambda ans, a, b, options: lambda g: _solve_adjoint(a, g, options),
)
defjvp(solve_value, _solve_jvp_a, lambda t, ans, a, b, options: solve_value(a, t, options))


def _divided(a: Array, b: Array, options: Any) -> Array:
    shape = shape_of(scipy.linalg.solve(onp.ones(shape_of(a)), onp.zeros(shape_of(b)), **options))
    return np.reshape(b / np.reshape(a, ()), shape)


@functools.partial(helper, derivative=_divided)
def _solve_by_number(a: Array, b: Array, options: Any) -> Array:
    """Divide by the one entry of a matrix, as SciPy does, whatever the length of b."""
    return scipy.linalg.solve(a, b, **options)


@space.composite("solve")
def solve(
    a: Array,
    b: Array,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: Any = None,
    transposed: bool = False,
) -> Array:
    """Solution of a x = b; entries of `a` that SciPy does not read have derivative zero."""
    options: dict[str, Any] = {"lower": lower, "check_finite": check_finite}
    if assume_a is not None:
        options["assume_a"] = assume_a
    if transposed:
        options["transposed"] = True
    a, b = as_float(a), as_float(b)
    if a.size == 1:
        return _solve_by_number(a, b, options)
    if a.ndim > 2 or b.ndim > 2:
        return per_batch(
            lambda a, b: solve_value(a, b, options),
            lambda a, b: scipy.linalg.solve(a, b, **options),
            (a, 2),
            side(b),
        )
    return solve_value(a, b, options)


# ---- solve_triangular ----------------------------------------------------------------------------

TRANS = {0: 0, "N": 0, 1: 1, "T": 1, 2: 2, "C": 2}
"""Modes by what they are called; SciPy transposes at whatever else is true, or raises."""


def _by_lapack(a: Any, b: Any, trans: int, lower: bool, unit: bool, check: bool) -> Any:
    """LAPACK's routine as SciPy calls it, for what needs no checks; else None."""
    for x in (a, b):
        if type(x) is not onp.ndarray or x.dtype != onp.float64 or not x.size:
            return None
        if check and not onp.isfinite(x).all():
            return None
    if a.ndim != 2 or a.shape[0] != a.shape[1] or b.ndim > 2 or len(b) != len(a) or trans == 2:
        return None
    if a.flags.f_contiguous:
        x, info = _dtrtrs(a, b, lower=lower, trans=trans, unitdiag=unit)
    else:
        # The routine wants columns: rows are those of the transpose.
        x, info = _dtrtrs(a.T, b, lower=not lower, trans=not trans, unitdiag=unit)
    return x if info == 0 and onp.isfinite(x).all() else None


@recorded
def triangular_value(a: Any, b: Any, trans: int, lower: bool, unit: bool, check: bool) -> Any:
    """SciPy's value, from arguments in canonical order."""
    quick = _by_lapack(a, b, trans, lower, unit, check)
    if quick is not None:
        return quick
    return scipy.linalg.solve_triangular(
        a, b, trans=trans, lower=lower, unit_diagonal=unit, check_finite=check
    )


def _adjoint_triangular(a: Array, g: Array, trans: int, lower: bool, unit: bool) -> Array:
    """Solve with the transpose of op(a)."""
    if trans == 2:
        return triangular_value(np.conj(a), g, 0, lower, unit, False)
    return triangular_value(a, g, 1 - trans, lower, unit, False)


def _triangular_pull(argnums: tuple[int, ...], ans: Array, args: Any, kwargs: Any) -> Any:
    a, b, trans, lower, unit, _ = args

    def vjp(g: Array) -> Any:
        v = _adjoint_triangular(a, g, trans, lower, unit)
        result = []
        for argnum in argnums:
            if argnum == 1:
                result.append(v)
                continue
            # -v x^T for the matrix that is solved with: its transpose for the other modes.
            product = -outer_columns(ans, v, 2) if trans else -outer_columns(v, ans, 2)
            if trans == 2:
                product = np.conj(product)
            result.append(triangle(product, lower, 0.0 if unit else 1.0))
        return result

    return vjp


def _triangular_jvp_a(
    t: Array, ans: Array, a: Array, b: Array, trans: int, lower: bool, unit: bool, check: bool
) -> Array:
    change = triangle(t, lower, 0.0 if unit else 1.0)
    if trans:
        change = transposed(change)
    if trans == 2:
        change = np.conj(change)
    return -triangular_value(a, np.matmul(change, ans), trans, lower, unit, False)


_core.defvjp_argnums(triangular_value, _triangular_pull)
defjvp(
    triangular_value,
    _triangular_jvp_a,
    lambda t, ans, a, b, trans, lower, unit, check: triangular_value(
        a, t, trans, lower, unit, False
    ),
)


@space.composite("solve_triangular")
def solve_triangular(
    a: Array,
    b: Array,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Array:
    """Solution of a triangular system; entries of `a` that are not read have derivative zero."""
    a, b = as_float(a), as_float(b)
    if trans not in TRANS:
        scipy.linalg.solve_triangular(
            printed(a), printed(b), trans, check_finite=False
        )  # may raise
    given = TRANS.get(trans, int(bool(trans))), bool(lower), bool(unit_diagonal), check_finite
    if a.ndim > 2 or b.ndim > 2:
        return per_batch(
            lambda a, b: triangular_value(a, b, *given),
            lambda a, b: triangular_value(a, b, *given),
            (a, 2),
            side(b),
        )
    return triangular_value(a, b, *given)


# ---- banded --------------------------------------------------------------------------------------


def _band_places(shape: tuple[int, ...], lower: int, upper: int) -> tuple[Any, Any, Any]:
    """Row and column of the matrix that each entry of a banded array stands for, and which do."""
    row, column = onp.indices(shape)
    row = row - upper + column
    return row, column, (row >= 0) & (row < shape[1])


def _as_columns(x: Array) -> Array:
    """A vector or a matrix of columns, either of which may be empty, as a matrix."""
    n, *rest = shape_of(x)
    return np.reshape(x, (n, math.prod(rest)))


def _band_of_outer(u: Array, v: Array, shape: tuple[int, ...], lower: int, upper: int) -> Array:
    """The band of u v^T, summed over columns of u and v."""
    row, column, inside = _band_places(shape, lower, upper)
    products = np.where(inside[..., None], u[onp.where(inside, row, 0)] * v[column], 0.0)
    return np.sum(products, axis=-1)


def _band_transposed(ab: Array, lower: int, upper: int) -> Array:
    """The banded array of the transposed matrix."""
    m, n = shape_of(ab)
    row, column = onp.indices((m, n))
    # Entry (r, c) of the result stands for (r - lower + c, c) of the transpose.
    i = row - lower + column
    inside = (i >= 0) & (i < n)
    source = onp.where(inside, upper + column - i, 0), onp.where(inside, i, 0)
    return np.where(inside, ab[source], 0.0)


@recorded
def banded_value(widths: Any, ab: Any, b: Any, check: bool) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.linalg.solve_banded(widths, ab, b, check_finite=check)


def _banded_adjoint(widths: Any, ab: Array, g: Array) -> Array:
    lower, upper = widths
    return banded_value((upper, lower), _band_transposed(ab, lower, upper), g, False)


def _banded_vjp_ab(ans: Array, widths: Any, ab: Array, b: Array, check: bool) -> Any:
    def vjp(g: Array) -> Array:
        v = _banded_adjoint(widths, ab, g)
        return -_band_of_outer(_as_columns(v), _as_columns(ans), shape_of(ab), *widths)

    return vjp


def _banded_times(ab: Array, x: Array, widths: Any) -> Array:
    """The banded matrix times x, row by row of the band."""
    lower, upper = widths
    n = shape_of(ab)[1]
    flat = _as_columns(x)
    total = onp.zeros(shape_of(flat))
    for k in range(lower + upper + 1):
        shift = k - upper  # row - column
        product = np.reshape(ab[k], (n, 1)) * flat
        if shift >= 0:
            moved = product[: n - shift]
            total = total + np.concatenate([onp.zeros((n - len(moved), flat.shape[1])), moved])
        else:
            moved = product[-shift:]
            total = total + np.concatenate([moved, onp.zeros((n - len(moved), flat.shape[1]))])
    return np.reshape(total, shape_of(x))


defvjp(
    banded_value,
    None,
    _banded_vjp_ab,
    lambda ans, widths, ab, b, check: lambda g: _banded_adjoint(widths, ab, g),
)
defjvp(
    banded_value,
    None,
    lambda t, ans, widths, ab, b, check: (
        -banded_value(widths, ab, _banded_times(t, ans, widths), False)
    ),
    lambda t, ans, widths, ab, b, check: banded_value(widths, ab, t, False),
)


@space.composite("solve_banded")
def solve_banded(
    l_and_u: Any,
    ab: Array,
    b: Array,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Array:
    """Solution of a banded system, by the entries of the band that are read."""
    widths = tuple(int(width) for width in l_and_u)
    ab, b = as_float(ab), as_float(b)
    if ab.ndim > 2 or b.ndim > 2:
        return per_batch(
            lambda ab, b: banded_value(widths, ab, b, check_finite),
            lambda ab, b: banded_value(widths, ab, b, check_finite),
            (ab, 2),
            side(b),
        )
    return banded_value(widths, ab, b, check_finite)


@recorded
def banded_symmetric_value(ab: Any, b: Any, lower: bool, check: bool) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.linalg.solveh_banded(ab, b, lower=lower, check_finite=check)


def _symmetric_widths(ab: Array, lower: bool) -> tuple[int, int]:
    width = shape_of(ab)[0] - 1
    return (width, 0) if lower else (0, width)


def _symmetric_times(t: Array, x: Array, lower: bool) -> Array:
    """The symmetric matrix whose band is t, times x."""
    below, above = _symmetric_widths(t, lower)
    rest = _without_diagonal(t, lower)
    return _banded_times(t, x, (below, above)) + _banded_times(
        _band_transposed(rest, below, above), x, (above, below)
    )


def _without_diagonal(ab: Array, lower: bool) -> Array:
    mask = onp.ones(shape_of(ab))
    mask[0 if lower else -1] = 0.0
    return ab * mask


def _banded_symmetric_vjp_ab(ans: Array, ab: Array, b: Array, lower: bool, check: bool) -> Any:
    def vjp(g: Array) -> Array:
        v = banded_symmetric_value(ab, g, lower, False)
        shape, widths = shape_of(ab), _symmetric_widths(ab, lower)
        v, x = _as_columns(v), _as_columns(ans)
        return -(
            _band_of_outer(v, x, shape, *widths)
            + _without_diagonal(_band_of_outer(x, v, shape, *widths), lower)
        )

    return vjp


defvjp(
    banded_symmetric_value,
    _banded_symmetric_vjp_ab,
    lambda ans, ab, b, lower, check: lambda g: banded_symmetric_value(ab, g, lower, False),
)
defjvp(
    banded_symmetric_value,
    lambda t, ans, ab, b, lower, check: (
        -banded_symmetric_value(ab, _symmetric_times(t, ans, lower), lower, False)
    ),
    lambda t, ans, ab, b, lower, check: banded_symmetric_value(ab, t, lower, False),
)


@space.composite("solveh_banded")
def solveh_banded(
    ab: Array,
    b: Array,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    lower: bool = False,
    check_finite: bool = True,
) -> Array:
    """Solution of a real symmetric positive definite banded system."""
    ab, b = as_float(ab), as_float(b)
    if ab.dtype.kind == "c":
        raise NotImplementedError(
            "solveh_banded of a complex band has no derivative rule in fastad"
        )
    if ab.ndim > 2 or b.ndim > 2:
        return per_batch(
            lambda ab, b: banded_symmetric_value(ab, b, bool(lower), check_finite),
            lambda ab, b: banded_symmetric_value(ab, b, bool(lower), check_finite),
            (ab, 2),
            side(b),
        )
    return banded_symmetric_value(ab, b, bool(lower), check_finite)


# ---- Sylvester's equation ------------------------------------------------------------------------


@recorded
def sylvester_value(a: Any, b: Any, q: Any) -> Any:
    """X of a X + X b = q."""
    return scipy.linalg.solve_sylvester(a, b, q)


def _sylvester_adjoint(a: Array, b: Array, g: Array) -> Array:
    return sylvester_value(np.transpose(a), np.transpose(b), g)


defvjp(
    sylvester_value,
    lambda ans, a, b, q: lambda g: -np.matmul(_sylvester_adjoint(a, b, g), np.transpose(ans)),
    lambda ans, a, b, q: lambda g: -np.matmul(np.transpose(ans), _sylvester_adjoint(a, b, g)),
    lambda ans, a, b, q: lambda g: _sylvester_adjoint(a, b, g),
)
defjvp(
    sylvester_value,
    lambda t, ans, a, b, q: -sylvester_value(a, b, np.matmul(t, ans)),
    lambda t, ans, a, b, q: -sylvester_value(a, b, np.matmul(ans, t)),
    lambda t, ans, a, b, q: sylvester_value(a, b, t),
)


@space.composite("solve_sylvester")
def solve_sylvester(a: Array, b: Array, q: Array) -> Array:
    """Solution X of a X + X b = q."""
    a, b, q = as_float(a), as_float(b), as_float(q)
    if max(a.ndim, b.ndim, q.ndim) > 2:
        return per_batch(sylvester_value, scipy.linalg.solve_sylvester, (a, 2), (b, 2), (q, 2))
    return sylvester_value(a, b, q)
