"""Python's functions of numbers (`float`, `type`, those of `math`) of values that are recorded."""

import math
import sys
import warnings
from math import exp, sqrt

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import grad, jit, make_jvp
from fastad.programs.names import _FUNCTIONS, _TESTS

from .played import same


def both(f, arguments, programs=True):
    """Call f and `jit(f)` with each of the arguments; whether it is replayed."""
    fast = jit(f)
    with warnings.catch_warnings():
        warnings.simplefilter("error" if programs else "ignore")
        for args in arguments:
            results = []
            for g in (f, fast):
                try:
                    results.append(g(*args))
                except (ValueError, OverflowError, TypeError, ZeroDivisionError) as error:
                    results.append((type(error).__name__, str(error)))
            same(*results)
    assert bool(fast.programs) == programs
    return fast


@pytest.fixture(autouse=True)
def by_itself(monkeypatch):
    # Names are exchanged where no other thread runs; pytest-xdist has one.
    monkeypatch.setattr("fastad.programs.lifting.alone", lambda: True)


TWO = frozenset("atan2 copysign fmod hypot isclose pow".split())
BEYOND = [-1e308, -800.0, -2.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 1.5, 800.0, 1e308]
BEYOND += [math.inf, math.nan]


@pytest.mark.parametrize("name", sorted({*_FUNCTIONS, *_TESTS}))
def test_functions_of_math(name):
    source = f"f = lambda x: math.{name}(x{', 0.75' if name in TWO else ''})"
    space = {"math": math}
    exec(source, space)
    low = 1.1 if name == "acosh" else 0.1
    inside = [(low + 0.01 * i,) for i in range(8)]
    both(space["f"], [*inside, *((x,) for x in BEYOND), *inside])


def nearer(x, y):
    return x * y if math.isclose(x, y, rel_tol=1e-3, abs_tol=abs(x) / 10) else x - y


def finite(x, y):
    return x * y if math.isfinite(x) and not math.isnan(y) else y


@pytest.mark.parametrize("f", [nearer, finite])
def test_tests_of_what_is_differentiated(f):
    inside = [(1.0 + 0.1 * i, 2.0 - 0.1 * i) for i in range(11)]
    ends = [(x, y) for x in BEYOND for y in BEYOND]
    with onp.errstate(all="ignore"):
        both(grad(f, (0, 1)), [*inside, *ends, *inside])
        both(make_jvp_of(f), inside)


def make_jvp_of(f):
    return lambda x, y: make_jvp(lambda x: f(x, y))(x)(1.0)


def test_tolerances_have_the_errors_of_math():
    f = lambda x: x if math.isclose(x, 1.0, rel_tol=-x) else 2.0 * x
    both(f, [(-0.1,), (2.0,)] * 6)


def test_every_function_of_math_that_has_two_arguments_is_known():
    for name in {*_FUNCTIONS} - TWO:
        with pytest.raises(TypeError):
            getattr(math, name)(0.5, 0.5, 0.5)
        if name != "log":
            with pytest.raises(TypeError):
                getattr(math, name)(0.5, 0.5)


def test_more_arguments_than_numpy_has():
    xs = [(0.5 + 0.1 * i,) for i in range(8)]
    both(lambda x: math.hypot(x, 2.0, 3.0) + x, xs, programs=False)
    both(lambda x: math.log(x, 2), xs)
    both(lambda x: math.exp(x, x), xs, programs=False)
    both(lambda x: math.log(x, 2, 3), xs, programs=False)


def test_names_that_are_imported():
    both(lambda x: exp(x) / (1 + exp(x)) + sqrt(abs(x)), [(0.3 * i - 1,) for i in range(12)])


def test_errors_that_are_caught():
    def f(x):
        try:
            return 1.0 / (1.0 + math.exp(x))
        except OverflowError:
            return 77.0

    both(f, [(1000.0 if i % 5 == 4 else 0.1 * i,) for i in range(30)])


def test_integers():
    both(lambda x, n: math.sqrt(n) * x + math.pow(n, 0.5) + float(n), [(1.5, n) for n in range(12)])


def test_floats_of_arrays_and_numbers():
    def f(x):
        return float(x[0]) * 2, float(np.sum(x)), x.tolist(), [float(v) for v in x], x[1].item()

    both(f, [(onp.linspace(0, 1, 3) + i,) for i in range(8)])


def test_a_float_that_decides():
    def f(x):
        loss = float(np.sum(x))
        return loss * 2 if loss > 3 else loss

    both(f, [(onp.linspace(0, 1, 3) + 0.2 * i,) for i in range(16)])


def test_strings_and_single_precision():
    xs = [(onp.float32(i),) for i in range(8)]
    both(lambda x: float(x) * 2.0, xs, programs=False)
    both(lambda x: x * float("0.5"), [(0.5 * i,) for i in range(8)])


def test_types():
    def f(x):
        if type(x) is float:
            return x * 2
        return x * 3 if type(x) is onp.float64 else np.sum(x)

    for kind in (float, onp.float64, onp.atleast_1d):
        both(f, [(kind(0.5 * i),) for i in range(8)])


def test_a_float_that_is_exchanged(monkeypatch):
    f = lambda x: float(np.sum(x)) * math.sin(1.0)
    fast = jit(f)
    xs = [onp.arange(3.0) + i for i in range(16)]
    for x in xs[:6]:
        same(f(x), fast(x))
    monkeypatch.setitem(globals(), "float", lambda x: 5.0)
    for x in xs[6:12]:
        same(f(x), fast(x))
    monkeypatch.delitem(globals(), "float")
    for x in xs[12:]:
        same(f(x), fast(x))


def test_names_are_put_back_after_errors():
    def f(x):
        if np.sum(x) > 3:
            raise KeyError(float(x[0]))
        return float(x[0]) * math.exp(x[1])

    fast = jit(f)
    for i in range(12):
        try:
            fast(onp.arange(3.0) + 0.1 * i - 1)
        except KeyError:
            pass
        assert "float" not in globals() and globals()["math"] is sys.modules["math"]
