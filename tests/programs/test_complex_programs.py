"""Complex numbers and single precision in programs: by loops of the host in planned memory."""

import warnings

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import _core, jit, value_and_grad


def z(shape, seed=0):
    random = onp.random.default_rng(seed)
    return random.normal(size=shape) + 1j * random.normal(size=shape)


def x(shape, seed=5):
    return onp.random.default_rng(seed).uniform(0.5, 1.5, size=shape)


UNARY = {
    name: getattr(np, name)
    for name in (
        "negative conjugate exp log sqrt square sin cos tan sinh cosh tanh arcsin arccos arctan "
        "arcsinh arccosh arctanh expm1 log1p log2 log10 reciprocal absolute real imag sign"
    ).split()
}
BINARY = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "power": lambda a, b: a**b,
}
SECOND = {
    "complex": lambda k: z((3, 4), 10 + k),
    "row": lambda k: z(4, 10 + k),
    "column": lambda k: z((3, 1), 10 + k),
    "real": lambda k: x((3, 4), 10 + k),
    "real row": lambda k: x(4, 10 + k),
    "turned": lambda k: z((4, 3), 10 + k).T,
}
REDUCTIONS = {
    "sum": lambda a: np.sum(a),
    "sum of rows": lambda a: np.sum(a, axis=1),
    "sum of columns": lambda a: np.sum(a, axis=0),
    "sum kept": lambda a: np.sum(a, axis=(0, 1), keepdims=True),
    "mean": lambda a: np.mean(a, axis=0),
    "sum of a view": lambda a: np.sum(a[:, 1:3], axis=1),
    "part of a sum": lambda a: np.real(np.sum(a * a)) + np.imag(np.sum(a)),
    "size of a sum": lambda a: np.abs(np.sum(a)) ** 2,
}
PRODUCTS = {
    "matrices": lambda a: np.dot(a, a.T),
    "matmul": lambda a: a @ np.conj(a.T),
    "vectors": lambda a: np.dot(a[0], a[1]),
    "by a vector": lambda a: np.dot(a, a[0]),
}
VIEWS = {
    "transpose": lambda a: np.transpose(a) * 2.0,
    "reshape": lambda a: np.reshape(a, (4, 3)) * 1j,
    "rows": lambda a: a[::2] * (1.0 + 2.0j),
    "taken": lambda a: a[np.array([2, 0, 0])] * 3.0,
    "joined": lambda a: np.concatenate([a, 2.0 * a]),
    "real part of a view": lambda a: np.real(a[:, ::2]) * np.imag(a[:, 1::2]),
}


def replayed(f, first, others, exactly=False, hosted=False):
    """The program of f, without a host call unless it is `hosted`: its results are those of f."""
    with warnings.catch_warnings(), onp.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        with _core.Recording() as recording:
            program = recording.finish([f(*[recording.box(a) for a in first])])
        text = str(program)
        assert hosted or " 0 host calls" in text, text
        for given in others:
            wanted, found = f(*given), program.run(list(given))
            if not onp.all(onp.isfinite(wanted)) and found == -1:
                continue  # the function itself is asked
            (found,) = found
            assert type(found) is type(wanted)
            assert onp.asarray(found).dtype == onp.asarray(wanted).dtype
            if not onp.all(onp.isfinite(wanted)):  # a view of what was given
                onp.testing.assert_array_equal(found, wanted)
                continue
            size = onp.max(onp.abs(wanted), initial=0.0)
            onp.testing.assert_allclose(found, wanted, rtol=1e-13, atol=1e-14 * size)
            if exactly:
                assert onp.asarray(found).tobytes() == onp.ascontiguousarray(wanted).tobytes()


def special(shape):
    """Arrays whose elements are zeros, infinities, no numbers, and points on branch cuts."""
    values = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 1e300, 1e-300, onp.inf, -onp.inf, onp.nan]
    for a in values:
        for b in values:
            filled = z(shape, 3)
            filled.flat[1] = complex(a, b)
            yield filled


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one(name):
    f = UNARY[name]
    others = [(z((3, 4), k),) for k in range(3)] + [(a,) for a in special((3, 4))]
    replayed(f, (z((3, 4), 9),), others, exactly=True)
    replayed(lambda a: f((a + 1.0)[:, ::2]), (z((2, 3, 4), 9),), [(z((2, 3, 4), 8),)])


@pytest.mark.parametrize("second", SECOND)
@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two(name, second):
    f, other = BINARY[name], SECOND[second]
    others = [(z((3, 4), k), other(k)) for k in range(3)]
    others += [(a, other(0)) for a in special((3, 4))]
    replayed(f, (z((3, 4), 9), other(9)), others)
    replayed(lambda b, a: f(a, b), (z((3, 4), 9), other(9)), others)


@pytest.mark.parametrize("number", [2.0, 3, -0.5, 1j, 1.5 - 2j, onp.float64(0.3), 0.0])
@pytest.mark.parametrize("name", BINARY)
def test_with_numbers(name, number):
    f = BINARY[name]
    others = [(z((3, 4), k),) for k in range(3)] + [(a,) for a in special((3, 4))]
    replayed(lambda a: f(a, number), (z((3, 4), 9),), others)
    replayed(lambda a: f(number, a), (z((3, 4), 9),), others)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("length", [2, 600])
