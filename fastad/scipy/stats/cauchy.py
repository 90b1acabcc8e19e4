"""The Cauchy distribution."""

from __future__ import annotations

from math import log, pi
from typing import TYPE_CHECKING, Any

from scipy.stats import cauchy as _cauchy

from .family import Continuous

# The density is 1 / (pi (1 + z^2)).
family = Continuous(
    _cauchy,
    lambda z: (-2 * z / (1 + z * z),),
    entropy=lambda: log(4 * pi),
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
