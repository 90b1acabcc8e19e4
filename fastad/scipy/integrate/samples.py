"""Integrals of samples: trapezoid, simpson, romb and the cumulative ones, by samples and places."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.integrate

from ... import numpy as np
from ..._core import primal
from ...numpy.registry import normalized_axis
from ..registry import Array, as_float, nowhere, shape_of
from .space import space


def _last(y: Array, x: Any, axis: int) -> tuple[Array, Any]:
    """Samples along the last axis, and the distances between their places (None: all dx)."""
    y = np.moveaxis(y, axis, -1)
    if x is None:
        return y, None
    x = as_float(x)
    if x.ndim > 1:
        x = np.moveaxis(x, axis, -1)
    return y, x[..., 1:] - x[..., :-1]


def _differentiated_as(*names: str) -> Callable[[Callable[..., Array]], Callable[..., Array]]:
    """Enter a function as the derivative of SciPy's; the value is SciPy's own."""

    def register(derivative: Callable[..., Array]) -> Callable[..., Array]:
        for name in names:
            space.derivative_of(name)(_checked(name, derivative))
        return derivative

    return register


def _checked(name: str, derivative: Callable[..., Array]) -> Callable[..., Array]:
    @functools.cache
    def is_scipys(n: int) -> bool:
        y, theirs = onp.sin(1.7 * onp.arange(n)), getattr(scipy.integrate, name)
        places = ({"dx": 0.3}, {"x": onp.arange(n) ** 1.5})[: 1 if name == "romb" else 2]
        return all(onp.allclose(derivative(y, **at), theirs(y, **at)) for at in places)

    @functools.wraps(derivative)
    def checked(y: Array, *args: Any, **kwargs: Any) -> Array:
        y = as_float(y)
        axis = inspect.signature(derivative).bind(y, *args, **kwargs).arguments.get("axis", -1)
        n = y.shape[normalized_axis(axis, y.ndim)]
        # An installed version that computes something else is no silent matter.
        if n >= 2 and not is_scipys(n if n < 8 or name == "romb" else 8 + n % 2):
            raise NotImplementedError(
                f"scipy.integrate.{name}: this version of SciPy computes it in a way that has no "
                "derivative rule in fastad"
            )
        return derivative(y, *args, **kwargs)

    return checked


def _pieces(y: Array, steps: Any, dx: Array) -> Array:
    """Integrals over the intervals by the trapezoidal rule."""
    widths = dx if steps is None else steps
    return widths * (y[..., 1:] + y[..., :-1]) / 2


@_differentiated_as("trapezoid", "trapz")
def trapezoid(y: Array, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Array:
    """Integrate samples by the trapezoidal rule; by y, x and dx."""
    return np.sum(_pieces(*_last(y, x, axis), dx), axis=-1)


def _started(sums: Array, initial: Any) -> Array:
    """Cumulative sums, with what they start from in front if that is given."""
    if initial is None:
        return sums
    first = np.broadcast_to(initial, (*shape_of(sums)[:-1], 1))
    return np.concatenate([first, sums], axis=-1)


@_differentiated_as("cumulative_trapezoid", "cumtrapz")
def cumulative_trapezoid(
    y: Array, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None
) -> Array:
    """Integrate samples cumulatively by the trapezoidal rule; by y, x and dx."""
    sums = np.cumsum(_pieces(*_last(y, x, axis), dx), axis=-1)
    return np.moveaxis(_started(sums, initial), -1, axis)


# ---- Simpson's rule ------------------------------------------------------------------------------


def _parabolas(y: Array, steps: Any, dx: Array) -> tuple[Array, Array]:
    """Integrals of the parabola through each three samples, over its first and second interval.

    There is none through two samples at one place: SciPy has a third of the width times each of the
    outer samples, and of the interval that is left behind them its own share.
    """
    a, b, c = y[..., :-2], y[..., 1:-1], y[..., 2:]
    if steps is None:
        return _first_half(a, b, c, dx, dx), _first_half(c, b, a, dx, dx)
    h, k = steps[..., :-1], steps[..., 1:]
    meet = np.equal(primal(h), 0) | np.equal(primal(k), 0)
    if nowhere(meet):
        return _first_half(a, b, c, h, k), _first_half(c, b, a, k, h)
    p, q = np.where(meet, 1.0, h), np.where(meet, 1.0, k)
    first = np.where(meet, (h * c + (h + k) * a) / 3, _first_half(a, b, c, p, q))
    return first, np.where(meet, k * c / 3, _first_half(c, b, a, q, p))


def _first_half(a: Array, b: Array, c: Array, h: Array, k: Array) -> Array:
    """Integral from a to b of the parabola through a, b, c at distances h and k."""
    share = h / (h + k)
    rest = share * (h / k)  # squares of distances over- and underflow
    return h / 6 * ((3 - share) * a + (3 + rest + share) * b - rest * c)


@_differentiated_as("simpson", "simps")
def simpson(y: Array, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Array:
    """Integrate samples by Simpson's rule; by y, x and dx."""
    y, steps = _last(y, x, axis)
    n = shape_of(y)[-1]
    if n < 3:
        return np.sum(_pieces(y, steps, dx), axis=-1)
    first, second = _parabolas(y, steps, dx)
    total = np.sum((first + second)[..., ::2], axis=-1)
    if n % 2 == 0:
        # The last interval is that of the last parabola.
        total = total + second[..., -1]
    return total


@_differentiated_as("cumulative_simpson")
def cumulative_simpson(
    y: Array, *, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None
) -> Array:
    """Integrate samples cumulatively by Simpson's rule; by y, x and dx."""
    y, steps = _last(y, x, axis)
    n = shape_of(y)[-1]
    if n < 3:
        pieces = _pieces(y, steps, dx)
    else:
        # Intervals in turn are the first and the second of a parabola; the last is always second.
        first, second = _parabolas(y, steps, dx)
        place = onp.arange(n - 1)
        is_first = (place % 2 == 0) & (place < n - 2)
        before = np.concatenate([first, first[..., -1:]], axis=-1)
        after = np.concatenate([second[..., :1], second], axis=-1)
        pieces = np.where(is_first, before, after)
    sums = np.cumsum(pieces, axis=-1)
    if initial is not None:
        initial = as_float(initial)
        initial = np.moveaxis(initial, axis, -1) if initial.ndim else initial
        sums = _started(sums + np.broadcast_to(initial, (*shape_of(sums)[:-1], 1)), initial)
    return np.moveaxis(sums, -1, axis)


@_differentiated_as("romb")
def romb(y: Array, dx: Any = 1.0, axis: int = -1, show: bool = False) -> Array:
    """Integrate samples at equal distances by Romberg's rule; by y and dx."""
    n = y.shape[normalized_axis(axis, y.ndim)]
    weights = scipy.integrate.romb(onp.eye(n), axis=0)
    return dx * np.matmul(np.moveaxis(y, axis, -1), weights)
