"""Optimizers under names of their own and global searches: derivatives are those of `minimize`."""

from __future__ import annotations

import warnings

import numpy as onp
import pytest

scipy_optimize = pytest.importorskip("scipy.optimize")
import scipy.sparse  # noqa: E402

import fastad.numpy as np  # noqa: E402
import fastad.scipy.optimize as optimize  # noqa: E402
from fastad import grad, hessian, jacobian, jit  # noqa: E402
from fastad.scipy import sparse  # noqa: E402
from fastad.test_util import check_grads  # noqa: E402

A = onp.array([0.8, -0.4])
Z = onp.zeros(2)
LIMITS = [(-2.0, 2.0), (-2.0, 2.1)]
NARROW = [(-1.0, 0.5), (-1.0, 1.0)]
T = onp.linspace(0.0, 1.0, 8)


def bowl(x, a):
    return np.sum((x - a) ** 2 + 0.1 * np.cosh(x))


def slope(x, a):
    return 2 * (x - a) + 0.1 * np.sinh(x)


MINIMA = {
    "fmin": lambda a: optimize.fmin(bowl, Z, args=(a,), disp=0, xtol=1e-8, ftol=1e-12),
    "fmin_powell": lambda a: optimize.fmin_powell(bowl, Z, args=(a,), disp=0, xtol=1e-8),
    "fmin_bfgs": lambda a: optimize.fmin_bfgs(bowl, Z, fprime=slope, args=(a,), disp=0),
    "fmin_bfgs around a": lambda a: optimize.fmin_bfgs(
        lambda x: bowl(x, a), Z, disp=0, gtol=1e-8, full_output=1
    )[0],
    "fmin_cg": lambda a: optimize.fmin_cg(bowl, Z, slope, args=(a,), disp=0, gtol=1e-9),
    "fmin_ncg": lambda a: optimize.fmin_ncg(bowl, Z, slope, args=(a,), disp=0),
    "fmin_l_bfgs_b": lambda a: optimize.fmin_l_bfgs_b(bowl, Z, slope, args=(a,))[0],
    "fmin_l_bfgs_b both": lambda a: optimize.fmin_l_bfgs_b(
        lambda x, a: (bowl(x, a), slope(x, a)), Z, args=(a,)
    )[0],
    "fmin_l_bfgs_b alone": lambda a: optimize.fmin_l_bfgs_b(bowl, Z, args=(a,), approx_grad=1)[0],
    "fmin_tnc": lambda a: optimize.fmin_tnc(bowl, Z, slope, args=(a,), messages=0)[0],
    "fmin_slsqp": lambda a: optimize.fmin_slsqp(bowl, Z, args=(a,), iprint=0, acc=1e-12),
    "brute": lambda a: optimize.brute(bowl, ((-2, 2), (-2, 2)), args=(a,)),
    "basinhopping": lambda a: (
        optimize.basinhopping(
            bowl, Z, niter=2, minimizer_kwargs={"args": (a,), "tol": 1e-9, "jac": slope}
        ).x
    ),
    "differential_evolution": lambda a: (
        optimize.differential_evolution(bowl, LIMITS, args=(a,), seed=0, tol=1e-8).x
    ),
    "dual_annealing": lambda a: (
        optimize.dual_annealing(bowl, LIMITS, args=(a,), maxiter=20, seed=0).x
    ),
    "shgo": lambda a: optimize.shgo(bowl, LIMITS, args=(a,)).x,
    "direct": lambda a: optimize.direct(bowl, LIMITS, args=(a,), len_tol=1e-9).x,
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", MINIMA)
def test_minima(name):
    find = MINIMA[name]
    x = find(A)
    onp.testing.assert_allclose(slope(x, A), 0, atol=1e-3)
    expected = onp.diag(2 / (2 + 0.1 * onp.cosh(x)))
    onp.testing.assert_allclose(jacobian(find)(A), expected, atol=1e-4)
    second = hessian(lambda a: find(a)[0])(A)
    curve = -0.2 * onp.sinh(x[0]) / (2 + 0.1 * onp.cosh(x[0])) ** 2 * expected[0, 0]
    onp.testing.assert_allclose(second, [[curve, 0], [0, 0]], atol=1e-4)


def test_bounds_values_and_programs():
    finders = [
        lambda a, b: optimize.fmin_l_bfgs_b(bowl, Z, slope, (a,), bounds=[(-1.0, b), NARROW[1]])[0],
        lambda a, b: (
            optimize.differential_evolution(bowl, [(-1.0, b), NARROW[1]], args=(a,), seed=0).x
        ),
    ]
    for find in finders:
        x = find(A, 0.5)
        free = 2 / (2 + 0.1 * onp.cosh(x[1]))
        onp.testing.assert_allclose(jacobian(find)(A, 0.5), [[0, 0], [0, free]], atol=1e-5)
        onp.testing.assert_allclose(jacobian(find, 1)(A, 0.5), [1.0, 0.0], atol=1e-5)
    value = lambda a: optimize.fmin_bfgs(bowl, Z, slope, (a,), disp=0, full_output=1)[1]
    expected = grad(lambda a: optimize.minimize(bowl, Z, (a,), tol=1e-10).fun)
    onp.testing.assert_allclose(grad(value)(A), expected(A), rtol=1e-6)
    replayed = jit(grad(value))
    for _ in range(5):
        replayed(A)
    onp.testing.assert_allclose(replayed(A + 0.1), grad(value)(A + 0.1), rtol=1e-9)


def test_minima_of_numbers():
    curve = lambda x, a: (x - a) ** 2 + np.cosh(x)
    finders = {
        "golden": lambda a: optimize.golden(curve, (a,)),
        "brent": lambda a: optimize.brent(curve, (a,), full_output=True)[0],
        "fminbound": lambda a: optimize.fminbound(curve, -3, 3, (a,), xtol=1e-9),
    }
    for find in finders.values():
        x = find(0.7)
        assert grad(find)(0.7) == pytest.approx(2 / (2 + onp.cosh(x)), rel=1e-6)
    # At an end, which alone is traced.
    assert grad(lambda b: optimize.fminbound(lambda x: (x - 3) ** 2, -3, b))(0.7) == 1.0
    lowest = lambda a: optimize.brent(curve, (a,), full_output=True)[1]
    assert grad(lowest)(0.7) == pytest.approx(2 * (0.7 - finders["brent"](0.7)), rel=1e-6)


def test_least_squares():
    curve = lambda p, y: p[0] * np.exp(-p[1] * T) - y
    y = 2 * onp.exp(-T) + 0.1 * T
    ours = lambda y: optimize.leastsq(curve, [1.0, 1.0], args=(y,))[0]
    theirs = lambda y: optimize.least_squares(curve, [1.0, 1.0], args=(y,), xtol=1e-12).x
    onp.testing.assert_allclose(jacobian(ours)(y), jacobian(theirs)(y), atol=1e-5)
    random = onp.random.default_rng(0)
    matrix, side = random.standard_normal((5, 3)), onp.arange(5.0)
    for bounds, order in (((-onp.inf, onp.inf), 2), ((0.0, 1.0), 1)):
        for part in ("x", "cost", "fun"):
            by = lambda A, b: getattr(optimize.lsq_linear(A, b, bounds), part)
            check_grads(by, (0, 1), order=order)(matrix, side)
    constant = scipy.sparse.csr_array(matrix)
    found = jacobian(lambda b: optimize.lsq_linear(constant, b).x)(side)
    onp.testing.assert_allclose(found, onp.linalg.pinv(matrix), atol=1e-6)
    by_bound = lambda b: optimize.lsq_linear(matrix, side, (-1.0, b)).x
    check_grads(by_bound)(0.2)


@pytest.mark.skipif(not hasattr(scipy_optimize, "isotonic_regression"), reason="SciPy before 1.12")
def test_isotonic_regression():
    y, w = onp.array([1.0, 3, 2, 4, 3.5, 5]), onp.array([1.0, 2, 1, 3, 1, 1])
    rising = lambda y, w: optimize.isotonic_regression(y, weights=w).x
    check_grads(rising, (0, 1), order=2)(y, w)
    onp.testing.assert_array_equal(rising(y, w), scipy_optimize.isotonic_regression(y, weights=w).x)
    falling = lambda y, w: optimize.isotonic_regression(y, weights=w, increasing=False).x
    check_grads(falling, (0, 1), order=2)(y[::-1] + 0.1, w)


@pytest.mark.parametrize(
    "name", ["newton_krylov", "broyden1", "broyden2", "anderson", "diagbroyden"]
)
def test_roots(name):
    solve = getattr(optimize, name)
    find = lambda a: solve(lambda x: x + 0.2 * x**3 - a, Z, f_tol=1e-10)
    x = find(A)
    onp.testing.assert_allclose(jacobian(find)(A), onp.diag(1 / (1 + 0.6 * x**2)), atol=1e-8)


def test_assignments_do_not_move():
    costs = onp.array([[4.0, 1, 3], [2, 0, 5], [3, 2, 2]])
    total = lambda c: np.sum(c[optimize.linear_sum_assignment(c)])
    assert grad(total)(costs).tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]


