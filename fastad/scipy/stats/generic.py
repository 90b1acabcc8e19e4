"""Distributions without rules of their own: SciPy's formulas for densities, run on traced values.

A distribution of SciPy's is a few formulas (`_logpdf`, `_pdf`, `_cdf`) in NumPy's functions and
`scipy.special`. Where they can be run on traced values, their derivatives are those of the
distribution; values stay SciPy's own, with its handling of arguments and supports. A formula that
cannot be is an error that names it.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as onp
import scipy.stats

from ... import numpy as np
from ..._core import make_jvp
from ...numpy.registry import is_differentiated
from ..registry import Array, Primitive, as_float, helper, primal, shape_of
from . import integrals
from .continuous import Continuous
from .densities import WRITTEN
from .discrete import Discrete
from .formulas import Formulas
from .frozen import DistributionModule, Frozen
from .mixtures import MIXTURES
from .shaped import MASSES, SHAPED


def _formula(distribution: Any, name: str) -> Callable[..., Array]:
    """SciPy's formula of this name on traced values, or an error that names the distribution."""

    def call(*args: Any) -> Array:
        try:
            return getattr(Formulas(distribution), name)(*args)
        except Exception as error:
            plain = name.lstrip("_")
            raise NotImplementedError(
                f"scipy.stats.{distribution.name}.{plain} has no derivative rule in fastad, and "
                f"SciPy's formula ({name}) cannot be run on traced values "
                f"({str(error).partition(', and its derivative')[0]}); write the formula with "
                "fastad.numpy, or give fastad.getval of the parameters that need no derivative"
            ) from error

    return call


def _overrides(distribution: Any, name: str) -> bool:
    """Tell whether a distribution has a formula of its own."""
    bases = (scipy.stats.rv_continuous, scipy.stats.rv_discrete)
    owner = next(cls for cls in type(distribution).__mro__ if name in vars(cls))
    return owner not in bases and owner.__name__ not in ("rv_generic", "rv_sample")


def _partial(function: Callable[..., Array], i: int, args: Sequence[Any]) -> Array:
    """Partial derivative of an elementwise function by one argument."""
    args = [as_float(arg) for arg in args]

    def of_one(x: Array) -> Array:
        return function(*args[:i], x, *args[i + 1 :])

    return make_jvp(of_one, args[i])(onp.ones(shape_of(args[i]))[()])[1]


def _later(function: Callable[..., Array], i: int, args: Sequence[Any]) -> Callable[[], Array]:
    return lambda: _partial(function, i, args)


OURS = {**WRITTEN, **MIXTURES, **SHAPED}
NEAR = 1e-7  # to which an integral must be SciPy's value
LEAST = 1e-290  # probability that counts
FAR, MANY = 400.0, 1e5  # standard deviations that a sum reaches, and terms at most
DELTA, SAME = 1e-4, 1e-6  # to which two rules must give the same slope, by this difference


# Mean and variance, where SciPy's formula for them is none.
MOMENTS: dict[str, Callable[..., tuple[Array, Array]]] = {
    "pareto": lambda b: (b / (b - 1), b / ((b - 1) * (b - 1) * (b - 2))),
    "invgamma": lambda a: (1 / (a - 1), 1 / ((a - 1) * (a - 1) * (a - 2))),
    "f": lambda m, n: (
        n / (n - 2),
        2 * n * n * (m + n - 2) / (m * (n - 2) * (n - 2) * (n - 4)),
    ),
}


def _or_else(first: Callable[..., Array], second: Callable[..., Array]) -> Callable[..., Array]:
    """One function, or another where it has no derivative rule."""

    def call(*args: Any) -> Array:
        try:
            return first(*args)
        except NotImplementedError:
            return second(*args)

    return call


def _near(ours: Any, theirs: Any, tolerance: float) -> bool:
    return bool(onp.all(onp.abs(ours - theirs) <= tolerance * (1 + onp.abs(theirs))))


