"""Who asked a traced value for its plain number: the message, by the package of the caller."""

from __future__ import annotations

import ast
import builtins
import dis
import functools
import linecache
import math
import os
import re
import sys
from types import BuiltinFunctionType, CodeType, FrameType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from .._core import read
from . import leading
from .remedies import (
    REMEDIES,
    counterpart,
    differentiates,
    look_up,
    of_attribute,
    package_of,
    public,
)

__all__ = ["held", "missing", "refused"]

# How far out the frame is that asks: what loads this module when it is first needed lies between.
ASKING = 2

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_LEADING = "fastad._impl.first_step"
_COUNT = "a count or a position has no derivative: give fastad.getval(x)"
_OFF = ", or undo fastad.scipy.uninstall() by fastad.scipy.install()"
_GENERAL = (
    "use fastad.numpy functions on the value as it is; fastad.getval(x) gives the number alone"
)


class _Asked(NamedTuple):
    """What the user's line does that leads to the question."""

    name: str  # "scipy.special.gammaln", or what the line says where nothing has a name
    remedy: str


class _Stack(NamedTuple):
    """The frames from the question outwards, up to the user's program."""

    package: str  # whose code asks; nothing if it is the user's
    user: FrameType | None
    callee: FrameType | None  # of another package, called by the user's program or by ours
    by_us: bool  # our own function called it


def refused(box: Any, why: str) -> Any:
    """Answer a question for the plain value of a traced one, from any depth of other packages.

    Returns
    -------
    number
        Of a string's `%`, which prints it, and of a test such as `math.isclose`: nothing is lost.
    ndarray
        Of objects, one that holds the box's elements: what a frame multiplies by, `df @ w`.

    Raises
    ------
    TypeError
        That names what the user called, and what to call instead.
    """
    asking = sys._getframe(ASKING)
    if why in ("int", "float") and _is_at_percent(asking):
        return read(box, "text")
    if why == "float" and _is_in_test(asking):
        return read(box, "text")
    stack = _stack(asking)
    if why == "array" and stack.package == "pandas" and _in_product(asking, stack.user):
        if np.ndim(box) and np.size(box) <= MOST_ELEMENTS:
            return _elements(box)
    asked = _asked(stack, why) or _Asked(_WORDS[why], _GENERAL)
    raise TypeError(_lost(asked))


def lost_in(name: str) -> str:
    """What is said of a function of fastad's own that has read a traced value's plain number."""
    return _lost(_Asked(name, _of_ours(name, "array")))


def _lost(asked: _Asked) -> str:
    return (
        f"{asked.name} reads the plain number out of a traced value, and its derivative would be "
        f"lost: {asked.remedy}"
    )


def held(box: Any) -> Any:
    """What SciPy's sparse arrays take for "no array, let its own operator answer", if one asks.

    Returns
    -------
    ndarray or None
        Of objects, without axes: it holds the box. No plain value is read.
    """
    asking = sys._getframe(ASKING)
    if package_of(asking.f_globals.get("__name__") or "") != "scipy.sparse":
        return None
    stack = _stack(asking)
    if stack.package != "scipy.sparse" or not _in_operator(asking, stack.user):
        return None
    result = np.empty((), object)
    result[()] = box
    return result


def missing(name: str) -> str | None:
    """Why a traced value has not the attribute that is asked for: by its name, and by who asks."""
    if not hasattr(np.ndarray, name):
        return of_attribute(name)
    stack = _stack(sys._getframe(ASKING))
    asked = _asked(stack, "array") if stack.package else None
    if asked is None:
        return "it has no rule in fastad; fastad.getval(x) is the plain value"
    return f"{asked.name} would take its plain numbers; {asked.remedy}"


_WORDS = {
    "index": "using it as an index",
    "int": "int()",
    "float": "float()",
    "complex": "complex()",
    "array": "numpy.array() or numpy.asarray()",
}
_OPERATORS = frozenset(
    f"__{side}{name}__"
    for side in ("", "r")
    for name in "add sub mul matmul truediv floordiv mod pow".split()
)


