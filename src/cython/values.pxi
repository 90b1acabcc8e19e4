# Values in and out of boxes: arrays of nested lists, types of boxes, plain values.
#
# from declarations: Read, getitem_operator, read_object, reshape_method, specimen
# from hooks: _explain_refusal, _restore
# from foreign: _box_types, foreign_error, own_arithmetic
# from boxes: ArrayBox, Box, _prims, fastad_set_type_attribute

from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF
from libcpp cimport bool as cbool

from collections import namedtuple as _namedtuple

import numpy as _np

cdef extern from "python/session.hpp" namespace "fastad::python":
    object holds_box_object(object value)
    object primal_object(object x)
    object weak_number(object box, object like)

cdef extern from "python/special.hpp" namespace "fastad::python":
    object c_special_ufuncs "fastad::python::special_ufuncs" ()

cdef extern from "python/lines.hpp" namespace "fastad::python":
    object c_between_places "fastad::python::between_places" (
        object points, object xp, object fp, double before, double behind)
    object c_weighted_at_places "fastad::python::weighted_at_places" (
        object places, object weights, object g, Py_ssize_t count)

cdef extern from "python/gather.hpp" namespace "fastad::python":
    object c_pooled_array "fastad::python::pooled_array" (object shape)
    object c_sums_from_behind "fastad::python::sums_from_behind" (object x, Py_ssize_t axis)
    object c_recurrence "fastad::python::recurrence" (object a, object b, Py_ssize_t axis, cbool backwards)
    object c_sorted_places "fastad::python::sorted_places" (object x, Py_ssize_t axis)
    object c_matched_places "fastad::python::matched_places" (object x, object y, Py_ssize_t axis)

cdef extern from "python/scans.hpp" namespace "fastad::python":
    cbool c_is_plain_doubles "fastad::python::is_plain_doubles" (object a)
    cbool c_has_scan_adjoint "fastad::python::has_scan_adjoint" (object primitive)
    object c_scan_adjoint "fastad::python::scan_adjoint" (
        object primitive, object stages, object a, object g, Py_ssize_t axis)
    object c_segments_adjoint "fastad::python::segments_adjoint" (
        object primitive, object results, object a, object starts, object g, Py_ssize_t axis, cbool shares_ties)
    cbool c_are_lines "fastad::python::are_lines" (object a, object v, Py_ssize_t& n, Py_ssize_t& m) except +
    object c_sliding_adjoint "fastad::python::sliding_adjoint" (
        object g, object w, Py_ssize_t start, Py_ssize_t count, cbool w_reversed, cbool result_reversed)


cdef object _stack = None  # the table's, once that is filled


cdef PyObject* _array_of(PyObject* nested_) noexcept:
    try:
        result = array_of(<object>nested_)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


def array_of(nested):
    """An array of nested lists and tuples whose leaves may be boxes."""
    return _array_in(nested, 0)


cdef object _array_in(nested, int depth):
    if isinstance(nested, (list, tuple)):
        if not nested:
            return _np.array(nested)
        if depth == 64:
            raise ValueError(
                "an array of lists that are nested more than 64 deep, or of one that holds itself: no array has so many "
                "dimensions"
            )
        parts = [_array_in(item, depth + 1) for item in nested]
        if not any(isinstance(part, Box) for part in parts):
            return _np.array(parts)
        try:
            return _stack(0, *parts)
        except ValueError:
            _np.array([specimen(part) for part in parts])  # ragged: NumPy's own words
            raise
    if type(nested) is _np.ndarray and nested.dtype.kind == "O" and any(isinstance(item, Box) for item in nested.flat):
        return _array_in(nested.tolist(), depth)
    return nested


_box_types.update(dict.fromkeys(
    (ArrayBox, _np.ndarray, float, complex, _np.float64, _np.float32, _np.float16, _np.longdouble,
     _np.complex128, _np.complex64, _np.clongdouble),
    ArrayBox,
))


fastad_set_type_attribute(<PyTypeObject*>Box, "type_mappings", _box_types)
fastad_set_type_attribute(<PyTypeObject*>Box, "types", {ArrayBox})


