"""Stories of Python's own means: classes, descriptors, scopes, generators, caches, contexts."""

from __future__ import annotations

import abc
import contextlib
import copy
import dataclasses
import enum
import functools
import itertools
import operator
import types
import typing
import weakref

import numpy as onp

import fastad.numpy as np
from fastad import grad

from .stories import STORIES, Model, nothing, story

__all__ = ["STORIES"]

# -- classes --


@story
def property_that_counts():
    class Counting:
        reads = 0

        @property
        def scale(self):
            self.reads += 1
            return 2.0

    model = Counting()
    return lambda x: x * model.scale, nothing, lambda: model.reads


@story
def property_over_a_private_field():
    class Thermostat:
        def __init__(self):
            self._value = 2.0

        @property
        def value(self):
            return self._value

        @value.setter
        def value(self, new):
            self._value = new * 10

    model = Thermostat()

    def change():
        model.value = 3.0

    return lambda x: x * model.value, change, lambda: model._value


@story
def property_replaced_on_the_class():
    class Scaled:
        @property
        def scale(self):
            return 2.0

    model = Scaled()

    def change():
        Scaled.scale = property(lambda self: 5.0)

    return lambda x: x * model.scale, change, nothing


@story
def attributes_made_by_getattr():
    class Settings:
        def __init__(self):
            self.table = {"scale": 2.0}

        def __getattr__(self, name):
            return self.table[name]

    settings = Settings()

    def change():
        settings.table["scale"] = 7.0

    return lambda x: x * settings.scale, change, nothing


@story
def attributes_made_by_getattr_and_then_set():
    class Settings:
        def __getattr__(self, name):
            return 2.0

    settings = Settings()

    def change():
        settings.scale = 7.0

    return lambda x: x * settings.scale, change, nothing


@story
def attributes_read_by_getattribute():
    class Settings:
        def __init__(self):
            self.hidden = 2.0

        def __getattribute__(self, name):
            if name == "scale":
                return object.__getattribute__(self, "hidden")
            return object.__getattribute__(self, name)

    settings = Settings()

    def change():
        settings.hidden = 7.0

    return lambda x: x * settings.scale, change, nothing


@story
def slots_of_a_class():
    class Slotted:
        __slots__ = ("offset", "scale")

        def __init__(self):
            self.scale = 2.0

    model = Slotted()

    def f(x):
        return x * model.scale + getattr(model, "offset", 0.0)

    def change():
        model.offset = 10.0

    return f, change, nothing


@story
def slots_deleted():
    class Slotted:
        __slots__ = ("scale",)

    model = Slotted()
    model.scale = 2.0

    def f(x):
        try:
            return x * model.scale
        except AttributeError:
            return -x

    def change():
        del model.scale

    return f, change, nothing


@story
def slots_of_a_base():
    class Base:
        __slots__ = ("scale",)

    class Derived(Base):
        __slots__ = ("shift",)

    model = Derived()
    model.scale, model.shift = 2.0, 1.0

    def change():
        model.scale = 4.0

    return lambda x: x * model.scale + model.shift, change, nothing


@story
def descriptor_of_ones_own():
    class Field:
        def __set_name__(self, owner, name):
            self.name = "_" + name

        def __get__(self, instance, owner=None):
            return getattr(instance, self.name)

        def __set__(self, instance, value):
            setattr(instance, self.name, value)

    class Record:
        scale = Field()

    record = Record()
    record.scale = 2.0

    def change():
        record.scale = 3.0

    return lambda x: x * record.scale, change, lambda: record.scale


@story
def descriptor_with_a_table_by_instance():
    class Field:
        def __init__(self):
            self.values = {}

        def __get__(self, instance, owner=None):
            return self.values[id(instance)]

        def __set__(self, instance, value):
            self.values[id(instance)] = value

    class Record:
        scale = Field()

    record = Record()
    record.scale = 2.0

    def change():
        record.scale = 3.0

    return lambda x: x * record.scale, change, nothing


@story
def descriptor_with_a_weak_table():
    class Field:
        def __init__(self):
            self.values = weakref.WeakKeyDictionary()

        def __get__(self, instance, owner=None):
            return self.values[instance]

        def __set__(self, instance, value):
            self.values[instance] = value

    class Record:
        scale = Field()

    record = Record()
    record.scale = 2.0

    def change():
        record.scale = 3.0

    return lambda x: x * record.scale, change, nothing


@story
def cached_property_read_first_in_the_function():
    class Lazy:
        base = 2.0

        @functools.cached_property
        def scale(self):
            return self.base * 2

    model = Lazy()

    def change():
        model.__dict__.pop("scale", None)
        model.base = 5.0

    return lambda x: x * model.scale, change, lambda: sorted(vars(model))


