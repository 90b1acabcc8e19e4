"""Functions applied along axes and to elements: apply_along_axis, vectorize, ndenumerate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .registry import (
    Array,
    as_value,
    composite,
    is_differentiated,
    isbox,
    normalized_axis,
    ops,
)


@composite("apply_along_axis")
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Array, *args: Any, **kwargs: Any
) -> Array:
    """Apply a function to each line along an axis, and stack what it returns."""
    arr = as_value(arr)
    axis = normalized_axis(axis, arr.ndim)
    lines = ops.moveaxis(arr, axis, -1)
    lead = lines.shape[:-1]
    if not np.prod(lead, dtype=int):
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    results = [as_value(func1d(lines[place], *args, **kwargs)) for place in np.ndindex(*lead)]
    shape = results[0].shape
    stacked = ops.reshape(ops.stack(results), lead + shape)
    last = tuple(range(len(lead), len(lead) + len(shape)))
    return ops.moveaxis(stacked, last, tuple(range(axis, axis + len(shape))))


@composite("apply_over_axes")
def apply_over_axes(func: Callable[..., Any], a: Array, axes: Any) -> Array:
    """Apply a function of an array and an axis repeatedly, over several axes."""
    result = as_value(a)
    ndim = result.ndim
    for axis in np.atleast_1d(axes):
        axis = normalized_axis(int(axis), ndim)
        changed = as_value(func(result, axis))
        if changed.ndim != result.ndim:
            changed = ops.expand_dims(changed, axis)
        if changed.ndim != result.ndim:
            raise ValueError("function is not returning an array of the correct shape")
        result = changed
    return result


class vectorize(np.vectorize):
    """NumPy's, which calls a function of numbers for each element, also of traced arrays."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function for each element of the broadcast arguments."""
        given = [self._taken(key, value) for key, value in enumerate(args)]
        named = {key: self._taken(key, value) for key, value in kwargs.items()}
        values = [*given, *named.values()]
        otypes = self.otypes or ""
        if self.signature is not None or "O" in otypes or not any(map(isbox, values)):
            return super().__call__(*args, **kwargs)
        over = [key for key in (*range(len(given)), *named) if key not in self.excluded]
        arrays = {key: given[key] if isinstance(key, int) else named[key] for key in over}
        shape = np.broadcast_shapes(*(array.shape for array in arrays.values()))
        if not math.prod(shape):
            return super().__call__(*args, **kwargs)
        # Elements of a traced array of one dimension are the soonest to be had.
        flat = {
            key: ops.ravel(array if array.shape == shape else ops.broadcast_to(array, shape))
            for key, array in arrays.items()
        }

        def result(place: int) -> Any:
            here = {key: array[place] for key, array in flat.items()}
            positional = [here.get(key, value) for key, value in enumerate(given)]
            return self.pyfunc(*positional, **{k: here.get(k, v) for k, v in named.items()})

        if not (otypes or self.cache or any(map(is_differentiated, values))):
            result(0)  # as NumPy does, to see of what type it is
        results = [result(place) for place in range(math.prod(shape))]
        if not isinstance(results[0], tuple):
            return _gathered(results, shape, otypes[:1])
        parts = zip(*results, strict=True)
        return tuple(_gathered(part, shape, otypes[i : i + 1]) for i, part in enumerate(parts))

    def _taken(self, key: int | str, value: Any) -> Any:
        return value if key in self.excluded else as_value(value)


def _gathered(results: Any, shape: tuple[int, ...], dtype: str) -> Array:
    stacked = ops.reshape(ops.stack([as_value(result) for result in results]), shape)
    return stacked.astype(dtype) if dtype else stacked


class ndenumerate(np.ndenumerate):
    """NumPy's, which goes through indices and elements, also of a traced array."""

    def __init__(self, arr: Array) -> None:
        array = as_value(arr)
        self._pairs: Iterator[Any] | None = None
        if isbox(array):
            self._pairs = ((place, array[place]) for place in np.ndindex(*array.shape))
        else:
            super().__init__(array)

    def __next__(self) -> Any:
        """Return an index and the element there."""
        return super().__next__() if self._pairs is None else next(self._pairs)
