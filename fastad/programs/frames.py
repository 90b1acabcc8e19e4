"""What frames and series of pandas hold: the arrays of their blocks, compared like others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as onp

from .places import Unwatchable

__all__ = ["accessors", "arrays_of", "is_frame", "of_pandas", "options", "parts_of"]

# Where arrays of pandas' own keep their values: those of NumPy's, and Arrow's, which do not change.
_ARRAYS = ("_ndarray", "_data", "_mask")
_ARROW = "_pa_array"
_ELEMENTS = (str, int, float, bool, type(None))
MAX_ELEMENTS = 10_000  # of an array of objects


def of_pandas(value: Any) -> bool:
    """True for a class or function of pandas."""
    module = getattr(value, "__module__", None)
    return isinstance(module, str) and module.partition(".")[0] == "pandas"


def options() -> Any:
    """What `pandas.set_option` sets: dicts in dicts."""
    return getattr(sys.modules.get("pandas._config.config"), "_global_config", {})


def accessors() -> Iterator[tuple[str, Any]]:
    """Attributes that others have given pandas' classes, and the classes that make these."""
    pandas = sys.modules["pandas"]
    for cls in (pandas.DataFrame, pandas.Series, pandas.Index):
        for name in cls._accessors:
            made_by = getattr(vars(cls).get(name), "_accessor", None)
            if made_by is not None and not of_pandas(made_by):
                yield name, made_by


def is_frame(value: Any) -> bool:
    """True for a frame or series of pandas, not of a class that is made from theirs."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and type(value) in (pandas.DataFrame, pandas.Series)


def parts_of(frame: Any) -> tuple[Any, ...]:
    """What is another object once columns, their order, labels or types are others.

    Labels are not set in place, but their names are.
    """
    manager = frame._mgr
    parts: list[Any] = [manager, manager.blocks, *manager.axes, vars(frame).get("_name")]
    parts.append(getattr(vars(frame).get("_flags"), "_allows_duplicate_labels", None))
    for axis in manager.axes:
        own = vars(axis)
        parts.extend(own.get("_names", ()))  # of several levels
        parts += [own.get("_name"), own.get("_freq"), _frequency(own.get("_data"))]
    for block in manager.blocks:
        values = block.values
        parts.append(values)
        if isinstance(values, onp.ndarray):
            if values.dtype.hasobject:
                parts += _elements_of(values)
        elif hasattr(values, _ARROW):
            parts.append(getattr(values, _ARROW))
        else:
            parts += [values.dtype, _frequency(values)]
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
    # Labels may lie in memory that a user has too.
    for axis in frame._mgr.axes:
        values = vars(axis).get("_data")
        inner = [values] if isinstance(values, onp.ndarray) else _inner(values)
        yield from (array for array in inner if not array.dtype.hasobject)


def _inner(values: Any) -> list[onp.ndarray]:
    found = (getattr(values, name, None) for name in _ARRAYS)
    return [array for array in found if isinstance(array, onp.ndarray)]


def _frequency(values: Any) -> Any:
    return getattr(values, "_freq", None)  # of dates


def _elements_of(array: onp.ndarray) -> list[Any]:
    return list(array.flat)


def _is_constant(element: Any) -> bool:
    # A missing value is a float that is no number, or one of pandas' own marks.
    return type(element) in _ELEMENTS or type(element).__name__ in ("NAType", "NaTType")
