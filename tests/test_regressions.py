"""Defects that once were there: wrong or crashing programs, each as small as it could be made."""

import collections
import threading
import warnings
from fractions import Fraction

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import _core, grad, hessian, jacobian, make_jvp, make_vjp, value_and_grad
from fastad.extend import defjvp, defvjp, primitive

A = onp.array([[2.0, 0.3], [0.1, 1.5]])
X = onp.array([0.5, 1.0, 2.0])


def numeric_gradient(f, x, h=1e-6):
    g = onp.zeros_like(x)
    for i in onp.ndindex(x.shape):
        step = onp.zeros_like(x)
        step[i] = h
        g[i] = (f(x + step) - f(x - step)) / (2 * h)
    return g


@primitive
def product(x, y):
    return x * y


defvjp(product, lambda ans, x, y: lambda g: g * y, lambda ans, x, y: lambda g: g * x)
defjvp(product, lambda t, ans, x, y: t * y, lambda t, ans, x, y: x * t)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda s: np.sum(jacobian(lambda t: np.einsum(",i->i", t, s))(1.5)) + np.sum(s), X),
        (lambda A: np.sum(jacobian(lambda b: np.linalg.solve(A, b))(onp.ones(2)) ** 2), A),
        (lambda y: np.sum(jacobian(lambda x: np.einsum("i,i->i", x, y))(X) ** 2), X),
        (lambda A: np.sum(jacobian(np.linalg.inv)(A) ** 2), A),
        (lambda x: np.sum(jacobian(np.cumprod)(x) ** 2), X),
        (lambda x: np.sum(jacobian(lambda t: product(t, t))(x) ** 2), X),
        (lambda x: np.sum(jacobian(lambda t: np.array([product(t, x[0]), 2 * t]))(1.5) * x[0]), X),
    ],
)
def test_jacobian_with_python_rules_over_outer_boxes(f, x):
    value, gradient = value_and_grad(f)(x)
    onp.testing.assert_allclose(value, f(x), rtol=1e-12)
    onp.testing.assert_allclose(gradient, numeric_gradient(f, x), rtol=1e-5, atol=1e-6)


def test_second_jacobian_through_python_rules():
    second = jacobian(jacobian(lambda x: product(x, x)))(X)
    onp.testing.assert_array_equal(second, 2.0 * onp.einsum("ij,ik->ijk", onp.eye(3), onp.eye(3)))


def odd_layouts():
    unaligned = onp.zeros(25, onp.uint8)[1:].view("f8")
    unaligned[:] = X
    return {"swapped": X.astype(">f8"), "unaligned": unaligned}


@pytest.mark.parametrize("layout", ["swapped", "unaligned"])
def test_jacobian_of_operands_that_no_kernel_reads(layout):
    x = odd_layouts()[layout]
    expected = onp.diag(onp.sin(X) + X * onp.cos(X))
    onp.testing.assert_allclose(jacobian(lambda x: x * np.sin(x))(x), expected, rtol=1e-14)
    second = hessian(lambda x: np.sum(x * np.sin(x)))(x)
    onp.testing.assert_allclose(
        second, onp.diag(2 * onp.cos(X) - X * onp.sin(X)), rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "u8"])
def test_jacobian_with_respect_to_integers(dtype):
    c = onp.array([0.3, 0.4, 1.5])
    x = onp.array([1, 0, 3], dtype)
    floats = x.astype(float)
    expected = onp.sin(1.3 * c * floats) + 1.3 * c * floats * onp.cos(1.3 * c * floats)
    result = jacobian(lambda x: x * np.sin(1.3 * c * x))(x)
    onp.testing.assert_allclose(result, onp.diag(expected), rtol=1e-12, atol=1e-15)


