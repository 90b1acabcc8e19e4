"""Jacobians whose operands are boxes of lower levels: all rows at once against each alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import grad, hessian, jacobian, jit, make_jvp, primitive
from fastad.extend import defjvp, defvjp

Function = Callable[[Any], Any]

rng = onp.random.default_rng(5)
weights, tall = rng.normal(size=(7, 6)), rng.normal(size=(40, 7))
places, mask = onp.array([3, 0, 3, 5]), onp.array([True, False, True, True, False, True])


@primitive
def cubed(x: Any) -> Any:
    return x * x * x


defvjp(cubed, lambda ans, x: lambda g: g * 3.0 * x * x)
defjvp(cubed, lambda t, ans, x: t * 3.0 * x * x)


def chosen(x: Any) -> Any:
    """An index that depends on the input: recorded, it is traced."""
    order = np.argsort(x)
    table = np.outer(x, x)
    return np.concatenate([x[order], table[order, 1], table[order[:2]].ravel()])


FUNCTIONS: dict[str, Function] = {
    "products": lambda x: np.tanh(weights @ x) @ tall.T,
    "dot": lambda x: np.dot(
        np.reshape(x, (2, 3)), np.dot(np.ones((3, 3)), np.reshape(x, (3, 2)))
    ).ravel(),
    "matmul of stacks": lambda x: (
        np.matmul(np.reshape(x, (3, 1, 2)), np.reshape(x, (3, 2, 1))).ravel() ** 2
    ),
    "vector by vector": lambda x: np.stack([x[:3] @ x[3:], np.dot(x, x), np.sum(x)]) * x[1],
    "broadcast": lambda x: (x[:, None] * np.exp(-x) + x[0]).ravel(),
    "reductions": lambda x: np.concatenate(
        [np.sum(np.outer(x, x), axis=0), np.mean(np.outer(x, x * x), axis=1, keepdims=True).ravel()]
    ),
    "extrema": lambda x: np.maximum(x, 0.3) * np.max(x) + np.min(np.outer(x, x), axis=1),
    "where": lambda x: np.where(x > 0.1, x**2, np.sin(x)) * np.clip(x, -0.5, 0.5),
    "places": lambda x: x[places] * x[2] + np.reshape(x, (2, 3))[1, places[1:2]],
    "mask": lambda x: x[mask] ** 2 * x[0],
    "slices": lambda x: np.concatenate([x[::-1] * x, x[1:4] ** 2, x[..., None][:, 0]]),
    "traced places": chosen,
    "shapes": lambda x: (
        np.moveaxis(np.swapaxes(np.reshape(x, (1, 2, 3)) ** 2, 0, 2), 1, 0).ravel() * x
    ),
    "joined": lambda x: np.ravel(np.stack([x, x**2, np.roll(x, 1)], axis=1), order="F"),
    "numbers": lambda x: np.array(
        [x[0] * x[1], np.sin(x[2]) / x[3], x[4] ** x[0] if x[4] > 0 else x[5]]
    ),
    "solve": lambda x: np.linalg.solve(3.0 * np.eye(5) + np.outer(x[:5], x[1:]), x[1:]),
    "norms": lambda x: np.stack([np.linalg.norm(x), np.linalg.norm(x[:3] - x[3:]), np.prod(x)]),
    "einsum": lambda x: np.einsum("ij,kj->ik", np.reshape(x, (2, 3)), weights[:, :3]).ravel() ** 2,
    "fft": lambda x: np.abs(np.fft.rfft(x)) ** 2,
    "a user's rule": lambda x: cubed(x) * x[0],
    "no dependence": lambda x: np.concatenate([x * 2.0, np.ones(3)]),
    "constant": lambda x: np.concatenate([x, 3.0 * x]),
}
INPUTS = [rng.normal(size=6) for _ in range(4)]


def row_by_row(f: Function, x: onp.ndarray) -> onp.ndarray:
    """The Jacobian by gradients of single entries, which no batch has a part in."""
    size = onp.size(f(x))
    return onp.array([grad(lambda x, k=k: np.ravel(f(x))[k])(x) for k in range(size)])


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_of_a_jacobian(name: str) -> None:
    """The outer level's boxes are operands of the inner one's tape."""
    f, x = FUNCTIONS[name], INPUTS[0]
    found = jacobian(jacobian(f))(x)
    wanted = row_by_row(lambda x: jacobian(f)(x), x).reshape(found.shape)
    onp.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_along_a_tangent(name: str) -> None:
    f, x, v = FUNCTIONS[name], INPUTS[1], INPUTS[2]
    value, along = make_jvp(jacobian(f))(x)(v)
    onp.testing.assert_allclose(value, row_by_row(f, x), rtol=1e-12, atol=1e-13)
    onp.testing.assert_allclose(along, jacobian(jacobian(f))(x) @ v, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(
    "operator", [jacobian, lambda f: jacobian(jacobian(f))], ids=["jacobian", "twice"]
)
def test_in_a_program(name: str, operator: Any) -> None:
    f = FUNCTIONS[name]
    eager = operator(f)
    replayed = jit(eager)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for x in INPUTS * 2:
            onp.testing.assert_allclose(replayed(x), eager(x), rtol=1e-12, atol=1e-13)


def test_replays() -> None:
    """Not row by row: as few steps for forty rows as for seven."""
    steps = []
    for matrix in (weights, tall @ weights):
        J = jit(jacobian(lambda x, matrix=matrix: np.sin(matrix @ x) * np.sum(x * x)))
        for x in INPUTS:
            J(x)
        (program,) = J.programs
        steps.append(str(program).count("\n"))
    assert steps[1] <= steps[0] + 5


def test_columns_at_infinite_slopes() -> None:
    """Of a tall Jacobian, what a replay meets where the recording had finite slopes."""
    f = jacobian(lambda x: np.sqrt(tall[:, :6] ** 2 @ x) + np.sum(np.sqrt(np.abs(x))))
    replayed = jit(f)
    good = [abs(x) + 0.5 for x in INPUTS]
    for x in [*good, onp.zeros(6), *good]:
        with onp.errstate(all="ignore"):
            onp.testing.assert_array_equal(onp.isnan(replayed(x)), onp.isnan(f(x)))
            onp.testing.assert_allclose(replayed(x), f(x), rtol=1e-12)


def test_containers_and_chunks() -> None:
    """Several inputs, of which one is a number, and more rows than are swept at once."""

    def f(p: Any) -> Any:
        return (np.outer(p["a"], p["b"]) * p["c"] + np.sum(p["a"])).ravel()

    p = {"a": rng.normal(size=30), "b": rng.normal(size=20), "c": 0.7}
    found = jit(jacobian(f))
    for _ in range(4):
        got = found(p)
    for key, value in jacobian(f)(p).items():
        assert type(got[key]) is type(value)
        onp.testing.assert_allclose(got[key], value, rtol=1e-12)


def test_hessian_of_a_program() -> None:
    f = jit(lambda x: np.sum(np.tanh(weights @ x) ** 2) * np.linalg.norm(x))
    for x in INPUTS:
        onp.testing.assert_allclose(hessian(f)(x), jacobian(jacobian(f))(x), rtol=1e-12, atol=1e-13)