@story
def class_of_an_object_changes():
    class A:
        def scale(self):
            return 2.0

    class B:
        def scale(self):
            return 3.0

    model = A()

    def change():
        model.__class__ = B

    return lambda x: x * model.scale(), change, nothing


@story
def bases_of_a_class_change():
    class A:
        scale = 2.0

    class B:
        scale = 3.0

    class Base(A):
        pass

    class Derived(Base):
        pass

    model = Derived()

    def change():
        Base.__bases__ = (B,)

    return lambda x: x * model.scale, change, nothing


@story
def attribute_of_a_class_hidden_by_an_instance():
    class A:
        scale = 2.0

    model = A()

    def change():
        model.scale = 3.0

    return lambda x: x * model.scale, change, nothing


@story
def attribute_of_a_derived_class_appears():
    class A:
        scale = 2.0

    class B(A):
        pass

    model = B()

    def change():
        B.scale = 3.0

    return lambda x: x * model.scale, change, nothing


@story
def metaclass_with_a_property():
    class Meta(type):
        level = 2.0

        @property
        def scale(cls):
            return cls.level

    class A(metaclass=Meta):
        pass

    def change():
        Meta.level = 3.0

    return lambda x: x * A.scale, change, nothing


@story
def metaclass_that_is_called():
    class Meta(type):
        made = 0

        def __call__(cls, *args):
            Meta.made += 1
            return super().__call__(*args)

    class A(metaclass=Meta):
        def __init__(self, x):
            self.x = x

    return lambda x: A(x).x * 2, nothing, lambda: Meta.made


@story
def instances_counted_in_new():
    class Counted:
        made = []

        def __new__(cls, x):
            cls.made.append(1)
            return super().__new__(cls)

        def __init__(self, x):
            self.x = x

    return lambda x: Counted(x).x * 2, nothing, lambda: len(Counted.made)


@story
def finaliser_that_counts():
    ended = []

    class Ending:
        def __init__(self, x):
            self.x = x

        def __del__(self):
            ended.append(1)

    return lambda x: Ending(x).x * 2, nothing, lambda: len(ended)


@story
def abstract_class_with_a_registered_one():
    class Shape(abc.ABC):  # noqa: B024
        pass

    class Square:
        pass

    square = Square()

    def change():
        Shape.register(Square)

    return lambda x: x * (3.0 if isinstance(square, Shape) else 2.0), change, nothing


@story
def instance_check_of_ones_own():
    class Meta(type):
        answer = False

        def __instancecheck__(cls, instance):
            return Meta.answer

    class Odd(metaclass=Meta):
        pass

    thing = Model()

    def change():
        Meta.answer = True

    return lambda x: x * (3.0 if isinstance(thing, Odd) else 2.0), change, nothing


@story
def protocol_that_is_met_later():
    @typing.runtime_checkable
    class Scales(typing.Protocol):
        scale: float

    model = Model()

    def change():
        model.scale = 3.0

    return lambda x: x * (3.0 if isinstance(model, Scales) else 2.0), change, nothing


@story
def callable_object_with_a_state():
    class Scale:
        def __init__(self):
            self.by = 2.0

        def __call__(self, x):
            return x * self.by

    scale = Scale()

    def change():
        scale.by = 3.0

    return lambda x: scale(x), change, nothing


@story
def call_of_a_class_replaced():
    class Scale:
        def __call__(self, x):
            return x * 2

    scale = Scale()

    def change():
        Scale.__call__ = lambda self, x: x * 3

    return lambda x: scale(x), change, nothing


@story
def number_of_ones_own():
    class Money:
        def __init__(self, amount):
            self.amount = amount

        def __rmul__(self, other):
            return other * self.amount

    money = Money(2.0)

    def change():
        money.amount = 3.0

    return lambda x: x * money, change, nothing


@story
def length_and_truth_of_an_object():
    class Bag:
        def __init__(self):
            self.size = 0

        def __len__(self):
            return self.size

    bag = Bag()

    def change():
        bag.size = 2

    return lambda x: x * 3.0 if bag else x * 2.0, change, nothing


@story
def containment_of_ones_own():
    class Set:
        def __init__(self):
            self.items = [1]

        def __contains__(self, item):
            return item in self.items

    items = Set()

    def change():
        items.items.append(7)

    return lambda x: x * 3.0 if 7 in items else x * 2.0, change, nothing


