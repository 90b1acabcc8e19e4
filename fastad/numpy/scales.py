"""Samples on a logarithmic scale, functions applied along axes, bincount and histograms."""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .joining import _holds_box
from .registry import (
    Array,
    Primitive,
    as_value,
    by_function,
    cast,
    composite,
    defjvp,
    defvjp,
    helper,
    isbox,
    named,
    normalized_axis,
    numpy_function,
    ops,
    plain,
    with_own_errors,
)
from .values import valued

# ---- logspace and geomspace ----------------------------------------------------------------------


@composite("logspace")
def logspace(
    start: Array,
    stop: Array,
    num: int = 50,
    endpoint: bool = True,
    base: Array = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Array:
    """Powers of a (traced) base with evenly spaced exponents."""
    value = np.logspace(plain(start), plain(stop), num, endpoint, plain(base), dtype, axis)
    start, stop, base = as_value(start), as_value(stop), as_value(base)
    if base.ndim:
        shape = np.broadcast_shapes(start.shape, stop.shape, base.shape)
        start, stop, base = (ops.broadcast_to(one, shape) for one in (start, stop, base))
        base = ops.expand_dims(base, axis)
    samples = ops.linspace(start, stop, num, endpoint, axis=axis)
    return valued(cast(ops.power(base, samples), value.dtype), value)


@composite("geomspace")
def geomspace(
    start: Array,
    stop: Array,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Array:
    """Samples of constant ratio from a (traced) start to a (traced) stop."""
    value = np.geomspace(plain(start), plain(stop), num, endpoint, dtype, axis)
    num = operator.index(num)
    start, stop = as_value(start) * 1.0, as_value(stop) * 1.0
    shape = np.broadcast_shapes(start.shape, stop.shape)
    start, stop = ops.broadcast_to(start, shape), ops.broadcast_to(stop, shape)
    axis = normalized_axis(axis, value.ndim)
    fractions = np.linspace(0.0, 1.0, num, endpoint)
    fractions = fractions.reshape([-1 if i == axis else 1 for i in range(value.ndim)])
    ratio = ops.expand_dims(ops.log(stop / start), axis)
    samples = ops.expand_dims(start, axis) * ops.exp(fractions * ratio)
    return valued(cast(samples, value.dtype), value)


# ---- arange --------------------------------------------------------------------------------------


def _progression(*bounds: Any, **named: Any) -> tuple[Any, Any]:
    """Start and step of arange's arguments; the stop only decides how many values there are."""
    names = ("start", "stop", "step") if len(bounds) > 1 or "stop" in named else ("stop", "step")
    given = {**dict(zip(names, bounds, strict=False)), **named}
    if "stop" not in given and "start" in given:  # arange(start=n) counts up to n
        given["stop"] = given.pop("start")
    start, step = given.get("start"), given.get("step")
    return 0 if start is None else start, 1 if step is None else step


@composite("arange")
def arange(*bounds: Any, dtype: Any = None, like: None = None, **named: Any) -> Array:
    """Values start + k step, by a (traced) start and step; their number is that of NumPy's call."""
    places: list[Any] = list(bounds)
    if len(places) == 4:
        dtype = places.pop()
    numbers: Any = [plain(one) for one in places]
    by_name: Any = {name: plain(one) for name, one in named.items()}
    value = np.arange(*numbers, dtype=dtype, **by_name)
    named.pop("device", None)
    start, step = _progression(*places, **named)
    if not (isbox(start) or isbox(step)) or value.dtype.kind not in "fc":
        return value
    samples = as_value(start) + as_value(step) * np.arange(len(value))
    return valued(cast(samples, value.dtype), value)


# ---- functions along axes ------------------------------------------------------------------------


@composite("apply_along_axis")
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Array, *args: Any, **kwargs: Any
) -> Array:
    """Apply a function to each line along an axis, and stack what it returns."""
    arr = as_value(arr)
    axis = normalized_axis(axis, arr.ndim)
    lines = ops.moveaxis(arr, axis, -1)
    lead = lines.shape[:-1]
    if not np.prod(lead, dtype=int):
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    results = [as_value(func1d(lines[place], *args, **kwargs)) for place in np.ndindex(*lead)]
    shape = results[0].shape
    stacked = ops.reshape(ops.stack(results), lead + shape)
    last = tuple(range(len(lead), len(lead) + len(shape)))
    return ops.moveaxis(stacked, last, tuple(range(axis, axis + len(shape))))


@composite("apply_over_axes")
def apply_over_axes(func: Callable[..., Any], a: Array, axes: Any) -> Array:
    """Apply a function of an array and an axis repeatedly, over several axes."""
    result = as_value(a)
    ndim = result.ndim
    for axis in np.atleast_1d(axes):
        axis = normalized_axis(int(axis), ndim)
        changed = as_value(func(result, axis))
        if changed.ndim != result.ndim:
            changed = ops.expand_dims(changed, axis)
        if changed.ndim != result.ndim:
            raise ValueError("function is not returning an array of the correct shape")
        result = changed
    return result


# ---- bincount ------------------------------------------------------------------------------------


@helper
def _bincount(weights: Array, places: np.ndarray[Any, Any], least: int) -> Array:
    return np.bincount(places, weights, least)


defvjp(_bincount, lambda ans, weights, places, least: lambda g: g[places])
defjvp(_bincount, lambda t, ans, weights, places, least: _bincount(t, places, least))


@composite("bincount")
def bincount(x: Any, /, weights: Array | None = None, minlength: int = 0) -> Array:
    """Sum (traced) weights by the whole numbers x."""
    if isbox(x) or weights is None:
        raise TypeError(
            "numpy.bincount counts whole numbers, which have no derivative: fastad differentiates "
            "it by the weights; use fastad.getval of the numbers"
        )
    return _bincount(as_value(weights), np.asarray(plain(x)), minlength)


# ---- histograms ----------------------------------------------------------------------------------


def _by_weights(name: str) -> Callable[[Callable[..., Any]], None]:
    """Let NumPy's function of this name take traced weights; anything else traced is refused.

    It counts, so it stands among the functions without derivative and not in the table.
    """

    def register(traced: Callable[..., Any]) -> None:
        def answer(*args: Any, **kwargs: Any) -> Any:
            given = inspect.signature(traced).bind_partial(*args, **kwargs).arguments
            if any(_holds_box(one) for key, one in given.items() if key != "weights"):
                raise TypeError(
                    f"numpy.{name} counts values, which has no derivative: fastad differentiates "
                    "it by the weights; use fastad.getval of the values and bins"
                )
            return traced(*args, **kwargs)

        function = numpy_function(name)
        primitive = Primitive(function, name, traced=with_own_errors(answer, function))
        by_function[function] = named(primitive, function)

    return register


def _filled(
    columns: Sequence[Any], edges: Sequence[Any], weights: Any, density: Any, value: Any
) -> Array:
    """Return NumPy's histogram with the derivative of the sums of the weights in its bins."""
    counts = [len(one) - 1 for one in edges]
    bins = np.zeros(np.shape(columns[0]), np.intp)
    inside = np.ones(bins.shape, bool)
    for column, edge, count in zip(columns, edges, counts, strict=True):
        place = np.searchsorted(edge, column, "right") - 1
        bins = bins * count + np.clip(place, 0, count - 1)  # the last bin has its upper edge
        inside &= (column >= edge[0]) & (column <= edge[-1])
    weights, least = ops.ravel(as_value(weights))[np.flatnonzero(inside)], math.prod(counts)
    bins = bins[inside]
    if weights.dtype.kind == "c":
        real, imag = (_bincount(part(weights), bins, least) for part in (ops.real, ops.imag))
        sums = real + 1j * imag
    else:
        sums = _bincount(weights, bins, least)
    sums = ops.reshape(sums, value.shape)
    if density:
        total = ops.sum(sums)
        for width in np.ix_(*map(np.diff, edges)):
            sums = sums / width
        sums = sums / total
    return valued(cast(sums, value.dtype), value)


@_by_weights("histogram")
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """Sums of the (traced) weights in bins, and the edges of the bins."""
    value, edges = np.histogram(a, bins, range, density, plain(weights))
    return _filled([np.ravel(a)], [edges], weights, density, value), edges


@_by_weights("histogram2d")
def histogram2d(
    x: Any,
    y: Any,
    bins: Any = 10,
    range: Any = None,
    density: Any = None,
    weights: Any = None,
) -> Any:
    """Sums of the (traced) weights in bins of two coordinates, and the edges of the bins."""
    value, *edges = np.histogram2d(x, y, bins, range, density, plain(weights))
    columns = [np.asarray(x), np.asarray(y)]
    return _filled(columns, edges, weights, density, value), *edges


@_by_weights("histogramdd")
def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """Sums of the (traced) weights in bins of several coordinates, and the edges of the bins."""
    value, edges = np.histogramdd(sample, bins, range, density, plain(weights))
    columns = sample.T if getattr(sample, "ndim", 0) == 2 else np.atleast_2d(sample)
    return _filled([*columns], edges, weights, density, value), edges
