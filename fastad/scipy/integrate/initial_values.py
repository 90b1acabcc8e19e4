"""odeint and solve_ivp, differentiable by initial value, times and arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.integrate

from ... import numpy as np
from ..._core import isbox, make_jvp, primal
from ..._impl.spaces.containers import flatten
from ...numpy.registry import is_differentiated
from ..host_calls import alike, depends, is_recorded, settled, shared, solved, without_derivatives
from ..registry import Array, as_float, shape_of
from .continuous import Continuous
from .right_sides import Arguments, RightSide, vector
from .space import space
from .trajectories import Problem, trajectory


def _real_vector(y0: Any, name: str) -> Array:
    y0 = np.atleast_1d(as_float(y0))
    if y0.dtype.kind == "c":
        raise NotImplementedError(f"{name} of complex values has no derivative rule in fastad")
    return y0


def entry(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function that is traced if a box stands anywhere in its arguments, in dicts too.

    What a function closes over counts only where it is recorded: it is not differentiated by that.
    """
    function = getattr(scipy.integrate, name)

    def register(traced: Callable[..., Any]) -> Callable[..., Any]:
        def entry(*args: Any, **kwargs: Any) -> Any:
            leaves, _ = flatten((list(args), kwargs), lenient=True)
            here = any(map(isbox, leaves)) or is_recorded(*args, *kwargs.values())
            return (traced if here else function)(*args, **kwargs)

        entry.__name__ = name
        space.enter(name, entry, function)
        entry.__doc__ = traced.__doc__
        return entry

    return register


def refuse_outside(name: str, function: Any) -> None:
    """Raise TypeError if a function closes over something that a derivative is asked for by."""
    if depends(function):
        raise TypeError(
            f"scipy.integrate.{name}: the function reads a traced value from outside; pass it "
            "through args, so that the result is differentiated by it"
        )


# ---- odeint --------------------------------------------------------------------------------------


def _loosest(tolerance: Any, default: float) -> float:
    return default if tolerance is None else min(float(onp.min(tolerance)), default)


@entry("odeint")
def odeint(func: Any, y0: Array, t: Array, args: Any = (), *more: Any, **kwargs: Any) -> Any:
    """Integrate an ODE; differentiable by y0, the times t and args (numbers, arrays, containers).

    A traced value that func reads from outside, not through args, is refused.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> from fastad.scipy.integrate import odeint
    >>> def left(rate):  # exp(-rate)
    ...     return odeint(lambda y, t, k: -k * y, [1.0], np.array([0.0, 1.0]), args=(rate,))[-1, 0]
    >>> round(float(grad(left)(0.5)), 5), round(float(-np.exp(-0.5)), 5)
    (-0.60653, -0.60653)
    """
    names = list(inspect.signature(scipy.integrate.odeint).parameters)[4:]
    kwargs.update(zip(names, more))
    args = args if isinstance(args, tuple) else (args,)
    given = Arguments(args)
    key: Any = None
    if is_recorded(func, y0, t, args, kwargs):
        refuse_outside("odeint", func)
        func = settled(func)
        key = ("odeint", func, given.kind, given.rest, *kwargs, *kwargs.values())
    first = kwargs.pop("tfirst", False)
    full_output = kwargs.pop("full_output", 0)

    def rhs(y: Array, time: Array, parameters: Array, rest: Any) -> Array:
        func, *others = rest
        args = given.rebuilt(parameters, others)
        return vector(func(time, y, *args) if first else func(y, time, *args))

    def opened(parameters: Array, rest: Any) -> Any:
        return given.opened(parameters, rest[1:])

    steering = {
        k: v for k, v in kwargs.items() if k in ("mxstep", "hmax", "hmin", "mxordn", "mxords")
    }

    def solve(plain_rhs: Any, start: Any, times: Any) -> Any:
        return scipy.integrate.odeint(
            plain_rhs,
            start,
            times,
            rtol=_loosest(kwargs.get("rtol"), 1.49012e-8),
            atol=_loosest(kwargs.get("atol"), 1.49012e-8),
            **steering,
        )

    looked = depends(y0, t, args)
    values = solved(
        scipy.integrate.odeint,
        func,
        y0 if isbox(y0) else np.asarray(y0),
        as_float(t),
        args,
        tfirst=first,
        full_output=full_output or looked,
        **kwargs,
    )
    if not depends(y0, t, args):
        return values
    rows, info = values if full_output or looked else (values, {})
    # How often a new matrix was made, for implicit steps.
    changes = info["nje"][-1] if looked and shape_of(info["nje"])[0] else 0
    implicit = bool(changes > 0)
    same = alike(func)
    side = RightSide(rhs, ("odeint", same, first, given.kind), [same, *given.rest], opened)
    tolerance = _loosest(kwargs.get("rtol"), 1.49012e-8)
    key = None if key is None else (implicit, *key)
    problem = shared(key, lambda: Problem(side, solve, implicit, tolerance, key))
    effort = info["nfe"][-1] if shape_of(info["nfe"])[0] else 1
    if implicit and kwargs.get("Dfun") is None:
        effort = np.maximum(1, effort - changes * shape_of(rows)[1])
    y0, times = _real_vector(y0, "odeint"), as_float(t)
    result = trajectory(problem, y0, times, given.vector, effort, rows)
    return (result, info) if full_output else result


