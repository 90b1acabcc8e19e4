"""Whether this thread observes or records a function for `jit`."""

from __future__ import annotations

import threading
import weakref
from typing import Any

__all__ = ["Busy", "is_busy"]


class _Now(threading.local):
    """The contexts that this thread is in.

    They are told by being alive: an interrupt may come between a context and its end, which then
    does not run, but whoever was in it lets go of it.
    """

    def __init__(self) -> None:
        self.contexts: list[weakref.ref[Any]] = []


_now = _Now()


class Busy:
    """While a function is observed or recorded, functions within it are what they wrap.

    A `jit` inside it runs its function plainly, and so does a `checkpoint`: what is computed again
    in the backward pass is for the program to plan.
    """

    def __enter__(self) -> None:
        _now.contexts.append(weakref.ref(self))

    def __exit__(self, *error: object) -> None:
        _now.contexts[:] = [one for one in _now.contexts if one() not in (None, self)]


def is_busy() -> bool:
    """True in a thread that observes or records a function."""
    return any(one() is not None for one in _now.contexts)
