"""`scipy.integrate`: odeint and solve_ivp, differentiable by initial value, times and arguments.

Reverse mode integrates the adjoint equations backwards from one output time to the one before
(Pontryagin 1962; Chen et al. 2018, appendix B), from the stored solution there; forward mode
integrates the variational equations along. Both are initial value problems for the same solver,
recorded by the same primitive, so derivatives of every order follow. They are derivatives of the
exact solution: they agree with those of the computed one to the solver's tolerance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.integrate

from .. import _core
from .. import numpy as np
from .._core import isbox, make_jvp, make_vjp
from .._impl.spaces.containers import flatten
from .._impl.spaces.packing import pack
from .registry import Array, Namespace, as_float, getval, recorded, shape_of

space = Namespace(scipy.integrate, "fastad.scipy.integrate")

Rhs = Callable[[Array, Array, Array], Array]  # of y, t and the parameters


class Problem:
    """An initial value problem: everything but the numbers that derivatives are taken by.

    Parameters
    ----------
    rhs : callable
        `rhs(y, t, parameters)`, differentiable, of vectors.
    solve : callable
        `solve(rhs, y0, times)`: the solution of plain numbers at `times`, one row for each; the
        first row is y0.
    rows : ndarray, optional
        The solution, if it is known.
    """

    __slots__ = ("rhs", "rows", "solve")

    def __init__(self, rhs: Rhs, solve: Callable[..., Any], rows: Any = None) -> None:
        self.rhs = rhs
        self.solve = solve
        self.rows = rows

    def size(self, y0: Array) -> int:
        return shape_of(y0)[0]

    def adjoint(self, n: int) -> Problem:
        """The problem of y, its adjoint, and the gradient by the parameters, run backwards."""

        def rhs(z: Array, t: Array, parameters: Array) -> Array:
            y, covector = z[:n], z[n : 2 * n]
            pull, value = make_vjp(lambda given: self.rhs(given[0], t, given[1]), (y, parameters))
            by_y, by_parameters = pull(covector)
            return np.concatenate([value, -by_y, -by_parameters])

        return Problem(rhs, self.solve)

    def variation(self, n: int, m: int) -> Problem:
        """The problem of y and of its change along a direction, a part of the parameters."""

        def rhs(z: Array, t: Array, both: Array) -> Array:
            push = make_jvp(lambda given: self.rhs(given[0], t, given[1]), (z[:n], both[:m]))
            return np.concatenate(push((z[n:], both[m:])))

        return Problem(rhs, self.solve)


@recorded
def trajectory(problem: Problem, y0: Any, times: Any, parameters: Any) -> Any:
    """The solution at `times`, the first of which is where it has the value y0."""
    if problem.rows is not None:
        return onp.array(problem.rows)
    return problem.solve(lambda y, t: problem.rhs(y, t, parameters), y0, times)


def _pull(argnums: tuple[int, ...], ans: Array, args: Any, kwargs: Any) -> Any:
    problem, y0, times, parameters = args
    n = problem.size(y0)
    adjoint = problem.adjoint(n)
    plain = getval(times)

    def vjp(g: Array) -> Any:
        last = len(plain) - 1
        covector = onp.zeros(n)
        gradient = onp.zeros(shape_of(parameters))
        by_times: list[Array] = []
        for i in range(last, 0, -1):
            if 2 in argnums:
                # A later output time moves its own row along the solution.
                by_times.append(np.sum(g[i] * problem.rhs(ans[i], times[i], parameters)))
            covector = covector + g[i]
            if plain[i] == plain[i - 1]:
                continue
            z = trajectory(
                adjoint,
                np.concatenate([ans[i], covector, gradient]),
                times[i - 1 : i + 1][::-1],
                parameters,
            )[1]
            covector, gradient = z[n : 2 * n], z[2 * n :]
        result = []
        for argnum in argnums:
            if argnum == 1:
                result.append(covector + g[0])
            elif argnum == 2:
                # Starting later leaves out what the solution would have moved by.
                start = -np.sum(covector * problem.rhs(y0, times[0], parameters))
                result.append(np.stack([start, *by_times[::-1]]))
            else:
                result.append(gradient)
        return tuple(result)

    return vjp


def _push(argnums: tuple[int, ...], ts: Any, ans: Array, args: Any, kwargs: Any) -> Array:
    problem, y0, times, parameters = args
    n, m = problem.size(y0), shape_of(parameters)[0]
    change = dict(zip(argnums, ts))
    rates = None
    start = change.get(1, onp.zeros(n))
    if 2 in change:
        rates = np.stack(
            [problem.rhs(ans[i], times[i], parameters) for i in range(shape_of(times)[0])]
        )
        start = start - rates[0] * change[2][0]
    direction = change.get(3, onp.zeros(m))
    rows = trajectory(
        problem.variation(n, m),
        np.concatenate([y0, start]),
        times,
        np.concatenate([parameters, direction]),
    )[:, n:]
    if rates is not None:
        rows = rows + rates * np.reshape(change[2], (-1, 1))
    return rows


_core.defvjp_argnums(trajectory, _pull)
_core.defjvp_argnums(trajectory, _push)


class Arguments:
    """The arguments of a right hand side: the traced ones as one vector, the others as they are."""

    def __init__(self, args: tuple[Any, ...]) -> None:
        self.leaves, self.structure = flatten(tuple(args), lenient=True)
        self.traced = [i for i, leaf in enumerate(self.leaves) if isbox(leaf)]
        if self.traced:
            self.vector, self.packing = pack([self.leaves[i] for i in self.traced])
        else:
            self.vector = onp.zeros(0)

    def rebuilt(self, vector: Array) -> tuple[Any, ...]:
        """The arguments, with the numbers of a vector in place of the traced ones."""
        leaves = list(self.leaves)
        if self.traced:
            for i, leaf in zip(self.traced, self.packing.unpack(vector)):
                leaves[i] = leaf
        return self.structure.unflatten(leaves)

    @property
    def plain(self) -> tuple[Any, ...]:
        return self.structure.unflatten([getval(leaf) for leaf in self.leaves])


def _vector(value: Any) -> Array:
    """What a right hand side returned, as a vector."""
    value = as_float(value)
    return value if value.ndim == 1 else np.ravel(value)


def _real_vector(y0: Any, name: str) -> Array:
    y0 = np.atleast_1d(as_float(y0))
    if y0.dtype.kind == "c":
        raise NotImplementedError(f"{name} of complex values has no derivative rule in fastad")
    return y0


def _entry(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function that is traced if a box stands anywhere in its arguments, in dicts too."""
    function = getattr(scipy.integrate, name)

    def register(traced: Callable[..., Any]) -> Callable[..., Any]:
        def entry(*args: Any, **kwargs: Any) -> Any:
            leaves, _ = flatten((list(args), kwargs), lenient=True)
            return (traced if any(map(isbox, leaves)) else function)(*args, **kwargs)

        entry.__name__ = name
        space.enter(name, entry, function)
        entry.__doc__ = traced.__doc__
        return entry

    return register


