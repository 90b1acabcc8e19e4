"""The Weibull distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scipy.stats import weibull_min as _weibull_min

from ... import numpy as np
from ..registry import Array, safe_divide
from .family import Continuous


def _score(z: Array, c: Array) -> tuple[Array, Array]:
    """Of the density c z^(c - 1) exp(-z^c)."""
    power = z**c
    return safe_divide(c - 1, z) - c * z ** (c - 1), 1 / c + np.log(z) * (1 - power)


def _by_shape(z: Array, c: Array) -> tuple[Array]:
    power = z**c
    return (np.exp(-power) * power * np.log(z),)


family = Continuous(_weibull_min, _score, _by_shape, support=(0, float("inf")))

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
