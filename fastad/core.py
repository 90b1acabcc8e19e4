"""Differentiating one call of a function of one argument: `make_vjp` and `make_jvp`."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as onp

from ._core import Box, Forward, Tape, isbox, set_inner_folders
from ._core import getval as innermost
from .containers import Structure, flatten, is_differentiable
from .deprecated import primitive_with_deprecation_warnings
from .extend import (
    VSpace,
    def_linear,
    defjvp,
    defjvp_argnum,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    vspace,
)
from .nodes import (
    JVPNode,
    SparseBox,
    SparseObject,
    VJPNode,
    add_outgrads,
    backward_pass,
    primitive_jvps,
    primitive_vjps,
    sparse_add,
    sparse_object_types,
    sum_outgrads,
)
from .tracer import Node, getval, toposort, trace
from .util import func, subval
from .wrap_util import Selected, get_name

__all__ = [
    "Box",
    "JVPNode",
    "Node",
    "SparseBox",
    "SparseObject",
    "VJPNode",
    "VSpace",
    "add_outgrads",
    "backward_pass",
    "def_linear",
    "defjvp",
    "defjvp_argnum",
    "defjvp_argnums",
    "defvjp",
    "defvjp_argnum",
    "defvjp_argnums",
    "func",
    "getval",
    "isbox",
    "make_jvp",
    "make_vjp",
    "primitive",
    "primitive_jvps",
    "primitive_vjps",
    "primitive_with_deprecation_warnings",
    "sparse_add",
    "sparse_object_types",
    "subval",
    "sum_outgrads",
    "toposort",
    "trace",
    "vspace",
]

primitive = primitive_with_deprecation_warnings

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
# What debug modes and warnings call the user's line lies outside these.
set_inner_folders((_PACKAGE, os.path.dirname(os.path.abspath(onp.__file__)) + os.sep))


class ReverseTrace:
    """One call of a function under a reverse level: its value, and the tape that leads back.

    The level ends with the `with` block, or when nothing refers to the trace any more.

    Parameters
    ----------
    fun : callable
        Function of one argument.
    x : object
        The argument: a leaf or a container of leaves.
    origin : callable, optional
        The function to speak of in messages, where `fun` is a helper around it.

    Attributes
    ----------
    leaves, inputs : list, Structure
        The argument, taken apart.
    values, outputs : list, Structure
        The result without this level, taken apart.
    connected : bool
        Some output depends on the argument.
    """

    __slots__ = (
        "boxes",
        "connected",
        "inputs",
        "leaves",
        "outputs",
        "outs",
        "owned",
        "tape",
        "values",
    )

    def __init__(self, fun: Callable[[Any], Any], x: Any, origin: Any = None) -> None:
        self.leaves, self.inputs = flatten(x)
        self.tape = tape = Tape()
        try:
            self.boxes = [
                _box(tape, leaf, i, self.inputs, origin or fun)
                for i, leaf in enumerate(self.leaves)
            ]
            self.outs, self.outputs = flatten(fun(self.inputs.unflatten(self.boxes)))
            tape.stop()
            self.owned = [tape.owns(out) for out in self.outs]
            self.values = [out._value if own else out for out, own in zip(self.outs, self.owned)]
        except BaseException:
            tape.close()
            raise
        self.connected = any(self.owned)
        if not self.connected:
            losses = tape.losses or getattr(fun, "losses", "")
            tape.close()
            if self.leaves:
                warn_independent(losses)

    def __enter__(self) -> ReverseTrace:
        return self

    def __exit__(self, *error: object) -> None:
        self.tape.close()

    @property
    def value(self) -> Any:
        """The function's result, without this level."""
        return self.outputs.unflatten(self.values)

    def pull(self, cotangents: Sequence[Any], consume: bool = False) -> Any:
        """Gradient, built like the argument, for one cotangent for each output leaf."""
        return self.inputs.unflatten(self.pull_leaves(cotangents, consume))

    def pull_leaves(self, cotangents: Sequence[Any], consume: bool = False) -> list[Any]:
        """Gradient for each leaf of the argument."""
        if not self.connected:
            return [zeros_like(leaf) for leaf in self.leaves]
        outs, seeds = [], []
        for out, own, g in zip(self.outs, self.owned, cotangents):
            if own:
                outs.append(out)
                seeds.append(g)
        grads = self.tape.sweep(outs, seeds, self.boxes, consume)
        return [zeros_like(leaf) if g is None else g for leaf, g in zip(self.leaves, grads)]


def make_vjp(fun: Callable[[Any], Any], x: Any) -> tuple[Callable[[Any], Any], Any]:
    """Evaluate a function and prepare its vector-Jacobian product.

    Parameters
    ----------
    fun : callable
        Function of one argument; its result may be a container.
    x : object
        The argument.

    Returns
    -------
    vjp : callable
        `vjp(g)`, with `g` built like the result, gives the cotangent of `x`; it may be called
        repeatedly.
    value : object
        `fun(x)`.
    """
    trace = ReverseTrace(fun, x)

    def vjp(g: Any) -> Any:
        parts = trace.outputs.flatten_like(g, "the argument of the vjp function")
        cotangents = [
            conform(part, value, f"vjp of {get_name(fun)}: the cotangent") if own else None
            for part, value, own in zip(parts, trace.values, trace.owned)
        ]
        return trace.pull(cotangents)

    return vjp, trace.value