# ---- odeint --------------------------------------------------------------------------------------


def _loosest(tolerance: Any, default: float) -> float:
    return default if tolerance is None else min(float(onp.min(tolerance)), default)


@_entry("odeint")
def odeint(func: Any, y0: Array, t: Array, args: Any = (), *more: Any, **kwargs: Any) -> Any:
    """Integrate an ODE; differentiable by y0, the times t and args (numbers, arrays, containers).

    A traced value that func reads from outside, not through args, is refused.
    """
    if more:
        raise TypeError("odeint: pass the options after args by keyword while values are traced")
    given = Arguments(args if isinstance(args, tuple) else (args,))
    kwargs = {name: getval(value) for name, value in kwargs.items()}
    first = kwargs.pop("tfirst", False)
    full_output = kwargs.pop("full_output", 0)

    def rhs(y: Array, time: Array, parameters: Array) -> Array:
        rest = given.rebuilt(parameters)
        return _vector(func(time, y, *rest) if first else func(y, time, *rest))

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

    values = scipy.integrate.odeint(
        func,
        getval(np.asarray(y0) if not isbox(y0) else y0),
        getval(as_float(t)),
        given.plain,
        tfirst=first,
        full_output=full_output,
        **kwargs,
    )
    rows, info = values if full_output else (values, None)
    problem = Problem(rhs, solve, rows)
    result = trajectory(problem, _real_vector(y0, "odeint"), as_float(t), given.vector)
    return (result, info) if full_output else result


