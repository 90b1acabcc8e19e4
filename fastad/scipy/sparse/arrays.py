"""Sparse constants beside traced arrays, and sparse arrays with traced entries."""

from __future__ import annotations

import functools
import sys
from typing import Any, NoReturn

import numpy as onp
import scipy.sparse

from ... import numpy as np
from ..host_calls import is_recorded
from ..registry import Array, defjvp, defvjp, helper, is_traced, shape_of

__all__ = ["SparseArray", "multiply", "operate", "times"]


def _product(matrix: Any, x: Array) -> Array:
    return matrix @ x


def _product_of(data: Any, indices: Any, indptr: Any, x: Array, kind: Any, shape: Any) -> Array:
    return kind((data, indices, indptr), shape) @ x


_times = helper(_product)
_times_of = helper(_product_of)


def times(matrix: Any, x: Array) -> Array:
    """matrix @ x of a sparse constant and a dense vector, or matrix of columns: linear in x.

    Recorded, the arrays of the matrix are operands: those of a program are known by what they hold.
    """
    if not is_recorded(x):
        return _times(matrix, x)
    if matrix.format not in _COMPRESSED:
        matrix = matrix.tocsr()
    kind = _COMPRESSED[matrix.format]
    return _times_of(matrix.data, matrix.indices, matrix.indptr, x, kind, matrix.shape)


_COMPRESSED = {"csr": scipy.sparse.csr_array, "csc": scipy.sparse.csc_array}


def _back(matrix: Any, x: Array, g: Array) -> Array:
    """The cotangent of x; SciPy's products of a coo_array of one row have no axis for it."""
    shape = shape_of(x)
    whole = (matrix.shape[0], *shape[1:])
    result = times(matrix.T, g if shape_of(g) == whole else np.reshape(g, whole))
    return result if shape_of(result) == shape else np.reshape(result, shape)


defvjp(_times, lambda ans, matrix, x: lambda g: _back(matrix, x, g), argnums=(1,))
defjvp(_times, lambda g, ans, matrix, x: times(matrix, g), argnums=(1,))
defvjp(
    _times_of,
    lambda ans, data, indices, indptr, x, kind, shape: (
        lambda g: _back(kind((data, indices, indptr), shape), x, g)
    ),
    argnums=(3,),
)
defjvp(
    _times_of,
    lambda g, ans, data, indices, indptr, x, kind, shape: times(
        kind((data, indices, indptr), shape), g
    ),
    argnums=(3,),
)


