"""The names for extending fastad: primitives, their rules, vector spaces, containers."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

from . import _core
from ._core import Box, Primitive, notrace_primitive, primitive, restore_rules
from .containers import register_container
from .nodes import JVPNode, SparseObject, VJPNode
from .numeric import numeric
from .tracer import register_notrace
from .vspaces import VSpace, vspace

F = TypeVar("F", bound=Callable[..., Any])


def _tolerant(define: F) -> F:
    """Let programs written for autograd give rules to what is no primitive, as they can there."""

    @functools.wraps(define)
    def call(fun: Any, *rules: Any, **options: Any) -> None:
        if not isinstance(fun, Primitive) and callable(fun):
            from . import compat

            if compat.installed():
                name = getattr(fun, "__name__", fun)
                warnings.warn(
                    f"{define.__name__}: {name} is no primitive, so the rule has no effect; "
                    "decorate it with primitive",
                    stacklevel=2,
                )
                return
        define(fun, *rules, **options)

    return cast(F, call)


defvjp = _tolerant(_core.defvjp)
defvjp_argnum = _tolerant(_core.defvjp_argnum)
defvjp_argnums = _tolerant(_core.defvjp_argnums)
defjvp = _tolerant(_core.defjvp)
defjvp_argnum = _tolerant(_core.defjvp_argnum)
defjvp_argnums = _tolerant(_core.defjvp_argnums)
def_linear = _tolerant(_core.def_linear)

__all__ = [
    "Box",
    "JVPNode",
    "SparseObject",
    "VJPNode",
    "VSpace",
    "def_linear",
    "defjvp",
    "defjvp_argnum",
    "defjvp_argnums",
    "defvjp",
    "defvjp_argnum",
    "defvjp_argnums",
    "notrace_primitive",
    "numeric",
    "primitive",
    "register_container",
    "register_notrace",
    "restore_rules",
    "vspace",
]
