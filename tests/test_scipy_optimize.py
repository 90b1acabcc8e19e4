"""`fastad.scipy.optimize`: derivatives through roots and minima, against closed forms."""

from __future__ import annotations

import numpy as onp
import pytest

scipy_optimize = pytest.importorskip("scipy.optimize")

import fastad.numpy as np  # noqa: E402
import fastad.scipy.optimize as optimize  # noqa: E402
from fastad import grad, hessian, jacobian, make_jvp  # noqa: E402

P = onp.array([2.0, 0.5])


def system(x, p):
    """Roots x0 = p0 + p1, x1 = (p0 + p1)^3 / p1."""
    return np.array([x[0] - p[0] - p[1], p[1] * x[1] - x[0] ** 3])


def system_root(p):
    return np.array([p[0] + p[1], (p[0] + p[1]) ** 3 / p[1]])


def same_derivatives(function, expected, p, order=3, rtol=1e-6):
    """Value, and derivatives of every order up to a given one, of vectors."""
    onp.testing.assert_allclose(function(p), expected(p), rtol=rtol)
    for k in range(order):
        function, expected = jacobian(function), jacobian(expected)
        onp.testing.assert_allclose(
            function(p), expected(p), rtol=rtol, atol=rtol, err_msg=f"order {k + 1}"
        )
        if k == 0:
            v = onp.linspace(0.5, 1, p.size).reshape(p.shape)
            got = make_jvp(function)(p)(v)[1]
            onp.testing.assert_allclose(got, make_jvp(expected)(p)(v)[1], rtol, rtol)


SOLVERS = {
    "root": lambda p: optimize.root(system, onp.ones(2), args=(p,), tol=1e-13).x,
    "root, closure": lambda p: optimize.root(lambda x: system(x, p), onp.ones(2), tol=1e-13).x,
    "root, lm": lambda p: optimize.root(system, onp.ones(2), (p,), method="lm", tol=1e-13).x,
    "root with its jacobian": lambda p: (
        optimize.root(
            lambda x, p: (system(x, p), np.array([[1.0, 0.0], [-3 * x[0] ** 2, p[1]]])),
            onp.ones(2),
            (p,),
            jac=True,
            tol=1e-13,
        ).x
    ),
    "root, arguments in a dict": lambda p: (
        optimize.root(lambda x, d: system(x, d["p"]), onp.ones(2), args=({"p": p},), tol=1e-13).x
    ),
    "fsolve": lambda p: optimize.fsolve(system, onp.ones(2), p, xtol=1e-13),
    "fsolve, full output": lambda p: optimize.fsolve(
        system, onp.ones(2), (p,), xtol=1e-13, full_output=True
    )[0],
    "fixed_point": lambda p: optimize.fixed_point(
        lambda x, p: np.array([p[0] + p[1], x[0] ** 3 / p[1]]), system_root(P), (p,), xtol=1e-12
    ),
}


@pytest.mark.parametrize("name", SOLVERS)
def test_systems(name):
    same_derivatives(SOLVERS[name], system_root, P)


def cubic(x, a):
    return x**3 - a


SCALAR = {
    "root_scalar": lambda a: optimize.root_scalar(cubic, (a,), bracket=(0, 9), xtol=1e-14).root,
    "root_scalar, newton": lambda a: (
        optimize.root_scalar(
            lambda x, a: (cubic(x, a), 3 * x * x), (a,), x0=1.0, fprime=True, method="newton"
        ).root
    ),
    "root_scalar, closure": lambda a: (
        optimize.root_scalar(lambda x: cubic(x, a), bracket=(0, 9), xtol=1e-14).root
    ),
    "brentq": lambda a: optimize.brentq(cubic, 0, 9, (a,), 1e-14),
    "brentq, traced bracket": lambda a: optimize.brentq(cubic, 0, a + 1, args=(a,), xtol=1e-14),
    "brentq, full output": lambda a: optimize.brentq(cubic, 0, 9, a, full_output=True)[0],
    "toms748": lambda a: optimize.toms748(cubic, 0, 9, args=(a,)),
    "newton": lambda a: optimize.newton(cubic, 1.0, args=(a,), tol=1e-13),
    "newton with slopes": lambda a: optimize.newton(
        cubic, 1.0, fprime=lambda x, a: 3 * x * x, fprime2=lambda x, a: 6 * x, args=(a,)
    ),
}


@pytest.mark.parametrize("name", SCALAR)
def test_one_equation(name):
    same_derivatives(
        lambda a: np.reshape(SCALAR[name](a[0]), (1,)), lambda a: a ** (1 / 3), onp.array([5.0])
    )


