"""`isinstance` and `type` that see through traced values; and containers, which need no wrapper.

In fastad a container inside a traced function is a plain one, so `list`, `tuple` and `dict` are
Python's own. `SequenceBox` and `DictBox` stand for those that hold traced values, in `isinstance`.
"""

from __future__ import annotations

import builtins as _builtins
from builtins import dict, list, tuple  # noqa: UP029
from typing import Any

from .._core import getval, isbox
from .cotangents import SparseObject
from .spaces.containers import flatten as _flatten
from .spaces.vector_spaces import ContainerVSpace

__all__ = ["dict", "isinstance", "list", "tuple", "type"]

isinstance_ = _builtins.isinstance
type_ = _builtins.type
tuple_, list_, dict_ = tuple, list, dict


def isinstance(x: Any, A: Any) -> bool:
    """True if `x`, or the value that it stands for, is an instance of `A`."""
    return isinstance_(x, A) or isinstance_(getval(x), A)


def type(A: Any, *args: Any) -> Any:
    """The type of the value that `A` stands for (with three arguments: a new type)."""
    return type_(A, *args) if args else type_(getval(A))


# ---- names for containers that hold traced values


class _HoldsTraced(type_):
    kinds: tuple[Any, ...]

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance_(instance, cls.kinds) and any(map(isbox, _flatten(instance)[0]))


class SequenceBox(metaclass=_HoldsTraced):
    """What `isinstance` answers True for: a list or tuple that holds traced values."""

    kinds = (list_, tuple_)


class ListBox(metaclass=_HoldsTraced):
    """What `isinstance` answers True for: a list that holds traced values."""

    kinds = (list_,)


class TupleBox(metaclass=_HoldsTraced):
    """What `isinstance` answers True for: a tuple that holds traced values."""

    kinds = (tuple_,)


class DictBox(metaclass=_HoldsTraced):
    """What `isinstance` answers True for: a dict that holds traced values."""

    kinds = (dict_,)


# ---- operations on containers, which are plain Python here


def container_take(A: Any, idx: Any) -> Any:
    """An item, or a slice, of a container."""
    return A[idx]


def container_untake(x: Any, idx: Any, vs: Any) -> SparseObject:
    """A cotangent of a container that is zero but for an item, or a slice."""

    def mut_add(A: Any) -> Any:
        parts = dict_(A) if isinstance_(A, dict_) else list_(A)
        if isinstance_(idx, slice):
            spaces = vs.shape[idx]
            parts[idx] = [space.add(a, b) for space, a, b in zip(spaces, parts[idx], x)]
        else:
            parts[idx] = vs.shape[idx].add(parts[idx], x)
        return tuple_(parts) if isinstance_(A, tuple_) else parts

    return SparseObject(vs, mut_add)


def make_sequence(seq_type: Any, *args: Any) -> Any:
    """A sequence of the arguments."""
    return seq_type(args)


def sequence_extend_right(seq: Any, *elts: Any) -> Any:
    """A sequence with items behind it."""
    return seq + type_(seq)(elts)


def sequence_extend_left(seq: Any, *elts: Any) -> Any:
    """A sequence with items before it."""
    return type_(seq)(elts) + seq


class SequenceVSpace(ContainerVSpace):
    """The space of a sequence."""

    seq_type: Any = list_


class ListVSpace(SequenceVSpace):
    """The space of a list."""


class TupleVSpace(SequenceVSpace):
    """The space of a tuple."""

    seq_type = tuple_


class NamedTupleVSpace(SequenceVSpace):
    """The space of a named tuple."""


class DictVSpace(ContainerVSpace):
    """The space of a dict."""
