"""The normal distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scipy.stats import norm as _norm

from .family import Continuous

# The density is exp(-z^2 / 2) / sqrt(2 pi).
family = Continuous(_norm, lambda z: (-z,))

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
