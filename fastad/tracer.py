"""The names of autograd's module `tracer`."""

from typing import Any as _Any

from ._core import Box, Primitive, isbox, notrace_primitive, primitive
from ._impl.graph import (
    TraceStack,
    getval,
    new_box,
    notrace_primitives,
    register_notrace,
    trace,
    trace_stack,
)
from ._impl.nodes import Node
from ._impl.ordering import subval, subvals, toposort
from .numpy import registry as _registry

__all__ = [
    "Box",
    "Node",
    "Primitive",
    "TraceStack",
    "getval",
    "isbox",
    "new_box",
    "notrace_primitive",
    "notrace_primitives",
    "primitive",
    "register_notrace",
    "subval",
    "subvals",
    "toposort",
    "trace",
    "trace_stack",
]


def __getattr__(name: str) -> _Any:
    if name == "trace_primitives_map":
        return _registry.by_function
    if name == "box_types":
        return Box.types
    if name == "box_type_mappings":
        return Box.type_mappings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
