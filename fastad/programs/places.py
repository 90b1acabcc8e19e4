"""Places: where watched objects stand, each a slot that is compared, and what a user calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .._core import Slots, anything, holds_box, same_constant

__all__ = ["Places", "Unwatchable", "absent", "put"]

MAX_SLOTS = 5_000

_SINGLE = frozenset(("cell", "entry", "member"))
absent = object()


class Unwatchable(Exception):
    """Something that executed code can read, and that nobody can compare."""


def put(holder: Any, key: Any, value: Any) -> None:
    """Put a value in a container or class itself: what a user's class does then is not asked."""
    if isinstance(holder, type):
        try:
            type.__setattr__(holder, key, value)
        except TypeError:  # of a metaclass made in C, which type's way is closed to
            setattr(holder, key, value)
    elif isinstance(holder, dict):
        dict.__setitem__(holder, key, value)
    elif isinstance(holder, list):
        list.__setitem__(holder, key, value)
    else:
        holder[key] = value


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
                if old is not anything and not same_constant(old, new)
            ]
        if kind == "items":
            if len(expected) != len(current):
                return [(place[:-3], None, None)]
            return [
                (f"{place[:-3]}[{i}]", old, new)
                for i, (old, new) in enumerate(zip(expected, current))
                if old is not anything and not same_constant(old, new)
            ]
        return [(place, expected, current)]

    def put_back(self) -> list[str]:
        """Restore the objects that stood in places before; tells which held others.

        A recording leaves traced values where the code left plain ones that were equal to what
        stood there.
        """
        changed = self.slots.changed()
        names = [self._describe(number) for number in changed]
        for number in changed:
            kind, holder, key = self.slots.place(number)
            expected, current = self.slots.expected(number), self.slots.current(number)
            if kind == "items" and len(expected) == len(current):
                for i, (old, new) in enumerate(zip(expected, current)):
                    if holds_box(new):
                        put(holder, i, old)
            elif kind == "keys" and expected[::2] == current[::2]:
                for name, old, new in zip(expected[::2], expected[1::2], current[1::2]):
                    if holds_box(new):
                        put(holder, name, old)
            elif holds_box(current):
                if kind == "cell":
                    holder.cell_contents = expected
                elif kind == "entry":
                    put(holder, key, expected)
                elif kind == "member":
                    key.__set__(holder, expected)
        return names

    def identical(self) -> bool:
        """Whether the very objects stand everywhere, not equal ones; where `is` is asked."""
        for number in range(len(self.slots)):
            kind = self.slots.place(number)[0]
            expected, current = self.slots.expected(number), self.slots.current(number)
            if kind in _SINGLE:
                if expected is not current:
                    return False
            elif kind in ("items", "keys"):
                for a, b in zip(expected, current):
                    if a is not b and a is not anything:
                        return False
        return True

    def holds_any(self, values: Iterable[Any]) -> bool:
        """Whether one of these very objects stands somewhere."""
        held = set()
        for number in range(len(self.slots)):
            kind, holder, _ = self.slots.place(number)
            expected = self.slots.expected(number)
            held |= set(map(id, expected)) if kind in ("items", "keys") else {id(expected)}
            held.add(id(holder))
        return any(id(value) in held for value in values)

    def arrays(self) -> list[Any]:
        """The arrays whose contents are compared, and those that are inputs instead."""
        count = len(self.slots)
        places = (self.slots.place(number) for number in range(count))
        return [holder for kind, holder, _ in places if kind == "content"]

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
