"""Derivatives of densities of several variables and of entropies over the whole range, by mpmath.

Held to the rounding of the largest of the terms that make up a derivative, which may cancel: those
of the entropy of a Dirichlet distribution that lies near its maximum, or log(det) against digamma
functions in the slope of wishart by its degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mpmath as mp
import numpy as np
import pytest

import fastad.scipy.stats as stats
from fastad import grad

Function = Callable[..., Any]
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")


def slope(function: Function, at: Sequence[Any], i: int) -> Any:
    step = abs(at[i]) * mp.mpf(10) ** -30 or mp.mpf(10) ** -400
    ahead, behind = ([*at[:i], at[i] + s, *at[i + 1 :]] for s in (step, -step))
    return (function(*ahead) - function(*behind)) / (2 * step)


def close(got: Any, right: Any, largest: Any = 0, tolerance: float = 1e-12) -> bool:
    if not 4e-308 < abs(right) < 9e307:
        return True
    return bool(np.isfinite(got) and abs(got - right) <= tolerance * max(abs(right), abs(largest)))


# ---- entropies

ENTROPIES: dict[str, Function] = {
    "gamma": lambda a: a + mp.loggamma(a) + (1 - a) * mp.psi(0, a),
    "chi2": lambda v: v / 2 + mp.loggamma(v / 2) + (1 - v / 2) * mp.psi(0, v / 2),
    "t": lambda v: (
        (v + 1) / 2 * (mp.psi(0, (v + 1) / 2) - mp.psi(0, v / 2))
        + mp.log(v) / 2
        + mp.log(mp.beta(v / 2, mp.mpf(1) / 2))
    ),
    "weibull_min": lambda c: mp.euler * (1 - 1 / c) - mp.log(c),
    "lognorm": lambda s: mp.log(s),
    "beta": lambda a, b: (
        mp.log(mp.beta(a, b))
        + (a + b - 2) * mp.psi(0, a + b)
        - (a - 1) * mp.psi(0, a)
        - (b - 1) * mp.psi(0, b)
    ),
}


def _dirichlet_entropy(*alpha: Any) -> Any:
    total = sum(alpha)
    value = sum(mp.loggamma(a) - (a - 1) * mp.psi(0, a) for a in alpha) - mp.loggamma(total)
    return value + (total - len(alpha)) * mp.psi(0, total)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("name", ENTROPIES)
def test_entropies_by_shapes(name: str, kind: Any) -> None:
    rng = np.random.default_rng(3)
    function, n = getattr(stats, name).entropy, 2 if name == "beta" else 1
    tolerance = 1e-12 if kind == np.float64 else 1e-5
    wrong = []
    with mp.workdps(120):
        for _ in range(60):
            at = [kind(x) for x in 10.0 ** rng.uniform(-6, 12, n)]
            exact = [mp.mpf(float(x)) for x in at]
            for i in range(n):
                right = slope(ENTROPIES[name], exact, i)
                # Where the slope of beta's is near zero, the terms are of order 1 / shape.
                largest = 1e-3 / exact[i] if n == 2 else 0
                got = grad(function, i)(*at)
                assert got.dtype == kind
                if not close(got, right, largest, tolerance):
                    wrong.append((i, at, got, mp.nstr(right, 15)))
    assert not wrong, f"{len(wrong)}: {wrong[:6]}"


@pytest.mark.parametrize(
    "alpha", [[1e-3, 2, 3], [1e5, 2e5, 3e5], [1e8, 1e8, 3e8], [1, 1e6, 1e-3], [1e-8, 1e-9, 1e-7]]
)
def test_entropy_of_dirichlet(alpha: list[float]) -> None:
    got = grad(stats.dirichlet.entropy)(np.array(alpha, float))
    with mp.workdps(80):
        exact = [mp.mpf(a) for a in alpha]
        for i, number in enumerate(got):
            assert close(number, slope(_dirichlet_entropy, exact, i), 1 / exact[i]), (i, number)


# ---- Student's t of one and several variables


def _log_t(df: Any, distance: Any, n: int) -> Any:
    value = mp.loggamma((df + n) / 2) - mp.loggamma(df / 2) - mp.mpf(n) / 2 * mp.log(df * mp.pi)
    return value - (df + n) / 2 * mp.log1p(distance / df)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 7])
def test_multivariate_t(n: int, kind: Any) -> None:
    """By point, location, shape matrix and df: squares of the point overflow, df goes to 1e12."""
    rng = np.random.default_rng(n)
    tolerance = 3e-12 if kind == np.float64 else 3e-5
    top, low = (200, -140) if kind == np.float64 else (25, -12)
    wrong = []
    for _ in range(25):
        x, loc = (rng.normal(size=n) * 10.0 ** rng.uniform(-10, top) for _ in range(2))
        loc *= rng.random() < 0.5
        spread = 10.0 ** rng.uniform(low, -low)
        df = 10.0 ** rng.uniform(-3, 12)
        at = [np.asarray(a).astype(kind) for a in (x, loc, np.eye(n) * spread, df)]
        at[3] = at[3][()]
        with np.errstate(all="ignore"):
            by_x, by_loc, by_shape, by_df = (
                grad(stats.multivariate_t.logpdf, i)(*at) for i in range(4)
            )
        with mp.workdps(120):
            away = [mp.mpf(float(a)) - mp.mpf(float(b)) for a, b in zip(at[0], at[1])]
            s, v = mp.mpf(float(at[2][0, 0])), mp.mpf(float(at[3]))
            distance = sum(a * a for a in away) / s
            weight = (v + n) / (v + distance) / s
            rights = [(g, -weight * a) for g, a in zip(by_x, away)]
            rights += [(g, weight * a) for g, a in zip(by_loc, away)]
            rights += [
                (by_shape[i, j], (weight * away[i] * away[j] / s - (i == j) / s) / 2)
                for i in range(n)
                for j in range(n)
            ]
            for got, right in rights:
                if not close(got, right, 0.5 / s if got in by_shape else 0, tolerance):
                    if abs(right) < 1e37 or kind == np.float64:
                        wrong.append((at, got, mp.nstr(right, 15)))
            right = slope(lambda v: _log_t(v, distance, n), [v], 0)
            # Three terms of this size at most: of the constant, of the logarithm, of its factor.
            q = distance / v
            largest = n * q / (v * (1 + q)) / 2 if n > 1 else min(1, q) / v**2
            if not close(by_df, right, max(largest, n * n / v / (v + n)), tolerance):
                wrong.append(("df", at, by_df, mp.nstr(right, 15)))
    assert not wrong, f"{len(wrong)}: {wrong[:4]}"


def test_t_far_out_by_its_shape() -> None:
    with mp.workdps(80):
        for x in (1e70, 1e80, 1e150, 1e200, 1e307):
            for df in (1e-3, 1.0, 2.5, 1e3, 1e7, 1e12):
                right = slope(lambda v, x=x: _log_t(v, mp.mpf(x) ** 2, 1), [mp.mpf(df)], 0)
                for given in (x, np.array([x, 1.0])):
                    with np.errstate(all="ignore"):
                        value = grad(lambda v, x=given: stats.t.logpdf(x, v).reshape(-1)[0])(df)
                    assert close(value, right), (x, df, value, right)


# ---- the others


@pytest.mark.parametrize("scale", [1e-200, 1e-20, 1.0, 1e20, 1e200])
def test_multivariate_normal(scale: float) -> None:
    rng = np.random.default_rng(1)
    root = rng.normal(size=(3, 3))
    cov, mean = root @ root.T, rng.normal(size=3)
    for far in (1e-100, 1.0, 1e3):
        x = mean + far * rng.normal(size=3)
        s = np.sqrt(scale)
        got = [
            grad(stats.multivariate_normal.logpdf, i)(x * s, mean * s, cov * scale)
            for i in range(3)
        ]
        with mp.workdps(60):
            inverse = mp.matrix((cov * scale).tolist()) ** -1
            away = mp.matrix([mp.mpf(a) - mp.mpf(b) for a, b in zip(x * s, mean * s)])
            z = inverse * away
            size = max(map(abs, z))
            for i in range(3):
                assert close(got[0][i], -z[i], size, 1e-11)
                assert close(got[1][i], z[i], size, 1e-11)
                for j in range(3):
                    right = (z[i] * z[j] - inverse[i, j]) / 2
                    largest = max(size * size, abs(inverse[i, i]), abs(inverse[j, j]))
                    assert close(got[2][i, j], right, largest, 1e-11)


@pytest.mark.parametrize("smallest", [1e-300, 1e-30, 1e-5])
def test_dirichlet_and_multinomial(smallest: float) -> None:
    """Probabilities next to nothing, concentrations far apart."""
    p = np.array([smallest, 0.25, 0.75 - smallest])
    counts = np.array([2.0, 40.0, 3.0])
    by_p = grad(lambda p: stats.multinomial.logpmf(counts, 45, p))(p)
    for k, got in enumerate(by_p[: 2 if smallest > 1e-17 else 3]):
        assert close(got, mp.mpf(counts[k]) / mp.mpf(p[k])) or k == 2
    for alpha in (np.array([1e-9, 1.0, 1e9]), np.array([3.0, 1e5, 0.1])):
        by_x, by_alpha = (grad(stats.dirichlet.logpdf, i)(p, alpha) for i in (0, 1))
        with mp.workdps(60):
            total = sum(mp.mpf(a) for a in alpha)
            for i in range(3):
                a, share = mp.mpf(alpha[i]), mp.mpf(p[i])
                assert close(by_x[i], (a - 1) / share)
                gap = mp.psi(0, total) - mp.psi(0, a)
                assert close(by_alpha[i], mp.log(share) + gap, gap, 4e-12)


@pytest.mark.parametrize("scale", [1e-100, 1.0, 1e100])
def test_wishart(scale: float) -> None:
    rng = np.random.default_rng(2)
    root = rng.normal(size=(3, 5))
    matrix, shape = root @ root.T * scale, (np.eye(3) + 0.1) * scale
    for df in (2.5, 40.0, 1e6):
        by_x, by_df, by_scale = (grad(stats.wishart.logpdf, i)(matrix, df, shape) for i in range(3))
        with mp.workdps(60):
            x, v = (mp.matrix(m.tolist()) for m in (matrix, shape))
            x = (x + x.T) / 2
            inverse, precision, nu = x**-1, v**-1, mp.mpf(df)
            right = (nu - 4) / 2 * inverse - precision / 2
            other = precision * x * precision / 2 - nu / 2 * precision
            for i in range(3):
                for j in range(3):
                    sizes = [abs(inverse[k, k] * (nu - 4)) + abs(precision[k, k]) for k in range(3)]
                    assert close(by_x[i, j], right[i, j], max(sizes), 1e-11)
                    size = max(abs(other[k, k]) + nu * abs(precision[k, k]) for k in range(3))
                    assert close(by_scale[i, j], other[i, j], size, 1e-11)
            digamma = sum(mp.psi(0, (nu - k) / 2) for k in range(3))
            logarithms = mp.log(mp.det(x)) - mp.log(mp.det(v)) - 3 * mp.log(2)
            size = abs(mp.log(mp.det(x))) + abs(mp.log(mp.det(v))) + abs(digamma)
            assert close(by_df, (logarithms - digamma) / 2, size)
