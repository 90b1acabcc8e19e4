"""Events of `solve_ivp`: their times and states, against closed forms, in both modes and orders."""

from __future__ import annotations

import numpy as onp
import pytest

pytest.importorskip("scipy.integrate")

import fastad.numpy as np
from fastad import grad, hessian, jacobian, jit, make_jvp
from fastad.scipy.integrate import solve_ivp

TIGHT = {"rtol": 1e-10, "atol": 1e-12}


def falling(t, y, g):
    return np.array([y[1], -g])


def ground(t, y, g):
    return y[0]


def top(t, y, g):
    return y[1]


ground.terminal, ground.direction = True, -1
P = onp.array([1.3, 2.0, 9.81])  # height, speed, gravity


def thrown(p, t_eval=None):
    start = np.array([p[0], p[1]])
    return solve_ivp(
        falling, (0.0, 10.0), start, args=(p[2],), events=[ground, top], t_eval=t_eval, **TIGHT
    )


def speed(p):
    return np.sqrt(p[1] ** 2 + 2 * p[2] * p[0])


PARTS = {
    "time": (lambda s: s.t_events[0][0], lambda p: (p[1] + speed(p)) / p[2]),
    "end": (lambda s: s.t[-1], lambda p: (p[1] + speed(p)) / p[2]),
    "state at the end": (lambda s: s.y[1, -1], lambda p: -speed(p)),
    "state": (lambda s: s.y_events[0][0, 1], lambda p: -speed(p)),
    "time of another": (lambda s: s.t_events[1][0], lambda p: p[1] / p[2]),
    "state of another": (lambda s: s.y_events[1][0, 0], lambda p: p[0] + p[1] ** 2 / 2 / p[2]),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_ball_that_falls(part):
    take, exact = PARTS[part]
    found = lambda p: take(thrown(p))
    assert found(P) == pytest.approx(exact(P), rel=1e-9)
    onp.testing.assert_allclose(grad(found)(P), grad(exact)(P), rtol=1e-7, atol=1e-9)
    onp.testing.assert_allclose(hessian(found)(P), hessian(exact)(P), rtol=1e-6, atol=1e-8)
    ones = onp.ones(3)
    assert make_jvp(found)(P)(ones)[1] == pytest.approx(onp.sum(grad(exact)(P)), rel=1e-7)
    if "end" not in part:
        at = lambda p: take(thrown(p, [0.1, 0.2]))
        onp.testing.assert_allclose(grad(at)(P), grad(exact)(P), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("method", ["RK45", "DOP853", "Radau", "BDF", "LSODA"])
def test_each_passage_of_an_oscillator(method):
    def side(t, y, w):
        return np.array([y[1], -(w**2) * y[0]])

    def passes(p):
        solution = solve_ivp(
            side,
            (0.0, 7.0),
            np.array([p[1], 0.0]),
            method,
            args=(p[0],),
            events=lambda t, y, w: y[0] - 0.3,
            rtol=1e-9,
            atol=1e-11,
        )
        return solution.t_events[0]

    p = onp.array([1.1, 0.8])
    times = passes(p)
    phase = onp.arccos(0.3 / 0.8)
    expected = onp.sort([s * phase + 2 * onp.pi * k for k in range(3) for s in (1, -1)])[1:] / 1.1
    onp.testing.assert_allclose(times, expected[: len(times)], rtol=1e-6)
    slopes = jacobian(passes)(p)
    onp.testing.assert_allclose(slopes[:, 0], -times / 1.1, rtol=1e-5)
    # phase = arccos(0.3 / a): its slope by a, of passages downwards and upwards.
    by_size = 0.3 / 0.8**2 / onp.sqrt(1 - (0.3 / 0.8) ** 2) / 1.1
    signs = onp.where(onp.arange(len(times)) % 2 == 0, 1, -1)
    onp.testing.assert_allclose(slopes[:, 1], signs * by_size, rtol=1e-5)


def test_a_threshold_that_is_traced():
    def passes(level):
        return solve_ivp(
            lambda t, y, c: -y, (0.0, 3.0), [1.0], args=(level,), events=lambda t, y, c: y[0] - c,
            **TIGHT,
        ).t_events[0][0]  # fmt: skip

    assert passes(0.4) == pytest.approx(-onp.log(0.4), rel=1e-9)
    assert grad(passes)(0.4) == pytest.approx(-1 / 0.4, rel=1e-7)
    assert grad(grad(passes))(0.4) == pytest.approx(1 / 0.4**2, rel=1e-6)


@pytest.mark.parametrize("terminal", [False, True])
def test_events_at_fixed_times(terminal):
    halfway = lambda t, y, g: t - 0.5
    halfway.terminal = terminal

    def state(p):
        start = np.array([p[0], p[1]])
        found = solve_ivp(falling, (0.0, 1.0), start, args=(p[2],), events=halfway, **TIGHT)
        return found.y_events[0][0]

    expected = [[1.0, 0.5, -0.125], [0.0, 1.0, -0.5]]
    onp.testing.assert_allclose(jacobian(state)(P), expected, atol=1e-8)
    onp.testing.assert_allclose(make_jvp(state)(P)(P)[1], expected @ P, rtol=1e-8)


def test_no_event_and_one_that_jumps():
    never = lambda p: thrown(p, [0.1]).t_events[0]
    assert solve_ivp(
        falling, (0.0, 0.1), P[:2], args=(9.81,), events=ground, **TIGHT
    ).t_events[0].shape == (0,)  # fmt: skip
    quiet = lambda p: solve_ivp(
        falling, (0.0, 0.1), np.array([p[0], p[1]]), args=(p[2],), events=ground, **TIGHT
    ).y[0, -1]
    onp.testing.assert_allclose(grad(quiet)(P), [1.0, 0.1, -0.005], rtol=1e-8)
    assert never(P).shape == (1,)
    jumping = lambda a: solve_ivp(
        lambda t, y, a: a + 0 * y,
        (-1.0, 1.0),
        [0.0],
        args=(a,),
        events=lambda t, y, a: np.where(t < 0.1, -1.0, 1.0),
    ).t_events[0][0]
    with pytest.raises(onp.linalg.LinAlgError, match="is flat where it changes its sign"):
        grad(jumping)(1.0)


@pytest.mark.filterwarnings("ignore::fastad.ProgramWarning")
def test_replayed():
    found = lambda p: thrown(p).t_events[0][0]
    replayed = jit(grad(found))
    for _ in range(5):
        replayed(P)
    onp.testing.assert_allclose(replayed(P + 0.1), grad(found)(P + 0.1), rtol=1e-12)
