"""The table of `scipy.ndimage`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.ndimage

from ..registry import Namespace


def _of_numbers(name: str, derivative: Callable[..., Any]) -> Callable[..., Any]:
    """What refuses an output of whole numbers, which has no derivative."""
    names = list(inspect.signature(derivative).parameters)
    place = names.index("output") if "output" in names else None
    if place is None:
        return derivative

    @functools.wraps(derivative)
    def careful(*args: Any, **kwargs: Any) -> Any:
        output = args[place] if len(args) > place else kwargs.get("output")
        dtype = output.dtype if isinstance(output, onp.ndarray) else output
        if dtype is not None and onp.dtype(dtype).kind not in "fc":
            raise NotImplementedError(
                f"scipy.ndimage.{name}: output={output!r} rounds to whole numbers, which has no "
                "derivative rule in fastad; leave it out and round the result"
            )
        return derivative(*args, **kwargs)

    return careful


class _Images(Namespace):
    def derivative_of(self, *names: str) -> Callable[[Callable[..., Any]], Any]:
        enter = super().derivative_of(*names)
        return lambda derivative: enter(_of_numbers(names[0], derivative))


space = _Images(scipy.ndimage, "fastad.scipy.ndimage")
