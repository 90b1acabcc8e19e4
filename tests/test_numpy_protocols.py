"""Plain `import numpy as np` on traced values: ufuncs, functions, operators, copies, refusals."""

from __future__ import annotations

import copy
import math
import operator
import pickle
import warnings

import numpy as onp
import pytest
from cases import DIFFERENTIABLE, A, cases_of, directions, reference, vjp

import fastad.numpy as np
from fastad import _core, getval, grad, hessian, jacobian, jit, make_jvp, make_vjp, value_and_grad
from fastad.numpy import protocol, registry

X = A(2, 3)
UFUNCS = [
    name
    for name, kind in registry.kinds.items()
    if kind == "elementwise" and isinstance(registry.numpy_function(name), onp.ufunc)
]
# NumPy functions that ask no argument for its protocol: they take lists, or build arrays.
NOT_DISPATCHED = set(
    """
    array asarray asanyarray asarray_chkfinite ascontiguousarray asfortranarray astype diagflat full
    full_like getitem require
    """.split()
)


pytestmark = pytest.mark.filterwarnings("ignore:.row_stack. alias:DeprecationWarning")


def same_gradient(function, x):
    """A function written with plain NumPy and with fastad.numpy has one gradient, bit for bit."""
    one, two = grad(lambda x: function(onp, x)), grad(lambda x: function(np, x))
    onp.testing.assert_array_equal(one(x), two(x))


# ---- ufuncs and functions ------------------------------------------------------------------------


@pytest.mark.parametrize("name", UFUNCS)
def test_ufuncs(name):
    case = cases_of(name)[0]
    plain, here = reference(name), getattr(np, name)
    with _core.Tape() as tape:
        boxes = [tape.box(leaf) for leaf in case.leaves]
        one, two = plain(*boxes), here(*boxes)
        assert isinstance(one, _core.Box)
        onp.testing.assert_array_equal(getval(one), plain(*case.leaves))
        g = onp.ones(getval(one).shape)
        for a, b in zip(tape.sweep([one], [g], boxes), tape.sweep([two], [g], boxes)):
            onp.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "name", [name for name, kind in registry.kinds.items() if kind in ("structural", "composite")]
)
def test_functions(name):
    """NumPy's own function, given boxes, records what fastad's does."""
    if name in NOT_DISPATCHED:
        return
    for case in cases_of(name):
        with _core.Tape() as tape:
            boxes = [tape.box(leaf) for leaf in case.leaves]
            try:
                outputs = case.numpy(*boxes)
            except TypeError as error:
                if not any(hasattr(leaf, "shape") for leaf in case.leaves):
                    continue
                assert "fastad" in str(error), str(error)
                raise
            expected = case.numpy(*case.leaves)
            assert len(outputs) == len(expected)
            recorded = any(isinstance(output, _core.Box) for output in case.fastad(*boxes))
            assert any(isinstance(output, _core.Box) for output in outputs) == recorded
            for output, value in zip(outputs, expected):
                onp.testing.assert_array_equal(getval(output), value)


def test_a_program_of_plain_numpy():
    def f(np, x):
        h = np.tanh(np.dot(x, onp.ones((3, 2))) + np.arange(2))
        h = np.concatenate([h, np.exp(-h)], axis=1)
        y = np.where(h > 0.5, np.sqrt(np.abs(h)), h**3)
        return np.sum(y * np.mean(y, axis=0)) + np.max(x) - np.linalg.norm(x)

    same_gradient(f, X)
    onp.testing.assert_array_equal(hessian(lambda x: f(onp, x))(X), hessian(lambda x: f(np, x))(X))
    onp.testing.assert_array_equal(
        make_jvp(lambda x: f(onp, x))(X)(X)[1], make_jvp(lambda x: f(np, x))(X)(X)[1]
    )


