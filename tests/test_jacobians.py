"""Jacobians, Hessians, products with vectors, and the compiled ways beside the general ones."""

import re
import warnings

import autograd
import autograd.numpy as anp
import numpy as onp
import pytest
from known_derivatives import (
    A,
    X,
    close,
    cube,
    energy,
    energy_gradient,
    energy_hessian,
    field,
    field_jacobian,
)

import fastad
import fastad.numpy as np
from fastad import (
    checkpoint,
    elementwise_grad,
    grad,
    hessian,
    hessian_tensor_product,
    hessian_vector_product,
    jacobian,
    jit,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_jvp_reversemode,
    make_vjp,
    tensor_jacobian_product,
    value_and_grad,
    vector_jacobian_product,
)
from fastad.test_util import check_grads


def test_jacobian():
    close(jacobian(field)(X), field_jacobian(X))


@pytest.mark.parametrize("in_shape", [(), (1,), (2,), (2, 3), (0,)])
@pytest.mark.parametrize("out_shape", [(), (1,), (4,), (2, 2), (0,)])
def test_jacobian_shapes(in_shape, out_shape):
    weights = onp.random.default_rng(0).normal(size=out_shape + in_shape)
    x = onp.full(in_shape, 0.5)
    n = len(in_shape)

    def f(x):
        return np.tensordot(weights, x, n) if n else weights * x

    j = jacobian(f)(x)
    close(j, weights)


def test_jacobian_of_scalar_to_vector():
    close(jacobian(lambda t: np.sin(t) * X)(0.5), onp.cos(0.5) * X)


def test_jacobian_traces_once():
    calls = []

    def f(x):
        calls.append(1)
        return np.sin(x)

    jacobian(f)(onp.arange(10.0))
    assert len(calls) == 1


def test_jacobian_of_many_rows():
    n = 200
    x = onp.linspace(-1, 1, n)
    close(jacobian(lambda x: np.sin(x) * np.sum(x))(x), _outer_case(x), rtol=1e-11)


def _outer_case(x):
    return onp.diag(onp.cos(x) * x.sum()) + onp.sin(x)[:, None] * onp.ones((1, len(x)))


def test_jacobian_keeps_float32():
    assert jacobian(np.sin)(X.astype(onp.float32)).dtype == onp.float32


def test_jacobian_of_containers():
    def f(p):
        return {"sum": np.sum(p["x"]) * p["s"], "scaled": p["x"] * p["s"]}

    j = jacobian(f)({"x": X, "s": 2.0})
    close(j["sum"]["x"], 2 * onp.ones(3))
    close(j["sum"]["s"], X.sum())
    close(j["scaled"]["x"], 2 * onp.eye(3))
    close(j["scaled"]["s"], X)


def test_jacobian_with_respect_to_two_arguments():
    jx, jy = jacobian(lambda x, y: x * y, (0, 1))(X, 2.0)
    close(jx, 2 * onp.eye(3))
    close(jy, X)


def test_jacobian_where_rows_are_independent_of_the_argument():
    close(jacobian(lambda x: np.array([x[0], 1.0]))(X), [[1.0, 0, 0], [0, 0, 0]])


def test_hessian():
    close(hessian(energy)(X), energy_hessian(X))
    close(jacobian(grad(energy))(X), energy_hessian(X))
    close(hessian(cube)(2.0), 12.0)
    assert hessian(field)(X).shape == (2, 3, 3)


def test_hessian_against_autograd():
    def f(np):
        return lambda x: np.sum(np.exp(np.dot(A, x))) * np.sum(x**2)

    close(hessian(f(np))(X), autograd.hessian(f(anp))(X), rtol=1e-10)


def test_third_derivative_tensor():
    t = jacobian(hessian(lambda x: np.sum(x**3)))(X)
    expected = onp.zeros((3, 3, 3))
    expected[range(3), range(3), range(3)] = 6.0
    close(t, expected)


def test_make_vjp():
    vjp, value = make_vjp(field)(X)
    close(value, onp.tanh(A @ X))
    for g in onp.eye(2):
        close(vjp(g), g @ field_jacobian(X))
    close(vjp([1, 2]), onp.array([1.0, 2.0]) @ field_jacobian(X))


def test_make_vjp_with_argnum():
    vjp, value = make_vjp(lambda a, b: a * b, 1)(2.0, X)
    close(vjp(onp.ones(3)), onp.full(3, 2.0))


def test_vjp_of_containers():
    vjp, value = make_vjp(lambda p: (p["x"] * 2.0, {"s": np.sum(p["x"])}))({"x": X})
    close(value[1]["s"], X.sum())
    close(vjp((onp.ones(3), {"s": 10.0}))["x"], onp.full(3, 12.0))


def test_vjp_is_differentiable_in_the_point_and_the_cotangent():
    def g(x, v):
        return np.sum(make_vjp(field)(x)[0](v) ** 2)

    check_grads(g, (0, 1), order=2)(X, onp.array([0.3, -0.7]))


