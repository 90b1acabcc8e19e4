"""Spectrograms, signals from their windows' transforms, waves: values and derivatives."""

from __future__ import annotations

import numpy as onp
import pytest

scipy_signal = pytest.importorskip("scipy.signal")

import fastad.numpy as np  # noqa: E402
import fastad.scipy.signal as signal  # noqa: E402
from fastad import grad, make_vjp  # noqa: E402
from fastad.test_util import check_grads  # noqa: E402

_draw = onp.random.default_rng(0)
X = _draw.standard_normal(60)
CHANNELS = _draw.standard_normal((2, 60, 3))


def same(name, *args, of=lambda x: x, **options):
    """What is differentiated computes SciPy's values."""
    theirs = getattr(scipy_signal, name)(*args, **options)
    ours = getattr(signal, name).derivative(*args, **options)
    for a, b in zip(ours, theirs, strict=True):
        onp.testing.assert_allclose(of(a), of(b), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("mode", ["psd", "complex", "magnitude", "angle", "phase"])
@pytest.mark.parametrize(
    "options",
    [
        {"nperseg": 16},
        {"nperseg": 16, "noverlap": 5, "nfft": 20},
        {"nperseg": 15, "scaling": "spectrum"},
        {"nperseg": 16, "detrend": False, "return_onesided": False},
        {"window": onp.hanning(12), "fs": 3.0},
    ],
)
def test_spectrogram(mode, options):
    # The sign of zero in an imaginary part, and so that of an angle of pi, is rounding.
    turn = (lambda x: onp.exp(1j * x)) if mode in ("angle", "phase") else (lambda x: x)
    same("spectrogram", X, of=turn, mode=mode, **options)
    loss = lambda x: np.sum(np.abs(signal.spectrogram(x, mode=mode, **options)[2] + 0.3))
    check_grads(loss, order=1 if mode in ("angle", "phase") else 2)(X)
    same("spectrogram", CHANNELS, of=turn, axis=1, mode=mode, **options)


@pytest.mark.filterwarnings("ignore:NOLA")
@pytest.mark.parametrize(
    "options",
    [
        {"nperseg": 16},
        {"nperseg": 16, "noverlap": 12},
        {"nperseg": 15, "noverlap": 9},
        {"nperseg": 16, "nfft": 20},
        {"nperseg": 16, "boundary": None},
        {"nperseg": 16, "scaling": "psd"},
        {"nperseg": 16, "return_onesided": False},
    ],
)
def test_signals_from_windows(options):
    spectra = scipy_signal.stft(X, **options)[2]
    back = dict(options)
    if "boundary" in back:
        back["boundary"] = False
    if "return_onesided" in back:
        back["input_onesided"] = back.pop("return_onesided")
    same("istft", spectra, **back)
    check_grads(lambda s: np.sum(np.sin(np.real(signal.istft(spectra * s, **back)[1]))), order=2)(
        1.2
    )
    there = lambda x: np.real(signal.istft(signal.stft(x, **options)[2], **back)[1])
    check_grads(lambda x: np.sum(np.sin(there(x))), order=2)(X)
    if options == {"nperseg": 16}:  # there and back is the identity
        onp.testing.assert_allclose(grad(lambda x: np.sum(there(x)[:60] ** 2))(X), 2 * X)


@pytest.mark.parametrize(("time", "frequency"), [(-1, 1), (1, -1), (0, 1), (1, 0)])
def test_axes_of_signals_from_windows(time, frequency):
    spectra = scipy_signal.stft(CHANNELS, nperseg=16, axis=1)[2]  # (2, frequencies, 3, times)
    moved = onp.moveaxis(spectra, (-1, 1), (time, frequency))
    same("istft", moved, nperseg=16, time_axis=time, freq_axis=frequency)


@pytest.mark.parametrize("width", [0, 0.3, 0.7, 1])
def test_sawtooth(width):
    t = _draw.uniform(-7, 7, 9)
    onp.testing.assert_allclose(
        signal.sawtooth.derivative(t, width), scipy_signal.sawtooth(t, width), atol=1e-13
    )
    check_grads(lambda t: signal.sawtooth(t, width), order=2)(t)
    if 0 < width < 1:
        check_grads(signal.sawtooth, (0, 1), order=2)(t, width)
    assert grad(lambda t: np.sum(t * signal.square(t)))(t).tolist() == (
        scipy_signal.square(t).tolist()
    )


def test_gausspulse():
    t = _draw.uniform(-1, 1, 9)
    every = lambda t, fc, bw: signal.gausspulse(t, fc, bw, retquad=True, retenv=True)
    for a, b in zip(
        make_vjp(lambda t: every(t, 3.0, 0.5))(t)[1],
        scipy_signal.gausspulse(t, 3.0, 0.5, retquad=True, retenv=True),
    ):
        onp.testing.assert_allclose(a, b, rtol=1e-14)
    for k in range(3):
        check_grads(lambda t, fc, bw, k=k: every(t, fc, bw)[k], (0, 1, 2), order=2)(t, 3.0, 0.5)
    cutoff = lambda fc: signal.gausspulse("cutoff", fc)
    check_grads(cutoff, order=2)(3.0)
    assert make_vjp(cutoff)(3.0)[1] == pytest.approx(scipy_signal.gausspulse("cutoff", 3.0))
