"""A Bayesian neural net: a Gaussian over all weights, fitted by variational inference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import common
import numpy

import fastad.numpy as np
from fastad import grad

SIZES = (1, 16, 16, 1)
COUNT = sum((m + 1) * n for m, n in zip(SIZES, SIZES[1:]))


def predict(weights: Any, x: Any) -> Any:
    """Outputs of a batch of nets: weights (samples, COUNT), x (points, 1) -> (samples, points)."""
    samples = weights.shape[0]
    place, values = 0, x[None]
    for layer, (m, n) in enumerate(zip(SIZES, SIZES[1:])):
        w = weights[:, place : place + m * n].reshape((samples, m, n))
        b = weights[:, place + m * n : place + (m + 1) * n].reshape((samples, 1, n))
        place += (m + 1) * n
        values = np.matmul(values, w) + b
        if layer < len(SIZES) - 2:
            values = np.tanh(values)
    return values[..., 0]


def negative_bound(parameters: Any, noise: Any, x: Any, y: Any, deviation: float) -> Any:
    """Estimate of -E_q[log likelihood] + KL(q || N(0, 1)), which has a closed form."""
    mean, log_deviation = parameters
    outputs = predict(mean + np.exp(log_deviation) * noise, x)
    misfit = 0.5 * np.sum(((outputs - y) / deviation) ** 2) / noise.shape[0]
    divergence = 0.5 * np.sum(np.exp(2 * log_deviation) + mean**2 - 1.0 - 2 * log_deviation)
    return misfit + divergence


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    options = common.parser(__doc__, "bayesian_neural_net.png")
    options.add_argument("--steps", type=int, default=800, help="steps of the optimiser")
    options.add_argument("--samples", type=int, default=8, help="nets drawn for each gradient")
    args = options.parse_args(arguments)

    random = numpy.random.default_rng(args.seed)
    x = numpy.concatenate([random.uniform(-2, -0.5, 30), random.uniform(0.5, 2, 30)])[:, None]
    y = numpy.cos(2 * x[:, 0]) + 0.1 * random.normal(size=60)
    slope = grad(negative_bound)
    history: list[float] = []

    def gradient(parameters: list[Any], step: int) -> list[Any]:
        noise = random.normal(size=(args.samples, COUNT))
        if step % 100 == 0:
            history.append(float(negative_bound(parameters, noise, x, y, 0.1)))
            print(f"step {step:4d}: -bound {history[-1]:.1f}")
        return slope(parameters, noise, x, y, 0.1)

    start = [0.5 * random.normal(size=COUNT), numpy.full(COUNT, -3.0)]
    mean, log_deviation = common.adam(gradient, start, args.steps, 0.02, lambda p, step: None)
    noise = random.normal(size=(100, COUNT))
    grid = numpy.linspace(-3.5, 3.5, 120)
    curves = predict(mean + numpy.exp(log_deviation) * noise, grid[:, None])
    fitted = predict(mean + numpy.exp(log_deviation) * noise, x).mean(axis=0)
    error = float(numpy.sqrt(numpy.mean((fitted - y) ** 2)))
    history.append(float(negative_bound([mean, log_deviation], noise, x, y, 0.1)))
    print(f"root mean square error of the mean prediction {error:.3f}")

    def draw(axis: Any) -> None:
        axis.plot(grid, curves[:10].T, lw=0.8)
        axis.plot(x[:, 0], y, "k.")
        axis.set(title="ten nets drawn from the posterior", ylim=(-3, 3))

    common.save_plot(args, draw)
    spread = curves.std(axis=0)
    return {"history": history, "error": error, "grid": grid, "spread": spread}


if __name__ == "__main__":
    main()
