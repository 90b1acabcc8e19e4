"""Places where a function may keep what it reads, and kinds of values that it may keep there."""

from __future__ import annotations

import collections
import contextvars
import dataclasses
import functools
import os
import sys
import types
from types import SimpleNamespace

import numpy as onp

import fastad.numpy as np

HELD = None


def closure(value):
    held = value

    def read():
        return held

    def write(new):
        nonlocal held
        held = new

    return read, write


def global_variable(value):
    space = {"held": value}
    exec("def read():\n    return held\n", space)

    def write(new):
        space["held"] = new

    return space["read"], write


class Model:
    pass


def attribute(value):
    model = Model()
    model.held = value

    def read():
        return model.held

    def write(new):
        model.held = new

    return read, write


def nested_attribute(value):
    outer = Model()
    outer.layers = [Model(), Model()]
    outer.layers[1].held = value

    def read():
        return outer.layers[1].held

    def write(new):
        outer.layers[1].held = new

    return read, write


def replaced_object(value):
    outer = Model()

    def write(new):
        outer.inner = Model()
        outer.inner.held = new

    write(value)

    def read():
        return outer.inner.held

    return read, write


def class_attribute(value):
    class Config:
        held = value

    def read():
        return Config.held

    def write(new):
        Config.held = new

    return read, write


def inherited_attribute(value):
    class Base:
        held = value

    class Derived(Base):
        pass

    instance = Derived()

    def read():
        return instance.held

    def write(new):
        Base.held = new

    return read, write


def shadowed_attribute(value):
    class Base:
        held = value

    instance = Base()

    def read():
        return instance.held

    def write(new):
        instance.held = new

    return read, write


def overridden_in_a_subclass(value):
    class Base:
        held = value

    class Derived(Base):
        pass

    instance = Derived()

    def read():
        return instance.held

    def write(new):
        Derived.held = new

    return read, write


def slots_member(value):
    class Slotted:
        __slots__ = ("__dict__", "_held")

    model = Slotted()
    model._held = value

    def read():
        return model._held

    def write(new):
        model._held = new

    return read, write


def mangled_slot(value):
    class Slotted:
        __slots__ = ("__held",)

        def __init__(self, value):
            self.__held = value

        def get(self):
            return self.__held

        def set(self, new):
            self.__held = new

    model = Slotted(value)
    return lambda: model.get(), model.set


def property_of_a_class(value):
    class Config:
        @property
        def held(self):
            return self._inner

    config = Config()
    config._inner = value

    def write(new):
        config._inner = new

    return lambda: config.held, write


def replaced_property(value):
    class Config:
        pass

    def write(new):
        Config.held = property(lambda self: new)

    write(value)
    config = Config()
    return lambda: config.held, write


def getattr_hook(value):
    class Config:
        def __getattr__(self, name):
            return self.table[name]

    config = Config()
    config.table = {"held": value}

    def write(new):
        config.table["held"] = new

    return lambda: config.held, write


def getattribute_hook(value):
    table = {"held": value}

    class Config:
        def __getattribute__(self, name):
            return table[name]

    config = Config()

    def write(new):
        table["held"] = new

    return lambda: config.held, write


def getattr_by_name(value):
    model = Model()
    model.held = value
    name = "he" + "ld"

    def read():
        return getattr(model, name)

    def write(new):
        model.held = new

    return read, write


def getattr_by_computed_name(value):
    model = Model()
    model.w1 = value

    def read():
        return getattr(model, f"w{len('a')}")

    def write(new):
        model.w1 = new

    return read, write


def object_dict(value):
    model = Model()
    model.held = value

    def read():
        return model.__dict__["held"]

    def write(new):
        model.held = new

    return read, write


def vars_of_an_object(value):
    model = Model()
    model.held = value

    def read():
        return list(vars(model).values())[0]

    def write(new):
        vars(model)["held"] = new

    return read, write


def descriptor(value):
    class Field:
        def __get__(self, instance, owner):
            return self.content

    class Config:
        held = Field()

    Config.__dict__["held"].content = value
    config = Config()

    def write(new):
        vars(Config)["held"].content = new

    return lambda: config.held, write


def list_element(value):
    held = [1.0, value]

    def read():
        return held[1]

    def write(new):
        held[1] = new

    return read, write


def nested_list(value):
    held = [[1.0], [2.0, [value]]]

    def read():
        return held[-1][-1][0]

    def write(new):
        held[-1][-1][0] = new

    return read, write


