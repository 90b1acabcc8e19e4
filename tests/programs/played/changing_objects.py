"""State that a call changes: objects of every kind, names, and who else changes them."""

from __future__ import annotations

import dataclasses

import numpy as onp

import fastad.numpy as np

from . import Stories, calls, inputs, kept, of, setting, space

STORIES = Stories()
REPLAYED = Stories()  # these are replayed, at least after their last change
story = STORIES.add
replayed = STORIES.beside(REPLAYED)


class Checked:
    def __init__(self):
        self._w = 0.0
        self.sets = 0

    @property
    def w(self):
        return self._w

    @w.setter
    def w(self, value):
        self.sets += 1
        self._w = value


@replayed
def a_property_that_counts():
    m = Checked()

    def f(x):
        m.w = m.w + np.sum(x)
        return m.w * m.sets

    return f, calls(setting(m, w=0.0)), of(m)


class Noting:
    def __init__(self):
        object.__setattr__(self, "sets", 0)
        object.__setattr__(self, "w", 0.0)

    def __setattr__(self, name, value):
        object.__setattr__(self, "sets", self.sets + 1)
        object.__setattr__(self, name, value)


@story
def a_setattr_that_counts():
    m = Noting()

    def f(x):
        m.w = m.w + np.sum(x)
        return m.w * m.sets

    return f, calls(setting(m, w=0.0)), of(m)


@dataclasses.dataclass
class Memory:
    w: float = 0.0
    calls: int = 0


@story
def a_data_class():
    m = Memory()

    def f(x):
        m.calls += 1
        m.w = m.w + np.sum(x)
        return m.w

    return f, calls(setting(m, calls=0)), lambda: vars(m)


@story
def flags_and_words():
    m = space(on=False, word="a", none=None, k=0.0)

    def f(x):
        m.on = not m.on
        m.word = m.word + "b" if len(m.word) < 20 else "a"
        m.k = m.k + 1.0
        return np.sum(x) * (m.k if m.on else 1.0)

    return f, calls(), of(m)


@story
def a_cache_by_values():
    cache = {}

    def f(x):
        key = int(np.sum(x))
        if key not in cache:
            cache[key] = np.sum(x**2)
        return cache[key]

    return f, calls(n=12), lambda: kept(cache)


@story
def identity_of_what_is_kept():
    m = space(last=None, k=0)

    def f(x):
        m.k += 1
        same = x is m.last
        m.last = x
        return np.sum(x) * m.k, same

    a = inputs(2)
    return f, [(a[0],), (a[0],), (a[1],)] * 5, lambda: m.k


@story
def changes_by_a_function_that_is_called():
    log = []
    m = space(k=0)

    def note(value):
        m.k += 1
        log.append(value)

    def f(x):
        y = np.sum(x)
        note(y)
        note(y * 2)
        return y

    return f, calls(lambda: setattr(m, "k", 0)), lambda: (m.k, kept(log))


@story
def parts_that_call_each_other():
    m = space(k=0, depth=0)

    def f(x):
        m.depth += 1
        m.k += 1
        y = np.sum(x) if m.depth > 2 else f(x * 0.5)
        m.depth -= 1
        return y * m.k

    return f, calls(), of(m)


@story
def writes_that_depend_on_a_branch():
    m = space(a=0.0, b=onp.zeros(4), k=0)

    def f(x):
        if x[0] > 1:
            m.a = m.a + x[1]
        elif x[1] > 1:
            m.b = m.b + x
        else:
            m.k += 1
        return m.a + np.sum(m.b) * m.k

    return f, calls(lambda: m.b.__setitem__(0, -3.0), n=24), of(m)


@story
def a_name_that_is_deleted():
    m = space(a=0.0, k=0)

    def f(x):
        m.k += 1
        m.tmp = np.sum(x)
        m.a = m.a + m.tmp
        del m.tmp
        return m.a * m.k

    return f, calls(), of(m)


@story
def two_functions_with_one_state():
    m = space(k=0, a=onp.zeros(4))

    def f(x, up=True):
        m.k = m.k + 1 if up else m.k - 2
        m.a = m.a + x if up else m.a * 0.5
        return np.sum(m.a) * m.k

    steps = []
    for i, x in enumerate(inputs(24)):
        steps.append([(x,), {"up": i % 3 > 0}])
    return f, steps, of(m)
