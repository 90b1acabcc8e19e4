"""Slots: each kind of place notices every change of what it holds, and nothing else."""

import gc
import sys
import threading
import weakref

import numpy as np
import pytest

from fastad._core import Observer, Slots, same_constant
from fastad.programs.allowed import passed_over


def cell_of(value):
    return (lambda: value).__closure__[0]


def test_entry_may_be_absent_and_notices_rebinding():
    world = {"a": [1]}
    slots = Slots()
    slots.entry(world, "a")
    slots.entry(world, "b")
    assert slots.holds()
    world["b"] = 1
    assert slots.changed() == [1]
    del world["b"]
    assert slots.holds()
    world["a"] = [1]  # an equal list is another list
    assert slots.changed() == [0]
    slots.refresh()
    assert slots.holds()


def test_the_dict_of_an_object_is_noticed_when_another_is_set():
    class Model:
        pass

    model, slots = Model(), Slots()
    model.a = 1
    slots.space(model)
    slots.space(lambda: None)
    slots.space(3)  # has none
    model.b = 2
    assert slots.holds()
    before = model.__dict__
    model.__dict__ = dict(before)
    assert slots.changed() == [0]
    model.__dict__ = before
    assert slots.holds()


@pytest.mark.parametrize(
    "old, new, same",
    [
        (1.5, float("1.5"), True),
        (1.5, 2.5, False),
        (0.0, -0.0, False),
        (1, True, False),
        (1, 1.0, False),
        (10**20, int("1" + "0" * 20), True),
        ("ab", "".join(["a", "b"]), True),
        ((1, "a", 2.0), (1, "a", float("2.0")), True),
        ((1, [2]), (1, [2]), False),
        (np.float64(2), np.float64(2), True),
        (np.float64(2), np.float32(2), False),
        (np.float64(2), 2.0, False),
        (float("nan"), float("nan"), True),
        (np.datetime64("2020-01-01"), np.datetime64("2020-01-02"), False),
        (2j, complex("2j"), True),
    ],
)
def test_constants_are_compared_by_type_and_bits(old, new, same):
    assert same_constant(old, new) is same
    slots = Slots()
    world = {"a": old}
    slots.entry(world, "a")
    world["a"] = new
    assert slots.holds() is same


def test_keys_notice_order_new_keys_and_only_named_values():
    world = {"a": 1, "b": 2, "c": 3}
    slots = Slots()
    slots.keys(world, frozenset({"a"}))
    world["b"] = 5
    assert slots.holds()
    world["a"] = 5
    assert not slots.holds()
    world["a"] = 1
    world["d"] = 1
    assert not slots.holds()
    del world["d"], world["b"]
    world["b"] = 2
    assert not slots.holds()  # the order is another one
    everything = Slots()
    everything.keys(world)
    world["c"] = 4
    assert not everything.holds()


def test_items_and_single_items_left_out():
    values = [1.0, 2.0]
    slots = Slots()
    number = slots.items(values)
    values[0] = 1.5
    assert slots.changed() == [number]
    slots.ignore(number, 0)
    assert slots.holds()
    values.append(3.0)
    assert not slots.holds()


def test_classes_functions_cells_members():
    class Base:
        scale = 2

    class Other:
        scale = 2

    class Model(Base):
        __slots__ = ("weight",)

    def function(x, y=1, *, z=2):
        return x

    model = Model()
    cell = cell_of(1)
    slots = Slots()
    places = [slots.cell(cell), slots.type(model), slots.mro(Model), slots.entry(Base, "scale")]
    places += [slots.member(model, Model.weight), slots.function(function)]
    assert slots.holds()
    cell.cell_contents = 3
    assert slots.changed() == [places[0]]
    cell.cell_contents = 1
    Base.scale = 3
    assert slots.changed() == [places[3]]
    Base.scale = 2
    model.weight = 4
    assert slots.changed() == [places[4]]
    del model.weight
    function.__code__ = (lambda x, y, z: 1).__code__
    function.__defaults__ = (2,)
    function.__kwdefaults__ = {"z": 3}
    assert slots.changed() == [places[5], places[5] + 1, places[5] + 2]
    slots.refresh()
    Model.__bases__ = (Other,)
    assert slots.changed() == [places[2]]


