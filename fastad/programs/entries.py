"""What is known of a jitted function's calls: by signature, and by the state they were made in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from types import CodeType
from typing import Any

import numpy as onp

from .._core import Observer, Signature
from .._impl.draws import (
    Draw,
    NotedGenerator,
    Notes,
    are_noted,
    giving,
    is_own,
    same_state,
    state_of,
)
from .._impl.spaces.containers import flatten
from . import lifting
from .allowed import reads_fields, speaks_for_more, trusted
from .effects import (
    Finish,
    Held,
    Known,
    can_be_exchanged,
    can_be_state,
    holders_in,
    kept_places,
    kinds_in,
)
from .grown import wanted_of
from .lifting import (
    Lifted,
    can_be_drawn,
    can_be_input,
    is_table,
    places_of,
    same_kind,
    standing_in,
)
from .outputs import Refused, outputs_of, same_bits, to_compare
from .places import Place, absent
from .reads import reads_of
from .watch import Unwatchable, Watch, check_calls, check_codes

__all__ = [
    "Entry",
    "Family",
    "Recorded",
    "World",
    "drawing",
    "drew_globally",
    "undo_draws",
]

MAX_WORLDS = 4  # remembered at once
LIFTED_AFTER = 3  # values of an int
CHANGES_WITH_EACH_DRAW = "{} is a random number generator, which changes with each draw"


class Recorded:
    """One recording: its program, the inputs it was made at, how its result is put together."""

    __slots__ = ("calls", "confirmed", "inputs", "path", "program", "result", "structure")

    def __init__(
        self,
        program: Any,
        inputs: Sequence[Any],
        structure: Any,
        calls: bool = False,
        result: Any = None,
    ) -> None:
        self.program = program
        self.result = structure if result is None else result  # without what it writes
        self.calls = calls  # whether it calls Python code, which may take ways of its own
        self.inputs = [to_compare(x) for x in inputs]
        self.structure = structure
        self.confirmed = False  # whether it was recorded near by
        self.path = tuple((guard.place, guard.expected) for guard in program.guards)


class _Drawn(threading.local):
    """What was drawn for the last replay in this thread."""

    last: tuple[World, list[Any], list[Any]]


_drawn = _Drawn()


def undo_draws() -> None:
    """Set captured generators back to where they were before the last replay."""
    world, states, _ = _drawn.last
    world.restore(states)


def drew_globally() -> bool:
    """Whether the last replay drew from the global generator, which is not set back."""
    world = _drawn.last[0]
    return any(not is_own(draw.function) for draw in world.draws or ())


def drawing() -> Notes:
    """A context in which a function draws what was drawn for the last replay.

    Generators that it captures are set back; the state of the global one is too large for that.
    """
    undo_draws()
    world, _, values = _drawn.last
    pairs = [
        (draw, value) for draw, value in zip(world.draws or (), values) if not is_own(draw.function)
    ]
    return giving([draw for draw, _ in pairs], [value for _, value in pairs])


class World:
    """The programs that hold for one state of what the function can read."""

    def __init__(
        self,
        watch: Watch,
        lifted: Sequence[Lifted],
        list_places: Sequence[Lifted] = (),
        stateful: bool = False,
        given: Collection[tuple[type, Any]] = (),
        standard: bool = False,
        glances: Sequence[tuple[int, Lifted]] = (),
        missing: Sequence[Lifted] = (),
    ) -> None:
        self.watch = watch
        self.standard = standard  # whether generators draw standard values
        self.lifted = tuple(lifted)
        self.missing = tuple(missing)  # what is read of longer lists than these are
        self.glances = tuple(glances)  # what is read of lists: which list, and where
        self.inputs = (*self.lifted, *(item for _, item in glances))
        self.models = [item.get() for item in self.inputs]  # what they must be like
        self.kinds = Signature(tuple(self.models), {}, True)
        self.stateful = stateful  # whether calls may write what is lifted
        self.list_places = tuple(list_places)  # of lists that calls append to
        self.lists = [item.get() for item in list_places]
        taken = {id(leaf) for model in self.models for leaf in flatten(model, numbers=True)[0]}
        self.constants = [x for x in watch.arrays() if id(x) not in taken]
        written = [(one, None) for one in self.lists]
        if stateful:
            written += [(place.holder, place.key) for item in lifted for place in item.places]
        self._holders = {id(holder): holder for holder, _ in written}
        # Whether an argument, which is read as it was when the call began, may be one of these:
        # all arguments of a signature have the same keys.
        self.may_be_given = any((type(holder), key) in given for holder, key in written)
        self.known: list[Known] = []  # what results and writes there are
        self.finishes: list[Finish] = []
        self.pending: list[Recorded] = []
        self.paths: Any = None
        self.trusted: list[Recorded] = []
        self.draws: list[Draw] | None = None  # what is drawn at each call, once that is known
        # Generators: where they are captured, and what stands there while draws are noted. Those
        # among the arguments may stand nowhere else.
        self.generators: list[tuple[Lifted, NotedGenerator, onp.random.Generator]] = []

    def noted(self) -> Any:
        """A context in which draws of captured generators are noted."""
        return standing_in(
            [place for place, _, _ in self.generators], [noted for _, noted, _ in self.generators]
        )

    def with_noted(self, arguments: Any) -> Any:
        """Arguments in which generators are those whose draws are noted."""
        noted = {id(generator): one for _, one, generator in self.generators}
        return _exchanged(arguments, noted) if noted else arguments

    def states(self) -> list[Any]:
        """The states of generators."""
        return [generator.bit_generator.state for _, _, generator in self.generators]

    def restore(self, states: list[Any]) -> None:
        """Set generators to these states."""
        for (_, _, generator), state in zip(self.generators, states):
            generator.bit_generator.state = state

    def undrawn(self) -> list[Any]:
        """The states of the global generator, and of those that no code names."""
        return [state_of(onp.random), *(state_of(one) for one, _ in self.watch.idle)]

    def check_undrawn(self, before: list[Any], made: list[Draw]) -> None:
        """Compare these states with those of now, after a call.

        Draws by compiled code are seen by nothing else.

        Raises
        ------
        Refused
            If something else was drawn than is known.
        """
        now = self.undrawn()
        own = [draw for draw in made if not is_own(draw.function)]
        if own:
            onp.random.set_state(before[0])  # noqa: NPY002
            for draw in own:
                draw.again()
            before = [state_of(onp.random), *before[1:]]
            onp.random.set_state(now[0])  # noqa: NPY002
        names = ["the generator of numpy.random", *(path for _, path in self.watch.idle)]
        for name, a, b in zip(names, before, now):
            if not same_state(a, b):
                refused = Refused(CHANGES_WITH_EACH_DRAW.format(name))
                refused.disturbed = not lifting.alone()
                raise refused

    def note_own_draws(
        self,
        call: Callable[[], Any],
        result: Any,
        made: list[Draw],
        before: list[Any],
        state: Held,
    ) -> list[Draw]:
        """All draws of a call, those of generators too.

        The function is called once more, with generators that note what they draw.

        Parameters
        ----------
        call : callable
            Calls the function as it was called.
        result : object
            What it gave.
        made : list of Draw
            Its draws of the global generator.
        before : list
            The states of generators before the call.
        state : Held
            What it reads and writes, as it was before the call.

        Raises
        ------
        Refused
            If it does something else then, or changes a generator in another way.
        """
        after = self.states()
        self.restore(before)
        given = [(draw, draw.value) for draw in made]
        notes = Notes(given, undone=True, own=True, standard=self.standard)
        killed: list[str] = []
        grown = state.reread(killed.append)
        exchanged: list[bool] = []
        try:
            with (
                state.again(),
                standing_in(self.list_places, grown) as exchanged,
                self.noted() as replaced,
                notes,
            ):
                again = outputs_of(call())[0]
            self.restore(before)
            for draw in notes.made:
                if is_own(draw.function):
                    draw.again()
            led = not killed and all(map(same_state, self.states(), after))
            if led and not (any((*replaced, *exchanged)) or notes.others or notes.strayed):
                if all(map(same_bits, outputs_of(result)[0], again)):
                    return notes.made
        except Refused:
            raise
        except Exception:
            pass
        finally:
            self.restore(after)
        if killed:
            refused = Refused(killed[0])
            refused.only_here, refused.wanted = True, wanted_of(grown)
            raise refused
        raise Refused(CHANGES_WITH_EACH_DRAW.format(self.generators[0][0].name))

    def note_draws(self, made: list[Draw]) -> None:
        """Take the draws of a call for those of each call.

        Raises
        ------
        Refused
            If others were made before, or what is drawn can be no input.
        """
        if self.draws is None:
            for draw in made:
                if not can_be_drawn(draw.value):
                    raise Refused(f"it draws a value of type {type(draw.value).__name__}")
            self.draws = made
        elif len(made) != len(self.draws) or not all(
            known.is_call(draw.function, draw.args, draw.kwargs)
            for known, draw in zip(self.draws, made)
        ):
            raise Refused("what it draws depends on values; draw all of it before it branches")

    def draw(self) -> list[Any] | None:
        """What the function would draw in this call; kept for the case that it must be called.

        None where the draws of a function around it are noted.
        """
        if are_noted():
            return None
        states = self.states()
        values = [draw.again() for draw in self.draws or ()]
        _drawn.last = self, states, values
        return values

    def extra(self) -> list[Any] | None:
        """The captured inputs; None if one is no longer of the kind that was recorded."""
        if any(item.get() is not absent for item in self.missing):
            return None
        values = [item.get() for item in self.inputs]
        for value, model in zip(values, self.models):
            if not same_kind(value, model):
                return None
        if self.stateful:  # containers among them are inputs by their leaves
            leaves: list[Any] | None = self.kinds.leaves(tuple(values), {})
            return leaves
        return values

    @property
    def calls(self) -> bool:
        """Whether a replay may call Python code."""
        return any(recorded.calls for recorded in self.trusted)

    @property
    def slow(self) -> bool:
        """Whether a replay needs more than its results: what it was given, to be kept or filled.

        Or is state that Python code may change which the program calls.
        """
        if self.calls and (self.lifted or self.lists or self.draws or self.generators):
            return True
        return self.may_be_given or any(
            known.plan.held or any(kind == "fill" for kind, _ in known.plan.writes)
            for known in self.known
        )

    def other_kinds(self) -> list[str]:
        """The lifted places that hold what the programs were not recorded for."""
        return [
            item.name
            for item, model in zip(self.inputs, self.models)
            if Signature((model,), {}, True).leaves((item.get(),), {}) is None
        ]

    def number_of(self, known: Known) -> int:
        """The number of a plan."""
        for i, other in enumerate(self.known):
            if other.is_like(known):
                return i
        self.known.append(known)
        self.finishes.append(Finish(self, known))
        return len(self.known) - 1

    def finish(self, outs: list[Any], inputs: Sequence[Any] = ()) -> Any:
        """Write what a replay has computed where the function would; the result."""
        return self.finishes[outs[0]](outs, inputs)

    def is_given(self, arguments: Any) -> bool:
        """Whether a container among arguments is one that calls write into."""
        return self.may_be_given and any(id(one) in self._holders for one in holders_in(arguments))

    def has_aliases(self, leaves: list[Any]) -> bool:
        """Whether an input is another one too, or stands in what is watched."""
        if len(set(map(id, leaves))) < len(leaves):
            return True
        return self.watch.holds_any(leaves)

    def run(self, inputs: list[Any]) -> Any:
        """The outputs; or a number, where the function itself is to be asked.

        What the function draws is drawn here.
        """
        return self.paths.run([*inputs, *(self.draw() or ())])


def _exchanged(value: Any, others: dict[int, Any]) -> Any:
    """A value, with others in the place of some objects in its containers."""
    if id(value) in others:
        return others[id(value)]
    if not can_be_exchanged(value):
        return value
    if isinstance(value, dict):
        return {key: _exchanged(item, others) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [_exchanged(item, others) for item in value]
        make: Any = getattr(value, "_make", type(value))
        return make(items)
    made = object.__new__(type(value))
    vars(made).update((name, _exchanged(item, others)) for name, item in vars(value).items())
    return made


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
        self.written: list[Lifted] = []  # places that calls write; inputs, too
        self.grown: list[Lifted] = []  # lists that calls append to
        self.glances: list[tuple[Lifted, Any]] = []  # which of these are read, and where
        self.short = 0  # calls in which these lists were too short for what is read of them
        self.stateful = False  # whether calls may write what is lifted
        self.given: set[tuple[type, Any]] = set()  # the places in arguments, if so
        self.rounds = 0  # how often more of that was found
        self.parted = 0  # calls whose objects are one, or two, in this call only
        self.worlds: list[World] = []  # the last used first
        self.reason: str | None = None
        self.changes = 0
        self.failures = 0
        self.raised = 0  # calls that no program was made of, though others are replayed
        self.disturbed = 0  # recordings that threads or imports disturbed, and that are tried again
        self.interval = 2
        self.left = self.interval  # replays until one that C did not find is compared
        self.tables = False  # whether captured arrays became inputs, to be indexed by traced places
        self.standard = False  # whether generators draw standard values, to be shifted and scaled
        self.draws = True  # whether draws of the global generator may be inputs

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
            elif speaks_for_more(code):
                self.codes[id(code)] = code
        calls = [call for call in observer.calls if not trusted(call[1])]
        known_calls = {(function.__name__, id(code)) for function, code, _ in self.calls}
        fresh = [call for call in calls if (call[0].__name__, id(call[1])) not in known_calls]
        self.calls += fresh
        self.aliases = any(  # among fields, kinds of fields are compared alone
            reads_of(code).aliases for code in self.codes.values() if not reads_fields(code)
        )
        self.lifts = self.lifts and not self.aliases
        return len(self.codes) > known

    def unlearn(self) -> None:
        """Forget what ran: the next call is observed anew."""
        self.observed = False
        self.codes.clear()
        self.calls.clear()

    def look(self) -> World:
        """A world for the state as it is now."""
        grown = [item for item in self.grown if type(item.get()) is list]
        kept = [item.get() for item in grown]
        kept += [
            value
            for item in self.written
            for place in item.places
            if can_be_exchanged(value := place.find())
        ]
        roots = [*self.roots]
        roots += [(kind, kind.__name__) for value in kept for kind in kinds_in(value)]
        watch = Watch(roots, self.codes.values(), self.calls, self.draws, kept)
        lists: list[Lifted] = []
        glances: list[tuple[int, Lifted]] = []
        missing: list[Lifted] = []
        for item in grown:
            places = tuple(places_of(watch, item.get()))
            if not places:
                continue
            for owner, key in self.glances:
                if not owner.is_at(item):
                    continue
                one = Lifted((Place(-1, item.get(), key),), item.name)
                value = one.get()
                if value is absent:
                    missing.append(one)
                elif can_be_state(value) and id(value) not in watch.held:
                    glances.append((len(lists), one))
            lists.append(Lifted(places, item.name))
        lifted = []
        for item in kept_places(watch, self.written):
            place_numbers = [(place.number, place.key) for place in item.places]
            watch.leave_out(item.places[0].get(), place_numbers)
            lifted.append(item)
        taken = [place for item in lifted for place in item.places]
        for item in self.lifted:
            value = item.get()
            if any(place.is_at(other) for place in item.places for other in taken):
                continue
            if not (can_be_input(value) or (self.tables and is_table(value))):
                continue
            if id(value) in watch.held:  # there it would be read as it was when it was recorded
                continue
            places = tuple(places_of(watch, value))
            if not places:
                continue
            watch.leave_out(value, [(place.number, place.key) for place in places])
            lifted.append(Lifted(places, item.name))
        world = World(watch, lifted, lists, self.stateful, self.given, self.standard, glances)
        for generator, path in watch.generators:
            places = tuple(places_of(watch, generator))
            if not places and not any(generator is value for value, _ in self.roots):
                raise Unwatchable(CHANGES_WITH_EACH_DRAW.format(path))
            world.generators.append((Lifted(places, path), NotedGenerator(generator), generator))
        self.worlds.insert(0, world)
        del self.worlds[MAX_WORLDS:]
        return world
