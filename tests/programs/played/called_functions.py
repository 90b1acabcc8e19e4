"""Functions that a program calls, primitives and what solvers are given, and what they read.

The function changes that for a call, and takes the change back.
"""

import collections
import functools

import numpy as onp

import fastad.numpy as np
import fastad.scipy.integrate as fi
import fastad.scipy.optimize as fo
from fastad import grad
from fastad.extend import defvjp, notrace_primitive, numeric, primitive

from . import Stories, calls, nothing, setting

STORIES = Stories()
story = STORIES.add


class Model:
    pass


@story
def primitive_buffer_refilled():
    buf = onp.zeros(4)

    @primitive
    def p(x):
        return x * buf

    def f(x):
        buf[:] = 1.0
        a = p(x)
        buf[:] = 2.0
        b = p(x)
        return np.sum(a + 10 * b)

    return f, calls(), nothing


@story
def primitive_buffer_refilled_and_reset():
    buf = onp.zeros(4)

    @primitive
    def p(x):
        return x * buf

    def f(x):
        buf[:] = 1.0
        a = p(x)
        buf[:] = 0.0
        return np.sum(a)

    return f, calls(), nothing


@story
def primitive_list_state():
    st = [0.0]

    @primitive
    def p(x):
        return x * st[0]

    def f(x):
        st[0] = 3.0
        a = p(x)
        st[0] = 0.0
        return np.sum(a)

    return f, calls(), nothing


@story
def primitive_attr_state():
    o = Model()
    o.k = 1.0

    @primitive
    def p(x):
        return x * o.k

    def f(x):
        o.k = 3.0
        a = p(x)
        o.k = 4.0
        b = p(x)
        o.k = 1.0
        return np.sum(a + 2 * b)

    return f, calls(), nothing


@story
def primitive_nonlocal():
    k = 1.0

    @primitive
    def p(x):
        return x * k

    def f(x):
        nonlocal k
        k = 3.0
        a = p(x)
        k = 5.0
        b = p(x)
        k = 1.0
        return np.sum(a + 7 * b)

    return f, calls(), nothing


@story
def primitive_rule_state():
    buf = onp.zeros(4)

    @primitive
    def p(x):
        return x * 2

    @primitive
    def q(g):
        return g * buf

    defvjp(p, lambda ans, x: lambda g: q(g))

    def f(x):
        buf[:] = 2.0
        return np.sum(p(x))

    def h(x):
        buf[:] = 2.0
        a = grad(f)(x)
        buf[:] = 1.0
        b = grad(lambda x: np.sum(p(x)))(x)
        buf[:] = 0
        return a + 10 * b

    return h, calls(), nothing


@story
def primitive_from_pool():
    pool = {}

    @primitive
    def p(x):
        return x * pool["b"]

    def f(x):
        pool["b"] = onp.full(4, 2.0)
        a = p(x)
        pool["b"] = onp.full(4, 3.0)
        b = p(x)
        del pool["b"]
        return np.sum(a + 10 * b)

    return f, calls(), nothing


@story
def primitive_value_dependent_state():
    st = [0.0]

    @primitive
    def p(x):
        return x * st[0]

    def f(x):
        st[0] = 1.0 if x[0] > 1 else 2.0
        a = p(x)
        st[0] = 0.0
        return np.sum(a)

    return f, calls(), nothing


@story
def primitive_argument_object():
    @primitive
    def p(x, o):
        return x * o.k

    o = Model()
    o.k = 1.0

    def f(x):
        o.k = 2.0
        a = p(x, o)
        o.k = 3.0
        b = p(x, o)
        o.k = 1.0
        return np.sum(a + 10 * b)

    return f, calls(), nothing


@story
def primitive_argument_set():
    s = {1}

    @primitive
    def p(x, o):
        return x * sum(o)

    def f(x):
        a = p(x, s)
        s.add(5)
        b = p(x, s)
        s.discard(5)
        return np.sum(a + 10 * b)

    return f, calls(), nothing


@story
def primitive_argument_deque():
    s = collections.deque([1])

    @primitive
    def p(x, o):
        return x * sum(o)

    def f(x):
        a = p(x, s)
        s.append(5)
        b = p(x, s)
        s.pop()
        return np.sum(a + 10 * b)

    return f, calls(), nothing


@story
def primitive_argument_ordered_dict():
    s = collections.OrderedDict(a=1)

    @primitive
    def p(x, o):
        return x * sum(o.values())

    def f(x):
        a = p(x, s)
        s["b"] = 5
        b = p(x, s)
        del s["b"]
        return np.sum(a + 10 * b)

    return f, calls(), nothing


