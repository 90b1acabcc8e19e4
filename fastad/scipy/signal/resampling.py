"""Signals at other rates: resample, upfirdn, resample_poly, decimate; all linear in the signal."""

from __future__ import annotations

from math import gcd
from typing import Any

import numpy as onp
import scipy.signal

from ... import numpy as np
from ..registry import Array, as_float, shape_of
from .convolutions import NONE, convolve_value
from .space import space
from .zero_phase import sosfiltfilt

# ---- by Fourier's transform ----------------------------------------------------------------------


def _resampled(x: Array, num: int) -> Array:
    """A real signal at `num` places, along the last axis."""
    n = shape_of(x)[-1]
    both = min(n, num)
    spectrum = np.fft.rfft(x)[..., : both // 2 + 1]
    weights = onp.ones(both // 2 + 1)
    if both % 2 == 0 and n != num:  # the frequency that both signs share
        weights[-1] = 2.0 if num < n else 0.5
    return np.fft.irfft(spectrum * weights, num) * (num / n)


def _matrix_of(units: Any, num: int, window: Any, domain: str) -> Any:
    return scipy.signal.resample(units, num, None, 1, window, domain)


@space.derivative_of("resample")
def resample(
    x: Array, num: int, t: Any = None, axis: int = 0, window: Any = None, domain: str = "time"
) -> Any:
    """A signal at `num` places by Fourier's method; with `t` its new places as well."""
    x = as_float(x)
    last = np.moveaxis(x, axis, -1)
    n = shape_of(last)[-1]
    if window is None and domain == "time" and x.dtype.kind == "f":
        result = _resampled(last, num)
    else:
        units = onp.eye(n) if x.dtype.kind == "f" and domain == "time" else onp.eye(n) + 0j
        result = np.matmul(last, _matrix_of(units, num, window, domain))
    result = np.moveaxis(result, -1, axis)
    if t is None:
        return result
    return result, onp.arange(num) * (t[1] - t[0]) * n / float(num) + t[0]


# ---- by a filter ---------------------------------------------------------------------------------


def _filtered(h: Array, x: Array, up: int, down: int) -> Array:
    """Zeros between the places, the full convolution, each `down`-th of it; along the last axis."""
    n = shape_of(x)[-1]
    flat = np.reshape(x, (-1, n, 1))
    spread = np.concatenate([flat, onp.zeros((*shape_of(flat)[:2], up - 1))], axis=-1)
    spread = np.reshape(spread, (-1, n * up))[:, : (n - 1) * up + 1]
    full = convolve_value(spread, h[None], None, NONE, "full", "direct")[:, ::down]
    return np.reshape(full, (*shape_of(x)[:-1], shape_of(full)[-1]))


@space.derivative_of("upfirdn")
def upfirdn(
    h: Array,
    x: Array,
    up: int = 1,
    down: int = 1,
    axis: int = -1,
    mode: str = "constant",
    cval: Any = 0,
) -> Array:
    """Spread, filter and thin out a signal; by filter and signal."""
    if mode != "constant" or cval:
        raise NotImplementedError(
            "scipy.signal.upfirdn: only mode='constant' with cval=0 has a derivative rule in "
            "fastad; pad the signal first"
        )
    h, x = as_float(h), as_float(x)
    return np.moveaxis(_filtered(h, np.moveaxis(x, axis, -1), up, down), -1, axis)


def _count(taps: int, n: int, up: int, down: int) -> int:
    """Places of a filtered signal."""
    return ((n - 1) * up + taps - 1) // down + 1


@space.derivative_of("resample_poly")
def resample_poly(
    x: Array,
    up: int,
    down: int,
    axis: int = 0,
    window: Any = ("kaiser", 5.0),
    padtype: str = "constant",
    cval: Any = None,
) -> Array:
    """A signal at another rate through a filter of linear phase; by it, and by a given filter."""
    if padtype != "constant" or cval:
        raise NotImplementedError(
            "scipy.signal.resample_poly: only padtype='constant' with zeros has a derivative rule "
            "in fastad; subtract the trend first and add it again"
        )
    x = as_float(x)
    common = gcd(up, down)
    up, down = up // common, down // common
    if up == down == 1:
        return x * 1.0
    last = np.moveaxis(x, axis, -1)
    n = shape_of(last)[-1]
    count = -(-n * up // down)
    if isinstance(window, (str, tuple)):
        rate = max(up, down)
        half = 10 * rate
        named: Any = window
        h: Array = scipy.signal.firwin(2 * half + 1, 1.0 / rate, window=named)
    else:
        h = as_float(window)
        half = (shape_of(h)[0] - 1) // 2
    before = down - half % down
    skipped = (half + before) // down
    after = 0
    while _count(shape_of(h)[0] + before + after, n, up, down) < count + skipped:
        after += 1
    h = np.concatenate([onp.zeros(before), up * h, onp.zeros(after)])
    y = _filtered(h, last, up, down)[..., skipped : skipped + count]
    return np.moveaxis(y, -1, axis)


def _matrix(n: int, q: int, given: tuple[Any, ...]) -> Any:
    order, ftype, zero_phase = given
    return scipy.signal.decimate(onp.eye(n), q, order, ftype, 1, zero_phase)


@space.derivative_of("decimate")
def decimate(
    x: Array, q: int, n: Any = None, ftype: Any = "iir", axis: int = -1, zero_phase: bool = True
) -> Array:
    """Each q-th value of a smoothed signal."""
    x = as_float(x)
    last = np.moveaxis(x, axis, -1)
    if ftype == "iir" and zero_phase:
        sos = scipy.signal.cheby1(8 if n is None else n, 0.05, 0.8 / q, output="sos")
        y = sosfiltfilt(sos, last)[..., ::q]
    elif ftype == "fir" and zero_phase:
        half = 10 * q
        taps = (2 * half if n is None else n) + 1
        h = scipy.signal.firwin(taps, 1.0 / q, window="hamming")
        y = resample_poly(last, 1, q, -1, h)
    else:
        y = np.matmul(last, _matrix(shape_of(last)[-1], q, (n, ftype, zero_phase)))
    return np.moveaxis(y, -1, axis)