@story
def equality_of_ones_own():
    class Key:
        def __init__(self, number):
            self.number = number

        def __eq__(self, other):
            return self.number == other.number

        def __hash__(self):
            return 1

    key, other = Key(1), Key(2)

    def change():
        other.number = 1

    return lambda x: x * 3.0 if key == other else x * 2.0, change, nothing


@story
def hash_of_ones_own():
    class Key:
        code = 1

        def __hash__(self):
            return self.code

        def __eq__(self, other):
            return True

    key = Key()
    table = {Key(): 2.0}

    def f(x):
        return x * table.get(key, 5.0)

    def change():
        key.code = 2

    return f, change, nothing


@story
def iterable_of_ones_own():
    class Steps:
        def __init__(self):
            self.values = [1.0, 2.0]

        def __iter__(self):
            yield from self.values

    steps = Steps()

    def change():
        steps.values.append(3.0)

    return lambda x: sum(x * s for s in steps), change, nothing


@story
def keys_and_items_of_a_mapping_of_ones_own():
    class Table:
        def __init__(self):
            self.rows = {"a": 1.0}

        def keys(self):
            return self.rows.keys()

        def __getitem__(self, key):
            return self.rows[key]

    table = Table()

    def g(a=0.0, b=0.0):
        return a + 10 * b

    def change():
        table.rows["b"] = 2.0

    return lambda x: x * g(**table), change, nothing


@story
def subclass_of_float():
    class Celsius(float):
        offset = 1.0

        def kelvin(self):
            return float(self) + self.offset

    t = Celsius(20.0)

    def change():
        Celsius.offset = 273.15

    return lambda x: x * t.kelvin(), change, nothing


@story
def subclass_of_float_with_an_attribute():
    class Tagged(float):
        pass

    t = Tagged(2.0)
    t.weight = 1.0

    def change():
        t.weight = 3.0

    return lambda x: x * t * t.weight, change, nothing


@story
def subclass_of_a_list():
    class Stack(list):
        limit = 1

        def top(self):
            return self[-self.limit]

    stack = Stack([1.0, 2.0])

    def change():
        stack.append(5.0)

    return lambda x: x * stack.top(), change, nothing


@story
def subclass_of_a_dict_with_missing():
    class Defaults(dict):
        fallback = 2.0

        def __missing__(self, key):
            return self.fallback

    table = Defaults()

    def change():
        table.fallback = 3.0

    return lambda x: x * table["scale"], change, nothing


@story
def chain_of_maps():
    import collections

    base, top = {"scale": 2.0}, {}
    chain = collections.ChainMap(top, base)

    def change():
        top["scale"] = 3.0

    return lambda x: x * chain["scale"], change, nothing


@story
def user_dict():
    import collections

    table = collections.UserDict(scale=2.0)

    def change():
        table["scale"] = 3.0

    return lambda x: x * table["scale"], change, nothing


# -- enumerations, data classes, matching --


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


# -- scopes --


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


# -- functions --


def _scaled_by(cell):
    def decorate(fun):
        @functools.wraps(fun)
        def inner(*args):
            return fun(*args) * cell[0]

        return inner

    return decorate


@story
def decorator_with_a_state():
    cell = [2.0]

    @_scaled_by(cell)
    def helper(x):
        return x + 1

    def change():
        cell[0] = 3.0

    return lambda x: helper(x), change, nothing


@story
def decorator_that_counts():
    calls = {}

    def counted(fun):
        def inner(x):
            calls[fun.__name__] = calls.get(fun.__name__, 0) + 1
            return fun(x)

        return inner

    @counted
    def helper(x):
        return x * 2

    return lambda x: helper(x), nothing, lambda: calls


@story
def partial_with_a_captured_list():
    weights = [1.0, 2.0]
    helper = functools.partial(lambda w, x: x * w[0] + w[1], weights)

    def change():
        weights[0] = 4.0

    return lambda x: helper(x), change, nothing


@story
def partial_with_a_keyword_changed():
    helper = functools.partial(lambda x, scale: x * scale, scale=2.0)

    def change():
        helper.keywords["scale"] = 3.0

    return lambda x: helper(x), change, nothing


@story
def partial_method():
    class Model2:
        level = 2.0

        def scaled(self, by, x):
            return x * by * self.level

        doubled = functools.partialmethod(scaled, 2.0)

    model = Model2()

    def change():
        model.level = 5.0

    return lambda x: model.doubled(x), change, nothing


@story
def cache_of_a_function_of_settings():
    settings = {"scale": 2.0}

    @functools.cache
    def scale(name):
        return settings[name]

    def change():
        settings["scale"] = 3.0  # the cache does not know

    return lambda x: x * scale("scale"), change, lambda: scale.cache_info().currsize


