# One call of a function under a level: backwards (ReverseTrace, Vjp), forwards (Jvp).
#
# from declarations: CTape, forward_box, tape_box, tape_grad, tape_sweep, value_given
# from hooks: _check_leaf, _conform, _refuse_leaf, _warn_independent, _zeros_like
# from boxes: Box
# from levels: Forward, Tape
# from trees: Structure, _leaf_types, _take_apart
# from derivatives: _missing

cimport cython
from libcpp cimport bool as cbool

from functools import partial as _partial

import numpy as _np

cdef extern from "python/session.hpp" namespace "fastad::python":
    object tape_rows(CTape* tape, object ans, object boxes, size_t most_bytes)


cdef object _float64 = _np.float64
cdef object _ndarray = _np.ndarray
cdef object _zeros = _np.zeros
cdef object _double = _np.dtype(float)


cdef object _zero_of(leaf):
    kind = type(leaf)
    if kind is float or kind is _float64:
        return _float64(0.0)
    if kind is _ndarray and leaf.dtype is _double:
        return _zeros(leaf.shape)
    return _zeros_like(leaf)


# The gradients by leaf, with zeros in the places of those that the result does not depend on.
cdef list _with_zeros(list leaves, list grads):
    cdef Py_ssize_t i
    for i in range(len(grads)):
        if grads[i] is None:
            grads[i] = _zero_of(leaves[i])
    return grads


cdef object _name_of(fun):
    name = getattr(fun, "__name__", None)
    if isinstance(name, str):
        return name
    return _name_of(fun.func) if isinstance(fun, _partial) else type(fun).__name__


def name_of(fun):
    """A function's name; that of the function of a partial, that of the class of another object that is called."""
    return _name_of(fun)


cdef object _conforming(vector, value, what, fun):
    """A tangent or cotangent that the user gave: as it is where it has the value's type, else checked."""
    kind = type(vector)
    if kind is float or kind is _float64:
        if type(value) is float or type(value) is _float64:
            return vector
    elif kind is _np.ndarray and type(value) is _np.ndarray:
        if vector.shape == value.shape and vector.dtype.kind in "fc":
            return vector
    return _conform(vector, value, f"{what[0]} of {_name_of(fun)}: the {what[1]}", what[2])


# What a function of vectors is called, its vector, and what that is to be like.
cdef tuple _OF_VJP = ("vjp", "cotangent", "value")
cdef tuple _OF_JVP = ("jvp", "tangent", "argument")


cdef int _refuse_holder(out) except -1:
    """Refuse a result that holds traced values and is no container: as a constant it would have the derivative zero.

    Classes of such objects that look like arrays say what to return instead, as ``result_remedy``.
    """
    if type(out) is not _np.ndarray and type(out) is not float:
        remedy = getattr(type(out), "result_remedy", None)
        if remedy is not None:
            raise TypeError(f"the function returned {out!r}, which cannot be differentiated; {remedy}")
    return 0


