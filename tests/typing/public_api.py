"""Typed uses of the public names; read by mypy and pyright, never run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from numpy.typing import NDArray

import fastad
import fastad.numpy as np
from fastad import (
    checkpoint,
    elementwise_grad,
    grad,
    hessian,
    jacobian,
    make_hvp,
    make_jvp,
    make_vjp,
    value_and_grad,
)
from fastad.extend import Box, defjvp, defvjp, primitive
from fastad.misc import flatten
from fastad.test_util import check_grads

Array = NDArray[numpy.float64]


def loss(weights: Array, inputs: Array) -> Any:
    return np.sum(np.tanh(np.dot(inputs, weights)) ** 2)


def operators(weights: Array, inputs: Array) -> None:
    gradient: Array = grad(loss)(weights, inputs)
    both: tuple[Any, Array] = value_and_grad(loss, argnum=0)(weights, inputs)
    several: tuple[Array, Array] = grad(loss, (0, 1))(weights, inputs)
    curvature: Array = hessian(loss)(weights, inputs)
    rows: Array = jacobian(np.sin)(weights)
    slopes: Array = elementwise_grad(np.sin)(weights)
    vjp, value = make_vjp(loss)(weights, inputs)
    pulled: Array = vjp(1.0)
    tangent: tuple[Any, Any] = make_jvp(loss)(weights, inputs)(weights)
    hvp, slope = make_hvp(loss)(weights, inputs)
    held: Callable[..., Any] = checkpoint(loss)
    nested: float = grad(grad(grad(np.sin)))(0.3)
    print(gradient, both, several, curvature, rows, slopes, value, pulled, tangent)
    print(hvp(weights), slope, held(weights, inputs), nested)


@primitive
def softplus(x: Any) -> Any:
    return numpy.logaddexp(0.0, x)


defvjp(softplus, lambda ans, x: lambda g: g / (1.0 + np.exp(-x)))
defjvp(softplus, lambda g, ans, x: g / (1.0 + np.exp(-x)))


def shown(x: object) -> str:
    return f"a traced value of shape {x.shape}" if isinstance(x, Box) else repr(x)


def containers(parameters: dict[str, Any]) -> dict[str, Any]:
    gradient: dict[str, Any] = grad(lambda p: np.sum(p["w"] ** 2))(parameters)
    flat, unflatten = flatten(parameters)
    check_grads(softplus)(flat)
    print(unflatten(flat), fastad.__version__)
    return gradient


@fastad.jit
def discounted(x: float, n: int = 2) -> float:
    return 0.9**n * x


@fastad.jit(check="always")
def doubled(x: Array) -> Array:
    return 2.0 * x


def replayed(weights: Array, inputs: Array) -> None:
    number: float = discounted(1.0, n=3)
    array: Array = doubled(weights)
    step = fastad.jit(value_and_grad(loss))
    both: tuple[Any, Any] = step(weights, inputs=inputs)
    step.into(both, weights, inputs)
    step.clear()
    print(number, array, both, step.programs)
    # Parameters are kept: mypy and pyright refuse these.
    step(weights)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    discounted("a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
