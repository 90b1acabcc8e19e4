"""When functions of SciPy and numpy.ma are led to fastad's: from the first level on.

A process that traces nothing has SciPy as it is, and one without SciPy pays nothing. What leads is
`fastad.scipy.direct`, which is loaded where there is something to lead.
"""

from __future__ import annotations

import sys
from _thread import RLock  # threading itself is late
from types import ModuleType

from .._core import rules_given
from .loading import after, is_complete, module_of

__all__ = ["MODULES", "begin", "install", "is_wanted", "uninstall", "watch"]

MODULES = """
    special linalg signal ndimage integrate interpolate optimize spatial spatial.distance
    sparse sparse.linalg stats
""".split()
_TRANSFORMS = "scipy.fft"  # which asks by a protocol of its own
_MASKED = "numpy.ma"
_WATCHED = frozenset((_MASKED, *(f"scipy.{name}" for name in (*MODULES, "fft"))))
_DIRECT = "fastad.scipy.direct"

_switch = RLock()


class _State:
    wanted = True  # nobody uninstalled it
    begun = False  # a level was opened, or it was installed
    leading = False  # by this thread, which holds the switch
    ready: set[str] = set()  # whose code has run, though importlib may not have said so yet


def _loaded(module: ModuleType) -> None:
    """What is done with one of SciPy's modules once it is complete."""
    if module.__name__ == _TRANSFORMS:
        module_of("fastad.scipy.backend")
        return
    _State.ready.add(module.__name__)
    if _State.begun and module.__name__ == _MASKED:
        module_of("fastad.numpy.masked_functions").lead_functions(vars(module)["core"])
    elif _State.begun and _State.wanted:
        module_of(_DIRECT).lead(module)


def watch() -> None:
    """Be told of each of SciPy's modules, of those that are loaded later as well."""
    after(_WATCHED.__contains__, _loaded)


def _lead_loaded() -> None:
    _State.begun = True  # what is complete from now on is led by the thread that loads it
    for name in sorted(_WATCHED.intersection(sys.modules)):
        module = sys.modules.get(name)
        if module is not None and (name in _State.ready or is_complete(module)):
            _loaded(module)


def begin() -> bool:
    """Lead what is loaded, before the first level is opened; False where that is under way."""
    with _switch:
        if _State.leading:
            return False
        if not _State.begun:
            _State.leading = True
            try:
                _lead_loaded()
            finally:
                _State.leading = False
        return True


def install() -> None:
    """Lead what is loaded, and what will be."""
    with _switch:
        if not _State.wanted:
            rules_given["times"] += 1  # for programs that were recorded until now
        _State.wanted = True
        _lead_loaded()


def uninstall() -> None:
    """Put back what is led, and lead nothing more."""
    with _switch:
        if _State.wanted:
            rules_given["times"] += 1
        _State.wanted = False
        if _DIRECT in sys.modules:
            module_of(_DIRECT).put_back()


def is_wanted() -> bool:
    """Tell whether SciPy's functions lead here, once a level is opened."""
    return _State.wanted