def test_numbers_beside_real_arrays_of_the_program(name, length):
    """The array becomes complex first: until the loop is done, the number keeps its place."""
    for f in (
        lambda a: np.sin(BINARY[name](np.real(a) + 2.0, np.sum(np.sin(a) * 0.01))),
        lambda a: np.sin(BINARY[name](np.sum(np.cos(a) * 0.01), np.imag(a) + 2.0)),
    ):
        replayed(f, (z(length, 30),), [(z(length, 31 + k),) for k in range(4)])


def test_with_recorded_numbers():
    replayed(
        lambda a, b: np.exp(a * b) + b,
        (z((3, 4), 1), 0.7),
        [(z((3, 4), k), 0.1 * k) for k in range(4)],
    )


@pytest.mark.parametrize("name", REDUCTIONS | PRODUCTS | VIEWS)
def test_reductions_products_and_views(name):
    f = (REDUCTIONS | PRODUCTS | VIEWS)[name]
    others = [(z((3, 4), k),) for k in range(4)] + [(a,) for a in special((3, 4))][::7]
    replayed(f, (z((3, 4), 9),), others)


def test_large_sums():
    replayed(lambda a: np.sum(a, axis=1), (z((30, 4000)),), [(z((30, 4000), 1),)])
    replayed(lambda a: np.sum(a), (z(100_003),), [(z(100_003, 1),)])


def test_gradients_through_complex_numbers():
    def loss(a):
        w = np.exp(1j * a) * (2.0 - 1j)
        spread = np.dot(np.conj(np.reshape(w, (3, 4)).T), np.reshape(w, (3, 4)))
        return np.sum(np.abs(spread) ** 2) + np.sum(np.real(w * w)) + np.abs(np.sum(w)) ** 2

    both = value_and_grad(loss)
    step = jit(both, check="always")
    for k in range(8):
        value, slope = step(x(12, k))
        wanted, wanted_slope = both(x(12, k))
        onp.testing.assert_allclose(value, wanted, rtol=1e-12)
        onp.testing.assert_allclose(slope, wanted_slope, rtol=1e-12)
    (program,) = step.programs
    assert " 0 host calls" in str(program)


def spd(n, dtype, seed):
    a = z((n, n), seed) if dtype == "D" else onp.random.default_rng(seed).normal(size=(n, n))
    return (a @ onp.conj(a.T) + n * onp.eye(n)).astype(dtype)


LINEAR = {
    "solve": lambda a, b: np.linalg.solve(a, b),
    "inv": lambda a, b: np.linalg.inv(a),
    "cholesky": lambda a, b: np.linalg.cholesky(a),
    "eigh": lambda a, b: np.linalg.eigh(a)[0],
}


@pytest.mark.parametrize("dtype", ["f", "D"])
@pytest.mark.parametrize("name", LINEAR)
def test_linear_algebra(name, dtype):
    def arguments(k):
        right = onp.random.default_rng(k).normal(size=(5, 2)).astype(dtype)
        return spd(5, dtype, k), right

    f = LINEAR[name]
    tolerance = 1e-5 if dtype == "f" else 1e-12
    with _core.Recording() as recording:
        program = recording.finish([f(*[recording.box(a) for a in arguments(0)])])
    assert " 0 host calls" in str(program)
    for k in range(4):
        (found,) = program.run(list(arguments(k)))
        wanted = f(*arguments(k))
        assert found.dtype == wanted.dtype and found.shape == wanted.shape
        onp.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)
    singular = arguments(0)[0].copy()
    singular[:] = 0
    assert program.run([singular, arguments(0)[1]]) == -1 or name == "eigh"


@pytest.mark.parametrize("order", [None, "C", "F", "A", "K"])
@pytest.mark.parametrize("dtype", ["d", "f", "D"])
def test_what_is_no_view(order, dtype):
    """A reshape of what does not lie in order is a copy, in the order that is asked for."""
    options = {} if order is None else {"order": order}

    def f(a):
        turned = np.transpose(2 * a)
        flat = np.ravel(turned, **options)
        return flat if order == "K" else flat + np.reshape(turned, -1, **options)

    def given(k):
        return (onp.random.default_rng(k).normal(size=(3, 4)) * (1j if dtype == "D" else 1)).astype(
            dtype
        )

    with _core.Recording() as recording:
        program = recording.finish([f(recording.box(given(0)))])
    for k in range(3):
        onp.testing.assert_array_equal(program.run([given(k)])[0], f(given(k)))


def gate(t):
    return np.array([[np.exp(-0.5j * t), 0.0], [0, np.exp(0.5j * t)]])


