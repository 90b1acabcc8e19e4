"""SciPy called in less usual ways: by options, with other shapes, by objects made before."""

from __future__ import annotations

import numpy as onp
import pytest

pytest.importorskip("scipy")

import scipy.integrate
import scipy.interpolate
import scipy.ndimage
import scipy.optimize
import scipy.signal
import scipy.sparse
import scipy.stats
from against_scipy import agrees

import fastad.numpy as np
import fastad.scipy.interpolate
import fastad.scipy.signal
import fastad.scipy.sparse
import fastad.scipy.stats
from fastad import grad, jit, make_jvp, value_and_grad
from fastad.test_util import check_grads

# ---- responses of filters ------------------------------------------------------------------------

SIGNAL = (fastad.scipy.signal, scipy.signal)
B, A = onp.array([0.3, 0.5, 0.2]), onp.array([1.2, -0.4, 0.15])
PLACES = onp.array([0.0, 0.2, 1.3])


@pytest.mark.parametrize("name", ["freqz", "freqs"])
def test_responses_by_coefficients_and_frequencies(name):
    call = lambda module, b, a, w: getattr(module, name)(b, a, w)[1]
    agrees(call, SIGNAL, B, A, PLACES, exactly=False)
    both = lambda module, w: np.concatenate([*getattr(module, name)(B, A, w)])
    agrees(both, SIGNAL, PLACES, exactly=False)


def test_responses_of_sections_by_frequencies():
    sections = scipy.signal.butter(4, 0.3, output="sos")
    agrees(lambda module, w: module.freqz_sos(sections, w)[1], SIGNAL, PLACES, exactly=False)
    at_a_number = lambda module, w: module.freqz(B, A, w)[1]
    agrees(at_a_number, SIGNAL, 0.4, exactly=False)
    by_rate = lambda module, w: module.freqz(B, A, w, fs=3.0)[1]
    agrees(by_rate, SIGNAL, PLACES, exactly=False)


@pytest.mark.parametrize("places", [4, [0.1, 0.2]])
@pytest.mark.parametrize("shape", [(3, 1), (3, 2, 1), (1,), ()])
def test_responses_of_several_filters(shape, places, random):
    b = random.standard_normal(shape)
    agrees(lambda module, b: module.freqz(b, 1, places)[1], SIGNAL, b, exactly=False)
    if len(shape) == 3:
        a = 1.0 + random.random(shape)
        agrees(lambda module, b, a: module.freqz(b, a, places)[1], SIGNAL, b, a, exactly=False)


def test_a_traced_rate_is_refused_by_name():
    with pytest.raises(NotImplementedError, match="argument 'fs' has no derivative rule"):
        grad(lambda fs: np.sum(np.abs(scipy.signal.freqz(B, A, 4, fs=fs)[1])))(3.0)


# ---- interpolants --------------------------------------------------------------------------------

X = onp.array([0.0, 0.7, 1.1, 2.0, 2.6, 3.9, 5.0])
Y = onp.array([0.3, -1.1, 0.4, 2.0, 1.7, -0.6, 0.9])
INTERPOLATE = (fastad.scipy.interpolate, scipy.interpolate)


@pytest.mark.parametrize("kind", ["linear", "cubic", "previous"])
def test_two_values_beyond_the_places(kind):
    def call(module, y, low, high):
        options = {"kind": kind, "bounds_error": False, "fill_value": (low, high)}
        return module.interp1d(X, y, **options)(onp.array([-0.5, 0.2, 5.7]))

    agrees(call, INTERPOLATE, Y, 0.4, 0.3)
    alone = lambda module, low, high: call(module, Y, low, high)
    agrees(alone, INTERPOLATE, 0.4, 0.3)


@pytest.mark.parametrize("method", ["linear", "nearest"])
def test_a_value_beyond_a_grid(method):
    def call(module, y, fill):
        options = {"method": method, "bounds_error": False, "fill_value": fill}
        made = module.RegularGridInterpolator((X,), y, **options)
        return made(onp.array([[0.4], [9.0], [-1.0]]))

    agrees(call, INTERPOLATE, Y, 0.3)
    agrees(lambda module, fill: call(module, Y, fill), INTERPOLATE, 0.3)
    spread = lambda module, fill: module.interpn(
        (X,), Y, [[0.4], [9.0]], method, bounds_error=False, fill_value=fill
    )
    agrees(spread, INTERPOLATE, 0.3)


