"""Looking at traced values, and the decorators for primitives, under autograd's path."""

from ._core import Box, getval, isbox, notrace_primitive, primitive
from .util import subval, subvals, toposort

__all__ = [
    "Box",
    "getval",
    "isbox",
    "notrace_primitive",
    "primitive",
    "subval",
    "subvals",
    "toposort",
]
