"""Products of matrices whose cotangent repeats a line, as that of a sum does."""

from __future__ import annotations

from typing import Any

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import grad, jit, make_vjp, value_and_grad


@pytest.mark.parametrize("product", [np.dot, np.matmul])
@pytest.mark.parametrize("dtype", [onp.float64, onp.float32, onp.complex128])
@pytest.mark.parametrize("shape", [(30, 20, 40), (2, 90, 50), (64, 1, 200), (90, 100, 2)])
def test_cotangents_of_one_row_or_column(product: Any, dtype: Any, shape: Any) -> None:
    """A product with what a sum repeats is one with a vector: as if it were written out."""
    m, k, n = shape
    rng = onp.random.default_rng(3)
    a, b = (rng.standard_normal(s).astype(dtype) for s in ((m, k), (k, n)))
    vjp, ans = make_vjp(product, (0, 1))(a, b)
    lines = rng.standard_normal((m, 1)), rng.standard_normal((1, n)), onp.ones((1, 1))
    for line in lines:
        g = onp.broadcast_to(line.astype(dtype), ans.shape)
        for own, other, operand in zip(vjp(g), vjp(g.copy()), (a, b)):
            assert own.shape == operand.shape and own.dtype == dtype
            tolerance = 1e-4 if dtype is onp.float32 else 1e-11
            onp.testing.assert_allclose(own, other, rtol=tolerance, atol=tolerance)
            own += 1.0  # the caller's own


@pytest.mark.parametrize("product", [np.dot, np.matmul])
def test_sums_of_products_at_higher_orders(product: Any) -> None:
    rng = onp.random.default_rng(4)
    a, b = rng.standard_normal((30, 20)), rng.standard_normal((20, 40))
    weights = rng.standard_normal(40)

    def gradients(reduce: Any) -> Any:
        first = lambda a, b: np.sum(reduce(product(np.sin(a), b * b)))
        by_a, by_b = grad(first, 0), grad(first, 1)
        mixed = grad(lambda a, b: np.sum(by_a(a, b) * a) + np.sum(by_b(a, b) ** 2), (0, 1))
        return by_a(a, b), by_b(a, b), *mixed(a, b)

    ones = onp.ones((30, 40))  # written out: no line of the cotangent is seen as the next one
    for short, long in (
        (lambda y: np.sum(y), lambda y: np.sum(y * ones)),
        (lambda y: np.sum(y, axis=0) * weights, lambda y: np.sum(y * (ones * weights))),
        (lambda y: np.sum(y, axis=1) ** 2, lambda y: np.sum(y * ones, axis=1) ** 2),
    ):
        for own, other in zip(gradients(short), gradients(long)):
            onp.testing.assert_allclose(own, other, rtol=1e-9, atol=1e-9)


def test_sums_of_products_with_whole_numbers() -> None:
    """What is summed before it is multiplied does not leave the range of its type."""
    whole = onp.full((40, 30), 100, onp.int8)
    x = onp.ones((30, 20))
    onp.testing.assert_array_equal(grad(lambda x: np.sum(whole @ x))(x), onp.full(x.shape, 4000.0))
    huge = onp.full((40, 30), 2**62)
    slope = grad(lambda x: np.sum(huge @ x))(x)
    onp.testing.assert_allclose(slope, onp.full(x.shape, 40 * 2.0**62))


def test_programs_take_it_as_well() -> None:
    rng = onp.random.default_rng(5)
    a, b = rng.standard_normal((30, 20)), rng.standard_normal((20, 40))
    for reduce in (np.sum, lambda y: np.sum(np.sum(y, axis=0) ** 2), np.mean):
        eager = value_and_grad(lambda a, b: reduce(np.dot(a, b)), (0, 1))
        program = jit(eager)
        for _ in range(6):
            a = a + 0.1
            for own, other in zip(program(a, b)[1], eager(a, b)[1]):
                onp.testing.assert_allclose(own, other, rtol=1e-12)
