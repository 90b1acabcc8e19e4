"""Piecewise polynomials whose coefficients, breakpoints and arguments may be traced.

Values are SciPy's own, each one operation; the functions below are what they are differentiated as.
"""

from __future__ import annotations

from typing import Any

import numpy as onp
import scipy.interpolate

from ... import numpy as np
from ...numpy.registry import getitem, helper, normalized_axis, primal
from ..registry import Array, as_float, is_traced, shape_of

# ---- values and what they are differentiated as --------------------------------------------------


def double(c: Any) -> Any:
    """Coefficients in double precision, real or complex."""
    return onp.asarray(c, onp.complex128 if c.dtype.kind == "c" else onp.float64)


def _scipys(c: Any, x: Any, extrapolate: Any = True, axis: int = 0) -> Any:
    # What constructs fast takes double precision and native bytes alone.
    x = onp.asarray(x, onp.float64)
    return scipy.interpolate.PPoly.construct_fast(double(c), x, extrapolate, axis)


def _evaluated(c: Array, breaks: Array, x: Array, nu: int, extrapolate: Any, axis: int) -> Array:
    """The derivative of order nu at x; the interpolated axis is where `axis` says."""
    shape, flat = shape_of(x), np.reshape(as_float(x), (-1,))
    ends = primal(breaks)
    if extrapolate == "periodic":
        turns = np.floor((primal(flat) - ends[0]) / (ends[-1] - ends[0]))
        flat = flat - turns * (breaks[-1] - breaks[0])
    place = np.searchsorted(ends, primal(flat), side="right") - 1
    at = np.clip(place, 0, shape_of(breaks)[0] - 2)
    pieces = getitem(c, (slice(None), at))
    lead = (-1,) + (1,) * (len(shape_of(pieces)) - 2)
    result = _polynomial(pieces, np.reshape(flat - getitem(breaks, at), lead), nu)
    if extrapolate is False:
        outside = (primal(flat) < ends[0]) | (primal(flat) > ends[-1])
        result = np.where(np.reshape(outside, lead), onp.nan, result)
    result = np.reshape(result, shape + shape_of(pieces)[2:])
    return values_at(result, len(shape), axis)


def values_at(result: Array, count: int, axis: int) -> Array:
    """Move the first axes, as many as the places have, to where the interpolated axis was."""
    if not axis:
        return result
    order = list(range(len(shape_of(result))))
    return np.transpose(
        result, [*order[count : count + axis], *order[:count], *order[count + axis :]]
    )


def _polynomial(c: Array, x: Array, nu: int) -> Array:
    """Derivative of order nu of the polynomials with coefficients c, the highest first."""
    k = shape_of(c)[0]
    result: Array = 0 * c[0]
    for i in range(k - nu):
        power = k - 1 - i
        factor = float(onp.prod(onp.arange(power - nu + 1, power + 1)))
        result = result * x + factor * c[i]
    return result


def _differentiated(c: Array, nu: int) -> Array:
    for _ in range(nu):
        k = shape_of(c)[0]
        if k == 1:
            c = 0 * c
            continue
        powers = onp.arange(k - 1, 0, -1.0)
        c = c[:-1] * powers.reshape((-1,) + (1,) * (len(shape_of(c)) - 1))
    return c


def _integrated(c: Array, x: Array, nu: int) -> Array:
    for _ in range(nu):
        ones = (1,) * (len(shape_of(c)) - 2)
        powers = onp.arange(shape_of(c)[0], 0, -1.0).reshape((-1, 1, *ones))
        c = c / powers
        widths = np.reshape(x[1:] - x[:-1], (-1, *ones))
        whole = _polynomial(np.concatenate([c, 0 * c[:1]]), widths, 0)
        before = np.concatenate([0 * whole[:1], np.cumsum(whole, axis=0)[:-1]])
        c = np.concatenate([c, before[None]])
    return c


def _between(c: Array, x: Array, a: Array, b: Array, extrapolate: Any) -> Array:
    if extrapolate == "periodic":
        raise NotImplementedError(
            "scipy.interpolate: an integral with extrapolate='periodic' has no derivative rule in "
            "fastad; integrate over parts of one period"
        )
    whole = _integrated(c, x, 1)
    return _evaluated(whole, x, b, 0, extrapolate, 0) - _evaluated(whole, x, a, 0, extrapolate, 0)


