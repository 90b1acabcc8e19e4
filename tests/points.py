"""Sample points and ways to write down sample calls, for the tests of all operations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

# ---- sample points -----------------------------------------------------------------------------

GOLDEN = 0.6180339887498949


def spread(shape: tuple[int, ...], low: float = -1.4, high: float = 1.4, seed: int = 0) -> Any:
    """Distinct points of an interval in no order, kept away from zero if it lies inside."""
    count = int(np.prod(shape))
    places = ((np.arange(count) + 1) * GOLDEN + 0.1371 * seed) % 1.0
    values = low + (high - low) * places
    if low < 0.0 < high:
        values += np.copysign(0.1, values)
    return values.reshape(shape)


def A(*shape: int, seed: int = 0) -> Any:
    """Real points of both signs."""
    return spread(shape, seed=seed)


def P(*shape: int, seed: int = 0) -> Any:
    """Positive points."""
    return spread(shape, 0.4, 2.0, seed)


def Z(*shape: int, seed: int = 0) -> Any:
    """Complex points, away from both axes."""
    return spread(shape, seed=seed) + 1j * spread(shape, seed=seed + 3)


def M(n: int, *lead: int, seed: int = 0) -> Any:
    """(Stacks of) well-conditioned matrices."""
    return A(*lead, n, n, seed=seed) + 3.0 * np.eye(n)


def holed(array: Any, *places: int) -> Any:
    """The array with NaN at flat places."""
    array = np.array(array)
    array.flat[list(places)] = np.nan
    return array


@dataclass(frozen=True)
class Fixed:
    """An argument that holds numbers but is not differentiated."""

    value: Any


# ---- calls -------------------------------------------------------------------------------------

Call = tuple[tuple[Any, ...], dict[str, Any]]


def c(*args: Any, **kwargs: Any) -> Call:
    """One call."""
    return args, kwargs


def reductions(*more: Call, points: Callable[..., Any] = A, tuples: bool = True) -> list[Call]:
    """Axes of every form, with and without keepdims."""
    calls = [
        c(points(5)),
        c(points()),
        c(points(2, 3)),
        c(points(2, 3), axis=0),
        c(points(2, 3), axis=-1, keepdims=True),
        c(points(2, 1, 3), axis=1),
        c(points(2, 3), 1),
        c(points(2, 3), keepdims=True),
    ]
    if tuples:
        calls += [
            c(points(2, 3, 2), axis=(0, 2)),
            c(points(2, 3, 2), axis=(-1, 0), keepdims=True),
            c(points(2, 3), axis=()),
            c(points(2, 3), axis=(1,)),
        ]
    return calls + list(more)


def scans(*more: Call, points: Callable[..., Any] = A) -> list[Call]:
    return [c(points(5)), c(points(2, 3)), c(points(2, 3), axis=0), c(points(2, 3), -1), *more]


def products(*more: Call) -> list[Call]:
    """Operands of dot and its kin that all of them take."""
    return [
        c(A(3), A(3, seed=1)),
        c(A(2, 3), A(3, seed=1)),
        c(A(3), A(3, 2, seed=1)),
        c(A(2, 3), A(3, 4, seed=1)),
        c(A(2, 0), A(0, 3)),
        c(A(2, 3), Fixed(A(3, 2, seed=1))),
        c(Fixed(A(2, 3)), A(3, seed=1)),
        c(A(2, 3), Z(3, 2)),
        c(Z(3), A(3)),
        *more,
    ]


X = A(2, 3, 4)
FLAGS = np.array([[True, False, True], [False, True, True]])
