"""What `solve_ivp` gives for `dense_output`: the solution at any time, with its derivatives."""

from __future__ import annotations

from typing import Any

import numpy as onp

from ... import numpy as np
from ..._core import primal
from ..host_calls import without_boxes
from ..registry import Array, as_float
from .trajectories import Problem, trajectory


class Continuous:
    """SciPy's `OdeSolution`, differentiable by what the solution is, and by the time.

    Parameters
    ----------
    own : OdeSolution
        Without levels that differentiate.
    problem, start, y0, parameters, effort
        What it solves, from where on.
    """

    def __init__(
        self,
        own: Any,
        problem: Problem,
        start: Array,
        y0: Array,
        parameters: Array,
        effort: Array,
    ) -> None:
        self._own = own
        self._from = problem, start, y0, parameters, effort

    def __call__(self, t: Array) -> Array:
        t = as_float(t)
        plain = without_boxes(t)
        values = self._own(plain)
        problem, start, y0, parameters, effort = self._from
        flat, places = np.reshape(t, (-1,)), onp.reshape(plain, (-1,))
        if onp.any(places < self._own.t_min) or onp.any(places > self._own.t_max):
            raise ValueError(
                "solve_ivp: sol of a traced solution is asked for outside of the times that were "
                f"integrated, {self._own.t_min} to {self._own.t_max}; extend t_span"
            )
        order = onp.argsort(places if self._own.ascending else -places, kind="stable")
        rows = trajectory(
            problem,
            y0,
            np.concatenate([np.reshape(start, (1,)), flat[order]]),
            parameters,
            effort,
            np.concatenate(
                [np.reshape(primal(y0), (1, -1)), onp.reshape(values.T, (len(places), -1))[order]]
            ),
        )
        found = rows[1:][onp.argsort(order)]
        return found[0] if t.ndim == 0 else np.transpose(found)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._own, name)
