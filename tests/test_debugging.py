"""Debug modes and the warning that names where a trace was lost."""

from __future__ import annotations

import inspect
import threading
import warnings

import numpy as onp
import pytest

import fastad
import fastad.numpy as np
from fastad import (
    checkpoint,
    debug_mutation,
    debug_nans,
    getval,
    grad,
    hessian,
    jacobian,
    make_jvp,
    make_vjp,
    strict_zero,
    value_and_grad,
)
from fastad.extend import defvjp, primitive

X = onp.array([0.0, 1.0, 4.0])


def line(mark: str) -> int:
    """The line of this file that ends with a comment of this text."""
    source = inspect.getsource(inspect.getmodule(line))
    return next(i for i, text in enumerate(source.splitlines(), 1) if text.endswith("# " + mark))


def masked_root(x):
    return np.sum(np.where(x > 0, np.sqrt(x), 0.0))  # the root


def logarithm(x):
    shifted = x - 1.0
    return np.sum(
        2.0 * np.log(shifted)  # the logarithm
    )


def refused(mark, *words, call):
    """FloatingPointError that names this file, the line and each of the words."""
    with onp.errstate(all="ignore"), pytest.raises(FloatingPointError) as error:
        call()
    text = str(error.value)
    assert f"{__file__}, line {line(mark)}, in" in text, text
    for word in words:
        assert word in text, text


# ---- NaN and infinity --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "operator",
    [
        grad,
        value_and_grad,
        jacobian,
        hessian,
        lambda f: lambda x: make_jvp(f)(x)(onp.ones_like(x)),
        lambda f: grad(lambda x: np.sum(grad(f)(x) ** 2)),
    ],
)
def test_an_operation_that_gives_nan_is_named(operator):
    with debug_nans():
        refused("the logarithm", "log gave NaN", call=lambda: operator(logarithm)(X))
    with onp.errstate(all="ignore"):
        operator(logarithm)(X)  # outside it is what NumPy computes


@pytest.mark.parametrize("operator", [grad, value_and_grad, jacobian, hessian])
def test_a_derivative_that_gives_nan_is_named(operator):
    with debug_nans():
        refused(
            "the root",
            "derivative of sqrt gave NaN",
            "strict_zero",
            call=lambda: operator(masked_root)(X),
        )
        with strict_zero(), onp.errstate(all="ignore"):
            assert onp.all(onp.isfinite(operator(masked_root)(X)[0]))


def test_a_tangent_that_is_nan_is_named():
    with debug_nans():
        refused("the root", "JVP) of sqrt", call=lambda: make_jvp(masked_root)(X)(onp.ones(3)))


def test_numbers_have_the_same_checks():
    def power(x):
        y = (x - 1.0) ** 0.5  # the power
        return y * 2.0

    def quotient(x):
        return 1.0 / (x[0] - x[0])  # the quotient

    with debug_nans():
        refused("the power", "derivative of power gave an infinity", call=lambda: grad(power)(1.0))
        refused("the power", "power gave NaN", call=lambda: grad(power)(0.5))
        refused("the quotient", "divide gave an infinity", call=lambda: grad(quotient)([1.0, 2.0]))
        refused("the quotient", "divide gave an infinity", call=lambda: grad(quotient)(X))
        assert grad(power)(5.0) == 0.5
    assert grad(power)(5.0) == 0.5


def test_infinities_can_be_let_pass():
    def softmax(x):
        scores = np.where(onp.array([True, True, False]), x, -onp.inf)
        weights = np.exp(scores - np.max(scores))
        return (weights / np.sum(weights))[0]

    expected = grad(softmax)(X)
    with debug_nans(infinities=False):
        onp.testing.assert_array_equal(grad(softmax)(X), expected)
        with onp.errstate(all="ignore"):
            assert grad(lambda x: x if np.exp(1000.0 * x) > 5.0 else 0.0)(1.0) == 1.0
        refused("the root", "NaN", call=lambda: grad(masked_root)(X))
    with debug_nans():  # it came in with a constant, and no NaN came of it
        onp.testing.assert_array_equal(grad(softmax)(X), expected)


