"""The Laplace distribution.

`pdf(x, loc=0, scale=1) = exp(-abs(z)) / (2 * scale)`
with `z = (x - loc) / scale`.
The methods are SciPy's, and differentiable by each of their arguments.

Examples
--------
>>> from fastad import grad
>>> from fastad.scipy.stats import laplace
>>> round(float(grad(laplace.logpdf)(0.25)), 6)
-1.0
"""

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
