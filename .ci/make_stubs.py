"""Stub files of the wrapped namespaces, from the table and from NumPy's and SciPy's signatures.

    python .ci/make_stubs.py

writes fastad/numpy/*.pyi and fastad/scipy/*.pyi of the package that is imported. What is not
differentiable has NumPy's own types; what is has one signature, with the parameters of NumPy's
function: NumPy's overloads say nothing about functions that are handed to `grad`.
"""

from __future__ import annotations

import importlib
import inspect
import keyword
import pkgutil
import textwrap
from collections.abc import Iterable
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

import fastad
import fastad.numpy as anp
from fastad._impl import leading
from fastad._impl.loading import OF_NUMPY
from fastad._impl.remedies import differentiates
from fastad.numpy import registry


def series(module: Any) -> str:
    """The version of a package without its last number."""
    return ".".join(module.__version__.split(".")[:2])


ROOT = Path(fastad.__file__).parent

# Functions whose result is an array whatever they are given, and traced if an argument is.
ARRAYS = frozenset(
    """
    append array asanyarray asarray ascontiguousarray asfortranarray atleast_1d atleast_2d
    atleast_3d block broadcast_to column_stack concat concatenate convolve correlate cov delete
    diagflat dstack expand_dims fft.fft fft.fft2 fft.fftn fft.fftshift fft.ifft fft.ifft2
    fft.ifftn fft.ifftshift fft.irfft fft.irfftn fft.rfft fft.rfftn flip fliplr flipud full
    full_like gradient hstack insert kron linalg.cholesky linalg.inv linalg.matrix_power
    linalg.pinv moveaxis outer pad permute_dims ravel repeat reshape resize roll rollaxis rot90
    sort stack swapaxes tile transpose tril triu vander vstack
    """.split()
) - {"gradient"}  # a list for several axes

# The minor versions of NumPy and SciPy that the stubs are made with.
VERSIONS = ("2.4", "1.17")

# Names of NumPy versions other than the one that the stubs are made with.
OTHER_VERSIONS = """
    alltrue asfarray cumproduct in1d msort product round_ row_stack sometrue trapz
""".split()

WRAPPER_NAMES = "array_from_args concatenate_args make_diagonal metadata wrap_namespace"

HEAD = """# Written by .ci/make_stubs.py.
from typing import Any

"""

ELEMENTWISE = '''class _Elementwise:
    """An elementwise operation, with the attributes of a ufunc."""

    __name__: str
    identity: Any
    nargs: int
    nin: int
    nout: int
    ntypes: int
    signature: str | None
    types: list[str]
    def accumulate(self, array: Any, axis: Any = ..., dtype: Any = ..., out: Any = ...) -> Any: ...
    def at(self, a: Any, indices: Any, b: Any = ..., /) -> None: ...
    def outer(self, A: Any, B: Any, /, **kwargs: Any) -> Any: ...
    def reduce(
        self,
        array: Any,
        axis: Any = ...,
        dtype: Any = ...,
        out: Any = ...,
        keepdims: bool = ...,
        initial: Any = ...,
        where: Any = ...,
    ) -> Any: ...
    def reduceat(
        self, array: Any, indices: Any, axis: Any = ..., dtype: Any = ..., out: Any = ...
    ) -> Any: ...

class _Unary(_Elementwise):
    def __call__(
        self,
        x: Any,
        /,
        out: Any = ...,
        *,
        where: Any = ...,
        casting: Any = ...,
        order: Any = ...,
        dtype: Any = ...,
        subok: bool = ...,
    ) -> Any: ...

class _Binary(_Elementwise):
    def __call__(
        self,
        x1: Any,
        x2: Any,
        /,
        out: Any = ...,
        *,
        where: Any = ...,
        casting: Any = ...,
        order: Any = ...,
        dtype: Any = ...,
        subok: bool = ...,
    ) -> Any: ...

class _Several(_Elementwise):
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

'''
KIND = {1: "_Unary", 2: "_Binary"}


