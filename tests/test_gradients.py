"""Gradients of operations whose derivative is that of another computation: `derived`."""

from __future__ import annotations

import numpy as onp
import pytest

pytest.importorskip("scipy")

import fastad.numpy as np
from fastad import grad, jacobian, make_jvp
from fastad.scipy.registry import derived
from fastad.test_util import check_grads

calls = []


def _root(a, b):
    calls.append((a, b))
    return onp.sqrt(a * b)


def _newton(ans, held, a, b):
    return ans - (ans * ans - a * b) / (2 * ans)


root = derived(_root, _newton)
pair = derived(lambda a: (onp.sin(a), onp.cos(a)), lambda ans, held, a: (np.sin(a), np.cos(a)))


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
    free = derived(lambda a, b: 2 * a, lambda ans, held, a, b: 2 * a)
    assert grad(lambda b: free(1.0, b) + b)(3.0) == 1
    assert make_jvp(lambda b: free(1.0, b) + b)(3.0)(1.0)[1] == 1
