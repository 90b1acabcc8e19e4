"""Methods under names of their own (fmin_bfgs, leastsq, broyden1) and global searches, by the rules
of `minimize`, `least_squares` and `root`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.optimize
import scipy.sparse

from ... import numpy as np
from ...numpy.registry import is_differentiated
from ..host_calls import depends, solved, watched, without_derivatives
from ..linalg.space import space as linalg
from ..registry import Array, as_float, is_traced, primal, shape_of, valued
from .constraints import Constraints, constrained_minimum
from .fits import squares_inverse
from .minima import Box, _number, _traced_bounds, _value_at, box_of, minimum
from .space import Call, entry, space, vector_root

Given = dict[str, Any]
Follow = Callable[[str, Call, Given, Any], Any]

# What else is called with the variables, and may meet a traced value.
FUNCTIONS = "fprime fhess fhess_p callback Dfun".split()


def _refuse(name: str, argument: str, instead: str) -> None:
    raise NotImplementedError(
        f"scipy.optimize.{name}: the argument {argument!r} has no derivative rule in fastad; "
        f"{instead}"
    )


def _is_empty(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and not value


def _gives_both(given: Given) -> bool:
    """Whether the function gives its derivative as well."""
    if "approx_grad" not in given:
        return False
    return given.get("fprime") is None and not given["approx_grad"]


def _enter(names: str, follow: Follow, text: str, refused: dict[str, str] | None = None) -> None:
    for name in names.split():
        if hasattr(scipy.optimize, name):
            _enter_one(name, follow, text, refused or {})


def _enter_one(name: str, follow: Follow, text: str, refused: dict[str, str]) -> None:
    solver = getattr(scipy.optimize, name)
    signature = inspect.signature(solver)
    first = next(iter(signature.parameters))

    def named(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        given = bound.arguments
        full = {key: one.default for key, one in signature.parameters.items()} | given
        inner = dict(full.get("minimizer_kwargs") or {})
        place = inner if "args" not in signature.parameters else given
        call = Call(
            given[first],
            place.get("args", ()),
            first=_gives_both(full) or inner.get("jac") is True,
        )
        given[first] = call.watched
        if "args" in place:
            place["args"] = call.args
        for one in FUNCTIONS:
            if one in given:
                given[one] = watched(given[one])
        if inner:
            for one in ("jac", "hess", "hessp", "callback"):
                if one in inner:
                    inner[one] = watched(inner[one])
            given["minimizer_kwargs"] = inner
        limits = (full.get("bounds"), inner.get("bounds"))
        refusable = {key: (full.get(key), inner.get(key)) for key in refused}
        for argument, values in refusable.items():
            if depends(values):
                _refuse(name, argument, refused[argument])
        if full.get("finish", True) is None and depends(full.get("ranges")):
            _refuse(name, "ranges", "without finish= the result is a point of their grid")
        found = solved(solver, *bound.args, **bound.kwargs)
        if not call.traced and not any(map(_traced_bounds, limits)):
            return found
        for argument, values in refusable.items():
            if not all(value is None or value is False or _is_empty(value) for value in values):
                _refuse(name, argument, refused[argument])
        return follow(name, call, full, found)

    named.__name__ = named.__qualname__ = name
    named.__doc__ = text.format(name=name)
    named.__signature__ = signature  # type: ignore[attr-defined]
    entry(name)(named)


# ---- minima --------------------------------------------------------------------------------------


def _box(bounds: Any, n: int) -> Box | None:
    if bounds is None or _is_empty(bounds):
        return None
    return Box.of_pairs(bounds, n)


def _at_minimum(name: str, call: Call, bounds: Any, x: Any) -> Array:
    function, bare = _number(call.function), _number(call.bare)
    return minimum(name, function, bare, x, _box(bounds, shape_of(x)[0]))


def _minimum_and_more(name: str, call: Call, given: Given, found: Any) -> Any:
    """SciPy's result, x or a tuple that x is the first of."""
    if not isinstance(found, tuple):
        return _at_minimum(name, call, given.get("bounds"), found)
    x = _at_minimum(name, call, given.get("bounds"), found[0])
    if name == "fmin_tnc" or not given.get("full_output", True):
        return (x, *found[1:])
    return (x, _value_at(_number(call.function), x, found[1]), *found[2:])