def definition(name: str, function: Any, returns: str = "Any") -> str:
    """The line of a stub for a differentiable function."""
    if isinstance(function, np.ufunc):
        return f"{name}: {KIND.get(function.nin, '_Several')}\n"
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # compiled, and says nothing of its parameters
        return f"def {name}(*args: Any, **kwargs: Any) -> {returns}: ...\n"
    parts: list[str] = []
    last = None
    for one in parameters:
        if last is one.POSITIONAL_ONLY and one.kind is not one.POSITIONAL_ONLY:
            parts.append("/")
        if one.kind is one.KEYWORD_ONLY and last not in (one.KEYWORD_ONLY, one.VAR_POSITIONAL):
            parts.append("*")
        stars = {one.VAR_POSITIONAL: "*", one.VAR_KEYWORD: "**"}.get(one.kind, "")
        default = "" if one.default is one.empty else " = ..."
        parts.append(f"{stars}{one.name}: Any{default}")
        last = one.kind
    if last is inspect.Parameter.POSITIONAL_ONLY:
        parts.append("/")
    return f"def {name}({', '.join(parts)}) -> {returns}: ...\n"


def numpy_stub(module: Any, prefix: str = "") -> str:
    """The stub of fastad.numpy, or of its module `prefix`."""
    theirs = registry.numpy_function(prefix) if prefix else np
    imported, lines = [], []
    for name in sorted(module.__all__):
        full = f"{prefix}.{name}" if prefix else name
        if keyword.iskeyword(name) or (not prefix and name in ("fft", "linalg", "random")):
            continue
        function = getattr(theirs, name)
        primitive = registry.table.get(full) or (
            registry.by_function.get(function) if callable(function) else None
        )
        kind = registry.kinds.get(primitive.__name__, "") if primitive is not None else "zero"
        if isinstance(function, type) or kind in ("zero", "test", ""):
            imported.append(name)
        else:
            returns = "Array" if full in ARRAYS else "Any"
            lines.append(definition(name, function, returns))
    if not prefix:
        for name in sorted(set(OTHER_VERSIONS) - set(module.__all__)):
            lines.append(f"def {name}(*args: Any, **kwargs: Any) -> Any: ...\n")
    text = HEAD
    text += "".join(f"from {theirs.__name__} import {name} as {name}\n" for name in imported)
    if not prefix:
        text += "from numpy import __version__ as __version__\n\n"
        text += "from . import fft as fft\nfrom . import linalg as linalg\n"
        text += "from . import random as random\n"
    text += f"from {'...' if prefix else '..'}_impl.array import Array\n\n"
    if not prefix:
        text += ELEMENTWISE
    text += "".join(lines)
    if not prefix:
        text += "\n# autograd.numpy has these beside NumPy's names.\n"
        helpers = importlib.import_module("fastad._impl.numpy_wrapper")
        for (
            name
        ) in "array_from_args concatenate_args make_diagonal metadata wrap_namespace".split():
            text += definition(name, getattr(helpers, name))
    if prefix == "linalg":
        text += "\n# autograd's module has these beside NumPy's names.\n"
        text += definition("H", module.H, "Array") + definition("T", module.T, "Array")
    return text


# Methods that Python looks up in the class, where `__getattr__` says nothing of them: parameters,
# and what they return.
_OPERATORS = "add sub mul matmul truediv floordiv mod pow".split()
SPECIAL = {
    "__call__": ("*args: Any, **kwargs: Any", "Any"),
    "__getitem__": ("index: Any, /", "Any"),
    "__setitem__": ("index: Any, value: Any, /", "None"),
    "__len__": ("", "int"),
    "__iter__": ("", "Any"),
    "__neg__": ("", "Any"),
    "__abs__": ("", "Any"),
    **{f"__{side}{name}__": ("other: Any, /", "Any") for side in ("", "r") for name in _OPERATORS},
}


