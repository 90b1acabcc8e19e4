"""The adjoint of a solution between its output times, by collocation along the known solution.

Backwards from one output time to the one before, the adjoint obeys the linear equation
a' = -f_y^T a, and the gradient by the parameters is the integral of f_p^T a. Both f_y and f_p are
had where the solution is known, so that no solver need start anew at each output time: on each
piece of time the equation is collocated at the three points of Radau IIA, which is of order 5 and
damps what decays fast (Hairer & Wanner, Solving Ordinary Differential Equations II, IV.5). Pieces
are halved until whole and halves agree to the solver's tolerance.
"""

from __future__ import annotations

from functools import cached_property
from math import sqrt
from typing import Any

import numpy as onp
from scipy.linalg import lapack

from ..registry import Array

_lapack: Any = lapack  # SciPy's stubs leave routines out

_R = sqrt(6.0)
POINTS = onp.array([(4 - _R) / 10, (4 + _R) / 10, 1.0])
WEIGHTS = onp.array(
    [
        [(88 - 7 * _R) / 360, (296 - 169 * _R) / 1800, (-2 + 3 * _R) / 225],
        [(296 + 169 * _R) / 1800, (88 + 7 * _R) / 360, (-2 - 3 * _R) / 225],
        [(16 - _R) / 36, (16 + _R) / 36, 1 / 9],
    ]
)
SMALL = 24  # variables, up to which matrices f_y and systems are computed several at once
LARGEST = 400  # variables, up to which the matrices f_y are worth their time
NARROW = 5  # times the width of its band, from which a matrix is treated as one
HELD = 50_000  # numbers of matrices f_y that are held at a time: they stay in the cache
TOGETHER = 16  # rows whose derivatives by the parameters are one program
TINY = float(onp.finfo(float).tiny)
ROUNDS = 12  # of cutting
DOUBLED = 4  # parts of a piece at whose start something decays
GAIN = 20  # halves are more exact than their difference to the whole by a factor of 31


class Pieces:
    """Pieces of time from the last output to the first, each run backwards from start to end."""

    def __init__(self, starts: Any, ends: Any, jumps: Any) -> None:
        self.starts = starts
        self.ends = ends
        self.jumps = jumps  # what the adjoint gains where a piece starts

    def __len__(self) -> int:
        return len(self.starts)

    def cut(self, parts: Any, graded: Any = False) -> Pieces:
        """Each piece in so many equal parts; graded ones in parts that double their lengths."""
        piece = onp.repeat(onp.arange(len(self)), parts)
        place = onp.arange(len(piece)) - onp.repeat(onp.cumsum(parts) - parts, parts)
        starts, ends, count = self.starts[piece], self.ends[piece], parts[piece]
        doubling = onp.broadcast_to(graded, parts.shape)[piece]

        def at(place: Any) -> Any:
            share = onp.where(doubling, (place > 0) * 2.0 ** (place - count), place / count)
            return starts + share * (ends - starts)

        return Pieces(
            at(place),
            onp.where(place + 1 == count, ends, at(place + 1)),
            onp.where(place[:, None] == 0, self.jumps[piece], 0.0),
        )

    def shared_out(self, wanted: Any) -> Pieces:
        """As many pieces as are wanted in place of each; borders move, but for those with jumps."""
        first = onp.any(self.jumps != 0, axis=1)
        first[:1] = True
        group = onp.cumsum(first) - 1
        total = onp.bincount(group, wanted)
        counts = onp.maximum(onp.ceil(total - 1e-9), 1).astype(int)
        ends = onp.append(onp.flatnonzero(first)[1:], len(self)) - 1
        # Where along all that is wanted the borders of the groups and within them are.
        upto = onp.cumsum(total)
        place = onp.arange(len(onp.repeat(counts, counts)))
        place = place - onp.repeat(onp.cumsum(counts) - counts, counts)
        at = onp.repeat(upto - total, counts) + onp.repeat(total / counts, counts) * place
        grid = onp.concatenate([[0.0], onp.cumsum(wanted)])
        starts = onp.interp(at, grid, onp.append(self.starts, self.ends[-1]))
        inner = place == 0
        starts[inner] = self.starts[first]
        last = onp.append(inner[1:], True)
        stops = onp.append(starts[1:], 0.0)
        stops[last] = self.ends[ends]
        jumps = onp.zeros((len(starts), self.jumps.shape[1]))
        jumps[inner] = self.jumps[first]
        return Pieces(starts, stops, jumps)

    def halves(self) -> Pieces:
        """Each piece in two."""
        return self.cut(onp.full(len(self), 2))

    def points(self, nodes: Any = POINTS) -> Any:
        """The times in each piece that a method asks for, one row for each piece."""
        found = self.starts[:, None] + nodes * (self.ends - self.starts)[:, None]
        found[:, nodes == 1] = self.ends[:, None]  # to the bit: no solver goes beyond its own
        return found


