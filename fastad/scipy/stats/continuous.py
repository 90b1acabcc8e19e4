"""Location-scale families: all rules of a distribution from its score and its shape derivatives.

With z = (x - loc) / scale, l(z, shapes) the logarithm of the standard density and F(z, shapes) the
standard distribution function, every derivative of pdf, logpdf, cdf, sf, their logarithms, ppf and
isf follows from the partial derivatives of l and from those of F by the shapes. Forward values are
SciPy's own. Outside its support a density is constant, so its derivatives are zero there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as onp

from ... import numpy as np
from ..registry import Array, Memo, Primitive, all_hold, as_float, nowhere, once, primal
from .family import Family, Moments, Partials, evaluated, refuse_call

METHODS = "pdf logpdf cdf logcdf sf logsf ppf isf".split()


class Continuous(Family):
    """A continuous distribution.

    Parameters
    ----------
    distribution : scipy.stats distribution
        Where the values come from.
    score : callable
        `score(z, *shapes)`: the partial derivatives of log density by z and by each shape. Here and
        below, one that costs much is a function without arguments, called where it is asked for.
    by_shapes : callable, optional
        `by_shapes(z, *shapes)`: those of the standard distribution function by each shape.
    support : tuple of float
        Ends of the standard support.
    inside : float
        Some point inside it.
    by_scale : callable, optional
        `by_scale(z, *shapes)`: one plus z times the score, where this is less than its terms.
    slope : callable, optional
        `slope(z, *shapes)`: the derivative of the standard density, for the ends of the support,
        where density times score may be 0 times infinity.
    ratios : tuple of callable, optional
        Standard density over distribution function and over survival function, as functions
        `ratio(z, *shapes)` that are exact in both tails; without them logarithms are subtracted.
    log_shapes : tuple of callable, optional
        `partials(z, *shapes)`: those of the logarithms of the standard distribution and survival
        functions by each shape, exact in both tails; without them they are quotients.
    flat : bool
        Whether the density and all of its derivatives are zero at the ends of the support.
    moments, entropy : callable, optional
        As for `Family`.
    quantiles : callable, optional
        `quantiles(z, q, upper, *shapes)`: the partial derivatives of the standard quantile z by q,
        and by each shape, where they are no quotient of what underflows or has lost its digits; q
        is the probability of what lies below, or above if `upper`.
    log_density : callable, optional
        `log_density(z, *shapes)`: the logarithm of the standard density by SciPy's arithmetic, in
        differentiable operations, for distributions on the whole line; None where this is not the
        way to compute it.
    """

    parameters = ("loc", "scale")

    def __init__(
        self,
        distribution: Any,
        score: Partials,
        by_shapes: Partials | None = None,
        support: tuple[float, float] = (-onp.inf, onp.inf),
        inside: float = 0.5,
        by_scale: Callable[..., Array] | None = None,
        slope: Callable[..., Array] | None = None,
        ratios: tuple[Callable[..., Array], Callable[..., Array]] | None = None,
        log_shapes: tuple[Partials, Partials] | None = None,
        flat: bool = False,
        moments: Moments | None = None,
        entropy: Callable[..., Array] | None = None,
        log_density: Callable[..., Array | None] | None = None,
        quantiles: Partials | None = None,
    ) -> None:
        super().__init__(distribution, moments, entropy)
        if log_density is not None and self._is_scipys(log_density):
            self.log_density = log_density
        self.ratios = ratios
        self.log_shapes = log_shapes
        self.flat = flat
        self.slope = slope
        self.score = score
        self.by_scale = by_scale
        self.by_shapes = by_shapes
        self.quantiles = quantiles
        self.support = support
        self.inside = inside
        for name in METHODS:
            first = "q" if name in ("ppf", "isf") else "x"
            self.method(name, first, self._partial(name))
        self._enter_median()

    def _is_scipys(self, log_density: Callable[..., Array | None]) -> bool:
        """Tell whether a formula gives the bits of the installed SciPy's."""
        z, shapes = onp.linspace(-3.1, 4.2, 23), [2.7] * len(self.shapes)
        ours: Any = log_density(z, *shapes)
        return onp.array_equal(ours, self.distribution._logpdf(z, *shapes))

    def _enter_median(self) -> None:
        """Enter `median` and `interval`, which are quantiles."""
        function, ppf = self.distribution.median, self.space.entries["ppf"]

        def traced(*args: Any, **kwargs: Any) -> Array:
            return ppf(0.5, *args, **kwargs)

        self.space.enter("median", Primitive(function, "median", traced=traced), function)
        whole = self.distribution.interval

        def ends(confidence: Array, *args: Any, **kwargs: Any) -> tuple[Array, Array]:
            confidence = as_float(confidence)
            if not all_hold((confidence >= 0) & (confidence <= 1)):
                refuse_call(whole, f"{self.distribution.name}.interval", (confidence,), kwargs)
            low, high = (1.0 - confidence) / 2, (1.0 + confidence) / 2
            return ppf(low, *args, **kwargs), ppf(high, *args, **kwargs)

        self.space.enter("interval", Primitive(whole, "interval", traced=ends), whole)

    def _partial(self, name: str) -> Callable[..., Array]:
        if name in ("ppf", "isf"):
            rule = self._quantile
        else:
            rule = self._density if name.endswith("pdf") else self._tail
        return lambda argnum, memo, ans, args: rule(name, argnum, memo, ans, args)

    def _standard(self, name: str, args: Sequence[Array]) -> tuple[Any, Array, Array, Array]:
        """Where x is outside the support (None: nowhere), z brought inside, loc and scale."""
        x = args[0]
        loc, scale = args[-2:]
        z = (x - loc) / scale
        low, high = self._ends(args[1:-2])
        if onp.all(onp.isneginf(low)) and onp.all(onp.isposinf(high)):
            return None, z, loc, scale
        plain = primal(z)
        outside = (plain < low) | (plain > high)
        if self.flat and name in ("pdf", "cdf", "sf", "logsf"):
            outside = outside | (plain == low)
        if nowhere(outside):
            return None, z, loc, scale
        return outside, np.where(outside, self._interior(args[1:-2]), z), loc, scale

    def _ends(self, shapes: Sequence[Array]) -> tuple[Any, Any]:
        """The ends of the standard support, plain."""
        return self.support

    def _interior(self, shapes: Sequence[Array]) -> Any:
        """Some point between them."""
        return self.inside

    def _pick(self, argnum: int, z: Array, scale: Array, by_z: Array, by_shape: Any) -> Array:
        """Chain rule from z to x, loc and scale; `by_shape(i)` gives the rest."""
        last = len(self.shapes) + 2
        if argnum == 0:
            return by_z / scale
        if argnum == last - 1:
            return -by_z / scale
        if argnum == last:
            return -by_z * z / scale
        return by_shape(argnum - 1)

    def _density(
        self, name: str, argnum: int, memo: Memo, ans: Array, args: Sequence[Array]
    ) -> Array:
        shapes = args[1:-2]
        outside, z, _, scale = once(memo, "standard", lambda: self._standard(name, args))
        end = None
        if name == "pdf" and self.slope is not None:
            end = self._end(argnum, ans, z, shapes)
        if end is None:
            inside = z
            parts = once(memo, "score", lambda: self.score(z, *shapes))
        else:
            inside = np.where(end, self._interior(shapes), z)
            parts = self.score(inside, *shapes)
            memo.pop("slope", None)
        if 0 < argnum <= len(shapes):
            value = evaluated(parts[argnum])
        elif argnum == len(shapes) + 2 and self.by_scale is not None:
            value = -self.by_scale(inside, *shapes) / scale
        else:
            by_z = once(memo, "slope", lambda: evaluated(parts[0]))
            value = self._pick(argnum, inside, scale, by_z, None)
            if argnum == len(self.shapes) + 2:
                value = value - 1 / scale
        if name == "pdf":
            if 0 < argnum <= len(shapes):
                # A power of zero in the middle, as dgamma's: the score is infinite, the slope zero.
                empty = onp.equal(primal(ans), 0) & ~onp.isfinite(primal(value))
                value = value if nowhere(empty) else np.where(empty, 0.0, value)
            value = ans * value
        if end is not None:
            memo.pop("slope", None)
            value = np.where(end, self._limit(argnum, ans, z, shapes, scale), value)
        return value if outside is None else np.where(outside, 0.0, value)

    def _end(self, argnum: int, ans: Array, z: Array, shapes: Sequence[Array]) -> Any:
        """Where the density's slope is taken as a limit at an end of the support; None: nowhere."""
        plain = primal(z)
        low, high = self._ends(shapes)
        end = (plain == low) | (plain == high)
        if 0 < argnum <= len(self.shapes):
            end = end & onp.equal(primal(ans), 0)
        # Limits have no derivative of use elsewhere: whether there are any is a branch.
        return end if onp.any(end) else None

    def _limit(
        self, argnum: int, ans: Array, z: Array, shapes: Sequence[Array], scale: Array
    ) -> Array:
        """Derivative of the density at an end of the support; by a shape only where it is zero."""
        assert self.slope is not None
        if 0 < argnum <= len(self.shapes):
            return np.zeros_like(primal(ans))
        if argnum < len(self.shapes) + 2:
            return self._pick(argnum, z, scale, self.slope(z, *shapes) / scale, None)
        # At z = 0 the slope may be infinite, but scale does not move that end.
        plain = primal(z)
        still = (plain == 0) & ~onp.isfinite(self.slope(plain, *map(primal, shapes)))
        slope = np.where(
            still, 0.0, self.slope(np.where(still, self._interior(shapes), z), *shapes)
        )
        return self._pick(argnum, z, scale, slope / scale, None) - ans / scale

    def _tail(self, name: str, argnum: int, memo: Memo, ans: Array, args: Sequence[Array]) -> Array:
        """Derivatives of cdf and sf, and of their logarithms."""
        shapes = args[1:-2]
        outside, z, _, scale = once(memo, "standard", lambda: self._standard(name, args))
        logarithm = name.startswith("log")
        if logarithm and outside is not None:
            ans = np.where(outside, 0.0, ans)
        if logarithm and self.log_shapes is not None and 0 < argnum <= len(shapes):
            parts = self.log_shapes[name == "logsf"](z, *shapes)
            value = evaluated(parts[argnum - 1])
        else:
            if 0 < argnum <= len(shapes):
                value = self._by_shape(argnum - 1, name, z, shapes)
                value = value * np.exp(-ans) if logarithm else value
            else:
                weight = once(memo, "weight", lambda: self._weight(name, ans, z, shapes))
                value = self._pick(argnum, z, scale, weight, None)
            value = -value if name.endswith("sf") else value
        return value if outside is None else np.where(outside, 0.0, value)

    def _weight(self, name: str, ans: Array, z: Array, shapes: Sequence[Array]) -> Array:
        """Slope by z of the distribution function, or but for its sign of a logarithm."""
        if not name.startswith("log"):
            return self.call("pdf", z, *shapes, 0.0, 1.0)
        if self.ratios is not None:
            return self.ratios[name == "logsf"](z, *shapes)
        # Logarithms are subtracted first: both densities and tails underflow far out.
        return np.exp(self.call("logpdf", z, *shapes, 0.0, 1.0) - ans)

    def _by_shape(self, i: int, name: str, z: Array, shapes: Sequence[Array]) -> Array:
        """Derivative of the distribution function by a shape, for the method of this name."""
        if self.by_shapes is None:
            raise NotImplementedError(
                f"{self.distribution.name}: the distribution function has no derivative rule in "
                "fastad for its shapes"
            )
        return evaluated(self.by_shapes(z, *shapes)[i])

    def _quantile(
        self, name: str, argnum: int, memo: Memo, ans: Array, args: Sequence[Array]
    ) -> Array:
        """From F(z(q)) = q: dz/dq = 1 / density, dz/dshape = -(dF/dshape) / density."""
        shapes, (loc, scale) = args[1:-2], args[-2:]
        if nowhere(onp.not_equal(primal(loc), 0)):
            z = (ans - loc) / scale
        else:  # ans - loc has lost digits
            z = once(memo, "z", lambda: self.call(name, args[0], *shapes, 0.0, 1.0))
        if argnum == len(self.shapes) + 1:
            return np.ones_like(primal(ans))
        if argnum == len(self.shapes) + 2:
            return z
        if self.quantiles is not None:
            return scale * evaluated(self.quantiles(z, args[0], name == "isf", *shapes)[argnum])
        density = once(memo, "density", lambda: self.call("pdf", z, *shapes, 0.0, 1.0))
        if argnum == 0:
            return (scale if name == "ppf" else -scale) / density
        change = self._by_shape(argnum - 1, "cdf", z, shapes)
        # Between the halves of a law with nothing in its middle the quantile stands still; far out
        # both underflow, and there is no saying.
        still = onp.equal(primal(change), 0) & onp.equal(primal(density), 0)
        still = still & onp.greater(primal(args[0]), 0.1) & onp.less(primal(args[0]), 0.9)
        if not nowhere(still):
            change, density = np.where(still, 0.0, change), np.where(still, 1.0, density)
        return -scale * change / density
