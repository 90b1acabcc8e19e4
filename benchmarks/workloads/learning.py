"""Programs of machine learning: a network, recurrent networks, a convolution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from . import Workload, enter

Function = Callable[..., Any]


def network(np: Any) -> Function:
    """Mean squared error of a network of three layers."""

    def f(parameters: Any, inputs: Any, targets: Any) -> Any:
        h = inputs
        for w, b in parameters[:-1]:
            h = np.tanh(np.dot(h, w) + b)
        w, b = parameters[-1]
        out = np.dot(h, w) + b
        return np.mean(np.sum((out - targets) ** 2, axis=1))

    return f


def recurrent(np: Any) -> Function:
    """A recurrent network over a sequence; the sum of squares of its states."""

    def f(w: Any, u: Any, b: Any, inputs: Any) -> Any:
        h = np.dot(inputs[0], u) * 0.0
        total = 0.0
        for x in inputs:
            h = np.tanh(np.dot(h, w) + np.dot(x, u) + b)
            total = total + np.sum(h * h)
        return total

    return f


def long_short_term(np: Any) -> Function:
    """An LSTM over a sequence."""

    def sigmoid(x: Any) -> Any:
        return 0.5 * (np.tanh(0.5 * x) + 1.0)

    def f(w: Any, u: Any, b: Any, inputs: Any) -> Any:
        size = w.shape[0]
        h = np.dot(inputs[0], u)[:, :size] * 0.0
        c = h
        for x in inputs:
            gates = np.dot(h, w) + np.dot(x, u) + b
            forget = sigmoid(gates[:, :size])
            ingate = sigmoid(gates[:, size : 2 * size])
            outgate = sigmoid(gates[:, 2 * size : 3 * size])
            c = forget * c + ingate * np.tanh(gates[:, 3 * size :])
            h = outgate * np.tanh(c)
        return np.sum(h * h)

    return f


def convolution(np: Any) -> Function:
    """Filters of 5 x 5 over a batch of images, by sums over shifted images; then a pool by mean."""

    def f(filters: Any, images: Any) -> Any:
        height, width = images.shape[1] - 4, images.shape[2] - 4
        out = 0.0
        for i in range(5):
            for j in range(5):
                part = images[:, i : i + height, j : j + width]
                out = out + part[:, None] * filters[None, :, i, j, None, None]
        return np.sum(np.mean(np.tanh(out), axis=(2, 3)) ** 2)

    return f


def _normal(*shape: int, seed: int = 0) -> Any:
    return numpy.random.default_rng(seed).normal(size=shape)


def _network() -> tuple[Any, ...]:
    layers = [(784, 200), (200, 100), (100, 10)]
    parameters = [(0.05 * _normal(a, b), _normal(b)) for a, b in layers]
    return parameters, _normal(256, 784), _normal(256, 10, seed=1)


def _recurrent(batch: int, hidden: int, gates: int = 1) -> tuple[Any, ...]:
    return (
        0.3 * _normal(hidden, gates * hidden),
        _normal(10, gates * hidden, seed=1),
        _normal(gates * hidden, seed=2),
        _normal(100, batch, 10, seed=3),
    )


def _enter() -> None:
    def learn(name: str, build: Any, make: Any, **options: Any) -> None:
        enter(Workload(name, "learning", build, make, **options))

    by_three: Any = {"argnum": (0, 1, 2)}
    learn("mlp", network, _network, target=2.3, quick=False)
    learn("rnn-batch-20", recurrent, lambda: _recurrent(20, 20), **by_three, quick=False)
    learn("rnn-batch-1", recurrent, lambda: _recurrent(1, 20), **by_three)
    learn("lstm-batch-20", long_short_term, lambda: _recurrent(20, 20, 4), **by_three, quick=False)
    learn("lstm-batch-1", long_short_term, lambda: _recurrent(1, 20, 4), **by_three, quick=False)
    learn("convolution", convolution, lambda: (_normal(4, 5, 5), _normal(8, 28, 28)), quick=False)


_enter()
