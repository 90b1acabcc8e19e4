"""Masked arrays with traced data: what numpy.ma's give beside traced values.

The mask is plain; entries under it have no derivative. What has a meaning in numpy.ma that is clear
is here, with the values that numpy.ma gives; everything else is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as onp
from numpy.ma import core as ma  # numpy.ma may be on its way

from .._core import foreign_error, isbox, primal
from .._impl.loading import module_of
from .registry import Array, by_function, normalized_axes, ops, shape_of

__all__ = ["TracedMaskedArray"]

Mask = Any
"""A plain array of bools; None where nothing can be masked."""


def data_of(x: Any) -> Any:
    """The numbers of an operand, without its mask."""
    if isinstance(x, TracedMaskedArray):
        return x.data
    if isinstance(x, ma.MaskedArray):
        return onp.asarray(x.data)
    return x if isbox(x) or isinstance(x, (int, float, complex)) else onp.asarray(x)


def mask_of(x: Any) -> Mask:
    mask = getattr(x, "mask", ma.nomask) if isinstance(x, MASKED) else ma.nomask
    return None if mask is ma.nomask else onp.asarray(mask, bool)


def union(shape: tuple[int, ...], *masks: Mask) -> Mask:
    """Where any of them is set."""
    given = [onp.broadcast_to(mask, shape) for mask in masks if mask is not None]
    return onp.logical_or.reduce(given) if given else None


def decided(mask: Any) -> Any:
    """A plain mask: each element of one that is recorded is a branch of the program."""
    if not isbox(mask):
        return onp.asarray(mask)
    flat = ops.ravel(mask)
    return onp.array([bool(flat[i]) for i in range(mask.size)], bool).reshape(mask.shape)


def _placed(found: Array, others: Array, mask: Any) -> Array:
    """An array of the mask's shape: `found` where it is not set, one by one, `others` where it is.

    A gather, so that what is not taken has no cotangent, infinite derivatives included.
    """
    place = onp.empty(mask.shape, onp.intp)
    count = mask.size - onp.count_nonzero(mask)
    place[~mask] = onp.arange(count)
    place[mask] = onp.arange(count, mask.size)
    return ops.concatenate([found, others])[place]


def made_of(data: Array, mask: Mask, like: Any = None) -> Any:
    """The masked array of these, or the number: numpy.ma's own where nothing is traced.

    Its fill value is that of the masked array `like`, if there was one set.
    """
    if shape_of(data) == ():
        return ma.masked if mask is not None and mask else data
    fill_value = fill_value_of(like)
    if not isbox(data):
        return ma.array(data, mask=ma.nomask if mask is None else mask, fill_value=fill_value)
    return TracedMaskedArray(data, ma.nomask if mask is None else mask, fill_value)


def _as_fill_value(value: Any, dtype: Any) -> Any:
    """What an array of numpy.ma's has of it; of None, the dtype's default."""
    return ma.array(onp.empty(0, dtype), fill_value=value).fill_value


def fill_value_of(x: Any) -> Any:
    """The fill value that a masked array was given; None else, which is the dtype's default."""
    return getattr(x, "_fill_value", None) if isinstance(x, MASKED) else None


def elementwise(ufunc: Any, *operands: Any) -> Any:
    """What numpy.ma's function of this name gives: the union of the masks, and its own domain."""
    primitive = by_function[ufunc]
    data = [data_of(x) for x in operands]
    shape = onp.broadcast_shapes(*map(shape_of, data))
    mask = union(shape, *map(mask_of, operands))
    named = getattr(ma, ufunc.__name__, None)
    domain = getattr(named, "domain", None)
    if domain is not None or ufunc is onp.power:
        mask = union(shape, mask, _outside(ufunc, domain, [primal(x) for x in data], shape, mask))
    if mask is None or not mask.any():
        result = primitive(*data)
    elif shape == ():
        return ma.masked
    else:
        keep = ~mask
        kept = [x if shape_of(x) == () else ops.broadcast_to(x, shape)[keep] for x in data]
        result = primitive(*kept)
        if result.dtype == bool:
            result = _compared_throughout(ufunc, operands, data)
        else:  # numpy.ma has the left operand's numbers there
            left = ops.broadcast_to(primal(data[0]), shape)[mask]
            result = _placed(result, left, mask)
    # numpy.ma's power has the left operand's fill value; the others, the first masked operand's.
    sources = operands[:1] if ufunc is onp.power else operands
    like = next((x for x in sources if isinstance(x, MASKED)), None)
    return made_of(decided(result) if result.dtype == bool else result, mask, like)


