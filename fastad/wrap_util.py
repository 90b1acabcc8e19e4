"""From unary operators to public ones: `argnum`, names, pickling, binding as methods."""

from __future__ import annotations

import inspect
import operator as _operator
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ._core import Gradient as _HotGradient

__all__ = [
    "Argnum",
    "GradientOperator",
    "Operator",
    "Transformed",
    "get_doc",
    "get_name",
    "unary_to_nary",
    "wrap_nary_f",
    "wraps",
]

Argnum = int | str | Sequence[int | str]
F = TypeVar("F", bound=Callable[..., Any])


def get_name(fun: Any) -> str:
    """The function's name, or a stand-in for callables without one."""
    return getattr(fun, "__name__", "[unknown name]")


def get_doc(fun: Any) -> str:
    """The function's docstring, or an empty string."""
    return getattr(fun, "__doc__", "") or ""


def wraps(
    fun: Any, namestr: str = "{fun}", docstr: str = "{doc}", **kwargs: Any
) -> Callable[[F], F]:
    """Decorator that names a function after another; `{fun}` and `{doc}` stand for that one's."""

    def decorate(f: F) -> F:
        try:
            f.__name__ = namestr.format(fun=get_name(fun), **kwargs)
            f.__doc__ = docstr.format(fun=get_name(fun), doc=get_doc(fun), **kwargs)
        except (AttributeError, TypeError, KeyError, IndexError, ValueError):
            pass  # a callable that cannot be named works as well without
        return f

    return decorate


_NARY_NAME = "{op}_of_{fun}_wrt_argnum_{argnum}"
_NARY_DOC = (
    "    {op} of function {fun} with respect to argument number {argnum}: takes the arguments of\n"
    "    {fun}, returns the {op}.\n"
)


def wrap_nary_f(fun: Any, op: Any, argnum: Any) -> Callable[[F], F]:
    """Decorator that gives a function the name and docstring of `op` applied to `fun`."""
    return wraps(fun, _NARY_NAME, _NARY_DOC, op=get_name(op), argnum=argnum)


class Transformed:
    """A function made from a user's: named, picklable whenever that one is, bound as a method.

    Parameters
    ----------
    factory : callable
        The public function that made this object; `factory(fun, *parameters, **options)` makes it
        again.
    fun : callable
        The user's function, also `__wrapped__`, so that `inspect.signature` shows its parameters.
    """

    __name__: str
    __qualname__: str
    __wrapped__: Callable[..., Any]

    def __init__(
        self, factory: Callable[..., Any], fun: Callable[..., Any], *parameters: Any, **options: Any
    ) -> None:
        if not callable(fun):
            raise TypeError(
                f"{get_name(factory)}: the first argument must be a function, "
                f"not {fun!r} of type {type(fun).__name__}"
            )
        self._factory = factory
        self._parameters = parameters
        self._options = options
        self.__wrapped__ = fun
        self.__module__ = getattr(fun, "__module__", None) or __name__

    def __getattr__(self, name: str) -> Any:
        # Made when asked for: an operator is often made for one call, which texts would outweigh.
        if name == "__name__" or name == "__qualname__":
            return self._make_name()
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _make_name(self) -> str:
        return get_name(self.__wrapped__)

    def _make_doc(self) -> str | None:
        return getattr(self.__wrapped__, "__doc__", None)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call the transformed function with the arguments of the user's."""
        raise NotImplementedError

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __reduce__(self) -> Any:
        name = _global_name(self)
        if name is not None:
            return name
        return _remake, (self._factory, self.__wrapped__, self._parameters, self._options)

    def __copy__(self) -> Transformed:
        return self

    def __deepcopy__(self, memo: Any) -> Transformed:
        return self

    def __repr__(self) -> str:
        return f"<function {self.__name__}>"


def _remake(factory: Callable[..., Any], fun: Any, parameters: Any, options: Any) -> Any:
    return factory(fun, *parameters, **options)


