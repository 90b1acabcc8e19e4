"""The differential operators: `grad`, `jacobian`, `make_vjp` and the rest.

Each public function returns an `Operator`, which selects the argument and calls the rule
(`_grad`, ...) on a function of that argument alone. A rule traces the function once
(`ReverseTrace`, `make_jvp`) and sweeps.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, overload

import numpy as onp

from .. import numpy as anp
from .._core import getval, isbox
from .checkpointing import checkpoint
from .differentiate import ReverseTrace
from .differentiate import make_jvp as _make_jvp
from .differentiate import make_vjp as _make_vjp
from .operator import Argnum, GradientOperator, Operator, Selected
from .spaces.containers import flatten, tree_map
from .spaces.leaves import dtype_of, has_boxes, ones_like, shape_of, vector_dtype, zeros_like
from .transformed import P, R, Transformed, get_name
from .warning import warn_user

__all__ = [
    "checkpoint",
    "deriv",
    "egrad",
    "elementwise_grad",
    "grad",
    "grad_and_aux",
    "grad_named",
    "hessian",
    "hessian_tensor_product",
    "hessian_vector_product",
    "holomorphic_grad",
    "jacobian",
    "make_ggnvp",
    "make_hvp",
    "make_jvp",
    "make_jvp_reversemode",
    "make_vjp",
    "multigrad_dict",
    "tensor_jacobian_product",
    "value_and_grad",
    "vector_jacobian_product",
]

A = TypeVar("A")
Vjp = Callable[[Any], Any]

# ---- functions that stand for the user's


class _Derived(Selected):
    """A helper around a user's function that speaks in messages for that function."""

    __slots__ = ()

    def __init__(self, fun: Any, inner: Callable[[Any], Any], op: str) -> None:
        if isinstance(fun, Selected):
            super().__init__(fun.op, inner, fun.where, fun.many, (), {})
        else:
            super().__init__(op, inner, (0,), False, (), {})
        self.__name__ = get_name(fun)

    def __call__(self, x: Any) -> Any:
        return self.fun(x)


# ---- what a function must return


def _op_name(fun: Any, default: str) -> str:
    return fun.op if isinstance(fun, Selected) else default


def _describe_output(trace: ReverseTrace) -> str:
    if not trace.outputs.is_leaf:
        value = trace.value
        return "None" if value is None else f"a {type(value).__name__}"
    value = trace.values[0]
    dtype = dtype_of(value)
    if dtype is None or not isinstance(getval(value), (onp.ndarray, onp.generic, float, complex)):
        return f"{value!r} of type {type(value).__name__}"
    kind = "complex" if dtype.kind == "c" else "real" if dtype.kind == "f" else str(dtype)
    shape = shape_of(value)
    return f"a {kind} array of shape {shape}" if shape else f"a {kind} scalar ({dtype})"


def _scalar_output(trace: ReverseTrace, op: str, fun: Any, *, allow_complex: bool = False) -> Any:
    """The function's one number, or a TypeError that says what it returned and what to do."""
    name = get_name(fun)
    what = _describe_output(trace)
    if not trace.outputs.is_leaf:
        remedy = (
            "return one real number"
            if trace.outputs.size == 0
            else "return one real number; with further results use has_aux=True, or take make_vjp"
        )
        raise TypeError(f"{op}: {name} returned {what}; {remedy}")
    value = trace.values[0]
    dtype = dtype_of(value)
    unboxed = getval(value)
    if (
        dtype is None
        or dtype.kind not in "fcbiuO"
        or not isinstance(unboxed, (onp.ndarray, onp.inexact, float, complex))
    ):
        raise TypeError(
            f"{op}: {name} returned {what}, which cannot be differentiated; return a float"
        )
    if onp.prod(shape_of(value), dtype=int) != 1:
        raise TypeError(
            f"{op} only applies to real scalar-output functions: {name} returned {what}; "
            "use jacobian or elementwise_grad, or reduce the output, as by np.sum"
        )
    if dtype.kind == "c" and not allow_complex:
        raise TypeError(
            f"{op} only applies to real scalar-output functions: {name} returned {what}; "
            "use holomorphic_grad, or return a real number, as by np.real or np.abs"
        )
    return value


def _numeric_outputs(trace: ReverseTrace, op: str, fun: Any) -> None:
    for value in trace.values:
        if dtype_of(value) is None:
            raise TypeError(
                f"{op}: {get_name(fun)} returned {value!r} of type {type(value).__name__}, "
                "which cannot be differentiated; return floats, arrays or containers of these"
            )


