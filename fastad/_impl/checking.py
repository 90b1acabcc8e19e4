"""Checking derivatives: analytical against numerical ones, in random directions, at any order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any

import numpy as onp

from .._core import getval, make_jvp, make_vjp
from .operator import unary_to_nary
from .spaces.containers import flatten
from .spaces.vector_spaces import vspace
from .transformed import get_name

__all__ = [
    "EPS",
    "RTOL",
    "TOL",
    "check_equivalent",
    "check_grads",
    "check_jvp",
    "check_vjp",
    "combo_check",
    "make_numerical_jvp",
    "scalar_close",
]

TOL = 1e-6
RTOL = 1e-6
EPS = 1e-6


def _looseness(*values: Any) -> float:
    """How much coarser than float64 the coarsest number among the values is (1 for float64)."""
    loosest = 1.0
    for value in values:
        for leaf in flatten(value)[0]:
            dtype = onp.asarray(getval(leaf)).dtype
            if dtype.kind in "fc":
                # The error of a central difference grows with the cube root of the squared
                # precision.
                ratio = float(onp.finfo(dtype).eps) / float(onp.finfo(float).eps)
                loosest = max(loosest, ratio ** (2 / 3))
    return loosest


def scalar_close(a: Any, b: Any, factor: float = 1.0) -> bool:
    """True if two numbers agree to within `TOL` or relatively to within `RTOL`.

    Parameters
    ----------
    a, b : float or complex
    factor : float
        Multiplies both tolerances.

    Returns
    -------
    bool

    Examples
    --------
    >>> from fastad.test_util import scalar_close
    >>> scalar_close(1.0, 1.0 + 1e-9), scalar_close(1.0, 1.1)
    (True, False)
    """
    difference = abs(a - b)
    return bool(difference < TOL * factor or difference < RTOL * factor * abs(a + b))


def make_numerical_jvp(f: Callable[[Any], Any], x: Any) -> Callable[[Any], Any]:
    """The Jacobian-vector product of `f` at `x` by a central difference of width `EPS`.

    Parameters
    ----------
    f : callable
        Of one argument; it is called with plain values.
    x : object
        A number, an array or a container of these.

    Returns
    -------
    callable
        `jvp(v)`, `(f(x + EPS v / 2) - f(x - EPS v / 2)) / EPS`.

    Examples
    --------
    >>> from fastad.test_util import make_numerical_jvp
    >>> round(float(make_numerical_jvp(lambda x: x**2, 3.0)(1.0)), 6)
    6.0
    """
    space, out_space = vspace(x), vspace(f(x))
    width = EPS * _looseness(x) ** 0.5

    def jvp(v: Any) -> Any:
        ahead = f(space.add(x, space.scalar_mul(v, width / 2)))
        behind = f(space.add(x, space.scalar_mul(v, -width / 2)))
        change = out_space.add(ahead, out_space.scalar_mul(behind, -1.0))
        return out_space.scalar_mul(change, 1.0 / width)

    return jvp


def check_vjp(f: Callable[[Any], Any], x: Any) -> None:
    """Assert that the vjp of `f` at `x` agrees with finite differences in a random direction.

    With J the Jacobian, and random v and u, compares the analytical <v, J'u> with the numerical
    <u, Jv>.

    Parameters
    ----------
    f : callable
        Of one argument.
    x : object
        Where to compare: a number, an array or a container of these.

    Raises
    ------
    AssertionError
        If it does not.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad.test_util import check_vjp
    >>> check_vjp(np.sin, np.ones(3))
    """
    vjp, y = make_vjp(f, x)
    space, out_space = vspace(x), vspace(y)
    v, u = space.randn(), out_space.randn()
    pulled = space.covector(vjp(out_space.covector(u)))
    pulled_space = vspace(pulled)
    assert pulled_space == space, (
        f"derivative (VJP) check of {get_name(f)} failed: the gradient lies in {pulled_space}, "
        f"the argument in {space}"
    )
    exact = space.inner_prod(v, pulled)
    numeric = out_space.inner_prod(u, make_numerical_jvp(f, x)(v))
    assert scalar_close(numeric, exact, _looseness(x, y)), (
        f"derivative (VJP) check of {get_name(f)} failed at {x}: "
        f"analytical {exact}, numerical {numeric}"
    )


def check_jvp(f: Callable[[Any], Any], x: Any) -> None:
    """Assert that the jvp of `f` at `x` agrees with finite differences in a random direction.

    Parameters
    ----------
    f : callable
        Of one argument.
    x : object
        Where to compare: a number, an array or a container of these.

    Raises
    ------
    AssertionError
        If it does not.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad.test_util import check_jvp
    >>> check_jvp(np.sin, np.ones(3))
    """
    v = vspace(x).randn()
    value, tangent = make_jvp(f, x)(v)
    _check_close(
        tangent,
        make_numerical_jvp(f, x)(v),
        f"derivative (JVP) check of {get_name(f)} failed",
        _looseness(x, value),
    )


def check_equivalent(x: Any, y: Any) -> None:
    """Assert that two values have one structure and dtypes, and agree in a random direction.

    Parameters
    ----------
    x, y : object
        Numbers, arrays or containers of these.

    Raises
    ------
    AssertionError
        If they are not.

    Examples
    --------
    >>> from fastad.test_util import check_equivalent
    >>> check_equivalent({"a": 1.0}, {"a": 1.0})
    """
    _check_close(x, y, "check_equivalent", 1.0)


def _check_close(x: Any, y: Any, what: str, factor: float) -> None:
    x_space, y_space = vspace(x), vspace(y)
    assert x_space == y_space, f"{what}: different spaces\nx: {x_space}\ny: {y_space}"
    v = x_space.randn()
    assert scalar_close(x_space.inner_prod(x, v), x_space.inner_prod(y, v), factor), (
        f"{what}: values differ\nx: {x}\ny: {y}"
    )


def _check_grads(
    f: Callable[[Any], Any], x: Any, modes: Sequence[str] = ("fwd", "rev"), order: int = 2
) -> None:
    unknown = [mode for mode in modes if mode not in ("fwd", "rev")]
    if unknown:
        raise ValueError(f"check_grads: modes are 'fwd' and 'rev', not {unknown[0]!r}")
    if "fwd" in modes:
        check_jvp(f, x)
        if order > 1:

            def pushed(xv: Any) -> Any:
                return make_jvp(f, xv[0])(xv[1])[1]

            pushed.__name__ = f"jvp_{get_name(f)}"
            _check_grads(pushed, (x, vspace(x).randn()), modes, order - 1)
    if "rev" in modes:
        check_vjp(f, x)
        if order > 1:

            def pulled(xv: Any) -> Any:
                return make_vjp(f, xv[0])[0](xv[1])

            pulled.__name__ = f"vjp_{get_name(f)}"
            _check_grads(pulled, (x, vspace(f(x)).randn()), modes, order - 1)


def check_grads(
    f: Callable[..., Any],
    argnum: Any = 0,
    modes: Sequence[str] = ("fwd", "rev"),
    order: int = 2,
) -> Callable[..., Any]:
    """Make a function that checks the derivatives of `f` at the arguments that it is given.

    Parameters
    ----------
    f : callable
        The function; argument and output may be containers and complex.
    argnum : int, str, or sequence of these
        Which argument to vary.
    modes : sequence of {'fwd', 'rev'}
        Forward mode, reverse mode, or both, in every mixture at higher orders.
    order : int
        Highest order to check.

    Returns
    -------
    callable
        Takes the arguments of `f`; raises AssertionError where derivatives differ.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad.test_util import check_grads
    >>> check_grads(lambda x: np.sum(np.sin(x)), modes=["fwd", "rev"], order=2)(np.ones(3))
    """
    return _nary_check_grads(f, argnum, modes=modes, order=order)


_check_grads.__name__ = "check_grads"
_nary_check_grads = unary_to_nary(_check_grads)


def combo_check(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., None]:
    """Make a function that runs `check_grads` on every combination of arguments.

    Parameters
    ----------
    fun : callable
    *args, **kwargs
        Those of `check_grads`: `argnum`, `modes`, `order`.

    Returns
    -------
    callable
        Each of its arguments, by position or keyword, is a list of values to try.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad.test_util import combo_check
    >>> combo_check(np.sum)([np.ones(3), np.ones((2, 3))], axis=[0, -1])
    """
    check = check_grads(fun, *args, **kwargs)

    def check_all(*values: Iterable[Any], **named: Iterable[Any]) -> None:
        for positional in product(*values):
            for chosen in product(*named.values()):
                check(*positional, **dict(zip(named, chosen)))

    return check_all
