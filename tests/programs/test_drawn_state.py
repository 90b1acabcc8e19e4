"""Functions put together at random from statements that read and change state, under `jit`.

What they give and leave, and which of it is one object, is compared with f itself, while the state,
results and arguments are changed between the calls.
"""

import copy
import math
import random
import types
import warnings

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import jit

from .played import same

STATEMENTS = """
s.k += 1
s.k = s.k + 2 if s.k < 9 else 0
s.k = s.k // 2
s.k = -s.k
s.u = 0.5 * s.u + float(np.sum(x))
s.u += s.k
s.u = min(s.u, 5.0)
s.u = math.tanh(s.u)
s.u, s.v = s.v, s.u
s.v = s.u
s.a = 0.9 * s.a + x
s.a *= 0.5
s.a += x
s.a = x
s.b = s.a
s.b = s.b + s.a * x
s.a, s.b = s.b, s.a
s.b = s.a[::-1]
s.w = s.w * 0.5 + np.outer(x, x)
s.w = s.w.T
s.h.append(float(s.u))
s.h.append((s.k, s.a))
s.h.append(x)
s.h.extend([s.u, 1.0])
s.d['n'] += 1
s.d['v'] = s.d['v'] * 0.5 + x
s.p = {'w': s.p['w'] + x, 'c': s.p['c'] + 1.0}
s.p['w'] = s.p['w'] - x
s.q = s.p
s.t = (s.t[0] * 0.5 + s.u, s.t[1] + x)
s.l = [v * 0.5 + x for v in s.l]
s.l[0] = s.l[0] + x
s.o.n += 1
s.o.a = s.o.a + x
y = y + np.sum(s.a)
y = y + s.u * s.k
y = y + np.sum(s.q['w']) * s.p['c']
y = y + s.t[0] + np.sum(s.l[0])
z = s.a
z = z * x
y = y + np.sum(z)
if np.sum(x) > 3.4: s.a = s.a * 0.5
if np.sum(x) > 3.6: s.h.append(0.0)
if s.k % 3 == 0: s.b = s.b + 1.0
if s.u > 2.0: s.u = 0.25 * s.u
if np.sum(x) < s.v: s.v = np.sum(x); s.b = x * 1.0
""".strip().splitlines()
RESULTS = """
y
y, s.a
s.k, y
{'y': y, 'u': s.u}
x * y
s.b + 0.0
y, y
""".strip().splitlines()
CHANGES = """
s.k = 0
s.k = 2.5
s.u = 1.0
s.v = s.u
s.a = onp.ones(4)
s.a[1] = 5.0
s.b = s.a
s.b = s.b.copy()
s.a = onp.ones(4)[::-1]
s.a = onp.zeros(4, 'f4')
s.w = onp.eye(4)
s.h.clear()
s.h = []
s.p['w'] = onp.ones(4)
s.p = s.q
s.d['n'] = 3
s.l.append(onp.ones(4))
s.l[0][0] = 3.0
s.t = (1.0, onp.ones(4))
s.o = space(n=0, a=onp.zeros(4))
""".strip().splitlines()
space = types.SimpleNamespace


def state():
    return space(
        k=0,
        u=0.0,
        v=4.0,
        a=onp.zeros(4),
        b=onp.ones(4),
        w=onp.eye(4),
        h=[],
        d={"n": 0, "v": onp.zeros(4)},
        p={"w": onp.ones(4), "c": 0.0},
        q={"w": onp.ones(4), "c": 1.0},
        t=(0.0, onp.zeros(4)),
        l=[onp.zeros(4), onp.ones(4)],
        o=space(n=0, a=onp.zeros(4)),
    )


def parts(value, path="s"):
    """The mutable objects in a value, with their places."""
    if isinstance(value, (onp.ndarray, list, dict, space)):
        yield path, value
    inner = vars(value) if isinstance(value, space) else value
    if isinstance(inner, dict):
        for key, item in inner.items():
            yield from parts(item, f"{path}.{key}")
    elif isinstance(inner, (list, tuple)):
        for i, item in enumerate(inner):
            yield from parts(item, f"{path}[{i}]")


def shared(value):
    """Which places hold the same object as an earlier one."""
    seen = {}
    return [(path, seen.setdefault(id(part), path)) for path, part in parts(value)]


def play(seed, source, wrap):
    rng, s = random.Random(seed + 1), state()
    names = {"np": np, "math": math, "s": s, "onp": onp, "space": space}
    exec(compile(source, f"<drawn {seed}>", "exec"), names)
    f = wrap(names["f"])
    left = []
    for i, x in enumerate(onp.random.RandomState(seed).uniform(0.5, 1.2, (30, 4))):
        x = x.copy()
        if rng.random() < 0.1 and i > 5:
            exec(rng.choice(CHANGES), names)
        try:
            result = f(x)
        except Exception as error:
            result = type(error).__name__
        left.append((copy.deepcopy(result), copy.deepcopy(s), shared(s)))
        if rng.random() < 0.15 and isinstance(result, onp.ndarray):
            result[0] += 0.25
        if rng.random() < 0.15:
            x[1] += 0.25
    return left


@pytest.mark.parametrize("seed", range(48))
def test_state_drawn_at_random(seed, monkeypatch):
    monkeypatch.setattr("fastad.programs.lifting.alone", lambda: True)
    rng = random.Random(seed)
    lines = ["y = np.sum(x)", "z = x", *rng.sample(STATEMENTS, rng.randint(2, 6))]
    lines.append(f"return {rng.choice(RESULTS)}")
    source = "def f(x):\n" + "".join(f"    {line}\n" for line in lines)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain, replayed = play(seed, source, lambda f: f), play(seed, source, jit)
    for (wanted, own, places), (found, other, also) in zip(plain, replayed, strict=True):
        same(wanted, found)
        compare(own, other)
        assert places == also, source


def compare(wanted, found):
    if isinstance(wanted, space):
        wanted, found = vars(wanted), vars(found)
    if isinstance(wanted, dict):
        assert list(wanted) == list(found)
        for key in wanted:
            compare(wanted[key], found[key])
    elif isinstance(wanted, (list, tuple)):
        assert type(wanted) is type(found) and len(wanted) == len(found)
        for a, b in zip(wanted, found):
            compare(a, b)
    else:
        same(wanted, found)
