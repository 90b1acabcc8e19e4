"""Captured values that are inputs of a program, and arguments that are captured too."""

import math
import types

import numpy as onp

import fastad.numpy as np

from . import Stories, calls, nothing

STORIES = Stories()
story = STORIES.add


@story
def arg_is_captured():
    W = onp.arange(4.0)

    def f(x):
        return np.sum(x * W), (x is W)

    return f, calls() + [(W,)] * 6 + calls() + [(W,)], nothing


@story
def arg_is_captured_then_changed():
    W = onp.arange(4.0)

    def f(x):
        return np.sum(x * W)

    def ch():
        W[1] = 9.0

    return f, [(W,)] * 6 + [ch] + [(W,)] * 6 + calls() + [ch] + calls(), nothing


@story
def lifted_same_object():
    m = types.SimpleNamespace(a=2.0, b=2.0)
    m.b = m.a

    def f(x):
        return np.sum(x) * m.a - m.b

    steps = []
    for i in range(6):

        def ch(i=i):
            m.a = m.b = 2.0 + i

        steps += [ch] + calls(n=3)
    for i in range(6):

        def ch(i=i):
            m.a = 2.0 + i
            m.b = 7.0 * i

        steps += [ch] + calls(n=3)
    for i in range(3):

        def ch(i=i):
            m.a = m.b = 3.0 + i

        steps += [ch] + calls(n=3)
    return f, steps, nothing


@story
def lifted_identity_test():
    m = types.SimpleNamespace(a=2.5, b=3.5)

    def f(x):
        return np.sum(x) * (m.a if m.a is not m.b else 100.0)

    steps = []
    for i in range(6):

        def ch(i=i):
            m.a = 2.0 + i
            m.b = 3.3 * i

        steps += [ch] + calls(n=3)

    def ch():
        m.a = m.b

    steps += [ch] + calls(n=4)
    return f, steps, nothing


@story
def lifted_type_changes():
    m = types.SimpleNamespace(a=2.5)

    def f(x):
        return np.sum(x) * m.a, m.a * 2, type(m.a).__name__

    steps = []
    for _i, v in enumerate(
        (
            1.5,
            2.5,
            3.5,
            4.5,
            3,
            onp.float64(3.0),
            True,
            onp.float32(1.1),
            onp.array(2.0),
            5.5,
            6.5,
            1j,
            "a" and 2,
        )
    ):

        def ch(v=v):
            m.a = v

        steps += [ch] + calls(n=4)
    return f, steps, nothing


@story
def lifted_read_plainly():
    m = types.SimpleNamespace(a=2.5)

    def f(x):
        return np.sum(x) * math.exp(m.a) * (1 if m.a > 3 else 2) * onp.sin(m.a)

    steps = []
    for _i, v in enumerate((1.5, 2.5, 3.5, 4.5, 3.0, 5.5, 6.5)):

        def ch(v=v):
            m.a = v

        steps += [ch] + calls(n=4)
    return f, steps, nothing


@story
def lifted_array_shapes():
    m = types.SimpleNamespace(a=onp.ones(4))

    def f(x):
        return np.sum(x * m.a) * m.a.size

    steps = []
    for v in (
        onp.ones(4) * 2,
        onp.ones(4) * 3,
        onp.ones(1),
        onp.ones((2, 4)),
        onp.ones(4, "f4"),
        onp.arange(8.0)[::2],
        onp.ones(4) * 5,
    ):

        def ch(v=v):
            m.a = v

        steps += [ch] + calls(n=4)
    return f, steps, nothing


@story
def lifted_inplace():
    m = types.SimpleNamespace(a=onp.ones(4), b=None)
    m.b = m.a[:2]

    def f(x):
        return np.sum(x * m.a) + m.b[0] * 100

    steps = []
    for i in range(6):

        def ch(i=i):
            m.a[:] = i

        steps += [ch] + calls(n=3)
    for i in range(6):

        def ch(i=i):
            m.b[0] = 10 * i

        steps += [ch] + calls(n=3)
    for i in range(3):

        def ch(i=i):
            m.a = m.a * 2.0

        steps += [ch] + calls(n=3)
    return f, steps, nothing
