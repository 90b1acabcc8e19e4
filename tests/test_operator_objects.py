"""The objects that operators return, and checkpoint."""

import copy
import inspect
import pickle
import warnings

import autograd
import numpy as onp
import pytest
from known_derivatives import X, close, cube, energy, energy_hessian, field, field_jacobian

import fastad.numpy as np
from fastad import (
    checkpoint,
    deriv,
    egrad,
    grad,
    hessian,
    hessian_vector_product,
    holomorphic_grad,
    jacobian,
    jit,
    make_ggnvp,
    make_vjp,
    multigrad_dict,
    value_and_grad,
)
from fastad.test_util import check_grads


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


def test_checkpoint_is_passed_over_by_programs():
    """Nothing is missed there: what it closes over is seen."""

    def outer(w):
        return checkpoint(lambda x: np.sum(x * w))(X * w)

    replayed = jit(grad(outer))
    for w in (2.0, 3.0, 0.5, -1.0, 0.25):
        onp.testing.assert_allclose(replayed(w), 2.0 * w * onp.sum(X), rtol=1e-13)


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


@pytest.mark.parametrize("wrap", [grad, jit, lambda f: jit(grad(f))])
def test_deep_copy_of_an_object_has_operators_of_its_own(wrap):
    class Model:
        def __init__(self):
            self.weight = [2.0]
            self.step = wrap(self.loss)

        def loss(self, x):
            return self.weight[0] * x * x

    model = Model()
    before = [model.step(x) for x in (1.0, 2.0, 3.0, 4.0, 5.0)]
    other = copy.deepcopy(model)
    other.weight[0] = 4.0
    assert [other.step(x) for x in (1.0, 2.0, 3.0, 4.0, 5.0)] == [2 * y for y in before]
    assert [model.step(x) for x in (1.0, 2.0, 3.0, 4.0, 5.0)] == before


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
