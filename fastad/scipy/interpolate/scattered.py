"""Points without a grid: RBFInterpolator, LinearNDInterpolator, NearestNDInterpolator, griddata."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.interpolate
import scipy.spatial

from ... import numpy as np
from ..host_calls import shared
from ..registry import Array, as_float, helper, is_traced, primal, shape_of
from .cubics import Factory
from .space import space

# ---- radial functions ----------------------------------------------------------------------------


def _plate(squares: Array) -> Array:
    """r^2 log r, of r^2."""
    zero = onp.equal(primal(squares), 0)
    inside = np.where(zero, 1.0, squares)
    return np.where(zero, 0.0, 0.5 * inside * np.log(inside))


def _odd(power: int, sign: float) -> Callable[[Array], Array]:
    """A power of r, of r^2, whose derivative at zero counts as zero."""

    def radial(squares: Array) -> Array:
        zero = onp.equal(primal(squares), 0)
        return np.where(zero, 0.0, sign * np.where(zero, 1.0, squares) ** (power / 2))

    return radial


KERNELS: dict[str, Callable[[Array], Array]] = {
    "linear": _odd(1, -1.0),
    "thin_plate_spline": _plate,
    "cubic": _odd(3, 1.0),
    "quintic": _odd(5, -1.0),
    "multiquadric": lambda squares: -np.sqrt(squares + 1),
    "inverse_multiquadric": lambda squares: 1 / np.sqrt(squares + 1),
    "inverse_quadratic": lambda squares: 1 / (squares + 1),
    "gaussian": lambda squares: np.exp(-squares),
}
LEAST = {"multiquadric": 0, "linear": 0, "thin_plate_spline": 1, "cubic": 1, "quintic": 2}


def _radial(x: Array, y: Array, epsilon: Array, kernel: str) -> Array:
    gaps = epsilon * (x[:, None, :] - y[None, :, :])
    return KERNELS[kernel](np.sum(gaps * gaps, axis=-1))


def _monomials(x: Array, powers: Any) -> Array:
    columns = []
    for power in powers:
        column: Array = onp.ones(shape_of(x)[0])
        for axis, exponent in enumerate(power):
            for _ in range(exponent):
                column = column * x[:, axis]
        columns.append(column)
    return np.stack(columns, axis=1) if columns else onp.zeros((shape_of(x)[0], 0))


def _powers(d: int, degree: int) -> Any:
    """Exponents of the monomials of d variables up to a degree."""
    grid = onp.indices((degree + 1,) * d).reshape(d, -1).T if degree >= 0 else onp.zeros((0, d))
    return grid[onp.sum(grid, axis=1) <= degree].astype(int)


def _radially(
    at: Array, y: Array, d: Array, smoothing: Array, epsilon: Array, kernel: str, degree: Any
) -> Array:
    """The system of the weights, by Wahba's conditions on the polynomials, and its function."""
    count, dims = shape_of(y)
    if degree is None:
        degree = max(LEAST.get(kernel, -1), 0)
    low, high = onp.min(primal(y), axis=0), onp.max(primal(y), axis=0)
    shift, scale = (low + high) / 2, onp.where(high > low, (high - low) / 2, 1.0)
    powers = _powers(dims, degree)
    p = _monomials((y - shift) / scale, powers)
    matrix = _radial(y, y, epsilon, kernel) + onp.eye(count) * smoothing
    zeros = onp.zeros((len(powers), len(powers)))
    whole = np.concatenate(
        [np.concatenate([matrix, p], axis=1), np.concatenate([p.T, zeros], axis=1)]
    )
    flat = np.reshape(d, (count, -1))
    side = np.concatenate([flat, onp.zeros((len(powers), shape_of(flat)[1]))])
    weights = np.linalg.solve(whole, side)
    values = np.concatenate(
        [_radial(at, y, epsilon, kernel), _monomials((at - shift) / scale, powers)], axis=1
    )
    return np.reshape(np.matmul(values, weights), (shape_of(at)[0], *shape_of(d)[1:]))