@story
def primitive_argument_bytearray():
    s = bytearray(b"\1")

    @primitive
    def p(x, o):
        return x * sum(o)

    def f(x):
        a = p(x, s)
        s.append(5)
        b = p(x, s)
        s.pop()
        return np.sum(a + 10 * b)

    return f, calls(), nothing


@story
def primitive_argument_captured_lambda():
    buf = onp.zeros(4)

    @primitive
    def p(x, fn):
        return fn(x)

    fn = lambda y: y * buf

    def f(x):
        buf[:] = 1
        a = p(x, fn)
        buf[:] = 2
        b = p(x, fn)
        buf[:] = 0
        return np.sum(a + 10 * b)

    return f, calls(), nothing


@story
def primitive_class_attr():
    class C:
        k = 1.0

    @primitive
    def p(x):
        return x * C.k

    def f(x):
        C.k = 5.0
        a = p(x)
        C.k = 1.0
        return np.sum(a + p(x))

    return f, calls(), nothing


@story
def primitive_method():
    class C:
        def __init__(self):
            self.k = 1.0

        def q(self, x):
            return x * self.k

    c = C()
    p = primitive(c.q)

    def f(x):
        c.k = 5.0
        a = p(x)
        c.k = 1.0
        return np.sum(a + p(x))

    return f, calls(setting(c, k=1.0)), nothing


@story
def primitive_partial():
    buf = onp.ones(4)
    p = primitive(functools.partial(lambda b, x: b * x, buf))

    def f(x):
        buf[:] = 5.0
        a = p(x)
        buf[:] = 1.0
        return np.sum(a + p(x))

    return f, calls(), nothing


@story
def primitive_inside_grad_buffer():
    buf = onp.ones(4)

    @primitive
    def p(x):
        return x * buf

    defvjp(p, lambda ans, x: lambda g: g * buf)

    def f(x):
        buf[:] = 5.0
        a = p(x)
        return np.sum(a * a)

    def h(x):
        g = grad(f)(x)
        buf[:] = 1.0
        return g

    return h, calls(), nothing


@story
def solver_buffer():
    buf = onp.zeros(2)

    def rhs(y, t):
        return -buf * y

    def f(x):
        buf[:] = 1
        a = fi.odeint(rhs, x[:2], onp.linspace(0, 1, 3))
        buf[:] = 2
        b = fi.odeint(rhs, x[:2], onp.linspace(0, 1, 3))
        buf[:] = 0
        return np.sum(a + 10 * b)

    return f, calls(), nothing


@story
def solver_attr():
    o = Model()
    o.k = 0.0

    def g(z, a):
        return z**3 + z * o.k - a

    def f(x):
        o.k = 1.0
        a = fo.brentq(g, -10.0, 10.0, args=(x[0],))
        o.k = 2.0
        b = fo.brentq(g, -10.0, 10.0, args=(x[0],))
        o.k = 0.0
        return a + 10 * b

    return f, calls(), nothing


@story
def solver_long_list():
    st = [0.0] * 300

    def g(z, a):
        return z**3 + z * st[0] - a

    def f(x):
        st[0] = 1.0
        a = fo.brentq(g, -10.0, 10.0, args=(x[0],))
        st[0] = 2.0
        b = fo.brentq(g, -10.0, 10.0, args=(x[0],))
        st[0] = 0.0
        return a + 10 * b

    return f, calls(), nothing


@story
def solver_method():
    class C:
        k = 0.0

        def g(self, z, a):
            return z**3 + z * self.k - a

    c = C()
    c.k = 0.0

    def f(x):
        c.k = 1.0
        a = fo.brentq(c.g, -10.0, 10.0, args=(x[0],))
        c.k = 2.0
        b = fo.brentq(c.g, -10.0, 10.0, args=(x[0],))
        c.k = 0.0
        return a + 10 * b

    return f, calls(), nothing


@story
def solver_local_long():
    def f(x):
        st = [0.0] * 300

        def g(z, a):
            return z**3 + z * st[0] - a

        st[0] = 1.0
        a = fo.brentq(g, -10.0, 10.0, args=(x[0],))
        st[0] = 2.0
        b = fo.brentq(g, -10.0, 10.0, args=(x[0],))
        st[0] = 0.0
        return a + 10 * b

    return f, calls(), nothing


