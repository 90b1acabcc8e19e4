"""Partial derivatives as formulas: ufuncs that a rule applies to each element, written down once.

A rule of an elementwise function is run on symbols, which note each ufunc that is applied to them.
What it asks of all elements ("is any below zero?") is noted as a condition, under which the formula
holds; it is run again with the other answer. The core then runs the ufuncs' loops by themselves. A
rule that does anything else with a symbol has no formula there, and is called as it is.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

__all__ = ["Symbol", "formulas"]

MOST_RUNS = 16  # of one rule, each with other answers
MOST_STEPS = 64
MOST_OPERANDS = 4
KEPT = {"axis": None, "keepdims": True}  # of a sum or maximum along the operation's axes

# A step: its kind, the ufunc or None, the place of the loop in it, operands and what is expected.
# An operand is a place (0, 1, ... the arguments, then the result, then the steps) or a number.
Step = tuple[str, Any, int, tuple[Any, ...], bool]
Formula = tuple[tuple[Step, ...], Any]


class _Unknown(Exception):
    """A rule did with a symbol what no formula says."""


class _Notes:
    """One run of a rule, with the first answers given."""

    def __init__(self, dtype: Any, answers: tuple[bool, ...], along: bool) -> None:
        self.dtype = np.dtype(dtype)
        self.along = along
        self.given = answers
        self.answers: list[bool] = []
        self.steps: list[Step] = []
        self.first = 0

    def ask(self, kind: str, mask: Symbol) -> bool:
        """What is answered first: no element is out of the ordinary."""
        if mask.dtype != bool:
            raise _Unknown
        turn = len(self.answers)
        answer = self.given[turn] if turn < len(self.given) else kind == "all"
        self.answers.append(answer)
        self.step(kind, None, 0, (self.operand(mask),), answer, mask.dtype)
        return answer

    def step(
        self, kind: str, ufunc: Any, loop: int, operands: Any, expected: bool, dtype: Any
    ) -> Symbol:
        if len(self.steps) == MOST_STEPS:
            raise _Unknown
        self.steps.append((kind, ufunc, loop, tuple(operands), expected))
        return Symbol(self, self.first + len(self.steps) - 1, dtype)

    def operand(self, x: Any) -> Any:
        if isinstance(x, Symbol):
            if x.notes is not self:
                raise _Unknown
            return x.place
        plain = isinstance(x, (int, float)) and not isinstance(x, bool)
        # A NumPy scalar decides the dtype of what it meets.
        if not plain or (isinstance(x, np.generic) and x.dtype != self.dtype) or float(x) != x:
            raise _Unknown
        return float(x)

    def apply(self, ufunc: np.ufunc, inputs: tuple[Any, ...]) -> Symbol:
        if ufunc.nout != 1 or ufunc.signature is not None or len(inputs) != ufunc.nin:
            raise _Unknown
        if len(inputs) > MOST_OPERANDS:
            raise _Unknown
        operands = [self.operand(x) for x in inputs]
        types = [x.dtype.char if isinstance(x, Symbol) else self.dtype.char for x in inputs]
        beginning = "".join(types) + "->"
        for loop, signature in enumerate(ufunc.types):
            if signature.startswith(beginning):
                result = np.dtype(signature[len(beginning) :])
                if result not in (self.dtype, np.dtype(bool)):
                    raise _Unknown
                return self.step("loop", ufunc, loop, operands, False, result)
        if not any(isinstance(x, Symbol) and x.dtype == bool for x in inputs):
            raise _Unknown
        return self.apply(ufunc, tuple([self.number(x) for x in inputs]))

    def reduce(self, kind: str, ufunc: np.ufunc, x: Symbol) -> Symbol:
        """One number of each line of an array along axes, which are not said here."""
        if not self.along or x.dtype != self.dtype:
            raise _Unknown
        loop = ufunc.types.index(f"{2 * self.dtype.char}->{self.dtype.char}")
        return self.step(kind, ufunc, loop, (self.operand(x),), False, self.dtype)

    def number(self, x: Any) -> Any:
        """A mask as ones and zeros, which it is beside floats."""
        mask = isinstance(x, Symbol) and x.dtype == bool
        return self.select(x, 1.0, 0.0) if mask else x

    def select(self, mask: Any, yes: Any, no: Any) -> Symbol:
        chosen = self.operand(mask)
        if not isinstance(mask, Symbol) or mask.dtype != bool:
            raise _Unknown
        for one in (yes, no):
            if isinstance(one, Symbol) and one.dtype != self.dtype:
                raise _Unknown
        operands = (chosen, self.operand(yes), self.operand(no))
        return self.step("select", None, 0, operands, False, self.dtype)


class _Count:
    """How many elements a mask holds at, which is only asked whether it is none or all."""

    def __init__(self, mask: Symbol) -> None:
        self.mask = mask

    def __bool__(self) -> bool:
        return self.mask.notes.ask("any", self.mask)

    def __eq__(self, other: object) -> bool:
        if other is not _SIZE:
            raise _Unknown
        return self.mask.notes.ask("all", self.mask)

    __hash__ = None  # type: ignore[assignment]


_SIZE = object()


class Symbol(NDArrayOperatorsMixin):
    """What stands for an array in a formula: of any shape, and of a known dtype."""

    def __init__(self, notes: _Notes, place: int, dtype: Any) -> None:
        self.notes = notes
        self.place = place
        self.dtype = np.dtype(dtype)

    @property
    def real(self) -> Symbol:
        return self

    def astype(self, dtype: Any) -> Symbol:
        if np.dtype(dtype) == self.dtype:
            return self
        if np.dtype(dtype) != self.notes.dtype:
            raise _Unknown
        return self.notes.number(self)

    # An array of SciPy's own that is changed in place is one that nobody else sees.
    def __iadd__(self, other: Any) -> Any:
        return self + other

    def __isub__(self, other: Any) -> Any:
        return self - other

    def __imul__(self, other: Any) -> Any:
        return self * other

    def __itruediv__(self, other: Any) -> Any:
        return self / other

    def any(self) -> bool:
        return bool(_Count(self))

    def all(self) -> bool:
        return _Count(self) == _SIZE

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options:
            raise _Unknown
        return self.notes.apply(ufunc, inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function not in _FUNCTIONS or (options and options != KEPT):
            raise _Unknown
        return _FUNCTIONS[function](*args, **options)

    def __pow__(self, exponent: Any) -> Any:
        # As ndarray's operator does.
        powers: dict[Any, Any] = {
            2: np.square, 1: np.positive, 0.5: np.sqrt, -1: np.reciprocal,
        }  # fmt: skip
        special = None if isinstance(exponent, Symbol) else powers.get(exponent)
        return np.power(self, exponent) if special is None else special(self)

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise _Unknown

    def __bool__(self) -> bool:
        raise _Unknown

    def __iter__(self) -> Any:
        raise _Unknown

    __float__ = __int__ = __index__ = __complex__ = __len__ = __bool__


def _everywhere(value: float) -> Callable[[Symbol], float]:
    def constant(x: Symbol) -> float:
        if x.dtype == bool:
            raise _Unknown
        return value

    return constant


_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.ones_like: _everywhere(1.0),
    np.zeros_like: _everywhere(0.0),
    np.sum: lambda x, axis, keepdims: _notes_of(x).reduce("sum", np.add, x),
    np.max: lambda x, axis, keepdims: _notes_of(x).reduce("largest", np.maximum, x),
    np.round: lambda x: np.rint(x),
    np.clip: lambda x, low, high: np.minimum(np.maximum(x, low), high),
    np.count_nonzero: _Count,
    np.size: lambda x: _SIZE,
    np.any: Symbol.any,
    np.all: Symbol.all,
    np.real: lambda x: x.real,
    np.isneginf: lambda x: x == -np.inf,
    np.isposinf: lambda x: x == np.inf,
    np.where: lambda mask, yes, no: _notes_of(mask, yes, no).select(mask, yes, no),
}


def _notes_of(*values: Any) -> _Notes:
    return next(x.notes for x in values if isinstance(x, Symbol))


def formulas(
    partial: Callable[..., Any], count: int, dtype: Any, along: bool = False
) -> tuple[tuple[Formula, ...], bool]:
    """Return the formulas of a partial derivative, of which the first whose conditions hold counts.

    And whether they are all there is: where they are not, the rule is called for some values, and
    may read of these what no formula does.

    Parameters
    ----------
    partial : callable
        `partial(ans, *args)`.
    count : int
        The number of its arguments, each an array of the result's shape and dtype, or a number.
    dtype : dtype
        float64 or float32.
    along : bool
        Whether it is the cotangent of an operation along axes of an array instead:
        `partial(ans, g, x)`, which may sum over these, and keep them.
    """
    found: list[Formula] = []
    waiting: list[tuple[bool, ...]] = [()]
    complete = True
    for _ in range(MOST_RUNS):
        if not waiting:
            break
        notes = _Notes(dtype, waiting.pop(0), along)
        notes.first = count + 2 if along else count + 1
        values = [Symbol(notes, place, dtype) for place in range(notes.first)]
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("error")  # of what a symbol is, which concerns nobody
                result = partial(*values[count:], *values[:count])
            if isinstance(result, Symbol) and result.dtype != notes.dtype:
                raise _Unknown
            found.append((tuple(notes.steps), notes.operand(result)))
        except Exception:  # whatever the rule made of a symbol; called on arrays, it says so itself
            complete = False
        for turn in range(len(notes.given), len(notes.answers)):
            waiting.append((*notes.answers[:turn], not notes.answers[turn]))
    return tuple(found), complete and not waiting
