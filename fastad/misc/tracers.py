"""Graphs of a function's operations: run one again without its Python code, or look at it."""

from .._impl.misc.recording import (
    ConstGraphNode,
    FullGraphNode,
    const_graph,
    const_graph_unary,
    full_graph,
)

__all__ = ["ConstGraphNode", "FullGraphNode", "const_graph", "const_graph_unary", "full_graph"]