@cython.auto_pickle(False)
cdef class ReverseTrace:
    """One call of a function under a reverse level: its value, and the tape that leads back.

    The level ends with the `with` block, or when nothing refers to the trace any more.

    Parameters
    ----------
    fun : callable
        Function of one argument.
    x : object
        The argument: a leaf or a container of leaves.
    origin : callable, optional
        The function to speak of in messages, where `fun` is a helper around it.

    Attributes
    ----------
    leaves, inputs : list, Structure
        The argument, taken apart.
    boxes : list
        Its leaves under this level.
    outs, values, outputs : list, list, Structure
        The result, and the result without this level, taken apart.
    owned : list of bool
        Which outputs depend on the argument.
    connected : bool
        Some output depends on the argument.
    """

    cdef readonly list leaves, boxes, outs, owned, values
    cdef readonly Structure inputs, outputs
    cdef readonly Tape tape
    cdef readonly cbool connected

    def __init__(self, fun, x, origin=None):
        cdef Tape tape
        self.leaves = []
        self.inputs = _take_apart(x, self.leaves, False, NULL)
        self.tape = tape = Tape()
        self.outs, self.owned, self.values = [], [], []
        try:
            self.boxes = [self.boxed(leaf, i, fun if origin is None else origin)
                          for i, leaf in enumerate(self.leaves)]
            result = fun(self.inputs.of_list(self.boxes))
            self.outputs = _take_apart(result, self.outs, False, NULL)
            tape.stop()
            for out in self.outs:
                own = isinstance(out, Box) and (<Box>out).traced.serial == tape.serial
                self.connected = self.connected or own
                self.owned.append(own)
                if not own:
                    _refuse_holder(out)
                # Who gets a value may write into it.
                self.values.append(value_given(out) if own else out)
        except BaseException:
            tape.close()
            raise
        if not self.connected:
            losses = tape.losses or getattr(fun, "losses", "")
            tape.close()
            if self.leaves:
                _warn_independent(losses)

    cdef object boxed(self, leaf, Py_ssize_t i, fun):
        if type(leaf) is not float and not isinstance(leaf, _leaf_types):
            if isinstance(leaf, _np.integer):
                # As an array of whole numbers, which NumPy's code makes of them as often.
                self.leaves[i] = leaf = _float64(leaf)
            else:
                _check_leaf(leaf, i, self.inputs, fun)
        try:
            return tape_box(self.tape.tape, leaf)
        except TypeError as error:
            _check_leaf(leaf, i, self.inputs, fun)
            return _refuse_leaf(error, i, self.inputs, fun)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.tape.close()

    @property
    def value(self):
        """The function's result, without this level."""
        return self.outputs.of_list(self.values)

    def gradient(self):
        """The gradient of the only output, for which the tape is used up; NotImplemented unless that is one real number."""
        if not self.connected or not self.outputs.is_leaf:
            return NotImplemented
        with cython.critical_section(self.tape):
            grads = tape_grad(self.tape.living(), self.outs[0], self.boxes, False)
        if grads is NotImplemented:
            return NotImplemented
        return self.inputs.of_list(self.with_zeros(grads))

    def rows(self, Py_ssize_t k, size_t most_bytes):
        """Derivatives of output leaf `k` by each leaf of the argument, of shape out.shape + in.shape.

        None if they cannot be had in one sweep, with cotangents of so many bytes.
        """
        if not self.owned[k]:
            return None
        with cython.critical_section(self.tape):
            rows = tape_rows(self.tape.living(), self.outs[k], self.boxes, most_bytes)
        return None if rows is NotImplemented else rows

    def jacobian(self, size_t most_bytes):
        """The Jacobian of the only output, built like the argument; None as for `rows`."""
        if not self.connected or not self.outputs.is_leaf:
            return None
        with cython.critical_section(self.tape):
            rows = tape_rows(self.tape.living(), self.outs[0], self.boxes, most_bytes)
        return None if rows is NotImplemented else self.inputs.of_list(rows)

    def pull(self, cotangents, cbool consume=False):
        """Gradient, built like the argument, for one cotangent for each output leaf."""
        return self.inputs.of_list(self.pull_leaves(cotangents, consume))

    cpdef list pull_leaves(self, cotangents, cbool consume=False):
        """Gradient for each leaf of the argument."""
        if not self.connected:
            return [_zeros_like(leaf) for leaf in self.leaves]
        outs, seeds = [], []
        for out, own, g in zip(self.outs, self.owned, cotangents):
            if own:
                outs.append(out)
                seeds.append(g)
        with cython.critical_section(self.tape):
            grads = tape_sweep(self.tape.living(), tuple(outs), tuple(seeds), tuple(self.boxes), consume)
        return self.with_zeros(grads)

    cdef list with_zeros(self, list grads):
        return _with_zeros(self.leaves, grads)


@cython.auto_pickle(False)
cdef class Vjp:
    """What `make_vjp` gives: a function from cotangents of the result to those of the argument."""

    cdef ReverseTrace trace
    cdef object fun
    cdef tuple words

    __name__ = __qualname__ = "vjp"

    def __call__(self, g=_missing):
        if g is _missing:
            raise TypeError(
                f"{self.words[0]} was called without its argument, a cotangent built like the result: 1.0 for a "
                "number, numpy.ones_like(value) for the sum of an array; pass it"
            )
        cdef ReverseTrace trace = self.trace
        parts = trace.outputs.flatten_like(g, f"the argument of the {self.words[0]} function")
        return trace.pull([
            _conforming(part, value, self.words, self.fun) if own else None
            for part, value, own in zip(parts, trace.values, trace.owned)
        ])


def make_vjp(fun, x, words=_OF_VJP):
    """Evaluate a function and prepare its vector-Jacobian product.

    Parameters
    ----------
    fun : callable
        Function of one argument; its result may be a container.
    x : object
        The argument.
    words : tuple of str
        For messages: what `vjp`, its argument and what that belongs to are called.

    Returns
    -------
    vjp : Vjp
        `vjp(g)`, with `g` built like the result, gives the cotangent of `x`; it may be called
        repeatedly.
    value : object
        `fun(x)`.
    """
    cdef Vjp vjp = Vjp.__new__(Vjp)
    vjp.fun = fun
    vjp.words = words
    vjp.trace = ReverseTrace(fun, x)
    return vjp, vjp.trace.value


