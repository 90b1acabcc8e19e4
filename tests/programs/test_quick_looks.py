"""What replays do the quick way gives what the slow way gives."""

import sys

import numpy as onp
import pytest

from fastad import grad, jit
from fastad._core import Slots


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("gone", [False, True])
def test_an_entry_is_found_where_it_stands_now(before, gone):
    table = {f"before {i}": i for i in range(before)}
    table["key"] = value = object()
    slots = Slots()
    slots.entry(table, "key")
    assert slots.holds()
    if gone:
        for i in range(before):
            del table[f"before {i}"]
        assert slots.holds()
    del table["key"]
    assert not slots.holds()
    table["other"] = value  # where the key stood, or behind
    assert not slots.holds()
    table["key"] = value
    assert slots.holds()
    for i in range(1000):  # another table
        table[i] = i
    assert slots.holds()
    table["key"] = object()
    assert not slots.holds()
    table.clear()
    assert not slots.holds()
    table["key"] = value
    assert slots.holds()


def test_an_entry_whose_key_is_another_string():
    key = sys.intern("a key")
    table = {"".join(("a", " ", "key")): (value := object())}
    slots = Slots()
    slots.entry(table, key)
    assert slots.holds()
    table["a key"] = 1
    assert not slots.holds()
    table["a key"] = value
    assert slots.holds()


def test_an_absent_entry_that_appears():
    table = {}
    slots = Slots()
    slots.entry(table, "key")
    assert slots.holds()
    table["another"] = 1
    assert slots.holds()
    table["key"] = 1
    assert not slots.holds()


def test_classes_and_empty_dicts():
    class A:
        pass

    class B:
        pass

    owner = A()
    slots = Slots()
    slots.type(owner)
    slots.keys(vars(owner))
    slots.mro(A)
    assert slots.holds()
    owner.x = 1
    assert not slots.holds()
    del owner.x
    assert slots.holds()
    owner.__class__ = B
    assert not slots.holds()
    owner.__class__ = A
    assert slots.holds()


@pytest.mark.parametrize("kind", [float, onp.float64, onp.float32, onp.asarray])
@pytest.mark.parametrize("exponent", [2, 2.0, onp.float64(2.0)])
def test_a_power_of_two_is_a_square(kind, exponent):
    def f(x):
        return x**exponent * 3

    fast, slope = jit(f), jit(grad(f))
    for number in (1.5, -2.5, 0.3, -0.0, 1e-170, 3e-160, -7.25, 1.1):
        x = kind(number)
        for found, wanted in ((fast(x), f(x)), (slope(x), grad(f)(x))):
            assert type(found) is type(wanted)
            assert getattr(found, "dtype", None) == getattr(wanted, "dtype", None)
            onp.testing.assert_allclose(found, wanted, rtol=1e-6 if kind is onp.float32 else 4e-16)
    assert fast.programs


def test_a_square_of_a_number_overflows_as_in_python():
    fast = jit(lambda x: x**2)
    for number in (1.5, 2.5, 3.5, 4.5):
        assert fast(number) == number**2
    assert fast.programs
    with pytest.raises(OverflowError):
        fast(1e200)
