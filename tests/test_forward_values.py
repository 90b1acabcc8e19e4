"""Forward values are NumPy's bit for bit: every size, stride, dtype and number; errstate."""

from __future__ import annotations

import math
import operator
import warnings

import numpy as onp
import pytest
from cases import ELEMENTWISE, interval, reference, spread

import fastad.numpy as np
from fastad import _core, getval, grad, value_and_grad

BINARY = [name for name in ELEMENTWISE if reference(name).nin == 2]
SIZES = [*range(1, 36), 63, 64, 65, 100, 127, 128, 129, 255, 257, 500, 512, 513, 999, 1000]
OPERATORS = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow"]
COMPARISONS = ["lt", "le", "gt", "ge", "eq", "ne"]


def same(actual: object, expected: object) -> None:
    """Equal type, dtype, shape and bits."""
    actual = getval(actual)
    assert type(actual) is type(expected), (type(actual), type(expected))
    a, b = onp.asarray(actual), onp.asarray(expected)
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    assert a.tobytes() == b.tobytes() or onp.array_equal(a, b, equal_nan=a.dtype.kind in "fc")


def boxed(tape: _core.Tape, *values: object) -> list[object]:
    return [tape.box(value) for value in values]


def points(name: str, size: int, dtype: object = float) -> list[onp.ndarray]:
    """Random points of a ufunc's interval, one array for each argument."""
    low, high = interval(name)
    random = onp.random.default_rng(size)
    return [random.uniform(low, high, size).astype(dtype) for _ in range(reference(name).nin)]


# ---- sizes, strides, dtypes ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_every_size(name):
    for size in SIZES:
        for dtype in (float, onp.float32):
            values = points(name, size, dtype)
            with _core.Tape() as tape:
                same(getattr(np, name)(*boxed(tape, *values)), reference(name)(*values))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_every_stride(name):
    function, size = getattr(np, name), 50
    for dtype in (float, onp.float32):
        long = points(name, 3 * size, dtype)
        cut = [
            lambda a: a[: 2 * size : 2],
            lambda a: a[::3],
            lambda a: a[:size][::-1],
            lambda a: a[::-2][:size],
            lambda a: onp.broadcast_to(a[:1], (size,)),
            lambda a: a[1 : size + 1],
            lambda a: onp.broadcast_to(a[:size], (3, size)),
            lambda a: a.reshape(size, 3).T,
            lambda a: onp.asfortranarray(a.reshape(3, size)),
            lambda a: a.astype(a.dtype.newbyteorder()),
            lambda a: onp.frombuffer(b"\0" + a.tobytes(), onp.uint8)[1:].view(a.dtype),
        ]
        for chosen in cut:
            values = [chosen(a) for a in long]
            with _core.Tape() as tape:
                same(function(*boxed(tape, *values)), reference(name)(*values))
        if len(long) == 2:
            for first in cut[:5]:
                for second in cut[:5]:
                    values = [first(long[0]), second(long[1])]
                    with _core.Tape() as tape:
                        same(function(*boxed(tape, *values)), reference(name)(*values))
                        same(function(tape.box(values[0]), values[1]), reference(name)(*values))


@pytest.mark.parametrize("name", BINARY)
def test_broadcasting(name):
    low, high = interval(name)
    shapes = [(), (1,), (3,), (4, 1), (1, 3), (4, 3), (2, 1, 3), (0,), (2, 4, 3)]
    for first in shapes:
        for second in shapes:
            a, b = spread(first, low, high), spread(second, low, high, 1)
            try:
                expected = reference(name)(a, b)
            except ValueError:
                with _core.Tape() as tape, pytest.raises(ValueError, match="broadcast"):
                    getattr(np, name)(*boxed(tape, a, b))
                continue
            with _core.Tape() as tape:
                same(getattr(np, name)(*boxed(tape, a, b)), expected)
                same(getattr(np, name)(a, tape.box(b)), expected)


@pytest.mark.parametrize("dtype", [float, onp.float32, int, complex])
def test_joined_lines(dtype):
    """Parts of any length, layout and type, along any axis: the values, and NumPy's layout."""
    random = onp.random.default_rng(17)
    for _ in range(300):
        rank = int(random.integers(1, 4))
        shape = random.choice([1, 2, 3, 10, 40], rank).tolist()
        axis = int(random.integers(-rank, rank))
        parts = []
        for _ in range(int(random.integers(1, 4))):
            shape[axis] = int(random.choice([0, 1, 2, 9, 30]))
            part = random.uniform(-9.0, 9.0, shape).astype(dtype)
            kind = random.random()
            if kind < 0.2:
                part = onp.asfortranarray(part)
            elif kind < 0.3:
                part = part[::-1]
            elif kind < 0.35:
                part = onp.ones(shape)
            parts.append(part)
        expected = onp.concatenate(parts, axis=axis)
        with _core.Tape() as tape:
            traced = [tape.box(part) if part.dtype.kind in "fc" else part for part in parts]
            found = getval(np.concatenate(traced, axis=axis))
        same(found, expected)
        for length, own, other in zip(expected.shape, found.strides, expected.strides):
            assert length < 2 or expected.size == 0 or own == other
    for wrong, axis in (([onp.ones((2, 3)), onp.ones((3, 2))], 0), ([onp.ones(3)] * 2, 1)):
        with _core.Tape() as tape, pytest.raises(ValueError):
            np.concatenate([tape.box(part) for part in wrong], axis=axis)


EXACT = ["add", "subtract", "multiply", "divide", "negative", "positive", "absolute"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", [*EXACT, "tanh", "power", "maximum", "minimum", "less"])
def test_rows_of_drawn_layouts(name):
    """Broadcast, cut, turned: the values, and the order in which NumPy lays out the result."""
    random = onp.random.default_rng(13)

    def drawn(shape, dtype):
        steps = random.integers(1, 3, len(shape))
        order = random.permutation(len(shape))
        if random.random() < 0.6:
            order = onp.arange(len(shape))
        size = [int(shape[axis] * steps[axis]) for axis in order]
        whole = random.uniform(0.5, 2.0, size).astype(dtype).transpose(onp.argsort(order))
        part = whole[tuple(slice(None, None, int(step)) for step in steps)]
        if random.random() < 0.2:
            part = part[(slice(None, None, -1), *[slice(None)] * (part.ndim - 1))]
        return part

    for _ in range(400):
        rank = int(random.integers(1, 5))
        full = tuple(random.choice([1, 2, 3, 9, 40], rank).tolist())
        values = []
        for k in range(reference(name).nin):
            dtype = random.choice([float, float, float, onp.float32, complex])
            if dtype is complex and name == "less":
                dtype = float
            own = full[int(random.integers(0, rank)) :] if k else full
            own = tuple(1 if random.random() < 0.3 else n for n in own)
            kind = random.random()
            if kind < 0.1:
                values.append(onp.broadcast_to(drawn(own, dtype), full))
            elif kind < 0.2 and k:
                values.append(random.choice([0.7, 3.0]))
            else:
                values.append(drawn(own, dtype))
        expected = reference(name)(*values)
        with _core.Tape() as tape:
            found = getval(getattr(np, name)(tape.box(values[0]), *values[1:]))
        same(found, expected)
        lengths = onp.shape(expected)
        for axis, length in enumerate(lengths):
            assert length < 2 or found.strides[axis] == expected.strides[axis]


def test_rows_warn_as_numpy():
    x, zero = onp.ones((3, 10)), onp.zeros((3, 1))
    with _core.Tape() as tape:
        for call in (lambda a: a / zero, lambda a: 1e308 * (a[:, :9] * 10.0)):
            with pytest.warns(RuntimeWarning) as expected:
                value = call(x)
            with pytest.warns(RuntimeWarning) as found:
                own = call(tape.box(x))
            assert [str(w.message) for w in found] == [str(w.message) for w in expected]
            same(own, value)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_numbers(name):
    """A number gives the bits that an array element gives, with NumPy's type."""
    low, high = interval(name)
    for seed in range(20):
        seeds = [seed, seed + 31][: reference(name).nin]
        values = [float(spread((1,), low, high, one)[0]) for one in seeds]
        for kind in (float, onp.float64, onp.float32, onp.longdouble):
            given = [kind(value) for value in values]
            with _core.Tape() as tape:
                same(getattr(np, name)(*boxed(tape, *given)), reference(name)(*given))
        row = [onp.array([value]) for value in values]
        with _core.Tape() as tape:
            same(getval(getattr(np, name)(*boxed(tape, *values))), reference(name)(*row)[0])


SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, onp.inf, -onp.inf, onp.nan, 5e-324, 1.7e308, -1e-310]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_special_numbers(name):
    ufunc = reference(name)
    pairs = [(x,) for x in SPECIAL]
    if ufunc.nin == 2:
        pairs = [(x, y) for x in SPECIAL for y in SPECIAL]
    with onp.errstate(all="ignore"), _core.Tape() as tape:
        for values in pairs:
            same(getattr(np, name)(*boxed(tape, *values)), ufunc(*values))
        columns = [onp.array(column) for column in zip(*pairs)]
        same(getattr(np, name)(*boxed(tape, *columns)), ufunc(*columns))
        columns = [column.astype(onp.float32) for column in columns]
        same(getattr(np, name)(*boxed(tape, *columns)), ufunc(*columns))


