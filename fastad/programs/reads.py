"""What a code object can read and write: names, attributes, imports, found in its bytecode."""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple

from .bytecode import Builtin, Common, Unknown, compared, constant_of

__all__ = ["Reads", "nested", "reads_of"]

# Instructions that change nothing between a name and the attribute taken from it.
_SILENT = frozenset(("CACHE", "EXTENDED_ARG", "NOP", "NOT_TAKEN", "PRECALL", "PUSH_NULL", "RESUME"))
_GLOBAL = frozenset(("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"))
_GLOBAL_WRITE = frozenset(("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_NAME", "DELETE_NAME"))
_FREE = frozenset(
    ("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF", "LOAD_CLOSURE", "STORE_DEREF")
)
_ATTRIBUTE = frozenset(("LOAD_ATTR", "LOAD_METHOD"))
_ATTRIBUTE_OTHER = frozenset(
    (
        "STORE_ATTR",
        "DELETE_ATTR",
        "IMPORT_FROM",
        "LOAD_SUPER_ATTR",
        "LOAD_SUPER_METHOD",
        "LOAD_ZERO_SUPER_ATTR",
        "LOAD_ZERO_SUPER_METHOD",
    )
)
_FILLING = _SILENT - {"PUSH_NULL"}
_LOADS = frozenset(
    (
        *_GLOBAL,
        *_ATTRIBUTE,
        "LOAD_DEREF",
        "LOAD_CLASSDEREF",
        "LOAD_FROM_DICT_OR_DEREF",
        "LOAD_CLOSURE",
        "LOAD_SUPER_ATTR",
        "LOAD_SUPER_METHOD",
        "LOAD_ZERO_SUPER_ATTR",
        "LOAD_ZERO_SUPER_METHOD",
    )
)
_METHODS = frozenset(("LOAD_METHOD", "LOAD_SUPER_METHOD", "LOAD_ZERO_SUPER_METHOD"))
# From 3.12 on, a flag tells those that load a method from those that load an attribute.
_ATTRIBUTE_OR_METHOD = frozenset(
    ("LOAD_ATTR", "LOAD_SUPER_ATTR") if sys.version_info >= (3, 12) else ()
)
_LEAVING = frozenset(("JUMP_FORWARD", "JUMP_ABSOLUTE", "RETURN_VALUE", "RAISE_VARARGS", "RERAISE"))
_PLAIN_CONSTANTS = (type(None), bool, type(Ellipsis), str)


class Reads(NamedTuple):
    """What one code object names, without the code nested in it.

    Attributes
    ----------
    globals, free : dict of str to set of tuple of str
        Names looked up outside the code, each with the chains of attributes taken from it; the
        empty chain stands for the object itself.
    names : frozenset of str
        Every attribute that is read, written or deleted, of whatever object.
    imports : tuple of (str, int)
        Module names and levels of import statements.
    strings : frozenset of str
        String constants: what ``getattr`` may be asked for.
    identity : tuple of int
        Lines where two objects are compared by identity, neither of them a constant.
    aliases : bool
        Whether neither of some two is a builtin's name: they may be values.
    handed : frozenset of str
        Names and attributes that are loaded for more than to be called at once.
    """

    globals: dict[str, set[tuple[str, ...]]]
    free: dict[str, set[tuple[str, ...]]]
    names: frozenset[str]
    imports: tuple[tuple[str, int], ...]
    strings: frozenset[str]
    identity: tuple[int, ...]
    aliases: bool
    handed: frozenset[str]


