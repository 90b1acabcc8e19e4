"""The Poisson distribution, differentiable by its mean."""

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
