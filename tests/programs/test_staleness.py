"""Never stale: the world changes between calls, and `jit(f)` gives what f gives, or says so."""

import copy
import math
import warnings

import numpy as onp
import pytest

from fastad.programs.jit import jit
from fastad.programs.report import ProgramWarning

from . import stories, worlds

NUMBERS = [0.5, 0.7, 0.9, 1.1, 1.3, 1.5, 1.7, 1.9, 2.1]
CHANGE_AT = 5


def play(make, wrap):
    """Results of calls, with the change between them; then what the function left behind."""
    f, change, state = make()
    f = wrap(f)
    results = []
    for i, x in enumerate(NUMBERS):
        if i == CHANGE_AT:
            change()
        try:
            results.append(copy.deepcopy(f(x)))
        except Exception as error:
            results.append(type(error))
    return results, state()


def compare(plain, replayed):
    assert len(plain) == len(replayed)
    for wanted, found in zip(plain, replayed):
        same(wanted, found)


def same(wanted, found):
    assert type(wanted) is type(found), (wanted, found)
    if isinstance(wanted, dict):
        assert list(wanted) == list(found)
        same(list(wanted.values()), list(found.values()))
    elif isinstance(wanted, (list, tuple)):
        assert len(wanted) == len(found)
        for a, b in zip(wanted, found):
            same(a, b)
    elif isinstance(wanted, float):
        assert math.isclose(wanted, found, rel_tol=1e-9, abs_tol=1e-12) or (
            wanted != wanted and found != found
        ), (wanted, found)
    elif isinstance(wanted, onp.ndarray):
        assert wanted.dtype == found.dtype
        onp.testing.assert_allclose(wanted, found, rtol=1e-9, atol=1e-12)
    else:
        assert wanted == found, (wanted, found)


@pytest.mark.parametrize("name", stories.STORIES)
def test_story(name):
    make = stories.STORIES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if getattr(make, "eager", False):
            calls = []

            def counted(f):
                def inner(x):
                    calls.append(x)
                    return f(x)

                return jit(inner), calls

            f, _, _ = make()
            calls.clear()
            fast = jit(f)
            seen = _plain_calls(f, fast)
            assert seen == len(NUMBERS), f"f itself ran {seen} times"
            return
        plain, left = play(make, lambda f: f)
        replayed, also_left = play(make, jit)
    compare(plain, replayed)
    same(left, also_left)


def _plain_calls(f, fast):
    """How often f's own code runs with plain numbers while `fast` is called with each of them."""
    import sys

    seen = 0
    code = f.__code__

    def watch(frame, event, argument):
        nonlocal seen
        if event == "call" and frame.f_code is code and type(frame.f_locals.get("x")) is float:
            seen += 1

    for x in NUMBERS:
        sys.setprofile(watch)
        try:
            fast(x)
        finally:
            sys.setprofile(None)
    return seen


def _combination(place, value):
    first, change, use = worlds.VALUES[value]

    def make():
        read, write = place(first())

        def f(x):
            return use(x, read())

        return f, lambda: change(write, read), lambda: None

    return make


@pytest.mark.parametrize("place", worlds.PLACES, ids=lambda place: place.__name__)
def test_every_kind_of_value_in_every_place(place):
    wrong = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for value in worlds.VALUES:
            plain, _ = play(_combination(place, value), lambda f: f)
            replayed, _ = play(_combination(place, value), jit)
            try:
                compare(plain, replayed)
            except AssertionError as error:
                wrong.append((value, str(error).split("\n")[0]))
    assert not wrong


def test_a_function_that_stays_eager_says_why_once():
    state = onp.random.RandomState(0)

    def draws(x):
        return x * state.normal()

    fast = jit(draws)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for x in NUMBERS:
            fast(x)
    said = [w for w in caught if issubclass(w.category, ProgramWarning)]
    assert len(said) == 1
    assert "draws" in str(said[0].message) and "random number generator" in str(said[0].message)
    assert "test_staleness.py" in str(said[0].message)
