"""Filters both ways, other rates, responses and spectra of `fastad.scipy.signal`."""

from __future__ import annotations

import numpy as onp
import pytest

pytest.importorskip("scipy")

import scipy.signal as theirs
from against_scipy import agrees

import fastad.numpy as np
from fastad import grad
from fastad.scipy import signal

BOTH = signal, theirs
B, A = theirs.butter(3, 0.25)
MILD = onp.array([1.0, 0.1, -0.05])  # poles far from the circle, for differences
SOS = onp.array([[1.0, 0.5, 0.2, 1.0, 0.1, -0.05], [0.7, 0.1, 0.0, 1.0, -0.1, 0.0]])
X = onp.random.default_rng(5).standard_normal((2, 31))
H = onp.random.default_rng(6).standard_normal(5)


def sections(numerators):
    return np.concatenate([numerators, SOS[:, 3:]], axis=1)


def test_states():
    agrees(lambda m, b, a: m.lfilter_zi(b, a), BOTH, B, A)
    agrees(lambda m, b, a: m.lfilter_zi(b, a), BOTH, H, A, exactly=False)
    agrees(lambda m, b: m.sosfilt_zi(sections(b)), BOTH, SOS[:, :3], order=1)


@pytest.mark.parametrize("padtype", ["odd", "even", "constant", None])
def test_both_ways(padtype):
    options = {"padtype": padtype}
    agrees(lambda m, b, a, x: m.filtfilt(b, a, x, **options), BOTH, H[:3], MILD, X[:, :14], order=1)
    agrees(lambda m, x: m.filtfilt(B, A, x, 0, padlen=4, **options), BOTH, X.T)
    agrees(lambda m, x: m.filtfilt(H, 1.0, x, padlen=30, **options), BOTH, X)
    call = lambda m, b, x: m.sosfiltfilt(sections(b), x, padlen=2, **options)
    agrees(call, BOTH, SOS[:, :3], X[:, :9], order=1)


def test_trends():
    agrees(lambda m, x: m.detrend(x), BOTH, X)
    agrees(lambda m, x: m.detrend(x, 0, bp=[4, 9]), BOTH, X.T, order=1)
    agrees(lambda m, x: m.detrend(x, type="constant"), BOTH, X)


def test_other_rates():
    for num in (10, 16, 31, 40, 62):
        agrees(lambda m, x, n=num: m.resample(x, n, axis=1), BOTH, X, order=1)
        agrees(lambda m, x, n=num: m.resample(x, n), BOTH, X[0, :30])
    agrees(lambda m, x: m.resample(x, 12, window="hann"), BOTH, X[0])
    agrees(lambda m, x: m.resample(x, 12, onp.arange(31.0))[0], BOTH, X[0])
    for up, down in ((1, 1), (3, 2), (2, 5)):
        agrees(lambda m, h, x, u=up, d=down: m.upfirdn(h, x, u, d), BOTH, H, X)
        agrees(lambda m, x, u=up, d=down: m.resample_poly(x, u, d, 1), BOTH, X)
        agrees(lambda m, h, x, u=up, d=down: m.resample_poly(x, u, d, window=h), BOTH, H, X[0])
    for ftype in ("iir", "fir"):
        for zero_phase in (True, False):
            call = lambda m, x, f=ftype, z=zero_phase: m.decimate(x, 3, None, f, zero_phase=z)
            agrees(call, BOTH, X, order=1)


def test_responses():
    at = onp.linspace(0.1, 3.0, 7)
    agrees(lambda m, b, a: m.freqz(b, a, 16)[1], BOTH, B, A)
    agrees(lambda m, b: m.freqz(b, worN=at, fs=9.0)[1], BOTH, H)
    agrees(lambda m, b: m.freqz(b, 1, 8, True)[1], BOTH, H)
    name = "freqz_sos" if hasattr(theirs, "freqz_sos") else "sosfreqz"
    agrees(lambda m, b: getattr(m, name)(sections(b), 16)[1], BOTH, SOS[:, :3], order=1)
    agrees(lambda m, b, a: m.freqs(b, a, at)[1], BOTH, B, A)
    w, h = theirs.freqz(B, A)
    onp.testing.assert_array_equal(signal.freqz(B, A)[0], w)


@pytest.mark.parametrize("detrend", ["constant", "linear", False])
@pytest.mark.parametrize("scaling", ["density", "spectrum"])
def test_spectra(scaling, detrend):
    options = {"scaling": scaling, "detrend": detrend, "fs": 2.0, "axis": 0}
    x = X.T
    agrees(lambda m, x: m.periodogram(x, **options)[1], BOTH, x, order=1)
    agrees(lambda m, x: m.periodogram(x, nfft=40, window="hann", **options)[1], BOTH, x, order=1)
    agrees(lambda m, x: m.periodogram(x, nfft=20, **options)[1], BOTH, x, order=1)
    options["nperseg"] = 8
    agrees(lambda m, x: m.welch(x, **options)[1], BOTH, x)
    agrees(lambda m, x: m.welch(x, average="median", noverlap=3, **options)[1], BOTH, x, order=1)
    agrees(lambda m, x: m.welch(x, nfft=13, **options)[1], BOTH, x, order=1)
    agrees(lambda m, x, y: m.csd(x, y, **options)[1], BOTH, x, x[:25] ** 2, order=1)
    options["return_onesided"] = False
    agrees(lambda m, x: m.welch(x + 1j * x[::-1], **options)[1], BOTH, x, order=1)
    agrees(lambda m, x: m.welch(x, **options)[1], BOTH, x, order=1, replayed=False)


def test_windows_of_one_signal():
    long = onp.cos(onp.arange(300.0) ** 1.5)
    agrees(lambda m, x: m.welch(x)[1], BOTH, long, order=1)
    agrees(lambda m, x: m.stft(x)[2], BOTH, long, order=1, replayed=False)
    agrees(lambda m, x, y: m.coherence(x, y, nperseg=8)[1], BOTH, *X, order=1)
    agrees(lambda m, x: m.stft(x, nperseg=8)[2], BOTH, X)
    agrees(lambda m, x: m.stft(x, nperseg=8, boundary=None, axis=0)[2], BOTH, X.T, order=1)
    agrees(lambda m, x: m.stft(x, 3.0, nperseg=7, noverlap=5, padded=False)[2], BOTH, X[0])
    for one, other in zip(signal.stft(X[0], nperseg=8), theirs.stft(X[0], nperseg=8)):
        onp.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("method", ["linear", "quadratic", "logarithmic"])
def test_chirp(method):
    t = onp.linspace(0.1, 2.0, 5)
    agrees(lambda m, *given: m.chirp(*given, method), BOTH, t, 1.2, 2.5, 3.1, exactly=False)
    agrees(lambda m, t: m.chirp(t, 1.2, 2.5, 3.1, method, 30.0, False), BOTH, t)


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("gust", lambda x: signal.filtfilt(B, A, x, method="gust")),
        ("pad the signal", lambda x: signal.upfirdn(H, x, mode="wrap")),
        ("give the frequencies", lambda x: signal.freqs(x[0], A)[1].real),
        ("subtract the trend", lambda x: signal.resample_poly(x, 2, 3, 1, padtype="mean")),
    ],
)
def test_what_has_no_rule(words, call):
    with pytest.raises(NotImplementedError, match=words):
        grad(lambda x: np.sum(call(x)))(X)
