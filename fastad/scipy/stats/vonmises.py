"""The von Mises distribution on the circle, counted on along the line.

The density is f = exp(-2 kappa sin^2(z / 2)) / (2 pi i0e(kappa)), the slope of its logarithm by
kappa cos(z) - A = c - 2 sin^2(z / 2) with A = I_1 / I_0 and c = 1 - A. The derivative of the
distribution function by kappa is the integral of f (cos(z) - A) from 0 to z or, with the other
sign, from z to pi: where cos(z) is above A the one has no terms of both signs, elsewhere the other,
so that every tail keeps its digits. Higher derivatives are those with Bell's polynomials.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, perm, pi
from typing import TYPE_CHECKING, Any

import numpy as onp
import scipy.special
from scipy.stats import vonmises as _vonmises

from ... import numpy as np
from ..registry import Array, attach_partials, helper
from ..special.quadrature import NEGLIGIBLE, NODES, WEIGHTS, Floats, bell, in_blocks
from ..special.space import sp
from .continuous import Continuous

LARGE, SMALL = 30.0, 0.1  # kappa, beyond which c is a series in 1 / kappa or A one in kappa


def _large_coefficients(count: int) -> list[float]:
    """Those of c in powers of 1 / kappa, from A' = 1 - A / kappa - A^2 (DLMF 10.29.4)."""
    a = [0.0, 0.5]
    for m in range(2, count):
        square = sum(a[i] * a[m - i] for i in range(1, m))
        a.append(((m - 2) * a[m - 1] + square) / 2)
    return a


LARGE_SERIES = _large_coefficients(21)
SMALL_SERIES = ((1, 1 / 2), (3, -1 / 16), (5, 1 / 96), (7, -11 / 6144), (9, 473 / 1474560))


def _gaps(n: int, k: Floats) -> list[Any]:
    """c and its derivatives by kappa up to the n-th."""
    with onp.errstate(all="ignore"):
        large, small = k > LARGE, k < SMALL
        w = 1 / onp.where(large, k, LARGE)
        low = onp.where(small, k, 0.0)
        middle = onp.where(large | small, 1.0, k)
        ratios = [scipy.special.i1e(middle) / scipy.special.i0e(middle)]
        over = [ratios[0] / middle]
        for j in range(n):
            square = sum(comb(j, i) * ratios[i] * ratios[j - i] for i in range(j + 1))
            ratios.append((j == 0) - over[j] - square)
            over.append((ratios[j + 1] - (j + 1) * over[j]) / middle)
        found = []
        for j in range(n + 1):
            far = sum(
                a * (-1) ** j * perm(m + j - 1, j) * w ** (m + j)
                for m, a in enumerate(LARGE_SERIES)
                if m
            )
            near = (j == 0) - sum(
                a * perm(m, j) * low ** (m - j) for m, a in SMALL_SERIES if m >= j
            )
            here = (j == 0) - ratios[j]
            found.append(onp.where(large, far, onp.where(small, near, here)))
    return found


def _weighed(n: int, k: Floats, z: Floats) -> Any:
    """The n-th derivative of the density by kappa."""
    half = onp.sin(z / 2) ** 2
    gaps = _gaps(n, k)
    slopes = [gaps[0] - 2 * half, *gaps[1:n]]
    return onp.exp(-2 * k * half) * bell(n, slopes) / (2 * pi * scipy.special.i0e(k))


def _end(k: Floats, z: Floats) -> Floats:
    """The place behind z from which on the density is negligible beside that at z."""
    with onp.errstate(all="ignore"):
        square = onp.sin(z / 2) ** 2 + NEGLIGIBLE / (2 * k)
    return 2 * onp.arcsin(onp.sqrt(onp.minimum(square, 1.0)))


def _block(n: int, k: Floats, z: Floats) -> Floats:
    z = z - 2 * pi * onp.rint(z / (2 * pi))
    size = onp.minimum(onp.abs(z), pi)
    centre = 2 * onp.sin(size / 2) ** 2 <= _gaps(0, k)[0]
    start = onp.where(centre, 0.0, size)
    length = onp.where(centre, size, _end(k, size) - size)
    places = start[:, None] + length[:, None] * NODES
    total = length * onp.sum(WEIGHTS * _weighed(n, k[:, None], places), axis=1)
    return onp.where(k >= 0, onp.sign(z) * onp.where(centre, total, -total), onp.nan)


@helper
def _shape(n: int, kappa: Any, z: Any) -> Any:
    """The n-th derivative of the distribution function by kappa."""
    return in_blocks(lambda k, z: _block(n, k, z), kappa, z)


@helper
def _density(n: int, kappa: Any, z: Any) -> Any:
    """The n-th derivative of the density by kappa."""
    return in_blocks(lambda k, z: _weighed(n, k, z), kappa, z)


def _density_by_z(ans: Array, n: int, kappa: Array, z: Array) -> Array:
    # Of -kappa sin(z) f.
    more = n * _density(n - 1, kappa, z) if n else 0.0
    return -np.sin(z) * (kappa * ans + more)


attach_partials(_density, None, lambda ans, n, k, z: _density(n + 1, k, z), _density_by_z)
attach_partials(
    _shape,
    None,
    lambda ans, n, k, z: _shape(n + 1, k, z),
    lambda ans, n, k, z: _density(n, k, z),
)


@helper
def _gap(n: int, kappa: Any) -> Any:
    """The n-th derivative of c = 1 - A."""
    return in_blocks(lambda k: _gaps(n, k)[n], kappa)


attach_partials(_gap, None, lambda ans, n, k: _gap(n + 1, k))


@helper
def _variance(n: int, kappa: Any) -> Any:
    """The n-th derivative of the variance on the line from -pi to pi."""

    def block(k: Floats) -> Floats:
        length = _end(k, onp.zeros_like(k))
        places = length[:, None] * NODES
        weighed = places * places * _weighed(n, k[:, None], places)
        return 2 * length * onp.sum(WEIGHTS * weighed, axis=1)

    return in_blocks(block, kappa)


attach_partials(_variance, None, lambda ans, n, k: _variance(n + 1, k))


def _score(z: Array, kappa: Array) -> Sequence[Any]:
    return (
        lambda: -kappa * np.sin(z),
        lambda: _gap(0, kappa) - 2 * np.sin(z / 2) ** 2,
    )


family = Continuous(
    _vonmises,
    _score,
    lambda z, kappa: (lambda: _shape(1, kappa, z),),
    moments=lambda kappa: (0.0 * kappa, _variance(0, kappa)),
    entropy=lambda kappa: kappa * _gap(0, kappa) + np.log(2 * pi * sp.i0e(kappa)),
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
