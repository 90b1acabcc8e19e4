"""`fastad.scipy.stats` by SciPy's own formulas, and families of several variables."""

from __future__ import annotations

import pickle

import numpy as onp
import pytest

scipy_stats = pytest.importorskip("scipy.stats")

import fastad.numpy as np  # noqa: E402
import fastad.scipy.stats as stats  # noqa: E402
from fastad import elementwise_grad, grad, hessian, jit, make_jvp, make_vjp  # noqa: E402
from fastad.scipy.stats import formulas  # noqa: E402
from fastad.test_util import check_grads  # noqa: E402

NAMED = {
    "gumbel_r": (),
    "gumbel_l": (),
    "pareto": (2.6,),
    "truncnorm": (-1.2, 2.0),
    "skewnorm": (1.7,),
    "invgamma": (4.1,),
    "f": (5.3, 7.2),
    "halfnorm": (),
    "rayleigh": (),
    "vonmises": (1.9,),
    "exponnorm": (0.7,),
    "laplace_asymmetric": (1.3,),
}
# Formulas of the others that SciPy 1.17 has and that run on traced values, with their shapes.
OTHERS = {
    "alpha": (3.6,),
    "anglit": (),
    "arcsine": (),
    "argus": (1.0,),
    "bradford": (0.3,),
    "burr12": (10.0, 4.0),
    "chi": (4.2,),
    "crystalball": (2.0, 3.0),
    "dgamma": (1.1,),
    "erlang": (4.0,),
    "exponpow": (2.7,),
    "exponweib": (2.9, 1.9),
    "fatiguelife": (2.9,),
    "foldcauchy": (4.7,),
    "foldnorm": (1.9,),
    "genexpon": (9.1, 16.2, 3.3),
    "genlogistic": (0.4,),
    "gompertz": (0.9,),
    "halfcauchy": (),
    "halflogistic": (),
    "hypsecant": (),
    "invgauss": (0.4,),
    "invweibull": (10.6,),
    "johnsonsb": (4.3, 3.2),
    "johnsonsu": (2.5, 2.2),
    "levy": (),
    "loggamma": (0.4,),
    "loguniform": (0.01, 1.2),
    "lomax": (1.9,),
    "maxwell": (),
    "mielke": (10.4, 4.6),
    "moyal": (),
    "nakagami": (4.9,),
    "powerlaw": (1.7,),
    "powernorm": (4.4,),
    "rice": (0.8,),
    "semicircular": (),
    "truncexpon": (4.7,),
    "truncweibull_min": (2.5, 0.2, 1.8),
    "wald": (),
    "weibull_max": (2.2,),
}
# Formulas written here, since SciPy's take plain values only.
WRITTEN = {
    "burr": (10.5, 4.3),
    "fisk": (3.1,),
    "genextreme": (-0.1,),
    "gengamma": (4.4, 3.1),
    "genpareto": (0.1,),
    "gibrat": (),
    "pearson3": (0.7,),
    "triang": (0.16,),
    "truncpareto": (2.0, 5.3),
}
OTHERS |= WRITTEN
METHODS = "pdf logpdf cdf sf logcdf logsf ppf isf".split()


def arguments(name, shapes, method):
    q = onp.array([0.2, 0.45, 0.85])
    if method in ("ppf", "isf"):
        return [q, *shapes, 0.3, 1.7]
    return [0.3 + 1.7 * getattr(scipy_stats, name).ppf(q, *shapes), *shapes, 0.3, 1.7]


def differences(function, i, args):
    """Central differences by argument i, and a bound for their error."""
    steps = []
    for h in (1e-4, 2e-4):
        x = args[i]
        h = h * max(1.0, float(onp.max(onp.abs(x))))
        ends = [function(*args[:i], x + s * h, *args[i + 1 :]) for s in (1, -1)]
        steps.append((ends[0] - ends[1]) / (2 * h))
    return (4 * steps[0] - steps[1]) / 3


