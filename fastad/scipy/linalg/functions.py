"""Functions of matrices: expm, logm, sqrtm, the trigonometric ones, fractional powers.

The derivative of f at A along E is the upper right block of f applied to [[A, E], [0, A]]
(Higham, Functions of Matrices, 2008, theorem 3.6). Written so, it is made of the same primitive,
and derivatives of every order follow.
"""

from __future__ import annotations

from typing import Any

import numpy as onp
import scipy.linalg

from ... import numpy as np
from ..registry import Array, as_float, defjvp, defvjp, helper, primal, printed, shape_of
from .equations import solve_sylvester
from .space import as_matrix, space, transposed


def _pair(a: Array, e: Array) -> Array:
    """[[a, e], [0, a]]."""
    nothing = onp.zeros(shape_of(a))
    above = np.concatenate([a, e], axis=-1)
    return np.concatenate([above, np.concatenate([nothing, a], axis=-1)], axis=-2)


def _unit(a: Array, e: Array) -> Any:
    """Powers of two, one for each matrix, by which e is divided to become as large as a.

    The derivative is linear in e, and the algorithms' own choices (how often to square, which
    approximant, how to order a Schur form) are meant for a, not for the size of a cotangent.
    """
    size = [onp.max(onp.abs(primal(x)), axis=(-1, -2), keepdims=True, initial=0.0) for x in (a, e)]
    kind = onp.finfo(size[1].dtype)
    with onp.errstate(all="ignore"):
        exponent = onp.frexp(size[1])[1] - onp.frexp(size[0])[1]
    known = (size[0] > 0) & (size[1] > 0) & onp.isfinite(size[0]) & onp.isfinite(size[1])
    room = kind.maxexp - 24
    return onp.ldexp(kind.dtype.type(1), onp.where(known, onp.clip(exponent, -room, room), 0))


def _blocks(value: Any, a: Array, e: Array) -> tuple[Array, Array]:
    """f(a), and the derivative of f at a along e."""
    n, unit = shape_of(a)[-1], _unit(a, e)
    both = value(_pair(a, e / unit))
    return both[..., :n, :n], both[..., :n, n:] * unit


def _along(value: Any, a: Array, e: Array) -> Array:
    return _blocks(value, a, e)[1]


def _enter(name: str) -> None:
    """Enter a matrix function by the rule of blocks."""
    function = getattr(scipy.linalg, name)

    def matrix_function(a: Any) -> Any:
        return function(a)

    value = helper(matrix_function)
    # The adjoint of f's derivative at A is f's derivative at the transpose of A.
    defvjp(value, lambda ans, a: lambda g: _along(value, transposed(a), g))
    defjvp(value, lambda t, ans, a: _along(value, a, t))

    @space.composite(name)
    def traced(A: Array) -> Array:
        return value(as_matrix(A) if name == "expm" else as_float(A))


for _name in ("expm", "cosm", "sinm", "tanm", "coshm", "sinhm", "tanhm"):
    _enter(_name)


