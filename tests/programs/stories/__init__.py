"""Stories: small functions of the kinds people write, by what they are about."""

from . import (
    classes,
    clocks,
    enumerations,
    functions,
    memory,
    numbers,
    registries,
    side_effects,
    surroundings,
    values,
)
from .base import STORIES

__all__ = ["PARTS", "STORIES"]

PARTS = (
    classes,
    clocks,
    enumerations,
    functions,
    memory,
    numbers,
    registries,
    side_effects,
    surroundings,
    values,
)
