"""Small functions of the kinds people write, each with a change of the world around it.

Each story is made anew for f itself and for `jit(f)`: it gives the function, what happens after
five calls, and what the function left behind, which must be the same.
"""

from __future__ import annotations

import collections
import contextlib
import contextvars
import dataclasses
import datetime
import enum
import functools
import io
import itertools
import json
import logging
import math
import os
import pathlib
import random
import re
import statistics
import string
import sys
import tempfile
import threading
import time
import types
import uuid
import warnings
import weakref
from typing import NamedTuple

import numpy as onp
import scipy.interpolate

import fastad.numpy as np
from fastad import grad, value_and_grad
from fastad.extend import primitive

STORIES: dict[str, object] = {}


def story(make):
    STORIES[make.__name__] = make
    return make


class Model:
    pass


def nothing():
    pass


# -- side effects --


@story
def counter_in_a_closure():
    count = 0

    def f(x):
        nonlocal count
        count += 1
        return x * count

    return f, nothing, lambda: count


@story
def counter_that_does_not_matter():
    count = 0

    def f(x):
        nonlocal count
        count += 1
        return x * 2

    return f, nothing, lambda: count


@story
def global_counter():
    space = {"count": 0}
    exec("def f(x):\n    global count\n    count += 1\n    return x * 2\n", space)
    return space["f"], nothing, lambda: space["count"]


@story
def history_of_results():
    history = []

    def f(x):
        y = x * x
        history.append(1)
        return y

    return f, nothing, lambda: len(history)


@story
def history_of_values():
    history = []

    def f(x):
        history.append(float(x))
        return x * x

    return f, nothing, lambda: history


@story
def history_in_a_dict():
    history = {}

    def f(x):
        history[len(history)] = 1
        return x * x

    return f, nothing, lambda: history


@story
def attribute_written():
    model = Model()

    def f(x):
        model.last = x * 2
        return x * 3

    return f, nothing, lambda: model.last


@story
def attribute_written_and_deleted_by_the_world():
    model = Model()

    def f(x):
        model.ready = True
        return x * 3

    def change():
        del model.ready

    return f, change, lambda: model.ready


@story
def attribute_by_setattr():
    model = Model()

    def f(x):
        setattr(model, "ca" + "lls", getattr(model, "calls", 0) + 1)
        return x * 3

    return f, nothing, lambda: model.calls


@story
def class_counter():
    class Config:
        calls = 0

    def f(x):
        Config.calls += 1
        return x * 3

    return f, nothing, lambda: Config.calls


@story
def function_counter():
    def f(x):
        f.calls += 1
        return x * 3

    f.calls = 0
    return f, nothing, lambda: f.calls


@story
def counter_in_a_method():
    class Layer:
        def __init__(self):
            self.calls = 0

        def __call__(self, x):
            self.calls += 1
            return x * 3

    layer = Layer()
    return layer, nothing, lambda: layer.calls


@story
def counter_beyond_a_branch():
    count = 0

    def f(x):
        nonlocal count
        if x > 1.0:
            count += 1
            return x * 5
        return x * 2

    return f, nothing, lambda: count


@story
def list_popped():
    pool = [1.0] * 50

    def f(x):
        return x * pool.pop()

    return f, nothing, lambda: len(pool)


@story
def deque_rotated():
    pool = collections.deque([1.0, 2.0, 3.0])

    def f(x):
        pool.rotate(1)
        return x * pool[0]

    return f, nothing, lambda: list(pool)


@story
def set_grown():
    seen = set()

    def f(x):
        seen.add(len(seen))
        return x

    return f, nothing, lambda: seen


@story
def default_list_grows():
    def f(x, seen=[]):  # noqa: B006
        seen.append(1)
        return x * len(seen)

    return f, nothing, lambda: f.__defaults__


@story
def array_written():
    total = onp.zeros(3)

    def f(x):
        total[0] += 1
        return x * 2

    return f, nothing, lambda: total.tolist()


@story
def array_filled_with_the_same():
    buffer = onp.zeros(3)

    def f(x):
        buffer.fill(2.0)
        return x * buffer.sum()

    def change():
        buffer[:] = 9.0

    return f, change, lambda: buffer.tolist()


@story
def prints():
    out = io.StringIO()

    def f(x):
        print("called", file=out)
        return x * 2

    return f, nothing, lambda: out.getvalue()


@story
def prints_to_stdout():
    said = []

    class Out(io.StringIO):
        def write(self, text):
            said.append(text)
            return len(text)

    def f(x):
        with contextlib.redirect_stdout(Out()):
            print("called")
        return x * 2

    return f, nothing, lambda: said