def test_what_was_nan_before_is_told_apart():
    data = onp.array([1.0, onp.nan, 2.0])

    def weighted(x):
        return np.sum(x * data)  # the weights

    with debug_nans():
        refused(
            "the weights", "argument 1 of multiply", "a constant", call=lambda: grad(weighted)(X)
        )
        refused(
            "the weights",
            "argument 0 of multiply",
            "which the derivative is taken by",
            call=lambda: grad(lambda x: np.sum(x * x) if weighted(x) else 0.0)(data),
        )
        onp.testing.assert_array_equal(
            grad(lambda x: np.nansum(x * 2.0))(data), onp.array([2.0, 0.0, 2.0])
        )


def test_rules_from_python_are_checked():
    @primitive
    def shifted(x):
        return x + 1.0

    defvjp(shifted, lambda ans, x: lambda g: g * onp.inf)

    def program(x):
        return np.sum(shifted(x))  # the primitive

    with debug_nans():
        refused("the primitive", "derivative of shifted", call=lambda: grad(program)(X))
        refused("the root", "sqrt", call=lambda: grad(checkpoint(masked_root))(X))


def test_structural_operations_and_several_results():
    def program(x):
        values, vectors = np.linalg.eigh(np.outer(x, x) * 0.0)  # equal eigenvalues
        return np.sum(vectors[:, 0])

    with debug_nans():
        refused("equal eigenvalues", "derivative of", call=lambda: grad(program)(X))
        parts = grad(lambda x: np.sum(np.sort(x)[1:] * np.concatenate([x[:1], x[:1]])))
        onp.testing.assert_array_equal(parts(X), [5.0, 0.0, 0.0])


@pytest.mark.parametrize(
    "dtype", [onp.float32, onp.float16, onp.longdouble, onp.complex64, complex]
)
def test_every_dtype_is_looked_at(dtype):
    def program(x):
        return np.sum(np.real(1.0 / (x - x)))  # nought

    with debug_nans():
        refused("nought", "divide", call=lambda: grad(program)(X.astype(dtype)))
        refused("nought", "divide", call=lambda: grad(program)(X.astype(dtype)[::2]))


def test_the_mode_changes_no_result():
    def program(x):
        y = np.tanh(x) * np.exp(-x * x) + x[0] * x[1]
        return np.sum(y**2) + np.mean(np.sort(np.concatenate([x, y]))[:4]) * x[-1]

    plain = [operator(program)(X) for operator in (grad, hessian)]
    with debug_nans(), debug_mutation():
        checked = [operator(program)(X) for operator in (grad, hessian)]
    for one, other in zip(plain, checked):
        onp.testing.assert_allclose(one, other, rtol=1e-14)


def test_modes_end_with_their_context_and_belong_to_their_thread():
    with debug_nans():
        with pytest.raises(FloatingPointError), onp.errstate(all="ignore"):
            grad(logarithm)(X)
        found = []

        def elsewhere():
            with onp.errstate(all="ignore"):
                found.append(grad(logarithm)(X))

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert onp.isnan(found[0][1]) or onp.isinf(found[0][1])
        assert grad(lambda x: x * x)(3.0) == 6.0
    with onp.errstate(all="ignore"):
        grad(logarithm)(X)


def test_a_tape_made_before_the_mode_is_checked_without_a_line():
    vjp, _ = make_vjp(masked_root)(X)
    with debug_nans(), onp.errstate(all="ignore"):
        with pytest.raises(FloatingPointError, match="sqrt.* before the debug mode"):
            vjp(1.0)


# ---- arrays that are changed -------------------------------------------------------------------


def reused_buffer(x):
    buffer = onp.zeros(3)
    total = 0.0
    for i in range(3):
        buffer[:] = i
        total = total + np.sum(x * buffer)  # the product
    return total


def changed(mark, *words, call):
    with pytest.raises(RuntimeError) as error:
        call()
    text = str(error.value)
    assert text.startswith("debug_mutation: "), text
    assert f"{__file__}, line {line(mark)}, in" in text, text
    for word in words:
        assert word in text, text


@pytest.mark.parametrize(
    "operator",
    [grad, value_and_grad, jacobian, hessian, lambda f: grad(lambda x: np.sum(grad(f)(x)))],
)
def test_a_reused_buffer_is_noticed(operator):
    with debug_mutation():
        changed(
            "the product", "argument 1 of multiply", "copy", call=lambda: operator(reused_buffer)(X)
        )
    # Without the mode the line is not known.
    with pytest.raises(
        RuntimeError, match="^the array that was argument 1 of multiply was changed"
    ):
        operator(reused_buffer)(X)


