"""NumPy's value with the derivative of an equal computation: `valued`."""

from __future__ import annotations

from .registry import Array, defjvp, defvjp, helper


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