def test_ufunc_methods():
    same_gradient(lambda np, x: np.sum(np.add.reduce(x, axis=1) ** 2), X)
    same_gradient(lambda np, x: np.add.reduce(np.multiply.reduce(x, axis=0)), X)
    same_gradient(lambda np, x: np.maximum.reduce(x[0]), X)
    same_gradient(lambda np, x: np.minimum.reduce(x, axis=None), X)
    same_gradient(lambda np, x: np.sum(np.add.accumulate(x, axis=1) ** 2), X)
    same_gradient(lambda np, x: np.sum(np.multiply.accumulate(x, axis=0) ** 2), X)
    same_gradient(lambda np, x: np.sum(np.multiply.outer(x, x) ** 2), X)
    onp.testing.assert_allclose(grad(lambda x: onp.add.reduce(x, axis=None))(X), onp.ones((2, 3)))
    # The default axis of reduce is the first one, not all.
    assert grad(lambda x: np.sum(onp.add.reduce(x)))(X).shape == (2, 3)
    with _core.Tape() as tape:
        assert np.add.reduce(tape.box(X)).shape == (3,)


@pytest.mark.parametrize(
    "refused",
    [
        lambda x: onp.add.at(onp.zeros(3), [0], x),
        lambda x: onp.add.at(x, [0], 1.0),
        lambda x: onp.hypot.reduce(x, where=onp.array([True, False, True])),
        lambda x: onp.logaddexp.accumulate(x, dtype=onp.float32),
        lambda x: onp.subtract.reduceat(x, [0, 1], dtype=onp.float32),
    ],
)
def test_ufunc_methods_without_a_rule_are_refused(refused):
    with _core.Tape() as tape:
        with pytest.raises((TypeError, NotImplementedError), match="fastad"):
            refused(tape.box(onp.ones(3)))


def test_ufunc_arguments():
    x = onp.ones(3)
    with _core.Tape() as tape:
        box = tape.box(x)
        mask = onp.array([True, False, True])
        for call in (
            lambda: onp.add(box, 1.0, where=mask),
            lambda: np.add(box, 1.0, where=mask),
            lambda: onp.add(box, 1.0, out=onp.zeros(3)),
            lambda: np.add(box, 1.0, out=onp.zeros(3)),
            lambda: np.sin(box, out=onp.zeros(3)),
            lambda: np.sum(box, out=onp.zeros(())),
            lambda: np.dot(box, x, out=onp.zeros(())),
            lambda: np.clip(box, 0, 1, out=onp.zeros(3)),
            lambda: np.cumsum(box, out=onp.zeros(3)),
            lambda: np.matmul(box, x, out=onp.zeros(())),
        ):
            # Right, or refused by name: never a wrong or lost derivative.
            with pytest.raises((TypeError, NotImplementedError, ValueError)) as refusal:
                call()
            assert "fastad" in str(refusal.value) or "traced" in str(refusal.value)


@pytest.mark.parametrize("bounds", [lambda t: (-t, t), lambda t: (None, t), lambda t: (t, None)])
def test_the_method_clip_of_a_plain_array_takes_traced_bounds(bounds):
    a = onp.array([-2.0, 0.1, 3.0])
    for method in (grad, jit_of_grad):
        of_array = method(lambda t: np.sum(a.clip(*bounds(t)) ** 2))
        of_function = grad(lambda t: np.sum(np.clip(a, *bounds(t)) ** 2))
        for t in (0.5, 0.6, 0.7, 0.8):
            assert of_array(t) == pytest.approx(of_function(t), rel=1e-14)


def jit_of_grad(function):
    return jit(grad(function))


