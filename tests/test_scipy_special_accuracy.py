"""scipy.special against mpmath: far out, at poles, to several orders."""

from __future__ import annotations

import numpy as onp
import pytest
from special_orders import nth

import fastad.numpy as np
import fastad.scipy.special as special
from fastad import elementwise_grad, grad, holomorphic_grad, jit, make_jvp, make_vjp
from fastad.test_util import check_grads

scipy_special = pytest.importorskip("scipy.special")


@pytest.fixture(autouse=True)
def _seeded():
    onp.random.seed(20260101)


def agree(function, exact, points, orders, rel=1e-12):
    """Compare derivatives of a function with those of mpmath's, to 60 digits."""
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(60), onp.errstate(all="ignore"):
        for point in points:
            for order in orders:
                x = tuple(map(mpmath.mpf, point))
                wanted = mpmath.diff(lambda *x: exact(mpmath, *x), x, order)
                got = nth(function, *order)(*point)
                assert got == pytest.approx(float(wanted), rel=rel, abs=1e-100), (point, order)


LOW_ORDERS = [(1,), (2,), (3,)]
MIXED = [(1, 0), (0, 1), (1, 1), (0, 2)]


ACCURATE = {
    "rgamma": (
        lambda m, x: m.rgamma(x),
        [-20.0, -3.3, -2.0, -2 + 1e-9, -1.0, 0.0, 0.4, 2.0],
    ),
    "erfcx": (lambda m, x: m.exp(x * x) * m.erfc(x), [-3.0, 1.0, 8.0, 50.0, 1e6]),
    "dawsn": (
        lambda m, x: m.sqrt(m.pi) / 2 * m.exp(-x * x) * m.erfi(x),
        [-8.0, -3.0, 0.0, 1.0, 8.0, 20.0],
    ),
    "log_ndtr": (lambda m, x: m.log(m.erfc(-x / m.sqrt(2)) / 2), [-50.0, -11.0, 1.0, 5.0]),
    "ellipk": (lambda m, x: m.ellipk(x), [-3.0, -0.4, 0.0, 1e-9, 0.3, 0.7]),
    "ellipe": (lambda m, x: m.ellipe(x), [-3.0, -0.4, 0.0, 1e-9, 0.3, 0.7]),
    "ellipkm1": (lambda m, p: m.ellipk(1 - p), [1.0, 1.3, 0.3, 1e-3]),
    "spence": (lambda m, z: m.polylog(2, 1 - z), [1.0, 1 + 1e-7, 0.7, 0.2, 1.9]),
    "Si": (lambda m, x: m.si(x), [0.0, 1e-4, 0.9, -3.0]),
    "Shi": (lambda m, x: m.shi(x), [0.0, 1e-4, 0.9, -3.0]),
}


CARLSON = {
    "elliprc": [(0.5, 1.2), (1.0, 1.0), (0.3, -2.0), (1e-5, 1e3)],
    "elliprd": [(0.5, 1.2, 2.3), (1.0, 1.0, 1.0), (2.0, 2.0, 1.0), (1.0, 2.0, 2.0)],
    "elliprf": [(0.5, 1.2, 2.3), (1.0, 1.0, 1.0), (2.0, 1.0, 1.0), (1e-6, 1.0, 1e4)],
    "elliprg": [(0.5, 1.2, 2.3), (1.0, 1.0, 1.0), (2.0, 1.0, 2.0), (3.0, 1e-3, 10.0)],
    "elliprj": [(0.5, 1.2, 2.3, 0.7), (1.0, 1.0, 1.0, 1.0), (1.0, 2.0, 2.0, 2.0)],
}


@pytest.mark.parametrize("name", CARLSON)
def test_carlson_to_second_order(name):
    points = CARLSON[name]
    count = len(points[0])
    units = onp.eye(count, dtype=int)
    orders = [tuple(int(i) for i in unit) for unit in units]
    orders += [tuple(int(i) for i in units[j] + units[k]) for j in range(count) for k in range(j)]
    orders += [tuple(int(2 * i) for i in unit) for unit in units]
    agree(getattr(special, name), lambda m, *x: getattr(m, name)(*x), points, orders, rel=1e-10)


def test_carlson_at_zero_and_recorded():
    # R_F(0, y, z) is a complete integral: its derivatives by y and z are finite.
    slope = grad(special.elliprf, 1)(0.0, 1.0, 2.0)
    exact = (special.elliprf(0.0, 1 + 1e-6, 2.0) - special.elliprf(0.0, 1 - 1e-6, 2.0)) / 2e-6
    assert slope == pytest.approx(exact, rel=1e-8)
    for name, points in CARLSON.items():
        plain = grad(getattr(special, name))
        replayed = jit(plain)
        for point in (points[0], points[0], points[0], [1.1 * x for x in points[0]]):
            assert replayed(*point) == pytest.approx(plain(*point), rel=1e-12)


