"""Gradients: of numbers, arrays, complex numbers, by several arguments, of independent outputs."""

import warnings

import autograd
import autograd.numpy as anp
import numpy as onp
import pytest
from known_derivatives import X, close, cube, energy, energy_gradient, field, field_jacobian

import fastad
import fastad.numpy as np
from fastad import (
    deriv,
    egrad,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    holomorphic_grad,
    jacobian,
    make_jvp,
    multigrad_dict,
    value_and_grad,
)


def test_grad_of_a_float_is_a_numpy_scalar():
    g = grad(cube)(2.0)
    assert g == 12.0
    assert type(g) is onp.float64


@pytest.mark.parametrize("dtype", [onp.float16, onp.float32, onp.float64, onp.longdouble])
def test_gradient_has_the_arguments_dtype_and_shape(dtype):
    x = onp.ones((2, 3), dtype)
    g = grad(lambda x: np.sum(x * x))(x)
    assert type(g) is onp.ndarray
    assert g.dtype == dtype
    close(g.astype(float), 2 * onp.ones((2, 3)))


@pytest.mark.parametrize("dtype", [onp.float32, onp.float64, onp.longdouble])
def test_gradient_of_a_numpy_scalar_is_one_of_its_type(dtype):
    g = grad(cube)(dtype(2))
    assert type(g) is dtype
    assert g == 12


def test_gradient_of_a_0d_array_is_a_0d_array():
    g = grad(lambda x: x * x)(onp.array(3.0))
    assert type(g) is onp.ndarray
    assert g.shape == ()
    assert g == 6.0


def test_gradient_of_an_integer_array_is_float64():
    g = grad(lambda x: np.sum(x**2 * 0.5))(onp.array([1, 2, 3]))
    assert g.dtype == onp.float64
    close(g, [1.0, 2.0, 3.0])


def test_gradient_does_not_share_memory_with_the_argument():
    x = X.copy()
    g = grad(lambda x: np.sum(x * x) / 2)(x)
    g += 1
    close(x, X)


def test_strided_argument():
    x = onp.arange(12.0).reshape(3, 4).T[::2, ::-1]
    close(grad(lambda x: np.sum(x**2))(x), 2 * x)


def test_output_of_one_element_counts_as_scalar():
    close(grad(lambda x: x**2)(onp.array([3.0])), [6.0])
    close(grad(lambda x: x**2)(onp.array([[3.0]])), [[6.0]])


def test_derivatives_of_tanh_to_the_sixth():
    f, expected = np.tanh, autograd.numpy.tanh
    for _ in range(6):
        f, expected = egrad(f), autograd.elementwise_grad(expected)
        close(f(X), expected(X), rtol=1e-10)


def test_argnum():
    def f(x, y, z):
        return x * y**2 * z**3

    assert grad(f, 1)(2.0, 3.0, 4.0) == 2 * 2 * 3 * 64
    assert grad(f, -1)(2.0, 3.0, 4.0) == 2 * 9 * 3 * 16
    assert grad(f, onp.int64(2))(2.0, 3.0, 4.0) == 2 * 9 * 3 * 16
    g = grad(f, (0, 2))(2.0, 3.0, 4.0)
    assert isinstance(g, tuple)
    assert g == (9 * 64, 2 * 9 * 3 * 16)
    assert grad(f, [2, 0])(2.0, 3.0, 4.0) == (2 * 9 * 3 * 16, 9 * 64)


def test_argnum_as_a_name():
    def f(x, y=3.0, *, z=1.0):
        return x * y**2 * z

    assert grad(f, "y")(2.0, 5.0) == 20.0
    assert grad(f, "y")(2.0, y=5.0) == 20.0
    assert grad(f, "y")(2.0) == 12.0
    assert grad(f, "z")(2.0, z=2.0) == 18.0
    assert grad(f, ("x", "z"))(2.0, z=2.0) == (18.0, 18.0)
    assert grad(f)(x=2.0) == 9.0
    assert grad(f, 1)(2.0, y=5.0) == 20.0


def test_keyword_arguments_reach_the_function():
    assert grad(lambda x, power=2: x**power)(3.0, power=3) == 27.0


def test_value_and_grad():
    value, g = value_and_grad(energy)(X)
    close(value, energy(X))
    close(g, energy_gradient(X))
    assert not isinstance(value, fastad.extend.Box)