def dict_value(value):
    held = {"a": 1.0, "b": value}

    def read():
        return held["b"]

    def write(new):
        held["b"] = new

    return read, write


def dict_get(value):
    held = {"b": value}

    def read():
        return held.get("b", 1.0)

    def write(new):
        held["b"] = new

    return read, write


def dict_iteration(value):
    held = {"b": value}

    def read():
        for _, item in held.items():
            return item
        return None

    def write(new):
        held["b"] = new

    return read, write


def list_of_dicts(value):
    held = [{"b": value}]
    return lambda: held[0]["b"], lambda new: held[0].update(b=new)


def tuple_rebound(value):
    held = (1.0, value)

    def read():
        return held[1]

    def write(new):
        nonlocal held
        held = (1.0, new)

    return read, write


def list_in_a_tuple(value):
    held = ([value],)

    def read():
        return held[0][0]

    def write(new):
        held[0][0] = new

    return read, write


def deque_element(value):
    held = collections.deque([value])

    def write(new):
        held[0] = new

    return lambda: held[0], write


def ordered_dict(value):
    held = collections.OrderedDict(b=value)

    def write(new):
        held["b"] = new

    return lambda: held["b"], write


def default_dict(value):
    held = collections.defaultdict(float)
    held["b"] = value

    def write(new):
        held["b"] = new

    return lambda: held["b"], write


def chain_map(value):
    inner = {"b": value}
    held = collections.ChainMap({}, inner)

    def write(new):
        inner["b"] = new

    return lambda: held["b"], write


def user_dict(value):
    held = collections.UserDict(b=value)

    def write(new):
        held["b"] = new

    return lambda: held["b"], write


def dict_subclass(value):
    class Table(dict):
        def __missing__(self, key):
            return self.other

    held = Table()
    held.other = value

    def write(new):
        held.other = new

    return lambda: held["b"], write


def list_subclass(value):
    class Row(list):
        pass

    held = Row([value])

    def write(new):
        held[0] = new

    return lambda: held[0], write


def read_only_view(value):
    inner = {"b": value}
    held = types.MappingProxyType(inner)

    def write(new):
        inner["b"] = new

    return lambda: held["b"], write


def namespace(value):
    held = SimpleNamespace(inner=SimpleNamespace(b=value))

    def write(new):
        held.inner.b = new

    return lambda: held.inner.b, write


def dataclass_field(value):
    @dataclasses.dataclass
    class Config:
        held: object

    config = Config(value)

    def write(new):
        config.held = new

    return lambda: config.held, write


def dataclass_replaced(value):
    @dataclasses.dataclass(frozen=True)
    class Config:
        held: object

    config = Config(value)

    def read():
        return config.held

    def write(new):
        nonlocal config
        config = dataclasses.replace(config, held=new)

    return read, write


def named_tuple(value):
    Config = collections.namedtuple("Config", "held other")
    config = Config(value, 1.0)

    def read():
        return config.held

    def write(new):
        nonlocal config
        config = config._replace(held=new)

    return read, write


def default_argument(value):
    def read(held=value):
        return held

    def write(new):
        read.__defaults__ = (new,)

    return read, write


def keyword_default(value):
    def read(*, held=value):
        return held

    def write(new):
        read.__kwdefaults__["held"] = new

    return read, write


def mutable_default(value):
    def read(held=[value]):  # noqa: B006
        return held[0]

    def write(new):
        read.__defaults__[0][0] = new

    return read, write


def function_attribute(value):
    def read():
        return read.held

    read.held = value

    def write(new):
        read.held = new

    return read, write


def partial_argument(value):
    holder = [functools.partial(lambda held: held, value)]

    def write(new):
        holder[0] = functools.partial(lambda held: held, new)

    return lambda: holder[0](), write


def partial_keywords(value):
    read = functools.partial(lambda held: held, held=value)

    def write(new):
        read.keywords["held"] = new

    return read, write


def bound_method(value):
    class Holder:
        def get(self):
            return self.held

    holder = Holder()
    holder.held = value
    read = holder.get

    def write(new):
        holder.held = new

    return read, write


def replaced_method(value):
    class Holder:
        def get(self):
            return None

    def write(new):
        Holder.get = lambda self: new

    write(value)
    holder = Holder()
    return lambda: holder.get(), write


def class_method(value):
    class Holder:
        held = value

        @classmethod
        def get(cls):
            return cls.held

    def write(new):
        Holder.held = new

    return lambda: Holder.get(), write