@pytest.mark.parametrize("size", [0, 1, 7, 1000, 100_003])
@pytest.mark.parametrize("dtype", ["float64", "float32", "uint8", "complex128"])
def test_every_element_of_an_array_counts(size, dtype):
    array = np.arange(size).astype(dtype)
    strided = np.arange(2 * size).astype(dtype)[::2]
    slots = Slots()
    first, second = slots.content(array), slots.content(strided)
    assert slots.holds()
    for position in {0, size // 2, size - 1} if size else ():
        for which, values in ((first, array), (second, strided)):
            old = values[position]
            values[position] = old + 1
            assert slots.changed() == [which]
            values[position] = old
            assert slots.holds()


def test_the_layout_of_an_array_counts():
    array = np.arange(6.0)
    slots = Slots()
    slots.content(array)
    array.shape = (2, 3)
    assert not slots.holds()


def test_call_slots_and_exceptions_in_them():
    world = [1, 2]

    def read():
        return tuple(world)

    slots = Slots()
    slots.call(read)
    assert slots.holds()
    world.append(3)
    assert not slots.holds()
    slots.refresh()
    world = None
    assert not slots.holds()


def test_cycles_through_slots_are_freed():
    class Holder:
        pass

    holder = Holder()
    holder.slots = Slots()
    holder.slots.keys(holder.__dict__)
    holder.slots.entry(holder.__dict__, "x")
    gone = weakref.ref(holder)
    del holder
    gc.collect()
    assert gone() is None


def test_an_observer_sees_code_and_c_functions_of_this_thread():
    def inner():
        return len([1])

    def other():
        pass

    def outer():
        return inner() + sum(x for x in range(3))

    stop = threading.Event()
    thread = threading.Thread(
        target=lambda: [other() for _ in iter(lambda: stop.wait(0.001), True)]
    )
    thread.start()
    with Observer(passed_over, False) as observer:
        outer()
    stop.set()
    thread.join()
    codes = observer.codes
    assert outer.__code__ in codes and inner.__code__ in codes and other.__code__ not in codes
    called = {(function.__name__, code.co_name) for function, code, _ in observer.calls}
    assert {("len", "inner"), ("sum", "outer")} <= called
    assert sys.getprofile() is None


def test_an_interrupt_while_slots_are_compared_is_no_change():
    answer = [(1,)]

    def read():
        if answer[0] is None:
            raise KeyboardInterrupt
        if not answer[0]:
            raise ValueError
        return answer[0]

    slots = Slots()
    slots.call(read)
    assert slots.holds()
    answer[0] = ()
    assert not slots.holds() and slots.changed() == [0]
    answer[0] = None
    for ask in (slots.holds, slots.changed):
        with pytest.raises(KeyboardInterrupt):
            ask()


def test_an_observer_leaves_a_profiler_in_place():
    seen = []

    def profiler(frame, event, argument):
        seen.append(event)

    sys.setprofile(profiler)
    try:
        with Observer(passed_over, False) as observer:
            len("a")
        assert sys.getprofile() is profiler
    finally:
        sys.setprofile(None)
    assert "c_call" in seen and observer.calls


class Owner:
    shared = 1


# Each changes what stands under "a" in the dict that it is given, or in its owner's.
WRITERS = {
    "item": lambda d, o: d.__setitem__("a", 2),
    "setdefault": lambda d, o: (d.pop("a"), d.setdefault("a", 2)),
    "update": lambda d, o: d.update(a=2),
    "merged": lambda d, o: d.__ior__({"a": 2}),
    "del": lambda d, o: d.__delitem__("a"),
    "pop": lambda d, o: d.pop("a"),
    "popitem": lambda d, o: [d.popitem() for _ in range(len(d))],
    "clear": lambda d, o: d.clear(),
    "refilled": lambda d, o: (d.clear(), d.update(a=2, b=1)),
    "globals": lambda d, o: exec("global a\na = 2", d),
    "attribute": lambda d, o: setattr(o, "a", 2),
    "no attribute": lambda d, o: delattr(o, "a"),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("where", ["dict", "instance", "class", "module"])
def test_a_dict_that_held_is_looked_at_again_when_it_was_written_to(where, writer):
    if where == "instance":
        owner = Owner()
        holder = space = owner.__dict__
    elif where == "class":
        owner = type("Changing", (), {})
        holder, space = owner, None
    elif where == "module":
        owner = type(sys)("changing")
        holder = space = owner.__dict__
    else:
        owner, holder = None, {}
        space = holder
    if writer.endswith("attribute") and owner is None:
        return
    if where == "class" and not writer.endswith("attribute"):
        return
    if where == "class":
        owner.a, owner.b = 1, 1
    else:
        space.update(a=1, b=1)
    slots = Slots()
    slots.entry(holder, "a")
    slots.entry(holder, "missing")
    slots.keys(holder, frozenset({"a"}))
    for _ in range(3):
        assert slots.holds()
    WRITERS[writer](space, owner)
    assert slots.changed()  # one slot after the other, whatever was seen before
    assert not slots.holds()
    assert not slots.holds()
    slots.refresh()
    assert slots.holds() and slots.changed() == []
    if where == "class":
        owner.a = 3
    else:
        space["a"] = 3
    assert not slots.holds() and slots.changed()


def test_what_is_added_or_no_longer_compared_counts_from_then_on():
    world, function = {"a": 1, "b": 2}, lambda x=1: x
    slots = Slots()
    number = slots.entry(world, "a")
    assert slots.holds()
    slots.entry(world, "b")
    first = slots.function(function)
    assert slots.holds()
    world["b"] = 3
    function.__defaults__ = (2,)
    assert not slots.holds()
    world["b"] = 2
    assert not slots.holds() and slots.changed() == [first + 1]
    slots.ignore(first + 1)
    assert slots.holds()
    world["a"] = 5
    assert not slots.holds()
    slots.ignore(number)
    assert slots.holds()
    world["b"] = 7
    assert not slots.holds()
