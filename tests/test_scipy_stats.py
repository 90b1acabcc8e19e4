"""`fastad.scipy.stats`: SciPy's values, derivatives by value and parameters, edges, refusals."""

from __future__ import annotations

import importlib
import pickle

import numpy as onp
import pandas as pd
import pytest

scipy_stats = pytest.importorskip("scipy.stats")

import fastad.numpy as np  # noqa: E402
import fastad.scipy.stats as stats  # noqa: E402
from fastad import (  # noqa: E402
    elementwise_grad,
    grad,
    hessian,
    jacobian,
    jit,
    make_jvp,
    make_vjp,
    value_and_grad,
)
from fastad.test_util import check_grads  # noqa: E402


@pytest.fixture(autouse=True)
def _seeded():
    onp.random.seed(20260101)


# Distribution -> the interval that each shape is drawn from.
CONTINUOUS = {
    "norm": [],
    "expon": [],
    "uniform": [],
    "laplace": [],
    "logistic": [],
    "cauchy": [],
    "gamma": [(0.5, 4)],
    "chi2": [(0.5, 4)],
    "beta": [(0.5, 4), (0.5, 4)],
    "t": [(1.5, 9)],
    "lognorm": [(0.5, 1)],
    "weibull_min": [(0.6, 3)],
}
METHODS = "pdf logpdf cdf logcdf sf logsf ppf isf".split()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous(name, method, random):
    theirs = getattr(scipy_stats, name)
    function = getattr(getattr(stats, name), method)
    shapes = [random.uniform(low, high, 4) for low, high in CONTINUOUS[name]]
    loc, scale, q = random.uniform(-1, 1, 4), random.uniform(0.5, 2, 4), random.uniform(0.1, 0.9, 4)
    inverse = method in ("ppf", "isf")
    z = q if inverse else theirs.ppf(q, *shapes)
    args = [q if inverse else loc + scale * z, *shapes, loc, scale]
    for i in range(len(args)):
        onp.testing.assert_array_equal(
            make_vjp(function, i)(*args)[1], getattr(theirs, method)(*args)
        )
        check_grads(function, i, order=2)(*args)
        check_grads(function, i, order=1)(*(float(arg[0]) for arg in args))
    first = args[0][:, None]
    point, shape = float(args[0][0]), [p[0] for p in shapes]
    by_keyword = lambda s, m: function(point, *shape, scale=s, loc=m)
    check_grads(by_keyword, (0, 1), order=1)(scale[0], loc[0])
    if not inverse and theirs.support(*(s[0] for s in shapes)) == (-onp.inf, onp.inf):
        for i in range(len(args)):
            check_grads(function, i, order=1)(first, *args[1:])
    assert pickle.loads(pickle.dumps(function)) is function


DISCRETE = {
    "poisson": ([(0.5, 4)], [0]),
    "binom": ([(3, 8), (0.1, 0.9)], [1]),
    "nbinom": ([(0.7, 4), (0.1, 0.9)], [0, 1]),
    "bernoulli": ([(0.1, 0.9)], [0]),
}


@pytest.mark.parametrize("method", "pmf logpmf cdf logcdf sf logsf".split())
@pytest.mark.parametrize("name", DISCRETE)
def test_discrete(name, method, random):
    intervals, wanted = DISCRETE[name]
    shapes = [random.uniform(low, high, 4) for low, high in intervals]
    if name == "binom":
        shapes[0] = onp.array([3, 5, 8, 2])
    function = getattr(getattr(stats, name), method)
    theirs = getattr(getattr(scipy_stats, name), method)
    for k in (onp.array([0, 1, 0, 1]), onp.array([0.5, -1.0, 12.0, 1.5])):
        values = theirs(k, *shapes)
        for i in wanted:
            onp.testing.assert_array_equal(make_vjp(function, i + 1)(k, *shapes)[1], values)
            if onp.all(onp.isfinite(values)):
                check_grads(function, i + 1, order=2)(k, *shapes)
                check_grads(
                    lambda p, i=i: function(
                        k + 2, *(p if j == i else s for j, s in enumerate(shapes)), loc=2
                    ),
                    order=1,
                )(shapes[i])
            else:
                with onp.errstate(all="ignore"):
                    slopes = elementwise_grad(function, i + 1)(k, *shapes)
                assert not onp.any(onp.isnan(slopes[onp.isfinite(values)]))


