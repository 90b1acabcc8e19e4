"""Statistics of samples in `fastad.scipy.stats`: options, orders, ties, results, refusals."""

from __future__ import annotations

import inspect

import numpy as onp
import pytest

scipy_stats = pytest.importorskip("scipy.stats")

import fastad.numpy as np  # noqa: E402
import fastad.scipy.stats as stats  # noqa: E402
from fastad import grad, jacobian, jit, make_vjp  # noqa: E402
from fastad.test_util import check_grads  # noqa: E402

_draw = onp.random.default_rng(5)
X = _draw.uniform(0.4, 2.5, (4, 3))
Y = _draw.uniform(0.4, 2.5, (4, 3))
ROW = _draw.uniform(0.4, 2.5, 7)
OTHER = _draw.uniform(0.4, 2.5, 5)


# Older versions call a parameter by another name, and have not all.
ORDER = list(inspect.signature(scipy_stats.moment).parameters)[1]
OF_ENTROPY = inspect.signature(scipy_stats.entropy).parameters


@pytest.mark.parametrize("axis", [0, 1, -1, None])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("gmean", {}),
        ("hmean", {"weights": Y}),
        ("skew", {"bias": False, "keepdims": True}),
        ("kurtosis", {"fisher": False}),
        ("moment", {ORDER: 3}),
        ("variation", {"ddof": 1}),
        ("sem", {}),
        ("gstd", {"ddof": 0}),
        ("iqr", {"rng": (10, 90), "scale": "normal"}),
        ("median_abs_deviation", {"scale": "normal"}),
        ("zscore", {"ddof": 1}),
        ("gzscore", {}),
        ("circmean", {"high": 3.0}),
        ("circstd", {"normalize": True}),
        ("entropy", {"keepdims": True} if "keepdims" in OF_ENTROPY else {}),
        ("tvar", {"limits": (0.5, None)}),
        ("pmean", {"p": 0}),
    ],
)
def test_axes_and_options(name, options, axis):
    if name == "entropy" and axis is None:
        axis = -1  # SciPy's takes one axis
    function, theirs = (getattr(module, name) for module in (stats, scipy_stats))
    by = lambda x: function(x, axis=axis, **options)
    onp.testing.assert_array_equal(make_vjp(by)(X)[1], theirs(X, axis=axis, **options))
    check_grads(by, modes=["fwd", "rev"], order=2)(X)


def test_weights_centers_and_parameters():
    check_grads(lambda x, w: stats.gmean(x, weights=w), (0, 1), order=2)(X, Y)
    check_grads(lambda x, w: stats.pmean(x, 1.7, weights=w), (0, 1), order=2)(X, Y)
    check_grads(lambda p: stats.pmean(ROW, p), order=2)(1.7)
    check_grads(lambda x, c: stats.moment(x, 2, center=c), (0, 1), order=2)(ROW, 0.3)
    check_grads(lambda x, a, w: stats.expectile(x, a, weights=w), (0, 1, 2))(ROW, 0.3, ROW + 0.1)
    check_grads(lambda p, q, b: stats.entropy(p, q, b), (0, 1, 2), order=2)(ROW, ROW[::-1], 2.0)
    check_grads(lambda x, lmb: stats.yeojohnson(x, lmb), (0, 1), order=2)(ROW - 1.3, 0.4)
    check_grads(stats.boxcox_llf, (0, 1), order=2)(0.4, ROW)
    check_grads(stats.yeojohnson_llf, (0, 1), order=2)(0.4, ROW - 1.3)


@pytest.mark.parametrize("name", ["wasserstein_distance", "energy_distance"])
def test_distances_of_distributions(name):
    function, theirs = (getattr(module, name) for module in (stats, scipy_stats))
    check_grads(function, (0, 1), order=2)(ROW, OTHER)
    weighted = lambda u, v, a, b: function(u, v, a, b)
    check_grads(weighted, (0, 1, 2, 3), order=2)(ROW, OTHER, ROW + 0.2, OTHER + 0.1)
    if name == "energy_distance":
        return
    # Points that meet: this distance is smooth there as long as the shares differ.
    u, v = onp.array([0.5, 0.9, 1.3, 2.2]), onp.array([0.1, 0.2, 0.3, 0.9])
    slopes = [(theirs(u + h, v) - theirs(u - h, v)) / 2e-6 for h in 1e-6 * onp.eye(4)]
    onp.testing.assert_allclose(grad(lambda u: function(u, v))(u), slopes, rtol=1e-6)


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_correlation_and_line(alternative):
    x, y = ROW, ROW**2 + onp.sin(9 * ROW)
    for field in ("statistic", "pvalue"):
        by = lambda x, y: getattr(stats.pearsonr(x, y, alternative=alternative), field)
        assert make_vjp(by)(x, y)[1] == by(x, y)
        check_grads(by, (0, 1), order=2)(x, y)
    for field in "slope intercept rvalue pvalue stderr intercept_stderr".split():
        by = lambda x, y: getattr(stats.linregress(x, y, alternative), field)
        assert make_vjp(by)(x, y)[1] == getattr(scipy_stats.linregress(x, y, alternative), field)
        check_grads(by, (0, 1), order=2)(x, y)
    slope, _, r, *_ = stats.linregress(x, y)
    assert (slope, r) == tuple(scipy_stats.linregress(x, y))[:3:2]
    replayed = jit(grad(lambda x: stats.pearsonr(x, y).statistic + stats.linregress(x, y).slope))
    for _ in range(5):
        replayed(x)
    eager = grad(lambda x: stats.pearsonr(x, y).statistic + stats.linregress(x, y).slope)(x + 0.1)
    onp.testing.assert_allclose(replayed(x + 0.1), eager, rtol=1e-12)


