"""How SciPy's functions become differentiable: by partials, by rules, or by composition."""

from __future__ import annotations

import functools
import inspect
import operator
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as onp

from .. import _core
from .. import numpy as np
from .._core import Around, Primitive, missing_rule
from .._impl import namespaces
from .._impl.formulas import Formula, Symbol, formulas
from .._impl.namespaces import printed
from ..numpy.registry import (
    ARRAYS,
    Array,
    as_value,
    constant,
    defjvp,
    defvjp,
    dtype_of,
    everywhere,
    helper,
    nowhere,
    primal,
    shape_of,
    stand_in,
    with_own_errors,
)

__all__ = [
    "ARRAYS",
    "REFUSED",
    "Array",
    "Around",
    "Primitive",
    "Namespace",
    "Symbol",
    "all_hold",
    "as_float",
    "as_value",
    "attach_along",
    "attach_joint",
    "attach_partials",
    "branched",
    "constant",
    "defjvp",
    "defvjp",
    "dtype_of",
    "everywhere",
    "helper",
    "nowhere",
    "once",
    "operands",
    "primal",
    "printed",
    "safe_divide",
    "shape_of",
    "stand_in",
    "valued",
]


class _Refused:
    """Mark of an argument that no derivative is known for: asking for it is an error by name."""


REFUSED = _Refused()

DOUBLE = onp.dtype(float)

Partial = Any  # function of (ans, *args), None (the derivative is zero), or REFUSED


# Keywords of a ufunc, with the values that change nothing.
DEFAULTS = {
    "out": None,
    "where": True,
    "dtype": None,
    "casting": "same_kind",
    "order": "K",
    "subok": True,
}


def numbers(args: Sequence[Any]) -> list[Any]:
    """Python's floats as NumPy's, which divide by zero and overflow as arrays do."""
    return [onp.float64(x) if type(x) is float else x for x in args]


def operands(name: str, count: int, args: Sequence[Any], options: dict[str, Any]) -> list[Any]:
    """The operands of an elementwise call, whose options must be such that they change nothing."""
    if not options and len(args) == count:
        return numbers(args)
    if len(args) > count:
        options = {"out": args[count], **options}
    for option, value in options.items():
        if option not in DEFAULTS:
            raise TypeError(f"{name}() got an unexpected keyword argument {option!r}")
        default = DEFAULTS[option]
        if type(value) is not type(default) or value != default:
            raise namespaces.unsupported(f"scipy.special.{name}", option)
    return operands(name, count, args[:count], {})


def _vjp_maker(name: str, count: int, partial: Callable[..., Array]) -> Callable[..., Any]:
    def maker(ans: Array, *args: Array, **options: Any) -> Any:
        given = operands(name, count, args, options)
        return lambda g: g * partial(ans, *given)

    return maker


def _jvp_rule(name: str, count: int, partial: Callable[..., Array]) -> Callable[..., Array]:
    def rule(t: Array, ans: Array, *args: Array, **options: Any) -> Array:
        return t * partial(ans, *operands(name, count, args, options))

    return rule


def attach_partials(primitive: Any, *partials: Partial) -> Any:
    """Give an elementwise primitive its rules, from the partial derivative by each argument.

    Parameters
    ----------
    primitive : Primitive
        An operation that maps arrays that broadcast, entry by entry.
    *partials : callable, None or REFUSED
        `partial(ans, *args)`, written in differentiable operations; None where the derivative is
        zero.
    """
    for argnum, partial in enumerate(partials):
        if partial is REFUSED:
            continue
        if partial is None:
            defvjp(primitive, None, argnums=(argnum,))
            defjvp(primitive, None, argnums=(argnum,))
        else:
            form = (primitive.__name__, len(partials), partial)
            defvjp(primitive, _vjp_maker(*form), argnums=(argnum,))
            defjvp(primitive, _jvp_rule(*form), argnums=(argnum,))
    _core.give_formulas(primitive, functools.partial(_formulas, partials))
    return primitive


def _formulas(
    partials: Sequence[Partial], dtype: str
) -> tuple[tuple[tuple[Formula, ...], bool], ...]:
    return tuple(
        formulas(partial, len(partials), dtype) if callable(partial) else ((), False)
        for partial in partials
    )


