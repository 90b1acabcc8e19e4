"""The watch: what executed code can read is found, and every change of it noticed."""

import dis
import gc
import types
import weakref

import numpy as onp
import pytest

from fastad import grad, jit
from fastad._core import Observer
from fastad.programs import bytecode
from fastad.programs.allowed import allowed_call, allowed_type, passed_over, trusted
from fastad.programs.reads import reads_of
from fastad.programs.watch import Unwatchable, Watch, check_calls, check_codes

from . import worlds


def watched(f, *args, roots=()):
    f(*args)
    with Observer(passed_over, False) as observer:
        f(*args)
    check_calls(observer.calls)
    return Watch([(f, "f"), *roots], observer.codes, observer.calls)


@pytest.mark.parametrize("place", worlds.PLACES, ids=lambda place: place.__name__)
def test_every_change_is_noticed(place):
    missed = []
    for name, (first, change, use) in worlds.VALUES.items():
        read, write = place(first())

        def f(x):
            return use(x, read())

        try:
            f(0.5)
        except TypeError:
            continue  # a function kept in a class is a method there
        try:
            watch = watched(f, 0.5)
        except Unwatchable:
            continue
        assert watch.slots.holds()
        f(0.7)
        assert watch.slots.holds(), (name, watch.changes())
        change(write, read)
        if watch.slots.holds():
            missed.append(name)
        else:
            assert watch.changes()
    assert not missed


def test_most_places_can_be_watched():
    seen = 0
    for place in worlds.PLACES:
        read, _ = place(2.0)
        try:
            watched(lambda x: x * read(), 0.5)
            seen += 1
        except Unwatchable:
            pass
    assert seen >= len(worlds.PLACES) - 3


def test_what_no_code_names_is_not_watched():
    class Model:
        pass

    model = Model()
    model.scale, model.history = 2.0, []

    def f(x):
        return x * model.scale

    watch = watched(f, 1.0)
    model.history.append(1)
    model.history = None
    assert watch.slots.holds()
    model.scale = 3.0
    assert watch.changes() == ["model.scale"]


def test_realistic_state_needs_few_slots():
    import fastad.numpy as np

    class Layer:
        def __init__(self, n):
            self.w, self.b = onp.ones((n, n)), onp.zeros(n)

        def __call__(self, x):
            return np.tanh(np.dot(x, self.w) + self.b)

    layers = [Layer(3), Layer(3), Layer(3)]

    def f(x):
        for layer in layers:
            x = layer(x)
        return np.sum(x**2)

    watch = watched(f, onp.ones(3))
    assert len(watch.slots) < 40
    layers[1].w[0, 0] = 5.0
    assert watch.changes() == ["layers[1].w"]


def test_the_watch_keeps_no_cycle_alive():
    class Model:
        pass

    model = Model()
    model.scale = 2.0

    gone = weakref.ref(model)
    model.f = lambda x, model=model: x * model.scale
    model.watch = watched(model.f, 1.0)
    del model
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(
    "source, names",
    [
        ("import math\nmath.sin(1)", {"math": {("sin",)}}),
        ("a.b.c", {"a": {("b", "c")}}),
        ("a", {"a": {()}}),
        ("a.b; a", {"a": {("b",), ()}}),
        ("f(a)", {"f": {()}, "a": {()}}),
        ("a.b(c.d)", {"a": {("b",)}, "c": {("d",)}}),
    ],
)
def test_names_and_the_attributes_taken_from_them(source, names):
    function = {}
    exec("def f():\n" + "".join(f"    {line}\n" for line in source.split("\n")), function)
    found = reads_of(function["f"].__code__)
    if "import" in source:
        assert found.imports == (("math", 0),)
        assert "sin" in found.names
        return
    assert found.globals == names


@pytest.mark.parametrize(
    "source, handed",
    [
        ("print(1)", set()),
        ("print(1, file=a.b)", {"b"}),
        ("print(*a)", {"a"}),
        ("a.b.c(d())", set()),
        ("map(a.b, c)", {"b", "c"}),
        ("a = b", {"b"}),
        ("lambda: print", set()),
        ("def g(h=print): h()\nreturn g", {"g", "print"}),
    ],
)
def test_what_is_loaded_for_more_than_a_call(source, handed):
    function = {}
    exec("def f():\n" + "".join(f"    {line}\n" for line in source.split("\n")), function)
    assert reads_of(function["f"].__code__).handed - {"a"} == handed - {"a"}


