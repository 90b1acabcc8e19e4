"""Kernel density estimates, by data, weights, bandwidth and the points where they are asked."""

from __future__ import annotations

from typing import Any

import numpy as onp
import scipy.stats

from ... import numpy as np
from ..registry import Array, as_float, helper, is_traced, shape_of
from ..special.space import sp
from .samples import space

__all__ = ["gaussian_kde"]


def _estimate(dataset: Any, weights: Any, factor: Any) -> Any:
    return scipy.stats.gaussian_kde(dataset, bw_method=float(factor), weights=weights)


def _spread(dataset: Array, weights: Array, factor: Array) -> Array:
    """The covariance of the kernels: that of the data times the factor's square."""
    away = dataset - np.sum(dataset * weights, axis=1, keepdims=True)
    data = np.matmul(away * weights, away.T) / (1.0 - np.sum(weights**2))
    return data * factor**2


def _log_density(dataset: Array, weights: Array, factor: Array, points: Array) -> Array:
    """Logarithm of the weighted sum of normal densities around the data."""
    spread = _spread(dataset, weights, factor)
    lower = np.linalg.cholesky(spread)
    inverse = np.linalg.inv(lower)
    places, centers = np.matmul(inverse, points), np.matmul(inverse, dataset)
    gaps = places[:, :, None] - centers[:, None, :]
    norm = np.sum(np.log(np.diagonal(lower))) + 0.5 * shape_of(dataset)[0] * onp.log(2 * onp.pi)
    return sp.logsumexp(-0.5 * np.sum(gaps**2, axis=0), axis=1, b=weights) - norm


_log_at = helper(
    lambda dataset, weights, factor, points: _estimate(dataset, weights, factor).logpdf(points),
    _log_density,
)
_at = helper(
    lambda dataset, weights, factor, points: _estimate(dataset, weights, factor).evaluate(points),
    lambda *given: np.exp(_log_density(*given)),
)


class gaussian_kde:
    """What `gaussian_kde` makes: SciPy's estimate, whose parts may be traced.

    Parameters
    ----------
    dataset : array of shape (n,) or (d, n)
    bw_method : str, number or callable, optional
        As SciPy has it; a number may be traced.
    weights : array of shape (n,), optional

    Examples
    --------
    >>> import numpy
    >>> from fastad import grad
    >>> from fastad.scipy.stats import gaussian_kde
    >>> data = numpy.array([0.0, 1.0, 3.0])
    >>> round(float(grad(lambda x: gaussian_kde(data)(x)[0])(0.5)), 4)
    0.0226
    """

    def __init__(self, dataset: Any, bw_method: Any = None, weights: Any = None) -> None:
        self.dataset = np.atleast_2d(as_float(dataset))
        self.d, self.n = shape_of(self.dataset)
        if self.d * self.n < 2:
            raise ValueError("`dataset` input should have multiple elements.")
        given = onp.ones(self.n) if weights is None else np.atleast_1d(as_float(weights))
        if shape_of(given) != (self.n,):
            raise ValueError("`weights` input should be of length n")
        self.weights = given / np.sum(given)
        self.neff = 1.0 / np.sum(self.weights**2)
        self.set_bandwidth(bw_method)

    def scotts_factor(self) -> Array:
        """Scott's factor."""
        return np.power(self.neff, -1.0 / (self.d + 4))

    def silverman_factor(self) -> Array:
        """Silverman's factor."""
        return np.power(self.neff * (self.d + 2.0) / 4.0, -1.0 / (self.d + 4))

    def set_bandwidth(self, bw_method: Any = None) -> None:
        """Set the factor that the data's standard deviation is multiplied by."""
        if bw_method is None or (isinstance(bw_method, str) and bw_method == "scott"):
            self.factor = self.scotts_factor()
        elif isinstance(bw_method, str) and bw_method == "silverman":
            self.factor = self.silverman_factor()
        elif callable(bw_method):
            self.factor = bw_method(self)
        elif isinstance(bw_method, str):
            scipy.stats.gaussian_kde([0.0, 1.0], bw_method)  # raises
        else:
            self.factor = as_float(bw_method)

    def covariance_factor(self) -> Array:
        """The factor."""
        return self.factor

    @property
    def covariance(self) -> Array:
        """The covariance of the kernels."""
        return _spread(self.dataset, self.weights, self.factor)

    @property
    def inv_cov(self) -> Array:
        """Its inverse."""
        return np.linalg.inv(self.covariance)

    def _points(self, points: Any) -> Array:
        points = np.atleast_2d(as_float(points))
        d, m = shape_of(points)
        if d != self.d and d == 1 and m == self.d:
            return np.reshape(points, (self.d, 1))
        if d != self.d:
            raise ValueError(f"points have dimension {d}, dataset has dimension {self.d}")
        return points

    def evaluate(self, points: Any) -> Array:
        """The density at points of shape (m,) or (d, m)."""
        return _at(self.dataset, self.weights, self.factor, self._points(points))

    __call__ = evaluate

    def pdf(self, x: Any) -> Array:
        """The density at points of shape (m,) or (d, m)."""
        return self.evaluate(x)

    def logpdf(self, x: Any) -> Array:
        """Its logarithm."""
        return _log_at(self.dataset, self.weights, self.factor, self._points(x))

    def integrate_box_1d(self, low: Any, high: Any) -> Array:
        """The integral between two numbers, of data of one dimension."""
        if self.d != 1:
            raise ValueError("integrate_box_1d() only handles 1D pdfs")
        spread = np.sqrt(self.covariance[0, 0])
        above, below = ((end - self.dataset[0]) / spread for end in (high, low))
        return np.sum(self.weights * (sp.ndtr(above) - sp.ndtr(below)))

    def __getattr__(self, name: str) -> Any:
        """What is left is SciPy's, of plain parts."""
        if name.startswith("_") or not hasattr(scipy.stats.gaussian_kde, name):
            raise AttributeError(f"'gaussian_kde' object has no attribute {name!r}")
        if is_traced(self.dataset, self.weights, self.factor):
            raise NotImplementedError(
                f"scipy.stats.gaussian_kde.{name} has no derivative rule in fastad, and the data, "
                "weights or the bandwidth are traced; evaluate, logpdf, integrate_box_1d have one"
            )
        return getattr(_estimate(self.dataset, self.weights, self.factor), name)


space.entries["gaussian_kde"] = gaussian_kde
