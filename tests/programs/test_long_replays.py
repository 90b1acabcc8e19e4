"""Long replays, and replays in vain: what stops them, and what they cost."""

import signal
import sys
import time
import warnings

import numpy as onp
import pytest

import fastad
import fastad.numpy as np
from fastad import jit, value_and_grad

W = onp.random.default_rng(0).normal(size=(250, 250)) / 16


def many_steps(x):
    for _ in range(120):
        x = np.tanh(np.dot(x, W)) + 0.1
    return x


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def replayed(request):
    fast = jit(many_steps, check="off")
    x = onp.ones((250, 250))
    before = fastad.get_num_threads()
    fastad.set_num_threads(request.param)
    for i in range(4):
        fast(x + 0.01 * i)
    assert fast.programs
    yield fast, x
    fastad.set_num_threads(before)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers")
@pytest.mark.parametrize("error", [KeyboardInterrupt, TimeoutError])
def test_a_signal_stops_a_replay_between_its_steps(replayed, error):
    fast, x = replayed
    wanted = fast(x)
    raising = [True]

    def stop(number, frame):
        if raising[0]:
            raise error

    def took():
        start = time.perf_counter()
        fast(x)
        return time.perf_counter() - start

    whole = min(took() for _ in range(2))
    taken = []
    previous = signal.signal(signal.SIGALRM, stop)
    try:
        # Again if the machine was busy: a signal that is seen afterwards only never comes early.
        while len(taken) < 5 and (not taken or taken[-1] > 0.7 * whole):
            start = time.perf_counter()
            with pytest.raises(error):
                signal.setitimer(signal.ITIMER_REAL, whole / 5)
                fast(x)
                time.sleep(1.0)
            taken.append(time.perf_counter() - start)
        raising[0] = False  # a handler that returns stops nothing
        signal.setitimer(signal.ITIMER_REAL, whole / 5)
        onp.testing.assert_array_equal(fast(x), wanted)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, previous)
    assert min(taken) < 0.7 * whole
    onp.testing.assert_array_equal(fast(x), wanted)


def replays_in(fast, calls, function):
    """How many of the calls ran none of the function's own code."""
    codes = []

    def watch(frame, event, argument):
        if event == "call" and frame.f_code is function.__code__:
            codes.append(1)

    alone = 0
    for x in calls:
        codes.clear()
        sys.setprofile(watch)
        try:
            fast(x)
        finally:
            sys.setprofile(None)
        alone += not codes
    return alone


def test_a_function_of_results_that_are_no_numbers_is_called_and_replayed_again_later():
    def f(x):
        return np.sum(np.log(x))

    both = value_and_grad(f)
    fast = jit(both, check="off")
    good, bad = onp.array([1.0, 2.0, 3.0]), onp.array([1.0, 0.0, onp.nan])
    for i in range(5):
        fast(good + i)
    for _ in range(300):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            value, slope = fast(bad)
        assert said, "the function's own warning is not lost"
        assert onp.isnan(value)
        onp.testing.assert_array_equal(slope, [1.0, onp.inf, onp.nan])
    for _ in range(200):  # some of these calls wait still
        onp.testing.assert_allclose(fast(good)[0], f(good))
    assert replays_in(fast, [good] * 10, f) == 10
