"""`numpy.einsum`: both calling forms, ellipsis, implicit output, repeated and broadcast indices."""

from __future__ import annotations

import functools
import inspect
import math
import string
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..._core import LinearMap, contracts, pooled_array
from ..manipulation.shaping import diagonal_of_matrix, embed_diagonal, on_diagonal
from ..registry import (
    ARRAYS,
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
FEW = 512
# So many products may have a large result.
MANY_PRODUCTS = 1 << 12


# What NumPy's function calls itself, where no order of contraction is asked for.
_in_core: Any = inspect.unwrap(np.einsum).__globals__.get("c_einsum", np.einsum)


@helper
def _einsum(subscripts: str, options: dict[str, Any], *operands: Array) -> Array:
    if options:
        return np.einsum(subscripts, *operands, **options)
    if len(operands) != 2:
        return _in_core(subscripts, *operands)
    a, b = operands
    if getattr(a, "size", 1) * getattr(b, "size", 1) < MANY_PRODUCTS:
        return _in_core(subscripts, a, b)
    if not (type(a) is type(b) is np.ndarray and a.dtype == b.dtype == np.float64):
        return _in_core(subscripts, a, b)
    key = (subscripts, a.shape, b.shape, a.strides, b.strides)
    layout = _layouts.get(key)
    if layout is not None:
        room = pooled_array(layout.shape).transpose(layout.axes)
        return _in_core(subscripts, a, b, out=room)
    result = _in_core(subscripts, a, b)
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
    own, labels, known : str
        The operand's term; its labels, each once; those that its adjoint finds.
    contraction, tangent, rows, columns : str
        Of a cotangent and the other operands; of a tangent and these; of many cotangents; of many
        tangents. The last two are empty where all letters are in use.
    """

    terms: list[str]
    own: str
    labels: str
    known: str
    contraction: str
    tangent: str
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
    tangent = ",".join([terms[k], *others]) + "->" + output
    tangents = row + ",".join([terms[k], *others]) + "->" + row + output
    return _Adjoint(
        terms,
        terms[k],
        labels,
        known,
        ",".join([output, *others]) + "->" + known,
        tangent,
        row + ",".join([output, *others]) + "->" + row + known if row else "",
        tangents if row else "",
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
    # Where nothing else than what is summed has axes, an operand is a vector.
    plain = len(rows) == 1 == len(columns) or (bool(summed) and {len(rows), len(columns)} == {0, 1})
    return _MatrixForm(
        (order(a, in_a), _matrix_shape(stack, rows, summed, lengths, bool(summed))),
        (order(b, in_b), _matrix_shape(stack, summed, columns, lengths, bool(summed))),
        (None if plain else whole, order(made, output)),
        bool(stack),
    )


def _matrix_shape(
    stack: list[str],
    rows: list[str],
    columns: list[str],
    lengths: dict[str, int],
    vectors: bool,
) -> tuple[int, ...] | None:
    """Return the shape of a vector or a (stack of) matrices, None if each side is one axis."""
    sides: list[list[str]] = [rows, columns]
    if vectors:
        sides = [side for side in sides if side]
    if all(len(side) == 1 for side in sides):
        return None
    products = [math.prod([lengths[label] for label in side]) for side in sides]
    return (*[lengths[label] for label in stack], *products)


def _contracted(subscripts: str, optimize: bool, a: Array, *others: Array) -> Array:
    """Contract cotangent and operands, by a matrix product where it is one."""
    form = None
    if len(others) == 1:
        form = _matrix_form(subscripts, shape_of(a), shape_of(others[0]))
    if form is None:
        return _einsum(subscripts, {"optimize": True} if optimize else {}, a, *others)
    return _matrix_product(form, a, others[0])


def _matrix_product(form: _MatrixForm, a: Array, b: Array) -> Array:
    """Contract two operands by a product of matrices."""
    pair = []
    for x, (order, shape) in ((a, form.a), (b, form.b)):
        x = x if order is None else ops.transpose(x, order)
        pair.append(x if shape is None else ops.reshape(x, shape))
    product = ops.matmul(*pair) if form.stacked else ops.dot(*pair)
    shape, order = form.out
    product = product if shape is None else ops.reshape(product, shape)
    return product if order is None else ops.transpose(product, order)


class _Factor(NamedTuple):
    """How an operand is laid out for a product element by element.

    Attributes
    ----------
    order, shape : tuple of int or None
        Of its axes, then with axes of length one; None for what it has already.
    """

    order: tuple[int, ...] | None
    shape: tuple[int, ...] | None


def _factors(
    known: str, sources: Sequence[tuple[str, tuple[int, ...]]]
) -> tuple[_Factor, _Factor] | None:
    """Return the layouts by which a contraction is such a product; None where it sums."""
    made = []
    for term, shape in sources:
        if len(set(term)) != len(term) or not set(term) <= set(known):
            return None
        lengths = dict(zip(term, shape, strict=True))
        order = tuple([term.index(label) for label in known if label in term])
        full = tuple([lengths.get(label, 1) for label in known])
        while full and len(full) > len(term) and full[0] == 1 and known[-len(full)] not in term:
            full = full[1:]
        turned = order != tuple(range(len(term)))
        made.append(_Factor(order if turned else None, None if len(full) == len(term) else full))
    return made[0], made[1]


def _multiplied(factors: tuple[_Factor, _Factor], a: Array, b: Array) -> Array:
    (order, shape), (order_b, shape_b) = factors
    a = a if order is None else ops.transpose(a, order)
    b = b if order_b is None else ops.transpose(b, order_b)
    a = a if shape is None else ops.reshape(a, shape)
    b = b if shape_b is None else ops.reshape(b, shape_b)
    return ops.multiply(a, b)


def _joined(length: int, other: int) -> int:
    """Return the length of two axes that are broadcast together."""
    return other if length == 1 else length


class _Pullback:
    """The derivative by one operand, as far as subscripts and shapes give it.

    Parameters
    ----------
    subscripts : str
    k : int
        The operand's number.
    shapes : tuple of tuple of int
        Of all operands.
    optimize : bool
        Whether NumPy looks for an order of contraction.
    """

    __slots__ = (
        "adjoint",
        "maps",
        "broadcast",
        "contraction",
        "factors",
        "form",
        "order",
        "ones",
        "optimize",
        "raised",
        "shape",
        "whole",
    )

    def __init__(
        self, subscripts: str, k: int, shapes: tuple[tuple[int, ...], ...], optimize: bool
    ) -> None:
        adjoint = _adjoint(subscripts, k)
        terms, labels, known = adjoint.terms, adjoint.labels, adjoint.known
        output = subscripts.partition("->")[2]
        lengths: dict[str, int] = {}
        for term, shape in zip(terms, shapes, strict=True):
            for label, length in zip(term, shape, strict=True):
                lengths[label] = _joined(length, lengths.get(label, 1))
        others = [terms[i] for i in range(len(terms)) if i != k]
        other_shapes = [shapes[i] for i in range(len(terms)) if i != k]
        if len(terms) != 2:
            optimize = optimize or math.prod(lengths.values()) > WORTH_OPTIMIZING
        self.adjoint, self.optimize = adjoint, optimize
        self.contraction = adjoint.contraction
        self.shape = shapes[k]
        own = dict(zip(terms[k], self.shape, strict=True))
        # What the contraction finds: a label may be of length one in all that it is found in.
        found = {label: lengths[label] for label in known if label in output}
        for term, shape in zip(others, other_shapes, strict=True):
            for label, length in zip(term, shape, strict=True):
                if label in known:
                    found[label] = _joined(length, found.get(label, 1))
        sources = [(output, tuple([lengths[label] for label in output]))]
        sources += list(zip(others, other_shapes, strict=True))
        self.order, self.factors, self.form = None, None, None
        if len(sources) == 1:
            self.order = tuple([output.index(label) for label in known])
            if self.order == tuple(range(len(known))):
                self.order = ()
        elif len(sources) == 2:
            self.factors = _factors(known, sources)
            if self.factors is None:
                self.form = _matrix_form(self.contraction, sources[0][1], sources[1][1])
        # A label that is summed over alone, or of length 1 elsewhere: the same for all of it.
        self.raised = self.broadcast = self.ones = None
        if any(found.get(label) != own[label] for label in labels):
            self.raised = tuple([found.get(label, 1) for label in labels])
            self.broadcast = tuple(
                [found.get(label, 1) if own[label] == 1 else own[label] for label in labels]
            )
            if math.prod(self.broadcast) <= FEW:
                # Of few elements a product costs less than NumPy's function that spreads them.
                self.ones = np.ones(self.broadcast)
        reached = tuple([found[label] for label in known])
        self.whole = known == terms[k] and reached == self.shape
        self.maps = (self.vjp, self.rows, self.columns)

    def vjp(self, others: Sequence[Array], g: Array) -> Array:
        """Return the operand's cotangent."""
        if self.factors is not None:
            values = _multiplied(self.factors, g, others[0])
        elif self.order is not None:
            values = ops.transpose(g, self.order) if self.order else g
        elif self.form is not None:
            values = _matrix_product(self.form, g, others[0])
        else:
            values = _einsum(
                self.contraction, {"optimize": True} if self.optimize else {}, g, *others
            )
        if self.whole:
            return values
        adjoint = self.adjoint
        if self.raised is not None:
            values = values if not adjoint.known else ops.reshape(values, self.raised)
            if self.ones is not None and getattr(values, "dtype", None) == np.float64:
                values = ops.multiply(values, self.ones)
            else:
                values = ops.broadcast_to(values, self.broadcast)
        term = adjoint.own
        if len(adjoint.labels) != len(term):
            if len(term) == 2 and self.shape == values.shape * 2:
                return on_diagonal(values, self.shape[0])
            values = _embedded(values, adjoint.labels, term)
        return fitted(values, self.shape)

    def rows(self, others: Sequence[Array], gs: Array) -> Any:
        """Return cotangents for many, with a leading axis; None where they go one by one."""
        values = _contracted(self.adjoint.rows, self.optimize, gs, *others)
        whole = self.adjoint.known == self.adjoint.own and shape_of(values)[1:] == self.shape
        return values if whole else None

    def jvp(self, others: Sequence[Array], t: Array) -> Array:
        """Return the result's tangent."""
        return _contracted(self.adjoint.tangent, self.optimize, t, *others)

    def columns(self, others: Sequence[Array], ts: Array) -> Array:
        """Return the result's tangents for many of the operand's."""
        return _contracted(self.adjoint.columns, self.optimize, ts, *others)


_pullback = functools.lru_cache(512)(_Pullback)


def _pullback_of(argnum: int, args: Any) -> tuple[_Pullback, list[Array]]:
    """Return the derivative by an operand, and the other operands."""
    subscripts, options, *operands = args
    k = argnum - 2
    if len(operands) == 2 and not options:  # most are, and the rule is made at each call
        a, b = operands
        both = getattr(a, "shape", ()), getattr(b, "shape", ())  # numbers have none
        return _pullback(subscripts, k, both, False), [a if k else b]
    shapes = tuple([getattr(operand, "shape", ()) for operand in operands])
    optimize = bool(options) and bool(options.get("optimize", False))
    del operands[k]
    return _pullback(subscripts, k, shapes, optimize), operands


def _vjp(argnum: int, ans: Array, args: Any, kwargs: Any) -> Any:
    pullback, others = _pullback_of(argnum, args)
    if pullback.adjoint.rows:
        return LinearMap(*pullback.maps, (others,))
    return functools.partial(pullback.vjp, others)


def _jvp(argnum: int, t: Array, ans: Array, args: Any, kwargs: Any) -> Array:
    pullback, others = _pullback_of(argnum, args)
    return pullback.jvp(others, t)


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
    if out is not None:
        refuse("einsum", out=out)
    subscripts, *arrays = operands
    if not isinstance(subscripts, str):
        subscripts, arrays = _from_sublists(operands)
    ndims = []
    for array in arrays:
        if type(array) not in ARRAYS:
            arrays = [as_value(one) for one in arrays]
            ndims = [one.ndim for one in arrays]
            break
        ndims.append(array.ndim)
    form = _form(subscripts, tuple(ndims))
    if optimize is not False:
        options["optimize"] = optimize
    elif form.order and not options:
        return ops.transpose(arrays[0], form.order)
    elif form.diagonal and not options and arrays[0].shape[0] == arrays[0].shape[1]:
        return diagonal_of_matrix(arrays[0], 0)
    return _einsum(form.subscripts, options, *arrays)


class _Form(NamedTuple):
    """What is known of a contraction by its subscripts.

    Attributes
    ----------
    subscripts : str
        With an output, and letters for the ellipsis' axes.
    order : tuple of int or None
        The axes of one operand in the result's order, where no label is repeated or summed; empty
        of a number.
    diagonal : bool
        Whether it is the diagonal of a matrix.
    """

    subscripts: str
    order: tuple[int, ...] | None
    diagonal: bool


@functools.lru_cache(256)
def _form(subscripts: str, ndims: tuple[int, ...]) -> _Form:
    explicit = _explicit(subscripts, ndims)
    term, _, output = explicit.partition("->")
    order = None
    if "," not in term and len(set(term)) == len(term) and sorted(term) == sorted(output):
        order = tuple([term.index(label) for label in output])
    return _Form(explicit, order, len(term) == 2 and term == output * 2)
