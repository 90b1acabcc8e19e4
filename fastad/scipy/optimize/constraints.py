"""Minima under constraints: the conditions of Karush, Kuhn and Tucker, and which rows hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.optimize

from ... import numpy as np
from ..._core import primal
from ..._impl.operators.gradients import grad
from ..._impl.operators.jacobians import hessian, jacobian
from ...numpy.registry import helper, is_differentiated
from ..host_calls import Watched, decided, depends, watched, without_derivatives
from ..registry import Array, as_float, shape_of, valued
from .space import Solver, followed

__all__ = ["Constraints", "bounds_parts", "constrained_minimum", "minimize_plainly"]

Rows = tuple[Array, Array, Array]
"""Values of a constraint, and the bounds that they keep to."""


def minimize_plainly(constraints: Any, bounds: Any, *args: Any) -> Any:
    """Call SciPy's `minimize` with constraints and bounds that are made of their parts here.

    Their numbers and functions are then among the parts that a recorded call is taken into.
    """
    made = [_made(kind, parts) for kind, parts in constraints]
    minimize: Any = scipy.optimize.minimize
    return minimize(*args[:7], _made(*bounds), made, *args[7:])


def bounds_parts(bounds: Any) -> tuple[str, Any]:
    """The parts of what `minimize` takes as bounds."""
    if isinstance(bounds, scipy.optimize.Bounds):
        return "Bounds", {name: getattr(bounds, name) for name in ("lb", "ub", "keep_feasible")}
    return "", bounds


def _made(kind: str, parts: Any) -> Any:
    if not kind:
        return parts
    if kind == "dict":
        return dict(parts)
    if kind == "NonlinearConstraint":  # the default of SciPy 1.11 is one object, which it changes
        parts = {"hess": scipy.optimize.BFGS(), **parts}
    return getattr(scipy.optimize, kind)(**parts)


_NONLINEAR = "fun lb ub jac keep_feasible finite_diff_rel_step finite_diff_jac_sparsity".split()


class Constraints:
    """The constraints of one call of `minimize`, as SciPy sees them and as rows of functions."""

    def __init__(self, constraints: Any) -> None:
        listed = constraints if isinstance(constraints, (list, tuple)) else [constraints]
        self.parts = [self._parts(one) for one in listed]

    @staticmethod
    def _parts(constraint: Any) -> tuple[str, dict[str, Any]]:
        if isinstance(constraint, scipy.optimize.LinearConstraint):
            names = "A lb ub keep_feasible".split()
            return "LinearConstraint", {name: getattr(constraint, name) for name in names}
        if isinstance(constraint, scipy.optimize.NonlinearConstraint):
            given = {name: watched(getattr(constraint, name)) for name in _NONLINEAR}
            if type(constraint.hess) is not scipy.optimize.BFGS:  # which is made anew
                given["hess"] = watched(constraint.hess)
            return "NonlinearConstraint", given
        if isinstance(constraint, dict):
            functions = {name: watched(part) for name, part in constraint.items()}
            return "dict", functions
        raise TypeError(
            "scipy.optimize.minimize: constraints must be a dict with 'type' and 'fun', a "
            "LinearConstraint or a NonlinearConstraint, or a list of these"
        )

    @property
    def traced(self) -> bool:
        """Whether what was seen in the call, or stands in it, is to be differentiated."""
        for _, parts in self.parts:
            function = parts.get("fun")
            if isinstance(function, Watched) and function.traced:
                return True
            if depends(*[parts.get(name) for name in ("args", "A", "lb", "ub")]):
                return True
        return False

    def rows(self, x: Array, bare: bool) -> list[Rows]:
        """What each constraint is at x, beside its bounds; bare: of constant arguments."""
        of = without_derivatives if bare else (lambda value: value)
        result: list[Rows] = []
        for kind, parts in self.parts:
            if kind == "dict":
                args = parts.get("args", ())
                args = args if isinstance(args, tuple) else (args,)
                value = parts["fun"].function(x, *of(args))
                above = 0.0 if str(parts["type"]).lower() == "eq" else onp.inf
                result.append(_as_rows(value, 0.0, above))
                continue
            if kind == "LinearConstraint":
                matrix = of(parts["A"])
                dense = matrix.toarray() if hasattr(matrix, "toarray") else matrix
                value = np.matmul(np.atleast_2d(dense), x)
            else:
                value = parts["fun"].function(x)
            result.append(_as_rows(value, of(parts["lb"]), of(parts["ub"])))
        return result


def _as_rows(value: Any, low: Any, high: Any) -> Rows:
    values = np.ravel(as_float(value if hasattr(value, "shape") else np.array(value)))
    whole = shape_of(values)
    return values, np.broadcast_to(as_float(low), whole), np.broadcast_to(as_float(high), whole)


class _Sides:
    """Rows with bounds as a vector of what is zero (first) and of what is not negative."""

    def __init__(self, rows: list[Rows]) -> None:
        self.places = []
        for _, low, high in rows:
            low, high = primal(low), primal(high)
            same = decided(low == high)
            self.places.append(
                (
                    onp.flatnonzero(same),
                    onp.flatnonzero(~same & decided(low > -onp.inf)),
                    onp.flatnonzero(~same & decided(high < onp.inf)),
                )
            )
        self.equal = sum(len(equal) for equal, _, _ in self.places)
        self.size: Array = 1.0

    def __call__(self, rows: list[Rows]) -> Array:
        parts: list[list[Array]] = [[], []]
        for (values, low, high), (equal, above, below) in zip(rows, self.places):
            parts[0].append(values[equal] - low[equal])
            parts[1].extend([values[above] - low[above], high[below] - values[below]])
        return np.concatenate([*parts[0], *parts[1]]) / self.size

    def by_distance(self, normals: Array) -> Array:
        """Divide the rows by the length of their normals from now on; gives those divided.

        A row is then how far from its bound x is, in whatever unit the constraint is written.
        """
        self.size = _sizes(normals)
        return normals / self.size[:, None]


@helper
def _sizes(normals: Any) -> Any:
    """The largest part of each row; one where there is none."""
    size = onp.max(onp.abs(normals), axis=1, initial=0.0)
    return onp.where(size > 0, size, 1.0)


@helper
def _multipliers(slope: Any, normals: Any) -> Any:
    """The multipliers by which the slope is made of the rows' normals, as nearly as can be."""
    return onp.linalg.lstsq(normals.T, slope, rcond=None)[0]


