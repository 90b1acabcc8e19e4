# Operators applied to a user's function: which argument is selected, and the hot way of grad.
#
# from declarations: CTape, open_tape, tape_box, tape_grad, tape_losses, value_object
# from hooks: _elementwise_rule, _value_rule
# from boxes: Box
# from trees: ContainerError, Structure, _leaf_types, _take_apart
# from derivatives: _missing
# from operators: _name_of, _with_zeros
# from programs: Jitted

cimport cython
from cpython.object cimport PyObject_Call
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_New, PyTuple_SET_ITEM
from libcpp cimport bool as cbool

import numpy as _np


@cython.freelist(8)
@cython.auto_pickle(False)
cdef class Selected:
    """The user's function as a function of the selected argument alone; the others are fixed.

    This is the `fun` that a unary operator receives. It knows where the argument came from, so that
    error messages can say so.
    """

    cdef readonly object op, fun, args, kwargs
    cdef readonly tuple where
    cdef readonly cbool many
    # Where an earlier trace of it lost the argument, for the warning.
    cdef public object losses
    cdef object name

    def __init__(self, op, fun, tuple where, cbool many, args, kwargs):
        self.op = op
        self.fun = fun
        self.where = where
        self.many = many
        self.args = args
        self.kwargs = kwargs
        self.losses = ""

    @property
    def __name__(self):
        return _name_of(self.fun) if self.name is None else self.name

    def __call__(self, x):
        args = list(self.args)
        kwargs = self.kwargs
        for place, value in zip(self.where, x if self.many else (x,)):
            if isinstance(place, str):
                kwargs = {**kwargs, place: value}
            else:
                args[place] = value
        return PyObject_Call(self.fun, tuple(args), kwargs)

    def standing_in(self, fun, losses):
        """The same selection of a function that stands for this one, and speaks for it in messages."""
        cdef Selected other = Selected(self.op, fun, self.where, self.many, self.args, self.kwargs)
        other.name = self.__name__
        other.losses = losses
        return other

    def locate(self, path):
        """Which argument a path into the selected value leads to, and the path inside it."""
        if not self.many:
            return self.where[0], path
        position, _, rest = path[1:].partition("]")
        return self.where[int(position)], rest


@cython.auto_pickle(False)
cdef class Derived(Selected):
    """A helper around a user's function that speaks in messages for that function."""

    def __init__(self, fun, inner, op):
        cdef Selected selected
        if isinstance(fun, Selected):
            selected = <Selected>fun
            Selected.__init__(self, selected.op, inner, selected.where, selected.many, (), {})
        else:
            Selected.__init__(self, op, inner, (0,), False, (), {})
        self.name = _name_of(fun)

    def __call__(self, x):
        return self.fun(x)


cdef cbool _given_by_position(tuple where, Py_ssize_t count):
    """Whether all these places are positions among so many arguments, each another one."""
    cdef Py_ssize_t i, k
    for place in where:
        if type(place) is not int or not -count <= place < count:
            return False
    for i in range(1, PyTuple_GET_SIZE(where)):
        for k in range(i):
            if (where[i] - where[k]) % count == 0:
                return False
    return True


cdef object _selection(tuple where, cbool many, tuple args):
    if not many:
        return args[where[0]]
    return tuple([args[place] for place in where])


@cython.auto_pickle(False)
cdef class Applied:
    """A differential operator applied to a function: selects the argument and calls the rule.

    Operators are often made for one call, ``jacobian(f)(x)``, so that making one must cost little: the
    attributes of the Python side are filled in by ``_fill`` when one of them is asked for. An argument that is not
    given by position is looked for by ``_search(args, kwargs)``. An operator of a function that jit replays is
    replayed as a whole, by ``jit`` of this operator of the function itself.
    """

    cdef object fun, rule, factory, argnum, op
    cdef readonly object replayed
    cdef tuple parameters, where
    cdef dict options
    cdef cbool many

    def __init__(self, rule, factory, fun, argnum=0, *parameters, **options):
        self.fun = fun
        self.rule = rule
        self.factory = factory
        self.argnum = argnum
        self.parameters = parameters
        self.options = options
        self.op = _name_of(factory)
        if isinstance(fun, Jitted):
            self.replayed = fun.derived(factory, (argnum, *parameters), options)
        elif isinstance(fun, Applied) and (<Applied>fun).replayed is not None:
            self.replayed = (<Applied>fun).replayed.derived(factory, (argnum, *parameters), options)
        if type(argnum) is int and callable(fun):
            self.where = (argnum,)
            self.many = False
            self.__module__ = getattr(fun, "__module__", None) or "fastad"
        else:
            self._fill_late()
            self.where, self.many = self._where, self._many

    def _fill_late(self):
        self._fill(self.rule, self.factory, self.fun, self.argnum, *self.parameters, **self.options)

    def select(self, tuple args, dict kwargs):
        """The function of the selected argument alone, and that argument."""
        if not _given_by_position(self.where, PyTuple_GET_SIZE(args)):
            return self._search(args, kwargs)
        selected = Selected(self.op, self.fun, self.where, self.many, args, kwargs)
        return selected, _selection(self.where, self.many, args)

    def __call__(self, /, *args, **kwargs):
        """Apply the operator at these arguments of the function."""
        if self.replayed is not None:
            return PyObject_Call(self.replayed, args, kwargs)
        selected, x = self.select(args, kwargs)
        if not self.parameters and not self.options:
            return self.rule(selected, x)
        return self.rule(selected, x, *self.parameters, **self.options)


