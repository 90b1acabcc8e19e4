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
from ..registry import Array, as_float, defjvp, defvjp, getval, recorded, shape_of
from .solvers import solve_sylvester
from .space import as_matrix, space, transposed


def _pair(a: Array, e: Array) -> Array:
    """[[a, e], [0, a]]."""
    nothing = onp.zeros(shape_of(a))
    above = np.concatenate([a, e], axis=-1)
    return np.concatenate([above, np.concatenate([nothing, a], axis=-1)], axis=-2)


def _along(value: Any, a: Array, e: Array) -> Array:
    n = shape_of(a)[-1]
    return value(_pair(a, e))[..., :n, n:]


def _enter(name: str) -> None:
    """Enter a matrix function by the rule of blocks."""
    function = getattr(scipy.linalg, name)

    def matrix_function(a: Any) -> Any:
        return function(a)

    value = recorded(matrix_function)
    # The adjoint of f's derivative at A is f's derivative at the transpose of A.
    defvjp(value, lambda ans, a: lambda g: _along(value, transposed(a), g))
    defjvp(value, lambda t, ans, a: _along(value, a, t))

    @space.composite(name)
    def traced(A: Array) -> Array:
        return value(as_matrix(A) if name == "expm" else as_float(A))


for _name in ("expm", "cosm", "sinm", "tanm", "coshm", "sinhm", "tanhm"):
    _enter(_name)


@recorded
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


@recorded
def sqrtm_value(a: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.linalg.sqrtm(a)


def _sqrtm_vjp(ans: Array, a: Array) -> Any:
    """X X = A differentiated: X dX + dX X = dA, Sylvester's equation (and its adjoint)."""
    root = transposed(ans)
    return lambda g: solve_sylvester(root, root, g)


defvjp(sqrtm_value, _sqrtm_vjp)
defjvp(sqrtm_value, lambda t, ans, a: solve_sylvester(ans, ans, t))


@space.composite("sqrtm")
def sqrtm(A: Array, disp: Any = True, blocksize: Any = 64) -> Array:
    """Principal square root."""
    if disp is not True:
        raise NotImplementedError("sqrtm(disp=False) returns an error estimate, which has no rule")
    return sqrtm_value(as_float(A))


@recorded
def power_value(a: Any, t: Any) -> Any:
    """SciPy's value, from arguments in canonical order."""
    return scipy.linalg.fractional_matrix_power(a, t)


defvjp(
    power_value,
    lambda ans, a, p: lambda g: _along(lambda x: power_value(x, p), transposed(a), g),
    lambda ans, a, p: lambda g: np.sum(g * np.matmul(logm_value(a), ans)),
)
defjvp(
    power_value,
    lambda t, ans, a, p: _along(lambda x: power_value(x, p), a, t),
    lambda t, ans, a, p: t * np.matmul(logm_value(a), ans),
)


@space.composite("fractional_matrix_power")
def fractional_matrix_power(A: Array, t: Any) -> Array:
    """A to the power t, by both: dA^t / dt = log(A) A^t."""
    A, p = as_float(A), t if onp.ndim(getval(t)) == 0 else getval(t)
    return power_value(A, p)


@space.composite("expm_frechet")
def expm_frechet(
    A: Array, E: Array, method: Any = None, compute_expm: bool = True, check_finite: bool = True
) -> Any:
    """Derivative of expm at A along E, by blocks (equal to SciPy's value to rounding)."""
    A, E = as_float(A), as_float(E)
    n = shape_of(A)[-1]
    both = space.entries["expm"](_pair(A, E))
    return (both[..., :n, :n], both[..., :n, n:]) if compute_expm else both[..., :n, n:]
