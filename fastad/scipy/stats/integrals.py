"""Distribution functions, moments and entropies by quadrature of a differentiable density.

Values are SciPy's own; these are differentiated in their place. Along each stretch the variable is
z = end + width * exp(pi / 2 sinh(t)) or, between two ends, their mean with tanh(pi / 2 sinh(t)) (H.
Takahasi and M. Mori, 1974): the trapezoidal rule by t converges exponentially, for heavy tails and
for powers at the ends as well. Ends that depend on shapes move with them.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import Any, NamedTuple

import numpy as onp

from ... import numpy as np
from ..registry import Array, primal, shape_of

__all__ = ["Density", "below", "expectations"]

REACH, STEP = 4.2, 0.05
NEGLIGIBLE = 1e-20  # of the largest contribution, below which a place is left out


class _Rule(NamedTuple):
    """Places and weights along a first axis: distances from an end, and shares between two."""

    growth: Any
    rate: Any
    share: Any
    between: Any


def _rule(offset: float) -> _Rule:
    t = onp.arange(-REACH + offset, REACH + STEP / 2, STEP)
    rate = pi / 2 * onp.cosh(t) * STEP
    growth = onp.exp(pi / 2 * onp.sinh(t))
    low, high = 1 / (1 + growth**2), 1 / (1 + onp.exp(-pi * onp.sinh(t)))
    return _Rule(growth, rate, high, 2 * rate * low * high)


RULES = _rule(0.0), _rule(STEP / 2)  # the second one is the first one's witness


class Density(NamedTuple):
    """The logarithm of a density, traced and plain, its ends, its median and a width."""

    log: Callable[[Array], Array]
    plain: Callable[[Any], Any]
    low: Array
    high: Array
    middle: Any
    width: Any


Factor = Callable[[Any, Any], Any]  # of the place and of the density's logarithm there


def _first(values: Any, like: Array) -> Any:
    return values.reshape((-1,) + (1,) * len(shape_of(like)))


def _placed(rule: _Rule, low: Array, high: Array, width: Any) -> tuple[Array, Array]:
    """Places and weights between two ends, one of which may be infinite everywhere."""
    if onp.all(onp.isinf(primal(low))):
        end, step = high, -width
    elif onp.all(onp.isinf(primal(high))):
        end, step = low, width
    else:
        span = high - low
        return low + span * _first(rule.share, span), _first(rule.between, span) * span
    distance = _first(rule.growth, end) * step
    return end + distance, _first(rule.rate * rule.growth, end) * np.abs(width)


def _integral(density: Density, factor: Factor, low: Array, high: Array, rule: _Rule) -> Array:
    """Of density times factor. Far out formulas divide infinities: there nothing is evaluated."""
    z, weights = _placed(rule, low, high, density.width)
    with onp.errstate(all="ignore"):
        logarithm = density.plain(primal(z))
        share = np.exp(logarithm) * primal(weights) * (1 + primal(z) ** 2)
        share = np.where(onp.isfinite(share), share, 0.0)
        counts = share > NEGLIGIBLE * np.max(share)
    inside = np.where(counts, z, density.middle)
    logarithm = density.log(inside)
    values = np.where(counts, weights, 0.0) * np.exp(logarithm) * factor(inside, logarithm)
    return np.sum(values, axis=0)


def _of_one_shape(*arrays: Array) -> list[Array]:
    shape = onp.broadcast_shapes(*map(shape_of, arrays))
    return [array if shape_of(array) == shape else array + onp.zeros(shape) for array in arrays]


def _whole(z: Any, logarithm: Any) -> Any:
    return 1.0


def below(density: Density, z: Array, rule: _Rule = RULES[0]) -> Array:
    """The distribution function at z, by what lies below it or above it, whichever is less."""
    z, low, high, middle, width = _of_one_shape(z, *density[2:])
    density = density._replace(middle=middle, width=width)
    small = primal(z) <= middle
    down = _integral(density, _whole, low, np.where(small, z, middle), rule)
    up = _integral(density, _whole, np.where(small, middle, z), high, rule)
    return np.where(small, down, 1.0 - up)


def expectations(density: Density, rule: _Rule = RULES[0]) -> tuple[Array, Array, Array]:
    """Mean, variance and entropy; the density may have a corner at zero, or at its median."""
    low, high, middle, width = _of_one_shape(*density[2:])
    density = density._replace(middle=middle, width=width)
    inner = [middle]
    if bool(onp.all((primal(low) < 0) & (primal(high) > 0) & (middle != 0))):
        inner = [np.minimum(middle, 0.0), np.maximum(middle, 0.0)]
    ends = [low, *inner, high]

    def total(factor: Factor) -> Array:
        parts = [_integral(density, factor, a, b, rule) for a, b in zip(ends, ends[1:])]
        return sum(parts[1:], parts[0])

    mean = total(lambda z, logarithm: z)
    center = primal(mean)
    second = total(lambda z, logarithm: (z - center) ** 2)
    entropy = total(lambda z, logarithm: -logarithm)
    return mean, second - (mean - center) ** 2, entropy
