"""The skew normal distribution.

`pdf(x, a, loc=0, scale=1) = exp(-(z**2) / 2) * erfc(-a * z / sqrt(2)) / (sqrt(2 * pi) * scale)`
with `z = (x - loc) / scale`.
The methods are SciPy's, and differentiable by each of their arguments.

Examples
--------
>>> from fastad import grad
>>> from fastad.scipy.stats import skewnorm
>>> round(float(grad(skewnorm.logpdf)(0.25, 2.0)), 6)
0.768321
"""

from __future__ import annotations

from math import pi, sqrt
from typing import TYPE_CHECKING, Any

from scipy.stats import skewnorm as _skewnorm

from ... import numpy as np
from ..registry import Array
from ..special.error import normal_ratio
from .continuous import Continuous


def _moments(a: Array) -> tuple[Array, Array]:
    """With d = a / sqrt(1 + a^2): d sqrt(2 / pi) and 1 - 2 d^2 / pi (Azzalini, 1985)."""
    d = a / np.sqrt(1 + a * a)
    return d * sqrt(2 / pi), 1 - 2 * d * d / pi


# The density is 2 phi(z) Phi(a z), the distribution function Phi(z) - 2 T(z, a) with Owen's T.
family = Continuous(
    _skewnorm,
    lambda z, a: (lambda: a * normal_ratio(a * z) - z, lambda: z * normal_ratio(a * z)),
    lambda z, a: (lambda: -np.exp(-0.5 * z * z * (1 + a * a)) / (pi * (1 + a * a)),),
    moments=_moments,
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
