"""The watch: all state that executed code can read, as slots that are compared before a replay.

The walk starts at the function and at the objects among its arguments, and follows what executed
code names: closure cells, globals, imports, attributes, the elements of containers, classes and
their bases, defaults. What it meets is either constant, or has a slot, or cannot be watched: then
the function stays eager, and the reason says where that object stands.
"""

from __future__ import annotations

import builtins
import collections.abc
import datetime
import decimal
import functools
import gc
import importlib.util
import operator
import random
import re
import sys
import types
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from types import CodeType
from typing import Any

import numpy as onp

from .._core import (
    Primitive,
    Slots,
    debug_mutation,
    debug_nans,
    instance_state_of,
    is_python_class,
    isbox,
    rules_given,
    same_constant,
    strict_zero,
)
from .allowed import (
    allowed_call,
    allowed_type,
    asks_by_name,
    name_of,
    of_library,
    trusted,
    trusted_module,
)
from .reads import Reads, nested, reads_of

__all__ = ["Unwatchable", "Watch", "check_calls", "opaque"]

MAX_SLOTS = 5_000
MAX_VALUES = 200_000

_Fields = collections.namedtuple("_Fields", "field")
_CONSTANT: tuple[type, ...] = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    type(Ellipsis),
    type(NotImplemented),
    CodeType,
    range,
    onp.dtype,
    onp.ufunc,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    datetime.timezone,
    decimal.Decimal,
    re.Pattern,
    types.GenericAlias,
    types.UnionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.MethodWrapperType,
    types.ClassMethodDescriptorType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    type(vars(_Fields)["field"]),
    type(vars(collections.abc.Sized)["_abc_impl"]),
    type(sys.float_info),
    type(sys.flags),
    type(sys.version_info),
)
# NumPy's functions that dispatch by their arguments; 1.26 has plain functions there.
_DISPATCHER = type(onp.sum)
_RANDOM: tuple[type, ...] = (
    onp.random.Generator,
    onp.random.RandomState,
    onp.random.BitGenerator,
    onp.random.SeedSequence,
    random.Random,
)
_SEEDED = "default_rng"
_SEEDABLE = (onp.random.Generator, onp.random.BitGenerator, onp.random.SeedSequence)
_ITERATOR_NAMES = frozenset(("enumerate", "filter", "map", "reversed", "zip"))
_GLOBALS_OF_LIBRARY = frozenset(("numpy", "fastad", "scipy"))
_MODES: tuple[type, ...] = (debug_mutation, debug_nans, strict_zero)
_SINGLE = frozenset(("cell", "entry"))
_absent = object()


class Unwatchable(Exception):
    """Something that executed code can read, and that nobody can compare."""


def check_calls(calls: Iterable[tuple[Any, CodeType, int]]) -> None:
    """Raise `Unwatchable` if some C function is not on the list of those that keep no state."""
    for function, caller, line in calls:
        if not trusted(caller) and not allowed_call(function):
            raise Unwatchable(
                f"it calls {name_of(function)}() at {caller.co_filename}, line {line}, which reads "
                "or changes what a program cannot see"
            )


def opaque(value: Any, path: str) -> Iterator[tuple[Any, str]]:
    """What among arguments is neither a container, a number, an array nor another constant."""
    kind = type(value)
    if kind is tuple or kind is list or (isinstance(value, tuple) and hasattr(kind, "_fields")):
        for i, item in enumerate(value):
            yield from opaque(item, f"{path}[{i}]")
    elif isinstance(value, dict) and kind is dict:
        for key, item in value.items():
            yield from opaque(item, f"{path}[{key!r}]")
    elif kind is onp.ndarray or isinstance(value, onp.generic) or kind in _CONSTANT:
        return
    elif (state := instance_state_of(value)) is not None:
        yield kind, f"type({path})"
        for name, item in state.items():
            yield from opaque(item, f"{path}.{name}")
    else:
        yield value, path


