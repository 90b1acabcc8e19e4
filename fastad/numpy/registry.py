"""The table of NumPy operations, from which namespace, array protocol and tests are computed."""

from __future__ import annotations

import functools
import operator
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

import numpy as np

from .. import _core
from .._core import Box, Primitive, getitem, isbox, plain_type, primal, read

__all__ = [
    "Array",
    "Box",
    "Primitive",
    "as_value",
    "at",
    "by_function",
    "cast",
    "composite",
    "constant",
    "count_of",
    "defjvp",
    "defjvp_argnum",
    "defvjp",
    "defvjp_argnum",
    "derivative_of",
    "differentiable",
    "dtype_of",
    "enter",
    "error_of",
    "everywhere",
    "fitted",
    "flag",
    "getitem",
    "helper",
    "is_array",
    "is_differentiated",
    "is_given",
    "isbox",
    "kinds",
    "named",
    "normalized_axes",
    "normalized_axis",
    "nowhere",
    "numpy_function",
    "ops",
    "primal",
    "reduced_axes",
    "refuse",
    "refused",
    "shape_of",
    "stand_in",
    "table",
    "zero",
]

Array = Any
"""An array, a scalar, or a box of one."""

table: dict[str, Primitive] = {}
"""Every operation that accepts traced values, by NumPy's name ('sum', 'linalg.norm')."""

kinds: dict[str, str] = {}
"""For each name in `table`: 'elementwise', 'structural', 'rule', 'composite', 'zero' or 'test'."""

by_function: dict[Any, Primitive] = {}
"""NumPy's function object -> its Primitive: what `__array_function__` and aliases look up."""

TESTS = frozenset(
    "all allclose any array_equal array_equiv equal greater greater_equal isclose iscomplex "
    "iscomplexobj isfinite isin isinf isnan isneginf isposinf isreal isrealobj less less_equal "
    "logical_and logical_not logical_or logical_xor not_equal signbit".split()
)


NO_VALUE = getattr(np, "_NoValue", None)


# Operations of ndarray that NumPy has no function for.
NOT_FUNCTIONS = ("astype", "getitem")


class Operations:
    """Attribute access to the table (`ops.reshape`), so that a rule reads like NumPy code.

    Rules look their operations up when they run; the order in which files register does not matter.
    """

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"fastad's table has no operation {name!r}")


ops = Operations()


def numpy_function(name: str) -> Any:
    """NumPy's object of a dotted name, or None if the installed NumPy has none."""
    found: Any = np
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def enter(name: str, primitive: Primitive, kind: str, function: Any = None) -> Primitive:
    """Put a primitive into the table; the first entry of a function object serves its aliases."""
    table[name] = primitive
    kinds[name] = kind
    if "." not in name:
        setattr(ops, name, primitive)
    if function is not None:
        by_function.setdefault(function, primitive)
    return primitive


def named(primitive: Primitive, function: Any) -> Primitive:
    """Give a primitive its function's documentation, and the module that pickle finds it in."""
    primitive.__doc__ = getattr(function, "__doc__", None)
    primitive.__module__ = "fastad.numpy"
    primitive.__qualname__ = primitive.__name__
    return primitive


def composite(*names: str) -> Callable[[Callable[..., Any]], Any]:
    """Make the decorated function the traced path of NumPy's functions of these names.

    The function is written in other differentiable operations and does the arithmetic that NumPy
    does, so that values are NumPy's bit for bit and derivatives of every order follow. Names that
    the installed NumPy does not have, or that are aliases of one entered before, are left out.

    Returns
    -------
    decorator : callable
        It returns the Primitive of the first name (the function itself if NumPy has none of them).
    """
    return _entering(
        names,
        lambda traced, function, name: Primitive(
            function, name, traced=with_own_errors(traced, function)
        ),
    )


def derivative_of(*names: str) -> Callable[[Callable[..., Any]], Any]:
    """Make the decorated function what NumPy's functions of these names are differentiated as.

    The value is NumPy's own, one operation. The decorated function computes the same, up to
    rounding, of other differentiable operations; it runs where a level that differentiates is on
    top, on the values one level down, after NumPy's function has taken the arguments. What it
    needs of the values themselves (an order, a mask, a branch) it asks of `primal`.

    Returns
    -------
    decorator : callable
        It returns the Primitive of the first name (the function itself if NumPy has none of them).
    """
    return _entering(
        names,
        lambda derivative, function, name: Primitive(function, name, derivative=derivative),
    )


def _entering(
    names: Sequence[str], make: Callable[[Any, Any, str], Primitive]
) -> Callable[[Callable[..., Any]], Any]:
    """Make a decorator that enters what `make` makes of its function under NumPy's names."""

    def register(decorated: Callable[..., Any]) -> Any:
        made: Any = None
        for name in names:
            function = numpy_function(name)
            if function is None or function in by_function:
                continue
            primitive = named(make(decorated, function, name), function)
            enter(name, primitive, "composite", function)
            made = primitive if made is None else made
        return decorated if made is None else made

    return register


