"""The solution of an initial value problem as a primitive, by initial value, times, parameters.

Forward mode integrates the variational equations along with the solution. Reverse mode does so too
where the directions asked for are few; else it integrates the adjoint equations backwards from one
output time to the one before (Pontryagin 1962; Chen et al. 2018, appendix B): along the known
solution, by collocation (`adjoints`) or, of many variables, by explicit steps (`steps`); where that
is hard, or its derivatives are asked for, by the solver, the solution and the adjoint together from
the stored solution there. Stiff solutions cannot be run backwards: that is seen by where they
arrive, and then the changes by all numbers are integrated forwards. What the solver does is an
initial value problem again, recorded by the same primitive, so derivatives of every order follow.
They are derivatives of the exact solution: they agree with those of the computed one to the
solver's tolerance.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as onp

from ... import _core
from ... import numpy as np
from ..._core import primal
from ..host_calls import shared
from ..registry import Array, helper, shape_of
from .adjoints import LARGEST, swept
from .right_sides import RightSide
from .steps import is_soft, stepped

# Numbers to be integrated beside the solution, up to which reverse mode goes forwards; of implicit
# methods, which factorise a matrix of as many rows.
FEW = 400
FEW_IMPLICIT = 60
SEVERAL = 4  # variables, from which explicit steps are tried first
MOST = 20_000  # numbers that are integrated beside the solution where nothing else is right
STRAY = 1e3  # tolerances that the solution may be off by where it was run backwards


class Problem:
    """An initial value problem: everything but the numbers that derivatives are taken by.

    Parameters
    ----------
    side : RightSide
    solve : callable
        `solve(rhs, y0, times)`: the solution of plain numbers at `times`, one row for each; the
        first row is y0.
    implicit : bool
        Whether each step solves a linear system.
    tolerance : float
        The relative tolerance of `solve`.
    key : tuple, optional
        What it is made of, where that decides whether two recordings are the same.
    continuous : callable, optional
        `continuous(rhs, y0, first, last)`: the solution of plain numbers as a function of times,
        one column for each.
    """

    __slots__ = ("continuous", "implicit", "key", "side", "solve", "tolerance")

    def __init__(
        self,
        side: RightSide,
        solve: Callable[..., Any],
        implicit: bool = False,
        tolerance: float = 1.49012e-8,
        key: Any = None,
        continuous: Callable[..., Any] | None = None,
    ) -> None:
        self.side = side
        self.solve = solve
        self.implicit = implicit
        self.tolerance = tolerance
        self.key = key
        self.continuous = continuous

    def of(self, side: RightSide) -> Problem:
        """The problem of other equations that are solved alike."""
        key = None if self.key is None else (side.key, self.key)
        same = self.solve, self.implicit, self.tolerance
        return shared(key, lambda: Problem(side, *same, key, self.continuous))

    def rates(self, ans: Array, times: Array, parameters: Array) -> Array:
        """The right hand side along the solution."""
        count = shape_of(times)[0]
        return np.stack([self.side(ans[i], times[i], parameters) for i in range(count)])


@helper
def trajectory(
    problem: Problem, y0: Any, times: Any, parameters: Any, effort: Any, known: Any = None
) -> Any:
    """The solution at `times`, the first of which is where it has the value y0; it may be known.

    The effort is about how often the solution evaluates the right hand side.
    """
    if known is not None:
        return known
    rhs = problem.side.plain(parameters, int(effort))
    return problem.solve(rhs, y0, times)


def _changes(problem: Problem, args: Any, start: Array, directions: Array) -> Array:
    """Changes of the solution along directions: axes time, variable, direction."""
    y0, times, parameters = args[1:4]
    n, m, count = shape_of(y0)[0], shape_of(parameters)[0], shape_of(start)[1]
    rows = trajectory(
        problem.of(problem.side.varied(n, m, count)),
        np.concatenate([y0, np.ravel(start)]),
        times,
        np.concatenate([parameters, np.ravel(directions)]),
        args[4],
    )
    return np.reshape(rows[:, n:], (-1, n, count))


def _pull(argnums: tuple[int, ...], ans: Array, args: Any, kwargs: Any) -> Any:
    problem, y0, _, parameters = args[:4]
    n, m = shape_of(y0)[0], shape_of(parameters)[0]
    count = n * (1 in argnums) + (2 in argnums) + m * (3 in argnums)
    if n * count <= (min(FEW, FEW_IMPLICIT) if problem.implicit else FEW):
        return _pull_forwards(argnums, ans, args, n, m)
    return _pull_backwards(argnums, ans, args, n)


def _pull_forwards(argnums: tuple[int, ...], ans: Array, args: Any, n: int, m: int) -> Any:
    """One column of changes for each number that the gradient has."""
    problem, y0, times, parameters = args[:4]

    def vjp(g: Array) -> Any:
        starts, directions = [], []
        if 1 in argnums:
            starts.append(onp.eye(n))
            directions.append(onp.zeros((m, n)))
        if 2 in argnums:
            # Starting later leaves out what the solution would have moved by.
            starts.append(np.reshape(-problem.side(y0, times[0], parameters), (n, 1)))
            directions.append(onp.zeros((m, 1)))
        if 3 in argnums:
            starts.append(onp.zeros((n, m)))
            directions.append(onp.eye(m))
        start = np.concatenate(starts, axis=1)
        changes = _changes(problem, args, start, np.concatenate(directions, axis=1))
        toward = np.matmul(np.ravel(g), np.reshape(changes, (-1, shape_of(start)[1])))
        result, first = [], 0
        for argnum in sorted(argnums):
            length = {1: n, 2: 1, 3: m}[argnum]
            part = toward[first : first + length]
            first += length
            if argnum == 2:
                # Every output time moves its own row along the solution.
                moved = np.sum(g * problem.rates(ans, times, parameters), axis=1)
                part = np.concatenate([part + moved[:1], moved[1:]])
            result.append((argnum, part))
        found = dict(result)
        return tuple(found[argnum] for argnum in argnums)

    return vjp


def _unit(*linear: Array) -> Any:
    """The size of what a result is linear in; the solver's tolerances are those of size one."""
    size: Any = 0.0
    for x in linear:
        size = np.maximum(size, np.max(np.abs(primal(x)), initial=0.0))
    return np.where((size > 0) & (size < onp.inf), size, 1.0)


