"""The same program under autograd and under fastad: values, gradients, higher orders, containers.

Each program takes a namespace with NumPy's names and a package with the operators' names, and
returns a nest of numbers and arrays; both runs must agree.
"""

from __future__ import annotations

import collections
import warnings
from types import SimpleNamespace

import autograd
import autograd.differential_operators as theirs
import autograd.extend
import autograd.numpy
import numpy
import pytest

import fastad
import fastad.extend
import fastad.numpy
from fastad.differential_operators import (
    grad_and_aux,
    grad_named,
    hessian_tensor_product,
    make_ggnvp,
    make_jvp_reversemode,
    tensor_jacobian_product,
)

_NAMES = (
    "grad value_and_grad elementwise_grad deriv jacobian hessian make_vjp make_jvp make_hvp "
    "holomorphic_grad checkpoint hessian_vector_product vector_jacobian_product"
).split()
OURS = SimpleNamespace(
    extend=fastad.extend,
    grad_and_aux=grad_and_aux,
    grad_named=grad_named,
    hessian_tensor_product=hessian_tensor_product,
    make_ggnvp=make_ggnvp,
    make_jvp_reversemode=make_jvp_reversemode,
    tensor_jacobian_product=tensor_jacobian_product,
    **{name: getattr(fastad, name) for name in _NAMES},
)
THEIRS = SimpleNamespace(extend=autograd.extend, **vars(theirs))
for _name in _NAMES:
    setattr(THEIRS, _name, getattr(autograd, _name, None) or getattr(theirs, _name))

PROGRAMS = {}


def program(function):
    """Add a program to the list."""
    PROGRAMS[function.__name__] = function
    return function


def assert_same(ours, reference, where="result", rtol=1e-10):
    """Compare two nests: containers by kind and keys, numbers by value, shape and being complex."""
    if isinstance(reference, dict):
        assert isinstance(ours, dict) and list(ours) == list(reference), where
        for key in reference:
            assert_same(ours[key], reference[key], f"{where}[{key!r}]", rtol)
    elif isinstance(reference, (list, tuple)):
        assert isinstance(ours, (list, tuple)) and len(ours) == len(reference), where
        assert isinstance(ours, list) == isinstance(reference, list), where
        for i, (a, b) in enumerate(zip(ours, reference)):
            assert_same(a, b, f"{where}[{i}]", rtol)
    elif isinstance(reference, str):
        assert ours == reference
    else:
        a, b = numpy.asarray(ours), numpy.asarray(reference)
        assert a.dtype != object, where
        assert a.shape == b.shape, where
        assert numpy.iscomplexobj(a) == numpy.iscomplexobj(b), where
        scale = float(numpy.max(numpy.abs(b), initial=0.0))
        numpy.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * scale, err_msg=where)


def draw(*shape):
    """Return the same smooth numbers between -1 and 1 for the same shape."""
    count = int(numpy.prod(shape, dtype=int))
    return numpy.sin(1.0 + 2.3 * numpy.arange(count)).reshape(shape)


# ---- numbers, loops, branches, recursion ----


@program
def newton_root(np, ad):
    def root(a):
        x = a
        for _ in range(8):
            x = 0.5 * (x + a / x)
        return x

    return [f(3.0) for f in (root, ad.grad(root), ad.grad(ad.grad(root)))]


@program
def while_loop_until_small(np, ad):
    def f(x):
        n = 0
        while np.abs(x) > 1e-3:
            x = np.sin(x) * 0.7
            n += 1
        return x * n

    return [ad.value_and_grad(f)(x) for x in (0.3, 1.0, -2.0)]


