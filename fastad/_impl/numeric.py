"""`numeric`: a function without rules, differentiated by finite differences, with a warning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as onp

from .. import numpy as anp
from .._core import defjvp_argnum, defvjp_argnum, getval, primitive
from .warning import warn_user

__all__ = ["numeric"]


def numeric(fun: Callable[..., Any], *, step: float | None = None) -> Any:
    """Make a function differentiable by central differences, where no rule can be written.

    Each use under a differential operator warns, at the line that calls it. The error is about the
    cube root of the squared precision (1e-10 for float64), and grows with each further order. The
    gradient takes two calls for each element of an argument; forward mode takes two calls in all.

    Parameters
    ----------
    fun : callable
        Called with plain values; takes and returns real numbers and arrays, smooth where it is
        used. Arguments to differentiate must be given by position.
    step : float, optional
        Step relative to the larger of 1 and the argument; by default the cube root of the
        argument's precision.

    Returns
    -------
    Primitive

    Examples
    --------
    >>> import math, warnings
    >>> from fastad import grad
    >>> from fastad.extend import numeric
    >>> gamma = numeric(math.gamma)
    >>> with warnings.catch_warnings():  # each use warns
    ...     warnings.simplefilter("ignore")
    ...     round(float(grad(gamma)(1.0)), 6)
    -0.577216
    """
    if not callable(fun):
        raise TypeError(f"numeric: the argument must be a function, not {fun!r}")
    if step is not None and not step > 0:
        raise ValueError(f"numeric: step must be positive, not {step!r}")
    differentiable = primitive(fun)

    def vjp_maker(argnum: int, ans: Any, args: Any, kwargs: Any) -> Callable[[Any], Any]:
        difference = _difference(differentiable, argnum, args, kwargs, step)
        shape = onp.shape(getval(args[argnum]))
        _warn(differentiable, argnum, 2 * int(onp.prod(shape, dtype=int)))

        def vjp(g: Any) -> Any:
            if shape == ():
                return anp.sum(g * difference(1.0))
            parts = []
            for index in onp.ndindex(*shape):
                direction = onp.zeros(shape)
                direction[index] = 1.0
                parts.append(anp.sum(g * difference(direction)))
            return anp.reshape(anp.array(parts), shape) if parts else onp.zeros(shape)

        return vjp

    def jvp(argnum: int, g: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        _warn(differentiable, argnum, 2)
        # A direction of the argument's own size keeps the step right whatever the tangent's scale.
        size = anp.max(anp.abs(g)) if onp.size(getval(g)) else 1.0
        if getval(size) == 0:
            return 0.0 * _difference(differentiable, argnum, args, kwargs, step)(getval(g) * 0.0)
        return size * _difference(differentiable, argnum, args, kwargs, step)(g / size)

    defvjp_argnum(differentiable, vjp_maker)
    defjvp_argnum(differentiable, jvp)
    return differentiable


def _difference(
    fun: Callable[..., Any], argnum: int, args: Any, kwargs: Any, step: float | None
) -> Callable[[Any], Any]:
    """The derivative in a direction. It calls `fun` itself, and so can be differentiated again."""
    x = args[argnum]
    plain = onp.asarray(getval(x))
    if plain.dtype.kind == "c":
        raise TypeError(
            f"numeric: argument {argnum} of {fun.__name__} is complex; take its real and imaginary "
            "part as two arguments"
        )
    precision = onp.finfo(plain.dtype if plain.dtype.kind == "f" else float).eps
    relative = precision ** (1 / 3) if step is None else step
    reach = float(onp.max(onp.abs(plain), initial=0.0))
    # A power of two, so that x + h and x - h are rounded as little as can be.
    h = 2.0 ** float(onp.round(onp.log2(relative * max(1.0, reach))))

    def along(direction: Any) -> Any:
        ahead = fun(*args[:argnum], x + h * direction, *args[argnum + 1 :], **kwargs)
        behind = fun(*args[:argnum], x - h * direction, *args[argnum + 1 :], **kwargs)
        return (ahead - behind) / (2.0 * h)

    return along


def _warn(fun: Any, argnum: int, calls: int) -> None:
    warn_user(
        f"the derivative of {fun.__name__} with respect to its argument number {argnum} is "
        f"approximated by finite differences ({calls} calls)"
    )
