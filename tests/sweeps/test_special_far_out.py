"""Derivatives of scipy.special's functions far out and beside their special points, against mpmath.

Not reached, since SciPy's own values or the difference of two of its functions limit them: the
exponentially scaled Bessel functions of large arguments (i0e' is i1e - i0e, and so on), Bessel
functions beside their zeros, the elliptic integrals next to m = 1, spherical harmonics, Mathieu and
spheroidal functions (SciPy's values have few digits far out); iv of subnormal arguments is NaN.
Where the argument of a periodic or alternating function is rounded, or x is float32, the right
derivative is taken at the number that was given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import scipy.special as scipy_special
from sweeps.test_far_out import KINDS, TOLERANCE, assert_right, points

import fastad.scipy.special as special
from fastad import elementwise_grad, grad

Function = Callable[..., Any]


def _normal(x: Any) -> Any:
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def _gauss(x: Any, sign: int = 1) -> Any:
    return sign * 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)


def _probit(p: Any, f: Function, density: Function, start: float) -> Any:
    """The root of f(x) = p from SciPy's, by Newton's method."""
    x = mp.mpf(float(start))
    for _ in range(6):
        x -= (f(x) - p) / density(x)
    return x


def _cumulative(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def _ndtri(p: Any) -> Any:
    return 1 / _normal(_probit(p, _cumulative, _normal, scipy_special.ndtri(float(p))))


def _ndtri_exp(y: Any) -> Any:
    p = mp.exp(y)
    return p / _normal(_probit(p, _cumulative, _normal, scipy_special.ndtri_exp(float(y))))


def _erfinv(p: Any) -> Any:
    return 1 / _gauss(_probit(p, mp.erf, _gauss, scipy_special.erfinv(float(p))))


def _erfcinv(p: Any) -> Any:
    falling = lambda x: _gauss(x, -1)
    return 1 / falling(_probit(p, mp.erfc, falling, scipy_special.erfcinv(float(p))))


def _erfcx(x: Any) -> Any:
    if x > 1e5:
        return -(1 - 3 / (2 * x**2) + 15 / (4 * x**4)) / (mp.sqrt(mp.pi) * x**2)
    with mp.workdps(90):
        return 2 * x * mp.exp(x * x) * mp.erfc(x) - 2 / mp.sqrt(mp.pi)


def _dawsn(x: Any) -> Any:
    if abs(x) > 1e5:
        return -(1 + 3 / (2 * x**2) + 15 / (4 * x**4)) / (2 * x**2)
    with mp.workdps(90):
        return 1 - x * mp.sqrt(mp.pi) * mp.exp(-x * x) * mp.erfi(x) if abs(x) < 100 else _series(x)


def _series(x: Any) -> Any:
    """-(1 + 3 / (2 x^2) + 15 / (4 x^4) + ...) / (2 x^2), of dawsn'."""
    term, total = mp.mpf(1), mp.mpf(1)
    for k in range(1, 20):
        term *= (2 * k + 1) / (2 * x * x)
        total += term
    return -total / (2 * x * x)


def _log_ndtr(x: Any) -> Any:
    if x < -1e4:
        return -x * (1 + 1 / x**2 - 2 / x**4)
    return _normal(x) / _cumulative(x) if x < 1e3 else mp.mpf(0)


def _exprel(x: Any) -> Any:
    if abs(x) < 1e-20:
        return mp.mpf(1) / 2
    return 1 / x**2 if x < -1e5 else (mp.exp(x) * (x - 1) + 1) / x**2


def _ellipk(m: Any) -> Any:
    if abs(m) < 1e-25:
        return mp.pi / 8
    with mp.workdps(100):
        return (mp.ellipe(m) - (1 - m) * mp.ellipk(m)) / (2 * m * (1 - m))


def _ellipe(m: Any) -> Any:
    if abs(m) < 1e-25:
        return -mp.pi / 8
    return (mp.ellipe(m) - mp.ellipk(m)) / (2 * m)


def _wright(x: Any) -> Any:
    w = mp.lambertw(mp.exp(x)).real
    return w / (1 + w)


def _neighbours(bessel: Function, sign: int, factor: int = 1) -> Function:
    """Derivative of a Bessel function of order 1."""
    return lambda x: factor * (bessel(0, x) + sign * bessel(2, x)) / 2


