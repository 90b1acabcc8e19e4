"""Splines and cubics of slopes (CubicSpline, PchipInterpolator, Akima1DInterpolator); PPoly."""

from __future__ import annotations

from typing import Any

import numpy as onp
import scipy.interpolate

from ... import numpy as np
from ...numpy.registry import helper, primal
from ..linalg.space import space as linalg
from ..registry import Array, as_float, is_traced, shape_of
from .piecewise import Piecewise, along, rows
from .space import space


def _hermite(x: Array, y: Array, slopes: Array) -> Array:
    """Coefficients of the cubics with given values and slopes at the places."""
    h = along(x[1:] - x[:-1], y)
    secant = (y[1:] - y[:-1]) / h
    t = (slopes[:-1] + slopes[1:] - 2 * secant) / h
    return np.stack([t / h, (secant - slopes[:-1]) / h - t, slopes[:-1], y[:-1]])


class Factory:
    """A class of SciPy's that makes functions, called."""

    def __init__(self, name: str, made: Any) -> None:
        self.__name__ = self.__qualname__ = name
        self.__module__ = "fastad.scipy.interpolate"
        self._kind = getattr(scipy.interpolate, name)
        self.__doc__ = self._kind.__doc__
        self._made = made

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Make the function, which is differentiable by where it is asked."""
        return self._made(self._kind, *args, **kwargs)

    def __reduce__(self) -> str:
        return self.__name__


def _extrapolating(extrapolate: Any, otherwise: Any = True) -> Any:
    return otherwise if extrapolate is None else extrapolate


# ---- cubic splines -------------------------------------------------------------------------------


def _end(kind: Any, h: Array, k: Array, first: Array, second: Array, y: Array) -> Any:
    """The equation at an end: weights of the slope there and of the next one, right hand side.

    h and k are the widths of the outermost interval and of the next one, first and second the
    secants over them; the end is the left one.
    """
    if isinstance(kind, str):
        if kind == "not-a-knot":
            both = h + k
            side = ((h + 2 * both) * k * first + h * h * second) / both
            return k, both, side
        kind = {"clamped": (1, 0.0), "natural": (2, 0.0)}[kind]
    order, value = kind
    value = as_float(value)
    if order == 1:
        return 1.0, 0.0, value + 0 * first
    return 2 * h, h, 3 * h * first - 0.5 * value * h * h


def _cubic_slopes(x: Array, y: Array, kinds: Any) -> Array:
    n = shape_of(x)[0]
    h = x[1:] - x[:-1]
    secant = (y[1:] - y[:-1]) / along(h, y)
    start, stop = kinds
    if n == 2 and start == stop == "not-a-knot":
        return np.concatenate([secant, secant])
    if n == 2:
        start, stop = ((1, secant[0]) if k == "not-a-knot" else k for k in kinds)
    elif n == 3 and start == stop == "not-a-knot":
        # A parabola: its slope at the middle is that of the chord, corrected by the widths.
        middle = (h[0] * secant[1] + h[1] * secant[0]) / (h[0] + h[1])
        return np.stack([2 * secant[0] - middle, middle, 2 * secant[1] - middle])
    second = 1 if n > 2 else 0
    a0, b0, r0 = _end(start, h[0], h[second], secant[0], secant[second], y)
    if not isinstance(stop, str) and stop[0] == 2:
        stop = (2, -as_float(stop[1]))  # seen from the other end
    a1, b1, r1 = _end(stop, h[-1], h[-1 - second], secant[-1], secant[-1 - second], y)
    wide = np.reshape
    upper = np.concatenate([wide(as_float(b0), (1,)), h[:-1]])
    lower = np.concatenate([h[1:], wide(as_float(b1), (1,))])
    diagonal = np.concatenate(
        [wide(as_float(a0), (1,)), 2 * (h[:-1] + h[1:]), wide(as_float(a1), (1,))]
    )
    inner = 3 * (along(h[1:], y) * secant[:-1] + along(h[:-1], y) * secant[1:])
    rest = shape_of(y)[1:]
    sides = np.concatenate([wide(r0, (1, *rest)), inner, wide(r1, (1, *rest))])
    zero = onp.zeros(1)
    bands = np.stack(
        [
            np.concatenate([zero, upper]),
            diagonal,
            np.concatenate([lower, zero]),
        ]
    )
    flat = np.reshape(sides, (n, -1))
    solved = linalg.entries["solve_banded"]((1, 1), bands, flat)
    return np.reshape(solved, shape_of(y))


def _periodic_slopes(x: Array, y: Array) -> Array:
    n = shape_of(x)[0]
    h = x[1:] - x[:-1]
    secant = (y[1:] - y[:-1]) / along(h, y)
    if n == 2:
        return np.concatenate([0 * secant, 0 * secant])
    before, after = np.concatenate([h[-1:], h[:-1]]), h
    matrix = np.diag(2 * (before + after))
    matrix = matrix + np.matmul(np.diag(before), onp.roll(onp.eye(n - 1), 1, axis=1))
    matrix = matrix + np.matmul(np.diag(after), onp.roll(onp.eye(n - 1), -1, axis=1))
    earlier = np.concatenate([secant[-1:], secant[:-1]])
    sides = 3 * (along(after, y) * earlier + along(before, y) * secant)
    solved = np.linalg.solve(matrix, np.reshape(sides, (n - 1, -1)))
    slopes = np.reshape(solved, (n - 1, *shape_of(y)[1:]))
    return np.concatenate([slopes, slopes[:1]])


def _ends(bc_type: Any, start: Any, stop: Any) -> Any:
    """The conditions at the ends as SciPy takes them; `bc_type` has orders in place of pairs."""
    if isinstance(bc_type, str):
        return bc_type
    return tuple(
        kind if isinstance(kind, str) else (kind, value)
        for kind, value in zip(bc_type, (start, stop))
    )


def _cubic(x: Array, y: Array, start: Any, stop: Any, bc_type: Any, axis: int) -> Array:
    x, y, axis = rows(x, y, axis)
    if bc_type == "periodic":
        return _hermite(x, y, _periodic_slopes(x, y))
    ends = _ends(bc_type, start, stop)
    return _hermite(x, y, _cubic_slopes(x, y, (ends, ends) if isinstance(ends, str) else ends))


def cubic(x: Any, y: Any, start: Any, stop: Any, bc_type: Any, axis: int) -> Any:
    """SciPy's coefficients of a cubic spline."""
    return scipy.interpolate.CubicSpline(x, y, axis, _ends(bc_type, start, stop)).c