def test_correlation_of_columns():
    if "axis" not in inspect.signature(scipy_stats.pearsonr).parameters:
        pytest.skip("SciPy before 1.14")
    found = jacobian(lambda x: stats.pearsonr(x, Y, axis=0).statistic)(X)
    for k in range(3):
        column = grad(lambda x, k=k: stats.pearsonr(x, Y[:, k]).statistic)(X[:, k])
        onp.testing.assert_allclose(found[k, :, k], column, rtol=1e-12)


@pytest.mark.parametrize("bw_method", [None, "silverman", 0.4, lambda kde: 0.3 * kde.d])
@pytest.mark.parametrize("dims", [1, 2])
def test_kernel_density(bw_method, dims):
    data, at = X.T[:dims], Y.T[:dims]
    weights = OTHER[:4]
    for given in ((data, bw_method), (data, bw_method, weights)):
        ours, theirs = stats.gaussian_kde(*given), scipy_stats.gaussian_kde(*given)
        for part in ("covariance", "inv_cov", "factor", "neff", "weights", "dataset"):
            onp.testing.assert_allclose(getattr(ours, part), getattr(theirs, part), rtol=1e-12)
        onp.testing.assert_allclose(ours(at), theirs(at), rtol=1e-12)
        onp.testing.assert_allclose(ours.logpdf(at), theirs.logpdf(at), rtol=1e-12)
        assert ours.resample(3, seed=1).tolist() == theirs.resample(3, seed=1).tolist()
    for method in ("pdf", "logpdf"):
        by = lambda data, w, at: getattr(stats.gaussian_kde(data, bw_method, w), method)(at)
        check_grads(by, (0, 1, 2), order=2)(data, weights, at)
    check_grads(lambda b: stats.gaussian_kde(data, b)(at), order=2)(0.5)
    if dims == 1:
        box = lambda data, a, b: stats.gaussian_kde(data, bw_method).integrate_box_1d(a, b)
        expected = scipy_stats.gaussian_kde(data, bw_method).integrate_box_1d(0.3, 1.4)
        assert box(data, 0.3, 1.4) == pytest.approx(expected, rel=1e-12)
        check_grads(box, (0, 1, 2), order=2)(data, 0.3, 1.4)


def test_far_points_of_a_kernel_density():
    data = onp.array([0.0, 1.0, 3.0])
    log_density = lambda x: stats.gaussian_kde(data).logpdf(x)[0]
    variance = stats.gaussian_kde(data).covariance[0, 0]
    assert grad(log_density)(200.0) == pytest.approx(-197.0 / variance)


def test_refusals():
    holes = onp.array([0.3, onp.nan, 0.8])
    names = ["skew", "zscore", "gmean", *(["entropy"] if "nan_policy" in OF_ENTROPY else [])]
    for name in names:
        function = getattr(stats, name)
        with pytest.raises(NotImplementedError, match="nan_policy='omit'"):
            grad(lambda x: np.sum(function(x, nan_policy="omit")))(holes)
        check_grads(lambda x: function(x, nan_policy="omit"))(holes[[0, 2]])
    with pytest.raises(NotImplementedError, match="minimize_scalar of -boxcox_llf"):
        grad(lambda x: np.sum(stats.boxcox(x)[0]))(ROW)
    with pytest.raises(NotImplementedError, match="draws samples anew"):
        grad(
            lambda x: stats.pearsonr(x, ROW[::-1], method=scipy_stats.PermutationMethod()).statistic
        )(ROW)
    with pytest.raises(NotImplementedError, match="gaussian_kde.resample"):
        grad(lambda x: np.sum(stats.gaussian_kde(x).resample(2)))(ROW)
    with pytest.raises(ValueError, match="points have dimension"):
        stats.gaussian_kde(X.T)(ROW)


@pytest.mark.skipif(
    onp.shape(scipy_stats.moment(ROW, [1, 2], keepdims=True)) != (2, 1),
    reason="older SciPy puts the axis that stays before the orders",
)
@pytest.mark.parametrize("axis", [0, 1, None])
def test_moments_of_several_orders_keep_axes(axis):
    moments = lambda m, x: m.moment(x, [1, 2, 3], axis=axis, keepdims=True)
    ours = make_vjp(lambda x: moments(stats, x))(X)[1]
    onp.testing.assert_array_equal(ours, moments(scipy_stats, X))
    check_grads(lambda x: moments(stats, x))(X)


def test_lambda_that_is_found_by_minimization():
    from fastad.scipy.optimize import minimize_scalar

    def found(x):
        loss = lambda lmb: -stats.boxcox_llf(lmb, x)
        return minimize_scalar(loss, bracket=(-2.0, 2.0), tol=1e-10).x

    x = onp.exp(onp.random.default_rng(3).standard_normal(12))
    assert found(x) == pytest.approx(scipy_stats.boxcox(x)[1], abs=1e-6)
    near, far = (
        onp.array([(found(x + h) - found(x - h)) / (2 * size) for h in size * onp.eye(12)])
        for size in (2e-3, 4e-3)
    )
    slopes = (4 * near - far) / 3
    onp.testing.assert_allclose(grad(found)(x), slopes, rtol=1e-4, atol=1e-5)
