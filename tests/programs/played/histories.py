"""State that a call changes: lists that it appends to, and other containers."""

from __future__ import annotations

import collections

import numpy as onp

import fastad.numpy as np

from . import Stories, calls, inputs, kept, of, space

STORIES = Stories()
REPLAYED = Stories()  # these are replayed, at least after their last change
story = STORIES.add
replayed = STORIES.beside(REPLAYED)


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
