"""Derivatives of densities, distribution functions and quantiles over the whole range, by mpmath.

Continuous families by the argument, location and scale, discrete ones by their parameters; the
logarithms of distribution functions stand in test_tails.

Not reached: beta next to its upper end where location and scale are given (SciPy rounds
(x - loc) / scale before it takes it from 1), beta.ppf below 1e-90 (SciPy stops at x = 4e-42),
nbinom where its own pmf has lost digits (SciPy's value near 1e-300). Families that are
differentiated through SciPy's formulas have their conditioning: f by its shapes where one is a
million times the other, exponnorm for a rate above 100.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import scipy

import fastad.scipy.special as special
import fastad.scipy.stats as stats
from fastad import grad

Function = Callable[..., Any]
# Earlier ones stop somewhere far out (that of cauchy at 2e16).
QUANTILES = tuple(map(int, scipy.__version__.split(".")[:2])) >= (1, 17)


def _phi(u: Any) -> Any:
    return mp.exp(-u * u / 2) / mp.sqrt(2 * mp.pi)


def _ncdf(u: Any) -> Any:
    return mp.erfc(-u / mp.sqrt(2)) / 2


def _gamma_pdf(x: Any, a: Any) -> Any:
    return mp.exp((a - 1) * mp.log(x) - x - mp.loggamma(a))


def _lower(x: Any, a: Any) -> Any:
    return mp.gammainc(a, 0, x, regularized=True)


def _upper(x: Any, a: Any) -> Any:
    return mp.gammainc(a, x, mp.inf, regularized=True)


def _t_pdf(x: Any, v: Any) -> Any:
    scale = mp.gamma((v + 1) / 2) / mp.gamma(v / 2) / mp.sqrt(v * mp.pi)
    return scale * (1 + x * x / v) ** (-(v + 1) / 2)


RNG = np.random.default_rng(11)


def wide(low: float, high: float) -> list[float]:
    return [float(x) for x in 10.0 ** RNG.uniform(low, high, 16)]


def both(low: float, high: float) -> list[float]:
    return [sign * x for x in wide(low, high) for sign in (1, -1)]


# family: shapes, density, its logarithm's slope, distribution and survival function, points.
FAMILIES: dict[str, Any] = {
    "norm": ((), _phi, lambda x: -x, _ncdf, lambda x: _ncdf(-x), both(-300, 1.55)),
    "expon": (
        (),
        lambda x: mp.exp(-x),
        lambda x: mp.mpf(-1),
        lambda x: -mp.expm1(-x),
        lambda x: mp.exp(-x),
        wide(-300, 2.8),
    ),
    "cauchy": (
        (),
        lambda x: 1 / (mp.pi * (1 + x * x)),
        lambda x: -2 * x / (1 + x * x),
        lambda x: mp.atan2(1, -x) / mp.pi,
        lambda x: mp.atan2(1, x) / mp.pi,
        both(-300, 150),
    ),
    "laplace": (
        (),
        lambda x: mp.exp(-abs(x)) / 2,
        lambda x: -mp.sign(x),
        lambda x: mp.exp(x) / 2 if x < 0 else 1 - mp.exp(-x) / 2,
        lambda x: mp.exp(-x) / 2 if x > 0 else 1 - mp.exp(x) / 2,
        both(-300, 2.8),
    ),
    "logistic": (
        (),
        lambda x: 1 / (mp.exp(x / 2) + mp.exp(-x / 2)) ** 2,
        lambda x: -mp.tanh(x / 2),
        lambda x: 1 / (1 + mp.exp(-x)),
        lambda x: 1 / (1 + mp.exp(x)),
        both(-300, 2.8),
    ),
    "lognorm": (
        (1.3,),
        lambda x, s: _phi(mp.log(x) / s) / (s * x),
        lambda x, s: -(1 + mp.log(x) / s**2) / x,
        lambda x, s: _ncdf(mp.log(x) / s),
        lambda x, s: _ncdf(-mp.log(x) / s),
        wide(-18, 18),
    ),
    "weibull_min": (
        (1.7,),
        lambda x, c: c * x ** (c - 1) * mp.exp(-(x**c)),
        lambda x, c: (c - 1) / x - c * x ** (c - 1),
        lambda x, c: -mp.expm1(-(x**c)),
        lambda x, c: mp.exp(-(x**c)),
        wide(-150, 1.6),
    ),
    "gamma": ((2.3,), _gamma_pdf, lambda x, a: (a - 1) / x - 1, _lower, _upper, wide(-100, 2.8)),
    "chi2": (
        (4.6,),
        lambda x, v: _gamma_pdf(x / 2, v / 2) / 2,
        lambda x, v: (v / 2 - 1) / x - mp.mpf(1) / 2,
        lambda x, v: _lower(x / 2, v / 2),
        lambda x, v: _upper(x / 2, v / 2),
        wide(-100, 3),
    ),
    "beta": (
        (2.3, 3.7),
        lambda x, a, b: x ** (a - 1) * (1 - x) ** (b - 1) / mp.beta(a, b),
        lambda x, a, b: (a - 1) / x - (b - 1) / (1 - x),
        lambda x, a, b: mp.betainc(a, b, 0, x, regularized=True),
        lambda x, a, b: mp.betainc(a, b, x, 1, regularized=True),
        wide(-35, -0.01),
    ),
    "t": ((3.5,), _t_pdf, lambda x, v: -(v + 1) * x / (v + x * x), None, None, both(-300, 60)),
}


def miss(function: Function, argnum: int, at: tuple[float, ...], right: Any, tolerance: Any) -> Any:
    """What is wrong with a derivative that is a normal number."""
    if not 4e-308 < abs(right) < 9e307:
        return None
    got = float(grad(function, argnum)(*at))
    if np.isfinite(got) and abs(got - right) <= tolerance * abs(right):
        return None
    return argnum, at, got, mp.nstr(right, 15)


def quantile(share: Function, density: Function, p: float, start: Any, shapes: Any) -> Any:
    for _ in range(4):
        start -= (share(start, *shapes) - mp.mpf(p)) / density(start, *shapes)
    return start


@pytest.mark.parametrize("placed", [False, True], ids=["standard", "placed"])
@pytest.mark.parametrize("name", FAMILIES)
def test_continuous_families(name: str, placed: bool) -> None:
    shapes, pdf, slope, cdf, sf, points = FAMILIES[name]
    family = getattr(stats, name)
    loc, scale = (0.3, 1.7) if placed else (0.0, 1.0)
    extra = (loc, scale) if placed else ()
    exact = tuple(map(mp.mpf, shapes))
    wrong: list[Any] = []

    def check(method: str, argnum: int, at: Any, right: Any, tolerance: float = 2e-12) -> None:
        found = miss(getattr(family, method), argnum, at, right, tolerance)
        if found:
            wrong.append((method, *found))

    with np.errstate(all="ignore"), mp.workdps(60):
        for point in points:
            if placed and (abs(point) < 1e-3 or (name == "beta" and point > 0.5)):
                continue  # x - loc has lost the digits of the point
            x = loc + scale * point if placed else point
            s = mp.mpf(scale)
            z = (mp.mpf(x) - mp.mpf(loc)) / s
            density, rise = pdf(z, *exact), slope(z, *exact)
            at = (x, *shapes, *extra)
            check("pdf", 0, at, density * rise / s**2)
            check("logpdf", 0, at, rise / s)
            check("cdf", 0, at, density / s)
            check("sf", 0, at, -density / s)
            if placed and abs(1 + z * rise) > 1e-2:
                check("logpdf", len(at) - 2, at, -rise / s)
                check("logpdf", len(at) - 1, at, -(1 + z * rise) / s)
                check("pdf", len(at) - 1, at, -density * (1 + z * rise) / s**2)
                check("cdf", len(at) - 1, at, -density * z / s)
            for method, share, sign in (("ppf", cdf, 1), ("isf", sf, -1)):
                if share is None or not QUANTILES or not 1e-300 < (p := share(z, *exact)) < 0.99:
                    continue
                p = float(p)
                q = quantile(share, lambda *a, sign=sign: sign * pdf(*a), p, z, exact)
                check(method, 0, (p, *at[1:]), sign * s / pdf(q, *exact))
    assert not wrong, f"{len(wrong)}: {wrong[:6]}"


# family: shapes, logarithm of the standard density, one plus z times its slope, points.
BY_SCALE: dict[str, Any] = {
    "norm": ((), lambda z: -z * z / 2, lambda z: 1 - z * z, both(-3, 2)),
    "expon": ((), lambda z: -z, lambda z: 1 - z, wide(-3, 2)),
    "cauchy": (
        (),
        lambda z: -mp.log1p(z * z),
        lambda z: (1 - z * z) / (1 + z * z),
        both(-3, 60),
    ),
    "lognorm": ((30.0, 1e4), lambda z, s: -((mp.log(z) / s) ** 2) / 2 - mp.log(s * z),
                lambda z, s: -mp.log(z) / s**2, wide(-50, 50)),
    "weibull_min": ((0.003, 2.0), lambda z, c: mp.log(c) + (c - 1) * mp.log(z) - z**c,
                    lambda z, c: c * (1 - z**c), wide(-50, 50)),
    "gamma": ((1e-9, 3.0), lambda z, a: (a - 1) * mp.log(z) - z - mp.loggamma(a),
              lambda z, a: a - z, wide(-60, 2)),
    "chi2": ((1e-9, 3.0), lambda z, v: (v / 2 - 1) * mp.log(z / 2) - z / 2 - mp.loggamma(v / 2),
             lambda z, v: (v - z) / 2, wide(-60, 2)),
    "pareto": ((1e-9, 50.0, 6e3), lambda z, b: mp.log(b) - (b + 1) * mp.log(z),
               lambda z, b: -b, [1 + x for x in wide(-1, 9)]),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_SCALE)
def test_logarithms_of_densities_with_any_scale(name: str) -> None:
    """By the argument, each shape and the scale, with scales and shapes far from one."""
    shapes, logarithm, rest, points = BY_SCALE[name]
    family = getattr(stats, name)
    wrong: list[Any] = []
    with np.errstate(all="ignore"), mp.workdps(60):
        for shape in [(s,) for s in shapes] or [()]:
            for point in points:
                scale = float(10.0 ** RNG.uniform(-150, 150))
                at = (float(point * scale), *shape, 0.0, scale)
                s, exact = mp.mpf(scale), tuple(map(mp.mpf, shape))
                z = mp.mpf(at[0]) / s
                by_log_z = rest(z, *exact)
                rights = {0: ((by_log_z - 1) / z / s, 1 / z / s), len(at) - 1: (-by_log_z / s, 0)}
                if shape:
                    by_shape = mp.diff(
                        lambda a, z=z: logarithm(z, a), exact[0], h=exact[0] / 10**20
                    )
                    rights[1] = by_shape, 1 / exact[0] + abs(mp.log(z))
                # One rounding of z, which SciPy's value has as well.
                moved = abs(rest(z * (1 + mp.mpf(2) ** -52), *exact) - by_log_z) / s
                for argnum, (right, largest) in rights.items():
                    tolerance = (
                        2e-12 + 1e-12 * float(abs(largest / right)) + float(moved / abs(right))
                    )
                    found = miss(family.logpdf, argnum, at, right, tolerance)
                    if found:
                        wrong.append(found)
    assert not wrong, f"{len(wrong)}: {wrong[:6]}"


def test_numbers_overflow_as_arrays_do() -> None:
    """A rule on Python's floats gives an infinity where theirs would raise."""
    with np.errstate(all="ignore"):
        for at in ((50.0, 3000.0), (50.0, 3000.0, 0.0, 1.0)):
            for argnum in range(len(at)):
                number, array = (
                    grad(stats.weibull_min.logpdf, argnum)(*at),
                    grad(stats.weibull_min.logpdf, argnum)(*map(np.float64, at)),
                )
                assert number == array
                assert abs(number) == np.inf


