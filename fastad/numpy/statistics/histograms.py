"""Counts by weights: bincount and the histograms."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..registry import (
    Array,
    as_value,
    composite,
    count_of,
    defjvp,
    defvjp,
    getitem,
    helper,
    is_differentiated,
    numpy_function,
    ops,
    primal,
    space,
    with_own_errors,
)

# ---- bincount ------------------------------------------------------------------------------------


@helper
def _bincount(weights: Array, places: np.ndarray[Any, Any], least: int) -> Array:
    return np.bincount(places, weights, least)


defvjp(_bincount, lambda ans, weights, places, least: lambda g: getitem(g, places))
defjvp(_bincount, lambda t, ans, weights, places, least: _bincount(t, places, least))


_counts = count_of(numpy_function("bincount"))


@composite("bincount")
def bincount(x: Any, /, weights: Array | None = None, minlength: int = 0) -> Array:
    """Sum (traced) weights by the whole numbers x."""
    if is_differentiated(x):
        raise TypeError(
            "numpy.bincount counts whole numbers, which have no derivative: fastad differentiates "
            "it by the weights; use fastad.getval of the numbers"
        )
    if weights is None:
        return _counts(x, None, minlength)
    return _bincount(as_value(weights), as_value(x), minlength)


# ---- histograms ----------------------------------------------------------------------------------


def _by_weights(name: str) -> Callable[[Callable[..., Any]], None]:
    """Make the decorated function what a histogram is differentiated as, by its weights alone.

    It counts, so it stands among the functions without derivative and not in the table.
    """

    def register(derivative: Callable[..., Any]) -> None:
        function = numpy_function(name)

        def flat(*args: Any, **kwargs: Any) -> Any:
            counts, *edges = function(*args, **kwargs)
            return (counts, *edges[0]) if name == "histogramdd" else (counts, *edges)

        node = helper(flat, derivative)
        form = inspect.signature(derivative)

        def answer(*args: Any, **kwargs: Any) -> Any:
            given = form.bind_partial(*args, **kwargs).arguments
            if any(_is_traced(one) for key, one in given.items() if key != "weights"):
                raise TypeError(
                    f"numpy.{name} counts values, which has no derivative: fastad differentiates "
                    "it by the weights; use fastad.getval of the values and bins"
                )
            counts, *edges = node(*args, **kwargs)
            return (counts, edges) if name == "histogramdd" else (counts, *edges)

        space.make_beside(name, function, with_own_errors(answer, function))

    return register


def _is_traced(x: Any) -> bool:
    return any(map(_is_traced, x)) if isinstance(x, (list, tuple)) else is_differentiated(x)


def _filled(columns: Sequence[Any], edges: Sequence[Any], weights: Any, density: Any) -> Array:
    """Return the sums of the weights in bins between edges."""
    counts = [len(one) - 1 for one in edges]
    bins: Any = 0
    inside: Any = True
    for column, edge, count in zip(columns, edges, counts, strict=True):
        place = np.searchsorted(edge, column, "right") - 1
        bins = bins * count + np.clip(place, 0, count - 1)  # the last bin has its upper edge
        inside = inside & (column >= edge[0]) & (column <= edge[-1])
    chosen, least = np.flatnonzero(inside), math.prod(counts)
    weights, bins = (getitem(one, chosen) for one in (ops.ravel(as_value(weights)), bins))
    if weights.dtype.kind == "c":
        real, imag = (_bincount(part(weights), bins, least) for part in (ops.real, ops.imag))
        sums = real + 1j * imag
    else:
        sums = _bincount(weights, bins, least)
    sums = ops.reshape(sums, tuple(counts))
    if density:
        total = ops.sum(sums)
        for width in np.ix_(*map(np.diff, edges)):
            sums = sums / width
        sums = sums / total
    return sums


@_by_weights("histogram")
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """Sums of the (traced) weights in bins, and the edges of the bins."""
    _, edges = np.histogram(a, bins, range, density, primal(weights))
    return _filled([np.ravel(a)], [edges], weights, density), edges


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
    _, *edges = np.histogram2d(x, y, bins, range, density, primal(weights))
    return _filled([as_value(x), as_value(y)], edges, weights, density), *edges


@_by_weights("histogramdd")
def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """Sums of the (traced) weights in bins of several coordinates, and the edges of the bins."""
    _, edges = np.histogramdd(sample, bins, range, density, primal(weights))
    columns = sample.T if getattr(sample, "ndim", 0) == 2 else np.atleast_2d(sample)
    return _filled([*columns], edges, weights, density), *edges
