"""SciPy under `jit`: host calls around the user's functions, frozen distributions; never stale."""

from __future__ import annotations

import warnings

import numpy as onp
import pytest

pytest.importorskip("scipy")

import scipy.integrate
import scipy.linalg
import scipy.ndimage
import scipy.optimize
import scipy.signal
import scipy.spatial.distance
import scipy.special
import scipy.stats
from scipy.optimize import BFGS, NonlinearConstraint

import fastad.numpy as np
from fastad import getval, grad, jit, value_and_grad
from fastad._core import Recording
from fastad.programs.report import ProgramWarning
from fastad.scipy import integrate, interpolate, linalg, optimize, stats

from .agreement import counted

LEVEL = {"scale": 1.0}
WEIGHTS = onp.array([1.0, 2.0])
PLACES = onp.linspace(0.0, 1.0, 6)
COUNTS = onp.array([1, 2, 3])
TIMES = onp.linspace(0.0, 1.0, 4)


class Model:
    rate = 1.0


model = Model()


def nested(a):
    parts = [2.0 * a]
    helper = lambda x: x * x - parts[0]
    return optimize.brentq(lambda x: helper(x), 0.0, 20.0)


def checked(a):
    found = optimize.root(lambda x, a: x * x - a, onp.ones(1), args=(a,))
    return found.x[0] if found.success else -a


REPLAYED = {
    "root": lambda a: np.sum(optimize.root(lambda x: x * x - a, onp.ones(2)).x),
    "nested": nested,
    "checked": checked,
    "minimize": lambda a: optimize.minimize(
        lambda x, a: np.sum((x - a) ** 2 + np.cosh(x)),
        onp.ones(2),
        args=(a,),
        bounds=[(0.5, None), (0.1 * a, 1.5)],
    ).x[1],
    "minimize, constraints": lambda a: optimize.minimize(
        lambda x, a: np.sum((x - a) ** 2),
        onp.zeros(2),
        args=(a,),
        tol=1e-12,
        constraints=[
            {"type": "ineq", "fun": lambda x: a - x[0] - 2.0 * x[1]},
            # The default of hess is one object in SciPy 1.11, which a call changes.
            NonlinearConstraint(lambda x: np.cosh(x[0]), -onp.inf, 3.0 * a, hess=BFGS()),
        ],
    ).x[1],
    "quad": lambda a: integrate.quad(lambda x, a: np.sin(a * x), 0.0, a, args=(a,))[0],
    "odeint": lambda a: np.sum(
        integrate.odeint(lambda y, t, a: -a * y, onp.ones(2), TIMES, args=(a,))
    ),
    "solve_ivp": lambda a: np.sum(
        integrate.solve_ivp(
            lambda t, y, a: -a * y, (0.0, 1.0), onp.ones(2), t_eval=TIMES, args=(a,)
        ).y
    ),
    "CubicSpline": lambda a: interpolate.CubicSpline(PLACES, np.sin(a * PLACES))(0.1 * a),
    "BSpline": lambda a: interpolate.BSpline(
        onp.arange(9.0), np.sin(a * WEIGHTS[[0, 1, 0, 1, 0]]), 3
    )(3 + 0.1 * a),
    "a frozen distribution": lambda a: np.sum(stats.gamma(a, scale=2.0 * a).logpdf(PLACES + 1.0)),
    "a frozen normal distribution": lambda a: stats.multivariate_normal(
        a * WEIGHTS, a * onp.eye(2)
    ).logpdf(WEIGHTS),
    "multinomial": lambda a: stats.multinomial(
        6, np.array([0.2 - 0.01 * a, 0.01 * a + 0.3, 0.5])
    ).logpmf(COUNTS),
    "solve_continuous_are": lambda a: np.sum(
        linalg.solve_continuous_are(a * onp.diag(WEIGHTS), onp.eye(2), onp.eye(2), onp.eye(2))
    ),
}


def compared(function, change=lambda step: None, quiet=True):
    """The program, after calls at several inputs that all give what the function does."""
    program = jit(function, check="always")
    with warnings.catch_warnings():
        warnings.simplefilter("error" if quiet else "ignore")
        for step in range(12):
            change(step)
            a = 1.3 + 0.05 * step
            onp.testing.assert_allclose(program(a), function(a), rtol=1e-9)
    return program


@pytest.mark.parametrize("derivative", [lambda f: f, value_and_grad], ids=["value", "gradient"])
@pytest.mark.parametrize("name", REPLAYED)
def test_replays(name, derivative):
    program = compared(derivative(REPLAYED[name]))
    worlds = [world for entry in program._entries.values() for world in entry.worlds]
    assert any(world.trusted for world in worlds)


@pytest.fixture
def state():
    LEVEL["scale"], WEIGHTS[0], model.rate = 1.0, 1.0, 1.0
    yield
    LEVEL["scale"], WEIGHTS[0], model.rate = 1.0, 1.0, 1.0


def changed(step):
    if step in (5, 9):
        LEVEL["scale"] += 0.5
        WEIGHTS[0] += 0.25
        model.rate += 0.5