# ---- several variables ---------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["pdf", "logpdf"])
def test_dirichlet(method, random):
    function, theirs = getattr(stats.dirichlet, method), getattr(scipy_stats.dirichlet, method)
    alpha = random.uniform(0.5, 3, 3)
    points = random.dirichlet(alpha, 5).T
    for x in (points[:, 0], points):
        onp.testing.assert_array_equal(make_vjp(function, 1)(x, alpha)[1], theirs(x, alpha))
        check_grads(function, 1, order=2)(x, alpha)
        check_grads(lambda x, a: function(x / np.sum(x, axis=0), a), (0, 1), order=2)(x, alpha)
    check_grads(function, (0, 1), order=2)(points[:-1], alpha)
    check_grads(stats.dirichlet.entropy, order=2)(alpha)


def symmetric(a):
    return (a + np.swapaxes(a, -1, -2)) / 2


@pytest.mark.parametrize("method", ["pdf", "logpdf"])
@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3)])
def test_multivariate_normal(method, shape, random):
    function = getattr(stats.multivariate_normal, method)
    theirs = getattr(scipy_stats.multivariate_normal, method)
    root = random.standard_normal((3, 3))
    x, mean, cov = (
        random.standard_normal(shape),
        random.standard_normal(3),
        root @ root.T + np.eye(3),
    )
    onp.testing.assert_array_equal(make_vjp(function)(x, mean, cov)[1], theirs(x, mean, cov))
    full = lambda x, m, c: function(x, m, symmetric(c))
    for i in range(3):
        check_grads(full, i, order=2)(x, mean, cov)
    check_grads(lambda x, m, c: function(x, cov=c * c, mean=m), (0, 1, 2), order=2)(x, mean, 1.3)
    diagonal = onp.array([1.0, 2.0, 0.7])
    check_grads(lambda x, m, c: function(x, m, c), (0, 1, 2), order=2)(x, mean, diagonal)
    check_grads(lambda x: function(x, mean, cov, allow_singular=True), order=2)(x)
    singular = lambda c: np.sum(function(x * 0, 0 * mean, symmetric(c), allow_singular=True))
    onp.testing.assert_allclose(
        grad(singular)(cov), grad(lambda c: np.sum(full(x * 0, 0 * mean, c)))(cov)
    )
    with pytest.raises(NotImplementedError, match="singular"):
        grad(singular)(onp.ones((3, 3)))


def test_multivariate_normal_of_one_variable_and_entropy(random):
    logpdf = stats.multivariate_normal.logpdf
    check_grads(logpdf, (0, 1, 2), order=2)(1.2, 0.3, 1.3)
    check_grads(logpdf, (0, 1, 2), order=2)(onp.array([1.2, 0.3]), 0.3, 1.3)
    check_grads(logpdf, order=2)(1.2)
    root = random.standard_normal((3, 3))
    cov = root @ root.T + onp.eye(3)
    entropy = lambda c: stats.multivariate_normal.entropy(cov=symmetric(c))
    check_grads(entropy, order=2)(cov)


