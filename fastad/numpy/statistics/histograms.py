"""Counts by weights: bincount and the histograms."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..manipulation.joining import _holds_box
from ..registry import (
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
    numpy_function,
    ops,
    plain,
    with_own_errors,
)
from ..values import valued

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
