"""What other code does while a replay runs: finalisers, and other threads."""

import gc
import sys
import threading
import time
import weakref

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import jit, value_and_grad


def polynomial(x, y, z):
    return x * y + z * x - y / z


def of_rows(rows):
    return rows[0][0] * rows[1][1] - rows[0][1] * rows[1][0] + rows[0][0] ** 2


def _seen_by_the_collector(clean_up, call):
    """The result of a call, within which the collector runs wherever a container is made."""
    runs, errors = [], []

    def watch(phase, info):
        if phase == "start" and not runs:
            runs.append(info)
            try:
                clean_up()
            except Exception as error:  # which the collector would keep to itself
                errors.append(error)

    threshold = gc.get_threshold()
    gc.callbacks.append(watch)
    gc.set_threshold(1)
    try:
        return call()
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(watch)
        assert not errors


@pytest.mark.parametrize("then", ["nothing", "a call", "another function"])
def test_the_function_may_be_cleared_while_a_result_is_made(then):
    """The collector runs at once before CPython 3.12, and then whoever is told clears it."""
    rows = jit(value_and_grad(of_rows))
    call = ([[0.5, 0.25], [0.375, 0.125]],)
    wanted = value_and_grad(of_rows)(*call)
    held = []

    def clean_up():
        rows.clear()
        if then == "a call":
            held.extend(rows(*call) for _ in range(6))
        elif then == "another function":
            other = jit(value_and_grad(polynomial, (0, 1, 2)))
            held.extend(other(0.5, 2.0, float(i)) for i in range(1, 7))

    for _ in range(30):
        held.extend(rows(*call) for _ in range(4))  # nothing is there to be filled again
        held.append(_seen_by_the_collector(clean_up, lambda: rows(*call)))
        assert held[-1] == wanted
    results = [own for own in held if isinstance(own[1], list)]
    rows.clear()
    held.clear()
    alone = sys.getrefcount([[]].pop())
    counts = {sys.getrefcount(results.pop()) for _ in range(len(results))}
    assert counts == {alone}  # nothing holds them, or thinks so


def _meanwhile(change, call):
    """Whether `change` ran within a call, in another thread as soon as the call lets one run."""
    start = threading.Lock()
    start.acquire()
    changed = []

    def wait():
        with start:
            time.sleep(0.002)
            change()
            changed.append(True)

    thread = threading.Thread(target=wait)
    interval = sys.getswitchinterval()
    thread.start()
    sys.setswitchinterval(60.0)  # not before the call itself lets others run
    try:
        start.release()
        call()
        within = bool(changed)
    finally:
        sys.setswitchinterval(interval)
        thread.join()
    return within


def _tried(attempt):
    assert any(attempt() for _ in range(20)), "the other thread never ran within a call"


def long_sum(x):
    """Of numbers alone, and long enough to let other threads run."""
    row = np.array([x + 0.001 * i for i in range(400)])
    return sum(np.sum(np.sin(row[:, None] * row / k)) for k in range(1, 30))


@pytest.mark.parametrize("of", ["numbers", "arrays"])
def test_arrays_for_results_outlive_their_list(of):
    """A long run writes into arrays that the caller's list may lose meanwhile."""
    function = {
        "numbers": lambda x: [long_sum(x), x * x],
        "arrays": lambda x: [x * long_sum(x[0]), x * x],
    }[of]
    fast = jit(function, check="off")
    x = 0.5 if of == "numbers" else onp.array([0.5, 1.0])
    for _ in range(4):
        wanted = fast(x)
    alive = []

    def attempt():
        out = [onp.zeros(onp.shape(x)), onp.zeros(onp.shape(x))]
        seen = [weakref.ref(array) for array in out]

        def change():
            out.clear()
            gc.collect()
            alive.extend(each() is not None for each in seen)

        def call():
            given = fast.into(out, x)
            assert given is out

        alive.clear()
        return _meanwhile(change, call)

    assert len(wanted) == 2
    _tried(attempt)
    assert alive == [True, True]


def test_numbers_of_a_list_outlive_it():
    """Another path of the function reads them again once a long run has found that it must."""

    def both_ways(xs):
        factor = 2.0 if xs[0] * long_sum(xs[0]) > 0.0 else 3.0
        return [factor * xs[0], factor * xs[1]]

    fast = jit(both_ways, check="off")
    wanted = {}
    for first in (1.0, -6.0, 1.0):
        for _ in range(4):
            wanted[first] = fast([first, first / 2])
    assert wanted == {first: both_ways([first, first / 2]) for first in wanted}
    results, others = [], []

    def attempt():
        fast([1.0, 0.5])  # this path is tried first, next time
        xs = [float("-6.0"), float("-3.0")]

        def change():
            xs.clear()
            others.extend(float(i) for i in range(1000))

        return _meanwhile(change, lambda: results.append(fast(xs)))

    _tried(attempt)
    assert all(result == wanted[-6.0] for result in results)


def test_numbers_of_a_list_outlive_what_is_asked_before():
    """Whether the state is what it was is asked of code that may change the list."""
    fast = jit(lambda xs: [2.0 * xs[0], xs[1] * xs[0]], check="off")
    for _ in range(4):
        fast([1.0, 0.5])
    xs, others = [], []

    def read():
        xs.clear()
        others.extend(float(i) for i in range(100))
        return ()

    world = next(iter(fast._entries.values())).worlds[0]
    world.watch.slots.call(read)
    for _ in range(4):
        others.clear()
        xs.extend([float("-6.0"), float("-3.0")])
        assert fast(xs) == [-12.0, 18.0]
        assert len(others) == 100