# ---- gradients


@overload
def grad(
    fun: Callable[P, Any], argnum: Argnum = ..., *, has_aux: Literal[False] = ...
) -> Operator[P, Any]: ...
@overload
def grad(
    fun: Callable[P, tuple[Any, A]], argnum: Argnum = ..., *, has_aux: Literal[True]
) -> Operator[P, tuple[Any, A]]: ...
def grad(
    fun: Callable[..., Any], argnum: Argnum = 0, *, has_aux: bool = False
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
    return GradientOperator(_grad, grad, fun, argnum, **_option(has_aux))


def _option(has_aux: bool) -> dict[str, Any]:
    return {"has_aux": True} if has_aux else {}


def _grad(fun: Callable[[Any], Any], x: Any, has_aux: bool = False) -> Any:
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
    fun: Callable[..., Any], argnum: Argnum = 0, *, has_aux: bool = False
) -> Operator[..., Any]:
    """Make the function that computes a scalar function's value and gradient together.

    Parameters and errors are those of `grad`.

    Returns
    -------
    Operator
        Takes the arguments of `fun`, gives `(value, gradient)`; with `has_aux`, `((value, aux),
        gradient)`.

    Examples
    --------
    >>> from fastad import value_and_grad
    >>> value, gradient = value_and_grad(lambda x: x**2)(3.0)
    >>> float(value), float(gradient)
    (9.0, 6.0)
    """
    return GradientOperator(_value_and_grad, value_and_grad, fun, argnum, **_option(has_aux))


def _value_and_grad(
    fun: Callable[[Any], Any], x: Any, has_aux: bool = False, op: str = "value_and_grad"
) -> tuple[Any, Any]:
    op = _op_name(fun, op)
    if has_aux:
        trace, aux = _trace_with_aux(fun, x, op)
    else:
        trace, aux = ReverseTrace(fun, x), None
    with trace:
        value = _scalar_output(trace, op, fun)
        gradient = trace.pull([ones_like(value)], consume=True)
    return ((value, aux) if has_aux else value), gradient


def _trace_with_aux(fun: Callable[[Any], Any], x: Any, op: str) -> tuple[ReverseTrace, Any]:
    kept: list[Any] = []

    def first(x: Any) -> Any:
        result = fun(x)
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise TypeError(
                f"{op}: {get_name(fun)} must return a pair (value, aux), "
                f"not {type(result).__name__}"
            )
        kept.append(result[1])
        return result[0]

    trace = ReverseTrace(first, x, fun)
    owns = trace.tape.owns
    return trace, tree_map(lambda leaf: leaf._value if owns(leaf) else leaf, kept[0])


def grad_and_aux(fun: Callable[P, tuple[Any, A]], argnum: Argnum = 0) -> Operator[P, tuple[Any, A]]:
    """Make the function that computes the gradient of the first of two outputs; the second is kept.

    Returns
    -------
    Operator
        Takes the arguments of `fun`, which returns `(value, aux)`; gives `(gradient, aux)`.

    Examples
    --------
    >>> from fastad import grad_and_aux
    >>> gradient, aux = grad_and_aux(lambda x: (x**2, "kept"))(3.0)
    >>> float(gradient), aux
    (6.0, 'kept')
    """
    return Operator(_grad_and_aux, grad_and_aux, fun, argnum)