def of_ufunc(ufunc: Any, *operands: Any) -> Any:
    """What NumPy's ufunc itself gives: of no dimensions a masked array, too, unlike numpy.ma's."""
    result = elementwise(ufunc, *operands)
    if isinstance(result, MASKED):
        return result
    like = next((x for x in operands if isinstance(x, MASKED)), None)
    fill_value = None if result.dtype == bool else fill_value_of(like)
    return (TracedMaskedArray if isbox(result) else ma.array)(
        result, mask=False, fill_value=fill_value
    )


def _compared_throughout(ufunc: Any, operands: Any, data: list[Any]) -> Any:
    """Bools, under the mask as well: numpy.ma has `==` of the masks there, else the numbers'."""
    with onp.errstate(all="ignore"):
        found = decided(ufunc(*(primal(x) for x in data)))
    if ufunc not in (onp.equal, onp.not_equal):
        return found
    masks = [whole_mask(x) for x in operands]
    return onp.where(onp.logical_or(*masks), ufunc(*masks), found)


def _outside(ufunc: Any, domain: Any, values: list[Any], shape: tuple[int, ...], mask: Mask) -> Any:
    """Where numpy.ma masks a result, since the function is not defined or not finite there."""
    with onp.errstate(all="ignore"):
        bad = decided(~onp.isfinite(ufunc(*values)))
        if domain is not None:
            bad = bad | decided(domain(*values))
    bad = onp.broadcast_to(bad, shape)
    return bad if mask is not None or bad.any() or domain is not None else None


def no_options(name: str, **options: Any) -> None:
    for option, value in options.items():
        if value is not None:
            raise TypeError(
                f"numpy.ma: {name} of a masked array of traced values takes no {option} in fastad"
            )