@pytest.mark.parametrize(
    "function",
    [
        lambda c, x: np.sum(stats.multivariate_normal.logpdf(x, x[0], c)),
        lambda c, x: np.sum(stats.multivariate_normal.pdf(x, x[0], c)),
        lambda c, x: stats.multivariate_normal.entropy(x[0], c) * x[0, 0],
        lambda c, x: np.sum(stats.multivariate_t.logpdf(x, x[0], c, 3.0)),
        lambda c, x: np.sum(stats.multivariate_t.pdf(x, x[0], c, 3.0)),
        lambda c, x: stats.wishart.logpdf(np.eye(3) + x[0, 0] ** 2, 5.0, c),
        lambda c, x: stats.wishart.pdf(np.eye(3) + x[0, 0] ** 2, 5.0, c),
    ],
)
def test_the_lower_triangle_is_what_counts_of_a_symmetric_matrix(function, random):
    root = random.standard_normal((3, 3))
    whole = root @ root.T + 2 * onp.eye(3)
    x = random.standard_normal((4, 3))
    off = onp.triu(random.standard_normal((3, 3)), 1)
    t = random.standard_normal((3, 3))
    results = (
        lambda c: function(c, x),
        grad(lambda c: function(c, x)),
        lambda c: grad(lambda y: function(c, y))(x),
        lambda c: make_jvp(lambda c: function(c, x))(c)(t)[1],
        lambda c: make_jvp(lambda y: function(c, y))(x)(x)[1],
        lambda c: make_jvp(grad(lambda c: function(c, x)))(c)(t)[1],
        grad(lambda c: np.sum(grad(lambda c: function(c, x))(c) * t)),
    )
    for result in results:
        for call in (result, jit(result)):
            expected = [call(whole) for _ in range(3)][-1]
            onp.testing.assert_allclose(call(whole + off), expected, rtol=1e-9, atol=1e-11)


# ---- parity with autograd ------------------------------------------------------------------------

PARITY = [
    ("norm", "logpdf", (0.3, 0.1, 1.4)),
    ("norm", "logcdf", (0.3, 0.1, 1.4)),
    ("norm", "sf", (0.3, 0.1, 1.4)),
    ("beta", "logpdf", (0.3, 1.1, 1.4)),
    ("gamma", "logpdf", (0.3, 1.1)),
    ("t", "logpdf", (0.3, 4.1, 0.2, 1.4)),
    ("dirichlet", "logpdf", (onp.array([0.2, 0.3, 0.5]), onp.array([1.0, 2.0, 3.0]))),
]


@pytest.mark.parametrize(("name", "method", "args"), PARITY)
def test_agrees_with_autograd(name, method, args):
    autograd = pytest.importorskip("autograd")
    theirs = importlib.import_module(f"autograd.scipy.stats.{name}")
    for i in range(len(args)):
        expected = autograd.grad(getattr(theirs, method), i)(*args)
        got = grad(getattr(getattr(stats, name), method), i)(*args)
        onp.testing.assert_allclose(got, expected, rtol=1e-12)


def test_chi2_by_degrees_that_are_not_whole():
    # autograd gives zero for x here, and has no derivative by df.
    check_grads(stats.chi2.logpdf, (0, 1), order=2)(1.3, 2.5)


# ---- edges ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "args", "expected"),
    [
        (stats.expon.pdf, (-1.0,), 0.0),
        (stats.expon.logpdf, (-1.0,), 0.0),
        (stats.expon.pdf, (0.0,), -1.0),
        (stats.gamma.pdf, (0.0, 2.0), 1.0),
        (stats.gamma.pdf, (0.0, 1.0), -1.0),
        (stats.gamma.pdf, (0.0, 3.5), 0.0),
        (stats.chi2.pdf, (0.0, 4.0), 0.25),
        (stats.chi2.pdf, (0.0, 2.0), -0.25),
        (stats.beta.pdf, (0.0, 2.0, 3.0), 12.0),
        (stats.beta.pdf, (1.0, 2.0, 1.0), 2.0),
        (stats.beta.pdf, (1.0, 2.0, 2.0), -6.0),
        (stats.beta.cdf, (-0.5, 2.0, 2.0), 0.0),
        (stats.uniform.cdf, (0.5,), 1.0),
        (stats.uniform.cdf, (1.5,), 0.0),
        (stats.norm.logcdf, (-1e3,), 1000.000999998),
        (stats.t.cdf, (0.0, 3.0), scipy_stats.t.pdf(0, 3)),
    ],
)
def test_at_edges(function, args, expected):
    with onp.errstate(all="ignore"):
        assert grad(function)(*args) == pytest.approx(expected, rel=1e-9)


