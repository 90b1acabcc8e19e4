"""NumPy's loops of LAPACK, reached without the wrappers around them.

`numpy.linalg` spends some microseconds a call on types, errors and shapes. Its generalized ufuncs
are called here with the same arguments; what they do not take goes to its functions, and so does
what fails, for the error.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._core import give_routines

__all__ = ["by_loops"]

_MODULE = getattr(np.linalg, "_umath_linalg", None)


def _loop(name: str, signature: str) -> Any:
    """Return NumPy's generalized ufunc if the installed version has it in this form."""
    found = getattr(_MODULE, name, None)
    known = isinstance(found, np.ufunc) and (found.signature or "").replace(" ", "") == signature
    return found if known else None


def by_loops(primitive: Any, *loops: Any, own: str | None = None, result: Any = None) -> None:
    """Let a primitive compute its values by these loops.

    Parameters
    ----------
    primitive : Primitive
        Its function does the same.
    *loops : tuple
        A name and a signature; then, where the argument after the arrays selects the loop, the
        values that select this one. Of several without such values all but the last are for single
        matrices only.
    own : str, optional
        A routine of the core that is tried first.
    result : type, optional
        The type of tuple that holds several results.
    """
    entries = [
        (option, _loop(name, signature))
        for name, signature, *options in loops
        for option in options or [None]
    ]
    if all(option is not None or loop is not None for option, loop in entries):
        found = [entry for entry in entries if entry[1] is not None]
        give_routines(primitive, *([(None, own)] if own else []), *found, result=result)
