"""Linear filters: lfilter, sosfilt, savgol_filter; the analytic signal."""

from __future__ import annotations

from typing import Any

import numpy as onp
import scipy.signal

from ... import numpy as np
from ...numpy.registry import cast, normalized_axis
from ..registry import Array, as_float, defjvp, defvjp, helper, is_traced, shape_of
from .space import space

# ---- y of a * y = b * x, along the last axis -----------------------------------------------------


@helper
def filtered(b: Any, a: Any, x: Any) -> Any:
    """SciPy's value along the last axis, from rest."""
    return scipy.signal.lfilter(b, a, x)


def _delayed(x: Array, count: int) -> Array:
    """x delayed by 0, 1, ... steps: a new axis before the last."""
    n = shape_of(x)[-1]
    rows, columns = onp.indices((count, n))
    late = columns - rows
    return np.where(late < 0, 0.0, x[..., onp.maximum(late, 0)])


def _combined(weights: Array, delayed: Array) -> Array:
    return np.matmul(weights, delayed)


def _slopes(g: Array, delayed: Array) -> Array:
    """Sum of g times each delayed signal, over all signals."""
    products = np.matmul(delayed, g[..., None])[..., 0]
    return np.sum(np.reshape(products, (-1, shape_of(products)[-1])), axis=0)


def _response(a: Array, x: Array) -> Array:
    """The purely recursive filter 1 / a of x."""
    return filtered(onp.ones(1), a, x)


def _backwards(b: Array, a: Array, g: Array) -> Array:
    """The transpose by the signal: the filter from the end to the beginning."""
    return filtered(b, a, g[..., ::-1])[..., ::-1]


defvjp(
    filtered,
    lambda ans, b, a, x: lambda g: _slopes(g, _delayed(_response(a, x), shape_of(b)[0])),
    lambda ans, b, a, x: lambda g: -_slopes(g, _delayed(_response(a, ans), shape_of(a)[0])),
    lambda ans, b, a, x: lambda g: _backwards(b, a, g),
)
defjvp(
    filtered,
    lambda t, ans, b, a, x: _combined(t, _delayed(_response(a, x), shape_of(b)[0])),
    lambda t, ans, b, a, x: -_combined(t, _delayed(_response(a, ans), shape_of(a)[0])),
    lambda t, ans, b, a, x: filtered(b, a, t),
)


def _padded(x: Array, length: int) -> Array:
    """x with zeros behind it, or cut, to a length along the last axis."""
    n = shape_of(x)[-1]
    if n >= length:
        return x[..., :length]
    return np.concatenate([x, onp.zeros((*shape_of(x)[:-1], length - n))], axis=-1)


def _with_state(b: Array, a: Array, x: Array, zi: Array) -> tuple[Array, Array]:
    """The filtered signal from an initial state, and the state that is left.

    The state is added to the input of the recursive part, step by step; what is left is what it
    would still be given, were the signal zero from here on.
    """
    order = max(shape_of(b)[0], shape_of(a)[0]) - 1
    n = shape_of(x)[-1]
    b, a = b / a[0], a / a[0]
    y = filtered(b, a, x) + _response(a, _padded(zi, n))
    whole = n + order
    ahead = _combined(b, _delayed(_padded(x, whole), shape_of(b)[0])) + _padded(zi, whole)
    behind = _combined(a, _delayed(_padded(y, whole), shape_of(a)[0]))
    return y, (ahead - behind)[..., n:]


def _one_dtype(*arrays: Array) -> list[Array]:
    dtype = onp.result_type(*(array.dtype for array in arrays))
    return [cast(array, dtype) for array in arrays]


@space.derivative_of("lfilter")
def lfilter(b: Array, a: Array, x: Array, axis: int = -1, zi: Any = None) -> Any:
    """Filter a signal by a rational transfer function; by coefficients, signal and state."""
    b, a, x = np.atleast_1d(as_float(b)), np.atleast_1d(as_float(a)), as_float(x)
    axis = normalized_axis(axis, x.ndim)
    if zi is None:
        b, a, x = _one_dtype(b, a, x)
        return np.moveaxis(filtered(b, a, np.moveaxis(x, axis, -1)), -1, axis)
    zi = as_float(zi)
    b, a, x, zi = _one_dtype(b, a, x, zi)
    moved = np.moveaxis(x, axis, -1)
    state = np.broadcast_to(
        np.moveaxis(zi, axis, -1), (*shape_of(moved)[:-1], max(shape_of(a)[0], shape_of(b)[0]) - 1)
    )
    y, rest = _with_state(b, a, moved, state)
    return np.moveaxis(y, -1, axis), np.moveaxis(rest, -1, axis)


