"""Linear algebra in programs: by loops on planned memory, equal to eager calls at other inputs."""

from __future__ import annotations

import math
import warnings

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import grad, hessian_vector_product, jit, make_jvp, value_and_grad


def matrices(n, stack=(), seed=0):
    """Positive definite ones."""
    x = onp.random.default_rng(seed).normal(size=(*stack, n, n))
    return x @ x.swapaxes(-1, -2) + n * onp.eye(n)


NUMBERS = onp.random.default_rng(5).normal(size=200)


def weights(*shape):
    return NUMBERS[: math.prod(shape)].reshape(shape)


FUNCTIONS = {
    "solve a vector": lambda a: np.sum(weights(4) * np.linalg.solve(a, weights(4))),
    "solve columns": lambda a: np.sum(weights(4, 3) * np.linalg.solve(a, weights(4, 3))),
    "solve both": lambda a: np.sum(np.linalg.solve(a, a[:, :2] ** 2)),
    "solve transposed": lambda a: np.sum(np.linalg.solve(a.T, a[::-1, :2]) ** 2),
    "inv": lambda a: np.sum(weights(4, 4) * np.linalg.inv(a)),
    "det": np.linalg.det,
    "slogdet": lambda a: np.linalg.slogdet(a)[1],
    "sign and logarithm": lambda a: np.linalg.slogdet(a)[0] * np.linalg.slogdet(a)[1] ** 2,
    "cholesky": lambda a: np.sum(weights(4, 4) * np.linalg.cholesky(a)),
    "cholesky and diagonal": lambda a: np.sum(np.log(np.diag(np.linalg.cholesky(a)))),
    "gaussian": lambda a: (
        np.sum(np.linalg.solve(np.linalg.cholesky(a), weights(4)) ** 2) + np.linalg.slogdet(a)[1]
    ),
    "eigh": lambda a: np.sum(weights(4) * np.linalg.eigh(a)[0] ** 2),
    "vectors": lambda a: np.sum(weights(4, 4) * np.linalg.eigh(a)[1] ** 2),
    "eigvalsh": lambda a: np.sum(weights(4) * np.linalg.eigvalsh(a)),
    "trace": lambda a: np.trace(np.linalg.inv(a)) ** 2,
    "diagonals": lambda a: np.sum(np.diag(np.diag(a, 1) ** 2, -1) * weights(4, 4)),
}
OF_STACKS = {
    "solve": lambda a: np.sum(weights(2, 3, 2) * np.linalg.solve(a, weights(2, 3, 2))),
    "inv": lambda a: np.sum(weights(2, 3, 3) * np.linalg.inv(a)),
    "det": lambda a: np.sum(weights(2) * np.linalg.det(a)),
    "slogdet": lambda a: np.sum(weights(2) * np.linalg.slogdet(a)[1]),
    "cholesky": lambda a: np.sum(weights(2, 3, 3) * np.linalg.cholesky(a)),
    "eigh": lambda a: np.sum(weights(2, 3) * np.linalg.eigh(a)[0] ** 2),
}


def replayed(function, points, tolerance=1e-10):
    """The function's program after it was called at the points, where it equals the function."""
    program = jit(function, check="always")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for point in points:
            found, expected = program(*point), function(*point)
            several = isinstance(expected, tuple)
            for one, other in zip(
                found if several else [found], expected if several else [expected]
            ):
                assert type(one) is type(other)
                assert one.dtype == other.dtype
                scale = onp.max(onp.abs(other), initial=1.0)
                onp.testing.assert_allclose(one, other, tolerance, tolerance * scale)
    assert program.programs
    return program


def points(n, stack=()):
    return [(matrices(n, stack, seed),) for seed in range(6)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_replay_without_calls(name):
    program = replayed(value_and_grad(FUNCTIONS[name]), points(4))
    if name not in ("vectors", "eigvalsh", "trace"):  # whose rules look at values, or call
        assert "0 host calls" in str(program.programs[0])


@pytest.mark.parametrize("name", OF_STACKS)
def test_stacks(name):
    replayed(value_and_grad(OF_STACKS[name]), points(3, (2,)))
    replayed(OF_STACKS[name], points(3, (2,)))


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "vectors"])
def test_second_order_and_forward(name):
    f, t = FUNCTIONS[name], weights(4, 4)
    product = hessian_vector_product(f)
    if name != "eigvalsh":  # its rule runs the function once more
        replayed(lambda a: product(a, t), points(4), 1e-8)
    replayed(lambda a: make_jvp(f)(a)(t)[1], points(4))


@pytest.mark.parametrize("size", [1, 2, 9, 40, 70])
def test_sizes(size):
    def f(a):
        factor = np.linalg.cholesky(a)
        y = np.linalg.solve(factor, np.ones(size))
        return np.sum(y**2) + 2.0 * np.sum(np.log(np.diag(factor)))

    program = replayed(value_and_grad(f), points(size))
    assert "0 host calls" in str(program.programs[0])


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_other_types(dtype):
    def f(a):
        return np.sum(np.abs(np.linalg.solve(a, a[:, :1])) ** 2) + np.linalg.slogdet(a)[1]

    given = [(matrices(3, (), seed).astype(dtype),) for seed in range(6)]
    replayed(value_and_grad(f), given, 1e-4 if dtype == "float32" else 1e-10)


