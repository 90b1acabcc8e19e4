"""How a function of NumPy's or SciPy's becomes one of fastad's: the namespace mechanism of both."""

from __future__ import annotations

import sys
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import numpy as np

from .._core import Answering, Primitive, define_late, read

__all__ = ["Namespace", "attach_ufunc", "by_function", "error_of", "helper", "named", "unsupported"]

by_function: dict[Any, Any] = {}
"""A function of NumPy's or SciPy's -> what stands for it: for NumPy's protocols and for aliases."""


def helper(
    function: Callable[..., Any],
    derivative: Any = None,
    zero: bool = False,
) -> Any:
    """Make a primitive that is no name of its own: the recorded core of a composite.

    Its arguments are canonical, so that rules need no keyword handling. With `derivative` it is
    differentiated as that function is, as for `Namespace.derivative_of`, or from its own value on
    (`Around`); with `zero` its derivative is zero.
    """
    name = "_" + function.__name__.strip("_")
    return Primitive(function, name, derivative=derivative, zero=zero)


def named(primitive: Any, function: Any, module: str, place: str | None = None) -> Any:
    """Give a primitive its function's documentation, and the place that pickle finds it in."""
    primitive.__doc__ = getattr(function, "__doc__", None)
    primitive.__module__ = module
    primitive.__qualname__ = primitive.__name__ if place is None else place
    return primitive


