"""What replays do the quick way gives what the slow way gives."""

import sys

import numpy as onp
import pytest

import fastad.numpy as np
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


BOUNDS = {
    "numbers": (0.5, 1.5),
    "integers": (0, 1),
    "lower": (0.5, None),
    "upper": (None, 1.5),
    "NumPy's": (onp.float64(0.5), onp.float32(1.5)),
    "arrays": (onp.array([0.5, 1.0, -1.0, 0.0]), onp.array([1.5, 1.0, 2.0, 0.0])),
    "wider": (onp.zeros((3, 1, 1)), 1.5),
    "crossed": (1.5, 0.5),
    "no number": (onp.nan, 1.0),
}


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "c16"])
@pytest.mark.parametrize("shape", [(4,), (2, 4), (), None])
def test_clip(name, dtype, shape):
    low, high = BOUNDS[name]
    if shape is None and dtype != "f8":
        return
    rng = onp.random.default_rng(1)

    def argument():
        if shape is None:
            return float(rng.normal())
        return onp.asarray(rng.normal(size=shape) * 2).astype(dtype)

    f = lambda x: np.clip(x, low, high)
    fast = jit(f, check="off")
    slope = lambda x: grad(lambda y: np.sum(np.clip(y, low, high) ** 2))(x)
    fast_slope = jit(slope, check="off")
    special = [onp.nan, onp.inf, -onp.inf, 0.5]
    arguments = [argument() for _ in range(6)]
    if dtype in ("f8", "f4") and shape == (4,):
        arguments.append(onp.array(special, dtype))
    for x in arguments:
        wanted, found = f(x), fast(x)
        assert type(found) is type(wanted) and found.dtype == wanted.dtype
        onp.testing.assert_array_equal(found, wanted)
        if dtype in ("f8", "f4"):
            onp.testing.assert_array_equal(fast_slope(x), slope(x))
    if dtype == "f8" and shape and name not in ("wider", "NumPy's"):
        assert "0 host calls" in str(fast.programs[0])
