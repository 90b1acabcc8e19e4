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

from .adjoints import TINY, Pieces, Sweep, first_pieces, result_of

ROUNDS = 8  # of cutting
DIVERGED = 1e8  # times the error that may be, from which explicit steps are no way to go
DOUBTED = 0.01  # of the embedded error, which the method's own is at most


class _Method:
    """Nodes and weights, and the estimates of a step's error: one, or two that are combined."""

    def __init__(self, of: Any) -> None:
        count = of.n_stages
        self.order = of.order
        self.stages = onp.asarray(of.A[:count, :count])
        # The end of a step comes after the stages: the error may ask for the slope there.
        self.nodes = onp.append(of.C[:count], 1.0)
        self.weights = onp.append(of.B[:count], 0.0)
        self.error = onp.asarray(of.E5 if hasattr(of, "E5") else of.E)
        self.second = onp.asarray(of.E3) if hasattr(of, "E3") else None


_FIFTH, _EIGHTH = _Method(RK45), _Method(DOP853)


class _Run:
    """One run over pieces from the last output to the first."""

    def __init__(self, sweep: Sweep, pieces: Pieces, method: _Method, tolerance: float) -> None:
        self.pieces = pieces
        self.method = method
        self.points = pieces.points(method.nodes)
        self.states = sweep.states(self.points)
        self.adjoints = onp.empty((len(pieces), len(method.nodes), sweep.n))
        self.error = onp.zeros(len(pieces))
        self.part = onp.ones(len(pieces))  # of the embedded error, which the step's own is
        with onp.errstate(all="ignore"):  # explicit steps of stiff equations overflow
            self.last = self._run(sweep, tolerance)

    def _run(self, sweep: Sweep, tolerance: float) -> Any:
        transposed, n, method = sweep.transposed, sweep.n, self.method
        end = len(method.nodes) - 1
        whole = bool(method.error[end])
        a = onp.zeros(n)
        slopes = onp.zeros((end + 1, n))
        z = onp.empty(2 * n)
        largest = 0.0
        for k in range(len(self.pieces)):
            a = a + self.pieces.jumps[k]
            size = onp.sqrt(a @ a)
            step = self.pieces.ends[k] - self.pieces.starts[k]
            for i in range(end + whole):
                row = method.stages[i, :i] if i < end else method.weights[:i]
                stage = a if i == 0 else a + step * (row @ slopes[:i])
                self.adjoints[k, i] = stage
                z[:n], z[n:] = self.states[k, i], stage
                slopes[i] = -transposed(z, self.points[k, i])
            a = a + step * (method.weights[:end] @ slopes[:end])
            size = max(size, onp.sqrt(a @ a))
            largest = max(largest, size)
            wrong = method.error @ slopes
            error = onp.sqrt(wrong @ wrong)
            if method.second is not None:
                second = method.second @ slopes
                self.part[k] = error / (onp.sqrt(error**2 + 0.01 * (second @ second)) + TINY)
            room = tolerance * (size + 1e-3 * largest) + TINY
            self.error[k] = abs(step) * error * self.part[k] / room
            if not self.error[k] <= DIVERGED:
                return None
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


def stepped(problem: Any, y0: Any, times: Any, parameters: Any, g: Any) -> tuple[Any, Any] | None:
    """The adjoint at the first time and the gradient by the parameters; None if steps are too many.

    The arguments are those of `adjoints.swept`.
    """
    if onp.all(times == times[0]):
        return None
    sweep = Sweep(problem, y0, times, parameters)
    spans = onp.count_nonzero(times[1:] != times[:-1])
    short = 6 * spans > problem.evaluations and problem.tolerance > 1e-7
    method = _FIFTH if short else _EIGHTH
    pieces = first_pieces(times, g, problem.evaluations // 40 + 1)
    most = 2 * problem.evaluations + 2 * len(pieces)
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
            run.error = onp.full(len(pieces), worst)
        parts = onp.clip(onp.ceil(1.1 * run.error ** (1 / method.order)), 2, 8)
        pieces = pieces.cut(onp.where(run.error > 1, parts, 1).astype(int))
    return None
