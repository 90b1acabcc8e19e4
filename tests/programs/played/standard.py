"""The standard library, exceptions, contexts, files and chance."""

import abc
import ast
import collections
import contextvars
import copy
import dataclasses
import datetime
import json
import os
import pathlib
import pickle
import re
import tempfile

import numpy as onp

import fastad.numpy as np
from fastad import grad, jacobian, jit, make_vjp

from . import Stories, calls, nothing
from .settings import Key

STORIES = Stories()
story = STORIES.add


@story
def context_var_token():
    v = contextvars.ContextVar("v", default=2.0)

    def f(x):
        return np.sum(x) * v.get()

    def ch():
        v.set(5.0)

    return f, calls(ch), nothing


@story
def contextvar_set_inside():
    v = contextvars.ContextVar("v2", default=2.0)

    def f(x):
        t = v.set(v.get() + 1)
        try:
            return np.sum(x) * v.get()
        finally:
            v.reset(t)

    return f, calls(), lambda: v.get()


@story
def decimal_fraction():
    from decimal import Decimal
    from fractions import Fraction

    d = [Decimal("1.5"), Fraction(1, 3)]

    def f(x):
        return np.sum(x) * float(d[0]) * float(d[1])

    def ch():
        d[1] = Fraction(2, 3)

    return f, calls(ch), nothing


@story
def datetime_math():
    d = [datetime.timedelta(hours=1)]

    def f(x):
        return np.sum(x) * d[0].total_seconds()

    def ch():
        d[0] = datetime.timedelta(hours=2)

    return f, calls(ch), nothing


@story
def string_format_cfg():
    c = {"a": 2.0}

    def f(x):
        return np.sum(x) * float("{a}".format(**c)) * len(f"{c}")

    def ch():
        c["a"] = 12.5

    return f, calls(ch), nothing


@story
def json_roundtrip():
    c = {"a": 2.0}

    def f(x):
        return np.sum(x) * json.loads(json.dumps(c))["a"]

    def ch():
        c["a"] = 12.5

    return f, calls(ch), nothing


@story
def pickle_roundtrip():
    k = Key("a", 2.0)

    def f(x):
        return np.sum(x) * pickle.loads(pickle.dumps(onp.ones(3) * k.k)).sum()

    def ch():
        k.k = 12.5

    return f, calls(ch), nothing


@story
def copy_deep():
    k = Key("a", [2.0])

    def f(x):
        return np.sum(x) * copy.deepcopy(k).k[0]

    def ch():
        k.k[0] = 12.5

    return f, calls(ch), nothing


@story
def ast_eval():
    s = ["2.0"]

    def f(x):
        return np.sum(x) * ast.literal_eval(s[0])

    def ch():
        s[0] = "3.0"

    return f, calls(ch), nothing


@story
def re_cfg():
    s = ["k=2"]

    def f(x):
        return np.sum(x) * float(re.match(r"k=(\d)", s[0]).group(1))

    def ch():
        s[0] = "k=7"

    return f, calls(ch), nothing


@story
def grad_inside_captured():
    W = onp.ones(4)

    def loss(w, x):
        return np.sum((w * x) ** 2)

    def f(x):
        return grad(loss)(W, x)

    def ch():
        W[1] = 3.0

    return f, calls(ch), nothing


@story
def jacobian_inside():
    k = [2.0]

    def f(x):
        return jacobian(lambda y: y**2 * k[0])(x)

    def ch():
        k[0] = 3.0

    return f, calls(ch), nothing


@story
def jit_grad_jit():
    k = [2.0]
    f = lambda x: np.sum(x**3) * k[0]

    def ch():
        k[0] = 3.0

    return (
        (
            lambda x: (
                grad(jit(grad(lambda y: grad(jit(f))(y).sum())))(x) if False else grad(jit(f))(x)
            )
        ),
        calls(ch),
        nothing,
    )


@story
def nested_jit_closure():
    k = [2.0]
    h = jit(lambda x: np.sum(x**3) * k[0])

    def f(x):
        return h(x) + h(2 * x)

    def ch():
        k[0] = 3.0

    return f, calls(ch), nothing


