"""Helpers on top of the operators: flattening, optimizers, fixed points, graphs."""

from .._impl.late import late
from .flatten import flatten
from .tracers import const_graph

__all__ = ["const_graph", "flatten"]

__getattr__ = late(__name__, fixed_points="~misc.fixed_points:", optimizers="~misc.optimizers:")