def test_plain_calls_keep_all_of_numpys_arguments():
    x, out = onp.ones(3), onp.zeros(3)
    assert np.add(x, 1.0, out=out) is out and out[0] == 2.0
    onp.testing.assert_array_equal(
        np.add(x, 1.0, where=[True, False, True], out=onp.zeros(3)), [2.0, 0.0, 2.0]
    )
    assert np.sum(x, where=[True, False, True], initial=5.0) == 7.0
    assert np.sin(x, dtype="f4").dtype == onp.float32
    assert np.add.reduce(x) == 3.0 and np.add.nin == 2 and np.sin.nin == 1
    assert np.array([1, 2], ndmin=2).shape == (1, 2)
    assert np.sum([1.0, 2.0]) == 3.0 and np.sin(0) == 0.0


# ---- operators between arrays, numbers and boxes -------------------------------------------------

OPERATORS = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.pow,
    operator.mod,
    operator.matmul,
]


@pytest.mark.parametrize("function", OPERATORS, ids=lambda f: f.__name__)
def test_operators_from_either_side(function):
    x = onp.array([1.3, 2.4, 3.7])
    others = [onp.array([0.7, 1.9, 2.2]), onp.array([2, 1, 3]), onp.array([0.5, 2, 3], "f4")]
    if function is not operator.matmul:
        others += [2.5, 2, onp.float64(2.5), onp.float32(2.5), onp.int64(2), onp.array(2.5)]
    for other in others:
        for left in (True, False):
            f = lambda x: function(x, other) if left else function(other, x)
            with _core.Tape() as tape:
                ans = f(tape.box(x))
                assert type(ans) is _core.ArrayBox
                expected = f(x)
                onp.testing.assert_array_equal(getval(ans), expected)
                assert getval(ans).dtype == expected.dtype
            numeric = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
            onp.testing.assert_allclose(
                make_jvp(f)(x)(onp.ones(3))[1], numeric, rtol=1e-6, atol=1e-6
            )
            onp.testing.assert_allclose(
                onp.sum(grad(lambda x: np.sum(f(x)))(x)), onp.sum(numeric), rtol=1e-6, atol=1e-6
            )


def test_lists_as_operands():
    x = onp.array([1.0, 2.0])
    onp.testing.assert_array_equal(grad(lambda x: np.sum(x * [3.0, 4.0]))(x), [3.0, 4.0])
    onp.testing.assert_array_equal(grad(lambda x: np.sum([3.0, 4.0] * x))(x), [3.0, 4.0])


def test_unknown_operands_are_left_to_python():
    class Other:
        def __radd__(self, other):
            return "radd"

        def __rmul__(self, other):
            return "rmul"

    with _core.Tape() as tape:
        box = tape.box(1.5)
        assert box + Other() == "radd" and box * Other() == "rmul"
        with pytest.raises(TypeError):
            box + "text"
        with pytest.raises(TypeError):
            box - None


# ---- writing into plain arrays -------------------------------------------------------------------


def put(y, x):
    y[0] = x[0]


def fill(y, x):
    y[:] = x


def scatter(y, x):
    y[[0, 1]] = x[:2]


def copy_to(y, x):
    onp.copyto(y, x)


def write_out(y, x):
    onp.multiply(x, 2.0, out=y)


@pytest.mark.parametrize("write", [put, fill, scatter, copy_to, write_out])
def test_writing_into_a_plain_array_says_what_to_do(write):
    y = onp.zeros(3)
    with _core.Tape() as tape:
        with pytest.raises(TypeError) as refusal:
            write(y, tape.box(onp.ones(3)))
    text = str(refusal.value)
    assert "fastad" in text or "plain array" in text, text
    assert "sequence" not in text
    onp.testing.assert_array_equal(y, onp.zeros(3))


class Holder:
    pass