class Watch:
    """The slots of one function, for the code that has run.

    Parameters
    ----------
    roots : sequence of (object, str)
        The function, and objects among its arguments, each with the name it has for a user.
    codes : iterable of code
        What ran.
    calls : iterable of (function, code, line)
        Which C functions were called.

    Raises
    ------
    Unwatchable
        If something can be read that cannot be compared.
    """

    def __init__(
        self,
        roots: Iterable[tuple[Any, str]],
        codes: Iterable[CodeType],
        calls: Iterable[tuple[Any, CodeType, int]],
    ) -> None:
        self._codes: dict[int, CodeType] = {}
        copied = False
        for code in codes:
            if trusted(code):
                copied = copied or code.co_filename.endswith("copy.py")
            else:
                self._codes[id(code)] = code
        names: set[str] = set()
        strings: set[str] = set()
        for code in self._codes.values():
            names |= reads_of(code).names
            strings |= reads_of(code).strings
        # Where attributes are asked for by strings, any string may be one's name.
        wide = (
            copied
            or "__dict__" in names
            or any(asks_by_name(f) for f, caller, _ in calls if not trusted(caller))
        )
        while True:
            known = len(strings)
            if wide:
                names |= strings
            self._look(roots, names, strings, wide)
            if self._asks_by_name <= wide and len(strings) == known:
                break
            wide = wide or self._asks_by_name

    def _look(
        self, roots: Iterable[tuple[Any, str]], names: set[str], strings: set[str], wide: bool
    ) -> None:
        """One walk; it may find that attributes are asked for by strings, or more such strings."""
        self.slots = Slots()
        self.places: list[str] = []
        self._seen: dict[int, Any] = {}
        self._known: dict[tuple[Any, ...], int] = {}
        self._values = 0
        self._todo: list[tuple[Any, str]] = []
        self._done: dict[int, CodeType] = {}
        self._names = frozenset(names)
        self._strings = strings
        self._wide = wide
        self._asks_by_name = False
        self._note(self.slots.entry(rules_given, "times"), "a derivative rule")
        for value, path in roots:
            self._visit(value, path)
        self._drain()
        self._find_strays()

    # -- what a slot is called ---------------------------------------------------------------------

    def changes(self) -> list[str]:
        """The places that hold something else now."""
        return [self._describe(i) for i in self.slots.changed()]

    def _describe(self, number: int) -> str:
        changed = self.elements(number)
        return changed[0][0] if changed else self.places[number].removesuffix(".*")

    def elements(self, number: int) -> list[tuple[str, Any, Any]]:
        """What changed in a slot: (place, old, new) for each element; old is None if absent."""
        place = self.places[number]
        expected, current = self.slots.expected(number), self.slots.current(number)
        kind = self.slots.place(number)[0]
        if kind == "content":
            return [(place, current, current)]
        if kind == "keys":
            if expected[::2] != current[::2]:
                return [(place[:-2], None, None)]
            pairs = zip(expected[::2], expected[1::2], current[1::2])
            return [
                (f"{place[:-2]}.{key}", old, new)
                for key, old, new in pairs
                if old is not NotImplemented and not same_constant(old, new)
            ]
        if kind == "items":
            if len(expected) != len(current):
                return [(place[:-3], None, None)]
            return [
                (f"{place[:-3]}[{i}]", old, new)
                for i, (old, new) in enumerate(zip(expected, current))
                if old is not NotImplemented and not same_constant(old, new)
            ]
        return [(place, expected, current)]

    def leave_out(self, value: Any, places: Iterable[tuple[int, Any]]) -> None:
        """Compare this value no longer, nor what stands at these places."""
        for number, key in places:
            self.slots.ignore(number, None if self.slots.place(number)[0] in _SINGLE else key)
        for number in range(len(self.slots)):
            kind, holder, _ = self.slots.place(number)
            if kind == "content" and holder is value:
                self.slots.ignore(number)

    def _note(self, number: int, path: str) -> int:
        while len(self.places) < len(self.slots):
            self.places.append(path)
        if number > MAX_SLOTS:
            raise Unwatchable("it can read more state than is worth watching")
        return number

    # -- the walk ----------------------------------------------------------------------------------

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

    def _visit(self, value: Any, path: str) -> None:
        kind = type(value)
        if kind in _CONSTANT:
            if kind is str:
                self._strings.add(value)
            return
        if id(value) not in self._seen:
            self._values += 1
            if self._values > MAX_VALUES:
                raise Unwatchable("it can read more state than is worth watching")
            self._seen[id(value)] = value
            self._todo.append((value, path))

    def _walk(self, value: Any, path: str) -> None:
        kind = type(value)
        if isbox(value):
            raise Unwatchable(f"{path} is a traced value of an outer function")
        if kind is types.FunctionType:
            self._function(value, path)
        elif kind is types.MethodType:
            self._visit(value.__func__, path)
            self._visit(value.__self__, f"{path}.__self__")
        elif kind is types.ModuleType:
            self._module(value, path)
        elif isinstance(value, type):
            self._class(value, path)
        elif isinstance(value, _RANDOM):
            raise Unwatchable(f"{path} is a random number generator, which changes with each draw")
        elif kind is types.BuiltinFunctionType:
            self._builtin(value, path)
        elif isinstance(value, onp.ndarray):
            self._array(value, path)
        elif isinstance(value, (list, dict, tuple, set, frozenset)):
            self._container(value, path)
            if is_python_class(kind):
                self._instance(value, path)
        elif isinstance(value, onp.generic):
            if isinstance(value, (onp.void, onp.object_)):
                raise Unwatchable(f"{path} is a NumPy record, which can change in place")
        elif kind in _WALKS:
            _WALKS[kind](self, value, path)
        elif isinstance(value, Primitive):
            if not trusted_module(getattr(value.fun, "__module__", None)):
                self._visit(value.fun, path)  # a user's
        elif kind is _DISPATCHER:
            pass
        elif kind.__module__.startswith("fastad."):
            self._of_fastad(value, path)
        elif is_python_class(kind):
            self._instance(value, path)
        elif kind.__name__ == "cython_function_or_method":
            module = getattr(value, "__module__", None) or ""
            if module.startswith("numpy.random"):
                if value.__name__ != _SEEDED:
                    raise Unwatchable(f"{path} draws random numbers")
            elif not trusted_module(module):
                raise Unwatchable(f"{path} is a compiled function, whose state cannot be seen")
        elif isinstance(value, (collections.abc.Iterator, weakref.ref)) or not trusted_module(
            kind.__module__
        ):
            what = "an iterator" if isinstance(value, collections.abc.Iterator) else "an object"
            raise Unwatchable(
                f"{path} is {what} of type {kind.__name__}, whose state cannot be seen"
            )

    def _function(self, function: types.FunctionType, path: str) -> None:
        if id(function.__code__) in self._codes:
            self._executed(function, path)
        if function.__dict__:
            self._attributes(function.__dict__, path)
            if (wrapped := function.__dict__.get("__wrapped__")) is not None:
                self._visit(wrapped, path)

    def _executed(self, function: types.FunctionType, path: str) -> None:
        code = function.__code__
        self._note(self.slots.function(function), path)
        if not function.__dict__:
            self._attributes(function.__dict__, path)
        for value in function.__defaults__ or ():
            self._visit(value, f"a default of {path}")
        if function.__kwdefaults__:
            self._mapping(function.__kwdefaults__, f"a default of {path}")
        for name, cell in zip(code.co_freevars, function.__closure__ or ()):
            self._note(self.slots.cell(cell), name)
            try:
                content = cell.cell_contents
            except ValueError:
                continue
            self._named(content, self._chains(code, name), name)
        self._globals(code, function.__globals__)

    def _chains(self, code: CodeType, name: str) -> set[tuple[str, ...]]:
        """How a free variable is used by the code that has it and the code nested in that."""
        chains = set(reads_of(code).free.get(name, ()))
        for inner in nested(code):
            if name in inner.co_freevars:
                chains |= self._chains(inner, name)
        return chains

    def _globals(self, code: CodeType, space: dict[str, Any]) -> None:
        if id(code) in self._done:
            return
        self._done[id(code)] = code
        reads = reads_of(code)
        for name, chains in reads.globals.items():
            self._global(name, chains, space)
        self._imports(reads, space)
        for inner in nested(code):
            if id(inner) in self._codes or inner.co_name == "<genexpr>":
                self._globals(inner, space)

    def _global(self, name: str, chains: set[tuple[str, ...]], space: dict[str, Any]) -> None:
        value = self._entry(space, name, name)
        if value is _absent:
            inner = space.get("__builtins__", builtins)
            inner = inner if isinstance(inner, dict) else vars(inner)
            value = self._entry(inner, name, name)
        if value is not _absent:
            self._named(value, chains, name)

    def _named(self, value: Any, chains: set[tuple[str, ...]], path: str) -> None:
        """Visit a value of which only some chains of attributes are used, if it is a module."""
        if type(value) is types.ModuleType and chains and () not in chains:
            for chain in chains:
                self._chain(value, chain, path)
        else:
            self._visit(value, path)

    def _chain(self, module: types.ModuleType, chain: tuple[str, ...], path: str) -> None:
        name, path = chain[0], f"{path}.{chain[0]}"
        value = self._entry(vars(module), name, path)
        if value is _absent:
            maker = vars(module).get("__getattr__")
            if maker is None:
                return
            self._entry(vars(module), "__getattr__", path)
            self._visit(maker, f"{path}.__getattr__")
            try:
                value = getattr(module, name)
            except AttributeError:
                return
        if module.__name__.startswith("numpy.random") or module.__name__ == "fastad.numpy.random":
            if callable(value) and not isinstance(value, type) and name != _SEEDED:
                raise Unwatchable(f"{path} draws random numbers")
        self._named(value, {chain[1:]}, path)

    def _imports(self, reads: Reads, space: dict[str, Any]) -> None:
        for name, level in reads.imports:
            full = name
            if level:
                package = space.get("__package__") or space.get("__name__", "").rpartition(".")[0]
                try:
                    full = importlib.util.resolve_name("." * level + name, package)
                except ImportError:
                    continue
            parts = full.split(".")
            for i in range(1, len(parts) + 1):
                module = ".".join(parts[:i])
                value = self._entry(sys.modules, module, module)
                if value is not _absent:
                    self._visit(value, module)

    def _entry(self, mapping: Any, key: str, path: str) -> Any:
        """A slot for one key of a dict; gives its value, or _absent."""
        place = (id(mapping), key)
        if place not in self._known:
            self._known[place] = self._note(self.slots.entry(mapping, key), path)
        return mapping.get(key, _absent)

    def _module(self, module: types.ModuleType, path: str) -> None:
        space = vars(module)
        for name in sorted(self._names & space.keys()):
            self._entry(space, name, f"{path}.{name}")
            self._visit(space[name], f"{path}.{name}")

    def _class(self, cls: type, path: str) -> None:
        if not is_python_class(cls):
            # One that the function makes from a seed draws the same at each call; without a seed it
            # asks the system for entropy, which is not allowed.
            if issubclass(cls, _SEEDABLE):
                return
            if cls in _RANDOM or cls.__module__.startswith(("numpy.random", "random")):
                raise Unwatchable(f"{path} makes a random number generator")
            if not allowed_type(cls):
                raise Unwatchable(f"{path} is a compiled class, whose state cannot be seen")
            return
        if issubclass(cls, _MODES):
            raise Unwatchable(f"it uses {cls.__name__}, which changes how it runs")
        if cls.__module__.partition(".")[0] in _GLOBALS_OF_LIBRARY:
            return
        self._note(self.slots.mro(cls), path)
        if is_python_class(type(cls)):
            self._visit(type(cls), f"type({path})")
        for base in cls.__mro__:
            if base is not cls:
                self._visit(base, base.__name__)
        dunders = [
            name
            for name, value in vars(cls).items()
            if name.startswith("__") and name.endswith("__") and _is_code(value)
        ]
        names = self._names.union(dunders)
        self._note(self.slots.keys(cls, None if self._wide else names), f"{path}.*")
        for name, value in list(vars(cls).items()):
            if name in names or (self._wide and not name.startswith("__")):
                self._visit(value, f"{path}.{name}")

    def _builtin(self, function: Any, path: str) -> None:
        owner = function.__self__
        if owner is None or isinstance(owner, (types.ModuleType, type)):
            module = getattr(function, "__module__", None) or ""
            if module.startswith("numpy.random"):
                if function.__name__ == _SEEDED:  # NumPy 1's; see the class of it in `_class`
                    return
                raise Unwatchable(f"{path} draws random numbers")
        else:
            self._visit(owner, f"{path}.__self__")

    def _array(self, array: onp.ndarray[Any, Any], path: str) -> None:
        if array.dtype.hasobject or isinstance(array, onp.memmap):
            raise Unwatchable(f"{path} is an array of objects or of a file's contents")
        self._note(self.slots.content(array), path)
        if type(array) is not onp.ndarray:
            self._attributes(getattr(array, "__dict__", {}), path, everything=True)

    def _container(self, value: Any, path: str) -> None:
        if isinstance(value, collections.OrderedDict):
            self._read(lambda: tuple(value.items()), path)
            self._visit_pairs(value.items(), path)
        elif isinstance(value, dict):
            self._mapping(value, path)
            if isinstance(value, collections.defaultdict):
                self._visit(value.default_factory, f"{path}.default_factory")
                self._read(lambda: (value.default_factory,), path)
        elif isinstance(value, list):
            self._note(self.slots.items(value), f"{path}[*]")
            self._elements(value, path)
        elif isinstance(value, tuple):
            self._elements(value, path)
        else:
            if isinstance(value, set):
                self._read(lambda: tuple(value), path)
            self._elements(value, path)

    def _mapping(self, value: dict[Any, Any], path: str) -> None:
        self._note(self.slots.keys(value), f"{path}.*")
        self._visit_pairs(value.items(), path)

    def _visit_pairs(self, pairs: Iterable[tuple[Any, Any]], path: str) -> None:
        for key, item in list(pairs):
            self._visit(key, path)
            self._visit(item, f"{path}[{key!r}]" if type(key) in (str, int) else path)

    def _elements(self, values: Iterable[Any], path: str) -> None:
        for i, item in enumerate(list(values)):
            if type(item) not in _CONSTANT or type(item) is str:
                self._visit(item, f"{path}[{i}]")

    def _read(self, read: Callable[[], tuple[Any, ...]], path: str) -> None:
        """A slot for what a function gives."""
        self._note(self.slots.call(read), path)

    def _attributes(self, space: dict[str, Any], path: str, everything: bool = False) -> None:
        """A slot for an object's dict; values whose names no code uses are not compared."""
        everything = everything or self._wide
        self._note(self.slots.keys(space, None if everything else self._names), f"{path}.*")
        for name, value in list(space.items()):
            if everything or name in self._names:
                self._visit(value, f"{path}.{name}")

    def _instance(self, value: Any, path: str) -> None:
        kind = type(value)
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

    def _member(self, value: Any, name: str, member: Any, path: str) -> None:
        number = self._note(self.slots.member(value, member), f"{path}.{name}")
        found = self.slots.expected(number)
        if found is not None:
            self._visit(found, f"{path}.{name}")

    def _of_fastad(self, value: Any, path: str) -> None:
        """An operator or another object of this package: what it was made from."""
        for name in ("__wrapped__", "_parameters", "_options"):
            inner = getattr(value, name, None)
            if inner is not None:
                self._visit(inner, path)

    # -- kinds with a way of their own -------------------------------------------------------------

    def _partial(self, value: Any, path: str) -> None:
        self._visit(value.func, path)
        self._elements(value.args, path)
        self._mapping(value.keywords, path)

    def _descriptor(self, value: Any, path: str) -> None:
        for name in ("fget", "fset", "fdel", "__func__"):
            inner = getattr(value, name, None)
            if inner is not None:
                self._visit(inner, path)

    def _cache(self, value: Any, path: str) -> None:
        # A hit is no change; a cleared or grown cache is.
        self._read(lambda: tuple(value.cache_info()[1:]), path)
        for item in gc.get_referents(value):  # the function, and what it gave
            if type(item) is not dict:
                self._visit(item, path)
            else:
                for kept in list(item.values()):
                    if type(kept).__name__ != "_lru_list_elem":
                        self._visit(kept, path)

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
        self._read(lambda: tuple(value), path)
        self._elements(value, path)

    def _buffer(self, value: Any, path: str) -> None:
        self._read(lambda: (bytes(value),), path)

    def _space(self, value: types.SimpleNamespace, path: str) -> None:
        self._attributes(vars(value), path)

    def _getter(self, value: Any, path: str) -> None:
        self._asks_by_name = True
        for item in value.__reduce__()[1]:
            self._visit(item, path)

    def _slice(self, value: slice, path: str) -> None:
        self._elements((value.start, value.stop, value.step), path)

    # -- code whose function was not met -----------------------------------------------------------

    def _find_strays(self) -> None:
        """Functions that ran without being reached by a name: called back from compiled code.

        The garbage collector knows them; all functions of that code are taken.
        """
        for _ in range(20):
            missing = [code for key, code in self._codes.items() if key not in self._done]
            if not missing:
                return
            for code in missing:
                self._done.setdefault(id(code), code)
                if code.co_name == "<module>":
                    continue  # run once, at an import
                found = [
                    item
                    for item in gc.get_referrers(code)
                    if type(item) is types.FunctionType and item.__code__ is code
                ]
                if len(found) > 100:
                    raise Unwatchable(f"too many functions share the code of {code.co_name}")
                if not found:
                    self._made_while_running(code)
                for function in found:
                    del self._done[id(code)]
                    self._visit(function, code.co_name)
                    self._drain()
                    self._done.setdefault(id(code), code)

    def _made_while_running(self, code: CodeType) -> None:
        """A function that no longer exists; its globals are those of the code that made it."""
        for owner in self._done.values():
            if owner is not code and any(inner is code for inner in nested(owner)):
                return
        raise Unwatchable(
            f"the code of {code.co_name} at {code.co_filename}, line {code.co_firstlineno}, is "
            "made anew by each call"
        )


_WALKS: dict[type, Callable[[Watch, Any, str], None]] = {
    functools.partial: Watch._partial,
    property: Watch._descriptor,
    classmethod: Watch._descriptor,
    staticmethod: Watch._descriptor,
    type(functools.lru_cache(lambda: None)): Watch._cache,
    ContextVar: Watch._context,
    types.MappingProxyType: Watch._view,
    collections.deque: Watch._queue,
    bytearray: Watch._buffer,
    types.SimpleNamespace: Watch._space,
    operator.attrgetter: Watch._getter,
    operator.itemgetter: Watch._getter,
    operator.methodcaller: Watch._getter,
    slice: Watch._slice,
}
# Classes made in C of which a Python class may be made, and whose contents are seen to elsewhere.
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
)


def _is_code(value: Any) -> bool:
    return isinstance(value, (types.FunctionType, property, classmethod, staticmethod))
