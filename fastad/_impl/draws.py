"""Draws by `fastad.numpy.random`, and by generators that a function captures.

While a function is recorded its draws are noted: its program takes them as inputs. They are drawn
anew, with the same arguments and in the same order, before each replay, so that it leaves the
generator as the function would.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = [
    "Draw",
    "NotedGenerator",
    "Notes",
    "are_noted",
    "drawn",
    "giving",
    "is_draw",
    "is_draw_of_numpy",
    "is_own",
    "same_state",
    "state_of",
]

_FUNCTIONS: set[Any] = set()
# NumPy's own functions by their names, and those that stand for them while draws are noted.
_OF_NUMPY: dict[str, tuple[Any, Any]] = {}
_active: set[Notes] = set()  # of all threads: to look there takes less than at a thread's own


class _Now(threading.local):
    """Who notes this thread's draws."""

    notes: Notes | None = None


_now = _Now()


_exchange = threading.RLock()


def _stand_for_numpy(now: int, then: int) -> None:
    """Exchange the functions of `numpy.random`, unless somebody else has done so."""
    space: Any = vars(np.random)
    for name, pair in _OF_NUMPY.items():
        if space.get(name) is pair[now]:
            space[name] = pair[then]


class Draw:
    """One call, and what it gave."""

    __slots__ = ("args", "function", "kwargs", "value")

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        value: Any,
    ) -> None:
        self.function, self.args, self.kwargs, self.value = function, args, kwargs, value

    def again(self) -> Any:
        """The next value of its kind."""
        return self.function(*self.args, **self.kwargs)

    def is_call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether this is that call."""
        return (
            self.function is function
            and _equal(self.args, args)
            and list(self.kwargs) == list(kwargs)
            and _equal(tuple(self.kwargs.values()), tuple(kwargs.values()))
        )


def _equal(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(_equal, a, b))
    if type(a) is np.ndarray:
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return a is b or (isinstance(a, (bool, int, float, str, np.generic)) and bool(a == b))


def _kept(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value)(map(_kept, value))
    # In its own layout: what is drawn again has that one, and programs read by it.
    return value.copy(order="K") if isinstance(value, np.ndarray) else value


class Notes:
    """A context in which the draws that a function makes are noted, or given.

    Parameters
    ----------
    given : sequence of (Draw, value), optional
        What is asked for, and what is given.
    undone : bool
        Whether draws that were not given leave the generator as it was.
    own : bool
        Whether draws of generators are noted, and those of the global one given.
    """

    def __init__(
        self,
        given: Sequence[tuple[Draw, Any]] | None = None,
        undone: bool = False,
        own: bool = False,
    ) -> None:
        self._own = own
        self.made: list[Draw] = []
        self.others = False  # whether a generator was asked for something but a draw
        self._given = None if given is None else list(given)
        self._strayed = False
        self._undone = undone
        self._state: Any = None
        self._outer: Notes | None = None

    def __enter__(self) -> Notes:
        self._outer, _now.notes = _now.notes, self
        with _exchange:
            _active.add(self)
            if len(_active) == 1:
                _stand_for_numpy(0, 1)
        return self

    def __exit__(self, *error: object) -> None:
        with _exchange:
            _active.discard(self)
            if not _active:
                _stand_for_numpy(1, 0)
        _now.notes = self._outer
        if self._state is not None:
            np.random.set_state(self._state)  # noqa: NPY002

    def draw(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a function that draws gives now."""
        if self._given is None or (self._own and is_own(function)):
            value = function(*args, **kwargs)
            self.made.append(Draw(function, _kept(args), _kept(kwargs), _kept(value)))
            return value
        if not self._strayed:
            if self._given and self._given[0][0].is_call(function, args, kwargs):
                draw, value = self._given.pop(0)
                self.made.append(draw)
                return value
            self._strayed = True
            if self._undone:
                self._state = np.random.get_state()  # noqa: NPY002
        return function(*args, **kwargs)

    @property
    def left(self) -> bool:
        """Whether more was given than asked for."""
        return bool(self._given)

    @property
    def strayed(self) -> bool:
        """Whether more was given than asked for, or other draws were asked for."""
        return self._strayed or self.left


_DRAWS = frozenset(
    """
    beta binomial chisquare choice dirichlet exponential f gamma geometric gumbel hypergeometric
    integers laplace logistic lognormal logseries multinomial multivariate_hypergeometric
    multivariate_normal negative_binomial noncentral_chisquare noncentral_f normal pareto
    permutation permuted poisson power random rayleigh standard_cauchy standard_exponential
    standard_gamma standard_normal standard_t triangular uniform vonmises wald weibull zipf
    """.split()
)


class NotedGenerator(np.random.Generator):
    """A generator, whose draws are noted; it shares the state of the one that it stands for."""

    def __new__(cls, generator: Any) -> Any:
        """A plain one, where NumPy makes one of a bit generator, as `spawn` does."""
        if not isinstance(generator, np.random.Generator):
            return np.random.Generator(generator)
        return np.random.Generator.__new__(cls, generator.bit_generator)  # type: ignore[call-arg]

    def __init__(self, generator: np.random.Generator) -> None:
        super().__init__(generator.bit_generator)
        self._noted = {name: getattr(generator, name) for name in _DRAWS}

    def __getattribute__(self, name: str) -> Any:
        notes = _now.notes
        if notes is None or (name.startswith("__") and name != "__reduce_ex__"):
            return super().__getattribute__(name)
        noted = super().__getattribute__("_noted")
        if name not in noted:
            notes.others = True
            raise RuntimeError(f"{name} of a generator is no draw")
        function = noted[name]

        def draw(*args: Any, **kwargs: Any) -> Any:
            if "out" in kwargs:
                notes.others = True
            return notes.draw(function, args, kwargs)

        return draw


def is_own(function: Any) -> bool:
    """Whether a function that draws is a method of a generator."""
    return type(getattr(function, "__self__", None)) is np.random.Generator


def state_of(generator: Any) -> Any:
    """The state of a generator; of the global one, where it is the module `numpy.random`."""
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    return generator.get_state(legacy=False)


def same_state(a: Any, b: Any) -> bool:
    """Whether two states of a bit generator are the same."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same_state(a[key], b[key]) for key in a)
    return bool(np.array_equal(a, b))


def giving(draws: Sequence[Draw], values: Sequence[Any], undone: bool = False) -> Notes:
    """A context in which these draws give these values."""
    return Notes(list(zip(draws, values, strict=True)), undone)


def drawn(function: Callable[..., Any], name: str, module: str) -> Callable[..., Any]:
    """A function that draws, which can be noted."""

    def draw(*args: Any, **kwargs: Any) -> Any:
        notes = _now.notes if _active else None
        if notes is None:
            return function(*args, **kwargs)
        return notes.draw(function, args, kwargs)

    draw.__name__ = draw.__qualname__ = name
    draw.__module__, draw.__doc__ = module, function.__doc__
    _FUNCTIONS.add(draw)
    own = vars(np.random).get(name)
    if own is not None:
        _OF_NUMPY[name] = own, draw
    return draw


def are_noted() -> bool:
    """True while this thread's draws are noted or given."""
    return _now.notes is not None


def is_draw(function: Any) -> bool:
    """True for a function whose draws are noted."""
    return function in _FUNCTIONS


def is_draw_of_numpy(function: Any) -> bool:
    """True for a function of `numpy.random` that is noted where it is called by that name."""
    return any(function is own for own, _ in _OF_NUMPY.values())