def test_a_change_that_no_rule_reads_is_none():
    def program(x):
        buffer = onp.zeros(3)
        total = np.sum(x)
        for i in range(3):
            buffer[:] = i
            total = total + np.sum(x + buffer) + np.sum(x * buffer.copy())
        return total

    with debug_mutation():
        onp.testing.assert_array_equal(grad(program)(X), [7.0, 7.0, 7.0])


@pytest.mark.parametrize("cut", [lambda a: a, lambda a: a[::2], lambda a: a.T, lambda a: a[:, 1]])
@pytest.mark.parametrize("dtype", [float, onp.float32, int, onp.uint8, complex, bool])
def test_every_layout_and_dtype_is_remembered(cut, dtype):
    whole = onp.ones((4, 4), dtype)
    part = cut(whole)

    def program(x, change):
        y = x * part
        if change:
            part.flat[-1] = 0
        return np.sum(np.real(y))

    x = onp.ones(part.shape)
    with debug_mutation():
        grad(program)(x, False)
        with pytest.raises(RuntimeError, match="debug_mutation"):
            grad(program)(x, True)


def test_arguments_results_and_what_primitives_were_given():
    @primitive
    def scaled(x, weights):
        return x * weights

    defvjp(scaled, lambda ans, x, weights: lambda g: g * weights, None)
    weights = onp.ones(3)

    def argument(x):
        y = np.sum(np.sin(x))  # the sine
        start[0] = 5.0
        return y

    def result(x):
        y = np.exp(x)  # the exponential
        getval(y)[0] = 7.0
        return np.sum(y)

    def given(x):
        y = scaled(x, weights)  # the scaling
        weights[:] = 2.0
        return np.sum(y)

    with debug_mutation():
        start = X.copy()
        changed("the sine", "argument 0 of sin", call=lambda: grad(argument)(start))
        changed("the exponential", "the result of exp", call=lambda: grad(result)(X))
        changed("the scaling", "argument 1 of scaled", call=lambda: grad(given)(X))
        assert grad(lambda x: x * x)(3.0) == 6.0


def test_a_change_between_two_sweeps_is_noticed():
    data = onp.array([1.0, 2.0, 3.0])
    with debug_mutation():
        vjp, _ = make_vjp(lambda x: np.sum(x * data))(X)  # the data
    onp.testing.assert_array_equal(vjp(1.0), data)
    data[0] = 9.0
    changed("the data", "argument 1 of multiply", call=lambda: vjp(1.0))


def test_what_only_lends_its_shape_may_change():
    """A loop fills a buffer anew after it was joined to a traced array: no rule reads it."""
    mask = onp.array([True, False, True])

    def program(x):
        buffer, total = onp.ones(3), 0.0
        for i in range(3):
            buffer[:] = i
            total = total + np.sum(np.concatenate([x, buffer]) ** 2)
            total = total + np.sum(np.stack([buffer, x])) + np.sum(np.where(mask, x, buffer))
        return total

    expected = grad(program)(X)
    with debug_mutation():
        onp.testing.assert_array_equal(grad(program)(X), expected)

    def changed_mask(x):
        own = mask.copy()
        y = np.sum(np.where(own, x, 0.0))  # the choice
        own[:] = False
        return y

    with debug_mutation():
        changed("the choice", "argument 0 of where", call=lambda: grad(changed_mask)(X))


def test_primitives_that_live_no_longer_than_their_call_are_named():
    def program(x):
        @primitive
        def a_primitive_of_the_call(x):
            return x * 2.0

        defvjp(a_primitive_of_the_call, lambda ans, x: lambda g: g * onp.nan)
        return np.sum(a_primitive_of_the_call(x))  # the call

    with debug_nans():
        refused("the call", "a_primitive_of_the_call", call=lambda: grad(program)(X))

    @primitive
    def of_list(xs):
        return xs[0] * 2.0

    defvjp(of_list, lambda ans, xs: lambda g: [g * onp.nan])

    def on_list(x):
        return np.sum(of_list([x]))  # the list

    with debug_nans():
        refused("the list", "of_list", call=lambda: grad(on_list)(X))