NO_SCORE = [
    ("gamma", "logpdf", (0.7, 1.0), 1 / 0.7),
    ("chi2", "logpdf", (0.7, 2.0), 0.5 / 0.7),
    ("beta", "logpdf", (0.7, 1.0, 1.0), 1 / 0.7),
    ("weibull_min", "logpdf", (0.7, 1.0), 1 / 0.7 - 1 - onp.log(0.7)),
]


@pytest.mark.parametrize(("name", "method", "args", "expected"), NO_SCORE)
def test_mixed_derivative_where_the_power_is_zero(name, method, args, expected):
    function = getattr(getattr(stats, name), method)
    for i, j in ((0, 1), (1, 0)):
        assert grad(grad(function, i), j)(*args) == pytest.approx(expected, rel=1e-14)
    check_grads(getattr(stats, name).pdf, tuple(range(len(args))), order=2)(*args)


def test_dirichlet_with_concentrations_of_one():
    x = onp.array([0.2, 0.3, 0.5])
    for function in (stats.dirichlet.logpdf, stats.dirichlet.pdf):
        on_simplex = lambda x, a: function(x / np.sum(x), a)
        check_grads(on_simplex, (0, 1), order=2)(x, onp.ones(3))
    by_x = lambda a: grad(stats.dirichlet.logpdf)(x, a)
    onp.testing.assert_allclose(jacobian(by_x)(onp.ones(3)), onp.diag(1 / x))


def test_t_at_its_centre_and_its_limit():
    mixed, density = 0.009732981649988489, 2 / onp.sqrt(3) / onp.pi
    for z in (0.0, 1e-9):
        got = hessian(lambda v: stats.t.cdf(*v))(onp.array([z, 3.0]))
        onp.testing.assert_allclose([got[0, 1], got[1, 0]], mixed, rtol=1e-12)
        onp.testing.assert_allclose(grad(stats.t.cdf, 1)(z, 3.0), z * mixed, rtol=1e-12)
    for name, sign in (("sf", -1), ("logcdf", 2), ("logsf", -2)):
        function = getattr(stats.t, name)
        assert grad(grad(function, 1), 0)(0.0, 3.0) == pytest.approx(sign * mixed, rel=1e-12)
    for name, sign in (("ppf", -1), ("isf", 1)):
        got = grad(grad(getattr(stats.t, name), 1), 0)(0.5, 3.0)
        assert got == pytest.approx(sign * mixed / density**2, rel=1e-12)
    step = (0.5 + 1e-9) - 0.5
    by_df = grad(stats.t.ppf, 1)(0.5 + 1e-9, 3.0)
    assert by_df == pytest.approx(-step * mixed / density**2, rel=1e-7)
    for df, expected in ((1e8, 4.349749991916634e-17), (1e10, 4.349749999919167e-21)):
        assert grad(stats.t.logpdf, 1)(0.7, df) == pytest.approx(expected, rel=1e-14)
    for x in (-1.2, 0.0, 0.4):
        assert grad(stats.t.logpdf)(x, onp.inf) == pytest.approx(-x, rel=1e-14)
        normal = grad(grad(stats.norm.cdf))(x)
        assert grad(grad(stats.t.cdf))(x, onp.inf) == pytest.approx(normal, rel=1e-14)