def _searched(name: str, call: Call, given: Given, found: Any) -> Any:
    bounds = given.get("bounds") or (given.get("minimizer_kwargs") or {}).get("bounds")
    found.x = _at_minimum(name, call, bounds, found.x)
    found.fun = _value_at(_number(call.function), found.x, found.fun)
    return found


_MINIMUM = """SciPy's {name}; the minimum is differentiable as that of `minimize` is.

    By everything traced that the function reads, and by bounds; its value is as well where it is
    returned. Gradients and Hessians that the search kept are plain.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> from fastad.scipy.optimize import fmin_bfgs
    >>> def lowest(a):
    ...     return fmin_bfgs(lambda x, a: np.sum((x - a) ** 2), np.zeros(2), args=(a,), disp=0)[0]
    >>> np.round(grad(lowest)(np.array([1.0, 2.0])), 6)
    array([1., 0.])
    """
_UNDER_CONSTRAINTS: dict[str, str] = dict.fromkeys(
    ("eqcons", "f_eqcons", "ieqcons", "f_ieqcons", "constraints"),
    "use fastad.scipy.optimize.minimize, whose constraints may be traced, from what it finds",
)
_WHOLE = {
    "integrality": "fix the variables that are whole numbers, and minimize the others",
    "vectorized": "give a function of one vector",
}

_enter(
    "fmin fmin_powell fmin_bfgs fmin_cg fmin_ncg fmin_l_bfgs_b fmin_tnc fmin_slsqp brute",
    _minimum_and_more,
    _MINIMUM,
    _UNDER_CONSTRAINTS,
)


@entry("fmin_cobyla")
def fmin_cobyla(
    func: Callable[..., Any],
    x0: Any,
    cons: Any,
    args: Any = (),
    consargs: Any = None,
    *more: Any,
    **options: Any,
) -> Any:
    """Find a minimum under constraints; it is differentiable as that of `minimize` is.

    By everything traced that the function and the constraints read. Its `rhoend` of 1e-4 is as
    exact as the minimum will be: ask for less.

    Examples
    --------
    >>> from fastad import grad
    >>> from fastad.scipy.optimize import fmin_cobyla
    >>> def nearest(a):  # to a, of those that are not more than a square
    ...     over = lambda x, a: a * a - x[0]
    ...     return fmin_cobyla(lambda x, a: (x[0] - 9.0) ** 2, [0.0], over, (a,), rhoend=1e-8)[0]
    >>> round(float(grad(nearest)(2.0)), 4)
    4.0
    """
    call = Call(func, args)
    several = [cons] if callable(cons) else list(cons)
    consargs = call.given if consargs is None else consargs
    given = Constraints([{"type": "ineq", "fun": one, "args": consargs} for one in several])
    found = solved(
        scipy.optimize.fmin_cobyla,
        call.watched,
        x0,
        [parts["fun"] for _, parts in given.parts],
        call.args,
        without_derivatives(consargs),
        *more,
        **options,
    )
    if not call.traced and not given.traced:
        return found
    function, bare = _number(call.function), _number(call.bare)
    return constrained_minimum(function, bare, found, given, None)


_enter(
    "basinhopping differential_evolution dual_annealing shgo direct",
    _searched,
    _MINIMUM,
    {**_UNDER_CONSTRAINTS, **_WHOLE},
)


# ---- least squares -------------------------------------------------------------------------------


def _of_numbers(x: Any) -> Array:
    """A traced array, or an array of NumPy's own, as SciPy reads every other one."""
    return as_float(x if is_traced(x) or isinstance(x, (list, tuple)) else onp.asarray(x))