def test_augmented_assignment_to_a_plain_array_binds_a_new_one():
    """The name, attribute or item becomes the traced result; the array stays what it was."""

    def f(x):
        s, d = Holder(), {"a": onp.zeros(3)}
        s.e = onp.ones(3)
        s.e *= x
        d["a"] += x
        y = onp.zeros(3)
        y += 2 * x
        y -= 0.5
        y **= 2
        return np.sum(s.e * d["a"]) - np.sum(y)

    x = onp.array([1.0, 2.0, 3.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        onp.testing.assert_allclose(grad(f)(x), 2 * x - 4 * (2 * x - 0.5))
        # One after the other and of any order: y is traced from the first on.
        third = lambda x: np.sum(f(x) ** 2)
        onp.testing.assert_allclose(grad(third)(x), 2 * f(x) * grad(f)(x))

    def kept(x, shape=(3,), dtype=float):
        y = onp.zeros(shape, dtype)
        y += x
        return np.sum(y), y

    single = make_vjp(lambda x: kept(x, dtype=onp.float32)[1])(x)[1]
    assert single.dtype == onp.float32
    with pytest.raises(TypeError, match="same_kind"):
        grad(lambda x: kept(x, dtype=int)[0])(x)
    with pytest.raises(ValueError, match="non-broadcastable"):
        grad(lambda x: kept(x)[0])(onp.ones((2, 3)))


def test_other_names_of_an_array_that_an_operator_binds_anew():
    def other_name(x):
        y = onp.zeros(3)
        z = y
        y += x
        return np.sum(y * (1 + z))

    def view(x):
        y = onp.zeros((2, 3))[0]
        y += x
        return np.sum(y)

    def in_one_line(x):
        y = onp.zeros(3); z = y; y += x  # fmt: skip  # noqa: E702
        return np.sum(y * (1 + z))

    def in_a_list(x):
        y = [onp.zeros(3)]
        z = y[0]
        y[0] += x
        return np.sum(y[0] * (1 + z))

    def beside_a_choice(x):
        y = onp.zeros(3)
        z = y
        y += x if x[0] > 0 else 0.0
        return np.sum(y * (1 + z))

    others = [
        (f, "other references") for f in (other_name, in_one_line, in_a_list, beside_a_choice)
    ]
    for function, part in (*others, (view, "view")):
        with pytest.warns(UserWarning, match=part):
            onp.testing.assert_array_equal(grad(function)(onp.ones(3)), onp.ones(3))
    # A call is not an operator: it would not bind anything.
    with pytest.raises(TypeError, match="out="):
        grad(lambda x: np.sum(onp.zeros(3).__iadd__(x)))(onp.ones(3))


def test_augmented_assignment_to_a_box_makes_a_new_one():
    def f(x):
        y = x
        y += 2.0 * x
        y *= x
        y -= 1.0
        y /= 2.0
        y **= 2
        return np.sum(y)

    x = onp.array([1.5, -0.5])
    onp.testing.assert_allclose(grad(f)(x), 2 * (1.5 * x**2 - 0.5) * 3 * x)


@pytest.mark.parametrize(
    "read",
    [
        float,
        int,
        complex,
        math.sin,
        onp.array,
        onp.asarray,
        lambda x: onp.array([x, 1.0], dtype=float),
        lambda x: onp.float64(x),
        lambda x: [1, 2, 3][x],
        lambda x: range(x),
        lambda x: onp.zeros(3).__setitem__(0, x),
    ],
)
def test_reading_the_number_is_refused(read):
    for value in (1.0, onp.float64(1.0), onp.array(1.0)):
        with _core.Tape() as tape, pytest.raises(TypeError) as refusal:
            read(tape.box(value))
        assert "fastad" in str(refusal.value)


# ---- copies, containers, text --------------------------------------------------------------------


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        lambda x: copy.deepcopy({"a": [x, (x,)]})["a"][1][0],
        lambda x: x.copy(),
        np.copy,
        onp.copy,
        np.array,
    ],
)
def test_copies_keep_the_derivative(copied):
    onp.testing.assert_array_equal(grad(lambda x: np.sum(copied(x) ** 2))(X), 2 * X)
    assert grad(lambda x: copied(np.sum(x) * 1.0) ** 2)(onp.ones(2)).tolist() == [4.0, 4.0]