@program
def recursion(np, ad):
    def power(x, n):
        if n == 0:
            return 1.0
        half = power(x, n // 2)
        return half * half * (x if n % 2 else 1.0)

    return [ad.grad(power)(1.1, n) for n in (1, 2, 7, 20)]


@program
def recursive_tree(np, ad):
    def tree(x, depth):
        if depth == 0:
            return np.sin(x)
        return tree(x * 0.5, depth - 1) * tree(x + 1.0, depth - 1)

    return [ad.value_and_grad(tree)(0.7, d) for d in range(5)]


@program
def continued_fraction(np, ad):
    def f(x):
        y = x
        for i in range(30, 0, -1):
            y = x + i / y
        return 1.0 / y

    return [ad.grad(f)(0.8), ad.grad(ad.grad(f))(0.8), ad.grad(ad.grad(ad.grad(f)))(0.8)]


@program
def all_python_operators(np, ad):
    def f(x, y):
        z = x - (-y)
        z = z + 2 - 3.0 + (4 - z) + (1.5 + z)
        z = z * 2 * z / 3 / y + 1 / x
        z = z**2 + x**y + 2.0**x + y**3
        return abs(z) + x % 0.7 + (x > y) * z

    return [ad.grad(f, i)(1.3, 0.4) for i in (0, 1)]


@program
def number_of_every_unary(np, ad):
    names = "sin cos tan exp log sqrt tanh sinh cosh arctan arcsinh expm1 log1p square reciprocal"
    return [
        [d(0.6) for d in (f, ad.grad(f), ad.grad(ad.grad(f)))]
        for f in (getattr(np, name) for name in names.split())
    ]


@program
def lorenz(np, ad):
    def f(start):
        x, y, z = start
        for _ in range(40):
            dx, dy, dz = 10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z
            x, y, z = x + 0.005 * dx, y + 0.005 * dy, z + 0.005 * dz
        return x * y + z

    return ad.grad(f)([1.0, 2.0, 20.0])


@program
def runge_kutta_of_an_array(np, ad):
    def f(y, rate):
        def slope(y):
            return np.array([y[1], -rate * np.sin(y[0])])

        for _ in range(20):
            a = slope(y)
            b = slope(y + 0.05 * a)
            c = slope(y + 0.05 * b)
            d = slope(y + 0.1 * c)
            y = y + 0.1 / 6 * (a + 2 * b + 2 * c + d)
        return y

    y = numpy.array([1.0, 0.0])
    return [
        ad.jacobian(f)(y, 2.0),
        ad.jacobian(f, 1)(y, 2.0),
        ad.grad(lambda r: np.sum(f(y, r)))(2.0),
    ]


@program
def determinant_by_minors(np, ad):
    def det(m):
        if len(m) == 1:
            return m[0][0]
        total = 0.0
        for j in range(len(m)):
            rest = [[row[k] for k in range(len(m)) if k != j] for row in m[1:]]
            total = total + (-1.0) ** j * m[0][j] * det(rest)
        return total

    return ad.grad(det)([[2.0, 1.0, 0.5], [-1.0, 3.0, 0.25], [0.5, 1.5, 4.0]])


@program
def golden_search_inside(np, ad):
    """The minimiser of (x - a)^2 + x^4 by Newton's method; it is differentiated itself."""

    def argmin(a):
        x = 0.5
        for _ in range(12):
            x = x - (2 * (x - a) + 4 * x**3) / (2 + 12 * x**2)
        return x

    return [argmin(1.3), ad.grad(argmin)(1.3), ad.grad(ad.grad(argmin))(1.3)]


# ---- arrays ----


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


# ---- operators and orders ----


@program
def orders_of_an_array_function(np, ad):
    f = np.tanh
    x = draw(5)
    out = []
    for _ in range(5):
        f = ad.elementwise_grad(f)
        out.append(f(x))
    return out


@program
def mixed_partials(np, ad):
    def f(x, y):
        return np.exp(x * y) * np.sin(x + 2 * y)

    fxy = ad.grad(ad.grad(f, 0), 1)
    fyx = ad.grad(ad.grad(f, 1), 0)
    return [fxy(0.3, 0.8), fyx(0.3, 0.8), ad.grad(ad.grad(fxy, 0), 1)(0.3, 0.8)]


@program
def inner_gradient_closes_over_the_outer(np, ad):
    def outer(x):
        def inner(y):
            return np.sin(x * y) + x * y**2

        return ad.grad(inner)(x * 2.0) * x + ad.grad(ad.grad(inner))(x)

    return [outer(0.9), ad.grad(outer)(0.9), ad.grad(ad.grad(outer))(0.9)]


@program
def perturbation_confusion(np, ad):
    return ad.grad(lambda x: x * ad.grad(lambda y: x + y)(1.0))(1.0)


@program
def gradient_descent_is_differentiated(np, ad):
    def loss(w, penalty):
        return np.sum((np.dot(draw(6, 3), w) - draw(6)) ** 2) + penalty * np.sum(w**2)

    def validation(penalty):
        w = np.zeros(3)
        for _ in range(10):
            w = w - 0.05 * ad.grad(loss)(w, penalty)
        return np.sum((np.dot(draw(4, 3), w) - draw(4)) ** 2)

    return ad.value_and_grad(validation)(0.3)


@program
def forward_mode(np, ad):
    def f(x):
        return np.sin(x) * np.sum(x**2) + np.dot(draw(3, 3), x)

    x, v = draw(3), draw(3) + 1
    g = ad.grad(lambda x: np.sum(f(x) ** 2))
    return [list(ad.make_jvp(f)(x)(v)), list(ad.make_jvp(g)(x)(v))]


@program
def products_with_derivatives(np, ad):
    def f(x):
        return np.array([np.sum(x**3), np.prod(np.cos(x)), x[0] * x[1]])

    def scalar(x):
        return np.sum(np.sin(f(x)))

    x, v = draw(3), draw(3) + 1
    return [
        ad.hessian_vector_product(scalar)(x, v),
        ad.hessian_tensor_product(scalar)(x, v),
        ad.vector_jacobian_product(f)(x, v),
        ad.tensor_jacobian_product(f)(x, v),
        ad.make_ggnvp(f)(x)(v),
        ad.make_jvp_reversemode(f)(x)(v),
        ad.make_hvp(scalar)(x)[0](v),
    ]


@program
def vjp_is_called_again_and_again(np, ad):
    vjp, value = ad.make_vjp(lambda x: np.sin(x) * x[::-1])(draw(4))
    return [value, vjp(draw(4)), vjp(numpy.ones(4)), vjp(draw(4))]


@program
def operators_with_names(np, ad):
    def f(x, y, scale=2.0):
        return scale * np.sum(x * np.sin(y))

    named = ad.grad_named(f, "y")(draw(3), draw(3))
    pair = ad.grad_and_aux(lambda x: (np.sum(x**2), np.cos(x)))(draw(3))
    return [named, list(pair), ad.deriv(np.sin)(0.4)]


@program
def several_arguments_at_once(np, ad):
    def f(x, y, z):
        return np.sum(x * y) + z["w"] * np.sum(y**2) if isinstance(z, dict) else np.sum(x * y * z)

    return [
        ad.grad(f, (0, 2))(draw(3), draw(3), 2.0),
        ad.value_and_grad(f, (1, 0))(draw(3), draw(3), {"w": 2.0}),
    ]


@program
def checkpointed(np, ad):
    def f(x):
        return np.sum(np.sin(np.exp(np.tanh(x))))

    held = ad.checkpoint(f)
    return [ad.grad(held)(draw(4)), ad.grad(lambda x: held(x) ** 2)(draw(4))]


@program
def jacobian_of_matrices(np, ad):
    def f(x):
        return np.dot(x, x.T) * np.sum(x)

    return [ad.jacobian(f)(draw(2, 3)), ad.jacobian(lambda x: f(x)[0])(draw(2, 3))]


# ---- containers ----


@program
def nested_containers(np, ad):
    def f(p):
        first, (second, third) = p["pair"]
        return np.sum(first * second) + third**2 + sum(np.sum(v) ** 2 for v in p["list"])

    return ad.grad(f)({"pair": (draw(3), (draw(3), 2.0)), "list": [draw(2), 1.5, draw(2, 2)]})


@program
def containers_made_inside(np, ad):
    def f(x):
        table = {"a": x, "b": x**2}
        table["c"] = table["a"] * table["b"]
        series = [table[k] for k in sorted(table)]
        series.append(np.sin(x))
        later = tuple(v * 2 for v in series)
        return sum(later) + later[-1] * series[0]

    return ad.grad(f)(0.7)


@program
def a_part_that_is_not_used(np, ad):
    def f(p):
        return np.sum(p["used"] ** 2)

    return ad.grad(f)({"used": draw(3), "idle": draw(2), "number": 1.0})


# ---- complex numbers ----


@program
def complex_step_through_a_real_function(np, ad):
    def f(x):
        z = np.exp(1j * x) * (1 + 2j * x)
        return np.sum(np.real(z) ** 2 + np.imag(z) + np.abs(z) + np.angle(z))

    return [ad.grad(f)(0.4), ad.grad(f)(draw(3)), ad.grad(ad.grad(f))(0.4)]


@program
def holomorphic(np, ad):
    def f(z):
        return np.sin(z) * np.exp(z) / (1 + z**2)

    return [
        ad.holomorphic_grad(f)(0.3 + 0.8j),
        ad.holomorphic_grad(ad.holomorphic_grad(f))(0.3 + 0.8j),
    ]


@program
def complex_gradient_of_a_real_loss(np, ad):
    def f(z):
        return np.real(np.sum(z * np.conj(z))) + np.imag(np.sum(z**3)) + np.abs(z[0])

    return ad.grad(f)(draw(3) + 1j * draw(3)[::-1])


@program
def mandelbrot_orbit(np, ad):
    def f(x, y):
        c = x + 1j * y
        z = 0.0
        for _ in range(6):
            z = z * z + c
        return np.abs(z) ** 2

    return [ad.grad(f, i)(0.1, 0.4) for i in (0, 1)]


# ---- the user's own primitives ----


@program
def own_primitive(np, ad):
    @ad.extend.primitive
    def softplus(x):
        return numpy.log1p(numpy.exp(x))

    ad.extend.defvjp(softplus, lambda ans, x: lambda g: g / (1 + np.exp(-x)))
    ad.extend.defjvp(softplus, lambda g, ans, x: g / (1 + np.exp(-x)))

    def f(x):
        return np.sum(softplus(x) * softplus(-x))

    return [
        ad.grad(f)(draw(4)),
        ad.hessian(f)(draw(4)),
        ad.grad(softplus)(0.3),
        list(ad.make_jvp(f)(draw(4))(draw(4))),
    ]


@program
def own_primitive_of_two_arguments(np, ad):
    @ad.extend.primitive
    def scaled_norm(x, y, power=2):
        return numpy.sum(y * numpy.abs(x) ** power)

    ad.extend.defvjp(
        scaled_norm,
        lambda ans, x, y, power=2: lambda g: g * y * power * np.abs(x) ** (power - 1) * np.sign(x),
        lambda ans, x, y, power=2: lambda g: g * np.abs(x) ** power,
    )
    return [ad.grad(scaled_norm, i)(draw(3), draw(3) + 2, power=3) for i in (0, 1)]


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = PROGRAMS[name](autograd.numpy, THEIRS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = PROGRAMS[name](fastad.numpy, OURS)
    assert_same(ours, reference, name)


# ---- where fastad gives more than autograd does, the program is compared by its numbers ----


def test_a_plain_tuple_as_output():
    """Autograd needs its own tuple and list for this; the numbers are those of the parts."""
    x, u, v = draw(3), draw(3) + 1, draw(3) - 1
    vjp, value = fastad.make_vjp(lambda x: (fastad.numpy.sin(x), [x**2, fastad.numpy.sum(x)]))(x)
    assert isinstance(value, tuple) and isinstance(value[1], list)
    numpy.testing.assert_array_equal(value[0], numpy.sin(x))
    expected = u * numpy.cos(x) + v * 2 * x + 2.0
    numpy.testing.assert_allclose(vjp((u, [v, 2.0])), expected, rtol=1e-14)


def test_operators_and_methods_that_autograd_lacks():
    x = draw(2, 3)

    def f(np, dot, plus):
        return lambda x: np.sum(dot(plus(x), x.T))

    ours = fastad.grad(f(fastad.numpy, lambda a, b: a.dot(b), lambda a: +a))(x)
    reference = autograd.grad(f(autograd.numpy, autograd.numpy.dot, lambda a: a))(x)
    numpy.testing.assert_allclose(ours, reference, rtol=1e-13)
    a, b = draw(2, 2), draw(3, 2)
    kron = fastad.jacobian(fastad.numpy.kron)(a, b)
    for i in numpy.ndindex(2, 2):
        unit = numpy.zeros((2, 2))
        unit[i] = 1.0
        numpy.testing.assert_allclose(kron[(..., *i)], numpy.kron(unit, b), rtol=1e-14)


def test_gradients_by_name():
    def f(x, y, scale=2.0):
        return scale * fastad.numpy.sum(x * fastad.numpy.sin(y))

    gradients = fastad.differential_operators.multigrad_dict(f)(draw(3), draw(3), scale=3.0)
    numpy.testing.assert_allclose(gradients["x"], 3 * numpy.sin(draw(3)), rtol=1e-14)
    numpy.testing.assert_allclose(gradients["y"], 3 * draw(3) * numpy.cos(draw(3)), rtol=1e-14)


def test_named_tuples_come_back_as_they_went_in():
    Point = collections.namedtuple("Point", "x y")

    def f(point):
        return point.x**2 * point.y

    gradient = fastad.grad(f)(Point(3.0, 2.0))
    assert isinstance(gradient, Point)
    assert gradient == Point(12.0, 9.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_have_the_arguments_dtype(dtype):
    x = numpy.linspace(0.1, 0.9, 6, dtype=dtype).reshape(2, 3)

    def f(np):
        return lambda x: np.mean(np.tanh(x) ** 2) + np.std(x) * np.max(x)

    ours = fastad.grad(f(fastad.numpy))(x)
    reference = autograd.grad(f(autograd.numpy))(x.astype(float))
    assert ours.dtype == x.dtype and ours.shape == x.shape
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    numpy.testing.assert_allclose(ours, reference, rtol=tolerance)


@pytest.mark.parametrize("make", [lambda a: a.T, lambda a: a[::-1, ::2], numpy.asfortranarray])
def test_strides_do_not_matter(make):
    x = make(draw(4, 6))

    def f(np):
        return lambda x: np.sum(np.sin(x) * x[::-1] + np.dot(x, x.T)[0, 0])

    numpy.testing.assert_allclose(
        fastad.grad(f(fastad.numpy))(x), autograd.grad(f(autograd.numpy))(x), rtol=1e-12
    )
