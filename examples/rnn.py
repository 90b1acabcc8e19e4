"""A recurrent net, plain or LSTM, that learns to predict the next character of a text.

The text is this file by default. The net sees several stretches of it at once and is unrolled by an
ordinary Python loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import common
import numpy

import fastad.numpy as np
from fastad import grad


def sigmoid(x: Any) -> Any:
    return 0.5 * (np.tanh(0.5 * x) + 1.0)


def plain_step(parameters: Sequence[Any], x: Any, state: tuple[Any, ...]) -> tuple[Any, ...]:
    """h' = tanh(x A + h B + b) (Elman 1990)."""
    a, b, bias = parameters[:3]
    return (np.tanh(np.dot(x, a) + np.dot(state[0], b) + bias),)


def lstm_step(parameters: Sequence[Any], x: Any, state: tuple[Any, ...]) -> tuple[Any, ...]:
    """Input, forget and output gate and candidate in one product (Hochreiter, Schmidhuber 1997)."""
    a, b, bias = parameters[:3]
    hidden, cell = state
    n = hidden.shape[1]
    gates = np.dot(x, a) + np.dot(hidden, b) + bias
    inward, forget, outward = (sigmoid(gates[:, i * n : (i + 1) * n]) for i in range(3))
    cell = forget * cell + inward * np.tanh(gates[:, 3 * n :])
    return outward * np.tanh(cell), cell


CELLS = {"rnn": (plain_step, 1, 1), "lstm": (lstm_step, 4, 2)}  # step, gates, states


def loss(parameters: Sequence[Any], cell: str, text: Any) -> Any:
    """Return the mean negative log-probability, in bits, of each next character.

    Parameters
    ----------
    parameters : list of ndarray
        Input weights, recurrent weights, bias, output weights, output bias.
    cell : {"rnn", "lstm"}
    text : ndarray, shape (length, batch, characters)
        One-hot characters.
    """
    step, _, states = CELLS[cell]
    hidden = parameters[1].shape[0]
    state = (np.zeros((text.shape[1], hidden)),) * states
    total = 0.0
    for now, following in zip(text[:-1], text[1:]):
        state = step(parameters, now, state)
        scores = np.dot(state[0], parameters[3]) + parameters[4]
        scores = scores - np.max(scores, axis=1, keepdims=True)
        picked = np.sum(scores * following, axis=1)
        total = total + np.mean(np.log(np.sum(np.exp(scores), axis=1)) - picked)
    return total / ((len(text) - 1) * np.log(2.0))


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    options = common.parser(__doc__, "rnn.png")
    options.add_argument("text", nargs="?", default=__file__, help="text file to learn")
    options.add_argument("--cell", choices=sorted(CELLS), default="lstm", help="kind of net")
    options.add_argument("--hidden", type=int, default=48, help="size of the state")
    options.add_argument("--length", type=int, default=25, help="characters in a stretch")
    options.add_argument("--batch", type=int, default=32, help="stretches at once")
    options.add_argument("--steps", type=int, default=150, help="steps of Adam")
    options.add_argument("--rate", type=float, default=0.02, help="step size")
    args = options.parse_args(arguments)

    text = Path(args.text).read_text(encoding="utf-8")
    if len(text) <= args.length + 1:
        raise SystemExit(f"{args.text}: more than {args.length + 1} characters are needed")
    characters = sorted(set(text))
    codes = numpy.array([characters.index(c) for c in text])
    one_hot = numpy.eye(len(characters))
    random = numpy.random.default_rng(args.seed)
    _, gates, _ = CELLS[args.cell]
    shapes = [(len(characters), gates * args.hidden), (args.hidden, gates * args.hidden)]
    parameters = [random.normal(size=s) / numpy.sqrt(args.hidden) for s in shapes]
    parameters += [numpy.zeros(gates * args.hidden)]
    parameters += [random.normal(size=(args.hidden, len(characters))) / numpy.sqrt(args.hidden)]
    parameters += [numpy.zeros(len(characters))]
    print(f"{args.cell}: {len(text)} characters, {len(characters)} different ones")

    def stretch(step: int) -> numpy.ndarray:
        starts = numpy.random.default_rng([args.seed, step]).integers(
            len(text) - args.length, size=args.batch
        )
        return one_hot[codes[starts[None, :] + numpy.arange(args.length)[:, None]]]

    gradient = grad(loss)
    fixed = stretch(args.steps)
    history = []

    def report(p: Sequence[Any], step: int) -> None:
        if step % max(1, args.steps // 10) == 0:
            history.append(float(loss(p, args.cell, fixed)))
            print(f"step {step:5d}   {history[-1]:.4f} bits a character")

    parameters = common.adam(
        lambda p, step: gradient(p, args.cell, stretch(step)),
        parameters,
        args.steps,
        args.rate,
        report,
    )
    history.append(float(loss(parameters, args.cell, fixed)))
    print(f"trained: {history[0]:.4f} -> {history[-1]:.4f} bits a character")

    def draw(axis: Any) -> None:
        axis.plot(numpy.linspace(0, args.steps, len(history)), history, "o-")
        axis.set(xlabel="step", ylabel="bits a character", title=args.cell)

    common.save_plot(args, draw)
    return {"history": history}


if __name__ == "__main__":
    main()
