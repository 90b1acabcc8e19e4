"""Who asked a traced value for its plain number: the message, by the package of the caller."""

from __future__ import annotations

import ast
import builtins
import dis
import importlib
import linecache
import os
import re
import sys
from types import FrameType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from .._core import Primitive

__all__ = ["counterpart", "missing", "no_rule", "refused", "result_remedy"]

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

_VALUES = "use its values, .to_numpy(), and the operators and functions of fastad.numpy on them"
_PLOT = "give it fastad.getval(x), the plain number"
_MODEL = (
    "fastad has no rules for it: write the computation with fastad.numpy, or make it a primitive "
    "with a rule (fastad.extend.primitive)"
)
_ODE = (
    "use fastad.scipy.integrate.odeint or solve_ivp, and give what the right-hand side depends on "
    "by args="
)
_SCALARS = "float16 float32 float64 longdouble complex64 complex128 clongdouble".split()
_SCALAR = "use x as it is, or x.astype of another dtype; fastad.getval(x) gives the number alone"
_WRITERS = "save savez savez_compressed savetxt".split()
_NUMBER = "use x as it is; fastad.getval(x) gives the number alone"
# What to do about a package that wants plain numbers; the longest name that fits counts. Code of
# packages that are not here is the user's own.
REMEDIES = {
    "numpy": _MODEL,
    "numpy.random": (
        "a draw has no derivative by its parameters: draw standard numbers, and scale and shift "
        "them, mean + scale * rng.normal(size=n)"
    ),
    "numpy.fromiter": "use fastad.numpy.array of a list",
    **dict.fromkeys((f"numpy.{name}" for name in _SCALARS), _SCALAR),
    **dict.fromkeys((f"numpy.{name}" for name in _WRITERS), _PLOT),
    "numpy.vectorize": (
        "it collects plain numbers: use fastad.numpy.vectorize, or functions of fastad.numpy, "
        "which take arrays"
    ),
    "scipy": _MODEL,
    "scipy.integrate": "an integral over fixed points is a weighted sum with fastad.numpy",
    "scipy.integrate.odeint": _ODE,
    "scipy.integrate.solve_ivp": _ODE,
    "scipy.interpolate": (
        "fastad.scipy.interpolate has CubicSpline, PchipInterpolator, make_interp_spline and "
        "BSpline, and fastad.numpy.interp joins points by straight lines"
    ),
    "scipy.optimize": (
        "give it fastad.getval of the parameters and the gradient by jac=; fastad.scipy.optimize "
        "differentiates roots and minima by parameters that are given as args="
    ),
    "scipy.sparse": (
        "fastad.scipy.sparse has arrays whose entries are traced, and multiply(A, x); "
        "A @ x and x @ A are differentiated as they are"
    ),
    "scipy.sparse.linalg": _MODEL,
    "pandas": _VALUES,
    "polars": _VALUES,
    "xarray": "take .data of an array that holds traced values, .to_numpy() of one that does not",
    "pyarrow": _VALUES,
    "dask": "compute its plain values first, with .compute(), and go on with fastad.numpy",
    "sparse": "take x.todense(), or fastad.scipy.sparse",
    "matplotlib": _PLOT,
    "seaborn": _PLOT,
    "plotly": _PLOT,
    "bokeh": _PLOT,
    "PIL": _PLOT,
    "h5py": _PLOT,
    "sklearn": _MODEL,
    "statsmodels": _MODEL,
    "skimage": _MODEL,
    "networkx": _MODEL,
    "lightgbm": _MODEL,
    "xgboost": _MODEL,
    "numexpr": _MODEL,
    "numba": (
        "it compiles for plain arrays: call the function without numba (f.py_func), which "
        "fastad.jit may make fast, or make it a primitive with a rule"
    ),
    "torch": _MODEL,
    "jax": _MODEL,
    "tensorflow": _MODEL,
    "math": "use the function of fastad.numpy or fastad.scipy.special in its place",
    "math.dist": "use fastad.numpy.linalg.norm(p - q)",
    "cmath": "use the function of fastad.numpy in its place",
    "statistics": "use fastad.numpy.mean, median, var, std",
    "random": "draw with fastad.numpy.random, and scale and shift the draws",
    "decimal": "differentiate with floats",
    "fractions": "differentiate with floats",
    "struct": _PLOT,
    "array": "use fastad.numpy.array",
    "builtins": _NUMBER,
    "builtins.complex": "use x as it is, or x + 0j; fastad.getval(x) gives the number alone",
    "numpy.array": "use fastad.numpy.array, stack or concatenate",
    "numpy.asarray": "use fastad.numpy.asarray, or x as it is",
}
_GENERAL = (
    "use fastad.numpy functions on the value as it is; fastad.getval(x) gives the number alone"
)
# Names that differ.
_RENAMED = {
    "math.acos": "numpy.arccos",
    "math.acosh": "numpy.arccosh",
    "math.asin": "numpy.arcsin",
    "math.asinh": "numpy.arcsinh",
    "math.atan": "numpy.arctan",
    "math.atan2": "numpy.arctan2",
    "math.atanh": "numpy.arctanh",
    "math.erf": "scipy.special.erf",
    "math.erfc": "scipy.special.erfc",
    "math.fmod": "numpy.fmod",
    "math.fsum": "numpy.sum",
    "math.gamma": "scipy.special.gamma",
    "math.lgamma": "scipy.special.gammaln",
    "math.pow": "numpy.power",
    "math.sumprod": "numpy.dot",
}


