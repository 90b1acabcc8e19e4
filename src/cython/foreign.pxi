# What is not ours: subclasses of ndarray with arithmetic of their own, operands and callers from other libraries.
#
# from hooks: _foreign_calls, _foreign_operators, _is_answered_for, _restore

from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF

import numpy as _np

# The class of boxes for values of each type: filled in where there are boxes, and by Box.register.
_box_types = {}


from weakref import WeakKeyDictionary as _WeakKeyDictionary


# What a subclass may say for itself and still compute as ndarray does: how it is made, stored,
# printed and written into.
_harmless = frozenset(
    """__array_finalize__ __array_priority__ __class__ __class_getitem__ __copy__ __deepcopy__ __delattr__ __dir__
    __doc__ __format__ __hash__ __init__ __init_subclass__ __new__ __reduce__ __reduce_ex__ __repr__ __setattr__
    __setitem__ __setstate__ __sizeof__ __str__ dump dumps flush tofile""".split()
)


_arithmetic_names = (frozenset(dir(_np.ndarray)) | {"__array_prepare__"}) - _harmless


# They say how elements are reached; what they compute is ndarray's.
_plain_subclasses = frozenset((_np.memmap, _np.recarray))


_arithmetic = _WeakKeyDictionary()


def own_arithmetic(type_):
    """Whether this subclass of ndarray replaces what ndarray computes, so that no rule of the table is its own.

    A class registered with ``Box.register`` answers for itself.
    """
    if type_ in _box_types:
        return False
    found = _arithmetic.get(type_)
    if found is None:
        between = type_.__mro__[:type_.__mro__.index(_np.ndarray)]
        found = _arithmetic[type_] = any(
            class_ not in _plain_subclasses and not _arithmetic_names.isdisjoint(class_.__dict__)
            for class_ in between
        )
    return found


def _remedy(type_):
    if issubclass(type_, getattr(_np.ma, "MaskedArray", ())):
        return (
            "pass x.filled(0.0) or another filling that the masked places may have, x.compressed(), or numpy.asarray(x) "
            "with fastad.numpy.where and x.mask"
        )
    if issubclass(type_, _np.matrix):
        return "pass numpy.asarray(x), and write matrix products as a @ b"
    if hasattr(type_, "tocsr"):
        return "write products as A @ x or fastad.scipy.sparse.multiply(A, x), or pass A.toarray()"
    return (
        "pass numpy.asarray(x) or what the class has for its plain numbers, or make the computation a primitive with a "
        "rule (fastad.extend.primitive)"
    )


def foreign_error(type_, str what):
    """The TypeError that refuses a foreign array, of which `what` says where it is."""
    name = f"{type_.__module__}.{type_.__qualname__}"
    kind = "a subclass of numpy.ndarray" if issubclass(type_, _np.ndarray) else "an array of another library"
    return TypeError(
        f"{what} is a {name}, {kind} with arithmetic of its own, for which fastad has no derivative: {_remedy(type_)}"
    )


cdef int _own_arithmetic(PyTypeObject* type_) noexcept:
    try:
        return own_arithmetic(<object>type_)
    except BaseException as error:
        _restore(error)
        return -1


cdef void _refuse_foreign(PyTypeObject* type_, const char* what) noexcept:
    try:
        raise foreign_error(<object>type_, what.decode())
    except BaseException as error:
        _restore(error)


cdef int _answered_for(PyTypeObject* type_) noexcept:
    try:
        return <object>type_ not in _box_types and _is_answered_for(<object>type_)
    except BaseException as error:
        _restore(error)
        return -1


cdef PyObject* _foreign_call(PyObject* primitive, PyObject* args, PyObject* kwargs) noexcept:
    try:
        result = _foreign_calls(<object>primitive, <object>args, <object>kwargs if kwargs is not NULL else {})
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


cdef PyObject* _foreign_operator(const char* name, PyObject* left, PyObject* right) noexcept:
    try:
        result = NotImplemented if _foreign_operators is None else _foreign_operators(
            name.decode(), <object>left, <object>right
        )
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL
