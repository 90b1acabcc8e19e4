"""convolve (also with autograd's axes), fftconvolve, oaconvolve, correlate, convolve2d."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as onp
import scipy.signal
from numpy.lib.stride_tricks import sliding_window_view

from ... import numpy as np
from ...numpy.registry import fitted, normalized_axis
from ..registry import (
    Array,
    Primitive,
    as_float,
    as_value,
    defjvp,
    defvjp,
    helper,
    shape_of,
    stand_in,
)
from .space import space

MODES = ("full", "same", "valid")
# Up to so many, the windows that a matrix product needs are laid out, in 32 MB.
FEW_PRODUCTS = 1 << 22
NONE: Any = ((), ())


# ---- what a mode cuts out of the full convolution ------------------------------------------------


def _cut(mode: str, n: Sequence[int], k: Sequence[int]) -> list[slice]:
    """Where the result of a mode lies in the full one, for the lengths convolved.

    As SciPy defines it: 'same' is centred with respect to the first, 'valid' has the places where
    the shorter lies inside the longer, along all axes the same one.
    """
    if mode == "full":
        return [slice(None) for _ in n]
    if mode == "same":
        return [slice((q - 1) // 2, (q - 1) // 2 + p) for p, q in zip(n, k)]
    return [slice(min(p, q) - 1, max(p, q)) for p, q in zip(n, k)]


def _spread(g: Array, cuts: Sequence[slice], axes: Sequence[int], full: Sequence[int]) -> Array:
    """Zeros of the full shape with g where it was cut out."""
    widths = [(0, 0)] * len(shape_of(g))
    for axis, cut, length in zip(axes, cuts, full):
        if cut.start is not None:
            widths[axis] = (cut.start, length - cut.stop)
    return g if all(width == (0, 0) for width in widths) else np.pad(g, widths)


def _flipped(x: Array, axes: Sequence[int]) -> Array:
    index: list[Any] = [slice(None)] * len(shape_of(x))
    for axis in axes:
        index[axis] = slice(None, None, -1)
    return x[tuple(index)]


# ---- convolution along some axes, with a dot product along others --------------------------------


class Plan:
    """Which axes of two arrays are convolved, summed together, or left as they are."""

    def __init__(self, a: Array, b: Array, axes: Any, dot_axes: Any) -> None:
        ndims = len(shape_of(a)), len(shape_of(b))
        if axes is None:
            axes = tuple(range(ndims[0])), tuple(range(ndims[1]))
        self.conv = [tuple(normalized_axis(i, n) for i in part) for part, n in zip(axes, ndims)]
        self.dot = [tuple(normalized_axis(i, n) for i in part) for part, n in zip(dot_axes, ndims)]
        if len(self.conv[0]) != len(self.conv[1]) or len(self.dot[0]) != len(self.dot[1]):
            raise ValueError("convolve: axes and dot_axes must pair the axes of both arguments")
        self.rest = [
            tuple(i for i in range(n) if i not in conv and i not in dot)
            for n, conv, dot in zip(ndims, self.conv, self.dot)
        ]

    def lengths(self, which: int, x: Array) -> tuple[int, ...]:
        return tuple(shape_of(x)[axis] for axis in self.conv[which])


def _contracted(a: Any, b: Any, plan: Plan, mode: str) -> Any:
    """The convolution of plain arrays: axes left alone of a, those of b, the convolved ones."""
    n, k = plan.lengths(0, a), plan.lengths(1, b)
    if mode == "valid" and any(p < q for p, q in zip(n, k)):
        if any(p > q for p, q in zip(n, k)):
            raise ValueError(
                "convolve: for 'valid' one array must be at least as long along all convolved axes"
            )
        result = _contracted(b, a, _swapped(plan), mode)
        left, right = len(plan.rest[1]), len(plan.rest[0])
        order = (*range(left, left + right), *range(left), *range(left + right, result.ndim))
        return onp.transpose(result, order)
    if mode != "valid":
        widths = [(0, 0)] * onp.ndim(a)
        for axis, other in zip(plan.conv[0], k):
            low = high = other - 1
            if mode == "same":
                low, high = other - 1 - (other - 1) // 2, (other - 1) // 2
            widths[axis] = (low, high)
        a = onp.pad(a, widths)
    b = _flipped(b, plan.conv[1])
    conv_a, conv_b = plan.conv
    windows = sliding_window_view(a, k, axis=conv_a) if conv_a else a
    # Each place of a window, and each dotted axis, is one that the product sums over.
    first = onp.ndim(a)
    summed_a = [*range(first, first + len(conv_a)), *plan.dot[0]]
    summed_b = [*conv_b, *plan.dot[1]]
    product = onp.tensordot(windows, b, (summed_a, summed_b))
    kept = [axis for axis in range(first) if axis not in plan.dot[0]]
    order = (
        *map(kept.index, plan.rest[0]),
        *range(len(kept), product.ndim),
        *map(kept.index, conv_a),
    )
    return product.transpose(order)


def _swapped(plan: Plan) -> Plan:
    swapped = object.__new__(Plan)
    swapped.conv, swapped.dot, swapped.rest = plan.conv[::-1], plan.dot[::-1], plan.rest[::-1]
    return swapped


@helper
def convolve_value(a: Any, b: Any, axes: Any, dot_axes: Any, mode: str, method: Any) -> Any:
    """SciPy's convolution of all axes; the general one if axes or dot_axes are given."""
    if axes is None and not any(dot_axes):
        return scipy.signal.convolve(a, b, mode=mode, method=method)
    return _contracted(onp.asarray(a), onp.asarray(b), Plan(a, b, axes, dot_axes), mode)


def _cotangent(
    which: int, g: Array, args: tuple[Array, Array], plan: Plan, mode: str, method: Any
) -> Array:
    """The full convolution's cotangent with one argument: g slides over the other, flipped.

    g has the axes left alone of a, those of b, and the convolved ones. The axes that g shares with
    the other argument alone are summed; the result has the argument's own free axes first, then
    those that were summed with the other, then the convolved ones, and is brought in order.
    """
    other = args[1 - which]
    n = plan.lengths(0, args[0]), plan.lengths(1, args[1])
    free = len(plan.rest[0]), len(plan.rest[1])
    total = sum(free)
    conv = tuple(range(total, len(shape_of(g))))
    full = [p + q - 1 for p, q in zip(*n)]
    g = _spread(g, _cut(mode, *n), conv, full)
    shared = tuple(range(free[0], total)) if which == 0 else tuple(range(free[0]))
    result = convolve_value(
        g,
        _flipped(other, plan.conv[1 - which]),
        (conv, plan.conv[1 - which]),
        (shared, plan.rest[1 - which]),
        "valid",
        method,
    )
    # The other's dot axes come out in its own order of axes, those of the argument pair with them.
    pairs = sorted(zip(plan.dot[1 - which], plan.dot[which]))
    places = (*plan.rest[which], *(mine for _, mine in pairs), *plan.conv[which])
    return np.transpose(result, tuple(int(i) for i in onp.argsort(places)))


def _scipy_cotangent(
    which: int, g: Array, args: tuple[Array, Array], mode: str, method: Any
) -> Array:
    """The same where all axes are convolved: few products by a matrix, else as SciPy chooses."""
    n = shape_of(args[0]), shape_of(args[1])
    full = [p + q - 1 for p, q in zip(*n)]
    axes = tuple(range(len(full)))
    few = method != "fft" and math.prod(n[0]) * math.prod(n[1]) <= FEW_PRODUCTS
    if few and which and mode == "valid" and all(p >= q for p, q in zip(*n)):
        # g slides over the other where it lies inside.
        found = convolve_value(args[0], _flipped(g, axes), (axes, axes), NONE, "valid", method)
        return _flipped(found, axes)
    g = _spread(g, _cut(mode, *n), axes, full)
    other = _flipped(args[1 - which], axes)
    return convolve_value(g, other, (axes, axes) if few else None, NONE, "valid", method)


def _convolve_vjp(which: int) -> Any:
    def maker(
        ans: Array, a: Array, b: Array, axes: Any, dot_axes: Any, mode: str, method: Any
    ) -> Any:
        if axes is None and not any(dot_axes):
            return lambda g: _scipy_cotangent(which, g, (a, b), mode, method)
        plan = Plan(a, b, axes, dot_axes)
        return lambda g: _cotangent(which, g, (a, b), plan, mode, method)

    return maker


defvjp(convolve_value, _convolve_vjp(0), _convolve_vjp(1))
defjvp(convolve_value, "same", "same")


