"""Solving banded systems: solve_banded and solveh_banded."""

from __future__ import annotations

import math
from typing import Any

import numpy as onp
import scipy.linalg

from ... import numpy as np
from ..registry import Array, as_float, defjvp, defvjp, helper, shape_of
from .space import over_batches, space


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


@helper
def banded_value(ab: Any, b: Any, widths: Any, check: bool) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.linalg.solve_banded(widths, ab, b, check_finite=check)


def _banded_adjoint(widths: Any, ab: Array, g: Array) -> Array:
    lower, upper = widths
    return banded_value(_band_transposed(ab, lower, upper), g, (upper, lower), False)


def _banded_vjp_ab(ans: Array, ab: Array, b: Array, widths: Any, check: bool) -> Any:
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
    _banded_vjp_ab,
    lambda ans, ab, b, widths, check: lambda g: _banded_adjoint(widths, ab, g),
)
defjvp(
    banded_value,
    lambda t, ans, ab, b, widths, check: (
        -banded_value(ab, _banded_times(t, ans, widths), widths, False)
    ),
    lambda t, ans, ab, b, widths, check: banded_value(ab, t, widths, False),
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
    return over_batches(banded_value, ab, b, widths, check_finite)


@helper
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
    return over_batches(banded_symmetric_value, ab, b, bool(lower), check_finite)