# name: derivative, domain, special points.
UNARY: dict[str, tuple[Function, tuple[float, float], tuple[float, ...]]] = {
    "expit": (lambda x: 1 / (mp.exp(x / 2) + mp.exp(-x / 2)) ** 2, (-np.inf, np.inf), ()),
    "logit": (lambda x: 1 / (x * (1 - x)), (0, 1), (1.0,)),
    "log_expit": (lambda x: 1 / (1 + mp.exp(x)), (-np.inf, np.inf), ()),
    "entr": (lambda x: -mp.log(x) - 1, (0, np.inf), (1.0,)),
    "exp10": (lambda x: mp.log(10) * mp.power(10, x), (-np.inf, np.inf), ()),
    "exp2": (lambda x: mp.log(2) * mp.power(2, x), (-np.inf, np.inf), ()),
    "expm1": (mp.exp, (-np.inf, np.inf), ()),
    "log1p": (lambda x: 1 / (1 + x), (-1, np.inf), (-1.0,)),
    "cosm1": (lambda x: -mp.sin(x), (-np.inf, np.inf), ()),
    "cbrt": (lambda x: 1 / (3 * mp.cbrt(abs(x)) ** 2), (-np.inf, np.inf), ()),
    "erf": (_gauss, (-np.inf, np.inf), ()),
    "erfc": (lambda x: _gauss(x, -1), (-np.inf, np.inf), ()),
    "ndtr": (_normal, (-np.inf, np.inf), ()),
    "gammaln": (lambda x: mp.psi(0, x), (-30, 1e4), (-1.0, -2.0, -7.0)),
    "gamma": (lambda x: mp.gamma(x) * mp.psi(0, x), (-30, 1e3), (-1.0, -2.0, -7.0)),
    "exprel": (_exprel, (-np.inf, 1e5), ()),
    "erfcx": (_erfcx, (-26, np.inf), ()),
    "erfi": (lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(x * x), (-26, 26), ()),
    "dawsn": (_dawsn, (-np.inf, np.inf), ()),
    "log_ndtr": (_log_ndtr, (-np.inf, np.inf), ()),
    "ndtri": (_ndtri, (0, 1), (1.0,)),
    "ndtri_exp": (_ndtri_exp, (-1e4, 0), ()),
    "erfinv": (_erfinv, (-1, 1), (1.0, -1.0)),
    "erfcinv": (_erfcinv, (0, 2), (2.0,)),
    "spence": (lambda z: mp.log(z) / (1 - z), (0, np.inf), (1.0,)),
    "exp1": (lambda x: -mp.exp(-x) / x, (0, 1e5), ()),
    "expi": (lambda x: mp.exp(x) / x, (-1e5, 700), ()),
    "i0": (lambda x: mp.besseli(1, x), (-700, 700), ()),
    "i1": (_neighbours(mp.besseli, 1), (-700, 700), ()),
    "k0": (lambda x: -mp.besselk(1, x), (0, 700), ()),
    "k1": (_neighbours(mp.besselk, 1, -1), (0, 700), ()),
    "j0": (lambda x: -mp.besselj(1, x), (-3, 3), ()),
    "j1": (_neighbours(mp.besselj, -1), (-1, 1), ()),
    "y0": (lambda x: -mp.bessely(1, x), (0, 2), ()),
    "y1": (_neighbours(mp.bessely, -1), (0, 3), ()),
    "ellipk": (_ellipk, (-np.inf, 0.999), ()),
    "ellipe": (_ellipe, (-np.inf, 0.999), ()),
    "rgamma": (lambda x: -mp.psi(0, x) / mp.gamma(x), (-30, 1e3), (-1.0, -2.0)),
    "psi": (lambda x: mp.psi(1, x), (-30, np.inf), (-1.0, -2.0)),
    "loggamma": (lambda x: mp.psi(0, x), (0, np.inf), ()),
    "zetac": (lambda x: mp.zeta(x, derivative=1), (1, 50), (1.0,)),
    "wrightomega": (_wright, (-700, 1e4), ()),
    "sindg": (lambda x: mp.pi / 180 * mp.cos(x * mp.pi / 180), (-1e6, 1e6), ()),
    "cosdg": (lambda x: -mp.pi / 180 * mp.sin(x * mp.pi / 180), (-1e6, 1e6), ()),
    "cotdg": (
        lambda x: -mp.pi / 180 / mp.sin(x * mp.pi / 180) ** 2,
        (-1e4, 1e4),
        (180.0, -360.0),
    ),
    "tandg": (lambda x: mp.pi / 180 / mp.cos(x * mp.pi / 180) ** 2, (-80, 80), ()),
    "sici, 0": (lambda x: mp.sin(x) / x, (-np.inf, np.inf), ()),
    "sici, 1": (lambda x: mp.cos(x) / x, (0, np.inf), ()),
    "shichi, 0": (lambda x: mp.sinh(x) / x, (-700, 700), ()),
    "shichi, 1": (lambda x: mp.cosh(x) / x, (0, 700), ()),
    "fresnel, 0": (lambda x: mp.sin(mp.pi * x * x / 2), (-1e5, 1e5), ()),
    "fresnel, 1": (lambda x: mp.cos(mp.pi * x * x / 2), (-1e5, 1e5), ()),
}


