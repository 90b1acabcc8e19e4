"""What a call of a solver holds: traced values in arguments, containers and closures."""

from __future__ import annotations

import copy
import functools
import pickle

import numpy as onp
import pytest

pytest.importorskip("scipy.optimize")

import fastad.numpy as np
from fastad import _core, grad, isbox, make_jvp
from fastad.scipy.host_calls import Watched, depends, is_recorded


class Model:
    def __init__(self, a):
        self.a = a

    def method(self, x):
        return x * self.a


def holders(x):
    """Things that hold x, and things that do not."""
    model = Model(x)

    def closed(y):
        return y * x

    def inner(y):
        return closed(y)

    def by_default(y, a=x):
        return y * a

    yield True, x
    yield True, [1.0, (x,)]
    yield True, {"a": [x]}
    yield True, closed
    yield True, inner
    yield True, by_default
    yield True, functools.partial(np.multiply, x)
    yield True, functools.partial(np.multiply, a=x)
    yield True, Watched(closed)
    yield True, (Watched(inner), None)
    yield False, Watched(np.sin)
    yield False, model.method  # what an object holds is found when the function is called
    yield False, [1.0, "a", None, onp.ones(2), {"b": (2, 3j)}]
    yield False, len
    yield False, (lambda y: y)


def test_traced_values_are_found_wherever_arguments_hold_them():
    def loss(x):
        for held, value in holders(x):
            assert depends(value) is held, value
            assert is_recorded(value) is False
        return x * 1.0

    grad(loss)(2.0)
    make_jvp(loss)(2.0)(1.0)
    for _, value in holders(2.0):
        assert not depends(value)


def test_values_of_a_program_are_found():
    with _core.Recording() as recording:
        x = recording.box(2.0)
        for held, value in holders(x):
            assert is_recorded(value) is held, value
            assert depends(value) is False

        def loss(y):  # a level that differentiates, of what is recorded
            for held, value in holders(y * x):
                assert is_recorded(value) is depends(value) is held, value
            return y * x

        grad(loss)(3.0)


def test_what_holds_itself_ends():
    ring = [1.0]
    ring.append(ring)

    def loss(x):
        def first(y):
            return second(y) * x

        def second(y):
            return first(y)

        assert depends(first, second)
        assert not depends(ring)
        box = [x, ring]
        assert depends(box)
        return x * 1.0

    grad(loss)(1.0)


def test_a_watched_function_gives_plain_values():
    def loss(x):
        watched = Watched(lambda y: y * x)
        assert watched(2.0) == 6.0
        assert not isbox(watched(2.0))
        assert watched.traced
        plain = Watched(lambda y: onp.array([y]))
        assert plain(2.0).tolist() == [2.0]
        assert not plain.traced
        assert Watched(lambda y: (y, [y * x]))(1.0)[1][0] == 3.0
        return x

    grad(loss)(3.0)
    function = Watched(Model(2.0).method)
    assert function.__wrapped__(3.0) == function.__func__(Model(2.0), 3.0) == 6.0
    for again in (copy.copy(function), copy.deepcopy(function)):
        assert again(1.0) == 2.0
    kept = Watched(np.sin)
    kept.traced = True
    kept = pickle.loads(pickle.dumps(kept))  # for the processes of workers=
    assert type(kept) is Watched
    assert kept.traced
    assert kept(0.5) == np.sin(0.5)
    with pytest.raises(AttributeError):
        function.nothing_of_the_kind  # noqa: B018
