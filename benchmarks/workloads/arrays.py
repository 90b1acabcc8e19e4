"""Programs of arrays: elementwise functions, reductions, linear algebra, and second derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from . import Workload, enter

Function = Callable[..., Any]


def logistic_loss(np: Any) -> Function:
    """Negative log-likelihood of a logistic model."""

    def f(weights: Any, inputs: Any, targets: Any) -> Any:
        preds = 1 / (1 + np.exp(-np.dot(inputs, weights)))
        likelihood = preds * targets + (1 - preds) * (1 - targets)
        return -np.sum(np.log(likelihood))

    return f


def elementwise_sum(np: Any) -> Function:
    """A sum over a handful of elementwise functions."""

    def f(x: Any) -> Any:
        return np.sum(np.sin(x) * np.exp(-x * x) + np.tanh(x) / (1 + x**2))

    return f


def tanh(np: Any) -> Function:
    """The hyperbolic tangent by exponentials."""

    def f(x: Any) -> Any:
        y = np.exp(-2.0 * x)
        return (1.0 - y) / (1.0 + y)

    return f


def rosenbrock(np: Any) -> Function:
    """Rosenbrock's function in n dimensions."""

    def f(x: Any) -> Any:
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    return f


def log_sum_exp(np: Any) -> Function:
    """Logarithm of a sum of exponentials, shifted by the largest."""

    def f(x: Any) -> Any:
        top = np.max(x)
        return top + np.log(np.sum(np.exp(x - top)))

    return f


def k_means(np: Any) -> Function:
    """Sum of squared distances of points to their nearest centre."""

    def f(centres: Any, points: Any) -> Any:
        apart = np.sum((points[:, None, :] - centres[None, :, :]) ** 2, axis=2)
        return np.sum(np.min(apart, axis=1))

    return f


def ode(np: Any) -> Function:
    """Runge-Kutta of the chain y_1' = x_1, y_i' = x_i y_(i-1); the last component."""

    def f(x: Any, steps: int) -> Any:
        def slope(y: Any) -> Any:
            return np.concatenate([x[:1], x[1:] * y[:-1]])

        y, h = x * 0.0, 1.0 / steps
        for _ in range(steps):
            a = slope(y)
            b = slope(y + h / 2 * a)
            c = slope(y + h / 2 * b)
            d = slope(y + h * c)
            y = y + h / 6 * (a + 2 * b + 2 * c + d)
        return y[-1]

    return f


def gaussian_process(np: Any) -> Function:
    """Log marginal likelihood of a Gaussian process, by Cholesky."""

    def f(parameters: Any, x: Any, y: Any) -> Any:
        scale, length, noise = np.exp(parameters[0]), np.exp(parameters[1]), np.exp(parameters[2])
        apart = (x[:, None] - x[None, :]) / length
        covariance = scale * np.exp(-0.5 * apart**2) + noise * np.eye(len(x))
        factor = np.linalg.cholesky(covariance)
        whitened = np.linalg.solve(factor, y)
        logs = np.sum(np.log(np.diag(factor)))
        return 0.5 * np.sum(whitened**2) + logs

    return f


def small_logistic() -> tuple[numpy.ndarray, ...]:
    """Return weights, inputs and targets of the 4 by 3 problem."""
    inputs = numpy.array(
        [[0.52, 1.12, 0.77], [0.88, -1.08, 0.15], [0.52, 0.06, -1.30], [0.74, -2.49, 1.39]]
    )
    targets = numpy.array([True, True, False, True])
    return numpy.array([0.1, -0.2, 0.3]), inputs, targets


def random_logistic(rows: int, columns: int) -> tuple[numpy.ndarray, ...]:
    """Return weights, inputs and targets of a problem drawn at random."""
    random = numpy.random.default_rng(0)
    inputs = random.normal(size=(rows, columns))
    weights = random.normal(size=columns) / columns
    targets = (inputs @ weights + random.normal(size=rows) > 0).astype(float)
    return weights, inputs, targets


# ---- by hand


