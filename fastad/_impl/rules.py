"""The rules of primitives as mappings: `primitive_vjps` and `primitive_jvps`.

This is the way for programs that look into the rules or make `VJPNode`s themselves, and for
primitives on containers. The core has rules of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any

from .. import _core
from .._core import Primitive, defjvp_argnums, defvjp_argnums
from ..numpy.registry import table
from .cotangents import sum_outgrads
from .differentiate import make_jvp, make_vjp
from .spaces.vector_spaces import vspace

__all__ = [
    "JvpMaker",
    "VjpMaker",
    "missing_rule",
    "primitive_jvps",
    "primitive_vjps",
    "registered_jvp",
    "registered_vjp",
    "zero_vjp",
]

VjpMaker = Callable[[Sequence[int], Any, tuple[Any, ...], dict[str, Any]], Callable[[Any], Any]]
JvpMaker = Callable[[Sequence[int], Sequence[Any], Any, tuple[Any, ...], dict[str, Any]], Any]


def missing_rule(mode: str, fun: Any, argnums: Sequence[int]) -> NotImplementedError:
    name = getattr(fun, "__name__", fun)
    return NotImplementedError(
        f"{mode} of {name} wrt argnums {tuple(argnums)} not defined; add one with "
        f"fastad.extend.def{mode.lower()}"
    )


def _replace(args: Sequence[Any], argnums: Sequence[int], values: Sequence[Any]) -> list[Any]:
    complete = list(args)
    for argnum, value in zip(argnums, values):
        complete[argnum] = value
    return complete


class _Recorded:
    """A rule made by calling the primitive once more, on a tape of its own."""

    __slots__ = ("fun",)

    def __init__(self, fun: Any) -> None:
        self.fun = fun

    def partial(
        self, argnums: Sequence[int], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Callable[[Any], Any], tuple[Any, ...]]:
        chosen = tuple([args[argnum] for argnum in argnums])
        return (lambda chosen: self.fun(*_replace(args, argnums, chosen), **kwargs)), chosen

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Recorded) and type(self) is type(other) and self.fun is other.fun

    def __hash__(self) -> int:
        return hash(self.fun)


class _RecordedVjp(_Recorded):
    __slots__ = ()

    def __call__(
        self, argnums: Sequence[int], ans: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Callable[[Any], Any]:
        partial, chosen = self.partial(argnums, args, kwargs)
        return make_vjp(partial, chosen)[0]


class _RecordedJvp(_Recorded):
    __slots__ = ()

    def __call__(
        self,
        argnums: Sequence[int],
        gs: Sequence[Any],
        ans: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        partial, chosen = self.partial(argnums, args, kwargs)
        return make_jvp(partial, chosen)(tuple(gs))[1]


def registered_vjp(fun: Any) -> VjpMaker:
    """The rules given by defvjp, as one maker."""
    rules = fun.vjps

    def maker(
        argnums: Sequence[int], ans: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Callable[[Any], Any]:
        if rules.joint is not None:
            return rules.joint(argnums, ans, args, kwargs)
        vjps = []
        for argnum in argnums:
            if argnum in rules.by_argnum:
                one = rules.by_argnum[argnum]
                vjps.append(zero_vjp(args[argnum]) if one is None else one(ans, *args, **kwargs))
            elif rules.rest is not None:
                vjps.append(rules.rest(argnum, ans, args, kwargs))
            elif fun.kind != "rule":  # a built-in, some of whose rules are replaced
                vjps.append(_core.builtin_vjp(fun, argnum, args, kwargs))
            else:
                raise missing_rule("VJP", fun, argnums)
        return lambda g: tuple([vjp(g) for vjp in vjps])

    return maker


def zero_vjp(value: Any) -> Callable[[Any], Any]:
    return lambda g: vspace(value).zeros()


def registered_jvp(fun: Any) -> JvpMaker:
    """The rules given by defjvp, as one."""
    rules = fun.jvps

    def jvp(
        argnums: Sequence[int],
        gs: Sequence[Any],
        ans: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        if rules.joint is not None:
            return rules.joint(argnums, gs, ans, args, kwargs)
        terms = []
        for argnum, g in zip(argnums, gs):
            if argnum in rules.by_argnum:
                one = rules.by_argnum[argnum]
                if one is None:
                    terms.append(vspace(ans).zeros())
                elif one == "same":
                    terms.append(fun(*_replace(args, [argnum], [g]), **kwargs))
                else:
                    terms.append(one(g, ans, *args, **kwargs))
            elif rules.rest is not None:
                terms.append(rules.rest(argnum, g, ans, args, kwargs))
            elif fun.kind != "rule":
                terms.append(_core.builtin_jvp(fun, argnum, g, args, kwargs))
            else:
                raise missing_rule("JVP", fun, argnums)
        return sum_outgrads(terms)

    return jvp


def _removed_vjp(fun: Any) -> VjpMaker:
    def maker(argnums: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        raise missing_rule("VJP", fun, argnums)

    return maker


def _removed_jvp(fun: Any) -> JvpMaker:
    def jvp(argnums: Any, gs: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        raise missing_rule("JVP", fun, argnums)

    return jvp


def _is_given(rest: Any) -> bool:
    """True for a rule that a user gave, not the core's way back to the built-in rule."""
    return rest is not None and getattr(rest, "__module__", None) != _core.__name__