def _global_name(transformed: Transformed) -> str | None:
    """The name under which a module holds this very object: the case of a decorator.

    Pickling the wrapped function by its name would find the decorated one there; so then the name
    is all that is pickled, as for a plain function.
    """
    inner: Any = transformed
    while isinstance(inner, Transformed):
        inner = inner.__wrapped__
    name = getattr(inner, "__qualname__", None)
    module = sys.modules.get(getattr(inner, "__module__", None) or "")
    if not isinstance(name, str) or module is None or "<" in name:
        return None
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not transformed:
        return None
    transformed.__module__ = module.__name__
    return name


class Selected:
    """The user's function as a function of the selected argument alone; the others are fixed.

    This is the `fun` that a unary operator receives. It knows where the argument came from, so that
    error messages can say so.
    """

    __slots__ = ("__name__", "args", "fun", "kwargs", "losses", "many", "op", "where")

    def __init__(
        self,
        op: str,
        fun: Callable[..., Any],
        where: tuple[int | str, ...],
        many: bool,
        args: Any,
        kwargs: Any,
    ) -> None:
        self.op = op
        self.fun = fun
        self.where = where
        self.many = many
        self.args = args
        self.kwargs = kwargs
        self.losses = ""  # where an earlier trace of it lost the argument, for the warning
        self.__name__ = get_name(fun)

    def __call__(self, x: Any) -> Any:
        args = list(self.args)
        kwargs = self.kwargs
        for place, value in zip(self.where, x if self.many else (x,)):
            if isinstance(place, str):
                kwargs = {**kwargs, place: value}
            else:
                args[place] = value
        return self.fun(*args, **kwargs)

    def locate(self, path: str) -> tuple[int | str, str]:
        """Which argument a path into the selected value leads to, and the path inside it."""
        if not self.many:
            return self.where[0], path
        position, _, rest = path[1:].partition("]")
        return self.where[int(position)], rest


