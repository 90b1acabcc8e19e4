"""Programs whose calls change state are replayed by their fifth call, and leave what f leaves."""

import copy
import warnings

import numpy as onp
import pytest

from fastad import jit

from .agreement import counted
from .played import same
from .realistic import sampling, state, training

PROGRAMS = {**state.PROGRAMS, **sampling.PROGRAMS, **training.PROGRAMS}

# Those that take another way in their first calls come to a replay of each later.
FIRST = {
    "learning_rate_schedule": 12,
    "metropolis_in_a_class": 20,
    "minibatches_in_turn": 9,
    "random_walk_with_adapted_scale": 18,
    "training_held_in_a_class": 12,
    # Two states in turn, and a flag that only a later recording meets.
    "alternating_least_squares": 7,
    "patience": 5,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_is_replayed_and_leaves_the_same_state(name, monkeypatch):
    # State becomes inputs where no other thread runs; pytest-xdist has one.
    monkeypatch.setattr("fastad.programs.lifting.alone", lambda: True)
    plain, other = PROGRAMS[name](), PROGRAMS[name]()
    fast = jit(other.call, check="off")

    def agree(i):
        onp.random.seed(i)
        wanted = plain.call(*plain.arguments(i))
        onp.random.seed(i)
        same(wanted, fast(*other.arguments(i)))
        same(copy.deepcopy(plain.state()), copy.deepcopy(other.state()))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = FIRST.get(name, 4)
        for i in range(first):
            agree(i)
        onp.random.seed(1)
        found, ran = counted(fast, *other.arguments(first))
        assert not ran, f"{name} is not replayed"
        onp.random.seed(1)
        same(plain.call(*plain.arguments(first)), found)
        for i in range(first + 1, first + 5):
            agree(i)
        plain.change(), other.change()
        for i in range(first + 5, first + 14):
            agree(i)
    assert fast.programs


@pytest.mark.parametrize("name", PROGRAMS)
def test_checks_find_nothing(name, monkeypatch):
    monkeypatch.setattr("fastad.programs.lifting.alone", lambda: True)
    plain, other = PROGRAMS[name](), PROGRAMS[name]()
    fast = jit(other.call, check="always")
    for i in range(12):
        onp.random.seed(i)
        wanted = plain.call(*plain.arguments(i))
        onp.random.seed(i)
        same(wanted, fast(*other.arguments(i)))
        same(copy.deepcopy(plain.state()), copy.deepcopy(other.state()))
    assert fast.programs
