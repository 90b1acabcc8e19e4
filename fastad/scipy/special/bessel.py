"""Bessel functions and their relatives, differentiable by the argument (not by the order)."""

from __future__ import annotations

import operator
from math import comb, pi, sqrt
from typing import Any

import numpy as onp
import scipy.special

from ... import numpy as np
from ..registry import (
    REFUSED,
    Array,
    all_hold,
    as_value,
    attach_partials,
    branched,
    defjvp,
    defvjp,
    dtype_of,
    helper,
    is_traced,
    nowhere,
    operands,
    primal,
)
from .orders import by_order, i_slope, k_slope
from .space import sp, space


def _halves(name: str, lower: float, upper: float) -> Any:
    """Partial by x from the functions of the neighbouring orders."""

    def partial(ans: Array, v: Array, x: Array) -> Array:
        function = getattr(sp, name)
        return (lower * function(v - 1, x) + upper * function(v + 1, x)) / 2

    return partial


def _of_whole_order(partial: Any) -> Any:
    """SciPy cuts an order that is not whole."""
    return lambda ans, n, x: partial(ans, np.trunc(n), x)


def _second_order(x: Array) -> Array:
    """I_2(x), of which SciPy has none for subnormal x: x^2 / 8 (DLMF 10.30.1)."""
    tiny = onp.abs(primal(x)) < 1e-150
    return branched(tiny, lambda x: x * x / 8, lambda x: sp.iv(2, x), x, (0.0, 1.0))


# DLMF 10.6.1: C'(x) = (C_{v-1} - C_{v+1}) / 2 for C = J, Y, H1, H2.
for _name in ("jv", "yv", "hankel1", "hankel2"):
    space.elementwise(_name, REFUSED, _halves(_name, 1, -1))
space.elementwise("jn", REFUSED, _halves("jn", 1, -1))
space.elementwise("yn", None, _of_whole_order(_halves("yv", 1, -1)))
space.elementwise("j0", lambda ans, x: -sp.j1(x))
space.elementwise("y0", lambda ans, x: -sp.y1(x))


def _of_order_one(sign: int, order_zero: Any, smooth: Any) -> Any:
    """Return the derivative of a function of order one: f' = +-f_0 - f / x (DLMF 10.6.2, 10.29.2).

    Near zero and far out by the smooth form, by which higher orders go everywhere.
    """

    def slope(ans: Array, x: Array) -> Array:
        if not is_traced(ans, x):
            size = np.abs(x)
            if all_hold((size > 0.5) & (size < 500)):
                return sign * order_zero(x) - ans / x
        return smooth(x)

    return slope


space.elementwise("j1", _of_order_one(1, sp.j0, lambda x: (sp.j0(x) - sp.jv(2, x)) / 2))
space.elementwise("y1", _of_order_one(1, sp.y0, lambda x: (sp.y0(x) - sp.yv(2, x)) / 2))

# DLMF 10.29.1: I' = (I_{v-1} + I_{v+1}) / 2, K' = -(K_{v-1} + K_{v+1}) / 2.
space.elementwise("iv", by_order(i_slope), _halves("iv", 1, 1))
space.elementwise("kv", by_order(k_slope), _halves("kv", -1, -1))
space.elementwise("kn", None, _of_whole_order(_halves("kv", -1, -1)))
space.elementwise("i0", lambda ans, x: sp.i1(x))
space.elementwise("i1", _of_order_one(1, sp.i0, lambda x: (sp.i0(x) + _second_order(x)) / 2))
space.elementwise("k0", lambda ans, x: -sp.k1(x))
space.elementwise("k1", _of_order_one(-1, sp.k0, lambda x: -(sp.k0(x) + sp.kv(2, x)) / 2))

# ---- n-th derivatives --------------------------------------------------------------------------


def _derivatives(name: str, of: str, phase: int, sign: int = 1) -> None:
    """Enter the n-th derivative of a Bessel function, DLMF 10.6.7 and 10.29.5."""

    @space.derivative_of(name)
    def derivative(v: Array, z: Array, n: int = 1) -> Array:
        v, z = as_value(v), as_value(z)
        order = operator.index(n)
        bessel = getattr(sp, of)
        terms = (phase**i * comb(order, i) * bessel(v - order + 2 * i, z) for i in range(order + 1))
        return sign**order * sum(terms) / 2**order


_derivatives("jvp", "jv", -1)
_derivatives("yvp", "yv", -1)
_derivatives("ivp", "iv", 1)
_derivatives("kvp", "kv", 1, sign=-1)
_derivatives("h1vp", "hankel1", -1)
_derivatives("h2vp", "hankel2", -1)

# ---- scaled ------------------------------------------------------------------------------------


def _scaled(name: str, lower: float, upper: float, imaginary: bool, order: Any = None) -> None:
    """Enter a function with the factor exp(-abs(Re z)) or exp(-abs(Im z)).

    With z = x + i y and h the derivative under a constant factor, the derivative of f by x is h
    less sign(x) f, and that by y is i h; or h and i h - sign(y) f. f is not holomorphic: a JVP is
    Re(t) f_x + Im(t) f_y, and a VJP is Re(g f_x) - i Re(g f_y).
    """
    function, slope = space.rule(name), _halves(name, lower, upper)

    def is_complex(z: Array) -> bool:
        return dtype_of(z).kind == "c"

    def maker(ans: Array, *args: Array, **options: Any) -> Any:
        v, z = operands(name, 2, args, options)

        def vjp(g: Array) -> Array:
            along = g * slope(ans, v, z)
            if imaginary:
                factor = 1j * np.sign(np.imag(z)) if is_complex(z) else 0.0
            else:
                factor = -np.sign(np.real(z))
            return along + factor * np.real(g * ans) if is_complex(z) else along + factor * g * ans

        return vjp

    def rule(t: Array, ans: Array, *args: Array, **options: Any) -> Array:
        v, z = operands(name, 2, args, options)
        part = np.imag if imaginary else np.real
        return t * slope(ans, v, z) - np.sign(part(z)) * part(t) * ans

    def order_maker(ans: Array, *args: Array, **options: Any) -> Any:
        given = operands(name, 2, args, options)
        return lambda g: g * order(ans, *given)

    def order_rule(t: Array, ans: Array, *args: Array, **options: Any) -> Array:
        return t * order(ans, *operands(name, 2, args, options))

    defvjp(function, maker, argnums=(1,))
    defjvp(function, rule, argnums=(1,))
    if order is not None:
        defvjp(function, order_maker, argnums=(0,))
        defjvp(function, order_rule, argnums=(0,))


