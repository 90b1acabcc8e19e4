"""State that a call changes: averages, the last and the best values, arrays in place."""

from __future__ import annotations

import numpy as onp

import fastad.numpy as np

from . import Stories, calls, inputs, kept, of, setting, space

STORIES = Stories()
REPLAYED = Stories()  # these are replayed, at least after their last change
story = STORIES.add
replayed = STORIES.beside(REPLAYED)


@replayed
def moving_average():
    m = space(a=onp.zeros(4))

    def f(x):
        m.a = 0.9 * m.a + 0.1 * x
        return np.sum(m.a**2)

    changes = [setting(m, a=onp.ones(4)), setting(m, a=onp.arange(4.0)[::-1])]
    return f, calls(*changes, lambda: m.a.__setitem__(1, 9.0)), of(m)


@story
def average_of_other_shapes():
    m = space(a=onp.zeros(4))

    def f(x):
        m.a = 0.9 * m.a + 0.1 * np.sum(x)
        return np.sum(m.a**2)

    changes = [setting(m, a=onp.ones(3)), setting(m, a=1.0), setting(m, a=onp.ones(4, "f4"))]
    return f, calls(*changes), of(m)


@replayed
def average_in_place():
    m = space(a=onp.zeros(4))
    alias = m.a

    def f(x):
        m.a *= 0.9
        m.a += 0.1 * x
        return np.sum(m.a**2)

    return f, calls(lambda: m.a.__setitem__(1, 9.0)), lambda: (kept(m.a), kept(alias), m.a is alias)


@story
def average_in_place_that_becomes_the_argument():
    m = space(a=onp.zeros(4))

    def f(x):
        m.a *= 0.9
        m.a += 0.1
        return np.sum(m.a * x)

    steps = calls()
    return f, [*steps, (m.a,), (m.a,), (m.a[::-1],), (m.a,), *steps], of(m)


@story
def average_in_place_under_another_name():
    m = space(a=onp.ones(4))

    def f(x):
        a = m.a
        m.a *= 0.9
        m.a += x
        return np.sum(a * x)

    return f, calls(), of(m)


@story
def two_averages_that_become_one():
    m = space(a=onp.ones(4), b=onp.zeros(4))

    def f(x):
        m.a *= 0.5
        m.b += m.a * x
        return np.sum(m.b)

    def join():
        m.b = m.a

    def part():
        m.b = m.a.copy()

    return f, calls(join, part), of(m)


@story
def two_averages_that_become_one_and_are_replaced():
    m = space(a=onp.ones(4), b=onp.zeros(4))

    def f(x):
        m.a = m.a * 0.5
        m.b = m.b + m.a * x
        return np.sum(m.b)

    def join():
        m.b = m.a

    return f, calls(join, join), of(m)


@replayed
def the_last_two():
    m = space(now=onp.zeros(4), before=onp.zeros(4))

    def f(x):
        m.before = m.now
        m.now = x * 2
        return np.sum(m.now - m.before)

    def change():
        m.before[0] = 50.0
        m.now[1] = 7.0

    return f, calls(change), lambda: (*map(kept, (m.now, m.before)), m.now is m.before)


@story
def exchange():
    m = space(a=onp.ones(4), b=onp.zeros(4), u=1.0, v=2.0)

    def f(x):
        m.a, m.b = m.b, m.a
        m.u, m.v = m.v, m.u
        return np.sum(m.a * x) * m.u

    return f, calls(lambda: m.a.__setitem__(1, 9.0), n=8), of(m)


@story
def the_argument_is_kept():
    m = space(last=onp.zeros(4))
    xs = inputs(30)

    def f(x):
        change = np.sum((x - m.last) ** 2)
        m.last = x
        return change

    def write():
        m.last[0] += 1.0

    steps = [(x,) for x in xs[:10]]
    return f, [*steps, write, *steps, write, *steps], lambda: (kept(m.last), m.last is xs[9])


