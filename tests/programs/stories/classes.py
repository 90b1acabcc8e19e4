"""Stories of classes: properties, descriptors, slots, inheritance."""

from __future__ import annotations

import abc
import functools
import typing
import weakref

from .base import Model, nothing, story


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