def test_make_jvp():
    value, tangent = make_jvp(field)(X)(onp.array([1.0, 0.5, 2.0]))
    close(value, onp.tanh(A @ X))
    close(tangent, field_jacobian(X) @ [1.0, 0.5, 2.0])


def test_make_jvp_of_containers():
    jvp = make_jvp(lambda p: [p[0] * p[1], p[1]])
    value, tangent = jvp((X, 2.0))((onp.ones(3), 1.0))
    close(value[0], 2 * X)
    close(tangent[0], 2 + X)
    assert tangent[1] == 1.0


def test_make_jvp_reversemode():
    v = onp.array([1.0, 0.5, 2.0])
    close(make_jvp_reversemode(field)(X)(v), field_jacobian(X) @ v)


def test_hessian_products():
    v = onp.array([1.0, 0.5, 2.0])
    expected = energy_hessian(X) @ v
    hvp, gradient = make_hvp(energy)(X)
    close(gradient, energy_gradient(X))
    close(hvp(v), expected)
    close(hessian_vector_product(energy)(X, v), expected)
    close(hessian_tensor_product(energy)(X, v), expected)


def test_hessian_tensor_product_of_a_matrix_argument():
    m, v = A, A[::-1].copy()
    close(hessian_tensor_product(lambda m: np.sum(m**3))(m, v), 6 * m * v)


def test_hessian_vector_product_with_argnum_and_keywords():
    def f(a, x, p=2):
        return a * np.sum(x**p)

    close(hessian_vector_product(f, 1)(2.0, X, onp.ones(3), p=3), 12 * X)


def test_vector_jacobian_product():
    v = onp.array([0.5, -2.0])
    close(vector_jacobian_product(field)(X, v), v @ field_jacobian(X))
    close(tensor_jacobian_product(field)(X, v), v @ field_jacobian(X))


def test_tensor_jacobian_product_of_fewer_axes():
    def outer(np):
        return lambda x: np.outer(np.sin(x), x)

    v = onp.array([0.5, -2.0, 1.0])
    expected = autograd.tensor_jacobian_product(outer(anp))(X, v)
    close(tensor_jacobian_product(outer(np))(X, v), expected)


def test_make_ggnvp():
    v = onp.array([1.0, 0.5, 2.0])
    j = field_jacobian(X)
    close(make_ggnvp(field)(X)(v), j.T @ j @ v)

    def softplus_sum(y):
        return np.sum(np.log(1 + np.exp(y)))

    y = onp.tanh(A @ X)
    s = 1 / (1 + onp.exp(-y))
    close(make_ggnvp(field, softplus_sum)(X)(v), j.T @ (s * (1 - s) * (j @ v)))
    close(make_ggnvp(lambda a, x: field(x), f_argnum=1)(0.0, X)(v), j.T @ j @ v)


