"""Operators on functions of one argument, applied to an argument of any function: `argnum`."""

from __future__ import annotations

import inspect
import operator as _operator
import reprlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .._core import Applied as _Applied
from .._core import Gradient as _HotGradient
from .._core import Selected
from .transformed import NARY_DOC, NARY_NAME, P, R, Transformed, get_name, let_instances_have_docs

__all__ = ["Argnum", "GradientOperator", "Operator", "only_known", "unary_to_nary"]

Argnum = int | str | Sequence[int | str]


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


_OF_REPLAYED = frozenset(("clear", "into", "programs"))  # of `jit`, for operators of its functions


class Operator(_Applied, Transformed[P, R]):
    """A differential operator applied to a function: `grad(f)`, `jacobian(f, 1)`, ...

    The call is compiled; what it needs to know is filled in here when it is asked for.

    Parameters
    ----------
    rule : callable
        The unary operator: `rule(fun_of_x, x, *parameters, **options)`.
    factory : callable
        The public function (`grad`), for the name and for pickling.
    fun : callable
        The user's function.
    argnum : int, str, or sequence of these
        Which argument to differentiate; a sequence gives a tuple of results.
    """

    __reduce__ = Transformed.__reduce__  # the compiled base class has one of its own

    if TYPE_CHECKING:

        def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
            """Apply the operator at these arguments of the function."""
            raise NotImplementedError

    def _fill(
        self,
        rule: Callable[..., Any],
        factory: Callable[..., Any],
        fun: Callable[..., Any],
        argnum: Argnum,
        *parameters: Any,
        **options: Any,
    ) -> None:
        op = get_name(factory)
        self._where, self._many = _check_argnum(op, argnum)
        argnum = self._where if self._many else self._where[0]
        Transformed.__init__(self, factory, fun, argnum, *parameters, **options)
        self._rule = rule
        self._op = op
        self.argnum = argnum

    def __getattr__(self, name: str) -> Any:
        if name in _LATE and "_op" not in self.__dict__:
            self._fill_late()
            return getattr(self, name)
        if name in _OF_REPLAYED and self.replayed is not None:
            return getattr(self.replayed, name)
        return Transformed.__getattr__(self, name)

    def _make_name(self) -> str:
        return NARY_NAME.format(op=self._op, fun=get_name(self.__wrapped__), argnum=self.argnum)

    def _make_doc(self) -> str | None:
        return NARY_DOC.format(op=self._op, fun=get_name(self.__wrapped__), argnum=self.argnum)

    def _search(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Selected, Any]:
        """As `select`, for arguments that are named or were not given by position."""
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
        if len({place % len(args) if isinstance(place, int) else place for place in places}) < len(
            places
        ):
            raise ValueError(
                f"{self._op}: argnum is {self.argnum!r}, which names one argument twice: only one "
                "of its values would be used"
            )
        selected = Selected(self._op, fun, tuple(places), self._many, args, kwargs)
        return selected, tuple(values) if self._many else values[0]


class GradientOperator(_HotGradient, Operator[P, R]):
    """`grad`, `value_and_grad` or `elementwise_grad` of a function.

    The whole call is compiled for arguments given by position and outputs that are one real number;
    everything else takes the general way of `Operator`. Both are compared by the tests.
    """

    __reduce__ = Transformed.__reduce__

    def _general(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return Operator.__call__(self, *args, **kwargs)

    def _finish(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], value: Any, losses: str
    ) -> Any:
        """The general rule for an output that is known and does not depend on the argument."""
        selected, x = self.select(args, kwargs)
        known = selected.standing_in(lambda *args, **kwargs: value, losses)
        return self._rule(known, x, *self._parameters[1:], **self._options)


for _class in (Operator, GradientOperator):
    let_instances_have_docs(_class)


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
        # grad(f, x): what is no place is f's argument.
        call = f"; arguments go into a second call: {op}(f)(x)" if item is not None else ""
        raise TypeError(
            f"{op}: argnum must be an int (the argument's position), the argument's name, or a "
            "tuple of "
            f"these; got {reprlib.repr(argnum)} of type {type(argnum).__name__}{call}"
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


def only_known(op: str, unknown: dict[str, Any]) -> None:
    """Refuse keywords that an operator does not have, with JAX's names explained."""
    for name, value in unknown.items():
        text = f"{op}() got an unexpected keyword argument {name!r}"
        if name == "argnums" and op == "jit":
            text += "; it takes the function alone, which may be an operator: jit(grad(f))"
        elif name == "argnums":
            text += f"; fastad calls it argnum, as autograd does: {op}(f, argnum={value!r})"
        elif name in ("static_argnums", "static_argnames", "donate_argnums", "donate_argnames"):
            text += "; fastad needs none: what is no float and no array is told apart by its value"
        raise TypeError(text)


def unary_to_nary(unary_operator: Callable[..., Any]) -> Callable[..., Operator[..., Any]]:
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
        fun: Callable[P, Any], argnum: Argnum = 0, *nary_op_args: Any, **nary_op_kwargs: Any
    ) -> Operator[P, Any]:
        return Operator(unary_operator, nary_operator, fun, argnum, *nary_op_args, **nary_op_kwargs)

    nary_operator.__name__ = get_name(unary_operator)
    nary_operator.__qualname__ = getattr(unary_operator, "__qualname__", get_name(unary_operator))
    nary_operator.__module__ = getattr(unary_operator, "__module__", __name__)
    nary_operator.__doc__ = getattr(unary_operator, "__doc__", None)
    return nary_operator
