"""The negative binomial distribution, differentiable by n and p.

`pmf(k, n, p, loc=0) = binom(k + n - 1, k) * p**n * (1 - p) ** k`, with `k - loc` for k.
The methods are SciPy's; whole numbers have no derivative.

Examples
--------
>>> from fastad import grad
>>> from fastad.scipy.stats import nbinom
>>> round(float(grad(nbinom.logpmf, 2)(2, 5.0, 0.25)), 6)
17.333333
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scipy.stats import nbinom as _nbinom

from ... import numpy as np
from ..registry import Array, safe_divide
from ..special import gammas
from ..special.densities import beta_density
from ..special.incomplete import beta_shape
from .discrete import Discrete


def _score(k: Array, n: Array, p: Array) -> Any:
    """Of the probability gamma(k + n) / (gamma(n) k!) p^n (1 - p)^k."""
    return (
        lambda: gammas.psi_gap(n, k) + np.log(p),
        lambda: n / p - safe_divide(k, 1 - p),
    )


# At most k: betainc(n, k + 1, p).
family = Discrete(
    _nbinom,
    _score,
    lambda k, n, p: (lambda: beta_shape(1, 0, n, k + 1, p), lambda: beta_density(n, k + 1, p)),
    slope=lambda pmf, k, n, p: n / p * (pmf(k, n, p) - pmf(k - 1, n + 1, p)),
    moments=lambda n, p: (n * (1 - p) / p, n * (1 - p) / (p * p)),
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
