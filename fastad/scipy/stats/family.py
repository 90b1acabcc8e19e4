"""Distributions: what continuous and discrete ones share, binding of arguments and namespaces."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as onp

from ... import _core
from ... import numpy as np
from ..._impl.namespaces import refusing, with_own_errors
from ...numpy.registry import isbox
from ..registry import (
    Array,
    Namespace,
    Primitive,
    all_hold,
    as_float,
    as_value,
    attach_joint,
    primal,
    printed,
    shape_of,
)
from .frozen import REMEDIES, Frozen, make_callable, remedy_for
from .values import Values, is_symbolic

Partials = Callable[..., Sequence[Any]]
Moments = Callable[..., tuple[Any, Any]]

DOUBLE = onp.dtype(float)
DEFAULTS = {"loc": 0, "scale": 1}


def _is_double(value: Any) -> bool:
    """Tell whether an argument is a number or an array of float64, or a traced one."""
    kind = type(value)
    if kind is float or kind is int:
        return True
    if kind is not onp.ndarray and kind is not onp.float64 and not isbox(value):
        return False
    return value.dtype is DOUBLE


@functools.lru_cache(512)
def _defaults_behind(names: tuple[str, ...], given: int) -> tuple[Any, ...] | None:
    """Return what stands for the arguments that were not given; None if one must be."""
    missing = names[given:]
    if given > len(names) or not DEFAULTS.keys() >= set(missing):
        return None
    return tuple([DEFAULTS[name] for name in missing])


def recorded_below(values: Sequence[Any]) -> bool:
    """Tell whether any of some values is traced by more levels than one, or by a program."""
    for value in values:
        if isbox(value) and (isbox(value._value) or primal(value) is value):
            return True
    return False


def evaluated(part: Any) -> Array:
    """A partial derivative, computed now if it was left to be."""
    return part() if callable(part) else part


def refuse_call(function: Any, full: str, args: Any, kwargs: Any) -> NoReturn:
    """Raise SciPy's own error for a call that does not fit; else one that says so."""
    function(*map(printed, args), **{key: printed(value) for key, value in kwargs.items()})
    raise TypeError(f"scipy.stats.{full}: the call does not fit what fastad differentiates")


