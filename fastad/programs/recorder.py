"""Recordings of a function's calls, and which of them are trusted and replayed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as onp

from .. import _core
from .._core import Observer
from .._impl.draws import Draw, Notes
from .._impl.transformed import P, R, Transformed
from . import lifting, report
from .allowed import passed_over
from .effects import Held, can_be_state, holders_in, places_in, written
from .entries import Entry, Family, Recorded, World
from .lifting import Lifted, nudged
from .outputs import Refused, same_as_kept, same_structure, to_compare
from .places import Place, absent
from .tracing import Busy, lock_of_recordings, trace
from .watch import Unwatchable

__all__ = ["NONE", "Recorder"]

MAX_PATHS = 32
MAX_FAILURES = 3
MAX_REFUSED = 32
MAX_MORE = 3  # recordings beside one call in which more is found that has to be an input
MAX_SHORT = 256  # calls in which elements are read of lists that are too short
MAX_ROUNDS = 8  # in which more places are found that calls write

NONE = object()


class _Plain(NamedTuple):
    """A plain call: what it was given, and what it did."""

    arguments: tuple[tuple[Any, ...], dict[str, Any]]
    leaves: list[Any]
    result: Any
    observer: Observer
    draws: list[Draw]
    states: list[Any]  # of generators, before it


def _meet(given: list[Any], captured: list[Any]) -> bool:
    """Whether an array among arguments is a captured one."""
    known = {id(x) for x in captured if isinstance(x, onp.ndarray)}
    return any(id(x) in known for x in given)


class Recorder(_core.Jitted, Transformed[P, R]):
    """A function, with what has been recorded of its calls."""

    if TYPE_CHECKING:

        def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R: ...

    def __init__(
        self, factory: Callable[..., Any], fun: Callable[..., Any], **options: Any
    ) -> None:
        Transformed.__init__(self, factory, fun, **options)
        self._entries: dict[Any, Entry] = {}
        self._families: dict[Any, Family] = {}
        self._lock = lock_of_recordings()
        self._warned: set[str] = set()
        self._gave_up = False
        self._may_write = False  # whether what the function changes may be results of its programs

    def _install(self, entry: Entry, world: World) -> None:
        """Let calls be replayed while the state is as in this world."""
        raise NotImplementedError

    def _record(self, entry: Entry, world: World, args: Any, kwargs: Any, leaves: list[Any]) -> Any:
        """Run the function plainly, and then on boxes of a program level."""
        state = Held(world)
        before = [to_compare(x) for x in leaves]
        if world.paths is not None:  # what runs now needs that memory
            world.paths.rest()
        states = world.states()
        undrawn = world.undrawn()
        with Notes() as notes, Observer(passed_over) as observer, Busy():
            result = self.__wrapped__(*args, **kwargs)
        modules = len(sys.modules)
        try:
            try:
                fresh = entry.learn(observer)
            except Unwatchable:
                if not world.trusted or entry.family is not None:
                    raise
                entry.raised += 1  # this way prints, or draws; those that are replayed do not
                return result
            world.check_undrawn(undrawn, notes.made)
            changed = world.watch.changes()
            after = entry.signature.leaves(args, kwargs)
            wrote = changed or (not world.stateful and state.changed())
            if wrote and self._keep_state(entry, world, written(world.watch), (args, kwargs)):
                return result
            if world.stateful and not changed:
                if state.parted():
                    entry.parted += 1
                    if entry.parted > MAX_ROUNDS:
                        raise Refused("it parts what is one array or container before each call")
                    return result
                state.check()
            if wrote:
                entry.failures += 1
                if entry.failures >= MAX_FAILURES:
                    name = changed[0] if changed else world.lifted[0].name
                    raise Refused(f"it changes {name}, which a replay would not do")
                entry.look()
                return result
            if (
                after is None
                or len(after) != len(leaves)
                or any(a is not b for a, b in zip(after, leaves))
                or not all(map(same_as_kept, before, leaves))
            ):
                raise Refused("it writes into its arguments, which a replay would not do")
            if fresh:
                self._forget(entry)
                entry.look()
                return result
            if (world.lifted or world.lists or world.generators) and not lifting.alone():
                return result
            if world.stateful and _meet(leaves, [*state.leaves, *world.watch.arrays()]):
                # Which results are the same object is so in this call only.
                entry.parted += 1
                if entry.parted > MAX_ROUNDS:
                    raise Refused("it changes state and is given an array that it captures")
                return result
            plain = _Plain((args, kwargs), leaves, result, observer, notes.made, states)
            for last in (*[False] * MAX_MORE, True):
                try:
                    self._record_beside(entry, world, state, plain)
                    break
                except Refused as error:
                    if last or not lifting.alone() or not self._make_inputs(entry, world, error):
                        raise
                    with state.again():  # the same call, with more inputs
                        world = entry.look()
                        state = Held(world)
        except (Refused, Unwatchable) as error:
            here = isinstance(error, Refused) and error.only_here
            # Rules come with the modules that are loaded for them: once.
            disturbed = getattr(error, "disturbed", False) or len(sys.modules) != modules
            if disturbed and entry.disturbed < MAX_REFUSED:
                entry.disturbed += 1
            elif self._make_inputs(entry, world, error):
                pass
            elif world.stateful and not (here and world.trusted):
                self._give_up(entry, str(error))
            elif world.lifted and not (here and world.trusted):
                # Read as plain values, or by code that takes no traced ones: constants again.
                entry.lifts = False
                entry.lifted.clear()
                self._forget(entry)
            elif here and world.trusted:
                entry.raised += 1
            elif entry.family is None or not world.trusted or entry.failures >= MAX_REFUSED:
                self._give_up(entry, str(error))
            else:
                entry.failures += 1  # an int that is too large for the programs that others have
        return result

    def _record_beside(self, entry: Entry, world: World, state: Held, plain: _Plain) -> None:
        """Record the function beside a plain call, and judge what was recorded."""
        args, kwargs = plain.arguments
        drawn = world.states()
        made = plain.draws
        stood = world.watch.before(lifting.alone())
        try:
            if world.generators:
                with Observer(passed_over), Busy():  # followed, as are the runs around it
                    noted, named = world.with_noted(plain.arguments)
                    made = world.note_own_draws(
                        lambda: self.__wrapped__(*noted, **named),
                        plain.result,
                        made,
                        plain.states,
                        state,
                    )
            world.note_draws(made)
            # A whole number that is drawn is a place in what is captured, more often than not.
            if any(isinstance(draw.value, onp.integer) for draw in made) and self._tables(
                entry, world
            ):
                refused = Refused("it draws a place in what it captures")
                refused.indexes = True
                raise refused
            recorded = trace(
                self.__wrapped__,
                entry.signature,
                world,
                plain.leaves,
                state,
                plain.result,
                plain.observer,
                stood,
                made,
                plain.arguments,
            )
        finally:
            world.restore(drawn)
            left = written(world.watch, True)
            changed = stood.put_back()
        # What the call before left as it was: a flag that stays up, the largest value so far.
        if changed and self._keep_state(entry, world, left, plain.arguments):
            return
        if changed:
            raise Refused(f"it changes {changed[0]} when it is recorded")
        entry.failures = 0
        self._judge(entry, world, recorded)

    def _make_inputs(self, entry: Entry, world: World, error: Exception) -> bool:
        """Make more of what the function reads inputs, if it could not be recorded without."""
        if getattr(error, "parameters", False) and not entry.standard:
            entry.standard = True
            self._forget(entry)
            return True
        return self._lift_tables(entry, world, error) or self._glance(entry, world, error)

    def _keep_state(
        self,
        entry: Entry,
        world: World,
        found: tuple[list[Lifted], list[Any]] | None,
        arguments: Any,
    ) -> bool:
        """Make what a call wrote an input and a result, if a replay can write it; then True."""
        if not (self._may_write and entry.lifts and entry.rounds < MAX_ROUNDS) or found is None:
            return False
        given = list(holders_in(arguments))
        holders = [place.holder for item in found[0] for place in item.places]
        if any(one is holder for one in given for holder in (*holders, *found[1])):
            return False
        entry.rounds += 1
        entry.stateful = True
        entry.given = places_in(arguments)
        entry.written += found[0]
        entry.written += [item for item in world.lifted if not any(map(item.is_at, entry.written))]
        entry.lifted.clear()
        for one in found[1]:
            places = tuple(lifting.places_of(world.watch, one))
            if not places or not one:
                return False
            entry.grown.append(Lifted(places, "a list"))
        self._forget(entry)
        entry.look()
        return True

    def _glance(self, entry: Entry, world: World, error: Exception) -> bool:
        """Make what the function reads of lists that it appends to inputs of its programs."""
        found = [(world.list_places[i], key) for i, key in getattr(error, "wanted", ())]
        fresh = [
            (item, key)
            for item, key in found
            if not any(key == known and item.is_at(other) for other, known in entry.glances)
        ]
        if not fresh:  # the list was shorter when this call began than it will be
            entry.short += 1
            values = [Place(-1, item.get(), key).find() for item, key in found]
            can_be = all(value is absent or can_be_state(value) for value in values)
            if not found or not can_be or entry.short > MAX_SHORT:
                return False
        entry.glances += fresh
        self._forget(entry)
        return True

    def _lift_tables(self, entry: Entry, world: World, error: Exception) -> bool:
        """Make captured arrays inputs, where one of them was indexed by traced places."""
        found = self._tables(entry, world) if getattr(error, "indexes", False) else []
        if not found:
            return False
        entry.tables = True
        entry.lifted = found
        self._forget(entry)
        return True

    def _tables(self, entry: Entry, world: World) -> list[Lifted]:
        """Captured arrays, if they can become inputs and are none yet."""
        if entry.tables or not entry.lifts or world.trusted or not lifting.alone():
            return []
        return lifting.tables(world.watch)

    def _judge(self, entry: Entry, world: World, recorded: Recorded) -> None:
        """Trust a program if an earlier recording of the same path agrees with it."""
        for earlier in world.pending:
            if earlier.path != recorded.path:
                continue
            difference = earlier.program.difference(recorded.program)
            if difference is not None:
                raise Refused(f"two recordings differ: {difference}")
            world.pending.remove(earlier)
            del earlier  # planning takes memory of its own
            recorded.inputs = []  # only what waits is compared with later inputs
            self._trust(entry, world, recorded)
            return
        for known in world.trusted:
            if known.path == recorded.path:  # a replay failed for another reason than a guard
                entry.raised += 1
                return
        world.pending.append(recorded)
        if len(world.pending) > MAX_PATHS:
            self._too_many_paths(entry, world)

    def _trust(self, entry: Entry, world: World, recorded: Recorded) -> None:
        """Add a program to those that are replayed."""
        if world.trusted and not same_structure(world.trusted[0].result, recorded.result):
            raise Refused("the structure of its result depends on values")
        if len(world.trusted) >= MAX_PATHS:
            self._too_many_paths(entry, world)
            return
        if world.paths is None:
            world.paths = _core.Paths()
        try:
            recorded.program.plan()
        except RuntimeError as error:
            raise Refused(str(error)) from error
        world.paths.add(recorded.program)
        world.trusted.append(recorded)
        self._install(entry, world)

    def _too_many_paths(self, entry: Entry, world: World) -> None:
        places: dict[str, int] = {}
        for recorded in (*world.trusted, *world.pending):
            for place, _ in set(recorded.path):
                places[place] = places.get(place, 0) + 1
        most = max(places, key=lambda place: places[place]) if places else "its branches"
        raise Refused(f"it takes more than {MAX_PATHS} ways, by what it reads at {most}")

    def _same_inputs(self, entry: Entry, world: World, leaves: list[Any]) -> Any:
        """The replay of a program recorded once, at the very inputs that it was recorded at."""
        captured = world.extra()
        if captured is None or world.draws or world.generators or world.stateful:
            return NONE
        inputs = [*leaves, *captured]
        for recorded in world.pending:
            if all(map(same_as_kept, recorded.inputs, inputs)):
                try:
                    outs = recorded.program.run(inputs)
                except RuntimeError:  # it cannot be planned
                    return NONE
                if isinstance(outs, list):
                    if not recorded.confirmed:
                        self._confirm(entry, world, recorded, leaves)
                    return recorded.structure.unflatten(outs)
        return NONE

    def _confirm(
        self,
        entry: Entry,
        world: World,
        recorded: Recorded,
        leaves: list[Any],
    ) -> None:
        """Record a function that is called with the same values again and again at others near by.

        That may fail where the function itself would not: then the values are waited for.
        """
        recorded.confirmed = True
        moved = [nudged(leaf) for leaf in leaves]
        if all(a is b for a, b in zip(moved, leaves)) or (world.lifted and not lifting.alone()):
            return
        args, kwargs = entry.signature.rebuild(moved)
        stood = world.watch.before(True)  # nobody has asked for a call with these values
        try:
            with Observer(passed_over) as observer, Busy():
                result = self.__wrapped__(*args, **kwargs)
            second = trace(
                self.__wrapped__,
                entry.signature,
                world,
                moved,
                Held(world),
                result,
                observer,
                stood,
            )
        except Exception:
            return
        finally:
            stood.put_back()
        if second is None or second.path != recorded.path or not world.watch.slots.holds():
            return
        try:
            self._judge(entry, world, second)
        except Refused as error:
            self._give_up(entry, str(error))

    # -- what is not replayed ----------------------------------------------------------------------

    def _give_up(self, entry: Entry, reason: str, remedy: str = "") -> None:
        entry.reason = reason
        self._gave_up = True
        self._forget(entry)
        if entry.family is not None:
            entry.family.refused = True
            self._entries.pop(entry.signature, None)
            return
        self._say(reason, remedy or report.remedy_for(reason))

    def _forget(self, entry: Entry) -> None:
        self.remove(entry.signature)
        entry.worlds.clear()

    def _say(self, reason: str, remedy: str) -> None:
        if reason not in self._warned:
            self._warned.add(reason)
            report.warn(self.__wrapped__, reason, remedy)
