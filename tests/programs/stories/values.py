"""Stories of values that decide, objects of libraries, and draws."""

from __future__ import annotations

import collections
import json
import math
import statistics

import numpy as onp
import scipy.interpolate

import fastad.numpy as np
from fastad import grad, value_and_grad
from fastad.extend import primitive

from .base import Model, nothing, story


@story
def branch():
    return (lambda x: x * 2 if x > 1.0 else x * 3), nothing, nothing


@story
def nested_branches():
    def f(x):
        if x > 0.6:
            if x > 1.2:
                return x * 2
            return x * 3
        return x * 4

    return f, nothing, nothing


@story
def loop_by_value():
    def f(x):
        while x < 3.0:
            x = x * 1.3
        return x

    return f, nothing, nothing


@story
def truth_of_a_value():
    return (lambda x: x * 2 if x - 0.9 else x + 5), nothing, nothing


@story
def equality():
    return (lambda x: x * 2 if x == 0.9 else x + 5), nothing, nothing


@story
def chained_comparison():
    return (lambda x: x * 2 if 0.6 < x < 1.2 else x + 5), nothing, nothing


@story
def maximum_by_python():
    return (lambda x: max(x * 2, 2.0)), nothing, nothing


@story
def sorted_values():
    return (lambda x: sorted([x, 1.0 + x * 0, 2 - x])[1]), nothing, nothing


@story
def float_taken():
    return (lambda x: x * float(x)), nothing, nothing


@story
def integer_taken():
    return (lambda x: x * int(x * 10)), nothing, nothing


@story
def rounded():
    return (lambda x: x * round(x)), nothing, nothing


@story
def floor_by_math():
    return (lambda x: x * math.floor(x)), nothing, nothing


@story
def sine_by_math():
    return (lambda x: x * math.sin(x)), nothing, nothing


@story
def formatted():
    return (lambda x: x * len(f"{x:.3g}")), nothing, nothing


@story
def text_of_a_value():
    return (lambda x: x * len(str(x))), nothing, nothing


@story
def hashed():
    return (lambda x: x * (hash(x) % 7)), nothing, nothing


@story
def dictionary_key():
    table = {0.5: 1.0, 0.7: 2.0}
    return (lambda x: x * table.get(x, 3.0)), nothing, nothing


@story
def in_a_list():
    return (lambda x: x * 2 if x in [0.5, 0.9] else x), nothing, nothing


@story
def index_by_value():
    return (lambda x: x * [1.0, 2.0, 3.0, 4.0][int(x)]), nothing, nothing


@story
def range_by_value():
    def f(x):
        y = x
        for i in range(int(x * 3)):
            y = y + i
        return y

    return f, nothing, nothing


@story
def type_of_a_value():
    return (lambda x: x * 2 if type(x) is float else x * 3), nothing, nothing


@story
def instance_test():
    return (lambda x: abs(x - 1.0) if isinstance(x, float) else x * 3), nothing, nothing


@story
def instance_test_with_abs():
    def f(x):
        y = x - 1.0
        if isinstance(y, float) and y < 0:
            return -y
        return y

    return f, nothing, nothing


@story
def identity_of_values():
    def f(x):
        y = x * 1.0
        return x * 2 if y is x else x * 3

    return f, nothing, nothing


@story
def numpy_array_of_values():
    return (lambda x: onp.array([x, 2.0]).sum() * x), nothing, nothing


@story
def numpy_asarray():
    return (lambda x: x * onp.asarray(x).item()), nothing, nothing


@story
def exception_by_value():
    def f(x):
        try:
            if x > 1.0:
                raise ValueError("large")
        except ValueError:
            return x * 7
        return x

    return f, nothing, nothing


@story
def exception_that_leaves():
    def f(x):
        if x > 1.0:
            raise ValueError("large")
        return x

    return f, nothing, nothing


@story
def division_by_zero():
    return (lambda x: 1.0 / (x - 1.5)), nothing, nothing


@story
def overflow():
    return (lambda x: (x * 10.0) ** (x * 400.0)), nothing, nothing


@story
def negative_power():
    return (lambda x: (1.0 - x) ** 0.5), nothing, nothing


@story
def assertion():
    def f(x):
        assert x < 1.0
        return x

    return f, nothing, nothing


@story
def json_of_a_value():
    return (lambda x: x * len(json.dumps({"x": float(x)}))), nothing, nothing


