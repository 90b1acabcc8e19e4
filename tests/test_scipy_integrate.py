"""`fastad.scipy.integrate`: odeint and solve_ivp by initial value, times and arguments."""

from __future__ import annotations

import numpy as onp
import pytest

scipy_integrate = pytest.importorskip("scipy.integrate")

import fastad.numpy as np  # noqa: E402
import fastad.scipy.integrate as integrate  # noqa: E402
import fastad.scipy.integrate.adjoints as adjoints  # noqa: E402
import fastad.scipy.integrate.right_sides as right_sides  # noqa: E402
import fastad.scipy.integrate.trajectories as trajectories  # noqa: E402
from fastad import (  # noqa: E402
    grad,
    hessian,
    jacobian,
    jit,
    make_jvp,
    make_vjp,
    value_and_grad,
)
from fastad.test_util import check_grads  # noqa: E402

Y0 = onp.array([0.5, -0.3])
TIMES = onp.array([0.1, 0.5, 1.0, 1.7])
STRENGTH, FRICTION = 1.3, {"k": 0.2}


@pytest.fixture(autouse=True)
def _seeded():
    onp.random.seed(20260101)


def pendulum(y, t, strength, friction):
    return np.array([y[1], -strength * np.sin(y[0]) - friction["k"] * y[1] + np.cos(t)])


def by_odeint(y0, t, strength, friction):
    tight = {"rtol": 1e-12, "atol": 1e-12}
    return integrate.odeint(pendulum, y0, t, (strength, friction), **tight)


def by_solve_ivp(y0, t, strength, friction):
    return integrate.solve_ivp(
        lambda t, y, *args: pendulum(y, t, *args),
        (0.1, 2.0),
        y0,
        method="DOP853",
        t_eval=t,
        args=(strength, friction),
        rtol=1e-12,
        atol=1e-13,
    ).y


@pytest.mark.parametrize("solver", [by_odeint, by_solve_ivp])
class TestBoth:
    @pytest.mark.parametrize("argnum", range(4))
    def test_against_differences(self, solver, argnum):
        times = TIMES if solver is by_odeint else TIMES + 0.1
        # Second differences of a solution carry its error: weights keep them smooth.
        check_grads(solver, argnum, order=1)(Y0, times, STRENGTH, FRICTION)
        check_grads(solver, argnum, order=2)(Y0, times[:2], STRENGTH, FRICTION)

    def test_forward_and_reverse_agree(self, solver):
        times = TIMES if solver is by_odeint else TIMES + 0.1
        loss = lambda y0: np.sum(solver(y0, times, STRENGTH, FRICTION) ** 2)
        gradient = grad(loss)(Y0)
        pushed = [make_jvp(loss)(Y0)(e)[1] for e in onp.eye(2)]
        onp.testing.assert_allclose(gradient, pushed, rtol=1e-9)
        hessian = jacobian(grad(loss))(Y0)
        onp.testing.assert_allclose(hessian, hessian.T, rtol=1e-8)

    def test_values_are_scipys(self, solver):
        value = make_vjp(solver)(Y0, TIMES, STRENGTH, FRICTION)[1]
        if solver is by_odeint:
            expected = scipy_integrate.odeint(
                pendulum, Y0, TIMES, (STRENGTH, FRICTION), rtol=1e-12, atol=1e-12
            )
        else:
            expected = solver(Y0, TIMES, STRENGTH, FRICTION)
        onp.testing.assert_array_equal(value, expected)


def test_against_autograd():
    autograd = pytest.importorskip("autograd")
    theirs = pytest.importorskip("autograd.scipy.integrate")
    anp = autograd.numpy
    rhs = lambda m: lambda y, t, a: m.array([y[1], -a * m.sin(y[0]) + m.cos(t)])
    boxed_tuple = pytest.importorskip("autograd.builtins").tuple
    for i in range(3):
        got, expected = (
            g(
                lambda y, t, a, m=m, s=s, pair=pair: m.sum(
                    s.odeint(rhs(m), y, t, pair((a,)), rtol=1e-10, atol=1e-10) ** 2
                ),
                i,
            )(Y0, TIMES, STRENGTH)
            for g, m, s, pair in (
                (grad, np, integrate, tuple),
                (autograd.grad, anp, theirs, boxed_tuple),
            )
        )
        onp.testing.assert_allclose(got, expected, rtol=1e-6)


