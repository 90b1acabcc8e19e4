"""Interpolants of `fastad.scipy.interpolate` on grids, of scattered points, and fitted splines."""

from __future__ import annotations

import inspect

import numpy as onp
import pytest

pytest.importorskip("scipy")

import scipy.interpolate as theirs
import scipy.sparse.linalg
from against_scipy import agrees

import fastad.numpy as np
from fastad import grad
from fastad.scipy import interpolate

BOTH = interpolate, theirs
X = onp.array([0.0, 0.9, 2.1, 3.2, 4.0, 5.3, 6.1])
Y = onp.array([1.0, 3.0, 2.0, 5.0, 4.0, 0.0, 1.0])
Y2 = onp.stack([Y, onp.cos(X)], axis=1)
AT = onp.array([0.31, 1.7, 3.97, 5.93])
BEYOND = onp.array([-0.5, 1.2, 7.3])
GRID = onp.array([0.0, 1.0, 2.5, 3.0, 4.2, 5.0]), onp.array([0.0, 0.7, 1.5, 2.0, 3.1, 4.0, 4.4])
TABLE = onp.random.default_rng(3).standard_normal((6, 7))
POINTS = onp.array([[0.3, 0.4], [2.7, 3.3], [4.9, 1.2]])
SCATTERED = onp.random.default_rng(4).random((12, 2))
VALUES = onp.cos(5 * SCATTERED[:, 0]) + SCATTERED[:, 1]
INSIDE = onp.array([[0.4, 0.5], [0.61, 0.33], [0.5, 0.7]])


@pytest.mark.parametrize(
    "kind", ["linear", "nearest", "previous", "next", "zero", "slinear", "quadratic", "cubic", 5]
)
def test_interp1d(kind):
    options = {"kind": kind, "axis": 0}
    agrees(lambda m, y, at: m.interp1d(X, y, **options)(at), BOTH, Y, AT, order=1)
    agrees(lambda m, x: m.interp1d(x, Y2, **options)(AT), BOTH, X, order=1)
    options.update(bounds_error=False, fill_value=(1.0, 2.0))
    agrees(lambda m, y, at: m.interp1d(X, y, **options)(at), BOTH, Y2, BEYOND, order=1)


def test_interp1d_beyond_and_unsorted():
    far = lambda m, y, at: m.interp1d(X, y, fill_value="extrapolate")(at)
    agrees(far, BOTH, Y, BEYOND)
    agrees(lambda m, y, at: m.interp1d(X[::-1].copy(), y)(at), BOTH, Y, AT)


@pytest.mark.parametrize("method", ["linear", "nearest", "slinear", "cubic", "quintic"])
def test_regular_grids(method):
    options = {"method": method}
    solvers = "solver" in inspect.signature(theirs.RegularGridInterpolator).parameters
    if solvers and method not in ("linear", "nearest"):  # the default one stops at a tolerance
        options["solver"] = scipy.sparse.linalg.spsolve
    make = lambda m, v, at: m.RegularGridInterpolator(GRID, v, **options)(at)
    agrees(make, BOTH, TABLE, POINTS)
    make = lambda m, v, at: m.RegularGridInterpolator(GRID, v, **options)((at[:, 0], at[:, 1]))
    agrees(make, BOTH, TABLE, POINTS, order=1)


def test_beyond_and_falling_grids():
    agrees(lambda m, v, at: m.interpn(GRID, v, at), BOTH, TABLE, POINTS)
    for fill_value in (None, 3.0):
        options = {"bounds_error": False, "fill_value": fill_value}
        make = lambda m, v, at: m.RegularGridInterpolator(GRID, v, **options)(at)
        agrees(make, BOTH, TABLE, POINTS + 1.3)
    deep = onp.stack([TABLE, TABLE**2], axis=-1)
    agrees(lambda m, v, at: m.RegularGridInterpolator(GRID, v)(at), BOTH, deep, POINTS)
    falling = GRID[0][::-1].copy(), GRID[1]
    agrees(lambda m, v, at: m.RegularGridInterpolator(falling, v)(at), BOTH, TABLE, POINTS)


