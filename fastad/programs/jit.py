"""`jit`: a function whose calls are recorded once and then replayed without Python.

The first call of a signature runs as without `jit`, observed; the next ones run plainly and are
recorded beside it. A program is trusted when two recordings gave the same nodes and constants, and
replayed while everything that the executed code can read is what it was.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, Literal, NoReturn, TypeVar, overload

import numpy as onp

from .. import _core
from .._core import Observer
from .._impl.draws import Notes, are_noted
from .._impl.operator import only_known
from .._impl.spaces.containers import flatten
from .._impl.transformed import P, R, Transformed, let_instances_have_docs
from ..numpy import random as _noting  # noqa: F401 (whose functions note what they draw)
from . import lifting, report
from .allowed import passed_over
from .effects import Held, overlaps
from .entries import Entry, Family, World, drawing, drew_globally, undo_draws
from .giving import Giver, State, gives_functions, kept
from .lifting import Lifted, lift, places_of
from .names import Names
from .outputs import Refused, first_difference, outputs_of
from .recorder import MAX_REFUSED, NONE, Recorder
from .rounding import rounding_of
from .tracing import Busy, is_busy
from .watch import Unwatchable, opaque

__all__ = ["Jit", "jit"]

MAX_SIGNATURES = 64
MAX_CHANGES = 16  # of the watched state, until it is not worth recording again
MAX_DERIVED = 64
_FOUND_HERE = frozenset(("new", "state"))  # why C has not replayed a call, nor tried it

Check = Literal["default", "always", "off"] | bool | None
_Jit = TypeVar("_Jit", bound="Jit[Any, Any]")


class Jit(Recorder[P, R]):
    """A function that replays its programs; see `jit`.

    A call whose signature was installed is replayed in C, everything else comes to `_slow`.
    """

    __reduce__ = Transformed.__reduce__

    def __new__(cls: type[_Jit], fun: Callable[..., Any], check: Any = "default") -> _Jit:
        return _core.Jitted.__new__(cls, _slow, fun)

    def __init__(self, fun: Callable[..., Any], check: Any = "default") -> None:
        super().__init__(jit, fun, check=check)
        if check not in ("default", "always", "off", None, False, True):
            raise ValueError(f"jit: check must be 'default', 'always' or 'off', not {check!r}")
        names: dict[Any, str] = {None: "off", False: "off", True: "default"}
        self._check = names[check] if check in names else str(check)
        self._derived: dict[Any, Jit[Any, Any]] = {}
        self._giver: Giver | None = None
        self._recent: Entry | None = None
        self._may_draw = getattr(fun, "may_draw", True)
        self._may_write = getattr(fun, "may_write", True)

    # -- calls -------------------------------------------------------------------------------------

    def _answer(self, args: tuple[Any, ...], kwargs: dict[str, Any], why: str) -> Any:
        fun = self.__wrapped__
        if why == "undo":  # a guard failed: one more way, of which nothing is drawn yet
            if drew_globally():
                return self._call_with_draws(args, kwargs)
            undo_draws()
        if why == "drawn":  # for a replay that gave none
            return self._call_with_draws(args, kwargs)
        if why == "doubt":  # the results are infinite or no numbers: so may the function's be
            return fun(*args, **kwargs)
        if self._giver is not None:
            return self._giver(args, kwargs)
        if (
            is_busy()
            or are_noted()
            or _core.is_strict_zero()
            or not self._lock.acquire(blocking=False)
        ):
            return fun(*args, **kwargs)
        try:
            entry = self._entry(args, kwargs)
            # By Python code that a replay called, or by another thread.
            if why == "changed" and entry is not None and entry.worlds and lifting.alone():
                self._take_back(entry, entry.worlds[0])
            if entry is None or entry.reason is not None:
                return fun(*args, **kwargs)
            return self._step(entry, args, kwargs, why)
        finally:
            self._lock.release()

    def _entry(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Entry | None:
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
            entry = self._entries[signature] = Entry(signature, roots)
            entry.draws = self._may_draw
            if family is not None:
                entry.join(family)
        return entry

    def _family(self, args: Any, kwargs: Any) -> Family | None:
        """The signatures that differ from this one in ints alone; None if it has no int."""
        everything = _core.Signature(args, kwargs, True)
        numbers = everything.leaves(args, kwargs)
        if numbers is None or not any(type(number) is int for number in numbers):
            return None
        family = self._families.setdefault(everything, Family())
        family.note(numbers)
        return family

    def _step(self, entry: Entry, args: Any, kwargs: Any, why: str) -> Any:
        if not entry.observed:
            return self._first(entry, args, kwargs)
        leaves = entry.signature.leaves(args, kwargs)
        world = self._world(entry)
        if (
            world is None
            or (entry.aliases and world.has_aliases(leaves))
            or world.is_given((args, kwargs))
        ):
            return self.__wrapped__(*args, **kwargs)
        if world.trusted:
            inputs = world.extra()
            if inputs is not None:
                inputs = [*leaves, *inputs]
                if world.slow and overlaps(world, leaves, inputs[len(leaves) :]):
                    return self.__wrapped__(*args, **kwargs)
                if why == "check" or (why in _FOUND_HERE and self._is_due(entry)):
                    return self._spot_check(entry, world, args, kwargs, inputs)
                outs = self._outs(entry, world, inputs)
                if isinstance(outs, list):
                    self._install(entry, world)
                    return self._build(world, outs, inputs)
                if outs is None:
                    return self._call_plainly(world, args, kwargs)
                if world.draws and (outs < 0 or drew_globally()):
                    return self._call_with_draws(args, kwargs)
                undo_draws()
                if outs < 0 or entry.raised >= MAX_REFUSED:
                    return self.__wrapped__(*args, **kwargs)
        elif world.pending:
            again = self._same_inputs(entry, world, leaves)
            if again is not NONE:
                return again
        return self._record(entry, world, args, kwargs, leaves)

    def _is_due(self, entry: Entry) -> bool:
        """Whether a replay that C did not find is to be compared.

        It counts its own; where states alternate, each of them is looked for here.
        """
        if self._check != "default":
            return self._check == "always"
        entry.left -= 1
        if entry.left >= 0:
            return False
        entry.left = 2 * entry.interval
        return True

    def _first(self, entry: Entry, args: Any, kwargs: Any) -> Any:
        """The plain call that shows what code runs."""
        _core.begin_levels()  # after which SciPy's functions run other code
        with Notes(), Observer(passed_over, False) as observer, Busy():
            result = self.__wrapped__(*args, **kwargs)
        if gives_functions(result):
            self._giver = Giver(Jit, self.__wrapped__, self._check)
            return result
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

    def _world(self, entry: Entry) -> World | None:
        """The world that the state is in now, or a new one."""
        for i, world in enumerate(entry.worlds):
            if world.watch.slots.holds() and world.extra() is not None:
                if entry.aliases and not world.watch.identical():
                    continue
                if i:
                    entry.worlds.insert(0, entry.worlds.pop(i))
                return world
        known = entry.changes
        try:
            if entry.worlds:
                self._note_changes(entry, entry.worlds[0])
            if entry.reason is not None:
                return None
            return entry.look()
        except Unwatchable as error:
            if entry.changes == known:
                self._give_up(entry, str(error))
            else:  # it may be about code that ran before a change, and that nobody has any more
                self._forget(entry)
                entry.unlearn()
            return None

    def _note_changes(self, entry: Entry, world: World) -> None:
        """What is to be done about state that changed: lift it, or record once more."""
        entry.changes += 1
        if entry.changes > MAX_CHANGES:
            changed = [*world.watch.changes(), *world.other_kinds()]
            names = ", ".join(changed[:3]) or "what it captures"
            self._give_up(
                entry,
                f"{names} changed in each of many calls",
                "Pass it as an argument.",
            )
            return
        if not entry.lifts or not lifting.alone():
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

    # -- replays -----------------------------------------------------------------------------------

    def _install(self, entry: Entry, world: World) -> None:
        """Let C replay this signature while the state is as in this world."""
        if entry.aliases or world.slow:  # more is to be compared than C does
            self.remove(entry.signature)  # which one more way may have made so
            return
        interval = {"always": 0, "off": sys.maxsize}.get(self._check, entry.interval)
        structure = world.trusted[0].structure
        build = None if structure.is_leaf else _core.result_form(structure) or structure.unflatten
        if world.stateful:
            build = world.finish
        lifted = None
        if world.inputs or world.draws:
            lifted = (
                world.kinds,
                tuple(tuple(place.raw() for place in item.places) for item in world.inputs),
                world.draw if world.draws else None,
            )
        self.install(
            entry.signature, world.paths, world.watch.slots, build, interval, lifted, world.calls
        )

    def _outs(self, entry: Entry, world: World, inputs: list[Any]) -> Any:
        """What a replay gives; None if Python code that the program calls has changed state.

        It may have done so before the program read it, or what the function itself would do once
        more. Then it is as before, and the function is not replayed any more.
        """
        if not world.calls:
            return world.run(inputs)
        state = Held(world)
        outs = world.run(inputs)
        if (world.watch.slots.holds() and not state.changed()) or not lifting.alone():
            return outs
        self._take_back(entry, world, state)
        return None

    def _take_back(self, entry: Entry, world: World, state: Held | None = None) -> None:
        """Let state be as it was before a replay that changed it, and replay no more.

        Raises
        ------
        ProgramError
            If that cannot be.
        """
        names = world.watch.changes() + (state.changes() if state is not None else [])
        whole = world.watch.take_back()
        if state is not None:
            state.put_back()
            whole = whole and not state.changed()
        name = names[0] if names else "what it captures"
        reason = f"a primitive or a function that it hands to a solver changes {name}"
        self._give_up(entry, reason)
        if not whole:
            raise report.ProgramError(
                f"jit: in a replay of {report.place_of(self.__wrapped__)} {reason}, and that "
                "cannot be taken back. Call it without jit."
            )

    def _call_plainly(self, world: World, args: Any, kwargs: Any) -> Any:
        """Call the function itself, with what was drawn for a replay."""
        if world.draws:
            return self._call_with_draws(args, kwargs)
        if world.generators:
            undo_draws()
        return self.__wrapped__(*args, **kwargs)

    def _call_with_draws(self, args: Any, kwargs: Any) -> Any:
        """Call the function, which draws what was drawn for a replay."""
        given = drawing()
        try:
            with given:
                return self.__wrapped__(*args, **kwargs)
        finally:
            if given.left:  # it raised an error before it had drawn all
                self._may_draw = False
                _core.Jitted.clear(self)
                self._entries.clear()
                self._say(
                    "it did not draw all random numbers that were drawn for its replay, so that "
                    "the generator is further than it would be without jit",
                    "Draw outside and pass the numbers as an argument.",
                )

    def _build(self, world: World, outs: list[Any], inputs: list[Any]) -> Any:
        if world.stateful:
            return world.finish(outs, inputs)
        return world.trusted[0].structure.unflatten(outs)

    def _spot_check(
        self, entry: Entry, world: World, args: Any, kwargs: Any, inputs: list[Any]
    ) -> Any:
        entry.interval = min(2 * entry.interval, 1 << 40)
        # The function needs that memory, and gives its own back.
        rested = self._check == "default" and world.paths.rest()
        state = Held(world)
        if world.draws or world.lifted or world.generators or world.stateful:
            outs = self._outs(entry, world, inputs)
            if outs is None:
                return self._call_plainly(world, args, kwargs)
            if rested:
                world.paths.rest()
            result = self._call_with_draws(args, kwargs)
            if rested:
                _core.release_memory()
        else:  # first, so that there is one result while it runs
            result, known = self._observed(entry, world, args, kwargs)
            if not known or not world.watch.slots.holds():
                return result
            if rested:
                _core.release_memory()
            outs = self._outs(entry, world, inputs)
        if not isinstance(outs, list):
            return result
        self._install(entry, world)
        if world.stateful:
            plan, structure = world.known[outs[0]]
            try:
                wanted = state.combined(outs[0], plan.writes, result)
            except Refused:  # it has done something that no recording did
                self._forget(entry)
                return result
            for i in plan.ints:
                outs[i] = int(outs[i])
        else:
            wanted, structure = outputs_of(result)
        difference = first_difference(wanted, outs, structure.paths())
        if difference is not None:
            # Results that are small since larger values cancelled are as wrong as those.
            names = world.watch.looked_up if lifting.alone() else Names()
            with Busy():
                leaves = entry.signature.leaves(args, kwargs)
                with drawing(), state.again():
                    rounding = rounding_of(self.__wrapped__, entry.signature, leaves, names)
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

    def _observed(self, entry: Entry, world: World, args: Any, kwargs: Any) -> tuple[Any, bool]:
        """The function's result, and whether it ran nothing that was not known.

        A program that calls Python code takes new ways there without a recording.
        """
        if not any(recorded.calls for recorded in world.trusted):
            return self.__wrapped__(*args, **kwargs), True
        with Observer(passed_over, False) as observer, Busy():
            result = self.__wrapped__(*args, **kwargs)
        try:
            if not entry.learn(observer):
                return result, True
            self._forget(entry)
            entry.look()
        except Unwatchable as error:
            self._give_up(entry, str(error))
        return result, False

    # -- what the user sees ------------------------------------------------------------------------

    @property
    def programs(self) -> tuple[Any, ...]:
        """The programs that are replayed; print one to see what it does."""
        if self._giver is not None:
            return self._giver.programs
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
            self._recent = None
            self._gave_up = False
            self._families.clear()
            self._derived.clear()
            self._giver = None
            self._warned.clear()

    def derived(
        self, factory: Callable[..., Any], parameters: Any, options: Any
    ) -> Jit[Any, Any] | None:
        """The replayed function that an operator of this one stands for: `jit(grad(f))`.

        The same one each time, since operators are often made for one call; None where what the
        operator is made with cannot be told from others.
        """
        key = (factory, parameters, tuple(options.items()))
        try:
            known = self._derived.get(key)
        except TypeError:  # a list of argnums
            return None
        if known is None:
            if len(self._derived) >= MAX_DERIVED:
                return None
            known = Jit(factory(self.__wrapped__, *parameters, **options), self._check)
            self._derived[key] = known
        return known

    @property
    def gave_up(self) -> bool:
        """Whether calls of some kind are not replayed, nor will be."""
        return self._gave_up

    def state_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> State | None:
        """What these arguments were, and what the function could read, as it is now.

        None where that is not known, or where the function is not replayed.
        """
        entry = self._recent
        leaves = None if entry is None else entry.signature.leaves(args, kwargs)
        if entry is None or leaves is None:
            with self._lock:
                entry = self._recent = self._entry(args, kwargs)
            leaves = None if entry is None else entry.signature.leaves(args, kwargs)
        if entry is None or entry.reason is not None or leaves is None:
            return None
        for world in tuple(entry.worlds):
            captured = world.extra()
            # Until it was recorded, nobody knows whether it changes something.
            recorded = world.pending or world.trusted
            if recorded and captured is not None and world.watch.slots.holds():
                return State(world, captured, *entry.signature.rebuild(kept(leaves)))
        return None

    def _answer_into(self, out: Any, args: Any, kwargs: Any, why: str) -> Any:
        """Call the function, and write its results into arrays given."""
        result = self._answer(args, kwargs, why)
        values, structure = flatten(result)
        what = f"into: the first argument, for the result of {report.name_of(self.__wrapped__)},"
        places = structure.flatten_like(_opened(out, result), what)
        values = [
            value.copy() if _is_overwritten(i, value, places) else value
            for i, value in enumerate(values)
        ]
        for place, value in zip(places, values):
            if place is not None:
                _core.store_result(place, value)
        if not any(place is None for place in places) and not _has_constants(structure):
            return out
        return structure.unflatten(
            [value if place is None else place for place, value in zip(places, values)]
        )


def _opened(out: Any, result: Any) -> Any:
    """Places for a result; where one array stands for a list or tuple, as such of views of it."""
    kind = type(result)
    if kind is list or kind is tuple:
        places: Any = out
        if isinstance(out, onp.ndarray) and out.ndim > 0:
            places = [out[i, ...] for i in range(len(out))]
        elif type(out) is not kind:
            return out
        if len(places) == len(result):
            return kind(_opened(place, item) for place, item in zip(places, result))
    elif kind is dict and type(out) is dict and out.keys() == result.keys():
        return {key: _opened(out[key], item) for key, item in result.items()}
    return out


def _is_overwritten(number: int, value: Any, places: Sequence[Any]) -> bool:
    """Whether a result that goes to a place lies where another one goes to."""
    if places[number] is None or not isinstance(value, onp.ndarray):
        return False
    return any(
        isinstance(place, onp.ndarray) and onp.may_share_memory(value, place)
        for i, place in enumerate(places)
        if i != number
    )


def _has_constants(structure: _core.Structure) -> bool:
    return structure.constant or any(map(_has_constants, structure.children))


let_instances_have_docs(Jit)


def _slow(
    jitted: Jit[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any], why: str, *out: Any
) -> Any:
    if out:
        return jitted._answer_into(out[0], args, kwargs, why)
    return jitted._answer(args, kwargs, why)


@overload
def jit(fun: Callable[P, R], *, check: Check = ...) -> Jit[P, R]: ...
@overload
def jit(fun: None = None, *, check: Check = ...) -> Callable[[Callable[P, R]], Jit[P, R]]: ...
def jit(
    fun: Callable[..., Any] | None = None, *, check: Any = "default", **unknown: NoReturn
) -> Any:
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
    if unknown:
        only_known("jit", unknown)
    if fun is None:
        return lambda inner: Jit(inner, check)
    return Jit(fun, check)
