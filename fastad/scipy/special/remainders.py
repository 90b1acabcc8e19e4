"""Polygamma functions less their leading terms, and entropies whose slopes are such remainders.

With large shape parameters the slope of an entropy is a small difference of large terms,
1 - (a - 1) psi'(a) for the gamma distribution. Of psi'(a) = 1 / a + r(a) the first term is taken
out by hand: what is left, 1 / a - (a - 1) r(a), keeps its digits.
"""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as onp
import scipy.special

from ... import numpy as np
from ..registry import Array, attach_partials, helper
from .gammas import BERNOULLI, REMOTE
from .student import student_gap

__all__ = ["beta_entropy", "dirichlet_entropy_slope", "gamma_entropy", "t_entropy"]


@helper
def polygamma_rest(n: int, x: Any) -> Any:
    """psi^(n)(x) - (-1)^(n - 1) (n - 1)! / x^n for n >= 1 and x > 0.

    The recurrence DLMF 5.15.5 up to where the series DLMF 5.15.9 holds. With u = 1 / x and
    v = 1 / (x + 1) a step is n! u^(n + 1) - (n - 1)! (u^n - v^n), which is u^2 v times a sum of
    positive terms.
    """
    kind = onp.result_type(onp.asarray(x).dtype, onp.float32)
    x = onp.asarray(x, float)
    with onp.errstate(all="ignore"):
        total, x = onp.zeros(x.shape), onp.where(x > 0, x, onp.nan)
        for _ in range(int(REMOTE)):
            u, v = 1 / x, 1 / (x + 1)
            terms: Any = sum((n - j) * u ** (n - 1 - j) * v**j for j in range(n))
            below = x < REMOTE
            total = onp.where(below, total + factorial(n - 1) * (u * u * v) * terms, total)
            x = onp.where(below, x + 1, x)
        u = 1 / x
        series = factorial(n) / 2 * u ** (n + 1)
        for k, bernoulli in enumerate(BERNOULLI[:10], 1):
            series = series + bernoulli * (
                factorial(2 * k + n - 1) / factorial(2 * k) * u ** (2 * k + n)
            )
    return ((-1) ** (n - 1) * (total + series)).astype(kind)[()]


attach_partials(polygamma_rest, None, lambda ans, n, x: polygamma_rest(n + 1, x))


def _slope(a: Array, total: Array, count: float) -> Array:
    """(total - count) psi'(total) - (a - 1) psi'(a)."""
    own = 1 / a - (a - 1) * polygamma_rest(1, a)
    return own - count / total + (total - count) * polygamma_rest(1, total)


def _digamma_part(a: Any) -> Any:
    return (a - 1) * scipy.special.psi(a)


@helper
def gamma_entropy(a: Any) -> Any:
    """Entropy of the gamma distribution with scale one."""
    return a + scipy.special.gammaln(a) - _digamma_part(a)


attach_partials(gamma_entropy, lambda ans, a: 1 / a - (a - 1) * polygamma_rest(1, a))


@helper
def beta_entropy(a: Any, b: Any) -> Any:
    """Entropy of the beta distribution."""
    total = a + b
    shapes = (total - 2) * scipy.special.psi(total) - _digamma_part(a) - _digamma_part(b)
    return scipy.special.betaln(a, b) + shapes


attach_partials(
    beta_entropy,
    lambda ans, a, b: _slope(a, a + b, 2),
    lambda ans, a, b: _slope(b, a + b, 2),
)


def dirichlet_entropy_slope(alpha: Array) -> Array:
    """Slope of the entropy of the Dirichlet distribution by its concentrations."""
    return _slope(alpha, np.sum(alpha), len(alpha))


@helper
def t_entropy(df: Any) -> Any:
    """Entropy of Student's t."""
    gap = scipy.special.psi((df + 1) / 2) - scipy.special.psi(df / 2)
    return (df + 1) / 2 * gap + onp.log(df) / 2 + scipy.special.betaln(df / 2, 0.5)


# (v + 1) / 4 (psi'((v + 1) / 2) - psi'(v / 2)) + 1 / (2 v), of which 1 / v leaves both terms.
attach_partials(t_entropy, lambda ans, v: (v + 1) / 2 * student_gap(1, v) - 0.5 / (v * v))
