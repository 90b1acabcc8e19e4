"""SciPy's rarer options: what may be overwritten, borders, and the rest of what solvers give."""

from __future__ import annotations

import numpy as onp
import pytest

pytest.importorskip("scipy")

import scipy.fft
import scipy.interpolate
import scipy.ndimage
import scipy.optimize

import fastad.numpy as np
from fastad import grad, jacobian, make_jvp, make_vjp
from fastad.scipy import fft, interpolate, ndimage, optimize, signal
from fastad.test_util import check_grads

X = onp.array([0.3, -1.2, 2.0, 0.7, 1.1, -0.4])


@pytest.mark.parametrize(
    "call",
    [
        lambda x, may: fft.fft(x + 0j, overwrite_x=may),
        lambda x, may: fft.fftn(x + 0j, None, None, None, may),
        lambda x, may: fft.dct(x, overwrite_x=may),
        lambda x, may: fft.idstn(x, overwrite_x=may),
        lambda x, may: signal.detrend(x, overwrite_data=may),
    ],
)
def test_what_a_tape_needs_is_not_overwritten(call):
    def total(x, may):
        y = x * 1.5
        return np.sum(np.abs(call(y, may)) ** 2) + np.sum(y**3)

    onp.testing.assert_array_equal(grad(total)(X, True), grad(total)(X, False))


@pytest.mark.parametrize("name", "fftn ifftn rfftn irfftn hfftn ihfftn fft2".split())
def test_one_length_and_one_axis(name):
    x = onp.outer(X, X[::-1] + 0.3)
    options = {"axes": 0} if name == "fft2" else {"s": 4, "axes": 0}
    transform = lambda x: getattr(fft, name)(x, **options)
    onp.testing.assert_array_equal(
        make_vjp(transform)(x)[1], getattr(scipy.fft, name)(x, **options)
    )
    check_grads(transform, order=1)(x)


@pytest.mark.parametrize("kind", ["dct", "idct", "dst", "idst", "dctn", "idstn"])
def test_weights_of_complex_arrays_are_scipys(kind):
    z = X + 1j * X[::-1]
    for norm, ortho in (("backward", True), ("ortho", False), ("ortho", None)):
        for type in (2, 3):
            options = {"type": type, "norm": norm, "orthogonalize": ortho}
            push = make_jvp(lambda x: getattr(fft, kind)(x, **options))(z)
            value, slope = push(z)  # which is linear
            onp.testing.assert_allclose(slope, value, rtol=1e-13)


def test_borders_of_images():
    for order in (2, 3, 4, 5):
        at = [[-3.3, -0.4, 0.3, 2.5, 5.3, 9.0]]
        options = {"order": order, "mode": "nearest", "prefilter": False}
        wanted = [scipy.ndimage.map_coordinates(unit, at, **options) for unit in onp.eye(6)]
        got = jacobian(lambda x: ndimage.map_coordinates(x, at, **options))(X)
        onp.testing.assert_allclose(got, onp.transpose(wanted), atol=1e-13)
    zoomed = jacobian(lambda x: ndimage.zoom(x, 1.0, order=5, mode="reflect"))(X)
    onp.testing.assert_array_equal(zoomed, onp.eye(6))
    flat = grad(lambda x: np.sum(ndimage.gaussian_gradient_magnitude(x, 1.0)))(onp.ones((4, 5)))
    assert (flat == 0).all()
    assert make_vjp(lambda x: ndimage.shift(x, 1.0, output=onp.float32))(X)[1].dtype == "float32"
    for output in (int, onp.zeros(6, int), "uint8"):
        with pytest.raises(
            NotImplementedError, match=r"gaussian_filter: output=.*round the result"
        ):
            grad(lambda x: np.sum(ndimage.gaussian_filter(x, 1.0, output=output)))(X)


PLACES = onp.array([0.0, 0.7, 1.5, 2.2, 3.1, 4.0])
BEYOND = onp.array([-1.0, 0.3, 2.9, 5.0])


