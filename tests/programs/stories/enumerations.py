"""Stories of enumerations, data classes and matching, and of scopes."""

from __future__ import annotations

import contextlib
import dataclasses
import enum

import fastad.numpy as np

from .base import Model, nothing, story


@story
def enumeration_with_a_value_that_holds():
    class Mode(enum.Enum):
        SLOW = [2.0]
        FAST = [3.0]

    def change():
        Mode.SLOW.value[0] = 9.0

    return lambda x: x * Mode.SLOW.value[0], change, nothing


@story
def enumeration_flag_in_an_object():
    class Option(enum.Flag):
        DOUBLE = enum.auto()
        SHIFT = enum.auto()

    model = Model()
    model.options = Option.DOUBLE

    def f(x):
        if Option.DOUBLE in model.options:
            x = x * 2
        if Option.SHIFT in model.options:
            x = x + 1
        return x

    def change():
        model.options |= Option.SHIFT

    return f, change, nothing


@story
def match_on_a_string():
    mode = {"kind": "sin"}

    def f(x):
        match mode["kind"]:
            case "sin":
                return np.sin(x)
            case "cos":
                return np.cos(x)
            case _:
                return x

    def change():
        mode["kind"] = "cos"

    return f, change, nothing


@story
def match_on_a_class():
    @dataclasses.dataclass
    class Point:
        a: float
        b: float

    points = [Point(1.0, 2.0)]

    def f(x):
        match points[0]:
            case Point(a=1.0, b=b):
                return x * b
            case Point(a=a):
                return x + a

    def change():
        points[0].a = 4.0

    return f, change, nothing


@story
def match_with_a_guard_on_a_value():
    def f(x):
        match x:
            case _ if x > 1.0:
                return x * 2
            case _:
                return x * 3

    return f, nothing, nothing


@story
def match_on_a_sequence():
    shape = [1.0, 2.0]

    def f(x):
        match shape:
            case [a, b]:
                return x * a + b
            case [a, *rest]:
                return x * a + len(rest)

    def change():
        shape.append(3.0)

    return f, change, nothing


@story
def field_of_a_data_class_changed_in_place():
    @dataclasses.dataclass
    class Options:
        scale: float = 2.0
        weights: list = dataclasses.field(default_factory=lambda: [1.0, 2.0])

    options = Options()

    def change():
        options.weights[1] = 5.0

    return lambda x: x * options.scale * options.weights[1], change, nothing


@story
def data_class_with_slots():
    @dataclasses.dataclass(slots=True)
    class Options:
        scale: float = 2.0

    options = Options()

    def change():
        options.scale = 3.0

    return lambda x: x * options.scale, change, nothing


@story
def data_class_replaced_within():
    @dataclasses.dataclass(frozen=True)
    class Options:
        scale: float = 2.0
        shift: float = 0.0

    box = [Options()]

    def f(x):
        local = dataclasses.replace(box[0], shift=1.0)
        return x * local.scale + local.shift

    def change():
        box[0] = Options(3.0)

    return f, change, nothing


@story
def fields_of_a_data_class_listed():
    @dataclasses.dataclass
    class Options:
        a: float = 1.0
        b: float = 2.0

    options = Options()

    def change():
        options.b = 7.0

    return lambda x: sum(x * v for v in dataclasses.astuple(options)), change, nothing


@story
def global_rebound_by_exec():
    space = {"np": np}
    exec("scale = 2.0\ndef f(x):\n    return x * scale\n", space)
    return space["f"], lambda: exec("scale = 3.0", space), nothing


@story
def global_deleted_falls_back_to_the_builtin():
    space = {}
    exec("abs = lambda x: 5 * x\ndef f(x):\n    return abs(x)\n", space)
    return space["f"], lambda: exec("del abs", space), nothing


@story
def nonlocal_between_two_functions():
    scale = 2.0

    def set_it(value):
        nonlocal scale
        scale = value

    return lambda x: x * scale, lambda: set_it(3.0), nothing