@pytest.mark.parametrize("name", [*NAMED, *OTHERS])
def test_first_order(name):
    shapes = {**NAMED, **OTHERS}[name]
    for method in METHODS:
        function, theirs = (getattr(getattr(m, name), method) for m in (stats, scipy_stats))
        args = arguments(name, shapes, method)
        for i in range(len(args)):
            value, got = make_jvp(function, i)(*args)(onp.ones_like(args[i])[()])
            onp.testing.assert_array_equal(value, theirs(*args))
            wanted = differences(theirs, i, args)
            onp.testing.assert_allclose(got, wanted, rtol=2e-6, atol=1e-8, err_msg=f"{method} {i}")
            back = grad(lambda x, *a: np.sum(function(*a[:i], x, *a[i:])))(
                args[i], *args[:i], *args[i + 1 :]
            )
            onp.testing.assert_allclose(onp.sum(back), onp.sum(got), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", NAMED)
def test_named_families(name):
    shapes = NAMED[name]
    for method in METHODS:
        function = getattr(getattr(stats, name), method)
        args = arguments(name, shapes, method)
        for i in range(len(args)):
            check_grads(function, i, order=2)(*args)
        assert pickle.loads(pickle.dumps(function)) is function
    frozen = getattr(stats, name)(*shapes, loc=0.3, scale=1.7)
    x = arguments(name, shapes, "pdf")[0]
    onp.testing.assert_allclose(
        elementwise_grad(frozen.logpdf)(x),
        elementwise_grad(getattr(stats, name).logpdf)(x, *shapes, 0.3, 1.7),
    )
    assert grad(lambda s: getattr(stats, name).median(*shapes, scale=s))(2.0) == pytest.approx(
        scipy_stats.__dict__[name].median(*shapes), abs=1e-12
    )


@pytest.mark.filterwarnings("ignore:jit")  # of which entries there are, no program can be kept
def test_formulas_that_choose_by_a_condition():
    # The power law is below -beta, the bell above: entries of both, of one, and a number.
    logpdf = stats.crystalball.logpdf
    jitted = jit(lambda x, beta: elementwise_grad(stats.crystalball.logpdf, 1)(x, beta, 3.0))
    beta = 1.5
    for x in (onp.array([[-4.0, -1.0], [-1.6, 0.5]]), onp.array([0.1, 0.2]), onp.float64(-2.0)):
        check_grads(lambda x, b, m: logpdf(x, b, m), (0, 1, 2), order=2)(x, beta, 3.0)
        slopes = elementwise_grad(logpdf, 1)(x, beta + 0 * x, 3.0)
        wanted = differences(scipy_stats.crystalball.logpdf, 1, [x, beta + 0 * x, 3.0])
        onp.testing.assert_allclose(slopes, wanted, rtol=1e-6)
    for shift in onp.linspace(-3.0, 3.0, 7):  # the entries change sides
        x = onp.array([-4.0, -1.6, -1.0, 0.5]) + shift
        onp.testing.assert_allclose(
            jitted(x, onp.full(4, beta)),
            elementwise_grad(logpdf, 1)(x, onp.full(4, beta), 3.0),
        )
    # At single points SciPy's formula has a value and no slope: by nc at 0 it is not 0.
    ratio = scipy_stats.chi2.pdf(1.0, 5.0) / scipy_stats.chi2.pdf(1.0, 3.0)
    slope = grad(lambda nc: stats.ncx2.logpdf(1.0, 3.0, nc))(0.0)
    assert slope == pytest.approx((ratio - 1) / 2, rel=1e-12)
    # A constant near c = 0 stands for a limit.
    with pytest.raises(NotImplementedError, match="genextreme"):
        grad(stats.genextreme.var)(1e-9)


def test_a_constant_that_a_formula_has_for_a_limit_is_refused():
    """SciPy 1.11 has some by `where`: the variance of genextreme near c = 0."""
    x = onp.array([1e-9, 0.5])
    for constant in (0.0, 1, onp.inf, onp.nan):  # outside of the support
        by_x = grad(lambda x: np.sum(formulas.where(x < 0.1, constant, x**2)))(x)
        assert by_x.tolist() == [0.0, 1.0]
    for constant in (onp.pi**2 / 6, -0.5):
        for order in (1, -1):
            with pytest.raises(NotImplementedError, match="constant"):
                grad(lambda x: np.sum(formulas.where(x < 0.1, *(constant, x**2)[::order])))(x)
        assert formulas.where(x < 0.1, constant, x).tolist() == [constant, 0.5]


def test_of_arrays_and_outside_of_the_support():
    # Beyond its ends the density is constant; the ends of pareto and truncnorm are where they are.
    x, b = onp.array([[-1.0], [1.5], [3.0]]), onp.array([1.2, 2.5])
    slopes = elementwise_grad(stats.pareto.pdf)(x, b)
    assert onp.all(slopes[0] == 0)
    check_grads(lambda b: stats.pareto.logpdf(x[1:], b), order=2)(b)
    onp.testing.assert_allclose(
        grad(lambda a: np.sum(stats.truncnorm.cdf(onp.array([-3.0, 0.5, 9.0]), a, 1.0)))(-2.0),
        differences(lambda a: scipy_stats.truncnorm.cdf(0.5, a, 1.0), 0, [-2.0]),
        rtol=1e-7,
    )
    # At an end the slope from inside: of b / x^(b + 1) it is -b (b + 1).
    assert grad(stats.pareto.pdf)(1.0, 2.5) == pytest.approx(-2.5 * 3.5)
    assert grad(stats.halfnorm.pdf)(0.0) == 0
    assert grad(stats.rayleigh.logpdf)(-1.0) == 0
    # One end only.
    check_grads(lambda a: stats.truncnorm.logpdf(0.5, a, onp.inf), order=2)(-0.7)
    check_grads(lambda a: stats.truncnorm.logpdf(8.5, a, onp.inf), order=2)(8.0)


def test_in_the_tails():
    # phi(z) / M for the mass M beyond 8; the slope of the logarithm by the end is its hazard.
    mpmath = pytest.importorskip("mpmath")
    hazard = mpmath.npdf(8) / mpmath.ncdf(-8)
    got = grad(lambda a: stats.truncnorm.logpdf(8.5, a, onp.inf))(8.0)
    assert got == pytest.approx(float(hazard), rel=1e-12)
    got = grad(lambda a: stats.skewnorm.logpdf(-9.0, a))(2.0)
    expected = -9 * mpmath.npdf(-18) / mpmath.ncdf(-18)
    assert got == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize(
    ("name", "method", "args"),
    [
        ("gumbel_r", "mean", ()),
        ("gumbel_r", "entropy", ()),
        ("pareto", "var", (4.6,)),
        ("invgamma", "mean", (4.1,)),
        ("rayleigh", "std", ()),
        ("f", "var", (5.3, 7.2)),
    ],
)
def test_summaries(name, method, args):
    function = getattr(getattr(stats, name), method)
    full = (*args, 0.3, 1.7)
    for i in range(len(full)):
        theirs = getattr(getattr(scipy_stats, name), method)
        assert make_vjp(function, i)(*full)[1] == theirs(*full)
        check_grads(function, i, order=1)(*full)


def test_discrete():
    k = onp.array([1, 2, 5])
    for method in ("pmf", "logpmf", "cdf", "sf", "logsf"):
        function, theirs = (getattr(m.geom, method) for m in (stats, scipy_stats))
        onp.testing.assert_array_equal(make_vjp(function, 1)(k, 0.3)[1], theirs(k, 0.3))
        check_grads(function, 1, order=2)(k, 0.3)
        onp.testing.assert_allclose(
            make_jvp(function, 1)(k, 0.3)(1.0)[1], differences(theirs, 1, [k, 0.3]), rtol=1e-6
        )
    check_grads(lambda m: stats.planck.logpmf(k, m), order=1)(0.6)
    check_grads(lambda a, b: stats.betabinom.logpmf(k, 6, a, b), (0, 1), order=1)(1.2, 2.3)
    assert stats.hypergeom.logpmf(2, 20, 7, 12) == scipy_stats.hypergeom.logpmf(2, 20, 7, 12)
    with pytest.raises(NotImplementedError, match=r"hypergeom\.logpmf"):
        grad(lambda m: stats.hypergeom.logpmf(2, m, 7, 12))(20.0)


# ---- several variables ---------------------------------------------------------------------------

SCALE = onp.array([[1.5, 0.3], [0.3, 0.8]])


def symmetric(a):
    return (a + a.T) / 2


@pytest.mark.parametrize("method", ["pdf", "logpdf"])
def test_multivariate_t(method, random):
    function, theirs = (getattr(m.multivariate_t, method) for m in (stats, scipy_stats))
    for x in (random.standard_normal(2), random.standard_normal((4, 2))):
        args = (x, onp.array([0.2, -0.4]), SCALE, 3.7)
        onp.testing.assert_array_equal(make_vjp(function)(*args)[1], theirs(*args))
        by = lambda x, loc, shape, df: function(x, loc, symmetric(shape), df)
        check_grads(by, (0, 1, 2, 3), order=2)(*args)
    assert grad(lambda x: function(x, df=2.5))(0.7) == pytest.approx(
        grad(getattr(stats.t, method))(0.7, 2.5)
    )
    frozen = lambda df: stats.multivariate_t([0.1, 0.2], SCALE, df=df).logpdf([0.3, 0.4])
    check_grads(frozen, order=2)(3.0)
    normal = grad(lambda x: function(x, [0.0, 0.0], SCALE, onp.inf))(onp.ones(2))
    onp.testing.assert_allclose(
        normal,
        grad(lambda x: getattr(stats.multivariate_normal, method)(x, cov=SCALE))(onp.ones(2)),
    )
    with pytest.raises(NotImplementedError, match="allow_singular"):
        grad(lambda x: function(x, [0.0, 0.0], SCALE, 3.0, True))(onp.ones(2))


@pytest.mark.parametrize("method", ["pdf", "logpdf"])
def test_wishart(method, random):
    function, theirs = (getattr(m.wishart, method) for m in (stats, scipy_stats))
    x = onp.array([[2.0, 0.4], [0.4, 1.1]])
    by = lambda x, df, scale: function(symmetric(x), df, symmetric(scale))
    onp.testing.assert_array_equal(make_vjp(by)(x, 4.2, SCALE)[1], theirs(x, 4.2, SCALE))
    check_grads(by, (0, 1, 2), order=2)(x, 4.2, SCALE)
    many = onp.stack([x, 2 * x, x + onp.eye(2)], axis=-1)
    stacked = lambda x, df, scale: function((x + np.swapaxes(x, 0, 1)) / 2, df, symmetric(scale))
    onp.testing.assert_array_equal(make_vjp(stacked)(many, 4.2, SCALE)[1], theirs(many, 4.2, SCALE))
    check_grads(stacked, (0, 1, 2), order=1)(many, 4.2, SCALE)
    # Of one variable it is a gamma distribution.
    one = grad(lambda x: function(x, 3.0, 2.0))(1.7)
    assert one == pytest.approx(grad(getattr(stats.gamma, method))(1.7, 1.5, scale=4.0))


@pytest.mark.parametrize("method", ["pmf", "logpmf"])
def test_multinomial(method):
    function, theirs = (getattr(m.multinomial, method) for m in (stats, scipy_stats))
    weights = onp.array([0.2, 0.3, 1.1])
    for x in (onp.array([2, 0, 3]), onp.array([[2, 0, 3], [1, 1, 3]])):
        by = lambda w, x=x: function(x, 5, w / np.sum(w))
        onp.testing.assert_allclose(
            make_vjp(by)(weights)[1], theirs(x, 5, weights / onp.sum(weights)), rtol=1e-15
        )
        check_grads(by, order=2)(weights)
    frozen = lambda p: stats.multinomial(3, np.array([p, 1 - p])).logpmf([1, 2])
    assert grad(frozen)(0.3) == pytest.approx(1 / 0.3 - 2 / 0.7)
    with pytest.raises(NotImplementedError, match="whole numbers"):
        grad(lambda x: function([x, 1.0], 2, [0.5, 0.5]))(1.0)


# ---- what has no rule ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("levy_stable.logpdf", lambda x: stats.levy_stable.logpdf(x, 1.5, 0.3)),
        ("studentized_range", lambda k: stats.studentized_range.cdf(2.0, k, onp.inf)),
        ("matrix_normal.logpdf", lambda x: stats.matrix_normal.logpdf(x * onp.ones((2, 2)))),
        ("invwishart", lambda x: stats.invwishart(3, x * onp.eye(2)).logpdf(onp.eye(2))),
        ("gumbel_r", lambda x: stats.gumbel_r.rvs(x)),
    ],
)
def test_without_rule(name, call):
    with pytest.raises(NotImplementedError, match=name):
        grad(call)(2.0)


