"""Recordings that end in the middle, or leave traced values: the user's state is what it was."""

import collections
import copy
import threading
import types
import warnings

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import isbox, jit
from fastad.programs.places import Before

# What code does that needs a plain array: a recording of it raises an error there.
STOPS = """
x.ctypes.data
{float(np.sum(x)): 1.0}[float(np.sum(x))]
s.log.append(np.sum(x)); len(s.log)
""".strip().splitlines()
# (before, afterwards): undone by the end of each call.
UNDONE = """
s.depth += 1 | s.depth -= 1
s.d['depth'] = 1 | del s.d['depth']
v = s.d.pop('first') | s.d['first'] = v; s.d['last'] = s.d.pop('last')
s.stack.append(x) | s.stack.pop()
v = s.stack.pop() | s.stack.append(v)
s.stack[0] = 2.0 | s.stack[0] = 1.0
s.queue.append(1) | s.queue.pop()
s.names.add('a') | s.names.discard('a')
s.names.discard('z') | s.names.add('z')
s.ordered['b'] = 1 | del s.ordered['b']
s.more = 1 | del s.more
v = s.flag; del s.flag | s.flag = v
s.a[0] = 1.0 | s.a[0] = 0.0
box.n = 1 | del box.n
""".strip().splitlines()
# What leaves the value that stood there.
SAME = """
s.queue.append(s.one * 1.0)
s.ordered['a'] = np.sum(0.0 * x) + 1.0
s.names.add(float(np.sum(0.0 * x)))
s.d[float(np.sum(0.0 * x))] = 1.0
s.keyed[s.k % 2] = 1.0; s.k += 1
""".strip().splitlines()


def state():
    return types.SimpleNamespace(
        depth=0,
        d={"first": 1, 0.0: 1.0, "last": 2},
        stack=[1.0, 2.0],
        queue=collections.deque([1.0], maxlen=2),
        names={"z", 0.0},
        ordered=collections.OrderedDict(a=onp.float64(1.0), c=2.0),
        log=[],
        keyed={0: 1.0, 1: 1.0},
        flag=False,
        a=onp.zeros(3),
        one=1.0,
        k=0,
    )


def play(source, wrap):
    s, box = state(), type("Box", (), {})
    names = {"np": np, "s": s, "box": box}
    exec(compile(source, "<half>", "exec"), names)
    f, left = wrap(names["f"]), []
    for i in range(12):
        if i == 6:
            s.one = 2.0
            s.queue.clear()
        result = f(onp.arange(1.0, 4.0) + i)
        left.append((result.tolist(), copy.deepcopy(vars(s)), list(s.d), hasattr(box, "n")))
    return left


