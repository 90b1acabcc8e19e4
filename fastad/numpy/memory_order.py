"""Where values lie in memory: `ordered`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core import flags_of
from .registry import Array, defjvp, defvjp, helper, is_array, ops, stand_in


@helper
def _laid(x: Array, order: tuple[int, ...]) -> Array:
    """Copy x to where its axes follow each other in this order in memory."""
    return np.array(np.transpose(x, order), order="C").transpose(np.argsort(order))


defvjp(_laid, lambda ans, x, order: lambda g: g)
defjvp(_laid, lambda t, ans, x, order: t)


def ordered(x: Array, order: Any = "C", like: Array | None = None) -> Array:
    """Return x as it would lie in memory in NumPy's own result, which ravel(order="K") reads.

    Parameters
    ----------
    x : Array
    order : str
        "C" or "F"; "A" is "F" if `like` is contiguous in that order only; "K" is the order of
        `like`, which has as many axes.
    like : Array, optional
        An argument of the function, traced or not.
    """
    if not is_array(x):
        return x
    if order == "K" and like is not None:
        wanted = np.empty_like(stand_in(like), x.dtype, shape=x.shape, subok=False)
    else:
        fortran = order == "F" or (order == "A" and like is not None and flags_of(like).fnc)
        wanted = np.empty(x.shape, x.dtype, "F" if fortran else "C")
    if wanted.strides == x.strides and flags_of(x).writeable:
        return x
    if wanted.flags.forc:
        return ops.copy(x, "C" if wanted.flags.c_contiguous else "F")
    return _laid(x, tuple(sorted(range(x.ndim), key=lambda axis: -wanted.strides[axis])))
