"""`numpy.fft`: every transform, differentiable; the rules stand in `transforms`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..namespace import fill
from . import transforms

__all__: list[str] = []
__all__ += fill(globals(), np.fft, "fft")
