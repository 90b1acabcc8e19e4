"""Differentiating one call of a function of one argument: `make_vjp` and `make_jvp`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as onp

from .._core import Forward, Tape
from .operator import Selected
from .spaces.containers import Structure, flatten, is_differentiable
from .spaces.leaves import conform, zeros_like
from .spaces.vector_spaces import VSpace
from .transformed import get_name
from .warning import warn_independent

__all__ = ["ReverseTrace", "check_leaf", "make_jvp", "make_vjp"]


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
            pairs = [level.result(out) for out in outs]
        finally:
            level.close()
        if leaves and not connected:
            warn_independent()
        values = [value for value, _ in pairs]
        tangents = [zeros_like(value) if tangent is None else tangent for value, tangent in pairs]
        return outputs.unflatten(values), outputs.unflatten(tangents)

    return jvp


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