def test_identity_of_two_objects_is_found_and_of_constants_is_not():
    def pure(x, y=None):
        if y is None or x is True or x is not ...:
            return x
        return y

    def impure(x, y):
        return x is y

    assert reads_of(pure.__code__).identity == ()
    assert reads_of(impure.__code__).identity == (impure.__code__.co_firstlineno + 1,)


IDENTITIES = [
    ("f(None, x is y)", True),
    ("x is f(None)", True),
    ("x is y['key']", True),
    ("x is not y.get('key')", True),
    ("x is (None if f else y)", True),
    ("x is (y if f else None)", True),
    ("(None if f else y) is x", True),
    ("x.a is y.b", True),
    ("x[0] is y[None]", True),
    ("f(x, None), x is y", True),
    ("None is not x", False),
    ("x.a is None", False),
    ("f(x) is ...", False),
    ("None is f(x, y)", False),
    ("x['key'] is True", False),
    # Since 3.14 these compare the function with the one that is meant.
    ("all(v for v in x), any(v for v in x), tuple(v for v in x)", False),
]


@pytest.mark.parametrize("expression, found", IDENTITIES)
def test_identity_is_found_by_what_is_compared(expression, found):
    code = compile(f"lambda f, x, y: ({expression})", "", "eval").co_consts[0]
    assert bool(reads_of(code).identity) is found


def test_levels_of_relative_imports():
    code = compile("def f():\n    from . import a\n    from ..b import c\n    import d", "", "exec")
    assert reads_of(code.co_consts[0]).imports == (("", 1), ("b", 2), ("d", 0))


def test_all_instructions_of_this_python_are_known():
    # Those that only the compiler has between its passes, and those of tools that look on.
    between = (
        "JUMP JUMP_IF_FALSE JUMP_IF_TRUE JUMP_NO_INTERRUPT SETUP_CLEANUP STORE_FAST_MAYBE_NULL"
    )
    between += " ANNOTATIONS_PLACEHOLDER ENTER_EXECUTOR"
    names = {name for name in dis.opmap if not name.startswith("INSTRUMENTED_")}
    assert names - set(between.split()) <= bytecode.KNOWN


def test_code_with_an_unknown_instruction_stays_eager(monkeypatch):
    def f(x):
        return -x

    monkeypatch.setattr(bytecode, "KNOWN", bytecode.KNOWN - {"UNARY_NEGATIVE"})
    bytecode.unknown.cache_clear()
    try:
        with pytest.raises(Unwatchable, match="instruction UNARY_NEGATIVE, which"):
            check_codes([f.__code__])
        g = jit(grad(f))
        with pytest.warns(UserWarning, match="UNARY_NEGATIVE"):
            assert [g(x) for x in (1.0, 2.0, 3.0)] == [-1.0] * 3
        assert not g.programs
    finally:
        bytecode.unknown.cache_clear()


def test_allowed_functions_and_types():
    import datetime
    import os
    import random
    import time

    for function in (len, sum, [].append, "a".join, onp.ones(1).sum, onp.zeros, {}.update):
        assert allowed_call(function), function
    for function in (
        print,
        open,
        input,
        id,
        eval,
        exec,
        globals,
        time.time,
        os.getcwd,
        random.random,
        datetime.datetime.now,
        onp.ones(1).tofile,
        onp.fromfile,
    ):
        assert not allowed_call(function), function
    assert allowed_type(onp.float32) and allowed_type(dict)
    assert not allowed_type(onp.datetime64)
    assert trusted(onp.sum.__wrapped__.__code__ if hasattr(onp.sum, "__wrapped__") else onp.mean)
    assert not trusted(test_allowed_functions_and_types.__code__)


def test_what_cannot_be_watched_is_named():
    stream = iter([1])
    holder = types.SimpleNamespace(rows=[stream])

    def f(x):
        return holder.rows

    with pytest.raises(
        Unwatchable, match=r"holder\.rows\[0\] is an iterator of type list_iterator"
    ):
        watched(f, 1.0)
