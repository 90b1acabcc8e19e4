"""`jit`: what must not be left behind: writes, memory, threads, interrupts."""

import _thread
import gc
import signal
import sys
import threading
import time
import warnings
import weakref

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import (
    grad,
    jit,
    make_hvp,
    make_jvp,
    make_vjp,
    value_and_grad,
)
from fastad.programs.report import ProgramError

from .agreement import agree, counted

X10 = onp.linspace(0.5, 1.5, 10)


def test_writes_into_arguments_are_not_lost():
    def f(x, y):
        y[0] += 1
        return np.sum(x) * y[0]

    fast = jit(f)
    y, z = onp.zeros(2), onp.zeros(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(6):
            agree(fast(onp.ones(2) * i, y), f(onp.ones(2) * i, z))
    assert y[0] == z[0] == 6


def test_a_captured_weight_that_is_rebound_replays(monkeypatch):
    # The test's own runner may have a thread, which does not read the weight.
    monkeypatch.setattr("fastad.programs.lifting.alone", lambda: True)

    class Model:
        pass

    model = Model()
    model.w = onp.ones(3)
    loss = jit(value_and_grad(lambda x: np.sum((x * model.w) ** 2)))
    ran = 0
    for i in range(12):
        x = onp.arange(3.0) + i
        (value, gradient), seen = counted(loss, x)
        agree(value, onp.sum((x * model.w) ** 2))
        ran += bool(seen)
        model.w = model.w - 0.01 * gradient
    assert ran <= 9
    assert type(model.w) is onp.ndarray


def test_memory_does_not_grow_and_cycles_are_freed():
    fast = jit(lambda x: np.sum(np.sin(x)))
    for i in range(10):
        fast(onp.ones(10) * i)

    class Owner:
        pass

    owner = Owner()
    owner.scale = 2.0
    owner.fast = jit(lambda x, owner=owner: x * owner.scale)
    for x in (1.0, 2.0, 3.0, 4.0):
        owner.fast(x)
    assert owner.fast.programs
    gone = weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None


def test_sums_that_cancel_differ_by_their_terms_rounding():
    # Odd functions at points that lie symmetrically: the sum is rounding alone.
    functions = (
        lambda x: np.sum(np.sin(x) * np.exp(-x * x) + np.tanh(x) / (1 + x**2)),
        lambda x: np.sum(x**3) + np.mean(np.sinh(3 * x)),
        lambda x: np.dot(np.tanh(x), np.cos(x)) * 1e-3,
    )
    for fun in functions:
        for n in (10, 1000, 100_001):
            fast, x = jit(value_and_grad(fun), check="always"), onp.linspace(-3.0, 3.0, n)
            for _ in range(6):
                fast(x)
            assert fast.programs


def test_a_small_difference_beside_large_values_is_no_rounding():
    def replayed(slope):
        fast, x = jit(lambda x: np.sum(1e3 * x - 1e3 * x + slope * x), check="always"), X10
        for i in range(4):
            fast(x + i)
        return fast, next(iter(fast._entries.values()))

    (fast, entry), (_, other) = replayed(1.0), replayed(1.0 + 1e-4)
    entry.worlds[0].paths = other.worlds[0].paths
    with pytest.raises(ProgramError, match="another result"):
        fast(X10)


def test_replays_leave_nothing_behind():
    x, out = onp.arange(50.0), {"value": onp.zeros(()), "gradient": onp.zeros(50)}
    rate = 0.1

    def f(x, n):
        value, gradient = value_and_grad(lambda x: np.sum(np.tanh(x) * rate) ** n)(x)
        return {"value": value, "gradient": gradient}

    fast = jit(f, check="off")
    for i in range(8):
        fast(x + i, 2)
        fast.into(out, x + i, 2)
    assert fast.programs
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(50_000):
        fast(x, 2)
        fast.into(out, x, 2)
    gc.collect()
    assert sys.getallocatedblocks() - before < 100


def test_an_interrupt_among_replays_leaves_everything_whole():
    fun = value_and_grad(lambda x: np.sum(np.sin(x) ** 2))
    fast = jit(fun)
    x = onp.linspace(0.0, 1.0, 20_000)
    for i in range(6):
        fast(x + i)

    # Where the tests run in the background, the signal may be ignored.
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        for _ in range(3):
            timer = threading.Timer(0.02, _thread.interrupt_main)
            with pytest.raises(KeyboardInterrupt):
                timer.start()
                end = time.monotonic() + 5.0
                while time.monotonic() < end:
                    fast(x)
            timer.join()
            agree(fast(x), fun(x))
    finally:
        signal.signal(signal.SIGINT, old)


def test_operators_that_give_functions_are_right():
    fun = lambda x: np.sum(np.sin(x) * x**2)
    x, v = onp.array([0.3, 0.7]), onp.array([1.0, -2.0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for wrapped in (lambda op: jit(op(fun)), lambda op: op(jit(fun))):
            vjp, jvp, hvp = wrapped(make_vjp), wrapped(make_jvp), wrapped(make_hvp)
            for i in range(6):
                y = x + i
                pullback, value = vjp(y)
                agree((pullback(1.0), value), (grad(fun)(y), fun(y)))
                agree(jvp(y)(v), make_jvp(fun)(y)(v))
                agree(hvp(y)[0](v), make_hvp(fun)(y)[0](v))


def test_many_threads():
    scale = onp.arange(5.0)
    fast = jit(value_and_grad(lambda x: np.sum(np.sin(x) * scale)))
    plain = value_and_grad(lambda x: np.sum(np.sin(x) * scale))
    inputs = [onp.ones(5) * i for i in range(16)]
    wanted = [plain(x) for x in inputs]
    wrong = []

    def work(i):
        for _ in range(100_000 // 16):
            value, gradient = fast(inputs[i])
            if abs(value - wanted[i][0]) > 1e-12 or abs(gradient - wanted[i][1]).max() > 1e-12:
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and fast.programs


def test_an_interrupt_while_recording_leaves_everything_whole():
    state = {"interrupt": False}

    def f(x):
        if state["interrupt"]:
            raise KeyboardInterrupt
        return x * 2

    fast = jit(f)
    fast(1.0)
    state["interrupt"] = True
    with pytest.raises(KeyboardInterrupt):
        fast(2.0)
    state["interrupt"] = False
    assert [fast(x) for x in (1.0, 2.0, 3.0, 4.0, 5.0)] == [2.0, 4.0, 6.0, 8.0, 10.0]
    assert fast.programs
