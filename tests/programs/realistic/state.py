"""Programs of the kinds people write whose calls change state: replayed by their fifth call.

An entry makes a function, for the number of a call its arguments, and what tells of its state; it
is made twice, since each copy changes its own. `change` is a change of the world between calls.
"""

from __future__ import annotations

import collections
import dataclasses
import math
from typing import Any, NamedTuple

import numpy as onp

import fastad.numpy as np
import fastad.numpy.random as npr
import fastad.scipy.special as special
import fastad.scipy.stats as stats
from fastad import grad, hessian, jacobian, value_and_grad

from . import near, normal, programs

PROGRAMS, program = programs()


class Program(NamedTuple):
    call: Any
    arguments: Any
    state: Any
    change: Any = lambda: None


class Adam:
    def __init__(self, shapes, rate=0.05):
        self.m = {name: onp.zeros(shape) for name, shape in shapes.items()}
        self.v = {name: onp.zeros(shape) for name, shape in shapes.items()}
        self.rate, self.t = rate, 0

    def step(self, params, gradient):
        self.t += 1
        new = {}
        for name, g in gradient.items():
            self.m[name] = 0.9 * self.m[name] + 0.1 * g
            self.v[name] = 0.999 * self.v[name] + 0.001 * g**2
            m = self.m[name] / (1 - 0.9**self.t)
            v = self.v[name] / (1 - 0.999**self.t)
            new[name] = params[name] - self.rate * m / (np.sqrt(v) + 1e-8)
        return new


@program
def logistic_with_an_optimizer_class():
    x, y = normal(30, 4), (normal(30, seed=1) > 0) * 1.0
    optimizer = Adam({"w": 4, "b": ()})
    history = []

    def loss(params):
        z = np.dot(x, params["w"]) + params["b"]
        return np.mean(np.logaddexp(0.0, z) - y * z)

    value_and_slope = value_and_grad(loss)

    def step(params):
        value, slope = value_and_slope(params)
        history.append(float(value))
        return optimizer.step(params, slope)

    def change():
        optimizer.rate = 0.01
        history.clear()

    return Program(
        step,
        lambda i: ({"w": normal(4, seed=i), "b": 0.1 * i},),
        lambda: (optimizer.__dict__, history),
        change,
    )


@program
def training_held_in_a_class():
    class Trainer:
        def __init__(self):
            self.params = {"w": normal(3), "b": 0.0}
            self.velocity = {"w": onp.zeros(3), "b": 0.0}
            self.best, self.steps, self.losses = onp.inf, 0, []

        def loss(self, params, x, y):
            return np.mean((np.tanh(np.dot(x, params["w"])) + params["b"] - y) ** 2)

        def step(self, x, y):
            loss, slope = value_and_grad(self.loss)(self.params, x, y)
            self.velocity = {k: 0.9 * self.velocity[k] - 0.05 * slope[k] for k in slope}
            self.params = {k: self.params[k] + self.velocity[k] for k in slope}
            self.steps += 1
            self.losses.append((self.steps, loss))
            if loss < self.best:
                self.best = loss
            return loss

    trainer = Trainer()

    def change():
        trainer.params = {"w": normal(3, seed=5), "b": 1.0}

    return Program(
        trainer.step,
        lambda i: (normal(10, 3, seed=i), normal(10, seed=i + 50)),
        lambda: vars(trainer),
        change,
    )


@program
def minibatches_in_turn():
    x, y = normal(40, 3), normal(40, seed=1)
    state = {"k": 0}

    def loss(w, x, y):
        return np.mean((np.dot(x, w) - y) ** 2)

    def step(w):
        start = 20 * (state["k"] % 2)
        state["k"] += 1
        return w - 0.1 * grad(loss)(w, x[start : start + 20], y[start : start + 20])

    return Program(step, near(normal(3)), lambda: state, lambda: state.update(k=0))


@program
def kalman_filter_of_a_class():
    class Kalman:
        def __init__(self):
            self.x, self.P = onp.zeros(2), onp.eye(2)
            self.F, self.H = onp.array([[1.0, 0.1], [0.0, 1.0]]), onp.array([[1.0, 0.0]])
            self.loglik = 0.0

        def predict(self):
            self.x = self.F @ self.x
            self.P = self.F @ self.P @ self.F.T + 0.01 * np.eye(2)

        def update(self, z):
            self.predict()
            r = z - self.H @ self.x
            S = self.H @ self.P @ self.H.T + 0.1
            K = self.P @ self.H.T @ np.linalg.inv(S)
            self.x = self.x + K @ r
            self.P = (np.eye(2) - K @ self.H) @ self.P
            self.loglik += -0.5 * float((r @ np.linalg.solve(S, r)) + np.log(np.linalg.det(S)))
            return self.x, self.loglik

    kalman = Kalman()

    def change():
        kalman.P = 5.0 * onp.eye(2)

    return Program(kalman.update, near(normal(1)), lambda: vars(kalman), change)