@lru_cache(maxsize=4096)
def reads_of(code: CodeType) -> Reads:
    """Read the bytecode of one code object."""
    global_names: dict[str, set[tuple[str, ...]]] = {}
    free_names: dict[str, set[tuple[str, ...]]] = {name: set() for name in code.co_freevars}
    names: set[str] = set()
    imports: list[tuple[str, int]] = []
    identity: list[int] = []
    aliases = False
    chain: tuple[dict[str, set[tuple[str, ...]]], str, tuple[str, ...]] | None = None
    line = code.co_firstlineno
    loaded: list[Any] = []  # what the last instructions left, as far as it is a constant
    comparisons: dict[int, tuple[Any, Any]] = {}

    def end() -> None:
        nonlocal chain
        if chain is not None:
            chain[0].setdefault(chain[1], set()).add(chain[2])
            chain = None

    for step in dis.get_instructions(code):
        line = _line(step) or line
        name = step.opname
        if name in _SILENT:
            continue
        if name in _ATTRIBUTE:
            names.add(step.argval)
            if chain is not None:
                chain = (chain[0], chain[1], (*chain[2], step.argval))
            loaded.append(Unknown)
            continue
        end()
        if name in _GLOBAL:
            chain = (global_names, step.argval, ())
        elif name in _GLOBAL_WRITE:
            global_names.setdefault(step.argval, set()).add(())
        elif name in _FREE:
            chain = (free_names, step.argval, ()) if step.argval in free_names else None
        elif name in _ATTRIBUTE_OTHER:
            names.add(step.argval)
        elif name == "MATCH_CLASS":  # reads by position, and by the names in the constant before it
            names.add("__match_args__")
            names.update(_strings((loaded[-1],)))
        elif name == "IMPORT_NAME":
            imports.append((step.argval, _import_level(loaded)))
        elif name == "IS_OP":
            comparisons = comparisons or dict(compared(code))
            if not any(_is_constant(item) for item in comparisons[step.offset]):
                identity.append(line)
                aliases = aliases or Builtin not in comparisons[step.offset]
        loaded.append(constant_of(step))
    end()
    strings = frozenset(_strings(code.co_consts))
    return Reads(
        global_names,
        free_names,
        frozenset(names),
        tuple(imports),
        strings,
        tuple(identity),
        aliases,
        _handed(code),
    )


def _handed(code: CodeType) -> frozenset[str]:
    """What is loaded for more than to be called at once: who calls it then cannot be seen here."""
    steps = [step for step in dis.get_instructions(code) if step.opname not in _FILLING]
    calls = _called_by_depth if sys.version_info < (3, 11) else _called_by_null
    found: set[str] = set()
    for last, step in enumerate(steps):
        if step.opname not in _LOADS and "LOAD_FAST" not in step.opname:
            continue
        names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
        if not step.opname.startswith("STORE"):  # one instruction for two variables
            found.update(map(str, names[:-1]))
        if last + 1 < len(steps) and steps[last + 1].opname in _ATTRIBUTE:
            continue  # an attribute is taken of it
        first = last
        while first > 0 and steps[first].opname in _ATTRIBUTE:
            first -= 1
        if not calls(steps, first, last):
            found.add(str(names[-1]))
    return frozenset(found)


def _called_by_null(steps: list[dis.Instruction], first: int, last: int) -> bool:
    """Whether the last load of a chain says that a call follows, or a null beside it does."""
    name, flag = steps[last].opname, bool((steps[last].arg or 0) & 1)
    if name in _METHODS or (name in _ATTRIBUTE_OR_METHOD and flag):
        return True
    if steps[first].opname == "LOAD_GLOBAL" and (steps[first].arg or 0) & 1:
        return True
    beside = last + 1 if sys.version_info >= (3, 13) else first - 1
    return 0 <= beside < len(steps) and steps[beside].opname == "PUSH_NULL"


def _called_by_depth(steps: list[dis.Instruction], first: int, last: int) -> bool:
    """Whether the instruction that takes what is loaded is a call of it."""
    if steps[last].opname in _METHODS:
        return True
    above = 0  # how much lies on top of it
    for step in steps[last + 1 :]:
        if step.opname == "CALL_FUNCTION" and step.arg == above:
            return True
        if step.opname == "CALL_FUNCTION_KW" and (step.arg or 0) + 1 == above:
            return True
        if step.opname == "CALL_FUNCTION_EX" and 1 + (step.arg or 0) == above:
            return True
        if step.opname in _LEAVING:
            return False
        above += dis.stack_effect(step.opcode, step.arg, jump=False)
        if above < 0:
            return False
    return False


def _is_constant(item: Any) -> bool:
    return item is Common or isinstance(item, _PLAIN_CONSTANTS)


def _line(step: Any) -> int | None:
    line = getattr(step, "line_number", None)  # CPython 3.13
    if line is None:
        line = step.starts_line
    return line if isinstance(line, int) and not isinstance(line, bool) else None


def _import_level(loaded: list[Any]) -> int:
    """The level stands two constants before the instruction: level, names, IMPORT_NAME."""
    level = loaded[-2] if len(loaded) > 1 else 0
    return level if isinstance(level, int) else 0


def _strings(constants: tuple[Any, ...]) -> Iterator[str]:
    for item in constants:
        if isinstance(item, str):
            yield item
        elif isinstance(item, (tuple, frozenset)):
            yield from _strings(tuple(item))


def nested(code: CodeType) -> Iterator[CodeType]:
    """The code objects defined inside this one: inner functions, lambdas, comprehensions."""
    for item in code.co_consts:
        if isinstance(item, CodeType):
            yield item
