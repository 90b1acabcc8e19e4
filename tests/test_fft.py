"""Fourier transforms beyond the table's cases: adjoints, order, dtypes, parity, bad input.

Derivatives by differences, of every transform with even and odd lengths, padded and cut, in all
norms and along all axes, are tested by test_ops on the calls in calls_fft.
"""

from __future__ import annotations

import numpy as onp
import pytest
from cases import differences, directions, inner, jvp, vjp
from points import A, X, Z

import fastad.numpy as np
from fastad import _core, grad, hessian, jacobian, make_vjp

NUMPY_2 = onp.lib.NumpyVersion(onp.__version__) >= "2.0.0"
ONE_AXIS = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
SEVERAL = ["fft2", "ifft2", "fftn", "ifftn", "rfft2", "irfft2", "rfftn", "irfftn"]
OF_REAL = ("rfft", "ihfft", "rfft2", "rfftn")


def close(actual, expected, rtol=1e-10):
    onp.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol)


def points(name, *shape):
    return A(*shape) if name in OF_REAL else Z(*shape)


@pytest.mark.parametrize("norm", [None, "backward", "ortho", "forward"])
@pytest.mark.parametrize("n", [None, 1, 2, 3, 6, 7, 9])
@pytest.mark.parametrize("length", [2, 5, 6])
@pytest.mark.parametrize("name", ONE_AXIS)
def test_adjoint_of_every_length(name, length, n, norm):
    """<g, F(t)> = <F*(g), t>, and F(t) is NumPy's own transform of the tangent."""
    numpy, fastad = getattr(onp.fft, name), getattr(np.fft, name)
    x, t = points(name, length, 2), directions([points(name, length, 2)], 1)[0]
    moved = jvp(lambda x: [fastad(x, n, 0, norm)], [x], [t])[0]
    onp.testing.assert_array_equal(moved, numpy(t, n, 0, norm))
    g = directions([moved], 2)
    cotangent = vjp(lambda x: [fastad(x, n, 0, norm)], [x], g)
    assert cotangent[0].dtype == x.dtype
    close(inner(cotangent, [t]), inner(g, [moved]))


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"axes": (0, 1)},
        {"axes": (2, 0), "norm": "ortho"},
        {"s": (5, 3), "axes": (1, 2)},
        {"s": (2, 2), "axes": (-1, -3), "norm": "forward"},
    ],
    ids=str,
)
def test_adjoint_of_several_axes(name, options):
    fastad = getattr(np.fft, name)
    x, t = points(name, 2, 3, 4), directions([points(name, 2, 3, 4)], 1)[0]
    value = getattr(onp.fft, name)(x, **options)
    with _core.Tape() as tape:
        onp.testing.assert_array_equal(fastad(tape.box(x), **options)._value, value)
    moved = jvp(lambda x: [fastad(x, **options)], [x], [t])
    g = directions(moved, 2)
    close(inner(vjp(lambda x: [fastad(x, **options)], [x], g), [t]), inner(g, moved))


@pytest.mark.skipif(not NUMPY_2, reason="NumPy 1 has no s of -1")
def test_whole_lengths():
    for name in SEVERAL:
        x = points(name, 2, 4)
        function = getattr(np.fft, name)
        with _core.Tape() as tape:
            found = function(tape.box(x), (-1, 4), (0, 1))._value
        onp.testing.assert_array_equal(found, getattr(onp.fft, name)(x, (-1, 4), (0, 1)))


def test_second_order():
    def power(n, x):
        return n.sum(n.abs(n.fft.rfft(x, 7)) ** 4)

    x = A(5)
    expected = differences(lambda x: [grad(lambda x: power(np, x))(x)], [x], [onp.ones(5)])[0]
    close(hessian(lambda x: power(np, x))(x) @ onp.ones(5), expected, 1e-7)


def test_linear_helpers():
    w = onp.arange(24.0).reshape(2, 3, 4)
    for axes in (None, 1, (0, -1)):
        back = grad(lambda x, axes=axes: np.sum(w * np.fft.fftshift(x, axes)))(X)
        onp.testing.assert_array_equal(back, onp.fft.ifftshift(w, axes))
        back = grad(lambda x, axes=axes: np.sum(w * np.fft.ifftshift(x, axes)))(X)
        onp.testing.assert_array_equal(back, onp.fft.fftshift(w, axes))
    close(grad(lambda d: np.fft.fftfreq(5, d)[1])(0.5), -0.8)
    close(grad(lambda d: np.fft.rfftfreq(5, d=d)[1])(0.5), -0.8)


