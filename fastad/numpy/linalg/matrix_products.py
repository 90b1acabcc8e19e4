"""Products of several matrices: matrix_power, multi_dot."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..registry import (
    Array,
    as_value,
    composite,
    defjvp_argnum,
    defvjp_argnum,
    helper,
    ops,
    refuse,
    stand_in,
)
from .matrices import T
from .solving import inv


@composite("linalg.matrix_power")
def matrix_power(a: Array, n: int) -> Array:
    """Return an integer power of square matrices, multiplied in NumPy's order."""
    a = as_value(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2] or not hasattr(n, "__index__"):
        return np.linalg.matrix_power(stand_in(a), n)  # raises
    n = operator.index(n)
    if n == 0:
        return np.linalg.matrix_power(stand_in(a), 0)  # the unit matrix, of derivative zero
    if n < 0:
        a, n = inv(a), -n
    if n == 1:
        return a
    if n == 3:
        return ops.matmul(ops.matmul(a, a), a)
    square = result = None
    while n > 0:
        square = a if square is None else ops.matmul(square, square)
        n, bit = divmod(n, 2)
        if bit:
            result = square if result is None else ops.matmul(result, square)
    return result


@helper
def _multi_dot(*factors: Array) -> Array:
    first = next(iter(factors))
    return np.linalg.multi_dot(factors) if len(factors) > 1 else first


def _multi_dot_vjp(argnum: int, ans: Array, args: Any, kwargs: Any) -> Any:
    before = [T(factor) for factor in reversed(args[:argnum])]
    after = [T(factor) for factor in reversed(args[argnum + 1 :])]
    return lambda g: _multi_dot(*before, g, *after)


def _multi_dot_jvp(argnum: int, t: Array, ans: Array, args: Any, kwargs: Any) -> Array:
    return _multi_dot(*args[:argnum], t, *args[argnum + 1 :])


defvjp_argnum(_multi_dot, _multi_dot_vjp)
defjvp_argnum(_multi_dot, _multi_dot_jvp)


@composite("linalg.multi_dot")
def multi_dot(arrays: Any, *, out: None = None) -> Array:
    """Product of two or more matrices in the cheapest order; the first and last may be vectors."""
    refuse("linalg.multi_dot", out=out)
    factors = [as_value(array) for array in arrays]
    if len(factors) < 2:
        return np.linalg.multi_dot([stand_in(factor) for factor in factors])  # raises
    first, last = factors[0].ndim, factors[-1].ndim
    if first == 1:
        factors[0] = ops.reshape(factors[0], (1, -1))
    if last == 1:
        factors[-1] = ops.reshape(factors[-1], (-1, 1))
    if len(factors) == 2:  # vectors among two factors take another path of BLAS
        return ops.dot(as_value(arrays[0]), as_value(arrays[1]))
    result = _multi_dot(*factors)
    if first == 1 and last == 1:
        return result[0, 0]
    if first == 1 or last == 1:
        return ops.ravel(result)
    return result
