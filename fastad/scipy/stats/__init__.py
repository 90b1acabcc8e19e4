"""`scipy.stats`: densities and distribution functions, differentiable by value and parameters.

Each distribution is a module (as in autograd) with SciPy's functions: `norm.logpdf(x, loc, scale)`;
called, it fixes the parameters: `norm(loc, scale).logpdf(x)`.
"""

from __future__ import annotations

from typing import Any

import scipy.stats as _stats

from . import (
    bernoulli,
    beta,
    binom,
    cauchy,
    chi2,
    dirichlet,
    expon,
    gamma,
    laplace,
    logistic,
    lognorm,
    multivariate_normal,
    nbinom,
    norm,
    poisson,
    t,
    uniform,
    weibull_min,
)

__all__ = [
    "bernoulli",
    "beta",
    "binom",
    "cauchy",
    "chi2",
    "dirichlet",
    "expon",
    "gamma",
    "laplace",
    "logistic",
    "lognorm",
    "multivariate_normal",
    "nbinom",
    "norm",
    "poisson",
    "t",
    "uniform",
    "weibull_min",
]


def __getattr__(name: str) -> Any:
    """Return SciPy's own object for what is not differentiable here."""
    if name.startswith("__"):
        raise AttributeError(f"module 'fastad.scipy.stats' has no attribute {name!r}")
    try:
        return getattr(_stats, name)
    except AttributeError:
        raise AttributeError(f"module 'fastad.scipy.stats' has no attribute {name!r}") from None