_cubic_coefficients = helper(cubic, _cubic)


def _cubic_spline(
    kind: Any,
    x: Array,
    y: Array,
    axis: int = 0,
    bc_type: Any = "not-a-knot",
    extrapolate: Any = None,
) -> Piecewise:
    x, y = as_float(x), as_float(y)
    values: list[Array] = [0.0, 0.0]
    if not isinstance(bc_type, str):
        values = [0.0 if isinstance(end, str) else as_float(end[1]) for end in bc_type]
    if not is_traced(x, y, *values):
        return Piecewise.of(kind(x, y, axis, bc_type, extrapolate))
    if not isinstance(bc_type, str):
        bc_type = tuple(end if isinstance(end, str) else end[0] for end in bc_type)
    c = _cubic_coefficients(x, y, *values, bc_type, axis)
    extrapolate = _extrapolating(extrapolate, "periodic" if bc_type == "periodic" else True)
    return Piecewise(kind, c, x, extrapolate, axis % y.ndim)


# ---- monotone cubics -----------------------------------------------------------------------------


def _pchip_end(h: Array, k: Array, first: Array, second: Array) -> Array:
    """The slope of the parabola at an end, cut where it would overshoot."""
    slope = ((2 * h + k) * first - h * second) / (h + k)
    value, m0, m1 = map(primal, (slope, first, second))
    turned = np.sign(value) != np.sign(m0)
    steep = (np.sign(m0) != np.sign(m1)) & (np.abs(value) > 3 * np.abs(m0))
    return np.where(turned, 0.0, np.where(steep, 3 * first, slope))


def _monotone(x: Array, y: Array, axis: int) -> Array:
    x, y, axis = rows(x, y, axis)
    h = along(x[1:] - x[:-1], y)
    secant = (y[1:] - y[:-1]) / h
    if shape_of(x)[0] == 2:
        return _hermite(x, y, np.concatenate([secant, secant]))
    left, right = secant[:-1], secant[1:]
    signs = np.sign(primal(secant))
    flat = (signs[1:] != signs[:-1]) | (signs[1:] == 0)
    w1, w2 = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
    left, right = np.where(flat, 1.0, left), np.where(flat, 1.0, right)
    inner = np.where(flat, 0.0, (w1 + w2) / (w1 / left + w2 / right))
    first = _pchip_end(h[0], h[1], secant[0], secant[1])
    last = _pchip_end(h[-1], h[-2], secant[-1], secant[-2])
    return _hermite(x, y, np.concatenate([first[None], inner, last[None]]))


def monotone(x: Any, y: Any, axis: int) -> Any:
    """SciPy's coefficients of a monotone cubic."""
    return scipy.interpolate.PchipInterpolator(x, y, axis).c


_monotone_coefficients = helper(monotone, _monotone)


def _pchip(kind: Any, x: Array, y: Array, axis: int = 0, extrapolate: Any = None) -> Piecewise:
    x, y = as_float(x), as_float(y)
    if not is_traced(x, y):
        return Piecewise.of(kind(x, y, axis, extrapolate))
    c = _monotone_coefficients(x, y, axis)
    return Piecewise(kind, c, x, _extrapolating(extrapolate), axis % y.ndim)


