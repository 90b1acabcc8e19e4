"""Distributions with fixed parameters: `norm(0, 1).logpdf(x)`."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

from ..._core import holds_box
from ..registry import constant

REMEDIES = {
    "rvs": "a draw has no derivative by its parameters; draw standard numbers, rvs(size=n), and "
    "scale and shift them",
    "fit": "minimise the sum of -logpdf with fastad.scipy.optimize.minimize, whose result is "
    "differentiated by the data",
    "expect": "integrate the function times pdf with fastad.scipy.integrate.quad",
    "interval": "use ppf of (1 - confidence) / 2 and of (1 + confidence) / 2",
    "support": "write its ends by the parameters",
    "nnlf": "write -sum(logpdf(x))",
    "stats": "use mean and var",
    "entropy": "integrate -pdf * logpdf with fastad.scipy.integrate.quad",
    **dict.fromkeys(
        ("mean", "std", "var"), "integrate x and x**2 times pdf with fastad.scipy.integrate.quad"
    ),
    "moment": "use mean and var, or integrate with fastad.scipy.integrate.quad",
}
# Where values are whole numbers, which have probabilities.
OF_WHOLE_NUMBERS = {
    **REMEDIES,
    "fit": REMEDIES["fit"].replace("logpdf", "logpmf"),
    "interval": "its ends are whole numbers; give it fastad.getval of the parameters",
    "nnlf": REMEDIES["nnlf"].replace("logpdf", "logpmf"),
    "expect": "sum the function times pmf over the numbers that count",
    "entropy": "sum -pmf * logpmf over the numbers that count",
    **dict.fromkeys(
        ("mean", "std", "var"), "sum k and k**2 times pmf over the numbers k that count"
    ),
    "moment": "sum the power times pmf over the numbers that count",
}


def remedy_for(distribution: Any, name: str) -> str:
    """What to do in place of a method that has no derivative rule."""
    remedies = OF_WHOLE_NUMBERS if hasattr(distribution, "pmf") else REMEDIES
    return remedies.get(name, "give it fastad.getval of the parameters")


class Frozen:
    """A distribution with its parameters, which derivatives are taken by as well.

    Parameters
    ----------
    distribution : scipy.stats distribution
        SciPy's, whose frozen distribution answers what has no derivative.
    methods : dict of callable
        Differentiable methods by name.
    bind : callable
        `bind(name, args, kwargs)`: the parameters as the method of this name takes them.
    args, kwds : tuple and dict
        The parameters.
    """

    def __init__(
        self,
        distribution: Any,
        methods: dict[str, Callable[..., Any]],
        bind: Callable[..., tuple[tuple[Any, ...], dict[str, Any]]],
        args: tuple[Any, ...],
        kwds: dict[str, Any],
    ) -> None:
        self.args, self.kwds = args, kwds
        self._methods, self._bind = methods, bind
        self._distribution = distribution
        parse = getattr(distribution, "_parse_args", None)
        if parse is not None:
            parse(*args, **kwds)  # its errors; what SciPy makes of them compiles code at each call
        elif not holds_box(self._given()):
            self._frozen  # noqa: B018 (its errors)
        self._name = type(distribution).__name__.removesuffix("_gen")

    def _given(self) -> tuple[Any, ...]:
        """The parameters without the levels that differentiate."""
        return constant(self.args), {key: constant(value) for key, value in self.kwds.items()}

    @functools.cached_property
    def _frozen(self) -> Any:
        args, kwds = self._given()
        return self._distribution(*args, **kwds)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        method = self._methods.get(name)
        if method is None:
            if holds_box((*self.args, *self.kwds.values())):
                getattr(self._distribution, name)
                raise NotImplementedError(
                    f"{self._name}(...).{name} has no derivative rule in fastad, and a parameter "
                    f"is a traced value: {remedy_for(self._distribution, name)}"
                )
            return getattr(self._frozen, name)
        args, kwds = self._bind(name, self.args, self.kwds)
        if name == "stats":  # its own argument stands behind the parameters
            return lambda moments="mv": method(*args, **kwds, moments=moments)
        return lambda *first, **more: method(*first, *args, **kwds, **more)


class DistributionModule(types.ModuleType):
    """A module that is called like SciPy's distribution of its name."""

    freeze: Callable[..., Frozen]

    def __call__(self, *args: Any, **kwds: Any) -> Frozen:
        """Fix the parameters."""
        return self.freeze(*args, **kwds)


def make_callable(module: types.ModuleType, freeze: Callable[..., Frozen]) -> None:
    """Let calls of a module be answered by `freeze`."""
    module.__class__ = DistributionModule
    module.__dict__["freeze"] = freeze
