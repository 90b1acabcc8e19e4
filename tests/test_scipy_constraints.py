"""Minima under constraints, by what the function, the constraints and the bounds depend on."""

import warnings

import numpy as onp
import pytest

pytest.importorskip("scipy")

import scipy.optimize as scipy_optimize
from scipy.optimize import Bounds, LinearConstraint, NonlinearConstraint

import fastad.numpy as np
from fastad import grad, hessian, jacobian, jit, make_jvp
from fastad.scipy import optimize

A = onp.array([1.0, 2.0])
TIGHT = {"SLSQP": 1e-12, "trust-constr": 1e-12, "COBYLA": 1e-12}


def squares(x, a):
    return np.sum((x - a) ** 2)


def smallest(a, constraints, method="SLSQP", fun=squares, **options):
    start = onp.array([0.1, 0.2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return optimize.minimize(
            fun, start, (a,), method, constraints=constraints, tol=TIGHT[method], **options
        )


def on_the_line(a):
    """The point of the line x0 + 2 x1 = 1 that is nearest to a."""
    return a - (a[0] + 2 * a[1] - 1) / 5 * onp.array([1.0, 2.0])


EQUAL = {"type": "eq", "fun": lambda x: x[0] + 2 * x[1] - 1}
UPPER = {"type": "ineq", "fun": lambda x: 1 - x[0] - 2 * x[1]}
FORMS = {
    "eq": EQUAL,
    "ineq": UPPER,
    "list": [UPPER, {"type": "ineq", "fun": lambda x: 50 - x}],
    "arguments": {"type": "eq", "fun": lambda x, b: x[0] + b * x[1] - 1, "args": (2.0,)},
    "jac": {**EQUAL, "jac": lambda x: onp.array([1.0, 2.0])},
    "linear": LinearConstraint([[1.0, 2.0]], -onp.inf, 1.0),
    "linear, equal": LinearConstraint([[1.0, 2.0]], 1.0, 1.0),
    "nonlinear": NonlinearConstraint(lambda x: np.array([x[0] + 2 * x[1], x[0]]), [-9, -9], [1, 9]),
}


@pytest.mark.parametrize("method", ["SLSQP", "trust-constr"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_against_the_projection(form, method):
    x = lambda a: smallest(a, FORMS[form], method).x
    onp.testing.assert_allclose(x(A), on_the_line(A), atol=1e-5)
    onp.testing.assert_allclose(jacobian(x)(A), jacobian(on_the_line)(A), atol=1e-7)
    v = onp.array([0.3, -1.0])
    onp.testing.assert_allclose(make_jvp(x)(A)(v)[1], make_jvp(on_the_line)(A)(v)[1], atol=1e-7)
    value = lambda a: smallest(a, FORMS[form], method).fun
    onp.testing.assert_allclose(grad(value)(A), 2 * (A - on_the_line(A)), atol=1e-4)
    onp.testing.assert_allclose(hessian(value)(A), [[0.4, 0.8], [0.8, 1.6]], atol=1e-4)


def test_a_method_that_stops_beside_the_bound():
    x = lambda a: smallest(a, UPPER, "COBYLA").x
    onp.testing.assert_allclose(jacobian(x)(A), jacobian(on_the_line)(A), atol=1e-7)


def test_a_curved_constraint_counts_with_its_curvature():
    """The point of a circle of radius r that is nearest to a: r a / |a|."""

    def x(p):
        radius = p[2]
        circle = {"type": "ineq", "fun": lambda x: radius**2 - np.sum(x**2)}
        return smallest(p[:2], circle).x

    expected = lambda p: p[2] * p[:2] / np.sqrt(np.sum(p[:2] ** 2))
    p = onp.array([1.0, 2.0, 0.7])
    onp.testing.assert_allclose(x(p), expected(p), atol=1e-7)
    onp.testing.assert_allclose(jacobian(x)(p), jacobian(expected)(p), atol=1e-6)
    second = jacobian(jacobian(x))(p)
    onp.testing.assert_allclose(second, jacobian(jacobian(expected))(p), atol=1e-5)


def test_traced_parts_of_every_form():
    """The nearest point of the line b0 x0 + x1 = b1, by the line."""

    def expected(b):
        normal = np.array([b[0], 1.0])
        return A - (np.sum(normal * A) - b[1]) / np.sum(normal**2) * normal

    forms = {
        "closure": lambda b: {"type": "eq", "fun": lambda x: b[0] * x[0] + x[1] - b[1]},
        "args": lambda b: {
            "type": "ineq",
            "fun": lambda x, c, d: d - c * x[0] - x[1],
            "args": (b[0], b[1]),
        },
        "matrix": lambda b: LinearConstraint(np.array([[b[0], 1.0]]), -onp.inf, b[1]),
        "nonlinear": lambda b: NonlinearConstraint(
            lambda x: b[0] * x[0] + x[1], -onp.inf, b[1], jac=lambda x: [[b[0], 1.0]]
        ),
    }
    b = onp.array([0.5, 1.0])
    for name, form in forms.items():
        x = lambda b: smallest(A, form(b)).x
        onp.testing.assert_allclose(x(b), expected(b), atol=1e-6, err_msg=name)
        onp.testing.assert_allclose(jacobian(x)(b), jacobian(expected)(b), atol=1e-6, err_msg=name)


def test_bounds_beside_constraints():
    def x(p):
        bounds = Bounds([0.0, 0.0], np.array([p[2], 9.0]))
        return smallest(p[:2], {"type": "ineq", "fun": lambda x: 2 - x[0] - x[1]}, bounds=bounds).x

    corner = onp.array([3.0, 3.0, 0.5])  # both hold: x = (p2, 2 - p2)
    onp.testing.assert_allclose(jacobian(x)(corner), [[0, 0, 1], [0, 0, -1]], atol=1e-9)
    inside = onp.array([0.25, 0.5, 0.5])  # none does
    onp.testing.assert_allclose(jacobian(x)(inside)[:, :2], onp.eye(2), atol=1e-9)
    fixed = lambda a: smallest(a, UPPER, bounds=[(0.25, 0.25), (None, None)]).x
    onp.testing.assert_allclose(jacobian(fixed)(A), onp.zeros((2, 2)), atol=1e-9)


def test_a_corner_without_curvature():
    """A linear program's solution: two rows hold, and the Hessian counts for nothing."""

    def x(b):
        line = lambda x: np.array([b[0] - x[0] - x[1], b[1] - x[0] + x[1]])
        cost = lambda x, a: -2 * x[0] - x[1]
        return smallest(A, {"type": "ineq", "fun": line}, fun=cost).x

    b = onp.array([2.0, 1.0])
    onp.testing.assert_allclose(jacobian(x)(b), [[0.5, 0.5], [0.5, -0.5]], atol=1e-7)


def test_a_row_that_only_touches_does_not_hold():
    touching = {"type": "ineq", "fun": lambda x: 5 - x[0] - 2 * x[1]}  # A lies on it
    x = lambda a: smallest(a, touching).x
    onp.testing.assert_allclose(jacobian(x)(A), onp.eye(2), atol=1e-5)


def test_plain_calls_are_scipys():
    for form in FORMS.values():
        mine = optimize.minimize(squares, onp.zeros(2), (A,), constraints=form)
        theirs = scipy_optimize.minimize(squares, onp.zeros(2), (A,), constraints=form)
        onp.testing.assert_array_equal(mine.x, theirs.x)
        assert mine.nit == theirs.nit


def test_dependent_constraints_and_wrong_ones():
    twice = [EQUAL, {"type": "eq", "fun": lambda x: 2 * x[0] + 4 * x[1] - 2}]
    with pytest.raises(onp.linalg.LinAlgError, match=r"minimize.*constraints that hold"):
        jacobian(lambda a: smallest(a, twice, "trust-constr").x)(A)
    with pytest.raises(TypeError, match=r"minimize: constraints must be a dict"):
        grad(lambda a: smallest(a, 3.0).fun)(A)


@pytest.mark.parametrize("form", ["eq", "list", "arguments", "linear", "nonlinear"])
def test_replayed(form):
    """Under jit the solver is called by the program, around the numbers of then."""

    def value(a):
        wall = lambda x: 9 * a[1] - x[0]
        more = [{"type": "ineq", "fun": wall}] if isinstance(FORMS[form], dict) else []
        given = [*FORMS[form]] if isinstance(FORMS[form], list) else [FORMS[form]]
        start = onp.array([0.1, 0.2])
        found = optimize.minimize(
            squares, start, (a,), method="trust-constr", constraints=given + more, tol=1e-10
        )
        return found.fun + found.x[0]

    fast = jit(grad(value))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning)
        for scale in (1.0, 1.1, 1.2, 1.3):
            onp.testing.assert_allclose(fast(scale * A), grad(value)(scale * A), rtol=1e-9)


@pytest.mark.parametrize("unit", [1e-8, 1e-3, 1e6])
def test_the_unit_of_a_constraint_does_not_count(unit):
    """Neither for whether a row holds nor for the rank of the system."""
    circle = lambda size: {"type": "ineq", "fun": lambda x: unit * (size**2 - np.sum(x**2))}
    x = lambda a: smallest(a, [circle(1.0), circle(9.0)]).x
    expected = lambda a: a / np.sqrt(np.sum(a**2))
    onp.testing.assert_allclose(x(A), expected(A), atol=1e-4)
    onp.testing.assert_allclose(jacobian(x)(A), jacobian(expected)(A), atol=1e-3)
    free = lambda a: smallest(a, circle(9.0)).x
    onp.testing.assert_allclose(jacobian(free)(A), onp.eye(2), atol=1e-6)


def test_fmin_cobyla():
    """By what the function and the constraints read, in args, consargs or from outside."""
    start, exact = [0.1, 0.2], on_the_line
    above = lambda x, *rest: 1 - x[0] - 2 * x[1]
    ways = {
        "args": lambda a: optimize.fmin_cobyla(squares, start, above, (a,), rhoend=1e-9),
        "outside": lambda a: optimize.fmin_cobyla(
            lambda x: squares(x, a), start, [above], rhoend=1e-9
        ),
    }
    plain = scipy_optimize.fmin_cobyla(squares, start, above, (A,), rhoend=1e-9)
    for way in ways.values():
        onp.testing.assert_array_equal(way(A), plain)
        onp.testing.assert_allclose(jacobian(way)(A), jacobian(exact)(A), atol=1e-6)
        onp.testing.assert_allclose(make_jvp(way)(A)(A)[1], exact(A) - exact(0 * A), atol=1e-6)
    limit = lambda a: optimize.fmin_cobyla(
        lambda x: (x[0] - 9.0) ** 2, [0.0], lambda x, a: a * a - x[0], (), (a,), rhoend=1e-9
    )[0]
    assert grad(limit)(2.0) == pytest.approx(4.0, rel=1e-6)
    assert grad(grad(limit))(2.0) == pytest.approx(2.0, rel=1e-6)


@pytest.mark.parametrize(
    "search",
    [
        lambda a: optimize.bracket(lambda x: (x - a) ** 2)[1],
        lambda a: optimize.line_search(
            lambda x: np.sum(x * x * a), lambda x: 2 * x * a, onp.ones(2), -onp.ones(2)
        )[0],
        lambda a: optimize.approx_fprime(onp.ones(2), lambda x: np.sum(x * x * a))[0],
    ],
    ids=["bracket", "line_search", "approx_fprime"],
)
def test_searches_without_a_rule_refuse_functions_that_are_traced(search):
    with pytest.raises(TypeError, match="reads the plain number .* its derivative would be lost"):
        grad(search)(1.5)


def test_searches_of_plain_functions_are_scipys():
    square = lambda x, a: (x - a) ** 2
    assert optimize.bracket(square, args=(1.5,)) == scipy_optimize.bracket(square, args=(1.5,))