@program
def pid_controller():
    class Controller:
        def __init__(self):
            self.integral, self.last, self.time = 0.0, 0.0, 0.0
            self.gains = (1.2, 0.4, 0.05)

        def act(self, error, dt):
            p, i, d = self.gains
            self.integral += error * dt
            self.integral = min(max(self.integral, -2.0), 2.0)
            slope = (error - self.last) / dt
            self.last = error
            self.time += dt
            return p * error + i * self.integral + d * slope

    controller = Controller()

    def change():
        controller.integral = 0.0

    return Program(controller.act, near(0.3, 0.05), lambda: vars(controller), change)


@program
def pid_tuning_by_simulation():
    def cost(gains):
        p, i, d = gains
        x = v = total = integral = last = 0.0
        for k in range(20):
            error = 1.0 - x
            integral += 0.1 * error
            u = p * error + i * integral + d * (error - last) / 0.1
            last = error
            v += 0.1 * (u - math.sin(0.3 * k) - 0.5 * v)
            x += 0.1 * v
            total += error**2 + 0.01 * u**2
        return total

    return Program(value_and_grad(cost), near(onp.array([1.0, 0.2, 0.1])), lambda: ())


@program
def model_predictive_control():
    A, B = onp.array([[1.0, 0.1], [0.0, 0.9]]), onp.array([0.0, 0.1])
    memory = {"plan": onp.zeros(6), "applied": []}

    def cost(plan, x):
        total = 0.0
        for u in plan:
            x = A @ x + B * u
            total = total + np.sum(x**2) + 0.01 * u**2
        return total

    slope = grad(cost)

    def control(x):
        plan = np.concatenate((memory["plan"][1:], np.zeros(1)))
        for _ in range(3):
            plan = plan - 0.5 * slope(plan, x)
        memory["plan"] = plan
        memory["applied"].append(plan[0])
        return A @ x + B * plan[0]

    def change():
        memory["plan"] = onp.ones(6)

    return Program(control, near(normal(2)), lambda: memory, change)


@program
def expectation_maximization():
    x = onp.concatenate((normal(20) - 2, normal(20, seed=1) + 2))
    trace = []

    def step(params):
        mu, log_sigma, weights = params["mu"], params["log_sigma"], params["weights"]
        logs = stats.norm.logpdf(x[:, None], mu, np.exp(log_sigma)) + np.log(weights)
        total = special.logsumexp(logs, axis=1, keepdims=True)
        r = np.exp(logs - total)
        n = np.sum(r, axis=0)
        new = np.sum(r * x[:, None], axis=0) / n
        spread = np.sqrt(np.sum(r * (x[:, None] - new) ** 2, axis=0) / n)
        trace.append({"loglik": float(np.sum(total))})
        return {"mu": new, "log_sigma": np.log(spread), "weights": n / len(x)}

    return Program(
        step,
        lambda i: (
            {
                "mu": onp.array([-1.0, 1.0 + i]),
                "log_sigma": onp.zeros(2),
                "weights": onp.ones(2) / 2,
            },
        ),
        lambda: trace,
        trace.clear,
    )


@program
def variational_inference_with_draws():
    data = normal(20) + 1.0
    running = {"elbo": 0.0, "t": 0}

    def elbo(params):
        mean, log_std = params
        z = mean + np.exp(log_std) * npr.normal(size=8)
        likelihood = np.sum(stats.norm.logpdf(data[:, None], z, 1.0), axis=0)
        return np.mean(likelihood + stats.norm.logpdf(z, 0.0, 3.0)) + log_std

    def step(params):
        value, slope = value_and_grad(elbo)(params)
        running["elbo"] = 0.9 * running["elbo"] + 0.1 * value
        return params + 0.01 * slope

    return Program(step, near(normal(2)), lambda: running)


