"""Filters that run forwards and backwards (filtfilt, sosfiltfilt), and the states they start from.

The state is that of a signal that has been constant for long: what a step of height one leaves.
"""

from __future__ import annotations

from typing import Any

import numpy as onp

from ... import numpy as np
from ...numpy.registry import normalized_axis
from ..host_calls import decided
from ..registry import Array, as_float, primal, shape_of
from .filters import lfilter, sosfilt
from .space import space

BORDERS = ("odd", "even", "constant", None)


def _filled(x: Array, length: int) -> Array:
    missing = length - shape_of(x)[0]
    return x if not missing else np.concatenate([x, onp.zeros(missing)])


@space.derivative_of("lfilter_zi")
def lfilter_zi(b: Array, a: Array) -> Array:
    """The state of a filter that a step has run through; by both coefficients.

    Its last equation says that input and output are constant; the others follow one by one.
    """
    b, a = np.atleast_1d(as_float(b)), np.atleast_1d(as_float(a))
    while shape_of(a)[0] > 1 and bool(primal(a)[0] == 0):
        a = a[1:]
    n = max(shape_of(a)[0], shape_of(b)[0])
    b, a = _filled(b / a[0], n), _filled(a / a[0], n)
    driven = b[1:] - a[1:] * b[0]
    start = np.sum(driven) / np.sum(a)
    later = np.cumsum(a)[1:-1] * start - np.cumsum(driven)[:-1]
    return np.concatenate([np.reshape(start, (1,)), later])


@space.derivative_of("sosfilt_zi")
def sosfilt_zi(sos: Array) -> Array:
    """The states of sections that a step has run through."""
    sos = as_float(sos)
    states, scale = [], 1.0
    for i in range(shape_of(sos)[0]):
        b, a = sos[i, :3], sos[i, 3:]
        states.append(scale * lfilter_zi(b, a))
        scale = scale * np.sum(b) / np.sum(a)
    return np.stack(states)


def _extended(x: Array, edge: int, border: Any) -> Array:
    """The signal with its border continued along the last axis."""
    if not edge:
        return x
    n = shape_of(x)[-1]
    first, last = x[..., :1], x[..., -1:]
    if border == "constant":
        widths = (*shape_of(x)[:-1], edge)
        return np.concatenate(
            [np.broadcast_to(first, widths), x, np.broadcast_to(last, widths)], axis=-1
        )
    before, after = x[..., edge:0:-1], x[..., -2 : -(edge + 2) : -1]
    if edge + 1 == n:
        after = x[..., -2::-1]
    if border == "odd":
        before, after = 2 * first - before, 2 * last - after
    return np.concatenate([before, x, after], axis=-1)


def _edge(name: str, x: Array, padtype: Any, padlen: Any, taps: int) -> int:
    if padtype not in BORDERS:
        raise ValueError(f"scipy.signal.{name}: padtype {padtype!r} is none of {BORDERS}")
    if padtype is None:
        return 0
    return 3 * taps if padlen is None else int(padlen)


def _cut(y: Array, edge: int) -> Array:
    return y[..., edge:-edge] if edge else y


@space.derivative_of("filtfilt")
def filtfilt(
    b: Array,
    a: Array,
    x: Array,
    axis: int = -1,
    padtype: Any = "odd",
    padlen: Any = None,
    method: str = "pad",
    irlen: Any = None,
) -> Array:
    """Filter forwards and backwards; by coefficients and signal."""
    if method != "pad":
        raise NotImplementedError(
            "scipy.signal.filtfilt: method='gust' has no derivative rule in fastad; take 'pad'"
        )
    b, a, x = np.atleast_1d(as_float(b)), np.atleast_1d(as_float(a)), as_float(x)
    axis = normalized_axis(axis, x.ndim)
    edge = _edge("filtfilt", x, padtype, padlen, max(shape_of(a)[0], shape_of(b)[0]))
    signal = _extended(np.moveaxis(x, axis, -1), edge, padtype)
    state = lfilter_zi(b, a)
    for _ in range(2):
        signal = lfilter(b, a, signal, -1, state * signal[..., :1])[0][..., ::-1]
    return np.moveaxis(_cut(signal, edge), -1, axis)


@space.derivative_of("sosfiltfilt")
def sosfiltfilt(
    sos: Array, x: Array, axis: int = -1, padtype: Any = "odd", padlen: Any = None
) -> Array:
    """Filter forwards and backwards by second-order sections; by these and the signal."""
    sos, x = as_float(sos), as_float(x)
    axis = normalized_axis(axis, x.ndim)
    short = [int(onp.sum(decided(primal(sos)[:, i] == 0))) for i in (2, 5)]
    taps = 2 * shape_of(sos)[0] + 1 - min(short)
    edge = _edge("sosfiltfilt", x, padtype, padlen, taps)
    signal = _extended(np.moveaxis(x, axis, -1), edge, padtype)
    states = sosfilt_zi(sos)
    for _ in range(2):
        shape = (shape_of(states)[0], *(1,) * (signal.ndim - 1), 2)
        state = np.reshape(states, shape) * signal[..., :1]
        signal = sosfilt(sos, signal, -1, state)[0][..., ::-1]
    return np.moveaxis(_cut(signal, edge), -1, axis)


# ---- trends --------------------------------------------------------------------------------------


@space.derivative_of("detrend")
def detrend(
    data: Array, axis: int = -1, type: str = "linear", bp: Any = 0, overwrite_data: bool = False
) -> Array:
    """A signal less its mean, or less its line in each of some parts."""
    x = as_float(data)
    last = np.moveaxis(x, axis, -1)
    if type in ("constant", "c"):
        return np.moveaxis(last - np.mean(last, axis=-1, keepdims=True), -1, axis)
    n = shape_of(last)[-1]
    ends = sorted({0, n, *(int(one) for one in onp.atleast_1d(bp))})
    parts = []
    for low, high in zip(ends, ends[1:]):
        count = high - low
        basis = onp.stack([onp.arange(1.0, count + 1) / count, onp.ones(count)], axis=1)
        part = last[..., low:high]
        line = np.matmul(np.matmul(part, onp.linalg.pinv(basis).T), basis.T)
        parts.append(part - line)
    return np.moveaxis(np.concatenate(parts, axis=-1), -1, axis)