@pytest.mark.parametrize("ext", [0, 1, 3])
def test_splines_beyond_their_ends(ext):
    t, c, k = tck = scipy.interpolate.splrep(PLACES, X)
    spline = interpolate.InterpolatedUnivariateSpline(PLACES, X, ext=ext)
    for nu in (0, 1, 2):
        for ours, theirs in (
            (
                lambda x: interpolate.splev(x, tck, nu, ext),
                lambda x: scipy.interpolate.splev(x, tck, nu, ext),
            ),
            (
                lambda x: interpolate.splev(x, list(tck), nu, ext),
                lambda x: scipy.interpolate.splev(x, tck, nu, ext),
            ),
            (
                lambda x: spline(x, nu),
                scipy.interpolate.InterpolatedUnivariateSpline(PLACES, X, ext=ext).derivative(nu)
                if nu and ext != 3
                else lambda x: spline._plain(x, nu),
            ),
        ):
            value, slope = make_jvp(ours)(BEYOND)(onp.ones(4))
            onp.testing.assert_allclose(value, theirs(BEYOND), rtol=1e-12)
            wanted = (theirs(BEYOND + 1e-5) - theirs(BEYOND - 1e-5)) / 2e-5
            onp.testing.assert_allclose(slope, wanted, rtol=1e-6, atol=1e-6)
    for nu in (0, 1):
        by_c = lambda c: interpolate.splev(BEYOND, (t, c, k), nu, ext)
        value, slope = make_jvp(by_c)(c)(c)  # which is linear
        wanted = scipy.interpolate.splev(BEYOND, tck, nu, ext)
        onp.testing.assert_allclose(value, wanted, rtol=1e-12, atol=1e-14)
        onp.testing.assert_allclose(slope, wanted, rtol=1e-12, atol=1e-14)


def test_splines_as_objects_and_curves():
    tck = scipy.interpolate.splrep(PLACES, X)
    ours = lambda x: interpolate.splev(x, scipy.interpolate.BSpline(*tck))
    value, slope = make_jvp(ours)(BEYOND)(onp.ones(4))
    onp.testing.assert_allclose(value, scipy.interpolate.splev(BEYOND, tck), rtol=1e-12)
    onp.testing.assert_allclose(slope, scipy.interpolate.splev(BEYOND, tck, 1), rtol=1e-12)
    with pytest.raises(ValueError, match="mode 1"):
        grad(lambda x: interpolate.splev(x, scipy.interpolate.BSpline(*tck), 0, 1))(0.3)
    curve = (tck[0], [tck[1], tck[1]], 3)
    with pytest.raises(NotImplementedError, match="splev: a curve"):
        grad(lambda x: interpolate.splev(x, curve)[0])(0.3)
    with pytest.raises(NotImplementedError, match="splint: by the spline"):
        grad(lambda c: interpolate.splint(0.2, 3.0, (tck[0], c, 3)))(tck[1])
    with pytest.raises(ValueError, match="not in the domain"):
        make_vjp(lambda c: interpolate.splev(BEYOND, (tck[0], c, 3), 0, 2))(tck[1])


def test_surfaces_beyond_their_border():
    grid = onp.arange(6.0)
    z = onp.outer(X, X + 1.0) + onp.sin(grid)
    x, y = onp.array([0.3, 2.2, 9.0]), onp.array([-1.0, 1.4, 3.3])
    ours = interpolate.RectBivariateSpline(grid, grid, z)
    theirs = scipy.interpolate.RectBivariateSpline(grid, grid, z)
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        value, slope = make_jvp(lambda y: ours(x, y, dx, dy, grid=False))(y)(onp.ones(3))
        onp.testing.assert_allclose(value, theirs(x, y, dx, dy, grid=False), rtol=1e-12)
        ends = [theirs(x, y + h, dx, dy, grid=False) for h in (1e-5, -1e-5)]
        onp.testing.assert_allclose(slope, (ends[0] - ends[1]) / 2e-5, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="parder"):
        make_vjp(lambda y: ours(x, y, 3, 0, grid=False))(y)
    with pytest.raises(NotImplementedError, match="'integral'"):
        make_vjp(lambda z: interpolate.RectBivariateSpline(grid, grid, z).integral(0, 1, 0, 1))(z)


