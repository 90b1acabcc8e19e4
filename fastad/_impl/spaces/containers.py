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

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..._core import (
    ContainerError,
    ContainerKind,
    Structure,
    find_kinds_with,
    flatten,
    is_differentiable,
    isbox,
    kind_of,
    tree_map,
)

__all__ = [
    "ContainerError",
    "Structure",
    "flatten",
    "holds_traced",
    "is_container",
    "is_differentiable",
    "kind_of",
    "register_container",
    "tree_map",
]


def is_container(type_: type) -> bool:
    """True for the types whose values are taken apart; None's is one without leaves."""
    return kind_of(type_) is not None


def holds_traced(value: Any) -> bool:
    """Tell whether a container holds traced values."""
    try:
        return any(map(isbox, flatten(value, lenient=True)[0]))
    except ContainerError:  # one that holds itself, as configurations may: no argument
        return False


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
    _registered[type_] = ContainerKind(flatten, unflatten, _index_labels, _same_aux)
    find_kinds_with(_find_kind)


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
    import copy  # which NumPy does without

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
    import copy  # which NumPy does without

    result = copy.copy(template)
    for key, child in zip(keys, children):
        result[key] = child
    return result


def _dict_labels(aux: Any, n: int) -> Iterable[str]:
    return [f"[{key!r}]" for key in aux[1]]


def _same_keys(pattern: Any, other: Any) -> bool:
    return pattern[1] == other[1] or set(pattern[1]) == set(other[1])


def _split_dataclass(value: Any) -> tuple[Sequence[Any], Any]:
    import dataclasses  # there if there is a value of one; costs a fresh process 2 ms

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


_LIST = ContainerKind(_split_list, _join_list, _index_labels, _same_aux, builtin=list)
_TUPLE = ContainerKind(_split_tuple, _join_tuple, _tuple_labels, _same_aux, builtin=tuple)
_DICT = ContainerKind(_split_dict, _join_dict, _dict_labels, _same_keys, builtin=dict)
_DATACLASS = ContainerKind(
    _split_dataclass, _join_dataclass, _dataclass_labels, _same_class, lenient=True
)

_registered: dict[type, ContainerKind] = {}


def _find_kind(type_: type) -> ContainerKind | None:
    for base in type_.__mro__:
        if base in _registered:
            return _registered[base]
    if issubclass(type_, list):
        return _LIST
    if issubclass(type_, tuple):
        return _TUPLE
    if issubclass(type_, dict):
        return _DICT
    if hasattr(type_, "__dataclass_fields__"):
        return _DATACLASS
    return None


def _brief(value: Any, width: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= width else text[: width - 3] + "..."


find_kinds_with(_find_kind)