class _Rules(MutableMapping[Any, Any]):
    """Primitive -> its rule for several arguments at once; changes are rules like any other.

    Every built-in with a derivative is in it. What is taken out has no rule until something is put
    in its place; to put back what was there restores the built-in rule.
    """

    def __init__(
        self,
        attribute: str,
        recorded: Callable[[Any], Any],
        registered: Callable[[Any], Any],
        removed: Callable[[Any], Any],
        define: Callable[[Any, Any], None],
    ) -> None:
        self._attribute = attribute
        self._recorded = recorded
        self._registered = registered
        self._removed_rule = removed
        self._define = define
        self._functions: dict[Any, Any] = {}  # rules of what is no Primitive
        self._removed: set[Any] = set()

    def __getitem__(self, fun: Any) -> Any:
        if fun in self._functions:
            return self._functions[fun]
        if not isinstance(fun, Primitive) or fun in self._removed:
            raise KeyError(fun)
        if getattr(fun, self._attribute) is not None:
            return self._registered(fun)
        if fun.kind in ("zero", "test") or (fun.kind == "rule" and fun.traced is None):
            raise KeyError(fun)
        return self._recorded(fun)

    def __setitem__(self, fun: Any, rule: Any) -> None:
        self._removed.discard(fun)
        if not isinstance(fun, Primitive):
            self._functions[fun] = rule
        elif rule == self._recorded(fun):
            self._restore(fun)
        else:
            self._define(fun, rule)

    def _restore(self, fun: Any) -> None:
        """Undo what was done to a built-in in this mode; rules for the other mode stay."""
        other = "jvps" if self._attribute == "vjps" else "vjps"
        kept = getattr(fun, other)
        _core.restore_rules(fun)
        if kept is not None and (kept.by_argnum or kept.joint is not None or _is_given(kept.rest)):
            _core._rules_of(fun, other)
            setattr(fun, other, kept)

    def __delitem__(self, fun: Any) -> None:
        if fun in self._functions:
            del self._functions[fun]
            return
        self[fun]
        self._define(fun, self._removed_rule(fun))
        self._removed.add(fun)

    def __iter__(self) -> Iterator[Any]:
        seen = {*self._functions, *table.values(), *_core.operations().values()}
        return (fun for fun in seen if fun in self)

    def __contains__(self, fun: object) -> bool:
        try:
            self[fun]
        except KeyError:
            return False
        return True

    def __len__(self) -> int:
        return sum(1 for _ in self)


primitive_vjps: MutableMapping[Any, VjpMaker] = _Rules(
    "vjps", _RecordedVjp, registered_vjp, _removed_vjp, defvjp_argnums
)
primitive_jvps: MutableMapping[Any, JvpMaker] = _Rules(
    "jvps", _RecordedJvp, registered_jvp, _removed_jvp, defjvp_argnums
)
