"""SciPy's own functions, called with traced values, lead to fastad's: from `install()` on.

Most of SciPy converts its arguments to arrays first, and asks nobody: there is no protocol that a
traced value could answer, as there is for ufuncs and for `scipy.fft`. So, where the user asks for
it, the functions themselves are given a first step that looks for traced values; whoever has
imported one has it too. What it leads to is looked up at the first traced call: a module of SciPy's
that is loaded costs no module of fastad's.
"""

from __future__ import annotations

import functools
import inspect
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

from .._core import holds_box, isbox
from .._impl.loading import after, module_of
from .._impl.remedies import differentiates
from .host_calls import depends, is_recorded

__all__ = ["install", "uninstall"]

MODULES = """
    special linalg signal ndimage integrate interpolate optimize spatial spatial.distance
    sparse sparse.linalg stats
""".split()
METHODS = "pdf logpdf pmf logpmf cdf logcdf sf logsf ppf isf mean var std median entropy".split()

_lock = threading.Lock()
_switch = threading.RLock()  # one installs or uninstalls at a time
_undo: list[Callable[[], None]] = []
_led: set[int] = set()
_wanted = False


HOLDERS = frozenset((dict, functools.partial, types.FunctionType, types.MethodType))


def _closes_over_traced(values: Any) -> bool:
    """Whether a function among arguments closes over a traced value."""
    for value in values:
        kind = type(value)
        if kind in HOLDERS and (depends(value) or is_recorded(value)):
            return True
        if (kind is list or kind is tuple) and _closes_over_traced(value):
            return True
    return False


class _Thread(threading.local):
    led = 0  # calls under way that were led here, whose solvers are SciPy's own


_thread = _Thread()


