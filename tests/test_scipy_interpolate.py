"""`fastad.scipy.interpolate`: SciPy's values, derivatives by places, values and arguments."""

from __future__ import annotations

import numpy as onp
import pytest

scipy_interpolate = pytest.importorskip("scipy.interpolate")

import fastad.numpy as np  # noqa: E402
import fastad.scipy.interpolate as interpolate  # noqa: E402
from fastad import grad, jacobian, make_vjp  # noqa: E402
from fastad.test_util import check_grads  # noqa: E402


@pytest.fixture(autouse=True)
def _seeded():
    onp.random.seed(20260101)


X = onp.array([0.0, 0.7, 1.1, 2.0, 2.4, 3.1])
Y = onp.array([0.2, 1.0, 0.7, 0.9, 1.5, -0.3])
AT = onp.array([-0.2, 0.3, 1.2, 1.7, 3.0, 3.4])

BOUNDARIES = [
    "not-a-knot",
    "natural",
    "clamped",
    ("not-a-knot", (1, 0.4)),
    ((2, -0.3), "natural"),
    ((1, 0.2), (2, 0.7)),
]


def check(name, x, y, at, order=2, part=lambda f, at: f(at), **options):
    """Value, and derivatives by places, values and arguments."""
    mine = lambda x, y, at: part(getattr(interpolate, name)(x, y, **options), at)
    theirs = part(getattr(scipy_interpolate, name)(x, y, **options), at)
    onp.testing.assert_array_equal(make_vjp(mine, 1)(x, y, at)[1], theirs)
    check_grads(mine, (0, 1, 2), order=order)(x, y, at)


@pytest.mark.parametrize("kind", BOUNDARIES, ids=str)
def test_cubic_spline(kind):
    check("CubicSpline", X, Y, AT, bc_type=kind)
    for n in (2, 3):
        check("CubicSpline", X[:n], Y[:n], AT[:3], order=1, bc_type=kind)
    if isinstance(kind, str):
        check("CubicSpline", X, onp.stack([Y, Y**2], 1), AT[1:3], order=1, bc_type=kind)
        check("CubicSpline", X, onp.stack([Y, Y**2]), AT[1:3], order=1, bc_type=kind, axis=1)


def test_values_at_the_ends():
    value = lambda a, b: interpolate.CubicSpline(X, Y, bc_type=((1, a), (2, b)))(AT)
    check_grads(value, (0, 1), order=2)(0.4, -0.2)


def test_periodic_cubic_spline():
    def value(x, y, at):
        y = np.concatenate([y, y[:1]])
        return interpolate.CubicSpline(x, y, bc_type="periodic")(at)

    y, at = Y[:-1], onp.array([-0.9, 0.3, 3.6, 7.0])
    theirs = scipy_interpolate.CubicSpline(X, onp.append(y, y[0]), bc_type="periodic")(at)
    onp.testing.assert_array_equal(make_vjp(value)(X, y, at)[1], theirs)
    check_grads(value, (0, 1, 2), order=2)(X, y, at)


@pytest.mark.parametrize("name", ["CubicSpline", "PchipInterpolator"])
def test_derivatives_and_integrals(name):
    for nu in range(4):
        check(name, X, Y, AT, order=1, part=lambda f, at, nu=nu: f(at, nu))
    check(name, X, Y, AT, order=1, part=lambda f, at: f.derivative()(at))
    check(name, X, Y, AT, order=1, part=lambda f, at: f.antiderivative(2)(at))
    check(name, X, Y, AT, order=1, part=lambda f, at: f.integrate(at[1], at[-2]))
    # The slope of the interpolant is its derivative.
    function = lambda at: getattr(interpolate, name)(X, Y)(at)
    slope = getattr(scipy_interpolate, name)(X, Y)(0.3, 1)
    assert grad(function)(0.3) == pytest.approx(slope, rel=1e-13)
    gone = lambda y: getattr(interpolate, name)(X, y, extrapolate=False)(onp.array([0.3, 9.0]))
    assert onp.isnan(make_vjp(gone)(Y)[1][1])
    onp.testing.assert_allclose(grad(lambda y: gone(y)[0])(Y), jacobian(gone)(Y)[0])


def test_pchip():
    check("PchipInterpolator", X, Y, AT)
    check("PchipInterpolator", X, onp.array([0.0, 0.1, 0.5, 3.0, 3.1, 9.0]), AT)
    check("PchipInterpolator", X[:2], Y[:2], AT[:3], order=1)
    check("PchipInterpolator", X[:3], Y[:3], AT[:3], order=1)
    check("PchipInterpolator", X, onp.stack([Y, Y**2]), AT[1:3], order=1, axis=1)


