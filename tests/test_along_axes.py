"""logsumexp, softmax and log_softmax by formulas along axes, beside SciPy and the rules."""

from __future__ import annotations

import numpy as onp
import pytest

pytest.importorskip("scipy.special")

import scipy.special

import fastad.numpy as np
import fastad.scipy.special as special
from fastad import grad, hessian, jacobian, jit, make_jvp, make_vjp, value_and_grad
from fastad.scipy.registry import attach_along, defvjp, helper
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


SHAPES = [
    ((3, 3), 0),
    ((3, 3), 1),
    ((3, 3), -1),
    ((3, 3), (0, 1)),
    ((3, 3), None),
    ((40, 30), 0),
    ((40, 30), 1),
    ((2, 1000), 1),
    ((1000, 2), 0),
    ((90, 91), 0),
    ((90, 91), 1),
    ((90, 91), None),
    ((100, 100), 1),
    ((100, 100), 0),
    ((2, 3, 4), 0),
    ((2, 3, 4), 1),
    ((2, 3, 4), -1),
    ((2, 3, 4), (1, 2)),
    ((2, 3, 4), (1, 0)),
    ((2, 3, 4), (0, 2)),
    ((2, 1, 4), (0, 2)),
    ((3, 1, 5), 1),
    ((1, 5), 0),
    ((1, 1), 0),
    ((1,), 0),
    ((2, 3), ()),
]


def _options(name):
    return [{}, {"keepdims": True}] if name == "logsumexp" else [{}]


