"""Groups of elementwise instructions: derivatives, twins, reductions over parts, threads."""

import contextlib
import os
import re
import sys
import threading

import numpy
import pytest

import fastad.numpy as np
from fastad import get_num_threads, jit, make_jvp, set_num_threads, value_and_grad
from fastad._core import Recording, Signature

random = numpy.random.default_rng(3)


def leaves(x):
    return [leaf for item in x for leaf in leaves(item)] if isinstance(x, (list, tuple)) else [x]


def recorded(function, *args):
    """Return the replay of a recording of the function at these arguments."""
    signature = Signature(args, {})
    with Recording() as recording:
        boxed, named = signature.rebuild([recording.box(x) for x in signature.leaves(args, {})])
        out = function(*boxed, **named)
        assert recording.dead is None, recording.dead
        program = recording.finish(leaves(out))
    return program, lambda *at: program.run(signature.leaves(at, {}))


def same(function, *calls, tolerance=1e-13):
    """Compare replays with the function itself; return the program."""
    program, replay = recorded(function, *calls[0])
    for args in calls:
        got = replay(*args)
        assert isinstance(got, list), got
        for a, b in zip(got, leaves(function(*args)), strict=True):
            assert type(a) is type(b)
            assert getattr(a, "dtype", None) == getattr(b, "dtype", None)
            assert numpy.shape(a) == numpy.shape(b)
            scale = max(1.0, numpy.max(numpy.abs(b), initial=0.0))
            limit = tolerance if getattr(b, "dtype", None) != numpy.float32 else 2e-6
            assert numpy.max(numpy.abs(numpy.subtract(a, b)), initial=0.0) <= limit * scale
    return program


@contextlib.contextmanager
def threads(count):
    before = get_num_threads()
    set_num_threads(count)
    try:
        yield
    finally:
        set_num_threads(before)


# ---- derivatives in one loop

ONE = {
    "absolute": None, "exp2": None, "expm1": None, "log": (0.1, 9), "log2": (0.1, 9),
    "log10": (0.1, 9), "log1p": (-0.9, 9), "tan": None, "arcsin": (-0.99, 0.99),
    "arccos": (-0.99, 0.99), "arctan": None, "tanh": (-400, 400), "arcsinh": None,
    "arccosh": (1.1, 9), "arctanh": (-0.99, 0.99), "sqrt": (0.1, 9), "cbrt": (0.1, 9),
    "square": None, "reciprocal": (0.1, 9),
}  # fmt: skip
TWO = [
    "divide",
    "arctan2",
    "hypot",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "logaddexp",
    "logaddexp2",
]


@pytest.mark.parametrize("dtype", [numpy.float64, numpy.float32])
@pytest.mark.parametrize("name", ONE)
def test_terms_of_one_operand(name, dtype):
    low, high = ONE[name] or (-2.5, 2.5)
    if dtype == numpy.float32:
        low, high = max(low, -20), min(high, 20)
    function = getattr(np, name)
    draws = [random.uniform(low, high, (7, 33)).astype(dtype) for _ in range(2)]
    gradient = value_and_grad(lambda x, w: np.sum(w * function(x)))
    weights = numpy.linspace(-1, 2, 7 * 33).reshape(7, 33).astype(dtype)
    program = same(gradient, *[(x, weights) for x in draws])
    assert f"{name}'(" in str(program)
    same(lambda x: make_jvp(function)(x)(weights), *[(x,) for x in draws])


@pytest.mark.parametrize("name", TWO)
def test_terms_of_two_operands(name):
    function = getattr(np, name)
    gradient = value_and_grad(lambda x, y: np.sum(np.sin(function(x, y))), argnum=(0, 1))
    shapes = [((6, 5), (6, 5)), ((6, 5), (5,)), ((6, 1), (6, 5)), ((6, 5), ()), ((), (6, 5))]
    for a, b in shapes:
        draw = lambda: (random.uniform(0.5, 3, a), random.uniform(0.5, 3, b))
        same(gradient, draw(), draw(), tolerance=1e-12)
    ties = numpy.array([1.0, 2.0, 3.0])
    same(gradient, (ties, ties + [0.0, 1.0, -1.0]), (ties, ties.copy()))
    for number in (2.0, 4.0, -0.25):  # a power of two divides by a product
        if number > 0 or name != "logaddexp":
            same(value_and_grad(lambda x: np.sum(function(x, number))), (ties,), (ties * 1.5,))


