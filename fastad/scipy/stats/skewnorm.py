"""The skew normal distribution."""

from __future__ import annotations

from math import pi
from typing import TYPE_CHECKING, Any

from scipy.stats import skewnorm as _skewnorm

from ... import numpy as np
from ..special.error import normal_ratio
from .continuous import Continuous

# The density is 2 phi(z) Phi(a z), the distribution function Phi(z) - 2 T(z, a) with Owen's T.
family = Continuous(
    _skewnorm,
    lambda z, a: (lambda: a * normal_ratio(a * z) - z, lambda: z * normal_ratio(a * z)),
    lambda z, a: (lambda: -np.exp(-0.5 * z * z * (1 + a * a)) / (pi * (1 + a * a)),),
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
