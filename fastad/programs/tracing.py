"""One recording of a function: a call on boxes of a program level, compared with the plain call."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as onp

from .._core import Observer, Recording, Signature, class_of, isbox
from .._impl.busy import Busy, is_busy
from .._impl.draws import Draw, giving, is_own
from . import lifting, report
from .allowed import calls_nothing_else, is_plain, passed_over
from .effects import Held, Known, Replaced
from .entries import Recorded, World
from .grown import Grown, wanted_of
from .lifting import Lifted, standing_in
from .names import Names, standing_for
from .outputs import Refused, first_difference, outputs_of, same_structure
from .places import Before
from .watch import Watch

__all__ = ["Busy", "is_busy", "lock_of_recordings", "trace"]

# From 3.12 on, Python does not tell of the instructions of a code that runs for the first time
# since it was followed last: a run after one that was followed tells them all.
HALF_TOLD = sys.version_info >= (3, 12)
ANOTHER_WAY = (
    "it takes another way when it is recorded: some test in it, such as type(x) is float or "
    "x is y, has another answer for a traced value"
)

INDEXES = "is an index of a plain array"  # as src/program/record.cpp says

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

# Where threads run at once, tracing one disturbs the tracing of others, and code that others run
# meanwhile is told of in part: one function is recorded at a time, whoever comes meanwhile runs
# eagerly, and a recording that differs is tried again.
_recording = threading.RLock()


def lock_of_recordings() -> threading.RLock:
    """What a jitted function holds while it observes or records."""
    return threading.RLock() if _has_gil() else _recording


def _has_gil() -> bool:
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def _another_way() -> Refused:
    refused = Refused(ANOTHER_WAY)
    refused.disturbed = not _has_gil() and not lifting.alone()
    return refused


def _only_here(reason: str) -> Refused:
    """What is known of this call's way only: programs of other ways are what they were."""
    refused = Refused(reason)
    refused.only_here = True
    refused.indexes = INDEXES in reason
    return refused


def _dead(recording: Recording, grown: Sequence[Grown]) -> Refused:
    refused = _only_here(str(recording.dead))
    refused.wanted = wanted_of(grown)
    return refused


def trace(
    fun: Callable[..., Any],
    signature: Signature,
    world: World,
    leaves: list[Any],
    state: Held,
    result: Any,
    plain: Observer,
    stood: Before,
    draws: Sequence[Draw] = (),
    given: Any = (),
) -> Recorded:
    """Run the function on boxes of a program level.

    What it draws, which was drawn in the plain run, are inputs behind the captured values, as they
    were before that run (`state`).
    `given` are the arguments themselves.
    What this leaves in the watched state is taken out of it again by the caller, by what `stood`
    there before.
    """
    lifted, watch = world.lifted, world.watch
    captured = state.inputs()
    modules = len(sys.modules)
    with Recording() as recording, Busy():
        boxes = [recording.box(leaf) for leaf in leaves]
        boxes_held = [recording.box(value) for value in captured]
        stand_ins = state.stand_ins(boxes_held)
        grown = state.grown(recording.kill)
        args, kwargs = world.with_noted(signature.rebuild(boxes))
        names = watch.looked_up if lifting.alone() else Names()
        with (
            world.noted(),
            giving(draws, _boxes_of(recording, draws), True, world.standard) as notes,
            standing_in(lifted, stand_ins) as replaced,
            standing_in(world.list_places, grown) as exchanged,
            standing_for(names, recording.owns) as numbers,
            Observer(passed_over) as observer,
        ):
            question = _Question(watch, lifted, stand_ins, numbers.names, grown)
            recording.ask(question)
            if world.stateful:
                recording.may_change(boxes_held)
            try:
                traced = fun(*args, **kwargs)
                stood.ended = True
                left = [[place.find() for place in item.places] for item in lifted]
            except Exception as error:
                if recording.dead is not None:
                    raise _dead(recording, grown) from error
                where = report.line_of_error(error, _PACKAGE)
                refused = Refused(
                    f"while it was recorded it raised {type(error).__name__}{where}: {error}"
                )
                refused.parameters, refused.only_here = notes.asked, notes.improper
                raise refused from error
        if any(exchanged) or (any(replaced) and not world.stateful):
            raise Refused("it changes what it captures, which a replay would not do")
        if recording.dead is not None:
            raise _dead(recording, grown)
        if notes.strayed:
            raise Refused("it draws other random numbers when it is recorded")
        another = observer.way != plain.way
        # Beside a way through modules that were loaded, it may be one that was told by halves.
        if another and (not HALF_TOLD or len(sys.modules) != modules):
            raise _another_way()
        later: Refused | None = None
        try:
            if world.stateful:
                outs, structure = _with_writes(
                    recording,
                    state,
                    Replaced(stand_ins, left, grown),
                    result,
                    traced,
                    leaves,
                    given,
                )
            else:
                outs, structure = _compared(recording, traced, *outputs_of(result))
            guards = recording.guards_of_ints + numbers.guards
            try:
                program = recording.finish(outs, planned=False)
            except RuntimeError as error:
                if recording.dead is None:
                    raise
                raise _only_here(recording.dead) from error
        except Refused as error:
            if not another:
                raise
            later = error
    if another:
        if changed := stood.put_back():
            raise Refused(f"it changes {changed[0]} when it is recorded")
        values = [draw.value for draw in draws]
        with (
            world.noted(),
            giving(draws, values, True, world.standard),
            state.again(),
            Observer(passed_over) as again,
            Busy(),
        ):
            args, kwargs = world.with_noted(signature.rebuild(leaves))
            stood.ended = False
            fun(*args, **kwargs)
            stood.ended = True
        if again.way != observer.way:
            raise _another_way()
    if later is not None:
        raise later
    # The global generator cannot be set back: beside its draws nothing may be asked that has
    # another answer now and then. Where an int is too large for a float, or `math` raises an error,
    # the draws are given.
    if len(program.guards) > guards and not all(is_own(draw.function) for draw in draws):
        raise Refused(
            f"it draws random numbers, and takes another way by what it reads at "
            f"{program.guards[0].place}"
        )
    inputs = [*leaves, *captured, *(draw.value for draw in draws)]
    own = structure.children[1] if world.stateful else structure
    return Recorded(program, inputs, structure, question.was_asked, own)


