"""logsumexp, softmax and log_softmax of whole arrays by formulas, beside SciPy and the rules."""

from __future__ import annotations

import numpy as onp
import pytest

pytest.importorskip("scipy.special")

import scipy.special

import fastad.scipy.special as special
from fastad import grad, jacobian, jit, make_jvp, make_vjp, value_and_grad
from fastad.scipy.registry import attach_whole, defjvp, defvjp, helper
from fastad.test_util import check_grads

NAMES = ["logsumexp", "softmax", "log_softmax"]
INF, NAN = onp.inf, onp.nan
SPECIAL = [
    [0.0, 0.0, 0.0],
    [1.0, 3.0, 3.0, -2.0],
    [3.0, 3.0 - 1e-9, 2.0],
    [-INF, 0.5, 1.0],
    [-INF, -INF],
    [INF, 1.0],
    [INF, INF],
    [NAN, 1.0],
    [1e308, -1e308],
    [-745.0, 0.0, 800.0],
    [5e-324, 0.0],
]


def _rule(name, g, x):
    """The cotangent as the rules have it, in NumPy alone."""
    ans = getattr(scipy.special, name)(x)
    if name == "logsumexp":
        return g * onp.exp(x - ans)
    if name == "softmax":
        return ans * (g - onp.sum(ans * g))
    return g - onp.exp(ans) * onp.sum(g)


def _seed(name, x):
    return 1.7 if name == "logsumexp" else onp.cos(onp.arange(x.size)).reshape(x.shape)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1,), (2,), (5,), (300,), (1024,), (1500,), (9000,), (4, 6)])
def test_values_and_both_modes(name, shape):
    x = onp.random.default_rng(len(shape)).normal(0.0, 4.0, shape)
    function, theirs = getattr(special, name), getattr(scipy.special, name)
    expected = theirs(x)
    plain = function(x)
    vjp, value = make_vjp(function)(x)
    onp.testing.assert_allclose(plain, expected, rtol=4e-16, atol=1e-15)
    onp.testing.assert_array_equal(value, plain)
    assert type(value) is type(expected)
    g = _seed(name, x)
    rule = _rule(name, g, x)
    onp.testing.assert_allclose(vjp(g), rule, rtol=1e-12, atol=1e-15)
    assert vjp(g).shape == shape
    t = onp.sin(onp.arange(x.size)).reshape(shape)
    tangent = make_jvp(function)(x)(t)[1]
    onp.testing.assert_allclose(onp.sum(tangent * g), onp.sum(rule * t), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("x", SPECIAL)
def test_ties_and_what_is_not_finite(name, x):
    x = onp.array(x)
    function, theirs = getattr(special, name), getattr(scipy.special, name)
    with onp.errstate(all="ignore"):
        expected = theirs(x)
        vjp, value = make_vjp(function)(x)
        onp.testing.assert_allclose(value, expected, rtol=4e-16)
        onp.testing.assert_allclose(function(x), expected, rtol=4e-16)
        g = _seed(name, x)
        if onp.isfinite(onp.max(x)):
            onp.testing.assert_allclose(vjp(g), _rule(name, g, x), rtol=1e-12, atol=1e-300)
    with onp.errstate(all="raise"):  # where SciPy's functions raise, so do ours
        try:
            theirs(x)
        except FloatingPointError:
            return
        if onp.isfinite(onp.max(x)):
            try:
                function(x)
            except FloatingPointError as error:
                assert "underflow" in str(error)  # SciPy's arithmetic may skip it


@pytest.mark.parametrize("name", NAMES)
def test_other_levels_rows_types_and_programs(name):
    function = getattr(special, name)
    x = onp.array([0.3, -1.2, 2.0, 0.3])
    check_grads(function, order=2)(x)
    weights = onp.array([0.2, 1.0, -0.5, 2.0])

    def loss(x):
        return onp.sum(function(x * weights) * weights)

    rows = jacobian(function)(x)
    expected = (
        onp.stack([make_vjp(function)(x)[0](g) for g in onp.eye(4)])
        if rows.ndim > 1
        else grad(function)(x)
    )
    onp.testing.assert_allclose(rows, expected, rtol=1e-14)
    single = x.astype(onp.float32)
    vjp, value = make_vjp(function)(single)
    assert value.dtype == onp.float32
    assert vjp(onp.ones_like(value)[()]).dtype == onp.float32
    strided = onp.repeat(x, 2)[::2]
    onp.testing.assert_array_equal(make_vjp(function)(strided)[1], make_vjp(function)(x)[1])
    replayed = jit(value_and_grad(loss))
    for k in range(5):
        got, wanted = replayed(x + k), value_and_grad(loss)(x + k)
        onp.testing.assert_allclose(got[0], wanted[0], rtol=1e-13)
        onp.testing.assert_allclose(got[1], wanted[1], rtol=1e-12, atol=1e-15)


def test_a_formula_beside_its_rule():
    """One of a number and one of an array, whose rules are wrong: formulas are used, to a size."""
    calls = []

    @helper
    def length(x):
        calls.append(x.size)
        return onp.sqrt(onp.sum(x * x))

    defvjp(length, lambda ans, x: lambda g: g * x / ans)
    defjvp(length, lambda t, ans, x: onp.sum(t * x) / ans)
    attach_whole(length, lambda x: onp.sqrt(onp.sum(x * x)), lambda g, ans, x: 2.0 * (g * x / ans))
    x = onp.array([3.0, 4.0])
    value, slope = value_and_grad(length)(x)
    assert value == 5.0
    assert type(value) is onp.float64
    onp.testing.assert_array_equal(slope, [1.2, 1.6])
    assert not calls
    assert make_jvp(length)(x)(onp.array([1.0, 0.0]))[1] == 0.6
    large = onp.ones(2048)
    onp.testing.assert_allclose(grad(length)(large), large / onp.sqrt(2048))
    assert calls == [2048]
