"""The adjoint of a solution by collocation along the known solution.

The change of the solution obeys the linear equation S' = f_y S + f_p, and both f_y and f_p are had
where the solution is known, so that no solver need start anew at each output time: on each piece of
time the equation is collocated at the three points of Radau IIA, which is of order 5 and damps what
decays fast (Hairer & Wanner, Solving Ordinary Differential Equations II, IV.5). A polynomial of
degree 3 goes through the points, at which the outputs within the piece are read. That map from the
change at the start of a piece, and from the parameters', to those at the outputs and at the end is
linear; backwards, from the last piece to the first, it is transposed. Pieces are halved until whole
and halves agree to the solver's tolerance.
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
PER_PIECE = 16  # evaluations of the right hand side, by which the first pieces are chosen
BEGINNING = 6  # parts of the first time, each of half the next one's length
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
        """Each piece in so many equal parts; graded ones in parts that halve their lengths."""
        piece = onp.repeat(onp.arange(len(self)), parts)
        place = onp.arange(len(piece)) - onp.repeat(onp.cumsum(parts) - parts, parts)
        starts, ends, count = self.starts[piece], self.ends[piece], parts[piece]
        doubling = onp.broadcast_to(graded, parts.shape)[piece]

        def at(place: Any) -> Any:
            left = (place < count) * 2.0**-place
            share = onp.where(doubling, 1 - left, place / count)
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

    def forwards(self, nodes: Any = POINTS) -> Any:
        """The times that a method asks for which runs from the end of each piece to its start."""
        found = self.ends[:, None] + nodes * (self.starts - self.ends)[:, None]
        found[:, nodes == 1] = self.starts[:, None]  # to the bit: no solver goes beyond its own
        return found

    def points(self, nodes: Any) -> Any:
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


def equal_pieces(times: Any, count: int) -> Pieces:
    """Pieces of one length, which go over outputs."""
    borders = onp.linspace(times[-1], times[0], count + 1)
    return Pieces(borders[:-1], borders[1:], onp.zeros((count, 1)))


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


def systems(slope: Any, step: Any) -> list[Any]:
    """What solves the transposed equations of the three points of several pieces, by `@`.

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
    return [_Full(matrix) for matrix in _matrices(slope, step)]


def _matrices(slope: Any, step: Any) -> Any:
    """Rows l, a and columns j, b: the unit matrix less step * WEIGHTS[j, l] * slope[l, b, a]."""
    n = slope.shape[2]
    parts = onp.einsum("p,jl,plba->plajb", step, WEIGHTS, slope)
    return onp.eye(3 * n) - onp.reshape(parts, (-1, 3 * n, 3 * n))


class _Full:
    """What `systems` gives of a piece where any variable may act on any: factors."""

    def __init__(self, matrix: Any) -> None:
        self.factors, self.pivots, _ = _lapack.dgetrf(matrix.T, overwrite_a=True)

    def __matmul__(self, right: Any) -> Any:
        return _lapack.dgetrs(self.factors, self.pivots, right, trans=1)[0]


class _Bands:
    """What `systems` gives of a piece where only neighbours act on each other: factors."""

    def __init__(self, bands: Any, middle: int) -> None:
        self.middle = middle
        self.factors, self.pivots, _ = _lapack.dgbtrf(bands, middle, middle, overwrite_ab=True)

    def __matmul__(self, right: Any) -> Any:
        right, width = onp.reshape(right, (3, -1)).T.ravel(), self.middle
        solved, _ = _lapack.dgbtrs(self.factors, width, width, right, self.pivots, overwrite_b=True)
        return onp.reshape(solved, (-1, 3)).T.ravel()


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
                place -= WEIGHTS[column, row] * diagonal[:, row]
    return [_Bands(onp.reshape(one, (3 * n, -1)).T, middle) for one in bands]


class Covered:
    """What the outputs are to the pieces that go over them: later than an end, up to a start.

    Parameters
    ----------
    pieces : Pieces
    times, g : ndarray
        Of the outputs; g are their cotangents.
    weights_at : callable
        The weights of a method's numbers for the solution at places from 0 to 1 of a step.
    last : ndarray
        Those for its end.
    """

    def __init__(self, pieces: Pieces, times: Any, g: Any, weights_at: Any, last: Any) -> None:
        forwards = onp.sign(times[-1] - times[0])
        # Outputs at the very first time have no piece: `result_of` adds them.
        some = forwards * (times - times[0]) > 0
        times, g = times[some], g[some]
        starts, ends = pieces.starts[::-1], pieces.ends[::-1]
        piece = onp.searchsorted(forwards * starts, forwards * times)
        places = (times - ends[piece]) / (starts[piece] - ends[piece])
        weights = weights_at(places)
        weights[places == 1] = last  # to the bit
        count = len(pieces)
        borders = onp.searchsorted(piece, onp.arange(count + 1))
        self.jumps = onp.zeros((count, g.shape[1]))
        self.within = onp.zeros((count, len(last), g.shape[1]))
        for k in range(count):
            mine = slice(borders[k], borders[k + 1])
            self.jumps[count - 1 - k] = onp.sum(g[mine], axis=0)
            self.within[count - 1 - k] = weights[mine].T @ g[mine]


