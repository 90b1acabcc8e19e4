"""What stands for Python's own functions of numbers while a function is recorded.

`float(x)`, `math.exp(x)` and `type(x)` take plain numbers only. Where recorded code calls them by
their names, functions stand there for a while that take traced numbers too: the results are traced,
and Python's floats as without `jit`.
"""

from __future__ import annotations

import builtins
import math
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import CodeType
from typing import Any

import numpy as onp

from .. import numpy as np
from .._core import class_of, getval, isbox, weak
from .grown import Grown
from .places import absent, come_what_may
from .reads import reads_of

__all__ = ["Names", "Numbers", "standing_for"]

# By the names of `math`: the function of traced numbers. Where one of these gives what is infinite
# or no number, that of `math` may raise an error: such a result is asked for at each replay.
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "atanh": np.arctanh,
    "copysign": np.copysign,
    "cos": np.cos,
    "cosh": np.cosh,
    "degrees": np.degrees,
    "exp": np.exp,
    "expm1": np.expm1,
    "fabs": np.abs,
    "fmod": np.fmod,
    "hypot": np.hypot,
    "log": np.log,
    "log10": np.log10,
    "log1p": np.log1p,
    "log2": np.log2,
    "pow": np.power,
    "radians": np.radians,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}


def _is_close(a: Any, b: Any, *, rel_tol: Any = 1e-9, abs_tol: Any = 0.0) -> bool:
    if rel_tol < 0.0 or abs_tol < 0.0:
        raise ValueError("tolerances must be non-negative")
    if a == b:
        return True
    if np.isinf(a) or np.isinf(b):
        return False
    apart = abs(b - a)
    return bool(apart <= abs(rel_tol * b) or apart <= abs(rel_tol * a) or apart <= abs_tol)


_TESTS: Mapping[str, Callable[..., Any]] = {
    "isclose": _is_close,
    "isfinite": np.isfinite,
    "isinf": np.isinf,
    "isnan": np.isnan,
}
_NUMBERS = frozenset((float, int, onp.float64))
_BY_FUNCTION = {id(getattr(math, name)): name for name in (*_FUNCTIONS, *_TESTS)}
_OF_TWO = frozenset("atan2 copysign fmod hypot isclose pow".split())


def _is_number(box: Any) -> bool:
    return box.ndim == 0 and box.dtype == onp.float64


class Names:
    """The names that executed code looks up, by the globals where it does."""

    def __init__(self) -> None:
        self._spaces: dict[int, tuple[dict[str, Any], dict[int, CodeType]]] = {}

    def note(self, code: CodeType, space: dict[str, Any]) -> None:
        """Take in one code object and the globals that it has."""
        self._spaces.setdefault(id(space), (space, {}))[1][id(code)] = code

    def found(self, wanted: Callable[[str, Any, list[CodeType]], Any]) -> Iterator[Any]:
        """(globals, name, stand-in) of each name for which there is one."""
        for space, codes in self._spaces.values():
            own = list(codes.values())
            for name in sorted(set().union(*(reads_of(code).globals for code in own))):
                value = space.get(name, getattr(builtins, name, None))
                if (stands := wanted(name, value, own)) is not None:
                    yield space, name, stands


class Numbers:
    """Python's functions of numbers, for the traced values that `owns` is true of."""

    def __init__(self, owns: Callable[[Any], bool]) -> None:
        self._owns = owns
        self.names: list[str] = []  # for which one stands
        self.guards = 0  # of results that `math` may have raised an error for

    def choose(self, name: str, value: Any, codes: list[CodeType]) -> Any:
        """What stands for this value of a name in these codes; None if nothing does."""
        if value is float or value is type or value is len:
            users = [reads_of(code) for code in codes if name in reads_of(code).globals]
            if any(name in reads.handed for reads in users):
                return None
            if any(reads.globals[name] != {()} for reads in users):
                return None
            if value is len:
                return self.len
            return self.float if value is float else self.type
        if value is math:
            chains = set().union(*(reads_of(code).globals.get(name, ()) for code in codes))
            return self._module() if () not in chains else None
        made = _BY_FUNCTION.get(id(value)) if callable(value) else None
        return None if made is None else self._function(made)

    def float(self, *args: Any) -> Any:
        if len(args) == 1 and self._owns(args[0]) and _is_number(args[0]):
            return weak(args[0] * 1.0)
        return float(*args)

    def type(self, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and self._owns(args[0]):
            x: Any = args[0]  # a box, though it says that it is something else
            kind = class_of(x)
            return type(getval(x)) if kind is type(x) else kind
        return type(*args, **kwargs)

    def len(self, *args: Any) -> Any:
        return args[0].length() if len(args) == 1 and type(args[0]) is Grown else len(*args)

    def _function(self, name: str) -> Callable[..., Any]:
        own = getattr(math, name)
        traced = _FUNCTIONS.get(name)
        counts = (1, 2) if name == "log" else (2,) if name in _OF_TWO else (1,)

        def function(*args: Any, **options: Any) -> Any:
            given = (*args, *options.values())
            # Tests are of what is differentiated as well, beneath which a recording lies.
            owns = isbox if traced is None else self._owns
            if not any(map(owns, given)) or len(args) not in counts:
                return own(*args, **options)
            if not all(_is_number(x) if owns(x) else type(x) in _NUMBERS for x in given):
                return own(*args, **options)
            if traced is None:
                return bool(_TESTS[name](*args, **options))
            if options:
                return own(*args, **options)  # its own error
            with onp.errstate(all="ignore"):
                if len(args) == 2 and name == "log":
                    result = np.log(args[0]) / np.log(args[1])
                else:
                    result = traced(*args)
            self.guards += 1
            if not np.isfinite(result):
                return own(*args)
            return weak(result * 1.0)

        return function

    def _module(self) -> types.SimpleNamespace:
        stands = types.SimpleNamespace(**vars(math))
        for name in (*_FUNCTIONS, *_TESTS):
            setattr(stands, name, self._function(name))
        return stands


@contextmanager
def standing_for(names: Names, owns: Callable[[Any], bool]) -> Iterator[Numbers]:
    """Let functions of traced numbers stand for Python's."""
    numbers = Numbers(owns)
    put: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for space, name, stands in names.found(numbers.choose):
            put.append((space, name, space.get(name, absent)))
            numbers.names.append(name)
            space[name] = stands
        yield numbers
    finally:
        come_what_may(lambda again: _restore(put))


def _restore(put: Iterable[tuple[dict[str, Any], str, Any]]) -> None:
    for space, name, value in put:
        if value is absent:
            space.pop(name, None)
        else:
            space[name] = value
