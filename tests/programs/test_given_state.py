"""Arguments that are, now and then, the very containers that a call writes into."""

import dataclasses
import types
import warnings

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import jit


@dataclasses.dataclass
class Pair:
    a: float = 1.0


# By what is written and read: a new container, the write, the value that is read.
KINDS = {
    "list": (lambda: [1.0], "{p}[0] = {p}[0] + x", "{p}[0]"),
    "dict": (lambda: {"a": 1.0}, "{p}['a'] = {p}['a'] + x", "{p}['a']"),
    "data class": (Pair, "{p}.a = {p}.a + x", "{p}.a"),
    "list of a list": (lambda: [[1.0]], "{p}[0][0] = {p}[0][0] + x", "{p}[0][0]"),
    "dict of a list": (lambda: {"a": [1.0]}, "{p}['a'][0] = {p}['a'][0] + x", "{p}['a'][0]"),
    "tuple of a list": (lambda: ([1.0],), "{p}[0][0] = {p}[0][0] + x", "{p}[0][0]"),
    "list that grows": (lambda: [1.0], "{p}.append(x)", "len({p})"),
}


def calls(kind, wrap, given, which):
    """The function, and what each call gives and leaves; those of some numbers give the state."""
    make, write, read = KINDS[kind]
    s = types.SimpleNamespace(p=make())
    names = {"s": s}
    exec(
        f"def f(q, x):\n    {write.format(p='s.p')}\n    return {read.format(p=given)} * x\n", names
    )
    f, left = wrap(names["f"]), []
    for i in range(20):
        one = s.p if i in which else make()
        left += [f([one] if given == "q[0]" else one, 1.0 + 0.1 * i), repr(s.p)]
    return f, left


@pytest.mark.parametrize("which", [(9, 12), (2,), (0, 1, 2, 3), range(20)], ids=str)
@pytest.mark.parametrize("given", ["q", "q[0]"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_given(kind, given, which):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, wanted = calls(kind, lambda f: f, given, which)
        fast, found = calls(kind, jit, given, which)
    assert found == wanted
    if which == (9, 12):
        assert fast.programs


class Fit:
    def __init__(self):
        self.losses, self.count = [], 0.0

    def loss(self, parameters, x):
        w, b = parameters
        value = np.sum((w * x + b - 1.0) ** 2)
        self.losses.append(value)
        self.count += 1.0
        return value


@pytest.mark.parametrize("make", [list, tuple])
def test_lists_of_parameters_beside_a_history(make):
    """A history that grows is another list than the one of the parameters."""
    plain, other = Fit(), Fit()
    fast = jit(other.loss, check="off")
    x = onp.linspace(0.0, 1.0, 5)
    for i in range(12):
        pair = make((0.1 * i, 0.3))
        onp.testing.assert_allclose(fast(pair, x), plain.loss(pair, x), rtol=1e-14)
    assert fast.programs
    onp.testing.assert_allclose(other.losses, plain.losses, rtol=1e-14)
    assert plain.count == other.count


def test_arguments_without_the_names_that_are_written_are_compared_with_nothing():
    class Model:
        def __init__(self):
            self.count = 0.0

        def step(self, parameters, x):
            self.count += 1.0
            return parameters["w"] * x

    model = Model()
    fast = jit(model.step, check="off")
    for i in range(6):
        assert fast({"w": 1.0 + i}, 2.0) == 2.0 + 2.0 * i
    assert model.count == 6.0 and fast.programs
    assert not any(world.slow for entry in fast._entries.values() for world in entry.worlds)

    def reads(kept):
        model.step({"w": 1.0}, 1.0)
        return kept["count"]

    other = jit(reads, check="off")
    for i in range(12):  # the attributes themselves are given
        model.count = 1.0
        assert other(vars(model) if i % 4 == 3 else {"count": 5.0}) == (2.0 if i % 4 == 3 else 5.0)
        assert model.count == 2.0
    assert other.programs
