"""The chi-squared distribution.

`pdf(x, df, loc=0, scale=1) =
z ** (df / 2 - 1) * exp(-z / 2) / (2 ** (df / 2) * gamma(df / 2) * scale)`
with `z = (x - loc) / scale`, where that is positive.
The methods are SciPy's, and differentiable by each of their arguments.

Examples
--------
>>> from fastad import grad
>>> from fastad.scipy.stats import chi2
>>> round(float(grad(chi2.logpdf)(0.25, 3.0)), 6)
1.5
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any

from scipy.stats import chi2 as _chi2

from ... import numpy as np
from ..registry import Array, safe_divide
from ..special.densities import gamma_density, gamma_density_by_x
from ..special.incomplete import gamma_shape
from ..special.inverses import gamma_gain, gamma_spacing
from ..special.remainders import gamma_entropy
from ..special.space import sp
from .continuous import Continuous


def _score(z: Array, df: Array) -> Any:
    """Of the density (z / 2)^(df / 2 - 1) exp(-z / 2) / (2 gamma(df / 2))."""
    return (
        lambda: safe_divide(df / 2 - 1, z) - 0.5,
        lambda: (np.log(z / 2) - sp.psi(df / 2)) / 2,
    )


family = Continuous(
    _chi2,
    _score,
    lambda z, df: (gamma_shape(1, df / 2, z / 2) / 2,),
    support=(0, float("inf")),
    slope=lambda z, df: gamma_density_by_x(gamma_density(df / 2, z / 2), df / 2, z / 2) / 4,
    by_scale=lambda z, df: (df - z) / 2,
    moments=lambda df: (df, 2 * df),
    quantiles=lambda z, q, upper, df: (
        lambda: (-2 if upper else 2) * gamma_spacing(df / 2, z / 2),
        lambda: -gamma_gain(1, df / 2, z / 2),
    ),
    entropy=lambda df: log(2) + gamma_entropy(df / 2),
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
