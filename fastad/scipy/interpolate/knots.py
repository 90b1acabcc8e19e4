"""Splines by their knots: de Boor's recursion, in operations that are differentiated.

C. de Boor, A Practical Guide to Splines, chapter X: with alpha = (x - t_j) / (t_(j+1+k-r) - t_j)
the coefficients of one interval are joined, d_j = (1 - alpha) d_(j-1) + alpha d_j, for r = 1, ...,
k. The interval has a length, so that no quotient is 0 / 0 at knots that coincide.
"""

from __future__ import annotations

from typing import Any

import numpy as onp
import scipy.interpolate

from ... import numpy as np
from ..registry import Around, Array, helper, primal, shape_of

__all__ = ["end_conditions", "interpolated", "knots_of", "recursion"]


def _along(x: Array, like: Array) -> Array:
    return np.reshape(x, (-1,) + (1,) * (len(shape_of(like)) - 1))


def _lowered(t: Array, c: Array, k: int) -> tuple[Array, Array, int]:
    """The derivative of a spline, of one degree less: k (c_(i+1) - c_i) / (t_(i+k+1) - t_(i+1))."""
    n = shape_of(c)[0]
    gaps = t[k + 1 : n + k] - t[1:n]
    nothing = primal(gaps) == 0
    gaps = np.where(nothing, 1.0, gaps)
    slopes = k * (c[1:] - c[:-1]) / _along(gaps, c)
    return t[1:-1], np.where(_along(nothing, c), 0.0, slopes), k - 1


def recursion(c: Array, x: Array, t: Array, k: int, nu: int, extrapolate: Any = True) -> Array:
    """The derivative of order nu at many x, by coefficients, places and knots."""
    n = shape_of(t)[0] - k - 1
    c = c[:n]
    if nu > k:
        return np.zeros((*shape_of(x), *shape_of(c)[1:]))
    first, last = t[k], t[n]
    outside = (primal(x) < primal(first)) | (primal(x) > primal(last))
    if extrapolate == "periodic":
        turns = np.floor((primal(x) - primal(first)) / (primal(last) - primal(first)))
        x = x - turns * (last - first)
    for _ in range(nu):
        t, c, k = _lowered(t, c, k)
    n = shape_of(c)[0]
    place = np.clip(np.searchsorted(primal(t), primal(x), "right") - 1, k, n - 1)
    # A plain array would read recorded places when it is indexed by them.
    parts = [np.take(c, place - k + j, axis=0) for j in range(k + 1)]
    for r in range(1, k + 1):
        for j in range(k, r - 1, -1):
            low, high = t[place - k + j], t[place + 1 + j - r]
            alpha = _along((x - low) / (high - low), c)
            parts[j] = (1 - alpha) * parts[j - 1] + alpha * parts[j]
    result = parts[k]
    if extrapolate is False:
        result = np.where(_along(outside, c), onp.nan, result)
    return result


# ---- interpolation -------------------------------------------------------------------------------


ALIASES = {"clamped": [(1, 0.0)], "natural": [(2, 0.0)], "not-a-knot": None}


def end_conditions(bc_type: Any) -> tuple[Any, Any]:
    """What is asked at both ends: lists of (order, value), or None."""
    both = bc_type if isinstance(bc_type, (tuple, list)) else (bc_type, bc_type)
    left, right = (ALIASES[end] if isinstance(end, str) else end for end in both)
    return left, right


def knots_of(x: Array, k: int, ends: bool) -> Array:
    """The knots that SciPy chooses for these places; ends: derivatives are given there."""
    if k == 0:
        return np.concatenate([x, x[-1:]])
    times, inner = k + 1, x
    if k == 1 and not ends:
        times = 1
    elif ends:
        times = k
    elif k % 2:
        inner = x[(k + 1) // 2 : -(k + 1) // 2]
    else:
        inner = ((x[1:] + x[:-1]) / 2)[k // 2 : -(k // 2)]
    return np.concatenate([*[x[:1]] * times, inner, *[x[-1:]] * times])


def _conditions(c: Array, x: Array, t: Array, k: int, left: Any, right: Any) -> list[Array]:
    """What is asked of the spline, of these coefficients: one row for each of them."""
    parts = [recursion(c, x[:1], t, k, order) for order, _ in left or ()]
    parts.append(recursion(c, x, t, k, 0))
    parts += [recursion(c, x[-1:], t, k, order) for order, _ in right or ()]
    return parts


def _value(y: Any, x: Any, t: Any, k: int, bc_type: Any, axis: int, check_finite: bool) -> Any:
    given = None if k < 2 and bc_type is None else t
    return scipy.interpolate.make_interp_spline(x, y, k, given, bc_type, axis, check_finite).c


def _moving(
    ans: Array,
    held: Any,
    y: Array,
    x: Array,
    t: Array,
    k: int,
    bc_type: Any,
    axis: int,
    check_finite: bool,
) -> Array:
    """A step of Newton's method for the coefficients, from those that solve the conditions."""
    left, right = end_conditions(bc_type)
    values = np.moveaxis(y, axis, 0)
    whole = shape_of(values)[1:]
    wanted = [np.reshape(np.broadcast_to(v, whole), (1, *whole)) for _, v in left or ()]
    wanted.append(values)
    wanted += [np.reshape(np.broadcast_to(v, whole), (1, *whole)) for _, v in right or ()]
    got = _conditions(ans, x, t, k, left, right)
    rest = np.concatenate([one - other for one, other in zip(wanted, got)])
    matrix = np.concatenate(
        _conditions(onp.eye(shape_of(ans)[0]), held[1], held[2], k, left, right)
    )
    step = np.linalg.solve(matrix, np.reshape(rest, (shape_of(rest)[0], -1)))
    return ans + np.reshape(step, shape_of(ans))


interpolated = helper(_value, Around(_moving))
