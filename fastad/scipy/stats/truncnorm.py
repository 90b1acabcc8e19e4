"""The normal distribution between two ends, in units of its scale from its location."""

from __future__ import annotations

from math import log, pi
from typing import TYPE_CHECKING, Any

import numpy as onp
from scipy.stats import truncnorm as _truncnorm

from ... import numpy as np
from ..registry import Array, as_float, attach_partials, helper, nowhere, primal
from .continuous import Continuous

HALF_LOG_TWO_PI = log(2 * pi) / 2


@helper
def log_mass(a: Any, b: Any) -> Any:
    """Logarithm of the normal probability between a and b."""
    return -HALF_LOG_TWO_PI - _truncnorm._logpdf(onp.zeros(()), *onp.broadcast_arrays(a, b))


def _share(end: Array, logarithm: Array) -> Array:
    """Normal density at an end over the mass."""
    infinite = onp.isinf(primal(end))
    if not nowhere(infinite):
        end = np.where(infinite, 0.0, end)
        return np.where(infinite, 0.0, np.exp(-0.5 * end * end - HALF_LOG_TWO_PI - logarithm))
    return np.exp(-0.5 * end * end - HALF_LOG_TWO_PI - logarithm)


attach_partials(log_mass, lambda ans, a, b: -_share(a, ans), lambda ans, a, b: _share(b, ans))


class _Truncated(Continuous):
    """Its support is what its shapes say."""

    def _ends(self, shapes: Any) -> tuple[Any, Any]:
        return primal(shapes[0]), primal(shapes[1])

    def _interior(self, shapes: Any) -> Any:
        a, b = (as_float(primal(shape)) for shape in shapes)
        with onp.errstate(invalid="ignore"):
            middle = onp.where(onp.isinf(b), a + 1, (a + b) / 2)
        return onp.where(onp.isinf(a), onp.where(onp.isinf(b), 0.0, b - 1), middle)

    def _by_shape(self, i: int, name: str, z: Array, shapes: Any) -> Array:
        """Of F = (Phi(z) - Phi(a)) / M: -(1 - F) phi(a) / M and -F phi(b) / M."""
        rest = self.space.entries["sf" if i == 0 else "cdf"](z, *shapes)
        return -rest * _share(shapes[i], log_mass(*shapes))


def _weighed(end: Array, logarithm: Array) -> tuple[Array, Array]:
    """The share of an end, and the end times it: nothing at infinity."""
    share = _share(end, logarithm)
    return share, np.where(onp.isinf(primal(end)), 0.0, end) * share


def _moments(a: Array, b: Array) -> tuple[Array, Array]:
    """With p and q the densities at a and b over the mass M: p - q, 1 + a p - b q - (p - q)^2."""
    logarithm = log_mass(a, b)
    (p, ap), (q, bq) = _weighed(a, logarithm), _weighed(b, logarithm)
    return p - q, 1 + ap - bq - (p - q) ** 2


def _entropy(a: Array, b: Array) -> Array:
    """log M + log(2 pi) / 2 + 1 / 2 + (a p - b q) / 2."""
    logarithm = log_mass(a, b)
    ends = _weighed(a, logarithm)[1] - _weighed(b, logarithm)[1]
    return logarithm + HALF_LOG_TWO_PI + 0.5 + ends / 2


family = _Truncated(
    _truncnorm,
    lambda z, a, b: (
        -z,
        lambda: _share(a, log_mass(a, b)),
        lambda: -_share(b, log_mass(a, b)),
    ),
    moments=_moments,
    entropy=_entropy,
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
