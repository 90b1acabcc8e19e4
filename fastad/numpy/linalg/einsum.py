"""`numpy.einsum`: both calling forms, ellipsis, implicit output, repeated and broadcast indices."""

from __future__ import annotations

import functools
import math
import string
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..._core import LinearMap, contracts, pooled_array
from ..manipulation.shaping import embed_diagonal
from ..registry import (
    Array,
    as_value,
    composite,
    defjvp_argnum,
    defvjp_argnum,
    fitted,
    helper,
    ops,
    refuse,
    shape_of,
)

# NumPy numbers the labels of the sublist form in this order.
LETTERS = string.ascii_uppercase + string.ascii_lowercase

# Above so many products the search for a matrix product costs less than it saves.
WORTH_OPTIMIZING = 1 << 16


def _from_sublists(args: tuple[Any, ...]) -> tuple[str, list[Array]]:
    """Turn ``einsum(a, [0, 1], b, [1, 2], [0, 2])`` into the string form."""

    def term(sublist: Any) -> str:
        return "".join("..." if label is Ellipsis else LETTERS[label] for label in sublist)

    operands, terms = list(args[0 : len(args) // 2 * 2 : 2]), args[1::2]
    subscripts = ",".join(map(term, terms))
    return subscripts + ("->" + term(args[-1]) if len(args) % 2 else ""), operands


@functools.lru_cache(256)
def _explicit(subscripts: str, ndims: tuple[int, ...]) -> str:
    """Return the subscripts with an output, and with letters for the ellipsis' axes."""
    subscripts = subscripts.replace(" ", "")
    left, arrow, output = subscripts.partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise ValueError(
            f"numpy.einsum: {len(terms)} terms in {subscripts!r}, but {len(ndims)} operands"
        )
    counts = Counter(label for term in terms for label in term if label != ".")
    if not arrow:
        output = "..." + "".join(sorted(label for label, n in counts.items() if n == 1))
    covered = [
        ndim - len(term.replace("...", "")) if "..." in term else 0
        for term, ndim in zip(terms, ndims, strict=True)
    ]
    free = [letter for letter in reversed(LETTERS) if letter not in counts]
    longest = max(covered, default=0)
    if longest > len(free):
        raise ValueError("numpy.einsum: too many axes for 52 labels")
    hidden = "".join(free[:longest])
    for term, ndim, n in zip(terms, ndims, covered, strict=True):
        if n < 0 or ("..." not in term and len(term) != ndim):
            raise ValueError(f"numpy.einsum: {term!r} does not fit an operand of {ndim} dimensions")
    terms = [
        term.replace("...", hidden[longest - n :]) for term, n in zip(terms, covered, strict=True)
    ]
    return ",".join(terms) + "->" + output.replace("...", hidden)


class _Layout(NamedTuple):
    """How the result of a contraction lies in memory, which NumPy chooses by its operands.

    Attributes
    ----------
    shape : tuple of int
        By its axes in the order of memory.
    axes : tuple of int
        Where each axis of the result is among these.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]


# Of results that are large, by what decides it: subscripts, shapes and strides.
_layouts: dict[tuple[Any, ...], _Layout | None] = {}
# So many products may have a large result.
MANY_PRODUCTS = 1 << 12


@helper
def _einsum(subscripts: str, options: dict[str, Any], *operands: Array) -> Array:
    if len(operands) != 2 or options:
        return np.einsum(subscripts, *operands, **options)
    a, b = operands
    plain = type(a) is type(b) is np.ndarray and a.dtype == b.dtype == np.float64
    if not plain or a.size * b.size < MANY_PRODUCTS:
        return np.einsum(subscripts, a, b)
    key = (subscripts, a.shape, b.shape, a.strides, b.strides)
    layout = _layouts.get(key)
    if layout is not None:
        room = pooled_array(layout.shape).transpose(layout.axes)
        return np.einsum(subscripts, a, b, out=room)
    result = np.einsum(subscripts, a, b)
    if key not in _layouts:
        if len(_layouts) >= 256:
            _layouts.clear()
        # Where a result is given NumPy turns no axis round, and sums in another order.
        turned = any(stride < 0 for stride in (*a.strides, *b.strides))
        _layouts[key] = None if turned else _layout(result)
    return result


def _layout(result: Any) -> _Layout | None:
    """Return how a result lies; None where it is small, a number, or not whole."""
    if not isinstance(result, np.ndarray) or result.size < 512 or not result.flags.owndata:
        return None
    order = sorted(range(result.ndim), key=lambda axis: -result.strides[axis])
    whole = result.transpose(order)
    if not whole.flags.c_contiguous:
        return None
    return _Layout(whole.shape, tuple(sorted(range(result.ndim), key=order.__getitem__)))


contracts(_einsum)


def _work(terms: list[str], operands: list[Array]) -> int:
    lengths: dict[str, int] = {}
    for term, operand in zip(terms, operands, strict=True):
        for label, length in zip(term, shape_of(operand), strict=True):
            lengths[label] = max(length, lengths.get(label, 0))
    return math.prod(lengths.values())


def _embedded(values: Array, labels: str, term: str) -> Array:
    """Place values, whose axes have the unique labels, on the diagonals that term repeats."""
    order = labels
    for label in labels:
        for _ in range(term.count(label) - 1):
            at = order.rindex(label)
            values = ops.moveaxis(values, at, -1)
            order = order[:at] + order[at + 1 :] + label
            shape = shape_of(values)
            values = embed_diagonal(values, (*shape, shape[-1]), 0, -2, -1)
            order += label
    places: list[int] = []
    for label in term:
        places.append(next(i for i, one in enumerate(order) if one == label and i not in places))
    return ops.transpose(values, tuple(places)) if term else values


class _Adjoint(NamedTuple):
    """What the derivative by one operand contracts.

    Attributes
    ----------
    terms : list of str
        Of all operands.
    labels, known : str
        The labels of the operand, each once; those that its adjoint finds.
    contraction, rows, columns : str
        Of a cotangent and the other operands; of many cotangents; of many tangents. The last two
        are empty where all letters are in use.
    """

    terms: list[str]
    labels: str
    known: str
    contraction: str
    rows: str
    columns: str


@functools.lru_cache(256)
def _adjoint(subscripts: str, k: int) -> _Adjoint:
    left, _, output = subscripts.partition("->")
    terms = left.split(",")
    others = terms[:k] + terms[k + 1 :]
    labels = "".join(dict.fromkeys(terms[k]))
    known = "".join(label for label in labels if label in output or label in "".join(others))
    row = next((letter for letter in LETTERS if letter not in subscripts), "")
    tangent = ",".join([row + terms[k], *others]) + "->" + row + output
    return _Adjoint(
        terms,
        labels,
        known,
        ",".join([output, *others]) + "->" + known,
        row + ",".join([output, *others]) + "->" + row + known if row else "",
        tangent if row else "",
    )


class _MatrixForm(NamedTuple):
    """How a contraction of two operands is a product of (stacks of) matrices.

    Attributes
    ----------
    a, b, out : tuple
        For each operand the order of its axes and then its shape, None for what it has already; for
        the product its shape, then the order.
    stacked : bool
        Whether it is one of stacks.
    """

    a: tuple[Any, Any]
    b: tuple[Any, Any]
    out: tuple[Any, Any]
    stacked: bool


@functools.lru_cache(512)
def _matrix_form(
    subscripts: str, shape_a: tuple[int, ...], shape_b: tuple[int, ...]
) -> _MatrixForm | None:
    """Return the matrix form of a contraction, None if it has none."""
    left, _, output = subscripts.partition("->")
    a, b = left.split(",")
    if any(len(set(term)) != len(term) for term in (a, b, output)):
        return None
    stack = [label for label in output if label in a and label in b]
    summed = [label for label in a if label in b and label not in output]
    rows = [label for label in a if label not in b]
    columns = [label for label in b if label not in a]
    if set(rows + columns) - set(output) or (stack and not (summed and rows and columns)):
        return None
    lengths = dict(zip(a, shape_a))
    if any(lengths.get(label, n) != n for label, n in zip(b, shape_b)):
        return None  # of length one in one of them
    lengths.update(zip(b, shape_b))

    def order(term: Sequence[str], wanted: Sequence[str]) -> tuple[int, ...] | None:
        return None if list(term) == list(wanted) else tuple(map(term.index, wanted))

    made = [*stack, *rows, *columns]
    in_a, in_b = [*stack, *rows, *summed], [*stack, *summed, *columns]
    whole = tuple([lengths[label] for label in made])
    return _MatrixForm(
        (order(a, in_a), _matrix_shape(stack, rows, summed, lengths)),
        (order(b, in_b), _matrix_shape(stack, summed, columns, lengths)),
        (None if len(rows) == 1 == len(columns) else whole, order(made, output)),
        bool(stack),
    )


def _matrix_shape(
    stack: list[str], rows: list[str], columns: list[str], lengths: dict[str, int]
) -> tuple[int, ...] | None:
    """Return the shape of a (stack of) matrices, None if each side is one axis."""
    if len(rows) == 1 == len(columns):
        return None
    sides = [math.prod([lengths[label] for label in side]) for side in (rows, columns)]
    return (*[lengths[label] for label in stack], *sides)


def _contracted(subscripts: str, optimize: bool, a: Array, *others: Array) -> Array:
    """Contract cotangent and operands, by a matrix product where it is one."""
    form = None
    if len(others) == 1:
        form = _matrix_form(subscripts, shape_of(a), shape_of(others[0]))
    if form is None:
        return _einsum(subscripts, {"optimize": True} if optimize else {}, a, *others)
    pair = []
    for x, (order, shape) in zip((a, *others), (form.a, form.b)):
        x = x if order is None else ops.transpose(x, order)
        pair.append(x if shape is None else ops.reshape(x, shape))
    product = ops.matmul(*pair) if form.stacked else ops.dot(*pair)
    shape, order = form.out
    product = product if shape is None else ops.reshape(product, shape)
    return product if order is None else ops.transpose(product, order)


def _vjp(argnum: int, ans: Array, args: Any, kwargs: Any) -> Any:
    subscripts, options, *operands = args
    k = argnum - 2
    terms, labels, known, contraction, in_rows, in_columns = _adjoint(subscripts, k)
    term, shape = terms[k], shape_of(operands[k])
    optimize = bool(options.get("optimize", False))
    if len(operands) != 2:
        optimize = optimize or _work(terms, operands) > WORTH_OPTIMIZING
    others = operands[:k] + operands[k + 1 :]
    del operands, args
    lengths = dict(zip(term, shape, strict=True))

    def vjp(g: Array) -> Array:
        values = _contracted(contraction, optimize, g, *others)
        if known == term and shape_of(values) == shape:
            return values
        found = dict(zip(known, shape_of(values), strict=True))
        if any(found.get(label) != lengths[label] for label in labels):
            # A label that is summed over alone, or of length 1 elsewhere: the same for all of it.
            values = ops.reshape(values, tuple(found.get(label, 1) for label in labels))
            spread = tuple(
                found.get(label, 1) if lengths[label] == 1 else lengths[label] for label in labels
            )
            values = ops.broadcast_to(values, spread)
        if len(labels) != len(term):
            values = _embedded(values, labels, term)
        return fitted(values, shape)

    def rows(gs: Array) -> Any:
        values = _contracted(in_rows, optimize, gs, *others)
        return values if known == term and shape_of(values)[1:] == shape else None

    def columns(ts: Array) -> Array:
        return _contracted(in_columns, optimize, ts, *others)

    return LinearMap(vjp, rows, columns) if in_rows else vjp


def _jvp(argnum: int, t: Array, ans: Array, args: Any, kwargs: Any) -> Array:
    changed = list(args)
    changed[argnum] = t
    return _einsum(*changed)


defvjp_argnum(_einsum, _vjp)
defjvp_argnum(_einsum, _jvp)


@composite("einsum")
def einsum(*operands: Any, out: None = None, optimize: Any = False, **options: Any) -> Array:
    """Einstein summation; multilinear, so that each cotangent is another one.

    Raises
    ------
    TypeError
        If `out` is given with traced operands.
    """
    refuse("einsum", out=out)
    if isinstance(operands[0], str):
        subscripts, arrays = operands[0], list(operands[1:])
    else:
        subscripts, arrays = _from_sublists(operands)
    arrays = [as_value(array) for array in arrays]
    explicit = _explicit(subscripts, tuple([array.ndim for array in arrays]))
    if optimize is not False:
        options["optimize"] = optimize
    return _einsum(explicit, options, *arrays)
