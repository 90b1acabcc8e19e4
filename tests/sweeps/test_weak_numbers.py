"""Python's numbers decide no dtype (NEP 50), traced or not, alone or in products of numbers.

Every pairing of an array with an expression of Python numbers, under every binary operation: value,
first and second derivatives have NumPy's dtypes. And numbers in place of the arrays of every
call of every operation, beside arrays of less precision: value, type and dtype are NumPy's.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as onp
import pytest
from cases import DIFFERENTIABLE, Case, cases_of

import fastad.numpy as np
from fastad import _core, grad, make_jvp, make_vjp

NEP_50 = onp.lib.NumpyVersion(onp.__version__) >= "2.0.0"
pytestmark = pytest.mark.skipif(not NEP_50, reason="NumPy 1 looks at the numbers' values")

# Expressions of a number t, which Python computes without NumPy.
NUMBERS: dict[str, Callable[[Any], Any]] = {
    "t": lambda t: t,
    "-t": lambda t: -t,
    "+t": lambda t: +t,
    "abs(t)": lambda t: abs(t),
    "2 * t": lambda t: 2 * t,
    "t + 1.5": lambda t: t + 1.5,
    "t / 3": lambda t: t / 3,
    "t ** 2": lambda t: t**2,
    "2.0 ** t": lambda t: 2.0**t,
    "t * t": lambda t: t * t,
    "t // 2 + t": lambda t: t // 2 + t,
    "t % 2": lambda t: t % 2,
    "True * t": lambda t: True * t,
    "1j * t": lambda t: 1j * t,
    "t * 1j": lambda t: t * 1j,
    "t + 1j": lambda t: t + 1j,
    "1j - t": lambda t: 1j - t,
    "1j / t": lambda t: 1j / t,
    "t / (1 + 2j)": lambda t: t / (1 + 2j),
    "1j * t + t": lambda t: 1j * t + t,
    "2 * (1j * t)": lambda t: 2 * (1j * t),
    "-(1j * t)": lambda t: -(1j * t),
    "(1j * t) * (1j * t)": lambda t: (1j * t) * (1j * t),
    "(1j * t) ** 2": lambda t: (1j * t) ** 2,
    "(1j * t).real": lambda t: (1j * t).real,
    "(1j * t).imag": lambda t: (1j * t).imag,
    "(1j * t).conjugate()": lambda t: (1j * t).conjugate(),
    "abs(1j * t)": lambda t: abs(1j * t),
    "t.real": lambda t: t.real,
    "t.imag": lambda t: t.imag,
    "t.conjugate()": lambda t: t.conjugate(),
}
POINTS = {"float": 0.7, "int": 2, "complex": 0.7 + 0.2j}
OPERATIONS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "+": lambda n, x, y: x + y,
    "-": lambda n, x, y: x - y,
    "*": lambda n, x, y: x * y,
    "/": lambda n, x, y: x / y,
    "**": lambda n, x, y: x**y,
    "//": lambda n, x, y: x // y,
    "%": lambda n, x, y: x % y,
    "maximum": lambda n, x, y: n.maximum(x, y),
    "add": lambda n, x, y: n.add(x, y),
    "power": lambda n, x, y: n.power(x, y),
    "hypot": lambda n, x, y: n.hypot(x, y),
    "arctan2": lambda n, x, y: n.arctan2(x, y),
    "where": lambda n, x, y: n.where(onp.array([True, False, True]), x, y),
    "clip": lambda n, x, y: n.clip(x, y, 5),
}
DTYPES = ("float16", "float32", "float64", "complex64", "longdouble")


def arrays() -> list[Any]:
    made: list[Any] = [onp.array([0.4, 1.1, 2.3]).astype(dtype) for dtype in DTYPES]
    single = onp.float32(1.1)
    return [*made, single, onp.array(single)]


def text(value: Any) -> str:
    return f"{type(value).__name__} {getattr(value, 'dtype', '')}{onp.shape(value)}"


def attempt(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except (TypeError, ZeroDivisionError, ValueError) as error:
        return error


def check(name: str, f: Callable[[Any, Any, Any], Any], x: Any, t: Any) -> str:
    """Values and derivatives of f(numpy, x, t) by x and t."""
    right = attempt(lambda: f(onp, x, t))
    if isinstance(right, Exception) or onp.asarray(right).dtype.kind not in "fc":
        return ""
    for argnum in (0, 1, (0, 1)):

        def g(*given: Any, argnum: Any = argnum) -> Any:
            args = dict(zip(argnum if isinstance(argnum, tuple) else (argnum,), given))
            return f(np, args.get(0, x), args.get(1, t))

        if argnum == 1 and isinstance(t, int):
            continue
        where = [x, t] if argnum == (0, 1) else [[x, t][argnum]]
        if any(isinstance(one, int) for one in where):
            continue
        got = attempt(lambda: levels(g, where))
        if isinstance(got, (NotImplementedError, TypeError)) and name in ("//", "%"):
            continue
        if isinstance(got, Exception):
            return f"by {argnum} raises {got!r}"
        value, cotangents, tangent, second = got
        if onp.asarray(value).dtype != onp.asarray(right).dtype:
            return f"by {argnum} the value is {text(value)}, NumPy's {text(right)}"
        if not onp.allclose(value, right, rtol=1e-3, equal_nan=True):
            return f"by {argnum} the value is {value}, NumPy's {right}"
        if onp.asarray(tangent).dtype != onp.asarray(right).dtype:
            return f"by {argnum} the tangent is {text(tangent)} of a value {text(right)}"
        for order, found in ((1, cotangents), (2, second)):
            for one, leaf in zip(found, where):
                if onp.asarray(one).dtype != onp.asarray(leaf).dtype or onp.shape(one) != onp.shape(
                    leaf
                ):
                    return f"by {argnum} order {order} is {text(one)} of {text(leaf)}"
    return ""


def levels(g: Callable[..., Any], where: list[Any]) -> Any:
    argnums = tuple(range(len(where)))
    vjp, value = make_vjp(g, argnums)(*where)
    seed = onp.ones_like(value)
    cotangents = vjp(seed)
    tangent = make_jvp(g, argnums)(*where)(tuple(onp.ones_like(one)[()] for one in where))[1]

    def along(*args: Any) -> Any:
        found = make_vjp(g, argnums)(*args)[0](seed)
        return sum(np.sum(np.real(one)) for one in found)

    second = make_vjp(along, argnums)(*where)[0](1.0)
    return value, cotangents, tangent, second


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_numbers_beside_arrays(name: str, point: str) -> None:
    wrong = []
    operation, t = OPERATIONS[name], POINTS[point]
    with warnings.catch_warnings(), onp.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for expression, number in NUMBERS.items():
            if isinstance(attempt(lambda: number(t)), Exception):
                continue
            for x in arrays():
                for swapped in (False, True):

                    def f(n: Any, x: Any, t: Any) -> Any:
                        pair = (number(t), x) if swapped else (x, number(t))
                        return operation(n, *pair)

                    found = check(name, f, x, t)
                    if found:
                        wrong.append(
                            f"{text(x)} {name} {expression}{' swapped' * swapped}: {found}"
                        )
    assert not wrong, f"{len(wrong)}: " + "\n".join(wrong[:12])


@pytest.mark.parametrize("size", [1, 255, 256, 257, 1000, 3000, 5000])
@pytest.mark.parametrize("dtype", [onp.float64, onp.float32])
def test_the_rule_reads_a_number_as_an_array_of_it(size: int, dtype: Any) -> None:
    """A number beside an array is spread over a block of it, an array is read where it lies."""
    rng = onp.random.default_rng(5)
    x, weights = (rng.uniform(0.5, 1.5, size).astype(dtype) for _ in range(2))
    number, array = 0.7, onp.full(size, 0.7, dtype)
    for operation in (
        np.multiply,
        np.divide,
        np.power,
        np.arctan2,
        np.maximum,
        np.hypot,
        lambda a, b: np.divide(b, a),
        lambda a, b: np.subtract(b, a) * a,
        lambda a, b: (a * b) * weights + a * b,
    ):
        own = grad(lambda x: np.sum(operation(x, number) * weights))(x)
        other = grad(lambda x: np.sum(operation(x, array) * weights))(x)
        assert own.dtype == dtype
        onp.testing.assert_array_equal(own, other)


PLACES = 4  # more than that many leaves are tuples of matrices


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_numbers_in_the_calls_of_an_operation(name):
    for case in cases_of(name):
        for place in range(len(case.leaves) * (len(case.leaves) <= PLACES)):
            for kind in ("f4", "f2", "c8"):
                for number in (0.7, 0.5j, onp.float64(0.7)):
                    leaves = [
                        onp.asarray(x).astype("c8" if onp.iscomplexobj(x) else kind)
                        for x in case.leaves
                    ]
                    leaves[place] = number
                    check_call(case, leaves)


def check_call(case: Case, leaves: list[Any]) -> None:
    with onp.errstate(all="ignore"):
        try:
            expected = case.numpy(*leaves)
        except Exception:
            return
        for traced in range(1, 2 ** len(leaves)):
            with _core.Tape() as tape:
                given = [tape.box(x) if traced >> k & 1 else x for k, x in enumerate(leaves)]
                try:
                    found = [_core.getval(one) for one in case.fastad(*given)]
                except TypeError as error:
                    assert "fastad" in str(error), (case, leaves, error)
                    continue
                for a, b in zip(found, expected, strict=True):
                    if isinstance(b, (onp.ndarray, onp.generic)):
                        assert (type(a), a.dtype) == (type(b), b.dtype), (case, leaves, traced)
                        assert onp.array_equal(a, b, equal_nan=b.dtype.kind in "fc"), (case, leaves)
