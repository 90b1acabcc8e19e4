"""Which functions have a code object, and which classes a function: asked of the collector."""

from __future__ import annotations

import gc
import sys
import sysconfig
from collections.abc import Iterator
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


def owners_of(function: FunctionType) -> list[type]:
    """All classes that a function was defined in, as a method or a part of a property or such."""
    outer = function.__qualname__.rpartition(".")[0]
    if not outer or outer.endswith("<locals>"):  # it was not defined in a class
        return []
    holders: list[Any] = [function]
    for item in gc.get_referrers(function):
        if isinstance(item, (classmethod, property, staticmethod)):
            holders.append(item)
    spaces = [space for item in holders for space in gc.get_referrers(item) if type(space) is dict]
    return [
        item
        for space in spaces
        for item in gc.get_referrers(space)
        if isinstance(item, type) and function.__name__ in vars(item)
    ]


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