def _convolve(
    A: Array,
    B: Array,
    *options: Any,
    **named: Any,
) -> Array:
    """Read both SciPy's (mode, method) and autograd's (axes, dot_axes, mode) options."""
    scipys = bool(options) and isinstance(options[0], str)
    names = ("mode", "method") if scipys else ("axes", "dot_axes", "mode")
    if len(options) > len(names) or set(names[: len(options)]) & named.keys():
        raise TypeError("convolve: too many arguments, or one given twice")
    given = {**dict(zip(names, options)), **named}
    mode, method = given.pop("mode", "full"), given.pop("method", "auto")
    axes, dot_axes = given.pop("axes", None), given.pop("dot_axes", ((), ()))
    if given:
        raise TypeError(f"convolve() got an unexpected keyword argument {next(iter(given))!r}")
    A, B = as_value(A), as_value(B)
    general = axes is not None or any(dot_axes)
    if general and mode not in MODES:
        raise ValueError(f"acceptable modes are {MODES}, not {mode!r}")
    if not general and (A.ndim != B.ndim or A.ndim == 0 or A.size == 0 or B.size == 0):
        if A.ndim == B.ndim == 0:
            return A * B
        # SciPy's own error, or its empty result.
        return scipy.signal.convolve(stand_in(A), stand_in(B), mode=mode, method=method)
    pair = [tuple(part) for part in dot_axes]
    return convolve_value(A, B, axes, pair, mode, method)


def convolve(
    in1: Any,
    in2: Any,
    *options: Any,
    **named: Any,
) -> Any:
    """Convolution with SciPy's arguments, or with autograd's axes and dot_axes.

    Parameters
    ----------
    in1, in2 : array_like
        What is convolved.
    mode : {'full', 'same', 'valid'}
        As in SciPy.
    method : {'auto', 'direct', 'fft'}
        As in SciPy.
    axes : pair of sequences of int, optional
        Axes of in1 and of in2 that are convolved with each other; all by default.
    dot_axes : pair of sequences of int, optional
        Axes of in1 and of in2 that are multiplied and summed. With `axes` or `dot_axes` the result
        has the remaining axes of in1, those of in2, then the convolved ones.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> from fastad.scipy.signal import convolve
    >>> grad(lambda x: np.sum(convolve(x, [1.0, 2.0], mode="valid")))(np.ones(3))
    array([2., 3., 1.])
    """
    return _entry(in1, in2, *options, **named)


_entry = Primitive(_convolve, "convolve", traced=_convolve)
space.enter("convolve", _entry, convolve)

# ---- fftconvolve, oaconvolve ---------------------------------------------------------------------


