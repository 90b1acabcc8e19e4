"""Which functions have a code object: asked of the garbage collector."""

from __future__ import annotations

import gc
import sys
import sysconfig
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

__all__ = ["functions_of"]

# Free-threaded CPython 3.13 makes functions, classes and modules immortal once a second thread has
# been started, and the collector no longer tracks what is immortal.
LOSES_TRACK = bool(sysconfig.get_config_var("Py_GIL_DISABLED")) and sys.version_info < (3, 14)


def functions_of(code: CodeType) -> list[FunctionType]:
    """All functions that run a code object."""
    found = {id(item): item for item in gc.get_referrers(code) if _runs(item, code)}
    if LOSES_TRACK:
        found.update((id(item), item) for item in _untracked() if _runs(item, code))
    return list(found.values())


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