@story
def nonlocal_counter_in_a_helper():
    calls = 0

    def helper(x):
        nonlocal calls
        calls += 1
        return x * 2

    return lambda x: helper(x) + 1, nothing, lambda: calls


@story
def counter_in_a_helper_of_a_comprehension():
    calls = []

    def helper(x, i):
        calls.append(i)
        return x * i

    return lambda x: sum([helper(x, i) for i in range(3)]), nothing, lambda: len(calls)


@story
def walrus_in_a_condition():
    limits = [1.0]

    def f(x):
        if (y := x * 2) > limits[0]:
            return y
        return -y

    def change():
        limits[0] = 10.0

    return f, change, nothing


@story
def walrus_in_a_comprehension():
    weights = [1.0, 2.0, 3.0]

    def f(x):
        last = 0.0
        total = sum(last := x * w + last for w in weights)
        return total + last

    def change():
        weights.pop()

    return f, change, nothing


@story
def comprehension_over_a_captured_dict():
    table = {"a": 1.0, "b": 2.0}

    def f(x):
        return sum(v * x**i for i, v in enumerate(table.values()))

    def change():
        table["c"] = 3.0

    return f, change, nothing


@story
def order_of_a_captured_set():
    names = {"a", "b"}
    table = {"a": 1.0, "b": 2.0, "c": 4.0}

    def change():
        names.add("c")

    return lambda x: sum(x * table[name] for name in sorted(names)), change, nothing


@story
def generator_expression_kept_aside():
    gen = (k for k in range(100))
    return lambda x: x * next(gen), nothing, lambda: next(gen)


@story
def generator_function_with_a_captured_list():
    values = [1.0, 2.0]

    def walk():
        for v in values:
            yield 2 * v

    def change():
        values[0] = 5.0

    return lambda x: sum(x * v for v in walk()), change, nothing


@story
def generator_that_is_sent_values():
    def accumulate():
        total = 0.0
        while True:
            total += yield total

    def f(x):
        gen = accumulate()
        next(gen)
        gen.send(x)
        return gen.send(2 * x)

    return f, nothing, nothing


@story
def generator_kept_and_sent_values():
    def accumulate():
        total = 0.0
        while True:
            total += yield total

    gen = accumulate()
    next(gen)
    return lambda x: gen.send(1.0) * x, nothing, lambda: gen.send(0.0)


@story
def finally_that_counts():
    done = []

    def f(x):
        try:
            return x * 2
        finally:
            done.append(1)

    return f, nothing, lambda: len(done)


@story
def finally_that_returns():
    flag = [False]

    def f(x):
        try:
            return x * 2
        finally:
            if flag[0]:
                return x * 3  # noqa: B012

    def change():
        flag[0] = True

    return f, change, nothing


@story
def context_manager_that_scales():
    class Scaled:
        level = 1.0

        def __enter__(self):
            Scaled.level = 2.0
            return self

        def __exit__(self, *error):
            Scaled.level = 1.0

    def f(x):
        with Scaled() as s:
            return x * s.level

    return f, nothing, lambda: Scaled.level


@story
def context_manager_that_the_world_enters():
    level = [1.0]

    @contextlib.contextmanager
    def scaled(by):
        before, level[0] = level[0], by
        try:
            yield
        finally:
            level[0] = before

    stack = contextlib.ExitStack()
    return lambda x: x * level[0], lambda: stack.enter_context(scaled(3.0)), nothing


@story
def exit_stack_with_a_callback():
    seen = []

    def f(x):
        with contextlib.ExitStack() as stack:
            stack.callback(seen.append, 1)
            return x * 2

    return f, nothing, lambda: len(seen)


@story
def suppressed_exception():
    table = {}

    def f(x):
        with contextlib.suppress(KeyError):
            return x * table["scale"]
        return -x

    def change():
        table["scale"] = 2.0

    return f, change, nothing