STRONG = [onp.float64(2.5), onp.float32(2.5), onp.int8(3), onp.bool_(True)]
CONSTANTS = [2.5, 3, True, 1.5 + 2j, *STRONG]
ARRAYS = [
    onp.array([1.5, 2.5, 3.0]),
    onp.array([1.5, 2.5, 3.0], onp.float32),
    onp.array([1.5, 2.5, 3.0], onp.float16),
    onp.array([1.5, 2.5, 3.0], onp.longdouble),
    onp.array([1.5 + 1j, 2.5, 3.0], onp.complex64),
    onp.array([1, 2, 3]),
    onp.array([1, 2, 3], onp.uint8),
    onp.array([True, False, True]),
    onp.array(1.5),
    onp.array(1.5, onp.float32),
]
NUMBERS = [1.5, onp.float64(1.5), onp.float32(1.5), onp.float16(1.5), 1.5 + 1j, onp.complex64(1.5j)]


def numpy_complex(left: object, right: object) -> object:
    """Python's complex arithmetic rounds otherwise than NumPy's, whose value a traced one has."""
    python = (bool, int, float, complex, onp.float64)  # numpy.float64 is a Python float
    if type(left) in python and type(right) in python and complex in (type(left), type(right)):
        return onp.complex128(right)
    return right


@pytest.mark.parametrize("symbol", OPERATORS)
def test_promotion_of_operators(symbol):
    """Weak Python numbers and strong NumPy ones, arrays of every dtype, from either side."""
    function = getattr(operator, symbol)
    traced = [*[array for array in ARRAYS if array.dtype.kind in "fc"], *NUMBERS]
    with onp.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for value in traced:
            for other in [*CONSTANTS, *ARRAYS, *NUMBERS]:
                for left, right in ((value, other), (other, value)):
                    with _core.Tape() as tape:
                        sides = [
                            tape.box(side) if side is value else side for side in (left, right)
                        ]
                        try:
                            expected = function(left, numpy_complex(left, right))
                            if type(python := function(left, right)) is complex:
                                expected = complex(expected)
                            elif type(python) is float:
                                expected = float(expected)
                        except (TypeError, ZeroDivisionError, OverflowError) as error:
                            with pytest.raises(type(error)):
                                function(*sides)
                            continue
                        same(function(*sides), expected)


@pytest.mark.parametrize("symbol", OPERATORS)
def test_operators_between_boxes(symbol):
    function = getattr(operator, symbol)
    values = [1.5, onp.float64(2.5), onp.float32(0.5), onp.array([1.5, 2.5]), onp.ones(2, "f4")]
    for left in values:
        for right in values:
            with _core.Tape() as tape:
                same(function(tape.box(left), tape.box(right)), function(left, right))


@pytest.mark.parametrize("value", [2.5, onp.float64(2.5), onp.float32(2.5), onp.array([2.5, -1.0])])
def test_unary_operators(value):
    with _core.Tape() as tape:
        box = tape.box(value)
        for function in (operator.neg, operator.pos, operator.abs):
            same(function(box), function(value))


@pytest.mark.parametrize("kind", [onp.complex128, onp.complex64, onp.float32, onp.float16])
def test_operators_and_functions_between_numpy_scalars(kind):
    """`x * y` of two NumPy scalars is not `numpy.multiply(x, y)` to the last bit."""
    random = onp.random.default_rng(11)
    for _ in range(100):
        parts = random.uniform(0.5, 3.0, (2, 2)) @ [1, 1j if kind(0).dtype.kind == "c" else 0.5]
        if kind(0).dtype.kind != "c":
            parts = parts.real
        row = parts.astype(kind)
        x, y = row
        pairs = [(x, y), (x, 1.7), (1.7, x), (x, onp.float64(1.7)), (x, 2.0)]
        for left, right in pairs:
            for name in OPERATORS:
                if kind(0).dtype.kind == "c" and name in ("floordiv", "mod"):
                    continue
                with _core.Tape() as tape:
                    boxes = [tape.box(left), tape.box(right)]
                    expected = getattr(operator, name)(left, right)
                    same(getattr(operator, name)(*boxes), expected)
                    same(getattr(operator, name)(boxes[0], right), expected)
                    same(getattr(operator, name)(left, boxes[1]), expected)
            with _core.Tape() as tape:
                same(np.multiply(tape.box(left), right), onp.multiply(left, right))
        with _core.Tape() as tape:
            box = tape.box(row)
            same(box[0] * box[1] / box[0] ** 2, row[0] * row[1] / row[0] ** 2)
            same(abs(box[0]), abs(row[0]))
            same(np.abs(box[0]), onp.abs(row[0]))


