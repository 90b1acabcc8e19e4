"""Primitives whose arguments or results are containers: recorded as operations on their leaves.

A rule of such a primitive speaks of containers: cotangents come and go built like the result and
the arguments. The tape knows leaves only, so that a call becomes one operation from the leaves of
the traced arguments to those of the result, whose rules take apart and put together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .. import _core
from .._core import Primitive, isbox
from .rules import registered_jvp, registered_vjp
from .spaces.containers import Structure, flatten
from .spaces.vector_spaces import vspace

_MISSING = object()


def _has_rule(fun: Any, place: int) -> bool:
    """Tell whether an argument has a derivative; a container that has none is a mere parameter."""
    if _core.has_own(fun):
        return True
    for rules in (fun.vjps, fun.jvps):
        if rules is None:
            continue
        other = rules.joint is not None or rules.rest is not None
        if rules.by_argnum.get(place, True if other else None) is not None:
            return True
    return False


class _Argument(NamedTuple):
    """A traced argument: its position, its structure, and where its leaves begin."""

    place: int
    structure: Structure
    start: int


class _Call:
    """One call of a primitive by the leaves of its traced arguments."""

    def __init__(self, fun: Any, args: Sequence[Any]) -> None:
        self.fun = fun
        self.args = list(args)
        self.leaves: list[Any] = []
        self.traced: list[_Argument] = []
        self.result: Structure | None = None
        for place, value in enumerate(args):
            parts, structure = flatten(value, lenient=True)
            if any(map(isbox, parts)) and (structure.is_leaf or _has_rule(fun, place)):
                self.traced.append(_Argument(place, structure, len(self.leaves)))
                self.leaves += parts

    def arguments(self, leaves: Sequence[Any]) -> list[Any]:
        """The arguments, built of these leaves."""
        args = list(self.args)
        for one in self.traced:
            end = one.start + one.structure.size
            args[one.place] = one.structure.unflatten(leaves[one.start : end])
        return args

    def take_apart(self, result: Any) -> Any:
        """The result's leaves: a tuple, or the result itself."""
        leaves, self.result = flatten(result, lenient=True)
        return leaves[0] if self.result.is_leaf else tuple(leaves)

    def put_together(self, leaves: Any) -> Any:
        """The result, or a cotangent or tangent of it, from the leaves."""
        structure: Any = self.result
        return leaves if structure.is_leaf else structure.unflatten(leaves)

    def owners(self, argnums: Sequence[int]) -> list[_Argument]:
        """The arguments that leaves belong to, each once."""
        return [
            one
            for one in self.traced
            if any(one.start <= i < one.start + one.structure.size for i in argnums)
        ]

    def vjp_maker(
        self, argnums: Sequence[int], ans: Any, leaves: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Callable[[Any], tuple[Any, ...]]:
        """The rule by the leaves `argnums`, from the primitive's rules by its arguments."""
        owners = self.owners(argnums)
        places = [one.place for one in owners]
        ans, args = self.put_together(ans), tuple(self.arguments(leaves))
        rule = registered_vjp(self.fun)(places, ans, args, kwargs)

        def vjp(g: Any) -> tuple[Any, ...]:
            found: dict[int, Any] = {}
            for one, cotangent in zip(owners, rule(self.put_together(g))):
                what = (
                    f"{self.fun.__name__}: the vjp of its argument number {one.place}: its result"
                )
                parts = one.structure.flatten_like(cotangent, what, loose=True)
                found.update(enumerate(parts, one.start))
            return tuple([found[i] for i in argnums])

        return vjp

    def jvp(
        self,
        argnums: Sequence[int],
        tangents: Sequence[Any],
        ans: Any,
        leaves: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """The tangent of the result's leaves."""
        owners = self.owners(argnums)
        given = dict(zip(argnums, tangents))
        whole = []
        for one in owners:
            places = range(one.start, one.start + one.structure.size)
            parts = [given[i] if i in given else vspace(leaves[i]).zeros() for i in places]
            whole.append(one.structure.unflatten(parts))
        ans, args = self.put_together(ans), tuple(self.arguments(leaves))
        rule = registered_jvp(self.fun)
        result = rule([one.place for one in owners], whole, ans, args, kwargs)
        structure: Any = self.result
        parts = structure.flatten_like(
            result, f"{self.fun.__name__}: the result of its jvp", loose=True
        )
        return parts[0] if structure.is_leaf else tuple(parts)


def call(fun: Any, args: tuple[Any, ...], kwargs: dict[str, Any], known: Any = _MISSING) -> Any:
    """Call a primitive on containers of traced values, or one whose result is a container.

    Parameters
    ----------
    fun : Primitive
    args, kwargs
        Of the call.
    known : object, optional
        The function's value, where it has run already.

    Returns
    -------
    object
        Built like the function's result, with traced leaves.
    """
    if any(map(_core.holds_box, kwargs.values())):
        args = _core.by_position(fun, args, kwargs, _core.holds_box)
    one = _Call(fun, args)
    if not one.leaves:
        # Traced values in parameters only: what the function does with them is recorded.
        return fun.fun(*args, **kwargs)
    values = [] if known is _MISSING else [known]

    def by_leaves(*leaves: Any) -> Any:
        result = values.pop() if values else fun.fun(*one.arguments(leaves), **kwargs)
        return one.take_apart(result)

    operation = Primitive(by_leaves, fun.__name__)
    own = _core.has_own(fun)
    if own or fun.vjps is not None:
        _core.defvjp_argnums(
            operation, lambda argnums, ans, leaves, _: one.vjp_maker(argnums, ans, leaves, kwargs)
        )
    if own or fun.jvps is not None:
        _core.defjvp_argnums(
            operation, lambda argnums, gs, ans, leaves, _: one.jvp(argnums, gs, ans, leaves, kwargs)
        )
    result = operation(*one.leaves)
    structure: Any = one.result
    return result if structure.is_leaf else structure.unflatten(result)
