"""Functions that a jitted function gives: the products of `make_vjp`, `make_jvp`, `make_hvp`.

`vjp, value = jit(make_vjp(f))(x)`: the value comes from a program of `x`, and `vjp(g)` from a
program of `x` and `g`. What `f` could read must be what it was when the function was given.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as onp

from .._core import is_strict_zero
from .._impl.spaces.containers import ContainerError, flatten
from .._impl.transformed import Transformed
from . import report
from .entries import World
from .objects import GIVEN
from .outputs import same_bits
from .tracing import is_busy

__all__ = ["Giver", "State", "gives_functions", "kept"]


def gives_functions(result: Any) -> bool:
    """True if a result holds functions that programs can stand for."""
    try:
        leaves = flatten(result)[0]
    except ContainerError:
        return False
    return any(isinstance(leaf, GIVEN) for leaf in leaves)


def kept(values: Sequence[Any]) -> list[Any]:
    """The values, with copies of the arrays among them."""
    return [x.copy(order="K") if isinstance(x, onp.ndarray) else x for x in values]


class State:
    """The arguments of a call, kept as they were, and what the function could read in it."""

    __slots__ = ("args", "captured", "kwargs", "world")

    def __init__(
        self, world: World, captured: Sequence[Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self.world = world
        self.captured = kept(captured)
        self.args = args
        self.kwargs = kwargs

    def holds(self) -> bool:
        """True if the function could read the same now."""
        if not self.world.watch.slots.holds():
            return False
        now = self.world.extra()
        return now is not None and all(map(same_bits, now, self.captured))


class _Hole(str):
    """Stands in a result for a function."""

    __slots__ = ()


@functools.cache
def _hole(number: int, name: str) -> _Hole:
    return _Hole(name)  # one object for each: recordings compare constants by identity


class _Opened(Transformed[..., Any]):
    """A function without the functions in its result; those of a plain call are kept aside."""

    # The functions in its result are called later, with draws and changes of their own.
    may_draw = may_write = False

    def __init__(self, fun: Callable[..., Any]) -> None:
        super().__init__(_Opened, fun)
        self._calls = threading.local()

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        result = self.__wrapped__(*args, **kwargs)
        leaves, structure = flatten(result)
        if getattr(self._calls, "made", None) is None:
            self._calls.made = args, kwargs, result
        return structure.unflatten(
            [
                _hole(i, leaf.__name__) if isinstance(leaf, GIVEN) else leaf
                for i, leaf in enumerate(leaves)
            ]
        )

    def take(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any] | None:
        """The leaves of the first call since the last `take`, if it was with these arguments."""
        made = getattr(self._calls, "made", None)
        self._calls.made = None
        if made is None or len(made[0]) != len(args) or made[1].keys() != kwargs.keys():
            return None
        if any(a is not b for a, b in zip(made[0], args)):
            return None
        if any(made[1][name] is not value for name, value in kwargs.items()):
            return None
        leaves: list[Any] = flatten(made[2])[0]
        return leaves


class _Application(Transformed[..., Any]):
    """A function that is given, as a function of all that it depends on."""

    may_draw = may_write = False

    def __init__(self, fun: Callable[..., Any], number: int) -> None:
        super().__init__(_Application, fun, number)
        self._number = number

    def __call__(self, /, args: Any, kwargs: Any, more: Any, named: Any) -> Any:
        return flatten(self.__wrapped__(*args, **kwargs))[0][self._number](*more, **named)


class Giver:
    """A function in whose results functions are replaced by replayed ones.

    Parameters
    ----------
    jit : callable
        `jit(fun, check)` makes a function that replays its programs.
    fun : callable
        The function.
    check : str
        When replays are compared.
    """

    def __init__(self, jit: Callable[..., Any], fun: Callable[..., Any], check: str) -> None:
        self.fun = fun
        self._jit = jit
        self._check = check
        self._opened = _Opened(fun)
        self._values = jit(self._opened, check)
        self._applications: dict[int, Any] = {}

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if is_busy() or is_strict_zero():
            return self.fun(*args, **kwargs)
        self._opened.take((), {})
        result = self._values(*args, **kwargs)
        made = self._opened.take(args, kwargs)
        leaves, structure = flatten(result)
        state = self._values.state_of(args, kwargs)
        if state is None:
            return self.fun(*args, **kwargs) if made is None else structure.unflatten(made)
        return structure.unflatten(
            [
                Given(self, i, str(leaf), state, None if made is None else made[i])
                if isinstance(leaf, _Hole)
                else leaf
                for i, leaf in enumerate(leaves)
            ]
        )

    def application(self, number: int) -> Any:
        """The replayed function of everything that leaf `number` of the result depends on."""
        known = self._applications.get(number)
        if known is None:
            known = self._jit(_Application(self.fun, number), self._check)
            known = self._applications.setdefault(number, known)
        return known

    @property
    def programs(self) -> tuple[Any, ...]:
        """Those of the values, and those of the functions."""
        every = (self._values, *self._applications.values())
        return tuple(program for item in every for program in item.programs)


class Given:
    """A function that a jitted function gave, such as the vjp of `make_vjp`.

    It is replayed, as a program of the arguments it was made from and its own.
    """

    def __init__(self, giver: Giver, number: int, name: str, state: State, made: Any) -> None:
        self.__name__ = self.__qualname__ = name
        self._giver = giver
        self._number = number
        self._state = state
        self._made = made

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        application = self._giver.application(self._number)
        if not self._state.holds():
            return self._plain()(*args, **kwargs)
        if is_busy() or is_strict_zero() or application.gave_up:
            return self._plain()(*args, **kwargs)
        return application(self._state.args, self._state.kwargs, args, kwargs)

    def _plain(self) -> Any:
        """The function itself."""
        if self._made is None:
            state = self._state
            if not state.holds():
                what = ", ".join(state.world.watch.changes()[:3]) or "what it captures"
                raise report.ProgramError(
                    f"jit: {report.place_of(self._giver.fun)} gave a function, and {what} changed "
                    "before that was called. Call it before the change, make it anew after it, or "
                    "make it without jit."
                )
            result = self._giver.fun(*state.args, **state.kwargs)
            self._made = flatten(result)[0][self._number]
        return self._made