def logistic_by_hand(weights: Any, inputs: Any, targets: Any) -> Any:
    """Value and gradient of `logistic_loss`."""
    preds = 1 / (1 + numpy.exp(-numpy.dot(inputs, weights)))
    likelihood = preds * targets + (1 - preds) * (1 - targets)
    value = -numpy.sum(numpy.log(likelihood))
    slope = (2.0 * targets - 1.0) / likelihood * preds * (1 - preds)
    return value, -numpy.dot(slope, inputs)


def elementwise_by_hand(x: Any) -> Any:
    """Value and gradient of `elementwise_sum`."""
    sine, bell, tangent, below = numpy.sin(x), numpy.exp(-x * x), numpy.tanh(x), 1 + x * x
    value = numpy.sum(sine * bell + tangent / below)
    gradient = numpy.cos(x) * bell - 2.0 * x * sine * bell
    gradient += (1.0 - tangent**2) / below - 2.0 * x * tangent / below**2
    return value, gradient


def log_sum_exp_by_hand(x: Any) -> Any:
    """Value and gradient of `log_sum_exp`."""
    top = numpy.max(x)
    e = numpy.exp(x - top)
    total = numpy.sum(e)
    return top + numpy.log(total), e / total


def _gp(n: int) -> tuple[Any, ...]:
    x = numpy.linspace(0.0, 5.0, n)
    return numpy.array([0.1, -0.2, -2.0]), x, numpy.sin(x)


def _clusters() -> tuple[Any, ...]:
    random = numpy.random.default_rng(0)
    return random.normal(size=(10, 3)), random.normal(size=(1000, 3))


def _enter() -> None:
    def array(name: str, build: Any, make: Any, **options: Any) -> None:
        enter(Workload(name, "arrays", build, make, **options))

    by_hand: Any = {"hand": logistic_by_hand}
    array("logistic-4x3", logistic_loss, small_logistic, target=1.0, **by_hand)
    for rows in (1000, 100_000):
        array(
            f"logistic-{rows}x20",
            logistic_loss,
            lambda rows=rows: random_logistic(rows, 20),
            quick=rows == 1000,
            target=1.3,
            **by_hand,
        )
    for n in (10, 1000, 100_000, 3_000_000):
        array(
            f"elementwise-{n}",
            elementwise_sum,
            lambda n=n: (numpy.linspace(-2.0, 2.0, n),),
            family="elementwise sum",
            n=n,
            quick=n <= 100_000,
            target=1.0 if n == 10 else 1.6,
            hand=elementwise_by_hand,
        )
    array(
        "tanh-sixth-derivative",
        tanh,
        lambda: (numpy.linspace(-3.0, 3.0, 200),),
        what="derivative6",
        quick=False,
    )
    array("rosenbrock-100", rosenbrock, lambda: (numpy.linspace(-1.0, 1.0, 100),), target=1.1)
    for n in (100, 1000):
        array(
            f"rosenbrock-hessian-{n}",
            rosenbrock,
            lambda n=n: (numpy.linspace(-1.0, 1.0, n),),
            what="hessian",
            family="Rosenbrock's Hessian",
            n=n,
            quick=n == 100,
        )
    for n in (1000, 100_000, 1_000_000):
        array(
            f"log-sum-exp-{n}",
            log_sum_exp,
            lambda n=n: (numpy.random.default_rng(0).normal(size=n),),
            family="log-sum-exp",
            n=n,
            quick=n == 1000,
            target=1.5 if n > 1000 else 2.0,
            hand=log_sum_exp_by_hand,
        )
    array("k-means", k_means, _clusters, target=1.7)
    array("ode-10", ode, lambda: (numpy.linspace(0.1, 1.0, 10), 10), target=2.5)
    array(
        "ode-1000",
        ode,
        lambda: (numpy.linspace(0.1, 1.0, 1000), 100),
        target=2.5,
        quick=False,
        skip={"jax": "a loop of 100 steps, unrolled, compiles for minutes"},
    )
    for n in (50, 300):
        array(
            f"gaussian-process-{n}",
            gaussian_process,
            lambda n=n: _gp(n),
            family="Gaussian process",
            n=n,
            quick=n == 50,
            target=3.5,
        )


_enter()
