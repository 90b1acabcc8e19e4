"""Operators in other processes: pickle, cloudpickle, and multiprocessing's spawn."""

import functools
import multiprocessing
import pickle
import subprocess
import sys

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import (
    checkpoint,
    elementwise_grad,
    grad,
    hessian,
    jacobian,
    make_vjp,
    multigrad_dict,
    value_and_grad,
)
from fastad.extend import defvjp, numeric, primitive

X = onp.array([0.5, -1.0, 2.0])


def energy(x, scale=1.0):
    return scale * np.sum(np.sin(x) * x)


def gradient(x):
    return np.sin(x) + x * np.cos(x)


@value_and_grad
def decorated(x):
    return np.sum(x * x)


class Model:
    def __init__(self, weight):
        self.weight = weight

    def loss(self, x):
        return np.sum(self.weight * x * x)


@primitive
def doubled(x):
    return 2.0 * x


defvjp(doubled, lambda ans, x: lambda g: 2.0 * g)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol(protocol):
    again = pickle.loads(pickle.dumps(grad(energy), protocol))
    onp.testing.assert_array_equal(again(X), grad(energy)(X))
    onp.testing.assert_allclose(again(X), gradient(X), rtol=1e-14)
    assert again.__wrapped__ is energy
    assert again.__name__ == "grad_of_energy_wrt_argnum_0"


@pytest.mark.parametrize(
    "make",
    [
        lambda: grad(functools.partial(energy, scale=2.0)),
        lambda: grad(Model(3.0).loss),
        lambda: grad(grad(np.tanh)),
        lambda: hessian(checkpoint(energy)),
        lambda: jacobian(doubled),
        lambda: elementwise_grad(np.sin),
        lambda: multigrad_dict(energy),
        lambda: functools.partial(grad(energy, "x"), scale=2.0),
    ],
)
def test_of_all_kinds_of_functions(make):
    f = make()
    x = 0.3 if isinstance(f(0.3), float) else X
    onp.testing.assert_equal(pickle.loads(pickle.dumps(f))(x), f(x))


def test_decorated_functions_are_found_by_name():
    assert pickle.loads(pickle.dumps(decorated)) is decorated
    assert pickle.loads(pickle.dumps(doubled)) is doubled


def test_what_cannot_be_pickled_says_so():
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(grad(lambda x: x * x))


def test_cloudpickle():
    cloudpickle = pytest.importorskip("cloudpickle")
    scale = 3.0
    f = grad(lambda x: scale * np.sum(x * x))
    text = cloudpickle.dumps((f, grad(energy), value_and_grad(f.__wrapped__, has_aux=False)))
    for loads in (cloudpickle.loads, pickle.loads):
        again, other, both = loads(text)
        onp.testing.assert_array_equal(again(X), 6.0 * X)
        onp.testing.assert_array_equal(other(X), grad(energy)(X))
        assert both(X)[0] == scale * onp.sum(X * X)


def test_cloudpickle_into_another_process():
    cloudpickle = pytest.importorskip("cloudpickle")
    scale = 3.0
    f = grad(lambda x: scale * np.sum(x * x))
    program = (
        "import pickle, sys; f = pickle.loads(sys.stdin.buffer.read()); "
        "assert f.__name__ == 'grad_of_<lambda>_wrt_argnum_0'; print(f(2.0))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=cloudpickle.dumps(f), capture_output=True, check=True
    )
    assert float(done.stdout) == 12.0


def call(f):
    return f(X)


def test_spawn():
    functions = [grad(energy), hessian(energy), value_and_grad(energy), jacobian(doubled)]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        # A process that cannot import is started anew for ever: the limit makes it a failure.
        for f, result in zip(functions, pool.map_async(call, functions).get(60)):
            onp.testing.assert_equal(result, f(X))
        onp.testing.assert_array_equal(
            pool.map_async(grad(energy), [X, 2 * X]).get(60), [grad(energy)(X), grad(energy)(2 * X)]
        )


@numeric
def rough(x):
    return onp.sum(x * x)


def test_numeric_is_found_by_name():
    assert pickle.loads(pickle.dumps(rough)) is rough


def test_make_vjp_is_picklable_but_its_result_is_not():
    vjp, value = pickle.loads(pickle.dumps(make_vjp(energy)))(X)
    assert value == energy(X)
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        pickle.dumps(vjp)