FUNCTIONS = {"Si": lambda x: special.sici(x)[0], "Shi": lambda x: special.shichi(x)[0]}


@pytest.mark.parametrize("name", ACCURATE)
def test_to_three_orders(name):
    exact, points = ACCURATE[name]
    function = FUNCTIONS.get(name) or getattr(special, name)
    agree(function, exact, [(x,) for x in points], LOW_ORDERS, rel=1e-11)


@pytest.mark.parametrize(
    ("name", "x", "order", "expected"),
    [
        ("rgamma", -2.0, 2, -3.6911373403938684),
        ("ellipk", 0.0, 2, 0.4417864669110646),
        ("erfcx", 1e8, 1, -5.6418958354775629e-17),
        ("dawsn", 1e8, 1, -5e-17),
        ("dawsn", 1e6, 2, 1e-18),
        ("log_ndtr", 40.0, 2, 0.0),
        ("log_ndtr", 1e3, 3, 0.0),
        ("log_ndtr", -1e7, 2, -1.0),
        ("log_ndtr", -1e8, 2, -1.0),
    ],
)
def test_far_out_and_at_special_points(name, x, order, expected):
    with onp.errstate(all="ignore"):
        got = nth(getattr(special, name), order)(x)
    assert got == pytest.approx(expected, rel=1e-11, abs=1e-300)


POLYNOMIALS = {
    "eval_legendre": (),
    "eval_sh_legendre": (),
    "eval_gegenbauer": (0.7,),
    "eval_jacobi": (0.4, 1.3),
    "eval_sh_jacobi": (2.1, 1.4),
    "eval_chebyt": (),
    "eval_chebyu": (),
    "eval_chebyc": (),
    "eval_chebys": (),
    "eval_sh_chebyt": (),
    "eval_sh_chebyu": (),
    "eval_hermite": (),
    "eval_hermitenorm": (),
    "eval_laguerre": (),
    "eval_genlaguerre": (0.6,),
}


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_orthogonal_polynomials(name):
    function, parameters = getattr(special, name), POLYNOMIALS[name]
    n, x = onp.arange(6)[:, None], onp.array([-1.0, -0.3, 0.0, 0.45, 1.0])
    function = lambda x: getattr(special, name)(n, *parameters, x)
    onp.testing.assert_array_equal(
        make_vjp(function)(x)[1], getattr(scipy_special, name)(n, *parameters, x)
    )
    # Of degree 5 the fit through 6 points is exact.
    theirs = getattr(scipy_special, name)
    for degree in range(6):
        fit = onp.polynomial.Polynomial.fit(
            nodes := onp.linspace(-1, 1, 6), theirs(degree, *parameters, nodes), 5
        )
        for order in (1, 2, 3):
            got = nth(lambda x, d=degree: getattr(special, name)(d, *parameters, x), order)(0.45)
            assert got == pytest.approx(fit.deriv(order)(0.45), rel=1e-9, abs=1e-8)
    check_grads(function, order=1)(x)


def test_legendre_functions_and_harmonics():
    x = onp.array([-0.8, 0.1, 0.6])
    for m, v in ((0, 3), (2, 4), (1, 2.5)):
        check_grads(lambda x, m=m, v=v: special.lpmv(m, v, x), order=2)(x)
    n, m = onp.array([[2], [3], [3], [0]]), onp.array([[1], [-2], [3], [0]])
    function = lambda theta, phi: special.sph_harm_y(n, m, theta, phi)
    if hasattr(scipy_special, "sph_harm_y"):
        check_grads(function, (0, 1), order=2)(onp.array([0.3, 1.2, 2.9]), 0.7)
        # At the poles: Y of degree 2 and order 1 is -sqrt(15 / (8 pi)) sin cos exp(i phi).
        slope = make_jvp(lambda t: special.sph_harm_y(2, 1, t, 0.0))(0.0)(1.0)[1]
        assert slope == pytest.approx(-onp.sqrt(15 / (8 * onp.pi)))