def _grad_and_aux(fun: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    return _grad(fun, x, has_aux=True)


def elementwise_grad(fun: Callable[P, Any], argnum: Argnum = 0) -> Operator[P, Any]:
    """Make the function that sums each column of the Jacobian in one sweep.

    Where output `i` depends on input `i` alone, this is the derivative of each element.

    Returns
    -------
    Operator
        Takes the arguments of `fun`, whose output is real; the result has the argument's shape.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import elementwise_grad
    >>> elementwise_grad(lambda x: x**2)(np.array([1.0, 2.0, 3.0]))
    array([2., 4., 6.])
    """
    return GradientOperator(_elementwise_grad, elementwise_grad, fun, argnum)


def _elementwise_grad(fun: Callable[[Any], Any], x: Any) -> Any:
    op = _op_name(fun, "elementwise_grad")
    with ReverseTrace(fun, x) as trace:
        _numeric_outputs(trace, op, fun)
        for value in trace.values:
            if vector_dtype(value).kind == "c":
                raise TypeError(
                    f"{op} only applies to real-output functions: {get_name(fun)} returned "
                    f"{_describe_output(trace)}; use holomorphic_grad or jacobian, "
                    "or return a real number, as by np.real"
                )
        return trace.pull([ones_like(value) for value in trace.values], consume=True)


egrad = elementwise_grad
# The unary rules that the compiled way of these operators stands for.
compiled_rules = (_value_and_grad, _elementwise_grad)


def deriv(fun: Callable[P, Any], argnum: Argnum = 0) -> Operator[P, Any]:
    """Make the function that computes a derivative by forward mode, for a tangent of ones.

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
    return Operator(_deriv, deriv, fun, argnum)


def _deriv(fun: Callable[[Any], Any], x: Any) -> Any:
    return _make_jvp(fun, x)(tree_map(ones_like, x))[1]


def holomorphic_grad(fun: Callable[P, Any], argnum: Argnum = 0) -> Operator[P, Any]:
    """Make the function that computes the complex derivative of a holomorphic scalar function.

    Returns
    -------
    Operator
        Takes the arguments of `fun`; warns if the chosen argument is not complex.

    Examples
    --------
    >>> from fastad import holomorphic_grad
    >>> complex(holomorphic_grad(lambda z: z**2)(1.0 + 2.0j))
    (2+4j)
    """
    return Operator(_holomorphic_grad, holomorphic_grad, fun, argnum)


def _holomorphic_grad(fun: Callable[[Any], Any], x: Any) -> Any:
    op = _op_name(fun, "holomorphic_grad")
    if not any(vector_dtype(leaf).kind == "c" for leaf in flatten(x)[0]):
        warn_user("Input to holomorphic_grad is not complex")
    with ReverseTrace(fun, x) as trace:
        value = _scalar_output(trace, op, fun, allow_complex=True)
        return trace.pull([ones_like(value)], consume=True)


def grad_named(fun: Callable[P, Any], argname: str) -> Operator[P, Any]:
    """Make the gradient with respect to an argument given by its name.

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


class _AllArguments(_Derived):
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
        return OrderedDict(_grad(whole, dict(bound.arguments)))


def multigrad_dict(fun: Callable[P, Any]) -> Transformed[P, OrderedDict[str, Any]]:
    """Make the function that computes the gradients with respect to all arguments at once.

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


# ---- Jacobians and products


def jacobian(fun: Callable[P, Any], argnum: Argnum = 0) -> Operator[P, Any]:
    """Make the function that computes the Jacobian.

    `fun` is traced once; all rows are swept from the one tape.

    Returns
    -------
    Operator
        Takes the arguments of `fun`. For an argument of shape `(in1, ...)` and an output of shape
        `(out1, ...)` the result has shape `(out1, ..., in1, ...)`. Containers give containers: the
        output's structure, holding the argument's structure, holding arrays.

    Notes
    -----
    A complex output is taken as holomorphic in complex arguments, and as a complex function of
    real ones: either way entry `[i, j]` is the complex number `d out_i / d x_j`.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import jacobian
    >>> jacobian(lambda x: np.array([x[0] * x[1], x[1]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [0., 1.]])
    """
    return Operator(_jacobian, jacobian, fun, argnum)


def _jacobian(fun: Callable[[Any], Any], x: Any, op: str = "jacobian") -> Any:
    with ReverseTrace(fun, x) as trace:
        _numeric_outputs(trace, _op_name(fun, op), fun)
        rows = [trace.inputs.unflatten(_rows(trace, k)) for k in range(len(trace.outs))]
        return trace.outputs.unflatten(rows)


# Bytes of basis cotangents that are swept together: the batch stays in a few megabytes.
_BATCH_BYTES = 1 << 24


def _rows(trace: ReverseTrace, k: int) -> list[Any]:
    """Derivative of output leaf `k` by each leaf of the argument: shape out.shape + in.shape."""
    value = trace.values[k]
    shape = shape_of(value)
    dtype: Any = vector_dtype(value)
    if dtype.kind == "O":  # an array of objects met on the way; its cotangents are numbers
        dtype = onp.dtype(float)
    if not trace.owned[k] or onp.prod(shape, dtype=int) == 0:
        return [onp.zeros(shape + shape_of(leaf), vector_dtype(leaf)) for leaf in trace.leaves]
    rows = _sweep_basis(trace, k, dtype.type(1))
    if dtype.kind == "c" and any(vector_dtype(leaf).kind != "c" for leaf in trace.leaves):
        # For a real argument a cotangent g gives Re(g df/dx): 1 finds the real part, 1j the
        # imaginary one.
        turned = _sweep_basis(trace, k, dtype.type(1j))
        rows = [
            row if vector_dtype(leaf).kind == "c" else row - 1j * other
            for leaf, row, other in zip(trace.leaves, rows, turned)
        ]
    return rows


def _sweep_basis(trace: ReverseTrace, k: int, unit: Any) -> list[Any]:
    value = trace.values[k]
    shape = shape_of(value)
    size = int(onp.prod(shape, dtype=int))
    if size == 1:
        grads = trace.tape.sweep(
            [trace.outs[k]], [onp.full(shape, unit)[()] if shape else unit], trace.boxes
        )
        return [
            onp.zeros(shape + shape_of(leaf), vector_dtype(leaf))[()]
            if g is None
            else (anp.reshape(g, shape + shape_of(leaf)) if shape else g)
            for leaf, g in zip(trace.leaves, grads)
        ]
    parts: list[list[Any]] = [[] for _ in trace.leaves]
    step = max(1, _BATCH_BYTES // (size * unit.dtype.itemsize))
    for start in range(0, size, step):
        count = min(step, size - start)
        seeds = onp.zeros((count, size), unit.dtype)
        seeds[onp.arange(count), onp.arange(start, start + count)] = unit
        batch = seeds.reshape((count, *shape))
        for part, grads in zip(parts, _sweep_batch(trace, k, batch)):
            part.append(grads)
    blocks = []
    for leaf, part in zip(trace.leaves, parts):
        block = part[0] if len(part) == 1 else anp.concatenate(part)
        blocks.append(anp.reshape(block, shape + shape_of(leaf)))
    return blocks


def _sweep_batch(trace: ReverseTrace, k: int, seeds: Any) -> list[Any]:
    """Gradients of each leaf of the argument for a batch of cotangents, along a first axis."""
    grads: Any = None
    sweep_many = getattr(trace.tape, "sweep_many", None)
    if sweep_many is not None:
        grads = sweep_many([trace.outs[k]], [seeds], trace.boxes)
    if grads is None:
        single = [trace.tape.sweep([trace.outs[k]], [seed], trace.boxes) for seed in seeds]
        grads = [_stack(column) for column in zip(*single)]
    return [
        onp.zeros((len(seeds), *shape_of(leaf)), vector_dtype(leaf)) if g is None else g
        for leaf, g in zip(trace.leaves, grads)
    ]


def _stack(rows: Sequence[Any]) -> Any:
    if any(row is None for row in rows):
        known = next((row for row in rows if row is not None), None)
        if known is None:
            return None
        zero = zeros_like(known)
        rows = [zero if row is None else row for row in rows]
    return anp.stack(rows) if has_boxes(rows) else onp.stack(rows)


def hessian(fun: Callable[P, Any], argnum: Argnum = 0) -> Operator[P, Any]:
    """Make the function that computes the exact Hessian: out.shape + in.shape + in.shape.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import hessian
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    return Operator(_hessian, hessian, fun, argnum)


def _hessian(fun: Callable[[Any], Any], x: Any) -> Any:
    return _jacobian(_Derived(fun, lambda y: _jacobian(fun, y, "hessian"), "hessian"), x)


def make_vjp(fun: Callable[P, R], argnum: Argnum = 0) -> Operator[P, tuple[Vjp, R]]:
    """Make the function that evaluates `fun` and prepares its vector-Jacobian product.

    Returns
    -------
    Operator
        Takes the arguments of `fun`; gives `(vjp, value)`. `vjp(g)`, with `g` built like the
        value, gives the cotangent of the argument, and may be called again and again: the tape
        lives as long as it does.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import make_vjp
    >>> vjp, value = make_vjp(lambda x: x**2)(np.array([1.0, 2.0]))
    >>> vjp(np.array([1.0, 10.0]))
    array([ 2., 40.])
    """
    return Operator(_make_vjp, make_vjp, fun, argnum)


def make_jvp(
    fun: Callable[P, R], argnum: Argnum = 0
) -> Operator[P, Callable[[Any], tuple[R, Any]]]:
    """Make the function that prepares the Jacobian-vector product of `fun` (forward mode).

    Returns
    -------
    Operator
        Takes the arguments of `fun`; gives `jvp`. `jvp(v)`, with `v` built like the argument, gives
        `(value, tangent)`.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import make_jvp
    >>> make_jvp(lambda x: x**2)(np.array([1.0, 2.0]))(np.array([1.0, 10.0]))
    (array([1., 4.]), array([ 2., 40.]))
    """
    return Operator(_make_jvp, make_jvp, fun, argnum)


def make_jvp_reversemode(fun: Callable[P, Any], argnum: Argnum = 0) -> Operator[P, Vjp]:
    """Make the Jacobian-vector product from two reverse sweeps: it is the vjp of the vjp.

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
    return Operator(_make_jvp_reversemode, make_jvp_reversemode, fun, argnum)


def _make_jvp_reversemode(fun: Callable[[Any], Any], x: Any) -> Callable[[Any], Any]:
    vjp, value = _make_vjp(fun, x)
    return _make_vjp(vjp, tree_map(zeros_like, value))[0]


def make_hvp(fun: Callable[P, Any], argnum: Argnum = 0) -> Operator[P, tuple[Vjp, Any]]:
    """Make the function that prepares Hessian-vector products at a point, from one trace.

    Returns
    -------
    Operator
        Takes the arguments of `fun`; gives `(hvp, gradient)`, where `hvp(v)` is the product.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import make_hvp
    >>> hvp, gradient = make_hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    >>> hvp(np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    return Operator(_make_hvp, make_hvp, fun, argnum)


def _make_hvp(fun: Callable[[Any], Any], x: Any) -> tuple[Callable[[Any], Any], Any]:
    return _make_vjp(_Derived(fun, lambda y: _grad(fun, y), "make_hvp"), x)


class _TensorOperator(Operator[..., Any]):
    """An operator whose last positional argument is a tensor to multiply with."""

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if not args:
            raise TypeError(
                f"{self._op}: pass the arguments of {get_name(self.__wrapped__)} "
                "and then the tensor"
            )
        selected, x = self.select(args[:-1], kwargs)
        return self._rule(selected, x, args[-1])


def hessian_tensor_product(fun: Callable[..., Any], argnum: Argnum = 0) -> Operator[..., Any]:
    """Make the function that computes the product of the Hessian with a tensor.

    Returns
    -------
    Operator
        Takes the arguments of `fun` and then, by position, a tensor built like the argument.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import hessian_vector_product
    >>> hessian_vector_product(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    return _TensorOperator(_hessian_tensor_product, hessian_tensor_product, fun, argnum)


def _hessian_tensor_product(fun: Callable[[Any], Any], x: Any, tensor: Any) -> Any:
    op = _op_name(fun, "hessian_tensor_product")
    leaves, structure = flatten(x)
    for leaf, part in zip(leaves, structure.flatten_like(tensor, f"{op}: the tensor")):
        if shape_of(leaf) != onp.shape(getval(part)):
            raise ValueError(
                f"{op}: the tensor has shape {onp.shape(getval(part))}, "
                f"the argument of {get_name(fun)} has "
                f"shape {shape_of(leaf)}; pass a tensor of the argument's shape"
            )
    return _make_hvp(fun, x)[0](tensor)


hessian_vector_product = hessian_tensor_product


def tensor_jacobian_product(fun: Callable[..., Any], argnum: Argnum = 0) -> Operator[..., Any]:
    """Make the function that multiplies the Jacobian by a tensor from the left.

    Returns
    -------
    Operator
        Takes the arguments of `fun` and then, by position, a tensor whose axes are the first axes
        of the output; the result has the output's other axes followed by the argument's.

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
        ndim = len(onp.shape(getval(tensor)))
        return _jacobian(
            _Derived(fun, lambda y: _contract(fun, y, tensor, ndim), "tensor_jacobian_product"), x
        )
    return _make_vjp(fun, x)[0](tensor)


def _contract(fun: Callable[[Any], Any], x: Any, tensor: Any, ndim: int) -> Any:
    return anp.tensordot(tensor, fun(x), axes=ndim)


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
    g_hvp, g_grad = _make_vjp(lambda y: _grad(g, y), f_x)
    f_jvp, _ = _make_vjp(f_vjp, tree_map(zeros_like, g_grad))

    def ggnvp(v: Any) -> Any:
        return f_vjp(g_hvp(f_jvp(v)))

    return ggnvp
