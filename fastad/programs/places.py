"""Places: where watched objects stand, each a slot that is compared, and what a user calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .._core import Slots, same_constant

__all__ = ["Places", "Unwatchable", "absent"]

MAX_SLOTS = 5_000

_SINGLE = frozenset(("cell", "entry"))
absent = object()


class Unwatchable(Exception):
    """Something that executed code can read, and that nobody can compare."""


class Places:
    """The slots, and the name of each."""

    def __init__(self) -> None:
        self.slots = Slots()
        self.places: list[str] = []
        self._known: dict[tuple[Any, ...], int] = {}

    def changes(self) -> list[str]:
        """The places that hold something else now."""
        return [self._describe(i) for i in self.slots.changed()]

    def _describe(self, number: int) -> str:
        changed = self.elements(number)
        return changed[0][0] if changed else self.places[number].removesuffix(".*")

    def elements(self, number: int) -> list[tuple[str, Any, Any]]:
        """What changed in a slot: (place, old, new) for each element; old is None if absent."""
        place = self.places[number]
        expected, current = self.slots.expected(number), self.slots.current(number)
        kind = self.slots.place(number)[0]
        if kind == "content":
            return [(place, current, current)]
        if kind == "keys":
            if expected[::2] != current[::2]:
                return [(place[:-2], None, None)]
            pairs = zip(expected[::2], expected[1::2], current[1::2])
            return [
                (f"{place[:-2]}.{key}", old, new)
                for key, old, new in pairs
                if old is not NotImplemented and not same_constant(old, new)
            ]
        if kind == "items":
            if len(expected) != len(current):
                return [(place[:-3], None, None)]
            return [
                (f"{place[:-3]}[{i}]", old, new)
                for i, (old, new) in enumerate(zip(expected, current))
                if old is not NotImplemented and not same_constant(old, new)
            ]
        return [(place, expected, current)]

    def leave_out(self, value: Any, places: Iterable[tuple[int, Any]]) -> None:
        """Compare this value no longer, nor what stands at these places."""
        for number, key in places:
            self.slots.ignore(number, None if self.slots.place(number)[0] in _SINGLE else key)
        for number in range(len(self.slots)):
            kind, holder, _ = self.slots.place(number)
            if kind == "content" and holder is value:
                self.slots.ignore(number)

    def _note(self, number: int, path: str) -> int:
        while len(self.places) < len(self.slots):
            self.places.append(path)
        if number > MAX_SLOTS:
            raise Unwatchable("it can read more state than is worth watching")
        return number

    def _entry(self, mapping: Any, key: str, path: str) -> Any:
        """A slot for one key of a dict; gives its value, or absent."""
        place = (id(mapping), key)
        if place not in self._known:
            self._known[place] = self._note(self.slots.entry(mapping, key), path)
        return mapping.get(key, absent)

    def _read(self, read: Callable[[], tuple[Any, ...]], path: str) -> None:
        """A slot for what a function gives."""
        self._note(self.slots.call(read), path)
