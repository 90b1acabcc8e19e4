"""The whole numpy namespace, differentiable: computed from the table and from the installed NumPy.

Each public name of NumPy is here as one of four things: a differentiable operation, an operation
of derivative zero (whole, boolean or shape-reading results), NumPy's own object (constants, dtypes,
classes, functions that take no values), or a function that refuses traced arguments by name.
"""

from __future__ import annotations

from typing import Any

import numpy as _numpy

from .._impl.loading import OF_NUMPY as _OF_NUMPY
from .._impl.loading import module_of as _module_of
from . import namespace as _namespace

_MODULES = ("fft", "linalg", "random")
# What autograd.numpy has beside NumPy's names, loaded when it is asked for.
_COMPATIBLE_MODULES = frozenset(
    ("numpy_boxes", "numpy_jvps", "numpy_vjps", "numpy_vspaces", "numpy_wrapper")
)
_COMPATIBLE_NAMES = frozenset(
    (
        "_array_from_scalar_or_array",
        "_astype",
        "_primitive_mean",
        "_primitive_std",
        "_primitive_var",
        "array_from_args",
        "concatenate_args",
        "make_diagonal",
        "metadata",
        "notrace_functions",
        "numpy_version",
        "parse_einsum_input",
        "wrap_if_boxes_inside",
        "wrap_intdtype",
        "wrap_namespace",
    )
)
__all__ = sorted({*_namespace.fill(globals(), _numpy), *_MODULES})

_namespace.postpone_attributes()

from . import linalg  # noqa: E402
from .classes import c_, ndenumerate, r_, vectorize  # noqa: E402

__version__ = _numpy.__version__


class _LateNames:
    """The module's `__getattr__`: an object, as programs that copy the module wrap its functions.

    A module class of its own would do too, but makes every `np.sin` a slow attribute look-up.
    """

    def __call__(self, name: str) -> Any:
        """Modules and late names of NumPy (`testing`, `polynomial`), loaded when asked for."""
        if name in _OF_NUMPY:
            return _module_of(f"{__name__}.{name}")
        if name in _COMPATIBLE_MODULES:
            return _module_of(f"{__name__}.{name}")
        if name in _COMPATIBLE_NAMES:
            return getattr(_module_of(f"{__name__}.numpy_wrapper"), name)
        if name.startswith("__"):
            raise AttributeError(f"module 'fastad.numpy' has no attribute {name!r}")
        try:
            return getattr(_numpy, name)
        except AttributeError:
            raise AttributeError(f"module 'fastad.numpy' has no attribute {name!r}") from None


class _Names:
    """The module's `__dir__`: NumPy's public names, and no module of fastad's own."""

    def __call__(self) -> list[str]:
        """Return the names, sorted."""
        return sorted({*_namespace.public_names(_numpy), *_MODULES})


__getattr__ = _LateNames()
__dir__ = _Names()
