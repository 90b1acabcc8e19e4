"""Functions of numpy.ma's of traced values, and of NumPy's of masked arrays with traced data."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as onp
from numpy.ma import core as ma  # numpy.ma may be on its way

from .._core import holds_box, isbox, primal
from .._impl.first_step import Choose, lead
from .masked import (
    COMPARED,
    MASKED,
    TracedMaskedArray,
    data_of,
    decided,
    elementwise,
    fill_value_of,
    is_elementwise,
    made_of,
    mask_of,
    no_options,
    of_ufunc,
    product,
    refuse_matmul,
    union,
    whole_mask,
)
from .registry import ops, shape_of

__all__ = ["FUNCTIONS", "call", "lead_functions", "operate"]


def _of(x: Any) -> Any:
    """A traced array, or a masked one, as a masked one."""
    return x if isinstance(x, MASKED) else TracedMaskedArray(x)


def _method(name: str) -> Callable[..., Any]:
    def call(a: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(_of(a), name)(*args, **kwargs)

    return call


def _where(condition: Any, *choices: Any) -> Any:
    """As numpy.ma.where: masked where the condition is, or what is taken."""
    if len(choices) != 2:
        raise TypeError("numpy.ma.where of traced values takes a condition and two choices")
    chosen = decided(onp.asarray(data_of(condition), bool) if not isbox(condition) else condition)
    yes, no = choices
    shape = onp.broadcast_shapes(chosen.shape, *(shape_of(data_of(x)) for x in choices))
    taken = onp.where(chosen, *(onp.broadcast_to(whole_mask(x), shape) for x in (yes, no)))
    mask = union(shape, taken, mask_of(condition))
    return made_of(ops.where(chosen, data_of(yes), data_of(no)), mask)


def _power(a: Any, b: Any, third: Any = None) -> Any:
    no_options("power", third=third)
    return elementwise(onp.power, a, b)


def _masked_where(condition: Any, a: Any, copy: bool = True) -> Any:
    shape, place = shape_of(data_of(a)), decided(data_of(condition))
    if place.shape not in ((), shape):
        ma.masked_where(place, onp.empty(shape))  # raises
    return made_of(data_of(a), union(shape, place, mask_of(condition), mask_of(a)), a)


def _masked_invalid(a: Any, copy: bool = True) -> Any:
    return _masked_where(decided(~onp.isfinite(primal(data_of(a)))), a)


def _average(a: Any, axis: Any = None, weights: Any = None, **options: Any) -> Any:
    """As numpy.average. Weighted, it counts the weights of masked entries; numpy.ma.average not."""
    options["weights"] = weights
    given = [name for name, value in options.items() if value is not None and value is not False]
    if given:
        raise TypeError(
            f"numpy.average of a masked array of traced values, with {given[0]}, has no rule in "
            "fastad: use numpy.ma.average"
        )
    return _of(a).mean(axis)


def _constructed(
    data: Any,
    mask: Any = ma.nomask,
    dtype: Any = None,
    copy: Any = False,
    subok: bool = True,
    ndmin: int = 0,
    fill_value: Any = None,
    keep_mask: bool = True,
    hard_mask: Any = None,
    shrink: bool = True,
    order: Any = None,
) -> Any:
    """What `numpy.ma.array(data, mask=...)` is of traced data."""
    numbers = data_of(data) if isinstance(data, TracedMaskedArray) else ops.array(data)
    if dtype is not None:
        numbers = numbers.astype(dtype)
    if ndmin > numbers.ndim:
        numbers = ops.reshape(numbers, (1,) * (ndmin - numbers.ndim) + numbers.shape)
    own = mask_of(data) if keep_mask or mask is ma.nomask else None
    given = None if mask is ma.nomask else decided(mask)
    both = union(numbers.shape, own, given)
    if fill_value is None:
        fill_value = fill_value_of(data)
    return TracedMaskedArray(numbers, ma.nomask if both is None else both, fill_value)


# Functions of NumPy's, and of numpy.ma's, that take one: by their names.
_METHODS = """
    sum prod mean var std min max cumsum cumprod ravel reshape transpose squeeze clip
""".split()
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: _method(name) for name in _METHODS},
    "amin": _method("min"),
    "amax": _method("max"),
    "average": _average,
    "shape": lambda a: a.shape,
    "ndim": lambda a: a.ndim,
    "size": lambda a, axis=None: a.size if axis is None else a.shape[axis],
}


# ---- numpy.ma's own functions --------------------------------------------------------------------


def _is_traced(values: tuple[Any, ...]) -> bool:
    return TracedMaskedArray in map(type, values) or holds_box(values)


def _is_made_of_traced(values: tuple[Any, ...]) -> bool:
    """Of the many arguments of the class: the numbers and the mask."""
    return _is_traced(values[1:3])


def _of_ufunc(args: tuple[Any, ...]) -> Any:
    """An object of numpy.ma's that stands for a ufunc: np.ma.log, np.ma.multiply."""
    ufunc = args[0].f
    if not isinstance(ufunc, onp.ufunc) or not is_elementwise(ufunc):
        return None

    def call(*operands: Any, **options: Any) -> Any:
        more = operands[ufunc.nin :]
        no_options(ufunc.__name__, **options, **({"positional out": more} if more else {}))
        return elementwise(ufunc, *operands)

    return call, args[1:]


def _compared(args: tuple[Any, ...]) -> Any:
    mine, other, compare = args
    return (lambda: elementwise(COMPARED[compare.__name__.strip("_")], mine, other)), ()


def lead_functions(core: types.ModuleType) -> None:
    """Lead the functions of numpy.ma, for traced values and arrays of these."""
    found: list[tuple[Any, Choose]] = []
    for name, kind in vars(core).items():
        if isinstance(kind, type) and name.endswith("Operation") and "__call__" in vars(kind):
            found.append((vars(kind)["__call__"], _of_ufunc))
    array = vars(core.MaskedArray)
    found.append((array.get("_comparison"), _compared))
    new = getattr(array["__new__"], "__func__", array["__new__"])
    found.append((new, _chosen(_constructed, 1)))
    for name, own in (
        ("filled", _method("filled")),
        ("set_fill_value", _method("set_fill_value")),
        ("compressed", _method("compressed")),
        ("power", _power),
        ("masked_where", _masked_where),
        ("masked_invalid", _masked_invalid),
        ("where", _where),
        ("dot", product),
        ("getdata", lambda a, subok=True: data_of(a)),
    ):
        found.append((getattr(core, name, None), _chosen(own, 0)))
    for function, choose in found:
        if isinstance(function, types.FunctionType):
            lead(function, choose, _is_made_of_traced if function is new else _is_traced)


def _chosen(own: Callable[..., Any], first: int) -> Choose:
    return lambda args: (own, args[first:])


# ---- beside a traced value -----------------------------------------------------------------------


def operate(ufunc: Any, left: Any, right: Any) -> Any:
    """An operator between a masked array and a traced value."""
    if ufunc is onp.matmul:
        refuse_matmul(left, right)
    return elementwise(ufunc, left, right)


def call(primitive: Any, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function of fastad.numpy's that is given a masked array beside a traced value."""
    if isinstance(function, onp.ufunc):
        if not kwargs and is_elementwise(function):
            return of_ufunc(function, *args)
        if function is onp.matmul:
            refuse_matmul(*args[:2])
    return NotImplemented
