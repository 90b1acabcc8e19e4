"""What `jit` tells its user: warnings and errors, each with the function, the line and a remedy."""

from __future__ import annotations

import traceback
import warnings
from types import CodeType
from typing import Any

from .._core import name_of

__all__ = ["ProgramError", "ProgramWarning", "line_of_error", "name_of", "place_of", "warn"]


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


def warn(fun: Any, reason: str, remedy: str) -> None:
    """Say once that a function runs without being replayed."""
    warnings.warn(
        f"jit: {place_of(fun)} runs without being replayed: {reason}. {remedy}",
        ProgramWarning,
        stacklevel=4,
    )