def counterpart(name: str) -> str | None:
    """fastad's function that stands for this one: "scipy.special.gammaln", "math.sin".

    Parts of the name that are private are where SciPy keeps the function, not how it is called.
    """
    name = _public(name)
    renamed = _RENAMED.get(name)
    if renamed is None and name.startswith(("math.", "cmath.")):
        renamed = "numpy." + name.partition(".")[2]
    if name.startswith("scipy.fft."):
        renamed = "numpy." + name.partition(".")[2]
    target = renamed or name
    if target.partition(".")[0] not in ("numpy", "scipy") or "." not in target:
        return None
    found = _look_up("fastad." + target)
    # Functions that are NumPy's or SciPy's own refuse as well, and primitives without rules.
    if found is None or found is _look_up(target) or not _differentiates(found):
        return None
    if isinstance(found, ModuleType) and not callable(found):  # a distribution can be called
        return None
    return "fastad." + target


def _differentiates(function: Any) -> bool:
    if not isinstance(function, Primitive):
        return True
    if getattr(function, "refuses", False):
        return False
    if function.kind != "rule":
        return True
    rules = function.vjps, function.jvps, function.derivative, function.traced
    return any(rule is not None for rule in rules)


def _public(name: str) -> str:
    return ".".join(part for part in name.split(".") if not part.startswith("_"))


def _look_up(name: str) -> Any:
    """What stands under a dotted name that begins with a module's."""
    parts = name.split(".")
    found: Any = None
    for n, part in enumerate(parts):
        inner = getattr(found, part, None) if n else None
        if inner is None:
            try:
                inner = importlib.import_module(".".join(parts[: n + 1]))
            except ImportError:
                return None
        found = inner
    return found


def no_rule(name: str) -> TypeError:
    """The error for a function of NumPy's or SciPy's that met a traced value and has no rule."""
    other = counterpart(name)
    remedy = (
        f"use {other}"
        if other
        else REMEDIES[name]
        if name in REMEDIES
        else "write it with fastad.numpy functions that have one, or make it a primitive with "
        "fastad.extend.primitive and defvjp"
    )
    return TypeError(
        f"{name} has no derivative rule in fastad and was given a traced value; {remedy}"
    )


# ---- who asked


class _Asked(NamedTuple):
    """What the user's line does that leads to the question."""

    name: str  # "scipy.special.gammaln", or what the line says where nothing has a name
    remedy: str


class _Stack(NamedTuple):
    """The frames from the question outwards, up to the user's program."""

    package: str  # whose code asks; nothing if it is the user's
    user: FrameType | None
    callee: FrameType | None  # of another package, called by the user's program or by ours
    by_us: bool  # our own function called it


def refused(box: Any, why: str) -> Any:
    """Answer a question for the plain value of a traced one, from any depth of other packages.

    Returns
    -------
    ndarray
        Of objects. One without axes, that holds the box, is what SciPy's sparse arrays take for "no
        array, let its own operator answer"; one that holds its elements is what a frame multiplies
        by, `df @ w`.

    Raises
    ------
    TypeError
        That names what the user called, and what to call instead.
    """
    asking = sys._getframe(1)
    stack = _stack(asking)
    if why == "array" and stack.package == "scipy.sparse" and _in_operator(asking, stack.user):
        result = np.empty((), object)
        result[()] = box
        return result
    if why == "array" and stack.package == "pandas" and _in_product(asking, stack.user):
        if np.ndim(box) and np.size(box) <= MOST_ELEMENTS:
            return _elements(box)
    asked = _asked(stack, why) or _Asked(_WORDS[why], _GENERAL)
    raise TypeError(
        f"{asked.name} reads the plain number out of a traced value, and its derivative would be "
        f"lost: {asked.remedy}"
    )