def test_scattered_points_one_by_one():
    points = onp.array([[0.0, 0.0], [1.0, 0.1], [0.2, 1.0], [1.0, 1.2]])
    for name in ("LinearNDInterpolator", "NearestNDInterpolator"):
        at = lambda v: getattr(interpolate, name)(points, v)(0.3, 0.4)
        value = make_vjp(at)(X[:4])[1]
        wanted = getattr(scipy.interpolate, name)(points, X[:4])(0.3, 0.4)
        assert (value, onp.shape(value)) == (wanted, onp.shape(wanted))
        check_grads(at, order=1)(X[:4])


def test_a_logarithmic_chirp_of_one_frequency():
    t = onp.array([0.0, 0.3, 1.7])
    ours = lambda *args: signal.chirp(args[0], args[1], 1.0, args[2], "log")
    args = (t, 2.0, 2.0)
    for i in range(3):
        value, slope = make_jvp(ours, i)(*args)(onp.ones_like(args[i])[()])
        at = lambda h, i=i: ours(*args[:i], args[i] + h, *args[i + 1 :])
        onp.testing.assert_array_equal(value, at(0))
        wanted = (8 * (at(1e-3) - at(-1e-3)) - (at(2e-3) - at(-2e-3))) / 12e-3
        onp.testing.assert_allclose(slope, wanted, rtol=1e-6, atol=1e-6)


def test_a_fit_by_another_loss_is_refused():
    x = onp.linspace(0.0, 1.0, 6)
    line = lambda x, a, b: a * x + b
    for options, what in (
        ({"loss": "huber", "method": "trf"}, "loss='huber'"),
        ({"nan_policy": "omit"}, "nan_policy='omit'"),
    ):
        with pytest.raises(NotImplementedError, match=what):
            grad(lambda y: optimize.curve_fit(line, x, y, **options)[0][0])(X)
    grad(lambda y: optimize.curve_fit(line, x, y, loss="linear", method="trf")[0][0])(X)


def test_prices_and_rests_of_a_linear_program():
    c = onp.array([-1.0, -2.0, 0.5])
    a = onp.array([[1.0, 1.0, 0.0], [1.0, 3.0, 0.2], [1.0, 0.0, 0.0]])
    b = onp.array([4.0, 6.0, 10.0])
    bounds = [(0, 5.0), (0, 6.0), (0.3, 9.0)]
    total = onp.ones((1, 3))
    for e, f in ((None, None), (total, onp.array([3.0]))):
        for pick in (
            lambda r: r.slack,
            lambda r: r.ineqlin.marginals,
            lambda r: r.ineqlin.residual,
            lambda r: r.lower.residual,
            lambda r: r.upper.residual,
            lambda r: r.lower.marginals,
            lambda r: r.con,
            lambda r: r.eqlin.marginals,
        ):
            solve = lambda c, a, b, m=optimize: pick(m.linprog(c, a, b, e, f, bounds))
            for i, arg in enumerate((c, a, b)):
                args = [c, a, b]
                move = onp.cos(onp.arange(arg.size)).reshape(arg.shape)
                value, slope = make_jvp(solve, i)(*args)(move)
                onp.testing.assert_array_equal(value, solve(*args, m=scipy.optimize))
                ends = []
                for h in (1e-4, -1e-4):
                    args[i] = arg + h * move
                    ends.append(solve(*args, m=scipy.optimize))
                onp.testing.assert_allclose(slope, (ends[0] - ends[1]) / 2e-4, atol=1e-6)
                if onp.size(value):  # HiGHS rounds too coarsely for check_grads' small steps
                    u = onp.cos(2.0 * onp.arange(onp.size(value))).reshape(onp.shape(value))
                    back = make_vjp(solve, i)(c, a, b)[0](u)
                    assert onp.sum(back * move) == pytest.approx(onp.sum(u * slope), abs=1e-12)