@story
def prints_beyond_a_branch():
    out = io.StringIO()

    def f(x):
        if x > 1.0:
            print("large", file=out)
        return x * 2

    return f, nothing, lambda: out.getvalue()


@story
def writes_a_file():
    path = tempfile.mktemp()

    def f(x):
        with open(path, "a") as file:
            file.write("x")
        return x * 2

    return f, nothing, lambda: open(path).read()


@story
def writes_to_an_open_file():
    file = tempfile.TemporaryFile("w+")

    def f(x):
        file.write("x")
        return x * 2

    return f, nothing, lambda: (file.seek(0), file.read())[1]


@story
def logs():
    logger = logging.Logger("fastad_story")
    records = []

    class Handler(logging.Handler):
        def emit(self, record):
            records.append(record.getMessage())

    logger.addHandler(Handler())

    def f(x):
        logger.warning("called")
        return x * 2

    return f, nothing, lambda: records


@story
def warns():
    def f(x):
        warnings.warn("story", UserWarning, stacklevel=1)
        return x * 2

    return f, nothing, nothing


@story
def observer_pattern():
    told = []
    listeners = [lambda: told.append(1)]

    def f(x):
        for listener in listeners:
            listener()
        return x * 2

    return f, nothing, lambda: told


@story
def argument_list_written():
    def f(x):
        values = x
        values.append(1.0)
        return values[0] * len(values)

    kept = []

    def call(x):
        values = [x, 2.0]
        result = f(values)
        kept.append(len(values))
        return result

    return call, nothing, lambda: kept


@story
def environment_written():
    def f(x):
        os.environ["FASTAD_STORY"] = str(int(os.environ.get("FASTAD_STORY", "0")) + 1)
        return x * 2

    os.environ.pop("FASTAD_STORY", None)
    return f, nothing, lambda: os.environ["FASTAD_STORY"]


@story
def exception_counted():
    caught = []

    def f(x):
        try:
            raise ValueError
        except ValueError:
            caught.append(1)
        return x

    return f, nothing, lambda: caught


@story
def generator_advanced():
    def numbers():
        n = 0
        while True:
            n += 1
            yield n

    stream = numbers()

    def f(x):
        return x * next(stream)

    return f, nothing, nothing


@story
def iterator_in_a_loop():
    stream = iter(range(100))

    def f(x):
        for item in stream:
            return x * item
        return x

    return f, nothing, nothing


@story
def counter_object():
    numbers = itertools.count()

    def f(x):
        return x * next(numbers)

    return f, nothing, nothing


@story
def cycle_object():
    signs = itertools.cycle([1, -1])

    def f(x):
        for sign in signs:
            return x * sign
        return x

    return f, nothing, nothing


@story
def zip_object():
    pairs = zip(range(100), range(100))

    def f(x):
        a, b = next(pairs)
        return x * (a + b)

    return f, nothing, nothing


@story
def iterator_of_ones_own():
    class Numbers:
        def __init__(self):
            self.n = 0

        def __iter__(self):
            return self

        def __next__(self):
            self.n += 1
            return self.n

    numbers = Numbers()

    def f(x):
        return x * next(numbers)

    return f, nothing, lambda: numbers.n


@story
def file_read_line_by_line():
    file = io.StringIO("\n".join(map(str, range(100))))

    def f(x):
        return x * int(file.readline())

    return f, nothing, nothing


@story
def file_iterated():
    file = io.StringIO("\n".join(map(str, range(100))))

    def f(x):
        for line in file:
            return x * int(line)
        return x

    return f, nothing, nothing


@story
def file_contents():
    path = pathlib.Path(tempfile.mkdtemp()) / "scale.json"
    path.write_text("2.0")

    def f(x):
        return x * json.loads(path.read_text())

    return f, lambda: path.write_text("3.0"), nothing


@story
def file_exists():
    path = os.path.join(tempfile.mkdtemp(), "flag")

    def f(x):
        return x * 2 if os.path.exists(path) else x * 3

    return f, lambda: open(path, "w").close(), nothing


@story
def lazily_initialised():
    model = Model()
    model.table = None

    def f(x):
        if model.table is None:
            model.table = onp.arange(3.0)
        return np.sum(x * model.table)

    def change():
        model.table = onp.ones(3)

    return f, change, nothing


@story
def memoised_by_hand():
    table = {}
    scale = [2.0]

    def weight(n):
        if n not in table:
            table[n] = scale[0] * n
        return table[n]

    def f(x):
        return x * weight(3)

    def change():
        scale[0] = 5.0
        table.clear()

    return f, change, lambda: table


