"""Stories of a world that changes: classes, registries, captured arrays and results."""

from __future__ import annotations

import collections
import dataclasses
import enum
import functools
import re
import string
from typing import NamedTuple

import numpy as onp

import fastad.numpy as np

from .base import Model, nothing, story


@story
def order_of_a_dict():
    table = {"a": 1.0, "b": 2.0}

    def f(x):
        first = next(iter(table))
        return x * table[first]

    def change():
        table["a"] = table.pop("a")

    return f, change, nothing


@story
def enumeration():
    class Mode(enum.Enum):
        ONE = 1
        TWO = 2

    model = Model()
    model.mode = Mode.ONE

    def f(x):
        return x * 2 if model.mode is Mode.ONE else x * model.mode.value * 3

    def change():
        model.mode = Mode.TWO

    return f, change, nothing


@story
def frozen_settings():
    @dataclasses.dataclass(frozen=True)
    class Settings:
        scale: float
        layers: tuple[int, ...]

    holder = [Settings(2.0, (1, 2))]

    def f(x):
        for n in holder[0].layers:
            x = x * n * holder[0].scale
        return x

    def change():
        holder[0] = dataclasses.replace(holder[0], layers=(1, 2, 3))

    return f, change, nothing


@story
def typed_tuple():
    class Settings(NamedTuple):
        scale: float

    holder = {"settings": Settings(2.0)}

    def f(x):
        return x * holder["settings"].scale

    def change():
        holder["settings"] = Settings(3.0)

    return f, change, nothing


@story
def dispatch_by_type():
    @functools.singledispatch
    def weight(value):
        return 1.0

    setting = [3]

    def f(x):
        return x * weight(setting[0])

    def change():
        weight.register(int)(lambda value: 5.0)

    return f, change, nothing


@story
def registry():
    registered = {}

    def register(name):
        def decorate(fun):
            registered[name] = fun
            return fun

        return decorate

    @register("a")
    def first(x):
        return x * 2

    def f(x):
        for fun in registered.values():
            x = fun(x)
        return x

    def change():
        @register("b")
        def second(x):
            return x * 3

    return f, change, nothing


@story
def subclass_hook():
    class Base:
        def forward(self, x):
            return self.scale(x)

        def scale(self, x):
            return x * 2

    class Derived(Base):
        pass

    layer = Derived()

    def f(x):
        return layer.forward(x)

    def change():
        Derived.scale = lambda self, x: x * 3

    return f, change, nothing


@story
def super_call():
    class Base:
        def scale(self, x):
            return x * 2

    class Derived(Base):
        def scale(self, x):
            return super().scale(x) + 1

    layer = Derived()

    def f(x):
        return layer.scale(x)

    def change():
        Base.scale = lambda self, x: x * 5

    return f, change, nothing


@story
def string_template():
    template = [string.Template("$a")]

    def f(x):
        return x * float(template[0].substitute(a="2"))

    def change():
        template[0] = string.Template("3$a")

    return f, change, nothing


@story
def regular_expression():
    pattern = [re.compile("a+")]

    def f(x):
        return x * len(pattern[0].match("aaab").group())

    def change():
        pattern[0] = re.compile("a")

    return f, change, nothing


@story
def array_view():
    base = onp.arange(6.0)
    view = base[::2]

    def f(x):
        return np.sum(view * x)

    def change():
        base[2] = 50.0

    return f, change, nothing


@story
def array_in_a_tuple():
    held = (onp.arange(3.0), onp.arange(3.0))

    def f(x):
        return np.sum(held[0] * x) + held[1].sum()

    def change():
        held[1][0] = 50.0

    return f, change, nothing


@story
def array_of_a_million():
    weights = onp.ones(100_000)

    def f(x):
        return x * weights.mean()

    def change():
        weights[77_777] = 1e5

    return f, change, nothing


@story
def read_only_array():
    base = onp.ones(3)
    view = base.view()
    view.flags.writeable = False

    def f(x):
        return np.sum(view * x)

    def change():
        base[0] = 5.0

    return f, change, nothing


@story
def array_replaced_by_an_equal_one():
    model = Model()
    model.w = onp.ones(3)

    def f(x):
        return np.sum(model.w * x)

    def change():
        old = model.w
        model.w = onp.ones(3)
        old[0] = 100.0

    return f, change, nothing


@story
def array_replaced_and_then_written():
    model = Model()
    model.w = onp.ones(3)
    step = [0]

    def f(x):
        return np.sum(model.w * x)

    def change():
        step[0] += 1
        model.w = model.w + 1.0
        model.w[0] = 7.0

    return f, change, nothing


