"""The normal distribution.

`pdf(x, loc=0, scale=1) = exp(-z**2 / 2) / (sqrt(2 * pi) * scale)`
with `z = (x - loc) / scale`.
The methods are SciPy's, and differentiable by each of their arguments.

Examples
--------
>>> from fastad import grad
>>> from fastad.scipy.stats import norm
>>> round(float(grad(norm.logpdf)(0.25)), 6)
-0.25
"""

from __future__ import annotations

from math import e, log, pi
from typing import TYPE_CHECKING, Any

import numpy as onp
from scipy.stats import norm as _norm

from ..special.error import normal_ratio
from .continuous import Continuous

LOG_ROOT = onp.log(onp.sqrt(2 * pi))

# The density is exp(-z^2 / 2) / sqrt(2 pi).
family = Continuous(
    _norm,
    lambda z: (-z,),
    log_density=lambda z: z * z / -2.0 - LOG_ROOT,
    ratios=(normal_ratio, lambda z: normal_ratio(-z)),
    moments=lambda: (0.0, 1.0),
    entropy=lambda: log(2 * pi * e) / 2,
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
