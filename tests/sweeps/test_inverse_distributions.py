"""Inverses of distribution functions over the whole range and at its ends, by every argument.

Where SciPy's value is no inverse (NaN, an infinity of the wrong sign, the least normal number, or a
t that is off by a factor of two) there is nothing to compare with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import scipy
import scipy.special as scipy_special

import fastad.scipy.special as special
import fastad.scipy.stats as stats
from fastad import grad, make_jvp

Function = Callable[..., Any]
# Earlier ones are off in the tails.
QUANTILES = tuple(map(int, scipy.__version__.split(".")[:2])) >= (1, 17)
of_exact_values = pytest.mark.skipif(not QUANTILES, reason="this SciPy's quantiles have few digits")


def _gamma(a: Any, x: Any) -> Any:
    return mp.gammainc(a, 0, x, regularized=True)


def _gamma_tail(a: Any, x: Any) -> Any:
    return mp.gammainc(a, x, mp.inf, regularized=True)


def _beta(a: Any, b: Any, x: Any) -> Any:
    return mp.betainc(a, b, 0, x, regularized=True)


def _f(d: Any, e: Any, x: Any) -> Any:
    if d * x > e:
        return 1 - _beta(e / 2, d / 2, e / (d * x + e))
    return _beta(d / 2, e / 2, d * x / (d * x + e))


def _student(v: Any, t: Any) -> Any:
    tail = _beta(v / 2, mp.mpf(1) / 2, v / (v + t * t)) / 2
    return tail if t < 0 else 1 - tail


# name: the function that it inverts, how many shapes.
INVERSES: dict[str, tuple[Function, int]] = {
    "gammaincinv": (_gamma, 1),
    "gammainccinv": (_gamma_tail, 1),
    "chdtri": (lambda v, x: _gamma_tail(v / 2, x / 2), 1),
    "gdtrix": (lambda a, b, x: _gamma(b, a * x), 2),
    "betaincinv": (_beta, 2),
    "betainccinv": (lambda a, b, x: _beta(b, a, 1 - x), 2),
    "fdtri": (_f, 2),
    "stdtrit": (_student, 1),
}


def _slope(f: Function, x: Any) -> Any:
    h = abs(x) * mp.mpf(10) ** -12
    return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h)


def _root(f: Function, shapes: Any, x: Any, p: Any) -> Any:
    for _ in range(3):
        x -= (f(*shapes, x) - p) / _slope(lambda t: f(*shapes, t), x)
    return x


@of_exact_values
@pytest.mark.parametrize("name", INVERSES)
def test_far_out(name: str) -> None:
    """By each argument, where densities underflow as well."""
    function, count = INVERSES[name]
    random = np.random.default_rng(5)
    compared = 0
    for k in range(16):
        shapes = (10.0 ** random.uniform(-0.3, 1.2, count)).tolist()
        p = float(random.uniform(0.01, 0.9) if k % 4 == 3 else 10.0 ** random.uniform(-250, -1))
        if name == "betainccinv" and k % 4 != 3:
            p = 1 - p ** (1 / 20)
        x = float(getattr(scipy_special, name)(*shapes, p))
        if not 1e-290 < abs(x) < 1e150 or (name == "betainccinv" and x > 0.99):
            continue
        with mp.workdps(60):
            wide = list(map(mp.mpf, shapes))
            at = _root(function, wide, mp.mpf(x), mp.mpf(p))
            off = float(abs(at - x) / abs(at))  # SciPy's value
            if off > 1e-9:
                continue
            density = _slope(lambda t: function(*wide, t), at)
            right = [
                -_slope(lambda t, i=i: function(*wide[:i], t, *wide[i + 1 :], at), wide[i])
                / density
                for i in range(count)
            ]
        right.append(1 / density)
        compared += 1
        for i, one in enumerate(right):
            got = grad(getattr(special, name), i)(*shapes, p)
            assert got == pytest.approx(float(one), rel=1e-12 + 10 * off), (shapes, p, i)
    assert compared > 6


@of_exact_values
@pytest.mark.parametrize("name", INVERSES)
@pytest.mark.parametrize("shape", [0.4, 1.0, 2.0, 2.5, 30.0])
def test_ends(name: str, shape: float) -> None:
    """A finite end is one for all shapes; at an infinite one the derivative is its limit's."""
    inverse, count = getattr(special, name), INVERSES[name][1]
    with np.errstate(all="ignore"):
        for p in (0.0, 1.0):
            at = (*[shape] * count, p)
            beside = float(grad(inverse, count)(*at[:-1], abs(p - 1e-16) if p else 1e-290))
            by_shape = [float(grad(inverse, i)(*at)) for i in range(count)]
            by_p = float(grad(inverse, count)(*at))
            if np.isfinite(float(inverse(*at))):
                assert all(one == 0.0 for one in by_shape)
                assert by_p in (0.0, np.inf, -np.inf) or by_p == pytest.approx(beside)
            else:
                assert by_p == np.copysign(np.inf, beside)
                # With two degrees in the denominator F's quantile is 1 / (1 - p) for all d: the
                # limit is no infinity, and not in the leading term.
                if not (name == "fdtri" and shape == 2.0):
                    assert all(map(np.isinf, by_shape))


