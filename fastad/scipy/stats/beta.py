"""The beta distribution.

`pdf(x, a, b, loc=0, scale=1) = z ** (a - 1) * (1 - z) ** (b - 1) / (beta(a, b) * scale)`
with `z = (x - loc) / scale`, where that is between 0 and 1.
The methods are SciPy's, and differentiable by each of their arguments.

Examples
--------
>>> from fastad import grad
>>> from fastad.scipy.stats import beta
>>> round(float(grad(beta.logpdf)(0.25, 2.0, 3.0)), 6)
1.333333
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scipy.stats import beta as _beta

from ... import numpy as np
from ..registry import Array, safe_divide
from ..special import gammas
from ..special.densities import beta_density, beta_density_by_x
from ..special.incomplete import beta_shape
from ..special.inverses import beta_quantiles
from ..special.remainders import beta_entropy
from .continuous import Continuous


def _score(z: Array, a: Array, b: Array) -> Any:
    """Of the density z^(a - 1) (1 - z)^(b - 1) / B(a, b)."""
    return (
        lambda: safe_divide(a - 1, z) - safe_divide(b - 1, 1 - z),
        lambda: np.log(z) + gammas.psi_gap(a, b),
        lambda: np.log1p(-z) + gammas.psi_gap(b, a),
    )


def _moments(a: Array, b: Array) -> tuple[Array, Array]:
    total = a + b
    return a / total, a * b / (total * total * (total + 1))


family = Continuous(
    _beta,
    _score,
    lambda z, a, b: (lambda: beta_shape(1, 0, a, b, z), lambda: beta_shape(0, 1, a, b, z)),
    support=(0, 1),
    slope=lambda z, a, b: beta_density_by_x(beta_density(a, b, z), a, b, z),
    by_scale=lambda z, a, b: a - safe_divide((b - 1) * z, 1 - z),
    moments=_moments,
    entropy=beta_entropy,
    quantiles=lambda z, q, upper, a, b: beta_quantiles(z, a, b, q, upper),
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
