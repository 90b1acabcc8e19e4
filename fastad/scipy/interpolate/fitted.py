"""Splines that FITPACK fits to plain data, by where they are asked: UnivariateSpline and its kin.

RectBivariateSpline that interpolates (s=0) has a derivative by its values as well.
"""

from __future__ import annotations

from typing import Any

import numpy as onp
import scipy.interpolate

from ... import numpy as np
from ..registry import (
    Array,
    as_float,
    defjvp,
    defvjp,
    helper,
    is_traced,
    primal,
    shape_of,
)
from .cubics import Factory
from .grids import weights_of
from .space import space

# ---- of one variable -----------------------------------------------------------------------------

CONSTANT = (3, "const")


def _ends(tck: Any) -> tuple[Any, Any]:
    t, _, k = tck
    return t[k], t[-k - 1]


@helper
def at(x: Any, tck: Any, nu: int, ext: Any) -> Any:
    """SciPy's derivative of order nu of a plain spline."""
    if nu > tck[2]:
        return onp.zeros(onp.shape(x))
    extension: Any = EXTENSIONS.get(ext, ext)
    return scipy.interpolate.splev(x, tck, nu, extension)


EXTENSIONS = {"extrapolate": 0, "zeros": 1, "raise": 2, "const": 3}


def _slope(x: Array, tck: Any, nu: int, ext: Any) -> Array:
    """The derivative of `at`; FITPACK's own derivatives run on where the value is constant."""
    slope = at(x, tck, nu + 1, ext)
    if nu or ext not in CONSTANT:
        return slope
    (low, high), plain = _ends(tck), primal(x)
    return np.where((plain < low) | (plain > high), 0.0, slope)


defvjp(at, lambda ans, x, tck, nu, ext: lambda g: g * _slope(x, tck, nu, ext))
defjvp(at, lambda t, ans, x, tck, nu, ext: t * _slope(x, tck, nu, ext))


def _between(a: Any, b: Any, tck: Any) -> Any:
    return scipy.interpolate.splint(a, b, tck)


_integral = helper(_between)
defvjp(
    _integral,
    lambda ans, a, b, tck: lambda g: -g * at(a, tck, 0, 1),
    lambda ans, a, b, tck: lambda g: g * at(b, tck, 0, 1),
)
defjvp(
    _integral,
    lambda t, ans, a, b, tck: -t * at(a, tck, 0, 1),
    lambda t, ans, a, b, tck: t * at(b, tck, 0, 1),
)


def _refuse(name: str, *data: Any) -> None:
    if is_traced(*data):
        raise NotImplementedError(
            f"scipy.interpolate.{name}: by the data that it is fitted to there is no derivative "
            "rule in fastad; make_interp_spline and CubicSpline interpolate with one, and a fit "
            "is lstsq of BSpline.design_matrix"
        )


class Fitted:
    """A spline of SciPy's, fitted to plain data, that can be asked at traced places."""

    def __init__(self, plain: Any) -> None:
        self._plain = plain

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._plain, name)

    def __call__(self, x: Array, nu: int = 0, ext: Any = None) -> Array:
        """Evaluate the spline or its derivative of order nu."""
        if not is_traced(x):
            return self._plain(x, nu, ext)
        return at(as_float(x), self._plain._eval_args, nu, self._plain.ext if ext is None else ext)

    def derivative(self, n: int = 1) -> Fitted:
        """The derivative of order n, a spline."""
        return Fitted(self._plain.derivative(n))

    def antiderivative(self, n: int = 1) -> Fitted:
        """The antiderivative of order n, a spline."""
        return Fitted(self._plain.antiderivative(n))

    def integral(self, a: Array, b: Array) -> Array:
        """The integral from a to b; by both."""
        if not is_traced(a, b):
            return self._plain.integral(a, b)
        return _integral(as_float(a), as_float(b), self._plain._eval_args)


def _fitted(kind: Any, x: Any, y: Any, *args: Any, **kwargs: Any) -> Fitted:
    _refuse(kind.__name__, x, y, *args, *kwargs.values())
    return Fitted(kind(x, y, *args, **kwargs))


def _of_one(name: str, tck: Any) -> Any:
    """Knots, coefficients and degree of a spline of one variable, traced or not."""
    if isinstance(tck, (tuple, list)):
        t, c, k = tck
    else:
        t, c, k = tck.t, tck.c, tck.k
    if not isinstance(c, (tuple, list)) or not c or shape_of(c[0]) == ():
        return t, as_float(c) if is_traced(t, c) else onp.asarray(c), k
    raise NotImplementedError(
        f"scipy.interpolate.{name}: a curve of several coordinates has no derivative rule in "
        "fastad; call it for each of them, with (t, c[i], k)"
    )


