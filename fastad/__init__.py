"""fastad: gradients of ordinary Python and NumPy code, recorded and swept by a compiled core.

Write a function with `fastad.numpy`, and differentiate it::

    import fastad.numpy as np
    from fastad import grad

    grad(lambda x: np.sum(np.sin(x) ** 2))(np.ones(3))

Gradients
    grad                  of a function with one real result
    value_and_grad        its value as well
    grad_and_aux          of the first of two results; the second is kept
    grad_named            by an argument's name
    multigrad_dict        by all arguments, as a dict
    elementwise_grad      of a function that maps element by element (short: egrad)
    deriv                 of a function of one number, in forward mode
    holomorphic_grad      of a holomorphic function

Jacobians and Hessians
    jacobian, hessian     whole, by batches of rows
    hessian_vector_product, make_hvp, make_ggnvp            products with a vector
    hessian_tensor_product, tensor_jacobian_product, vector_jacobian_product
    make_vjp, make_jvp    reverse and forward mode, prepared once; make_jvp_reversemode

Speed and memory
    jit                   record a function, and replay it without Python
    checkpoint            keep no intermediate values; compute them again
    release_memory        give idle memory back
    set_num_threads, get_num_threads                        of large programs
    ProgramWarning, ProgramError                            what jit says

Looking inside
    draw                  a computation as a picture
    profile               time and memory of a gradient, by line
    getval, isbox         the plain value of a traced one; whether it is traced
    debug_nans, debug_mutation, strict_zero                 modes, for a `with` statement

`Array` is the type for annotations. `help(fastad.grad)` and the like say more.

Modules: `numpy` and `scipy`, the wrapped namespaces; `extend`, for rules and types of one's own;
`misc`, optimizers and other helpers; `test_util`, which checks derivatives; `compat`, which runs
programs written for autograd.
"""

import importlib as _importlib
import sys as _sys
from builtins import dict as _dict
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from ._core import (
    debug_mutation,
    debug_nans,
    get_num_threads,
    isbox,
    release_memory,
    set_num_threads,
    strict_zero,
)
from ._impl import hooks as _hooks
from ._impl import leading as _leading
from ._impl.array import Array
from ._impl.operators.gradients import (
    deriv,
    egrad,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    holomorphic_grad,
    multigrad_dict,
    value_and_grad,
)

__version__ = "0.1.0"

_hooks.install()

# `dict`, `isinstance`, `list`, `tuple` and `type` are here as in autograd, but hide no built-in
# names of a program that says `from fastad import *`.
__all__ = [
    "Array",
    "ProgramError",
    "ProgramWarning",
    "checkpoint",
    "debug_mutation",
    "debug_nans",
    "deriv",
    "draw",
    "egrad",
    "elementwise_grad",
    "get_num_threads",
    "getval",
    "grad",
    "grad_and_aux",
    "grad_named",
    "hessian",
    "hessian_tensor_product",
    "hessian_vector_product",
    "holomorphic_grad",
    "isbox",
    "jacobian",
    "jit",
    "make_ggnvp",
    "make_hvp",
    "make_jvp",
    "make_jvp_reversemode",
    "make_vjp",
    "multigrad_dict",
    "primitive",
    "profile",
    "release_memory",
    "set_num_threads",
    "strict_zero",
    "tensor_jacobian_product",
    "value_and_grad",
    "vector_jacobian_product",
]


# Once, also where this module is reloaded.
if "_watching" not in globals():
    _leading.watch()
    _watching = True


def _name_publicly(found: _Any) -> None:
    """Say where users find a function or class, for pickle and messages."""
    if getattr(found, "__module__", "").startswith(f"{__name__}._impl"):
        found.__module__ = __name__


for _public in map(globals().get, __all__):
    _name_publicly(_public)

if _TYPE_CHECKING:
    from . import compat, extend, misc, numpy, scipy, test_util
    from ._impl.boxed_types import dict, isinstance, list, tuple, type
    from ._impl.checkpointing import checkpoint
    from ._impl.deprecated import primitive
    from ._impl.graph import getval
    from ._impl.inspection.drawing import draw
    from ._impl.inspection.profiling import profile
    from ._impl.operators.jacobians import hessian, jacobian
    from ._impl.operators.products import (
        hessian_tensor_product,
        hessian_vector_product,
        make_ggnvp,
        make_hvp,
        make_jvp,
        make_jvp_reversemode,
        make_vjp,
        tensor_jacobian_product,
        vector_jacobian_product,
    )
    from .programs.jit import jit
    from .programs.report import ProgramError, ProgramWarning

# Imported when they are asked for: not every program needs them.
_LATE = {
    "ProgramError": "programs.report",
    "ProgramWarning": "programs.report",
    "checkpoint": "_impl.checkpointing",
    "draw": "_impl.inspection.drawing",
    "getval": "_impl.graph",
    "hessian": "_impl.operators.jacobians",
    "jacobian": "_impl.operators.jacobians",
    "jit": "programs.jit",
    "primitive": "_impl.deprecated",
    "profile": "_impl.inspection.profiling",
    **_dict.fromkeys(
        (
            "hessian_tensor_product",
            "hessian_vector_product",
            "make_ggnvp",
            "make_hvp",
            "make_jvp",
            "make_jvp_reversemode",
            "make_vjp",
            "tensor_jacobian_product",
            "vector_jacobian_product",
        ),
        "_impl.operators.products",
    ),
    **_dict.fromkeys(("dict", "isinstance", "list", "tuple", "type"), "_impl.boxed_types"),
}
_MODULES = ("compat", "extend", "misc", "numpy", "scipy", "test_util")
# autograd's other modules, there without an import of their own as well.
_AUTOGRAD_MODULES = ("builtins", "core", "differential_operators", "tracer", "util", "wrap_util")


def __getattr__(name: str) -> _Any:
    if name in _LATE:
        found = getattr(_importlib.import_module(f"{__name__}.{_LATE[name]}"), name)
        _name_publicly(found)
        globals()[name] = found
        return found
    if name in _MODULES or name in _AUTOGRAD_MODULES:
        return _importlib.import_module(f"{__name__}.{name}")
    hint = _importlib.import_module(f"{__name__}._impl.remedies").elsewhere(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}")


def __dir__() -> _Any:
    modules = [*_MODULES, "__doc__", "__version__"]
    # What is listed is taken, as by help().
    if _importlib.import_module("importlib.util").find_spec("scipy") is None:
        modules.remove("scipy")
    # help(fastad) would print every docstring in full; the module's own is the overview.
    frame: _Any = _sys._getframe(1)
    for _ in range(4):
        if frame is None:
            break
        if frame.f_globals.get("__name__") == "pydoc":
            return modules
        frame = frame.f_back
    return sorted([*__all__, *modules])
