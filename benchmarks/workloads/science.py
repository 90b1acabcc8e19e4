"""Programs of statistics and control: filters, least squares, whole runs, gradients by sample."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy

from . import Workload, enter
from .arrays import k_means, rosenbrock

Function = Callable[..., Any]
UNROLLED = {"jax": "a loop over the coefficients, unrolled, compiles for a minute"}


def least_squares(np: Any) -> Function:
    """Squared distance of a polynomial to the sign function, the powers in a loop."""

    def f(x: Any, t: Any, signs: Any) -> Any:
        total, power = x[0], 1.0
        for j in range(1, x.shape[0]):
            power = power * t
            total = total + x[j] * power
        return 0.5 * np.sum((total - signs) ** 2)

    return f


def hidden_markov(np: Any) -> Function:
    """Negative log-likelihood of a hidden Markov model, by the forward algorithm."""

    def lse(x: Any, axis: int) -> Any:
        top = np.max(x, axis=axis, keepdims=True)
        return np.log(np.sum(np.exp(x - top), axis=axis)) + np.sum(top, axis=axis)

    def f(transition: Any, means: Any, observed: Any) -> Any:
        logs = transition - lse(transition, 1)[:, None]
        emitted = -0.5 * (observed[:, None] - means[None, :]) ** 2
        alpha = emitted[0]
        for t in range(1, observed.shape[0]):
            alpha = lse(alpha[:, None] + logs, 0) + emitted[t]
        return -lse(alpha, 0)

    return f


def kalman(np: Any) -> Function:
    """Negative log-likelihood of a linear Gaussian system, by the Kalman filter."""

    def f(step: Any, noise: Any, seen: Any, observed: Any) -> Any:
        identity = np.eye(step.shape[0])
        q, r = np.exp(noise[0]) * identity, np.exp(noise[1]) * np.eye(seen.shape[0])
        mean, spread, total = step[:, :1] * 0.0, identity, 0.0
        for t in range(observed.shape[0]):
            mean, spread = step @ mean, step @ spread @ step.T + q
            apart = observed[t][:, None] - seen @ mean
            innovation = seen @ spread @ seen.T + r
            weighed = np.linalg.solve(innovation, apart)
            total = total + np.sum(apart * weighed) + np.linalg.slogdet(innovation)[1]
            mean = mean + spread @ seen.T @ weighed
            spread = spread - spread @ seen.T @ np.linalg.solve(innovation, seen @ spread)
        return 0.5 * total

    return f


def logistic_sample(np: Any) -> Function:
    """Negative log-likelihood of one sample under a logistic model."""

    def f(w: Any, x: Any, y: Any) -> Any:
        margin = np.sum(w * x)
        return np.log(1.0 + np.exp(margin)) - y * margin

    return f


def filtered(np: Any) -> Function:
    """A convolution by one einsum over the windows of the images; then a pool by mean."""

    def f(filters: Any, windows: Any) -> Any:
        out = np.einsum("fij,bhwij->bfhw", filters, windows)
        return np.sum(np.mean(np.tanh(out), axis=(2, 3)) ** 2)

    return f


def convolved(np: Any) -> Function:
    """The same by `scipy.signal.convolve`, one call for each filter."""
    name = np.__name__.replace("numpy", "scipy") + ".signal"

    def f(filters: Any, images: Any) -> Any:
        convolve = importlib.import_module(name).convolve
        parts = [convolve(images, filters[i][None], mode="valid") for i in range(len(filters))]
        return np.sum(np.mean(np.tanh(np.stack(parts, axis=1)), axis=(2, 3)) ** 2)

    return f


def rosenbrock_by_hand(x: Any) -> Any:
    """Value and gradient of `rosenbrock`."""
    apart, below = x[1:] - x[:-1] ** 2, 1.0 - x[:-1]
    gradient = numpy.zeros_like(x)
    gradient[1:] = 200.0 * apart
    gradient[:-1] -= 400.0 * apart * x[:-1] + 2.0 * below
    return numpy.sum(100.0 * apart**2 + below**2), gradient


def _normal(*shape: int, seed: int = 0) -> Any:
    return numpy.random.default_rng(seed).normal(size=shape)


def _line(n: int) -> tuple[Any, ...]:
    t = numpy.linspace(-1.0, 1.0, 100)
    return _normal(n), t, numpy.sign(t)


def _system() -> tuple[Any, ...]:
    turn = numpy.array([[math.cos(0.3), -math.sin(0.3)], [math.sin(0.3), math.cos(0.3)]])
    step = numpy.kron(numpy.eye(2), 0.95 * turn)
    return step, numpy.array([-1.0, -2.0]), _normal(2, 4), _normal(50, 2, seed=1)


def _windows() -> tuple[Any, ...]:
    images = _normal(8, 28, 28)
    windows = numpy.lib.stride_tricks.sliding_window_view(images, (5, 5), axis=(1, 2))
    return _normal(4, 5, 5), numpy.ascontiguousarray(windows)


def _enter() -> None:
    def science(name: str, build: Any, make: Any, **options: Any) -> None:
        enter(Workload(name, "science", build, make, **options))

    for n in (16, 128, 1024):
        science(
            f"least-squares-{n}",
            least_squares,
            lambda n=n: _line(n),
            family="least squares",
            n=n,
            quick=n == 16,
            target=1.0,
            skip=UNROLLED if n == 1024 else {},
        )
    for n in (2, 10, 100):
        science(
            f"l-bfgs-{n}",
            rosenbrock,
            lambda n=n: (numpy.linspace(-1.2, 1.0, n),),
            what="minimize",
            family="L-BFGS, Rosenbrock",
            n=n,
            quick=n == 10,
            hand=rosenbrock_by_hand,
        )
    samples = (_normal(10), _normal(200, 10), (_normal(200, seed=1) > 0).astype(float))
    science("per-sample-gradients", logistic_sample, lambda: samples, what="per-sample")
    science(
        "hidden-markov",
        hidden_markov,
        lambda: (_normal(10, 10), _normal(10), _normal(100)),
        argnum=(0, 1),
    )
    science("kalman", kalman, _system, argnum=(0, 1))
    science(
        "k-means-hvp",
        k_means,
        lambda: (_normal(10, 3), _normal(1000, 3, seed=1), numpy.ones((10, 3))),
        what="hvp",
    )
    science("convolution-einsum", filtered, _windows)
    science(
        "convolution-scipy",
        convolved,
        lambda: (_normal(4, 5, 5), _normal(8, 28, 28)),
        quick=False,
        skip=dict.fromkeys(("torch", "mygrad", "casadi"), "it has no convolve of SciPy's"),
    )


_enter()
