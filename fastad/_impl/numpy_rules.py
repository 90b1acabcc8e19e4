"""Helpers for writing rules of array functions, as autograd's programs have them.

fastad fits a cotangent to its argument's shape and dtype itself, so a rule needs no `unbroadcast`;
rules that call it work as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as _np

from .._core import make_vjp
from ..numpy.registry import Array, defjvp, defvjp, dtype_of, helper, ops, primal, shape_of
from .numpy_wrapper import metadata
from .spaces.vector_spaces import VSpace

__all__ = [
    "balanced_eq",
    "broadcast",
    "dot_adjoint_0",
    "dot_adjoint_1",
    "match_complex",
    "matmul_adjoint_0",
    "matmul_adjoint_1",
    "repeat_to_match_shape",
    "replace_zero",
    "reverse_axis",
    "tensordot_adjoint_0",
    "tensordot_adjoint_1",
    "unbroadcast",
    "unbroadcast_einsum",
    "unbroadcast_f",
    "unpermuter",
    "untake",
    "wrapped_reshape",
]

Meta = tuple[tuple[int, ...], int, Any, bool]


def _is_complex(x: Any) -> bool:
    return bool(dtype_of(x).kind == "c")


def match_complex(target: Any, x: Array) -> Array:
    """`x` made complex if `target` is, and real if it is not."""
    wanted, complex_ = _is_complex(target), _is_complex(x)
    if complex_ and not wanted:
        return ops.real(x)
    return x + 0j if wanted and not complex_ else x


def unbroadcast(x: Array, target_meta: Meta, broadcast_idx: int = 0) -> Array:
    """Sum a cotangent over the axes along which its argument was broadcast.

    Parameters
    ----------
    x : array
        Cotangent of the broadcast shape.
    target_meta : tuple
        `metadata(argument)`: shape, number of axes, dtype, whether it is complex.
    broadcast_idx : int
        Where axes were added: 0 in front, -1 behind.
    """
    shape, ndim, _, iscomplex = target_meta
    while len(shape_of(x)) > ndim:
        x = ops.sum(x, axis=broadcast_idx)
    stretched = tuple([axis for axis, size in enumerate(shape) if size == 1])
    if stretched:
        x = ops.sum(x, axis=stretched, keepdims=True)
    return ops.real(x) if not iscomplex and _is_complex(x) else x


def unbroadcast_f(target: Any, f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The vjp `f` followed by `unbroadcast` to the shape of `target`."""
    meta = metadata(target)
    return lambda g: unbroadcast(f(g), meta)


def unbroadcast_einsum(x: Array, target_meta: Meta, subscript: Sequence[Any]) -> Array:
    """`unbroadcast` for an operand of einsum, whose ellipsis says where axes were added."""
    if Ellipsis not in subscript:
        return x
    if subscript[0] is Ellipsis:
        return unbroadcast(x, target_meta, 0)
    if subscript[-1] is Ellipsis:
        return unbroadcast(x, target_meta, -1)
    return unbroadcast(x, target_meta, list(subscript).index(Ellipsis))


def balanced_eq(x: Array, z: Array, y: Array) -> Array:
    """Share of `x` in the extremum `z` of `x` and `y`: 1, 0, or a half where both are equal."""
    x, z, y = primal(x), primal(z), primal(y)
    return (x == z) / (1.0 + (x == y))


def replace_zero(x: Array, val: Any) -> Array:
    """`x` with `val` where it is zero."""
    return ops.where(primal(x) != 0, x, val)


def repeat_to_match_shape(
    g: Array, shape: tuple[int, ...], dtype: Any, axis: Any, keepdims: bool
) -> tuple[Array, int]:
    """The cotangent of a reduction spread over the axes reduced, and how many elements each had."""
    if shape == ():
        return g, 1
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    reduced = {a % len(shape) for a in axes}
    kept = tuple([1 if a in reduced else n for a, n in enumerate(shape)])
    count = int(_np.prod([shape[a] for a in reduced], dtype=int))
    return ops.reshape(g, kept) + _np.zeros(shape, dtype), count


def reverse_axis(x: Array, axis: int) -> Array:
    """`x` backwards along an axis."""
    return ops.flip(x, axis)


def unpermuter(g: Array, permutation: Any) -> Array:
    """`g` with a permutation of its first axis undone."""
    return g[_np.argsort(primal(permutation))]


