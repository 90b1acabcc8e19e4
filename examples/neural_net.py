"""A small neural net that tells the three species of the bundled penguins apart.

The parameters are a list of (weights, bias) pairs; the gradient comes back in the same shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import common
import numpy

import fastad.numpy as np
from fastad import grad


def layers(sizes: Sequence[int], seed: int) -> list[tuple[numpy.ndarray, numpy.ndarray]]:
    """Return weights drawn with variance 1 / fan-in, and zero biases."""
    random = numpy.random.default_rng(seed)
    return [
        (random.normal(size=(m, n)) / numpy.sqrt(m), numpy.zeros(n))
        for m, n in zip(sizes[:-1], sizes[1:])
    ]


def scores(parameters: Any, inputs: Any) -> Any:
    for weights, bias in parameters[:-1]:
        inputs = np.tanh(np.dot(inputs, weights) + bias)
    weights, bias = parameters[-1]
    return np.dot(inputs, weights) + bias


def loss(parameters: Any, inputs: Any, one_hot: Any) -> Any:
    """Return the mean cross-entropy of the softmax of the scores."""
    s = scores(parameters, inputs)
    s = s - np.max(s, axis=1, keepdims=True)
    log_total = np.log(np.sum(np.exp(s), axis=1))
    return np.mean(log_total - np.sum(s * one_hot, axis=1))


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    options = common.parser(__doc__, "neural_net.png")
    options.add_argument("--hidden", type=int, default=16, help="width of the two hidden layers")
    options.add_argument("--steps", type=int, default=300, help="steps of Adam")
    options.add_argument("--rate", type=float, default=0.01, help="step size")
    args = options.parse_args(arguments)

    header, rows = common.read_table(common.DATA / "penguins.csv")
    names, inputs = common.features(header, rows, ["species", "island", "sex"])
    species = sorted({row[0] for row in rows})
    labels = numpy.array([species.index(row[0]) for row in rows])
    one_hot = numpy.eye(len(species))[labels]
    train, test = common.split(len(rows), 0.25, args.seed)
    print(f"{len(train)} penguins to train on, {len(test)} to test, inputs {', '.join(names)}")

    start = layers([len(names), args.hidden, args.hidden, len(species)], args.seed)
    gradient = grad(loss)
    history = []

    def pairs(flat: Sequence[Any]) -> list[tuple[Any, Any]]:
        return list(zip(flat[::2], flat[1::2]))

    def flat_gradient(flat: Sequence[Any], step: int) -> list[Any]:
        return [g for pair in gradient(pairs(flat), inputs[train], one_hot[train]) for g in pair]

    def accuracy(parameters: Any) -> float:
        return float(numpy.mean(numpy.argmax(scores(parameters, inputs[test]), 1) == labels[test]))

    def report(flat: Sequence[Any], step: int) -> None:
        history.append(float(loss(pairs(flat), inputs[train], one_hot[train])))
        if step % max(1, args.steps // 10) == 0:
            right = accuracy(pairs(flat))
            print(f"step {step:5d}   loss {history[-1]:.5f}   test accuracy {right:.3f}")

    flat = common.adam(
        flat_gradient, [a for pair in start for a in pair], args.steps, args.rate, report
    )
    report(flat, args.steps)
    score = accuracy(pairs(flat))
    print(f"trained: loss {history[0]:.5f} -> {history[-1]:.5f}, test accuracy {score:.3f}")

    def draw(axis: Any) -> None:
        axis.semilogy(history)
        axis.set(xlabel="step", ylabel="loss", title="neural net: species of penguins")

    common.save_plot(args, draw)
    return {"history": history, "accuracy": score}


if __name__ == "__main__":
    main()