class GenericContinuous(Continuous):
    """A continuous distribution by SciPy's own formulas."""

    has_file = False

    def __init__(self, distribution: Any) -> None:
        density: Callable[..., Array] | None = None
        by_scale: Callable[..., Array] | None = None
        ours = OURS.get(distribution.name)
        self._survival_function: Callable[..., Array] | None = None
        if ours is not None:
            self._log_density, by_scale = ours.log_density, ours.by_scale
            self._distribution_function = ours.distribution or self._below
            self._survival_function = ours.survival
        else:
            self._log_density = _formula(distribution, "_logpdf")
            self._distribution_function = self._below
            if _overrides(distribution, "_cdf"):
                self._distribution_function = _or_else(_formula(distribution, "_cdf"), self._below)
            if _overrides(distribution, "_sf"):
                self._survival_function = _or_else(_formula(distribution, "_sf"), self._above)
            if _overrides(distribution, "_pdf"):
                density = _formula(distribution, "_pdf")
        super().__init__(
            distribution,
            self._score,
            slope=None if density is None else lambda *args: _partial(density, 0, args),
            by_scale=by_scale,
            moments=MOMENTS.get(distribution.name) or (ours and ours.moments) or self._moments,
            entropy=self._entropy,
        )

    def _score(self, *args: Array) -> Sequence[Callable[[], Array]]:
        return [_later(self._log_density, i, args) for i in range(len(args))]

    def _by_shape(self, i: int, name: str, z: Array, shapes: Sequence[Array]) -> Array:
        args = (z, *shapes)
        if name.endswith("sf") and self._survival_function is not None:
            return -_partial(self._survival_function, i + 1, args)
        return _partial(self._distribution_function, i + 1, args)

    def _ends(self, shapes: Sequence[Array]) -> tuple[Any, Any]:
        return self._support(*map(primal, shapes))

    @functools.cached_property
    def _support(self) -> Any:
        def support(*shapes: Any) -> Any:
            ends = self.distribution._get_support(*map(onp.asarray, shapes))
            return tuple(map(onp.asarray, ends))

        return helper(support, zero=True)

    def _interior(self, shapes: Sequence[Array]) -> Any:
        low, high = self._ends(shapes)
        with onp.errstate(invalid="ignore"):
            middle = onp.where(onp.isinf(high), low + 1, (low + high) / 2)
        return onp.where(onp.isinf(low), onp.where(onp.isinf(high), 0.5, high - 1), middle)

    def _moments(self, *shapes: Array) -> Any:
        if _overrides(self.distribution, "_stats"):
            try:
                found = _formula(self.distribution, "_stats")(*shapes)[:2]
            except NotImplementedError:
                found = (None,)
            if not any(moment is None for moment in found):
                return found
        return self._expected(*shapes)[:2]

    def _entropy(self, *shapes: Array) -> Array:
        if _overrides(self.distribution, "_entropy"):
            try:
                return _formula(self.distribution, "_entropy")(*shapes)
            except NotImplementedError:
                pass
        return self._expected(*shapes)[2]

    # ---- by quadrature ---------------------------------------------------------------------------

    @functools.cached_property
    def _scales(self) -> Any:
        """The median and a width of the standard distribution, plain."""

        def scales(*shapes: Any) -> Any:
            low, middle, high = (self.distribution.ppf(q, *shapes) for q in (0.25, 0.5, 0.75))
            return middle, (high - low) / 1.35

        return helper(scales, zero=True)

    def _moving_ends(self, shapes: Sequence[Array]) -> Any:
        if not _overrides(self.distribution, "_get_support"):
            return self._ends(shapes)
        ends = _formula(self.distribution, "_get_support")(*shapes)
        return tuple(map(as_float, ends))

    def _to_integrate(self, shapes: Sequence[Array]) -> integrals.Density:
        plain = tuple(map(primal, shapes))
        return integrals.Density(
            lambda z: self._log_density(z, *shapes),
            lambda z: self._log_density(z, *plain),
            *self._moving_ends(shapes),
            *self._scales(*plain),
        )

    def _below(self, z: Array, *shapes: Array) -> Array:
        """The distribution function as an integral of the density."""
        self._check("cdf", z, *shapes)
        return integrals.below(self._to_integrate(shapes), z)

    def _above(self, z: Array, *shapes: Array) -> Array:
        return 1.0 - self._below(z, *shapes)

    def _expected(self, *shapes: Array) -> tuple[Array, Array, Array]:
        """Mean, variance and entropy as integrals."""
        self._check("var", *shapes)
        return integrals.expectations(self._to_integrate(shapes))

    def _check(self, name: str, *args: Array) -> None:
        """Refuse what quadrature does not give: there is none, or the density has corners."""
        if not bool(self._sound(name, *map(primal, args))):
            raise NotImplementedError(
                f"scipy.stats.{self.distribution.name}.{name} has no derivative rule in fastad, "
                "and quadrature of the density does not give SciPy's value and the same slopes by "
                "other places; integrate with fastad.scipy.integrate.quad"
            )

    @functools.cached_property
    def _sound(self) -> Any:
        def values(name: str, rule: Any, args: Sequence[Any]) -> Any:
            if name == "cdf":
                return integrals.below(self._to_integrate(args[1:]), args[0], rule)
            return onp.array(integrals.expectations(self._to_integrate(args), rule))

        def sound(name: str, *args: Any) -> Any:
            args = tuple(onp.asarray(arg, float) for arg in args)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                here = values(name, integrals.RULES[0], args)
                theirs = getattr(self.distribution, name)(*args)
                fits = _near(here if name == "cdf" else here[1], theirs, NEAR)
                for i in range(1 if name == "cdf" else 0, len(args)):
                    slopes = []
                    step = DELTA * (1 + onp.abs(args[i]))
                    moved = (*args[:i], args[i] + step, *args[i + 1 :])
                    for rule in integrals.RULES:
                        change = values(name, rule, moved) - values(name, rule, args)
                        slopes.append(change / step)
                    fits = fits and _near(slopes[0], slopes[1], SAME)
            return onp.bool_(fits)

        return helper(sound, zero=True)