def named(name: str) -> Function:
    """A function of scipy.special, or one of several results."""
    name, several, place = name.partition(", ")
    function = getattr(special, name)
    return (lambda x: function(x)[int(place)]) if several else function


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("name", UNARY)
def test_unary(name: str, kind: np.dtype[Any]) -> None:
    derivative, (low, high), beside = UNARY[name]
    x = points(kind, beside)[:: 1 if kind == np.float64 else 2]
    x = x[(x > low) & (x < high) & ~np.isin(x, beside)]
    if "gamma" in name or name == "psi":  # apart from the zeros of psi, where it has no digits
        x = x[np.abs(x) > (1e-300 if kind == np.float64 else 1e-37)]
    with np.errstate(all="ignore"), mp.workdps(60):
        got = elementwise_grad(named(name))(x)
        assert got.dtype == kind
        right = [mp.mpf(derivative(mp.mpf(float(p)))) for p in x]
    assert_right(got, right, kind, lambda i: f"{name}'({float(x[i])!r})", TOLERANCE[kind])


RNG = np.random.default_rng(4)
WIDE, OTHER = 10.0 ** RNG.uniform(-150, 150, (2, 300))
CLOSE = WIDE * (1 + 10.0 ** RNG.uniform(-14, 0, 300))
PAIRS = (np.concatenate([WIDE, WIDE]), np.concatenate([OTHER, CLOSE]))
SHAPES = tuple(10.0 ** RNG.uniform(-10, 12, (2, 300)))
POWERS = (10.0 ** RNG.uniform(-5, 5, 300), RNG.uniform(-30, 30, 300))
LIKE = tuple(10.0 ** RNG.uniform(-3, 3, (2, 300)))
BOXES = RNG.uniform(-20, 20, 300) * 10.0 ** RNG.uniform(-8, 0, 300)
INVERSE = (10.0 ** RNG.uniform(-15, 3, 300), 10.0 ** RNG.uniform(-12, 1, 300))


def _inverse_box(y: Any, k: Any) -> Any:
    return (k * y + 1) ** (1 / k)


INVERSE_BOX: tuple[Function, ...] = (
    lambda y, k: (k * y + 1) ** (1 / k - 1),
    lambda y, k: _inverse_box(y, k) * (y / (k * (k * y + 1)) - mp.log1p(k * y) / k**2),
)


ANGLES = (10.0 ** RNG.uniform(-12, 0.1, 60), RNG.uniform(-4, 0.95, 60))
TRIALS = (np.full(300, 3.0), RNG.integers(4, 60, 300))


def _by_m(phi: Any, m: Any, sign: int, power: float) -> Any:
    """Integral of sin^2 (1 - m sin^2)^power / 2 from 0 to phi."""
    return (
        sign * mp.quad(lambda t: mp.sin(t) ** 2 * (1 - m * mp.sin(t) ** 2) ** power, [0, phi]) / 2
    )


def _binomial(k: Any, n: Any, p: Any) -> Any:
    return -(n - k) * mp.binomial(n, k) * p**k * (1 - p) ** (n - k - 1)


def _gamma_density(a: Any, x: Any) -> Any:
    return mp.exp((a - 1) * mp.log(x) - x - mp.loggamma(a))


