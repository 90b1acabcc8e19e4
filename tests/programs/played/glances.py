"""Lists that a call appends to and reads: how long they are, elements from either end."""

from __future__ import annotations

import numpy as onp

import fastad.numpy as np

from . import Stories, calls, inputs, of, setting, space

STORIES = Stories()
REPLAYED = Stories()  # these are replayed, at least after their last change
story = STORIES.add
replayed = STORIES.beside(REPLAYED)


def history(read, *changes, first=(), last=replayed):
    """A story of what a function reads of the list that it appends to."""

    def make():
        m = space(h=list(first), k=0)

        def f(x):
            m.k += 1
            before = read(m.h)
            m.h.append(np.sum(x**2))
            return before, read(m.h)

        more = [lambda change=change: change(m) for change in changes]
        return f, calls(*more, n=12), of(m)

    make.__name__ = read.__name__
    return last(make)


def clears(m):
    m.h.clear()


def shortens(m):
    del m.h[3:]


def appends(m):
    m.h.append(7.0)


def sets(m):
    m.h[0] = m.h[-1] = 5.0


def replaces(m):
    m.h = [1.0, 2.0, 3.0]


CHANGES = (clears, appends, sets, replaces, shortens)


def the_last(h):
    return h[-1] if h else 0.0


def the_length(h):
    return len(h), 0.9 ** len(h)


def the_first(h):
    return h[0] if len(h) > 0 else -1.0


def the_last_but_one(h):
    return h[-2] if len(h) > 1 else 0.0


def the_last_three(h):
    return np.sum(np.array(h[-3:])) if h else 0.0


def whether_it_is_empty(h):
    return 1.0 if not h else 2.0


def every_fourth_time(h):
    return 1.0 if len(h) % 4 == 0 else 2.0


for read in (
    the_last,
    the_length,
    the_first,
    the_last_but_one,
    the_last_three,
    whether_it_is_empty,
    every_fourth_time,
):
    history(read, *CHANGES)


def its_sum(h):
    return sum(h)


def all_of_it(h):
    return [x * 2.0 for x in h]


def its_largest(h):
    return max(h, default=0.0)


def whether_it_holds(h):
    return 7.0 in h


def its_last_by_its_length(h):
    return h[len(h) - 1] if h else 0.0


def a_part_of_it(h):
    return h[1:3]


def a_copy(h):
    return list(h)[-1:]


def the_length_by_a_method(h):
    return h.__len__()


def through_map(h):
    return list(map(len, [h]))


for read in (
    its_sum,
    all_of_it,
    its_largest,
    whether_it_holds,
    its_last_by_its_length,
    a_part_of_it,
    a_copy,
    the_length_by_a_method,
    through_map,
):
    history(read, *CHANGES, last=story)


@replayed
def states_of_a_method_of_several_steps():
    m = space(ys=[onp.ones(4)], fs=[])

    def f(x):
        y = m.ys[-1]
        m.fs.append(np.sin(y) - x)
        step = m.fs[-1] if len(m.fs) < 2 else 1.5 * m.fs[-1] - 0.5 * m.fs[-2]
        m.ys.append(y + 0.1 * step)
        return m.ys[-1]

    def set_back():
        m.ys[:] = [onp.zeros(4)]
        m.fs.clear()

    return f, calls(set_back, lambda: m.ys.append(onp.full(4, 2.0)), n=12), of(m)


@replayed
def records_of_several_values():
    m = space(log=[])

    def f(x):
        before = m.log[-1]["loss"] if m.log else 0.0
        loss = np.sum(x**2)
        m.log.append({"loss": loss, "step": len(m.log), "better": bool(loss < before)})
        return loss - before

    return f, calls(lambda: m.log.append({"loss": 1.0, "step": 0, "better": True}), n=16), of(m)


@story
def elements_of_several_types():
    m = space(h=[1.0])

    def f(x):
        last = m.h[-1]
        m.h.append(np.sum(x) if len(m.h) % 3 else onp.float32(2.0))
        return last * 2.0

    return f, calls(lambda: m.h.append("x"), lambda: m.h.append(3.0), n=9), of(m)


@story
def an_element_changed_in_place():
    m = space(h=[onp.ones(4)])

    def f(x):
        last = m.h[-1]
        last *= 1.5
        m.h.append(x * last)
        return np.sum(last)

    return f, calls(setting(m, h=[onp.ones(4)])), of(m)


@story
def an_element_that_is_captured_too():
    w = onp.ones(4)
    m = space(h=[w], w=w)

    def f(x):
        m.w *= 1.1
        value = np.sum(m.h[-1] * x)
        m.h.append(m.w)
        return value

    return f, calls(), of(m)


@story
def an_element_that_is_kept():
    m = space(h=[onp.ones(4)], best=onp.zeros(4))

    def f(x):
        m.best = m.h[-1]
        m.h.append(x * 2.0)
        return np.sum(m.best)

    return f, calls(lambda: m.h[-1].fill(3.0)), of(m)


@story
def an_element_that_is_the_result():
    m = space(h=[onp.ones(4)])

    def f(x):
        last = m.h[-1]
        m.h.append(x * 2.0)
        return last

    def steps():
        return [(x,) for x in inputs(12)]

    return f, steps(), of(m)


@replayed
def two_lists():
    m = space(a=[], b=[0.0])

    def f(x):
        m.a.append(np.sum(x) + m.b[-1])
        if len(m.a) > 2:
            m.b.append(m.a[-1] - m.a[-2])
        return m.b[-1] / len(m.b)

    return f, calls(lambda: m.b.append(2.0), lambda: m.a.clear(), n=14), of(m)


@story
def the_same_list_twice():
    m = space(a=[1.0])
    m.b = m.a

    def f(x):
        m.a.append(np.sum(x))
        m.b.append(m.a[-1] + len(m.b))
        return m.b[-2]

    return f, calls(lambda: m.b.append(2.0), setting(m, b=[3.0, 4.0]), n=9), of(m)


@replayed
def stopping_early():
    m = space(losses=[], w=onp.zeros(4), stop=False)

    def f(x):
        m.w = m.w - 0.2 * (m.w - x)
        m.losses.append(float(np.sum((m.w - x) ** 2)))
        if len(m.losses) > 2 and abs(m.losses[-1] - m.losses[-2]) < 0.3 * m.losses[0]:
            m.stop = True
        return m.stop, m.losses[-1] / m.losses[0]

    return f, calls(lambda: m.losses.clear(), setting(m, stop=False), n=16), of(m)
