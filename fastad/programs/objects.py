"""The walk over objects: what executed code can read of each becomes a slot.

What is met is either constant, or has a slot, or cannot be watched: then the function stays eager,
and the reason says where that object stands.
"""

from __future__ import annotations

import abc
import collections
import collections.abc
import datetime
import decimal
import functools
import operator
import random
import types
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as onp

from .._core import (
    Jvp,
    Primitive,
    Vjp,
    debug_mutation,
    debug_nans,
    is_python_class,
    isbox,
    strict_zero,
)
from .._impl.operators.products import GaussNewtonProduct
from .allowed import (
    DISPATCHER,
    allowed_call,
    allowed_type,
    asks_by_name,
    name_of,
    of_library,
    trusted_module,
)
from .bytecode import stored_in_self
from .contents import CONSTANT, MEMORY, Contents
from .frames import arrays_of, is_frame, of_pandas, parts_of
from .places import Unwatchable

__all__ = ["GIVEN", "SEEDED", "Objects"]

MAX_VALUES = 200_000

_RANDOM: tuple[type, ...] = (
    onp.random.Generator,
    onp.random.RandomState,
    onp.random.BitGenerator,
    onp.random.SeedSequence,
    random.Random,
)
_CYTHON = ("cython_function_or_method", "fused_cython_function")
_IDLE = (onp.random.Generator, onp.random.RandomState)
_GLOBAL = onp.random.mtrand._rand  # of numpy.random's functions
SEEDED = "default_rng"
_SEEDABLE = (onp.random.Generator, onp.random.BitGenerator, onp.random.SeedSequence)
_ITERATOR_NAMES = frozenset(("enumerate", "filter", "map", "reversed", "zip"))
# Tables, of which arrays are to be taken.
_FRAMES = frozenset(("pandas", "polars", "xarray"))
_GLOBALS_OF_LIBRARY = frozenset(("numpy", "fastad", "pandas", "scipy"))
_CLASS_FIELDS = frozenset(("__name__", "__qualname__"))
# What classes have under names like those of special methods, and what only Python code reads.
_NOT_SPECIAL = frozenset(
    """
    __abstractmethods__ __annotate__ __annotations__ __annotations_cache__ __dataclass_fields__
    __dataclass_params__ __dict__ __doc__ __firstlineno__ __match_args__ __module__ __orig_bases__
    __parameters__ __qualname__ __slots__ __static_attributes__ __weakref__
    """.split()
)
# How members and properties made in C stand in a class: what they read is watched where it stands.
_MEMBERS = (types.MemberDescriptorType, types.GetSetDescriptorType)
# Under which names objects made in C keep functions that they call.
_CALLED = frozenset("default_factory fdel fget fset func".split())
# The functions in results that programs can stand for: their results depend on what they were made
# from, and on nothing that calls leave behind.
GIVEN = (Vjp, Jvp, GaussNewtonProduct)
_ASKING = (operator.attrgetter, operator.methodcaller)
# What NumPy asks objects of any class for.
_ASKED_FOR = frozenset("dtype ndim shape size".split())
_MODES: tuple[type, ...] = (debug_mutation, debug_nans, strict_zero)
_CONTENTS = (
    list,
    dict,
    tuple,
    set,
    frozenset,
    int,
    float,
    complex,
    str,
    bytes,
    onp.ndarray,
    type,
    property,
    datetime.tzinfo,
)


def _registered_classes() -> tuple[Any, ...]:
    return (abc.get_cache_token(),)


def _decimal_context() -> tuple[Any, ...]:
    context = decimal.getcontext()
    return (
        context.prec,
        context.rounding,
        context.Emin,
        context.Emax,
        context.clamp,
        *context.flags.values(),  # arithmetic sets them
        *context.traps.values(),
    )