def _radial_value(
    at: Any, y: Any, d: Any, smoothing: Any, epsilon: Any, kernel: str, degree: Any
) -> Any:
    made = scipy.interpolate.RBFInterpolator(
        y, d, smoothing=smoothing, kernel=kernel, epsilon=float(epsilon), degree=degree
    )
    return made(at)


_radial_at = helper(_radial_value, _radially)


class RadialInterpolant:
    """What `RBFInterpolator` makes."""

    def __init__(self, plain: Any, neighbors: Any, given: tuple[Any, ...]) -> None:
        if neighbors is not None:
            raise NotImplementedError(
                "scipy.interpolate.RBFInterpolator: neighbors has no derivative rule in fastad; "
                "leave it out"
            )
        self._plain = plain
        self._given = given

    @classmethod
    def of(cls, plain: Any) -> RadialInterpolant:
        """From what SciPy made of plain places and values."""
        values = plain.d.view(plain.d_dtype).reshape((-1, *plain.d_shape))
        degree = int(onp.max(onp.sum(plain.powers, axis=1), initial=-1))
        given = (plain.smoothing, plain.epsilon, plain.kernel, degree)
        return cls(plain, plain.neighbors, (as_float(plain.y), as_float(values), *given))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._plain, name)

    def __call__(self, x: Array) -> Array:
        """Evaluate the function at points."""
        if self._plain is not None and not is_traced(x):
            return self._plain(x)
        return _radial_at(as_float(x), *self._given)


def _rbf(
    kind: Any,
    y: Array,
    d: Array,
    neighbors: Any = None,
    smoothing: Any = 0.0,
    kernel: str = "thin_plate_spline",
    epsilon: Any = None,
    degree: Any = None,
) -> RadialInterpolant:
    y, d, smoothing = as_float(y), as_float(d), as_float(smoothing)
    plain = None
    if not is_traced(y, d, smoothing, epsilon):
        plain = kind(y, d, neighbors, smoothing, kernel, epsilon, degree)
    scale = 1.0 if epsilon is None else as_float(epsilon)
    return RadialInterpolant(plain, neighbors, (y, d, smoothing, scale, kernel, degree))


# ---- triangles -----------------------------------------------------------------------------------


def _linear_value(at: Any, values: Any, points: Any, fill_value: Any, rescale: bool) -> Any:
    kind = scipy.interpolate.LinearNDInterpolator
    return kind(points, values, fill_value=fill_value, rescale=rescale)(at)


def _by_corners(at: Array, values: Array, points: Any, fill_value: Any, rescale: bool) -> Array:
    """Weights of the corners of the triangle that each point lies in."""
    shape, dims = shape_of(at)[:-1], points.shape[1]
    flat = np.reshape(at, (-1, dims))
    middle = onp.mean(points, axis=0) if rescale else onp.zeros(dims)
    size = onp.ptp(points, axis=0) if rescale else onp.ones(dims)
    flat = (flat - middle) / onp.where(size > 0, size, 1.0)
    scaled = (points - middle) / onp.where(size > 0, size, 1.0)
    mesh = _mesh(scaled)
    found = _simplex(primal(flat), scaled)
    maps = np.take(mesh.transform, found, axis=0)  # of each triangle, and its last corner
    shares = np.einsum("pij,pj->pi", maps[:, :dims], flat - maps[:, dims])
    weights = np.concatenate([shares, 1 - np.sum(shares, axis=1, keepdims=True)], axis=1)
    corners = np.take(values, np.take(mesh.simplices, found, axis=0), axis=0)
    lead = (1,) * (len(shape_of(values)) - 1)
    result = np.sum(np.reshape(weights, (*shape_of(weights), *lead)) * corners, axis=1)
    result = np.where(np.reshape(found < 0, (-1, *lead)), fill_value, result)
    return np.reshape(result, (*shape, *shape_of(values)[1:]))


