"""Containers as vectors: `flatten` for optimizers that know one flat array only."""

from .._impl.misc.flatten import flatten, flatten_func

__all__ = ["flatten", "flatten_func"]