class Objects(Contents):
    """A walk over objects, by the names of attributes that executed code uses.

    Parameters
    ----------
    names : set of str
        The attributes.
    strings : set of str
        What may be asked for by name; it grows while strings are met.
    wide : bool
        Each attribute may be read, whatever its name.
    """

    _draws = False  # whether draws are noted
    _kept: Mapping[int, Any] = {}  # containers that the function writes, as long as they are placed
    _handed: frozenset[str] = frozenset()  # names of what executed code does more with than call it

    def __init__(self, names: set[str], strings: set[str], wide: bool) -> None:
        super().__init__(names, strings, wide)
        self._names |= _ASKED_FOR
        self.generators: list[tuple[onp.random.Generator, str]] = []
        # Those that no code names: whether they were drawn from is told by their states.
        self.idle: list[tuple[Any, str]] = []
        self.uses_pandas = False
        self.held: set[int] = set()  # arrays that stand somewhere where no slot can exchange them
        self._seen: dict[int, Any] = {}
        self._values = 0
        self._todo: list[tuple[Any, str]] = []

    def knows(self, value: Any) -> bool:
        """Whether this very object was met."""
        return id(value) in self._seen

    def _drain(self) -> None:
        while self._todo:
            value, path = self._todo.pop()
            try:
                self._walk(value, path)
            except Unwatchable:
                raise
            except Exception as error:  # an object may answer its attributes with anything
                raise Unwatchable(
                    f"looking at {path} raised {type(error).__name__}: {error}"
                ) from error

    def _visit(self, value: Any, path: str, placed: bool = False) -> None:
        kind = type(value)
        if kind in CONSTANT:
            if kind is str:
                self._strings.add(value)
            elif kind is decimal.Decimal:
                self._once(_decimal_context, "decimal's context")
            return
        if not placed:
            if isinstance(value, onp.ndarray):
                self.held.add(id(value))
            elif id(value) in self._kept:
                raise Unwatchable(f"it changes {path}, which a replay would not do")
        if kind is types.BuiltinFunctionType:  # each time: it may be seen elsewhere first
            self._handed_on(value, path)
        if id(value) not in self._seen:
            self._values += 1
            if self._values > MAX_VALUES:
                raise Unwatchable("it can read more state than is worth watching")
            self._seen[id(value)] = value
            self._todo.append((value, path))

    def _unnamed(self, value: Any, path: str) -> None:
        if value is _GLOBAL:
            pass  # compared in any case
        elif type(value) in _IDLE:
            self.idle.append((value, path))
        else:
            super()._unnamed(value, path)

    def _walk(self, value: Any, path: str) -> None:
        # Not by isinstance, which asks an object of a user's for its `__class__`.
        kind: Any = type(value)
        if isbox(value):
            raise Unwatchable(f"{path} is a traced value of an outer function")
        if kind in self._walks:
            self._walks[kind](self, value, path)
        elif issubclass(kind, type):
            self._class(value, path)
        elif kind is onp.random.Generator and self._draws:
            self.generators.append((value, path))
        elif issubclass(kind, _RANDOM):
            raise Unwatchable(f"{path} is a random number generator, which changes with each draw")
        elif kind is types.BuiltinFunctionType:
            self._builtin(value, path)
        elif issubclass(kind, onp.ndarray):
            self._array(value, path)
        elif issubclass(kind, onp.dtype):
            self._dtype(value, path)
        elif issubclass(kind, (list, dict, tuple, set, frozenset)):
            self._container(value, path)
            if is_python_class(kind):
                self._instance(value, path)
        elif issubclass(kind, onp.generic):
            if issubclass(kind, (onp.void, onp.object_)):
                raise Unwatchable(f"{path} is a NumPy record, which can change in place")
        elif issubclass(kind, Primitive):
            self._primitive(value, path)
        elif kind is weakref.ref and isinstance(value(), type):
            self._read(lambda: (value(),), path)  # a class is kept alive by this, nothing else
        elif kind is DISPATCHER:
            pass
        elif issubclass(kind, types.ModuleType):  # of a class of its own
            self._walks[types.ModuleType](self, value, path)
            self._visit(kind, kind.__name__)
        elif kind.__module__.startswith("fastad."):
            self._of_fastad(value, path)
        elif is_python_class(kind):
            self._instance(value, path)
        elif kind.__name__ in _CYTHON:
            module = getattr(value, "__module__", None) or ""
            if module.startswith("numpy.random"):
                if value.__name__ != SEEDED:
                    raise Unwatchable(f"{path} draws random numbers")
            elif not trusted_module(module):
                raise Unwatchable(f"{path} is a compiled function, whose state cannot be seen")
        elif issubclass(kind, (collections.abc.Iterator, weakref.ref)) or not trusted_module(
            kind.__module__
        ):
            what = "an iterator" if issubclass(kind, collections.abc.Iterator) else "an object"
            raise Unwatchable(
                f"{path} is {what} of type {kind.__name__}, whose state cannot be seen"
            )

    def _class(self, cls: type, path: str) -> None:
        if not is_python_class(cls):
            # One that the function makes from a seed draws the same at each call; without a seed it
            # asks the system for entropy, which is not allowed.
            if issubclass(cls, _SEEDABLE):
                return
            if cls in _RANDOM or cls.__module__.startswith(("numpy.random", "random")):
                raise Unwatchable(f"{path} makes a random number generator")
            if cls is decimal.Decimal:
                self._once(_decimal_context, "decimal's context")
            if cls in _ASKING:
                self.asks_by_name = True
            if not allowed_type(cls):
                raise Unwatchable(f"{path} is a compiled class, whose state cannot be seen")
            return
        if issubclass(cls, _MODES):
            raise Unwatchable(f"it uses {cls.__name__}, which changes how it runs")
        if cls.__module__.partition(".")[0] in _GLOBALS_OF_LIBRARY:
            self.uses_pandas = self.uses_pandas or of_pandas(cls)
            return
        self._note(self.slots.mro(cls), path)
        self._note(self.slots.type(cls), f"type({path})")
        if isinstance(cls, abc.ABCMeta):
            self._once(_registered_classes, "the classes registered with abstract ones")
        if fields := sorted(self._names & _CLASS_FIELDS):
            self._fields(cls, fields, path)
        if is_python_class(type(cls)):
            self._visit(type(cls), f"type({path})")
        for base in cls.__mro__:
            if base is not cls:
                self._visit(base, base.__name__)
        special = [
            name
            for name in vars(cls)
            if name.startswith("__") and name.endswith("__") and name not in _NOT_SPECIAL
        ]
        for name in MEMORY.intersection(special):
            if not _is_code(vars(cls)[name]):
                raise Unwatchable(f"{path}.{name} tells of memory that cannot be seen")
        names = self._names.union(special)
        self._note(self.slots.keys(cls, None if self._wide else names), f"{path}.*")
        for name, value in list(vars(cls).items()):
            if type(value) in _MEMBERS:
                continue
            if name in names or (self._wide and not name.startswith("__")):
                self._visit(value, f"{path}.{name}", True)

    def _once(self, read: Callable[[], tuple[Any, ...]], path: str) -> None:
        """A slot for state of all of Python."""
        if (id(read), None) not in self._known:
            self._known[id(read), None] = self._note(self.slots.call(read), path)

    def _fields(self, value: Any, fields: Iterable[str], path: str) -> None:
        """What an object answers to these names, beside its dict."""
        self._read(lambda: tuple(getattr(value, name) for name in fields), path)
        for name in fields:
            self._visit(getattr(value, name), f"{path}.{name}")

    def _builtin(self, function: Any, path: str) -> None:
        owner = function.__self__
        if owner is None or isinstance(owner, (types.ModuleType, type)):
            module = getattr(function, "__module__", None) or ""
            if module.startswith("numpy.random"):
                if function.__name__ == SEEDED:  # NumPy 1's; see the class of it in `_class`
                    return
                raise Unwatchable(f"{path} draws random numbers")
        else:
            self._visit(owner, f"{path}.__self__")

    def _handed_on(self, function: Any, path: str) -> None:
        """A function made in C that is not called where it is named: who calls it is not seen."""
        name = path.rpartition(".")[2]
        called = name in self._handed or name in _CALLED or name.startswith("__")
        if name.isidentifier() and not (called or (self._wide and name in self._strings)):
            return
        if asks_by_name(function):
            self.asks_by_name = True
        if isinstance(function.__self__, (types.ModuleType, type, type(None))):
            if not allowed_call(function):
                raise Unwatchable(
                    f"{path} is {name_of(function)}(), which reads or changes what a program "
                    "cannot see, and is handed on"
                )

    def _array(self, array: onp.ndarray[Any, Any], path: str) -> None:
        if array.dtype.hasobject or isinstance(array, onp.memmap):
            raise Unwatchable(f"{path} is an array of objects or of a file's contents")
        self._note(self.slots.content(array), path)
        self._visit(array.dtype, f"{path}.dtype")
        if type(array) is not onp.ndarray:
            if hasattr(array, "__dict__"):
                self._attributes_of(array, path, everything=True)

    def _instance(self, value: Any, path: str) -> None:
        kind = type(value)
        library = kind.__module__.partition(".")[0]
        if is_frame(value):
            self._frame(value, path)
            return
        if library in _FRAMES:
            raise Unwatchable(
                f"{path} is a {kind.__name__} of {library}, whose state cannot be seen; take its "
                "arrays (x.to_numpy()) outside"
            )
        self._note(self.slots.type(value), f"type({path})")
        self._visit(kind, kind.__name__)
        for base in kind.__mro__:
            if not is_python_class(base):
                inner = base
                break
        if not issubclass(inner, _CONTENTS) and inner is not object:
            raise Unwatchable(
                f"{path} is an object of type {kind.__name__}, made from {inner.__name__}, whose "
                "state cannot be seen"
            )
        try:
            space = object.__getattribute__(value, "__dict__")
        except AttributeError:
            space = None
        # Methods of libraries are not observed: they may read each attribute.
        everything = any(of_library(base) for base in kind.__mro__ if is_python_class(base))
        if type(space) is dict:
            self._note(self.slots.space(value), f"{path}.__dict__")
            self._attributes(space, path, everything)
        elif space is not None:
            raise Unwatchable(f"{path} keeps its attributes in a {type(space).__name__}")
        for base in kind.__mro__:
            if is_python_class(base) and "__slots__" in vars(base):
                for name, member in list(vars(base).items()):
                    if type(member) is types.MemberDescriptorType and (
                        everything or self._wide or name in self._names
                    ):
                        self._member(value, name, member, path)

    def _frame(self, value: Any, path: str) -> None:
        try:
            arrays = list(arrays_of(value))
        except Unwatchable as error:
            raise Unwatchable(
                f"{path} is a {type(value).__name__} of pandas, whose state cannot be seen, as "
                f"{error}; take its arrays (x.to_numpy()) outside"
            ) from None
        self.uses_pandas = True
        self._read(lambda: parts_of(value), path)
        for array in arrays:
            self._visit(array, path)
        for inner in (value._mgr, value.flags):  # seen to, or of no account
            self._seen.setdefault(id(inner), inner)
        self._attributes_of(value, path)
        self._visit(value.attrs, f"{path}.attrs")

    def _dtype(self, dtype: onp.dtype[Any], path: str) -> None:
        if dtype.names:  # which can be set
            self._read(lambda: dtype.names or (), path)
            for name in dtype.names:
                self._visit(dtype[name], f"{path}[{name!r}]")
        if dtype.subdtype is not None:
            self._visit(dtype.subdtype[0], f"{path}.base")
        self._visit(dtype.metadata, f"{path}.metadata")

    def _primitive(self, primitive: Primitive, path: str) -> None:
        """What a user has made one with: its function, its rules, its attributes."""
        if not trusted_module(getattr(primitive.fun, "__module__", None)):
            self._visit(primitive.fun, path)
            self._visit(primitive.derivative, f"the derivative of {path}")
            self._users_attributes(primitive, path)
        for rules in (primitive.vjps, primitive.jvps):
            if rules is not None and rules.users:
                for rule in (*rules.by_argnum.values(), rules.rest, rules.joint):
                    self._visit(rule, f"a derivative rule of {path}")

    def _of_fastad(self, value: Any, path: str) -> None:
        """An operator or another object of this package: what it was made from."""
        if isinstance(value, GIVEN):
            raise Unwatchable(
                f"{path} is a function that make_vjp or its like gave, whose arrays cannot be "
                "seen; make it within the function"
            )
        for name in ("__wrapped__", "_parameters", "_options", "_giver", "fun"):
            inner = getattr(value, name, None)
            if inner is not None:
                self._visit(inner, path)
        self._users_attributes(value, path)

    def _users_attributes(self, value: Any, path: str) -> None:
        """Slots for what a user's code has given an object of this package, or may give it."""
        space = getattr(value, "__dict__", None)
        if type(space) is not dict:
            return
        kind: Any = type(value)
        names = self._names.union(space if self._wide else ()) - _own_names(kind)
        self._note(self.slots.space(value), f"{path}.__dict__")
        self._note(self.slots.keys(space, names), f"{path}.*")
        for name in names.intersection(space):
            self._visit(space[name], f"{path}.{name}", True)


@functools.cache
def _own_names(cls: type) -> frozenset[str]:
    """The attributes that the methods of a class of this package set in their object."""
    names = {"__doc__", "__module__", "__name__", "__qualname__", "__wrapped__"}
    for base in cls.__mro__:
        for member in vars(base).values():
            if isinstance(member, types.FunctionType):
                names |= stored_in_self(member.__code__)
    return frozenset(names)


# Classes made in C of which a Python class may be made, and whose contents are seen to elsewhere.


def _is_code(value: Any) -> bool:
    return isinstance(value, (types.FunctionType, property, classmethod, staticmethod))
