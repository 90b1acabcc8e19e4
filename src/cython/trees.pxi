# Containers as trees: a value taken apart into its leaves, and put together again.
#
# Which types are containers, and how each is taken apart, spaces/containers.py says; asked once for each type.
#
# from boxes: ArrayBox, Box

cimport cython
from cpython.dict cimport PyDict_GetItemWithError
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libcpp cimport bool as cbool

import numpy as _np

# What is a leaf of arguments at once, without a look at its type of box.
cdef tuple _leaf_types = (_np.ndarray, _np.floating, ArrayBox)


cdef enum Form:
    LeafForm        # no container; of a Structure also one without leaves
    ListForm
    TupleForm
    DictForm
    OtherForm


@cython.auto_pickle(False)
cdef class ContainerKind:
    """How one type of container is taken apart and put together.

    Attributes
    ----------
    split : callable
        ``split(value)`` gives the children, and what else is needed to build a value.
    join : callable
        ``join(aux, children)`` builds a value.
    labels : callable
        ``labels(aux, count)``: how each child is written.
    matches : callable
        ``matches(aux, other)``: whether two values may stand for each other.
    lenient : bool
        Leaves that cannot be differentiated are constants.
    """

    cdef readonly object split, join, labels, matches
    cdef readonly cbool lenient
    cdef Form form

    def __init__(self, split, join, labels, matches, *, cbool lenient=False, builtin=None):
        self.split = split
        self.join = join
        self.labels = labels
        self.matches = matches
        self.lenient = lenient
        # Plain lists, tuples and dicts themselves are taken apart here.
        self.form = {list: ListForm, tuple: TupleForm, dict: DictForm}.get(builtin, OtherForm)


cdef dict _kinds = {}  # the answer for each type seen, so that a leaf costs one lookup
cdef object _find_kind = None


def find_kinds_with(find):
    """From now on ``find(type)`` says what kind of container a type is, or None; what was known is forgotten."""
    global _find_kind
    _find_kind = find
    _kinds.clear()


cdef object _kind(type_):
    cdef PyObject* found = PyDict_GetItemWithError(_kinds, type_)
    if found is NULL:
        _kinds[type_] = _find_kind(type_)
        return _kinds[type_]
    return <object>found


def kind_of(type_):
    """The kind of container that a type is, or None."""
    return _kind(type_)


# The containers that lead to one, from the inside outwards.
cdef struct Enclosing:
    void* container
    const Enclosing* outer
    int depth


# Each level of nesting costs several frames of Python's stack.
cdef int _deepest = 200


class _Mismatch(TypeError):
    """Two structures differ, somewhere."""


class ContainerError(ValueError):
    """A container holds itself, or containers are nested too deep."""


cdef Enclosing _inside(object container, const Enclosing* outer) except *:
    """One container further in."""
    cdef Enclosing here
    cdef const Enclosing* other = outer
    here.container = <void*>container
    here.outer = outer
    here.depth = 1 if outer is NULL else outer.depth + 1
    while other is not NULL:
        if other.container is here.container:
            raise ContainerError(
                f"a {type(container).__name__} holds itself, and has no end of leaves to differentiate by; "
                "pass the parts that the function needs"
            )
        other = other.outer
    if here.depth > _deepest:
        raise ContainerError(
            f"containers are nested more than {_deepest} deep; pass a flat list of the leaves"
        )
    return here


