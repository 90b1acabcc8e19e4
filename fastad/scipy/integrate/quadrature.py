"""quad and its kin: integrals of functions, by their ends and by the function's arguments."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.integrate

from ... import _core
from ... import numpy as np
from ..._core import isbox, make_jvp, make_vjp, primal, read
from ..host_calls import depends, is_recorded, settled, shared, solved, without_boxes
from ..registry import Array, as_float, helper, shape_of
from .initial_values import entry, refuse_outside
from .right_sides import Arguments

Function = Callable[[Array, Array], Array]  # of the variable and the parameters


class Integrand:
    """A function of a number, with a number or a vector for its value, and how to integrate it.

    Parameters
    ----------
    function : callable
        `function(x, parameters)`, differentiable.
    size : int or None
        Of its value; None for a number.
    solve : callable
        `solve(function_of_x, a, b, size)`: its integral, from plain numbers.
    key : tuple, optional
        What it is made of, where that decides whether two recordings are the same.
    """

    __slots__ = ("function", "key", "size", "solve")

    def __init__(
        self, function: Function, size: int | None, solve: Callable[..., Any], key: Any = None
    ) -> None:
        self.function = function
        self.size = size
        self.solve = solve
        self.key = key

    def _derived(self, name: str, count: int, function: Function, size: int | None) -> Integrand:
        key = None if self.key is None else (name, count, self.key)
        return shared(key, lambda: Integrand(function, size, self.solve, key))

    def pulled(self, count: int) -> Integrand:
        """Its gradient by the parameters times a cotangent, which stands behind them."""

        def gradient(x: Array, both: Array) -> Array:
            parameters, g = both[:count], both[count:]
            pull, _ = make_vjp(lambda given: self.function(x, given), parameters)
            return pull(g[0] if self.size is None else g)

        return self._derived("pulled", count, gradient, count)

    def pushed(self, count: int) -> Integrand:
        """Its change with the parameters along a direction, which stands behind them."""

        def change(x: Array, both: Array) -> Array:
            push = make_jvp(lambda given: self.function(x, given), both[:count])
            return push(both[count:])[1]

        return self._derived("pushed", count, change, self.size)


@helper
def integral(integrand: Integrand, a: Any, b: Any, parameters: Any, known: Any = None) -> Any:
    """The integral from a to b, which may be known."""
    if known is not None:
        return known
    return integrand.solve(lambda x: integrand.function(x, parameters), a, b, integrand.size)


def _pull(argnums: tuple[int, ...], ans: Array, args: Any, kwargs: Any) -> Any:
    integrand, a, b, parameters, *_ = args

    def vjp(g: Array) -> Any:
        result = []
        for argnum in argnums:
            if argnum == 3:
                count = shape_of(parameters)[0]
                both = np.concatenate([parameters, np.reshape(g, (-1,))])
                result.append(integral(integrand.pulled(count), a, b, both))
            else:
                value = integrand.function(b if argnum == 2 else a, parameters)
                result.append(np.sum(g * value) * (1 if argnum == 2 else -1))
        return result

    return vjp


def _push(argnums: tuple[int, ...], ts: Any, ans: Array, args: Any, kwargs: Any) -> Array:
    integrand, a, b, parameters, *_ = args
    total: Array = 0.0
    for argnum, t in zip(argnums, ts):
        if argnum == 3:
            changed = integrand.pushed(shape_of(parameters)[0])
            total = total + integral(changed, a, b, np.concatenate([parameters, t]))
        else:
            value = integrand.function(b if argnum == 2 else a, parameters)
            total = total + (t * value if argnum == 2 else -t * value)
    return total


_core.defvjp_argnums(integral, _pull)
_core.defjvp_argnums(integral, _push)


@entry("quad")
def quad(
    func: Any,
    a: Any,
    b: Any,
    args: Any = (),
    full_output: Any = 0,
    epsabs: float = 1.49e-8,
    epsrel: float = 1.49e-8,
    limit: int = 50,
    points: Any = None,
    weight: Any = None,
    wvar: Any = None,
    wopts: Any = None,
    maxp1: int = 50,
    limlst: int = 50,
    complex_func: bool = False,
) -> Any:
    """Integrate a function of a number; differentiable by a, b and args.

    Rule: the integrand at an end by that end, the integral of the integrand's derivative by args,
    to the same tolerances. A traced value that func reads from outside, not through args, is
    refused; so are `weight` and `complex_func`. The error estimate is plain.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> from fastad.scipy.integrate import quad
    >>> def area(a):  # (1 - exp(-a)) / a
    ...     return quad(lambda x, a: np.exp(-a * x), 0.0, 1.0, args=(a,))[0]
    >>> round(float(grad(area)(1.0)), 6), round(float(2 * np.exp(-1.0) - 1), 6)
    (-0.264241, -0.264241)
    """
    for name, value in (("weight", weight), ("complex_func", complex_func)):
        if value:
            raise NotImplementedError(
                f"scipy.integrate.quad: the argument {name!r} is not supported with traced values "
                "in fastad"
            )
    args = args if isinstance(args, tuple) else (args,)
    given = Arguments(args)
    key: Any = None
    if is_recorded(func, a, b, args, points):
        refuse_outside("quad", func)
        func = settled(func)
        key = ("quad", func, given.kind, given.rest, epsabs, epsrel, limit)
    tolerances = {"epsabs": epsabs, "epsrel": epsrel, "limit": limit}
    points = None if points is None else without_boxes(as_float(points))
    value, *rest = solved(
        scipy.integrate.quad, func, a, b, args, full_output, points=points, **tolerances
    )
    if not depends(a, b, args):
        return (value, *rest)

    def function(x: Array, parameters: Array) -> Array:
        return func(x, *given.rebuilt(parameters, given.rest))

    def solve(of_x: Any, low: Any, high: Any, size: int | None) -> Any:
        options = {**tolerances, "points": points}
        if size is None:
            return scipy.integrate.quad(of_x, low, high, **options)[0]
        parts = [(lambda x, i=i: of_x(x)[i]) for i in range(size)]
        return onp.array([scipy.integrate.quad(part, low, high, **options)[0] for part in parts])

    result = integral(
        shared(key, lambda: Integrand(function, None, solve, key)),
        a if isbox(a) else float(a),
        b if isbox(b) else float(b),
        given.vector,
        value,
    )
    return (result, *rest)


@entry("quad_vec")
def quad_vec(
    f: Any,
    a: Any,
    b: Any,
    epsabs: float = 1e-200,
    epsrel: float = 1e-8,
    norm: str = "2",
    cache_size: float = 100e6,
    limit: float = 10000,
    workers: Any = 1,
    points: Any = None,
    quadrature: Any = None,
    full_output: bool = False,
    *,
    args: Any = (),
) -> Any:
    """Integrate a function of a number that gives an array; differentiable by a, b and args.

    By the rule of `quad`, to the same tolerances.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import jacobian
    >>> from fastad.scipy.integrate import quad_vec
    >>> def areas(a):
    ...     return quad_vec(lambda x, a: a * x, 0.0, 1.0, args=(a,))[0]
    >>> np.round(jacobian(areas)(np.array([1.0, 2.0])), 6)
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    args = args if isinstance(args, tuple) else (args,)
    given = Arguments(args)
    options = {
        "epsabs": epsabs,
        "epsrel": epsrel,
        "norm": norm,
        "cache_size": cache_size,
        "limit": limit,
        "workers": workers,
        "points": None if points is None else without_boxes(as_float(points)),
        "quadrature": quadrature,
    }
    key: Any = None
    if is_recorded(f, a, b, args, points):
        refuse_outside("quad_vec", f)
        f = settled(f)
        key = ("quad_vec", f, given.kind, given.rest, *options.values())
    solver = scipy.integrate.quad_vec
    value, *rest = solved(solver, f, a, b, full_output=full_output, args=args, **options)
    if not depends(a, b, args):
        return (value, *rest)
    shape = shape_of(value)

    def function(x: Array, parameters: Array) -> Array:
        return np.reshape(as_float(f(x, *given.rebuilt(parameters, given.rest))), (-1,))

    def solve(of_x: Any, low: Any, high: Any, size: Any) -> Any:
        return scipy.integrate.quad_vec(of_x, low, high, **options)[0]

    size = int(onp.prod(shape, dtype=int))
    result = integral(
        shared(key, lambda: Integrand(function, size, solve, key)),
        a if isbox(a) else float(a),
        b if isbox(b) else float(b),
        given.vector,
        np.reshape(value, (-1,)),
    )
    return (np.reshape(result, shape), *rest)


