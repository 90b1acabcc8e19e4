"""The operators against closed forms, finite differences and installed autograd."""

import copy
import inspect
import pickle
import warnings

import autograd
import autograd.numpy as anp
import numpy as onp
import pytest
from autograd.misc.flatten import flatten as autograd_flatten

import fastad
import fastad.numpy as np
from fastad import (
    checkpoint,
    deriv,
    egrad,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    hessian,
    hessian_tensor_product,
    hessian_vector_product,
    holomorphic_grad,
    jacobian,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_jvp_reversemode,
    make_vjp,
    multigrad_dict,
    tensor_jacobian_product,
    value_and_grad,
    vector_jacobian_product,
)
from fastad.misc.fixed_points import fixed_point
from fastad.misc.flatten import flatten, flatten_func
from fastad.misc.optimizers import adam, rmsprop, sgd
from fastad.test_util import check_equivalent, check_grads, check_jvp, check_vjp, combo_check

X = onp.array([0.3, -1.2, 2.0])
A = onp.array([[1.0, 2.0, -1.0], [0.5, -0.3, 0.8]])


def close(actual, expected, rtol=1e-12, atol=1e-12):
    onp.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)
    assert onp.shape(actual) == onp.shape(expected)


def cube(x):
    """The third power."""
    return x**3


def energy(x):
    return np.sum(np.sin(x) * x**2)


def energy_gradient(x):
    return onp.cos(x) * x**2 + 2 * x * onp.sin(x)


def energy_hessian(x):
    return onp.diag(-onp.sin(x) * x**2 + 4 * x * onp.cos(x) + 2 * onp.sin(x))


def field(x):
    return np.tanh(np.dot(A, x))


def field_jacobian(x):
    return (1 - onp.tanh(A @ x) ** 2)[:, None] * A


# ---- grad


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


# ---- complex


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


# ---- Jacobians


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


# ---- products


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


# ---- checkpoint


def test_checkpoint_recomputes_in_the_backward_pass():
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(np.sin(x) ** 2)

    wrapped = checkpoint(f)
    assert wrapped(X) == f(X)
    calls.clear()
    vjp, _ = make_vjp(wrapped)(X)
    assert len(calls) == 1
    close(vjp(1.0), onp.sin(2 * X))
    assert len(calls) == 2


def test_checkpoint_at_every_order_and_mode():
    check_grads(checkpoint(lambda x: np.sin(x) * x), order=3)(X)


def test_checkpoint_of_containers_and_keywords():
    @checkpoint
    def f(p, label, *, scale=1.0):
        assert label == "kept"
        return {"y": np.sin(p["x"]) * scale, "z": (p["x"][0] * scale,)}

    def g(x, scale):
        out = f({"x": x}, "kept", scale=scale)
        return np.sum(out["y"]) + out["z"][0]

    expected = onp.cos(X) * 2
    expected[0] += 2
    close(grad(g)(X, 2.0), expected)
    close(grad(g, 1)(X, 2.0), onp.sin(X).sum() + X[0])
    check_grads(g, (0, 1), order=2)(X, 2.0)


def test_checkpoint_refuses_a_traced_closure():
    def outer(w):
        return checkpoint(lambda x: np.sum(x * w))(X * w)

    with pytest.raises(TypeError, match="checkpoint.*argument"):
        grad(outer)(2.0)


# ---- the objects that operators return


def test_names_and_signature():
    g = grad(cube)
    assert g.__name__ == autograd.grad(cube).__name__ == "grad_of_cube_wrt_argnum_0"
    assert "cube" in g.__doc__
    assert g.__wrapped__ is cube
    assert inspect.signature(g) == inspect.signature(cube)
    assert jacobian(cube, (0,)).__name__ == "jacobian_of_cube_wrt_argnum_(0,)"


@grad
def decorated(x):
    return x**4


@checkpoint
def decorated_checkpoint(x):
    return x**2


