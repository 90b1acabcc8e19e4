"""NumPy's value with the derivative of an equal computation: `valued`, `plain`."""

from __future__ import annotations

from typing import Any

from .registry import Array, defjvp, defvjp, getval, helper


@helper
def _valued(x: Array, value: Array) -> Array:
    return value


defvjp(_valued, lambda ans, x, value: lambda g: g)
defjvp(_valued, lambda t, ans, x, value: t)


def valued(x: Array, value: Array) -> Array:
    """Return NumPy's own value with the derivative of x, computed to the same by other operations.

    So that a function can be composed of differentiable operations in whatever order they are
    simplest, and its values are NumPy's bit for bit on every platform.

    Parameters
    ----------
    x : Array
        What the result is, up to rounding; also its shape and dtype.
    value : Array
        NumPy's result, plain.
    """
    return _valued(x, value)


def plain(x: Any) -> Any:
    """Return an argument without boxes, also within lists and tuples."""
    if isinstance(x, (list, tuple)):
        return type(x)(*map(plain, x)) if hasattr(x, "_fields") else type(x)(map(plain, x))
    return getval(x)
