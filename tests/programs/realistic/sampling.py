"""Programs that draw from generators which they are given or hold: samplers, simulations."""

from __future__ import annotations

import math

import numpy as onp

import fastad.numpy as np
from fastad import grad, value_and_grad

from . import near, normal, programs
from .state import Program

PROGRAMS, program = programs()


@program
def hamiltonian_step_with_a_given_generator():
    A = onp.diag([1.0, 2.0, 3.0])

    def log_density(q):
        return -0.5 * np.dot(q, A @ q)

    slope = grad(log_density)

    def step(q, rng, eps=0.1, steps=4):
        momentum = start = rng.standard_normal(len(q))
        new = q
        for _ in range(steps):
            momentum = momentum + 0.5 * eps * slope(new)
            new = new + eps * momentum
            momentum = momentum + 0.5 * eps * slope(new)
        energy = log_density(new) - 0.5 * momentum @ momentum
        accepted = np.log(rng.uniform()) < energy - log_density(q) + 0.5 * start @ start
        return np.where(accepted, new, q)

    rng = onp.random.default_rng(4)
    return Program(step, lambda i: (normal(3, seed=i), rng), lambda: rng.bit_generator.state)


@program
def random_walk_with_adapted_scale():
    class Sampler:
        def __init__(self, seed):
            self.rng = onp.random.default_rng(seed)
            self.x, self.scale, self.steps, self.accepted = 0.0, 1.0, 0, 0

        def step(self, width):
            new = self.rng.normal(self.x, self.scale)
            change = 0.5 * (self.x**2 - new**2) / width
            self.steps += 1
            if self.rng.random() < math.exp(min(0.0, change)):
                self.x, self.accepted = new, self.accepted + 1
            self.scale *= math.exp((self.accepted / self.steps - 0.44) / self.steps)
            return self.x

    sampler = Sampler(1)

    def state():
        return {key: value for key, value in vars(sampler).items() if key != "rng"}

    return Program(sampler.step, near(1.0), state, lambda: setattr(sampler, "scale", 0.5))


@program
def gillespie_with_one_reaction():
    rng = onp.random.default_rng(2)
    system = {"time": 0.0, "events": 0, "count": 40.0}

    def event(rate):
        system["time"] += rng.exponential(1.0 / (rate * system["count"]))
        system["count"] *= 0.99
        system["events"] += 1
        return system["time"]

    return Program(event, near(0.5), lambda: system, lambda: system.update(count=30.0))


@program
def stochastic_gradient_by_single_rows():
    rng = onp.random.default_rng(3)
    X, y = normal(200, 3), normal(200, seed=1)

    class Model:
        def __init__(self):
            self.w, self.steps = onp.zeros(3), 0

        def step(self, rate):
            j = rng.integers(len(X))
            self.steps += 1
            loss, slope = value_and_grad(lambda w: (X[j] @ w - y[j]) ** 2)(self.w)
            self.w = self.w - rate * slope
            return loss

    model = Model()
    return Program(model.step, near(0.01), lambda: vars(model), lambda: X.fill(0.5))


@program
def particles_that_are_drawn_again():
    class Filter:
        def __init__(self, rng):
            self.rng, self.x, self.loglik = rng, normal(12), 0.0

        def update(self, z, noise):
            x = self.rng.normal(0.9 * self.x, noise)
            logs = -0.5 * (z - x) ** 2
            weights = np.exp(logs - np.max(logs))
            self.loglik += np.max(logs) + np.log(np.mean(weights))
            places = (self.rng.random() + np.arange(len(x))) / len(x)
            found = np.searchsorted(np.cumsum(weights / np.sum(weights)), places)
            self.x = x[np.minimum(found, len(x) - 1)]
            return np.mean(self.x)

    filter_ = Filter(onp.random.default_rng(5))
    return Program(filter_.update, near(0.3, 0.2), lambda: (filter_.x, filter_.loglik))


@program
def bridge_of_brownian_paths():
    rng = onp.random.default_rng(6)

    def price(spot, volatility, strike):
        steps = rng.normal(-0.5 * volatility**2 / 8, volatility / math.sqrt(8), size=(20, 8))
        ends = spot * np.exp(np.sum(steps, axis=1))
        return np.mean(np.maximum(ends - strike, 0.0))

    return Program(price, near(1.0, 0.2, 1.0), lambda: rng.bit_generator.state["state"])