@program
def longstaff_schwartz():
    z = normal(40, 6)

    def price(spot, volatility):
        dt = 0.2
        steps = (0.03 - 0.5 * volatility**2) * dt + volatility * math.sqrt(dt) * z
        paths = spot * np.exp(np.cumsum(steps, axis=1))
        cash = np.maximum(1.0 - paths[:, -1], 0.0)
        for t in range(4, -1, -1):
            cash = cash * math.exp(-0.03 * dt)
            s = paths[:, t]
            basis = np.stack((np.ones(40), s, s**2), axis=1)
            beta = np.linalg.solve(basis.T @ basis + 1e-6 * np.eye(3), basis.T @ cash)
            exercise = np.maximum(1.0 - s, 0.0)
            cash = np.where(exercise > basis @ beta, exercise, cash)
        return np.mean(cash)

    return Program(value_and_grad(price, (0, 1)), near(1.0, 0.3), lambda: ())


@program
def epidemic_with_counters():
    @dataclasses.dataclass
    class Model:
        population: float = 100.0
        evaluations: int = 0

        def simulate(self, beta, gamma):
            self.evaluations += 1
            s, i, r = self.population - 1.0, 1.0, 0.0
            infected = []
            for _ in range(15):
                new = beta * s * i / self.population
                s, i, r = s - new, i + new - gamma * i, r + gamma * i
                infected.append(i)
            return np.array(infected)

    model, seen = Model(), onp.linspace(1, 30, 15)

    def misfit(beta, gamma):
        return np.sum((model.simulate(beta, gamma) - seen) ** 2)

    return Program(value_and_grad(misfit, (0, 1)), near(0.6, 0.2), lambda: vars(model))


@program
def spline_fit():
    x, y = onp.linspace(0, 1, 25), onp.sin(onp.linspace(0, 6, 25))
    knots = onp.linspace(0, 1, 6)
    calls = collections.defaultdict(int)
    calls["fit"] = 0

    def fit(coefficients, log_penalty):
        calls["fit"] += 1
        basis = np.maximum(0.0, x[:, None] - knots) ** 3
        design = np.concatenate((np.stack((np.ones(25), x), axis=1), basis), axis=1)
        rest = design @ coefficients - y
        return np.sum(rest**2) + math.exp(log_penalty) * np.sum(coefficients[2:] ** 2)

    return Program(fit, near(normal(8), -2.0), lambda: dict(calls))


@program
def particle_filter_with_a_generator():
    rng = onp.random.default_rng(3)
    cloud = {"x": normal(30), "loglik": 0.0}

    def update(z, q):
        x = cloud["x"] + q * rng.normal(size=30)
        logs = stats.norm.logpdf(z, x, 0.5)
        total = special.logsumexp(logs)
        weights = np.exp(logs - total)
        cloud["x"] = np.sum(weights * x) + 0.9 * (x - np.sum(weights * x))
        cloud["loglik"] = cloud["loglik"] + total - math.log(30)
        return np.sum(weights * x)

    return Program(update, near(0.4, 0.3), lambda: cloud)


@program
def survival_by_cox():
    times, x = onp.argsort(-(normal(20) ** 2)), normal(20, 3)
    event = normal(20, seed=2) > -0.5

    class Fitter:
        def __init__(self):
            self.iterations, self.log_likelihood_ = 0, 0.0

        def loglik(self, beta):
            eta = np.dot(x[times], beta)
            return np.sum((eta - np.log(np.cumsum(np.exp(eta))))[event[times]])

        def newton(self, beta):
            self.iterations += 1
            value, slope = value_and_grad(self.loglik)(beta)
            self.log_likelihood_ = value.item()
            curvature = hessian(self.loglik)(beta)
            return beta - np.linalg.solve(curvature - 1e-3 * np.eye(3), slope)

    fitter = Fitter()
    return Program(fitter.newton, near(0.1 * normal(3)), lambda: vars(fitter))


@program
def weibull_fit_like_lifelines():
    durations, observed = onp.abs(normal(25)) + 0.1, normal(25, seed=1) > 0

    class WeibullFitter:
        def __init__(self):
            self._evaluations = []

        def negative_log_likelihood(self, params):
            lam, rho = np.exp(params[0]), np.exp(params[1])
            hazard = np.log(rho / lam) + (rho - 1) * np.log(durations / lam)
            return -np.sum(observed * hazard - (durations / lam) ** rho) / len(durations)

        def step(self, params):
            value, slope = value_and_grad(self.negative_log_likelihood)(params)
            self._evaluations.append(value)
            return value, slope

    fitter = WeibullFitter()
    return Program(fitter.step, near(normal(2)), lambda: vars(fitter), fitter._evaluations.clear)


