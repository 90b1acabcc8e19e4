"""What a call of a replay does around the program: fast ways give what the slow ones give."""

import math
import random
import threading

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import jit, make_jvp, value_and_grad


def leaves(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


def same(a, b):
    return type(a) is type(b) and onp.asarray(a).tobytes() == onp.asarray(b).tobytes()


def polynomial(x, y, z):
    return x * y + np.sin(z) * x - y / z


def of_list(xs):
    total = 0.0
    for i, x in enumerate(xs):
        total = total + (i + 1) * x * x
    return total


def of_rows(rows):
    return rows[0][0] * rows[1][1] - rows[0][1] * rows[1][0] + np.exp(rows[0][0])


def branching(x):
    return x * x if x > 0 else -x


# Function, and arguments that differ with i. Programs of numbers are run without values around them
# unless they have very many inputs or results.
NUMBERS = {
    "floats": (value_and_grad(polynomial, (0, 1, 2)), lambda i: (0.5 + i, 2.0 - i, 3.0 + i)),
    "scalars": (
        value_and_grad(polynomial, (0, 1, 2)),
        lambda i: (onp.float64(0.5 + i), 2.0 - i, onp.float64(3.0 + i)),
    ),
    "list": (value_and_grad(of_list), lambda i: ([0.1 * k + i for k in range(20)],)),
    "long list": (value_and_grad(of_list), lambda i: ([0.1 * k + i for k in range(300)],)),
    "rows": (value_and_grad(of_rows), lambda i: ([[0.1 + i, 0.2], [0.3, onp.float64(0.4)]],)),
    "dict": (
        value_and_grad(lambda d: d["a"] * d["b"][0] * d["b"][1]),
        lambda i: ({"a": 1.0 + i, "b": (2.0, 3.0)},),
    ),
    "one result": (lambda x: np.sin(x) * x, lambda i: (0.5 + i,)),
    "the argument": (lambda x: (x, np.sin(x)), lambda i: (0.5 + i,)),
    "twice": (lambda x: [np.exp(x)] * 2, lambda i: (0.5 + i,)),
    "branch": (value_and_grad(branching), lambda i: ((-1.0) ** i * (0.5 + i),)),
    "tangent": (
        lambda x, v: make_jvp(lambda y: np.sin(y) * y)(x)(v),
        lambda i: (0.5 + i, 1.0 - i),
    ),
    "float32": (value_and_grad(lambda x: x * x), lambda i: (onp.float32(0.5 + i),)),
    "int": (value_and_grad(lambda x, n: x**n), lambda i: (0.5 + i, 3)),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_call_gives_what_the_program_gives_run_the_slow_way(name):
    function, arguments = NUMBERS[name]
    fast = jit(function, check="off")
    for i in range(10):
        fast(*arguments(i))
    assert fast.programs
    for i in range(10, 16):
        args = arguments(i)
        got = leaves(fast(*args))
        expected = leaves(function(*args))
        assert [type(a) for a in got] == [type(b) for b in expected]
        assert onp.allclose(got, expected, rtol=1e-13)
        inputs = [leaf for leaf in leaves(args) if not isinstance(leaf, int)]
        runs = [program.run(inputs) for program in fast.programs]
        slow = next(run for run in runs if isinstance(run, list))
        assert len(got) == len(slow) and all(same(a, b) for a, b in zip(got, slow))


def number_places():
    """Places for numbers; into all but the plain ones it is the slow way that writes."""
    whole = onp.zeros(3)
    unaligned = onp.frombuffer(bytearray(9), onp.uint8)[1:].view("f8").reshape(())
    return {
        "plain": onp.zeros(()),
        "view": whole[1:2].reshape(()),
        "single": onp.zeros((), "f4"),
        "swapped": onp.zeros((), ">f8"),
        "unaligned": unaligned,
        "none": None,
    }


@pytest.mark.parametrize("name", number_places())
def test_numbers_are_written_where_they_are_wanted(name):
    both = value_and_grad(lambda x: np.sin(x) * x)
    fast = jit(both, check="off")
    for i in range(6):
        fast(0.5 + i)
    for x in (0.25, onp.float64(1.5)):
        for _ in range(6):
            fast(x)
        places = number_places()[name], number_places()[name]
        got, expected = fast.into(places, x), both(x)
        assert isinstance(got, tuple) and len(got) == 2
        for place, result, number in zip(places, got, expected):
            assert place is None or result is place
            assert onp.allclose(result, number, rtol=1e-6)
    same = onp.zeros(())
    fast.into((same, same), 0.5)
    assert same == both(0.5)[1]


def _array_places():
    """Places for the value and for two rows of two numbers."""
    number = onp.zeros(())
    whole = onp.zeros((2, 4))
    numbers = [onp.zeros(()) for _ in range(4)]
    return {
        "one array": (number, onp.zeros((2, 2))),
        "rows": (number, [onp.zeros(2), onp.zeros(2)]),
        "a row and numbers": (number, [onp.zeros(2), numbers[:2]]),
        "numbers": (number, [numbers[:2], numbers[2:]]),
        "columns": (number, onp.zeros((2, 2)).T),
        "gaps": (number, whole[:, ::2]),
        "single precision": (number, onp.zeros((2, 2), "f4")),
        "a gap": (number, [onp.zeros(2), [None, onp.zeros(())]]),
        "no value": (None, onp.zeros((2, 2))),
    }


@pytest.mark.parametrize("name", _array_places())
def test_an_array_takes_the_numbers_of_lists(name):
    both = value_and_grad(of_rows)
    fast, slow = jit(both, check="off"), jit(both, check="off")
    for i in range(6):
        fast([[0.1 + i, 0.2], [0.3, 0.4]])
    for i in range(3):
        call = [[0.2 + i, 0.3], [0.5, -0.4]]
        slow.clear()
        places = {True: _array_places()[name], False: _array_places()[name]}
        for replays, function in ((True, fast), (False, slow)):
            got = function.into(places[replays], call)
            expected = both(call)
            complete = name not in ("a gap", "no value")
            assert (got is places[replays]) == complete
            exact = 1e-6 if name == "single precision" else 1e-14
            assert got[0] == pytest.approx(expected[0], rel=1e-14)
            assert leaves([onp.asarray(row).tolist() for row in got[1]]) == pytest.approx(
                leaves(expected[1]), rel=exact
            )


def test_an_array_of_other_lengths_is_no_place():
    fast = jit(value_and_grad(of_rows), check="off")
    call = [[0.2, 0.3], [0.5, -0.4]]
    for _ in range(6):
        fast(call)
    number = onp.zeros(())
    for wrong in (onp.zeros((2, 3)), onp.zeros(4), onp.zeros(()), onp.zeros((1, 2)), 1.0):
        with pytest.raises(TypeError, match="into"):
            fast.into((number, wrong), call)
    fixed = onp.zeros((2, 2))
    fixed.flags.writeable = False
    with pytest.raises(ValueError):
        fast.into((number, fixed), call)


def test_no_number_is_written_where_none_may_be():
    fast = jit(value_and_grad(lambda x: np.sin(x) * x), check="off")
    for i in range(6):
        fast(0.5 + i)
    fixed = onp.zeros(())
    fixed.flags.writeable = False
    for wrong in (fixed, onp.zeros(2), onp.zeros((), int), 1.0):
        with pytest.raises((TypeError, ValueError)):
            fast.into((onp.zeros(()), wrong), 0.5)
    with pytest.raises((TypeError, ValueError)):
        fast.into((onp.zeros(()),), 0.5)
    assert fixed == 0.0


def circles(xs):
    # One and several pairs on a level, one half of a pair, and more of one function than the other.
    first = np.sin(xs[0]) * np.cos(xs[0]) + np.cos(xs[1])
    second = sum(np.sin(x) + 2.0 * np.cos(x) * np.sin(x) for x in xs)
    third = np.cos(onp.float64(1.0) * xs[0]) + np.cos(xs[0]) * math.pi + np.sin(first)
    return first + second * third


@pytest.mark.parametrize("count", [2, 3, 300])
@pytest.mark.parametrize("scale", [1.0, 1e3, 3e6, 1e300])
def test_a_sine_and_a_cosine_of_one_number_are_had_together(count, scale):
    both = value_and_grad(circles)
    fast = jit(both, check="off")
    draw = random.Random(count)
    for _ in range(8):
        xs = [draw.uniform(-scale, scale) for _ in range(count)]
        got, expected = leaves(fast(xs)), leaves(both(xs))
        assert [type(a) for a in got] == [type(b) for b in expected]
        assert onp.allclose(got, expected, rtol=1e-12, atol=1e-12 * max(map(abs, expected)))
    assert fast.programs


UNARY = (
    "exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh "
    "arctanh sqrt cbrt square reciprocal degrees radians sinc floor rint sign absolute fabs"
).split()


@pytest.mark.parametrize("name", UNARY)
def test_one_number_and_many_have_the_same_functions(name):
    # One or two go to the C library, more of them to a loop of the kernels.
    function = getattr(np, name)
    numbers = [0.013, 0.2, 0.4, 0.55, 0.7, 0.85, 0.99, 0.6]
    alone, many = jit(function, check="off"), jit(lambda xs: [function(x) for x in xs], check="off")
    for i in range(6):
        alone(0.3 + 0.01 * i)
        many([x - 0.001 * i for x in numbers])
    assert alone.programs and many.programs
    for x, both in zip(numbers, many(numbers)):
        one = alone(x)
        assert type(one) is type(both)
        assert onp.allclose([one, both], getattr(onp, name)(x), rtol=1e-15, atol=0)


def test_what_is_infinite_or_no_number_is_asked_of_the_function():
    fast = jit(lambda x: (np.exp(x), 1.0 / x))
    for x in (1.0, 2.0, 3.0, 4.0):
        fast(x)
    with onp.errstate(over="ignore"):
        assert fast(1000.0) == (math.inf, 0.001)
    with pytest.raises(ZeroDivisionError):
        fast(0.0)
    assert math.isnan(fast(math.nan)[0])
    assert fast(2.0) == (onp.exp(2.0), 0.5)


class Float(float):
    pass


def test_numbers_of_other_types_are_other_calls():
    fast = jit(value_and_grad(lambda x: x * x))
    for x in (1.0, 2.0, 3.0, 4.0):
        fast(x)
    for x in (onp.float64(3), onp.float32(3), Float(3), onp.array(3.0)):
        for _ in range(4):
            got, expected = fast(x), value_and_grad(lambda x: x * x)(x)
            assert [type(a) for a in got] == [type(b) for b in expected]
            assert [float(a) for a in got] == [9.0, 6.0]


def test_numbers_of_many_threads():
    fast = jit(value_and_grad(polynomial, (0, 1, 2)))
    for i in range(6):
        fast(1.0 + i, 2.0, 3.0)
    wrong = []

    def work(seed):
        draw = random.Random(seed)
        for _ in range(300):
            args = [draw.uniform(1, 2) for _ in range(3)]
            value, slopes = fast(*args)
            expected = value_and_grad(polynomial, (0, 1, 2))(*args)
            if not onp.allclose([value, *slopes], [expected[0], *expected[1]], rtol=1e-12):
                wrong.append(args)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_arrays_of_other_layouts_are_other_calls():
    def f(x):
        return np.sum(np.sin(x) * x)

    fast = jit(value_and_grad(f))
    x = onp.arange(12.0).reshape(3, 4)
    for i in range(6):
        fast(x + i)
    layouts = [x, onp.asfortranarray(x), x[::-1], x[:, ::2], x.T, x.astype("f4"), x.ravel()]
    layouts += [x.astype(">f8"), onp.frombuffer(b"\0" + x.tobytes(), offset=1).reshape(3, 4)]
    for other in layouts:
        for _ in range(3):
            got, expected = fast(other), value_and_grad(f)(other)
            assert onp.allclose(got[0], expected[0], rtol=1e-6)
            assert onp.allclose(got[1], expected[1], rtol=1e-6)
            assert got[1].dtype == expected[1].dtype and got[1].shape == other.shape


# What is held of a result while later calls run. Nothing of it may change.
HOLDS = {
    "all": lambda result: result,
    "the value": lambda result: result[0],
    "the gradient": lambda result: result[1],
    "a row": lambda result: result[1][1],
    "a number": lambda result: result[1][0][1],
    "an iterator": lambda result: iter(result[1][0]),
    "a view of memory": lambda result: memoryview(result[1][0][1]),
}


@pytest.mark.parametrize("name", HOLDS)
def test_results_are_not_changed_by_later_calls(name):
    rows = jit(value_and_grad(of_rows))
    plain = value_and_grad(of_rows)
    calls = [([[0.1 + i, 0.2], [0.3, -0.4 * i]],) for i in range(12)]
    for call in calls[:6]:
        rows(*call)
    held = []
    for call in calls:
        result = rows(*call)
        assert leaves(result) == pytest.approx(leaves(plain(*call)), rel=1e-14)
        held.append((HOLDS[name](result), HOLDS[name](_numbers(result))))
        del result
    for got, expected in held:
        if name == "an iterator":
            got, expected = list(got), list(expected)
        if name == "a view of memory":
            got, expected = onp.frombuffer(got).tolist(), onp.frombuffer(expected).tolist()
        assert leaves(got) == leaves(expected)


def _numbers(result):
    """The same with numbers of its own."""
    if isinstance(result, (list, tuple)):
        return type(result)(_numbers(item) for item in result)
    return onp.float64(result)


# What a user may do to a result before it is dropped: the next ones are built as ever.
def _swap(gradient):
    gradient[0], gradient[1] = gradient[1], gradient[0]


CHANGES = {
    "rows change places": _swap,
    "a row is longer": lambda gradient: gradient[0].append(1.0),
    "a row is shorter": lambda gradient: gradient[1].pop(),
    "a row twice": lambda gradient: gradient.__setitem__(0, gradient[1]),
    "a number of another type": lambda gradient: gradient[0].__setitem__(0, 1.5),
    "a truth": lambda gradient: gradient[0].__setitem__(0, True),
    "a list for a number": lambda gradient: gradient[0].__setitem__(1, [2.0]),
    "a tuple for a row": lambda gradient: gradient.__setitem__(0, (onp.float64(1), 2.0)),
    "itself": lambda gradient: gradient.__setitem__(0, gradient),
    "nothing left": lambda gradient: gradient.clear(),
}


@pytest.mark.parametrize("name", CHANGES)
def test_results_that_were_changed_do_not_come_back(name):
    rows = jit(value_and_grad(of_rows))
    plain = value_and_grad(of_rows)
    for i in range(40):
        call = ([[0.1 + i / 8, 0.2], [0.3, -0.4 * i]],)
        got = rows(*call)
        expected = plain(*call)
        assert type(got) is type(expected) and type(got[1]) is list
        assert [type(row) for row in got[1]] == [list, list]
        assert [len(row) for row in got[1]] == [2, 2]
        assert list(map(type, leaves(got))) == list(map(type, leaves(expected)))
        assert leaves(got) == pytest.approx(leaves(expected), rel=1e-14)
        if i > 8:
            CHANGES[name](got[1])
        del got


def test_hashes_are_those_of_the_numbers():
    """A tuple may keep its hash, as CPython's does from 3.14 on."""
    pair = jit(lambda x: (x, (x * 2.0, x * x)))
    for i in range(30):
        x = 0.5 + i
        assert hash(pair(x)) == hash((x, (x * 2.0, x * x)))


def test_what_is_released_with_an_old_result_may_call_the_function():
    rows = jit(value_and_grad(of_rows))
    call = ([[0.1, 0.2], [0.3, 0.4]],)
    wanted = leaves(value_and_grad(of_rows)(*call))
    released = []

    class Calls:
        def __del__(self):
            released.append(leaves(rows(*call)))
            rows.clear()

    for _ in range(60):
        got = rows(*call)
        assert leaves(got) == pytest.approx(wanted, rel=1e-14)
        if len(rows.programs) and len(released) < 3:
            got[1].append(Calls())
        del got
    assert len(released) >= 3
    assert all(each == pytest.approx(wanted, rel=1e-14) for each in released)


def test_dropped_functions_drop_their_results():
    import gc
    import weakref

    class Marked:
        pass

    rows = jit(value_and_grad(of_rows))
    call = ([[0.1, 0.2], [0.3, 0.4]],)
    for _ in range(8):
        got = rows(*call)
    marked = Marked()
    marked.function = rows
    got[1].append(marked)
    gone = weakref.ref(marked)
    del got, marked, rows
    gc.collect()
    assert gone() is None
