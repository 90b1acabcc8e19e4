"""What NumPy's ufuncs have as attributes: `add.reduce`, `multiply.outer`, `sin.types`."""

from __future__ import annotations

import functools
import math
import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .._impl.namespaces import attach_ufunc
from .mathematics.scans import kept_shape
from .registry import (
    Array,
    Primitive,
    as_value,
    at,
    by_function,
    cast,
    helper,
    ops,
    reduced_axes,
    refuse,
    with_own_errors,
)

# ufunc -> the operation that reduces (accumulates) by it along axes.
REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}
ACCUMULATIONS = {"add": "cumsum", "multiply": "cumprod"}

Method = Callable[..., Array]


def _folded(primitive: Primitive, a: Array, axis: int, keep: bool) -> list[Array]:
    """Combine the slices along axis from the first to the last; keep: return each stage."""
    stages = [a[at(axis, 0)]]
    for i in range(1, a.shape[axis]):
        stages.append(primitive(stages[-1], a[at(axis, i)]))
        if not keep:
            del stages[0]
    return stages


def _belonging(name: str, value: Any, found: Any) -> Any:
    """Return NumPy's value, unless what combines the slices one after another is another one.

    NumPy's inner loops for some instruction sets (power and arctan2 under AVX-512) combine the
    first slice with the last alone. The derivative belongs to what the function is documented to
    be, so that is then the value as well.
    """
    kind = np.asarray(value).dtype
    tolerance = np.sqrt(np.finfo(kind).eps) if kind.kind in "fc" else 0.0
    with np.errstate(all="ignore"):
        if np.allclose(value, found, rtol=tolerance, atol=0.0, equal_nan=True):
            return value
    warnings.warn(
        f"numpy.{name} does not combine all of the values here (a fault of NumPy's inner loop on "
        "this machine); fastad returns what it is documented to return, and its derivative",
        RuntimeWarning,
        stacklevel=4,
    )
    return np.asarray(found).astype(kind)[()]


def _reduce(primitive: Primitive, function: np.ufunc) -> Method:
    name = function.__name__

    def folded(a: Array, axis: Any, keepdims: bool, **more: Any) -> Array:
        axes = reduced_axes(axis, a.ndim)
        lead = tuple(n for i, n in enumerate(a.shape) if i not in axes)
        initial = more.get("initial", function.identity)
        length = math.prod(a.shape[i] for i in axes)
        rows = ops.reshape(ops.moveaxis(a, axes, tuple(range(-len(axes), 0))), (*lead, length))
        # An identity changes nothing but a single value (hypot makes it positive) or none.
        if initial is not None and ("initial" in more or rows.shape[-1] < 2):
            first = ops.broadcast_to(as_value(initial), (*lead, 1))
            rows = ops.concatenate([cast(first, rows.dtype), rows], -1)
        result = _folded(primitive, rows, len(lead), False)[0]
        kept = kept_shape(a.shape, axes)
        return ops.reshape(result, kept if keepdims else lead)

    def value(a: Any, axis: Any, keepdims: bool, **more: Any) -> Any:
        found = function.reduce(a, axis=axis, keepdims=keepdims, **more)
        return _belonging(f"{name}.reduce", found, folded(np.asarray(a), axis, keepdims, **more))

    value.__name__ = f"{name}.reduce"
    node = helper(value, folded)

    def reduce(
        array: Array,
        /,
        axis: Any = 0,
        dtype: Any = None,
        out: None = None,
        keepdims: bool = False,
        **more: Any,
    ) -> Array:
        refuse(f"{name}.reduce", out=out)
        a = as_value(array)
        if dtype is not None:
            more["dtype"] = dtype
        if name in REDUCTIONS and (dtype is None or name in ("add", "multiply")):
            return getattr(ops, REDUCTIONS[name])(a, axis=axis, keepdims=keepdims, **more)
        refuse(f"{name}.reduce", dtype=dtype, where=more.pop("where", None))
        return node(a, axis, keepdims, **more)

    return reduce