@cython.freelist(16)
@cython.auto_pickle(False)
cdef class Structure:
    """The shape of a container without its leaves.

    Attributes
    ----------
    size : int
        Number of leaves.
    is_leaf : bool
        The value was no container at all.
    """

    cdef readonly object kind, type, aux
    cdef readonly tuple children
    cdef readonly cbool constant
    cdef readonly Py_ssize_t size
    cdef Form form

    def __init__(self, kind=None, type_=None, aux=None, tuple children=(), cbool constant=False):
        self.constant = constant
        self.fill(kind, type_, aux, children)

    cdef int fill(self, kind, type_, aux, tuple children) except -1:
        cdef Structure child
        self.kind = kind
        self.type = type_
        self.aux = aux
        self.children = children
        if kind is None:
            self.form = LeafForm
            self.size = 0 if self.constant else 1
            return 0
        self.form = (<ContainerKind?>kind).form
        # A subclass is built like the value that it was taken from.
        if self.form == DictForm:
            if aux[0] is not None:
                self.form = OtherForm
        elif aux is not None:
            self.form = OtherForm
        self.size = 0
        for child in children:
            self.size += child.size
        return 0

    @property
    def is_leaf(self):
        """True if the value was no container."""
        return self.kind is None and not self.constant

    def unflatten(self, leaves):
        """Build the container from its leaves, in the order in which `flatten` gave them."""
        return self.joined(iter(leaves))

    cdef object joined(self, leaves):
        cdef Structure child
        if self.form == LeafForm:
            return self.aux if self.constant else next(leaves)
        parts = [child.joined(leaves) for child in self.children]
        if self.form == ListForm:
            return parts
        if self.form == TupleForm:
            return tuple(parts)
        if self.form == DictForm:
            return dict(zip(self.aux[1], parts))
        return (<ContainerKind>self.kind).join(self.aux, parts)

    # As unflatten() for the list of all leaves.
    cdef object of_list(self, list leaves):
        cdef Py_ssize_t place = 0
        return self.built(leaves, &place)

    # From the leaves at this place of the list and behind it.
    cdef object built(self, list leaves, Py_ssize_t* place):
        cdef Py_ssize_t i, count
        cdef list parts
        cdef dict items
        if self.form == LeafForm:
            if self.constant:
                return self.aux
            place[0] += 1
            return leaves[place[0] - 1]
        count = PyTuple_GET_SIZE(self.children)
        if self.form == DictForm:
            items = {}
            for i in range(count):
                items[self.aux[1][i]] = (<Structure>PyTuple_GET_ITEM(self.children, i)).built(leaves, place)
            return items
        parts = []
        for i in range(count):
            parts.append((<Structure>PyTuple_GET_ITEM(self.children, i)).built(leaves, place))
        if self.form == ListForm:
            return parts
        if self.form == TupleForm:
            return tuple(parts)
        return (<ContainerKind>self.kind).join(self.aux, parts)

    def flatten_like(self, value, what="value", *, cbool loose=False):
        """Leaves of `value`, which must have this structure; what stands at a leaf is taken whole.

        Loosely, one kind of sequence may stand for another: a list or an array for a tuple.

        Raises
        ------
        TypeError
            If `value` has another structure; the text says where.
        """
        leaves = []
        try:
            self.match(value, leaves, what, None, loose)
            return leaves
        except _Mismatch:
            pass
        leaves = []
        self.match(value, leaves, what, "", loose)
        return leaves

    cdef int match(self, value, list leaves, what, str path, cbool loose) except -1:
        """Without a path no text is written for an error: where children stand takes time to say."""
        cdef Structure child
        if self.form == LeafForm:
            if not self.constant:
                leaves.append(value)
            return 0
        cdef ContainerKind own = <ContainerKind>self.kind
        kind = _kind(type(value))
        children = ()
        cdef cbool same = kind is not None and (<ContainerKind>kind).split is own.split
        if same:
            children, aux = (<ContainerKind>kind).split(value)
            same = len(children) == len(self.children) and own.matches(self.aux, aux)
            if same and isinstance(value, dict):
                # The pattern's order rules: equal keys in another order are the same dict.
                children = [value[key] for key in self.aux[1]]
        if not same and loose and issubclass(self.type or object, (list, tuple)):
            if isinstance(value, (list, tuple, _np.ndarray, Box)):
                children = list(value)
                same = len(children) == len(self.children)
        if not same:
            if path is None:
                raise _Mismatch(f"{what} has another structure")
            raise TypeError(
                f"{what}{path} must have the structure {self}; got {_brief(value)} of type {type(value).__name__}"
            )
        if path is None:
            for child, part in zip(self.children, children):
                child.match(part, leaves, what, None, loose)
            return 0
        # How a child is written matters only to its own children.
        labels = own.labels(self.aux, len(children)) if self.nested() else self.children
        for child, label, part in zip(self.children, labels, children):
            child.match(part, leaves, what, "" if child.form == LeafForm else path + label, loose)
        return 0

    cdef cbool nested(self):
        cdef Structure child
        for child in self.children:
            if child.form != LeafForm:
                return True
        return False

    def paths(self):
        """How each leaf is reached, as Python writes it: `['layers'][0].weight`."""
        found = []
        self.collect_paths("", found)
        return found

    cdef int collect_paths(self, str path, list found) except -1:
        cdef Structure child
        if self.kind is None:
            if not self.constant:
                found.append(path)
            return 0
        for child, label in zip(self.children, self.kind.labels(self.aux, len(self.children))):
            child.collect_paths(path + label, found)
        return 0

    def sorted_order(self):
        """Positions of the leaves when every dict is read in the order of its sorted keys."""
        order = []
        self.collect_sorted(0, order)
        return order

    cdef int collect_sorted(self, Py_ssize_t start, list order) except -1:
        cdef Structure child
        if self.kind is None:
            order.extend(range(start, start + self.size))
            return 0
        starts = []
        for child in self.children:
            starts.append(start)
            start += child.size
        positions = list(range(len(self.children)))
        if (<ContainerKind>self.kind).form == DictForm:
            try:
                positions.sort(key=list(self.aux[1]).__getitem__)
            except TypeError:  # keys of mixed types have no order: theirs is the dict's own
                positions = list(range(len(self.children)))
        for i in positions:
            child = self.children[i]
            child.collect_sorted(starts[i], order)
        return 0

    def __str__(self):
        if self.kind is None:
            return _brief(self.aux) if self.constant else "*"
        name = self.type.__name__ if self.type is not None else "container"
        labels = self.kind.labels(self.aux, len(self.children))
        inner = ", ".join([f"{label}: {child}" for label, child in zip(labels, self.children)])
        return f"{name}({inner})"

    def __repr__(self):
        return str(self)


