"""Cosine and sine transforms of types 1 to 4, along one axis or several.

Each is a real matrix, whose transpose is a transform of the same family up to weights of the first
and last entry (K. R. Rao and P. Yip, Discrete Cosine Transform, chapter 2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as onp
import scipy.fft

from ... import numpy as np
from ..._core import LinearMap
from ...numpy.registry import cast, normalized_axis
from ..registry import Array, as_float, defjvp, defvjp, helper, shape_of
from .space import space

SQRT2 = float(onp.sqrt(2.0))
SWAPPED = {1: 1, 2: 3, 3: 2, 4: 4}  # the type of the inverse, and of the transpose


@helper
def transformed(x: Any, kind: str, type: int) -> Any:
    """SciPy's transform along the last axis, without norm or weights."""
    return getattr(scipy.fft, kind)(x, type)


def _weighted(x: Array, weights: Sequence[tuple[int, float]]) -> Array:
    """x with some entries along the last axis multiplied."""
    if not weights:
        return x
    factors = onp.ones(shape_of(x)[-1])
    for place, weight in weights:
        factors[place] *= weight
    return x * factors.astype(x.dtype)


def _end(kind: str) -> int:
    """The entry whose weight differs from the others': a cosine's first, a sine's last."""
    return 0 if kind == "dct" else -1


def _orthogonal_end() -> int:
    """The entry of a sine transform that SciPy weights: up to 1.11 it is the first one."""
    places = onp.arange(1.0, 5.0)
    both: Any = [scipy.fft.dst(places, 2, orthogonalize=ortho) for ortho in (True, False)]
    return 0 if abs((both[0] - both[1])[0]) > 1e-6 else -1


WEIGHTED = {"dct": 0, "dst": _orthogonal_end()}


def _complex_are_weighted() -> bool:
    """Whether `orthogonalize` counts for complex arrays, for which SciPy 1.17 leaves it out."""
    places = onp.arange(1.0, 5.0) + 0j
    both: Any = [scipy.fft.dct(places, 2, orthogonalize=ortho) for ortho in (True, False)]
    return bool(onp.any(both[0] != both[1]))


COMPLEX_ARE_WEIGHTED = _complex_are_weighted()


def _asked(x: Array, orthogonalize: Any) -> Any:
    return orthogonalize if COMPLEX_ARE_WEIGHTED or x.dtype.kind != "c" else None


def _transposed(g: Array, kind: str, type: int) -> Array:
    end = _end(kind)
    if type == 1 and kind == "dct":
        inner = _weighted(g, [(0, 2.0), (-1, 2.0)])
        return _weighted(transformed(inner, kind, 1), [(0, 0.5), (-1, 0.5)])
    if type == 2:
        return transformed(_weighted(g, [(end, 2.0)]), kind, 3)
    if type == 3:
        return _weighted(transformed(g, kind, 2), [(end, 0.5)])
    return transformed(g, kind, type)


def _transformed_vjp(ans: Array, x: Array, kind: str, type: int) -> LinearMap:
    # Along the last axis, so that an axis more in front changes nothing.
    def vjp(g: Array) -> Array:
        return _transposed(g, kind, type)

    return LinearMap(vjp, vjp, lambda ts: transformed(ts, kind, type))


defvjp(transformed, _transformed_vjp)
defjvp(transformed, "same")


def _length(kind: str, type: int, n: int) -> int:
    """Of the period that the transform stands for."""
    if type == 1:
        return 2 * (n - 1) if kind == "dct" else 2 * (n + 1)
    return 2 * n


def _fitted(x: Array, n: Any) -> Array:
    """x cut, or with zeros behind it, to a length along the last axis."""
    length = shape_of(x)[-1]
    if n is None or n == length:
        return x
    if n < length:
        return x[..., :n]
    return np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, n - length)])


def _along(x: Array, kind: str, type: int, norm: Any, ortho: Any, inverse: bool) -> Array:
    """One transform along the last axis, with its norm and, where it is orthogonal, its weights."""
    if inverse:
        type = SWAPPED[type]
        norm = {None: "forward", "backward": "forward", "forward": "backward"}.get(norm, norm)
    n = shape_of(x)[-1]
    ends = [(0, SQRT2), (-1, SQRT2)] if type == 1 and kind == "dct" else [(WEIGHTED[kind], SQRT2)]
    ortho = norm == "ortho" if ortho is None else ortho
    if type == 4 or (type == 1 and kind == "dst"):
        ortho = False
    if ortho and type != 2:
        x = _weighted(x, ends)
    result = transformed(x, kind, type)
    if ortho and type != 3:
        result = _weighted(result, [(place, 1 / weight) for place, weight in ends])
    period = _length(kind, type, n)
    scale = {"ortho": period**-0.5, "forward": 1 / period}.get(norm)
    return result if scale is None else result * scale


def _enter_one(name: str, kind: str, inverse: bool) -> None:
    def derivative(
        x: Array,
        type: int = 2,
        n: Any = None,
        axis: int = -1,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        orthogonalize: Any = None,
    ) -> Array:
        x = as_float(x)
        orthogonalize = _asked(x, orthogonalize)
        last = _fitted(np.moveaxis(x, axis, -1), n)
        result = _along(last, kind, type, norm, orthogonalize, inverse)
        return cast(np.moveaxis(result, -1, axis), x.dtype)

    space.derivative_of(name)(derivative)


def _enter_several(name: str, kind: str, inverse: bool) -> None:
    def derivative(
        x: Array,
        type: int = 2,
        s: Any = None,
        axes: Any = None,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        *,
        orthogonalize: Any = None,
    ) -> Array:
        x = as_float(x)
        orthogonalize = _asked(x, orthogonalize)
        s = [s] if isinstance(s, int) else s
        if axes is None:
            axes = range(x.ndim) if s is None else range(x.ndim - len(s), x.ndim)
        axes = [axes] if isinstance(axes, int) else list(axes)
        result = x
        for i, axis in enumerate(axes):
            place = normalized_axis(axis, x.ndim)
            last = _fitted(np.moveaxis(result, place, -1), None if s is None else s[i])
            last = _along(last, kind, type, norm, orthogonalize, inverse)
            result = np.moveaxis(last, -1, place)
        return cast(result, x.dtype)

    space.derivative_of(name)(derivative)


_ENTER: dict[str, Callable[[str, str, bool], None]] = {"": _enter_one, "n": _enter_several}
for _suffix, _enter in _ENTER.items():
    for _kind in ("dct", "dst"):
        _enter(f"{_kind}{_suffix}", _kind, False)
        _enter(f"i{_kind}{_suffix}", _kind, True)