# ---- solve_ivp -----------------------------------------------------------------------------------


ORDERS = {"RK23": 3, "RK45": 5, "DOP853": 8}  # of explicit methods


@entry("solve_ivp")
def solve_ivp(
    fun: Any,
    t_span: Any,
    y0: Array,
    method: Any = "RK45",
    t_eval: Any = None,
    dense_output: bool = False,
    events: Any = None,
    vectorized: bool = False,
    args: Any = None,
    **options: Any,
) -> Any:
    """Integrate an ODE; `y`, `sol` (and `t`) of the result are differentiable.

    By y0, args, t_eval and t_span, that is. The times that the solver chose itself (t_eval=None)
    count as constants between the two ends. `t_events` and `y_events` are differentiable: an event
    is where its function g(t, y) is zero, dt = -dg / (g_t + g_y f); so is the last of the times
    where an event ended the integration. The adjoint equations are solved to rtol 1e-6 and atol
    1e-9 if the given tolerances are looser.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> from fastad.scipy.integrate import solve_ivp
    >>> def left(rate):  # exp(-rate)
    ...     found = solve_ivp(lambda t, y, k: -k * y, (0.0, 1.0), [1.0], args=(rate,), rtol=1e-8)
    ...     return found.y[0, -1]
    >>> round(float(grad(left)(0.5)), 5), round(float(-np.exp(-0.5)), 5)
    (-0.60653, -0.60653)
    """
    try:
        args = None if args is None else tuple(args)
    except TypeError:
        raise TypeError(
            "solve_ivp: args must be a tuple, of what fun takes beside t and y: args=(args,)"
        ) from None
    given = Arguments(() if args is None else args)
    t_start, t_end = t_span
    times = None if t_eval is None else as_float(t_eval)
    key: Any = None
    if is_recorded(fun, t_span, y0, t_eval, args, options):
        refuse_outside("solve_ivp", fun)
        fun = settled(fun)
        kept = (method, vectorized, *options, *options.values())
        key = ("solve_ivp", fun, given.kind, given.rest, *kept)
    tolerance = _loosest(options.get("rtol"), 1e-6)
    name = getattr(method, "__name__", method)
    found = solved(
        scipy.integrate.solve_ivp,
        fun,
        (t_start, t_end),
        as_float(y0),
        method=method,
        t_eval=times,
        dense_output=dense_output,
        events=events,
        vectorized=vectorized,
        args=args,
        **options,
    )
    if not depends(t_span, y0, times, args):
        return found
    y0 = _real_vector(y0, "solve_ivp")

    def rhs(y: Array, time: Array, parameters: Array, rest: Any) -> Array:
        fun, *others = rest
        args = given.rebuilt(parameters, others)
        return vector(fun(time, np.reshape(y, (-1, 1)) if vectorized else y, *args))

    def opened(parameters: Array, rest: Any) -> Any:
        return given.opened(parameters, rest[1:])

    steering = {k: v for k, v in options.items() if k in ("max_step", "min_step")}

    def solve(plain_rhs: Any, start: Any, at: Any) -> Any:
        # The first output may stand where the integration starts; SciPy wants distinct times.
        moves = onp.concatenate([[True], onp.diff(at) != 0])
        distinct = onp.asarray(at)[moves]
        places = onp.cumsum(moves) - 1
        if len(distinct) == 1:
            return onp.array(start, float)[None][places]
        return integrated(plain_rhs, start, distinct, t_eval=distinct).y.T[places]

    def continuous(plain_rhs: Any, start: Any, first: float, last: float) -> Any:
        return integrated(plain_rhs, start, (first, last), dense_output=True).sol

    def integrated(plain_rhs: Any, start: Any, at: Any, **outputs: Any) -> Any:
        solution = scipy.integrate.solve_ivp(
            lambda t, y: plain_rhs(y, t),
            (at[0], at[-1]),
            start,
            # To a tolerance of 1e-6 and less order 8 takes fewest evaluations.
            method="DOP853" if name in ORDERS else method,
            rtol=tolerance,
            atol=_loosest(options.get("atol"), 1e-9),
            **outputs,
            **steering,
        )
        if not solution.success:
            raise RuntimeError(f"solve_ivp: the sensitivity equations failed: {solution.message}")
        return solution

    start = as_float(t_start)
    same = alike(fun)
    side = RightSide(rhs, ("solve_ivp", same, vectorized, given.kind), [same, *given.rest], opened)
    implicit = name in ("Radau", "BDF")
    effort = found.nfev
    if name == "LSODA" and bool(found.njev > 0):
        implicit = True
        if options.get("jac") is None:
            effort = np.maximum(1, effort - found.njev * shape_of(y0)[0])
    # Evaluations by a method of order q grow with the tolerance as its power -1/q. Order 8 takes
    # the place of lower ones here; a tolerance of one would ask it for 2.4 times as many.
    loosest, order = float(onp.max(options.get("rtol", 1e-3))), ORDERS.get(name, 8)
    effort = effort * loosest ** (1 / order) / tolerance ** (1 / 8) * (1 if order == 8 else 2.4)
    key = None if key is None else (implicit, *key)
    problem = shared(key, lambda: Problem(side, solve, implicit, tolerance, key, continuous))

    def rows_at(times: Array, known: Any) -> Array:
        before = np.concatenate([np.reshape(primal(y0), (1, -1)), known])
        times = np.concatenate([np.reshape(start, (1,)), times])
        return trajectory(problem, y0, times, given.vector, effort, before)[1:]

    if events is not None:
        _follow_events(found, events, args or (), rows_at, problem, given.vector)
    taken = found.t
    if taken.size == 0:
        return found
    if times is not None:
        moving = times[: taken.size]
    else:
        moving = taken
        if isbox(t_start):
            moving = np.concatenate([np.reshape(t_start, (1,)), moving[1:]])
        last = t_end if found.status == 0 else _ending_event(found)
        if isbox(last) and taken.size > 1:
            moving = np.concatenate([moving[:-1], np.reshape(last, (1,))])
    found.y = np.transpose(rows_at(moving, np.transpose(found.y)))
    found.t = moving if isbox(moving) else found.t
    if found.get("sol") is not None:
        found.sol = Continuous(found.sol, problem, start, y0, given.vector, effort)
    return found


