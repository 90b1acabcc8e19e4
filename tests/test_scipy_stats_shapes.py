"""Families by all their shapes: non-central ones, those of Bessel functions, and by quadrature."""

from __future__ import annotations

import numpy as onp
import pytest

pytest.importorskip("scipy")

import scipy.stats as theirs

import fastad.numpy as np
import fastad.scipy.special as special
from fastad import elementwise_grad, grad, hessian, jit, make_jvp
from fastad.scipy import stats
from fastad.test_util import check_grads

FAMILIES = {
    "cosine": (),
    "dpareto_lognorm": (3.0, 1.2, 1.5, 2.0),
    "genhalflogistic": (0.77,),
    "genhyperbolic": (0.5, 1.5, -0.5),
    "geninvgauss": (2.3, 1.5),
    "kappa4": (0.1, 0.2),
    "ncf": (27.0, 27.3, 0.415),
    "nct": (14.0, 0.24),
    "ncx2": (21.0, 1.05),
    "rice": (0.775,),
    "trapezoid": (0.2, 0.8),
    "tukeylambda": (3.13,),
}
METHODS = {"logpdf": 0.4, "cdf": 0.4, "sf": 0.6, "ppf": 0.3}


def slope(function, args, i):
    """A difference of order four."""
    h = 1e-3 * max(1.0, abs(args[i]))
    at = lambda k: function(*args[:i], args[i] + k * h, *args[i + 1 :])
    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)


def present(name):
    if not hasattr(theirs, name):
        pytest.skip("not in this SciPy")
    return getattr(stats, name), getattr(theirs, name)


SLOW = {("genhyperbolic", "sf"), ("genhyperbolic", "ppf")}  # SciPy integrates for each value


@pytest.mark.parametrize(
    ("name", "method"), [(n, m) for n in FAMILIES for m in METHODS if (n, m) not in SLOW]
)
def test_by_all_arguments(name, method):
    shapes, (ours, plain) = FAMILIES[name], present(name)
    q = METHODS[method]
    x = q if method == "ppf" else 0.1 + 1.2 * plain.ppf(q, *shapes)
    args = (float(x), *shapes, 0.1, 1.2)
    for i in range(len(args)):
        got = grad(getattr(ours, method), i)(*args)
        assert got == pytest.approx(slope(getattr(plain, method), args, i), rel=1e-6, abs=1e-9), i
        push = make_jvp(getattr(ours, method), i)(*args)(1.0)[1]
        assert push == pytest.approx(got, rel=1e-10)


@pytest.mark.parametrize("name", ["genhyperbolic", "kappa4", "nct", "ncx2", "ncf", "tukeylambda"])
def test_second_order_arrays_and_programs(name):
    shapes, (ours, plain) = FAMILIES[name], present(name)
    x = plain.ppf([0.2, 0.7], *shapes)
    total = lambda *s: np.sum(np.array([1.0, 0.3]) * ours.logpdf(x, *s))
    check_grads(total, tuple(range(len(shapes))), order=2)(*shapes)
    check_grads(lambda x: np.sum(ours.logpdf(x, *shapes)), order=2)(x)
    program = jit(elementwise_grad(ours.logpdf, 1))
    for k in range(4):
        first = onp.full(2, shapes[0] * (1 + 0.01 * k))
        wanted = elementwise_grad(ours.logpdf, 1)(x, first, *shapes[1:])
        onp.testing.assert_allclose(program(x, first, *shapes[1:]), wanted, rtol=1e-10)


SUMMARIES = {  # of those with which SciPy is quick
    "argus": (1.0,),
    "betaprime": (5.0, 6.0),
    "burr": (10.5, 4.3),
    "burr12": (10.0, 4.0),
    "foldnorm": (1.95,),
    "gengamma": (4.4, 3.1),
    "genhalflogistic": (0.77,),
    "geninvgauss": (2.3, 1.5),
    "nct": (14.0, 0.24),
    "rice": (0.775,),
    "weibull_max": (2.9,),
}


@pytest.mark.parametrize("name", SUMMARIES)
def test_moments_and_entropies(name):
    shapes, (ours, plain) = SUMMARIES[name], present(name)
    args = (*shapes, 0.1, 1.2)
    for method in ("mean", "var", "entropy"):
        for i in range(len(args)):
            got = grad(getattr(ours, method), i)(*args)
            wanted = slope(getattr(plain, method), args, i)
            assert got == pytest.approx(wanted, rel=2e-6, abs=1e-8), (method, i)


@pytest.mark.parametrize(
    ("name", "places"), [("norminvgauss", (1.1,)), ("vonmises_line", (-1.1, 0.4))]
)
def test_distribution_functions_by_quadrature(name, places):
    shapes = {"norminvgauss": (1.25, 0.5), "vonmises_line": (2.0,)}[name]
    ours, plain = present(name)
    for z in places:
        for i in range(1, len(shapes) + 1):
            wanted = slope(plain.cdf, (z, *shapes), i)
            assert grad(ours.cdf, i)(z, *shapes) == pytest.approx(wanted, rel=1e-5, abs=1e-8)
            assert grad(ours.sf, i)(z, *shapes) == pytest.approx(-wanted, rel=1e-5, abs=1e-8)


def test_what_quadrature_does_not_give_is_refused():
    for call in (
        lambda beta: stats.crystalball.entropy(beta, 3.0),  # a corner that moves
        lambda b: stats.lomax.var(b),  # infinite
    ):
        with pytest.raises(NotImplementedError, match=r"quad|rule"):
            grad(call)(1.5)


# ---- against mpmath ------------------------------------------------------------------------------