def evaluated(c: Any, breaks: Any, x: Any, nu: int, extrapolate: Any, axis: int) -> Any:
    """SciPy's values of a piecewise polynomial."""
    return _scipys(c, breaks, extrapolate, axis)(x, nu)


def differentiated(c: Any, nu: int) -> Any:
    """SciPy's coefficients of the derivative of order nu."""
    return _scipys(c, onp.arange(c.shape[1] + 1.0)).derivative(nu).c


def integrated(c: Any, x: Any, nu: int) -> Any:
    """SciPy's coefficients of the antiderivative of order nu."""
    return _scipys(c, x).antiderivative(nu).c


def between(c: Any, x: Any, a: Any, b: Any, extrapolate: Any) -> Any:
    """SciPy's integral from a to b."""
    return _scipys(c, x).integrate(a, b, extrapolate)


_evaluate = helper(evaluated, _evaluated)
_differentiate = helper(differentiated, _differentiated)
_integrate = helper(integrated, _integrated)
_integrate_between = helper(between, _between)


# ---- what stands for SciPy's object --------------------------------------------------------------


class Piecewise:
    """A piecewise polynomial like SciPy's.

    Parameters
    ----------
    kind : type
        SciPy's class of it.
    c : array
        Its coefficients: the highest power first, a polynomial for each interval along the second
        axis.
    x : array
        Its breakpoints.
    extrapolate : bool or 'periodic'
    axis : int
        Of the values, the one that was interpolated.
    plain : optional
        SciPy's own object where nothing is traced; it answers everything else.
    """

    def __init__(
        self, kind: Any, c: Array, x: Array, extrapolate: Any, axis: int, plain: Any = None
    ) -> None:
        self._kind = kind
        self._plain = plain
        self.c = c
        self.x = x
        self.axis = axis
        self.extrapolate = extrapolate

    @classmethod
    def of(cls, plain: Any) -> Piecewise:
        """One that stands for an object of SciPy's."""
        return cls(type(plain), plain.c, plain.x, plain.extrapolate, plain.axis, plain)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self._plain is not None:
            return getattr(self._plain, name)
        getattr(self._kind, name)
        raise NotImplementedError(
            f"{self._kind.__name__}.{name} has no derivative rule in fastad, and it is made of "
            "traced values"
        )

    def __call__(self, x: Array, nu: int = 0, extrapolate: Any = None) -> Array:
        """Evaluate the function or its derivative of order nu; differentiable by x as well."""
        if extrapolate is None:
            extrapolate = self.extrapolate
        if self._plain is not None and not is_traced(x):
            return self._plain(x, nu, extrapolate)
        return _evaluate(self.c, self.x, as_float(x), nu, extrapolate, self.axis)

    def derivative(self, nu: int = 1) -> Piecewise:
        """The derivative of order nu, a piecewise polynomial."""
        if nu < 0:
            return self.antiderivative(-nu)
        if self._plain is not None:
            return Piecewise.of(self._plain.derivative(nu))
        c = _differentiate(self.c, nu)
        return Piecewise(self._kind, c, self.x, self.extrapolate, self.axis)

    def antiderivative(self, nu: int = 1) -> Piecewise:
        """The antiderivative of order nu that is zero at the first breakpoint."""
        if nu <= 0:
            return self.derivative(-nu)
        if self._plain is not None:
            return Piecewise.of(self._plain.antiderivative(nu))
        extrapolate = False if self.extrapolate == "periodic" else self.extrapolate
        c = _integrate(self.c, self.x, nu)
        return Piecewise(self._kind, c, self.x, extrapolate, self.axis)

    def integrate(self, a: Array, b: Array, extrapolate: Any = None) -> Array:
        """The integral from a to b."""
        if extrapolate is None:
            extrapolate = self.extrapolate
        if self._plain is not None and not is_traced(a, b):
            return self._plain.integrate(a, b, extrapolate)
        return _integrate_between(self.c, self.x, a, b, extrapolate)


def rows(x: Array, y: Array, axis: int) -> tuple[Array, Array, int]:
    """Places, values with the interpolated axis first, and which axis that was."""
    x, y = as_float(x), as_float(y)
    axis = normalized_axis(axis, y.ndim)
    return x, np.moveaxis(y, axis, 0), axis


def along(x: Array, y: Array) -> Array:
    """Something for each place, to be combined with values."""
    return np.reshape(x, (-1,) + (1,) * (len(shape_of(y)) - 1))
