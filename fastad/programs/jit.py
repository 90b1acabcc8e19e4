"""`jit`: a function whose calls are recorded once and then replayed without Python.

The first call of a signature runs as without `jit`, observed; the next ones run plainly and are
recorded beside it. A program is trusted when two recordings gave the same nodes and constants, and
replayed while everything that the executed code can read is what it was.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any, TypeVar

import numpy as onp

from .. import _core
from .._core import Observer, isbox
from .._impl.spaces.containers import flatten
from .._impl.transformed import Transformed, let_instances_have_docs
from . import report
from .allowed import passed_over, trusted
from .lifting import (
    Lifted,
    alone,
    can_be_input,
    lift,
    nudged,
    places_of,
    same_kind,
    standing_in,
)
from .outputs import Refused, first_difference, outputs_of, same_bits, same_structure
from .rounding import rounding_of
from .watch import Unwatchable, Watch, check_calls, opaque

__all__ = ["Jit", "jit"]

MAX_SIGNATURES = 64
MAX_PATHS = 32
MAX_WORLDS = 4  # remembered at once
MAX_CHANGES = 16  # of the watched state, until it is not worth recording again
MAX_FAILURES = 3
MAX_REFUSED = 32
# From 3.12 on, Python does not tell of the instructions of a code that runs for the first time
# since it was followed last: a run after one that was followed tells them all.
HALF_TOLD = sys.version_info >= (3, 12)
ANOTHER_WAY = (
    "it takes another way when it is recorded: some test in it, such as type(x) is float or "
    "x is y, has another answer for a traced value"
)
LIFTED_AFTER = 3  # values of an int

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_thread = threading.local()

# Where threads run at once, tracing one disturbs the tracing of others: one function is recorded at
# a time, and whoever comes meanwhile runs eagerly.
_recording = threading.RLock()


def _gil() -> bool:
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


_none = object()
_Jit = TypeVar("_Jit", bound="Jit")


class _Busy:
    """While a function is observed or recorded, a `jit` inside it runs its function plainly."""

    def __enter__(self) -> None:
        _thread.busy = getattr(_thread, "busy", 0) + 1

    def __exit__(self, *error: object) -> None:
        _thread.busy -= 1


def _another_way() -> Refused:
    refused = Refused(ANOTHER_WAY)
    # Python tells less of code that threads run meanwhile which are not followed.
    refused.disturbed = not alone()
    return refused


def _dead(recording: _core.Recording) -> Refused:
    refused = Refused(recording.dead)
    refused.only_here = recording.raised
    return refused


class _Recorded:
    """One recording: its program, the inputs it was made at, how its result is put together."""

    __slots__ = ("confirmed", "inputs", "path", "program", "structure")

    def __init__(self, program: Any, inputs: Sequence[Any], structure: Any) -> None:
        self.program = program
        self.inputs = [x.copy() if isinstance(x, onp.ndarray) else x for x in inputs]
        self.structure = structure
        self.confirmed = False  # whether it was recorded near by
        self.path = tuple((guard.place, guard.expected) for guard in program.guards)


class _World:
    """The programs that hold for one state of what the function can read."""

    def __init__(self, watch: Watch, lifted: Sequence[Lifted]) -> None:
        self.watch = watch
        self.lifted = tuple(lifted)
        self.models = [item.get() for item in lifted]  # what the lifted values must be like
        self.pending: list[_Recorded] = []
        self.paths: Any = None
        self.trusted: list[_Recorded] = []

    def extra(self) -> list[Any] | None:
        """The lifted values; None if one is no longer of the kind that was recorded."""
        values = [item.get() for item in self.lifted]
        for value, model in zip(values, self.models):
            if not same_kind(value, model):
                return None
        return values

    def run(self, inputs: list[Any]) -> Any:
        """The outputs; or a number, where the function itself is to be asked."""
        try:
            return self.paths.run(inputs)
        except Exception:  # it may be one that the function catches
            return -1


class _Family:
    """Signatures that differ in nothing but Python ints.

    Once a few values were seen, the ints that varied are inputs of one program; where that cannot
    be recorded, each value is a signature again.
    """

    __slots__ = ("first", "lifted", "refused", "seen")

    def __init__(self) -> None:
        self.first: _Entry | None = None
        self.seen: list[tuple[int, ...]] = []
        self.lifted: tuple[int, ...] | None = None
        self.refused = False

    def note(self, numbers: Sequence[Any]) -> None:
        values = tuple(n for n in numbers if type(n) is int)
        if self.refused or self.lifted is not None or values in self.seen:
            return
        self.seen.append(values)
        if len(self.seen) >= LIFTED_AFTER:
            self.lifted = tuple(
                i for i, column in enumerate(zip(*self.seen)) if len(set(column)) > 1
            )


class _Entry:
    """What is known of the calls of one signature."""

    def __init__(self, signature: Any, roots: list[tuple[Any, str]]) -> None:
        self.signature = signature
        self.roots = roots
        self.family: _Family | None = None  # if some of its ints are inputs here
        self.codes: dict[int, CodeType] = {}
        self.calls: list[tuple[Any, CodeType, int]] = []
        self.observed = False
        self.lifted: list[Lifted] = []
        self.worlds: list[_World] = []  # the last used first
        self.reason: str | None = None
        self.changes = 0
        self.failures = 0
        # Calls that no program was made of: an operation raised, or threads disturbed them.
        self.raised = 0
        self.interval = 2

    def join(self, family: _Family) -> None:
        """Share what is known of the code that runs."""
        if family.lifted is not None and not family.refused:
            self.family = family
        if self.family is None:
            family.first = family.first or self
        elif family.first is not None and family.first.observed:
            self.codes.update(family.first.codes)
            self.calls += family.first.calls
            self.observed = True

    def learn(self, observer: Observer) -> bool:
        """Take in what ran; True if some of it is new."""
        known = len(self.codes)
        for code in observer.codes:
            if not trusted(code) and id(code) not in self.codes:
                self.codes[id(code)] = code
            elif code.co_filename.endswith("copy.py"):
                self.codes[id(code)] = code
        calls = [call for call in observer.calls if not trusted(call[1])]
        check_calls(calls)
        known_calls = {(function.__name__, id(code)) for function, code, _ in self.calls}
        fresh = [call for call in calls if (call[0].__name__, id(call[1])) not in known_calls]
        self.calls += fresh
        return len(self.codes) > known

    def look(self) -> _World:
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
        world = _World(watch, lifted)
        self.worlds.insert(0, world)
        del self.worlds[MAX_WORLDS:]
        return world


class Jit(_core.Jitted, Transformed):
    """A function that replays its programs; see `jit`.

    A call whose signature was installed is replayed in C, everything else comes to `_slow`.
    """

    __reduce__ = Transformed.__reduce__

    def __new__(cls: type[_Jit], fun: Callable[..., Any], check: Any = "default") -> _Jit:
        return _core.Jitted.__new__(cls, _slow, fun)

    def __init__(self, fun: Callable[..., Any], check: Any = "default") -> None:
        Transformed.__init__(self, jit, fun, check=check)
        if check not in ("default", "always", "off", None, False, True):
            raise ValueError(f"jit: check must be 'default', 'always' or 'off', not {check!r}")
        self._check = {None: "off", False: "off", True: "default"}.get(check, check)
        self._entries: dict[Any, _Entry] = {}
        self._families: dict[Any, _Family] = {}
        self._lock = threading.RLock() if _gil() else _recording
        self._warned: set[str] = set()

    # -- calls -------------------------------------------------------------------------------------

    def _answer(self, args: tuple[Any, ...], kwargs: dict[str, Any], why: str) -> Any:
        fun = self.__wrapped__
        if (
            getattr(_thread, "busy", 0)
            or _core.is_strict_zero()
            or not self._lock.acquire(blocking=False)
        ):
            return fun(*args, **kwargs)
        try:
            entry = self._entry(args, kwargs)
            if entry is None or entry.reason is not None or why == "doubt":
                return fun(*args, **kwargs)
            return self._step(entry, args, kwargs, why)
        finally:
            self._lock.release()

    def _entry(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Entry | None:
        signature = _core.Signature(args, kwargs)
        if signature.unsupported is not None:
            return None
        entry = self._entries.get(signature)
        family = None
        if entry is None:
            family = self._family(args, kwargs)
            if family is not None and family.lifted is not None and not family.refused:
                signature = _core.Signature(args, kwargs, family.lifted)
                entry = self._entries.get(signature)
        if entry is None:
            if len(self._entries) >= MAX_SIGNATURES:
                self._say(
                    f"it was called with more than {MAX_SIGNATURES} kinds of arguments (shapes, "
                    "dtypes, integers, strings or other objects)",
                    "Pass what varies as arrays of one shape, or as floats.",
                )
                return None
            roots = [(self.__wrapped__, report.name_of(self.__wrapped__))]
            for i, value in enumerate(args):
                roots += opaque(value, f"argument {i}")
            for name, value in kwargs.items():
                roots += opaque(value, f"argument {name!r}")
            entry = self._entries[signature] = _Entry(signature, roots)
            if family is not None:
                entry.join(family)
        return entry

    def _family(self, args: Any, kwargs: Any) -> _Family | None:
        """The signatures that differ from this one in ints alone; None if it has no int."""
        everything = _core.Signature(args, kwargs, True)
        numbers = everything.leaves(args, kwargs)
        if numbers is None or not any(type(number) is int for number in numbers):
            return None
        family = self._families.setdefault(everything, _Family())
        family.note(numbers)
        return family

    def _step(self, entry: _Entry, args: Any, kwargs: Any, why: str) -> Any:
        if not entry.observed:
            return self._first(entry, args, kwargs)
        leaves = entry.signature.leaves(args, kwargs)
        world = self._world(entry)
        if world is None:
            return self.__wrapped__(*args, **kwargs)
        if world.trusted:
            inputs = world.extra()
            if inputs is not None:
                inputs = [*leaves, *inputs]
                if why == "check":
                    return self._spot_check(entry, world, args, kwargs, inputs)
                outs = world.run(inputs)
                if isinstance(outs, list):
                    self._install(entry, world)
                    return self._build(world, outs)
                if outs < 0 or entry.raised >= MAX_REFUSED:
                    return self.__wrapped__(*args, **kwargs)
        elif world.pending:
            again = self._same_inputs(entry, world, leaves)
            if again is not _none:
                return again
        return self._record(entry, world, args, kwargs, leaves)

    def _first(self, entry: _Entry, args: Any, kwargs: Any) -> Any:
        """The plain call that shows what code runs."""
        with Observer(passed_over, False) as observer, _Busy():
            result = self.__wrapped__(*args, **kwargs)
        try:
            entry.learn(observer)
            entry.look()
        except Unwatchable as error:
            # A first call may import modules and fill caches: the second one counts.
            entry.failures += 1
            entry.codes.clear()
            entry.calls.clear()
            if entry.failures > 1:
                self._give_up(entry, str(error))
        else:
            entry.observed = True
            entry.failures = 0
        return result

    def _world(self, entry: _Entry) -> _World | None:
        """The world that the state is in now, or a new one."""
        for i, world in enumerate(entry.worlds):
            if world.watch.slots.holds() and world.extra() is not None:
                if i:
                    entry.worlds.insert(0, entry.worlds.pop(i))
                return world
        try:
            if entry.worlds:
                self._note_changes(entry, entry.worlds[0])
            if entry.reason is not None:
                return None
            return entry.look()
        except Unwatchable as error:
            self._give_up(entry, str(error))
            return None

    def _note_changes(self, entry: _Entry, world: _World) -> None:
        """What is to be done about state that changed: lift it, or record once more."""
        entry.changes += 1
        if entry.changes > MAX_CHANGES:
            names = ", ".join(world.watch.changes()[:3]) or "what it captures"
            self._give_up(
                entry,
                f"{names} changed in each of many calls",
                "Pass it as an argument.",
            )
            return
        if not alone():
            return
        found = lift(world.watch)
        if found is None:
            return
        for name, _, new in found:
            places = places_of(world.watch, new)
            if not places:
                return
            entry.lifted.append(Lifted(tuple(places), name))
        self._forget(entry)

    # -- recording ---------------------------------------------------------------------------------

    def _record(
        self, entry: _Entry, world: _World, args: Any, kwargs: Any, leaves: list[Any]
    ) -> Any:
        """Run the function plainly, and then on boxes of a program level."""
        captured = world.extra() or []
        before = [x.copy() if isinstance(x, onp.ndarray) else x for x in (*leaves, *captured)]
        with Observer(passed_over) as observer, _Busy():
            result = self.__wrapped__(*args, **kwargs)
        try:
            fresh = entry.learn(observer)
            changed = world.watch.changes()
            after = entry.signature.leaves(args, kwargs)
            if changed or self._wrote(world, captured, before[len(leaves) :]):
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
                or not all(map(same_bits, before, leaves))
            ):
                raise Refused("it writes into its arguments, which a replay would not do")
            if fresh:
                self._forget(entry)
                entry.look()
                return result
            if world.lifted and not alone():
                return result
            recorded = self._trace(entry, world, leaves, captured, result, observer)
            if world.watch.changes():
                raise Refused(f"it changes {world.watch.changes()[0]} when it is recorded")
            entry.failures = 0
            self._judge(entry, world, recorded)
        except (Refused, Unwatchable) as error:
            here = isinstance(error, Refused) and error.only_here
            if isinstance(error, Refused) and error.disturbed and entry.raised < MAX_REFUSED:
                entry.raised += 1
            elif here and world.trusted:
                entry.raised += 1
            elif entry.family is None or not world.trusted or entry.failures >= MAX_REFUSED:
                self._give_up(entry, str(error))
            else:
                entry.failures += 1  # an int that is too large for the programs that others have
        return result

    def _wrote(self, world: _World, captured: list[Any], before: list[Any]) -> bool:
        now = [item.get() for item in world.lifted]
        return any(a is not b for a, b in zip(now, captured)) or not all(
            map(same_bits, before, now)
        )

    def _trace(
        self,
        entry: _Entry,
        world: _World,
        leaves: list[Any],
        captured: list[Any],
        result: Any,
        plain: Observer,
    ) -> _Recorded:
        """Run the function on boxes of a program level."""
        wanted, wanted_structure = outputs_of(result)
        with _core.Recording() as recording, _Busy():
            boxes = [recording.box(leaf) for leaf in leaves]
            stand_ins = [recording.box(value) for value in captured]
            args, kwargs = entry.signature.rebuild(boxes)
            with (
                standing_in(world.lifted, stand_ins) as replaced,
                Observer(passed_over) as observer,
            ):
                try:
                    traced = self.__wrapped__(*args, **kwargs)
                except Exception as error:
                    if recording.dead is not None:
                        raise _dead(recording) from error
                    where = report.line_of_error(error, _PACKAGE)
                    raise Refused(
                        f"while it was recorded it raised {type(error).__name__}{where}: {error}"
                    ) from error
            if any(replaced):
                raise Refused("it changes what it captures, which a replay would not do")
            if recording.dead is not None:
                raise _dead(recording)
            another = observer.way != plain.way
            if another and not HALF_TOLD:
                raise _another_way()
            refused = None
            try:
                structure = self._compared(recording, traced, wanted, wanted_structure)
                program = recording.finish(outputs_of(traced)[0])
            except Refused as error:
                if not another:
                    raise
                refused = error
        if another:
            with Observer(passed_over) as again, _Busy():
                args, kwargs = entry.signature.rebuild(leaves)
                self.__wrapped__(*args, **kwargs)
            if again.way != observer.way:
                raise _another_way()
        if refused is not None:
            raise refused
        return _Recorded(program, [*leaves, *captured], structure)

    def _compared(
        self, recording: _core.Recording, traced: Any, wanted: Any, wanted_structure: Any
    ) -> Any:
        """Return the structure of a recorded result, which is what the plain run gave."""
        outs, structure = outputs_of(traced)
        if not same_structure(structure, wanted_structure):
            raise Refused("recorded, it returns another structure")
        for out in outs:
            if isbox(out) and not recording.owns(out):
                raise Refused("it returns a traced value of another function")
        values = [out._value if isbox(out) else out for out in outs]
        difference = first_difference(wanted, values, structure.paths())
        if difference is not None:
            raise Refused(f"recorded, it gives another result: {difference}")
        return structure

    def _judge(self, entry: _Entry, world: _World, recorded: _Recorded) -> None:
        """Trust a program if an earlier recording of the same path agrees with it."""
        for earlier in world.pending:
            if earlier.path != recorded.path:
                continue
            difference = earlier.program.difference(recorded.program)
            if difference is not None:
                raise Refused(f"two recordings differ: {difference}")
            world.pending.remove(earlier)
            recorded.inputs = []  # only what waits is compared with later inputs
            self._trust(entry, world, recorded)
            return
        for known in world.trusted:
            if known.path == recorded.path:
                return  # a replay failed for another reason than a guard
        world.pending.append(recorded)
        if len(world.pending) > MAX_PATHS:
            self._too_many_paths(entry, world)

    def _trust(self, entry: _Entry, world: _World, recorded: _Recorded) -> None:
        """Add a program to those that are replayed."""
        if world.trusted and not same_structure(world.trusted[0].structure, recorded.structure):
            raise Refused("the structure of its result depends on values")
        if len(world.trusted) >= MAX_PATHS:
            self._too_many_paths(entry, world)
            return
        if world.paths is None:
            world.paths = _core.Paths()
        world.paths.add(recorded.program)
        world.trusted.append(recorded)
        self._install(entry, world)

    def _too_many_paths(self, entry: _Entry, world: _World) -> None:
        places: dict[str, int] = {}
        for recorded in (*world.trusted, *world.pending):
            for place, _ in set(recorded.path):
                places[place] = places.get(place, 0) + 1
        most = max(places, key=lambda place: places[place]) if places else "its branches"
        raise Refused(f"it takes more than {MAX_PATHS} ways, by what it reads at {most}")

    def _same_inputs(self, entry: _Entry, world: _World, leaves: list[Any]) -> Any:
        """The replay of a program recorded once, at the very inputs that it was recorded at."""
        captured = world.extra()
        if captured is None:
            return _none
        inputs = [*leaves, *captured]
        for recorded in world.pending:
            if all(map(same_bits, recorded.inputs, inputs)):
                outs = recorded.program.run(inputs)
                if isinstance(outs, list):
                    if not recorded.confirmed:
                        self._confirm(entry, world, recorded, leaves, captured)
                    return recorded.structure.unflatten(outs)
        return _none

    def _confirm(
        self,
        entry: _Entry,
        world: _World,
        recorded: _Recorded,
        leaves: list[Any],
        captured: list[Any],
    ) -> None:
        """Record a function that is called with the same values again and again at others near by.

        That may fail where the function itself would not: then the values are waited for.
        """
        recorded.confirmed = True
        moved = [nudged(leaf) for leaf in leaves]
        if all(a is b for a, b in zip(moved, leaves)) or (world.lifted and not alone()):
            return
        args, kwargs = entry.signature.rebuild(moved)
        try:
            with Observer(passed_over) as observer, _Busy():
                result = self.__wrapped__(*args, **kwargs)
            second = self._trace(entry, world, moved, captured, result, observer)
        except Exception:
            return
        if second is None or second.path != recorded.path or not world.watch.slots.holds():
            return
        try:
            self._judge(entry, world, second)
        except Refused as error:
            self._give_up(entry, str(error))

    # -- replays -----------------------------------------------------------------------------------

    def _install(self, entry: _Entry, world: _World) -> None:
        """Let C replay this signature while the state is as in this world."""
        interval = {"always": 0, "off": sys.maxsize}.get(self._check or "", entry.interval)
        structure = world.trusted[0].structure
        build = None if structure.is_leaf else _core.result_form(structure) or structure.unflatten
        lifted = None
        if world.lifted:
            kinds = _core.Signature(tuple(world.models), {})
            lifted = (
                kinds,
                tuple(tuple(place.raw() for place in item.places) for item in world.lifted),
            )
        self.install(entry.signature, world.paths, world.watch.slots, build, interval, lifted)

    def _build(self, world: _World, outs: list[Any]) -> Any:
        return world.trusted[0].structure.unflatten(outs)

    def _spot_check(
        self, entry: _Entry, world: _World, args: Any, kwargs: Any, inputs: list[Any]
    ) -> Any:
        entry.interval = min(2 * entry.interval, 1 << 40)
        outs = world.run(inputs)
        result = self.__wrapped__(*args, **kwargs)
        if not isinstance(outs, list):
            return result
        self._install(entry, world)
        wanted, structure = outputs_of(result)
        difference = first_difference(wanted, outs, structure.paths())
        if difference is not None:
            # Results that are small since larger values cancelled are as wrong as those.
            with _Busy():
                leaves = entry.signature.leaves(args, kwargs)
                rounding = rounding_of(self.__wrapped__, entry.signature, leaves)
            difference = first_difference(wanted, outs, structure.paths(), rounding)
        if difference is not None:
            self._forget(entry)
            entry.reason = "a spot check failed"
            raise report.ProgramError(
                f"jit: a replay of {report.place_of(self.__wrapped__)} gave another result than "
                f"the function: {difference}. It depends on something that jit cannot see; call it "
                "without jit, or pass what changes as an argument."
            )
        return result

    # -- what the user sees ------------------------------------------------------------------------

    def _give_up(self, entry: _Entry, reason: str, remedy: str = "") -> None:
        entry.reason = reason
        self._forget(entry)
        if entry.family is not None:
            entry.family.refused = True
            self._entries.pop(entry.signature, None)
            return
        self._say(reason, remedy or "Its results are right, at eager speed.")

    def _forget(self, entry: _Entry) -> None:
        self.remove(entry.signature)
        entry.worlds.clear()

    def _say(self, reason: str, remedy: str) -> None:
        if reason not in self._warned:
            self._warned.add(reason)
            report.warn(self.__wrapped__, reason, remedy)

    @property
    def programs(self) -> tuple[Any, ...]:
        """The programs that are replayed; print one to see what it does."""
        return tuple(
            recorded.program
            for entry in self._entries.values()
            for world in entry.worlds
            for recorded in world.trusted
        )

    def clear(self) -> None:
        """Forget all programs: the next calls record anew."""
        with self._lock:
            _core.Jitted.clear(self)
            self._entries.clear()
            self._families.clear()
            self._warned.clear()

    def _answer_into(self, out: Any, args: Any, kwargs: Any, why: str) -> Any:
        """Call the function, and write its results into arrays given."""
        values, structure = flatten(self._answer(args, kwargs, why))
        what = f"into: the first argument, for the result of {report.name_of(self.__wrapped__)},"
        written = []
        for place, value in zip(structure.flatten_like(out, what), values):
            if place is not None:
                _core.store_result(place, value)
            written.append(value if place is None else place)
        return structure.unflatten(written)


let_instances_have_docs(Jit)


def _slow(jitted: Jit, args: tuple[Any, ...], kwargs: dict[str, Any], why: str, *out: Any) -> Any:
    if out:
        return jitted._answer_into(out[0], args, kwargs, why)
    return jitted._answer(args, kwargs, why)


def jit(fun: Callable[..., Any] | None = None, *, check: Any = "default") -> Any:
    """Make a version of a function that records its operations once and then replays them.

    The result is the same as without `jit`: a call whose arguments, captured state or branches
    were not recorded yet runs the function itself.

    Parameters
    ----------
    fun : callable
        A function, or an operator such as ``value_and_grad(loss)``. Without it, `jit` is a
        decorator with options.
    check : {"default", "always", "off"}
        Compare replays with the function itself at calls 2, 4, 8, ..., at each call, or never.

    Returns
    -------
    Jit
        Takes the arguments of `fun`. ``programs`` lists what was recorded, ``clear()`` forgets it.

    Raises
    ------
    ProgramError
        By a call, if a comparison finds that a replay gave another result than `fun`.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import jit, value_and_grad
    >>> step = jit(value_and_grad(lambda x: np.sum(np.sin(x) ** 2)))
    """
    if fun is None:
        return lambda inner: Jit(inner, check)
    return Jit(fun, check)
