"""Programs with flags, phases and histories: trainers, solvers, integrators."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as onp
import scipy.ndimage
import scipy.signal

import fastad.numpy as np
from fastad import grad, value_and_grad

from . import near, normal, programs
from .state import Program

PROGRAMS, program = programs()


@program
def trainer_that_stops_early():
    X, y = normal(30, 3), normal(30, seed=1)

    class Trainer:
        def __init__(self):
            self.w, self.losses, self.stop, self.rate = onp.zeros(3), [], False, 0.01

        def step(self, scale):
            loss, slope = value_and_grad(lambda w: np.mean((X @ w - y) ** 2))(self.w)
            self.w = self.w - self.rate * scale * slope
            self.losses.append(float(loss))
            if len(self.losses) > 1 and self.losses[-2] - self.losses[-1] < 1e-9:
                self.stop = True
            return loss / self.losses[0]

    trainer = Trainer()
    return Program(
        trainer.step, near(1.0), lambda: vars(trainer), lambda: setattr(trainer, "rate", 0.02)
    )


@program
def alternating_least_squares():
    R = normal(6, 5)

    class Factors:
        def __init__(self):
            self.U, self.V, self.rows = normal(6, 2), normal(5, 2, seed=1), True

        def step(self, penalty):
            if self.rows:
                self.U = np.linalg.solve(self.V.T @ self.V + penalty * np.eye(2), self.V.T @ R.T).T
            else:
                self.V = np.linalg.solve(self.U.T @ self.U + penalty * np.eye(2), self.U.T @ R).T
            self.rows = not self.rows
            return np.sum((R - self.U @ self.V.T) ** 2)

    factors = Factors()
    return Program(factors.step, near(0.1), lambda: vars(factors))


@program
def warm_up_and_sampling():
    class Chain:
        def __init__(self):
            self.phase, self.count, self.mean, self.last = "warm-up", 0, 0.0, None

        def update(self, x):
            self.count += 1
            rate = 0.5 if self.phase == "warm-up" else 1.0 / self.count
            self.mean = self.mean + rate * (x - self.mean)
            change = 0.0 if self.last is None else abs(x - self.last)
            self.last = x
            if self.count == 7:
                self.phase = "sampling"
            return self.mean, change

    chain = Chain()
    return Program(
        chain.update, near(1.0), lambda: vars(chain), lambda: setattr(chain, "last", None)
    )


@program
def patience():
    class Patience:
        def __init__(self):
            self.best, self.bad, self.stop = math.inf, 0, False

        def update(self, loss):
            if loss < self.best:
                self.best, self.bad = loss, 0
            else:
                self.bad += 1
            self.stop = self.bad > 20
            return self.stop

    patience = Patience()

    def validate(w):
        loss = np.mean((w - 1.0) ** 2)
        return loss, patience.update(loss)

    return Program(validate, near(normal(3)), lambda: vars(patience))


@program
def simulation_of_frozen_states():
    @dataclasses.dataclass(frozen=True)
    class State:
        x: Any
        v: Any
        steps: int = 0
        bounced: bool = False

    world = {"state": State(onp.ones(2), onp.zeros(2))}

    def advance(dt):
        s = world["state"]
        v = s.v - dt * grad(lambda x: 0.5 * np.sum(x**2))(s.x)
        world["state"] = dataclasses.replace(s, x=s.x + dt * v, v=v, steps=s.steps + 1)
        return world["state"].x

    return Program(advance, near(0.1), lambda: dataclasses.asdict(world["state"]))


@program
def steps_of_adams_and_bashforth():
    class Integrator:
        def __init__(self):
            self.ys, self.slopes = [onp.ones(2)], []

        def step(self, dt):
            y = self.ys[-1]
            self.slopes.append(-y + 0.1 * np.sin(y))
            if len(self.slopes) < 2:
                y = y + dt * self.slopes[-1]
            else:
                y = y + dt * (1.5 * self.slopes[-1] - 0.5 * self.slopes[-2])
            self.ys.append(y)
            return y

    integrator = Integrator()
    return Program(
        integrator.step,
        near(0.1),
        lambda: vars(integrator),
        lambda: integrator.ys.append(onp.zeros(2)),
    )


@program
def progress_every_tenth_step():
    state, said = {"steps": 0}, []

    def say(text):
        said[:] = [text]

    def step(w):
        loss, slope = value_and_grad(lambda w: np.sum(w**4))(w)
        state["steps"] += 1
        if state["steps"] % 10 == 0:
            say(f"{state['steps']}: {loss:.3f}")
        return w - 0.1 * slope

    return Program(step, near(normal(3)), lambda: (state, said))


@program
def smoothed_signal_by_scipy():
    kernel, seen = onp.hanning(5), {"calls": 0}

    def roughness(signal):
        seen["calls"] += 1
        smooth = scipy.signal.convolve(signal, kernel / 4.0, mode="same")
        return np.sum((scipy.ndimage.gaussian_filter1d(smooth, 1.0) - signal) ** 2)

    return Program(value_and_grad(roughness), near(normal(16)), lambda: seen)


@program
def settings_of_a_data_class():
    @dataclasses.dataclass
    class Settings:
        rate: float = 0.1
        decay: float = 0.01
        steps: int = 3
        clip: bool = True

    settings = Settings()

    def train(w):
        for k in range(settings.steps):
            slope = grad(lambda w: np.sum(w**4) / 4)(w)
            if settings.clip:
                slope = slope / np.maximum(1.0, np.linalg.norm(slope))
            w = w - settings.rate / (1 + settings.decay * k) * slope
        return w

    return Program(
        train,
        near(normal(3)),
        lambda: dataclasses.asdict(settings),
        lambda: setattr(settings, "clip", False),
    )
