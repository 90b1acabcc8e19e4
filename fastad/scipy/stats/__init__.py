"""`scipy.stats`: densities and distribution functions, differentiable by value and parameters.

Each distribution is a module (as in autograd) with SciPy's functions: `norm.logpdf(x, loc, scale)`;
called, it fixes the parameters: `norm(loc, scale).logpdf(x)`.
"""

from __future__ import annotations

from typing import Any

import scipy
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
    kernels,
    laplace,
    logistic,
    lognorm,
    multinomial,
    multivariate_normal,
    multivariate_t,
    nbinom,
    norm,
    poisson,
    samples,
    skewnorm,
    t,
    truncnorm,
    uniform,
    vonmises,
    weibull_min,
    wishart,
)
from .generic import made

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
    "multinomial",
    "multivariate_normal",
    "multivariate_t",
    "nbinom",
    "norm",
    "poisson",
    "skewnorm",
    "t",
    "truncnorm",
    "uniform",
    "vonmises",
    "weibull_min",
    "wishart",
]

globals().update(samples.space.entries)
__all__.extend(sorted(samples.space.entries))


def __getattr__(name: str) -> Any:
    """Return the other distributions, by SciPy's formulas; SciPy's own object for what is none."""
    if name.startswith("__") or not hasattr(_stats, name):
        raise AttributeError(f"module 'fastad.scipy.stats' has no attribute {name!r}")
    distribution = made(name)
    if distribution is None:
        return getattr(_stats, name)
    globals()[name] = distribution
    return distribution