# ---- cubics of given slopes ----------------------------------------------------------------------


def _sloped(x: Array, y: Array, dydx: Array, axis: int) -> Array:
    x, y, axis = rows(x, y, axis)
    return _hermite(x, y, np.moveaxis(as_float(dydx), axis, 0))


def sloped(x: Any, y: Any, dydx: Any, axis: int) -> Any:
    """SciPy's coefficients of cubics with given values and slopes."""
    return scipy.interpolate.CubicHermiteSpline(x, y, dydx, axis).c


_sloped_coefficients = helper(sloped, _sloped)


def _cubic_hermite(
    kind: Any, x: Array, y: Array, dydx: Array, axis: int = 0, extrapolate: Any = None
) -> Piecewise:
    x, y, dydx = as_float(x), as_float(y), as_float(dydx)
    if not is_traced(x, y, dydx):
        return Piecewise.of(kind(x, y, dydx, axis, extrapolate))
    c = _sloped_coefficients(x, y, dydx, axis)
    return Piecewise(kind, c, x, _extrapolating(extrapolate), axis % y.ndim)


# ---- Akima's cubics ------------------------------------------------------------------------------

LEVEL = 1e-9  # of the largest weight, up to which SciPy takes the mean of the secants


def _akima_slopes(x: Array, y: Array, modified: bool) -> Array:
    """H. Akima, J. ACM 17 (1970): secants weighted by how the others across turn."""
    secant = (y[1:] - y[:-1]) / along(x[1:] - x[:-1], y)
    first, last = 2 * secant[:1] - secant[1:2], 2 * secant[-1:] - secant[-2:-1]
    m = np.concatenate([2 * first - secant[:1], first, secant, last, 2 * last - secant[-1:]])
    turn = np.abs(m[1:] - m[:-1])
    if modified:
        turn = turn + 0.5 * np.abs(m[1:] + m[:-1])
    left, right = turn[2:], turn[:-2]
    both = left + right
    level = LEVEL * onp.max(primal(both), initial=-onp.inf)
    told = primal(both) > level
    both = np.where(told, both, 1.0)
    weighted = left / both * m[1:-2] + right / both * m[2:-1]
    return np.where(told, weighted, (m[3:] + m[:-3]) / 2)


def _smooth(x: Array, y: Array, axis: int, method: str) -> Array:
    x, y, axis = rows(x, y, axis)
    if shape_of(x)[0] == 2:
        secant = (y[1:] - y[:-1]) / along(x[1:] - x[:-1], y)
        return _hermite(x, y, np.concatenate([secant, secant]))
    return _hermite(x, y, _akima_slopes(x, y, method == "makima"))


def _akima_object(kind: Any, x: Any, y: Any, axis: int, method: str, extrapolate: Any) -> Any:
    options = {} if method == "akima" else {"method": method}
    made = kind(x, y, axis, **options)
    if extrapolate is not None:  # a keyword from 1.14 on
        made.extrapolate = extrapolate
    return made


def smooth(x: Any, y: Any, axis: int, method: str) -> Any:
    """SciPy's coefficients of Akima's cubics."""
    return _akima_object(scipy.interpolate.Akima1DInterpolator, x, y, axis, method, None).c


_smooth_coefficients = helper(smooth, _smooth)


def _akima(
    kind: Any,
    x: Array,
    y: Array,
    axis: int = 0,
    *,
    method: str = "akima",
    extrapolate: Any = None,
) -> Piecewise:
    x, y = as_float(x), as_float(y)
    if not is_traced(x, y):
        return Piecewise.of(_akima_object(kind, x, y, axis, method, extrapolate))
    c = _smooth_coefficients(x, y, axis, method)
    return Piecewise(kind, c, x, _extrapolating(extrapolate, False), axis % y.ndim)


# ---- any polynomials -----------------------------------------------------------------------------


def _pieces(kind: Any, c: Array, x: Array, extrapolate: Any = None, axis: int = 0) -> Piecewise:
    c, x = as_float(c), as_float(x)
    if not is_traced(c, x):
        return Piecewise.of(kind(c, x, extrapolate, axis))
    axis = axis % (c.ndim - 1)
    if axis:
        c = np.moveaxis(np.moveaxis(c, axis + 1, 0), axis + 1, 0)
    return Piecewise(kind, c, x, _extrapolating(extrapolate), axis)


for _name, _made in (
    ("Akima1DInterpolator", _akima),
    ("PPoly", _pieces),
    ("CubicSpline", _cubic_spline),
    ("PchipInterpolator", _pchip),
    ("CubicHermiteSpline", _cubic_hermite),
):
    space.entries[_name] = Factory(_name, _made)