def attach_along(
    primitive: Any,
    names: tuple[str, ...],
    value: Callable[..., Array],
    cotangent: Callable[..., Array],
) -> Any:
    """Give an operation along axes of an array formulas, beside the rules that it has.

    In programs it is recorded as what `value` consists of.

    Parameters
    ----------
    primitive : Primitive
        Of an array; 'axis' (an int, a tuple of these, or None), maybe 'keepdims', and options.
        The result is an array of the first one's shape, or has no such axes.
    names : tuple of str
        Those of the arguments. Where the other options are not None or False there is no formula.
    value : callable
        `value(x, axis)` in ufuncs, and in sums and maxima along the axes that keep them: to the
        bit the primitive's.
    cotangent : callable
        `cotangent(g, ans, x, axis)`, in these; result and its cotangent have the axes.
    """

    def write(dtype: str) -> Any:
        if dtype != "d":
            return (((), False),)
        return (formulas(lambda ans, g, x: cotangent(g, ans, x, None), 1, dtype, along=True),)

    def write_value() -> Any:
        return formulas(lambda ans, g, x: value(x, None), 1, "d", along=True)

    def compose(x: Any, *given: Any) -> Any:
        options = dict(zip(names[1:], given))
        axis, keepdims = options.pop("axis"), options.pop("keepdims", False)
        if any(option is not None and option is not False for option in options.values()):
            return NotImplemented
        if x.dtype.kind != "f" or not x.size or not x.ndim:
            return NotImplemented
        result = value(x, axis)
        if keepdims or "keepdims" not in names:
            return result
        result = np.squeeze(result, axis)
        return result if result.ndim else result[()]

    _core.give_formulas(primitive, write, write_value, along=names)
    _core.give_composition(primitive, compose)
    return primitive


Memo = dict[str, Any]


def attach_joint(
    primitive: Any,
    partial: Callable[..., Array],
    count: int,
    refused: Sequence[int],
    why: Callable[[int], str] | None = None,
    value: Callable[[], tuple[tuple[Formula, ...], bool]] | None = None,
) -> Any:
    """Give an elementwise primitive its rules, from partial derivatives that share computations.

    Parameters
    ----------
    primitive : Primitive
        An operation that maps arrays that broadcast, entry by entry.
    partial : callable
        `partial(argnum, memo, ans, args)`; what several of them need may be kept in the dict
        `memo`, which is that of one call.
    count : int
        The number of arguments.
    refused : sequence of int
        Arguments that no derivative is known for.
    why : callable, optional
        `why(argnum)`: the error's text for one of these.
    value : callable, optional
        `value()`: formulas of the value, and whether they are all.
    """

    def check(mode: str, argnums: Sequence[int]) -> None:
        for argnum in argnums:
            if argnum in refused:
                raise (
                    missing_rule(primitive, argnums, mode)
                    if why is None
                    else (NotImplementedError(why(argnum)))
                )

    def pull(argnums: Sequence[int], ans: Array, args: Any, kwargs: Any) -> Any:
        check("VJP", argnums)
        memo: Memo = {}
        given = numbers(args)
        return lambda g: [g * partial(i, memo, ans, given) for i in argnums]

    def push(argnums: Sequence[int], ts: Any, ans: Array, args: Any, kwargs: Any) -> Array:
        check("JVP", argnums)
        memo: Memo = {}
        given = numbers(args)
        terms = [t * partial(i, memo, ans, given) for i, t in zip(argnums, ts)]
        return functools.reduce(operator.add, terms)

    _core.defvjp_argnums(primitive, pull)
    _core.defjvp_argnums(primitive, push)

    def alone(argnum: int) -> Any:
        if argnum in refused:
            return REFUSED
        return lambda ans, *args: partial(argnum, {}, ans, args)

    partials = [alone(argnum) for argnum in range(count)]
    _core.give_formulas(primitive, functools.partial(_formulas, partials), value)
    return primitive


def once(memo: Memo, key: str, compute: Callable[[], Any]) -> Any:
    """What is kept in a memo under a key, computed where it is not there yet."""
    if key not in memo:
        memo[key] = compute()
    return memo[key]


@helper
def _valued(x: Array, value: Array) -> Array:
    return value


defvjp(_valued, lambda ans, x, value: lambda g: g)
defjvp(_valued, lambda t, ans, x, value: t)


def valued(x: Array, value: Array) -> Array:
    """Return SciPy's own value with the derivative of x, which is the same to rounding."""
    return _valued(x, value)