def test_length_and_iteration():
    with _core.Tape() as tape:
        box = tape.box(X)
        assert len(box) == 2
        rows = list(box)
        assert [type(row) for row in rows] == [_core.ArrayBox] * 2 and rows[0].shape == (3,)
        for empty in (tape.box(1.5), tape.box(onp.array(1.5))):
            with pytest.raises(TypeError):
                len(empty)
            with pytest.raises(TypeError):
                iter(empty).__next__()
    gradient = grad(lambda x: sum(v * i for i, v in enumerate(x)))(onp.ones(3))
    onp.testing.assert_array_equal(gradient, [0.0, 1.0, 2.0])
    x = onp.array([3.0, 1.0, 2.0])
    for function, expected in (
        (lambda x: max(x) * min(x), [1.0, 3.0, 0.0]),
        (lambda x: sum(sorted(x)[:2]), [0.0, 1.0, 1.0]),
        (lambda x: sum(a * b for a, b in zip(x, x[1:])), [1.0, 5.0, 1.0]),
    ):
        onp.testing.assert_array_equal(grad(function)(x), expected)


def test_text():
    with _core.Tape() as tape, _core.Tape() as inner:
        for value in (1.5, onp.float64(1.5), onp.array([1.0, 2.0])):
            for box in (tape.box(value), inner.box(tape.box(value))):
                assert str(value) in str(box) and repr(value) in repr(box)
                assert "ArrayBox" in repr(box)
        for box in (tape.box(1.23456), inner.box(tape.box(1.23456))):
            assert f"{box:.2f}" == "1.23" and format(box, "8.3f") == "   1.235"
            assert f"{box:.3e}" == f"{1.23456:.3e}"
        assert "array" in f"{tape.box(onp.ones(2))!r}"


def test_truth_and_hash():
    with _core.Tape() as tape:
        assert tape.box(1.5) and not tape.box(0.0)
        assert bool(tape.box(onp.array([2.0])))
        with pytest.raises(ValueError, match="ambiguous"):
            bool(tape.box(onp.ones(2)))
        a, b = tape.box(1.5), tape.box(1.5)
        # By identity, so that boxes can be keys though == compares values.
        assert len({a, b}) == 2 and hash(a) == hash(a)
        assert {a: 1}[a] == 1
        assert (a is a) and a == b


def test_rounding_reads_the_value():
    with _core.Tape() as tape:
        assert round(tape.box(1.26)) == 1
        rounded = round(tape.box(1.26), 1)
        assert not isinstance(rounded, _core.Box) and rounded == 1.3
        assert math.isclose(getval(np.round(tape.box(1.26), 1)), 1.3)
        onp.testing.assert_array_equal(getval(np.floor(tape.box(onp.array([1.5])))), [1.0])


def test_pickling_a_box_is_refused():
    with _core.Tape() as tape, pytest.raises(TypeError, match="pickle"):
        pickle.dumps(tape.box(1.5))


def test_type_questions():
    with _core.Tape() as tape:
        box = tape.box(X)
        assert np.shape(box) == (2, 3) and onp.shape(box) == (2, 3)
        assert np.ndim(box) == onp.ndim(box) == 2 and np.size(box) == 6
        assert onp.result_type(box, 1.0) == onp.float64
        assert onp.iscomplexobj(box) is False and onp.isscalar(box) is False
        assert np.zeros_like(box).tolist() == onp.zeros_like(X).tolist()
        assert not isinstance(onp.zeros_like(box), _core.Box)
        assert box.dtype == X.dtype and box.T.shape == (3, 2) and box.nbytes == X.nbytes