class Namespace:
    """One module of NumPy's or SciPy's and the module of fastad's that stands for it.

    Parameters
    ----------
    module : module
        NumPy's or SciPy's; an object that has the functions as attributes will do.
    name : str
        Name of fastad's module, where pickle finds the primitives again.
    prefix : str
        Where in that module, if they lie deeper: 'gumbel_r.'.

    Attributes
    ----------
    entries : dict
        What stands for a function, by its name below the module ('sum', 'linalg.norm').
    kinds : dict
        For each of them 'elementwise', 'structural', 'rule', 'composite', 'zero', 'test' or
        'refused'.
    late : dict
        Those of them that were made before their rules, which the module that has the rules fills
        in when it is loaded; others with them that are no entries.
    declared : dict
        The module that has the rules, for each name that one enters, also where the installed
        version has no such function or another name for it.
    called : set
        Those of them that answer plain values in a way of their own.
    beside : set
        Those of them that stand for a function and are no entries.
    """

    def __init__(self, module: Any, name: str, prefix: str = "") -> None:
        self.module = module
        self.name = name
        self.prefix = prefix
        self.entries: dict[str, Any] = {}
        self.kinds: dict[str, str] = {}
        self.late: dict[str, Any] = {}
        self.declared: dict[str, str] = {}
        self.called: set[str] = set()
        self.beside: set[str] = set()

    # ---- entering --------------------------------------------------------------------------------

    def find(self, name: str) -> Any:
        """The module's object of a dotted name, or None if the installed version has none."""
        found: Any = self.module
        for part in name.split("."):
            found = getattr(found, part, None)
        return found

    def named(self, primitive: Any, function: Any, name: str | None = None) -> Any:
        """Give a primitive its function's documentation, and the place that pickle finds it in."""
        return named(primitive, function, self.name, self.prefix + (name or primitive.__name__))

    def enter(self, name: str, primitive: Any, function: Any = None, kind: str = "rule") -> Any:
        """Put a primitive under a name; the first entry of a function object serves its aliases."""
        self.entries[name] = primitive
        self.kinds[name] = kind
        if function is not None:
            self.named(primitive, function, name)
            by_function.setdefault(function, primitive)
        return primitive

    def declare(self, *names: str) -> None:
        """Note that the module whose code runs has the rules of these names."""
        frame = sys._getframe(1)
        while frame.f_code.co_name != "<module>" and frame.f_back is not None:
            frame = frame.f_back
        module: str = frame.f_globals["__name__"]
        self.declared.update(dict.fromkeys(names, module))

    def make(self, name: str, function: Any, traced: Any = None, derivative: Any = None) -> Any:
        """A primitive for a function of the module, or the one that was made before its rules."""
        self.declare(name)
        made = self.late.get(name)
        if made is None:
            return Primitive(function, name, traced=traced, derivative=derivative)
        define_late(made, function, traced, derivative)
        return made

    def make_beside(self, name: str, function: Any, traced: Any) -> None:
        """As `make`, for what stands for a function of the module and is no entry."""
        self.beside.add(name)
        by_function[function] = self.named(self.make(name, function, traced), function)

    def answer_plain(self, name: str, make: Callable[[Any, Any], Any]) -> None:
        """Let `make(primitive, function)` be called on plain values in place of the function."""
        self.declare(name)
        self.called.add(name)
        entry = self.entries.get(name)
        if entry is not None:
            plain = make(entry, self.find(name))
            define_late(entry, plain, entry.traced, entry.derivative)

    def _present(self, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
        """The names that the installed version has, without aliases of what is entered."""
        self.declare(*names)
        for name in names:
            function = self.find(name)
            if function is None:
                continue
            known = by_function.get(function)
            if known is None or known is self.late.get(name):
                yield name, function

    def _entering(
        self, names: Sequence[str], make: Callable[[Any, Any, str], Any]
    ) -> Callable[[Callable[..., Any]], Any]:
        """Make a decorator that enters what `make` makes of its function under these names."""

        def register(decorated: Callable[..., Any]) -> Any:
            made = [
                self.enter(name, make(decorated, function, name), function, "composite")
                for name, function in self._present(names)
            ]
            return made[0] if made else decorated

        return register

    def composite(self, *names: str) -> Callable[[Callable[..., Any]], Any]:
        """Make the decorated function the traced path of the functions of these names.

        The function is written in other differentiable operations and does the arithmetic that
        NumPy does, so that values are NumPy's bit for bit and derivatives of every order follow.
        Names that the installed version does not have, or that are aliases of one entered before,
        are left out.

        Returns
        -------
        decorator : callable
            It returns the primitive of the first name (the function itself if there is none).
        """
        return self._entering(
            names,
            lambda traced, function, name: self.make(
                name, function, traced=with_own_errors(traced, function)
            ),
        )

    def derivative_of(self, *names: str) -> Callable[[Callable[..., Any]], Any]:
        """Make the decorated function what the functions of these names are differentiated as.

        The value is the function's own, one operation. The decorated one computes the same, up to
        rounding, of other differentiable operations; it runs where a level that differentiates is
        on top, on the values one level down, after the function itself has taken the arguments.
        What it needs of the values themselves (an order, a mask, a branch) it asks of `primal`.

        Returns
        -------
        decorator : callable
            It returns the primitive of the first name (the function itself if there is none).
        """
        return self._entering(
            names,
            lambda derivative, function, name: self.make(name, function, derivative=derivative),
        )

    def rule(self, name: str) -> Any:
        """Enter the function of this name as a primitive that rules are attached to."""
        function = self.find(name)
        return self.enter(name, self.make(name, function), function)

    def zero(self, name: str, kind: str = "zero", traced: Any = None) -> None:
        """Enter the function of this name, if there is one, as one whose derivative is zero."""
        function = self.find(name)
        if function is not None:
            self.enter(name, Primitive(function, name, traced=traced, zero=True), function, kind)

    def refused(self, name: str, remedy: str) -> Any:
        """A primitive that refuses traced arguments and says what to write instead."""
        package = self.module.__name__

        def raise_refusal(*args: Any, **kwargs: Any) -> NoReturn:
            raise TypeError(f"{package}.{name} cannot take a traced argument in fastad: {remedy}")

        function = self.find(name)
        primitive = self.named(refusing(function, name, raise_refusal), function)
        by_function.setdefault(function, primitive)
        return primitive

    # ---- filling ---------------------------------------------------------------------------------

    def resolve(self, name: str, value: Any) -> Any:
        """What stands for the module's object of this name in fastad."""
        if isinstance(value, (type, types.ModuleType)) or not callable(value):
            return value
        if name in self.entries:
            return self.entries[name]
        if value.__hash__ is None:
            return value
        known = by_function.get(value)
        return self.without_rule(name, value) if known is None else known

    def without_rule(self, name: str, function: Any) -> Any:
        """What stands for a function that nothing was entered for: traced values are refused."""
        primitive = self.named(Primitive(function, name), function)
        by_function.setdefault(function, primitive)
        self.late.setdefault(name, primitive)  # for a module that no list of late ones has
        return primitive


def refusing(function: Any, name: str, raise_refusal: Callable[..., NoReturn]) -> Primitive:
    """A primitive of plain values, whose own words refuse traced ones."""
    primitive = Primitive(function, name, traced=raise_refusal)
    primitive.refuses = True  # type: ignore[attr-defined]
    return primitive


# ---- errors --------------------------------------------------------------------------------------


def with_own_errors(traced: Callable[..., Any], function: Callable[..., Any]) -> Any:
    """Return traced, raising the function's own error where it has one to the same arguments."""
    return Answering(traced, function, _own_error)


def _own_error(
    error: Exception, function: Callable[..., Any], args: Any, kwargs: Any
) -> Exception | None:
    return None if "fastad" in str(error) else error_of(function, args, kwargs or {})


def error_of(function: Callable[..., Any], args: Any, kwargs: Any) -> Exception | None:
    """Return what a function of NumPy's or SciPy's raises at arguments without boxes."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            options = {key: printed(value) for key, value in kwargs.items() if key != "out"}
            function(*printed(args), **options)
    except Exception as error:
        return error
    return None


def printed(x: Any) -> Any:
    """An argument as an error speaks of it."""
    if type(x) in (list, tuple):
        return type(x)(map(printed, x))
    return read(x, "text")


REMEDIES = {
    "out": "use the returned value",
    "where": "mask the values with numpy.where first",
    "dtype": "convert the arguments first",
    "initial": "combine the initial value with the result",
    "mean": "leave it out, it is computed",
}


def unsupported(function: str, argument: str) -> TypeError:
    """The error of an argument that has no meaning on a traced value."""
    return TypeError(
        f"{function}: the argument {argument!r} is not supported with a traced value in fastad; "
        f"{REMEDIES.get(argument, 'leave it out')}"
    )


# ---- ufuncs --------------------------------------------------------------------------------------

DATA = ("identity", "nargs", "nin", "nout", "ntypes", "resolve_dtypes", "signature", "types")
METHODS = ("reduce", "accumulate", "reduceat", "outer", "at")


def attach_ufunc(
    primitive: Any, function: np.ufunc, traced: Callable[[str], Any] = lambda method: None
) -> None:
    """Give a primitive the data and the methods of its ufunc.

    `traced(method)` is what answers a method of traced values; where there is none it refuses.
    """
    for attribute in DATA:
        if hasattr(function, attribute) and not _has_already(primitive, attribute):
            setattr(primitive, attribute, getattr(function, attribute))
    for method in METHODS:
        if _has_already(primitive, method):
            continue
        bound = getattr(function, method)
        name = f"{function.__name__}.{method}"
        made = named(Primitive(bound, name, traced=traced(method)), bound, primitive.__module__)
        setattr(primitive, method, made)


def _has_already(primitive: Any, attribute: str) -> bool:
    """Whether a program put something of its own there before what comes late."""
    try:
        object.__getattribute__(primitive, attribute)  # asks for nothing that is late
    except AttributeError:
        return False
    return True
