"""The names for extending fastad: primitives, their rules, vector spaces, containers."""

from ._core import Box, notrace_primitive, primitive, restore_rules
from ._impl.cotangents import SparseObject
from ._impl.define import (
    def_linear,
    defjvp,
    defjvp_argnum,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
)
from ._impl.graph import register_notrace
from ._impl.nodes import JVPNode, VJPNode
from ._impl.numeric import numeric
from ._impl.spaces.containers import register_container
from ._impl.spaces.vector_spaces import VSpace, vspace

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
    "restore_rules",
    "vspace",
]
