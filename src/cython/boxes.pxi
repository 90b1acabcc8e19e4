# Box and ArrayBox: traced values, with ndarray's operators and protocols.
#
# from declarations: Read, Traced, attached, getitem_operator, matrix_transposed_attribute, read_object, specimen,
#   transposed_attribute, value_given
# from hooks: _explain_missing, _held_for, _new_box, _node_of
# from foreign: _box_types, foreign_error

from cpython.object cimport Py_EQ, Py_GE, Py_GT, Py_LE, Py_LT, PyTypeObject
from libcpp cimport bool as cbool

from operator import index as _index
import math as _math

import sys as _sys

import numpy as _np

cdef extern from "python/operators.hpp" namespace "fastad::python::operators":
    object operator_add "fastad::python::operators::add" (object left, object right)
    object operator_subtract "fastad::python::operators::subtract" (object left, object right)
    object operator_multiply "fastad::python::operators::multiply" (object left, object right)
    object operator_divide "fastad::python::operators::divide" (object left, object right)
    object operator_power "fastad::python::operators::power" (object left, object right)
    object operator_floor_divide "fastad::python::operators::floor_divide" (object left, object right)
    object operator_remainder "fastad::python::operators::remainder" (object left, object right)
    object operator_matmul "fastad::python::operators::matmul" (object left, object right)
    object operator_less "fastad::python::operators::less" (object left, object right)
    object operator_less_equal "fastad::python::operators::less_equal" (object left, object right)
    object operator_equal "fastad::python::operators::equal" (object left, object right)
    object operator_not_equal "fastad::python::operators::not_equal" (object left, object right)
    object operator_greater "fastad::python::operators::greater" (object left, object right)
    object operator_greater_equal "fastad::python::operators::greater_equal" (object left, object right)
    object operator_negative "fastad::python::operators::negative" (object operand)
    object operator_positive "fastad::python::operators::positive" (object operand)
    object operator_absolute "fastad::python::operators::absolute" (object operand)

cdef extern from "python/programs.hpp" namespace "fastad::python":
    void note_in_place(object box)
    object recorded_class(object box)

cdef extern from "python/session.hpp" namespace "fastad::python":
    void set_function(object primitive, object function)
    object getitem_position(object box, Py_ssize_t position)
    cbool on_graph(object box)
    void set_outlived(cbool wanted)


_assign = (
    "a traced array cannot be assigned into: build it in one go with fastad.numpy.array, concatenate, stack "
    "or where instead"
)


cdef class Box:
    """A traced value: a value one level down, and its place on a tape.

    Boxes are made by the differential operators; a function under ``grad`` receives them in place of
    its arguments. ``fastad.getval`` gives the plain value.
    """

    cdef Traced traced

    def __init__(self, value=None, trace=None, node=None):
        # Levels make boxes without a call of this. Of what autograd's makers of boxes call with no node, only the
        # type counts; with one, this stands where `new_box` would have put it.
        if node is not None:
            self.traced = (<Box?>_new_box(value, trace, node)).traced

    @property
    def _value(self):
        return value_given(self)

    @property
    def _tangent(self):
        return attached(self)

    @property
    def _trace(self):
        return self.traced.serial

    @property
    def _node(self):
        if on_graph(self):
            return attached(self)
        return None if _node_of is None else _node_of(self)

    @classmethod
    def register(cls, value_type):
        """Box values of this type in this class."""
        Box.types.add(cls)
        _box_types[value_type] = cls
        _box_types[cls] = cls

    def __bool__(self):
        return bool(read_object(self, Read.Truth))

    def __repr__(self):
        return f"<fastad {type(self).__name__} with value {read_object(self, Read.Text)!r}>"

    def __str__(self):
        return f"<fastad {type(self).__name__} with value {read_object(self, Read.Text)!s}>"

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __hash__(self): return hash_of_box(self)

    def __reduce__(self):
        raise TypeError("a traced value cannot be pickled: it belongs to a tape of this process")


cdef Py_ssize_t hash_of_box(box) except? -1:
    read_object(box, Read.Hash)  # a program cannot know what the key finds
    if recorded_class(box) is not None:  # the key would stay in a set or dict of the user's
        raise TypeError("a recorded value cannot be a key")
    return <Py_ssize_t>(<void*>box) >> 4


