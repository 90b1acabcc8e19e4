"""curve_fit, nnls and linprog: what data, matrices and bounds do to the solution."""

from __future__ import annotations

from typing import Any

import numpy as onp
import scipy.optimize

from ... import numpy as np
from ..._core import defjvp_argnums, defvjp_argnums, isbox, make_jvp, make_vjp
from ..._impl.operators.jacobians import jacobian
from ...numpy.registry import is_differentiated
from ..host_calls import decided, depends, is_closed, settled, solved, without_derivatives
from ..linalg.space import space as linalg
from ..registry import Array, as_float, helper, primal, shape_of, valued
from .minima import Box, box_of, minimum
from .space import Call, entry, space

# ---- curves --------------------------------------------------------------------------------------


def _residuals(call: Any, x: Any, y: Array, sigma: Any) -> Any:
    """The function of the parameters whose squares are summed."""
    y = np.ravel(as_float(y))

    def residuals(p: Array) -> Array:
        rest = np.ravel(as_float(call(x, *(p[i] for i in range(shape_of(p)[0]))))) - y
        if sigma is None:
            return rest
        spread = as_float(sigma)
        if spread.ndim < 2:
            return rest / spread
        lower = linalg.entries["cholesky"](spread, lower=True)
        return linalg.entries["solve_triangular"](lower, rest, lower=True)

    return residuals


INSTEAD = {
    "loss": "minimise the sum of the losses with fastad.scipy.optimize.minimize",
    "nan_policy": "leave out the points that are not numbers first",
}


@entry("curve_fit")
def curve_fit(
    f: Any,
    xdata: Any,
    ydata: Any,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    check_finite: Any = None,
    bounds: Any = (-onp.inf, onp.inf),
    method: Any = None,
    jac: Any = None,
    *,
    full_output: bool = False,
    **options: Any,
) -> Any:
    """Fit a curve by least squares; parameters and covariance are differentiable.

    By `xdata`, `ydata`, `sigma`, the bounds, and all that `f` reads: the parameters are a minimum
    of half the sum of squares, by the rule of `minimize`; the covariance follows from them by
    SciPy's formula. The derivative by `p0` is zero.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> from fastad.scipy.optimize import curve_fit
    >>> x = np.array([1.0, 2.0])
    >>> def rate(y):  # of the line through the origin that is nearest to the points
    ...     return curve_fit(lambda x, k: k * x, x, y)[0][0]
    >>> np.round(grad(rate)(np.array([1.0, 3.0])), 6)
    array([0.2, 0.4])
    """
    f = settled(f) if is_closed(f) else f
    call = Call(f, ())
    given = {} if check_finite is None else {"check_finite": check_finite}
    found = solved(
        scipy.optimize.curve_fit,
        call.watched,
        xdata,
        ydata,
        p0,
        sigma,
        absolute_sigma,
        bounds=bounds,
        method=method,
        jac=jac,
        full_output=full_output,
        **given,
        **options,
    )
    if not call.traced and not depends(f, xdata, ydata, sigma, bounds):
        return found
    for option, usual in (("loss", "linear"), ("nan_policy", None)):
        if options.get(option, usual) not in (usual, "raise"):
            raise NotImplementedError(
                f"scipy.optimize.curve_fit: {option}={options[option]!r} has no derivative rule in "
                f"fastad; {INSTEAD[option]}"
            )
    plain, covariance, *more = found
    traced = _residuals(f, xdata, ydata, sigma)
    bare = _residuals(f, *map(without_derivatives, (xdata, ydata, sigma)))
    count = shape_of(plain)[0]
    p = minimum(
        "curve_fit",
        lambda p: 0.5 * np.sum(traced(p) ** 2),
        lambda p: 0.5 * np.sum(bare(p) ** 2),
        plain,
        box_of(bounds, count),
    )
    if bool(onp.all(onp.isfinite(primal(covariance)))):
        if is_closed(f) and not call.watched.traced:  # it may read a traced value by a global name
            covariance = _covariance(p, xdata, ydata, sigma, f, absolute_sigma, covariance)
        else:
            spread = _spread(p, traced, absolute_sigma)
            covariance = valued(spread, covariance) if is_differentiated(spread) else covariance
    if more and "fvec" in more[0]:
        more[0] = {**more[0], "fvec": _moved(traced(p), more[0]["fvec"])}
    return (p, covariance, *more)