def splev(x: Array, tck: Any, der: int = 0, ext: int = 0) -> Array:
    """Evaluate a spline; by x and by the coefficients."""
    if not isinstance(tck, (tuple, list)) and ext:
        raise ValueError(f"Extrapolation mode {ext} is not supported by BSpline.")  # SciPy's words
    t, c, k = _of_one("splev", tck)
    if not isinstance(tck, (tuple, list)):
        return space.entries["BSpline"](t, c, k)(x, der)
    if not is_traced(t, c):
        return at(as_float(x), (t, c, k), der, ext)
    x = as_float(x)
    (low, high), plain = _ends((primal(t), None, k)), primal(x)
    outside = (plain < low) | (plain > high)
    if ext == 2 and bool(np.any(outside)):
        raise ValueError("Invalid input data")  # SciPy's words
    if ext == 3 and not der:
        x = np.where(plain < low, low, np.where(plain > high, high, x))
    value = space.entries["BSpline"](t, c, k)(x, der)
    return np.where(outside, 0.0, value) if ext == 1 else value


def splint(a: Array, b: Array, tck: Any, full_output: int = 0) -> Any:
    """The integral of a spline from a to b; by both."""
    if full_output:
        raise NotImplementedError(
            "scipy.interpolate.splint: full_output has no derivative rule in fastad; leave it out"
        )
    t, c, k = _of_one("splint", tck)
    if is_traced(t, c):
        raise NotImplementedError(
            "scipy.interpolate.splint: by the spline itself there is no derivative rule in fastad; "
            "CubicSpline(x, y).integrate(a, b) has one"
        )
    return _integral(as_float(a), as_float(b), (t, c, k))


space.composite("splev")(splev)
space.composite("splint")(splint)

# ---- of two variables ----------------------------------------------------------------------------


def _weights(t: Any, k: int, x: Any, nu: int) -> Any:
    return scipy.interpolate.BSpline(t, onp.eye(len(t) - k - 1), k)(x, nu)


@helper
def surface(x: Any, y: Any, tck: Any, degrees: Any, dx: int, dy: int) -> Any:
    """The derivative of a plain surface at points: SciPy's; zero beyond its degree."""
    (tx, ty, c), (kx, ky) = tck, degrees
    shape = onp.broadcast_shapes(onp.shape(x), onp.shape(y))
    if dx > kx or dy > ky:
        return onp.zeros(shape)
    if (dx < kx or dx == 0) and (dy < ky or dy == 0):
        made = scipy.interpolate.BivariateSpline._from_tck((tx, ty, c, kx, ky))
        value = made(x, y, dx=dx, dy=dy, grid=False)
    else:  # FITPACK has no derivative that is constant in pieces
        px = onp.ravel(onp.clip(onp.broadcast_to(x, shape), tx[0], tx[-1]))
        py = onp.ravel(onp.clip(onp.broadcast_to(y, shape), ty[0], ty[-1]))
        table = c.reshape(len(tx) - kx - 1, len(ty) - ky - 1)
        part = _weights(tx, kx, px, dx) @ table
        value = onp.sum(part * _weights(ty, ky, py, dy), axis=-1).reshape(shape)
    return value


def _rise(axis: int, x: Any, y: Any, tck: Any, degrees: Any, dx: int, dy: int) -> Array:
    """The derivative of `surface` along an axis, beyond whose border it has the border's values."""
    slope = surface(x, y, tck, degrees, dx + 1 - axis, dy + axis)
    knots, plain = tck[axis], primal((x, y)[axis])
    return np.where((plain < knots[0]) | (plain > knots[-1]), 0.0, slope)


defvjp(
    surface,
    lambda ans, *args: lambda g: g * _rise(0, *args),
    lambda ans, *args: lambda g: g * _rise(1, *args),
)
defjvp(
    surface,
    lambda t, ans, *args: t * _rise(0, *args),
    lambda t, ans, *args: t * _rise(1, *args),
)


def _rectangle(x: Any, y: Any, z: Any, kx: int, ky: int) -> Any:
    return scipy.interpolate.RectBivariateSpline(x, y, z, kx=kx, ky=ky)


def _surface_of(x: Any, y: Any, z: Any, kx: int, ky: int, at_x: Any, at_y: Any, grid: Any) -> Any:
    return _rectangle(x, y, z, kx, ky)(at_x, at_y, grid=grid)


