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
from ..registry import REFUSED, Array, Namespace, Primitive, as_float, attach_partials, getval

Partials = Callable[..., Sequence[Array]]

METHODS = "pdf logpdf cdf logcdf sf logsf ppf isf".split()
DISCRETE_METHODS = "pmf logpmf cdf logcdf sf logsf".split()


class Family:
    """What continuous and discrete distributions share: binding of arguments, namespaces.

    Parameters
    ----------
    distribution : scipy.stats distribution
        Where the values come from.
    """

    parameters: tuple[str, ...]  # after the shapes

    def __init__(self, distribution: Any) -> None:
        self.distribution = distribution
        name = distribution.name
        self.space = Namespace(distribution, f"fastad.scipy.stats.{name}")
        shapes = distribution.shapes
        self.shapes = tuple(part.strip() for part in shapes.split(",")) if shapes else ()

    def method(self, name: str, first: str, partials: Sequence[Any]) -> None:
        """Enter one of SciPy's methods with the partials of its arguments."""
        function = getattr(self.distribution, name)
        recorded = attach_partials(
            Primitive(function, f"{self.distribution.name}.{name}"), *partials
        )
        names = (first, *self.shapes, *self.parameters)
        defaults = {"loc": 0, "scale": 1}

        def traced(*args: Any, **kwargs: Any) -> Array:
            given = dict(zip(names, args))
            if len(args) > len(names) or not kwargs.keys().isdisjoint(given):
                return function(*map(getval, args), **{k: getval(v) for k, v in kwargs.items()})
            given.update(kwargs)
            complete = {**defaults, **given}
            if any(name not in complete for name in names) or len(given.keys() - set(names)):
                # SciPy's own error for a call that does not fit.
                return function(*map(getval, args), **{k: getval(v) for k, v in kwargs.items()})
            return recorded(*(self.argument(complete[name]) for name in names))

        self.space.enter(name, Primitive(function, name, traced=traced), function)

    @staticmethod
    def argument(value: Any) -> Any:
        """An argument as the recorded operation takes it: a list of boxes becomes a box."""
        return as_float(value) if isinstance(value, (list, tuple)) else value

    def fill(self, target: dict[str, Any]) -> None:
        """Put the methods and `__all__` into a module; the rest takes plain values only."""
        for name in dir(self.distribution):
            value = getattr(self.distribution, name, None)
            if not name.startswith("_") and callable(value) and name not in self.space.entries:
                self.space.enter(name, Primitive(value, name), value)
        target.update(self.space.entries, __all__=sorted(self.space.entries))


