"""The Poisson distribution, differentiable by mu.

`pmf(k, mu, loc=0) = mu**k * exp(-mu) / gamma(k + 1)`, with `k - loc` for k.
The methods are SciPy's; whole numbers have no derivative.

Examples
--------
>>> from fastad import grad
>>> from fastad.scipy.stats import poisson
>>> round(float(grad(poisson.logpmf, 1)(2, 1.5)), 6)
0.333333
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scipy.stats import poisson as _poisson

from ..registry import safe_divide
from ..special.densities import gamma_density
from .discrete import Discrete

# The probability of k is mu^k exp(-mu) / k!; that of at most k is gammaincc(k + 1, mu).
family = Discrete(
    _poisson,
    lambda k, mu: (safe_divide(k, mu) - 1,),
    lambda k, mu: (-gamma_density(k + 1, mu),),
    slope=lambda pmf, k, mu: pmf(k - 1, mu) - pmf(k, mu),
    moments=lambda mu: (mu, mu),
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