def test_cubic_hermite_spline():
    slopes = onp.cos(X)
    value = lambda x, y, d, at: interpolate.CubicHermiteSpline(x, y, d)(at)
    theirs = scipy_interpolate.CubicHermiteSpline(X, Y, slopes)(AT)
    onp.testing.assert_array_equal(make_vjp(value)(X, Y, slopes, AT)[1], theirs)
    check_grads(value, (0, 1, 2, 3), order=2)(X, Y, slopes, AT)


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_make_interp_spline(k):
    for y, options in ((Y, {}), (onp.stack([Y, Y**2], 1), {}), (onp.stack([Y, Y**2]), {"axis": 1})):
        value = lambda y, at, o=options: interpolate.make_interp_spline(X, y, k, **o)(at)
        theirs = scipy_interpolate.make_interp_spline(X, y, k, **options)(AT)
        onp.testing.assert_array_equal(make_vjp(value)(y, AT)[1], theirs)
        check_grads(value, (0, 1), order=2)(y, AT + 0.01)
    for nu in range(k + 1):
        check_grads(
            lambda y, at, nu=nu: interpolate.make_interp_spline(X, y, k)(at, nu), (0, 1), order=1
        )(Y, AT + 0.01)


def test_ends_of_splines_and_given_coefficients():
    for kind in ("natural", "clamped", ([(1, 0.3)], [(2, -0.4)])):
        value = lambda y, kind=kind: interpolate.make_interp_spline(X, y, bc_type=kind)(AT)
        theirs = scipy_interpolate.make_interp_spline(X, Y, bc_type=kind)(AT)
        onp.testing.assert_array_equal(make_vjp(value)(Y)[1], theirs)
        check_grads(value, order=1)(Y)
    t, c = onp.arange(9.0), onp.array([0.3, -1.0, 0.5, 2.0, 1.1])
    value = lambda c, x: interpolate.BSpline(t, c, 3)(x)
    at = onp.array([3.3, 4.1, 5.0])
    onp.testing.assert_array_equal(
        make_vjp(value)(c, at)[1], scipy_interpolate.BSpline(t, c, 3)(at)
    )
    check_grads(value, (0, 1), order=2)(c, at)


def test_periodic_splines_and_other_axes():
    at = onp.array([0.13, 1.57])
    for k in (1, 2, 3, 4):

        def value(y, at, k=k):
            y = np.concatenate([y, y[:1]])
            return interpolate.make_interp_spline(X, y, k, bc_type="periodic")(at)

        y = onp.append(Y[:-1], Y[0])
        theirs = scipy_interpolate.make_interp_spline(X, y, k, bc_type="periodic")(at)
        onp.testing.assert_array_equal(make_vjp(value)(Y[:-1], at)[1], theirs)
        check_grads(value, (0, 1), order=2)(Y[:-1], at)
    t, c = onp.arange(9.0), onp.array([[0.3, -1.0, 0.5, 2.0, 1.1], [1.0, 0.2, -0.3, 0.7, 0.4]])
    value = lambda c, at: interpolate.BSpline(t, c, 3, axis=1)(at)
    theirs = scipy_interpolate.BSpline(t, c, 3, axis=1)(at + 3)
    onp.testing.assert_array_equal(make_vjp(value)(c, at + 3)[1], theirs)
    check_grads(value, (0, 1), order=2)(c, at + 3)


def test_plain_calls_and_what_has_no_rule():
    mine, theirs = (m.CubicSpline(X, Y) for m in (interpolate, scipy_interpolate))
    onp.testing.assert_array_equal(mine(AT), theirs(AT))
    onp.testing.assert_array_equal(mine.roots(), theirs.roots())
    onp.testing.assert_array_equal(mine.c, theirs.c)
    with pytest.raises(NotImplementedError, match="roots"):
        grad(lambda y: np.sum(interpolate.CubicSpline(X, y).roots()))(Y)
    with pytest.raises(ValueError, match="non-decreasing"):
        grad(lambda c: interpolate.BSpline(onp.arange(9.0)[::-1], c, 3)(3.5))(Y[:5])
    with pytest.raises(AttributeError):
        grad(lambda c: interpolate.BSpline(onp.arange(9.0), c, 3).nothing)(Y[:5])
    with pytest.raises(ValueError, match="increasing"):
        grad(lambda y: interpolate.CubicSpline(X[::-1], y)(0.3))(Y)
    with pytest.raises(NotImplementedError, match="krogh_interpolate"):
        grad(lambda y: interpolate.krogh_interpolate(X, y, 0.3))(Y)