@of_exact_values
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.parametrize("name", INVERSES)
def test_second_derivatives_far_out(name: str) -> None:
    """Against differences of the first in logarithms of p: mixed ones too, in both orders."""
    inverse, count = getattr(special, name), INVERSES[name][1]
    shapes = [2.5, 1.5][:count]
    for p in (1e-100, 1e-40, 0.3):
        for i in range(count + 1):
            first = grad(inverse, i)
            step = p * 1e-5
            moved = [float(first(*shapes, p + k * step)) for k in (-2, -1, 1, 2)]
            numeric = (8 * (moved[2] - moved[1]) - (moved[3] - moved[0])) / (12 * step)
            got = grad(first, count)(*shapes, p)
            scale = abs(moved[1] / p)  # where it is far below, differences have no digits
            if not np.isfinite(numeric):
                assert np.isinf(got)
                continue
            assert abs(got - numeric) <= 1e-6 * abs(numeric) + 1e-9 * scale
            by_p = lambda *s: grad(inverse, count)(*s, p)
            if i < count:
                other = make_jvp(by_p, i)(*shapes)(1.0)[1]
                assert other == pytest.approx(got, rel=1e-9, abs=1e-13 * scale)


@pytest.mark.parametrize("method", ["ppf", "isf"])
@pytest.mark.parametrize("size", [1.0, 1e-3, 1e-10, 1e-100, 1e-300])
@pytest.mark.parametrize("q", [1e-290 if QUANTILES else 0.01, 0.3, 1 - 1e-12])
def test_quantiles_that_are_almost_one(method: str, size: float, q: float) -> None:
    """Of lognorm for a small s and weibull_min for a large c, which have no digits of z - 1."""
    sign = 1 if method == "ppf" else -1
    u = sign * float(scipy_special.ndtri(q))
    z = np.exp(size * u)
    by_q, by_s = grad(getattr(stats.lognorm, method), (0, 1))(q, size)
    assert by_s == pytest.approx(u * z, rel=1e-13)
    density = np.exp(-u * u / 2) / np.sqrt(2 * np.pi)
    assert by_q == pytest.approx(sign * size * z / density, rel=1e-11)
    c, e = 1 / size, -np.log1p(-q) if method == "ppf" else -np.log(q)
    by_q, by_c = grad(getattr(stats.weibull_min, method), (0, 1))(q, c)
    with np.errstate(all="ignore"):
        z = e**size
        assert by_c == pytest.approx(-z * np.log(e) * size * size, rel=1e-12)
        rise = 1 - q if method == "ppf" else q
        assert by_q == pytest.approx(sign * size * z / (e * rise), rel=1e-12)


@of_exact_values
@pytest.mark.parametrize("name", ["gamma", "chi2", "beta", "t", "weibull_min", "lognorm"])
@pytest.mark.parametrize("method", ["ppf", "isf"])
def test_quantiles_at_both_ends(name: str, method: str) -> None:
    """No derivative by a shape where the end is finite; none is NaN."""
    quantile = getattr(getattr(stats, name), method)
    count = 2 if name == "beta" else 1
    with np.errstate(all="ignore"):
        for q in (0.0, 1.0):
            at = (q, *[2.5] * count)
            slopes = [float(grad(quantile, i)(*at)) for i in range(count + 1)]
            if np.isfinite(quantile(*at)):
                assert all(one == 0.0 for one in slopes[1:])
            assert np.all(np.isinf(slopes[1:]) | np.isfinite(slopes[1:]))
            assert not np.isnan(slopes[0])


def _derivative_by_kappa(z: Any, k: Any) -> Any:
    """Of the distribution function of vonmises: the integral of f (cos - A)."""
    a = mp.besseli(1, k) / mp.besseli(0, k)
    scale = 2 * mp.pi * mp.besseli(0, k)
    inner = lambda x: mp.exp(k * mp.cos(x)) * (mp.cos(x) - a) / scale
    return mp.quad(inner, mp.linspace(0, z, 9))


@pytest.mark.parametrize("kappa", [0.01, 0.5, 8.0, 29.0, 31.0, 2e3])
def test_vonmises_by_its_concentration(kappa: float) -> None:
    for u in (0.01, 0.7, 2.5, 7.0):
        z = min(u * kappa**-0.5, 3.1)
        with mp.workdps(50):
            right = float(_derivative_by_kappa(mp.mpf(z), mp.mpf(kappa)))
        assert grad(stats.vonmises.cdf, 1)(z, kappa) == pytest.approx(right, rel=1e-13)
        assert grad(stats.vonmises.cdf, 1)(-z, kappa) == pytest.approx(-right, rel=1e-13)
        assert grad(stats.vonmises.sf, 1)(z + 2 * np.pi, kappa) == pytest.approx(-right, rel=1e-9)
        first = grad(stats.vonmises.cdf, 1)
        h = 1e-4 * kappa
        moved = [first(z, kappa + k * h) for k in (-2, -1, 1, 2)]
        numeric = (8 * (moved[2] - moved[1]) - (moved[3] - moved[0])) / (12 * h)
        scale = abs(right) / kappa
        assert grad(first, 1)(z, kappa) == pytest.approx(numeric, rel=1e-7, abs=1e-9 * scale)
    for big in (1e9, 1e200):  # there it is normal: z / (2 kappa) times its density
        z = 1.3 * big**-0.5
        right = z / (2 * big) * np.exp(-0.5 * 1.69) * np.sqrt(big / (2 * np.pi))
        assert grad(stats.vonmises.cdf, 1)(z, big) == pytest.approx(right, rel=2e-9)
