"""`profile`: time and memory of a gradient by the lines of the user's program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

from ..operator import Argnum, Operator
from .recording import Recording, in_bytes, record

__all__ = ["Line", "Profile", "profile"]

_HEADS = ("operations", "forward", "backward", "kept", "line")


@dataclass
class Line:
    """What one line of the user's program cost.

    Attributes
    ----------
    line : str
        File, number and function.
    operations : int
        Recorded operations.
    names : list of str
        Which ones, each once.
    forward, backward : float
        Seconds.
    kept : int
        Bytes of the arrays that are kept for the sweep.
    """

    line: str
    operations: int
    names: list[str]
    forward: float
    backward: float
    kept: int


class Profile:
    """A table by line of one call, forward and backward; a notebook shows it as HTML.

    Attributes
    ----------
    lines : list of Line
        The most expensive first.
    plain, forward, backward : float
        Seconds of the call without differentiation, of the recorded call, and of the sweep.
    record_bytes : int
        Of the tape's records, beside the arrays that they keep.
    """

    def __init__(self, recording: Recording) -> None:
        self.function = recording.function
        self.plain, self.forward, self.backward = recording.seconds
        self.record_bytes = recording.record_bytes
        lines: dict[str, Line] = {}
        for node in recording.nodes:
            if node.name == "input":
                continue
            line = lines.setdefault(node.line, Line(node.line, 0, [], 0.0, 0.0, 0))
            line.operations += 1
            line.forward += node.forward
            line.backward += node.backward
            line.kept += node.kept
            if node.name not in line.names:
                line.names.append(node.name)
        self.lines = sorted(lines.values(), key=lambda one: -(one.forward + one.backward))

    def _summary(self) -> str:
        kept = sum(one.kept for one in self.lines)
        return (
            f"{self.function}: {sum(one.operations for one in self.lines)} operations; plain "
            f"{_time(self.plain)}, recorded {_time(self.forward)}, backward "
            f"{_time(self.backward)}; kept {in_bytes(kept)}, records {in_bytes(self.record_bytes)}"
        )

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                str(one.operations),
                _time(one.forward),
                _time(one.backward),
                in_bytes(one.kept),
                f"{one.line}  [{', '.join(one.names)}]",
            )
            for one in self.lines
        ]

    def __str__(self) -> str:
        rows = [_HEADS, *self._rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = [
            "  ".join([*(cell.rjust(w) for cell, w in zip(row, widths)), row[4]]) for row in rows
        ]
        return "\n".join([self._summary(), *lines])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in _HEADS)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self._rows()
        )
        return f"<p>{escape(self._summary())}</p><table><tr>{head}</tr>{body}</table>"


def _time(seconds: float) -> str:
    for scale, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"


def _profile(fun: Callable[[Any], Any], x: Any) -> Profile:
    return Profile(record(fun, x))


def profile(fun: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., Profile]:
    """Measure where the time and memory of a function's gradient go, line by line.

    Parameters
    ----------
    fun : callable
        The function; its result may be a container.
    argnum : int, str, or sequence of these
        The argument that the gradient is taken by.

    Returns
    -------
    callable
        Called with `fun`'s arguments, it calls `fun` plainly, then recorded, sweeps once with
        cotangents of one, and gives a `Profile`: `str` prints a table, a notebook shows it as HTML.
        Each line has its recorded operations, the time from the operation before to each of them
        (so with the Python in between), the time of their derivatives in the sweep, and the bytes
        of the arrays that they keep for it. Noting lines and times makes both slower than they
        are; the sums of the first row are those of this slower call.

    Examples
    --------
    >>> import numpy
    >>> import fastad.numpy as np
    >>> from fastad import profile
    >>> table = profile(lambda x: np.sum(np.sin(x) * x))(numpy.ones(1000))
    >>> table.lines[0].operations, table.lines[0].kept
    (3, 24000)
    """
    return Operator(_profile, profile, fun, argnum)