@story
def vjp_inside():
    k = [2.0]

    def f(x):
        v, y = make_vjp(lambda z: z**3 * k[0])(x)
        return v(y)

    def ch():
        k[0] = 3.0

    return f, calls(ch), nothing


@story
def custom_primitive():
    from fastad.extend import defvjp, primitive

    k = [2.0]

    @primitive
    def p(x):
        return onp.sin(x) * k[0]

    defvjp(p, lambda ans, x: lambda g: g * onp.cos(x) * k[0])

    def f(x):
        return np.sum(p(x)), grad(lambda y: np.sum(p(y)))(x)

    def ch():
        k[0] = 3.0

    def ch2():
        defvjp(p, lambda ans, x: lambda g: g * 100.0)

    return f, calls(ch, ch2), nothing


@story
def custom_primitive_stateful():
    from fastad.extend import primitive

    n = [0]

    @primitive
    def p(x):
        n[0] += 1
        return onp.sin(x) * n[0]

    def f(x):
        return np.sum(p(x))

    return f, calls(), lambda: n[0]


@story
def exceptions_flow():
    lim = [100.0]

    class Stop(Exception):
        pass

    def h(x):
        s = np.sum(x)
        for i in range(10):
            s = s * 1.5
            if s > lim[0]:
                raise Stop(i)
        return s

    def f(x):
        try:
            return h(x)
        except Stop as e:
            return np.sum(x) * e.args[0]

    def ch():
        lim[0] = 20.0

    return f, calls(ch, n=15), nothing


@story
def exception_escapes():
    def f(x):
        if np.sum(x) > 5:
            raise ValueError("too large")
        return np.sum(x)

    return f, calls(n=20), nothing


@story
def exception_message_value():
    def f(x):
        if np.sum(x) > 5:
            raise ValueError(f"too large {np.sum(x)}")
        return np.sum(x)

    return f, calls(n=20), nothing


@story
def traceback_frames():
    k = [2.0]

    def f(x):
        k[0]
        try:
            raise ValueError
        except ValueError as e:
            return np.sum(x) * e.__traceback__.tb_frame.f_locals["loc"]

    def ch():
        k[0] = 5.0

    return f, calls(ch), nothing


@story
def warnings_inside():
    import warnings as w

    def f(x):
        with w.catch_warnings():
            w.simplefilter("ignore")
            return np.log(np.sum(x) - 3)

    return f, calls(n=15), nothing


@story
def suppress_errstate():
    def f(x):
        with onp.errstate(all="ignore"):
            return np.log(x - 1)

    return f, calls(n=10), nothing


@story
def errstate_raise():
    def f(x):
        with onp.errstate(invalid="raise"):
            try:
                return np.log(x - 0.5)
            except FloatingPointError:
                return np.sum(x)

    return f, calls(n=20), nothing


@story
def nan_to_num():
    def f(x):
        with onp.errstate(all="ignore"):
            return np.nan_to_num(np.log(x - 1))

    return f, calls(n=10), nothing


@story
def closure_rebinding_loop():
    fs = [lambda x, i=i: x * i for i in range(3)]

    def f(x):
        return sum(h(x) for h in fs).sum()

    def ch():
        fs[1] = lambda x: x * 100

    def ch2():
        fs[2].__defaults__ = (7,)

    return f, calls(ch, ch2), nothing


@story
def late_binding():
    fs = []
    for i in range(3):
        fs.append(lambda x: x * i)

    def f(x):
        return sum(h(x) for h in fs).sum()

    def ch():
        nonlocal i
        i = 9

    return f, calls(ch), nothing


@story
def typing_protocol():
    from typing import Protocol, runtime_checkable

    @runtime_checkable
    class P(Protocol):
        def go(self): ...

    class A:
        pass

    a = A()

    def f(x):
        return np.sum(x) * (2 if isinstance(a, P) else 3)

    def ch():
        A.go = lambda s: 1

    return f, calls(ch), nothing


@story
def abc_register():
    class P(abc.ABC):  # noqa: B024
        pass

    class A:
        pass

    a = A()

    def f(x):
        return np.sum(x) * (2 if isinstance(a, P) else 3)

    def ch():
        P.register(A)

    return f, calls(ch), nothing


