"""The same program under autograd and under fastad: values, gradients, orders, containers."""

from __future__ import annotations

import collections
import warnings

import autograd
import autograd.extend
import autograd.numpy
import numpy
import programs_of_arrays  # noqa: F401
import programs_of_numbers  # noqa: F401
import programs_of_operators  # noqa: F401
import pytest
from programs_for_both import OURS, PROGRAMS, THEIRS, assert_same, draw

import fastad
import fastad.extend
import fastad.numpy


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = PROGRAMS[name](autograd.numpy, THEIRS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = PROGRAMS[name](fastad.numpy, OURS)
    assert_same(ours, reference, name)


def test_a_plain_tuple_as_output():
    """Autograd needs its own tuple and list for this; the numbers are those of the parts."""
    x, u, v = draw(3), draw(3) + 1, draw(3) - 1
    vjp, value = fastad.make_vjp(lambda x: (fastad.numpy.sin(x), [x**2, fastad.numpy.sum(x)]))(x)
    assert isinstance(value, tuple) and isinstance(value[1], list)
    numpy.testing.assert_array_equal(value[0], numpy.sin(x))
    expected = u * numpy.cos(x) + v * 2 * x + 2.0
    numpy.testing.assert_allclose(vjp((u, [v, 2.0])), expected, rtol=1e-14)


def test_operators_and_methods_that_autograd_lacks():
    x = draw(2, 3)

    def f(np, dot, plus):
        return lambda x: np.sum(dot(plus(x), x.T))

    ours = fastad.grad(f(fastad.numpy, lambda a, b: a.dot(b), lambda a: +a))(x)
    reference = autograd.grad(f(autograd.numpy, autograd.numpy.dot, lambda a: a))(x)
    numpy.testing.assert_allclose(ours, reference, rtol=1e-13)
    a, b = draw(2, 2), draw(3, 2)
    kron = fastad.jacobian(fastad.numpy.kron)(a, b)
    for i in numpy.ndindex(2, 2):
        unit = numpy.zeros((2, 2))
        unit[i] = 1.0
        numpy.testing.assert_allclose(kron[(..., *i)], numpy.kron(unit, b), rtol=1e-14)


def test_gradients_by_name():
    def f(x, y, scale=2.0):
        return scale * fastad.numpy.sum(x * fastad.numpy.sin(y))

    gradients = fastad.differential_operators.multigrad_dict(f)(draw(3), draw(3), scale=3.0)
    numpy.testing.assert_allclose(gradients["x"], 3 * numpy.sin(draw(3)), rtol=1e-14)
    numpy.testing.assert_allclose(gradients["y"], 3 * draw(3) * numpy.cos(draw(3)), rtol=1e-14)


def test_named_tuples_come_back_as_they_went_in():
    Point = collections.namedtuple("Point", "x y")

    def f(point):
        return point.x**2 * point.y

    gradient = fastad.grad(f)(Point(3.0, 2.0))
    assert isinstance(gradient, Point)
    assert gradient == Point(12.0, 9.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_have_the_arguments_dtype(dtype):
    x = numpy.linspace(0.1, 0.9, 6, dtype=dtype).reshape(2, 3)

    def f(np):
        return lambda x: np.mean(np.tanh(x) ** 2) + np.std(x) * np.max(x)

    ours = fastad.grad(f(fastad.numpy))(x)
    reference = autograd.grad(f(autograd.numpy))(x.astype(float))
    assert ours.dtype == x.dtype and ours.shape == x.shape
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    numpy.testing.assert_allclose(ours, reference, rtol=tolerance)


@pytest.mark.parametrize("make", [lambda a: a.T, lambda a: a[::-1, ::2], numpy.asfortranarray])
def test_strides_do_not_matter(make):
    x = make(draw(4, 6))

    def f(np):
        return lambda x: np.sum(np.sin(x) * x[::-1] + np.dot(x, x.T)[0, 0])

    numpy.testing.assert_allclose(
        fastad.grad(f(fastad.numpy))(x), autograd.grad(f(autograd.numpy))(x), rtol=1e-12
    )