def test_newton_of_arrays():
    a = onp.array([[1.0, 8.0], [2.0, 5.0]])
    function = lambda a: optimize.newton(cubic, onp.ones((2, 2)), args=(a,), tol=1e-13)
    same_derivatives(function, lambda a: a ** (1 / 3), a, order=2)


def quartic(x, p):
    """Its minimum is at x0 = p0^2, x1 = p0 p1, with the value p1."""
    u, v = x[0] - p[0] ** 2, x[1] - p[0] * p[1]
    return u**2 + v**2 + u * v + p[1] + 0.1 * u**4


def quartic_minimum(p):
    return np.array([p[0] ** 2, p[0] * p[1]])


@pytest.mark.parametrize("method", [None, "BFGS", "Newton-CG", "L-BFGS-B", "SLSQP", "trust-exact"])
def test_minimize(method):
    start = quartic_minimum(P) + 0.1
    more = {}
    if method in ("Newton-CG", "trust-exact"):
        more = {"jac": grad(quartic), "hess": hessian(quartic)}
    function = lambda p: optimize.minimize(quartic, start, (p,), method, tol=1e-12, **more)
    same_derivatives(lambda p: function(p).x, quartic_minimum, P, order=2, rtol=1e-5)
    same_derivatives(lambda p: function(p).fun, lambda p: p[1], P, order=2, rtol=1e-5)


def test_minimize_reads_from_outside():
    function = lambda p: optimize.minimize(
        lambda x: (quartic(x, p), grad(quartic)(x, p)), onp.ones(2), jac=True, tol=1e-12
    )
    same_derivatives(lambda p: function(p).x, quartic_minimum, P, order=2)


@pytest.mark.parametrize("kind", ["pairs", "Bounds"])
def test_bounds(kind):
    # (x - p)^2 + (x - y)^2 + y^2 with y >= q: y = q, x = (p + q) / 2.
    objective = lambda x, p: (x[0] - p) ** 2 + (x[0] - x[1]) ** 2 + x[1] ** 2

    def function(p):
        bounds = [(None, None), (p[1], None)]
        if kind == "Bounds":
            bounds = scipy_optimize.Bounds([-onp.inf, 1.5], onp.inf)
        found = optimize.minimize(
            objective, onp.array([0.3, 2.0]), (p[0],), bounds=bounds, tol=1e-12
        )
        return found.x

    def expected(p):
        q = p[1] if kind == "pairs" else 1.5 + 0 * p[1]
        return np.array([(p[0] + q) / 2, q])

    same_derivatives(function, expected, onp.array([0.7, 1.5]), order=2)
    # A bound that holds nothing changes nothing.
    free = lambda p: optimize.minimize(
        objective, onp.ones(2), (p,), bounds=[(-9, 9)] * 2, tol=1e-12
    )
    assert grad(lambda p: free(p).x[0])(0.7) == pytest.approx(2 / 3, rel=1e-6)


def test_minimize_scalar():
    function = lambda x, a: x**4 / 4 - a * x
    for options in ({}, {"bounds": (0, 9), "options": {"xatol": 1e-10}}, {"bracket": (0.1, 1.0)}):
        found = lambda a, options=options: optimize.minimize_scalar(function, args=(a,), **options)
        slopes = grad(lambda a: found(a).x)
        assert slopes(5.0) == pytest.approx(5 ** (-2 / 3) / 3, rel=1e-6)
        assert grad(slopes)(5.0) == pytest.approx(-2 / 9 * 5 ** (-5 / 3), rel=1e-5)
        assert grad(lambda a: found(a).fun)(5.0) == pytest.approx(-(5 ** (1 / 3)), rel=1e-6)
    at_end = lambda b: optimize.minimize_scalar(lambda x: x * x, bounds=(b, 3.0)).x
    assert grad(at_end)(1.0) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("name", "ends", "options"),
    [
        ("brent", (), {}),
        ("brent", (), {"brack": (0.1, 1.0)}),
        ("golden", (), {"tol": 1e-9}),
        ("fminbound", (0.0, 9.0), {"xtol": 1e-10}),
    ],
)
def test_searches_for_the_minimum_of_a_function_of_a_number(name, ends, options):
    """Golden section only compares: followed step by step, the minimum would be a constant."""
    function = lambda x, a: x**4 / 4 - a * x
    ours, theirs = getattr(optimize, name), getattr(scipy_optimize, name)
    for a in (5.0, 7.0):
        assert ours(function, *ends, (a,), **options) == theirs(function, *ends, (a,), **options)
        whole = ours(function, *ends, (a,), full_output=True, **options)
        assert whole == theirs(function, *ends, (a,), full_output=True, **options)
    for found in (
        lambda a: ours(function, *ends, args=(a,), **options),
        lambda a: ours(lambda x: function(x, a), *ends, **options),
        lambda a: ours(function, *ends, args=(a,), full_output=True, **options)[0],
    ):
        slopes = grad(lambda a: a * found(a))
        assert slopes(5.0) == pytest.approx(4 / 3 * 5 ** (1 / 3), rel=1e-6)
        assert grad(slopes)(5.0) == pytest.approx(4 / 9 * 5 ** (-2 / 3), rel=1e-5)
    lowest = lambda a: ours(function, *ends, args=(a,), full_output=True, **options)[1]
    assert grad(lowest)(5.0) == pytest.approx(-(5 ** (1 / 3)), rel=1e-6)


