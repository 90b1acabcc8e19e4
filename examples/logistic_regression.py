"""Logistic regression on a table: which of two classes does a row belong to?

Reads a CSV file with a header (by default the bundled Palmer penguins, where the question is the
bird's sex), holds out a part of the rows, minimises the penalised negative log-likelihood by
gradient descent, and reports loss and accuracy.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import common

import fastad.numpy as np
from fastad import value_and_grad


def logits(parameters: dict[str, Any], inputs: Any) -> Any:
    return np.dot(inputs, parameters["weights"]) + parameters["bias"]


def loss(parameters: dict[str, Any], inputs: Any, signs: Any, penalty: float) -> Any:
    """Mean of log(1 + exp(-sign * logit)), which does not overflow, plus a ridge penalty."""
    misfit = np.mean(np.logaddexp(0.0, -signs * logits(parameters, inputs)))
    return misfit + 0.5 * penalty * np.sum(parameters["weights"] ** 2)


def accuracy(parameters: dict[str, Any], inputs: Any, signs: Any) -> float:
    return float(np.mean((logits(parameters, inputs) > 0) == (signs > 0)))


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    options = common.parser(__doc__, "logistic_regression.png")
    options.add_argument(
        "data", nargs="?", default=str(common.DATA / "penguins.csv"), help="CSV file with a header"
    )
    options.add_argument("--target", help="name of the column with the two classes (the last)")
    options.add_argument("--steps", type=int, default=500, help="steps of gradient descent")
    options.add_argument("--rate", type=float, default=1.0, help="step size")
    options.add_argument("--penalty", type=float, default=1e-3, help="weight of the ridge penalty")
    options.add_argument("--held-out", type=float, default=0.25, help="share of rows to test on")
    args = options.parse_args(arguments)

    header, rows = common.read_table(args.data)
    target = args.target or header[-1]
    if target not in header:
        raise SystemExit(f"no column is named {target!r}; there are {', '.join(header)}")
    labels = [row[header.index(target)] for row in rows]
    classes = sorted(set(labels))
    if len(classes) != 2:
        raise SystemExit(f"column {target!r} has {len(classes)} classes, not two")
    names, inputs = common.features(header, rows, [target])
    signs = np.array([1.0 if label == classes[1] else -1.0 for label in labels])
    train, test = common.split(len(rows), args.held_out, args.seed)
    print(f"{args.data}: {len(rows)} complete rows, {len(names)} inputs")
    print(f"{target}: {classes[0]} or {classes[1]}; training on {len(train)}, testing {len(test)}")

    parameters: dict[str, Any] = {"weights": np.zeros(len(names)), "bias": 0.0}
    step_function = value_and_grad(loss)
    history = []
    start = time.perf_counter()
    for step in range(args.steps):
        value, gradient = step_function(parameters, inputs[train], signs[train], args.penalty)
        history.append(float(value))
        if step % max(1, args.steps // 10) == 0:
            right = accuracy(parameters, inputs[test], signs[test])
            print(f"step {step:5d}   loss {value:.6f}   test accuracy {right:.3f}")
        parameters = {
            name: parameters[name] - args.rate * gradient[name] for name in ("weights", "bias")
        }
    seconds = time.perf_counter() - start
    history.append(float(loss(parameters, inputs[train], signs[train], args.penalty)))
    score = accuracy(parameters, inputs[test], signs[test])
    print(f"trained: loss {history[0]:.6f} -> {history[-1]:.6f}, test accuracy {score:.3f}")
    print(f"{args.steps} steps in {seconds:.2f} s, {1e6 * seconds / args.steps:.0f} us a step")
    for weight, name in sorted(zip(parameters["weights"], names), key=lambda pair: -abs(pair[0])):
        print(f"  {name:24s} {weight:+.4f}")

    def draw(axes: Any) -> None:
        axes[0].plot(history)
        axes[0].set(xlabel="step", ylabel="loss", title="training")
        order = np.argsort(logits(parameters, inputs[test]))
        scores = logits(parameters, inputs[test])[order]
        axes[1].plot(scores, 1 / (1 + np.exp(-scores)), color="grey")
        axes[1].plot(scores, signs[test][order] > 0, "|", markersize=14)
        axes[1].set(xlabel="logit", ylabel=f"probability of {classes[1]}", title="test rows")

    common.save_plot(args, draw, panels=2)
    return {"history": history, "accuracy": score, "parameters": parameters, "names": names}


if __name__ == "__main__":
    main()
