"""What is known of a jitted function's calls: by signature, and by the state they were made in."""

from __future__ import annotations

from collections.abc import Sequence
from types import CodeType
from typing import Any

import numpy as onp

from .._core import Observer
from .allowed import trusted
from .lifting import Lifted, can_be_input, places_of, same_kind
from .reads import reads_of
from .watch import Watch, check_calls, check_codes

__all__ = ["Entry", "Family", "Recorded", "World"]

MAX_WORLDS = 4  # remembered at once
LIFTED_AFTER = 3  # values of an int


class Recorded:
    """One recording: its program, the inputs it was made at, how its result is put together."""

    __slots__ = ("confirmed", "inputs", "path", "program", "structure")

    def __init__(self, program: Any, inputs: Sequence[Any], structure: Any) -> None:
        self.program = program
        self.inputs = [x.copy() if isinstance(x, onp.ndarray) else x for x in inputs]
        self.structure = structure
        self.confirmed = False  # whether it was recorded near by
        self.path = tuple((guard.place, guard.expected) for guard in program.guards)


class World:
    """The programs that hold for one state of what the function can read."""

    def __init__(self, watch: Watch, lifted: Sequence[Lifted]) -> None:
        self.watch = watch
        self.lifted = tuple(lifted)
        self.models = [item.get() for item in lifted]  # what the lifted values must be like
        self.pending: list[Recorded] = []
        self.paths: Any = None
        self.trusted: list[Recorded] = []

    def extra(self) -> list[Any] | None:
        """The lifted values; None if one is no longer of the kind that was recorded."""
        values = [item.get() for item in self.lifted]
        for value, model in zip(values, self.models):
            if not same_kind(value, model):
                return None
        return values

    def has_aliases(self, leaves: list[Any]) -> bool:
        """Whether an input is another one too, or stands in what is watched."""
        if len(set(map(id, leaves))) < len(leaves):
            return True
        return self.watch.holds_any(leaves)

    def run(self, inputs: list[Any]) -> Any:
        """The outputs; or a number, where the function itself is to be asked."""
        return self.paths.run(inputs)


class Family:
    """Signatures that differ in nothing but Python ints.

    Once a few values were seen, the ints that varied are inputs of one program; where that cannot
    be recorded, each value is a signature again.
    """

    __slots__ = ("first", "lifted", "refused", "seen")

    def __init__(self) -> None:
        self.first: Entry | None = None
        self.seen: list[tuple[int, ...]] = []
        self.lifted: tuple[int, ...] | None = None
        self.refused = False

    def note(self, numbers: Sequence[Any]) -> None:
        values = tuple(n for n in numbers if type(n) is int)
        if self.refused or self.lifted is not None or values in self.seen:
            return
        self.seen.append(values)
        if len(self.seen) >= LIFTED_AFTER:
            # A traced int is no other object, nor the int itself.
            known = self.first.codes.values() if self.first is not None else ()
            self.refused = any(reads_of(code).identity for code in known)
            self.lifted = tuple(
                i for i, column in enumerate(zip(*self.seen)) if len(set(column)) > 1
            )


class Entry:
    """What is known of the calls of one signature."""

    def __init__(self, signature: Any, roots: list[tuple[Any, str]]) -> None:
        self.signature = signature
        self.roots = roots
        self.family: Family | None = None  # if some of its ints are inputs here
        self.codes: dict[int, CodeType] = {}
        self.calls: list[tuple[Any, CodeType, int]] = []
        self.observed = False
        self.aliases = False  # whether some of it asks if two values are the same object
        self.lifted: list[Lifted] = []
        self.lifts = True  # whether captured values that change become inputs
        self.worlds: list[World] = []  # the last used first
        self.reason: str | None = None
        self.changes = 0
        self.failures = 0
        self.raised = 0  # calls that no program was made of, though others are replayed
        self.disturbed = 0  # recordings that other threads disturbed, and that are tried again
        self.interval = 2

    def join(self, family: Family) -> None:
        """Share what is known of the code that runs."""
        if family.lifted is not None and not family.refused:
            self.family = family
        if self.family is None:
            family.first = family.first or self
        elif family.first is not None and family.first.observed:
            self.codes.update(family.first.codes)
            self.calls += family.first.calls
            self.observed = True
            self.aliases = family.first.aliases

    def learn(self, observer: Observer) -> bool:
        """Take in what ran; True if some of it is new. Nothing is, where some of it cannot be."""
        check_codes(observer.codes)
        check_calls(observer.calls)
        known = len(self.codes)
        for code in observer.codes:
            if not trusted(code) and id(code) not in self.codes:
                self.codes[id(code)] = code
            elif code.co_filename.endswith("copy.py"):
                self.codes[id(code)] = code
        calls = [call for call in observer.calls if not trusted(call[1])]
        known_calls = {(function.__name__, id(code)) for function, code, _ in self.calls}
        fresh = [call for call in calls if (call[0].__name__, id(call[1])) not in known_calls]
        self.calls += fresh
        self.aliases = any(reads_of(code).aliases for code in self.codes.values())
        self.lifts = self.lifts and not self.aliases
        return len(self.codes) > known

    def look(self) -> World:
        """A world for the state as it is now."""
        watch = Watch(self.roots, self.codes.values(), self.calls)
        lifted = []
        for item in self.lifted:
            value = item.get()
            if not can_be_input(value):
                continue
            places = tuple(places_of(watch, value))
            if not places:
                continue
            watch.leave_out(value, [(place.number, place.key) for place in places])
            lifted.append(Lifted(places, item.name))
        world = World(watch, lifted)
        self.worlds.insert(0, world)
        del self.worlds[MAX_WORLDS:]
        return world
