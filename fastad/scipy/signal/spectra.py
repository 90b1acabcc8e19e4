"""Responses of filters (freqz, freqs) and spectra of signals (welch, csd, stft and their kin)."""

from __future__ import annotations

from typing import Any

import numpy as onp
import scipy.signal

from ... import numpy as np
from ...numpy.mathematics.lengths import unit_of
from ..registry import Array, as_float, is_traced, primal, shape_of
from ..special.space import space as special
from .space import space
from .zero_phase import detrend as without_trend

# ---- responses -----------------------------------------------------------------------------------


def _polynomial(c: Array, z: Array) -> Array:
    """c[0] + c[1] z + ... at places, with which further axes of c are broadcast."""
    if not is_traced(z) and len(shape_of(c)) == 1:
        return np.matmul(z[..., None] ** onp.arange(shape_of(c)[0]), c)
    total = c[-1]
    for k in range(shape_of(c)[0] - 2, -1, -1):
        total = c[k] + z * total
    return np.broadcast_to(total, onp.broadcast_shapes(shape_of(c)[1:], shape_of(z)))


def _ratio(b: Array, a: Array, z: Array) -> Array:
    return _polynomial(b, z) / _polynomial(a, z)


def _as_filter(x: Any) -> Array:
    return np.atleast_1d(as_float(x))


def _places(worN: Any, whole: bool, fs: Any, include_nyquist: bool = False) -> tuple[Any, Any]:
    """Frequencies, and where on the unit circle these are; by the frequencies themselves."""
    if is_traced(fs):
        raise NotImplementedError(
            "scipy.signal.freqz: the argument 'fs' has no derivative rule in fastad; leave it out "
            "and give the frequencies in radians per sample"
        )
    if is_traced(worN):
        w = np.atleast_1d(as_float(worN))
    else:
        w = scipy.signal.freqz(onp.ones(1), 1, worN, whole, None, fs, include_nyquist)[0]
    return w, np.exp(-2j * onp.pi / fs * w)


@space.derivative_of("freqz")
def freqz(
    b: Array,
    a: Any = 1,
    worN: Any = 512,
    whole: bool = False,
    plot: Any = None,
    fs: float = 2 * onp.pi,
    include_nyquist: bool = False,
) -> Any:
    """Frequencies, and the response of a digital filter there; by coefficients and frequencies."""
    w, z = _places(worN, whole, fs, include_nyquist)
    return w, _ratio(_as_filter(b), _as_filter(a), z)


def _of_sections(sos: Array, worN: Any = 512, whole: bool = False, fs: float = 2 * onp.pi) -> Any:
    """Frequencies, and the response of second-order sections there; by both."""
    sos = as_float(sos)
    w, z = _places(worN, whole, fs)
    h: Array = 1.0
    for i in range(shape_of(sos)[0]):
        h = h * _ratio(sos[i, :3], sos[i, 3:], z)
    return w, h


space.derivative_of("sosfreqz")(_of_sections)
space.derivative_of("freqz_sos")(_of_sections)


@space.derivative_of("freqs")
def freqs(b: Array, a: Array, worN: Any = 200, plot: Any = None) -> Any:
    """Frequencies, and the response of an analogue filter there; by both."""
    if worN is None or shape_of(worN) == ():
        raise NotImplementedError(
            "scipy.signal.freqs: a number of frequencies, which the filter places, has no "
            "derivative rule in fastad; give the frequencies"
        )
    w = as_float(worN)
    return w, _ratio(_as_filter(b)[::-1], _as_filter(a)[::-1], 1j * w)


# ---- windows of signals --------------------------------------------------------------------------


