// Elements at places along an axis, and sums along one from its end: by loops of our own, into
// memory of the pool.
#pragma once

#include "python/hosted.hpp"

namespace fastad::python {

// The operation x[index] for one array of places along the first axis; empty where the memory is
// not plain, or a place out of range, which NumPy then says.
Value taken_at_places(const Op& op, const Value* values, std::size_t count);

// A new array of doubles in C order; what it holds means nothing.
PyObject* pooled_array(PyObject* shape);
// The sums of an array's elements from each place along an axis to the end; None for what is no
// array of doubles in C order.
PyObject* sums_from_behind(PyObject* x, Py_ssize_t axis);
// y[j] = b[j] + a[j] y[j-1] along an axis, or b[j] + a[j+1] y[j+1]; None for what are not two
// arrays of doubles of one shape in C order.
PyObject* recurrence(PyObject* a, PyObject* b, Py_ssize_t axis, bool backwards);
// Where in the flattened array the elements of x, sorted along an axis, lie, equal ones in their
// order; None where that does not say what numpy.sort returns.
PyObject* sorted_places(PyObject* x, Py_ssize_t axis);
// Where in the flattened x the elements of y lie, which are those of x along the axis in another
// order; None where sorted_places() gives it.
PyObject* matched_places(PyObject* x, PyObject* y, Py_ssize_t axis);

}  // namespace fastad::python