def squares_inverse(p: Array, residuals: Any) -> Array:
    """(J^T J)^-1 of the residuals' Jacobian."""
    slopes = jacobian(residuals)(p)
    return np.linalg.inv(np.matmul(slopes.T, slopes))


def _spread(p: Array, residuals: Any, absolute: Any) -> Array:
    """The covariance of the parameters by SciPy's formula: (J^T J)^-1 times the mean square."""
    spread = squares_inverse(p, residuals)
    if absolute:
        return spread
    rest = residuals(p)
    return spread * (np.sum(rest * rest) / (shape_of(rest)[0] - shape_of(p)[0]))


@helper
def _covariance(p: Any, x: Any, y: Any, sigma: Any, f: Any, absolute: Any, plain: Any) -> Any:
    """SciPy's value; its derivative is worked out where it is asked for, which is seldom."""
    return plain


def _formula_of(argnums: Any, args: Any) -> tuple[Any, Any]:
    """What the covariance is differentiated as: a function of some arguments, and these."""

    def formula(chosen: Any) -> Array:
        given = list(args)
        for argnum, value in zip(argnums, chosen):
            given[argnum] = value
        p, x, y, sigma, f, absolute, _ = given
        return _spread(p, _residuals(f, x, y, sigma), absolute)

    return formula, tuple(args[argnum] for argnum in argnums)


defvjp_argnums(
    _covariance,
    lambda argnums, ans, args, kwargs: lambda g: make_vjp(*_formula_of(argnums, args))[0](g),
)
defjvp_argnums(
    _covariance,
    lambda argnums, ts, ans, args, kwargs: make_jvp(*_formula_of(argnums, args))(tuple(ts))[1],
)


# ---- least squares above zero --------------------------------------------------------------------


def _solution(A: Any, b: Any) -> Any:
    return scipy.optimize.nnls(A, b)[0]


_above_zero = helper(_solution, zero=True)


@space.derivative_of("nnls")
def nnls(A: Array, b: Array, *args: Any, **options: Any) -> tuple[Array, Array]:
    """The solution above zero, and the length of what remains; by both.

    The entries above zero are the least-squares solution of their columns.
    """
    A, b = as_float(A), as_float(b)
    free = onp.flatnonzero(decided(_above_zero(primal(A), primal(b)) > 0))
    part = A[:, free]
    place = onp.eye(shape_of(A)[1])[:, free]
    x = np.matmul(place, np.linalg.solve(np.matmul(part.T, part), np.matmul(part.T, b)))
    return x, np.linalg.norm(np.matmul(A, x) - b)


# ---- linear programs -----------------------------------------------------------------------------


def _rows(matrix: Any, side: Any, holds: Any) -> tuple[Array, Array]:
    places = onp.flatnonzero(decided(holds))
    return as_float(matrix)[places], as_float(side)[places]


def _dense(matrix: Any) -> Any:
    if isinstance(matrix, (list, tuple)):
        return np.array(matrix)
    return matrix.toarray() if hasattr(matrix, "toarray") else matrix


def _side(side: Any) -> Array:
    """The right-hand sides, or the costs, as SciPy takes them: with axes of length one besides."""
    value = _dense(side)
    # A matrix of one row stays one under reshape.
    return np.reshape(as_float(onp.asarray(value) if isinstance(value, onp.matrix) else value), -1)


def _box(bounds: Any, n: int) -> Box:
    """The bounds of linprog: a pair for each variable, one for all, or None for numbers above 0."""
    entries: list[Any] = []
    for one in () if bounds is None else bounds:
        entries.extend(one if isinstance(one, (list, tuple)) or shape_of(one) else (one,))
    missing = [one is None or (not isbox(one) and one != one) for one in entries]
    entries = [None if skip else one for one, skip in zip(entries, missing)] or [0.0, None]
    return Box(entries[::2], entries[1::2], n)