def test_numpy_scalars_before_a_box():
    """`np.float64(2) * box`: NumPy asks first, and must hand over."""
    for number in (onp.float64(2.0), onp.float32(2.0), onp.int64(2), onp.longdouble(2.0)):
        for x in (onp.array([1.5, 2.5]), 1.5, onp.float64(1.5)):
            for function in OPERATORS[:5]:
                f = lambda x: np.sum(function(number, x))
                g = lambda x: np.sum(function(float(number), x))
                onp.testing.assert_allclose(grad(f)(x), grad(g)(x), rtol=1e-6)
            for function in (operator.lt, operator.ge, operator.eq, operator.ne):
                with _core.Tape() as tape:
                    result = function(number, tape.box(x))
                    onp.testing.assert_array_equal(result, function(number, x))


def test_subclasses_and_masked_arrays_do_not_lose_the_derivative():
    class Own(onp.ndarray):
        pass

    x = onp.array([1.0, 2.0])
    constant = onp.array([3.0, 4.0]).view(Own)
    onp.testing.assert_array_equal(grad(lambda x: np.sum(constant * x))(x), [3.0, 4.0])
    onp.testing.assert_array_equal(grad(lambda x: np.sum(x * constant))(x), [3.0, 4.0])


class Carried(onp.ndarray):
    """Computes as ndarray does, and makes results of its own class."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_derivatives_of_subclasses_are_arrays(name):
    """By an argument of a subclass, and beside a constant of one, in both modes."""
    for case in cases_of(name):
        leaves = case.leaves
        for place, leaf in enumerate(leaves):
            if not isinstance(leaf, onp.ndarray):
                continue
            given = [x.view(Carried) if k == place else x for k, x in enumerate(leaves)]
            try:
                outputs = [onp.asarray(one) for one in case.numpy(*given)]
            except Exception:
                continue
            g, t = directions(outputs, 1), directions(leaves, 2)
            every = tuple(range(len(given)))

            def slopes(leaves, case=case, g=g, t=t, every=every):
                push = make_jvp(lambda *x: tuple(case.fastad(*x)), every)(*leaves)
                return [*vjp(case.fastad, leaves, g), *push(tuple(t))[1]]

            try:
                expected = slopes(leaves)
            except (TypeError, ValueError):
                continue  # of whole numbers
            found = slopes(given)
            for one in found:
                assert type(one) is onp.ndarray or isinstance(one, (onp.generic, float, complex))
            assert len(found) == len(expected)


def test_dispatch_at_two_levels():
    f = lambda x: onp.sum(onp.exp(x) * x)
    expected = jacobian(grad(lambda x: np.sum(np.exp(x) * x)))(onp.ones(3))
    onp.testing.assert_array_equal(jacobian(grad(f))(onp.ones(3)), expected)
    assert value_and_grad(lambda x: onp.sin(x))(0.5) == (onp.sin(0.5), onp.cos(0.5))


@pytest.mark.parametrize(
    "ufunc", [one for one in registry.by_function if isinstance(one, onp.ufunc) and one.nin == 2]
)
def test_the_short_way_of_a_ufunc_is_the_general_one(ufunc):
    """What `array * box` and `scalar * box` come to, beside the protocol in Python."""
    lefts = (
        onp.array([1.5, 2.5]),
        onp.array([1, 2]),
        onp.array([1.5, 2.5], onp.float32),
        onp.float64(1.5),
        onp.float32(1.5),
        onp.int64(2),
        1.5,
        2,
        True,
    )

    def outcome(function):
        try:
            result = function()
        except Exception as error:
            return type(error), str(error)
        return _core.plain_type(result), str(getattr(result, "dtype", "")), repr(getval(result))

    with _core.Tape() as tape, onp.errstate(all="ignore"):
        for value in (onp.array([0.5, 0.75]), 0.5, onp.float64(0.5), onp.float32(0.5)):
            box = tape.box(value)
            for left in (*lefts, box):
                for inputs in ((left, box), (box, left)):
                    general = outcome(
                        lambda inputs=inputs: protocol.for_ufunc(ufunc, "__call__", inputs, {})
                    )
                    assert outcome(lambda inputs=inputs: ufunc(*inputs)) == general
