"""Pseudo-inverse and least squares: pinv, lstsq.

The rules follow from Golub and Pereyra (1973), 'The differentiation of pseudo-inverses and
nonlinear least squares problems whose variables separate'. They hold while the
rank stays what it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .factors import _svd
from .matrices import H, T, columns, conj, diagonal, is_absent, mm
from .registry import (
    NO_VALUE,
    Array,
    as_value,
    composite,
    defjvp,
    defvjp,
    getval,
    helper,
    ops,
    shape_of,
)

NUMPY_2 = np.lib.NumpyVersion(np.__version__) >= "2.0.0"

# ---- pinv --------------------------------------------------------------------------------------


@helper
def _pinv(a: Array, options: dict[str, Any]) -> Array:
    return np.linalg.pinv(a, **options)


def _pinv_vjp(ans: Array, a: Array, options: Any) -> Any:
    def vjp(g: Array) -> Array:
        p, turned = ans, T(g)
        left, right = mm(turned, p, H(p)), mm(H(p), p, turned)
        return conj(left - mm(a, p, left) + right - mm(right, p, a)) - mm(T(p), g, T(p))

    return vjp


def _pinv_jvp(t: Array, ans: Array, a: Array, options: Any) -> Array:
    p, turned = ans, H(t)
    left = mm(p, H(p), turned)
    right = mm(turned, H(p), p)
    return -mm(p, t, p) + (left - mm(left, a, p)) + (right - mm(p, a, right))


defvjp(_pinv, _pinv_vjp)
defjvp(_pinv, _pinv_jvp)


@composite("linalg.pinv")
def pinv(a: Array, rcond: Any = None, hermitian: bool = False, *, rtol: Any = NO_VALUE) -> Array:
    """Moore-Penrose inverse, differentiated at fixed rank."""
    options = {} if rtol is NO_VALUE else {"rtol": getval(rtol)}
    if rcond is not None:
        options["rcond"] = getval(rcond)
    if hermitian:
        options["hermitian"] = True
    return _pinv(as_value(a), options)


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


def _lstsq_vjp_a(ans: Any, a: Array, b: Array, given: Any) -> Any:
    x, residuals = ans[:2]
    counts = shape_of(residuals)[0] > 0

    def vjp(g: Any) -> Array:
        toward_x, toward_residuals, toward_s = g[:3]
        p, rest = _inverse(a, given), b - mm(a, x)
        result = -mm(T(p), toward_x, T(x))
        result = result + mm(conj(rest), H(toward_x), conj(mm(p, H(p))))
        right, turned = mm(H(p), x), H(toward_x)
        result = result + mm(conj(right), turned - mm(turned, conj(mm(p, a))))
        if counts:
            result = result - mm(2.0 * conj(rest) * toward_residuals, T(x))
        if not is_absent(toward_s):
            u, _, vh = _svd(a, False)
            result = result + mm(conj(u) * columns(toward_s), conj(vh))
        return result

    return vjp


def _lstsq_vjp_b(ans: Any, a: Array, b: Array, given: Any) -> Any:
    x, residuals = ans[:2]
    counts = shape_of(residuals)[0] > 0

    def vjp(g: Any) -> Array:
        toward_x, toward_residuals = g[:2]
        result = mm(T(_inverse(a, given)), toward_x)
        if counts:
            result = result + 2.0 * conj(b - mm(a, x)) * toward_residuals
        return result

    return vjp


def _residuals_moved(change: Array, rest: Array, residuals: Array) -> Any:
    """Return the change of the sums of squares; None where NumPy gives none."""
    if not shape_of(residuals)[0]:
        return None
    return 2.0 * ops.sum(ops.real(conj(rest) * change), axis=0)


def _lstsq_jvp_a(t: Array, ans: Any, a: Array, b: Array, given: Any) -> Any:
    x, residuals = ans[:2]
    p, rest, turned = _inverse(a, given), b - mm(a, x), H(t)
    change = mm(t, x)
    right = mm(turned, H(p), x)
    moved = -mm(p, change) + mm(p, H(p), turned, rest) + (right - mm(p, a, right))
    u, _, vh = _svd(a, False)
    moved_s = ops.real(diagonal(mm(H(u), t, H(vh))))
    return moved, _residuals_moved(-change, rest, residuals), moved_s, None


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
    given = {"rcond": getval(rcond)} if rcond is not NO_VALUE else DEFAULT
    if b.ndim != 1:
        x, residuals, s, rank = _lstsq(a, b, given)
    else:
        x, residuals, s, rank = _lstsq(a, ops.reshape(b, (b.shape[0], 1)), given)
        x = x[:, 0]
    return x, residuals, rank, s