@helper
def logm_value(a: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.linalg.logm(a)


defvjp(logm_value, lambda ans, a: lambda g: _along(logm_value, transposed(a), g))
defjvp(logm_value, lambda t, ans, a: _along(logm_value, a, t))


@space.composite("logm")
def logm(A: Array, disp: Any = True) -> Array:
    """Principal logarithm."""
    if disp is not True:
        raise NotImplementedError("logm(disp=False) returns an error estimate, which has no rule")
    return logm_value(as_float(A))


# ---- square root ---------------------------------------------------------------------------------


@helper
def sqrtm_value(a: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.linalg.sqrtm(a)


def _sqrtm_vjp(ans: Array, a: Array) -> Any:
    """X X = A differentiated: X dX + dX X = dA, Sylvester's equation (and its adjoint)."""
    return lambda g: _sqrtm_along(transposed(ans), g)


def _sqrtm_along(root: Array, e: Array) -> Array:
    unit = _unit(root, e)
    return solve_sylvester(root, root, e / unit) * unit


defvjp(sqrtm_value, _sqrtm_vjp)
defjvp(sqrtm_value, lambda t, ans, a: _sqrtm_along(ans, t))


@space.composite("sqrtm")
def sqrtm(A: Array, disp: Any = True, blocksize: Any = 64) -> Array:
    """Principal square root."""
    if disp is not True:
        raise NotImplementedError("sqrtm(disp=False) returns an error estimate, which has no rule")
    return sqrtm_value(as_float(A))


# ---- powers --------------------------------------------------------------------------------------


@helper
def power_value(a: Any, t: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.linalg.fractional_matrix_power(a, t)


def _is_singular(a: Array, p: Any) -> bool:
    """Whether a broken power of a is one of a singular matrix, to rounding."""
    if float(p) == int(p):
        return False
    a = primal(a)
    size = onp.linalg.svd(a, compute_uv=False)
    return bool(size.size and size[-1] <= a.shape[-1] * onp.finfo(size.dtype).eps * size[0])


def _eigen(a: Any, p: Any) -> tuple[Any, Any, Any]:
    """Eigenvalues of a singular matrix, its eigenvectors and their inverse."""
    values, vectors = onp.linalg.eig(a)
    if onp.any(onp.tril(a, -1)) and onp.any(onp.triu(a, 1)):  # else they are exact
        least = len(a) * onp.finfo(a.dtype).eps * onp.max(onp.abs(values), initial=0)
        values = onp.where(onp.abs(values) <= least, 0, values)
    if p < 1 or onp.linalg.cond(vectors) > onp.finfo(a.dtype).eps ** -0.5:
        raise onp.linalg.LinAlgError(
            "fractional_matrix_power has no derivative at a singular matrix for a power below 1, "
            "or where its eigenvectors are no basis; add a small multiple of the identity"
        )
    if onp.any(onp.real(values) < 0):
        values = values + 0j
    return values, vectors, onp.linalg.inv(vectors)


@helper
def singular_power_along(a: Any, e: Any, p: Any) -> Any:
    """Derivative of a^p along e at a singular a: by divided differences of the eigenvalues' powers.

    SciPy's own value comes from Parlett's recurrence there, which does not hold for the pair of
    blocks, whose eigenvalues are all double (Higham 2008, theorem 3.11 for this form).
    """
    values, vectors, inverse = _eigen(a, p)
    x, y = values[:, None], values[None, :]
    x, y = onp.where(abs(x) < abs(y), x, y), onp.where(abs(x) < abs(y), y, x)
    with onp.errstate(all="ignore"):
        ratio = onp.where(y == 0, 0, (x - y) / onp.where(y == 0, 1, y))
        close = onp.abs(ratio) < 0.5
        near = onp.where(close & (ratio != 0), ratio, 0.25)
        quotient = onp.where(ratio == 0, p, onp.expm1(p * onp.log1p(near)) / near)
        far = (x**p - y**p) / onp.where(close, 1, x - y)
    differences = onp.where(close, y ** (p - 1) * quotient, far)
    return vectors @ (differences * (inverse @ e @ vectors)) @ inverse


# Linear in e; by the matrix itself a second derivative has no rule.
defvjp(
    singular_power_along,
    lambda ans, a, e, p: lambda g: singular_power_along(transposed(a), g, p),
    argnums=(1,),
)
defjvp(singular_power_along, lambda t, ans, a, e, p: singular_power_along(a, t, p), argnums=(1,))


def _power_along(a: Array, e: Array, p: Any) -> Array:
    if _is_singular(a, primal(p)):
        return singular_power_along(a, e, p)
    return _along(lambda x: power_value(x, p), a, e)


def _power_by_exponent(ans: Array, a: Array, p: Any) -> Array:
    """log(A) A^p; of an eigenvalue zero, zero."""
    if not _is_singular(a, primal(p)):
        return np.matmul(logm_value(a), ans)
    values, vectors, inverse = _eigen(printed(a), max(printed(p), 1))
    nonzero = onp.where(values == 0, 1, values)
    return vectors * (onp.log(nonzero) * onp.where(values == 0, 0, nonzero ** printed(p))) @ inverse


defvjp(
    power_value,
    lambda ans, a, p: lambda g: _power_along(transposed(a), g, p),
    lambda ans, a, p: lambda g: np.sum(g * _power_by_exponent(ans, a, p)),
)
defjvp(
    power_value,
    lambda t, ans, a, p: _power_along(a, t, p),
    lambda t, ans, a, p: t * _power_by_exponent(ans, a, p),
)


@space.composite("fractional_matrix_power")
def fractional_matrix_power(A: Array, t: Any) -> Array:
    """A to the power t, by both: dA^t / dt = log(A) A^t."""
    A, p = as_float(A), t if len(shape_of(t)) == 0 else primal(t)
    return power_value(A, p)


@space.composite("expm_frechet")
def expm_frechet(
    A: Array, E: Array, method: Any = None, compute_expm: bool = True, check_finite: bool = True
) -> Any:
    """Derivative of expm at A along E, by blocks (equal to SciPy's value to rounding)."""
    A, E = as_float(A), as_float(E)
    both = _blocks(space.entries["expm"], A, E)
    return both if compute_expm else both[1]
