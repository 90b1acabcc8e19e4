"""Places where a function may keep what it reads, and kinds of values that it may keep there."""

import types

from . import calls, containers, functions, modules, objects
from .values import VALUES

__all__ = ["PLACES", "VALUES"]

PLACES = [
    place
    for part in (objects, containers, functions, modules, calls)
    for place in vars(part).values()
    if isinstance(place, types.FunctionType)
    and place.__module__ == part.__name__
    and place.__code__.co_varnames[:1] == ("value",)
]