@story
def memoised_by_value():
    table = {}

    def f(x):
        if x not in table:
            table[x] = len(table)
        return x * table[x]

    return f, nothing, lambda: len(table)


@story
def locks():
    lock = threading.Lock()
    count = [0]

    def f(x):
        with lock:
            count[0] += 1
        return x * 2

    return f, nothing, lambda: count


@story
def lock_only():
    lock = threading.Lock()
    scale = [1.0]

    def f(x):
        with lock:
            return x * scale[0]

    return f, lambda: scale.__setitem__(0, 3.0), nothing


@story
def thread_local_state():
    local = threading.local()
    local.scale = 2.0

    def f(x):
        return x * local.scale

    def change():
        local.scale = 3.0

    return f, change, nothing


@story
def starts_a_thread():
    done = []

    def f(x):
        thread = threading.Thread(target=lambda: done.append(1))
        thread.start()
        thread.join()
        return x

    return f, nothing, lambda: len(done)


@story
def weak_reference():
    class Config:
        scale = 2.0

    configs = [Config()]
    reference = weakref.ref(configs[0])

    def f(x):
        config = reference()
        return x * config.scale if config is not None else x * 7

    return f, configs.clear, nothing


@story
def weak_dictionary():
    class Key:
        pass

    keys = [Key(), Key()]
    table = weakref.WeakKeyDictionary(dict.fromkeys(keys, 1.0))

    def f(x):
        return x * len(table)

    return f, lambda: keys.pop(), nothing


# -- what changes by itself --


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


# -- the world changes --


@story
def environment_variable():
    os.environ["FASTAD_STORY_SCALE"] = "2.0"

    def f(x):
        return x * float(os.environ["FASTAD_STORY_SCALE"])

    def change():
        os.environ["FASTAD_STORY_SCALE"] = "3.0"

    return f, change, nothing


@story
def environment_default():
    os.environ.pop("FASTAD_STORY_MODE", None)

    def f(x):
        return x * 2 if os.environ.get("FASTAD_STORY_MODE") else x * 3

    def change():
        os.environ["FASTAD_STORY_MODE"] = "1"

    return f, change, nothing


@story
def getenv():
    os.environ["FASTAD_STORY_SCALE_2"] = "2.0"

    def f(x):
        return x * float(os.getenv("FASTAD_STORY_SCALE_2", "1"))

    def change():
        os.environ["FASTAD_STORY_SCALE_2"] = "3.0"

    return f, change, nothing


@story
def context_variable_set():
    variable = contextvars.ContextVar("variable", default=2.0)

    def f(x):
        return x * variable.get()

    return f, lambda: variable.set(3.0), nothing


@story
def treatment_of_errors_read():
    def f(x):
        return x * (2.0 if onp.geterr()["under"] == "raise" else 3.0)

    def change():
        onp.seterr(under="raise")

    def state():
        return onp.seterr(under="ignore")["under"]

    return f, change, state


@story
def treatment_of_errors_set():
    def f(x):
        onp.seterr(under="raise" if x > 1.0 else "warn")
        return x * 2.0

    return f, nothing, lambda: onp.seterr(under="ignore")["under"]


@story
def treatment_of_errors_for_a_while():
    scale = 2.0

    def f(x):
        with onp.errstate(divide="raise", invalid="raise"):
            try:
                return x * np.log(x - 0.9) * scale
            except FloatingPointError:
                return x

    def change():
        nonlocal scale
        scale = 3.0

    return f, change, nothing


@story
def error_of_an_operation_caught():
    fallback = 5.0

    def f(x):
        try:
            return np.linalg.cholesky(np.array([[x - 1.0, 0.1], [0.1, 2.0]]))[1, 1]
        except onp.linalg.LinAlgError:
            return x * fallback

    def change():
        nonlocal fallback
        fallback = 7.0

    return f, change, nothing


@story
def patched_numpy():
    library = types.ModuleType("library")
    library.sin = np.sin

    def f(x):
        return library.sin(x)

    def change():
        library.sin = np.cos

    return f, change, nothing


@story
def patched_helper():
    space = {"np": np}
    exec("def helper(x):\n    return x * 2\ndef f(x):\n    return helper(x)\n", space)

    def change():
        exec("def helper(x):\n    return x * 3\n", space)

    return space["f"], change, nothing


@story
def patched_helper_of_a_helper():
    space = {"np": np}
    exec(
        "def inner(x):\n    return x * 2\ndef helper(x):\n    return inner(x)\n"
        "def f(x):\n    return helper(x)\n",
        space,
    )

    def change():
        exec("def inner(x):\n    return x * 3\n", space)

    return space["f"], change, nothing