class Windows:
    """How a signal is cut into windows, and what these are multiplied by."""

    def __init__(self, n: int, window: Any, nperseg: Any, noverlap: Any, nfft: Any) -> None:
        if isinstance(window, (str, tuple)):
            size = 256 if nperseg is None else int(nperseg)
            self.size = min(size, n)
            self.weights: Any = scipy.signal.get_window(window, self.size)
        else:
            self.weights = onp.asarray(window, float)
            self.size = len(self.weights)
        overlap = self.size // 2 if noverlap is None else int(noverlap)
        if noverlap is not None and nperseg is not None and self.size < nperseg:
            # SciPy shortens windows that are longer than the signal, not what they share.
            overlap = min(overlap, self.size - 1)
        self.step = self.size - overlap
        self.nfft = self.size if nfft is None else int(nfft)

    def of(self, x: Array) -> Array:
        """The windows of a signal, along a new axis before the last."""
        count = (shape_of(x)[-1] - self.size) // self.step + 1
        places = onp.arange(count)[:, None] * self.step + onp.arange(self.size)
        return np.take(x, places, axis=-1)

    def spectrum(self, x: Array, detrend: Any, onesided: bool) -> Array:
        parts: Any = self.of(x)
        if detrend:
            if callable(detrend):
                parts = detrend(parts)
            else:
                parts = without_trend(parts, -1, detrend)
        transform = np.fft.rfft if onesided else np.fft.fft
        return transform(parts * self.weights, self.nfft)

    def scale(self, scaling: str, fs: Any) -> Array:
        if scaling == "density":
            return 1.0 / (fs * onp.sum(self.weights**2))
        if scaling == "spectrum":
            return 1.0 / onp.sum(self.weights) ** 2
        raise ValueError(f"Unknown scaling: {scaling!r}")

    def frequencies(self, onesided: bool, fs: Any) -> Any:
        if onesided:
            return onp.fft.rfftfreq(self.nfft, 1 / fs)
        return onp.fft.fftfreq(self.nfft, 1 / fs)

    def both_signs(self, onesided: bool) -> Any:
        """Weights of the frequencies of a real signal: those that have two signs count twice."""
        if not onesided:
            return 1.0
        weights = onp.full(self.nfft // 2 + 1, 2.0)
        weights[0] = 1.0
        if self.nfft % 2 == 0:
            weights[-1] = 1.0
        return weights


def _averaged(products: Array, average: str) -> Array:
    """The mean over the windows, or the median without its bias."""
    count = shape_of(products)[-2]
    if average == "mean":
        return np.mean(products, axis=-2)
    if average != "median":
        raise ValueError(f'average must be "median" or "mean", got {average}')
    even = 2 * onp.arange(1.0, (count - 1) // 2 + 1)
    bias = 1 + onp.sum(1.0 / (even + 1) - 1.0 / even)
    if products.dtype.kind == "c":
        return (
            np.median(np.real(products), axis=-2) + 1j * np.median(np.imag(products), axis=-2)
        ) / bias
    return np.median(products, axis=-2) / bias


def _crossed(
    x: Array,
    y: Any,
    fs: Any,
    window: Any,
    nperseg: Any,
    noverlap: Any,
    nfft: Any,
    detrend: Any,
    onesided: bool,
    scaling: str,
    axis: int,
    average: str,
) -> Any:
    """Frequencies and the (cross) power spectrum; of x with itself where y is None."""
    x = as_float(x)
    onesided = onesided and x.dtype.kind != "c"
    x = np.moveaxis(x, axis, -1)
    n = shape_of(x)[-1]
    if y is not None:
        y = as_float(y)
        onesided = onesided and y.dtype.kind != "c"
        y = np.moveaxis(y, axis, -1)
        n, m = max(n, shape_of(y)[-1]), min(n, shape_of(y)[-1])
        if n != m:  # the shorter one has zeros behind it
            x, y = (
                np.concatenate([z, onp.zeros((*shape_of(z)[:-1], n - shape_of(z)[-1]))], axis=-1)
                for z in (x, y)
            )
    cut = Windows(n, window, nperseg, noverlap, nfft)
    first = cut.spectrum(x, detrend, onesided)
    if y is None:
        products = np.real(first) ** 2 + np.imag(first) ** 2
    else:
        products = np.conj(first) * cut.spectrum(y, detrend, onesided)
    power = _averaged(products, average) * (cut.scale(scaling, fs) * cut.both_signs(onesided))
    return cut.frequencies(onesided, fs), np.moveaxis(power, -1, axis)


@space.derivative_of("welch")
def welch(
    x: Array,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: Any = None,
    noverlap: Any = None,
    nfft: Any = None,
    detrend: Any = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
    average: str = "mean",
) -> Any:
    """Frequencies and the power spectrum, a mean over windows."""
    given = (fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis, average)
    return _crossed(x, None, *given)


@space.derivative_of("csd")
def csd(
    x: Array,
    y: Array,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: Any = None,
    noverlap: Any = None,
    nfft: Any = None,
    detrend: Any = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
    average: str = "mean",
) -> Any:
    """Frequencies and the cross power spectrum of two signals."""
    given = (fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis, average)
    return _crossed(x, y, *given)


def _size(x: Array) -> Any:
    """A power of two near the largest number, a constant; 1 where that is 0."""
    return unit_of(np.max(np.abs(primal(x)), initial=0.0))


@space.derivative_of("coherence")
def coherence(
    x: Array,
    y: Array,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: Any = None,
    noverlap: Any = None,
    nfft: Any = None,
    detrend: Any = "constant",
    axis: int = -1,
) -> Any:
    """Frequencies and the share of the power that two signals have in common."""
    given = (fs, window, nperseg, noverlap, nfft, detrend, True, "density", axis, "mean")
    x, y = (one / _size(as_float(one)) for one in (x, y))  # of fourth powers a quotient is taken
    f, xx = _crossed(x, None, *given)
    yy, xy = _crossed(y, None, *given)[1], _crossed(x, y, *given)[1]
    return f, (np.real(xy) ** 2 + np.imag(xy) ** 2) / xx / yy


@space.derivative_of("periodogram")
def periodogram(
    x: Array,
    fs: Any = 1.0,
    window: Any = "boxcar",
    nfft: Any = None,
    detrend: Any = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
) -> Any:
    """Frequencies and the power spectrum of the whole signal."""
    x = as_float(x)
    n = shape_of(x)[axis]
    if window is None:
        window = "boxcar"
    if nfft is not None and nfft < n:
        x = np.moveaxis(np.moveaxis(x, axis, -1)[..., :nfft], -1, axis)
        n, nfft = nfft, None
    given = (fs, window, n, 0, nfft, detrend, return_onesided, scaling, axis, "mean")
    return _crossed(x, None, *given)


@space.derivative_of("stft")
def stft(
    x: Array,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: Any = 256,
    noverlap: Any = None,
    nfft: Any = None,
    detrend: Any = False,
    return_onesided: bool = True,
    boundary: Any = "zeros",
    padded: bool = True,
    axis: int = -1,
    scaling: str = "spectrum",
) -> Any:
    """Frequencies, times, and the Fourier transforms of a signal's windows."""
    x = as_float(x)
    onesided = return_onesided and x.dtype.kind != "c"
    last = np.moveaxis(x, axis, -1)
    cut = Windows(shape_of(last)[-1], window, nperseg, noverlap, nfft)
    lead = shape_of(last)[:-1]
    half = cut.size // 2
    if boundary not in ("zeros", None):
        raise NotImplementedError(
            "scipy.signal.stft: only boundary='zeros' and None have a derivative rule in fastad; "
            "pad the signal first"
        )
    if boundary == "zeros":
        sides = onp.zeros((*lead, half))
        last = np.concatenate([sides, last, sides], axis=-1)
    if padded:
        missing = -(shape_of(last)[-1] - cut.size) % cut.step % cut.size
        last = np.concatenate([last, onp.zeros((*lead, missing))], axis=-1)
    spectrum = cut.spectrum(last, detrend, onesided)
    scale = cut.scale({"psd": "density"}.get(scaling, scaling), fs) ** 0.5
    times = (onp.arange(shape_of(spectrum)[-2]) * cut.step + half) / fs
    if boundary is not None:
        times = times - half / fs
    place = axis % x.ndim
    result = np.moveaxis(np.swapaxes(spectrum * scale, -1, -2), -2, place)
    return cut.frequencies(onesided, fs), times, result


# ---- a signal of its own -------------------------------------------------------------------------


@space.derivative_of("chirp")
def chirp(
    t: Array,
    f0: Array,
    t1: Array,
    f1: Array,
    method: str = "linear",
    phi: Any = 0,
    vertex_zero: bool = True,
    *,
    complex: bool = False,
) -> Array:
    """A cosine whose frequency runs from f0 to f1; by all numbers."""
    t, f0, t1, f1 = map(as_float, (t, f0, t1, f1))
    if method in ("linear", "lin", "li"):
        turns = f0 * t + 0.5 * (f1 - f0) / t1 * t * t
    elif method in ("quadratic", "quad", "q"):
        rate = (f1 - f0) / t1**2
        if vertex_zero:
            turns = f0 * t + rate * t**3 / 3
        else:
            turns = f1 * t + rate * ((t1 - t) ** 3 - t1**3) / 3
    elif method in ("logarithmic", "log", "lo"):
        growth = np.log(f1 / f0) / t1
        turns = f0 * t * special.entries["exprel"](growth * t)
    else:
        raise NotImplementedError(
            f"scipy.signal.chirp: the method {method!r} has no derivative rule in fastad; take "
            "'linear', 'quadratic' or 'logarithmic'"
        )
    angle = 2 * onp.pi * turns + as_float(phi) * (onp.pi / 180)
    return np.exp(1j * angle) if complex else np.cos(angle)
