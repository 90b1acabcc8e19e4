"""What objects of the kinds made in C hold: containers, and kinds with a way of their own."""

from __future__ import annotations

import collections
import collections.abc
import datetime
import decimal
import functools
import gc
import operator
import re
import sys
import threading
import types
import typing
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from types import CodeType
from typing import Any, ClassVar

import numpy as onp

from .places import Places, Unwatchable

__all__ = ["CONSTANT", "MEMORY", "Contents"]

MAX_CACHED = 100
# Attributes that are data and describe an array, for NumPy to read.
MEMORY = frozenset(("__array_interface__", "__array_struct__"))
# Methods made in C that read or write attributes whose names are told to them.
_BY_NAME = frozenset("__delattr__ __get__ __getattribute__ __set__ __setattr__".split())

# Members that tell of an object itself, not of what it was made from.
_OF_THE_OBJECT = frozenset("__dictoffset__ __doc__ __vectorcalloffset__ __weaklistoffset__".split())

# The class of `type X = ...`, from Python 3.12 on.
_TYPE_ALIAS: Any = getattr(typing, "TypeAliasType", types.GenericAlias)
_Fields = collections.namedtuple("_Fields", "field")
CONSTANT: tuple[type, ...] = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    object,
    type(Ellipsis),
    type(NotImplemented),
    CodeType,
    range,
    datetime.date,
    datetime.timedelta,
    datetime.timezone,
    decimal.Decimal,
    re.Pattern,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
    type(vars(_Fields)["field"]),
    type(vars(collections.abc.Sized)["_abc_impl"]),
    type(sys.float_info),
    type(sys.flags),
    type(sys.version_info),
    # Whether a lock is held is asked of it by calls, which are not allowed.
    type(threading.Lock()),
    type(threading.RLock()),
)


def _cached_by(cache: Any) -> tuple[Any, ...]:
    """What a functools.lru_cache holds: its function, the keys and the results.

    A cache of limited size answers for its elements, one without a limit has results in a table.
    """
    kept: list[Any] = []
    for held in gc.get_referents(cache):
        if type(held) is not dict:
            kept.append(held)
            continue
        kept += [item for item in held.values() if type(item).__name__ != "_lru_list_elem"]
    return tuple(kept)


