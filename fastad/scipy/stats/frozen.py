"""Distributions with fixed parameters: `norm(0, 1).logpdf(x)`."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

from ..._core import holds_box
from ..registry import constant


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
                    "is a traced value"
                )
            return getattr(self._frozen, name)
        args, kwds = self._bind(name, self.args, self.kwds)
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