def _stack(frame: FrameType | None) -> _Stack:
    package = ""
    callee: FrameType | None = None
    by_us = False
    while frame is not None:
        if frame.f_globals.get("__name__") == _LEADING:
            pass  # it found nothing to lead to: SciPy's function was called by whoever called it
        elif frame.f_code.co_filename.startswith(_OWN):
            by_us = callee is not None
        else:
            found = package_of(frame.f_globals.get("__name__") or "")
            if not found:
                break
            package = package or found
            callee = frame
        frame = frame.f_back
    return _Stack(package, frame, callee, by_us)


_PERCENT = (6, 19)  # %, %= (the operands of BINARY_OP from Python 3.11 on)


def _is_at_percent(frame: FrameType) -> bool:
    """Whether a frame is at an operator %, which asks for a number where a string is on its left.

    A number's % asks the traced value for its own operator.
    """
    code, place = frame.f_code.co_code, frame.f_lasti
    name = dis.opname[code[place]]
    if name == "BINARY_OP":
        return code[place + 1] in _PERCENT
    return name in ("BINARY_MODULO", "INPLACE_MODULO")


# Functions of numbers whose answers are truths.
_TESTS = frozenset((math.isclose, math.isfinite, math.isinf, math.isnan))


def _is_in_test(frame: FrameType) -> bool:
    """Whether a frame is at a call of one of these, for certain: what else may ask is refused."""
    function = _function_called(frame.f_code, frame.f_lasti)
    found: Any = None
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        found = getattr(_found(function.value.id, frame), function.attr, None)
    elif isinstance(function, ast.Name):
        found = _found(function.id, frame)
    return type(found) is BuiltinFunctionType and found in _TESTS


@functools.lru_cache(256)
def _function_called(code: CodeType, place: int) -> ast.expr | None:
    """What an instruction of code calls, by its source; None where that is not certain.

    Before Python 3.11 only the line is known: it is where there is one bracket in it.
    """
    if not dis.opname[code.co_code[place]].startswith(("CALL", "PRECALL")):
        return None
    if hasattr(code, "co_positions"):
        expression = _at(code, place, {})
    else:
        line = next(number for first, last, number in code.co_lines() if first <= place < last)
        text = linecache.getline(code.co_filename, line or 0)
        called = _CALLED.findall(text) if text.count("(") == 1 else []
        function = _parsed(called[0]) if called else None
        return function if isinstance(function, ast.expr) else None
    return expression.func if isinstance(expression, ast.Call) else None


def _found(name: str, frame: FrameType) -> Any:
    """What a name means in a frame; None if nothing."""
    for scope in (frame.f_locals, frame.f_globals, vars(builtins)):
        if name in scope:
            return scope[name]
    return None


def _in_operator(frame: FrameType | None, user: FrameType | None) -> bool:
    while frame is not None and frame is not user:
        if frame.f_code.co_name in _OPERATORS:
            return True
        frame = frame.f_back
    return False


MOST_ELEMENTS = 1000  # of a traced array, up to which a frame is given them one by one


def _in_product(frame: FrameType | None, user: FrameType | None) -> bool:
    """Whether the caller of pandas' product asks."""
    while frame is not None and frame is not user:
        if frame.f_code.co_name == "dot" and package_of(frame.f_globals["__name__"]) == "pandas":
            return True
        frame = frame.f_back
    return False


def _elements(box: Any) -> Any:
    result = np.empty(np.shape(box), object)
    for index in np.ndindex(result.shape):
        result[index] = box[index]
    return result


