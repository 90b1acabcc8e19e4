"""Graphs of a function's operations: run one again without its Python code, or look at it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..graph import trace
from ..nodes import Node
from ..ordering import subvals, toposort
from ..transformed import wraps

__all__ = ["ConstGraphNode", "FullGraphNode", "const_graph", "const_graph_unary", "full_graph"]


class ConstGraphNode(Node):
    """An operation as a function of its traced arguments; the others are kept as they were."""

    __slots__ = ("parents", "partial_fun")
    everything = True

    def __init__(
        self,
        value: Any,
        fun: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        parent_argnums: tuple[int, ...],
        parents: tuple[Any, ...],
    ) -> None:
        # The traced arguments of this call must not be kept alive: they are given anew. Numbers
        # beyond the positional arguments count the keywords.
        count = len(args)
        places = [argnum for argnum in parent_argnums if argnum < count]
        names = [list(kwargs)[argnum - count] for argnum in parent_argnums if argnum >= count]
        kept = subvals(args, [(place, None) for place in places])
        options = {name: one for name, one in kwargs.items() if name not in names}

        def partial_fun(values: Any) -> Any:
            given = dict(zip(names, values[len(places) :]))
            return fun(*subvals(kept, zip(places, values)), **options, **given)

        self.parents = parents
        self.partial_fun = partial_fun

    def initialize_root(self) -> None:
        """A root has nothing above it."""
        self.parents = ()


def const_graph_unary(fun: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Make a version of a function of one argument that runs its Python code once only.

    The first call records the operations; later ones run these on the new argument. So whatever
    else the code does (branches, values read from elsewhere) stays as it was in the first call.

    Parameters
    ----------
    fun : callable
        Of one argument.

    Returns
    -------
    callable
        Takes that argument.

    Raises
    ------
    ValueError
        At the first call: the result does not depend on the argument.

    Examples
    --------
    >>> from fastad.misc.tracers import const_graph_unary
    >>> g = const_graph_unary(lambda x: x * x)
    >>> float(g(2.0)), float(g(3.0))
    (4.0, 9.0)
    """
    graph: list[Any] = []
    pending = [fun]  # dropped after the first call, with whatever it holds on to

    def maybe_cached_fun(x: Any) -> Any:
        if not graph:
            value, end = trace(ConstGraphNode.new_root(), pending[0], x)
            if end is None:
                raise ValueError("const_graph: the output is independent of the input")
            graph.extend(reversed(list(toposort(end))))
            pending.clear()
            return value
        values = {graph[0]: x}
        for node in graph[1:]:
            values[node] = node.partial_fun([values[parent] for parent in node.parents])
        return values[graph[-1]]

    return maybe_cached_fun


def const_graph(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
    """Make a version of a function that runs its Python code once only; see `const_graph_unary`.

    Parameters
    ----------
    fun : callable
    *args, **kwargs
        Arguments that stay fixed.

    Returns
    -------
    callable
        Takes the remaining arguments, by position.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad.misc import const_graph
    >>> def f(x):
    ...     print("runs")
    ...     return np.sin(x) * x
    >>> g = const_graph(f)
    >>> float(g(0.0)), float(g(np.pi / 2)) == np.pi / 2
    runs
    (0.0, True)
    """
    fixed = partial(fun, *args, **kwargs)
    cached = const_graph_unary(lambda rest: fixed(*rest))

    @wraps(fun)
    def _fun(*rest: Any) -> Any:
        return cached(rest)

    return _fun


class FullGraphNode(Node):
    """An operation with its value and what it was called with."""

    __slots__ = ("recipe", "value")

    def __init__(
        self,
        value: Any,
        fun: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        parent_argnums: tuple[int, ...],
        parents: tuple[Any, ...],
    ) -> None:
        self.value = value
        self.recipe = (fun, args, kwargs, list(zip(parent_argnums, parents)))

    def initialize_root(self) -> None:
        """A root stands for the arguments."""
        self.value = None
        self.recipe = (lambda x: x, (), {}, [])


def full_graph(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function and return its result's node, from which its whole graph can be reached.

    Parameters
    ----------
    fun : callable
    *args, **kwargs
        What to call it with; the positional ones are traced.

    Returns
    -------
    FullGraphNode or None
        `node.value`, and `node.recipe`: function, arguments, keyword arguments, and pairs of the
        argument's number and its node. None if the result does not depend on the arguments.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad.misc.tracers import full_graph
    >>> node = full_graph(lambda x: np.sin(x), 0.0)
    >>> node.recipe[0].__name__, float(node.value)
    ('sin', 0.0)
    """
    return trace(FullGraphNode.new_root(), lambda args: fun(*args, **kwargs), args)[1]
