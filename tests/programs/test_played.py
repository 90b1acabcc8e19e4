"""The stories in `played`: `jit(f)` gives what f gives at each call, whatever changed between."""

import warnings

import pytest

from fastad.programs.jit import jit

from .played import (
    arguments,
    arrays,
    classes,
    identity,
    introspection,
    libraries,
    operators,
    play,
    readings,
    same,
    settings,
    standard,
)

MODULES = (
    arguments,
    arrays,
    classes,
    identity,
    introspection,
    libraries,
    operators,
    readings,
    settings,
    standard,
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


@pytest.mark.parametrize("name", sorted(readings.STORIES.keys() - NOT_REPLAYED))
def test_what_is_read_does_not_end_in_eager_calls(name):
    made = []

    def wrap(f):
        made.append(jit(f, check="off"))
        return made[0]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain, _ = play(readings.STORIES[name], lambda f: f)
        replayed, _ = play(readings.STORIES[name], wrap)
    for wanted, found in zip(plain, replayed, strict=True):
        same(wanted, found)
    assert made[0].programs
