"""Which functions have a code object, and which classes a function: asked of the collector."""

from __future__ import annotations

import gc
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any

__all__ = ["functions_of", "owners_of"]

# Free-threaded CPython 3.13 makes functions, classes and modules immortal once a second thread has
# been started, and the collector no longer tracks what is immortal.
LOSES_TRACK = bool(sysconfig.get_config_var("Py_GIL_DISABLED")) and sys.version_info < (3, 14)


def functions_of(code: CodeType) -> list[FunctionType]:
    """All functions that run a code object."""
    found = {id(item): item for item in gc.get_referrers(code) if _runs(item, code)}
    if LOSES_TRACK:
        found.update((id(item), item) for item in _untracked() if _runs(item, code))
    return list(found.values())


def owners_of(functions: Iterable[FunctionType]) -> list[tuple[FunctionType, type]]:
    """Functions and the classes that they were defined in, as methods or parts of properties.

    Each question to the collector looks at all objects that there are: three serve all functions.
    """
    methods = [function for function in functions if _is_defined_in_class(function)]
    if not methods:
        return []
    kinds = (classmethod, property, staticmethod)
    parts = [item for item in gc.get_referrers(*methods) if isinstance(item, kinds)]
    spaces = [item for item in gc.get_referrers(*methods, *parts) if type(item) is dict]
    classes = [item for item in gc.get_referrers(*spaces) if isinstance(item, type)]
    return [(one, cls) for cls in classes for one in methods if one.__name__ in vars(cls)]


def _is_defined_in_class(function: FunctionType) -> bool:
    outer = function.__qualname__.rpartition(".")[0]
    return bool(outer) and not outer.endswith("<locals>")


def _runs(item: Any, code: CodeType) -> bool:
    return type(item) is FunctionType and item.__code__ is code


def _untracked() -> Iterator[Any]:
    """What the collector does not track, as far as it is held by what can be enumerated."""
    classes = [object]
    for cls in classes:  # grows
        classes += type.__subclasses__(cls)
    waiting: list[Any] = [*gc.get_objects(), *sys.modules.values(), *classes]
    seen: set[int] = set()
    while waiting:
        for item in gc.get_referents(waiting.pop()):
            if id(item) not in seen and not gc.is_tracked(item):
                seen.add(id(item))
                yield item
                waiting.append(item)
