# Levels: Tape, Forward, Graph, and the hot way of grad.

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
        return tape_sweep(self.living(), tuple(outputs), tuple(cotangents), tuple(inputs), consume)

    def sweep_many(self, outputs, cotangents, inputs):
        """As ``sweep`` for a batch: every cotangent, and every result, has a leading batch axis."""
        result = tape_sweep_batch(self.living(), tuple(outputs), tuple(cotangents), tuple(inputs))
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


cdef class Gradient:
    """The hot way of grad, value_and_grad and elementwise_grad: one argument, one output.

    The argument is a leaf, or lists, tuples and dicts of leaves. What it cannot do itself (other
    containers, several arguments, outputs that are no real scalar) goes to
    ``_general(args, kwargs)``; an output that does not depend on the argument, or has the wrong shape,
    to ``_finish(args, kwargs, value, losses)``, without a second call of the user's function.
    """

    cdef object fun, rule, factory
    cdef Py_ssize_t argnum
    cdef cbool with_value, elementwise

    def __init__(self, rule, factory, fun, argnum=0, **options):
        # Operators are often made for one call (grad(f)(x)), so that making one must cost little: the
        # attributes of the Python side are filled in when one of them is asked for.
        self.fun = fun
        self.rule = rule
        self.factory = factory
        self.argnum = -1
        self.with_value = rule is _value_rule
        self.elementwise = rule is _elementwise_rule
        if type(argnum) is int and not options and callable(fun):
            self.argnum = argnum
            self.__module__ = getattr(fun, "__module__", None) or "fastad"
        else:
            self._fill(rule, factory, fun, argnum, **options)

    def _fill_late(self):
        self._fill(self.rule, self.factory, self.fun, self.argnum)

    def __call__(self, /, *args, **kwargs):
        cdef Py_ssize_t i, count = PyTuple_GET_SIZE(args)
        if not 0 <= self.argnum < count:
            return self._general(args, kwargs)
        cdef object x = <object>PyTuple_GET_ITEM(args, self.argnum)
        cdef cbool leaf = type(x) is float or isinstance(x, _leaf_types)
        if not leaf and not (type(x) is list or type(x) is tuple or type(x) is dict):
            return self._general(args, kwargs)
        cdef CTape* tape = open_tape()
        cdef object box, traced_args, item, ans, result, value, losses
        cdef list boxes
        try:
            try:
                if leaf:
                    box = tape_box(tape, x)
                else:
                    boxes = []
                    box = _box_tree(tape, x, boxes, NULL)
                    if not boxes:
                        return self._general(args, kwargs)
            except TypeError:
                return self._general(args, kwargs)  # whose error names the argument
            traced_args = PyTuple_New(count)
            for i in range(count):
                item = box if i == self.argnum else <object>PyTuple_GET_ITEM(args, i)
                Py_INCREF(item)
                PyTuple_SET_ITEM(traced_args, i, item)
            ans = PyObject_Call(self.fun, traced_args, kwargs)
            result = tape_grad(tape, ans, box if leaf else boxes, self.elementwise)
            if result is NotImplemented:
                value = _missing
            elif result is not None:
                if not leaf:
                    result = _like_tree(x, iter(result), NULL)
                if self.with_value:
                    return value_object((<Box>ans).traced.value), result
                return result
            else:
                value = ans
                losses = tape_losses(tape)
                if isinstance(ans, Box):
                    if (<Box>ans).traced.serial == tape.trace():
                        value = value_object((<Box>ans).traced.value)
                elif not isinstance(ans, (float, complex, _np.generic, _np.ndarray)):
                    value = _missing
        finally:
            tape.close()
        if value is _missing:
            return self._general(args, kwargs)
        return self._finish(args, kwargs, value, losses)


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


cdef object _record = None
cdef object _node_of = None
cdef object _add = None
cdef dict _hooks = {}






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


cdef object _value_rule = None
cdef object _elementwise_rule = None



# The containers that lead to one, from the inside outwards.
cdef struct Around:
    void* container
    const Around* outer
    int depth


cdef int _deepest = 200


cdef Around _inside(object container, const Around* outer) except *:
    """One container further in; TypeError where the general way will say what is wrong."""
    cdef Around here
    cdef const Around* other = outer
    here.container = <void*>container
    here.outer = outer
    here.depth = 1 if outer is NULL else outer.depth + 1
    if here.depth > _deepest:
        raise TypeError("containers are nested too deep")
    while other is not NULL:
        if other.container is here.container:
            raise TypeError("a container holds itself")
        other = other.outer
    return here


cdef object _box_tree(CTape* tape, object x, list boxes, const Around* outer):
    """The same containers with every leaf boxed; TypeError for what only the general way knows."""
    cdef Around here
    kind = type(x)
    if kind is list or kind is tuple or kind is dict:
        here = _inside(x, outer)
        if kind is list:
            return [_box_tree(tape, item, boxes, &here) for item in x]
        if kind is tuple:
            return tuple([_box_tree(tape, item, boxes, &here) for item in x])
        return {key: _box_tree(tape, item, boxes, &here) for key, item in x.items()}
    if kind is not float and not isinstance(x, _leaf_types):
        raise TypeError
    box = tape_box(tape, x)
    boxes.append(box)
    return box


cdef object _like_tree(object x, gradients, const Around* outer):
    """The gradients in the argument's containers, which the function may have changed."""
    cdef Around here
    kind = type(x)
    if kind is list or kind is tuple or kind is dict:
        here = _inside(x, outer)
        if kind is list:
            return [_like_tree(item, gradients, &here) for item in x]
        if kind is tuple:
            return tuple([_like_tree(item, gradients, &here) for item in x])
        return {key: _like_tree(item, gradients, &here) for key, item in x.items()}
    gradient = next(gradients)
    if gradient is not None:
        return gradient
    raw = specimen(x)
    dtype = _np.result_type(raw)
    if dtype.kind in "biu":
        dtype = _np.dtype(float)
    return _np.zeros(raw.shape, dtype) if isinstance(raw, _np.ndarray) else dtype.type(0)


cdef tuple _leaf_types = (_np.ndarray, _np.floating, ArrayBox)
