"""Functions whose derivatives are known, for the tests of the operators."""

import numpy as onp

import fastad.numpy as np

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
