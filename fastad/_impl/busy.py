"""Whether this thread observes or records a function for `jit`."""

from __future__ import annotations

import threading

__all__ = ["Busy", "is_busy"]

_thread = threading.local()


class Busy:
    """While a function is observed or recorded, functions within it are what they wrap.

    A `jit` inside it runs its function plainly, and so does a `checkpoint`: what is computed again
    in the backward pass is for the program to plan.
    """

    def __enter__(self) -> None:
        _thread.busy = getattr(_thread, "busy", 0) + 1

    def __exit__(self, *error: object) -> None:
        _thread.busy -= 1


def is_busy() -> bool:
    """True in a thread that observes or records a function."""
    return getattr(_thread, "busy", 0) > 0
