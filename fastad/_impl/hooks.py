"""What answers where the compiled core asks Python: one structure, given once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from .. import _core
from ..numpy import operands, protocol, registry
from . import cotangents, leading, warning
from .loading import late_function
from .operators.gradients import compiled_rules
from .spaces import containers, leaves

__all__ = ["Hooks", "install"]


class Hooks(SimpleNamespace):  # a NamedTuple takes longer to be made than all else here
    """The hooks of the core.

    Attributes
    ----------
    load_rules, load_attributes : callable
        `load_rules(primitive)` loads what has the rules of one that was made before them, and
        tells whether all are there; `load_attributes(primitive)` gives it those of its ufunc.
    by_function : dict
        NumPy's function -> the primitive that answers for it.
    for_ufunc, for_function : callable
        Answer `numpy.sin(box)` and `numpy.sum(box)`: the arguments of `__array_ufunc__` and
        `__array_function__`.
    methods : mapping
        ndarray's methods for traced arrays, by name; the array is the first argument.
    general_call : callable
        `general_call(primitive, args, kwargs)` answers calls of table operations with options.
    call_trees : callable
        `call_trees(primitive, args, kwargs[, ans])` records a primitive on containers.
    is_tree, holds_traced : callable
        Whether values of a type are containers; whether one holds traced values.
    record : callable
        `record(primitive, ans, args, kwargs, argnums, boxes)`: the traced value for an operation
        on a level of Python nodes.
    node_of : callable
        `node_of(box)` is `box._node` for traced values of tapes and forward levels.
    new_box : callable
        `new_box(value, trace, node)` is what `ArrayBox(value, trace, node)` stands for.
    add : callable
        `add(x, y)` adds cotangents of types that NumPy does not know.
    conversions : mapping
        Results of rules and primitives that have one of these types are replaced by
        `conversions[type](result)`.
    refused : callable
        `refused(box, why)` raises the error for a plain value that must not be read.
    held : callable
        `held(box)` is what holds the box where an operator asks for an array only to tell whose
        operator answers; None elsewhere.
    missing : callable
        `missing(name)` says why a traced value has not the attribute that is asked for; None where
        there is nothing to say.
    foreign_operator : callable
        `foreign_operator(name, left, right)`: a ufunc of a traced value and another library's
        object, or NotImplemented.
    answered_for : callable
        `answered_for(type)`: whether `foreign_operator` and `foreign_call` take values of it.
    foreign_call : callable
        `foreign_call(primitive, args, kwargs)`: a call with such a value beside a traced one.
    value_and_grad, elementwise_grad : callable
        The unary rules that the compiled way of these operators stands for.
    check_leaf, refuse_leaf : callable
        `check_leaf(leaf, i, structure, fun)` raises for the i-th leaf of an argument that has no
        derivative, `refuse_leaf(error, i, structure, fun)` says of which argument an error is.
    conform : callable
        `conform(vector, value, what)`: a tangent or cotangent of this value that the user gave.
    zeros_like : callable
        `zeros_like(leaf)`: its zero tangent.
    warn_independent : callable
        `warn_independent(losses)` warns that an output does not depend on the argument.
    first_level : callable
        `first_level()` is called before the first level is opened, by each thread that opens one
        until it has returned True.
    inner_folders : sequence of str
        Files in these folders (a separator at the end) are not part of the user's program.
    """

    load_rules: Callable[[Any], bool]
    load_attributes: Callable[[Any], None]
    by_function: dict[Any, Any]
    for_ufunc: Callable[[Any, str, tuple[Any, ...], dict[str, Any]], Any]
    for_function: Callable[[Any, Any, tuple[Any, ...], dict[str, Any]], Any]
    methods: Mapping[str, Any]
    general_call: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]
    call_trees: Callable[..., Any]
    is_tree: Callable[[type], bool]
    holds_traced: Callable[[Any], bool]
    record: Callable[..., Any]
    node_of: Callable[[Any], Any]
    new_box: Callable[[Any, int, Any], Any]
    add: Callable[[Any, Any], Any]
    conversions: Mapping[type, Callable[[Any], Any]]
    refused: Callable[[Any, str], Any]
    held: Callable[[Any], Any]
    missing: Callable[[str], str | None]
    foreign_operator: Callable[[str, Any, Any], Any]
    answered_for: Callable[[type], bool]
    foreign_call: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]
    value_and_grad: Callable[..., Any]
    elementwise_grad: Callable[..., Any]
    check_leaf: Callable[..., None]
    refuse_leaf: Callable[..., Any]
    conform: Callable[[Any, Any, str], Any]
    zeros_like: Callable[[Any], Any]
    warn_independent: Callable[..., None]
    first_level: Callable[[], bool]
    inner_folders: Sequence[str]


def install() -> None:
    """Give the core its hooks. What few programs need is loaded by its first call."""
    value_and_grad, elementwise_grad = compiled_rules

    def late(place: str) -> Callable[..., Any]:
        module, _, name = place.rpartition(".")
        return late_function(f"fastad.{module}", name)

    _core.install_hooks(
        Hooks(
            load_rules=registry.load_rules,
            load_attributes=late("numpy.ufuncs.attach"),
            by_function=registry.by_function,
            for_ufunc=protocol.for_ufunc,
            for_function=protocol.for_function,
            methods=protocol.array_methods(),
            general_call=late("numpy.general_calls.answer"),
            call_trees=late("_impl.trees.call"),
            is_tree=containers.is_container,
            holds_traced=containers.holds_traced,
            record=late("_impl.graph.record"),
            node_of=late("_impl.nodes.node_of"),
            new_box=late("_impl.graph.new_box"),
            add=cotangents.add,
            conversions={cotangents.SparseObject: cotangents.dense},
            refused=late("_impl.asking.refused"),
            held=late("_impl.asking.held"),
            missing=late("_impl.asking.missing"),
            foreign_operator=operands.foreign_operator,
            answered_for=operands.answered_for,
            foreign_call=operands.foreign_call,
            value_and_grad=value_and_grad,
            elementwise_grad=elementwise_grad,
            check_leaf=late("_impl.arguments.check_leaf"),
            refuse_leaf=late("_impl.arguments.refuse_leaf"),
            conform=leaves.conform,
            zeros_like=leaves.zeros_like,
            warn_independent=warning.warn_independent,
            first_level=leading.begin,
            inner_folders=warning.INNER_FOLDERS,
        )
    )
