// NumPy's protocols on traced arrays: __array_ufunc__ and __array_function__.
#pragma once

#include "python/hosted.hpp"

namespace fastad::python {

// by_function: NumPy's function -> the primitive that answers for it. What the short way does not
// take goes to for_ufunc(ufunc, method, inputs, kwargs), for_function(function, types, args,
// kwargs).
PyObject* install_protocols(PyObject* by_function, PyObject* for_ufunc, PyObject* for_function);

}  // namespace fastad::python
