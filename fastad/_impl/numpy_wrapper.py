"""Helpers around the numpy namespace, as autograd's programs have them."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any

import numpy as _np

from .._core import Primitive, isbox, meta
from .._core import notrace_primitive as _notrace_primitive
from .._core import primitive as _primitive
from ..numpy.manipulation.shaping import embed_diagonal
from ..numpy.registry import Array, ops, primitive_of, stand_in, table
from .loading import module_of

numpy_version = _np.__version__
notrace_functions = [_np.ndim, _np.shape, _np.iscomplexobj, _np.result_type]

# The recorded operation under each of these names of autograd's.
_primitive_mean = table["mean"]
_primitive_std = table["std"]
_primitive_var = table["var"]


def wrap_intdtype(cls: Any) -> Any:
    """The integer type itself: it converts traced values, with derivative zero."""
    return cls


def wrap_namespace(old: Mapping[str, Any], new: dict[str, Any]) -> None:
    """Put every function of a namespace into another one, as a primitive.

    Functions that fastad has an operation for become that operation; others become primitives
    without rules, for `defvjp` to add. Numbers, `None` and classes are taken over as they are;
    other objects are left out. One object under several names stays one object.
    """
    made: dict[int, Any] = {}
    for name, value in list(old.items()):
        if isinstance(value, types.ModuleType):
            continue
        if isinstance(value, type) or type(value) in (float, int, type(None)):
            new[name] = value
            continue
        if not callable(value):
            continue
        if id(value) not in made:
            if isinstance(value, Primitive):
                made[id(value)] = value
            elif value in notrace_functions:
                made[id(value)] = _notrace_primitive(value)
            else:
                made[id(value)] = primitive_of(value) or _primitive(value)
        new[name] = made[id(value)]


def concatenate_args(axis: int, *args: Array) -> Array:
    """Join arrays along an axis: `concatenate` with the arrays as arguments."""
    return ops.concatenate(args, axis)


def array_from_args(array_args: Any, array_kwargs: Mapping[str, Any], *args: Array) -> Array:
    """Make an array of the arguments: `array` with the items as arguments."""
    return ops.array(list(args), *array_args, **array_kwargs)


def _array_from_scalar_or_array(
    array_args: Any, array_kwargs: Mapping[str, Any], scalar: Array
) -> Array:
    return ops.array(scalar, *array_args, **array_kwargs)


def wrap_if_boxes_inside(raw_array: Any, slow_op_name: str | None = None) -> Array:
    """An array of objects that holds traced values, as a traced array; others unchanged."""
    if isbox(raw_array) or raw_array.dtype != _np.dtype("O"):
        return raw_array
    return ops.reshape(ops.array(list(raw_array.ravel())), raw_array.shape)


def make_diagonal(D: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """Make matrices whose diagonals are the last axis of an array: what `diagonal` takes apart.

    Parameters
    ----------
    D : array_like
        Diagonals along the last axis.
    offset : int
        Which diagonal: above the main one if positive.
    axis1, axis2 : int
        Where the two axes of the matrices stand in the result.
    """
    D = D if isbox(D) else _np.asarray(D)
    side = D.shape[-1] + abs(offset)
    ndim = D.ndim + 1
    first, second = axis1 % ndim, axis2 % ndim
    if first == second:
        raise ValueError("make_diagonal: axis1 and axis2 cannot be the same")
    shape = [int(n) for n in D.shape[:-1]]
    for axis in sorted((first, second)):
        shape.insert(axis, side)
    return embed_diagonal(D, tuple(shape), offset, first, second)


def metadata(A: Any) -> tuple[tuple[int, ...], int, Any, bool]:
    """Shape, number of axes, dtype and whether it is complex."""
    shape, dtype, _ = meta(A)
    return shape, len(shape), dtype, dtype.kind == "c"


def parse_einsum_input(*args: Any) -> Any:
    """Subscripts of the operands, of the result, and the operands, as NumPy reads them."""
    home = "numpy._core" if hasattr(_np, "_core") else "numpy.core"
    parse = module_of(f"{home}.einsumfunc")._parse_einsum_input
    return parse([stand_in(arg) for arg in args])


def _astype(A: Array, dtype: Any, *args: Any, **kwargs: Any) -> Array:
    return A.astype(dtype, *args, **kwargs)
