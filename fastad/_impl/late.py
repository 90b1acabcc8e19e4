"""Module attributes that are imported when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .loading import module_of

__all__ = ["late"]


def late(module: str, **names: str) -> Callable[[str], Any]:
    """Make a module's `__getattr__`: names that autograd's module of that name has as well.

    Parameters
    ----------
    module : str
        The module's `__name__`.
    **names : str
        Where each is: `"~vspaces:vspace"` in fastad's own module, `"numpy:"` for a whole one.
    """

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place, _, attribute = names[name].partition(":")
        found = module_of(place.replace("~", "fastad."))
        return getattr(found, attribute) if attribute else found

    return find
