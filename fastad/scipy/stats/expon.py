"""The exponential distribution.

`pdf(x, loc=0, scale=1) = exp(-z) / scale`
with `z = (x - loc) / scale`, where that is not negative.
The methods are SciPy's, and differentiable by each of their arguments.

Examples
--------
>>> from fastad import grad
>>> from fastad.scipy.stats import expon
>>> round(float(grad(expon.logpdf)(0.25)), 6)
-1.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scipy.stats import expon as _expon

from ... import numpy as np
from .continuous import Continuous

# The density is exp(-z).
family = Continuous(
    _expon,
    lambda z: (-np.ones_like(z),),
    support=(0, float("inf")),
    ratios=(lambda z: 1 / np.expm1(z), lambda z: np.ones_like(z)),
    moments=lambda: (1.0, 1.0),
    entropy=lambda: 1.0,
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
