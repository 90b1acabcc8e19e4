"""What compiled code a recorded function may call, by list: everything else makes it stay eager.

A C function is allowed if its result depends on its arguments alone and it changes nothing but
them: the watch sees what becomes of arguments, and nothing of what a C function keeps to itself.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import os
import sys
import threading
import types
import weakref
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as onp

from .._core import is_python_class
from .._impl.first_step import is_first_step

__all__ = [
    "DISPATCHER",
    "allowed_call",
    "allowed_type",
    "asks_by_name",
    "calls_nothing_else",
    "imports_by_name",
    "is_of_library",
    "is_plain",
    "makes_named_tuple",
    "name_of",
    "of_library",
    "passed_over",
    "reads_all",
    "reads_fields",
    "speaks_for_more",
    "trusted",
    "trusted_module",
]

_BUILTINS = frozenset(
    """
    __build_class__ abs aiter all any ascii bin bool callable chr delattr divmod format
    getattr hasattr hash hex isinstance issubclass iter len locals max min next oct ord pow repr
    round setattr sorted sum vars
    """.split()
)
# All their functions are pure, or change their arguments only.
_MODULES = frozenset(
    """
    math cmath operator _operator itertools _bisect _heapq _collections _functools _struct binascii
    zlib unicodedata _statistics _abc _sre
    scipy.integrate._odepack scipy.integrate._quadpack scipy.interpolate._bspl
    scipy.interpolate._dierckx scipy.interpolate._fitpack scipy.interpolate._ppoly
    scipy.ndimage._nd_image scipy.optimize._minpack scipy.optimize._zeros
    scipy.signal._sigtools scipy.signal._sosfilt scipy.signal._spline
    scipy.signal._upfirdn_apply scipy.spatial._distance_pybind scipy.stats._stats
    """.split()
)
# But these, by which traced values are other objects than the plain ones that they stand for.
_IDENTITY = frozenset(("is_", "is_not"))
_NUMPY_MODULES = frozenset(
    """
    numpy numpy.core numpy._core numpy.core.multiarray numpy._core.multiarray
    numpy.core._multiarray_umath numpy._core._multiarray_umath
    """.split()
)
_NUMPY = frozenset(
    """
    _place _vec_string arange array asanyarray asarray ascontiguousarray asfortranarray bincount
    broadcast_arrays c_einsum can_cast concatenate copyto correlate correlate2 count_nonzero
    datetime_as_string datetime_data digitize dot empty empty_like frombuffer fromiter fromstring
    inner interp interp_complex is_busday busday_count busday_offset lexsort matmul may_share_memory
    min_scalar_type normalize_axis_index normalize_axis_tuple packbits promote_types putmask
    ravel_multi_index result_type scalar searchsorted shares_memory unpackbits unravel_index vdot
    where zeros
    """.split()
)
# Every method of these is allowed but the ones below: what is captured of them is watched.
_METHODS: tuple[type, ...] = (
    list,
    dict,
    set,
    frozenset,
    tuple,
    str,
    bytes,
    bytearray,
    int,
    float,
    complex,
    range,
    slice,
    onp.generic,
    onp.ndarray,
    onp.dtype,
    property,
    types.GeneratorType,
    types.MappingProxyType,
)
_METHODS_BY_NAME = frozenset(
    """
    array.array collections.deque collections.OrderedDict collections.defaultdict decimal.Decimal
    datetime.date datetime.time datetime.datetime datetime.timedelta datetime.timezone re.Pattern
    re.Match itertools.chain functools.partial fractions.Fraction
    """.split()
)
_NOT_METHODS = frozenset(("tofile", "dump", "dumps", "__setstate__"))
# Functions of classes: (class, name).
_CLASS_METHODS = frozenset(
    (
        (dict, "fromkeys"),
        (int, "from_bytes"),
        (float, "fromhex"),
        (object, "__new__"),
        (object, "__init_subclass__"),
        (type, "__new__"),
        (type, "mro"),
        (str, "maketrans"),
        (bytes, "fromhex"),
    )
)
# What holds no function, beside containers and arrays.
_PLAIN = frozenset((type(None), bool, int, float, complex, str, bytes, slice, range, type(...)))
# NumPy's functions that dispatch by their arguments; 1.26 has plain functions there.
DISPATCHER = type(onp.sum)
_CONTEXT = frozenset((("ContextVar", "get"),))

# Classes in C whose instances keep nothing that a watch cannot see.
_TYPES_BY_MODULE = frozenset(
    """
    builtins collections itertools functools types operator _operator fractions decimal numpy
    numpy.dtypes numpy.exceptions typing abc enum dataclasses re array contextvars numbers datetime
    """.split()
)
_NOT_TYPES = frozenset(
    (
        "numpy.datetime64",
        "numpy.memmap",
        "builtins.memoryview",
        "contextvars.Context",
        "numpy.nditer",
        "numpy.flatiter",
    )
)

# Python code that is taken at its word: it keeps no state, and what it calls is its own affair.
_NUMPY_FOLDERS = frozenset(
    ("core", "_core", "lib", "linalg", "fft", "ma", "polynomial", "matrixlib")
)
_NUMPY_NOT = frozenset(
    (
        "_datasource.py",
        "_format_impl.py",
        "_npyio_impl.py",
        "_utils_impl.py",
        "arrayprint.py",
        "format.py",
        "memmap.py",
        "npyio.py",
        "printoptions.py",
        "utils.py",
    )
)
_SCIPY_FOLDERS = frozenset(("linalg", "special", "fft", "sparse", "_lib", "_external"))
_SCIPY_NOT = frozenset((os.path.join("sparse", "_construct.py"),))  # it draws
# Python code of pandas that is not: it reads files and clocks, draws, or looks at its callers.
_PANDAS_NOT = frozenset(("api", "io", "plotting", "testing", "_testing", "tests", "tseries"))
_PANDAS_CORE_NOT = frozenset(("computation", "sample.py", "tools"))
_STANDARD = frozenset(
    (
        "re.py",
        "sre_compile.py",
        "sre_parse.py",
        "abc.py",
        "_collections_abc.py",
        "copy.py",
        "copyreg.py",
        "numbers.py",
        "typing.py",
        "warnings.py",  # the filters are watched
        "_py_warnings.py",
    )
)
_STANDARD_FOLDERS = frozenset(("re",))
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_NUMPY_ROOT = os.path.dirname(os.path.abspath(onp.__file__)) + os.sep
_LIBRARY = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
# What NumPy's random functions draw from is hidden in it: seen by the generator, not trusted.
_PACKAGE_NOT = frozenset((os.path.join("numpy", "random.py"),))


@lru_cache(maxsize=4096)
def _trusted_file(name: str) -> bool:
    if name.startswith(("<frozen importlib", "<__array_function__")):
        return True
    if name.startswith("<frozen "):
        return name[8:].rstrip(">").partition(".")[0] + ".py" in _STANDARD
    path = os.path.abspath(name)
    if path.startswith(_PACKAGE):
        return path[len(_PACKAGE) :] not in _PACKAGE_NOT
    if path.startswith(_NUMPY_ROOT):
        folder, _, rest = path[len(_NUMPY_ROOT) :].partition(os.sep)
        if not rest:
            return folder == "__init__.py"
        return folder in _NUMPY_FOLDERS and os.path.basename(rest) not in _NUMPY_NOT
    root = _root_of("scipy")
    if root is not None and path.startswith(root):
        rest = path[len(root) :]
        return rest.partition(os.sep)[0] in _SCIPY_FOLDERS and rest not in _SCIPY_NOT
    root = _root_of("pandas")
    if root is not None and path.startswith(root):
        folder, _, rest = path[len(root) :].partition(os.sep)
        if folder == "core":
            return rest.partition(os.sep)[0] not in _PANDAS_CORE_NOT
        return folder not in _PANDAS_NOT
    if path.startswith(_LIBRARY):
        folder, _, rest = path[len(_LIBRARY) :].partition(os.sep)
        return folder in (_STANDARD_FOLDERS if rest else _STANDARD)
    return False


def trusted(code: CodeType) -> bool:
    """True for code of fastad, NumPy, SciPy and the standard library that keeps no state."""
    if id(code) in _STATEFUL:
        return False
    return (
        id(code) in _STATELESS
        or id(code) in _OF_FIELDS
        or makes_named_tuple(code)
        or parses_arguments(code)
        or _trusted_file(code.co_filename)
    )


def makes_named_tuple(code: CodeType) -> bool:
    """True for the `__new__` that collections.namedtuple writes for a class, and what makes it."""
    if code.co_filename != "<string>":
        return False
    if code.co_name == "<module>":
        inner = [item for item in code.co_consts if isinstance(item, CodeType)]
        return not code.co_names and len(inner) == 1 and makes_named_tuple(inner[0])
    return code.co_names == ("_tuple_new",) and code.co_varnames[:1] == ("_cls",)


def parses_arguments(code: CodeType) -> bool:
    """True for the methods that SciPy writes for each distribution, and what defines these.

    They take arguments apart, and read nothing else.
    """
    if code.co_filename != "<string>":
        return False
    inner = [item for item in code.co_consts if isinstance(item, CodeType)]
    if code.co_name == "<module>":
        return (
            _PARSERS.issuperset(code.co_names) and bool(inner) and all(map(parses_arguments, inner))
        )
    return code.co_name in _PARSERS and _PARSED.issuperset(code.co_names) and not inner


def _with_inner(code: CodeType) -> list[CodeType]:
    return [
        code,
        *(x for one in code.co_consts if isinstance(one, CodeType) for x in _with_inner(one)),
    ]


# Functions of data classes that read each field, by its name.
_OF_FIELDS = frozenset(
    id(code)
    for name in (
        *"_asdict_inner _astuple_inner _is_dataclass_instance _replace asdict astuple".split(),
        *"fields is_dataclass replace".split(),
    )
    if hasattr(dataclasses, name)
    for code in _with_inner(getattr(dataclasses, name).__code__)
)
# The methods that collections.namedtuple gives its classes, one code for all of them; that itself,
# which asks its caller for a name alone; what makes the lock of a generator of random numbers; what
# takes a cached property's.
_STATELESS = frozenset(
    id(code)
    for code in (
        *collections.namedtuple.__code__.co_consts,
        getattr(threading.RLock, "__code__", None),
        functools.cached_property.__get__.__code__,
        collections.namedtuple.__code__,
    )
    if isinstance(code, CodeType)
)

# What reads or sets how NumPy treats floating-point errors and buffers; errstate undoes what it
# sets, and is trusted.
_STATEFUL = frozenset(
    id(function.__code__)
    for function in (
        onp.geterr,
        onp.seterr,
        onp.geterrcall,
        onp.seterrcall,
        onp.getbufsize,
        onp.setbufsize,
    )
)
_DISTRIBUTIONS = os.path.join("scipy", "stats", "_distn_infrastructure.py")
_PARSERS = frozenset("_parse_args _parse_args_rvs _parse_args_stats".split())
_PARSED = frozenset(("_argcheck_rvs",))
_BY_NAME = sys.modules["_frozen_importlib"]._gcd_import.__code__
_ERRSTATE_FILE = onp.geterr.__code__.co_filename


def speaks_for_more(code: CodeType) -> bool:
    """True for trusted code that a watch is told of: what copies, what sets filters of warnings."""
    return reads_all(code) or code.co_filename.endswith("warnings.py")


def reads_all(code: CodeType) -> bool:
    """True for trusted code that reads all attributes of what it is given, whatever their names."""
    return reads_fields(code) or code.co_filename.endswith("copy.py")


def reads_fields(code: CodeType) -> bool:
    """True for code of `dataclasses` that reads the fields of an instance."""
    return id(code) in _OF_FIELDS


def imports_by_name(code: CodeType) -> bool:
    """True for what `importlib.import_module` runs: which module it reads is not in the code."""
    return code is _BY_NAME


def passed_over(code: CodeType) -> int:
    """What an observer is told of code: 0 if its inside matters, 1 if it is trusted.

    Code of fastad vouches (2) for what it calls in the standard library and in SciPy (3): their
    state, as far as no object of the user's holds it, is fastad's affair. So does errstate, and the
    step that leads SciPy's functions to fastad's, whose plain values SciPy computes itself.
    """
    if is_first_step(code):
        return 2
    if trusted(code):
        file = code.co_filename
        return 2 if file.startswith(_PACKAGE) or file == _ERRSTATE_FILE else 1
    if _freezes(code):
        return 2
    return 3 if _library_file(code.co_filename) else 0


def _freezes(code: CodeType) -> bool:
    """True for what fixes the parameters of SciPy's distributions, by `exec` and `inspect`."""
    return code.co_name == "freeze" and code.co_filename.endswith(_DISTRIBUTIONS)