def _asked(stack: _Stack, why: str) -> _Asked | None:
    """What the user's line calls, as it is called from outside."""
    expression, stores = (None, False) if stack.user is None else _expression(stack.user)
    if isinstance(expression, ast.Call) and stack.user is not None:
        name, package = _resolve(expression.func, stack.user)
        if name.startswith("fastad."):
            held = stack.package == "xarray"  # it was given an object that holds the traced value
            return _Asked(name, REMEDIES["xarray"] if held else _of_ours(name, why))
        if not package:
            name, package = _of_made(expression.func, stack.user)
        if package and not stack.by_us:
            return _Asked(name.removeprefix("builtins."), _remedy(name, package, why))
    if stack.callee is not None:
        module = stack.callee.f_globals["__name__"]
        name = _called(module, stack.callee)
        shown = expression.func if isinstance(expression, ast.Call) else expression
        if shown is not None and not stack.by_us:
            text = ast.unparse(shown)
            # An operator, or a function that no public name leads to.
            if len(text) < 60 and (shown is expression or look_up(name) is None):
                name = f"{text} ({module.partition('.')[0]})"
        package = package_of(name) or package_of(module)
        remedy = _of_ours(f"fastad.{name}", why) if stack.by_us else _remedy(name, package, why)
        return _Asked(name, remedy)
    if isinstance(expression, ast.Subscript):
        text = ast.unparse(expression)
        if stores:
            return _Asked(f"{text} = ...", _WRITTEN)
        return _Asked(text, "which element is taken has no derivative: give fastad.getval(x)")
    return None


def _of_made(function: ast.expr, frame: FrameType) -> tuple[str, str]:
    """As `_resolve` for what is called of an object that the same line makes: `norm(0, 1).pdf`."""
    made = function.value if isinstance(function, ast.Attribute) else function
    if not isinstance(made, ast.Call):
        return "", ""
    name, package = _resolve(made.func, frame)
    if package == "numpy.random":
        return f"{ast.unparse(function)} ({package})", package
    if counterpart(name) is None and package != "scipy.interpolate":
        return "", ""
    if not isinstance(function, ast.Attribute):
        return name, package
    method = f"{name}.{function.attr}"
    return (name if counterpart(method) is None else method), package


_ORDERS = ("permutation", "permuted", "shuffle", "choice")
_WRITTEN = (
    "an array of plain numbers cannot hold a traced one: build it in one go with "
    "fastad.numpy.array, stack, concatenate or where"
)
_WRITERS = ("fill", "put", "itemset", "setfield", "__setitem__")  # methods of arrays


def _of_ours(name: str, why: str) -> str:
    """What to do where a function of fastad's own needs a plain number."""
    if not differentiates(look_up(name)):
        then = (
            ", and what it finds as the start of fastad.scipy.optimize.minimize or root, which are "
            "differentiated"
            if name.startswith("fastad.scipy.optimize.")
            else ""
        )
        return f"it has no derivative rule: give it fastad.getval of what it reads{then}"
    if name.startswith(("fastad.scipy.integrate.", "fastad.scipy.optimize.")):
        return "give what the function that it calls depends on by args="
    if why in ("index", "int"):
        return _COUNT
    return "it has no derivative by that argument: give fastad.getval(x)"


def _remedy(name: str, package: str, why: str) -> str:
    method = name.partition(" ")[0].rpartition(".")[2]
    if package == "numpy" and name.endswith(" (numpy)"):  # of an array
        if method in _WRITERS:
            return _WRITTEN
        name = f"numpy.{method}"
    if package == "numpy.random" and method in _ORDERS:
        return (
            "draw positions, by plain probabilities, and take these: x[rng.permutation(len(x))], "
            "x[rng.choice(len(x), p=fastad.getval(p))]"
        )
    if why in ("index", "int") and package.partition(".")[0] in ("numpy", "builtins"):
        return _COUNT
    if name not in REMEDIES and package != "numpy.random":
        other = counterpart(name)
        if other is not None:
            off = other.startswith("fastad.scipy.") and not leading.is_wanted()
            return f"use {other}{_OFF if off else ''}"
    return REMEDIES[package]


