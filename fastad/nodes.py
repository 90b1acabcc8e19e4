"""Reverse and forward mode over graphs of Python nodes, and the rules of primitives as mappings.

This is the way for programs that make `VJPNode`s themselves, walk a graph with `backward_pass`, or
look into `primitive_vjps`. The operators do not come here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from functools import reduce
from typing import Any

from . import _core
from ._core import Primitive, defjvp_argnums, defvjp_argnum, defvjp_argnums
from .containers import flatten, tree_map
from .tracer import Node, join_leaves, take_leaf, toposort
from .vspaces import VSpace, vspace

__all__ = [
    "JVPNode",
    "SparseBox",
    "SparseObject",
    "VJPNode",
    "add_outgrads",
    "backward_pass",
    "primitive_jvps",
    "primitive_vjps",
    "sparse_add",
    "sum_outgrads",
]

VjpMaker = Callable[[Sequence[int], Any, tuple[Any, ...], dict[str, Any]], Callable[[Any], Any]]
JvpMaker = Callable[[Sequence[int], Sequence[Any], Any, tuple[Any, ...], dict[str, Any]], Any]


def _missing(mode: str, fun: Any, argnums: Sequence[int]) -> NotImplementedError:
    name = getattr(fun, "__name__", fun)
    return NotImplementedError(
        f"{mode} of {name} wrt argnums {tuple(argnums)} not defined; add one with "
        f"fastad.extend.def{mode.lower()}"
    )


# ---- nodes


class VJPNode(Node):
    """A node that knows how to take a cotangent of its value back to its parents."""

    __slots__ = ("parents", "vjp")

    def __init__(
        self,
        value: Any,
        fun: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        parent_argnums: tuple[int, ...],
        parents: tuple[Any, ...],
    ) -> None:
        self.parents = parents
        try:
            maker = primitive_vjps[fun]
        except KeyError:
            raise _missing("VJP", fun, parent_argnums) from None
        self.vjp = maker(parent_argnums, value, args, kwargs)

    def initialize_root(self) -> None:
        """A root has nothing above it."""
        self.parents = ()
        self.vjp = _no_parents


def _no_parents(g: Any) -> tuple[Any, ...]:
    return ()


class JVPNode(Node):
    """A node that carries the tangent of its value as `g`."""

    __slots__ = ("g",)

    def __init__(
        self,
        value: Any,
        fun: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        parent_argnums: tuple[int, ...],
        parents: tuple[Any, ...],
    ) -> None:
        try:
            maker = primitive_jvps[fun]
        except KeyError:
            raise _missing("JVP", fun, parent_argnums) from None
        self.g = maker(parent_argnums, [parent.g for parent in parents], value, args, kwargs)

    def initialize_root(self, g: Any) -> None:
        """A root carries the tangent that was asked for."""
        self.g = g


class _TapeNode(VJPNode):
    """What a value of fastad's own tape has as `_node`: it tells the mode, and nodes apart."""

    __slots__ = ("box",)

    def __init__(self, box: Any) -> None:
        self.box = box

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _TapeNode) and self.box is other.box

    def __hash__(self) -> int:
        return hash(self.box)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"a value of fastad's own tape has no node with {name!r}; record the function with "
            "fastad.tracer.trace(VJPNode.new_root(), fun, x) to have a graph of Python nodes"
        )


def _node_of(box: Any) -> Any:
    tangent = box._tangent
    if isinstance(tangent, Node):  # of a graph whose trace has ended
        return tangent
    return _TapeNode(box) if tangent is None else JVPNode.new_root(tangent)


_core.set_node(_node_of)


def backward_pass(g: Any, end_node: Any) -> Any:
    """Take a cotangent from the end of a graph to its root.

    Parameters
    ----------
    g : object
        Cotangent of the end's value.
    end_node : VJPNode
        From `trace`.
    """
    pending = {end_node: (g, False)}
    outgrad = (g, False)
    for node in toposort(end_node):
        outgrad = pending.pop(node)
        for parent, ingrad in zip(node.parents, node.vjp(outgrad[0])):
            pending[parent] = add_outgrads(pending.get(parent), ingrad)
    return outgrad[0]


# ---- sums of cotangents


class SparseObject:
    """A cotangent that is zero but for a part, as a function that adds it to a vector.

    Parameters
    ----------
    vs : VSpace
        The space of the whole cotangent.
    mut_add : callable
        `mut_add(x)` returns `x` with the part added; it may write into `x`.
    """

    __slots__ = ("mut_add", "vs")

    def __init__(self, vs: VSpace, mut_add: Callable[[Any], Any]) -> None:
        self.vs = vs
        self.mut_add = mut_add


VSpace.register(SparseObject, lambda sparse: sparse.vs)


def _dense(sparse: SparseObject) -> Any:
    return sparse.mut_add(sparse.vs.zeros())


_core.set_result_hook(SparseObject, _dense)