def test_decay_in_closed_form():
    # y = y0 exp(-c (t - t0)).
    def value(y0, c, t0, t1):
        found = integrate.solve_ivp(
            lambda t, y, c: -c * y, (t0, t1), np.array([y0]), args=(c,), rtol=1e-11, atol=1e-12
        )
        return found.y[0, -1]

    y0, c, t0, t1 = 2.0, 0.7, 0.3, 1.5
    exact = y0 * onp.exp(-c * (t1 - t0))
    expected = [exact / y0, -(t1 - t0) * exact, c * exact, -c * exact]
    onp.testing.assert_allclose(grad(value, (0, 1, 2, 3))(y0, c, t0, t1), expected, rtol=1e-8)
    second = grad(grad(value, 1), 1)(y0, c, t0, t1)
    assert second == pytest.approx((t1 - t0) ** 2 * exact, rel=1e-7)


@pytest.mark.parametrize("method", ["RK45", "RK23", "Radau", "BDF", "LSODA"])
def test_methods(method):
    function = lambda y: (
        integrate.solve_ivp(
            lambda t, y: -y * y,
            (1.0, 0.0),
            y,
            method=method,
            t_eval=[0.7, 0.2],
            rtol=1e-8,
            atol=1e-10,
        ).y
    )
    # y = y0 / (1 + y0 (t - 1)), backwards in time.
    y0, t = onp.array([0.5, 0.7]), onp.array([0.7, 0.2])
    slopes = 1 / (1 + y0[:, None] * (t - 1)) ** 2
    expected = onp.einsum("it,ij->itj", slopes, onp.eye(2))
    onp.testing.assert_allclose(jacobian(function)(y0), expected, atol=2e-5)


def test_repeated_times_and_start():
    repeated = onp.array([0.1, 0.5, 0.5, 1.0])
    gradient = grad(lambda t: np.sum(by_odeint(Y0, t, STRENGTH, FRICTION)))(repeated)
    apart = grad(lambda t: np.sum(by_odeint(Y0, t, STRENGTH, FRICTION)[[0, 1, 1, 2]]))(
        onp.array([0.1, 0.5, 1.0])
    )
    assert gradient[1] + gradient[2] == pytest.approx(apart[1])
    value = lambda y: np.sum(by_solve_ivp(y, onp.array([0.1, 0.4]), STRENGTH, FRICTION)[:, 0])
    onp.testing.assert_allclose(grad(value)(Y0), [1.0, 1.0])


def test_options():
    rows, info = make_vjp(
        lambda y: integrate.odeint(lambda t, y: -y, y, TIMES, tfirst=True, full_output=True)
    )(Y0)[1]
    assert rows.shape == (4, 2)
    assert "nfe" in info
    assert grad(lambda y: np.sum(integrate.odeint(lambda y, t: -y, y, TIMES)))(2.0) > 0
    slope = grad(lambda c: integrate.odeint(lambda y, t, c: c * t, 2.0, TIMES, args=(c,))[-1, 0])
    assert slope(2.0) == pytest.approx((1.7**2 - 0.1**2) / 2, rel=1e-6)
    found = integrate.solve_ivp(lambda t, y: -y, (0, 1), Y0, vectorized=True)
    got = make_vjp(lambda y: integrate.solve_ivp(lambda t, y: -y, (0, 1), y, vectorized=True).y)(
        Y0
    )[1]
    onp.testing.assert_array_equal(got, found.y)


# ---- many output times ---------------------------------------------------------------------------

MANY_TIMES = onp.linspace(0, 3, 61)


def relaxation(y, t, rate, level):
    """y = level + (y0 - level) exp(-rate t)."""
    return rate * (level - y)


def relaxed(y0, rate, level):
    return level + (y0 - level) * np.exp(-rate * MANY_TIMES[:, None])


def ways(monkeypatch):
    """Forwards, by sensitivities, and backwards, by collocation and by the solver itself."""
    yield "forwards"
    monkeypatch.setattr(trajectories, "FEW", 0)
    yield "by collocation"
    monkeypatch.setattr(trajectories, "swept", lambda *args: None)
    yield "by the solver"


