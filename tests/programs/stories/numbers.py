"""Stories of numbers, SciPy's functions, random draws and nesting."""

from __future__ import annotations

import collections
import contextvars
import decimal
import fractions
import math
import threading
import types

import numpy as onp
import scipy.special
import scipy.stats

import fastad.numpy as np
import fastad.scipy.special as special
import fastad.scipy.stats as stats
from fastad import grad, hessian, jacobian, jit, make_hvp, make_jvp, make_vjp, value_and_grad

from .base import Model, nothing, story


@story
def integer_overflow_of_numpy():
    big = onp.array([2**62], dtype="i8")

    def f(x):
        with onp.errstate(all="ignore"):
            return x * float((big * 2)[0])

    def change():
        big[0] = 5

    return f, change, nothing


@story
def large_integers_of_python():
    n = [10**30]

    def change():
        n[0] = 10**31

    return lambda x: x * n[0], change, nothing


@story
def fraction_captured():
    box = [fractions.Fraction(1, 3)]

    def change():
        box[0] = fractions.Fraction(2, 3)

    return lambda x: x * float(box[0]), change, nothing


@story
def decimal_context():
    def f(x):
        return x * float(decimal.Decimal(1) / decimal.Decimal(3))

    before = decimal.getcontext().prec

    def change():
        decimal.getcontext().prec = 5

    def left():
        decimal.getcontext().prec = before

    return f, change, left


@story
def constants_of_math_patched():
    space = types.SimpleNamespace(pi=math.pi)

    def change():
        space.pi = 3.0

    return lambda x: x * space.pi, change, nothing


@story
def print_options():
    def f(x):
        return x * len(str(onp.array([1.0 / 3.0])))

    before = onp.get_printoptions()["precision"]

    def change():
        onp.set_printoptions(precision=3)

    return f, change, lambda: onp.set_printoptions(precision=before)


@story
def printed_array_kept():
    table = onp.array([1.0, 2.0])

    def change():
        table[0] = 12.5

    return lambda x: x * len(repr(table)), change, nothing


@story
def not_a_number_captured():
    box = [math.nan]

    def f(x):
        return x * 2 if box[0] != box[0] else x * 3

    def change():
        box[0] = 1.0

    return f, change, nothing


@story
def infinite_limit():
    limit = [math.inf]

    def f(x):
        return np.minimum(x, limit[0])

    def change():
        limit[0] = 1.0

    return f, change, nothing


@story
def numpy_bool_as_a_flag():
    flag = [onp.bool_(True)]

    def change():
        flag[0] = onp.bool_(False)

    return lambda x: x * 2 if flag[0] else x * 3, change, nothing


@story
def complex_number_captured():
    box = [1.0 + 2.0j]

    def change():
        box[0] = 3.0 - 1.0j

    return lambda x: np.abs(x * box[0]), change, nothing


@story
def float32_captured():
    box = [onp.float32(1.5)]

    def change():
        box[0] = onp.float32(2.5)

    return lambda x: onp.float32(x) * box[0], change, nothing


@story
def rounding_of_a_captured_number():
    box = [2.4]

    def change():
        box[0] = 2.6

    return lambda x: x * round(box[0]), change, nothing


@story
def comparison_of_captured_numbers():
    a, b = [2.0], [3.0]

    def change():
        a[0] = 4.0

    return lambda x: x * (2 if a[0] < b[0] else 3), change, nothing


@story
def schedule_by_a_captured_number():
    step = [1]

    def f(x):
        return x * 0.9 ** step[0] if step[0] < 3 else x

    def change():
        step[0] = 5

    return f, change, nothing


@story
def switch_by_a_captured_float():
    rate = [0.5]

    def f(x):
        return x * 2 if rate[0] > 1.0 else x * rate[0]

    values = iter([0.6, 0.7, 2.0, 0.8])

    def change():
        rate[0] = 2.0

    return f, change, lambda: next(values)


@story
def special_function_with_a_captured_order():
    order = [1]

    def change():
        order[0] = 2

    return lambda x: special.jn(order[0], x), change, nothing


@story
def special_functions():
    a = onp.array([1.5, 2.5])

    def change():
        a[0] = 3.5

    return lambda x: np.sum(special.gammaln(a * x) + special.erf(x)), change, nothing


@story
def special_function_of_plain_values():
    a = [2.0]

    def change():
        a[0] = 3.0

    return lambda x: x * float(scipy.special.gamma(a[0])), change, nothing


@story
def error_handling_of_special_functions():
    def f(x):
        return x + 0 * special.gammaln(x)

    return f, nothing, lambda: scipy.special.geterr()["singular"]


@story
def density_of_a_distribution():
    loc = [0.0]

    def change():
        loc[0] = 1.0

    return lambda x: stats.norm.logpdf(x, loc[0], 2.0), change, nothing


@story
def density_with_shapes():
    shape = onp.array([2.0, 3.0])

    def change():
        shape[:] = 4.5

    return lambda x: np.sum(stats.gamma.logpdf(x, shape)), change, nothing


@story
def frozen_distribution_of_scipy():
    box = [scipy.stats.norm(0.0, 1.0)]

    def change():
        box[0] = scipy.stats.norm(1.0, 2.0)

    return lambda x: x * float(box[0].pdf(0.5)), change, nothing