BINARY: dict[str, tuple[tuple[Any, ...], tuple[Function | None, ...]]] = {
    "kl_div": (PAIRS, (lambda x, y: mp.log(x / y), lambda x, y: 1 - x / y)),
    "rel_entr": (PAIRS, (lambda x, y: mp.log(x / y) + 1, lambda x, y: -x / y)),
    "xlogy": (PAIRS, (lambda x, y: mp.log(y), lambda x, y: x / y)),
    "xlog1py": (PAIRS, (lambda x, y: mp.log1p(y), lambda x, y: x / (1 + y))),
    "boxcox": (
        (10.0 ** RNG.uniform(-5, 5, 300), BOXES),
        (
            lambda x, k: x ** (k - 1),
            lambda x, k: (x**k * (k * mp.log(x) - 1) + 1) / k**2,
        ),
    ),
    "inv_boxcox": (INVERSE, INVERSE_BOX),
    "inv_boxcox1p": (INVERSE, INVERSE_BOX),
    "owens_t": (
        (RNG.uniform(-8, 8, 300), 10.0 ** RNG.uniform(-10, 10, 300)),
        (
            lambda h, a: -_normal(h) * mp.erf(a * h / mp.sqrt(2)) / 2,
            lambda h, a: mp.exp(-h * h * (1 + a * a) / 2) / (2 * mp.pi * (1 + a * a)),
        ),
    ),
    "ellipkinc": (ANGLES, (None, lambda phi, m: _by_m(phi, m, 1, -1.5))),
    "ellipeinc": (ANGLES, (None, lambda phi, m: _by_m(phi, m, -1, -0.5))),
    "bdtr": ((*TRIALS, 10.0 ** RNG.uniform(-12, -0.01, 300)), (None, None, _binomial)),
    "gammainc": (LIKE, (None, _gamma_density)),
    "gammaincc": (LIKE, (None, lambda a, x: -_gamma_density(a, x))),
    "chdtr": (LIKE, (None, lambda v, x: _gamma_density(v / 2, x / 2) / 2)),
    "betaln": (
        SHAPES,
        (
            lambda a, b: mp.psi(0, a) - mp.psi(0, a + b),
            lambda a, b: mp.psi(0, b) - mp.psi(0, a + b),
        ),
    ),
    "powm1": (POWERS, (lambda x, y: y * x ** (y - 1), lambda x, y: mp.log(x) * x**y)),
    "pseudo_huber": (
        PAIRS,
        (
            lambda d, r: d * (mp.sqrt(1 + (r / d) ** 2) - 1) ** 2 / mp.sqrt(1 + (r / d) ** 2),
            lambda d, r: r / mp.sqrt(1 + (r / d) ** 2),
        ),
    ),
}


@pytest.mark.parametrize("name", BINARY)
def test_binary(name: str) -> None:
    arguments, partials = BINARY[name]
    kind = np.dtype(np.float64)
    with np.errstate(all="ignore"), mp.workdps(700 if name == "pseudo_huber" else 60):
        for k, partial in enumerate(partials):
            if partial is None:
                continue
            got = elementwise_grad(getattr(special, name), k)(*arguments)
            right = [mp.mpf(partial(*map(mp.mpf, map(float, at)))) for at in zip(*arguments)]
            assert_right(got, right, kind, lambda i: f"{name} {[a[i] for a in arguments]}", 1e-12)


@pytest.mark.parametrize(
    ("name", "argnum", "whole"),
    [
        ("kn", 0, (2.0, 0.4)),
        ("yn", 0, (2.0, 0.4)),
        ("expn", 0, (2.0, 0.4)),
        ("expn", 0, (0.0, 0.4)),
        ("bdtr", 0, (1.0, 5.0, 0.4)),
        ("bdtrc", 1, (1.0, 5.0, 0.4)),
        ("nbdtr", 0, (3.0, 2.0, 0.4)),
        ("nbdtr", 1, (3.0, 2.0, 0.4)),
        ("nbdtrc", 1, (3.0, 2.0, 0.4)),
        ("pdtr", 0, (3.0, 0.4)),
        ("pdtrc", 0, (3.0, 0.4)),
    ],
)
@pytest.mark.filterwarnings("ignore:.*truncated to an integer:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:.*non-integer:DeprecationWarning")
def test_orders_that_scipy_cuts(name: str, argnum: int, whole: tuple[float, ...]) -> None:
    """Value and derivative are those of the whole order, at order two as well."""
    function, last = getattr(special, name), len(whole) - 1
    cut = (*whole[:argnum], whole[argnum] + 0.7, *whole[argnum + 1 :])
    assert function(*whole) == function(*cut)
    first = grad(function, last)
    assert first(*whole) == first(*cut)
    assert grad(first, last)(*whole) == grad(first, last)(*cut)