cdef Structure _LEAF = Structure()
cdef Structure _NONE = Structure(constant=True)
cdef tuple _NUMBERS = (int, _np.generic, _np.ndarray)  # and truths, which are ints


cdef Structure _take_apart(value, list leaves, cbool lenient, const Enclosing* outer, cbool numbers=False):
    cdef Enclosing here
    cdef ContainerKind kind
    cdef cbool plain
    type_ = type(value)
    found = _kind(type_)
    if found is None:
        if value is None:
            return _NONE
        if lenient and not is_differentiable(value) and not (numbers and isinstance(value, _NUMBERS)):
            return Structure(None, None, value, (), True)
        leaves.append(value)
        return _LEAF
    kind = <ContainerKind>found
    here = _inside(value, outer)
    plain = (
        (kind.form == ListForm and type_ is list)
        or (kind.form == TupleForm and type_ is tuple)
        or (kind.form == DictForm and type_ is dict)
    )
    if not plain:
        children, aux = kind.split(value)
    elif kind.form == DictForm:
        children, aux = list(value.values()), (None, list(value))
    else:
        children, aux = value, None
    lenient = lenient or kind.lenient
    cdef list parts = []
    for child in children:
        parts.append(_take_apart(child, leaves, lenient, &here, numbers))
    cdef Structure made = Structure.__new__(Structure)
    made.fill(found, type_, aux, tuple(parts))
    return made


def flatten(value, *, cbool lenient=False, cbool numbers=False):
    """Take a value apart into leaves.

    Parameters
    ----------
    value : object
        A leaf, or containers of leaves in any nesting.
    lenient : bool
        Treat leaves that cannot be differentiated as constants everywhere, as in a dataclass.
    numbers : bool
        But not ints, truths and arrays: these are leaves in a dataclass, too.

    Returns
    -------
    leaves : list
    structure : Structure
        `structure.unflatten(leaves)` builds an equal container of the same types.

    Raises
    ------
    ContainerError
        If a container holds itself, or containers are nested more than 200 deep.
    """
    leaves = []
    structure = _take_apart(value, leaves, lenient, NULL, numbers)
    return leaves, structure


def tree_map(function, value, *others):
    """Apply a function to every leaf (of several values of equal structure together)."""
    leaves = []
    cdef Structure structure = _take_apart(value, leaves, False, NULL)
    columns = [structure.flatten_like(other) for other in others]
    return structure.unflatten([function(*row) for row in zip(leaves, *columns)])


cdef object _inexact = _np.inexact


def is_differentiable(value):
    """True for a float, a complex number, a NumPy array or scalar of these, and a traced value."""
    if isinstance(value, (Box, float, complex, _inexact)):
        return True
    return isinstance(value, _np.ndarray) and issubclass(value.dtype.type, _inexact)


cdef str _brief(value, int width=60):
    text = repr(value)
    return text if len(text) <= width else text[:width - 3] + "..."
