"""The Cauchy distribution.

`pdf(x, loc=0, scale=1) = 1 / (pi * (1 + z**2) * scale)`
with `z = (x - loc) / scale`.
The methods are SciPy's, and differentiable by each of their arguments.

Examples
--------
>>> from fastad import grad
>>> from fastad.scipy.stats import cauchy
>>> round(float(grad(cauchy.logpdf)(0.25)), 6)
-0.470588
"""

from __future__ import annotations

from math import log, pi
from typing import TYPE_CHECKING, Any

from scipy.stats import cauchy as _cauchy

from ... import numpy as np
from ..registry import Array
from .continuous import Continuous


def _ratio(z: Array) -> Array:
    """Density over distribution function, which is arctan2(1, -z) / pi."""
    root = np.hypot(z, 1.0)
    return 1 / root / (root * np.arctan2(1.0, -z))


# The density is 1 / (pi (1 + z^2)).
family = Continuous(
    _cauchy,
    lambda z: (-2 * (z / np.hypot(z, 1.0)) / np.hypot(z, 1.0),),
    ratios=(_ratio, lambda z: _ratio(-z)),
    entropy=lambda: log(4 * pi),
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