CLOSE = 1e-6  # to a bound, from which a row is first taken to hold


@helper
def _holding(slope: Any, curvature: Any, values: Any, normals: Any, equal: Any) -> Any:
    """Which rows hold the minimum: those of the minimum of the model by slope and curvature.

    Some methods stop at a small distance from a bound: then the model's step crosses it. A row
    that no multiplier presses against does not hold.
    """
    count, n, equal = len(values), len(slope), int(equal)
    holds = onp.concatenate([onp.ones(equal, bool), (values <= CLOSE)[equal:]])
    tiny = onp.sqrt(onp.finfo(float).eps)
    for _ in range(4 * count + 4):
        rows = onp.flatnonzero(holds)
        held = normals[rows]
        matrix = onp.zeros((n + len(rows),) * 2)
        matrix[:n, :n], matrix[:n, n:], matrix[n:, :n] = curvature, -held.T, held
        found = onp.linalg.lstsq(matrix, onp.concatenate([-slope, -values[rows]]), rcond=None)[0]
        pressing = found[n:] - tiny * onp.max(onp.abs(slope), initial=0.0)
        pressing[rows < equal] = onp.inf
        if len(rows) and onp.min(pressing) <= 0:
            holds[rows[onp.argmin(pressing)]] = False
            continue
        after = onp.where(holds, 0.0, values + normals @ found[:n])
        if not count or onp.min(after) >= -tiny:
            break
        holds[onp.argmin(after)] = True
    return holds.astype(float)


def constrained_minimum(
    function: Callable[[Array], Array],
    bare: Callable[[Array], Array],
    x: Any,
    constraints: Constraints,
    bounds: tuple[Array, Array] | None,
) -> Array:
    """The minimum x under constraints of a function that depends on traced values, as they may.

    With the rows c that hold and their multipliers m, the gradient of f - m c by x is zero and
    so is c: a root in (x, m), whose derivative follows by the implicit function theorem.
    """
    n = shape_of(x)[0]

    def rows(x: Array, constant: bool) -> list[Rows]:
        found = constraints.rows(x, constant)
        if bounds is not None:
            low, high = map(primal, bounds) if constant else bounds
            found.append((x, low, high))
        return found

    sides = _Sides(rows(x, True))
    normals = sides.by_distance(primal(jacobian(lambda y: sides(rows(y, True)))(x)))
    values = primal(sides(rows(x, True)))
    slope = primal(grad(bare)(x))

    def curvature(pressed: Array, kept: Any) -> Any:
        return primal(
            hessian(lambda y: bare(y) - np.matmul(pressed, sides(rows(y, True))[kept]))(x)
        )

    first = onp.flatnonzero(decided(values <= CLOSE) | (onp.arange(len(values)) < sides.equal))
    pressed = _multipliers(slope, normals[first])
    matrix = curvature(pressed, first)
    holds = decided(_holding(slope, matrix, values, normals, sides.equal) > 0)
    kept = onp.flatnonzero(holds)
    if not onp.array_equal(kept, first):
        pressed = _multipliers(slope, normals[kept])
        matrix = curvature(pressed, kept)
    held = normals[kept]
    corner = onp.zeros((len(kept), len(kept)))
    whole = np.concatenate(
        [
            np.concatenate([matrix, -np.transpose(held)], axis=1),
            np.concatenate([held, corner], axis=1),
        ]
    )

    def residual(z: Array) -> Array:
        y, pressed = z[:n], z[n:]
        slope = grad(lambda y: function(y) - np.matmul(pressed, sides(rows(y, False))[kept]))(y)
        return np.concatenate([slope, sides(rows(y, False))[kept]])

    what = "the system of the Hessian and the constraints that hold (which may be dependent)"
    root = followed(
        "minimize",
        residual,
        np.concatenate([x, pressed]),
        Solver.of_matrix(whole, "minimize", what),
    )[:n]
    return valued(root, x) if is_differentiated(root) else x
