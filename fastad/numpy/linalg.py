"""`numpy.linalg`: every function of it, differentiable; the rules stand in files of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .namespace import fill

__all__: list[str] = []
__all__ += fill(globals(), np.linalg, "linalg")

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
