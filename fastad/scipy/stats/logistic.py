"""The logistic distribution.

`pdf(x, loc=0, scale=1) = exp(-z) / ((1 + exp(-z)) ** 2 * scale)`
with `z = (x - loc) / scale`.
The methods are SciPy's, and differentiable by each of their arguments.

Examples
--------
>>> from fastad import grad
>>> from fastad.scipy.stats import logistic
>>> round(float(grad(logistic.logpdf)(0.25)), 6)
-0.124353
"""

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
