"""Points where a function is another one than around them: ties, crossed bounds, one value."""

from __future__ import annotations

import functools
import itertools
import subprocess
import sys
import warnings
from fractions import Fraction

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import _core, grad, hessian, jacobian, jit, make_jvp, make_vjp, value_and_grad
from fastad.numpy import registry

X = onp.array([[1.0, 5.0, 2.0], [4.0, 1.0, 1.5]])
MASK = onp.array([[True, False, True], [False, False, False]])


@pytest.mark.parametrize(
    "name, sign", [("max", 1.0), ("min", -1.0), ("nanmax", 1.0), ("amin", -1.0)]
)
def test_an_initial_value_ties_with_no_replaced_one(name, sign):
    def f(initial, x):
        return np.sum(getattr(np, name)(x, axis=1, initial=initial, where=MASK))

    by_initial, by_x = grad(f, (0, 1))(3.0 * sign, sign * X)
    assert by_initial == 2.0
    onp.testing.assert_array_equal(by_x, onp.zeros((2, 3)))
    # Below every chosen value it counts where none is chosen, also if it is as far out as can be.
    for initial in (-100.0 * sign, -onp.inf * sign):
        by_initial, by_x = grad(f, (0, 1))(initial, sign * X)
        assert by_initial == 1.0
        onp.testing.assert_array_equal(by_x, [[0, 0, 1], [0, 0, 0]])
    _, tangent = make_jvp(lambda i: f(i, sign * X))(3.0 * sign)(1.0)
    assert tangent == 2.0


def test_clip_with_crossed_bounds_is_the_upper_one():
    x = onp.array([0.0, 1.5, 3.0])
    assert [
        grad(lambda b, i=i: np.sum(np.clip(x, *((b, 1.0), (2.0, b))[i])))((2.0, 1.0)[i])
        for i in (0, 1)
    ] == [0, 3]
    onp.testing.assert_array_equal(grad(lambda x: np.sum(np.clip(x, 2.0, 1.0)))(x), onp.zeros(3))
    # Bounds that broadcast, crossed in part.
    low, high = onp.array([[0.5], [2.0]]), onp.array([1.0, 4.0, 2.5])
    check = [jacobian(lambda *a: np.clip(*a), k)(x, low, high) for k in range(3)]
    steps = [1e-6 * onp.ones_like(one) for one in (x, low, high)]
    for k, (found, step) in enumerate(zip(check, steps)):
        args = [x, low, high]
        args[k] = args[k] + step
        more = onp.clip(*args)
        args[k] = args[k] - 2 * step
        numeric = (more - onp.clip(*args)) / 2e-6
        onp.testing.assert_allclose(found.sum(axis=tuple(range(2, found.ndim))), numeric, atol=1e-8)