def test_expn_of_orders_that_it_has_not_ends() -> None:
    with np.errstate(all="ignore"):
        for n in (-1e200, -1e9, -200.0):
            assert np.isnan(grad(special.expn, 1)(n, 0.4))


def test_factors_of_zero_and_ends_of_domains() -> None:
    """What is 0 times infinity in a formula and a number in its limit."""
    second = lambda function, i: grad(grad(function, i), i)
    with np.errstate(all="ignore"):
        # A series that ends with its first term is constant, wherever the next one diverges.
        for function, argnum, at in [
            (special.hyp2f1, 3, (0.0, 0.15, 0.014, 2.5)),
            (special.hyp2f1, 3, (0.15, 0.0, 0.014, 2.5)),
            (special.hyp1f1, 2, (0.0, 0.3, 1e5)),
            (special.hyperu, 2, (0.0, 0.3, 0.0)),
        ]:
            assert grad(function, argnum)(*at) == 0
            assert second(function, argnum)(*at) == 0
        # (x^c - 1) / c at x = 0 is -1 / c.
        for function, x in ((special.boxcox, 0.0), (special.boxcox1p, -1.0)):
            assert grad(function, 1)(x, 0.7) == pytest.approx(1 / 0.7**2, rel=1e-13)
            assert second(function, 1)(x, 0.7) == pytest.approx(-2 / 0.7**3, rel=1e-13)
        by_all = grad(lambda c: np.sum(special.boxcox(np.array([0.0, 2.0]), c)))(0.7)
        of_two = grad(special.boxcox, 1)(2.0, 0.7)
        assert by_all == pytest.approx(1 / 0.7**2 + of_two, rel=1e-13)
        # The integral of struve(0, t) / t.
        for x in (0.0, 5e-324, 1e-200, 1e-9, 9e-5, 1.1e-4, 0.3):
            right = -mp.struveh(0, mp.mpf(x)) / x if x else -2 / mp.pi
            right = right if x > 1e-300 else -2 / mp.pi
            assert grad(special.it2struve0)(x) == pytest.approx(float(right), rel=1e-13)


def test_carlsons_g_by_every_argument() -> None:
    """Far apart, where its own formula cancels; at zeros of one, two and three; at equal ones."""
    random = np.random.default_rng(6)
    draws = [tuple(10.0 ** random.uniform(-9, 9, 3)) for _ in range(20)]
    for at in [*draws, (0.0, 0.69, 16.07), (0.0, 1e-9, 1e9), (1.3, 1.3, 1.3), (2.0, 1e-6, 1e-6)]:
        for turn in ([0, 1, 2], [1, 2, 0], [2, 1, 0]):
            x, y, z = (mp.mpf(at[k]) for k in turn)
            with mp.workdps(60):
                h = x * mp.mpf(10) ** -20
                right = (mp.elliprg(x + h, y, z) - mp.elliprg(x - h, y, z)) / (2 * h) if x else 0
                if x == 0:  # of it and the other two the sum is R_F / 2
                    right = mp.elliprf(0, y, z) / 4
            assert grad(special.elliprg, turn[0])(*at) == pytest.approx(float(right), rel=1e-13)
    with np.errstate(all="ignore"):
        assert grad(special.elliprg, (0, 1, 2))(0.0, 0.0, 4.0) == (np.inf, np.inf, 0.125)
        assert grad(special.elliprg, (0, 1, 2))(0.0, 0.0, 0.0) == (np.inf,) * 3
    h = 1e-5
    for i in range(3):
        first = grad(special.elliprg, 1)
        moved = [first(*(2.0 + k * h * (i == j) for j in range(3))) for k in (-1, 1)]
        second = grad(first, i)(2.0, 2.0, 2.0)
        assert second == pytest.approx((moved[1] - moved[0]) / (2 * h), rel=1e-8)
    g = lambda z: np.real(special.elliprg(z, 1.5 - 0.5j, 0.3))
    z, t = 0.7 + 0.4j, 1e-6 * (0.6 - 0.8j)
    moved = [scipy_special.elliprg(z + k * t, 1.5 - 0.5j, 0.3) for k in (-1, 1)]
    assert np.real(grad(g)(z) * t) * 2 == pytest.approx(np.real(moved[1] - moved[0]), rel=1e-8)
