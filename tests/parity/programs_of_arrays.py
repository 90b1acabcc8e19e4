"""Programs of arrays."""

from __future__ import annotations

import numpy
from programs_for_both import draw, program


@program
def rosenbrock(np, ad):
    def f(x):
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    x = draw(7)
    return [f(x), ad.grad(f)(x), ad.hessian(f)(x), ad.make_hvp(f)(x)[0](draw(7) + 1)]


@program
def logistic_regression(np, ad):
    inputs, targets = draw(6, 3), draw(6) > 0

    def loss(w):
        p = 1 / (1 + np.exp(-np.dot(inputs, w)))
        return -np.sum(np.log(p * targets + (1 - p) * (1 - targets)))

    w = np.zeros(3)
    step = ad.grad(loss)
    for _ in range(50):
        w -= 0.05 * step(w)
    return [w, loss(w), ad.hessian(loss)(w)]


@program
def neural_net(np, ad):
    def net(layers, x):
        for w, b in layers:
            x = np.tanh(np.dot(x, w) + b)
        return np.sum(x**2)

    layers = [(draw(3, 5), draw(5)), (draw(5, 4), draw(4)), (draw(4, 2), draw(2))]
    return ad.value_and_grad(net)(layers, draw(10, 3))


@program
def lstm(np, ad):
    def sigmoid(x):
        return 0.5 * (np.tanh(0.5 * x) + 1)

    def f(p, xs):
        h, c = np.zeros((2, 4)), np.zeros((2, 4))
        total = 0.0
        for x in xs:
            z = np.concatenate([x, h], axis=1)
            i, f, o, g = (np.dot(z, p[k]) + p["bias"] for k in ("in", "forget", "out", "new"))
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            total = total + np.mean(h**2)
        return total

    p = {k: draw(7, 4) * (i + 1) / 3 for i, k in enumerate(("in", "forget", "out", "new"))}
    p["bias"] = draw(4)
    return ad.value_and_grad(f)(p, draw(5, 2, 3))


@program
def attention(np, ad):
    def softmax(s):
        e = np.exp(s - np.max(s, axis=-1, keepdims=True))
        return e / np.sum(e, axis=-1, keepdims=True)

    def f(q, k, v):
        weights = softmax(np.matmul(q, np.swapaxes(k, -1, -2)) / np.sqrt(q.shape[-1]))
        return np.sum(np.einsum("bij,bjk->bik", weights, v) ** 2)

    return ad.grad(f, (0, 1, 2))(draw(2, 3, 4), draw(2, 5, 4) + 0.1, draw(2, 5, 3))


@program
def layer_normalisation(np, ad):
    def f(x, gain):
        centred = x - np.mean(x, axis=1, keepdims=True)
        normal = centred / np.sqrt(np.var(x, axis=1, keepdims=True) + 1e-5)
        return np.sum(np.std(x, axis=0) * np.sum(normal * gain, axis=0))

    return [ad.grad(f, i)(draw(4, 6), draw(6)) for i in (0, 1)]


