"""What programs put in place of operations: numbers for arrays, products for quotients, signs."""

from __future__ import annotations

import itertools

import numpy
import pytest

import fastad.numpy as np
from fastad import grad, jit, value_and_grad

CALLS = 6


def replayed(function, *arguments, rtol=1e-13):
    """Call `jit(function)` at arguments moved a little each time; all results equal eager ones."""
    compiled = jit(function)
    for call in range(CALLS):
        given = [x + x.dtype.type(0.01) * call for x in arguments]
        for one, two in zip(
            numpy.atleast_1d(compiled(*given)), numpy.atleast_1d(function(*given)), strict=True
        ):
            assert numpy.asarray(one).dtype == numpy.asarray(two).dtype
            numpy.testing.assert_allclose(one, two, rtol=rtol, atol=rtol)
    assert len(compiled.programs) == 1
    return compiled


@pytest.mark.parametrize("size", [5, 700])
def test_cotangents_of_sums_are_numbers(size):
    x = numpy.linspace(0.1, 1.5, size)
    compiled = replayed(grad(lambda x: np.sum(np.sin(x) * x) - 3.0 * np.mean(np.exp(-x))), x)
    assert "load once" not in str(compiled.programs[0])


@pytest.mark.parametrize("number", [1.0, -1.0, 2.0])
def test_an_array_that_the_user_holds_is_read_at_each_call(number):
    x, held = numpy.linspace(0.1, 1.5, 6), numpy.full(6, number)
    compiled = jit(grad(lambda x: np.sum(held * x * x)))
    for _ in range(CALLS):
        numpy.testing.assert_allclose(compiled(x), 2.0 * number * x)
    held[:] = 5.0
    numpy.testing.assert_allclose(compiled(x), 10.0 * x)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "shapes", [((7,), (7,)), ((3, 300), (3, 300)), ((3, 4), (4,)), ((3, 4), ())]
)
def test_gradients_of_quotients(shapes, dtype):
    x, y = (numpy.linspace(0.5, 1.5, int(numpy.prod(s)), dtype=dtype).reshape(s) for s in shapes)
    rtol = 1e-13 if dtype == "float64" else 1e-5
    f = lambda x, y: np.sum(np.sin(x / y) / y - x / (1 + y * y))
    replayed(grad(f, 0), x, y, rtol=rtol)
    replayed(grad(f, 1), x, y, rtol=rtol)
    replayed(lambda x, y: grad(lambda v: np.sum(grad(f, 1)(x, v) ** 2))(y), x, y, rtol=10 * rtol)


def log_sum_exp(x):
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top)))


@pytest.mark.parametrize("size", [1, 6, 700, 20_000])
def test_a_sum_of_multiples_is_a_multiple_of_the_sum(size):
    x = numpy.random.default_rng(0).normal(size=size)
    compiled = replayed(value_and_grad_in_one(log_sum_exp), x, rtol=2e-13)
    # That of exponentials, and of how many are the largest; not of the former times a number.
    assert str(compiled.programs[0]).count("= sum(") <= 2
    replayed(grad(lambda x: np.sum(grad(log_sum_exp)(x) ** 2)), x, rtol=1e-12)
    replayed(grad(lambda x: log_sum_exp(x) * np.sum(-x) + np.sum(-3.0 * x) / np.sum(x)), x)


def value_and_grad_in_one(function):
    both = value_and_grad(function)

    def f(x):
        value, slope = both(x)
        return np.concatenate([value.reshape(1), slope])

    return f


def test_sums_that_are_something_else_stay():
    """With a start, where some count, of other elements, of another type: no multiples."""
    x = numpy.linspace(0.5, 1.5, 8)
    where = numpy.arange(8) % 2 == 0

    def f(x):
        s = np.sum(x[:3])
        return np.stack(
            [
                np.sum(x) * 1.0,
                np.sum(s * x, initial=2.0),
                np.sum(s * x, where=where),
                np.sum(s * x[:4]) - np.sum(x[:4]),
                np.sum(-x, initial=1.0),
                np.sum(np.sum(x) * x),
                np.sum((s * x).reshape(2, 4), axis=1)[0],
            ]
        )

    replayed(f, x)
    replayed(lambda x: np.sum(x) * np.sum(np.float32(0.1) * x), x.astype("float32"), rtol=1e-6)


def test_a_sum_that_overflows_is_not_taken_for_a_multiple():
    f = lambda x: 1.0 / np.sum(x[0] * x) + 0.0 * np.minimum(np.sum(x), 1.0)
    compiled = jit(f)
    x = numpy.array([1e-300, 1e300, 2e300])
    for _ in range(CALLS):
        numpy.testing.assert_allclose(compiled(x), f(x))
    x = numpy.array([1e-300, 1.5e308, 1.5e308])
    with numpy.errstate(over="ignore"):
        numpy.testing.assert_allclose(compiled(x), f(x))


