"""How far a replay may lie from the function: the rounding of the largest values on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as onp

from .._core import Signature, isbox
from .._impl.graph import trace
from .._impl.nodes import Node
from .._impl.spaces.containers import flatten
from .names import Names, standing_for

__all__ = ["rounding_of"]

MARGIN = 16.0  # units in the last place; sums in another order, functions of another library


class _Sizes:
    """The largest finite number, the longest array and the coarsest type of what was computed."""

    def __init__(self) -> None:
        self.largest = 0.0
        self.longest = 1
        self.coarsest = 0.0

    def note(self, value: Any) -> None:
        for leaf in flatten(value, lenient=True)[0]:
            array = onp.asarray(leaf)
            if array.dtype.kind not in "fc" or not array.size:
                continue
            sizes = onp.abs(array)
            largest = onp.max(sizes, initial=0.0, where=onp.isfinite(sizes))
            self.largest = max(self.largest, float(largest))
            self.longest = max(self.longest, array.size)
            self.coarsest = max(self.coarsest, float(onp.finfo(array.dtype).eps))


class _Sized(Node):
    """An operation of which the size of its value is noted, nothing else."""

    __slots__ = ("sizes",)

    def __init__(
        self,
        value: Any,
        fun: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        parent_argnums: tuple[int, ...],
        parents: tuple[Any, ...],
    ) -> None:
        self.sizes: _Sizes = parents[0].sizes
        self.sizes.note(value)

    def initialize_root(self) -> None:
        """A root has nothing above it."""
        self.sizes = _Sizes()


def rounding_of(
    fun: Callable[..., Any], signature: Signature, leaves: Sequence[Any], names: Names
) -> float:
    """Bound of the rounding in a function's results: what it computes on the way is added up.

    A sum that cancels is as wrong as its largest terms make it, however small it is itself. Where
    the function takes no traced values further, it is known as far as that.
    """

    def call(values: Any) -> Any:
        args, kwargs = signature.rebuild(list(values))
        return fun(*args, **kwargs)

    root = _Sized.new_root()
    root.sizes.note(tuple(leaves))
    with onp.errstate(all="ignore"), suppress(Exception), standing_for(names, isbox):
        trace(root, call, tuple(leaves))
    sizes = root.sizes
    return MARGIN * sizes.coarsest * sizes.largest * sizes.longest
