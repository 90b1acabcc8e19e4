"""SciPy's formulas, with traced values where they choose between two functions by a condition.

`apply_where` (`_lazywhere` in older versions) writes what it found into an array of its own, which
no traced value can be written into: here the parts are joined instead.
"""

from __future__ import annotations

import dis
import functools
import math
import types
from collections.abc import Callable
from typing import Any

import numpy as onp

from ... import numpy as np
from ..registry import Array, Symbol, is_traced

CHOICES = ("apply_where", "_lazywhere")
# One that stands for a limit (a moment near c = 0) has the value, not the slope.
STANDS_FOR_A_LIMIT = "it has a constant for the values that another is for"


def _filled(value: float, *parts: Array) -> Array:
    return onp.full(np.shape(parts[0]), value)


def _selected(
    cond: Any,
    args: Any,
    f1: Callable[..., Array],
    f2: Callable[..., Array] | None,
    fill_value: Any,
) -> Array:
    """One of two functions for each element, of a formula that is written down."""

    def otherwise() -> Any:
        return fill_value if f2 is None else f2(*args)

    if not isinstance(cond, Symbol):
        return f1(*args) if cond else otherwise()
    return onp.where(cond, f1(*args), otherwise())


def apply_where(
    original: Callable[..., Array],
    cond: Array,
    args: Any,
    f1: Callable[..., Array],
    f2: Callable[..., Array] | None,
    fill_value: Any,
) -> Array:
    """One of two elementwise functions by a condition; each sees the entries that it is for."""
    args = args if isinstance(args, (tuple, list)) else (args,)
    if isinstance(cond, Symbol) or any(isinstance(arg, Symbol) for arg in args):
        return _selected(cond, args, f1, f2, fill_value)
    if not is_traced(cond, fill_value, *args):
        return original()
    if f2 is None:
        if is_traced(fill_value) or onp.ndim(fill_value) or math.isfinite(fill_value):
            raise NotImplementedError(STANDS_FOR_A_LIMIT)
        f2 = functools.partial(_filled, fill_value)
    shape = onp.broadcast_shapes(*map(np.shape, (cond, *args)))
    mask = np.ravel(np.broadcast_to(cond, shape))
    places, found = [], []
    for function, chosen in ((f1, mask), (f2, np.logical_not(mask))):
        place = np.flatnonzero(chosen)
        parts = [np.ravel(np.broadcast_to(arg, shape))[place] for arg in args]
        places.append(place)
        found.append(np.broadcast_to(function(*parts), np.shape(place)))
    return np.reshape(np.concatenate(found)[np.argsort(np.concatenate(places))], shape)


def _as_array_api(original: Callable[..., Array]) -> Callable[..., Array]:
    def call(
        cond: Array, args: Any, f1: Any, f2: Any = None, /, *, fill_value: Any = None, **more: Any
    ) -> Array:
        plain = functools.partial(original, cond, args, f1, f2, fill_value=fill_value, **more)
        if more.get("kwargs"):
            return plain()
        return apply_where(plain, cond, args, f1, f2, fill_value)

    return call


def _as_lazywhere(original: Callable[..., Array]) -> Callable[..., Array]:
    def call(cond: Array, arrays: Any, f: Any, fillvalue: Any = None, f2: Any = None) -> Array:
        plain = functools.partial(original, cond, arrays, f, fillvalue, f2)
        return apply_where(plain, cond, arrays, f, f2, fillvalue)

    return call


def where(condition: Array, *choices: Any) -> Array:
    """`numpy.where`, with traced values beside constants that are what is right on a whole side.

    These are 0 and 1 (a density or probability outside of the support), infinities and NaN.
    """
    if len(choices) == 2 and is_traced(*choices):
        for constant in choices:
            if not is_traced(constant) and onp.ndim(constant) == 0:
                if math.isfinite(constant) and constant not in (0, 1):
                    raise NotImplementedError(STANDS_FOR_A_LIMIT)
    return onp.where(condition, *choices)


def _treats_single_points_apart(code: types.CodeType) -> bool:
    """Tell whether a formula that chooses compares for equality.

    What it then has at a point (`x` where `c == 0`) is a value and has not the slope by `c`.
    """
    if not any(name in CHOICES for name in code.co_names):
        return False
    return any(
        found.opname == "COMPARE_OP" and found.argrepr.strip("bol()") in ("==", "!=")
        for found in dis.get_instructions(code)
    )


def _moved(function: types.FunctionType, values: bool) -> types.FunctionType:
    """Return a function of SciPy's whose choices take traced values, or symbols."""
    if not values and _treats_single_points_apart(function.__code__):
        return function
    return _in(_globals_of(function, values), function)


def _in(namespace: dict[str, Any], function: types.FunctionType) -> types.FunctionType:
    code = function.__code__
    made = types.FunctionType(
        code, namespace, function.__name__, function.__defaults__, function.__closure__
    )
    made.__kwdefaults__ = function.__kwdefaults__
    return made


_known: dict[tuple[int, bool], dict[str, Any]] = {}


def _globals_of(function: types.FunctionType, values: bool) -> dict[str, Any]:
    """Return the names of a function's module, where those that choose are the ones above."""
    given = function.__globals__
    if (id(given), values) in _known:
        return _known[id(given), values]
    made = dict(given)
    for name, value in given.items():
        if name == "_lazywhere":
            made[name] = _as_lazywhere(value)
        elif value is onp:
            made[name] = types.SimpleNamespace(**{**vars(onp), "where": where})
        elif isinstance(value, types.ModuleType) and hasattr(value, "apply_where"):
            made[name] = types.SimpleNamespace(
                **{**vars(value), "apply_where": _as_array_api(value.apply_where)}
            )
        elif isinstance(value, types.FunctionType) and value.__globals__ is given:
            if values or not _treats_single_points_apart(value.__code__):
                made[name] = _in(made, value)
    return _known.setdefault((id(given), values), made)


class Formulas:
    """The methods of a distribution of SciPy's, which find these formulas in one another too.

    Parameters
    ----------
    distribution : scipy.stats distribution
    values : bool
        Whether nothing but values is asked for: at a point that a formula treats apart these are
        right, and slopes are not.
    """

    def __init__(self, distribution: Any, values: bool = False) -> None:
        vars(self).update(_distribution=distribution, _values=values)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._distribution)  # for `super()` in a formula

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._distribution, name)
        function = getattr(value, "__func__", None)
        if isinstance(function, types.FunctionType) and value.__self__ is self._distribution:
            return types.MethodType(_moved(function, self._values), self)
        return value