def test_a_term_is_not_taken_where_the_derivative_is_smaller():
    x, y = random.uniform(1, 2, (40, 30)), random.uniform(1, 2, (40, 1))
    assert "divide'" not in str(same(value_and_grad(lambda x: np.sum(x / y)), (x,), (x + 1,)))
    assert "divide'" not in str(same(value_and_grad(lambda x: np.sum(x / 3.0)), (x,), (x + 1,)))


def test_terms_know_infinity_and_nan():
    @jit
    @value_and_grad
    def f(x):
        return np.sum(np.maximum(np.tanh(x) * x, np.log(x)))

    x = numpy.linspace(0.5, 2.0, 600)
    for _ in range(5):
        f(x)
    assert f.programs
    for bad in (numpy.nan, numpy.inf, 0.0, -0.0):
        y = x.copy()
        y[17] = bad
        with numpy.errstate(all="ignore"):
            plain = value_and_grad(lambda x: np.sum(np.maximum(np.tanh(x) * x, np.log(x))))(y)
            got = f(y)
        numpy.testing.assert_array_equal(got[0], plain[0])
        numpy.testing.assert_allclose(got[1], plain[1], rtol=1e-13)


# ---- a value beside its derivative, or beside its twin


def test_sine_and_cosine_are_one_instruction():
    def f(x):
        return np.sum(np.sin(x) ** 2 * np.cos(x)) + np.sum(np.cos(3 * x)), np.sin(x), np.cos(x)

    calls = [(random.uniform(-9, 9, 1300),), (random.uniform(-9, 9, 1300),)]
    huge = calls[1][0].copy()
    huge[[3, 1200]] = 3e7, -1e300  # beyond what the loops reduce
    program = same(f, *calls, (huge,))
    text = str(program)
    assert text.count("sin and derivative(") == 1
    assert len(re.findall("(?m)^    .* = cos\\(", text)) == 1  # of 3 x, which has no sine
    same(value_and_grad(lambda x: np.sum(np.sin(x))), *calls, (huge,))


def test_tanh_keeps_its_slope():
    def f(x, y):
        h = np.tanh(x)
        return np.sum(h * y) + np.sum(h**3) + np.sum(np.tanh(h))

    draws = [random.uniform(-30, 30, (2, 9, 80)) for _ in range(2)]
    edge = numpy.zeros((2, 9, 80))
    edge[0, :, :7] = [0.0, -0.0, 1e-300, 5e-324, 19.0, -360.0, 0.5625]
    program = same(value_and_grad(f, argnum=(0, 1)), *[tuple(x) for x in (*draws, edge)])
    text = str(program)
    assert text.count("tanh and derivative(") == 2
    assert "tanh'(" not in text.split("group:", 1)[1]


# ---- blocks