@pytest.mark.parametrize("argnum", [0, -1, 1, (0,), (0, 1), [1, 0], (-1, 0)])
@pytest.mark.parametrize("operator", [grad, value_and_grad, elementwise_grad])
def test_arguments_by_position_are_selected_as_in_general(operator, argnum):
    def f(x, y):
        return np.sum(np.sin(x) * y["w"][0] ** 2) + y["b"]

    made = operator(f, argnum)
    arguments = (X, {"w": [X + 3.0, None], "b": 0.5})
    fast, general = made(*arguments), made._general(arguments, {})
    assert repr(fast) == repr(general)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (field, X),
        (lambda x: np.sum(x**2), X),
        (lambda x: np.reshape(np.sum(x**2), (1, 1)), X),
        (lambda x: np.stack([x * 2.0, np.sin(x)]), 0.7),
        (lambda x: x**3, 0.7),
        (lambda p: np.outer(p["a"], p["b"]), {"a": X, "b": A[0], "c": (1.0, X)}),
        (lambda p: {"u": p[0] * X, "v": [p[1], 2.0]}, (0.5, A)),
        (lambda x: np.zeros((0, 2)) * np.sum(x), X),
        (lambda x: x.astype(onp.float32), X),
        (lambda x: x * 1j, X),
    ],
)
def test_rows_at_once_are_those_one_by_one(f, x, monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some have no second derivative
        at_once = jacobian(f)(x), hessian(f)(x)
        monkeypatch.setattr("fastad._impl.operators.jacobians._BATCH_BYTES", 0)
        one_by_one = jacobian(f)(x), hessian(f)(x)
    leaves, structure = fastad._core.flatten(one_by_one)
    for one, other in zip(structure.flatten_like(at_once), leaves):
        assert type(one) is type(other)
        assert onp.result_type(one) == onp.result_type(other)
        close(one, other)


def test_jacobians_at_infinite_derivatives_are_those_of_gradients():
    x = onp.array([0.0, 1.0, 4.0])
    with onp.errstate(all="ignore"):
        found = jacobian(np.sqrt)(x)
        rows = [grad(lambda x, i=i: np.sqrt(x)[i])(x) for i in range(3)]
    onp.testing.assert_array_equal(found, rows)


def test_an_argument_changed_by_the_function_gives_the_gradient_of_what_it_was():
    x = [1.0, 2.0, 3.0]

    def f(p):
        while x:
            x.pop()
        return p[0] * p[1] * p[2]

    assert [float(g) for g in grad(f)(x)] == [6.0, 3.0, 2.0]


def test_what_make_vjp_and_make_jvp_give_is_named_and_callable():
    vjp, value = make_vjp(cube)(2.0)
    assert vjp.__name__ == "vjp"
    assert make_jvp(cube)(2.0).__name__ == "jvp"
    assert (float(vjp(1.0)), float(vjp(2.0)), value) == (12.0, 24.0, 8.0)
    with pytest.raises(ValueError, match="vjp of cube: the cotangent has shape"):
        vjp(onp.ones(2))
    with pytest.raises(ValueError, match="jvp of cube: the tangent has shape"):
        make_jvp(cube)(2.0)(onp.ones(2))


@pytest.mark.parametrize(
    ("prepared", "what"),
    [
        (
            lambda: make_vjp(field)(X)[0],
            "vjp of field: the cotangent has shape (4,), but the value",
        ),
        (lambda: make_jvp(field)(X), "jvp of field: the tangent has shape (4,), but the argument"),
        (
            lambda: make_jvp_reversemode(field)(X),
            "jvp of field: the tangent has shape (4,), but the argument",
        ),
        (
            lambda: make_hvp(energy)(X)[0],
            "hvp of energy: the vector has shape (4,), but the argument",
        ),
        (
            lambda: jit(make_hvp(energy))(X)[0],
            "hvp of energy: the vector has shape (4,), but the argument",
        ),
        (
            lambda: make_ggnvp(field)(X),
            "ggnvp of field: the vector has shape (4,), but the argument",
        ),
        (
            lambda: lambda v: tensor_jacobian_product(field)(X, v),
            "tensor_jacobian_product: the tensor has shape (4,), but the value of field",
        ),
        (
            lambda: lambda v: hessian_tensor_product(energy)(X, v),
            "hessian_tensor_product: the tensor has shape (4,), the argument of energy",
        ),
    ],
)
def test_a_vector_of_another_shape_is_named_as_its_operator_names_it(prepared, what):
    with pytest.raises(ValueError, match=re.escape(what)):
        prepared()(onp.ones(4))


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (energy, X),
        (lambda x: np.sum(field(x) ** 2), X),
        (lambda p: np.sum(np.tanh(p["w"] @ X + p["b"]) ** 2) + p["c"] ** 3, None),
        (lambda x: np.linalg.slogdet(np.outer(x, x) + np.eye(3))[1], X),
        (lambda x: np.sum(np.sort(x) * np.cumsum(x)) / np.max(x), X),
        (lambda x: np.real(np.sum(np.fft.fft(x) ** 2)), X),
        (lambda x: checkpoint(energy)(x) ** 2, X),
        (lambda x: grad(lambda y: np.sum(y**3 * x))(x)[1] * x[0], X),
        (lambda x: x[0] * 2.0, X),
        (lambda x: x**3, 0.5),
        (lambda x: np.sum(x**3), X.astype(onp.float32)),
    ],
)
def test_hessian_products_forward_over_reverse_are_those_of_two_sweeps(f, x):
    if x is None:
        x = {"w": A, "b": A[:, 0] * 0.1, "c": 0.5}
    random = onp.random.default_rng(3)
    leaves, structure = fastad._core.flatten(x)
    v = structure.unflatten([onp.asarray(random.normal(size=onp.shape(x)))[()] for x in leaves])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = hessian_vector_product(f)(x, v)
        two = make_hvp(f)(x)[0](v)
        for a, b in zip(*(structure.flatten_like(found) for found in (one, two))):
            assert type(a) is type(b)
            assert onp.result_type(a) == onp.result_type(b)
            close(a, b, *((1e-5, 1e-5) if onp.result_type(a) == onp.float32 else (1e-11, 1e-12)))
        # Under a level around it.
        outer = grad(lambda x: np.sum(np.sin(structure.flatten_like(hvp(x, v))[0])))
        hvp = hessian_vector_product(f)
        one = outer(x)
        hvp = lambda x, v: make_hvp(f)(x)[0](v)
        two = outer(x)
        for a, b in zip(*(structure.flatten_like(found) for found in (one, two))):
            close(a, b, 1e-4 if onp.result_type(a) == onp.float32 else 1e-9, 1e-4)


def test_hessian_products_of_primitives_that_have_no_jvp():
    @fastad.extend.primitive
    def cubed(x):
        return x**3

    fastad.extend.defvjp(cubed, lambda ans, x: lambda g: g * 3.0 * x**2)
    f = lambda x: np.sum(cubed(x) * X)
    onp.testing.assert_allclose(hessian_vector_product(f)(X, A[0]), 6.0 * X * X * A[0])
    with pytest.raises(NotImplementedError, match="JVP of cubed wrt"):
        make_jvp(f)(X)(X)


def test_hessian_products_warn_of_an_output_that_is_linear():
    with pytest.warns(UserWarning, match="independent"):
        close(hessian_vector_product(lambda x: np.sum(x * 2.0))(X, X), onp.zeros(3))