@story
def cache_cleared():
    settings = {"scale": 2.0}

    @functools.cache
    def scale(name):
        return settings[name]

    def change():
        settings["scale"] = 3.0
        scale.cache_clear()

    return lambda x: x * scale("scale"), change, lambda: scale.cache_info().currsize


@story
def cache_by_value():
    @functools.lru_cache
    def square(x):
        return x * x

    return lambda x: square(x) + 1, nothing, lambda: square.cache_info().currsize


@story
def dispatch_by_single_type():
    @functools.singledispatch
    def scale(thing):
        return 2.0

    model = Model()

    def change():
        scale.register(Model, lambda thing: 3.0)

    return lambda x: x * scale(model), change, nothing


@story
def attribute_of_a_function():
    def f(x):
        return x * f.scale

    f.scale = 2.0

    def change():
        f.scale = 3.0

    return f, change, nothing


@story
def keyword_defaults_replaced():
    def helper(x, *, scale=2.0):
        return x * scale

    def change():
        helper.__kwdefaults__ = {"scale": 3.0}

    return lambda x: helper(x), change, nothing


@story
def keyword_defaults_changed():
    def helper(x, *, scale=2.0):
        return x * scale

    def change():
        helper.__kwdefaults__["scale"] = 3.0

    return lambda x: helper(x), change, nothing


@story
def default_that_is_a_list():
    def helper(x, w=[2.0]):  # noqa: B006
        return x * w[0]

    def change():
        helper.__defaults__[0][0] = 3.0

    return lambda x: helper(x), change, nothing


@story
def annotations_read():
    def helper(x: float):
        return x * helper.__annotations__.get("scale", 2.0)

    def change():
        helper.__annotations__["scale"] = 3.0

    return lambda x: helper(x), change, nothing


@story
def name_of_a_function_read():
    def helper(x):
        return x

    table = {"helper": 2.0, "other": 3.0}

    def change():
        helper.__name__ = "other"

    return lambda x: x * table[helper.__name__], change, nothing


@story
def documentation_of_a_function_read():
    def helper(x):
        """2"""
        return x

    def change():
        helper.__doc__ = "3"

    return lambda x: x * float(helper.__doc__), change, nothing


@story
def operator_of_a_string():
    model = Model()
    model.inner = Model()
    model.inner.scale = 2.0
    get = operator.attrgetter("inner.scale")

    def change():
        model.inner.scale = 3.0

    return lambda x: x * get(model), change, nothing


@story
def module_made_by_hand():
    module = types.ModuleType("settings_made_by_hand")
    module.scale = 2.0

    def change():
        module.scale = 3.0

    return lambda x: x * module.scale, change, nothing


@story
def module_with_a_getattr():
    module = types.ModuleType("settings_made_by_hand")
    levels = {"scale": 2.0}
    module.__getattr__ = lambda name: levels[name]

    def change():
        levels["scale"] = 3.0

    return lambda x: x * module.scale, change, nothing


@story
def weak_reference_that_dies():
    holder = [Model()]
    ref = weakref.ref(holder[0])

    def f(x):
        return x * (2.0 if ref() is not None else 3.0)

    return f, holder.clear, nothing


@story
def weak_proxy():
    model = Model()
    model.scale = 2.0
    proxy = weakref.proxy(model)

    def change():
        model.scale = 3.0

    return lambda x: x * proxy.scale, change, nothing


@story
def copy_within():
    model = Model()
    model.table = {"scale": 2.0}

    def f(x):
        local = copy.deepcopy(model)
        return x * local.table["scale"]

    def change():
        model.table["scale"] = 3.0

    return f, change, nothing


@story
def variables_of_an_object():
    model = Model()
    model.a, model.b = 1.0, 2.0

    def change():
        model.c = 4.0

    return lambda x: sum(x * v for v in vars(model).values()), change, nothing


@story
def names_listed_by_dir():
    model = Model()
    model.rate_a = 1.0

    def f(x):
        return sum(x * getattr(model, n) for n in dir(model) if n.startswith("rate_"))

    def change():
        model.rate_b = 2.0

    return f, change, nothing


@story
def locals_read():
    def f(x):
        scale = 2.0
        return x * locals()["scale"]

    return f, nothing, nothing


@story
def product_of_iterators():
    grid = [[1.0, 2.0], [3.0]]

    def f(x):
        return sum(x * a * b for a, b in itertools.product(*grid))

    def change():
        grid[1].append(4.0)

    return f, change, nothing