def missing() -> str:
    """Why a traced value has not the attribute that is asked for: by who asks."""
    stack = _stack(sys._getframe(1))
    asked = _asked(stack, "array") if stack.package else None
    if asked is None:
        return "it has no rule in fastad"
    return f"{asked.name} would take its plain numbers; {asked.remedy}"


def result_remedy(value: Any) -> str | None:
    """What to return in place of another library's object that a function returned."""
    package = _package(type(value).__module__)
    return REMEDIES[package] if package in _HOLDERS else None


_HOLDERS = ("pandas", "polars", "xarray", "dask")
_WORDS = {
    "index": "using it as an index",
    "int": "int()",
    "float": "float()",
    "complex": "complex()",
    "array": "numpy.array() or numpy.asarray()",
}
_OPERATORS = frozenset(
    f"__{side}{name}__"
    for side in ("", "r")
    for name in "add sub mul matmul truediv floordiv mod pow".split()
)


def _stack(frame: FrameType | None) -> _Stack:
    package = ""
    callee: FrameType | None = None
    by_us = False
    while frame is not None:
        if frame.f_code.co_filename.startswith(_OWN):
            by_us = callee is not None
        else:
            found = _package(frame.f_globals.get("__name__") or "")
            if not found:
                break
            package = package or found
            callee = frame
        frame = frame.f_back
    return _Stack(package, frame, callee, by_us)


def _package(name: str) -> str:
    """The longest entry of REMEDIES that a dotted name lies in, or nothing."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        if ".".join(parts[:n]) in REMEDIES:
            return ".".join(parts[:n])
    return ""


def _in_operator(frame: FrameType | None, user: FrameType | None) -> bool:
    while frame is not None and frame is not user:
        if frame.f_code.co_name in _OPERATORS:
            return True
        frame = frame.f_back
    return False


MOST_ELEMENTS = 1000  # of a traced array, up to which a frame is given them one by one


def _in_product(frame: FrameType | None, user: FrameType | None) -> bool:
    """Whether the caller of pandas' product asks."""
    while frame is not None and frame is not user:
        if frame.f_code.co_name == "dot" and _package(frame.f_globals["__name__"]) == "pandas":
            return True
        frame = frame.f_back
    return False


def _elements(box: Any) -> Any:
    result = np.empty(np.shape(box), object)
    for index in np.ndindex(result.shape):
        result[index] = box[index]
    return result


def _asked(stack: _Stack, why: str) -> _Asked | None:
    """What the user's line calls, as it is called from outside."""
    expression, stores = (None, False) if stack.user is None else _expression(stack.user)
    if isinstance(expression, ast.Call) and stack.user is not None and not stack.by_us:
        name, package = _resolve(expression.func, stack.user)
        if not package:
            name, package = _of_made(expression.func, stack.user)
        if package:
            return _Asked(name.removeprefix("builtins."), _remedy(name, package, why))
    if stack.callee is not None:
        module = stack.callee.f_globals["__name__"]
        name = _called(module, stack.callee)
        shown = expression.func if isinstance(expression, ast.Call) else expression
        if shown is not None and not stack.by_us:
            text = ast.unparse(shown)
            # An operator, or a function that no public name leads to.
            if len(text) < 60 and (shown is expression or _look_up(name) is None):
                name = f"{text} ({module.partition('.')[0]})"
        package = _package(name) or _package(module)
        return _Asked(name, _GENERAL if stack.by_us else _remedy(name, package, why))
    if isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Mod):
        text = 'f"{x:.3f}" prints a traced value without asking for its number'
        return _Asked("the operator % of a string", f"{text}, and fastad.getval(x) gives it")
    if isinstance(expression, ast.Subscript):
        text = ast.unparse(expression)
        if stores:
            return _Asked(
                f"{text} = ...",
                "an array of plain numbers cannot hold a traced one: build it in one go with "
                "fastad.numpy.array, stack, concatenate or where",
            )
        return _Asked(text, "which element is taken has no derivative: give fastad.getval(x)")
    return None


def _of_made(function: ast.expr, frame: FrameType) -> tuple[str, str]:
    """As `_resolve` for what is called of an object that the same line makes: `norm(0, 1).pdf`."""
    made = function.value if isinstance(function, ast.Attribute) else function
    if not isinstance(made, ast.Call):
        return "", ""
    name, package = _resolve(made.func, frame)
    if package == "numpy.random":
        return f"{ast.unparse(function)} ({package})", package
    if counterpart(name) is None and package != "scipy.interpolate":
        return "", ""
    if not isinstance(function, ast.Attribute):
        return name, package
    method = f"{name}.{function.attr}"
    return (name if counterpart(method) is None else method), package


