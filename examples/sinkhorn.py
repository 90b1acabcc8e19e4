"""Optimal transport with entropy: points moved onto others by the gradient of the Sinkhorn cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import common
import numpy

import fastad.numpy as np
from fastad import value_and_grad


def log_sum(x: Any, axis: int) -> Any:
    top = np.max(x, axis=axis, keepdims=True)
    return np.squeeze(top, axis=axis) + np.log(np.sum(np.exp(x - top), axis=axis))


def transport_cost(a: Any, b: Any, smoothing: float, turns: int) -> Any:
    """Dual value after some turns of Sinkhorn's iteration (Peyre and Cuturi 2019, section 4.4)."""
    cost = np.sum((a[:, None, :] - b[None, :, :]) ** 2, axis=-1)
    log_a, log_b = -np.log(len(a)), -np.log(len(b))
    f, g = np.zeros(len(a)), np.zeros(len(b))
    for _ in range(turns):
        f = -smoothing * log_sum((g[None, :] - cost) / smoothing + log_b, 1)
        g = -smoothing * log_sum((f[:, None] - cost) / smoothing + log_a, 0)
    return np.mean(f) + np.mean(g)


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    options = common.parser(__doc__, "sinkhorn.png")
    options.add_argument("--points", type=int, default=60, help="number of points")
    options.add_argument("--steps", type=int, default=40, help="steps of the descent")
    args = options.parse_args(arguments)

    random = numpy.random.default_rng(args.seed)
    angle = random.uniform(0, 2 * numpy.pi, args.points)
    ring = numpy.stack([numpy.cos(angle), numpy.sin(angle)], axis=1)
    ring += 0.05 * random.normal(size=ring.shape)
    start = 0.3 * random.normal(size=(args.points, 2))
    objective = value_and_grad(lambda points: transport_cost(points, ring, 0.05, 15))
    points, history = start, []
    for step in range(args.steps):
        value, slope = objective(points)
        history.append(float(value))
        if step % 10 == 0:
            print(f"step {step:4d}: cost {value:.4f}")
        points = points - 0.2 * args.points * slope
    distance = numpy.sqrt(((points[:, None] - ring[None]) ** 2).sum(axis=-1)).min(axis=1)
    print(f"mean distance to the nearest target {distance.mean():.4f}")

    def draw(axis: Any) -> None:
        for marker, where, label in (
            (".", start, "start"),
            ("x", ring, "targets"),
            ("o", points, "moved"),
        ):
            axis.plot(*where.T, marker, ms=4, alpha=0.7, label=label)
        axis.set(title="points moved by optimal transport", aspect="equal")
        axis.legend()

    common.save_plot(args, draw)
    return {"history": history, "distance": distance, "points": points}


if __name__ == "__main__":
    main()