def test_powers_are_those_of_the_operand():
    """`ndarray ** p` is not `numpy.power(ndarray, p)` in every version; `float ** p` is C's pow."""
    random = onp.random.default_rng(7)
    exponents = [2, 3, 0.5, -1, -2, 2.0, 1.0, 0.0, 0, 1, -0.5, 1.5, 10]
    if onp.lib.NumpyVersion(onp.__version__) >= "2.0.0":
        exponents.append(True)  # NumPy 1 has two values of a number to the power True
    for exponent in [*exponents, onp.float64(2), onp.float32(2)]:
        for dtype in (float, onp.float32, onp.float16, onp.longdouble, complex):
            x = random.uniform(0.1, 3.0, 101).astype(dtype)
            with _core.Tape() as tape:
                same(tape.box(x) ** exponent, x**exponent)
                same(np.power(tape.box(x), exponent), onp.power(x, exponent))
        for number in random.uniform(0.1, 3.0, 50):
            for kind in (float, onp.float64, onp.float32):
                with _core.Tape() as tape:
                    same(tape.box(kind(number)) ** exponent, kind(number) ** exponent)
                    with _core.Tape() as above:  # not in the lane of numbers
                        nested = above.box(tape.box(kind(number))) ** exponent
                        same(getval(nested), kind(number) ** exponent)
                    base = 1.5
                    if isinstance(exponent, float):
                        same(base ** tape.box(exponent), base**exponent)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 127, 128, 129, 1000, 8191, 8192, 8193, 20000])
def test_sizes_of_reductions(size):
    random = onp.random.default_rng(size)
    for dtype in (float, onp.float32, complex, onp.longdouble):
        x = random.standard_normal(size).astype(dtype)
        views = [x, x[::-1], x[::2], x.reshape(1, -1), x.reshape(-1, 1)]
        for view in [*views, onp.broadcast_to(x[:1], size)]:
            with _core.Tape() as tape:
                box = tape.box(view)
                for name in ("sum", "mean", "max", "min", "prod", "std", "cumsum"):
                    if name == "prod" and size > 200:
                        continue
                    same(getattr(np, name)(box), getattr(onp, name)(view))
                same(box.sum(), view.sum())
                same(np.sum(box, axis=0), onp.sum(view, axis=0))


def test_axes_of_reductions():
    random = onp.random.default_rng(5)
    for shape in ((3, 1000), (1000, 3), (91, 91), (2, 50, 90), (8200, 2), (2, 8200)):
        for order in "CF":
            x = onp.asarray(random.standard_normal(shape), order=order)
            for axis in [None, *range(-1, x.ndim), (0, 1)]:
                with _core.Tape() as tape:
                    for name in ("sum", "mean", "max", "min"):
                        function, plain = getattr(np, name), getattr(onp, name)
                        same(function(tape.box(x), axis=axis), plain(x, axis=axis))
                        kept = plain(x, axis, keepdims=True)
                        same(function(tape.box(x), axis, keepdims=True), kept)


@pytest.mark.parametrize("length", [*range(1, 26), 31, 64, 127, 128, 129, 200])
@pytest.mark.parametrize("dtype", [float, onp.float32, int, complex])
def test_sums_along_a_short_axis(length, dtype):
    """Row by row in the order of NumPy's reduction, across its buffers too."""
    random = onp.random.default_rng(length)
    for shape in [(1,), (2,), (7,), (3, 5), (1171,), (2731,), (20_000,), (40, 1, 9), (0, 3)]:
        size = (*shape, length)
        if math.prod(size) > 200_000:
            continue
        x = (random.standard_normal(size) * 10.0 ** random.integers(-9, 9, size)).astype(dtype)
        if x.size:
            x[(0,) * x.ndim] = -0.0
            x[-1] = -0.0
        for view in (x, x[::-1], onp.asfortranarray(x), onp.broadcast_to(x[..., :1], size)):
            for axis in (-1, view.ndim - 1, 0, (view.ndim - 1,)):
                for keepdims in (False, True):
                    expected = onp.sum(view, axis=axis, keepdims=keepdims)
                    found = getval(np.sum(view, axis=axis, keepdims=keepdims))
                    assert type(found) is type(expected) and found.dtype == expected.dtype
                    assert found.shape == expected.shape
                    assert found.tobytes() == expected.tobytes()


def test_sums_along_a_short_axis_warn_as_numpy():
    largest = onp.finfo(float).max
    for row in ([largest, largest, 1.0], [onp.inf, -onp.inf, 0.0]):
        x = onp.array([[1.0, 2.0, 3.0], row])
        with pytest.warns(RuntimeWarning) as expected:
            values = onp.sum(x, axis=1)
        with pytest.warns(RuntimeWarning) as found:
            own = np.sum(x, axis=1)
        assert [str(w.message) for w in found] == [str(w.message) for w in expected]
        onp.testing.assert_array_equal(own, values)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quiet = onp.array([[onp.nan, 1.0], [onp.inf, 1.0], [1e-320, 1e-320]])
        onp.testing.assert_array_equal(np.sum(quiet, axis=1), onp.sum(quiet, axis=1))


