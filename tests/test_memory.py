"""Memory: no growth, no cycles, tapes freed in time, few bytes for each operation, long sweeps."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import subprocess
import sys
import textwrap
import time
import tracemalloc
import weakref

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import (
    _core,
    checkpoint,
    elementwise_grad,
    getval,
    grad,
    hessian,
    jacobian,
    make_jvp,
    make_vjp,
    value_and_grad,
)
from fastad.extend import defvjp, primitive

X = onp.linspace(0.1, 0.9, 50)
pytestmark = pytest.mark.filterwarnings("ignore:Output seems independent")


def resident() -> int:
    """Bytes of the process that are in memory now, without what the C library keeps for later."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def scalar_program(x):
    for _ in range(5):
        x = np.tanh(x) * x + np.exp(-x) / (x + 2.0)
    return x


def array_program(x):
    y = np.sin(x) * x[::-1] + np.dot(x, x) + x[3]
    return np.sum(np.where(y > 0, y, -y) ** 2) + np.mean(np.concatenate([x, y]))


@primitive
def scaled(x):
    return 2.0 * x


defvjp(scaled, lambda ans, x: lambda g: 2.0 * g)


def container_program(parameters):
    return np.sum(scaled(parameters["w"]) * parameters["b"][0]) + parameters["b"][1]