class Operator(Transformed):
    """A differential operator applied to a function: `grad(f)`, `jacobian(f, 1)`, ...

    Parameters
    ----------
    rule : callable
        The unary operator: `rule(fun_of_x, x, **options)`.
    factory : callable
        The public function (`grad`), for the name and for pickling.
    fun : callable
        The user's function.
    argnum : int, str, or sequence of these
        Which argument to differentiate; a sequence gives a tuple of results.
    """

    def __init__(
        self,
        rule: Callable[..., Any],
        factory: Callable[..., Any],
        fun: Callable[..., Any],
        argnum: Argnum = 0,
        *parameters: Any,
        **options: Any,
    ) -> None:
        op = get_name(factory)
        self._where, self._many = _check_argnum(op, argnum)
        argnum = self._where if self._many else self._where[0]
        super().__init__(factory, fun, argnum, *parameters, **options)
        self._rule = rule
        self._op = op
        self.argnum = argnum

    def _make_name(self) -> str:
        return _NARY_NAME.format(op=self._op, fun=get_name(self.__wrapped__), argnum=self.argnum)

    def _make_doc(self) -> str | None:
        return _NARY_DOC.format(op=self._op, fun=get_name(self.__wrapped__), argnum=self.argnum)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Apply the operator at these arguments of the function."""
        selected, x = self.select(args, kwargs)
        return self._rule(selected, x, *self._parameters[1:], **self._options)

    def select(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Selected, Any]:
        """The function of the selected argument alone, and that argument."""
        fun = self.__wrapped__
        places: list[int | str] = []
        values: list[Any] = []
        for place in self._where:
            if isinstance(place, int) and -len(args) <= place < len(args):
                places.append(place)
                values.append(args[place])
            else:
                found, value = _find_argument(self._op, fun, place, args, kwargs)
                places.append(found)
                values.append(value)
        selected = Selected(self._op, fun, tuple(places), self._many, args, kwargs)
        return selected, tuple(values) if self._many else values[0]


_LATE = frozenset(
    (
        "__wrapped__",
        "_factory",
        "_many",
        "_op",
        "_options",
        "_parameters",
        "_rule",
        "_where",
        "argnum",
    )
)


class GradientOperator(_HotGradient, Operator):
    """`grad`, `value_and_grad` or `elementwise_grad` of a function.

    The call is compiled for one argument that is no container; everything else takes the general
    way of `Operator`. Both are compared by the tests.
    """

    __reduce__ = Transformed.__reduce__  # the compiled base class has one of its own

    def _fill(self, *args: Any, **options: Any) -> None:
        Operator.__init__(self, *args, **options)

    def __getattr__(self, name: str) -> Any:
        if name in _LATE and "_op" not in self.__dict__:
            self._fill_late()
            return getattr(self, name)
        return Operator.__getattr__(self, name)

    def _general(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return Operator.__call__(self, *args, **kwargs)

    def _finish(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], value: Any, losses: str
    ) -> Any:
        """The general rule for an output that is known and does not depend on the argument."""
        selected, x = self.select(args, kwargs)
        selected.fun = lambda *args, **kwargs: value
        selected.losses = losses
        return self._rule(selected, x, *self._parameters[1:], **self._options)


def _documented(cls: type[Transformed]) -> None:
    """Let instances have the docstring of what they are made from, and the class keep its own."""
    cls.__doc__ = property(lambda self: self._make_doc(), doc=cls.__doc__)  # type: ignore[assignment]


for _class in (Transformed, Operator, GradientOperator):
    _documented(_class)


def _check_argnum(op: str, argnum: Any) -> tuple[tuple[int | str, ...], bool]:
    if type(argnum) is int:
        return (argnum,), False
    if isinstance(argnum, (tuple, list)):
        return tuple([_check_one(op, item, argnum) for item in argnum]), True
    return (_check_one(op, argnum, argnum),), False


def _check_one(op: str, item: Any, argnum: Any) -> int | str:
    if isinstance(item, str):
        return item
    try:
        if isinstance(item, bool):
            raise TypeError
        return _operator.index(item)
    except TypeError:
        raise TypeError(
            f"{op}: argnum must be an int (the argument's position), the argument's name, or a "
            "tuple of "
            f"these; got {argnum!r} of type {type(argnum).__name__}"
        ) from None


def _find_argument(
    op: str, fun: Any, place: int | str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[int | str, Any]:
    """Where an argument stands that was asked for by name, or that was not given by position."""
    try:
        parameters = list(inspect.signature(fun).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    name = get_name(fun)
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if isinstance(place, int):
        if 0 <= place < len(positional) and positional[place].name in kwargs:
            return positional[place].name, kwargs[positional[place].name]
        raise IndexError(
            f"{op}: argnum is {place}, but {name} was called with {_count(len(args))}; "
            f"pass argument {place}, or choose an argnum from {-len(args)} to {len(args) - 1}"
            if args
            else f"{op}: argnum is {place}, but {name} was called without positional arguments"
        )
    for i, parameter in enumerate(positional[: len(args)]):
        if parameter.name == place:
            return i, args[i]
    if place in kwargs:
        return place, kwargs[place]
    for parameter in parameters:
        if parameter.name == place and parameter.default is not parameter.empty:
            return place, parameter.default
    known = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if place in known:
        raise TypeError(f"{op}: {name} was called without its argument {place!r}; pass it")
    raise ValueError(
        f"{op}: {name} has no argument {place!r}"
        + (f"; its arguments are {', '.join(known)}" if known else "")
    )


def _count(n: int) -> str:
    return f"{n} positional argument" + ("" if n == 1 else "s")


def unary_to_nary(unary_operator: Callable[..., Any]) -> Callable[..., Operator]:
    """Make `op(fun, argnum=0, ...)` from an operator on functions of one argument.

    Parameters
    ----------
    unary_operator : callable
        `unary_operator(fun, x, *args, **kwargs)`, where `fun` takes one argument.

    Returns
    -------
    callable
        `op(fun, argnum=0, *args, **kwargs)` returns a function with the arguments of `fun`; it
        calls the unary operator on the argument (or, for a tuple of argnums, the tuple of
        arguments) selected.
    """

    def nary_operator(
        fun: Callable[..., Any], argnum: Argnum = 0, *nary_op_args: Any, **nary_op_kwargs: Any
    ) -> Operator:
        return Operator(unary_operator, nary_operator, fun, argnum, *nary_op_args, **nary_op_kwargs)

    nary_operator.__name__ = get_name(unary_operator)
    nary_operator.__qualname__ = getattr(unary_operator, "__qualname__", get_name(unary_operator))
    nary_operator.__module__ = getattr(unary_operator, "__module__", __name__)
    nary_operator.__doc__ = getattr(unary_operator, "__doc__", None)
    return nary_operator
