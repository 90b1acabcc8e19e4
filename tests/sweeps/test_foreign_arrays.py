"""Foreign arrays in every operation of the table: right, or refused with a text that says so.

Masked arrays and matrices are answered where their meaning is clear (tests/test_masked.py). Other
subclasses of ndarray with `__array_ufunc__` or `__mul__` of their own compute other values than the
table's; subclasses without do not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as onp
import pandas as pd
import pytest
from calls_scipy import CALLS, EVERY, every_case
from cases import Case, is_leaf, vjp

from fastad import _core
from fastad.numpy.masked import TracedMaskedArray

pytestmark = pytest.mark.filterwarnings("ignore")


class Doubling(onp.ndarray):
    """Answers ufuncs, as units and other packages' arrays do: twice their value."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        plain = [onp.asarray(x) if isinstance(x, Doubling) else x for x in inputs]
        return getattr(ufunc, method)(*plain, **kwargs) * 2.0


class Multiplying(onp.ndarray):
    """Has an operator of its own."""

    def __mul__(self, other: Any) -> Any:
        return super().__mul__(other) * 3.0


class Wrapping(onp.ndarray):
    """Changes every result of NumPy's."""

    def __array_wrap__(self, *args: Any) -> Any:
        return onp.asarray(args[0]) * 2.0


class Named(onp.ndarray):
    """Carries something, as the documentation of NumPy has it; computes as ndarray does."""

    __array_priority__ = 15.0

    def __array_finalize__(self, other: Any) -> None:
        self.info = getattr(other, "info", None)


def masked(x: Any) -> Any:
    mask = onp.zeros(x.shape, bool)
    mask.reshape(-1)[:1] = True
    return onp.ma.array(x, mask=mask)


FOREIGN = {
    "masked": masked,
    "matrix": onp.asmatrix,
    "ufunc": lambda x: x.view(Doubling),
    "operator": lambda x: x.view(Multiplying),
    "wrap": lambda x: x.view(Wrapping),
}
PLAIN = {
    "attributes": lambda x: x.view(Named),
    "recarray": lambda x: x.view(onp.recarray),
    "memmap": lambda x: x.view(onp.memmap),
}


def with_constants(case: Case, make: Any) -> Any:
    """(function of one box, its point) for each choice of a traced leaf and an array beside it."""
    leaves = case.leaves
    for traced, leaf in enumerate(leaves):
        for other, beside in enumerate(leaves):
            if other == traced or not isinstance(beside, onp.ndarray) or beside.ndim > 2:
                continue

            def function(x: Any, traced: int = traced, other: int = other) -> Any:
                given = list(leaves)
                given[traced], given[other] = x, make(leaves[other])
                return case.fastad(*given)

            yield function, leaf
    for name, value in case.kwargs.items():
        if isinstance(value, onp.ndarray) and leaves:

            def function(x: Any, name: str = name, value: Any = value) -> Any:
                changed = replace(case, kwargs={**case.kwargs, name: make(value)})
                return changed.fastad(x, *leaves[1:])

            yield function, leaves[0]


def outcome(function: Any, x: Any) -> Any:
    """Values and cotangents, or the error."""
    try:
        with _core.Tape() as tape:
            outs = function(tape.box(x))
            values = [_core.getval(out) for out in outs]
        with onp.errstate(all="ignore"):
            seeds = [onp.ones_like(onp.asarray(value, dtype=float))[()] for value in values]
            return values, vjp(function, [x], seeds)
    except (TypeError, ValueError, NotImplementedError) as error:
        return error


ANSWERED_FOR = ("masked", "matrix")


def unmasked(function: Any) -> Any:
    """The same function with zeros for what is masked in its results."""

    def plain(out: Any) -> Any:
        if isinstance(out, TracedMaskedArray):
            return out.filled(0.0)
        return onp.ma.filled(out, 0.0) if isinstance(out, onp.ma.MaskedArray) else out

    return lambda x: [plain(out) for out in function(x)]


def is_refusal(error: Any) -> bool:
    """Whether an error says that the class, or this function of it, has no derivative."""
    text = str(error)
    return isinstance(error, TypeError) and (
        "arithmetic of its own" in text or "has no rule in fastad" in text
    )