def _uncentred(g: Array, n: Sequence[int], k: Sequence[int], axes: Sequence[int]) -> Array:
    """Undo SciPy's 'same' along axes that broadcast: it cuts them to the first's length."""
    others = [i for i in range(len(n)) if i not in axes and n[i] < k[i]]
    starts = [(k[i] - n[i]) // 2 for i in others]
    cuts = [slice(start, start + n[i]) for i, start in zip(others, starts)]
    return _spread(g, cuts, others, [k[i] for i in others])


def _enter_fft(name: str) -> None:
    function = getattr(scipy.signal, name)

    def along(a: Any, b: Any, mode: str, axes: tuple[int, ...]) -> Any:
        return function(a, b, mode=mode, axes=axes)

    value = helper(along)

    def vjp(which: int) -> Any:
        def maker(ans: Array, a: Array, b: Array, mode: str, axes: tuple[int, ...]) -> Any:
            def pull(g: Array) -> Array:
                pair = (a, b)
                n = [[shape_of(x)[axis] for axis in axes] for x in pair]
                full = [p + q - 1 for p, q in zip(*n)]
                spread = _spread(g, _cut(mode, *n), axes, full)
                if mode == "same":
                    spread = _uncentred(spread, shape_of(a), shape_of(b), axes)
                other = _flipped(pair[1 - which], axes)
                # Along the other axes the arguments broadcast.
                return fitted(value(spread, other, "valid", axes), shape_of(pair[which]))

            return pull

        return maker

    defvjp(value, vjp(0), vjp(1))
    defjvp(value, "same", "same")

    @space.composite(name)
    def traced(in1: Array, in2: Array, mode: str = "full", axes: Any = None) -> Array:
        a, b = as_float(in1), as_float(in2)
        if a.ndim != b.ndim or a.ndim == 0 or a.size == 0 or b.size == 0 or mode not in MODES:
            if a.ndim == b.ndim == 0:
                return a * b
            return function(stand_in(a), stand_in(b), mode=mode, axes=axes)
        if axes is None:
            # SciPy convolves every axis, but multiplies along those where both have length one.
            axes = tuple(range(a.ndim))
        elif onp.ndim(axes) == 0:
            axes = (axes,)
        if any(not -a.ndim <= axis < a.ndim for axis in axes):
            return function(
                stand_in(a), stand_in(b), mode=mode, axes=axes
            )  # raises SciPy's own error
        return value(a, b, mode, tuple(int(axis) % a.ndim for axis in axes))


_enter_fft("fftconvolve")
_enter_fft("oaconvolve")

# ---- correlate -----------------------------------------------------------------------------------


@helper
def correlate_value(a: Any, b: Any, mode: str, method: str) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.signal.correlate(a, b, mode=mode, method=method)


def _correlate_vjp_a(ans: Array, a: Array, b: Array, mode: str, method: str) -> Any:
    """correlate(a, b) is convolve(a, conj(flip(b)))."""
    axes = range(len(shape_of(a)))
    return lambda g: _scipy_cotangent(0, g, (a, _flipped(np.conj(b), axes)), mode, method)


def _correlate_vjp_b(ans: Array, a: Array, b: Array, mode: str, method: str) -> Any:
    axes = range(len(shape_of(a)))

    def vjp(g: Array) -> Array:
        filter_cotangent = _scipy_cotangent(1, g, (a, _flipped(b, axes)), mode, method)
        return np.conj(_flipped(filter_cotangent, axes))

    return vjp


defvjp(correlate_value, _correlate_vjp_a, _correlate_vjp_b)
defjvp(
    correlate_value,
    lambda t, ans, a, b, mode, method: correlate_value(t, b, mode, method),
    lambda t, ans, a, b, mode, method: correlate_value(a, t, mode, method),
)


@space.composite("correlate")
def correlate(in1: Array, in2: Array, mode: str = "full", method: str = "auto") -> Array:
    """Cross-correlation of in1 with the conjugate of in2."""
    a, b = as_float(in1), as_float(in2)
    if a.ndim != b.ndim or a.ndim == 0 or a.size == 0 or b.size == 0 or mode not in MODES:
        if a.ndim == b.ndim == 0:
            return a * np.conj(b)
        return scipy.signal.correlate(stand_in(a), stand_in(b), mode=mode, method=method)
    return correlate_value(a, b, mode, method)


# ---- two dimensions with boundaries --------------------------------------------------------------

BOUNDARIES = {"fill": "constant", "wrap": "wrap", "symm": "symmetric"}


def _enter_2d(name: str) -> None:
    def derivative(
        in1: Array, in2: Array, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
    ) -> Array:
        a, b = as_float(in1), as_float(in2)
        if 0 in (*shape_of(a), *shape_of(b)):
            given = stand_in(a), stand_in(b)
            return np.zeros_like(getattr(scipy.signal, name)(*given, mode, boundary, fillvalue))
        if name == "correlate2d":
            b = np.conj(b[::-1, ::-1])
        n, k = shape_of(a), shape_of(b)
        if mode == "valid" and any(p < q for p, q in zip(n, k)):
            a, b, n, k = b, a, k, n
            if name == "correlate2d":  # SciPy exchanges them first, and conjugates the other one
                a, b = np.conj(a), np.conj(b)
        if mode != "valid":
            options = {"constant_values": fillvalue} if boundary == "fill" else {}
            widths = [(q - 1, q - 1) for q in k]
            a = np.pad(a, widths, BOUNDARIES[boundary], **options)
        result = convolve_value(a, b, None, NONE, "valid", "direct")
        if mode == "same":
            # The centre, where an even length leaves one more before it.
            middle = [(q - 1) // 2 if name == "convolve2d" else q // 2 for q in k]
            result = result[tuple(slice(m, m + p) for m, p in zip(middle, n))]
        return result

    space.derivative_of(name)(derivative)


_enter_2d("convolve2d")
_enter_2d("correlate2d")
