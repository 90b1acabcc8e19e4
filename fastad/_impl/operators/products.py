"""Products with Jacobians and Hessians, by vectors and tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as onp

from ... import numpy as anp
from ..._core import AppliedToTensor, Derived, isbox, tangent_of_gradient
from ..._core import make_jvp as _make_jvp
from ..._core import make_vjp as _make_vjp
from ..operator import Argnum, Operator, only_known
from ..spaces.containers import flatten, tree_map
from ..spaces.leaves import shape_of, zeros_like
from ..transformed import P, R, Transformed, get_name
from .gradients import gradient_of
from .jacobians import jacobian_of
from .outputs import op_name

__all__ = [
    "GaussNewtonProduct",
    "hessian_tensor_product",
    "hessian_vector_product",
    "make_ggnvp",
    "make_hvp",
    "make_jvp",
    "make_jvp_reversemode",
    "make_vjp",
    "tensor_jacobian_product",
    "vector_jacobian_product",
]

Vjp = Callable[[Any], Any]


def make_vjp(
    fun: Callable[P, R], argnum: Argnum = 0, **unknown: NoReturn
) -> Operator[P, tuple[Vjp, R]]:
    """Make the function that evaluates `fun` and prepares its vector-Jacobian product.

    Parameters
    ----------
    fun : callable
        Returns a number, an array of floats or complex numbers, or a container of these.
    argnum : int, str, or sequence of these
        The argument to differentiate by, by position or name: a float, an array of floats, or a
        container of these. A sequence takes several arguments as one tuple.

    Returns
    -------
    Operator
        Takes the arguments of `fun`; gives `(vjp, value)`. `vjp(g)`, with `g` built like the
        value, gives the cotangent of the argument, and may be called again and again: the tape
        lives as long as it does.

    Raises
    ------
    ValueError, TypeError
        By `vjp`: the cotangent has not the value's shape or structure.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import make_vjp
    >>> vjp, value = make_vjp(lambda x: x**2)(np.array([1.0, 2.0]))
    >>> vjp(np.array([1.0, 10.0]))
    array([ 2., 40.])
    """
    if unknown:
        only_known("make_vjp", unknown)
    return Operator(_make_vjp, make_vjp, fun, argnum)


def make_jvp(
    fun: Callable[P, R], argnum: Argnum = 0, **unknown: NoReturn
) -> Operator[P, Callable[[Any], tuple[R, Any]]]:
    """Make the function that prepares the Jacobian-vector product of `fun` (forward mode).

    Parameters
    ----------
    fun : callable
        Returns a number, an array of floats or complex numbers, or a container of these.
    argnum : int, str, or sequence of these
        The argument to differentiate by, by position or name: a float, an array of floats, or a
        container of these. A sequence takes several arguments as one tuple.

    Returns
    -------
    Operator
        Takes the arguments of `fun`; gives `jvp`. `jvp(v)`, with `v` built like the argument, gives
        `(value, tangent)`.

    Raises
    ------
    ValueError, TypeError
        By `jvp`: the tangent has not the argument's shape or structure.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import make_jvp
    >>> make_jvp(lambda x: x**2)(np.array([1.0, 2.0]))(np.array([1.0, 10.0]))
    (array([1., 4.]), array([ 2., 40.]))
    """
    if unknown:
        only_known("make_jvp", unknown)
    return Operator(_make_jvp, make_jvp, fun, argnum)


def make_jvp_reversemode(
    fun: Callable[P, Any], argnum: Argnum = 0, **unknown: NoReturn
) -> Operator[P, Vjp]:
    """Make the Jacobian-vector product from two reverse sweeps: it is the vjp of the vjp.

    For functions with a primitive that has no JVP; elsewhere `make_jvp` is faster.

    Parameters
    ----------
    fun : callable
        Returns a number, an array of floats or complex numbers, or a container of these.
    argnum : int, str, or sequence of these
        The argument to differentiate by, by position or name: a float, an array of floats, or a
        container of these. A sequence takes several arguments as one tuple.

    Returns
    -------
    Operator
        Takes the arguments of `fun`; gives `jvp`, for which `jvp(v)` is the tangent of the output.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import make_jvp_reversemode
    >>> make_jvp_reversemode(lambda x: x**2)(np.array([1.0, 2.0]))(np.array([1.0, 10.0]))
    array([ 2., 40.])
    """
    if unknown:
        only_known("make_jvp_reversemode", unknown)
    return Operator(_make_jvp_reversemode, make_jvp_reversemode, fun, argnum)


def _make_jvp_reversemode(fun: Callable[[Any], Any], x: Any) -> Callable[[Any], Any]:
    vjp, value = _make_vjp(fun, x)
    back = Derived(fun, vjp, "make_jvp_reversemode")
    return _make_vjp(back, tree_map(zeros_like, value), ("jvp", "tangent", "argument"))[0]


def make_hvp(
    fun: Callable[P, Any], argnum: Argnum = 0, **unknown: NoReturn
) -> Operator[P, tuple[Vjp, Any]]:
    """Make the function that prepares Hessian-vector products at a point, from one trace.

    Parameters
    ----------
    fun : callable
        Returns one real number (an array of one element will do).
    argnum : int, str, or sequence of these
        The argument to differentiate by, by position or name: a float, an array of floats, or a
        container of these. A sequence takes several arguments as one tuple.

    Returns
    -------
    Operator
        Takes the arguments of `fun`; gives `(hvp, gradient)`, where `hvp(v)` is the product.

    Raises
    ------
    ValueError, TypeError
        By `hvp`: the vector has not the argument's shape or structure.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import make_hvp
    >>> hvp, gradient = make_hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    >>> hvp(np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    if unknown:
        only_known("make_hvp", unknown)
    return Operator(_make_hvp, make_hvp, fun, argnum)


def _make_hvp(fun: Callable[[Any], Any], x: Any) -> tuple[Callable[[Any], Any], Any]:
    gradient = Derived(fun, lambda y: gradient_of(fun, y), "make_hvp")
    return _make_vjp(gradient, x, ("hvp", "vector", "argument"))


class _TensorOperator(AppliedToTensor, Operator[..., Any]):
    """An operator whose last positional argument is a tensor to multiply with."""

    __reduce__ = Transformed.__reduce__


def hessian_tensor_product(fun: Callable[..., Any], argnum: Argnum = 0) -> Operator[..., Any]:
    """Make the function that computes the product of the Hessian with a tensor.

    Parameters
    ----------
    fun : callable
        Returns one real number (an array of one element will do).
    argnum : int, str, or sequence of these
        The argument to differentiate by, by position or name: a float, an array of floats, or a
        container of these. A sequence takes several arguments as one tuple.

    Returns
    -------
    Operator
        Takes the arguments of `fun` and then, by position, a tensor built like the argument.

    Raises
    ------
    ValueError, TypeError
        When called: the tensor has not the argument's shape or structure.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import hessian_vector_product
    >>> hessian_vector_product(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    return _TensorOperator(_hessian_tensor_product, hessian_tensor_product, fun, argnum)


def _hessian_tensor_product(fun: Callable[[Any], Any], x: Any, tensor: Any) -> Any:
    try:
        product = tangent_of_gradient(fun, x, tensor, gradient_of)
        if product is not NotImplemented:
            return product
    except NotImplementedError as error:  # a primitive of the user's without rules for it
        if getattr(error, "missing_rule", None) != "JVP":
            raise
    op = op_name(fun, "hessian_tensor_product")
    leaves, structure = flatten(x)
    for leaf, part in zip(leaves, structure.flatten_like(tensor, f"{op}: the tensor")):
        if shape_of(leaf) != _shape(part):
            raise ValueError(
                f"{op}: the tensor has shape {_shape(part)}, "
                f"the argument of {get_name(fun)} has "
                f"shape {shape_of(leaf)}; pass a tensor of the argument's shape"
            )
    return _make_hvp(fun, x)[0](tensor)


hessian_vector_product = hessian_tensor_product


def tensor_jacobian_product(fun: Callable[..., Any], argnum: Argnum = 0) -> Operator[..., Any]:
    """Make the function that multiplies the Jacobian by a tensor from the left.

    Parameters
    ----------
    fun : callable
        Returns a number, an array of floats or complex numbers, or a container of these.
    argnum : int, str, or sequence of these
        The argument to differentiate by, by position or name: a float, an array of floats, or a
        container of these. A sequence takes several arguments as one tuple.

    Returns
    -------
    Operator
        Takes the arguments of `fun` and then, by position, a tensor whose axes are the first axes
        of the output; the result has the output's other axes followed by the argument's.

    Raises
    ------
    ValueError, TypeError
        When called: the tensor's axes are not the first of the output's.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import vector_jacobian_product
    >>> vector_jacobian_product(lambda x: x**2)(np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([ 2., 40.])
    """
    return _TensorOperator(_tensor_jacobian_product, tensor_jacobian_product, fun, argnum)


def _tensor_jacobian_product(fun: Callable[[Any], Any], x: Any, tensor: Any) -> Any:
    if isbox(tensor) or not isinstance(tensor, (list, tuple, dict)):
        ndim = len(_shape(tensor))
        return jacobian_of(
            Derived(fun, lambda y: _contract(fun, y, tensor, ndim), "tensor_jacobian_product"), x
        )
    return _make_vjp(fun, x)[0](tensor)


def _contract(fun: Callable[[Any], Any], x: Any, tensor: Any, ndim: int) -> Any:
    value = fun(x)
    if _shape(value)[:ndim] != _shape(tensor):
        raise ValueError(
            f"tensor_jacobian_product: the tensor has shape {_shape(tensor)}, but the value of "
            f"{get_name(fun)} has shape {_shape(value)}; pass a tensor whose axes are its first"
        )
    return anp.tensordot(tensor, value, axes=ndim)


vector_jacobian_product = tensor_jacobian_product


def _half_squared_norm(x: Any) -> Any:
    return 0.5 * anp.sum(x**2, axis=-1)


def make_ggnvp(
    f: Callable[P, Any], g: Callable[..., Any] = _half_squared_norm, f_argnum: Argnum = 0
) -> Operator[P, Vjp]:
    """Make the function that prepares generalized Gauss-Newton products `J' H J v`.

    Parameters
    ----------
    f : callable
        The inner function, whose Jacobian is J.
    g : callable
        The outer scalar function, whose Hessian at `f(x)` is H. Default: half the squared norm.
    f_argnum : int, str, or sequence of these
        The argument of `f`.

    Returns
    -------
    Operator
        Takes the arguments of `f`; gives `ggnvp`, where `ggnvp(v)` is the product.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import make_ggnvp
    >>> make_ggnvp(lambda x: x**2)(np.array([1.0, 2.0]))(np.array([1.0, 1.0]))
    array([ 4., 16.])
    """
    return _make_ggnvp(f, f_argnum, g)


def _make_ggnvp(fun: Callable[P, Any], argnum: Argnum, g: Callable[..., Any]) -> Operator[P, Vjp]:
    return Operator(_ggnvp, _make_ggnvp, fun, argnum, g)


_make_ggnvp.__name__ = "make_ggnvp"


def _ggnvp(f: Callable[[Any], Any], x: Any, g: Callable[..., Any]) -> Callable[[Any], Any]:
    f_vjp, f_x = _make_vjp(f, x)
    g_hvp, g_grad = _make_vjp(lambda y: gradient_of(g, y), f_x)
    back = Derived(f, f_vjp, "make_ggnvp")
    f_jvp, _ = _make_vjp(back, tree_map(zeros_like, g_grad), ("ggnvp", "vector", "argument"))
    return GaussNewtonProduct(f_jvp, g_hvp, f_vjp)


class GaussNewtonProduct:
    """What `make_ggnvp` gives: a function from `v` to `J' H J v`."""

    __slots__ = ("_factors",)
    __name__ = __qualname__ = "ggnvp"

    def __init__(self, *factors: Vjp) -> None:
        self._factors = factors

    def __call__(self, v: Any) -> Any:
        """Multiply a vector by each of the factors in turn."""
        for factor in self._factors:
            v = factor(v)
        return v


def _shape(tensor: Any) -> tuple[int, ...]:
    shape: tuple[int, ...] = tensor.shape if isbox(tensor) else onp.shape(tensor)
    return shape
