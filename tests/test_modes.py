"""strict_zero: exact zeros contribute exact zeros, at every order and on every lane."""

import asyncio
import contextvars
import threading

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import (
    _core,
    debug_mutation,
    debug_nans,
    elementwise_grad,
    grad,
    hessian,
    jacobian,
    make_jvp,
    make_vjp,
    strict_zero,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")


def root(x):
    return np.sum(np.where(x > 0, np.sqrt(x), 0.0))


X = onp.array([4.0, 0.0, -1.0])


def test_branch_not_taken_contributes_nothing():
    assert onp.isnan(grad(root)(X)).any()  # NumPy's arithmetic: 0 * inf
    with strict_zero():
        onp.testing.assert_array_equal(grad(root)(X), [0.25, 0.0, 0.0])
    assert onp.isnan(grad(root)(X)).any()


@pytest.mark.parametrize("times", [1, 20])  # a few rows, and more than are swept one by one
def test_jacobians_have_no_batch_that_forgets(times):
    def f(x):
        return np.where(x > 0, np.sqrt(x), 0.0)

    x = onp.tile(X, times)
    slopes = onp.where(x > 0, 0.25, 0.0)
    with strict_zero():
        onp.testing.assert_array_equal(jacobian(f)(x), onp.diag(slopes))
        onp.testing.assert_array_equal(jacobian(grad(root))(x), onp.diag(-slopes / 8))
        onp.testing.assert_array_equal(hessian(root)(x), onp.diag(-slopes / 8))
        second = jacobian(jacobian(f))(x[:6])
        assert onp.isfinite(second).all()


def test_numbers():
    def f(x):
        return np.where(x > 0, np.sqrt(np.abs(x)), 0.0)

    with strict_zero():
        assert grad(f)(0.0) == 0.0
        assert grad(f)(4.0) == 0.25
        assert grad(np.sqrt)(0.0) == 0.0
    assert onp.isinf(grad(np.sqrt)(0.0))


@pytest.mark.parametrize(
    "norm",
    [
        np.linalg.norm,
        lambda x: np.sqrt(np.sum(x * x)),
        lambda x: np.sum(x**2) ** 0.5,
    ],
)
def test_subgradient_of_the_norm_at_zero(norm):
    zero = onp.zeros(3)
    with strict_zero():
        onp.testing.assert_array_equal(grad(norm)(zero), zero)
        x = onp.array([3.0, 0.0, 4.0])
        onp.testing.assert_allclose(grad(norm)(x), x / 5.0, rtol=1e-15)


def test_second_derivatives_and_jacobians():
    with strict_zero():
        onp.testing.assert_array_equal(hessian(root)(X), onp.diag([-1 / 32, 0.0, 0.0]))
        rows = jacobian(lambda x: np.where(x > 0, np.sqrt(x), 0.0))(X)
        onp.testing.assert_array_equal(rows, onp.diag([0.25, 0.0, 0.0]))


def test_same_gradients_where_nothing_is_infinite():
    def f(x):
        return np.tanh(x) * np.exp(-x * x) / (1 + x**2) + np.sqrt(2.0 + x)

    x = onp.linspace(-1, 1, 11)
    plain = elementwise_grad(f)(x)
    with strict_zero():
        onp.testing.assert_allclose(elementwise_grad(f)(x), plain, rtol=1e-14)


def test_holds_for_this_thread_and_ends_with_an_exception():
    seen = []
    with strict_zero():
        worker = threading.Thread(target=lambda: seen.append(grad(np.sqrt)(0.0)))
        worker.start()
        worker.join()
    assert onp.isinf(seen[0])
    with pytest.raises(KeyError), strict_zero():
        raise KeyError
    assert onp.isinf(grad(np.sqrt)(0.0))


def test_holds_for_the_task_not_for_its_neighbours():
    async def within(entered, done):
        with strict_zero():
            entered.set()
            await done.wait()
            return grad(np.sqrt)(0.0)

    async def beside(entered, done):
        await entered.wait()
        found = grad(np.sqrt)(0.0)
        with debug_nans(), pytest.raises(FloatingPointError):
            grad(np.sqrt)(0.0)
        done.set()
        return found

    async def both():
        entered, done = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(within(entered, done), beside(entered, done))

    strict, plain = asyncio.run(both())
    assert strict == 0.0
    assert onp.isinf(plain)
    assert onp.isinf(grad(np.sqrt)(0.0))


@pytest.mark.parametrize("mode", [strict_zero, debug_nans, debug_mutation])
def test_holds_for_a_context_that_is_run_on_its_own(mode):
    """As greenlets and callbacks of event loops are."""
    other = contextvars.copy_context()
    context = mode()
    other.run(context.__enter__)
    assert not _core.is_strict_zero()
    assert onp.isinf(grad(np.sqrt)(0.0))
    with pytest.raises(RuntimeError, match="context"):
        context.__exit__(None, None, None)
    if mode is strict_zero:
        assert other.run(grad(np.sqrt), 0.0) == 0.0
    if mode is debug_nans:
        with pytest.raises(FloatingPointError):
            other.run(grad(np.sqrt), 0.0)
    other.run(context.__exit__, None, None, None)
    assert onp.isinf(other.run(grad(np.sqrt), 0.0))


def test_contexts_nest():
    with strict_zero(), strict_zero():
        with strict_zero():
            pass
        assert grad(np.sqrt)(0.0) == 0.0
    assert onp.isinf(grad(np.sqrt)(0.0))


SQUARES = {
    "numbers": (lambda x: (np.exp(x) / 2 - 0.5) ** 2, 0.0),
    "divide": (lambda x: np.sum((x / 3 - 1) ** 2), onp.array([3.0, 2.0])),
    "multiply": (lambda x: np.sum((x * x[1] - x[0] * x[1]) ** 2), onp.array([3.0, 2.0])),
    "exp": (lambda x: np.sum((np.exp(x) - 1) ** 2), onp.array([0.0, 0.3])),
    "power": (lambda x: np.sum((x**1.5 - 8) ** 2), onp.array([4.0, 0.3])),
    "norm": (lambda x: (np.linalg.norm(x * onp.array([1.0, 2.0])) - 5) ** 2, onp.array([3.0, 2.0])),
    "std": (lambda x: np.sum(np.nanstd(x, axis=1)), onp.array([[1.0, 2.0, 3.0], [0.4, 1.0, 3.0]])),
    "float32": (lambda x: np.sum((x * 3 - 6) ** 2), onp.array([2.0, 1.5], onp.float32)),
}


@pytest.mark.parametrize("name", SQUARES)
def test_cotangents_of_zero_keep_their_derivative(name):
    """At a minimum the first cotangent is exactly zero; the second derivative is not."""
    f, x = SQUARES[name]
    v = onp.ones_like(x) if isinstance(x, onp.ndarray) else 1.0
    slope = grad(f)

    def derivatives():
        yield slope(x)
        yield make_vjp(slope)(x)[0](v)
        yield make_jvp(slope)(x)(v)[1]
        yield grad(lambda x: np.sum(make_vjp(slope)(x)[0](v) * v))(x)

    right = list(derivatives())
    with strict_zero():
        for found, wanted in zip(derivatives(), right):
            assert type(found) is type(wanted)
            onp.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def test_a_tangent_is_not_cut_where_the_value_is():
    """By a dtype of whole numbers, through which both modes hand the derivative on."""
    x = onp.array([1.5, 2.75, -3.5])
    calls = [
        lambda x: x.astype(int),
        lambda x: x[0].astype(onp.int32),
        lambda x: np.array(x, dtype=int),
        lambda x: np.full_like(onp.zeros((2, 2), int), x[1]),
        lambda x: np.cumsum(x, dtype=int),
        lambda x: np.trace(np.outer(x, x), dtype=int),
        lambda x: np.concatenate([x, 2 * x], dtype=int, casting="unsafe"),
        lambda x: np.stack([x, 2 * x], dtype=int, casting="unsafe"),
    ]
    for call in calls:
        function = lambda x, call=call: call(x) * 1.0
        vjp, value = make_vjp(function)(x)
        slope, step = onp.full(onp.shape(value), 0.7), onp.array([0.3, -0.6, 0.45])
        found = make_jvp(function)(x)(step)[1]
        onp.testing.assert_allclose(onp.sum(found * slope), onp.sum(vjp(slope) * step), rtol=1e-12)
        assert onp.any(found)