def specials(value: type) -> list[str]:
    """The methods of a class that make an instance callable, an operand or a container."""
    lines = []
    for name, (parameters, result) in SPECIAL.items():
        if getattr(value, name, None) is not None:
            given = f"self, {parameters}" if parameters else "self"
            lines.append(f"    def {name}({given}) -> {result}: ...\n")
    return lines


def scipy_stub(name: str) -> str:
    """The stub of a module of fastad.scipy that wraps all of SciPy's."""
    module = importlib.import_module(f"fastad.scipy.{name}")
    theirs = importlib.import_module(f"scipy.{name}")
    lines = []
    elementwise = False
    for one in sorted(set(module.__all__)):
        value = getattr(theirs, one, None)
        if value is None:  # ours alone
            home = getattr(module, one).__module__
            lines.insert(0, f"from {home} import {one} as {one}\n")
        elif isinstance(value, type):
            # A class is imported to be instantiated, inherited from and caught.
            lines.append(f"class {one}{'(Exception)' if issubclass(value, Exception) else ''}:\n")
            lines.append("    def __init__(self, *args: Any, **kwargs: Any) -> None: ...\n")
            lines.append("    def __getattr__(self, name: str) -> Any: ...\n")
            lines += specials(value)
        elif callable(value):
            elementwise = elementwise or isinstance(value, np.ufunc)
            lines.append(definition(one, value))
        else:
            lines.append(f"{one}: Any\n")
    if name in INNER:
        lines = [line for line in lines if not line.startswith(f"{INNER[name]}:")]
        lines.insert(0, f"from . import {INNER[name]} as {INNER[name]}\n")
    return HEAD + (ELEMENTWISE if elementwise else "") + "".join(lines)


INNER = {"sparse": "linalg", "spatial": "distance"}


def stats_stub() -> str:
    """The stub of fastad.scipy.stats: distributions, each with SciPy's functions."""
    module = importlib.import_module("fastad.scipy.stats")
    theirs = importlib.import_module("scipy.stats")
    frozen = "class _Frozen:\n    def __getattr__(self, name: str) -> Any: ...\n"
    lines = [frozen]
    laws = [one for one in sorted(module.__all__) if isinstance(getattr(module, one), ModuleType)]
    for name in laws:
        distribution = getattr(module, name)
        lines.append(f"\nclass _{name}:\n")
        lines.append("    def __call__(self, *args: Any, **kwargs: Any) -> _Frozen: ...\n")
        lines.append("    def __getattr__(self, name: str) -> Any: ...\n")
        for method in sorted(vars(distribution)):
            value = getattr(distribution, method)
            # What else stands in a distribution's module helps its rules.
            known = hasattr(getattr(theirs, name), method) and not method.startswith("_")
            if known and isinstance(value, registry.Primitive):
                lines.append(f"    def {method}(self, *args: Any, **kwargs: Any) -> Any: ...\n")
    lines.append("\n")
    lines += [f"{name}: _{name}\n" for name in laws]
    for name in sorted({*module.__all__} - {*laws}):
        value = getattr(module, name)
        if isinstance(value, type):
            lines.insert(0, f"from {value.__module__} import {name} as {name}\n")
        else:
            lines.append(f"\n{definition(name, value)}")
    lines.append("\ndef __getattr__(name: str) -> Any: ...\n")
    return HEAD + "".join(lines)


# Functions of SciPy versions other than the one that the stubs are made with.
OTHER_SCIPY = {"integrate": "cumtrapz simps trapz".split()}


def led() -> str:
    """The list of what is SciPy's and is differentiated under the same name here."""
    text = '"""What fastad.scipy differentiates of SciPy. Written by .ci/make_stubs.py."""\n\n'
    text += "LED: dict[str, frozenset[str]] = {\n"
    for name in leading.MODULES:
        found = {*differentiated(name), *OTHER_SCIPY.get(name, ())}
        lines = textwrap.wrap(" ".join(sorted(found)), 88)
        text += f'    "{name}": frozenset(\n        """\n'
        text += "".join(f"        {line}\n" for line in lines)
        text += '        """.split()\n    ),\n'
    return text + "}\n"


