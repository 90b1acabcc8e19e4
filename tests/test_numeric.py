"""Finite differences for functions without a rule."""

import warnings

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import deriv, grad, hessian, jacobian, make_jvp
from fastad.extend import numeric

X = onp.array([0.5, -1.0, 2.0])


@pytest.fixture
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@numeric
def mystery(x, scale=1.0):
    """Sum of sines."""
    assert type(x) in (float, onp.float64, onp.float32, onp.ndarray)
    return onp.sum(onp.sin(x)) * scale


def test_plain_values_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mystery(X) == onp.sum(onp.sin(X))
        assert mystery(1.0, scale=2.0) == 2 * onp.sin(1.0)
    assert mystery.__name__ == "mystery"
    assert mystery.__doc__ == "Sum of sines."


def test_warning_names_the_users_line():
    with pytest.warns(UserWarning, match="mystery.*finite differences.*6 calls") as caught:
        grad(lambda x: mystery(x))(X)
    assert caught[0].filename == __file__
    line = open(__file__).read().splitlines()[caught[0].lineno - 1]
    assert "mystery(x)" in line
    with pytest.warns(UserWarning, match="2 calls") as caught:
        make_jvp(lambda x: mystery(x))(X)(X)
    assert caught[0].filename == __file__


def test_gradient(quiet):
    onp.testing.assert_allclose(grad(mystery)(X), onp.cos(X), rtol=1e-8)
    onp.testing.assert_allclose(
        grad(lambda x: mystery(x * x, 3.0))(0.7), 4.2 * onp.cos(0.49), rtol=1e-8
    )
    assert type(grad(mystery)(0.7)) is onp.float64
    g = grad(mystery)(X.astype("f4"))
    assert g.dtype == onp.float32
    onp.testing.assert_allclose(g, onp.cos(X), rtol=1e-3)


def test_large_arguments_take_larger_steps(quiet):
    f = numeric(lambda x: x**2)
    onp.testing.assert_allclose(grad(f)(1e8), 2e8, rtol=1e-8)
    onp.testing.assert_allclose(deriv(f)(-1e8), -2e8, rtol=1e-8)


def test_forward_mode(quiet):
    for scale in (1.0, 1e6, 1e-6):
        value, tangent = make_jvp(mystery)(X)(scale * X)
        onp.testing.assert_allclose(tangent, scale * onp.sum(onp.cos(X) * X), rtol=1e-8)
    assert value == mystery(X)
    assert make_jvp(mystery)(X)(0 * X)[1] == 0.0


def test_higher_orders(quiet):
    f = numeric(lambda x, y: onp.sin(x) * y**2)
    onp.testing.assert_allclose(grad(grad(f))(0.7, 2.0), -4 * onp.sin(0.7), rtol=1e-3)
    onp.testing.assert_allclose(grad(grad(f, 0), 1)(0.7, 2.0), 4 * onp.cos(0.7), rtol=1e-3)
    h = hessian(lambda x: np.exp(mystery(x)))(X)
    s, c = onp.exp(onp.sum(onp.sin(X))), onp.cos(X)
    onp.testing.assert_allclose(h, s * (onp.outer(c, c) - onp.diag(onp.sin(X))), atol=1e-3 * s)


def test_array_outputs(quiet):
    f = numeric(lambda a, x: a @ onp.tanh(x))
    a = onp.arange(6.0).reshape(2, 3)
    onp.testing.assert_allclose(jacobian(f, 1)(a, X), a / onp.cosh(X) ** 2, atol=1e-8)
    onp.testing.assert_allclose(
        jacobian(f, 0)(a, X), onp.einsum("ik,j->ikj", onp.eye(2), onp.tanh(X)), atol=1e-8
    )
    assert grad(lambda x: np.sum(numeric(lambda x: x * 1.0)(x)))(onp.zeros(0)).shape == (0,)


def test_step(quiet):
    f = numeric(lambda x: abs(x) * x, step=0.25)
    assert grad(f)(0.0) == 0.25


def test_a_function_of_numpys_without_a_rule(quiet):
    f = numeric(onp.nextafter)
    onp.testing.assert_allclose(grad(f)(1.0, 2.0), 1.0, rtol=1e-8)


def test_what_is_refused(quiet):
    with pytest.raises(TypeError, match="must be a function"):
        numeric(3.0)
    with pytest.raises(ValueError, match="step"):
        numeric(mystery, step=0.0)
    with pytest.raises(TypeError, match="complex"):
        grad(lambda x: np.real(numeric(lambda x: x * 2)(x)))(1j)
