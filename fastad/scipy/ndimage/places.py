"""Images between their places: map_coordinates and what is made of it, by image and coordinates.

An image is a sum of B-splines, c_j B(x - j), whose coefficients c are a linear filter of it
(M. Unser, A. Aldroubi and M. Eden, B-spline signal processing, 1993).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as onp
import scipy.ndimage

from ... import numpy as np
from ...numpy.registry import getitem, normalized_axis
from ..registry import Array, as_float, defjvp, defvjp, helper, is_traced, primal, shape_of
from ..special import cosdg, sindg
from .filters import each
from .space import space

# ---- coefficients --------------------------------------------------------------------------------

AS_MIRROR = ("mirror", "constant", "wrap", "grid-constant")


@helper
def coefficients(x: Any, order: int, mode: str) -> Any:
    """SciPy's coefficients along the last axis."""
    return scipy.ndimage.spline_filter1d(x, order, -1, mode=mode)


SHORT = 32  # places up to which the recursion's start, where it is cut off, can be seen


@functools.lru_cache(maxsize=64)
def _matrix(n: int, order: int, mode: str) -> Any:
    return coefficients(onp.eye(n), order, mode)


def _transposed(g: Array, order: int, mode: str) -> Array:
    """The matrix of the splines' values is symmetric; mirrored, once its ends count half."""
    if shape_of(g)[-1] <= SHORT:
        return np.matmul(g, _matrix(shape_of(g)[-1], order, mode).T)
    if mode not in AS_MIRROR:
        return coefficients(g, order, mode)
    weights = onp.ones(shape_of(g)[-1])
    weights[0] = weights[-1] = 0.5
    return coefficients(g / weights, order, mode) * weights


defvjp(coefficients, lambda ans, x, order, mode: lambda g: _transposed(g, order, mode))
defjvp(coefficients, "same")


def _filtered(x: Array, order: int, mode: str, axes: Sequence[int]) -> Array:
    if order < 2:
        return x
    for axis in axes:
        if shape_of(x)[axis] > 1:
            x = np.moveaxis(coefficients(np.moveaxis(x, axis, -1), order, mode), -1, axis)
    return x


@space.derivative_of("spline_filter1d")
def spline_filter1d(
    input: Array, order: int = 3, axis: int = -1, output: Any = float, mode: str = "mirror"
) -> Array:
    """Coefficients of the splines that interpolate, along one axis."""
    x = as_float(input)
    return _filtered(x, order, mode, [normalized_axis(axis, x.ndim)])


@space.derivative_of("spline_filter")
def spline_filter(input: Array, order: int = 3, output: Any = float, mode: str = "mirror") -> Array:
    """Coefficients of the splines that interpolate, along all axes."""
    x = as_float(input)
    return _filtered(x, order, mode, range(x.ndim))


# ---- where a coordinate leads --------------------------------------------------------------------


def _mapped(x: Array, n: int, mode: str) -> tuple[Array, Any]:
    """A coordinate as one inside the image, and where it is outside for good (None: nowhere).

    `x` is traced; how often it is turned or mirrored is read off its value.
    """
    plain = primal(x)
    if mode == "constant":
        outside = (plain < 0) | (plain > n - 1)
        return np.where(outside, 0.0, x), outside
    if mode in ("grid-constant", "nearest"):  # of which the coefficients are mapped, not this
        return x, None
    if n == 1:
        return 0.0 * x, None
    if mode in ("wrap", "grid-wrap"):
        period = n - 1.0 if mode == "wrap" else float(n)
        beyond = (plain < 0) | (plain > period if mode == "wrap" else plain >= period)
        turns = np.floor(plain / period)
        if mode == "wrap":  # a whole number of periods below the first place is the last one
            turns = np.where(plain < 0, -1.0 - np.trunc(-plain / period), turns)
        return x - period * np.where(beyond, turns, 0.0), None
    shift = 0.0 if mode == "mirror" else 0.5
    period = 2.0 * (n - 1) if mode == "mirror" else 2.0 * n
    turned = plain + shift - period * np.floor((plain + shift) / period)
    back = turned > period / 2
    if mode == "mirror":  # between the last place and the next SciPy mirrors what is read, later
        back = back & ((plain < 0) | (turned >= n))
    inside = x - period * np.floor((plain + shift) / period)
    return np.where(back, period - 2 * shift - inside, inside), None


