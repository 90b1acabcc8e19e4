"""Integrals: exponential, sine, Fresnel and elliptic integrals, dilogarithm, Lambert's W."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as onp
import scipy.special

from ... import numpy as np
from ..registry import (
    REFUSED,
    Array,
    all_hold,
    attach_partials,
    branched,
    dtype_of,
    helper,
    primal,
)
from .space import sp, space

# DLMF 6.2.1, 6.2.5, 8.19.13.
space.elementwise("exp1", lambda ans, x: -np.exp(-x) / x)
space.elementwise("expi", lambda ans, x: np.exp(x) / x)


MOST_DERIVATIVES = 100  # each takes one from the order, which is none of SciPy's below zero


@helper
def expn_anywhere(n: Any, x: Any) -> Any:
    """SciPy's expn, for negative n by n E_{n+1} + x E_n = exp(-x), DLMF 8.19.12."""
    value = scipy.special.expn(onp.maximum(n, 0), x)
    low = onp.min(onp.maximum(n, -MOST_DERIVATIVES), initial=0)
    for k in range(1, 1 - int(low)):
        value = onp.where(onp.less_equal(n, -k), (onp.exp(-x) + k * value) / x, value)
    return onp.where(onp.less(n, -MOST_DERIVATIVES), onp.nan, value)[()]


attach_partials(expn_anywhere, None, lambda ans, n, x: -expn_anywhere(n - 1, x))


def _expn_slope(ans: Array, n: Array, x: Array) -> Array:
    """-E_{n-1}(x), DLMF 8.19.13; SciPy cuts an order that is not whole."""
    lower = np.trunc(n) - 1
    if all_hold(onp.greater_equal(primal(n), 1)):
        return -sp.expn(lower, x)
    return -expn_anywhere(lower, x)


space.elementwise("expn", None, _expn_slope)


def _spence_slope(ans: Array, z: Array) -> Array:
    """log(z) / (1 - z), SciPy's spence being its integral from 1; near z = 1 by DLMF 15.4.1."""
    return branched(
        onp.abs(onp.subtract(primal(z), 1)) < 0.5,
        lambda z: -sp.hyp2f1(1.0, 1.0, 2.0, 1 - z),
        lambda z: np.log(z) / (1 - z),
        z,
        (1.0, 2.0),
    )


space.elementwise("spence", _spence_slope)

# w exp(w) = z and w + log(w) = z, differentiated.
space.elementwise("wrightomega", lambda ans, z: ans / (1 + ans))


@helper
def lambertw_value(z: Any, k: Any, tol: float) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.special.lambertw(z, k, tol)


attach_partials(lambertw_value, lambda ans, z, k, tol: np.exp(-ans) / (1 + ans), None, None)


@space.composite("lambertw")
def lambertw(z: Array, k: Any = 0, tol: float = 1e-8) -> Array:
    """Lambert's W, complex; DLMF 4.13.4."""
    return lambertw_value(z, primal(k), tol)


def _pair(name: str, first: Any, second: Any) -> None:
    """Enter a function that returns two integrals of known integrands."""
    function = getattr(scipy.special, name)

    def part(which: int, x: Any) -> Any:
        return function(x)[which]

    value = helper(part)
    attach_partials(value, None, lambda ans, which, x: (second if which else first)(x))

    @space.composite(name)
    def traced(x: Array) -> tuple[Array, Array]:
        return value(0, x), value(1, x)


def _over_x(function: Any, sign: int) -> Any:
    """sin(x) / x or sinh(x) / x, near zero by the series in x^2, DLMF 10.16.9 and 10.39.9."""

    def quotient(x: Array) -> Array:
        return branched(
            onp.abs(primal(x)) < 1,
            lambda x: sp.hyp0f1(1.5, sign * x * x / 4),
            lambda x: function(x) / x,
            x,
            (0.0, 1.0),
        )

    return quotient


@helper
def sine_of_square(quarter: int, x: Any) -> Any:
    """sin((x^2 + quarter) pi / 2) of real x, the square taken modulo 4 before it is rounded."""
    kind = onp.result_type(x)
    x = onp.asarray(x, float)
    x = onp.where(onp.abs(x) < 2.0**53, x, x * 0.0)  # from there on the square is a multiple of 4
    halves = x * (2.0**27 + 1)
    high = halves - (halves - x)
    low = x - high
    square = x * x
    rest = ((high * high - square) + 2 * high * low) + low * low  # Dekker's exact product
    turn = onp.fmod(square, 4.0) + rest
    nearest = onp.rint(turn)
    angle = pi / 2 * (turn - nearest)
    place = (onp.nan_to_num(nearest).astype(int) + quarter) % 4
    value = onp.where(place % 2, onp.cos(angle), onp.sin(angle))
    return onp.where(place > 1, -value, value).astype(kind)[()]


attach_partials(
    sine_of_square, None, lambda ans, quarter, x: pi * x * sine_of_square(quarter + 1, x)
)


