"""Helpers on top of the operators: flattening, optimizers, fixed points."""

from .flatten import flatten

__all__ = ["flatten"]
