"""Programs of the kinds people write: each must be replayed by its fifth call.

An entry gives a function and, for the number of a call, its arguments.
"""

from __future__ import annotations

import collections
import functools
import math
import numbers
import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as onp
import pandas as pd
import scipy.integrate
import scipy.interpolate
import scipy.optimize
import scipy.sparse
import scipy.stats

import fastad.numpy as np
import fastad.numpy.random as npr
import fastad.scipy.linalg as sla
import fastad.scipy.sparse.linalg as sparse_linalg
import fastad.scipy.special as special
import fastad.scipy.stats as stats
from fastad import checkpoint, grad, hessian, jacobian, make_hvp, value_and_grad

PROGRAMS: dict[str, Any] = {}


def program(make):
    PROGRAMS[make.__name__] = make
    return make


def normal(*shape, seed=0):
    return onp.random.RandomState(seed).randn(*shape)


def near(*values):
    """Arguments that move a little from call to call."""

    def arguments(i):
        return tuple(v + 0.01 * i if isinstance(v, (float, onp.ndarray)) else v for v in values)

    return arguments


@program
def logistic_regression_loop():
    x, y = normal(30, 4), (normal(30, seed=1) > 0) * 1.0

    def sigmoid(t):
        return 0.5 * (np.tanh(t / 2) + 1)

    def loss(w):
        p = sigmoid(np.dot(x, w))
        return -np.sum(np.log(p * y + (1 - p) * (1 - y)))

    gradient = grad(loss)

    def train(w):
        for _ in range(5):
            w = w - 0.1 * gradient(w)
        return w

    return train, near(normal(4))


@program
def mixture_of_gaussians():
    data = normal(50, 2)

    def log_likelihood(params):
        weights = params["log weights"] - special.logsumexp(params["log weights"])
        parts = []
        for k in range(3):
            apart = (data - params["means"][k]) / np.exp(params["log scales"][k])
            parts.append(
                weights[k] - np.sum(params["log scales"][k]) - 0.5 * np.sum(apart**2, axis=1)
            )
        return np.sum(special.logsumexp(np.vstack(parts), axis=0))

    def arguments(i):
        return (
            {
                "log weights": normal(3, seed=i),
                "means": normal(3, 2, seed=i + 1),
                "log scales": 0.1 * normal(3, 2, seed=i + 2),
            },
        )

    return value_and_grad(log_likelihood), arguments


@program
def lstm():
    inputs, targets = normal(6, 5, 3), normal(6, 5, 2)

    def sigmoid(t):
        return 0.5 * (np.tanh(t) + 1.0)

    def concat_and_multiply(weights, *args):
        state = np.hstack((*args, np.ones((args[0].shape[0], 1))))
        return np.dot(state, weights)

    def step(params, x, hidden, cell):
        change = np.tanh(concat_and_multiply(params["change"], x, hidden))
        forget = sigmoid(concat_and_multiply(params["forget"], x, hidden))
        ingate = sigmoid(concat_and_multiply(params["ingate"], x, hidden))
        outgate = sigmoid(concat_and_multiply(params["outgate"], x, hidden))
        cell = cell * forget + ingate * change
        return outgate * np.tanh(cell), cell

    def loss(params):
        hidden = np.repeat(params["init hidden"], inputs.shape[1], axis=0)
        cell = np.repeat(params["init cell"], inputs.shape[1], axis=0)
        total = 0.0
        for x, target in zip(inputs, targets):
            hidden, cell = step(params, x, hidden, cell)
            out = concat_and_multiply(params["predict"], hidden)
            total = total + np.sum((out - target) ** 2)
        return total / inputs.shape[0]

    def arguments(i):
        names = ("change", "forget", "ingate", "outgate")
        params = {name: 0.3 * normal(8, 4, seed=i + n) for n, name in enumerate(names)}
        params["init hidden"] = normal(1, 4, seed=i)
        params["init cell"] = normal(1, 4, seed=i)
        params["predict"] = normal(5, 2, seed=i)
        return (params,)

    return value_and_grad(loss), arguments


@program
def recurrent_network():
    inputs = normal(10, 3)

    def loss(w, u, b):
        h = np.zeros(4)
        losses = []
        for x in inputs:
            h = np.tanh(w @ h + u @ x + b)
            losses.append(np.sum(h**2))
        return sum(losses) / len(losses)

    return value_and_grad(loss, argnum=(0, 1, 2)), near(normal(4, 4), normal(4, 3), normal(4))