class TracedMaskedArray:
    """A masked array whose data are traced and whose mask is plain.

    Arithmetic of numpy.ma's masked arrays with traced values gives one. Its entries under the mask
    have no derivative; sums pass over them, and means divide by the count of the others.

    Parameters
    ----------
    data : traced array
    mask : array of bool, or numpy.ma.nomask
        Of the data's shape.
    fill_value : scalar, optional
        What `filled` has in place of the masked entries; by default that of the dtype.

    Examples
    --------
    >>> import numpy
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> seen = numpy.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])
    >>> grad(lambda x: np.mean((x - seen) ** 2))(numpy.zeros(3))
    array([-1.,  0., -3.])
    """

    __slots__ = ("_fill_value", "_mask", "_numbers")  # numpy.ma asks for the first two

    __array_priority__ = 20.0  # numpy.ma's arrays have 15
    result_remedy = "return .filled(value) or .compressed() of it, or a reduction, as .sum()"

    def __init__(self, data: Array, mask: Any = ma.nomask, fill_value: Any = None) -> None:
        self._numbers = data
        self._mask: Any = mask
        if mask is not ma.nomask:
            self._mask = onp.broadcast_to(onp.asarray(mask, bool), shape_of(data))
        self.fill_value = fill_value

    @property
    def _data(self) -> NoReturn:
        raise foreign_error(TracedMaskedArray, "an operand of numpy.ma's")

    # -- what it is --------------------------------------------------------------------------------

    @property
    def data(self) -> Array:
        """The numbers, those under the mask as well."""
        return self._numbers

    @property
    def mask(self) -> Any:
        """Where entries are masked; it is never written to.

        numpy.ma writes into the mask, which views of an array share.
        """
        return self._mask

    @mask.setter
    def mask(self, mask: Any) -> NoReturn:
        refuse_change("numpy.ma.array(a.data, mask=mask)")

    @property
    def fill_value(self) -> Any:
        """What `filled` has in place of the masked entries."""
        return _as_fill_value(self._fill_value, self.dtype)

    @fill_value.setter
    def fill_value(self, value: Any) -> None:
        self._fill_value = None if value is None else _as_fill_value(value, self.dtype)

    def set_fill_value(self, value: Any = None) -> None:
        """Set what `filled` has in place of the masked entries."""
        self.fill_value = value

    @property
    def shape(self) -> tuple[int, ...]:
        """The data's shape."""
        return shape_of(self.data)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of entries, masked ones as well."""
        return int(onp.prod(self.shape))

    @property
    def dtype(self) -> Any:
        """The data's dtype."""
        return self.data.dtype

    @property
    def T(self) -> TracedMaskedArray:
        """The transpose."""
        return self.transpose()

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"masked array with the data {self.data} and the mask {self.mask}"

    def __bool__(self) -> bool:
        return bool(self.data) if self.size == 1 and not whole_mask(self).any() else False

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        raise TypeError(
            "a masked array of traced values is no plain array: take .filled(value) or "
            ".compressed() of it, which are traced arrays, or a method, as .sum() or .mean()"
        )

    def _like(self, change: Callable[[Any], Any]) -> Any:
        """The same change of data and mask: another shape, or fewer entries."""
        mask = mask_of(self)
        return made_of(change(self.data), None if mask is None else change(mask), self)

    # -- without a mask ----------------------------------------------------------------------------

    def filled(self, fill_value: Any = None) -> Array:
        """Return the data, with a number in place of the masked entries."""
        if self.mask is ma.nomask or not self.mask.any():
            return self.data
        value = self.fill_value if fill_value is None else fill_value
        return ops.where(self.mask, onp.asarray(value, self.dtype), self.data)

    def compressed(self) -> Array:
        """Return the entries that are not masked, in one dimension."""
        flat = ops.ravel(self.data)
        return flat if self.mask is ma.nomask else flat[~self.mask.ravel()]

    # -- parts and shapes --------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, ma.MaskedArray):
            index = onp.asarray(index)
        return self._like(lambda x: x[index])

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        refuse_change("numpy.ma.where or numpy.ma.masked_where")

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def reshape(self, *shape: Any) -> Any:
        """Return the entries in another shape."""
        return self._like(lambda x: x.reshape(*shape))

    def ravel(self) -> Any:
        """Return the entries in one dimension."""
        return self._like(lambda x: x.ravel())

    flatten = ravel

    def transpose(self, *axes: Any) -> Any:
        """Permute the axes."""
        return self._like(lambda x: x.transpose(*axes))

    def squeeze(self, axis: Any = None) -> Any:
        """Leave out axes of length one."""
        return self._like(lambda x: x.squeeze(axis))

    def copy(self, order: Any = "C") -> TracedMaskedArray:
        """Return another masked array of the same entries, with a fill value of its own."""
        return TracedMaskedArray(self.data, self.mask, self._fill_value)

    def astype(self, dtype: Any, **options: Any) -> Any:
        """Return the entries as another dtype, with the options that traced arrays take."""
        return made_of(self.data.astype(dtype, **options), mask_of(self), self)

    # -- reductions --------------------------------------------------------------------------------

    def count(self, axis: Any = None, keepdims: Any = False) -> Any:
        """Return how many entries are not masked."""
        return onp.sum(~whole_mask(self), axis=axis, keepdims=bool(keepdims))

    def _reduced(self, result: Array, axis: Any, keepdims: Any) -> Any:
        """A result, masked where every entry was."""
        if self.mask is ma.nomask:
            return made_of(result, None)
        return made_of(result, onp.asarray(self.count(axis, keepdims) < 1))

    def sum(
        self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False
    ) -> Any:
        """Return the sum of what is not masked."""
        no_options("sum", dtype=dtype, out=out)
        result = ops.sum(self.filled(0), axis=axis, keepdims=bool(keepdims))
        return self._reduced(result, axis, keepdims)

    def prod(
        self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False
    ) -> Any:
        """Return the product of what is not masked."""
        no_options("prod", dtype=dtype, out=out)
        result = ops.prod(self.filled(1), axis=axis, keepdims=bool(keepdims))
        return self._reduced(result, axis, keepdims)

    product = prod

    def mean(
        self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False
    ) -> Any:
        """Return the mean of what is not masked."""
        no_options("mean", dtype=dtype, out=out)
        if self.mask is ma.nomask:
            return made_of(ops.mean(self.data, axis=axis, keepdims=bool(keepdims)), None)
        total = ops.sum(self.filled(0), axis=axis, keepdims=bool(keepdims))
        count = onp.maximum(self.count(axis, keepdims), 1)
        return self._reduced(total / count, axis, keepdims)

    def anom(self, axis: Any = None) -> Any:
        """Return the differences from the mean."""
        mean = self.mean(axis, keepdims=True) if axis is not None else self.mean()
        return self - mean

    def var(
        self,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        ddof: float = 0,
        keepdims: Any = False,
        mean: Any = None,
    ) -> Any:
        """Return the variance of what is not masked."""
        no_options("var", dtype=dtype, out=out, mean=mean)
        if self.mask is ma.nomask:
            result = ops.var(self.data, axis=axis, ddof=ddof, keepdims=bool(keepdims))
            return made_of(result, None, self)
        count = self.count(axis, True)
        whole = self.filled(0)
        centre = ops.sum(whole, axis=axis, keepdims=True) / onp.maximum(count, 1)
        apart = ops.where(self.mask, onp.zeros((), self.dtype), whole - centre)
        squares = ops.absolute(apart) ** 2 if self.dtype.kind == "c" else apart * apart
        left = count - ddof
        result = ops.sum(squares, axis=axis, keepdims=True) / onp.where(left > 0, left, 1)
        missing = left <= 0
        if not keepdims:
            axes = normalized_axes(axis, self.ndim)
            result, missing = ops.squeeze(result, axis=axes), onp.squeeze(missing, axis=axes)
        return made_of(result, missing, self)

    def std(self, axis: Any = None, *more: Any, **options: Any) -> Any:
        """Return the standard deviation of what is not masked: the root of `var`'s."""
        found = self.var(axis, *more, **options)
        if found is ma.masked:
            return found
        # Of one entry it is zero, whatever that entry is, and has no infinite slope.
        alone = onp.reshape(self.count(axis, keepdims=True) == 1, shape_of(found))
        one, zero = onp.ones((), self.dtype), onp.zeros((), self.dtype)
        root = elementwise(
            onp.sqrt, made_of(ops.where(alone, one, data_of(found)), mask_of(found), found)
        )
        if root is ma.masked:
            return root
        return made_of(ops.where(alone, zero, data_of(root)), mask_of(root), root)

    def _extreme(self, name: str, fill: Any, axis: Any, keepdims: Any) -> Any:
        result = getattr(ops, name)(self.filled(fill), axis=axis, keepdims=bool(keepdims))
        missing = onp.asarray(self.count(axis, keepdims) < 1)
        if missing.any() and missing.ndim:  # the filling is no entry of this array
            result = ops.where(missing, onp.zeros((), self.dtype), result)
        return self._reduced(result, axis, keepdims)

    def min(
        self, axis: Any = None, out: Any = None, fill_value: Any = None, keepdims: Any = False
    ) -> Any:
        """Return the least entry that is not masked."""
        no_options("min", out=out, fill_value=fill_value)
        return self._extreme("min", ma.minimum_fill_value(self.data), axis, keepdims)

    def max(
        self, axis: Any = None, out: Any = None, fill_value: Any = None, keepdims: Any = False
    ) -> Any:
        """Return the greatest entry that is not masked."""
        no_options("max", out=out, fill_value=fill_value)
        return self._extreme("max", ma.maximum_fill_value(self.data), axis, keepdims)

    def ptp(self, axis: Any = None, out: Any = None, fill_value: Any = None) -> Any:
        """Return the greatest entry less the least."""
        no_options("ptp", out=out, fill_value=fill_value)
        return self.max(axis) - self.min(axis)

    def cumsum(self, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        """Return the sums up to each entry, of what is not masked."""
        no_options("cumsum", dtype=dtype, out=out)
        mask = mask_of(self if axis is not None else self.ravel())
        return made_of(ops.cumsum(self.filled(0), axis=axis), mask)

    def cumprod(self, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        """Return the products up to each entry, of what is not masked."""
        no_options("cumprod", dtype=dtype, out=out)
        mask = mask_of(self if axis is not None else self.ravel())
        return made_of(ops.cumprod(self.filled(1), axis=axis), mask)

    def dot(self, b: Any, out: Any = None, strict: bool = False) -> Any:
        """Return the matrix product, in which masked entries count as zero."""
        return product(self, b, strict, out)

    def clip(self, min: Any = None, max: Any = None) -> Any:
        """Return the entries within bounds."""
        bounded = self if min is None else elementwise(onp.maximum, self, min)
        return bounded if max is None else elementwise(onp.minimum, bounded, max)

    def conj(self) -> Any:
        """Return the complex conjugate."""
        return elementwise(onp.conjugate, self)

    conjugate = conj

    @property
    def real(self) -> Any:
        """The real part."""
        return made_of(self.data.real, mask_of(self))

    @property
    def imag(self) -> Any:
        """The imaginary part."""
        return made_of(self.data.imag, mask_of(self))

    __hash__ = None  # type: ignore[assignment]

    def __matmul__(self, other: Any) -> NoReturn:
        refuse_matmul(self, other)

    def __rmatmul__(self, other: Any) -> NoReturn:
        refuse_matmul(other, self)

    # -- NumPy's protocols -------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        dtype = kwargs.pop("dtype", None)
        if method != "__call__" or kwargs or not is_elementwise(ufunc):
            option = next(iter(kwargs), "") if method == "__call__" else f"method {method}"
            raise TypeError(
                f"numpy.{ufunc.__name__} of a masked array of traced values"
                f"{f', with {option},' if option else ''} has no rule in fastad: {REMEDY}"
            )
        result = of_ufunc(ufunc, *inputs)
        return result if dtype is None else result.astype(dtype)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        known = module_of("fastad.numpy.masked_functions").FUNCTIONS
        own = known.get(func.__name__)
        if own is None or getattr(onp, func.__name__, None) is not func:
            remedy = "NumPy's passes over the mask; use numpy.ma." + func.__name__
            raise TypeError(
                f"{func.__module__}.{func.__name__} of a masked array of traced values has no "
                f"rule in fastad: {remedy if func in (onp.dot, onp.where) else REMEDY}"
            )
        return own(*args, **kwargs)


REMEDY = (
    "take .filled(value) or .compressed() of it, which are traced arrays, or give the numbers and "
    "the mask to functions of fastad.numpy"
)
MASKED = (TracedMaskedArray, ma.MaskedArray)

_BINARY: dict[str, Any] = {
    "add": onp.add,
    "sub": onp.subtract,
    "mul": onp.multiply,
    "truediv": onp.true_divide,
    "pow": onp.power,
    "floordiv": onp.floor_divide,
    "mod": onp.remainder,
}
COMPARED: dict[str, Any] = {
    "lt": onp.less,
    "le": onp.less_equal,
    "gt": onp.greater,
    "ge": onp.greater_equal,
    "eq": onp.equal,
    "ne": onp.not_equal,
}


def _operator(name: str, ufunc: Any, turned: bool = False) -> None:
    def method(self: Any, other: Any) -> Any:
        return elementwise(ufunc, *((other, self) if turned else (self, other)))

    method.__name__ = f"__{'r' if turned else ''}{name}__"
    setattr(TracedMaskedArray, method.__name__, method)


_UNARY: dict[str, Any] = {"neg": onp.negative, "pos": onp.positive, "abs": onp.absolute}


def _unary(name: str, ufunc: Any) -> None:
    setattr(TracedMaskedArray, f"__{name}__", lambda self: of_ufunc(ufunc, self))


for _name, _ufunc in (*_BINARY.items(), *COMPARED.items()):
    _operator(_name, _ufunc)
for _name in _BINARY:
    _operator(_name, _BINARY[_name], turned=True)
for _name in _UNARY:
    _unary(_name, _UNARY[_name])


def is_elementwise(ufunc: Any) -> bool:
    return ufunc in by_function and ufunc.signature is None and ufunc.nout == 1


def filled(x: Any, value: Any) -> Any:
    if isinstance(x, TracedMaskedArray):
        return x.filled(value)
    return ma.filled(x, value)


def product(a: Any, b: Any, strict: bool = False, out: Any = None) -> Any:
    """As numpy.ma.dot: masked entries count as zero; masked where nothing met."""
    no_options("dot", out=out, strict=strict or None)
    met = onp.dot(*(~whole_mask(x) for x in (a, b)))
    return made_of(ops.dot(zero_filled(a), zero_filled(b)), ~onp.asarray(met, bool))


def zero_filled(x: Any) -> Any:
    return x if isbox(x) else filled(x, 0)


def whole_mask(x: Any) -> Any:
    mask = mask_of(x)
    return onp.zeros(shape_of(data_of(x)), bool) if mask is None else mask


def refuse_matmul(a: Any, b: Any) -> NoReturn:
    raise TypeError(
        "numpy.matmul of a masked array and traced values has no rule in fastad: numpy.ma.dot "
        "takes masked entries for zero"
    )


def refuse_change(remedy: str) -> NoReturn:
    raise TypeError(
        f"a masked array of traced values keeps its entries and its mask: make another by {remedy}"
    )