@story
def sorted_by_a_key():
    order = {"a": 1, "b": 2}

    def f(x):
        total = x
        for name in sorted(order, key=order.get):
            total = total * 2 if name == "a" else total + 1
        return total

    def change():
        order["a"] = 3

    return f, change, nothing


@story
def aliased_containers():
    a = [1.0]
    b = a

    def f(x):
        return x * 2 if a is b else x * 3

    def change():
        nonlocal b
        b = [1.0]

    return f, change, nothing


@story
def operator_made_in_the_function():
    scale = [2.0]

    def f(x):
        return grad(lambda y: scale[0] * y**3)(x)

    def change():
        scale[0] = 3.0

    return f, change, nothing


@story
def recursion_with_a_depth_in_a_list():
    depth = [2]

    def power(x, n):
        return x if n == 0 else x * power(x, n - 1)

    def change():
        depth[0] = 4

    return lambda x: power(x, depth[0]), change, nothing


@story
def mutual_recursion():
    limit = [3]

    def even(x, n):
        return x if n >= limit[0] else odd(x * 2, n + 1)

    def odd(x, n):
        return x + 1 if n >= limit[0] else even(x * 3, n + 1)

    def change():
        limit[0] = 4

    return lambda x: even(x, 0), change, nothing


@story
def closure_of_a_closure():
    scale = 2.0

    def outer():
        def inner(x):
            return x * scale

        return inner

    def change():
        nonlocal scale
        scale = 3.0

    return lambda x: outer()(x), change, nothing


@story
def strings_concatenated_to_a_name():
    model = Model()
    model.rate_low, model.rate_high = 2.0, 3.0
    mode = ["low"]

    def change():
        mode[0] = "high"

    return lambda x: x * getattr(model, "rate_" + mode[0]), change, nothing


@story
def name_that_is_formatted():
    model = Model()
    model.w0, model.w1 = 1.0, 2.0

    def f(x):
        return sum(x * getattr(model, f"w{i}") for i in range(2))

    def change():
        model.w1 = 5.0

    return f, change, nothing


@story
def integers_and_bools_mixed():
    flag = [True]

    def f(x):
        return x * (flag[0] + 1) + flag[0] * 2

    def change():
        flag[0] = 1  # equal, and of another type

    return f, change, nothing


@story
def equal_numbers_of_other_types():
    scale = [2]

    def change():
        scale[0] = onp.float32(2.0)

    return lambda x: x * scale[0], change, nothing


@story
def signed_zero_captured():
    zero = [0.0]

    def f(x):
        return np.arctan2(zero[0], -x)

    def change():
        zero[0] = -0.0

    return f, change, nothing


@story
def cached_list_changed():
    @functools.lru_cache
    def weights():
        return [1.0, 2.0]

    def change():
        weights()[0] = 5.0

    return lambda x: x * weights()[0], change, nothing


@story
def cached_list_of_an_argument_changed():
    @functools.cache
    def weights(n):
        return [1.0] * n

    def change():
        weights(2)[0] = 5.0

    return lambda x: x * weights(2)[0], change, nothing


@story
def name_of_a_class_read():
    class Gain:
        pass

    table = {"Gain": 2.0, "Loss": 3.0}
    gain = Gain()

    def change():
        Gain.__name__ = "Loss"

    return lambda x: x * table[type(gain).__name__], change, nothing


@story
def defaults_of_another_function_read():
    def helper(x, w=[2.0]):  # noqa: B006
        return x

    def change():
        helper.__defaults__[0][0] = 3.0

    return lambda x: x * helper.__defaults__[0][0], change, nothing


@story
def attribute_set_by_object():
    model = Model()

    def f(x):
        object.__setattr__(model, "calls", getattr(model, "calls", 0) + 1)
        return x * 2

    return f, nothing, lambda: model.calls


@story
def attribute_set_by_object_and_read_by_nobody():
    model = Model()
    count = itertools.count
    model.marks = 0

    def f(x):
        object.__setattr__(model, "last", "called")
        return x * 2

    def change():
        del model.last

    return f, change, lambda: (vars(model), count)


@story
def match_by_position():
    class Point:
        __match_args__ = ("left", "right")

    point = Point()
    point.left, point.right = 1.0, 2.0

    def f(x):
        match point:
            case Point(a, b):
                return x * a + b

    def change():
        point.right = 5.0

    return f, change, nothing


@story
def match_by_position_rearranged():
    class Point:
        __match_args__ = ("left", "right")

    point = Point()
    point.left, point.right = 1.0, 2.0

    def f(x):
        match point:
            case Point(a, b):
                return x * a + b

    def change():
        Point.__match_args__ = ("right", "left")

    return f, change, nothing