def test_many_times_in_closed_form(monkeypatch):
    y0, rate, level = onp.array([2.0, -1.0]), 0.7, onp.array([0.5, 0.2])
    weights = onp.cos(MANY_TIMES)[:, None] * onp.array([1.0, 2.0])

    def loss(y0, rate, level):
        rows = integrate.odeint(relaxation, y0, MANY_TIMES, args=(rate, level))
        return np.sum(weights * rows)

    exact = lambda *args: np.sum(weights * relaxed(*args))
    expected = grad(exact, (0, 1, 2))(y0, rate, level)
    second = grad(grad(exact, 1), 1)(y0, rate, level)
    for _ in ways(monkeypatch):
        # The accuracy is that of odeint's tolerance, 1.5e-8.
        for one, other in zip(grad(loss, (0, 1, 2))(y0, rate, level), expected):
            onp.testing.assert_allclose(one, other, rtol=3e-6)
        assert grad(grad(loss, 1), 1)(y0, rate, level) == pytest.approx(second, rel=1e-5)
    pushed = make_jvp(loss, 1)(y0, rate, level)(1.0)[1]
    assert pushed == pytest.approx(expected[1], rel=1e-6)


def test_both_ways_by_times_and_everything(monkeypatch):
    found = [
        grad(lambda *args: np.sum(by_odeint(*args) ** 2), (0, 1, 2, 3))(
            Y0, TIMES, STRENGTH, FRICTION
        )
        for _ in ways(monkeypatch)
    ]
    for one, *others in zip(*found):
        for other in others:
            if isinstance(one, dict):
                onp.testing.assert_allclose(one["k"], other["k"], rtol=1e-8)
            else:
                onp.testing.assert_allclose(one, other, rtol=1e-8)


def oscillator(y, t, p):
    """A driven one, with parameters that only a pulse lets in."""
    pulse = np.exp(-((t - 0.8) ** 2) / (2 * p[1] ** 2))
    return np.array([y[1], -p[0] * y[0] + pulse * p[2] * np.sin(30 * t)])


def stiff(y, t, p):
    return np.array([-p[0] * 1000 * (y[0] - np.cos(p[1] * t)), y[0] - p[2] * y[1]])


@pytest.mark.parametrize("rhs", [oscillator, stiff])
@pytest.mark.parametrize(
    "times",
    [
        onp.array([0.0, 2.0]),
        onp.array([0.0, 0.0, 0.3, 0.3, 0.3, 0.5, 2.0]),
        onp.array([2.0, 1.1, 1.1, 0.4]),
        onp.linspace(0.0, 2.0, 41),
    ],
    ids=["two", "repeated", "backwards", "many"],
)
def test_collocation_agrees_with_sensitivities(rhs, times, monkeypatch):
    if rhs is stiff and times[0] > times[-1]:
        times = times[::-1].copy()
    y0, p = onp.array([0.7, -0.2]), onp.array([3.0, 0.1, 0.6])
    weights = onp.random.RandomState(0).normal(size=(len(times), 2))

    def loss(y0, times, p):
        rows = integrate.odeint(rhs, y0, times, args=(p,), rtol=1e-10, atol=1e-12, mxstep=20000)
        return np.sum(weights * rows)

    used = []
    collocated = trajectories.swept

    def watched(*args):
        used.append(collocated(*args))
        return used[-1]

    monkeypatch.setattr(trajectories, "swept", watched)
    taken = zip(ways(monkeypatch), range(2))
    forwards, backwards = [grad(loss, (0, 1, 2))(y0, times, p) for _ in taken]
    assert len(used) == 1
    assert used[0] is not None
    for one, other in zip(forwards, backwards):
        onp.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("solver", ["odeint", "solve_ivp"])
