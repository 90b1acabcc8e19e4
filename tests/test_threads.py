"""What threads share: pools, tapes, vjp functions, programs; also without an interpreter lock."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import threading
import time

import numpy
import pytest
from several_threads import WORKERS, in_threads

import fastad.numpy as np
from fastad import grad, hessian, jit, make_jvp, make_vjp, value_and_grad
from fastad.extend import defvjp, primitive


def smooth(x):
    return np.sum(np.tanh(x) * np.exp(-x * x)) + np.mean(np.dot(x, x) * x[::2])


def test_importing_leaves_the_interpreters_lock_as_it_was():
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert getattr(sys, "_is_gil_enabled", lambda: True)()
        return
    code = "import sys, fastad, fastad.numpy; print(sys._is_gil_enabled())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False", done.stderr


@pytest.mark.parametrize("n", [3, 1_000, 20_000])  # memory of the host's, and of the pool
def test_gradients_at_once(n):
    points = [numpy.linspace(0.1, 1.0 + 0.1 * i, n) for i in range(WORKERS)]
    expected = [grad(smooth)(x) for x in points]

    def work(i):
        for _ in range(40):
            assert numpy.array_equal(grad(smooth)(points[i]), expected[i])

    in_threads(work)


def test_numbers_at_once():
    def horner(t):
        total = t
        for k in range(40):
            total = total * t + 0.1 * k
        return total

    expected = [(grad(horner)(0.1 * i), grad(grad(horner))(0.1 * i)) for i in range(WORKERS)]

    def work(i):
        for _ in range(200):
            assert (grad(horner)(0.1 * i), grad(grad(horner))(0.1 * i)) == expected[i]

    in_threads(work)


def test_one_vjp_function():
    x = numpy.linspace(0.1, 1.0, 2_000)
    vjp, _ = make_vjp(lambda x: np.tanh(x) * x)(x)
    seeds = [numpy.cos(i * x) for i in range(WORKERS)]
    expected = [vjp(g) for g in seeds]

    def work(i):
        for _ in range(100):
            assert numpy.array_equal(vjp(seeds[i]), expected[i])

    in_threads(work)


def test_one_tape():
    # Every thread records on the tape that the main thread opened.
    def f(x):
        parts = [0.0] * WORKERS

        def work(i):
            for _ in range(50):
                parts[i] = parts[i] + np.sum(np.sin(x * (i + 1))) * 0.1
                parts[i] = parts[i] + x[0] * (0.5 * i)

        in_threads(work)
        return sum(parts[1:], parts[0])

    x = numpy.array([0.3, -0.7])
    expected = sum(5.0 * (i + 1) * numpy.cos((i + 1) * x) for i in range(WORKERS))
    expected[0] += 25.0 * sum(range(WORKERS))
    numpy.testing.assert_allclose(grad(f)(x), expected, rtol=1e-12)
    assert numpy.allclose(make_jvp(f)(x)(x)[1], expected @ x)


def test_primitives_of_each_thread():
    def work(i):
        for k in range(50):

            @primitive
            def times(x, factor=float(i + k)):
                return factor * x

            defvjp(times, lambda ans, x, factor=float(i + k): lambda g: factor * g)
            assert grad(lambda x: times(x) * x)(1.5) == 2 * 1.5 * (i + k)

    in_threads(work)


def test_one_jitted_function_of_many_shapes():
    shared = jit(value_and_grad(lambda t: np.sum(np.where(t > 0.5, t * t, np.sin(t)))))

    def work(i):
        random = numpy.random.default_rng(i)
        for _ in range(100):
            x = random.random(int(random.integers(1, 6)))
            value, gradient = shared(x)
            numpy.testing.assert_allclose(gradient, numpy.where(x > 0.5, 2 * x, numpy.cos(x)))
            numpy.testing.assert_allclose(value, numpy.where(x > 0.5, x * x, numpy.sin(x)).sum())

    in_threads(work)
    for _ in range(20):
        shared(numpy.array([0.25, 0.75]))
    assert shared.programs


def test_functions_jitted_by_each_thread():
    def work(i):
        own = jit(value_and_grad(lambda t: t * t + i * np.sin(t)))
        for k in range(30):
            t = 0.1 * k
            value, slope = own(t)
            assert value == pytest.approx(t * t + i * numpy.sin(t), abs=1e-14)
            assert slope == pytest.approx(2 * t + i * numpy.cos(t), abs=1e-14)

    in_threads(work)


def test_a_captured_array_that_another_thread_replaces():
    box = {"w": numpy.ones(3)}
    f = jit(grad(lambda x: np.sum(x * box["w"])))
    stop = threading.Event()

    def work(i):
        if i == 0:
            for k in range(300):
                box["w"] = numpy.full(3, float(k % 7))
            stop.set()
        while not stop.is_set():
            g = f(numpy.arange(3.0))
            assert g[0] == g[1] == g[2]
            assert g[0] in range(7)

    in_threads(work, 4)
    assert list(f(numpy.arange(3.0))) == [5.0, 5.0, 5.0]  # 299 % 7


def test_second_derivatives_at_once():
    x = numpy.array([0.2, 0.4, 0.9])
    expected = hessian(smooth)(x)

    def work(i):
        for _ in range(20):
            assert numpy.array_equal(hessian(smooth)(x), expected)

    in_threads(work)


# ---- the interpreter's lock ----------------------------------------------------------------------


def _spd(n):
    a = numpy.random.default_rng(n).normal(size=(n, n))
    return a @ a.T + n * numpy.eye(n)


@pytest.mark.skipif(sys.platform != "linux", reason="how threads share time elsewhere is not known")
@pytest.mark.parametrize(
    ("function", "n"),
    [
        (lambda a: np.sum(np.linalg.cholesky(a)), 1500),
        (lambda a: np.sum(np.linalg.solve(a, a[:, :200])), 1000),
        (lambda a: np.sum(np.linalg.inv(a)), 800),
        (lambda a: np.linalg.slogdet(a)[1], 1000),
        (lambda a: np.sum(np.linalg.eigh(a)[0] ** 2), 500),
        (lambda a: np.sum(np.linalg.svd(a)[1] ** 2), 400),
        (lambda a: np.sum(np.dot(a, a) * np.matmul(a, a)), 1000),
        (lambda a: np.sum(np.sin(a) * np.exp(-a * a) + np.tanh(a) / (1 + a**2)), 1500),
    ],
    ids=["cholesky", "solve", "inv", "slogdet", "eigh", "svd", "products", "elementwise"],
)
def test_another_thread_runs_beside_large_kernels(function, n):
    """Value and gradient take long in a few calls, during which a second thread goes on."""
    a, ticks, done = _spd(n) / n, [], threading.Event()
    gradient = value_and_grad(function)

    def tick():
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    gradient(a)
    beside = threading.Thread(target=tick)
    beside.start()
    try:
        start = time.perf_counter()
        gradient(a)
        end = time.perf_counter()
    finally:
        done.set()
        beside.join()
    # A thread that waits for the lock gets it at the end of a call: then there are about as many
    # ticks as operations, 10 to 20, and the longest pause is a kernel, most of the whole.
    inside = [start, *(one for one in ticks if start < one < end), end]
    longest = max(later - earlier for earlier, later in zip(inside, inside[1:]))
    assert longest < 0.35 * (end - start) or longest < 0.02, (longest, end - start, len(inside))


LIMIT = 4096  # elements of a call, from which on it runs without the lock
KERNELS = {
    "elementwise": np.tanh,
    "of two arrays": lambda x: x * x[::-1].copy(),
    "power": lambda x: x**1.5,
    "sum": np.sum,
    "max": np.max,
    "cumsum": np.cumsum,
    "prod": np.prod,
    "where": lambda x: np.where(x > 0.5, x, 2 * x),
    "places": lambda x: x[numpy.arange(x.size)[::-1]],
    "mask": lambda x: x[numpy.ones(x.size, bool)],
    "part": lambda x: x[::-1],
    "sort": np.sort,
    "partition": lambda x: np.partition(x, 5),
    "interp": lambda x: np.interp(x, [0.0, 0.5, 1.0], [1.0, 3.0, 2.0]),
    "copy": np.copy,
    "astype": lambda x: x.astype("float32"),
    "joined": lambda x: np.concatenate([x, x]),
    "stacked": lambda x: np.stack([x, x]),
    "dot": lambda x: np.dot(x, x),
    "matmul": lambda x: x.reshape(64, -1) @ x.reshape(-1, 64),
    "solve": lambda x: np.linalg.solve(x[:1024].reshape(32, 32) + 40 * numpy.eye(32), x[:32]),
}
VIEW = ("part", "value")  # no work at all


@pytest.mark.skipif(sys.platform != "linux", reason="how threads share time elsewhere is not known")
@pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="there is no lock to give up"
)
@pytest.mark.parametrize(
    ("name", "part"),
    [(name, part) for name in KERNELS for part in ("value", "sweep") if (name, part) != VIEW],
)
def test_another_thread_goes_on_beside_kernels_of_a_few_thousand_elements(name, part):
    """No thread is made to give up the lock: the second one gets it if a kernel lets it go."""
    x = numpy.random.default_rng(0).random(LIMIT) + 0.01
    vjp, value = make_vjp(KERNELS[name])(x)
    seed = numpy.ones_like(value)[()]
    run = (lambda: make_vjp(KERNELS[name])(x)) if part == "value" else (lambda: vjp(seed))
    ticks, done = [0], threading.Event()

    def tick():
        while not done.is_set():
            ticks[0] += 1
            time.sleep(0)

    before = sys.getswitchinterval()
    beside = threading.Thread(target=tick)
    beside.start()
    try:
        sys.setswitchinterval(1000.0)
        started, end = ticks[0], time.perf_counter() + 20.0
        while ticks[0] < started + 5 and time.perf_counter() < end:
            run()
        assert ticks[0] >= started + 5
    finally:
        sys.setswitchinterval(before)
        done.set()
        beside.join()
