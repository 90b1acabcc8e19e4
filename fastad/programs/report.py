"""What `jit` tells its user: warnings and errors, each with the function, the line and a remedy."""

from __future__ import annotations

import traceback
import warnings
from types import CodeType
from typing import Any

from .._core import name_of

__all__ = [
    "ProgramError",
    "ProgramWarning",
    "line_of_error",
    "name_of",
    "place_of",
    "remedy_for",
    "warn",
]

# What to do about a reason, by words in it.
_REMEDIES = (
    ("an operator such as", "Write x = x * y, or work on a copy."),
    ("take its arrays", "Pass these as arguments, or capture them."),
    ("two recordings differ", "Pass what changes from call to call as an argument."),
    ("takes another way", "Test shapes and dtypes."),
    ("writes into its arguments", "Return what changes, or work on a copy."),
    ("which a replay would not do", "Return what changes, or do it outside."),
    ("reads a list that it appends to", "Keep what it reads in a variable beside the list."),
    (
        "reads a recorded value",
        "Use fastad.numpy in its place (np.exp for math.exp, np.asarray for numpy.asarray), or "
        "keep the value as it is.",
    ),
    (
        "random number",
        "Draw by fastad.numpy.random or from a Generator that is captured or an argument, or "
        "outside and pass the numbers.",
    ),
    ("and is handed on", "Call it outside of the function."),
    ("which reads or changes what a program cannot see", "Move the call out of the function."),
    ("raises an error", "Test the values before it, or use np.where."),
    ("ways, by what it reads at", "Compute with np.where instead of branching."),
    ("whose state cannot be seen", "Read it outside, and pass what it gives as an argument."),
    ("gives a warning", "See to what the warning says."),
    ("which a replay cannot make", "Put jit around what calls it."),
    ("shape", "Keep shapes from depending on values, as np.where does where a mask does not."),
)


class ProgramWarning(UserWarning):
    """A function under `jit` is not replayed, and could be."""

    __module__ = "fastad"


class ProgramError(RuntimeError):
    """A replay gave another result than the function itself."""

    __module__ = "fastad"


def place_of(fun: Any) -> str:
    """A function's name and where it is defined."""
    inner = fun
    while hasattr(inner, "__wrapped__"):
        inner = inner.__wrapped__
    inner = getattr(inner, "__func__", getattr(inner, "func", inner))
    code = getattr(inner, "__code__", None)
    where = f" ({code.co_filename}, line {code.co_firstlineno})" if type(code) is CodeType else ""
    return f"{name_of(fun)}{where}"


def line_of_error(error: BaseException, package: str) -> str:
    """The user's innermost line in an error's traceback."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith(package):
            return f" at {frame.filename}, line {frame.lineno}"
    return ""


def remedy_for(reason: str) -> str:
    """What a user can do where a function is not replayed for this reason."""
    for words, remedy in _REMEDIES:
        if words in reason:
            return f"{remedy} Its results are right, at eager speed."
    return "Its results are right, at eager speed."


def warn(fun: Any, reason: str, remedy: str) -> None:
    """Say once that a function runs without being replayed."""
    warnings.warn(
        f"jit: {place_of(fun)} runs without being replayed: {reason}. {remedy}",
        ProgramWarning,
        stacklevel=4,
    )