def _square(mp, x, df, nc):
    term = lambda k: (
        (nc / 2) ** k / mp.factorial(k) * (x / 2) ** (df / 2 + k - 1) / mp.gamma(df / 2 + k)
    )
    return mp.log(mp.nsum(term, [0, mp.inf]) / 2) - nc / 2 - x / 2


def _ratio(mp, x, m, n, c):
    y = m * x / (m * x + n)
    term = lambda k: (c / 2) ** k / mp.factorial(k) * y ** (m / 2 + k) / mp.beta(m / 2 + k, n / 2)
    return mp.log(mp.nsum(term, [0, mp.inf]) * (1 - y) ** (n / 2) / x) - c / 2


def _student(mp, t, n, c):
    def term(w):
        return mp.npdf(t * w - c) * w**n * mp.exp(-n * w * w / 2)

    whole = mp.quad(term, [0, 0.2, 0.5, 1, 1.5, 2, 4, 8])
    return mp.log(whole * 2 * (n / 2) ** (n / 2) / mp.gamma(n / 2))


@pytest.mark.parametrize(
    ("name", "exact", "args"),
    [
        ("ncx2", _square, (3.0, 2.5, 1.2)),
        ("ncx2", _square, (1e-3, 3.0, 40.0)),
        ("ncx2", _square, (90.0, 2.0, 1e-3)),
        ("ncf", _ratio, (1.3, 4.0, 7.0, 2.0)),
        ("nct", _student, (-2.0, 3.0, 1.5)),
        ("nct", _student, (5.0, 30.0, 4.0)),
    ],
)
def test_non_central_densities_are_exact(name, exact, args):
    mp = pytest.importorskip("mpmath")
    with mp.workdps(20):
        given = [mp.mpf(arg) for arg in args]
        for i in range(len(args)):
            moved = lambda q, i=i: exact(mp, *given[:i], q, *given[i + 1 :])
            got = grad(getattr(stats, name).logpdf, i)(*args)
            assert got == pytest.approx(float(mp.diff(moved, given[i])), rel=1e-12)


ORDERS = [(0.3, 0.7), (5.5, 0.01), (40.0, 3.0), (0.5, 200.0), (1.5, 1e-3), (100.0, 30.0)]


@pytest.mark.parametrize("name", ["kv", "iv", "kve", "ive"])
@pytest.mark.parametrize(("v", "x"), ORDERS)
def test_bessel_functions_by_their_order(name, v, x):
    mp = pytest.importorskip("mpmath")
    function = getattr(special, name)
    with mp.workdps(30):
        factor = {"kve": mp.exp(x), "ive": mp.exp(-x)}.get(name, 1)
        exact = lambda v: (mp.besselk if "k" in name else mp.besseli)(v, x) * factor
        first, second = (float(mp.diff(exact, v, n)) for n in (1, 2))
    assert grad(function)(v, x) == pytest.approx(first, rel=1e-10)
    assert hessian(lambda v: function(v, x))(v) == pytest.approx(second, rel=1e-10)
    both = grad(lambda x: grad(function)(v, x))(x)
    assert both == pytest.approx(grad(lambda v: grad(function, 1)(v, x))(v), rel=1e-8)


def test_orders_without_a_rule():
    assert special.kv(0.3, 0.7) == special.kv(-0.3, 0.7)
    wanted = slope(special.iv, (-0.3, 0.7), 0)
    assert grad(special.iv)(-0.3, 0.7) == pytest.approx(wanted, rel=1e-8)
    assert grad(special.kv)(-0.3, 0.7) == -grad(special.kv)(0.3, 0.7)
    with pytest.raises(NotImplementedError, match="order of -1"):
        grad(special.iv)(-1.3, 0.7)
    with pytest.raises(NotImplementedError, match="complex"):
        grad(lambda v: np.real(special.kv(v, 0.7 + 1j)))(0.3)


# ---- whole numbers -------------------------------------------------------------------------------

COUNTS = {
    "betabinom": (5, 2.3, 0.63),
    "boltzmann": (1.4, 19),
    "dlaplace": (0.8,),
    "geom": (0.5,),
    "logser": (0.6,),
    "planck": (0.51,),
    "skellam": (15.0, 8.0),
    "zipf": (6.6,),
    "zipfian": (1.25, 10),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name):
    shapes, (ours, plain) = COUNTS[name], present(name)
    k = int(plain.ppf(0.6, *shapes))
    for i in [i for i, shape in enumerate(shapes) if isinstance(shape, float)]:
        for method, first in (
            ("logpmf", (k,)),
            ("cdf", (k,)),
            ("sf", (k,)),
            ("mean", ()),
            ("var", ()),
        ):
            args, place = (*first, *shapes), i + len(first)
            wanted = slope(getattr(plain, method), args, place)
            got = grad(getattr(ours, method), place)(*args)
            assert got == pytest.approx(wanted, rel=1e-6, abs=1e-8), method
        probabilities = lambda *s: plain.pmf(np.arange(-200, 400), *s)
        total = lambda *s: -onp.sum(onp.nan_to_num(p := probabilities(*s)) * onp.log(p + 1e-300))
        got = grad(ours.entropy, i)(*shapes)
        assert got == pytest.approx(slope(total, shapes, i), rel=1e-5, abs=1e-7)


def test_sums_that_are_not_scipys_are_refused():
    with pytest.raises(NotImplementedError, match="sum over pmf"):
        grad(stats.zipf.var)(3.2)  # the numbers that count are too many
    with pytest.raises(NotImplementedError, match="whole number"):
        grad(lambda n: stats.betabinom.mean(n, 2.3, 0.6))(5.0)