def test_whole_quotients_stay_whole():
    x, y = numpy.array([49.0, 5.0, 98.0, 103.0]), numpy.array([49.0, 49.0, 49.0, 103.0])

    def f(x, y):
        return np.sum(1 / y + np.floor(x / y) * y)

    compiled = jit(value_and_grad(f, (0, 1)))
    for _ in range(CALLS):
        value, _ = compiled(x, y)
        assert value == f(x, y)


def test_signs_are_kept():
    def f(x, y):
        down = -x * y
        return np.stack(
            [y + down, down - y, down / -y, -down + -y, (-x) * (-y), -(down * x) + down]
        )

    x = numpy.array([0.0, -0.0, 0.0, -0.0, 1.5, -2.5])
    y = numpy.array([1.0, 1.0, -1.0, -1.0, 0.5, 0.25])
    compiled = jit(f)
    for _ in range(CALLS):
        one, two = compiled(x, y), f(x, y)
        assert (one == two).all()
        assert (numpy.signbit(one) == numpy.signbit(two)).all()


AXES = [axes for count in (1, 2, 3) for axes in itertools.combinations(range(4), count)]


@pytest.mark.parametrize("axes", AXES)
def test_sums_over_any_axes_of_windows(axes):
    x = numpy.linspace(-1.0, 1.0, 2 * 3 * 8 * 9).reshape(2, 3, 8, 9)
    weights = numpy.linspace(0.5, 1.5, 3)

    def f(weights, x):
        window = x[:, :, 1:7, 2:9] * weights[:, None, None]
        return np.sum(np.sum(window * x[:, :, :6, :7], axis=axes) ** 2) + np.sum(
            window.max(axis=axes)
        )

    replayed(grad(f), weights, x)


# Nodes that vanish move the numbers of those behind them: what a program knows of results, of
# arrays that it looks at and of calls is of the same nodes still.


@pytest.mark.parametrize(
    "behind",
    [
        lambda y, x: np.concatenate([y, x]),
        lambda y, x: [np.sum(y), np.outer(y, x), y[:2], np.stack([x, y, x])],
        lambda y, x: [np.linalg.eigh(np.outer(y, y) + np.diag(x))[0], np.sum(y) * x],
        lambda y, x: np.sort(np.concatenate([np.linalg.svd(np.outer(y, x))[1], y, y]))[3:],
    ],
)
@pytest.mark.parametrize("size", [3, 5])
def test_shapes_behind_a_sign_that_vanishes(behind, size):
    def f(x):
        z = -x
        for k in range(4):
            z = -(-z - -np.sin(x + k)) * -1.0
        return behind(z, x)

    compiled = jit(f, check="always")
    for call in range(CALLS):
        x = numpy.linspace(0.3, 1.7, size) + 0.01 * call
        got, expected = compiled(x), f(x)
        if not isinstance(got, list):
            got, expected = [got], [expected]
        for one, two in zip(got, expected, strict=True):
            assert numpy.shape(one) == numpy.shape(two)
            numpy.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-12)
    assert len(compiled.programs) == 1


def test_numbers_in_the_place_of_arrays_reach_calls_of_the_host():
    def f(x):
        z = -x - -np.exp(x)
        return np.sum(z / x) + np.sum(np.linalg.inv(np.outer(z, z) + np.diag(x)))

    x = numpy.linspace(0.4, 1.2, 4)
    compiled = jit(grad(f), check="always")
    for call in range(CALLS):
        numpy.testing.assert_allclose(compiled(x + call), grad(f)(x + call), rtol=1e-9)
    assert len(compiled.programs) == 1


def test_results_that_equal_an_input_or_each_other_are_arrays_of_their_own():
    def f(x):
        y = np.sin(x)
        return [-np.negative(x), -x / -1.0, x * 1.0, y, -np.negative(y), y * 1.0]

    compiled = jit(f)
    for call in range(CALLS):
        x = numpy.linspace(0.3, 1.7, 5) + 0.01 * call
        expected = f(x)
        for i in range(len(expected)):
            results = compiled(x)
            results[i][...] = 99.0
            for k, (one, two) in enumerate(zip(results, expected, strict=True)):
                if k != i:
                    numpy.testing.assert_allclose(one, two)
            numpy.testing.assert_array_equal(x, expected[0])
    assert len(compiled.programs) == 1
