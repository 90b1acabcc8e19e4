"""Arrays changed between their use and the sweep: an error by default, never a wrong gradient."""

from __future__ import annotations

import threading
from typing import Any

import numpy as onp
import pytest

import fastad
import fastad.numpy as np
from fastad import getval, grad, jacobian, make_vjp
from fastad.extend import defvjp, primitive

X = onp.array([0.5, 0.6, 0.7])


def noticed(call: Any, match: str = "was changed afterwards.*copy") -> None:
    with pytest.raises(RuntimeError, match=match):
        call()


@pytest.mark.parametrize("size", [1, 7, 64, 65, 1000, 100_000])
@pytest.mark.parametrize(
    "dtype", [float, onp.float32, complex, int, onp.uint8, bool, onp.longdouble]
)
@pytest.mark.parametrize("step", [1, -1, 2])
def test_a_whole_array(size: int, dtype: Any, step: int) -> None:
    data = onp.ones(size * abs(step), dtype)[::step]
    vjp, y = make_vjp(lambda x: x * data)(onp.ones(size))
    g = onp.ones_like(y)
    vjp(g)
    data[:] = 0
    noticed(lambda: vjp(g), "^the array that was argument 1 of multiply")
    data[:] = 1  # changed back
    vjp(g)


@pytest.mark.parametrize("place", range(64))
def test_any_element_of_a_small_one(place: int) -> None:
    data = onp.zeros((8, 8)).T
    vjp, _ = make_vjp(lambda x: np.sum(x * data))(onp.ones((8, 8)))
    data.flat[place] = -0.0  # one bit
    noticed(lambda: vjp(1.0))


def test_single_and_batched_sweeps() -> None:
    data = X.copy()

    def program(x: Any) -> Any:
        y = np.sin(x) * data
        data[0] += 1.0
        return y

    noticed(lambda: jacobian(program)(X))
    noticed(lambda: grad(lambda x: np.sum(program(x)))(X))
    noticed(lambda: fastad.hessian(lambda x: np.sum(program(x) ** 2))(X))


def test_arguments_views_and_values_given_away() -> None:
    start = X.copy()

    def argument(x: Any) -> Any:
        y = np.sum(np.sin(x[::-1]))
        start[1] = 2.0
        return y

    def plain(x: Any) -> Any:
        y = np.exp(x)
        z = np.sum(np.reshape(y, (3, 1)))
        getval(y)[1] = 7.0
        return z

    def view(x: Any) -> Any:
        y = np.exp(x)
        getval(np.reshape(y, (3, 1)))[1] = 7.0
        return np.sum(y)

    noticed(lambda: grad(argument)(start), "argument 0 of sin")
    noticed(lambda: grad(plain)(X), "the result of exp")
    noticed(lambda: grad(view)(X), "the result of exp")


def test_views_of_results_given_away() -> None:
    def base(x: Any) -> Any:
        y = np.exp(x)
        z = np.sin(y[1:])  # reads a view of what is given away
        getval(y)[2] = 7.0
        return np.sum(z)

    def view(x: Any) -> Any:
        y = np.exp(x)
        z = np.sin(y[1:])
        getval(y[1:])[1] = 7.0
        return np.sum(z)

    def view_of_a_view(x: Any) -> Any:
        y = np.exp(x)
        getval(np.reshape(y, (3, 1))[1:, 0])[1] = 7.0
        return np.sum(y)

    def another_view(x: Any) -> Any:
        y = np.exp(x)
        z = y[1:]  # before, but read after the other one is given away
        own = getval(y[:2])
        total = np.sum(np.sin(z))
        own[1] = 7.0
        return total

    noticed(lambda: grad(base)(X), "argument 0 of sin")
    noticed(lambda: grad(view)(X), "argument 0 of sin")
    noticed(lambda: grad(view_of_a_view)(X), "the result of exp")
    noticed(lambda: grad(another_view)(X), "argument 0 of sin")


