"""`jit`: comparisons with the function, options, `into`, captured values that vary."""

import threading
import types
import warnings

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import (
    jit,
    value_and_grad,
)
from fastad.extend import primitive
from fastad.programs import lifting
from fastad.programs.report import ProgramError, ProgramWarning

from .agreement import agree, leaves


def test_a_failed_check_is_an_error_and_the_function_stays_eager():
    fast = jit(lambda x: x * 2, check="always")
    for x in (1.0, 2.0, 3.0, 4.0):
        assert fast(x) == 2 * x
    # Stands for state that only compiled code sees: nothing else makes a replay differ.
    entry = next(iter(fast._entries.values()))
    other = jit(lambda x: x * 3)
    for x in (1.0, 2.0, 3.0, 4.0):
        other(x)
    entry.worlds[0].paths = next(iter(other._entries.values())).worlds[0].paths
    with pytest.raises(ProgramError, match="another result"):
        fast(4.0)
    assert fast(4.0) == 8.0 and not fast.programs


@pytest.mark.parametrize("check", ["default", "always"])
def test_what_is_written_in_place_is_checked_too(check):
    def made(by):
        m = types.SimpleNamespace(w=onp.ones(3))

        def f(x):
            m.w *= 0.5
            return np.sum(m.w * x) * by

        fast = jit(f, check=check)
        for i in range(6):
            fast(onp.arange(1.0, 4.0) + i)
        assert fast.programs
        return fast

    fast, other = made(2.0), made(3.0)
    # Stands for state that only compiled code sees: nothing else makes a replay differ.
    worlds = [next(iter(one._entries.values())).worlds[0] for one in (fast, other)]
    worlds[0].paths = worlds[1].paths
    with pytest.raises(ProgramError, match="another result"):
        for i in range(16):
            fast(onp.arange(1.0, 4.0) + i)


def test_state_that_cannot_be_taken_back_is_an_error():
    large = types.SimpleNamespace(w=onp.zeros(20_000))

    @primitive
    def p(x):
        if x[0] > 3.0:
            large.w += 1.0
        return x * 2.0

    fast = jit(lambda x: np.sum(p(x)) + large.w[0])
    for i in range(6):
        fast(onp.array([1.0, i]))
    assert fast.programs
    with pytest.warns(ProgramWarning, match="changes large.w"):
        with pytest.raises(ProgramError, match="cannot be taken back"):
            fast(onp.array([4.0, 1.0]))
    assert fast(onp.array([4.0, 1.0])) == 12.0


def test_bad_options_and_functions():
    with pytest.raises(ValueError, match="check must be"):
        jit(lambda x: x, check="sometimes")
    with pytest.raises(TypeError, match="function"):
        jit(3)


def test_clear_and_programs():
    fast = jit(lambda x: np.sin(x) * 2)
    for x in (0.1, 0.2, 0.3, 0.4):
        fast(x)
    assert len(fast.programs) == 1 and "sin" in str(fast.programs[0])
    fast.clear()
    assert fast.programs == ()
    for x in (0.1, 0.2, 0.3, 0.4):
        agree(fast(x), onp.sin(x) * 2)


def test_into_writes_into_arrays():
    fun = value_and_grad(lambda x: np.sum(x**2))
    fast = jit(fun)
    out = onp.zeros(3)
    for i in range(6):
        x = onp.arange(3.0) + i
        value, gradient = fast.into((None, out), x)
        assert gradient is out
        agree((value, out.copy()), fun(x))
    with pytest.raises(TypeError, match="into"):
        fast.into([out], onp.ones(3))


@pytest.mark.parametrize("x", [0.7, 0.0, onp.zeros(3), onp.arange(4.0)[::-1], onp.float32(2)])
def test_the_same_values_again_and_again_are_replayed(x):
    fun = value_and_grad(lambda x: np.sum(np.sin(x) * x))
    fast = jit(fun)
    for _ in range(6):
        agree(fast(x), fun(x))
    if not (isinstance(x, onp.ndarray) and not x.flags.c_contiguous):
        assert len(fast.programs) == 1
    agree(fast(x + 1), fun(x + 1))


def test_values_that_only_hold_at_one_place_are_waited_for():
    def f(x):
        if x != 0.5:
            raise ValueError("half only")
        return x * x

    fast = jit(f)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(8):
            assert fast(0.5) == 0.25
    with pytest.raises(ValueError, match="half only"):
        fast(0.75)