def test_rule_that_gives_a_swapped_cotangent():
    @primitive
    def same(x):
        return x * 1.0

    defvjp(same, lambda ans, x: lambda g: onp.asarray(g).astype(">f8"))
    onp.testing.assert_array_equal(jacobian(same)(onp.ones(3)), onp.eye(3))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_cotangent_whose_elements_share_memory():
    @primitive
    def total(x):
        return onp.sum(x)

    defvjp(
        total,
        lambda ans, x: (
            lambda g: onp.ndarray(x.shape, float, onp.array([float(g)]), strides=(0,) * x.ndim)
        ),
    )
    w = onp.array([10.0, 20.0])
    for f in (lambda x: np.dot(x[1:], w) + total(x), lambda x: total(x) + np.dot(x[1:], w)):
        onp.testing.assert_array_equal(grad(f)(X), [1.0, 11.0, 21.0])


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.sum(x, where=False),
        lambda x: np.mean(x, where=onp.array([True, False, True])),
        lambda x: np.sum(x, dtype="f"),
        lambda x: np.mean(x, dtype="f"),
    ],
)
def test_arguments_that_change_the_value_are_not_ignored(call):
    """These were once dropped silently; tests/test_options.py has the whole of them."""
    x = X + 0.3
    with onp.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = (call(x + 1e-3) - call(x - 1e-3)) / 2e-3
        slope = onp.sum(grad(lambda x: 1.0 * call(x))(x))
    onp.testing.assert_allclose(slope, expected, rtol=1e-3, equal_nan=True)


def test_pool_of_boxes_holds_only_what_it_has_room_for():
    """Boxes of two levels free one another: both come to the pool in one deallocation."""

    def loop(x):
        kept = [x * 1.0 for _ in range(3000)]
        for value in kept:
            x = x + 1e-6 * value
        return x * x

    for odd in range(4):
        kept = []
        grad(
            lambda x, kept=kept, odd=odd: [kept.append(x * 2.0) for _ in range(odd)] and x * x or x
        )(1.0)
        expected = 2 * (1 + 3000e-6) ** 2
        assert grad(grad(loop))(1.0) == pytest.approx(expected, rel=1e-9)


def test_rule_registered_between_trace_and_sweep():
    vjp, _ = make_vjp(np.sin)(X)
    defvjp(np.sin, lambda ans, x: lambda g: 100.0 * g)
    try:
        onp.testing.assert_allclose(vjp(onp.ones(3)), onp.cos(X), rtol=1e-15)
        late, _ = make_vjp(np.sin)(X)
    finally:
        _core.restore_rules(np.sin)
    onp.testing.assert_array_equal(late(onp.ones(3)), 100.0 * onp.ones(3))
    onp.testing.assert_allclose(grad(np.sin)(1.0), onp.cos(1.0), rtol=1e-15)


def test_tapes_refuse_what_would_corrupt_them():
    with _core.Tape() as tape:
        x = tape.box(X)
        y = np.sum(x[onp.array([0, 0, 1])])
        onp.testing.assert_array_equal(tape.sweep([y], [1.0], [x], consume=True)[0], [2, 1, 0])
        with pytest.raises(RuntimeError, match="consume"):
            tape.sweep([y], [1.0], [x])
        assert "consume" in str(tape)
        tape.stop()
        with pytest.raises(RuntimeError, match="record"):
            tape.box(X)
    level = _core.Forward()
    level.close()
    with _core.Forward(), pytest.raises(RuntimeError, match="closed"):
        level.box(1.0, 1.0)


def test_tape_closed_in_the_middle_of_its_sweep():
    tape = _core.Tape()

    @primitive
    def closing(x):
        return x * 1.0

    def vjp(g):
        tape.close()
        return g

    defvjp(closing, lambda ans, x: vjp)
    x = tape.box(X)
    y = np.sum(np.sin(closing(np.sin(x))))
    expected = onp.cos(onp.sin(X)) * onp.cos(X)
    onp.testing.assert_allclose(tape.sweep([y], [1.0], [x])[0], expected, rtol=1e-14)
    assert tape.closed
    assert grad(lambda x: x * x)(3.0) == 6.0


def test_operation_that_outlives_its_trace():
    started, finish, seen = threading.Event(), threading.Event(), []

    @primitive
    def slow(x):
        started.set()
        finish.wait(10)
        return x * 1.0

    defvjp(slow, lambda ans, x: lambda g: g)

    def work(x):
        try:
            seen.append(slow(x))
        except ValueError as error:
            seen.append(error)

    def f(x):
        worker = threading.Thread(target=work, args=(x,))
        worker.start()
        started.wait(10)
        f.worker = worker
        return x * x

    assert grad(f)(3.0) == 6.0
    with _core.Tape() as other:
        other.box(1.0)
        finish.set()
        f.worker.join()
        assert isinstance(seen[0], ValueError)
        assert len(other) == 1


