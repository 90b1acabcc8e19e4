"""`scipy.spatial.distance`: cdist, pdist, squareform and the metrics of two points."""

from __future__ import annotations

from typing import Any

import numpy as onp

from ... import numpy as np
from ..registry import Array, as_float, shape_of
from .space import METRICS, distances, metric_of, space
from .space import jensenshannon as _divergence

# ---- of two points -------------------------------------------------------------------------------


def _enter_metric(name: str) -> None:
    formula = METRICS[name]

    def derivative(u: Array, v: Array, *given: Any, **options: Any) -> Array:
        return formula(as_float(u), as_float(v), *given, **options)

    distances.derivative_of(name)(derivative)


for _name in METRICS:
    if _name != "jensenshannon":
        _enter_metric(_name)


@distances.derivative_of("jensenshannon")
def _jensenshannon(
    p: Array, q: Array, base: Any = None, *, axis: int = 0, keepdims: bool = False
) -> Array:
    return _divergence(as_float(p), as_float(q), base, axis=axis, keepdims=keepdims)


# ---- of all pairs --------------------------------------------------------------------------------


def _statistics(name: str, points: list[Array], options: dict[str, Any]) -> dict[str, Any]:
    """The options of a metric, with what SciPy computes of the points where it is not given."""
    given = {key: value for key, value in options.items() if value is not None and key != "out"}
    if name == "seuclidean" and "V" not in given:
        given["V"] = np.var(np.concatenate(points), axis=0, ddof=1)
    if name == "mahalanobis" and "VI" not in given:
        given["VI"] = np.linalg.inv(np.atleast_2d(np.cov(np.concatenate(points).T))).T
    return given


@distances.derivative_of("cdist")
def cdist(
    XA: Array, XB: Array, metric: Any = "euclidean", *, out: Any = None, **kwargs: Any
) -> Any:
    """Distances of each point of XA from each of XB; by both, and by the metric's options.

    Where two points are one, the derivative of a distance counts as zero.
    """
    a, b = as_float(XA), as_float(XB)
    name, formula = metric_of(metric, "cdist")
    options = _statistics(name, [a, b], kwargs)
    return formula(a[:, None, :], b[None, :, :], **options)


@distances.derivative_of("pdist")
def pdist(X: Array, metric: Any = "euclidean", *, out: Any = None, **kwargs: Any) -> Array:
    """Distances of the pairs of points, each once; by the points and the metric's options."""
    x = as_float(X)
    first, second = onp.triu_indices(shape_of(x)[0], 1)
    name, formula = metric_of(metric, "pdist")
    options = _statistics(name, [x], kwargs)
    return formula(np.take(x, first, axis=0), np.take(x, second, axis=0), **options)


@distances.derivative_of("squareform")
def squareform(X: Array, force: str = "no", checks: bool = True) -> Array:
    """Distances of pairs as a matrix, and the other way round."""
    x = as_float(X)
    if x.ndim == 2:
        first, second = onp.triu_indices(shape_of(x)[0], 1)
        return x[first, second]
    n = round((1 + (1 + 8 * shape_of(x)[0]) ** 0.5) / 2)
    places = onp.zeros((n, n), int)
    places[onp.triu_indices(n, 1)] = onp.arange(shape_of(x)[0])
    full = x[places + places.T] if n > 1 else onp.zeros((n, n))
    return np.where(onp.eye(n, dtype=bool), 0.0, full)


def _of_powers(x: Array, y: Array, p: Array) -> Array:
    return METRICS["minkowski"](as_float(x), as_float(y), p)


@space.derivative_of("distance_matrix")
def distance_matrix(x: Array, y: Array, p: Array = 2, threshold: int = 0) -> Array:
    """Minkowski's distances of each point of x from each of y; by both and by p."""
    return _of_powers(as_float(x)[:, None, :], as_float(y)[None, :, :], p)


@space.derivative_of("minkowski_distance")
def minkowski_distance(x: Array, y: Array, p: Array = 2.0) -> Array:
    """Minkowski's distance of points along the last axis; by both and by p."""
    return _of_powers(x, y, p)


distances.fill(globals())