@program
def costs_on_a_manifold():
    S = normal(4, 4)
    S = S + S.T

    class Problem:
        def __init__(self, cost):
            self.cost, self.evaluations = cost, 0
            self.gradient = grad(cost)

        def step(self, x):
            self.evaluations += 1
            g = self.gradient(x)
            tangent = g - np.dot(x, g) * x
            x = x - 0.1 * tangent
            return x / np.linalg.norm(x)

    problem = Problem(lambda x: -np.dot(x, S @ x))
    return Program(problem.step, near(normal(4)), lambda: problem.evaluations)


@program
def quantum_tape():
    class Tape:
        def __init__(self):
            self.operations, self.executions = [], 0

        def rotation(self, angle, wire):
            c, s = np.cos(angle / 2), np.sin(angle / 2)
            self.operations.append((np.array([[c, -s], [s, c]]), wire))

    device = {"executions": 0}

    def circuit(angles):
        tape = Tape()
        for k, angle in enumerate(angles):
            tape.rotation(angle, k % 2)
        state = np.reshape(np.array([1.0, 0.0, 0.0, 0.0]), (2, 2))
        for matrix, wire in tape.operations:
            state = np.moveaxis(np.tensordot(matrix, state, (1, wire)), 0, wire)
        device["executions"] += 1
        return np.sum(np.abs(state) ** 2 * onp.array([[1.0, -1.0], [-1.0, 1.0]]))

    return Program(value_and_grad(circuit), near(normal(4)), lambda: device)


@program
def metropolis_in_a_class():
    class Chain:
        def __init__(self):
            self.rng = onp.random.default_rng(1)
            self.x, self.logp, self.accepted, self.steps = 0.1, -0.005, 0, 0

        def step(self, scale):
            proposal = self.x + scale * self.rng.normal()
            logp = -0.5 * proposal**2
            u = self.rng.uniform()
            self.steps += 1
            if math.log(u) < logp - self.logp:
                self.x, self.logp = proposal, logp
                self.accepted += 1
            return self.x

    chain = Chain()
    return Program(
        chain.step, near(0.5), lambda: {k: v for k, v in vars(chain).items() if k != "rng"}
    )


@program
def batch_normalization():
    running = {"mean": onp.zeros(3), "var": onp.ones(3)}

    def layer(x, w):
        mean, var = np.mean(x, axis=0), np.var(x, axis=0)
        running["mean"] = 0.9 * running["mean"] + 0.1 * mean
        running["var"] = 0.9 * running["var"] + 0.1 * var
        return np.tanh(((x - mean) / np.sqrt(var + 1e-5)) @ w)

    return Program(layer, lambda i: (normal(8, 3, seed=i), normal(3, 2)), lambda: running)


@program
def exponential_smoothing_by_holt():
    level, trend, errors = 0.0, 0.0, []

    def observe(y, alpha, beta):
        nonlocal level, trend
        forecast = level + trend
        errors.append(float(y - forecast) ** 2)
        previous = level
        level = alpha * y + (1 - alpha) * forecast
        trend = beta * (level - previous) + (1 - beta) * trend
        return forecast

    return Program(observe, near(1.0, 0.3, 0.1), lambda: (level, trend, errors))


@program
def echo_of_a_signal():
    class Delay:
        def __init__(self):
            self.line = onp.zeros(8)

        def process(self, block):
            out = block + 0.5 * self.line
            self.line = np.tanh(np.roll(out, 1))
            return out

    delay = Delay()

    def change():
        delay.line[:] = 0.0

    return Program(delay.process, near(normal(8)), lambda: vars(delay), change)


@program
def averages_in_place():
    class RMSProp:
        def __init__(self):
            self.square, self.step_count = onp.zeros(5), 0

        def step(self, w, g):
            self.square *= 0.9
            self.square += 0.1 * g**2
            self.step_count += 1
            return w - 0.01 * g / (np.sqrt(self.square) + 1e-8)

    optimizer = RMSProp()
    return Program(
        optimizer.step,
        lambda i: (normal(5, seed=i), normal(5, seed=i + 9)),
        lambda: vars(optimizer),
        lambda: optimizer.square.fill(1.0),
    )


@program
def quasi_newton_memory():
    class BFGS:
        def __init__(self):
            self.H, self.x, self.g, self.count = onp.eye(3), normal(3), normal(3, seed=1), 0

        def update(self, x, g):
            s, y = x - self.x, g - self.g
            rho = 1.0 / (np.dot(y, s) + 10.0)
            V = np.eye(3) - rho * np.outer(s, y)
            self.H = V @ self.H @ V.T + rho * np.outer(s, s)
            self.x, self.g = x, g
            self.count += 1
            return -self.H @ g

    memory = BFGS()
    return Program(
        memory.update, lambda i: (normal(3, seed=i), normal(3, seed=i + 20)), lambda: vars(memory)
    )