class SparseBox(_core.Box):
    """The name under which autograd traces sparse cotangents; fastad makes them dense before."""


sparse_object_types = {SparseObject, SparseBox}


def sparse_add(vs: VSpace, x_prev: Any, x_new: SparseObject) -> Any:
    """Add a sparse cotangent to a dense one, which may be written into; None stands for zero."""
    return x_new.mut_add(vs.zeros() if x_prev is None else x_prev)


def add_outgrads(prev_g_flagged: tuple[Any, bool] | None, g: Any) -> tuple[Any, bool]:
    """Add a cotangent to a sum `(vector, may be written into)`; None stands for no sum yet."""
    sparse = isinstance(g, SparseObject)
    if prev_g_flagged is None:
        return (_dense(g), True) if sparse else (g, False)
    previous, mutable = prev_g_flagged
    space = vspace(g)
    if sparse:
        if not mutable:
            previous = space.add(space.zeros(), previous)
        return sparse_add(space, previous, g), True
    return (space.mut_add(previous, g) if mutable else space.add(previous, g)), True


def sum_outgrads(gs: Any) -> Any:
    """Sum of cotangents."""
    total = reduce(add_outgrads, gs, None)
    return None if total is None else total[0]


def _add(x: Any, y: Any) -> Any:
    """Sum of two cotangents of a type that NumPy does not know."""
    return vspace(x).add(x, y)


_core.set_add(_add)


# ---- rules as mappings


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
        from .core import make_vjp

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
        from .core import make_jvp

        partial, chosen = self.partial(argnums, args, kwargs)
        return make_jvp(partial, chosen)(tuple(gs))[1]


def _registered_vjp(fun: Any) -> VjpMaker:
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
                vjps.append(_zero_vjp(args[argnum]) if one is None else one(ans, *args, **kwargs))
            elif rules.rest is not None:
                vjps.append(rules.rest(argnum, ans, args, kwargs))
            elif fun.kind != "rule":  # a built-in, some of whose rules are replaced
                vjps.append(_core.builtin_vjp(fun, argnum, args, kwargs))
            else:
                raise _missing("VJP", fun, argnums)
        return lambda g: tuple([vjp(g) for vjp in vjps])

    return maker


def _zero_vjp(value: Any) -> Callable[[Any], Any]:
    return lambda g: vspace(value).zeros()


def _registered_jvp(fun: Any) -> JvpMaker:
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
                raise _missing("JVP", fun, argnums)
        return sum_outgrads(terms)

    return jvp


def _removed_vjp(fun: Any) -> VjpMaker:
    def maker(argnums: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        raise _missing("VJP", fun, argnums)

    return maker


def _removed_jvp(fun: Any) -> JvpMaker:
    def jvp(argnums: Any, gs: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        raise _missing("JVP", fun, argnums)

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
        from .numpy.registry import table

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
    "vjps", _RecordedVjp, _registered_vjp, _removed_vjp, defvjp_argnums
)
primitive_jvps: MutableMapping[Any, JvpMaker] = _Rules(
    "jvps", _RecordedJvp, _registered_jvp, _removed_jvp, defjvp_argnums
)


# ---- the two operations on containers that a graph has


def _take_leaf_vjp(argnums: Any, ans: Any, args: Any, kwargs: Any) -> Callable[[Any], Any]:
    container, i = args

    def vjp(g: Any) -> tuple[Any]:
        leaves, structure = flatten(tree_map(lambda leaf: vspace(leaf).zeros(), container))
        leaves[i] = g
        return (structure.unflatten(leaves),)

    return vjp


def _join_leaves_vjp(argnums: Any, ans: Any, args: Any, kwargs: Any) -> Callable[[Any], Any]:
    def vjp(g: Any) -> tuple[Any, ...]:
        parts = args[0].flatten_like(g)
        return tuple([parts[argnum - 1] for argnum in argnums])

    return vjp


def _join_leaves_jvp(argnums: Any, gs: Any, ans: Any, args: Any, kwargs: Any) -> Any:
    parts = [vspace(leaf).zeros() for leaf in args[1:]]
    for argnum, g in zip(argnums, gs):
        parts[argnum - 1] = g
    return args[0].unflatten(parts)


primitive_vjps[take_leaf] = _take_leaf_vjp
primitive_jvps[take_leaf] = lambda argnums, gs, ans, args, kwargs: take_leaf(gs[0], args[1])
primitive_vjps[join_leaves] = _join_leaves_vjp
primitive_jvps[join_leaves] = _join_leaves_jvp


def make_constant(trace_type: type, fun: Primitive) -> None:
    """Make a primitive's derivative zero in one mode: what `register_notrace` asks for."""
    if issubclass(trace_type, VJPNode):
        defvjp_argnum(fun, lambda argnum, ans, args, kwargs: _zero_vjp(args[argnum]))
    elif issubclass(trace_type, JVPNode):
        defjvp_argnums(fun, lambda argnums, gs, ans, args, kwargs: vspace(ans).zeros())