class GenericDiscrete(Discrete):
    """A discrete distribution by SciPy's own formulas; whole numbers have no derivative."""

    has_file = False

    def __init__(self, distribution: Any) -> None:
        self._mass = _formula(
            distribution, "_pmf" if _overrides(distribution, "_pmf") else "_logpmf"
        )
        self._log_mass = _formula(distribution, "_logpmf")
        if distribution.name in MASSES:
            self._log_mass = MASSES[distribution.name]
            self._mass = lambda *args: np.exp(self._log_mass(*args))
        self._distribution_function = self._below
        if _overrides(distribution, "_cdf"):
            self._distribution_function = _or_else(_formula(distribution, "_cdf"), self._below)
        self._whole = whole = [
            i for i, info in enumerate(distribution._shape_info()) if info.integrality
        ]
        super().__init__(
            distribution,
            lambda *args: [_later(self._log_mass, i + 1, args) for i in range(len(args) - 1)],
            lambda *args: [
                _later(self._distribution_function, i + 1, args) for i in range(len(args) - 1)
            ],
            slope=lambda pmf, *args: _partial(self._mass, len(args) - 1, args),
            refused=whole,
            moments=lambda *shapes: self._expected(*shapes)[:2],
            entropy=lambda *shapes: self._expected(*shapes)[2],
        )

    # ---- by sums ---------------------------------------------------------------------------------

    @functools.cached_property
    def _numbers(self) -> Any:
        """The numbers that count, along a new first axis, and which of them are meant up to k."""

        def numbers(k: Any, *shapes: Any) -> Any:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                mean, var = self.distribution.stats(*shapes, moments="mv")
                low, high = self.distribution.support(*shapes)
            spread = FAR * onp.sqrt(var) + FAR
            low = onp.maximum(low, onp.floor(mean - spread))
            high = onp.minimum(onp.minimum(high, k), onp.ceil(mean + spread))
            count = onp.max(high - low) + 1
            if not count <= MANY:
                count = 1.0  # what this gives is not SciPy's value
            found = low + onp.arange(max(count, 1.0)).reshape((-1,) + (1,) * onp.ndim(low - high))
            return onp.minimum(found, onp.maximum(high, low)), found <= high

        return helper(numbers, zero=True)

    def _masses(self, k: Any, shapes: Sequence[Array]) -> tuple[Array, Array]:
        """Numbers up to k and their probabilities; where these vanish nothing is evaluated."""
        plain = tuple(map(primal, shapes))
        found, meant = self._numbers(k, *plain)
        with onp.errstate(all="ignore"):
            mass = np.where(meant, self._mass(found, *plain), 0.0)
        counts = mass > LEAST
        likely = np.take_along_axis(found + 0.0 * mass, np.argmax(mass, axis=0)[None], axis=0)
        found = np.where(counts, found, likely)
        return found, np.where(counts, self._mass(found, *shapes), 0.0)

    def _below(self, k: Array, *shapes: Array) -> Array:
        """The distribution function as a sum of probabilities."""
        _, mass = self._masses(primal(k), shapes)
        total = np.sum(mass, axis=0)
        self._check("cdf", total, k, *shapes)
        return total

    def _expected(self, *shapes: Array) -> tuple[Array, Array, Array]:
        """Mean, variance and entropy as sums."""
        if any(is_differentiated(shapes[i]) for i in self._whole):
            raise NotImplementedError(
                f"scipy.stats.{self.distribution.name}: by a shape that is a whole number, mean, "
                "variance and entropy have no derivative rule in fastad"
            )
        found, mass = self._masses(onp.inf, shapes)
        mean = np.sum(found * mass, axis=0)
        center = primal(mean)
        var = np.sum((found - center) ** 2 * mass, axis=0) - (mean - center) ** 2
        self._check("var", var, *shapes)
        some = onp.greater(primal(mass), 0)
        logarithm = np.log(np.where(some, mass, 1.0))
        return mean, var, -np.sum(mass * logarithm, axis=0)

    def _check(self, name: str, ours: Array, *args: Array) -> None:
        if not bool(self._agrees(name, primal(ours), *map(primal, args))):
            raise NotImplementedError(
                f"scipy.stats.{self.distribution.name}.{name} has no derivative rule in fastad, "
                "and the sum over the numbers that count is not SciPy's value; sum over pmf, which "
                "has one"
            )

    @functools.cached_property
    def _agrees(self) -> Any:
        def agrees(name: str, ours: Any, *args: Any) -> Any:
            return onp.bool_(_near(ours, getattr(self.distribution, name)(*args), NEAR))

        return helper(agrees, zero=True)


