"""`scipy.sparse`: sparse constants beside traced arrays, and arrays with traced entries.

`A @ x`, `x @ A`, `A * x`, `A + x` of SciPy's own sparse arrays need nothing of this module. The
constructors here take traced entries, and give a `SparseArray` then; with plain ones they give
SciPy's class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as onp
import scipy.sparse

from ... import numpy as np
from ..._impl.loading import module_of
from .. import registry
from ..registry import Array, Namespace, is_traced, shape_of
from .arrays import SparseArray, multiply, operate
from .assembled import ASSEMBLED

space = Namespace(scipy.sparse, "fastad.scipy.sparse")


_EXAMPLE = """Examples
--------
>>> import fastad.numpy as np
>>> from fastad import grad
>>> from fastad.scipy.sparse import {name}
>>> place = np.array([0, 1])
>>> def total(d):
...     return np.sum({name}((d, (place, place)), shape=(2, 2)) @ np.array([3.0, 4.0]))
>>> grad(total)(np.ones(2))
array([3., 4.])
"""
_DIAGONALS = """Examples
--------
>>> import fastad.numpy as np
>>> from fastad import grad
>>> from fastad.scipy.sparse import {name}
>>> grad(lambda d: np.sum({name}([d], offsets=[1]) @ np.array([3.0, 4.0, 5.0])))(np.ones(2))
array([4., 5.])
"""


def _constructor(name: str) -> None:
    own = space.find(name)
    if own is None:
        return
    compressed = name[:3] if name[:3] in ("csr", "csc") else None

    def construct(arg1: Any, shape: Any = None, dtype: Any = None, copy: bool = False) -> Any:
        data = arg1[0] if isinstance(arg1, tuple) and len(arg1) > 1 else arg1
        if not is_traced(data):
            return own(arg1, shape, dtype, copy)
        if data is arg1:
            raise TypeError(
                f"fastad.scipy.sparse.{name}: a traced dense array has no constant pattern; give "
                "its entries and their places, (data, (row, col)), and the shape"
            )
        # SciPy's own constructor finds out what the places are, by the numbers of the entries.
        places = onp.arange(1, shape_of(data)[0] + 1)
        # Compressed formats would add up the numbers of entries at one place.
        finder = scipy.sparse.coo_array if len(arg1) == 2 else own
        found: Any = finder((places, *arg1[1:]), shape).tocoo()
        if len(found.shape) != 2:
            raise ValueError(f"fastad.scipy.sparse.{name}: only arrays of two axes")
        order = onp.argsort(found.data)
        row, col = found.row[order], found.col[order]
        entries = data if dtype is None else np.asarray(data).astype(dtype)
        return SparseArray(entries, row, col, found.shape, name.endswith("matrix"))

    construct.__name__ = construct.__qualname__ = name
    construct.__doc__ = (
        f"SciPy's {name}, which takes traced entries as well: ((data, (row, col)), shape)"
        + (", or ((data, indices, indptr), shape)." if compressed else ".")
        + f" Gives a SparseArray for these.\n\n{_EXAMPLE.format(name=name)}"
    )
    space.entries[name] = construct


for _format in ("coo", "csr", "csc"):
    _constructor(f"{_format}_array")
    _constructor(f"{_format}_matrix")


def _diagonals(name: str) -> None:
    own = space.find(name)
    if own is None:
        return

    def construct(
        diagonals: Any, offsets: Any = 0, shape: Any = None, format: Any = None, dtype: Any = None
    ) -> Any:
        rows: Sequence[Any] = [diagonals] if onp.ndim(offsets) == 0 else diagonals
        if not (is_traced(diagonals) or any(map(is_traced, rows))):
            return own(diagonals, offsets=offsets, shape=shape, format=format, dtype=dtype)
        if onp.ndim(offsets) == 0 and isinstance(diagonals, (list, tuple)):
            rows = [np.array(diagonals)]
            if len(shape_of(rows[0])) == 2:
                rows = [rows[0][0]]
        places = [int(k) for k in onp.atleast_1d(offsets)]
        if shape is None:
            size = shape_of(rows[0])[0] + abs(places[0])
            shape = (size, size)
        data, row, col = [], [], []
        for k, diagonal in zip(places, rows):
            length = min(shape[0] + min(k, 0), shape[1] - max(k, 0))
            data.append(np.broadcast_to(diagonal, (length,)))
            row.append(onp.arange(length) - min(k, 0))
            col.append(onp.arange(length) + max(k, 0))
        entries = np.concatenate(data)
        return SparseArray(
            entries, onp.concatenate(row), onp.concatenate(col), tuple(shape), name == "diags"
        )

    construct.__name__ = construct.__qualname__ = name
    construct.__doc__ = (
        f"SciPy's {name}, which takes traced diagonals as well.\n\n" + _DIAGONALS.format(name=name)
    )
    space.entries[name] = construct


_diagonals("diags")
_diagonals("diags_array")

space.entries.update(SparseArray=SparseArray, multiply=multiply, **ASSEMBLED)
space.fill(globals())
globals()["__all__"].extend(["SparseArray", "multiply"])


def __getattr__(name: str) -> Any:
    """Load the module when it is asked for."""
    if name == "linalg":
        return module_of(f"{__name__}.linalg")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