@pytest.mark.parametrize("shape", [(7, 5), (5, 1, 3), (3, 4, 5), (90, 91), (2, 5000)])
def test_sums_of_layouts(shape):
    random = onp.random.default_rng(7)
    for _ in range(20):
        x = random.standard_normal(shape) * 10.0 ** random.integers(-3, 3, shape)
        wide = onp.repeat(x, 2, axis=-1)
        everywhere = (slice(None, None, -1),) * x.ndim
        views = [x.T, x[everywhere], x.T[everywhere], x[::-1], x[..., ::-1], x.swapaxes(0, -1)]
        views += [wide[..., ::2], wide[..., ::-2], wide.T[::2], x[1:], x[..., 1:], x[:, None]]
        views += [onp.asfortranarray(x), onp.asfortranarray(x)[everywhere], onp.moveaxis(x, 0, -1)]
        views += [onp.broadcast_to(x, (3, *shape)), x[:1], x[..., :1], x[0, ..., ::-1], -0.0 * x.T]
        for view in views:
            with _core.Tape() as tape:
                same(np.sum(tape.box(view)), onp.sum(view))


def test_products():
    random = onp.random.default_rng(9)
    for m, k, n in ((1, 1, 1), (2, 3, 4), (17, 33, 9), (64, 64, 64), (1, 100, 1), (50, 1, 50)):
        for dtype in (float, onp.float32, complex):
            a, b = (random.standard_normal(shape).astype(dtype) for shape in ((m, k), (k, n)))
            variants = [(a, b), (a.T.copy().T, b), (a, b[:, ::-1]), (a[::-1], b.T.copy().T)]
            for left, right in variants:
                with _core.Tape() as tape:
                    x, y = boxed(tape, left, right)
                    same(np.dot(x, y), onp.dot(left, right))
                    same(x @ y, left @ right)
                    same(np.dot(x, right[:, 0]), onp.dot(left, right[:, 0]))
                    same(x @ right[:, 0], left @ right[:, 0])
                    same(np.dot(left[0], y), onp.dot(left[0], right))


@pytest.mark.parametrize("dtype", [float, onp.float32])
def test_products_of_matrices_by_the_loop_alone(dtype):
    random = onp.random.default_rng(10)
    for n in (2, 3, 8, 33):
        a, b = (random.standard_normal((n, n)).astype(dtype) for _ in range(2))
        wide = onp.repeat(onp.repeat(a, 2, 0), 2, 1)
        row = onp.broadcast_to(a[0], (n, n))
        raw = onp.zeros(a.nbytes + 1, onp.uint8)[1:].view(dtype).reshape(n, n)
        raw[...] = a
        operands = [a, b, a.T, a[::-1], wide[::2, ::2], wide[:n, ::-2], row, row.T, raw]
        operands += [onp.asfortranarray(b), b.astype(b.dtype.newbyteorder()), a.astype(onp.float64)]
        operands += [onp.arange(n * n).reshape(n, n), a[:, :1] * onp.ones((1, n), dtype)]
        for left in operands:
            for right in operands:
                with _core.Tape() as tape:
                    x, y = boxed(tape, left, right)
                    same(x @ y, left @ right)
                    same(np.matmul(x, right), left @ right)
    huge = onp.full((3, 3), onp.finfo(dtype).max)
    with _core.Tape() as tape, onp.errstate(all="raise"):
        box = tape.box(huge)
        with pytest.raises(FloatingPointError):
            box @ box
        with pytest.raises(ValueError, match="matmul"):
            box @ tape.box(huge[:2])
    with _core.Tape() as tape, onp.errstate(all="ignore"):
        same(tape.box(huge) @ huge, huge @ huge)
        infinite = onp.where(onp.eye(3) > 0, onp.inf, 0.0).astype(dtype)
        same(tape.box(infinite) @ infinite, infinite @ infinite)


# ---- comparisons ---------------------------------------------------------------------------------


