"""Helpers on top of the operators: flattening, optimizers, fixed points, graphs."""

from .flatten import flatten
from .tracers import const_graph

__all__ = ["const_graph", "flatten"]