class SparseArray:
    """A sparse array of two axes whose entries may be traced and whose pattern is constant.

    Entries at the same place are added up. What keeps the pattern small gives another SparseArray;
    products with dense arrays and sums give dense ones.

    Parameters
    ----------
    data : array or traced array of shape (n,)
    row, col : ndarray of int, shape (n,)
    shape : tuple of int
    matrix : bool
        `*` is the matrix product, as for SciPy's `csr_matrix`; otherwise it goes by elements.

    Examples
    --------
    >>> import numpy
    >>> from fastad import grad
    >>> from fastad.scipy import sparse
    >>> row, col = numpy.array([0, 1, 1]), numpy.array([0, 0, 1])
    >>> def energy(entries, x):
    ...     return x @ (sparse.coo_array((entries, (row, col)), shape=(2, 2)) @ x)
    >>> grad(energy)(numpy.ones(3), numpy.array([1.0, 2.0]))
    array([1., 2., 4.])
    """

    __array_ufunc__ = None  # NumPy's arrays leave operators to this class
    ndim = 2
    result_remedy = "return .toarray() of it, .data, its entries, or a product"

    def __init__(
        self, data: Array, row: Any, col: Any, shape: tuple[int, ...], matrix: bool = False
    ) -> None:
        self.data = data
        self.row = row
        self.col = col
        self.shape = shape
        self.matrix = matrix
        if shape_of(data) != row.shape or row.shape != col.shape or row.ndim != 1:
            raise ValueError(
                "sparse array: data, row and col must be vectors of one length, got the shapes "
                f"{shape_of(data)}, {row.shape} and {col.shape}"
            )
        for index, size, name in ((row, shape[0], "row"), (col, shape[1], "column")):
            if index.size and not (0 <= index.min() and index.max() < size):
                raise ValueError(f"sparse array: a {name} index is outside of the shape {shape}")

    @classmethod
    def of(cls, matrix: Any) -> SparseArray:
        """The same entries as a sparse array has, or all of a dense one that is traced."""
        if isinstance(matrix, SparseArray):
            return matrix
        if is_traced(matrix):
            if len(shape_of(matrix)) != 2:
                raise ValueError(
                    "fastad.scipy.sparse: only arrays of two axes, got one of the shape "
                    f"{shape_of(matrix)}"
                )
            row, col = onp.indices(shape_of(matrix)).reshape(2, -1)
            return cls(np.ravel(matrix), row, col, shape_of(matrix))
        coo: Any = matrix.tocoo() if scipy.sparse.issparse(matrix) else None
        if coo is None:
            coo = scipy.sparse.coo_array(matrix)
        if len(coo.shape) != 2:
            raise ValueError("fastad.scipy.sparse: only arrays of two axes, got one of another")
        return cls(coo.data, coo.row, coo.col, coo.shape, scipy.sparse.isspmatrix(matrix))

    def _like(self, data: Array) -> SparseArray:
        return SparseArray(data, self.row, self.col, self.shape, self.matrix)

    def _adder(self, place: Any, size: int) -> Any:
        """The constant matrix that adds entries up at their places."""
        count = len(place)
        return scipy.sparse.csr_array(
            (onp.ones(count), (place, onp.arange(count))), shape=(size, count)
        )

    def __repr__(self) -> str:
        return f"<SparseArray of shape {self.shape} with {self.nnz} entries>"

    @property
    def dtype(self) -> Any:
        """The entries' dtype."""
        return self.data.dtype

    @property
    def nnz(self) -> int:
        """How many entries there are."""
        return len(self.row)

    @property
    def T(self) -> SparseArray:
        """The transpose."""
        return SparseArray(self.data, self.col, self.row, self.shape[::-1], self.matrix)

    def transpose(self) -> SparseArray:
        """Return the transpose."""
        return self.T

    def tocoo(self) -> SparseArray:
        """Return the array itself: there is one format."""
        return self

    tocsr = tocsc = tocoo

    def toarray(self) -> Array:
        """Return the dense array."""
        rows, columns = self.shape
        flat = self.row.astype(onp.int64) * columns + self.col
        return np.reshape(times(self._adder(flat, rows * columns), self.data), self.shape)

    todense = toarray

    def diagonal(self) -> Array:
        """Return the main diagonal."""
        here = onp.flatnonzero(self.row == self.col)
        return times(self._adder(self.row[here], min(self.shape)), self.data[here])

    def sum(self, axis: int | None = None, dtype: Any = None, out: Any = None) -> Array:
        """Return the sum of all entries, or along an axis."""
        if dtype is not None or out is not None:
            raise TypeError("sparse array: sum takes no dtype or out where entries are traced")
        if axis is None:
            return np.sum(self.data)
        if axis not in (-2, -1, 0, 1):
            raise ValueError(f"sparse array: sum by axis {axis}, of an array of two axes")
        place, size = ((self.col, self.shape[1]), (self.row, self.shape[0]))[axis % 2]
        total = times(self._adder(place, size), self.data)
        if self.matrix:  # SciPy's is a matrix of one row or column
            return np.reshape(total, (1, -1) if axis % 2 == 0 else (-1, 1))
        return total

    def multiply(self, other: Any) -> SparseArray:
        """Return the product by elements with a number, a dense array or a sparse constant."""
        if isinstance(other, SparseArray) or scipy.sparse.issparse(other):
            a, b = (self, other) if scipy.sparse.issparse(other) else (other, self)
            if not scipy.sparse.issparse(b):
                raise TypeError(
                    "sparse array: the product by elements of two with traced entries has no "
                    "constant pattern here; multiply their data"
                )
            values = onp.asarray(scipy.sparse.csr_array(b)[a.row, a.col]).ravel()
            return a._like(a.data * values)
        if len(shape_of(other)) == 0:
            return self._like(self.data * other)
        other = other if is_traced(other) else onp.asarray(other)
        sizes = shape_of(other)
        axes = list(zip(self.shape, (self.row, self.col)))[-len(sizes) :]
        if len(sizes) > 2 or any(n not in (1, full) for n, (full, _) in zip(sizes, axes)):
            raise ValueError(f"inconsistent shapes {self.shape} and {sizes}")
        # Picked before it is broadcast, which would make a dense array of the whole shape.
        places = [place if n > 1 else onp.zeros_like(place) for n, (_, place) in zip(sizes, axes)]
        return self._like(self.data * other[tuple(places)])

    def dot(self, other: Any) -> Array:
        """Return the matrix product with a dense vector or matrix."""
        return self @ other

    def __matmul__(self, other: Any) -> Array:
        _dense_only(other)
        shape = shape_of(other)
        if len(shape) not in (1, 2) or shape[0] != self.shape[1]:
            raise ValueError(f"matmul: dimension mismatch of {self.shape} and {shape}")
        picked = other[self.col] if is_traced(other) else np.asarray(other)[self.col]
        terms = (self.data if len(shape) == 1 else self.data[:, None]) * picked
        return times(self._adder(self.row, self.shape[0]), terms)

    def __rmatmul__(self, other: Any) -> Array:
        _dense_only(other)
        if len(shape_of(other)) == 1:
            return self.T @ other
        return np.transpose(self.T @ np.transpose(other))

    def __mul__(self, other: Any) -> Any:
        if self.matrix and (scipy.sparse.issparse(other) or shape_of(other)):
            return self @ other
        return self.multiply(other)

    def __rmul__(self, other: Any) -> Any:
        is_matrix = self.matrix or scipy.sparse.isspmatrix(other)
        if is_matrix and (scipy.sparse.issparse(other) or shape_of(other)):
            return other @ self
        asking = sys._getframe(1).f_globals.get("__name__", "")
        if asking.startswith("scipy.sparse") and not _leaves_products():
            raise TypeError(
                "sparse array: this version of SciPy has no product by elements of a constant and "
                "one that has traced entries; write A * constant, or "
                "fastad.scipy.sparse.multiply(A, constant)"
            )
        return self.multiply(other)

    def __truediv__(self, other: Any) -> SparseArray:
        return self.multiply(1.0 / other)

    def __neg__(self) -> SparseArray:
        return self._like(-self.data)

    def __add__(self, other: Any) -> Any:
        if scipy.sparse.issparse(other):
            other = SparseArray.of(other)
        if not isinstance(other, SparseArray):
            if not shape_of(other):
                return NotImplemented
            return self.toarray() + other
        if other.shape != self.shape:
            raise ValueError(f"inconsistent shapes {self.shape} and {other.shape}")
        return SparseArray(
            np.concatenate([self.data, other.data]),
            onp.concatenate([self.row, other.row]),
            onp.concatenate([self.col, other.col]),
            self.shape,
            self.matrix,
        )

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    # -- what it has not ---------------------------------------------------------------------------

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(f"sparse array with traced entries: it has no {name!r}; {DENSE}")

    def __getitem__(self, index: Any) -> NoReturn:
        raise TypeError(f"sparse array with traced entries: it has no parts; {DENSE}")

    def __eq__(self, other: Any) -> NoReturn:
        raise TypeError(f"sparse array with traced entries: it compares to nothing; {DENSE}")

    __ne__ = __eq__
    __hash__ = object.__hash__