class Continuous(Family):
    """A continuous distribution.

    Parameters
    ----------
    distribution : scipy.stats distribution
        Where the values come from.
    score : callable
        `score(z, *shapes)`: the partial derivatives of log density by z and by each shape.
    by_shapes : callable, optional
        `by_shapes(z, *shapes)`: those of the standard distribution function by each shape.
    support : tuple of float
        Ends of the standard support.
    inside : float
        Some point inside it.
    slope : callable, optional
        `slope(z, *shapes)`: the derivative of the standard density, for the ends of the support,
        where density times score may be 0 times infinity.
    """

    parameters = ("loc", "scale")

    def __init__(
        self,
        distribution: Any,
        score: Partials,
        by_shapes: Partials | None = None,
        support: tuple[float, float] = (-onp.inf, onp.inf),
        inside: float = 0.5,
        slope: Callable[..., Array] | None = None,
    ) -> None:
        super().__init__(distribution)
        self.slope = slope
        self.score = score
        self.by_shapes = by_shapes
        self.support = support
        self.inside = inside
        n = len(self.shapes)
        order = range(n + 3)  # x, shapes, loc, scale
        for name in METHODS:
            first = "q" if name in ("ppf", "isf") else "x"
            self.method(name, first, [self._partial(name, i) for i in order])

    def _partial(self, name: str, argnum: int) -> Callable[..., Array]:
        if name in ("ppf", "isf"):
            return lambda ans, *args: self._quantile(name, argnum, ans, args)
        density = name.endswith("pdf")
        rule = self._density if density else self._tail

        def partial(ans: Array, *args: Array) -> Array:
            return rule(name, argnum, ans, args)

        return partial

    def _standard(self, x: Array, args: Sequence[Array]) -> tuple[Any, Array, Array, Array]:
        """Where x is outside the support (None: nowhere), z brought inside, loc and scale."""
        loc, scale = args[-2:]
        z = (x - loc) / scale
        low, high = self.support
        if low == -onp.inf and high == onp.inf:
            return None, z, loc, scale
        plain = getval(z)
        outside = (plain < low) | (plain > high)
        if not onp.any(outside):
            return None, z, loc, scale
        return outside, np.where(outside, self.inside, z), loc, scale

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

    def _density(self, name: str, argnum: int, ans: Array, args: Sequence[Array]) -> Array:
        shapes = args[1:-2]
        outside, z, _, scale = self._standard(args[0], args)
        by_z, *rest = self.score(z, *shapes)
        value = self._pick(argnum, z, scale, by_z, lambda i: rest[i])
        if argnum == len(self.shapes) + 2:
            value = value - 1 / scale
        if name == "pdf":
            value = self._times_density(argnum, ans, value, z, shapes, scale)
        return value if outside is None else np.where(outside, 0.0, value)

    def _times_density(
        self, argnum: int, ans: Array, value: Array, z: Array, shapes: Sequence[Array], scale: Array
    ) -> Array:
        """Density times its logarithm's derivative, or the limit at an end of the support."""
        plain = getval(z)
        end = (plain == self.support[0]) | (plain == self.support[1])
        if self.slope is None or not onp.any(end):
            return ans * value
        if 0 < argnum <= len(self.shapes):
            nothing = end & onp.equal(getval(ans), 0)
            return np.where(nothing, 0.0, ans * np.where(nothing, 0.0, value))
        limit = self._pick(argnum, z, scale, self.slope(z, *shapes) / scale, None)
        if argnum == len(self.shapes) + 2:
            limit = limit - ans / scale
        return np.where(end, limit, ans * np.where(end, 0.0, value))

    def _tail(self, name: str, argnum: int, ans: Array, args: Sequence[Array]) -> Array:
        """Derivatives of cdf and sf, and of their logarithms."""
        shapes = args[1:-2]
        outside, z, _, scale = self._standard(args[0], args)
        entries = self.space.entries
        if name.startswith("log"):
            # Logarithms are subtracted first: both densities and tails underflow far out.
            weight = np.exp(entries["logpdf"](z, *shapes) - ans)
        else:
            weight = entries["pdf"](z, *shapes)

        def by_shape(i: int) -> Array:
            value = self._by_shapes(z, *shapes)[i]
            return value * np.exp(-ans) if name.startswith("log") else value

        value = self._pick(argnum, z, scale, weight, by_shape)
        value = -value if name.endswith("sf") else value
        return value if outside is None else np.where(outside, 0.0, value)

    def _by_shapes(self, z: Array, *shapes: Array) -> Sequence[Array]:
        if self.by_shapes is None:
            raise NotImplementedError(
                f"{self.distribution.name}: the distribution function has no derivative rule for "
                "its shapes in fastad"
            )
        return self.by_shapes(z, *shapes)

    def _quantile(self, name: str, argnum: int, ans: Array, args: Sequence[Array]) -> Array:
        """From F(z(q)) = q: dz/dq = 1 / density, dz/dshape = -(dF/dshape) / density."""
        shapes, (loc, scale) = args[1:-2], args[-2:]
        z = (ans - loc) / scale
        if argnum == len(self.shapes) + 1:
            return np.ones_like(getval(ans))
        if argnum == len(self.shapes) + 2:
            return z
        density = self.space.entries["pdf"](z, *shapes)
        if argnum == 0:
            return (scale if name == "ppf" else -scale) / density
        return -scale * self._by_shapes(z, *shapes)[argnum - 1] / density


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
    refused : sequence of int
        Shapes that are whole numbers.
    """

    parameters = ("loc",)

    def __init__(
        self, distribution: Any, score: Partials, by_shapes: Partials, refused: Sequence[int] = ()
    ) -> None:
        super().__init__(distribution)
        self.score = score
        self.by_shapes = by_shapes
        for name in DISCRETE_METHODS:
            partials = [
                REFUSED if i in refused else self._partial(name, i) for i in range(len(self.shapes))
            ]
            self.method(name, "k", [REFUSED, *partials, REFUSED])

    def _partial(self, name: str, i: int) -> Callable[..., Array]:
        if name.endswith("pmf"):
            return lambda ans, *args: self._density(name, i, ans, args)
        return lambda ans, *args: self._tail(name, i, ans, args)

    def _density(self, name: str, i: int, ans: Array, args: Sequence[Array]) -> Array:
        shapes = args[1:-1]
        k = onp.subtract(getval(args[0]), getval(args[-1]))
        # Between the whole numbers and beyond the last one the probability is a constant zero.
        nothing = onp.equal(getval(ans), -onp.inf if name == "logpmf" else 0.0)
        nothing &= (k != onp.floor(k)) | (k < 0) | self._beyond(k, shapes)
        value = self.score(np.where(nothing, 0.0, k), *shapes)[i]
        value = ans * value if name == "pmf" else value
        return np.where(nothing, 0.0, value) if onp.any(nothing) else value

    def _beyond(self, k: Any, shapes: Sequence[Array]) -> Any:
        return k > onp.asarray(self.distribution.support(*map(getval, shapes))[1])

    def _tail(self, name: str, i: int, ans: Array, args: Sequence[Array]) -> Array:
        shapes = args[1:-1]
        k = onp.floor(onp.subtract(getval(args[0]), getval(args[-1])))
        constant = (k < 0) | (k >= onp.asarray(self.distribution.support(*map(getval, shapes))[1]))
        value = self.by_shapes(np.where(constant, 0.0, k), *shapes)[i]
        if name.startswith("log"):
            value = value * np.exp(-ans)
        value = -value if name.endswith("sf") else value
        return np.where(constant, 0.0, value) if onp.any(constant) else value
