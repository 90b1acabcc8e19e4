"""Generators, random numbers, contexts, the environment, settings of NumPy."""

import bisect
import collections
import contextvars
import functools
import heapq
import itertools
import os
import threading
import weakref

import numpy as onp

import fastad.numpy as np

from . import Stories, calls, nothing

STORIES = Stories()
story = STORIES.add


class Model:
    pass


@story
def weakkeydict():
    class K:
        pass

    k = K()
    d = weakref.WeakKeyDictionary()
    d[k] = 2.0

    def f(x):
        return np.sum(x) * d[k]

    def c1():
        d[k] = 5.0

    return f, calls(c1), nothing


@story
def weakvaluedict():
    class K:
        v = 2.0

    h = [K()]
    d = weakref.WeakValueDictionary()
    d["a"] = h[0]

    def f(x):
        return np.sum(x) * (d["a"].v if "a" in d else 9.0)

    def c1():
        h.clear()

    return f, calls(c1), nothing


@story
def gen_yield_from():
    items = [1.0, 2.0]

    def g():
        yield from items
        return 3.0

    def g2():
        r = yield from g()
        yield r

    def f(x):
        return sum(v * np.sum(x) for v in g2())

    def c1():
        items.append(5.0)

    return f, calls(c1), nothing


@story
def gen_captured():
    def g():
        i = 0.0
        while True:
            i += 1
            yield i

    it = g()

    def f(x):
        return np.sum(x) * next(it)

    return f, calls(), nothing


@story
def gen_in_attribute():
    o = Model()
    o.g = (i for i in range(10**6))

    def f(x):
        return np.sum(x) * next(o.g)

    return f, calls(), nothing


@story
def deque_rot():
    d = collections.deque([1.0, 2.0, 3.0])

    def f(x):
        return np.sum(x) * d[0]

    return f, calls(lambda: d.rotate(1), lambda: d.appendleft(9.0)), nothing


@story
def heap_pop_push():
    h = [1.0, 3.0, 5.0]

    def f(x):
        v = heapq.heappop(h)
        heapq.heappush(h, v)
        return np.sum(x) * v

    def c1():
        heapq.heapreplace(h, 9.0)

    return f, calls(c1), lambda: list(h)


@story
def bisect_captured():
    t = [0.5, 1.0, 1.5]
    w = [1.0, 2.0, 3.0, 4.0]

    def f(x):
        return np.sum(x) * w[bisect.bisect(t, 1.2)]

    def c1():
        t[1] = 1.3

    return f, calls(c1), nothing


@story
def bisect_on_value():
    t = [0.5, 1.0, 1.5]
    w = [1.0, 2.0, 3.0, 4.0]

    def f(x):
        return x[0] * w[bisect.bisect(t, x[0])]

    def c1():
        t[1] = 1.3

    return f, calls(c1), nothing


@story
def itertools_cycle_state():
    c = itertools.cycle([1.0, 2.0])

    def f(x):
        return np.sum(x) * next(c)

    return f, calls(), nothing


@story
def itertools_islice_shared():
    src = iter(range(10**6))

    def f(x):
        return np.sum(x) * sum(itertools.islice(src, 2))

    return f, calls(), nothing


@story
def itertools_cycle_in_partial():
    nxt = functools.partial(next, itertools.cycle([1.0, 2.0]))

    def f(x):
        return np.sum(x) * nxt()

    return f, calls(), nothing


@story
def count_in_defaultdict():
    d = collections.defaultdict(itertools.count(1.0).__next__)

    def f(x):
        return np.sum(x) * d["a"]

    def c1():
        d.clear()

    return f, calls(c1), nothing


@story
def defaultdict_grows():
    d = collections.defaultdict(float)

    def f(x):
        return np.sum(x) + d["a"]

    def c1():
        d["a"] = 3.0

    return f, calls(c1), lambda: dict(d)


@story
def np_legacy_seeded_state():
    st = onp.random.RandomState(3)

    def f(x):
        return np.sum(x) * st.rand()

    return f, calls(), nothing


