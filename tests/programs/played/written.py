"""State that the call itself changes: counters, averages, histories, filters, optimizers."""

from __future__ import annotations

import collections
import copy
import dataclasses
import math
import types

import numpy as onp

import fastad.numpy as np
import fastad.numpy.random as npr
import fastad.scipy.optimize as optimize
from fastad import grad, value_and_grad
from fastad.extend import defvjp, primitive

from . import Stories, calls, inputs, kept, nothing, setting

STORIES = Stories()
story = STORIES.add
REPLAYED = Stories()  # these are replayed, at least after their last change


def replayed(make):
    REPLAYED.add(make)
    return story(make)


def space(**values):
    return types.SimpleNamespace(**values)


def of(owner):
    return lambda: kept(vars(owner))


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


@replayed
def history():
    m = space(losses=[])

    def f(x):
        m.losses.append(np.sum(x))
        return np.sum(x**2)

    def clear():
        m.losses.clear()

    def other():
        m.losses = [1.0]

    return f, calls(clear, other), of(m)


@replayed
def histories_of_pairs():
    h = {"loss": [], "step": []}
    m = space(k=0)

    def f(x):
        m.k += 1
        h["loss"].append((m.k, np.sum(x)))
        h["step"].append({"x": x * 2, "name": "n"})
        return np.sum(x**2)

    def change():
        h["step"][-1]["x"][0] = 4.0

    return f, calls(change), lambda: kept(h)


@story
def history_that_is_read():
    m = space(losses=[])

    def f(x):
        m.losses.append(np.sum(x))
        return np.sum(x**2) + m.losses[-1] / len(m.losses)

    return f, calls(), of(m)


@story
def history_that_is_read_on_a_way():
    m = space(losses=[])

    def f(x):
        m.losses.append(np.sum(x))
        if np.sum(x) > 5:
            return sum(m.losses) * np.sum(x)
        return np.sum(x)

    return f, calls(n=20), of(m)


@story
def history_of_bounded_length():
    window = collections.deque(maxlen=3)

    def f(x):
        window.append(np.sum(x))
        return np.mean(np.array(list(window)))

    return f, calls(), lambda: list(window)


@story
def history_under_two_names():
    m = space(a=[], b=[])
    m.b = m.a

    def f(x):
        m.a.append(np.sum(x))
        m.b.append(1.0)
        return np.sum(x)

    def part():
        m.b = []

    return f, calls(part), of(m)


@story
def history_that_is_an_argument():
    m = space(a=[])

    def f(x, h):
        m.a.append(np.sum(x))
        return np.sum(x) + sum(h)

    steps = [(x, [1.0, 2.0]) for x in inputs(8)]
    return f, [*steps, (inputs(1)[0], m.a), *steps], of(m)


@story
def history_of_floats():
    m = space(a=[])

    def f(x):
        m.a.append(float(np.sum(x)))
        return np.sum(x)

    return f, calls(), of(m)


@story
def history_in_a_tuple():
    h = ([], 1.0)

    def f(x):
        h[0].append(np.sum(x))
        return np.sum(x) * h[1]

    return f, calls(), lambda: kept(h)


@story
def history_of_an_argument_s_views():
    m = space(a=[])
    x = onp.arange(8.0)

    def f(x):
        m.a.append(x[:2])
        return np.sum(x)

    def change():
        x[0] = 100.0

    return f, [(x,)] * 8 + [change], of(m)


@replayed
def containers_that_are_replaced():
    m = space(params={"w": onp.ones(4), "b": 0.0}, pair=(1.0, onp.zeros(4)), layers=[onp.ones(4)])

    def f(x):
        p, (u, v) = m.params, m.pair
        y = np.sum(p["w"] * x) + p["b"] + u + np.sum(v)
        m.params = {"w": p["w"] - 0.1 * x, "b": p["b"] - 0.1 * y}
        m.pair = (0.5 * u + y, 0.5 * v + x)
        m.layers = [0.9 * w + x for w in m.layers]
        return y + np.sum(m.layers[0])

    def change():
        m.params["b"] = 3.0

    return f, calls(change), of(m)


