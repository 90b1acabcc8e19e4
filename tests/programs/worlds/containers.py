"""Places in lists, dicts and other containers."""

from __future__ import annotations

import collections
import dataclasses
import types
from types import SimpleNamespace


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