def test_voigt_profile():
    exact = lambda m, x, s, g: (
        m.re(
            m.exp(-(((x + 1j * g) / (s * m.sqrt(2))) ** 2))
            * m.erfc(-1j * (x + 1j * g) / (s * m.sqrt(2)))
        )
        / (s * m.sqrt(2 * m.pi))
    )
    for point in ((0.3, 1.0, 0.5), (0.0, 0.4, 2.0), (40.0, 1.5, 0.3)):
        for i in range(3):
            x = tuple(float(part) for part in point)
            mpmath = pytest.importorskip("mpmath")
            with mpmath.workdps(50):
                order = tuple(int(i == j) for j in range(3))
                wanted = mpmath.diff(lambda *a: exact(mpmath, *a), x, order)
            assert grad(special.voigt_profile, i)(*x) == pytest.approx(float(wanted), rel=1e-9)
    # Without a normal part, and without Lorentz's.
    lorentz = lambda x, g: g / (onp.pi * (x * x + g * g))
    for i in range(2):
        got = grad(lambda x, g: special.voigt_profile(x, 0.0, g), i)(0.4, 0.7)
        assert got == pytest.approx(grad(lorentz, i)(0.4, 0.7))
    normal = lambda x, s: np.exp(-x * x / (2 * s * s)) / (s * onp.sqrt(2 * onp.pi))
    for i in range(2):
        got = grad(lambda x, s: special.voigt_profile(x, s, 0.0), i)(0.4, 0.7)
        assert got == pytest.approx(grad(normal, i)(0.4, 0.7))


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_expn_of_every_order(n):
    function = lambda x: special.expn(n, x)
    agree(function, lambda m, x: m.expint(n, x), [(0.2,), (1.3,), (20.0,)], LOW_ORDERS)


@pytest.mark.parametrize("name", ["struve", "modstruve"])
@pytest.mark.parametrize("v", [0, 1, 2, 3])
def test_struve_near_zero(name, v):
    # H_v and L_v are power series with one sign or the other (DLMF 11.2.1-2).
    sign = -1 if name == "struve" else 1

    def exact(m, x):
        terms = (
            sign**k * (x / 2) ** (2 * k + v + 1) * m.rgamma(k + 1.5) * m.rgamma(k + v + 1.5)
            for k in range(40)
        )
        return m.fsum(terms)

    function = lambda x: getattr(special, name)(v, x)
    agree(function, exact, [(0.0,), (0.2,), (1.3,)], [(1,), (2,)])


def test_binom_beyond_n():
    points = [(3.0, 5.0), (5.0, 2.0), (5.0, 5.3), (5.5, 6.0), (0.0, 1.0), (3.3, 9.2)]
    agree(special.binom, lambda m, n, k: m.binomial(n, k), points, [*MIXED, (2, 0)], rel=1e-11)
    n = onp.array([3.0, 5.0])
    onp.testing.assert_allclose(elementwise_grad(special.binom)(n, 5.0)[0], -0.05, rtol=1e-13)


def test_poch_at_poles():
    points = [(0.0, 2.5), (0.0, 2.0), (-2.0, 4.5), (-3.0, 1.5), (0.3, 2.0), (2.0, 3.0)]
    exact = lambda m, z, k: m.gamma(z + k) * m.rgamma(z)
    agree(special.poch, exact, points, [(1, 0), (0, 1), (1, 1), (2, 0)], rel=1e-11)
    z = onp.array([-3.0, 0.0, 1.0])
    # The products z (z + 1), differentiated.
    onp.testing.assert_allclose(elementwise_grad(special.poch)(z, 2.0), 2 * z + 1, rtol=1e-13)


def test_zeta():
    points = [(3.0,), (1.2,), (0.3,), (0.0,), (-0.7,), (-2.0,), (-5.5,), (40.0,)]
    # Where the reflection's two parts, which cancel at 0, take over.
    points += [(-1e-300,), (-1e-12,), (-1e-6,), (-0.1,), (-0.4999,), (-0.5,), (-0.5001,)]
    agree(special.zetac, lambda m, s: m.zeta(s), points, LOW_ORDERS[:2], rel=1e-11)
    agree(special.zeta, lambda m, s: m.zeta(s), points, [(1,)], rel=1e-11)
    exact = lambda m, s, q: m.zeta(s, q)
    agree(special.zeta, exact, [(2.5, 0.7), (1.1, 3.0), (30.0, 5.0)], MIXED, rel=1e-10)
    with pytest.raises(TypeError, match="'out'"):
        grad(lambda q: special.zeta(2.0, q, onp.zeros(())))(1.5)


@pytest.mark.parametrize("name", ["ellipkinc", "ellipeinc"])
def test_incomplete_elliptic_near_zero(name):
    points = [(1.2, 0.0), (1.2, 1e-9), (5.3, 0.3), (1e-3, 0.2), (1.2, 0.7), (-2.0, -0.3)]
    exact = lambda m, phi, k: (m.ellipf if name == "ellipkinc" else m.ellipe)(phi, k)
    agree(getattr(special, name), exact, points, MIXED)


