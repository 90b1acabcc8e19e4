"""Gradients through what programs do: steps from a value, whole numbers, elements, in place."""

from __future__ import annotations

import math

import numpy as onp
import pytest

pytest.importorskip("scipy")

import fastad.numpy as np
from fastad import grad, jacobian, jit, make_jvp, make_vjp
from fastad._core import Around
from fastad._impl.namespaces import helper
from fastad.test_util import check_grads

calls = []


def _root(a, b):
    calls.append((a, b))
    return onp.sqrt(a * b)


def _newton(ans, held, a, b):
    return ans - (ans * ans - a * b) / (2 * ans)


root = helper(_root, Around(_newton))
pair = helper(
    lambda a: (onp.sin(a), onp.cos(a)), Around(lambda ans, held, a: (np.sin(a), np.cos(a)))
)


def test_value_and_derivatives_of_every_order():
    a, b = onp.array([0.3, 2.0]), onp.array([1.5, 0.7])
    onp.testing.assert_array_equal(root(a, b), onp.sqrt(a * b))
    check_grads(root, (0, 1), order=3)(a, b)
    third = grad(grad(grad(lambda a: root(a, 2.0))))(1.5)
    onp.testing.assert_allclose(third, 3 / 8 * 2**0.5 * 1.5**-2.5)


def test_plain_values_reach_the_function_once():
    calls.clear()
    grad(lambda a: root(a, 2.0))(3.0)
    assert calls == [(3.0, 2.0)]
    assert all(type(x) is float for x in calls[0])


def test_several_results_and_those_not_asked_for():
    x = onp.array([0.2, 1.1])
    onp.testing.assert_allclose(jacobian(lambda a: pair(a)[1])(x), onp.diag(-onp.sin(x)))
    sine, cosine = make_jvp(pair)(x)(onp.ones(2))[1]
    onp.testing.assert_allclose(sine, onp.cos(x))
    onp.testing.assert_allclose(cosine, -onp.sin(x))
    check_grads(lambda a: pair(a)[0] * pair(a)[1], order=2)(x)


def test_an_argument_that_nothing_depends_on():
    free = helper(lambda a, b: 2 * a, Around(lambda ans, held, a, b: 2 * a))
    assert grad(lambda b: free(1.0, b) + b)(3.0) == 1
    assert make_jvp(lambda b: free(1.0, b) + b)(3.0)(1.0)[1] == 1


# ---- what programs do ----------------------------------------------------------------------------


def test_whole_numbers_as_arguments():
    """As arrays of whole numbers, a NumPy integer counts as a float; a Python int is refused."""
    for kind in (onp.int64, onp.int32, onp.uint8):
        got = grad(lambda x: x**2)(kind(3))
        assert got == 6
        assert type(got) is onp.float64
        assert make_jvp(lambda x: x**2)(kind(3))(1.0)[1] == 6
    assert grad(lambda d: d["a"] * d["b"])({"a": onp.int64(3), "b": 2.0}) == {"a": 2.0, "b": 3.0}
    assert jacobian(lambda x: np.array([x, x * x]))(onp.int64(2)).tolist() == [1, 4]
    with pytest.raises(TypeError, match="is the int 3"):
        grad(lambda x: x**2)(3)


def close_to_one(x):
    return 2.0 * x if math.isclose(x, 1.0, rel_tol=1e-3) else x * x


def finite_product(x):
    return 3.0 * x if not math.isnan(x) and math.isfinite(x) and not math.isinf(x) else 0.0 * x


def sine_close_to_one(x):
    return x if math.isclose(math.sin(x), 1.0) else x * x


ONE_CALL_A_LINE = """
def f(x):
    if near(x, 1.0):
        return 2.0 * x
    return x * x
"""


def test_tests_of_math_read_a_number_without_a_loss():
    for _ in range(20):  # calls are specialised by CPython after some
        for x in (1.0, 1.0005, 3.0):
            slope = 2.0 if abs(x - 1.0) < 1e-3 else 2.0 * x
            assert grad(close_to_one)(x) == slope
            assert grad(grad(close_to_one))(x) == (0.0 if abs(x - 1.0) < 1e-3 else 2.0)
            assert make_jvp(close_to_one)(x)(1.0)[1] == slope
            assert grad(finite_product)(x) == 3.0
    assert grad(finite_product)(math.inf) == 0.0


