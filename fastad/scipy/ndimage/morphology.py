"""Grey morphology by flat shapes, and filters in Fourier space, by the image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.ndimage

from ..registry import Array, as_float, shape_of
from .filters import axes_of, each
from .ranks import enter_extremum_along, extremum
from .space import space

# ---- grey morphology -----------------------------------------------------------------------------


class Shape:
    """What is laid at each place: a footprint, how it meets borders, and where its middle is."""

    def __init__(
        self,
        size: Any,
        footprint: Any,
        structure: Any,
        mode: Any,
        cval: Any,
        origin: Any,
        axes: Any,
    ) -> None:
        if structure is not None:
            raise NotImplementedError(
                "scipy.ndimage: grey morphology with structure= has no derivative rule in fastad; "
                "give a flat one, footprint= or size="
            )
        self.size, self.footprint, self.axes = size, footprint, axes
        self.mode, self.cval, self.origin = mode, cval, origin

    def erosion(self, x: Array) -> Array:
        """The least value under the shape."""
        given = (self.size, self.footprint, self.mode, self.cval, self.origin, self.axes)
        return extremum("minimum", x, *given)

    def dilation(self, x: Array) -> Array:
        """The largest value under the shape, turned around."""
        n = len(axes_of(x, self.axes))
        footprint = self.footprint
        if footprint is None:
            lengths = tuple(each(self.size, n))
        else:
            footprint = onp.flip(onp.asarray(footprint, bool))
            lengths = footprint.shape
        starts = [
            -start - (length % 2 == 0) for start, length in zip(each(self.origin, n), lengths)
        ]
        given = (self.size, footprint, self.mode, self.cval, starts, self.axes)
        return extremum("maximum", x, *given)


def _enter(name: str, compute: Callable[[Shape, Array], Array]) -> None:
    @space.derivative_of(name)
    def derivative(
        input: Array,
        size: Any = None,
        footprint: Any = None,
        structure: Any = None,
        output: Any = None,
        mode: Any = "reflect",
        cval: Any = 0.0,
        origin: Any = 0,
        *,
        axes: Any = None,
    ) -> Array:
        shape = Shape(size, footprint, structure, mode, cval, origin, axes)
        return compute(shape, as_float(input))


def _opening(shape: Shape, x: Array) -> Array:
    return shape.dilation(shape.erosion(x))


def _closing(shape: Shape, x: Array) -> Array:
    return shape.erosion(shape.dilation(x))


_enter("grey_erosion", Shape.erosion)
_enter("grey_dilation", Shape.dilation)
_enter("grey_opening", _opening)
_enter("grey_closing", _closing)
_enter("morphological_gradient", lambda shape, x: shape.dilation(x) - shape.erosion(x))
_enter("morphological_laplace", lambda shape, x: shape.dilation(x) + shape.erosion(x) - 2.0 * x)
_enter("white_tophat", lambda shape, x: x - _opening(shape, x))
_enter("black_tophat", lambda shape, x: _closing(shape, x) - x)

enter_extremum_along("maximum_filter1d", "maximum")
enter_extremum_along("minimum_filter1d", "minimum")


# ---- Fourier space -------------------------------------------------------------------------------


def _fourier(name: str) -> None:
    function = getattr(scipy.ndimage, name)

    @space.derivative_of(name)
    def derivative(
        input: Array, size: Any, n: int = -1, axis: int = -1, output: Any = None
    ) -> Array:
        x = as_float(input)
        weights = function(onp.ones(shape_of(x), complex), size, n, axis)
        return x * (weights if onp.any(weights.imag) or x.dtype.kind == "c" else weights.real)


for _name in ("fourier_gaussian", "fourier_uniform", "fourier_shift", "fourier_ellipsoid"):
    _fourier(_name)
