"""Adjoints of solutions of many states: explicit steps, collocation, and what runs away."""

from __future__ import annotations

import numpy as onp
import pytest

pytest.importorskip("scipy")

import fastad.numpy as np
from fastad import grad, jit, make_jvp, make_vjp
from fastad.scipy import integrate
from fastad.scipy.integrate import adjoints, long_steps, right_sides, steps, trajectories


def oscillator(y, t, p):
    """A driven one, with parameters that only a pulse lets in."""
    pulse = np.exp(-((t - 0.8) ** 2) / (2 * p[1] ** 2))
    return np.array([y[1], -p[0] * y[0] + pulse * p[2] * np.sin(30 * t)])


def stepping(monkeypatch):
    """As `ways`, with explicit steps in the place of collocation."""
    yield "forwards"
    monkeypatch.setattr(trajectories, "FEW", 0)
    monkeypatch.setattr(trajectories, "SEVERAL", 0)
    monkeypatch.setattr(trajectories, "swept", None)
    monkeypatch.setattr(trajectories, "_carried", None)
    yield "by steps"


@pytest.mark.parametrize("tolerance", [1e-10, 1e-5])
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
def test_explicit_steps_agree_with_sensitivities(times, tolerance, monkeypatch):
    y0, p = onp.array([0.7, -0.2]), onp.array([3.0, 0.1, 0.6])
    weights = onp.random.RandomState(0).normal(size=(len(times), 2))

    def loss(y0, times, p):
        rows = integrate.odeint(oscillator, y0, times, args=(p,), rtol=tolerance, atol=tolerance)
        return np.sum(weights * rows)

    tight = {"rtol": 1e-11, "atol": 1e-12, "mxstep": 20000}
    right = lambda y0, times, p: integrate.odeint(oscillator, y0, times, (p,), **tight)
    exact = grad(lambda *args: np.sum(weights * right(*args)), (0, 1, 2))(y0, times, p)
    found = [grad(loss, (0, 1, 2))(y0, times, p) for _ in stepping(monkeypatch)]
    for one, other, best in zip(*found, exact):
        onp.testing.assert_allclose(one, other, rtol=3e3 * tolerance, atol=3e2 * tolerance)
        onp.testing.assert_allclose(other, best, rtol=3e3 * tolerance, atol=3e2 * tolerance)


def heat(t, y, k):
    """Of a rod whose ends are held at zero: what decays forwards explodes backwards."""
    n = len(k)
    return k * 0.05 * (n + 1) ** 2 * (np.append(y[1:], 0.0) - 2 * y + np.append(0.0, y[:-1]))


def heat_at(k, y0, times):
    """The same by the matrix exponential."""
    linalg = pytest.importorskip("scipy.linalg")
    n = len(k)
    matrix = (
        k[:, None] * 0.05 * (n + 1) ** 2 * (onp.eye(n, k=1) - 2 * onp.eye(n) + onp.eye(n, k=-1))
    )
    return onp.stack([linalg.expm(matrix * t) @ y0 for t in times])


@pytest.mark.parametrize("n, method", [(30, "BDF"), (45, "BDF"), (30, "LSODA"), (30, "odeint")])
def test_many_stiff_states_in_closed_form(n, method):
    random = onp.random.RandomState(0)
    y0, k, times = random.randn(n), 1 + 0.1 * random.rand(n), onp.linspace(0, 3, 7)

    def loss(k):
        if method == "odeint":
            return np.sum(integrate.odeint(heat, y0, times, (k,), tfirst=True) ** 2)
        found = integrate.solve_ivp(
            heat, (0, 3), y0, method=method, t_eval=times, args=(k,), rtol=1e-8, atol=1e-10
        )
        return np.sum(found.y**2)

    got, step = grad(loss)(k), 1e-5 * random.randn(n)
    moved = [onp.sum(heat_at(k + s, y0, times) ** 2) for s in (step, -step)]
    assert got @ step == pytest.approx((moved[0] - moved[1]) / 2, rel=2e-5)