def _of_values(
    x: Any, y: Any, z: Array, kx: int, ky: int, at_x: Array, at_y: Array, grid: bool
) -> Array:
    """Products of splines along both axes, inside the border."""
    shape = shape_of(at_x) if not grid else ()
    inside = [
        np.where(p < g[0], g[0], np.where(p > g[-1], g[-1], q))
        for p, q, g in ((primal(at_x), at_x, x), (primal(at_y), at_y, y))
    ]
    along_x = weights_of(x, np.ravel(inside[0]), kx)
    along_y = weights_of(y, np.ravel(inside[1]), ky)
    part = np.matmul(along_x, z)
    if grid:
        return np.matmul(part, along_y.T)
    return np.reshape(np.sum(part * along_y, axis=-1), shape)


_by_values = helper(_surface_of, _of_values)


def _parts(plain: Any) -> tuple[Any, Any]:
    return tuple(plain.tck), tuple(plain.degrees)


class Surface:
    """A surface of SciPy's that can be asked at traced places."""

    def __init__(self, plain: Any, data: Any = None) -> None:
        self._plain = plain
        self._data = data  # of traced values: x, y, z, kx, ky

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self._data is not None:
            raise NotImplementedError(
                f"scipy.interpolate.RectBivariateSpline: {name!r} of a surface of traced values "
                "has no derivative rule in fastad; call the surface"
            )
        return getattr(self._plain, name)

    def __call__(self, x: Any, y: Any, dx: int = 0, dy: int = 0, grid: bool = True) -> Array:
        """Evaluate the surface, or a derivative of it, on a grid or at points."""
        if self._data is None and not is_traced(x, y):
            return self._plain(x, y, dx=dx, dy=dy, grid=grid)
        degrees = self._plain.degrees if self._data is None else ()
        if any(order and order >= k for order, k in zip((dx, dy), degrees)):
            self._plain(0.0, 0.0, dx=dx, dy=dy)  # which is SciPy's error
        x, y = as_float(x), as_float(y)
        if not grid:
            x, y = np.broadcast_arrays(x, y)
        if self._data is not None:
            if dx or dy:
                raise NotImplementedError(
                    "scipy.interpolate.RectBivariateSpline: a derivative of a surface of traced "
                    "values has no rule in fastad; differentiate the surface's value"
                )
            return _by_values(*self._data, x, y, grid)
        if grid:
            x, y = np.broadcast_arrays(x[:, None], y[None, :])
        return surface(x, y, *_parts(self._plain), dx, dy)

    def integral(self, xa: Any, xb: Any, ya: Any, yb: Any) -> Any:
        """The integral over a rectangle of plain ends."""
        if is_traced(xa, xb, ya, yb):
            raise NotImplementedError(
                "scipy.interpolate.BivariateSpline.integral: by the ends there is no derivative "
                "rule in fastad; integrate the surface with fastad.scipy.integrate.fixed_quad"
            )
        return self.__getattr__("integral")(xa, xb, ya, yb)

    def ev(self, xi: Any, yi: Any, dx: int = 0, dy: int = 0) -> Array:
        """Evaluate the surface at points."""
        return self(xi, yi, dx, dy, False)


def _rectangular(
    kind: Any,
    x: Any,
    y: Any,
    z: Array,
    bbox: Any = None,
    kx: int = 3,
    ky: int = 3,
    s: float = 0,
    **options: Any,
) -> Surface:
    _refuse("RectBivariateSpline", x, y)
    if not is_traced(z):
        given = {} if bbox is None else {"bbox": bbox}
        return Surface(kind(x, y, z, kx=kx, ky=ky, s=s, **given, **options))
    if s or bbox is not None or kx % 2 == 0 or ky % 2 == 0:
        raise NotImplementedError(
            "scipy.interpolate.RectBivariateSpline: by the values only s=0, odd degrees and the "
            "whole box have a derivative rule in fastad"
        )
    places = onp.asarray(x, float), onp.asarray(y, float)
    return Surface(None, (*places, as_float(z), kx, ky))


def _scattered(kind: Any, *args: Any, **kwargs: Any) -> Surface:
    _refuse(kind.__name__, *args, *kwargs.values())
    return Surface(kind(*args, **kwargs))


for _name, _made in (
    ("UnivariateSpline", _fitted),
    ("InterpolatedUnivariateSpline", _fitted),
    ("LSQUnivariateSpline", _fitted),
    ("RectBivariateSpline", _rectangular),
    ("SmoothBivariateSpline", _scattered),
    ("LSQBivariateSpline", _scattered),
):
    space.entries[_name] = Factory(_name, _made)
