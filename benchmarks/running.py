"""One workload: gradients compared, then timed side by side."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from . import measure
from .kinds import evaluation
from .peers import PEERS, Cannot
from .workloads import Workload

__all__ = ["agree", "run"]


def agree(ours: numpy.ndarray, theirs: numpy.ndarray) -> bool:
    """Whether two gradients differ by no more than 1e-9 of the largest entry."""
    scale = float(numpy.max(numpy.abs(ours), initial=0.0)) or 1.0
    return ours.shape == theirs.shape and bool(
        numpy.allclose(ours, theirs, rtol=1e-9, atol=1e-9 * scale)
    )


def run(workload: Workload, peers: Sequence[str], effort: measure.Effort) -> dict[str, Any]:
    """Measure one workload.

    Returns
    -------
    dict
        `seconds`: median seconds a call of `f`, the plain evaluation, and of each peer;
        `ratios`: the median over the rounds of each one's time over that of `f`;
        `setup`: seconds that a peer took before its first result, compiling among them;
        `cannot`: why a peer was left out; `differs`: peers whose gradient is another one.
    """
    args = workload.make()
    candidates: dict[str, Callable[[], Any]] = {"f": evaluation(workload, args)}
    setup: dict[str, float] = {}
    cannot: dict[str, str] = {}
    differs: list[str] = []
    expected: numpy.ndarray | None = None
    for peer in ["fastad", *(one for one in peers if one != "fastad")]:
        start = time.perf_counter()
        if peer in workload.skip:
            cannot[peer] = workload.skip[peer]
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                prepared = PEERS[peer](workload, args)
                found = prepared.gradient(prepared.call())
        except Exception as error:
            if peer == "fastad":
                raise
            first = (str(error).strip().splitlines() or [""])[0].split("being replayed: ")[-1]
            expected_of_it = isinstance(error, (Cannot, Warning))
            named = first if expected_of_it else f"{type(error).__name__}: {first}"
            cannot[peer] = named[:120]
            continue
        setup[peer] = time.perf_counter() - start
        expected = found if expected is None else expected
        if not agree(expected, found):
            differs.append(peer)
        elif peer in peers:
            candidates[peer] = prepared.call
    taken = measure.samples(candidates, effort)
    return {
        "workload": workload.name,
        "group": workload.group,
        "what": workload.what,
        "family": workload.family,
        "n": workload.n,
        "target": workload.target,
        "seconds": measure.medians(taken),
        "ratios": {name: measure.ratio(taken, name, "f") for name in candidates if name != "f"},
        "setup": setup,
        "cannot": cannot,
        "differs": differs,
    }