@story
def logsumexp_of_captured_weights():
    w = onp.array([1.0, 2.0])

    def change():
        w[0] = 5.0

    return lambda x: special.logsumexp(x * onp.arange(2.0), b=w), change, nothing


@story
def generator_in_a_closure():
    rng = onp.random.default_rng(3)
    return lambda x: x * rng.normal(), nothing, lambda: rng.normal()


@story
def generator_in_a_closure_that_draws_arrays():
    rng = np.random.default_rng(3)
    return lambda x: np.sum(x * rng.uniform(size=3)), nothing, lambda: rng.normal()


@story
def generator_in_an_attribute():
    model = Model()
    model.rng = onp.random.default_rng(4)

    def dropout(x):
        return x * (model.rng.random(4) < 0.5)

    return lambda x: np.sum(dropout(x)), nothing, lambda: model.rng.random()


@story
def generator_that_is_made_and_kept():
    kept = {}

    def f(x):
        rng = kept.setdefault("rng", onp.random.default_rng(1))
        return x * rng.normal()

    return f, nothing, lambda: kept["rng"].normal()


@story
def generator_beyond_a_branch():
    rng = onp.random.default_rng(5)
    return lambda x: x * rng.normal() if x > 1.0 else x, nothing, lambda: rng.normal()


@story
def legacy_draws_after_a_seed():
    def f(x):
        onp.random.seed(3)
        return x * onp.random.normal()

    return f, nothing, lambda: onp.random.normal()


@story
def spawned_generators():
    parent = onp.random.SeedSequence(7)

    def f(x):
        return x * onp.random.default_rng(parent.spawn(1)[0]).normal()

    return f, nothing, lambda: parent.n_children_spawned


@story
def bit_generator_advanced():
    bits = onp.random.PCG64(3)
    return lambda x: x * onp.random.Generator(bits).normal(), nothing, nothing


@story
def jit_within_with_its_own_state():
    scale = [2.0]
    inner = jit(lambda x: x * scale[0])

    def change():
        scale[0] = 3.0

    return lambda x: inner(x) + 1, change, nothing


@story
def jit_made_in_the_function():
    scale = [2.0]

    def f(x):
        return jit(lambda y: y * scale[0])(x)

    def change():
        scale[0] = 3.0

    return f, change, nothing


@story
def gradient_of_a_jitted_function_within():
    scale = [2.0]
    inner = jit(lambda x: x**2 * scale[0])

    def change():
        scale[0] = 3.0

    return lambda x: grad(inner)(x), change, nothing


@story
def gradient_of_a_jitted_function_outside():
    scale = [2.0]
    inner = jit(lambda x: x**2 * scale[0])

    def change():
        scale[0] = 3.0

    return grad(inner), change, nothing


@story
def second_gradient_of_a_jitted_function():
    scale = [2.0]
    inner = jit(lambda x: x**3 * scale[0])

    def change():
        scale[0] = 3.0

    return grad(grad(inner)), change, nothing


@story
def pullback_used_at_once():
    scale = [2.0]

    def loss(x):
        return x**2 * scale[0]

    fast = jit(make_vjp(loss))

    def f(x):
        pull, value = fast(x)
        return pull(1.0) + value

    def change():
        scale[0] = 3.0

    return f, change, nothing


@story
def pushforward_used_at_once():
    scale = [2.0]
    fast = jit(make_jvp(lambda x: x**2 * scale[0]))

    def change():
        scale[0] = 3.0

    return lambda x: fast(x)(1.0), change, nothing


@story
def hessian_product_used_at_once():
    scale = onp.array([2.0, 1.0])
    fast = jit(make_hvp(lambda v: np.sum(v**3 * scale)))

    def f(x):
        product, gradient = fast(onp.array([x, 1.0]))
        return product(onp.ones(2)) + gradient

    def change():
        scale[0] = 3.0

    return f, change, nothing


@story
def hessian_with_a_captured_array():
    scale = onp.array([2.0, 1.0])

    def f(x):
        return hessian(lambda v: np.sum(v**3 * scale))(onp.array([x, 1.0]))

    def change():
        scale[0] = 3.0

    return f, change, nothing


@story
def jacobian_with_a_rule_by_name():
    settings = {"name": "sin"}

    def f(x):
        return jacobian(lambda v: getattr(np, settings["name"])(v))(onp.array([x, 1.0]))

    def change():
        settings["name"] = "cos"

    return f, change, nothing


@story
def value_and_gradient_with_a_switch():
    settings = collections.OrderedDict(square=True)

    def f(x):
        return value_and_grad(lambda y: y**2 if settings["square"] else y**3)(x)

    def change():
        settings["square"] = False

    return f, change, nothing


@story
def context_variable_with_an_array():
    var = contextvars.ContextVar("weights")
    var.set(onp.ones(2))

    def change():
        var.get()[0] = 5.0

    return lambda x: np.sum(x * var.get()), change, nothing


@story
def event_of_a_thread():
    event = threading.Event()
    return lambda x: x * 3 if event.is_set() else x * 2, event.set, nothing


@story
def warning_of_the_package():
    def f(x):
        return grad(lambda y: 3.0)(x) + x

    return f, nothing, nothing