@value_and_grad
@grad
def decorated_twice(x):
    return x**3


@pytest.mark.parametrize(
    "make",
    [
        grad,
        value_and_grad,
        egrad,
        deriv,
        jacobian,
        hessian,
        multigrad_dict,
        checkpoint,
        holomorphic_grad,
    ],
)
def test_pickle(make):
    f = make(cube)
    again = pickle.loads(pickle.dumps(f))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert again(2.0) == f(2.0)
    assert again.__name__ == f.__name__


def test_pickle_with_options():
    g = pickle.loads(pickle.dumps(grad(pickled_with_aux, 1, has_aux=True)))
    assert g(2.0, 3.0) == (2.0, "aux")
    v = onp.ones(3)
    hvp = pickle.loads(pickle.dumps(hessian_vector_product(energy)))
    close(hvp(X, v), energy_hessian(X) @ v)
    ggnvp = pickle.loads(pickle.dumps(make_ggnvp(field)))
    j = field_jacobian(X)
    close(ggnvp(X)(v), j.T @ j @ v)
    assert pickle.loads(pickle.dumps(grad(grad(cube))))(2.0) == 12.0


def pickled_with_aux(x, y):
    return x * y, "aux"


@pytest.mark.parametrize("f", [decorated, decorated_checkpoint, decorated_twice])
def test_pickle_of_a_decorated_function(f):
    assert pickle.loads(pickle.dumps(f)) is f


def test_copy():
    g = grad(cube)
    assert copy.copy(g)(2.0) == copy.deepcopy(g)(2.0) == 12.0


def test_operators_bind_as_methods():
    class Model:
        weight = 3.0

        def loss(self, x):
            return self.weight * x**2

        slope = grad(loss, 1)
        both = value_and_grad(loss, argnum=1)

    assert Model().slope(2.0) == 12.0
    assert Model().both(2.0) == (12.0, 12.0)
    assert grad(Model().loss)(2.0) == 12.0


def test_operators_as_decorators_of_callables_without_a_name():
    class Square:
        def __call__(self, x):
            return x**2

    assert grad(Square())(3.0) == 6.0


# ---- test_util


def test_check_grads_finds_a_wrong_derivative():
    @fastad.extend.primitive
    def square(x):
        return x**2

    fastad.extend.defvjp(square, lambda ans, x: lambda g: g * 2 * x)
    fastad.extend.defjvp(square, lambda g, ans, x: g * 2 * x)
    check_grads(square)(3.0)
    fastad.extend.defvjp(square, lambda ans, x: lambda g: g * 3 * x)
    with pytest.raises(AssertionError):
        check_vjp(square, 3.0)
    with pytest.raises(AssertionError):
        check_grads(square, modes=["rev"], order=1)(3.0)
    check_grads(square, modes=["fwd"])(3.0)
    fastad.extend.defjvp(square, lambda g, ans, x: g * 3 * x)
    with pytest.raises(AssertionError):
        check_jvp(square, 3.0)


def test_check_grads_of_containers_and_complex():
    check_grads(lambda p: {"a": np.sin(p[0]) * p[1]["s"], "b": p[1]["s"] ** 2})((X, {"s": 2.0}))
    check_grads(lambda z: np.exp(z) * z)(1.0 - 0.5j)
    check_grads(lambda z: np.real(z * np.conj(z)))(X + 1j)


def test_check_equivalent():
    check_equivalent({"a": X}, {"a": X + 1e-12})
    with pytest.raises(AssertionError):
        check_equivalent(X, X + 1)
    with pytest.raises(AssertionError):
        check_equivalent(X, X[:2])


def test_combo_check():
    seen = []

    def f(x, y, k=1):
        seen.append(k)
        return x * y**k

    combo_check(f, (0, 1), order=1)([1.5, X], [2.0, X + 3], k=[1, 2])
    assert set(seen) == {1, 2}


