"""`checkpoint`: a function whose intermediate values are computed again in the backward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .._core import Primitive
from .busy import is_busy
from .spaces.containers import flatten
from .spaces.leaves import has_boxes
from .spaces.packing import pack
from .transformed import P, R, Transformed, get_name

__all__ = ["checkpoint"]


class _Plan:
    """One call of a checkpointed function: everything but the leaves of its arguments."""

    __slots__ = ("arguments", "fun", "outputs", "packing")

    def __init__(self, fun: Callable[..., Any], arguments: Any) -> None:
        self.fun = fun
        self.arguments = arguments
        self.outputs: Any = None
        self.packing: Any = None

    def run(self, leaves: Sequence[Any]) -> Any:
        """Call the function; several outputs come as one vector: an operation has one result."""
        args, kwargs = self.arguments.unflatten(leaves)
        outs, self.outputs = flatten(self.fun(*args, **kwargs), lenient=True)
        if has_boxes(outs) and not has_boxes(leaves):
            raise TypeError(
                f"checkpoint: {get_name(self.fun)} uses a traced value that is not among its "
                "arguments, so its "
                "derivative would be lost; pass that value as an argument"
            )
        if len(outs) == 1:
            self.packing = None
            return outs[0]
        vector, self.packing = pack(outs)
        return vector

    def unpack(self, result: Any) -> Any:
        return self.outputs.unflatten(
            [result] if self.packing is None else self.packing.unpack(result)
        )


def _run(plan: _Plan, *leaves: Any) -> Any:
    return plan.run(leaves)


# Differentiated as itself, but late: when a cotangent has come.
_checkpointed = Primitive(_run, "checkpointed", derivative=_run)
_checkpointed.late = True


class _Checkpoint(Transformed[P, R]):
    """A function whose intermediate values are computed again in the backward pass."""

    def __init__(self, fun: Callable[P, R]) -> None:
        super().__init__(checkpoint, fun)

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        leaves, structure = flatten((args, kwargs))
        if not has_boxes(leaves) or is_busy():
            return self.__wrapped__(*args, **kwargs)
        plan = _Plan(self.__wrapped__, structure)
        return plan.unpack(_checkpointed(plan, *leaves))


def checkpoint(fun: Callable[P, R]) -> Transformed[P, R]:
    """Make a version of a function that keeps no intermediate values for the backward pass.

    The tape holds its arguments and result only; the backward pass evaluates the function again.
    This trades time for memory, as in Chen et al., "Training Deep Nets with Sublinear Memory
    Cost", arXiv:1604.06174.

    Parameters
    ----------
    fun : callable
        Everything that it depends on and that is differentiated must be among its arguments (by
        position or keyword, containers included). Arguments and results may be containers.

    Returns
    -------
    callable
        The same function, differentiable to any order and in both modes.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import checkpoint, grad
    >>> block = checkpoint(lambda x: np.tanh(np.sin(x)) ** 2)
    >>> float(grad(lambda x: block(block(x)))(0.0))
    0.0
    """
    return _Checkpoint(fun)