def test_collocation_stays_within_any_times(solver, monkeypatch):
    """Ends of pieces are the output times to the bit, whatever these are."""
    monkeypatch.setattr(trajectories, "FEW", 0)
    linalg = pytest.importorskip("scipy.linalg")
    random = onp.random.RandomState(0)
    rhs = lambda y, t, p: np.array([y[1], -p[0] * y[0] - p[1] * y[1]])
    p, y0 = onp.array([2.0, 0.1]), onp.array([0.3, -0.8])

    for k in range(6):
        times = onp.sort(random.normal(size=5))[:: 1 if k % 2 else -1].copy()

        def loss(p, times=times):
            if solver == "odeint":
                rows = integrate.odeint(rhs, y0, times, args=(p,), rtol=1e-9, atol=1e-10)
                return np.sum(rows)
            span = (times[0], times[-1])
            tight = {"rtol": 1e-9, "atol": 1e-10}
            turned = lambda t, y, p: rhs(y, t, p)
            return np.sum(integrate.solve_ivp(turned, span, y0, t_eval=times, args=(p,), **tight).y)

        def exact(p, times=times):
            matrix = onp.array([[0.0, 1.0], [-p[0], -p[1]]])
            return sum(onp.sum(linalg.expm(matrix * (t - times[0])) @ y0) for t in times)

        steps = 1e-6 * onp.eye(2)
        wanted = [(exact(p + step) - exact(p - step)) / 2e-6 for step in steps]
        onp.testing.assert_allclose(grad(loss)(p), wanted, rtol=1e-6, atol=1e-7)


def test_collocation_gives_way_to_the_solver(monkeypatch):
    """Where halving does not end, at a jump of the right hand side, and of many variables."""
    monkeypatch.setattr(trajectories, "FEW", 0)
    found = []
    collocated = trajectories.swept
    monkeypatch.setattr(
        trajectories, "swept", lambda *args: found.append(collocated(*args)) or found[-1]
    )

    def jumping(y, t, p):
        return p[0] * y if t < 1 / 3 else -p[1] * y

    def loss(p):
        rows = integrate.odeint(jumping, [1.0], onp.array([0.0, 1.0]), args=(p,), hmax=0.01)
        return rows[-1, 0]

    p = onp.array([0.4, 0.9])
    exact = onp.exp(p[0] / 3 - p[1] * 2 / 3) * onp.array([1 / 3, -2 / 3])
    onp.testing.assert_allclose(grad(loss)(p), exact, rtol=1e-5)
    monkeypatch.setattr(adjoints, "LARGEST", 24)
    monkeypatch.setattr(trajectories, "SEVERAL", 100)
    wide = lambda c: np.sum(
        integrate.odeint(lambda y, t, c: -c * y, onp.ones(30), onp.array([0.0, 1.0]), args=(c,))
    )
    assert grad(wide)(0.5) == pytest.approx(-30 * onp.exp(-0.5), rel=1e-6)
    assert found[-1] is None


def test_gradients_evaluate_seldom():
    """Derivatives by few parameters take one more solution, most of it replayed."""
    calls = []

    def rhs(y, t, rate, level):
        calls.append(1)
        return relaxation(y, t, rate, level)

    def replayed(y, t, rate, level):
        return relaxation(y, t, rate, level)

    loss = lambda f: (
        lambda rate: np.sum(integrate.odeint(f, Y0, MANY_TIMES, args=(rate, onp.array([0.5, 0.2]))))
    )
    loss(rhs)(0.7)
    plain = len(calls)
    calls.clear()
    gradient = grad(loss(rhs))(0.7)  # not replayed, since it keeps count
    assert len(calls) < 5 * plain
    for _ in range(3):
        assert grad(loss(replayed))(0.7) == pytest.approx(gradient, rel=1e-9)
    assert list(right_sides.programs._known.values())[-1].programs


def test_state_and_branches_of_a_right_hand_side():
    state = {"level": 1.0}

    def rhs(y, t, rate):
        level = state["level"] if t < 1.5 else 0.0
        return rate * (level - y)

    loss = lambda rate: np.sum(
        integrate.odeint(rhs, np.array([2.0]), MANY_TIMES, args=(rate,), hmax=0.02)
    )

    def exact(rate):
        early, late = MANY_TIMES[MANY_TIMES < 1.5], MANY_TIMES[MANY_TIMES >= 1.5]
        level = state["level"]
        reach = lambda t: level + (2 - level) * np.exp(-rate * t)
        return np.sum(reach(early)) + np.sum(reach(1.5) * np.exp(-rate * (late - 1.5)))

    for level in (1.0, 1.0, 1.0, 0.3, -2.0, -2.0):
        state["level"] = level
        assert grad(loss)(0.7) == pytest.approx(grad(exact)(0.7), rel=1e-4)


