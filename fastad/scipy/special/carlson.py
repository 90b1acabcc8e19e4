"""Carlson's symmetric elliptic integrals: differentiated as the duplication theorem computes them.

A step of duplication takes (x + l) / 4 for each argument x, l the sum of products of roots; the
arguments come together by a factor of four a step, and a series in their differences ends it
(Carlson 1995; DLMF 19.26 and 19.36). Written in differentiable operations this has the derivatives
of every order, without the quotients of differences that closed formulas have at equal arguments;
those of R_G are written with R_F and R_D, since its own formula has terms that cancel. Values are
SciPy's own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as onp

from ... import numpy as np
from ..registry import Array, as_value, everywhere, is_traced, nowhere, operands, primal
from .space import sp, space

NEAR = 1e-3  # of the mean, from which on the series is exact to rounding: its error is of order 6
MOST = 40  # steps; arguments whose quotient is the largest that there is take about as many
RECORDED = 20  # where the numbers are not known: for quotients up to 1e12


def _near(mean: Any, *args: Any) -> bool:
    with onp.errstate(all="ignore"):
        return all(bool(onp.all(~(onp.abs(mean - arg) > NEAR * onp.abs(mean)))) for arg in args)


def _steps(*args: Array) -> range:
    """How many steps bring arguments together, the last of which is the heaviest."""
    plain = [onp.asarray(primal(arg)) for arg in args if not is_traced(primal(arg))]
    if len(plain) < len(args):
        return range(RECORDED)
    with onp.errstate(all="ignore"):
        for step in range(MOST):
            mean = sum(plain) / len(plain)
            if _near(mean, *plain):
                return range(step)
            roots = [onp.sqrt(arg) for arg in plain[:3]]
            shift = roots[0] * roots[1] + roots[0] * roots[2] + roots[1] * roots[2]
            plain = [(arg + shift) / 4 for arg in plain]
    return range(MOST)


def _roots(*args: Array) -> tuple[list[Array], Array]:
    roots = [np.sqrt(arg) for arg in args]
    x, y, z = roots[:3]
    return roots, x * y + x * z + y * z


def _rf(x: Array, y: Array, z: Array) -> Array:
    for _ in _steps(x, y, z):
        _, shift = _roots(x, y, z)
        x, y, z = (x + shift) / 4, (y + shift) / 4, (z + shift) / 4
    mean = (x + y + z) / 3
    a, b = (mean - x) / mean, (mean - y) / mean
    c = -a - b
    e2, e3 = a * b - c * c, a * b * c
    series = 1 - e2 / 10 + e3 / 14 + e2 * e2 / 24 - 3 * e2 * e3 / 44
    series = series - 5 * e2**3 / 208 + 3 * e3 * e3 / 104 + e2 * e2 * e3 / 16
    return series / np.sqrt(mean)


def _five(mean: Array, e2: Array, e3: Array, e4: Array, e5: Array) -> Array:
    """The series that ends R_D and R_J."""
    series = 1 - 3 * e2 / 14 + e3 / 6 + 9 * e2 * e2 / 88 - 3 * e4 / 22 - 9 * e2 * e3 / 52
    series = series + 3 * e5 / 26 - e2**3 / 16 + 3 * e3 * e3 / 40 + 3 * e2 * e4 / 20
    series = series + 45 * e2 * e2 * e3 / 272 - 9 * (e3 * e4 + e2 * e5) / 68
    return series / (mean * np.sqrt(mean))


def _rd(x: Array, y: Array, z: Array) -> Array:
    total, factor = 0.0, 1.0
    for _ in _steps(x, y, z, z, z):
        roots, shift = _roots(x, y, z)
        total = total + factor / (roots[2] * (z + shift))
        x, y, z = (x + shift) / 4, (y + shift) / 4, (z + shift) / 4
        factor /= 4
    mean = (x + y + 3 * z) / 5
    a, b = (mean - x) / mean, (mean - y) / mean
    c = -(a + b) / 3
    ab, cc = a * b, c * c
    ends = _five(mean, ab - 6 * cc, (3 * ab - 8 * cc) * c, 3 * (ab - cc) * cc, ab * c * cc)
    return factor * ends + 3 * total


def _rj(x: Array, y: Array, z: Array, p: Array) -> Array:
    positive = onp.greater(onp.real(primal(p)), 0)
    if not is_traced(positive) and not everywhere(positive):
        raise NotImplementedError(
            "elliprj has no derivative rule in fastad for p <= 0, where it is a principal value"
        )
    total, factor = 0.0, 1.0
    for _ in _steps(x, y, z, p, p):
        roots, shift = _roots(x, y, z, p)
        a, b, c, d = roots
        product = (d + a) * (d + b) * (d + c)
        excess = (p - x) * (p - y) * (p - z) / (product * product)
        total = total + factor / product * _rf(1 + 0 * excess, 1 + excess, 1 + excess)
        x, y, z, p = ((arg + shift) / 4 for arg in (x, y, z, p))
        factor /= 4
    mean = (x + y + z + 2 * p) / 5
    a, b, c = (mean - x) / mean, (mean - y) / mean, (mean - z) / mean
    d = -(a + b + c) / 2
    abc = a * b * c
    e2 = a * b + a * c + b * c - 3 * d * d
    e3 = abc + 2 * e2 * d + 4 * d**3
    ends = _five(mean, e2, e3, (2 * abc + e2 * d + 3 * d**3) * d, abc * d * d)
    return factor * ends + 6 * total


def _rg_partial(i: int) -> Callable[..., Array]:
    """The derivative of R_G by its i-th argument x: R_F / 4 - x R_D(y, z, x) / 12.

    R_G is the mean of sqrt(q) over the sphere, q = x n1^2 + y n2^2 + z n3^2 (DLMF 19.16.3), so that
    the derivative is the mean of n1^2 / (2 sqrt(q)); by 19.20.6 and 19.21.11.
    """

    def partial(ans: Array, *args: Array) -> Array:
        x, (y, z) = args[i], (args[k] for k in range(3) if k != i)
        plain = [primal(arg) for arg in (x, y, z)]
        none, alone = onp.equal(plain[0], 0), onp.equal(plain[1], 0) & onp.equal(plain[2], 0)
        beside = onp.equal(plain[1], 0) | onp.equal(plain[2], 0)
        if nowhere(none | alone):
            return (sp.elliprf(x, y, z) - x * sp.elliprd(y, z, x) / 3) / 4
        # Of two zeros there is no R_F: sqrt(x) / 2 is left, or the mean of n1^2 / |n3| diverges.
        lone = np.sqrt(np.where(alone, x, 1.0))
        other = none | alone
        x_, y_, z_ = (np.where(other, 1.0, arg) for arg in (x, y, z))
        both = (sp.elliprf(x_, y_, z_) - x_ * sp.elliprd(y_, z_, x_) / 3) / 4
        whole = none & ~beside
        y_, z_ = (np.where(whole, arg, 1.0) for arg in (y, z))
        at_none = np.where(whole, sp.elliprf(np.where(none, 0.0, 1.0), y_, z_) / 4, onp.inf)
        return np.where(alone, 1 / (4 * lone), np.where(none, at_none, both))

    return partial


def _enter(name: str, count: int, formula: Callable[..., Array]) -> None:
    @functools.wraps(formula)
    def derivative(*args: Any, **options: Any) -> Array:
        return formula(*map(as_value, operands(name, count, args, options)))

    space.derivative_of(name)(derivative)


def _rf_partial(i: int) -> Callable[..., Array]:
    """The derivative of R_F by its i-th argument x: -R_D(y, z, x) / 6 (DLMF 19.18.1)."""

    def partial(ans: Array, *args: Array) -> Array:
        y, z = (args[k] for k in range(3) if k != i)
        return sp.elliprd(y, z, args[i]) / -6

    return partial


def _rc_partial(by_y: bool) -> Callable[..., Array]:
    """The derivative of R_C(x, y) = R_F(x, y, y).

    Of negative y it is a principal value (DLMF 19.2.20), which the equations that R_C satisfies
    hold for; the arguments are far apart there, so that nothing cancels.
    """

    def inside(x: Array, y: Array) -> Array:
        return sp.elliprd(x, y, y) / -3 if by_y else sp.elliprd(y, y, x) / -6

    def beyond(ans: Array, x: Array, y: Array) -> Array:
        root = np.sqrt(x)
        return (root / y - ans if by_y else ans - 1 / root) / (2 * (y - x))

    def partial(ans: Array, x: Array, y: Array) -> Array:
        plain: Any = as_value(primal(y))
        negative = onp.less(plain.real, 0)
        if plain.dtype.kind == "c":
            negative = negative & onp.equal(plain.imag, 0)
        if nowhere(negative):
            return inside(x, y)
        away = beyond(ans, x, np.where(negative, y, -1.0))
        return np.where(negative, away, inside(x, np.where(negative, 1.0, y)))

    return partial


space.elementwise("elliprf", *map(_rf_partial, range(3)))
space.elementwise("elliprc", _rc_partial(False), _rc_partial(True))
_enter("elliprd", 3, _rd)
_enter("elliprj", 4, _rj)
space.elementwise("elliprg", *map(_rg_partial, range(3)))