GRID = onp.array([[0.3, 0.9, 0.1], [1.2, -0.4, 0.8], [0.5, 0.2, -0.7]])
OBJECTS = {
    **{
        f"interp1d {kind}": (scipy.interpolate.interp1d(X[::-1], Y, kind=kind), 1.3)
        for kind in ("linear", "slinear", "zero", "quadratic", "cubic", "nearest", "next", 2)
    },
    "interp1d of columns": (scipy.interpolate.interp1d(X, onp.outer(Y, [1, 2]), axis=0), 0.4),
    "interp1d beyond": (scipy.interpolate.interp1d(X, Y, fill_value="extrapolate"), 5.6),
    "interp1d filled": (
        scipy.interpolate.interp1d(X, Y, bounds_error=False, fill_value=(1.0, 2.0)),
        onp.array([-0.1, 0.2, 5.6]),
    ),
    **{
        f"RegularGridInterpolator {method}": (
            scipy.interpolate.RegularGridInterpolator(
                (onp.arange(4.0)[::-1], onp.arange(5.0)),
                onp.sin(onp.arange(40.0)).reshape(4, 5, 2),
                method=method,
            ),
            onp.array([[0.3, 1.2], [2.7, 3.6]]),
        )
        for method in ("linear", "nearest", "slinear")
    },
    **{
        f"RBFInterpolator {kernel} {degree}": (
            scipy.interpolate.RBFInterpolator(
                GRID[:, :2], GRID, kernel=kernel, epsilon=1.3, degree=degree, smoothing=0.1
            ),
            onp.array([[0.1, 0.3], [0.7, 0.2]]),
        )
        for kernel, degree in (("linear", 1), ("gaussian", -1), ("cubic", 1))
    },
}


@pytest.mark.filterwarnings("ignore:Output seems independent")
@pytest.mark.filterwarnings("ignore:`degree` should not be below")
@pytest.mark.parametrize("name", OBJECTS)
def test_objects_of_plain_values_are_asked_at_traced_places(name):
    interpolant, at = OBJECTS[name]
    value, _ = value_and_grad(lambda at: np.sum(interpolant(at)))(at)
    onp.testing.assert_allclose(value, onp.sum(interpolant(at)), rtol=1e-13)
    check_grads(interpolant, order=2)(at)
    slope = jit(grad(lambda at: np.sum(interpolant(at) ** 2)))
    for k in range(5):
        moved = at * (1 + 1e-3 * k)
        expected = grad(lambda at: np.sum(interpolant(at) ** 2))(moved)
        onp.testing.assert_allclose(slope(moved), expected, rtol=1e-10, atol=1e-12)


def test_neighbors_of_an_object_are_refused_by_name():
    places = onp.arange(12.0).reshape(6, 2) ** 0.5
    interpolant = scipy.interpolate.RBFInterpolator(places, onp.arange(6.0), neighbors=4)
    with pytest.raises(NotImplementedError, match="neighbors has no derivative rule"):
        grad(lambda at: np.sum(interpolant(at)))(places[:2] + 0.1)


@pytest.mark.parametrize(
    "make",
    [
        scipy.interpolate.CubicSpline,
        scipy.interpolate.PchipInterpolator,
        scipy.interpolate.Akima1DInterpolator,
        lambda x, y: scipy.interpolate.UnivariateSpline(x, y, s=0),
        lambda x, y: scipy.interpolate.PPoly(onp.outer([1.0, 2.0, 0.5], y[1:]), x),
    ],
)
@pytest.mark.parametrize("ends", [(0.4, 3.0), (3.0, 0.4)])
def test_integrals_of_plain_splines_by_their_ends(make, ends):
    made = make(X, Y)
    integral = made.integral if hasattr(made, "integral") else made.integrate
    value, slopes = value_and_grad(lambda a, b: integral(a, b), (0, 1))(*ends)
    assert value == pytest.approx(float(integral(*ends)), rel=1e-12)
    onp.testing.assert_allclose(slopes, [-made(ends[0]), made(ends[1])], rtol=1e-12)
    check_grads(integral, (0, 1), order=2)(*ends)


def test_integrals_of_surfaces_are_refused_by_name():
    surface = scipy.interpolate.RectBivariateSpline(X, X, onp.outer(Y, Y))
    with pytest.raises(NotImplementedError, match=r"BivariateSpline\.integral: by the ends"):
        grad(lambda a: surface.integral(a, 2.0, 1.0, 2.0))(0.4)
    made = fastad.scipy.interpolate.RectBivariateSpline(X, X, onp.outer(Y, Y))
    assert made.integral(0.4, 2.0, 1.0, 2.0) == surface.integral(0.4, 2.0, 1.0, 2.0)


# ---- distributions -------------------------------------------------------------------------------