CLASSES = ("interpolate", "stats")  # modules whose classes stand for functions


def differentiated(name: str) -> set[str]:
    """The public functions of one of SciPy's modules that are differentiated here.

    Also its interpolants and densities, and its distributions of vectors.
    """
    theirs = importlib.import_module(f"scipy.{name}")
    ours = importlib.import_module(f"fastad.scipy.{name}")
    found = set()
    for one, value in vars(theirs).items():
        own = getattr(ours, one, None)
        if one.startswith("_") or own is None or own is value or not differentiates(own):
            continue
        if isinstance(value, FunctionType) or (isinstance(value, type) and name in CLASSES):
            found.add(one)
        elif type(value).__module__.startswith("scipy.stats._multivariate"):
            found.add(one)
    return found


def late() -> str:
    """Which module of fastad.numpy has the rules of which functions of NumPy's."""
    found: dict[str, list[str]] = {}
    for name, module in registry.space.declared.items():
        home = module.removeprefix("fastad.numpy.")
        if home.partition(".")[0] not in OF_NUMPY:
            found.setdefault(home, []).append(name)
    text = '"""The modules of rules that are loaded late. Written by .ci/make_stubs.py."""\n\n'
    text += "# Of each the functions of NumPy's, also those that only other versions have.\n"
    text += "MODULES: dict[str, str] = {\n"
    for home, names in sorted(found.items()):
        text += f'    "{home}": """\n' + _lines(names) + '    """,\n'
    text += "}\n"
    for name, of_them, note in (
        ("CALLED", registry.space.called, "Those that answer plain values in a way of their own."),
        ("BESIDE", registry.space.beside, "Those that are no entries of the table."),
    ):
        text += f'\n# {note}\n{name} = frozenset(\n    """\n'
        text += _lines(sorted(of_them)) + '    """.split()\n)\n'
    return text


def _lines(names: Iterable[str]) -> str:
    return "".join(f"    {line}\n" for line in textwrap.wrap(" ".join(names), 92))


def stubs() -> dict[str, str]:
    """Path below the package -> text."""
    # All rules, also those of a module that the list does not have yet.
    for module in pkgutil.walk_packages(anp.__path__, "fastad.numpy."):
        importlib.import_module(module.name)
    random = HEAD + "from numpy.random import *\n"
    return {
        "numpy/__init__.pyi": numpy_stub(anp),
        "numpy/linalg/__init__.pyi": numpy_stub(anp.linalg, "linalg"),
        "numpy/fft/__init__.pyi": numpy_stub(anp.fft, "fft"),
        "numpy/random.pyi": random,
        "numpy/late.py": late(),
        "scipy/fft/__init__.pyi": scipy_stub("fft"),
        "scipy/ndimage/__init__.pyi": scipy_stub("ndimage"),
        "scipy/spatial/__init__.pyi": scipy_stub("spatial"),
        "scipy/spatial/distance.pyi": scipy_stub("spatial.distance"),
        "scipy/special/__init__.pyi": scipy_stub("special"),
        "scipy/linalg/__init__.pyi": scipy_stub("linalg"),
        "scipy/signal/__init__.pyi": scipy_stub("signal"),
        "scipy/integrate/__init__.pyi": scipy_stub("integrate"),
        "scipy/interpolate/__init__.pyi": scipy_stub("interpolate"),
        "scipy/optimize/__init__.pyi": scipy_stub("optimize"),
        "scipy/sparse/__init__.pyi": scipy_stub("sparse"),
        "scipy/sparse/linalg.pyi": scipy_stub("sparse.linalg"),
        "scipy/stats/__init__.pyi": stats_stub(),
        "scipy/led.py": led(),
    }


if __name__ == "__main__":
    for place, text in stubs().items():
        (ROOT / place).write_text(text, "utf-8")
        print(place, text.count("\n"), "lines")