@story
def containers_that_grow():
    m = space(params={"w": onp.ones(4)}, layers=[onp.ones(4)])

    def f(x):
        m.params = {name: w + x for name, w in m.params.items()}
        m.layers = [0.9 * w + x for w in m.layers]
        return np.sum(m.layers[0]) + sum(np.sum(w) for w in m.params.values())

    def change():
        m.layers.append(onp.ones(4))

    def more():
        m.params["v"] = onp.zeros(4)

    return f, calls(change, more), of(m)


@story
def containers_changed_in_place_and_replaced():
    m = space(params={"w": onp.ones(4), "b": 0.0})

    def f(x):
        if np.sum(x) > 4:
            m.params["b"] = m.params["b"] + 1.0
        else:
            m.params = {"w": m.params["w"] + x, "b": m.params["b"]}
        return np.sum(m.params["w"]) + m.params["b"]

    return f, calls(n=20), of(m)


class Adam:
    def __init__(self, n):
        self.m, self.v, self.t, self.rate = onp.zeros(n), onp.zeros(n), 0, 0.1

    def step(self, w, g):
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * g
        self.v = 0.99 * self.v + 0.01 * g**2
        m, v = self.m / (1 - 0.9**self.t), self.v / (1 - 0.99**self.t)
        return w - self.rate * m / (np.sqrt(v) + 1e-8)


@replayed
def adam():
    opt = Adam(4)
    gradient = grad(lambda w: np.sum((w - 1.0) ** 2 * np.cos(w)))

    def f(w):
        return opt.step(w, gradient(w))

    def reset():
        opt.__init__(4)

    return f, calls(setting(opt, rate=0.01), reset), of(opt)


@story
def two_optimizers():
    first, second = Adam(4), Adam(4)

    def f(opt, w):
        return opt.step(w, w - 1.0)

    steps = []
    for i, x in enumerate(inputs(24)):
        steps.append((first if i % 3 else second, x))
    return f, steps, lambda: (kept(vars(first)), kept(vars(second)))


@story
def optimizer_that_is_replaced():
    holder = space(opt=Adam(4))

    def f(w):
        return holder.opt.step(w, w - 1.0)

    def change():
        holder.opt = Adam(4)

    return f, calls(change, change), lambda: kept(vars(holder.opt))


@replayed
def kalman_filter():
    m = space(x=onp.zeros(2), P=onp.eye(2))
    F, H = onp.array([[1.0, 0.1], [0.0, 1.0]]), onp.array([[1.0, 0.0]])

    def f(z):
        m.x, m.P = F @ m.x, F @ m.P @ F.T + 0.01 * np.eye(2)
        S = H @ m.P @ H.T + 0.1
        K = m.P @ H.T @ np.linalg.inv(S)
        m.x = m.x + K @ (z - H @ m.x)
        m.P = (np.eye(2) - K @ H) @ m.P
        return m.x

    return f, calls(setting(m, P=onp.eye(2) * 3), shape=(1,)), of(m)


@replayed
def losses_that_count_under_a_gradient():
    m = space(k=0)

    def loss(w):
        m.k += 1
        return np.sum(np.sin(w) ** 2)

    return value_and_grad(loss), calls(setting(m, k=3)), of(m)


@story
def a_gradient_that_leaves_a_traced_value():
    m = space(last=0.0)

    def loss(w):
        value = np.sum(np.sin(w) ** 2)
        m.last = value
        return value

    return value_and_grad(loss), calls(), lambda: type(m.last).__name__


@story
def an_error_after_a_write():
    m = space(k=0, total=0.0)

    def f(x):
        m.k += 1
        m.total = m.total + np.sum(x)
        if np.sum(x) < 0:
            raise ValueError("negative")
        m.k += 1
        return m.total

    steps = calls()
    return f, [*steps, (-inputs(1)[0],), *steps, (-inputs(1)[0],), *steps], of(m)


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

    return f, calls(setting(m, calls=0)), lambda: copy.copy(m) == m and vars(m)


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
def a_place_by_a_counter():
    m = space(k=0)
    table = onp.arange(5.0)

    def f(x):
        m.k = (m.k + 1) % 5
        return np.sum(x) * table[m.k]

    return f, calls(lambda: table.__setitem__(2, 50.0), n=12), of(m)