def test_another_function_beside_a_test_of_math_is_refused(tmp_path):
    with pytest.raises(TypeError, match="reads the plain number out of a traced value"):
        grad(sine_close_to_one)(1.0)
    file = tmp_path / "near.py"
    file.write_text(ONE_CALL_A_LINE)
    space = {"near": math.isclose}
    exec(compile(ONE_CALL_A_LINE, str(file), "exec"), space)
    assert grad(space["f"])(1.0) == 2.0 and grad(space["f"])(3.0) == 6.0
    space["near"] = math.atan2  # of compiled code, too
    with pytest.raises(TypeError, match="reads the plain number out of a traced value"):
        grad(space["f"])(1.0)


def test_whole_parts_of_numbers():
    """Steps, whose derivative is zero: nothing is lost."""
    whole = lambda x: x * math.floor(x) + 2 * x * math.ceil(x) + 4 * x * math.trunc(-x)
    assert grad(whole)(2.5) == 2 + 2 * 3 + 4 * -2
    assert make_jvp(whole)(2.5)(1.0)[1] == 0
    seen = []
    grad(lambda x: seen.append(math.floor(x)) or x)(1.5)
    assert type(seen[0]) is int


def test_flat():
    x = onp.arange(6.0).reshape(2, 3)

    def function(x):
        flat = x.flat
        first = next(flat)
        assert flat.index == 1
        return first * flat[5] + np.sum(flat[1:3] ** 2) + len(flat) * sum(x.flat)

    exact = lambda x: x[0, 0] * x[1, 2] + x[0, 1] ** 2 + x[0, 2] ** 2 + 6 * np.sum(x)
    onp.testing.assert_array_equal(grad(function)(x), grad(exact)(x))
    with pytest.raises(TypeError, match="assigned"):
        grad(lambda x: x.flat.__setitem__(0, 1.0))(x)


def test_jacobian_with_further_results():
    x = onp.array([1.0, 2.0])
    found, kept = jacobian(lambda x: (x**2, {"x": x, "name": "kept"}), has_aux=True)(x)
    onp.testing.assert_array_equal(found, onp.diag(2 * x))
    onp.testing.assert_array_equal(kept["x"], x)
    assert type(kept["x"]) is onp.ndarray
    assert kept["name"] == "kept"
    second = jacobian(lambda x: jacobian(lambda y: (y**3, 0), has_aux=True)(x)[0])(x)
    onp.testing.assert_array_equal(second[1, 1], [0, 12])
    with pytest.raises(TypeError, match="must return a pair"):
        jacobian(lambda x: x, has_aux=True)(x)


@pytest.mark.parametrize("mode", ["mean", "median"])
def test_pad_with_a_statistic(mode):
    x = onp.array([[0.3, 1.2, -0.7], [2.0, 0.1, 0.9]])
    for options in ({}, {"stat_length": 2}, {"stat_length": ((1, 2), (2, 3))}):
        function = lambda x, o=options: np.pad(x, ((1, 2), (0, 3)), mode, **o)
        onp.testing.assert_array_equal(
            make_vjp(function)(x)[1], onp.pad(x, ((1, 2), (0, 3)), mode, **options)
        )
        check_grads(function, order=2)(x)


def test_vectorize_and_ndenumerate():
    x = onp.array([[0.5, 1.5, -0.3]])
    branching = np.vectorize(lambda v, w=2.0: v**2 * w if v > 0 else -v)
    exact = lambda x, w: np.where(x > 0, x**2 * w, -x)
    for w in (3.0, onp.array([[1.0], [2.0]])):
        onp.testing.assert_array_equal(branching(x, w), exact(x, w))
        onp.testing.assert_allclose(
            jacobian(lambda x, w=w: branching(x, w))(x), jacobian(lambda x, w=w: exact(x, w))(x)
        )
        onp.testing.assert_allclose(
            jacobian(lambda w: branching(x, w=w))(w), jacobian(lambda w: exact(x, w))(w)
        )
    pair = np.vectorize(lambda v, k: (v * k["a"], v + 1), excluded={1})
    check_grads(lambda x: pair(x, {"a": 3.0})[0] * pair(x, {"a": 3.0})[1], order=2)(x)
    assert grad(np.vectorize(lambda v: v * v))(3.0) == 6

    weighed = lambda x: sum((place[1] + 1) * v for place, v in np.ndenumerate(x))
    onp.testing.assert_array_equal(grad(weighed)(x), [[1, 2, 3]])
    assert list(np.ndenumerate(x)) == list(onp.ndenumerate(x))
    assert isinstance(np.ndenumerate(x), onp.ndenumerate)


SIGNS = onp.array([1 + 2j, -0.5 + 0.3j, 3 - 1j, 1e-200 + 2e-200j, -2j, 0.7, 1e200 - 1e200j])
TURNED = onp.array([1.0, 1j, 0.5 - 1j, 0.0, 2.0, 1j, 0.0])


