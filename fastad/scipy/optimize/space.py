"""The table of `scipy.optimize`, and the implicit function theorem that its rules share."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.optimize
from scipy.linalg import lapack

from ... import numpy as np
from ..._core import make_jvp, primal
from ..._impl.operators import jacobian
from ...numpy.registry import helper, is_differentiated
from ..host_calls import Watched, depends, without_derivatives
from ..registry import (
    Array,
    Namespace,
    as_float,
    as_value,
    defjvp,
    defvjp,
    shape_of,
    valued,
)

space = Namespace(scipy.optimize, "fastad.scipy.optimize")

EPSILON = float(onp.finfo(float).eps)
_lapack: Any = lapack  # SciPy's stubs leave routines out

Residual = Callable[[Array], Array]


def _tuple(args: Any) -> tuple[Any, ...]:
    return args if isinstance(args, tuple) else (args,)


class Call:
    """One call of a solver: the function as SciPy sees it, and whether to follow its root."""

    def __init__(self, function: Callable[..., Any], args: Any, first: bool = False) -> None:
        self.args = _tuple(args)
        self.watched = Watched(function)
        self._primal = tuple(map(without_derivatives, self.args))
        self._function = function
        self._first = first  # the function gives its derivative as well

    @property
    def traced(self) -> bool:
        return self.watched.traced or depends(self.args)

    def _value(self, x: Array, args: tuple[Any, ...]) -> Array:
        value = self._function(x, *args)
        return value[0] if self._first else value

    def function(self, x: Array) -> Array:
        return self._value(x, self.args)

    def bare(self, x: Array) -> Array:
        return self._value(x, self._primal)


def _order(value: Array) -> int:
    """How often something is differentiated: the levels of a traced value that differentiate."""
    levels = 0
    while is_differentiated(value):
        value = value._value
        levels += 1
    return levels


FAR = 1e-3  # of the last step, in units of the larger of the solution and one


def followed(name: str, residual: Residual, x: Any, solve: Callable[[Array], Array]) -> Array:
    """The root x, with its derivatives by all that the residual depends on.

    Each step x - J^-1 F(x) with the constant J makes one more order of derivatives right.

    Parameters
    ----------
    name : str
        SciPy's function, for messages.
    residual : callable
        `residual(x)`, zero at the root, written in differentiable operations.
    x : ndarray
        The root, plain; it is the value of the result.
    solve : callable
        `solve(f)`: J^-1 f for the Jacobian J of the residual at x.
    """
    rest = residual(x)
    moved: Array = x
    levels = _order(rest)
    for left in range(levels, 0, -1):
        step = solve(rest)
        if left == levels:
            _check_near(name, x, primal(step))
        if levels == 1 and shape_of(step) == shape_of(x):
            return _stepped(step, x)
        moved = moved - step
        if left > 1:
            rest = residual(moved)
    return valued(moved, x) if is_differentiated(moved) else x


def _is_near(x: Any, step: Any) -> bool:
    if type(x) is onp.ndarray and type(step) is onp.ndarray and x.ndim == step.ndim == 1:
        return bool(step.dot(step) <= FAR * FAR * max(1.0, x.dot(x)))
    return bool(
        shape_of(x) == (0,) or onp.all(onp.abs(step) <= FAR * onp.maximum(1, onp.max(onp.abs(x))))
    )


def _check_near(name: str, x: Any, step: Any) -> None:
    if not _is_near(x, step):
        warnings.warn(
            f"scipy.optimize.{name} stopped where a step of Newton's method would still move by "
            f"{onp.max(onp.abs(step)):.1e}: its result is no solution, and the derivative is that "
            "of the point it stopped at; choose another start, method or tolerance",
            RuntimeWarning,
            stacklevel=2,
        )


def _is_regular(matrix: Any) -> bool:
    """Whether a recorded matrix is."""
    return bool(onp.all(np.isfinite(matrix)) and np.linalg.cond(matrix) <= 1 / EPSILON)


def _factors(matrix: Any) -> tuple[Any, Any] | None:
    """The triangular factors of a regular matrix and the order of its rows; else None."""
    size = _lapack.dlange("1", matrix)
    if not math.isfinite(size):
        return None
    factors, order, failed = _lapack.dgetrf(matrix)
    if failed or _lapack.dgecon(factors, size)[0] <= EPSILON / len(matrix):
        return None
    return factors, order


@helper
def _by_factors(f: Any, factors: Any, order: Any, transposed: int) -> Any:
    return _lapack.dgetrs(factors, order, f, transposed)[0]


defvjp(
    _by_factors,
    lambda ans, f, factors, order, transposed: (
        lambda g: _by_factors(g, factors, order, 1 - transposed)
    ),
)
defjvp(
    _by_factors,
    lambda t, ans, f, factors, order, transposed: _by_factors(t, factors, order, transposed),
)


def solved_by(matrix: Any, name: str, what: str) -> Callable[[Array], Array]:
    """Solving with a constant matrix, which must be regular for the root to have a derivative."""
    plain = type(matrix) is onp.ndarray and matrix.dtype == float and matrix.size
    factors = _factors(matrix) if plain else None
    if factors is None and (plain or not _is_regular(matrix)):
        raise onp.linalg.LinAlgError(
            f"scipy.optimize.{name}: {what} is singular at the solution, which therefore has no "
            "derivative by the parameters"
        )
    if factors is None:
        return lambda f: np.linalg.solve(matrix, f)
    return lambda f: _by_factors(f, *factors, 0) if f.dtype == float else np.linalg.solve(matrix, f)


@helper
def _stepped(step: Any, x: Any) -> Any:
    """The plain root, with the derivative of minus the step."""
    return x


defvjp(_stepped, lambda ans, step, x: lambda g: -g)
defjvp(_stepped, lambda t, ans, step, x: -t)


def vector_root(name: str, function: Callable[[Array], Array], bare: Any, x: Any) -> Array:
    """The root x of a function of a vector that depends on traced values.

    Parameters
    ----------
    name : str
        SciPy's function, for messages.
    function : callable
        `function(x)`, traced.
    bare : callable
        The same of constant parameters, whose Jacobian is taken.
    x : ndarray
    """
    x = as_value(x)
    shape, flat = x.shape, x if x.ndim == 1 else np.ravel(x)

    def residual(of: Callable[[Array], Array]) -> Residual:
        def vector(y: Array) -> Array:
            value = as_float(of(y if len(shape) == 1 else np.reshape(y, shape)))
            return value if value.ndim == 1 else np.ravel(value)

        return vector

    matrix = primal(jacobian(residual(bare))(flat))
    root = followed(name, residual(function), flat, solved_by(matrix, name, "the Jacobian"))
    if not is_differentiated(root):
        return x
    return root if len(shape) == 1 else np.reshape(root, shape)


@helper
def inexact(x: Any) -> Any:
    """A number or an array as NumPy's own, with a fraction."""
    x = onp.asarray(x)[()]
    return x if x.dtype.kind in "fc" else x.astype(float)


def scalar_root(name: str, function: Callable[[Array], Array], bare: Any, x: Any) -> Array:
    """Like `vector_root`, for a function of a number, or of each entry of an array alone."""
    x = inexact(x)
    slope = primal(make_jvp(lambda y: as_float(bare(y)), x)(onp.ones(shape_of(x), x.dtype))[1])
    if not onp.all(onp.isfinite(slope)) or onp.any(onp.equal(slope, 0)):
        raise onp.linalg.LinAlgError(
            f"scipy.optimize.{name}: the function's derivative is zero or no number at the root, "
            "which therefore has no derivative by the parameters"
        )
    root = followed(name, lambda y: as_float(function(y)), x, lambda f: f / slope)
    return root if shape_of(root) == shape_of(x) else np.reshape(root, shape_of(x))


def entry(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function of SciPy's with the signature and text of what stands for it here."""
    function = getattr(scipy.optimize, name, None)

    def register(traced: Callable[..., Any]) -> Callable[..., Any]:
        if function is None:
            return traced
        documentation = traced.__doc__
        space.enter(name, traced, function)
        traced.__doc__ = documentation
        return traced

    return register