@story
def patched_builtin():
    def f(x):
        return x * round(2.6)

    def change():
        builtins_of(f)["round"] = lambda v: 2

    return f, change, lambda: builtins_of(f).pop("round", None) and None


def builtins_of(f):
    return f.__globals__


@story
def patched_math():
    module = types.ModuleType("maths")
    module.pi = math.pi
    space = {"maths": module}
    exec("def f(x):\n    return x * maths.pi\n", space)

    def change():
        module.pi = 3.0

    return space["f"], change, nothing


@story
def code_replaced():
    def f(x):
        return x * 2

    def g(x):
        return x * 3

    def change():
        f.__code__ = g.__code__

    return f, change, nothing


@story
def code_of_a_helper_replaced():
    def helper(x):
        return x * 2

    def other(x):
        return x * 3

    def f(x):
        return helper(x)

    def change():
        helper.__code__ = other.__code__

    return f, change, nothing


@story
def defaults_replaced():
    def f(x, scale=2.0):
        return x * scale

    def change():
        f.__defaults__ = (3.0,)

    return f, change, nothing


@story
def method_patched():
    class Layer:
        def forward(self, x):
            return x * 2

    layer = Layer()

    def f(x):
        return layer.forward(x)

    def change():
        Layer.forward = lambda self, x: x * 3

    return f, change, nothing


@story
def method_patched_on_the_instance():
    class Layer:
        def forward(self, x):
            return x * 2

    layer = Layer()

    def f(x):
        return layer.forward(x)

    def change():
        layer.forward = lambda x: x * 3

    return f, change, nothing


@story
def operator_patched():
    class Scale:
        def __init__(self, value):
            self.value = value

        def __mul__(self, x):
            return x * self.value

    scale = Scale(2.0)

    def f(x):
        return scale * x

    def change():
        Scale.__mul__ = lambda self, x: x * 5

    return f, change, nothing


@story
def item_access_patched():
    class Table:
        def __getitem__(self, i):
            return self.inner[i]

    table = Table()
    table.inner = [2.0]

    def f(x):
        return x * table[0]

    def change():
        table.inner[0] = 3.0

    return f, change, nothing


@story
def context_manager_state():
    class Scale:
        value = 1.0

        def __enter__(self):
            self.before, self.value = self.value, self.inner
            return self

        def __exit__(self, *error):
            self.value = self.before

    scale = Scale()
    scale.inner = 2.0

    def f(x):
        with scale:
            return x * scale.value

    def change():
        scale.inner = 3.0

    return f, change, lambda: scale.value


@story
def context_manager_by_generator():
    values = [1.0]

    @contextlib.contextmanager
    def scaled(value):
        values.append(value)
        try:
            yield
        finally:
            values.pop()

    setting = {"value": 2.0}

    def f(x):
        with scaled(setting["value"]):
            return x * values[-1]

    return f, lambda: setting.update(value=3.0), lambda: values


@story
def hasattr_later():
    model = Model()

    def f(x):
        return x * 2 if hasattr(model, "scale") else x * 3

    def change():
        model.scale = 1

    return f, change, nothing


@story
def attribute_error_later():
    model = Model()

    def f(x):
        try:
            return x * model.scale
        except AttributeError:
            return x

    def change():
        model.scale = 4.0

    return f, change, nothing


@story
def name_error_later():
    space = {}
    exec(
        "def f(x):\n    try:\n        return x * scale\n    except NameError:\n        return x\n",
        space,
    )
    return space["f"], lambda: space.update(scale=3.0), nothing


@story
def key_error_later():
    table = {}

    def f(x):
        try:
            return x * table["scale"]
        except KeyError:
            return x

    return f, lambda: table.update(scale=3.0), nothing


@story
def key_tested():
    table = {}

    def f(x):
        return x * 2 if "scale" in table else x * 3

    return f, lambda: table.update(scale=1), nothing


@story
def global_shadows_a_builtin():
    space = {}
    exec("def f(x):\n    return x * abs(-2)\n", space)
    return space["f"], lambda: space.update(abs=lambda v: 7), nothing


@story
def import_error_later():
    def f(x):
        try:
            import fastad_story_module
        except ImportError:
            return x
        return x * fastad_story_module.scale

    def change():
        module = types.ModuleType("fastad_story_module")
        module.scale = 3.0
        sys.modules["fastad_story_module"] = module

    sys.modules.pop("fastad_story_module", None)
    return f, change, nothing


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


# -- values decide --


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


# -- objects of libraries --


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


# -- draws --


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
