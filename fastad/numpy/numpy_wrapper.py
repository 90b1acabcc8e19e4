"""The numpy namespace and the helpers around it, under autograd's path."""

import importlib as _importlib
from typing import Any as _Any

from .._impl.numpy_wrapper import (
    _array_from_scalar_or_array,
    _astype,
    _primitive_mean,
    _primitive_std,
    _primitive_var,
    array_from_args,
    concatenate_args,
    make_diagonal,
    metadata,
    notrace_functions,
    numpy_version,
    parse_einsum_input,
    wrap_if_boxes_inside,
    wrap_intdtype,
    wrap_namespace,
)

_anp = _importlib.import_module("fastad.numpy")

__all__ = list(getattr(_anp, "__all__", []))


def __getattr__(name: str) -> _Any:
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_anp, name)
