"""What NumPy's ufuncs have as attributes: `add.reduce`, `multiply.outer`, `sin.types`."""

from __future__ import annotations

import functools
import math
import operator
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .._core import ArrayBox, ScanRule, Tape, scan_vjp
from .._impl.namespaces import attach_ufunc
from .mathematics.nan_functions import REDUCED
from .mathematics.scans import cumprod_along, cumsum_along, kept_shape, recurrence_adjoint
from .registry import (
    REAL,
    Array,
    Primitive,
    as_value,
    at,
    cast,
    defvjp,
    flag,
    helper,
    ops,
    reduced_axes,
    refuse,
    shape_of,
    with_own_errors,
)

# ufunc -> the operation that reduces (accumulates) by it along axes.
REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}
ACCUMULATIONS = {"add": cumsum_along, "multiply": cumprod_along}

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


def _combines_all(function: np.ufunc, method: str, dtype: Any) -> bool:
    """Tell whether NumPy's loops for a type combine all slices: some lengths and layouts are tried.

    Where one does not, or cannot take numbers around one, each result is looked at.
    """
    reduces = method == "reduce"
    for length in (2, 3, 4, 5, 8, 9, 16, 17, 33, 70):
        numbers = 1.0 + np.sin(np.arange(6.0 * length)) / 2
        wide = numbers.reshape(length, 6)
        for x, axis in (
            (numbers[:length], 0),
            (numbers[::6], 0),
            (wide, 0),
            (wide[:, :1], 0),
            (wide.T.copy(), 1),
            (wide.T, 1),
        ):
            x = x.astype(dtype)
            lines = np.moveaxis(x, axis, 0)
            stages = [lines[0]]
            try:
                with np.errstate(all="ignore"):
                    for line in lines[1:]:
                        stages.append(function(stages[-1], line))
                    found = getattr(function, method)(x, axis)
            except Exception:
                return False
            expected = stages[-1] if reduces else np.moveaxis(np.array(stages), 0, axis)
            tolerance = np.sqrt(np.finfo(dtype).eps)
            if not np.allclose(found, expected, rtol=tolerance, atol=tolerance, equal_nan=True):
                return False
    return True


class _Soundness(dict[Any, bool]):
    """Of each type of array, whether a ufunc's method combines all slices of it."""

    def __init__(self, function: np.ufunc, method: str) -> None:
        self.function, self.method = function, method

    def __missing__(self, dtype: Any) -> bool:
        known = dtype in REAL and _combines_all(self.function, self.method, dtype)
        self[dtype] = known
        return known


# Slices from the first one to the last.
WHOLE = np.zeros(1, np.intp)


def _partials(primitive: Primitive, stages: Array, a: Array, axis: int) -> Any:
    """Return the derivatives of each stage by the one before it and by its slice.

    Those of the first are 0 and 1.
    """
    before, slices = stages[at(axis, slice(None, -1))], a[at(axis, slice(1, None))]
    with Tape() as tape:
        boxes = [tape.box(before), tape.box(slices)]
        out = primitive(*boxes)
        tape.stop()
        found = tape.sweep([out], [np.ones(slices.shape)], boxes)
    result = []
    for first, one in zip((0.0, 1.0), found, strict=True):
        whole = np.zeros(a.shape)
        whole[at(axis, 0)] = first
        if one is not None:
            whole[at(axis, slice(1, None))] = one
        result.append(whole)
    return result


def _reduce(primitive: Primitive, function: np.ufunc) -> Method:
    name = function.__name__
    combined: Any = function.reduce

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

    sound = _Soundness(function, "reduce")
    stage = function.accumulate
    stages_are_sound = _Soundness(function, "accumulate")

    def value(a: Any, axis: Any, keepdims: bool, **more: Any) -> Any:
        found = combined(a, axis, None, None, keepdims, **more)  # keywords cost more
        if sound[getattr(a, "dtype", None)]:
            return found
        return _belonging(f"{name}.reduce", found, folded(np.asarray(a), axis, keepdims, **more))

    def slow(g: Array, ans: Array, a: Array, along: int) -> Array:
        if not stages_are_sound[a.dtype]:
            return _swept(lambda a: _folded(primitive, a, along, False)[0], a, g)
        last, kept = np.zeros(a.shape), kept_shape(a.shape, (along,))
        last[at(along, -1)] = 1.0
        found = _partials(primitive, stage(a, along), a, along)
        return ops.reshape(g, kept) * (recurrence_adjoint(found[0], last, along) * found[1])

    def vjp(ans: Array, a: Array, axis: Any, keepdims: bool, **more: Any) -> Any:
        if type(axis) is not int or more or shape_of(a)[axis] < 2:
            return NotImplemented
        return scan_vjp(primitive, ans, a, WHOLE, axis, False, slow)

    value.__name__ = f"{name}.reduce"
    node = helper(value, folded)
    defvjp(node, vjp, argnums=(0,))

    def reduce(
        array: Array,
        /,
        axis: Any = 0,
        dtype: Any = None,
        out: None = None,
        keepdims: bool = False,
        **more: Any,
    ) -> Array:
        a = as_value(array)
        if out is not None:
            refuse(f"{name}.reduce", out=out)
        if dtype is not None:
            more["dtype"] = dtype
        if name in REDUCTIONS and (dtype is None or name in ("add", "multiply")):
            return getattr(ops, REDUCTIONS[name])(a, axis=axis, keepdims=keepdims, **more)
        if name in REDUCED and not more and a.dtype.kind == "f":
            return REDUCED[name](a, reduced_axes(axis, a.ndim), flag(keepdims))
        if type(axis) is not int or not 0 <= axis < a.ndim:
            axes = reduced_axes(axis, a.ndim)
            axis = axes[0] if len(axes) == 1 else axes
        if not more:
            return node(a, axis, keepdims)
        refuse(f"{name}.reduce", dtype=dtype, where=more.pop("where", None))
        return node(a, axis, keepdims, **more)

    return reduce