@story
def gradient_inside():
    scale = [2.0]

    def f(x):
        return grad(lambda y: y * y * scale[0])(x)

    return f, lambda: scale.__setitem__(0, 5.0), nothing


@story
def gradient_outside():
    model = Model()
    model.scale = 2.0

    def loss(x):
        return x * x * model.scale

    def change():
        model.scale = 3.0

    return grad(loss), change, nothing


@story
def value_and_gradient_outside():
    model = Model()
    model.scale = onp.array([2.0, 1.0])

    def loss(x):
        return np.sum(x * x * model.scale)

    def change():
        model.scale = model.scale * 2

    return value_and_grad(loss), change, nothing


@story
def gradient_with_a_branch():
    def loss(x):
        return x * x if x > 1.0 else x * x * x

    return grad(loss), nothing, nothing


@story
def second_derivative():
    scale = [2.0]
    return (
        grad(grad(lambda x: x**3 * scale[0])),
        lambda: scale.__setitem__(0, 5.0),
        nothing,
    )


@story
def training_loop():
    model = Model()
    model.w = onp.ones(3)

    def loss(x):
        return np.sum((x * model.w) ** 2)

    g = grad(loss)

    def step(x):
        result = g(x)
        model.w = model.w - 0.1 * result
        return result

    return step, nothing, lambda: model.w.tolist()


@story
def flag_toggled():
    model = Model()
    model.training = True

    def f(x):
        return x * 2 if model.training else x * 3

    def change():
        model.training = not model.training

    return f, change, nothing


@story
def polynomial_of_numpy():
    p = onp.polynomial.Polynomial([1.0, 2.0])

    def f(x):
        return x * p(2.0)

    def change():
        p.coef[1] = 7.0

    return f, change, nothing


@story
def polynomial_that_is_rebound():
    p = onp.polynomial.Polynomial([1.0, 2.0])

    def f(x):
        return x * p(2.0)

    def change():
        p.coef = onp.array([5.0])

    return f, change, nothing


@story
def list_of_the_standard_library():
    values = collections.UserList([1.0, 2.0])

    def f(x):
        return x * np.sum(values)

    def change():
        values[0] = 9.0

    return f, change, nothing


@story
def distribution_of_the_standard_library():
    d = statistics.NormalDist(1.0, 2.0)

    def f(x):
        return x * d.pdf(0.5)

    def change():
        d._mu = 3.0

    return f, change, nothing


@story
def spline_of_scipy():
    spline = scipy.interpolate.CubicSpline([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 0.0, 1.0])

    def f(x):
        return x * float(spline(0.5))

    def change():
        spline.c[:] = 2.0 * spline.c

    return f, change, nothing


@story
def primitive_with_a_state():
    class Scale:
        def __init__(self):
            self.by = onp.array([2.0])
            self.__name__ = "scale"

        def __call__(self, x):
            return x * self.by[0]

    scale = Scale()
    apply = primitive(scale)

    def f(x):
        return apply(x) + 1.0

    def change():
        scale.by[0] = 5.0

    return f, change, nothing


@story
def primitive_of_a_spline():
    spline = scipy.interpolate.CubicSpline([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 0.0, 1.0])
    apply = primitive(spline)

    def f(x):
        return np.sum(apply(onp.array([x, 0.5]) if False else x)) + 1.0

    def change():
        spline.c[:] = 2.0 * spline.c

    return f, change, nothing


@story
def seeded_in_the_function():
    seed = 3

    def f(x):
        noise = onp.random.default_rng(seed).random(3)
        return x * np.sum(noise)

    def change():
        nonlocal seed
        seed = 4

    return f, change, nothing


@story
def unseeded_in_the_function():
    def f(x):
        return x * (0.0 * onp.random.default_rng().random() + 1.0)

    return f, nothing, nothing


unseeded_in_the_function.eager = True


@story
def seeded_by_a_captured_sequence():
    sequence = onp.random.SeedSequence(5)

    def f(x):
        return x * onp.random.default_rng(sequence.spawn(1)[0]).random()

    return f, nothing, lambda: sequence.n_children_spawned


@story
def seeded_by_a_captured_list():
    seeds = [1, 2]

    def f(x):
        return x * onp.random.Generator(onp.random.PCG64(seeds)).random()

    def change():
        seeds[0] = 7

    return f, change, nothing