def test_a_right_hand_side_that_cannot_be_replayed():
    draws = onp.random.RandomState(0)

    def rhs(y, t, rate):
        draws.rand()
        print(end="")
        return -rate * y

    loss = lambda rate: np.sum(integrate.odeint(rhs, np.ones(1), MANY_TIMES, args=(rate,)))
    exact = lambda rate: np.sum(np.exp(-rate * MANY_TIMES))
    for _ in range(3):
        assert grad(loss)(0.7) == pytest.approx(grad(exact)(0.7), rel=1e-6)


def test_many_parameters():
    draw = onp.random.default_rng(0).standard_normal
    w = 0.3 * draw((3, 200))

    def net(y, t, w):
        return np.matmul(w, np.tanh(np.matmul(w.T, y))) - y

    loss = lambda w: np.sum(
        integrate.odeint(net, onp.ones(3), onp.linspace(0, 1, 5), args=(w,)) ** 2
    )
    v = draw(w.shape)
    along = (loss(w + 1e-5 * v) - loss(w - 1e-5 * v)) / 2e-5
    assert onp.sum(grad(loss)(w) * v) == pytest.approx(along, rel=1e-5)


def test_errors():
    with pytest.raises(TypeError, match="traced"):
        grad(lambda c: np.sum(integrate.odeint(lambda y, t: -c * y, Y0, TIMES)))(2.0)
    with pytest.raises(TypeError, match="traced"):
        grad(lambda c: integrate.quad(lambda y: c * y, 0.0, 1.0)[0])(2.0)
    with pytest.raises(NotImplementedError, match="quad.*'weight'"):
        grad(lambda c: integrate.quad(lambda y: y, 0.0, c, weight="cos", wvar=2.0)[0])(2.0)
    with pytest.raises(TypeError, match="quad_vec.*by args="):
        grad(lambda c: integrate.quad_vec(lambda x: c * x, 0.0, 1.0)[0])(2.0)
    with pytest.raises(TypeError, match="solve_bvp reads"):
        grad(
            lambda c: np.sum(
                integrate.solve_bvp(
                    lambda x, y: np.stack([y[1], -c * y[0]]),
                    lambda left, right: np.array([left[0], right[0] - 1]),
                    onp.linspace(0, 1, 5),
                    onp.zeros((2, 5)),
                ).y
            )
        )(2.0)
    bad = onp.array([1.7, 0.2])
    with pytest.raises(ValueError) as expected:
        scipy_integrate.solve_ivp(lambda t, y: -y, (0, 2), Y0, t_eval=bad)
    with pytest.raises(ValueError) as got:
        make_vjp(lambda y: integrate.solve_ivp(lambda t, y: -y, (0, 2), y, t_eval=bad).y)(Y0)
    assert str(got.value) == str(expected.value)
    assert integrate.quad(lambda x: x, 0, 1)[0] == pytest.approx(0.5)


# ---- samples and functions -----------------------------------------------------------------------

PLACES = onp.array([0.0, 0.3, 0.5, 1.1, 1.4, 2.0, 2.1])


@pytest.mark.parametrize("n", [2, 3, 6, 7])
@pytest.mark.parametrize(
    "name", ["trapezoid", "simpson", "cumulative_trapezoid", "cumulative_simpson"]
)
def test_samples(name, n, random):
    if not hasattr(scipy_integrate, name):
        pytest.skip("not in this version of SciPy")
    function, theirs = getattr(integrate, name), getattr(scipy_integrate, name)
    y, x = random.standard_normal((2, n)), PLACES[:n]
    onp.testing.assert_array_equal(make_vjp(function)(y)[1], theirs(y))
    check_grads(lambda y, dx: function(y, dx=dx), (0, 1), order=2)(y, 0.7)
    onp.testing.assert_array_equal(make_vjp(lambda y: function(y, x=x))(y)[1], theirs(y, x=x))
    check_grads(lambda y, x: function(y, x=x), (0, 1), order=2)(y, x)
    check_grads(lambda y: function(y, x=x, axis=0), order=1)(y.T)
    if name.startswith("cumulative"):
        start = 0 if name == "cumulative_trapezoid" else 0.4
        value = make_vjp(lambda y: function(y, x=x, initial=start))(y)[1]
        onp.testing.assert_array_equal(value, theirs(y, x=x, initial=start))
        check_grads(lambda y: function(y, x=x, initial=start), order=1)(y)


