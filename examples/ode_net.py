"""A neural ordinary differential equation: a spiral learned from its path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import common
import numpy

import fastad.numpy as np
from fastad import value_and_grad

TRUTH = numpy.array([[-0.1, 2.0], [-2.0, -0.1]])


def path(rates: Any, start: Any, times: Any) -> Any:
    """States at all times by the classical fourth-order method, one step between two times."""
    states = [start]
    for before, after in zip(times, times[1:]):
        h, z = after - before, states[-1]
        k1 = rates(z)
        k2 = rates(z + 0.5 * h * k1)
        k3 = rates(z + 0.5 * h * k2)
        k4 = rates(z + h * k3)
        states.append(z + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4))
    return np.stack(states)


def net(parameters: Any, z: Any) -> Any:
    w1, b1, w2, b2 = parameters
    return np.tanh((z**3) @ w1 + b1) @ w2 + b2


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    options = common.parser(__doc__, "ode_net.png")
    options.add_argument("--steps", type=int, default=250, help="steps of the optimiser")
    options.add_argument("--hidden", type=int, default=32, help="width of the net")
    args = options.parse_args(arguments)

    random = numpy.random.default_rng(args.seed)
    times = numpy.linspace(0.0, 12.0, 301)
    truth = path(lambda z: (z**3) @ TRUTH.T, numpy.array([[2.0, 0.0]]), times)[:, 0]
    length, count = 10, 24

    def loss(parameters: Any, starts: Any, targets: Any) -> Any:
        states = path(lambda z: net(parameters, z), starts, times[:length])
        return np.mean(np.abs(states - targets))

    objective = value_and_grad(loss)
    history: list[float] = []

    def gradient(parameters: list[Any], step: int) -> list[Any]:
        first = random.integers(0, len(times) - length, count)
        targets = numpy.stack([truth[first + i] for i in range(length)])
        value, slope = objective(parameters, truth[first], targets)
        history.append(float(value))
        if step % 50 == 0:
            print(f"step {step:4d}: mean error {value:.4f}")
        return slope

    start = [
        random.normal(size=(2, args.hidden)) * 0.3,
        numpy.zeros(args.hidden),
        random.normal(size=(args.hidden, 2)) * 0.3,
        numpy.zeros(2),
    ]
    parameters = common.adam(gradient, start, args.steps, 0.02, lambda p, step: None)
    learned = path(lambda z: net(parameters, z), truth[:1], times)[:, 0]

    def draw(axis: Any) -> None:
        axis.plot(*truth.T, label="truth")
        axis.plot(*learned.T, "--", label="learned")
        axis.set(title="a spiral and the path of the learned equation", aspect="equal")
        axis.legend()

    common.save_plot(args, draw)
    return {"history": history, "truth": truth, "learned": learned}


if __name__ == "__main__":
    main()