@program
def multilayer_perceptron():
    def predict(params, inputs):
        for w, b in params:
            outputs = np.dot(inputs, w) + b
            inputs = np.maximum(outputs, 0.0)
        return outputs - special.logsumexp(outputs, axis=1, keepdims=True)

    def l2(params):
        flat, _ = flatten(params)
        return np.dot(flat, flat)

    from fastad.misc.flatten import flatten

    def loss(params, inputs, targets):
        log_prior = -0.1 * l2(params)
        return -(log_prior + np.sum(predict(params, inputs) * targets))

    def arguments(i):
        params = [(normal(5, 8, seed=i), normal(8, seed=i)), (normal(8, 3), normal(3, seed=i))]
        return params, normal(20, 5, seed=i + 9), normal(20, 3, seed=i + 5)

    return grad(loss), arguments


@program
def kalman_filter():
    a = onp.array([[1.0, 0.1], [0.0, 1.0]])
    h = onp.array([[1.0, 0.0]])
    observed = normal(15, 1)

    def log_likelihood(params):
        q, r = np.exp(params[0]) * np.eye(2), np.exp(params[1]) * np.eye(1)
        m, p = np.zeros(2), np.eye(2)
        total = 0.0
        for z in observed:
            m, p = a @ m, a @ p @ a.T + q
            s = h @ p @ h.T + r
            y = z - h @ m
            gain = np.linalg.solve(s, h @ p).T
            total = total - 0.5 * (np.linalg.slogdet(s)[1] + y @ np.linalg.solve(s, y))
            m, p = m + gain @ y, p - gain @ h @ p
        return total

    return value_and_grad(log_likelihood), near(onp.array([-1.0, -2.0]))


@program
def hidden_markov_model():
    emitted = [0, 1, 1, 2, 0, 2, 1, 0]

    def log_likelihood(transition, emission):
        a = transition - special.logsumexp(transition, axis=1, keepdims=True)
        b = emission - special.logsumexp(emission, axis=1, keepdims=True)
        alpha = b[:, emitted[0]] - np.log(3.0)
        for symbol in emitted[1:]:
            alpha = special.logsumexp(alpha[:, None] + a, axis=0) + b[:, symbol]
        return special.logsumexp(alpha)

    return value_and_grad(log_likelihood, argnum=(0, 1)), near(normal(3, 3), normal(3, 3))


@program
def gaussian_process():
    x = onp.linspace(0, 3, 12)[:, None]
    y = onp.sin(x[:, 0])

    def kernel(params, a, b):
        scale, width = np.exp(params[0]), np.exp(params[1])
        apart = np.expand_dims(a / width, 1) - np.expand_dims(b / width, 0)
        return scale * np.exp(-0.5 * np.sum(apart**2, axis=2))

    def minus_log_likelihood(params):
        k = kernel(params, x, x) + np.exp(params[2]) * np.eye(len(y))
        chol = np.linalg.cholesky(k)
        alpha = np.linalg.solve(chol.T, np.linalg.solve(chol, y))
        return 0.5 * y @ alpha + np.sum(np.log(np.diag(chol))) + 0.5 * len(y) * np.log(2 * np.pi)

    return value_and_grad(minus_log_likelihood), near(onp.array([0.1, 0.2, -1.0]))


@program
def gaussian_process_with_scipy():
    x = onp.linspace(0, 3, 12)
    y = onp.sin(x)

    def minus_log_likelihood(params):
        k = np.exp(-0.5 * (x[:, None] - x[None, :]) ** 2 / params["width"] ** 2)
        chol = np.linalg.cholesky(k + params["noise"] * np.eye(12))
        z = sla.solve_triangular(chol, y, lower=True)
        return 0.5 * np.dot(z, z) + np.log(np.diag(chol)).sum()

    def arguments(i):
        return ({"width": 1.0 + 0.1 * i, "noise": 0.1 + 0.01 * i},)

    return value_and_grad(minus_log_likelihood), arguments


@program
def runge_kutta():
    def rhs(t, y, theta):
        s, v = y
        return np.array([v, -theta[0] * s - theta[1] * v + np.sin(t)])

    def loss(theta, y0):
        y, t, h = y0, 0.0, 0.1
        for _ in range(20):
            k1 = rhs(t, y, theta)
            k2 = rhs(t + h / 2, y + h / 2 * k1, theta)
            k3 = rhs(t + h / 2, y + h / 2 * k2, theta)
            k4 = rhs(t + h, y + h * k3, theta)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
            t += h
        return np.sum(y**2)

    return value_and_grad(loss), near(onp.array([1.0, 0.1]), onp.array([1.0, 0.0]))