def _vertex(x: Any, given: Any, box: Box, found: Any) -> tuple[Array, Array]:
    """The constraints that hold with a price, as a matrix, and their sides."""
    A_ub, b_ub, A_eq, b_eq = given
    n = shape_of(x)[0]
    rows, sides = [], []
    if A_eq is not None:
        rows.append(as_float(A_eq))
        sides.append(b_eq)
    if A_ub is not None:
        part = _rows(A_ub, b_ub, found.ineqlin.marginals < 0)
        rows.append(part[0])
        sides.append(part[1])
    for marginals, bound in ((found.lower.marginals, box.low), (found.upper.marginals, box.high)):
        part = _rows(onp.eye(n), bound, marginals != 0)
        rows.append(part[0])
        sides.append(part[1])
    matrix, side = np.concatenate(rows), np.concatenate(sides)
    if shape_of(matrix)[0] != n:
        raise onp.linalg.LinAlgError(
            f"scipy.optimize.linprog: {shape_of(matrix)[0]} constraints hold with a price, of {n} "
            "variables: the solution is no regular vertex and has no derivative"
        )
    return matrix, side


def _moved(value: Array, plain: Any) -> Any:
    return valued(value, plain) if is_differentiated(value) else plain


def _prices(matrix: Array, c: Array, given: Any, found: Any) -> None:
    """What the sides of the constraints are worth: c is their mean of the rows."""
    prices = np.linalg.solve(matrix.T, c)
    count = 0 if given[2] is None else shape_of(given[2])[0]
    if count:
        found.eqlin.marginals = _moved(prices[:count], found.eqlin.marginals)
    for part, holds in (
        (found.ineqlin, found.ineqlin.marginals < 0),
        (found.lower, found.lower.marginals != 0),
        (found.upper, found.upper.marginals != 0),
    ):
        places = onp.flatnonzero(decided(holds))
        if len(places):
            spread = onp.eye(shape_of(holds)[0])[:, places]
            own = prices[count : count + len(places)]
            part.marginals = _moved(np.matmul(spread, own), part.marginals)
        count += len(places)


def _rests(given: Any, box: Box, found: Any) -> None:
    """What the constraints leave over."""
    A_ub, b_ub, A_eq, b_eq = given
    if A_ub is not None:
        rest = b_ub - np.matmul(as_float(A_ub), found.x)
        found.slack = _moved(rest, found.slack)
        found.ineqlin.residual = _moved(rest, found.ineqlin.residual)
    if A_eq is not None:
        rest = b_eq - np.matmul(as_float(A_eq), found.x)
        found.con = _moved(rest, found.con)
        found.eqlin.residual = _moved(rest, found.eqlin.residual)
    found.lower.residual = _moved(found.x - box.low, found.lower.residual)
    found.upper.residual = _moved(box.high - found.x, found.upper.residual)


@entry("linprog")
def linprog(
    c: Array,
    A_ub: Any = None,
    b_ub: Any = None,
    A_eq: Any = None,
    b_eq: Any = None,
    bounds: Any = (0, None),
    method: str = "highs",
    **options: Any,
) -> Any:
    """Minimise a linear function under linear constraints; the numbers found are differentiable.

    By `c`, all matrices, sides and bounds. Rule: x is where the constraints that have a price meet,
    and moves with them; it does not depend on `c`, and `fun` is `c @ x`. The marginals are the
    prices with which the rows that meet add up to `c`. A solution where more or fewer
    constraints meet than there are variables has no derivative: `LinAlgError`.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> from fastad.scipy.optimize import linprog
    >>> def cost(b):
    ...     return linprog([1.0, 2.0], A_ub=[[-1.0, -1.0]], b_ub=[-b]).fun
    >>> float(grad(cost)(3.0))
    1.0
    """
    given = (A_ub, b_ub, A_eq, b_eq)
    traced = depends(c, given, bounds)
    if not traced:
        return solved(scipy.optimize.linprog, c, *given, bounds, method, **options)
    for name, asked in (
        ("method", not str(method).startswith("highs")),
        ("integrality", onp.any(options.get("integrality"))),
    ):
        if asked:  # neither gives prices
            raise NotImplementedError(
                f"scipy.optimize.linprog: the argument {name!r} is not supported with traced "
                "values in fastad, but for the default"
            )
    lists = [_dense(one) for one in given]
    found = solved(scipy.optimize.linprog, c, *lists, bounds, method, **options)
    if found.x is None:
        return found
    n = shape_of(found.x)[0]
    lists[1::2] = (None if one is None else _side(one) for one in lists[1::2])
    c, box = _side(c), _box(bounds, n)
    matrix, side = _vertex(found.x, lists, box, found)
    if depends(lists, bounds):
        found.x = _moved(np.linalg.solve(matrix, side), found.x)
    found.fun = _moved(np.sum(c * found.x), found.fun)
    _rests(lists, box, found)
    _prices(matrix, c, lists, found)
    return found