def _accumulate(primitive: Primitive, function: np.ufunc) -> Method:
    name = function.__name__

    def folded(a: Array, axis: int) -> Array:
        if not a.shape[axis]:
            return a
        return ops.stack(_folded(primitive, a, axis, True), axis)

    def value(a: Any, axis: int) -> Any:
        found = function.accumulate(a, axis)
        return _belonging(f"{name}.accumulate", found, folded(np.asarray(a), axis))

    value.__name__ = f"{name}.accumulate"
    node = helper(value, folded)

    def accumulate(array: Array, /, axis: Any = 0, dtype: Any = None, out: None = None) -> Array:
        refuse(f"{name}.accumulate", out=out)
        a = as_value(array)
        (axis,) = reduced_axes(axis, a.ndim)
        if name in ACCUMULATIONS:
            return getattr(ops, ACCUMULATIONS[name])(a, axis=axis, dtype=dtype)
        refuse(f"{name}.accumulate", dtype=dtype)
        return node(a, axis)

    return accumulate


def _reduceat(primitive: Any, function: np.ufunc) -> Method:
    name = function.__name__

    def folded(a: Array, starts: list[int], axis: int) -> Array:
        parts = []
        for start, stop in zip(starts, [*starts[1:], a.shape[axis]], strict=True):
            if start >= stop - 1:
                parts.append(a[at(axis, start)])
                continue
            part = a[at(axis, slice(start, stop))]
            if name in REDUCTIONS:
                parts.append(getattr(ops, REDUCTIONS[name])(part, axis=axis))
            else:
                parts.append(_folded(primitive, part, axis, False)[0])
        return ops.stack(parts, axis) if parts else a[at(axis, slice(0))]

    def value(a: Any, starts: list[int], axis: int) -> Any:
        found = function.reduceat(a, np.asarray(starts, np.intp), axis)
        return _belonging(f"{name}.reduceat", found, folded(np.asarray(a), starts, axis))

    value.__name__ = f"{name}.reduceat"
    node = helper(value, folded)

    def reduceat(
        array: Array, indices: Any, /, axis: Any = 0, dtype: Any = None, out: None = None
    ) -> Array:
        refuse(f"{name}.reduceat", out=out, dtype=dtype)
        a = as_value(array)
        (axis,) = reduced_axes(axis, a.ndim)
        return node(a, [operator.index(i) for i in as_value(indices)], axis)

    return reduceat


def _outer(primitive: Primitive, function: np.ufunc) -> Method:
    def outer(a: Array, b: Array, /, **unsupported: Any) -> Array:
        refuse("outer of a ufunc", **unsupported)
        a, b = as_value(a), as_value(b)
        return primitive(ops.reshape(a, a.shape + (1,) * b.ndim), b)

    return outer


def _at(primitive: Primitive, function: np.ufunc) -> Method:
    def refusal(*args: Any, **kwargs: Any) -> Array:
        raise TypeError(
            f"numpy.{function.__name__}.at cannot take a traced argument in fastad: it writes into "
            "its first argument; add up with numpy.bincount or a matrix product, or use numpy.where"
        )

    return refusal


METHODS = {
    "reduce": _reduce,
    "accumulate": _accumulate,
    "reduceat": _reduceat,
    "outer": _outer,
    "at": _at,
}


def attach() -> None:
    """Give each ufunc's primitive the ufunc's attributes and methods; those without rule refuse."""
    for function, primitive in list(by_function.items()):
        if not isinstance(function, np.ufunc):
            continue
        attach_ufunc(primitive, function, functools.partial(_traced, primitive, function))


def _traced(primitive: Primitive, function: np.ufunc, method: str) -> Method | None:
    binary = function.nin == 2 and function.nout == 1 and function.signature is None
    if not binary and method != "at":
        return None
    return with_own_errors(METHODS[method](primitive, function), getattr(function, method))


attach()