@pytest.mark.parametrize(
    ("call", "point", "expected"),
    [
        (lambda x: stats.lognorm.pdf(x, 0.7), 0.0, (0.0, 0.0)),
        (lambda x: stats.lognorm.cdf(x, 0.7), 0.0, (0.0, 0.0)),
        (lambda s: stats.lognorm.pdf(0.0, s), 0.7, (0.0, 0.0)),
        (lambda s: stats.lognorm.cdf(0.0, s), 0.7, (0.0, 0.0)),
        (lambda s: stats.lognorm.sf(0.0, s), 0.7, (0.0, 0.0)),
        (lambda x: stats.weibull_min.pdf(x, 2.0), 0.0, (2.0, 0.0)),
        (lambda x: stats.weibull_min.pdf(x, 3.0), 0.0, (0.0, 6.0)),
        (lambda x: stats.weibull_min.pdf(x, 1.0), 0.0, (-1.0, 1.0)),
        (lambda x: stats.weibull_min.cdf(x, 2.0), 0.0, (0.0, 2.0)),
        (lambda c: stats.weibull_min.pdf(0.0, c), 2.0, (0.0, 0.0)),
        (lambda c: stats.weibull_min.cdf(0.0, c), 2.0, (0.0, 0.0)),
        (lambda c: stats.weibull_min.sf(0.0, c), 2.0, (0.0, 0.0)),
        (lambda x: stats.gamma.pdf(x, 3.0), 0.0, (0.0, 1.0)),
        (lambda s: stats.gamma.pdf(0.0, 1.5, 0.0, s), 2.0, (0.0, 0.0)),
        (lambda x: stats.beta.pdf(x, 3.0, 2.0), 0.0, (0.0, 24.0)),
        (lambda m: stats.poisson.pmf(0, m), 0.0, (-1.0, 1.0)),
        (lambda m: stats.poisson.pmf(1, m), 0.0, (1.0, -2.0)),
        (lambda m: stats.poisson.pmf(2, m), 0.0, (0.0, 1.0)),
        (lambda p: stats.binom.pmf(1, 5, p), 0.0, (5.0, -40.0)),
        (lambda p: stats.binom.pmf(4, 5, p), 1.0, (-5.0, -40.0)),
        (lambda p: stats.binom.pmf(2, 5, p), 0.0, (0.0, 20.0)),
        (lambda p: stats.bernoulli.pmf(1, p), 0.0, (1.0, 0.0)),
        (lambda p: stats.bernoulli.pmf(0, p), 1.0, (-1.0, 0.0)),
        (lambda p: stats.nbinom.pmf(1, 2.5, p), 1.0, (-2.5, -12.5)),
    ],
)
def test_derivatives_at_ends(call, point, expected):
    with onp.errstate(all="ignore"):
        assert (grad(call)(point), grad(grad(call))(point)) == pytest.approx(expected, rel=1e-12)


def test_mixed_derivatives_at_ends():
    # x^2 exp(-x / s) / (2 s^3), x exp(-x / s) / s^2 and their like.
    by_scale = lambda a: grad(grad(lambda x, s: stats.gamma.pdf(x, a, 0.0, s), 1), 0)(0.0, 2.0)
    assert by_scale(2.0) == pytest.approx(-2 / 2.0**3)
    assert by_scale(3.0) == 0.0
    by_loc = lambda a: grad(grad(lambda x, m: stats.gamma.pdf(x, a, m), 1), 0)(0.0, 0.0)
    assert by_loc(3.0) == pytest.approx(-1.0)
    with onp.errstate(all="ignore"):
        assert grad(stats.beta.pdf, 2)(0.0, 1.0, 3.0) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda p: stats.poisson.logcdf(-1, p),
        lambda p: stats.poisson.logsf(-1, p),
        lambda p: stats.binom.logcdf(-1, 5, p),
        lambda p: stats.binom.logsf(5, 5, p),
        lambda p: stats.nbinom.logcdf(-2, 3.0, p),
        lambda p: stats.bernoulli.logsf(1, p),
        lambda p: stats.beta.logcdf(-0.5, 1 + p, 2.0),
        lambda p: stats.beta.logsf(1.5, 2.0, p),
        lambda p: stats.expon.logcdf(-p),
        lambda p: stats.uniform.logsf(1 + p),
    ],
)
def test_constant_logarithms(call):
    with onp.errstate(all="ignore"):
        assert (grad(call)(0.3), grad(grad(call))(0.3)) == (0.0, 0.0)