def _half_squares(residuals: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return lambda x: 0.5 * np.sum(as_float(residuals(x)) ** 2)


def _least(name: str, call: Call, given: Given, found: Any) -> Any:
    x = minimum(name, _half_squares(call.function), _half_squares(call.bare), found[0])
    if not given["full_output"]:
        return (x, *found[1:])
    _, covariance, info, *more = found
    if covariance is not None:
        spread = squares_inverse(x, lambda x: as_float(call.function(x)))
        covariance = valued(spread, covariance) if is_differentiated(spread) else covariance
    info = {**info, "fvec": _value_at(call.function, x, info["fvec"])}
    return (x, covariance, info, *more)


_enter("leastsq", _least, _MINIMUM)


@entry("lsq_linear")
def lsq_linear(
    A: Any, b: Any, bounds: Any = (-onp.inf, onp.inf), *args: Any, **options: Any
) -> Any:
    """Find a linear least-squares solution within bounds; `x`, `cost`, `fun` are differentiable.

    By the matrix (a sparse one by nothing), the right-hand side and the bounds.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> from fastad.scipy.optimize import lsq_linear
    >>> A = np.array([[1.0, 0.0], [0.0, 2.0]])
    >>> float(grad(lambda b: np.sum(lsq_linear(A, b, (0.0, 1.0)).x))(np.array([5.0, 1.0]))[1])
    0.5
    """
    b = _of_numbers(b)
    if hasattr(A, "tocsr"):
        if not scipy.sparse.issparse(A):
            raise NotImplementedError(
                "scipy.optimize.lsq_linear: the entries of a sparse matrix have no derivative rule "
                "in fastad; give A.toarray(), or use fastad.scipy.sparse.linalg.lsqr without bounds"
            )
    else:
        A = _of_numbers(A)
    found = solved(scipy.optimize.lsq_linear, A, b, bounds, *args, **options)
    if not depends(A, b) and not _traced_bounds(bounds):
        return found

    def residual(A: Any, b: Any) -> Callable[[Array], Array]:
        return lambda x: A @ x - b

    moving = residual(A, b)
    box = box_of(bounds, shape_of(found.x)[0])
    cost = _half_squares(moving)
    if box is None and not hasattr(A, "tocsr"):  # of any rank
        moved = linalg.entries["lstsq"](A, b)[0]
        found.x = valued(moved, found.x) if is_differentiated(moved) else found.x
    else:
        bare = _half_squares(residual(primal(A), primal(b)))
        found.x = minimum("lsq_linear", cost, bare, found.x, box)
    found.cost = _value_at(cost, found.x, found.cost)
    found.fun = _value_at(moving, found.x, found.fun)
    return found


@entry("isotonic_regression")
def isotonic_regression(y: Array, *, weights: Any = None, increasing: bool = True) -> Any:
    """Find the nearest sequence that rises; `x` of the result is differentiable, by y and weights.

    Where it does not rise it is the mean of a block of y.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> from fastad.scipy.optimize import isotonic_regression
    >>> grad(lambda y: isotonic_regression(y).x[1])(np.array([1.0, 3.0, 2.0]))
    array([0. , 0.5, 0.5])
    """
    found = solved(scipy.optimize.isotonic_regression, y, weights=weights, increasing=increasing)
    if not depends(y, weights):
        return found
    plain = primal(found.x)
    member = 1.0 * (plain[:, None] == plain[None, :])  # two blocks have two values
    y = _of_numbers(y)
    w = onp.ones(shape_of(y)) if weights is None else _of_numbers(weights)
    moved = np.matmul(member, w * y) / np.matmul(member, w)
    found.x = valued(moved, found.x) if is_differentiated(moved) else found.x
    return found


# ---- roots ---------------------------------------------------------------------------------------


def _at_root(name: str, call: Call, given: Given, found: Any) -> Any:
    return vector_root(name, call.function, call.bare, found)


_ROOT = """SciPy's {name}; the root is differentiable as that of `root` is.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> from fastad.scipy.optimize import broyden1
    >>> def side(area):
    ...     return broyden1(lambda x: x * x - area, np.ones(1), f_tol=1e-10)[0]
    >>> round(float(grad(side)(4.0)), 6)
    0.25
    """
_enter(
    "newton_krylov broyden1 broyden2 anderson linearmixing diagbroyden excitingmixing",
    _at_root,
    _ROOT,
)


# ---- assignments, which do not move --------------------------------------------------------------

space.zero("linear_sum_assignment")