def test_plain_calls_are_scipys():
    assert stats.levy_stable.pdf(0.2, 1.5, 0.3) == scipy_stats.levy_stable.pdf(0.2, 1.5, 0.3)
    assert stats.gumbel_r.mean() == scipy_stats.gumbel_r.mean()
    zeros = onp.zeros((2, 2))
    found = [m.matrix_normal.logpdf(onp.eye(2), zeros) for m in (stats, scipy_stats)]
    assert found[0] == found[1]
    assert stats.kendalltau is scipy_stats.kendalltau
    with pytest.raises(AttributeError, match="no_distribution"):
        _ = stats.no_distribution


EDGES = {
    "genpareto": [(0.0,), (-0.3,), (1e-9,), (0.02,)],
    "genextreme": [(0.0,), (0.3,), (-1e-9,), (-0.02,)],
    "gengamma": [(2.3, -1.7)],
    "pearson3": [(0.0,), (-0.8,), (1e-4,)],
    "triang": [(0.9,), (0.3,)],
}


@pytest.mark.parametrize(
    ("name", "shapes"), [(name, one) for name, several in EDGES.items() for one in several]
)
def test_written_formulas_where_scipys_branch(name, shapes):
    """Value and slope by each shape, of both orders, also at and beside the limits."""
    q = onp.array([0.25, 0.6])
    z = getattr(scipy_stats, name).ppf(q, *shapes)
    for method in ("logpdf", "cdf", "sf"):
        function, theirs = (getattr(getattr(m, name), method) for m in (stats, scipy_stats))
        for i in range(1, len(shapes) + 1):
            args = [z, *shapes]
            assert (function(*args) == theirs(*args)).all()
            got = make_jvp(function, i)(*args)(1.0)[1]
            # Away from the point that SciPy has apart, and symmetric about it.
            steps = [
                (
                    theirs(*args[:i], args[i] + h, *args[i + 1 :])
                    - theirs(*args[:i], args[i] - h, *args[i + 1 :])
                )
                / (2 * h)
                for h in (1e-3, 2e-3)
            ]
            expected = (4 * steps[0] - steps[1]) / 3
            # SciPy's own values have errors of 1e-9 near the normal limit of pearson3.
            rough = name == "pearson3" and abs(shapes[0]) < 1e-2
            onp.testing.assert_allclose(got, expected, rtol=3e-5 if rough else 1e-6, atol=1e-7)
            slope = lambda v: make_jvp(function, i)(*args[:i], v, *args[i + 1 :])(1.0)[1]
            second = (slope(args[i] + 1e-3) - slope(args[i] - 1e-3)) / 2e-3
            again = make_jvp(slope)(args[i])(1.0)[1]
            onp.testing.assert_allclose(again, second, rtol=1e-3, atol=1e-4)


