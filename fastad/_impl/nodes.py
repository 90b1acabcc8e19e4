"""Nodes of graphs that are made in Python, and the way back through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from .._core import missing_rule
from .cotangents import add_outgrads
from .ordering import toposort
from .rules import primitive_jvps, primitive_vjps

__all__ = ["JVPNode", "Node", "VJPNode", "backward_pass", "node_of", "own_box"]


class Node:
    """One operation of a graph that is made in Python; subclasses say what to keep of it."""

    __slots__ = ()
    everything: ClassVar[bool] = False  # tests and operations of derivative zero as well

    def __init__(
        self,
        value: Any,
        fun: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        parent_argnums: tuple[int, ...],
        parents: tuple[Any, ...],
    ) -> None:
        raise NotImplementedError(f"{type(self).__name__} defines no __init__()")

    def initialize_root(self, *args: Any, **kwargs: Any) -> None:
        """Fill the node that a graph starts from."""
        raise NotImplementedError(f"{type(self).__name__} defines no initialize_root()")

    @classmethod
    def new_root(cls, *args: Any, **kwargs: Any) -> Any:
        """Make the node that a graph starts from."""
        root = cls.__new__(cls)
        root.initialize_root(*args, **kwargs)
        return root


class VJPNode(Node):
    """A node that knows how to take a cotangent of its value back to its parents."""

    __slots__ = ("parents", "vjp")

    def __init__(
        self,
        value: Any,
        fun: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        parent_argnums: tuple[int, ...],
        parents: tuple[Any, ...],
    ) -> None:
        self.parents = parents
        try:
            maker = primitive_vjps[fun]
        except KeyError:
            raise missing_rule(fun, parent_argnums, "VJP") from None
        self.vjp = maker(parent_argnums, value, args, kwargs)

    def initialize_root(self) -> None:
        """A root has nothing above it."""
        self.parents = ()
        self.vjp = _no_parents


def _no_parents(g: Any) -> tuple[Any, ...]:
    return ()


class JVPNode(Node):
    """A node that carries the tangent of its value as `g`."""

    __slots__ = ("_box", "g")  # _box: of fastad's own forward level, which the node stands for

    def __init__(
        self,
        value: Any,
        fun: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        parent_argnums: tuple[int, ...],
        parents: tuple[Any, ...],
    ) -> None:
        try:
            maker = primitive_jvps[fun]
        except KeyError:
            raise missing_rule(fun, parent_argnums, "JVP") from None
        self.g = maker(parent_argnums, [parent.g for parent in parents], value, args, kwargs)

    def initialize_root(self, g: Any) -> None:
        """A root carries the tangent that was asked for."""
        self.g = g


class _TapeNode(VJPNode):
    """What a value of fastad's own tape has as `_node`: it tells the mode, and nodes apart."""

    __slots__ = ("box",)

    def __init__(self, box: Any) -> None:
        self.box = box

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _TapeNode) and self.box is other.box

    def __hash__(self) -> int:
        return hash(self.box)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"a value of fastad's own tape has no node with {name!r}; record the function with "
            "fastad.tracer.trace(VJPNode.new_root(), fun, x) to have a graph of Python nodes"
        )


def node_of(box: Any) -> Any:
    """What a traced value of a tape or of a forward level has as `_node`."""
    tangent = box._tangent
    if isinstance(tangent, Node):  # of a graph whose trace has ended
        return tangent
    if tangent is None:
        return _TapeNode(box)
    node = JVPNode.new_root(tangent)
    node._box = box
    return node


def own_box(node: Any) -> Any:
    """The box of fastad's own tapes and forward levels that a node was made for."""
    if isinstance(node, _TapeNode):
        return node.box
    return getattr(node, "_box", None) if type(node) is JVPNode else None


def backward_pass(g: Any, end_node: Any) -> Any:
    """Take a cotangent from the end of a graph to its root.

    Parameters
    ----------
    g : object
        Cotangent of the end's value.
    end_node : VJPNode
        From `trace`.
    """
    pending = {end_node: (g, False)}
    outgrad = (g, False)
    for node in toposort(end_node):
        outgrad = pending.pop(node)
        for parent, ingrad in zip(node.parents, node.vjp(outgrad[0])):
            pending[parent] = add_outgrads(pending.get(parent), ingrad)
    return outgrad[0]
