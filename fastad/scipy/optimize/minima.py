"""Minima: minimize, minimize_scalar, least_squares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.optimize

from ... import numpy as np
from ..._core import primal
from ..._impl.operators.gradients import grad
from ..._impl.operators.jacobians import hessian, jacobian
from ...numpy.registry import as_value, is_differentiated
from ..host_calls import decided, depends, solved, watched
from ..registry import Array, as_float, shape_of, valued
from .constraints import Constraints, bounds_parts, constrained_minimum, minimize_plainly
from .space import Call, Solver, entry, followed, scalar_root

# ---- bounds --------------------------------------------------------------------------------------


class Box:
    """Lower and upper bounds of n variables, which may be traced."""

    def __init__(self, low: Any, high: Any, n: int) -> None:
        self.low = self._vector(low, -onp.inf, n)
        self.high = self._vector(high, onp.inf, n)

    @classmethod
    def of_pairs(cls, bounds: Any, n: int) -> Box:
        """From what `minimize` takes: `Bounds`, or a pair for each variable."""
        if isinstance(bounds, scipy.optimize.Bounds):
            return cls(bounds.lb, bounds.ub, n)
        return cls([pair[0] for pair in bounds], [pair[1] for pair in bounds], n)

    @staticmethod
    def _vector(values: Any, missing: float, n: int) -> Array:
        if isinstance(values, (list, tuple)):
            values = np.array([missing if value is None else value for value in values])
        return np.broadcast_to(as_float(values), (n,))

    def active(self, x: Any, slope: Any, curvature: Any) -> tuple[Any, Any]:
        """Where the minimum lies at the lower and at the upper bound, held there by the slope.

        That is where Newton's step of the variable alone would cross the bound: some methods stop
        at a small distance from it.
        """
        low, high = primal(self.low), primal(self.high)
        at_low = (slope > 0) & (slope > curvature * (x - low))
        at_high = (slope < 0) & (-slope > curvature * (high - x))
        finite_low, finite_high = low > -onp.inf, high < onp.inf
        same = low == high
        return decided((at_low & finite_low) | same), decided(at_high & finite_high & ~same)


def box_of(bounds: Any, n: int) -> Box | None:
    """From what `least_squares` takes: `Bounds`, or a pair of arrays or numbers."""
    if isinstance(bounds, scipy.optimize.Bounds):
        bounds = bounds.lb, bounds.ub
    low, high = bounds
    if not depends(low, high) and onp.all(onp.isneginf(low)) and onp.all(onp.isposinf(high)):
        return None
    return Box(low, high, n)


def _slope(function: Callable[[Array], Array], x: Array) -> Array:
    return grad(function)(x)


def _hessian(function: Callable[[Array], Array], x: Array) -> Array:
    return hessian(function)(x)


def minimum(
    name: str,
    function: Callable[[Array], Array],
    bare: Callable[[Array], Array],
    x: Any,
    box: Box | None = None,
) -> Array:
    """The minimum x of a function of a vector that depends on traced values.

    Its gradient by the free variables is zero; those at a bound move with the bound.
    """
    matrix = primal(_hessian(bare, x))
    what = "the Hessian of the free variables"
    if box is None:
        solver = Solver.of_matrix(matrix, name, what)
        return followed(name, lambda y: _slope(function, y), x, solver)
    n = shape_of(x)[0]
    free = onp.arange(n)
    fixed: Array = None
    with onp.errstate(invalid="ignore"):
        at_low, at_high = box.active(x, primal(_slope(bare, x)), np.diagonal(matrix))
    free = onp.flatnonzero(~(at_low | at_high))
    if len(free) < n:
        bound = np.where(at_low, box.low, np.where(at_high, box.high, 0.0))
        fixed = np.where(at_low | at_high, bound, 0.0)
    place = onp.eye(n)[:, free]

    def whole(y: Array) -> Array:
        return y if fixed is None else np.matmul(place, y) + fixed

    moved = fixed
    if len(free):
        solver = Solver.of_matrix(matrix[onp.ix_(free, free)], name, what)
        moved = whole(followed(name, lambda y: _slope(function, whole(y))[free], x[free], solver))
    return valued(moved, x) if is_differentiated(moved) else x


def _value_at(function: Callable[[Array], Array], x: Array, value: Any) -> Any:
    """SciPy's value at the minimum, with the derivatives of the function there."""
    moved = as_float(function(x))
    return valued(moved, value) if is_differentiated(moved) else value