def static_method(value):
    class Holder:
        @staticmethod
        def get():
            return value

    def write(new):
        Holder.get = staticmethod(lambda: new)

    return lambda: Holder.get(), write


def callable_object(value):
    class Reader:
        def __call__(self):
            return self.held

    read = Reader()
    read.held = value

    def write(new):
        read.held = new

    return read, write


def replaced_code(value):
    def read():
        return value

    def make(new):
        value = new

        def read():
            return value

        return read

    holder = [read]

    def inner():
        return holder[0]()

    def write(new):
        holder[0] = make(new)

    return inner, write


def module_attribute(value):
    module = types.ModuleType("world_of_a_test")
    module.held = value

    def read():
        return module.held

    def write(new):
        module.held = new

    return read, write


def imported_inside(value):
    module = types.ModuleType("world_of_a_test")
    module.held = value
    sys.modules["world_of_a_test"] = module

    def read():
        import world_of_a_test

        return world_of_a_test.held

    def write(new):
        module.held = new

    return read, write


def imported_name(value):
    module = types.ModuleType("world_of_a_test_2")
    module.held = value
    sys.modules["world_of_a_test_2"] = module

    def read():
        from world_of_a_test_2 import held

        return held

    def write(new):
        module.held = new

    return read, write


def module_by_hook(value):
    module = types.ModuleType("world_of_a_test_3")
    table = {"held": value}
    module.__getattr__ = table.__getitem__

    def read():
        return module.held

    def write(new):
        table["held"] = new

    return read, write


def context_variable(value):
    variable = contextvars.ContextVar("held", default=value)

    def write(new):
        variable.set(new)

    return lambda: variable.get(), write


def class_of_an_object(value):
    class First:
        pass

    First.held = value
    instance = First()

    def write(new):
        class Second:
            held = new

        instance.__class__ = Second

    return lambda: instance.held, write


def bases_of_a_class(value):
    class First:
        held = value

    class Middle(First):
        pass

    class Config(Middle):
        pass

    def write(new):
        class Second(First):
            held = new

        Config.__bases__ = (Second,)

    return lambda: Config.held, write


def metaclass_attribute(value):
    class Meta(type):
        pass

    Meta.held = value

    class Config(metaclass=Meta):
        pass

    def write(new):
        Meta.held = new

    return lambda: Config.held, write


def generator_inside(value):
    held = [value]

    def read():
        return next(item for item in held)

    def write(new):
        held[0] = new

    return read, write


def recursion(value):
    held = {"b": value}

    def down(n):
        return held["b"] if n == 0 else down(n - 1)

    def write(new):
        held["b"] = new

    return lambda: down(3), write


def sorted_key(value):
    table = {1: value, 2: None}

    def key(n):
        return n

    def read():
        return table[sorted([2, 1], key=key)[0]]

    def write(new):
        table[1] = new

    return read, write


def key_replaced(value):
    table = [value, value]

    def read():
        return max(range(2), key=lambda i: i) and table[1]

    def write(new):
        table[1] = new

    return read, write


def wrapped_by_a_decorator(value):
    held = [value]

    def decorate(fun):
        @functools.wraps(fun)
        def wrapper(*args):
            return fun(*args)

        return wrapper

    @decorate
    def read():
        return held[0]

    def write(new):
        held[0] = new

    return read, write


def lru_cached(value):
    held = [value]

    @functools.lru_cache(maxsize=8)
    def cached(n):
        return held[0]

    def write(new):
        held[0] = new
        cached.cache_clear()

    return lambda: cached(1), write


def cached_property(value):
    class Holder:
        @functools.cached_property
        def held(self):
            return self.inner

    holder = Holder()
    holder.inner = value

    def write(new):
        holder.inner = new
        del holder.held

    return lambda: holder.held, write


def attrgetter(value):
    import operator

    model = Model()
    model.held = value
    get = operator.attrgetter("held")

    def write(new):
        model.held = new

    return lambda: get(model), write


def abs_or_same(item):
    return item


def mapped(value):
    held = [value]

    def write(new):
        held[0] = new

    return lambda: next(map(abs_or_same, held)), write


def environment_flag(value):
    table = {"a": value}
    os.environ["FASTAD_TEST_WORLD"] = "a"

    def write(new):
        os.environ["FASTAD_TEST_WORLD"] = "b"
        table["b"] = new

    return lambda: table[os.environ["FASTAD_TEST_WORLD"]], write