def _count(low: float, high: float) -> float:
    return float(np.floor(10 ** RNG.uniform(low, high)))


def _share(low: float) -> float:
    return float(10 ** RNG.uniform(low, -0.001))


def _binom() -> tuple[float, float, float]:
    n = _count(0, 3.5)
    return float(RNG.integers(0, n + 1)), n, _share(-12)


def _nbinom_pmf(k: Any, n: Any, p: Any) -> Any:
    return mp.gammaprod([k + n], [k + 1, n]) * p**n * (1 - p) ** k


# family: pmf, slope of its logarithm by the last parameter in terms that may cancel, slope of the
# distribution function by it, arguments.
DISCRETE: dict[str, Any] = {
    "poisson": (
        lambda k, m: mp.exp(k * mp.log(m) - m - mp.loggamma(k + 1)),
        lambda k, m: (k / m, -1),
        lambda k, m: -mp.exp(k * mp.log(m) - m - mp.loggamma(k + 1)),
        lambda: (_count(-0.3, 4), float(10 ** RNG.uniform(-4, 4))),
    ),
    "binom": (
        lambda k, n, p: mp.binomial(n, k) * p**k * (1 - p) ** (n - k),
        lambda k, n, p: (k / p, -(n - k) / (1 - p)),
        lambda k, n, p: -(n - k) * mp.binomial(n, k) * p**k * (1 - p) ** (n - k - 1),
        _binom,
    ),
    "nbinom": (
        _nbinom_pmf,
        lambda k, n, p: (n / p, -k / (1 - p)),
        lambda k, n, p: mp.gammaprod([k + 1 + n], [k + 1, n]) * p ** (n - 1) * (1 - p) ** k,
        lambda: (_count(-0.3, 3.5), float(10 ** RNG.uniform(-4, 2)), _share(-4)),
    ),
    "bernoulli": (
        lambda k, p: p if k else 1 - p,
        lambda k, p: (1 / p if k else -1 / (1 - p), 0),
        lambda k, p: mp.mpf(0 if k else -1),
        lambda: (float(RNG.integers(0, 2)), _share(-300)),
    ),
}


