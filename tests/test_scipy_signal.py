"""`fastad.scipy.signal`: convolutions in every mode, by SciPy's and by autograd's arguments."""

from __future__ import annotations

import numpy as onp
import pytest

scipy_signal = pytest.importorskip("scipy.signal")

import fastad.scipy.signal as signal  # noqa: E402
from fastad import grad, make_vjp  # noqa: E402
from fastad.test_util import check_grads  # noqa: E402

MODES = ["full", "same", "valid"]
NAMES = ["convolve", "fftconvolve", "oaconvolve", "correlate"]
SHAPES = [
    ((5,), (3,)),
    ((3,), (5,)),
    ((5, 4), (2, 3)),
    ((2, 3), (5, 4)),
    ((5, 2), (3, 4)),
    ((4,), (4,)),
    ((4,), (1,)),
    ((5,), (4,)),
]


@pytest.fixture(autouse=True)
def _seeded():
    onp.random.seed(20260101)


def check(function, theirs, *args, order=2):
    onp.testing.assert_array_equal(make_vjp(function)(*args)[1], theirs(*args))
    onp.testing.assert_array_equal(function(*args), theirs(*args))
    for i in range(len(args)):
        check_grads(function, i, order=order)(*args)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("n", "k"), SHAPES)
def test_scipys_arguments(name, mode, n, k, random):
    a, b = random.standard_normal(n), random.standard_normal(k)
    function, theirs = getattr(signal, name), getattr(scipy_signal, name)
    if mode == "valid" and (n, k) == ((5, 2), (3, 4)):  # neither contains the other
        for call in (theirs, function, lambda a, b, mode: make_vjp(function)(a, b, mode)):
            with pytest.raises(ValueError):
                call(a, b, mode)
        return
    check(lambda a, b: function(a, b, mode), lambda a, b: theirs(a, b, mode), a, b)
    a, b = a + 1j * random.standard_normal(n), b + 1j * random.standard_normal(k)
    check(lambda a, b: function(a, b, mode=mode), lambda a, b: theirs(a, b, mode), a, b, order=1)


@pytest.mark.parametrize("method", ["direct", "fft"])
@pytest.mark.parametrize("name", ["convolve", "correlate"])
def test_method(name, method, random):
    a, b = random.standard_normal((6, 5)), random.standard_normal((3, 3))
    options = {"mode": "same", "method": method}
    check(
        lambda a, b: getattr(signal, name)(a, b, **options),
        lambda a, b: getattr(scipy_signal, name)(a, b, **options),
        a,
        b,
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("n", "axes"), [((1, 5), 1), ((3, 5), [-1])])
def test_fft_along_axes(mode, n, axes, random):
    a, b = random.standard_normal(n), random.standard_normal((3, 2))
    check(
        lambda a, b: signal.fftconvolve(a, b, mode, axes=axes),
        lambda a, b: scipy_signal.fftconvolve(a, b, mode, axes=axes),
        a,
        b,
    )


PLANS = [
    ((2, 5, 3), (4, 3, 2), ([1], [1]), ([0], [2])),
    ((2, 5, 3), (4, 3), ([1, 2], [1, 0]), ([], [])),
    ((2, 5, 6, 3), (3, 4, 2, 3), ([1, 2], [2, 3]), ([3], [0])),
    ((3, 2, 5, 2), (2, 3, 3, 4), ([2], [2]), ([0, 1], [1, 0])),
    ((5, 3), (4,), ([0], [0]), ([], [])),
    ((2, 5), (2, 3), ([1], [1]), ([0], [0])),
    ((6, 3), (3,), ([], []), ([1], [0])),
    ((3, 5), (7, 3), ([1], [0]), ([], [])),
    ((3, 5), (5, 7), ([1], [1]), ([], [])),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("n", "k", "axes", "dot_axes"), PLANS)
def test_autograds_arguments(n, k, axes, dot_axes, mode, random):
    a, b = random.standard_normal(n), random.standard_normal(k)
    function = lambda a, b: signal.convolve(a, b, axes=axes, dot_axes=dot_axes, mode=mode)
    if mode == "valid" and (n, k) == ((2, 5, 3), (4, 3)):  # neither is longer along both axes
        for call in (function, make_vjp(function)):
            with pytest.raises(ValueError):
                call(a, b)
        return
    for i in (0, 1):
        check_grads(function, i, order=2)(a, b)
    onp.testing.assert_array_equal(signal.convolve(a, b, axes, dot_axes, mode), function(a, b))
    theirs = pytest.importorskip("autograd.scipy.signal")
    expected = theirs.convolve(a, b, axes=axes, dot_axes=dot_axes, mode=mode)
    onp.testing.assert_allclose(function(a, b), expected, atol=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda f: f("convolve", onp.ones(3), onp.ones((2, 2))),
        lambda f: f("convolve", onp.ones(3), onp.ones(2), "foo"),
        lambda f: f("convolve", onp.ones((3, 3)), onp.ones((2, 4)), "valid"),
        lambda f: f("fftconvolve", onp.ones((3, 3)), onp.ones((2, 4)), "valid"),
        lambda f: f("fftconvolve", onp.ones((3, 3)), onp.ones((2, 2)), axes=4),
        lambda f: f("correlate", onp.ones((3, 3)), onp.ones((2, 4)), "valid"),
    ],
)
def test_scipys_own_error(call):
    with pytest.raises(Exception) as expected:
        call(lambda name, *args, **kw: getattr(scipy_signal, name)(*args, **kw))
    for traced in (False, True):
        with pytest.raises(type(expected.value)) as got:
            call(
                lambda name, a, *args, **kw: (
                    make_vjp(lambda a: getattr(signal, name)(a, *args, **kw))(a)
                    if traced
                    else getattr(signal, name)(a, *args, **kw)
                )
            )
        assert str(got.value) == str(expected.value)


def test_without_rule():
    with pytest.raises(NotImplementedError, match="lfilter"):
        grad(lambda x: signal.lfilter([1.0], [1.0], x)[0])(onp.ones(3))
    with pytest.raises(TypeError, match="convolve"):
        signal.convolve(onp.ones(3), onp.ones(2), foo=1)