# What asks there what a value is goes on in compiled code, or knows of traced values itself.
_own_ways = frozenset("dask fastad numpy pandas polars scipy sklearn xarray".split())


def class_of(x, /):
    """The class of the plain value that a value of a program stands for; of all else its own."""
    plain = recorded_class(x) if isinstance(x, Box) else None
    return type(x) if plain is None else plain


def _class(box):
    """The class of what a program's value stands for: ``isinstance(x, float)`` answers as without ``jit``.

    A value that a derivative is taken by is of its own class, as it is without ``jit``.
    """
    plain = recorded_class(box)
    if plain is None:
        return type(box)
    asking = _sys._getframe().f_globals.get("__name__")
    if type(asking) is str and (<str>asking).partition(".")[0] in _own_ways:
        return type(box)
    return plain


cdef object _prims = {}


def _elements(box, Py_ssize_t length):
    cdef Py_ssize_t i
    for i in range(length):
        yield getitem_position(box, i)


cdef class ArrayBox(Box):
    """A traced float, NumPy scalar or ndarray: ndarray's attributes, methods and operators."""

    # Above those of the arrays that would take a traced value for a sequence of objects.
    __array_priority__ = 5000.0
    __pandas_priority__ = 5000

    # -- operators -------------------------------------------------------------------------------
    def __add__(left, right): return operator_add(left, right)
    def __sub__(left, right): return operator_subtract(left, right)
    def __mul__(left, right): return operator_multiply(left, right)
    def __truediv__(left, right): return operator_divide(left, right)
    def __mod__(left, right): return operator_remainder(left, right)
    def __floordiv__(left, right): return operator_floor_divide(left, right)
    def __divmod__(left, right):
        return (operator_floor_divide(left, right),
                operator_remainder(left, right))
    def __matmul__(left, right): return operator_matmul(left, right)
    def __pow__(base, exponent, modulus):
        if modulus is not None:
            return NotImplemented
        return operator_power(base, exponent)
    # An array's change it for all who hold it, which levels that do not differentiate must know.
    def __iadd__(self, other):
        note_in_place(self)
        return operator_add(self, other)
    def __isub__(self, other):
        note_in_place(self)
        return operator_subtract(self, other)
    def __imul__(self, other):
        note_in_place(self)
        return operator_multiply(self, other)
    def __itruediv__(self, other):
        note_in_place(self)
        return operator_divide(self, other)
    def __imod__(self, other):
        note_in_place(self)
        return operator_remainder(self, other)
    def __ifloordiv__(self, other):
        note_in_place(self)
        return operator_floor_divide(self, other)
    def __imatmul__(self, other):
        note_in_place(self)
        return operator_matmul(self, other)
    def __ipow__(self, exponent, modulus):
        note_in_place(self)
        return operator_power(self, exponent)
    def __iand__(self, other):
        note_in_place(self)
        return _np.bitwise_and(self, other)
    def __ior__(self, other):
        note_in_place(self)
        return _np.bitwise_or(self, other)
    def __ixor__(self, other):
        note_in_place(self)
        return _np.bitwise_xor(self, other)
    # Of booleans and integers, which levels that do not differentiate have boxes of.
    def __and__(left, right): return _np.bitwise_and(left, right)
    def __or__(left, right): return _np.bitwise_or(left, right)
    def __xor__(left, right): return _np.bitwise_xor(left, right)
    def __invert__(self): return _np.invert(self)
    def __neg__(self): return operator_negative(self)
    def __pos__(self): return operator_positive(self)
    def __abs__(self): return operator_absolute(self)

    def __richcmp__(self, other, int op):
        if op == Py_LT: return operator_less(self, other)
        if op == Py_GT: return operator_greater(self, other)
        if op == Py_LE: return operator_less_equal(self, other)
        if op == Py_GE: return operator_greater_equal(self, other)
        if op == Py_EQ: return operator_equal(self, other)
        return operator_not_equal(self, other)

    def __hash__(self): return hash_of_box(self)

    # -- a container -----------------------------------------------------------------------------
    def __getitem__(self, index): return getitem_operator(self, index)
    def __setitem__(self, index, value): raise TypeError(_assign)
    def __len__(self): return len(specimen(self))
    def __contains__(self, item): return item in read_object(self, Read.Truth)

    def __iter__(self):
        raw = specimen(self)
        if not isinstance(raw, _np.ndarray) or raw.ndim == 0:
            raise TypeError("iteration over a 0-d array: a traced number has no elements")
        return _elements(self, len(raw))

    def __reversed__(self):
        cdef Py_ssize_t i, length = len(specimen(self))
        for i in range(length - 1, -1, -1):
            yield getitem_position(self, i)

    # -- reading the number: nowhere silently ------------------------------------------------------
    def __float__(self): return float(read_object(self, Read.Float))
    def __int__(self): return int(read_object(self, Read.Int))
    def as_integer_ratio(self): return float(read_object(self, Read.Float)).as_integer_ratio()
    def __complex__(self): return complex(read_object(self, Read.Complex))
    def __index__(self):
        number = read_object(self, Read.Index)
        return int(number) if isinstance(number, float) and recorded_class(self) is int else _index(number)
    def __array__(self, dtype=None, copy=None):
        # Integers have derivative zero, and an array of objects holds traced values: nothing is lost.
        kind = None if dtype is None else _np.dtype(dtype).kind
        if kind is not None and kind in "biu":
            return _np.asarray(read_object(self, Read.Integers), dtype)
        if kind == "O" or (kind is None and _objects_wanted):
            return _object_array(self)
        if kind is None and (held := _held_for(self)) is not None:
            return held
        return _np.asarray(read_object(self, Read.Array), dtype)
    @property
    def _data(self):
        # numpy.ma asks for it first, before an operation with a masked array, and takes a plain array otherwise.
        raise foreign_error(_np.ma.MaskedArray, "an operand of numpy.ma's beside a traced value")
    def __format__(self, spec): return format(read_object(self, Read.Text), spec)
    def __round__(self, ndigits=None):
        if ndigits is None:
            return round(read_object(self, Read.Round))
        return _np.round(read_object(self, Read.Integers), ndigits)

    # Whole numbers again: of them nothing is lost.
    def __floor__(self): return _math.floor(read_object(self, Read.Floor))
    def __ceil__(self): return _math.ceil(read_object(self, Read.Ceil))
    def __trunc__(self): return _math.trunc(read_object(self, Read.Trunc))

    # -- attributes --------------------------------------------------------------------------------
    # Those of an array are asked of it: NumPy's functions take ten times as long.
    @property
    def shape(self):
        raw = specimen(self)
        return raw.shape if isinstance(raw, _np.ndarray) else _np.shape(raw)
    @property
    def ndim(self):
        raw = specimen(self)
        return raw.ndim if isinstance(raw, _np.ndarray) else _np.ndim(raw)
    @property
    def size(self):
        raw = specimen(self)
        return raw.size if isinstance(raw, _np.ndarray) else _np.size(raw)
    @property
    def dtype(self):
        raw = specimen(self)
        return raw.dtype if hasattr(raw, "dtype") else _np.result_type(raw)
    @property
    def itemsize(self): return self.dtype.itemsize
    @property
    def nbytes(self): return self.size * self.dtype.itemsize
    @property
    def strides(self): return getattr(specimen(self), "strides", ())
    @property
    def flags(self):
        read_object(self, Read.Layout)  # arrays of one kind may own their memory or not
        return _np.asarray(specimen(self)).flags
    @property
    def T(self): return transposed_attribute(self)
    @property
    def mT(self): return matrix_transposed_attribute(self)
    @property
    def real(self): return _prims["real"](self)
    @property
    def imag(self): return _prims["imag"](self)
    @property
    def flat(self): return _Flat(self)

    def __getattr__(self, name):
        if name == "__iter__" and self.ndim:
            # The type has none (see below); libraries ask a value, and take it for one number if there is none.
            return lambda: iter(self)
        hint = _explain_missing(name)
        if hasattr(_np.ndarray, name):
            raise AttributeError(f"a traced value has no attribute or method {name!r}: {hint}")
        raise AttributeError(
            f"{type(self).__name__!r} object has no attribute {name!r}" + (f": {hint}" if hint else "")
        )


