"""Sums of cotangents, dense and sparse."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from .. import _core
from .spaces.vector_spaces import VSpace, vspace

__all__ = [
    "SparseBox",
    "SparseObject",
    "add",
    "add_outgrads",
    "dense",
    "sparse_add",
    "sparse_object_types",
    "sum_outgrads",
]


class SparseObject:
    """A cotangent that is zero but for a part, as a function that adds it to a vector.

    Parameters
    ----------
    vs : VSpace
        The space of the whole cotangent.
    mut_add : callable
        `mut_add(x)` returns `x` with the part added; it may write into `x`.
    """

    __slots__ = ("mut_add", "vs")

    def __init__(self, vs: VSpace, mut_add: Callable[[Any], Any]) -> None:
        self.vs = vs
        self.mut_add = mut_add


VSpace.register(SparseObject, lambda sparse: sparse.vs)


def dense(sparse: SparseObject) -> Any:
    """The whole cotangent."""
    return sparse.mut_add(sparse.vs.zeros())


class SparseBox(_core.Box):
    """The name under which autograd traces sparse cotangents; fastad makes them dense before."""


sparse_object_types = {SparseObject, SparseBox}


def sparse_add(vs: VSpace, x_prev: Any, x_new: SparseObject) -> Any:
    """Add a sparse cotangent to a dense one, which may be written into; None stands for zero."""
    return x_new.mut_add(vs.zeros() if x_prev is None else x_prev)


def add_outgrads(prev_g_flagged: tuple[Any, bool] | None, g: Any) -> tuple[Any, bool]:
    """Add a cotangent to a sum `(vector, may be written into)`; None stands for no sum yet."""
    sparse = isinstance(g, SparseObject)
    if prev_g_flagged is None:
        return (dense(g), True) if sparse else (g, False)
    previous, mutable = prev_g_flagged
    space = vspace(g)
    if sparse:
        if not mutable:
            previous = space.add(space.zeros(), previous)
        return sparse_add(space, previous, g), True
    return (space.mut_add(previous, g) if mutable else space.add(previous, g)), True


def sum_outgrads(gs: Any) -> Any:
    """Sum of cotangents."""
    total = reduce(add_outgrads, gs, None)
    return None if total is None else total[0]


def add(x: Any, y: Any) -> Any:
    """Sum of two cotangents of a type that NumPy does not know."""
    return vspace(x).add(x, y)
