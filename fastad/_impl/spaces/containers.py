"""Containers as trees: taking an argument apart into its leaves and putting it together again.

The tape knows floats and arrays only. An operator flattens its argument into a list of leaves,
boxes each leaf, and rebuilds a container of the same type for the function; gradients go back the
same way. So a container inside a traced function is the user's own list or dict, never a wrapper
around one.

What counts as a container: `list`, `tuple`, `dict` and their subclasses (named tuples,
`OrderedDict`, `defaultdict`), dataclass instances, and any type given to `register_container`.
Everything else is a leaf. `None` is a container without leaves: it stays `None` in a gradient.

In a dataclass, and in whatever it holds, a value that is not a float, a complex number or an
array of them (a string, an int, a bool, an integer array, a function) is a constant: it reaches
the function unchanged and comes back unchanged in the gradient. Elsewhere such a value is an
error, since it is more often a mistake (`1` for `1.0`) than a setting.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as onp

from ..._core import isbox

__all__ = ["Structure", "flatten", "register_container", "tree_map"]


class _Kind(NamedTuple):
    """How one type of container is taken apart and put together."""

    split: Callable[[Any], tuple[Sequence[Any], Any]]  # value -> children, aux
    join: Callable[[Any, Sequence[Any]], Any]  # aux, children -> value
    labels: Callable[[Any, int], Iterable[str]]  # aux, number of children -> how each is written
    matches: Callable[[Any, Any], bool]  # aux of the pattern, aux of another value
    lenient: bool = False  # leaves that cannot be differentiated are constants


class Structure:
    """The shape of a container without its leaves.

    Attributes
    ----------
    size : int
        Number of leaves.
    is_leaf : bool
        The value was no container at all.
    """

    __slots__ = ("aux", "children", "constant", "kind", "size", "type")

    def __init__(
        self,
        kind: _Kind | None = None,
        type_: type | None = None,
        aux: Any = None,
        children: tuple[Structure, ...] = (),
        constant: bool = False,
    ) -> None:
        self.kind = kind
        self.type = type_
        self.aux = aux
        self.children = children
        self.constant = constant
        if kind is None:
            self.size = 0 if constant else 1
        else:
            self.size = sum(child.size for child in children)

    @property
    def is_leaf(self) -> bool:
        """True if the value was no container."""
        return self.kind is None and not self.constant

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """Build the container from its leaves, in the order in which `flatten` gave them."""
        return self._join(iter(leaves))

    def _join(self, leaves: Iterator[Any]) -> Any:
        if self.kind is None:
            return self.aux if self.constant else next(leaves)
        return self.kind.join(self.aux, [child._join(leaves) for child in self.children])

    def flatten_like(self, value: Any, what: str = "value", *, loose: bool = False) -> list[Any]:
        """Leaves of `value`, which must have this structure; what stands at a leaf is taken whole.

        Loosely, one kind of sequence may stand for another: a list or an array for a tuple.

        Raises
        ------
        TypeError
            If `value` has another structure; the text says where.
        """
        leaves: list[Any] = []
        self._match(value, leaves, what, "", loose)
        return leaves

    def _match(self, value: Any, leaves: list[Any], what: str, path: str, loose: bool) -> None:
        if self.kind is None:
            if not self.constant:
                leaves.append(value)
            return
        kind = kind_of(type(value))
        children: Sequence[Any] = ()
        same = kind is not None and kind.split is self.kind.split
        if same and kind is not None:
            children, aux = kind.split(value)
            same = len(children) == len(self.children) and kind.matches(self.aux, aux)
            if same and isinstance(value, dict):
                # The pattern's order rules: equal keys in another order are the same dict.
                children = [value[key] for key in self.aux[1]]
        if not same and loose and issubclass(self.type or object, (list, tuple)):
            if isinstance(value, (list, tuple, onp.ndarray)) or isbox(value):
                children = list(value)
                same = len(children) == len(self.children)
        if not same:
            raise TypeError(
                f"{what}{path} must have the structure {self}; "
                f"got {_brief(value)} of type {type(value).__name__}"
            )
        labels = self.kind.labels(self.aux, len(children))
        for child, label, part in zip(self.children, labels, children):
            child._match(part, leaves, what, path + label, loose)

    def paths(self) -> list[str]:
        """How each leaf is reached, as Python writes it: `['layers'][0].weight`."""
        found: list[str] = []
        self._collect_paths("", found)
        return found

    def _collect_paths(self, path: str, found: list[str]) -> None:
        if self.kind is None:
            if not self.constant:
                found.append(path)
            return
        for child, label in zip(self.children, self.kind.labels(self.aux, len(self.children))):
            child._collect_paths(path + label, found)

    def sorted_order(self) -> list[int]:
        """Positions of the leaves when every dict is read in the order of its sorted keys."""
        order: list[int] = []
        self._collect_sorted(0, order)
        return order

    def _collect_sorted(self, start: int, order: list[int]) -> None:
        if self.kind is None:
            order.extend(range(start, start + self.size))
            return
        starts = []
        for child in self.children:
            starts.append(start)
            start += child.size
        positions = list(range(len(self.children)))
        if self.kind.split is _split_dict:
            try:
                positions.sort(key=lambda i: self.aux[1][i])
            except TypeError:  # keys of mixed types have no order: theirs is the dict's own
                positions = list(range(len(self.children)))
        for i in positions:
            self.children[i]._collect_sorted(starts[i], order)

    def __str__(self) -> str:
        if self.kind is None:
            return _brief(self.aux) if self.constant else "*"
        name = self.type.__name__ if self.type is not None else "container"
        labels = self.kind.labels(self.aux, len(self.children))
        inner = ", ".join(f"{label}: {child}" for label, child in zip(labels, self.children))
        return f"{name}({inner})"

    __repr__ = __str__


_LEAF = Structure()
_NONE = Structure(constant=True)


def flatten(value: Any, *, lenient: bool = False) -> tuple[list[Any], Structure]:
    """Take a value apart into leaves.

    Parameters
    ----------
    value : object
        A leaf, or containers of leaves in any nesting.
    lenient : bool
        Treat leaves that cannot be differentiated as constants everywhere, as in a dataclass.

    Returns
    -------
    leaves : list
    structure : Structure
        `structure.unflatten(leaves)` builds an equal container of the same types.

    Raises
    ------
    ContainerError
        If a container holds itself, or containers are nested more than 200 deep.
    """
    leaves: list[Any] = []
    return leaves, _flatten(value, leaves, lenient, set())


class ContainerError(ValueError):
    """A container holds itself, or containers are nested too deep."""


# Each level of nesting costs several frames of Python's stack.
_DEEPEST = 200


def _flatten(value: Any, leaves: list[Any], lenient: bool, around: set[int]) -> Structure:
    kind = kind_of(type(value))
    if kind is None:
        if value is None:
            return _NONE
        if lenient and not is_differentiable(value):
            return Structure(aux=value, constant=True)
        leaves.append(value)
        return _LEAF
    if id(value) in around:
        raise ContainerError(
            f"a {type(value).__name__} holds itself, and has no end of leaves to differentiate by; "
            "pass the parts that the function needs"
        )
    if len(around) >= _DEEPEST:
        raise ContainerError(
            f"containers are nested more than {_DEEPEST} deep; pass a flat list of the leaves"
        )
    children, aux = kind.split(value)
    lenient = lenient or kind.lenient
    around.add(id(value))
    parts = tuple([_flatten(child, leaves, lenient, around) for child in children])
    around.discard(id(value))
    return Structure(kind, type(value), aux, parts)


def is_container(type_: type) -> bool:
    """True for the types whose values are taken apart; None's is one without leaves."""
    return kind_of(type_) is not None