def same_function(case: Case, function: Any, x: Any, found: Any) -> None:
    """The class answers as it does beside plain values, with its error, or value and derivative."""
    try:
        plain = [onp.asarray(value) for value in function(x)]
    except Exception as error:
        plain = error
    if isinstance(found, Exception):
        assert type(found) is type(plain), (str(case), found, plain)
        return
    assert not isinstance(plain, Exception), (str(case), plain)
    for value, wanted in zip(found[0], plain):
        # numpy.matrix leaves out axes of length one of what has three.
        value, wanted = onp.squeeze(onp.asarray(value)), onp.squeeze(wanted)
        assert value.shape == wanted.shape, str(case)
        onp.testing.assert_allclose(value, wanted, rtol=1e-10, atol=1e-12, err_msg=str(case))
    step = 1e-6
    moved = outcome(function, x + step)[0]
    slope = sum(onp.sum(a - b) for a, b in zip(moved, found[0])) / step
    onp.testing.assert_allclose(
        onp.sum(found[1][0]).real, onp.real(slope), rtol=1e-3, atol=1e-3, err_msg=str(case)
    )


def table(x: Any) -> Any:
    return (pd.Series if x.ndim == 1 else pd.DataFrame)(x) if x.ndim in (1, 2) else x


# A frame before a traced matrix answers itself, with numbers of traced values; SciPy's own function
# does not take a series.
ANSWERED = ("matmul", "signal.coherence")


@pytest.mark.parametrize("name", [name for name in EVERY if name not in ANSWERED])
def test_tables_are_their_values(name):
    for case in sample(name):
        pairs = zip(with_constants(case, table), with_constants(case, lambda x: x))
        for (function, x), (plain, _) in pairs:
            expected, found = outcome(plain, x), outcome(function, x)
            if isinstance(expected, Exception):
                continue
            assert not isinstance(found, Exception), (str(case), found)
            for a, b in zip([*found[0], *found[1]], [*expected[0], *expected[1]]):
                assert not isinstance(a, (pd.Series, pd.DataFrame)), str(case)
                onp.testing.assert_allclose(onp.asarray(a), onp.asarray(b), rtol=1e-10)


def sample(name: str) -> list[Case]:
    return [case for case in every_case(name) if case.leaves][:4]


@pytest.mark.parametrize("name", EVERY)
def test_constants(name):
    for case in sample(name):
        for kind, make in FOREIGN.items():
            for function, x in with_constants(case, make):
                found = outcome(unmasked(function) if kind == "masked" else function, x)
                if kind in ANSWERED_FOR and not is_refusal(found):
                    same_function(case, unmasked(function), x, found)
                    continue
                # SciPy's own functions take most of these for plain arrays.
                if (kind == "ufunc" or name in CALLS) and not is_refusal(found):
                    same_function(case, function, x, found)
                    continue
                assert is_refusal(found), (str(case), kind, found)
        for kind, make in PLAIN.items():
            pairs = zip(with_constants(case, make), with_constants(case, lambda x: x))
            for (function, x), (plain, _) in pairs:
                found, expected = outcome(function, x), outcome(plain, x)
                if isinstance(expected, Exception):
                    continue
                assert not isinstance(found, Exception), (str(case), kind, found)
                for a, b in zip([*found[0], *found[1]], [*expected[0], *expected[1]]):
                    # A subclass takes the general way, whose last bit differs from the kernels'.
                    rtol = 1e-12 if name in CALLS else 1e-15
                    onp.testing.assert_allclose(onp.asarray(a), onp.asarray(b), rtol=rtol)


@pytest.mark.parametrize("name", EVERY)
def test_arguments(name):
    for case in sample(name):
        leaves = case.leaves
        for place, leaf in enumerate(leaves):
            if not is_leaf(leaf) or not isinstance(leaf, onp.ndarray) or leaf.ndim > 2:
                continue

            def function(x: Any, place: int = place) -> Any:
                return case.fastad(*leaves[:place], x, *leaves[place + 1 :])

            for make in FOREIGN.values():
                for level in (_core.Tape(), _core.Forward()):
                    with level, pytest.raises(TypeError, match="arithmetic of its own"):
                        foreign = make(leaf)
                        function(
                            level.box(foreign)
                            if isinstance(level, _core.Tape)
                            else level.box(foreign, onp.asarray(foreign))
                        )
            expected = outcome(function, leaf)
            for kind, make in PLAIN.items():
                found = outcome(function, make(leaf.copy()))
                if isinstance(expected, Exception):
                    continue
                assert not isinstance(found, Exception), (str(case), kind, found)
                for a, b in zip([*found[0], *found[1]], [*expected[0], *expected[1]]):
                    # A subclass takes the general way, whose last bit differs from the kernels'.
                    rtol = 1e-12 if name in CALLS else 1e-15
                    onp.testing.assert_allclose(onp.asarray(a), onp.asarray(b), rtol=rtol)
