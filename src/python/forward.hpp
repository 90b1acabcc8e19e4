// Forward values on unboxed operands: NumPy's inner loops called directly, or NumPy itself.
#pragma once

#include "python/hosted.hpp"

namespace fastad::python {

PyObject* initialise_forward(PyObject* numpy);
// Whether it is a number of Python's.
inline bool decides_no_dtype(const Value& value) {
    return host::decides_no_dtype(innermost(value));
}
Value complex_number(const Value& value);  // a numpy.complex128 as a Python complex
Value forward(const Op& op, const Value* values, std::size_t count, PyObject* kwnames, Form form);

// The operation on plain numbers, with NumPy's bits and NumPy's warnings.
Value forward_numbers(const Op& op, const Value* values, std::size_t count, Form form);

}  // namespace fastad::python
