"""The watch: all state that executed code can read, as slots that are compared before a replay.

The walk starts at the function and at the objects among its arguments, and follows what executed
code names: closure cells, globals, imports, attributes, the elements of containers, classes and
their bases, defaults. What it meets is either constant, or has a slot, or cannot be watched: then
the function stays eager, and the reason says where that object stands.
"""

from __future__ import annotations

import builtins
import functools
import importlib.util
import string
import sys
import types
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from types import CodeType
from typing import Any, ClassVar

import numpy as onp

from .._core import instance_state_of, is_python_class, rules_given
from .._impl.draws import is_draw, is_draw_of_numpy
from .allowed import (
    allowed_call,
    asks_by_name,
    imports_by_name,
    is_of_library,
    makes_named_tuple,
    name_of,
    of_library,
    reads_all,
    trusted,
)
from .bytecode import unknown
from .contents import CONSTANT
from .frames import accessors, of_pandas, options
from .functions import functions_of, owners_of
from .names import Names
from .objects import SEEDED, Objects
from .places import Unwatchable, absent
from .reads import Reads, nested, reads_of

__all__ = ["Unwatchable", "Watch", "check_calls", "check_codes", "opaque"]

# Attributes by which others are read or written under names that are data.
_ASKING = frozenset(
    "__delattr__ __dict__ __getattr__ __getattribute__ __match_args__ __setattr__".split()
)
# What NumPy takes for a date of its own, and by what its dates are asked for.
_NOW = frozenset(("now", "today"))
_NOW_OF_PANDAS = _NOW | {"utcnow"}
_FORMATS = frozenset(("format", "format_map"))
# The variables of whoever runs.
_FRAMES = frozenset("f_back f_builtins f_globals f_locals".split())
# Where warnings are counted or raised, a replay, which gives none, would take another way.
_CATCHES = warnings.catch_warnings.__enter__.__code__
_CATCHES_MORE = {"error": "turn warnings into errors", "record": "look at warnings"}
# What a function has beside its dict, for code that reads it.
_FIELDS = frozenset(
    name
    for name, member in vars(types.FunctionType).items()
    if isinstance(member, (types.GetSetDescriptorType, types.MemberDescriptorType))
)


_CALLABLE = (types.FunctionType, types.MethodType, functools.partial)


def _takes_attributes(text: str) -> bool:
    """Whether str.format may take attributes by this string, or by one that this is a part of."""
    if "{" not in text:
        return False
    try:
        return any("." in (name or "") for _, name, _, _ in string.Formatter().parse(text))
    except ValueError:
        return True


def _is_of_dates(text: str) -> bool:
    return "datetime64" in text or "M8" in text


def check_codes(codes: Collection[CodeType]) -> None:
    """Raise `Unwatchable` if code ran that reads what no name in the code of a user's tells."""
    if any(map(imports_by_name, codes)):
        raise Unwatchable(
            "it imports a module by its name, as importlib.import_module does; use an import "
            "statement"
        )
    for code in codes:
        if not trusted(code) and (name := unknown(code)) is not None:
            raise Unwatchable(
                f"{code.co_name} at {code.co_filename}, line {code.co_firstlineno}, has the "
                f"instruction {name}, which this fastad does not know: it is of a later CPython"
            )


def check_calls(calls: Iterable[tuple[Any, CodeType, int]]) -> None:
    """Raise `Unwatchable` if some C function is not on the list of those that keep no state."""
    for function, caller, line in calls:
        if trusted(caller) and function.__name__ == "warn":
            raise Unwatchable(
                f"a function that it calls gives a warning, which a replay would not: "
                f"{caller.co_name} at {caller.co_filename}, line {line}"
            )
        if not trusted(caller) and not allowed_call(function):
            raise Unwatchable(
                f"it calls {name_of(function)}() at {caller.co_filename}, line {line}, which reads "
                "or changes what a program cannot see"
            )