@lru_cache(maxsize=4096)
def _library_file(name: str) -> bool:
    path = os.path.abspath(name)
    if path.startswith(_NUMPY_ROOT) or name.startswith("<frozen "):
        return True
    root = _root_of("scipy")
    if root is not None and path.startswith(root):
        return True
    rest = path[len(_LIBRARY) :]
    return path.startswith(_LIBRARY) and not rest.startswith(("site-packages", "dist-packages"))


def _root_of(package: str) -> str | None:
    module = sys.modules.get(package)
    if module is None or not module.__file__:
        return None
    return os.path.dirname(os.path.abspath(module.__file__)) + os.sep


def trusted_module(name: str | None) -> bool:
    """True for a module whose compiled functions are taken to be pure."""
    if not name:
        return False
    parts = name.split(".")
    if parts[0] == "fastad":
        return parts[-1] != "random"
    if parts[0] == "numpy":
        return len(parts) == 1 or parts[1] in _NUMPY_FOLDERS or parts[1] in ("exceptions", "dtypes")
    if parts[0] == "scipy":
        return name in _MODULES or len(parts) > 1 and parts[1] in _SCIPY_FOLDERS
    return False


def allowed_call(function: Any) -> bool:
    """True if this C function may be called by a recorded function."""
    name = function.__name__
    owner = getattr(function, "__self__", None)
    if owner is None or isinstance(owner, types.ModuleType):
        module = owner.__name__ if owner is not None else (function.__module__ or "")
        if module == "builtins":
            return name in _BUILTINS
        if module in _NUMPY_MODULES:
            return name in _NUMPY
        if module in _MODULES:
            return name not in _IDENTITY
        return trusted_module(module)
    if isinstance(owner, type):
        # A class's own method, or a metaclass's that is called on a class.
        if any((cls, name) in _CLASS_METHODS for cls in (*owner.__mro__, type)):
            return True
        return is_python_class(owner) and name in ("__init_subclass__", "__subclasshook__")
    if name in _NOT_METHODS:
        return False
    cls = type(owner)
    if cls is onp.random.RandomState or cls.__module__.startswith("numpy.random"):
        # Where a generator comes from is looked at where it is read; its draws are seen here in
        # some versions of NumPy only.
        return isinstance(owner, onp.random.Generator)
    if (cls.__name__, name) in _CONTEXT and cls.__module__ in ("_contextvars", "contextvars"):
        return True
    if trusted_module(cls.__module__):
        return True
    for base in cls.__mro__:
        if is_python_class(base):
            continue
        if base in _METHODS or f"{base.__module__}.{base.__qualname__}" in _METHODS_BY_NAME:
            return True
        if base is object:
            return name in (
                "__setattr__",
                "__getattribute__",
                "__delattr__",
                "__reduce_ex__",
                "__init_subclass__",
                "__format__",
                "__dir__",
                "__eq__",
            )
    return False