def test_pearson3_at_the_normal_distribution():
    """By Edgeworth's series the score is He3 / 6, the slope of the distribution -He2 phi / 6."""
    z = onp.array([-2.0, -0.3, 1.1])
    score = make_jvp(lambda s: stats.pearson3.logpdf(z, s))(0.0)(1.0)[1]
    onp.testing.assert_allclose(score, (z**3 - 3 * z) / 6, rtol=1e-13)
    slope = make_jvp(lambda s: stats.pearson3.cdf(z, s))(0.0)(1.0)[1]
    density = scipy_stats.norm.pdf(z)
    onp.testing.assert_allclose(slope, -(z * z - 1) / 6 * density, rtol=1e-11, atol=1e-13)
    for skew in (0.0999, -0.0999):  # on both sides of where the integral takes over
        f = make_jvp(lambda s: stats.pearson3.cdf(z, s))
        beside = f(1.01 * skew)(1.0)[1] - f(skew)(1.0)[1]
        second = make_jvp(lambda s: f(s)(1.0)[1])(skew)(1.0)[1]
        onp.testing.assert_allclose(beside, 0.01 * skew * second, rtol=0.05, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "shapes", "counts"),
    [
        ("dlaplace", (0.8,), (-3.0, -1.0, 0.0, 2.0)),
        ("boltzmann", (1.4, 19.0), (-1.0, 0.0, 5.0, 18.0, 19.0)),
        ("geom", (0.4,), (0.0, 1.0, 4.0)),
        ("logser", (0.6,), (0.0, 1.0, 4.0)),
        ("planck", (0.5,), (-1.0, 0.0, 4.0)),
    ],
)
def test_discrete_families_begin_where_they_begin(name, shapes, counts):
    """Numbers below zero have a probability in some, zero has none in others."""
    family, theirs = getattr(stats, name), getattr(scipy_stats, name)
    compared = 0
    for method in ("pmf", "logpmf", "cdf", "sf", "logcdf", "logsf"):
        for k in counts:
            value = getattr(theirs, method)(k, *shapes)
            for i in range(len(shapes)):
                function = getattr(family, method)
                try:
                    slope = grad(function, i + 1)(k, *shapes)
                except (NotImplementedError, TypeError):
                    continue  # a whole number, or a formula that traced values cannot run
                compared += 1
                if not onp.isfinite(value) or value in (0, 1):
                    assert slope == 0
                    continue
                right = differences(getattr(theirs, method), i + 1, [k, *shapes])
                onp.testing.assert_allclose(slope, right, rtol=2e-6, atol=1e-9)
                at = onp.array([k, counts[-1]])
                whole = grad(lambda s: function(at, *shapes[:i], s, *shapes[i + 1 :])[0])(shapes[i])
                onp.testing.assert_allclose(whole, slope, rtol=1e-12, atol=1e-14)
    assert compared


