"""`numpy.random`: NumPy's generators, whose functions refuse traced parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .namespace import fill

__all__: list[str] = []
__all__ += fill(globals(), np.random, "random")

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
