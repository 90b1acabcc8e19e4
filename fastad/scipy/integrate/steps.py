"""The adjoint of a solution of many variables, by explicit steps along the known solution.

Between two output times the adjoint obeys a' = -f_y^T a, and the gradient by the parameters is the
integral of f_p^T a. An explicit method of Runge and Kutta needs f_y^T times a vector alone, at
times that are known beforehand: the solution is asked for at all of them at once, and the integral
is the method's own sum over its stages (that of the equations of a and of the gradient together).
The methods are those of Dormand and Prince, of order 5 and of order 8, with SciPy's coefficients
and estimates of the error (Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I,
II.5). The error of the sum is looked at by one sum more, in which each step's error has a sign of
its own.
"""

from __future__ import annotations

from typing import Any

import numpy as onp
from scipy.integrate import DOP853, RK45

from .adjoints import TINY, Pieces, Sweep, first_pieces, result_of, shares
from .long_steps import DIVERGED, PER_PIECE, ROUNDS, STAGES, passed_over

PER_STEP = 12  # evaluations of the right hand side, by which the first pieces are chosen
STABLE = 12  # times a norm of f_y, which is more than a spectral radius; order 8 allows about 6
LOOKED_AT = 16  # pieces whose errors are looked at together
DOUBTED = 0.01  # of the embedded error, which the method's own is at most


class _Method:
    """Nodes and weights, and the estimates of a step's error: one, or two that are combined."""

    def __init__(self, of: Any) -> None:
        count = of.n_stages
        self.order = of.order
        self.stages = onp.asarray(of.A[:count, :count])
        # The end of a step comes after the stages: the error may ask for the slope there.
        self.nodes = onp.append(of.C[:count], 1.0)
        self.name = of.__name__
        self.weights = onp.append(of.B[:count], 0.0)
        self.error = onp.asarray(of.E5 if hasattr(of, "E5") else of.E)
        # Of the stages, and of the slope at the end where that is asked for.
        whole = count + bool(self.error[count])
        self.coupling = onp.zeros((whole, whole))
        self.coupling[:count, : self.stages.shape[1]] = self.stages
        self.coupling[count:, :count] = self.weights[:count]
        self.second = onp.asarray(of.E3) if hasattr(of, "E3") else None


_FIFTH, _EIGHTH = _Method(RK45), _Method(DOP853)


def _lengths(rows: Any) -> Any:
    return onp.sqrt(onp.sum(rows * rows, axis=1))


class _Run:
    """One run over pieces from the last output to the first."""

    def __init__(self, sweep: Sweep, pieces: Pieces, method: _Method, tolerance: float) -> None:
        self.pieces = pieces
        self.method = method
        self.points = pieces.points(method.nodes)
        self.states = sweep.states(self.points)
        self.error = onp.zeros(len(pieces))
        self.part = onp.ones(len(pieces))  # of the embedded error, which the step's own is
        self.adjoints: Any = None  # at the stages
        with onp.errstate(all="ignore"):  # explicit steps of stiff equations overflow
            self.last = self._run(sweep, tolerance)

    def _run(self, sweep: Sweep, tolerance: float) -> Any:
        n, method, pieces = sweep.n, self.method, self.pieces
        count = len(method.coupling)
        stages = sweep.chain(method.name, -method.coupling)
        steps = pieces.ends - pieces.starts
        given = onp.empty((len(pieces), count, 2 * n))
        given[:, :, :n] = self.states[:, :count]
        times = onp.concatenate([self.points[:, :count], steps[:, None]], axis=1)
        weights = -steps[:, None] * method.weights[:count]
        found = onp.empty_like(given)
        before, after = onp.empty((2, len(pieces), n))
        a, largest = onp.zeros(n), 0.0
        for first in range(0, len(pieces), LOOKED_AT):
            some = slice(first, min(first + LOOKED_AT, len(pieces)))
            for k in range(some.start, some.stop):
                before[k] = a = a + pieces.jumps[k]
                given[k, :, n:] = a
                found[k] = both = stages(given[k], times[k])
                after[k] = a = a + weights[k] @ both[:, n:]
            size = onp.maximum(_lengths(before[some]), _lengths(after[some]))
            greatest = onp.maximum(onp.maximum.accumulate(size), largest)
            largest = greatest[-1]
            slopes = found[some, :, n:]
            error = _lengths(method.error[:count] @ slopes)
            if method.second is not None:
                second = _lengths(method.second[:count] @ slopes)
                self.part[some] = error / (onp.sqrt(error**2 + 0.01 * second**2) + TINY)
            room = tolerance * (size + 1e-3 * greatest) + TINY
            self.error[some] = onp.abs(steps[some]) * error * self.part[some] / room
            if not onp.all(self.error[some] <= DIVERGED):
                return None
        self.adjoints = found[:, :, :n]
        return a

    def sums(self, sweep: Sweep, random: Any) -> tuple[Any, Any]:
        """The gradient by the parameters, and the like with the errors of its steps."""
        step = (self.pieces.starts - self.pieces.ends)[:, None]
        doubt = random.choice([-1.0, 1.0], len(self.pieces)) * onp.maximum(self.part, DOUBTED)
        found = []
        for weights in (step * self.method.weights, doubt[:, None] * step * self.method.error):
            some = onp.flatnonzero(weights[0])
            rows = onp.concatenate(
                [self.states[:, some], weights[:, some, None] * self.adjoints[:, some]], axis=2
            )
            times = self.points[:, some].ravel()
            found.append(sweep.gained(onp.reshape(rows, (-1, 2 * sweep.n)), times))
        return found[0], found[1]


