"""Scopes, modules, hooks of classes, functions called by name or from compiled code."""

import functools
import itertools
import operator
import types

import fastad.numpy as np

from . import Stories, calls, inputs, nothing, setting

STORIES = Stories()
story = STORIES.add
X = inputs(24)


class Model:
    pass


@story
def walrus_comp_scope():
    t = [1.0, 2.0]

    def f(x):
        s = [y := np.sum(x) * v for v in t]
        return y + sum(s)

    def c1():
        t.reverse()

    return f, calls(c1), nothing


@story
def nonlocal_counter_cond():
    n = 0

    def f(x):
        nonlocal n
        if x[0] > 1.5:
            n += 1
        return np.sum(x)

    return f, calls(), lambda: n


@story
def exec_changes_global():
    ns = {"np": np, "k": 2.0}
    exec("def f(x):\n    return np.sum(x) * k", ns)

    def c1():
        exec("k = 5.0", ns)

    def c2():
        ns.update(k=7.0)

    def c3():
        del ns["k"]

    return ns["f"], calls(c1, c2, c3), nothing


@story
def module_getattr():
    m = types.ModuleType("mm")
    m.t = {"k": 2.0}

    def ga(n):
        if n in m.t:
            return m.t[n]
        raise AttributeError(n)

    m.__getattr__ = ga

    def f(x):
        return np.sum(x) * m.k

    def c1():
        m.t["k"] = 3.0

    def c2():
        m.k = 9.0

    def c3():
        del m.k
        m.__getattr__ = lambda n: 11.0

    return f, calls(c1, c2, c3), nothing


@story
def cell_rebound():
    k = 2.0

    def f(x):
        return np.sum(x) * k

    def c1():
        f.__closure__[0].cell_contents = 5.0

    return f, calls(c1), nothing


@story
def default_patched():
    def h(x, k=2.0, *, j=1.0):
        return x * k + j

    def f(x):
        return h(np.sum(x))

    def c1():
        h.__defaults__ = (5.0,)

    def c2():
        h.__kwdefaults__ = {"j": 7.0}

    def c3():
        h.__kwdefaults__["j"] = 9.0

    return f, calls(c1, c2, c3), nothing


@story
def init_subclass_registry():
    class Base:
        reg = {}

        def __init_subclass__(cls, **k):
            Base.reg[cls.__name__] = cls

    class A(Base):
        k = 2.0

    def f(x):
        return np.sum(x) * Base.reg["A"].k

    def ch():
        type("A", (Base,), {"k": 5.0})

    return f, calls(ch), nothing


@story
def class_getitem():
    class A:
        t = {int: 2.0}

        def __class_getitem__(cls, i):
            return cls.t[i]

    def f(x):
        return np.sum(x) * A[int]

    def ch():
        A.t[int] = 5.0

    return f, calls(ch), nothing


@story
def operator_setitem_counter():
    d = {"n": 0}
    import operator

    def f(x):
        operator.setitem(d, "n", d["n"] + 1)
        return np.sum(x)

    return f, calls(), lambda: dict(d)


@story
def str_dispatch_globals_dict():
    fs = {"a": np.sin, "b": np.cos}
    o = Model()
    o.n = "a"

    def f(x):
        return np.sum(fs[o.n](x))

    def ch():
        o.n = "b"

    def ch2():
        fs["b"] = np.tanh

    return f, calls(ch, ch2), nothing


@story
def sentinel_identity_numbers():
    o = Model()
    big = 10**20
    o.v = big

    def f(x):
        return np.sum(x) * (2.0 if o.v is big else 3.0)

    def ch():
        o.v = int("1" + "0" * 20)

    return f, calls(ch), nothing


@story
def type_of_module_attr():
    m = types.ModuleType("q")
    m.inner = types.ModuleType("q.inner")
    m.inner.k = 2.0

    def f(x):
        return np.sum(x) * m.inner.k

    def ch():
        m.inner.k = 3.0

    def ch2():
        m.inner = types.SimpleNamespace(k=9.0)

    return f, calls(ch, ch2), nothing


@story
def sum_key_sorted_getattr():
    ms = [Model(), Model()]
    ms[0].p = 2
    ms[0].v = 1.0
    ms[1].p = 1
    ms[1].v = 3.0

    def f(x):
        return np.sum(x) * sorted(ms, key=operator.attrgetter("p"))[0].v

    def ch():
        ms[0].p = 0

    return f, calls(ch), nothing