def test_has_aux():
    def f(x):
        y = x * x
        return np.sum(y), {"square": y, "name": "kept"}

    g, aux = grad(f, has_aux=True)(X)
    close(g, 2 * X)
    close(aux["square"], X * X)
    assert type(aux["square"]) is onp.ndarray
    assert aux["name"] == "kept"
    (value, aux), g = value_and_grad(f, has_aux=True)(X)
    close(value, onp.sum(X * X))
    close(g, 2 * X)


def test_grad_and_aux():
    g, aux = grad_and_aux(lambda x: (np.sum(x**2), x * 2.0))(X)
    close(g, 2 * X)
    close(aux, 2 * X)
    assert type(aux) is onp.ndarray
    g, aux = grad_and_aux(lambda x: [np.sum(x**2), "anything"])(X)
    assert aux == "anything"


def test_grad_named():
    assert grad_named(lambda a, b, c: a + b**2 + c**3, "b")(1.0, 2.0, 3.0) == 4.0


def test_multigrad_dict():
    def f(a, b=2.0, *rest, scale=3.0, **named):
        return a * b * rest[0] * scale + named["e"] ** 2

    g = multigrad_dict(f)(1.0, 2.0, 5.0, e=4.0)
    assert list(g) == ["a", "b", "rest", "scale", "named"]
    assert g["a"] == 30.0
    assert g["b"] == 15.0
    assert g["rest"] == (6.0,)
    assert g["scale"] == 10.0
    assert g["named"] == {"e": 8.0}
    assert dict(multigrad_dict(lambda x, y: x * y)(y=2.0, x=3.0)) == {"x": 2.0, "y": 3.0}


def test_elementwise_grad():
    close(elementwise_grad(np.exp)(X), onp.exp(X))
    assert elementwise_grad is egrad
    # Not elementwise: the columns of the Jacobian, summed.
    close(egrad(field)(X), field_jacobian(X).sum(0))


def test_deriv():
    close(deriv(cube)(2.0), 12.0)
    close(deriv(field)(X), field_jacobian(X).sum(1))
    assert deriv(deriv(cube))(2.0) == 12.0


def test_convention_for_complex_arguments_is_autograds():
    z = 0.7 - 1.1j

    def real_part(np):
        return lambda z: np.real(np.exp(z) * z**2)

    close(grad(real_part(np))(z), autograd.grad(real_part(anp))(z))
    # d/dx - i d/dy of |z|^2 = 2 conj(z)
    close(grad(lambda z: np.abs(z) ** 2)(z), 2 * onp.conj(z))


def test_holomorphic_grad():
    z = 0.7 - 1.1j
    close(holomorphic_grad(lambda z: np.sin(z) ** 2)(z), 2 * onp.sin(z) * onp.cos(z))
    close(holomorphic_grad(holomorphic_grad(lambda z: z**3))(z), 6 * z)
    with pytest.warns(UserWarning, match="not complex"):
        assert holomorphic_grad(lambda x: x**2)(3.0) == 6.0


def test_jacobian_of_a_complex_function():
    z = X + 1j * X[::-1]
    close(jacobian(np.exp)(z), onp.diag(onp.exp(z)))
    close(jacobian(lambda t: np.exp(1j * t))(X), onp.diag(1j * onp.exp(1j * X)))
    close(jacobian(lambda t: np.exp(1j * t))(0.4), 1j * onp.exp(0.4j))


def test_the_warning_of_an_independent_output_is_at_the_users_line():
    with pytest.warns(UserWarning, match="independent") as record:
        grad(lambda x: 1.0)(X)
    assert record[0].filename == __file__


def test_output_independent_of_input_warns_and_gives_zeros():
    with pytest.warns(UserWarning, match="Output seems independent of input"):
        close(grad(lambda x: 1.0)(X), onp.zeros(3))
    with pytest.warns(UserWarning, match="independent"):
        assert grad(lambda x: 3.0)(1.0) == 0.0
    with pytest.warns(UserWarning, match="independent"):
        close(jacobian(lambda x: onp.ones(2))(X), onp.zeros((2, 3)))
    with pytest.warns(UserWarning, match="independent"):
        value, tangent = make_jvp(lambda x: onp.ones(2))(X)(X)
        close(tangent, onp.zeros(2))
    with pytest.warns(UserWarning, match="independent"):
        assert grad(lambda p: 1.0)({"a": 1.0, "b": [2.0]}) == {"a": 0.0, "b": [0.0]}


def test_partly_independent_output_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert grad(lambda p: p[0] ** 2)((3.0, 4.0)) == (6.0, 0.0)
