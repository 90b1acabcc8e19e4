"""Numbers of choices (comb, perm) and factorials, continued by the gamma function."""

from __future__ import annotations

from typing import Any

import numpy as onp
import scipy.special

from ... import numpy as np
from ...numpy.registry import cast
from ..registry import Array, as_float, everywhere, primal
from .space import sp, space


def _no_whole_numbers(name: str, exact: Any, repetition: Any = False) -> None:
    if exact:
        raise NotImplementedError(
            f"scipy.special.{name}: exact=True counts in whole numbers and has no derivative rule "
            "in fastad; leave it out"
        )
    if repetition:
        raise NotImplementedError(
            f"scipy.special.{name}: repetition=True has no derivative rule in fastad; write "
            "comb(N + k - 1, k)"
        )


def _typed(function: Any, *given: Any) -> list[Array]:
    """The arguments in the precision that SciPy's function computes in."""
    floats = [as_float(one) for one in given]
    dtype = function(*(onp.ones(1, one.dtype) for one in floats)).dtype
    return [cast(one, dtype) for one in floats]


def _counted(function: Any, n: Array, k: Array, value: Any) -> Array:
    """`value(n, k)`, zero where SciPy's is."""
    n, k = _typed(function, n, k)
    plain_n, plain_k = primal(n), primal(k)
    counts = (plain_k <= plain_n) & (plain_n >= 0) & (plain_k >= 0)
    if everywhere(counts):
        return value(n, k)
    return np.where(counts, value(np.where(counts, n, 1.0), np.where(counts, k, 0.0)), 0.0)


@space.composite("comb")
def comb(N: Array, k: Array, *, exact: bool = False, repetition: bool = False) -> Array:
    """How many ways there are to take k of N."""
    _no_whole_numbers("comb", exact, repetition)
    return _counted(scipy.special.comb, N, k, sp.binom)


@space.composite("perm")
def perm(N: Array, k: Array, exact: bool = False) -> Array:
    """How many ordered ways there are to take k of N."""
    _no_whole_numbers("perm", exact)
    return _counted(scipy.special.perm, N, k, lambda n, k: sp.poch(n - k + 1, k))


@space.composite("factorial")
def factorial(n: Array, exact: bool = False, extend: str = "zero") -> Array:
    """The gamma function of n + 1, zero below zero."""
    _no_whole_numbers("factorial", exact)
    n = as_float(n)
    dtype = scipy.special.factorial(onp.ones(1, n.dtype)).dtype
    if extend != "zero":
        return sp.gamma(n + 1)
    counts = primal(n) >= 0
    if everywhere(counts):
        return cast(sp.gamma(n + 1), dtype)
    return cast(np.where(counts, sp.gamma(np.where(counts, n, 0.0) + 1), 0.0), dtype)