@pytest.mark.parametrize("n", [3, 4, 5, 6, 7])
def test_simpson_where_two_samples_share_a_place(n, random):
    """SciPy leaves out the parabola there, and so does the derivative, whichever two these are."""
    y = random.standard_normal((2, n))
    for k in range(n - 1):
        for also in (k, min(k + 1, n - 2)):
            x = onp.cumsum(onp.where(onp.isin(onp.arange(n), (k + 1, also + 1)), 0.0, 0.5))
            weights = scipy_integrate.simpson(onp.eye(n), x=x)
            slopes = grad(lambda y, x=x: np.sum(integrate.simpson(y, x=x)))(y)
            onp.testing.assert_allclose(slopes, onp.tile(weights, (2, 1)), atol=1e-15)
            moved = make_jvp(lambda y, x=x: integrate.simpson(y, x=x))(y)(y)[1]
            onp.testing.assert_allclose(moved, scipy_integrate.simpson(y, x=x), atol=1e-15)


def test_sums_of_samples_are_replayed(random):
    fun = value_and_grad(lambda y, x: np.sum(integrate.trapezoid(y, x) * integrate.simpson(y, x)))
    fast, y = jit(fun), random.standard_normal((2, 6))
    for i in range(5):
        for got, wanted in zip(fast(y + i, PLACES[:6]), fun(y + i, PLACES[:6])):
            onp.testing.assert_allclose(got, wanted, rtol=1e-12)
    assert len(fast.programs) == 1


def test_romb(random):
    y = random.standard_normal((2, 9))
    onp.testing.assert_array_equal(make_vjp(integrate.romb)(y)[1], scipy_integrate.romb(y))
    check_grads(lambda y, dx: integrate.romb(y, dx), (0, 1), order=2)(y, 0.3)
    check_grads(lambda y: integrate.romb(y, axis=0), order=1)(y.T)


def test_quad():
    # The integral of exp(-c x) cos(x) from a to b.
    integrand = lambda x, c: np.exp(-c * x) * np.cos(x)
    primitive = lambda x, c: np.exp(-c * x) * (np.sin(x) - c * np.cos(x)) / (1 + c * c)
    value = lambda a, b, c: integrate.quad(integrand, a, b, args=(c,))[0]
    exact = lambda a, b, c: primitive(b, c) - primitive(a, c)
    point = (0.2, 1.9, 0.7)
    assert make_vjp(value)(*point)[1] == scipy_integrate.quad(integrand, *point[:2], (0.7,))[0]
    for i in range(3):
        first, wanted = grad(value, i), grad(exact, i)
        assert first(*point) == pytest.approx(wanted(*point), rel=1e-9)
        assert make_jvp(value, i)(*point)(1.0)[1] == pytest.approx(wanted(*point), rel=1e-9)
        for j in range(3):
            assert grad(first, j)(*point) == pytest.approx(grad(wanted, j)(*point), rel=1e-8)
            forward = make_jvp(first, j)(*point)(1.0)[1]
            assert forward == pytest.approx(grad(wanted, j)(*point), rel=1e-8)


def test_quad_vec():
    """Both modes, two orders and a replay; (1 - exp(-a b)) / a and the same times two."""

    def integral(z):
        def f(x, rate):
            return np.exp(-rate * x) * np.array([[1.0, 2.0]])

        return integrate.quad_vec(f, 0.0, z[1], args=(z[0],))[0]

    exact = lambda z: (1 - np.exp(-z[0] * z[1])) / z[0] * onp.array([[1.0, 2.0]])
    z, v = onp.array([1.3, 0.4]), onp.array([0.3, -0.7])
    onp.testing.assert_allclose(integral(z), exact(z), rtol=1e-10)
    onp.testing.assert_allclose(jacobian(integral)(z), jacobian(exact)(z), rtol=1e-8)
    onp.testing.assert_allclose(make_jvp(integral)(z)(v)[1], make_jvp(exact)(z)(v)[1], rtol=1e-8)
    loss = lambda of: lambda z: np.sum(of(z) ** 2)
    onp.testing.assert_allclose(hessian(loss(integral))(z), hessian(loss(exact))(z), rtol=1e-7)
    replayed = jit(grad(loss(integral)))
    found = [replayed(z * (1 + 0.01 * k)) for k in range(4)]
    assert not replayed.gave_up
    onp.testing.assert_allclose(found[3], grad(loss(exact))(z * 1.03), rtol=1e-8)


