"""The Laplace distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scipy.stats import laplace as _laplace

from ... import numpy as np
from .family import Continuous

# The density is exp(-abs(z)) / 2.
family = Continuous(_laplace, lambda z: (-np.sign(z),))

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
