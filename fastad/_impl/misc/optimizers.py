"""Stochastic gradient descent, RMSprop and Adam, for parameters in any nesting of containers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ... import numpy as np
from ..progress import Report, counted
from .flatten import flatten

__all__ = ["adam", "rmsprop", "sgd", "unflatten_optimizer"]

Gradient = Callable[[Any, int], Any]
Callback = Callable[[Any, int, Any], Any]


def unflatten_optimizer(optimize: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator for an optimizer of vectors, so that it takes parameters in containers.

    Gradient function and callback are called with the containers, the optimizer with vectors.

    Parameters
    ----------
    optimize : callable
        `optimize(grad, x, callback, ...)` for a vector `x` returns a vector.

    Returns
    -------
    callable
        The same for an `x` that is a number, an array or a container of these.

    Examples
    --------
    >>> from fastad import grad
    >>> from fastad.misc.optimizers import unflatten_optimizer
    >>> @unflatten_optimizer
    ... def descend(grad, x, callback=None, steps=100):
    ...     for i in range(steps):
    ...         x = x - 0.1 * grad(x, i)
    ...     return x
    >>> descend(grad(lambda p, i: (p["a"] - 1.0) ** 2), {"a": 0.0})["a"].round(3).item()
    1.0
    """

    @functools.wraps(optimize)
    def _optimize(
        grad: Gradient, x0: Any, callback: Callback | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        start, unflatten = flatten(x0)

        def flat_grad(x: Any, i: int) -> Any:
            return flatten(grad(unflatten(x), i))[0]

        def flat_callback(x: Any, i: int, g: Any) -> None:
            if callback:
                callback(unflatten(x), i, unflatten(g))

        result = optimize(flat_grad, start, flat_callback if callback else None, *args, **kwargs)
        return unflatten(result)

    return _optimize


@unflatten_optimizer
def sgd(
    grad: Gradient,
    x: Any,
    callback: Callback | None = None,
    num_iters: int = 200,
    step_size: float = 0.1,
    mass: float = 0.9,
    progress: Report = False,
) -> Any:
    """Gradient descent with momentum: `v = mass * v - (1 - mass) * g`, `x = x + step_size * v`.

    Parameters
    ----------
    grad : callable
        `grad(x, i)`: the gradient at `x` in iteration `i`, built like `x`.
    x : object
        Where to start: a number, an array or a container of these.
    callback : callable, optional
        Called as `callback(x, i, g)` before each step.
    num_iters : int
        Number of steps.
    step_size, mass : float
        Step length, and the share of the velocity that is kept.
    progress : bool or callable
        True shows on standard error how far it is; a function is called as `progress(done, steps)`.

    Returns
    -------
    object
        `x` after the last step.

    Examples
    --------
    >>> import numpy as np
    >>> from fastad import grad
    >>> from fastad.misc.optimizers import sgd
    >>> sgd(grad(lambda x, i: (x[0] - 1.0) ** 2), np.zeros(1)).round(3)
    array([1.])
    """
    velocity = np.zeros(len(x))
    for i in counted(num_iters, "sgd", progress):
        g = grad(x, i)
        if callback:
            callback(x, i, g)
        velocity = mass * velocity - (1.0 - mass) * g
        x = x + step_size * velocity
    return x


@unflatten_optimizer
def rmsprop(
    grad: Gradient,
    x: Any,
    callback: Callback | None = None,
    num_iters: int = 100,
    step_size: float = 0.1,
    gamma: float = 0.9,
    eps: float = 1e-8,
    progress: Report = False,
) -> Any:
    """Gradient descent scaled by the gradient's running root mean square (Tieleman, Hinton 2012).

    Parameters
    ----------
    grad : callable
        `grad(x, i)`: the gradient at `x` in iteration `i`, built like `x`.
    x : object
        Where to start: a number, an array or a container of these.
    callback : callable, optional
        Called as `callback(x, i, g)` before each step.
    num_iters : int
        Number of steps.
    step_size : float
        Step length, before it is divided by the root mean square.
    gamma : float
        The share of the mean square that is kept in each step.
    eps : float
        Added to the root, so that nothing is divided by zero.
    progress : bool or callable
        True shows on standard error how far it is; a function is called as `progress(done, steps)`.

    Returns
    -------
    object
        `x` after the last step.

    Examples
    --------
    >>> import numpy as np
    >>> from fastad import grad
    >>> from fastad.misc.optimizers import rmsprop
    >>> loss = lambda x, i: (x[0] - 1.0) ** 2
    >>> rmsprop(grad(loss), np.zeros(1), num_iters=500, step_size=0.01).round(1)
    array([1.])
    """
    mean_square = np.ones(len(x))
    for i in counted(num_iters, "rmsprop", progress):
        g = grad(x, i)
        if callback:
            callback(x, i, g)
        mean_square = mean_square * gamma + g**2 * (1 - gamma)
        x = x - step_size * g / (np.sqrt(mean_square) + eps)
    return x


@unflatten_optimizer
def adam(
    grad: Gradient,
    x: Any,
    callback: Callback | None = None,
    num_iters: int = 100,
    step_size: float = 0.001,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    progress: Report = False,
) -> Any:
    """Adam (Kingma and Ba, arXiv:1412.6980, algorithm 1).

    Parameters
    ----------
    grad : callable
        `grad(x, i)`: the gradient at `x` in iteration `i`, built like `x`.
    x : object
        Where to start: a number, an array or a container of these.
    callback : callable, optional
        Called as `callback(x, i, g)` before each step.
    num_iters : int
        Number of steps.
    step_size : float
        Step length, before it is divided by the root of the second moment.
    b1, b2 : float
        The shares of the first and second moment that are kept in each step.
    eps : float
        Added to the root, so that nothing is divided by zero.
    progress : bool or callable
        True shows on standard error how far it is; a function is called as `progress(done, steps)`.

    Returns
    -------
    object
        `x` after the last step.

    Examples
    --------
    >>> import numpy as np
    >>> from fastad import grad
    >>> from fastad.misc.optimizers import adam
    >>> loss = lambda x, i: (x[0] - 1.0) ** 2
    >>> adam(grad(loss), np.zeros(1), num_iters=500, step_size=0.1).round(3)
    array([1.])
    """
    m = np.zeros(len(x))
    v = np.zeros(len(x))
    for i in counted(num_iters, "adam", progress):
        g = grad(x, i)
        if callback:
            callback(x, i, g)
        m = (1 - b1) * g + b1 * m
        v = (1 - b2) * (g**2) + b2 * v
        # Both moments start at zero; dividing by the sum of their weights removes that bias.
        m_hat = m / (1 - b1 ** (i + 1))
        v_hat = v / (1 - b2 ** (i + 1))
        x = x - step_size * m_hat / (np.sqrt(v_hat) + eps)
    return x
