"""Elementwise records of large arrays swept together, to the last bit as one after the other."""

from __future__ import annotations

import threading

import numpy
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

import fastad.numpy as np
from fastad import debug_nans, grad, make_vjp, value_and_grad

LARGE = 5000  # elements: more than sweep.long_enough, no multiple of a block

UNARY = [
    np.tanh,
    np.sin,
    np.exp,
    np.negative,
    np.square,
    np.positive,
    np.arctan,
    lambda v: v**3,
    lambda v: 1.5 - v,
    lambda v: v / 2,
    lambda v: v + 1,
]
BINARY = [
    np.add,
    np.subtract,
    np.multiply,
    np.maximum,
    np.arctan2,
    lambda a, b: a / (2.0 + b * b),
]
# What ends a stretch: another shape, a number, an operation that is not elementwise.
ENDS = [
    lambda v: v * np.sum(v),
    lambda v: np.reshape(np.reshape(v, (-1, 50)) - np.mean(np.reshape(v, (-1, 50)), axis=0), -1),
    lambda v: v[::-1],
    lambda v: np.concatenate([v[1:], v[:1]]),
    lambda v: np.where(v > 0.1, v, 0.5 * v),
    lambda v: np.cumsum(v) * 1e-3,
]


def one_by_one(function, *args):
    """The gradient without stretches: under a debug mode each record is swept for itself."""
    with debug_nans():
        return grad(function, tuple(range(len(args))))(*args)


def together(function, *args):
    return grad(function, tuple(range(len(args))))(*args)


def same(function, *args):
    fast, slow = together(function, *args), one_by_one(function, *args)
    for own, other, arg in zip(fast, slow, args):
        numpy.testing.assert_array_equal(own, other)
        assert own.dtype == other.dtype == numpy.asarray(arg).dtype
        assert numpy.shape(own) == numpy.shape(other) == numpy.shape(arg)


def points(dtype=numpy.float64, count=2, shape=(LARGE,)):
    generator = numpy.random.default_rng(7)
    return [generator.uniform(-1.0, 1.0, shape).astype(dtype) for _ in range(count)]


@seed(11)
@settings(max_examples=200)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 24), st.integers(0, 99), st.integers(0, 99)),
        min_size=2,
        max_size=24,
    ),
    dtype=st.sampled_from([numpy.float64, numpy.float32]),
)
def test_drawn_programs(steps, dtype):
    """Values used once, often, by themselves twice; constants; ends of stretches in between."""
    x, y = points(dtype)
    constant = points(dtype, count=3)[2]

    def function(x, y):
        values = [x, y, constant]
        for which, first, second in steps:
            a, b = values[first % len(values)], values[second % len(values)]
            if which < len(UNARY):
                values.append(UNARY[which](a))
            elif which < len(UNARY) + len(BINARY):
                values.append(BINARY[which - len(UNARY)](a, b))
            else:
                values.append(ENDS[(which - len(UNARY) - len(BINARY)) % len(ENDS)](a))
        return np.sum(values[-1] * values[-2 - steps[0][1] % 2] + x * y)

    same(function, x, y)


@pytest.mark.parametrize("shape", [(4096,), (1024 * 5,), (70, 80), (3, 4, 999), (4095,)])
@pytest.mark.parametrize("dtype", [numpy.float64, numpy.float32])
def test_shapes(shape, dtype):
    x, y = points(dtype, shape=shape)
    same(lambda x, y: np.sum(np.tanh(x) * np.exp(-y * y) + x / (2 + y)), x, y)
    same(lambda x, y: np.mean((x - y) ** 2 + x), x, y)


def test_layouts():
    """What does not lie in C order ends a stretch or is copied by the sweep as before."""
    x, y = points(shape=(80, 70))
    fortran = numpy.asfortranarray(y)
    same(lambda x: np.sum(np.sin(x) * fortran + x * x), x)
    same(lambda x, y: np.sum(np.sin(x.T) * y.T + x.T * x.T), x, y)
    same(lambda x: np.sum(np.tanh(np.sin(x) * y[0] + x)), x)
    same(lambda x: np.sum(np.tanh(np.sin(x) * numpy.broadcast_to(2.0, x.shape) + x)), x)
    same(lambda x, s: np.sum(np.tanh(np.sin(x) * s + x) * s), x, numpy.float64(0.3))


