"""State that a call changes: optimizers, filters, what solvers and primitives count."""

from __future__ import annotations

import numpy as onp

import fastad.numpy as np
import fastad.scipy.optimize as optimize
from fastad import grad, value_and_grad
from fastad.extend import defvjp, primitive

from . import Stories, calls, inputs, kept, of, setting, space

STORIES = Stories()
REPLAYED = Stories()  # these are replayed, at least after their last change
story = STORIES.add
replayed = STORIES.beside(REPLAYED)


class Adam:
    def __init__(self, n):
        self.m, self.v, self.t, self.rate = onp.zeros(n), onp.zeros(n), 0, 0.1

    def step(self, w, g):
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * g
        self.v = 0.99 * self.v + 0.01 * g**2
        m, v = self.m / (1 - 0.9**self.t), self.v / (1 - 0.99**self.t)
        return w - self.rate * m / (np.sqrt(v) + 1e-8)


@replayed
def adam():
    opt = Adam(4)
    gradient = grad(lambda w: np.sum((w - 1.0) ** 2 * np.cos(w)))

    def f(w):
        return opt.step(w, gradient(w))

    def reset():
        opt.__init__(4)

    return f, calls(setting(opt, rate=0.01), reset), of(opt)


@story
def two_optimizers():
    first, second = Adam(4), Adam(4)

    def f(opt, w):
        return opt.step(w, w - 1.0)

    steps = []
    for i, x in enumerate(inputs(24)):
        steps.append((first if i % 3 else second, x))
    return f, steps, lambda: (kept(vars(first)), kept(vars(second)))


@story
def optimizer_that_is_replaced():
    holder = space(opt=Adam(4))

    def f(w):
        return holder.opt.step(w, w - 1.0)

    def change():
        holder.opt = Adam(4)

    return f, calls(change, change), lambda: kept(vars(holder.opt))


@replayed
def kalman_filter():
    m = space(x=onp.zeros(2), P=onp.eye(2))
    F, H = onp.array([[1.0, 0.1], [0.0, 1.0]]), onp.array([[1.0, 0.0]])

    def f(z):
        m.x, m.P = F @ m.x, F @ m.P @ F.T + 0.01 * np.eye(2)
        S = H @ m.P @ H.T + 0.1
        K = m.P @ H.T @ np.linalg.inv(S)
        m.x = m.x + K @ (z - H @ m.x)
        m.P = (np.eye(2) - K @ H) @ m.P
        return m.x

    return f, calls(setting(m, P=onp.eye(2) * 3), shape=(1,)), of(m)


@replayed
def losses_that_count_under_a_gradient():
    m = space(k=0)

    def loss(w):
        m.k += 1
        return np.sum(np.sin(w) ** 2)

    return value_and_grad(loss), calls(setting(m, k=3)), of(m)


@story
def a_gradient_that_leaves_a_traced_value():
    m = space(last=0.0)

    def loss(w):
        value = np.sum(np.sin(w) ** 2)
        m.last = value
        return value

    return value_and_grad(loss), calls(), lambda: type(m.last).__name__


@story
def an_error_after_a_write():
    m = space(k=0, total=0.0)

    def f(x):
        m.k += 1
        m.total = m.total + np.sum(x)
        if np.sum(x) < 0:
            raise ValueError("negative")
        m.k += 1
        return m.total

    steps = calls()
    return f, [*steps, (-inputs(1)[0],), *steps, (-inputs(1)[0],), *steps], of(m)


@story
def evaluations_counted_by_a_solver():
    m = space(evaluations=0, xs=[], last=0.0)

    def g(t, a):
        m.evaluations += 1
        m.xs.append(1.0)
        return t**3 - a

    def f(x):
        root = optimize.brentq(g, 0.0, 9.0, args=(np.sum(x),))
        m.last = root
        return root * m.last

    return f, calls(), of(m)


@story
def a_solver_between_changes():
    m = space(before=0, after=0.0)

    def f(x):
        m.before += 1
        root = optimize.brentq(lambda t, a: t**3 - a * m.before, 0.0, 90.0, args=(np.sum(x),))
        m.after = m.after + root
        return root

    return f, calls(), of(m)


@replayed
def changes_after_a_solver():
    m = space(k=0, roots=[])

    def f(x):
        root = optimize.brentq(lambda t, a: t**3 - a, 0.0, 9.0, args=(np.sum(x),))
        m.k += 1
        m.roots.append(root)
        return root * m.k

    return f, calls(), of(m)


@primitive
def counted(x):
    STATE["evaluations"] += 1
    return x * 2.0


STATE = {"evaluations": 0}


defvjp(counted, lambda ans, x: lambda g: g * 2.0)


@story
def a_primitive_that_counts():
    STATE["evaluations"] = 0
    m = space(k=0)

    def f(x):
        m.k += 1
        return np.sum(counted(x)) * STATE["evaluations"] * m.k

    return f, calls(), lambda: (of(m)(), STATE["evaluations"])