@story
def array_of_objects():
    held = onp.array([1.0, 2.0], object)

    def f(x):
        return x * held[0]

    def change():
        held[0] = 5.0

    return f, change, nothing


@story
def array_shape_assigned():
    held = onp.ones((2, 3))

    def f(x):
        return x * held.shape[0]

    def change():
        held.shape = (3, 2)

    return f, change, nothing


@story
def array_made_read_only():
    held = onp.ones(3)

    def f(x):
        return x * 2 if held.flags.writeable else x * 3

    def change():
        held.flags.writeable = False

    return f, change, nothing


@story
def masked_array():
    held = onp.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])

    def f(x):
        return x * held.sum()

    def change():
        held.mask[0] = True

    return f, change, nothing


@story
def memory_view():
    base = bytearray(b"\x02")
    view = memoryview(base)

    def f(x):
        return x * view[0]

    def change():
        base[0] = 5

    return f, change, nothing


@story
def byte_array():
    base = bytearray(b"\x02")

    def f(x):
        return x * base[0]

    def change():
        base[0] = 5

    return f, change, nothing


@story
def numpy_record():
    record = onp.array([(1.0, 2)], [("a", float), ("b", int)])[0]

    def f(x):
        return x * record["a"]

    def change():
        record["a"] = 5.0

    return f, change, nothing


@story
def polynomial_object():
    held = [onp.poly1d([1.0, 2.0])]

    def f(x):
        return x * held[0].coeffs[0]

    def change():
        held[0].coeffs[0] = 4.0

    return f, change, nothing


@story
def vectorised_function():
    scale = [2.0]
    g = onp.vectorize(lambda v: v * scale[0])

    def f(x):
        return x * g(3.0)

    return f, lambda: scale.__setitem__(0, 5.0), nothing


@story
def ufunc_of_ones_own():
    scale = [2.0]
    g = onp.frompyfunc(lambda v: v * scale[0], 1, 1)

    def f(x):
        return x * g(3.0)

    return f, lambda: scale.__setitem__(0, 5.0), nothing


@story
def callback_from_compiled_code():
    scale = [2.0]

    def key(v):
        return v * scale[0]

    def f(x):
        return x * max([1, 2, -3], key=key)

    return f, lambda: scale.__setitem__(0, -1.0), nothing


@story
def reduce_with_a_callback():
    scale = [2.0]

    def f(x):
        return x * functools.reduce(lambda a, b: a + b * scale[0], [1, 2, 3])

    return f, lambda: scale.__setitem__(0, 5.0), nothing


@story
def constant_result():
    model = Model()
    model.value = 5.0

    def f(x):
        return model.value

    def change():
        model.value = 6.0

    return f, change, nothing


@story
def result_is_captured_array():
    held = onp.ones(3)

    def f(x):
        return held

    def change():
        held[0] = 2.0

    return f, change, nothing


@story
def result_is_the_input():
    return (lambda x: x), nothing, nothing


@story
def several_results():
    scale = [2.0]

    def f(x):
        return {"a": x * scale[0], "b": [x, None, "text", 3], "c": (True,)}

    return f, lambda: scale.__setitem__(0, 5.0), nothing


@story
def closure_made_in_the_call():
    scale = [2.0]

    def f(x):
        def inner(y):
            return y * scale[0]

        return inner(x)

    return f, lambda: scale.__setitem__(0, 5.0), nothing


@story
def class_made_in_the_call():
    scale = [2.0]

    def f(x):
        class Inner:
            def g(self, y):
                return y * scale[0]

        return Inner().g(x)

    return f, lambda: scale.__setitem__(0, 5.0), nothing


@story
def lambda_in_a_default():
    scale = [2.0]

    def f(x, g=lambda y: y * scale[0]):
        return g(x)

    return f, lambda: scale.__setitem__(0, 5.0), nothing


@story
def closure_shared_with_another_function():
    scale = 2.0

    def double():
        nonlocal scale
        scale = scale * 2

    def f(x):
        return x * scale

    return f, double, nothing


@story
def copied_settings():
    import copy

    settings = {"a": [1.0, 2.0]}

    def f(x):
        own = copy.deepcopy(settings)
        own["a"].append(x)
        return sum(own["a"])

    return f, lambda: settings["a"].append(5.0), lambda: settings


@story
def copied_object():
    import copy

    model = Model()
    model.scale = 2.0

    def f(x):
        own = copy.copy(model)
        return x * vars(own)["scale"]

    def change():
        model.scale = 3.0

    return f, change, nothing


@story
def counter_collection():
    counts = collections.Counter("aab")

    def f(x):
        return x * counts.most_common(1)[0][1]

    return f, lambda: counts.update("bbb"), nothing