@story
def a_ring_of_values():
    m = space(k=0, ring=onp.zeros(3))

    def f(x):
        m.ring[m.k % 3] = np.sum(x)
        m.k += 1
        return np.mean(m.ring)

    return f, calls(n=9), of(m)


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
def single_precision_state():
    m = space(a=onp.zeros(4, "f4"), b=onp.float32(0), c=1j)

    def f(x):
        m.a = m.a * onp.float32(0.5) + x.astype("f4")
        m.b = m.b + onp.float32(1)
        m.c = m.c * 0.5j
        return np.sum(m.a) * m.b + m.c

    return f, calls(), of(m)


@story
def nothing_is_written_any_more():
    m = space(k=0)

    def f(x):
        m.k = min(m.k + 1, 5)
        return np.sum(x) * m.k

    return f, calls(setting(m, k=0), n=9), of(m)


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


@story
def one_container_in_two_places():
    m = space(params={"w": onp.ones(4)}, best={"w": onp.zeros(4)}, k=0.0)

    def f(x):
        m.k += 1.0
        m.params = {"w": m.params["w"] + x}
        m.best = m.params
        return np.sum(m.best["w"]) * m.k

    def change():
        m.params["w"] = onp.ones(4) * 7

    return f, calls(change, change), lambda: (of(m)(), m.best is m.params)


@story
def a_container_that_is_kept_elsewhere():
    defaults = {"w": onp.ones(4)}
    m = space(params={"w": onp.zeros(4)}, log=[])

    def f(x):
        m.params = {"w": m.params["w"] + x}
        m.log.append(defaults)
        return np.sum(m.params["w"] * defaults["w"])

    def change():
        defaults["w"] = onp.ones(4) * 7

    return f, calls(change), lambda: (of(m)(), m.log[-1] is defaults)


@story
def a_container_that_is_returned():
    m = space(params={"w": onp.ones(4)})

    def f(x):
        m.params = {"w": m.params["w"] + x}
        return m.params

    results = []
    g = lambda x: results.append(f(x)) or np.sum(results[-1]["w"])

    def change():
        m.params["w"] = m.params["w"] * 3

    return g, calls(change), of(m)


@story
def an_argument_s_container_is_kept():
    m = space(last={"w": onp.ones(4)}, log=[])

    def f(p):
        change = np.sum(p["w"] - m.last["w"])
        m.last = p
        m.log.append(p)
        return change

    ps = [{"w": x} for x in inputs(16)]

    def change():
        ps[9]["w"] = ps[9]["w"] * 3

    return f, [*((p,) for p in ps[:10]), change, *((p,) for p in ps[10:])], of(m)


@story
def evaluations_counted_by_a_solver():
    m = space(evaluations=0, xs=[], last=0.0)

    def g(t, a):
        m.evaluations += 1
        m.xs.append(1.0)
        return t**3 - a

    def f(x):
        root = optimize.brentq(g, 0.0, 9.0, args=(np.sum(x),))
        m.last = root
        return root * m.last

    return f, calls(), of(m)


@story
def a_solver_between_changes():
    m = space(before=0, after=0.0)

    def f(x):
        m.before += 1
        root = optimize.brentq(lambda t, a: t**3 - a * m.before, 0.0, 90.0, args=(np.sum(x),))
        m.after = m.after + root
        return root

    return f, calls(), of(m)


@replayed
def changes_after_a_solver():
    m = space(k=0, roots=[])

    def f(x):
        root = optimize.brentq(lambda t, a: t**3 - a, 0.0, 9.0, args=(np.sum(x),))
        m.k += 1
        m.roots.append(root)
        return root * m.k

    return f, calls(), of(m)


@primitive
def counted(x):
    STATE["evaluations"] += 1
    return x * 2.0


STATE = {"evaluations": 0}
defvjp(counted, lambda ans, x: lambda g: g * 2.0)


@story
def a_primitive_that_counts():
    STATE["evaluations"] = 0
    m = space(k=0)

    def f(x):
        m.k += 1
        return np.sum(counted(x)) * STATE["evaluations"] * m.k

    return f, calls(), lambda: (of(m)(), STATE["evaluations"])


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


__all__ = ["REPLAYED", "STORIES", "nothing"]
