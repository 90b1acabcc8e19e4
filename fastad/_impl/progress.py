"""How far long work has come: a line on standard error, or the user's own function."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

__all__ = ["Progress", "Report", "counted"]

Report = bool | Callable[[int, int], object]
"""False: silent. True: a line on standard error. A function: called as `report(done, total)`."""


class Progress:
    """One piece of work of a known size.

    Parameters
    ----------
    what : str
        Its name on the line.
    total : int
    report : bool or callable
    """

    def __init__(self, what: str, total: int, report: Report) -> None:
        self.what = what
        self.total = total
        self.report = report
        self.start = self.shown = time.monotonic()
        # A terminal's line is written over; a file gets a line now and then.
        self.over = sys.stderr is not None and (sys.stderr.isatty() or "ipykernel" in sys.modules)

    def at(self, done: int) -> None:
        """Say that this much is done."""
        if self.report is False or sys.stderr is None:
            return
        if callable(self.report):
            self.report(done, self.total)
            return
        now = time.monotonic()
        if done < self.total and now - self.shown < (0.1 if self.over else 5.0):
            return
        self.shown = now
        taken = now - self.start
        left = f", {taken / done * (self.total - done):.0f} s left" if 0 < done < self.total else ""
        end = "\r" if self.over and done < self.total else "\n"
        line = f"{self.what}: {done} of {self.total}, {taken:.0f} s{left}"
        print(f"{line:<60}" if self.over else line, end=end, file=sys.stderr, flush=True)


def counted(count: int, what: str, report: Report) -> Iterator[int]:
    """The numbers of `range(count)`, with progress."""
    if report is False:
        yield from range(count)
        return
    progress = Progress(what, count, report)
    for i in range(count):
        yield i
        progress.at(i + 1)