@story
def gen_state_set():
    g = onp.random.default_rng(3)
    s0 = g.bit_generator.state

    def f(x):
        return np.sum(x) * g.normal()

    def c1():
        g.bit_generator.state = s0

    return f, calls(c1, c1), lambda: g.normal()


@story
def gen_spawned_inside():
    g = onp.random.default_rng(3)

    def f(x):
        return np.sum(x) * g.spawn(1)[0].normal()

    return f, calls(), lambda: g.normal()


@story
def gen_replaced():
    h = {"g": onp.random.default_rng(3)}

    def f(x):
        return np.sum(x) * h["g"].normal()

    def c1():
        h["g"] = onp.random.default_rng(9)

    def c2():
        h["g"] = onp.random.Generator(onp.random.Philox(9))

    return f, calls(c1, c2), lambda: h["g"].normal()


@story
def gen_shared_bitgen():
    b = onp.random.PCG64(3)
    g1, g2 = onp.random.Generator(b), onp.random.Generator(b)
    h = [g1, g2]

    def f(x):
        return np.sum(x) * h[0].normal() + h[1].normal()

    return f, calls(), lambda: g1.normal()


@story
def seed_from_captured_int():
    o = Model()
    o.seed = 3

    def f(x):
        return np.sum(x) * onp.random.default_rng(o.seed).normal()

    def c1():
        o.seed = 4

    return f, calls(c1), nothing


@story
def environ_get():
    os.environ["ATT_K"] = "2.0"

    def f(x):
        return np.sum(x) * float(os.environ.get("ATT_K", "1"))

    def c1():
        os.environ["ATT_K"] = "3.0"

    def c2():
        os.environ.pop("ATT_K")

    return f, calls(c1, c2), nothing


@story
def ctxvar_run():
    v = contextvars.ContextVar("v", default=2.0)

    def f(x):
        return np.sum(x) * v.get()

    def c1():
        v.set(3.0)

    def c2():
        v.set([4.0])  # fails in f

    def c3():
        v.set(5.0)

    return f, calls(c1, c2, c3), lambda: v.set(2.0) and None


@story
def ctxvar_copied_context():
    v = contextvars.ContextVar("v2", default=2.0)
    ctx = contextvars.copy_context()

    def f(x):
        return np.sum(x) * ctx.run(v.get)

    def c1():
        ctx.run(v.set, 5.0)

    return f, calls(c1), nothing


@story
def tlocal():
    t = threading.local()
    t.k = 2.0

    def f(x):
        return np.sum(x) * t.k

    def c1():
        t.k = 5.0

    return f, calls(c1), nothing


@story
def errstate_global_raise():
    old = onp.geterr()

    def f(x):
        try:
            return np.sum(1.0 / (x - x[0]))
        except FloatingPointError:
            return -1.0

    return f, calls(lambda: onp.seterr(all="raise"), lambda: onp.seterr(**old), n=5), nothing


@story
def errstate_over_caught():
    old = onp.geterr()

    def f(x):
        try:
            return np.sum(np.minimum(np.exp(x * 1000), 1.0))
        except FloatingPointError:
            return -1.0

    return f, calls(lambda: onp.seterr(all="raise"), lambda: onp.seterr(**old), n=5), nothing


@story
def printopts():
    a = onp.array([1.23456789])

    def f(x):
        return np.sum(x) * len(str(a))

    return (
        f,
        calls(lambda: onp.set_printoptions(precision=3), lambda: onp.set_printoptions(precision=8)),
        nothing,
    )


@story
def seeds_list_changed():
    s = [3, 4]

    def f(x):
        return np.sum(x) * onp.random.default_rng(s).normal()

    def ch():
        s[1] = 9

    return f, calls(ch), nothing


@story
def rng_passed_as_kwarg_default():
    rng = onp.random.default_rng(1)

    def f(x, *, rng=rng):
        return np.sum(x) * rng.normal()

    return f, calls(), lambda: rng.normal()


@story
def userdict_userlist():
    d = collections.UserDict(k=2.0)
    items = collections.UserList([1.0])

    def f(x):
        return np.sum(x) * d["k"] * items[0]

    def ch():
        d["k"] = 5.0

    def ch2():
        items.append(1.0)
        items[0] = 7.0

    return f, calls(ch, ch2), nothing
