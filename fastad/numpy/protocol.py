"""NumPy's protocols: `import numpy as np` on a traced value leads to the same operations."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from .._core import foreign_error
from .._impl.loading import module_of
from .methods import methods
from .operands import plain_operand
from .registry import Box, by_function, primitive_of


def _name(function: Any) -> str:
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module}.{getattr(function, '__name__', function)}"


def _overrides(x: Any) -> bool:
    """Tell whether x is another library's array, which answers ufuncs itself."""
    if type(x) is np.ndarray or isinstance(x, (Box, np.generic)):
        return False
    own = getattr(type(x), "__array_ufunc__", None)
    return own is not None and own is not np.ndarray.__array_ufunc__


def _answers_functions(type_: type) -> bool:
    own = getattr(type_, "__array_function__", None)
    return own is not None and own is not np.ndarray.__array_function__


# What a NumPy scalar on the left of an operator calls: `scalar * box` comes as numpy.multiply.
REFLECTED = {
    np.add: "__radd__",
    np.subtract: "__rsub__",
    np.multiply: "__rmul__",
    np.true_divide: "__rtruediv__",
    np.floor_divide: "__rfloordiv__",
    np.remainder: "__rmod__",
    np.power: "__rpow__",
}


def for_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Answer ``numpy.sin(box)``, ``array * box`` and ``numpy.add.reduce(box)``.

    Raises
    ------
    TypeError
        If the ufunc has no rule, or would write into an array (``out=array``).
    """
    plain = [plain_operand(x) for x in inputs]
    inputs = tuple(x if values is None else values for x, values in zip(inputs, plain))
    others = [x for x in inputs if _overrides(x)]
    if others:
        if isinstance(inputs[0], np.ndarray) and inputs[0] is others[0]:
            # NumPy asked it first, and it would not have a traced value.
            raise foreign_error(type(inputs[0]), f"{ufunc.__name__}: argument 0")
        return NotImplemented  # the other library's array may hold the traced value
    if isinstance(inputs[0], np.generic) and method == "__call__" and not kwargs:
        reflected = REFLECTED.get(ufunc)
        if reflected is not None and isinstance(inputs[1], Box):
            return getattr(inputs[1], reflected)(inputs[0])
    primitive = by_function.get(ufunc)
    if primitive is None:
        primitive = _of_scipy(ufunc)
    out = kwargs.get("out")
    if out is not None:
        from . import in_place

        if (
            method == "__call__"
            and len(kwargs) == 1
            and type(inputs[0]) is np.ndarray
            and out[0] is inputs[0]
            and in_place.is_operator(sys._getframe(1))
        ):
            found = sys.getrefcount(inputs[0])
            if in_place.counting.busy:
                in_place.counting.seen = found
                return inputs[0]
            more = in_place.counting.among(inputs[1], found, sys._getframe(1))
            return in_place.rebound(ufunc, inputs[0], primitive(*inputs), more)
        raise TypeError(
            f"numpy.{ufunc.__name__} cannot write a traced value into a plain array (out=): use "
            "the returned value"
        )
    kwargs.pop("out", None)
    if method == "__call__":
        return primitive(*inputs, **kwargs)
    return getattr(primitive, method)(*inputs, **kwargs)


def _of_scipy(ufunc: Any) -> Any:
    """The rules of a ufunc of scipy.special's, whose module may not have been asked for yet."""
    name = ufunc.__name__
    if "scipy.special" in sys.modules:
        module_of("fastad.scipy.special")
        if ufunc in by_function:
            return by_function[ufunc]
    raise _no_rule(f"the ufunc {name}")


def _no_rule(name: str) -> Exception:
    error: Exception = module_of("fastad._impl.remedies").no_rule(name)
    return error


def for_function(function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Answer ``numpy.sum(box)`` and every other function of NumPy's that meets a traced value."""
    if any(t is not np.ndarray and not issubclass(t, Box) and _answers_functions(t) for t in types):
        return NotImplemented  # the other library's array may hold the traced value
    primitive = primitive_of(function)
    if primitive is None:
        raise _no_rule(_name(function))
    return primitive(*args, **kwargs)


def _namespace(x: Any, /, *, api_version: str | None = None) -> Any:
    """Return fastad.numpy, the namespace of the Python array API for traced values."""
    return module_of("fastad.numpy")


def array_methods() -> dict[str, Any]:
    """What a traced array has by ndarray's names; the array is the first argument.

    Functions of one number stand by their own: NumPy calls `x.exp()` for the elements of an array
    of objects, such as a column of a frame that holds traced values.
    """
    known = {name: method for name, method in methods.items() if hasattr(np.ndarray, name)}
    loops = {
        function.__name__: primitive
        for function, primitive in by_function.items()
        if isinstance(function, np.ufunc) and function.nin == 1
    }
    return {"__array_namespace__": _namespace, **loops, **known}
