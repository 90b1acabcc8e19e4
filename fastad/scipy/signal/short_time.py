"""Spectra by time (spectrogram) and signals from them (istft); waves of given shape."""

from __future__ import annotations

from typing import Any

import numpy as onp
import scipy.signal

from ... import numpy as np
from ..registry import Array, as_float, primal, shape_of
from .space import space
from .spectra import Windows


@space.derivative_of("spectrogram")
def spectrogram(
    x: Array,
    fs: Any = 1.0,
    window: Any = ("tukey", 0.25),
    nperseg: Any = None,
    noverlap: Any = None,
    nfft: Any = None,
    detrend: Any = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
    mode: str = "psd",
) -> Any:
    """Frequencies, times, and the spectrum of each window of a signal."""
    x = as_float(x)
    onesided = return_onesided and x.dtype.kind != "c"
    last = np.moveaxis(x, axis, -1)
    cut = Windows(shape_of(last)[-1], window, nperseg, None, nfft)
    cut.step = cut.size - (cut.size // 8 if noverlap is None else int(noverlap))
    spectrum = cut.spectrum(last, detrend, onesided)
    scale = cut.scale(scaling, fs)
    if mode == "psd":
        power = np.real(spectrum) ** 2 + np.imag(spectrum) ** 2
        found = power * (scale * cut.both_signs(onesided))
    else:
        found = spectrum * scale**0.5
        if mode == "magnitude":
            found = np.abs(found)
        elif mode in ("angle", "phase"):
            found = np.angle(found)
            if mode == "phase":
                found = np.unwrap(found, axis=-1)
    times = (onp.arange(shape_of(found)[-2]) * cut.step + cut.size / 2) / fs
    placed = np.moveaxis(np.swapaxes(found, -1, -2), -2, axis % x.ndim)
    return cut.frequencies(onesided, fs), times, placed


def _overlapped(parts: Array, step: int) -> Array:
    """The sum of windows (the last axis) that begin a step apart (the one before)."""
    *lead, count, size = shape_of(parts)
    blocks = -(-size // step)
    rest = onp.zeros((*lead, count, blocks * step - size))
    parts = np.reshape(np.concatenate([parts, rest], axis=-1), (*lead, count, blocks, step))
    total: Array = 0.0
    for k in range(blocks):
        before, after = (onp.zeros((*lead, n, step)) for n in (k, blocks - 1 - k))
        total = total + np.concatenate([before, parts[..., k, :], after], axis=-2)
    whole = np.reshape(total, (*lead, (count + blocks - 1) * step))
    return whole[..., : (count - 1) * step + size]


@space.derivative_of("istft")
def istft(
    Zxx: Array,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: Any = None,
    noverlap: Any = None,
    nfft: Any = None,
    input_onesided: bool = True,
    boundary: bool = True,
    time_axis: int = -1,
    freq_axis: int = -2,
    scaling: str = "spectrum",
) -> Any:
    """Times, and the signal whose windows have these Fourier transforms: linear in them."""
    spectra = np.moveaxis(as_float(Zxx), (time_axis, freq_axis), (-2, -1))
    dims = len(shape_of(spectra))
    count = shape_of(spectra)[-1]
    usual = 2 * (count - 1) if input_onesided else count
    size = usual if nperseg is None else int(nperseg)
    if nfft is None:
        nfft = size if input_onesided and size == usual + 1 else usual
    step = size - (size // 2 if noverlap is None else int(noverlap))
    if isinstance(window, (str, tuple)):
        weights: Any = scipy.signal.get_window(window, size)
    else:
        weights = onp.asarray(window, float)
    transform = np.fft.irfft if input_onesided else np.fft.ifft
    parts = transform(spectra, nfft)[..., :size]
    power = onp.sum(weights**2)
    parts = parts * (onp.sum(weights) if scaling == "spectrum" else onp.sqrt(fs * power))
    x = _overlapped(parts * weights, step)
    norm = _overlapped(onp.tile(weights**2, (shape_of(parts)[-2], 1)), step)
    if boundary:
        half = size // 2
        x, norm = x[..., half : -half or None], norm[half : -half or None]
    x = x / onp.where(norm > 1e-10, norm, 1.0)
    if dims > 2:
        time, frequency = time_axis % dims, freq_axis % dims
        x = np.moveaxis(x, -1, time - (frequency < time))
    return onp.arange(shape_of(x)[0]) / fs, x  # by the first axis, as SciPy has it


# ---- waves ---------------------------------------------------------------------------------------


@space.derivative_of("sawtooth")
def sawtooth(t: Array, width: Any = 1) -> Array:
    """A wave that rises from -1 to 1 and falls back, by time and the share of the rise."""
    t, width = as_float(t), as_float(width)
    turned = np.mod(t, 2 * onp.pi)
    rises = primal(turned) < primal(width) * (2 * onp.pi)
    up, down = np.where(rises, width, 0.5), np.where(rises, 0.5, width)
    rise = turned / (onp.pi * up) - 1
    return np.where(rises, rise, (onp.pi * (down + 1) - turned) / (onp.pi * (1 - down)))


space.zero("square")


@space.composite("gausspulse")
def gausspulse(
    t: Array,
    fc: Any = 1000,
    bw: Any = 0.5,
    bwr: Any = -6,
    tpr: Any = -60,
    retquad: bool = False,
    retenv: bool = False,
) -> Any:
    """A cosine under a bell, by time, frequency and bandwidth."""
    if isinstance(t, str):
        scipy.signal.gausspulse(t, primal(fc), primal(bw), bwr, tpr)  # its own errors
        reference, level = 10.0 ** (bwr / 20.0), 10.0 ** (tpr / 20.0)
        return np.sqrt(-np.log(level) / (-((onp.pi * fc * bw) ** 2) / (4.0 * onp.log(reference))))
    t, fc, bw = as_float(t), as_float(fc), as_float(bw)
    rate = -((onp.pi * fc * bw) ** 2) / (4.0 * onp.log(10.0 ** (bwr / 20.0)))
    bell = np.exp(-rate * t * t)
    found = [bell * np.cos(2 * onp.pi * fc * t)]
    if retquad:
        found.append(bell * np.sin(2 * onp.pi * fc * t))
    if retenv:
        found.append(bell)
    return found[0] if len(found) == 1 else tuple(found)