READS = {
    "a global": lambda a: optimize.brentq(lambda x: x * x - a * LEVEL["scale"], 0.0, 20.0),
    "an attribute": lambda a: optimize.root(lambda x: x * x - a * model.rate, onp.ones(1)).x[0],
    "an array": lambda a: np.sum(
        integrate.odeint(lambda y, t, a: -a * y * WEIGHTS, onp.ones(2), TIMES, args=(a,))
    ),
    "an array in an integrand": lambda a: integrate.quad(
        lambda x, a: np.sin(a * x) * WEIGHTS[0], 0.0, 1.0, args=(a,)
    )[0],
}


@pytest.mark.parametrize("derivative", [lambda f: f, value_and_grad], ids=["value", "gradient"])
@pytest.mark.parametrize("name", READS)
def test_what_a_function_reads_is_never_stale(name, derivative, state):
    compared(derivative(READS[name]), changed, quiet=False)


def test_a_function_that_counts_its_calls_is_called():
    calls = []

    def counted(x, a):
        calls.append(x)
        return x * x - a

    program = jit(lambda a: optimize.root(counted, onp.ones(1), args=(a,)).x[0])
    for step in range(6):
        calls.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program(1.3 + 0.1 * step)
        assert calls


def test_a_derivative_by_what_a_recorded_call_reads_from_an_object():
    def outer(b):
        def inner(a):
            model.rate = a
            return optimize.root(lambda x, b: x * x - model.rate * b, onp.ones(1), args=(b,)).x[0]

        return grad(inner)(2.0)

    expected = outer(1.1)
    assert expected == pytest.approx(onp.sqrt(1.1 / 2.0) / 2.0)
    with Recording() as recording:
        got = outer(recording.box(1.1))
        assert recording.dead is None
        assert getval(got) == pytest.approx(expected, rel=1e-12)
    model.rate = 1.0


def test_a_derivative_by_what_an_integrand_reads_from_outside_is_refused():
    def outer(b):
        function = lambda a: integrate.quad(lambda x, b: a * b * x, 0.0, 1.0, args=(b,))[0]
        return grad(function)(2.0)

    with pytest.raises(TypeError, match="traced"):
        outer(1.1)
    with Recording() as recording, pytest.raises(TypeError, match="quad.*through args"):
        outer(recording.box(1.1))


def cup(z):
    return float(onp.sum(z**2))


SIGNAL = onp.random.RandomState(0).randn(12)
IMAGE = onp.random.RandomState(1).randn(6, 6)
PLAIN = {
    "convolve": (lambda x: scipy.signal.convolve(x, x), SIGNAL),
    "savgol_filter": (lambda x: scipy.signal.savgol_filter(x, 5, 2), SIGNAL),
    "filtfilt": (lambda x: scipy.signal.filtfilt([0.5, 0.5], [1.0, 0.2], x, padlen=3), SIGNAL),
    "gaussian_filter": (lambda x: scipy.ndimage.gaussian_filter(x, 1.0), IMAGE),
    "median_filter": (lambda x: scipy.ndimage.median_filter(x, 3), IMAGE),
    "simpson": (lambda x: scipy.integrate.simpson(x), SIGNAL),
    "cdist": (lambda x: scipy.spatial.distance.cdist(x, 2.0 * x), IMAGE),
    "zscore": (lambda x: scipy.stats.zscore(x), SIGNAL),
    "logpdf": (lambda x: scipy.stats.norm.logpdf(x, 0.1, 2.0), SIGNAL),
    "solve": (lambda x: scipy.linalg.solve(x + 9.0 * onp.eye(6), SIGNAL[:6]), IMAGE),
    "expm": (lambda x: scipy.linalg.expm(x), IMAGE),
    "cholesky": (lambda x: scipy.linalg.cholesky(x @ x.T + onp.eye(6)), IMAGE),
    "gammaln": (lambda x: scipy.special.gammaln(x**2 + 1.0), SIGNAL),
}


@pytest.mark.parametrize("name", PLAIN)
def test_functions_of_scipy_itself_are_replayed(name):
    f, at = PLAIN[name]
    fast = jit(f, check="off")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i in range(9):
            x = at + 0.01 * i
            onp.testing.assert_allclose(fast(x), f(x), rtol=1e-9, atol=1e-9)
            if i == 4:
                assert fast.programs
                assert not counted(fast, x)[1]


@pytest.mark.filterwarnings("ignore:nperseg")
def test_functions_of_scipy_itself_that_warn_or_draw_are_not_replayed():
    short = jit(lambda x: scipy.signal.welch(x, nperseg=256)[1])
    drawing = jit(lambda x: x * scipy.optimize.differential_evolution(cup, [(-1, 1)], maxiter=1).x)
    for fast in (short, drawing):
        with pytest.warns(ProgramWarning):
            for i in range(4):
                fast(SIGNAL + i)
        assert not fast.programs
    with pytest.warns(UserWarning, match="nperseg"):
        short(SIGNAL)


def test_functions_of_scipy_itself_that_call_the_users_are_never_stale():
    level = {"target": 1.0}

    def f(x):
        found = scipy.optimize.brentq(lambda z: z**3 - level["target"], 0.0, 10.0)
        return x * found

    fast = jit(f)
    for target in (1.0, 8.0, 2.0):
        level["target"] = target
        for i in range(7):
            assert abs(fast(1.0 + i) - f(1.0 + i)) < 1e-9
