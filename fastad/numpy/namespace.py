"""Filling a namespace from NumPy's: differentiable, derivative zero, passed through, or refused."""

from __future__ import annotations

import types
from typing import Any

import numpy as np

from .._core import attributes_late
from .._impl.loading import module_of
from .registry import NUMPY_2, Primitive, by_function, ops, space, table, zero

# Functions whose result is whole, boolean or piecewise constant, or that only read shape and dtype.
ZERO = """
all allclose alltrue any argmax argmin argpartition argsort argwhere around array2string array_equal
array_equiv array_repr array_str bitwise_and bitwise_count bitwise_not bitwise_or
bitwise_xor can_cast ceil common_type count_nonzero diag_indices_from digitize einsum_path
empty_like equal fix
flatnonzero floor floor_divide gcd greater greater_equal isclose iscomplex
iscomplexobj isfinite isfortran isin in1d isinf isnan isnat isneginf isposinf isreal isrealobj
isscalar iterable lcm left_shift less less_equal lexsort logical_and logical_not logical_or
logical_xor may_share_memory min_scalar_type mintypecode nanargmax nanargmin ndim nonzero not_equal
ones_like promote_types ravel_multi_index result_type right_shift rint round round_ searchsorted
shape shares_memory sign signbit size sometrue tril_indices_from triu_indices_from trunc typename
unravel_index zeros_like
linalg.matrix_rank
""".split()

# Those of them that read nothing but type, dtype and shape: the same at every input.
STATIC = frozenset(
    """
    common_type einsum_path iscomplexobj isfortran isrealobj isscalar iterable ndim result_type
    shape size typename
    """.split()
)

# Functions that take no values to differentiate: makers from shapes, dtypes, text, files, settings.
PASSED = frozenset(
    """
    add_docstring add_newdoc add_newdoc_ufunc base_repr bartlett binary_repr blackman
    broadcast_shapes busday_count busday_offset byte_bounds compare_chararrays datetime_as_string
    datetime_data deprecate deprecate_with_doc diag_indices disp empty eye
    fastCopyAndTranspose find_common_type format_float_positional format_float_scientific
    from_dlpack frombuffer fromfile fromfunction fromiter frompyfunc fromregex fromstring
    genfromtxt get_array_wrap get_include get_printoptions getbufsize geterr geterrcall geterrobj
    hamming hanning identity indices info is_busday isdtype issctype issubclass_ issubdtype
    issubsctype kaiser load loadtxt lookfor maximum_sctype mask_indices nested_iters obj2sctype
    ones printoptions recfromcsv recfromtxt safe_eval save savetxt savez savez_compressed
    sctype2char set_numeric_ops set_printoptions set_string_function setbufsize seterr seterrcall
    seterrobj show_config show_runtime source test tracemalloc_domain tri tril_indices
    triu_indices who zeros cast
    """.split()
)

# Functions that write into an argument.
IN_PLACE = {
    "copyto": "use numpy.where",
    "fill_diagonal": "use numpy.where with numpy.eye as the condition",
    "place": "use numpy.where",
    "put": "use numpy.where, or concatenate the parts",
    "put_along_axis": "use numpy.where",
    "putmask": "use numpy.where",
}


def public_names(module: types.ModuleType) -> list[str]:
    """Every public name of a module of the installed NumPy, without triggering lazy imports."""
    names = set(getattr(module, "__all__", ())) | set(vars(module))
    return sorted(name for name in names if not name.startswith("_"))


def resolve(name: str, value: Any) -> Any:
    """Return what stands for NumPy's object of this (dotted) name in fastad."""
    if name not in table and value.__hash__ is not None and value not in by_function:
        if name.rpartition(".")[2] in PASSED:
            return value
        if name in IN_PLACE:
            return space.refused(name, f"it writes into its argument; {IN_PLACE[name]}")
    return space.resolve(name, value)


def fill(target: dict[str, Any], module: types.ModuleType, prefix: str = "") -> list[str]:
    """Put every public name of a NumPy module into a namespace.

    Parameters
    ----------
    target : dict
        The globals of fastad's module; names that it defines itself stay.
    module : module
        NumPy's module.
    prefix : str
        Dotted prefix of the module's names in the table, '' for NumPy itself.

    Returns
    -------
    names : list of str
        What ``from module import *`` should export: NumPy's own choice.
    """
    for name in ZERO:
        head, _, last = name.rpartition(".")
        value = vars(module).get(last)
        if head == prefix and value is not None and value not in by_function:
            zero(name, static=name in STATIC)
    public = public_names(module)
    exported = set(getattr(module, "__all__", public))
    names = []
    values = vars(module)
    for name in public:
        value = values.get(name, types)
        if isinstance(value, types.ModuleType):
            continue  # a module, or a name that NumPy itself makes when it is asked for
        full_name = f"{prefix}.{name}" if prefix else name
        found = table.get(full_name) or resolve(full_name, value)
        target[name] = found
        if name in exported:
            names.append(name)
        # Rules reach every alias of a table entry: `ops.abs` is `ops.absolute`.
        if not prefix and isinstance(found, Primitive):
            setattr(ops, name, found)
    return names


def postpone_attributes() -> None:
    """Let what a ufunc has beside its call (`add.reduce`, `sin.nin`) come when it is asked for."""
    for function, primitive in by_function.items():
        if isinstance(function, np.ufunc):
            attributes_late(primitive)
    # What the method clip of arrays calls where both bounds are given; NumPy has no name for it.
    umath = module_of("numpy._core.umath" if NUMPY_2 else "numpy.core.umath")
    by_function[umath.clip] = by_function[np.clip]


__all__ = ["fill", "postpone_attributes", "public_names", "resolve"]
