"""BSpline and make_interp_spline, by coefficients, values and where they are asked."""

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
    getval,
    is_traced,
    recorded,
    shape_of,
    valued,
)
from .piecewise import rows
from .space import space


@recorded
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
        flat = np.matmul(np.transpose(basis), np.reshape(g, (shape_of(x)[0], -1)))
        return np.reshape(flat, (shape_of(c)[0], *rest))

    return vjp


def _slope(c: Array, x: Array, t: Any, k: int, nu: int, extrapolate: Any) -> Array:
    return spline_value(c, x, t, k, nu + 1, extrapolate)


def _vjp_x(ans: Array, c: Array, x: Array, t: Any, k: int, nu: int, extrapolate: Any) -> Any:
    def vjp(g: Array) -> Array:
        product = g * _slope(c, x, t, k, nu, extrapolate)
        return np.sum(np.reshape(product, (shape_of(x)[0], -1)), axis=1)

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


class Spline:
    """A spline like SciPy's, which it is made of, with coefficients that may be traced."""

    def __init__(self, plain: Any, c: Array) -> None:
        self._plain = plain
        self.c = c
        self.t, self.k, self.axis = plain.t, plain.k, plain.axis
        self.extrapolate = plain.extrapolate

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self._plain, name)
        if callable(found) and is_traced(self.c):
            raise NotImplementedError(
                f"BSpline.{name} has no derivative rule in fastad, and the coefficients are traced "
                "values"
            )
        return found

    def __call__(self, x: Array, nu: int = 0, extrapolate: Any = None) -> Array:
        """Evaluate the spline or its derivative of order nu; differentiable by x as well."""
        x = as_float(x)
        value = self._plain(getval(x), nu, extrapolate)
        if not is_traced(x, self.c):
            return value
        given = self.extrapolate if extrapolate is None else extrapolate
        flat = np.reshape(x, (-1,))
        c, n = as_float(self.c), len(self.t) - self.k - 1
        result = spline_value(c[:n], flat, self.t, self.k, nu, given)
        result = np.reshape(result, (*shape_of(x), *shape_of(c)[1:]))
        if self.axis:
            count, order = len(shape_of(x)), list(range(len(shape_of(result))))
            middle = count + self.axis
            result = np.transpose(result, [*order[count:middle], *order[:count], *order[middle:]])
        return valued(result, value)


def _enter(name: str, function: Any) -> None:
    function.__name__ = function.__qualname__ = name
    function.__module__ = "fastad.scipy.interpolate"
    space.entries[name] = function


def _bspline(t: Any, c: Array, k: int, extrapolate: Any = True, axis: int = 0) -> Spline:
    """A spline of given knots (plain) and coefficients; it is differentiable by these."""
    c = as_float(c)
    return Spline(
        scipy.interpolate.BSpline(getval(as_float(t)), getval(c), k, extrapolate, axis), c
    )


def _make_interp_spline(
    x: Array,
    y: Array,
    k: int = 3,
    t: Any = None,
    bc_type: Any = None,
    axis: int = 0,
    check_finite: bool = True,
) -> Spline:
    """Interpolate by a spline; differentiable by the values y and where the result is asked.

    The places x are plain: knots are made of them.
    """
    x, y = as_float(x), as_float(y)
    if is_traced(x, t):
        raise NotImplementedError(
            "scipy.interpolate.make_interp_spline: the arguments 'x' and 't' have no derivative "
            "rule in fastad (the values and the points of evaluation have); CubicSpline has one by "
            "its places"
        )
    plain = scipy.interpolate.make_interp_spline(x, getval(y), k, t, bc_type, axis, check_finite)
    if not is_traced(y):
        return Spline(plain, plain.c)
    x, y, axis = rows(x, y, axis)
    n = shape_of(x)[0]
    # Coefficients are linear in the values, but for what the ends are given.
    none = onp.zeros(n)
    homogeneous = bc_type
    if bc_type is not None and not isinstance(bc_type, str):
        homogeneous = tuple(
            end if end is None or isinstance(end, str) else [(order, none) for order, _ in end]
            for end in bc_type
        )
    matrix = scipy.interpolate.make_interp_spline(x, onp.eye(n), k, t, homogeneous).c
    flat = np.matmul(matrix, np.reshape(y, (n, -1)))
    c = np.reshape(flat, (len(matrix), *shape_of(y)[1:]))
    return Spline(plain, valued(c, plain.c))


_enter("BSpline", _bspline)
_enter("make_interp_spline", _make_interp_spline)
