"""Defines a function with a derivative of one's own: log-sum-exp that never overflows.

A primitive is a plain NumPy function plus its rules. The rules are written with fastad.numpy, so
they can be differentiated again, and the new function works at every order, in reverse and forward
mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import common
import numpy

import fastad.numpy as np
from fastad import grad, hessian, make_jvp
from fastad.extend import defjvp, defvjp, primitive


@primitive
def logsumexp(x: Any) -> Any:
    """Return log(sum(exp(x))), computed after taking the largest entry out."""
    largest = numpy.max(x)
    return largest + numpy.log(numpy.sum(numpy.exp(x - largest)))


# d logsumexp / dx_i = exp(x_i - ans): the softmax, which does not overflow either.
defvjp(logsumexp, lambda ans, x: lambda g: g * np.exp(x - ans))
defjvp(logsumexp, lambda g, ans, x: np.sum(g * np.exp(x - ans)))


def plain(x: Any) -> Any:
    return np.log(np.sum(np.exp(x)))


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    args = common.parser(__doc__, "custom_primitive.png").parse_args(arguments)

    x = numpy.array([1.0, 2.0, 4.0])
    gradient = grad(logsumexp)(x)
    curvature = hessian(logsumexp)(x)
    softmax = numpy.exp(x) / numpy.sum(numpy.exp(x))
    expected = numpy.diag(softmax) - numpy.outer(softmax, softmax)
    print("gradient          ", gradient)
    print("softmax           ", softmax)
    print("Hessian's error   ", float(numpy.max(numpy.abs(curvature - expected))))

    direction = numpy.array([1.0, -1.0, 0.5])
    value, slope = make_jvp(logsumexp)(x)(direction)
    print("forward mode      ", float(value), float(slope), "=", float(gradient @ direction))

    large = numpy.array([1000.0, 999.0])
    with numpy.errstate(all="ignore"):
        print("plain at 1000     ", grad(plain)(large))
    at_large = grad(logsumexp)(large)
    print("primitive at 1000 ", at_large)

    def draw(axis: Any) -> None:
        t = numpy.linspace(-3, 6, 200)
        curve = [grad(logsumexp)(numpy.array([v, 1.0, 2.0]))[0] for v in t]
        axis.plot(t, curve)
        axis.set(xlabel="x[0]", ylabel="gradient", title="logsumexp([x, 1, 2])")

    common.save_plot(args, draw)
    return {
        "gradient": gradient,
        "softmax": softmax,
        "hessian": curvature,
        "expected": expected,
        "slope": slope,
        "large": at_large,
    }


if __name__ == "__main__":
    main()
