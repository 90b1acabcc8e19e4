"""Integrals: exponential, sine, Fresnel and elliptic integrals, dilogarithm, Lambert's W."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as onp
import scipy.special

from ... import numpy as np
from ..registry import REFUSED, Array, attach_partials, getval, recorded
from .space import sp, space

# DLMF 6.2.1, 6.2.5, 8.19.13.
space.elementwise("exp1", lambda ans, x: -np.exp(-x) / x)
space.elementwise("expi", lambda ans, x: np.exp(x) / x)
space.elementwise("expn", None, lambda ans, n, x: -sp.expn(n - 1, x))


def _spence_slope(ans: Array, z: Array) -> Array:
    """SciPy's spence is the integral of log(t) / (1 - t) from 1; at z = 1 its slope is -1."""
    one = onp.equal(getval(z), 1)
    if not onp.any(one):
        return np.log(z) / (1 - z)
    away = np.where(one, 2.0, z)
    # -1 + (z - 1) / 2 is the beginning of its series, so that second derivatives are right too.
    return np.where(one, -1 + (z - 1) / 2, np.log(away) / (1 - away))


space.elementwise("spence", _spence_slope)

# w exp(w) = z and w + log(w) = z, differentiated.
space.elementwise("wrightomega", lambda ans, z: ans / (1 + ans))


@recorded
def lambertw_value(z: Any, k: Any, tol: float) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.special.lambertw(z, k, tol)


attach_partials(lambertw_value, lambda ans, z, k, tol: np.exp(-ans) / (1 + ans), None, None)


@space.composite("lambertw")
def lambertw(z: Array, k: Any = 0, tol: float = 1e-8) -> Array:
    """Lambert's W, complex; DLMF 4.13.4."""
    return lambertw_value(z, getval(k), tol)


def _pair(name: str, first: Any, second: Any) -> None:
    """Enter a function that returns two integrals of known integrands."""
    function = getattr(scipy.special, name)

    def part(which: int, x: Any) -> Any:
        return function(x)[which]

    value = recorded(part)
    attach_partials(value, None, lambda ans, which, x: (second if which else first)(x))

    @space.composite(name)
    def traced(x: Array) -> tuple[Array, Array]:
        return value(0, x), value(1, x)


def _over_x(function: Any, curvature: float) -> Any:
    """sin(x) / x or sinh(x) / x, at zero by its series 1 + curvature x^2."""

    def quotient(x: Array) -> Array:
        zero = onp.equal(getval(x), 0)
        if not onp.any(zero):
            return function(x) / x
        away = np.where(zero, 1.0, x)
        return np.where(zero, 1 + curvature * x * x, function(away) / away)

    return quotient


# DLMF 6.2.9, 6.2.11, 6.2.15, 6.2.16, 7.2.7, 7.2.8.
_pair("sici", _over_x(np.sin, -1 / 6), lambda x: np.cos(x) / x)
_pair("shichi", _over_x(np.sinh, 1 / 6), lambda x: np.cosh(x) / x)
_pair("fresnel", lambda x: np.sin(pi / 2 * x * x), lambda x: np.cos(pi / 2 * x * x))

# ---- elliptic ----------------------------------------------------------------------------------

# DLMF 19.4.1-2, in SciPy's parameter m = k^2. At m = 0: limits pi / 8 and -pi / 8.


def _by_m(at_zero: float, quotient: Any) -> Any:
    def partial(ans: Array, m: Array) -> Array:
        zero = onp.equal(getval(m), 0)
        if not onp.any(zero):
            return quotient(ans, m)
        away = np.where(zero, 0.5, m)
        return np.where(zero, at_zero, quotient(np.where(zero, 1.0, ans), away))

    return partial


space.elementwise("ellipk", _by_m(pi / 8, lambda ans, m: (sp.ellipe(m) / (1 - m) - ans) / (2 * m)))
space.elementwise("ellipe", _by_m(-pi / 8, lambda ans, m: (ans - sp.ellipk(m)) / (2 * m)))
# The same in p = 1 - m.
space.elementwise("ellipkm1", lambda ans, p: (ans - sp.ellipe(1 - p) / p) / (2 * (1 - p)))
# DLMF 19.2.4-5 by the amplitude; 19.4.6-7 by the parameter.
space.elementwise(
    "ellipkinc",
    lambda ans, phi, m: 1 / np.sqrt(1 - m * np.sin(phi) ** 2),
    lambda ans, phi, m: (
        sp.ellipeinc(phi, m) / (2 * m * (1 - m))
        - ans / (2 * m)
        - np.sin(2 * phi) / (4 * (1 - m) * np.sqrt(1 - m * np.sin(phi) ** 2))
    ),
)
space.elementwise(
    "ellipeinc",
    lambda ans, phi, m: np.sqrt(1 - m * np.sin(phi) ** 2),
    lambda ans, phi, m: (ans - sp.ellipkinc(phi, m)) / (2 * m),
)


@recorded
def ellipj_part(which: int, u: Any, m: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.special.ellipj(u, m)[which]


def _ellipj_slope(ans: Array, which: int, u: Array, m: Array) -> Array:
    """DLMF 22.13.1-3, and the amplitude, whose derivative is dn."""
    sn, cn, dn = (ellipj_part(i, u, m) if i != which else ans for i in range(3))
    return (cn * dn, -sn * dn, -m * sn * cn, dn)[which]


attach_partials(ellipj_part, None, _ellipj_slope, REFUSED)


@space.composite("ellipj")
def ellipj(u: Array, m: Array) -> tuple[Array, ...]:
    """Jacobi's sn, cn, dn and the amplitude, differentiable by u."""
    return tuple(ellipj_part(which, u, m) for which in range(4))
