"""`fastad.scipy.stats`: SciPy's values, derivatives by value and parameters, edges, refusals."""

from __future__ import annotations

import importlib
import pickle

import numpy as onp
import pytest

scipy_stats = pytest.importorskip("scipy.stats")

import fastad.numpy as np  # noqa: E402
import fastad.scipy.stats as stats  # noqa: E402
from fastad import elementwise_grad, grad, make_vjp  # noqa: E402
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
    with pytest.raises(NotImplementedError, match="singular"):
        grad(lambda c: np.sum(function(x, mean, c, allow_singular=True)))(cov)


def test_multivariate_normal_of_one_variable_and_entropy(random):
    logpdf = stats.multivariate_normal.logpdf
    check_grads(logpdf, (0, 1, 2), order=2)(1.2, 0.3, 1.3)
    check_grads(logpdf, (0, 1, 2), order=2)(onp.array([1.2, 0.3]), 0.3, 1.3)
    check_grads(logpdf, order=2)(1.2)
    root = random.standard_normal((3, 3))
    cov = root @ root.T + onp.eye(3)
    entropy = lambda c: stats.multivariate_normal.entropy(cov=symmetric(c))
    check_grads(entropy, order=2)(cov)


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
        ("entropy", lambda x: stats.norm.entropy(x, 1.0)),
        ("poisson", lambda k: stats.poisson.pmf(k, 2.0)),
        ("cdf", lambda x: stats.multivariate_normal.cdf(x * onp.ones(2), onp.zeros(2))),
    ],
)
def test_without_rule(name, call):
    with pytest.raises(NotImplementedError, match=name):
        grad(call)(2.0)


def test_plain_calls_are_scipys():
    assert stats.norm.mean(3.0) == 3.0
    assert stats.zscore is scipy_stats.zscore
    onp.testing.assert_array_equal(
        stats.poisson.rvs(2.0, size=3, random_state=1),
        scipy_stats.poisson.rvs(2.0, size=3, random_state=1),
    )
