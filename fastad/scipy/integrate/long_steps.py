"""The adjoint of a solution whose outputs stand close together: steps that go over many of them.

An output's cotangent is a jump of the adjoint, and a method that runs backwards has to start anew
at each. The method that runs forwards has not: its continuous extension gives the change of the
solution at any time within a step, by the slopes of its stages. That map from the change at the
start of a step, and from the parameters' change, to those at the outputs and at the end is linear;
here it is transposed, on the known solution (Sandu, On the properties of Runge-Kutta discrete
adjoints, 2006). Each stage needs f_y^T times one vector, however many outputs there are. The method
is that of Dormand and Prince of order 8 with its extension of order 7 (Hairer, Norsett & Wanner,
Solving Ordinary Differential Equations I, II.6), with SciPy's coefficients. Pieces of time are
gone over whole and in halves, and cut until both agree to the solver's tolerance.
"""

from __future__ import annotations

from typing import Any

import numpy as onp
from scipy.integrate import DOP853

from .adjoints import TINY, Covered, Pieces, Sweep, equal_pieces, shares

ROUNDS = 8  # of cutting
GAIN = 30  # halves are more exact than their difference to the whole by a factor of about 127
GAIN_OF_SUM = 64  # the same where the difference is looked at entry by entry
DIVERGED = 1e8  # times the error that may be, from which explicit steps are no way to go
STAGES = 16
PER_PIECE = 24  # evaluations of the right hand side, by which the first pieces are chosen


def _extended() -> tuple[Any, Any, Any]:
    """Nodes, coupling and weights of the step's stages and of those that only outputs need."""
    count = DOP853.n_stages
    coupling = onp.zeros((STAGES, STAGES))
    coupling[:count, :count] = DOP853.A[:count, :count]
    coupling[count, :count] = DOP853.B
    coupling[count + 1 :] = DOP853.A_EXTRA
    nodes = onp.concatenate([DOP853.C[:count], [1.0], DOP853.C_EXTRA])
    return nodes, coupling, coupling[count]


NODES, COUPLING, WEIGHTS = _extended()


def weights_at(places: Any) -> Any:
    """The weights of all stages for the solution at some places of a step, from 0 to 1."""
    first, last = onp.eye(STAGES)[[0, DOP853.n_stages]]
    parts = onp.stack([WEIGHTS, first - WEIGHTS, 2 * WEIGHTS - last - first, *DOP853.D])
    x = onp.reshape(places, (-1, 1))
    factors = [x]
    for i in range(1, len(parts)):
        factors.append(factors[-1] * (1 - x if i % 2 else x))
    return onp.concatenate(factors, axis=1) @ parts


class _Pass:
    """One pass over some pieces, from the last to the first or each from an adjoint of its own."""

    def __init__(
        self, sweep: Sweep, stages: Any, pieces: Pieces, states: Any, covered: Covered
    ) -> None:
        self.sweep = sweep
        self.stages = stages
        self.covered = covered
        steps = pieces.starts - pieces.ends
        self.points = pieces.forwards(NODES)
        self.times = onp.concatenate([self.points, steps[:, None]], axis=1)
        self.states = states
        self.given = onp.concatenate([states, steps[:, None, None] * covered.within], axis=2)
        self.weights = onp.reshape(steps, (-1, 1, 1)) * WEIGHTS[:, None]
        self.rows = onp.empty((len(pieces), STAGES, sweep.n))

    def over(self, k: int, adjoint: Any) -> Any:
        """The adjoint at the end of a piece from that at its start, before its jumps."""
        n, given = self.sweep.n, self.given[k]
        given[:, n:] += self.weights[k] * adjoint
        both = self.stages(given, self.times[k])
        self.rows[k] = both[:, :n]
        return adjoint + self.covered.jumps[k] + onp.sum(both[:, n:], axis=0)

    def gained(self, signs: Any) -> Any:
        """The gradient by the parameters, with a sign for each piece."""
        some = onp.flatnonzero(signs)
        rows = onp.concatenate(
            [self.states[some], signs[some, None, None] * self.rows[some]], axis=2
        )
        return self.sweep.gained(
            onp.reshape(rows, (-1, 2 * self.sweep.n)), self.points[some].ravel()
        )


def passed_over(sweep: Sweep, times: Any, g: Any, effort: int, most: int) -> Any:
    """The adjoint at the first time and the gradient by the parameters; None if steps are too many.

    Parameters
    ----------
    sweep : Sweep
    times, g : ndarray
    effort : int
        About how often the solution evaluates the right hand side at the problem's tolerance.
    most : int
        Of pieces.
    """
    tolerance = GAIN * sweep.problem.tolerance
    random = onp.random.RandomState(0)
    stages = sweep.chain("over outputs", COUPLING.T)
    pieces = equal_pieces(times, effort // PER_PIECE + 1)
    for _ in range(ROUNDS):
        if len(pieces) > most:
            return None
        halves = pieces.halves()
        covered = [Covered(one, times, g, weights_at, WEIGHTS) for one in (pieces, halves)]
        points = onp.concatenate([pieces.forwards(NODES), halves.forwards(NODES)])
        states = sweep.states(points)
        whole = _Pass(sweep, stages, pieces, states[: len(pieces)], covered[0])
        fine = _Pass(sweep, stages, halves, states[len(pieces) :], covered[1])
        adjoint = onp.zeros(sweep.n)
        error = onp.zeros(len(pieces))
        largest = 0.0
        with onp.errstate(all="ignore"):  # explicit steps of stiff equations overflow
            for k in range(len(pieces)):
                guess = whole.over(k, adjoint)
                adjoint = fine.over(2 * k + 1, fine.over(2 * k, adjoint))
                size = onp.sqrt(adjoint @ adjoint)
                largest = max(largest, size)
                wrong = guess - adjoint
                room = tolerance * (size + 1e-3 * largest) + TINY
                error[k] = onp.sqrt(wrong @ wrong) / room
                if not error[k] <= DIVERGED:
                    return None
        if onp.all(error <= 1):
            signs = random.choice([-1.0, 1.0], len(pieces))
            twice = onp.repeat(signs, 2)
            plus, minus = fine.gained(1.0 * (twice > 0)), fine.gained(1.0 * (twice < 0))
            exact, doubt = plus + minus, plus - minus - whole.gained(signs)
            size = onp.abs(exact) + 0.1 * onp.max(onp.abs(exact), initial=0.0)
            room = GAIN_OF_SUM * sweep.problem.tolerance * size + TINY
            worst = onp.max(onp.abs(doubt) / room, initial=0.0)
            if worst <= 1:
                return adjoint, exact
            error = onp.maximum(error, worst)
        pieces = pieces.shared_out(shares(error, DOP853.order))
    return None
