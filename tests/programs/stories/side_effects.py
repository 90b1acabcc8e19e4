"""Stories of side effects: counters, histories, files, prints, writes into arguments."""

from __future__ import annotations

import collections
import contextlib
import io
import itertools
import json
import logging
import os
import pathlib
import tempfile
import threading
import warnings
import weakref

import numpy as onp

import fastad.numpy as np

from .base import Model, nothing, story


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
