"""Expressions drawn at random: value against NumPy, derivatives against autograd's.

An expression is a tree of tuples: ("leaf", i) is an argument, ("number", c) a constant, any other
tuple an operation and its operands. It is evaluated in any namespace with NumPy's names. Every
operation keeps its result's shape broadcastable with the others', so that all trees are valid.
"""

from __future__ import annotations

import operator
import warnings

import autograd
import autograd.numpy
import numpy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import fastad
import fastad.numpy

# Bounded or slowly growing, and smooth on the whole line, so that no tree leaves the numbers.
UNARY = {
    "sin": lambda np, x: np.sin(x),
    "cos": lambda np, x: np.cos(x),
    "tanh": lambda np, x: np.tanh(x),
    "arctan": lambda np, x: np.arctan(x),
    "arcsinh": lambda np, x: np.arcsinh(x),
    "negative": lambda np, x: -x,
    "square": lambda np, x: np.square(x),
    "cube": lambda np, x: x**3,
    "exp": lambda np, x: np.exp(np.tanh(x)),
    "log": lambda np, x: np.log(1.5 + x * x),
    "log1p": lambda np, x: np.log1p(np.square(x)),
    "sqrt": lambda np, x: np.sqrt(0.5 + x**2),
    "power": lambda np, x: np.power(1.1 + np.square(x), -0.7),
    "reciprocal": lambda np, x: 1.0 / (2.0 + np.sin(x)),
    "scaled": lambda np, x: 3 * x - 0.5,
}
BINARY = {
    "add": lambda np, x, y: x + y,
    "subtract": lambda np, x, y: x - y,
    "multiply": lambda np, x, y: x * y,
    "divide": lambda np, x, y: x / (1.0 + y * y),
    "arctan2": lambda np, x, y: np.arctan2(x, 1.5 + np.cos(y)),
    "hypot": lambda np, x, y: np.sqrt(x * x + y * y + 0.1),
    "logaddexp": lambda np, x, y: np.logaddexp(x, y),
    # Autograd's rule needs operands of the result's shape.
    "where": lambda np, x, y: np.where([True, False, True], x + numpy.zeros(3), numpy.zeros(3) + y),
    "maximum": lambda np, x, y: np.maximum(x, y + 0.123456789),
}
# From any of the shapes below to one that broadcasts with them all.
SHAPED = {
    "sum": lambda np, x: np.sum(x),
    "mean": lambda np, x: np.mean(x),
    "sum last": lambda np, x: np.sum(np.atleast_1d(x), axis=-1, keepdims=True),
    "mean first": lambda np, x: np.mean(np.atleast_2d(x), axis=0),
    "sum of squares": lambda np, x: np.sum(x * x),
    "reversed": lambda np, x: np.atleast_1d(x)[::-1],
    "first entry": lambda np, x: np.ravel(x)[0],
    "last column": lambda np, x: np.atleast_2d(x)[:, -1:],
    "repeated entry": lambda np, x: np.ravel(x)[numpy.array([0, -1, 0])],
    "there and back": lambda np, x: np.transpose(np.transpose(x)),
    "reshaped": lambda np, x: np.reshape(np.ravel(x), np.shape(x)),
    "dot": lambda np, x: np.dot(np.ravel(x), np.ravel(x)),
    "largest": lambda np, x: np.max(x),
    "variance": lambda np, x: np.var(x),
}
OPERATIONS = {**UNARY, **BINARY, **SHAPED}
SHAPES = [(), (1,), (3,), (2, 1), (2, 3), (1, 3)]

numbers = st.floats(-2.0, 2.0, allow_nan=False, width=32).map(lambda c: round(c, 3))


def trees(leaves: int, depth: int = 12) -> st.SearchStrategy:
    """Draw an expression of that many arguments, with at most `depth` leaves in the tree."""
    base = st.one_of(
        st.tuples(st.just("leaf"), st.integers(0, leaves - 1)),
        st.tuples(st.just("number"), numbers),
    )
    return st.recursive(
        base,
        lambda t: st.one_of(
            st.tuples(st.sampled_from(sorted(UNARY)), t),
            st.tuples(st.sampled_from(sorted(BINARY)), t, t),
            st.tuples(st.sampled_from(sorted(SHAPED)), t),
        ),
        max_leaves=depth,
    )


