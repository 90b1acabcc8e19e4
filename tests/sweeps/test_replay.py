"""Every operation recorded at one input and replayed at others: it equals the eager call.

Value, gradient and second derivative, on the two levels that only record: a graph of Python's nodes
(`const_graph`), which takes no notice of Python's own branches, and a program, which guards them or
says that it does not know.
"""

from __future__ import annotations

import copy
import warnings

import numpy as onp
import pytest
from cases import DIFFERENTIABLE, NOT_RECORDED, cases_of, directions, flat, vjp

from fastad._core import Recording, isbox
from fastad.misc.tracers import const_graph

pytestmark = pytest.mark.filterwarnings("ignore")

# Where a graph is not the eager call at inputs moved by up to a half: what Python decided.
BRANCHES = {
    "roots": "whether some roots are complex, which decides NumPy's dtype",
}
if onp.linalg.eigvals(onp.eye(2)).dtype.kind == "c":  # NumPy 2.5 and later
    del BRANCHES["roots"]
# Elements that are not determined.
UNDETERMINED = {"empty_like"}
# What cannot be in a program: text and types, made of values; its results are no numbers.
NO_PROGRAM = {
    "array2string", "array_repr", "array_str", "common_type", "einsum_path", "min_scalar_type",
    "result_type", "typename",
}  # fmt: skip
SIZES = (0.0, 0.05, 0.5)


def moved(leaf, size, seed):
    factor = 1.0 + size * onp.random.default_rng(seed).uniform(-1.0, 1.0, onp.shape(leaf))
    if not isinstance(leaf, onp.ndarray):
        return type(leaf)(leaf * float(factor))
    return onp.asarray(leaf * factor, leaf.dtype)


def inputs(leaves):
    for size in SIZES:
        yield [moved(leaf, size, seed) for seed, leaf in enumerate(leaves)]


def numbers(outputs):
    """The outputs that are numbers or arrays."""
    kinds = (float, complex, onp.ndarray, onp.number, onp.bool_)
    return [one for one in flat(outputs) if isinstance(one, kinds) or isbox(one)]


def outcome(function, leaves):
    """The outputs of a call; None where it raises, which is another sweep's."""
    with warnings.catch_warnings(), onp.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return numbers(function(*copy.deepcopy(leaves)))
        except Exception:
            return None


