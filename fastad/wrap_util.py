"""The names of autograd's module `wrap_util`."""

from ._impl.operator import Argnum, GradientOperator, Operator, unary_to_nary
from ._impl.transformed import Transformed, get_doc, get_name, wrap_nary_f, wraps

__all__ = [
    "Argnum",
    "GradientOperator",
    "Operator",
    "Transformed",
    "get_doc",
    "get_name",
    "unary_to_nary",
    "wrap_nary_f",
    "wraps",
]