@story
def primitive_lifted_overridden():
    k = 1.0

    @primitive
    def p(x):
        return x * k

    def f(x):
        nonlocal k
        y = np.sum(x) * k
        old = k
        k = 3.0
        a = p(x)
        k = old
        return np.sum(a) + y

    def ch(v):
        def c():
            nonlocal k
            k = v

        return c

    return f, calls(ch(2.0), ch(3.0), ch(4.0)), nothing


@story
def primitive_late_side_effect():
    log = []

    def helper(x):
        log.append(1)

    @primitive
    def p(x):
        if x[0] > 1.6:
            helper(x)
        return x * 2

    def f(x):
        return np.sum(p(x))

    return f, calls(n=60), lambda: len(log)


@story
def primitive_late_random():
    rng = onp.random.default_rng(0)

    def helper():
        return rng.normal()

    @primitive
    def p(x):
        if x[0] > 1.6:
            return x * helper()
        return x * 2

    def f(x):
        return np.sum(p(x))

    return f, calls(n=60), nothing


@story
def notrace_primitive_state():
    buf = [1.0]
    q = notrace_primitive(lambda x: onp.floor(x) * buf[0])

    def f(x):
        buf[0] = 2.0
        a = q(x)
        buf[0] = 1.0
        return np.sum(a * x)

    return f, calls(), nothing


@story
def numeric_state():
    buf = [1.0]
    q = numeric(lambda x: x * buf[0])

    def f(x):
        buf[0] = 2.0
        a = q(x)
        buf[0] = 1.0
        return np.sum(a * x)

    return f, calls(), nothing


@story
def primitive_none_tree_result():
    buf = [1.0]

    @primitive
    def p(x):
        return {"a": x * buf[0], "b": [x]}

    def f(x):
        buf[0] = 2.0
        a = p(x)
        buf[0] = 1.0
        return np.sum(a["a"] * x)

    return f, calls(), nothing


@story
def primitive_writes_into_what_was_computed():
    @primitive
    def p(y):
        s = y.sum()
        y *= 3.0
        return s

    def f(x):
        y = x * 2
        z = p(y)
        return np.sum(y) + z

    return f, calls(), nothing


@story
def primitive_writes_into_a_large_array():
    @primitive
    def p(y):
        y[77] += 1.0
        return y.sum()

    def f(x):
        y = np.tile(x, 10000)
        return p(y) + np.sum(y) + np.sum(p(y))

    return f, calls(n=5), nothing


@story
def primitive_writes_into_a_constant():
    @primitive
    def p(y, w):
        w += 1.0
        return y * w

    def f(x):
        w = onp.zeros(4)
        return np.sum(p(x, w) + 10 * p(x, w))

    return f, calls(), nothing


@story
def primitive_writes_into_a_list():
    @primitive
    def p(y, w):
        w.append(1.0)
        return y * sum(w)

    def f(x):
        w = [1.0]
        return np.sum(p(x, w) + 10 * p(x, w))

    return f, calls(), nothing


@story
def primitive_writes_into_a_copied_dict():
    d = {"k": 1.0}

    @primitive
    def p(y, w):
        w["k"] += 1.0
        return y * w["k"]

    def f(x):
        w = dict(d)
        return np.sum(p(x, w) + 10 * p(x, w))

    return f, calls(), nothing


@story
def primitive_writes_its_result_into_an_argument():
    @primitive
    def p(y, buf):
        onp.multiply(y, 2.0, out=buf)
        return buf

    def f(x):
        buf = onp.zeros(4)
        a = p(x, buf)
        b = p(3 * x, buf)
        return np.sum(a) + 10 * np.sum(b)

    return f, calls(), nothing


# what a primitive makes of the order in memory


@story
def order_of_memory():
    @primitive
    def p(y):
        return y.ravel("K") * onp.arange(4.0)

    def f(x):
        a = np.reshape(x, (2, 2))
        b = np.outer(x[:2], x[2:]) * 1.5
        return p(a.T) + p(a) + p(a[::-1]) + p(b.T) + p(b[:, ::-1]) + p(np.outer(x, x)[::2, 1:3])

    return f, calls(), nothing


@story
def contiguity_and_strides():
    @primitive
    def p(y):
        factor = 2.0 if y.flags.c_contiguous else 3.0 if y.flags.f_contiguous else 5.0
        return onp.sum(y) * factor * sum(y.strides)

    def f(x):
        a = np.outer(x, x)
        b = np.broadcast_to(x * 2, (3, 4))
        parts = (a, a.T, a[::2], a[:, ::-1], a.T[1:], x[::2], (x * 2)[::-2], b, b[:, :1], a[:1])
        return np.stack([p(part) for part in parts])

    return f, calls(), nothing
