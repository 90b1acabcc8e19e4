"""Tracing by hand: levels whose operations are recorded as nodes in Python.

fastad's own operators record on a compiled tape. What autograd's programs do with their own kinds
of node (`trace(start_node, fun, x)`, with subclasses of `Node`) goes another, slower way: each
operation makes a node in Python. Both nest in each other, to any depth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as _np

from .. import _core
from .._core import Primitive, defjvp_argnums, defvjp_argnums, isbox, take_value
from .nodes import JVPNode, VJPNode, own_box
from .rules import primitive_jvps, primitive_vjps
from .spaces.containers import Structure, flatten, is_differentiable, tree_map
from .spaces.vector_spaces import vspace
from .warning import warn_independent

__all__ = [
    "TraceStack",
    "getval",
    "join_leaves",
    "new_box",
    "notrace_primitives",
    "record",
    "register_notrace",
    "take_leaf",
    "trace",
    "trace_stack",
]


def getval(x: Any) -> Any:
    """The plain value of a traced one, with all levels of tracing removed; anything else as it is.

    Parameters
    ----------
    x : object
        A traced value, or not.

    Returns
    -------
    object
        The float, NumPy scalar or array inside. What is computed from it has derivative zero.

    Examples
    --------
    >>> from fastad import getval, grad
    >>> float(grad(lambda x: x * getval(x))(3.0))
    3.0
    """
    return take_value(x)


# ---- levels


# A trace is known by its number, as autograd's programs have it.
_levels: dict[int, Any] = {}  # those that are open


class TraceStack:
    """Where new traces come from. Levels are numbered across threads, so there is no stack."""

    @contextmanager
    def new_trace(self, everything: bool = False) -> Iterator[int]:
        """Open a trace for a `with` block; its number is what boxes have as `_trace`.

        One of everything records tests and operations of derivative zero as well.
        """
        level = _core.Graph(everything)
        serial = int(level.serial)
        _levels[serial] = level
        try:
            yield serial
        finally:
            del _levels[serial]
            level.close()


trace_stack = TraceStack()


@_core.Primitive
def _beside(box: Any, value: Any) -> Any:
    """The value, with the derivative of what the box stands for."""
    return value


_core.defvjp_argnums(_beside, lambda argnums, ans, args, kwargs: lambda g: (g,))
_core.defjvp_argnums(_beside, lambda argnums, ts, ans, args, kwargs: ts[0])


def new_box(value: Any, trace: int, node: Any) -> Any:
    """Make a traced value of a trace: of an open one, or of one that this number starts.

    A list, tuple or dict gives one of the same kind that holds traced values, and has `_value`,
    `_trace` and `_node` itself.

    Raises
    ------
    TypeError
        If values of this type cannot be traced.
    """
    own = own_box(node)
    if own is not None:
        return own if value is own._value else _beside(own, value)
    level = _levels.get(trace)
    if level is None:  # a number of the program's own, as autograd's traces are; it stays open
        level = _levels[trace] = _core.Graph()
        _levels[int(level.serial)] = level
    for kind, traced in _traced_containers:
        if isinstance(value, kind):
            result = traced(_spread(value, trace, node))
            result._value, result._trace, result._node = value, trace, node
            return result
    return level.box(value, node)


def trace(start_node: Any, fun: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    """Call a function of one argument and record what it does as a graph of nodes.

    Parameters
    ----------
    start_node : Node
        Stands for the argument. Nodes of its class are made for every operation.
    fun : callable
    x : object
        A leaf or a container; each leaf of a container that can be differentiated has a node of
        its own, whose parent is `start_node`.

    Returns
    -------
    value : object
        The result without this level of tracing.
    node : Node or None
        The result's node; None if the result does not depend on the argument.
    """
    with trace_stack.new_trace(start_node.everything) as serial:
        result = fun(_spread(x, serial, start_node))
        leaves, structure = flatten(result, lenient=True)
        mine = [isbox(leaf) and leaf._trace == serial for leaf in leaves]
        if not any(mine):
            warn_independent()
            return result, None
        values = [leaf._value if own else leaf for leaf, own in zip(leaves, mine)]
        if structure.is_leaf:
            return values[0], leaves[0]._node
        places = tuple([i for i, own in enumerate(mine) if own])
        value = structure.unflatten(values)
        node = type(start_node)(
            value,
            join_leaves,
            (structure, *values),
            {},
            tuple([i + 1 for i in places]),
            tuple([leaves[i]._node for i in places]),
        )
        return value, node


class _TracedContainer:
    """A container of traced values made by `new_box`."""

    _value: Any
    _trace: int
    _node: Any


class _TracedTuple(_TracedContainer, tuple):
    pass


class _TracedList(_TracedContainer, list):
    pass


class _TracedDict(_TracedContainer, dict):
    pass


_traced_containers: tuple[tuple[type, Any], ...] = (
    (tuple, _TracedTuple),
    (list, _TracedList),
    (dict, _TracedDict),
)


def _spread(value: Any, serial: int, node: Any) -> Any:
    """The value traced, leaf by leaf: a container's leaves are operations on the container."""
    leaves, structure = flatten(value)
    everything = getattr(node, "everything", False)
    if structure.is_leaf:
        if everything and not _is_recorded(value):
            return value
        return _levels[serial].box(value, node)
    boxes = []
    for i, leaf in enumerate(leaves):
        if is_differentiable(leaf) or (everything and _is_recorded(leaf)):
            part = type(node)(leaf, take_leaf, (value, i), {}, (0,), (node,))
            boxes.append(_levels[serial].box(leaf, part))
        else:
            boxes.append(leaf)
    return structure.unflatten(boxes)