@pytest.mark.parametrize("name", DISCRETE)
def test_discrete_families(name: str) -> None:
    pmf, terms, share, draw = DISCRETE[name]
    family = getattr(stats, name)
    wrong: list[Any] = []
    with np.errstate(all="ignore"), mp.workdps(60):
        for _ in range(80):
            at = draw()
            exact = tuple(map(mp.mpf, at))
            probability, parts, slope = pmf(*exact), terms(*exact), share(*exact)
            rights = {"cdf": slope, "sf": -slope}
            if abs(sum(parts)) > 1e-2 * max(map(abs, parts)):
                rights["logpmf"] = sum(parts)
                if probability > 1e-290:
                    rights["pmf"] = probability * sum(parts)
            for method, right in rights.items():
                # SciPy's pmf is the exponential of terms of this size.
                size = sum(x * abs(np.log(x)) for x in at if x > 0) if method == "pmf" else 0.0
                tolerance = 3e-12 + 2e-16 * size
                found = miss(getattr(family, method), len(at) - 1, at, right, tolerance)
                if found:
                    wrong.append((method, *found))
    assert not wrong, f"{len(wrong)}: {wrong[:6]}"


def _binomial(n: Any, k: Any) -> Any:
    return mp.gammaprod([n + 1], [k + 1, n - k + 1])


