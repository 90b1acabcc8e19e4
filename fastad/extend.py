"""The names for extending fastad: primitives, their rules, vector spaces, containers."""

from ._core import (
    Box,
    def_linear,
    defjvp,
    defjvp_argnum,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    notrace_primitive,
    primitive,
)
from .containers import register_container
from .nodes import JVPNode, SparseObject, VJPNode
from .numeric import numeric
from .tracer import register_notrace
from .vspaces import VSpace, vspace

__all__ = [
    "Box",
    "JVPNode",
    "SparseObject",
    "VJPNode",
    "VSpace",
    "def_linear",
    "defjvp",
    "defjvp_argnum",
    "defjvp_argnums",
    "defvjp",
    "defvjp_argnum",
    "defvjp_argnums",
    "notrace_primitive",
    "numeric",
    "primitive",
    "register_container",
    "register_notrace",
    "vspace",
]
