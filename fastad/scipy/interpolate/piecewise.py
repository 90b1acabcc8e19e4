"""Piecewise polynomials whose coefficients, breakpoints and arguments may be traced."""

from __future__ import annotations

from typing import Any

import numpy as onp

from ... import numpy as np
from ..._core import getval
from ...numpy.registry import normalized_axis
from ..registry import Array, as_float, is_traced, shape_of, valued


class Piecewise:
    """A piecewise polynomial like SciPy's, which it is made of.

    Parameters
    ----------
    plain : scipy.interpolate.PPoly
        SciPy's, of plain numbers: where values come from, and what answers everything else.
    c : array
        Its coefficients with their derivatives: the highest power first, a polynomial for each
        interval along the second axis.
    x : array
        Its breakpoints with their derivatives.
    """

    def __init__(self, plain: Any, c: Array, x: Array) -> None:
        self._plain = plain
        self.c = c
        self.x = x
        self.axis = plain.axis
        self.extrapolate = plain.extrapolate

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self._plain, name)
        if callable(found) and is_traced(self.c, self.x):
            raise NotImplementedError(
                f"{type(self._plain).__name__}.{name} has no derivative rule in fastad, and it is "
                "made of traced values"
            )
        return found

    def __call__(self, x: Array, nu: int = 0, extrapolate: Any = None) -> Array:
        """Evaluate the function or its derivative of order nu; differentiable by x as well."""
        x = x if is_traced(x) else as_float(x)
        value = self._plain(getval(x), nu, extrapolate)
        if not is_traced(x, self.c, self.x):
            return value
        x = as_float(x)
        if extrapolate is None:
            extrapolate = self.extrapolate
        shape, flat = shape_of(x), np.reshape(x, (-1,))
        breaks = onp.asarray(getval(self.x))
        if extrapolate == "periodic":
            period = self.x[-1] - self.x[0]
            turns = onp.floor((getval(flat) - breaks[0]) / (breaks[-1] - breaks[0]))
            flat = flat - turns * period
        at = onp.clip(onp.searchsorted(breaks, getval(flat), side="right") - 1, 0, len(breaks) - 2)
        pieces = self.c[:, at]
        lead = (-1,) + (1,) * (len(shape_of(pieces)) - 2)
        away = np.reshape(flat - self.x[at], lead)
        result = _polynomial(pieces, away, nu)
        if extrapolate is False:
            outside = (getval(flat) < breaks[0]) | (getval(flat) > breaks[-1])
            result = np.where(onp.reshape(outside, lead), onp.nan, result)
        result = np.reshape(result, shape + shape_of(pieces)[2:])
        if self.axis:
            # The values' axes stand where the axis of interpolation was.
            order = list(range(len(shape_of(result))))
            count = len(shape)
            order = [
                *order[count : count + self.axis],
                *order[:count],
                *order[count + self.axis :],
            ]
            result = np.transpose(result, order)
        return valued(result, value)

    def derivative(self, nu: int = 1) -> Piecewise:
        """The derivative of order nu, a piecewise polynomial."""
        if nu < 0:
            return self.antiderivative(-nu)
        c = self.c
        for _ in range(nu):
            k = shape_of(c)[0]
            if k == 1:
                c = 0 * c
                continue
            powers = onp.arange(k - 1, 0, -1.0)
            c = c[:-1] * powers.reshape((-1,) + (1,) * (len(shape_of(c)) - 1))
        return Piecewise(self._plain.derivative(nu), c, self.x)

    def antiderivative(self, nu: int = 1) -> Piecewise:
        """The antiderivative of order nu that is zero at the first breakpoint."""
        if nu <= 0:
            return self.derivative(-nu)
        found = self
        for _ in range(nu):
            found = found._integrated()
        return Piecewise(self._plain.antiderivative(nu), found.c, found.x)

    def _integrated(self) -> Piecewise:
        k = shape_of(self.c)[0]
        ones = (1,) * (len(shape_of(self.c)) - 2)
        powers = onp.arange(k, 0, -1.0).reshape((-1, 1, *ones))
        c = self.c / powers
        widths = np.reshape(self.x[1:] - self.x[:-1], (-1, *ones))
        whole = _polynomial(np.concatenate([c, 0 * c[:1]]), widths, 0)
        before = np.concatenate([0 * whole[:1], np.cumsum(whole, axis=0)[:-1]])
        return Piecewise(self._plain.antiderivative(), np.concatenate([c, before[None]]), self.x)

    def integrate(self, a: Array, b: Array, extrapolate: Any = None) -> Array:
        """The integral from a to b."""
        if extrapolate is None:
            extrapolate = self.extrapolate
        value = self._plain.integrate(getval(a), getval(b), extrapolate)
        if not is_traced(a, b, self.c, self.x):
            return value
        if extrapolate == "periodic":
            raise NotImplementedError(
                f"{type(self._plain).__name__}.integrate with extrapolate='periodic' has no "
                "derivative rule in fastad"
            )
        whole = self.antiderivative()
        return valued(whole(b, extrapolate=extrapolate) - whole(a, extrapolate=extrapolate), value)


def _polynomial(c: Array, x: Array, nu: int) -> Array:
    """Derivative of order nu of the polynomials with coefficients c, the highest first."""
    k = shape_of(c)[0]
    result: Array = 0 * c[0]
    for i in range(k - nu):
        power = k - 1 - i
        factor = float(onp.prod(onp.arange(power - nu + 1, power + 1)))
        result = result * x + factor * c[i]
    return result


def rows(x: Array, y: Array, axis: int) -> tuple[Array, Array, int]:
    """Places, values with the interpolated axis first, and which axis that was."""
    x, y = as_float(x), as_float(y)
    axis = normalized_axis(axis, y.ndim)
    return x, np.moveaxis(y, axis, 0), axis


def along(x: Array, y: Array) -> Array:
    """Something for each place, to be combined with values."""
    return np.reshape(x, (-1,) + (1,) * (len(shape_of(y)) - 1))
