"""Helpers for writing JVP rules, under autograd's path."""

from __future__ import annotations

from typing import Any

import numpy as _np

from .numpy_wrapper import metadata
from .registry import Array, getval, ops

__all__ = ["broadcast"]


def broadcast(x: Array, target: Any) -> Array:
    """A tangent broadcast to the shape of a result, and made complex if the result is."""
    shape, _, _, iscomplex = metadata(target)
    if _np.shape(getval(x)) != shape:
        x = ops.broadcast_to(x, shape)
    return x + 0j if iscomplex and not _np.iscomplexobj(getval(x)) else x