def _mapped_place(i: Any, n: int, mode: str) -> Any:
    """The place of a coefficient; -1 where it is the constant."""
    if mode == "grid-constant":
        return onp.where((i < 0) | (i > n - 1), -1, i)
    if n == 1:
        return 0 * i
    if mode == "nearest":
        return onp.clip(i, 0, n - 1)
    if mode == "grid-wrap":
        return i % n
    if mode in ("reflect", "grid-mirror"):
        i = i % (2 * n)
        return onp.where(i >= n, 2 * n - 1 - i, i)
    i = i % (2 * (n - 1))
    return onp.where(i > n - 1, 2 * (n - 1) - i, i)


def _weights(t: Array, order: int) -> list[Array]:
    """The splines of equal steps that are not zero, at a share t of the way from knot to knot."""
    weights: list[Array] = [t * 0.0 + 1.0]
    for n in range(1, order + 1):
        rising = [0.0, *((t + n - j) / n * weights[j - 1] for j in range(1, n + 1))]
        falling = [*((1 - t + j) / n * weights[j] for j in range(n)), 0.0]
        weights = [up + down for up, down in zip(rising, falling)]
    return weights


BEYOND = 12  # places by which SciPy lays out a border that no recursion starts from


def _laid_out(x: Array, count: int, mode: str, cval: Any, order: int, prefilter: bool) -> Any:
    """The coefficients along the first axes, and by how much they reach beyond the image."""
    if not prefilter or order < 2:
        return x, 0
    beyond = BEYOND if mode in ("nearest", "grid-constant") else 0
    if beyond:
        widths = [(beyond, beyond)] * count + [(0, 0)] * (x.ndim - count)
        if mode == "nearest":
            x = np.pad(x, widths, "edge")
        else:
            x = np.pad(x, widths, "constant", constant_values=cval)
    return _filtered(x, order, mode, range(count)), beyond


def sampled(
    x: Array, at: Sequence[Array], order: int, mode: str, cval: Any, prefilter: bool
) -> Array:
    """The image at coordinates along its first axes, arrays of one shape; the rest stays."""
    c, beyond = _laid_out(x, len(at), mode, cval, order, prefilter)
    shape = onp.broadcast_shapes(*map(shape_of, at))
    lead = (-1,) + (1,) * (c.ndim - len(at))
    places: list[list[Any]] = []
    shares: list[list[Array]] = []
    lost: Any = None
    for axis, coordinate in enumerate(at):
        n = shape_of(c)[axis]
        inside, outside = _mapped(np.ravel(coordinate) + beyond, n, mode)
        if outside is not None:
            lost = outside if lost is None else lost | outside
        knot = 0.0 if order % 2 else 0.5
        floor = np.floor(primal(inside) + knot)
        first = np.asarray(floor).astype(int) - order // 2
        places.append([_mapped_place(first + j, n, mode) for j in range(order + 1)])
        weights = _weights(inside + knot - floor, order)
        shares.append([np.reshape(weight, lead) for weight in weights])
    total: Array = 0.0
    for choice in itertools.product(range(order + 1), repeat=len(at)):
        index = tuple(places[axis][j] for axis, j in enumerate(choice))
        part = getitem(c, index)
        if mode == "grid-constant":
            absent = _any_of([place < 0 for place in index])
            part = np.where(np.reshape(absent, lead), cval, part)
        for axis, j in enumerate(choice):
            part = part * shares[axis][j]
        total = total + part
    if lost is not None:
        total = np.where(np.reshape(lost, lead), cval, total)
    return np.reshape(total, (*shape, *shape_of(total)[1:]))


def _any_of(masks: Sequence[Any]) -> Any:
    """Where one of some masks holds."""
    found = masks[0]
    for mask in masks[1:]:
        found = found | mask
    return found


# ---- SciPy's functions ---------------------------------------------------------------------------


@space.derivative_of("map_coordinates")
def map_coordinates(
    input: Array,
    coordinates: Array,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: Any = 0.0,
    prefilter: bool = True,
) -> Array:
    """The image at coordinates; by both."""
    x, at = as_float(input), as_float(coordinates)
    return sampled(x, [at[i] for i in range(x.ndim)], order, mode, cval, prefilter)