def with_own_errors(traced: Callable[..., Any], function: Callable[..., Any]) -> Any:
    """Return traced, raising NumPy's own error where NumPy has one to the same arguments."""

    @functools.wraps(traced)
    def answering(*args: Any, **kwargs: Any) -> Any:
        try:
            return traced(*args, **kwargs)
        except Exception as ours:
            error = None if "fastad" in str(ours) else error_of(function, args, kwargs)
            if error is None:
                raise
        raise error

    return answering


def error_of(function: Callable[..., Any], args: Any, kwargs: Any) -> Exception | None:
    """Return what a function of NumPy's raises at arguments without boxes."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            options = {key: _printed(value) for key, value in kwargs.items() if key != "out"}
            function(*_printed(args), **options)
    except Exception as error:
        return error
    return None


def _printed(x: Any) -> Any:
    """Return an argument as an error speaks of it."""
    if type(x) in (list, tuple):
        return type(x)(map(_printed, x))
    return read(x, "text")


# ---- what a rule may know of a value -------------------------------------------------------------


def constant(x: Any) -> Any:
    """Return an argument without the levels that differentiate, also within lists and tuples."""
    if type(x) in (list, tuple):
        return type(x)(map(constant, x))
    return primal(x)


def is_differentiated(x: Any) -> bool:
    """Tell whether a derivative by x is asked for, where it is not only recorded."""
    return isbox(x) and primal(x) is not x


def nowhere(mask: Any) -> bool:
    """Tell whether a mask holds nowhere: of a recorded one that is not known."""
    return not isbox(mask) and not np.any(mask)


def everywhere(mask: Any) -> bool:
    """Tell whether a mask holds everywhere: of a recorded one that is not known."""
    return not isbox(mask) and bool(np.all(mask))


def dtype_of(x: Any) -> Any:
    """Return the dtype of an array, number or box, without reading its values."""
    dtype = getattr(x, "dtype", None)
    return np.result_type(x) if dtype is None else dtype


def is_array(x: Any) -> bool:
    """Tell whether x is an array or a box of one, and no scalar."""
    return issubclass(plain_type(x), np.ndarray)


def stand_in(x: Any) -> Any:
    """Return an argument that NumPy treats as x, also within lists and tuples, without its values.

    For a box it has the same type, dtype, shape and memory order, and numbers that mean nothing.
    """
    if type(x) in (list, tuple):
        return type(x)(map(stand_in, x))
    if not isbox(x):
        return x
    if not is_array(x):
        return plain_type(x)(0)
    order = sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))
    return np.zeros([x.shape[i] for i in order], x.dtype).transpose(np.argsort(order))


def differentiable(name: str) -> Any:
    """Enter NumPy's function of this name as a primitive that rules are attached to."""
    function = numpy_function(name)
    return enter(name, named(Primitive(function, name), function), "rule", function)


def helper(
    function: Callable[..., Any],
    derivative: Callable[..., Any] | None = None,
    zero: bool = False,
) -> Any:
    """Make a primitive that is no NumPy name of its own: the recorded core of a composite.

    Its arguments are canonical, so that rules need no keyword handling. With `derivative` it is
    differentiated as that function is, as for `derivative_of`; with `zero` its derivative is zero.
    """
    name = "_" + function.__name__.strip("_")
    return Primitive(function, name, derivative=derivative, zero=zero)


@functools.lru_cache(None)
def count_of(function: Callable[..., Any]) -> Any:
    """Return NumPy's function as an operation of derivative zero."""
    return helper(function, zero=True)


def zero(name: str, static: bool = False) -> Primitive:
    """Enter NumPy's function of this name as one whose derivative is zero: boxes are stripped.

    A static one reads no values: it is no operation, and gets a stand-in for each box.
    """
    function = numpy_function(name)
    kind = "test" if name in TESTS else "zero"
    traced = functools.partial(_of_stand_ins, function) if static else None
    return enter(
        name, named(Primitive(function, name, traced=traced, zero=True), function), kind, function
    )


def _of_stand_ins(function: Any, *args: Any, **kwargs: Any) -> Any:
    return function(*map(stand_in, args), **{key: stand_in(one) for key, one in kwargs.items()})


