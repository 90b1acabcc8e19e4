"""Operators around `jit`, and `jit` around operators that give functions."""

import sys
import warnings

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import (
    deriv,
    elementwise_grad,
    grad,
    grad_and_aux,
    hessian,
    hessian_vector_product,
    jacobian,
    jit,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_jvp_reversemode,
    make_vjp,
    strict_zero,
    value_and_grad,
    vector_jacobian_product,
)
from fastad.programs.report import ProgramError, ProgramWarning

from .agreement import agree

X = onp.array([0.3, 0.7, -0.4])
V = onp.array([1.0, -2.0, 0.5])


def runs_of(fun, call):
    """How often a function's own code runs in a call."""
    seen = []

    def notice(frame, event, argument):
        if event == "call" and frame.f_code is fun.__code__:
            seen.append(1)

    sys.setprofile(notice)
    try:
        call()
    finally:
        sys.setprofile(None)
    return len(seen)


def scalar(x):
    return np.sum(np.sin(x) * x**2)


def vector(x):
    return np.sin(x) * x**2


def two(x, y):
    return np.sum(x * np.cos(y)) * np.sum(y)


WRAPS = {"outside": lambda op, *args: jit(op(*args)), "inside": lambda op, fun: op(jit(fun))}
# The operator, the function, and what is done with the result.
GIVING = {
    "vjp": (make_vjp, scalar, lambda given: (given[0](2.0), given[1])),
    "vjp_of_a_vector": (make_vjp, vector, lambda given: (given[0](V), given[0](-V), given[1])),
    "jvp": (make_jvp, vector, lambda given: given(V)),
    "hvp": (make_hvp, scalar, lambda given: (given[0](V), given[0](V), given[1])),
    "ggnvp": (make_ggnvp, vector, lambda given: given(V)),
    "reversed": (make_jvp_reversemode, vector, lambda given: given(V)),
}


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("name", GIVING)
def test_functions_that_are_given_are_replayed(name, wrap):
    op, fun, use = GIVING[name]
    fast = WRAPS[wrap](op, fun)
    for i in range(30):
        agree(use(fast(X + 0.01 * i)), use(op(fun)(X + 0.01 * i)))
    assert fast.programs
    seen = [runs_of(fun, lambda: use(fast(X))) for _ in range(6)]
    assert sorted(seen)[3] == 0  # but for checks


def test_functions_of_several_arguments_and_containers():
    def f(p, scale):
        return {"a": p["w"] * scale, "b": np.sum(p["b"] ** 2)}

    plain, fast = make_vjp(f, (0, 1)), jit(make_vjp(f, (0, 1)))
    for i in range(10):
        args = ({"w": X + i, "b": V * i}, 2.0 + i)
        wanted, value = plain(*args)
        found, also = fast(*args)
        agree(also, value)
        cotangent = {"a": V, "b": 3.0}
        agree(found(cotangent), wanted(cotangent))
    with pytest.raises(TypeError, match="argument of the vjp"):
        found({"a": V})


def test_several_functions_in_a_result():
    def both(x):
        pull, value = make_vjp(vector)(x)
        return {"pull": pull, "push": make_jvp(vector)(x), "value": value}

    fast = jit(both)
    for i in range(8):
        found, wanted = fast(X + i), both(X + i)
        agree(found["value"], wanted["value"])
        agree(found["pull"](V), wanted["pull"](V))
        agree(found["push"](V), wanted["push"](V))
    assert len(fast.programs) == 3


def test_a_function_is_of_what_was_when_it_was_given():
    scale = 2.0

    def f(x):
        return np.sum(x**2) * scale

    fast = jit(make_vjp(f))
    for i in range(8):
        pull, _ = fast(X + i)
        agree(pull(1.0), 2 * (X + i) * scale)
    x = X + 0.5
    pull, _ = fast(x)
    x *= 0.0
    agree(pull(1.0), 2 * (X + 0.5) * scale)
    scale = 5.0
    with pytest.raises(ProgramError, match="scale changed before that was called"):
        pull(1.0)
    for i in range(8):
        pull, value = fast(X + i)
        agree((pull(1.0), value), (2 * (X + i) * 5.0, f(X + i)))
    scale = 2.0
    pull, _ = fast(X)
    agree(pull(1.0), 4.0 * X)


def test_a_captured_array_that_changes_in_place_before_the_call():
    scale = onp.array([1.0, 2.0, 3.0])
    fast = jit(make_vjp(lambda x: np.sum(scale * x**2)))
    for _ in range(12):
        scale *= 1.1  # becomes an input
        pull, _ = fast(X)
        agree(pull(1.0), 2 * scale * X)
    pull, _ = fast(X)
    scale[1] = 7.0
    with pytest.raises(ProgramError, match="make it anew"):
        pull(1.0)