cdef PyTypeObject* _box_type_of(PyObject* value_) noexcept:
    try:
        found = _box_type(<object>value_)
    except BaseException as error:
        _restore(error)
        return NULL
    return <PyTypeObject*>found


cdef object _box_type(value):
    found = _box_types.get(type(value))
    if found is not None and not (isinstance(found, type) and issubclass(found, Box)):
        # A function that looks at the value, as autograd allows: only its type of box counts.
        found = type(found(value, 0, None))
        if not issubclass(found, Box):
            raise TypeError(f"Box.type_mappings[{type(value).__name__}] gave a {found.__name__}, not a Box")
    if found is None:
        found = ArrayBox
        if isinstance(value, _np.ndarray):
            if own_arithmetic(type(value)):
                raise foreign_error(type(value), "a value that would be traced")
        if not isinstance(value, (_np.ndarray, _np.generic, float, complex)):
            found = _find_box_type(value)
            if found is None:
                raise TypeError(f"a value of type {type(value).__name__} cannot be traced")
    return found


cdef object _find_box_type(value):
    for type_ in type(value).__mro__:
        found = _box_types.get(type_)
        if isinstance(found, type) and issubclass(found, Box):
            return found
    return None


def operations():
    """The compiled table: name -> Primitive."""
    return dict(_prims)


def weak(x, like=None):
    """A traced double as a Python number, which decides no dtype: ``x.item()``.

    Of another value's kind, if one is given: it is left as it is if that one decides a dtype.
    """
    return weak_number(x, like)


def getitem(x, index):
    """``x[index]``, where either may be traced, also items of a tuple of indices."""
    if isinstance(x, Box):
        return x[index]
    if not isinstance(index, Box) and not (
        type(index) is tuple and any([isinstance(item, Box) for item in <tuple>index])
    ):
        return x[index]
    return getitem_operator(x, index)


def reshape(x, *shape, str order="C", **keywords):
    """The values in another shape, given as a tuple or as several ints: ndarray's method."""
    wanted = shape[0] if len(shape) == 1 else shape
    if order != "C":
        keywords["order"] = order
    elif not keywords and isinstance(x, Box):
        result = reshape_method(x, wanted)
        if result is not None:
            return result
    return _prims["reshape"](x, wanted, **keywords)


def isbox(x):
    """True if x is a traced value.

    Parameters
    ----------
    x : object

    Returns
    -------
    bool
        True within a function that is differentiated, for what depends on its argument.

    Examples
    --------
    >>> from fastad import grad, isbox
    >>> seen = []
    >>> _ = grad(lambda x: seen.append(isbox(x)) or x)(1.0)
    >>> seen, isbox(1.0)
    ([True], False)
    """
    return isinstance(x, Box)


def holds_box(x):
    """True if x is a traced value, or a container that holds one at any depth."""
    return holds_box_object(x)


def getval(x):
    """The plain value of x, with all levels of tracing removed: as ``read(x, "rule")``."""
    return read_object(x, Read.Rule) if isinstance(x, Box) else x


def take_value(x):
    """The plain value of x, with all levels of tracing removed: as ``getval``, for the user's own programs.

    What a tape loses by it is remembered for the warning that an output does not depend on the input.
    """
    return read_object(x, Read.User) if isinstance(x, Box) else x


cdef dict _reads = {
    "truth": Read.Truth, "index": Read.Index, "int": Read.Int, "float": Read.Float, "complex": Read.Complex,
    "array": Read.Array, "integers": Read.Integers, "floor": Read.Floor, "ceil": Read.Ceil,
    "round": Read.Round, "trunc": Read.Trunc, "text": Read.Text, "rule": Read.Rule, "user": Read.User,
}


cdef dict _read_names = {why: name for name, why in _reads.items()}


def read(x, str why="rule"):
    """The plain value of x, with all levels of tracing removed; every level is told, and may refuse.

    Parameters
    ----------
    x : object
    why : str
        ``"truth"``: a branch depends on it. ``"text"``: it is printed. ``"integers"``: derivative zero whatever it
        is. ``"rule"``: a rule takes it as a constant. ``"index"``, ``"int"``, ``"float"``, ``"complex"``,
        ``"array"``: code that cannot be traced wants it, which levels that differentiate refuse. ``"user"``:
        ``fastad.getval``.

    Raises
    ------
    TypeError
        If a derivative would be lost without a word.
    """
    return read_object(x, <Read>_reads[why]) if isinstance(x, Box) else x


