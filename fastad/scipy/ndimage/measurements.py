"""Sums, means, extrema and centers of regions, by the image; regions are constants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.ndimage

from ... import numpy as np
from ...numpy.mathematics.lengths import unit_of
from ..registry import Array, as_float, helper, is_traced, primal, shape_of
from .space import space


class Regions:
    """Which region each place of an image belongs to, as SciPy reads labels and index."""

    def __init__(self, shape: tuple[int, ...], labels: Any, index: Any) -> None:
        if labels is None:
            self.shape: tuple[int, ...] = ()
            self.place = onp.zeros(shape, onp.intp).ravel()
            self.count, self.taken = 1, onp.zeros(1, onp.intp)
            return
        labels = onp.broadcast_to(onp.asarray(primal(labels)), shape).ravel()
        if index is None:
            self.shape = ()
            self.place = onp.where(labels > 0, 0, 1)
            self.count, self.taken = 1, onp.zeros(1, onp.intp)
            return
        index = onp.asarray(primal(index))
        self.shape = index.shape
        known, self.taken = onp.unique(index.ravel(), return_inverse=True)
        self.count = len(known)
        near = onp.minimum(onp.searchsorted(known, labels), self.count - 1)
        self.place = onp.where(known[near] == labels, near, self.count)

    def sums(self, x: Array) -> Array:
        """Of each region; x is flat."""
        return np.bincount(self.place, weights=x, minlength=self.count + 1)[: self.count]

    def spread(self, values: Array) -> Array:
        """The value of a region at each of its places."""
        inside = onp.minimum(self.place, self.count - 1)
        return np.where(self.place < self.count, np.take(values, inside), 0.0)

    def counts(self) -> Any:
        """How many places each region has."""
        return 1.0 * onp.bincount(self.place, minlength=self.count + 1)[: self.count]

    def means(self, x: Array) -> Array:
        """Of each region."""
        with onp.errstate(all="ignore"):
            return self.sums(x) / self.counts()

    def variances(self, x: Array, size: Any = 1.0) -> Array:
        """Of each region, over the square of a size."""
        with onp.errstate(all="ignore"):
            inside = self.place < self.count
            away = np.where(inside, x - self.spread(self.means(x)), 0.0)
            return self.sums((away / size) ** 2) / self.counts()

    def deviations(self, x: Array) -> Array:
        """Of each region."""
        size = unit_of(np.max(np.abs(primal(x)), initial=0.0))
        return size * np.sqrt(self.variances(x, size))

    def as_asked(self, values: Array) -> Array:
        """In the order and shape of the index."""
        return np.reshape(np.take(values, self.taken), self.shape)


def _laid_over(x: Array, labels: Any) -> Array:
    if labels is None:
        return x
    return np.broadcast_to(x, onp.broadcast_shapes(shape_of(x), shape_of(labels)))


def _measured(names: str, compute: Callable[[Regions, Array], Array]) -> None:
    def derivative(input: Array, labels: Any = None, index: Any = None) -> Array:
        x = _laid_over(as_float(input), labels)
        regions = Regions(shape_of(x), labels, index)
        return regions.as_asked(compute(regions, np.ravel(x)))

    for name in names.split():
        space.derivative_of(name)(derivative)


_measured("sum sum_labels", Regions.sums)
_measured("mean", Regions.means)
_measured("variance", Regions.variances)
_measured("standard_deviation", Regions.deviations)


# ---- extrema -------------------------------------------------------------------------------------


def _ranks(x: Any, place: Any, count: int) -> Any:
    """Places in order of region and value, and where each region begins."""
    order = onp.lexsort((x, place))
    return order, onp.searchsorted(place[order], onp.arange(count + 1))


def _lowest(x: Any, place: Any, count: int) -> Any:
    order, starts = _ranks(x, place, count)
    return order[onp.minimum(starts[:-1], len(order) - 1)]


def _highest(x: Any, place: Any, count: int) -> Any:
    order, starts = _ranks(x, place, count)
    return order[onp.maximum(starts[1:] - 1, 0)]


def _middle(x: Any, place: Any, count: int) -> Any:
    order, starts = _ranks(x, place, count)
    low = (starts[:-1] + starts[1:] - 1) // 2
    high = (starts[:-1] + starts[1:]) // 2
    return onp.stack([order[onp.clip(one, 0, len(order) - 1)] for one in (low, high)])


def _chosen(names: str, find: Callable[[Any, Any, int], Any]) -> None:
    finder = helper(find, zero=True)

    def compute(regions: Regions, x: Array) -> Array:
        values = np.take(x, finder(primal(x), regions.place, regions.count))
        values = np.mean(values, axis=0) if len(shape_of(values)) > 1 else values
        if names == "median":
            return values
        return np.where(regions.counts() > 0, values, 0.0)  # of an empty one SciPy's is 0

    _measured(names, compute)


_chosen("minimum", _lowest)
_chosen("maximum", _highest)
_chosen("median", _middle)


# ---- centers -------------------------------------------------------------------------------------


def _centers_value(x: Any, labels: Any, index: Any) -> Any:
    return onp.asarray(scipy.ndimage.center_of_mass(x, labels, index))


def _centers_formula(x: Array, labels: Any, index: Any) -> Array:
    whole = _laid_over(x, labels)
    regions = Regions(shape_of(whole), labels, index)
    mass = regions.sums(np.ravel(whole))
    along = [
        regions.as_asked(regions.sums(np.ravel(_laid_over(x * grid, labels))) / mass)
        for grid in onp.indices(shape_of(x))
    ]
    return np.stack(along, axis=-1)


_centers = helper(_centers_value, _centers_formula)


def center_of_mass(input: Array, labels: Any = None, index: Any = None) -> Any:
    """Find the center of the image's values, of each region; by the image.

    Parameters
    ----------
    input : array
    labels : array of int, optional
        The region that each place belongs to; constant.
    index : int or array of int, optional
        The regions that are asked for.

    Returns
    -------
    tuple of numbers, or a list of tuples
        As SciPy's.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> from fastad.scipy.ndimage import center_of_mass
    >>> grad(lambda x: center_of_mass(x)[0])(np.array([1.0, 1.0, 2.0]))
    array([-0.3125, -0.0625,  0.1875])
    """
    if not is_traced(input):
        return scipy.ndimage.center_of_mass(input, labels, index)
    found = _centers(as_float(input), labels, index)
    if len(shape_of(found)) == 1:
        return tuple(found)
    return [tuple(row) for row in found]


# No operation of its own: the result is no array, nor a tuple of arrays.
_documentation = center_of_mass.__doc__
space.enter("center_of_mass", center_of_mass, scipy.ndimage.center_of_mass)
center_of_mass.__doc__ = _documentation