@pytest.mark.parametrize("method", ["BDF", "Radau", "LSODA", "odeint"])
@pytest.mark.parametrize("count", [5, 101])
def test_stiff_states_at_many_outputs_in_closed_form(method, count):
    """Rough cotangents, by the initial values too, at more outputs than pieces and at fewer."""
    n, random, times = 30, onp.random.RandomState(2), onp.linspace(0.0, 2.0, count)
    y0, k, weights = random.randn(n), 1 + 0.1 * random.rand(n), random.randn(count, n)
    tight = {"rtol": 1e-8, "atol": 1e-10}

    def loss(y0, k):
        if method == "odeint":
            rows = integrate.odeint(heat, y0, times, (k,), tfirst=True, **tight)
        else:
            options = {"method": method, "t_eval": times, **tight}
            rows = integrate.solve_ivp(heat, (0.0, 2.0), y0, args=(k,), **options).y.T
        return np.sum(weights * rows)

    by_y0, by_k = grad(loss, (0, 1))(y0, k)
    exact = sum(heat_at(k, onp.eye(n), [t])[0].T @ w for t, w in zip(times, weights))
    onp.testing.assert_allclose(by_y0, exact, rtol=1e-5, atol=2e-6 * onp.max(onp.abs(exact)))
    step = 1e-5 * random.randn(n)
    moved = [onp.sum(weights * heat_at(k + s, y0, times)) for s in (step, -step)]
    size = onp.linalg.norm(by_k) * onp.linalg.norm(step)
    assert by_k @ step == pytest.approx((moved[0] - moved[1]) / 2, abs=1e-5 * size)


def test_second_order_of_stiff_states_goes_forwards():
    n = 12
    random = onp.random.RandomState(0)
    y0, k, times = random.randn(n), 1 + 0.1 * random.rand(n), onp.linspace(0, 1.5, 4)

    def loss(k):
        found = integrate.solve_ivp(
            heat, (0, 1.5), y0, method="BDF", t_eval=times, args=(k,), rtol=1e-8, atol=1e-10
        )
        return np.sum(found.y**2)

    direction = random.randn(n)
    got = make_jvp(grad(loss))(k)(direction)[1]
    h = 1e-4
    wanted = (grad(loss)(k + h * direction) - grad(loss)(k - h * direction)) / (2 * h)
    onp.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5 * onp.max(onp.abs(wanted)))


def test_stiff_states_of_which_there_are_too_many_are_refused(monkeypatch):
    monkeypatch.setattr(trajectories, "swept", lambda *args: None)
    monkeypatch.setattr(trajectories, "MOST", 100)
    k, times = onp.ones(30), onp.linspace(0, 3, 7)

    def loss(k):
        found = integrate.solve_ivp(
            heat, (0, 3), onp.ones(30), method="BDF", t_eval=times, args=(k,), rtol=1e-6, atol=1e-8
        )
        return np.sum(found.y**2)

    with pytest.raises(NotImplementedError, match="run away where they are integrated backwards"):
        grad(loss)(k)


def net(y, t, w):
    return np.tanh(w @ y) - 0.3 * y


@pytest.mark.parametrize("n", [20, 40])
def test_nets_go_by_explicit_steps(n, monkeypatch):
    random = onp.random.RandomState(0)
    w, y0, times = random.randn(n, n) / onp.sqrt(n), random.randn(n), onp.linspace(0, 3, 11)
    used = []
    own = trajectories.stepped
    monkeypatch.setattr(trajectories, "stepped", lambda *a: used.append(own(*a)) or used[-1])
    loss = lambda w: np.sum(integrate.odeint(net, y0, times, (w,)) ** 2)
    direction = random.randn(n, n)
    pushed = make_jvp(loss)(w)(direction)[1]
    assert np.sum(grad(loss)(w) * direction) == pytest.approx(pushed, rel=1e-6)
    assert used[0] is not None
    twice = make_jvp(grad(loss))(w)(direction)[1]
    h = 1e-5
    wanted = (grad(loss)(w + h * direction) - grad(loss)(w - h * direction)) / (2 * h)
    onp.testing.assert_allclose(twice, wanted, rtol=1e-4, atol=1e-5 * onp.max(onp.abs(wanted)))