LAWS = {
    "norm": (),
    "gamma": (2.3,),
    "beta": (2.0, 3.0),
    "t": (5.0,),
    "triang": (0.3,),
    "weibull_max": (2.1,),
    "poisson": (2.6,),
}


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("name", LAWS)
def test_intervals_and_moments(name, frozen):
    """As SciPy's own methods have them, of the law and of one with its parameters fixed."""
    discrete = name == "poisson"
    parameters = (*LAWS[name], 0.4) if discrete else (*LAWS[name], 0.4, 1.7)
    asked = {
        "mv": lambda law: law.stats,
        "v": lambda law: lambda *p, **o: law.stats(*p, moments="v", **o),
        "moment 1": lambda law: lambda *p: law.moment(1, *p),
        "moment 2": lambda law: lambda *p: law.moment(2, *p),
    }
    if not discrete:
        asked["interval"] = lambda law: lambda *p: law.interval(0.9, *p)

    for method in asked.values():

        def call(modules, *p, method=method):
            law = getattr(modules, name)
            found = method(law(*p))() if frozen else method(law)(*p)
            return np.stack(found) if isinstance(found, tuple) else found

        first = 0 if not discrete else 1
        for module in (fastad.scipy.stats, scipy.stats):
            of_some = lambda modules, *p: call(modules, *parameters[:first], *p)
            agrees(of_some, (module, scipy.stats), *parameters[first:], exactly=False)


def test_intervals_by_their_confidence():
    call = lambda module, c: np.stack(module.gamma.interval(c, 2.3, 0.4, scale=1.7))
    agrees(call, (fastad.scipy.stats, scipy.stats), onp.array([0.5, 0.9]))
    for one in (fastad.scipy.stats, scipy.stats):
        with pytest.raises(ValueError, match="alpha must be between 0 and 1"):
            grad(lambda c, one=one: one.norm.interval(c)[0])(1.2)


@pytest.mark.parametrize("call", ["stats('mvsk')", "moment(3)", "expect(abs)", "support()"])
def test_other_methods_name_a_remedy(call):
    def asked(loc):
        return eval(f"scipy.stats.norm(loc).{call}", {"scipy": scipy}, {"loc": loc})

    with pytest.raises(NotImplementedError, match="has no derivative rule in fastad.*: [a-z]"):
        grad(asked)(0.3)


@pytest.mark.parametrize(("name", "shape"), [("dgamma", 1.1), ("dweibull", 2.07)])
def test_the_middle_of_two_sided_laws(name, shape):
    """With nothing in the middle, the median and the density there do not move with the shape."""
    law = getattr(fastad.scipy.stats, name)
    for function in (
        lambda a: law.median(a, 0.4, 1.7),
        lambda a: law.ppf(0.5, a),
        lambda a: law.isf(onp.array([0.5, 0.5]), a)[0],
        lambda a: law.pdf(0.0, a),
    ):
        assert grad(function)(shape) == 0.0
        assert make_jvp(function)(shape)(1.0)[1] == 0.0
    assert grad(lambda loc: law.median(shape, loc))(0.4) == 1.0


# ---- solvers -------------------------------------------------------------------------------------

TIMES = onp.linspace(0.1, 2.0, 9)
SEEN = 2.0 * onp.exp(-1.3 * TIMES) + 0.3 + 0.02 * onp.cos(9 * TIMES)
TIGHT = {"xtol": 1e-14, "ftol": 1e-14, "gtol": 1e-14}


def agrees_with_differences(found, x):
    """Both modes, to what an iteration leaves of a difference."""
    direction = onp.cos(3 * onp.arange(x.size)) * 0.01
    change = (found(x + direction * 1e-3) - found(x - direction * 1e-3)) / 2e-3
    onp.testing.assert_allclose(make_jvp(found)(x)(direction)[1], change, rtol=1e-3, atol=1e-7)
    weights = onp.sin(1 + onp.arange(change.size)).reshape(change.shape)
    slope = grad(lambda x: np.sum(weights * found(x)))(x)
    assert onp.sum(slope * direction) == pytest.approx(onp.sum(weights * change), rel=1e-3)


def _rest(p, y):
    return p[0] * np.exp(-p[1] * TIMES) + p[2] - y


@pytest.mark.parametrize("method", ["trf", "dogbox", "lm"])
@pytest.mark.parametrize("what", ["fun", "jac"])
def test_what_least_squares_finds_beside_the_solution(method, what):
    def found(y):
        options = {"args": (y,), "method": method, "jac": "3-point", **TIGHT}
        return scipy.optimize.least_squares(_rest, [1.0, 1.0, 0.0], **options)[what]

    agrees_with_differences(found, SEEN)


