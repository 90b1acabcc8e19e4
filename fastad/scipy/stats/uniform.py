"""The uniform distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scipy.stats import uniform as _uniform

from ... import numpy as np
from .continuous import Continuous

# The density is one on its support: inside, only scale changes it.
family = Continuous(
    _uniform,
    lambda z: (np.zeros_like(z),),
    support=(0, 1),
    ratios=(lambda z: 1 / z, lambda z: 1 / (1 - z)),
    moments=lambda: (1 / 2, 1 / 12),
    entropy=lambda: 0.0,
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