def test_axes_changed_after_use():
    x = onp.arange(6.0).reshape(2, 3)
    axes = [1, 0]
    vjp, _ = make_vjp(lambda x: np.transpose(x, axes))(x)
    axes[0] = 10**9
    onp.testing.assert_array_equal(vjp(x.T), x)


def test_strict_zero_left_once_too_often():
    with pytest.raises(RuntimeError, match="strict_zero: left, but not entered"):
        _core.strict_zero().__exit__(None, None, None)
    assert not _core.is_strict_zero()
    with _core.strict_zero():
        assert _core.is_strict_zero()


def test_names_that_are_no_text():
    with pytest.raises(TypeError, match="name"):
        _core.Primitive(len, 5)


def test_forward_over_a_jacobian_of_a_python_rule():
    f = lambda y: jacobian(lambda b: np.linalg.solve(np.diag(y), b))(X)
    value, tangent = make_jvp(f)(X)(onp.ones(3))
    onp.testing.assert_allclose(value, onp.diag(1 / X), rtol=1e-14)
    onp.testing.assert_allclose(tangent, onp.diag(-1 / X**2), rtol=1e-13, atol=1e-15)


def test_constants_of_other_dtypes():
    """Objects, integers, bools and longdouble, through the same rules."""
    x = onp.array([1.0, 2.0])
    objects = onp.array([Fraction(1, 2), 3], dtype=object)
    slope = (onp.sin(x) + x * onp.cos(x)) * [0.5, 3.0]
    onp.testing.assert_array_equal(grad(lambda x: np.sum(x * objects))(x), [0.5, 3.0])
    onp.testing.assert_allclose(grad(lambda x: np.sum(np.sin(x) * objects * x))(x), slope)
    onp.testing.assert_array_equal(jacobian(lambda x: x * objects)(x), onp.diag([0.5, 3.0]))
    assert grad(lambda x: np.sum(x * objects))(x).dtype == float
    for constant in (onp.array([2, 3]), onp.array([True, False]), onp.array([2, 3], onp.int8)):
        onp.testing.assert_array_equal(grad(lambda x, c=constant: np.sum(x * c))(x), constant)
    wide = onp.array([2, 3], onp.longdouble)
    assert grad(lambda x: np.sum(np.sin(x) * wide))(x).dtype == float
    assert grad(lambda w: np.sum(np.sin(x) * w))(wide).dtype == onp.longdouble


def test_where_by_keyword_with_a_gap():
    for arguments in ({"y": 3.0}, {"x": 3.0}):
        with pytest.raises((TypeError, ValueError)):
            np.where(onp.array([True, False]), **arguments)
        with pytest.raises((TypeError, ValueError)):
            grad(lambda t: np.sum(np.where(t > 0, **arguments)))(X)


def test_arguments_that_hold_themselves():
    """Configurations with parent pointers are arguments of primitives like any other."""

    @primitive
    def scaled(x, settings=None):
        return x * 2.0

    defvjp(scaled, lambda ans, x, settings=None: lambda g: g * 2.0)
    own, pair, chain = {}, [], None
    own["me"] = [own, own]
    pair += [pair, pair]
    for _ in range(100_000):
        chain = (chain,)
    for settings in (own, pair, chain):
        assert scaled(1.0, settings) == 2.0
        assert grad(lambda x: scaled(x, settings=settings))(1.0) == 2.0
        assert grad(lambda x: scaled(x, settings))(1.0) == 2.0
    while chain is not None:  # freed from within, or the interpreter's stack overflows
        chain = chain[0]


def test_elements_of_traced_subclasses():
    class Marked(onp.ndarray):
        pass

    class MarkedBox(type(_core.Tape().box(1.0))):
        pass

    MarkedBox.register(Marked)
    try:
        x = onp.arange(3.0).view(Marked)
        onp.testing.assert_array_equal(grad(lambda x: sum(y * y for y in x))(x), [0.0, 2.0, 4.0])
    finally:
        del _core.Box.type_mappings[Marked], _core.Box.type_mappings[MarkedBox]
        _core.Box.types.discard(MarkedBox)


