"""Helpers for writing JVP rules, under autograd's path."""

from .._impl.numpy_rules import broadcast

__all__ = ["broadcast"]
