"""Operators between traced values and the arrays of other libraries: frames, sparse matrices."""

from __future__ import annotations

import operator
import sys
from typing import Any

import numpy as np

from .._core import ArrayBox, Box
from .._impl.loading import module_of
from .registry import ops

__all__ = ["foreign_operator", "plain_operand"]

# For each ufunc: the operator, and the other operand's method when it stands on the right.
OPERATORS = {
    "add": (operator.add, "__radd__"),
    "subtract": (operator.sub, "__rsub__"),
    "multiply": (operator.mul, "__rmul__"),
    "divide": (operator.truediv, "__rtruediv__"),
    "floor_divide": (operator.floordiv, "__rfloordiv__"),
    "remainder": (operator.mod, "__rmod__"),
    "power": (operator.pow, "__rpow__"),
    "matmul": (operator.matmul, "__rmatmul__"),
    "less": (operator.lt, "__gt__"),
    "less_equal": (operator.le, "__ge__"),
    "greater": (operator.gt, "__lt__"),
    "greater_equal": (operator.ge, "__le__"),
    "equal": (operator.eq, "__eq__"),
    "not_equal": (operator.ne, "__ne__"),
}


def plain_operand(x: Any) -> Any:
    """The values of a frame, a series or an index; None for what does not rank below our arrays.

    pandas hands an operator to the operand whose `__pandas_priority__` is higher.
    """
    rank = getattr(type(x), "__pandas_priority__", None)
    if isinstance(x, Box) or rank is None or not rank < ArrayBox.__pandas_priority__:
        return None
    return _values(x)


def _values(x: Any) -> Any:
    """The numbers of what converts to an array of them; None for everything else."""
    if not hasattr(type(x), "__array__"):
        return None
    values = np.asarray(x)
    if values.dtype.kind == "O":  # columns of several types, or nullable ones
        if any(isinstance(value, Box) for value in values.flat):
            return ops.array(values.tolist())
        try:
            values = values.astype(float)
        except (TypeError, ValueError):
            return None
    return values if values.dtype.kind in "biufc" else None


def foreign_operator(name: str, left: Any, right: Any) -> Any:
    """Answer `left op right` where one is traced and the other is no array of NumPy's.

    One that answers ufuncs is asked as an array of NumPy's would ask it; then its own operator,
    where an array would leave the operation to it. Whoever has declined, or ranks below, is its
    values.

    Returns
    -------
    object
        NotImplemented if nothing is known of the other operand.
    """
    apply, reflected = OPERATORS[name]
    other = right if isinstance(left, Box) else left
    if _is_sparse(other):
        return module_of("fastad.scipy.sparse").operate(name, left, right)
    values = plain_operand(other)
    if values is None:
        if not hasattr(type(other), "__array__"):
            return NotImplemented
        own = getattr(type(other), "__array_ufunc__", _declines)
        if own is None:
            return NotImplemented
        own_operator = getattr(type(other), reflected, _declines)
        ways = [lambda: own(other, getattr(np, name), "__call__", left, right)]
        if other is right and _is_asked(type(other)):
            ways.append(lambda: own_operator(other, left))
        for way in ways:
            try:
                answer = way()
            except TypeError:
                if not _is_of_polars(other):  # which says so of what it does not know
                    raise
                continue
            if answer is not NotImplemented:
                return answer
        values = _values(other)
        if values is None:
            return NotImplemented
    return apply(left, values) if other is right else apply(values, right)


def _is_of_polars(x: Any) -> bool:
    return type(x).__module__.partition(".")[0] == "polars"


def _declines(*_: Any) -> Any:
    return NotImplemented


def _is_asked(type_: type) -> bool:
    """Whether an array of NumPy's leaves an operator to this class (NEP 13)."""
    if hasattr(type_, "__array_ufunc__"):
        return True
    rank = getattr(type_, "__array_priority__", 0.0)
    return not isinstance(rank, int | float) or rank > 0.0


def _is_sparse(x: Any) -> bool:
    module = sys.modules.get("scipy.sparse")
    return module is not None and module.issparse(x)
