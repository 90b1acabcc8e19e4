"""NumPy's value with the derivative of an equal computation: `valued`."""

from __future__ import annotations

import numpy as np

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


def ordered(x: Array, order: str = "C", like: Array | None = None) -> Array:
    """Return x as it would lie in memory in NumPy's own result, which ravel(order="K") reads.

    Parameters
    ----------
    x : Array
    order : str
        "C" or "F"; "A" is "F" if `like` is contiguous in that order only; "K" is the order of
        `like`, which has as many axes.
    like : Array, optional
        An argument of the function, traced or not.
    """
    value = getval(x)
    if not isinstance(value, np.ndarray):
        return x
    if order == "K" and like is not None:
        wanted = np.empty_like(getval(like), value.dtype, shape=value.shape, subok=False)
    else:
        fortran = order == "F" or (order == "A" and like is not None and getval(like).flags.fnc)
        wanted = np.empty(value.shape, value.dtype, "F" if fortran else "C")
    if wanted.strides == value.strides and value.flags.writeable:
        return x
    wanted[...] = value
    return _valued(x, wanted)
