"""Levels: nesting, mixed modes, closures over outer boxes, threads, exceptions in the middle."""

import sys

import autograd
import autograd.numpy as anp
import numpy as onp
import pytest
from several_threads import in_threads

import fastad.numpy as np
from fastad import (
    deriv,
    egrad,
    grad,
    hessian,
    jacobian,
    make_hvp,
    make_jvp,
    make_vjp,
    value_and_grad,
)

X = onp.array([0.5, -1.0, 2.0])


def close(actual, expected, rtol=1e-11):
    onp.testing.assert_allclose(actual, expected, rtol=rtol, atol=1e-12)


def test_powers_to_every_order():
    f, x = (lambda x: x**6), 1.5
    factor, power = 1.0, 6
    for _ in range(6):
        f = grad(f)
        factor, power = factor * power, power - 1
        close(f(x), factor * x**power)


def test_closure_over_an_outer_box():
    # f(x) = d/dy (x y + y^2) at y = 1 = x + 2
    assert grad(lambda x: grad(lambda y: x * y + y**2)(1.0))(3.0) == 1.0
    # Perturbations must not be confused: d/dx [x d/dy (x + y)] = 1
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert deriv(lambda x: x * deriv(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: x * deriv(lambda y: x + y)(1.0))(1.0) == 1.0
    assert deriv(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0


def test_three_levels_of_closures():
    def f(x):
        def g(y):
            return grad(lambda z: x * y**2 * z**3)(2.0) * y

        return grad(g)(3.0) * x

    # d/dz: 12 x y^2; times y: 12 x y^3; d/dy: 36 x y^2 = 324 x; times x: 324 x^2
    assert grad(f)(2.0) == 2 * 324 * 2.0


def test_inner_gradient_at_an_outer_box():
    assert grad(lambda x: grad(lambda y: y**3)(x) * x)(2.0) == 9 * 4.0


def test_inner_function_that_ignores_its_argument():
    with pytest.warns(UserWarning, match="independent"):
        assert grad(lambda x: x * grad(lambda y: x**2)(1.0) + x)(3.0) == 1.0


@pytest.mark.parametrize("outer", [grad, deriv])
@pytest.mark.parametrize("inner", [grad, deriv])
def test_mixed_modes_on_a_scalar(outer, inner):
    def f(x):
        return np.sin(x) * x**3

    x = 0.7
    expected = -onp.sin(x) * x**3 + 6 * x**2 * onp.cos(x) + 6 * x * onp.sin(x)
    close(outer(inner(f))(x), expected)


@pytest.mark.parametrize("modes", ["fff", "ffr", "frf", "frr", "rff", "rfr", "rrf", "rrr"])
def test_third_derivatives_in_every_mixture(modes):
    f = np.tanh
    for mode in modes:
        f = deriv(f) if mode == "f" else grad(f)
    t = onp.tanh(0.3)
    close(f(0.3), -2 * (1 - t**2) * (1 - 3 * t**2))


def test_forward_over_reverse_is_the_hessian_vector_product():
    def f(x):
        return np.sum(np.exp(x)) * np.sum(x**2)

    v = onp.array([1.0, -0.5, 0.25])
    h = autograd.hessian(lambda x: anp.sum(anp.exp(x)) * anp.sum(x**2))(X)
    gradient, hv = make_jvp(grad(f))(X)(v)
    close(hv, h @ v)
    close(make_hvp(f)(X)[0](v), h @ v)
    close(grad(lambda x: make_jvp(f)(x)(v)[1])(X), h @ v)
    close(hessian(f)(X), h)


def test_jacobian_of_jacobian_of_vector_function():
    def f(np):
        return lambda x: np.array([x[0] * x[1], np.sin(x[2]) * x[0]])

    close(jacobian(jacobian(f(np)))(X), autograd.jacobian(autograd.jacobian(f(anp)))(X))


def test_gradient_descent_is_differentiated():
    def descend(rate):
        x = 1.0
        for _ in range(10):
            x = x - rate * grad(lambda x: x**4)(x)
        return x

    eps = 1e-6
    numeric = (descend(0.05 + eps) - descend(0.05 - eps)) / (2 * eps)
    close(grad(descend)(0.05), numeric, rtol=1e-7)


def test_vjp_of_an_outer_level_used_inside_an_inner_one():
    def f(x):
        vjp, y = make_vjp(lambda z: z**2 * x)(x)
        return vjp(y)  # 2 z x * y at z = x, y = x^3: 2 x^5

    close(grad(f)(1.5), 10 * 1.5**4)


def test_scalar_and_array_lanes_cross_between_levels():
    def f(x):
        a = np.array([x, x**2, 1.0])
        return grad(lambda s: np.sum(np.sin(a * s)))(x)

    def g(x):
        a = anp.array([x, x**2, 1.0])
        return autograd.grad(lambda s: anp.sum(anp.sin(a * s)))(x)

    close(grad(f)(0.8), autograd.grad(g)(0.8))
    close(grad(grad(f))(0.8), autograd.grad(autograd.grad(g))(0.8))


def test_scalar_constants_that_are_outer_boxes():
    # Inner scalar operations with an operand of an outer level: their partials are traced values.
    def f(x):
        def g(y):
            z = y * x
            z = z + x * x
            return z * y / (x + y)

        return grad(g)(2.0)

    def theirs(x):
        return autograd.grad(lambda y: (y * x + x * x) * y / (x + y))(2.0)

    close(grad(f)(1.3), autograd.grad(theirs)(1.3))
    close(grad(grad(f))(1.3), autograd.grad(autograd.grad(theirs))(1.3))


def test_branches_and_tests_on_boxes_of_several_levels():
    def f(x):
        def g(y):
            if y > x:
                return y * x
            return y * y

        return grad(g)(2.0)

    assert grad(f)(1.0) == 1.0
    with pytest.warns(UserWarning, match="independent"):
        assert grad(f)(3.0) == 0.0


def test_recursion():
    def power(x, n):
        return x * power(x, n - 1) if n else 1.0

    assert grad(power)(2.0, 5) == 80.0
    assert grad(grad(power))(2.0, 5) == 160.0


# ---- exceptions


class Stop(Exception):
    pass


def fail(x):
    _ = np.sin(x) * x
    raise Stop("in the middle")


@pytest.mark.parametrize(
    "call",
    [
        lambda: grad(fail)(1.0),
        lambda: grad(fail)(X),
        lambda: value_and_grad(fail)(X),
        lambda: jacobian(fail)(X),
        lambda: make_vjp(fail)(X),
        lambda: make_jvp(fail)(X)(X),
        lambda: hessian(fail)(X),
        lambda: grad(grad(fail))(1.0),
        lambda: grad(lambda x: x * deriv(fail)(x))(1.0),
        lambda: grad(lambda p: fail(p["x"]))({"x": 1.0}),
    ],
)
def test_exception_leaves_the_next_gradient_right(call):
    for _ in range(3):
        with pytest.raises(Stop, match="in the middle"):
            call()
        assert grad(lambda x: x**3)(2.0) == 12.0
        assert grad(grad(lambda x: x**3))(2.0) == 12.0
        close(grad(lambda x: np.sum(x**2))(X), 2 * X)


def test_exception_of_an_inner_level_caught_inside_an_outer_one():
    def f(x):
        try:
            grad(fail)(x)
        except Stop:
            pass
        return x**2 + grad(lambda y: y * x)(1.0)

    assert grad(f)(3.0) == 7.0


def test_exception_in_a_sweep():
    from fastad.extend import defvjp, primitive

    @primitive
    def twice(x):
        return 2 * x

    def bad_rule(ans, x):
        def vjp(g):
            raise Stop("in the sweep")

        return vjp

    defvjp(twice, bad_rule)
    with pytest.raises(Stop, match="in the sweep"):
        grad(lambda x: twice(x) * x)(3.0)
    assert grad(lambda x: x**2)(3.0) == 6.0
    vjp, _ = make_vjp(twice)(3.0)
    for _ in range(2):
        with pytest.raises(Stop, match="in the sweep"):
            vjp(1.0)
    assert grad(grad(lambda x: x**3))(2.0) == 12.0


def test_generator_left_in_the_middle():
    def steps(x):
        yield x
        yield x * x

    def f(x):
        g = steps(x)
        next(g)
        return x**2

    assert grad(f)(3.0) == 6.0


# ---- threads


@pytest.fixture
def tiny_switch_interval():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_nested_gradients_in_threads(tiny_switch_interval):
    def nested(x):
        return x * grad(lambda y: x * y**2 + np.sin(y) * x)(x)

    def derivative(x):
        # x (2 x^2 + x cos x) = 2 x^3 + x^2 cos x
        return 6 * x**2 + 2 * x * onp.cos(x) - x**2 * onp.sin(x)

    wrong = []

    def work(k):
        for i in range(250):
            x = 0.5 + 0.01 * k + 0.001 * i
            got = grad(nested)(x)
            if not abs(got - derivative(x)) <= 1e-11 * abs(derivative(x)):
                wrong.append((x, got))

    in_threads(work)
    assert not wrong


def test_array_gradients_in_threads(tiny_switch_interval):
    wrong = []

    def work(k):
        for i in range(60):
            x = X + 0.1 * k + 0.01 * i
            h = hessian(lambda x: np.sum(x**3) + np.sum(np.sin(x)))(x)
            if not onp.allclose(h, onp.diag(6 * x - onp.sin(x)), rtol=1e-11):
                wrong.append(k)
            if not onp.allclose(egrad(egrad(np.exp))(x), onp.exp(x), rtol=1e-11):
                wrong.append(k)

    in_threads(work)
    assert not wrong


def test_worker_thread_closes_over_an_outer_box(tiny_switch_interval):
    # A pool's worker differentiates a function of a box that belongs to the main thread's level.
    def f(x):
        results = [None] * 4

        def work(k):
            results[k] = grad(lambda y: x * y**2)(float(k))  # 2 x k

        in_threads(work, 4)
        return x * sum(results)  # 12 x^2

    for _ in range(20):
        assert grad(f)(2.5) == 60.0


def test_exceptions_in_threads_do_not_disturb_others(tiny_switch_interval):
    def work(k):
        for i in range(100):
            if k % 2:
                with pytest.raises(Stop):
                    grad(fail)(float(i))
            else:
                assert grad(grad(lambda x: x**3))(float(i)) == 6.0 * i

    in_threads(work)
