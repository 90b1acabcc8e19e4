"""Solving linear systems: solve, inv, det."""

from __future__ import annotations

import functools
from typing import Any

import numpy as onp
import scipy.linalg

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
    shape_of,
)
from .space import folded, outer_columns, over_batches, space, transposed, unfolded

# ---- inv, det ------------------------------------------------------------------------------------


@helper
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


@helper
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


@helper
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
    return over_batches(solve_value, a, b, options)
