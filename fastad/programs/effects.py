"""State that a call changes: read where a replay begins, written where it ends.

A place that the function reads and writes (`self.k += 1`, an average, a filter's state) is an input
of the program, and what stands there afterwards is one more result. A list that is appended to and
not read takes what a replay appends. What is written is found by comparing the watched state before
and after the plain call, and again in the recorded one, where traced values stand in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import accumulate
from operator import is_
from typing import Any, NamedTuple, Protocol

import numpy as onp

from .._core import anything, instance_state_of, isbox, same_constant, store_result
from .._impl.spaces.containers import Structure, flatten
from .grown import Grown, Reread
from .lifting import Lifted, can_be_input, is_table, places_of
from .outputs import Refused, outputs_of, same_as_kept, same_bits, same_structure, to_compare
from .places import Place, absent
from .watch import Watch

__all__ = [
    "Finish",
    "Held",
    "Known",
    "Plan",
    "Replaced",
    "can_be_exchanged",
    "can_be_state",
    "holders_in",
    "kept_places",
    "kinds_in",
    "overlaps",
    "places_in",
    "written",
]

_CONTAINERS = (list, tuple, dict)
_CONSTANTS = frozenset((int, bool, str, bytes, type(None), onp.bool_))  # ints are inputs, too
_PLACED = frozenset("cell entry member keys items".split())  # slots that hold what can be exchanged


def containers_in(value: Any, above: tuple[Any, ...] = ()) -> Iterator[Any]:
    """The containers in a value that can be changed, itself among them."""
    if can_be_exchanged(value) and not _is_one_of(value, above):
        if not isinstance(value, tuple):
            yield value
        for item in _items_of(value):
            yield from containers_in(item, (*above, value))


def _is_one_of(value: Any, above: tuple[Any, ...]) -> bool:
    """Whether a container is in itself, such as a node that knows its parent."""
    return any(one is value for one in above)


def holders_in(value: Any) -> Iterator[Any]:
    """What holds the items of these containers, as it is the holder of a place."""
    for one in containers_in(value):
        yield one
        if isinstance(space := getattr(one, "__dict__", None), dict):
            yield space


def places_in(value: Any) -> set[tuple[type, Any]]:
    """Where items of these containers stand: the kind of what holds them, and the key.

    None stands for places that a list may get.
    """
    found: set[tuple[type, Any]] = set()
    for one in holders_in(value):
        if isinstance(one, list):
            found.update((list, key) for key in (None, *range(len(one))))
        elif isinstance(one, dict):
            found.update((dict, key) for key in one)
    return found


class WorldState(Protocol):
    """What a world knows of the state that its programs read and write."""

    watch: Watch
    lifted: tuple[Lifted, ...]
    kinds: Any  # the signature of what is lifted
    stateful: bool
    list_places: tuple[Lifted, ...]
    lists: list[Any]
    glances: tuple[tuple[int, Lifted], ...]
    known: list[Known]
    constants: list[Any]  # arrays that are compared, and are no inputs

    @property
    def calls(self) -> bool:
        """Whether a replay may call Python code."""
        ...

    def extra(self) -> list[Any] | None:
        """The leaves of what is lifted."""

    def number_of(self, known: Known) -> int:
        """The number of a plan."""
        ...


def can_be_exchanged(value: Any) -> bool:
    """True for a list, tuple, named tuple, dict or an instance of a data class."""
    return (
        type(value) in _CONTAINERS
        or (isinstance(value, tuple) and hasattr(value, "_make"))
        or instance_state_of(value) is not None
    )


def _items_of(container: Any) -> list[Any]:
    state = instance_state_of(container)
    if state is not None:
        return list(state.values())
    return list(container.values()) if isinstance(container, dict) else list(container)


def can_be_state(value: Any, above: tuple[Any, ...] = ()) -> bool:
    """True for what may be found and left: numbers, arrays, constants, and containers of these.

    Constants (truths, strings, None) are no inputs: programs hold for one of their values each.
    A container that is in itself, among those `above`, has no leaves to be told by.
    """
    if can_be_exchanged(value):
        if isinstance(value, dict) and not all(type(key) in (str, int) for key in value):
            return False
        items = _items_of(value)
        if not items or _is_one_of(value, above):
            return False
        return all(can_be_state(item, (*above, value)) for item in items)
    return type(value) in _CONSTANTS or can_be_input(value) or is_table(value)


def kinds_in(value: Any, above: tuple[Any, ...] = ()) -> set[type]:
    """The classes of a container and of those in it, without the builtin ones."""
    if not can_be_exchanged(value) or _is_one_of(value, above):
        return set()
    inner = [kinds_in(item, (*above, value)) for item in _items_of(value)]
    return {type(value)}.difference(_CONTAINERS).union(*inner)


def written(watch: Watch, recorded: bool = False) -> tuple[list[Lifted], list[Any]] | None:
    """What a call has written into watched places: values, and lists that have grown.

    None if it did something else that can be seen. In a call that was `recorded`, traced values
    are written as well.
    """

    def can_be_kept(value: Any) -> bool:
        return can_be_state(value) or (recorded and isbox(value))

    values: list[Lifted] = []
    lists: list[Any] = []
    for number in watch.slots.changed():
        kind, holder, key = watch.slots.place(number)
        if kind == "content":
            if not can_be_state(holder):
                return None
            values.append(Lifted(tuple(places_of(watch, holder)), watch.places[number]))
        elif kind in ("cell", "entry", "member"):
            place = Place(number, holder, key)
            if not (place.is_open() and can_be_kept(watch.slots.current(number))):
                return None
            values.append(Lifted((place,), watch.places[number]))
        elif kind in ("items", "keys"):
            expected, current = watch.slots.expected(number), watch.slots.current(number)
            if kind == "items" and len(current) > len(expected):
                if not all(map(_same, expected, current)):
                    return None
                lists.append(holder)
                continue
            names: Sequence[Any] = range(len(current))
            if kind == "keys":
                if expected[::2] != current[::2]:
                    return None
                names, expected, current = current[::2], expected[1::2], current[1::2]
            elif len(current) != len(expected):
                return None
            for name, old, new in zip(names, expected, current):
                if old is anything or _same(old, new):
                    continue
                if not can_be_kept(new):
                    return None
                path = watch.places[number].removesuffix(".*").removesuffix("[*]")
                path += f"[{name}]" if kind == "items" else f".{name}"
                values.append(Lifted((Place(number, holder, name),), path))
        else:
            return None
    if not all(item.places for item in values):
        return None
    return values, lists


def _same(old: Any, new: Any) -> bool:
    return old is new or same_constant(old, new)


def kept_places(watch: Watch, known: Sequence[Lifted]) -> list[Lifted]:
    """The places that a call writes, as they stand in a new watch.

    An array or a container that stands in several of them is one input; numbers are not the same
    for being the same object.
    """
    found: list[Lifted] = []
    seen: set[int] = set()
    for item in known:
        for place in item.places:
            value = place.find()
            if not can_be_state(value) or id(value) in watch.held:
                continue
            if isinstance(value, onp.ndarray) or can_be_exchanged(value):
                if id(value) not in seen:
                    seen.add(id(value))
                    found.append(Lifted(tuple(places_of(watch, value)), item.name))
                continue
            number = _slot_of(watch, place)
            if number is not None and not any(map(place.is_at, _all_places(found))):
                found.append(Lifted((place._replace(number=number),), item.name))
    return [item for item in found if item.places]


def _all_places(items: Iterable[Lifted]) -> Iterator[Place]:
    return (place for item in items for place in item.places)


def _slot_of(watch: Watch, place: Place) -> int | None:
    for number in range(len(watch.slots)):
        kind, holder, key = watch.slots.place(number)
        if holder is not place.holder or kind not in _PLACED:
            continue
        if kind in ("keys", "items") or key == place.key:
            return number
    return None


def _same_items(items: list[Any], known: list[Any]) -> bool:
    """Whether a list has these very items."""
    return len(items) == len(known) and all(map(is_, items, known))


class Plan(NamedTuple):
    """What a replay does with its results, beside giving them.

    Attributes
    ----------
    writes : tuple of (str, int)
        ``store`` a value in the places of this lifted item, ``fill`` the array there with it, or
        ``append`` values to this list.
    ints : tuple of int
        Which leaves are Python's ints, that a program has as floats.
    same : tuple of (int, int)
        Leaves that are the same array as an earlier one.
    held : tuple of (int, int)
        Leaves that are an array that was given: its number among the inputs.
    columns : tuple of int
        Leaves that lie column by column, as the function leaves them: else what it reads next
        would be of another kind.
    """

    writes: tuple[tuple[str, int], ...] = ()
    ints: tuple[int, ...] = ()
    same: tuple[tuple[int, int], ...] = ()
    held: tuple[tuple[int, int], ...] = ()
    columns: tuple[int, ...] = ()


class Known(NamedTuple):
    """A plan, and how results and what is written lie among the leaves."""

    plan: Plan
    structure: Structure

    def is_like(self, other: Known) -> bool:
        return self.plan == other.plan and same_structure(self.structure, other.structure)


class Replaced(NamedTuple):
    """What stood for the state while a function was recorded.

    Attributes
    ----------
    stand_ins : sequence
        By what is lifted: what stood in its places.
    left : sequence of sequence
        And what stands in each of these places at the end of the call.
    grown : sequence of Grown
        By the lists that calls append to.
    """

    stand_ins: Sequence[Any]
    left: Sequence[Sequence[Any]]
    grown: Sequence[Grown]


class _Contents:
    """What was in a container: its leaves, and how they lay in it; nothing of other values."""

    __slots__ = ("_known",)

    def __init__(self, value: Any) -> None:
        self._known = flatten(value, numbers=True) if can_be_exchanged(value) else None

    def are_in(self, value: Any) -> bool:
        """Whether this is what is in the container now."""
        if self._known is None:
            return True
        leaves, structure = self._known
        now, structure_now = flatten(value, numbers=True)
        return same_structure(structure_now, structure) and all(a is b for a, b in zip(now, leaves))


class Held:
    """The state that a function reads and writes, as it is now."""

    def __init__(self, world: WorldState) -> None:
        self.world = world
        self.objects = [[place.get() for place in item.places] for item in world.lifted]
        self.leaves = world.extra() or []
        self._glanced: list[Any] = []  # what stands for what is read of lists
        self.kept = [to_compare(x) for x in self.leaves]
        self.copies: dict[int, onp.ndarray] = {}
        if world.stateful or world.calls:
            self.copies = {
                id(x): kept if isinstance(kept, onp.ndarray) else x.copy(order="K")
                for x, kept in zip(self.leaves, self.kept)
                if isinstance(x, onp.ndarray)
            }
        self.lists = [(one, list(one)) for one in world.lists]
        self.contents = [_Contents(old[0]) for old in self.objects]

    def changed(self) -> bool:
        """Whether something stands there now that did not, or has other contents."""
        return (
            any(
                place.get() is not old
                for item, olds in zip(self.world.lifted, self.objects)
                for place, old in zip(item.places, olds)
            )
            or not all(map(same_as_kept, self.kept, self.leaves))
            or not all(_same_items(one, old) for one, old in self.lists)
        )

    def changes(self) -> list[str]:
        """The names of what is read and written, if something of it has changed."""
        if not self.changed():
            return []
        return [item.name for item in (*self.world.lifted, *self.world.list_places)]

    def inputs(self) -> list[Any]:
        """The leaves as they were: arrays that may be written into are copies."""
        given = []
        for kept, leaf in zip(self.kept, self.leaves):
            if id(leaf) in self.copies:
                if leaf.flags.c_contiguous or leaf.flags.f_contiguous:
                    leaf = self.copies[id(leaf)]
                elif not same_as_kept(kept, leaf):
                    raise Refused("it writes into an array that it captures and that has gaps")
            given.append(leaf)
        return given

    def put_back(self) -> None:
        """Let all of it be what it was."""
        for item, olds in zip(self.world.lifted, self.objects):
            for place, old in zip(item.places, olds):
                place.put(old)
        for kept, leaf in zip(self.kept, self.leaves):
            if id(leaf) in self.copies and not same_as_kept(kept, leaf):
                leaf[...] = self.copies[id(leaf)]
        for one, old in self.lists:
            if not _same_items(one, old):
                list.__setitem__(one, slice(None), old)

    @contextmanager
    def again(self) -> Iterator[None]:
        """A context in which the function finds the state as it was here; it ends as it began."""
        now = Held(self.world)
        # What stands at the end of a list that has grown is another element.
        mine = [(x, x.copy(order="K")) for x in self.leaves if id(x) in self.copies]
        self.put_back()
        try:
            yield
        finally:
            now.put_back()
            for leaf, kept in mine:
                if not same_bits(leaf, kept):
                    leaf[...] = kept

    # -- what was written --------------------------------------------------------------------------

    def parted(self) -> bool:
        """Whether what stood in several places is no longer one object."""
        return any(item.get() is absent for item in self.world.lifted)

    def check(self) -> None:
        """Raise `Refused` if something was changed that a replay could not change."""
        self.appended()
        for item, old, contents in zip(self.world.lifted, self.objects, self.contents):
            if not contents.are_in(old[0]):
                raise Refused(f"it changes {item.name} and replaces it elsewhere")

    def stand_ins(self, boxes: Sequence[Any]) -> list[Any]:
        """What stands in the places while the function is recorded: these boxes for the leaves."""
        if not self.world.stateful:
            return list(boxes)
        made = list(self.world.kinds.rebuild(list(boxes))[0])
        self._boxes = [_Contents(one) for one in made]
        made, self._glanced = made[: len(self.objects)], made[len(self.objects) :]
        return made

    def grown(self, kill: Callable[[str], None]) -> list[Grown]:
        """What stands for the lists that the function appends to, once `stand_ins` is known."""
        return self._known_of([Grown(kill) for _ in self.world.lists], self._glanced)

    def reread(self, kill: Callable[[str], None]) -> list[Grown]:
        """The same for a plain call, which may change only what `put_back` knows."""
        if not self.world.glances:
            return [Reread(kill) for _ in self.world.lists]
        values = self.world.kinds.rebuild(list(self.leaves))[0][len(self.objects) :]
        return self._known_of([Reread(kill) for _ in self.world.lists], values)

    def _known_of(self, made: list[Grown], values: Sequence[Any]) -> list[Grown]:
        for (i, item), value in zip(self.world.glances, values):
            made[i].known[item.places[0].key] = value
        return made

    def appended(self) -> list[tuple[Any, ...]]:
        """What was appended to each list."""
        found = []
        for (one, old), item in zip(self.lists, self.world.list_places):
            if not _same_items(one[: len(old)], old):
                raise Refused(f"it changes {item.name}, which a replay would not do")
            found.append(tuple(one[len(old) :]))
        return found

    def writes(self, replaced: Replaced) -> tuple[list[tuple[str, int]], list[Any], list[Any]]:
        """What the plain call and the recorded one wrote: kinds, plain values, traced values."""
        stand_ins, left, grown = replaced
        kinds: list[tuple[str, int]] = []
        plain: list[Any] = []
        traced: list[Any] = []
        for i, item in enumerate(self.world.lifted):
            old, now = self.objects[i][0], item.get()
            new = left[i][0]
            refused = Refused(f"it changes {item.name}, which a replay would not do")
            if now is absent or new is absent or any(other is not new for other in left[i]):
                raise refused
            container, array = can_be_exchanged(old), type(old) is onp.ndarray
            if new is stand_ins[i]:
                if not self._boxes[i].are_in(new):
                    raise refused
                if now is not old and (container or array or not same_bits(old, now)):
                    raise refused
                continue
            if now is old:
                if container:
                    raise refused
                kinds.append(("fill" if array else "store", i))
            else:
                kinds.append(("store", i))
            plain.append(now)
            traced.append(new)
        if not all(map(_Contents.are_in, self._boxes[len(stand_ins) :], self._glanced)):
            raise Refused(
                "it changes what is in a list that it appends to, which a replay would not do"
            )
        for i, (items, one) in enumerate(zip(self.appended(), grown)):
            if items or one.items:
                kinds.append(("append", i))
                plain.append(items)
                traced.append(tuple(one.items))
        return kinds, plain, traced

    def own(self, plain: Sequence[Any], result: Any, arguments: Any) -> None:
        """Raise `Refused` if what was written holds a container that something else holds too."""
        others = [one for old in self.objects for one in containers_in(old[0])]
        others += [*containers_in(result), *containers_in(arguments)]
        known = set(map(id, others))
        for value in plain:
            for one in containers_in(value):
                if id(one) in known or self.world.watch.knows(one):
                    raise Refused(
                        "it keeps a list, dict or object that something else holds too, and a "
                        "replay would make a copy; copy it"
                    )
                known.add(id(one))

    def unwritten(self, kinds: Sequence[tuple[str, int]]) -> None:
        """Raise `Refused` if a leaf changed in place that is not filled anew."""
        filled = {id(self.objects[i][0]) for kind, i in kinds if kind == "fill"}
        for kept, leaf in zip(self.kept, self.leaves):
            if id(leaf) not in filled and not same_as_kept(kept, leaf):
                raise Refused("it writes into an array that it captures, which a replay cannot")

    def plan(
        self,
        kinds: Sequence[tuple[str, int]],
        wanted: Sequence[Any],
        results: int,
        sizes: Sequence[int],
        ints: Sequence[int],
        leaves: Sequence[Any],
    ) -> Plan:
        """The plan for these writes, by which arrays of the plain call are the same.

        Parameters
        ----------
        kinds : sequence of (str, int)
        wanted : sequence
            The number of the plan, the result's leaves and those of the values written.
        results : int
            How many of them are before those that are written.
        sizes : sequence of int
            How many leaves each value has that is written.
        ints : sequence of int
        leaves : sequence
            Of the arguments.
        """
        filled = {id(self.objects[i][0]) for kind, i in kinds if kind == "fill"}
        given = [*leaves, *self.leaves]
        numbers = {id(x): i for i, x in enumerate(given) if isinstance(x, onp.ndarray)}
        seen: dict[int, int] = {}
        same: list[tuple[int, int]] = []
        held: list[tuple[int, int]] = []
        starts = accumulate(sizes, initial=results)
        fills = {start for start, (kind, _) in zip(starts, kinds) if kind == "fill"}
        mine: list[tuple[int, Any]] = []
        captured = self.world.watch.arrays()
        theirs = set(map(id, captured))
        for i, leaf in enumerate(wanted):
            if type(leaf) is not onp.ndarray:
                continue
            if i in fills:
                continue
            if id(leaf) in numbers and (i >= results or id(leaf) in filled):
                held.append((i, numbers[id(leaf)]))
            elif id(leaf) in seen and not (i >= results and id(leaf) in theirs):
                same.append((i, seen[id(leaf)]))
            else:
                mine.append((i, leaf))
            seen.setdefault(id(leaf), i)
        others = [*captured, *(x for x in given if isinstance(x, onp.ndarray))]
        for i, leaf in mine:
            apart = others if i >= results else [x for x in others if id(x) in filled]
            near = any(onp.may_share_memory(leaf, other) for other in apart)
            near = near or any(
                (i >= results or j >= results) and onp.may_share_memory(leaf, other)
                for j, other in mine
                if j < i
            )
            if near:
                raise Refused(
                    "it keeps a view of an array, or one that it captures, where it changes what "
                    "it captures, and a replay would make a copy; copy it"
                )
        columns = [
            i
            for i, leaf in mine
            if i >= results and leaf.flags.f_contiguous and not leaf.flags.c_contiguous
        ]
        return Plan(tuple(kinds), tuple(ints), tuple(same), tuple(held), tuple(columns))

    def combined(self, number: int, kinds: Sequence[tuple[str, int]], result: Any) -> list[Any]:
        """The leaves of a plain call's result and of what it wrote, by a plan's kinds."""
        appended = self.appended()
        values = [
            appended[i] if kind == "append" else self.world.lifted[i].places[0].get()
            for kind, i in kinds
        ]
        return outputs_of((number, result, values))[0]


class Finish:
    """Writes what a replay has computed into its places, and gives the result.

    Parameters
    ----------
    world : WorldState
    known : Known
        What the leaves are.
    """

    __slots__ = ("_columns", "_held", "_ints", "_result", "_results", "_same", "_writes")

    def __init__(self, world: WorldState, known: Known) -> None:
        plan, structure = known
        _, result, values = structure.children
        self._ints, self._same, self._held = plan.ints, plan.same, plan.held
        self._columns = plan.columns
        self._result = None if result.is_leaf else result.unflatten
        self._results = 1 + result.size
        self._writes: list[tuple[Callable[[Any], Any], int, int, Any]] = []
        first = self._results
        for (kind, i), value in zip(plan.writes, values.children):
            last = first + value.size
            build = None if value.is_leaf else value.unflatten
            puts: list[Callable[[Any], Any]] = []
            if kind == "append":
                puts.append(partial(list.extend, world.lists[i]))
            elif kind == "fill":
                puts.append(partial(_fill, world.lifted[i].places[0]))
            else:
                puts += [place.putter() for place in world.lifted[i].places]
            self._writes += [(put, first, last, build) for put in puts[:1]]
            self._writes += [(put, first, -1, None) for put in puts[1:]]
            first = last

    def __call__(self, outs: list[Any], inputs: Sequence[Any] = ()) -> Any:
        for i in self._ints:
            outs[i] = int(outs[i])
        for i in self._columns:
            outs[i] = onp.asfortranarray(outs[i])
        for i, j in self._same:
            outs[i] = outs[j]
        for i, j in self._held:
            outs[i] = inputs[j]
        result = outs[1] if self._result is None else self._result(outs[1 : self._results])
        value = None
        for put, first, last, build in self._writes:
            if last >= 0:  # else the same value as before, in another place
                value = outs[first] if build is None else build(outs[first:last])
            put(value)
        return result


def _fill(place: Place, value: Any) -> None:
    store_result(place.get(), value)


def overlaps(world: WorldState, leaves: Sequence[Any], captured: Sequence[Any]) -> bool:
    """Whether an array that is filled lies in the memory of another one that is read.

    Or is that one itself: an input that stands in another place too, or a constant of the programs.
    """
    filled = [
        world.lifted[i].get()
        for known in world.known
        for kind, i in known.plan.writes
        if kind == "fill"
    ]
    arrays = [x for x in (*leaves, *captured, *world.constants) if isinstance(x, onp.ndarray)]
    return any(sum(onp.may_share_memory(one, x) for x in arrays) > 1 for one in filled)
