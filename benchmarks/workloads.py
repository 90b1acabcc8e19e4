"""The programs that are measured, each written once for any namespace with NumPy's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

Function = Callable[..., Any]


def taylor_sine(np: Any) -> Function:
    """Sine by its Taylor series: at pi 38 operations on Python floats (S1)."""

    def f(x: Any) -> Any:
        ans = currterm = x
        i = 0
        while abs(currterm) > 0.001:
            currterm = -currterm * x**2 / ((2 * i + 3) * (2 * i + 2))
            ans = ans + currterm
            i += 1
        return ans

    return f


def fan_out_fan_in(np: Any) -> Function:
    """Ten thousand times: use a value twice, join the two uses (S2)."""

    def f(x: Any) -> Any:
        for _ in range(10_000):
            x = (x + x) / 2.0
        return np.sum(x)

    return f


def long_chain(np: Any) -> Function:
    """A chain of fifty sines of one number (S2)."""

    def f(x: Any) -> Any:
        for _ in range(50):
            x = np.sin(x)
        return x

    return f


def indexed_squares(np: Any) -> Function:
    """Sum of squares by a loop over the elements (S3)."""

    def f(x: Any) -> Any:
        total = 0.0
        for i in range(len(x)):
            total = total + x[i] * x[i]
        return total

    return f


def determinant(np: Any) -> Function:
    """Determinant by minors of a matrix given as rows of numbers (S4)."""

    def minors(rows: Any) -> Any:
        if len(rows) == 1:
            return rows[0][0]
        total = 0.0
        for j in range(len(rows)):
            rest = [row[:j] + row[j + 1 :] for row in rows[1:]]
            term = rows[0][j] * minors(rest)
            total = total + term if j % 2 == 0 else total - term
        return total

    return minors


def runge_kutta(np: Any) -> Function:
    """Twenty steps of fourth order of a predator-prey system, on numbers (S4)."""

    def slope(x: Any, y: Any, p: Any) -> tuple[Any, Any]:
        return p[0] * x - p[1] * x * y, p[2] * x * y - p[3] * y

    def f(p: Any) -> Any:
        x, y, h = 1.0, 0.5, 0.1
        for _ in range(20):
            a, b = slope(x, y, p)
            c, d = slope(x + h / 2 * a, y + h / 2 * b, p)
            k, m = slope(x + h / 2 * c, y + h / 2 * d, p)
            q, r = slope(x + h * k, y + h * m, p)
            x = x + h / 6 * (a + 2 * c + 2 * k + q)
            y = y + h / 6 * (b + 2 * d + 2 * m + r)
        return x + y

    return f


def logistic_loss(np: Any) -> Function:
    """Negative log-likelihood of a logistic model (A1, A2)."""

    def f(weights: Any, inputs: Any, targets: Any) -> Any:
        preds = 1 / (1 + np.exp(-np.dot(inputs, weights)))
        likelihood = preds * targets + (1 - preds) * (1 - targets)
        return -np.sum(np.log(likelihood))

    return f


def elementwise_sum(np: Any) -> Function:
    """A sum over a handful of elementwise functions (A3, A4)."""

    def f(x: Any) -> Any:
        return np.sum(np.sin(x) * np.exp(-x * x) + np.tanh(x) / (1 + x**2))

    return f


def tanh(np: Any) -> Function:
    """The hyperbolic tangent by exponentials (A5)."""

    def f(x: Any) -> Any:
        y = np.exp(-2.0 * x)
        return (1.0 - y) / (1.0 + y)

    return f


def rosenbrock(np: Any) -> Function:
    """Rosenbrock's function in n dimensions (A6)."""

    def f(x: Any) -> Any:
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

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