def signs_read(z):
    return np.sum(np.real(np.sign(z) * TURNED))


@pytest.mark.skipif(onp.sign(1j) != 1j, reason="NumPy 1 takes the sign of the real part")
def test_the_sign_of_a_complex_number_turns_with_it():
    pull, value = make_vjp(np.sign)(SIGNS)
    onp.testing.assert_allclose(value, onp.sign(SIGNS), rtol=1e-15)
    assert pull(onp.ones(7, complex)).shape == (7,)
    ways = onp.array([0.3 + 0.1j, -0.2j, 1.0, 0.0, 0.5, 1 - 1j, 0.0])
    h = 1e-5
    slope = (signs_read(SIGNS + h * ways) - signs_read(SIGNS - h * ways)) / (2 * h)
    onp.testing.assert_allclose(onp.sum(onp.real(grad(signs_read)(SIGNS) * ways)), slope, rtol=1e-8)
    onp.testing.assert_allclose(make_jvp(signs_read)(SIGNS)(ways)[1], slope, rtol=1e-8)
    inner = grad(signs_read)
    second = (inner(SIGNS + h * ways) - inner(SIGNS - h * ways)) / (2 * h)
    onp.testing.assert_allclose(
        make_jvp(inner)(SIGNS)(ways)[1][:3], second[:3], rtol=1e-6, atol=1e-9
    )
    fast = jit(inner)
    for k in range(5):
        onp.testing.assert_allclose(fast(SIGNS * (1 + k)), inner(SIGNS * (1 + k)), rtol=1e-12)
    assert inner(SIGNS.astype(onp.complex64)[:1]).dtype == onp.complex64


def test_the_sign_of_a_complex_number_is_numpys():
    singles = SIGNS.astype(onp.complex64)
    for z in (SIGNS, singles, SIGNS[0], singles[0], onp.array(singles[0]), 1 + 2j):
        value = make_vjp(np.sign)(z)[1]
        assert (type(value), value.dtype) == (type(onp.sign(z)), onp.sign(z).dtype)
        onp.testing.assert_array_equal(value, onp.sign(z))


def test_a_negative_base_with_a_complex_exponent():
    """Its logarithm is the complex one."""
    bases = onp.array([-2.0, 0.5, -0.3])
    exponents = onp.array([1.5 + 0.3j, -0.4j, 0.7 + 1j])
    expected = onp.log(bases + 0j) * onp.power(bases, exponents)
    for kind in (onp.float64, onp.float32, onp.longdouble):
        pull, value = make_vjp(lambda z: np.power(bases.astype(kind), z))(exponents)
        rtol = 1e-6 if kind is onp.float32 else 1e-13
        onp.testing.assert_allclose(pull(onp.ones_like(value)), expected, rtol=rtol)
    onp.testing.assert_allclose(
        make_jvp(lambda z: -(2.0**0) * (-2.0) ** z)(exponents)(onp.ones(3, complex))[1],
        -onp.log(-2.0 + 0j) * (-2.0) ** exponents,
        rtol=1e-13,
    )
    slope = lambda z: np.sum(np.real(np.float_power(bases, z) * exponents))
    check_grads(slope, order=2)(exponents)
    inner = grad(slope)
    fast = jit(inner)
    for k in range(4):
        onp.testing.assert_allclose(fast(exponents + k), inner(exponents + k), rtol=1e-12)


def test_the_next_number_moves_with_its_argument():
    x = onp.array([0.5, -2.0, 3.0])
    assert grad(lambda x: np.sum(np.nextafter(x, 9.0) * x))(x).tolist() == [
        float(a) for a in onp.nextafter(x, 9.0) + x
    ]
    assert make_jvp(lambda y: np.nextafter(x, y))(x + 1)(x)[1].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("z", [0j, complex(onp.inf, 0.0), complex(onp.nan, 1.0)])
def test_the_sign_of_a_complex_number_that_has_no_slope(z):
    with onp.errstate(invalid="ignore"):
        pull, value = make_vjp(np.sign)(z)
        onp.testing.assert_equal(value, onp.sign(z))
    assert pull(1 + 1j) == 0


def test_the_sign_of_a_real_number_is_a_constant():
    x = onp.array([0.5, -2.0, 0.0])
    assert grad(lambda x: np.sum(np.sign(x) * x))(x).tolist() == [1.0, -1.0, 0.0]
    assert make_jvp(lambda x: np.sign(x) * x)(x)(x)[1].tolist() == [0.5, 2.0, 0.0]