def first_pieces(times: Any, g: Any, wanted: int) -> Pieces:
    """The time between outputs, and so much of it that there are about as many as wanted."""
    moving = onp.flatnonzero(times[1:] != times[:-1])[::-1]
    # Outputs at equal times have no piece of their own: their rows go to the next one that has.
    upto = onp.cumsum(g[::-1], axis=0)[len(g) - 2 - moving]
    pieces = Pieces(times[moving + 1], times[moving], onp.diff(upto, axis=0, prepend=0.0))
    lengths = onp.abs(pieces.ends - pieces.starts)
    return pieces.cut(onp.ceil(lengths / onp.sum(lengths) * wanted).astype(int))


def _error(exact: Any, guess: Any, size: Any, tolerance: float) -> Any:
    """How many times each piece's error is what it may be; those far below the others may more."""
    room = tolerance * (size + 1e-3 * onp.max(size, initial=0.0)) + TINY
    return onp.max(onp.abs(exact - guess) / room, axis=1, initial=0.0)


def shares(error: Any, order: int) -> Any:
    """How many pieces to make of each whose error is so many times what it may be."""
    return onp.clip(1.3 * error ** (1 / order), 0.5, 8)


def _parts(error: Any) -> Any:
    """Into how many parts to cut pieces whose error is so many times what it may be."""
    return onp.where(error > 1, onp.clip(onp.ceil(error ** (1 / 6)), 2, 8), 1).astype(int)


def transitions(slope: Any, step: Any) -> Any:
    """Matrices from the adjoint at a piece's start to that at its points, of several pieces.

    What is given has `@`, for one vector.

    Parameters
    ----------
    slope : ndarray
        f_y: axes piece, point, component, variable.
    step : ndarray
        The length of each piece, with its sign.
    """
    n = slope.shape[2]
    rows, columns = onp.nonzero(onp.any(slope != 0, axis=(0, 1)))
    width = int(onp.max(onp.abs(rows - columns), initial=0))
    if (2 * width + 1) * NARROW <= n:
        return _bands_of(slope, step, width)
    right = onp.tile(onp.eye(n), (3, 1))
    found = onp.empty((len(slope), 3, n, n))
    for k, (matrices, length) in enumerate(zip(slope, step)):
        system = length * onp.einsum("jl,lba->jalb", WEIGHTS, matrices)
        system = onp.reshape(system, (3 * n, 3 * n)) + onp.eye(3 * n)
        found[k] = onp.reshape(onp.linalg.solve(system, right), (3, n, n))
    return found


class _Bands:
    """What `transitions` gives of a piece where only neighbours act on each other: factors."""

    def __init__(self, bands: Any, middle: int) -> None:
        self.middle = middle
        self.factors, self.pivots, _ = _lapack.dgbtrf(bands, middle, middle, overwrite_ab=True)

    def __matmul__(self, start: Any) -> Any:
        right, width = onp.repeat(start, 3), self.middle
        solved, _ = _lapack.dgbtrs(self.factors, width, width, right, self.pivots, overwrite_b=True)
        return onp.reshape(solved, (-1, 3)).T


def _bands_of(slope: Any, step: Any, width: int) -> list[_Bands]:
    """The three points of a variable stand side by side, so that the bands stay narrow."""
    count, _, n, _ = slope.shape
    middle = 3 * width + 2
    bands = onp.zeros((count, n, 3, 3 * middle + 1))  # LAPACK's, with room for the factors
    bands[..., 2 * middle] = 1.0
    for offset in range(-width, width + 1):
        diagonal = step[:, None, None] * onp.diagonal(slope, offset, axis1=2, axis2=3)
        of_column = slice(max(0, -offset), n - max(0, offset))
        for row in range(3):
            for column in range(3):
                place = bands[:, of_column, column, 2 * middle + 3 * offset + row - column]
                place += WEIGHTS[row, column] * diagonal[:, column]
    return [_Bands(onp.reshape(one, (3 * n, -1)).T, middle) for one in bands]