def _grid(shape: Sequence[int]) -> Any:
    return onp.indices(shape, float)


@space.derivative_of("shift")
def shift(
    input: Array,
    shift: Any,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: Any = 0.0,
    prefilter: bool = True,
) -> Array:
    """The image moved; by image and shift."""
    x = as_float(input)
    at = [grid - s for grid, s in zip(_grid(shape_of(x)), each(shift, x.ndim))]
    return sampled(x, at, order, mode, cval, prefilter)


@space.derivative_of("zoom")
def zoom(
    input: Array,
    zoom: Any,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: Any = 0.0,
    prefilter: bool = True,
    *,
    grid_mode: bool = False,
) -> Array:
    """The image in another size, a whole number of places: by the image alone."""
    x = as_float(input)
    lengths = shape_of(x)
    sizes = [round(n * float(primal(z))) for n, z in zip(lengths, each(zoom, x.ndim))]
    if prefilter and sizes == list(lengths):  # SciPy copies the image
        return x + 0.0
    grid = _grid(sizes)
    at = []
    for one, n, size in zip(grid, lengths, sizes):
        if grid_mode:
            at.append((one + 0.5) * (n / size) - 0.5)
        else:
            at.append(one * ((n - 1) / (size - 1) if size > 1 else 1.0))
    return sampled(x, at, order, mode, cval, prefilter)


def _affine(matrix: Array, offset: Any, grid: Any) -> list[Array]:
    """Coordinates of the places of a grid, added in SciPy's order."""
    d = len(grid)
    offsets = each(offset, d)
    if len(shape_of(matrix)) == 1:
        return [(grid[i] + offsets[i] / matrix[i]) * matrix[i] for i in range(d)]
    if shape_of(matrix)[1] == d + 1:
        offsets = [matrix[i, d] for i in range(d)]
    return [sum((matrix[i, j] * grid[j] for j in range(d)), offsets[i]) for i in range(d)]


@space.derivative_of("affine_transform")
def affine_transform(
    input: Array,
    matrix: Array,
    offset: Any = 0.0,
    output_shape: Any = None,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: Any = 0.0,
    prefilter: bool = True,
) -> Array:
    """The image at matrix times place plus offset; by image, matrix and offset."""
    x, matrix = as_float(input), as_float(matrix)
    if output_shape is None:
        output_shape = output.shape if isinstance(output, onp.ndarray) else shape_of(x)
    at = _affine(matrix, offset, _grid(tuple(output_shape)))
    return sampled(x, at, order, mode, cval, prefilter)


@space.derivative_of("rotate")
def rotate(
    input: Array,
    angle: Array,
    axes: Sequence[int] = (1, 0),
    reshape: bool = True,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: Any = 0.0,
    prefilter: bool = True,
) -> Array:
    """The image turned by an angle in degrees; by both, the angle where `reshape` is false."""
    x = as_float(input)
    if reshape and is_traced(angle):
        raise NotImplementedError(
            "scipy.ndimage.rotate: by the angle only reshape=False has a derivative rule in "
            "fastad; otherwise the size of the result depends on it"
        )
    first, second = sorted(normalized_axis(axis, x.ndim) for axis in axes)
    # Step by step as SciPy: at the image's edge a place that is off by rounding lies outside.
    c, s = cosdg(as_float(angle)), sindg(as_float(angle))
    matrix = np.array([[c, s], [-s, c]])
    plane = onp.array([shape_of(x)[first], shape_of(x)[second]])
    sizes = plane
    if reshape:
        h, w = plane
        corners = matrix @ onp.array([[0, 0, h, h], [0, w, 0, w]])
        sizes = (onp.ptp(corners, axis=1) + 0.5).astype(int)
    offset = (plane - 1) / 2 - matrix @ ((sizes - 1) / 2)
    at = _affine(matrix, offset, _grid(sizes.tolist()))
    moved = np.moveaxis(x, (first, second), (0, 1))
    result = sampled(moved, at, order, mode, cval, prefilter)
    return np.moveaxis(result, (0, 1), (first, second))
