"""Places: where watched objects stand, each a slot that is compared, and what a user calls it."""

from __future__ import annotations

import collections
import functools
import types
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

import numpy as onp

from .._core import Slots, anything, holds_box, is_python_class, same_constant
from .grown import LENGTH, glance_of

__all__ = ["Place", "Places", "Unwatchable", "absent", "come_what_may"]

MAX_SLOTS = 5_000

_SINGLE = frozenset(("cell", "entry", "member"))
_COPIED = 1 << 16  # bytes of an array that are kept while a function is recorded
absent = object()
_T = TypeVar("_T")


class Unwatchable(Exception):
    """Something that executed code can read, and that nobody can compare."""


# What is raised where nothing stands at a place.
_NOT_THERE = (KeyError, IndexError, ValueError, AttributeError)


def come_what_may(act: Callable[[bool], _T]) -> _T:
    """Act to the end: where Ctrl-C comes in the midst of it, once more, and then on.

    Parameters
    ----------
    act : callable
        Is told whether it has begun before.
    """
    interrupt: KeyboardInterrupt | None = None
    while True:
        try:
            result = act(interrupt is not None)
            break
        except KeyboardInterrupt as error:
            interrupt = error
    if interrupt is not None:
        raise interrupt
    return result


class Place(NamedTuple):
    """Where a value stands: the slot that watches it, what holds it, and under which key."""

    number: int
    holder: Any
    key: Any

    def is_at(self, other: Place) -> bool:
        """Whether it is where another one is: by what holds it, not by the contents of that."""
        return self.holder is other.holder and bool(self.key == other.key)

    def get(self) -> Any:
        if isinstance(self.holder, types.CellType):
            return self.holder.cell_contents
        if isinstance(self.key, types.MemberDescriptorType):
            return self.key.__get__(self.holder)
        if isinstance(self.holder, type):
            return vars(self.holder)[self.key]
        if isinstance(self.holder, dict):  # whose class may make what is missing
            value = dict.get(self.holder, self.key, absent)
            if value is absent:
                raise KeyError(self.key)
            return value
        if isinstance(self.holder, list):
            return glance_of(self.holder, self.key)
        return self.holder[self.key]

    def is_open(self) -> bool:
        """Whether a value can be put here: members of what is made in C are read only."""
        key = self.key
        return not isinstance(key, types.MemberDescriptorType) or is_python_class(key.__objclass__)

    def find(self) -> Any:
        """What stands here, or absent."""
        try:
            return self.get()
        except _NOT_THERE:
            return absent

    def raw(self) -> tuple[int, Any, Any]:
        """The same for C: which kind of holder, the holder, the key."""
        if isinstance(self.holder, types.CellType):
            return 0, self.holder, None
        if isinstance(self.key, types.MemberDescriptorType):
            return 4, self.holder, self.key
        if isinstance(self.holder, type):
            return 3, self.holder, self.key
        if self.key is LENGTH:
            return 5, self.holder, None
        return (2 if type(self.holder) is list else 1), self.holder, self.key

    def putter(self) -> Callable[[Any], Any]:
        """A function that puts a value here, at little cost."""
        if isinstance(self.holder, types.CellType) or isinstance(self.holder, type):
            return self.put
        if isinstance(self.key, types.MemberDescriptorType):
            return functools.partial(self.key.__set__, self.holder)
        kind = dict if isinstance(self.holder, dict) else list
        return functools.partial(kind.__setitem__, self.holder, self.key)

    def put(self, value: Any) -> None:
        """Put a value here: what a user's class does then is not asked."""
        if isinstance(self.holder, types.CellType):
            self.holder.cell_contents = value
        elif isinstance(self.key, types.MemberDescriptorType):
            self.key.__set__(self.holder, value)
        elif isinstance(self.holder, type):
            try:
                type.__setattr__(self.holder, self.key, value)
            except TypeError:  # of a metaclass made in C, which type's way is closed to
                setattr(self.holder, self.key, value)
        elif isinstance(self.holder, dict):
            dict.__setitem__(self.holder, self.key, value)
        elif isinstance(self.holder, list):
            list.__setitem__(self.holder, self.key, value)
        else:
            self.holder[self.key] = value

    def remove(self) -> None:
        """Let nothing stand here."""
        if isinstance(self.holder, types.CellType):
            del self.holder.cell_contents
        elif isinstance(self.key, types.MemberDescriptorType):
            self.key.__delete__(self.holder)
        elif isinstance(self.holder, type):
            type.__delattr__(self.holder, self.key)
        else:
            dict.__delitem__(self.holder, self.key)


class Places:
    """The slots, and the name of each."""

    def __init__(self) -> None:
        self.slots = Slots()
        self.places: list[str] = []
        self.queues: dict[int, Any] = {}  # by the slots that give what is in them
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

    def take_back(self) -> bool:
        """Let all places hold what is expected of them; False if some cannot."""
        for number in self.slots.changed():
            kind, holder, key = self.slots.place(number)
            expected, current = self.slots.expected(number), self.slots.current(number)
            if kind in _SINGLE:
                if (place := Place(number, holder, key)).is_open():
                    place.put(expected)
            elif kind == "keys":
                _take_back_keys(number, holder, expected, current)
            elif kind == "items" and not any(old is anything for old in expected):
                list.__setitem__(holder, slice(None), expected)
            elif kind == "content" and (kept := self.slots.contents(number)):
                if holder.nbytes == len(kept) and holder.flags.writeable:
                    array = onp.frombuffer(kept, holder.dtype)
                    if holder.flags.fnc:
                        holder.T[...] = array.reshape(holder.shape[::-1])
                    else:
                        holder[...] = array.reshape(holder.shape)
            elif number in self.queues:
                _refill(self.queues[number], list(expected))
        return bool(self.slots.holds())

    def before(self, whole: bool) -> Before:
        """What stands in the places now, to be put back."""
        return Before(self, whole)

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

    def _read(self, read: Callable[[], tuple[Any, ...]], path: str, queue: Any = None) -> None:
        """A slot for what a function gives: what is in this queue, if there is one."""
        number = self._note(self.slots.call(read), path)
        if queue is not None:
            self.queues[number] = queue