def same(got, expected):
    assert len(got) == len(expected)
    for a, b in zip(map(onp.asarray, got), map(onp.asarray, expected), strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        if b.dtype.kind not in "fc":
            onp.testing.assert_array_equal(a, b)
            continue
        finite = onp.isfinite(b)
        assert onp.array_equal(onp.isfinite(a), finite)
        scale = max(1.0, float(onp.max(onp.abs(b[finite]), initial=0.0)))
        assert onp.max(onp.abs(a[finite] - b[finite]), initial=0.0) <= 1e-9 * scale


def orders(function, leaves):
    """The function, and its first and second derivative where the outputs have one."""
    yield function
    outputs = outcome(function, leaves)
    if outputs is None or not outputs:
        return
    if any(onp.asarray(one).dtype.kind not in "fc" for one in outputs):
        return
    if len(outputs) != len(flat(function(*leaves))):
        return
    outer, inner = directions(outputs, 3), directions(leaves, 4)

    def first(*given):
        return vjp(function, given, outer)

    yield first
    yield lambda *given: vjp(first, given, inner)


def check_graph(function, leaves):
    """The number of inputs at which the graph was compared."""
    again = const_graph(lambda *given: numbers(function(*given)))
    try:
        again(*leaves)
    except ValueError as error:
        assert "independent" in str(error)
        return
    for given in inputs(leaves):
        expected = outcome(function, given)
        if expected is not None:
            with onp.errstate(all="ignore"):
                same(flat(again(*given)), expected)


def check_program(function, leaves):
    with Recording() as recording, onp.errstate(all="ignore"):
        outputs = numbers(function(*[recording.box(leaf) for leaf in leaves]))
        assert recording.dead is None, recording.dead
        program = recording.finish(outputs)
    for given in inputs(leaves):
        expected = outcome(function, given)
        if expected is None:
            continue
        got = program.run(given)
        if not isinstance(got, int):  # else: f is asked, for an infinity, another shape or branch
            same(got, expected)


def check(function, leaves, graph=True, program=True):
    for one in orders(function, leaves):
        if outcome(one, leaves) is None:
            return
        if graph:
            check_graph(one, leaves)
        if program:
            check_program(one, leaves)


def boxable(case):
    kinds = (float, complex, onp.float64, onp.complex128, onp.ndarray)
    return bool(case.leaves) and all(type(leaf) in kinds for leaf in case.leaves)


@pytest.mark.parametrize("name", sorted({*DIFFERENTIABLE, *NOT_RECORDED} - UNDETERMINED))
def test_operation(name):
    for case in filter(boxable, cases_of(name)):
        check(case.fastad, case.leaves, name not in BRANCHES, name not in NO_PROGRAM)


def test_the_list_of_branches_is_no_longer_than_it_must_be():
    for name in BRANCHES:
        with pytest.raises(AssertionError):
            for case in filter(boxable, cases_of(name)):
                for one in orders(case.fastad, case.leaves):
                    check_graph(one, case.leaves)


# ---- SciPy ---------------------------------------------------------------------------------------

scipy_special = pytest.importorskip("scipy.special")
scipy_stats = pytest.importorskip("scipy.stats")

import test_scipy_special  # noqa: E402
import test_scipy_stats  # noqa: E402

import fastad.numpy as np  # noqa: E402
import fastad.scipy.integrate as integrate  # noqa: E402
import fastad.scipy.interpolate as interpolate  # noqa: E402
import fastad.scipy.linalg as linalg  # noqa: E402
import fastad.scipy.optimize as optimize  # noqa: E402
import fastad.scipy.signal as signal  # noqa: E402
import fastad.scipy.special as special  # noqa: E402
import fastad.scipy.stats as stats  # noqa: E402


@pytest.mark.parametrize("name", test_scipy_special.PRESENT)
def test_special(name):
    random = onp.random.default_rng(1)
    check(getattr(special, name), test_scipy_special.drawn(name, random))


X = onp.array([0.31, 0.78, 0.55, 0.92])
OF_ORDERS = {
    "logsumexp": special.logsumexp,
    "signed": lambda x: special.logsumexp(x, b=onp.array([1.0, -1, 2, 3]), return_sign=True)[0],
    "softmax": special.softmax,
    "log_softmax": special.log_softmax,
    "jv": lambda x: special.jv(1.5, x),
    "jvp": lambda x: special.jvp(1.5, x, 2),
    "struve": lambda x: special.struve(1.5, x),
    "spherical_jn": lambda x: special.spherical_jn(2, x, True),
    "polygamma": lambda x: special.polygamma(1, x),
    "airye": special.airye,
    "sici": special.sici,
    "zeta": lambda x: special.zeta(x + 2.0),
    "multigammaln": lambda x: special.multigammaln(x[0] + 3.0, 2),
}


@pytest.mark.parametrize("name", OF_ORDERS)
def test_special_with_orders(name):
    check(OF_ORDERS[name], [X])


@pytest.mark.parametrize("name", test_scipy_stats.CONTINUOUS)
def test_continuous_distributions(name):
    random = onp.random.default_rng(2)
    theirs, ours = getattr(scipy_stats, name), getattr(stats, name)
    shapes = [random.uniform(low, high, 3) for low, high in test_scipy_stats.CONTINUOUS[name]]
    q = random.uniform(0.3, 0.7, 3)
    for method in test_scipy_stats.METHODS:
        z = q if method in ("ppf", "isf") else theirs.ppf(q, *shapes)
        check(getattr(ours, method), [z, *shapes])
    for method in ("mean", "var", "entropy"):
        if name != "cauchy" or method == "entropy":
            check(getattr(ours, method), [*(float(shape[0]) for shape in shapes), 0.3, 1.2])


@pytest.mark.parametrize("name", test_scipy_stats.DISCRETE)
def test_discrete_distributions(name):
    random = onp.random.default_rng(3)
    intervals, wanted = test_scipy_stats.DISCRETE[name]
    shapes = [random.uniform(low, high, 4) for low, high in intervals]
    if name == "binom":
        shapes[0] = onp.array([3, 5, 8, 2])
    for method in ("pmf", "logpmf", "cdf", "logsf"):

        def function(*given, method=method):
            whole = dict(zip(wanted, given))
            args = [whole.get(i, shape) for i, shape in enumerate(shapes)]
            return getattr(getattr(stats, name), method)(onp.array([0, 1, 0, 1]), *args)

        check(function, [shapes[i] for i in wanted])


A = onp.array([[3.1, 0.4, -0.2], [0.7, 2.6, 0.3], [-0.5, 0.1, 4.2]])
B = onp.array([0.4, -1.1, 0.8])
TALL = onp.array([[1.2, 0.3, -0.4], [0.5, -1.7, 0.2], [-0.3, 0.6, 2.1], [0.9, 0.2, 0.7]])


def symmetric(a):
    return a + a.T


MATRICES = {
    **{
        name: (lambda a, name=name: getattr(linalg, name)(symmetric(a)), A)
        for name in "expm sqrtm logm cosm inv det pinv svdvals cholesky eigvalsh lu polar".split()
    },
    "solve": (linalg.solve, A, B),
    "solve batch": (linalg.solve, onp.stack([A, A + 1.0]), onp.stack([B, B * B])[..., None]),
    "solve_triangular": (linalg.solve_triangular, A, B),
    "lu_solve": (lambda a, b: linalg.lu_solve(linalg.lu_factor(a), b), A, B),
    "cho_solve": (lambda a, b: linalg.cho_solve(linalg.cho_factor(symmetric(a)), b), A, B),
    "lstsq": (lambda a, b: linalg.lstsq(a, b)[0], TALL, onp.append(B, 0.3)),
    "qr": (lambda a: linalg.qr(a, mode="economic"), TALL),
    "qr pivoting": (lambda a: linalg.qr(a, mode="economic", pivoting=True)[:2], TALL),
    "eigh": (lambda a: linalg.eigh(symmetric(a))[0], A),
    "solve_sylvester": (linalg.solve_sylvester, A, A, A),
    "toeplitz": (linalg.toeplitz, B),
    "block_diag": (linalg.block_diag, A, TALL),
    "norm": (linalg.norm, A),
    "expm_frechet": (linalg.expm_frechet, A, A),
}


@pytest.mark.parametrize("name", MATRICES)
def test_linalg(name):
    function, *leaves = MATRICES[name]
    check(function, leaves)


SIGNAL = onp.array([0.4, -1.1, 0.8, 0.3, 0.9, -0.2, 0.6])
FILTERS = {
    **{
        f"{name} {mode}": (lambda x, y, n=name, m=mode: getattr(signal, n)(x, y, m), SIGNAL, B)
        for name in ("convolve", "fftconvolve", "correlate")
        for mode in ("full", "same", "valid")
    },
    "lfilter": (lambda b, x: signal.lfilter(b, [1.0, 0.5], x), B, SIGNAL),
    "hilbert": (signal.hilbert, SIGNAL),
    "savgol_filter": (lambda x: signal.savgol_filter(x, 5, 2), SIGNAL),
    "convolve2d": (signal.convolve2d, A, TALL),
}


@pytest.mark.parametrize("name", FILTERS)
def test_signal(name):
    function, *leaves = FILTERS[name]
    check(function, leaves)


PLACES = onp.array([0.0, 0.7, 1.3, 2.2, 3.1])
HEIGHTS = onp.array([0.4, -1.1, 0.8, 0.3, 0.9])
AT = onp.array([0.31, 1.63, 2.9])
INTERPOLANTS = {
    **{
        f"{name} {kind}": (
            lambda x, y, at, name=name, o=options: getattr(interpolate, name)(x, y, **o)(at),
            PLACES,
            HEIGHTS,
            AT,
        )
        for name, kind, options in (
            ("CubicSpline", "not-a-knot", {}),
            ("CubicSpline", "ends", {"bc_type": ((1, 0.3), (2, 0.1))}),
            ("CubicSpline", "inside", {"extrapolate": False}),
            ("PchipInterpolator", "", {}),
        )
    },
    "periodic": (
        lambda y, at: interpolate.CubicSpline(
            PLACES, np.concatenate([y[:4], y[:1]]), bc_type="periodic"
        )(at),
        HEIGHTS,
        AT,
    ),
    "CubicHermiteSpline": (
        lambda y, d, at: interpolate.CubicHermiteSpline(PLACES, y, d)(at),
        HEIGHTS,
        AT[[0, 1, 2, 0, 1]],
        AT,
    ),
    "integral": (
        lambda y, a, b: interpolate.CubicSpline(PLACES, y).integrate(a, b),
        HEIGHTS,
        0.4,
        1.9,
    ),
    "derivative": (
        lambda y, at: interpolate.PchipInterpolator(PLACES, y).derivative()(at),
        HEIGHTS,
        AT,
    ),
    "antiderivative": (
        lambda y, at: interpolate.CubicSpline(PLACES, y).antiderivative()(at),
        HEIGHTS,
        AT,
    ),
    "make_interp_spline": (
        lambda y, at: interpolate.make_interp_spline(PLACES, y, 2)(at),
        HEIGHTS,
        AT,
    ),
    "BSpline": (lambda c, at: interpolate.BSpline(onp.arange(9.0), c, 3)(at), HEIGHTS, AT + 3.0),
}


@pytest.mark.parametrize("name", INTERPOLANTS)
def test_interpolate(name):
    function, *leaves = INTERPOLANTS[name]
    check(function, leaves)


def decay(y, t, rate):
    return -rate * y


def bowl(x, a):
    return np.sum((x - a) ** 2 + np.cosh(x))


TIMES = onp.linspace(0.0, 1.0, 4)
SOLVERS = {
    "root": (lambda a: optimize.root(lambda x, a: x * x - a, onp.ones(2), args=(a,)).x, 2.0),
    "root around a": (lambda a: optimize.root(lambda x: x * x - a, onp.ones(2)).x, 2.0),
    "fsolve in a dict": (
        lambda a: optimize.fsolve(lambda x, d: x * x - d["a"], onp.ones(2), args=({"a": a},)),
        2.0,
    ),
    "fixed_point": (lambda a: optimize.fixed_point(lambda x: np.cos(a * x), onp.ones(1)), 0.6),
    "root_scalar": (
        lambda a: optimize.root_scalar(lambda x, n=a: x * x - n, bracket=(0.0, 9.0)).root, 2.0
    ),
    "newton": (lambda a: optimize.newton(lambda x, a: x**3 - a, 1.0, args=(a,)), 2.0),
    "brentq": (lambda a, b: optimize.brentq(lambda x: x * x - a, 0.0, b), 2.0, 5.0),
    "minimize": (lambda a: optimize.minimize(bowl, onp.ones(2), args=(a,)).x, 0.8),
    "bounds": (
        lambda a, b: optimize.minimize(bowl, onp.ones(2), (a,), bounds=[(b, 3.0), (None, None)]).x,
        0.8,
        0.9,
    ),
    "minimize_scalar": (
        lambda a: optimize.minimize_scalar(lambda x: (x - a) ** 2 + x**4).fun, 0.8
    ),
    "least_squares": (
        lambda a: optimize.least_squares(lambda x: x**2 - a, onp.ones(2), xtol=1e-14).x, 2.0
    ),
    "quad": (
        lambda a, b: integrate.quad(lambda x, a: np.sin(a * x), 0.0, b, args=(a,))[0], 1.3, 0.9
    ),
    "odeint": (
        lambda y, rate: integrate.odeint(decay, y, TIMES, args=(rate,)), onp.ones(2), 1.2
    ),
    "solve_ivp": (
        lambda y, rate: integrate.solve_ivp(
            lambda t, y, rate: -rate * y, (0.0, 1.0), y, t_eval=TIMES, args=(rate,)
        ).y,
        onp.ones(2),
        1.2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SOLVERS)
def test_solvers(name):
    function, *leaves = SOLVERS[name]
    check(function, leaves)