@program
def convolution_by_slices(np, ad):
    def f(image, kernel):
        h, w = image.shape[0] - 2, image.shape[1] - 2
        out = sum(image[i : i + h, j : j + w] * kernel[i, j] for i in range(3) for j in range(3))
        out = np.maximum(out, 0.0)
        pooled = np.max(np.reshape(out, (h // 2, 2, w // 2, 2)), axis=(1, 3))
        return np.sum(pooled**2)

    return ad.grad(f, (0, 1))(draw(8, 10), draw(3, 3))


@program
def gaussian_mixture(np, ad):
    x = draw(20, 2) * 2

    def f(p):
        squares = np.sum((x[:, None, :] - p["mean"][None]) ** 2, axis=2)
        logs = np.log(p["weight"]) - squares / (2 * p["width"] ** 2) - 2 * np.log(p["width"])
        top = np.max(logs, axis=1, keepdims=True)
        return -np.sum(np.squeeze(top, 1) + np.log(np.sum(np.exp(logs - top), axis=1)))

    start = {"mean": draw(3, 2), "weight": numpy.array([0.2, 0.3, 0.5]), "width": draw(3) + 2}
    return ad.value_and_grad(f)(start)


@program
def kalman_filter(np, ad):
    """One-dimensional tracking with a two-dimensional state; the inverse is of a number."""
    seen = draw(12)

    def f(noise):
        state, cover = np.zeros(2), np.eye(2)
        move, look = np.array([[1.0, 0.1], [0.0, 1.0]]), np.array([1.0, 0.0])
        total = 0.0
        for y in seen:
            state = np.dot(move, state)
            cover = np.dot(np.dot(move, cover), move.T) + noise[0] * np.eye(2)
            spread = np.dot(np.dot(look, cover), look) + noise[1]
            gain = np.dot(cover, look) / spread
            miss = y - np.dot(look, state)
            total = total + 0.5 * (np.log(spread) + miss**2 / spread)
            state = state + gain * miss
            cover = cover - np.outer(gain, np.dot(look, cover))
        return total

    noise = numpy.array([0.3, 0.7])
    return [f(noise), ad.grad(f)(noise), ad.hessian(f)(noise)]


@program
def gravity(np, ad):
    def potential(x):
        total = 0.0
        for i in range(len(x)):
            for j in range(i):
                total = total - 1.0 / np.sqrt(np.sum((x[i] - x[j]) ** 2) + 0.1)
        return total

    return [ad.grad(potential)(draw(5, 3)), ad.jacobian(ad.grad(potential))(draw(3, 2))]


@program
def matrix_exponential_by_its_series(np, ad):
    def f(a):
        term = total = np.eye(3)
        for k in range(1, 12):
            term = np.dot(term, a) / k
            total = total + term
        return total

    return [
        f(draw(3, 3)),
        ad.jacobian(f)(draw(3, 3)),
        ad.grad(lambda a: np.trace(f(a)))(draw(3, 3)),
    ]


@program
def power_iteration(np, ad):
    def f(a):
        a = a @ a.T
        v = np.ones(4)
        for _ in range(15):
            v = np.dot(a, v)
            v = v / np.sqrt(np.sum(v * v))
        return np.dot(v, np.dot(a, v))

    return ad.value_and_grad(f)(draw(4, 4))


@program
def cholesky_by_hand(np, ad):
    def f(a):
        a = a @ a.T + np.eye(3)
        rows = [[0.0] * 3 for _ in range(3)]
        for i in range(3):
            for j in range(i + 1):
                s = a[i, j] - sum(rows[i][k] * rows[j][k] for k in range(j))
                rows[i][j] = np.sqrt(s) if i == j else s / rows[j][j]
        lower = np.array(rows)
        return np.sum(lower * draw(3, 3))

    return [ad.grad(f)(draw(3, 3)), ad.hessian(f)(draw(3, 3))]


@program
def broadcasting(np, ad):
    def f(a, b, c):
        return np.sum(
            a * b + c / (2 + b) - np.arctan2(a, 3 + c) + np.maximum(a, b) * np.hypot(b, 2.0)
        )

    return [ad.grad(f, i)(draw(3, 1), draw(4), 0.7) for i in range(3)]


@program
def indexing(np, ad):
    def f(x):
        y = x[::-1, 1:3] + x[:, [0, 0]] * x[1]
        y = y[..., None] * x[np.newaxis, 0, 1]
        picked = x[np.array([0, 1, 1, 2]), np.array([1, 1, 1, 0])]
        return np.sum(y**2) + np.sum(picked**3) + np.sum(x[x > 0]) + x[-1, -1] * x[0][1]

    def square(x):
        return f(x[:, :2])

    return [ad.grad(square)(draw(3, 4)), ad.hessian(square)(draw(3, 4))]


@program
def reductions(np, ad):
    x = draw(3, 4, 2)
    functions = [
        lambda x: np.sum(x**2, axis=1),
        lambda x: np.mean(x**3, axis=(0, 2)),
        lambda x: np.prod(x, axis=2),
        lambda x: np.var(x, axis=0, ddof=1),
        lambda x: np.std(x, axis=(1, 2)),
        lambda x: np.max(x, axis=0),
        lambda x: np.min(x, axis=(0, 1), keepdims=True),
        lambda x: np.cumsum(x**2, axis=1),
        lambda x: np.trace(x),
        lambda x: np.diff(x**2, axis=1),
    ]
    return [ad.jacobian(f)(x) for f in functions]


@program
def shapes(np, ad):
    x = draw(2, 3, 4)
    functions = [
        lambda x: np.reshape(x, (4, 6)) ** 2,
        lambda x: x.reshape(3, -1) ** 2,
        lambda x: np.ravel(x) ** 2,
        lambda x: np.transpose(x, (2, 0, 1)) ** 2,
        lambda x: x.T**2,
        lambda x: np.moveaxis(x, 0, -1) ** 2,
        lambda x: np.swapaxes(x, 0, 2) ** 2,
        lambda x: np.rollaxis(x, 2) ** 2,
        lambda x: np.squeeze(np.expand_dims(x, 1), 1) ** 2,
        lambda x: np.tile(x, (1, 2, 1)) ** 2,
        lambda x: np.repeat(x, 2, axis=1) ** 2,
        lambda x: np.roll(x, 1, axis=1) ** 3 * x,
        lambda x: np.flipud(x) * x,
        lambda x: np.fliplr(x) * x,
        lambda x: np.rot90(x) ** 2,
        lambda x: np.pad(x, 1, "constant") ** 2,
        lambda x: np.concatenate([x, x**2], axis=1),
        lambda x: np.stack([x, x**2], axis=1),
        lambda x: np.vstack([x[0], x[1] ** 2]),
        lambda x: np.hstack([x[0], x[1] ** 2]),
        lambda x: np.split(x, 3, axis=1)[1] ** 2,
        lambda x: np.diagonal(x[:, :, :3], 0, -1, -2) ** 2,
        lambda x: np.tril(x) ** 2,
        lambda x: np.triu(x, 1) ** 2,
        lambda x: np.where(x > 0, x**2, np.sin(x)),
        lambda x: np.clip(x, -0.5, 0.5) ** 2,
        lambda x: np.sort(np.ravel(x)) * np.arange(24.0),
        lambda x: np.array([[x[0, 0, 0], x[1, 1, 1] ** 2], [1.0, x[0, 0, 0] * x[1, 2, 3]]]),
        lambda x: np.atleast_2d(x[0, 0]) ** 2,
    ]
    return [[f(x), ad.jacobian(f)(x)] for f in functions]


@program
def products(np, ad):
    cases = [
        (np.dot, draw(3), draw(3)),
        (np.dot, draw(2, 3), draw(3)),
        (np.dot, draw(2, 3), draw(3, 4)),
        (np.dot, draw(2, 2, 3), draw(2, 3, 4)),
        (np.matmul, draw(2, 2, 3), draw(3, 4)),
        (np.matmul, draw(3), draw(2, 3, 4)),
        (np.inner, draw(2, 3), draw(4, 3)),
        (np.outer, draw(3), draw(4)),
        (np.tensordot, draw(3, 2, 4), draw(2, 4, 3)),
        (np.cross, draw(2, 3), draw(2, 3) + 1),
        (lambda a, b: np.einsum("ij,jk->ik", a, b), draw(2, 3), draw(3, 4)),
        (lambda a, b: np.einsum("ij,ij", a, b), draw(2, 3), draw(2, 3)),
        (lambda a, b: np.einsum("...i,...i->...", a, b), draw(4, 2, 3), draw(2, 3)),
        (lambda a, b: a @ b, draw(2, 3), draw(3, 2)),
    ]
    return [[ad.jacobian(f, i)(a, b) for i in (0, 1)] for f, a, b in cases]


@program
def methods_of_a_traced_array(np, ad):
    def f(x):
        y = x.sum(axis=0) * x.mean() + x.T.reshape(-1)[:3] + x.ravel()[2:5] * x.max() - x.min()
        z = np.dot(x, x.T).trace() + x.var() + x.std() + x.prod() + x.cumsum()[3] + x.flatten()[1]
        return y.sum() * z + x.swapaxes(0, 1).transpose()[1, 1] + x.squeeze().clip(-0.5, 0.5).sum()

    return ad.grad(f)(draw(2, 3))


@program
def soft_clustering(np, ad):
    points = draw(15, 2)

    def f(centres):
        squares = np.sum((points[:, None] - centres) ** 2, axis=-1)
        return -np.sum(np.log(np.sum(np.exp(-3 * squares), axis=1)))

    centres = draw(3, 2)
    for _ in range(3):
        centres = centres - 0.01 * ad.grad(f)(centres)
    return [centres, ad.hessian(f)(centres)]


@program
def finite_element_energy(np, ad):
    def energy(u):
        slope = np.diff(np.concatenate(([0.0], u, [1.0]))) * 8
        return np.sum(np.sqrt(1 + slope**2)) / 8 + 0.1 * np.sum(u**4)

    u = numpy.linspace(0.1, 0.9, 7)
    for _ in range(2):  # short of convergence, where the gradient is nothing but rounding
        u = u - numpy.linalg.solve(ad.hessian(energy)(u), ad.grad(energy)(u))
    return [u, ad.grad(energy)(u), ad.hessian(energy)(u)]
