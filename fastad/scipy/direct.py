"""SciPy's own functions, called with traced values, lead to fastad's.

Most of SciPy converts its arguments to arrays first, and asks nobody: there is no protocol that a
traced value could answer, as there is for ufuncs and for `scipy.fft`. So the functions themselves
are given a first step that looks for traced values; whoever has imported one has it too. Which
these are stands in a list (`led`), and what they lead to is looked up at the first traced call: no
module of fastad's is loaded for a module of SciPy's.
"""

from __future__ import annotations

import functools
import sys
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

from .._core import holds_box, isbox
from .._impl import leading
from .._impl.first_step import Choose, Undo, calls
from .._impl.first_step import lead as lead_function
from .._impl.loading import module_of
from .._impl.remedies import differentiates
from .led import LED

__all__ = ["install", "uninstall"]

METHODS = """
    pdf logpdf pmf logpmf cdf logcdf sf logsf ppf isf mean var std median entropy interval stats
    moment expect
""".split()
CALLING = ("integrate", "optimize")  # modules whose functions call functions of the user's

_lock = threading.Lock()
_undo: list[Undo] = []
_modules: set[str] = set()


# ---- what is traced ------------------------------------------------------------------------------


HOLDERS = frozenset((dict, functools.partial, types.FunctionType, types.MethodType))


def _closes_over_traced(values: Any) -> bool:
    """Whether a function among arguments closes over a traced value."""
    for value in values:
        kind = type(value)
        if kind in HOLDERS:
            host_calls = module_of("fastad.scipy.host_calls")
            if host_calls.depends(value) or host_calls.is_recorded(value):
                return True
        elif (kind is list or kind is tuple) and _closes_over_traced(value):
            return True
    return False


def _depends(values: tuple[Any, ...]) -> bool:
    """Whether something traced is among arguments, or in functions among them.

    The solvers of a call that was led are SciPy's own.
    """
    return holds_box(values) or (not calls.led and _closes_over_traced(values))


# ---- functions -----------------------------------------------------------------------------------


def _lead(
    function: types.FunctionType, choose: Choose, undo: list[Undo], look: Any = holds_box
) -> None:
    put_back = lead_function(function, choose, look)
    if put_back is not None:
        undo.append(put_back)


def _ours(module: str, name: str, theirs: Any) -> Any:
    """What stands for SciPy's function where it differentiates; None where it does not."""
    found = getattr(module_of(f"fastad.scipy.{module}"), name, None)
    if found is None or found is theirs or isinstance(found, types.ModuleType):
        return None
    return found if differentiates(found) else None


def _of_name(module: str, name: str, theirs: Any) -> Choose:
    def choose(args: tuple[Any, ...]) -> Any:
        ours = _ours(module, name, theirs)
        return None if ours is None else (ours, args)

    return choose


# ---- classes -------------------------------------------------------------------------------------


_classes: set[type] = set()
_before: dict[Any, Any] = {}  # what each `__new__` of ours stands for


def _lead_class(module: str, name: str, kind: type) -> None:
    """Let a class, called with traced values, give what stands for its objects here.

    It stays, and does nothing after `uninstall()`: CPython would not let go of a `__new__`.
    """
    if kind in _classes:
        return
    _classes.add(kind)
    before: Any = kind.__new__
    while before in _before:  # inherited from a class that is led as well
        before = _before[before]

    def new(cls: Any, *args: Any, **kwargs: Any) -> Any:
        if cls is kind and leading.is_wanted() and holds_box((args, kwargs)):
            ours = _ours(module, name, kind)
            if ours is not None:
                return ours(*args, **kwargs)
        return before(cls) if before is object.__new__ else before(cls, *args, **kwargs)

    made: Any = kind
    # What a signature is read from.
    new.__wrapped__ = made.__init__ if before is object.__new__ else before  # type: ignore[attr-defined]
    _before[new] = before
    made.__new__ = new