def test_a_search_that_ends_at_an_end_moves_with_it():
    at_end = lambda b: optimize.fminbound(lambda x: x * x, b, 3.0)
    assert grad(at_end)(1.0) == pytest.approx(1.0)


def test_least_squares():
    t, y = onp.linspace(0, 1, 7), onp.cos(onp.linspace(0, 1, 7))

    def line(y, **options):
        residuals = lambda x, y: x[0] + x[1] * t - y
        start = onp.array([0.5, 0.5])
        return optimize.least_squares(residuals, start, args=(y,), xtol=1e-14, **options)

    design = onp.stack([onp.ones(7), t], 1)
    onp.testing.assert_allclose(
        jacobian(lambda y: line(y).x)(y), onp.linalg.pinv(design), rtol=1e-6, atol=1e-9
    )
    onp.testing.assert_allclose(
        grad(lambda y: line(y).cost)(y), y - design @ onp.linalg.lstsq(design, y)[0], atol=1e-7
    )
    # The slope is held at zero: the mean.
    held = lambda y: line(y, bounds=([-9.0, 0.0], [9.0, 9.0])).x[0]
    onp.testing.assert_allclose(grad(held)(y), onp.full(7, 1 / 7), rtol=1e-5)
    curved = lambda y: (
        optimize.least_squares(
            lambda x, y: np.exp(x[0] * t) - y, onp.zeros(1), args=(y,), xtol=1e-15, gtol=1e-15
        ).x
    )
    # With the curvature of the residuals: dx = J^T dy / (J^T J + sum of r r'').
    x = curved(y)[0]
    e = onp.exp(x * t)
    whole = onp.sum((t * e) ** 2 + (e - y) * t * t * e)
    onp.testing.assert_allclose(jacobian(curved)(y)[0], t * e / whole, rtol=1e-5, atol=1e-12)


def test_where_it_begins_does_not_matter():
    start = lambda x0: optimize.root(lambda x: system(x, P), x0).x[0]
    with pytest.warns(UserWarning, match="independent"):
        onp.testing.assert_array_equal(grad(start)(onp.ones(2)), 0)


def test_plain_calls_are_scipys():
    found, theirs = (m.root(system, onp.ones(2), args=(P,)) for m in (optimize, scipy_optimize))
    onp.testing.assert_array_equal(found.x, theirs.x)
    assert found.nfev == theirs.nfev
    assert optimize.brentq(cubic, 0, 9, (5.0,)) == scipy_optimize.brentq(cubic, 0, 9, (5.0,))
    found, theirs = (m.minimize(quartic, onp.ones(2), P) for m in (optimize, scipy_optimize))
    onp.testing.assert_array_equal(found.x, theirs.x)
    onp.testing.assert_array_equal(found.hess_inv, theirs.hess_inv)
    assert optimize.linprog is not None


def test_errors():
    with pytest.raises(onp.linalg.LinAlgError, match="brentq.*zero"):
        grad(lambda a: optimize.brentq(lambda x, a: a * x**3, -1, 1, (a,)))(2.0)
    with pytest.raises(onp.linalg.LinAlgError, match="minimize.*Hessian.*singular"):
        grad(lambda a: optimize.minimize(lambda x: (x[0] - a) ** 2, onp.zeros(2)).x[0])(1.0)
    with pytest.warns(RuntimeWarning, match="minimize stopped"):
        grad(lambda p: optimize.minimize(quartic, onp.ones(2), (p,), options={"maxiter": 1}).x[0])(
            P
        )
    with pytest.raises(NotImplementedError, match="loss"):
        grad(lambda a: optimize.least_squares(lambda x: x - a, [0.0], loss="soft_l1").x[0])(1.0)
    with pytest.raises(ValueError, match="different signs"):
        grad(lambda a: optimize.brentq(cubic, 3, 9, (a,)))(5.0)
