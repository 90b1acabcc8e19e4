"""Lifting: a captured number or array that changes between calls becomes an input of the program.

While the function is recorded, the box of that input stands in the place of the value; at a replay
the place is read. Only where one thread runs: another one would see the box.
"""

from __future__ import annotations

import gc
import sys
import threading
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as onp

from .places import Place, absent, come_what_may
from .watch import Watch

__all__ = [
    "Lifted",
    "alone",
    "can_be_drawn",
    "can_be_input",
    "is_table",
    "lift",
    "nudged",
    "places_of",
    "same_kind",
    "standing_in",
    "tables",
]


class Lifted(NamedTuple):
    """One captured value that is an input: all places that hold it."""

    places: tuple[Place, ...]
    name: str

    def get(self) -> Any:
        """The value; absent if the places no longer hold the same object."""
        value = self.places[0].find()
        if any(place.find() is not value for place in self.places[1:]):
            return absent
        return value

    def is_at(self, other: Lifted) -> bool:
        """Whether the places are those of another one: by what holds them, not by its contents."""
        return len(self.places) == len(other.places) and all(
            a.is_at(b) for a, b in zip(self.places, other.places)
        )

    def is_held(self, value: Any) -> bool:
        """Whether this very object stands in all of the places."""
        return all(place.find() is value for place in self.places)


# Threads of notebooks, progress bars and test runners: at least one frame is of the first packages,
# all are of these or the second. They wait, and look at no object of the user's.
_SERVANTS = frozenset(("ipykernel", "IPython", "execnet", "tqdm"))
_BENEATH = frozenset(
    """
    asyncio concurrent contextlib queue select selectors sqlite3 threading tornado traitlets zmq
    """.split()
)


def alone() -> bool:
    """True if no other thread runs Python code that may see what this one changes."""
    own = threading.get_ident()
    return all(ident == own or _serves(frame) for ident, frame in _frames().items())


_no_collection = threading.RLock()


def _frames() -> dict[int, types.FrameType]:
    """The frame of each thread, without a garbage collection meanwhile.

    CPython 3.11 and older hold a lock of their own while they make the dict. What a collection
    calls there (finalizers, `gc.callbacks`) may let another thread run, which then waits for that
    lock and keeps the interpreter's.
    """
    with _no_collection:
        enabled = gc.isenabled()
        gc.disable()
        try:
            return sys._current_frames()
        finally:
            if enabled:
                gc.enable()


def _serves(frame: types.FrameType | None) -> bool:
    packages = set()
    while frame is not None:
        packages.add(str(frame.f_globals.get("__name__")).partition(".")[0])
        frame = frame.f_back
    return not packages.isdisjoint(_SERVANTS) and packages <= _SERVANTS | _BENEATH


def can_be_input(value: Any) -> bool:
    """True for floats, complex numbers and plain arrays of these."""
    if type(value) is onp.ndarray:
        return value.dtype.kind in "fc" and value.dtype.isnative
    return type(value) in (float, complex) or isinstance(value, (onp.floating, onp.complexfloating))


def is_table(value: Any) -> bool:
    """True for a plain array that can be an input where it is no argument."""
    return type(value) is onp.ndarray and value.dtype.kind in "fiub" and value.dtype.isnative


def can_be_drawn(value: Any) -> bool:
    """True for what a generator draws, if it can be an input."""
    return (
        is_table(value)
        or type(value) in (float, int)
        or isinstance(value, (onp.floating, onp.integer))
    )


def same_kind(a: Any, b: Any) -> bool:
    """True if a program that was recorded with the one can be given the other."""
    if type(a) is not type(b):
        return False
    if type(a) is onp.ndarray:
        return (
            a.dtype == b.dtype
            and a.shape == b.shape
            and a.strides == b.strides
            and a.flags.writeable == b.flags.writeable
            and a.flags.aligned == b.flags.aligned
        )
    return True


def nudged(value: Any) -> Any:
    """A value of the same kind close by; the value itself where there is none."""
    if isinstance(value, (float, complex, onp.inexact)):
        kind: Any = type(value)
        return kind(value * (1.0 - 2.0**-20) if value else 2.0**-30)
    if type(value) is not onp.ndarray or value.dtype.kind not in "fc":
        return value
    if not (value.flags.c_contiguous or value.flags.f_contiguous) or not value.flags.aligned:
        return value
    near = value.copy(order="K")
    near *= value.dtype.type(1.0 - 2.0**-20)
    near[value == 0] = 2.0**-30
    near.flags.writeable = value.flags.writeable
    return near


def lift(watch: Watch) -> list[tuple[str, Any, Any]] | None:
    """What changed in a watch, if all of it can become inputs: (name, old value, new value)."""
    found = []
    for number in watch.slots.changed():
        for name, old, new in watch.elements(number):
            if not (can_be_input(new) and same_kind(old, new)):
                return None
            found.append((name, old, new))
    return found or None


def places_of(watch: Watch, value: Any) -> list[Place]:
    """All places of a watch that hold this very object."""
    places = []
    for number in range(len(watch.slots)):
        kind, holder, key = watch.slots.place(number)
        if kind in ("cell", "entry", "member"):
            if watch.slots.current(number) is value:
                places.append(Place(number, holder, key))
        elif kind == "keys":
            space = vars(holder) if isinstance(holder, type) else holder
            places += [Place(number, holder, name) for name, item in space.items() if item is value]
        elif kind == "items":
            places += [Place(number, holder, i) for i, item in enumerate(holder) if item is value]
    return places


def tables(watch: Watch) -> list[Lifted]:
    """All plain arrays that are watched, as inputs, by the places where they stand."""
    found: dict[int, Lifted] = {}
    for number in range(len(watch.slots)):
        kind, holder, _ = watch.slots.place(number)
        if kind == "content" and id(holder) not in watch.held and is_table(holder):
            if places := places_of(watch, holder):
                found[id(holder)] = Lifted(tuple(places), watch.places[number])
    return list(found.values())


@contextmanager
def standing_in(lifted: Sequence[Lifted], boxes: Sequence[Any]) -> Iterator[list[bool]]:
    """Put boxes in the places of values for a while; the list tells afterwards who was replaced."""
    values = [[place.get() for place in item.places] for item in lifted]
    replaced: list[bool] = []
    try:
        for item, box in zip(lifted, boxes):
            for place in item.places:
                place.put(box)
        yield replaced
    finally:
        replaced += come_what_may(lambda again: _put_back(lifted, values, boxes, again))


def _put_back(
    lifted: Sequence[Lifted], values: list[list[Any]], boxes: Sequence[Any], again: bool
) -> list[bool]:
    """Put values in their places again; tells where no box stood any more."""
    replaced: list[bool] = []
    for item, held, box in zip(lifted, values, boxes):
        for place, value in zip(item.places, held):
            here = place.find()
            replaced.append(not (here is box or (again and here is value)))
            try:
                place.put(value)
            except IndexError:  # a list that is shorter now: it is restored as a whole
                pass
    return replaced
