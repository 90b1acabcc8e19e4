"""BSpline and make_interp_spline, by coefficients, values, knots and where they are asked."""

from __future__ import annotations

import math
from typing import Any

import numpy as onp
import scipy.interpolate

from ... import numpy as np
from ...numpy.registry import is_differentiated, normalized_axis
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
from .knots import end_conditions, interpolated, knots_of, recursion
from .piecewise import double, rows, values_at
from .space import space


@helper
def spline_value(c: Any, x: Any, t: Any, k: int, nu: int, extrapolate: Any) -> Any:
    """Derivative of order nu of the spline with coefficients c along the first axis, at many x."""
    if nu > k:
        return onp.zeros(onp.shape(x) + onp.shape(c)[1:])
    return scipy.interpolate.BSpline(t, c, k, extrapolate)(x, nu)


def _basis(c: Array, x: Array, t: Any, k: int, nu: int, extrapolate: Any) -> Array:
    """Values of the basis at x: a row for each place."""
    return spline_value(onp.eye(shape_of(c)[0]), x, t, k, nu, extrapolate)


def _vjp_c(ans: Array, c: Array, x: Array, t: Any, k: int, nu: int, extrapolate: Any) -> Any:
    def vjp(g: Array) -> Array:
        basis = _basis(c, x, t, k, nu, extrapolate)
        rest = shape_of(c)[1:]
        flat = np.matmul(np.transpose(basis), np.reshape(g, (shape_of(x)[0], math.prod(rest))))
        return np.reshape(flat, (shape_of(c)[0], *rest))

    return vjp


def _slope(c: Array, x: Array, t: Any, k: int, nu: int, extrapolate: Any) -> Array:
    return spline_value(c, x, t, k, nu + 1, extrapolate)


def _vjp_x(ans: Array, c: Array, x: Array, t: Any, k: int, nu: int, extrapolate: Any) -> Any:
    def vjp(g: Array) -> Array:
        product = g * _slope(c, x, t, k, nu, extrapolate)
        return np.sum(product, axis=tuple(range(1, len(shape_of(product)))))

    return vjp


def _jvp_x(
    s: Array, ans: Array, c: Array, x: Array, t: Any, k: int, nu: int, extrapolate: Any
) -> Array:
    lead = np.reshape(s, (-1,) + (1,) * (len(shape_of(ans)) - 1))
    return lead * _slope(c, x, t, k, nu, extrapolate)


defvjp(spline_value, _vjp_c, _vjp_x)
defjvp(
    spline_value,
    lambda s, ans, c, x, t, k, nu, extrapolate: spline_value(s, x, t, k, nu, extrapolate),
    _jvp_x,
)


def _called(c: Array, x: Array, t: Any, k: int, nu: int, extrapolate: Any, axis: int) -> Array:
    flat, n = np.reshape(x, (-1,)), shape_of(t)[0] - k - 1
    value = recursion if is_differentiated(t) else spline_value
    result = value(c[:n], flat, t, k, nu, extrapolate)
    count = len(shape_of(x))
    return values_at(np.reshape(result, (*shape_of(x), *shape_of(c)[1:])), count, axis)


def called(c: Any, x: Any, t: Any, k: int, nu: int, extrapolate: Any, axis: int) -> Any:
    """SciPy's values of a spline."""
    # What constructs fast takes double precision alone.
    t, c = onp.ascontiguousarray(t, onp.float64), double(c)
    return scipy.interpolate.BSpline.construct_fast(t, c, k, extrapolate, axis)(x, nu)


_call = helper(called, _called)


class Spline:
    """A spline like SciPy's, with coefficients that may be traced.

    Parameters
    ----------
    t, c : array
        Knots and coefficients.
    k : int
        The degree.
    extrapolate : bool or 'periodic'
    axis : int
        Of the values, the one that was interpolated.
    plain : scipy.interpolate.BSpline, optional
        SciPy's own object where nothing is traced; it answers everything else.
    """

    def __init__(
        self, t: Array, c: Array, k: int, extrapolate: Any, axis: int, plain: Any = None
    ) -> None:
        self._plain = plain
        self.t, self.c, self.k = t, c, k
        self.extrapolate, self.axis = extrapolate, axis

    @classmethod
    def of(cls, plain: Any) -> Spline:
        """One that stands for an object of SciPy's."""
        return cls(plain.t, plain.c, plain.k, plain.extrapolate, plain.axis, plain)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self._plain is not None:
            return getattr(self._plain, name)
        getattr(scipy.interpolate.BSpline, name)
        raise NotImplementedError(
            f"BSpline.{name} has no derivative rule in fastad, and it is made of traced values"
        )

    def __call__(self, x: Array, nu: int = 0, extrapolate: Any = None) -> Array:
        """Evaluate the spline or its derivative of order nu; differentiable by x as well."""
        if extrapolate is None:
            extrapolate = self.extrapolate
        if self._plain is not None and not is_traced(x):
            return self._plain(x, nu, extrapolate)
        c = as_float(self.c)
        return _call(c, as_float(x), self.t, self.k, nu, extrapolate, self.axis)