DENSE = "take A.toarray(), or compute with A.data, its entries"


class _Unknown:
    """An operand that SciPy knows nothing of."""

    __array_ufunc__ = None

    def __rmul__(self, other: Any) -> None:
        return None


@functools.cache
def _leaves_products() -> bool:
    """Whether SciPy's product by elements leaves what it does not know to the other operand."""
    try:
        return scipy.sparse.csr_array([[1.0]]) * _Unknown() is None
    except Exception:  # whatever an array of unknown objects meets
        return False


def _dense_only(x: Any) -> None:
    if isinstance(x, SparseArray) or scipy.sparse.issparse(x):
        raise TypeError(
            "sparse array: the product of two sparse arrays of which one has traced entries; "
            "write A @ (B @ x), or make one dense with toarray()"
        )


def multiply(a: Any, x: Any) -> Any:
    """The product by elements of a sparse array and a dense array, a number or a sparse constant.

    Parameters
    ----------
    a : sparse array of SciPy's, or SparseArray
    x : array, number or sparse array
        Any of it may be traced.

    Returns
    -------
    SparseArray
        With the pattern of `a`; SciPy's own class if nothing is traced.

    Examples
    --------
    >>> import numpy, scipy.sparse
    >>> from fastad import grad
    >>> from fastad.scipy import sparse
    >>> A = scipy.sparse.csr_array([[1.0, 0.0], [2.0, 3.0]])
    >>> grad(lambda x: sparse.multiply(A, x).sum())(numpy.ones(2))
    array([3., 3.])
    """
    if isinstance(a, SparseArray):
        return a.multiply(x)
    if isinstance(x, SparseArray):
        return x.multiply(a)
    return SparseArray.of(a).multiply(x) if is_traced(x) else a.multiply(x)


def operate(name: str, left: Any, right: Any) -> Any:
    """An operator, by its ufunc's name, between SciPy's sparse array and a traced value."""
    traced_left = is_traced(left)
    x, a = (left, right) if traced_left else (right, left)
    axes = len(shape_of(x))
    if name == "multiply" and axes and scipy.sparse.isspmatrix(a):
        name = "matmul"
    if name == "matmul":
        if axes not in (1, 2) or len(a.shape) != 2:
            raise ValueError(
                f"matmul: a sparse array of shape {a.shape} and a dense one of shape {shape_of(x)}"
            )
        if not traced_left:
            return times(a, x)
        return times(a.T, x) if axes == 1 else np.transpose(times(a.T, np.transpose(x)))
    if name == "multiply":
        return SparseArray.of(a).multiply(x)
    if name == "divide" and not traced_left:
        return SparseArray.of(a).multiply(1.0 / x)
    if name in ("add", "subtract") and axes:
        dense = a.toarray()
        if name == "add":
            return dense + x
        return x - dense if traced_left else dense - x
    return NotImplemented