def refused(name: str, remedy: str) -> Primitive:
    """Return a primitive that refuses traced arguments and says what to write instead."""

    def raise_refusal(*args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(f"numpy.{name} cannot take a traced argument in fastad: {remedy}")

    function = numpy_function(name)
    primitive = named(Primitive(function, name, traced=raise_refusal), function)
    by_function.setdefault(function, primitive)
    return primitive


def defvjp(primitive: Any, *makers: Any, argnums: Sequence[int] | None = None) -> None:
    """Attach VJP makers, one for each argument, as `fastad.extend.defvjp` does."""
    if argnums is None:
        _core.defvjp(primitive, *makers)
    else:
        _core.defvjp(primitive, *makers, argnums=argnums)


def defjvp(primitive: Any, *rules: Any, argnums: Sequence[int] | None = None) -> None:
    """Attach JVP rules, one for each argument, as `fastad.extend.defjvp` does."""
    if argnums is None:
        _core.defjvp(primitive, *rules)
    else:
        _core.defjvp(primitive, *rules, argnums=argnums)


def defvjp_argnum(primitive: Any, maker: Callable[..., Any]) -> None:
    """Attach one VJP maker `maker(argnum, ans, args, kwargs)` for all arguments."""
    _core.defvjp_argnum(primitive, maker)


def defjvp_argnum(primitive: Any, rule: Callable[..., Any]) -> None:
    """Attach one JVP rule `rule(argnum, g, ans, args, kwargs)` for all arguments."""
    _core.defjvp_argnum(primitive, rule)


def is_given(value: Any) -> bool:
    """Tell whether an optional argument was given: neither None nor NumPy's mark for nothing."""
    return value is not None and value is not NO_VALUE


def flag(value: Any) -> bool:
    """Return an optional truth value such as keepdims, False if it was not given."""
    return is_given(value) and bool(operator.index(value))


def refuse(function: str, **given: Any) -> None:
    """Raise TypeError if an argument that has no meaning on a traced value was given."""
    for argument, value in given.items():
        if not is_given(value) or (argument == "where" and value is True):
            continue
        raise TypeError(
            f"numpy.{function}: the argument {argument!r} is not supported with a traced value in "
            f"fastad; {REMEDIES.get(argument, 'leave it out')}"
        )


REMEDIES = {
    "out": "use the returned value",
    "where": "mask the values with numpy.where first",
    "initial": "combine the initial value with the result",
    "order": "structured arrays have no derivative",
    "mean": "leave it out, it is computed",
}


def as_value(x: Any) -> Array:
    """Return x as an array or box; a list that holds boxes is stacked by a recorded operation."""
    if isinstance(x, (Box, np.ndarray, np.generic)):
        return x
    if isinstance(x, (list, tuple)):
        return ops.array(x)
    return np.asarray(x)


def cast(x: Array, dtype: Any) -> Array:
    """Return an array, NumPy scalar or box in a dtype; itself if it has it."""
    return x if x.dtype == dtype else x.astype(dtype)


def widened(x: Array) -> Array:
    """Return float16 as float32, which holds every count and what is divided by it."""
    return x.astype(np.float32) if getattr(x, "dtype", None) == np.float16 else x


def fitted(g: Array, shape: tuple[int, ...]) -> Array:
    """Sum a cotangent over the axes along which an argument of this shape was broadcast."""
    given = shape_of(g)
    if given == shape:
        return g
    more = len(given) - len(shape)
    spread = tuple(
        i for i, length in enumerate(given) if i < more or (shape[i - more] == 1 and length != 1)
    )
    summed = ops.sum(g, axis=spread, keepdims=True)
    return ops.reshape(summed, shape)


def shape_of(x: Any) -> tuple[int, ...]:
    """Return the shape of an array, scalar or box, without reading its values."""
    shape = getattr(x, "shape", None)
    return np.shape(x) if shape is None else tuple(shape)


def normalized_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return axis (None, an int or a sequence of ints, negative ones too) as a tuple in range."""
    if axis is None:
        return tuple(range(ndim))
    given: Iterable[Any] = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = []
    for entry in given:
        index = operator.index(entry)
        if not -ndim <= index < ndim:
            raise np.exceptions.AxisError(index, ndim)
        axes.append(index % ndim)
    if len(set(axes)) != len(axes):
        raise ValueError("repeated axis")
    return tuple(axes)


def reduced_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes of a reduction: an int or a tuple; a number has none, and 0 names none."""
    if isinstance(axis, list):
        raise TypeError("'list' object cannot be interpreted as an integer")
    if ndim == 0 and not isinstance(axis, tuple) and axis in (0, -1):
        return ()
    return normalized_axes(axis, ndim)


def normalized_axis(axis: Any, ndim: int) -> int:
    """Return one axis in range(ndim)."""
    index = operator.index(axis)
    if not -ndim <= index < ndim:
        raise np.exceptions.AxisError(index, ndim)
    return index % ndim


def at(axis: int, place: Any) -> tuple[Any, ...]:
    """Return the index that selects place along axis and all of the axes before it."""
    return (slice(None),) * axis + (place,)


def _kind(name: str, function: Any) -> str:
    elementwise = isinstance(function, np.ufunc) and function.signature is None
    return "elementwise" if elementwise else "structural"


def _enter_core() -> None:
    for name, primitive in _core.operations().items():
        function = numpy_function(name)
        if function is None and name not in NOT_FUNCTIONS:
            setattr(ops, name, primitive)  # the calling form of another entry
            continue
        if function is not None:
            named(primitive, function)
        kind = getattr(primitive, "kind", "composite")
        # A composite of the core's (concatenate) is one for its calling form alone.
        enter(name, primitive, _kind(name, function) if kind == "composite" else kind, function)


_enter_core()