# What is made of plain values and asked at traced ones: class, methods, and what stands for it.
_ASKED = {
    "interpolate": (
        ("PPoly", "__call__ integrate", "piecewise", lambda m, own: m.Piecewise.of(own)),
        ("BSpline", "__call__", "splines", lambda m, own: m.Spline.of(own)),
        ("UnivariateSpline", "__call__ integral", "fitted", lambda m, own: m.Fitted(own)),
        ("BivariateSpline", "__call__ integral", "fitted", lambda m, own: m.Surface(own)),
        ("interp1d", "__call__", "grids", lambda m, own: m.Interpolant.of(own)),
        ("RegularGridInterpolator", "__call__", "grids", lambda m, own: m.GridInterpolant.of(own)),
        ("RBFInterpolator", "__call__", "scattered", lambda m, own: m.RadialInterpolant.of(own)),
    ),
    "stats": (
        (
            "gaussian_kde",
            "evaluate logpdf",
            "kernels",
            lambda m, own: m.gaussian_kde(own.dataset, own.factor, own.weights),
        ),
    ),
}


def _of_object(kind: type, method: str, place: str, make: Callable[[Any, Any], Any]) -> Choose:
    def choose(args: tuple[Any, ...]) -> Any:
        if not isinstance(args[0], kind):  # another class with the same method
            return None
        return getattr(make(module_of(f"fastad.scipy.{place}"), args[0]), method), args[1:]

    return choose


def _asked(module: types.ModuleType, name: str) -> Iterator[tuple[types.FunctionType, Choose]]:
    for kind_name, methods, place, make in _ASKED.get(name, ()):
        kind = getattr(module, kind_name, None)
        for method in methods.split():
            function = getattr(kind, method, None)
            if isinstance(function, types.FunctionType) and kind is not None:
                yield function, _of_object(kind, method, f"{name}.{place}", make)


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
        if name not in LED["stats"] or not kind.__module__.startswith("scipy.stats._multivariate"):
            continue
        for method in (*METHODS, "__call__"):
            function = vars(kind).get(method)
            if isinstance(function, types.FunctionType):
                yield function, _law_of_vectors(name, method)


# ---- sparse arrays -------------------------------------------------------------------------------


def _holds_sparse(kind: type, values: Any) -> bool:
    return any(
        type(value) is kind or (type(value) in (list, tuple) and _holds_sparse(kind, value))
        for value in values
    )


def _is_sparse(values: tuple[Any, ...]) -> bool:
    """Whether something traced is among arguments, or a sparse array with traced entries."""
    return holds_box(values) or _is_sparse_alone(values)


def _is_sparse_alone(values: tuple[Any, ...]) -> bool:
    module = sys.modules.get("fastad.scipy.sparse.arrays")
    return module is not None and _holds_sparse(module.SparseArray, values)


def _is_made_of_sparse(values: tuple[Any, ...]) -> bool:
    """The same of a constructor's arguments: what is made is not there yet to be looked at."""
    return _is_sparse(values[1:])


def _refused(name: str) -> Choose:
    """The error for a function without rules that is given a sparse array with traced entries."""

    def refuse(*given: Any, **more: Any) -> None:
        raise TypeError(
            f"scipy.sparse.linalg.{name} of a sparse array with traced entries has no derivative "
            "rule in fastad: use numpy.linalg's function of A.toarray(), or one of "
            "fastad.scipy.sparse.linalg"
        )

    return lambda args: (refuse, ())


def _refusing(args: tuple[Any, ...]) -> Any:
    """The error for a constructor of SciPy's that is given traced entries."""
    name = type(args[0]).__name__
    known = name.partition("_")[0] in ("coo", "csr", "csc")

    def refuse(*given: Any, **more: Any) -> None:
        raise TypeError(
            f"scipy.sparse.{name} keeps plain numbers, and the derivative of traced ones would be "
            f"lost: use fastad.scipy.sparse.{name if known else 'coo_array'}((data, (row, col)), "
            "shape), or diags"
        )

    return refuse, ()


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


