"""Decompositions by first-order perturbation of their own result: generalised eigh, lu, polar."""

from __future__ import annotations

import functools
from typing import Any

import numpy as onp
import scipy.linalg

from ... import numpy as np
from ..._core import getitem
from ..registry import Around, Array, as_float, helper, primal, printed, shape_of
from .equations import sylvester_value
from .space import per_batch, space, transposed, triangle, unfolded


def _adjoint(x: Array) -> Array:
    return np.conj(transposed(x))


# ---- eigenvalues of Hermitian pencils, and some of all eigenvalues -------------------------------


def _pencil(a: Array, b: Any, lower: bool, kind: int) -> tuple[Array, Any]:
    """A and B of the equal problem A v = w B v, v^H B v = 1."""
    a = unfolded(a, lower, True)
    if b is None:
        return a, None
    b = unfolded(b, lower, True)
    if kind == 2:
        return np.matmul(b, np.matmul(a, b)), b
    return a, np.linalg.inv(b) if kind == 3 else b


def _moved(ans: Any, held: Any, a: Array, b: Any, lower: bool, kind: int, given: Any) -> Any:
    """First-order perturbation: V^H (dA - w dB) V moves the values, and turns the vectors."""
    w, v = ans
    every_w, every_v = pencil_value(*held[:4], {}) if _some(given) else (w, v)
    places = _places(primal(every_w), primal(w), given)
    a, b = _pencil(a, b, lower, kind)
    along = np.matmul(a, v)
    change = np.real(np.sum(np.conj(v) * along, axis=-2))
    turned = 0.0
    if b is not None:
        through = np.matmul(b, v)
        length = np.real(np.sum(np.conj(v) * through, axis=-2))
        along = along - through * w[..., None, :]
        change = change - w * length
        turned = v * (length / -2)[..., None, :]
    into = np.matmul(_adjoint(every_v), along)
    return change, turned + np.matmul(every_v, _gaps(every_w, w, places) * into)


def _gaps(every: Array, some: Array, places: Any) -> Array:
    """1 / (some - every) but on the values themselves, where it is 0."""
    same = places == onp.arange(shape_of(every)[-1])[:, None]
    differences = some[..., None, :] - every[..., :, None]
    with onp.errstate(divide="ignore"):
        return np.where(same, 0.0, 1 / np.where(same, 1.0, differences))


def _some(given: Any) -> bool:
    return "subset_by_index" in given or "subset_by_value" in given


def _places(every: Any, some: Any, given: Any) -> Any:
    """Where the values that were asked for lie among all of them, which are in rising order."""
    if "subset_by_index" in given:
        first, last = given["subset_by_index"]
        return onp.arange(first, last + 1)
    if not _some(given):
        return onp.arange(every.shape[-1])
    low = given["subset_by_value"][0]
    first = int(onp.sum(every <= low))
    return onp.arange(first, first + some.shape[-1])


pencil_value = helper(
    lambda a, b, lower, kind, given: tuple(
        scipy.linalg.eigh(a, b, lower=lower, type=kind, **given)
    ),
    Around(_moved),
)
pencil_values_alone = helper(
    lambda a, b, lower, kind, given: scipy.linalg.eigvalsh(a, b, lower=lower, type=kind, **given),
    Around(lambda ans, held, *given: _moved(pencil_value(*held), held, *given)[0]),
)


def eigh_of_pencil(a: Any, b: Any, lower: bool, kind: int, given: Any, alone: bool) -> Any:
    """Values and vectors of a pencil, or some of them, or (alone) values without vectors.

    `given` are SciPy's further options.
    """
    a, b = as_float(a), None if b is None else as_float(b)
    return (pencil_values_alone if alone else pencil_value)(a, b, lower, kind, given)


# ---- LU with permutation -------------------------------------------------------------------------


