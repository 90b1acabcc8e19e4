"""Draws by `fastad.numpy.random`, and by generators that a function captures.

While a function is recorded its draws are noted: its program takes them as inputs. They are drawn
anew, with the same arguments and in the same order, before each replay, so that it leaves the
generator as the function would.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._core import holds_box, isbox, weak

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
    standard : bool
        Whether a generator draws standard values, which are shifted and scaled by parameters:
        these may be traced.
    """

    def __init__(
        self,
        given: Sequence[tuple[Draw, Any]] | None = None,
        undone: bool = False,
        own: bool = False,
        standard: bool = False,
    ) -> None:
        self._own = own
        self.standard = standard
        self.improper = False  # whether NumPy would raise an error for parameters, or almost
        self.asked = False  # whether standard values should be drawn, for parameters are traced
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
    def given(self) -> bool:
        """Whether draws of generators are given here."""
        return self._given is not None and not self._own

    @property
    def left(self) -> bool:
        """Whether more was given than asked for."""
        return bool(self._given)

    @property
    def strayed(self) -> bool:
        """Whether more was given than asked for, or other draws were asked for."""
        return self._strayed or self.left


class _Family(NamedTuple):
    """Values that are standard ones, shifted and scaled, of the same bits of a generator.

    Attributes
    ----------
    parameters : tuple of (str, float)
        Names and defaults; the standard values are drawn with `standard` in their place.
    standard : tuple of float
    make : callable
        Of the parameters and standard values.
    scale : callable
        What NumPy raises an error for unless it is positive, or almost.
    """

    parameters: tuple[tuple[str, float], ...]
    standard: tuple[float, ...]
    make: Callable[..., Any]
    scale: Callable[..., Any]

    def bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], Any] | None:
        """Parameters and the size, as given or by default; None where the call is another."""
        names = [name for name, _ in self.parameters]
        given = dict(zip((*names, "size"), args))
        if len(args) > len(names) + 1 or not given.keys().isdisjoint(kwargs):
            return None
        given.update(kwargs)
        values = [given.pop(name, default) for name, default in self.parameters]
        size = given.pop("size", None)
        known = all(
            type(x) in (int, float) or getattr(x, "dtype", None) == np.float64 for x in values
        )
        return (values, size) if known and not given else None

    def shape(self, values: Sequence[Any], size: Any) -> Any:
        """The size of standard values."""
        if size is not None or all(np.ndim(x) == 0 for x in values):
            return size
        return np.broadcast_shapes(*map(np.shape, values))

    def is_proper(self, values: Sequence[Any]) -> bool:
        """Whether NumPy raises no error for traced parameters."""
        scale = self.scale(*values)
        return not isbox(scale) or bool(np.all(scale > 0) and np.all(np.isfinite(scale)))

    def made(self, values: Sequence[Any], standard: Any, size: Any) -> Any:
        """What NumPy would give."""
        value = self.make(*values, standard)
        return weak(value * 1.0) if size is None and isbox(value) else value


_SHIFTED = _Family(
    (("loc", 0.0), ("scale", 1.0)),
    (0.0, 1.0),
    lambda loc, scale, z: loc + scale * z,
    lambda loc, scale: scale,
)
_SCALED = _Family((("scale", 1.0),), (1.0,), lambda scale, e: scale * e, lambda scale: scale)
_FAMILIES = {
    **dict.fromkeys(("gumbel", "laplace", "logistic", "normal"), _SHIFTED),
    **dict.fromkeys(("exponential", "rayleigh"), _SCALED),
    "uniform": _Family(
        (("low", 0.0), ("high", 1.0)),
        (0.0, 1.0),
        lambda low, high, u: low + (high - low) * u,
        lambda low, high: high - low,
    ),
    "lognormal": _Family(
        (("mean", 0.0), ("sigma", 1.0)),
        (0.0, 1.0),
        lambda mean, sigma, z: np.exp(mean + sigma * np.log(z)),
        lambda mean, sigma: sigma,
    ),
}

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
            return _drawn_by(notes, function, args, kwargs)

        return draw


def _drawn_by(notes: Notes, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a generator's function gives, by standard values where these are to be noted."""
    family = _FAMILIES.get(function.__name__)
    bound = family.bound(args, kwargs) if family is not None else None
    if family is None or bound is None or not notes.standard:
        if holds_box((args, kwargs)):
            notes.asked = bound is not None
            raise TypeError(
                f"{function.__name__} of a generator cannot take a traced argument: draw standard "
                "values, and shift and scale them"
            )
        return notes.draw(function, args, kwargs)
    values, size = bound
    size = family.shape(values, size)
    standard = (*family.standard, size)
    if notes.given:
        if not family.is_proper(values):
            notes.improper = True
            raise ValueError("a scale is not positive")
        return family.made(values, notes.draw(function, standard, {}), size)
    before = state_of(function.__self__)
    value = function(*args, **kwargs)
    after = state_of(function.__self__)
    function.__self__.bit_generator.state = before
    notes.draw(function, standard, {})
    notes.others = notes.others or not same_state(state_of(function.__self__), after)
    function.__self__.bit_generator.state = after
    return value


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


def giving(
    draws: Sequence[Draw], values: Sequence[Any], undone: bool = False, standard: bool = False
) -> Notes:
    """A context in which these draws give these values."""
    return Notes(list(zip(draws, values, strict=True)), undone, standard=standard)


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
