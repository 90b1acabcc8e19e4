"""The names of autograd's module `core`."""

from ._core import Box, isbox, make_jvp, make_vjp
from ._impl.cotangents import (
    SparseBox,
    SparseObject,
    add_outgrads,
    sparse_add,
    sparse_object_types,
    sum_outgrads,
)
from ._impl.define import (
    def_linear,
    defjvp,
    defjvp_argnum,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
)
from ._impl.deprecated import primitive, primitive_with_deprecation_warnings
from ._impl.graph import getval, trace
from ._impl.nodes import JVPNode, Node, VJPNode, backward_pass
from ._impl.ordering import func, subval, toposort
from ._impl.rules import primitive_jvps, primitive_vjps
from ._impl.spaces.vector_spaces import VSpace, vspace

__all__ = [
    "Box",
    "JVPNode",
    "Node",
    "SparseBox",
    "SparseObject",
    "VJPNode",
    "VSpace",
    "add_outgrads",
    "backward_pass",
    "def_linear",
    "defjvp",
    "defjvp_argnum",
    "defjvp_argnums",
    "defvjp",
    "defvjp_argnum",
    "defvjp_argnums",
    "func",
    "getval",
    "isbox",
    "make_jvp",
    "make_vjp",
    "primitive",
    "primitive_jvps",
    "primitive_vjps",
    "primitive_with_deprecation_warnings",
    "sparse_add",
    "sparse_object_types",
    "subval",
    "sum_outgrads",
    "toposort",
    "trace",
    "vspace",
]