@program
def orbit_by_scalars():
    body = {"x": 1.0, "y": 0.0, "vx": 0.0, "vy": 1.0, "t": 0.0}

    def advance(dt):
        r3 = math.pow(math.hypot(body["x"], body["y"]), 3)
        body["vx"] -= dt * body["x"] / r3
        body["vy"] -= dt * body["y"] / r3
        body["x"] += dt * body["vx"]
        body["y"] += dt * body["vy"]
        body["t"] += dt
        return math.atan2(body["y"], body["x"])

    return Program(advance, near(0.01), lambda: body, lambda: body.update(x=1.2))


@program
def extended_kalman_filter():
    class Filter:
        def __init__(self):
            self.mean, self.cov, self.seen = onp.array([1.0, 0.1]), onp.eye(2), 0

        def motion(self, x):
            return np.array([x[0] + 0.1 * x[1], x[1] - 0.1 * np.sin(x[0])])

        def update(self, z):
            F = jacobian(self.motion)(self.mean)
            mean, cov = self.motion(self.mean), F @ self.cov @ F.T + 0.01 * np.eye(2)
            gain = cov[:, 0] / (cov[0, 0] + 0.1)
            self.mean = mean + gain * (z - mean[0])
            self.cov = cov - np.outer(gain, cov[0])
            self.seen += 1
            return self.mean

    filter_ = Filter()
    return Program(filter_.update, near(0.8), lambda: vars(filter_))


@program
def scalar_black_scholes_with_math():
    def price(s, k, sigma, r, t):
        if type(s) is not float:
            raise TypeError("a number is wanted")
        d1 = (math.log(s / k) + (r + sigma**2 / 2) * t) / (sigma * math.sqrt(t))
        d2 = d1 - sigma * math.sqrt(t)
        return s * special.ndtr(d1) - k * math.exp(-r * t) * special.ndtr(d2)

    return Program(price, near(1.0, 1.1, 0.2, 0.03, 0.5), lambda: ())


@program
def learning_rate_schedule():
    class Schedule:
        def __init__(self):
            self.step, self.rate, self.rates = 0, 0.1, []

        def next(self):
            self.step += 1
            warm = min(1.0, self.step / 4)
            self.rate = 0.1 * warm * 0.5 * (1 + math.cos(math.pi * (self.step % 50) / 50))
            self.rates.append(self.rate)
            return self.rate

    schedule = Schedule()
    slope = grad(lambda w: np.sum((w - 1.0) ** 4))

    def train(w):
        return w - schedule.next() * slope(w)

    return Program(train, near(normal(3)), lambda: vars(schedule))


@program
def priors_frozen_by_the_call():
    model, observed = {"evaluations": 0}, normal(9)

    def log_posterior(theta):
        model["evaluations"] += 1
        prior = stats.norm(0.0, 2.0)
        scale = np.exp(theta[1])
        return prior.logpdf(theta[0]) + np.sum(stats.norm(theta[0], scale).logpdf(observed))

    return Program(value_and_grad(log_posterior), near(onp.array([0.3, 0.1])), lambda: model)


@program
def steps_with_noise_of_numpy():
    walk = {"x": onp.zeros(3), "steps": 0}

    def langevin(rate):
        slope = walk["x"] + np.sin(walk["x"])
        walk["x"] = walk["x"] - rate * slope + math.sqrt(2 * rate) * onp.random.randn(3)
        walk["steps"] += 1
        return 0.5 * np.sum(walk["x"] ** 2) / walk["steps"]

    return Program(langevin, near(0.1), lambda: walk)


@program
def line_search_that_remembers():
    memory = {"rate": 1.0, "halvings": 0}

    def f(x):
        return np.sum(x**4) + np.sum(x**2)

    slope = grad(f)

    def step(x):
        g, rate = slope(x), memory["rate"]
        while f(x - rate * g) > f(x) - 1e-4 * rate * np.sum(g**2):
            rate *= 0.5
            memory["halvings"] += 1
        memory["rate"] = min(1.0, 2.0 * rate)
        return x - rate * g

    return Program(step, near(normal(3)), lambda: memory, lambda: memory.update(rate=1.0))
