"""Calls of SciPy's solvers with functions of the user's: one operation where they are recorded.

A program replays operations of numbers. A solver takes functions, and these close over numbers; so
a call is taken apart into its form (code, structure, everything that is no recorded number) and the
recorded numbers, and at a replay the functions are made anew around the numbers of then.
"""

from __future__ import annotations

import copy
import dis
import functools
import threading
import types
import zlib
from collections.abc import Callable
from typing import Any

import numpy as onp

from .._core import (
    ATOMS,
    WatchedFunction,
    flatten,
    holds_traced,
    isbox,
    primal,
    read,
    taken_as_it_is,
)
from ..numpy.registry import helper

Form = tuple[Any, ...]
"""('leaf', i), a recorded number; ('object', x), anything else; or a kind, and the parts of it."""

_OBJECT = "object"


def _of_leaves(value: Any, take: Callable[[Any], Any]) -> Any:
    """The same container with `take` of what is traced in it."""
    kind = type(value)
    if kind in ATOMS:
        return value
    if isbox(value):
        return take(value)
    if kind is tuple and ATOMS.issuperset(map(type, value)):
        return value
    if isinstance(value, (list, tuple, dict)):
        leaves, structure = flatten(value, lenient=True)
        if any(map(isbox, leaves)):
            return structure.unflatten(list(map(take, leaves)))
    return value


def without_boxes(value: Any) -> Any:
    """An argument or a result as SciPy takes it: the same container of plain values."""
    return _of_leaves(value, read)


def without_derivatives(value: Any) -> Any:
    """An argument without the levels that differentiate."""
    return _of_leaves(value, primal)


class Watched(WatchedFunction):
    """A user's function as SciPy calls it: it gives plain values, and notes if one was traced."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        return self.function if name == "__wrapped__" else getattr(self.function, name)

    def noted(self, value: Any) -> Any:
        """The plain value; notes if it was traced."""
        bare = without_boxes(value)
        self.traced = self.traced or bare is not value
        return bare


def watched(function: Any) -> Any:
    """A function of the user's, such as a Jacobian, as SciPy calls it."""
    return Watched(function) if callable(function) else function


def decided(mask: Any) -> Any:
    """A mask that Python branches on: each element of a recorded one is such a branch."""
    return onp.array([bool(one) for one in mask], bool) if isbox(mask) else mask


# ---- what a call is made of ----------------------------------------------------------------------


def _cells(function: types.FunctionType) -> list[Any] | None:
    """What a function closes over; None while some of it is not there yet."""
    try:
        return [cell.cell_contents for cell in function.__closure__ or ()]
    except ValueError:
        return None


class _Scope:
    """The global names of functions, as they are when these are called.

    A program copies dicts among its constants, and finds in them what stands for names while it is
    recorded.
    """

    __slots__ = ("names",)

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names


_scopes: dict[int, _Scope] = {}


def _scope_of(function: types.FunctionType) -> _Scope:
    """The same object for the same names: recordings are compared by it."""
    names = function.__globals__
    found = _scopes.get(id(names))  # which it keeps alive
    if found is None:
        if len(_scopes) >= 256:
            _scopes.clear()
        found = _scopes.setdefault(id(names), _Scope(names))
    return found