_ORDERS = ("permutation", "permuted", "shuffle", "choice")


def _remedy(name: str, package: str, why: str) -> str:
    if package == "numpy.random" and name.partition(" ")[0].rpartition(".")[2] in _ORDERS:
        return (
            "draw positions, by plain probabilities, and take these: x[rng.permutation(len(x))], "
            "x[rng.choice(len(x), p=fastad.getval(p))]"
        )
    if why in ("index", "int") and package.partition(".")[0] in ("numpy", "builtins"):
        return "a count or a position has no derivative: give fastad.getval(x)"
    if name not in REMEDIES and package != "numpy.random":
        other = counterpart(name)
        if other is not None:
            return f"use {other}"
    return REMEDIES[package]


def _called(module: str, frame: FrameType) -> str:
    """The public name of the function that a frame runs."""
    qualname = getattr(frame.f_code, "co_qualname", frame.f_code.co_name)
    parts = _public(f"{module}.{qualname}").replace("<locals>.", "").split(".")
    for cut in range(len(parts) - 1, 1, -1):
        shorter = ".".join([parts[0], *parts[cut:]])
        if _look_up(shorter) is not None:
            return shorter
    return ".".join(parts)


def _resolve(function: ast.expr, frame: FrameType) -> tuple[str, str]:
    """The full name of what is called, and its entry of REMEDIES."""
    parts: list[str] = []
    while isinstance(function, ast.Attribute):
        parts.insert(0, function.attr)
        function = function.value
    if not isinstance(function, ast.Name):
        return "", ""
    for scope in (frame.f_locals, frame.f_globals, vars(builtins)):
        if function.id in scope:
            found = scope[function.id]
            break
    else:
        return "", ""
    if isinstance(found, ModuleType):
        name = ".".join([found.__name__, *parts])
        return name, _package(name)
    if isinstance(found, np.vectorize):
        return f"{function.id} (numpy.vectorize)", "numpy.vectorize"
    if parts:  # a method of an object
        package = _package(type(found).__module__)
        text = ".".join([function.id, *parts])
        law = getattr(getattr(found, "dist", None), "name", None)  # of a frozen distribution
        if package == "scipy" and law is not None:
            return ".".join(["scipy.stats", law, *parts]), package
        return f"{text} ({package})", package
    home = getattr(found, "__module__", None) or type(found).__module__
    kind = found if hasattr(found, "__qualname__") else type(found)
    name = f"{home}.{kind.__qualname__}"
    return _public(name), _package(name)


def _expression(frame: FrameType) -> tuple[ast.AST | None, bool]:
    """The expression that a frame is at, from its source, and whether an item is assigned.

    None where there is no source.
    """
    code: Any = frame.f_code
    if not hasattr(code, "co_positions"):
        return _only_call(frame), False
    line, last, column, end = list(code.co_positions())[frame.f_lasti // 2]
    if line is None or last is None or column is None or end is None:
        return None, False
    lines = [
        linecache.getline(code.co_filename, number, frame.f_globals).encode()
        for number in range(line, last + 1)
    ]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][column:]
    stores = dis.opname[code.co_code[frame.f_lasti]] == "STORE_SUBSCR"
    return _parsed("(" + b"".join(lines).decode(errors="replace") + "\n)"), stores


def _only_call(frame: FrameType) -> ast.AST | None:
    """The one call on a frame's line that REMEDIES knows: before 3.11 only the line is known."""
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno, frame.f_globals)
    names = {match[0] for match in _CALLED.finditer(line) if not _calls_result(line, match.end())}
    called = [_parsed(name) for name in sorted(names)]
    known = [one for one in called if isinstance(one, ast.expr) and _resolve(one, frame)[1]]
    return ast.Call(known[0], [], []) if len(known) == 1 else None


def _calls_result(line: str, start: int) -> bool:
    """Whether what the call with its bracket at `start` gives is called itself, on this line."""
    depth = 0
    for place in range(start, len(line)):
        depth += {"(": 1, ")": -1}.get(line[place], 0)
        if depth == 0:
            return line[place + 1 : place + 2] == "("
    return False


_CALLED = re.compile(r"(?<![\w.])[A-Za-z_][\w.]*(?=\()")  # no method of what a bracket closes


def _parsed(text: str) -> ast.AST | None:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return None
    first = tree.body[0] if len(tree.body) == 1 else None
    return first.value if isinstance(first, ast.Expr) else first
