"""The gamma function and its relatives: gamma, its logarithm, polygamma, beta, binomials, zeta."""

from __future__ import annotations

from typing import Any

import numpy as onp
import scipy.special

from ... import numpy as np
from ..registry import Array, as_value, attach_partials, getval, recorded
from .space import sp, space

MOST_SHIFTS = 1000


@recorded
def polygamma_real(n: Any, x: Any) -> Any:
    """SciPy's polygamma, and its continuation to negative x, which SciPy has as NaN.

    There it is shifted to positive x by the recurrence, DLMF 5.15.5:
    psi^(n)(x) = psi^(n)(x + 1) - (-1)^n n! / x^(n + 1).
    """
    x = onp.asarray(x)
    if x.dtype.kind == "c":
        raise NotImplementedError("polygamma of a complex argument: SciPy has real ones only")
    n = onp.asarray(n, float)
    negative = (x < 0) & (x > -MOST_SHIFTS) & (x != onp.floor(x))
    if not onp.any(negative):
        return scipy.special.polygamma(n, x)
    n, x, negative = onp.broadcast_arrays(n, x, negative)
    shifted, correction = onp.array(x, float), onp.zeros(x.shape)
    sign = onp.where(n % 2 == 0, 1.0, -1.0) * scipy.special.gamma(n + 1)
    low = negative
    while onp.any(low):
        correction = onp.where(
            low, correction - sign / onp.where(low, shifted, 1) ** (n + 1), correction
        )
        shifted = onp.where(low, shifted + 1, shifted)
        low = negative & (shifted < 0)
    return (scipy.special.polygamma(n, shifted) + correction)[()]


attach_partials(polygamma_real, None, lambda ans, n, x: polygamma_real(n + 1, x))


@recorded
def polygamma_value(n: Any, x: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.special.polygamma(n, x)


attach_partials(polygamma_value, None, lambda ans, n, x: polygamma_real(n + 1, x))


@space.composite("polygamma")
def polygamma(n: Array, x: Array) -> Array:
    """The n-th derivative of digamma; n is whole, so the derivative by n is zero."""
    return polygamma_value(as_value(n), as_value(x))


# DLMF 5.2.2: psi = gamma' / gamma.
space.elementwise("psi digamma", lambda ans, x: polygamma_real(1, x))
space.elementwise("gamma", lambda ans, x: ans * sp.psi(x))
space.elementwise("gammaln loggamma", lambda ans, x: sp.psi(x))
space.zero("gammasgn")


def _rgamma_slope(ans: Array, x: Array) -> Array:
    """Derivative of 1 / gamma: -psi(x) / gamma(x); at the poles of gamma (-1)^n n!, DLMF 5.2.1."""
    value = onp.asarray(getval(x))
    if value.dtype.kind == "c":
        return -ans * sp.psi(x)
    pole = (value <= 0) & (value == onp.floor(value))
    if not onp.any(pole):
        return -ans * sp.psi(x)
    n = onp.where(pole, -value, 0.0)
    at_pole = onp.where(n % 2 == 0, 1.0, -1.0) * scipy.special.gamma(n + 1)
    return np.where(pole, at_pole, -ans * sp.psi(np.where(pole, 1.0, x)))


space.elementwise("rgamma", _rgamma_slope)


@recorded
def multigammaln_value(a: Any, d: int) -> Any:
    """SciPy's value, from arguments in canonical order."""
    theirs: Any = scipy.special  # its stubs lack multigammaln
    return theirs.multigammaln(a, d)


# gamma_d(a) = pi^(d (d - 1) / 4) * product of gamma(a - j / 2), j < d (DLMF 35.3.1).
attach_partials(
    multigammaln_value,
    lambda ans, a, d: sum(sp.psi(a - j / 2) for j in range(d)),
    None,
)


@space.composite("multigammaln")
def multigammaln(a: Array, d: Any) -> Array:
    """Logarithm of the multivariate gamma function; the dimension d is whole."""
    return multigammaln_value(as_value(a), getval(d))


# DLMF 5.12.1: B(a, b) = gamma(a) gamma(b) / gamma(a + b).
space.elementwise(
    "beta",
    lambda ans, a, b: ans * (sp.psi(a) - sp.psi(a + b)),
    lambda ans, a, b: ans * (sp.psi(b) - sp.psi(a + b)),
)
space.elementwise(
    "betaln",
    lambda ans, a, b: sp.psi(a) - sp.psi(a + b),
    lambda ans, a, b: sp.psi(b) - sp.psi(a + b),
)
# Binomial coefficient gamma(n + 1) / (gamma(k + 1) gamma(n - k + 1)), DLMF 1.2.6.
space.elementwise(
    "binom",
    lambda ans, n, k: ans * (sp.psi(n + 1) - sp.psi(n - k + 1)),
    lambda ans, n, k: ans * (sp.psi(n - k + 1) - sp.psi(k + 1)),
)
# Pochhammer's symbol gamma(z + m) / gamma(z), DLMF 5.2.5.
space.elementwise(
    "poch",
    lambda ans, z, m: ans * (sp.psi(z + m) - sp.psi(z)),
    lambda ans, z, m: ans * sp.psi(z + m),
)


# ---- zeta --------------------------------------------------------------------------------------


@recorded
def hurwitz(s: Any, q: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.special.zeta(s, q)


def _refuse_s() -> Any:
    raise NotImplementedError(
        "zeta has no derivative rule for its first argument in fastad; the second has one"
    )


# DLMF 25.11.17: the derivative of zeta(s, q) by q is -s zeta(s + 1, q).
attach_partials(hurwitz, lambda ans, s, q: _refuse_s(), lambda ans, s, q: -s * hurwitz(s + 1, q))


@space.composite("zeta")
def zeta(x: Array, q: Array | None = None, out: None = None) -> Array:
    """Hurwitz's zeta function, differentiable by its second argument."""
    if q is None:
        _refuse_s()
    return hurwitz(as_value(x), as_value(q))
