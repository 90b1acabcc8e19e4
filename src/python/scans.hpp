// What comes back from scans by an operation of two operands, and from sliding products.
#pragma once

#include "python/hosted.hpp"

namespace fastad::python {

// An array of numpy.float64, of no subclass.
bool is_plain_doubles(PyObject* object);
// Whether scan_adjoint() knows the derivatives of this primitive: those of the table's operation.
bool has_scan_adjoint(PyObject* primitive);
// The cotangent of a, whose slices along an axis were combined by the primitive from the first to
// the last, with these stages, for that of all stages. None for what are not arrays of doubles in C
// order.
PyObject* scan_adjoint(PyObject* primitive, PyObject* stages, PyObject* a, PyObject* g,
                       Py_ssize_t axis);
// The same where the slices from each of the starts (an array of places) to before the next one
// were combined to one result, for the cotangent of these; a start that is not before the next one
// has its own slice. Where the primitive is an extremum those that attain it may share the
// cotangent, instead of each tie on the way halving it.
PyObject* segments_adjoint(PyObject* primitive, PyObject* results, PyObject* a, PyObject* starts,
                           PyObject* g, Py_ssize_t axis, bool shares_ties);

// Whether both are lines of one real type in C order: their lengths.
bool are_lines(PyObject* a, PyObject* v, Py_ssize_t& n, Py_ssize_t& m);
// result[i] = sum of g[i + j - start] * w[j], of `count` elements; w, and then the result, in
// reverse order if so wanted. None for what are not two lines of one real type in C order.
PyObject* sliding_adjoint(PyObject* g, PyObject* w, Py_ssize_t start, Py_ssize_t count,
                          bool w_reversed, bool result_reversed);

}  // namespace fastad::python