@pytest.mark.parametrize("width", [0, 1, 2, 3])
def test_bands_are_solved_as_full_matrices_are(width, monkeypatch):
    n, random = 41, onp.random.RandomState(width)
    place = onp.arange(n)
    slope = random.randn(5, 3, n, n) * (abs(place[:, None] - place) <= width)
    step = 0.1 * random.randn(5)
    units = onp.eye(3 * n)
    solved = lambda: [
        onp.stack([one @ unit for unit in units], axis=1) for one in adjoints.systems(slope, step)
    ]
    found = solved()
    monkeypatch.setattr(adjoints, "NARROW", n)
    monkeypatch.setattr(adjoints, "_bands_of", None)
    slope[0, 0, 0, -1] = 1e-300  # one far entry, and there is no band
    onp.testing.assert_allclose(found, solved(), rtol=1e-10, atol=1e-13)
    inverse = onp.linalg.inv(adjoints._matrices(slope, step))  # of few variables
    onp.testing.assert_allclose(found, inverse, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("method", ["BDF", "Radau", "LSODA", "odeint"])
def test_stiff_states_ask_seldom_for_the_solution(method, monkeypatch):
    """Pieces are cut along one solution, where the solver gives it at all times.

    No explicit steps are tried before.
    """
    n, times = 30, onp.linspace(0, 3, 7)
    y0, k = onp.random.RandomState(0).randn(n), onp.ones(n)
    tried = []
    monkeypatch.setattr(trajectories, "stepped", lambda *args: tried.append(args))

    def loss(k):
        if method == "odeint":
            return np.sum(integrate.odeint(heat, y0, times, (k,), tfirst=True) ** 2)
        found = integrate.solve_ivp(
            heat, (0, 3), y0, method=method, t_eval=times, args=(k,), rtol=1e-7, atol=1e-9
        )
        return np.sum(found.y**2)

    solutions = []
    own = adjoints.Sweep.states

    def states(sweep, points):
        solutions.append(sweep)
        solve = sweep.problem.solve
        sweep.problem.solve = solve if method == "odeint" else None
        try:
            return own(sweep, points)
        finally:
            sweep.problem.solve = solve

    monkeypatch.setattr(adjoints.Sweep, "states", states)
    got = grad(loss)(k)
    assert not tried
    assert solutions
    step = 1e-5 * onp.random.RandomState(1).randn(n)
    moved = [onp.sum(heat_at(k + s, y0, times) ** 2) for s in (step, -step)]
    assert got @ step == pytest.approx((moved[0] - moved[1]) / 2, rel=2e-5)


def test_parameters_that_were_opened_once_give_the_same_sum():
    random = onp.random.RandomState(0)
    w, rest = random.randn(3, 4), []

    def rhs(y, t, parameters, rest):
        opened = type(parameters) is tuple
        weights = parameters[0] if opened else np.reshape(parameters, (3, 4))
        return np.append(np.tanh(weights @ y) * t, np.sum(weights) * y[0])

    opened = lambda parameters, rest: (np.reshape(parameters, (3, 4)),)
    z, t = random.randn(5, 8), random.rand(5)
    found = [
        right_sides.RightSide(rhs, None, rest, one).pulled(4).plain(w.ravel())(z, t)
        for one in (None, opened)
    ]
    onp.testing.assert_allclose(found[0], found[1], rtol=1e-13)
    wanted = sum(
        make_vjp(lambda w, i=i: rhs(z[i, :4], t[i], w, rest))(w.ravel())[0](z[i, 4:])
        for i in range(5)
    )
    onp.testing.assert_allclose(found[1], wanted, rtol=1e-13)


def test_pieces_that_are_cut_follow_one_another():
    pieces = adjoints.first_pieces(onp.array([0.0, 0.4, 1.0]), onp.ones((3, 2)), 4)
    cut = pieces.cut(onp.full(len(pieces), 4), onp.arange(len(pieces)) % 2 == 0)
    assert cut.starts[0] == 1.0
    assert cut.ends[-1] == 0.0
    onp.testing.assert_array_equal(cut.starts[1:], cut.ends[:-1])
    onp.testing.assert_allclose(cut.jumps.sum(axis=0), pieces.jumps.sum(axis=0))
    lengths = (cut.starts - cut.ends).reshape(-1, 4)
    onp.testing.assert_allclose(lengths[0] / lengths[0].sum(), [0.5, 0.25, 0.125, 0.125])
    onp.testing.assert_allclose(lengths[1] / lengths[1].sum(), 0.25)


# ---- steps over many outputs ---------------------------------------------------------------------


def passing_over(monkeypatch):
    """Let explicit steps go over outputs where they are few; what they gave."""
    found = []
    own = steps.passed_over
    monkeypatch.setattr(trajectories, "FEW", 0)
    monkeypatch.setattr(trajectories, "SEVERAL", 0)
    monkeypatch.setattr(trajectories, "swept", None)
    monkeypatch.setattr(trajectories, "_carried", None)
    monkeypatch.setattr(steps, "PER_PIECE", 10**9)
    monkeypatch.setattr(steps, "passed_over", lambda *a: found.append(own(*a)) or found[-1])
    return found


OUTPUTS = {
    "even": onp.linspace(0.0, 2.0, 61),
    "uneven": onp.sort(onp.append(onp.random.RandomState(0).rand(40) ** 3, [0.0, 2.0])),
    "repeated": onp.sort(onp.append(onp.repeat(onp.linspace(0.0, 2.0, 17), 3), [0.3, 1.9])),
    "backwards": onp.linspace(1.5, -0.4, 50),
    "at borders": onp.linspace(0.0, 2.0, 2 * 2 * 3 * 5 * 4 + 1),
}


@pytest.mark.parametrize("tolerance", [1e-10, 1e-6])
@pytest.mark.parametrize("times", OUTPUTS.values(), ids=OUTPUTS)
def test_steps_over_outputs_agree_with_sensitivities(times, tolerance, monkeypatch):
    y0, p = onp.array([0.7, -0.2]), onp.array([3.0, 0.1, 0.6])
    weights = onp.random.RandomState(0).normal(size=(len(times), 2))

    def loss(y0, times, p, tolerance=tolerance):
        options = {"rtol": tolerance, "atol": tolerance, "mxstep": 20000}
        return np.sum(weights * integrate.odeint(oscillator, y0, times, args=(p,), **options))

    exact = grad(lambda *args: loss(*args, tolerance=1e-12), (0, 1, 2))(y0, times, p)
    found = passing_over(monkeypatch)
    got = grad(loss, (0, 1, 2))(y0, times, p)
    assert len(found) == 1
    assert found[0] is not None
    for one, best in zip(got, exact):
        room = 300 * tolerance * onp.max(onp.abs(best))
        onp.testing.assert_allclose(one, best, rtol=300 * tolerance, atol=room)


@pytest.mark.parametrize("method", ["RK23", "RK45", "DOP853", "LSODA", "odeint", "BDF", "Radau"])
def test_many_outputs_of_many_states(method, monkeypatch):
    """Against the forward mode, both orders; the steps are those that go over outputs."""
    n, random, times = 12, onp.random.RandomState(0), onp.linspace(0.0, 3.0, 151)
    w, y0 = random.randn(n, n) / onp.sqrt(n), random.randn(n)
    weights, direction = random.randn(n, len(times)), random.randn(n, n)
    used = []
    own = steps.passed_over
    monkeypatch.setattr(steps, "passed_over", lambda *a: used.append(own(*a)) or used[-1])

    def loss(w):
        if method == "odeint":
            return np.sum(weights.T * integrate.odeint(net, y0, times, (w,)) ** 2)
        found = integrate.solve_ivp(
            lambda t, y, w: net(y, t, w),
            (0.0, 3.0),
            y0,
            method=method,
            t_eval=times,
            args=(w,),
            rtol=1e-8,
            atol=1e-9,
        )
        return np.sum(weights * found.y**2)

    got = grad(loss)(w)
    assert used
    assert used[0] is not None
    assert np.sum(got * direction) == pytest.approx(make_jvp(loss)(w)(direction)[1], rel=1e-6)


def test_second_order_over_many_outputs():
    n, random, times = 6, onp.random.RandomState(1), onp.linspace(0.0, 1.0, 81)
    w, y0, direction = random.randn(n, n) / 3, random.randn(n), random.randn(n, n)
    loss = lambda w: np.sum(integrate.odeint(net, y0, times, (w,)) ** 2)
    twice, h = make_jvp(grad(loss))(w)(direction)[1], 1e-5
    wanted = (grad(loss)(w + h * direction) - grad(loss)(w - h * direction)) / (2 * h)
    onp.testing.assert_allclose(twice, wanted, rtol=1e-4, atol=1e-5 * onp.max(onp.abs(wanted)))


def test_weights_within_a_step_are_those_of_scipy():
    solver = pytest.importorskip("scipy.integrate").DOP853
    rate = lambda t, y: onp.array([y[1], -3.0 * y[0] + onp.sin(t)])
    made = solver(rate, 0.3, onp.array([0.7, -0.2]), 5.0, rtol=1e-6)
    made.step()
    dense, step = made.dense_output(), made.t - made.t_old
    places = onp.linspace(0.0, 1.0, 9)
    within = long_steps.weights_at(places) @ made.K_extended
    wanted = dense(made.t_old + step * places).T
    onp.testing.assert_allclose(made.y_old + step * within, wanted, rtol=1e-12)
    onp.testing.assert_allclose(long_steps.weights_at([1.0])[0], long_steps.WEIGHTS, atol=1e-12)


@pytest.mark.parametrize("turned", [False, True])
def test_stages_of_a_step_are_computed_one_after_the_other(turned):
    random, n, count = onp.random.RandomState(0), 3, 4
    coupling = onp.tril(random.randn(count, count), -1)
    coupling = coupling.T if turned else coupling
    rhs = lambda y, t, p, rest: np.tanh(p * y) * t
    side = right_sides.RightSide(rhs, None, [])
    z, t, p = random.randn(count, 2 * n), random.rand(count + 1), random.randn(n)
    found = side.chained(n, "some", coupling).plain(p)(z, t).reshape(count, 2, n)
    for j in range(count):
        covector = z[j, n:] + t[-1] * sum(coupling[j, i] * found[i, 1] for i in range(count))
        onp.testing.assert_allclose(found[j, 0], covector, rtol=1e-12)
        pulled = covector * p * t[j] / onp.cosh(p * z[j, :n]) ** 2
        onp.testing.assert_allclose(found[j, 1], pulled, rtol=1e-12)


def test_pieces_that_are_shared_out_keep_their_borders_and_jumps():
    pieces = adjoints.first_pieces(onp.array([0.0, 0.4, 1.0]), onp.ones((3, 2)), 6)
    made = pieces.shared_out(onp.full(len(pieces), 1.6))
    assert made.starts[0] == 1.0
    assert made.ends[-1] == 0.0
    assert 0.4 in made.starts
    onp.testing.assert_array_equal(made.starts[1:], made.ends[:-1])
    onp.testing.assert_array_equal(made.jumps[made.jumps.any(axis=1)], onp.ones((2, 2)))
    assert len(pieces) * 1.6 <= len(made) < len(pieces) * 1.6 + 2
    lengths = made.starts - made.ends
    onp.testing.assert_allclose(lengths[made.starts > 0.4], lengths[0])
    fewer = pieces.shared_out(onp.full(len(pieces), 0.5))
    assert 2 <= len(fewer) < len(pieces)


def test_soft_equations_go_by_explicit_steps_whatever_the_method(monkeypatch):
    n, random, times = 20, onp.random.RandomState(0), onp.linspace(0, 3, 11)
    w, y0, direction = random.randn(n, n) / onp.sqrt(n), random.randn(n), random.randn(n, n)
    monkeypatch.setattr(trajectories, "swept", None)

    def loss(w):
        options = {"method": "BDF", "t_eval": times, "rtol": 1e-8, "atol": 1e-9}
        found = integrate.solve_ivp(lambda t, y, w: net(y, t, w), (0, 3), y0, args=(w,), **options)
        return np.sum(found.y**2)

    pushed = make_jvp(loss)(w)(direction)[1]
    assert np.sum(grad(loss)(w) * direction) == pytest.approx(pushed, rel=1e-6)


@pytest.mark.parametrize("method", ["RK45", "BDF", "LSODA", "odeint"])
@pytest.mark.parametrize("stiff", [False, True])
@pytest.mark.filterwarnings("error")
def test_gradients_are_replayed_to_the_same_numbers(method, stiff):
    """The way that a gradient is computed does not depend on whether it is recorded."""
    n, random, times = 24, onp.random.RandomState(0), onp.linspace(0, 1, 5)
    y0 = random.randn(n)
    p = 1 + 0.1 * random.rand(n) if stiff else random.randn(n, n) / 5
    rhs = heat if stiff else lambda t, y, w: net(y, t, w)

    def loss(p):
        if method == "odeint":
            return np.sum(integrate.odeint(rhs, y0, times, (p,), tfirst=True) ** 2)
        found = integrate.solve_ivp(rhs, (0, 1), y0, method=method, t_eval=times, args=(p,))
        return np.sum(found.y**2)

    replayed = jit(grad(loss))
    found = [replayed(p * (1 + 1e-3 * k)) for k in range(5)]
    assert not replayed.gave_up
    onp.testing.assert_allclose(found[4], grad(loss)(p * 1.004), rtol=1e-9, atol=1e-12)
