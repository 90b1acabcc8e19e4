"""What is said of an argument that has no derivative."""

from __future__ import annotations

import numbers
from typing import Any, NoReturn

import numpy as onp

from .._core import Selected
from .remedies import result_remedy
from .spaces.containers import Structure, is_differentiable
from .spaces.vector_spaces import VSpace
from .transformed import get_name

__all__ = ["check_leaf", "refuse_leaf"]


def refuse_leaf(error: TypeError, i: int, structure: Structure, fun: Any) -> NoReturn:
    """Say of which argument this error is."""
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
    elif isinstance(leaf, numbers.Number):
        remedy = f"is {leaf!r}; differentiate with respect to a float: pass float({leaf})"
    else:
        text = " ".join(repr(leaf).split())
        text = f"{text} of" if len(text) < 60 else f"{text[:57]}... of"
        other = result_remedy(leaf)
        if other is not None:  # a frame's contents say nothing
            text = "of"
        if callable(leaf) and hasattr(leaf, "__name__"):  # no object that can be called as well
            other = "differentiate with respect to what it gives: was a call forgotten?"
        remedy = f"is {text} type {type(leaf).__name__}, which has no derivative; " + (
            other
            or "differentiate with respect to a float, an array or a container of these (choose "
            "the argument with argnum, or register the type with "
            "fastad.extend.register_container)"
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
