"""Distributions: what continuous and discrete ones share, binding of arguments and namespaces."""

from __future__ import annotations

import contextlib
import functools
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as onp

from ... import numpy as np
from ..registry import (
    Array,
    Namespace,
    Primitive,
    as_float,
    attach_joint,
    printed,
    shape_of,
)
from .frozen import Frozen, make_callable

Partials = Callable[..., Sequence[Any]]
Moments = Callable[..., tuple[Any, Any]]

DEFAULTS = {"loc": 0, "scale": 1}


def _is_double(value: Any) -> bool:
    """Tell whether an argument is a number or an array of float64, or a traced one."""
    if type(value) in (float, int):
        return True
    return getattr(value, "dtype", None) == onp.dtype(float)


def evaluated(part: Any) -> Array:
    """A partial derivative, computed now if it was left to be."""
    return part() if callable(part) else part


class Family:
    """What continuous and discrete distributions share: binding of arguments, namespaces.

    Parameters
    ----------
    distribution : scipy.stats distribution
        Where the values come from.
    moments : callable, optional
        `moments(*shapes)`: mean and variance of the standard distribution.
    entropy : callable, optional
        `entropy(*shapes)`: its entropy.
    """

    parameters: tuple[str, ...]  # after the shapes
    log_density: Callable[..., Array | None] | None = None
    has_file = True

    def __init__(
        self, distribution: Any, moments: Moments | None, entropy: Callable[..., Array] | None
    ) -> None:
        self.distribution = distribution
        name = distribution.name
        # A family that has no file is found through the package.
        place = (
            (f"fastad.scipy.stats.{name}",) if self.has_file else ("fastad.scipy.stats", f"{name}.")
        )
        self.space = Namespace(distribution, *place)
        shapes = distribution.shapes
        self.shapes = tuple(part.strip() for part in shapes.split(",")) if shapes else ()
        n = len(self.shapes)

        def scale_of(args: Sequence[Array]) -> Array:
            return args[n + 1] if len(args) > n + 1 else 1.0

        if moments is not None:
            self.summary("mean", lambda *args: args[n] + scale_of(args) * moments(*args[:n])[0])
            self.summary("var", lambda *args: scale_of(args) ** 2 * moments(*args[:n])[1])
            self.summary("std", lambda *args: scale_of(args) * np.sqrt(moments(*args[:n])[1]))
        if entropy is not None:
            self.summary("entropy", lambda *args: np.log(scale_of(args)) + entropy(*args[:n]))

    def summary(self, name: str, compute: Callable[..., Array]) -> None:
        """Enter a method that takes parameters alone, with the derivative of what is computed."""
        function = getattr(self.distribution, name)
        names = (*self.shapes, *self.parameters)

        def spread(*given: Array) -> Array:
            return np.zeros(onp.broadcast_shapes(*map(shape_of, given))) + compute(*given)

        value = Primitive(function, f"{self.distribution.name}.{name}", derivative=spread)

        def traced(*args: Any, **kwargs: Any) -> Array:
            given = self.bound(names, args, kwargs)
            if given is None:
                # SciPy's own error for a call that does not fit.
                return function(*map(printed, args), **{k: printed(v) for k, v in kwargs.items()})
            return value(*map(as_float, given))

        self.space.enter(name, Primitive(function, name, traced=traced), function)

    @staticmethod
    def bound(
        names: Sequence[str], args: Sequence[Any], kwargs: dict[str, Any]
    ) -> list[Any] | None:
        """Arguments in the order of names; None if the call does not fit."""
        given = {**DEFAULTS, **dict(zip(names, args)), **kwargs}
        fits = len(args) <= len(names) and kwargs.keys().isdisjoint(names[: len(args)])
        if not fits or not kwargs.keys() <= set(names) or not given.keys() >= set(names):
            return None
        return [given[name] for name in names]

    def method(
        self, name: str, first: str, partial: Callable[..., Array], refused: Sequence[int] = ()
    ) -> None:
        """Enter one of SciPy's methods with the partials of its arguments."""
        function = getattr(self.distribution, name)
        recorded = attach_joint(
            Primitive(function, f"{self.distribution.name}.{name}"), partial, refused
        )
        names = (first, *self.shapes, *self.parameters)

        def traced(*args: Any, **kwargs: Any) -> Array:
            given = self.bound(names, args, kwargs)
            if given is None:
                # SciPy's own error for a call that does not fit.
                return function(*map(printed, args), **{k: printed(v) for k, v in kwargs.items()})
            given = [self.argument(value) for value in given]
            value = None
            if name == "logpdf" and self.log_density is not None:
                with contextlib.suppress(ValueError):  # of shapes: SciPy's own error follows
                    value = self._by_formula(given)
            return recorded(*given) if value is None else value

        @functools.wraps(function)
        def plain(*args: Any, **kwargs: Any) -> Any:
            given = self.bound(names, args, kwargs)
            value = None
            if given is not None:
                with contextlib.suppress(ValueError):
                    value = self._by_formula(given)
            return function(*args, **kwargs) if value is None else value

        quick = name == "logpdf" and self.log_density is not None
        self.space.enter(
            name, Primitive(plain if quick else function, name, traced=traced), function
        )

    def _by_formula(self, given: Sequence[Any]) -> Array | None:
        """SciPy's own arithmetic on traced values, for what it takes as it is; else None."""
        if not all(map(_is_double, given)):
            return None
        x, *shapes, loc, scale = given
        if type(scale) is int and scale == 1:
            z = x if type(loc) is int and loc == 0 else x - loc
        else:
            if not np.all(scale > 0):
                return None
            z = (x - loc) / scale
        assert self.log_density is not None
        value = self.log_density(z, *shapes)
        if value is None or (type(scale) is int and scale == 1):
            return value
        return value - np.log(scale)

    @staticmethod
    def argument(value: Any) -> Any:
        """An argument as the recorded operation takes it: a list of boxes becomes a box."""
        return as_float(value) if isinstance(value, (list, tuple)) else value

    def fill(self, target: dict[str, Any]) -> None:
        """Put the methods and `__all__` into the module that has these globals."""
        self.fill_module(sys.modules[target["__name__"]])

    def fill_module(self, module: types.ModuleType) -> None:
        """Put the methods and `__all__` into a module; the rest takes plain values only."""
        methods = dict(self.space.entries)
        for name in dir(self.distribution):
            value = getattr(self.distribution, name, None)
            if not name.startswith("_") and callable(value) and name not in self.space.entries:
                self.space.enter(name, Primitive(value, f"{self.distribution.name}.{name}"), value)
        vars(module).update(self.space.entries, __all__=sorted(self.space.entries))

        def freeze(*args: Any, **kwds: Any) -> Frozen:
            return Frozen(self.distribution, methods, lambda name, *given: given, args, kwds)

        make_callable(module, freeze)
