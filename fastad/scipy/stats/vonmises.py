"""The von Mises distribution on the circle, counted on along the line."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from math import pi
from typing import TYPE_CHECKING, Any

import numpy as onp
from scipy.stats import vonmises as _vonmises

from ... import numpy as np
from ..registry import Array, as_float, helper, primal
from ..special.space import sp
from .continuous import Continuous


@helper
def _terms(kappa: Any) -> Any:
    """How many of the ratios I_j / I_0, about exp(-j^2 / (2 kappa)), are above 1e-18."""
    return onp.int64(30 + onp.ceil(onp.sqrt(84 * onp.max(onp.abs(kappa), initial=0.0))))


def _counts(kappa: Array, *, more: int = 0) -> Any:
    """The numbers j of the terms of a series in the ratios, along an axis before all others."""
    terms = operator.index(_terms(primal(kappa)))
    return onp.arange(1.0, terms + 1 + more).reshape((-1,) + (1,) * kappa.ndim)


def _of_function(z: Array, kappa: Array) -> Sequence[Any]:
    """Of F = 1/2 + (z + 2 sum_j I_j / I_0 sin(j z) / j) / (2 pi) (Mardia, 1972, 3.4.23).

    With r_j = I_j / I_0, the derivative of r_j is (r_(j-1) + r_(j+1)) / 2 - r_1 r_j.
    """

    def by_kappa() -> Array:
        k = as_float(kappa)
        j = _counts(k, more=1)
        ratio = sp.ive(j, k) / sp.i0e(k)
        before = np.concatenate([np.ones_like(ratio[:1]), ratio[:-2]])
        slope = (before + ratio[1:]) / 2 - ratio[0] * ratio[:-1]
        count = onp.arange(1.0, len(j)).reshape((-1,) + (1,) * max(np.ndim(z), k.ndim))
        extra = np.ndim(z) - k.ndim
        if extra > 0:
            slope = np.reshape(slope, (slope.shape[0],) + (1,) * extra + slope.shape[1:])
        return np.sum(slope * np.sin(count * z) / count, axis=0) / pi

    return (by_kappa,)


def _moments(kappa: Array) -> tuple[Array, Array]:
    """Of the line from -pi to pi: the mean 0 and pi^2/3 + 4 sum_j (-1)^j I_j / (j^2 I_0)."""
    j = _counts(kappa)
    weights = 4 * onp.cos(pi * j) / (j * j)
    return 0.0 * kappa, pi * pi / 3 + np.sum(weights * sp.ive(j, kappa), axis=0) / sp.i0e(kappa)


def _ratio(kappa: Array) -> Array:
    return sp.i1e(kappa) / sp.i0e(kappa)


family = Continuous(
    _vonmises,
    lambda z, kappa: (lambda: -kappa * np.sin(z), lambda: np.cos(z) - _ratio(kappa)),
    _of_function,
    moments=_moments,
    entropy=lambda kappa: kappa * (1 - _ratio(kappa)) + np.log(2 * pi * sp.i0e(kappa)),
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
