"""Roots and fixed points: root, fsolve, fixed_point, root_scalar, newton, brentq and its kin."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import scipy.optimize

from ..host_calls import solved, watched
from .space import Call, entry, scalar_root, vector_root

# ---- of several equations ------------------------------------------------------------------------


@entry("root")
def root(
    fun: Callable[..., Any],
    x0: Any,
    args: Any = (),
    method: str = "hybr",
    jac: Any = None,
    tol: Any = None,
    callback: Any = None,
    options: Any = None,
) -> Any:
    """Find a root of a vector function; `x` of the result is differentiable.

    By everything traced that `fun` reads, in `args` or from outside. Rule: dx = -J^-1 dF, with the
    Jacobian J of `fun` at the root by automatic differentiation, whatever the method; it costs one
    Jacobian and one solution for each order. The derivative by `x0` is zero; the rest of the result
    is plain.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> from fastad.scipy.optimize import root
    >>> def side(area):
    ...     return root(lambda x, a: x * x - a, np.ones(1), args=(area,)).x[0]
    >>> round(float(grad(side)(4.0)), 6)
    0.25
    """
    call = Call(fun, args, first=jac is True)
    found = solved(
        scipy.optimize.root,
        call.watched,
        x0,
        call.args,
        method,
        watched(jac),
        tol,
        callback,
        options,
    )
    if call.traced:
        found.x = vector_root("root", call.function, call.bare, found.x)
    return found


@entry("fsolve")
def fsolve(
    func: Callable[..., Any],
    x0: Any,
    args: Any = (),
    fprime: Any = None,
    full_output: Any = 0,
    **options: Any,
) -> Any:
    """Find a root of a vector function; it is differentiable as that of `root` is.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import jacobian
    >>> from fastad.scipy.optimize import fsolve
    >>> def sides(areas):
    ...     return fsolve(lambda x, a: x * x - a, np.ones(2), areas)
    >>> np.diag(np.round(jacobian(sides)(np.array([4.0, 16.0])), 6))
    array([0.25 , 0.125])
    """
    call = Call(func, args)
    found = solved(
        scipy.optimize.fsolve, call.watched, x0, call.args, watched(fprime), full_output, **options
    )
    if not call.traced:
        return found
    x = vector_root("fsolve", call.function, call.bare, found[0] if full_output else found)
    return (x, *found[1:]) if full_output else x


@entry("fixed_point")
def fixed_point(
    func: Callable[..., Any],
    x0: Any,
    args: Any = (),
    xtol: float = 1e-8,
    maxiter: int = 500,
    method: str = "del2",
) -> Any:
    """Find x = func(x, *args); it is differentiable as a root of x - func(x, *args) is.

    Examples
    --------
    >>> from fastad import grad
    >>> from fastad.scipy.optimize import fixed_point
    >>> def side(area):
    ...     return fixed_point(lambda x, a: (x + a / x) / 2, 1.0, (area,))
    >>> round(float(grad(side)(4.0)), 6)
    0.25
    """
    call = Call(func, args)
    x = solved(scipy.optimize.fixed_point, call.watched, x0, call.args, xtol, maxiter, method)
    if not call.traced:
        return x
    return vector_root("fixed_point", lambda x: x - call.function(x), lambda x: x - call.bare(x), x)


# ---- of one equation -----------------------------------------------------------------------------


@entry("root_scalar")
def root_scalar(
    f: Callable[..., Any],
    args: Any = (),
    method: Any = None,
    bracket: Any = None,
    fprime: Any = None,
    fprime2: Any = None,
    x0: Any = None,
    x1: Any = None,
    **options: Any,
) -> Any:
    """Find a root of a function of a number; `root` of the result is differentiable.

    By everything traced that `f` reads, in `args` or from outside. Rule: dx = -dF / F', with the
    slope F' at the root by automatic differentiation, whatever the method; it costs one slope and
    one evaluation for each order. The derivative by the bracket and by `x0` is zero.

    Examples
    --------
    >>> from fastad import grad
    >>> from fastad.scipy.optimize import root_scalar
    >>> def side(area):
    ...     return root_scalar(lambda x: x * x - area, bracket=(0.0, 9.0)).root
    >>> round(float(grad(side)(4.0)), 6)
    0.25
    """
    call = Call(f, args, first=fprime is True or fprime2 is True)
    found = solved(
        scipy.optimize.root_scalar,
        call.watched,
        call.args,
        method,
        bracket,
        watched(fprime),
        watched(fprime2),
        x0,
        x1,
        **options,
    )
    if call.traced:
        found.root = scalar_root("root_scalar", call.function, call.bare, found.root)
    return found


@entry("newton")
def newton(
    func: Callable[..., Any],
    x0: Any,
    fprime: Any = None,
    args: Any = (),
    tol: float = 1.48e-8,
    maxiter: int = 50,
    fprime2: Any = None,
    x1: Any = None,
    rtol: float = 0.0,
    full_output: bool = False,
    disp: bool = True,
) -> Any:
    """Find a root of a function of a number, or of each entry of an array.

    It is differentiable as that of `root_scalar` is.

    Examples
    --------
    >>> from fastad import grad
    >>> from fastad.scipy.optimize import newton
    >>> def side(area):
    ...     return newton(lambda x, a: x * x - a, 1.0, args=(area,))
    >>> round(float(grad(side)(4.0)), 6)
    0.25
    """
    call = Call(func, args)
    found = solved(
        scipy.optimize.newton,
        call.watched,
        x0,
        watched(fprime),
        call.args,
        tol,
        maxiter,
        watched(fprime2),
        x1,
        rtol,
        full_output,
        disp,
    )
    return _first_followed("newton", call, found, full_output)


def _first_followed(name: str, call: Call, found: Any, full_output: Any) -> Any:
    if not call.traced:
        return found
    x = scalar_root(name, call.function, call.bare, found[0] if full_output else found)
    return (x, *found[1:]) if full_output else x


_BRACKETING = """Find a root between a and b by SciPy's {name}; it is differentiable.

    As that of `root_scalar` is; the derivative by the ends is zero.

    Examples
    --------
    >>> from fastad import grad
    >>> from fastad.scipy.optimize import {name}
    >>> def side(area):
    ...     return {name}(lambda x, a: x * x - a, 0.0, 9.0, (area,))
    >>> round(float(grad(side)(4.0)), 6)
    0.25
    """


def _enter_bracketing(name: str) -> None:
    solver = getattr(scipy.optimize, name)
    signature = inspect.signature(solver)
    place = list(signature.parameters).index("full_output") - 4

    def bracketing(f: Any, a: Any, b: Any, args: Any = (), *more: Any, **options: Any) -> Any:
        call = Call(f, args)
        found = solved(solver, call.watched, a, b, call.args, *more, **options)
        full = more[place] if len(more) > place else options.get("full_output")
        return _first_followed(name, call, found, full)

    bracketing.__name__ = bracketing.__qualname__ = name
    bracketing.__doc__ = _BRACKETING.format(name=name)
    bracketing.__signature__ = signature  # type: ignore[attr-defined]
    entry(name)(bracketing)


for _name in ("brentq", "brenth", "bisect", "ridder", "toms748"):
    _enter_bracketing(_name)