PROGRAMS = {
    "scalar": (grad(scalar_program), 0.5),
    "array": (grad(array_program), X),
    "value": (value_and_grad(array_program), X),
    "elementwise": (elementwise_grad(lambda x: np.tanh(x) * x), X),
    "second order": (grad(lambda x: np.sum(grad(array_program)(x))), X),
    "forward": (lambda x: make_jvp(array_program)(x)(x), X),
    "forward over reverse": (lambda x: make_jvp(grad(array_program))(x)(x), X),
    "jacobian": (jacobian(lambda x: np.sin(x[:4]) * x[0]), X),
    "container": (grad(container_program), {"w": X, "b": (1.5, 2.5)}),
    "vjp": (lambda x: make_vjp(array_program)(x)[0](1.0), X),
    "checkpoint": (grad(lambda x: np.sum(checkpoint(np.sin)(x))), X),
    "no dependence": (lambda x: make_vjp(lambda x: 1.0)(x)[0](1.0), X),
    "plain numpy": (grad(lambda x: onp.sum(onp.sin(x) * x)), X),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients_leave_nothing_behind(name):
    """The number of live objects and blocks is nearly the same after 350 calls and after 650.

    Nearly: CPython's own caches (of attribute names) fill up slowly, by less than a block a call.
    """
    function, x = PROGRAMS[name]
    counts = []
    for calls in (50, 300, 300):
        for _ in range(calls):
            function(x)
        gc.collect()
        counts.append((len(gc.get_objects()), sys.getallocatedblocks()))
    (objects, blocks), (last_objects, last_blocks) = counts[1:]
    assert last_objects - objects < 20
    assert last_blocks - blocks < 150


def test_no_growth_over_ten_thousand_gradients():
    programs = [PROGRAMS[name] for name in ("scalar", "array", "container", "plain numpy")]

    def run(times):
        for _ in range(times):
            for function, x in programs:
                function(x)

    run(200)
    gc.collect()
    tracemalloc.start()
    run(50)
    first, before = tracemalloc.get_traced_memory()[0], resident()
    # Traced for a part only: tracemalloc slows every allocation.
    run(450)
    last = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    run(2000)
    assert last - first < 20_000
    assert resident() - before < 4_000_000


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_cycles(name):
    """Reference counts alone free a trace: nothing is left to the garbage collector."""
    function, x = PROGRAMS[name]
    function(x)
    gc.collect()
    gc.disable()
    try:
        function(x)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        kinds = [type(found).__name__ for found in gc.garbage]
        arrays = [found for found in gc.garbage if isinstance(found, onp.ndarray | _core.Box)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not arrays
    assert not any("Box" in kind or "Tape" in kind or "ndarray" in kind for kind in kinds), kinds


def test_arrays_are_released_when_the_operator_returns():
    captured = []

    def f(x):
        constant = onp.full(1000, 2.0)
        captured.append(weakref.ref(constant))
        middle = np.exp(x * constant)
        captured.append(weakref.ref(getval(middle)))
        return np.sum(middle * constant)

    grad(f)(onp.ones(1000))
    assert [reference() for reference in captured] == [None, None]


def test_the_argument_is_not_kept():
    x = onp.ones(1000)
    before = sys.getrefcount(x)
    for function in (grad(np.sum), hessian(lambda x: np.sum(x[:3] ** 3)), grad(array_program)):
        function(x)
        assert sys.getrefcount(x) == before
    sweep, _ = make_vjp(lambda x: np.sum(x * x))(x)
    assert sys.getrefcount(x) > before
    sweep(1.0)
    del sweep
    assert sys.getrefcount(x) == before


def test_a_tape_dies_with_its_vjp_function():
    captured = []

    def f(x):
        constant = onp.full(1000, 2.0)
        captured.append(weakref.ref(constant))
        return np.sum(np.exp(x * constant))

    sweep, _ = make_vjp(f)(onp.ones(1000))
    first = sweep(1.0)
    assert captured[0]() is not None
    onp.testing.assert_array_equal(sweep(1.0), first)
    del sweep
    assert captured[0]() is None


def test_results_do_not_keep_the_trace():
    captured = []

    def f(x):
        constant = onp.full(1000, 2.0)
        captured.append(weakref.ref(constant))
        return np.sum(x * constant) ** 2

    results = [value_and_grad(f)(onp.ones(1000)), make_vjp(f)(onp.ones(1000))[1]]
    assert [reference() for reference in captured] == [None, None]
    del results


def test_a_box_that_escapes_does_not_keep_the_tape():
    kept, captured = [], []

    def f(x):
        constant = onp.full(1000, 2.0)
        captured.append(weakref.ref(constant))
        kept.append(x)
        kept.append(np.sum(x))
        return np.sum(np.exp(x * constant))

    grad(f)(onp.ones(1000))
    assert captured[0]() is None
    assert len(kept) == 2


@pytest.mark.parametrize("where", ["trace", "sweep", "rule"])
def test_an_exception_leaves_nothing_alive(where):
    captured = []

    @primitive
    def failing(x):
        if where == "trace":
            raise KeyboardInterrupt
        return x * 1.0

    def maker(ans, x):
        if where == "rule":
            raise KeyboardInterrupt

        def vjp(g):
            raise KeyboardInterrupt

        return vjp

    defvjp(failing, maker)

    def f(x):
        constant = onp.full(1000, 2.0)
        captured.append(weakref.ref(constant))
        middle = np.exp(x * constant)
        captured.append(weakref.ref(getval(middle)))
        return np.sum(failing(middle) * constant)

    for operator in (grad, lambda f: grad(lambda x: np.sum(grad(f)(x)))):
        captured.clear()
        with pytest.raises(KeyboardInterrupt) as info:
            operator(f)(onp.ones(1000))
        # The traceback holds the frames, and they their variables.
        del info
        gc.collect()
        assert captured and all(reference() is None for reference in captured)
    # Whatever happened, the next gradient is right.
    assert grad(lambda x: x * x)(3.0) == 6.0


def test_a_generator_that_never_ends_its_trace():
    def f(x):
        yield np.sum(x * x)

    with _core.Tape() as tape:
        next(f(tape.box(onp.ones(3))))
    with pytest.raises(RuntimeError):
        tape.sweep([], [], [])


# ---- bytes ---------------------------------------------------------------------------------------


def test_a_scalar_operation_takes_at_most_forty_bytes():
    with _core.Tape() as tape:
        x = tape.box(0.5)
        y = x
        for _ in range(50_000):
            y = y * x + 1.0
            y = np.sin(y)
        assert len(tape) >= 150_000
        assert tape.nbytes / len(tape) <= 40
        assert tape.sweep([y], [1.0], [x])[0] != 0.0


def test_a_scalar_trace_makes_no_python_objects():
    with _core.Tape() as tape:
        x = tape.box(0.5)
        y = x
        for _ in range(1000):
            y = y * x
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(10_000):
            y = y * x
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
    assert grown < 2000


def test_only_what_a_rule_reads_is_kept():
    n = 100_000
    for function, kept in (
        (lambda x: x + x, 0),
        (lambda x: -x, 0),
        (lambda x: np.sum(x), 0),
        (lambda x: np.reshape(x, (10, -1)), 0),
        (lambda x: x[::2], 0),
        (lambda x: np.concatenate([x, x]), 0),
        (lambda x: np.exp(x), 1),
        (lambda x: np.tanh(x), 1),
    ):
        with _core.Tape() as tape:
            x = tape.box(onp.ones(n))
            tracemalloc.start()
            for _ in range(10):
                function(x)
            held = tracemalloc.get_traced_memory()[0]
            tracemalloc.stop()
        assert held < (10 * kept + 0.5) * 8 * n


def chain(np, x):
    for _ in range(4):
        x = np.tanh(np.sin(x) * 2.0 + np.exp(-x))
    return np.sum(x)


def peak_of(function, x) -> int:
    function(x[:10])
    gc.collect()
    tracemalloc.start()
    function(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_peak_memory_of_elementwise_chains():
    import autograd
    import autograd.numpy as anp

    x = onp.linspace(0.1, 0.9, 200_000)
    ours = peak_of(grad(lambda x: chain(np, x)), x)
    theirs = peak_of(autograd.grad(lambda x: chain(anp, x)), x)
    print(f"peak of a chain on {x.nbytes} bytes: fastad {ours}, autograd {theirs}")
    # tanh keeps its argument beside its result, for its slope far out (5 arrays a turn for 7).
    assert ours < 0.9 * theirs


def test_memory_of_a_chain_is_seen_by_tracemalloc():
    """Pooled buffers too: else the comparison above would compare nothing."""
    x = onp.ones(200_000)
    peak = peak_of(grad(lambda x: np.sum(np.exp(np.exp(x)))), x)
    assert peak >= 2 * x.nbytes


def test_pools_give_memory_back_or_keep_a_bounded_amount():
    function = grad(lambda x: np.sum(np.exp(np.sin(x)) * x))
    function(onp.ones(1000))
    gc.collect()
    before = resident()
    for n in range(1_000_000, 3_000_000, 200_000):
        function(onp.ones(n))
    gc.collect()
    assert resident() - before < 300_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="counts the page faults of Linux")
@pytest.mark.parametrize(
    "program",
    [
        "np.sum(np.sin(x) * np.exp(-x * x) + np.tanh(x) / (1 + x**2))",
        "np.log(np.sum(np.exp(x - np.max(x)))) + np.max(x)",
        "np.sum(np.where(x > 0.1, x * x, np.exp(x)) * np.maximum(x, 0.1))",
        "np.sum(np.sum(np.exp(x.reshape((-1, 1, 50)) - x[:250].reshape((5, 50))), axis=2) ** 2)",
        "np.sum(np.tanh(np.dot(x.reshape((-1, 100)), x[:10_000].reshape((100, 100)))) ** 2)",
        "np.sum(np.matmul(x.reshape((-1, 10, 10)), x[:100].reshape((10, 10)))[:, 0] ** 2)",
        "np.sum(x * np.concatenate([x[5000:], x[:5000]]))",
        "np.sum(np.einsum('ij,kj->ik', x.reshape((2000, 50)), x[:2500].reshape((50, 50))) ** 2)",
        "sum(np.sum(np.sin(x[k : k + 50] * x[k])) for k in range(4000))",
        "sum(np.sum(np.sin(x[k : k + 900] * 2.0) * x[k]) for k in range(1000))",
        "np.sum(np.sum(x.reshape((4, -1)) ** 2, axis=0) ** 2)",
        "np.sum(np.clip(np.max(x.reshape((4, -1)), axis=0), 0.1, 0.7) ** 2)",
        "np.sum((x.reshape((100, -1)).T * x[:100] - 1) ** 2)",
        "np.sum(x.reshape((400, -1)).T.reshape((50, -1)) ** 2 * x[:2000])",
        "np.sum(np.einsum('ij,kj->ik', x.reshape((-1, 100)), x[:5000].reshape((50, 100))) ** 2)",
    ],
)
def test_memory_is_touched_once(program):
    """After two gradients of a new process none takes a page from the system."""
    code = f"""
        import resource
        import numpy as onp
        import fastad.numpy as np
        from fastad import grad

        function = grad(lambda x: {program})
        x = onp.linspace(0.0, 1.0, 100_000)
        for turn in range(8):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            function(x)
            faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
            if turn > 3:
                print(faults)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    # An array of this size is 196 pages; some may be of the interpreter's own last arena.
    assert min(map(int, done.stdout.split())) <= 20, done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="counts the page faults of Linux")
def test_the_lists_of_a_sweep_are_recycled():
    """Of a long tape of numbers: with the second gradient of a new process all memory is known."""
    code = """
        import functools, resource
        import numpy as onp
        from fastad import grad
        total = lambda x: functools.reduce(lambda s, k: s * 0.999 + k, range(150_000), x[0])
        function = grad(lambda x: total(x) + (x * x).sum())
        x = onp.linspace(0.0, 1.0, 100_000)
        function(x)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        function(x)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) <= 50, done.stdout  # a word an entry is 585 pages


def test_traces_after_longer_and_shorter_ones():
    """Their lists are made as long as those of the trace before."""

    def powers(count):
        def f(x):
            y = x
            for _ in range(count):
                y = y * 0.999 + np.sin(x)
            return np.sum(y)

        return grad(f)

    x = onp.array([0.3, -0.7])
    for count in (3, 30_000, 2, 40_000, 30_000, 0, 50_000):
        ratio = 0.999**count
        expected = ratio + onp.cos(x) * (1 - ratio) / (1 - 0.999)
        onp.testing.assert_allclose(powers(count)(x), expected, rtol=1e-9)
        inner = grad(lambda x: np.sum(powers(5)(x) ** 2))  # a tape beside that of another length
        onp.testing.assert_allclose(inner(x), inner(x.copy()), rtol=0)


# ---- length --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_ten_million_scalar_operations():
    """Recorded and swept without recursion, in the memory that the bytes of each foretell."""
    n = 5_000_000
    with _core.Tape() as tape:
        x = tape.box(1e-7)
        y = tape.box(1.0)
        z = 0.0 * y + 1.0
        for _ in range(n):
            z = z * y + x
        assert len(tape) >= 2 * n
        assert tape.nbytes <= 40 * len(tape)
        dx, dy = tape.sweep([z], [1.0], [x, y])
    assert dx == n
    onp.testing.assert_allclose(dy, n + 1e-7 * n * (n - 1) / 2, rtol=1e-9)


def test_a_deep_chain_of_arrays():
    def f(x):
        for _ in range(20_000):
            x = x * 1.0001
        return np.sum(x)

    onp.testing.assert_allclose(grad(f)(onp.ones(2)), onp.full(2, 1.0001**20_000), rtol=1e-9)


def test_a_deep_chain_at_order_two():
    def f(x):
        y = x
        for _ in range(20_000):
            y = y * 1.0001
        return y * y

    factor = 1.0001**20_000
    onp.testing.assert_allclose(grad(grad(f))(1.0), 2 * factor**2, rtol=1e-9)


# ---- Ctrl-C --------------------------------------------------------------------------------------


def time_of(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def share_until_interrupted(sweep) -> float:
    """The share of a sweep's time that passes until a signal at a fifth of it stops it.

    The signal comes from a timer, not from a thread, which would wait for the interpreter's lock.
    """

    def interrupt(signum, frame):
        raise KeyboardInterrupt

    whole = min(time_of(sweep) for _ in range(2))
    taken = []
    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        # Again if the machine was busy with something else: unnoticed signals never come early.
        while len(taken) < 5 and (not taken or taken[-1] > 0.7 * whole):
            start = time.perf_counter()
            signal.setitimer(signal.ITIMER_REAL, whole / 5)
            with pytest.raises(KeyboardInterrupt):
                sweep()
                time.sleep(1.0)
            taken.append(time.perf_counter() - start)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, previous)
    print(f"a sweep of {whole:.3f} s was interrupted after {min(taken):.3f} s")
    return min(taken) / whole


def scalar_tape(tape, n):
    x = tape.box(0.5)
    y = x
    for _ in range(n):
        y = y + x
    return x, y


def test_interrupt_is_noticed_in_a_sweep_of_numbers():
    with _core.Tape() as tape:
        x, y = scalar_tape(tape, 6_000_000)
        assert share_until_interrupted(lambda: tape.sweep([y], [1.0], [x])) < 0.7
        assert tape.sweep([y], [1.0], [x])[0] == 6_000_001.0


def test_interrupt_is_noticed_in_a_sweep_of_traced_numbers():
    with _core.Tape() as outer, _core.Tape() as tape:
        x, y = scalar_tape(tape, 400_000)
        g = outer.box(1.0)
        assert share_until_interrupted(lambda: tape.sweep([y], [g], [x])) < 0.7


def test_interrupt_is_noticed_in_a_sweep_of_arrays():
    with _core.Tape() as tape:
        x = tape.box(onp.ones(200_000))
        y = x
        for _ in range(300):
            y = y + np.sin(x)
        g = onp.ones(200_000)
        assert share_until_interrupted(lambda: tape.sweep([y], [g], [x])) < 0.7
        expected = 1.0 + 300 * onp.cos(1.0)
        onp.testing.assert_allclose(tape.sweep([y], [g], [x])[0], expected, rtol=1e-12)


def test_interrupt_inside_a_rule_passes():
    @primitive
    def slow(x):
        return x * 1.0

    def vjp(g):
        signal.raise_signal(signal.SIGINT)
        return g

    defvjp(slow, lambda ans, x: vjp)
    # A shell starts a job in the background with SIGINT ignored.
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            grad(lambda x: slow(x))(1.0)
    finally:
        signal.signal(signal.SIGINT, previous)
    assert grad(lambda x: x * x)(2.0) == 4.0


def test_leaving_the_interpreter_with_open_tapes():
    """Boxes and tapes that are alive at exit do not crash the interpreter."""
    program = """
    import numpy
    import fastad.numpy as np
    from fastad import _core, make_vjp
    tape = _core.Tape()
    box = tape.box(numpy.ones(3))
    kept = [np.sin(box) * box, box[0] * 2.0]
    sweep, value = make_vjp(lambda x: np.sum(np.exp(x)))(numpy.ones(5))
    np.kept = kept
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
