"""Leaves side by side in one vector, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as onp

from ... import numpy as anp
from ..._core import isbox, plain_type

__all__ = ["Packing", "pack"]


class Packing:
    """Where each leaf lies in a packed vector, and its shape and dtype."""

    __slots__ = ("ends", "kinds", "shapes")

    def __init__(self, leaves: Sequence[Any]) -> None:
        # None for a number, so that it is told from a 0-d array.
        self.shapes = [
            leaf.shape if issubclass(plain_type(leaf), onp.ndarray) else None for leaf in leaves
        ]
        self.kinds = [getattr(leaf, "dtype", None) or onp.asarray(leaf).dtype for leaf in leaves]
        sizes = [1 if shape is None else int(onp.prod(shape, dtype=int)) for shape in self.shapes]
        self.ends = [int(end) for end in onp.cumsum(sizes, dtype=int)]

    def unpack(self, vector: Any) -> list[Any]:
        """Leaves from a vector; differentiable."""
        size = self.ends[-1] if self.ends else 0
        shape = getattr(vector, "shape", ())
        if shape != (size,):
            raise ValueError(f"unflatten: expected a vector of shape ({size},), got {shape}")
        leaves = []
        start = 0
        for end, shape, dtype in zip(self.ends, self.shapes, self.kinds):
            part = vector[start] if shape is None or shape == () else vector[start:end]
            start = end
            if vector.dtype.kind == "c" and dtype.kind != "c":
                part = anp.real(part)
            # A vector of float64 also stands for integer leaves: casting back would cut the
            # derivative.
            if dtype.kind in "fc" and part.dtype != dtype:
                part = part.astype(dtype)
            if shape == ():
                part = anp.reshape(part, ()) if isbox(part) else onp.asarray(part)
            elif shape is not None:
                part = anp.reshape(part, shape)
            leaves.append(part)
        return leaves


def pack(leaves: Sequence[Any]) -> tuple[Any, Packing]:
    """All leaves, raveled, in one vector; differentiable. `packing.unpack(vector)` undoes it."""
    packing = Packing(leaves)
    if not leaves:
        return onp.zeros(0), packing
    parts = [anp.ravel(leaf) for leaf in leaves]
    return (parts[0] if len(parts) == 1 else anp.concatenate(parts)), packing