def _mesh(points: Any) -> Any:
    return shared(("Delaunay", points), lambda: scipy.spatial.Delaunay(points))


def simplex(at: Any, points: Any) -> Any:
    """The triangle that each point lies in, -1 outside."""
    return _mesh(points).find_simplex(at)


_simplex = helper(simplex, zero=True)
_linear_at = helper(_linear_value, _by_corners)


def _nearest_value(at: Any, values: Any, points: Any, rescale: bool) -> Any:
    return scipy.interpolate.NearestNDInterpolator(points, values, rescale=rescale)(at)


def _by_nearest(at: Array, values: Array, points: Any, rescale: bool) -> Array:
    return np.take(values, _neighbour(primal(at), points, rescale), axis=0)


def neighbour(at: Any, points: Any, rescale: bool) -> Any:
    """Which point is the nearest to each."""
    numbers = onp.arange(len(points))
    made = scipy.interpolate.NearestNDInterpolator(points, numbers, rescale=rescale)
    return made(at).astype(int)


_neighbour = helper(neighbour, zero=True)


_nearest_at = helper(_nearest_value, _by_nearest)


class ScatteredInterpolant:
    """What `LinearNDInterpolator` and `NearestNDInterpolator` make."""

    def __init__(self, value: Any, points: Any, values: Array, given: tuple[Any, ...]) -> None:
        self.points, self.values = points, values
        self._value = value
        self._given = given

    def __call__(self, *args: Any) -> Array:
        """Evaluate the function at points, or at coordinates given one by one."""
        at = args[0]
        if isinstance(at, tuple):
            args = at
        if len(args) > 1:
            at = np.stack(np.broadcast_arrays(*map(as_float, args)), axis=-1)
        at = as_float(at)
        one = at.ndim == 1 and len(args) > 1
        if at.ndim == 1:  # one point, or points of one coordinate
            at = at[:, None] if self.points.shape[1] == 1 else at[None]
        found = self._value(at, self.values, self.points, *self._given)
        return found[0] if one else found


def _plain_points(name: str, points: Any) -> Any:
    if is_traced(points):
        raise NotImplementedError(
            f"scipy.interpolate.{name}: by the points' places there is no derivative rule in "
            "fastad; RBFInterpolator has one"
        )
    points = onp.asarray(onp.stack(points, axis=-1) if isinstance(points, tuple) else points, float)
    return points[:, None] if points.ndim == 1 else points


def _linear(
    kind: Any, points: Any, values: Array, fill_value: Any = onp.nan, rescale: bool = False
) -> ScatteredInterpolant:
    points = _plain_points("LinearNDInterpolator", points)
    return ScatteredInterpolant(_linear_at, points, as_float(values), (fill_value, rescale))


def _nearest(kind: Any, x: Any, y: Array, rescale: bool = False, **options: Any) -> Any:
    points = _plain_points("NearestNDInterpolator", x)
    return ScatteredInterpolant(_nearest_at, points, as_float(y), (rescale,))


@space.composite("griddata")
def griddata(
    points: Any,
    values: Array,
    xi: Any,
    method: str = "linear",
    fill_value: Any = onp.nan,
    rescale: bool = False,
) -> Array:
    """Interpolate between points of two or more coordinates; by values and where it is asked."""
    places = _plain_points("griddata", points)
    if method == "cubic" or places.shape[1] < 2:
        raise NotImplementedError(
            "scipy.interpolate.griddata: 'cubic' and points of one coordinate have no derivative "
            "rule in fastad; take 'linear', or RBFInterpolator, or interp1d"
        )
    if method == "nearest":
        return _nearest(None, places, values, rescale)(xi)
    return _linear(None, places, values, fill_value, rescale)(xi)


for _name, _made in (
    ("RBFInterpolator", _rbf),
    ("LinearNDInterpolator", _linear),
    ("NearestNDInterpolator", _nearest),
):
    space.entries[_name] = Factory(_name, _made)
