"""Black-box variational inference: a Gaussian fitted to a curved density."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import common
import numpy

import fastad.numpy as np
from fastad import grad


def log_density(z: Any) -> Any:
    """A funnel: the width of the first coordinate depends on the second (Neal 2003)."""
    width = 1.35
    first = -0.5 * (z[..., 0] / np.exp(z[..., 1])) ** 2 - z[..., 1]
    return first - 0.5 * (z[..., 1] / width) ** 2 - np.log(2 * np.pi * width)


def evidence_bound(parameters: Any, noise: Any) -> Any:
    """Estimate of E_q[log p - log q] for a diagonal Gaussian q (Kingma and Welling 2014)."""
    mean, log_deviation = parameters
    samples = mean + np.exp(log_deviation) * noise
    entropy = np.sum(log_deviation) + 0.5 * mean.size * np.log(2 * np.pi * np.e)
    return np.mean(log_density(samples)) + entropy


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    options = common.parser(__doc__, "variational_inference.png")
    options.add_argument("--steps", type=int, default=600, help="steps of the optimiser")
    options.add_argument("--samples", type=int, default=200, help="samples for each gradient")
    args = options.parse_args(arguments)

    random = numpy.random.default_rng(args.seed)
    slope = grad(evidence_bound)
    history: list[float] = []

    def gradient(parameters: list[Any], step: int) -> list[Any]:
        noise = random.normal(size=(args.samples, 2))
        if step % 100 == 0:
            bound = float(evidence_bound(parameters, random.normal(size=(4000, 2))))
            history.append(bound)
            print(f"step {step:4d}: bound {bound:.4f}")
        return [-g for g in slope(parameters, noise)]

    start = [numpy.array([-1.0, -1.0]), numpy.array([-2.0, -2.0])]
    mean, log_deviation = common.adam(gradient, start, args.steps, 0.03, lambda p, step: None)
    bound = float(evidence_bound([mean, log_deviation], random.normal(size=(20_000, 2))))
    history.append(bound)
    print(f"mean {mean}, deviation {numpy.exp(log_deviation)}, bound {bound:.4f}")

    def draw(axis: Any) -> None:
        grid = numpy.linspace(-3.0, 3.0, 200)
        points = numpy.stack(numpy.meshgrid(grid, grid), axis=-1)
        axis.contour(grid, grid, numpy.exp(log_density(points)), 8)
        distance = ((points - mean) / numpy.exp(log_deviation)) ** 2
        axis.contour(grid, grid, numpy.exp(-0.5 * distance.sum(axis=-1)), 4, colors="k", alpha=0.5)
        axis.set(title="density (colours) and its Gaussian approximation")

    common.save_plot(args, draw)
    return {"history": history, "mean": mean, "deviation": numpy.exp(log_deviation)}


if __name__ == "__main__":
    main()