@program
def adaptive_step():
    def loss(a):
        y, t, h = 1.0, 0.0, 0.5
        while t < 1.0:
            small = y + h / 2 * (-a * y)
            small = small + h / 2 * (-a * small)
            big = y + h * (-a * y)
            if abs(small - big) > 0.05:
                h = h / 2
                continue
            y, t = small, t + h
        return y

    return grad(loss), lambda i: (1.0 + 0.001 * i,)


@program
def k_means():
    points = normal(40, 2)

    def loss(centers):
        apart = np.sum((points[:, None, :] - centers[None, :, :]) ** 2, axis=2)
        return np.sum(np.min(apart, axis=1))

    return hessian_diagonal(loss), near(normal(3, 2, seed=3))


def hessian_diagonal(loss):
    """k-means by Newton: gradient and the diagonal of the Hessian."""

    def both(centers):
        product, value = make_hvp(loss)(centers)
        return grad(loss)(centers), product(onp.ones(centers.shape))

    return both


@program
def k_means_by_assignment():
    points = normal(40, 2)

    def loss(centers):
        apart = np.sum((points[:, None, :] - centers[None, :, :]) ** 2, axis=2)
        nearest = np.argmin(apart, axis=1)
        return np.sum((points - centers[nearest]) ** 2)

    return grad(loss), near(normal(3, 2, seed=3))


@program
def bundle_adjustment():
    def rodrigues(r, x):
        square = np.sum(r**2)
        if square == 0:
            return x + np.cross(r, x)
        theta = np.sqrt(square)
        w = r / theta
        cross = np.array(
            [
                w[1] * x[2] - w[2] * x[1],
                w[2] * x[0] - w[0] * x[2],
                w[0] * x[1] - w[1] * x[0],
            ]
        )
        along = np.dot(w, x) * (1.0 - np.cos(theta))
        return x * np.cos(theta) + cross * np.sin(theta) + w * along

    def project(camera, x):
        p = rodrigues(camera[:3], x - camera[3:6])
        p = p[:2] / p[2]
        square = np.sum(p**2)
        p = p * (1.0 + camera[9] * square + camera[10] * square**2)
        return p * camera[6] + camera[7:9]

    def residual(camera, x, weight, feature):
        return weight * (project(camera, x) - feature)

    return jacobian(residual), near(normal(11), normal(3, seed=1), 0.7, normal(2, seed=2))


@program
def rosenbrock_hessian():
    def rosenbrock(x):
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    return hessian(rosenbrock), near(normal(6))


@program
def objective_of_an_optimizer():
    class Problem:
        def __init__(self, seed):
            self.a = normal(8, 4, seed=seed)
            self.b = normal(8, seed=seed + 1)
            self.penalty = 0.1

        def residuals(self, x):
            return self.a @ x - self.b

        def objective(self, x):
            r = self.residuals(x)
            return 0.5 * r @ r + self.penalty * np.sum(np.sqrt(x**2 + 1e-6))

    return value_and_grad(Problem(0).objective), near(normal(4))


@program
def epidemic():
    def deaths(beta, gamma, n=200.0):
        s, i, r = n - 1.0, 1.0, 0.0
        for _ in range(30):
            infected = beta * s * i / n
            recovered = gamma * i
            s, i, r = s - infected, i + infected - recovered, r + recovered
        return r

    return value_and_grad(deaths, argnum=(0, 1)), near(0.4, 0.1)


@program
def black_scholes():
    def price(spot, strike, rate, sigma, t, kind="call"):
        d1 = (np.log(spot / strike) + (rate + sigma**2 / 2) * t) / (sigma * np.sqrt(t))
        d2 = d1 - sigma * np.sqrt(t)
        sign = 1.0 if kind == "call" else -1.0
        return sign * (
            spot * stats.norm.cdf(sign * d1)
            - strike * np.exp(-rate * t) * stats.norm.cdf(sign * d2)
        )

    return value_and_grad(price, argnum=(0, 3, 4)), near(100.0, 95.0, 0.03, 0.2, 0.5, "put")


