"""A hidden Markov model fitted by the gradient of its likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import common
import numpy

import fastad.numpy as np
from fastad import grad, value_and_grad


def log_sum(x: Any, axis: int) -> Any:
    top = np.max(x, axis=axis, keepdims=True)
    return np.squeeze(top, axis=axis) + np.log(np.sum(np.exp(x - top), axis=axis))


def log_emissions(parameters: Any, observed: Any) -> Any:
    """Log density of each observation in each state: Gaussian, shape (length, states)."""
    _, _, mean, log_deviation = parameters
    scaled = (observed[:, None] - mean) / np.exp(log_deviation)
    return -0.5 * scaled**2 - log_deviation - 0.5 * np.log(2 * np.pi)


def log_likelihood(parameters: Any, emissions: Any) -> Any:
    """The forward recursion in logarithms (Rabiner 1989, eq. 19-21)."""
    initial, transition = parameters[:2]
    log_step = transition - log_sum(transition, 1)[:, None]
    alpha = initial - log_sum(initial, 0) + emissions[0]
    for row in emissions[1:]:
        alpha = log_sum(alpha[:, None] + log_step, 0) + row
    return log_sum(alpha, 0)


def negative_log_likelihood(parameters: Any, observed: Any) -> Any:
    return -log_likelihood(parameters, log_emissions(parameters, observed))


def state_probabilities(parameters: Any, observed: Any) -> Any:
    """Posterior of the states: the log-likelihood's derivative by the log emissions."""
    return grad(log_likelihood, 1)(parameters, log_emissions(parameters, observed))


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    options = common.parser(__doc__, "hidden_markov_model.png")
    options.add_argument("--steps", type=int, default=150, help="steps of the optimiser")
    options.add_argument("--length", type=int, default=300, help="length of the sequence")
    args = options.parse_args(arguments)

    random = numpy.random.default_rng(args.seed)
    states = numpy.zeros(args.length, int)
    for i in range(1, args.length):
        states[i] = states[i - 1] if random.random() < 0.95 else random.integers(3)
    observed = numpy.array([-2.0, 0.5, 3.0])[states] + 0.6 * random.normal(size=args.length)
    objective = value_and_grad(negative_log_likelihood)
    history: list[float] = []

    def gradient(parameters: list[Any], step: int) -> list[Any]:
        value, slope = objective(parameters, observed)
        history.append(float(value))
        if step % 50 == 0:
            print(f"step {step:4d}: -log likelihood {value:.3f}")
        return slope

    start = [numpy.zeros(3), 2.0 * numpy.eye(3), numpy.array([-1.0, 0.0, 1.0]), numpy.zeros(3)]
    fitted = common.adam(gradient, start, args.steps, 0.05, lambda p, step: None)
    probabilities = state_probabilities(fitted, observed)
    order = numpy.argsort(fitted[2])
    guessed = numpy.argsort(order)[numpy.argmax(probabilities, axis=1)]
    accuracy = float(numpy.mean(guessed == states))
    print(f"means {numpy.sort(fitted[2]).round(2)}, states found {accuracy:.1%}")

    def draw(axis: Any) -> None:
        axis.plot(observed, ".", ms=3)
        axis.plot(fitted[2][numpy.argmax(probabilities, axis=1)], lw=1)
        axis.set(title="observations, and the mean of the likeliest state")

    common.save_plot(args, draw)
    return {
        "history": history,
        "means": numpy.sort(fitted[2]),
        "accuracy": accuracy,
        "probabilities": probabilities,
    }


if __name__ == "__main__":
    main()