def tree_map(function: Callable[..., Any], value: Any, *others: Any) -> Any:
    """Apply a function to every leaf (of several values of equal structure together)."""
    leaves, structure = flatten(value)
    columns = [structure.flatten_like(other) for other in others]
    return structure.unflatten([function(*row) for row in zip(leaves, *columns)])


def is_differentiable(value: Any) -> bool:
    """True for a float, a complex number, a NumPy array or scalar of these, and a traced value."""
    if isbox(value) or isinstance(value, (float, complex, onp.inexact)):
        return True
    return isinstance(value, onp.ndarray) and issubclass(value.dtype.type, onp.inexact)


def register_container(
    type_: type,
    flatten: Callable[[Any], tuple[Sequence[Any], Any]],
    unflatten: Callable[[Any, Sequence[Any]], Any],
) -> None:
    """Make instances of a class containers, so that operators differentiate through them.

    Parameters
    ----------
    type_ : type
        The class; subclasses follow unless registered themselves.
    flatten : callable
        `flatten(value)` gives `(children, aux)`: the parts to differentiate, and the rest.
    unflatten : callable
        `unflatten(aux, children)` builds a value; the children may be traced values or gradients.

    Examples
    --------
    >>> from fastad import grad
    >>> from fastad.extend import register_container
    >>> class Pair:
    ...     def __init__(self, a, b):
    ...         self.a, self.b = a, b
    >>> register_container(Pair, lambda p: ([p.a, p.b], None), lambda aux, parts: Pair(*parts))
    >>> float(grad(lambda p: p.a * p.b)(Pair(2.0, 3.0)).a)
    3.0
    """
    if not isinstance(type_, type):
        raise TypeError(
            f"register_container: the first argument must be a class, not {_brief(type_)}"
        )
    _registered[type_] = _Kind(flatten, unflatten, _index_labels, _same_aux)
    _kinds.clear()


