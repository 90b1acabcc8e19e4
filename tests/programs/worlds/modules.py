"""Places in modules, contexts and classes of classes."""

from __future__ import annotations

import contextvars
import sys
import types


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
