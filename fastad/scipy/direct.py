"""SciPy's own functions, called with traced values, lead to fastad's: from `install()` on.

Most of SciPy converts its arguments to arrays first, and asks nobody: there is no protocol that a
traced value could answer, as there is for ufuncs. So, where the user asks for it, the functions
themselves are given a first step that looks for traced values; whoever has imported one has it too.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

import scipy.stats

from .._core import holds_box
from .._impl.remedies import differentiates
from .host_calls import depends, is_recorded

__all__ = ["install", "uninstall"]

MODULES = """
    special linalg signal fft ndimage integrate interpolate optimize spatial spatial.distance
    sparse.linalg
""".split()
METHODS = "pdf logpdf pmf logpmf cdf logcdf sf logsf ppf isf mean var std median entropy".split()

_lock = threading.Lock()
_undo: list[Callable[[], None]] = []
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


def _code_like(function: types.FunctionType) -> types.CodeType:
    """Code that hands its arguments on, with as many variables from outside as a function has."""
    names = function.__code__.co_freevars
    inner = (
        "    def step(*args, _fastad_step=None, **kwargs):\n"
        + (f"        if False: ({', '.join(names)},)\n" if names else "")
        + "        return _fastad_step(args, kwargs)\n"
    )
    given = ", ".join(names)
    scope: dict[str, Any] = {}
    exec(f"def make({given}):\n{inner}    return step\n", scope)
    code: types.CodeType = scope["make"](*names).__code__
    first = function.__code__
    names_of_it: dict[str, Any] = {"co_name": first.co_name}
    if hasattr(first, "co_qualname"):  # from Python 3.11 on
        names_of_it["co_qualname"] = getattr(first, "co_qualname")  # noqa: B009
    return code.replace(
        co_filename=first.co_filename, co_firstlineno=first.co_firstlineno, **names_of_it
    )


def _lead(function: types.FunctionType, choose: Callable[..., Any]) -> None:
    """Give a function a first step: what `choose(args)` gives is called with traced arguments."""
    kept = function.__code__, function.__defaults__, function.__kwdefaults__
    plain = types.FunctionType(
        kept[0], function.__globals__, function.__name__, kept[1], function.__closure__
    )
    plain.__kwdefaults__ = kept[2]
    signature = inspect.signature(function)
    described = "__signature__" in vars(function)

    def step(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if _traced(args, kwargs):
            bound = signature.bind(*args, **kwargs)  # fastad's may have other names
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
        function.__signature__ = signature  # type: ignore[attr-defined]

    def undo() -> None:
        function.__code__, function.__defaults__, function.__kwdefaults__ = kept
        if not described:
            del function.__signature__  # type: ignore[attr-defined]

    _undo.append(undo)


def _counterparts() -> Iterator[tuple[types.FunctionType, Any]]:
    """SciPy's functions, and what stands for them where it differentiates."""
    for name in MODULES:
        theirs = importlib.import_module(f"scipy.{name}")
        mine = importlib.import_module(f"fastad.scipy.{name}")
        for one, ours in vars(mine).items():
            other = getattr(theirs, one, None)
            if other is None or ours is other or isinstance(ours, types.ModuleType):
                continue
            if isinstance(other, types.FunctionType) and differentiates(ours):
                yield other, ours


# ---- distributions -------------------------------------------------------------------------------


def _law(name: str) -> Callable[..., Any]:
    """The method of the same name of the same distribution, of its arguments.

    None for a distribution of the user's, whatever its name: SciPy's code goes on.
    """

    def choose(args: tuple[Any, ...]) -> Any:
        one: Any = args[0]
        theirs: Any = getattr(scipy.stats, str(one.name), None)
        if type(theirs) is not type(one) or (theirs.a, theirs.b) != (one.a, one.b):
            return None
        law = getattr(importlib.import_module("fastad.scipy.stats"), one.name)
        return (law if name == "__call__" else getattr(law, name)), args[1:]

    return choose


def _laws() -> Iterator[tuple[types.FunctionType, Callable[..., Any]]]:
    base = scipy.stats.rv_continuous.__mro__[1]
    for kind in (scipy.stats.rv_continuous, scipy.stats.rv_discrete, base):
        for name in (*METHODS, "__call__"):
            function = vars(kind).get(name)
            if isinstance(function, types.FunctionType):
                yield function, _law(name)
    distributions = importlib.import_module("fastad.scipy.stats")
    for name in distributions.__all__:
        kind = type(getattr(scipy.stats, name))
        if issubclass(kind, (scipy.stats.rv_continuous, scipy.stats.rv_discrete)):
            continue
        law = getattr(distributions, name)
        for method in (*METHODS, "__call__"):
            function = vars(kind).get(method)
            ours = getattr(law, method, None)
            if isinstance(function, types.FunctionType) and ours is not None:
                yield function, lambda args, ours=ours: (ours, args[1:])


# ---- Fourier transforms, for which SciPy has a protocol ------------------------------------------


class _Backend:
    """Answers the functions of `scipy.fft` that are given traced values."""

    __ua_domain__ = "numpy.scipy.fft"

    @staticmethod
    def __ua_function__(method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not _wanted or not _traced(args, kwargs):
            return NotImplemented
        return getattr(importlib.import_module("fastad.scipy.fft"), method.__name__)(
            *args, **kwargs
        )


_registered = False


def install() -> None:
    """Let SciPy's own functions, called with traced values, lead to those of `fastad.scipy`.

    From then on `scipy.signal.convolve(x, k)` of a traced x is `fastad.scipy.signal.convolve(x,
    k)`, in libraries and for functions that were imported before as well. Functions without a
    derivative rule in fastad stay as they are, and so do classes (interpolants), and calls with
    plain values but for one look at their arguments (about 0.3 us). It loads all of `fastad.scipy`.
    Code that can be changed is better off with `from fastad.scipy import signal`.

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
    global _wanted, _registered
    with _lock:
        if _wanted:
            return
        done: set[int] = set()
        for theirs, ours in _counterparts():
            if id(theirs) in done:
                continue
            done.add(id(theirs))
            _lead(theirs, lambda args, ours=ours: (ours, args))
        for function, choose in _laws():
            if id(function) not in done:
                done.add(id(function))
                _lead(function, choose)
        if not _registered:
            importlib.import_module("scipy.fft").register_backend(_Backend)
            _registered = True
        _wanted = True


def uninstall() -> None:
    """Undo `install()`: SciPy's functions are as they were."""
    global _wanted
    with _lock:
        while _undo:
            _undo.pop()()
        _wanted = False
