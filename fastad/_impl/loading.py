"""Modules that are asked for late, and what is done with those of others once they are loaded."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

__all__ = ["OF_NUMPY", "after", "is_complete", "late_function", "module_of"]

# Parts of NumPy that it loads when they are asked for, and that take longer than all of fastad; so
# those of fastad.numpy are loaded then.
OF_NUMPY = ("fft", "random")

Act = Callable[[ModuleType], None]


def module_of(name: str) -> Any:
    """The module of this full name, loaded where it is not yet, and complete.

    Without `importlib.import_module`, whose calls a program of `jit` cannot replay.
    """
    found = sys.modules.get(name)
    # One that another thread loads is waited for.
    return found if is_complete(found) else __import__(name, fromlist=["__name__"])


def late_function(module: str, name: str) -> Callable[..., Any]:
    """A function of a module that is loaded by the first call."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(module_of(module), name)(*args, **kwargs)

    return call


class _Loader:
    """The module's own loader, and what is done after it; the module keeps its own alone."""

    def __init__(self, own: Any, act: Act) -> None:
        self._own = own
        self._act = act

    def __getattr__(self, name: str) -> Any:  # what else can be asked of one: files, sources
        return getattr(self._own, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._own.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        if spec is not None:
            spec.loader = self._own
        module.__loader__ = self._own
        self._own.exec_module(module)
        self._act(module)


class _Finder:
    def __init__(self, fits: Callable[[str], bool], act: Act) -> None:
        self._fits = fits
        self._act = act

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not self._fits(fullname):
            return None
        finders: list[Any] = list(sys.meta_path)
        behind = finders[finders.index(self) + 1 :] if self in finders else finders
        for finder in behind:
            find = getattr(finder, "find_spec", None)
            spec = None if find is None else find(fullname, path, target)
            if spec is not None:
                if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader, self._act)
                return spec
        return None


def is_complete(module: ModuleType | None) -> bool:
    """Tell whether a module's code has run to its end."""
    return module is not None and not getattr(module.__spec__, "_initializing", False)


def after(fits: Callable[[str], bool], act: Act) -> Callable[[], None]:
    """Call `act(module)` of each module whose name fits: now, or as soon as it is loaded.

    Returns
    -------
    callable
        Without arguments: ends it.
    """
    finder: Any = _Finder(fits, act)
    sys.meta_path.insert(0, finder)
    for name, module in list(sys.modules.items()):
        if not fits(name):
            continue
        if not is_complete(module):
            # Another thread loads it, by a loader that was found before: this waits for it.
            try:
                module = importlib.import_module(name)
            except ImportError:  # as that thread is told
                continue
        if is_complete(module):
            act(module)

    def end() -> None:
        if finder in sys.meta_path:
            sys.meta_path.remove(finder)

    return end
