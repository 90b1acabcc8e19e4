"""The Bernoulli distribution, differentiable by p.

`pmf(k, p, loc=0) = p**k * (1 - p) ** (1 - k)`, with `k - loc` for k.
The methods are SciPy's; whole numbers have no derivative.

Examples
--------
>>> from fastad import grad
>>> from fastad.scipy.stats import bernoulli
>>> round(float(grad(bernoulli.logpmf, 1)(1, 0.25)), 6)
4.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scipy.stats import bernoulli as _bernoulli

from ... import numpy as np
from ..registry import safe_divide
from ..special.space import sp
from .discrete import Discrete

# The probability of 1 is p, that of 0 is 1 - p.
family = Discrete(
    _bernoulli,
    lambda k, p: (safe_divide(k, p) - safe_divide(1 - k, 1 - p),),
    lambda k, p: (-np.ones_like(k * p),),
    slope=lambda pmf, k, p: 2 * k - np.ones_like(p),
    moments=lambda p: (p, p * (1 - p)),
    entropy=lambda p: sp.entr(p) + sp.entr(1 - p),
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