_THROUGH = onp.linalg.inv(onp.vander([0.0, *POINTS], increasing=True))


def _weights_at(places: Any) -> Any:
    """Of the solution at the start of a piece and at its points, by the polynomial of degree 3."""
    return onp.vander(places, 4, increasing=True) @ _THROUGH


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
        """What solves the equations of each piece, by `@`."""
        points, n = pieces.forwards(), self.n
        step = pieces.starts - pieces.ends
        if n <= SMALL:
            slope = onp.empty((len(points), 3, n, n))
            for i, (y, t) in enumerate(zip(states, points)):
                slope[i] = self.jacobian(y, t)
            return onp.linalg.inv(_matrices(slope, step))
        # Those of pieces that were not cut are known.
        ends = list(zip(pieces.starts, pieces.ends))
        missing = [i for i, piece in enumerate(ends) if piece not in self._known]
        for first in range(0, len(missing), max(1, HELD // (3 * n * n))):
            some = missing[first : first + max(1, HELD // (3 * n * n))]
            slope = onp.empty((len(some), 3, n, n))
            for place, i in enumerate(some):
                for k in range(3):
                    slope[place, k] = self.slope(states[i, k], points[i, k])
            for i, made in zip(some, systems(slope, step[some])):
                self._known[ends[i]] = made
        return [self._known[piece] for piece in ends]

    def over(self, system: Any, within: Any, step: Any, start: Any) -> tuple[Any, Any]:
        """The adjoint at the end of a piece from that at its start, and covectors at its points."""
        right = within[1:].copy()
        right[2] += start
        found = onp.reshape(system @ right.ravel(), (3, self.n))
        return within[0] + onp.sum(found, axis=0), step * (WEIGHTS.T @ found)

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

    def gained_by_piece(self, pieces: Pieces, states: Any, rows: Any) -> Any:
        """The gradient by the parameters that each piece adds."""
        values = onp.concatenate([states, rows], axis=2)
        parts = onp.empty((len(values), self.count))
        for i, (z, t) in enumerate(zip(values, pieces.forwards())):
            parts[i] = self.pull(z, t)
        return parts


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
    wanted = effort // PER_PIECE + 1
    few = onp.count_nonzero(times[1:] != times[:-1]) <= wanted
    pieces = first_pieces(times, g, wanted) if few else equal_pieces(times, wanted)
    # The changes that parameters make begin with what decays fast.
    last = onp.arange(len(pieces)) == len(pieces) - 1
    pieces = pieces.cut(onp.where(last, BEGINNING, 1), last)
    most = 20 * effort + 4 * len(pieces)
    tolerance = GAIN * problem.tolerance
    for _ in range(ROUNDS):
        if len(pieces) > most:
            return None
        halves = pieces.halves()
        over, over_halves = (
            Covered(some, times, g, _weights_at, onp.eye(4)[3]) for some in (pieces, halves)
        )
        both = sweep.states(onp.concatenate([pieces.forwards(), halves.forwards()]))
        whole, half = both[: len(pieces)], both[len(pieces) :]
        coarse, fine = sweep.stages(pieces, whole), sweep.stages(halves, half)
        ends, rows = onp.zeros((len(halves) + 1, sweep.n)), onp.empty((len(halves), 3, sweep.n))
        for k, step in enumerate(halves.starts - halves.ends):
            ends[k + 1], rows[k] = sweep.over(fine[k], over_halves.within[k], step, ends[k])
        if not onp.all(onp.isfinite(ends)):
            return None
        guess, by_pieces = (
            onp.zeros((len(pieces) + 1, sweep.n)),
            onp.empty((len(pieces), 3, sweep.n)),
        )
        local = onp.empty((len(pieces), sweep.n))
        for k, step in enumerate(pieces.starts - pieces.ends):
            guess[k + 1], by_pieces[k] = sweep.over(coarse[k], over.within[k], step, guess[k])
            local[k], _ = sweep.over(coarse[k], over.within[k], step, ends[2 * k])
        size = onp.max(onp.abs(ends[:-1] + over_halves.jumps), axis=0)
        error = _error(ends[2::2], local, size, tolerance)
        worst = _error(ends[-1:], guess[-1:], size, tolerance)[0]
        if worst <= 1 or onp.all(error <= 1):
            exact = sweep.gained_by_piece(halves, half, rows)
            gained = sweep.gained_by_piece(pieces, whole, by_pieces)
            mass, sums = onp.sum(onp.abs(exact), axis=0), onp.sum(exact, axis=0)
            of_sums = _error(sums[None], onp.sum(gained, axis=0)[None], mass, tolerance)[0]
            error = onp.maximum(error, _error(exact[::2] + exact[1::2], gained, mass, tolerance))
            # What pieces are off by cancels where something decays fast.
            if max(worst, of_sums) <= 1 or onp.all(error <= 1):
                return result_of(times, g, ends[-1], sums)
        pieces = pieces.cut(_parts(error))
    return None