@story
def the_result_is_kept():
    m = space(last=onp.zeros(4))
    results = []

    def f(x):
        m.last = x + 0.5 * m.last
        return m.last

    f, inner = (lambda x: (results.append(inner(x)), results[-1])[1]), f
    return f, calls(), lambda: (kept(m.last), m.last is results[-1])


@story
def results_that_are_changed_afterwards():
    m = space(last=onp.zeros(4), k=0)
    given = []

    def f(x):
        m.last = x + 0.5 * m.last
        m.k += 1
        return m.last

    def change():
        m.last[0] = 100.0

    return f, calls(change, change, n=6), lambda: (of(m)(), given)


@story
def a_view_is_kept():
    m = space(all=onp.zeros(4), tail=onp.zeros(3))

    def f(x):
        m.all = m.all + x
        m.tail = m.all[1:]
        return np.sum(m.tail)

    def change():
        m.all[2] = 30.0

    return f, calls(change), of(m)


@story
def a_captured_array_is_kept():
    w = onp.ones(4)
    m = space(last=onp.zeros(4), k=0.0)

    def f(x):
        m.k += 1.0
        m.last = w
        return np.sum(x * w) * m.k

    def change():
        m.last[0] += 4.0

    return f, calls(change, n=8), lambda: (of(m)(), m.last is w)


@replayed
def best_so_far():
    m = space(best=onp.inf, at=onp.zeros(4))

    def f(x):
        loss = np.sum((x - 1.0) ** 2)
        if loss < m.best:
            m.best = loss
            m.at = x * 1.0
        return loss

    return f, calls(setting(m, best=onp.inf), n=16), of(m)


@story
def best_so_far_from_none():
    m = space(best=None, at=None)

    def f(x):
        loss = np.sum((x - 1.0) ** 2)
        if m.best is None or loss < m.best:
            m.best, m.at = loss, x.copy()
        return loss

    return f, calls(setting(m, best=None), n=9), of(m)


@story
def infinities_in_the_state():
    m = space(a=1.0, b=onp.ones(4))

    def f(x):
        m.a = m.a * 2.0
        m.b = m.b / x
        return np.sum(m.b) + m.a

    steps = calls(n=8)
    with_zero = [(onp.array([1.0, 0.0, 1.0, 1.0]),)] * 4
    with onp.errstate(all="ignore"):
        return f, [*steps, *with_zero, *steps, setting(m, a=onp.inf), *steps], of(m)


@story
def a_ring_of_values():
    m = space(k=0, ring=onp.zeros(3))

    def f(x):
        m.ring[m.k % 3] = np.sum(x)
        m.k += 1
        return np.mean(m.ring)

    return f, calls(n=9), of(m)


@story
def single_precision_state():
    m = space(a=onp.zeros(4, "f4"), b=onp.float32(0), c=1j)

    def f(x):
        m.a = m.a * onp.float32(0.5) + x.astype("f4")
        m.b = m.b + onp.float32(1)
        m.c = m.c * 0.5j
        return np.sum(m.a) * m.b + m.c

    return f, calls(), of(m)


@story
def an_array_that_is_filled_and_kept_elsewhere():
    m = space(a=onp.ones(4), b=onp.zeros(4), log=[], k=0.0)

    def f(x):
        m.a *= 0.5
        m.a += x
        m.b = m.a
        m.log.append((m.k, m.a))
        return np.sum(m.b)

    return f, calls(), lambda: (of(m)(), m.b is m.a, [a is m.a for _, a in m.log])


@story
def an_array_that_is_captured_kept_and_returned():
    w = onp.ones(4)
    m = space(log=[], k=0.0)

    def f(x):
        m.k += 1.0
        m.log.append((m.k, w))
        return np.sum(x * w), w

    def change():
        m.log[-1][1][0] += 4.0

    return f, calls(change), lambda: (of(m)(), [a is w for _, a in m.log])
