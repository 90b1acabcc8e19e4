"""Names that autograd has deprecated and programs still use: `f.defgrad`, `quick_grad_check`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from .._core import Primitive, defvjp
from .._core import primitive as _primitive
from .checking import check_grads
from .spaces.vector_spaces import vspace

__all__ = ["primitive", "primitive_with_deprecation_warnings", "quick_grad_check"]


def _warn(name: str, instead: str) -> None:
    warnings.warn(f"{name} is deprecated; use {instead}", DeprecationWarning, stacklevel=3)


def primitive(f_raw: Callable[..., Any]) -> Any:
    """Make a function into a primitive, as `fastad.extend.primitive`.

    The primitive also has autograd's old methods `defgrad`, `defvjp` and `defvjp_is_zero`, which
    warn.

    Parameters
    ----------
    f_raw : callable
        Computes with plain values.

    Returns
    -------
    Primitive
        To be called in its place.

    Examples
    --------
    >>> import math
    >>> import fastad.numpy as np
    >>> from fastad import grad, primitive
    >>> from fastad.extend import defvjp
    >>> sine = primitive(math.sin)
    >>> defvjp(sine, lambda ans, x: lambda g: g * np.cos(x))
    >>> float(grad(sine)(0.0))
    1.0
    """
    fun = _primitive(f_raw)

    def defgrad(gradfun: Callable[..., Any], argnum: int = 0) -> None:
        _warn("the method defgrad", "fastad.extend.defvjp")
        defvjp(fun, gradfun, argnums=[argnum])

    def defvjp_unstaged(vjpfun: Callable[..., Any], argnum: int = 0) -> None:
        _warn("the method defvjp", "fastad.extend.defvjp")

        def maker(ans: Any, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
            return lambda g: vjpfun(g, ans, vspace(args[argnum]), vspace(g), *args, **kwargs)

        defvjp(fun, maker, argnums=[argnum])

    def defvjp_is_zero(argnums: Sequence[int] = (0,)) -> None:
        _warn("the method defvjp_is_zero", "fastad.extend.defvjp with None")
        defvjp(fun, *[None for _ in argnums], argnums=argnums)

    if isinstance(fun, Primitive):
        fun.defgrad = defgrad  # type: ignore[attr-defined]
        fun.defvjp = defvjp_unstaged  # type: ignore[attr-defined]
        fun.defvjp_is_zero = defvjp_is_zero  # type: ignore[attr-defined]
    return fun


primitive_with_deprecation_warnings = primitive  # autograd's other name of it


def quick_grad_check(
    fun: Callable[..., Any],
    arg0: Any,
    extra_args: Sequence[Any] = (),
    kwargs: dict[str, Any] | None = None,
    verbose: bool = True,
    eps: float = 1e-4,
    rtol: float = 1e-4,
    atol: float = 1e-6,
    rs: Any = None,
) -> None:
    """Check a gradient; deprecated in favour of `fastad.test_util.check_grads`."""
    _warn("quick_grad_check", "fastad.test_util.check_grads")
    check_grads(lambda x: fun(x, *extra_args, **(kwargs or {})), modes=["rev"], order=1)(arg0)
