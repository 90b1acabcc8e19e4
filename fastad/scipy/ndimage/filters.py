"""Linear filters, by image, weights and width.

A filter of an image is its boundary laid out, and then products of weights with whole windows.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as onp

from ... import numpy as np
from ..._core import read
from ...numpy.mathematics.lengths import unit_of
from ...numpy.registry import normalized_axis
from ..registry import Array, as_float, primal, shape_of
from ..signal.convolutions import NONE, convolve_value
from ..spatial.space import root
from .space import space

# ndimage's names of what lies beyond the border, and NumPy's.
BORDERS = {
    "reflect": "symmetric",
    "grid-mirror": "symmetric",
    "mirror": "reflect",
    "nearest": "edge",
    "wrap": "wrap",
    "grid-wrap": "wrap",
    "constant": "constant",
    "grid-constant": "constant",
}


def bordered(x: Array, widths: Sequence[tuple[int, int]], mode: str, cval: Any) -> Array:
    """The image with what the mode says beyond its border."""
    if mode not in BORDERS:
        raise RuntimeError("boundary mode not supported")  # SciPy's words
    if all(width == (0, 0) for width in widths):
        return x
    options = {"constant_values": cval} if BORDERS[mode] == "constant" else {}
    return np.pad(x, list(widths), BORDERS[mode], **options)


def reach(size: int, origin: int) -> tuple[int, int]:
    """How far a window reaches before and behind its place."""
    return size // 2 + origin, size - size // 2 - 1 - origin


def each(value: Any, count: int) -> list[Any]:
    """One value for each axis."""
    if isinstance(value, (str, bytes)) or shape_of(value) == ():
        return [value] * count
    return [value[i] for i in range(count)]


def axes_of(x: Array, axes: Any) -> list[int]:
    """The axes that are meant, from the first on."""
    given = range(x.ndim) if axes is None else [axes] if isinstance(axes, int) else axes
    return [normalized_axis(axis, x.ndim) for axis in given]


# ---- products of weights with windows ------------------------------------------------------------


def correlated(
    x: Array, weights: Array, axis: int, mode: str, cval: Any = 0.0, origin: int = 0
) -> Array:
    """Sum of weights[j] x[i + j - size // 2 - origin] along one axis."""
    last = np.moveaxis(x, axis, -1)
    size = shape_of(weights)[0]
    widths = [(0, 0)] * (x.ndim - 1) + [reach(size, origin)]
    padded = bordered(last, widths, mode, cval)
    flat = np.reshape(padded, (-1, shape_of(padded)[-1]))
    result = convolve_value(flat, weights[None, ::-1], None, NONE, "valid", "direct")
    return np.moveaxis(np.reshape(result, shape_of(last)), -1, axis)


def _one_axis(name: str, flip: bool) -> None:
    def derivative(
        input: Array,
        weights: Array,
        axis: int = -1,
        output: Any = None,
        mode: str = "reflect",
        cval: Any = 0.0,
        origin: int = 0,
    ) -> Array:
        x, weights = as_float(input), as_float(weights)
        if flip:
            # An even window has its place the other way round.
            origin = -origin - (1 if shape_of(weights)[0] % 2 == 0 else 0)
            weights = weights[::-1]
        return correlated(x, weights, normalized_axis(axis, x.ndim), mode, cval, origin)

    space.derivative_of(name)(derivative)


_one_axis("correlate1d", False)
_one_axis("convolve1d", True)


def _windows(
    x: Array, weights: Array, mode: str, cval: Any, origins: Sequence[int], axes: Sequence[int]
) -> Array:
    widths = [(0, 0)] * x.ndim
    for axis, size, origin in zip(axes, shape_of(weights), origins):
        widths[axis] = reach(size, origin)
    padded = bordered(x, widths, mode, cval)
    shape = [1] * x.ndim
    for axis, size in zip(axes, shape_of(weights)):
        shape[axis] = size
    order = onp.argsort(axes)
    kernel = np.reshape(np.transpose(weights, tuple(int(i) for i in order)), shape)
    kernel = kernel[tuple(slice(None, None, -1) for _ in shape)]
    return convolve_value(padded, kernel, None, NONE, "valid", "direct")


def _several_axes(name: str, flip: bool) -> None:
    def derivative(
        input: Array,
        weights: Array,
        output: Any = None,
        mode: str = "reflect",
        cval: Any = 0.0,
        origin: Any = 0,
        *,
        axes: Any = None,
    ) -> Array:
        x, weights = as_float(input), as_float(weights)
        along = axes_of(x, axes)
        origins = each(origin, len(along))
        if flip:
            sizes = shape_of(weights)
            origins = [-o - (1 if size % 2 == 0 else 0) for o, size in zip(origins, sizes)]
            weights = weights[tuple(slice(None, None, -1) for _ in sizes)]
        return _windows(x, weights, mode, cval, origins, along)

    space.derivative_of(name)(derivative)


_several_axes("correlate", False)
_several_axes("convolve", True)

# ---- smoothing -----------------------------------------------------------------------------------


def _gaussian(sigma: Array, order: int, radius: int) -> Array:
    """Weights of a Gaussian of this width, or of its derivative, whose sum was one.

    The derivative of q(x) exp(-x^2 / (2 s^2)) is that of q, less x q / s^2; q is kept as its
    coefficients, the lowest first.
    """
    x = onp.arange(-radius, radius + 1.0)
    rate = 1.0 / (sigma * sigma)
    weights = np.exp(-0.5 * rate * x * x)
    weights = weights / np.sum(weights)
    q: list[Array] = [1.0]
    for _ in range(order):
        slope = [(i + 1) * q[i + 1] for i in range(len(q) - 1)] + [0.0, 0.0]
        lost = [0.0] + [rate * c for c in q]
        q = [slope[i] - lost[i] for i in range(len(lost))]
    polynomial: Array = 0.0
    for i, c in enumerate(q):
        polynomial = polynomial + c * x**i
    # SciPy's filter is a convolution.
    return (polynomial * weights)[::-1]


def _radius(sigma: Array, truncate: float, radius: Any) -> int:
    if radius is not None:
        return int(radius)
    # In a program this is a branch.
    return int(read(np.asarray(np.floor(truncate * primal(sigma) + 0.5)).astype(int), "index"))


@space.derivative_of("gaussian_filter1d")
def gaussian_filter1d(
    input: Array,
    sigma: Array,
    axis: int = -1,
    order: int = 0,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    truncate: float = 4.0,
    *,
    radius: Any = None,
) -> Array:
    """Smooth along one axis; by image and sigma (of a fixed radius)."""
    x = as_float(input)
    weights = _gaussian(as_float(sigma), order, _radius(sigma, truncate, radius))
    return correlated(x, weights, normalized_axis(axis, x.ndim), mode, cval)


NEGLIGIBLE = 1e-15  # a sigma up to which SciPy leaves an axis alone


@space.derivative_of("gaussian_filter")
def gaussian_filter(
    input: Array,
    sigma: Array,
    order: Any = 0,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    truncate: float = 4.0,
    *,
    radius: Any = None,
    axes: Any = None,
) -> Array:
    """Smooth along each axis in turn; by image and sigma (of a fixed radius)."""
    x = as_float(input)
    along = axes_of(x, axes)
    n = len(along)
    parts = (each(part, n) for part in (sigma, order, mode, radius))
    for axis, width, degree, border, far in zip(along, *parts):
        if primal(width) > NEGLIGIBLE:
            weights = _gaussian(as_float(width), degree, _radius(width, truncate, far))
            x = correlated(x, weights, axis, border, cval)
    return x


@space.derivative_of("uniform_filter1d")
def uniform_filter1d(
    input: Array,
    size: int,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: int = 0,
) -> Array:
    """Means of windows along one axis."""
    x = as_float(input)
    weights = onp.full(size, 1.0 / size)
    return correlated(x, weights, normalized_axis(axis, x.ndim), mode, cval, origin)


@space.derivative_of("uniform_filter")
def uniform_filter(
    input: Array,
    size: Any = 3,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Array:
    """Means of windows along each axis in turn."""
    x = as_float(input)
    along = axes_of(x, axes)
    n = len(along)
    parts = (each(part, n) for part in (size, mode, origin))
    for axis, length, border, start in zip(along, *parts):
        if length > 1:
            x = correlated(x, onp.full(length, 1.0 / length), axis, border, cval, start)
    return x


# ---- slopes --------------------------------------------------------------------------------------

DIFFERENCE = onp.array([-1.0, 0.0, 1.0])
SMOOTHING = {"sobel": onp.array([1.0, 2.0, 1.0]), "prewitt": onp.array([1.0, 1.0, 1.0])}


def _enter_slope(name: str) -> None:
    def derivative(
        input: Array, axis: int = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0
    ) -> Array:
        x = as_float(input)
        axis = normalized_axis(axis, x.ndim)
        modes = each(mode, x.ndim)
        x = correlated(x, DIFFERENCE, axis, modes[axis], cval)
        for other in range(x.ndim):
            if other != axis:
                x = correlated(x, SMOOTHING[name], other, modes[other], cval)
        return x

    space.derivative_of(name)(derivative)


_enter_slope("sobel")
_enter_slope("prewitt")


@space.derivative_of("laplace")
def laplace(
    input: Array, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *, axes: Any = None
) -> Array:
    """Sum of second differences."""
    x = as_float(input)
    along = axes_of(x, axes)
    second = onp.array([1.0, -2.0, 1.0])
    parts = [correlated(x, second, axis, m, cval) for axis, m in zip(along, each(mode, len(along)))]
    return sum(parts[1:], parts[0])


def _smoothed_slopes(x: Array, sigma: Array, degree: int, mode: Any, cval: Any, axes: Any) -> Any:
    """The Gaussian's derivative of this degree along each axis in turn."""
    along = axes_of(x, axes)
    for i in range(len(along)):
        order = [degree if i == j else 0 for j in range(len(along))]
        given = {} if axes is None else {"axes": along}
        yield gaussian_filter(x, sigma, order, None, mode, cval, **given)


@space.derivative_of("gaussian_laplace")
def gaussian_laplace(
    input: Array,
    sigma: Array,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    *,
    axes: Any = None,
) -> Array:
    """Sum of the Gaussian's second derivatives."""
    parts = list(_smoothed_slopes(as_float(input), sigma, 2, mode, cval, axes))
    return sum(parts[1:], parts[0])


@space.derivative_of("gaussian_gradient_magnitude")
def gaussian_gradient_magnitude(
    input: Array,
    sigma: Array,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    *,
    axes: Any = None,
) -> Array:
    """Length of the gradient by the Gaussian's derivatives; its slope counts as zero at zero."""
    parts = list(_smoothed_slopes(as_float(input), sigma, 1, mode, cval, axes))
    size = unit_of(functools.reduce(onp.maximum, [np.abs(primal(part)) for part in parts]))
    return size * root(sum((part / size) ** 2 for part in parts))