def _accumulate(primitive: Primitive, function: np.ufunc) -> Method:
    name = function.__name__

    def folded(a: Array, axis: int) -> Array:
        if not a.shape[axis]:
            return a
        return ops.stack(_folded(primitive, a, axis, True), axis)

    sound = _Soundness(function, "accumulate")
    combined = function.accumulate

    def value(a: Any, axis: int) -> Any:
        found = combined(a, axis)
        if sound[getattr(a, "dtype", None)]:
            return found
        return _belonging(f"{name}.accumulate", found, folded(np.asarray(a), axis))

    def slow(g: Array, ans: Array, a: Array, axis: int) -> Array:
        if not a.shape[axis]:
            return g
        found = _partials(primitive, ans, a, axis)
        return recurrence_adjoint(found[0], g, axis) * found[1]

    value.__name__ = f"{name}.accumulate"
    node = helper(value, folded)
    defvjp(node, ScanRule(primitive, slow), argnums=(0,))

    scan = ACCUMULATIONS.get(name)

    def accumulate(array: Array, /, axis: Any = 0, dtype: Any = None, out: None = None) -> Array:
        a = array if type(array) is ArrayBox else as_value(array)
        if out is not None:
            refuse(f"{name}.accumulate", out=out)
        if type(axis) is not int or not 0 <= axis < a.ndim:
            (axis,) = reduced_axes(axis, a.ndim)
        if scan is not None:
            return scan(a, axis, dtype)
        if dtype is not None:
            refuse(f"{name}.accumulate", dtype=dtype)
        return node(a, axis)

    return accumulate


def _swept(function: Callable[[Array], Array], a: Array, g: Array) -> Array:
    """The cotangent of a, for that of a function of it."""
    with Tape() as tape:
        box = tape.box(a)
        out = function(box)
        tape.stop()
        return tape.sweep([out], [g], [box])[0]


def _places(indices: Any) -> Any:
    """Where slices start, as an array of our own."""
    found = np.array(indices) if type(indices) in (list, tuple, np.ndarray) else None
    if found is None or found.dtype != np.intp or found.ndim != 1:
        found = np.array([operator.index(i) for i in as_value(indices)], np.intp)
    return found


def _reduceat(primitive: Any, function: np.ufunc) -> Method:
    name, combined = function.__name__, function.reduceat
    reduces = REDUCTIONS.get(name)

    def folded(a: Array, starts: Any, axis: int) -> Array:
        parts, first = [], starts.tolist()
        for start, stop in zip(first, [*first[1:], a.shape[axis]]):
            if start >= stop - 1:
                parts.append(a[at(axis, start)])
                continue
            part = a[at(axis, slice(start, stop))]
            if reduces is not None:
                parts.append(getattr(ops, reduces)(part, axis=axis))
            else:
                parts.append(_folded(primitive, part, axis, False)[0])
        return ops.stack(parts, axis) if parts else a[at(axis, slice(0))]

    sound = _Soundness(function, "reduce")  # the same loops

    def value(a: Any, starts: Any, axis: int) -> Any:
        found = combined(a, starts, axis)
        if sound[getattr(a, "dtype", None)]:
            return found
        return _belonging(f"{name}.reduceat", found, folded(np.asarray(a), starts, axis))

    def vjp(ans: Array, a: Array, starts: Any, axis: int) -> Any:
        def slow(g: Array, ans: Array, a: Array, axis: int) -> Array:
            return _swept(lambda a: folded(a, starts, axis), a, g)

        return scan_vjp(primitive, ans, a, starts, axis, reduces in ("max", "min"), slow)

    value.__name__ = f"{name}.reduceat"
    node = helper(value, folded)
    defvjp(node, vjp, argnums=(0,))

    def reduceat(
        array: Array, indices: Any, /, axis: Any = 0, dtype: Any = None, out: None = None
    ) -> Array:
        if out is not None or dtype is not None:
            refuse(f"{name}.reduceat", out=out, dtype=dtype)
        a = as_value(array)
        if type(axis) is not int or not 0 <= axis < a.ndim:
            (axis,) = reduced_axes(axis, a.ndim)
        return node(a, _places(indices), axis)

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


_attaching = threading.RLock()
_attached: set[Any] = set()


def attach(primitive: Any) -> None:
    """Give a ufunc's primitive the ufunc's attributes and methods; those without rule refuse."""
    with _attaching:
        if primitive not in _attached:
            function = primitive.fun
            attach_ufunc(primitive, function, functools.partial(_traced, primitive, function))
            _attached.add(primitive)


def _traced(primitive: Primitive, function: np.ufunc, method: str) -> Method | None:
    binary = function.nin == 2 and function.nout == 1 and function.signature is None
    if not binary and method != "at":
        return None
    return with_own_errors(METHODS[method](primitive, function), getattr(function, method))