@pytest.mark.parametrize("shape", [(3,), (1, 3), (7, 3), (2, 1, 3), (2, 4, 3)])
@pytest.mark.parametrize("name", ["logpdf", "pdf"])
def test_multivariate_normal_by_what_its_value_left(name, shape):
    """The rules that take the value's eigenvectors, those that do not, and what it consists of."""
    rng = onp.random.default_rng(3)
    a = rng.normal(size=(3, 3))
    args = rng.normal(size=shape), rng.normal(size=3), a @ a.T + onp.eye(3)
    function = getattr(stats.multivariate_normal, name)

    def by_hand(x, mean, cov):
        cov = (cov + cov.T) / 2
        away = np.reshape(x, (-1, 3)) - mean
        distance = np.sum(away * np.linalg.solve(cov, away.T).T, axis=1)
        value = -0.5 * (3 * np.log(2 * np.pi) + np.linalg.slogdet(cov)[1] + distance)
        value = np.squeeze(np.reshape(value, x.shape[:-1]))
        return np.exp(value) if name == "pdf" else value

    expected = getattr(scipy_stats.multivariate_normal, name)(*args)
    g = onp.cos(onp.arange(onp.size(expected))).reshape(expected.shape)[()]
    for argnum in (0, 1, 2):
        vjp, value = make_vjp(function, argnum)(*args)
        onp.testing.assert_array_equal(value, expected)
        wanted = make_vjp(by_hand, argnum)(*args)[0](g)
        onp.testing.assert_allclose(vjp(g), wanted, rtol=1e-11, atol=1e-14)
        # Of a cotangent that is traced the rules are those of any arguments.
        generally = make_vjp(vjp)(g)[1]
        onp.testing.assert_allclose(generally, wanted, rtol=1e-11, atol=1e-14)
        t = onp.sin(onp.arange(args[argnum].size)).reshape(args[argnum].shape)
        onp.testing.assert_allclose(
            make_jvp(function, argnum)(*args)(t)[1],
            make_jvp(by_hand, argnum)(*args)(t)[1],
            rtol=1e-11,
            atol=1e-14,
        )

        def loss(x, mean, cov, function=function):
            return np.sum(np.sin(function(x, mean, (cov + cov.T) / 2)))

        onp.testing.assert_allclose(
            hessian(loss, argnum)(*args),
            hessian(lambda *args: loss(*args, function=by_hand), argnum)(*args),
            rtol=1e-9,
            atol=1e-12,
        )
        replayed = jit(grad(loss, argnum))
        for _ in range(4):
            onp.testing.assert_allclose(replayed(*args), grad(loss, argnum)(*args), rtol=1e-11)
    both = make_vjp(function, (0, 1, 2))(*args)[0](g)
    for argnum in (0, 1, 2):
        onp.testing.assert_array_equal(both[argnum], make_vjp(function, argnum)(*args)[0](g))
