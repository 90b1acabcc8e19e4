"""Programs of users, for mypy --strict and pyright; run in an empty folder beside the wheel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy

import fastad
import fastad.numpy as np
import fastad.numpy.linalg as la
import fastad.scipy.special as special
import fastad.scipy.stats as stats
from fastad import Array, grad, hessian, jacobian, make_jvp, make_vjp, value_and_grad
from fastad.extend import defjvp, defvjp, primitive
from fastad.misc.optimizers import adam
from fastad.scipy.interpolate import CubicSpline
from fastad.scipy.linalg import cho_solve, expm, solve_triangular
from fastad.scipy.sparse import csr_array
from fastad.scipy.stats import norm
from fastad.test_util import check_grads


def objects(x: Array) -> Any:
    """What is called, indexed or an operand goes by methods of its class."""
    spline = CubicSpline(np.arange(3.0), x)
    matrix = 2.0 * csr_array(np.eye(3)) + csr_array(np.eye(3))
    return (
        spline(0.5) + spline.derivative()(0.5) + (matrix @ x)[0] + (x @ -matrix)[0] + matrix[0, 0]
    )


def namespaces(x: Array) -> Array:
    parts = [
        np.sum(x),
        np.mean(x, axis=0),
        np.max(x),
        np.dot(x, x),
        x[0] ** 2,
        np.where(x > 0, x, 0.0),
    ]
    spectrum = np.fft.rfft(x)
    square = np.outer(x, x) + np.eye(3)
    values, vectors = la.eigh(square)
    sign, logdet = np.linalg.slogdet(square)
    stacked = np.concatenate([x, np.zeros(2), np.linspace(0.0, 1.0, 5)])
    total = np.add.reduce(stacked) + np.multiply.outer(x, x).sum() + np.pi + np.float64(1.0)
    draws = np.random.default_rng(0).normal(size=3)
    picked = np.take(x, np.argmax(x)) + np.einsum("ij,j->i", square, x) + np.logaddexp(x, 0.0)
    print(parts, abs(spectrum), values, vectors, sign, logdet, total, draws, x.dtype, x.shape)
    result: Array = np.reshape(picked, (3,)) @ np.linalg.solve(square, np.transpose(square)) * x.T
    return result


def likelihood(mean: float, scale: float, data: Array) -> Any:
    density = norm.logpdf(data, mean, scale) + norm(mean, scale).logpdf(data)
    tail = stats.gamma.logcdf(data, 2.0) + special.gammaln(scale) + special.logsumexp(data)
    return np.sum(density + tail)


def matrices(a: Array, b: Array) -> Any:
    return np.trace(expm(a)) + np.sum(solve_triangular(a, b)) + np.sum(cho_solve((a, True), b))


def parameters_are_kept(data: Array) -> None:
    by_name = grad(likelihood, (0, 1))(mean=0.0, scale=1.0, data=data)
    value, slope = value_and_grad(likelihood)(0.0, 1.0, data)
    grad(likelihood)(0.0, 1.0)  # type: ignore[call-arg]  # the data are missing
    grad(likelihood)(0.0, scale="1", data=data)  # type: ignore[arg-type]
    print(np.no_such_function)  # type: ignore[attr-defined]
    (slopes, aux) = grad(lambda x: (np.sum(x**2), len(x)), has_aux=True)(data)
    pull, out = make_vjp(namespaces)(data)
    out_again, push = make_jvp(namespaces)(data)(data)
    print(by_name, value, slope, slopes, aux, pull(out), out_again.shape, push, out.shape)
    print(jacobian(np.tanh)(data), hessian(np.sum)(data), grad(grad(np.sin))(0.5))
    print(jacobian(np.linalg.inv)(np.eye(2)), fastad.jacobian(np.cumsum)(data))


@dataclass
class Layer:
    weight: Array
    bias: Array

    def __call__(self, x: Array) -> Array:
        result: Array = np.tanh(x @ self.weight + self.bias)
        return result


def loss(layers: list[Layer], x: Array) -> Any:
    for layer in layers:
        x = layer(x)
    return np.mean(x**2)


@primitive
def cube(x: Array) -> Array:
    return numpy.asarray(x) ** 3


defvjp(cube, lambda ans, x: lambda g: 3 * g * x**2)
defjvp(cube, lambda g, ans, x: 3 * g * x**2)


def training(layers: list[Layer], x: Array) -> Any:
    check_grads(cube, modes=["fwd", "rev"])(x)
    with fastad.debug_nans(), fastad.strict_zero():
        slopes: list[Layer] = grad(loss)(layers, x)
    print(slopes[0].weight, fastad.getval(x), fastad.isbox(x), fastad.__version__)
    return adam(lambda p, i: grad(lambda q: np.sum(cube(q)))(p), x, num_iters=10)