class _Flat:
    """The elements of a traced array in a row, like `ndarray.flat`: one after the other, or by index."""

    __slots__ = ("base", "_elements", "_index")

    def __init__(self, base):
        self.base = base
        self._elements = _prims["ravel"](base)
        self._index = 0

    def __iter__(self):
        return self

    def __next__(self):
        if self._index >= len(self):
            raise StopIteration
        self._index += 1
        return self._elements[self._index - 1]

    def __len__(self):
        return self.base.size

    def __getitem__(self, index):
        return self._elements[index]

    def __setitem__(self, index, value):
        raise TypeError(_assign)

    def __array__(self, dtype=None, copy=None):
        return self._elements.__array__(dtype, copy)

    @property
    def index(self):
        return self._index

    def copy(self):
        return self._elements.copy()


_objects_wanted = False


def as_autograd(cbool wanted):
    """Whether traced values do what autograd's programs rely on and others are better warned of.

    ``numpy.array([box, box])`` without a dtype makes an array of objects; a box is usable after its trace has
    ended, as a constant; ``where`` gives Python's numbers and lists for Python's numbers and lists.
    """
    global _objects_wanted
    _objects_wanted = wanted
    set_outlived(wanted)
    set_function(_prims["where"], _where_as_autograd if wanted else _np.where)