def _called(module: str, frame: FrameType) -> str:
    """The public name of the function that a frame runs."""
    if module.startswith("scipy.stats."):
        law = getattr(frame.f_locals.get("self"), "name", None)
        method = f"scipy.stats.{law}.{frame.f_code.co_name}"
        if law is not None and look_up(method) is not None:
            return method
    qualname = getattr(frame.f_code, "co_qualname", frame.f_code.co_name)
    parts = public(f"{module}.{qualname}").replace("<locals>.", "").split(".")
    for cut in range(len(parts) - 1, 1, -1):
        for kept in range(min(cut, 3), 0, -1):
            shorter = ".".join([*parts[:kept], *parts[cut:]])
            if look_up(shorter) is not None:
                return shorter
    return ".".join(parts)


def _resolve(function: ast.expr, frame: FrameType) -> tuple[str, str]:
    """The full name of what is called, and its entry of REMEDIES."""
    parts: list[str] = []
    while isinstance(function, ast.Attribute):
        parts.insert(0, function.attr)
        function = function.value
    if not isinstance(function, ast.Name):
        return "", ""
    found = _found(function.id, frame)
    if found is None:
        return "", ""
    if isinstance(found, ModuleType):
        name = ".".join([found.__name__, *parts])
        return name, package_of(name)
    if isinstance(found, np.vectorize):
        return f"{function.id} (numpy.vectorize)", "numpy.vectorize"
    if parts:  # a method of an object
        package = package_of(type(found).__module__)
        text = ".".join([function.id, *parts])
        law = getattr(getattr(found, "dist", None), "name", None)  # of a frozen distribution
        if package == "scipy" and law is not None:
            return ".".join(["scipy.stats", law, *parts]), package
        return f"{text} ({package})", package
    home = getattr(found, "__module__", None) or type(found).__module__
    kind = found if hasattr(found, "__qualname__") else type(found)
    name = f"{home}.{kind.__qualname__}"
    return public(name), package_of(name)


def _expression(frame: FrameType) -> tuple[ast.AST | None, bool]:
    """The expression that a frame is at, from its source, and whether an item is assigned.

    None where there is no source.
    """
    code = frame.f_code
    if not hasattr(code, "co_positions"):
        return _only_call(frame), False
    stores = dis.opname[code.co_code[frame.f_lasti]] == "STORE_SUBSCR"
    return _at(code, frame.f_lasti, frame.f_globals), stores


def _at(code: Any, place: int, space: dict[str, Any]) -> ast.AST | None:
    """The expression that an instruction belongs to, from Python 3.11 on."""
    line, last, column, end = list(code.co_positions())[place // 2]
    if line is None or last is None or column is None or end is None:
        return None
    lines = [
        linecache.getline(code.co_filename, number, space).encode()
        for number in range(line, last + 1)
    ]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][column:]
    if not any(lines):  # code without source, as of `python -c`
        return None
    return _parsed("(" + b"".join(lines).decode(errors="replace") + "\n)")


def _only_call(frame: FrameType) -> ast.AST | None:
    """The one call on a frame's line that REMEDIES knows: before 3.11 only the line is known.

    Where there is none, the one of a function of fastad's.
    """
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno, frame.f_globals)
    names = {match[0] for match in _CALLED.finditer(line) if not _calls_result(line, match.end())}
    called = [_parsed(name) for name in sorted(names)]
    found = [(one, *_resolve(one, frame)) for one in called if isinstance(one, ast.expr)]
    known = [one for one, _, package in found if package]
    known = known or [one for one, name, _ in found if name.startswith("fastad.")]
    return ast.Call(known[0], [], []) if len(known) == 1 else None


def _calls_result(line: str, start: int) -> bool:
    """Whether what the call with its bracket at `start` gives is called itself, on this line."""
    depth = 0
    for place in range(start, len(line)):
        depth += {"(": 1, ")": -1}.get(line[place], 0)
        if depth == 0:
            return line[place + 1 : place + 2] == "("
    return False


_CALLED = re.compile(r"(?<![\w.])[A-Za-z_][\w.]*(?=\()")  # no method of what a bracket closes


def _parsed(text: str) -> ast.AST | None:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return None
    first = tree.body[0] if len(tree.body) == 1 else None
    return first.value if isinstance(first, ast.Expr) else first
