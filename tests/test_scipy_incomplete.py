"""Incomplete gamma and beta functions by their shapes, against values computed to 50 digits."""

from __future__ import annotations

import numpy as onp
import pytest

pytest.importorskip("scipy.special")

import fastad.numpy as np
import fastad.scipy.special as special
from fastad import elementwise_grad, grad, jacobian, make_jvp
from fastad.scipy.special.densities import beta_density, gamma_density
from fastad.test_util import check_grads


@pytest.fixture(autouse=True)
def _seeded():
    onp.random.seed(20260101)


# a, x, first and second derivative of gammainc(a, x) by a (mpmath, differences at 50 digits).
GAMMA = [
    (1e-06, 1e-06, -13.238122286642557, 173.60529378809303),
    (0.001, 2.0, -0.049053345839364881, -0.15289776820824403),
    (0.1, 0.05, -2.0264226621003975, 4.2401197064935832),
    (0.5, 0.5, -0.64720035237775388, 0.15585302936750689),
    (0.5, 20.0, -1.2713224714768203e-9, -5.1114146941034202e-9),
    (1.0, 1.0, -0.4317297106348987, 0.033618035299959197),
    (2.5, 0.01, -1.7056647497778207e-5, 9.6393275207868086e-5),
    (2.5, 2.0, -0.27455132194588155, 0.067077171809110783),
    (2.5, 9.0, -0.0047416795481938814, -0.0062175983712570992),
    (40.0, 30.0, -0.016111947669694542, 0.0046456304661113462),
    (40.0, 60.0, -0.0011682095897644877, -0.0004745950714065327),
    (1000.0, 900.0, -6.2457090358415652e-5, 6.5810647958908825e-6),
    (1000.0, 1100.0, -0.00011048987784079389, -1.0531678471574555e-5),
    (100000.0, 99000.0, -8.2610007359684174e-6, 8.302590113951551e-8),
]

# a, b, x, derivatives of betainc(a, b, x) by a, by b, and by both.
BETA = [
    (0.001, 0.001, 0.3, -250.21153453977456, 249.78910661399015, -211.21485156393325),
    (0.5, 0.5, 0.2, -0.64197567826920871, 0.38756376927544048, -0.38594561122134683),
    (0.5, 0.5, 0.9, -0.27681552435835121, 0.59262002214337936, 0.47342123086420337),
    (0.02, 5.0, 0.0001, -6.2030298808512234, 0.0038271712257073947, 0.16355478734744885),
    (5.0, 0.02, 0.99, -0.0040119234111076621, 2.4581277237279868, -0.18992659745208579),
    (1.0, 1.0, 0.5, -0.34657359027997265, 0.34657359027997265, 0.0),
    (2.0, 3.0, 0.001, -3.7897287854926804e-5, 3.4913395825331668e-6, -2.075597974292393e-5),
    (2.0, 3.0, 0.4, -0.24086937608755657, 0.15634433641359878, 0.0089234076700342831),
    (2.0, 3.0, 0.95, -0.00050298448962652604, 0.0013229461566478612, 0.0012777533922051054),
    (30.0, 10.0, 0.6, -0.0055550859194810753, 0.011848124436870126, -0.0027558993956904896),
    (30.0, 10.0, 0.9, -0.00083072047573878436, 0.004210142758000442, 0.00074021918160661495),
    (500.0, 800.0, 0.35, -0.00050182716944663751, 0.00029115761809554739, -2.7393065141894745e-5),
    (1000.0, 2.0, 0.99, -4.3410284185023049e-6, 0.00094000853849961238, -8.1646110024106738e-6),
    (10000.0, 10000.0, 0.51, -5.1117724594372013e-5, 5.2150466759684556e-5, 1.0327206467014655e-6),
]


@pytest.mark.parametrize(("a", "x", "first", "second"), GAMMA)
def test_gammainc_by_shape(a, x, first, second):
    assert grad(special.gammainc)(a, x) == pytest.approx(first, rel=3e-12, abs=0)
    assert grad(special.gammaincc)(a, x) == pytest.approx(-first, rel=3e-12, abs=0)
    # A second derivative changes its sign near the mode, where it loses relative accuracy.
    assert grad(grad(special.gammainc))(a, x) == pytest.approx(
        second, rel=1e-9, abs=1e-9 * abs(first)
    )
    assert make_jvp(special.gammainc)(a, x)(1.0)[1] == grad(special.gammainc)(a, x)


@pytest.mark.parametrize(("a", "b", "x", "by_a", "by_b", "by_both"), BETA)
def test_betainc_by_shapes(a, b, x, by_a, by_b, by_both):
    got = grad(special.betainc, (0, 1))(a, b, x)
    assert got[0] == pytest.approx(by_a, rel=1e-11, abs=0)
    assert got[1] == pytest.approx(by_b, rel=1e-11, abs=0)
    mixed = grad(grad(special.betainc, 0), 1)(a, b, x)
    assert mixed == pytest.approx(by_both, rel=1e-9, abs=1e-9 * abs(by_a))
    assert grad(grad(special.betainc, 1), 0)(a, b, x) == pytest.approx(mixed, rel=1e-9)


