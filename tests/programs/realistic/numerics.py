"""Programs of numerical analysis, physics and control."""

from __future__ import annotations

import math

import numpy as onp
import scipy.integrate
import scipy.interpolate
import scipy.optimize
import scipy.sparse
import scipy.stats

import fastad.numpy as np
import fastad.scipy.sparse.linalg as sparse_linalg
import fastad.scipy.stats as stats
from fastad import grad, hessian, jacobian, make_hvp, value_and_grad

from . import near, normal, programs

PROGRAMS, program = programs()


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
def constants_by_solvers_of_scipy():
    curve = scipy.interpolate.CubicSpline(onp.linspace(0, 1, 6), normal(6))
    places = onp.linspace(0, 1, 11)

    def f(x):
        area, _ = scipy.integrate.quad(lambda t: math.exp(-t * t), 0, 1)
        root = scipy.optimize.brentq(lambda t: t * t - 2, 0, 2)
        return np.sum((curve(places) * x * area) ** 2) * root

    return value_and_grad(f), near(0.4)
