"""NumPy's classes and objects that traced values are given to: vectorize, ndenumerate, r_, c_."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .._core import holds_box
from .registry import Array, as_value, cast, is_differentiated, isbox, ops, stand_in


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


# ---- r_ and c_ ---------------------------------------------------------------------------------


class Concatenator:
    """`numpy.r_` and `numpy.c_` with traced parts: NumPy's own wherever nothing is traced.

    Parameters
    ----------
    plain : object
        NumPy's object of the same name.
    axis, ndmin, trans1d : int
        What a directive string ``'axis,ndmin,trans1d'`` sets, and their defaults.
    """

    def __init__(self, plain: Any, axis: int = 0, ndmin: int = 1, trans1d: int = -1) -> None:
        self._plain = plain
        self._defaults = (axis, ndmin, trans1d)

    def __len__(self) -> int:
        return 0

    def __getitem__(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        if not any(_holds_box(part) for part in parts):
            return self._plain[key]
        axis, ndmin, trans1d = self._defaults
        if isinstance(parts[0], str):
            directive, parts = parts[0], parts[1:]
            if directive in ("r", "c"):
                raise TypeError("r_ and c_ make no matrices of traced values: leave out 'r' or 'c'")
            numbers = [int(number) for number in directive.split(",")]
            axis, ndmin, trans1d = (*numbers, *(axis, ndmin, trans1d)[len(numbers) :])
        dtype = np.result_type(*(self._dtype(part) for part in parts))
        arrays = [cast(self._part(part, ndmin, trans1d), dtype) for part in parts]
        return ops.concatenate(arrays, axis)

    def _dtype(self, part: Any) -> Any:
        """What a part adds to the result's dtype: a number adds itself, as it may be weak."""
        value = stand_in(self._plain[part] if isinstance(part, slice) else part)
        return (
            value if isinstance(value, (int, float, complex, np.generic)) else as_value(value).dtype
        )

    def _part(self, part: Any, ndmin: int, trans1d: int) -> Array:
        value = as_value(self._plain[part] if isinstance(part, slice) else part)
        ndim = value.ndim
        if ndim == 0 or isinstance(part, slice):
            value = ops.reshape(value, (-1,))
            ndim = 1 if isinstance(part, slice) else 0
        if value.ndim >= ndmin:
            return value
        missing = ndmin - value.ndim
        value = ops.reshape(value, (1,) * missing + value.shape)
        if trans1d == -1 or ndim == 0:
            return value
        # The original axes go to the place that trans1d names, the new ones around them.
        place = trans1d + ndmin - ndim + 1 if trans1d < 0 else trans1d
        order = list(range(ndmin - ndim))
        old = list(range(ndmin - ndim, ndmin))
        order[place:place] = old
        return ops.transpose(value, tuple(order))


def _holds_box(part: Any) -> bool:
    bounds = (part.start, part.stop, part.step) if isinstance(part, slice) else part
    return holds_box(bounds)


r_ = Concatenator(np.r_)
c_ = Concatenator(np.c_, -1, 2, 0)
