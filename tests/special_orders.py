"""What the tests of scipy.special share."""

from __future__ import annotations

from fastad import grad


def nth(function, *orders):
    """Derivative of these orders, one for each argument."""
    for argnum, order in enumerate(orders):
        for _ in range(order):
            function = grad(function, argnum)
    return function
