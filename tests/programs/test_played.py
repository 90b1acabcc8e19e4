"""The stories in `played`: `jit(f)` gives what f gives at each call, whatever changed between."""

import warnings

import numpy as onp
import pytest

import fastad.numpy as np
import fastad.numpy.random as npr
from fastad.programs.jit import jit
from fastad.programs.report import ProgramWarning

from .played import (
    arguments,
    arrays,
    averages,
    beneath,
    called_functions,
    captured,
    captured_inputs,
    changed_objects,
    changing_objects,
    classes,
    constants,
    counters,
    draws,
    exchanged,
    frames,
    generators,
    generators_and_contexts,
    glances,
    handed_on,
    hidden,
    histories,
    identity,
    in_place,
    introspection,
    ints,
    kept_results,
    left_behind,
    libraries,
    memory_of_arrays,
    names_and_calls,
    operators,
    optimizers,
    play,
    readings,
    records,
    same,
    scratch,
    settings,
    special,
    standard,
    surroundings,
)

MODULES = (
    arguments,
    arrays,
    averages,
    beneath,
    called_functions,
    captured,
    captured_inputs,
    changed_objects,
    changing_objects,
    classes,
    constants,
    counters,
    draws,
    exchanged,
    frames,
    generators,
    generators_and_contexts,
    glances,
    handed_on,
    hidden,
    histories,
    identity,
    in_place,
    introspection,
    ints,
    kept_results,
    left_behind,
    libraries,
    memory_of_arrays,
    names_and_calls,
    operators,
    optimizers,
    readings,
    records,
    scratch,
    settings,
    special,
    standard,
    surroundings,
)
STORIES = [
    pytest.param(make, id=f"{module.__name__.rpartition('.')[2]}-{name}")
    for module in MODULES
    for name, make in module.STORIES.items()
]


@pytest.mark.parametrize("make", STORIES)
def test_story(make):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain, left = play(make, lambda f: f)
        replayed, also_left = play(make, jit)
    assert len(plain) == len(replayed)
    for wanted, found in zip(plain, replayed):
        same(wanted, found)
    same(left, also_left)


NOT_REPLAYED = {
    "print_beyond_a_branch_that_is_taken_late",  # what is said is state that changes
    "draws_beyond_a_branch_taken_late",
    "log_that_is_enabled_later",  # where the root logger's handlers are seen
}


REPLAYED = {
    **captured.REPLAYED,
    **draws.REPLAYED,
    **frames.REPLAYED,
    **hidden.REPLAYED,
    **surroundings.REPLAYED,
    **{
        f"written_{name}": make
        for module in (
            averages,
            changing_objects,
            constants,
            counters,
            glances,
            histories,
            optimizers,
        )
        for name, make in module.REPLAYED.items()
    },
    **{f"generator_{name}": make for name, make in generators.REPLAYED.items()},
    **{name: readings.STORIES[name] for name in readings.STORIES.keys() - NOT_REPLAYED},
}


@pytest.mark.parametrize("name", sorted(REPLAYED))
def test_does_not_end_in_eager_calls(name, monkeypatch):
    # Captured values become inputs where no other thread runs; pytest-xdist has one.
    monkeypatch.setattr("fastad.programs.lifting.alone", lambda: True)
    made = []

    def wrap(f):
        made.append(jit(f, check="off"))
        return made[0]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain, _ = play(REPLAYED[name], lambda f: f)
        replayed, _ = play(REPLAYED[name], wrap)
    for wanted, found in zip(plain, replayed, strict=True):
        same(wanted, found)
    assert made[0].programs


def test_a_shape_by_values_is_told_of():
    fast = jit(lambda x: np.sum(np.unique(x)))
    with pytest.warns(ProgramWarning, match=r"unique\(%\d+\) of shape .* became one of shape"):
        for x in ([1.0, 2.0, 3.0], [1.0, 1.0, 2.0], [1.0, 1.0, 1.0]):
            fast(onp.array(x))


def test_draws_that_a_replay_made_in_vain_are_told_of():
    def f(x):
        noise = npr.normal(size=2)
        return np.sum(np.linalg.cholesky(np.eye(2) * x) @ noise) * npr.normal()

    fast = jit(f)
    for x in (1.0, 2.0, 3.0, 4.0):
        fast(x)
    assert fast.programs
    with pytest.warns(ProgramWarning, match="did not draw all random numbers"):
        with pytest.raises(np.linalg.LinAlgError):
            fast(-1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        onp.random.seed(3)
        found = [fast(x) for x in (1.0, 2.0, 3.0, 4.0)]
        onp.random.seed(3)
        same([f(x) for x in (1.0, 2.0, 3.0, 4.0)], found)
    assert not fast.programs
