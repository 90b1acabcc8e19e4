"""Products with Hessians, forward over reverse, against reverse over reverse and debug modes."""

import numpy as onp
import pytest

import fastad
import fastad.numpy as np
from fastad import grad, hessian_vector_product, make_hvp

random = onp.random.default_rng(3)


def shared(x):
    """One cotangent for several operands, and several for one."""
    y = x + x
    return np.sum(y * x + np.sin(y + x)) + np.sum((x - y) * y)


def rows(x):
    parts = np.reshape(x, (-1, 2))
    return np.sum((parts - parts[:1]) ** 2 * np.exp(-parts[:, 1:]))


def views(x):
    y = x[1:] * x[:-1]
    return np.sum(y + y[::-1]) ** 2 + np.sum(x[::2] ** 3)


def chain(x):
    for _ in range(4):
        x = np.tanh(x) + 0.5 * x / (1.0 + x**2)
    return np.sum(x)


def norms(x):
    return np.sum(np.hypot(x, 1.0 + x)) + np.sum(np.arctan2(x, 2.0 + x**2)) + np.sum(x**x)


def numbers(x):
    total = 0.0
    for i in range(4):
        total = total + x[i] * np.exp(x[i + 1] * total)
    return total


@pytest.mark.parametrize("f", [shared, rows, views, chain, norms, numbers])
@pytest.mark.parametrize("size", [6, 600, 40_000])
def test_the_product_is_that_of_a_gradient_of_the_gradient(f, size):
    x, v = random.uniform(0.2, 0.9, size), random.normal(size=size)
    kept = x.copy(), v.copy()
    product = hessian_vector_product(f)(x, v)
    hvp, gradient = make_hvp(f)(x)
    onp.testing.assert_allclose(product, hvp(v), rtol=1e-10, atol=1e-12)
    onp.testing.assert_allclose(gradient, grad(f)(x), rtol=1e-12)
    assert (x == kept[0]).all() and (v == kept[1]).all()
    with fastad.debug_nans():
        careful = hessian_vector_product(f)(x, v)
    onp.testing.assert_allclose(product, careful, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("f", [shared, chain])
def test_of_single_precision_and_by_containers(f):
    x = random.uniform(0.2, 0.9, 50)
    narrow = hessian_vector_product(f)(x.astype("f"), onp.ones(50, "f"))
    assert narrow.dtype == onp.float32
    onp.testing.assert_allclose(narrow, hessian_vector_product(f)(x, onp.ones(50)), rtol=2e-4)
    tree = {"a": x, "b": [2.0, x[:3]]}

    def of_tree(t):
        return f(t["a"]) * t["b"][0] + f(t["a"][:3] * t["b"][1])

    direction = {"a": x, "b": [1.0, x[:3]]}
    product = hessian_vector_product(of_tree)(tree, direction)
    expected = make_hvp(of_tree)(tree)[0](direction)
    for one, other in [
        (product["a"], expected["a"]),
        (product["b"][0], expected["b"][0]),
        (product["b"][1], expected["b"][1]),
    ]:
        onp.testing.assert_allclose(one, other, rtol=1e-10)


def test_the_third_derivative_goes_by_the_rules():
    x = random.uniform(0.2, 0.9, 7)
    v = onp.ones(7)
    third = hessian_vector_product(lambda x: np.sum(hessian_vector_product(chain)(x, v)))(x, v)
    h = 1e-4

    def second(x):
        return hessian_vector_product(chain)(x, v)

    def first(x):
        return grad(lambda x: np.sum(second(x)))(x)

    onp.testing.assert_allclose(
        third, (first(x + h) - first(x - h)) / (2 * h), rtol=1e-5, atol=1e-5
    )
