"""Runs of numbers: operands side by side, that stay, and anywhere give the same bits."""

import itertools
import math

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import jit, value_and_grad

EXACT = {
    "add": lambda x, y, z: x + y,
    "subtract": lambda x, y, z: x - y,
    "multiply": lambda x, y, z: x * y,
    "divide": lambda x, y, z: x / y,
    "divide by four": lambda x, y, z: x / 4.0,
    "negative": lambda x, y, z: -x,
    "absolute": lambda x, y, z: abs(x),
    "square": lambda x, y, z: x**2,
    "multiply and add": lambda x, y, z: x * y + z,
    "add a product": lambda x, y, z: z + x * y,
    "multiply and subtract": lambda x, y, z: x * y - z,
    "subtract a product": lambda x, y, z: z - x * y,
    "square root": lambda x, y, z: np.sqrt(x),
    "larger": lambda x, y, z: np.maximum(x, y),
    "smaller": lambda x, y, z: np.minimum(x, y),
    "sign": lambda x, y, z: np.sign(x),
    "both hold": lambda x, y, z: np.where(np.logical_and(x > y, x > z), y, z),
    "chosen": lambda x, y, z: np.where(x > y, y, z),
}
CLOSE = {
    "exponential": lambda x, y, z: np.exp(x),
    "power": lambda x, y, z: x**y,
    "sine and cosine": lambda x, y, z: np.sin(x) + np.cos(x) * y,
}
# Where the operands of instruction i stand.
PLACES = {
    "go on": lambda i: i,
    "stay": lambda i: 0,
    "gaps": lambda i: 2 * i,
    "backwards": lambda i: 79 - i,
    "two by two": lambda i: i // 2,
    "in parts": lambda i: i % 20,
}


def of_lists(act, places, count):
    def f(xs, ys, zs):
        x, y, z = places
        return [act(xs[x(i)], ys[y(i)], zs[z(i)]) for i in range(count)]

    return f


def lists(seed):
    random = onp.random.default_rng(seed)
    return tuple(random.uniform(0.5, 2.0, size=80).tolist() for _ in range(3))


def replayed(f):
    fast = jit(f, check="off")
    for seed in range(5):
        fast(*lists(seed))
    assert fast.programs
    return fast


@pytest.mark.parametrize("count", [2, 3, 4, 15, 16, 17, 40])
@pytest.mark.parametrize("name", EXACT)
def test_operands_side_by_side(name, count):
    for names in itertools.product(("go on", "stay"), repeat=3):
        f = of_lists(EXACT[name], [PLACES[each] for each in names], count)
        fast = replayed(f)
        got, expected = fast(*lists(9)), f(*lists(9))
        assert list(map(type, got)) == list(map(type, expected))
        assert list(map(float, got)) == list(map(float, expected)), names


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("name", EXACT | CLOSE)
def test_operands_anywhere(name, where):
    act = (EXACT | CLOSE)[name]
    for other in ("go on", "in parts", "backwards"):
        f = of_lists(act, [PLACES[where], PLACES[other], PLACES["stay"]], 40)
        got, expected = replayed(f)(*lists(9)), f(*lists(9))
        exact = 0.0 if name in EXACT else 1e-15
        assert list(map(float, got)) == pytest.approx(list(map(float, expected)), rel=exact, abs=0)


@pytest.mark.parametrize("factor", [1.0, onp.float64(1.0)])
def test_a_number_times_one_is_no_instruction(factor):
    def f(x, y):
        one = x * factor
        return one, one + y, (factor * y) * one, x + (-0.0), x / 1.0

    fast = jit(f, check="off")
    for i in range(6):
        fast(0.5 + i, 1.5)
    assert fast.programs
    for x, y in ((-0.0, 0.0), (0.0, -0.0), (1.5, -2.0), (5e-324, 1e308)):
        got, expected = fast(x, y), f(x, y)
        assert list(map(type, got)) == list(map(type, expected))
        assert all(
            a == b and math.copysign(1.0, a) == math.copysign(1.0, b) for a, b in zip(got, expected)
        )


def test_infinities_that_vanish_are_seen_among_many_numbers():
    """Only numbers whose infinity nothing passes on are looked at."""

    def f(xs):
        total = 0.0
        for i, x in enumerate(xs):
            total = total + 1.0 / (x * x * (i + 1))
        return total

    plain = value_and_grad(f)
    fast = jit(plain, check="off")
    for i in range(6):
        fast([0.5 + i + k for k in range(60)])
    assert fast.programs
    for place in (0, 17, 59):
        xs = [1.5 + k for k in range(60)]
        xs[place] = 1e200  # its square is infinite, and the reciprocal of that is zero
        with pytest.warns(RuntimeWarning, match="overflow"):
            fast(xs)
        xs[place] = 0.0
        with pytest.warns(RuntimeWarning, match="divide by zero"):
            fast(xs)


RUNNING = {
    "a sum": lambda t, x, y: t + x,
    "a sum from behind": lambda t, x, y: x + t,
    "a difference": lambda t, x, y: t - x,
    "a difference from behind": lambda t, x, y: x - t,
    "products": lambda t, x, y: t + x * y,
    "products from behind": lambda t, x, y: x * y + t,
    "products taken away": lambda t, x, y: t - x * y,
    "taken from products": lambda t, x, y: x * y - t,
    "doubled": lambda t, x, y: t + t,
    "its own factor": lambda t, x, y: t + t * x,
    "its square": lambda t, x, y: x - 0.3 * t * t,
    "two by two": lambda t, x, y: (t + x) - y,
}


@pytest.mark.parametrize("count", [7, 8, 9, 10, 40])
@pytest.mark.parametrize("name", RUNNING)
def test_running_sums(name, count):
    """Every total, those in between too, is what the function gives."""

    def f(xs, ys, zs):
        totals, total = [], zs[0]
        for x, y in zip(xs[:count], ys):
            total = RUNNING[name](total, 0.25 * x, y)
            totals.append(total)
        for z in zs[:3]:
            total = total * z
        return totals, total

    got, expected = replayed(f)(*lists(9)), f(*lists(9))
    assert got == expected
