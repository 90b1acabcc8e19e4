"""The functions that HIPS/autograd's own benchmarks differentiate, under their names there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from . import Workload, enter
from .numbers import fan_out_fan_in, long_chain

Function = Callable[..., Any]


def short(np: Any) -> Function:
    """The square of a number."""
    return lambda x: x**2


def needless_nodes(np: Any) -> Function:
    """A hundred additions of a constant to an array: none of them needs its operands."""

    def f(x: Any) -> Any:
        for _ in range(100):
            x = x + 1.0
        return np.sum(x)

    return f


def many_gradients(np: Any) -> Function:
    """A value used a hundred times by one sum."""

    def f(x: Any) -> Any:
        return np.sum(np.stack([x for _ in range(100)]))

    return f


def products(np: Any) -> Function:
    """A product of two matrices, summed."""

    def f(a: Any, b: Any) -> Any:
        return np.sum(np.dot(a, b))

    return f


def _normal(*shape: int) -> Any:
    return numpy.random.default_rng(0).normal(size=shape)


def _enter() -> None:
    def upstream(name: str, build: Any, make: Any, **options: Any) -> None:
        enter(Workload(name, "upstream", build, make, **options))

    upstream("time_short_grad", short, lambda: (2.0,))
    upstream("time_long_grad", long_chain, lambda: (2.0,), quick=False)
    compiles = {"jax": "20,000 operations, unrolled, compile for a minute"}
    upstream("time_fan_out_fan_in_grad", fan_out_fan_in, lambda: (2.0,), quick=False, skip=compiles)
    upstream("peakmem_needless_nodes", needless_nodes, lambda: (_normal(300, 300),), quick=False)
    upstream("peakmem_many_gradients", many_gradients, lambda: (_normal(100, 100),), quick=False)
    upstream("time_dot", products, lambda: (_normal(100, 100), _normal(100, 100)), argnum=(0, 1))


_enter()
