"""`isinstance` and `type` that see through traced values; and containers, which need no wrapper.

In fastad a container inside a traced function is a plain one, so `list`, `tuple` and `dict` are
Python's own.
"""

import builtins as _builtins
from builtins import dict, list, tuple  # noqa: UP029
from typing import Any

from ._core import getval

__all__ = ["dict", "isinstance", "list", "tuple", "type"]


def isinstance(x: Any, A: Any) -> bool:
    """True if `x`, or the value that it stands for, is an instance of `A`."""
    return _builtins.isinstance(x, A) or _builtins.isinstance(getval(x), A)


def type(A: Any, *args: Any) -> Any:
    """The type of the value that `A` stands for (with three arguments: a new type)."""
    return _builtins.type(A, *args) if args else _builtins.type(getval(A))