@space.derivative_of("sosfilt")
def sosfilt(sos: Array, x: Array, axis: int = -1, zi: Any = None) -> Any:
    """Filter a signal by second-order sections, one after the other; by all arguments."""
    sos, x = as_float(sos), as_float(x)
    axis = normalized_axis(axis, x.ndim)
    sections, *more = _one_dtype(sos, x, *([] if zi is None else [as_float(zi)]))
    y = np.moveaxis(more[0], axis, -1)
    count = shape_of(sections)[0]
    if zi is None:
        for i in range(count):
            y = filtered(sections[i, :3], sections[i, 3:], y)
        return np.moveaxis(y, -1, axis)
    states = np.moveaxis(more[1], axis + 1, -1)
    rests = []
    for i in range(count):
        state = np.broadcast_to(states[i], (*shape_of(y)[:-1], 2))
        y, rest = _with_state(sections[i, :3], sections[i, 3:], y, state)
        rests.append(np.moveaxis(rest, -1, axis))
    return np.moveaxis(y, -1, axis), np.stack(rests)


# ---- smoothing by polynomials --------------------------------------------------------------------

PADDING = {"mirror": "reflect", "nearest": "edge", "wrap": "wrap", "constant": "constant"}


def _smooth(
    x: Array,
    window_length: int,
    polyorder: int,
    deriv: int = 0,
    delta: Any = 1.0,
    axis: int = -1,
    mode: str = "interp",
    cval: Any = 0.0,
) -> Array:
    """Smooth a signal by polynomials fitted to windows, which is linear in it; by x and cval."""
    x = as_float(x)
    if is_traced(delta):
        raise NotImplementedError(
            "scipy.signal.savgol_filter: the argument 'delta' has no derivative rule in fastad; "
            "filter with delta=1 and divide by delta ** deriv"
        )
    given = (window_length, polyorder, deriv, delta)
    if window_length % 2 == 0:
        raise NotImplementedError(
            "scipy.signal.savgol_filter: an even window_length has no derivative rule in fastad; "
            "take an odd one"
        )
    signal = np.moveaxis(x, axis, -1)
    n, half = shape_of(signal)[-1], window_length // 2
    weights = scipy.signal.savgol_coeffs(
        window_length, polyorder, deriv=deriv, delta=delta, use="dot"
    )
    if mode == "interp":
        middle = _dotted(signal, weights)
        # Beyond the last whole windows these are fits to the first and to the last one.
        fits = scipy.signal.savgol_filter(onp.eye(window_length), *given, 0, "interp")
        first = np.matmul(signal[..., :window_length], fits[:half].T)
        last = np.matmul(signal[..., n - window_length :], fits[window_length - half :].T)
        smooth = np.concatenate([first, middle, last], axis=-1)
    else:
        widths = [(0, 0)] * (signal.ndim - 1) + [(half, half)]
        options = {"constant_values": cval} if mode == "constant" else {}
        smooth = _dotted(np.pad(signal, widths, PADDING[mode], **options), weights)
    return np.moveaxis(smooth, -1, axis)


space.derivative_of("savgol_filter")(_smooth)


def _dotted(signal: Array, weights: Any) -> Array:
    """Products of weights with the windows of a signal."""
    n, k = shape_of(signal)[-1], len(weights)
    return np.matmul(signal[..., onp.arange(n - k + 1)[:, None] + onp.arange(k)], weights)


# ---- the analytic signal -------------------------------------------------------------------------


@space.derivative_of("hilbert")
def hilbert(x: Array, N: Any = None, axis: int = -1) -> Array:
    """The analytic signal of a real one: twice its positive frequencies."""
    x = as_float(x)
    n = shape_of(x)[axis] if N is None else N
    weights = onp.zeros(n)
    weights[0] = 1
    weights[1 : (n + 1) // 2] = 2
    if n % 2 == 0:
        weights[n // 2] = 1
    shape = [1] * x.ndim
    shape[axis] = n
    spectrum = np.fft.fft(x, n, axis=axis)
    return np.fft.ifft(spectrum * weights.reshape(shape), axis=axis)
