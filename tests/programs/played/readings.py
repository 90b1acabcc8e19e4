"""Whole numbers, counts and truths that Python reads from values, and what one way of many does."""

import functools
import logging
import math
import threading

import numpy as onp

import fastad.numpy as np
from fastad import grad, primitive, value_and_grad
from fastad.extend import defvjp

from . import Stories, calls, inputs, nothing

STORIES = Stories()
story = STORIES.add

NORMAL = [0.5, 0.7, 0.9, 1.1, 1.3, 1.5, 1.7, 2.4, 2.6, 3.2]
SPECIAL = (0.0, -0.0, -1.5, 2.5, 3.5, 1e300, 2.0**53, math.inf, -math.inf, math.nan)


def numbers():
    """Calls with numbers, the special ones between others."""
    steps = [(x,) for x in NORMAL]
    for x in SPECIAL:
        steps += [(0.55,), (1.65,), (x,), (0.75,)]
    return steps


def whole(name, read):
    def make():
        return (lambda x: (x * 2.0, read(x))), numbers(), nothing

    make.__name__ = name
    story(make)


whole("int_of_a_value", int)
whole("floor_of_a_value", math.floor)
whole("ceil_of_a_value", math.ceil)
whole("trunc_of_a_value", math.trunc)
whole("round_of_a_value", round)


@story
def whole_numbers_of_single_precision():
    def f(x):
        y = x[0] * 2
        return x * int(y), x * round(y), x * math.floor(y), x * math.ceil(y)

    return f, [(a.astype("f"),) for a in inputs(24)], nothing


@story
def length_of_a_loop_by_value():
    def f(x):
        total = 0.0
        for i in range(int(np.floor(np.sum(x)))):
            total = total + x[i % 4] * i
        return total

    return f, calls(nothing, nothing), nothing


@story
def bins_by_value():
    table = [1.0, 4.0, 2.0, 8.0]

    def f(x):
        return table[min(int(x[0] * 2), 3)] * np.sum(x)

    return f, calls(nothing, lambda: table.__setitem__(1, 7.0)), nothing


@story
def position_of_the_largest():
    return grad(lambda x: x[int(np.argmax(x))] * x[np.argmin(x)]), calls(nothing), nothing


@story
def number_of_whole_type():
    def f(x):
        return x * int(np.sum(x > 1.0))

    return f, calls(nothing), nothing


@story
def shift_by_a_position():
    return lambda x: np.roll(x, np.argmax(x)) + np.take(x, np.argmin(x)), calls(nothing), nothing


@story
def truths_in_the_result():
    def f(x):
        return x * x, x > 0.8, x == 0.9, not x < 1.0, 0.6 < x < 1.2

    return f, numbers(), nothing


@story
def converged_or_not():
    def f(x):
        y, error, steps = x, 1.0, 0
        while error > 1e-3 and steps < 6:
            new = 0.5 * (y + 2.0 / y)
            y, error, steps = new, abs(new - y), steps + 1
        return y, steps, error <= 1e-3

    return f, [(x,) for x in NORMAL * 3] + [(40.0,), (0.01,)], nothing


def truth(name, f, kinds):
    """Branches by the truth of an argument that nothing else reads."""

    def make():
        flags = [kind(flag) for flag in (1, 2, 3, 4, 5, 0, 6, 0, 7, 7, 0, 0) for kind in kinds]
        return f, [(x, flag) for x, flag in zip(inputs(len(flags)), flags)], nothing

    make.__name__ = name
    story(make)


FLAGS = (float, int, onp.float64, onp.int64, onp.array)
truth("truth_of_an_argument", lambda x, flag: x if flag else -x, FLAGS)
truth("truth_that_gives_an_argument", lambda x, flag: x if flag else x[::-1], FLAGS)
truth("truth_that_gives_a_constant", lambda x, flag: 2.0 if flag else 3.0, FLAGS)
truth("truth_in_the_result", lambda x, flag: (bool(flag), not flag), FLAGS)
truth("truth_and_a_sort", lambda x, flag: np.sort(x) if flag else x, FLAGS)
truth("truth_in_a_gradient", lambda x, flag: grad(lambda y: y[0] if flag else y[1])(x), FLAGS)
truth("truth_by_and", lambda x, flag: flag and x, FLAGS)


# masks: how many elements they take is a shape


def masked(name, f):
    def make():
        steps = calls(nothing, nothing)
        steps += [(onp.zeros(4),), (onp.full(4, 9.0),), *calls(nothing)]
        return f, steps, nothing

    make.__name__ = name
    story(make)


masked("mask_taken", lambda x: x[x > 1.0])
masked("mask_summed", lambda x: np.sum(x[x > 1.0] ** 2))
masked("mask_in_a_gradient", value_and_grad(lambda x: np.sum(x[x > 1.0] ** 2)))
masked(
    "mask_in_a_second_gradient", grad(lambda x: np.sum(grad(lambda y: np.sum(y[y > 1] ** 3))(x)))
)
masked("mask_and_its_length", lambda x: np.sum(x[x > 1.0]) / max(len(x[x > 1.0]), 1))
masked("mask_inverted", lambda x: (np.sum(x[~(x > 1.0)]), x[x <= 1.0].size))
masked("mask_of_another", lambda x: np.sum((2 * x)[np.logical_and(x > 0.5, x < 1.5)]))
masked("mask_in_a_tuple", lambda x: np.sum(np.outer(x, x)[x > 1.0, 1:]))
masked("mask_of_two_axes", grad(lambda x: np.sum(np.outer(x, x)[np.outer(x, x) > 1.0])))
masked("places_of_a_mask", lambda x: (np.nonzero(x > 1.0)[0], np.argwhere(x > 1.0)))
masked("places_by_where", value_and_grad(lambda x: np.sum(x[np.where(x > 1.0)] ** 2)))
masked("places_in_a_gradient", grad(lambda x: np.sum(x[np.flatnonzero(x > 1.0)] ** 2)))
masked("places_of_two_axes", lambda x: np.sum(np.outer(x, x)[np.nonzero(np.outer(x, x) > 1)]))
masked("compressed", grad(lambda x: np.sum(np.compress(x > 1.0, x) ** 2)))
masked("extracted", grad(lambda x: np.sum(np.extract(x > 1.0, x**2))))
masked("mask_of_one_truth", lambda x: np.sum(x[x[0] > 1.0]))


