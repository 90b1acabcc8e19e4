"""Arguments and gradients as nests of lists and tuples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

__all__ = ["chosen", "flat", "leaves", "mapped", "replaced"]


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """The same nest with every leaf replaced by a function of it."""
    if isinstance(tree, (list, tuple)):
        return type(tree)([mapped(function, item) for item in tree])
    return function(tree)


def leaves(tree: Any) -> list[Any]:
    """The leaves, from left to right."""
    if isinstance(tree, (list, tuple)):
        return [leaf for item in tree for leaf in leaves(item)]
    return [tree]


def flat(tree: Any) -> numpy.ndarray:
    """All numbers in a nest, as one array."""
    parts = [numpy.ravel(numpy.asarray(leaf, dtype=float)) for leaf in leaves(tree)]
    return numpy.concatenate(parts) if parts else numpy.zeros(0)


def chosen(args: tuple[Any, ...], argnum: int | tuple[int, ...]) -> list[int]:
    """The numbers of the arguments to differentiate by."""
    return list(argnum) if isinstance(argnum, tuple) else [argnum]


def replaced(args: tuple[Any, ...], values: dict[int, Any]) -> list[Any]:
    """The arguments with some of them exchanged."""
    return [values.get(i, arg) for i, arg in enumerate(args)]