@program
def bayesian_log_density():
    x, y = normal(25, 3), onp.abs(normal(25, seed=1))

    def log_density(theta):
        prior = np.sum(stats.norm.logpdf(theta, 0.0, 2.0))
        rate = np.exp(np.dot(x, theta[:3]) + theta[3])
        return prior + np.sum(stats.gamma.logpdf(y * rate, 2.0)) + np.sum(np.log(rate))

    return value_and_grad(log_density), near(0.1 * normal(4))


@program
def student_t_regression():
    x, y = normal(25), normal(25, seed=1)

    def log_density(a, b, log_scale):
        scale = np.exp(log_scale)
        return np.sum(stats.t.logpdf(y, 4.0, a + b * x, scale)) + stats.norm.logpdf(a)

    return value_and_grad(log_density, argnum=(0, 1, 2)), near(0.1, 0.2, 0.3)


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
def embeddings_by_index():
    words = onp.array([[0, 2, 4], [1, 1, 3]])

    def loss(table, out):
        vectors = table[words]
        return np.sum((np.mean(vectors, axis=1) @ out) ** 2)

    return grad(loss, argnum=(0, 1)), near(normal(5, 4), normal(4, 2))


@program
def batches_by_index():
    def loss(w, x, y, batch):
        return np.mean((x[batch] @ w - y[batch]) ** 2)

    def arguments(i):
        batch = onp.random.RandomState(i).randint(0, 30, size=8)
        return normal(3, seed=i), normal(30, 3), normal(30, seed=1), batch

    return value_and_grad(loss), arguments


@program
def where_and_clip():
    def huber(x, y, delta):
        r = x - y
        loss = np.where(np.abs(r) < delta, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta))
        return np.sum(loss) + np.sum(np.clip(x, -1.0, 1.0)) + np.sum(np.select([x > 0], [x], 0.0))

    return value_and_grad(huber), near(normal(30), normal(30, seed=1), 1.0)


@program
def attention_with_einsum():
    def attend(q, k, v):
        scores = np.einsum("bhqd,bhkd->bhqk", q, k) / np.sqrt(q.shape[-1])
        scores = scores - np.max(scores, axis=-1, keepdims=True)
        weights = np.exp(scores) / np.sum(np.exp(scores), axis=-1, keepdims=True)
        return np.sum(np.einsum("bhqk,bhkd->bhqd", weights, v) ** 2)

    shape = (2, 2, 4, 3)
    return (
        value_and_grad(attend, argnum=(0, 1, 2)),
        near(normal(*shape), normal(*shape, seed=1), normal(*shape, seed=2)),
    )


@program
def convolution():
    def smooth(kernel, signal):
        out = np.convolve(signal, kernel, mode="same")
        return np.sum((out - signal) ** 2)

    return value_and_grad(smooth), near(normal(3), normal(20, seed=1))


@program
def spectrum():
    def loss(x):
        f = np.fft.fft(x)
        return np.sum(np.abs(f[1:5]) ** 2) + np.sum(np.real(np.fft.ifft(f * f)))

    return value_and_grad(loss), near(normal(16))


@program
def newton_iteration():
    def solve(a):
        x = 1.0
        for _ in range(50):
            step = (x * x - a) / (2 * x)
            x = x - step
            if abs(step) < 1e-9:
                break
        return x

    return value_and_grad(solve), lambda i: (2.0 + 0.001 * i,)


@program
def control_over_a_horizon():
    dynamics = onp.array([[1.0, 0.1], [0.0, 0.95]])

    def cost(controls, start):
        state, total = start, 0.0
        for t in range(controls.shape[0]):
            state = dynamics @ state + np.array([0.0, 0.1]) * controls[t]
            total += state[0] ** 2 + 0.1 * controls[t] ** 2
        return total

    return value_and_grad(cost), near(normal(12), normal(2))


@program
def principal_components():
    data = normal(20, 4)

    def explained(scale):
        values, _ = np.linalg.eigh(np.cov((data * scale).T))
        return values[-1] / np.sum(values)

    return value_and_grad(explained), near(onp.array([1.0, 1.2, 0.8, 1.1]))


@program
def image_denoising():
    noisy = normal(8, 8)

    def energy(u, weight=0.5):
        dx = u[1:, :-1] - u[:-1, :-1]
        dy = u[:-1, 1:] - u[:-1, :-1]
        return 0.5 * np.sum((u - noisy) ** 2) + weight * np.sum(np.sqrt(dx**2 + dy**2 + 1e-4))

    return value_and_grad(energy), near(normal(8, 8, seed=2))


