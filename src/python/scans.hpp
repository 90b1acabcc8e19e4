// What comes back from scans by an operation of two operands, and from sliding products.
#pragma once

#include "python/hosted.hpp"

namespace fastad::python {

// Whether scan_adjoint() knows the derivatives of this primitive: those of the table's operation.
bool has_scan_adjoint(PyObject* primitive);
// The cotangent of a, whose slices along an axis were combined by the primitive from the first to
// the last, with these stages, for that of all stages or, where `reduces` says so, of the last one.
// None for what are not arrays of doubles in C order.
PyObject* scan_adjoint(PyObject* primitive, PyObject* stages, PyObject* a, PyObject* g,
                       Py_ssize_t axis, bool reduces);

// Whether both are lines of one real type in C order: their lengths.
bool are_lines(PyObject* a, PyObject* v, Py_ssize_t& n, Py_ssize_t& m);
// result[i] = sum of g[i + j - start] * w[j], of `count` elements; w, and then the result, in
// reverse order if so wanted. None for what are not two lines of one real type in C order.
PyObject* sliding_adjoint(PyObject* g, PyObject* w, Py_ssize_t start, Py_ssize_t count,
                          bool w_reversed, bool result_reversed);

}  // namespace fastad::python