@pytest.mark.parametrize(("method", "sign"), [("logcdf", -1), ("logsf", 1)])
def test_normal_tails(method, sign):
    function = getattr(stats.norm, method)
    for x in (1e4, 1e8):
        assert grad(function)(sign * x) == pytest.approx(-sign * x, rel=1e-7)
        assert grad(grad(function))(sign * x) == pytest.approx(-1.0, rel=1e-7)
    with onp.errstate(all="ignore"):
        assert grad(grad(function))(-sign * 40.0) == 0.0


@pytest.mark.skipif(not hasattr(scipy_stats, "Covariance"), reason="SciPy before 1.10")
@pytest.mark.parametrize("method", ["pdf", "logpdf"])
def test_multivariate_normal_takes_covariances_of_every_kind(method):
    of = scipy_stats.Covariance
    x, mean = onp.array([[0.3, -1.1], [1.7, 0.2]]), onp.array([0.4, 0.1])
    covs = [
        of.from_diagonal([1.0, 2.0]),
        of.from_cholesky([[1.0, 0.0], [0.3, 2.0]]),
        of.from_precision([[1.0, 0.2], [0.2, 2.0]]),
        pd.DataFrame([[1.0, 0.3], [0.3, 2.0]]),
        None,
    ]
    theirs, ours = (getattr(p.multivariate_normal, method) for p in (scipy_stats, stats))
    for cov in covs:
        onp.testing.assert_allclose(
            value_and_grad(lambda m: np.sum(ours(x, m, cov)))(mean)[0],
            np.sum(theirs(x, mean, cov)),
            rtol=1e-14,
        )
        check_grads(lambda m: ours(x, m, cov))(mean)
        check_grads(lambda x: ours(x, mean, cov))(x)
        check_grads(lambda m: getattr(stats.multivariate_normal(m, cov), method)(x))(mean)
    singular = of.from_eigendecomposition(([1.0, 0.0], onp.eye(2)))  # its support is a line
    on = x * [1, 0] + mean * [0, 1]
    onp.testing.assert_allclose(theirs(on, mean, singular), ours(on, mean, singular))
    found = grad(lambda m: np.sum(stats.multivariate_normal.logpdf(on, m, singular)))(mean)
    onp.testing.assert_allclose(found, [np.sum(on[:, 0] - mean[0]), 0.0], atol=1e-15)


def test_multivariate_normal_repeats_a_coordinate():
    mean, cov = onp.array([0.3, 0.1]), onp.array([[1.0, 0.2], [0.2, 2.0]])
    for name in ("logpdf", "pdf"):
        function = getattr(stats.multivariate_normal, name)
        theirs = getattr(scipy_stats.multivariate_normal, name)
        for x in (0.7, onp.array([0.7]), onp.array([[0.7], [0.8]])):
            value = make_vjp(function)(x, mean, cov)[1]
            onp.testing.assert_array_equal(value, theirs(x, mean, cov))
            full = lambda x, m, c: function(x, m, symmetric(c))
            check_grads(full, (0, 1, 2), order=2)(x, mean, cov)


