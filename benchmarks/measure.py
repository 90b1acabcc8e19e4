"""Timing side by side: samples are interleaved, so that the machine's drift meets all alike."""

from __future__ import annotations

import importlib.util
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes
    ----------
    sample : float
        Seconds that one sample should last; calls are repeated until it does.
    rounds : int
        Samples of each candidate; the median counts.
    limit : float
        Seconds that one candidate may take in all; slow ones get fewer rounds.
    least : int
        Samples that even these get.
    """

    sample: float
    rounds: int
    limit: float
    least: int = 3


QUICK = Effort(sample=0.002, rounds=5, limit=0.3, least=1)
FULL = Effort(sample=0.01, rounds=25, limit=20.0)


def loop(function: Callable[[], object], count: int) -> float:
    """Return the seconds that `count` calls take."""
    calls = range(count)
    start = time.perf_counter()
    for _ in calls:
        function()
    return time.perf_counter() - start


def calls_per_sample(function: Callable[[], object], effort: Effort) -> tuple[int, float]:
    """Return how many calls fill a sample, and the seconds of these.

    The first call warms up, but for what is so slow that it does not matter.
    """
    seconds = loop(function, 1)
    count = 1
    while True:
        if seconds < effort.limit:
            seconds = loop(function, count)
        if seconds >= effort.sample:
            return count, seconds
        count = max(count * 2, int(count * effort.sample / max(seconds, 1e-9)))


def samples(
    candidates: Mapping[str, Callable[[], object]], effort: Effort
) -> dict[str, list[float]]:
    """Return seconds a call, one figure for each round, of every candidate.

    The order turns by one each round, so that none always runs after the same neighbour.
    """
    filled = {name: calls_per_sample(function, effort) for name, function in candidates.items()}
    counts = {name: count for name, (count, _) in filled.items()}
    one_round = sum(seconds for _, seconds in filled.values())
    affordable = int(effort.limit * len(candidates) / max(one_round, 1e-9))
    rounds = max(effort.least, min(effort.rounds, affordable))
    taken: dict[str, list[float]] = {name: [] for name in candidates}
    names = list(candidates)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            taken[name].append(loop(candidates[name], counts[name]) / counts[name])
    return taken


def medians(taken: Mapping[str, list[float]]) -> dict[str, float]:
    """Return the median seconds a call of every candidate."""
    return {name: statistics.median(values) for name, values in taken.items()}


def ratio(taken: Mapping[str, list[float]], above: str, below: str) -> float:
    """Return the median, over the rounds, of one candidate's time over another's.

    Both times of a round were taken side by side, so a machine that slows down for a while slows
    both.
    """
    return statistics.median(a / b for a, b in zip(taken[above], taken[below]))


def readable(seconds: float) -> str:
    """Return a time with its unit, three digits."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def command(program: str, *arguments: str) -> list[str]:
    """The command that runs a program in a process of its own, with the fastad of this one."""
    spec = importlib.util.find_spec("fastad")
    assert spec is not None and spec.origin is not None
    folder = os.path.dirname(os.path.dirname(spec.origin))
    # The first place is that of the folder that the process is started in.
    return [sys.executable, "-c", f"import sys; sys.path[0] = {folder!r}\n{program}", *arguments]