def _traced(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    if holds_box(args) or (kwargs and holds_box(kwargs)):
        return True
    return not _thread.led and (
        _closes_over_traced(args) or bool(kwargs and _closes_over_traced(kwargs.values()))
    )


# ---- functions -----------------------------------------------------------------------------------


@functools.cache
def _code_of(names: tuple[str, ...]) -> types.CodeType:
    """Code that hands its arguments on, with so many variables from outside."""
    inner = (
        "    def step(*args, _fastad_step=None, **kwargs):\n"
        + (f"        if False: ({', '.join(names)},)\n" if names else "")
        + "        return _fastad_step(args, kwargs)\n"
    )
    given = ", ".join(names)
    scope: dict[str, Any] = {}
    exec(f"def make({given}):\n{inner}    return step\n", scope)
    made = scope["make"](*names)
    code: types.CodeType = made.__code__
    return code


def _code_like(function: types.FunctionType) -> types.CodeType:
    """The code that a function is given, under its own name and place."""
    first = function.__code__
    names_of_it: dict[str, Any] = {"co_name": first.co_name}
    if hasattr(first, "co_qualname"):  # from Python 3.11 on
        names_of_it["co_qualname"] = getattr(first, "co_qualname")  # noqa: B009
    return _code_of(first.co_freevars).replace(
        co_filename=first.co_filename, co_firstlineno=first.co_firstlineno, **names_of_it
    )


def _lead(function: types.FunctionType, choose: Callable[[tuple[Any, ...]], Any]) -> None:
    """Give a function a first step: what `choose(args)` gives is called with traced arguments."""
    if id(function) in _led:
        return
    _led.add(id(function))
    kept = function.__code__, function.__defaults__, function.__kwdefaults__
    plain = types.FunctionType(
        kept[0], function.__globals__, function.__name__, kept[1], function.__closure__
    )
    plain.__kwdefaults__ = kept[2]
    notes = "__annotate__" if hasattr(function, "__annotate__") else "__annotations__"  # 3.14
    setattr(plain, notes, getattr(function, notes))
    # What a signature is read from; a decorated function says so itself.
    described = not vars(function).keys().isdisjoint(("__signature__", "__wrapped__"))

    def step(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if _traced(args, kwargs):
            bound = inspect.signature(function).bind(*args, **kwargs)  # fastad's names may differ
            chosen = choose(bound.args)
            if chosen is not None:
                ours, given = chosen
                _thread.led += 1
                try:
                    return ours(*given, **bound.kwargs)
                finally:
                    _thread.led -= 1
        return plain(*args, **kwargs)

    function.__code__ = _code_like(function)
    function.__defaults__ = None
    function.__kwdefaults__ = {"_fastad_step": step}
    if not described:
        function.__wrapped__ = plain  # type: ignore[attr-defined]

    def undo() -> None:
        function.__code__, function.__defaults__, function.__kwdefaults__ = kept
        if not described:
            del function.__wrapped__  # type: ignore[attr-defined]

    _undo.append(undo)


def _ours(module: str, name: str, theirs: Any) -> Any:
    """What stands for SciPy's function where it differentiates; None where it does not."""
    found = getattr(module_of(f"fastad.scipy.{module}"), name, None)
    if found is None or found is theirs or isinstance(found, types.ModuleType):
        return None
    return found if differentiates(found) else None


def _of_name(module: str, name: str, theirs: Any) -> Callable[[tuple[Any, ...]], Any]:
    def choose(args: tuple[Any, ...]) -> Any:
        ours = _ours(module, name, theirs)
        return None if ours is None else (ours, args)

    return choose


# ---- classes -------------------------------------------------------------------------------------


_classes: set[type] = set()


def _lead_class(module: str, name: str, kind: type) -> None:
    """Let a class, called with traced values, give what stands for its objects here.

    It stays, and does nothing after `uninstall()`: CPython would not let go of a `__new__`.
    """
    if kind in _classes:
        return
    _classes.add(kind)
    before: Any = kind.__new__

    def new(cls: Any, *args: Any, **kwargs: Any) -> Any:
        if cls is kind and _wanted and _traced(args, kwargs):
            ours = _ours(module, name, kind)
            if ours is not None:
                return ours(*args, **kwargs)
        return before(cls) if before is object.__new__ else before(cls, *args, **kwargs)

    described = inspect.signature(kind)
    first = inspect.Parameter("cls", inspect.Parameter.POSITIONAL_ONLY)
    new.__signature__ = described.replace(  # type: ignore[attr-defined]
        parameters=[first, *described.parameters.values()]
    )
    made: Any = kind
    made.__new__ = new


# ---- distributions -------------------------------------------------------------------------------


def _law(stats: Any, name: str) -> Callable[[tuple[Any, ...]], Any]:
    """The method of the same name of the same distribution, of its arguments.

    None for a distribution of the user's, whatever its name: SciPy's code goes on.
    """

    def choose(args: tuple[Any, ...]) -> Any:
        one: Any = args[0]
        theirs: Any = getattr(stats, str(one.name), None)
        if type(theirs) is not type(one) or (theirs.a, theirs.b) != (one.a, one.b):
            return None
        law = getattr(module_of("fastad.scipy.stats"), one.name)
        return (law if name == "__call__" else getattr(law, name)), args[1:]

    return choose


def _law_of_vectors(name: str, method: str) -> Callable[[tuple[Any, ...]], Any]:
    def choose(args: tuple[Any, ...]) -> Any:
        law = getattr(module_of("fastad.scipy.stats"), name)
        ours = law if method == "__call__" else getattr(law, method, None)
        return None if ours is None or not callable(ours) else (ours, args[1:])

    return choose


def _laws(stats: Any) -> Iterator[tuple[types.FunctionType, Callable[..., Any]]]:
    base = stats.rv_continuous.__mro__[1]
    for kind in (stats.rv_continuous, stats.rv_discrete, base):
        for name in (*METHODS, "__call__"):
            function = vars(kind).get(name)
            if isinstance(function, types.FunctionType):
                yield function, _law(stats, name)
    for name, law in vars(stats).items():
        kind = type(law)
        if not kind.__module__.startswith("scipy.stats._multivariate"):
            continue
        for method in (*METHODS, "__call__"):
            function = vars(kind).get(method)
            if isinstance(function, types.FunctionType):
                yield function, _law_of_vectors(name, method)


# ---- sparse arrays -------------------------------------------------------------------------------


def _product(args: tuple[Any, ...]) -> Any:
    return module_of("fastad.scipy.sparse").multiply, args


# Where arrays of traced values are arrays of objects, as autograd has them, these do not ask.
_REFLECTED = {
    "__matmul__": "__rmatmul__",
    "dot": "__rmatmul__",
    "__mul__": "__rmul__",
    "__add__": "__radd__",
    "__sub__": "__rsub__",
    "__truediv__": "__rtruediv__",
}


def _of_operand(reflected: str) -> Callable[[tuple[Any, ...]], Any]:
    """What the traced operand says to the operator."""

    def choose(args: tuple[Any, ...]) -> Any:
        if len(args) != 2 or not isbox(args[1]):
            return None
        return getattr(args[1], reflected), args[:1]

    return choose


def _products(sparse: Any) -> Iterator[tuple[types.FunctionType, Callable[..., Any]]]:
    """The methods `multiply` and the operators of sparse arrays."""
    leads: dict[str, Callable[[tuple[Any, ...]], Any]] = {"multiply": _product}
    leads.update({name: _of_operand(reflected) for name, reflected in _REFLECTED.items()})
    for kind in list(vars(sparse).values()):
        for base in getattr(kind, "__mro__", ()):
            if not base.__module__.startswith("scipy.sparse"):
                continue
            for name, choose in leads.items():
                function = vars(base).get(name)
                if type(function) is types.FunctionType:
                    yield function, choose


# ---- modules -------------------------------------------------------------------------------------


def _lead_module(module: types.ModuleType) -> None:
    """Lead the functions of one of SciPy's modules that are public."""
    name = module.__name__.partition(".")[2]
    with _lock:
        if not _wanted:  # it was uninstalled while this was loaded
            return
        if name == "stats":
            for function, choose in _laws(module):
                _lead(function, choose)
        if name == "sparse":
            for function, choose in _products(module):
                _lead(function, choose)
        for one, theirs in list(vars(module).items()):
            if one.startswith("_"):
                continue
            if isinstance(theirs, types.FunctionType):
                _lead(theirs, _of_name(name, one, theirs))
            elif name == "interpolate" and isinstance(theirs, type):
                _lead_class(name, one, theirs)


_WATCHED = frozenset(f"scipy.{name}" for name in MODULES)
_ends: list[Callable[[], None]] = []


def install() -> None:
    """Let SciPy's own functions, called with traced values, lead to those of `fastad.scipy`.

    From then on `scipy.signal.convolve(x, k)` of a traced x is `fastad.scipy.signal.convolve(x,
    k)`, in libraries and for functions that were imported before as well; so do the interpolants of
    `scipy.interpolate`. Functions without a derivative rule in fastad stay as they are, and so do
    calls with plain values but for one look at their arguments (about 0.3 us). Modules that are
    imported later are led as they come. Programs of autograd's that run on fastad (`python -m
    fastad`, `fastad.compat.install()`) have it from the start. Code that can be changed is better
    off with `from fastad.scipy import signal`.

    Examples
    --------
    >>> import numpy, scipy.signal
    >>> import fastad.scipy
    >>> from fastad import grad
    >>> fastad.scipy.install()
    >>> grad(lambda x: scipy.signal.convolve(x, [1.0, 2.0]).sum())(numpy.ones(3))
    array([3., 3., 3.])
    >>> fastad.scipy.uninstall()
    """
    global _wanted
    with _switch:
        if not _wanted:
            _wanted = True
            _ends.append(after(_WATCHED.__contains__, _lead_module))


def uninstall() -> None:
    """Undo `install()`: SciPy's functions are as they were."""
    global _wanted
    with _switch:
        while _ends:
            _ends.pop()()
        with _lock:
            while _undo:
                _undo.pop()()
            _led.clear()
            _wanted = False


def installed() -> bool:
    """Tell whether SciPy's functions lead here."""
    return _wanted