cdef PyObject* _refused(PyObject* box, Read why) noexcept:
    try:
        result = _explain_refusal(<object>box, _read_names[why])
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


def primal(x):
    """The value of x without the levels that differentiate: what rules and composites take as a constant.

    A box of a level that only records (a program) is left as it is: NumPy's functions on it are recorded, a
    Python branch on it is a guard.
    """
    return primal_object(x) if isinstance(x, Box) else x


class Meta(_namedtuple("Meta", ("shape", "dtype", "array"))):
    """What is static about a value, through all levels: shape, dtype, and whether it is an array.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    array : bool
        False for scalars.
    """

    __slots__ = ()

    @property
    def ndim(self):
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self):
        """Number of elements."""
        size = 1
        for length in self.shape:
            size *= length
        return size


def plain_type(x):
    """The type of the plain value of x. Reads no number: nothing depends on it."""
    return type(specimen(x))


def flags_of(x):
    """The flags of the plain value of x, of which whoever asks takes no notice who owns the memory."""
    return _np.asarray(specimen(x)).flags


def meta(x):
    """Shape, dtype and kind of a value or a traced value. Reads no number: nothing depends on it."""
    raw = specimen(x)
    if isinstance(raw, (_np.ndarray, _np.generic)):
        return Meta(raw.shape, raw.dtype, isinstance(raw, _np.ndarray))
    return Meta(_np.shape(raw), _np.result_type(raw), False)


def pooled_array(tuple shape):
    """A new array of doubles in C order, over memory of the pool if it is large; what it holds means nothing."""
    return c_pooled_array(shape)


def between_places(points, xp, fp, double before, double behind):
    """Where points lie among places, for ``numpy.interp``: (places, weights, slopes).

    A point's value is the sum of two of the values at the places, with these weights; its derivative by the point is
    the slope. Points beyond the ends have the weights ``before`` and ``behind``. None where the arguments are no
    doubles in C order, or of one place only.
    """
    return c_between_places(points, xp, fp, before, behind)


def weighted_at_places(places, weights, g, Py_ssize_t count):
    """Zeros with ``weights * g`` added at the places, both of ``between_places``; None for a g that this is not for."""
    return c_weighted_at_places(places, weights, g, count)


def special_ufuncs():
    """Special functions of float64 that SciPy lacks, as ufuncs by name: what derivatives of its own are."""
    return c_special_ufuncs()


def recurrence(a, b, Py_ssize_t axis, cbool backwards):
    """``y[j] = b[j] + a[j] * y[j-1]`` along an axis, or ``b[j] + a[j+1] * y[j+1]``; beyond the ends y is zero.

    None for what are not two arrays of doubles of one shape in C order.
    """
    return c_recurrence(a, b, axis, backwards)


def scan_adjoint(primitive, stages, a, g, Py_ssize_t axis):
    """What comes back to ``a``, whose slices the primitive combined along an axis, one after the other.

    For the cotangent ``g`` of all stages. None for what are not arrays of doubles in C order, and for another
    primitive.
    """
    return c_scan_adjoint(primitive, stages, a, g, axis)


def segments_adjoint(primitive, results, a, starts, g, Py_ssize_t axis, cbool shares_ties):
    """As ``scan_adjoint``, for the cotangent of what the slices from each start to before the next one gave.

    Where ``shares_ties`` is true the primitive is an extremum, whose cotangent goes to all that attain it alike.
    """
    return c_segments_adjoint(primitive, results, a, starts, g, axis, shares_ties)


cdef class ScanVjp:
    """The vjp of slices that a primitive combines: ``segments_adjoint``, ``scan_adjoint`` or ``slow(g, ans, a, axis)``."""

    cdef object combined, ans, a, starts, slow
    cdef Py_ssize_t axis
    cdef cbool shares_ties

    def __call__(self, g):
        if self.starts is None:
            found = c_scan_adjoint(self.combined, self.ans, self.a, g, self.axis)
        else:
            found = c_segments_adjoint(self.combined, self.ans, self.a, self.starts, g, self.axis, self.shares_ties)
        if found is None and type(g) is _np.ndarray and not g.flags.c_contiguous:
            return self(_np.ascontiguousarray(g))
        return self.slow(g, self.ans, self.a, self.axis) if found is None else found