def test_given_functions_are_differentiable_and_nest():
    fast = jit(make_vjp(vector))
    plain = make_vjp(vector)
    for i in range(6):
        pull, _ = fast(X + i)
        wanted, _ = plain(X + i)
        agree(jacobian(pull)(V), jacobian(wanted)(V))
        agree(grad(lambda x: np.sum(fast(x)[0](V)))(X), grad(lambda x: np.sum(plain(x)[0](V)))(X))
        agree(jit(lambda x: fast(x)[0](V))(X), plain(X)[0](V))
    outer = jit(lambda x, v: fast(x)[0](v))
    for i in range(6):
        agree(outer(X + i, V), plain(X + i)[0](V))
    assert outer.programs


def test_functions_that_keep_something_are_not_replayed():
    def counting(x):
        calls = []

        def inner(v):
            calls.append(1)
            return x * v * len(calls)

        return inner

    fast = jit(counting)
    with pytest.warns(ProgramWarning, match="it returns a function"):
        for _ in range(4):
            inner = fast(X)
            agree([inner(2.0), inner(2.0)], [X * 2.0, X * 4.0])


@pytest.mark.parametrize("make", [make_jvp, make_vjp, make_hvp])
def test_what_a_given_function_changes_is_not_lost(make):
    def counting():
        seen = []

        def f(x):
            seen.append(len(seen))
            return np.sum(x**2) * len(seen)

        return f, seen

    (f, seen), (g, also_seen) = counting(), counting()
    fast, plain = jit(make(f)), make(g)

    def call(made):
        made = made[0] if isinstance(made, tuple) else made
        return made(1.0 if make is make_vjp else V)

    with pytest.warns(ProgramWarning, match="seen"):
        for _ in range(8):
            agree(call(fast(X)), call(plain(X)))
            assert seen == also_seen


OPERATORS = {
    "grad": (grad, scalar, ()),
    "value_and_grad": (value_and_grad, scalar, ()),
    "elementwise_grad": (elementwise_grad, vector, ()),
    "jacobian": (jacobian, vector, ()),
    "hessian": (hessian, scalar, ()),
    "deriv": (deriv, vector, ()),
    "aux": (grad_and_aux, lambda x: (scalar(x), {"twice": 2 * x}), ()),
    "third": (lambda f: jacobian(hessian(f)), scalar, ()),
    "second": (lambda f: jacobian(grad(f)), scalar, ()),
    "product": (hessian_vector_product, scalar, (V,)),
    "vector_product": (vector_jacobian_product, vector, (V,)),
    "both": (lambda f: grad(f, (0, 1)), two, (V,)),
    "named": (lambda f: grad(f, "y"), two, (V,)),
    "with_aux": (lambda f: grad(f, has_aux=True), lambda x: (scalar(x), x * 3), ()),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_of_a_jitted_function_replay(name):
    op, fun, more = OPERATORS[name]
    fast = jit(fun)
    for i in range(8):
        agree(op(fast)(X + i, *more), op(fun)(X + i, *more))
    assert op(fast).programs and not fast.programs
    assert min(runs_of(fun, lambda: op(fast)(X, *more)) for _ in range(3)) == 0
    assert type(op(fast)) is type(op(fun)) and op(fast).__name__.startswith(op(fun).__name__[:4])


def test_operators_of_a_jitted_function_are_never_stale():
    scale = 2.0
    fast = jit(lambda x: np.sum(x**2) * scale)
    for new in (2.0, 3.0, 3.0, 3.0, 4.0, 2.0):
        scale = new
        for i in range(4):
            agree(grad(fast)(X + i), 2 * (X + i) * scale)
            agree(hessian(fast)(X + i), 2 * scale * onp.eye(3), 1e-9)
    with strict_zero():
        agree(grad(fast)(X), 2 * X * scale)
    assert grad(fast).programs
    grad(fast).clear()
    assert not grad(fast).programs


def test_operators_of_operators_beside_other_levels():
    fast = jit(lambda x: np.sin(x) * x)
    plain = fast.__wrapped__
    third, wanted = grad(grad(grad(fast))), grad(grad(grad(plain)))
    for i in range(8):
        agree(third(0.3 + i), wanted(0.3 + i))
        agree(grad(lambda x: grad(fast)(x) * x)(0.3), grad(lambda x: grad(plain)(x) * x)(0.3))
        agree(jit(grad(lambda x: grad(fast)(x)))(0.3), grad(grad(plain))(0.3))
    assert third.programs


def test_options_that_tell_nothing_apart_leave_an_operator_as_it_is():
    fast = jit(two)
    for i in range(5):
        agree(grad(fast, [0, 1])(X + i, V), grad(two, [0, 1])(X + i, V))
    assert not hasattr(grad(fast, [0, 1]), "programs")
    assert not hasattr(grad(two), "programs")


def test_the_check_goes_with_the_operator():
    always = jit(scalar, check="always")
    for i in range(6):
        agree(grad(always)(X + i), grad(scalar)(X + i))
    assert runs_of(scalar, lambda: grad(always)(X)) == 1
