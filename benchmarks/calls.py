"""Small calls: the gradient of one operation at five elements, less that of none, over its value.

``python -m benchmarks --costs`` prints them with their targets, after the fixed costs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import scipy.special

import fastad.numpy
import fastad.scipy.special
from fastad import make_vjp

from . import measure
from .costs import Figure
from .measure import Effort

X = numpy.array([0.31, 0.62, 0.18, 0.77, 0.45])
Y = numpy.array([0.52, 0.11, 0.93, 0.36, 0.68])
THREE = numpy.array([0.2, 0.5, 0.9])
MASK, PLACES = X > 0.4, numpy.array([0, 1, 0, 1, 0])
MATRIX = numpy.outer(X, Y) + numpy.diag(Y)

# Of NumPy's or fastad's namespaces: how an argument is rearranged or combined linearly (to be had
# for four times its value), and what else there is (for five times).
LINEAR: dict[str, Callable[[Any, Any], Callable[[Any], Any]]] = {
    "x[::-1]": lambda np, sp: lambda x: x[::-1],
    "x[:, None]": lambda np, sp: lambda x: x[:, None],
    "x.T": lambda np, sp: lambda x: x.T,
    "x.reshape": lambda np, sp: lambda x: x.reshape(5, 1),
    "astype": lambda np, sp: lambda x: x.astype("float32"),
    "flip": lambda np, sp: np.flip,
    "x[1:4]": lambda np, sp: lambda x: x[1:4],
    "x[mask]": lambda np, sp: lambda x: x[MASK],
    "copy": lambda np, sp: lambda x: np.copy(x),
    "roll": lambda np, sp: lambda x: np.roll(x, 1),
    "repeat": lambda np, sp: lambda x: np.repeat(x, 2),
    "tile": lambda np, sp: lambda x: np.tile(x, 2),
    "take": lambda np, sp: lambda x: np.take(x, [0, 1]),
    "diag": lambda np, sp: np.diag,
    "array": lambda np, sp: lambda x: np.array([x, x]),
    "stack": lambda np, sp: lambda x: np.stack([x, Y]),
    "vstack": lambda np, sp: lambda x: np.vstack([x, Y]),
    "hstack": lambda np, sp: lambda x: np.hstack([x, Y]),
    "column_stack": lambda np, sp: lambda x: np.column_stack([x, Y]),
    "meshgrid": lambda np, sp: lambda x: np.meshgrid(x, Y)[0],
    "cumsum": lambda np, sp: np.cumsum,
    "inner": lambda np, sp: lambda x: np.inner(x, Y),
    "vdot": lambda np, sp: lambda x: np.vdot(x, Y),
    "outer": lambda np, sp: lambda x: np.outer(x, Y),
    "kron": lambda np, sp: lambda x: np.kron(x, Y),
    "convolve": lambda np, sp: lambda x: np.convolve(x, THREE),
    "convolve, same": lambda np, sp: lambda x: np.convolve(x, THREE, "same"),
    "correlate": lambda np, sp: lambda x: np.correlate(x, THREE),
    "correlate, same": lambda np, sp: lambda x: np.correlate(x, THREE, "same"),
    "correlate, full": lambda np, sp: lambda x: np.correlate(x, THREE, "full"),
    "choose": lambda np, sp: lambda x: np.choose(PLACES, [x, Y]),
    "delete": lambda np, sp: lambda x: np.delete(x, 1),
}
OTHERS: dict[str, Callable[[Any, Any], Callable[[Any], Any]]] = {
    "sort": lambda np, sp: np.sort,
    "partition": lambda np, sp: lambda x: np.partition(x, 2),
    "median": lambda np, sp: np.median,
    "quantile": lambda np, sp: lambda x: np.quantile(x, 0.3),
    "cumprod": lambda np, sp: np.cumprod,
    "prod": lambda np, sp: np.prod,
    "var": lambda np, sp: np.var,
    "std": lambda np, sp: np.std,
    "norm": lambda np, sp: np.linalg.norm,
    "interp": lambda np, sp: lambda x: np.interp(x, THREE, THREE**2),
    "interp by values": lambda np, sp: lambda x: np.interp(Y, numpy.sort(Y), x),
    "modf": lambda np, sp: lambda x: np.modf(x)[0],
    "frexp": lambda np, sp: lambda x: np.frexp(x)[0],
    "divmod": lambda np, sp: lambda x: np.divmod(x, 0.2)[1],
    "maximum.accumulate": lambda np, sp: lambda x: np.maximum.accumulate(x),
    "logaddexp.reduce": lambda np, sp: lambda x: np.logaddexp.reduce(x),
    "add.reduceat": lambda np, sp: lambda x: np.add.reduceat(x, [0, 2]),
    "vander": lambda np, sp: np.vander,
    "vectorize": lambda np, sp: np.vectorize(lambda number: number * number),
    "i0": lambda np, sp: np.i0,
    "digamma": lambda np, sp: sp.digamma,
    "gammainc": lambda np, sp: lambda x: sp.gammainc(2.0, x),
    "ndtr": lambda np, sp: sp.ndtr,
    "logit": lambda np, sp: sp.logit,
    "logsumexp": lambda np, sp: sp.logsumexp,
}
OF_MATRICES: dict[str, Callable[[Any, Any], Callable[[Any], Any]]] = {
    "trace": lambda np, sp: np.trace,
    "diagonal": lambda np, sp: np.diagonal,
    "einsum": lambda np, sp: lambda x: np.einsum("ij,jk->ik", x, MATRIX),
    "matmul": lambda np, sp: lambda x: x @ MATRIX,
    "x.T of a matrix": lambda np, sp: lambda x: x.T,
    "ravel": lambda np, sp: np.ravel,
    "cumprod, axis 0": lambda np, sp: lambda x: np.cumprod(x, 0),
    "tensordot": lambda np, sp: lambda x: np.tensordot(x, MATRIX, 1),
}


def _figure(name: str, target: float, x: Any, make: Any, effort: Effort) -> Figure:
    plain = make(numpy, scipy.special)
    traced = make_vjp(make(fastad.numpy, fastad.scipy.special))
    none = make_vjp(lambda x: x)
    seed = numpy.ones_like(plain(x))[()]
    if not numpy.array_equal(traced(x)[1], plain(x)):
        raise SystemExit(f"{name}: fastad's value is not NumPy's")
    taken = measure.samples(
        {
            "f": lambda: plain(x),
            "fastad": lambda: traced(x)[0](seed),
            "none": lambda: none(x)[0](x),
        },
        effort,
    )
    middle = measure.medians(taken)
    net = (middle["fastad"] - middle["none"]) / middle["f"]
    return Figure(f"{name}: gradient over value", net, "f", target)


def calls(effort: Effort) -> list[Figure]:
    """All of them."""
    groups = ((LINEAR, 4.0, X), (OTHERS, 5.0, X), (OF_MATRICES, 4.0, MATRIX))
    return [
        _figure(name, target, x, make, effort)
        for group, target, x in groups
        for name, make in group.items()
    ]
