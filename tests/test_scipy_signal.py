"""`fastad.scipy.signal`: convolutions in every mode, by SciPy's and by autograd's arguments."""

from __future__ import annotations

import numpy as onp
import pytest

scipy_signal = pytest.importorskip("scipy.signal")

import fastad.numpy as np  # noqa: E402
import fastad.scipy.signal as signal  # noqa: E402
from fastad import grad, jacobian, make_vjp  # noqa: E402
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
    with pytest.raises(NotImplementedError, match="medfilt"):
        grad(lambda x: signal.medfilt(x)[0])(onp.ones(9))
    with pytest.raises(TypeError, match="convolve"):
        signal.convolve(onp.ones(3), onp.ones(2), foo=1)


# ---- two dimensions, filters ---------------------------------------------------------------------


def same(name, *args, order=2, part=None, wrt=None, **options):
    """SciPy's value, and derivatives by the arguments of these numbers."""

    def call(module):
        def function(*args):
            result = getattr(module, name)(*args, **options)
            return result if part is None else result[part]

        return function

    onp.testing.assert_array_equal(make_vjp(call(signal))(*args)[1], call(scipy_signal)(*args))
    check_grads(call(signal), tuple(range(len(args))) if wrt is None else wrt, order=order)(*args)


@pytest.mark.parametrize("name", ["convolve2d", "correlate2d"])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_two_dimensions(name, mode, random):
    a, b = random.standard_normal((4, 5)), random.standard_normal((2, 3))
    for boundary in ("fill", "wrap", "symm"):
        function = lambda m, a, b, boundary=boundary: getattr(m, name)(a, b, mode, boundary)
        for pair in ((a, b), (a, b + 1j * b[::-1]), (b, a) if mode == "valid" else (a, a)):
            onp.testing.assert_allclose(
                function(signal, *pair),
                make_vjp(lambda a: function(signal, a, pair[1]))(pair[0])[1],
            )
            # What the derivative is taken of is what SciPy computes.
            check_grads(lambda a, b: function(signal, a, b), (0, 1), order=2)(*pair)
    check_grads(lambda c: getattr(signal, name)(a, b, mode, "fill", c), order=1)(0.7)


B, DENOMINATOR = onp.array([0.5, 0.2, -0.1]), onp.array([1.7, -0.6, 0.2])


def test_lfilter(random):
    x = random.standard_normal((2, 6))
    same("lfilter", B, DENOMINATOR, x)
    same("lfilter", B, DENOMINATOR[:1], x, axis=0)
    same("lfilter", B[:1], DENOMINATOR, x, axis=0)
    same("lfilter", B, DENOMINATOR, x[0] + 1j * x[1])
    state = random.standard_normal((2, 2))
    for part in range(2):
        for signals in (x, x[:, :1]):
            value = lambda b, a, x, z, part=part: signal.lfilter(b, a, x, zi=z)[part]
            theirs = scipy_signal.lfilter(B, DENOMINATOR, signals, zi=state)[part]
            got = make_vjp(value)(B, DENOMINATOR, signals, state)[1]
            onp.testing.assert_array_equal(got, theirs)
            check_grads(value, (0, 1, 2, 3), order=2)(B, DENOMINATOR, signals, state)

    # A signal in pieces is the signal as a whole.
    def pieces(x):
        first, left = signal.lfilter(B, DENOMINATOR, x[:3], zi=onp.zeros(2))
        return np.concatenate([first, signal.lfilter(B, DENOMINATOR, x[3:], zi=left)[0]])

    onp.testing.assert_allclose(
        jacobian(pieces)(x[0]),
        jacobian(lambda x: signal.lfilter(B, DENOMINATOR, x))(x[0]),
        atol=1e-14,
    )


def test_sosfilt(random):
    sections = scipy_signal.butter(4, 0.3, output="sos") + 0.01
    sections[:, 3] = 1
    x, state = random.standard_normal((2, 7)), random.standard_normal((2, 2, 2))
    same("sosfilt", sections, x, order=1, wrt=1)
    # The first coefficient of a denominator must be one, so it is not varied.
    rest = lambda c, x: signal.sosfilt(np.concatenate([c[:, :3], onp.ones((2, 1)), c[:, 3:]], 1), x)
    coefficients = onp.delete(sections, 3, axis=1)
    onp.testing.assert_allclose(rest(coefficients, x), scipy_signal.sosfilt(sections, x))
    check_grads(rest, (0, 1), order=2)(coefficients, x)
    for part in range(2):
        same("sosfilt", sections, x, part=part, order=1, wrt=1, zi=state)
        check_grads(lambda z, p=part: signal.sosfilt(sections, x, zi=z)[p], order=1)(state)


@pytest.mark.parametrize("mode", ["interp", "mirror", "nearest", "wrap", "constant"])
def test_savgol_filter(mode, random):
    x = random.standard_normal((2, 9))
    for options in ({}, {"deriv": 1, "delta": 0.3}, {"axis": 0}):
        signals = x.T if "axis" in options else x
        function = lambda x, o=options: signal.savgol_filter(x, 5, 2, mode=mode, **o)
        theirs = scipy_signal.savgol_filter(signals, 5, 2, mode=mode, **options)
        onp.testing.assert_array_equal(make_vjp(function)(signals)[1], theirs)
        check_grads(function, order=1)(signals)
    with pytest.raises(NotImplementedError, match="delta"):
        grad(lambda d: np.sum(signal.savgol_filter(x, 5, 2, 1, d)))(1.0)


@pytest.mark.parametrize("length", [6, 7])
def test_hilbert(length, random):
    x = random.standard_normal((2, length))
    for options in ({}, {"N": length + 3}, {"axis": 0}):
        same("hilbert", x, order=1, **options)
    envelope = lambda x: np.abs(signal.hilbert(x))
    check_grads(envelope, order=2)(x)