@story
def map_method_names():
    ms = [Model(), Model()]
    ms[0].v = 1.0
    ms[1].v = 3.0
    names = ["v"]

    def f(x):
        return np.sum(x) * sum(getattr(m, n) for m, n in itertools.product(ms, names))

    def ch():
        ms[0].w = 9.0
        names[0] = "w"
        ms[1].w = 1.0

    def ch2():
        ms[1].w = 5.0

    return f, calls(ch, ch2), nothing


@story
def reduce_getattr():
    a = Model()
    a.b = Model()
    a.b.c = 2.0

    def f(x):
        return np.sum(x) * functools.reduce(getattr, "b.c".split("."), a)

    def ch():
        a.b.c = 5.0

    def ch2():
        n = Model()
        n.c = 7.0
        a.b = n

    return f, calls(ch, ch2), nothing


@story
def print_default_not_called():
    def h(x, log=print, v=0):
        if v:
            log(x)
        return x * 2

    def f(x):
        return np.sum(h(x))

    return f, calls(), nothing


@story
def callbacks_list_called():
    out = []
    cbs = [out.append]

    def f(x):
        for cb in cbs:
            cb(1)
        return np.sum(x)

    return f, calls(n=4), lambda: out


@story
def callbacks_empty_then_filled():
    out = []
    cbs = []

    def f(x):
        for cb in cbs:
            cb(1)
        return np.sum(x)

    def ch():
        cbs.append(out.append)

    return f, calls(ch), lambda: out


@story
def format_spec_object():
    class P:
        k = 2.0

        def __format__(s, spec):
            return str(s.k)

    p = P()

    def f(x):
        return np.sum(x) * float(f"{p}") + float(f"{p}")

    def ch():
        p.k = 5.0

    return f, calls(ch), nothing


@story
def class_dict_swap_same_value():
    class A:
        pass

    a = A()
    a.k = 2.0
    a.items = [1.0]

    def f(x):
        return np.sum(x) * a.k * a.items[0]

    def ch():
        a.__dict__ = dict(a.__dict__)

    def ch2():
        a.__dict__["items"][0] = 4.0

    def ch3():
        a.__dict__.clear()
        a.k = 1.0
        a.items = [2.0]

    return f, calls(ch, ch2, ch3), nothing


@story
def lifted_after_dict_swap():
    class A:
        pass

    a = A()
    a.k = 2.0

    def f(x):
        return np.sum(x) * a.k

    steps = [(x,) for x in X[:4]]
    for i in range(6):
        steps += [setting(a, k=3.0 + i)] + [(x,) for x in X[:3]]
        steps += [lambda i=i: setattr(a, "__dict__", {"k": 50.0 + i})] + [(x,) for x in X[:3]]
    return f, steps, nothing


@story
def dunder_dict_write():
    class A:
        pass

    a = A()
    a.k = 2.0

    def f(x):
        return np.sum(x) * a.k

    steps = [(x,) for x in X[:4]]
    for i in range(6):
        steps += [lambda i=i: a.__dict__.__setitem__("k", 3.0 + i)] + [(x,) for x in X[:3]]
    return f, steps, nothing


@story
def call_as_partial_changed():
    class A:
        pass

    k = [2.0]
    A.__call__ = functools.partial(lambda x: x * k[0])
    a = A()

    def f(x):
        return np.sum(a(x))

    def ch():
        k[0] = 5.0

    def ch2():
        A.__call__ = lambda s, x: x * 100

    return f, calls(ch, ch2), nothing


@story
def iter_as_builtin():
    items = [1.0, 2.0]

    class A:
        __iter__ = staticmethod(items.__iter__)

    a = A()

    def f(x):
        return np.sum(x) * sum(a)

    def ch():
        items.append(5.0)

    return f, calls(ch), nothing


@story
def contains_as_builtin():
    s = {1, 2}

    class A:
        __contains__ = staticmethod(s.__contains__)

    a = A()

    def f(x):
        return np.sum(x) * (2.0 if 3 in a else 4.0)

    def ch():
        s.add(3)

    return f, calls(ch), nothing


@story
def max_by_len_and_default():
    ls = [[1], [1, 2]]

    def f(x):
        return np.sum(x) * len(max(ls, key=len))

    def ch():
        ls[0] += [2, 3]

    return f, calls(ch), nothing


@story
def accumulate_operator():
    items = [1.0, 2.0]

    def f(x):
        return np.sum(x) * list(itertools.accumulate(items, operator.mul))[-1]

    def ch():
        items[0] = 5.0

    return f, calls(ch), nothing
