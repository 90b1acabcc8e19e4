"""Stories of functions: closures, partials, decorators, generators, caches."""

from __future__ import annotations

import copy
import functools
import itertools
import operator
import types
import weakref

import numpy as onp

import fastad.numpy as np
from fastad import grad

from .base import Model, nothing, story


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