@story
def dataclass_default_factory():
    @dataclasses.dataclass
    class A:
        w: list = dataclasses.field(default_factory=lambda: [k[0]])

    k = [2.0]

    def f(x):
        return np.sum(x) * A().w[0]

    def ch():
        k[0] = 5.0

    return f, calls(ch), nothing


@story
def dataclass_initvar_frozen():
    @dataclasses.dataclass(frozen=True, slots=True)
    class A:
        k: float = 2.0

    a = A()

    def f(x):
        return np.sum(x) * a.k

    def ch():
        object.__setattr__(a, "k", 9.0)

    return f, calls(ch), nothing


@story
def dataclass_asdict():
    @dataclasses.dataclass
    class A:
        k: float = 2.0
        items: list = dataclasses.field(default_factory=lambda: [1.0])

    a = A()

    def f(x):
        return np.sum(x) * dataclasses.asdict(a)["items"][0] * dataclasses.replace(a, k=3.0).k

    def ch():
        a.items[0] = 9.0

    return f, calls(ch), nothing


@story
def ordereddict_move():
    d = collections.OrderedDict(a=1.0, b=2.0)

    def f(x):
        return np.sum(x) * next(iter(d.values()))

    def ch():
        d.move_to_end("a")

    return f, calls(ch), nothing


@story
def dict_reordered():
    d = {"a": 1.0, "b": 2.0}

    def f(x):
        return np.sum(x) * next(iter(d.values()))

    def ch():
        d["a"] = d.pop("a")

    return f, calls(ch), nothing


@story
def dict_views():
    d = {"a": 1.0, "b": 2.0}
    v = d.values()

    def f(x):
        return np.sum(x) * sum(v)

    def ch():
        d["a"] = 7.0

    return f, calls(ch), nothing


@story
def dict_iter_captured():
    d = {"a": 1.0, "b": 2.0, "c": 3.0}
    it = iter(d)

    def f(x):
        return np.sum(x) * d.get(next(it, "zz"), 0.0)

    return f, calls(), nothing


@story
def counter_most_common():
    c = collections.Counter("aab")

    def f(x):
        return np.sum(x) * c.most_common(1)[0][1]

    def ch():
        c.update("bbbb")

    return f, calls(ch), nothing


@story
def deque_maxlen():
    d = collections.deque([1.0, 2.0], maxlen=2)

    def f(x):
        return np.sum(x) * d[0]

    def ch():
        d.append(5.0)

    return f, calls(ch), nothing


@story
def chainmap():
    a, b = {"k": 1.0}, {"k": 2.0, "l": 3.0}
    c = collections.ChainMap(a, b)

    def f(x):
        return np.sum(x) * c["k"] * c["l"]

    def ch():
        del a["k"]

    def ch2():
        b["l"] = 9.0

    return f, calls(ch, ch2), nothing


@story
def lambda_default_array():
    W = onp.ones(4)
    f = lambda x, W=W: np.dot(x, W)

    def ch():
        W[0] = 9.0

    return f, calls(ch), nothing


@story
def np_random_seed_inside():
    def f(x):
        onp.random.seed(3)
        return np.sum(x) * onp.random.rand()

    return f, calls(), lambda: onp.random.rand()


@story
def default_rng_inside():
    s = [3]

    def f(x):
        return np.sum(x) * onp.random.default_rng(s[0]).normal()

    def ch():
        s[0] = 4

    return f, calls(ch), nothing


@story
def default_rng_noseed():
    def f(x):
        return np.sum(x) * (onp.random.default_rng().normal() * 0 + 1)

    return f, calls(), nothing


@story
def fastad_random():
    def f(x):
        return np.sum(x) * np.random.rand()

    def make():
        onp.random.seed(3)

    return f, [make] + calls(), lambda: onp.random.rand()


@story
def open_file():
    path = pathlib.Path(tempfile.mkdtemp()) / "value.txt"
    path.write_text("2.0")

    def f(x):
        with open(path) as file:
            return np.sum(x) * float(file.read())

    def ch():
        path.write_text("5.0")

    return f, calls(ch), nothing


@story
def os_environ():
    os.environ["ZZK"] = "2"

    def f(x):
        return np.sum(x) * float(os.environ["ZZK"])

    def ch():
        os.environ["ZZK"] = "5"

    return f, calls(ch), nothing