def _slowly(function, *args):
    """Value and both modes by the rules: no array that is strided is one for the formulas."""
    strided = [onp.repeat(x, 2, axis=-1)[..., ::2] for x in args]
    vjp, value = make_vjp(function)(*strided)
    return value, vjp, make_jvp(function)(*strided)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_axes(name, shape, axis):
    x = onp.random.default_rng(len(shape)).normal(0.0, 3.0, shape)
    x.flat[-1] = x.flat[0]
    for options in _options(name):

        def function(x):
            return getattr(special, name)(x, axis=axis, **options)

        expected = getattr(scipy.special, name)(x, axis=axis, **options)
        onp.testing.assert_array_equal(function(x), expected)
        vjp, value = make_vjp(function)(x)
        onp.testing.assert_array_equal(value, expected)
        assert type(value) is type(expected)
        assert onp.shape(value) == expected.shape
        g = onp.cos(onp.arange(expected.size)).reshape(expected.shape)[()]
        t = onp.sin(onp.arange(x.size)).reshape(shape)
        slow_value, slow_vjp, slow_jvp = _slowly(function, x)
        onp.testing.assert_allclose(value, slow_value, rtol=4e-16, atol=1e-15)
        onp.testing.assert_allclose(vjp(g), slow_vjp(g), rtol=1e-13, atol=1e-15)
        onp.testing.assert_allclose(vjp(onp.full(expected.shape, 2.0)[()]), 2 * vjp(g / g))
        assert vjp(g).shape == shape
        onp.testing.assert_allclose(
            make_jvp(function)(x)(t)[1], slow_jvp(t)[1], rtol=1e-13, atol=1e-15
        )
        broadcast = onp.broadcast_to(onp.float64(1.5), expected.shape)
        if expected.shape:  # no memory of its own, and not in C order
            onp.testing.assert_allclose(vjp(broadcast), slow_vjp(broadcast), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("axis", [0, 1, (0, 1)])
def test_axes_at_ties_and_what_is_not_finite(name, axis):
    x = onp.array(
        [
            [0.0, -INF, 1.0, INF, -745.0, 2.0],
            [0.0, -INF, -INF, 1.0, 800.0, NAN],
            [0.0, -INF, 0.5, INF, 0.0, 1.0],
        ]
    )
    function, theirs = getattr(special, name), getattr(scipy.special, name)
    for columns in ([0], [1], [0, 1], [2], [0, 2, 4], [3], [5], [0, 1, 2, 3, 4, 5]):
        some = onp.ascontiguousarray(x[:, columns])
        with onp.errstate(all="ignore"):
            expected = theirs(some, axis=axis)
            onp.testing.assert_array_equal(function(some, axis=axis), expected)
            vjp, value = make_vjp(lambda x: function(x, axis=axis))(some)
            onp.testing.assert_array_equal(value, expected)
            g = onp.cos(onp.arange(expected.size)).reshape(expected.shape)[()]
            _, slow_vjp, slow_jvp = _slowly(lambda x: function(x, axis=axis), some)
            onp.testing.assert_allclose(vjp(g), slow_vjp(g), rtol=1e-13, atol=1e-300)
            ones = onp.ones_like(some)
            onp.testing.assert_allclose(
                make_jvp(lambda x: function(x, axis=axis))(some)(ones)[1], slow_jvp(ones)[1]
            )


@pytest.mark.parametrize("name", NAMES)
def test_warnings_are_scipys(name):
    function, theirs = getattr(special, name), getattr(scipy.special, name)
    for x in ([[1.0, INF], [0.0, 1.0]], [[-INF, -INF], [0.0, 1.0]], [[NAN, 0.0], [1.0, 2.0]]):
        x = onp.array(x)
        for call in (function, lambda x, axis: make_vjp(lambda x: function(x, axis=axis))(x)[1]):
            with onp.errstate(all="raise"):
                try:
                    expected = theirs(x, axis=1)
                except FloatingPointError:
                    with pytest.raises(FloatingPointError):
                        call(x, axis=1)
                else:
                    onp.testing.assert_array_equal(call(x, axis=1), expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("axis", [0, 1, (0, 1), -1])
def test_axes_at_higher_orders_rows_and_types(name, axis):
    x = onp.random.default_rng(5).normal(0.0, 1.0, (3, 4))
    weights = onp.cos(onp.arange(12.0)).reshape(3, 4)
    for options in _options(name):

        def function(x):
            return getattr(special, name)(x, axis=axis, **options)

        def by_hand(x):
            top = np.max(x, axis=axis, keepdims=True)
            total = np.sum(np.exp(x - top), axis=axis, keepdims=True)
            if name == "logsumexp":
                value = np.log(total) + top
                return value if options else np.squeeze(value, axis)
            return np.exp(x - top) / total if name == "softmax" else x - top - np.log(total)

        check_grads(function, order=2)(x)

        def loss(x, function=function):
            return np.sum(np.sin(function(x * weights)) * 1.5)

        onp.testing.assert_allclose(hessian(loss)(x), hessian(lambda x: loss(x, by_hand))(x))
        third = grad(lambda x: np.sum(weights * grad(lambda y: np.sum(grad(loss)(y) ** 2))(x)))
        third_by_hand = grad(
            lambda x: np.sum(
                weights * grad(lambda y: np.sum(grad(lambda z: loss(z, by_hand))(y) ** 2))(x)
            )
        )
        onp.testing.assert_allclose(third(x), third_by_hand(x), rtol=1e-9, atol=1e-10)
        onp.testing.assert_allclose(jacobian(function)(x), jacobian(by_hand)(x), atol=1e-15)
        single = x.astype(onp.float32)
        vjp, value = make_vjp(function)(single)
        theirs = getattr(scipy.special, name)(single, axis=axis, **options)
        onp.testing.assert_array_equal(value, theirs)
        assert value.dtype == onp.float32
        back = vjp(onp.ones_like(value)[()])
        assert back.dtype == onp.float32
        onp.testing.assert_allclose(
            back, make_vjp(function)(x)[0](onp.ones(theirs.shape)[()]), rtol=1e-4, atol=1e-6
        )


@pytest.mark.parametrize(
    "axis", [(10**400,), (0, -(10**400)), (2**63, 0)], ids=["great", "low", "above"]
)
@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
def test_axes_that_no_c_type_holds(name, axis):
    x = onp.arange(6.0).reshape(2, 3)
    with pytest.raises((OverflowError, TypeError, ValueError)) as theirs:
        getattr(scipy.special, name)(x, axis=axis)

    def total(x):
        return np.sum(getattr(special, name)(x, axis=axis))

    for function in (total, grad(total), jit(total)):
        with pytest.raises(theirs.type):
            function(x)


def test_weights_empty_arrays_and_numbers():
    x = onp.random.default_rng(5).normal(0.0, 1.0, (3, 4))
    b = onp.array([0.5, 2.0, 0.3, 1.5])
    for axis in (None, 0, 1):
        expected = scipy.special.logsumexp(x, axis=axis, b=b)
        vjp, value = make_vjp(lambda x: special.logsumexp(x, axis=axis, b=b))(x)
        onp.testing.assert_array_equal(value, expected)
        onp.testing.assert_array_equal(special.logsumexp(x, axis, b), expected)
        plain = make_vjp(lambda x: np.log(np.sum(b * np.exp(x), axis=axis)))(x)[0]
        g = onp.ones_like(expected)[()]
        onp.testing.assert_allclose(vjp(g), plain(g), rtol=1e-13)
        both = make_vjp(lambda b: special.logsumexp(x, axis=axis, b=b))(b)[0](g)
        slope = make_vjp(lambda b: np.log(np.sum(b * np.exp(x), axis=axis)))(b)[0](g)
        onp.testing.assert_allclose(both, slope, rtol=1e-13)
    for name in NAMES:
        function, theirs = getattr(special, name), getattr(scipy.special, name)
        number = 0.7
        for one in (number, onp.float64(number), onp.array(number)):
            onp.testing.assert_array_equal(make_vjp(function)(one)[1], theirs(one))
        assert grad(function)(number) == (1.0 if name == "logsumexp" else 0.0)
    empty = onp.zeros((0, 3))
    vjp, value = make_vjp(lambda x: special.logsumexp(x, axis=1))(empty)
    assert value.shape == (0,)
    assert vjp(onp.zeros(0)).shape == (0, 3)
    onp.testing.assert_array_equal(
        special.logsumexp(empty, axis=1), scipy.special.logsumexp(empty, axis=1)
    )
    for bad in (2, -3, (0, 0), 1.5, "x"):
        for name in NAMES:
            with pytest.raises(Exception) as ours:
                grad(lambda x: np.sum(getattr(special, name)(x, axis=bad)))(x)
            with pytest.raises(type(ours.value)):
                getattr(scipy.special, name)(x, axis=bad)


@pytest.mark.parametrize("name", NAMES)
def test_programs_have_no_call_of_them(name):
    """A program consists of what they consist of, at values that are not finite as well."""
    function = getattr(special, name)
    x = onp.random.default_rng(5).normal(0.0, 1.0, (3, 4))
    w = onp.cos(onp.arange(12.0)).reshape(3, 4)
    for axis in (None, 0, 1, (0, 1)):
        for options in _options(name):
            for dtype in (float, onp.float32):

                def loss(x):
                    return np.sum(np.sin(function(x, axis=axis, **options)))

                for operator in (
                    lambda f: f,
                    grad,
                    lambda f: grad(lambda x: np.sum(grad(f)(x) * x)),
                ):
                    derived = operator(loss)
                    replayed = jit(derived)
                    rtol = 1e-11 if dtype is float else 1e-4
                    for k in range(5):
                        at = (x * (1 + k) + w).astype(dtype)
                        onp.testing.assert_allclose(
                            replayed(at), derived(at), rtol=rtol, atol=rtol / 10
                        )
                    text = str(replayed.programs[0])
                    assert f"{name}_value" not in text
                    assert dtype is not float or " 0 host calls" in text
                masked = (x - 1.0).astype(dtype)
                masked[0] = -INF
                masked[1, 1] = -INF
                with onp.errstate(all="ignore"):
                    onp.testing.assert_allclose(
                        replayed(masked), derived(masked), rtol=rtol, atol=rtol / 10
                    )
    small = onp.array([0.0, -40.0, -41.0])  # what one dominates keeps its small part
    replayed = jit(lambda x: function(x))
    for k in range(5):
        onp.testing.assert_allclose(replayed(small - k * 0.1), function(small - k * 0.1), 1e-14)


def test_a_formula_beside_its_rule():
    """One with rules that are wrong: formulas are used, to a size and for the plain options."""
    calls = []

    @helper
    def length(x, axis, keepdims, other):
        calls.append(x.size)
        return onp.sqrt(onp.sum(x * x, axis=axis, keepdims=keepdims))

    defvjp(length, lambda ans, x, axis, keepdims, other: lambda g: g * x / ans, argnums=(0,))
    attach_along(
        length,
        ("x", "axis", "keepdims", "other"),
        lambda x, axis: onp.sqrt(onp.sum(x * x, axis=axis, keepdims=True)),
        lambda g, ans, x, axis: 2.0 * (g * x / ans),
    )
    x = onp.array([[3.0, 4.0], [6.0, 8.0]])
    value, slope = value_and_grad(lambda x: length(x, None, False, None))(x[0].copy())
    assert value == 5.0
    assert type(value) is onp.float64
    onp.testing.assert_array_equal(slope, [1.2, 1.6])
    vjp, value = make_vjp(lambda x: length(x, 1, False, None))(x)
    onp.testing.assert_array_equal(value, [5.0, 10.0])
    onp.testing.assert_array_equal(vjp(onp.array([1.0, 2.0])), [[1.2, 1.6], [2.4, 3.2]])
    vjp, value = make_vjp(lambda x: length(x, 0, True, False))(x)
    assert value.shape == (1, 2)
    assert not calls
    assert make_vjp(lambda x: length(x, None, False, 1))(x[0].copy())[0](1.0)[0] == 0.6
    assert calls == [2]
    large = onp.ones(9000)
    slope = make_vjp(lambda x: length(x, None, False, None))(large)[0](1.0)
    onp.testing.assert_allclose(slope, large / onp.sqrt(9000))
    assert calls == [2, 9000]