# ---- solve_ivp -----------------------------------------------------------------------------------


@_entry("solve_ivp")
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
    """Integrate an ODE; `y` (and `t`) of the result are differentiable.

    By y0, args, t_eval and t_span, that is. The times that the solver chose itself (t_eval=None)
    count as constants between the two ends; `sol`, `t_events` and `y_events` are plain. The adjoint
    equations are solved to rtol 1e-6 and atol 1e-9 if the given tolerances are looser.
    """
    given = Arguments(() if args is None else tuple(args))
    t_start, t_end = t_span
    times = None if t_eval is None else as_float(t_eval)
    found = scipy.integrate.solve_ivp(
        fun,
        (getval(t_start), getval(t_end)),
        getval(as_float(y0)),
        method=method,
        t_eval=None if times is None else getval(times),
        dense_output=dense_output,
        events=events,
        vectorized=vectorized,
        args=None if args is None else given.plain,
        **options,
    )
    y0 = _real_vector(y0, "solve_ivp")

    def rhs(y: Array, time: Array, parameters: Array) -> Array:
        rest = given.rebuilt(parameters)
        if vectorized:
            return _vector(fun(time, np.reshape(y, (-1, 1)), *rest))
        return _vector(fun(time, y, *rest))

    steering = {k: v for k, v in options.items() if k in ("max_step", "min_step")}

    def solve(plain_rhs: Any, start: Any, at: Any) -> Any:
        # The first output may stand where the integration starts; SciPy wants distinct times.
        moves = onp.concatenate([[True], onp.diff(at) != 0])
        distinct = onp.asarray(at)[moves]
        places = onp.cumsum(moves) - 1
        if len(distinct) == 1:
            return onp.array(start, float)[None][places]
        solution = scipy.integrate.solve_ivp(
            lambda time, y: plain_rhs(y, time),
            (distinct[0], distinct[-1]),
            start,
            method=method,
            t_eval=distinct,
            rtol=_loosest(options.get("rtol"), 1e-6),
            atol=_loosest(options.get("atol"), 1e-9),
            **steering,
        )
        if not solution.success:
            raise RuntimeError(f"solve_ivp: the sensitivity equations failed: {solution.message}")
        return solution.y.T[places]

    taken = onp.asarray(found.t, float)
    if taken.size == 0:
        return found
    if times is not None:
        moving = times[: taken.size]
    else:
        moving = taken
        if isbox(t_start):
            moving = np.concatenate([np.reshape(t_start, (1,)), moving[1:]])
        if isbox(t_end) and found.status == 0 and taken.size > 1:
            moving = np.concatenate([moving[:-1], np.reshape(t_end, (1,))])
    start = as_float(t_start)
    known = onp.concatenate([onp.reshape(getval(y0), (1, -1)), found.y.T])
    rows = trajectory(
        Problem(rhs, solve, known),
        y0,
        np.concatenate([np.reshape(start, (1,)), moving]),
        given.vector,
    )
    found.y = np.transpose(rows[1:])
    found.t = moving if isbox(moving) else found.t
    return found


space.fill(globals())