# ---- refusals and errors -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "method", "args", "options"),
    [
        ("norm", "pdf", (1.0, 0.0, 1.0, 2.0), {}),
        ("gamma", "pdf", (1.0,), {}),
        ("gamma", "pdf", (1.0, 2.0), {"foo": 3}),
        ("norm", "logpdf", (onp.ones(2), onp.ones(3)), {}),
        ("multivariate_normal", "pdf", (onp.ones(2), onp.ones(2), -onp.eye(2)), {}),
        ("multivariate_normal", "pdf", (onp.ones(2), onp.ones(2), onp.eye(3)), {}),
        ("multivariate_normal", "logpdf", (onp.ones(2), onp.ones((2, 2))), {}),
        ("dirichlet", "logpdf", (onp.ones(2), onp.ones(2)), {}),
        ("dirichlet", "pdf", (onp.array([0.5, 0.5]), -onp.ones(2)), {}),
    ],
)
def test_scipys_own_error(name, method, args, options):
    with pytest.raises(Exception) as expected:
        getattr(getattr(scipy_stats, name), method)(*args, **options)
    function = getattr(getattr(stats, name), method)
    with pytest.raises(type(expected.value)) as got:
        make_vjp(lambda x: function(x, *args[1:], **options))(args[0])
    assert str(got.value) == str(expected.value)
    assert grad(stats.norm.logpdf)(1.0) == -1.0


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("interval", lambda x: stats.poisson.interval(0.5, x)[0]),
        ("entropy", lambda x: stats.poisson.entropy(x)),
        ("rvs", lambda x: stats.norm(x, 1.0).rvs(3)),
        ("cauchy", lambda x: stats.cauchy([x], 1.0).mean()),
        ("poisson", lambda k: stats.poisson.pmf(k, 2.0)),
        ("cdf", lambda x: stats.multivariate_normal.cdf(x * onp.ones(2), onp.zeros(2))),
    ],
)
def test_without_rule(name, call):
    with pytest.raises(NotImplementedError, match=name):
        grad(call)(2.0)


SUMMARIES = [
    *((name, method) for name in CONTINUOUS for method in ("mean", "var", "std", "entropy")),
    *((name, "median") for name in CONTINUOUS),
    *((name, method) for name in DISCRETE for method in ("mean", "var", "std")),
    ("bernoulli", "entropy"),
]
SUMMARIES = [pair for pair in SUMMARIES if pair[0] != "cauchy" or pair[1] in ("entropy", "median")]


@pytest.mark.filterwarnings("ignore:Output seems independent of input")
@pytest.mark.parametrize(("name", "method"), SUMMARIES)
def test_summaries(name, method, random):
    discrete = name in DISCRETE
    intervals, wanted = DISCRETE[name] if discrete else (CONTINUOUS[name], None)
    shapes = [random.uniform(low, high, 3) for low, high in intervals]
    if name == "binom":
        shapes[0] = onp.array([3, 5, 8])
    elif name == "t":
        shapes[0] = shapes[0] + 1
    args = [*shapes, random.uniform(-1, 1, 3)]
    args += [] if discrete else [random.uniform(0.5, 2, 3)]
    function = getattr(getattr(stats, name), method)
    theirs = getattr(getattr(scipy_stats, name), method)
    for i in range(len(args)) if wanted is None else wanted:
        onp.testing.assert_array_equal(make_vjp(function, i)(*args)[1], theirs(*args))
        check_grads(function, i, order=2)(*args)
        check_grads(function, i, order=1)(*(float(arg[0]) for arg in args))
    if not discrete:
        shape = [float(arg[0]) for arg in shapes]
        check_grads(lambda s: function(*shape, scale=s), order=1)(1.3)


def test_frozen_distributions():
    frozen = lambda x, m, s: stats.norm(m, scale=s).logpdf(x)
    assert grad(frozen, (0, 1, 2))(1.2, 0.3, 1.4) == grad(stats.norm.logpdf, (0, 1, 2))(
        1.2, 0.3, 1.4
    )
    gamma = lambda a: stats.gamma(a, 0.1).cdf(1.3) + stats.gamma(a).mean() + stats.gamma(a).median()
    check_grads(gamma, order=2)(1.7)
    check_grads(lambda p: stats.binom(5, p).logpmf(2), order=2)(0.3)
    normal = stats.norm(0.0, 2.0)
    assert normal.interval(0.5) == scipy_stats.norm(0.0, 2.0).interval(0.5)
    assert normal.rvs(random_state=1) == scipy_stats.norm(0.0, 2.0).rvs(random_state=1)
    assert (normal.args, normal.kwds) == ((0.0, 2.0), {})
    assert not hasattr(normal, "pmf")
    with pytest.raises(TypeError):
        stats.gamma()