def sparing(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself, or one that leaves its arguments alone where it may overwrite them.

    The value that an `overwrite_x` lets SciPy destroy may be one that a tape still needs.
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None or not any(name.startswith("overwrite") for name in code.co_varnames):
        return function
    names = list(inspect.signature(function).parameters)
    places = [i for i, name in enumerate(names) if name.startswith("overwrite")]
    theirs = {names[i] for i in places}

    @functools.wraps(function)
    def careful(*args: Any, **kwargs: Any) -> Any:
        if len(args) > min(places):
            args = tuple(False if i in places else arg for i, arg in enumerate(args))
        if kwargs and not theirs.isdisjoint(kwargs):
            kwargs = {name: value for name, value in kwargs.items() if name not in theirs}
        return function(*args, **kwargs)

    return careful


class Namespace(namespaces.Namespace):
    """One module of SciPy's and the module of fastad's that stands for it."""

    def derivative_of(self, *names: str) -> Callable[[Callable[..., Any]], Any]:
        """Make the decorated function what the functions of these names are differentiated as."""
        return self._entering(
            names,
            lambda derivative, function, name: Primitive(
                sparing(function), name, derivative=derivative
            ),
        )

    def elementwise(self, names: str, *partials: Partial) -> None:
        """Enter functions (names separated by spaces) with the partials that they share."""
        for name, function in self._present(names.split()):
            primitive = self.enter(name, Primitive(function, name), function, "elementwise")
            attach_partials(primitive, *partials)

    def composite(
        self, *names: str, plain: Callable[..., Any] | None = None
    ) -> Callable[[Callable[..., Any]], Any]:
        """Make the decorated function the traced path of SciPy's functions of these names.

        Calls with plain values alone are SciPy's, or those of `plain`, which does the same faster.
        """

        def make(traced: Callable[..., Any], function: Any, name: str) -> Any:
            if isinstance(function, onp.ufunc):
                traced = _without_options(traced, name, function.nin)
            answering = with_own_errors(traced, function)
            return Primitive(plain or function, name, traced=answering)

        return self._entering(names, make)

    def enter(self, name: str, primitive: Any, function: Any = None, kind: str = "rule") -> Any:
        """Put a primitive under SciPy's name; that of a ufunc gets its attributes."""
        super().enter(name, primitive, function, kind)
        if isinstance(function, onp.ufunc):
            namespaces.attach_ufunc(primitive, function)
        return primitive

    def fill(self, target: dict[str, Any]) -> None:
        """Put every public name of SciPy's module, and `__all__`, into a namespace.

        Functions without a rule become primitives that take plain values and refuse traced ones.
        """
        public = getattr(self.module, "__all__", None) or dir(self.module)
        for name in sorted({*public, *self.entries}):
            value = self.entries.get(name)
            if value is None:
                value = self.resolve(name, getattr(self.module, name))
            if not isinstance(value, types.ModuleType) and not name.startswith("_"):
                target[name] = value
        target["__all__"] = [name for name in public if name in target]


def _without_options(traced: Callable[..., Any], name: str, count: int) -> Callable[..., Any]:
    def answering(*args: Any, **options: Any) -> Any:
        return traced(*operands(name, count, args, options))

    return answering


def all_hold(mask: Any) -> bool:
    """Tell whether a mask holds everywhere; of a recorded one the answer is a guard."""
    if mask is True or mask is False or type(mask) is onp.bool_:
        return bool(mask)
    if type(mask) is onp.ndarray:
        return bool(onp.count_nonzero(mask) == mask.size)
    return bool(np.all(mask))


def as_float(x: Any) -> Array:
    """Return x as an array or box of floats in the machine's byte order; integers as float64."""
    if type(x) in ARRAYS and x.dtype is DOUBLE:
        return x
    x = as_value(x)
    dtype = x.dtype
    if dtype is DOUBLE:
        return x
    if dtype.kind in "iub":
        return x.astype(onp.float64)
    # Of others SciPy 1.18 reads the bytes as they lie (inv, qr, svd, ...).
    return x if dtype.isnative else x.astype(dtype.newbyteorder("="))


def safe_divide(numerator: Array, denominator: Array) -> Array:
    """Quotient that is 0 at 0 / 0; elsewhere with its derivatives, also where it is 0."""
    undefined = onp.equal(primal(numerator), 0) & onp.equal(primal(denominator), 0)
    if nowhere(undefined):
        return numerator / denominator
    return np.where(undefined, 0.0, numerator / np.where(undefined, 1.0, denominator))


def branched(
    chosen: Any,
    yes: Callable[[Array], Array],
    no: Callable[[Array], Array],
    x: Array,
    stand_ins: tuple[float, float],
) -> Array:
    """yes(x) where chosen, no(x) elsewhere, each evaluated only where there is need for it.

    At the other's entries each function sees its stand-in, so that nothing undefined there gets
    into derivatives.
    """
    if everywhere(chosen):
        return yes(x)
    if nowhere(chosen):
        return no(x)
    for_yes, for_no = stand_ins
    return np.where(chosen, yes(np.where(chosen, x, for_yes)), no(np.where(chosen, for_no, x)))


def is_traced(*values: Any) -> bool:
    """Tell whether any of some values is a box."""
    for value in values:
        if _core.isbox(value):
            return True
    return False