def test_the_gradient_of_least_squares_at_a_bound():
    def found(u):
        bounds = ([0.0, 0.0, -1.0], [u, 3.0, 1.0])
        options = {"args": (SEEN,), "jac": "3-point", "bounds": bounds, **TIGHT}
        return scipy.optimize.least_squares(_rest, [0.5, 1.0, 0.0], **options).grad[0]

    numeric = (found(1.2 + 1e-4) - found(1.2 - 1e-4)) / 2e-4
    assert grad(found)(1.2) == pytest.approx(numeric, rel=1e-4)


def test_residuals_that_curve_fit_gives():
    model = lambda x, a, k, b: a * np.exp(-k * x) + b

    def found(x, y):
        return scipy.optimize.curve_fit(model, x, y, full_output=True)[2]["fvec"]

    agrees_with_differences(lambda y: found(TIMES, y), SEEN)
    agrees_with_differences(lambda x: found(x, SEEN), TIMES)


def test_options_of_odeint_by_place():
    side = lambda y, t, k: [y[1], -k * y[0]]
    matrix = lambda y, t, k: [[0.0, 1.0], [-k, 0.0]]

    def last(k):
        return scipy.integrate.odeint(side, [1.0, 0.3], [0.0, 1.0], (k,), matrix)[-1, 0]

    root = onp.sqrt(1.2)
    slope = (-onp.sin(root) + 0.3 * (onp.cos(root) / root - onp.sin(root) / root**2)) / (2 * root)
    assert grad(last)(1.2) == pytest.approx(slope, rel=1e-5)


# ---- sparse arrays -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [scipy.sparse.dok_matrix, scipy.sparse.dok_array])
def test_sparse_arrays_that_are_dictionaries_are_made_as_before(kind):
    """`dok_matrix` is a dict, and while it is made it cannot be asked for its values."""
    assert grad(lambda x: x * x)(1.0) == 2.0
    made = kind(onp.eye(3))
    made[0, 1] = 2.0
    assert made.nnz == 4 and kind((2, 2)).shape == (2, 2) and kind(made).nnz == 4
    onp.testing.assert_allclose(grad(lambda x: (made @ x)[0] ** 2)(onp.ones(3)), [6, 12, 0])
    with pytest.raises(TypeError, match="keeps plain numbers"):
        grad(lambda x: kind(x).sum())(onp.eye(3))


ROW, COL = onp.array([0, 0, 1]), onp.array([0, 1, 1])
ENTRIES = onp.array([1.0, 2.0, 3.0])


def test_sums_and_products_of_sparse_matrices_have_scipys_shape():
    """Sums of `csr_matrix` have two axes; a constant one before `*` multiplies as a matrix."""
    for kind in ("csr_matrix", "csr_array"):
        theirs = getattr(scipy.sparse, kind)((ENTRIES, (ROW, COL)), shape=(2, 2))
        ours = lambda d, kind=kind: getattr(fastad.scipy.sparse, kind)((d, (ROW, COL)), (2, 2))
        for axis in (0, 1, -1, None):
            value, _ = make_jvp(lambda d, a=axis, ours=ours: ours(d).sum(a))(ENTRIES)(ENTRIES)
            onp.testing.assert_array_equal(value, onp.asarray(theirs.sum(axis)))
    array = lambda d: fastad.scipy.sparse.csr_array((d, (ROW, COL)), (2, 2))
    constant = scipy.sparse.csr_matrix([[1.0, 2.0], [0.0, 3.0]])
    with pytest.raises(TypeError, match="product of two sparse arrays"):
        grad(lambda d: (constant * array(d)).sum())(ENTRIES)


@pytest.mark.parametrize(
    "function",
    [
        lambda a: a == a,
        lambda a: a != 0.0,
        lambda a: a[0],
        lambda a: a.power(2),
        lambda a: a.max(),
    ],
)
def test_what_sparse_arrays_have_not_names_a_remedy(function):
    def asked(d):
        return function(fastad.scipy.sparse.csr_array((d, (ROW, COL)), (2, 2)))

    with pytest.raises((TypeError, AttributeError), match=r"take A\.toarray\(\)"):
        grad(asked)(ENTRIES)


@pytest.mark.parametrize(
    "function",
    [
        lambda v: scipy.signal.resample(X, 5, window=onp.ones(7) * v),
        lambda v: scipy.ndimage.fourier_gaussian(onp.outer(X, X) + 0j, v),
        lambda v: scipy.ndimage.fourier_shift(onp.outer(X, X) + 0j, v),
    ],
    ids=["resample", "fourier_gaussian", "fourier_shift"],
)
def test_numbers_without_a_rule_are_refused_and_not_looked_for_without_end(function):
    with pytest.raises(
        NotImplementedError, match=r"one of the arguments that are traced here"
    ) as e:
        grad(lambda v: np.sum(np.abs(function(v))))(1.3)
    assert str(e.value).startswith("scipy.")