def compare(body):
    source = "def f(x):\n" + "".join(f"    {line}\n" for line in [*body, "return 2.0 * x"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain, replayed = play(source, lambda f: f), play(source, jit)
    for (wanted, own, *rest), (found, other, *more) in zip(plain, replayed, strict=True):
        assert wanted == found and rest == more
        own["a"], other["a"] = own["a"].tolist(), other["a"].tolist()
        for value in other.values():
            items = value if isinstance(value, (list, set, collections.deque, dict)) else [value]
            assert not any(map(isbox, items))
            assert not isinstance(value, dict) or not any(map(isbox, value.values()))
        assert own == other, source


@pytest.fixture(params=["alone", "beside a thread that waits"])
def threads(request):
    """Whether another thread might change what is put back."""
    if request.param == "alone":
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    yield
    done.set()
    thread.join()


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("undone", UNDONE)
def test_what_a_call_would_have_undone_is_undone(stop, undone):
    first, last = undone.split(" | ")
    compare([first, stop, last])


@pytest.mark.parametrize("number", [0, 1])
def test_an_interrupt_while_it_is_undone(number, monkeypatch):
    restore, s, calls = Before._restore, state(), []

    def interrupted(self, place):
        calls.append(place)
        if len(calls) == number + 1:
            raise KeyboardInterrupt
        restore(self, place)

    def f(x):
        s.depth += 1
        s.stack.append(x)
        address = x.ctypes.data
        s.stack.pop()
        s.depth -= 1
        return address

    monkeypatch.setattr(Before, "_restore", interrupted)
    fast = jit(f)
    with pytest.raises(KeyboardInterrupt):
        for _ in range(6):
            fast(onp.ones(3))
    assert len(calls) > number + 1
    assert s.depth == 0 and s.stack == [1.0, 2.0]


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("line", SAME)
def test_no_traced_value_stays(line):
    compare([line])


@pytest.mark.usefixtures("threads")
def test_inputs_near_by_leave_no_trace():
    """Of a function that is called again and again with the same values."""
    seen = []

    def f(x):
        if x != 1.5:
            seen.append(x)
        return x * 2.0

    compiled = jit(f)
    for _ in range(12):
        assert compiled(1.5) == 3.0
    assert seen == []


def test_containers_are_told_apart_that_hold_equal_things():
    """Two lists of arrays whose comparison has no truth, exchanged between calls."""
    s = types.SimpleNamespace(h=[1.0, 2.0, onp.zeros(3)])

    def f(x):
        h = s.h
        h[0], h[1], h[2] = h[1], h[0] + np.sum(x), h[2] + x
        return x * h[2] + h[0]

    compiled = jit(f)
    for function in (f, compiled):
        s.h, left = [1.0, 2.0, onp.zeros(3)], []
        for i in range(30):
            if i % 4 == 2:
                s.h.reverse()
            if i % 5 == 3:
                s.h = list(s.h)
            left.append(function(onp.arange(3.0) + 0.01 * i))
        if function is f:
            wanted = left
    onp.testing.assert_allclose(left, wanted)


@pytest.mark.parametrize("kind", [">f8", ">f4", ">c16", "f2", "g", "f4", "c16", "i8"])
@pytest.mark.parametrize(
    "lines", ["s.a *= 2.0; s.a += 1.0", "s.a[:] = s.a * 2.0 + 1.0", "s.a = s.a * 2.0 + x[0]"]
)
def test_arrays_of_all_kinds_are_changed_once(kind, lines):
    lines = lines.replace("2.0", "2").replace("1.0", "1") if kind == "i8" else lines
    left = []
    for wrap in (lambda f: f, jit):
        s = types.SimpleNamespace(a=onp.zeros(3, kind))
        names = {"s": s, "np": np}
        exec(f"def f(x):\n    {lines}\n    return np.sum(x)", names)
        f = wrap(names["f"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            left.append([(f(onp.ones(3) + i), s.a.dtype, s.a.tolist()) for i in range(8)])
    assert left[0] == left[1]


ALIASES = """
s.a = s.c
s.a = s.c[::-1]
s.c = s.a
s.a = s.b
s.b = s.a
s.b = s.a[::-1]
s.a = s.d['v']
s.d['v'] = s.a
s.a = s.whole[:3]
""".strip().splitlines()


@pytest.mark.parametrize("change", ALIASES)
@pytest.mark.parametrize("when", [5, 6, 7, 8, 9])
def test_what_is_changed_in_place_becomes_what_is_read(change, when):
    """An array that is filled is, from some call on, a constant or another input as well."""
    left = []
    for wrap in (lambda f: f, jit):
        s = types.SimpleNamespace(a=onp.zeros(3), b=onp.zeros(3), c=onp.ones(3), d={})
        s.whole, s.d["v"] = onp.arange(6.0), onp.ones(3)

        def f(x, s=s):
            s.a += x
            s.b *= 0.5
            s.b += s.a
            return np.sum(s.c * s.d["v"]) + np.sum(s.b) + np.sum(s.whole)

        compiled, own = wrap(f), []
        for i in range(14):
            if i == when:
                exec(change, {"s": s})
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                own.append(float(compiled(onp.ones(3) + i)))
            own += [x.tolist() for x in (s.a, s.b, s.c, s.d["v"], s.whole)]
        left.append(own)
    onp.testing.assert_equal(*left)


def test_what_one_recording_may_change_the_next_may_not(monkeypatch):
    """Who holds an array that *= changes is known of this recording's inputs alone."""
    monkeypatch.setattr("fastad.programs.lifting.alone", lambda: True)
    state = {"layers": [onp.ones(4), onp.ones(4)]}

    def change(x):
        state["layers"] = [0.9 * w + x for w in state["layers"]]
        return np.sum(state["layers"][0])

    def f(x):
        parts = [x[:2] * 1.0, x[2:] * 1.0]
        for part in parts:
            part *= np.where(part > 2.4, 0.0, 1.0)
        return np.sum(parts[0]) + np.sum(parts[1])

    first, second = jit(change), jit(f, check="off")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(6):
            first(onp.full(4, 0.1 * i))
        assert first.programs
        for i in range(6):
            second(onp.full(4, 0.1 * i))
        x = onp.array([3.0, 1.0, 1.0, 1.0])
        assert second(x) == f(x) == 3.0