def _methods(sparse: Any, leads: dict[str, Choose]) -> Iterator[tuple[types.FunctionType, Choose]]:
    """The methods of these names of all classes of sparse arrays."""
    for kind in list(vars(sparse).values()):
        for base in getattr(kind, "__mro__", ()):
            if not base.__module__.startswith("scipy.sparse"):
                continue
            for name, choose in leads.items():
                function = vars(base).get(name)
                if type(function) is types.FunctionType:
                    yield function, choose


# ---- modules -------------------------------------------------------------------------------------


def lead(module: types.ModuleType) -> None:
    """Lead what fastad has of one of SciPy's modules."""
    name = module.__name__.partition(".")[2]
    with _lock:
        if name in _modules or not leading.is_wanted():  # it was uninstalled while this was loaded
            return
        _modules.add(name)
        if name == "stats":
            for function, choose in _laws(module):
                _lead(function, choose, _undo)
        if name == "sparse":
            for function, choose in _methods(module, {"multiply": _product}):
                _lead(function, choose, _undo, _is_sparse)
            for function, choose in _methods(module, {"__init__": _refusing}):
                _lead(function, choose, _undo, _is_made_of_sparse)
        for function, choose in _asked(module, name):
            _lead(function, choose, _undo)
        if name == "sparse.linalg":
            for one, theirs in list(vars(module).items()):
                known = one.startswith("_") or one in LED[name]
                if isinstance(theirs, types.FunctionType) and not known:
                    _lead(theirs, _refused(one), _undo, _is_sparse_alone)
        look = _depends if name in CALLING else _is_sparse if "sparse" in name else holds_box
        for one in LED[name]:
            theirs = vars(module).get(one)
            if isinstance(theirs, types.FunctionType):
                _lead(theirs, _of_name(name, one, theirs), _undo, look)
            elif isinstance(theirs, type):
                _lead_class(name, one, theirs)


def put_back() -> None:
    """Let SciPy's functions be as they were."""
    with _lock:
        _put_back(_undo)
        _modules.clear()


def _put_back(undo: list[Undo]) -> None:
    while undo:
        undo.pop()()


def lead_operators(sparse: types.ModuleType) -> Callable[[], None]:
    """Lead the operators of sparse arrays; what is returned puts them back."""
    leads = {name: _of_operand(reflected) for name, reflected in _REFLECTED.items()}
    own: list[Undo] = []
    with _lock:
        for function, choose in _methods(sparse, leads):
            _lead(function, choose, own)

    def end() -> None:
        with _lock:
            _put_back(own)

    return end


def install() -> None:
    """Let SciPy's own functions, called with traced values, lead to those of `fastad.scipy`.

    It is so from the first derivative on, and needs no call of this: `scipy.signal.convolve(x, k)`
    of a traced x is `fastad.scipy.signal.convolve(x, k)`, in libraries and for functions that were
    imported before as well; so do the interpolants of `scipy.interpolate`, and those that were made
    of constants where they are asked at traced places. Functions without a derivative rule in
    fastad stay as they are, and so do calls with plain values but for one look at their arguments
    (about 0.2 us). Modules that are imported later are led as they come. This
    undoes `uninstall`, and does at once what the first derivative would do.

    Examples
    --------
    >>> import numpy, scipy.signal
    >>> import fastad.scipy
    >>> from fastad import grad
    >>> fastad.scipy.install()
    >>> grad(lambda x: scipy.signal.convolve(x, [1.0, 2.0]).sum())(numpy.ones(3))
    array([3., 3., 3.])
    """
    leading.install()


def uninstall() -> None:
    """Leave SciPy's functions as they are, or put them back: with traced values they are errors.

    It holds for the whole process, until `install()`; before the first derivative as well.

    Examples
    --------
    >>> import fastad.scipy
    >>> fastad.scipy.uninstall()
    >>> fastad.scipy.install()
    """
    leading.uninstall()
