"""What a function to differentiate returned."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from typing import Any

import numpy as onp

from ..._core import ReverseTrace, Selected, plain_type
from ..spaces.containers import tree_map
from ..spaces.leaves import dtype_of, shape_of
from ..transformed import get_name

__all__ = [
    "describe_output",
    "numeric_outputs",
    "op_name",
    "scalar_output",
    "trace_with_aux",
]


# ---- what a function must return


def op_name(fun: Any, default: str) -> str:
    return fun.op if isinstance(fun, Selected) else default


def describe_output(trace: ReverseTrace) -> str:
    if not trace.outputs.is_leaf:
        value = trace.value
        return "None" if value is None else f"a {type(value).__name__}"
    return describe(trace.values[0])


def describe(value: Any) -> str:
    """A value in words: "a real array of shape (3,)"."""
    dtype = dtype_of(value)
    known = (onp.ndarray, onp.generic, float, complex)
    if dtype is None or not issubclass(plain_type(value), known):
        return f"{' '.join(reprlib.repr(value).split())} of type {type(value).__name__}"
    kind = "complex" if dtype.kind == "c" else "real" if dtype.kind == "f" else str(dtype)
    shape = shape_of(value)
    article = "an" if kind[0] in "aeiou" else "a"
    return f"{article} {kind} " + (f"array of shape {shape}" if shape else f"scalar ({dtype})")


def scalar_output(trace: ReverseTrace, op: str, fun: Any, *, allow_complex: bool = False) -> Any:
    """The function's one number, or a TypeError that says what it returned and what to do."""
    name = get_name(fun)
    what = describe_output(trace)
    if not trace.outputs.is_leaf:
        remedy = (
            "return one real number"
            if trace.outputs.size == 0
            else "return one real number; with further results use has_aux=True, or take make_vjp"
        )
        raise TypeError(f"{op}: {name} returned {what}; {remedy}")
    value = trace.values[0]
    dtype = dtype_of(value)
    if (
        dtype is None
        or dtype.kind not in "fcbiuO"
        or not issubclass(plain_type(value), (onp.ndarray, onp.inexact, float, complex))
    ):
        from ..remedies import result_remedy

        remedy = result_remedy(value) or "return a float"
        if callable(value):
            remedy = "return what it gives: was a call forgotten?"
        raise TypeError(f"{op}: {name} returned {what}, which cannot be differentiated; {remedy}")
    if onp.prod(shape_of(value), dtype=int) != 1:
        raise TypeError(
            f"{op} only applies to real scalar-output functions: {name} returned {what}; "
            "use jacobian or elementwise_grad, or reduce the output, as by np.sum"
        )
    if dtype.kind == "c" and not allow_complex:
        raise TypeError(
            f"{op} only applies to real scalar-output functions: {name} returned {what}; "
            "use holomorphic_grad, or return a real number, as by np.real or np.abs"
        )
    return value


def numeric_outputs(trace: ReverseTrace, op: str, fun: Any) -> None:
    for value in trace.values:
        if type(value) is not onp.ndarray and dtype_of(value) is None:
            raise TypeError(
                f"{op}: {get_name(fun)} returned {value!r} of type {type(value).__name__}, "
                "which cannot be differentiated; return floats, arrays or containers of these"
            )


def trace_with_aux(fun: Callable[[Any], Any], x: Any, op: str) -> tuple[ReverseTrace, Any]:
    """The trace of a function's first result, and its second one as it is."""
    kept: list[Any] = []

    def first(x: Any) -> Any:
        result = fun(x)
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise TypeError(
                f"{op}: {get_name(fun)} must return a pair (value, aux), not {describe(result)}"
            )
        kept.append(result[1])
        return result[0]

    trace = ReverseTrace(first, x, fun)
    owns = trace.tape.owns
    return trace, tree_map(lambda leaf: leaf._value if owns(leaf) else leaf, kept[0])
