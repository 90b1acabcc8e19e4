"""Order statistics: median, quantile, percentile.

An order statistic is a weighted sum of two values of the sorted sample. Where they lie NumPy's own
function tells when it is given the places 0, 1, 2, ... as a sample, for every method of it.
"""

from __future__ import annotations

import functools
import math
import operator
from typing import Any, NamedTuple

import numpy as np

from ..._core import holds_box, sorted_places
from ..registry import (
    Array,
    as_value,
    composite,
    constant,
    defjvp,
    defvjp,
    getitem,
    helper,
    is_given,
    isbox,
    normalized_axes,
    numpy_function,
    ops,
    primal,
    refuse,
    shape_of,
)


def _spread(g: Array, places: Any, shape: tuple[int, int]) -> Array:
    """Add the values g into zeros of a shape, at places in the flattened array."""
    return ops.reshape(ops.scatter(np.zeros(math.prod(shape)), places, g), shape)


def _taken(rows: Array, places: Any) -> Array:
    return getitem(ops.ravel(rows), places)


# Parameters (alpha, beta) of the methods that are continuous in q (Hyndman and Fan 1996).
CONTINUOUS = {
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "linear": (1.0, 1.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}


class Plan(NamedTuple):
    """Which two values of each row a result lies between, and where.

    Attributes
    ----------
    low, high : ndarray
        Places in the flattened rows, of shape (q, rows).
    weight : ndarray
        Share of the higher value; NaN where the result is NaN whatever the other values are.
    counted : ndarray
        1 where there is a result, 0 for a row without any value.
    slope : ndarray
        Derivative of the place among the sorted values by q.
    """

    low: Any
    high: Any
    weight: Any
    counted: Any
    slope: Any


def _positions(name: str, q: Any, count: int, method: Any) -> Any:
    """Return the places among count sorted values, and their derivatives by q."""
    if q is None:
        return np.asarray((count - 1) / 2), np.zeros(())
    sample = np.arange(count, dtype=np.float64)
    function: Any = np.percentile if "percentile" in name else np.quantile
    places = as_value(function(sample, q, method=method)).astype(np.float64)
    if method not in CONTINUOUS:
        return places, np.zeros(places.shape)
    alpha, beta = CONTINUOUS[method]
    slope = count + 1.0 - alpha - beta
    scale = 100.0 if "percentile" in name else 1.0
    free = as_value(q).astype(np.float64) / scale * slope + alpha - 1.0
    inside = (free >= 0) & (free <= count - 1)
    return places, np.where(inside, slope / scale, 0.0)


def _in_rows(x: Array, axes: tuple[int, ...]) -> Array:
    """Shape x as (rows, values), the values being those along axes."""
    shape = shape_of(x)
    if axes == tuple(range(len(shape))):
        return ops.reshape(x, (1, math.prod(shape)))
    last = tuple(range(len(shape) - len(axes), len(shape)))
    length = math.prod(shape[axis] for axis in axes)
    rows = math.prod(n for axis, n in enumerate(shape) if axis not in axes)
    return ops.reshape(ops.moveaxis(x, axes, last), (rows, length))


def _out_of_rows(rows: Array, shape: tuple[int, ...], axes: tuple[int, ...]) -> Array:
    if axes == tuple(range(len(shape))):
        return ops.reshape(rows, shape)
    lead = tuple(n for axis, n in enumerate(shape) if axis not in axes)
    along = tuple(shape[axis] for axis in axes)
    last = tuple(range(len(lead), len(shape)))
    return ops.moveaxis(ops.reshape(rows, lead + along), last, axes)


def _plan(ans: Array, x: Array, q: Any, name: str, axes: tuple[int, ...], options: Any) -> Plan:
    """Return the plan in the precision of the result, which q may have widened."""
    kind = np.zeros(0, ans.dtype).real.dtype
    values = _in_rows(as_value(primal(x)), axes)
    rows, length = values.shape
    q = constant(q)
    q = ops.array(q) if isbox(q) else q  # a recorded number
    size = math.prod(shape_of(q)) if q is not None else 1
    method = options.get("interpolation") or options.get("method", "linear")
    if not name.startswith("nan"):
        return _plan_of_all(values, _positions(name, q, length, method), size, kind)
    order = np.argsort(values, axis=1, kind="stable")
    counts = length - np.isnan(values).sum(1)
    places: Any = np.zeros((size, rows))
    slope: Any = np.zeros((size, rows))
    for count in np.unique(counts[counts > 0]):
        found = _positions(name, q, operator.index(count), method)
        of_place, of_slope = (np.ravel(one)[:, None] for one in found)
        places = np.where(counts == count, of_place, places)
        slope = np.where(counts == count, of_slope, slope)
    low = np.floor(places).astype(np.intp)
    weight = places - low
    high = np.minimum(low + 1, np.maximum(counts - 1, 0))
    first = np.arange(rows) * length
    return Plan(
        _taken(order, first + low) + first,
        _taken(order, first + high) + first,
        weight.astype(kind),
        (counts > 0).astype(kind),
        slope.astype(kind),
    )


# Rows from this length on are not sorted for a few values.
LONG, FEW = 128, 4


def _places_of(values: Array, low: Any, high: Any) -> Any:
    """Return where in each row the values of these ranks are: any one of those that are equal."""
    parted = np.partition(values, np.union1d(low, high), axis=1)

    def found(ranks: Any) -> Any:
        at_rank = parted[:, ranks[:, 0]].T
        return np.array([np.argmax(values == one[:, None], axis=1) for one in at_rank])

    return found(low), found(high)


def _plan_of_all(values: Array, found: tuple[Any, Any], size: int, kind: Any) -> Plan:
    """Return the plan for rows whose values all count; a NaN among them spoils the result."""
    rows, length = values.shape
    places, slope = (np.reshape(one, (size, 1)) for one in found)
    low = np.floor(places).astype(np.intp)
    high = np.minimum(low + 1, length - 1)
    weight = places - low
    plain = not isbox(values) and not isbox(low)
    few = length < LONG or size > FEW
    order = sorted_places(np.ascontiguousarray(values), 1) if plain and few else None
    if order is not None:  # none of them is NaN
        if rows > 1:
            first = np.arange(rows) * length
            low, high, weight = low + first, high + first, weight + np.zeros(rows)
        order = order.reshape(-1)
        return Plan(order[low], order[high], weight.astype(kind), kind.type(1), slope.astype(kind))
    spoiled = np.isnan(values)
    if isbox(spoiled) or spoiled.any():
        weight = np.where(spoiled.any(1), np.nan, weight)
    first = np.arange(rows) * length if rows > 1 else 0
    if plain and not few:
        below, above = _places_of(values, low, high)
    else:
        order = np.argsort(values, axis=1, kind="stable")
        below, above = (_taken(order, one + first) for one in (low, high))
    if rows > 1:
        below, above, weight = below + first, above + first, weight + np.zeros(rows)
    return Plan(below, above, weight.astype(kind), kind.type(1), slope.astype(kind))


def _weight(plan: Plan, q: Any) -> Array:
    """Return the share of the higher value, traced if q is."""
    if not isbox(q):
        return plan.weight
    return plan.weight + ops.reshape(q - primal(q), (plan.weight.shape[0], 1)) * plan.slope


def _weighted(rows: Array, plan: Plan, q: Any) -> Array:
    lower, higher = _taken(rows, plan.low), _taken(rows, plan.high)
    return (lower + (higher - lower) * _weight(plan, q)) * plan.counted


@helper
def _order_statistic(
    x: Array, q: Any, name: str, axes: tuple[int, ...], options: dict[str, Any]
) -> Array:
    function = getattr(np, name)
    return function(x, **options) if q is None else function(x, q, **options)


def _statistic_vjp_x(ans: Array, x: Array, q: Any, name: str, axes: Any, options: Any) -> Any:
    shape = shape_of(x)
    plan = _plan(ans, x, q, name, axes, options)
    length = math.prod(shape[axis] for axis in axes)

    def vjp(g: Array) -> Array:
        g = ops.reshape(g, plan.low.shape) * plan.counted
        weight = _weight(plan, q)
        both = (g.shape[1], length)
        rows = _spread(g * (1 - weight), plan.low, both)
        rows = rows + _spread(g * weight, plan.high, both)
        return _out_of_rows(rows, shape, axes)

    return vjp


def _statistic_jvp_x(
    t: Array, ans: Array, x: Array, q: Any, name: str, axes: Any, options: Any
) -> Array:
    plan = _plan(ans, x, q, name, axes, options)
    return ops.reshape(_weighted(_in_rows(t, axes), plan, q), shape_of(ans))


def _by_q(ans: Array, x: Array, q: Any, name: str, axes: Any, options: Any) -> Array:
    """Derivative of each result by its q, of shape (q, rows)."""
    plan, rows = _plan(ans, x, q, name, axes, options), _in_rows(x, axes)
    return (_taken(rows, plan.high) - _taken(rows, plan.low)) * plan.slope


def _statistic_vjp_q(ans: Array, x: Array, q: Any, name: str, axes: Any, options: Any) -> Any:
    shape = shape_of(q)

    def vjp(g: Array) -> Array:
        by_q = _by_q(ans, x, q, name, axes, options)
        return ops.reshape(ops.sum(ops.reshape(g, by_q.shape) * by_q, axis=1), shape)

    return vjp


def _statistic_jvp_q(
    t: Array, ans: Array, x: Array, q: Any, name: str, axes: Any, options: Any
) -> Array:
    by_q = _by_q(ans, x, q, name, axes, options)
    return ops.reshape(ops.reshape(t, (by_q.shape[0], 1)) * by_q, shape_of(ans))


defvjp(_order_statistic, _statistic_vjp_x, _statistic_vjp_q)
defjvp(_order_statistic, _statistic_jvp_x, _statistic_jvp_q)


def _statistic(a: Array, q: Any, name: str, axes: tuple[int, ...], options: Any) -> Array:
    """Return an order statistic; of nothing NumPy's error or NaN, which depends on nothing."""
    if not a.size:
        a, q = primal(a), primal(q)
    return _order_statistic(a, q, name, axes, options)


def _median(name: str) -> None:
    def traced(
        a: Array,
        axis: Any = None,
        out: None = None,
        overwrite_input: bool = False,
        keepdims: Any = False,
    ) -> Array:
        if out is not None:
            refuse(name, out=out)
        a = as_value(a)
        options = {"axis": axis, **({"keepdims": keepdims} if is_given(keepdims) else {})}
        return _statistic(a, None, name, normalized_axes(axis, a.ndim), options)

    composite(name)(traced)


def _quantile(name: str) -> None:
    weighted = helper(numpy_function(name), functools.partial(_of_weights, name))

    def traced(
        a: Array,
        q: Array,
        axis: Any = None,
        out: None = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: Any = False,
        *,
        weights: Any = None,
        interpolation: Any = None,
    ) -> Array:
        if out is not None:
            refuse(name, out=out)
        a, q = as_value(a), ops.array(q) if holds_box(q) and not isbox(q) else q
        options = {"axis": axis, "method": method}
        if is_given(keepdims):
            options["keepdims"] = keepdims
        if interpolation is not None:
            options["interpolation"] = interpolation
        axes = normalized_axes(axis, a.ndim)
        if weights is not None:
            return weighted(a, constant(q), weights=constant(weights), **options)
        if name.startswith("nan") and len(shape_of(q)) > 1:
            return _of_table(name, a, as_value(q), axes, options)
        return _statistic(a, q, name, axes, options)

    composite(name)(traced)


def _of_weights(name: str, a: Array, q: Any, **options: Any) -> Array:
    """Return weighted quantiles: the method that takes weights picks a value of the sample."""
    result = getattr(np, name)(primal(a), q, **options)
    rows = _in_rows(a, normalized_axes(options["axis"], a.ndim))
    found = np.reshape(result, (max(math.prod(shape_of(q)), 1), rows.shape[0]))
    places = np.argmax(primal(rows)[None] == found[..., None], axis=-1)
    places = places + np.arange(rows.shape[0]) * rows.shape[1]
    return ops.reshape(_taken(rows, places), shape_of(result))


def _of_table(name: str, a: Array, q: Array, axes: tuple[int, ...], options: Any) -> Array:
    """Return quantiles for a q of two dimensions, whose axes the nan functions mix with a's.

    What goes where NumPy tells for samples that show the number of their row, or of each q.
    """
    function = getattr(np, name)
    places = {key: one for key, one in options.items() if key in ("axis", "keepdims")}
    if not a.size or not q.size or q.ndim > 2:  # nothing, NaN or NumPy's error
        return _order_statistic(primal(a), primal(q), name, axes, options)
    lead = tuple(1 if axis in axes else n for axis, n in enumerate(a.shape))
    rows = np.arange(math.prod(lead), dtype=np.float64).reshape(lead)
    row = np.rint(function(rows, np.zeros(q.shape), **places)).astype(np.intp)
    which = np.zeros_like(row)
    if axes:
        scale = 100.0 if "percentile" in name else 1.0
        numbers = np.linspace(0.0, scale, q.size).reshape(q.shape)
        sample = np.concatenate([np.zeros(lead), np.full(lead, q.size - 1.0)], axes[0])
        which = np.rint(function(sample, numbers, **places)).astype(np.intp)
    flat = _order_statistic(a, ops.ravel(q), name, axes, {**options, "keepdims": False})
    return getitem(ops.reshape(flat, (q.size, rows.size)), (which, row))


for _name in ("median", "nanmedian"):
    _median(_name)
for _name in ("quantile", "percentile", "nanquantile", "nanpercentile"):
    _quantile(_name)