@cython.auto_pickle(False)
cdef class AppliedToTensor(Applied):
    """An operator whose last positional argument is a tensor: ``rule(fun, x, tensor)``."""

    def __call__(self, /, *args, **kwargs):
        if self.replayed is not None:
            return PyObject_Call(self.replayed, args, kwargs)
        if not args:
            raise TypeError(
                f"{self.op}: pass the arguments of {_name_of(self.fun)} and then the tensor"
            )
        selected, x = self.select(args[:-1], kwargs)
        return self.rule(selected, x, args[-1])


@cython.auto_pickle(False)
cdef class Gradient(Applied):
    """The hot way of grad, value_and_grad and elementwise_grad: arguments given by position, one output.

    What it cannot do itself (outputs that are no real scalar, errors) goes to ``_general(args, kwargs)``; an output
    that does not depend on the argument, or has the wrong shape, to ``_finish(args, kwargs, value, losses)``, without
    a second call of the user's function.
    """

    cdef cbool hot, with_value, elementwise

    def __init__(self, rule, factory, fun, argnum=0, **options):
        Applied.__init__(self, rule, factory, fun, argnum, **options)
        self.hot = not options
        self.with_value = rule is _value_rule
        self.elementwise = rule is _elementwise_rule

    def __call__(self, /, *args, **kwargs):
        if self.replayed is not None:
            return PyObject_Call(self.replayed, args, kwargs)
        if not self.hot or not _given_by_position(self.where, PyTuple_GET_SIZE(args)):
            return self._general(args, kwargs)
        cdef object x = _selection(self.where, self.many, args)
        cdef cbool leaf = type(x) is float or isinstance(x, _leaf_types)
        cdef Structure structure = None
        cdef list leaves, boxes
        if not leaf:
            leaves = []
            try:
                structure = _take_apart(x, leaves, False, NULL)
            except ContainerError:
                return self._general(args, kwargs)
            if structure.is_leaf or not leaves:
                return self._general(args, kwargs)
        cdef CTape* tape = open_tape()
        cdef object box, ans, result, value, losses
        try:
            try:
                if leaf:
                    box = tape_box(tape, x)
                else:
                    boxes = [_box_leaf(tape, item) for item in leaves]
                    box = structure.of_list(boxes)
            except TypeError:
                return self._general(args, kwargs)  # whose error names the argument
            ans = PyObject_Call(self.fun, self.traced_arguments(args, box), kwargs)
            result = tape_grad(tape, ans, box if leaf else boxes, self.elementwise)
            if result is NotImplemented:
                value = _missing
            elif result is not None:
                if not leaf:
                    result = structure.of_list(_with_zeros(leaves, result))
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

    cdef tuple traced_arguments(self, tuple args, object box):
        cdef Py_ssize_t i, place, count = PyTuple_GET_SIZE(args)
        cdef object traced, item
        if self.many:
            traced = list(args)
            for place, item in zip(self.where, box):
                traced[place] = item
            return tuple(traced)
        place = self.where[0]
        if place < 0:
            place += count
        traced = PyTuple_New(count)
        for i in range(count):
            item = box if i == place else <object>PyTuple_GET_ITEM(args, i)
            Py_INCREF(item)
            PyTuple_SET_ITEM(traced, i, item)
        return traced


cdef object _box_leaf(CTape* tape, object leaf):
    if type(leaf) is not float and not isinstance(leaf, _leaf_types):
        raise TypeError
    return tape_box(tape, leaf)