@functools.lru_cache(maxsize=64)
def _gauss(n: int) -> tuple[Any, Any]:
    """SciPy's points between 0 and 1, and its weights, from its own sums."""
    found: list[Any] = []

    def row(x: Any, k: int) -> Any:
        found.append(x)
        return onp.eye(n)[k]

    sums = [scipy.integrate.fixed_quad(row, 0.0, 1.0, (k,), n)[0] for k in range(n)]
    return found[0], onp.array(sums)


def _points_between(a: Any, b: Any, n: Any) -> Any:
    """The number of points, where SciPy takes it and these ends; else its own error."""
    if n < 1 or not bool(np.isfinite(primal(a)) & np.isfinite(primal(b))):
        low, high, points = (read(one, "text") for one in (a, b, n))
        scipy.integrate.fixed_quad(onp.ones_like, low, high, n=points)
    return n


@entry("fixed_quad")
def fixed_quad(func: Any, a: Any, b: Any, args: Any = (), n: int = 5) -> Any:
    """Integrate a function by Gauss's rule of n points; by a, b, and all that func reads.

    It is a sum over func at these points, and is differentiated as such.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> from fastad.scipy.integrate import fixed_quad
    >>> def area(a):
    ...     return fixed_quad(lambda x, a: a * x * x, 0.0, 3.0, args=(a,))[0]
    >>> round(float(grad(area)(1.0)), 6)
    9.0
    """
    args = args if isinstance(args, tuple) else (args,)
    places, weights = _gauss(_points_between(a, b, n))
    length = as_float(b) - as_float(a)
    values = as_float(func(places * length + a, *args))
    return length * np.sum(weights * values, axis=-1), None


