"""Hypergeometric functions: by the argument in closed form, by the parameters from their series.

The series sum_n prod (a)_n / prod (b)_n z^n / n! (DLMF 16.2.1) is differentiated term by term. At a
negative argument Pfaff's and Kummer's transformations come before it (DLMF 15.8.1, 13.2.39), so
that few terms cancel. The derivatives by parameters have relative errors of some 1e-15 times the
largest term; where that is 1e7 times the value, or 32768 terms are too few (z > 0.998 of hyp2f1,
some ten thousand of hyp1f1), they are refused.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as onp

from ... import numpy as np
from ..._core import make_jvp
from ..registry import REFUSED, Array, helper, nowhere, primal, shape_of
from .space import sp, space

FEWEST, MOST = 32, 1 << 15
NEGLIGIBLE = 1e-19
LOST = 1e7

Parameters = Sequence[Array]


def _factors(
    upper: Parameters, lower: Parameters, z: Array, n: Any, each: Callable[[Array], Array]
) -> Array:
    """The quotients of successive terms; n is a row of counts."""
    over: Array = z[..., None] / (n + 1)
    for a in upper:
        over = over * each(a[..., None] + n)
    for b in lower:
        over = over / (b[..., None] + n)
    return over


def _as_it_is(factor: Array) -> Array:
    return factor


def _without_zeros(factor: Any) -> Any:
    return onp.where(factor == 0, 1.0, factor)


def _series(upper: Parameters, lower: Parameters, z: Array, terms: int) -> Array:
    factors = _factors(upper, lower, z, onp.arange(float(terms)), _as_it_is)
    return 1 + np.sum(np.cumprod(factors, axis=-1), axis=-1)


@helper
def _terms(count: Any, *args: Any) -> Any:
    """How many terms are enough for the derivatives too; -1 where none are.

    A factor of zero ends the series, not its derivative: it is passed over here.
    """
    upper, lower, z = args[: int(count)], args[int(count) : -1], args[-1]
    terms = FEWEST
    with onp.errstate(all="ignore"):
        while terms <= MOST:
            n = onp.arange(float(terms))
            factors = onp.abs(_factors(upper, lower, z, n, _without_zeros))
            sizes, ratio = onp.cumprod(factors, axis=-1), factors[..., -1]
            rest = onp.log(terms) * sizes[..., -1] / (1 - ratio)
            largest = onp.maximum(1, onp.max(sizes, axis=-1))
            if onp.all((ratio < 1) & (rest <= NEGLIGIBLE * largest)):
                value = onp.abs(_series(upper, lower, z, terms))
                return onp.int64(-1 if onp.any(largest > LOST * (1 + value)) else terms)
            terms *= 2
    return onp.int64(-1)


Turned = Callable[..., tuple[Array, Sequence[Array]]]


def _by_parameter(name: str, count: int, i: int, turned: Turned | None) -> Callable[..., Array]:
    """The partial derivative by the i-th parameter.

    Parameters
    ----------
    name : str
    count : int
        How many parameters the series has above the line.
    i : int
    turned : callable or None
        `turned(*args)`: a factor, and the arguments of the series behind it, for a negative
        argument.
    """

    def partial(ans: Array, *args: Array) -> Array:
        zeros = onp.zeros(shape_of(ans))
        args = tuple(arg + zeros for arg in args)
        z = primal(args[-1])
        negative = onp.less(onp.real(z), 0)
        split = turned is not None and not nowhere(negative)

        def series(terms: int | None, *args: Array) -> Any:
            factor: Array = 1.0
            if split and turned is not None:
                inside = (*args[:-1], np.where(negative, args[-1], 0.0))
                factor, moved = turned(*inside)
                factor = np.where(negative, factor, 1.0)
                args = tuple(np.where(negative, new, old) for new, old in zip(moved, args))
            if terms is None:
                return _terms(count, *args)
            return factor * _series(args[:count], args[count:-1], args[-1], terms)

        terms = operator.index(series(None, *map(primal, args)))
        if terms < 0:
            raise NotImplementedError(
                f"scipy.special.{name}: the derivative by a parameter (argument {i}) comes from "
                "the series, which does not converge well enough here; give fastad.getval of the "
                "parameter if its derivative is not wanted"
            )

        def along(parameter: Array) -> Array:
            return series(terms, *args[:i], parameter, *args[i + 1 :])

        return make_jvp(along, args[i])(onp.ones_like(primal(args[i])))[1]

    return partial


def _pfaff(a: Array, b: Array, c: Array, z: Array) -> tuple[Array, Sequence[Array]]:
    return (1 - z) ** -a, (a, c - b, c, z / (z - 1))


def _kummer(a: Array, b: Array, x: Array) -> tuple[Array, Sequence[Array]]:
    return np.exp(x), (b - a, b, -x)


def _times(factor: Array, function: Callable[[Array], Array], x: Array) -> Array:
    """factor * function(x); zero where the factor is, for then the series has ended."""
    ended = onp.equal(primal(factor), 0)
    if nowhere(ended):
        return factor * function(x)
    return np.where(ended, 0.0, factor * function(np.where(ended, 0.5, x)))


# DLMF 15.5.1, 13.3.15, 16.3.1, 13.3.22: the derivative by the last argument shifts every parameter
# by one.
space.elementwise(
    "hyp2f1",
    *[_by_parameter("hyp2f1", 2, i, _pfaff) for i in range(3)],
    lambda ans, a, b, c, z: _times(a * b / c, lambda z: sp.hyp2f1(a + 1, b + 1, c + 1, z), z),
)
space.elementwise(
    "hyp1f1",
    *[_by_parameter("hyp1f1", 1, i, _kummer) for i in range(2)],
    lambda ans, a, b, x: _times(a / b, lambda x: sp.hyp1f1(a + 1, b + 1, x), x),
)
space.elementwise(
    "hyp0f1",
    _by_parameter("hyp0f1", 0, 0, None),
    lambda ans, v, z: sp.hyp0f1(v + 1, z) / v,
)
space.elementwise(
    "hyperu",
    REFUSED,
    REFUSED,
    lambda ans, a, b, x: _times(-a, lambda x: sp.hyperu(a + 1, b + 1, x), x),
)
