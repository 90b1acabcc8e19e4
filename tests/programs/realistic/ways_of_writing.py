"""Programs by how they are written: classes, tuples, frames, branches on types, warnings."""

from __future__ import annotations

import collections
import functools
import numbers
import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as onp
import pandas as pd

import fastad.numpy as np
from fastad import grad, value_and_grad

from . import near, normal, programs

PROGRAMS, program = programs()


class Params(NamedTuple):
    weights: Any
    bias: Any


@program
def named_tuple_of_parameters():
    x, y = normal(20, 3), normal(20, seed=1)

    def loss(params):
        return np.mean((x @ params.weights + params.bias - y) ** 2)

    return value_and_grad(loss), lambda i: (Params(normal(3, seed=i), 0.1 * i),)


@dataclass
class Layer:
    w: Any
    b: Any
    activation: str = "tanh"

    def __call__(self, x):
        out = x @ self.w + self.b
        return np.tanh(out) if self.activation == "tanh" else out


@program
def data_class_of_parameters():
    x = normal(20, 3)

    def loss(layers, scale):
        h = x
        for layer in layers:
            h = layer(h)
        return scale * np.sum(h**2)

    def arguments(i):
        return (
            [
                Layer(normal(3, 5, seed=i), normal(5, seed=i)),
                Layer(normal(5, 1, seed=i), normal(1, seed=i), "linear"),
            ],
            1.0 + i,
        )

    return grad(loss, argnum=1), arguments


@program
def model_with_methods():
    class Network:
        def __init__(self, sizes):
            self.layers = [
                (normal(a, b, seed=a), normal(b, seed=b)) for a, b in zip(sizes, sizes[1:])
            ]
            self.name = "network"

        def predict(self, x):
            for w, b in self.layers[:-1]:
                x = np.tanh(x @ w + b)
            w, b = self.layers[-1]
            return x @ w + b

        def energy(self, x):
            return np.sum(self.predict(x) ** 2)

        def force(self, x):
            return -grad(self.energy)(x)

    return Network([3, 6, 2]).force, near(normal(4, 3))


@program
def sorting_and_ranks():
    def quantile_loss(x, weights):
        ordered = np.sort(x)
        top = x[np.argsort(x)[-3:]]
        return np.sum(ordered * weights) + np.mean(top) - np.median(x)

    return value_and_grad(quantile_loss), near(normal(9), normal(9, seed=1))


@program
def where_and_clip():
    def huber(x, y, delta):
        r = x - y
        loss = np.where(np.abs(r) < delta, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta))
        return np.sum(loss) + np.sum(np.clip(x, -1.0, 1.0)) + np.sum(np.select([x > 0], [x], 0.0))

    return value_and_grad(huber), near(normal(30), normal(30, seed=1), 1.0)


@program
def partial_of_a_loss():
    def loss(power, x, *, scale):
        return scale * np.sum(np.abs(x) ** power)

    return grad(functools.partial(loss, 3, scale=0.5)), near(normal(6))


@program
def warnings_that_are_ignored():
    def f(x):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=RuntimeWarning)
            return np.sum(np.where(x > 0, np.log(np.abs(x)), 0.0))

    return value_and_grad(f), near(normal(6))


@program
def regression_on_a_frame():
    frame = pd.DataFrame({"x": normal(20), "z": normal(20, seed=1), "y": normal(20, seed=2)})
    frame["group"] = ["a", "b"] * 10

    class Regression:
        def __init__(self, frame, columns):
            self.frame, self.columns = frame, columns

        def loss(self, b):
            design = self.frame[self.columns].to_numpy()
            residual = self.frame["y"].values - np.dot(design, b)
            means = self.frame.groupby("group")["y"].mean()
            return np.mean(residual**2) + np.sum(b) * means["a"]

    return value_and_grad(Regression(frame, ["x", "z"]).loss), near(normal(2))


@program
def norms_by_type():
    def norm(x, p=2):
        if isinstance(x, (int, float)):
            return abs(x)
        if isinstance(x, onp.ndarray):
            return np.sum(np.abs(x) ** p) ** (1 / p)
        return np.sqrt(sum(v * v for v in x))

    @functools.singledispatch
    def size(x):
        raise TypeError(type(x))

    @size.register(numbers.Real)
    def _(x):
        return x * x

    @size.register(onp.ndarray)
    def _(x):
        return np.sum(x**2)

    return lambda x, y: norm(x) * norm(y) + norm([x, 2.0]) + size(x) * size(y), near(0.7, normal(4))


@program
def function_of_elements():
    payoff = np.vectorize(lambda s, k: max(s - k, 0.0) if isinstance(s, float) else 0.0 * s)
    return lambda x: np.sum(payoff(x, 0.1)), near(normal(5))


@program
def states_of_a_tuple_class_made_by_the_call():
    def f(x):
        State = collections.namedtuple("State", "place speed")
        state = State(x, np.zeros_like(x))
        for _ in range(3):
            state = State(state.place + 0.1 * state.speed, state.speed - 0.1 * state.place)
        return np.sum(state.place**2)

    return value_and_grad(f), near(normal(3))


@program
def energy_by_type_of_term():
    class Linear:
        weight = 2.0

    class Quadratic:
        weight = 3.0

    @functools.singledispatch
    def energy(term, x):
        raise TypeError(term)

    @energy.register(Linear)
    def _(term, x):
        return term.weight * np.sum(x)

    @energy.register(Quadratic)
    def _(term, x):
        return term.weight * np.sum(x**2)

    terms = [Linear(), Quadratic()]
    return value_and_grad(lambda x: sum(energy(term, x) for term in terms)), near(normal(4))


@program
def sums_that_grow_by_operators_in_place():
    data = normal(6, 4)

    def f(w):
        total = np.zeros(4)
        norm = 0.0
        for row in data:
            step = np.tanh(row * w)
            step *= 0.5
            total += step
            norm += np.sum(step**2)
        total /= 1.0 + norm
        return total

    return f, near(normal(4))