# what one way does that others do not


@story
def print_beyond_a_branch_that_is_taken_late():
    said = []

    def say(x):
        said.append(float(x))

    def f(x):
        if x > 2.0:
            say(x)
        return x * x

    steps = [(x,) for x in (0.5, 0.7, 0.9, 1.1, 2.5, 1.3, 2.6, 0.4, 2.7, 1.0, 2.8)]
    return f, steps, lambda: list(said)


@story
def value_left_beyond_a_branch():
    def f(x):
        if x > 2.0:
            return x * math.sin(x)
        return x * x

    return f, [(x,) for x in (0.5, 0.7, 0.9, 1.1, 2.5, 1.3, 2.6, 0.4, 2.7, 1.0, 2.8)], nothing


@story
def draws_beyond_a_branch_taken_late():
    other = [0.0]

    def f(x):
        if x > 2.0:
            other[0] = other[0] + 1.0
            return x * onp.random.RandomState(int(other[0])).normal()
        return x * x

    steps = [(x,) for x in (0.5, 0.7, 0.9, 1.1, 2.5, 1.3, 2.6, 0.4, 2.7, 1.0, 2.8)]
    return f, steps, lambda: other[0]


# rules of primitives, whose inner functions are made anew by each call


@story
def rule_with_a_captured_number():
    k = [2.0]

    @primitive
    def scaled(x):
        return x * k[0]

    defvjp(scaled, lambda ans, x: lambda g: g * k[0])
    loss = value_and_grad(lambda x: np.sum(scaled(x) ** 2))
    return loss, calls(lambda: k.__setitem__(0, 3.0), lambda: k.__setitem__(0, 4.0)), nothing


@story
def rule_with_an_option():
    mode = ["a"]

    @primitive
    def scaled(x, *, by=1.0, mode="a"):
        return x * by * len(mode)

    defvjp(scaled, lambda ans, x, by=1.0, mode="a": lambda g: g * by * len(mode))
    loss = grad(lambda x: np.sum(scaled(x, by=3.0, mode=mode[0]) ** 2))
    return loss, calls(lambda: mode.__setitem__(0, "bb")), nothing


# objects whose locks are no state


class Model:
    def __init__(self):
        self.w = 2.0

    @functools.cached_property
    def squared(self):
        return self.w**2


@story
def cached_property_made_anew():
    model = Model()

    def change():
        model.w += 1.0
        model.__dict__.pop("squared", None)

    return lambda x: np.sum(x) * model.squared, calls(change, change), nothing


@story
def event_asked():
    event = threading.Event()
    return lambda x: np.sum(x) * (2.0 if event.is_set() else 3.0), calls(event.set), nothing


@story
def log_that_is_enabled_later():
    seen = []

    class Handler(logging.Handler):
        def emit(self, record):
            seen.append(record.getMessage())

    log = logging.Logger("fastad.stories", logging.ERROR)
    log.addHandler(Handler())

    def f(x):
        log.debug("called with %s", x.shape)
        return np.sum(x)

    # Python keeps the answer of a logger until levels are set by its method.
    steps = calls(lambda: log.setLevel(logging.DEBUG), lambda: log.setLevel(logging.ERROR))
    return f, steps, lambda: list(seen)


def slicing(name, take, square=False):
    """A slice whose bounds are found from the values."""

    def make():
        arrays = inputs(24, (4, 4) if square else (4,))
        return (lambda x: take(x) * 2.0), [(a,) for a in arrays], nothing

    make.__name__ = name
    story(make)


slicing("slice_to_a_place_by_value", lambda x: x[: np.argmax(x)])
slicing("slice_from_a_place_by_value", lambda x: x[np.argmin(x) :])
slicing("slice_by_a_count", lambda x: x[: np.sum(x > 1.0)])
slicing("slice_around_a_place", lambda x: x[np.argmax(x) - 1 : np.argmax(x) + 1])
slicing("slice_with_a_step_by_value", lambda x: x[:: np.argmax(x) + 1])
slicing("slice_among_indices", lambda x: x[1, : np.argmax(x[1])], square=True)
slicing(
    "gradient_of_a_slice_by_value",
    grad(lambda x: np.sum(x[: np.argmax(x)] ** 2)),
)


@story
def whole_arguments_where_nothing_is_left_to_compute():
    def f(x):
        return x * 1.0, x / 1, x - 0.0, [1.0 * x]

    return (
        f,
        [(i,) for i in (1, 2, 3, 4, 5, 6, 7, -8, 0, 9, 10, True, 11, 2.5, 12, 1 << 40)],
        nothing,
    )


@story
def complex_division_by_zero():
    def f(x, y):
        return x / y, [1 / (x / y)]

    steps = [(complex(i + 1, 1), complex(2, i)) for i in range(8)]
    return f, [*steps, (1 + 1j, 0j), *steps, (0j, 1j), (1e308 + 1e308j, 1e-308j)], nothing