class Sweep:
    """What the equation needs of a problem, with plain numbers."""

    def __init__(self, problem: Any, y0: Any, times: Any, parameters: Any) -> None:
        self.n = y0.shape[0]
        self.count = parameters.shape[0]
        self.parameters = parameters
        self.problem = problem
        self._known: dict[tuple[float, float], Any] = {}
        self._solution: Any = None
        self.y0 = y0
        self.first, self.last = times[0], times[-1]

    @cached_property
    def rhs(self) -> Any:
        """The right hand side."""
        return self.problem.side.plain(self.parameters)

    @cached_property
    def jacobian(self) -> Any:
        """Matrices f_y at three points."""
        return self.problem.side.jacobian(self.n).plain(self.parameters)

    @cached_property
    def slope(self) -> Any:
        """The matrix f_y."""
        return self.problem.side.slope(self.n).plain(self.parameters)

    @cached_property
    def pull(self) -> Any:
        """The sum of covectors times f_p."""
        return self.problem.side.pulled(self.n).plain(self.parameters)

    def chain(self, name: str, coupling: Any) -> Any:
        """The stages of a step of this adjoint: see `RightSide.chained`."""
        side = self.problem.side.chained(self.n, name, coupling).plain(self.parameters)
        shape = len(coupling), 2 * self.n
        return lambda z, t: onp.reshape(side(z, t), shape)

    def states(self, points: Any) -> Any:
        """The solution at these times, which may come in any order."""
        if self.problem.continuous is not None:
            if self._solution is None:
                self._solution = self.problem.continuous(self.rhs, self.y0, self.first, self.last)
            rows = self._solution(points.ravel()).T
            return onp.reshape(rows, (*points.shape, self.n))
        flat, places = onp.unique(points, return_inverse=True)
        if self.last < self.first:
            flat, places = flat[::-1], len(flat) - 1 - places
        at = onp.concatenate([[self.first], flat])
        rows = self.problem.solve(self.rhs, self.y0, at)
        return rows[1:][places.reshape(points.shape)]

    def stages(self, pieces: Pieces, states: Any) -> Any:
        """Matrices from the adjoint at a piece's start to that at its points."""
        if self.n > SMALL:
            return self._stages_of_large(pieces, states)
        points, n = pieces.points(), self.n
        slope = onp.empty((len(points), 3, n, n))
        for i, (y, t) in enumerate(zip(states, points)):
            slope[i] = self.jacobian(y, t)
        step = (pieces.ends - pieces.starts)[:, None, None, None, None]
        # Rows j, a and columns l, b: step * WEIGHTS[j, l] * slope[l, b, a].
        parts = step * onp.einsum("jl,plba->pjalb", WEIGHTS, slope)
        system = onp.reshape(parts, (-1, 3 * n, 3 * n)) + onp.eye(3 * n)
        right = onp.tile(onp.eye(n), (3, 1))
        solved = onp.linalg.solve(system, onp.broadcast_to(right, (len(system), 3 * n, n)))
        return onp.reshape(solved, (-1, 3, n, n))

    def _stages_of_large(self, pieces: Pieces, states: Any) -> Any:
        """The same of large matrices; those of pieces that were not cut are known."""
        n, points = self.n, pieces.points()
        ends = list(zip(pieces.starts, pieces.ends))
        missing = [i for i, piece in enumerate(ends) if piece not in self._known]
        for first in range(0, len(missing), max(1, HELD // (3 * n * n))):
            some = missing[first : first + max(1, HELD // (3 * n * n))]
            slope = onp.empty((len(some), 3, n, n))
            for place, i in enumerate(some):
                for k in range(3):
                    slope[place, k] = self.slope(states[i, k], points[i, k])
            step = pieces.ends[some] - pieces.starts[some]
            for i, solved in zip(some, transitions(slope, step)):
                self._known[ends[i]] = solved
        return [self._known[piece] for piece in ends]

    def along(self, pieces: Pieces, stages: Any) -> tuple[Any, Any]:
        """The adjoint at each piece's start, and at its points."""
        covector = onp.zeros(self.n)
        starts, found = [], []
        for jump, transition in zip(pieces.jumps, stages):
            starts.append(covector + jump)
            found.append(transition @ starts[-1])
            covector = found[-1][2]
        return onp.array(starts), onp.array(found)

    def gained(self, rows: Any, times: Any) -> Any:
        """The sum of covectors times the derivatives by the parameters, at some times."""
        total = onp.zeros(self.count)
        missing = -len(rows) % TOGETHER
        if missing:  # covectors of zeros: one program does for any number
            zeros = onp.tile(rows[-1], (missing, 1))
            zeros[:, self.n :] = 0.0
            rows = onp.concatenate([rows, zeros])
            times = onp.append(times, onp.full(missing, times[-1]))
        for k in range(0, len(rows), TOGETHER):
            total = total + self.pull(rows[k : k + TOGETHER], times[k : k + TOGETHER])
        return total

    def gained_by_piece(self, pieces: Pieces, states: Any, adjoints: Any) -> Any:
        """The gradient by the parameters that each piece adds."""
        weighted = WEIGHTS[2][:, None] * adjoints
        values = onp.concatenate([states, weighted], axis=2)
        parts = onp.empty((len(values), self.count))
        for i, (z, t) in enumerate(zip(values, pieces.points())):
            parts[i] = self.pull(z, t)
        return (pieces.starts - pieces.ends)[:, None] * parts


def result_of(times: Any, g: Any, covector: Any, gradient: Any) -> tuple[Any, Any]:
    """The adjoint at the first time, with the rows of outputs there, and the gradient."""
    at_first = onp.cumprod(times[1:] == times[0]).astype(bool)
    return covector + g[1:][at_first].sum(axis=0), gradient


def swept(
    problem: Any, y0: Any, times: Any, parameters: Any, g: Any, effort: int
) -> tuple[Array, Array] | None:
    """The adjoint at the first time and the gradient by the parameters; None where they are hard.

    Parameters
    ----------
    problem : trajectories.Problem
    y0, times, parameters, g : ndarray
        Plain numbers; g is the cotangent of the solution, whose first row is left out.
    effort : int
        About how often the solution evaluates the right hand side at the problem's tolerance.
    """
    if y0.shape[0] > LARGEST or onp.all(times == times[0]):
        return None
    sweep = Sweep(problem, y0, times, parameters)
    pieces = first_pieces(times, g, effort // 8 + 1)
    most = 20 * effort + 4 * len(pieces)
    tolerance = GAIN * problem.tolerance
    for cuts in range(ROUNDS):
        if len(pieces) > most:
            return None
        halves = pieces.halves()
        both = sweep.states(onp.concatenate([pieces.points(), halves.points()]))
        whole, half = both[: len(pieces)], both[len(pieces) :]
        coarse = sweep.stages(pieces, whole)
        fine = sweep.stages(halves, half)
        adjoint, by_halves = sweep.along(halves, fine)
        if not onp.all(onp.isfinite(by_halves)):
            return None
        by_pieces = onp.stack([one @ start for one, start in zip(coarse, adjoint[::2])])
        ends = by_halves[:, 2]
        error = _error(ends[1::2], by_pieces[:, 2], onp.max(onp.abs(adjoint), axis=0), tolerance)
        if onp.all(error <= 1):
            exact = sweep.gained_by_piece(halves, half, by_halves)
            guess = sweep.gained_by_piece(pieces, whole, by_pieces)
            mass = onp.sum(onp.abs(exact), axis=0)
            error = _error(exact[::2] + exact[1::2], guess, mass, tolerance)
            if onp.all(error <= 1):
                return result_of(times, g, ends[-1], onp.sum(exact, axis=0))
        parts = _parts(error)
        # What decays fast after an output is not met by equal parts.
        graded = (parts == 2) & onp.any(pieces.jumps != 0, axis=1) & (cuts > 0)
        pieces = pieces.cut(onp.where(graded, DOUBLED, parts), graded)
    return None
