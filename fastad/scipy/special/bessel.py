"""Bessel functions and their relatives, differentiable by the argument (not by the order)."""

from __future__ import annotations

from typing import Any

import scipy.special

from ... import numpy as np
from ..registry import REFUSED, Array, as_value, attach_partials, recorded
from .space import sp, space


def _halves(name: str, lower: float, upper: float) -> Any:
    """Partial by x from the functions of the neighbouring orders."""

    def partial(ans: Array, v: Array, x: Array) -> Array:
        function = getattr(sp, name)
        return (lower * function(v - 1, x) + upper * function(v + 1, x)) / 2

    return partial


# DLMF 10.6.1: C'(x) = (C_{v-1} - C_{v+1}) / 2 for C = J, Y, H1, H2.
for _name in ("jv", "yv", "jve", "hankel1", "hankel2"):
    space.elementwise(_name, REFUSED, _halves(_name, 1, -1))
space.elementwise("jn", REFUSED, _halves("jn", 1, -1))
space.elementwise("yn", None, _halves("yv", 1, -1))
space.elementwise("j0", lambda ans, x: -sp.j1(x))
space.elementwise("y0", lambda ans, x: -sp.y1(x))
space.elementwise("j1", lambda ans, x: (sp.j0(x) - sp.jv(2, x)) / 2)
space.elementwise("y1", lambda ans, x: (sp.y0(x) - sp.yv(2, x)) / 2)

# DLMF 10.29.1: I' = (I_{v-1} + I_{v+1}) / 2, K' = -(K_{v-1} + K_{v+1}) / 2.
space.elementwise("iv", REFUSED, _halves("iv", 1, 1))
space.elementwise("kv", REFUSED, _halves("kv", -1, -1))
space.elementwise("kn", None, _halves("kv", -1, -1))
space.elementwise("i0", lambda ans, x: sp.i1(x))
space.elementwise("i1", lambda ans, x: (sp.i0(x) + sp.iv(2, x)) / 2)
space.elementwise("k0", lambda ans, x: -sp.k1(x))
space.elementwise("k1", lambda ans, x: -(sp.k0(x) + sp.kv(2, x)) / 2)

# The scaled ones: exp(-|x|) I_v(x) for real x, exp(x) K_v(x).
_ive_slope = _halves("ive", 1, 1)
_kve_slope = _halves("kve", -1, -1)
space.elementwise(
    "ive", REFUSED, lambda ans, v, x: _ive_slope(ans, v, x) - np.sign(np.real(x)) * ans
)
space.elementwise("kve", REFUSED, lambda ans, v, x: ans + _kve_slope(ans, v, x))
space.elementwise("i0e", lambda ans, x: sp.i1e(x) - np.sign(x) * ans)
space.elementwise("i1e", lambda ans, x: (sp.i0e(x) + sp.ive(2, x)) / 2 - np.sign(x) * ans)
space.elementwise("k0e", lambda ans, x: ans - sp.k1e(x))
space.elementwise("k1e", lambda ans, x: ans - (sp.k0e(x) + sp.kve(2, x)) / 2)

# DLMF 11.4.27-30: H' = H_{v-1} - v / x H_v, and the same for L.
space.elementwise("struve", REFUSED, lambda ans, v, x: sp.struve(v - 1, x) - v / x * ans)
space.elementwise("modstruve", REFUSED, lambda ans, v, x: sp.modstruve(v - 1, x) - v / x * ans)


# ---- spherical ---------------------------------------------------------------------------------


def _spherical(name: str, below: int, above: int) -> None:
    """Enter a spherical Bessel function by DLMF 10.51.2: f' from the orders next to n.

    (2 n + 1) f_n' = below * n f_{n-1} + above * (n + 1) f_{n+1}.
    """
    function = getattr(scipy.special, name)

    def spherical(n: Any, z: Any) -> Any:
        return function(n, z)

    def slope(n: Array, z: Array) -> Array:
        lower = np.where(np.greater(n, 0), below * n * value(np.maximum(n - 1, 0), z), 0.0)
        return (lower + above * (n + 1) * value(n + 1, z)) / (2 * n + 1)

    value = recorded(spherical)
    attach_partials(value, None, lambda ans, n, z: slope(n, z))

    @space.composite(name)
    def traced(n: Array, z: Array, derivative: bool = False) -> Array:
        n, z = as_value(n), as_value(z)
        return slope(n, z) if derivative else value(n, z)


for _name, _below, _above in (
    ("spherical_jn", 1, -1),
    ("spherical_yn", 1, -1),
    ("spherical_in", 1, 1),
    ("spherical_kn", -1, -1),
):
    _spherical(_name, _below, _above)


# ---- Airy --------------------------------------------------------------------------------------


@recorded
def airy_part(which: int, z: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.special.airy(z)[which]


def _airy_slope(ans: Array, which: int, z: Array) -> Array:
    """DLMF 9.2.1: w'' = z w; the parts are Ai, Ai', Bi, Bi'."""
    return airy_part(which + 1, z) if which % 2 == 0 else z * airy_part(which - 1, z)


attach_partials(airy_part, None, _airy_slope)


@space.composite("airy")
def airy(z: Array) -> tuple[Array, ...]:
    """Airy's functions Ai, Ai', Bi, Bi'."""
    return tuple(airy_part(which, z) for which in range(4))
