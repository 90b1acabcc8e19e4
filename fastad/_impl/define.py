"""Giving rules to primitives: `defvjp`, `defjvp` and their kin."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

from .. import _core
from .._core import Primitive
from . import alias

__all__ = [
    "def_linear",
    "defjvp",
    "defjvp_argnum",
    "defjvp_argnums",
    "defvjp",
    "defvjp_argnum",
    "defvjp_argnums",
]

F = TypeVar("F", bound=Callable[..., Any])


def _tolerant(define: F) -> F:
    """Let programs written for autograd give rules to what is no primitive, as they can there."""
    mode = "vjps" if "vjp" in define.__name__ else "jvps"

    @functools.wraps(define)
    def call(fun: Any, *rules: Any, **options: Any) -> None:
        if not isinstance(fun, Primitive) and callable(fun):
            if alias.installed():
                name = getattr(fun, "__name__", fun)
                warnings.warn(
                    f"{define.__name__}: {name} is no primitive, so the rule has no effect; "
                    "decorate it with primitive",
                    stacklevel=2,
                )
                return
        # Above the package's own, which stay for the other arguments; the user's may write into
        # what they get, or hand it to C.
        _core.rules_of(fun, mode, users=True)
        define(fun, *rules, **options)

    return cast(F, call)


defvjp = _tolerant(_core.defvjp)
defvjp_argnum = _tolerant(_core.defvjp_argnum)
defvjp_argnums = _tolerant(_core.defvjp_argnums)
defjvp = _tolerant(_core.defjvp)
defjvp_argnum = _tolerant(_core.defjvp_argnum)
defjvp_argnums = _tolerant(_core.defjvp_argnums)
def_linear = _tolerant(_core.def_linear)
