"""`jit` where values decide: branches, values that leave, exceptions, what is not finite."""

import math
import warnings

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import (
    grad,
    jit,
    value_and_grad,
)
from fastad.programs.report import ProgramWarning

from .agreement import agree, taylor_sine


def test_loops_whose_length_depends_on_values():
    fast = jit(value_and_grad(taylor_sine), check="off")
    for _ in range(3):
        for x in (0.1, 0.5, 1.0, 2.0, 3.0, -1.0):
            agree(fast(x), value_and_grad(taylor_sine)(x))
    assert 1 < len(fast.programs) <= 32


def test_too_many_paths_end_in_eager_calls_and_one_warning():
    def f(x):
        i = 0
        while x > 1:
            x = x / 1.01
            i += 1
        return x + i

    fast = jit(f)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for i in range(200):
            x = 1.5 + i * 0.05
            assert fast(x) == pytest.approx(f(x))
    said = [w for w in caught if issubclass(w.category, ProgramWarning)]
    assert len(said) == 1
    assert "ways" in str(said[0].message) and "test_jit_values.py" in str(said[0].message)
    assert not fast.programs


def test_too_many_kinds_of_arguments():
    fast = jit(lambda x, text: x * len(text))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for n in range(100):
            assert fast(2.0, n * "a") == 2.0 * n
    assert len(caught) == 1 and "kinds of arguments" in str(caught[0].message)


@pytest.mark.parametrize(
    "fun, text",
    [
        (lambda x: x * math.fsum([x]), "float()"),
        (lambda x: x * len(f"{x}"), "format"),
        (lambda x: x if x not in {} else 1.0, "hash"),
        (lambda x: x * 2 if (lambda y: y)(type)(x) is float else x, "another way"),
        (lambda x: [print, x][1] if print("", end="") is None else x, "print"),
    ],
)
def test_values_that_leave_are_named_once(fun, text):
    fast = jit(fun)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for x in (0.5, 0.6, 0.7, 0.8, 0.9):
            assert fast(x) == fun(x)
    said = [str(w.message) for w in caught if issubclass(w.category, ProgramWarning)]
    assert len(said) == 1 and text in said[0] and "test_jit_values.py" in said[0]
    assert not fast.programs


def test_a_key_that_is_not_there_yet():
    table = {0.9: 5.0}
    fast = jit(lambda x: x * table.get(x, 3.0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for x in (0.5, 0.6, 0.7, 0.8, 0.9):
            assert fast(x) == x * table.get(x, 3.0)


def test_exceptions_are_those_of_the_function():
    def f(x):
        if x > 3:
            raise KeyError(x)
        return 1 / x

    fast = jit(f)
    for x in (1.0, 2.0, 2.5, 3.0):
        assert fast(x) == f(x)
    with pytest.raises(ZeroDivisionError):
        fast(0.0)
    with pytest.raises(KeyError):
        fast(4.0)
    assert fast(2.0) == 0.5


@pytest.mark.parametrize(
    "count",
    [
        lambda x: x[x > 0.5].shape[0],
        lambda x: x[x > 0.5, None].shape[0],
        lambda x: np.nonzero(x > 0.5)[0].shape[0],
        lambda x: np.unique(x).shape[0],
    ],
)
def test_shapes_that_depend_on_values_are_seen_where_nothing_else_is_read(count):
    def f(x):
        return np.sum(x) * count(x)

    x = onp.array([0.6, 0.7, 0.2, 0.3])
    for function in (f, grad(f)):
        again = jit(function, check="off")
        for i in range(6):
            again(x * (1.0 + 0.001 * i))
        assert again.programs
        for moved in (x + 0.25, x - 0.15, x * 0.0):
            onp.testing.assert_allclose(again(moved), function(moved), rtol=1e-14)


def test_an_operation_that_raises_leaves_the_programs_of_other_calls():
    def f(x):
        if x > 2.0:
            try:
                return np.linalg.cholesky(np.array([[x - 5.0, 0.1], [0.1, 2.0]]))[1, 1]
            except onp.linalg.LinAlgError:
                return x * 3.0
        return np.sin(x)

    again = jit(f)
    for i in range(6):
        again(1.0 + 0.01 * i)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i in range(100):
            x = 3.0 + 0.01 * i
            assert again(x) == f(x)
            assert again(6.0 + x) == f(6.0 + x)
    assert again.programs
    assert again(0.7) == f(0.7)


def test_errors_that_a_rule_catches():
    def f(a):
        return np.linalg.det(a) * 1.0

    fast = jit(value_and_grad(f), check="off")
    small = onp.array([[2.0, -0.4, -1.3], [0.3, 1.1, -0.7], [0.9, 0.2, 1.6]]) * 1e-200
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ProgramWarning)
        for a in (onp.eye(3), onp.eye(3), small, small, onp.zeros((3, 3)), onp.zeros((3, 3))):
            agree(fast(a), value_and_grad(f)(a))


def test_not_a_number_and_infinity():
    fast = jit(lambda x: np.log(x) * 2)
    for x in (1.0, 2.0, 3.0, 4.0):
        fast(x)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert fast(0.0) == -onp.inf
    with pytest.warns(RuntimeWarning, match="invalid"):
        assert onp.isnan(fast(-1.0))


@pytest.mark.parametrize("size", [None, 1, 7, 300])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_of_two_zeros_the_second_is_taken(size, dtype):
    """As NumPy does where its loops are those of x86; of others it takes either."""

    def both(x, y):
        return [np.maximum(x * 1.5, y), np.minimum(x * 1.5, y)]

    compiled = jit(both)
    for call in range(8):
        first, second = (0.0, -0.0) if call % 2 else (-0.0, 0.0)
        if size is None:
            x, y = float(first), float(second)
        else:
            x, y = (onp.full(size, zero, dtype) for zero in (first, second))
        results = compiled(x, y)
        for result in results if call > 2 else []:  # from here on of the program
            assert onp.all(result == 0.0)
            assert onp.all(onp.signbit(result) == onp.signbit(second))
    nan = compiled(x, y * onp.nan) + compiled(x * onp.nan, y)
    assert onp.all(onp.isnan(nan))