def _with_writes(
    recording: Recording,
    state: Held,
    replaced: Replaced,
    result: Any,
    traced: Any,
    leaves: Sequence[Any],
    arguments: Any,
) -> tuple[list[Any], Any]:
    """Leaves and structure of a recorded result and of what was written: (plan, result, values)."""
    kinds, plain, boxes = state.writes(replaced)
    state.unwritten(kinds)
    state.own(plain, result, arguments)
    wanted, wanted_structure = outputs_of((0, result, plain))
    outs, structure = _compared(recording, (0, traced, boxes), wanted, wanted_structure, True)
    ints = [i for i, x in enumerate(wanted) if type(x) is int and isbox(outs[i])]
    results = 1 + structure.children[1].size
    sizes = [child.size for child in structure.children[2].children]
    plan = state.plan(kinds, wanted, results, sizes, ints, leaves)
    outs[0] = state.world.number_of(Known(plan, structure))
    return outs, structure


class _Question:
    """Asked before what may call Python code at each replay: would it read other state there?

    And after it: has it changed state, which that code and the program would both do?
    """

    def __init__(
        self,
        watch: Watch,
        lifted: Sequence[Lifted],
        boxes: Sequence[Any],
        named: Sequence[str],
        grown: Sequence[Grown],
    ) -> None:
        self._grown = grown
        self._watch = watch
        self._named = frozenset(named)
        self._lifted = tuple(zip(lifted, boxes))
        self.was_asked = False

    def __call__(self, name: str, function: Any, operands: tuple[Any, ...]) -> str | None:
        if calls_nothing_else(function) and all(map(is_plain, operands)):
            return None
        self.was_asked = True
        changed = [] if self._watch.slots.holds() else self._changes()
        changed += [item.name for item, box in self._lifted if not item.is_held(box)]
        changed += ["a list" for one in self._grown if one.items]
        if not changed:
            return None
        called = f"{name}()" if not name.startswith("_") else "a function"
        return f"it changes {changed[0]}, which a replay would not do, before it calls {called}"

    def _changes(self) -> list[str]:
        """What the function has changed, without what stands there while it is recorded."""
        found = []
        for number in self._watch.slots.changed():
            elements = self._watch.elements(number)
            own = [name for name, _, new in elements if type(new) is not Grown]
            found += [name for name in own if name not in self._named]
        return found


def _boxes_of(recording: Recording, draws: Sequence[Draw]) -> list[Any]:
    """Boxes of what was drawn, each held by the function alone: it may change it in place."""
    values = (draw.value for draw in draws)
    return [recording.box(x.copy() if isinstance(x, onp.ndarray) else x) for x in values]


def _compared(
    recording: Recording, traced: Any, wanted: Any, wanted_structure: Any, ints: bool = False
) -> tuple[list[Any], Any]:
    """Leaves and structure of a recorded result, which is what the plain run gave.

    Python's bool, which a comparison of numbers is, counts as read: a traced one is NumPy's. Where
    the plain run gave an int, a traced one is a float: that is the same, if `ints`.
    """
    outs, structure = outputs_of(traced)
    if not same_structure(structure, wanted_structure):
        raise Refused("recorded, it returns another structure")
    for out in outs:
        if isbox(out) and not recording.owns(out):
            raise Refused("it returns a traced value of another function")
    read: list[Any] = [
        bool(out) if type(plain) is bool and isbox(out) and out.ndim == 0 else out
        for out, plain in zip(outs, wanted)
    ]
    values = [out._value if isbox(out) else out for out in read]
    if ints:
        for i, (out, plain) in enumerate(zip(read, wanted)):
            if type(plain) is int and isbox(out) and out.ndim == 0 and class_of(out) is int:
                values[i] = int(values[i])
    difference = first_difference(wanted, values, structure.paths())
    if difference is not None:
        raise _only_here(f"recorded, it gives another result: {difference}")
    return read, structure