def make_jvp(fun: Callable[[Any], Any], x: Any) -> Callable[[Any], tuple[Any, Any]]:
    """Prepare a function's Jacobian-vector product (forward mode).

    Returns
    -------
    callable
        `jvp(v)`, with `v` built like `x`, evaluates `fun` and gives `(fun(x), tangent)`.
    """
    leaves, inputs = flatten(x)

    def jvp(v: Any) -> tuple[Any, Any]:
        parts = inputs.flatten_like(v, "the argument of the jvp function")
        level = Forward()
        try:
            boxes = []
            for i, (leaf, part) in enumerate(zip(leaves, parts)):
                check_leaf(leaf, i, inputs, fun)
                tangent = conform(part, leaf, f"jvp of {get_name(fun)}: the tangent")
                boxes.append(level.box(leaf, tangent))
            outs, outputs = flatten(fun(inputs.unflatten(boxes)))
            connected = any(level.owns(out) for out in outs)
            pairs = [level.tangent(out) for out in outs]
        finally:
            level.close()
        if leaves and not connected:
            warn_independent()
        values = [value for value, _ in pairs]
        tangents = [zeros_like(value) if tangent is None else tangent for value, tangent in pairs]
        return outputs.unflatten(values), outputs.unflatten(tangents)

    return jvp


# ---- leaves


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
        return vspace(value).zeros() if _has_space(value) else None
    if isinstance(value, onp.ndarray) or shape_of(value):
        return onp.zeros(shape_of(value), vector_dtype(value))
    return vector_dtype(value).type(0)


def _has_space(value: Any) -> bool:
    """True for values of a type that the user gave a vector space."""
    return type(innermost(value)) in VSpace.mappings


def ones_like(value: Any) -> Any:
    """A cotangent of ones for a number or an array."""
    if dtype_of(value) is None and _has_space(value):
        return vspace(value).ones()
    if isinstance(value, onp.ndarray) or shape_of(value):
        return onp.ones(shape_of(value), vector_dtype(value))
    return vector_dtype(value).type(1)


def conform(vector: Any, value: Any, what: str) -> Any:
    """A tangent or cotangent given by the user, checked against the value that it belongs to.

    Integers become floats; a single number serves for every entry.
    """
    from . import numpy as anp

    if dtype_of(value) is None and _has_space(value):
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
        f"{what} has shape {shape}, but the value has shape {wanted}; pass one of the same shape"
    )


def _box(tape: Any, leaf: Any, i: int, structure: Structure, fun: Any) -> Any:
    check_leaf(leaf, i, structure, fun)
    try:
        return tape.box(leaf)
    except TypeError as error:
        raise TypeError(f"{_subject(fun, i, structure)}: {error}") from error


def check_leaf(leaf: Any, i: int, structure: Structure, fun: Any) -> None:
    """Raise a TypeError that names the argument and the remedy if a leaf has no derivative."""
    if is_differentiable(leaf):
        return
    if isinstance(leaf, onp.ndarray):
        if leaf.dtype.kind in "biuO":
            return
        remedy = f"is an array of dtype {leaf.dtype}; pass an array of floats"
    elif isinstance(leaf, (bool, onp.bool_)):
        remedy = (
            f"is the bool {leaf!r}; differentiate with respect to a float: pass {float(leaf)!r}"
        )
    elif isinstance(leaf, (int, onp.integer)):
        remedy = (
            f"is the int {int(leaf)!r}; differentiate with respect to a float: pass {float(leaf)!r}"
        )
    elif type(leaf) in VSpace.mappings:
        return
    else:
        text = repr(leaf)
        text = text if len(text) < 60 else text[:57] + "..."
        remedy = (
            f"is {text} of type {type(leaf).__name__}, which has no derivative; differentiate with "
            "respect to a float, an array or a container of these (choose the argument with "
            "argnum, or register the type with fastad.extend.register_container)"
        )
    raise TypeError(f"{_subject(fun, i, structure)} {remedy}")


def _operator_name(fun: Any) -> str:
    return fun.op if isinstance(fun, Selected) else "differentiation"


def _subject(fun: Any, i: int, structure: Structure) -> str:
    path = structure.paths()[i]
    place: Any = 0
    if isinstance(fun, Selected):
        place, path = fun.locate(path)
    where = f"argument {place!r} of {get_name(fun)}"
    return f"{_operator_name(fun)}: {where}" + (f", at {path}," if path else "")


def warn_user(text: str) -> None:
    """Warn at the line outside fastad that led here."""
    depth = 2
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
        depth += 1
    warnings.warn(text, UserWarning, stacklevel=depth)


def warn_independent(losses: str = "") -> None:
    """Warn that nothing connects the result with the argument.

    Parameters
    ----------
    losses : str
        Where the trace was given up, if a tape knows.
    """
    lost = f" The traced value became a plain one here: {losses}." if losses else ""
    warn_user("Output seems independent of input." + lost)


def has_boxes(values: Sequence[Any]) -> bool:
    """True if some value is traced at a level below."""
    return any(isbox(value) for value in values)
