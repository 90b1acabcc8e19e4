"""interp1d, RegularGridInterpolator, interpn: by places, values and where they are asked.

Values are SciPy's own. By the values of a grid an interpolation is linear: products of weights
along each axis.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as onp
import scipy.interpolate

from ... import numpy as np
from ...numpy.registry import getitem, normalized_axis
from ..registry import Array, as_float, helper, is_traced, primal, shape_of
from .cubics import Factory
from .piecewise import values_at
from .space import space

# ---- one variable --------------------------------------------------------------------------------

SPLINES = {"zero": 0, "slinear": 1, "quadratic": 2, "cubic": 3}


def _scipys(x: Any, y: Any, at: Any, low: Any, high: Any, *given: Any) -> Any:
    fill = low if high is None else (low, high)
    options: list[Any] = [*given[:4], fill, *given[4:]]
    return scipy.interpolate.interp1d(x, y, *options)(at)


def _line(x: Array, y: Array, at: Array) -> Array:
    """Straight lines between the places, and beyond them."""
    after = np.clip(np.searchsorted(primal(x), primal(at)), 1, shape_of(x)[0] - 1)
    x0, x1 = np.take(x, after - 1), np.take(x, after)
    y0, y1 = np.take(y, after - 1, axis=0), np.take(y, after, axis=0)
    share = np.reshape((at - x0) / (x1 - x0), (-1,) + (1,) * (len(shape_of(y)) - 1))
    return y0 + share * (y1 - y0)


def _place(x: Any, at: Any, kind: str) -> Any:
    """Which value a step function has."""
    n = len(x)
    if kind in ("nearest", "nearest-up"):
        middle = (x[1:] + x[:-1]) / 2
        return onp.searchsorted(middle, at, "left" if kind == "nearest" else "right")
    if kind == "previous":
        return onp.clip(onp.searchsorted(x, at, "right") - 1, 0, n - 1)
    return onp.clip(onp.searchsorted(x, at, "left"), 0, n - 1)


def _interpolated(
    x: Array,
    y: Array,
    at: Array,
    low: Any,
    high: Any,
    kind: Any,
    axis: int,
    copy: Any,
    bounds_error: Any,
    assume_sorted: bool,
) -> Array:
    axis = normalized_axis(axis, y.ndim)
    values, shape = np.moveaxis(y, axis, 0), shape_of(at)
    flat = np.ravel(at)
    if not assume_sorted:
        order = np.argsort(primal(x), kind="stable")
        x, values = np.take(x, order), np.take(values, order, axis=0)
    degree = SPLINES.get(kind, kind)
    if kind == "linear":
        result = _line(x, values, flat)
    elif isinstance(degree, int):
        result = space.entries["make_interp_spline"](x, values, degree)(flat)
    else:
        result = np.take(values, _place(primal(x), primal(flat), kind), axis=0)
    if not (isinstance(low, str) and low == "extrapolate"):
        high = low if high is None else high
        lead = (-1,) + (1,) * (len(shape_of(values)) - 1)
        ends, plain = primal(x), np.reshape(primal(flat), lead)
        result = np.where(plain < ends[0], low, np.where(plain > ends[-1], high, result))
    return values_at(np.reshape(result, (*shape, *shape_of(values)[1:])), len(shape), axis)


_interpolate = helper(_scipys, _interpolated)


def _low_and_high(fill: Any) -> tuple[Any, Any]:
    """The values beyond the places, arguments of their own, so that each may be traced."""
    return fill if isinstance(fill, tuple) and len(fill) == 2 else (fill, None)


class Interpolant:
    """What `interp1d` makes of traced places or values."""

    def __init__(
        self, x: Array, y: Array, fill: tuple[Any, Any], given: tuple[Any, ...], plain: Any
    ) -> None:
        self.x, self.y = x, y
        self._fill, self._given = fill, given
        self._plain = plain

    @classmethod
    def of(cls, plain: Any) -> Interpolant:
        """From what SciPy made of plain places and values."""
        kind = plain._spline.k if plain._kind == "spline" else plain._kind
        fill = "extrapolate" if plain._extrapolate else plain.fill_value
        given = (kind, plain.axis, True, plain.bounds_error, True)
        return cls(as_float(plain.x), as_float(plain.y), _low_and_high(fill), given, plain)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._plain, name)

    def __call__(self, x: Array) -> Array:
        """Evaluate the function."""
        if not is_traced(x, self.x, self.y, *self._fill):
            return self._plain(x)
        return _interpolate(self.x, self.y, as_float(x), *self._fill, *self._given)


def _interp1d(
    kind_: Any,
    x: Array,
    y: Array,
    kind: Any = "linear",
    axis: int = -1,
    copy: bool = True,
    bounds_error: Any = None,
    fill_value: Any = onp.nan,
    assume_sorted: bool = False,
) -> Interpolant:
    x, y = as_float(x), as_float(y)
    fill = _low_and_high(fill_value)
    plain = None
    if not is_traced(x, y, *fill):
        plain = kind_(x, y, kind, axis, copy, bounds_error, fill_value, assume_sorted)
    return Interpolant(x, y, fill, (kind, axis, copy, bounds_error, assume_sorted), plain)


# ---- grids ---------------------------------------------------------------------------------------

DEGREES = {"slinear": 1, "cubic": 3, "quintic": 5}


def _on_grid(
    points: Any, values: Any, at: Any, fill_value: Any, method: str, bounds_error: Any, solver: Any
) -> Any:
    kind = scipy.interpolate.RegularGridInterpolator
    return kind(points, values, method, bounds_error, fill_value, **dict(solver))(at)


def _corners(points: Sequence[Any], values: Array, at: Array) -> Array:
    """Products of straight lines."""
    lead = (-1,) + (1,) * (len(shape_of(values)) - len(points))
    places, shares = [], []
    for axis, grid in enumerate(points):
        place = np.clip(np.searchsorted(grid, primal(at[:, axis]), "right") - 1, 0, len(grid) - 2)
        width = np.take(grid[1:] - grid[:-1], place)
        places.append(place)
        shares.append(np.reshape((at[:, axis] - np.take(grid, place)) / width, lead))
    total: Array = 0.0
    for corner in itertools.product((0, 1), repeat=len(points)):
        part = getitem(values, tuple(place + one for place, one in zip(places, corner)))
        for share, one in zip(shares, corner):
            part = part * (share if one else 1 - share)
        total = total + part
    return total


def weights_of(grid: Any, at: Array, k: int) -> Array:
    """Of each value in an interpolating spline of degree k: (number of places asked, of values)."""
    return space.entries["make_interp_spline"](grid, onp.eye(len(grid)), k)(at)


def _splines(points: Sequence[Any], values: Array, at: Array, k: int) -> Array:
    """Products of splines."""
    result: Array = None
    for axis, grid in enumerate(points):
        weights = weights_of(grid, at[:, axis], k)
        if axis == 0:
            result = np.tensordot(weights, values, 1)
        else:
            result = np.einsum("pi,pi...->p...", weights, result)
    return result


def _nearest(points: Sequence[Any], values: Array, at: Array) -> Array:
    places = []
    for axis, grid in enumerate(points):
        x = primal(at[:, axis])
        place = np.clip(np.searchsorted(grid, x, "right") - 1, 0, len(grid) - 2)
        share = (x - np.take(grid, place)) / np.take(grid[1:] - grid[:-1], place)
        places.append(np.where(share <= 0.5, place, place + 1))
    return getitem(values, tuple(places))


def _gridded(
    points: Any,
    values: Array,
    at: Array,
    fill_value: Any,
    method: str,
    bounds_error: Any,
    solver: Any,
) -> Array:
    turned = [i for i, grid in enumerate(points) if len(grid) > 1 and grid[0] > grid[-1]]
    if turned:  # falling coordinates
        points = [grid[::-1] if i in turned else grid for i, grid in enumerate(points)]
        values = values[
            tuple(slice(None, None, -1 if i in turned else 1) for i in range(values.ndim))
        ]
    shape, flat = shape_of(at)[:-1], np.reshape(at, (-1, len(points)))
    if method == "linear":
        result = _corners(points, values, flat)
    elif method == "nearest":
        result = _nearest(points, values, flat)
    elif method in DEGREES:
        result = _splines(points, values, flat, DEGREES[method])
    else:
        raise NotImplementedError(
            f"scipy.interpolate.RegularGridInterpolator: the method {method!r} has no derivative "
            f"rule in fastad; take 'linear', 'nearest' or one of {', '.join(DEGREES)}"
        )
    if fill_value is not None:
        lead = (-1,) + (1,) * (len(shape_of(values)) - len(points))
        outside = onp.zeros(1, bool)
        for axis, grid in enumerate(points):
            x = primal(flat[:, axis])
            outside = outside | (x < grid[0]) | (x > grid[-1])
        result = np.where(np.reshape(outside, lead), fill_value, result)
    return np.reshape(result, (*shape, *shape_of(result)[1:]))


_grid_value = helper(_on_grid, _gridded)


def _grid(points: Any) -> list[Any]:
    return [onp.asarray(point, float) for point in points]


class GridInterpolant:
    """What `RegularGridInterpolator` makes."""

    def __init__(
        self, points: Any, values: Array, method: str, options: tuple[Any, ...], plain: Any
    ) -> None:
        self.values = values
        self.method = method
        self._points = points
        self._options = options
        self._plain = plain

    @classmethod
    def of(cls, plain: Any) -> GridInterpolant:
        """From what SciPy made of plain values."""
        options = (plain.fill_value, plain.bounds_error, ())
        return cls(_grid(plain.grid), as_float(plain.values), plain.method, options, plain)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._plain, name)

    def __call__(self, xi: Any, method: Any = None, *, nu: Any = None) -> Array:
        """Evaluate the function at points, the coordinates of one along the last axis."""
        if isinstance(xi, tuple):
            xi = np.stack(np.broadcast_arrays(*map(as_float, xi)), axis=-1)
        if self._plain is not None and not is_traced(xi):
            return self._plain(xi, method) if nu is None else self._plain(xi, method, nu=nu)
        if nu is not None and any(nu):
            raise NotImplementedError(
                "scipy.interpolate.RegularGridInterpolator: nu has no derivative rule in fastad; "
                "differentiate the values"
            )
        at = as_float(xi)
        if at.ndim == 1:
            one = len(self._points) == 1
            at = at[:, None] if one else at[None]
        fill_value, bounds_error, solver = self._options
        if method is None:
            method = self.method
        elif method != self.method:
            solver = ()
        return _grid_value(self._points, self.values, at, fill_value, method, bounds_error, solver)


def _regular(
    kind: Any,
    points: Any,
    values: Array,
    method: str = "linear",
    bounds_error: bool = True,
    fill_value: Any = onp.nan,
    **options: Any,
) -> GridInterpolant:
    if is_traced(*points):
        raise NotImplementedError(
            "scipy.interpolate.RegularGridInterpolator: by the grid's coordinates there is no "
            "derivative rule in fastad; give them plain"
        )
    values = as_float(values)
    plain = None
    if not is_traced(values, fill_value):
        plain = kind(points, values, method, bounds_error, fill_value, **options)
    given = (fill_value, bounds_error, tuple(options.items()))
    return GridInterpolant(_grid(points), values, method, given, plain)


def _interpn(
    points: Any,
    values: Array,
    xi: Any,
    method: str = "linear",
    bounds_error: bool = True,
    fill_value: Any = onp.nan,
) -> Array:
    """Interpolate on a grid; by values and where it is asked."""
    if method == "splinef2d":
        raise NotImplementedError(
            "scipy.interpolate.interpn: 'splinef2d' has no derivative rule in fastad; take 'cubic'"
        )
    kind = scipy.interpolate.RegularGridInterpolator
    made = _regular(kind, points, values, method, bounds_error, fill_value)
    return made(xi)


space.composite("interpn")(_interpn)
for _name, _made in (("interp1d", _interp1d), ("RegularGridInterpolator", _regular)):
    if hasattr(scipy.interpolate, _name):
        space.entries[_name] = Factory(_name, _made)