def builtin_shadowed(value):
    space = {"value": value}
    exec("def read():\n    return min([value, value], key=id) if False else abs_(value)\n", space)
    space["abs_"] = lambda item: item

    def write(new):
        space["abs_"] = lambda item: new

    return space["read"], write


PLACES = [
    place
    for name, place in list(globals().items())
    if isinstance(place, types.FunctionType)
    and place.__module__ == __name__
    and place.__code__.co_varnames[:1] == ("value",)
]


# -- values: what is there first, how it changes, how it is used --


def _number(write, read):
    write(3.0)


def _array_in_place(write, read):
    read()[1] = 7.0


def _list_grows(write, read):
    read().append(4.0)


def _dict_grows(write, read):
    read()["a"] = 5.0


def _object_changes(write, read):
    read().weight = 6.0


def _weighted(weight):
    model = Model()
    model.weight = weight
    return model


VALUES = {
    "number": (lambda: 2.0, _number, lambda x, v: x * v),
    "numpy_number": (lambda: onp.float64(2), lambda w, r: w(onp.float64(3)), lambda x, v: x * v),
    "integer": (lambda: 2, lambda w, r: w(3), lambda x, v: x**v),
    "flag": (lambda: True, lambda w, r: w(False), lambda x, v: x * 2 if v else x * 3),
    "flag_as_number": (lambda: 1, lambda w, r: w(True), lambda x, v: x * 2 if v is True else x),
    "text": (lambda: "sin", lambda w, r: w("cos"), lambda x, v: getattr(np, v)(x)),
    "none": (lambda: None, lambda w, r: w(2.0), lambda x, v: x if v is None else x * v),
    "function": (
        lambda: lambda x: x * 2,
        lambda w, r: w(lambda x: x * 3),
        lambda x, v: v(x),
    ),
    "numpy_function": (lambda: np.sin, lambda w, r: w(np.cos), lambda x, v: v(x)),
    "array_rebound": (
        lambda: onp.array([1.0, 2.0]),
        lambda w, r: w(onp.array([1.0, 3.0])),
        lambda x, v: np.sum(x * v),
    ),
    "array_in_place": (
        lambda: onp.array([1.0, 2.0]),
        _array_in_place,
        lambda x, v: np.sum(x * v),
    ),
    "array_read_by_python": (
        lambda: onp.array([1.0, 2.0]),
        _array_in_place,
        lambda x, v: x * 2 if v[1] > 5 else x * float(v[1] + 1),
    ),
    "derived_from_an_array": (
        lambda: onp.array([1.0, 2.0]),
        _array_in_place,
        lambda x, v: x * (v**2).sum() + v.max(),
    ),
    "array_of_another_shape": (
        lambda: onp.array([1.0, 2.0]),
        lambda w, r: w(onp.array([1.0, 2.0, 3.0])),
        lambda x, v: np.sum(x * v),
    ),
    "integer_array": (
        lambda: onp.array([0, 1]),
        lambda w, r: w(onp.array([1, 1])),
        lambda x, v: np.sum(x * onp.array([2.0, 5.0])[v]),
    ),
    "list": (lambda: [1.0, 2.0], _list_grows, lambda x, v: x * sum(v)),
    "list_rebound": (lambda: [1.0, 2.0], lambda w, r: w([1.0, 5.0]), lambda x, v: x * sum(v)),
    "dict": (lambda: {"a": 1.0}, _dict_grows, lambda x, v: x * v["a"]),
    "dict_new_key": (
        lambda: {"a": 1.0},
        lambda w, r: r().update(b=2.0),
        lambda x, v: x * sum(v.values()),
    ),
    "set": (lambda: {1.0}, lambda w, r: r().add(2.0), lambda x, v: x * sum(v)),
    "object": (lambda: _weighted(2.0), _object_changes, lambda x, v: x * v.weight),
    "tuple": (lambda: (1.0, 2.0), lambda w, r: w((1.0, 4.0)), lambda x, v: x * v[1]),
    "range": (lambda: range(2), lambda w, r: w(range(3)), lambda x, v: sum(x * i for i in v)),
    "slice": (
        lambda: slice(0, 1),
        lambda w, r: w(slice(1, 2)),
        lambda x, v: x * onp.array([1.0, 2.0])[v],
    ),
    "complex": (lambda: 1 + 2j, lambda w, r: w(2 + 2j), lambda x, v: x * abs(v)),
    "dtype": (
        lambda: onp.dtype("float64"),
        lambda w, r: w(onp.dtype("float32")),
        lambda x, v: x * onp.array([0.1], v)[0],
    ),
}