@pytest.mark.parametrize("several", [False, True])
def test_a_primitive_that_sees_a_traced_value_beside_its_rule(several):
    """Through a parameter without a rule, or a closure: an error in every mode, no wrong number."""

    @primitive
    def weighted(x, parameters):
        y = x * parameters[0]
        return (y, x * 2.0) if several else y

    pick = (lambda r: r[0]) if several else (lambda r: r)
    cotangent = (lambda g: g[0]) if several else (lambda g: g)
    defvjp(
        weighted,
        lambda ans, x, parameters: lambda g: cotangent(g) * parameters[0],
        argnums=(0,),
    )
    tangents = (lambda t, p: (t * p[0], 2.0 * t)) if several else (lambda t, p: t * p[0])
    defjvp(weighted, lambda t, ans, x, parameters: tangents(t, parameters), argnums=(0,))
    assert grad(lambda p: pick(weighted(p, [3.0])))(2.0) == 3.0
    for call in (
        grad(lambda p: pick(weighted(p, [p]))),
        make_jvp(lambda p: pick(weighted(p, [p]))),
    ):
        with pytest.raises(TypeError, match="weighted.* saw a traced value"):
            result = call(3.0)
            result(1.0)
    assert grad(lambda x: x**3)(2.0) == 12.0


def test_a_named_tuple_of_results_has_cotangents_of_its_kind():
    Pair = collections.namedtuple("Pair", "low high")

    @primitive
    def pair(x):
        return Pair(x * 2.0, x * 3.0)

    defvjp(pair, lambda ans, x: lambda g: g.low * 2.0 + g.high * 3.0)
    assert grad(lambda x: pair(x).low * pair(x).high)(3.0) == 36.0


@pytest.mark.parametrize("x", [2.0, X])
def test_a_slope_of_a_power_by_base_and_exponent_where_the_exponent_is_zero(x):
    """d/dx d/dy of x**y there is 1 / x, in whichever order and mode it is taken."""
    exponent = onp.zeros_like(x)

    def loss(x, y):
        return np.sum(x**y)

    def first(y):
        return np.sum(grad(loss)(x, y))

    onp.testing.assert_allclose(grad(first)(exponent), 1 / x, rtol=1e-14)
    onp.testing.assert_allclose(
        make_jvp(lambda y: grad(loss)(x, y))(exponent)(onp.ones_like(x))[1], 1 / x, rtol=1e-14
    )
    onp.testing.assert_allclose(
        grad(lambda x: np.sum(grad(loss, 1)(x, exponent)))(x), 1 / x, rtol=1e-14
    )


@pytest.mark.parametrize("size", [1, 3, 255, 256, 257, 600])
def test_gradients_of_sums_are_arrays_of_their_own(size):
    """A cotangent that is one number everywhere is an array of few, a view of many."""
    x = onp.linspace(0.5, 1.5, size)
    for g in (grad(np.sum)(x), grad(lambda x: np.sum(x) + np.sum(2.0 * x))(x)):
        g += 1.0
        assert len(set(g.tolist())) == 1
    onp.testing.assert_array_equal(grad(lambda x: np.sum(x) * np.sum(x * x) / 2.0)(x) * 0, x * 0)


@pytest.mark.parametrize("size", [1, 5, 64, 65, 400])
@pytest.mark.parametrize("values", ["apart", "ties", "zeros", "missing"])
def test_partition_of_few_and_of_many(size, values):
    """Values are NumPy's bits, and each cotangent goes to the element that stands there."""
    x = onp.random.default_rng(0).normal(size=size)
    if values == "ties":
        x = onp.round(x)
    elif values == "zeros":
        x = onp.where(x > 0, 0.0, -0.0)
    elif values == "missing":
        x[:: max(1, size // 3)] = onp.nan
    weights = onp.arange(1.0, size + 1)
    for kth in (0, size // 2, [0, size - 1]):
        vjp, value = make_vjp(lambda x: np.partition(x, kth))(x)
        assert value.tobytes() == onp.partition(x, kth).tobytes()
        g = vjp(weights)
        assert sorted(g) == weights.tolist()
        order = onp.argsort(g)
        onp.testing.assert_array_equal(x[order], value)


@pytest.mark.parametrize("shape", [(1,), (5,), (300,), (3, 4)])
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_repeat_of_few_and_of_many(shape, count):
    x = onp.random.default_rng(0).normal(size=shape)
    vjp, value = make_vjp(lambda x: np.repeat(x, count))(x)
    onp.testing.assert_array_equal(value, onp.repeat(x, count))
    g = onp.arange(1.0, value.size + 1)
    onp.testing.assert_array_equal(vjp(g), g.reshape(*shape, count).sum(-1))
