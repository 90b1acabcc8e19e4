"""test_util and misc: checks of derivatives, flattening, optimizers, fixed points."""

import autograd
import autograd.numpy as anp
import numpy as onp
import pytest
from autograd.misc.flatten import flatten as autograd_flatten
from known_derivatives import A, X, close, cube

import fastad
import fastad.numpy as np
from fastad import (
    deriv,
    grad,
)
from fastad.misc.fixed_points import fixed_point
from fastad.misc.flatten import flatten, flatten_func
from fastad.misc.optimizers import adam, rmsprop, sgd
from fastad.test_util import check_equivalent, check_grads, check_jvp, check_vjp, combo_check


def test_check_grads_finds_a_wrong_derivative():
    @fastad.extend.primitive
    def square(x):
        return x**2

    fastad.extend.defvjp(square, lambda ans, x: lambda g: g * 2 * x)
    fastad.extend.defjvp(square, lambda g, ans, x: g * 2 * x)
    check_grads(square)(3.0)
    fastad.extend.defvjp(square, lambda ans, x: lambda g: g * 3 * x)
    with pytest.raises(AssertionError):
        check_vjp(square, 3.0)
    with pytest.raises(AssertionError):
        check_grads(square, modes=["rev"], order=1)(3.0)
    check_grads(square, modes=["fwd"])(3.0)
    fastad.extend.defjvp(square, lambda g, ans, x: g * 3 * x)
    with pytest.raises(AssertionError):
        check_jvp(square, 3.0)


def test_check_grads_of_containers_and_complex():
    check_grads(lambda p: {"a": np.sin(p[0]) * p[1]["s"], "b": p[1]["s"] ** 2})((X, {"s": 2.0}))
    check_grads(lambda z: np.exp(z) * z)(1.0 - 0.5j)
    check_grads(lambda z: np.real(z * np.conj(z)))(X + 1j)


def test_check_equivalent():
    check_equivalent({"a": X}, {"a": X + 1e-12})
    with pytest.raises(AssertionError):
        check_equivalent(X, X + 1)
    with pytest.raises(AssertionError):
        check_equivalent(X, X[:2])


def test_combo_check():
    seen = []

    def f(x, y, k=1):
        seen.append(k)
        return x * y**k

    combo_check(f, (0, 1), order=1)([1.5, X], [2.0, X + 3], k=[1, 2])
    assert set(seen) == {1, 2}


def test_check_grads_rejects_an_unknown_mode():
    with pytest.raises(ValueError, match="'fwd' and 'rev'"):
        check_grads(cube, modes=["forward"])(1.0)


def test_flatten_round_trip():
    value = {"b": [1.0, X], "a": (A, onp.float32(2.5)), "c": {"z": 1 + 2j}}
    vector, unflatten = flatten(value)
    expected, _ = autograd_flatten({"b": [1.0, X], "a": (A, onp.float32(2.5)), "c": {"z": 1 + 2j}})
    close(vector, expected)
    again = unflatten(vector)
    assert list(again) == list(value)
    close(again["a"][0], A)
    assert isinstance(again["a"][1], onp.float32)
    assert again["b"][0] == 1.0
    assert again["c"]["z"] == 1 + 2j


def test_flatten_is_differentiable_both_ways():
    value = [2.0, {"m": A}]
    _, unflatten = flatten(value)
    check_grads(lambda v: flatten(v)[0] ** 2)(value)
    check_grads(unflatten)(onp.arange(7.0))


def test_flatten_of_nothing():
    vector, unflatten = flatten(())
    assert vector.shape == (0,)
    assert unflatten(vector) == ()


def test_flatten_func():
    flat, unflatten, start = flatten_func(lambda p: {"y": p["x"] * 2}, {"x": X})
    close(start, X)
    close(flat(start), 2 * X)


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam"])
def test_optimizers_take_autograds_steps(name):
    import autograd.misc.optimizers as theirs

    ours = {"sgd": sgd, "rmsprop": rmsprop, "adam": adam}[name]

    def loss(np):
        return lambda p, i: np.sum((p["w"] - 1.0) ** 2) + (p["b"] - 2.0) ** 4 / (i + 1)

    start = {"w": X, "b": 0.5}
    seen = []
    got = ours(grad(loss(np)), start, lambda p, i, g: seen.append((i, sorted(p))), num_iters=20)
    expected = getattr(theirs, name)(autograd.grad(loss(anp)), start, num_iters=20)
    close(got["w"], expected["w"])
    close(got["b"], expected["b"])
    assert seen == [(i, ["b", "w"]) for i in range(20)]


def newton_sqrt(a):
    return fixed_point(
        lambda a: lambda x: 0.5 * (x + a / x), a, 1.0, lambda x, y: abs(x - y), 1e-12
    )


def test_fixed_point():
    close(newton_sqrt(2.0), onp.sqrt(2.0))
    close(grad(newton_sqrt)(2.0), 0.5 / onp.sqrt(2.0), rtol=1e-9)
    close(grad(grad(newton_sqrt))(2.0), -0.25 * 2.0**-1.5, rtol=1e-9)
    close(deriv(newton_sqrt)(2.0), 0.5 / onp.sqrt(2.0), rtol=1e-9)


def test_fixed_point_of_containers():
    def step(p):
        return lambda x: {"u": 0.5 * np.cos(x["u"]) + p["a"], "v": 0.3 * x["v"] + p["b"] * x["u"]}

    def distance(x, y):
        return np.max(np.abs(x["u"] - y["u"])) + np.max(np.abs(x["v"] - y["v"]))

    def solve(p):
        start = {"u": onp.zeros(3), "v": onp.zeros(3)}
        return np.sum(fixed_point(step, p, start, distance, 1e-13)["v"])

    p = {"a": X, "b": 2.0}
    check_grads(solve, modes=["rev"], order=1)(p)
    x = fixed_point(step, p, {"u": onp.zeros(3), "v": onp.zeros(3)}, distance, 1e-13)
    # v = b u / 0.7
    close(grad(solve)(p)["b"], x["u"].sum() / 0.7, rtol=1e-9)