def test_each_element_of_a_small_view_counts() -> None:
    data = onp.zeros((4, 6, 3))
    part = data[:, 1:5, ::2]
    for place in range(part.size):
        vjp, _ = make_vjp(lambda x: np.sum(x * part))(onp.ones(part.shape))
        index = onp.unravel_index(place, part.shape)
        part[index] = -0.0
        noticed(lambda: vjp(1.0))
        part[index] = 0.0


@pytest.mark.parametrize("shape", [(40, 30), (7, 11, 13), (65, 2)])
def test_the_ends_of_a_large_view_count(shape: tuple[int, ...]) -> None:
    data = onp.zeros((*shape[:-1], 2 * shape[-1]))
    part = data[..., ::2]
    vjp, _ = make_vjp(lambda x: np.sum(x * part))(onp.ones(shape))
    data[..., 1::2] = 1.0  # between the elements
    vjp(1.0)
    for index in ((0,) * len(shape), tuple(n - 1 for n in shape)):
        part[index] = 1.0
        noticed(lambda: vjp(1.0))
        part[index] = 0.0


def test_indices_and_conditions() -> None:
    def indexed(x: Any) -> Any:
        rows = onp.array([0, 2])
        y = np.sum(x[rows] * 2.0)
        rows[:] = 1
        return y

    def pair(x: Any) -> Any:
        rows = onp.array([0, 1])
        y = np.sum(np.outer(x, x)[rows, rows])
        rows[:] = 1
        return y

    def chosen(x: Any) -> Any:
        own = onp.array([True, False, True])
        y = np.sum(np.where(own, x, 0.0))
        own[:] = False
        return y

    # Index arrays are copied when they are used.
    onp.testing.assert_array_equal(grad(indexed)(X), [2.0, 0.0, 2.0])
    onp.testing.assert_allclose(grad(pair)(X), [1.0, 1.2, 0.0])
    noticed(lambda: grad(chosen)(X), "argument 0 of where")


def test_primitives() -> None:
    weights, bias = onp.ones(3), onp.ones(3)
    affine = primitive(lambda x, w, b: x * w + b)
    defvjp(affine, lambda ans, x, w, b: lambda g: g * w, argnums=(0,))
    vjp, y = make_vjp(lambda x: affine(x, weights, bias))(X)
    bias += 1.0
    y -= 1.0
    onp.testing.assert_array_equal(vjp(onp.ones(3)), weights)
    weights += 1.0
    noticed(lambda: vjp(onp.ones(3)), "argument 1 of")


def test_no_false_alarms() -> None:
    scratch, empty, invalid = onp.zeros(3), onp.zeros((0, 3)), onp.full(3, onp.nan)

    def program(x: Any) -> Any:
        total = np.sum(empty * x) + 0.0 * np.sum(np.where(onp.isnan(invalid), x, invalid))
        for i in range(3):
            scratch[:] = i
            onp.add(scratch, 1.0, out=scratch)
            total = total + np.sum(x + scratch) + np.sum(np.concatenate([x, scratch]))
            total = total + np.sum(x * scratch.copy())
        return total

    for _ in range(2):
        onp.testing.assert_array_equal(grad(program)(X), [12.0] * 3)
        onp.testing.assert_array_equal(jacobian(program)(X), [12.0] * 3)
        scratch[:] = 9.0  # between two traces
    vjp, y = make_vjp(lambda x: np.sin(x) + invalid)(X)
    y -= 1.0
    onp.testing.assert_array_equal(vjp(onp.ones(3)), vjp(onp.ones(3)))


def test_threads() -> None:
    failures: list[BaseException] = []

    def work(k: int) -> None:
        try:
            for i in range(50):
                own = onp.full(100, float(k + i))
                got = grad(lambda x: np.sum(x * own))(onp.ones(100))
                onp.testing.assert_array_equal(got, own)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
