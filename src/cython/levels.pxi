# Levels: Tape, Forward, Graph.
#
# from declarations: CTape, ForwardLevel, attached, forward_box, open_tape, tape_box, tape_losses, tape_sweep,
#     value_object
# from hooks: _add, _hooks, _record, _restore
# from boxes: Box

cimport cython
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from libc.stdint cimport uint64_t
from libcpp cimport bool as cbool

cdef extern from "python/session.hpp" namespace "fastad::python":
    cdef cppclass GraphLevel(Level):
        void close()

    object tape_sweep_batch(CTape* tape, object outputs, object cotangents, object inputs)
    object tape_columns(CTape* tape, object ans, object boxes, size_t most_bytes)
    ForwardLevel* open_forward() except NULL
    GraphLevel* open_graph(cbool everything) except NULL
    object graph_box(GraphLevel* level, object value, object node)
    object owned_attached(object box)
    object tape_nodes(CTape* tape)


cdef class Tape:
    """One reverse level, open until ``close``.

    Operations on its boxes are recorded; ``sweep`` takes cotangents of outputs back to inputs, as often as
    wanted.
    """

    cdef CTape* tape
    cdef uint64_t serial

    def __cinit__(self):
        self.tape = open_tape()
        self.serial = self.tape.trace()

    def __dealloc__(self):
        if self.tape is not NULL and self.tape.trace() == self.serial:
            self.tape.close()

    cdef CTape* living(self) except NULL:
        if self.tape.trace() != self.serial:
            raise RuntimeError("this tape is closed: its operator has returned")
        return self.tape

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """End the level: its boxes become invalid and what it kept is freed."""
        if self.tape.trace() == self.serial:
            self.tape.close()

    def stop(self):
        """End recording: its boxes become invalid, but the tape can still be swept."""
        self.living().stop()

    @property
    def closed(self):
        return self.tape.trace() != self.serial

    def box(self, value):
        """An input of this tape: a traced float, complex number or array."""
        return tape_box(self.living(), value)

    def owns(self, x):
        """True if x is a box of this tape."""
        return isinstance(x, Box) and (<Box>x).traced.serial == self.serial

    def sweep(self, outputs, cotangents, inputs, cbool consume=False):
        """Cotangents of inputs for cotangents of outputs; None for an input that none reached.

        Parameters
        ----------
        outputs : sequence
            What is no box of this tape is passed over.
        cotangents : sequence
            One for each output, of its shape.
        inputs : sequence of Box
        consume : bool
            Free what the tape keeps on the way; it cannot be swept again.
        """
        with cython.critical_section(self):
            return tape_sweep(self.living(), tuple(outputs), tuple(cotangents), tuple(inputs), consume)

    def sweep_many(self, outputs, cotangents, inputs):
        """As ``sweep`` for a batch: every cotangent, and every result, has a leading batch axis."""
        with cython.critical_section(self):
            result = tape_sweep_batch(self.living(), tuple(outputs), tuple(cotangents), tuple(inputs))
        return None if result is NotImplemented else result

    def columns(self, output, list inputs, size_t most_bytes=1 << 24):
        """Derivatives of an output by inputs, of shape out.shape + in.shape, from sweeps forwards.

        None if the tape holds what has no tangents there: registered primitives, boxed operands, anything but
        float64. As many columns are taken at a time as have up to so many bytes an entry.
        """
        with cython.critical_section(self):
            result = tape_columns(self.living(), output, inputs, most_bytes)
        return None if result is NotImplemented else result

    def __len__(self):
        return self.living().size()

    @property
    def losses(self):
        """Where a traced value of this tape was given away as a plain one, the first places; '' if nowhere."""
        return tape_losses(self.living())

    def nodes(self):
        """One tuple an entry: name, operands (None: a constant), shape (None of a number), dtype, bytes kept for
        the derivative, its formula, and within ``recorded_places`` the line, seconds forward and backward."""
        return tape_nodes(self.living())

    def position(self, x):
        """Number of the entry that a box of this tape stands for."""
        if not self.owns(x):
            raise ValueError("position: not a traced value of this tape")
        return (<Box>x).traced.index

    @property
    def nbytes(self):
        """Bytes of the records, without the arrays that they keep."""
        return self.living().bytes()

    def __str__(self):
        if self.tape.trace() != self.serial:
            return "closed tape"
        return self.tape.print().decode()


cdef class Forward:
    """One forward level: each of its boxes carries a tangent."""

    cdef ForwardLevel* level
    cdef uint64_t serial

    def __cinit__(self):
        self.level = open_forward()
        self.serial = self.level.serial

    def __dealloc__(self):
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """End the level."""
        if self.level is not NULL and self.level.serial == self.serial:
            self.level.close()

    cdef int living(self) except -1:
        if self.level.serial != self.serial:
            raise RuntimeError("this level is closed: its operator has returned")
        return 0

    def box(self, value, tangent):
        """A traced value with its tangent, which must have the value's shape."""
        self.living()
        return forward_box(self.level, value, tangent)

    def owns(self, x):
        """True if x is a box of this level."""
        return isinstance(x, Box) and (<Box>x).traced.serial == self.serial

    def tangent(self, x):
        """The value and the tangent (None: zero) of a result of the traced function."""
        if not self.owns(x):
            return x, None
        return value_object((<Box>x).traced.value), attached(x)

    def result(self, x):
        """As ``tangent``, with a tangent that is an array of its own: nobody else holds its memory."""
        if not self.owns(x):
            return x, None
        return value_object((<Box>x).traced.value), owned_attached(x)


cdef class Graph:
    """A level that records into Python's own nodes: autograd's ``tracer.trace`` with a Node class.

    Each operation on its boxes is handed to the hook ``record``; with ``everything``, also
    tests and operations of derivative zero, which pass to the level below otherwise. ``primal`` leaves the boxes
    of a graph of everything as they are.
    """

    cdef GraphLevel* level
    cdef readonly uint64_t serial

    def __cinit__(self, cbool everything=False):
        self.level = open_graph(everything)
        self.serial = self.level.serial

    def __dealloc__(self):
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """End the level."""
        if self.level is not NULL and self.level.serial == self.serial:
            self.level.close()

    def box(self, value, node):
        """A traced value with its node."""
        if self.level.serial != self.serial:
            raise RuntimeError("this level is closed: its trace has returned")
        return graph_box(self.level, value, node)

    def owns(self, x):
        """True if x is a box of this level."""
        return isinstance(x, Box) and (<Box>x).traced.serial == self.serial


cdef PyObject* _record_objects(PyObject* primitive, PyObject* ans, PyObject* args, PyObject* kwargs,
                               PyObject* argnums, PyObject* boxes) noexcept:
    try:
        result = _record(<object>primitive, <object>ans, <object>args,
                         {} if <object>kwargs is None else <object>kwargs, <object>argnums, <object>boxes)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


cdef PyObject* _add_objects(PyObject* a, PyObject* b) noexcept:
    try:
        result = <object>a + <object>b if _add is None else _add(<object>a, <object>b)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


cdef PyObject* _convert(PyObject* result_) noexcept:
    try:
        result = <object>result_
        hook = _hooks.get(type(result))
        if hook is not None:
            result = hook(result)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL
