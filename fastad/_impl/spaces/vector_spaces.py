"""Vector spaces: zeros, basis, random vectors and inner products for any value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as onp

from ... import numpy as anp
from ..._core import getval, isbox, plain_type
from .containers import flatten, kind_of

__all__ = ["ArrayVSpace", "ComplexArrayVSpace", "ContainerVSpace", "VSpace", "vspace"]


class VSpace:
    """The space in which a value's tangents and cotangents lie.

    A subclass gives `zeros`, `ones`, `standard_basis`, `randn` and, where the defaults below do
    not serve, the underscored arithmetic; `VSpace.register` ties it to a type of value.

    Examples
    --------
    >>> from fastad.extend import VSpace, vspace
    >>> class Angle(float):
    ...     pass
    >>> class AngleVSpace(VSpace):
    ...     def zeros(self):
    ...         return Angle(0.0)
    >>> AngleVSpace.register(Angle)
    >>> vspace(Angle(1.0)).zeros()
    0.0
    """

    mappings: ClassVar[dict[type, Callable[[Any], VSpace]]] = {}
    iscomplex: bool = False
    shape: Any
    size: Any

    def __init__(self, value: Any) -> None:
        pass

    def zeros(self) -> Any:
        """The zero vector."""
        raise NotImplementedError(f"{type(self).__name__} defines no zeros()")

    def ones(self) -> Any:
        """A vector of ones (1 + 1j in a complex space)."""
        raise NotImplementedError(f"{type(self).__name__} defines no ones()")

    def standard_basis(self) -> Iterator[Any]:
        """Iterate over the standard basis (for complex entries both 1 and 1j)."""
        raise NotImplementedError(f"{type(self).__name__} defines no standard_basis()")

    def randn(self) -> Any:
        """A normal random vector, drawn from NumPy's global state."""
        raise NotImplementedError(f"{type(self).__name__} defines no randn()")

    def add(self, x_prev: Any, x_new: Any) -> Any:
        """Sum of two vectors."""
        return self._add(x_prev, x_new)

    def mut_add(self, x_prev: Any, x_new: Any) -> Any:
        """Sum of two vectors; may write into the first, which may be None for zero."""
        return self._mut_add(self.zeros() if x_prev is None else x_prev, x_new)

    def scalar_mul(self, x: Any, a: Any) -> Any:
        """Vector times number."""
        return self._scalar_mul(x, a)

    def inner_prod(self, x: Any, y: Any) -> Any:
        """Real inner product."""
        return self._inner_prod(x, y)

    def covector(self, x: Any) -> Any:
        """The covector of a vector: its complex conjugate."""
        return self._covector(x)

    def _add(self, x: Any, y: Any) -> Any:
        return x + y

    def _mut_add(self, x: Any, y: Any) -> Any:
        x += y
        return x

    def _scalar_mul(self, x: Any, a: Any) -> Any:
        return x * a

    def _inner_prod(self, x: Any, y: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} defines no _inner_prod()")

    def _covector(self, x: Any) -> Any:
        return x

    def _key(self) -> Any:
        return self.__dict__

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, VSpace) and type(self) is type(other) and self._key() == other._key()
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._key()})"

    @classmethod
    def register(
        cls, value_type: type, vspace_maker: Callable[[Any], VSpace] | None = None
    ) -> None:
        """Use this class (or `vspace_maker(value)`) for values of `value_type`."""
        VSpace.mappings[value_type] = vspace_maker or cls


class ArrayVSpace(VSpace):
    """Real numbers and arrays. A number's vectors are NumPy scalars, an array's are arrays.

    Integer and boolean arrays have vectors of float64.
    """

    def __init__(self, value: Any) -> None:
        if not hasattr(value, "dtype"):
            value = onp.asarray(value)[()]
        self.shape = value.shape
        self.dtype = value.dtype
        # A box does not say whether it stands for a scalar or for a 0-d array; its value does.
        self._scalar = not issubclass(plain_type(value), onp.ndarray)

    def _key(self) -> Any:
        return {"shape": self.shape, "dtype": self.dtype}

    @property
    def size(self) -> int:
        """Dimension over the reals."""
        return int(onp.prod(self.shape, dtype=int))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def _vector_dtype(self) -> Any:
        return onp.dtype(float) if self.dtype.kind in "biu" else self.dtype

    def _vector(self, array: Any) -> Any:
        array = onp.asarray(array, dtype=self._vector_dtype)
        return array[()] if self._scalar else array

    def zeros(self) -> Any:
        """The zero vector."""
        return self._vector(onp.zeros(self.shape, dtype=self._vector_dtype))

    def ones(self) -> Any:
        """A vector of ones (1 + 1j in a complex space)."""
        return self._vector(onp.ones(self.shape, dtype=self._vector_dtype))

    def standard_basis(self) -> Iterator[Any]:
        """Iterate over the standard basis."""
        for index in onp.ndindex(*self.shape):
            vector = onp.zeros(self.shape, dtype=self._vector_dtype)
            vector[index] = 1
            yield self._vector(vector)

    def randn(self) -> Any:
        """A normal random vector."""
        return self._vector(onp.random.randn(*self.shape))  # noqa: NPY002

    def _mut_add(self, x: Any, y: Any) -> Any:
        if isbox(x) or isbox(y) or not isinstance(x, onp.ndarray):
            return x + y
        x += y
        return x

    def _inner_prod(self, x: Any, y: Any) -> Any:
        return anp.dot(anp.ravel(x), anp.ravel(y))


