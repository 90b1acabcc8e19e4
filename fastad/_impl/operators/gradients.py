"""Gradients: `grad`, `value_and_grad`, `elementwise_grad`, `deriv` and their kin."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Literal, NoReturn, TypeVar, overload

from ..._core import Derived, ReverseTrace
from ..._core import make_jvp as _make_jvp
from ..operator import Argnum, GradientOperator, Operator, only_known
from ..spaces.containers import flatten, tree_map
from ..spaces.leaves import ones_like, vector_dtype
from ..transformed import P, R, Transformed, get_name
from ..warning import warn_user
from .outputs import describe_output, numeric_outputs, op_name, scalar_output, trace_with_aux

__all__ = [
    "compiled_rules",
    "deriv",
    "egrad",
    "elementwise_grad",
    "grad",
    "grad_and_aux",
    "grad_named",
    "gradient_of",
    "holomorphic_grad",
    "multigrad_dict",
    "value_and_grad",
]

A = TypeVar("A")


@overload
def grad(
    fun: Callable[P, Any], argnum: Argnum = ..., *, has_aux: Literal[False] = ...
) -> Operator[P, Any]: ...
@overload
def grad(
    fun: Callable[P, tuple[Any, A]], argnum: Argnum = ..., *, has_aux: Literal[True]
) -> Operator[P, tuple[Any, A]]: ...
def grad(
    fun: Callable[..., Any], argnum: Argnum = 0, *, has_aux: bool = False, **unknown: NoReturn
) -> Operator[..., Any]:
    """
    Returns a function which computes the gradient of a scalar function.

    Parameters
    ----------
    fun : callable
        Returns one real number (an array of one element will do).
    argnum : int, str, or sequence of these
        The argument to differentiate with respect to, by position or name: a float, a complex
        number, an array, or any nesting of containers of these. A sequence gives a tuple of
        gradients.
    has_aux : bool
        `fun` returns `(value, aux)`, and the result is `(gradient, aux)`.

    Returns
    -------
    Operator
        Takes the arguments of `fun`. The gradient has the argument's type, dtype and shape.

    Raises
    ------
    TypeError
        When called: the argument (an int, a string) or the output (not one real number) has no
        gradient.
    IndexError
        When called: there is no argument `argnum`.

    Notes
    -----
    For complex arguments, autograd's convention: with `z = x + iy` and real `f`, `df/dx - i df/dy`.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> grad(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([ 3., 12.])
    >>> float(grad(grad(np.sin))(0.0))
    -0.0
    >>> grad(lambda p: p["a"] * p["b"] ** 2)({"a": 2.0, "b": 3.0})["b"].item()
    12.0
    """
    if unknown:
        only_known("grad", unknown)
    return GradientOperator(gradient_of, grad, fun, argnum, **_option(has_aux))


def _option(has_aux: bool) -> dict[str, Any]:
    return {"has_aux": True} if has_aux else {}


def gradient_of(fun: Callable[[Any], Any], x: Any, has_aux: bool = False) -> Any:
    """The rule of `grad`, for a function of one argument."""
    value, gradient = _value_and_grad(fun, x, has_aux, "grad")
    return (gradient, value[1]) if has_aux else gradient


@overload
def value_and_grad(
    fun: Callable[P, R], argnum: Argnum = ..., *, has_aux: Literal[False] = ...
) -> Operator[P, tuple[R, Any]]: ...
@overload
def value_and_grad(
    fun: Callable[P, tuple[R, A]], argnum: Argnum = ..., *, has_aux: Literal[True]
) -> Operator[P, tuple[tuple[R, A], Any]]: ...
def value_and_grad(
    fun: Callable[..., Any], argnum: Argnum = 0, *, has_aux: bool = False, **unknown: NoReturn
) -> Operator[..., Any]:
    """Make the function that computes a scalar function's value and gradient together.

    The value is what `fun` returns, and costs nothing besides the gradient.

    Parameters
    ----------
    fun : callable
        Returns one real number (an array of one element will do); with `has_aux`, a pair of one and
        of anything else.
    argnum : int, str, or sequence of these
        The argument to differentiate by, by position or name: a float, an array of floats, or a
        container of these. A sequence takes several arguments as one tuple.
    has_aux : bool
        `fun` returns `(value, aux)`.

    Returns
    -------
    Operator
        Takes the arguments of `fun`, gives `(value, gradient)`; with `has_aux`, `((value, aux),
        gradient)`.

    Raises
    ------
    TypeError, IndexError
        When called, as of `grad`.

    Examples
    --------
    >>> from fastad import value_and_grad
    >>> value, gradient = value_and_grad(lambda x: x**2)(3.0)
    >>> float(value), float(gradient)
    (9.0, 6.0)
    """
    if unknown:
        only_known("value_and_grad", unknown)
    return GradientOperator(_value_and_grad, value_and_grad, fun, argnum, **_option(has_aux))


def _value_and_grad(
    fun: Callable[[Any], Any], x: Any, has_aux: bool = False, op: str = "value_and_grad"
) -> tuple[Any, Any]:
    op = op_name(fun, op)
    if has_aux:
        trace, aux = trace_with_aux(fun, x, op)
    else:
        trace, aux = ReverseTrace(fun, x), None
    with trace:
        gradient = trace.gradient()
        value = trace.values[0] if gradient is not NotImplemented else scalar_output(trace, op, fun)
        if gradient is NotImplemented:
            gradient = trace.pull([ones_like(value)], consume=True)
    return ((value, aux) if has_aux else value), gradient


def grad_and_aux(
    fun: Callable[P, tuple[Any, A]], argnum: Argnum = 0, **unknown: NoReturn
) -> Operator[P, tuple[Any, A]]:
    """Make the function that computes the gradient of the first of two outputs; the second is kept.

    Parameters
    ----------
    fun : callable
        Returns a pair: one real number, and anything else.
    argnum : int, str, or sequence of these
        The argument to differentiate by, by position or name: a float, an array of floats, or a
        container of these. A sequence takes several arguments as one tuple.

    Returns
    -------
    Operator
        Takes the arguments of `fun`, which returns `(value, aux)`; gives `(gradient, aux)`.

    Raises
    ------
    TypeError
        When called: `fun` does not return a pair, or as of `grad`.

    Examples
    --------
    >>> from fastad import grad_and_aux
    >>> gradient, aux = grad_and_aux(lambda x: (x**2, "kept"))(3.0)
    >>> float(gradient), aux
    (6.0, 'kept')
    """
    if unknown:
        only_known("grad_and_aux", unknown)
    return Operator(_grad_and_aux, grad_and_aux, fun, argnum)


def _grad_and_aux(fun: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    return gradient_of(fun, x, has_aux=True)


def elementwise_grad(
    fun: Callable[P, Any], argnum: Argnum = 0, **unknown: NoReturn
) -> Operator[P, Any]:
    """Make the function that sums each column of the Jacobian in one sweep.

    Entry `j` of the result is `sum_i d out_i / d x_j`: a vector-Jacobian product with
    ones. Where output `i` depends on input `i` alone, this is the derivative of each element.

    Parameters
    ----------
    fun : callable
        Returns a real number, an array of any shape, or a container of these.
    argnum : int, str, or sequence of these
        The argument to differentiate by, by position or name: a float, an array of floats, or a
        container of these. A sequence takes several arguments as one tuple.

    Returns
    -------
    Operator
        Takes the arguments of `fun`, whose output is real; the result has the argument's shape.

    Raises
    ------
    TypeError
        When called: the output is complex, or no number.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import elementwise_grad
    >>> elementwise_grad(lambda x: x**2)(np.array([1.0, 2.0, 3.0]))
    array([2., 4., 6.])
    """
    if unknown:
        only_known("elementwise_grad", unknown)
    return GradientOperator(_elementwise_grad, elementwise_grad, fun, argnum)


def _elementwise_grad(fun: Callable[[Any], Any], x: Any) -> Any:
    op = op_name(fun, "elementwise_grad")
    with ReverseTrace(fun, x) as trace:
        numeric_outputs(trace, op, fun)
        for value in trace.values:
            if vector_dtype(value).kind == "c":
                raise TypeError(
                    f"{op} only applies to real-output functions: {get_name(fun)} returned "
                    f"{describe_output(trace)}; use holomorphic_grad or jacobian, "
                    "or return a real number, as by np.real"
                )
        return trace.pull([ones_like(value) for value in trace.values], consume=True)


egrad = elementwise_grad
# The unary rules that the compiled way of these operators stands for.
compiled_rules = (_value_and_grad, _elementwise_grad)


def deriv(fun: Callable[P, Any], argnum: Argnum = 0, **unknown: NoReturn) -> Operator[P, Any]:
    """Make the function that computes a derivative by forward mode, for a tangent of ones.

    Of a function of one number that is its derivative, whatever it returns; of a function of an
    array it is the sum of the Jacobian's columns.

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
        Takes the arguments of `fun`; the result has the shape of the output.

    Examples
    --------
    >>> from fastad import deriv
    >>> float(deriv(lambda x: x**3)(2.0))
    12.0
    """
    if unknown:
        only_known("deriv", unknown)
    return Operator(_deriv, deriv, fun, argnum)


def _deriv(fun: Callable[[Any], Any], x: Any) -> Any:
    return _make_jvp(fun, x)(tree_map(ones_like, x))[1]


def holomorphic_grad(
    fun: Callable[P, Any], argnum: Argnum = 0, **unknown: NoReturn
) -> Operator[P, Any]:
    """Make the function that computes the complex derivative of a holomorphic scalar function.

    Parameters
    ----------
    fun : callable
        Returns one complex number, by a function that is holomorphic (has a complex derivative):
        not by `np.real`, `np.abs` or `np.conj`. This is not checked.
    argnum : int, str, or sequence of these
        The argument to differentiate by, by position or name: a float, an array of floats, or a
        container of these. A sequence takes several arguments as one tuple.

    Returns
    -------
    Operator
        Takes the arguments of `fun`; warns if the chosen argument is not complex.

    Raises
    ------
    TypeError
        When called: the output is not one number.

    Examples
    --------
    >>> from fastad import holomorphic_grad
    >>> complex(holomorphic_grad(lambda z: z**2)(1.0 + 2.0j))
    (2+4j)
    """
    if unknown:
        only_known("holomorphic_grad", unknown)
    return Operator(_holomorphic_grad, holomorphic_grad, fun, argnum)


def _holomorphic_grad(fun: Callable[[Any], Any], x: Any) -> Any:
    op = op_name(fun, "holomorphic_grad")
    if not any(vector_dtype(leaf).kind == "c" for leaf in flatten(x)[0]):
        warn_user("Input to holomorphic_grad is not complex")
    with ReverseTrace(fun, x) as trace:
        value = scalar_output(trace, op, fun, allow_complex=True)
        return trace.pull([ones_like(value)], consume=True)


def grad_named(fun: Callable[P, Any], argname: str) -> Operator[P, Any]:
    """Make the gradient with respect to an argument given by its name.

    Parameters
    ----------
    fun : callable
        Returns one real number (an array of one element will do).
    argname : str
        Name of the argument to differentiate by.

    Returns
    -------
    Operator
        As of `grad`, of which this is another spelling: `grad(fun, argnum=argname)`.

    Raises
    ------
    ValueError
        If `fun` has no such argument.

    Examples
    --------
    >>> from fastad import grad_named
    >>> float(grad_named(lambda x, scale: scale * x**2, "scale")(3.0, 1.0))
    9.0
    """
    names = list(inspect.signature(fun).parameters)
    if argname not in names:
        raise ValueError(
            f"grad_named: {get_name(fun)} has no argument {argname!r}; "
            f"its arguments are {', '.join(names)}"
        )
    return grad(fun, argname)


class _AllArguments(Derived):
    """A function of the dict of all its arguments."""

    __slots__ = ()

    def locate(self, path: str) -> tuple[int | str, str]:
        name, _, rest = path[2:].partition("']")
        return name, rest


class _MultigradDict(Transformed[P, OrderedDict[str, Any]]):
    """The gradient with respect to all arguments, as a dict."""

    def __init__(self, fun: Callable[P, Any]) -> None:
        super().__init__(multigrad_dict, fun)
        self._signature = inspect.signature(fun)

    def _make_name(self) -> str:
        return f"multigrad_dict_of_{get_name(self.__wrapped__)}"

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> OrderedDict[str, Any]:
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()

        def from_dict(arguments: dict[str, Any]) -> Any:
            call = inspect.BoundArguments(self._signature, OrderedDict(arguments))
            return self.__wrapped__(*call.args, **call.kwargs)

        whole = _AllArguments(self.__wrapped__, from_dict, "multigrad_dict")
        return OrderedDict(gradient_of(whole, dict(bound.arguments)))


def multigrad_dict(fun: Callable[P, Any]) -> Transformed[P, OrderedDict[str, Any]]:
    """Make the function that computes the gradients with respect to all arguments at once.

    Parameters
    ----------
    fun : callable
        Returns one real number (an array of one element will do).

    Returns
    -------
    callable
        Takes the arguments of `fun`; gives an `OrderedDict` from argument name to gradient,
        defaults included. `*args` gives a tuple, `**kwargs` a dict.

    Examples
    --------
    >>> from fastad import multigrad_dict
    >>> gradients = multigrad_dict(lambda x, y: x * y)(2.0, 3.0)
    >>> {name: float(value) for name, value in gradients.items()}
    {'x': 3.0, 'y': 2.0}
    """
    return _MultigradDict(fun)