def wrapped_reshape(x: Array, *args: Any, **kwargs: Any) -> Array:
    """The reshape method: the shape as a tuple or as several ints."""
    return x.reshape(*args, **kwargs)


@helper
def untake(x: Array, idx: Any, vs: VSpace) -> Array:
    """A vector of a space that holds `x` at an index and zeros elsewhere (repeated places add)."""
    if isinstance(idx, list) and (not idx or not isinstance(idx[0], slice)):
        idx = _np.asarray(idx, dtype=_np.intp)
    result = _np.asarray(vs.zeros())
    _np.add.at(result, idx, x)
    return result


defvjp(untake, lambda ans, x, idx, vs: lambda g: g[idx])
defjvp(untake, "same")


def _cotangent(fun: Callable[..., Any], other: Array, g: Array, shape: tuple[int, ...]) -> Array:
    """The transpose of a linear function of an array of this shape, applied to g."""
    dtype = _np.result_type(dtype_of(other), dtype_of(g))
    return make_vjp(fun, _np.zeros(shape, dtype))[0](g)


def dot_adjoint_0(B: Array, G: Array, A_meta: Meta, B_meta: Meta) -> Array:
    """Cotangent of the first argument of `dot`, for the cotangent `G` of its result."""
    return match_complex_to(A_meta, _cotangent(lambda a: ops.dot(a, B), B, G, A_meta[0]))


def dot_adjoint_1(A: Array, G: Array, A_meta: Meta, B_meta: Meta) -> Array:
    """Cotangent of the second argument of `dot`."""
    return match_complex_to(B_meta, _cotangent(lambda b: ops.dot(A, b), A, G, B_meta[0]))


def matmul_adjoint_0(B: Array, G: Array, A_meta: Meta, B_ndim: int) -> Array:
    """Cotangent of the first argument of `matmul`."""
    return match_complex_to(A_meta, _cotangent(lambda a: ops.matmul(a, B), B, G, A_meta[0]))


def matmul_adjoint_1(A: Array, G: Array, A_ndim: int, B_meta: Meta) -> Array:
    """Cotangent of the second argument of `matmul`."""
    return match_complex_to(B_meta, _cotangent(lambda b: ops.matmul(A, b), A, G, B_meta[0]))


def tensordot_adjoint_0(B: Array, G: Array, axes: Any, A_ndim: int, B_ndim: int) -> Array:
    """Cotangent of the first argument of `tensordot`."""
    shape = _contracted_shape(shape_of(B), shape_of(G), axes, A_ndim, first=True)
    return _cotangent(lambda a: ops.tensordot(a, B, axes), B, G, shape)


def tensordot_adjoint_1(A: Array, G: Array, axes: Any, A_ndim: int, B_ndim: int) -> Array:
    """Cotangent of the second argument of `tensordot`."""
    shape = _contracted_shape(shape_of(A), shape_of(G), axes, B_ndim, first=False)
    return _cotangent(lambda b: ops.tensordot(A, b, axes), A, G, shape)


def _contracted_shape(
    other: tuple[int, ...], result: tuple[int, ...], axes: Any, ndim: int, first: bool
) -> tuple[int, ...]:
    """Shape of one operand of tensordot from the other's, the result's and the axes."""
    if _np.ndim(axes) == 0:
        n = int(axes)
        pairs = [(ndim - n + i, i) if first else (i, len(other) - n + i) for i in range(n)]
    else:
        own, others = (axes[0], axes[1]) if first else (axes[1], axes[0])
        pairs = [
            (int(a) % ndim, int(b) % len(other))
            for a, b in zip(_np.atleast_1d(own), _np.atleast_1d(others))
        ]
    contracted = {a: other[b] for a, b in pairs}
    free = ndim - len(contracted)
    rest = iter(result[:free] if first else result[len(result) - free :])
    return tuple([contracted[a] if a in contracted else next(rest) for a in range(ndim)])


def match_complex_to(meta: Meta, x: Array) -> Array:
    """`x` made real if the argument that `meta` describes is."""
    return ops.real(x) if not meta[3] and _is_complex(x) else x


def broadcast(x: Array, target: Any) -> Array:
    """A tangent broadcast to the shape of a result, and made complex if the result is."""
    shape, _, _, iscomplex = metadata(target)
    if shape_of(x) != shape:
        x = ops.broadcast_to(x, shape)
    return x + 0j if iscomplex and not _is_complex(x) else x