@program
def adam_step():
    def loss(w):
        return np.sum(np.cosh(w) - 1.0)

    def step(w, m, v, t):
        g = grad(loss)(w)
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        return w - 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v

    def arguments(i):
        return normal(6, seed=i), onp.zeros(6), onp.ones(6), i + 1

    return step, arguments


@program
def lennard_jones():
    def energy(positions):
        total = 0.0
        n = len(positions)
        for i in range(n):
            for j in range(i + 1, n):
                square = np.sum((positions[i] - positions[j]) ** 2)
                total += 4.0 * (1.0 / square**6 - 1.0 / square**3)
        return total

    return grad(energy), near(3.0 * normal(5, 3))


@program
def partial_of_a_loss():
    def loss(power, x, *, scale):
        return scale * np.sum(np.abs(x) ** power)

    return grad(functools.partial(loss, 3, scale=0.5)), near(normal(6))


@program
def variational_inference():
    def log_density(z):
        return -0.5 * np.sum(z**2, axis=-1) - 0.1 * np.sum(z**4, axis=-1)

    def elbo(params, noise):
        mean, log_std = params[:2], params[2:]
        samples = noise * np.exp(log_std) + mean
        return np.mean(log_density(samples)) + np.sum(log_std)

    def arguments(i):
        return 0.1 * normal(4, seed=i), normal(20, 2, seed=i)

    return value_and_grad(elbo), arguments


@program
def dropout_with_a_seed():
    x = normal(10, 4)

    def loss(w, seed):
        rng = npr.default_rng(seed)
        mask = rng.random(x.shape) > 0.5
        return np.sum(((x * mask) @ w) ** 2)

    return grad(loss), lambda i: (normal(4, seed=i), 7)


@program
def layers_behind_checkpoints():
    layer = checkpoint(lambda w, h: np.tanh(np.dot(h, w)))

    def loss(weights):
        h = onp.ones((4, 3))
        for w in weights:
            h = layer(w, h)
        return np.sum(h**2)

    return value_and_grad(loss), lambda i: ([normal(3, 3, seed=k) + 0.01 * i for k in range(3)],)


@program
def regression_with_a_sparse_design():
    design = scipy.sparse.random(30, 8, 0.3, format="csr", random_state=0)
    y = normal(30)

    def loss(w):
        return np.sum((design @ w - y) ** 2) + 0.1 * w @ (design.T @ (design @ w))

    return value_and_grad(loss), near(normal(8))


@program
def poisson_equation_solved_by_the_call():
    def f(b, c):
        n = len(b)
        A = scipy.sparse.diags([-1.0, 2.1, -1.0], [-1, 0, 1], shape=(n, n), format="csc")
        return np.sum(c * sparse_linalg.spsolve(A, b) ** 2)

    return value_and_grad(f, (0, 1)), near(normal(9), 0.4)


@program
def heat_with_a_laplacian_made_by_the_call():
    def energy(u, rate):
        n = len(u)
        laplacian = scipy.sparse.diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(n, n), format="csr")
        for _ in range(3):
            u = u + rate * (laplacian @ u)
        return np.sum(u**2)

    return value_and_grad(energy, (0, 1)), near(normal(12), 0.1)


@program
def likelihood_by_a_method_of_a_distribution():
    density = stats.norm.logpdf
    families = {"normal": stats.norm.logpdf, "laplace": stats.laplace.logpdf}
    x = normal(20)

    def f(t, family):
        total = np.sum(density(x, t[0], np.exp(t[1])))
        return total + np.sum(families[family](x, t[0])) + scipy.stats.norm.ppf(0.975) * t[0]

    return value_and_grad(f), near(normal(2), "laplace")


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
def piecewise_hazard():
    def f(x, breaks):
        masks = [x < breaks, x >= breaks]
        return np.sum(np.piecewise(x, masks, [lambda t: 0.5 * t, lambda t: t**2]))

    return value_and_grad(f), near(np.linspace(0.1, 2.0, 9), 1.03)


@program
def constants_by_solvers_of_scipy():
    curve = scipy.interpolate.CubicSpline(onp.linspace(0, 1, 6), normal(6))
    places = onp.linspace(0, 1, 11)

    def f(x):
        area, _ = scipy.integrate.quad(lambda t: math.exp(-t * t), 0, 1)
        root = scipy.optimize.brentq(lambda t: t * t - 2, 0, 2)
        return np.sum((curve(places) * x * area) ** 2) * root

    return value_and_grad(f), near(0.4)


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