# ---- events --------------------------------------------------------------------------------------


def _levels(x: Any) -> int:
    """How often something is differentiated."""
    count = 0
    while is_differentiated(x):
        x, count = x._value, count + 1
    return count


def _slope(event: Any, t: Any, y: Any, rate: Any, args: Any) -> Any:
    """How fast an event's function changes along the solution."""
    moved = make_jvp(lambda s: as_float(event(t + s, y + s * rate, *args)), onp.float64(0.0))
    return primal(moved(onp.float64(1.0))[1])


def _follow_events(
    found: Any, events: Any, args: Any, rows_at: Any, problem: Problem, parameters: Array
) -> None:
    """Give the times of events, and where the solution is then, their derivatives.

    Each step of Newton's method with the constant slope makes one more order right.
    """
    bare, plain = without_derivatives(args), primal(parameters)
    found.t_events, found.y_events = list(found.t_events), list(found.y_events)
    for k, event in enumerate([events] if callable(events) else events):
        times, known = found.t_events[k], found.y_events[k]
        count = shape_of(times)[0]
        if count == 0:
            continue
        rates = [problem.side(known[i], times[i], plain) for i in range(count)]
        slopes = np.stack([_slope(event, times[i], known[i], rates[i], bare) for i in range(count)])
        if not bool(np.all(slopes != 0)):
            raise onp.linalg.LinAlgError(
                "scipy.integrate.solve_ivp: the function of an event is flat where it changes its "
                "sign, and the time of the event has no derivative"
            )
        moved, levels, done = times, 1, 0
        while done < levels:
            rows = rows_at(moved, known)
            values = np.stack([as_float(event(moved[i], rows[i], *args)) for i in range(count)])
            values = np.reshape(values, (count,))
            levels = max(levels, _levels(values))
            moved = moved - (values - primal(values)) / np.reshape(slopes, (count,))
            done += 1
        # Where the time stands still, as that of t - 1 does, the solution at it moves all the same.
        found.t_events[k], found.y_events[k] = moved, rows_at(moved, known)


def _ending_event(found: Any) -> Any:
    """The time of the event that ended the integration, if one did."""
    if found.status != 1 or found.t_events is None:
        return None
    for times in found.t_events:
        if shape_of(times)[0] and bool(primal(times)[-1] == found.t[-1]):
            return times[-1]
    return None