def test_wide_angles():
    """Kernels leave large angles to the C library, by blocks: alike but for the last place."""
    x = points(count=1)[0]
    x[17] = 1e9
    function = lambda x: np.sum(np.sin(x) * np.cos(x) + x)
    (fast,), (slow,) = together(function, x), one_by_one(function, x)
    numpy.testing.assert_allclose(fast, slow, rtol=1e-14)


def test_cotangents_and_arguments_stay_as_they_are():
    """No array that somebody else sees is written into, and a vjp can be called again."""
    x, y = points()
    before = x.copy(), y.copy()
    vjp, _ = make_vjp(lambda x: np.tanh(np.sin(x) * y + x) - x)(x)
    g = points(count=4)[3]
    kept = g.copy()
    first, second = vjp(g), vjp(g)
    numpy.testing.assert_array_equal(first, second)
    numpy.testing.assert_array_equal(g, kept)
    passed, _ = make_vjp(lambda x: (x + 1.0) + y)(x)
    result = passed(g)
    numpy.testing.assert_array_equal(result, g)
    result += 1.0
    numpy.testing.assert_array_equal(g, kept)
    numpy.testing.assert_array_equal(x, before[0])
    numpy.testing.assert_array_equal(y, before[1])


def chain(x, y):
    """More records than one stretch has, each used again further on."""
    for k in range(40):
        x, y = np.tanh(x) + 0.5 * y / (1.0 + x**2), y + (x - 0.1 * k * y)
        if k % 7 == 3:
            y = y - np.mean(x)
    return np.sum(x * y)


def test_more_than_one_stretch():
    x, y = points()
    same(chain, x, y)
    same(lambda x: np.sum(grad(chain)(x, y) * y), x)
    same(lambda x: np.sum(grad(lambda x: np.sum(grad(chain)(x, y) * y))(x) * x), x)


def test_what_had_come_before_and_within():
    """A cotangent from above the stretch, more from within, handed on whole to what lies below."""
    x, y = points()

    def function(x, y):
        parent = np.reshape(x, (50, 100)).reshape(-1)
        value = parent + y
        inner = np.sin(value) * value
        return np.sum(inner + value[::-1]) + np.sum(np.cumsum(value) * y)

    same(function, x, y)


def test_higher_orders():
    x, _ = points()
    inner = grad(lambda x: np.sum(np.sin(x) * np.tanh(x) + x**2))
    outer = lambda x: np.sum(inner(x) * np.exp(x))
    same(outer, x)


def test_changed_buffers_are_noticed():
    """The check of each record is made before anything of its stretch is computed."""
    x, _ = points()
    scratch = numpy.ones(LARGE)

    def function(x):
        value = np.sin(x) * scratch
        scratch[:] = 3.0
        return np.sum(np.tanh(value) + x)

    with pytest.raises(RuntimeError, match="changed"):
        grad(function)(x)


def test_lists_beside():
    """Elements and parts that wait for their array beside a stretch."""
    x, y = points()
    same(lambda x, y: np.sum(np.tanh(x) * x + y) + x[3] * y[5] + np.sum(x[10:20]), x, y)


def test_several_threads():
    x, y = points(shape=(40_000,))
    gradient = value_and_grad(
        lambda x: np.sum(np.sin(x) * np.exp(-x * x) + np.tanh(x) / (1 + x**2))
    )
    expected = [gradient(x)[1], gradient(y)[1]]
    wrong = []

    def work(which):
        for _ in range(40):
            if not numpy.array_equal(gradient([x, y][which])[1], expected[which]):
                wrong.append(which)

    threads = [threading.Thread(target=work, args=(k % 2,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
