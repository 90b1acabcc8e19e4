"""The exponential distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scipy.stats import expon as _expon

from ... import numpy as np
from .continuous import Continuous

# The density is exp(-z).
family = Continuous(
    _expon,
    lambda z: (-np.ones_like(z),),
    support=(0, float("inf")),
    ratios=(lambda z: 1 / np.expm1(z), lambda z: np.ones_like(z)),
    moments=lambda: (1.0, 1.0),
    entropy=lambda: 1.0,
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
