"""A first step for functions of other libraries: traced arguments lead elsewhere.

Only a function's code is replaced, at one stroke, by code with the same parameters: its defaults,
its signature and what else is read of it stay as they are.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
import threading
import types
from collections.abc import Callable
from typing import Any

from .._core import holds_box

__all__ = ["Choose", "Undo", "calls", "is_first_step", "lead"]

Choose = Callable[[tuple[Any, ...]], Any]
Undo = Callable[[], None]


class _Calls(threading.local):
    """The calls under way that were led, in this thread: the function, and the arguments."""

    def __init__(self) -> None:
        self.led: list[tuple[int, ...]] = []


calls = _Calls()
MOST = 30  # calls of a function within each other; more are a rule that asks itself
_led: set[int] = set()
_lock = threading.Lock()

# What stands in the code's constants for the functions that it calls.
_LOOK, _ANSWER, _PLAIN = "fastad: look", "fastad: answer", "fastad: plain"
_FOLDER = "fastad, passed over as importlib._bootstrap is"


@functools.cache
def _template(count: int, named: int, stars: bool, kwargs: bool, free: int) -> types.CodeType:
    """Code of so many parameters that looks at its arguments, and hands them on."""
    names = [f"_fastad_p{i}" for i in range(count)]
    keywords = [f"_fastad_k{i}" for i in range(named)]
    around = [f"_fastad_f{i}" for i in range(free)]
    many = ["*_fastad_args"] * stars
    more = ["**_fastad_kwargs"] * kwargs
    parameters = [*names, *(many or ["*"] * bool(named)), *keywords, *more]
    call = ", ".join([*names, *many, *(f"{name}={name}" for name in keywords), *more])
    values = [name.lstrip("*") for name in (*names, *many, *keywords, *more)]
    lines = [
        f"def make({', '.join(around)}):",
        f" def step({', '.join(parameters)}):",
        f"  if False: ({''.join(name + ', ' for name in around)})",
        f"  _fastad = {_LOOK!r}",
        f"  if _fastad(({''.join(name + ', ' for name in values)})):",
        f"   _fastad = {_ANSWER!r}",
        "  else:",
        f"   _fastad = {_PLAIN!r}",
        f"  return _fastad({call})",
        " return step",
    ]
    scope: dict[str, Any] = {}
    exec("\n".join(lines), scope)
    code: types.CodeType = scope["make"](*around).__code__
    return code


def _on_one_line(code: types.CodeType) -> bytes:
    """A table of positions by which every instruction is at the line where the function begins."""
    most, head = (8, 0x80 | 13 << 3) if sys.version_info >= (3, 11) else (126, 0)
    left = len(code.co_code) // 2
    table = bytearray()
    while left:
        units = min(left, most)
        # From 3.11 on an entry without columns, of so many code units; before, so many bytes.
        table += bytes((head | units - 1 if head else 2 * units, 0))
        left -= units
    return bytes(table)


def _passed_over(file: str) -> str:
    """A file's name by which `warnings` counts no frame, as it counts none of the import system's.

    A warning of the function's that is meant for its caller is then said to be the caller's, as
    ever. Source lines are found all the same, by the module's loader.
    """
    folder, name = os.path.split(file)
    return os.path.join(folder, _FOLDER, name)


def is_first_step(code: types.CodeType) -> bool:
    """True for the code that `lead` gives to functions."""
    return os.path.basename(os.path.dirname(code.co_filename)) == _FOLDER


def _code_like(first: types.CodeType, calls: dict[str, Any]) -> types.CodeType:
    """The code that a function is given: its parameters, its name, its place."""
    count, named = first.co_argcount, first.co_kwonlyargcount
    stars, kwargs = (bool(first.co_flags & flag) for flag in (0x04, 0x08))
    code = _template(count, named, stars, kwargs, len(first.co_freevars))
    size = count + named + stars + kwargs
    renamed = dict(zip(code.co_varnames, first.co_varnames[:size]))
    names = {**renamed, **calls}

    def constant(value: Any) -> Any:
        if type(value) is tuple:  # the keywords of a call
            return tuple(map(constant, value))
        return names.get(value, value) if type(value) is str else value

    changed: dict[str, Any] = {"co_name": first.co_name, "co_linetable": _on_one_line(code)}
    if hasattr(first, "co_qualname"):  # from Python 3.11 on
        changed["co_qualname"] = getattr(first, "co_qualname")  # noqa: B009
    return code.replace(
        co_posonlyargcount=first.co_posonlyargcount,
        co_varnames=(*renamed.values(), *code.co_varnames[size:]),
        co_freevars=first.co_freevars,
        co_consts=tuple(map(constant, code.co_consts)),
        co_filename=_passed_over(first.co_filename),
        co_firstlineno=first.co_firstlineno,
        **changed,
    )


def _given(
    function: types.FunctionType, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> inspect.BoundArguments:
    """What a call gives beyond the defaults, which the code has filled in."""
    signature = inspect.signature(function)
    code = function.__code__
    if not code.co_flags & 0x04:  # else nothing was filled in
        defaults = function.__defaults__ or ()
        first = code.co_argcount - len(defaults)
        left = [
            first + i
            for i, default in enumerate(defaults)
            if args[first + i] is default and first + i >= code.co_posonlyargcount
        ]
        if left:
            later = {code.co_varnames[i]: args[i] for i in range(left[0], len(args))}
            for i in left:
                del later[code.co_varnames[i]]
            args, kwargs = args[: left[0]], {**later, **kwargs}
    filled = function.__kwdefaults__ or {}
    more = {name: x for name, x in kwargs.items() if name not in filled or x is not filled[name]}
    return signature.bind(*args, **more)  # by position, since fastad's names may differ


def lead(function: types.FunctionType, choose: Choose, look: Any = holds_box) -> Undo | None:
    """Give a function a first step: what `choose(args)` gives is called with traced arguments.

    Parameters
    ----------
    function : function
    choose : callable
        Of the positional arguments: what to call, and with which of these. None: nothing is led.
    look : callable
        Whether something is traced, of a tuple of all arguments.

    Returns
    -------
    callable or None
        Puts the function's code back; None where it is led already.
    """
    with _lock:
        if id(function) in _led:
            return None
        _led.add(id(function))
    before = function.__code__
    plain = types.FunctionType(
        before, function.__globals__, before.co_name, None, function.__closure__
    )

    def answer(*args: Any, **kwargs: Any) -> Any:
        bound = _given(function, args, kwargs)
        call = (id(function), *map(id, bound.args))
        if sum(one[0] == call[0] for one in calls.led) >= MOST:
            place = [part for part in function.__module__.split(".") if not part.startswith("_")]
            raise NotImplementedError(
                f"{'.'.join(place)}.{function.__name__}: one of the arguments that are traced here "
                "has no derivative rule in fastad; give fastad.getval of it"
            )
        # What stands for the function may come back to it where it knows nothing better.
        chosen = None if call in calls.led else choose(bound.args)
        if chosen is None:
            return plain(*args, **kwargs)
        ours, given = chosen
        calls.led.append(call)
        try:
            return ours(*given, **bound.kwargs)
        finally:
            calls.led.pop()

    code = _code_like(before, {_LOOK: look, _ANSWER: answer, _PLAIN: plain})
    function.__code__ = code

    def undo() -> None:
        _led.discard(id(function))
        if function.__code__ is code:  # else somebody else has replaced it since
            function.__code__ = before

    return undo
