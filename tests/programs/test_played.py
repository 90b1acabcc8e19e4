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