def test_lines_of_entries_made_outside_the_mode_are_not_made_up():
    def program(x):
        with debug_nans():
            a = np.exp(x)
        b = a - a
        return np.sum(np.sqrt(b))

    vjp, _ = make_vjp(program)(X)
    with debug_nans(), onp.errstate(all="ignore"):
        with pytest.raises(FloatingPointError, match="sqrt.* before the debug mode"):
            vjp(1.0)


def test_what_an_operation_was_given_is_told_truly():
    with debug_nans(), onp.errstate(all="ignore"):
        with pytest.raises(FloatingPointError, match="subtract gave NaN.*infinities, but no NaN"):
            grad(lambda x: np.sum(x * onp.inf - onp.inf * x))(onp.ones(2))


@pytest.mark.parametrize("mode", [debug_nans, debug_mutation])
def test_contexts_are_left_in_the_thread_that_entered_them(mode):
    context = mode()
    with pytest.raises(RuntimeError, match="not entered"):
        context.__exit__(None, None, None)
    context.__enter__()
    found = []

    def elsewhere():
        try:
            context.__exit__(None, None, None)
        except RuntimeError as error:
            found.append(str(error))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    context.__exit__(None, None, None)
    assert "another thread" in found[0]
    with context, context:
        assert grad(lambda x: x * x)(3.0) == 6.0
    with onp.errstate(all="ignore"):
        grad(logarithm)(X)


# ---- a lost trace ------------------------------------------------------------------------------


def lost(function, x=X, operator=grad):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        operator(function)(x)
    (warning,) = caught
    assert warning.filename == __file__
    assert str(warning.message).startswith("Output seems independent of input.")
    return str(warning.message)


@pytest.mark.parametrize("operator", [grad, jacobian, value_and_grad])
def test_the_warning_names_where_the_trace_was_lost(operator):
    def rounded(x):
        y = np.floor(x)  # the floor
        return np.sum(y * 2.0)

    def unboxed(x):
        return np.sum(getval(x) ** 2)  # the plain value

    def caught(x):
        try:
            return float(x[0])  # the float
        except TypeError:
            return 1.0

    def assigned(x):
        z = onp.zeros(3)
        try:
            z[0] = x[0]  # the assignment
        except (TypeError, ValueError):
            return np.sum(z)

    assert f"floor at {__file__}, line {line('the floor')}" in lost(rounded, operator=operator)
    assert f"getval at {__file__}, line {line('the plain value')}" in lost(
        unboxed, operator=operator
    )
    assert f"line {line('the float')}" in lost(caught, operator=operator)
    assert f"line {line('the assignment')}" in lost(assigned, operator=operator)
    assert lost(lambda x: 1.0, operator=operator) == "Output seems independent of input."


def test_the_first_few_places_are_named():
    def often(x):
        total = 0.0
        for _ in range(100):
            total = total + np.sum(np.sign(x))
        return total

    assert lost(often).count("sign at") == 4


def test_getval_is_one_function_everywhere():
    assert fastad.getval is fastad.tracer.getval is fastad.core.getval


SYMMETRIC = onp.array([[2.0, 0.5], [0.5, 3.0]])


@pytest.mark.parametrize(
    "function",
    [np.linalg.inv, np.exp, np.sqrt, lambda a: np.linalg.solve(a, onp.ones((2, 2)))],
    ids=["inv", "exp", "sqrt", "solve"],
)
def test_a_result_that_its_rule_reads_is_watched(function):
    with debug_mutation():
        vjp, y = make_vjp(function)(SYMMETRIC)
        vjp(onp.ones((2, 2)))
        y -= 1.0
        with pytest.raises(RuntimeError, match="debug_mutation: the result of .* was changed"):
            vjp(onp.ones((2, 2)))


def test_a_result_that_no_rule_reads_may_be_changed():
    scaled = primitive(lambda x: 2.0 * x)
    defvjp(scaled, lambda ans, x: lambda g: 2.0 * g)
    with debug_mutation():
        for function in (scaled, np.cumsum, lambda x: x + 1.0):
            vjp, y = make_vjp(function)(X)
            y -= 1.0
            vjp(onp.ones(3))