class Contents(Places):
    """Slots for what objects hold; what is in them is visited.

    Parameters
    ----------
    names : set of str
        The attributes that executed code uses.
    strings : set of str
        What may be asked for by name; it grows while strings are met.
    wide : bool
        Each attribute may be read, whatever its name.
    """

    def __init__(self, names: set[str], strings: set[str], wide: bool) -> None:
        super().__init__()
        self._names: frozenset[str] = frozenset(names)
        self._strings = strings
        self._wide = wide
        self.asks_by_name = False  # an object was met that asks for attributes by strings

    def _visit(self, value: Any, path: str, placed: bool = False) -> None:
        """Look at an object that stands at this place: `placed`, if a slot can exchange it."""
        raise NotImplementedError

    def _unnamed(self, value: Any, path: str) -> None:
        """Look at an attribute that code may read though none that was seen names it."""
        self._visit(value, path, True)

    def _member(self, value: Any, name: str, member: Any, path: str) -> None:
        """A slot for what stands in an object itself, behind a descriptor of its class."""
        found = self.slots.expected(self._note(self.slots.member(value, member), f"{path}.{name}"))
        if found is not None:
            self._visit(found, f"{path}.{name}")

    def _container(self, value: Any, path: str) -> None:
        if isinstance(value, collections.OrderedDict):
            self._read(lambda: tuple(value.items()), path, value)
            self._visit_pairs(value.items(), path)
        elif isinstance(value, dict):
            self._mapping(value, path)
            if isinstance(value, collections.defaultdict):
                self._visit(value.default_factory, f"{path}.default_factory")
                self._read(lambda: (value.default_factory,), path)
        elif isinstance(value, list):
            self._note(self.slots.items(value), f"{path}[*]")
            self._elements(value, path, True)
        elif isinstance(value, tuple):
            self._elements(value, path)
        else:
            if isinstance(value, set):
                self._read(lambda: tuple(value), path, value)
            self._elements(value, path)

    def _mapping(self, value: dict[Any, Any], path: str) -> None:
        self._note(self.slots.keys(value), f"{path}.*")
        self._visit_pairs(value.items(), path, True)

    def _visit_pairs(
        self, pairs: Iterable[tuple[Any, Any]], path: str, placed: bool = False
    ) -> None:
        for key, item in list(pairs):
            self._visit(key, path)
            self._visit(item, f"{path}[{key!r}]" if type(key) in (str, int) else path, placed)

    def _elements(self, values: Iterable[Any], path: str, placed: bool = False) -> None:
        for i, item in enumerate(list(values)):
            if type(item) not in CONSTANT or type(item) is str:
                self._visit(item, f"{path}[{i}]", placed)

    def _attributes_of(self, value: Any, path: str, everything: bool = False) -> None:
        """Slots for an object's attributes, and for the dict that holds them, which can be set."""
        self._note(self.slots.space(value), f"{path}.__dict__")
        self._attributes(value.__dict__, path, everything)

    def _attributes(self, space: dict[str, Any], path: str, everything: bool = False) -> None:
        """A slot for an object's dict; values whose names no code uses are not compared."""
        everything = everything or self._wide
        for name in MEMORY.intersection(space):
            raise Unwatchable(f"{path}.{name} tells of memory that cannot be seen")
        self._note(self.slots.keys(space, None if everything else self._names), f"{path}.*")
        for name, value in list(space.items()):
            if name in self._names:
                self._visit(value, f"{path}.{name}", True)
            elif everything:
                self._unnamed(value, f"{path}.{name}")

    # -- kinds with a way of their own -------------------------------------------------------------

    def _made_of(self, value: Any, path: str) -> None:
        """What an object of a class made in C was made from, and can be made from anew."""
        for name, member in vars(type(value)).items():
            if type(member) is types.MemberDescriptorType and name not in _OF_THE_OBJECT:
                self._member(value, name, member, path)
        if hasattr(value, "__dict__"):
            self._attributes_of(value, path)

    def _cache(self, value: Any, path: str) -> None:
        # A hit is no change; a cleared or grown cache is, and another result.
        if value.cache_info().currsize > MAX_CACHED:
            raise Unwatchable(f"{path} is a cache of more than {MAX_CACHED} results")
        self._read(lambda: (value.cache_info()[1:], *_cached_by(value)), path)
        self._elements(_cached_by(value), path)

    def _cached_property(self, value: Any, path: str) -> None:
        self._attributes_of(value, path, True)  # what it gave stands in the instance's dict
        self._visit(value.func, path)

    def _context(self, value: ContextVar[Any], path: str) -> None:
        def read() -> tuple[Any, ...]:
            try:
                return (value.get(),)
            except LookupError:
                return ()

        self._read(read, path)
        self._elements(read(), path)

    def _view(self, value: Any, path: str) -> None:
        self._read(lambda: tuple(item for pair in value.items() for item in pair), path)
        self._visit_pairs(value.items(), path)

    def _queue(self, value: collections.deque[Any], path: str) -> None:
        self._read(lambda: tuple(value), path, value)
        self._elements(value, path)

    def _buffer(self, value: Any, path: str) -> None:
        self._read(lambda: (bytes(value),), path)

    def _space(self, value: types.SimpleNamespace, path: str) -> None:
        self._attributes(vars(value), path)

    def _getter(self, value: Any, path: str) -> None:
        self.asks_by_name = True
        for item in value.__reduce__()[1]:
            self._visit(item, path)

    def _bound(self, value: Any, path: str) -> None:
        self._unbound(value, path)
        self._visit(value.__self__, f"{path}.__self__")

    def _unbound(self, value: Any, path: str) -> None:
        if value.__name__ in _BY_NAME:
            self.asks_by_name = True

    def _member_alone(self, value: Any, path: str) -> None:
        """One that is kept elsewhere than in its class: it reads what it stands for."""
        self.asks_by_name = True
        self._strings.add(value.__name__)

    def _slice(self, value: slice, path: str) -> None:
        self._elements((value.start, value.stop, value.step), path)

    def _ufunc(self, value: onp.ufunc, path: str) -> None:
        # One of NumPy's refers to its attributes alone; one made by frompyfunc, to what it calls.
        for inner in gc.get_referents(value):
            if type(inner) is not dict:
                self._visit(inner, path)

    def _time(self, value: datetime.time | datetime.datetime, path: str) -> None:
        self._visit(value.tzinfo, f"{path}.tzinfo")

    def _alias(self, value: Any, path: str) -> None:
        for name in ("__origin__", "__args__", "__value__"):
            self._visit(getattr(value, name, None), f"{path}.{name}")

    # How objects of a kind of their own are looked at.
    _walks: ClassVar[dict[Any, Callable[..., None]]] = {
        functools.cached_property: _cached_property,
        functools.partial: _made_of,
        property: _made_of,
        classmethod: _made_of,
        staticmethod: _made_of,
        type(functools.lru_cache(lambda: None)): _cache,
        ContextVar: _context,
        types.MappingProxyType: _view,
        collections.deque: _queue,
        bytearray: _buffer,
        types.SimpleNamespace: _space,
        operator.attrgetter: _getter,
        operator.itemgetter: _getter,
        operator.methodcaller: _getter,
        types.MethodWrapperType: _bound,
        types.WrapperDescriptorType: _unbound,
        types.MemberDescriptorType: _member_alone,
        types.GetSetDescriptorType: _member_alone,
        slice: _slice,
        onp.ufunc: _ufunc,
        datetime.time: _time,
        datetime.datetime: _time,
        types.GenericAlias: _alias,
        types.UnionType: _alias,
        _TYPE_ALIAS: _alias,
    }
