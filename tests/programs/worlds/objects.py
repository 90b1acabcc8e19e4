"""Places in variables, objects and classes."""

from __future__ import annotations

from .base import Model


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
