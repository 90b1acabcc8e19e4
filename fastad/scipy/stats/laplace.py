"""The Laplace distribution."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any

from scipy.stats import laplace as _laplace

from ... import numpy as np
from ..registry import Array
from .continuous import Continuous


# The density is exp(-abs(z)) / 2.
def _ratio(z: Array) -> Array:
    """Density over distribution function: 1 / (2 exp(z) - 1) above zero, 1 below."""
    return 1 / (1 + 2 * np.expm1(np.maximum(z, 0.0)))


family = Continuous(
    _laplace,
    lambda z: (-np.sign(z),),
    ratios=(_ratio, lambda z: _ratio(-z)),
    moments=lambda: (0.0, 2.0),
    entropy=lambda: 1 + log(2),
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
