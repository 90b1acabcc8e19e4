# What a call of a solver holds: traced values in arguments and in what functions close over.
#
# fastad/scipy/host_calls.py takes such calls apart; here they are only looked through, at each of them.
#
# from boxes: Box
# from values: primal_object

cimport cython
from libcpp cimport bool as cbool

from types import FunctionType as _FunctionType

import numpy as _np

# What holds no traced value, whatever it is: most arguments of most calls.
ATOMS = frozenset((float, int, bool, str, bytes, complex, type(None), type, _np.ndarray, _np.float64))

cdef frozenset _atoms = ATOMS

# Items of a container that a function closes over, from which it is taken as it is.
cdef Py_ssize_t _long = 256


@cython.auto_pickle(False)
cdef class WatchedFunction:
    """A user's function as a solver calls it: it gives plain values, and notes if one was traced.

    Parameters
    ----------
    function : callable
    """

    cdef public object function
    cdef public bint traced

    def __init__(self, function):
        self.function = function
        self.traced = False

    def __call__(self, *args, **kwargs):
        value = self.function(*args, **kwargs)
        kind = type(value)
        if kind is float or kind is _np.float64:
            return value
        if kind is _np.ndarray and value.dtype.kind == "f":
            return value
        return self.noted(value)

    def __reduce__(self):
        return type(self), (self.function,), self.traced

    def __setstate__(self, traced):
        self.traced = traced

    def noted(self, value):
        """The plain value of what is neither a float nor an array of floats."""
        raise NotImplementedError


def taken_as_it_is(value, tuple within):
    """Whether a value holds itself, or is a long container that a function closes over.

    A traced value that is overlooked there is not lost: the function's result is traced then.
    """
    for outer in within:
        if value is outer:
            return True
    if type(value) not in (tuple, list, dict) or len(value) <= _long:
        return False
    for outer in within:
        if type(outer) is _FunctionType:
            return True
    return False


cdef int _is_held(value, tuple within, cbool recorded, parts_of) except -1:
    kind = type(value)
    if kind in _atoms:
        return False
    if isinstance(value, Box):
        bare = primal_object(value)
        return isinstance(bare, Box) if recorded else bare is not value
    if kind is tuple or kind is list:
        if not value or (within and taken_as_it_is(value, within)):
            return False
        parts = value
    elif kind is _FunctionType:
        cells = value.__closure__
        if not (cells or value.__defaults__ or value.__kwdefaults__) or taken_as_it_is(value, within):
            return False
        parts = [value.__defaults__, value.__kwdefaults__]
        try:
            for cell in cells or ():
                parts.append(cell.cell_contents)
        except ValueError:  # it is not there yet
            return False
    elif isinstance(value, WatchedFunction):
        if taken_as_it_is(value, within):
            return False
        parts = ((<WatchedFunction>value).function,)
    else:
        parts = parts_of(value, within)
        if parts is None:
            return False
        parts = parts[2:]
    inner = (*within, value)
    for part in parts:
        if _is_held(part, inner, recorded, parts_of):
            return True
    return False


def holds_traced(value, cbool recorded, parts_of):
    """Whether a value, a container or what a function closes over holds a traced one.

    Parameters
    ----------
    value : object
    recorded : bool
        One that belongs to a level that only records; otherwise one that a derivative is asked by.
    parts_of : callable
        `parts_of(value, within)`: two entries that are no parts and then the parts, or None, for other kinds.
    """
    return bool(_is_held(value, (), recorded, parts_of))
