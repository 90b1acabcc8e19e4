"""Orthogonal polynomials, associated Legendre functions and spherical harmonics, by argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as onp

from ... import numpy as np
from ..registry import REFUSED, Array, as_value, nowhere, primal
from .space import sp, space

Slope = Callable[..., Array]


def _but_at_zero(slope: Slope) -> Slope:
    """A slope in terms of the polynomial of degree n - 1; that of degree 0 is constant."""

    def partial(ans: Array, n: Any, *rest: Array) -> Array:
        constant = onp.equal(primal(n), 0)
        if nowhere(constant):
            return slope(n, *rest)
        return np.where(constant, 0.0, slope(onp.where(constant, 1, primal(n)), *rest))

    return partial


def _enter(name: str, slope: Slope, parameters: int = 0) -> None:
    refused = [REFUSED] * (1 + parameters)
    space.elementwise(name, *refused, _but_at_zero(slope))


# DLMF 18.9.15-28: the derivative is a polynomial of the family with raised parameters.
_enter("eval_legendre", lambda n, x: sp.eval_gegenbauer(n - 1, 1.5, x))
_enter("eval_sh_legendre", lambda n, x: 2 * sp.eval_gegenbauer(n - 1, 1.5, 2 * x - 1))
_enter("eval_gegenbauer", lambda n, a, x: 2 * a * sp.eval_gegenbauer(n - 1, a + 1, x), 1)
_enter(
    "eval_jacobi",
    lambda n, a, b, x: (n + a + b + 1) / 2 * sp.eval_jacobi(n - 1, a + 1, b + 1, x),
    2,
)
_enter("eval_sh_jacobi", lambda n, p, q, x: n * sp.eval_sh_jacobi(n - 1, p + 2, q + 1, x), 2)
_enter("eval_chebyt", lambda n, x: n * sp.eval_chebyu(n - 1, x))
_enter("eval_chebyu", lambda n, x: 2 * sp.eval_gegenbauer(n - 1, 2.0, x))
_enter("eval_chebyc", lambda n, x: n * sp.eval_chebys(n - 1, x))
_enter("eval_chebys", lambda n, x: sp.eval_gegenbauer(n - 1, 2.0, x / 2))
_enter("eval_sh_chebyt", lambda n, x: 2 * n * sp.eval_sh_chebyu(n - 1, x))
_enter("eval_sh_chebyu", lambda n, x: 4 * sp.eval_gegenbauer(n - 1, 2.0, 2 * x - 1))
_enter("eval_hermite", lambda n, x: 2 * n * sp.eval_hermite(n - 1, x))
_enter("eval_hermitenorm", lambda n, x: n * sp.eval_hermitenorm(n - 1, x))
_enter("eval_laguerre", lambda n, x: -sp.eval_genlaguerre(n - 1, 1.0, x))
_enter("eval_genlaguerre", lambda n, a, x: -sp.eval_genlaguerre(n - 1, a + 1, x), 1)


def _lpmv_slope(ans: Array, m: Array, v: Array, x: Array) -> Array:
    """DLMF 14.10.5: (x^2 - 1) dP/dx = v x P_v - (v + m) P_(v - 1)."""
    return (v * x * ans - (v + m) * sp.lpmv(m, v - 1, x)) / (x * x - 1)


space.elementwise("lpmv", REFUSED, REFUSED, _lpmv_slope)


def _raised(n: Any, m: Any, step: int, theta: Array, phi: Array) -> Array:
    """sqrt((n - s m)(n + s m + 1)) exp(-i s phi) Y of order m + s, for the step s; 0 beyond n."""
    factor = onp.sqrt(onp.maximum((n - step * m) * (n + step * m + 1.0), 0.0))
    order = onp.where(factor == 0, m, m + step)
    return factor * np.exp(-1j * step * phi) * sp.sph_harm_y(n, order, theta, phi)


def _harmonic_by_theta(ans: Array, n: Any, m: Any, theta: Array, phi: Array) -> Array:
    """From the ladder operators: without the quotient by sin(theta) that poles would need."""
    n, m = as_value(primal(n)), as_value(primal(m))
    return (_raised(n, m, 1, theta, phi) - _raised(n, m, -1, theta, phi)) / 2


space.elementwise(
    "sph_harm_y",
    REFUSED,
    REFUSED,
    _harmonic_by_theta,
    lambda ans, n, m, theta, phi: 1j * as_value(primal(m)) * ans,
)