@pytest.mark.skipif(not NUMPY_2, reason="NumPy 1 transforms in double precision only")
@pytest.mark.parametrize("name", [*ONE_AXIS, *SEVERAL])
def test_single_precision_stays(name):
    x = points(name, 3, 4).astype("float32" if name in OF_REAL else "complex64")
    value = getattr(onp.fft, name)(x)
    with _core.Tape() as tape:
        box = tape.box(x)
        found = getattr(np.fft, name)(box)
        assert found.dtype == value.dtype
        assert tape.sweep([found], [value], [box])[0].dtype == x.dtype


def test_keywords_and_numpys_own_functions():
    x = A(5)
    expected = grad(lambda x: np.sum(np.abs(np.fft.fft(x, 4))))(x)
    close(grad(lambda x: np.sum(np.abs(np.fft.fft(a=x, n=4, axis=-1))))(x), expected)
    close(grad(lambda x: np.sum(np.abs(onp.fft.fft(x, 4))))(x), expected)


BAD = [
    ("fft", onp.array(1.5), ()),
    ("fft", onp.ones((0,)), ()),
    ("fft", A(3), (0,)),
    ("fft", A(3), (-2,)),
    ("fft", A(3), (None, 2)),
    ("fft", A(3), (None, -1, "other")),
    ("fft", A(3), (2.5,)),
    ("rfft", Z(3), ()),
    ("irfft", A(1), ()),
    ("hfft", A(3), (None, -1, "other")),
    ("fft2", A(3), ()),
    ("fftn", A(2, 3), ((2, 2), (0,))),
    ("fftn", A(2, 3), (None, (0, 5))),
    ("rfftn", A(2, 3), (None, ())),
    ("irfft2", A(2), ()),
    ("fftshift", A(2, 3), (5,)),
]


@pytest.mark.parametrize("name, x, args", BAD)
def test_bad_input_is_numpys_error(name, x, args):
    with _core.Tape() as tape:
        box = tape.box(x)
        try:
            expected = getattr(onp.fft, name)(x, *args)
        except Exception as error:
            with pytest.raises(type(error)) as raised:
                getattr(np.fft, name)(box, *args)
            assert str(raised.value) == str(error)
        else:
            found = getattr(np.fft, name)(box, *args)
            onp.testing.assert_array_equal(_core.getval(found), expected)
    close(grad(lambda x: np.real(np.fft.fft(x)[0]))(A(3)), onp.ones(3))


def test_out_is_refused():
    if NUMPY_2:
        with _core.Tape() as tape, pytest.raises(TypeError, match="out.*fastad"):
            np.fft.fft(tape.box(A(3)), out=onp.zeros(3, complex))


@pytest.mark.parametrize("name", ["fft", "ifft", "fft2", "ifft2", "fftn", "ifftn", "rfft", "irfft"])
def test_parity_with_autograd(name):
    autograd = pytest.importorskip("autograd")
    import autograd.numpy as anp

    x = A(4, 6) if name == "rfft" else Z(4, 6)
    f = lambda n: lambda x: n.sum(n.abs(getattr(n.fft, name)(x)) ** 3)
    if name == "irfft":  # of what comes from real values
        f = lambda n: lambda x: n.sum(n.abs(n.fft.irfft(n.fft.rfft(n.real(x)))) ** 3)
    close(grad(f(np))(x), autograd.grad(f(anp))(x))


# ---- random --------------------------------------------------------------------------------------


def test_random_passes_through():
    np.random.seed(3)
    drawn = np.random.normal(size=4)
    onp.random.seed(3)
    onp.testing.assert_array_equal(drawn, onp.random.normal(size=4))
    assert np.random.default_rng(1).random() == onp.random.default_rng(1).random()