@pytest.mark.parametrize("name", ["std", "nanstd"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_deviation_of_one_value_is_constant(name):
    x = onp.array([[1.0, 3.0, 2.0], [4.0, 1.0, 1.5], [1.0, 2.0, 3.0]])
    where = onp.array([[1, 1, 0], [0, 0, 1], [0, 0, 0]], bool)
    found = grad(lambda x: np.sum(getattr(np, name)(x, axis=1, where=where)))(x)
    onp.testing.assert_allclose(found, [[-0.5, 0.5, 0], [0, 0, 0], [0, 0, 0]])
    holes = onp.where(where, x, onp.nan)
    found = grad(lambda x: np.sum(np.nanstd(x, axis=1)))(holes)
    onp.testing.assert_allclose(found[:2], [[-0.5, 0.5, 0], [0, 0, 0]])


@pytest.mark.parametrize(
    "subscripts, shape",
    [
        ("ij->i", (3, 1)),
        ("...j->...", (3, 1)),
        ("ijk->ij", (2, 3, 1)),
        ("ii", (1, 1)),
        ("ij->", (1, 1)),
        ("iij->i", (1, 1, 1)),
        ("iij->j", (2, 2, 1)),
        ("iij->i", (2, 2, 1)),
        ("ijj->i", (3, 1, 1)),
    ],
)
def test_einsum_over_labels_of_length_one(subscripts, shape):
    x = onp.arange(1.0, 1.0 + onp.prod(shape)).reshape(shape)
    value = onp.einsum(subscripts, x)
    g = onp.arange(2.0, 2.0 + value.size).reshape(value.shape)
    vjp = make_vjp(lambda x: np.einsum(subscripts, x))(x)[0]
    basis = onp.eye(x.size).reshape(x.size, *shape)
    right = [onp.sum(g * onp.einsum(subscripts, e)) for e in basis]
    onp.testing.assert_array_equal(vjp(g), onp.reshape(right, shape))


BINARY = [
    name
    for name, kind in registry.kinds.items()
    if kind == "elementwise" and getattr(onp, name).nin == 2 and getattr(onp, name).nout == 1
]


@pytest.mark.filterwarnings("ignore:.*does not combine all of the values:RuntimeWarning")
@pytest.mark.parametrize("count", [1, 2, 3, 5, 9, 17])
@pytest.mark.parametrize("name", BINARY)
def test_value_and_gradient_of_a_reduction_belong_together(name, count):
    """NumPy's own loops for AVX-512 leave out values in between: the documented value it is."""
    x = 1.0 + 0.3 * onp.cos(onp.arange(count)) * (1.0 if count > 1 else -9.0)
    ufunc, here = getattr(onp, name), getattr(np, name)
    fold = functools.reduce(ufunc, x) if count > 1 else ufunc.reduce(x)
    value, slopes = value_and_grad(lambda x: here.reduce(x) + 0.0 * x[0])(x)
    onp.testing.assert_allclose(value, fold, rtol=1e-12)

    def moved(step):
        return functools.reduce(ufunc, x + step) if count > 1 else ufunc.reduce(x + step)

    with onp.errstate(all="ignore"):
        numeric = [(moved(e) - moved(-e)) / 2e-6 for e in 1e-6 * onp.eye(count)]
    onp.testing.assert_allclose(slopes, numeric, rtol=1e-6, atol=1e-7)
    stages = make_vjp(lambda x: here.accumulate(x))(x)[1]
    onp.testing.assert_allclose(stages[-1], fold if count > 1 else x[0], rtol=1e-12)
    assert make_vjp(lambda x: here.reduceat(x, [0]))(x)[1][0] == pytest.approx(stages[-1])


def test_hypot_of_one_value_is_its_size():
    assert value_and_grad(lambda x: np.hypot.reduce(x))(onp.array([-3.0]))[1] == [-1.0]
    assert grad(lambda x: np.hypot.reduceat(x, [0])[0])(onp.array([-3.0])) == [1.0]
    assert grad(lambda x: np.hypot.reduce(x, initial=None))(onp.array([-3.0])) == [1.0]
    assert make_vjp(lambda x: np.hypot.reduce(x[:0], axis=1))(X)[1].shape == (0,)


# ---- vectors that are not determined -------------------------------------------------------------

TWO = 2.0 * onp.eye(2)
JORDAN = onp.array([[1.0, 1.0], [0.0, 1.0]])


def through_eigh(a):
    w, v = np.linalg.eigh(a)
    return np.sum(np.dot(v * np.exp(w), v.T) * JORDAN)


def through_svd(a):
    u, s, vh = np.linalg.svd(a)
    return np.sum(np.dot(u * s, vh) * JORDAN)


@pytest.mark.parametrize(
    "f, a, text",
    [
        (through_eigh, TWO, "linalg.eigh: eigenvalues coincide"),
        (through_eigh, TWO + [[0, 0], [0, 4e-16]], "linalg.eigh: eigenvalues coincide"),
        (through_svd, TWO, "linalg.svd: singular values coincide"),
        (through_svd, onp.diag([1.0, 0.0]), "linalg.svd: .*or are zero"),
        (lambda a: np.real(np.sum(np.linalg.eig(a)[0] ** 2)), JORDAN, "linalg.eig.*defective"),
        (lambda a: np.real(np.sum(np.linalg.eigvals(a) ** 2)), JORDAN, "linalg.eigv.*defective"),
    ],
)
def test_undetermined_vectors_are_named(f, a, text):
    """No number that looks like a derivative comes without a word."""
    with pytest.warns(RuntimeWarning, match=text), onp.errstate(all="ignore"):
        grad(f)(a)
    with pytest.warns(RuntimeWarning, match=text), onp.errstate(all="ignore"):
        make_jvp(f)(a)(onp.ones((2, 2)))
    apart = onp.array([[2.0, 1.0], [1.0, 4.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert onp.all(onp.isfinite(grad(f)(apart)))
        assert onp.isfinite(make_jvp(f)(apart)(onp.ones((2, 2)))[1])


@pytest.mark.parametrize("values", [np.linalg.eigvalsh, lambda a: np.linalg.svd(a)[1]])
def test_undetermined_second_derivatives_are_named(values):
    """Of exp(w), where w coincide: a rule has the slopes exp(w), and exp'(w) along the vectors."""
    f = lambda a: np.sum(np.exp(values(a)))
    turn = onp.array([[0.0, 1.0], [1.0, 0.0]])
    with pytest.warns(RuntimeWarning, match="second derivative of a function of"):
        found = grad(lambda a: np.sum(grad(f)(a) * turn))(TWO)
    assert onp.any(onp.isnan(found))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        onp.testing.assert_allclose(grad(f)(TWO), onp.exp(2.0) * onp.eye(2), atol=1e-12)


@pytest.mark.parametrize(
    "values",
    [
        np.linalg.eigvalsh,
        lambda a: np.linalg.eigh(a)[0],
        lambda a: np.linalg.svd(a, compute_uv=False),
        lambda a: np.real(np.linalg.eigvals(a)),
        lambda a: np.real(np.linalg.eig(a)[0]),
    ],
)
@pytest.mark.parametrize("values_of", [[2.0, 2.0, 2.0], [2.0, 2.0, 3.0]])
def test_second_derivatives_where_values_are_equal_up_to_rounding(values, values_of):
    """Their divided differences have no digits: NaN and the reason, never a number."""
    turn = onp.linalg.qr(onp.array([[1.0, 2.0, 0.5], [-0.3, 1.0, 2.0], [0.7, 0.1, 1.0]]))[0]
    a = turn @ onp.diag(values_of) @ turn.T
    f = lambda a: np.sum(np.exp(values(a)))
    with pytest.warns(RuntimeWarning, match="second derivative of a function of"):
        assert onp.any(onp.isnan(hessian(f)(a)))


def test_a_defective_matrix_spoils_no_other_of_its_stack():
    stack = onp.stack([JORDAN, onp.diag([1.0, 2.0])])
    for values in (np.linalg.eigvals, lambda a: np.linalg.eig(a)[0]):
        f = lambda a, values=values: np.real(np.sum(values(a) ** 2))
        with pytest.warns(RuntimeWarning, match="defective"):
            found = grad(f)(stack)
        assert onp.all(onp.isnan(found[0]))
        onp.testing.assert_allclose(found[1], onp.diag([2.0, 4.0]))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", ["var", "std", "nanvar", "nanstd"])
@pytest.mark.parametrize("ddof", [1, 2, 3])
def test_variance_without_degrees_of_freedom_has_no_derivative(name, ddof):
    """It is NaN or infinite; values that count beside those that are left out decide."""
    x, where = onp.array([[1.0, 2.5], [0.3, 4.0]]), onp.array([[True, False], [True, True]])
    f = lambda m, x: getattr(m, name)(x, axis=1, ddof=ddof, where=where)
    value, slopes = f(onp, x), [jacobian(lambda x: f(np, x))(x)]
    slopes.append(
        onp.stack(
            [make_jvp(lambda x: f(np, x))(x)(t)[1] for t in onp.eye(4).reshape(4, 2, 2)], 1
        ).reshape(2, 2, 2)
    )
    assert not onp.isfinite(value[0])
    for slope in slopes:
        assert not onp.any(onp.isfinite(slope[0, 0, :1]))
        assert onp.all(onp.isfinite(slope[1, 1])) == onp.isfinite(value[1])


@pytest.mark.parametrize("name", ["var", "std", "nanvar", "nanstd"])
@pytest.mark.parametrize("x", [onp.array([1 + 2j, 0.5 - 1j, 3 + 0.2j]), onp.array([1.0, 2.5, 0.3])])
def test_variance_that_dtype_makes_complex(name, x):
    """It is real: the imaginary part of a cotangent does not count."""
    f = lambda x: np.imag((2 + 3j) * getattr(np, name)(x, dtype=complex))
    right = lambda x: np.real(3 * getattr(np, name)(x))
    onp.testing.assert_allclose(grad(f)(x), grad(right)(x), rtol=1e-14)
    tangent = x * (1 - 2j) if x.dtype.kind == "c" else x * x
    moved = make_jvp(f)(x)(tangent)[1]
    onp.testing.assert_allclose(moved, make_jvp(right)(x)(tangent)[1], rtol=1e-14)
    twice = [grad(lambda x, f=f: np.sum(np.real(grad(f)(x)) ** 2))(x) for f in (f, right)]
    onp.testing.assert_allclose(*twice, rtol=1e-13)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", [onp.float64, onp.float32])
@pytest.mark.parametrize("exponent", [0.5, -0.5, 1.7, 2.5])
@pytest.mark.parametrize("power", [np.power, np.float_power, lambda x, y: x**y])
def test_a_root_of_a_negative_number_has_no_slope(power, exponent, dtype):
    """In any mode, of numbers and arrays; others beside it have theirs."""
    whole = lambda x, y: np.sum(power(x, y))
    for size in (2, 9, 100):
        x, y = onp.full(size, -1.5, dtype), onp.full(size, exponent, dtype)
        x[-1] = 2.0
        slopes = [grad(whole)(x, exponent), grad(whole)(x, y), grad(whole, 1)(x, y)]
        slopes.append(make_jvp(lambda x: power(x, y))(x)(x)[1])
        for compute in (jit(grad(whole)), grad(jit(whole)), jit(lambda x, y: grad(whole)(x, y))):
            slopes += [compute(x, y) for _ in range(3)]
        slopes += make_jvp(lambda x: grad(whole)(x, y))(x)(x)
        for slope in slopes:
            assert onp.all(onp.isnan(slope[:-1])) and onp.isfinite(slope[-1])
    number = float(dtype(-1.5))
    slopes = [grad(power, k)(number, exponent) for k in (0, 1)]
    slopes += make_jvp(lambda x: grad(power)(x, exponent))(number)(1.0)
    assert onp.all(onp.isnan(slopes))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", ["std", "nanstd", "linalg.norm"])
def test_each_row_has_the_derivative_of_its_scale(name):
    """Beside rows whose squares over- or underflow, or nearly do, others have theirs."""
    rows = onp.array([[1.0, -2.5, 0.7], [3.0, 0.1, 0.4], [-1.0, 1.3, 2.2], [2.0, 1.0, -0.3]])
    f = lambda x: functools.reduce(getattr, name.split("."), np)(x, axis=1)
    t = onp.array([[0.3, 1.0, -0.5]])
    tangents = [
        make_jvp(f)(rows)(rows * t)[1],
        make_jvp(grad(lambda x: np.sum(f(x))))(rows)(rows * t)[1],
    ]
    for exponents in itertools.permutations([-1060, -600, -4, 0, 300, 511, 512, 600], 4):
        scales = onp.exp2(onp.array(exponents, float))[:, None]
        x = rows * scales
        tolerance = onp.where(scales < onp.finfo(float).tiny, 1e-2, 1e-13)
        slope = grad(lambda x: np.sum(f(x)))(x)
        right = grad(lambda x: np.sum(f(x)))(rows)
        assert onp.all(abs(slope - right) <= tolerance * onp.max(abs(right)))
        along = make_jvp(f)(x)(x * t)[1] / scales[:, 0]
        assert onp.all(abs(along - tangents[0]) <= 4 * tolerance[:, 0] * abs(tangents[0]))
        twice = make_jvp(grad(lambda x: np.sum(f(x))))(x)(x * t)[1]
        assert onp.all(abs(twice - tangents[1]) <= 8 * tolerance * onp.max(abs(tangents[1])))


# ---- kinds and types -----------------------------------------------------------------------------

KINDS = [
    2.5,
    2.5 + 1e-20j,
    onp.float64(2.5),
    onp.float32(2.5),
    onp.complex64(2.5),
    onp.array(2.5),
    onp.ones(2, "f4"),
    onp.ones((2, 1)),
    2,
]


def described(result):
    if isinstance(result, list | tuple):
        return type(result), [described(one) for one in result]
    value = _core.getval(result)
    return type(value), value.dtype, value.shape, value.tolist()


@pytest.mark.parametrize(
    "name, count",
    [("flip", 1), ("broadcast_arrays", 2), ("real_if_close", 1), ("union1d", 2), ("setxor1d", 2)],
)
def test_kinds_are_numpys(name, count):
    for args in itertools.product(KINDS, repeat=count):
        expected = described(getattr(onp, name)(*args))
        for i in range(count):
            if isinstance(args[i], int):
                continue
            with _core.Tape() as tape:
                traced = [*args[:i], tape.box(args[i]), *args[i + 1 :]]
                assert described(getattr(np, name)(*traced)) == expected, (args, i)


def test_fractions_are_numbers():
    half = Fraction(1, 2)
    calls = {
        1.0: [lambda x: x + half, lambda x: half + x, lambda x: x if half < x else -x],
        0.5: [lambda x: x * half, lambda x: half * x, lambda x: x / Fraction(2)],
        -0.5 / 9: [lambda x: half / x],
        0.5 / 3**0.5: [lambda x: x**half],
        0.125 * float(onp.log(0.5)): [lambda x: half**x],
    }
    for slope, functions in calls.items():
        for f in functions:
            assert grad(f)(3.0) == pytest.approx(slope)
            assert type(make_vjp(f)(3.0)[1]) is float
            found = grad(lambda x, f=f: np.sum(f(x)))
            if functions[-1] is not f or slope != 1.0:  # an array is no condition
                onp.testing.assert_allclose(found(onp.full(2, 3.0)), [slope] * 2)
    assert make_vjp(lambda x: x * half)(onp.ones(2, "f4"))[1].dtype == onp.float32
    with pytest.raises(TypeError):
        grad(lambda x: x * object())(3.0)


def test_importing_the_alias_loads_what_autograd_loads():
    code = """if True:
        import sys, fastad.compat
        fastad.compat.install()
        import autograd
        import fastad
        for name in ("tracer core extend builtins util wrap_util differential_operators numpy "
                "numpy.numpy_boxes numpy.linalg numpy.fft numpy.random numpy.numpy_wrapper "
                "numpy.numpy_vjps numpy.numpy_jvps numpy.numpy_vspaces").split():
            assert sys.modules["autograd." + name] is sys.modules["fastad." + name], name
            assert sys.modules["fastad." + name].__spec__.name == "fastad." + name, name
        boxes = []
        autograd.grad(lambda x: boxes.append(type(x)) or x)(1.0)
        assert getattr(sys.modules[boxes[0].__module__], boxes[0].__name__) is boxes[0]
        fastad.compat.uninstall()
        assert not any(name.startswith("autograd") for name in sys.modules)
    """
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("dtype", [float, onp.float32])
@pytest.mark.parametrize("size", [1, 3, 300])
def test_the_first_power_of_nan_has_a_slope(dtype, size):
    """As a constant exponent's: one, so that a choice beside it may multiply it by zero."""
    x, y = onp.full(size, onp.nan, dtype), onp.ones(size, dtype)
    ones = onp.ones_like(x)
    for power in (np.power, lambda x, y: x**y):
        for found in (
            grad(lambda x: np.sum(power(x, y)))(x),
            grad(lambda x: np.sum(power(x, y) * 1.0))(x),
            make_jvp(lambda x: power(x, y))(x)(ones)[1],
            [grad(power)(one, other) for one, other in zip(x, y, strict=True)],
        ):
            onp.testing.assert_array_equal(found, ones)


@pytest.mark.parametrize("power", [3, 4, 5, -1, -2, 3.0, onp.float64(-2.0), onp.int64(4)])
def test_whole_powers_by_multiplication(power):
    """The rule's products in a kernel, on a number, in forward mode and at order 2."""
    x = onp.array([0.5, -1.25, 3.0, 1e-60, -1e60, 1e80, onp.inf, -onp.inf, onp.nan, 0.0, -0.0])
    with onp.errstate(all="ignore"):
        wide = x.astype(onp.longdouble)
        first = (power * wide ** (float(power) - 1)).astype(float)
        second = (power * (power - 1) * wide ** (float(power) - 2)).astype(float)
        f = lambda x: np.sum(x**power)
        ones = onp.ones_like(x)
        for found in (
            grad(f)(x),
            [grad(f)(one) for one in x],
            [grad(f)(float(one)) for one in x if one != 0.0] + list(first[-2:]),
            make_jvp(lambda x: x**power)(x)(ones)[1],
            grad(lambda x: np.sum(np.power(x, power)))(x),
        ):
            onp.testing.assert_allclose(found, first, rtol=1e-15)
        for found in (
            grad(lambda x: np.sum(grad(f)(x)))(x)[:6],
            make_jvp(grad(f))(x)(ones)[1][:6],
        ):
            onp.testing.assert_allclose(found, second[:6], rtol=2e-15)
        narrow = x[:3].astype(onp.float32)
        assert grad(f)(narrow).dtype == onp.float32
        onp.testing.assert_allclose(grad(f)(narrow), first[:3], rtol=3e-7)
