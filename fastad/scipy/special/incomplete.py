"""Incomplete gamma and beta functions, differentiable by all arguments.

By x the derivatives are densities (DLMF 8.8.13, 8.17.1), by the shapes the integrals of
`quadrature`. Everything is written in primitives, so derivatives of every order exist, mixed ones
too. Their inverses stand in `inverses`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as onp

from ... import numpy as np
from ..registry import Array, Symbol, attach_partials, helper, nowhere, primal
from . import quadrature
from .densities import beta_density, gamma_density, positive
from .gammas import psi_gap
from .space import sp, space

# ---- derivatives by the shapes, as primitives ----------------------------------------------------


@helper
def gamma_shape(n: int, a: Any, x: Any) -> Any:
    """The n-th derivative of gammainc(a, x) by a."""
    if isinstance(x, Symbol):
        small = n == 1 and x.dtype == float and nowhere(a > quadrature.LARGEST_SHAPE)
        return quadrature.gamma_slope(a, x) if small else NotImplemented
    return quadrature.gamma_shape_derivative(n, a, x)


def gamma_scores(n: int, a: Array, x: Array) -> list[Array]:
    """The first n derivatives by a of the density's logarithm."""
    return [np.log(x) - sp.psi(a)] + [-sp.polygamma(k, a) for k in range(1, n)]


def _gamma_shape_by_x(ans: Array, n: int, a: Array, x: Array) -> Array:
    """The n-th derivative by a of the density."""
    end, safe = positive(x)
    value = gamma_density(a, safe) * quadrature.bell(n, gamma_scores(n, a, safe))
    return value if nowhere(end) else np.where(end, 0.0, value)


attach_partials(gamma_shape, None, lambda ans, n, a, x: gamma_shape(n + 1, a, x), _gamma_shape_by_x)


@helper
def beta_shape(m: int, n: int, a: Any, b: Any, x: Any) -> Any:
    """The derivative of betainc(a, b, x), m times by a and n times by b."""
    return quadrature.beta_shape_derivative(m, n, a, b, x)


def beta_scores(a: Array, b: Array, x: Array) -> Callable[[int, int], Array]:
    """The derivative of the density's logarithm, i times by a and j times by b, as a function."""

    def score(i: int, j: int) -> Array:
        if i + j == 1:
            return psi_gap(a, b) + np.log(x) if i else psi_gap(b, a) + np.log1p(-x)
        both = sp.polygamma(i + j - 1, a + b)
        if i and j:
            return both
        return both - sp.polygamma(i + j - 1, a if i else b)

    return score


def _beta_shape_by_x(ans: Array, m: int, n: int, a: Array, b: Array, x: Array) -> Array:
    value = primal(x)
    end = onp.equal(value, 0) | onp.equal(value, 1)
    safe = x if nowhere(end) else np.where(end, 0.5, x)
    result = beta_density(a, b, safe) * quadrature.bell_pair(m, n, beta_scores(a, b, safe))
    return result if nowhere(end) else np.where(end, 0.0, result)


attach_partials(
    beta_shape,
    None,
    None,
    lambda ans, m, n, a, b, x: beta_shape(m + 1, n, a, b, x),
    lambda ans, m, n, a, b, x: beta_shape(m, n + 1, a, b, x),
    _beta_shape_by_x,
)

# ---- the functions -----------------------------------------------------------------------------

space.elementwise(
    "gammainc", lambda ans, a, x: gamma_shape(1, a, x), lambda ans, a, x: gamma_density(a, x)
)
space.elementwise(
    "gammaincc", lambda ans, a, x: -gamma_shape(1, a, x), lambda ans, a, x: -gamma_density(a, x)
)
space.elementwise(
    "betainc",
    lambda ans, a, b, x: beta_shape(1, 0, a, b, x),
    lambda ans, a, b, x: beta_shape(0, 1, a, b, x),
    lambda ans, a, b, x: beta_density(a, b, x),
)
space.elementwise(
    "betaincc",
    lambda ans, a, b, x: -beta_shape(1, 0, a, b, x),
    lambda ans, a, b, x: -beta_shape(0, 1, a, b, x),
    lambda ans, a, b, x: -beta_density(a, b, x),
)
