"""Stories of a world that changes: settings, patches, names that come and go."""

from __future__ import annotations

import contextlib
import contextvars
import math
import os
import sys
import types

import numpy as onp

import fastad.numpy as np

from .base import Model, nothing, story


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
