"""Ints as arguments: of all sizes, as divisors, shapes and exponents, beside arrays."""

import math

import numpy as onp

import fastad.numpy as np

from . import Stories, inputs, nothing

STORIES = Stories()
story = STORIES.add


@story
def ints_many():
    def f(x, n):
        return [
            x * n,
            n // 2,
            n % 2,
            -n,
            x**n if n < 5 else 0,
            n / 3,
            x + n * 2,
            n == 3,
            n > 2,
            abs(n),
            float(n) * x,
            [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0][n] * x,
        ]

    return (
        f,
        [(float(v), n) for v in range(3) for n in (0, 1, 2, 3, 4, 5, 6, 7)] + [(1.0, -3), (2.0, 2)],
        nothing,
    )


@story
def ints_arith():
    def f(x, n):
        return [
            x * n,
            x + n,
            n - x,
            x / (n + 1),
            n * n * x,
            (n + 1) * (n + 2) * x,
            x**2 * n,
            0.9**n * x,
            1 - 0.9**n,
            n / 7,
            n * 3,
        ]

    return (
        f,
        [
            (float(v), n)
            for v in range(3)
            for n in (0, 1, 2, 3, 4, 5, 6, 7, 100, 1000, 2**40, 2**53, 2**60, 2**100, -3)
        ],
        nothing,
    )


@story
def ints_shift():
    def f(x, n):
        return [x * (n << 1), n & 1, n | 2, n ^ 3, ~n, n >> 1, n.bit_length(), str(n), divmod(n, 3)]

    return f, [(float(v), n) for v in range(3) for n in (0, 1, 2, 3, 4, 5, 6, 7)], nothing


@story
def ints_type():
    def f(x, n):
        return x * n if isinstance(n, int) else x * 100

    def g(x, n):
        return x * n if type(n) is int else x * 100

    return (
        (lambda x, n: (f(x, n), g(x, n))),
        [(float(v), n) for v in range(3) for n in (0, 1, 2, 3, 4, 5, 6, 7)],
        nothing,
    )


@story
def ints_shapes():
    def f(x, n):
        return [
            x[:n],
            np.arange(n) * 1.0,
            np.full(n, 2.0),
            np.sum(x) * n,
            "a" * n,
            [0] * n,
            np.ones((n, 2)),
            math.factorial(n),
        ]

    X = inputs(40)
    return f, [(X[v], n) for v in range(5) for n in (0, 1, 2, 3, 4)], nothing


@story
def ints_division_zero():
    def f(x, n):
        try:
            return x / n, 1 / n, 7 // n, 7 % n
        except ZeroDivisionError:
            return "zd"

    return (
        f,
        [(float(v), n) for v in range(1, 5) for n in (1, 2, 3, 4, 5, 0, 6, 0, 7, -1, -2)],
        nothing,
    )


@story
def ints_neg_zero():
    def f(x, n):
        return n * 0 * -1.0, -n * 1.0, n * -x, 0 * n, n - n

    return (
        f,
        [(float(v), n) for v in range(1, 5) for n in (1, 2, 3, 4, 5, 0, 6, 0, 7, -1, -2)],
        nothing,
    )


@story
def ints_in_float32():
    def f(x, n):
        return x * n, x**n, x + n

    return (
        f,
        [
            ((onp.arange(3) + v + 1.0).astype("f4"), n)
            for v in range(3)
            for n in (1, 2, 3, 4, 5, 6, 7)
        ],
        nothing,
    )


@story
def ints_with_int_arrays():
    def f(x, n):
        return x * n, x + n, x // (n + 1), x.sum() * n

    return f, [(onp.arange(3) + v, n) for v in range(3) for n in (1, 2, 3, 4, 5, 6, 7)], nothing