LARGE = onp.random.default_rng(3).normal(size=(60, 1, 50))
SQUARE = onp.random.default_rng(4).normal(size=(70, 70))
LARGE_CALLS = {
    "axes of both": lambda np, x: x * LARGE[:, 0, :1, None] + LARGE[:, 0],
    "a column": lambda np, x: np.exp(x - np.max(x, axis=2, keepdims=True)),
    "a number": lambda np, x: np.logaddexp(x, 0.5) ** 2,
    "transposed": lambda np, x: x.T + LARGE[:50, 0, :1, None],
    "steps": lambda np, x: x[::-1] * LARGE[0],
    "rounded": lambda np, x: np.floor(3.0 * x) * np.sign(x),
    "tests": lambda np, x: (x > LARGE[0]) & ~np.isnan(x),
    "where": lambda np, x: np.where(LARGE + 0 * LARGE[:1].T[:, :, 0] > 0, x, 1.0),
    "where of both": lambda np, x: np.where(onp.abs(getval(x)) > 0.5, x, 2.0 * x),
    "where of numbers": lambda np, x: np.where(getval(x) > 0.5, 1.0, 2),
    "joined": lambda np, x: np.concatenate([x, 2.0 * x[:5], x], axis=0),
    "joined along the last axis": lambda np, x: np.concatenate([x, 2.0 * x], axis=-1),
    "joined transposed": lambda np, x: np.concatenate([x.T, 2.0 * x.T], axis=1),
    "dot": lambda np, x: np.dot(SQUARE, np.reshape(x[:49, 0, :], (70, 35))),
    "dot of columns": lambda np, x: np.dot(SQUARE.T, np.reshape(x[:49, 0, :], (35, 70)).T),
    "matmul": lambda np, x: np.matmul(
        np.reshape(x, (60, 50, 1)), np.reshape(x[:, 0, :49], (60, 1, 49))
    ),
    "matmul transposed": lambda np, x: np.matmul(
        np.transpose(LARGE, (2, 0, 1)), np.transpose(x, (2, 1, 0))
    ),
}


@pytest.mark.parametrize("dtype", [float, onp.float32])
@pytest.mark.parametrize("name", LARGE_CALLS)
def test_large_results_are_numpys_in_bits_and_layout(name, dtype):
    """Their memory is recycled, and NumPy writes into it."""
    x = LARGE.astype(dtype)
    function = LARGE_CALLS[name]
    expected = function(onp, x)
    with _core.Tape() as tape:
        for _ in range(2):  # into used memory, too
            actual = function(np, tape.box(x))
            same(actual, expected)
            assert onp.asarray(getval(actual)).strides == expected.strides


@pytest.mark.parametrize("symbol", COMPARISONS)
@pytest.mark.parametrize("value", [1.5, onp.float64(1.5), onp.float32(1.5), onp.array([1.5, 0.5])])
def test_comparisons_return_numpys_booleans(symbol, value):
    function = getattr(operator, symbol)
    with _core.Tape() as tape:
        box = tape.box(value)
        for other in (1.5, 2, onp.float64(0.5), box, onp.array([1.5, 3.0])):
            results = function(box, other), function(other, box)
            plain = value if other is box else other
            expected = function(value, plain), function(plain, value)
            for result, wanted in zip(results, expected):
                assert isinstance(result, onp.bool_ | onp.ndarray)
                assert onp.array_equal(result, wanted)
                # ~True is -2, ~numpy.True_ is False.
                assert onp.array_equal(~result, onp.logical_not(wanted))


def test_comparison_with_what_is_no_number():
    with _core.Tape() as tape:
        box = tape.box(1.5)
        assert not (box == None)  # noqa: E711
        assert box != None  # noqa: E711
        assert not (box == "text")
        with pytest.raises(TypeError):
            box < "text"  # noqa: B015


def test_branches_and_loops_read_the_value():
    def f(x):
        while x < 10.0:
            x = x * 2.0
        return x if x > 11.0 else -x

    assert grad(f)(3.0) == 4.0
    assert grad(f)(5.1) == -2.0
    assert value_and_grad(f)(5.1) == (-10.2, -2.0)


# ---- errstate ------------------------------------------------------------------------------------

FAULTS = {
    "divide": [
        (lambda np, x: 1.0 / x, 0.0),
        (lambda np, x: np.log(x), 0.0),
        (lambda np, x: np.reciprocal(x), 0.0),
        (lambda np, x: np.power(x, -1.0), 0.0),
    ],
    "over": [
        (lambda np, x: np.exp(x), 1000.0),
        (lambda np, x: x * 1e300, 1e300),
        (lambda np, x: np.square(x), 1e200),
        (lambda np, x: np.sinh(x), 1000.0),
    ],
    "invalid": [
        (lambda np, x: np.sqrt(x), -1.0),
        (lambda np, x: np.log(x), -1.0),
        (lambda np, x: x - x, onp.inf),
        (lambda np, x: np.arcsin(x), 2.0),
        (lambda np, x: np.remainder(x, 0.0), 1.0),
    ],
    "under": [(lambda np, x: x * 1e-200, 1e-200)],
}
LANES = {
    "number": lambda x: onp.float64(x),
    "array": lambda x: onp.array([1.0, x]),
    "long": lambda x: onp.full(1000, x),
    "strided": lambda x: onp.array([x, 1.0, x])[::2],
    "0d": lambda x: onp.array(x),
    "longdouble": lambda x: onp.array([x], onp.longdouble),
}