@pytest.mark.parametrize("n", [1, 4, 5])
def test_fixed_quad(n):
    """Gauss's rule is exact for polynomials of degree 2 n - 1; what is read from outside counts."""
    f = lambda x, a, b: a * x ** (2 * n - 1) + b

    def integral(z):
        return integrate.fixed_quad(lambda x, a: f(x, a, z[1]), 0.2, z[2], (z[0],), n)[0]

    def exact(z):
        return z[0] * (z[2] ** (2 * n) - 0.2 ** (2 * n)) / (2 * n) + z[1] * (z[2] - 0.2)

    z, v = onp.array([1.3, 0.4, 0.9]), onp.array([0.3, -0.7, 1.1])
    assert integral(z) == pytest.approx(exact(z), rel=1e-12)
    assert integral(z) == scipy_integrate.fixed_quad(f, 0.2, z[2], tuple(z[:2]), n)[0]
    onp.testing.assert_allclose(grad(integral)(z), grad(exact)(z), rtol=1e-12)
    assert make_jvp(integral)(z)(v)[1] == pytest.approx(make_jvp(exact)(z)(v)[1], rel=1e-12)
    onp.testing.assert_allclose(hessian(integral)(z), hessian(exact)(z), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "n"),
    [(0.0, onp.inf, 5), (-onp.inf, 1.0, 5), (-onp.inf, onp.inf, 2), (0.0, 1.0, 0), (0.0, 1.0, -1)],
)
def test_fixed_quad_refuses_what_scipy_refuses(a, b, n):
    """Whether the ends are traced or the arguments are, in both modes, and at a replay."""
    decay = lambda x, k: np.exp(-k * x)
    with pytest.raises(ValueError) as theirs:
        scipy_integrate.fixed_quad(decay, a, b, (1.0,), n)
    integral = lambda a, b, k: integrate.fixed_quad(decay, a, b, (k,), n)[0]
    for argnum in range(3):
        for derivative in (
            grad(integral, argnum),
            lambda *z, i=argnum: make_jvp(integral, i)(*z)(1.0),
        ):
            with pytest.raises(ValueError) as ours:
                derivative(a, b, 1.0)
            assert str(ours.value) == str(theirs.value)
    if n > 0:
        replayed = jit(grad(integral, 2))
        for _ in range(4):
            assert onp.isfinite(replayed(0.0, 1.0, 1.0))
        with pytest.raises(ValueError) as ours:
            replayed(a, b, 1.0)
        assert str(ours.value) == str(theirs.value)


def test_quad_of_arrays_and_infinite_ends():
    # The integral of exp(-p0 x^2 + p1 x) over the line.
    exact = lambda p: np.sqrt(onp.pi / p[0]) * np.exp(p[1] ** 2 / (4 * p[0]))
    bell = lambda x, p: np.exp(-p[0] * x * x + p[1] * x)
    value = lambda p: integrate.quad(bell, -onp.inf, onp.inf, args=(p,))[0]
    p = onp.array([0.8, 0.3])
    onp.testing.assert_allclose(grad(value)(p), grad(exact)(p), rtol=1e-7)
    onp.testing.assert_allclose(jacobian(grad(value))(p), jacobian(grad(exact))(p), rtol=1e-7)
    kink = lambda c: integrate.quad(
        lambda x, c: np.abs(x - c) * x, 0, 1, args=(c,), points=[0.3], full_output=1
    )
    assert len(kink(0.3)) == 3
    assert grad(lambda c: kink(c)[0])(0.3) == pytest.approx(0.3**2 - 0.5, rel=1e-9)


