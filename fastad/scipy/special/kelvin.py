"""Kelvin's functions, integrals of Bessel's and Struve's functions, Wright's function."""

from __future__ import annotations

from collections.abc import Callable
from math import factorial, pi
from typing import Any

import numpy as onp
import scipy.special

from ... import numpy as np
from ..registry import REFUSED, Array, as_value, attach_partials, branched, helper, primal
from .space import sp, space

# ---- Kelvin ----------------------------------------------------------------------------------

# DLMF 10.61.3: w = ber + i bei and ker + i kei solve w'' = i w - w' / x. Near zero the quotient is
# that of the series (DLMF 10.65.1), whose terms give derivatives to order 26.
_BER = [(-1) ** k * k / factorial(2 * k) ** 2 for k in range(1, 8)]
_BEI = [(-1) ** k * (2 * k + 1) / (2 * factorial(2 * k + 1) ** 2) for k in range(7)]


def _over_argument(x: Array, name: str, power: int, terms: list[float]) -> Array:
    """ber'(x) / x or bei'(x) / x: `terms` of (x / 2)^4 behind (x / 2)^power near zero."""

    def series(x: Array) -> Array:
        half = x / 2
        total: Array = 0.0
        for term in reversed(terms):
            total = total * half**4 + term
        return half**power * total

    near = onp.abs(primal(x)) < 1
    return branched(near, series, lambda x: getattr(sp, name)(x) / x, x, (0.0, 1.0))


for _name in ("ber", "bei", "ker", "kei"):
    space.elementwise(_name, lambda ans, x, slope=f"{_name}p": getattr(sp, slope)(x))
space.elementwise("berp", lambda ans, x: -sp.bei(x) - _over_argument(x, "berp", 2, _BER))
space.elementwise("beip", lambda ans, x: sp.ber(x) - _over_argument(x, "beip", 0, _BEI))
space.elementwise("kerp", lambda ans, x: -sp.kei(x) - ans / x)
space.elementwise("keip", lambda ans, x: sp.ker(x) - ans / x)

# ---- Wright ------------------------------------------------------------------------------------

# The sum of x^k / (k! gamma(a k + b)) (DLMF 10.46.1).
space.elementwise(
    "wright_bessel", REFUSED, REFUSED, lambda ans, a, b, x: sp.wright_bessel(a, a + b, x)
)
space.elementwise(
    "log_wright_bessel",
    REFUSED,
    REFUSED,
    lambda ans, a, b, x: np.exp(sp.log_wright_bessel(a, a + b, x) - ans),
)

# ---- integrals ---------------------------------------------------------------------------------

space.elementwise("itstruve0", lambda ans, x: sp.struve(0.0, x))
space.elementwise("itmodstruve0", lambda ans, x: sp.modstruve(0.0, x))


def _struve_over_x(x: Array) -> Array:
    """struve(0, x) / x; near zero by its series, DLMF 11.2.1."""
    near = onp.abs(primal(x)) < 1e-4
    return branched(
        near,
        lambda x: 2 / pi * (1 - x * x / 9 * (1 - x * x / 25)),
        lambda x: sp.struve(0.0, x) / x,
        x,
        (0.0, 1.0),
    )


space.elementwise("it2struve0", lambda ans, x: -_struve_over_x(x))


def _enter(name: str, *slopes: Callable[[Array], Array]) -> None:
    """A function of several results, from the derivative of each."""
    function = getattr(scipy.special, name)

    def part(which: int, x: Any) -> Any:
        return function(x)[which]

    part.__name__ = name + "_part"
    value = attach_partials(helper(part), None, lambda ans, which, x: slopes[which](x))

    @space.composite(name)
    def traced(x: Array) -> tuple[Array, ...]:
        return tuple(value(which, as_value(x)) for which in range(len(slopes)))


# From 0 to x, and, where the integrand has 1 / t and a pole there, from x to infinity.
def _over(slope: Array, x: Array) -> Array:
    """slope / x, and zero at zero."""
    zero = onp.equal(primal(x), 0)
    return np.where(zero, 0.0, slope / np.where(zero, 1.0, x))


_enter("iti0k0", lambda x: sp.i0(x), lambda x: sp.k0(x))
_enter("itj0y0", lambda x: sp.j0(x), lambda x: sp.y0(x))
_enter("it2i0k0", lambda x: _over(sp.i0(x) - 1, x), lambda x: -sp.k0(x) / x)
_enter("it2j0y0", lambda x: _over(1 - sp.j0(x), x), lambda x: -sp.y0(x) / x)
_enter(
    "itairy",
    lambda x: sp.airy(x)[0],
    lambda x: sp.airy(x)[2],
    lambda x: sp.airy(-x)[0],
    lambda x: sp.airy(-x)[2],
)