def evaluate(np, tree, arguments):
    kind, *operands = tree
    if kind == "leaf":
        return arguments[operands[0]]
    if kind == "number":
        return operands[0]
    return OPERATIONS[kind](np, *(evaluate(np, t, arguments) for t in operands))


def size(tree):
    return 1 if tree[0] in ("leaf", "number") else 1 + sum(size(t) for t in tree[1:])


_FEW = st.integers(1, 3)


@st.composite
def problems(draw, leaves=_FEW, dtypes=("float64",), shapes=SHAPES, depth=12):
    """Draw an expression and its arguments; the expression reads the first one."""
    count = draw(leaves)
    tree = ("add", ("sin", ("leaf", 0)), draw(trees(count, depth)))
    arguments = []
    for _ in range(count):
        shape, dtype = draw(st.sampled_from(shapes)), draw(st.sampled_from(dtypes))
        # Distinct entries, so that no maximum is tied.
        start, step = draw(numbers), 0.37
        values = start + step * numpy.arange(int(numpy.prod(shape, dtype=int))) % 2.3
        array = values.reshape(shape).astype(dtype)
        arguments.append(float(array) if shape == () and dtype == "float64" else array)
    return tree, arguments


def scalar(np, tree):
    return lambda *arguments: np.sum(evaluate(np, tree, arguments))


def finite(value, limit=1e6):
    array = numpy.asarray(value)
    return bool(numpy.all(numpy.isfinite(array)) and numpy.all(numpy.abs(array) < limit))


def close(ours, reference, rtol=1e-9):
    a, b = numpy.asarray(ours), numpy.asarray(reference)
    assert a.shape == b.shape
    scale = float(numpy.max(numpy.abs(b), initial=1.0))
    numpy.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * scale)


def quietly(function):
    """Call without the warning that an output does not depend on the argument."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function()


@settings(max_examples=300)
@given(problems())
def test_value_and_gradient(problem):
    tree, arguments = problem
    plain = scalar(numpy, tree)(*arguments)
    assume(finite(plain))
    argnums = tuple(range(len(arguments)))
    reference = quietly(lambda: autograd.grad(scalar(autograd.numpy, tree), argnums)(*arguments))
    assume(all(finite(g) for g in reference))
    value, ours = quietly(
        lambda: fastad.value_and_grad(scalar(fastad.numpy, tree), argnums)(*arguments)
    )
    # The forward values are NumPy's own, to the last bit.
    assert numpy.asarray(value).dtype == numpy.asarray(plain).dtype
    assert value == plain
    for a, b, x in zip(ours, reference, arguments):
        close(a, b)
        assert numpy.asarray(a).dtype == numpy.asarray(x).dtype


@settings(max_examples=150)
@given(problems(leaves=st.just(2), depth=8), numbers, numbers)
def test_forward_mode_is_the_transpose_of_reverse_mode(problem, c, d):
    """<u, J v> = <J^T u, v>, and J v is autograd's."""
    tree, arguments = problem
    x, y = arguments
    direction = numpy.cos(c + numpy.arange(numpy.size(x))).reshape(numpy.shape(x))
    direction = direction if numpy.shape(x) else float(direction)

    def f(np):
        return lambda x: evaluate(np, tree, [x, y])

    value = f(numpy)(x)
    assume(finite(value))
    ours_value, tangent = quietly(lambda: fastad.make_jvp(f(fastad.numpy))(x)(direction))
    numpy.testing.assert_array_equal(ours_value, value)
    # Not autograd.make_jvp: its rule of where gives tangents of the operand's shape, unbroadcast.
    matrix = quietly(lambda: autograd.jacobian(f(autograd.numpy))(x))
    reference = numpy.tensordot(matrix, direction, numpy.ndim(x))
    assume(finite(reference))
    close(tangent, reference)
    u = numpy.sin(d + numpy.arange(numpy.size(value))).reshape(numpy.shape(value))
    u = u if numpy.shape(value) else float(u)
    vjp, _ = quietly(lambda: fastad.make_vjp(f(fastad.numpy))(x))
    left, right = numpy.sum(u * tangent), numpy.sum(vjp(u) * direction)
    scale = numpy.sum(numpy.abs(u * tangent)) + 1.0
    assert abs(left - right) <= 1e-9 * scale


