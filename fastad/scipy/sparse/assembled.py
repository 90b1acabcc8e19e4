"""Sparse arrays put together of others: hstack, vstack, block_diag, kron, tril and triu."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.sparse

from ... import numpy as np
from ..registry import is_traced
from .arrays import SparseArray

__all__ = ["ASSEMBLED"]


def _is_traced(arg: Any) -> bool:
    listed = arg if isinstance(arg, (list, tuple)) else [arg]
    return any(isinstance(one, SparseArray) or is_traced(one) for one in listed)


def _placed(parts: list[tuple[SparseArray, int, int]], shape: tuple[int, int]) -> SparseArray:
    """One array of parts that begin at a row and a column."""
    return SparseArray(
        np.concatenate([part.data for part, _, _ in parts]),
        onp.concatenate([part.row + row for part, row, _ in parts]),
        onp.concatenate([part.col + col for part, _, col in parts]),
        shape,
        any(part.matrix for part, _, _ in parts),
    )


def _stacked(blocks: Any, axis: int) -> SparseArray:
    parts = [SparseArray.of(block) for block in blocks]
    other = {part.shape[1 - axis] for part in parts}
    if len(other) != 1:
        raise ValueError(f"blocks have incompatible shapes {[part.shape for part in parts]}")
    starts = onp.cumsum([0, *(part.shape[axis] for part in parts)])
    along = [(part, int(start), 0) for part, start in zip(parts, starts)]
    if axis:
        along = [(part, 0, start) for part, start, _ in along]
    size = int(starts[-1])
    return _placed(along, (other.pop(), size) if axis else (size, other.pop()))


def _diagonal(mats: Any) -> SparseArray:
    parts = [SparseArray.of(block) for block in mats]
    rows = onp.cumsum([0, *(part.shape[0] for part in parts)])
    columns = onp.cumsum([0, *(part.shape[1] for part in parts)])
    return _placed(
        [(part, int(row), int(col)) for part, row, col in zip(parts, rows, columns)],
        (int(rows[-1]), int(columns[-1])),
    )


def _kron(A: Any, B: Any) -> SparseArray:
    a, b = SparseArray.of(A), SparseArray.of(B)
    count = len(b.row)
    first = onp.repeat(onp.arange(len(a.row)), count)
    second = onp.tile(onp.arange(count), len(a.row))
    return SparseArray(
        np.take(a.data, first) * np.take(b.data, second),
        a.row[first] * b.shape[0] + b.row[second],
        a.col[first] * b.shape[1] + b.col[second],
        (a.shape[0] * b.shape[0], a.shape[1] * b.shape[1]),
        a.matrix or b.matrix,
    )


def _triangle(A: Any, k: int, lower: bool) -> SparseArray:
    a = SparseArray.of(A)
    inside = onp.flatnonzero(a.col - a.row <= k if lower else a.col - a.row >= k)
    return SparseArray(np.take(a.data, inside), a.row[inside], a.col[inside], a.shape, a.matrix)


_TEXT = """SciPy's {name}, which takes arrays with traced entries as well.

    Gives a SparseArray for these.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> from fastad.scipy import sparse
    >>> {example}
    array([1., 1.])
    """
_DIAGONAL = "sparse.diags_array(d, offsets=0)"


def _entered(name: str, make: Callable[..., SparseArray], call: str) -> Any:
    own: Any = getattr(scipy.sparse, name, None)

    def assembled(*args: Any, **options: Any) -> Any:
        given = inspect.signature(own).bind(*args, **options).arguments
        if not any(map(_is_traced, given.values())):
            return own(*args, **options)
        options = {key: value for key, value in given.items() if key not in ("format", "dtype")}
        return make(*options.values())

    assembled.__name__ = assembled.__qualname__ = name
    example = f"grad(lambda d: np.sum({call}.sum()))(np.ones(2))"
    assembled.__doc__ = _TEXT.format(name=name, example=example)
    if own is not None:
        assembled.__signature__ = inspect.signature(own)  # type: ignore[attr-defined]
    return assembled


ASSEMBLED = {
    name: _entered(name, make, f"sparse.{name}({call})")
    for name, make, call in (
        ("hstack", lambda blocks: _stacked(blocks, 1), f"[{_DIAGONAL}, np.eye(2)]"),
        ("vstack", lambda blocks: _stacked(blocks, 0), f"[{_DIAGONAL}, np.eye(2)]"),
        ("block_diag", _diagonal, f"[{_DIAGONAL}, np.eye(2)]"),
        ("kron", _kron, f"{_DIAGONAL}, np.ones((1, 1))"),
        ("tril", lambda A, k=0: _triangle(A, k, True), _DIAGONAL),
        ("triu", lambda A, k=0: _triangle(A, k, False), _DIAGONAL),
    )
    if hasattr(scipy.sparse, name)
}
