"""The rules of primitives as mappings: `primitive_vjps` and `primitive_jvps`.

This is the way for programs that look into the rules or make `VJPNode`s themselves, and for
primitives on containers. The core has rules of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any

from .. import _core
from .._core import Primitive, defjvp_argnums, defvjp_argnums, missing_rule
from ..numpy.registry import table
from .cotangents import sum_outgrads
from .spaces.vector_spaces import vspace

__all__ = [
    "JvpMaker",
    "VjpMaker",
    "primitive_jvps",
    "primitive_vjps",
    "registered_jvp",
    "registered_vjp",
]

VjpMaker = Callable[[Sequence[int], Any, tuple[Any, ...], dict[str, Any]], Callable[[Any], Any]]
JvpMaker = Callable[[Sequence[int], Sequence[Any], Any, tuple[Any, ...], dict[str, Any]], Any]


def _own_vjp(fun: Any) -> _Rule:
    return _Rule(fun, _core.own_rules(fun, "vjps"), _apply_vjp)


def _own_jvp(fun: Any) -> _Rule:
    return _Rule(fun, _core.own_rules(fun, "jvps"), _apply_jvp)


def registered_vjp(fun: Any) -> Any:
    """The rules that hold for a primitive now, as one maker for several arguments."""
    return _Rule(fun, fun.vjps and fun.vjps.copy(), _apply_vjp)


def registered_jvp(fun: Any) -> Any:
    """The rules that hold for a primitive now, as one."""
    return _Rule(fun, fun.jvps and fun.jvps.copy(), _apply_jvp)


class _Rule:
    """Rules of one mode as one function; what is given later does not change it."""

    __slots__ = ("apply", "fun", "rules")

    def __init__(self, fun: Any, rules: Any, apply: Callable[..., Any]) -> None:
        self.fun = fun
        self.rules = rules
        self.apply = apply

    def __call__(self, *call: Any) -> Any:
        return self.apply(self.fun, self.rules, *call)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Rule)
            and self.fun is other.fun
            and self.rules is other.rules
            and self.apply is other.apply
        )

    def __hash__(self) -> int:
        return hash(self.fun)


def _apply_vjp(
    fun: Any,
    rules: Any,
    argnums: Sequence[int],
    ans: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Callable[[Any], Any]:
    vjp = _core.vjp_of(fun, rules, tuple(argnums), ans, tuple(args), kwargs)
    return _with_zeros(vjp, argnums, args)


def _apply_jvp(
    fun: Any,
    rules: Any,
    argnums: Sequence[int],
    gs: Sequence[Any],
    ans: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    call = (tuple(argnums), tuple(gs), ans, tuple(args), kwargs)
    tangent = _core.jvp_of(fun, rules, *call, _sum_of_two)
    return vspace(ans).zeros() if tangent is None else tangent


def _sum_of_two(x: Any, y: Any) -> Any:
    return sum_outgrads((x, y))


def _with_zeros(
    vjp: Callable[[Any], Any], argnums: Sequence[int], args: Sequence[Any]
) -> Callable[[Any], tuple[Any, ...]]:
    """The vjp with a zero cotangent in place of None."""

    def complete(g: Any) -> tuple[Any, ...]:
        return tuple(
            [
                vspace(args[argnum]).zeros() if cotangent is None else cotangent
                for argnum, cotangent in zip(argnums, vjp(g))
            ]
        )

    return complete


class _Removed:
    """The rule of what was taken out of a mapping: there is none."""

    __slots__ = ("fun", "mode")

    def __init__(self, fun: Any, mode: str) -> None:
        self.fun = fun
        self.mode = mode

    def __call__(self, argnums: Sequence[int], *call: Any) -> Any:
        raise missing_rule(self.fun, argnums, self.mode)


class _Mapping(MutableMapping[Any, Any]):
    """Primitive -> its rule for several arguments at once; changes are rules like any other.

    Every built-in with a derivative is in it. What is taken out has no rule until something is put
    in its place; to put back what was there restores the built-in rule.
    """

    def __init__(
        self,
        mode: str,
        own: Callable[[Any], Any],
        registered: Callable[[Any], Any],
        define: Callable[[Any, Any], None],
    ) -> None:
        self._mode = mode
        self._attribute = mode.lower() + "s"
        self._own = own
        self._registered = registered
        self._define = define
        self._functions: dict[Any, Any] = {}  # rules of what is no Primitive

    def __getitem__(self, fun: Any) -> Any:
        if fun in self._functions:
            return self._functions[fun]
        if not isinstance(fun, Primitive):
            raise KeyError(fun)
        rules = getattr(fun, self._attribute)
        if rules is not None and rules.users:
            if isinstance(rules.joint, _Removed) and not rules.by_argnum:
                raise KeyError(fun)
            return self._registered(fun)
        if fun.kind in ("zero", "test") or not _core.has_own(fun, self._attribute):
            raise KeyError(fun)
        return self._own(fun)

    def __setitem__(self, fun: Any, rule: Any) -> None:
        if not isinstance(fun, Primitive):
            self._functions[fun] = rule
        elif rule == self._own(fun):
            _core.restore_rules(fun, (self._attribute,))
        else:
            _core.rules_of(fun, self._attribute, users=True)
            self._define(fun, rule)

    def __delitem__(self, fun: Any) -> None:
        if fun in self._functions:
            del self._functions[fun]
            return
        self[fun]
        self[fun] = _Removed(fun, self._mode)

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


primitive_vjps: MutableMapping[Any, VjpMaker] = _Mapping(
    "VJP", _own_vjp, registered_vjp, defvjp_argnums
)
primitive_jvps: MutableMapping[Any, JvpMaker] = _Mapping(
    "JVP", _own_jvp, registered_jvp, defjvp_argnums
)
