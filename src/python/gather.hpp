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

}  // namespace fastad::python
