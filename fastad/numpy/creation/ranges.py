"""Evenly spaced samples: linspace, logspace, geomspace, arange."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..registry import (
    Array,
    as_value,
    composite,
    constant,
    count_of,
    defjvp,
    defvjp,
    derivative_of,
    dtype_of,
    fitted,
    helper,
    isbox,
    normalized_axis,
    numpy_function,
    ops,
    shape_of,
)

# ---- linspace ----------------------------------------------------------------------------------


@helper
def _linspace(start: Array, stop: Array, num: int, endpoint: bool, dtype: Any, axis: int) -> Array:
    return np.linspace(start, stop, num, endpoint=endpoint, dtype=dtype, axis=axis)


def _fractions(ans: Array, num: int, endpoint: bool, axis: int) -> np.ndarray[Any, Any]:
    """How far each sample lies from start to stop, shaped to broadcast against the samples."""
    divisor = num - 1 if endpoint else num
    fractions = np.arange(num) / divisor if divisor > 0 else np.zeros(num)
    ndim = len(shape_of(ans))
    shape = [1] * ndim
    shape[axis] = num
    return fractions.reshape(shape).astype(dtype_of(ans))


def _samples_vjp(argnum: int) -> Any:
    def maker(
        ans: Array, start: Array, stop: Array, num: int, endpoint: bool, dtype: Any, axis: int
    ) -> Any:
        toward_stop = _fractions(ans, num, endpoint, axis)
        weights = toward_stop if argnum else 1 - toward_stop
        shape = shape_of(stop if argnum else start)
        return lambda g: fitted(ops.sum(g * weights, axis=axis), shape)

    return maker


def _samples_jvp(argnum: int) -> Any:
    def rule(
        t: Array,
        ans: Array,
        start: Array,
        stop: Array,
        num: int,
        endpoint: bool,
        dtype: Any,
        axis: int,
    ) -> Array:
        toward_stop = _fractions(ans, num, endpoint, axis)
        ndim = len(shape_of(ans)) - 1
        missing = (1,) * (ndim - len(shape_of(t)))
        t = ops.expand_dims(ops.reshape(t, missing + shape_of(t)), axis)
        return ops.broadcast_to(t * (toward_stop if argnum else 1 - toward_stop), shape_of(ans))

    return rule


defvjp(_linspace, _samples_vjp(0), _samples_vjp(1))
defjvp(_linspace, _samples_jvp(0), _samples_jvp(1))


@composite("linspace")
def linspace(
    start: Array,
    stop: Array,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    """Evenly spaced samples from a (traced) start to a (traced) stop."""
    num = operator.index(num)
    if dtype is not None and np.dtype(dtype).kind not in "fc":
        raise TypeError("numpy.linspace: a traced start or stop needs a floating dtype")
    start = ops.array(start) if isinstance(start, (list, tuple)) else start
    stop = ops.array(stop) if isinstance(stop, (list, tuple)) else stop
    samples = _linspace(start, stop, num, bool(endpoint), dtype, axis)
    if not retstep:
        return samples
    divisor = num - 1 if endpoint else num
    # The ufunc makes a NumPy scalar of a Python float, as NumPy's own step is.
    step = ops.positive((stop * 1.0 - start * 1.0) / divisor) if divisor > 0 else np.nan
    return samples, step


# ---- logspace and geomspace ----------------------------------------------------------------------


@derivative_of("logspace")
def logspace(
    start: Array,
    stop: Array,
    num: int = 50,
    endpoint: bool = True,
    base: Array = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Array:
    """Powers of a (traced) base with evenly spaced exponents."""
    start, stop, base = as_value(start), as_value(stop), as_value(base)
    if base.ndim:
        shape = np.broadcast_shapes(start.shape, stop.shape, base.shape)
        start, stop, base = (ops.broadcast_to(one, shape) for one in (start, stop, base))
        base = ops.expand_dims(base, axis)
    samples = ops.linspace(start, stop, num, endpoint, axis=axis)
    return ops.power(base, samples)


@derivative_of("geomspace")
def geomspace(
    start: Array,
    stop: Array,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Array:
    """Samples of constant ratio from a (traced) start to a (traced) stop."""
    num = operator.index(num)
    start, stop = as_value(start) * 1.0, as_value(stop) * 1.0
    shape = np.broadcast_shapes(start.shape, stop.shape)
    start, stop = ops.broadcast_to(start, shape), ops.broadcast_to(stop, shape)
    ndim = len(shape) + 1
    axis = normalized_axis(axis, ndim)
    fractions = np.linspace(0.0, 1.0, num, endpoint)
    fractions = fractions.reshape([-1 if i == axis else 1 for i in range(ndim)])
    ratio = ops.expand_dims(ops.log(stop / start), axis)
    return ops.expand_dims(start, axis) * ops.exp(fractions * ratio)


# ---- arange --------------------------------------------------------------------------------------


def _progression(*bounds: Any, **named: Any) -> tuple[Any, Any]:
    """Start and step of arange's arguments; the stop only decides how many values there are."""
    names = ("start", "stop", "step") if len(bounds) > 1 or "stop" in named else ("stop", "step")
    given = {**dict(zip(names, bounds, strict=False)), **named}
    if "stop" not in given and "start" in given:  # arange(start=n) counts up to n
        given["stop"] = given.pop("start")
    start, step = given.get("start"), given.get("step")
    return 0 if start is None else start, 1 if step is None else step


def _evenly(*bounds: Any, dtype: Any = None, **named: Any) -> Array:
    """Values start + k step, by a (traced) start and step; their number is that of NumPy's call."""
    named.pop("device", None)
    numbers = [constant(one) for one in bounds]
    count = shape_of(arange(*numbers, **{name: constant(one) for name, one in named.items()}))[0]
    start, step = _progression(*bounds, **named)
    return as_value(start) + as_value(step) * np.arange(count)


_arange = helper(numpy_function("arange"), _evenly)


@composite("arange")
def arange(*bounds: Any, dtype: Any = None, like: None = None, **named: Any) -> Array:
    """Values from a (traced) start on by a (traced) step, below a stop that has no derivative."""
    if len(bounds) > 3:
        *_, dtype = bounds
        bounds = bounds[:3]
    traced = any(map(isbox, _progression(*bounds, **named)))
    if not traced or (dtype is not None and np.dtype(dtype).kind not in "fc"):
        return count_of(np.arange)(*bounds, dtype=dtype, **named)
    return _arange(*bounds, dtype=dtype, **named)
