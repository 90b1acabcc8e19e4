"""Answering every `autograd[.x.y]` import by fastad.

The modules and classes are fastad's own, not copies: `autograd.numpy is fastad.numpy`.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from .. import _core
from .loading import OF_NUMPY, after

__all__ = ["install", "installed", "uninstall"]

_ALIAS = "autograd"
_TARGET = "fastad"


def _is_alias(name: str) -> bool:
    return name == _ALIAS or name.startswith(_ALIAS + ".")


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers imports of autograd's modules with fastad's."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not _is_alias(fullname):
            return None
        real = _TARGET + fullname[len(_ALIAS) :]
        if sys.modules.get(real) is None and importlib.util.find_spec(real) is None:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, origin=real)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = importlib.import_module(str(spec.origin))
        if spec.name == _ALIAS:
            for name in _LOADED:
                sys.modules.setdefault(
                    f"{_ALIAS}.{name}", importlib.import_module(f"{_TARGET}.{name}")
                )
        # importlib is about to put this alias's spec into the real module.
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        if spec is not None and spec.loader is self:
            module.__spec__ = spec.loader_state


# What `import autograd` leaves in sys.modules; classes are looked up there by the module's name.
_LOADED = """
builtins core differential_operators extend tracer util wrap_util numpy numpy.fft numpy.linalg
numpy.numpy_boxes numpy.numpy_jvps numpy.numpy_vjps numpy.numpy_vspaces numpy.numpy_wrapper
numpy.random""".split()

_finder = _Finder()
_replaced: dict[str, ModuleType] = {}


def installed() -> bool:
    """True while imports of autograd are answered by fastad."""
    return _finder in sys.meta_path


def install() -> None:
    """Answer every import of autograd, and of its modules, by fastad, from now on.

    It does not matter whether autograd is installed. Modules that have imported autograd already
    keep what they have.
    """
    if installed():
        return
    for name in [name for name in sys.modules if _is_alias(name)]:
        _replaced[name] = sys.modules.pop(name)
    sys.meta_path.insert(0, _finder)
    _name_boxes(True)
    _as_autograd(True)
    _tell_children(True)
    _lead_operators()


def uninstall() -> None:
    """Undo `install()`: autograd is autograd again, as it was before (or not to be found)."""
    if not installed():
        return
    sys.meta_path.remove(_finder)
    for name in [name for name in sys.modules if _is_alias(name)]:
        del sys.modules[name]
    sys.modules.update(_replaced)
    _replaced.clear()
    _name_boxes(False)
    _as_autograd(False)
    _tell_children(False)
    while _led:
        _led.pop()()


def _name_boxes(alias: bool) -> None:
    """Name the modules of traced values as autograd's: array libraries are told apart by that."""
    set_module = getattr(_core, "set_module", None)
    if set_module is not None:
        set_module(_core.ArrayBox, f"{_ALIAS}.numpy.numpy_boxes" if alias else _core.__name__)
        set_module(_core.Box, f"{_ALIAS}.tracer" if alias else _core.__name__)


def _as_autograd(wanted: bool) -> None:
    """Let traced values do what autograd's may; load what autograd has loaded."""
    _core.as_autograd(wanted)
    if wanted:
        # Programs copy the namespaces of numpy and autograd.numpy, where these are found.
        for name in OF_NUMPY:
            importlib.import_module(f"numpy.{name}")
            module = importlib.import_module(f"{_TARGET}.numpy.{name}")
            vars(sys.modules[f"{_TARGET}.numpy"])[name] = module


# ---- operators of SciPy's sparse arrays


_led: list[Any] = []  # what ends it


def _lead_operators() -> None:
    """Let the operators of sparse arrays ask traced operands, once they are loaded.

    Where arrays of traced values are arrays of objects, SciPy takes traced values for these.
    """

    def lead(module: ModuleType) -> None:
        _led.append(importlib.import_module(f"{_TARGET}.scipy.direct").lead_operators(module))

    _led.append(after("scipy.sparse".__eq__, lead))


# ---- processes that a program starts


class _Install:
    """Unpickled by a new process before it imports the program's main module."""

    def __reduce__(self) -> Any:
        return _install_here, ()


def _install_here() -> None:
    install()


_original_preparation: Any = None


def _tell_children(tell: bool) -> None:
    """Let processes that multiprocessing spawns answer imports in the same way."""
    global _original_preparation
    from multiprocessing import spawn

    if tell and _original_preparation is None:
        original = _original_preparation = spawn.get_preparation_data

        def get_preparation_data(name: str) -> dict[str, Any]:
            return {"fastad_compat": _Install(), **original(name)}

        spawn.get_preparation_data = get_preparation_data
    elif not tell and _original_preparation is not None:
        spawn.get_preparation_data = _original_preparation
        _original_preparation = None
