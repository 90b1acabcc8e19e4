"""The table of NumPy operations, from which namespace, array protocol and tests are computed."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .. import _core
from .._core import (
    ArrayBox,
    Box,
    Primitive,
    call_late,
    getitem,
    isbox,
    late_primitive,
    plain_type,
    primal,
    read,
)
from .._impl.formulas import Symbol
from .._impl.loading import OF_NUMPY, is_complete, module_of
from .._impl.namespaces import (
    Namespace,
    by_function,
    error_of,
    helper,
    unsupported,
    with_own_errors,
)
from .late import BESIDE, CALLED, MODULES

__all__ = [
    "ARRAYS",
    "NUMPY_2",
    "REAL",
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
    "given_only",
    "helper",
    "is_array",
    "is_differentiated",
    "is_given",
    "isbox",
    "kinds",
    "load_all",
    "load_rules",
    "named",
    "normalized_axes",
    "normalized_axis",
    "nowhere",
    "numpy_function",
    "ops",
    "primal",
    "primitive_of",
    "reduced_axes",
    "refuse",
    "refused",
    "shape_of",
    "space",
    "stand_in",
    "table",
    "with_own_errors",
    "zero",
]

Array = Any
"""An array, a scalar, or a box of one."""

ARRAYS = (ArrayBox, np.ndarray)
"""Types of what is an array already."""

REAL = frozenset((np.dtype(np.float64), np.dtype(np.float32)))
"""Types of real numbers that NumPy's loops, and ours, compute in themselves."""

NUMPY_2 = np.lib.NumpyVersion(np.__version__) >= "2.0.0"

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


# What was found, at the import most: tests put others in NumPy's place for a while, and rules that
# are loaded meanwhile would keep these.
_functions: dict[str, Any] = {}


class _Table(Namespace):
    """NumPy's functions, which rules reach as attributes of `ops`."""

    def find(self, name: str) -> Any:
        """NumPy's object of a dotted name, or None if the installed version has none.

        Only what is in the module: NumPy's answer to a name that it has not takes 10 us.
        """
        if name not in _functions:
            head, _, last = name.rpartition(".")
            module = getattr(self.module, head) if head else self.module
            _functions[name] = vars(module).get(last)
        return _functions[name]

    def enter(self, name: str, primitive: Any, function: Any = None, kind: str = "rule") -> Any:
        super().enter(name, primitive, function, kind)
        if "." not in name:
            setattr(ops, name, primitive)
        return primitive


space = _Table(np, "fastad.numpy")
table: dict[str, Primitive] = space.entries
kinds = space.kinds
numpy_function, enter, named = space.find, space.enter, space.named
composite, derivative_of, differentiable = space.composite, space.derivative_of, space.rule
refused = space.refused


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
    if type(mask) is np.bool_:
        return not mask
    # Counting takes a tenth of what np.any takes of a small mask.
    return not isbox(mask) and not np.count_nonzero(mask)


def everywhere(mask: Any) -> bool:
    """Tell whether a mask holds everywhere: of a recorded one that is not known."""
    if type(mask) is np.bool_:
        return bool(mask)
    return not isbox(mask) and bool(np.count_nonzero(mask) == np.size(mask))


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


@functools.lru_cache(None)
def count_of(function: Callable[..., Any]) -> Any:
    """Return NumPy's function as an operation of derivative zero."""
    return helper(function, zero=True)


def zero(name: str, static: bool = False) -> None:
    """Enter NumPy's function of this name as one whose derivative is zero: boxes are stripped.

    A static one reads no values: it is no operation, and gets a stand-in for each box.
    """
    traced = None
    if static:
        traced = functools.partial(_of_stand_ins, numpy_function(name))
    elif name in COUNTING:
        traced = functools.partial(_counted, numpy_function(name))
    space.zero(name, "test" if name in TESTS else "zero", traced)


# How many places they give is how many values are not zero: a shape, on which the rest relies.
COUNTING = frozenset(("argwhere", "flatnonzero", "nonzero"))


def _counted(function: Any, a: Any) -> Any:
    read(np.count_nonzero(a), "index")
    return count_of(function)(a)


def _of_stand_ins(function: Any, *args: Any, **kwargs: Any) -> Any:
    return function(*map(stand_in, args), **{key: stand_in(one) for key, one in kwargs.items()})


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


def given_only(**options: Any) -> dict[str, Any]:
    """Return the optional arguments that were given."""
    return {name: value for name, value in options.items() if is_given(value)}


def flag(value: Any) -> bool:
    """Return an optional truth value such as keepdims, False if it was not given."""
    return is_given(value) and bool(operator.index(value))


def refuse(function: str, **given: Any) -> None:
    """Raise TypeError if an argument that has no meaning on a traced value was given."""
    for argument, value in given.items():
        if not is_given(value) or (argument == "where" and value is True):
            continue
        raise unsupported(f"numpy.{function}", argument)


def as_value(x: Any) -> Array:
    """Return x as an array or box; a list that holds boxes is stacked by a recorded operation."""
    if isinstance(x, (Box, np.ndarray, np.generic, Symbol)):
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
        kind = getattr(primitive, "kind", "composite")
        # A composite of the core's (concatenate) is one for its calling form alone.
        enter(name, primitive, function, _kind(name, function) if kind == "composite" else kind)


_enter_core()


# ---- what comes late -----------------------------------------------------------------------------

_homes: dict[Any, str] = {}
_here: set[str] = set()  # those that are loaded, also where sys.modules is put back behind them


def _enter_late() -> None:
    """Make the primitives whose rules come with a module that is loaded when they are needed.

    They are the same objects before and after: a namespace that was copied, a pickle and a program
    that was recorded know nothing of it.
    """
    for module, names in MODULES.items():
        for name in names.split():
            if name in CALLED and name in table:
                _homes[table[name]] = module  # the core's, which gets a function of its own
            function = numpy_function(name)
            if function is None or function in by_function:
                continue
            space.late[name] = primitive = late_primitive(function, name)
            _homes[primitive] = module
            if name in BESIDE:
                by_function[function] = named(primitive, function)
            else:
                enter(name, primitive, function)
                del kinds[name]  # which the module knows
    for name in CALLED:
        if name in table:
            call_late(table[name])


def load_rules(primitive: Any) -> bool:
    """Load the module that has a primitive's rules; False where this thread is about it already."""
    home = _homes.get(primitive)
    if home is None or home in _here:
        return True
    complete = is_complete(module_of(f"fastad.numpy.{home}"))
    if complete:
        _here.add(home)  # loaded again, it would give its rules in place of the users'
    return complete


def load_all() -> None:
    """Load every module of rules, for what goes through the table."""
    for name in (*MODULES, *OF_NUMPY):
        module_of(f"fastad.numpy.{name}")


def primitive_of(function: Any) -> Any:
    """What stands for a function of NumPy's; None for one that no module has."""
    found = by_function.get(function)
    if found is None:
        home, _, name = (getattr(function, "__module__", None) or "").rpartition(".")
        if home == "numpy" and name in OF_NUMPY:
            module_of(f"fastad.numpy.{name}")
            found = by_function.get(function)
    return found


_enter_late()