def scan_vjp(primitive, ans, a, starts, Py_ssize_t axis, cbool shares_ties, slow):
    """The vjp of a scan (where ``starts`` is None), or of reductions of the slices from each start to the next.

    NotImplemented for what is no plain array of doubles, and for a primitive that is not elementwise.
    """
    return _scan_vjp(primitive, ans, a, starts, axis, shares_ties, slow)


cdef object _scan_vjp(primitive, ans, a, starts, Py_ssize_t axis, cbool shares_ties, slow):
    cdef ScanVjp made
    if not c_is_plain_doubles(a) or not c_has_scan_adjoint(primitive):
        return NotImplemented
    made = ScanVjp.__new__(ScanVjp)
    made.combined, made.ans, made.a, made.starts, made.slow = primitive, ans, a, starts, slow
    made.axis, made.shares_ties = axis, shares_ties
    return made


cdef class ScanRule:
    """The maker of the vjps of a scan along an axis."""

    cdef object combined, slow

    def __init__(self, primitive, slow):
        self.combined = primitive
        self.slow = slow

    def __call__(self, ans, a, Py_ssize_t axis):
        return _scan_vjp(self.combined, ans, a, None, axis, False, self.slow)


def sliding_adjoint(g, w, Py_ssize_t start, Py_ssize_t count, cbool w_reversed, cbool result_reversed):
    """The sums of ``g[i + j - start] * w[j]`` for each i below ``count``.

    ``w``, and then the result, in reverse order if so wanted. None for what are not two lines of one real type.
    """
    return c_sliding_adjoint(g, w, start, count, w_reversed, result_reversed)


cdef class SlidingVjp:
    """The vjp of a sliding product for one argument, at the other one: ``sliding_adjoint``, or ``slow(g)``."""

    cdef object w, slow
    cdef Py_ssize_t start, count
    cdef cbool w_reversed, result_reversed

    def __call__(self, g):
        found = c_sliding_adjoint(g, self.w, self.start, self.count, self.w_reversed, self.result_reversed)
        if found is not None:
            return found
        return self.slow(g, self.w, self.start, self.count, self.w_reversed, self.result_reversed)


def sliding_vjp(a, v, mode, Py_ssize_t argnum, cbool correlates, slow):
    """The vjp of ``numpy.convolve`` or ``numpy.correlate`` for one argument.

    ``slow`` has the parameters of ``sliding_adjoint``, and takes what that does not. None for what are not two lines
    of one real type in C order, and for another mode than NumPy's names.
    """
    cdef Py_ssize_t n = 0, m = 0
    cdef SlidingVjp made
    if not c_are_lines(a, v, n, m):
        return None
    made = SlidingVjp.__new__(SlidingVjp)
    # Where in the whole convolution the part of a mode begins. NumPy lays the middle of an even length to the other
    # side if the second one of a correlation is longer.
    if mode == "full":
        made.start = 0
    elif mode == "same":
        made.start = (min(n, m) - 1 + (correlates and n < m)) // 2
    elif mode == "valid":
        made.start = min(n, m) - 1
    else:
        return None
    made.w, made.count = (a, m) if argnum else (v, n)
    made.w_reversed, made.result_reversed = correlates and argnum == 0, correlates and argnum == 1
    made.slow = slow
    return made


def sums_from_behind(x, Py_ssize_t axis):
    """The sums of elements from each place along an axis to its end; None unless x is a plain array of doubles."""
    return c_sums_from_behind(x, axis)


def sorted_places(x, Py_ssize_t axis):
    """Where in the flattened array the elements of x, sorted along an axis, lie, equal ones in their order.

    None where x is no array in C order that this is for, or where the order does not say what ``numpy.sort``
    returns: of NaN, and of zeros of either sign.
    """
    return c_sorted_places(x, axis)


def matched_places(x, y, Py_ssize_t axis):
    """Where in the flattened x the elements of y lie, which are those of x along the axis in another order.

    None where ``sorted_places`` gives it.
    """
    return c_matched_places(x, y, axis)