def test_random_order_of_traced_values():
    x, w = A(5), onp.arange(5.0)
    for name in ("permutation", "choice"):
        np.random.seed(1)
        expected = getattr(onp.random, name)(onp.arange(5))
        np.random.seed(1)
        gradient = grad(lambda x, name=name: np.sum(getattr(np.random, name)(x) * w))
        if name == "permutation":
            onp.testing.assert_array_equal(gradient(x)[expected], w)
        else:
            assert grad(lambda x: np.sum(np.random.choice(x, 7)))(x).sum() == 7


@pytest.mark.parametrize("name", ["normal", "gamma", "rand", "shuffle", "permutation"])
def test_traced_parameters_are_refused(name):
    with pytest.raises(TypeError, match=f"{name}.*fastad"):
        grad(lambda x: np.sum(getattr(np.random, name)(x)))(2.0)


# ---- Jacobians -----------------------------------------------------------------------------------


def _filtered(x):
    """Low frequencies of a real signal, by their size and as a signal again."""
    spectrum = np.fft.rfft(x)
    kept = spectrum * onp.exp(-onp.arange(spectrum.shape[-1]))
    return np.concatenate(
        [np.fft.irfft(kept, x.shape[-1]), np.abs(spectrum), np.real(kept)], axis=-1
    )


JACOBIANS = {
    "filter": (_filtered, (9,)),
    "filter of rows": (_filtered, (2, 6)),
    "complex": (lambda x: np.real(np.fft.ifft(np.fft.fft(x) ** 2 * (1 + 2j))), (8,)),
    "padded": (lambda x: np.abs(np.fft.fft(x, 11)) ** 2, (7,)),
    "cut": (lambda x: np.imag(np.fft.fft(np.exp(x), 5)), (7,)),
    "first axis": (lambda x: np.angle(np.fft.fft(x + 3.0, axis=0)), (4, 3)),
    "two axes": (lambda x: np.real(np.fft.ifft2(np.fft.fft2(x) * (1 - 1j))), (4, 3)),
    "real, two axes": (lambda x: np.fft.irfft2(np.fft.rfft2(x) * (0.5 + 1j), (4, 3)), (4, 3)),
    "shifted": (lambda x: np.abs(np.fft.fftshift(np.fft.fft(x))), (7,)),
    "hermitian": (lambda x: np.fft.hfft(np.exp(1j * x)), (5,)),
    "parts": (lambda x: np.abs(np.fft.fft(x)[1:4]) + np.real(np.fft.fft(x)[[0, 2, 2]]), (6,)),
    "joined": (
        lambda x: np.abs(np.concatenate([np.fft.fft(x), 1j * x, np.fft.fft(x).reshape(2, 3)[0]])),
        (6,),
    ),
    "branches": (lambda x: np.abs(np.where(x > 0, np.fft.fft(x), 2j * x)) + np.sum(x), (6,)),
    "number": (lambda x: np.real(np.fft.fft(x) * x[0] + 1j * np.sum(x) * np.fft.fft(x)), (6,)),
    "conjugate": (lambda x: np.real(np.conj(np.fft.fft(x)) @ onp.ones((6, 4)) * (1 + 1j)), (6,)),
    "orthogonal": (lambda x: np.abs(np.fft.fft(x, norm="ortho")) ** 1.5, (6,)),
}


@pytest.mark.parametrize("name", JACOBIANS)
def test_jacobians_are_the_gradients_one_by_one(name):
    """All rows at once, and on one tape as one gradient is."""
    function, shape = JACOBIANS[name]
    x = onp.random.default_rng(5).normal(size=shape)
    vjp, value = make_vjp(function)(x)
    rows = [vjp(unit.reshape(value.shape)) for unit in onp.eye(value.size)]
    found = jacobian(function)(x)
    assert found.dtype == onp.float64
    onp.testing.assert_allclose(
        found, onp.reshape(rows, (*value.shape, *shape)), rtol=1e-11, atol=1e-12
    )


@pytest.mark.parametrize("name", ["filter", "complex", "two axes", "parts"])
def test_jacobians_sweep_all_rows_at_once(name):
    """No rule is called for one row: the batch has every one that these programs take."""
    function, shape = JACOBIANS[name]
    x = onp.random.default_rng(5).normal(size=shape)
    with _core.Tape() as tape:
        box = tape.box(x)
        out = function(box)
        seeds = onp.eye(out.size).reshape(out.size, *out.shape)
        assert tape.sweep_many([out], [seeds], [box]) is not None