def student(m, df, t):
    """Student's distribution function minus one half."""
    if abs(t) < 1:
        scale = m.gamma((df + 1) / 2) / m.gamma(df / 2) / m.sqrt(df * m.pi)
        return t * scale * m.hyp2f1(0.5, (df + 1) / 2, 1.5, -t * t / df)
    tail = m.betainc(df / 2, m.mpf(1) / 2, 0, df / (df + t * t), regularized=True) / 2
    return -tail if t > 0 else tail


def test_student_by_degrees_of_freedom():
    points = [
        (3.0, 1e-8),
        (3.0, 1e-7),
        (1e3, 1e-6),
        (1e5, 1e-3),
        (1e5, 1e-2),
        (1e8, 0.3),
        (1e8, 2.0),
        (0.01, 0.5),
        (0.01, 300.0),
        (1e-4, 1e-3),
        (1.5, 1.0),
        (100.0, -30.0),
        (3.0, 1e5),
    ]
    agree(special.stdtr, student, points, [(1, 0), (2, 0), (3, 0), (1, 1)])


def test_student_at_its_centre():
    onp.testing.assert_allclose(grad(special.stdtr, 1)(3.0, 0.0), 2 / onp.sqrt(3) / onp.pi)
    mixed = 0.009732981649988489
    assert nth(special.stdtr, 1, 1)(3.0, 0.0) == pytest.approx(mixed, rel=1e-13)
    density = 2 / onp.sqrt(3) / onp.pi
    inverse = nth(special.stdtrit, 1, 1)(3.0, 0.5)
    assert inverse == pytest.approx(-mixed / density**2, rel=1e-13)
    for t in (0.7, 0.0, 2.0):
        assert grad(special.stdtr)(onp.inf, t) == 0.0


@pytest.mark.parametrize("z", [1 + 2j, -2.5 + 0.3j, 30 + 1j, -100.3 + 0.01j])
@pytest.mark.parametrize("name", ["psi", "gamma", "loggamma", "rgamma"])
def test_gammas_of_complex_arguments(name, z):
    mpmath = pytest.importorskip("mpmath")
    exact = getattr(mpmath, "digamma" if name == "psi" else name)
    function = getattr(special, name)
    with mpmath.workdps(60):
        for order in (1, 2, 3):
            function = holomorphic_grad(function)
            wanted = complex(mpmath.diff(exact, mpmath.mpc(z), order))
            assert function(z) == pytest.approx(wanted, rel=1e-11)


def test_trigamma_everywhere_on_the_line():
    """The slope of digamma, beside zeta of Hurwitz and the reflection to it."""
    mpmath = pytest.importorskip("mpmath")
    slope = elementwise_grad(special.digamma)
    x = onp.concatenate([onp.logspace(-100, 10, 120), -onp.linspace(0.05, 50.1, 173), [-1e6 + 0.3]])
    with mpmath.workdps(60):
        for got, at in zip(slope(x), x):
            exact = mpmath.zeta(2, mpmath.mpf(at if at > 0 else 1) - (0 if at > 0 else at))
            if at < 0:
                exact = (mpmath.pi / mpmath.sin(mpmath.pi * mpmath.mpf(at))) ** 2 - exact
            assert got == pytest.approx(float(exact), rel=2e-15)
    large = onp.logspace(11, 305, 60)
    onp.testing.assert_allclose(slope(large) * large, 1.0, rtol=1e-10)
    ends = slope(onp.array([0.0, -0.0, -3.0, onp.inf, onp.nan]))
    onp.testing.assert_array_equal(ends, [onp.inf, onp.inf, onp.inf, 0.0, onp.nan])
    assert slope(onp.float32([0.5, -0.5])).dtype == onp.float32
    strided = onp.linspace(-4.1, 9.0, 1000)
    onp.testing.assert_array_equal(slope(strided[::3]), slope(strided)[::3])
    onp.testing.assert_array_equal([slope(float(x)) for x in strided], slope(strided))
    for order in (2, 3):
        for at in (2.5, -1.3):
            exact = float(mpmath.polygamma(order, at))
            assert nth(special.digamma, order)(at) == pytest.approx(exact, rel=1e-12)


def test_differences_of_digamma_do_not_cancel():
    mpmath = pytest.importorskip("mpmath")
    rng = onp.random.default_rng(0)
    a, b = 10 ** rng.uniform(-3, 12, 200), 10 ** rng.uniform(-12, 8, 200)
    slopes = elementwise_grad(special.betaln)(a, b)
    with mpmath.workdps(60):
        for got, x, y in zip(slopes, a, b):
            exact = mpmath.psi(0, mpmath.mpf(x)) - mpmath.psi(0, mpmath.mpf(x) + mpmath.mpf(y))
            assert got == pytest.approx(float(exact), rel=2e-15)
    onp.testing.assert_array_equal(
        [elementwise_grad(special.betaln)(x, y) for x, y in zip(a, b)], slopes
    )