class ComplexArrayVSpace(ArrayVSpace):
    """Complex numbers and arrays, as a real space of twice the dimension."""

    iscomplex = True

    @property
    def size(self) -> int:
        """Dimension over the reals."""
        return 2 * int(onp.prod(self.shape, dtype=int))

    def ones(self) -> Any:
        """A vector of ones (1 + 1j in a complex space)."""
        return self._vector(onp.full(self.shape, 1 + 1j, dtype=self.dtype))

    def standard_basis(self) -> Iterator[Any]:
        """Iterate over the standard basis."""
        for index in onp.ndindex(*self.shape):
            for unit in (1.0, 1.0j):
                vector = onp.zeros(self.shape, dtype=self.dtype)
                vector[index] = unit
                yield self._vector(vector)

    def randn(self) -> Any:
        """A normal random vector."""
        return self._vector(onp.random.randn(*self.shape) + 1j * onp.random.randn(*self.shape))  # noqa: NPY002

    def _inner_prod(self, x: Any, y: Any) -> Any:
        return anp.real(anp.dot(anp.conj(anp.ravel(x)), anp.ravel(y)))

    def _covector(self, x: Any) -> Any:
        return anp.conj(x)


class ContainerVSpace(VSpace):
    """Containers of values that have vector spaces."""

    def __init__(self, value: Any) -> None:
        leaves, self._structure = flatten(value)
        self._spaces = [vspace(leaf) for leaf in leaves]
        self.shape = self._structure.unflatten(self._spaces)

    def _key(self) -> Any:
        return {"structure": str(self._structure), "spaces": self._spaces}

    @property
    def size(self) -> int:
        """Dimension over the reals."""
        return sum(space.size for space in self._spaces)

    def _map(self, function: Callable[..., Any], *values: Any) -> Any:
        columns = [self._structure.flatten_like(value) for value in values]
        return self._structure.unflatten(map(function, self._spaces, *columns))

    def zeros(self) -> Any:
        """The zero vector."""
        return self._map(lambda space: space.zeros())

    def ones(self) -> Any:
        """A vector of ones (1 + 1j in a complex space)."""
        return self._map(lambda space: space.ones())

    def randn(self) -> Any:
        """A normal random vector."""
        return self._map(lambda space: space.randn())

    def standard_basis(self) -> Iterator[Any]:
        """Iterate over the standard basis."""
        for i, space in enumerate(self._spaces):
            for vector in space.standard_basis():
                parts = [other.zeros() for other in self._spaces]
                parts[i] = vector
                yield self._structure.unflatten(parts)

    def _add(self, x: Any, y: Any) -> Any:
        return self._map(lambda space, a, b: space._add(a, b), x, y)

    def _mut_add(self, x: Any, y: Any) -> Any:
        return self._map(lambda space, a, b: space._mut_add(a, b), x, y)

    def _scalar_mul(self, x: Any, a: Any) -> Any:
        return self._map(lambda space, b: space._scalar_mul(b, a), x)

    def _inner_prod(self, x: Any, y: Any) -> Any:
        pairs = zip(self._spaces, self._structure.flatten_like(x), self._structure.flatten_like(y))
        return sum(space._inner_prod(a, b) for space, a, b in pairs)

    def _covector(self, x: Any) -> Any:
        return self._map(lambda space, a: space._covector(a), x)


def _array_space(value: Any) -> VSpace:
    return ComplexArrayVSpace(value) if value.dtype.kind == "c" else ArrayVSpace(value)


VSpace.register(onp.ndarray, _array_space)
for _type in (float, onp.float16, onp.float32, onp.float64, onp.longdouble):
    ArrayVSpace.register(_type)
for _complex_type in (complex, onp.complex64, onp.complex128, onp.clongdouble):
    ComplexArrayVSpace.register(_complex_type)


def vspace(value: Any) -> VSpace:
    """The vector space of a value.

    Parameters
    ----------
    value : object
        A float, a complex number, an array, a container of these, or of a type that
        `VSpace.register` was told of.

    Returns
    -------
    VSpace

    Raises
    ------
    TypeError
        If the value's type has none, as for strings and integer scalars.

    Examples
    --------
    >>> import numpy as np
    >>> from fastad.extend import vspace
    >>> vspace({"a": 1.0, "b": np.ones(3)}).size
    4
    """
    maker = VSpace.mappings.get(type(value))
    if maker is not None:
        return maker(value)
    if isbox(value):
        maker = VSpace.mappings.get(plain_type(value))
        if maker in (ArrayVSpace, ComplexArrayVSpace, _array_space):
            return _array_space(value)
        return vspace(getval(value))
    if kind_of(type(value)) is not None or value is None:
        return ContainerVSpace(value)
    for base in type(value).__mro__:
        if base in VSpace.mappings:
            return VSpace.mappings[base](value)
    raise TypeError(
        f"vspace: {value!r} of type {type(value).__name__} has no vector space; use a float, "
        "a complex number, an array or a container of these, or register the type with "
        "VSpace.register"
    )
