// Programs on Python's side: recording, replay and the callable that jit returns.
#pragma once

#include "python/hosted.hpp"

namespace fastad::python {

// One value loop of the kernels over a contiguous array of doubles or floats: for their tests.
PyObject* value_loop(const char* name, PyObject* x, PyObject* y);

}  // namespace fastad::python
