"""Stories of calls with arguments of all kinds, and changes of the world between them.

A story gives a function, its steps (a tuple: a call with these arguments; a list: positional and
named ones; a function: a change of the world) and what the function has left behind. It is played
with the function itself and with `jit` of it.
"""

from __future__ import annotations

import copy
import math
import types
from collections.abc import Callable
from typing import Any

import numpy as onp


class Stories(dict):
    """The stories of a module, by name."""

    def add(self, make: Callable[[], Any]) -> Callable[[], Any]:
        assert make.__name__ not in self
        self[make.__name__] = make
        return make

    def beside(self, others: Stories) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
        """What adds a story to these and to others."""
        return lambda make: self.add(others.add(make))


def nothing():
    pass


def inputs(count=9, shape=(4,)):
    """As many arrays of positive numbers, the same ones each time."""
    rng = onp.random.default_rng(3)
    return [rng.uniform(0.2, 2, shape) for _ in range(count)]


def calls(*changes, n=7, shape=(4,)):
    """`n` calls with one array, before each of the changes and after the last."""
    arrays = iter(inputs(n * (1 + len(changes)), shape))
    steps: list[Any] = [(next(arrays),) for _ in range(n)]
    for change in changes:
        steps += [change, *((next(arrays),) for _ in range(n))]
    return steps


def setting(owner, **values):
    """A change of some attributes."""

    def change():
        for name, value in values.items():
            setattr(owner, name, value)

    return change


def space(**values):
    return types.SimpleNamespace(**values)


def of(owner):
    """What reads all that an object holds."""
    return lambda: kept(vars(owner))


def kept(value):
    """A copy, which later calls cannot change."""
    try:
        return copy.deepcopy(value)
    except TypeError:
        return value


def play(make, wrap):
    """What each call gave or raised, and what was left behind."""
    f, steps, state = make()
    f = wrap(f)
    results = []
    for step in steps:
        if callable(step):
            step()
            continue
        args, named = step if isinstance(step, list) else (step, {})
        try:
            results.append(kept(f(*args, **named)))
        except Exception as error:
            results.append((type(error), str(error)))
    return results, state()


def same(wanted, found):
    """Compare types, structure and dtypes exactly, and numbers to what rounding leaves."""
    assert type(wanted) is type(found), (wanted, found)
    if isinstance(wanted, dict):
        assert list(wanted) == list(found)
        same(list(wanted.values()), list(found.values()))
    elif isinstance(wanted, (list, tuple)):
        assert len(wanted) == len(found)
        for a, b in zip(wanted, found):
            same(a, b)
    elif isinstance(wanted, (onp.ndarray, onp.generic)):
        same_array(onp.asarray(wanted), onp.asarray(found))
    elif isinstance(wanted, (float, complex)):
        same_array(onp.asarray(wanted), onp.asarray(found))
        if wanted == 0 and isinstance(wanted, float):
            assert math.copysign(1.0, wanted) == math.copysign(1.0, found)
    else:
        assert wanted == found


def same_array(wanted, found):
    assert (wanted.dtype, wanted.shape) == (found.dtype, found.shape)
    if wanted.dtype.kind not in "fc":
        assert onp.array_equal(wanted, found)
        return
    rounding = max(1e-9, 1000 * float(onp.finfo(wanted.dtype).eps))
    onp.testing.assert_allclose(found, wanted, rtol=rounding, atol=1e-12)