@settings(max_examples=120)
@given(problems(leaves=st.just(1), depth=6))
def test_hessian(problem):
    tree, (x,) = problem
    assume(finite(scalar(numpy, tree)(x)))
    reference = quietly(lambda: autograd.hessian(scalar(autograd.numpy, tree))(x))
    assume(finite(reference))
    ours = quietly(lambda: fastad.hessian(scalar(fastad.numpy, tree))(x))
    close(ours, reference, rtol=1e-8)
    product = quietly(
        lambda: fastad.make_jvp(fastad.grad(scalar(fastad.numpy, tree)))(x)(numpy.ones_like(x))[1]
    )
    axes = tuple(range(numpy.ndim(x), 2 * numpy.ndim(x)))
    close(product, numpy.sum(reference, axis=axes), rtol=1e-8)


@settings(max_examples=60)
@given(problems(leaves=st.just(1), shapes=[()], depth=5))
def test_third_order_of_numbers(problem):
    """Python floats, the scalar lane: three nested gradients, reverse and mixed with forward."""
    tree, (x,) = problem

    def third(package, np):
        return package.grad(package.grad(package.grad(scalar(np, tree))))

    reference = quietly(lambda: third(autograd, autograd.numpy)(x))
    assume(finite(reference))
    close(quietly(lambda: third(fastad, fastad.numpy)(x)), reference, rtol=1e-7)
    mixed = fastad.grad(
        lambda x: fastad.make_jvp(fastad.grad(scalar(fastad.numpy, tree)))(x)(1.0)[1]
    )
    close(quietly(lambda: mixed(x)), reference, rtol=1e-7)


@settings(max_examples=120)
@given(problems(dtypes=("float32", "float64")))
def test_float32_stays_float32(problem):
    """Autograd computes parts in float64, so its result in float64 is the reference."""
    tree, arguments = problem
    plain = scalar(numpy, tree)(*arguments)
    assume(finite(plain, 1e3))
    argnums = tuple(range(len(arguments)))
    doubles = [numpy.asarray(x, dtype=float) for x in arguments]
    reference = quietly(lambda: autograd.grad(scalar(autograd.numpy, tree), argnums)(*doubles))
    assume(all(finite(g, 1e3) for g in reference))
    value, ours = quietly(
        lambda: fastad.value_and_grad(scalar(fastad.numpy, tree), argnums)(*arguments)
    )
    assert value == plain
    assert numpy.asarray(value).dtype == numpy.asarray(plain).dtype
    for a, b, x in zip(ours, reference, arguments):
        assert numpy.asarray(a).dtype == numpy.asarray(x).dtype
        assert numpy.shape(a) == numpy.shape(x)
        # Rounding is amplified along the tree; the bound catches wrong rules, not lost digits.
        scale = max(1.0, float(numpy.max(numpy.abs(b))), abs(float(plain)))
        assert numpy.max(numpy.abs(a - b)) <= 2e-3 * size(tree) * scale


@settings(max_examples=80)
@given(problems(leaves=st.just(2), depth=8), st.sampled_from([operator.add, operator.mul]))
def test_nested_levels(problem, combine):
    """An inner gradient inside an outer one, closing over the outer variable."""
    tree, (x, y) = problem

    def f(package, np):
        inner = scalar(np, tree)

        def outer(x):
            slope = package.grad(lambda y: combine(inner(x, y), np.sum(np.sin(y) * np.sum(x))))(y)
            return np.sum(np.tanh(slope))

        return package.grad(outer)

    reference = quietly(lambda: f(autograd, autograd.numpy)(x))
    assume(finite(reference))
    close(quietly(lambda: f(fastad, fastad.numpy)(x)), reference, rtol=1e-8)
