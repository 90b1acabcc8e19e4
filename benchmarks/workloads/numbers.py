"""Programs of single numbers: loops, recursion, and indexing element by element."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from . import Workload, enter

Function = Callable[..., Any]


def taylor_sine(np: Any) -> Function:
    """Sine by its Taylor series: at pi 38 operations on Python floats."""

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
    """Ten thousand times: use a value twice, join the two uses."""

    def f(x: Any) -> Any:
        for _ in range(10_000):
            x = (x + x) / 2.0
        return np.sum(x)

    return f


def long_chain(np: Any) -> Function:
    """A chain of fifty sines of one number."""

    def f(x: Any) -> Any:
        for _ in range(50):
            x = np.sin(x)
        return x

    return f


def indexed_squares(np: Any) -> Function:
    """Sum of squares by a loop over the elements."""

    def f(x: Any) -> Any:
        total = 0.0
        # casadi's vectors have no len(), xad's are lists.
        for i in range(x.shape[0] if hasattr(x, "shape") else len(x)):
            total = total + x[i] * x[i]
        return total

    return f


def determinant(np: Any) -> Function:
    """Determinant by minors of a matrix given as rows of numbers."""

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
    """Twenty steps of fourth order of a predator-prey system, on numbers."""

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


def mixture_by_elements(np: Any) -> Function:
    """Log-likelihood of a Gaussian mixture with unit covariances, one number at a time."""

    def f(means: Any, points: Any) -> Any:
        total = 0.0
        for point in points:
            density = 0.0
            for mean in means:
                square = 0.0
                for a, b in zip(mean, point):
                    square = square + (a - b) ** 2
                density = density + np.exp(-0.5 * square)
            total = total + np.log(density)
        return total

    return f


def _rows(size: int) -> list[list[float]]:
    return numpy.random.default_rng(0).normal(size=(size, size)).tolist()


def _points() -> tuple[Any, ...]:
    random = numpy.random.default_rng(0)
    return random.normal(size=(5, 2)).tolist(), random.normal(size=(100, 2)).tolist()


def _enter() -> None:
    def number(name: str, build: Any, make: Any, **options: Any) -> None:
        enter(Workload(name, "numbers", build, make, **options))

    number("taylor-sine", taylor_sine, lambda: (math.pi,), target=2.5)
    number("fan-out", fan_out_fan_in, lambda: (1.0,), target=3.0, quick=False)
    number("fifty-sines", long_chain, lambda: (2.0,), target=1.0)
    for n in (100, 1000, 10_000):
        number(
            f"indexed-squares-{n}",
            indexed_squares,
            lambda n=n: (numpy.linspace(0.1, 1.0, n),),
            family="indexed squares",
            n=n,
            quick=n == 100,
            target=3.0,
        )
    for n in (3, 5, 6, 7):
        number(
            f"minors-{n}",
            determinant,
            lambda n=n: (_rows(n),),
            family="determinant by minors",
            n=n,
            quick=n < 6,
            target=4.0,
        )
    number("runge-kutta", runge_kutta, lambda: ([1.1, 0.4, 0.1, 0.4],), target=4.0)
    number("mixture-by-elements", mixture_by_elements, _points, quick=False)


_enter()
