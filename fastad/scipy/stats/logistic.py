"""The logistic distribution."""

from __future__ import annotations

from math import pi
from typing import TYPE_CHECKING, Any

from scipy.stats import logistic as _logistic

from ... import numpy as np
from ..special.space import sp
from .continuous import Continuous

# The density is 1 / (4 cosh(z / 2)^2).
family = Continuous(
    _logistic,
    lambda z: (-np.tanh(z / 2),),
    ratios=(lambda z: sp.expit(-z), lambda z: sp.expit(z)),
    moments=lambda: (0.0, pi**2 / 3),
    entropy=lambda: 2.0,
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
