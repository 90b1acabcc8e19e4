"""Fourier transforms: all of `numpy.fft`, composed of three linear operations of one axis.

A transform of complex values is its own transpose; those between real and half-complex values are
each other's, up to weights at the frequencies that stand for two. Each is applied to its own length
n, to which NumPy pads with zeros or cuts its argument.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._core import LinearMap, give_routines
from ..registry import (
    NUMPY_2,
    Array,
    as_value,
    at,
    composite,
    defjvp,
    defvjp,
    derivative_of,
    helper,
    normalized_axis,
    ops,
    primal,
    refuse,
    shape_of,
    stand_in,
)

# The norm of the transposed transform, which goes the other way.
SWAPPED = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}

LAST_AXIS_FIRST = np.lib.NumpyVersion(np.__version__) >= "2.1.0"  # rfftn's complex axes


def _resized(x: Array, length: int, axis: int) -> Array:
    """Cut x along axis, or pad it with zeros: the transpose of what NumPy did to an argument."""
    shape = shape_of(x)
    axis = normalized_axis(axis, len(shape))
    if shape[axis] >= length:
        return x if shape[axis] == length else x[at(axis, slice(0, length))]
    zeros = np.zeros((*shape[:axis], length - shape[axis], *shape[axis + 1 :]), x.dtype)
    return ops.concatenate([x, zeros], axis)


def _along(weights: Any, axis: int, ndim: int) -> Any:
    return weights.reshape(tuple(-1 if i == axis else 1 for i in range(ndim)))


def _doubled(n: int, inner: float, like: Array) -> np.ndarray[Any, Any]:
    """Weights of the n // 2 + 1 frequencies: `inner` for those that stand for a conjugate too."""
    weights = np.full(n // 2 + 1, inner, np.finfo(like.dtype).dtype)
    weights[0] = 1.0
    if n % 2 == 0:
        weights[-1] = 1.0
    return weights


# ---- one axis ----------------------------------------------------------------------------------


@helper
def _any_fft(x: Array, n: int | None, axis: int, norm: Any, inverse: bool) -> Array:
    return (np.fft.ifft if inverse else np.fft.fft)(x, n, axis, norm)


def _fft(x: Array, n: int | None, axis: int, norm: Any, inverse: bool) -> Array:
    whole = _by_loop("ifft" if inverse else "fft", x, n, axis, norm)
    return _any_fft(x, n, axis, norm, inverse) if whole is None else whole


def _lengths(x: Array, axis: int) -> tuple[int, int, int]:
    """Return the axis counted from behind, its length, and how many axes there are.

    So counted it is the same axis of cotangents with one more in front: each transform of them is
    that of every one.
    """
    shape = shape_of(x)
    behind = normalized_axis(axis, len(shape)) - len(shape)
    return behind, shape[behind], len(shape)


def _fft_vjp(ans: Array, x: Array, n: Any, axis: int, norm: Any, inverse: bool) -> Any:
    behind, own, _ = _lengths(x, axis)

    def vjp(g: Array) -> Array:
        return _resized(_fft(g, None, behind, norm, inverse), own, behind)

    return LinearMap(vjp, vjp, None)


def _fft_jvp(t: Array, ans: Array, x: Array, n: Any, axis: int, norm: Any, inverse: bool) -> Array:
    return _fft(t, n, axis, norm, inverse)


defvjp(_any_fft, _fft_vjp)
defjvp(_any_fft, _fft_jvp)


@helper
def _any_rfft(x: Array, n: int | None, axis: int, norm: Any) -> Array:
    return np.fft.rfft(x, n, axis, norm)


@helper
def _any_irfft(x: Array, n: int | None, axis: int, norm: Any) -> Array:
    return np.fft.irfft(x, n, axis, norm)


def _rfft(x: Array, n: int | None, axis: int, norm: Any) -> Array:
    whole = _by_loop("rfft", x, n, axis, norm)
    return _any_rfft(x, n, axis, norm) if whole is None else whole


def _irfft(x: Array, n: int | None, axis: int, norm: Any) -> Array:
    whole = _by_loop("irfft", x, n, axis, norm)
    return _any_irfft(x, n, axis, norm) if whole is None else whole


def _rfft_vjp(ans: Array, x: Array, n: int | None, axis: int, norm: Any) -> Any:
    behind, own, ndim = _lengths(x, axis)
    length = own if n is None else n
    weights = _along(_doubled(length, 0.5, ans), ndim + behind, ndim)

    def vjp(g: Array) -> Array:
        back = _irfft(ops.conj(g) * weights, length, behind, SWAPPED[norm])
        return _resized(back, own, behind)

    return LinearMap(vjp, vjp, None)


def _irfft_vjp(ans: Array, x: Array, n: int | None, axis: int, norm: Any) -> Any:
    behind, own, ndim = _lengths(x, axis)
    length = shape_of(ans)[behind]
    weights = _along(_doubled(length, 2.0, ans), ndim + behind, ndim)

    def vjp(g: Array) -> Array:
        back = ops.conj(_rfft(g, length, behind, SWAPPED[norm])) * weights
        return _resized(back, own, behind)

    return LinearMap(vjp, vjp, None)


defvjp(_any_rfft, _rfft_vjp)
defvjp(_any_irfft, _irfft_vjp)
defjvp(_any_rfft, lambda t, ans, x, n, axis, norm: _rfft(t, n, axis, norm))
defjvp(_any_irfft, lambda t, ans, x, n, axis, norm: _irfft(t, n, axis, norm))


# ---- the last axis, neither padded nor cut, by NumPy's loops -------------------------------------

_NORMS = ("backward", "ortho", "forward")
# By what each loop multiplies, in the order of the norms.
_FACTORS = {False: ("one", "root", "length"), True: ("length", "root", "one")}
_LOOPS = getattr(getattr(np.fft, "_pocketfft_umath", None), "__dict__", {})


@helper
def _transform(x: Array, kind: str) -> Array:
    name, points, norm = kind.split()
    length = 2 * x.shape[-1] - 1 if points == "odd" and name == "irfft" else None
    return getattr(np.fft, name)(x, length, -1, norm)


def _entries() -> list[tuple[str, tuple[Any, str, str]]]:
    """Which loop computes which kind, with which factor, and how many points it gives."""
    entries = []
    for name, points, loop, count in (
        ("fft", "any", "fft", "same"),
        ("ifft", "any", "ifft", "same"),
        ("rfft", "even", "rfft_n_even", "half"),
        ("rfft", "odd", "rfft_n_odd", "half"),
        ("irfft", "even", "irfft", "even"),
        ("irfft", "odd", "irfft", "odd"),
    ):
        back = name in ("ifft", "irfft")
        for norm, factor in zip(_NORMS, _FACTORS[back], strict=True):
            entries.append((f"{name} {points} {norm}", (_LOOPS.get(loop), factor, count)))
    return entries


give_routines(_transform, *_entries(), result=None)


def _by_loop(name: str, x: Array, n: Any, axis: Any, norm: Any) -> Any:
    """The transform by the loop of its kind; None where there is none, or a length or a type of its
    own is asked for.
    """
    shape = shape_of(x)
    norm = norm or "backward"
    if not _LOOPS or type(axis) is not int or not -len(shape) <= axis < len(shape):
        return None
    if norm not in _NORMS or x.dtype != (np.float64 if name == "rfft" else np.complex128):
        return None
    own, points = shape[axis], "any"
    if name == "irfft":
        n = 2 * (own - 1) if n is None else n
        if type(n) is not int or n < 1 or n // 2 + 1 != own:
            return None
        points = "odd" if n % 2 else "even"
    elif (n is not None and (type(n) is not int or n != own)) or own < 1:
        return None
    elif name == "rfft":
        points = "odd" if own % 2 else "even"
    kind = f"{name} {points} {norm}"
    if axis in (-1, len(shape) - 1):
        return _transform(x, kind)
    return ops.swapaxes(_transform(ops.swapaxes(x, axis, -1), kind), axis, -1)


def _transform_vjp(ans: Array, x: Array, kind: str) -> Any:
    name, _, norm = kind.split()
    if name == "rfft":
        return _rfft_vjp(ans, x, None, -1, norm)
    if name == "irfft":
        return _irfft_vjp(ans, x, None, -1, norm)
    return _fft_vjp(ans, x, None, -1, norm, name == "ifft")


defvjp(_transform, _transform_vjp)
defjvp(_transform, lambda t, ans, x, kind: _transform(t, kind))


@composite("fft.fft")
def fft(a: Array, n: Any = None, axis: int = -1, norm: Any = None, out: None = None) -> Array:
    """Transform along one axis."""
    refuse("fft.fft", out=out)
    return _fft(as_value(a), n, axis, norm, False)


@composite("fft.ifft")
def ifft(a: Array, n: Any = None, axis: int = -1, norm: Any = None, out: None = None) -> Array:
    """Transform back along one axis."""
    refuse("fft.ifft", out=out)
    return _fft(as_value(a), n, axis, norm, True)


@composite("fft.rfft")
def rfft(a: Array, n: Any = None, axis: int = -1, norm: Any = None, out: None = None) -> Array:
    """Transform real values along one axis to the frequencies that are not negative."""
    refuse("fft.rfft", out=out)
    return _rfft(as_value(a), n, axis, norm)


@composite("fft.irfft")
def irfft(a: Array, n: Any = None, axis: int = -1, norm: Any = None, out: None = None) -> Array:
    """Transform back along one axis to n real values."""
    refuse("fft.irfft", out=out)
    return _irfft(as_value(a), n, axis, norm)


def _swapped(norm: Any) -> Any:
    """Return the norm of the other direction; NumPy itself refuses what is none."""
    return SWAPPED.get(norm, norm)


@composite("fft.hfft")
def hfft(a: Array, n: Any = None, axis: int = -1, norm: Any = None, out: None = None) -> Array:
    """Transform a signal with Hermitian symmetry to its n real values."""
    refuse("fft.hfft", out=out)
    return _irfft(ops.conj(as_value(a)), n, axis, _swapped(norm))


@composite("fft.ihfft")
def ihfft(a: Array, n: Any = None, axis: int = -1, norm: Any = None, out: None = None) -> Array:
    """Transform real values back to a signal with Hermitian symmetry."""
    refuse("fft.ihfft", out=out)
    return ops.conj(_rfft(as_value(a), n, axis, _swapped(norm)))


# ---- several axes ------------------------------------------------------------------------------


def _plan(name: str, a: Array, s: Any, axes: Any, real_result: bool) -> tuple[list[Any], list[int]]:
    """Return lengths and axes as NumPy reads them; what it refuses it refuses itself."""
    if axes is not None and s is not None and len(s) != len(axes):
        getattr(np.fft, name)(stand_in(a), s, axes)  # raises
    if s is None:
        along = list(range(a.ndim)) if axes is None else [operator.index(axis) for axis in axes]
        lengths: list[Any] = [a.shape[normalized_axis(axis, a.ndim)] for axis in along]
        if real_result and along:
            lengths[-1] = (lengths[-1] - 1) * 2
        return lengths, along
    along = list(range(-len(s), 0)) if axes is None else [operator.index(axis) for axis in axes]
    lengths = list(s)
    if NUMPY_2:
        if axes is None or any(length is None for length in lengths):
            getattr(np.fft, name)(stand_in(a), s, axes)  # warns that this will change
        for i, (length, axis) in enumerate(zip(lengths, along, strict=True)):
            if length == -1:
                lengths[i] = a.shape[axis]
    return lengths, along


def _each(a: Array, lengths: Sequence[Any], axes: Sequence[int], norm: Any, inverse: bool) -> Array:
    for length, axis in zip(reversed(lengths), reversed(axes), strict=True):
        a = _fft(a, length, axis, norm, inverse)
    return a


def _complex_transforms(inverse: bool, names: Sequence[tuple[str, Any]]) -> None:
    for name, default in names:

        def traced(
            a: Array,
            s: Any = None,
            axes: Any = default,
            norm: Any = None,
            out: None = None,
            *,
            name: str = name,
        ) -> Array:
            refuse(f"fft.{name}", out=out)
            a = as_value(a)
            lengths, along = _plan(name, a, s, axes, False)
            if not along:
                return ops.asarray(a)
            return _each(a, lengths, along, norm, inverse)

        composite(f"fft.{name}")(traced)


_complex_transforms(False, [("fftn", None), ("fft2", (-2, -1))])
_complex_transforms(True, [("ifftn", None), ("ifft2", (-2, -1))])


def _real_transforms(name: str, default: Any) -> None:
    def to_frequencies(
        a: Array, s: Any = None, axes: Any = default, norm: Any = None, out: None = None
    ) -> Array:
        refuse(f"fft.{name}", out=out)
        a = as_value(a)
        lengths, along = _plan(name, a, s, axes, False)
        if not along:
            return getattr(np.fft, name)(stand_in(a), s, axes)  # raises
        a = _rfft(a, lengths[-1], along[-1], norm)
        lengths, along = lengths[:-1], along[:-1]
        if not LAST_AXIS_FIRST:
            lengths, along = lengths[::-1], along[::-1]
        return _each(a, lengths, along, norm, False)

    def to_values(
        a: Array, s: Any = None, axes: Any = default, norm: Any = None, out: None = None
    ) -> Array:
        refuse(f"fft.i{name}", out=out)
        a = as_value(a)
        lengths, along = _plan(f"i{name}", a, s, axes, True)
        if not along:
            return getattr(np.fft, f"i{name}")(stand_in(a), s, axes)  # raises
        for length, axis in zip(lengths[:-1], along[:-1], strict=True):
            a = _fft(a, length, axis, norm, True)
        return _irfft(a, lengths[-1], along[-1], norm)

    composite(f"fft.{name}")(to_frequencies)
    composite(f"fft.i{name}")(to_values)


_real_transforms("rfftn", None)
_real_transforms("rfft2", (-2, -1))


# ---- order and places of frequencies -----------------------------------------------------------


def _shift(x: Array, axes: Any, sign: int) -> Array:
    if axes is None:
        axes = tuple(range(x.ndim))
        return ops.roll(x, [sign * (length // 2) for length in x.shape], axes)
    if isinstance(axes, (int, np.integer)):
        return ops.roll(x, sign * (x.shape[axes] // 2), axes)
    return ops.roll(x, [sign * (x.shape[axis] // 2) for axis in axes], axes)


@composite("fft.fftshift")
def fftshift(x: Array, axes: Any = None) -> Array:
    """Move the zero frequency to the middle."""
    return _shift(as_value(x), axes, 1)


@composite("fft.ifftshift")
def ifftshift(x: Array, axes: Any = None) -> Array:
    """Move the zero frequency back from the middle."""
    return _shift(as_value(x), axes, -1)


def _frequencies(name: str) -> None:
    def derivative(n: int, d: Any = 1.0, device: Any = None) -> Array:
        count = operator.index(primal(n))
        places = np.rint(getattr(np.fft, name)(count, 1.0 / count))
        return places / (count * d)

    derivative_of(f"fft.{name}")(derivative)


_frequencies("fftfreq")
_frequencies("rfftfreq")