class Before:
    """What stands in places before a function is recorded, to be put back afterwards.

    A recording leaves traced values where the code left plain ones that were equal to what stood
    there. And where it ends in the middle, what the code would have undone is left as well: a
    depth that is counted, a stack, a mark that it is at work.

    Parameters
    ----------
    places : Places
    whole : bool
        Put back whatever has changed; else traced values only, where another thread may have
        changed the rest.

    Attributes
    ----------
    ended : bool
        Whether the code that ran came to its end. What ended in the middle is put back whole in
        any case: it leaves something half done for sure, and another thread writes just then by
        chance.
    """

    def __init__(self, places: Places, whole: bool) -> None:
        self._places = places
        self._alone = whole
        self.ended = False
        self._kept: dict[int, Any] = {}
        for number in range(len(places.slots)):
            kind, holder, key = places.slots.place(number)
            if kind == "keys":
                self._kept[number] = dict(vars(holder) if isinstance(holder, type) else holder)
            elif kind == "items":
                self._kept[number] = list.copy(holder)
            elif kind in _SINGLE:
                place = Place(number, holder, key)
                self._kept[number] = place, place.find()
            elif kind == "content" and holder.nbytes <= _COPIED:
                self._kept[number] = holder.copy(order="K")
            elif number in places.queues:
                queue = places.queues[number]
                self._kept[number] = list(queue.items() if isinstance(queue, dict) else queue)

    @property
    def _whole(self) -> bool:
        return self._alone or not self.ended

    def put_back(self) -> list[str]:
        """Restore the objects that stood in places before; tells which held others."""
        return come_what_may(self._put_back)

    def _put_back(self, again: bool) -> list[str]:
        places = self._places
        changed = places.slots.changed()
        names = [places._describe(number) for number in changed]
        known = set(changed)
        for number in self._kept:
            # Places of inputs are not compared: an interrupt may have left a traced value there.
            if number in known or holds_box(places.slots.current(number)):
                self._restore(number)
        return names

    def _restore(self, number: int) -> None:
        kind, holder, _ = self._places.slots.place(number)
        kept = self._kept[number]
        if kind == "keys":
            self._restore_keys(number, holder, kept)
        elif kind == "items":
            if self._whole:
                list.__setitem__(holder, slice(None), kept)
            elif len(holder) == len(kept):
                for i, (old, new) in enumerate(zip(kept, list.copy(holder))):
                    if holds_box(new):
                        Place(number, holder, i).put(old)
        elif kind in _SINGLE:
            if self._whole or holds_box(self._places.slots.current(number)):
                place, value = kept
                if value is absent and place.find() is not absent:
                    place.remove()
                elif place.find() is not value:
                    place.put(value)
        elif kind == "content":
            if self._whole and holder.shape == kept.shape and holder.flags.writeable:
                holder[...] = kept
        elif self._whole or holds_box(self._places.slots.current(number)):
            _refill(self._places.queues[number], kept)

    def _restore_keys(self, number: int, holder: Any, kept: dict[Any, Any]) -> None:
        own = isinstance(holder, type)
        now = dict(vars(holder) if own else holder)
        for key, value in now.items():
            if key in kept:
                if kept[key] is not value and (self._whole or holds_box(value)):
                    Place(number, holder, key).put(kept[key])
            elif self._whole:
                Place(number, holder, key).remove()
        if not self._whole:
            return
        for key in kept.keys() - now.keys():
            Place(number, holder, key).put(kept[key])
        if not own and list(dict.keys(holder)) != list(kept):
            for key, value in kept.items():  # each at the end, one after the other
                dict.__delitem__(holder, key)
                dict.__setitem__(holder, key, value)


def _take_back_keys(number: int, holder: Any, expected: Any, current: Any) -> None:
    """Let a dict hold what was expected of it, but for what is not compared."""
    old = dict(zip(expected[::2], expected[1::2]))
    now = dict(zip(current[::2], current[1::2]))
    for key in now.keys() - old.keys():
        Place(number, holder, key).remove()
    for key, value in old.items():
        if value is not anything and (key not in now or now[key] is not value):
            Place(number, holder, key).put(value)


def _refill(queue: Any, kept: list[Any]) -> None:
    """Let a set, deque or ordered dict hold what it held."""
    if isinstance(queue, set):
        set.intersection_update(queue, kept)
        set.update(queue, kept)
    elif isinstance(queue, collections.deque):
        collections.deque.clear(queue)
        collections.deque.extend(queue, kept)
    else:
        collections.OrderedDict.clear(queue)
        for key, value in kept:
            collections.OrderedDict.__setitem__(queue, key, value)
