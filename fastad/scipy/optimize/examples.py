"""Rosenbrock's function, which optimizers are tried on."""

from __future__ import annotations

from ... import numpy as np
from ..registry import Array, as_float
from .space import space


@space.composite("rosen")
def rosen(x: Array) -> Array:
    """Rosenbrock's function, along the first axis."""
    x = as_float(x)
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2, axis=0)


@space.composite("rosen_der")
def rosen_der(x: Array) -> Array:
    """The gradient of Rosenbrock's function."""
    x = as_float(x)
    valley = 200.0 * (x[1:] - x[:-1] ** 2)
    before = -2 * valley * x[:-1] - 2 * (1 - x[:-1])
    return np.concatenate([before, 0 * x[:1]]) + np.concatenate([0 * x[:1], valley])