def test_shapes_far_apart() -> None:
    """Differences of digamma functions, where both are almost the same number."""
    wrong: list[Any] = []
    with mp.workdps(60):
        for _ in range(60):
            small, large = float(10 ** RNG.uniform(-9, -1)), float(10 ** RNG.uniform(1, 9))
            x = float(10 ** RNG.uniform(-30, -20))
            count, share = float(RNG.integers(1, 4)), 1 - 1e-12
            a, b, k = mp.mpf(small), mp.mpf(large), mp.mpf(count)
            gap = mp.psi(0, a + b) - mp.psi(0, b)
            beta = gap + mp.log1p(-mp.mpf(x))
            density = mp.exp((a - 1) * mp.log(x) + (b - 1) * mp.log1p(-mp.mpf(x))) / mp.beta(a, b)
            steps = mp.psi(0, b + k) - mp.psi(0, b)
            rest = mp.psi(0, b + 1) - mp.psi(0, b - k + 1)
            for function, argnum, at, right in [
                (stats.beta.logpdf, 2, (x, small, large), beta),
                (stats.beta.pdf, 2, (x, small, large), density * beta),
                (stats.nbinom.logpmf, 1, (count, large, share), steps + mp.log(mp.mpf(share))),
                (special.binom, 0, (large, count), _binomial(b, k) * rest),
            ]:
                terms = abs(right) if function is not stats.nbinom.logpmf else abs(steps)
                if 1e-300 < abs(right) < 1e300:
                    found = miss(function, argnum, at, right, 4e-12 * terms / abs(right))
                    wrong += [found] if found else []
            weights = np.array([small, large, 2 * small])
            by_weights = grad(stats.dirichlet.logpdf, 1)(np.array([x, 1 - x, x]), weights)
            right = mp.psi(0, b + 3 * a) - mp.psi(0, b) + mp.log(mp.mpf(1 - x))
            if abs(by_weights[1] - right) > 4e-12 * abs(right):
                wrong.append(("dirichlet", weights, by_weights[1], right))
    assert not wrong, f"{len(wrong)}: {wrong[:6]}"


@pytest.mark.parametrize("method", ["ppf", "isf"])
def test_quantiles_beside_a_location_that_hides_them(method: str) -> None:
    """(ppf - loc) / scale has lost digits: the standard quantile is taken anew."""
    for name, shapes in (("norm", ()), ("gamma", (2.3,)), ("lognorm", (27.3,)), ("t", (3.5,))):
        function = getattr(getattr(stats, name), method)
        q = 0.08037967851677248 if method == "ppf" else 0.9196203214832275
        second = grad(grad(function))
        for loc, scale in ((1e8, 1.0), (-0.47, 1.25), (3.0, 1e-9)):
            by_q = scale * grad(function)(q, *shapes)
            assert grad(function)(q, *shapes, loc, scale) == pytest.approx(by_q, rel=1e-13)
            by_scale = function(q, *shapes)
            last = len(shapes) + 2
            assert grad(function, last)(q, *shapes, loc, scale) == pytest.approx(
                by_scale, rel=1e-13
            )
            curved = scale * second(q, *shapes)
            assert second(q, *shapes, loc, scale) == pytest.approx(curved, rel=1e-12)
            for i in range(1, last - 1):
                by_shape = scale * grad(function, i)(q, *shapes)
                assert grad(function, i)(q, *shapes, loc, scale) == pytest.approx(
                    by_shape, rel=1e-12
                )
        # By the location itself a slope does not change.
        for loc in (0.0, 2.0):
            assert grad(grad(function), last - 1)(q, *shapes, loc, 1.5) == 0
