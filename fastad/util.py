"""Small helpers under autograd's path: replacing arguments, ordering a graph."""

from __future__ import annotations

import importlib
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


def late(module: str, **names: str) -> Callable[[str], Any]:
    """Make a module's `__getattr__`: names that autograd's module of that name has as well.

    Parameters
    ----------
    module : str
        The module's `__name__`.
    **names : str
        Where each is: `"~vspaces:vspace"` in fastad's own module, `"numpy:"` for a whole one.
    """

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place, _, attribute = names[name].partition(":")
        found = importlib.import_module(place.replace("~", "fastad."))
        return getattr(found, attribute) if attribute else found

    return find


__getattr__ = late(__name__, quick_grad_check="~deprecated:quick_grad_check")
