"""Gaussian process regression: length scale, scale and noise by the gradient of the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import common
import numpy

import fastad.numpy as np
from fastad import value_and_grad


def kernel(a: Any, b: Any, length: Any, scale: Any) -> Any:
    return scale**2 * np.exp(-0.5 * ((a[:, None] - b[None, :]) / length) ** 2)


def negative_evidence(theta: Any, x: Any, y: Any) -> Any:
    """Rasmussen and Williams 2006, eq. 2.30, through a Cholesky factor."""
    length, scale, noise = np.exp(theta[0]), np.exp(theta[1]), np.exp(theta[2])
    factor = np.linalg.cholesky(kernel(x, x, length, scale) + noise**2 * np.eye(len(x)))
    whitened = np.linalg.solve(factor, y)
    return (
        0.5 * np.sum(whitened**2)
        + np.sum(np.log(np.diag(factor)))
        + 0.5 * len(x) * np.log(2 * np.pi)
    )


def posterior(theta: Any, x: Any, y: Any, grid: Any) -> tuple[Any, Any]:
    """Mean and standard deviation of the function at the points of grid."""
    length, scale, noise = numpy.exp(theta)
    factor = numpy.linalg.cholesky(kernel(x, x, length, scale) + noise**2 * numpy.eye(len(x)))
    cross = numpy.linalg.solve(factor, kernel(x, grid, length, scale))
    mean = cross.T @ numpy.linalg.solve(factor, y)
    variance = scale**2 - numpy.sum(cross**2, axis=0)
    return mean, numpy.sqrt(numpy.maximum(variance, 0.0))


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    options = common.parser(__doc__, "gaussian_process.png")
    options.add_argument("--points", type=int, default=30, help="number of observations")
    options.add_argument("--steps", type=int, default=200, help="steps of the optimiser")
    args = options.parse_args(arguments)

    random = numpy.random.default_rng(args.seed)
    x = numpy.sort(random.uniform(-3.0, 3.0, args.points))
    y = numpy.sin(2.0 * x) + 0.15 * random.normal(size=args.points)
    objective = value_and_grad(negative_evidence)
    history: list[float] = []

    def gradient(parameters: list[Any], step: int) -> list[Any]:
        value, slope = objective(parameters[0], x, y)
        history.append(float(value))
        if step % 50 == 0:
            print(f"step {step:4d}: -log evidence {value:.4f}")
        return [slope]

    theta = common.adam(gradient, [numpy.zeros(3)], args.steps, 0.05, lambda p, step: None)[0]
    length, scale, noise = numpy.exp(theta)
    print(f"length {length:.3f}, scale {scale:.3f}, noise {noise:.3f}")
    grid = numpy.linspace(-4.0, 4.0, 200)
    mean, deviation = posterior(theta, x, y, grid)

    def draw(axis: Any) -> None:
        axis.fill_between(grid, mean - 2 * deviation, mean + 2 * deviation, alpha=0.2)
        axis.plot(grid, mean)
        axis.plot(x, y, "k.")
        axis.set(title="posterior mean and two standard deviations", xlabel="x")

    common.save_plot(args, draw)
    return {"history": history, "theta": theta, "grid": grid, "mean": mean}


if __name__ == "__main__":
    main()
