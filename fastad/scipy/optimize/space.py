"""The table of `scipy.optimize`, and the implicit function theorem that its rules share."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.optimize
from scipy.linalg import lapack

from ... import numpy as np
from ..._core import make_jvp, primal
from ..._impl import asking
from ..._impl.namespaces import by_function
from ..._impl.operators.jacobians import jacobian_of
from ...numpy.registry import helper, is_differentiated
from ..host_calls import Watched, depends, watched, without_derivatives
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


class _Searches(Namespace):
    """Functions without a rule refuse functions that give traced values, which they only compare.

    What they find would be a constant without a word.
    """

    def without_rule(self, name: str, function: Any) -> Any:
        """What stands for a function that nothing was entered for."""

        def searching(*args: Any, **kwargs: Any) -> Any:
            given = [watched(arg) for arg in args]
            named = {key: watched(arg) for key, arg in kwargs.items()}
            found = function(*given, **named)
            if any(type(one) is Watched and one.traced for one in (*given, *named.values())):
                raise TypeError(asking.lost_in(f"fastad.scipy.optimize.{name}"))
            return found

        made = super().without_rule(name, functools.wraps(function)(searching))
        by_function.setdefault(function, made)
        return made


space = _Searches(scipy.optimize, "fastad.scipy.optimize")

ONE = onp.float64(1.0)
EPSILON = float(onp.finfo(float).eps)
_lapack: Any = lapack  # SciPy's stubs leave routines out

Residual = Callable[[Array], Array]
Parts = tuple[Any, ...]
"""Slopes; a matrix and None; or a matrix, its factors and the order of its rows."""


def _tuple(args: Any) -> tuple[Any, ...]:
    return args if isinstance(args, tuple) else (args,)


class Call:
    """One call of a solver: the function as SciPy sees it, and whether to follow its root."""

    def __init__(self, function: Callable[..., Any], args: Any, first: bool = False) -> None:
        self.given = _tuple(args)
        self.watched = Watched(function)
        # What SciPy is given, and what the constants of the rule are made of.
        self.args = without_derivatives(self.given)
        self._asked = self.args is not self.given and depends(self.given)
        self._function = function
        self._first = first  # the function gives its derivative as well

    @property
    def traced(self) -> bool:
        return self._asked or self.watched.traced

    def function(self, x: Array) -> Array:
        value = self._function(x, *self.given)
        return value[0] if self._first else value

    def bare(self, x: Array) -> Array:
        value = self._function(x, *self.args)
        return value[0] if self._first else value


def _order(value: Array) -> int:
    """How often something is differentiated: the levels of a traced value that differentiate."""
    levels = 0
    while is_differentiated(value):
        value = value._value
        levels += 1
    return levels


FAR = 1e-3  # of the last step, in units of the larger of the solution and one


def followed(name: str, residual: Residual, x: Any, solver: Solver) -> Array:
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
    solver : Solver
        Solves with the Jacobian J of the residual at x.
    """
    rest = residual(x)
    levels = _order(rest)
    if levels == 0:
        return x
    plain = primal(rest)
    _check_near(name, x, solver(plain))
    if levels == 1:
        if type(x) is onp.float64 and type(plain) is onp.float64 and math.isfinite(plain):
            return x - (rest - plain) / solver.parts[0]  # the value is x: nothing is subtracted
        if shape_of(rest) == shape_of(x):
            return _root(rest, x, *solver.parts)
    moved = x - solver(rest)
    for _ in range(levels - 1):
        moved = moved - solver(residual(moved))
    return valued(moved, x) if is_differentiated(moved) else x


def _is_near(x: Any, step: Any) -> bool:
    if type(x) is onp.float64 and type(step) is onp.float64:
        return bool(abs(step) <= FAR * max(1.0, abs(x)))
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


def _solution(parts: Parts, f: Array, transposed: bool) -> Array:
    """J^-1 f, or J^-T f, of the parts of a `Solver`."""
    if len(parts) == 3:
        if type(f) is onp.ndarray and f.dtype == float:
            return _lapack.dgetrs(parts[1], parts[2], f, transposed)[0]
        if f.dtype == float:
            return _by_factors(f, parts[1], parts[2], int(transposed))
    if len(parts) == 1:
        return f / parts[0]
    return np.linalg.solve(parts[0].T if transposed else parts[0], f)


class Solver:
    """Solving with a constant Jacobian: of entries that are alone, or of all."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def __call__(self, f: Array) -> Array:
        return _solution(self.parts, f, False)

    @classmethod
    def of_slopes(cls, slopes: Any) -> Solver:
        """Each entry of the residual depends on its own variable alone."""
        return cls((slopes,))

    @classmethod
    def of_matrix(cls, matrix: Any, name: str, what: str) -> Solver:
        """Of a matrix, which must be regular for the root to have a derivative."""
        plain = type(matrix) is onp.ndarray and matrix.dtype == float and matrix.size
        factors = _factors(matrix) if plain else None
        if factors is None and (plain or not _is_regular(matrix)):
            raise onp.linalg.LinAlgError(
                f"scipy.optimize.{name}: {what} is singular at the solution, which therefore has "
                "no derivative by the parameters"
            )
        return cls((matrix, None) if factors is None else (matrix, *factors))


@helper
def _root(rest: Any, x: Any, *parts: Any) -> Any:
    """The plain root x, with the derivative of minus the last step of Newton's method."""
    return x


defvjp(_root, lambda ans, rest, x, *parts: lambda g: -_solution(parts, g, True))
defjvp(_root, lambda t, ans, rest, x, *parts: -_solution(parts, t, False))


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

    matrix = primal(jacobian_of(residual(bare), flat))
    solver = Solver.of_matrix(matrix, name, "the Jacobian")
    root = followed(name, residual(function), flat, solver)
    if not is_differentiated(root):
        return x
    return root if len(shape) == 1 else np.reshape(root, shape)


@helper
def inexact(x: Any) -> Any:
    """A number or an array as NumPy's own, with a fraction."""
    x = onp.asarray(x)[()]
    return x if x.dtype.kind in "fc" else x.astype(float)


def _are_slopes(slope: Any) -> bool:
    if type(slope) is onp.float64:
        return bool(slope != 0.0) and math.isfinite(slope)
    return bool(onp.all(onp.isfinite(slope)) and not onp.any(onp.equal(slope, 0)))


def scalar_root(name: str, function: Callable[[Array], Array], bare: Any, x: Any) -> Array:
    """Like `vector_root`, for a function of a number, or of each entry of an array alone."""
    x = onp.float64(x) if type(x) is float else inexact(x)
    one = ONE if type(x) is onp.float64 else onp.ones(shape_of(x), x.dtype)
    slope = primal(make_jvp(lambda y: as_float(bare(y)), x)(one)[1])
    if not _are_slopes(slope):
        raise onp.linalg.LinAlgError(
            f"scipy.optimize.{name}: the function's derivative is zero or no number at the root, "
            "which therefore has no derivative by the parameters"
        )
    root = followed(name, lambda y: as_float(function(y)), x, Solver.of_slopes(slope))
    if root is x:
        return x
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
