"""The tables of `scipy.spatial` and `scipy.spatial.distance`, and the metrics that they share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.spatial
import scipy.spatial.distance

from ... import numpy as np
from ...numpy.mathematics.lengths import unit_of
from ..registry import Array, Namespace, as_float, primal, shape_of

space = Namespace(scipy.spatial, "fastad.scipy.spatial")
distances = Namespace(scipy.spatial.distance, "fastad.scipy.spatial.distance")

Metric = Callable[..., Array]  # of u, v (along the last axis) and options


def _summed(x: Array, w: Any) -> Array:
    return np.sum(x if w is None else w * x, axis=-1)


def root(x: Array, power: Array = 2.0) -> Array:
    """x to the power 1 / p, whose derivative at zero, where two points are one, counts as zero."""
    zero = onp.equal(primal(x), 0)
    return np.where(zero, 0.0, np.where(zero, 1.0, x) ** (1.0 / power))


def _quotient(x: Array, y: Array) -> Array:
    """x / y, zero for 0 / 0."""
    zero = onp.equal(primal(y), 0)
    return np.where(zero, 0.0, x / np.where(zero, 1.0, y))


def _size(x: Array) -> Array:
    """A power of two near the largest number along the last axis, a constant; 1 where that is 0."""
    return unit_of(np.max(np.abs(primal(x)), axis=-1, keepdims=True, initial=0.0))


def _length(gap: Array, norm: Callable[[Array], Array]) -> Array:
    """norm(gap), of a norm along the last axis whose powers may over- and underflow."""
    size = _size(gap)
    return norm(gap / size) * size[..., 0]


def _euclidean(u: Array, v: Array, w: Any = None) -> Array:
    return _length(u - v, lambda gap: root(_summed(gap**2, w)))


def _sqeuclidean(u: Array, v: Array, w: Any = None) -> Array:
    return _summed((u - v) ** 2, w)


def _cityblock(u: Array, v: Array, w: Any = None) -> Array:
    return _summed(np.abs(u - v), w)


def _chebyshev(u: Array, v: Array, w: Any = None) -> Array:
    gaps = np.abs(u - v)
    if w is not None:  # those with a weight of zero do not count
        gaps = np.where(onp.not_equal(primal(w), 0), gaps, 0.0)
    return np.max(gaps, axis=-1)


def _minkowski(u: Array, v: Array, p: Array = 2.0, w: Any = None) -> Array:
    if primal(p) == onp.inf:
        return _chebyshev(u, v, w)

    def norm(gaps: Array) -> Array:
        here = onp.equal(primal(gaps), 0)
        powers = np.where(here, 0.0, np.where(here, 1.0, gaps) ** p)
        return root(_summed(powers, w), p)

    return _length(np.abs(u - v), norm)


def _cosine(u: Array, v: Array, w: Any = None) -> Array:
    u, v = u / _size(u), v / _size(v)
    product = _summed(u * v, w)
    return 1.0 - product / np.sqrt(_summed(u * u, w) * _summed(v * v, w))


def _correlation(u: Array, v: Array, w: Any = None, centered: bool = True) -> Array:
    if centered:
        weights = 1.0 / shape_of(u)[-1] if w is None else w / np.sum(w)
        u = u - np.sum(weights * u, axis=-1, keepdims=True)
        v = v - np.sum(weights * v, axis=-1, keepdims=True)
    return _cosine(u, v, w)


def _canberra(u: Array, v: Array, w: Any = None) -> Array:
    return _summed(_quotient(np.abs(u - v), np.abs(u) + np.abs(v)), w)


def _braycurtis(u: Array, v: Array, w: Any = None) -> Array:
    return _summed(np.abs(u - v), w) / _summed(np.abs(u + v), w)


def _mahalanobis(u: Array, v: Array, VI: Any) -> Array:
    return _length(u - v, lambda gap: root(np.sum(np.matmul(gap, VI) * gap, axis=-1)))


def _seuclidean(u: Array, v: Array, V: Any) -> Array:
    return _length(u - v, lambda gap: root(np.sum(gap**2 / V, axis=-1)))


def _entropies(x: Array, y: Array) -> Array:
    """x log(x / y), zero where x is."""
    zero = onp.equal(primal(x), 0)
    inside = np.where(zero, 1.0, x)
    return np.where(zero, 0.0, inside * np.log(inside / np.where(zero, 1.0, y)))


def jensenshannon(
    p: Array, q: Array, base: Any = None, *, axis: int = 0, keepdims: bool = False
) -> Array:
    """The root of half the relative entropies of two distributions to their mean."""
    p = p / np.sum(p, axis=axis, keepdims=True)
    q = q / np.sum(q, axis=axis, keepdims=True)
    middle = (p + q) / 2
    total = np.sum(_entropies(p, middle) + _entropies(q, middle), axis=axis, keepdims=keepdims)
    if base is not None:
        total = total / np.log(base)
    return root(total / 2)


def _jensenshannon(u: Array, v: Array) -> Array:
    u, v = np.broadcast_arrays(u, v)
    return jensenshannon(u, v, axis=-1)


METRICS: dict[str, Metric] = {
    "braycurtis": _braycurtis,
    "canberra": _canberra,
    "chebyshev": _chebyshev,
    "cityblock": _cityblock,
    "correlation": _correlation,
    "cosine": _cosine,
    "euclidean": _euclidean,
    "jensenshannon": _jensenshannon,
    "mahalanobis": _mahalanobis,
    "minkowski": _minkowski,
    "seuclidean": _seuclidean,
    "sqeuclidean": _sqeuclidean,
}
ALIASES = {
    "cheby chebychev cheb ch": "chebyshev",
    "cblock cb c": "cityblock",
    "co": "correlation",
    "cos": "cosine",
    "euclid eu e": "euclidean",
    "js": "jensenshannon",
    "mahal mi": "mahalanobis",
    "mi m pnorm": "minkowski",
    "se s": "seuclidean",
    "sqe sqeuclid": "sqeuclidean",
}
_NAMES = {alias: name for aliases, name in ALIASES.items() for alias in aliases.split()}


def metric_of(metric: Any, function: str) -> tuple[str, Metric]:
    """The name and the formula of what SciPy takes for a metric."""
    if callable(metric):
        name = getattr(metric, "__name__", "")
        known = getattr(scipy.spatial.distance, name, None)
        entered = distances.entries.get(name)
        if metric in (known, entered) and name in METRICS:
            return name, METRICS[name]
        return "", functools.partial(_pairwise, metric)
    name = _NAMES.get(str(metric).lower(), str(metric).lower())
    if name not in METRICS:
        raise NotImplementedError(
            f"scipy.spatial.distance.{function}: the metric {metric!r} has no derivative rule in "
            f"fastad; those that have one are {', '.join(METRICS)}, and any function of two points"
        )
    return name, METRICS[name]


def _pairwise(metric: Any, u: Array, v: Array, **options: Any) -> Array:
    """A metric of the user's, for each pair of points."""
    shape = onp.broadcast_shapes(shape_of(u), shape_of(v))
    u, v = np.broadcast_to(u, shape), np.broadcast_to(v, shape)
    values = [as_float(metric(u[i], v[i], **options)) for i in onp.ndindex(*shape[:-1])]
    return np.reshape(np.stack(values), shape[:-1]) if values else onp.zeros(shape[:-1])
