"""Pseudo-inverse and least squares: pinv, lstsq.

The rules follow from Golub and Pereyra (1973), 'The differentiation of pseudo-inverses and
nonlinear least squares problems whose variables separate'. They hold while the
rank stays what it is.

Where the bound cuts singular values that are not zero, the conjugate transpose of the result is the
generalized matrix function U f(S) V^H with f(s) = 1 / s or 0, and is differentiated as such.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..registry import (
    NO_VALUE,
    NUMPY_2,
    Array,
    as_value,
    composite,
    defjvp,
    defvjp,
    helper,
    is_differentiated,
    ops,
    primal,
    shape_of,
)
from .hermitian import read_triangle
from .matrices import H, T, columns, conj, is_absent, mm, rows
from .singular_values import (
    _svd,
    function_jvp,
    function_vjp,
    singular_function,
    singular_values_moved,
)

# ---- pinv --------------------------------------------------------------------------------------


@helper
def _pinv(a: Array, options: dict[str, Any]) -> Array:
    return np.linalg.pinv(a, **options)


def _cut(a: Array, options: dict[str, Any]) -> Any:
    """Tell which singular values are kept; None if all that are cut are zeros up to rounding."""
    bound = options.get("rcond", options.get("rtol"))
    if bound is None:
        return None
    a = primal(a)
    s = np.linalg.svd(a, compute_uv=False, hermitian=options.get("hermitian", False))
    return _unless_zeros(a, s, s > as_value(primal(bound))[..., None] * _largest(s))


def _largest(s: Any) -> Any:
    return s.max(-1, keepdims=True) if s.shape[-1] else np.zeros((*s.shape[:-1], 1), s.dtype)


def _unless_zeros(a: Array, s: Any, kept: Any) -> Any:
    """Return the marks of the singular values that are kept, None as `_cut` does."""
    rounding = 10 * max(a.shape[-2:]) * np.finfo(s.dtype).eps * _largest(s)
    return None if np.all(kept | (s <= rounding)) else kept


def _weights(s: Array, kept: Any) -> tuple[Array, Array, Array]:
    """Return the weights of `function_jvp` for f(s) = 1 / s where s is kept, 0 elsewhere."""
    at, to = kept[..., :, None], kept[..., None, :]
    mixed, both, one = at != to, at & to, np.ones((), s.dtype)
    larger = ops.where(mixed, ops.where(at, rows(s), columns(s)), one)
    smaller = ops.where(mixed, ops.where(at, columns(s), rows(s)), 0 * one)
    direct = mixed / ((larger - smaller) * (larger + smaller))
    crossed = direct * smaller / larger - both / ops.where(both, rows(s) * columns(s), one)
    return direct, crossed, kept / ops.where(kept, s, one) ** 2


def _truncated_jvp(t: Array, a: Array, kept: Any) -> Array:
    """Return the change of the pseudo-inverse of the part of a that is kept."""
    factors = _svd(a, False)
    return H(function_jvp(t, factors, _weights(factors[1], kept)))


def _truncated_vjp(g: Array, a: Array, kept: Any) -> Array:
    factors = _svd(a, False)
    return function_vjp(H(g), factors, _weights(factors[1], kept))


def _pinv_vjp(ans: Array, a: Array, options: Any) -> Any:
    def vjp(g: Array) -> Array:
        kept = _cut(a, options)
        if kept is not None:
            return _truncated_vjp(g, a, kept)
        p, turned = ans, T(g)
        left, right = mm(turned, p, H(p)), mm(H(p), p, turned)
        return conj(left - mm(a, p, left) + right - mm(right, p, a)) - mm(T(p), g, T(p))

    return vjp


def _pinv_jvp(t: Array, ans: Array, a: Array, options: Any) -> Array:
    kept = _cut(a, options)
    if kept is not None:
        return _truncated_jvp(t, a, kept)
    p, turned = ans, H(t)
    left = mm(p, H(p), turned)
    right = mm(turned, H(p), p)
    return -mm(p, t, p) + (left - mm(left, a, p)) + (right - mm(p, a, right))


defvjp(_pinv, _pinv_vjp)
defjvp(_pinv, _pinv_jvp)


@composite("linalg.pinv")
def pinv(a: Array, rcond: Any = None, hermitian: bool = False, *, rtol: Any = NO_VALUE) -> Array:
    """Moore-Penrose inverse, differentiated at fixed rank; a Hermitian a is its lower triangle."""
    options = {} if rtol is NO_VALUE else {"rtol": primal(rtol)}
    if rcond is not None:
        options["rcond"] = primal(rcond)
    a = as_value(a)
    if hermitian and a.size:
        options["hermitian"] = True
        a = read_triangle(a, "L")
    return _pinv(a, options)


# ---- lstsq -------------------------------------------------------------------------------------


# NumPy 1 warns that its default bound will change; NumPy 2 has changed it.
DEFAULT: dict[str, Any] = {"rcond": None} if NUMPY_2 else {}


@helper
def _lstsq(a: Array, b: Array, given: dict[str, Any]) -> Any:
    """Solve for matrices b; the rank comes last, since it has no derivative."""
    x, residuals, rank, s = np.linalg.lstsq(a, b, **given)
    return x, residuals, s, rank


def _inverse(a: Array, given: dict[str, Any]) -> Array:
    """Return the pseudo-inverse of the rank that lstsq found."""
    # LAPACK works in double precision whatever a's is, and takes a negative bound for that's eps.
    eps = np.finfo(float).eps
    rcond = given.get("rcond", -1)
    if not isinstance(rcond, (int, float, np.number)):
        rcond = eps * max(shape_of(a))
    return _pinv(a, {"rcond": eps if rcond < 0 else rcond})


def _kept(ans: Any, a: Array) -> Any:
    """Tell which singular values were kept; None if all that were cut are zeros."""
    s, rank = primal(ans[2]), primal(ans[3])
    return _unless_zeros(primal(a), s, np.arange(len(s)) < rank)


def _lstsq_vjp_a(ans: Any, a: Array, b: Array, given: Any) -> Any:
    x, residuals = ans[:2]
    counts = shape_of(residuals)[0] > 0
    kept = _kept(ans, a)

    def vjp(g: Any) -> Array:
        toward_x, toward_residuals, toward_s = g[:3]
        rest = b - mm(a, x)
        if kept is not None:
            result = _truncated_vjp(mm(toward_x, T(b)), a, kept)
        else:
            p = _inverse(a, given)
            result = -mm(T(p), toward_x, T(x))
            result = result + mm(conj(rest), H(toward_x), conj(mm(p, H(p))))
            right, turned = mm(H(p), x), H(toward_x)
            result = result + mm(conj(right), turned - mm(turned, conj(mm(p, a))))
        if counts:
            result = result - mm(2.0 * conj(rest) * ops.real(toward_residuals), T(x))
        if not is_absent(toward_s):
            varies = is_differentiated(a) and is_differentiated(toward_s)
            result = result + singular_function(a, toward_s, varies)
        return result

    return vjp


def _lstsq_vjp_b(ans: Any, a: Array, b: Array, given: Any) -> Any:
    x, residuals = ans[:2]
    counts = shape_of(residuals)[0] > 0

    def vjp(g: Any) -> Array:
        toward_x, toward_residuals = g[:2]
        result = mm(T(_inverse(a, given)), toward_x)
        if counts:
            result = result + 2.0 * conj(b - mm(a, x)) * ops.real(toward_residuals)
        return result

    return vjp


def _residuals_moved(change: Array, rest: Array, residuals: Array) -> Any:
    """Return the change of the sums of squares; None where NumPy gives none."""
    if not shape_of(residuals)[0]:
        return None
    return 2.0 * ops.sum(ops.real(conj(rest) * change), axis=0)


def _lstsq_jvp_a(t: Array, ans: Any, a: Array, b: Array, given: Any) -> Any:
    x, residuals = ans[:2]
    rest, change, kept = b - mm(a, x), mm(t, x), _kept(ans, a)
    if kept is not None:
        moved = mm(_truncated_jvp(t, a, kept), b)
    else:
        p, turned = _inverse(a, given), H(t)
        right = mm(turned, H(p), x)
        moved = -mm(p, change) + mm(p, H(p), turned, rest) + (right - mm(p, a, right))
    moved_residuals = _residuals_moved(-change, rest, residuals)
    return moved, moved_residuals, singular_values_moved(a, t), None


def _lstsq_jvp_b(t: Array, ans: Any, a: Array, b: Array, given: Any) -> Any:
    x, residuals = ans[:2]
    moved = mm(_inverse(a, given), t)
    return moved, _residuals_moved(t, b - mm(a, x), residuals), None, None


defvjp(_lstsq, _lstsq_vjp_a, _lstsq_vjp_b)
defjvp(_lstsq, _lstsq_jvp_a, _lstsq_jvp_b)


@composite("linalg.lstsq")
def lstsq(a: Array, b: Array, rcond: Any = NO_VALUE) -> Any:
    """Least squares solution, sums of squared residuals, rank and singular values."""
    a, b = as_value(a), as_value(b)
    given = {"rcond": primal(rcond)} if rcond is not NO_VALUE else DEFAULT
    if b.ndim != 1:
        x, residuals, s, rank = _lstsq(a, b, given)
    else:
        x, residuals, s, rank = _lstsq(a, ops.reshape(b, (b.shape[0], 1)), given)
        x = x[:, 0]
    return x, residuals, rank, s
