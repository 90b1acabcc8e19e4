"""Fits of curves, least squares above zero and linear programs of `fastad.scipy.optimize`."""

from __future__ import annotations

import numpy as onp
import pytest

pytest.importorskip("scipy")

import scipy.optimize as theirs
import scipy.sparse

import fastad.numpy as np
from fastad import grad, jacobian, jit
from fastad.scipy import optimize
from fastad.test_util import check_grads

X = onp.linspace(0.1, 2.0, 9)
Y = 2.0 * onp.exp(-1.3 * X) + 0.3 + 0.02 * onp.cos(9 * X)


def decay(x, a, k, b):
    return a * np.exp(-k * x) + b


def slopes(x, a, k, b):
    """Of the curve by its parameters: SciPy's own differences would leave the minimum by 1e-8."""
    return onp.stack([onp.exp(-k * x), -a * x * onp.exp(-k * x), onp.ones(len(x))], axis=1)


TIGHT = {"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15, "jac": slopes}


def differences(function, x):
    h = 1e-4
    steps = h * onp.eye(len(x))
    return onp.stack([(function(x + e) - function(x - e)) / (2 * h) for e in steps], axis=-1)


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("part", [0, 1])
def test_curves_by_their_data(part, absolute):
    sigma = 0.1 + 0.05 * X

    def fitted(module, y, x=X, sigma=sigma):
        start = [1.5, 1.0, 0.1]
        options = {"sigma": sigma, "absolute_sigma": absolute, **TIGHT}
        return module.curve_fit(decay, x, y, start, **options)[part]

    onp.testing.assert_array_equal(fitted(optimize, Y), fitted(theirs, Y))
    for which in ("y", "x", "sigma"):
        at = {"y": Y, "x": X, "sigma": sigma}
        ours = lambda v: fitted(optimize, **{**at, which: v})
        plain = lambda v: fitted(theirs, **{**at, which: v})
        onp.testing.assert_allclose(
            jacobian(ours)(at[which]), differences(plain, at[which]), rtol=2e-4, atol=5e-5
        )


def test_curves_with_covariances_bounds_and_functions_that_read():
    cov = 0.01 * onp.eye(9) + 0.002
    fit = lambda m, y: m.curve_fit(decay, X, y, [1.5, 1.0, 0.1], sigma=cov, **TIGHT)[0]
    plain = differences(lambda y: fit(theirs, y), Y)
    onp.testing.assert_allclose(
        jacobian(lambda y: fit(optimize, y))(Y), plain, rtol=2e-4, atol=5e-5
    )
    held = lambda y: optimize.curve_fit(decay, X, y, [1.0, 1.0, 0.1], bounds=(0, [9, 1.1, 9]))[0]
    assert onp.all(jacobian(held)(Y)[1] == 0)
    shifted = lambda s: optimize.curve_fit(lambda x, a, b: a * x + b + s, X, Y)[0][1]
    assert grad(shifted)(0.2) == pytest.approx(-1.0, abs=1e-6)


def _line(x, a, b):
    return a * x + b


def _shifted_line(x, a, b):
    return a * x + b + SHIFT * x**2


def test_covariances_of_functions_without_and_with_what_is_outside():
    global SHIFT

    def by_name(y, s, m=optimize):
        global SHIFT
        SHIFT = s
        return m.curve_fit(_shifted_line, X, y)[1]

    def by_closure(y, s, m=optimize):
        return m.curve_fit(lambda x, a, b: a * x + b + s * x**2, X, y)[1]

    def cases(fit):
        yield lambda v, m: fit(v, 0.3, m), Y
        yield lambda v, m: fit(Y, v[0], m), X[3:4]

    for fit in (by_name, by_closure):
        for at, x in cases(fit):
            got = jacobian(lambda v, at=at: at(v, optimize))(x)
            want = differences(lambda v, at=at: at(v, theirs), x)
            onp.testing.assert_allclose(got, want, rtol=2e-4, atol=1e-6)
    exact = {**TIGHT, "jac": lambda x, a, b: onp.stack([x, onp.ones(len(x))], axis=1)}
    spread = lambda y: optimize.curve_fit(_line, X, y, **exact)[1]
    check_grads(spread, order=2)(Y)
    onp.testing.assert_allclose(
        jacobian(spread)(Y),
        differences(lambda y: theirs.curve_fit(_line, X, y, **exact)[1], Y),
        rtol=1e-4,
        atol=1e-7,
    )
    program = jit(grad(lambda y: np.sum(spread(y))))
    for k in range(4):
        program(Y * (1 + 0.01 * k))
    assert program.programs


def test_curves_in_programs():
    slope = grad(lambda y: np.sum(optimize.curve_fit(lambda x, a, b: a * x + b, X, y)[0]))
    program = jit(slope)
    for k in range(4):
        y = Y * (1 + 0.01 * k)
        onp.testing.assert_allclose(program(y), slope(y), rtol=1e-9)


def test_least_squares_above_zero(random):
    a, b = random.standard_normal((7, 4)), random.standard_normal(7)
    for part in (0, 1):
        call = lambda a, b, part=part: optimize.nnls(a, b)[part]
        onp.testing.assert_array_equal(call(a, b), theirs.nnls(a, b)[part])
        check_grads(call, (0, 1), order=2)(a, b)
    assert 0 < onp.count_nonzero(theirs.nnls(a, b)[0]) < 4


def test_linear_programs():
    c = onp.array([-1.0, -2.0, 0.5])
    a, b = onp.array([[1.0, 1.0, 0.2], [0.3, 2.0, -1.0]]), onp.array([4.0, 5.0])
    bounds = [(0.1, 3.0), (0, None), (-1, 8.0)]
    total = onp.array([[1.0, 1.0, 1.0]])
    for which in ("x", "fun"):
        call = lambda c, a, b, e: optimize.linprog(c, a, b, total, e, bounds)[which]
        value = call(c, a, b, onp.array([4.5]))
        onp.testing.assert_array_equal(
            value, theirs.linprog(c, a, b, total, onp.array([4.5]), bounds)[which]
        )
        check_grads(call, (0, 1, 2, 3), order=2)(c, a, b, onp.array([4.5]))
    upper = lambda u: optimize.linprog(c, a, b, bounds=[(0, u), (0, None), (0, 8.0)]).fun
    check_grads(upper, order=1)(0.5)
    # Dual prices are the derivatives by the sides.
    found = theirs.linprog(c, a, b, bounds=bounds)
    prices = grad(lambda b: optimize.linprog(c, a, b, bounds=bounds).fun)(b)
    onp.testing.assert_allclose(prices, found.ineqlin.marginals, atol=1e-12)


@pytest.mark.parametrize("shape", [(2,), (1, 2), (2, 1)])
@pytest.mark.parametrize(
    "bounds",
    [
        None,
        [],
        (0, None),
        (0, onp.inf),
        [(0, None), (0.0, None)],
        ((0, 1.5), (0, 1.2)),
        onp.array([[0.0, 1.5], [0.0, 1.2]]),
        [[0.0, 1.5]],
        onp.array([[0.0], [1.5]]),
        (onp.nan, 1.5),
    ],
    ids=str,
)
def test_linear_programs_in_every_form_that_scipy_takes(shape, bounds):
    """Costs and sides with axes of length one, bounds of one variable or of all."""
    a, z = onp.array([[1.0, 2.0], [3.0, 1.0]]), onp.array([-1.0, -3.0, 4.0, 6.0])
    for matrix in (a, a.tolist(), tuple(map(tuple, a)), scipy.sparse.csr_array(a)):

        def solved(z, matrix=matrix):
            c, b = np.reshape(z[:2], shape), np.reshape(z[2:], shape)
            found = optimize.linprog(c, matrix, b, bounds=bounds)
            return np.concatenate([found.x, found.slack, np.reshape(found.fun, 1)])

        check_grads(solved, order=1)(z)


def test_bounds_of_linear_programs_are_differentiated_in_every_form():
    a, b, c = [[1.0, 2.0], [3.0, 1.0]], [4.0, 6.0], [-1.0, -3.0]
    cost = lambda bounds: optimize.linprog(c, a, b, bounds=bounds).fun
    assert grad(lambda u: cost((0, u)))(1.2) == pytest.approx(-4.0)
    assert grad(lambda u: cost([[0, u]]))(1.2) == pytest.approx(-4.0)
    pairs = onp.array([[0.0, 1.1], [0.0, 1.2]])
    onp.testing.assert_allclose(grad(cost)(pairs), [[0.0, -1.0], [0.0, -3.0]])


@pytest.mark.parametrize("option", [{"integrality": 1}, {"integrality": [0, 1]}])
def test_linear_programs_without_prices_are_refused_by_name(option):
    cost = lambda b: optimize.linprog([-1.0, -3.0], [[1.0, 2.0]], [b], **option).fun
    assert cost(3.5) == theirs.linprog([-1.0, -3.0], [[1.0, 2.0]], [3.5], **option).fun
    with pytest.raises(NotImplementedError, match="'integrality' is not supported with traced"):
        grad(cost)(3.5)


def test_a_solution_that_is_no_vertex():
    with pytest.raises(onp.linalg.LinAlgError, match="vertex"):
        grad(lambda b: optimize.linprog([1.0, 1.0], [[-1.0, -1.0]], [-b]).x[0])(1.0)
