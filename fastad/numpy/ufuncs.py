"""What NumPy's ufuncs have as attributes (`add.reduce`, `multiply.outer`, `sin.types`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .registry import Array, Primitive, as_value, by_function, named, ops, refuse

DATA = ("identity", "nargs", "nin", "nout", "ntypes", "resolve_dtypes", "signature", "types")

# ufunc -> the operation that reduces (accumulates) by it along axes.
REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}
ACCUMULATIONS = {"add": "cumsum", "multiply": "cumprod"}


def _reduce(name: str, operation: str) -> Callable[..., Array]:
    def reduce(
        array: Array,
        /,
        axis: Any = 0,
        dtype: Any = None,
        out: None = None,
        keepdims: bool = False,
        **unsupported: Any,
    ) -> Array:
        refuse(f"{name}.reduce", out=out, dtype=dtype, **unsupported)
        return getattr(ops, operation)(as_value(array), axis=axis, keepdims=keepdims)

    return reduce


def _accumulate(name: str, operation: str) -> Callable[..., Array]:
    def accumulate(array: Array, /, axis: int = 0, dtype: Any = None, out: None = None) -> Array:
        refuse(f"{name}.accumulate", out=out, dtype=dtype)
        return getattr(ops, operation)(as_value(array), axis=axis)

    return accumulate


def _outer(primitive: Primitive) -> Callable[..., Array]:
    def outer(a: Array, b: Array, /, **unsupported: Any) -> Array:
        refuse("outer of a ufunc", **unsupported)
        a, b = as_value(a), as_value(b)
        return primitive(ops.reshape(a, a.shape + (1,) * b.ndim), b)

    return outer


def attach() -> None:
    """Give each ufunc's primitive the ufunc's attributes and methods; those without rule refuse."""
    for function, primitive in list(by_function.items()):
        if not isinstance(function, np.ufunc):
            continue
        name = function.__name__
        for attribute in DATA:
            if hasattr(function, attribute):
                setattr(primitive, attribute, getattr(function, attribute))
        traced: dict[str, Callable[..., Array]] = {}
        if name in REDUCTIONS:
            traced["reduce"] = _reduce(name, REDUCTIONS[name])
        if name in ACCUMULATIONS:
            traced["accumulate"] = _accumulate(name, ACCUMULATIONS[name])
        if function.nin == 2 and function.nout == 1 and function.signature is None:
            traced["outer"] = _outer(primitive)
        for method in ("reduce", "accumulate", "reduceat", "outer", "at"):
            bound = getattr(function, method)
            made = Primitive(bound, f"{name}.{method}", traced=traced.get(method))
            setattr(primitive, method, named(made, bound))


attach()
