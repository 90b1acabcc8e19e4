"""Containers as vectors: `flatten` for optimizers that know one flat array only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..spaces.containers import flatten as _flatten
from ..spaces.packing import pack

__all__ = ["flatten", "flatten_func"]


def flatten(value: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Lay all numbers of a value side by side in one vector.

    Parameters
    ----------
    value : object
        A number, an array, or any nesting of containers of these. Dicts are read in the order of
        their sorted keys.

    Returns
    -------
    vector : ndarray, shape (n,)
    unflatten : callable
        Builds a value of the same types, shapes and dtypes from a vector. Both directions are
        differentiable.

    Examples
    --------
    >>> import numpy as np
    >>> from fastad.misc import flatten
    >>> vector, unflatten = flatten({"w": np.ones(2), "b": 3.0})
    >>> vector
    array([3., 1., 1.])
    >>> unflatten(2 * vector)["w"]
    array([2., 2.])
    """
    leaves, structure = _flatten(value)
    order = structure.sorted_order()
    vector, packing = pack([leaves[i] for i in order])

    def unflatten(vector: Any) -> Any:
        parts: list[Any] = [None] * len(order)
        for i, leaf in zip(order, packing.unpack(vector)):
            parts[i] = leaf
        return structure.unflatten(parts)

    return vector, unflatten


def flatten_func(
    func: Callable[..., Any], example: Any
) -> tuple[Callable[..., Any], Callable[[Any], Any], Any]:
    """Make a function of containers a function of vectors.

    Parameters
    ----------
    func : callable
        Takes a container first.
    example : object
        A container like those that `func` takes.

    Returns
    -------
    flat_func : callable
        Takes a vector for the first argument of `func`, gives its result as a vector.
    unflatten : callable
        Builds the container from the vector.
    flat_example : ndarray
        `example` as a vector.

    Examples
    --------
    >>> from fastad.misc.flatten import flatten_func
    >>> flat, unflatten, start = flatten_func(lambda p: {"y": 2 * p["x"]}, {"x": 3.0})
    >>> flat(start)
    array([6.])
    """
    flat_example, unflatten = flatten(example)

    def flat_func(vector: Any, *args: Any) -> Any:
        return flatten(func(unflatten(vector), *args))[0]

    return flat_func, unflatten, flat_example