LAYOUTS = {
    "Fortran": onp.asfortranarray,
    "spaced": lambda x: onp.repeat(onp.repeat(x, 2, 0), 2, 1)[::2, ::2],
    "backwards": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_inputs_in_every_layout(layout):
    given = [(LAYOUTS[layout](matrix),) for (matrix,) in points(4)]
    for name in ("solve both", "inv", "slogdet", "gaussian"):
        replayed(value_and_grad(FUNCTIONS[name]), given)


@pytest.mark.parametrize("name", ["solve a vector", "inv", "cholesky", "slogdet", "gaussian"])
def test_what_fails_in_a_replay_fails_as_the_function_does(name):
    f = value_and_grad(FUNCTIONS[name])
    program = replayed(f, points(4))
    bad = onp.ones((4, 4))
    with pytest.raises(onp.linalg.LinAlgError) as expected:
        f(bad)
    with pytest.raises(onp.linalg.LinAlgError) as found:
        program(bad)
    assert str(found.value) == str(expected.value)
    for (good,) in points(4):
        onp.testing.assert_allclose(program(good)[1], f(good)[1], 1e-10)


def test_an_error_in_what_is_not_used_is_not_lost():
    def f(a):
        np.linalg.inv(a)
        return np.sum(a**2)

    program = jit(f)
    for (matrix,) in points(3):
        program(matrix)
    with pytest.raises(onp.linalg.LinAlgError):
        program(onp.ones((3, 3)))


def test_values_that_are_not_finite():
    f = value_and_grad(FUNCTIONS["inv"])
    program = replayed(f, points(4))
    bad = matrices(4)
    bad[1, 2] = onp.nan
    onp.testing.assert_array_equal(program(bad)[1], f(bad)[1])


def test_the_same_system_is_solved_once():
    def f(a, b):
        return np.sum(np.linalg.solve(a, b) ** 2) + np.sum(np.linalg.solve(a, b))

    program = jit(grad(f, (0, 1)))
    for (matrix,) in points(4):
        program(matrix, weights(4))
    assert str(program.programs[0]).count("_solve(") == 3  # and one for each cotangent


SHAPES = [(m, k, n) for m in (1, 2, 3, 4, 7) for k in (1, 2, 3, 6, 9) for n in (1, 2, 5, 8, 9, 11)]


@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True), (True, True)])
def test_small_products(turned):
    def f(pairs):
        return [
            np.sum(
                weights(a.shape[turned[0]], b.shape[not turned[1]])
                * ((a.T if turned[0] else a) @ (b.T if turned[1] else b))
            )
            for a, b in pairs
        ]

    def total(pairs):
        return sum(f(pairs))

    def drawn(seed):
        random = onp.random.default_rng(seed)
        turn = lambda shape, wanted: shape[::-1] if wanted else shape
        return [
            (
                random.normal(size=turn((m, k), turned[0])),
                random.normal(size=turn((k, n), turned[1])),
            )
            for m, k, n in SHAPES
        ]

    program = jit(grad(total), check="always")
    for seed in range(5):
        given = drawn(seed)
        for found, expected in zip(program(given), grad(total)(given)):
            for one, other in zip(found, expected):
                onp.testing.assert_allclose(one, other, 1e-12, 1e-13)
    assert "0 host calls" in str(program.programs[0])


@pytest.mark.parametrize(
    "a, b",
    [
        ((3, 4), (4,)),
        ((4,), (4, 3)),
        ((3, 4), (4, 1)),
        ((1, 4), (4, 3)),
        ((2, 3, 4), (4,)),
        ((4,), (2, 4, 3)),
        ((2, 1, 3, 4), (5, 4, 1)),
        ((2, 1, 4), (4, 3)),
        ((3, 1), (1, 4)),
    ],
)
def test_cotangents_that_are_outer_products(a, b):
    """They are products of elements, added up where programs add them."""
    random = onp.random.RandomState(0)
    x, y = random.randn(*a), random.randn(*b)
    n = (x @ y).ndim
    left = "k" if len(a) == 1 else "...ik"
    right = "k" if len(b) == 1 else "...kj"
    out = "..." + "i" * (len(a) > 1) + "j" * (len(b) > 1)
    weights = random.randn(*(x @ y).shape)
    by_matmul = grad(lambda x, y: np.sum(weights * np.tanh(x @ y)), (0, 1))
    by_einsum = grad(
        lambda x, y: np.sum(weights * np.tanh(np.einsum(f"{left},{right}->{out}", x, y))), (0, 1)
    )
    assert n == weights.ndim
    for one, other in zip(by_matmul(x, y), by_einsum(x, y)):
        onp.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_outer_products_are_added_up_without_being_stored():
    x = onp.random.RandomState(0).randn(6, 30)

    def loss(w):
        return sum(np.sum(np.tanh(w @ row)) for row in x)

    program = jit(grad(loss))
    w = onp.random.RandomState(1).randn(30, 30)
    for _ in range(4):
        found = program(w)
    onp.testing.assert_allclose(found, grad(loss)(w), rtol=1e-13)
    assert str(program.programs[0]).count("product:") == len(x)