class TestContinuous:
    """`sol`, of `dense_output`."""

    SPAN = {"forwards": (0.1, 2.0), "backwards": (2.0, 0.1)}

    @staticmethod
    def at(t, y0, strength, span, method="DOP853"):
        found = integrate.solve_ivp(
            lambda t, y, strength: pendulum(y, t, strength, FRICTION),
            span,
            y0,
            method=method,
            args=(strength,),
            dense_output=True,
            rtol=1e-12,
            atol=1e-13,
        )
        assert found.sol.t_min == min(span)
        return found.sol(t)

    @pytest.mark.parametrize("span", SPAN.values(), ids=SPAN)
    @pytest.mark.parametrize("t", [0.7, onp.array([1.7, 0.2, 0.1, 1.7, 2.0])])
    def test_against_differences(self, t, span):
        def f(y0, strength):
            return self.at(t, y0, strength, span)

        assert f(Y0, STRENGTH).shape == (2, *onp.shape(t))
        for argnum in range(2):
            check_grads(f, argnum, order=2)(Y0, STRENGTH)
        if onp.size(t):
            inner = 0.5 * t + 0.1  # differences stay within the span
            check_grads(lambda s: self.at(inner * s, Y0, STRENGTH * s, span), order=2)(1.0)

    @pytest.mark.parametrize("method", ["RK23", "RK45", "Radau", "BDF", "LSODA"])
    def test_as_y_at_these_times(self, method):
        times = onp.linspace(0.1, 2.0, 5)

        def by_y(strength):
            return integrate.solve_ivp(
                lambda t, y, strength: pendulum(y, t, strength, FRICTION),
                (0.1, 2.0),
                Y0,
                method=method,
                t_eval=times,
                args=(strength,),
                rtol=1e-9,
                atol=1e-11,
            ).y

        slopes = jacobian(lambda s: self.at(times, Y0, s, (0.1, 2.0), method))(STRENGTH)
        onp.testing.assert_allclose(slopes, jacobian(by_y)(STRENGTH), rtol=1e-6, atol=1e-8)

    def test_outside_of_the_span(self):
        with pytest.raises(ValueError, match="outside of the times"):
            grad(lambda s: self.at(2.5, Y0, s, (0.1, 2.0))[0])(STRENGTH)


def test_functions_written_at_each_call_are_recorded_once():
    """A lambda or a method that is made anew is the one of before, while it reads the same."""

    class Relaxing:
        level = 0.5

        def side(self, y, t, rate):
            return rate * (self.level - y)

    model, levels, closed = Relaxing(), [0.5, 0.25], {"level": 0.5}

    def by_default(rate, level):
        return solve(lambda y, t, rate, level=level: rate * (level - y), rate)

    def by_cell(rate, level):
        return solve(lambda y, t, rate: rate * (level - y), rate)

    def by_object(rate, level):
        closed["level"] = level
        return solve(lambda y, t, rate: rate * (closed["level"] - y), rate)

    def by_inner(rate, level):
        inner = lambda y, rate: rate * (level - y)
        return solve(lambda y, t, rate: inner(y, rate), rate)

    def by_method(rate, level):
        model.level = level
        return solve(model.side, rate)

    def by_assigned_cell(rate, level):
        last = level

        def side(y, t, rate):
            nonlocal last
            last, known = level, last
            return rate * (known - y)

        return solve(side, rate)

    def solve(side, rate):
        return integrate.odeint(side, onp.array([1.0]), onp.linspace(0.0, 1.0, 60), (rate,))[-1, 0]

    for way in (by_default, by_cell, by_object, by_inner, by_method, by_assigned_cell):
        for level in (*levels, *levels[::-1], levels[0]):
            for _ in range(3):
                found = grad(way)(2.0, level)
                assert found == pytest.approx((level - 1.0) * onp.exp(-2.0), rel=1e-6), way


def test_lambdas_are_not_evaluated_by_the_derivative_once_they_are_recorded(monkeypatch):
    used = []
    own = right_sides.programs.of
    monkeypatch.setattr(
        right_sides.programs, "of", lambda *args: used.append(own(*args)) or used[-1]
    )

    def loss(rate, shift):
        side = lambda t, y, rate: rate * (shift - y)
        return np.sum(integrate.solve_ivp(side, (0.0, 0.3), Y0, args=(rate,)).y)

    for _ in range(12):
        grad(loss)(0.7, 0.3)
    assert used[-1] is used[-2]
    assert used[-1].programs
    known = used[-1]
    grad(loss)(0.7, 0.4)
    assert used[-1] is not known
