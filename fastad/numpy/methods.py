"""ndarray's methods for traced arrays: table entries where NumPy's function is called alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from .. import _core
from .registry import Array, ops

# Methods that are NumPy's function of the same name with the array as first argument.
SAME_AS_FUNCTION = """
all any argmax argmin argpartition argsort astype choose cumprod cumsum
diagonal dot max mean min nonzero prod ptp ravel repeat round searchsorted squeeze std sum swapaxes
take trace var
""".split()

IN_PLACE = {
    "fill": "use fastad.numpy.full_like",
    "itemset": "use fastad.numpy.where",
    "partition": "use fastad.numpy.partition",
    "put": "use fastad.numpy.where",
    "resize": "use fastad.numpy.resize",
    "setfield": "use fastad.numpy.where",
    "setflags": "a traced array is never written to",
    "sort": "use fastad.numpy.sort",
}


def _conjugate(x: Array, *args: Any, **keywords: Any) -> Array:
    """Return the complex conjugate; of a Python number one."""
    return _core.weak(ops.conjugate(x, *args, **keywords), x)


def _transpose(x: Array, *axes: Any) -> Array:
    """Permute the axes, given as a tuple or as several ints; reverse them if none are given."""
    if not axes or axes == (None,):
        return ops.transpose(x)
    return ops.transpose(x, tuple(axes[0]) if len(axes) == 1 and np.iterable(axes[0]) else axes)


def _flatten(x: Array, order: str = "C") -> Array:
    """Return the values in one dimension."""
    return ops.ravel(x) if order == "C" else ops.ravel(x, order=order)


def _copy(x: Array, order: str = "C") -> Array:
    """Return a copy, unlike numpy.copy in C order."""
    return ops.copy(x, "C" if order is None else order)


def _compress(x: Array, condition: Any, axis: int | None = None, out: None = None) -> Array:
    """Take the places along an axis where a condition holds."""
    return ops.compress(condition, x, axis=axis, out=out)


def _clip(x: Array, min: Any = None, max: Any = None, out: None = None, **options: Any) -> Array:
    """Clip by bounds of which, unlike those of numpy.clip, one may be left out."""
    return ops.clip(x, min, max, out=out, **options)


def _python_number(x: Array) -> Array:
    """Return a traced scalar as what a Python number is: of double precision, deciding no dtype."""
    return _core.weak(x.astype(float)[()] if x.dtype.kind == "f" else x[()])


def _item(x: Array, *index: Any) -> Array:
    """Return one element as a Python number, still traced; the only one if no index is given."""
    if not index:
        if x.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return _python_number(ops.reshape(x, ()))
    if len(index) == 1 and not isinstance(index[0], tuple):
        return _python_number(ops.ravel(x)[index[0]])
    return _python_number(x[index[0] if len(index) == 1 else index])


def _tolist(x: Array) -> Any:
    """Return nested lists of traced Python numbers."""
    return [_tolist(row) for row in x] if x.ndim else _python_number(x)


def _in_place(name: str, remedy: str) -> Callable[..., NoReturn]:
    def method(x: Array, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(f"ndarray.{name} writes in place, which a traced array cannot: {remedy}")

    method.__name__ = name
    method.__doc__ = f"Raise TypeError: {remedy}."
    return method


def _of_value(name: str) -> Callable[..., Any]:
    """Make a method that reads the plain value and carries no derivative."""

    def method(x: Array, *args: Any, **kwargs: Any) -> Any:
        return getattr(np.asarray(_core.read(x, "text")), name)(*args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"Return ndarray.{name} of the plain value."
    return method


methods: dict[str, Callable[..., Any]] = {
    **{name: getattr(ops, name) for name in SAME_AS_FUNCTION},
    "conj": _conjugate,
    "conjugate": _conjugate,
    "reshape": _core.reshape,
    "transpose": _transpose,
    "flatten": _flatten,
    "copy": _copy,
    "clip": _clip,
    "compress": _compress,
    "item": _item,
    "tolist": _tolist,
    **{name: _in_place(name, remedy) for name, remedy in IN_PLACE.items()},
    **{name: _of_value(name) for name in ("tobytes", "tofile", "dump", "dumps")},
}
"""What a traced array answers for each of ndarray's methods; the array is the first argument."""
