"""Discrete distributions: all rules from the score and that of the sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as onp

from ... import numpy as np
from ..registry import Array, as_value, helper, nowhere, primal
from .family import Family, Moments, Partials, evaluated
from .values import is_symbolic

METHODS = "pmf logpmf cdf logcdf sf logsf".split()


def _inside(low: Any, high: Any) -> Any:
    """A number between the ends: the lower one where there is one."""
    if isinstance(low, (int, float)) and onp.isfinite(low):
        return low
    return onp.where(onp.isfinite(low), low, onp.where(onp.isfinite(high), high, 0.0))


class Discrete(Family):
    """A discrete distribution, differentiable by its shapes.

    Parameters
    ----------
    distribution : scipy.stats distribution
        Where the values come from.
    score : callable
        `score(k, *shapes)`: partials of the logarithm of the probability of k by each shape.
    by_shapes : callable
        `by_shapes(k, *shapes)`: those of the distribution function at a whole k.
    slope : callable
        `slope(pmf, k, *shapes)`: the derivative of the probability by the last shape, a mean or a
        probability, where that is an end of its range and the score may be infinite.
    refused : sequence of int
        Shapes that are whole numbers.
    moments, entropy : callable, optional
        As for `Family`.
    """

    parameters = ("loc",)

    def __init__(
        self,
        distribution: Any,
        score: Partials,
        by_shapes: Partials,
        slope: Callable[..., Array],
        refused: Sequence[int] = (),
        moments: Moments | None = None,
        entropy: Callable[..., Array] | None = None,
    ) -> None:
        super().__init__(distribution, moments, entropy)
        self._support = helper(
            lambda *shapes: tuple(map(onp.asarray, distribution.support(*shapes))), zero=True
        )
        self.score = score
        self.slope = slope
        self.by_shapes = by_shapes
        constant = [0, *(i + 1 for i in refused), len(self.shapes) + 1]
        for name in METHODS:
            self.method(name, "k", self._partial(name), constant)

    def _partial(self, name: str) -> Callable[..., Array]:
        rule = self._density if name.endswith("pmf") else self._tail
        return lambda argnum, memo, ans, args: rule(name, argnum - 1, ans, args)

    def _ends(self, *shapes: Array) -> tuple[Any, Any]:
        if is_symbolic(shapes):  # of which it is known that they are right
            return self.values.formulas._get_support(*shapes)
        return self._support(*shapes)

    def _density(self, name: str, i: int, ans: Array, args: Sequence[Array]) -> Array:
        shapes = args[1:-1]
        k = onp.subtract(primal(args[0]), primal(args[-1]))
        # Between the whole numbers and beyond the ends the probability is a constant zero.
        nothing = onp.equal(primal(ans), -onp.inf if name == "logpmf" else 0.0)
        low, high = self._ends(*map(primal, shapes))
        nothing = nothing & ((k != onp.floor(k)) | (k < low) | (k > high))
        k = np.where(nothing, _inside(low, high), k)
        last = as_value(primal(shapes[-1]))
        end = (last == 0) | (last == 1)
        if name == "pmf" and i == len(shapes) - 1 and not nowhere(end):
            inside = (*shapes[:-1], np.where(end, 0.5, shapes[-1]))
            limit = self.slope(self.space.entries["pmf"], k, *shapes)
            value = np.where(end, limit, ans * evaluated(self.score(k, *inside)[i]))
        else:
            value = evaluated(self.score(k, *shapes)[i])
            value = ans * value if name == "pmf" else value
        return value if nowhere(nothing) else np.where(nothing, 0.0, value)

    def _tail(self, name: str, i: int, ans: Array, args: Sequence[Array]) -> Array:
        shapes = args[1:-1]
        k = onp.floor(onp.subtract(primal(args[0]), primal(args[-1])))
        low, high = self._ends(*map(primal, shapes))
        constant = (k < low) | (k >= high)
        k = np.where(constant, _inside(low, high), k)
        value = evaluated(self.by_shapes(k, *shapes)[i])
        if name.startswith("log"):
            value = value * np.exp(-np.where(constant, 0.0, ans))
        value = -value if name.endswith("sf") else value
        return value if nowhere(constant) else np.where(constant, 0.0, value)