def _carried(
    problem: Problem,
    y0: Array,
    times: Array,
    parameters: Array,
    effort: Array,
    ans: Array,
    g: Array,
) -> Array:
    """The adjoint at the first time, before its own row of g, and the gradient by the parameters.

    By the solver, anew at each output time.
    """
    n = shape_of(y0)[0]
    adjoint = problem.of(problem.side.adjoint(n))
    constant = primal(times)
    unit = _unit(g)
    g = g / unit
    covector = onp.zeros(n)
    gradient = onp.zeros(shape_of(parameters))
    for i in range(shape_of(times)[0] - 1, 0, -1):
        covector = covector + g[i]
        if constant[i] == constant[i - 1]:
            continue
        z = trajectory(
            adjoint,
            np.concatenate([ans[i], covector, gradient]),
            times[i - 1 : i + 1][::-1],
            parameters,
            effort,
        )[1]
        if not _is_near(z[:n], ans[i - 1], problem.tolerance):
            # Backwards the solution runs away from itself: what decays forwards grows.
            return _summed(problem, y0, times, parameters, effort, g) * unit
        covector, gradient = z[n : 2 * n], z[2 * n :]
    return np.concatenate([covector, gradient]) * unit


def _is_near(found: Array, known: Array, tolerance: float) -> bool:
    """Whether a solution that was run backwards is the one that was run forwards."""
    found, known = primal(found), primal(known)
    room = STRAY * tolerance * (1 + onp.max(onp.abs(known), initial=0.0))
    return bool(onp.max(onp.abs(found - known), initial=0.0) <= room)


def _summed(
    problem: Problem, y0: Array, times: Array, parameters: Array, effort: Array, g: Array
) -> Array:
    """What `_carried` gives, from the changes by all numbers, forwards."""
    n, m = shape_of(y0)[0], shape_of(parameters)[0]
    if n * (n + m) > MOST:
        raise NotImplementedError(
            "scipy.integrate: the adjoint equations run away where they are integrated backwards, "
            f"as stiff ones do, and {n} variables by {n + m} numbers are too many to go forwards; "
            "use forward mode (make_jvp, or deriv), fewer parameters, or more output times"
        )
    start, directions = onp.eye(n, n + m), onp.eye(n + m)[n:]
    changes = _changes(problem, (problem, y0, times, parameters, effort), start, directions)
    return np.matmul(np.ravel(g[1:]), np.reshape(changes[1:], (-1, n + m)))


@functools.partial(helper, derivative=_carried)
def carried(
    problem: Problem, y0: Any, times: Any, parameters: Any, effort: Any, ans: Any, g: Any
) -> Any:
    """The same, by explicit steps or by collocation where that is not hard."""
    soft = len(y0) >= SEVERAL
    if soft and problem.implicit:
        soft = len(y0) <= LARGEST and is_soft(problem, ans, times, parameters, effort)
    for way in (stepped, swept) if soft else (swept,):
        found = way(problem, y0, times, parameters, g, int(effort))
        if found is not None:
            return onp.concatenate(found)
    return _carried(problem, y0, times, parameters, effort, ans, g)


def _pull_backwards(argnums: tuple[int, ...], ans: Array, args: Any, n: int) -> Any:
    problem, y0, times, parameters, effort = args[:5]

    def vjp(g: Array) -> Any:
        both = carried(problem, y0, times, parameters, effort, ans, g)
        covector = both[:n]
        result = []
        for argnum in argnums:
            if argnum == 1:
                result.append(covector + g[0])
            elif argnum == 2:
                # A later output time moves its own row along the solution.
                rates = problem.rates(ans, times, parameters)
                start = -np.sum(covector * rates[0])
                result.append(np.concatenate([start[None], np.sum(g[1:] * rates[1:], axis=1)]))
            else:
                result.append(both[n:])
        return tuple(result)

    return vjp


def _push(argnums: tuple[int, ...], ts: Any, ans: Array, args: Any, kwargs: Any) -> Array:
    problem, y0, times, parameters = args[:4]
    n, m = shape_of(y0)[0], shape_of(parameters)[0]
    change = dict(zip(argnums, ts))
    rates = problem.rates(ans, times, parameters) if 2 in change else None
    start = change.get(1, onp.zeros(n))
    if rates is not None:
        start = start - rates[0] * change[2][0]
    direction = change.get(3, onp.zeros(m))
    unit = _unit(start, direction)
    rows = _changes(
        problem, args, np.reshape(start / unit, (n, 1)), np.reshape(direction / unit, (m, 1))
    )
    rows = rows[:, :, 0] * unit
    if rates is not None:
        rows = rows + rates * np.reshape(change[2], (-1, 1))
    return rows


_core.defvjp_argnums(trajectory, _pull)
_core.defjvp_argnums(trajectory, _push)
