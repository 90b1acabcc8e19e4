"""Jacobians and Hessians."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as onp

from ... import numpy as anp
from ..._core import Derived, ReverseTrace
from ..operator import Argnum, Operator, only_known
from ..progress import Progress, Report
from ..spaces.leaves import has_boxes, shape_of, vector_dtype, zeros_like
from ..transformed import P
from .outputs import numeric_outputs, op_name, trace_with_aux

__all__ = [
    "hessian",
    "jacobian",
    "jacobian_of",
]


def jacobian(
    fun: Callable[P, Any],
    argnum: Argnum = 0,
    *,
    has_aux: bool = False,
    progress: Report = False,
    **unknown: NoReturn,
) -> Operator[P, Any]:
    """Make the function that computes the Jacobian.

    `fun` is traced once; rows are swept backwards from the one tape or, where they are fewer,
    columns forwards.

    Parameters
    ----------
    fun : callable
        Its value is a number, an array or a container of these.
    argnum : int, str, or sequence of these
        Which argument to differentiate by; a sequence gives a tuple of Jacobians.
    has_aux : bool
        `fun` returns `(value, aux)`; the Jacobian is that of the value, and the result is
        `(jacobian, aux)`.
    progress : bool or callable
        True shows on standard error how many rows are done; a function is called as
        `progress(done, rows)`. Rows are swept in smaller batches then.

    Returns
    -------
    Operator
        Takes the arguments of `fun`. For an argument of shape `(in1, ...)` and an output of shape
        `(out1, ...)` the result has shape `(out1, ..., in1, ...)`. Containers give containers: the
        output's structure, holding the argument's structure, holding arrays.

    Notes
    -----
    A complex output is taken as holomorphic in complex arguments, and as a complex function of
    real ones: either way entry `[i, j]` is the complex number `d out_i / d x_j`.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import jacobian
    >>> jacobian(lambda x: np.array([x[0] * x[1], x[1]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [0., 1.]])
    """
    if unknown:
        only_known("jacobian", unknown)
    options = {"has_aux": True} if has_aux else {}
    return Operator(jacobian_of, jacobian, fun, argnum, **options, **_option(progress))


def _option(progress: Report) -> dict[str, Any]:
    return {} if progress is False else {"progress": progress}


def jacobian_of(
    fun: Callable[[Any], Any],
    x: Any,
    op: str = "jacobian",
    has_aux: bool = False,
    progress: Report = False,
) -> Any:
    trace, aux = (
        trace_with_aux(fun, x, op_name(fun, op)) if has_aux else (ReverseTrace(fun, x), None)
    )
    with trace:
        whole = trace.jacobian(_BATCH_BYTES) if progress is False else None
        if whole is None:
            numeric_outputs(trace, op_name(fun, op), fun)
            work = Progress(op, sum(map(_size, trace.values)), progress)
            rows = [trace.inputs.unflatten(_rows(trace, k, work)) for k in range(len(trace.outs))]
            whole = trace.outputs.unflatten(rows)
        return (whole, aux) if has_aux else whole


def _size(value: Any) -> int:
    return int(onp.prod(shape_of(value), dtype=int))


# Bytes of basis cotangents that are swept together: the batch stays in a few megabytes.
_BATCH_BYTES = 1 << 24


def _rows(trace: ReverseTrace, k: int, work: Progress) -> list[Any]:
    """Derivative of output leaf `k` by each leaf of the argument: shape out.shape + in.shape."""
    value = trace.values[k]
    # Columns that are much fewer than the rows are pushed forwards together, so nothing is told
    # between: one by one, the rows would take far longer.
    columns = sum(map(_size, trace.leaves))
    if work.report is False or _size(value) >= 2 * columns:
        at_once = trace.rows(k, _BATCH_BYTES)
        if at_once is not None:
            work.at(sum(map(_size, trace.values[: k + 1])))
            return at_once
    shape = shape_of(value)
    dtype: Any = vector_dtype(value)
    if dtype.kind == "O":  # an array of objects met on the way; its cotangents are numbers
        dtype = onp.dtype(float)
    if not trace.owned[k] or onp.prod(shape, dtype=int) == 0:
        return [onp.zeros(shape + shape_of(leaf), vector_dtype(leaf)) for leaf in trace.leaves]
    rows = _sweep_basis(trace, k, dtype.type(1), work)
    if dtype.kind == "c" and any(vector_dtype(leaf).kind != "c" for leaf in trace.leaves):
        # For a real argument a cotangent g gives Re(g df/dx): 1 finds the real part, 1j the
        # imaginary one.
        turned = _sweep_basis(trace, k, dtype.type(1j), None)
        rows = [
            row if vector_dtype(leaf).kind == "c" else row - 1j * other
            for leaf, row, other in zip(trace.leaves, rows, turned)
        ]
    return rows


def _sweep_basis(trace: ReverseTrace, k: int, unit: Any, work: Progress | None) -> list[Any]:
    value = trace.values[k]
    shape = shape_of(value)
    size = _size(value)
    before = sum(map(_size, trace.values[:k]))
    if size == 1:
        grads = trace.tape.sweep(
            [trace.outs[k]], [onp.full(shape, unit)[()] if shape else unit], trace.boxes
        )
        if work is not None:
            work.at(before + 1)
        return [
            onp.zeros(shape + shape_of(leaf), vector_dtype(leaf))[()]
            if g is None
            else (anp.reshape(g, shape + shape_of(leaf)) if shape else g)
            for leaf, g in zip(trace.leaves, grads)
        ]
    parts: list[list[Any]] = [[] for _ in trace.leaves]
    step = max(1, _BATCH_BYTES // (size * unit.dtype.itemsize))
    if work is not None and work.report is not False:
        step = min(step, max(1, size // 20))
    for start in range(0, size, step):
        count = min(step, size - start)
        seeds = onp.zeros((count, size), unit.dtype)
        seeds[onp.arange(count), onp.arange(start, start + count)] = unit
        batch = seeds.reshape((count, *shape))
        for part, grads in zip(parts, _sweep_batch(trace, k, batch)):
            part.append(grads)
        if work is not None:
            work.at(before + start + count)
    blocks = []
    for leaf, part in zip(trace.leaves, parts):
        block = part[0] if len(part) == 1 else anp.concatenate(part)
        blocks.append(anp.reshape(block, shape + shape_of(leaf)))
    return blocks


def _sweep_batch(trace: ReverseTrace, k: int, seeds: Any) -> list[Any]:
    """Gradients of each leaf of the argument for a batch of cotangents, along a first axis."""
    grads: Any = None
    sweep_many = getattr(trace.tape, "sweep_many", None)
    if sweep_many is not None:
        grads = sweep_many([trace.outs[k]], [seeds], trace.boxes)
    if grads is None:
        single = [trace.tape.sweep([trace.outs[k]], [seed], trace.boxes) for seed in seeds]
        grads = [_stack(column) for column in zip(*single)]
    return [
        onp.zeros((len(seeds), *shape_of(leaf)), vector_dtype(leaf)) if g is None else g
        for leaf, g in zip(trace.leaves, grads)
    ]


def _stack(rows: Sequence[Any]) -> Any:
    if any(row is None for row in rows):
        known = next((row for row in rows if row is not None), None)
        if known is None:
            return None
        zero = zeros_like(known)
        rows = [zero if row is None else row for row in rows]
    return anp.stack(rows) if has_boxes(rows) else onp.stack(rows)


def hessian(
    fun: Callable[P, Any], argnum: Argnum = 0, *, progress: Report = False, **unknown: NoReturn
) -> Operator[P, Any]:
    """Make the function that computes the exact Hessian: out.shape + in.shape + in.shape.

    It is the Jacobian of the Jacobian: of n numbers, n rows of the size of a gradient. For products
    with vectors, without the matrix, there is `make_hvp`.

    Parameters
    ----------
    fun : callable
        Its value is a number, an array or a container of these.
    argnum : int, str, or sequence of these
        The argument to differentiate by, twice; a sequence takes several as one tuple.
    progress : bool or callable
        As of `jacobian`: the rows are those of the gradient's Jacobian.

    Returns
    -------
    Operator
        Takes the arguments of `fun`. For an argument of shape `in` and an output of shape `out` the
        result has shape `out + in + in`; of containers, the output's structure, holding the
        argument's structure, holding it again.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import hessian
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    if unknown:
        only_known("hessian", unknown)
    return Operator(_hessian, hessian, fun, argnum, **_option(progress))


def _hessian(fun: Callable[[Any], Any], x: Any, progress: Report = False) -> Any:
    inner = Derived(fun, lambda y: jacobian_of(fun, y, "hessian"), "hessian")
    return jacobian_of(inner, x, "hessian", progress=progress)