_NO_PAIR = (
    "make_jvp(f)(x) is a function, and was used as if it were what it returns: "
    "value, tangent = make_jvp(f)(x)(v)"
)


@cython.auto_pickle(False)
cdef class Jvp:
    """What `make_jvp` gives: a function from a tangent of the argument to the value and its tangent."""

    cdef object fun
    cdef list leaves
    cdef Structure inputs

    __name__ = __qualname__ = "jvp"

    def __iter__(self):
        raise TypeError(_NO_PAIR)

    def __getitem__(self, index):
        raise TypeError(_NO_PAIR)

    def __call__(self, v=_missing):
        if v is _missing:
            raise TypeError("jvp was called without its argument, a tangent built like that of the function; pass it")
        parts = self.inputs.flatten_like(v, "the argument of the jvp function")
        cdef Forward level = Forward()
        cdef Structure outputs
        cdef Py_ssize_t i
        cdef cbool connected = False
        boxes, outs, values, tangents = [], [], [], []
        try:
            for i, (leaf, part) in enumerate(zip(self.leaves, parts)):
                if type(leaf) is not float and not isinstance(leaf, _leaf_types):
                    if isinstance(leaf, _np.integer):
                        leaf = _float64(leaf)
                    else:
                        _check_leaf(leaf, i, self.inputs, self.fun)
                elif type(leaf) is _np.ndarray:
                    if leaf.dtype.kind not in "fc":
                        _check_leaf(leaf, i, self.inputs, self.fun)
                boxes.append(level.box(leaf, _conforming(part, leaf, _OF_JVP, self.fun)))
            result = self.fun(self.inputs.of_list(boxes))
            outputs = _take_apart(result, outs, False, NULL)
            for out in outs:
                value, tangent = level.result(out)
                connected = connected or level.owns(out)
                if value is out:
                    _refuse_holder(out)
                values.append(value)
                tangents.append(_zero_of(value) if tangent is None else tangent)
        finally:
            level.close()
        if self.leaves and not connected:
            _warn_independent()
        return outputs.of_list(values), outputs.of_list(tangents)


def make_jvp(fun, x):
    """Prepare a function's Jacobian-vector product (forward mode).

    Returns
    -------
    Jvp
        `jvp(v)`, with `v` built like `x`, evaluates `fun` and gives `(fun(x), tangent)`.
    """
    cdef Jvp jvp = Jvp.__new__(Jvp)
    jvp.fun = fun
    jvp.leaves = []
    jvp.inputs = _take_apart(x, jvp.leaves, False, NULL)
    return jvp


cdef cbool _real_pair(value, vector):
    """Whether these are plain real numbers or arrays of one shape."""
    kind = type(value)
    if kind is float or kind is _float64:
        return type(vector) is float or type(vector) is _float64
    return (kind is _np.ndarray and type(vector) is _np.ndarray and value.shape == vector.shape
            and value.dtype.kind == "f" and vector.dtype.kind == "f")


def tangent_of_gradient(fun, x, vector, rule):
    """The derivative of ``rule(fun, x)``, a gradient, along a vector: forward over reverse.

    One trace and one sweep, with tangents; nothing is recorded twice. NotImplemented unless x and the vector are
    alike, and hold real numbers and arrays of these only.
    """
    leaves, parts, products = [], [], []
    cdef Structure structure = _take_apart(x, leaves, False, NULL)
    if _take_apart(vector, parts, False, NULL).size != structure.size:
        return NotImplemented
    if not structure.is_leaf:
        parts = structure.flatten_like(vector)
    for leaf, part in zip(leaves, parts):
        if not _real_pair(leaf, part):
            return NotImplemented
    cdef Forward level = Forward()
    cdef cbool connected = not leaves
    try:
        boxes = [forward_box(level.level, leaf, part) for leaf, part in zip(leaves, parts)]
        gradient = rule(fun, structure.of_list(boxes))
        for value in (gradient,) if structure.is_leaf else structure.flatten_like(gradient):
            value, tangent = level.result(value)
            connected = connected or tangent is not None
            products.append(_zero_of(value) if tangent is None else tangent)
    finally:
        level.close()
    if not connected:
        _warn_independent()
    return structure.of_list(products)