_scaled("jve", 1, -1, imaginary=True)
_scaled("yve", 1, -1, imaginary=True)
_scaled("ive", 1, 1, imaginary=False, order=by_order(i_slope))


def _rescaled(name: str, lower: float, upper: float, rate: complex, order: Any = REFUSED) -> None:
    """Enter a function with the factor exp(rate x), which is holomorphic."""
    slope = _halves(name, lower, upper)
    space.elementwise(name, order, lambda ans, v, x: rate * ans + slope(ans, v, x))


_rescaled("kve", -1, -1, 1, by_order(k_slope))
_rescaled("hankel1e", 1, -1, -1j)
_rescaled("hankel2e", 1, -1, 1j)
space.elementwise("i0e", lambda ans, x: sp.i1e(x) - np.sign(x) * ans)
space.elementwise("i1e", lambda ans, x: (sp.i0e(x) + sp.ive(2, x)) / 2 - np.sign(x) * ans)
space.elementwise("k0e", lambda ans, x: ans - sp.k1e(x))
space.elementwise("k1e", lambda ans, x: ans - (sp.k0e(x) + sp.kve(2, x)) / 2)

# ---- Struve ------------------------------------------------------------------------------------


def _struve(name: str, sign: int) -> None:
    """Enter H_v or L_v. DLMF 11.4.23-30: f' = f_{v-1} - v / x f_v, and without the quotient

    2 f' = f_{v-1} + sign f_{v+1} + (x / 2)^v / (sqrt(pi) gamma(v + 3 / 2)).
    """

    def near(v: Array, x: Array) -> Array:
        function, order = getattr(sp, name), as_value(primal(v))
        zero = order == 0
        order = onp.where(zero, 1, order)
        power = (x / 2) ** order * scipy.special.rgamma(order + 1.5) / sqrt(pi)
        slope = (function(order - 1, x) + sign * function(order + 1, x) + power) / 2
        return slope if nowhere(zero) else np.where(zero, 2 / pi + sign * function(1, x), slope)

    def partial(ans: Array, v: Array, x: Array) -> Array:
        return branched(
            onp.abs(primal(x)) < 1,
            lambda x: near(v, x),
            lambda x: getattr(sp, name)(v - 1, x) - v / x * ans,
            x,
            (0.5, 1.0),
        )

    space.elementwise(name, REFUSED, partial)


_struve("struve", -1)
_struve("modstruve", 1)


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

    def differentiated(n: Any, z: Any) -> Any:
        return function(n, z, derivative=True)

    value = helper(spherical)
    first = helper(differentiated, slope)
    attach_partials(value, None, lambda ans, n, z: slope(n, z))

    @space.composite(name)
    def traced(n: Array, z: Array, derivative: bool = False) -> Array:
        n, z = as_value(n), as_value(z)
        if not derivative:
            return value(n, z)
        return first(n, z)


for _name, _below, _above in (
    ("spherical_jn", 1, -1),
    ("spherical_yn", 1, -1),
    ("spherical_in", 1, 1),
    ("spherical_kn", -1, -1),
):
    _spherical(_name, _below, _above)


# ---- Airy --------------------------------------------------------------------------------------


@helper
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


@helper
def airye_part(which: int, z: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.special.airye(z)[which]


def _airye_terms(ans: Array, which: int, z: Array) -> tuple[Array, Array, Array]:
    """Derivative under a constant factor, root z, and sign of Re(e), e = 2 / 3 z^(3 / 2).

    Ai and Ai' have the factor exp(e), Bi and Bi' the factor exp(-abs(Re(e))).
    """
    slope = airye_part(which + 1, z) if which % 2 == 0 else z * airye_part(which - 1, z)
    if dtype_of(z).kind == "c":
        root = np.sqrt(z)
    else:
        low = onp.less(primal(z), 0)
        root = np.where(low, 0.0, np.sqrt(np.where(low, 1.0, z)))
    return slope, root, onp.sign(onp.real(primal(root) * primal(z)))


def _airye_vjp(ans: Array, which: int, z: Array) -> Any:
    def vjp(g: Array) -> Array:
        slope, root, sign = _airye_terms(ans, which, z)
        if which < 2:
            return g * (slope + root * ans)
        # As in `_scaled`, for the direction root t in place of t.
        return g * slope - sign * root * np.real(g * ans)

    return vjp


def _airye_jvp(t: Array, ans: Array, which: int, z: Array) -> Array:
    slope, root, sign = _airye_terms(ans, which, z)
    if which < 2:
        return t * (slope + root * ans)
    return t * slope - sign * np.real(root * t) * ans


defvjp(airye_part, None, _airye_vjp)
defjvp(airye_part, None, _airye_jvp)


@space.composite("airye")
def airye(z: Array) -> tuple[Array, ...]:
    """Airy's functions with exponential factors."""
    return tuple(airye_part(which, as_value(z)) for which in range(4))
