"""The gamma distribution.

`pdf(x, a, loc=0, scale=1) = z ** (a - 1) * exp(-z) / (gamma(a) * scale)`
with `z = (x - loc) / scale`, where that is positive.
The methods are SciPy's, and differentiable by each of their arguments.

Examples
--------
>>> from fastad import grad
>>> from fastad.scipy.stats import gamma
>>> round(float(grad(gamma.logpdf)(0.25, 2.0)), 6)
3.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scipy.stats import gamma as _gamma

from ... import numpy as np
from ..registry import Array, safe_divide
from ..special.densities import gamma_density, gamma_density_by_x
from ..special.incomplete import gamma_shape
from ..special.inverses import gamma_gain, gamma_spacing
from ..special.remainders import gamma_entropy
from ..special.space import sp
from .continuous import Continuous


def _score(z: Array, a: Array) -> Any:
    """Of the density z^(a - 1) exp(-z) / gamma(a)."""
    return lambda: safe_divide(a - 1, z) - 1, lambda: np.log(z) - sp.psi(a)


family = Continuous(
    _gamma,
    _score,
    lambda z, a: (gamma_shape(1, a, z),),
    support=(0, float("inf")),
    slope=lambda z, a: gamma_density_by_x(gamma_density(a, z), a, z),
    by_scale=lambda z, a: a - z,
    moments=lambda a: (a, a),
    entropy=gamma_entropy,
    quantiles=lambda z, q, upper, a: (
        lambda: (-1 if upper else 1) * gamma_spacing(a, z),
        lambda: -gamma_gain(1, a, z),
    ),
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
