"""Moments and entropies of distributions whose formulas are fastad's own; von Mises' series."""

from __future__ import annotations

import numpy as onp
import pytest

pytest.importorskip("scipy")
import scipy.stats as scipy_stats

import fastad.numpy as np
from fastad import grad, hessian, jacobian, jit, make_jvp
from fastad.scipy import stats

SHAPES = {
    "truncnorm": [(-1.2, 2.0), (0.5, 3.0), (3.0, 4.0)],
    "skewnorm": [(1.7,), (-0.3,)],
    "vonmises": [(1.9,), (40.0,)],
}
CASES = [
    (name, shapes, method)
    for name, several in SHAPES.items()
    for shapes in several
    for method in ("mean", "var", "std", "entropy")
    if (name, method) != ("skewnorm", "entropy")
    and (name != "vonmises" or method not in ("var", "std"))  # SciPy's integrals take a second
]


@pytest.mark.parametrize(("name", "shapes", "method"), CASES)
def test_by_shapes_location_and_scale(name, shapes, method):
    function, theirs = (getattr(getattr(m, name), method) for m in (stats, scipy_stats))
    p = onp.array([*shapes, 0.3, 1.7])
    f = lambda p: function(*p)
    assert f(p) == theirs(*p)
    h = 1e-4
    expected = [(theirs(*(p + h * e)) - theirs(*(p - h * e))) / (2 * h) for e in onp.eye(len(p))]
    got = grad(f)(p)
    onp.testing.assert_allclose(got, expected, rtol=1e-5, atol=2e-6)
    v = onp.linspace(0.5, 1.0, len(p))
    onp.testing.assert_allclose(make_jvp(f)(p)(v)[1], got @ v, rtol=1e-9)
    second = [(grad(f)(p + h * e) - grad(f)(p - h * e)) / (2 * h) for e in onp.eye(len(p))]
    onp.testing.assert_allclose(hessian(f)(p), second, rtol=1e-5, atol=2e-6)


def test_an_end_at_infinity():
    """Against the inverse Mills ratio: the mean of a normal above a is m = phi(a) / Phi(-a)."""

    def mean(a):
        return np.exp(stats.norm.logpdf(a) - stats.norm.logsf(a))

    for a in (-1.0, 0.5, 6.0):
        m = mean(a)
        assert abs(grad(lambda a: stats.truncnorm.mean(a, onp.inf))(a) - grad(mean)(a)) < 1e-9
        var = lambda a: 1 + a * mean(a) - mean(a) ** 2
        assert abs(grad(lambda a: stats.truncnorm.var(a, onp.inf))(a) - grad(var)(a)) < 1e-9
        mirrored = grad(lambda b: stats.truncnorm.mean(-onp.inf, b))(-a)
        assert abs(mirrored - m * (m - a)) < 1e-9 * max(1, m)


def test_von_mises_by_concentration():
    z = onp.array([[-3.0], [0.4], [2.0], [9.0]])  # also beyond one turn
    kappa = onp.array([0.3, 30.0, 1000.0])
    h = 1e-4
    for name in ("cdf", "sf"):
        mine, theirs = getattr(stats.vonmises, name), getattr(scipy_stats.vonmises, name)
        got = make_jvp(lambda k: mine(z, k))(kappa)(onp.ones(3))[1]
        expected = (theirs(z, kappa + h) - theirs(z, kappa - h)) / (2 * h)
        # SciPy takes an approximation from 50 on.
        onp.testing.assert_allclose(got[:, :2], expected[:, :2], atol=1e-8)
        onp.testing.assert_allclose(got[:, 2], expected[:, 2], atol=1e-6)
    line = onp.linspace(-onp.pi, 0.4, 20001)
    moved = scipy_stats.vonmises.pdf(line, 1000.0 + h) - scipy_stats.vonmises.pdf(line, 1000.0 - h)
    exact = (onp.sum(moved) - moved[-1] / 2) * (line[1] - line[0]) / (2 * h)
    assert abs(grad(lambda k: stats.vonmises.cdf(0.4, k))(1000.0) - exact) < 1e-8
    f = lambda k: np.sum(np.sin(z) * stats.vonmises.cdf(z, k))
    second = (grad(f)(kappa + h) - grad(f)(kappa - h)) / (2 * h)
    onp.testing.assert_allclose(onp.diag(hessian(f)(kappa)), second, atol=1e-8)
    rows = jacobian(lambda k: stats.vonmises.cdf(z, k))(kappa)
    assert rows.shape == (4, 3, 3) and not rows[:, 0, 1:].any()
    program = jit(grad(f))
    for step in (1.0, 1.05, 1.1, 1.15):
        onp.testing.assert_allclose(program(step * kappa), grad(f)(step * kappa), rtol=1e-9)


@pytest.mark.parametrize("kappa", [0.4, 30.0])
def test_variance_of_von_mises(kappa):
    line = onp.linspace(-onp.pi, onp.pi, 4001)[:-1]

    def by_sum(k):
        return onp.mean(line**2 * scipy_stats.vonmises.pdf(line, k)) * 2 * onp.pi

    h = 1e-4
    expected = (by_sum(kappa + h) - by_sum(kappa - h)) / (2 * h)
    assert abs(grad(stats.vonmises.var)(kappa, 0.0, 1.0) - expected) < 1e-6
