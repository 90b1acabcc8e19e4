"""Truths, strings and None that a call changes: programs hold for one of their values each."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as onp

import fastad.numpy as np
from fastad import extend

from . import Stories, calls, inputs, of, setting, space

STORIES = Stories()
REPLAYED = Stories()  # these are replayed, at least after their last change
story = STORIES.add
replayed = STORIES.beside(REPLAYED)


@replayed
def a_flag_in_turn():
    m = space(on=False, a=onp.zeros(4), b=onp.ones(4))

    def f(x):
        m.on = not m.on
        if m.on:
            m.a = m.a - 0.1 * (m.a - x)
        else:
            m.b = m.b - 0.2 * (m.b - x)
        return np.sum(m.a * m.b)

    return f, calls(setting(m, on=True), setting(m, on=1), setting(m, on=False), n=9), of(m)


@replayed
def a_flag_that_only_one_way_raises():
    m = space(stop=False, best=1e9)

    def f(x):
        value = np.sum((x - 1.0) ** 2)
        if value < m.best:
            m.best = value
        else:
            m.stop = True
        return value

    return f, calls(setting(m, stop=False), setting(m, best=1e9, stop=False), n=9), of(m)


@replayed
def a_flag_by_comparison():
    m = space(far=False, sure=onp.bool_(True), x=0.0)

    def f(x):
        s = np.sum(x)
        m.far = abs(float(s) - m.x) > 0.5
        m.sure = s > 3.0
        m.x = float(s)
        return s * (2.0 if m.far else 1.0)

    return f, calls(setting(m, far=True), setting(m, sure=None), n=12), of(m)


@replayed
def a_phase_by_name():
    m = space(phase="warm", count=0, total=0.0)

    def f(x):
        m.count += 1
        if m.count % 3 == 0:
            m.phase = {"warm": "sample", "sample": "rest", "rest": "warm", "odd": "rest"}[m.phase]
        m.total = m.total + np.sum(x) * len(m.phase)
        return m.total

    return f, calls(setting(m, phase="odd"), n=20), of(m)


@replayed
def the_last_one_that_may_be_none():
    m = space(last=None)

    def f(x):
        change = 0.0 if m.last is None else np.sum((x - m.last) ** 2)
        m.last = x * 1.0
        return change

    return f, calls(setting(m, last=None), setting(m, last="x"), setting(m, last=None)), of(m)


@replayed
def a_cache_that_is_emptied_in_each_call():
    m = space(cache=None)

    def squares(x):
        if m.cache is None:
            m.cache = x * x
        return m.cache

    def f(x):
        y = np.sum(squares(x)) + np.sum(squares(x) ** 2)
        m.cache = None
        return y

    return f, calls(setting(m, cache=onp.ones(4))), of(m)


@replayed
def constants_in_a_dict_that_is_replaced():
    m = space(state={"x": 1.0, "ok": True, "name": None})

    def f(x):
        old = m.state
        m.state = {
            "x": 0.9 * old["x"] + np.sum(x),
            "ok": not old["ok"],
            "name": "odd" if old["ok"] else None,
        }
        return m.state["x"]

    def change():
        m.state["ok"] = True

    return f, calls(change, lambda: m.state.update(name="other"), n=9), of(m)


@story
def a_dict_replaced_here_and_changed_there():
    m = space(state={"x": 1.0, "ok": True}, in_place=False)

    def f(x):
        if m.in_place:
            m.state["ok"] = not m.state["ok"]
        else:
            m.state = {"x": 0.9 * m.state["x"] + np.sum(x), "ok": m.state["ok"]}
        return m.state["x"]

    return f, calls(setting(m, in_place=True), setting(m, in_place=False)), of(m)


@story
def a_dict_replaced_here_and_renamed_there():
    m = space(state={"x": 1.0})

    def f(x, turn):
        if turn > 0.5:
            m.state[f"y{len(m.state)}"] = m.state.pop(next(iter(m.state)))
        else:
            m.state = {"x": np.sum(x)}
        return np.sum(x)

    def turns(turn):
        return [(x, turn) for x in inputs(8)]

    return f, [*turns(0.1), *turns(0.9), *turns(0.1)], of(m)


@story
def a_dict_of_nothing_replaced_here_and_changed_there():
    m = space(state={"x": None}, k=0.0)

    def f(x, turn):
        m.k += 1.0
        if turn > 0.5:
            m.state["x"] = "there" if m.state["x"] is None else None
        else:
            m.state = {"x": None}
        return np.sum(x) * m.k

    def turns(turn):
        return [(x, turn) for x in inputs(8)]

    return f, [*turns(0.1), *turns(0.9), *turns(0.1)], of(m)


@dataclasses.dataclass(frozen=True)
class Point:
    x: Any
    t: int = 0
    fixed: bool = False


@replayed
def data_classes_replaced_by_dataclasses():
    m = space(p=Point(onp.ones(4)))

    def f(x):
        p = m.p
        m.p = dataclasses.replace(p, x=0.9 * p.x + x, t=p.t + 1, fixed=not p.fixed)
        return np.sum(m.p.x) * m.p.t

    change = setting(m, p=Point(onp.zeros(4), 7, True))
    return f, calls(change, n=9), lambda: dataclasses.asdict(m.p)


@dataclasses.dataclass
class Settings:
    rate: float = 0.1
    name: str = "sum"
    power: int = 2


@replayed
def fields_read_by_dataclasses():
    c = Settings()

    def f(x):
        total = 0.0
        for value in dataclasses.asdict(c).values():
            total = total + (len(value) if isinstance(value, str) else value * np.sum(x))
        return total + dataclasses.astuple(c)[2] + len(dataclasses.fields(c))

    return f, calls(setting(c, rate=0.5), setting(c, name="mean"), setting(c, power=3)), of(c)


@replayed
def fields_handed_on_by_replace():
    c = Settings()

    def scaled(c, x):
        return c.rate * np.sum(x**c.power)

    def f(x):
        return scaled(dataclasses.replace(c, rate=1.0), x) + scaled(c, x)

    return f, calls(setting(c, power=3), setting(c, rate=0.5)), of(c)


@replayed
def a_data_class_that_counts_in_place():
    @dataclasses.dataclass
    class Filter:
        mean: float = 0.0
        count: int = 0
        ready: bool = False

        def update(self, x):
            self.count += 1
            self.mean = self.mean + (np.mean(x) - self.mean) / self.count
            self.ready = self.count > 3
            return self.mean

    m = Filter()
    return m.update, calls(setting(m, count=0, ready=False), n=9), of(m)


@story
def a_data_class_replaced_here_and_counted_there():
    m = space(p=Settings())

    def f(x, turn):
        if turn > 0.5:
            m.p.power += 1
        else:
            m.p = Settings(np.sum(x), "new", m.p.power)
        return m.p.rate * np.sum(x)

    def turns(turn):
        return [(x, turn) for x in inputs(8)]

    return f, [*turns(0.1), *turns(0.9), *turns(0.1)], lambda: vars(m.p)


@story
def a_flag_that_a_primitive_reads():
    m = space(on=False)

    @extend.primitive
    def p(x):
        return onp.sum(x) * (2.0 if m.on else 1.0)

    def f(x):
        m.on = not m.on
        return p(x)

    return f, calls(setting(m, on=True)), of(m)


@story
def a_flag_up_while_it_runs():
    m = space(busy=False, runs=0)

    def f(x):
        if m.busy:
            raise RuntimeError("busy")
        m.busy = True
        m.runs += 1
        if np.sum(x) > 1e3:
            raise ValueError("too large")
        y = np.sum(x**2)
        m.busy = False
        return y

    steps = [*calls(n=8), (onp.full(4, 1e3),), (onp.ones(4),), setting(m, busy=False), *calls(n=4)]
    return f, steps, of(m)


@story
def a_word_that_grows():
    m = space(word="")

    def f(x):
        m.word += "a"
        return np.sum(x)

    return f, calls(setting(m, word=""), n=25), of(m)


@replayed
def arrays_that_lie_column_by_column():
    m = space(a=onp.arange(16.0).reshape(4, 4), b=onp.ones((4, 4)), rows=True)

    def f(x):
        if m.rows:
            m.a = (0.5 * m.b + x).T
        else:
            m.b = np.linalg.solve(m.a @ m.a.T + 9.0 * np.eye(4), m.b).T
        m.rows = not m.rows
        return np.sum(m.a * m.b)

    return f, calls(setting(m, b=onp.zeros((4, 4))), setting(m, a=onp.ones((4, 4))), n=9), of(m)