def test_what_the_constraints_read_is_no_constant():
    below = lambda x, a: a - x[0] - x[1]
    limit = lambda a: {"type": "ineq", "fun": below, "args": (a,)}
    far = lambda x: np.sum((x - 1) ** 2)
    inner = lambda a: {"method": "SLSQP", "constraints": limit(a)}
    for search in (
        lambda a: optimize.shgo(far, LIMITS, constraints=limit(a)).x[0],
        lambda a: optimize.basinhopping(far, Z, 1, minimizer_kwargs=inner(a)).x[0],
    ):
        with pytest.raises(NotImplementedError, match="'constraints'"):
            grad(search)(0.5)
    with pytest.raises(NotImplementedError, match="'ranges'"):
        grad(lambda a: optimize.brute(far, ((0, a), (0, 2)), finish=None)[0])(0.5)
    assert grad(lambda a: optimize.brute(far, ((0, a), (0, 2)))[0])(2.0) == 0.0


def test_covariance_and_residuals_of_leastsq():
    curve = lambda x, a: np.stack([x[0] * a - 1, x[1] * 2 - a * a, x[0] - x[1]])

    def given(a):
        x, covariance, info, *_ = optimize.leastsq(
            curve, [1.0, 1.0], args=(a,), full_output=True, xtol=1e-14, ftol=1e-14
        )
        return x, covariance, info["fvec"]

    def exact(a):
        slopes = np.array([[a, 0.0], [0.0, 2.0], [1.0, -1.0]])
        inverse = np.linalg.inv(slopes.T @ slopes)
        x = inverse @ (slopes.T @ np.array([1.0, a * a, 0.0]))
        return x, inverse, curve(x, a)

    for part in range(3):
        ours, theirs = (jacobian(lambda a: f(a)[part])(1.2) for f in (given, exact))
        onp.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)


def test_refusals():
    entries = lambda d: sparse.csr_array((d, ([0, 1], [0, 1])), shape=(2, 2))
    with pytest.raises(NotImplementedError, match="entries of a sparse matrix"):
        grad(lambda d: optimize.lsq_linear(entries(d), onp.ones(2)).x[0])(onp.ones(2))
    with pytest.raises(NotImplementedError, match="'eqcons'"):
        grad(
            lambda a: optimize.fmin_slsqp(
                bowl, Z, eqcons=[lambda x, a: x[0] - x[1]], args=(a,), iprint=0
            )[0]
        )(A)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(NotImplementedError, match="'integrality'"):
            grad(
                lambda a: optimize.differential_evolution(
                    bowl, LIMITS, args=(a,), integrality=[True, False], seed=0, maxiter=2
                ).x[0]
            )(A)