# Numbers, real and complex, of Python's and NumPy's, taken out of arrays and put into them.
NUMBERS = {
    "python's": lambda a, t: np.exp(1j * t) * a,
    "python's alone": lambda a, t: (2.0 - 1j) * t * a[0],
    "sum of python's": lambda a, t: (1j * t + 2.0) * (t - 1j) / (3.0 + 1j * t) + np.sum(a) * 0.0,
    "negative": lambda a, t: -(1j * t) * a - (1j * t) ** 2,
    "parts": lambda a, t: np.real(1j * t * (1.0 + 2j)) + np.imag(a[1]) * np.abs(1j * t),
    "element": lambda a, t: a[2] * t + a[-1],
    "element of a view": lambda a, t: np.exp(a[::-1][1]) * np.reshape(a, (2, 2))[1, 0] * t,
    "stack": lambda a, t: np.array([a[0], t, 1j * t, 2.0, 3 - 1j, a[1] * a[2]]) * 2.0,
    "matrix": lambda a, t: np.dot(gate(t), a[:2]),
    "cast": lambda a, t: np.real(a).astype(complex) * t + np.imag(a[::2]).astype(complex)[0],
    "cast of a view": lambda a, t: np.transpose(np.reshape(np.real(a), (2, 2))).astype(complex),
}


@pytest.mark.parametrize("number", [float, onp.float64], ids=["python", "numpy"])
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name, number):
    others = [(z(4, k), number(0.3 * k - 0.4)) for k in range(6)]
    replayed(NUMBERS[name], (z(4, 9), number(0.7)), others)


def test_numbers_of_python_are_its_own():
    """The result's type is the function's, and what NumPy would only warn of is an error."""
    for f in (lambda t: 1j * t, lambda t: abs(1j * t + 1.0), lambda t: (2.0 + 1j) / (1j * t)):
        step = jit(f)
        for k in range(1, 8):
            found = step(0.5 * k)
            assert type(found) is type(f(0.5 * k)) and abs(found - f(0.5 * k)) < 1e-14
        assert step.programs
    with pytest.raises(ZeroDivisionError):
        step(0.0)


TRANSFORMS = {
    "fft": lambda x, **o: np.fft.fft(x, **o),
    "ifft": lambda x, **o: np.fft.ifft(x, **o),
    "rfft": lambda x, **o: np.fft.rfft(np.real(x), **o),
    "irfft": lambda x, **o: np.fft.irfft(x, **o),
    "irfft odd": lambda x, axis=-1, **o: np.fft.irfft(x, 2 * x.shape[axis] - 1, axis=axis, **o),
    "hfft": lambda x, **o: np.fft.hfft(x, **o),
    "ihfft": lambda x, **o: np.fft.ihfft(np.imag(x), **o),
}
OF_SEVERAL_AXES = {
    "fft2": lambda x, **o: np.fft.fft2(x, **o),
    "ifftn": lambda x, **o: np.fft.ifftn(x, **o),
    "rfft2": lambda x, **o: np.fft.rfft2(np.real(x), **o),
    "irfftn": lambda x, **o: np.fft.irfftn(x, **o),
}


def by_loops():
    from fastad.numpy.fft import transforms

    return bool(transforms._LOOPS)


@pytest.mark.skipif(not by_loops(), reason="this NumPy has no loops of transforms")
@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
@pytest.mark.parametrize("name", TRANSFORMS | OF_SEVERAL_AXES)
def test_fourier_transforms(name, norm):
    f = (TRANSFORMS | OF_SEVERAL_AXES)[name]
    for shape in ((8,), (7,), (4, 6), (5, 3)) if name in TRANSFORMS else ((4, 6), (5, 4)):
        axes = range(-len(shape), 0) if name in TRANSFORMS else [None]
        for axis in axes:
            options = {"norm": norm} if axis is None else {"norm": norm, "axis": axis}
            given = [(z(shape, k),) for k in range(4)]
            replayed(lambda a, o=options: f(a * 2.0, **o), given[0], given[1:])
            turned = [(onp.ascontiguousarray(a.T).T,) for (a,) in given]
            # Views of what does not lie in order may be the host's.
            replayed(lambda a, o=options: f(a, **o), turned[0], turned[1:], hosted=True)


def test_fourier_transforms_of_what_is_no_number():
    step = jit(lambda a: np.real(np.fft.fft(a))[0])
    for k in range(4):
        step(z(8, k))
    bad = z(8, 9)
    bad[3] = onp.nan
    assert onp.isnan(step(bad)) and step.programs


def test_gradients_through_fourier_transforms():
    wave = onp.fft.fftfreq(16)

    def loss(u):
        spectrum = np.fft.fft(u * np.exp(1j * u))
        back = np.fft.ifft(spectrum * np.exp(-0.5j * wave**2))
        return np.sum(np.abs(back) ** 4) + np.sum(np.fft.irfft(np.fft.rfft(u) ** 2) ** 2)

    both = value_and_grad(loss)
    step = jit(both, check="always")
    for k in range(8):
        value, slope = step(x(16, k))
        wanted, wanted_slope = both(x(16, k))
        onp.testing.assert_allclose(value, wanted, rtol=1e-12)
        onp.testing.assert_allclose(slope, wanted_slope, rtol=1e-12)
    (program,) = step.programs
    assert " 0 host calls" in str(program) or not by_loops()
