"""The Dirichlet distribution: pdf, logpdf and entropy, by the point and the concentrations."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as onp
from scipy.stats import dirichlet as _dirichlet

from ... import numpy as np
from ..registry import Array, Namespace, as_float, defjvp, defvjp, helper, safe_divide, shape_of
from ..special import gammas
from ..special.remainders import dirichlet_entropy_slope
from .frozen import Frozen, make_callable

space = Namespace(_dirichlet, "fastad.scipy.stats.dirichlet")


@helper
def logpdf_value(x: Any, alpha: Any) -> Any:
    """SciPy's value; x has one row for each concentration, the last may be left out."""
    return _dirichlet.logpdf(x, alpha)


def _column(alpha: Array, x: Array) -> Array:
    return np.reshape(alpha, (-1,) + (1,) * (len(shape_of(x)) - 1))


def _by_x(x: Array, alpha: Array) -> Array:
    """(alpha - 1) / x; a row left out is one minus the sum of the others."""
    powers = _column(alpha, x) - 1
    if shape_of(x)[0] == shape_of(alpha)[0]:
        return safe_divide(powers, x)
    return safe_divide(powers[:-1], x) - safe_divide(powers[-1:], 1 - np.sum(x, axis=0))


def _by_alpha(x: Array, alpha: Array) -> Array:
    """log(x) - psi(alpha) + psi(sum of alpha), one row for each concentration."""
    if shape_of(x)[0] != shape_of(alpha)[0]:
        x = np.concatenate([x, 1 - np.sum(x, axis=0, keepdims=True)])
    others = np.dot(1 - onp.eye(shape_of(alpha)[0]), alpha)
    return np.log(x) + _column(gammas.psi_gap(alpha, others), x)


def _vjp_alpha(ans: Array, x: Array, alpha: Array) -> Any:
    others = tuple(range(1, len(shape_of(x))))
    return lambda g: np.sum(g * _by_alpha(x, alpha), axis=others)


defvjp(logpdf_value, lambda ans, x, alpha: lambda g: g * _by_x(x, alpha), _vjp_alpha)
defjvp(
    logpdf_value,
    lambda t, ans, x, alpha: np.sum(t * _by_x(x, alpha), axis=0),
    lambda t, ans, x, alpha: np.sum(_column(t, x) * _by_alpha(x, alpha), axis=0),
)


@space.composite("logpdf")
def logpdf(x: Array, alpha: Array) -> Array:
    """Logarithm of the density at the points in the columns of x."""
    return logpdf_value(as_float(x), as_float(alpha))


@helper
def pdf_value(x: Any, alpha: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return _dirichlet.pdf(x, alpha)


def _pdf_vjp_alpha(ans: Array, x: Array, alpha: Array) -> Any:
    others = tuple(range(1, len(shape_of(x))))
    return lambda g: np.sum(g * ans * _by_alpha(x, alpha), axis=others)


defvjp(pdf_value, lambda ans, x, alpha: lambda g: g * ans * _by_x(x, alpha), _pdf_vjp_alpha)
defjvp(
    pdf_value,
    lambda t, ans, x, alpha: ans * np.sum(t * _by_x(x, alpha), axis=0),
    lambda t, ans, x, alpha: ans * np.sum(_column(t, x) * _by_alpha(x, alpha), axis=0),
)


@space.composite("pdf")
def pdf(x: Array, alpha: Array) -> Array:
    """Density at the points in the columns of x."""
    return pdf_value(as_float(x), as_float(alpha))


@helper
def entropy_value(alpha: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return _dirichlet.entropy(alpha)


defvjp(entropy_value, lambda ans, alpha: lambda g: g * dirichlet_entropy_slope(alpha))
defjvp(entropy_value, lambda t, ans, alpha: np.sum(t * dirichlet_entropy_slope(alpha)))


@space.composite("entropy")
def entropy(alpha: Array) -> Array:
    """Differential entropy."""
    return entropy_value(as_float(alpha))


@space.derivative_of("mean")
def mean(alpha: Array) -> Array:
    """The concentrations over their sum."""
    alpha = as_float(alpha)
    return np.squeeze(alpha / np.sum(alpha))


@space.derivative_of("var")
def var(alpha: Array) -> Array:
    """m (1 - m) / (sum + 1), m the mean."""
    alpha = as_float(alpha)
    total = np.sum(alpha)
    return np.squeeze(alpha * (total - alpha) / (total * total * (total + 1)))


def freeze(*args: Any, **kwds: Any) -> Frozen:
    """Fix the concentrations, and a seed that only random variates have use for."""
    return Frozen(_dirichlet, _methods, _without_seed, args, kwds)


def _without_seed(name: str, args: Any, kwds: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    return args[:1], {key: value for key, value in kwds.items() if key != "seed"}


_methods = dict(space.entries)

for _name in ("rvs", "cov"):
    if hasattr(_dirichlet, _name):
        space.rule(_name)

globals().update(space.entries, __all__=sorted(space.entries))
make_callable(sys.modules[__name__], freeze)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