def asks_by_name(function: Any) -> bool:
    """True for functions that read attributes whose names are no part of the code."""
    return function.__name__ in (
        "getattr",
        "hasattr",
        "vars",
        "delattr",
        "setattr",
        "dir",
        "__getattribute__",
        "__reduce_ex__",
        "__setattr__",
        "locals",
    )


def allowed_type(cls: type) -> bool:
    """True for a class made in C, if its instances keep nothing that a watch cannot see."""
    if issubclass(cls, (BaseException, onp.generic)) and cls is not onp.datetime64:
        return True
    name = f"{cls.__module__}.{cls.__qualname__}"
    if name in _NOT_TYPES:
        return False
    if cls is weakref.ref:  # what one refers to is seen where it stands
        return True
    return cls.__module__ in _TYPES_BY_MODULE or trusted_module(cls.__module__)


def of_library(cls: type) -> bool:
    """True for a class of the standard library, NumPy, SciPy or fastad."""
    return is_of_library(cls.__module__)


def is_of_library(module: str) -> bool:
    """True for the name of a module of the standard library, NumPy, SciPy or fastad."""
    top = module.partition(".")[0]
    return top in sys.stdlib_module_names or top in ("numpy", "scipy", "fastad")


def calls_nothing_else(function: Any) -> bool:
    """True for a function of a library that calls nothing but what it is given.

    Libraries are the standard one, NumPy, SciPy and fastad.
    """
    if isinstance(function, onp.ufunc) or type(function) is DISPATCHER:
        return True
    if isinstance(function, types.BuiltinFunctionType):
        return allowed_call(function) and type(function.__self__) in (types.ModuleType, type(None))
    if type(function) is not types.FunctionType or not passed_over(function.__code__):
        return False
    held = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    try:
        held += [cell.cell_contents for cell in function.__closure__ or ()]
    except ValueError:
        return False
    return all(is_plain(value) or calls_nothing_else(value) for value in held)


def is_plain(value: Any) -> bool:
    """True for a value in which no code of the user's is, nor a function."""
    kind = type(value)
    if kind in (tuple, list):
        return all(map(is_plain, value))
    if kind is dict:
        return all(map(is_plain, value.values()))
    if kind is onp.ndarray:
        return not value.dtype.hasobject
    if isinstance(value, type):
        return issubclass(value, onp.generic) or value in (bool, int, float, complex)
    return kind in _PLAIN or isinstance(value, (onp.generic, onp.dtype))


def name_of(function: Any) -> str:
    """How a user would write a compiled function."""
    owner = getattr(function, "__self__", None)
    name = getattr(function, "__qualname__", None) or function.__name__
    if owner is None or isinstance(owner, types.ModuleType):
        module = owner.__name__ if owner is not None else getattr(function, "__module__", None)
        return name if module in (None, "builtins") else f"{module.lstrip('_')}.{name}"
    return name