class Unsupported:
    """A distribution of SciPy's that takes plain values only, and says so."""

    def __init__(self, distribution: Any, name: str) -> None:
        self._distribution = distribution
        self._name = name
        self.__doc__ = distribution.__doc__

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(self._distribution, attribute)
        if attribute.startswith("_") or not callable(value):
            return value
        made = Primitive(value, f"scipy.stats.{self._name}.{attribute}")
        setattr(self, attribute, made)
        return made

    def __call__(self, *args: Any, **kwds: Any) -> Any:
        """Fix the parameters."""
        return Frozen(self._distribution, {}, lambda name, *given: given, args, kwds)

    def __repr__(self) -> str:
        return f"<scipy.stats.{self._name}, without derivative rules>"


def made(name: str) -> Any:
    """The methods of SciPy's distribution of this name, as a module; None if it is none."""
    distribution = getattr(scipy.stats, name)
    family: GenericContinuous | GenericDiscrete
    if isinstance(distribution, scipy.stats.rv_continuous):
        if not (_overrides(distribution, "_pdf") or _overrides(distribution, "_logpdf")):
            return Unsupported(distribution, name)
        family = GenericContinuous(distribution)
    elif isinstance(distribution, scipy.stats.rv_discrete):
        family = GenericDiscrete(distribution)
    elif type(distribution).__name__.startswith("multi") or type(distribution).__name__.endswith(
        "_gen"
    ):
        return Unsupported(distribution, name)
    else:
        return None
    module = DistributionModule(f"fastad.scipy.stats.{name}", distribution.__doc__)
    family.fill_module(module)
    return module