def _of_square(quarter: int, otherwise: Any) -> Any:
    def integrand(x: Array) -> Array:
        if dtype_of(x).kind == "c":
            return otherwise(pi / 2 * x * x)
        return sine_of_square(quarter, x)

    return integrand


# DLMF 6.2.9, 6.2.11, 6.2.15, 6.2.16, 7.2.7, 7.2.8.
_pair("sici", _over_x(np.sin, -1), lambda x: np.cos(x) / x)
_pair("shichi", _over_x(np.sinh, 1), lambda x: np.cosh(x) / x)
_pair("fresnel", _of_square(0, np.sin), _of_square(1, np.cos))

# ---- elliptic ----------------------------------------------------------------------------------

# By SciPy's parameter m = k^2: near m = 0, where the quotients of DLMF 19.4 cancel, by the
# hypergeometric series DLMF 19.5.1-2 and, of the incomplete ones, by quadrature.

NODES, WEIGHTS = onp.polynomial.legendre.leggauss(64)
NODES, WEIGHTS = (NODES + 1) / 2, WEIGHTS / 2


def _is_near(m: Array) -> Any:
    return onp.abs(primal(m)) < 0.5


def _ellipk_slope(ans: Array, m: Array) -> Array:
    """(E / (1 - m) - K) / (2 m), DLMF 19.4.1."""
    return branched(
        _is_near(m),
        lambda m: pi / 8 * sp.hyp2f1(1.5, 1.5, 2.0, m),
        lambda m: (sp.ellipe(m) / (1 - m) - ans) / (2 * m),
        m,
        (0.0, 0.5),
    )


def _ellipe_slope(ans: Array, m: Array) -> Array:
    """(E - K) / (2 m), DLMF 19.4.2."""
    return branched(
        _is_near(m),
        lambda m: -pi / 8 * sp.hyp2f1(0.5, 1.5, 2.0, m),
        lambda m: (ans - sp.ellipk(m)) / (2 * m),
        m,
        (0.0, 0.5),
    )


def _ellipkm1_slope(ans: Array, p: Array) -> Array:
    """The same as of K, in p = 1 - m."""
    return branched(
        _is_near(onp.subtract(1, primal(p))),
        lambda p: -pi / 8 * sp.hyp2f1(1.5, 1.5, 2.0, 1 - p),
        lambda p: (ans - sp.ellipe(1 - p) / p) / (2 * (1 - p)),
        p,
        (1.0, 0.5),
    )


space.elementwise("ellipk", _ellipk_slope)
space.elementwise("ellipe", _ellipe_slope)
space.elementwise("ellipkm1", _ellipkm1_slope)


@helper
def sine_integral(n: int, power: float, phi: Any, m: Any) -> Any:
    """Integral from 0 to phi of sin^(2 n) (1 - m sin^2)^power, for small m sin^2."""
    phi, m = onp.asarray(phi)[..., None], onp.asarray(m)[..., None]
    turns = onp.rint(phi / pi)

    def upto(end: Any) -> Any:
        square = onp.sin(end * NODES) ** 2
        return end[..., 0] * onp.sum(WEIGHTS * square**n * (1 - m * square) ** power, axis=-1)

    return upto(phi - turns * pi) + turns[..., 0] * upto(onp.full_like(phi, pi))


def _sine_integrand(ans: Array, n: int, power: float, phi: Array, m: Array) -> Array:
    square = np.sin(phi) ** 2
    return square**n * (1 - m * square) ** power


attach_partials(
    sine_integral,
    None,
    None,
    _sine_integrand,
    lambda ans, n, power, phi, m: -power * sine_integral(n + 1, power - 1, phi, m),
)


def _incomplete_by_m(factor: float, power: float, quotient: Any) -> Any:
    """Partial by m: factor times the integral where m sin^2 is small, a quotient elsewhere."""

    def partial(ans: Array, phi: Array, m: Array) -> Array:
        angle = primal(phi)
        small = onp.abs(primal(m)) * onp.sin(angle) ** 2 <= 0.5
        return branched(
            _is_near(m) | (small & (onp.abs(angle) <= pi / 2)),
            lambda m: factor * sine_integral(1, power, phi, m),
            lambda m: quotient(ans, phi, m),
            m,
            (0.0, 0.5),
        )

    return partial


# DLMF 19.2.4-5 by the amplitude; 19.4.6-7 by the parameter.
space.elementwise(
    "ellipkinc",
    lambda ans, phi, m: 1 / np.sqrt(1 - m * np.sin(phi) ** 2),
    _incomplete_by_m(
        0.5,
        -1.5,
        lambda ans, phi, m: (
            sp.ellipeinc(phi, m) / (2 * m * (1 - m))
            - ans / (2 * m)
            - np.sin(2 * phi) / (4 * (1 - m) * np.sqrt(1 - m * np.sin(phi) ** 2))
        ),
    ),
)
space.elementwise(
    "ellipeinc",
    lambda ans, phi, m: np.sqrt(1 - m * np.sin(phi) ** 2),
    _incomplete_by_m(-0.5, -0.5, lambda ans, phi, m: (ans - sp.ellipkinc(phi, m)) / (2 * m)),
)


@helper
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