def _enter(name: str, function: Any) -> None:
    function.__name__ = function.__qualname__ = name
    function.__module__ = "fastad.scipy.interpolate"
    space.entries[name] = function


def _first(c: Array, t: Any, k: int, axis: int) -> Array:
    return np.moveaxis(c, axis, 0)


def first(c: Any, t: Any, k: int, axis: int) -> Any:
    """The coefficients as SciPy keeps and checks them, along the first axis."""
    return scipy.interpolate.BSpline(t, c, k, True, axis).c


_coefficients = helper(first, _first)


def _bspline(t: Any, c: Array, k: int, extrapolate: Any = True, axis: int = 0) -> Spline:
    """A spline of given knots and coefficients; it is differentiable by both.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> from fastad.scipy.interpolate import BSpline
    >>> grad(lambda c: BSpline(np.array([0.0, 0.0, 1.0, 1.0]), c, 1)(0.25))(np.array([3.0, 5.0]))
    array([0.75, 0.25])
    """
    t, c = as_float(t), as_float(c)
    if not is_traced(t, c):
        return Spline.of(scipy.interpolate.BSpline(t, c, k, extrapolate, axis))
    if extrapolate != "periodic":
        extrapolate = bool(extrapolate)
    axis = normalized_axis(axis, c.ndim)
    return Spline(t, _coefficients(c, primal(t), k, axis), k, extrapolate, axis)


def _interpolating(
    y: Array, x: Any, k: int, t: Any, bc_type: Any, axis: int, check_finite: bool
) -> Array:
    x, y, axis = rows(x, y, axis)
    n = shape_of(x)[0]
    # Coefficients are linear in the values, but for what the ends are given.
    none, units = onp.zeros(n), onp.eye(n)
    if bc_type == "periodic":  # the last value is the first one
        y, units = y[:-1], onp.concatenate([units[:-1, :-1], units[:1, :-1]])
    homogeneous = bc_type
    if bc_type is not None and not isinstance(bc_type, str):
        homogeneous = tuple(
            end if end is None or isinstance(end, str) else [(order, none) for order, _ in end]
            for end in bc_type
        )
    matrix = _interpolate(units, x, k, t, homogeneous, 0, check_finite)
    flat = np.matmul(matrix, np.reshape(y, (shape_of(y)[0], -1)))
    return np.reshape(flat, (len(matrix), *shape_of(y)[1:]))


def interpolating(
    y: Any, x: Any, k: int, t: Any, bc_type: Any, axis: int, check_finite: bool
) -> Any:
    """SciPy's coefficients of the interpolating spline."""
    return scipy.interpolate.make_interp_spline(x, y, k, t, bc_type, axis, check_finite).c


def interpolating_knots(y: Any, x: Any, *given: Any) -> Any:
    """SciPy's knots of the interpolating spline."""
    return scipy.interpolate.make_interp_spline(x, y, *given).t


_interpolate = helper(interpolating, _interpolating)
_interpolate_knots = helper(interpolating_knots)


def _make_interp_spline(
    x: Array,
    y: Array,
    k: int = 3,
    t: Any = None,
    bc_type: Any = None,
    axis: int = 0,
    check_finite: bool = True,
) -> Spline:
    """Interpolate by a spline; differentiable by values, places, knots and where it is asked.

    Not by the places and knots of a periodic one. The knots that are chosen move with the places.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> from fastad.scipy.interpolate import make_interp_spline
    >>> x = np.array([0.0, 1.0, 2.0])
    >>> grad(lambda y: make_interp_spline(x, y, k=1)(0.25))(np.array([3.0, 5.0, 4.0]))
    array([0.75, 0.25, 0.  ])
    """
    x, y = as_float(x), as_float(y)
    given = (k, t, bc_type, axis, check_finite)
    if not is_traced(x, y, t):
        return Spline.of(scipy.interpolate.make_interp_spline(x, y, *given))
    if is_differentiated(x) or is_differentiated(t):
        if isinstance(bc_type, str) and bc_type == "periodic":
            raise NotImplementedError(
                "scipy.interpolate.make_interp_spline: bc_type='periodic' has no derivative rule "
                "in fastad by places and knots (by the values it has); CubicSpline has one by its "
                "places"
            )
        if t is None:
            t = knots_of(x, k, any(end is not None for end in end_conditions(bc_type)))
        c = interpolated(y, x, as_float(t), k, bc_type, axis, check_finite)
        return Spline(t, c, k, True, normalized_axis(axis, y.ndim))
    knots = _interpolate_knots(primal(y), x, *given)
    c = _interpolate(y, x, *given)
    extrapolate = "periodic" if bc_type == "periodic" and k > 1 else True
    return Spline(knots, c, k, extrapolate, normalized_axis(axis, y.ndim))


_enter("BSpline", _bspline)
_enter("make_interp_spline", _make_interp_spline)
