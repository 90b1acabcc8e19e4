"""Stories of what changes by itself: clocks, iterators, files, generators."""

from __future__ import annotations

import datetime
import os
import random
import sys
import threading
import time
import uuid

import numpy as onp
import pandas as pd

import fastad.numpy as np

from .base import nothing, story


@story
def random_module():
    random.seed(1)

    def f(x):
        return x * random.random()

    return f, nothing, nothing


@story
def random_gauss():
    random.seed(1)

    def f(x):
        return x * random.gauss(0, 1)

    return f, nothing, nothing


@story
def random_object():
    generator = random.Random(1)

    def f(x):
        return x * generator.random()

    return f, nothing, nothing


@story
def random_shuffle():
    random.seed(1)

    def f(x):
        order = [1.0, 2.0, 3.0]
        random.shuffle(order)
        return x * order[0]

    return f, nothing, nothing


@story
def random_numpy_legacy():
    onp.random.seed(1)

    def f(x):
        return x * onp.random.rand()

    return f, nothing, nothing


@story
def random_numpy_array():
    onp.random.seed(1)

    def f(x):
        return np.sum(x * onp.random.normal(size=3))

    return f, nothing, nothing


@story
def random_fastad_numpy():
    onp.random.seed(1)

    def f(x):
        return np.sum(x * np.random.normal(size=3))

    return f, nothing, nothing


@story
def random_generator():
    generator = onp.random.default_rng(1)

    def f(x):
        return np.sum(x * generator.normal(size=3))

    return f, nothing, nothing


@story
def random_bound_method():
    draw = onp.random.default_rng(1).normal

    def f(x):
        return x * draw()

    return f, nothing, nothing


@story
def random_state():
    state = onp.random.RandomState(1)

    def f(x):
        return x * state.uniform()

    return f, nothing, nothing


@story
def random_attribute_of_an_object():
    class Dropout:
        def __init__(self):
            self.rng = onp.random.default_rng(1)

        def __call__(self, x):
            return x * (self.rng.random() > 0.5)

    return Dropout(), nothing, nothing


@story
def random_imported_function():
    space = {}
    exec("from numpy.random import rand\ndef f(x):\n    return x * rand()\n", space)
    onp.random.seed(1)
    return space["f"], nothing, nothing


@story
def random_seeded_in_the_function():
    def f(x):
        return x * onp.random.default_rng(3).random()

    return f, nothing, nothing


@story
def random_permutation():
    onp.random.seed(1)

    def f(x):
        return x * onp.random.permutation(5)[0]

    return f, nothing, nothing


@story
def random_by_getattr():
    onp.random.seed(1)

    def f(x):
        return x * getattr(onp.random, "ra" + "nd")()

    return f, nothing, nothing


@story
def random_through_a_local():
    onp.random.seed(1)

    def f(x):
        r = onp.random
        return x * r.rand()

    return f, nothing, nothing


@story
def scipy_random_variates():
    from scipy import stats

    onp.random.seed(1)

    def f(x):
        return x * stats.norm.rvs()

    return f, nothing, nothing


class Clock:
    now = 0.0


def tick():
    Clock.now += 1.0
    return Clock.now


@story
def clock_of_ones_own():
    Clock.now = 0.0

    def f(x):
        return x * tick()

    return f, nothing, nothing


def eager_story(make):
    """The result differs with each call, or with each process: only f itself may give it."""
    make.eager = True
    return story(make)


@eager_story
def clock():
    return (lambda x: x * time.time()), nothing, nothing


@eager_story
def performance_counter():
    return (lambda x: x * time.perf_counter_ns()), nothing, nothing


@eager_story
def date():
    return (lambda x: x * datetime.datetime.now().microsecond), nothing, nothing


@eager_story
def numpy_now():
    return (lambda x: x * onp.datetime64("now").astype(float)), nothing, nothing


@eager_story
def method_of_pandas():
    return (lambda x: x * pd.Timestamp.now().year), nothing, nothing


@eager_story
def text_for_pandas():
    return (lambda x: x * pd.Timestamp("today").year), nothing, nothing


@eager_story
def periods_of_pandas():
    return (lambda x: x * pd.Period.now("Y").year), nothing, nothing


@eager_story
def unique_identifier():
    return (lambda x: x * (uuid.uuid4().int % 7)), nothing, nothing


@eager_story
def system_entropy():
    return (lambda x: x * os.urandom(1)[0]), nothing, nothing


@eager_story
def random_without_a_seed():
    return (lambda x: x * onp.random.default_rng().random()), nothing, nothing


@eager_story
def random_object_without_a_seed():
    return (lambda x: x * random.Random().random()), nothing, nothing


@eager_story
def address():
    return (lambda x: x * (id(object()) % 7)), nothing, nothing


@eager_story
def process_number():
    return (lambda x: x * os.getpid()), nothing, nothing


@eager_story
def thread_count():
    return (lambda x: x * threading.active_count()), nothing, nothing


@eager_story
def frame():
    return (lambda x: x * sys._getframe().f_lineno), nothing, nothing


@eager_story
def evaluated():
    return (lambda x: x * eval("2 + 1")), nothing, nothing


@eager_story
def global_table():
    return (lambda x: x * len(globals())), nothing, nothing


@eager_story
def current_folder():
    return (lambda x: x * len(os.getcwd())), nothing, nothing