@entry("minimize")
def minimize(
    fun: Callable[..., Any],
    x0: Any,
    args: Any = (),
    method: Any = None,
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    tol: Any = None,
    callback: Any = None,
    options: Any = None,
) -> Any:
    """Find a local minimum; `x` and `fun` of the result are differentiable.

    By everything traced that `fun` reads, in `args` or from outside, and by the bounds. Rule:
    dx = -H^-1 d(grad fun), with the Hessian H of the free variables at the minimum by automatic
    differentiation, whatever the method; a variable that a bound holds moves with the bound. It
    costs one Hessian, and one gradient for each order. Derivatives are as exact as the minimum is:
    ask for a small tolerance. The derivative by `x0` is zero; the rest of the result (`jac`,
    `hess_inv`) is plain.

    Under `constraints`, whose functions, matrices and bounds may be traced as well, x and the
    multipliers m of the rows c that hold are the root of grad(fun - m c) = 0, c = 0 (Karush, Kuhn
    and Tucker; Fiacco, 1976). A row holds that the minimum of the quadratic model presses against;
    rows that hold must be independent.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> from fastad.scipy.optimize import minimize
    >>> def closest(a):
    ...     return minimize(lambda x, a: np.sum((x - a) ** 2), np.zeros(2), args=(a,)).x[0]
    >>> round(float(grad(closest)(np.array([1.0, 2.0]))[0]), 6)
    1.0
    """
    call = Call(fun, args, first=jac is True)
    given = None if _is_none(constraints) else Constraints(constraints)
    found = solved(
        minimize_plainly,
        () if given is None else given.parts,
        bounds_parts(bounds),
        call.watched,
        x0,
        call.args,
        method,
        watched(jac),
        watched(hess),
        watched(hessp),
        tol,
        callback,
        options,
    )
    if not call.traced and not _traced_bounds(bounds) and (given is None or not given.traced):
        return found
    box = None if bounds is None else Box.of_pairs(bounds, shape_of(found.x)[0])
    function, bare = _number(call.function), _number(call.bare)
    if given is None:
        found.x = minimum("minimize", function, bare, found.x, box)
    else:
        limits = None if box is None else (box.low, box.high)
        found.x = constrained_minimum(function, bare, found.x, given, limits)
    found.fun = _value_at(_number(call.function), found.x, found.fun)
    return found


