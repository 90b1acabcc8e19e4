"""The binomial distribution, differentiable by p.

`pmf(k, n, p, loc=0) = binom(n, k) * p**k * (1 - p) ** (n - k)`, with `k - loc` for k.
The methods are SciPy's; whole numbers have no derivative.

Examples
--------
>>> from fastad import grad
>>> from fastad.scipy.stats import binom
>>> round(float(grad(binom.logpmf, 2)(2, 5, 0.25)), 6)
4.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as onp
from scipy.stats import binom as _binom

from ..registry import Array, primal, safe_divide
from ..special.densities import beta_density
from .discrete import Discrete


def _score(k: Array, n: Array, p: Array) -> tuple[None, Array]:
    """Of the probability binom(n, k) p^k (1 - p)^(n - k)."""
    return None, safe_divide(k, p) - safe_divide(n - k, 1 - p)


def _slope(pmf: Any, k: Array, n: Array, p: Array) -> Array:
    fewer = onp.maximum(onp.subtract(primal(n), 1), 0)
    return n * (pmf(k - 1, fewer, p) - pmf(k, fewer, p))


# At most k: betainc(n - k, k + 1, 1 - p).
family = Discrete(
    _binom,
    _score,
    lambda k, n, p: (None, -beta_density(k + 1, n - k, p)),
    slope=_slope,
    refused=(0,),
    moments=lambda n, p: (n * p, n * p * (1 - p)),
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