@pytest.mark.parametrize("name", ["UnivariateSpline", "InterpolatedUnivariateSpline"])
def test_fitted_splines(name):
    for nu in (0, 1, 2):
        agrees(lambda m, at, nu=nu: getattr(m, name)(X, Y)(at, nu), BOTH, AT)
    agrees(lambda m, a, b: getattr(m, name)(X, Y).integral(a, b), BOTH, 0.3, 4.4)
    agrees(lambda m, at: getattr(m, name)(X, Y).derivative()(at), BOTH, AT)
    agrees(lambda m, at: getattr(m, name)(X, Y, ext=3)(at), BOTH, BEYOND)
    tck = theirs.splrep(X, Y)
    agrees(lambda m, at: m.splev(at, tck), BOTH, AT)
    agrees(lambda m, c: m.splev(AT, (tck[0], c, 3)), BOTH, tck[1], exactly=False)
    agrees(lambda m, a, b: m.splint(a, b, tck), BOTH, 0.3, 4.4)


def test_surfaces():
    x, y = POINTS[:, 0], onp.sort(POINTS[:, 1])
    agrees(lambda m, x, y: m.RectBivariateSpline(*GRID, TABLE)(x, y), BOTH, x, y)
    agrees(lambda m, x, y: m.RectBivariateSpline(*GRID, TABLE).ev(x, y), BOTH, *POINTS.T)
    agrees(lambda m, x, y: m.RectBivariateSpline(*GRID, TABLE).ev(x, y), BOTH, BEYOND, BEYOND)
    agrees(lambda m, z, x: m.RectBivariateSpline(*GRID, z)(x, [0.2, 2.2]), BOTH, TABLE, x)
    linear = lambda m, z, x: m.RectBivariateSpline(*GRID, z, kx=1, ky=5).ev(x, POINTS[:, 1])
    agrees(linear, BOTH, TABLE, x)


SCALED = ("multiquadric", "inverse_multiquadric", "inverse_quadratic", "gaussian")


@pytest.mark.parametrize("kernel", [*SCALED, "linear", "thin_plate_spline", "cubic", "quintic"])
def test_radial_functions(kernel):
    options = {"kernel": kernel, "epsilon": 2.0 if kernel in SCALED else 1.0}
    make = lambda m, y, d, x, s: m.RBFInterpolator(y, d, smoothing=s, **options)(x)
    smoothing = onp.full(12, 0.1)
    agrees(make, BOTH, SCATTERED, VALUES, INSIDE, smoothing, order=1, replayed=False)


@pytest.mark.parametrize("name", ["LinearNDInterpolator", "NearestNDInterpolator"])
def test_scattered_points(name):
    agrees(lambda m, v, x: getattr(m, name)(SCATTERED, v)(x), BOTH, VALUES, INSIDE)
    method = name[:-14].lower()
    agrees(lambda m, v, x: m.griddata(SCATTERED, v, x, method), BOTH, VALUES, INSIDE)
    wide = SCATTERED * [1, 10]
    call = lambda m, v, x: m.griddata(wide, v, (x[:, 0], 10 * x[:, 1]), method, rescale=True)
    agrees(call, BOTH, VALUES, INSIDE)


@pytest.mark.parametrize("method", ["akima", "makima"])
def test_akima(method):
    try:
        theirs.Akima1DInterpolator(X, Y, method=method)
    except TypeError:
        pytest.skip("no methods in this SciPy")
    make = lambda m, x, y, at: m.Akima1DInterpolator(x, y, method=method)(at)
    agrees(make, BOTH, X, Y, AT)
    make = lambda m, y, at: m.Akima1DInterpolator(X, y, axis=1, method=method)(at)
    agrees(make, BOTH, Y2.T, AT, order=1)
    flat = grad(lambda y: np.sum(make(interpolate, y, AT)))(onp.stack([onp.minimum(X, 3.0), X]))
    assert onp.all(onp.isfinite(flat))


def test_pieces(random):
    agrees(lambda m, c, x, at: m.PPoly(c, x)(at), BOTH, random.standard_normal((4, 6)), X, AT)
    deep = random.standard_normal((2, 4, 6))
    agrees(lambda m, c, at: m.PPoly(c, X, axis=1)(at), BOTH, deep, AT, order=1)


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("make_interp_spline", lambda y: interpolate.UnivariateSpline(X, y)(0.3)),
        ("pchip", lambda y: interpolate.RegularGridInterpolator((X,), y, method="pchip")([0.3])),
        ("RBFInterpolator", lambda y: interpolate.griddata(SCATTERED, y, INSIDE, "cubic")),
        ("neighbors", lambda y: interpolate.RBFInterpolator(SCATTERED, y, 3)(INSIDE)),
        ("grid's coordinates", lambda y: interpolate.RegularGridInterpolator((y,), X)([0.3])),
    ],
)
def test_what_has_no_rule(words, call):
    y = VALUES if "SCATTERED" in call.__code__.co_names else Y
    with pytest.raises(NotImplementedError, match=words):
        grad(lambda y: np.sum(call(y)))(y)
