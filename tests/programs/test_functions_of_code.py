"""Functions that ran without being met by a name, where the collector does not track them."""

from __future__ import annotations

import collections
import copy
import copyreg
import gc
import types
import warnings
from typing import NamedTuple

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import grad, jit
from fastad.programs import functions

Pair = collections.namedtuple("Pair", "level slope")


class Named(NamedTuple):
    level: float
    slope: float


SPACE = {"rate": 2.0}
exec("def scaled(x):\n    return rate * x", SPACE)
HELD = {"inner": [types.MethodType(lambda self, x: self + x, 1.0)]}


def by_a_class_of_the_library(x):
    pair = Pair(np.sum(x), x[0])
    return pair.level * pair.slope


def by_a_decomposition(x):
    return np.linalg.slogdet(np.outer(x, x) + onp.eye(3)).logabsdet


def by_a_named_tuple_of_its_own(x):
    return Named(np.sum(x), slope=x[0]).slope ** 2


class Copied:
    """Its copies are made by a function that is held where nobody looks."""


copyreg.pickle(Copied, lambda copied: (float, (6.0,)))
COPIED = Copied()


def by_a_copy(x):
    return np.sum(x**2) * copy.copy(COPIED)


class Immortal:
    """The collector of free-threaded CPython 3.13, once a second thread has been started."""

    kinds = (types.FunctionType, type, types.ModuleType)

    def is_tracked(self, item):
        return gc.is_tracked(item) and not isinstance(item, self.kinds)

    def get_referrers(self, *items):
        return [item for item in gc.get_referrers(*items) if self.is_tracked(item)]

    def get_objects(self):
        spaces = {id(vars(module)) for module in gc.get_objects() if type(module) is self.kinds[2]}
        return [
            item for item in gc.get_objects() if self.is_tracked(item) and id(item) not in spaces
        ]

    def get_referents(self, *items):
        return gc.get_referents(*items)


def replayed(function):
    program = jit(grad(function))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for step in range(6):
            x = onp.array([0.5, 1.0, 2.0]) + 0.1 * step
            onp.testing.assert_allclose(program(x), grad(function)(x), rtol=1e-12)
    worlds = [world for entry in program._entries.values() for world in entry.worlds]
    return any(world.trusted for world in worlds)


FUNCTIONS = [by_a_class_of_the_library, by_a_decomposition, by_a_named_tuple_of_its_own]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_replayed_where_functions_are_not_tracked(function, monkeypatch):
    assert replayed(function)
    monkeypatch.setattr(functions, "gc", Immortal())
    monkeypatch.setattr(functions, "LOSES_TRACK", True)
    assert replayed(function)


def test_the_simulation_loses_them(monkeypatch):
    monkeypatch.setattr(functions, "gc", Immortal())
    monkeypatch.setattr(functions, "LOSES_TRACK", False)
    assert not replayed(by_a_copy)


def test_a_function_that_is_held_out_of_sight_is_found():
    assert replayed(by_a_copy)


def test_every_holder_is_looked_into(monkeypatch):
    """A class, a module, a cell of a function that is not tracked itself, a method in a list."""
    inner = HELD["inner"][0].__func__
    closed = lambda: inner
    wanted = [Pair.__new__, replayed, SPACE["scaled"], inner, closed, Immortal.is_tracked]
    usual = [functions.functions_of(one.__code__) for one in wanted]
    monkeypatch.setattr(functions, "gc", Immortal())
    monkeypatch.setattr(functions, "LOSES_TRACK", True)
    HELD["closed"] = closed
    for one, found in zip(wanted, usual):
        again = functions.functions_of(one.__code__)
        assert one in again and {*map(id, found)} <= {*map(id, again)}
    del HELD["closed"]
