"""Extrema and ranks in windows, by the image: the value that the window's order chooses."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as onp

from ... import numpy as np
from ..registry import Array, as_float, primal, shape_of
from .filters import axes_of, bordered, each, reach
from .space import space


def _neighbours(
    x: Array, size: Any, footprint: Any, mode: Any, cval: Any, origin: Any, axes: Any
) -> Array:
    """The values in each place's window, along a new first axis."""
    along = axes_of(x, axes)
    n = len(along)
    chosen = onp.ones(each(size, n), bool) if footprint is None else onp.asarray(footprint, bool)
    if chosen.ndim != n:
        raise RuntimeError("footprint array has incorrect shape.")  # SciPy's words
    widths = [(0, 0)] * x.ndim
    modes = each(mode, n)
    padded, lengths = x, shape_of(x)
    for axis, length, start, border in zip(along, chosen.shape, each(origin, n), modes):
        widths = [(0, 0)] * x.ndim
        widths[axis] = reach(length, start)
        padded = bordered(padded, widths, border, cval)
    parts = []
    for place in itertools.product(*map(range, chosen.shape)):
        if chosen[place]:
            index = [slice(None)] * x.ndim
            for axis, first in zip(along, place):
                index[axis] = slice(first, first + lengths[axis])
            parts.append(padded[tuple(index)])
    return np.stack(parts)


def _taken(windows: Array, place: Callable[[Any], Any]) -> Array:
    """The value of each window at the place that its plain values choose."""
    return np.take_along_axis(windows, place(primal(windows))[None], axis=0)[0]


_EXTREMA = {"maximum": lambda x: np.argmax(x, axis=0), "minimum": lambda x: np.argmin(x, axis=0)}


def extremum(
    kind: str,
    x: Array,
    size: Any,
    footprint: Any,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    axes: Any = None,
) -> Array:
    """The largest ("maximum") or least ("minimum") value of each window."""
    windows = _neighbours(as_float(x), size, footprint, mode, cval, origin, axes)
    return _taken(windows, _EXTREMA[kind])


def _enter_extremum(name: str, kind: str) -> None:
    def derivative(
        input: Array,
        size: Any = None,
        footprint: Any = None,
        output: Any = None,
        mode: Any = "reflect",
        cval: Any = 0.0,
        origin: Any = 0,
        *,
        axes: Any = None,
    ) -> Array:
        return extremum(kind, input, size, footprint, mode, cval, origin, axes)

    space.derivative_of(name)(derivative)


def enter_extremum_along(name: str, kind: str) -> None:
    """Enter the function of windows along one axis."""

    def derivative(
        input: Array,
        size: int,
        axis: int = -1,
        output: Any = None,
        mode: Any = "reflect",
        cval: Any = 0.0,
        origin: Any = 0,
    ) -> Array:
        return extremum(kind, input, size, None, mode, cval, origin, (axis,))

    space.derivative_of(name)(derivative)


_enter_extremum("maximum_filter", "maximum")
_enter_extremum("minimum_filter", "minimum")


def _ranked(rank: int) -> Callable[[Any], Any]:
    return lambda x: np.argsort(x, axis=0, kind="stable")[rank]


@space.derivative_of("median_filter")
def median_filter(
    input: Array,
    size: Any = None,
    footprint: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Array:
    """The middle value of each window."""
    windows = _neighbours(as_float(input), size, footprint, mode, cval, origin, axes)
    return _taken(windows, _ranked(shape_of(windows)[0] // 2))


@space.derivative_of("rank_filter")
def rank_filter(
    input: Array,
    rank: int,
    size: Any = None,
    footprint: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Array:
    """The value of this rank in each window."""
    windows = _neighbours(as_float(input), size, footprint, mode, cval, origin, axes)
    return _taken(windows, _ranked(rank))


@space.derivative_of("percentile_filter")
def percentile_filter(
    input: Array,
    percentile: float,
    size: Any = None,
    footprint: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Array:
    """The value at this percentile of each window."""
    windows = _neighbours(as_float(input), size, footprint, mode, cval, origin, axes)
    count = shape_of(windows)[0]
    share = percentile + 100.0 if percentile < 0 else percentile
    rank = count - 1 if share == 100.0 else int(float(count) * share / 100.0)
    return _taken(windows, _ranked(rank))