def _is_recorded(value: Any) -> bool:
    """Tell whether a graph of everything has a node for a value: not for truths, text and types."""
    return isbox(value) or isinstance(value, (float, complex, _np.ndarray, _np.number, _np.bool_))


def take_leaf(container: Any, i: int) -> Any:
    """Leaf number `i` of a container: the operation that a graph has for it."""
    return flatten(container)[0][i]


def join_leaves(structure: Structure, *leaves: Any) -> Any:
    """Build a container from its leaves: the operation that a graph has for it."""
    return structure.unflatten(leaves)


# ---- the two operations on containers that a graph has


def _take_leaf_vjp(argnums: Any, ans: Any, args: Any, kwargs: Any) -> Callable[[Any], Any]:
    container, i = args

    def vjp(g: Any) -> tuple[Any]:
        leaves, structure = flatten(tree_map(lambda leaf: vspace(leaf).zeros(), container))
        leaves[i] = g
        return (structure.unflatten(leaves),)

    return vjp


def _join_leaves_vjp(argnums: Any, ans: Any, args: Any, kwargs: Any) -> Callable[[Any], Any]:
    def vjp(g: Any) -> tuple[Any, ...]:
        parts = args[0].flatten_like(g)
        return tuple([parts[argnum - 1] for argnum in argnums])

    return vjp


def _join_leaves_jvp(argnums: Any, gs: Any, ans: Any, args: Any, kwargs: Any) -> Any:
    parts = [vspace(leaf).zeros() for leaf in args[1:]]
    for argnum, g in zip(argnums, gs):
        parts[argnum - 1] = g
    return args[0].unflatten(parts)


primitive_vjps[take_leaf] = _take_leaf_vjp
primitive_jvps[take_leaf] = lambda argnums, gs, ans, args, kwargs: take_leaf(gs[0], args[1])
primitive_vjps[join_leaves] = _join_leaves_vjp
primitive_jvps[join_leaves] = _join_leaves_jvp


def make_constant(trace_type: type, fun: Primitive) -> None:
    """Make a primitive's derivative zero in one mode: what `register_notrace` asks for."""
    if issubclass(trace_type, VJPNode):
        _core.rules_of(fun, "vjps", users=True)
        defvjp_argnums(fun, lambda argnums, *call: lambda g: (None,) * len(argnums))
    elif issubclass(trace_type, JVPNode):
        _core.rules_of(fun, "jvps", users=True)
        defjvp_argnums(fun, lambda argnums, gs, *call: None)


# ---- operations that are not recorded


notrace_primitives: defaultdict[Any, set[Any]] = defaultdict(set)


def register_notrace(trace_type: type, primitive_fun: Any) -> None:
    """Have nodes of this class not record a primitive: its results are plain values there.

    For `VJPNode` and `JVPNode` that makes its derivative zero under fastad's own operators.

    Parameters
    ----------
    trace_type : type
        A subclass of `Node`.
    primitive_fun : Primitive
        What is not recorded.

    Examples
    --------
    >>> from fastad import grad
    >>> from fastad.extend import VJPNode, primitive, register_notrace
    >>> counted = primitive(lambda x: 2.0 * x)
    >>> register_notrace(VJPNode, counted)
    >>> float(grad(lambda x: x * counted(x))(3.0))
    6.0
    """
    notrace_primitives[trace_type].add(primitive_fun)
    if isinstance(primitive_fun, Primitive) and getattr(primitive_fun, "kind", "") != "zero":
        make_constant(trace_type, primitive_fun)


def record(
    primitive_fun: Any,
    ans: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    argnums: tuple[int, ...],
    boxes: tuple[Any, ...],
) -> Any:
    """What the core calls for an operation whose highest level is one of these."""
    start = boxes[0]._node
    if primitive_fun in notrace_primitives[type(start)]:
        return ans
    parents = tuple([box._node for box in boxes])
    node = type(start)(ans, primitive_fun, args, kwargs or {}, tuple(argnums), parents)
    if (
        getattr(primitive_fun, "kind", "") == "structural"
    ):  # one value, though it be a tuple: an index
        return _levels[boxes[0]._trace].box(ans, node)
    return _spread(ans, boxes[0]._trace, node)