SHAPES = [
    (1,), (5,), (511,), (513,), (1000,), (1025,), (3, 1), (40, 7), (7, 1030), (13, 5, 11),
    (2, 3, 4, 5), (600, 2), (2, 600),
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_reductions_of_any_shape(shape):
    def f(x, y):
        z = x * y + np.sin(x)
        parts = [np.sum(z), np.max(z), np.mean(z * z), np.min(x - y)]
        for axis in range(x.ndim):
            parts += [np.sum(z, axis=axis), np.max(x * y, axis=axis), np.mean(z, axis=axis)]
        if x.ndim > 2:
            parts += [np.sum(z, axis=(0, 2)), np.min(x + y, axis=(0, 2))]
        return parts

    same(f, *[(random.normal(size=shape), random.normal(size=shape)) for _ in range(2)])


def test_what_is_cheap_is_computed_again():
    def f(x, w):
        m = np.max(x)
        y, mask = w * (x - m), x == m
        s = np.sum(y * y)  # what follows reads y and the mask in a later step
        return np.sum(y / s + mask), np.where(mask, s * y, -y)

    draws = [(random.normal(size=9000), random.normal(size=9000)) for _ in range(2)]
    text = str(same(f, *draws))
    assert text.count("multiply(") >= 4 and "store" not in text
    matrix = [(random.normal(size=(100, 90)), random.normal(size=(100, 1))) for _ in range(2)]
    same(f, *matrix)
    bad = draws[0][0].copy()
    bad[7] = numpy.nan
    _, replay = recorded(f, *draws[0])
    assert replay(bad, draws[0][1]) == -1


def test_truths_as_whole_numbers():
    def f(x, mask):
        one = 1 - mask
        return np.sum(one * x), one + mask, np.sum((one - 1) * x * mask), x * (2 + (x > 0) + mask)

    draws = [(random.normal(size=(5, 7)), random.normal(size=(5, 7)) > 0) for _ in range(2)]
    assert "0 host calls" in str(same(f, *draws))
    negative = lambda x, mask: x * (mask * -1)  # -0 is no integer
    _, replay = recorded(negative, *draws[0])
    (got,) = replay(*draws[1])
    numpy.testing.assert_array_equal(numpy.signbit(got), numpy.signbit(negative(*draws[1])))


# ---- sums of products

EINSUMS = [
    ("ij,jk->ik", (3, 4), (4, 5)), ("ij,jk->ki", (30, 40), (40, 50)),
    ("ij,kj->ik", (7, 9), (11, 9)), ("kij,nkj->nki", (5, 2, 2), (100, 5, 2)),
    ("nki,nkj->kij", (100, 5, 2), (100, 5, 2)), ("fij,bhwij->bfhw", (4, 5, 5), (2, 6, 7, 5, 5)),
    ("bfhw,bhwij->fij", (2, 4, 6, 7), (2, 6, 7, 5, 5)), ("bij,bjk->bik", (6, 20, 30), (6, 30, 25)),
    ("i,j->ij", (7,), (9,)), ("i,j->ji", (70,), (90,)), ("i,i->i", (8,), (8,)),
    ("ij,ij->j", (5, 6), (5, 6)), ("ij,ij->i", (50, 60), (50, 60)),
    ("abc,cd->abd", (3, 4, 50), (50, 20)), ("abc,bd->adc", (3, 40, 5), (40, 20)),
    ("i,->i", (5,), ()),
]  # fmt: skip


@pytest.mark.parametrize(("subscripts", "a", "b"), EINSUMS)
def test_einsum(subscripts, a, b):
    def f(x, y):
        return np.sin(np.einsum(subscripts, x, y))

    draws = [(random.normal(size=a), random.normal(size=b)) for _ in range(2)]
    program = same(f, *draws)
    if b:
        assert "0 host calls" in str(program)
        assert "contraction:" in str(program)
    weights = numpy.cos(numpy.arange(f(*draws[0]).size)).reshape(f(*draws[0]).shape)
    same(value_and_grad(lambda x, y: np.sum(weights * f(x, y)), argnum=(0, 1)), *draws)
    flipped = [(x[..., ::-1], y.T.copy().T) for x, y in draws]
    same(f, *flipped)


def test_einsums_that_are_calls():
    x, y = random.normal(size=(4, 4)), random.normal(size=(1, 4))
    for subscripts in ("ii,ij->ij", "ij,kj->k"):
        same(lambda x, y: np.einsum(subscripts, x, y), (x, x.copy()), (y.T * x, x + 1))
    same(lambda x, y: np.einsum("ij,ij->ij", x, y), (x, y), (x + 1, y))
    bad = numpy.full((4, 4), numpy.nan)
    _, replay = recorded(lambda x, y: np.einsum("ij,jk->ik", x, y), x, x.copy())
    assert replay(bad, x) == -1


# ---- parts and threads


def large(x, y):
    """Reduce in each way that parts know of."""
    z = np.tanh(x) * y + np.sin(x) * np.exp(-x * x)
    return (
        np.sum(z), np.max(z), np.min(z * y), np.mean(z), np.sum(z, axis=0), np.max(z, axis=0),
        np.sum(z, axis=1), np.max(z, axis=1), z,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", [numpy.float64, numpy.float32])
@pytest.mark.parametrize("shape", [(2500, 100), (100, 2500), (250000, 1), (1, 131072), (30011, 7)])
def test_results_do_not_depend_on_threads(shape, dtype):
    x, y = (random.normal(size=shape).astype(dtype) for _ in range(2))
    program, replay = recorded(large, x, y)
    assert (" parts" in str(program)) == (max(shape) <= 100000)  # sums of nothing are not cut
    with threads(1):
        one = replay(x, y)
    for a, b in zip(one, large(x, y), strict=True):
        numpy.testing.assert_allclose(a, b, rtol=1e-12 if dtype == numpy.float64 else 3e-5,
                                      atol=1e-10 if dtype == numpy.float64 else 2e-3)  # fmt: skip
    for count in (2, 3, 8):
        with threads(count):
            for _ in range(3):
                for a, b in zip(replay(x, y), one, strict=True):
                    numpy.testing.assert_array_equal(a, b)


def test_middle_axes_in_parts():
    def f(x):
        return np.sum(np.exp(x), axis=1), np.max(x * x, axis=(0, 2)), np.sum(x * x, axis=(0, 2))

    x = random.normal(size=(60, 50, 90))
    _, replay = recorded(f, x)
    with threads(1):
        one = replay(x)
    for a, b in zip(one, f(x), strict=True):
        numpy.testing.assert_allclose(a, b, rtol=1e-12)
    with threads(4):
        for a, b in zip(replay(x), one, strict=True):
            numpy.testing.assert_array_equal(a, b)


def test_a_nan_in_any_part_is_found():
    x = random.uniform(0.5, 1, 300000)
    _, replay = recorded(lambda x: np.exp(np.sqrt(x)) * np.log(x), x)
    for count in (1, 3):
        with threads(count):
            assert isinstance(replay(x), list)
            for place in (0, 150001, 299999):
                y = x.copy()
                y[place] = -1.0
                assert replay(y) == -1


def test_threads_of_python_beside_threads_of_programs():
    x = random.normal(size=200000)
    gradient = jit(value_and_grad(lambda x: np.sum(np.sin(x) * np.exp(-x * x))), check="off")
    for i in range(6):
        gradient(x * (1 + i / 64))
    expected = [gradient(x * (1 + i / 16)) for i in range(4)]
    wrong = []

    def work(i):
        for _ in range(15):
            value, slope = gradient(x * (1 + i / 16))
            if value != expected[i][0] or not numpy.array_equal(slope, expected[i][1]):
                wrong.append(i)

    with threads(2):
        workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_has_threads_of_its_own():
    x = random.normal(size=200000)
    _, replay = recorded(lambda x: np.sum(np.sin(x) * np.exp(-x * x)), x)
    with threads(3):
        expected = replay(x)[0]
        child = os.fork()
        if child == 0:
            os._exit(0 if replay(x)[0] == expected else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert replay(x)[0] == expected


def test_how_many_threads():
    assert get_num_threads() >= 1
    for wrong in (0, -1, 257):
        with pytest.raises(ValueError, match="set_num_threads: count must be from 1 to 256"):
            set_num_threads(wrong)
    with pytest.raises(TypeError):
        set_num_threads(1.5)


@pytest.mark.parametrize(("text", "count"), [("3", 3), ("0", 1), ("many", 1), ("", 1)])
def test_the_environment_says_how_many(text, count):
    import subprocess

    program = "import fastad; print(fastad.get_num_threads())"
    environment = {**os.environ, "FASTAD_NUM_THREADS": text}
    out = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert int(out.stdout) == count
