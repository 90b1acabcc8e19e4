// Calls of a primitive: on plain values, on traced ones, on containers that hold them.
#pragma once

#include "python/primitive.hpp"

namespace fastad::python {

PyObject* vectorcall(PyObject* callable, PyObject* const* args, std::size_t flags,
                     PyObject* kwnames);
// An operation that takes its arguments by position is no function of NumPy's: on plain values too
// it is run by the core.
PyObject* vectorcall_by_position(PyObject* callable, PyObject* const* args, std::size_t flags,
                                 PyObject* kwnames);

}  // namespace fastad::python
