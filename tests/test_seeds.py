"""Small programs of the kind that users write, with the results that they print.

Each program is ordinary NumPy code; derivations by hand and finite differences stand beside the
gradients as a second witness.
"""

from __future__ import annotations

import math
import warnings

import numpy
import pytest

import fastad.numpy as np
from fastad import elementwise_grad as egrad
from fastad import grad, jacobian, make_jvp, value_and_grad

INPUTS = [[0.52, 1.12, 0.77], [0.88, -1.08, 0.15], [0.52, 0.06, -1.30], [0.74, -2.49, 1.39]]
TARGETS = [True, True, False, True]


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the lines printed, each with its blanks made single."""
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def difference(f, x, h=1e-6):
    """Return the central difference quotient."""
    return (f(x + h) - f(x - h)) / (2 * h)


# ---- a notebook: Taylor's sine, and a logistic regression with a slip ----


def taylor_sine(x):
    ans = currterm = x
    i = 0
    while np.abs(currterm) > 0.001:
        currterm = -currterm * x**2 / ((2 * i + 3) * (2 * i + 2))
        ans = ans + currterm
        i += 1
    return ans


def test_taylor_sine_at_pi(capsys):
    grad_sine = grad(taylor_sine)
    print("Gradient of sin(pie) is ", grad_sine(np.pi))
    assert printed(capsys) == ["Gradient of sin(pie) is -0.9998995297042174"]


def test_taylor_sine_with_a_branch_that_breaks():
    """The thousand terms are cut off by a test on the traced value."""

    def fun(x):
        curr = x
        ans = curr
        for i in range(1000):
            curr = -curr * x**2 / ((2 * i + 3) * (2 * i + 2))
            ans = ans + curr
            if np.abs(curr) < 0.2:
                break
        return ans

    d_fun = grad(fun)
    dd_fun = grad(d_fun)
    x = np.linspace(-3, 3, 61)
    first, second = list(map(d_fun, x)), list(map(dd_fun, x))
    assert max(abs(a - math.cos(b)) for a, b in zip(first, x)) < 0.6
    for a, point in zip(first, x):
        if np.abs(point) > 0.05:
            assert a == pytest.approx(difference(fun, point), rel=1e-5, abs=1e-5)
    for a, point in zip(second, x):
        assert a == pytest.approx(difference(d_fun, point), rel=1e-4, abs=1e-4)


def test_sine_and_its_derivatives_over_a_range():
    def fun(x):
        return np.sin(x)

    d_fun = grad(fun)
    dd_fun = grad(d_fun)
    x = np.linspace(-10, 10, 100)
    numpy.testing.assert_allclose(list(map(d_fun, x)), numpy.cos(x), rtol=1e-14, atol=1e-15)
    numpy.testing.assert_allclose(list(map(dd_fun, x)), -numpy.sin(x), rtol=1e-14, atol=1e-15)


def test_logistic_regression_whose_loss_ignores_its_argument(capsys):
    """The predictions read the global weights, not the argument: a warning, and nothing learnt."""
    inputs, targets = np.array(INPUTS), np.array(TARGETS)

    def sigmoid(x):
        return 0.5 * (np.tanh(x / 2.0) + 1)

    def logistic_predictions(weight, inputs):
        return sigmoid(np.dot(inputs, weights))

    def training_loss(weight):
        preds = logistic_predictions(weights, inputs)
        label_probabilities = preds * targets + (1 - preds) * (1 - targets)
        return -np.sum(np.log(label_probabilities))

    training_gradient_fun = grad(training_loss)
    weights = np.array([0.0, 0.0, 0.0])
    print("Initial loss: ", training_loss(weights))
    with pytest.warns(UserWarning, match="independent of input"):
        gradient = training_gradient_fun(weights)
    assert isinstance(gradient, numpy.ndarray) and gradient.dtype == numpy.float64
    numpy.testing.assert_array_equal(gradient, [0.0, 0.0, 0.0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(100):
            weights -= training_gradient_fun(weights) * 0.01
    print("Trained loss: ", training_loss(weights))
    assert printed(capsys) == [
        "Initial loss: 2.772588722239781",
        "Trained loss: 2.772588722239781",
    ]


def test_the_same_regression_with_the_slip_mended():
    inputs, targets = np.array(INPUTS), np.array(TARGETS)

    def sigmoid(x):
        return 0.5 * (np.tanh(x / 2.0) + 1)

    def training_loss(weights):
        preds = sigmoid(np.dot(inputs, weights))
        label_probabilities = preds * targets + (1 - preds) * (1 - targets)
        return -np.sum(np.log(label_probabilities))

    weights = np.array([0.0, 0.0, 0.0])
    training_gradient_fun = grad(training_loss)
    assert training_loss(weights) == 2.772588722239781
    for _ in range(100):
        weights -= training_gradient_fun(weights) * 0.01
    assert training_loss(weights) == pytest.approx(1.0672706757870165, rel=1e-12)


# ---- slides: tanh to its sixth derivative ----


def test_tanh_to_its_sixth_derivative_point_by_point():
    def tanh(x):
        return (1 - np.exp(-x)) / (1 + np.exp(-x))

    functions = [tanh]
    for _ in range(6):
        functions.append(grad(functions[-1]))
    x = np.linspace(-7, 7, 200)
    curves = [numpy.array(list(map(f, x))) for f in functions]

    # The function is tanh(x / 2): its derivatives by t' = (1 - t^2) / 2, as polynomials in t.
    t = numpy.tanh(x / 2)
    numpy.testing.assert_allclose(curves[0], t, rtol=1e-12, atol=1e-15)
    polynomial = numpy.polynomial.Polynomial([0.0, 1.0])
    chain = numpy.polynomial.Polynomial([0.5, 0.0, -0.5])
    for order in range(1, 7):
        polynomial = polynomial.deriv() * chain
        numpy.testing.assert_allclose(curves[order], polynomial(t), rtol=1e-7, atol=1e-11)


def test_tanh_to_its_sixth_derivative_as_an_array():
    def tanh(x):
        return (1 - np.exp(-x)) / (1 + np.exp(-x))

    by_points, by_array = tanh, tanh
    x = np.linspace(-7, 7, 40)
    for _ in range(6):
        by_points, by_array = grad(by_points), egrad(by_array)
        numpy.testing.assert_allclose(
            by_array(x), [by_points(point) for point in x], rtol=1e-9, atol=1e-13
        )


# ---- a page: a cubic to its fourth derivative ----


def poly(x):
    return 3 * x**3 - 20 * x**2 + 40 * x - 2


def test_cubic_beside_a_chord():
    assert grad(poly)(1.0) == 9.0
    assert (poly(1.0001) - poly(0.9999)) / 0.0002 == 9.000000029981692


def test_cubic_to_its_fourth_derivative():
    def elementwise_grad(fun):
        return grad(lambda x: np.sum(fun(x)))

    grad_poly = elementwise_grad(poly)
    grad_poly_2 = elementwise_grad(grad_poly)
    grad_poly_3 = elementwise_grad(grad_poly_2)
    grad_poly_4 = elementwise_grad(grad_poly_3)
    x = np.linspace(-1, 4, 500)
    numpy.testing.assert_allclose(grad_poly(x), 9 * x**2 - 40 * x + 40, rtol=1e-12, atol=1e-12)
    numpy.testing.assert_allclose(grad_poly_2(x), 18 * x - 40, rtol=1e-12, atol=1e-12)
    numpy.testing.assert_allclose(grad_poly_3(x), numpy.full(500, 18.0), rtol=1e-12)
    with warnings.catch_warnings():
        # The third derivative is a constant; how that is noticed is not this test's matter.
        warnings.simplefilter("ignore")
        numpy.testing.assert_allclose(grad_poly_4(x), numpy.zeros(500), atol=1e-12)


# ---- functions of a list, beside backpropagation by hand ----


def test_list_argument_beside_backpropagation_by_hand():
    x, y, z = 1.0, 2.0, 3.0
    q = 2.0 * x + y
    f_bar = 1
    q_bar = z * f_bar
    z_bar = q * f_bar
    x_bar = 2 * q_bar
    y_bar = 1 * q_bar

    def f(args):
        x, y, z = args
        return (2 * x + y) * z

    f_grad = grad(f)
    assert f([x, y, z]) == 12.0
    gradient = f_grad([x, y, z])
    assert isinstance(gradient, list)
    assert gradient == [x_bar, y_bar, z_bar] == [6.0, 3.0, 4.0]


def test_list_argument_with_powers():
    def f(args):
        x, y = args
        return y**3 * 10 * np.exp(np.sin(x)) + np.cos(x) ** 2

    gradient = grad(f)([2.0, 3.0])
    e = math.exp(math.sin(2.0))
    expected = [
        270 * e * math.cos(2.0) - 2 * math.cos(2.0) * math.sin(2.0),
        270 * e,
    ]
    assert gradient == pytest.approx(expected, rel=1e-14)


def test_five_nodes_backwards_by_hand():
    x = 1000.0
    a = numpy.sin(x)
    b = numpy.cos(x)
    c = b**2
    d = numpy.exp(a)
    f = 10 * d + c
    f_bar = 1
    d_bar = 10 * f_bar
    c_bar = 1 * f_bar
    a_bar = numpy.exp(a) * d_bar
    b_bar = 2 * b * c_bar
    x_bar = numpy.cos(x) * a_bar - numpy.sin(x) * b_bar

    def fun(x):
        return 10 * np.exp(np.sin(x)) + np.cos(x) ** 2

    value, gradient = value_and_grad(fun)(x)
    assert value == f
    assert gradient == pytest.approx(x_bar, rel=1e-14)


# ---- lecture notes: forward mode and reverse mode by hand ----


def sigmoid_steps(x, w, b):
    f1 = w * x
    f2 = f1 + b
    f3 = -f2
    f4 = 2.718281828459**f3
    f5 = 1.0 + f4
    return 1.0 / f5


def sigmoid_forward(x, w, b):
    f1 = w * x
    p1 = w
    f2 = f1 + b
    p2 = 1.0 * p1
    f3 = -f2
    p3 = -1.0 * p2
    f4 = 2.718281828459**f3
    p4 = 2.718281828459**f3 * p3
    f5 = 1.0 + f4
    p5 = 1.0 * p4
    f6 = 1.0 / f5
    dfx = -1.0 / f5**2.0 * p5
    return f6, dfx


def test_sigmoid_in_steps():
    h = 0.000001
    quotient = (sigmoid_steps(3 + h, 2, 1) - sigmoid_steps(3, 2, 1)) / h
    assert quotient == pytest.approx(0.0018204406870836465, rel=1e-9)
    value, by_hand = sigmoid_forward(3, 2, 1)
    assert value == pytest.approx(0.9990889488055992, rel=1e-15)
    assert by_hand == pytest.approx(0.0018204423602438654, rel=1e-14)
    assert by_hand - quotient == pytest.approx(1.6731602188804762e-09, rel=1e-3)

    # The hand-made rule takes log(2.718281828459) for 1; the exact derivative has the logarithm.
    exact = by_hand * math.log(2.718281828459)
    assert grad(sigmoid_steps)(3.0, 2, 1) == pytest.approx(exact, rel=1e-14)
    value, slope = make_jvp(sigmoid_steps)(3.0, 2, 1)(1.0)
    assert value == sigmoid_steps(3.0, 2, 1)
    assert slope == pytest.approx(exact, rel=1e-14)


def g(x1, x2):
    return np.sin(x1) + x1 * x2


def g_forward(x1, x2, p1, p2):
    p3 = p1 * x2 + p2 * x1
    p4 = math.cos(x1) * p1
    return p4 + p3


def g_backward(x1, x2):
    d5d4 = d5d3 = 1.0
    d3d2, d3d1, d4d1 = x1, x2, math.cos(x1)
    return d5d3 * d3d1 + d5d4 * d4d1, d5d3 * d3d2


def test_two_variables_forwards_and_backwards_by_hand():
    assert g(3, 1) == 3.1411200080598674
    assert g_forward(3, 1, 1, 0) == 0.010007503399554585
    assert g_forward(3, 1, 0, 1) == 3.0
    assert g_backward(1, 2) == (2.5403023058681398, 1.0)

    assert grad(g, 0)(3.0, 1.0) == pytest.approx(0.010007503399554585, rel=1e-13)
    assert grad(g, 1)(3.0, 1.0) == 3.0
    assert make_jvp(g, 0)(3.0, 1.0)(1.0)[1] == pytest.approx(0.010007503399554585, rel=1e-13)
    assert make_jvp(g, 1)(3.0, 1.0)(1.0)[1] == 3.0
    both = grad(g, (0, 1))(1.0, 2.0)
    assert tuple(both) == pytest.approx(g_backward(1, 2), rel=1e-15)

    h = 0.0000001
    assert (g(3 + h, 1) - g(3, 1)) / h == pytest.approx(grad(g, 0)(3.0, 1.0), abs=1e-7)
    assert (g(3, 1 + h) - g(3, 1)) / h == pytest.approx(grad(g, 1)(3.0, 1.0), abs=1e-7)


@pytest.mark.parametrize("x", [2.0, 5.0, 150.0])
def test_difference_quotients_reach_the_derivative_at_their_best_step(x):
    """Truncation and rounding balance near h = 1e-5; the gradient needs no step."""
    steps = numpy.logspace(-10, 1, 100)
    exact = grad(np.exp)(x)
    assert exact == pytest.approx(math.exp(x), rel=1e-15)
    errors = numpy.abs((numpy.exp(x + steps) - numpy.exp(x - steps)) / (2 * steps) / exact - 1)
    best = int(numpy.argmin(errors))
    assert errors[best] < 1e-9
    assert errors[0] > errors[best] and errors[-1] > errors[best]


def test_branch_on_a_traced_entry(capsys):
    x1 = np.array([2, 5], dtype=float)
    x2 = np.array([5, 2], dtype=float)

    def test(x):
        if x[0] > 3:
            return np.log(x[0]) + x[0] * x[1] - np.sin(x[1])
        else:
            return np.log(x[0]) + x[0] * x[1] + np.sin(x[1])

    grad_test = grad(test)
    print("({:.2f},{:.2f})".format(grad_test(x1)[0], grad_test(x1)[1]))  # noqa: UP032
    print("({:.2f},{:.2f})".format(grad_test(x2)[0], grad_test(x2)[1]))  # noqa: UP032
    assert printed(capsys) == ["(5.50,2.28)", "(2.20,5.42)"]


def test_logistic_regression(capsys):
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def logistic_predictions(weights, inputs):
        return sigmoid(np.dot(inputs, weights))

    def training_loss(weights, inputs, targets):
        preds = logistic_predictions(weights, inputs)
        loss = preds * targets + (1 - preds) * (1 - targets)
        return -np.sum(np.log(loss))

    def optimize(inputs, targets, training_loss):
        gradient_loss = grad(training_loss)
        weights = np.zeros(inputs.shape[1])
        print("Initial loss:", training_loss(weights, inputs, targets))
        for _ in range(100):
            weights -= gradient_loss(weights, inputs, targets) * 0.01
        print("Final loss:", training_loss(weights, inputs, targets))
        return weights

    weights = optimize(np.array(INPUTS), np.array(TARGETS), training_loss)
    print("Weights:", weights)
    assert printed(capsys) == [
        "Initial loss: 2.772588722239781",
        "Final loss: 1.0672706757870165",
        "Weights: [ 0.48307366 -0.37057217 1.06937395]",
    ]


def test_jacobian_of_a_gradient_is_symmetric():
    """The loss's Hessian, by the Jacobian of its gradient."""
    inputs = np.array(INPUTS)

    def loss(weights):
        return np.sum(np.log(1 + np.exp(-np.dot(inputs, weights))))

    weights = np.array([0.3, -0.2, 0.1])
    hessian = jacobian(grad(loss))(weights)
    p = 1 / (1 + numpy.exp(-(inputs @ weights)))
    expected = inputs.T @ ((p * (1 - p))[:, None] * inputs)
    numpy.testing.assert_allclose(hessian, expected, rtol=1e-12)
    numpy.testing.assert_allclose(hessian, hessian.T, rtol=1e-12)