# ---- the built-in kinds


def _index_labels(aux: Any, n: int) -> Iterable[str]:
    return [f"[{i}]" for i in range(n)]


def _same_aux(pattern: Any, other: Any) -> bool:
    return True


def _split_list(value: Any) -> tuple[Sequence[Any], Any]:
    return value, (None if type(value) is list else value)


def _join_list(template: Any, children: Sequence[Any]) -> Any:
    if template is None:
        return list(children)
    # A copy keeps what a subclass holds beside its items, without calling its constructor.
    result = copy.copy(template)
    result[:] = children
    return result


def _split_tuple(value: Any) -> tuple[Sequence[Any], Any]:
    return value, (None if type(value) is tuple else value)


def _join_tuple(template: Any, children: Sequence[Any]) -> Any:
    if template is None:
        return tuple(children)
    # tuple.__new__ serves named tuples too, and never a constructor with other arguments.
    result = tuple.__new__(type(template), children)
    extra = getattr(template, "__dict__", None)
    if extra:
        result.__dict__.update(extra)
    return result


def _tuple_labels(template: Any, n: int) -> Iterable[str]:
    fields = getattr(template, "_fields", None)
    if isinstance(fields, tuple) and len(fields) == n:
        return [f".{field}" for field in fields]
    return _index_labels(None, n)


def _split_dict(value: Any) -> tuple[Sequence[Any], Any]:
    return list(value.values()), (None if type(value) is dict else value, list(value))


def _join_dict(aux: Any, children: Sequence[Any]) -> Any:
    template, keys = aux
    if template is None:
        return dict(zip(keys, children))
    result = copy.copy(template)
    for key, child in zip(keys, children):
        result[key] = child
    return result


def _dict_labels(aux: Any, n: int) -> Iterable[str]:
    return [f"[{key!r}]" for key in aux[1]]


def _same_keys(pattern: Any, other: Any) -> bool:
    return set(pattern[1]) == set(other[1])


def _split_dataclass(value: Any) -> tuple[Sequence[Any], Any]:
    names = [field.name for field in dataclasses.fields(value) if _has(value, field.name)]
    return [getattr(value, name) for name in names], (value, names)


def _has(value: Any, name: str) -> bool:
    try:
        getattr(value, name)
    except AttributeError:  # a field with init=False that was never set
        return False
    return True


def _join_dataclass(aux: Any, children: Sequence[Any]) -> Any:
    template, names = aux
    # The constructor is not called: __post_init__ may check or convert what is now a traced
    # value, and fields with init=False have to be set as well. object.__setattr__ passes a frozen
    # class.
    result = object.__new__(type(template))
    extra = getattr(template, "__dict__", None)
    if extra:
        result.__dict__.update(extra)
    for name, child in zip(names, children):
        object.__setattr__(result, name, child)
    return result


def _dataclass_labels(aux: Any, n: int) -> Iterable[str]:
    return [f".{name}" for name in aux[1]]


def _same_class(pattern: Any, other: Any) -> bool:
    return type(pattern[0]) is type(other[0])


_LIST = _Kind(_split_list, _join_list, _index_labels, _same_aux)
_TUPLE = _Kind(_split_tuple, _join_tuple, _tuple_labels, _same_aux)
_DICT = _Kind(_split_dict, _join_dict, _dict_labels, _same_keys)
_DATACLASS = _Kind(_split_dataclass, _join_dataclass, _dataclass_labels, _same_class, lenient=True)

_registered: dict[type, _Kind] = {}
_kinds: dict[
    type, _Kind | None
] = {}  # the answer for each type seen, so that a leaf costs one lookup


def kind_of(type_: type) -> _Kind | None:
    try:
        return _kinds[type_]
    except KeyError:
        kind = _kinds[type_] = _find_kind(type_)
        return kind


def _find_kind(type_: type) -> _Kind | None:
    for base in type_.__mro__:
        if base in _registered:
            return _registered[base]
    if issubclass(type_, list):
        return _LIST
    if issubclass(type_, tuple):
        return _TUPLE
    if issubclass(type_, dict):
        return _DICT
    if dataclasses.is_dataclass(type_):
        return _DATACLASS
    return None


def _brief(value: Any, width: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= width else text[: width - 3] + "..."
