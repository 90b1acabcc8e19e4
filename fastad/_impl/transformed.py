"""Functions made from a user's function: named, picklable, bound as methods."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any, Generic, NoReturn, ParamSpec, TypeVar

import numpy as np

from .._core import name_of

__all__ = ["Transformed", "get_doc", "get_name", "let_instances_have_docs", "wrap_nary_f", "wraps"]

F = TypeVar("F", bound=Callable[..., Any])
P = ParamSpec("P")  # the parameters of the user's function
R = TypeVar("R")  # what the function made from it returns


def get_name(fun: Any) -> str:
    """The function's name, or a stand-in for callables without one."""
    return name_of(fun)


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


NARY_NAME = "{op}_of_{fun}_wrt_argnum_{argnum}"
NARY_DOC = (
    "    {op} of function {fun} with respect to argument number {argnum}: takes the arguments of\n"
    "    {fun}, returns the {op}.\n"
)


def wrap_nary_f(fun: Any, op: Any, argnum: Any) -> Callable[[F], F]:
    """Decorator that gives a function the name and docstring of `op` applied to `fun`."""
    return wraps(fun, NARY_NAME, NARY_DOC, op=get_name(op), argnum=argnum)


class Transformed(Generic[P, R]):
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
        text = f"{type(self).__name__!r} object has no attribute {name!r}"
        if not name.startswith("_") and hasattr(np.ndarray, name):
            text += f": {_was_not_called(self)}"
        raise AttributeError(text)

    def _make_name(self) -> str:
        return get_name(self.__wrapped__)

    def _make_doc(self) -> str | None:
        return getattr(self.__wrapped__, "__doc__", None)

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the transformed function with the arguments of the user's."""
        raise NotImplementedError

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __reduce__(self) -> Any:
        name = _global_name(self)
        if name is not None:
            return name
        return _remake, (self._factory, self.__wrapped__, self._parameters, self._options)

    def __copy__(self) -> Transformed[P, R]:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Transformed[P, R]:
        # A function is its own copy; a method's is bound to the copy of its object.
        memo[id(self)] = self  # for what the function itself holds
        from copy import deepcopy

        fun = deepcopy(self.__wrapped__, memo)
        if fun is self.__wrapped__:
            return self
        made: Transformed[P, R] = _remake(self._factory, fun, self._parameters, self._options)
        return made

    def __repr__(self) -> str:
        return f"<function {self.__name__}>"


_ORDER = ("__lt__", "__le__", "__gt__", "__ge__")
_ARITHMETIC = "add sub mul matmul truediv floordiv mod pow".split()


def _was_not_called(self: Transformed[Any, Any]) -> str:
    op, fun = get_name(self._factory), get_name(self.__wrapped__)
    return (
        f"{op}({fun}) is a function, and was used as if it were what it returns: call it with the "
        f"arguments of {fun}, {op}({fun})(x)"
    )


def _not_called(self: Transformed[Any, Any], *_: Any) -> NoReturn:
    raise TypeError(_was_not_called(self))


def _asked_by_numpy(
    self: Transformed[Any, Any], ufunc: Any, method: str, *_: Any, **__: Any
) -> bool:
    """For `np.sum(grad(f))` and `array * grad(f)`; no array is equal to a function."""
    if method == "__call__" and ufunc in (np.equal, np.not_equal):
        return ufunc is np.not_equal
    _not_called(self)


def say_what_is_missing(cls: type[Transformed[Any, Any]]) -> None:
    """Let what is done with a function that was not called say so: `0.1 * grad(f)`, `grad(f)[0]`.

    What unpacks it, as in ``value, slope = value_and_grad(f)``, asks for its items, since it has no
    ``__iter__``: with one, libraries would take it for a collection.
    """
    names = [f"__{side}{name}__" for side in ("", "r") for name in _ARITHMETIC]
    for name in (*names, "__neg__", "__abs__", "__float__", "__int__", "__getitem__", *_ORDER):
        setattr(cls, name, _not_called)
    cls.__array_ufunc__ = _asked_by_numpy  # type: ignore[attr-defined]


say_what_is_missing(Transformed)


def _remake(factory: Callable[..., Any], fun: Any, parameters: Any, options: Any) -> Any:
    return factory(fun, *parameters, **options)


def _global_name(transformed: Transformed[Any, Any]) -> str | None:
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


def let_instances_have_docs(cls: type[Transformed[Any, Any]]) -> None:
    """Let instances have the docstring of what they are made from, and the class keep its own."""
    cls.__doc__ = property(lambda self: self._make_doc(), doc=cls.__doc__)  # type: ignore[assignment]


let_instances_have_docs(Transformed)