# ---- of several variables ------------------------------------------------------------------------


def _integrated(
    f: Any, ends: Any, outer: int, given: int, first: int, options: dict[str, Any]
) -> Any:
    """The function f integrated over its first argument, of the others.

    These are so many outer variables, the user's arguments, and numbers: its ends stand among them
    where they are no function.
    """

    def integrated(*others: Any) -> Any:
        rest = others[outer:]
        known = others[: outer + given]
        pair: Any = ends(*known) if callable(ends) else rest[first : first + 2]
        return quad(f, pair[0], pair[1], others, **options)[0]

    return integrated


def _nested(func: Any, ranges: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """The integral over all variables, the first of which is the innermost, and an error."""
    last, given = len(ranges) - 1, len(args)
    # Numbers that inner variables end at may be traced: they are handed down as arguments are.
    numbers: tuple[Any, ...] = ()

    def innermost(*others: Any) -> Array:
        return func(*others[: last + 1 + given])

    function: Any = innermost
    ends: Any
    for i, ends in enumerate(ranges[:last]):
        here = ends if callable(ends) else None
        function = _integrated(function, here, last - i, given, given + len(numbers), options)
        numbers = numbers if callable(ends) else (*numbers, *ends)
    pair: Any = ranges[last](*args) if callable(ranges[last]) else ranges[last]
    return quad(function, pair[0], pair[1], (*args, *numbers), **options)[:2]


def _as_range(low: Any, high: Any) -> Any:
    if not (callable(low) or callable(high)):
        return low, high

    def ends(*outer: Any) -> tuple[Any, Any]:
        return (
            low(*outer) if callable(low) else low,
            high(*outer) if callable(high) else high,
        )

    return ends


def _arguments(args: Any) -> tuple[Any, ...]:
    return args if isinstance(args, tuple) else (args,)


@entry("dblquad")
def dblquad(
    func: Any,
    a: Any,
    b: Any,
    gfun: Any,
    hfun: Any,
    args: Any = (),
    epsabs: float = 1.49e-8,
    epsrel: float = 1.49e-8,
) -> Any:
    """Integrate func(y, x) for x from a to b and y from gfun(x) to hfun(x); as `quad` of a `quad`.

    It is differentiable by a, b and args; what the limits gfun and hfun are may be traced numbers.

    Examples
    --------
    >>> from fastad import grad
    >>> from fastad.scipy.integrate import dblquad
    >>> def mass(a):  # a / 4
    ...     return dblquad(lambda y, x, a: a * x * y, 0.0, 1.0, 0.0, 1.0, args=(a,))[0]
    >>> round(float(grad(mass)(2.0)), 6)
    0.25
    """
    inner = _as_range(gfun, hfun)
    ranges = [(lambda x, *_: inner(x)) if callable(inner) else inner, (a, b)]
    return _nested(func, ranges, _arguments(args), {"epsabs": epsabs, "epsrel": epsrel})


@entry("tplquad")
def tplquad(
    func: Any,
    a: Any,
    b: Any,
    gfun: Any,
    hfun: Any,
    qfun: Any,
    rfun: Any,
    args: Any = (),
    epsabs: float = 1.49e-8,
    epsrel: float = 1.49e-8,
) -> Any:
    """Integrate func(z, y, x), as `dblquad` does, and z from qfun(x, y) to rfun(x, y).

    Examples
    --------
    >>> from fastad import grad
    >>> from fastad.scipy.integrate import tplquad
    >>> def mass(a):  # a / 8
    ...     return tplquad(lambda z, y, x, a: a * x * y * z, 0, 1, 0, 1, 0, 1, args=(a,))[0]
    >>> round(float(grad(mass)(2.0)), 6)
    0.125
    """
    middle, inner = _as_range(gfun, hfun), _as_range(qfun, rfun)
    ranges = [
        (lambda y, x, *_: inner(x, y)) if callable(inner) else inner,
        (lambda x, *_: middle(x)) if callable(middle) else middle,
        (a, b),
    ]
    return _nested(func, ranges, _arguments(args), {"epsabs": epsabs, "epsrel": epsrel})


@entry("nquad")
def nquad(
    func: Any, ranges: Any, args: Any = None, opts: Any = None, full_output: bool = False
) -> Any:
    """Integrate func(x0, ..., xn) over ranges, the first the innermost; as nested `quad`.

    It is differentiable by the ends of ranges and by args; `opts` and `full_output` are refused.

    Examples
    --------
    >>> from fastad import grad
    >>> from fastad.scipy.integrate import nquad
    >>> def mass(a):  # a / 4
    ...     return nquad(lambda x, y, a: a * x * y, [(0.0, 1.0), (0.0, 1.0)], args=(a,))[0]
    >>> round(float(grad(mass)(2.0)), 6)
    0.25
    """
    for name, value in (("opts", opts), ("full_output", full_output)):
        if value:
            raise NotImplementedError(
                f"scipy.integrate.nquad: the argument {name!r} is not supported with traced values "
                "in fastad"
            )
    return _nested(func, ranges, () if args is None else _arguments(args), {})
