"""Operators like += with a plain array on the left and a traced value on the right.

`array += traced` cannot write into the array. NumPy hands back what the ufunc returns, and Python
binds the name, attribute or item to it: the program goes on with a traced array, as in
`array = array + traced`. Other names of the array keep what it was, hence a warning where there are
any.
"""

from __future__ import annotations

import dis
import sys
import warnings
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any

import numpy as np

from .registry import Array, cast, shape_of

IN_PLACE = range(13, 26)  # of BINARY_OP's operators; a subscript (CPython 3.14) comes after them


def is_operator(frame: FrameType | None) -> bool:
    """Tell whether a frame is at an in-place operator, not at a call."""
    if frame is None or frame.f_lasti < 0:
        return False
    code = frame.f_code.co_code
    name = dis.opname[code[frame.f_lasti]]
    if name == "BINARY_OP":
        return code[frame.f_lasti + 1] in IN_PLACE
    return name.startswith("INPLACE_")


def borrows(frame: FrameType | None) -> bool:
    """Tell whether the operator works on a local variable whose reference it has only borrowed.

    CPython 3.14 borrows where it sees that the variable outlives the operator.
    """
    if frame is None or sys.version_info < (3, 14):
        return False
    return _borrows(frame.f_code, frame.f_lasti)


@lru_cache(maxsize=512)
def _borrows(code: CodeType, offset: int) -> bool:
    steps = list(dis.get_instructions(code))
    here = next(i for i, step in enumerate(steps) if step.offset == offset)
    if here + 1 == len(steps) or steps[here + 1].opname != "STORE_FAST":
        return False
    name, found = steps[here + 1].argval, False
    for step in reversed(steps[:here]):
        if step.opname.startswith("STORE") or step.opname == "POP_TOP":  # the statement before
            break
        names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
        if "LOAD_FAST" in step.opname and name in names:
            if "BORROW" not in step.opname:
                return False
            found = True
        if step.is_jump_target or "JUMP" in step.opname:
            break
    return found


class _Counting:
    """How many references there are to an array that one name or item leads to, as we see it."""

    def __init__(self) -> None:
        self.usual: tuple[int, int] | None = None  # held by the operator too, and borrowed by it
        self.busy = False
        self.seen = 0

    def among(self, traced: Any, found: int, frame: FrameType | None) -> int:
        """References beside those of one name and of the call itself."""
        if self.usual is None:
            self.busy = True
            try:
                local = np.zeros(())
                local += traced
                name = self.seen
                item = {0: np.zeros(())}
                item[0] += traced
                self.usual = (max(name, self.seen), name)
            finally:
                self.busy = False
        return found - self.usual[borrows(frame)]


counting = _Counting()


def rebound(ufunc: Any, array: Any, result: Array, references: int) -> Array:
    """The traced result of an in-place operator on a plain array, of the array's dtype and shape.

    Parameters
    ----------
    ufunc : numpy.ufunc
    array : ndarray
        The left operand, which stays as it is.
    result : Array
        What the operation gives.
    references : int
        How many references there are to the array beside those of one name and of this call.
    """
    if shape_of(result) != array.shape:
        raise ValueError(
            f"non-broadcastable output operand with shape {array.shape} doesn't match the "
            f"broadcast shape {shape_of(result)}"
        )
    dtype = result.dtype
    if not np.can_cast(dtype, array.dtype, "same_kind"):
        raise TypeError(
            f"Cannot cast ufunc '{ufunc.__name__}' output from {dtype!r} to {array.dtype!r} with "
            "casting rule 'same_kind'"
        )
    if array.base is not None or references > 0:
        whole = "is a view of another array" if array.base is not None else "has other references"
        warnings.warn(
            f"an operator like += with a traced value gives a new, traced array; the plain array "
            f"{whole}, which keep the old values. Write x = x + y, and use the new x everywhere",
            UserWarning,
            stacklevel=3,
        )
    return cast(result, array.dtype)
