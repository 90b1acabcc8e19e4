"""Solving triangular systems: solve_triangular."""

from __future__ import annotations

import functools
from typing import Any

import numpy as onp
import scipy.linalg
from scipy.linalg import lapack

from ... import _core
from ... import numpy as np
from ..registry import Array, as_float, defjvp, everywhere, helper, printed
from .space import outer_columns, over_batches, space, transposed, triangle

_dtrtrs: Any = getattr(lapack, "dtrtrs")  # noqa: B009 - SciPy's stubs leave it out


TRANS = {0: 0, "N": 0, 1: 1, "T": 1, 2: 2, "C": 2}
"""Modes by what they are called; SciPy transposes at whatever else is true, or raises."""


def _by_lapack(a: Any, b: Any, trans: int, lower: bool, unit: bool, check: bool) -> Any:
    """LAPACK's routine as SciPy calls it, for what needs no checks; else None."""
    for x in (a, b):
        if type(x) is not onp.ndarray or x.dtype != onp.float64 or not x.size:
            return None
        if check and not everywhere(onp.isfinite(x)):
            return None
    if a.ndim != 2 or a.shape[0] != a.shape[1] or b.ndim > 2 or len(b) != len(a) or trans == 2:
        return None
    if a.flags.f_contiguous:
        x, info = _dtrtrs(a, b, lower=lower, trans=trans, unitdiag=unit)
    else:
        # The routine wants columns: rows are those of the transpose.
        x, info = _dtrtrs(a.T, b, lower=not lower, trans=not trans, unitdiag=unit)
    return x if info == 0 and everywhere(onp.isfinite(x)) else None


@helper
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


@functools.wraps(scipy.linalg.solve_triangular)
def _plain(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: Any = False,
    unit_diagonal: Any = False,
    overwrite_b: Any = False,
    check_finite: Any = True,
) -> Any:
    if trans in TRANS:
        quick = _by_lapack(a, b, TRANS[trans], bool(lower), bool(unit_diagonal), bool(check_finite))
        if quick is not None:
            return quick
    return scipy.linalg.solve_triangular(
        a, b, trans, lower, unit_diagonal, overwrite_b, check_finite
    )


@space.composite("solve_triangular", plain=_plain)
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
    return over_batches(triangular_value, a, b, *given)
