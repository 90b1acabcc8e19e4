"""The traced array, under autograd's path."""

from .._core import ArrayBox

__all__ = ["ArrayBox"]