def is_soft(problem: Any, ans: Any, times: Any, parameters: Any, effort: Any) -> bool:
    """Whether explicit steps that are exact enough are stable, by norms of f_y at some times."""
    slope = problem.side.slope(ans.shape[1]).plain(parameters)
    found = 0.0
    for i in (0, len(times) // 2, len(times) - 1):
        matrix = onp.abs(slope(ans[i], times[i]))
        found = max(found, min(onp.max(onp.sum(matrix, axis=axis)) for axis in (0, 1)))
    # Implicit methods evaluate the right hand side several times as often for each of their steps.
    steps = effort // (4 * PER_STEP) + 1
    return bool(found * abs(times[-1] - times[0]) <= STABLE * steps)


def stepped(
    problem: Any, y0: Any, times: Any, parameters: Any, g: Any, effort: int
) -> tuple[Any, Any] | None:
    """The adjoint at the first time and the gradient by the parameters; None if steps are too many.

    The arguments are those of `adjoints.swept`.
    """
    if onp.all(times == times[0]):
        return None
    sweep = Sweep(problem, y0, times, parameters)
    spans = int(onp.count_nonzero(times[1:] != times[:-1]))
    short = 7 * spans > effort and problem.tolerance > 1e-7
    method = _FIFTH if short else _EIGHTH
    most = 2 * effort + 2 * spans
    over = 3 * STAGES * (effort // PER_PIECE + 1)  # a piece is gone over whole and in halves
    if method.order * spans > over:
        found = passed_over(sweep, times, g, effort, most)
        if found is not None:
            return result_of(times, g, *found)
    pieces = first_pieces(times, g, effort // PER_STEP + 1)
    most = 2 * effort + 2 * len(pieces)
    random = onp.random.RandomState(0)
    for _ in range(ROUNDS):
        run = _Run(sweep, pieces, method, problem.tolerance)
        if run.last is None or len(pieces) > most:
            return None
        if onp.all(run.error <= 1):
            exact, doubt = run.sums(sweep, random)
            size = onp.abs(exact) + 0.1 * onp.max(onp.abs(exact), initial=0.0)
            worst = onp.max(onp.abs(doubt) / (problem.tolerance * size + TINY), initial=0.0)
            if worst <= 1:
                return result_of(times, g, run.last, exact)
            run.error = onp.maximum(run.error, worst)
        more = pieces.shared_out(shares(run.error, method.order))
        if method is _FIFTH and len(more) > 1.6 * len(pieces):
            method = _EIGHTH  # of twice as many stages
        else:
            pieces = more
    return None
