"""Replacing items of a tuple; a graph's nodes in order."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

__all__ = ["func", "subval", "subvals", "toposort"]


def subvals(x: Iterable[Any], ivs: Iterable[tuple[int, Any]]) -> tuple[Any, ...]:
    """A tuple of the items of `x` in which each position `i` of the pairs `(i, v)` holds `v`."""
    items = list(x)
    for i, v in ivs:
        items[i] = v
    return tuple(items)


def subval(x: Iterable[Any], i: int, v: Any) -> tuple[Any, ...]:
    """A tuple of the items of `x` with `v` at position `i`."""
    return subvals(x, ((i, v),))


def func(f: Any) -> Any:
    """The function itself."""
    return f


def toposort(
    end_node: Any, parents: Callable[[Any], Iterable[Any]] = operator.attrgetter("parents")
) -> Iterator[Any]:
    """Iterate over a graph from its end so that each node comes before its parents.

    Parameters
    ----------
    end_node : hashable
        Where to begin.
    parents : callable
        Gives a node's parents.
    """
    # How many children of each node are still to come.
    pending = {end_node: 0}
    stack = [end_node]
    while stack:
        for parent in parents(stack.pop()):
            if parent not in pending:
                pending[parent] = 0
                stack.append(parent)
            pending[parent] += 1
    ready = [end_node]
    while ready:
        node = ready.pop()
        yield node
        for parent in parents(node):
            pending[parent] -= 1
            if pending[parent] == 0:
                ready.append(parent)
