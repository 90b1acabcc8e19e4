"""Programs of the kinds people write: each must be replayed by its fifth call.

An entry gives a function and, for the number of a call, its arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as onp


def programs() -> tuple[dict[str, Any], Callable[[Any], Any]]:
    """The programs of a module, by name, and what adds one."""
    made: dict[str, Any] = {}

    def program(make):
        assert make.__name__ not in made
        made[make.__name__] = make
        return make

    return made, program


def normal(*shape, seed=0):
    return onp.random.RandomState(seed).randn(*shape)


def near(*values):
    """Arguments that move a little from call to call."""

    def arguments(i):
        return tuple(v + 0.01 * i if isinstance(v, (float, onp.ndarray)) else v for v in values)

    return arguments