def test_into_where_memory_overlaps():
    def fun(x, y):
        return {
            "sum": [x + np.flip(y), np.cumsum(y)],
            "dot": np.dot(x, y),
            "x": x,
            "one": 1.0 * y[0],
        }

    fast = jit(fun)

    def places(a, b, c, d):
        return {"sum": [a, b], "dot": onp.zeros(()), "x": c, "one": d}

    for i in range(6):
        fresh = [onp.zeros(4) for _ in range(3)]
        x, y = onp.arange(4.0) + i, onp.arange(4.0) ** 2 - i
        wanted = fun(x, y)
        out = places(*fresh, onp.zeros(()))
        given = fast.into(out, x, y)
        assert given["sum"][0] is fresh[0] and given["one"] is out["one"]
        for a, b in zip(leaves(out), leaves(wanted), strict=True):
            assert onp.array_equal(a, b)
        # The results lie where the arguments do, and are written all the same.
        z = y.copy()
        assert onp.array_equal(
            fast.into(places(z, None, None, None), x, z)["sum"][0], wanted["sum"][0]
        )
        whole = onp.concatenate([x, y])
        got = fast.into(places(whole[2:6], whole[4:8], None, None), whole[:4], whole[4:])
        assert onp.array_equal(got["sum"][1], wanted["sum"][1])
        backwards = onp.zeros(8)[::-2]
        assert onp.array_equal(
            fast.into(places(backwards, None, None, None), x, y)["sum"][0], wanted["sum"][0]
        )
    assert fast.programs


@pytest.mark.parametrize("before", [0, 6])  # calls: the function's own results, or a replay's
def test_into_of_arguments_that_change_places(before):
    def fun(x, y):
        return y, x, x[0] * 1.0

    fast = jit(fun, check="off")
    for i in range(before):
        fast(onp.arange(4.0) + i, onp.arange(4.0) - i)
    assert bool(fast.programs) == bool(before)
    x, y = onp.arange(1.0, 5.0), onp.arange(5.0, 9.0)
    out = x, onp.zeros(4), onp.zeros(())
    fast.into(out, x, y)
    assert out[0].tolist() == [5, 6, 7, 8] and out[1].tolist() == [1, 2, 3, 4] and out[2] == 1.0
    x = onp.arange(1.0, 5.0)
    out = onp.zeros(4), onp.zeros(4), x[3:].reshape(())
    fast.into(out, x, y)
    assert out[1].tolist() == [1, 2, 3, 4] and out[2] == 1.0
    both = onp.arange(8.0)
    places = both[2:6], onp.zeros(4), None
    assert fast.into(places, both[:4], both[4:])[1].tolist() == [0, 1, 2, 3]
    assert both.tolist() == [0, 1, 4, 5, 6, 7, 6, 7]


def test_into_with_arrays_that_are_no_places():
    fast = jit(lambda x: (np.sum(x**2), 2 * x))
    x = onp.arange(3.0)
    for _ in range(6):
        with pytest.raises(ValueError, match="shape"):
            fast.into((None, onp.zeros(4)), x)
        with pytest.raises(TypeError, match="kind of numbers"):
            fast.into((None, onp.zeros(3, int)), x)
        with pytest.raises(TypeError, match="into"):
            fast.into((1.0, None), x)
        with pytest.raises(ValueError, match="read-only"):
            fast.into((None, onp.broadcast_to(0.0, 3)), x)
        narrow = onp.zeros(3, onp.float32)
        fast.into((None, narrow), x)
        assert onp.array_equal(narrow, 2 * x)
    with pytest.raises(TypeError, match="into"):
        fast.into()


@pytest.mark.parametrize("package", ["ipykernel.iostream", "IPython.core.history", "users"])
def test_threads_of_a_notebook_do_not_count(package):
    module = types.ModuleType(package)
    exec("def wait(event):\n    event.wait()", module.__dict__)
    event = threading.Event()
    thread = threading.Thread(target=module.wait, args=(event,))
    before = lifting.alone()
    thread.start()
    try:
        assert lifting.alone() == (before and package != "users")
    finally:
        event.set()
        thread.join()


def test_captured_values_that_vary_are_replayed_in_c(monkeypatch):
    monkeypatch.setattr("fastad.programs.lifting.alone", lambda: True)

    class Model:
        def __init__(self):
            self.w, self.rate = onp.ones(3), 0.1

        def loss(self, x):
            return np.sum((self.w * x) ** 2) * self.rate

    model = Model()
    fast, plain = jit(value_and_grad(model.loss)), value_and_grad(model.loss)
    x = onp.arange(3.0)
    for i in range(40):
        agree(fast(x + i), plain(x + i))
        agree(fast(model.w), plain(model.w))  # the argument is the captured array
        model.w = model.w - 0.1
        model.rate = 0.1 + 0.01 * i
        if i == 20:
            model.w[1] = 7.0
        if i == 25:
            model.w = model.w.astype(onp.float32)
        if i == 30:
            model.w = onp.zeros((2, 3)) + 0.5
    assert fast.programs