def outcome(function: object, np: object, x: object) -> tuple[str, object]:
    """What a call does: its warnings or its error, and its value."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = getval(function(np, x))
        except FloatingPointError as error:
            return "raised", str(error).replace("scalar ", "")
    # "in scalar divide" and "in divide": NumPy says whether its operand was a number.
    texts = sorted({str(warning.message).replace("scalar ", "") for warning in caught})
    return "; ".join(texts), onp.asarray(value).tolist()


@pytest.mark.parametrize("mode", ["raise", "warn", "ignore"])
@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("fault", FAULTS)
def test_errstate_holds_for_forward_values(fault, lane, mode):
    for function, point in FAULTS[fault]:
        x = LANES[lane](point)
        with onp.errstate(all=mode):
            expected = outcome(function, onp, x)
            with _core.Tape() as tape:
                got = outcome(function, np, tape.box(x))
            onp.testing.assert_equal(got, expected)
            if mode == "raise" and fault != "under" and lane != "longdouble":
                assert got[0] == "raised"


@pytest.mark.parametrize("mode", ["raise", "warn", "ignore"])
def test_errstate_of_float32(mode):
    calls = [
        (lambda np, x: np.exp(x), 100.0),
        (lambda np, x: x * x, 1e30),
        (lambda np, x: np.log(x), 0.0),
        (lambda np, x: np.sqrt(x), -1.0),
        (lambda np, x: np.tan(x) / 0.0, 1.0),
    ]
    for function, point in calls:
        for x in (onp.full(5, point, onp.float32), onp.float32(point)):
            with onp.errstate(all=mode):
                expected = outcome(function, onp, x)
                with _core.Tape() as tape:
                    onp.testing.assert_equal(outcome(function, np, tape.box(x)), expected)


@pytest.mark.parametrize("mode", ["raise", "warn", "ignore"])
def test_errstate_of_python_floats(mode):
    """A traced Python float computes as NumPy does: 1.0 / 0.0 is no ZeroDivisionError."""
    with onp.errstate(all=mode), _core.Tape() as tape:
        zero = tape.box(0.0)
        expected = outcome(lambda np, x: 1.0 / x, onp, onp.float64(0.0))
        assert outcome(lambda np, x: 1.0 / x, np, zero) == expected
        assert outcome(lambda np, x: np.log(x), np, zero) == outcome(
            lambda np, x: np.log(x), onp, onp.float64(0.0)
        )


def test_errstate_call_and_part_of_a_mode():
    seen = []
    with onp.errstate(divide="call", call=lambda text, flag: seen.append(text)):
        with _core.Tape() as tape:
            1.0 / tape.box(onp.zeros(2))
            onp.seterrcall(None)
    assert seen == ["divide by zero"]
    with onp.errstate(all="ignore", divide="raise"), _core.Tape() as tape:
        np.sqrt(tape.box(onp.array([-1.0])))
        with pytest.raises(FloatingPointError, match="divide"):
            np.log(tape.box(onp.zeros(1)))


def test_an_error_of_errstate_leaves_the_tape_whole():
    def f(x):
        with onp.errstate(all="raise"):
            try:
                np.log(x * 0.0)
            except FloatingPointError:
                return x * 3.0
        return x

    assert grad(f)(2.0) == 3.0
    onp.testing.assert_array_equal(grad(lambda x: np.sum(f(x)))(onp.ones(2)), [3.0, 3.0])


# ---- weak and strong numbers ---------------------------------------------------------------------


def test_float32_programs_stay_float32():
    x = onp.array([0.5, 1.5], onp.float32)

    def f(x):
        return np.sum(np.tanh(2.0 * x + 1) ** 2 / (1.0 + np.exp(-x)) * onp.float32(0.5))

    value, gradient = value_and_grad(f)(x)
    assert value.dtype == onp.float32 and gradient.dtype == onp.float32
    assert value_and_grad(f)(onp.float32(0.5))[1].dtype == onp.float32


def test_a_traced_python_float_is_weak_and_a_traced_float64_strong():
    x = onp.ones(2, onp.float32)
    with _core.Tape() as tape:
        same(tape.box(2.0) * x, 2.0 * x)
        same(tape.box(onp.float64(2.0)) * x, onp.float64(2.0) * x)
        same(tape.box(2.0) * tape.box(2.0) * x, 2.0 * 2.0 * x)
        same(np.sin(tape.box(2.0)) * x, onp.sin(2.0) * x)
        same(tape.box(2.0) ** 2 * x, 2.0**2 * x)
        same(-tape.box(2.0) * x, -2.0 * x)
        same(tape.box(2.0) * onp.float32(3.0), 2.0 * onp.float32(3.0))
        same(np.multiply(tape.box(2.0), x), onp.multiply(2.0, x))
        same(np.where([True, False], tape.box(2.0), x), onp.where([True, False], 2.0, x))


def test_item_and_tolist_give_weak_numbers():
    x = onp.ones(2, onp.float32)
    y = onp.array([1.5, 2.5])
    with _core.Tape() as tape:
        box = tape.box(y)
        same(box.item(1) * x, y.item(1) * x)
        same(box.tolist()[0] * x, y.tolist()[0] * x)
        same(box[:1].item() * x, y[:1].item() * x)


def test_traced_values_in_mixed_levels_keep_their_types():
    with _core.Tape() as outer, _core.Tape() as tape:
        x = onp.ones(2, onp.float32)
        same(tape.box(outer.box(2.0)) * x, 2.0 * x)
        same(outer.box(x) * tape.box(2.0), x * 2.0)
        same(outer.box(2.0) * tape.box(onp.float32(2.0)), 2.0 * onp.float32(2.0))


def test_the_value_of_a_python_float_is_what_numpy_says():
    value = value_and_grad(lambda x: np.sin(x))(0.5)[0]
    assert value == onp.sin(0.5) and math.isclose(value, math.sin(0.5))


VIEWS = [
    *(("broadcast_to", (shape,)) for shape in ((2, 3), (4, 2, 3), (3, 3), (0, 3), (2, 3, 4), ())),
    *(("expand_dims", (axis,)) for axis in range(-4, 5)),
    *((name, (a, b)) for name in ("swapaxes", "moveaxis") for a in range(-4, 4) for b in (-3, 1)),
    *(("transpose", (order,)) for order in ((1, 0), (-1, 0), (2, 0, 1), (0, 0), (0,), ())),
    ("ravel", ()),
]


@pytest.mark.parametrize(
    "x",
    [
        onp.arange(6.0).reshape(2, 3),
        onp.asfortranarray(onp.arange(6.0).reshape(2, 3)),
        onp.arange(24.0).reshape(2, 3, 4)[:, ::2],
        onp.ones((1, 3)),
        onp.ones(()),
        onp.ones((0, 3)),
        onp.arange(3.0)[::-1],
    ],
    ids=lambda x: f"{x.shape}{x.strides}",
)
def test_views_are_numpys(x):
    def described(result):
        value = getval(result)
        laid = value.strides, value.flags.writeable, onp.shares_memory(value, x)
        return value.shape, value.tolist(), laid

    def answer(call):
        try:
            return described(call())
        except Exception as error:
            return type(error), str(error)

    for name, args in VIEWS:
        found = []

        def f(z, name=name, args=args, found=found):
            found.append(answer(lambda: getattr(np, name)(z, *args)))
            return np.sum(z)

        grad(f)(x)
        assert found == [answer(lambda: getattr(onp, name)(x, *args))], (name, args)


@pytest.mark.parametrize("kind", [None, "stable"])
def test_sort_of_ties_zeros_and_nans_is_numpys(kind):
    for values in ([3.0, 1.0, 2.0], [1.0, 3.0, 1.0], [0.0, -0.0, 0.0, -1.0], [1.0, onp.nan, 0.0]):
        x = onp.array(values)
        for y in (x, onp.stack([x, x[::-1]]), onp.stack([x, x[::-1]]).T):
            for axis in (-1, 0, None):
                value, slope = [], onp.arange(float(y.size))

                def f(z, axis=axis, value=value, slope=slope):
                    result = np.sort(z, axis=axis, kind=kind)
                    value.append(getval(result))
                    return np.sum(np.ravel(result) * slope)

                found = grad(f)(y)
                wanted = onp.sort(y, axis=axis, kind=kind)
                assert value[0].tobytes() == wanted.tobytes()
                assert value[0].strides == wanted.strides
                order = onp.argsort(y, axis=axis, kind="stable")
                shares, back = slope.reshape(wanted.shape), onp.zeros(wanted.shape)
                onp.put_along_axis(back, order, shares, -1 if axis is None else axis)
                assert onp.array_equal(found, back.reshape(y.shape))


def test_sort_of_an_unknown_kind_is_an_error():
    with pytest.raises(ValueError, match="bogus|sort kind"):
        grad(lambda x: np.sum(np.sort(x, kind="bogus")))(onp.array([2.0, 1.0]))
