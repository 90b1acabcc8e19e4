"""Leaves, which are numbers, arrays and traced values: shape, dtype, zeros, what conforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as onp

from ... import numpy as anp
from ..._core import isbox, plain_type
from .containers import is_differentiable
from .vector_spaces import VSpace, vspace

__all__ = [
    "conform",
    "dtype_of",
    "has_boxes",
    "has_space",
    "ones_like",
    "shape_of",
    "vector_dtype",
    "zeros_like",
]


def shape_of(value: Any) -> tuple[int, ...]:
    """Shape of a number, an array or a traced value."""
    return getattr(value, "shape", ())


def dtype_of(value: Any) -> onp.dtype[Any] | None:
    """dtype of a number, an array or a traced value; None if it is none of these."""
    dtype = getattr(value, "dtype", None)
    if dtype is not None:
        return dtype
    if isinstance(value, (bool, int, float, complex)):
        return onp.asarray(value).dtype
    return None


def vector_dtype(value: Any) -> onp.dtype[Any]:
    """dtype of a value's tangents and cotangents: float64 for integers."""
    dtype = dtype_of(value)
    return dtype if dtype is not None and dtype.kind not in "biu" else onp.dtype(float)


def zeros_like(value: Any) -> Any:
    """The zero tangent of a leaf: a NumPy scalar or an array, what a user's type has, or None."""
    dtype = dtype_of(value)
    if dtype is None:
        return vspace(value).zeros() if has_space(value) else None
    if isinstance(value, onp.ndarray) or shape_of(value):
        return onp.zeros(shape_of(value), vector_dtype(value))
    return vector_dtype(value).type(0)


def has_space(value: Any) -> bool:
    """True for values of a type that the user gave a vector space."""
    return plain_type(value) in VSpace.mappings


def ones_like(value: Any) -> Any:
    """A cotangent of ones for a number or an array."""
    if dtype_of(value) is None and has_space(value):
        return vspace(value).ones()
    if isinstance(value, onp.ndarray) or shape_of(value):
        return onp.ones(shape_of(value), vector_dtype(value))
    return vector_dtype(value).type(1)


def conform(vector: Any, value: Any, what: str, owner: str = "value") -> Any:
    """A tangent or cotangent given by the user, checked against the value that it belongs to.

    Integers become floats; a single number serves for every entry.
    """
    if dtype_of(value) is None and has_space(value):
        return vector  # only its own space knows what belongs there
    if isinstance(vector, (list, tuple)):
        vector = anp.array(vector)
    if not is_differentiable(vector):
        array = onp.asarray(vector)
        if array.dtype.kind not in "biu":
            raise TypeError(
                f"{what} must be a number or an array, "
                f"not {vector!r} of type {type(vector).__name__}"
            )
        vector = array.astype(float)[()]
    shape, wanted = shape_of(vector), shape_of(value)
    if shape == wanted:
        return vector
    if onp.prod(shape, dtype=int) == 1:
        if onp.prod(wanted, dtype=int) == 1:
            return anp.reshape(vector, wanted)
        return anp.broadcast_to(anp.reshape(vector, ()), wanted)
    raise ValueError(
        f"{what} has shape {shape}, but the {owner} has shape {wanted}; pass one of the same shape"
    )


def has_boxes(values: Sequence[Any]) -> bool:
    """True if some value is traced at a level below."""
    return any(isbox(value) for value in values)
