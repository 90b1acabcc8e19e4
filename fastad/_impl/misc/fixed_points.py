"""Fixed points of a parametrised map, differentiated by the implicit function theorem."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..._core import defjvp_argnums, defvjp_argnums, make_jvp, make_vjp, primitive
from ..spaces.containers import Structure, flatten, tree_map
from ..spaces.leaves import zeros_like
from ..spaces.packing import pack

__all__ = ["fixed_point"]

Map = Callable[[Any], Callable[[Any], Any]]


class _Problem:
    """A fixed-point problem in vectors: everything but the numbers."""

    __slots__ = ("distance", "f", "parameters", "points", "tol")

    def __init__(
        self,
        f: Map,
        parameters: Structure,
        points: Any,
        distance: Callable[[Any, Any], Any],
        tol: float,
    ) -> None:
        self.f = f
        self.parameters = parameters
        self.points = points  # (structure, packing) where the point is a container, else None
        self.distance = distance
        self.tol = tol

    def point(self, x: Any) -> Any:
        """The user's point from ours."""
        if self.points is None:
            return x
        structure, packing = self.points
        return structure.unflatten(packing.unpack(x))

    def step(self, leaves: Sequence[Any]) -> Callable[[Any], Any]:
        """The map for given parameters."""
        f = self.f(self.parameters.unflatten(leaves))
        if self.points is None:
            return f
        return lambda x: pack(flatten(f(self.point(x)))[0])[0]

    def of(self, argnums: Sequence[int], leaves: Sequence[Any], x: Any) -> Callable[[Any], Any]:
        """One step from `x`, as a function of some of the parameters."""

        def partial(chosen: Sequence[Any]) -> Any:
            complete = list(leaves)
            for argnum, leaf in zip(argnums, chosen):
                complete[argnum - 2] = leaf
            return self.step(complete)(x)

        return partial


def fixed_point(f: Map, a: Any, x0: Any, distance: Callable[[Any, Any], Any], tol: float) -> Any:
    """Solve `x = f(a)(x)` by iteration; differentiable with respect to `a`, to any order.

    Parameters
    ----------
    f : callable
        `f(a)` is the map whose fixed point is sought.
    a : object
        Parameters, a leaf or a container.
    x0 : object
        Where to start; the fixed point does not depend on it.
    distance : callable
        `distance(x, x_prev)` measures the last change.
    tol : float
        Iteration ends when the distance is at most this.

    Returns
    -------
    object
        The last iterate, built like `x0`.

    Examples
    --------
    >>> from fastad import grad
    >>> from fastad.misc.fixed_points import fixed_point
    >>> newton = lambda a: lambda x: (x + a / x) / 2
    >>> def root(a):
    ...     return fixed_point(newton, a, 1.0, lambda x, y: abs(x - y), 1e-12)
    >>> round(float(grad(root)(4.0)), 6)
    0.25
    """
    leaves, parameters = flatten(a)
    start, points = flatten(x0)
    x, shape = (start[0], None) if points.is_leaf else pack(start)
    problem = _Problem(f, parameters, None if shape is None else (points, shape), distance, tol)
    return problem.point(_fixed_point(problem, x, *leaves))


@primitive
def _fixed_point(problem: _Problem, x0: Any, *leaves: Any) -> Any:
    step = problem.step(leaves)
    x, x_prev = step(x0), x0
    while problem.distance(problem.point(x), problem.point(x_prev)) > problem.tol:
        x, x_prev = step(x), x
    return x


def _split(argnums: Sequence[int]) -> list[int]:
    # Argument 1 is x0, which the fixed point does not depend on.
    return [argnum for argnum in argnums if argnum > 1]


def _fixed_point_vjp(
    argnums: Sequence[int], ans: Any, args: Any, kwargs: Any
) -> Callable[[Any], Any]:
    problem, x0, leaves = args[0], args[1], args[2:]
    wanted = _split(argnums)

    def adjoint_step(params: Any) -> Callable[[Any], Any]:
        leaves, x, g = params
        pull_x = make_vjp(problem.step(leaves), x)[0]
        return lambda w: pull_x(w) + g

    def vjp(g: Any) -> list[Any]:
        # The adjoint w solves w = J' w + g, J being the Jacobian of the step: again a fixed point.
        w = fixed_point(
            adjoint_step, (tuple(leaves), ans, g), zeros_like(ans), _distance(problem), problem.tol
        )
        chosen = tuple([leaves[argnum - 2] for argnum in wanted])
        grads = (
            dict(zip(wanted, make_vjp(problem.of(wanted, leaves, ans), chosen)[0](w)))
            if wanted
            else {}
        )
        return [
            grads[argnum] if argnum in grads else tree_map(zeros_like, x0) for argnum in argnums
        ]

    return vjp


def _fixed_point_jvp(argnums: Sequence[int], gs: Any, ans: Any, args: Any, kwargs: Any) -> Any:
    problem, leaves = args[0], args[2:]
    tangents = [g for argnum, g in zip(argnums, gs) if argnum > 1]
    wanted = _split(argnums)
    if not wanted:
        return zeros_like(ans)
    chosen = tuple([leaves[argnum - 2] for argnum in wanted])
    push = make_jvp(problem.of(wanted, leaves, ans), chosen)(tuple(tangents))[1]

    def tangent_step(params: Any) -> Callable[[Any], Any]:
        leaves, x, push = params
        jvp = make_jvp(problem.step(leaves), x)
        return lambda t: jvp(t)[1] + push

    # The tangent t solves t = J t + push.
    return fixed_point(
        tangent_step, (tuple(leaves), ans, push), zeros_like(ans), _distance(problem), problem.tol
    )


def _distance(problem: _Problem) -> Callable[[Any, Any], Any]:
    """The user's distance, for vectors."""
    return lambda x, x_prev: problem.distance(problem.point(x), problem.point(x_prev))


defvjp_argnums(_fixed_point, _fixed_point_vjp)
defjvp_argnums(_fixed_point, _fixed_point_jvp)
