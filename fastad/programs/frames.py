"""What frames and series of pandas hold: the arrays of their blocks, compared like others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as onp

from .places import Unwatchable

__all__ = ["arrays_of", "is_frame", "parts_of"]

# Where arrays of pandas' own keep their values: those of NumPy's, and Arrow's, which do not change.
_ARRAYS = ("_ndarray", "_data", "_mask")
_ARROW = "_pa_array"
_ELEMENTS = (str, int, float, bool, type(None))
MAX_ELEMENTS = 10_000  # of an array of objects


def is_frame(value: Any) -> bool:
    """True for a frame or series of pandas, not of a class that is made from theirs."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and type(value) in (pandas.DataFrame, pandas.Series)


def parts_of(frame: Any) -> tuple[Any, ...]:
    """What is another object once columns, their order, labels or types are others.

    Labels do not change in place.
    """
    manager = frame._mgr
    parts: list[Any] = [manager, manager.blocks, *manager.axes, vars(frame).get("_name")]
    for block in manager.blocks:
        values = block.values
        parts.append(values)
        if isinstance(values, onp.ndarray):
            if values.dtype.hasobject:
                parts += _elements_of(values)
        elif hasattr(values, _ARROW):
            parts.append(getattr(values, _ARROW))
        else:
            parts.append(values.dtype)
            for array in _inner(values):
                parts += _elements_of(array) if array.dtype.hasobject else [array]
    return tuple(parts)


def arrays_of(frame: Any) -> Iterator[onp.ndarray]:
    """The arrays of numbers in it, whose contents are to be compared.

    Raises
    ------
    Unwatchable
        If a column holds what cannot be compared.
    """
    for block in frame._mgr.blocks:
        values = block.values
        inner = [values] if isinstance(values, onp.ndarray) else _inner(values)
        if not inner and not hasattr(values, _ARROW):
            raise Unwatchable(f"it has a column of type {type(values).__name__}")
        for array in inner:
            if not array.dtype.hasobject:
                yield array
            elif array.size > MAX_ELEMENTS or not all(map(_is_constant, array.flat)):
                raise Unwatchable("it has a column of objects")


def _inner(values: Any) -> list[onp.ndarray]:
    found = (getattr(values, name, None) for name in _ARRAYS)
    return [array for array in found if isinstance(array, onp.ndarray)]


def _elements_of(array: onp.ndarray) -> list[Any]:
    return list(array.flat)


def _is_constant(element: Any) -> bool:
    # A missing value is a float that is no number, or one of pandas' own marks.
    return type(element) in _ELEMENTS or type(element).__name__ in ("NAType", "NaTType")
