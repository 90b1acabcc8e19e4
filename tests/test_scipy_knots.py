"""Splines by their places and knots, against differences."""

from __future__ import annotations

import warnings

import numpy as onp
import pytest

pytest.importorskip("scipy")

import scipy.interpolate as theirs

import fastad.numpy as np
from fastad import grad, hessian, jit, make_jvp
from fastad.scipy import interpolate

X = onp.array([0.0, 1.0, 2.2, 3.0, 4.5, 5.1, 6.0])
Y = onp.array([1.0, 3.0, 2.0, 5.0, 4.0, 0.0, 1.0])
AT = onp.array([0.3, 1.7, 4.0, 5.9])
WEIGHTS = onp.array([1.0, 2.0, -1.0, 0.5])


def differences(function, x, places=slice(None)):
    steps = 1e-5 * onp.eye(len(x))[places]
    return onp.array([(function(x + h) - function(x - h)) / 2e-5 for h in steps])


def takes(k):
    """Whether SciPy interpolates by this degree: even ones came with 1.15."""
    try:
        theirs.make_interp_spline(X, Y, k=k)
    except ValueError:
        return False
    return True


CASES = [(k, None) for k in range(6) if takes(k)]
CASES += [(3, bc) for bc in ("natural", "clamped", "not-a-knot", ([(1, 0.3)], [(2, 0.1)]))]


@pytest.mark.parametrize("nu", [0, 1])
@pytest.mark.parametrize(("k", "bc_type"), CASES)
def test_interpolation_by_places(k, bc_type, nu):
    def made(module, x, y):
        return module.make_interp_spline(x, y, k=k, bc_type=bc_type)(AT, nu)

    f = lambda x: np.sum(WEIGHTS * made(interpolate, x, Y))
    plain = lambda x: onp.sum(WEIGHTS * made(theirs, x, Y))
    assert f(X) == plain(X)
    got = grad(f)(X)
    onp.testing.assert_allclose(got, differences(plain, X), atol=1e-7)
    v = onp.linspace(1.0, 2.0, 7)
    assert abs(make_jvp(f)(X)(v)[1] - got @ v) < 1e-10
    onp.testing.assert_allclose(hessian(f)(X), differences(grad(f), X), atol=1e-6)
    both = lambda y: np.sum(grad(lambda x: np.sum(WEIGHTS * made(interpolate, x, y)))(X) * v)
    onp.testing.assert_allclose(grad(both)(Y), differences(both, Y), atol=1e-7)


def test_along_an_axis_with_given_knots_and_in_a_program():
    values = onp.random.default_rng(0).normal(size=(2, 7, 3))
    f = lambda x, m=interpolate: np.sum(np.sin(m.make_interp_spline(x, values, axis=1)(AT)))
    onp.testing.assert_allclose(grad(f)(X), differences(lambda x: f(x, theirs), X), atol=1e-7)
    knots = theirs.make_interp_spline(X, Y).t
    given = lambda t, m=interpolate: np.sum(WEIGHTS * m.make_interp_spline(X, Y, t=t)(AT))
    inner = slice(4, -4)
    onp.testing.assert_allclose(
        grad(given)(knots)[inner], differences(lambda t: given(t, theirs), knots, inner), atol=1e-7
    )
    program = jit(grad(f))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for scale in (1.0, 1.01, 1.02, 1.03):
            onp.testing.assert_allclose(program(scale * X), grad(f)(scale * X), rtol=1e-10)


@pytest.mark.parametrize("extrapolate", [True, False, "periodic"])
def test_bspline_by_knots(extrapolate):
    t = onp.array([0.0, 0.0, 0.0, 0.0, 1.0, 1.9, 2.1, 4.0, 5.0, 5.0, 5.0, 5.0])
    c = onp.arange(8.0) ** 1.5
    at = onp.array([0.5, 1.5, 3.0, 4.9 if extrapolate is False else 7.9])
    f = lambda t, m=interpolate: np.sum(WEIGHTS * np.sin(m.BSpline(t, c, 3, extrapolate)(at)))
    inner = slice(4, 8)
    onp.testing.assert_allclose(
        grad(f)(t)[inner], differences(lambda t: f(t, theirs), t, inner), rtol=1e-5, atol=1e-7
    )
    onp.testing.assert_allclose(
        hessian(f)(t)[inner], differences(grad(f), t, inner), rtol=1e-5, atol=1e-5
    )
    slope = lambda t, m=interpolate: np.sum(WEIGHTS * m.BSpline(t, c, 3, extrapolate)(at, 1))
    onp.testing.assert_allclose(
        grad(slope)(t)[inner],
        differences(lambda t: slope(t, theirs), t, inner),
        rtol=1e-5,
        atol=1e-6,
    )
    # Together with coefficients; where knots coincide.
    joint = lambda c: np.sum(grad(lambda t: np.sum(interpolate.BSpline(t, c, 3)(at)))(t)[inner])
    onp.testing.assert_allclose(grad(joint)(c), differences(joint, c), rtol=1e-5, atol=1e-7)
    twice = t.copy()
    twice[5:7] = 2.0
    assert onp.isfinite(grad(f)(twice)).all()


def test_a_periodic_one_is_refused_by_places():
    closed = onp.append(Y[:-1], Y[0])
    with pytest.raises(NotImplementedError, match="make_interp_spline.*periodic"):
        grad(lambda x: interpolate.make_interp_spline(x, closed, bc_type="periodic")(1.5))(X)
