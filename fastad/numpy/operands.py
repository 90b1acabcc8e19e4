"""Operators between traced values and the arrays of other libraries: frames, sparse matrices."""

from __future__ import annotations

import operator
import sys
from typing import Any

import numpy as np

from .._core import ArrayBox, Box, foreign_error
from .._impl.loading import module_of
from .registry import ops

__all__ = ["answered_for", "foreign_call", "foreign_operator", "plain_operand"]

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
    if _is_masked(type(other)):
        return module_of("fastad.numpy.masked_functions").operate(getattr(np, name), left, right)
    if isinstance(other, np.matrix):
        return _matrix_operator(name, left, right)
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


def answered_for(type_: type) -> bool:
    """Whether `foreign_operator` and `foreign_call` take values of this type."""
    return issubclass(type_, np.matrix) or _is_masked(type_) or _is_sparse_type(type_)


def foreign_call(primitive: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Answer a function of NumPy's that is given such a value beside a traced one.

    Raises
    ------
    TypeError
        If nothing is known of this function.
    """
    function = primitive.fun
    for place, other in (*enumerate(args), *kwargs.items()):
        if isinstance(other, Box) or not answered_for(type(other)):
            continue
        what = f"{primitive.__name__}: argument {place}"
        if _is_masked(type(other)):
            answer = module_of("fastad.numpy.masked_functions").call(
                primitive, function, args, kwargs
            )
        elif kwargs or len(args) != 2:
            answer = NotImplemented
        elif isinstance(other, np.matrix):
            is_known = function is np.dot or (isinstance(function, np.ufunc) and function.nout == 1)
            answer = _of_matrix(primitive, *args) if is_known else NotImplemented
        elif primitive.__name__ in ("dot", "matmul", "multiply", "add", "subtract", "divide"):
            name = primitive.__name__
            answer = foreign_operator("matmul" if name == "dot" else name, *args)
        else:
            answer = NotImplemented
        if answer is NotImplemented:
            raise foreign_error(type(other), what)
        return answer
    return NotImplemented


def _of_matrix(primitive: Any, left: Any, right: Any) -> Any:
    """A function of two arguments, of which one is a `numpy.matrix`.

    What NumPy makes a matrix of is a traced array of two axes.
    """
    result = primitive(*(np.asarray(x) if isinstance(x, np.matrix) else x for x in (left, right)))
    return result if np.ndim(result) > 1 else ops.reshape(result, (1, -1))


def _matrix_operator(name: str, left: Any, right: Any) -> Any:
    """An operator beside a `numpy.matrix`, whose product is the matrix product."""
    if name == "power" and isinstance(left, np.matrix):
        raise foreign_error(np.matrix, "power: an operand beside a traced value")
    if name == "multiply" and np.ndim(left) and np.ndim(right):
        name = "dot"
        if np.ndim(right) == 1:  # it is made a matrix, which is a row
            right = ops.reshape(right, (1, -1))
    return _of_matrix(getattr(ops, name), left, right)


def _is_masked(type_: type) -> bool:
    module = sys.modules.get("numpy.ma")
    return module is not None and issubclass(type_, module.MaskedArray)


def _is_sparse_type(type_: type) -> bool:
    return hasattr(type_, "tocsr") and any(
        base.__module__.startswith("scipy.sparse") for base in type_.__mro__
    )


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
