"""`Array`: the type of what functions to differentiate take and return, for annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import ArrayBox

__all__ = ["Array"]

if TYPE_CHECKING:
    # NumPy's functions and ours are typed for ndarray, which a traced array stands for.
    Array = np.ndarray[Any, np.dtype[Any]]
else:
    Array = np.ndarray | ArrayBox
