"""Distributions by formulas that the core runs, beside SciPy's methods and the rules."""

from __future__ import annotations

import warnings

import numpy as onp
import pytest

pytest.importorskip("scipy.stats")

import scipy.special
import scipy.stats as scipy_stats

import fastad.scipy.stats as stats
from fastad import grad, jacobian, jit, make_jvp, make_vjp, value_and_grad
from fastad.scipy.stats.values import Values

CONTINUOUS = {
    "norm": (), "t": (3.0,), "gamma": (2.0,), "beta": (2.0, 3.0), "expon": (), "cauchy": (),
    "chi2": (3.0,), "laplace": (), "logistic": (), "lognorm": (0.5,), "uniform": (),
    "weibull_min": (1.5,), "pareto": (1.1,), "gumbel_r": (), "gumbel_l": (), "halfnorm": (),
    "rayleigh": (), "invgamma": (2.0,), "f": (3.0, 4.0), "vonmises": (1.0,),
    "truncnorm": (-1.0, 2.0), "skewnorm": (1.0,), "levy": (), "maxwell": (), "powerlaw": (1.7,),
    "triang": (0.3,), "genpareto": (0.4,), "exponnorm": (1.2,),
}  # fmt: skip
DISCRETE = {
    "poisson": (2.3,), "binom": (9, 0.3), "bernoulli": (0.3,), "nbinom": (5, 0.4), "geom": (0.3,),
}  # fmt: skip
OF_DENSITIES = "pdf logpdf cdf logcdf sf logsf ppf isf".split()
OF_MASSES = "pmf logpmf cdf logcdf sf logsf".split()
CASES = [(name, method) for name in CONTINUOUS for method in OF_DENSITIES]
CASES += [(name, method) for name in DISCRETE for method in OF_MASSES]
RULED = "norm t gamma beta expon cauchy chi2 laplace logistic lognorm uniform weibull_min".split()


def _shapes(name):
    return CONTINUOUS.get(name, DISCRETE.get(name))


def _points(name, method, size):
    """Arguments inside of the support, the first and all shapes as they are."""
    u = onp.random.default_rng(size).uniform(0.02, 0.98, size)
    if method in ("ppf", "isf"):
        return u
    return getattr(scipy_stats, name).ppf(u, *_shapes(name)).astype(float)