def plain_only(function: Any, full: str, name: str) -> Primitive:
    """One of SciPy's methods, for plain values only."""
    if name not in REMEDIES:
        return Primitive(function, full)
    remedy = remedy_for(function.__self__, name)

    def refused(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"scipy.stats.{full} has no derivative rule in fastad: {remedy}")

    return refusing(function, full, refused)


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
        self.values = Values(distribution)
        n = len(self.shapes)

        def scale_of(args: Sequence[Array]) -> Array:
            return args[n + 1] if len(args) > n + 1 else 1.0

        if moments is not None:
            self.summary("mean", lambda *args: args[n] + scale_of(args) * moments(*args[:n])[0])
            self.summary("var", lambda *args: scale_of(args) ** 2 * moments(*args[:n])[1])
            self.summary("std", lambda *args: scale_of(args) * np.sqrt(moments(*args[:n])[1]))
            self._enter_moments()
        if entropy is not None:
            self.summary("entropy", lambda *args: np.log(scale_of(args)) + entropy(*args[:n]))

    def _enter_moments(self) -> None:
        """Enter `stats` and `moment`, as far as mean and variance go."""
        mean, var = (self.space.entries[name] for name in ("mean", "var"))
        own = {name: getattr(self.distribution, name) for name in ("stats", "moment")}
        count = len(self.shapes) + len(self.parameters)

        def refuse(name: str) -> NoReturn:
            raise NotImplementedError(
                f"scipy.stats.{self.distribution.name}.{name} beyond mean and variance has no "
                f"derivative rule in fastad: {remedy_for(self.distribution, name)}"
            )

        def stats(*args: Any, **kwargs: Any) -> Any:
            kwargs = dict(kwargs)
            asked = kwargs.pop("moments", args[count] if len(args) > count else "mv")
            if not set(asked) <= set("mv"):
                refuse("stats")
            found = [
                function(*args[:count], **kwargs)
                for letter, function in (("m", mean), ("v", var))
                if letter in asked
            ]
            return found[0] if len(found) == 1 else tuple(found)

        def derivative(order: int, *args: Any, **kwargs: Any) -> Array:
            middle = mean(*args, **kwargs)
            return middle if order == 1 else var(*args, **kwargs) + middle**2

        powers = Primitive(own["moment"], f"{self.distribution.name}.moment", derivative=derivative)

        def moment(order: Any, *args: Any, **kwargs: Any) -> Any:
            if order not in (1, 2):
                refuse("moment")
            return powers(order, *args, **kwargs)

        for name, traced in (("stats", stats), ("moment", moment)):
            entry = Primitive(own[name], name, traced=with_own_errors(traced, own[name]))
            self.space.enter(name, entry, own[name])

    def summary(self, name: str, compute: Callable[..., Array]) -> None:
        """Enter a method that takes parameters alone, with the derivative of what is computed."""
        function = getattr(self.distribution, name)
        names = (*self.shapes, *self.parameters)

        def spread(*given: Array) -> Array:
            given = tuple(map(as_float, given))
            return np.zeros(onp.broadcast_shapes(*map(shape_of, given))) + compute(*given)

        value = Primitive(function, f"{self.distribution.name}.{name}", derivative=spread)

        def traced(*args: Any, **kwargs: Any) -> Array:
            given = self.bound(names, args, kwargs)
            if given is None:
                refuse_call(function, f"{self.distribution.name}.{name}", args, kwargs)
            return value(*map(as_float, given))

        self.space.enter(name, Primitive(function, name, traced=traced), function)

    @staticmethod
    def bound(
        names: Sequence[str], args: Sequence[Any], kwargs: dict[str, Any]
    ) -> Sequence[Any] | None:
        """Arguments in the order of names; None if the call does not fit."""
        if not kwargs:
            rest = _defaults_behind(tuple(names), len(args))
            if rest is not None:
                return (*args, *rest)
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
        names = (first, *self.shapes, *self.parameters)

        composed = name == "logpdf" and self.log_density is not None

        def traced(*args: Any, **kwargs: Any) -> Array:
            given = self.bound(names, args, kwargs)
            if given is None:
                refuse_call(function, full, args, kwargs)
            value = self._by_operations(given) if composed else None
            return recorded(*map(self.argument, given)) if value is None else value

        @functools.wraps(function)
        def plain(*args: Any, **kwargs: Any) -> Any:
            given = self.bound(names, args, kwargs)
            if given is None:
                return function(*args, **kwargs)
            return recorded(*map(self.argument, given))

        full = f"{self.distribution.name}.{name}"

        def why(argnum: int) -> str:
            return (
                f"scipy.stats.{full}: {names[argnum]} is a whole number and has no derivative "
                f"(argument {argnum}); give fastad.getval of it"
            )

        written = functools.partial(self.values.written, name, len(names))
        recorded = attach_joint(
            Primitive(function, full), partial, len(names), refused, why, written
        )
        entry = Primitive(plain, name, traced=traced)
        defaults = tuple([DEFAULTS[name] for name in self.parameters])
        _core.give_target(entry, recorded, names, defaults, tuple(range(len(names))))
        self.space.enter(name, entry, function)

    def _by_operations(self, given: Sequence[Any]) -> Array | None:
        """SciPy's own arithmetic on traced values, for what it takes as it is; else None.

        Where one operation with formulas for its derivatives would do, that is quicker: not where
        values are recorded one level down.
        """
        x, *shapes, loc, scale = given
        if not recorded_below(given):
            return None
        for value in given:
            if not _is_double(value):
                return None
        assert self.log_density is not None
        try:
            if scale is DEFAULTS["scale"]:
                z = x if loc is DEFAULTS["loc"] else x - loc
                return self.log_density(z, *shapes)
            if not all_hold(scale > 0):
                return None
            value = self.log_density((x - loc) / scale, *shapes)
        except ValueError:  # of shapes: SciPy's own error follows
            return None
        return None if value is None else value - np.log(scale)

    def call(self, name: str, *args: Array) -> Array:
        """One of the methods; in a formula that is written down, its formula."""
        if is_symbolic(args):
            return self.values(name, *args)
        return self.space.entries[name](*args)

    @staticmethod
    def argument(value: Any) -> Any:
        """An argument as the recorded operation takes it.

        A list of boxes becomes a box, and what converts to an array an array, since rules compute
        with it; SciPy computes with whole numbers as with floats.
        """
        kind = type(value)
        if kind is float or kind is int:
            return value
        if isinstance(value, (list, tuple)) or getattr(value, "dtype", DOUBLE).kind in "iu":
            return as_float(value)
        if kind is not onp.ndarray and not isbox(value) and hasattr(value, "__array__"):
            return as_value(value)  # a table's column is its values
        return value

    def fill(self, target: dict[str, Any]) -> None:
        """Put the methods and `__all__` into the module that has these globals."""
        self.fill_module(sys.modules[target["__name__"]])

    def fill_module(self, module: types.ModuleType) -> None:
        """Put the methods and `__all__` into a module; the rest takes plain values only."""
        methods = dict(self.space.entries)
        for name in dir(self.distribution):
            value = getattr(self.distribution, name, None)
            if not name.startswith("_") and callable(value) and name not in self.space.entries:
                full = f"{self.distribution.name}.{name}"
                self.space.enter(name, plain_only(value, full, name), value)
        vars(module).update(self.space.entries, __all__=sorted(self.space.entries))

        def freeze(*args: Any, **kwds: Any) -> Frozen:
            return Frozen(self.distribution, methods, lambda name, *given: given, args, kwds)

        make_callable(module, freeze)