def test_check_grads_rejects_an_unknown_mode():
    with pytest.raises(ValueError, match="'fwd' and 'rev'"):
        check_grads(cube, modes=["forward"])(1.0)


# ---- misc


def test_flatten_round_trip():
    value = {"b": [1.0, X], "a": (A, onp.float32(2.5)), "c": {"z": 1 + 2j}}
    vector, unflatten = flatten(value)
    expected, _ = autograd_flatten({"b": [1.0, X], "a": (A, onp.float32(2.5)), "c": {"z": 1 + 2j}})
    close(vector, expected)
    again = unflatten(vector)
    assert list(again) == list(value)
    close(again["a"][0], A)
    assert isinstance(again["a"][1], onp.float32)
    assert again["b"][0] == 1.0
    assert again["c"]["z"] == 1 + 2j


def test_flatten_is_differentiable_both_ways():
    value = [2.0, {"m": A}]
    _, unflatten = flatten(value)
    check_grads(lambda v: flatten(v)[0] ** 2)(value)
    check_grads(unflatten)(onp.arange(7.0))


def test_flatten_of_nothing():
    vector, unflatten = flatten(())
    assert vector.shape == (0,)
    assert unflatten(vector) == ()


def test_flatten_func():
    flat, unflatten, start = flatten_func(lambda p: {"y": p["x"] * 2}, {"x": X})
    close(start, X)
    close(flat(start), 2 * X)


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam"])
def test_optimizers_take_autograds_steps(name):
    import autograd.misc.optimizers as theirs

    ours = {"sgd": sgd, "rmsprop": rmsprop, "adam": adam}[name]

    def loss(np):
        return lambda p, i: np.sum((p["w"] - 1.0) ** 2) + (p["b"] - 2.0) ** 4 / (i + 1)

    start = {"w": X, "b": 0.5}
    seen = []
    got = ours(grad(loss(np)), start, lambda p, i, g: seen.append((i, sorted(p))), num_iters=20)
    expected = getattr(theirs, name)(autograd.grad(loss(anp)), start, num_iters=20)
    close(got["w"], expected["w"])
    close(got["b"], expected["b"])
    assert seen == [(i, ["b", "w"]) for i in range(20)]


def newton_sqrt(a):
    return fixed_point(
        lambda a: lambda x: 0.5 * (x + a / x), a, 1.0, lambda x, y: abs(x - y), 1e-12
    )


def test_fixed_point():
    close(newton_sqrt(2.0), onp.sqrt(2.0))
    close(grad(newton_sqrt)(2.0), 0.5 / onp.sqrt(2.0), rtol=1e-9)
    close(grad(grad(newton_sqrt))(2.0), -0.25 * 2.0**-1.5, rtol=1e-9)
    close(deriv(newton_sqrt)(2.0), 0.5 / onp.sqrt(2.0), rtol=1e-9)


def test_fixed_point_of_containers():
    def step(p):
        return lambda x: {"u": 0.5 * np.cos(x["u"]) + p["a"], "v": 0.3 * x["v"] + p["b"] * x["u"]}

    def distance(x, y):
        return np.max(np.abs(x["u"] - y["u"])) + np.max(np.abs(x["v"] - y["v"]))

    def solve(p):
        start = {"u": onp.zeros(3), "v": onp.zeros(3)}
        return np.sum(fixed_point(step, p, start, distance, 1e-13)["v"])

    p = {"a": X, "b": 2.0}
    check_grads(solve, modes=["rev"], order=1)(p)
    x = fixed_point(step, p, {"u": onp.zeros(3), "v": onp.zeros(3)}, distance, 1e-13)
    # v = b u / 0.7
    close(grad(solve)(p)["b"], x["u"].sum() / 0.7, rtol=1e-9)


# ---- an independent argument


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


# ---- the compiled ways beside the general ones


@pytest.mark.parametrize("argnum", [0, -1, 1, (0,), (0, 1), [1, 0], (0, 0), (-1, 0)])
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