def test_on_random_points(random):
    mpmath = pytest.importorskip("mpmath")
    step = mpmath.mpf(10) ** -15
    with mpmath.workdps(50):
        for _ in range(60):
            a, x = map(float, 10 ** random.uniform(-3, 2, 2))
            tail = (0, x) if x <= max(a, 1) else (x, mpmath.inf)
            p = lambda a, tail=tail: mpmath.gammainc(a, *tail, regularized=True)
            exact = (p(a * (1 + step)) - p(a * (1 - step))) / (2 * a * step)
            exact = exact if tail[0] == 0 else -exact
            if abs(exact) > 1e-280:
                assert grad(special.gammainc)(a, x) == pytest.approx(float(exact), rel=1e-11, abs=0)


def test_arrays_and_blocks(random):
    # More entries than one block of nodes holds, broadcast.
    a, x = random.uniform(0.1, 9, (300, 1)), random.uniform(0, 12, 11)
    slopes = elementwise_grad(lambda a: np.sum(special.gammainc(a, x), axis=1, keepdims=True))(a)
    assert slopes.shape == (300, 1)
    single = [sum(grad(special.gammainc)(float(a[17, 0]), float(v)) for v in x)]
    onp.testing.assert_allclose(slopes[17], single, rtol=1e-13)
    assert special.gammainc(onp.zeros((0,)), 1.0).shape == (0,)
    assert elementwise_grad(special.gammainc)(onp.zeros((0,)), 1.0).shape == (0,)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("gammainc", (0.7, 1.1)),
        ("gammaincc", (2.5, 6.0)),
        ("betainc", (0.6, 2.5, 0.3)),
        ("gammaincinv", (1.7, 0.3)),
        ("gammainccinv", (1.7, 0.3)),
        ("betaincinv", (1.7, 2.2, 0.3)),
    ],
)
def test_third_order(name, args):
    check_grads(getattr(special, name), tuple(range(len(args))), order=3)(*args)


def test_third_order_where_a_shape_is_one():
    third = lambda function, x: grad(grad(grad(function, x), x), 0)
    # The derivative of ((a - 1) / x - 1) times the density, by a.
    expected = onp.exp(-0.5) * (2 - onp.log(0.5) - onp.euler_gamma)
    assert third(special.gammainc, 1)(1.0, 0.5) == pytest.approx(expected, rel=1e-12)
    with onp.errstate(all="ignore"):
        for name, args in (("gammainc", (1.0, 0.5)), ("gammaincinv", (1.0, 0.4))):
            check_grads(getattr(special, name), (0, 1), order=3)(*args)
        check_grads(special.betainc, (0, 1, 2), order=3)(1.0, 1.0, 0.4)


def test_every_order_at_the_ends():
    # Densities with whole shapes are polynomials there (times exp(-x)).
    with onp.errstate(all="ignore"):
        for order, (of_gamma, of_beta) in enumerate([(1.0, 12.0), (-2.0, -48.0), (3.0, 72.0)], 1):
            by_gamma, by_beta = gamma_density, beta_density
            for _ in range(order):
                by_gamma, by_beta = grad(by_gamma, 1), grad(by_beta, 2)
            assert by_gamma(2.0, 0.0) == pytest.approx(of_gamma, rel=1e-13)
            assert by_beta(2.0, 3.0, 0.0) == pytest.approx(of_beta, rel=1e-13)
            at_one = by_beta(3.0, 2.0, 1.0)
            assert at_one == pytest.approx((-1) ** order * of_beta, rel=1e-13)


def test_inverse_undoes():
    a, p = onp.array([0.4, 3.0, 50.0]), onp.array([0.2, 0.5, 0.9])
    there_and_back = lambda a, p: special.gammainc(a, special.gammaincinv(a, p))
    onp.testing.assert_allclose(jacobian(there_and_back)(a, p), onp.zeros((3, 3)), atol=1e-10)
    onp.testing.assert_allclose(jacobian(there_and_back, 1)(a, p), onp.eye(3), rtol=1e-10)


@pytest.mark.parametrize("a", [0.5, 3.0, 19.9, 20.1, 1e3, 1e6])
def test_densities(a):
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(40):
        for x in (a * 0.9, a, a * 1.001):
            wide = mpmath.mpf(x)
            exact = wide ** (mpmath.mpf(a) - 1) * mpmath.exp(-wide) / mpmath.gamma(a)
            if exact > 1e-280:
                assert gamma_density(a, x) == pytest.approx(float(exact), rel=1e-11)
        x, wide = 0.4, mpmath.mpf(0.4)
        exact = wide ** (mpmath.mpf(a) - 1) * (1 - wide) ** (mpmath.mpf(1.5 * a) - 1)
        exact = exact / mpmath.beta(a, 1.5 * a)
        assert beta_density(a, 1.5 * a, x) == pytest.approx(float(exact), rel=1e-11)


def test_out_of_domain():
    with onp.errstate(all="ignore"):
        assert onp.isnan(grad(special.gammainc)(-1.0, 1.0))
        assert onp.isnan(grad(special.betainc)(1.0, 2.0, 1.5))
    assert grad(special.gammainc)(2.0, onp.inf) == 0.0
    assert grad(special.betainc)(2.0, 1.0, 0.0) == 0.0
    assert grad(special.betainc)(2.0, 1.0, 1.0) == 0.0
