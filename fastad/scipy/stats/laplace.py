"""The Laplace distribution."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any

from scipy.stats import laplace as _laplace

from ... import numpy as np
from .family import Continuous

# The density is exp(-abs(z)) / 2.
family = Continuous(
    _laplace,
    lambda z: (-np.sign(z),),
    moments=lambda: (0.0, 2.0),
    entropy=lambda: 1 + log(2),
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
