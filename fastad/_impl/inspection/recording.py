"""One call of a function, recorded with the user's lines, times and bytes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..._core import ReverseTrace, recorded_places
from ..spaces.leaves import ones_like
from ..transformed import get_name


@dataclass(frozen=True)
class Node:
    """One operation of a recorded call.

    Attributes
    ----------
    name : str
        The operation; "input" for a leaf of the argument.
    operands : tuple of int or None
        Numbers of the nodes that it was applied to; None for a constant.
    shape : tuple of int or None
        None for a number.
    dtype : str
    kept : int
        Bytes of the arrays that are kept for its derivative.
    formula : str
        The derivative for its arguments, "" where a rule in Python has it.
    line : str
        Where the user's program called it.
    forward, backward : float
        Seconds from the operation recorded before to this one, and of its part of the sweep.
    path : str
        Of an input, its place in the argument: "['w']"; "" where that is the whole of it.
    """

    name: str
    operands: tuple[int | None, ...]
    shape: tuple[int, ...] | None
    dtype: str
    kept: int
    formula: str
    line: str
    forward: float
    backward: float
    path: str = ""

    @property
    def size(self) -> str:
        """Shape and dtype in words."""
        return self.dtype if self.shape is None else f"{self.dtype} {self.shape}"

    @property
    def parents(self) -> list[int]:
        """Nodes that it was applied to, each once."""
        return sorted({k for k in self.operands if k is not None})


@dataclass(frozen=True)
class Recording:
    """A function's call under one reverse level.

    Attributes
    ----------
    function : str
        Its name.
    nodes : list of Node
        In the order of execution.
    outputs : list of int
        Nodes that the result consists of.
    seconds : tuple of float
        The plain call, the recorded call, and the sweep (0 where there was none).
    record_bytes : int
        Of the records themselves.
    """

    function: str
    nodes: list[Node]
    outputs: list[int]
    seconds: tuple[float, float, float]
    record_bytes: int


def _shown(name: str) -> str:
    """What users call an operation that is a part of a function, as `_cholesky_value` is."""
    return name.strip("_").removesuffix("_value")


def in_bytes(count: int) -> str:
    for scale, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count} B"


def reached(nodes: Sequence[Node], outputs: Sequence[int]) -> set[int]:
    """Nodes that the result depends on, which the sweep comes by."""
    found = set(outputs)
    for i in range(len(nodes) - 1, -1, -1):
        if i in found:
            found.update(nodes[i].parents)
    return found


def record(fun: Callable[[Any], Any], x: Any) -> Recording:
    """Call a function of one argument plainly, then recorded with its lines, and sweep it once.

    The sweep starts with cotangents of one.
    """
    before = time.perf_counter()
    fun(x)
    plain = time.perf_counter() - before
    with recorded_places():
        before = time.perf_counter()
        trace = ReverseTrace(fun, x)
        forward = time.perf_counter() - before
        with trace:
            tape = trace.tape
            if not trace.connected:
                return Recording(get_name(fun), [], [], (plain, forward, 0.0), 0)
            before = time.perf_counter()
            trace.pull([ones_like(value) for value in trace.values])
            backward = time.perf_counter() - before
            nodes = [Node(_shown(name), *facts) for name, *facts in tape.nodes()]
            for box, path in zip(trace.boxes, trace.inputs.paths()):
                place = tape.position(box)
                nodes[place] = replace(nodes[place], path=path)
            return Recording(
                get_name(fun),
                nodes,
                [tape.position(out) for out, own in zip(trace.outs, trace.owned) if own],
                (plain, forward, backward),
                tape.nbytes,
            )