def _factors_moved(ans: Any, held: Any, a: Array) -> Any:
    """Of L U = a without exchanges: L^-1 da U^-1 = L^-1 dL + dU U^-1, its two triangles."""
    lower, upper = ans
    m, n = shape_of(a)[-2:]
    k = min(m, n)
    top, corner = lower[..., :k, :], upper[..., :, :k]
    inner = np.linalg.solve(top, a[..., :k, :k])
    inner = transposed(np.linalg.solve(transposed(corner), transposed(inner)))
    new_top = np.matmul(top, triangle(inner, True, 0.0)) + top
    new_corner = np.matmul(triangle(inner, False), corner)
    if m > n:
        below = transposed(np.linalg.solve(transposed(new_corner), transposed(a[..., k:, :])))
        new_top = np.concatenate([new_top, below], axis=-2)
    if n > m:
        beside = np.linalg.solve(new_top, a[..., :, k:])
        new_corner = np.concatenate([new_corner, beside], axis=-1)
    return new_top, new_corner


factors_value = helper(
    lambda a: tuple(scipy.linalg.lu(a, p_indices=True)[1:]), Around(_factors_moved)
)


@functools.partial(helper, zero=True)
def _order(a: Any, check: bool) -> Any:
    """The permutation, as the places of the rows."""
    return scipy.linalg.lu(a, check_finite=check, p_indices=True)[0]


def _without_exchanges(a: Array, check: bool) -> Any:
    """The same factors of the rows in the order that needs no exchanges, which is constant."""
    into = onp.argsort(_order(primal(a), check), axis=-1)
    return factors_value(np.take_along_axis(a, into[..., None], axis=-2))


@functools.partial(helper, derivative=_without_exchanges)
def lu_value(a: Any, check: bool) -> Any:
    """SciPy's lower and upper factor."""
    return tuple(scipy.linalg.lu(a, check_finite=check, p_indices=True)[1:])


@space.composite("lu")
def lu(
    a: Array,
    permute_l: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
    p_indices: bool = False,
) -> Any:
    """Factors of a = P L U, of any shape; the permutation P is constant."""
    a = as_float(a)
    order = _order(primal(a), check_finite)
    lower, upper = lu_value(a, check_finite)
    if permute_l:
        return np.take_along_axis(lower, order[..., None], axis=-2), upper
    if p_indices:
        return order, lower, upper
    unit = onp.eye(order.shape[-1], dtype=onp.finfo(lower.dtype).dtype)
    return getitem(unit, order), lower, upper


# ---- polar ---------------------------------------------------------------------------------------


def _polar_moved(ans: Any, held: Any, a: Array, side: str) -> Any:
    """dU = U W + (1 - U U^H) da P^-1, where P W + W P = U^H da - da^H U."""
    u, p = ans
    (m, n), change = shape_of(a), a - held[0]
    wide = m < n
    if wide:
        u, change = _adjoint(u), _adjoint(change)
    if wide or side == "left":
        p = np.matmul(_adjoint(u), held[0] if not wide else _adjoint(held[0]))
        p = (p + _adjoint(p)) / 2
    skew = np.matmul(_adjoint(u), change)
    moved = np.matmul(u, sylvester_value(p, p, skew - _adjoint(skew)))
    if m != n:
        apart = change - np.matmul(u, skew)
        moved = moved + transposed(np.linalg.solve(transposed(p), transposed(apart)))
    u = u + moved
    if wide:
        u = _adjoint(u)
    return u, np.matmul(_adjoint(u), a) if side == "right" else np.matmul(a, _adjoint(u))


polar_value = helper(lambda a, side: tuple(scipy.linalg.polar(a, side)), Around(_polar_moved))


@space.composite("polar")
def polar(a: Array, side: str = "right") -> Any:
    """Factors of a = U P (right) or P U (left), of a matrix of full rank."""
    a = as_float(a)
    if a.ndim < 3:
        return polar_value(a, side)
    value = scipy.linalg.polar(printed(a), side)
    return tuple(
        per_batch(lambda a, i=i: polar_value(a, side)[i], lambda a, i=i: value[i], (a, 2))
        for i in range(2)
    )