def _same(ours, theirs, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = theirs(*args, **kwargs)
        got = ours(*args, **kwargs)
    onp.testing.assert_array_equal(got, expected)
    assert type(got) is type(expected)
    assert onp.shape(got) == onp.shape(expected)


@pytest.mark.parametrize(("name", "method"), CASES)
def test_values_are_scipys_to_the_bit(name, method):
    ours, theirs = (
        getattr(getattr(stats, name), method),
        getattr(getattr(scipy_stats, name), method),
    )
    shapes = _shapes(name)
    for size in (1, 5, 300):  # within a block, and beyond it
        x = _points(name, method, size)
        _same(ours, theirs, x, *shapes)
        _same(ours, theirs, x, *[onp.full(size, float(s)) for s in shapes])
        if name in DISCRETE:
            _same(ours, theirs, x.astype(int), *shapes)
            _same(ours, theirs, x.astype(int) + 2, *shapes, 2)
            continue
        y = x if method in ("ppf", "isf") else x * 1.7 + 0.3
        _same(ours, theirs, y, *shapes, 0.3, 1.7)
        _same(ours, theirs, y, *shapes, loc=0.3, scale=onp.linspace(1.7, 1.8, size))
        _same(ours, theirs, y.reshape(size, 1), *shapes, 0.3, 1.7)
    _same(ours, theirs, float(x[0]), *shapes)


@pytest.mark.parametrize(("name", "method"), CASES)
def test_values_where_no_formula_holds(name, method):
    """Outside of the support, at its ends, at wrong parameters and of what is no number."""
    ours, theirs = (
        getattr(getattr(stats, name), method),
        getattr(getattr(scipy_stats, name), method),
    )
    shapes = _shapes(name)
    x = onp.array([-onp.inf, -1e300, -1.0, -0.0, 0.0, 0.5, 1.0, 2.0, 1e300, onp.inf, onp.nan])
    _same(ours, theirs, x, *shapes)
    for one in x:
        _same(ours, theirs, onp.array([one, one]), *shapes)
    inside = _points(name, method, 3)
    for k in range(len(shapes)):
        for wrong in (-1.0, 0.0, onp.nan, onp.array([0.5, -1.0, 2.0])):
            _same(ours, theirs, inside, *shapes[:k], wrong, *shapes[k + 1 :])
    if name in CONTINUOUS:
        for scale in (-1.0, 0.0, onp.nan, onp.array([0.5, -1.0, 2.0])):
            _same(ours, theirs, inside, *shapes, 0.1, scale)


@pytest.mark.parametrize("name", RULED)
def test_common_families_have_formulas(name):
    missing = {"laplace": {"logcdf", "logsf"}}.get(name, set())
    values = Values(getattr(scipy_stats, name))
    for method in set(OF_DENSITIES) - missing:
        found, _ = values.written(method, len(_shapes(name)) + 3)
        assert found, method


@pytest.mark.parametrize(("name", "method"), CASES)
def test_slopes_are_those_of_the_rules(name, method):
    """A location of shape (1,) is no case for formulas: the rule is called on arrays."""
    function = getattr(getattr(stats, name), method)
    shapes, discrete = _shapes(name), name in DISCRETE
    x = _points(name, method, 7)
    g = onp.linspace(-1.0, 2.0, 7)
    tail = (0.0,) if discrete else (0.0, 1.3)
    spread = (onp.zeros(1), *tail[1:])
    y = x if discrete or method in ("ppf", "isf") else x * 1.3
    first, last = (1, len(shapes) + 1) if discrete else (0, len(shapes) + 3)
    refused = {("binom", 1), ("nbinom", 1)}
    for argnum in range(first, last):
        if (name, argnum) in refused:
            continue
        args, slow = (y, *shapes, *tail), (y, *shapes, *spread)
        args = [float(a) if onp.ndim(a) == 0 else a for a in args]
        slow = [float(a) if onp.ndim(a) == 0 else a for a in slow]
        try:
            expected = make_vjp(function, argnum)(*slow)[0](g)
        except NotImplementedError:
            continue
        got = make_vjp(function, argnum)(*args)[0](g)
        onp.testing.assert_allclose(got, onp.reshape(expected, onp.shape(got)), 1e-12, 1e-14)
        tangent = onp.ones_like(args[argnum])[()]
        ahead = make_jvp(function, argnum)(*args)(tangent)[1]
        behind = make_jvp(function, argnum)(*slow)(onp.ones_like(slow[argnum])[()])[1]
        onp.testing.assert_allclose(ahead, behind, 1e-12, 1e-14)
        rows = jacobian(function, argnum)(*args)
        onp.testing.assert_allclose(g @ rows, got, 1e-12, 1e-14)


@pytest.mark.parametrize("method", ["ppf", "isf"])
@pytest.mark.parametrize("name", ["norm", "gamma", "uniform", "geom"])
def test_ends_that_are_infinite_warn_as_scipys_method(name, method):
    discrete = name in DISCRETE
    parameters = [(onp.inf,), (-onp.inf,), (1e308,)] if discrete else [
        (0.0, onp.inf), (onp.inf, 2.0), (-onp.inf, 2.0), (onp.inf, onp.inf), (1e308, 1e308),
    ]  # fmt: skip
    for given in parameters:
        for x in (0.3, onp.array([0.3, 0.6])):
            seen = []
            for module in (stats, scipy_stats):
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    value = getattr(getattr(module, name), method)(x, *_shapes(name), *given)
                seen.append((onp.asarray(value).tobytes(), {str(w.message) for w in caught}))
            assert seen[0] == seen[1], (given, x)


def test_formulas_are_noted_in_silence():
    """A check that warns of a symbol says nothing of the arguments, and there is no formula."""
    for method in ("ppf", "isf", "pdf", "logpdf", "cdf"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            slope = grad(lambda x: getattr(stats.erlang, method)(x, 10).sum())(onp.array([0.4]))
        assert not caught, [str(w.message) for w in caught]
        assert onp.isfinite(slope).all()


def test_warnings_and_errors_are_those_of_scipys_method():
    x = onp.array([0.3, 0.6])
    with onp.errstate(all="raise"), pytest.raises(FloatingPointError):
        scipy_stats.gamma.pdf(onp.array([1e-320, 0.6]), 1e-3)
    with onp.errstate(all="raise"), pytest.raises(FloatingPointError):
        stats.gamma.pdf(onp.array([1e-320, 0.6]), 1e-3)
    with scipy.special.errstate(all="raise"):
        try:
            expected = scipy_stats.beta.ppf(x, 1e-3, 1e300)
        except scipy.special.SpecialFunctionError as error:
            with pytest.raises(type(error)):
                stats.beta.ppf(x, 1e-3, 1e300)
        else:
            onp.testing.assert_array_equal(stats.beta.ppf(x, 1e-3, 1e300), expected)
    with pytest.warns(RuntimeWarning, match="erlang"):
        stats.erlang.pdf(x, 1.5)
    with pytest.raises(TypeError):
        stats.norm.pdf(x, 0.0, 1.0, 2.0)


LOSSES = {
    "norm": lambda x: stats.norm.logpdf(x, 0.1, 1.4).sum(),
    "t": lambda x: stats.t.logpdf(x, 3.0, 0.1, 1.4).sum(),
    "t.cdf": lambda x: stats.t.cdf(x, 3.0, 0.1, 1.4).sum(),
    "gamma": lambda x: stats.gamma.logpdf(x, 2.0, 0.1, 1.4).sum(),
}


@pytest.mark.parametrize("name", LOSSES)
def test_below_other_levels_and_in_programs(name):
    total, x = LOSSES[name], onp.array([0.4, 0.9, 1.3])
    second = grad(lambda x: grad(total)(x).sum())(x)
    step = 1e-6
    differences = (grad(total)(x + step) - grad(total)(x - step)) / (2 * step)
    onp.testing.assert_allclose(second, differences, rtol=1e-6)
    replayed = jit(value_and_grad(total))
    for k in range(5):
        value, slope = replayed(x + 0.1 * k)
        expected, by_rule = value_and_grad(total)(x + 0.1 * k)
        onp.testing.assert_allclose(value, expected, rtol=1e-13)
        onp.testing.assert_allclose(slope, by_rule, rtol=1e-13)
    assert replayed.programs


def test_calls_by_position_by_name_and_otherwise():
    """However arguments are given, they are SciPy's; what is no plain number goes SciPy's way."""
    x = onp.array([0.4, 0.9])
    ours, theirs = stats.gamma.logpdf, scipy_stats.gamma.logpdf
    calls = [
        ((x, 2.0), {}), ((x,), {"a": 2.0}), ((x, 2), {"scale": 3}), ((x, 2.0, 0.1, 3.0), {}),
        ((), {"x": x, "a": 2.0, "loc": 0.1}), ((x.tolist(), 2.0), {}), ((0.4, onp.float64(2)), {}),
        ((x.astype("f4"), 2.0), {}), ((x, onp.array([2.0, 3.0])), {}), ((x, [2.0, 3.0]), {}),
        ((x[:, None], onp.array([2.0, 3.0, 4.0])), {}), ((x, True), {}), ((x, 2**60), {}),
        ((x.astype(">f8"), 2.0), {}), ((x[::-1], 2.0), {}), ((onp.array(0.4), 2.0), {}),
        ((onp.empty(0), 2.0), {}),
    ]  # fmt: skip
    for args, kwargs in calls:
        _same(ours, theirs, *args, **kwargs)
        if "x" not in kwargs and onp.size(args[0]):
            value = make_vjp(ours)(onp.asarray(args[0], float), *args[1:], **kwargs)[1]
            onp.testing.assert_allclose(value, theirs(*args, **kwargs), rtol=1e-6)
    wrong = [((x,), {}), ((x, 2.0), {"a": 2.0}), ((x, 2.0), {"b": 1.0}), ((x, 2.0, 0, 1, 1), {})]
    for args, kwargs in wrong:
        for function in (ours, make_vjp(ours), theirs):
            with pytest.raises(TypeError):
                function(*args, **kwargs)