def _where_as_autograd(condition, *choices):
    result = _np.where(condition, *choices)
    if len(choices) != 2 or any([_has_numpy_value(given) for given in (condition, *choices)]):
        return result
    return result.tolist()


cdef cbool _has_numpy_value(value, int depth=0):
    if isinstance(value, (_np.ndarray, _np.generic)):
        return True
    if depth > 64 or not isinstance(value, (list, tuple)):
        return False
    return any([_has_numpy_value(item, depth + 1) for item in value])


def _object_array(box):
    """An array of objects: the elements of a traced array, or a traced number itself."""
    shape = box.shape
    result = _np.empty(shape, object)
    if shape:
        for index in _np.ndindex(*shape):
            result[index] = box[index]
    else:
        result[()] = box
    return result


cdef extern from *:
    """
    #include <string.h>
    static int fastad_set_type_attribute(PyTypeObject* type, PyObject* name, PyObject* value) {
        int status = PyDict_SetItem(type->tp_dict, name, value);
        PyType_Modified(type);
        return status;
    }
    // NumPy must not take a box for a sequence: it would then hide our own message behind its own.
    static void fastad_not_a_sequence(PyTypeObject* type) {
        if (type->tp_as_sequence) type->tp_as_sequence->sq_item = NULL;
    }
    // A traced number is not iterable though its type is: programs that ask the type for __iter__ (as
    // collections.abc.Iterable does) would take it for a container. iter(box) goes by the slot.
    // And programs may give the types methods and attributes of their own, as Python's classes let them.
    static void fastad_iterate_as(PyTypeObject* type, PyTypeObject* base) {
        if (!type->tp_iter) type->tp_iter = base->tp_iter;
    }
    static int fastad_open_type(PyTypeObject* type) {
        PyObject* name = PyUnicode_InternFromString("__iter__");
        if (!name) return -1;
        if (PyDict_Contains(type->tp_dict, name) == 1 && PyDict_DelItem(type->tp_dict, name) < 0) {
            Py_DECREF(name);
            return -1;
        }
        Py_DECREF(name);
        type->tp_flags &= ~Py_TPFLAGS_IMMUTABLETYPE;
        PyType_Modified(type);
        return 0;
    }
    """
    int fastad_set_type_attribute(PyTypeObject* type, object name, object value) except -1
    void fastad_not_a_sequence(PyTypeObject* type)
    int fastad_open_type(PyTypeObject* type) except -1
    void fastad_iterate_as(PyTypeObject* type, PyTypeObject* base)


def _init_subclass(cls, **options):
    super(ArrayBox, cls).__init_subclass__(**options)
    fastad_iterate_as(<PyTypeObject*>cls, <PyTypeObject*>ArrayBox)


fastad_set_type_attribute(<PyTypeObject*>Box, "__class__", property(_class))
fastad_set_type_attribute(<PyTypeObject*>ArrayBox, "__init_subclass__", classmethod(_init_subclass))
_type_names = []


def set_module(type_, str module):
    """Change the module that Box or ArrayBox names: packages choose their backend by it."""
    name = f"{module}.{type_.__name__}".encode()
    _type_names.append(name)  # the type points into it
    (<PyTypeObject*>type_).tp_name = <const char*><char*>name
    fastad_set_type_attribute(<PyTypeObject*>type_, "__module__", module)