def opaque(value: Any, path: str) -> Iterator[tuple[Any, str]]:
    """What among arguments is neither a container, a number, an array nor another constant.

    Strings are, and are given beside: they may name attributes.
    """
    kind = type(value)
    if kind is tuple or kind is list or (isinstance(value, tuple) and hasattr(kind, "_make")):
        if kind is not tuple and kind is not list:
            yield kind, f"type({path})"
        for i, item in enumerate(value):
            yield from opaque(item, f"{path}[{i}]")
    elif isinstance(value, dict) and kind is dict:
        for key, item in value.items():
            yield from opaque(key, f"a key of {path}")
            yield from opaque(item, f"{path}[{key!r}]")
    elif kind is str:
        yield value, path
    elif kind is onp.ndarray or isinstance(value, onp.generic) or kind in CONSTANT:
        return
    elif (state := instance_state_of(value)) is not None:
        yield kind, f"type({path})"
        for name, item in state.items():
            yield from opaque(item, f"{path}.{name}")
    else:
        yield value, path


class Watch(Objects):
    """The slots of one function, for the code that has run.

    Parameters
    ----------
    roots : sequence of (object, str)
        The function, and objects among its arguments, each with the name it has for a user.
    codes : iterable of code
        What ran.
    calls : iterable of (function, code, line)
        Which C functions were called.
    draws : bool
        Whether draws of the global generator are noted.
    kept : iterable of list, tuple or dict
        Containers of numbers that the function replaces or appends to: where they stand is watched,
        not what they hold.

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
        draws: bool = False,
        kept: Iterable[Any] = (),
    ) -> None:
        self._draws = draws
        self._kept = {id(value): value for value in kept}
        self._codes: dict[int, CodeType] = {}
        copied = catches = False
        self._filters = False  # whether it sets what becomes of warnings
        for code in codes:
            if trusted(code):
                copied = copied or reads_all(code)
                self._filters = self._filters or code.co_filename.endswith("warnings.py")
                catches = catches or code is _CATCHES
            else:
                self._codes[id(code)] = code
        names: set[str] = set()
        strings: set[str] = set()
        for code in self._codes.values():
            names |= reads_of(code).names
            strings |= reads_of(code).strings
        self._handed = frozenset().union(*(reads_of(code).handed for code in self._codes.values()))
        formats = not names.isdisjoint(_FORMATS)
        if frames := sorted(names & _FRAMES):
            raise Unwatchable(f"it reads {frames[0]}, the variables of a running function")
        # Where attributes are asked for by strings, any string may be one's name.
        wide = (
            copied
            or not names.isdisjoint(_ASKING)
            or any(asks_by_name(f) for f, caller, _ in calls if not trusted(caller))
        )
        while True:
            known = len(strings)
            if wide:
                names |= strings
            self._look(roots, names, strings, wide)
            if any(text.lower() in _NOW for text in strings) and any(map(_is_of_dates, strings)):
                raise Unwatchable(
                    "it may ask NumPy for the time, by 'now' or 'today', which differs from call "
                    "to call"
                )
            if catches and (more := sorted(_CATCHES_MORE.keys() & strings)):
                raise Unwatchable(
                    f"it uses warnings.catch_warnings and {more[0]!r}: it may "
                    f"{_CATCHES_MORE[more[0]]}, and a replay gives none"
                )
            asks = self.asks_by_name or (formats and any(map(_takes_attributes, strings)))
            if asks <= wide and len(strings) == known:
                break
            wide = wide or asks

    def _look(
        self, roots: Iterable[tuple[Any, str]], names: set[str], strings: set[str], wide: bool
    ) -> None:
        """One walk; it may find that attributes are asked for by strings, or more such strings."""
        super().__init__(names, strings, wide)
        self.looked_up = Names()
        self._seen.update(self._kept)
        for value in self._kept.values():
            if isinstance(value, dict):
                self._strings.update(key for key in value if type(key) is str)
        self._done: dict[int, CodeType] = {}
        self._strays: list[types.FunctionType] = []
        self._note(self.slots.entry(rules_given, "times"), "a derivative rule")
        for value, path in roots:
            self._visit(value, path)
        if self._filters:
            self._note(self.slots.items(warnings.filters), "warnings.filters[*]")  # type: ignore[arg-type]
            for name in ("filters", "showwarning"):
                self._entry(vars(warnings), name, f"warnings.{name}")
        self._drain()
        self._find_strays()
        if self.uses_pandas:
            self._surroundings_of_pandas()
        self._check_owners()

    def _surroundings_of_pandas(self) -> None:
        """What the code of pandas, which is not observed, reads beside what it is given."""
        texts = self._names | {text.lower() for text in self._strings}
        if asked := sorted(texts & _NOW_OF_PANDAS):
            raise Unwatchable(
                f"it may ask pandas for the time, by {asked[0]!r}, which differs from call to call"
            )
        self._visit(options(), "the options of pandas")
        for name, made_by in accessors():
            if name in self._names:
                self._visit(made_by, made_by.__name__)
        self._drain()

    def _function(self, function: types.FunctionType, path: str) -> None:
        self.uses_pandas = self.uses_pandas or of_pandas(function)
        if is_draw(function):
            if not self._draws:
                raise Unwatchable(f"{path} draws random numbers")
            return
        if id(function.__code__) in self._codes:
            self._executed(function, path)
        elif makes_named_tuple(function.__code__):  # its defaults are the user's
            self._note(self.slots.function(function), path)
            for value in function.__defaults__ or ():
                self._visit(value, f"a default of {path}")
        elif trusted(function.__code__):
            self._given_to_library(function, path)
        if fields := sorted(self._names & _FIELDS):
            self._fields(function, fields, path)
        if function.__dict__:
            self._attributes_of(function, path)
            if (wrapped := function.__dict__.get("__wrapped__")) is not None:
                self._visit(wrapped, path)

    def _given_to_library(self, function: types.FunctionType, path: str) -> None:
        """What functions that libraries make of a user's have of them."""
        for cell in function.__closure__ or ():
            try:
                content = cell.cell_contents
            except ValueError:
                continue
            kind = type(content)
            if kind in _CALLABLE or (is_python_class(kind) and not of_library(kind)):
                self._visit(content, f"what {path} is made of")

    def _executed(self, function: types.FunctionType, path: str) -> None:
        code = function.__code__
        self._note(self.slots.function(function), path)
        if not function.__dict__:
            self._attributes_of(function, path)
        defaults = function.__defaults__ or ()
        arguments = code.co_varnames[: code.co_argcount]
        for name, value in zip(arguments[len(arguments) - len(defaults) :], defaults):
            self._visit(value, f"a default of {path}.{name}")
        if function.__kwdefaults__:
            self._note(self.slots.keys(function.__kwdefaults__), f"a default of {path}.*")
            for name, value in list(function.__kwdefaults__.items()):
                self._visit(value, f"a default of {path}.{name}", True)
        for name, cell in zip(code.co_freevars, function.__closure__ or ()):
            self._cell(cell, name, self._chains(code, name))
        self._globals(code, function.__globals__)

    def _cell(
        self, cell: types.CellType, path: str, chains: set[tuple[str, ...]] | None = None
    ) -> None:
        self._note(self.slots.cell(cell), path)
        try:
            content = cell.cell_contents
        except ValueError:
            return
        self._named(content, chains or set(), path)

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
        self.looked_up.note(code, space)
        reads = reads_of(code)
        for name, chains in reads.globals.items():
            self._global(name, chains, space)
        self._imports(reads, space)
        for inner in nested(code):
            if id(inner) in self._codes or inner.co_name == "<genexpr>":
                self._globals(inner, space)

    def _global(self, name: str, chains: set[tuple[str, ...]], space: dict[str, Any]) -> None:
        value = self._entry(space, name, name)
        if value is absent:
            inner = space.get("__builtins__", builtins)
            inner = inner if isinstance(inner, dict) else vars(inner)
            value = self._entry(inner, name, name)
        if value is not absent:
            self._named(value, chains, name)

    def _named(self, value: Any, chains: set[tuple[str, ...]], path: str) -> None:
        """Visit a value of which only some chains of attributes are used, if it is a module."""
        if type(value) is types.ModuleType and chains and () not in chains:
            self._class_of_module(value, path)
            for chain in chains:
                self._chain(value, chain, path)
        else:
            self._visit(value, path, True)

    def _chain(self, module: types.ModuleType, chain: tuple[str, ...], path: str) -> None:
        name, path = chain[0], f"{path}.{chain[0]}"
        value = self._entry(vars(module), name, path)
        if value is absent:
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
            if callable(value) and not isinstance(value, type) and name != SEEDED:
                if self._draws and is_draw_of_numpy(value):
                    return
                if not (self._draws and is_draw(value)):
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
                if value is not absent:
                    self._visit(value, module)

    def _class_of_module(self, module: types.ModuleType, path: str) -> None:
        """A slot for the class, which can be set to one that answers attributes its own way."""
        if (id(module), type) not in self._known:
            self._known[id(module), type] = self._note(self.slots.type(module), f"type({path})")

    def _module(self, module: types.ModuleType, path: str) -> None:
        self._class_of_module(module, path)
        space = vars(module)
        names = self._names & space.keys()
        if not is_of_library(module.__name__):
            names = self._names  # what is not there may come, or be made by __getattr__
        for name in sorted(names):
            value = self._entry(space, name, f"{path}.{name}")
            if value is not absent:
                self._visit(value, f"{path}.{name}", True)
        if not names <= space.keys() and (maker := space.get("__getattr__")) is not None:
            self._entry(space, "__getattr__", f"{path}.__getattr__")
            self._visit(maker, f"{path}.__getattr__")

    # -- code whose function was not met -----------------------------------------------------------

    def _find_strays(self) -> None:
        """Functions that ran without being reached by a name: called back from compiled code.

        The garbage collector knows them; all functions of that code are taken.
        """
        for _ in range(20):
            missing = [code for key, code in self._codes.items() if key not in self._done]
            if not missing:
                return
            gone = []  # the functions that made these may be found among the others
            for code in missing:
                self._done.setdefault(id(code), code)
                if code.co_name == "<module>":
                    continue  # run once, at an import
                found = functions_of(code)
                if len(found) > 100:
                    raise Unwatchable(f"too many functions share the code of {code.co_name}")
                if not found:
                    gone.append(code)
                self._strays += found
                for function in found:
                    del self._done[id(code)]
                    self._visit(function, code.co_name)
                    self._drain()
                    self._done.setdefault(id(code), code)
            for code in gone:
                self._made_while_running(code)

    def _check_owners(self) -> None:
        """Refuse methods of objects that nothing leads to: what such an object holds is not seen.

        Whatever leads to an object leads to its class.
        """
        strays = [one for one in self._strays if not is_of_library(one.__module__ or "")]
        for function, owner in owners_of(strays):
            if id(owner) not in self._seen and not of_library(owner):
                raise Unwatchable(
                    f"{function.__qualname__} is called for an object that cannot be seen"
                )

    def _made_while_running(self, code: CodeType) -> None:
        """A function that no longer exists; its globals are those of the code that made it."""
        for owner in self._done.values():
            if owner is not code and any(inner is code for inner in nested(owner)):
                return
        raise Unwatchable(
            f"the code of {code.co_name} at {code.co_filename}, line {code.co_firstlineno}, is "
            "made anew by each call"
        )

    def _method(self, method: types.MethodType, path: str) -> None:
        self._visit(method.__func__, path)
        self._visit(method.__self__, f"{path}.__self__")

    _walks: ClassVar[dict[type, Callable[..., None]]] = {
        **Objects._walks,
        types.CellType: _cell,
        types.FunctionType: _function,
        types.MethodType: _method,
        types.ModuleType: _module,
    }