def test_frozen_distributions_of_several_variables(random):
    mean, cov = random.standard_normal(2), onp.array([[1.0, 0.2], [0.2, 2.0]])
    x = random.standard_normal((3, 2))
    normal = lambda x, m, c: stats.multivariate_normal(m, cov=symmetric(c)).logpdf(x)
    check_grads(normal, (0, 1, 2), order=2)(x, mean, cov)
    check_grads(lambda c: stats.multivariate_normal(mean, symmetric(c), seed=1).entropy())(cov)
    flat = stats.multivariate_normal(mean, onp.ones((2, 2)), True)
    check_grads(lambda t: flat.pdf(mean + t), order=1)(0.3)
    check_grads(lambda a: stats.dirichlet(a).logpdf([0.2, 0.3, 0.5]), order=2)(onp.ones(3))
    for name in ("mean", "var"):
        function, theirs = getattr(stats.dirichlet, name), getattr(scipy_stats.dirichlet, name)
        alpha = onp.array([1.2, 0.3, 2.0])
        onp.testing.assert_array_equal(make_vjp(function)(alpha)[1], theirs(alpha))
        check_grads(function, order=2)(alpha)
        check_grads(lambda a: getattr(stats.dirichlet(a, seed=3), name)(), order=1)(alpha)


def test_logpdf_by_formula():
    """Values are SciPy's to the bit, also where the formula on traced values is not the way."""
    x = onp.array([0.3, -2.0, 1e200, onp.inf, onp.nan])
    for name, shapes in (("norm", ()), ("t", (2.4,)), ("t", (onp.inf,)), ("t", (-1.0,))):
        function = getattr(stats, name).logpdf
        theirs = getattr(scipy_stats, name).logpdf
        for args in ((x,), (x, 0.4), (x, 0.4, 1.3), (x, 0.4, -1.0), (x, 0, 2), (x[0], 0.4, 1.3)):
            args = (args[0], *shapes, *args[1:])
            with onp.errstate(all="ignore"):
                got = make_vjp(function)(*args)[1]
                onp.testing.assert_array_equal(got, theirs(*args))
                assert type(got) is type(theirs(*args))
    single = onp.float32(0.3)
    assert make_vjp(stats.norm.logpdf)(single)[1] == scipy_stats.norm.logpdf(single)
    # Far out the square overflows, and the slope does not.
    assert grad(stats.t.logpdf)(1e200, 2.0) == pytest.approx(-3e-200, rel=1e-12)
    assert grad(lambda s: stats.norm.logpdf(0.3, scale=s))(2.0) == pytest.approx(0.09 / 8 - 0.5)


def test_plain_calls_are_scipys():
    assert stats.norm.mean(3.0) == 3.0
    assert stats.spearmanr is scipy_stats.spearmanr
    onp.testing.assert_array_equal(
        stats.poisson.rvs(2.0, size=3, random_state=1),
        scipy_stats.poisson.rvs(2.0, size=3, random_state=1),
    )


@pytest.mark.parametrize("name", ["norm", "t", "gamma", "beta", "poisson"])
def test_what_is_not_given_stands_at_its_default(name):
    ours, theirs = getattr(stats, name), getattr(scipy_stats, name)
    method = "logpmf" if name == "poisson" else "logpdf"
    x = 2.0 if name == "poisson" else onp.array([0.3, 0.6])
    shapes = [1.5, 2.5][: theirs.numargs]
    tail = [0.1] if name == "poisson" else [0.1, 2.0]
    for count in range(len(tail) + 1):
        args = (x, *shapes, *tail[:count]) if name != "poisson" else (x, *shapes)
        value, expected = getattr(ours, method)(*args), getattr(theirs, method)(*args)
        onp.testing.assert_array_equal(value, expected)
    if shapes:
        for call in (getattr(ours, method), getattr(theirs, method)):
            with pytest.raises(TypeError):
                call(x)
        with pytest.raises(TypeError):
            grad(lambda x: np.sum(getattr(ours, method)(x)))(onp.array([0.3, 0.6]))
    with pytest.raises(TypeError):
        getattr(ours, method)(x, *shapes, 0.0, 1.0, 2.0, 3.0)