def _parts(value: Any, within: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """What a container or a function is made of: its kind, what is no number, and the rest.

    None for what is taken as it is.
    """
    if taken_as_it_is(value, within):
        return None
    kind = type(value)
    if kind is tuple or kind is list:
        return kind.__name__, (), *value
    if kind is dict:
        return "dict", tuple(value), *value.values()
    if kind is Watched:
        return "watched", (), value.function
    if kind is types.MethodType:
        return "method", (value.__self__,), value.__func__
    if kind is functools.partial:
        return "partial", (), value.func, value.args, value.keywords
    cells = _cells(value) if kind is types.FunctionType else None
    if cells is None:
        return None
    static = (value.__code__, _scope_of(value), value.__name__)
    return "function", static, value.__defaults__, value.__kwdefaults__, *cells


def _joined(kind: str, static: Any, parts: list[Any]) -> Any:
    """The inverse of `_parts`."""
    if kind == "tuple":
        return tuple(parts)
    if kind == "list":
        return parts
    if kind == "dict":
        return dict(zip(static, parts))
    if kind == "watched":
        return Watched(parts[0])
    if kind == "method":
        return types.MethodType(parts[0], static[0])
    if kind == "partial":
        return functools.partial(parts[0], *parts[1], **parts[2])
    code, scope, name = static
    cells = tuple(map(types.CellType, parts[2:]))
    function = types.FunctionType(code, scope.names, name, parts[0], cells)
    function.__kwdefaults__ = parts[1]
    return function


def depends(*values: Any) -> bool:
    """Tell whether a derivative is asked for by something in some arguments and functions."""
    return holds_traced(values, False, _parts)


def is_recorded(*values: Any) -> bool:
    """Tell whether something in some arguments and functions belongs to a level that records."""
    return holds_traced(values, True, _parts)


def is_closed(function: Any) -> bool:
    """Whether a function is one of Python's that can read no traced value but its arguments."""
    return type(function) is types.FunctionType and not (
        function.__closure__ or function.__defaults__ or function.__kwdefaults__
    )


def _apart(value: Any, leaves: list[Any], within: tuple[Any, ...] = ()) -> Form:
    value = primal(value)
    if isbox(value):
        leaves.append(value)
        return "leaf", len(leaves) - 1
    parts = _parts(value, within)
    if parts is None:
        return _OBJECT, value
    kind, static, *rest = parts
    return kind, static, *(_apart(part, leaves, (*within, value)) for part in rest)


def _together(form: Form, leaves: Any) -> Any:
    kind = form[0]
    if kind == "leaf":
        return leaves[form[1]]
    if kind == _OBJECT:
        return form[1]
    return _joined(kind, form[1], [_together(part, leaves) for part in form[2:]])


# ---- one object for what is the same -------------------------------------------------------------


def _same(a: Any, b: Any) -> bool:
    """Whether two forms are interchangeable: the same objects in the same structure."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if type(a) in (tuple, list):
        return len(a) == len(b) and all(map(_same, a, b))
    if type(a) is onp.ndarray:
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return isinstance(a, (int, str, bytes, float, complex, onp.generic, onp.dtype)) and a == b


class _Shared:
    """The objects that were asked for last, by what they are made of."""

    SIZE = 16

    def __init__(self) -> None:
        self._known: list[tuple[Any, Any]] = []
        self._lock = threading.Lock()

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        with self._lock:
            for known, value in self._known:
                if _same(known, key):
                    return value
            self._known = [*self._known[1 - self.SIZE :], (key, make())]
            return self._known[-1][1]


_shared = _Shared()


def shared(key: Any, make: Callable[[], Any]) -> Any:
    """`make()`, or what it gave before for the same key; None is no key.

    Recordings are compared by their constants: an object that each of them makes anew would differ.
    """
    return make() if key is None else _shared.get(key, make)


def settled(function: Any) -> Any:
    """The function as it is now, the same object for the same code around the same objects."""
    leaves: list[Any] = []
    form = _apart(function, leaves)
    return function if leaves else shared(form, lambda: _together(form, ()))


_alike = _Shared()


def alike(function: Any, within: tuple[Any, ...] = ()) -> Any:
    """The same function for the same code around the same objects; else the one given.

    It reads what it closes over where that is, while `settled` keeps copies of lists and dicts.
    """
    if any(function is one for one in within):
        return function
    if type(function) is types.MethodType:
        return _alike.get((id(function.__func__), id(function.__self__)), lambda: function)
    if type(function) is not types.FunctionType or function.__dict__:
        return function
    cells = _cells(function)
    if cells is None or _is_written(function.__code__):
        return function
    parts = [alike(part, (*within, function)) for part in cells]
    defaults, keyworded = function.__defaults__ or (), function.__kwdefaults__ or {}
    read = (*parts, *defaults, *keyworded.values())
    if any(map(isbox, read)):
        return function
    # What is named by its address lives as long as the function that is kept.
    key = (id(function.__code__), id(function.__globals__), len(parts), *keyworded)
    static = (function.__code__, _scope_of(function), function.__name__)
    rest = (function.__defaults__, function.__kwdefaults__ and {**keyworded}, *parts)
    return _alike.get(
        (*key, *map(_identity, read)), lambda: _joined("function", static, list(rest))
    )


def _identity(value: Any) -> Any:
    """Equal for what is the same object, or the same number or text."""
    kind = type(value)
    if kind is float:
        return kind, value.hex()
    return (kind, value) if kind in (int, bool, str, type(None)) else id(value)


@functools.lru_cache(maxsize=256)
def _is_written(code: types.CodeType) -> bool:
    """Whether code, or code within it, assigns to what it closes over."""
    inner = (part for part in code.co_consts if isinstance(part, types.CodeType))
    return (
        bool(code.co_freevars)
        and any(
            step.opname in ("STORE_DEREF", "DELETE_DEREF") and step.argval in code.co_freevars
            for step in dis.get_instructions(code)
        )
    ) or any(map(_is_written, inner))


# ---- what it gives -------------------------------------------------------------------------------


_PLAIN = (str, bytes, bool, type(None))


def _fields(result: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """What a result is made of: its kind and keys, and its parts."""
    if type(result) in (tuple, list):
        return (type(result).__name__, len(result)), list(result)
    if isinstance(result, dict):
        return (type(result).__name__, *result), list(result.values())
    return (), [result]


def _taken(result: Any, numbers: list[Any], forms: list[Any]) -> Any:
    """The result with places for its numbers: what these are is in `forms`."""
    if (
        isinstance(result, (onp.ndarray, onp.number, onp.bool_, float, complex))
        or type(result) is int
    ):
        numbers.append(onp.int64(result) if type(result) is int else result)
        return _Place(len(numbers) - 1)
    if isinstance(result, _PLAIN):
        forms.append(result)
        return result
    keys, parts = _fields(result)
    forms.append(keys)
    if not keys:
        return _Nothing
    return _Made(result, [_taken(part, numbers, forms) for part in parts])


class _Nothing:
    """In the place of an object that a program cannot give."""


class _Place:
    def __init__(self, index: int) -> None:
        self.index = index

    def filled(self, numbers: Any) -> Any:
        return numbers[self.index]


class _Made:
    def __init__(self, result: Any, parts: list[Any]) -> None:
        self.result = result
        self.parts = parts

    def filled(self, numbers: Any) -> Any:
        parts = [
            part.filled(numbers) if isinstance(part, (_Place, _Made)) else part
            for part in self.parts
        ]
        if type(self.result) in (tuple, list):
            return type(self.result)(parts)
        found = copy.copy(self.result)
        for key, part in zip(self.result, parts):
            if part is _Nothing:
                del found[key]
            else:
                found[key] = part
        return found


_latest = threading.local()


@helper
def host_call(solver: Callable[..., Any], form: Form, *leaves: Any) -> Any:
    """The numbers of a solver's result, and before them a mark of everything else in it."""
    args, kwargs = _together(form, leaves)
    numbers: list[Any] = []
    forms: list[Any] = []
    _latest.result = _taken(solver(*args, **kwargs), numbers, forms)
    _latest.traced = [function.traced for function in _watched_in(args, kwargs)]
    return onp.float64(zlib.crc32(repr(forms).encode())), *numbers


def _watched_in(args: Any, kwargs: Any) -> list[Watched]:
    """The user's functions among the arguments, and in containers of these."""
    found: list[Watched] = []
    for arg in (*args, *kwargs.values()):
        if type(arg) is Watched:
            found.append(arg)
        elif type(arg) in (list, tuple):
            found += _watched_in(arg, {})
        elif type(arg) is dict:
            found += _watched_in((), arg)
    return found


def solved(solver: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a solver of SciPy's gives for arguments without the levels that differentiate.

    Where something in them is recorded, the numbers of the result are; a branch is taken on what
    else there is, texts and truth values.
    """
    if not is_recorded(args, kwargs):
        if not kwargs:
            return solver(*map(without_boxes, args))
        return solver(*map(without_boxes, args), **without_boxes(kwargs))
    leaves: list[Any] = []
    form = _apart((args, kwargs), leaves)
    mark, *numbers = host_call(solver, form, *leaves)
    read(mark, "index")
    result, traced = _latest.result, _latest.traced
    del _latest.result, _latest.traced
    for function, outside in zip(_watched_in(args, kwargs), traced):
        function.traced = outside or depends(function.function)
    return result.filled(numbers)
