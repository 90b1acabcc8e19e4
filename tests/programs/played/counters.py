"""State that a call changes: counters."""

from __future__ import annotations

import collections
import dataclasses
import math

import numpy as onp

import fastad.numpy as np
import fastad.numpy.random as npr

from . import Stories, calls, kept, of, setting, space

STORIES = Stories()
REPLAYED = Stories()  # these are replayed, at least after their last change
story = STORIES.add
replayed = STORIES.beside(REPLAYED)


@replayed
def counter():
    m = space(k=0)

    def f(x):
        m.k += 1
        return np.sum(x) * m.k

    return f, calls(setting(m, k=0), setting(m, k=100)), of(m)


@replayed
def counter_that_is_returned():
    m = space(k=0)

    def f(x):
        m.k += 1
        return np.sum(x), m.k, [m.k * 2]

    return f, calls(setting(m, k=7)), of(m)


@story
def counter_of_other_types():
    m = space(k=0)

    def f(x):
        m.k += 1
        return np.sum(x) * m.k

    changes = [setting(m, k=v) for v in (1.5, onp.int64(3), True, onp.float32(2), 2**60)]
    return f, calls(*changes), of(m)


@replayed
def every_third_call():
    m = space(k=0, total=0.0)

    def f(x):
        m.k += 1
        if m.k % 3 == 0:
            m.total = m.total + np.sum(x)
        return m.total * m.k

    return f, calls(setting(m, k=1), n=20), of(m)


@story
def counter_that_doubles():
    m = space(k=1)

    def f(x):
        m.k = m.k * 8
        return np.sum(x) * (m.k % 7)

    return f, calls(n=40), of(m)


@story
def counter_by_a_power():
    m = space(k=3, p=0)

    def f(x):
        m.k -= 1
        m.p = 2**m.k
        return np.sum(x) * m.p

    return f, calls(n=9), of(m)


@story
def floor_division_of_a_counter():
    m = space(k=0, half=0, frac=0.0)

    def f(x):
        m.k += 3
        m.half = m.k // 2
        m.frac = m.k / 2
        return np.sum(x) * m.half

    return f, calls(setting(m, k=-50), n=12), of(m)


@replayed
def nonlocal_counter():
    n, total = 0, 0.0

    def f(x):
        nonlocal n, total
        n += 1
        total = 0.5 * total + np.sum(x)
        return total / n

    return f, calls(n=9), lambda: (n, total)


@replayed
def counts_in_a_dict():
    counts = {"calls": 0, "sum": 0.0}

    def f(x):
        counts["calls"] += 1
        counts["sum"] += np.sum(x)
        return counts["sum"] / counts["calls"]

    def reset():
        counts["calls"] = 0

    def more():
        counts["other"] = 3

    return f, calls(reset, more), lambda: kept(counts)


@story
def counts_by_kind():
    counts = collections.Counter()

    def f(x):
        counts["large" if np.sum(x) > 4 else "small"] += 1
        return np.sum(x) * counts["large"]

    return f, calls(n=12), lambda: dict(counts)


@story
def a_default_that_is_changed():
    def f(x, state={"n": 0}, seen=[1.0]):  # noqa: B006
        state["n"] += 1
        seen.append(np.sum(x))
        return np.sum(x) * state["n"]

    return f, calls(), lambda: kept(f.__defaults__)


class Counted:
    made = 0
    __slots__ = ("__dict__", "inside")

    def __init__(self):
        self.inside = 0.0


@replayed
def counter_of_a_class():
    class Local:
        made = 0

    def f(x):
        Local.made += 1
        return np.sum(x) * Local.made

    return f, calls(lambda: setattr(Local, "made", 5)), lambda: Local.made


@replayed
def counter_in_slots():
    c = Counted()

    def f(x):
        c.inside += 1.0
        return np.sum(x) * c.inside

    return f, calls(lambda: setattr(c, "inside", 0.0)), lambda: c.inside


@replayed
def draws_beside_a_counter():
    m = space(k=0, total=0.0)
    rng = onp.random.default_rng(3)

    def f(x):
        m.k += 1
        m.total = m.total + np.sum(x * rng.normal(size=4))
        return m.total / m.k

    return f, calls(n=12), lambda: (of(m)(), rng.bit_generator.state["state"])


@replayed
def draws_of_the_global_generator_beside_a_counter():
    onp.random.seed(3)
    m = space(k=0, total=0.0)

    def f(x):
        m.k += 1
        m.total = m.total + np.sum(x * npr.normal(size=4))
        return m.total / m.k

    return f, calls(n=12), lambda: (of(m)(), onp.random.normal())


@story
def a_place_by_a_counter():
    m = space(k=0)
    table = onp.arange(5.0)

    def f(x):
        m.k = (m.k + 1) % 5
        return np.sum(x) * table[m.k]

    return f, calls(lambda: table.__setitem__(2, 50.0), n=12), of(m)


@replayed
def integers_in_arrays():
    m = space(n=onp.zeros(4, int))

    def f(x):
        m.n = m.n + (x > 1)
        return np.sum(x * m.n)

    return f, calls(), of(m)


@story
def integers_of_numpy():
    m = space(k=onp.int64(0), pair=(onp.int64(0), 1.0))

    def f(x):
        m.k = m.k + 1
        m.pair = (m.k, m.pair[1] * 0.5)
        return np.sum(x) * m.k

    return f, calls(), of(m)


@story
def nothing_is_written_any_more():
    m = space(k=0)

    def f(x):
        m.k = min(m.k + 1, 5)
        return np.sum(x) * m.k

    return f, calls(setting(m, k=0), n=9), of(m)


@replayed
def slots_and_data_classes():
    @dataclasses.dataclass
    class Motion:
        x: object
        v: float

    c = Counted()
    m = space(motion=Motion(onp.zeros(4), 1.0))

    def f(x):
        c.inside += 1.0
        m.motion = Motion(m.motion.x + x, m.motion.v * 0.9)
        return np.sum(m.motion.x) * m.motion.v / c.inside

    def change():
        m.motion.v = 4.0
        c.inside = 0.0

    return f, calls(change), lambda: (c.inside, vars(m.motion))


@replayed
def numbers_of_python():
    m = space(k=0, mean=0.0, log=[], angle=0.1)

    def f(x):
        m.k += 1
        m.mean = float(np.mean(x)) * 0.1 + 0.9 * m.mean
        m.angle = math.fmod(m.angle + math.atan2(m.mean, 1.0), 2 * math.pi)
        m.log.append((m.k, float(m.mean), (x * 2).tolist()))
        return math.exp(-m.angle)

    return f, calls(setting(m, angle=0.5)), of(m)