def _number(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The function as a number, where it gives an array of one entry."""

    def value(x: Array) -> Array:
        result = as_value(function(x))
        return np.reshape(result, ()) if shape_of(result) else result

    return value


def _is_none(constraints: Any) -> bool:
    return constraints is None or (isinstance(constraints, (tuple, list)) and not constraints)


def _traced_bounds(bounds: Any) -> bool:
    if isinstance(bounds, scipy.optimize.Bounds):
        return depends(bounds.lb, bounds.ub)
    return depends(bounds)


@entry("minimize_scalar")
def minimize_scalar(
    fun: Callable[..., Any],
    bracket: Any = None,
    bounds: Any = None,
    args: Any = (),
    method: Any = None,
    tol: Any = None,
    options: Any = None,
) -> Any:
    """Find a local minimum of a function of a number; `x` and `fun` are differentiable.

    Rule: dx = -d(fun') / fun''. A minimum at an end of the bounds (`method="bounded"`) is where
    the slope is not zero: it moves with the bound.

    Examples
    --------
    >>> from fastad import grad
    >>> from fastad.scipy.optimize import minimize_scalar
    >>> def lowest(a):
    ...     return minimize_scalar(lambda x: (x - a * a) ** 2).x
    >>> round(float(grad(lowest)(3.0)), 6)
    6.0
    """
    call = Call(fun, args)
    found: Any = solved(
        scipy.optimize.minimize_scalar,
        call.watched,
        bracket,
        bounds,
        call.args,
        method,
        tol,
        options,
    )
    if call.traced or depends(bounds):
        found.x = _scalar_minimum("minimize_scalar", call, found.x, bounds)
        found.fun = _value_at(call.function, found.x, found.fun)
    return found


def _scalar_minimum(name: str, call: Call, x: Any, bounds: Any) -> Array:
    """The minimum of a function of a number, with its derivatives."""
    if bounds is None:
        return scalar_root(name, grad(call.function), grad(call.bare), x)
    moved = minimum(
        name,
        lambda x: call.function(x[0]),
        lambda x: call.bare(x[0]),
        np.array([as_float(x)]),
        Box(bounds[0], bounds[1], 1),
    )[0]
    return valued(moved, x) if is_differentiated(moved) else x


def _searched(name: str, call: Call, found: Any, bounds: Any = None) -> Any:
    """What a search of SciPy's found: the minimum, or a tuple that begins with it and its value."""
    if not call.traced and not depends(bounds):
        return found
    if not isinstance(found, tuple):
        return _scalar_minimum(name, call, found, bounds)
    x = _scalar_minimum(name, call, found[0], bounds)
    return (x, _value_at(call.function, x, found[1]), *found[2:])


@entry("brent")
def brent(
    func: Callable[..., Any],
    args: Any = (),
    brack: Any = None,
    tol: float = 1.48e-8,
    full_output: int = 0,
    maxiter: int = 500,
) -> Any:
    """Find a local minimum of a function of a number, by the rule of `minimize_scalar`.

    Examples
    --------
    >>> from fastad import grad
    >>> from fastad.scipy.optimize import brent
    >>> round(float(grad(lambda a: brent(lambda x: (x - a * a) ** 2))(3.0)), 6)
    6.0
    """
    call = Call(func, args)
    solver = scipy.optimize.brent
    found = solved(solver, call.watched, call.args, brack, tol, full_output, maxiter)
    return _searched("brent", call, found)


@entry("golden")
def golden(
    func: Callable[..., Any],
    args: Any = (),
    brack: Any = None,
    tol: float = 2.0**-26,  # the square root of eps
    full_output: int = 0,
    maxiter: int = 5000,
) -> Any:
    """Find a local minimum of a function of a number, by the rule of `minimize_scalar`.

    Examples
    --------
    >>> from fastad import grad
    >>> from fastad.scipy.optimize import golden
    >>> round(float(grad(lambda a: golden(lambda x: (x - a * a) ** 2))(3.0)), 6)
    6.0
    """
    call = Call(func, args)
    solver = scipy.optimize.golden
    found = solved(solver, call.watched, call.args, brack, tol, full_output, maxiter)
    return _searched("golden", call, found)


@entry("fminbound")
def fminbound(
    func: Callable[..., Any],
    x1: Any,
    x2: Any,
    args: Any = (),
    xtol: float = 1e-5,
    maxfun: int = 500,
    full_output: int = 0,
    disp: int = 1,
) -> Any:
    """Find a minimum between x1 and x2, by the rule of `minimize_scalar(method="bounded")`.

    Examples
    --------
    >>> from fastad import grad
    >>> from fastad.scipy.optimize import fminbound
    >>> round(float(grad(lambda a: fminbound(lambda x: (x - a * a) ** 2, 0, 20))(3.0)), 4)
    6.0
    """
    call = Call(func, args)
    solver = scipy.optimize.fminbound
    found = solved(solver, call.watched, x1, x2, call.args, xtol, maxfun, full_output, disp)
    return _searched("fminbound", call, found, (x1, x2))


@entry("least_squares")
def least_squares(
    fun: Callable[..., Any],
    x0: Any,
    jac: Any = "2-point",
    bounds: Any = (-onp.inf, onp.inf),
    method: str = "trf",
    *more: Any,
    args: Any = (),
    kwargs: Any = None,
    **options: Any,
) -> Any:
    """Find a least-squares solution; `x`, `cost`, `fun` and a dense `jac` are differentiable.

    It is a minimum of half the sum of squares, by the rule of `minimize` with the whole Hessian.
    Other losses than "linear" are refused with traced values.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> from fastad.scipy.optimize import least_squares
    >>> def rate(y):  # of the line through the origin that is nearest to the points
    ...     return least_squares(lambda k: k[0] * np.array([1.0, 2.0]) - y, [1.0]).x[0]
    >>> np.round(grad(rate)(np.array([1.0, 3.0])), 6)
    array([0.2, 0.4])
    """
    names = "ftol xtol gtol x_scale loss".split()
    options.update(zip(names, more))
    keywords = {} if kwargs is None else kwargs
    call = Call(lambda x, *rest: fun(x, *rest, **keywords), args)
    if isinstance(bounds, scipy.optimize.Bounds):
        bounds = bounds.lb, bounds.ub
    found = solved(
        scipy.optimize.least_squares,
        call.watched,
        x0,
        _with_keywords(jac, keywords),
        bounds,
        method,
        args=call.args,
        **options,
    )
    if not call.traced and not _traced_bounds(bounds):
        return found
    if options.get("loss", "linear") != "linear":
        raise NotImplementedError(
            "scipy.optimize.least_squares: the argument 'loss' is not supported with traced values "
            "in fastad but for 'linear'; write the loss with scipy.optimize.minimize"
        )

    def half_squares(residuals: Callable[[Array], Array]) -> Callable[[Array], Array]:
        return lambda x: 0.5 * np.sum(as_float(residuals(x)) ** 2)

    box = box_of(bounds, shape_of(found.x)[0])
    cost = half_squares(call.function)
    found.x = minimum("least_squares", cost, half_squares(call.bare), found.x, box)
    found.cost = _value_at(cost, found.x, found.cost)

    def residuals(x: Array) -> Array:
        return np.ravel(call.function(x))

    found.fun = _value_at(residuals, found.x, found.fun)
    if not hasattr(found.jac, "matvec") and not hasattr(found.jac, "toarray"):
        # Its mean with the residuals, the gradient of the cost, vanishes but at bounds.
        found.jac = _value_at(jacobian(residuals), found.x, found.jac)
        if box is not None:
            found.grad = _value_at(grad(cost), found.x, found.grad)
    return found


def _with_keywords(jac: Any, keywords: Any) -> Any:
    if not callable(jac):
        return jac
    return watched(lambda x, *rest: jac(x, *rest, **keywords))
