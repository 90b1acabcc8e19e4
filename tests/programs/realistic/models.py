"""Models and their losses: regressions, mixtures, nets, filters, processes."""

from __future__ import annotations

import numpy as onp
import scipy.integrate
import scipy.interpolate
import scipy.optimize
import scipy.sparse
import scipy.stats

import fastad.numpy as np
import fastad.numpy.random as npr
import fastad.scipy.linalg as sla
import fastad.scipy.special as special
import fastad.scipy.stats as stats
from fastad import checkpoint, grad, value_and_grad

from . import near, normal, programs

PROGRAMS, program = programs()


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
def likelihood_by_a_method_of_a_distribution():
    density = stats.norm.logpdf
    families = {"normal": stats.norm.logpdf, "laplace": stats.laplace.logpdf}
    x = normal(20)

    def f(t, family):
        total = np.sum(density(x, t[0], np.exp(t[1])))
        return total + np.sum(families[family](x, t[0])) + scipy.stats.norm.ppf(0.975) * t[0]

    return value_and_grad(f), near(normal(2), "laplace")


@program
def piecewise_hazard():
    def f(x, breaks):
        masks = [x < breaks, x >= breaks]
        return np.sum(np.piecewise(x, masks, [lambda t: 0.5 * t, lambda t: t**2]))

    return value_and_grad(f), near(np.linspace(0.1, 2.0, 9), 1.03)
